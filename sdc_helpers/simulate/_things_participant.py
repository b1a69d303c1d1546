"""One simulated participant of THINGS-fMRI: the three files, and what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.datasets.ceilings import ncsnr, noise_ceiling
from sdc_helpers.datasets.things import KEY, RESPONSES, STIMULI, VOXELS

if TYPE_CHECKING:
    import h5py
    import pandas as pd

ROI_COLUMNS: tuple[str, ...] = (
    *("V1", "V2", "V3", "hV4", "VO1", "VO2", "LO1 (prf)", "LO2 (prf)", "TO1", "TO2", "V3b", "V3a"),
    *(f"{side}{area}" for area in ("EBA", "FFA", "OFA", "STS", "PPA", "RSC") for side in "lr"),
    *(f"{side}{area}" for area in ("TOS", "LOC") for side in "lr"),
)
"""ROI columns of the release's voxel tables, in their order."""

_RELIABILITIES = ("nc_singletrial", "nc_testset", "splithalf_uncorrected", "splithalf_corrected")
_PRF_RANGES = {
    "prf-eccentricity": (0.2, 8.0),  # degrees of visual angle
    "prf-polarangle": (0.0, 360.0),  # degrees
    "prf-rsquared": (0.0, 0.6),
    "prf-size": (0.3, 5.0),  # degrees of visual angle
}
_RETINOTOPIC = ROI_COLUMNS[:12]
_BETA_SD = 0.07  # about that of the release's responses
_TRIALS_A_RUN = 82  # 820 trials of a session in 10 runs
_LAYOUT = 10_000  # index of the random stream that is of no ROI


@dataclass(frozen=True, eq=False)
class Plan:
    """What all participants have in common.

    `readouts` maps a ROI to a matrix (n_images, k) whose product with standard normal weights
    (k, n_voxels) is the signal of its voxels; `fractions` to the share of variance it makes up.
    """

    images: tuple[str, ...]
    n_test: int
    n_sessions: int
    sizes: dict[str, int]
    n_other_voxels: int
    readouts: dict[str, np.ndarray]
    fractions: dict[str, float]
    seed: int

    @property
    def test_images(self) -> range:
        """Indices of the images that are shown in every session."""
        return range(len(self.images) - self.n_test, len(self.images))

    def stream(self, participant: int, index: int) -> np.random.Generator:
        """Random numbers of one ROI (its index), or of the layout, of one participant."""
        return np.random.default_rng([self.seed, participant, index])


def write_participant(prefix: Path, number: int, plan: Plan) -> None:
    """Write ``<prefix>_ResponseData.h5`` and the two tables of the participant of this number."""
    layout = plan.stream(number, _LAYOUT)
    stimuli, shown = _stimulus_table(number, plan, layout)
    voxels = _voxel_table(number, plan, layout)
    betas = _betas(number, plan, voxels, shown)
    tested = [np.flatnonzero(shown == image) for image in plan.test_images]
    repetitions = betas[:, np.stack(tested, axis=1)]
    for name, values in _reliability(repetitions).items():
        voxels[name] = values
    stimuli.to_csv(f"{prefix}_{STIMULI}", index=False)
    voxels.to_csv(f"{prefix}_{VOXELS}", index=False)
    _write_responses(Path(f"{prefix}_{RESPONSES}"), voxels["voxel_id"].to_numpy(), betas)


