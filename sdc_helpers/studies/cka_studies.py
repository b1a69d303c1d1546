"""What the chapter on CKA simulates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sdc_helpers import alignment
from sdc_helpers._checks import check_count
from sdc_helpers.measures import Interval, NullTest

ESTIMATORS = ("biased", "debiased")
FIXED_WIDTHS = (10, 100, 1000, 10_000)
FIXED_VALUES = {
    "biased": (0.06992, 0.21164, 0.49714, 0.67477),
    "debiased": (0.000336, 0.000403, -0.000885, 0.003018),
}
"""CKA with a 1024 x 1024 matrix drawn by the legacy generator, seed 2024, by `FIXED_WIDTHS`."""
_WIDEST = 8192  # columns in memory at once
# Rows that a scheme may exchange, by kind of rows: what is recorded of them should err in 5 %.
VALID_SCHEMES = {
    "independent": (
        "rows", "rows within runs", "whole runs", "blocks of two runs", "every second run",
        "circular shift",
    ),
    "centred within runs": (
        "rows within runs", "whole runs", "blocks of two runs", "every second run",
    ),
    "autocorrelated": ("every second run", "circular shift"),
    "autocorrelated, four times as long": ("every second run", "circular shift"),
}  # fmt: skip


def responses(
    latent: np.ndarray, n_features: int, gain: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw features that read latent factors with random weights, and add noise of their own.

    Parameters
    ----------
    latent : array of shape (n_rows, n_factors)
        What the stimuli have.
    n_features : int
        Number of voxels or units.
    gain : float
        Strength of the signal beside noise of standard deviation 2.5; 0: no signal.
    rng : numpy.random.Generator
        Source of weights and noise.

    Returns
    -------
    array of shape (n_rows, n_features)
    """
    n_rows, n_factors = np.shape(latent)
    signal = latent @ rng.normal(size=(n_factors, n_features))
    return gain * signal + 2.5 * rng.normal(size=(n_rows, n_features))


