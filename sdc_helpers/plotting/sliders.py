"""Figures with a slider that also move in the static book, without a server or a network.

Every position of the slider is drawn beforehand; the page only chooses which picture is seen.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sdc_helpers.plotting.captions import display_captioned, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What the slider does: show the picture of its number, hide the others, say the value.
_MOVE = (
    "const f=this.closest('figure'),i=+this.value;"
    "f.querySelectorAll('img').forEach((p,n)=>{p.style.display=n===i?'':'none'});"
    "f.querySelector('output').value=f.querySelectorAll('img')[i].dataset.at"
)


def show_slider(figures: Mapping[str, Figure], what: str, caption: str, *, start: int = 0) -> None:
    """Show one figure for each position of a slider, all with the same limits of their axes.

    Parameters
    ----------
    figures : mapping of str to matplotlib.figure.Figure
        A figure for each position, by what the slider says there, such as ``"0.05"``. A dozen are
        enough: each is a picture of some 30 kB in the page.
    what : str
        What the slider changes, with its unit.
    caption : str
        Sentence that says what to see when it is moved, in plain text.
    start : int, default=0
        Position that is shown first, and where nothing can move, as on paper.

    Raises
    ------
    ValueError
        When there are fewer than two figures, `start` is none of them, or an axis has no label.

    Examples
    --------
    >>> from sdc_helpers.plotting import figure, show_slider
    >>> drawn = {}
    >>> for power in (1, 2, 3):
    ...     fig, ax = figure(width=3)
    ...     _ = ax.plot([0, 1, 2], [0, 1, 2**power])
    ...     _ = ax.set(xlabel="x", ylabel="y", ylim=(0, 8))
    ...     drawn[str(power)] = fig
    >>> show_slider(drawn, "power", "The curve bends.")  # doctest: +ELLIPSIS
    {'text/html': '<figure ...', 'text/plain': '[interactive figure] The curve bends.'}
    """
    if len(figures) < 2 or not 0 <= start < len(figures):
        raise ValueError(
            f"a slider over {len(figures)} figures that starts at {start}; expected two or more, "
            "and one of them to start at."
        )
    what, alt = html.escape(what), html.escape(caption)
    pictures = "".join(
        f'<img style="max-width:100%;background:#fff{"" if number == start else ";display:none"}" '
        f'data-at="{html.escape(at)}" alt="{alt} Here: {what} {html.escape(at)}." '
        f'src="data:image/png;base64,{picture(fig)}">'
        for number, (at, fig) in enumerate(figures.items())
    )
    first = html.escape(list(figures)[start])
    slider = (
        f'<label style="display:block;margin:.3em 0">{what} <input type="range" min="0" '
        f'max="{len(figures) - 1}" value="{start}" style="width:50%;vertical-align:middle" '
        f'oninput="{html.escape(_MOVE)}"> <output>{first}</output></label>'
    )
    display_captioned(slider + pictures, caption, "interactive figure")
