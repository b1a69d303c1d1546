"""The table of type I errors: the recorded one, and a small one made again."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.studies.type_one import (
    KINDS,
    LAG,
    SCHEMES,
    load_type_one,
    save_type_one,
    scheme_options,
    type_one_errors,
)

EXACT = {
    "independent": list(SCHEMES),
    "centred within runs": [
        "rows within runs", "whole runs", "blocks of two runs", "every second run",
    ],
    "autocorrelated": ["every second run", "circular shift"],
    "autocorrelated, four times as long": ["every second run", "circular shift"],
}  # fmt: skip


def test_recorded_errors_of_exact_schemes_are_nominal():
    errors, made = load_type_one()
    assert made["n_nulls"] >= 1000
    assert set(errors) == set(KINDS)
    for kind, schemes in EXACT.items():
        for scheme in schemes:
            assert 0.03 <= errors[kind][scheme] <= 0.07


def test_recorded_errors_show_what_does_not_fit():
    errors, _ = load_type_one()
    assert errors["centred within runs"]["rows"] > 0.1
    assert errors["autocorrelated"]["rows"] > 0.1
    for kind in ("autocorrelated", "autocorrelated, four times as long"):
        invalid = [e for name, e in errors[kind].items() if name not in EXACT[kind]]
        assert len(invalid) == 4
        assert min(invalid) > max(errors[kind][name] for name in EXACT[kind])


def test_as_many_rows_lie_between_blocks_as_are_correlated():
    rows, options = scheme_options(6)["every second run"]
    kept = np.flatnonzero(rows)
    edges = np.diff(kept)[np.diff(options["blocks"]) != 0]
    assert (edges > LAG).all()
    assert len(set(options["blocks"].tolist())) == 3


def test_rows_are_of_their_kind():
    rng = np.random.default_rng(0)
    centred = KINDS["centred within runs"](rng).reshape(12, 8, -1)
    np.testing.assert_allclose(centred.mean(axis=1), 0, atol=1e-12)
    series = np.concatenate([KINDS["autocorrelated"](rng)[:, :1] for _ in range(60)], axis=1)
    rows = series / series.std()
    # 60 series of 95 pairs: .6 with a standard error of about .01
    assert np.mean(rows[1:] * rows[:-1]) == pytest.approx(0.6, abs=0.05)


def test_a_small_table_is_made_saved_and_read(tmp_path):
    seen = []
    errors = type_one_errors(3, 19, seed=1, on_kind=lambda kind, row: seen.append(kind))
    assert seen == list(KINDS) == list(errors)
    assert all(list(row) == list(SCHEMES) for row in errors.values())
    assert errors == type_one_errors(3, 19, seed=1)
    save_type_one(errors, {"n_nulls": 3}, tmp_path / "table.json")
    assert load_type_one(tmp_path / "table.json") == (errors, {"n_nulls": 3})
