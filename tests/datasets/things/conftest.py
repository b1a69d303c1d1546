"""A participant of THINGS-fMRI written by hand, in the layout of the release."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from sdc_helpers.datasets.things import THINGSfMRI, THINGSResponses

P = "sub-01"
CONCEPTS = ("aardvark", "bat1", "t_shirt", "zebra")
TEST_IMAGES = ("bat1_14s.jpg", "zebra_14s.jpg")
ROIS = {"V1": (0, 2, 5), "V2": (5, 7), "LO1 (prf)": (9,), "lFFA": (), "rFFA": (10, 11)}
N_VOXELS = 12


def pickled(labels: list) -> np.ndarray:
    """One variable-length row of bytes: what PyTables makes of mixed column names."""
    return np.frombuffer(pickle.dumps(labels), dtype=np.uint8)


@dataclass
class Tree:
    """A participant's data and the files made of it; change the data, then `write`."""

    root: Path
    ids: np.ndarray
    values: np.ndarray
    stimuli: pd.DataFrame
    voxels: pd.DataFrame
    labels: str = "pickled"
    storage: dict = field(default_factory=dict)
    participant: str = P

    def file(self, kind: str) -> Path:
        return self.root / f"{self.participant}_{kind}"

    def write(self) -> Tree:
        self.root.mkdir(exist_ok=True)
        self.stimuli.to_csv(self.file("StimulusMetadata.csv"), index=False)
        self.voxels.to_csv(self.file("VoxelMetadata.csv"), index=False)
        with h5py.File(self.file("ResponseData.h5"), "w") as handle:
            group = handle.create_group("ResponseData")
            group.create_dataset("axis1", data=np.arange(len(self.ids)))
            group.create_dataset("block0_values", data=self.values, **self.storage)
            group.create_dataset("block1_values", data=self.ids[:, None])
            columns = list(range(self.values.shape[1]))
            self._write_labels(group, "axis0", ["voxel_id", *columns])
            self._write_labels(group, "block0_items", columns)
            self._write_labels(group, "block1_items", ["voxel_id"])
        return self

    def _write_labels(self, group: h5py.Group, name: str, labels: list) -> None:
        if self.labels == "pickled":
            node = group.create_dataset(name, (1,), dtype=h5py.vlen_dtype(np.uint8))
            node[0] = pickled(labels)
        elif self.labels == "text":
            group.create_dataset(name, data=np.array([str(x) for x in labels]).astype("S"))

    def edit(self, change) -> None:
        with h5py.File(self.file("ResponseData.h5"), "r+") as handle:
            change(handle)

    def read(self, **options) -> THINGSResponses:
        return THINGSfMRI(self.root).responses(P, **options)

    def trials(self, image: str) -> list[int]:
        return [k for k, name in enumerate(self.stimuli["stimulus"]) if name == image]


@pytest.fixture
def tree(tmp_path) -> Tree:
    rng = np.random.default_rng(7)
    rows = []
    for session in (1, 2, 3):
        shown = [("train", f"{concept}_{session:02d}s.jpg") for concept in CONCEPTS]
        shown += [("test", image) for image in TEST_IMAGES]
        for k in rng.permutation(len(shown)):
            rows.append((shown[k][0], session, 1 + len(rows) % 2, 1, len(rows), shown[k][1]))
    names = ["trial_type", "session", "run", "subject_id", "trial_id", "stimulus"]
    ids = rng.permutation(1000)[:N_VOXELS]
    voxels = pd.DataFrame({"voxel_id": ids, "subject_id": 1})
    for axis in "xyz":
        voxels[f"voxel_{axis}"] = rng.integers(0, 60, N_VOXELS)
    for name in ("nc_singletrial", "nc_testset", "splithalf_corrected", "prf-size"):
        voxels[name] = rng.uniform(0, 50, N_VOXELS)
    for roi, members in ROIS.items():
        voxels[roi] = np.isin(np.arange(N_VOXELS), members).astype(int)
    return Tree(
        root=tmp_path / "things",
        ids=ids,
        values=rng.standard_normal((N_VOXELS, len(rows))),
        stimuli=pd.DataFrame(rows, columns=names),
        voxels=voxels,
    ).write()
