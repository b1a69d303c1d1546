from __future__ import annotations

import json
import math

import pandas as pd
import pytest
from made_up_runs import claim
from pyarrow import parquet

from sdc_helpers.course.errors import RefusedError
from sdc_helpers.sweeps import collect, count_states, write_parquet, write_table
from sdc_helpers.sweeps.table import remove_other_code, states


@pytest.fixture
def half_done(folder, write_run):
    """A sweep of six points: two complete, one by other code, two failed, one never run."""
    write_run("seed~0__size~5", [claim("a.b", 0.7), claim("a.c", 0.2)])
    write_run("seed~1__size~5", [])
    write_run("seed~2__size~5", [claim("a.b", 0.9)], made_by="another")
    write_run("seed~0__size~9", [], error='cell 4: ValueError: trouble, "quoted"\nand more')
    (folder / "seed~1__size~9").mkdir()
    (folder / "seed~1__size~9" / "sdc.log").write_text("one\nsdc: no space left\n\n")
    write_run("seed~2__size~9", [claim("a.b", 9.9)], run_id="of another notebook")
    (folder / "seed~7__size~5").mkdir()  # of an earlier grid
    return folder


def test_there_is_a_row_for_every_point_and_claim(half_done):
    table = collect(half_done)
    assert len(table) == 2 + 1 + 1 + 1 + 1 + 1
    assert table["point"].nunique() == 6
    by = table.drop_duplicates("point").set_index("point")
    assert by["state"].to_dict() == {
        "seed~0__size~5": "complete",
        "seed~0__size~9": "failed",
        "seed~1__size~5": "complete",
        "seed~1__size~9": "not run",
        "seed~2__size~5": "other code",
        "seed~2__size~9": "not run",  # record and notebook are of two runs
    }
    assert "trouble" in by.loc["seed~0__size~9", "error"]
    assert by.loc["seed~1__size~9", "error"] == "sdc: no space left"
    assert table["claim"].dropna().tolist() == ["a.b", "a.c", "a.b"]
    assert table["held"].dropna().tolist() == [True, False, True]
    assert table["p.size"].tolist() == [5, 5, 9, 5, 9, 5, 9]
    counts = {"complete": 2, "other code": 1, "failed": 1, "not run": 2}
    assert count_states(table) == counts
    found = list(states(json.loads((half_done / "sweep.json").read_text()), half_done).values())
    assert {state: found.count(state) for state in counts} == counts


def test_the_csv_file_holds_the_same(half_done):
    table = collect(half_done)
    again = pd.read_csv(write_table(table, half_done))
    assert list(again.columns) == list(table.columns)
    assert len(again) == len(table)
    assert again["error"].dropna().tolist() == table["error"].dropna().tolist()
    assert again["value"].dropna().tolist() == table["value"].dropna().tolist()


def test_the_parquet_file_holds_the_same_with_types_and_nulls(half_done):
    table = collect(half_done)
    file = write_parquet(table, half_done)
    again = parquet.read_table(file)
    assert again.num_rows == len(table)
    assert again.column_names == list(table.columns)
    types = {field.name: str(field.type).removeprefix("large_") for field in again.schema}
    assert (types["seed"], types["value"], types["held"]) == ("int64", "double", "bool")
    assert (types["p.size"], types["error"]) == ("int64", "string")
    for name in table:
        expected = [None if value is pd.NA else value for value in table[name].tolist()]
        assert again[name].to_pylist() == expected
    assert None in again["claim"].to_pylist()
    [error] = {text for text in again["error"].to_pylist() if text and "quoted" in text}
    assert error == 'cell 4: ValueError: trouble, "quoted"\nand more'


def test_a_table_that_cannot_be_written_leaves_the_earlier_one(half_done, monkeypatch):
    table = collect(half_done)
    before = write_parquet(table, half_done).read_bytes()

    def half(self, path, **_):
        path.write_bytes(b"PAR1")
        raise OSError("no space left")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", half)
    with pytest.raises(OSError, match="no space left"):
        write_parquet(table, half_done)
    assert (half_done / "table.parquet").read_bytes() == before
    assert [f.name for f in half_done.iterdir() if "parquet" in f.name] == ["table.parquet"]


def test_bounds_are_those_that_decide_and_what_is_not_finite_is_kept(folder, write_run):
    around = claim("a.d", 0.7, published=0.6, tolerance=0.2, at_least=None)
    write_run("seed~0__size~5", [around, claim("a.e", 1.0) | {"value": "inf", "low": None}])
    rows = collect(folder).set_index("claim")
    assert rows.loc["a.d", ["at_least", "at_most"]].tolist() == pytest.approx([0.4, 0.8])
    assert math.isinf(rows.loc["a.e", "value"])


def test_runs_of_other_code_can_be_taken_away_and_no_others(half_done):
    plan = json.loads((half_done / "sweep.json").read_text())
    before = {p: s for p, s in states(plan, half_done).items() if s == "complete"}
    remove_other_code(plan, half_done)
    after = states(plan, half_done)
    assert {p: s for p, s in after.items() if s == "complete"} == before
    assert "other code" not in after.values()


def test_a_table_outlives_its_notebook(half_done, notebook):
    notebook.unlink()
    assert count_states(collect(half_done)) == {"other code": 3, "failed": 1, "not run": 2}


def test_a_folder_without_a_sweep_is_refused(tmp_path):
    with pytest.raises(RefusedError, match="holds no sweep"):
        collect(tmp_path)
