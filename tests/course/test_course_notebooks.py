"""Every notebook of the course has the anatomy that its readers rely on."""

from __future__ import annotations

import ast
import re
import symtable
import tomllib
from collections import Counter

import nbformat
import pytest

from sdc_helpers.course import authoring, claims, notebook
from sdc_helpers.course.catalogue import course_folder, list_notebooks
from sdc_helpers.course.notebook import PROFILES, start
from sdc_helpers.course.standard import Standard, glossary_links, glossary_terms
from sdc_helpers.course.statements import read_statements
from sdc_helpers.exercises.registry import find, list_exercises

NOTEBOOKS = list_notebooks()
each_notebook = pytest.mark.parametrize("chapter", NOTEBOOKS, ids=lambda n: n.name)


def code_cells(chapter):
    return [cell for cell in chapter.content.cells if cell.cell_type == "code"]


def markdown(chapter):
    return "\n\n".join(c.source for c in chapter.content.cells if c.cell_type == "markdown")


def calls(source, name):
    """Return the calls of a function in a cell, by its name with or without a module."""
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [call for call in found if name_of(call) in (name, f".{name}")]


def name_of(call):
    """Return ``name`` of ``name(...)``, and ``.name`` of ``anything.name(...)``."""
    match call.func:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return f".{name}"
    return ""


def all_calls(chapter, name):
    return [call for cell in code_cells(chapter) for call in calls(cell.source, name)]


