"""What each voxel of a simulated participant answers, and how noisily.

The response of voxel v in trial t, in percent signal change, is

    beta = signal(picture) + drift_v m(t) + offset_v(session) + noise,

with a signal of variance s over the participant's pictures, m of variance 1 within each session
and white noise. The true noise-ceiling SNR is sqrt(s / (drift_v^2 + white noise variance)); session
offsets do not enter, since betas are z-scored within sessions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.simulate.concepts import SHARED, SIDE_WAYS, Concept, concepts_of
from sdc_helpers.simulate.cortex import Cortex, grow_patches
from sdc_helpers.simulate.design import Design
from sdc_helpers.simulate.worlds import World, find_world

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array

KINDS: dict[str, str] = {
    "shared": "a concept that all participants have",
    "private": "a concept that this participant alone has",
    "few": "a concept that two or three participants have",
    "mixture": "six shared concepts about equally, with random signs: belongs to no concept",
    "drift": "head motion and scanner drift in time with other participants; no picture matters",
    "unexplained": "reliable, but different for each picture and voxel: no concept explains it",
    "noise": "noise alone",
}
"""What a voxel can be; the truth table names one for each. "few" is of the hard world alone."""

SCALE = 300  # stored integers of one percent signal change
_SITE_JITTER_MM = 2.5
_SIZE_SPREAD = 0.15
_N_MIXED = 6  # concepts in a mixture: each explains a sixth of it
_MOTION_SHARED = 0.6  # share of variance of m that is the same in all participants
_REFERENCE_MM3 = 64.0  # patch sizes are given in voxels of this volume


@dataclass(frozen=True, eq=False)
class Tuning:
    """What every voxel of one participant is; rows as in its cortex.

    Attributes
    ----------
    kind, concept, site : str arrays of shape (n_voxels,)
        Key of `KINDS`, name of the concept and of the site ("" without).
    weights : float array of shape (n_voxels, n_concepts)
        On the standardised concepts, before scaling; columns as `concept_values` gives them.
    unexplained : float array of shape (n_voxels,)
        Weight of the signal that no concept explains.
    ncsnr : float array of shape (n_voxels,)
        Ratio of the standard deviations of signal and noise that the participant has.
    noise_sd, drift : float arrays of shape (n_voxels,)
        Standard deviation of all noise, and of the part of it that is drift; percent signal change.
    centres : dict of str to list
        Centre in millimetres of each patch of each concept.
    """

    kind: np.ndarray
    concept: np.ndarray
    site: np.ndarray
    weights: np.ndarray
    unexplained: np.ndarray
    ncsnr: np.ndarray
    noise_sd: np.ndarray
    drift: np.ndarray
    centres: dict[str, list[list[float]]]


def kinds_of(world: str) -> dict[str, str]:
    """Return the kinds of voxels that a world has, and what each is."""
    absent = {"few"} if _is_easy(find_world(world)) else {"private"}
    return {kind: text for kind, text in KINDS.items() if kind not in absent}


def _is_easy(world: World) -> bool:
    return all(len(owners) == 1 for owners in world.owners.values())


def make_tuning(
    cortex: Cortex,
    participant: int,
    names: list[str],
    is_poor: bool,
    rng: np.random.Generator,
    world: str = "easy",
) -> Tuning:
    """Decide what every voxel responds to.

    Parameters
    ----------
    cortex : Cortex
        The participant's voxels.
    participant : int
        Number of the participant, from 1.
    names : list of str
        Names of the concepts, the columns of `concept_values`.
    is_poor : bool
        Whether its data are poor: the noise is larger (2.2 times in the easy world, 1.3 in the
        hard one), the signals are not.
    rng : numpy.random.Generator
        Decides places, sizes, gains, mixtures and noise.
    world : {"easy", "hard"}
        Whose concepts, ceilings and drift; see `worlds`.

    Returns
    -------
    Tuning
    """
    n, of = len(cortex.voxels), find_world(world)
    kind = np.full(n, "noise", dtype="U11")
    concept, site = np.full(n, "", dtype="U16"), np.full(n, "", dtype="U24")
    weights, unexplained, nc = np.zeros((n, len(names))), np.zeros(n), np.zeros(n)
    centres: dict[str, list[list[float]]] = {}
    for planted, name, centre, rows in _plant(cortex, participant, world, rng):
        kind[rows] = "shared" if planted.is_shared else ("private" if _is_easy(of) else "few")
        concept[rows], site[rows] = planted.name, name
        weights[rows] = _concept_weights(planted, names, len(rows), rng)
        unexplained[rows] = np.sqrt(rng.uniform(0.05, 0.20, len(rows)))
        centres.setdefault(planted.name, []).append(np.round(centre, 2).tolist())
    for planted in concepts_of(participant, world):
        rows = concept == planted.name
        strength = rng.uniform(0.85, 1.15)
        ceilings = strength * rng.normal(of.ceiling, of.ceiling_sd, rows.sum())
        nc[rows] = ceilings.clip(*of.ceiling_range)
    free = rng.permutation(np.flatnonzero(cortex.is_visual & (kind == "noise")))
    n_mixture, n_drift, n_noise = (int(f * cortex.is_visual.sum()) for f in (0.02, 0.03, 0.10))
    mixture, drifting, _, other = np.split(free, np.cumsum((n_mixture, n_drift, n_noise)))
    kind[mixture], kind[other] = "mixture", "unexplained"
    weights[mixture] = _mixture_weights(names, len(mixture), rng)
    nc[mixture] = rng.uniform(*of.mixture_ceiling, len(mixture))
    unexplained[other] = 1.0
    nc[other] = _unexplained_ceiling(cortex.mm[other], rng)
    if max(of.drift_ceiling) > 0:  # it answers pictures too, so that it is not left out
        unexplained[drifting], nc[drifting] = 1.0, rng.uniform(*of.drift_ceiling, len(drifting))
    elsewhere = np.flatnonzero(~cortex.is_visual)
    drifting = np.concatenate([drifting, rng.permutation(elsewhere)[: len(elsewhere) // 8]])
    kind[drifting] = "drift"

    sd = 1.5 * np.exp(rng.normal(0, 0.25, n))
    share = np.where(kind == "drift", rng.uniform(0.4, 0.7, n), rng.beta(1, 40, n))
    if of.driven > 0:
        planted_rows = np.flatnonzero(concept != "")
        driven = planted_rows[rng.random(len(planted_rows)) < of.driven]
        share[driven] = rng.uniform(0.1, 0.3, len(driven))
    poor = of.poor_noise if is_poor else 1.0
    ncsnr = np.sqrt(nc / (1 - nc)) / poor
    return Tuning(
        kind,
        concept,
        site,
        weights,
        unexplained,
        ncsnr,
        poor * sd,
        poor * sd * np.sqrt(share),
        centres,
    )


def _plant(
    cortex: Cortex, participant: int, world: str, rng: np.random.Generator
) -> list[tuple[Concept, str, np.ndarray, np.ndarray]]:
    """Place all patches: concept, name of the site, jittered centre, rows of the cortex."""
    volume = np.linalg.det(cortex.affine[:3, :3])
    planned, centres, sides, sizes = [], [], [], []
    for concept in concepts_of(participant, world):
        growth = np.exp(rng.normal(0, _SIZE_SPREAD)) * _REFERENCE_MM3 / volume
        for site in concept.sites:
            for is_right, count in ((False, site.n_left), (True, site.n_right)):
                centre = np.array(site.mm) * [1 if is_right else -1, 1, 1]
                centre = centre + rng.normal(0, _SITE_JITTER_MM, 3)
                if count:
                    planned.append((concept, f"{'rh' if is_right else 'lh'} {site.name}"))
                    centres.append(centre)
                    sides.append(is_right)
                    sizes.append(max(3, round(count * growth)))
    patches = grow_patches(cortex, np.array(centres), np.array(sides), np.array(sizes))
    return [
        (concept, name, centre, rows)
        for (concept, name), centre, rows in zip(planned, centres, patches, strict=True)
    ]


def _concept_weights(
    concept: Concept, names: list[str], n: int, rng: np.random.Generator
) -> np.ndarray:
    """Weight 1 on the concept and two small weights on others, different in each voxel."""
    weights = np.zeros((n, len(names)))
    others = [names.index(c.name) for c in SHARED if c.name != concept.name]
    for row in weights:
        row[rng.choice(others, 2, replace=False)] = rng.normal(0, 0.13, 2)
    weights[:, names.index(concept.name)] = 1.0
    if concept.name == "orientation":
        angle = rng.normal(0, 0.15, n)  # radians of twice the preferred orientation
        weights[:, names.index(concept.name)] = np.cos(angle)
        weights[:, names.index(SIDE_WAYS)] = np.sin(angle)
    return weights


def _mixture_weights(names: list[str], n: int, rng: np.random.Generator) -> np.ndarray:
    weights = np.zeros((n, len(names)))
    shared = [names.index(concept.name) for concept in SHARED]
    for row in weights:
        signs = rng.choice((-1, 1), _N_MIXED)
        row[rng.choice(shared, _N_MIXED, replace=False)] = signs * rng.uniform(0.8, 1.2, _N_MIXED)
    return weights


def _unexplained_ceiling(mm: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise ceiling as a fraction: around 0.14 at the occipital pole, 0.05 far from it."""
    distance = np.linalg.norm(mm * [0.6, 1, 1] - [0, -98, 0], axis=1)
    typical = 0.05 + 0.09 * np.exp(-((distance / 35) ** 2))
    return (typical * np.exp(rng.normal(0, 0.5, len(mm)))).clip(0.01, 0.6)


