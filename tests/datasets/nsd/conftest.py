"""A small NSD tree written by hand with h5py, nibabel and plain text, of odd sizes."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import nibabel as nib
import numpy as np
import pytest

from sdc_helpers.datasets.nsd import NSD

LABELS = {0: "Unknown", 1: "OFA", 2: "FFA-1", 3: "FFA-2"}
N_IMAGES = 60


class Tree:
    """Two participants with other grids and numbers of sessions; tests read it naively.

    subj01: (X, Y, Z) = (6, 7, 5), sessions 1-3 of 10 trials, betas of all; subj03: (4, 5, 9),
    sessions 1-2 of 12 trials, betas of session 2 only.
    """

    grids = {"subj01": (6, 7, 5), "subj03": (4, 5, 9)}  # noqa: RUF012
    n_sessions = {"subj01": 3, "subj03": 2}  # noqa: RUF012
    n_trials = {"subj01": 10, "subj03": 12}  # noqa: RUF012
    affine = np.array([[1.8, 0, 0, -10], [0, 1.8, 0, -20], [0, 0, 1.8, -30], [0, 0, 0, 1.0]])
    layouts = {  # noqa: RUF012
        "one chunk a voxel": lambda t, z, y, x: {"chunks": (t, 1, 1, 1)},
        "contiguous": lambda *_: {},
        "odd chunks": lambda t, z, y, x: {"chunks": (4, 2, 3, 2)},
        "gzip, one chunk a voxel": lambda t, z, y, x: {
            "chunks": (t, 1, 1, 1),
            "compression": "gzip",
            "shuffle": True,
        },
        "one chunk a trial": lambda t, z, y, x: {"chunks": (1, z, y, x)},
    }

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rng = np.random.default_rng(3)
        self.stored: dict[tuple[str, int], np.ndarray] = {}
        self.image_ids: dict[str, np.ndarray] = {}
        for participant in self.grids:
            self.write_participant(participant)
        self.write_stim_info()
        self.images = self.rng.integers(0, 256, size=(N_IMAGES, 4, 5, 3), dtype=np.uint8)
        self.write_hdf5(self.stimuli, "imgBrick", self.images)
        self.write_captions()

    # paths, spelt out once more on purpose
    def betas(self, participant: str, session: int) -> Path:
        folder = f"nsddata_betas/ppdata/{participant}/func1pt8mm/betas_fithrf_GLMdenoise_RR"
        return self.root / folder / f"betas_session{session:02d}.hdf5"

    def functional(self, participant: str) -> Path:
        return self.root / "nsddata" / "ppdata" / participant / "func1pt8mm"

    def responses(self, participant: str) -> Path:
        return self.root / "nsddata" / "ppdata" / participant / "behav" / "responses.tsv"

    def table(self, participant: str, roi: str) -> Path:
        return self.root / f"nsddata/freesurfer/{participant}/label/{roi}.mgz.ctab"

    @property
    def stim_info(self) -> Path:
        return self.root / "nsddata" / "experiments" / "nsd" / "nsd_stim_info_merged.csv"

    @property
    def stimuli(self) -> Path:
        return self.root / "nsddata_stimuli" / "stimuli" / "nsd" / "nsd_stimuli.hdf5"

    def captions(self, split: str) -> Path:
        return self.root / "annotations" / f"captions_{split}.json"

    def write_participant(self, participant: str) -> None:
        n_sessions, n_trials = self.n_sessions[participant], self.n_trials[participant]
        grid = self.grids[participant]
        for session in range(1, n_sessions + 1):
            data = self.rng.integers(-900, 900, size=(n_trials, *grid[::-1])).astype(np.int16)
            self.stored[participant, session] = data
            if participant == "subj01" or session == 2:
                self.write_betas(participant, session, data, "one chunk a voxel")
        ids = self.rng.integers(1, N_IMAGES + 1, size=n_sessions * n_trials)
        ids[[0, 7, n_trials + 1]] = 17  # three showings over two sessions
        self.image_ids[participant] = ids
        self.write_responses(participant, self.response_rows(participant))

        self.write_nifti(self.functional(participant) / "brainmask.nii.gz", self.brain(participant))
        ncsnr = self.rng.random(grid).astype(np.float32)
        self.write_nifti(self.betas(participant, 1).with_name("ncsnr.nii.gz"), ncsnr)
        for name in ("floc-faces", "lh.floc-faces", "nsdgeneral"):
            top = 2 if name == "nsdgeneral" else 4
            labels = self.rng.integers(-1, top, size=grid).astype(np.int16)
            self.write_nifti(self.functional(participant) / "roi" / f"{name}.nii.gz", labels)
        self.table(participant, "floc-faces").parent.mkdir(parents=True)
        self.table(participant, "floc-faces").write_text(
            "".join(f"{number} {name}\n" for number, name in LABELS.items())
        )

    def brain(self, participant: str) -> np.ndarray:
        mask = np.zeros(self.grids[participant], dtype=np.uint8)
        mask[1:-1, 1:-1, 1:-1] = 1
        return mask

    def response_rows(self, participant: str) -> list[dict]:
        n_trials = self.n_trials[participant]
        return [
            {
                "SUBJECT": int(participant[-2:]),
                "SESSION": 1 + i // n_trials,
                "RUN": 1 + (i % n_trials) // 6,
                "TRIAL": 1 + (i % n_trials) % 6,
                "73KID": int(image),
                "10KID": 1 + i,
                "RT": "NaN" if i % 4 == 0 else 700.5 + i,
                "ISOLD": i % 2,
            }
            for i, image in enumerate(self.image_ids[participant])
        ]

    def write_responses(self, participant: str, rows: list[dict]) -> None:
        lines = [rows[0].keys(), *(row.values() for row in rows)]
        self.responses(participant).parent.mkdir(parents=True, exist_ok=True)
        text = "".join("\t".join(map(str, line)) + "\n" for line in lines)
        self.responses(participant).write_text(text)

    def write_stim_info(self, drop: str | None = None) -> None:
        header = ["", "cocoId", "cocoSplit", "cropBox", "nsdId", "shared1000"]
        rows = [
            [i, 1000 + 7 * i, "val2017" if i % 5 == 0 else "train2017", '"(0, 0, 0.1, 0.2)"', i,
             i % 3 == 0]
            for i in range(N_IMAGES)
        ]  # fmt: skip
        keep = [k for k, name in enumerate(header) if name != drop]
        self.stim_info.parent.mkdir(parents=True, exist_ok=True)
        self.stim_info.write_text(
            "".join(",".join(str(row[k]) for k in keep) + "\n" for row in [header, *rows])
        )

    def write_captions(self) -> None:
        for split, remainders in (("val2017", {0}), ("train2017", {1, 2, 3, 4})):
            annotations = [
                {"id": 100 * i + k, "image_id": 1000 + 7 * i, "caption": f"image {i}, text {k}"}
                for k in range(5)
                for i in range(N_IMAGES)
                if i % 5 in remainders
            ]
            self.captions(split).parent.mkdir(parents=True, exist_ok=True)
            self.captions(split).write_text(json.dumps({"annotations": annotations}))

    def write_betas(self, participant: str, session: int, data: np.ndarray, layout: str) -> None:
        options = self.layouts[layout](*data.shape)
        self.stored[participant, session] = data
        self.write_hdf5(self.betas(participant, session), "betas", data, **options)

    @staticmethod
    def write_hdf5(file: Path, name: str, data: np.ndarray, **options) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(file, "w") as handle:
            handle.create_dataset(name, data=data, **options)

    def write_nifti(self, file: Path, data: np.ndarray) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(data, self.affine), file)

    def naive(self, participant: str, sessions, mask: np.ndarray) -> np.ndarray:
        """Read whole arrays, turn the axes round, mask: (trials, voxels) in percent."""
        whole = np.concatenate([self.stored[participant, s] for s in sessions])
        volumes = np.transpose(whole, (0, 3, 2, 1))  # trials, X, Y, Z
        return volumes[:, mask].astype(np.float32) / np.float32(300)


@pytest.fixture
def tree(tmp_path) -> Tree:
    return Tree(tmp_path / "nsd")


@pytest.fixture
def nsd(tree) -> NSD:
    return NSD(tree.root, cache=False)
