"""The recorded outcomes of components and masks, and their file."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from sdc_helpers.datasets.errors import DataFormatError
from sdc_helpers.studies import recorded_components
from sdc_helpers.studies.component_outcomes import mask_kinds
from sdc_helpers.studies.component_records import load_components, save_components


def test_three_seeds_of_both_worlds_are_recorded():
    found = [(one.world, one.seed) for one in recorded_components()]
    assert found == [(world, seed) for world in ("easy", "hard") for seed in (5, 6, 7)]


def test_what_is_recorded_is_possible():
    for one in recorded_components():
        assert all(0 <= share <= 1 for share in one.top_1.values())
        assert all(0 <= n <= 10 for n in (*one.found.values(), *one.recovered.values()))
        assert 0 <= one.chance_draws <= one.n_draws
        assert set(one.masks) == {*mask_kinds(1.0), "loadings"}
        for kind, scores in one.masks.items():
            assert 0 <= scores["auc"] <= 1
            assert 0 <= scores["dice"] <= 1
            assert scores.keys() >= ({"kept", "left"} if kind != "loadings" else set())


def test_outcomes_are_read_as_they_were_written(tmp_path):
    outcomes = tuple(replace(one, seed=8) for one in recorded_components()[:2])
    save_components(outcomes, tmp_path / "some.json", {"date": "today"})
    assert load_components(tmp_path / "some.json") == outcomes


@pytest.mark.parametrize("change", ["left out", "added", "no table"])
def test_a_file_of_something_else_is_named(tmp_path, change):
    row = asdict(recorded_components()[0])
    rows = [{k: v for k, v in row.items() if k != "between"}]
    if change == "added":
        rows = [{**row, "colour": 3}]
    content = {"made": {}, "rows": rows} if change == "no table" else {"made": {}, "outcomes": rows}
    file = tmp_path / f"{change.replace(' ', '_')}.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DataFormatError, match=f"{file.name} is no record of components"):
        load_components(file)