def motion(design: Design, rng_shared: np.random.Generator, rng: np.random.Generator) -> np.ndarray:
    """Draw the course of head motion and drift, the part that participants share first.

    Parameters
    ----------
    design : Design
        The experiment.
    rng_shared, rng : numpy.random.Generator
        Source of what all participants share, and of what is the participant's own.

    Returns
    -------
    float array of shape (n_trials,)
        Mean 0 and variance 1 within each session.
    """
    course = np.zeros(len(design.order))
    for share, generator in ((_MOTION_SHARED, rng_shared), (1 - _MOTION_SHARED, rng)):
        course += np.sqrt(share) * _drift(design, generator)
    return _standardise_sessions(course, design.session)


def _drift(design: Design, rng: np.random.Generator) -> np.ndarray:
    """Sink through the session, sag within runs, and jump now and then."""
    course = np.empty(len(design.order))
    for session in np.unique(design.session):
        rows = np.flatnonzero(design.session == session)
        time = np.linspace(0, 1, len(rows))
        within_run = design.trial[rows] / design.trial[rows].max()
        jumps = np.cumsum((rng.random(len(rows)) < 0.03) * rng.normal(0, 0.8, len(rows)))
        course[rows] = -rng.uniform(0.5, 2) * time - rng.uniform(0.3, 1) * within_run + jumps
    return _standardise_sessions(course, design.session)


