"""How often a shuffle test errs where nothing is there: four kinds of rows, each scheme.

Both sides are drawn independently, so every rejection is an error. A valid test at .05 errs in 5 %
of data sets; the table of the book shows which scheme does for which rows. A circular shift joins
two ends of a series that do not fit: the more rows there are, the less that matters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers._files import write_json
from sdc_helpers.alignment import permutation_test
from sdc_helpers.studies._records import reading_record

N_RUNS, N_ROWS = 12, 8  # rows of a run
N_FEATURES = 20
AR = 0.6  # correlation of a row with the one before
LAG = 8  # rows after which it has fallen to .02
LEVEL = 0.05
RECORDED = "recorded_type_one.json"

SCHEMES = ("rows", "rows within runs", "whole runs", "blocks of two runs", "circular shift")


def scheme_options(n_runs: int) -> dict[str, dict[str, Any]]:
    """Return what `permutation_test` is given for each of `SCHEMES`, for so many runs."""
    runs = np.repeat(np.arange(n_runs), N_ROWS)
    options: tuple[dict[str, Any], ...] = (
        {"groups": np.zeros(len(runs))},
        {"groups": runs},
        {"scheme": "blocks", "blocks": runs},
        {"scheme": "blocks", "blocks": runs // 2},
        {"scheme": "circular", "min_lag": LAG},
    )
    return dict(zip(SCHEMES, options, strict=True))


def independent_rows(rng: np.random.Generator, n_runs: int = N_RUNS) -> np.ndarray:
    """Draw rows that are exchangeable, with features of unequal variance, (8 n_runs, 20)."""
    scale = np.geomspace(3, 1, N_FEATURES)
    return rng.standard_normal((n_runs * N_ROWS, N_FEATURES)) * scale


def run_centred_rows(rng: np.random.Generator) -> np.ndarray:
    """Draw independent rows and take the mean of each run off."""
    rows = independent_rows(rng).reshape(N_RUNS, N_ROWS, -1)
    return (rows - rows.mean(axis=1, keepdims=True)).reshape(N_RUNS * N_ROWS, -1)


def autocorrelated_rows(rng: np.random.Generator, n_runs: int = N_RUNS) -> np.ndarray:
    """Draw rows in time, each correlated with the one before it: stationary AR(1)."""
    rows = independent_rows(rng, n_runs)
    for t in range(1, len(rows)):
        rows[t] = AR * rows[t - 1] + np.sqrt(1 - AR**2) * rows[t]
    return rows


KINDS: Mapping[str, Callable[[np.random.Generator], np.ndarray]] = {
    "independent": independent_rows,
    "centred within runs": run_centred_rows,
    "autocorrelated": autocorrelated_rows,
    "autocorrelated, four times as long": partial(autocorrelated_rows, n_runs=4 * N_RUNS),
}


def type_one_errors(
    n_nulls: int = 1000,
    n_permutations: int = 99,
    seed: int = 0,
    on_kind: Callable[[str, Mapping[str, float]], None] | None = None,
) -> dict[str, dict[str, float]]:
    """Measure the type I error of debiased CKA's shuffle test at .05.

    Parameters
    ----------
    n_nulls : int, default=1000
        Data sets of each kind, with nothing in common between both sides.
    n_permutations : int, default=99
        Number of shuffles in each test.
    seed : int, default=0
        Seed of the data sets and of the shuffles.
    on_kind : callable, optional
        Called with a kind and its errors as soon as they are known.

    Returns
    -------
    dict of str to dict of str to float
        Share of data sets with p <= .05, by kind of rows and by scheme.
    """
    check_count("n_nulls", n_nulls, 1)
    errors = {}
    for number, (kind, draw) in enumerate(KINDS.items()):
        rejected = dict.fromkeys(SCHEMES, 0)
        for k in range(n_nulls):
            rng = np.random.default_rng([seed, number, k])
            X, Y = draw(rng), draw(rng)
            for name, scheme in scheme_options(len(X) // N_ROWS).items():
                test = permutation_test(X, Y, n_permutations, rng=rng, **scheme)
                rejected[name] += test.p_value <= LEVEL
        errors[kind] = {name: float(count / n_nulls) for name, count in rejected.items()}
        if on_kind is not None:
            on_kind(kind, errors[kind])
    return errors


def save_type_one(
    errors: Mapping[str, Mapping[str, float]], made: Mapping[str, Any], path: str | Path
) -> None:
    """Write a table with how it was made, as one JSON file, atomically."""
    content = {"made": dict(made), "type_one_error": {k: dict(row) for k, row in errors.items()}}
    write_json(path, content)


def load_type_one(path: str | Path | None = None) -> tuple[dict[str, dict[str, float]], dict]:
    """Read a table of `save_type_one` and how it was made; the recorded one by default."""
    source = files(__package__).joinpath(RECORDED) if path is None else Path(path)
    with reading_record(source, "table of errors", "sdc nulls type-one --out FILE") as content:
        return content["type_one_error"], content["made"]
