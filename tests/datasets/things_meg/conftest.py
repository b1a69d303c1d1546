"""A participant of THINGS-MEG written by MNE alone, in the layout of the release."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sdc_helpers.datasets.things_meg import THINGSMEG, THINGSMEGResponses

N_TIMES = 90
NAMES = [
    *("MLO11-1609", "MRT21-1609", "MZO01-1609", "MRO12-1609", "MLT33-1609", "MLP11-1609"),
    *("MRP22-1609", "MZC01-1609", "MLC12-1609", "MRF11-1609", "MLF12-1609", "MZF01-1609"),
    *(f"MLF{k}-1609" for k in range(21, 35)),
]
EXP = {5: "bat1/bat1_02s.jpg", 3: "aardvark/aardvark_03s.jpg", 9: "zebra/zebra_01b.jpg"}
EXP |= {20 + k: f"thing{k:02d}/thing{k:02d}_01b.jpg" for k in range(20)}
TEST = {70: "bat1_14s.jpg", 71: "t_shirt_14s.jpg"}


def metadata(rng: np.random.Generator) -> pd.DataFrame:
    """Shuffled trials: each of EXP once, each of TEST in four sessions, six catch trials."""
    rows = [("exp", number, f"images_meg/{path}") for number, path in EXP.items()]
    rows += [("test", number, f"images_test_meg/{path}") for number, path in TEST.items()] * 4
    rows += [("catch", np.nan, f"images_catch_meg/catch{k}.jpg") for k in range(6)]
    rows = [rows[k] for k in rng.permutation(len(rows))]
    table = pd.DataFrame(rows, columns=["trial_type", "things_image_nr", "image_path"])
    n = len(rows)
    return table.assign(session_nr=1 + np.arange(n) * 4 // n, run_nr=1 + np.arange(n) % 3)


@dataclass
class Tree:
    """A participant's data and the files made of it; change the data, then `write`."""

    root: Path
    table: pd.DataFrame
    values: np.ndarray
    names: list[str]
    csv: bool = True
    split_size: str = "2GB"
    codes: np.ndarray | None = None

    @property
    def folder(self) -> Path:
        return self.root / "derivatives" / "preprocessed"

    @property
    def file(self) -> Path:
        return self.folder / "preprocessed_P1-epo.fif"

    @property
    def attributes(self) -> Path:
        return self.root / "sourcedata" / "sample_attributes_P1.csv"

    def write(self) -> Tree:
        import mne

        shutil.rmtree(self.root, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.attributes.parent.mkdir(parents=True)
        info = mne.create_info([*self.names, "stim"], 200.0, ["mag"] * len(self.names) + ["stim"])
        for k, channel in enumerate(info["chs"]):
            channel["loc"][:3] = 0.01 * k, 0.02, 0.1
        codes = self.table["things_image_nr"].fillna(999_999).to_numpy(int)
        codes = codes if self.codes is None else self.codes
        n = len(codes)
        events = np.column_stack([np.arange(n), np.zeros(n, int), codes])
        values = np.concatenate([self.values, np.zeros((n, 1, N_TIMES))], axis=1)
        epochs = mne.EpochsArray(
            values, info, events, tmin=-0.1, baseline=None, metadata=self.table, verbose="error"
        )
        epochs.save(self.file, split_size=self.split_size, verbose="error")
        if self.csv:
            self.table.to_csv(self.attributes, index=False)
        return self

    def read(self, **options) -> THINGSMEGResponses:
        return THINGSMEG(self.root).responses("P1", **options)

    def trials(self, image: str) -> list[int]:
        return [k for k, path in enumerate(self.table["image_path"]) if path.endswith(image)]


@pytest.fixture
def tree(tmp_path) -> Tree:
    rng = np.random.default_rng(7)
    table = metadata(rng)
    values = rng.standard_normal((len(table), len(NAMES), N_TIMES))
    return Tree(tmp_path / "meg", table, values, list(NAMES)).write()


@pytest.fixture
def parts(tree) -> Tree:
    """The same in parts; the data of a trial are 9 kB, and a part needs 1 MB beside them."""
    tree.split_size = "1.1MB"
    tree.write()
    assert len(list(tree.folder.iterdir())) >= 3
    return tree
