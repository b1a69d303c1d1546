"""Small folders of one's own, written by hand and not by the package, for its tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

STUDY = """\
name = "Small"
kind = "simulated"

[embeddings]
file = "embeddings.npy"
stimuli = "stimuli.tsv"
texts = "texts.npy"

[design]
zscore = "run"

[[participants]]
name = "anna"
responses = "anna.npy"
rows = "anna.tsv"
rois = "anna_rois.tsv"

[[participants]]
name = "ben"
responses = "ben.npy"
rows = "ben.tsv"
"""
N_STIMULI, N_DIMENSIONS, N_VOXELS = 48, 6, 12


def write_table(file: Path, **columns: list) -> None:
    """Write a TSV."""
    rows = zip(*columns.values(), strict=True)
    lines = ["\t".join(columns), *("\t".join(map(str, row)) for row in rows)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


class Folder:
    """Two participants, 48 stimuli twice in two runs; tests damage it.

    Responses are the embeddings through a matrix of each participant, with noise.
    """

    def __init__(self, root: Path, n_dimensions: int = N_DIMENSIONS) -> None:
        self.root = root
        root.mkdir(exist_ok=True)
        rng = np.random.default_rng(3)
        self.names = [f"picture_{k:02d}" for k in range(N_STIMULI)]
        self.embeddings = rng.standard_normal((N_STIMULI, n_dimensions))
        self.runs = np.repeat(["1", "2"], N_STIMULI)
        self.order = np.concatenate([rng.permutation(N_STIMULI) for _ in range(2)])
        self.responses = {}
        np.save(root / "embeddings.npy", self.embeddings)
        noise = rng.standard_normal(self.embeddings.shape)
        np.save(root / "texts.npy", self.embeddings + 0.1 * noise + 3)
        write_table(
            root / "stimuli.tsv", stimulus=self.names, caption=[f"a {n}" for n in self.names]
        )
        for name in ("anna", "ben"):
            weights = rng.standard_normal((n_dimensions, N_VOXELS))
            signal = self.embeddings[self.order] @ weights
            self.responses[name] = signal + rng.standard_normal(signal.shape)
            np.save(root / f"{name}.npy", self.responses[name])
            self.rows(name)
        write_table(root / "anna_rois.tsv", roi=["left"] * 5 + ["right"] * 5 + [""] * 2)
        self.study()

    def study(self, *changes: tuple[str, str]) -> None:
        text = STUDY
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (self.root / "study.toml").write_text(text, encoding="utf-8")

    def rows(self, name: str, **changes: list) -> None:
        stimuli = [self.names[k] for k in self.order]
        write_table(self.root / f"{name}.tsv", **{"stimulus": stimuli, "run": self.runs, **changes})
