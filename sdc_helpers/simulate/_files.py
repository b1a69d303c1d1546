"""Writers of the files of the Natural Scenes Dataset; same content, same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.simulate.cortex import Cortex
from sdc_helpers.simulate.design import N_REPETITIONS, Design
from sdc_helpers.simulate.rois import LABELS

if TYPE_CHECKING:
    import pandas as pd

N_SUBJECTS = 8  # columns of the stimulus table, however many take part
SPACE = "func1pt8mm"
BETAS = "betas_fithrf_GLMdenoise_RR"
CAPTION_SPLITS = ("train2017", "val2017")
_N_COCO = 581_929  # ids of COCO 2017 go up to here
_VAL_SHARE = 0.1
_COLOURS = ((220, 60, 60), (60, 120, 220), (80, 180, 80), (230, 170, 40), (150, 80, 190))


def write_betas(file: Path, betas: np.ndarray, cortex: Cortex) -> None:
    """Write a session: `betas` int16 (trials, Z, Y, X), the series of a voxel being a chunk.

    Parameters
    ----------
    file : pathlib.Path
        File to write.
    betas : int16 array of shape (n_voxels, n_trials)
        300 times the percent signal change, rows as in the cortex.
    cortex : Cortex
        Where they go; chunks outside the brain are not stored and read as 0.
    """
    import h5py

    n_trials = betas.shape[1]
    rows = np.ascontiguousarray(betas, dtype="<i2")
    zyx = cortex.voxels[:, ::-1]
    order = np.lexsort(zyx.T[::-1])  # as the file is indexed
    file.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(file, "w") as handle:
        shape = (n_trials, *cortex.shape[::-1])
        dataset = handle.create_dataset("betas", shape, dtype="<i2", chunks=(n_trials, 1, 1, 1))
        write = dataset.id.write_direct_chunk
        for i, (z, y, x) in zip(order.tolist(), zyx[order].tolist(), strict=True):
            write((0, z, y, x), rows[i].data)


def write_volume(file: Path, volume: np.ndarray, affine: np.ndarray) -> None:
    """Write a NIfTI volume (X, Y, Z) with its affine, in millimetres of MNI space."""
    import nibabel

    image = nibabel.Nifti1Image(volume, affine)
    image.set_sform(affine, code="mni")
    image.set_qform(affine, code="mni")
    image.header.set_xyzt_units("mm")
    file.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, file)


def write_rois(folder: Path, labels: Path, cortex: Cortex, rois: dict[str, np.ndarray]) -> None:
    """Write each ROI as a volume, one for each hemisphere, and the table of its labels."""
    labels.mkdir(parents=True, exist_ok=True)
    for name, numbers in rois.items():
        for prefix, kept in (
            ("", np.ones(len(numbers), dtype=bool)),
            ("lh.", ~cortex.is_right),
            ("rh.", cortex.is_right),
        ):
            volume = cortex.volume(np.where(kept, numbers, -1).astype(np.int32), outside=-1)
            write_volume(folder / f"{prefix}{name}.nii.gz", volume, cortex.affine)
        lines = ["0 Unknown 0 0 0 0"]
        for number, label in enumerate(LABELS[name], 1):
            red, green, blue = _COLOURS[(number - 1) % len(_COLOURS)]
            lines.append(f"{number} {label} {red} {green} {blue} 0")
        text = "\n".join(lines) + "\n"
        (labels / f"{name}.mgz.ctab").write_text(text, encoding="utf-8")


def write_responses(file: Path, table: pd.DataFrame) -> None:
    """Write ``responses.tsv``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(file, sep="\t", index=False, na_rep="NaN", lineterminator="\n")


