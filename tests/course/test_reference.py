from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

from sdc_helpers.course import reference
from sdc_helpers.course.catalogue import course_folder
from sdc_helpers.course.reference import Entry, public_entries, public_modules, render_page


def test_every_public_package_has_its_page_and_the_command_line_has_none():
    folder = Path(reference.sdc_helpers.__file__).parent
    packages = {file.parent.name for file in folder.glob("*/__init__.py")}
    names = {module.__name__.rpartition(".")[2] for module in public_modules()}
    assert packages <= names
    assert not {name for name in names if name.startswith(("_", "cli"))}


@pytest.mark.parametrize("name", ["scenes", "training", "course"])
def test_a_page_names_what_the_package_exports_each_once(name):
    module = importlib.import_module(f"sdc_helpers.{name}")
    entries = public_entries(module)
    assert {entry.name for entry in entries} == set(module.__all__)
    page = render_page(module, entries)
    described = re.findall(r"^\.\. (?:auto\w+|py:data):: (\S+)$", page, re.MULTILINE)
    assert sorted(n.rpartition(".")[2] for n in described) == sorted(module.__all__)


def test_kinds_are_told_apart_and_only_what_is_defined_there_counts_without_all():
    module = types.ModuleType("made")
    code = (
        "from pathlib import Path\nclass A: ...\nclass B(ValueError): ...\ndef f(): ...\n_g = f\n"
    )
    exec(code, vars(module))
    assert public_entries(module) == [
        Entry("A", "autoclass"),
        Entry("B", "autoexception"),
        Entry("f", "autofunction"),
    ]
    module.__all__ = ["N", "f"]
    module.N = 3
    assert public_entries(module) == [Entry("f", "autofunction"), Entry("N", "py:data")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("shape (*runs, d), |x - y|^2", r"shape (\*runs, d), \|x - y\|^2"),
        ("after `fit`, labels_ holds them", r"after `fit`, labels\_ holds them"),
        ("labels_ : array of shape (*n)", r"labels_ : array of shape (\*n)"),
        ("``f(*a)`` and `b|c`", "``f(*a)`` and `b|c`"),
        ("n_voxels of a_b", "n_voxels of a_b"),
    ],
)
def test_marks_of_plain_docstrings_are_kept(line, expected):
    lines = [line]
    reference._plain_marks(None, "", "", None, None, lines)
    assert lines == [expected]


SMALL = '''
"""A package."""
__all__ = ["Fits", "LIMIT", "norm"]
LIMIT = {"a": 1}
class Fits:
    """An estimator.

    Attributes
    ----------
    labels_ : array of shape (*runs, n)
        What labels_ holds, by |x|.
    """
    def fit(self, X, y=None, sample_weight=None):
        """Fit `norm`."""
        return self
    def set_fit_request(self):
        """What scikit-learn writes, :term:`meta-estimator`."""
def norm(x):
    """Return |x|.

    Parameters
    ----------
    x : array of shape (*n)
        Values.
    """
'''


@pytest.fixture
def pages(tmp_path) -> tuple[Path, str]:
    """The page of a small package, built as the book's are, by Sphinx with warnings as errors."""
    (tmp_path / "small.py").write_text(SMALL, encoding="utf-8")
    write = (
        "import sys; sys.path.insert(0, sys.argv[1]); import small\n"
        "from sdc_helpers.course.reference import public_entries, render_page\n"
        "print(render_page(small, public_entries(small)))"
    )
    python = [sys.executable, "-c", write, str(tmp_path)]
    page = subprocess.run(python, capture_output=True, encoding="utf-8", check=True).stdout
    (tmp_path / "index.rst").write_text(page, encoding="utf-8")
    book = (course_folder() / "book" / "_config.yml").read_text(encoding="utf-8")
    settings = re.findall(r"^    ((?:autodoc|autosummary|napoleon|default)_\w+): (\S+)", book, re.M)
    values = {"true": "True", "false": "False"}
    configuration = ["import sys", f"sys.path.insert(0, {str(tmp_path)!r})"]
    configuration += [f"{name} = {values.get(v, repr(v))}" for name, v in settings]
    extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
    configuration.append(f"extensions = {[*extensions, 'sdc_helpers.course.reference']}")
    (tmp_path / "conf.py").write_text("\n".join(configuration), encoding="utf-8")
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "text", str(tmp_path)]
    done = subprocess.run(
        [*command, str(tmp_path / "out")], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return (tmp_path / "out" / "index.txt").read_text(encoding="utf-8")


@pytest.mark.slow
def test_sphinx_makes_a_page_of_it_without_a_warning(pages):
    text = pages.replace("*", "")  # how the text builder shows emphasis
    for words in (
        "class small.Fits",
        "small.norm(x)",
        "LIMIT",
        "labels_ holds, by |x|",
        "runs, n)",
    ):
        assert words in text
    assert "set_fit_request" not in pages
    assert "\\" not in pages
