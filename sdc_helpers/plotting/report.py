"""A report page: one HTML file without anything around it, whose numbers all come from the run."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdc_helpers._files import atomic_path
from sdc_helpers._paths import absolute, data_root
from sdc_helpers.plotting.captions import picture, show
from sdc_helpers.plotting.intervals import table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """\
body{font:16px/1.5 system-ui,sans-serif;max-width:54em;margin:2em auto;padding:0 1em;color:#222}
h1{font-size:1.6em}h2{font-size:1.2em;margin-top:2em;border-top:1px solid #ccc;padding-top:.7em}
table{border-collapse:collapse;margin:1em 0;font-size:.95em}
th,td{border-bottom:1px solid #ddd;padding:.25em .9em .25em 0;text-align:left;vertical-align:top}
figure{margin:1em 0}img{max-width:100%}figcaption{color:#555;font-style:italic}
p.says{border-left:4px solid #117733;padding-left:.8em}
p.not{border-left:4px solid #aa3377;padding-left:.8em}
"""


class Report:
    """A page that grows with the run and is written once.

    Parameters
    ----------
    title : str
        Name of the study.
    kind : {"real", "simulated"}
        The word that stands under the title.
    lines : sequence of str
        What was read, a line each.

    Examples
    --------
    >>> from sdc_helpers.plotting import Report
    >>> page = Report("Small", "simulated", ["2 participants"])
    >>> page.section("Decoding", says="It works.", says_not="It does not say where.")
    >>> print(page.table(["name", "top-1"], [["anna", 0.5]], digits=1))
    | name | top-1 |
    | --- | --- |
    | anna | 0.5 |
    >>> "It does not say where." in page.to_html()
    True
    """

    def __init__(self, title: str, kind: str, lines: Sequence[str] = ()) -> None:
        self.title, self.kind = title, kind
        self._parts = [
            f"<h1>{_text(title)}</h1>",
            f"<p><b>{_text(kind.capitalize())} data.</b></p>",
        ]
        if lines:
            self._parts.append(f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in lines)}</ul>")

    def section(self, title: str, *, says: str, says_not: str = "") -> None:
        """Begin a section: what it says, and what it does not.

        Parameters
        ----------
        title : str
            Heading.
        says, says_not : str
            A sentence or two each; for a section that is skipped, why.
        """
        self._parts.append(f"<h2>{_text(title)}</h2>")
        self._parts.append(f'<p class="says"><b>What this says.</b> {_text(says)}</p>')
        if says_not:
            said = f"<b>What it does not say.</b> {_text(says_not)}"
            self._parts.append(f'<p class="not">{said}</p>')

    def table(
        self, head: Sequence[str], rows: Sequence[Sequence[Any]], digits: int | Sequence[int] = 3
    ) -> str:
        """Add a table; return it in Markdown, see `sdc_helpers.plotting.table`."""
        written = table(head, rows, digits)
        lines = [_cells(line) for line in written.splitlines()]
        body = "".join(_row(cells, "td") for cells in lines[2:])
        self._parts.append(f"<table>{_row(lines[0], 'th')}{body}</table>")
        return written

    def show(self, fig: Figure, caption: str) -> None:
        """Show a figure with its caption, see `sdc_helpers.plotting.show`, and add it."""
        show(fig, caption)
        image = f'<img alt="{_text(caption)}" src="data:image/png;base64,{picture(fig)}">'
        said = f"<figcaption>{_text(caption)}</figcaption>"
        self._parts.append(f"<figure>{image}{said}</figure>")

    def to_html(self) -> str:
        """Return the whole page."""
        head = f'<meta charset="utf-8"><title>{_text(self.title)}</title><style>{_STYLE}</style>'
        body = "\n".join(self._parts)
        return (
            f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'
        )

    def write(self, file: str | Path = "") -> Path:
        """Write the page.

        Parameters
        ----------
        file : path
            Where; by default into ``reports`` of the data folder, under the study's name.

        Returns
        -------
        pathlib.Path
            The file.
        """
        name = re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")[:80] or "report"
        target = absolute(file) if str(file) else data_root() / "reports" / f"{name}.html"
        with atomic_path(target) as temporary:
            temporary.write_text(self.to_html(), encoding="utf-8")
        return target


def _text(words: str) -> str:
    return html.escape(words)


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _row(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{_text(cell)}</{tag}>" for cell in cells) + "</tr>"