def stimulus_table(design: Design, rng: np.random.Generator) -> pd.DataFrame:
    """Describe every image as ``nsd_stim_info_merged.csv`` does; invented COCO ids.

    Parameters
    ----------
    design : Design
        The experiment.
    rng : numpy.random.Generator
        Draws the ids.

    Returns
    -------
    pandas.DataFrame
        A row an image, by nsdId from 0. ``subjectN_repK`` is the trial of the K-th showing,
        counted from 1 over all sessions, 0 where it is not shown.
    """
    import pandas as pd

    n = design.n_images
    is_shared = np.zeros(n, dtype=bool)
    is_shared[design.images[0, : design.n_shared]] = True
    is_val = rng.permutation(n) < round(_VAL_SHARE * n)
    table = {
        "cocoId": rng.choice(_N_COCO, n, replace=False) + 1,
        "cocoSplit": np.where(is_val, CAPTION_SPLITS[1], CAPTION_SPLITS[0]),
        "cropBox": "(0, 0, 0, 0)",
        "loss": 0.0,
        "nsdId": np.arange(n),
        "flagged": False,
        "BOLD5000": False,
        "shared1000": is_shared,
    }
    shown = np.argsort(design.order, kind="stable").reshape(-1, N_REPETITIONS) + 1
    trials = np.zeros((N_SUBJECTS, n, N_REPETITIONS), dtype=np.int64)
    for subject, images in enumerate(design.images):
        trials[subject, images] = shown
    for subject in range(N_SUBJECTS):
        table[f"subject{subject + 1}"] = (trials[subject, :, 0] > 0).astype(int)
    for subject in range(N_SUBJECTS):
        for k in range(N_REPETITIONS):
            table[f"subject{subject + 1}_rep{k}"] = trials[subject, :, k]
    return pd.DataFrame(table)


def write_captions(folder: Path, stimuli: pd.DataFrame, captions: Sequence[Sequence[str]]) -> None:
    """Write ``captions_train2017.json`` and ``captions_val2017.json`` as COCO has them."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    for split in CAPTION_SPLITS:
        images, annotations = [], []
        for row in np.flatnonzero(stimuli["cocoSplit"] == split):
            image = int(stimuli["cocoId"].iloc[row])
            images.append({"id": image, "file_name": f"{image:012d}.jpg"})
            for text in captions[row]:
                number += 1
                annotations.append({"image_id": image, "id": number, "caption": text})
        content = {
            "info": {"description": f"Simulated captions in the format of COCO {split}"},
            "licenses": [],
            "images": images,
            "annotations": annotations,
        }
        text = json.dumps(content, separators=(",", ":"))
        (folder / f"captions_{split}.json").write_text(text, encoding="utf-8")


def write_stimuli(file: Path, n: int, size: int, blocks: Iterable[np.ndarray]) -> None:
    """Write ``nsd_stimuli.hdf5``: `imgBrick` uint8 (n, size, size, 3) from consecutive blocks."""
    import h5py

    file.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(file, "w") as handle:
        brick = handle.create_dataset("imgBrick", (n, size, size, 3), dtype=np.uint8)
        first = 0
        for block in blocks:
            brick[first : first + len(block)] = block
            first += len(block)


def estimate_ncsnr(betas: np.ndarray, design: Design) -> np.ndarray:
    """Estimate the noise-ceiling SNR from all trials, as NSD's released volumes do.

    Betas are z-scored within sessions; the noise variance is the mean over pictures of the
    variance (ddof=1) of their three responses, and the signal has what is left of 1 (Allen et al.
    2022, Nature Neuroscience 25, 116-126).

    Parameters
    ----------
    betas : int16 array of shape (n_voxels, n_trials)
        300 times the percent signal change.
    design : Design
        The experiment, which says which picture and session a trial belongs to.

    Returns
    -------
    float32 array of shape (n_voxels,)
        0 where the estimated signal variance is not positive.
    """
    z = betas.astype(np.float32)
    for session in np.unique(design.session):
        columns = design.session == session
        part = z[:, columns]
        z[:, columns] = (part - part.mean(axis=1, keepdims=True)) / part.std(axis=1, keepdims=True)
    repeats = np.argsort(design.order, kind="stable").reshape(-1, N_REPETITIONS)
    noise = np.zeros(len(z), dtype=np.float64)
    for part in np.array_split(repeats, max(1, len(repeats) // 200)):
        noise += z[:, part].var(axis=2, ddof=1).sum(axis=1)
    noise /= len(repeats)
    return np.sqrt((1 - noise).clip(0) / noise).astype(np.float32)
