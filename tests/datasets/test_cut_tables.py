"""A table that was cut in its last line is noticed; whole ones of any writer are not."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdc_helpers.datasets import DataFormatError, load_haxby_runs
from sdc_helpers.datasets._text_files import check_last_line

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=True),
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=8),
)
TABLES = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.tuples(*[CELLS] * width), min_size=2, max_size=4)
)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("tables") / "table.csv"


@given(rows=TABLES, separator=st.sampled_from([",", "\t"]), index=st.booleans())
def test_tables_of_pandas_are_whole(file, rows, separator, index):
    pd.DataFrame(rows).to_csv(file, sep=separator, index=index)
    check_last_line(file, separator)


@given(
    rows=st.lists(st.tuples(*[st.integers(0, 10**6)] * 3), min_size=2, max_size=4), data=st.data()
)
def test_every_cut_in_the_last_line_is_noticed(file, rows, data):
    """``418`` becomes ``41``: still a number, and the row still has all its fields."""
    pd.DataFrame(rows, columns=["a", "b", "c"]).to_csv(file, index=False, lineterminator="\n")
    whole = file.read_bytes()
    last = len(whole) - whole.rindex(b"\n", 0, -1) - 1
    file.write_bytes(whole[: -data.draw(st.integers(1, last - 1))])
    with pytest.raises(DataFormatError, match=r"table\.csv: the last line .*cut short"):
        check_last_line(file, ",")


def test_the_last_line_needs_all_its_fields_and_its_end(file):
    file.write_text("a,b\n1,2\n3,4")
    with pytest.raises(DataFormatError, match=r"has no line end.*end the line if nothing is miss"):
        check_last_line(file, ",")
    for ending in ("", "\n"):
        file.write_text(f"a,b\n1,2\n3{ending}")
        with pytest.raises(DataFormatError, match="has 1 fields where the header has 2"):
            check_last_line(file, ",")


@pytest.mark.parametrize(
    "sign", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
)
def test_a_sign_that_only_python_takes_for_a_line_end_ends_no_line(file, sign):
    file.write_text(f"a,b\n1,2\n3,one{sign}two\n", encoding="utf-8", newline="")
    check_last_line(file, ",")


def test_long_tables_are_not_read_whole_and_their_end_is_found(file):
    rows = np.arange(400_000)
    file.write_text("a,b\n" + "".join(f"{n},{n}\n" for n in rows) + "400000")
    with pytest.raises(DataFormatError, match="'400000' has 1 fields"):
        check_last_line(file, ",")


def test_every_table_of_the_mirror_is_whole(mirror_folder):
    tables = [p for p in mirror_folder.rglob("*") if p.suffix in (".csv", ".tsv")]
    assert len(tables) > 20
    for table in tables:
        separator = "," if table.suffix == ".csv" else "\t"
        with table.open(encoding="utf-8", newline="") as handle:
            has_header = len(set(map(len, csv.reader(handle, delimiter=separator)))) == 1
        if has_header and table.read_bytes().endswith(b"\n"):
            check_last_line(table, separator)
        elif has_header:  # four published tables are whole, and cannot be told from cut ones
            with pytest.raises(DataFormatError, match="has no line end"):
                check_last_line(table, separator)


@pytest.mark.parametrize("cut", [1, 3, 5])
def test_events_of_haxby(haxby, cut):
    file = haxby.run(1) / "bold_events.tsv"
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(DataFormatError, match=r"run001.bold_events\.tsv: the last line .*cut"):
        next(load_haxby_runs(root=haxby.root))
