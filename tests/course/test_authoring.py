"""From a py:percent source to a notebook: the same every time, without outputs, checked."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import jupytext
import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.course import authoring
from sdc_helpers.course.errors import CourseError

PARAMETERS = """\
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 7  # where the random numbers start
device: str = "auto"  # where to compute"""
TITLE = "# A title\n\nThe question.\n\n{{ minutes }}"
START = "from sdc_helpers.course import start\n\np = start('01_some')"


def percent(*cells):
    """Write cells, pairs of a header and a source, in the py:percent format, by hand."""
    parts = []
    for header, source in cells:
        if header.startswith("[markdown]"):
            source = "\n".join(f"# {line}".rstrip() for line in source.splitlines())
        parts.append(f"# %% {header}".rstrip() + f"\n{source}\n")
    return "\n".join(parts)


HEAD = (
    ("[markdown]", TITLE),
    ('tags=["parameters"]', PARAMETERS),
    ("", START),
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "source").mkdir()
    return tmp_path


@pytest.fixture
def render(folder):
    """Return a function that renders cells (after the head) and reads the notebook back."""

    def render_cells(*cells, head=HEAD):
        source = folder / "source" / "01_some.py"
        source.write_text(percent(*head, *cells), encoding="utf-8")
        return nbformat.reads(authoring.render(source), as_version=4)

    return render_cells


def ids(notebook):
    return {cell.source: cell.id for cell in notebook.cells}


CELLS = (
    ("[markdown]", "## One\n\nText with $x^2$, ünïcode and `code`."),
    ("", "x = 1\n\n\ndef f():\n    return x"),
    ('tags=["gpu"]', "print(f())"),
    ("[markdown]", "Last."),
)


# --- what a notebook is ---------------------------------------------------------------------------


def test_a_notebook_is_valid_plain_and_the_same_every_time(folder, render):
    notebook = render(*CELLS)
    source = folder / "source" / "01_some.py"
    assert authoring.render(source) == authoring.render(source)
    assert authoring.render(source).endswith("}\n")
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags", "mystnb"}
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)


def test_sources_and_tags_survive(render):
    notebook = render(*CELLS)
    title, setup, parameters, start, *rest = notebook.cells
    assert title.source.startswith("# A title\n\nThe question.\n\n*To read: about 5 minutes.")
    assert setup.metadata.tags == ["setup", "remove-cell"]
    assert (parameters.source, parameters.metadata.tags) == (PARAMETERS, ["parameters"])
    assert start.source == START
    assert [cell.source for cell in rest] == [source for _, source in CELLS]
    assert [cell.cell_type for cell in rest] == ["markdown", "code", "code", "markdown"]
    assert [cell.metadata.get("tags") for cell in rest] == [None, None, ["gpu"], None]


LINES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20),
    min_size=1,
    max_size=4,
)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.booleans(), LINES), max_size=6))
def test_any_text_survives_and_every_id_is_its_own(tmp_path_factory, cells):
    source = tmp_path_factory.mktemp("notebooks") / "source" / "01_some.py"
    source.parent.mkdir()
    v4 = nbformat.v4
    written = [
        v4.new_markdown_cell("\n".join(lines))
        if is_text
        else v4.new_code_cell("\n".join(f"x = {line!r}" for line in lines))
        for is_text, lines in cells
    ]
    head = [
        v4.new_markdown_cell(TITLE),
        v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        v4.new_code_cell(START),
    ]
    text = jupytext.writes(v4.new_notebook(cells=head + written), fmt="py:percent")
    source.write_text(text, encoding="utf-8")
    notebook = nbformat.reads(authoring.render(source), as_version=4)
    assert [c.source for c in notebook.cells[4:]] == [c.source for c in written]
    assert len({c.id for c in notebook.cells}) == len(notebook.cells)


# --- cell ids -------------------------------------------------------------------------------------


def test_ids_depend_on_content_alone(render):
    before = ids(render(*CELLS))
    assert ids(render(*CELLS[::-1])) == before
    assert ids(render(CELLS[1], CELLS[3])).items() <= before.items()
    edited = ids(render(CELLS[0], ("", "x = 2"), *CELLS[2:]))
    kept = {source for source in before if source != CELLS[1][1]}
    assert {source: edited[source] for source in kept} == {s: before[s] for s in kept}
    assert edited["x = 2"] not in before.values()


def test_cells_with_the_same_content_have_ids_of_their_own(render):
    twice = render(("", "x = 1"), ("", "x = 1"), ("[markdown]", "x = 1"))
    assert len({cell.id for cell in twice.cells}) == len(twice.cells)
    once = render(("", "x = 1"), ("[markdown]", "x = 1"))
    assert {cell.id for cell in once.cells} < {cell.id for cell in twice.cells}


