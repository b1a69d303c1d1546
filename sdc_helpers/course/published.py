"""Where the course is published: read in one place, and what notebooks and pages say of it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sdc_helpers.course.catalogue import course_folder
from sdc_helpers.course.errors import CourseError

BEGIN, END = "<!-- where to open it -->", "<!-- end of where to open it -->"
_BETWEEN = re.compile(f"(?<={re.escape(BEGIN)}\n).*?(?={re.escape(END)})", re.DOTALL)
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Address:
    """The public repository.

    Attributes
    ----------
    repository : str
        ``owner/name`` on GitHub.
    branch : str
        The branch that Colab and Binder open.
    """

    repository: str
    branch: str

    @property
    def package(self) -> str:
        """What pip installs the package from."""
        return f"git+https://github.com/{self.repository}@{self.branch}"

    def links(self, notebook: str | None = None) -> str:
        """Return a line of Markdown that opens a notebook, or all of them, elsewhere.

        The links are words: a picture from another machine is a broken one without a network.

        Parameters
        ----------
        notebook : str, optional
            Name of the notebook, ``13_cka_pitfalls``; the folder of notebooks by default.
        """
        path = f"notebooks/{notebook}.ipynb" if notebook else "notebooks"
        tree = f"{self.repository}/{'blob' if notebook else 'tree'}/{quote(self.branch, safe='')}"
        colab = f"https://colab.research.google.com/github/{tree}/{path}"
        binder = f"https://mybinder.org/v2/gh/{self.repository}/{quote(self.branch, safe='')}"
        return (
            f"[Open in Colab]({colab}) | [Open on Binder]({binder}?labpath={quote(path, safe='')})"
        )


def read_address(project: Path | None = None) -> Address | None:
    """Read where the course is published.

    Parameters
    ----------
    project : pathlib.Path, optional
        The ``pyproject.toml`` whose ``[tool.sdc]`` says it; the course's by default.

    Returns
    -------
    Address or None
        None until the repository is named there.

    Raises
    ------
    CourseError
        When what stands there is no ``owner/name``.
    """
    project = project or course_folder() / "pyproject.toml"
    table = tomllib.loads(project.read_text(encoding="utf-8")).get("tool", {}).get("sdc", {})
    repository = table.get("repository", "")
    if not repository:
        return None
    if not _REPOSITORY.fullmatch(repository):
        raise CourseError(
            f"{project}: [tool.sdc] repository is {repository!r}; give it as 'owner/name', the two "
            "words after the host in the repository's address, or leave it empty"
        )
    return Address(repository, table.get("branch") or "main")


def fill_links(text: str, address: Address | None) -> str:
    """Write the links between the two marks of a page; nothing stands there without an address.

    Parameters
    ----------
    text : str
        A page of Markdown, with or without the marks.
    address : Address or None
        Address where the course is published.

    Returns
    -------
    str
        The page; unchanged where it has no marks.
    """
    return _BETWEEN.sub(lambda _: f"{address.links()}\n" if address else "", text)


def setup_cell(address: Address | None) -> str:
    """Return the code cell that every notebook begins with.

    Parameters
    ----------
    address : Address or None
        Where the package can be installed from on Colab.

    Returns
    -------
    str
        Python, which does nothing where the package is there.
    """
    if address is None:
        colab = (
            'On Colab: upload or clone the course folder, then run "\n'
            "        \"'%pip install ./FOLDER' in a new cell above, with its name, and start again."
        )
        return _CHECK.format(colab=colab)
    return _INSTALL.format(package=address.package)


_CHECK = """\
# This notebook needs the course's package, sdc_helpers.
from importlib.util import find_spec

if find_spec("sdc_helpers") is None:
    raise ModuleNotFoundError(
        "sdc_helpers is not installed in this kernel. On your own machine: run 'make env' in the "
        "course folder, then 'make lab'. {colab}"
    )"""

_INSTALL = """\
# This notebook needs the course's package, sdc_helpers; on Colab it is installed here.
import sys
from importlib.util import find_spec

if find_spec("sdc_helpers") is None and "google.colab" in sys.modules:
    get_ipython().run_line_magic("pip", "install --quiet {package}")
elif find_spec("sdc_helpers") is None:
    raise ModuleNotFoundError(
        "sdc_helpers is not installed in this kernel. Run 'python course.py env' in the course "
        "folder, then 'python course.py lab'."
    )"""