def written(node):
    """Return the text of a string literal or of what is fixed in an f-string."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(written(part) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return written(left) + written(right)
        case ast.FormattedValue(value=value) if "kind" in ast.unparse(value):
            # a chapter that runs on either keeps in `kind` whether it is "simulated" or "real"
            return "Simulated" if "capitalize" in ast.unparse(value) else "simulated"
    return ""


def arguments(call):
    return {keyword.arg: keyword.value for keyword in call.keywords}


def recorded(chapter):
    """Return patterns of the identifiers that a notebook records; an f-string fits several."""
    patterns = []
    for call in all_calls(chapter, "record"):
        parts = getattr(call.args[0], "values", [call.args[0]])
        patterns.append("".join(
            re.escape(part.value) if isinstance(part, ast.Constant) else r"\w+" for part in parts
        ))  # fmt: skip
    return patterns


def section(chapter, heading):
    """Return the text under a heading that begins so, up to the next of its level."""
    found = re.search(rf"^## {heading}.*?\n(.*?)(?=^## |\Z)", markdown(chapter), re.M | re.S)
    assert found, f"{chapter.name} has no section '## {heading}...'"
    return found.group(1)


def bibtex_keys():
    text = (course_folder() / "book" / "references.bib").read_text(encoding="utf-8")
    return re.findall(r"^@\w+\{([^,\s]+),", text, re.M)


# --- the whole course -----------------------------------------------------------------------------


def test_every_notebook_is_what_its_source_generates():
    assert NOTEBOOKS
    assert authoring.check() == []


def test_claim_and_exercise_identifiers_are_unique_over_the_course():
    checks = Counter(written(c.args[0]) for n in NOTEBOOKS for c in all_calls(n, "check"))
    stated = Counter(list(read_statements(claims.FOLDER)))  # which refuses what stands twice
    assert {i: k for i, k in (stated + checks).items() if k > 1} == {}
    assert set(checks) == {e.identifier for e in list_exercises()}


def test_bibtex_keys_are_unique():
    assert {k: n for k, n in Counter(bibtex_keys()).items() if n > 1} == {}


# --- one notebook ---------------------------------------------------------------------------------


@each_notebook
def test_it_opens_with_title_objectives_and_prerequisites(chapter):
    assert chapter.content.cells[0].source.startswith("# ")
    assert re.findall(r"^# ", markdown(chapter), re.M) == ["# "]
    assert "*To read: about" in chapter.content.cells[0].source
    objectives = section(chapter, "What you will do")
    assert 3 <= len(re.findall(r"^- ", objectives, re.M)) <= 5
    assert "You need:" in objectives


@each_notebook
def test_it_ends_with_three_take_aways(chapter):
    assert "## Take-aways" in chapter.content.cells[-1].source
    numbers = re.findall(r"^(\d)\. ", section(chapter, "Take-aways"), re.M)
    assert numbers == ["1", "2", "3"]


@each_notebook
def test_it_shows_a_pitfall_and_ends_on_real_data_or_says_why_not(chapter):
    assert re.search(r"^##.*Pitfall", markdown(chapter), re.M)
    assert re.search(r"^##.*[Rr]eal", markdown(chapter), re.M)


@each_notebook
def test_the_parameters_cell_is_followed_by_its_validation(chapter):
    tags = [cell.metadata.get("tags", []) for cell in chapter.content.cells]
    (index,) = [i for i, t in enumerate(tags) if "parameters" in t]
    (call,) = all_calls(chapter, "start")
    assert call.lineno <= len(chapter.content.cells[index + 1].source.splitlines())
    assert calls(chapter.content.cells[index + 1].source, "start")
    assert written(call.args[0]) == chapter.name


@each_notebook
@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_resolves_every_parameter(chapter, profile, monkeypatch):
    monkeypatch.setattr(notebook, "cuda_available", lambda: False)
    monkeypatch.delenv("SDC_PROFILE", raising=False)
    (cell,) = [c for c in code_cells(chapter) if "parameters" in c.metadata.get("tags", [])]
    (call,) = all_calls(chapter, "start")
    by_profile = ast.literal_eval(arguments(call)["by_profile"])
    namespace = {p.name: p.default for p in chapter.schema.parameters} | {"profile": profile}
    values = start(chapter.name, by_profile, cells=[cell.source], namespace=namespace).model_dump()
    assert values["profile"] == profile
    assert {name for name, value in values.items() if value is None} == set()


@each_notebook
def test_parameters_are_used_as_validated_never_as_the_bare_names_of_the_cell(chapter):
    for cell in code_cells(chapter):
        if "parameters" not in cell.metadata.get("tags", []):
            symbols = symtable.symtable(cell.source, chapter.name, "exec").get_symbols()
            names = {s.get_name() for s in symbols if s.is_referenced() or s.is_assigned()}
            assert not names & set(chapter.schema.names), cell.source[:200]


@each_notebook
def test_it_keeps_to_the_limits_of_what_can_be_read(chapter):
    assert Standard(chapter).problems == []


@each_notebook
def test_no_formula_has_a_sign_that_a_browser_takes_for_a_tag(chapter):
    assert re.findall(r"\$[^$]*<[a-zA-Z/][^$]*\$", markdown(chapter)) == []


@each_notebook
def test_its_terms_are_in_the_glossary(chapter):
    terms = glossary_terms((course_folder() / "book" / "glossary.md").read_text(encoding="utf-8"))
    links = glossary_links(markdown(chapter))
    assert len(set(links)) >= 3
    assert set(links) <= set(terms)


@each_notebook
def test_every_figure_is_shown_with_a_caption(chapter):
    shown = all_calls(chapter, "show") + all_calls(chapter, "show_slider")
    made = all_calls(chapter, "figure") + all_calls(chapter, "plot_cortex")
    assert len(shown) == len(made) > 0
    for call in shown:
        caption = written(call.args[2 if name_of(call).endswith("show_slider") else 1])
        assert len(caption.split()) >= 8, caption
        assert re.match(r"Simulated|Real", caption), caption


@each_notebook
def test_claims_are_stated_in_the_chapters_file_and_recorded_by_one_line(chapter):
    stated = read_statements(claims.FOLDER)
    content = tomllib.loads((claims.FOLDER / f"{chapter.name}.toml").read_text(encoding="utf-8"))
    patterns = recorded(chapter)
    assert patterns
    for pattern in patterns:
        assert any(re.fullmatch(pattern, identifier) for identifier in content), pattern
    for identifier in content:
        assert any(re.fullmatch(pattern, identifier) for pattern in patterns), identifier
        topic, *rest = identifier.split(".")
        assert topic in chapter.name[3:], identifier
        assert rest, identifier
        key = stated[identifier].source.partition(",")[0]
        assert not key or " " in key or key in bibtex_keys(), identifier
        assert stated[identifier].reason, identifier
        data = stated[identifier].data
        assert data.startswith(("simulated", "real", "{")) or not data, identifier
    for call in all_calls(chapter, "record"):
        assert len(call.args) == 2, ast.unparse(call)[:100]  # what is claimed stands in the file


@each_notebook
def test_every_paper_it_names_is_in_the_bibliography(chapter):
    named = re.findall(r"`([a-z]+\d{4}[a-z]*)`", markdown(chapter))
    assert set(named) <= set(bibtex_keys())


@each_notebook
def test_every_exercise_has_stub_check_and_card(chapter):
    cells = chapter.content.cells
    stubs = [i for i, cell in enumerate(cells) if "exercise" in cell.metadata.get("tags", [])]
    assert len(stubs) >= (1 if chapter.name.startswith("00") else 2)
    assert len(stubs) <= 4
    assert len(stubs) == len(all_calls(chapter, "check")) == len(all_calls(chapter, "card"))
    for stub in stubs:
        (function,) = ast.parse(cells[stub].source).body
        (check,) = calls(cells[stub + 1].source, "check")
        (card,) = calls(cells[stub + 2].source, "card")
        identifier = written(check.args[0])
        assert written(card.args[0]) == identifier
        assert check.args[1].id == function.name
        assert find(identifier).title


@each_notebook
def test_an_untouched_stub_is_not_attempted(chapter):
    for before, cell in zip(code_cells(chapter), code_cells(chapter)[1:], strict=False):
        if "exercise" not in before.metadata.get("tags", []):
            continue
        namespace = {}
        exec(before.source, namespace)
        exec("from sdc_helpers import exercises\nverdict = " + cell.source, namespace)
        assert namespace["verdict"].status == "not attempted"


@each_notebook
def test_what_needs_a_gpu_asks_for_one_and_is_tagged(chapter):
    for cell in code_cells(chapter):
        tags = cell.metadata.get("tags", [])
        tagged = "gpu" in tags
        assert tagged == bool(calls(cell.source, "on_gpu")), cell.source[:200]
        if re.search(r"""["']cuda""", cell.source):
            assert tagged or "parameters" in tags, cell.source[:200]
        for call in calls(cell.source, "on_gpu"):
            assert {"estimate", "recorded"} <= set(arguments(call))


@each_notebook
def test_links_to_other_chapters_lead_somewhere(chapter):
    folder = course_folder()
    for target in re.findall(r"\]\(([\w./-]+\.(?:ipynb|md))\)", markdown(chapter)):
        places = [folder / "notebooks" / target, folder / "book" / target]
        assert any(place.is_file() for place in places), target


def test_the_helpers_of_this_file_find_what_they_look_for():
    """A check that finds nothing passes: make sure that these find something."""
    v4 = nbformat.v4
    source = "a.record(f'x.{y}z', 1)\nshow(fig, 'one' f' {two} three')"
    assert [written(c.args[0]) for c in calls(source, "record")] == ["x.z"]
    assert [written(c.args[1]) for c in calls(source, "show")] == ["one  three"]
    assert calls(source, "figure") == []
    chapter = type("C", (), {"name": "c", "content": v4.new_notebook(cells=[
        v4.new_markdown_cell("## Some title\nText"), v4.new_markdown_cell("### Sub\nMore\n## B")
    ])})  # fmt: skip
    assert section(chapter, "Some") == "Text\n\n### Sub\nMore\n"
    with pytest.raises(AssertionError, match="no section"):
        section(chapter, "Other")
