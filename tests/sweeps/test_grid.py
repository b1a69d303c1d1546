from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.course.errors import ParameterError
from sdc_helpers.sweeps import Grid, grid_from_words, read_grid, spread, write_grid

TEXT = """\
notebook: 13
profile: smoke
grid:
  seed: 0..3
  eps: [0.1, 1e-3]
  mode: well
prepare:
  - data fetch haxby2001
minutes: 30
"""


def test_a_grid_is_read_with_ranges_lists_and_single_values(tmp_path):
    (tmp_path / "a.yaml").write_text(TEXT, encoding="utf-8")
    grid = read_grid(tmp_path / "a.yaml")
    assert grid.values == {"seed": (0, 1, 2, 3), "eps": (0.1, "1e-3"), "mode": ("well",)}
    assert (grid.notebook, grid.profile, grid.minutes) == ("13", "smoke", 30.0)
    assert grid.prepare == ("data fetch haxby2001",)
    assert grid.n_points == 4 * 2 * 1


def test_a_notebook_lies_beside_its_grid(tmp_path):
    text = TEXT.replace("notebook: 13", "notebook: mine.ipynb")
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    assert read_grid(tmp_path / "a.yaml").notebook == str(tmp_path / "mine.ipynb")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("notebook: 13\n", "", "it needs 'notebook' and 'grid'"),
        ("minutes: 30", "minute: 30", "no 'minute': did you mean 'minutes'"),
        ("minutes: 30", "minutes: 0", "a number above 0"),
        ("minutes: 30", "minutes: true", "a number above 0"),
        ("0..3", "3..0", "run from 3 to 0"),
        ("0..3", "[0, 1, 1]", "'seed' has 1 twice"),
        ("0..3", "[0..3, 2]", "'seed' has 2 twice"),
        ("0..3", "[]", "'seed' has no value"),
        ("  mode: well", "  seed: 7", "'seed' stands twice"),
        ("  seed: 0..3", "  seed: [0..3", "cannot be read as YAML"),
        ("  - data fetch haxby2001", "  - 7", "'prepare' is"),
        (TEXT, "- a list\n", "is no grid"),
        (TEXT, "", "is no grid"),
        (TEXT, "notebook: 13\ngrid: [1, 2]\n", "'grid' holds"),
    ],
)
def test_what_is_no_grid_is_refused_by_name(tmp_path, old, new, message):
    assert old in TEXT
    (tmp_path / "a.yaml").write_text(TEXT.replace(old, new), encoding="utf-8")
    with pytest.raises(ParameterError, match=r".") as error:
        read_grid(tmp_path / "a.yaml")
    assert message in str(error.value)


def test_a_grid_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="there is no grid at"):
        read_grid(tmp_path / "none.yaml")


@pytest.mark.parametrize("text", ["", "1,,2", "1,", ",1"])
def test_an_empty_value_that_was_typed_is_refused(text):
    with pytest.raises(ParameterError, match="a comma"):
        grid_from_words("13", "smoke", {"size": text})


@given(st.integers(-50, 50), st.integers(0, 60))
def test_a_range_holds_both_ends(first, more):
    assert spread("a", f"{first}..{first + more}") == tuple(range(first, first + more + 1))


@settings(max_examples=30, deadline=None)  # each writes a file
@given(
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,9}", fullmatch=True),
        st.lists(st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans()), min_size=1,
                 unique_by=repr),
        max_size=4,
    )
)  # fmt: skip
def test_a_written_grid_is_read_the_same(tmp_path_factory, values):
    file = tmp_path_factory.mktemp("grid") / "g.yaml"
    grid = Grid("13", "full", {k: tuple(v) for k, v in values.items()}, ("a b",), 1.0, 2.0)
    write_grid(grid, file)
    assert repr(read_grid(file)) == repr(grid)