# --- refusals -------------------------------------------------------------------------------------

TEXT_AFTER = ("[markdown]", "Now call start() below.")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ((), "first cell must be Markdown with the title"),
        (HEAD[1:], "first cell must be Markdown with the title"),
        ((("[markdown]", TITLE[2:]), *HEAD[1:]), "first cell must be Markdown with the title"),
        ((("[markdown]", f"#{TITLE}"), *HEAD[1:]), "first cell must be Markdown with the title"),
        ((("[markdown]", "# A title"), *HEAD[1:]), "must hold {{ minutes }} on a line of its own"),
        (
            (("[markdown]", "# A title\n\nIn {{ minutes }} minutes"), *HEAD[1:]),
            "must hold {{ minutes }} on a line of its own",
        ),
        ((HEAD[0], HEAD[2]), "exactly one cell must be tagged 'parameters'"),
        ((*HEAD, HEAD[1]), "exactly one cell must be tagged 'parameters'"),
        (HEAD[:2], "the cell after the parameters must call start(...)"),
        ((*HEAD[:2], ("", "x = 1"), HEAD[2]), "the cell after the parameters must call start(...)"),
        ((*HEAD[:2], TEXT_AFTER, HEAD[2]), "the cell after the parameters must call start(...)"),
        ((*HEAD[:2], ("", "restart()")), "the cell after the parameters must call start(...)"),
        ((HEAD[0], (HEAD[1][0], "x = 1"), HEAD[2]), "the parameters cell holds 'x = 1'"),
        ((HEAD[0], (HEAD[1][0], "x: int = ("), HEAD[2]), "the parameters cell is not Python"),
        (
            (HEAD[0], (HEAD[1][0], "x: int = 1  # x"), HEAD[2]),
            "the parameters cell lacks 'profile'",
        ),
        (
            (HEAD[0], ('[markdown] tags=["parameters"]', "Text"), HEAD[2]),
            "the parameters cell",
        ),
    ],
)
def test_a_source_without_the_anatomy_is_refused(render, head, message):
    with pytest.raises(CourseError) as caught:
        render(head=head)
    assert str(caught.value).startswith("01_some.py: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["some.py", "1_some.py", "01-some.py", "01_Some.py"])
def test_a_source_is_named_by_its_number(folder, name):
    (folder / "source" / name).write_text(percent(*HEAD))
    with pytest.raises(CourseError, match=f"{name}: .*NN_topic.py"):
        authoring.build(folder)


# --- build and check ------------------------------------------------------------------------------


def test_copies_are_neither_built_nor_complained_of(folder, render):
    render(*CELLS)
    authoring.build(folder)
    for name in ("01_some-Copy1", "01_some_copy", "01_some (1)", "._01_some"):
        shutil.copy(folder / "source" / "01_some.py", folder / "source" / f"{name}.py")
        shutil.copy(folder / "01_some.ipynb", folder / f"{name}.ipynb")
    assert authoring.check(folder) == []
    (folder / "01_some.ipynb").unlink()
    assert authoring.build(folder) == [folder / "01_some.ipynb"]


def test_check_names_what_is_missing_different_or_without_a_source(folder, render):
    render(*CELLS)
    for name in ("02_other.py", "03_third.py"):
        shutil.copy(folder / "source" / "01_some.py", folder / "source" / name)
    names = ("01_some", "02_other", "03_third")
    assert authoring.check(folder) == [
        f"{name}.ipynb has not been built from source/{name}.py" for name in names
    ]
    assert [p.stem for p in authoring.build(folder)] == list(names)
    assert authoring.check(folder) == []
    assert authoring.build(folder) == []

    executed = nbformat.read(folder / "02_other.ipynb", as_version=4)
    executed.cells[1].execution_count = 1
    nbformat.write(executed, folder / "02_other.ipynb")
    (folder / "03_third.ipynb").write_bytes(b"\xff\xfe")
    shutil.copy(folder / "01_some.ipynb", folder / "04_orphan.ipynb")
    assert authoring.check(folder) == [
        "02_other.ipynb differs from what source/02_other.py generates",
        "03_third.ipynb differs from what source/03_third.py generates",
        "04_orphan.ipynb has no source/04_orphan.py",
    ]
    assert [p.name for p in authoring.build(folder)] == ["02_other.ipynb", "03_third.ipynb"]
    assert authoring.check(folder) == ["04_orphan.ipynb has no source/04_orphan.py"]
    assert not list(folder.glob(".*.tmp"))


# --- minutes --------------------------------------------------------------------------------------


def write_record(runs, name="01_some", status="complete", **changes):
    record = {
        "name": name, "status": status, "profile": "smoke", "seconds": 12.6,
        "peak_memory_mb": 812.3, "hardware": {"cores": 2}, "started": "2025-02-03T04:05:06",
        **changes,
    }  # fmt: skip
    runs.mkdir(exist_ok=True)
    (runs / f"{name}.{record['profile']}.run.json").write_text(json.dumps(record))


def test_measured_minutes_come_into_the_title(folder, render):
    assert "To run: not yet measured." in render().cells[0].source
    runs = folder / "runs"
    write_record(runs)
    write_record(runs, name="01_some", profile="workshop", seconds=150.2, peak_memory_mb=2100)
    write_record(runs, name="02_failed", status="failed", profile="full", seconds=1)
    file = authoring.update_timings(runs, folder)
    assert json.loads(file.read_text()) == {
        "01_some": {
            "smoke": {"seconds": 13, "peak_memory_mb": 812, "cores": 2, "date": "2025-02-03"},
            "workshop": {"seconds": 150, "peak_memory_mb": 2100, "cores": 2, "date": "2025-02-03"},
        }
    }
    (line,) = [li for li in render().cells[0].source.splitlines() if li.startswith("*To read")]
    assert line == (
        "*To read: about 5 minutes. To run: 0.2 min in profile `smoke` (2 cores, 0.8 GB); "
        "2.5 min in profile `workshop` (2 cores, 2.1 GB).*"
    )


def test_new_measurements_replace_old_ones_and_keep_those_of_other_chapters(folder):
    for name in ("01_some", "02_other"):
        (folder / "source" / f"{name}.py").touch()
    write_record(folder / "a", name="03_gone")
    write_record(folder / "a", name="01_some")
    write_record(folder / "a", name="02_other", seconds=1)
    write_record(folder / "b", name="01_some", seconds=20)
    authoring.update_timings(folder / "a", folder)
    file = authoring.update_timings(folder / "b", folder)
    seconds = {n: t["smoke"]["seconds"] for n, t in json.loads(file.read_text()).items()}
    assert seconds == {"01_some": 20, "02_other": 1}


def test_no_run_is_ever_said_to_take_no_time(folder, render):
    render()
    write_record(folder / "runs", seconds=1)
    authoring.update_timings(folder / "runs", folder)
    assert "0.1 min in profile `smoke`" in render().cells[0].source


def test_without_a_complete_run_there_is_nothing_to_store(folder):
    write_record(folder / "runs", status="failed")
    with pytest.raises(CourseError, match=r"no complete run in .*runs; run 'sdc run all"):
        authoring.update_timings(folder / "runs", folder)
    assert not (folder / "timings.json").exists()


def test_reading_time_grows_with_the_words_and_the_code_that_is_shown(render):
    short, long = (render(("[markdown]", "word " * n)).cells[0].source for n in (10, 150 * 42))
    assert "about 5 minutes" in short
    assert "about 45 minutes" in long
    code = "\n".join(f"x{i} = {i}" for i in range(300))
    shown, folded = (
        render((header, code)).cells[0].source for header in ("", 'Count tags=["fold"]')
    )
    assert "about 35 minutes" in shown
    assert "about 5 minutes" in folded


# --- cells that fold ------------------------------------------------------------------------------


def test_a_folded_cell_shows_its_title_in_lab_colab_and_the_book(render):
    cell = render(('Draw the curve tags=["fold"]', "x = 1")).cells[-1]
    assert cell.source == "# @title Draw the curve\nx = 1"
    assert cell.metadata.tags == ["fold", "hide-input"]
    assert cell.metadata.jupyter == {"source_hidden": True}
    assert cell.metadata.cellView == "form"
    assert cell.metadata.mystnb.code_prompt_show == "Draw the curve"


@pytest.mark.parametrize("header", ['tags=["fold"]', 'Title [markdown] tags=["fold"]'])
def test_a_folded_cell_without_a_title_or_code_is_refused(render, header):
    with pytest.raises(CourseError, match="has a title"):
        render((header, "x = 1"))


# --- the first code cell --------------------------------------------------------------------------


def run_setup(render, *options):
    command = [sys.executable, *options, "-c", render().cells[1].source]
    return subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)


def test_the_first_code_cell_explains_a_missing_package(render):
    answer = run_setup(render, "-I", "-S")
    assert answer.returncode == 1
    last = answer.stderr.strip().splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: sdc_helpers is not installed in this kernel.")
    for advice in ("make env", "make lab", "%pip install"):
        assert advice in last


def test_the_first_code_cell_says_nothing_where_the_package_is(render):
    answer = run_setup(render)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
