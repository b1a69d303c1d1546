"""The limits of a notebook, on notebooks that keep and that pass them."""

from __future__ import annotations

import nbformat
import pytest

from sdc_helpers.course.catalogue import Notebook
from sdc_helpers.course.standard import (
    LIMITS,
    Standard,
    glossary_links,
    glossary_terms,
    reading_minutes,
)

v4 = nbformat.v4
STUB = ("def f(x):\n    return ...", "exercise")


@pytest.fixture
def standard(tmp_path):
    """Return a function that holds a notebook of these cells against the limits."""

    def of(*cells, n_lines=10):
        made = [v4.new_markdown_cell("# Title\n\nsome words")]
        for source, *tags in cells:
            source = f"# @title t\n{source}" if "fold" in tags else source
            made.append(v4.new_code_cell(source, metadata={"tags": tags}))
        (tmp_path / "source").mkdir(exist_ok=True)
        (tmp_path / "source" / "01_a.py").write_text("#\n" * n_lines)
        nbformat.write(v4.new_notebook(cells=made), tmp_path / "01_a.ipynb")
        return Standard(Notebook(tmp_path / "01_a.ipynb"))

    return of


def lines(n):
    return "\n".join(f"x{i} = {i}" for i in range(n))


def test_a_notebook_at_the_limits_has_no_problem(standard):
    at = [STUB, (lines(25),), (lines(12),), (lines(3),), (lines(40), "fold"), ("y" * 76 + " = 1",)]
    kept = standard(*at, n_lines=600)
    assert kept.problems == []
    measured = list(kept.measured.values())
    assert measured[:6] == [25, 3, 40, 80, 600, 0]
    assert set(kept.measured) == set(LIMITS)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ([STUB, (lines(26),)], "26 lines of the longest shown cell, at most 25"),
        ([STUB, (lines(13),), (lines(14),)], "13 lines of the median shown cell"),
        ([STUB, (lines(41), "fold")], "41 lines of the longest folded cell"),
        ([STUB, ("y" * 77 + " = 1",)], "81 characters of the widest shown line"),
        ([(lines(9),), STUB], "86 percent of the notebook before the first exercise"),
        ([("x = 1",)], "100 percent of the notebook before the first exercise"),
        (
            [STUB, ("from sdc_helpers.a import " + ", ".join(f"n{i}" for i in range(16)), "fold")],
            "16 names from the package",
        ),
        ([STUB, *[(lines(20),)] * 16], "32 minutes to read"),
    ],
)
def test_each_limit_is_named_with_what_passed_it(standard, cells, problem):
    assert any(problem in p for p in standard(*cells).problems)


def test_a_long_source_is_two_chapters(standard):
    long = standard(STUB, (lines(9),), n_lines=601)
    assert long.problems == ["01_a: 601 lines of the source, at most 600"]


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ([("fig, ax = figure()",)], "draws, and is not folded"),
        ([("fig, ax = figure()\nm = model.fit(x)", "fold")], "draws and calls ['fit'] too"),
        ([("fig, ax = figure()\nn = 3", "fold"), ("print(n)",)], "reads ['n']"),
        ([("fig, ax = figure()\nn = 3", "fold"), ("show(fig, n)", "fold")], "reads ['fig', 'n']"),
    ],
)
def test_computing_and_drawing_are_two_cells(standard, cells, problem):
    assert any(problem in p for p in standard(STUB, *cells).problems)


def test_a_name_that_is_computed_again_is_not_read_from_a_figure(standard):
    drawing = ("fig, ax = figure()\nfor n in range(3):\n    ax.plot(n)", "fold")
    assert standard(STUB, drawing, ("n = 5",), ("print(n)",), drawing).problems == []


def test_folded_code_and_the_builds_own_cell_are_not_read():
    shown, folded, setup = (
        v4.new_code_cell(lines(50), metadata={"tags": tags}) for tags in ([], ["fold"], ["setup"])
    )
    text = v4.new_markdown_cell("word " * 300)
    assert reading_minutes([text, shown, folded, setup]) == pytest.approx(2 + 5)


def test_terms_of_the_glossary_and_links_to_them():
    glossary = "```{glossary}\n:sorted:\n\nnoise ceiling\n  The best.\n\nU-centring\n  Off.\n```\n"
    assert glossary_terms(glossary) == {
        "noise-ceiling": "noise ceiling", "u-centring": "U-centring",
    }  # fmt: skip
    text = "The [ceilings](glossary.md#noise-ceiling), not [this](other.md#x)."
    assert glossary_links(text) == ["noise-ceiling"]