def _standardise_sessions(course: np.ndarray, session: np.ndarray) -> np.ndarray:
    out = np.empty_like(course)
    for s in np.unique(session):
        part = course[session == s]
        out[session == s] = (part - part.mean()) / part.std()
    return out


def make_signals(tuning: Tuning, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Compute the noiseless response of every voxel to every picture of a participant.

    The concept that names a voxel keeps its zero; what is mixed in has mean zero.

    Parameters
    ----------
    tuning : Tuning
        The participant's voxels.
    values : float array of shape (n_pictures, n_concepts)
        Standardised concepts of its pictures.
    rng : numpy.random.Generator
        Draws the responses that no concept explains.

    Returns
    -------
    float32 array of shape (n_voxels, n_pictures)
        Percent signal change, of standard deviation ``ncsnr * noise_sd`` over the pictures.
    """
    is_mixture = (tuning.kind == "mixture")[:, None]
    main = np.where((np.abs(tuning.weights) > 0.5) & ~is_mixture, tuning.weights, 0.0)
    mean = values.mean(axis=0)
    signals = main @ values.T + (tuning.weights - main) @ (values - mean).T
    rows = np.flatnonzero(tuning.unexplained)
    own = rng.standard_normal((len(rows), len(values)), dtype=np.float32).astype(np.float64)
    signals[rows] += tuning.unexplained[rows, None] * (own - own.mean(axis=1, keepdims=True))
    sd = signals.std(axis=1)
    gain = np.where(sd > 0, tuning.ncsnr * tuning.noise_sd / np.where(sd > 0, sd, 1), 0)
    return (gain[:, None] * signals).astype(np.float32)


def make_betas(
    tuning: Tuning,
    signals: np.ndarray,
    design: Design,
    course: np.ndarray,
    rng: np.random.Generator,
    mixing: csr_array | None = None,
) -> np.ndarray:
    """Add noise to the signals, trial by trial, and round as the files do.

    Parameters
    ----------
    tuning : Tuning
        The participant's voxels.
    signals : float32 array of shape (n_voxels, n_pictures)
        Responses to the pictures, made by `make_signals`.
    design : Design
        The experiment.
    course : float array of shape (n_trials,)
        Motion during the trials, made by `motion`.
    rng : numpy.random.Generator
        Draws the noise.
    mixing : scipy.sparse.csr_array of shape (n_voxels, n_voxels), optional
        From `cortex.neighbour_mixing`; without it the noise of voxels is independent but for drift.

    Returns
    -------
    int16 array of shape (n_voxels, n_trials)
        300 times the percent signal change, clipped to the range of int16.
    """
    white = np.sqrt(tuning.noise_sd**2 - tuning.drift**2).astype(np.float32)
    betas = rng.standard_normal((len(signals), len(course)), dtype=np.float32)
    if mixing is not None:
        for session in np.unique(design.session):
            columns = np.flatnonzero(design.session == session)
            betas[:, columns] = mixing @ betas[:, columns]
    betas *= white[:, None]
    betas += signals[:, design.order]
    betas += tuning.drift.astype(np.float32)[:, None] * course.astype(np.float32)
    n_sessions = int(design.session[-1])
    offsets = 0.3 * tuning.noise_sd[:, None] * rng.standard_normal((len(signals), n_sessions))
    betas += offsets.astype(np.float32)[:, design.session - 1]
    limits = np.iinfo(np.int16)
    return np.rint(betas * SCALE).clip(limits.min, limits.max).astype(np.int16)


def truth_table(
    cortex: Cortex, tuning: Tuning, signals: np.ndarray, values: np.ndarray, names: list[str]
) -> pd.DataFrame:
    """Write down the truth, one row a voxel of the brain mask in C order.

    Parameters
    ----------
    cortex, tuning, signals, values, names
        Voxels, tuning, responses and standardised concept values of the participant, and the names
        of the concepts, as the functions above make them.

    Returns
    -------
    pandas.DataFrame
        x, y, z, is_visual, kind, concept, site; gain (percent signal change for one standard
        deviation of the concept) and purity (share of the signal's variance that the concept
        explains), 0 without a concept; signal_var, noise_var, drift_var ((percent signal
        change)^2), ncsnr, nc1 (noise ceiling of single trials, percent); weight_*, as in `Tuning`.
    """
    import pandas as pd

    signals = signals.astype(np.float64)
    signal_var, noise_var = signals.var(axis=1), tuning.noise_sd**2
    gain, purity = np.zeros(len(signals)), np.zeros(len(signals))
    for j, name in enumerate(names):
        rows = np.flatnonzero(tuning.concept == name)
        centred = values[:, j] - values[:, j].mean()
        variance = centred @ centred / len(centred)
        gain[rows] = signals[rows] @ centred / len(centred) / variance
        purity[rows] = gain[rows] ** 2 * variance / np.where(signal_var > 0, signal_var, 1)[rows]
    x, y, z = cortex.voxels.T
    table = pd.DataFrame(
        {
            **{"x": x, "y": y, "z": z, "is_visual": cortex.is_visual.astype(int)},
            **{"kind": tuning.kind, "concept": tuning.concept, "site": tuning.site},
            **{"gain": gain, "purity": purity, "signal_var": signal_var, "noise_var": noise_var},
            "drift_var": tuning.drift**2,
            "ncsnr": np.sqrt(signal_var / noise_var),
            "nc1": 100 * signal_var / (signal_var + noise_var),
        }
    )
    columns = {f"weight_{name}": tuning.weights[:, j] for j, name in enumerate(names)}
    return table.assign(**columns)
