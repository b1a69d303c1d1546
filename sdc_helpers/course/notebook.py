"""What a notebook calls: :func:`start` under its parameters cell, :func:`say`, :func:`on_gpu`."""

from __future__ import annotations

import ast
import ctypes
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from sdc_helpers._machine import set_threads
from sdc_helpers.course.errors import ParameterError
from sdc_helpers.course.parameters import Schema, parse_schema

START_MIME = "application/vnd.sdc.start+json"
PROFILES = ("smoke", "workshop", "full")


def start(
    chapter: str,
    by_profile: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    cells: Sequence[str] | None = None,
    namespace: Mapping[str, Any] | None = None,
) -> Any:
    """Validate the notebook's parameters and return them, resolved.

    Reads the parameters cell (and papermill's injected one) from the kernel's history, so that a
    value is checked however it was set: by the runner, by plain papermill, or by hand.

    Parameters
    ----------
    chapter : str
        The notebook's name, ``13_cka_pitfalls``.
    by_profile : mapping, optional
        Values by profile for parameters whose default is None: ``{name: {profile: value}}``.
    cells : sequence of str, optional
        Sources of the cells run so far; the kernel's own history by default.
    namespace : mapping, optional
        Where the values are; the kernel's own by default.

    Returns
    -------
    pydantic.BaseModel
        Frozen; one attribute a parameter; ``device`` is ``"cpu"`` or ``"cuda"``, never ``"auto"``.

    Raises
    ------
    ParameterError
        One sentence: which parameter, what it got, what it takes.
    """
    # tqdm asks for ipywidgets, whose bars a static page cannot show; text bars do
    warnings.filterwarnings("ignore", message="IProgress not found")
    if cells is None or namespace is None:
        cells, namespace = _kernel_history()
        _leave_cores_to_others()
    schema, injected = _find_parameters(cells)
    for name in injected:
        if name not in schema.names:
            schema.validate({name: None})
    values = {p.name: namespace.get(p.name, p.default) for p in schema.parameters}
    if "profile" not in injected and values["profile"] == schema["profile"].default:
        values["profile"] = _default_profile(values["profile"])
    profile = schema.validate(values).profile  # type: ignore[attr-defined]
    for name, choices in (by_profile or {}).items():
        if values.get(name) is None:
            if profile not in choices:
                raise ParameterError(f"{name!r} is None and has no value for profile {profile!r}")
            values[name] = choices[profile]
    values["device"] = _resolve_device(values["device"])
    parameters = schema.validate(values)
    _announce(chapter, parameters.model_dump())
    return parameters


def say(text: str) -> None:
    """Show a sentence of Markdown whose numbers come from code.

    Parameters
    ----------
    text : str
        Markdown, usually an f-string.
    """
    from IPython.display import Markdown, display

    display(Markdown(text))


def on_gpu(what: str, *, estimate: str, recorded: str) -> bool:
    """Return whether CUDA is there; without it, say what the cell would have done.

    Parameters
    ----------
    what : str
        What the cell computes, at which size.
    estimate : str
        How long it takes on which card; "unmeasured" where nobody has run it.
    recorded : str
        Place where a recorded result is kept.

    Returns
    -------
    bool
        True where a CUDA device can be used.
    """
    if cuda_available():
        return True
    say(
        f"*No CUDA device here, so this cell is skipped. It would compute {what} "
        f"({estimate}). Recorded result: {recorded}.*"
    )
    return False


def cuda_available() -> bool:
    """Return whether a CUDA device can be used, without importing torch where no driver is."""
    try:
        ctypes.CDLL("libcuda.so.1" if os.name == "posix" else "nvcuda.dll")
    except OSError:
        return False
    import torch

    return torch.cuda.is_available()


def _leave_cores_to_others() -> None:
    """Let numerical libraries, loaded or not, use as many threads as cores are free."""
    threads = set_threads(os.environ)
    if threads is None:
        return
    if "numpy" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(limits=threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def _default_profile(written: str) -> str:
    """Return the profile that SDC_PROFILE names, else the one in the parameters cell."""
    chosen = os.environ.get("SDC_PROFILE") or written
    if chosen != written and chosen not in PROFILES:
        raise ParameterError(
            f"the environment's SDC_PROFILE is {chosen!r}; use one of {', '.join(PROFILES)}"
        )
    return chosen


def _resolve_device(device: str) -> str:
    if device == "auto":
        return "cuda" if cuda_available() else "cpu"
    if device == "cuda" and not cuda_available():
        raise ParameterError(
            "parameter 'device' is 'cuda' but this machine has no usable CUDA device; "
            "use 'auto' or 'cpu'"
        )
    return device


def _kernel_history() -> tuple[list[str], dict[str, Any]]:
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None:
        raise ParameterError("start() reads the notebook's parameters cell: call it in a notebook")
    return list(shell.user_ns.get("In", [])), shell.user_ns


def _find_parameters(cells: Sequence[str]) -> tuple[Schema, tuple[str, ...]]:
    """Return the last parameters cell's schema, and the names an injected cell set after it."""
    for index in range(len(cells) - 1, -1, -1):
        if "profile" in _typed_names(cells[index]):
            schema = parse_schema(cells[index])
            later = [c for c in cells[index + 1 :] if _is_injected(c)]
            return schema, _set_names(later[-1]) if later else ()
    raise ParameterError("no parameters cell has been run: run the cell above this one first")


def _is_injected(source: str) -> bool:
    """Whether papermill wrote the cell: it begins with a line of its own."""
    return source.lstrip().partition("\n")[0].rstrip() == "# Parameters"


def _typed_names(source: str) -> tuple[str, ...]:
    targets = [node.target for node in _statements(source) if isinstance(node, ast.AnnAssign)]
    return tuple(target.id for target in targets if isinstance(target, ast.Name))


def _set_names(source: str) -> tuple[str, ...]:
    targets = [
        t for node in _statements(source) if isinstance(node, ast.Assign) for t in node.targets
    ]
    return tuple(target.id for target in targets if isinstance(target, ast.Name))


def _statements(source: str) -> list[ast.stmt]:
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError):  # a cell that did not run, such as one with a typing error
        return []


def _announce(chapter: str, values: dict[str, Any]) -> None:
    from IPython import get_ipython

    line = f"{chapter}: " + ", ".join(f"{k}={v!r}" for k, v in values.items())
    if get_ipython() is None:
        return
    from IPython.display import display

    display({START_MIME: {"chapter": chapter, "parameters": values}, "text/plain": line}, raw=True)