def growing_grams(n: int, widths: Sequence[int], rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield centred Gram matrices of uniform matrices of growing width, never wide in memory.

    Parameters
    ----------
    n : int
        Number of rows.
    widths : sequence of int
        Numbers of columns, increasing; each matrix begins with the columns of the one before.
    rng : numpy.random.Generator
        Source of the entries.

    Yields
    ------
    array of shape (n, n)
    """
    K = np.zeros((n, n))
    for new in np.diff(widths, prepend=0):
        for part in np.array_split(np.arange(new), 1 + new // _WIDEST):
            if len(part):
                K = K + alignment.gram(rng.random((n, len(part))), centre=True)
        yield K


def fixed_seed_difference() -> float:
    """Return the largest difference from `FIXED_VALUES`, measured again."""
    legacy = np.random.RandomState(2024)  # the generator that the values were made with
    reference = legacy.rand(1024, 1024)
    largest = 0.0
    for column, width in enumerate(FIXED_WIDTHS):
        Z = legacy.rand(1024, width)
        for estimator, values in FIXED_VALUES.items():
            value = alignment.cka(Z, reference, estimator)
            largest = max(largest, abs(value - values[column]))
    return largest


def three_areas(rng: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Draw three areas of 100 stimuli, two of which share signal with a layer of 2,000 units.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all.

    Returns
    -------
    areas : dict of str to array of shape (100, n_voxels)
        "related, 30 voxels", "unrelated, 800 voxels", "related, 800 voxels", with a line break
        after the comma.
    layer : array of shape (100, 2000)
    """
    latent = rng.normal(size=(100, 5))
    layer = responses(latent, 2000, 0.4, rng)
    areas = {
        "related,\n30 voxels": responses(latent, 30, 0.6, rng),
        "unrelated,\n800 voxels": responses(latent, 800, 0.0, rng),
        "related,\n800 voxels": responses(latent, 800, 0.6, rng),
    }
    return areas, layer


def by_stimuli(
    counts: Sequence[int], *, seed: int, n_permutations: int = 199
) -> dict[int, dict[str, NullTest]]:
    """Test an area of 100 voxels against a layer of 500 units on the first so many stimuli.

    Parameters
    ----------
    counts : sequence of int
        Numbers of stimuli, at least 4.
    seed : int
        Of responses and shuffles.
    n_permutations : int, default=199
        Shuffles a test.

    Returns
    -------
    dict of int to dict of str to NullTest
        By number of stimuli and estimator.
    """
    rng = np.random.default_rng([seed, 25])
    latent = rng.normal(size=(max(counts), 5))
    area, layer = responses(latent, 100, 0.45, rng), responses(latent, 500, 0.45, rng)
    return {
        count: {
            e: alignment.permutation_test(area[:count], layer[:count], n_permutations, e, rng=seed)
            for e in ESTIMATORS
        }
        for count in counts
    }


def cumulative_shuffles(
    X: np.ndarray, Y: np.ndarray, fractions: Sequence[float], *, n_repeats: int, seed: int
) -> np.ndarray:
    """Measure debiased CKA by the faulty control, which shuffles what it has shuffled before.

    Parameters
    ----------
    X, Y : array of shape (n, n_features)
        Two sides.
    fractions : sequence of float
        Shares of the rows that are shuffled, increasing.
    n_repeats : int
        Number of repeats, at least 1.
    seed : int
        Of the shuffles.

    Returns
    -------
    array of shape (n_fractions, n_repeats)

    See Also
    --------
    sdc_helpers.alignment.partial_shuffle_curve : The control as it should be.
    """
    check_count("n_repeats", n_repeats, 1)
    values = np.empty((len(fractions), n_repeats))
    for repeat in range(n_repeats):
        rng = np.random.default_rng([seed, 30, repeat])
        Z = np.array(X)
        for i, fraction in enumerate(fractions):
            rows = rng.choice(len(Z), size=round(fraction * len(Z)), replace=False)
            Z[rows] = Z[rng.permutation(rows)]  # the fault: Z carries over
            values[i, repeat] = alignment.cka(Z, Y, "debiased")
    return values


def areas_by_size(
    sizes: Sequence[int], *, seed: int, n_seeds: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Measure CKA of areas of several sizes with one layer of 500 units, on 200 stimuli.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of voxels.
    seed, n_seeds : int
        Seed of all, and number of repetitions.

    Returns
    -------
    unrelated : dict of str to array of shape (n_sizes, n_seeds)
        Of areas that share nothing with the layer, "biased" and "debiased".
    aligned : dict of str to array of shape (n_sizes, n_seeds)
        Of areas with the same signal in each voxel, also "feature_corrected".
    """
    check_count("n_seeds", n_seeds, 1)
    unrelated = {e: np.empty((len(sizes), n_seeds)) for e in ESTIMATORS}
    aligned = {e: np.empty((len(sizes), n_seeds)) for e in (*ESTIMATORS, "feature_corrected")}
    for s in range(n_seeds):
        rng = np.random.default_rng([seed, 40, s])
        latent = rng.normal(size=(200, 5))
        layer = responses(latent, 500, 1.0, rng)
        for i, size in enumerate(sizes):
            noise, area = responses(latent, size, 0.0, rng), responses(latent, size, 0.6, rng)
            for e in ESTIMATORS:
                unrelated[e][i, s] = alignment.cka(noise, layer, e)
                aligned[e][i, s] = alignment.cka(area, layer, e)
            corrected = alignment.feature_corrected_cka(area, layer).value
            aligned["feature_corrected"][i, s] = corrected
    return unrelated, aligned


def no_root(n_pairs: int, *, seed: int) -> Interval:
    """Return how often feature-corrected CKA has no value on unrelated, high-dimensional data.

    Parameters
    ----------
    n_pairs : int
        Pairs of matrices with 60 stimuli and 300 features.
    seed : int
        Of the matrices.

    Returns
    -------
    Interval
        Share of pairs whose denominator has no square root, exact binomial interval.
    """
    check_count("n_pairs", n_pairs, 1)
    count = 0
    for s in range(n_pairs):
        rng = np.random.default_rng([seed, 50, s])
        found = alignment.feature_corrected_cka(*rng.normal(size=(2, 60, 300)))
        count += found.norm_x * found.norm_y <= 0
    return Interval.of_share(int(count), n_pairs)


def unrelated_table(n: int, n_permutations: int, device: str, *, seed: int) -> Any:
    """Test 20 unrelated layers against 12 areas, as large as in the paper, on a device.

    Parameters
    ----------
    n, n_permutations : int
        Stimuli, and shuffles of every pair.
    device : str
        "cpu" or "cuda".
    seed : int
        Of data and shuffles.

    Returns
    -------
    CKATable
    """
    import torch

    generator = torch.Generator(device=device).manual_seed(seed)
    layers, areas = (
        {
            f"{kind} {i}": torch.randn(n, width, device=device, generator=generator)
            for i in range(count)
        }
        for kind, count, width in (("layer", 20, 28 * n), ("area", 12, 500))
    )
    return alignment.cka_table(layers, areas, "debiased", n_permutations=n_permutations, rng=seed)


@dataclass(frozen=True)
class ValidSchemes:
    """The largest type I error among schemes that exchange what is exchangeable.

    Attributes
    ----------
    largest : Interval
        Exact binomial interval, so wide that those of all schemes hold at once (Bonferroni).
    n_cells : int
        Number of kinds of rows and schemes.
    """

    largest: Interval
    n_cells: int


def nominal_range(n_nulls: int, level: float = 0.05) -> str:
    """Say between which shares of errors 95 % of valid tests lie.

    Parameters
    ----------
    n_nulls : int
        Data sets that each was tried on.
    level : float, default=0.05
        Share in which a valid test errs.

    Returns
    -------
    str
        Two shares, such as "0.039 to 0.061": central 95 % of the binomial distribution.
    """
    from scipy.stats import binom

    low, high = (int(n) / n_nulls for n in binom.interval(0.95, n_nulls, level))
    return f"{low:.3f} to {high:.3f}"


def type_one_intervals(
    errors: Mapping[str, Mapping[str, float]], n_nulls: int
) -> tuple[ValidSchemes, Interval, Interval]:
    """Return how sure the recorded type I errors are.

    Parameters
    ----------
    errors : mapping of str to mapping of str to float
        As `load_type_one` returns them.
    n_nulls : int
        Data sets of each kind.

    Returns
    -------
    valid : ValidSchemes
        Of `VALID_SCHEMES`.
    circular : Interval
        Of circular shifts of an autocorrelated series.
    free : Interval
        Of free shuffles of rows that were centred within runs.
    """

    def interval(error: float, level: float = 0.95) -> Interval:
        return Interval.of_share(round(error * n_nulls), n_nulls, level=level)

    valid = [errors[kind][scheme] for kind, fits in VALID_SCHEMES.items() for scheme in fits]
    largest = interval(max(valid), 1 - 0.05 / len(valid))
    circular = interval(errors["autocorrelated"]["circular shift"])
    free = interval(errors["centred within runs"]["rows"])
    return ValidSchemes(largest, len(valid)), circular, free
