from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdc_helpers.course.catalogue import find_notebook
from sdc_helpers.course.errors import ParameterError, RefusedError
from sdc_helpers.sweeps import Grid, grid_from_words, load_plan, plan_sweep, point_name, write_plan
from sdc_helpers.sweeps.plan import require_the_same_sweep

SIMULATED = """\
profile: str = "smoke"  # x
seed: int = 1  # x
device: str = "cpu"  # x
source: str = "simulated"  # x {simulated, nsd}
world: str = "easy"  # x {easy, hard}
"""
ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())


def test_every_value_meets_every_other_and_the_seed_comes_first(planned):
    names = [point.name for point in planned.points]
    assert names == [f"seed~{seed}__size~{size}" for seed in (0, 1, 2) for size in (5, 9)]
    assert planned.points[1].values == {"seed": 0, "size": 9}
    assert planned.points[1].arguments == ("-p", "seed=0", "-p", "size=9")
    assert planned.swept == {"seed": [0, 1, 2], "size": [5, 9]}


def test_typed_words_and_written_values_are_the_same_sweep(notebook, planned):
    words = grid_from_words(str(notebook), "smoke", {"size": "5,9", "seed": "0..2"})
    assert plan_sweep(words) == planned


@given(st.dictionaries(st.from_regex(r"[a-z]\w{0,30}", fullmatch=True), ANYTHING, max_size=9))
def test_a_name_is_safe_wherever_it_goes(values):
    name = point_name(values)
    assert re.fullmatch(r"[A-Za-z0-9~_.-]{1,150}", name)
    assert not name.startswith((".", "-", "~"))
    assert name == point_name(values)


@given(ANYTHING, ANYTHING)
def test_two_values_have_two_names(first, second):
    same = type(first) is type(second) and repr(first) == repr(second)
    written = [v if isinstance(v, str) else repr(v) for v in (first, second)]
    if not same and written[0] != written[1]:
        assert point_name({"a": first}) != point_name({"a": second})


@pytest.mark.parametrize("value", ["a b", "a,b", "a/b", "..", "a__b", "é", "x" * 40, "sha.1", ""])
def test_a_strange_value_becomes_a_short_hash(value):
    assert re.fullmatch(r"mode~sha\.[0-9a-f]{10}", point_name({"mode": value}))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": (5, 0)}, "'size' got 0 but takes int from 1 to 100"),
        ({"size": ("many",)}, "'size' got 'many' but takes int"),
        ({"size": tuple(range(101, 110))}, "and 6 more of its values"),
        ({"sise": (5,)}, "no parameter 'sise': did you mean 'size'"),
        ({"size": (5, "5")}, "'size' has 5 twice"),
        ({"profile": ("smoke",)}, "use --profile"),
        ({"mode": ("well", "Well")}, "would lie in one folder"),
        ({"folder": ("notebooks/small.ipynb",)}, "a path that means something else"),
    ],
)
def test_one_bad_value_refuses_the_whole_sweep(notebook, monkeypatch, values, message):
    monkeypatch.chdir(notebook.parent.parent)
    with pytest.raises(ParameterError, match=r".") as error:
        plan_sweep(Grid(str(notebook), "smoke", {"seed": (1, 2), **values}))
    assert message in str(error.value)


def test_a_profile_or_notebook_that_there_is_not_is_refused(notebook):
    with pytest.raises(RefusedError, match="no profile 'tiny'"):
        plan_sweep(Grid(str(notebook), "tiny", {}))
    with pytest.raises(RefusedError, match="there is no notebook"):
        plan_sweep(Grid("no_such_thing", "smoke", {}))


def test_simulated_participants_are_made_once_for_all_points_of_a_seed(write_notebook, tmp_path):
    path = write_notebook(tmp_path / "a.ipynb", parameters=SIMULATED + "size: int = 1  # x\n")
    values = {"seed": (3, 4), "size": (1, 2), "world": ("easy", "hard")}
    planned = plan_sweep(Grid(str(path), "smoke", values, ("data fetch haxby2001",)))
    made = {f"data simulate --profile smoke --seed {s} --world {w}"
            for s in (3, 4) for w in ("easy", "hard")}  # fmt: skip
    assert len(planned.points) == 8
    assert set(planned.commands) == {"data fetch haxby2001", *made}
    for point in planned.points:
        assert point.needs[0] == "data fetch haxby2001"
        assert point.needs[1].endswith(f"{point.values['seed']} --world {point.values['world']}")
    real = plan_sweep(Grid(str(path), "smoke", {"source": ("nsd",)}))
    assert real.commands == []


def test_costs_are_those_of_the_chapter_unless_the_grid_says_others():
    planned = plan_sweep(Grid("13", "smoke", {"seed": (1,)}))
    measured = find_notebook("13").timings["smoke"]
    assert (planned.seconds, planned.memory_mb) == (measured["seconds"], measured["peak_memory_mb"])
    assert planned.measured == measured["date"]
    asked = planned.to_dict(["sdc"])
    assert asked["mem_mb"] > measured["peak_memory_mb"]
    assert asked["runtime"] * 60 > 2 * measured["seconds"]
    own = plan_sweep(Grid("13", "full", {"seed": (1,)}, minutes=90, memory_gb=16))
    assert (own.seconds, own.memory_mb, own.measured) == (90 * 60, 16_000, "")


def test_a_plan_is_read_as_it_was_written_and_another_is_refused(planned, tmp_path):
    write_plan(planned, tmp_path / "s", ["sdc"])
    assert load_plan(tmp_path / "s") == planned.to_dict(["sdc"])
    require_the_same_sweep(planned, tmp_path / "s")
    require_the_same_sweep(planned, tmp_path / "new")
    with pytest.raises(RefusedError, match="in profile smoke; choose another"):
        require_the_same_sweep(replace(planned, profile="full"), tmp_path / "s")
    with pytest.raises(RefusedError, match="holds no sweep"):
        load_plan(tmp_path)
