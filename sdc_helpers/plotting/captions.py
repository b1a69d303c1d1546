"""A figure as the course shows it: with a caption, which is its alt text, and labelled axes."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def show(fig: Figure, caption: str) -> None:
    """Show a figure with the sentence that says what to see, which is its alt text too.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        The figure.
    caption : str
        One or two sentences in plain text.

    Raises
    ------
    ValueError
        When an axis with data, or a colour bar, has no label: a figure without units proves
        nothing. The axes of an image need none, since its rows and columns may have names.

    Examples
    --------
    >>> from sdc_helpers.plotting import figure, plot_bars, show
    >>> fig, ax = figure(width=4)
    >>> _ = plot_bars({"a": [1.0, 2.0], "b": [3.0]}, ax).set(xlabel="group", ylabel="score")
    >>> show(fig, "Group b scores higher.")  # doctest: +ELLIPSIS
    {'text/html': '<figure ...', 'text/plain': '[figure] Group b scores higher.'}
    """
    body = (
        f'<img style="max-width:100%;background:#fff" alt="{html.escape(caption)}" '
        f'src="data:image/png;base64,{picture(fig)}">'
    )
    display_captioned(body, caption, "figure")


def picture(fig: Figure) -> str:
    """Return a figure as PNG in base64.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        The figure.

    Raises
    ------
    ValueError
        When an axis with data, or a colour bar, has no label, see `show`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    for number, axes in enumerate(fig.axes, start=1):
        _require_labels(axes, number)
    buffer = io.BytesIO()
    FigureCanvasAgg(fig).print_png(buffer)  # as `savefig`, which draws twice to lay out once
    return base64.b64encode(buffer.getvalue()).decode()


def display_captioned(body: str, caption: str, kind: str) -> None:
    """Display HTML with its caption under it.

    Parameters
    ----------
    body : str
        HTML of the figure itself.
    caption : str
        Sentence under the figure, in plain text.
    kind : str
        What a text-only viewer shows before the caption: ``figure``.
    """
    from IPython.display import display

    page = (
        f'<figure style="margin:1em 0">{body}'
        f"<figcaption><em>{html.escape(caption)}</em></figcaption></figure>"
    )
    display({"text/html": page, "text/plain": f"[{kind}] {caption}"}, raw=True)


def _require_labels(axes: Axes, number: int) -> None:
    if axes.get_label() == "<colorbar>":
        if not (axes.get_xlabel() or axes.get_ylabel()):
            raise ValueError("a colour bar has no label; give colorbar(...) one, units included")
        return
    if axes.images or not axes.has_data() or not axes.axison:
        return
    title = axes.get_title(loc="left") or axes.get_title() or axes.get_title(loc="right")
    for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        shared = axes.get_shared_x_axes() if name == "x" else axes.get_shared_y_axes()
        labelled = any(getattr(a, f"get_{name}label")() for a in shared.get_siblings(axes))
        of_figure = getattr(axes.figure, f"get_sup{name}label")()
        if axis.get_visible() and not (labelled or of_figure):
            raise ValueError(
                f"panel {number} ({title!r}): the {name} axis has no label; set one with "
                f"ax.set_{name}label(...), units included"
            )