def _stimulus_table(
    number: int, plan: Plan, rng: np.random.Generator
) -> tuple[pd.DataFrame, np.ndarray]:
    """Stimulus table in the release's columns, and the index of the image of each trial."""
    import pandas as pd

    test = np.array(plan.test_images)
    sessions, runs, shown = [], [], []
    for session in range(plan.n_sessions):
        train = np.arange(session, test[0], plan.n_sessions)
        trials = rng.permutation(np.concatenate([train, test]))
        shown.append(trials)
        sessions.append(np.full(len(trials), session + 1))
        runs.append(np.arange(len(trials)) // _TRIALS_A_RUN + 1)
    images = np.concatenate(shown)
    table = pd.DataFrame(
        {
            "trial_type": np.where(images >= test[0], "test", "train"),
            "session": np.concatenate(sessions),
            "run": np.concatenate(runs),
            "subject_id": number,
            "trial_id": np.arange(len(images)),
            "stimulus": np.array(plan.images)[images],
        }
    )
    return table, images


def _voxel_table(number: int, plan: Plan, rng: np.random.Generator) -> pd.DataFrame:
    """Voxel table in the release's columns; reliabilities are filled in later."""
    import pandas as pd

    regions = np.repeat([*plan.sizes, ""], [*plan.sizes.values(), plan.n_other_voxels])
    regions = rng.permutation(regions)
    n = len(regions)
    side = int(np.ceil(n ** (1 / 3)))
    x, y, z = np.unravel_index(np.arange(n), (side, side, side))
    table = {"voxel_id": np.arange(n), "subject_id": number}
    table |= {"voxel_x": x, "voxel_y": y, "voxel_z": z}
    table |= dict.fromkeys(_RELIABILITIES, 0.0)
    mapped = np.isin(regions, _RETINOTOPIC)
    for name, (low, high) in _PRF_RANGES.items():
        table[name] = np.where(mapped, rng.uniform(low, high, size=n), 0.0)
    table |= {roi: (regions == roi).astype(int) for roi in ROI_COLUMNS}
    return pd.DataFrame(table)


def _betas(number: int, plan: Plan, voxels: pd.DataFrame, shown: np.ndarray) -> np.ndarray:
    """Single-trial responses (n_voxels, n_trials), float64."""
    betas = np.empty((len(voxels), len(shown)))
    in_no_roi = ~voxels[list(ROI_COLUMNS)].any(axis=1)
    for index, roi in enumerate((*ROI_COLUMNS, None)):
        rows = np.flatnonzero(in_no_roi if roi is None else voxels[roi])
        rng = plan.stream(number, index)
        fraction = plan.fractions.get(roi, 0.0)
        signal = 0.0
        if roi in plan.readouts:
            readout = plan.readouts[roi]
            signal = (readout @ rng.standard_normal((readout.shape[1], len(rows))))[shown].T
        noise = rng.standard_normal((len(rows), len(shown)))
        betas[rows] = _BETA_SD * (np.sqrt(fraction) * signal + np.sqrt(1 - fraction) * noise)
    return betas


def readout(features: np.ndarray) -> np.ndarray:
    """Matrix (n_images, min(n_images, d)) with the Gram matrix of the centred, scaled features.

    Its product with normal weights has the distribution of the features' own with as many weights.
    """
    centred = features - features.mean(axis=0)
    centred /= np.sqrt(np.mean(np.sum(centred**2, axis=1)))
    if centred.shape[0] >= centred.shape[1]:
        return centred
    values, vectors = np.linalg.eigh(centred @ centred.T)
    return vectors * np.sqrt(np.clip(values, 0, None))


def _reliability(repetitions: np.ndarray) -> dict[str, np.ndarray]:
    """Noise ceilings (percent) and split-half correlations of (n_voxels, n_repetitions, n_images).

    Each repetition is z-scored over images first. The halves are the odd and even repetitions, and
    the corrected correlation is that of Spearman and Brown.
    """
    n_voxels, n_repetitions, n_images = repetitions.shape
    centred = repetitions - repetitions.mean(axis=2, keepdims=True)
    z = centred / centred.std(axis=2, keepdims=True)
    images = np.tile(np.arange(n_images), n_repetitions)
    snr = ncsnr(z.reshape(n_voxels, -1).T, images, np.full(images.shape, True), n_repetitions)
    halves = z[:, ::2].mean(axis=1), z[:, 1::2].mean(axis=1)
    norms = [np.linalg.norm(half, axis=1) for half in halves]
    r = np.sum(halves[0] * halves[1], axis=1) / (norms[0] * norms[1])
    return {
        "nc_singletrial": noise_ceiling(snr),
        "nc_testset": noise_ceiling(snr, n_repetitions),
        "splithalf_uncorrected": r,
        "splithalf_corrected": 2 * r / (1 + r),
    }


def _write_responses(file: Path, voxel_ids: np.ndarray, betas: np.ndarray) -> None:
    """Write a frame as pandas' ``to_hdf(key="ResponseData")`` lays it out, fixed format.

    The one difference: column names are text throughout ("0", "1", ...), where the release has
    integers beside "voxel_id", a mixture that PyTables can only store as a pickle.
    """
    import h5py

    trials = np.arange(betas.shape[1]).astype("S")
    names = np.array([b"voxel_id"])
    nodes = {
        "axis0": (np.concatenate([names, trials]), "string"),
        "axis1": (np.arange(len(betas)), "integer"),
        "block0_values": (betas, None),
        "block0_items": (trials, "string"),
        "block1_values": (voxel_ids[:, None].astype(np.int64), None),
        "block1_items": (names, "string"),
    }
    with h5py.File(file, "w") as handle:
        _set_attributes(handle, CLASS="GROUP", VERSION="1.0", PYTABLES_FORMAT_VERSION="2.1")
        group = handle.create_group(KEY)
        _set_attributes(group, CLASS="GROUP", VERSION="1.0", encoding="UTF-8", errors="strict")
        _set_attributes(group, pandas_type="frame", pandas_version="0.15.2", ndim=2, nblocks=2)
        for name, (values, kind) in nodes.items():
            node = group.create_dataset(name, data=values)
            _set_attributes(node, CLASS="ARRAY", VERSION="2.4", FLAVOR="numpy", transposed=1)
            if kind:
                _set_attributes(node, kind=kind)
                _set_attributes(group, **{f"{name}_variety": "regular"})


def _set_attributes(node: h5py.HLObject, **attributes: str | int) -> None:
    """Set attributes in the types that PyTables writes: UTF-8 of fixed length, int64."""
    import h5py

    for name, value in attributes.items():
        if isinstance(value, str):
            encoded = value.encode()
            kind = h5py.string_dtype("utf-8", len(encoded))
            node.attrs.create(name, np.array(encoded, dtype=kind), dtype=kind)
        else:
            node.attrs.create(name, np.int64(value))
