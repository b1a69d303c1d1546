"""How often a shuffle test errs where nothing is there: four kinds of rows, each scheme.

Both sides are drawn independently, so every rejection is an error. A valid test at .05 errs in 5 %
of data sets; the table of the book shows which scheme does for which rows.

Two rules for rows in time. Both follow from what makes a test exact: with nothing there, every
order that is drawn is as likely as the data's own.

*Blocks need gaps.* Where two blocks meet, rows follow each other in the data, on both sides at
once, and not in a shuffle: the data's value is a little larger than its shuffles'. With r(k) the
product of both sides' autocorrelations, a share sum |k| r(k) / sum r(k) / (rows of a block) of it
is lost, 5 % for AR(.6) in blocks of 16 rows. That is half a standard deviation of the null of
twenty features, which is narrow, and makes the test err in about 11 % of data sets; of five
features in 7 %. More blocks do not mend it. Rows that are left out between blocks, as many as the
series is correlated over, do, whatever the length of the blocks: "every second run" here. It takes
six blocks at least: four have 24 orders, too few for a p of .05 to be reached as often as it says.

*Circular shifts need all of them.* All shifts are a group, and the test is exact but for the seam
where the last row meets the first, which is one edge of one block as long as the series. Shifts
near none are nearly as high as the data's value. Without them the neighbours of this value no
longer count, those of all others still do, and it comes out too high among them: shifts from 8 on
(`LAG`) erred in 7.5 % of 4,000 series of 96 rows and all shifts in 5.2 % (standard error .3), of
384 rows in 5.7 and 5.3 % (.6). Of 96 shifts four are 4.2 %, the level that p <= .05 can reach, and
99 draws of them lose a little more. Within runs each run has a seam: shifts within runs of 48 rows
erred in 8.7 % of 1,000 (.9), as blocks of that length do.
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

SCHEMES = (
    "rows", "rows within runs", "whole runs", "blocks of two runs", "every second run",
    "circular shift",
)  # fmt: skip


def scheme_options(n_runs: int) -> dict[str, tuple[np.ndarray, dict[str, Any]]]:
    """Return which rows enter, and what `permutation_test` is given, for each of `SCHEMES`.

    Parameters
    ----------
    n_runs : int
        Runs of `N_ROWS` rows each.

    Returns
    -------
    dict of str to (bool array of shape (n_runs * N_ROWS,), dict)
        All rows enter, but for "every second run": a run is as long as rows are correlated
        (`LAG`), so that those that are left do not depend on each other.
    """
    runs = np.repeat(np.arange(n_runs), N_ROWS)
    every, second = np.ones(len(runs), bool), runs % (1 + -(-LAG // N_ROWS)) == 0
    options: tuple[tuple[np.ndarray, dict[str, Any]], ...] = (
        (every, {"groups": np.zeros(len(runs))}),
        (every, {"groups": runs}),
        (every, {"scheme": "blocks", "blocks": runs}),
        (every, {"scheme": "blocks", "blocks": runs // 2}),
        (second, {"scheme": "blocks", "blocks": runs[second]}),
        (every, {"scheme": "circular"}),
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
            for name, (rows, scheme) in scheme_options(len(X) // N_ROWS).items():
                test = permutation_test(X[rows], Y[rows], n_permutations, rng=rng, **scheme)
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
