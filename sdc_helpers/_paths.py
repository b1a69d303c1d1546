"""Where the course and its data lie; the one place that knows."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Mapping
from pathlib import Path

# Variables that hold a folder; where one is relative, a process in another folder reads it wrongly.
_FOLDERS = (
    "SDC_DATA",
    "SDC_CACHE",
    "SDC_DATA_MIRROR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "TORCH_HOME",
    "NILEARN_DATA",
    "MPLCONFIGDIR",
    "JOBLIB_TEMP_FOLDER",
    "TMPDIR",
)


def checkout_root() -> Path | None:
    """Return the course folder that this package was installed from, if it is one.

    Returns
    -------
    pathlib.Path or None
        The folder holding ``notebooks/`` and ``pyproject.toml``; None when the package was
        installed without the course around it.
    """
    root = Path(__file__).resolve().parent.parent
    is_course = (root / "notebooks").is_dir() and (root / "pyproject.toml").is_file()
    return root if is_course else None


def data_root() -> Path:
    """Return the folder that holds downloaded and simulated data (not created here).

    ``SDC_DATA`` chooses it; otherwise ``data/`` of the course folder, otherwise the user's cache.

    Returns
    -------
    pathlib.Path
        An absolute path.
    """
    chosen = os.environ.get("SDC_DATA")
    if chosen:
        return absolute(chosen)
    root = checkout_root()
    if root is not None:
        return root / "data"
    return absolute(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "sdc_helpers"


def cache_root() -> Path:
    """Return the folder of what is computed once and kept (not created here).

    Betas, embeddings and decoders have a folder each in it, and so have simulated data that are
    not in the data folder, see `simulated_root`. It may be deleted at any time. ``SDC_CACHE``
    chooses it, where the data folder is read-only or far away; otherwise it is ``cache/`` in the
    data folder.

    Returns
    -------
    pathlib.Path
        An absolute path.
    """
    chosen = os.environ.get("SDC_CACHE")
    return absolute(chosen) if chosen else data_root() / "cache"


def simulated_root(name: str, file: str) -> Path:
    """Return the folder of a simulated dataset, whether or not it is there.

    Parameters
    ----------
    name : str
        Name of the folder, which changes with all that makes the dataset.
    file : str
        The file that a whole dataset has.

    Returns
    -------
    pathlib.Path
        In ``simulated/`` of the data folder if it is there, or if ``SDC_CACHE`` is not set;
        otherwise in ``simulated/`` of that folder.
    """
    root = data_root() / "simulated" / name
    if not os.environ.get("SDC_CACHE") or (root / file).is_file():
        return root
    return cache_root() / "simulated" / name


def unwritable(folder: Path, error: OSError) -> str:
    """Say that a folder of computed files cannot be written, and what to do."""
    reason = error.strerror or error
    return (
        f"{folder} cannot be written to ({reason}). Set SDC_CACHE to a folder that you can write "
        "to; SDC_DATA may stay what it is."
    )


def absolute(path: str | Path) -> Path:
    """Return a path as it is meant in the current folder: ``~`` filled in, links followed."""
    return Path(os.path.realpath(os.path.expanduser(path)))  # noqa: PTH111 (never raises)


def readable(text: str) -> str:
    """Return a word of the command line as UTF-8, where the locale could not read it so."""
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        return text


def absolute_paths(environment: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of the environment in which folders mean the same from every other folder.

    Parameters
    ----------
    environment : mapping of str to str
        ``os.environ``, or what is to be handed to a process that works in another folder.

    Returns
    -------
    dict of str to str
        Relative folders of the course's variables, of the caches of the libraries it uses and of
        the system are made absolute, as they are meant in the current folder.
    """
    changed = {
        name: str(absolute(environment[name]))
        for name in _FOLDERS
        if environment.get(name) and not os.path.isabs(environment[name])  # noqa: PTH117
    }
    return {**environment, **changed}


def visible(folder: Path, pattern: str = "*") -> list[Path]:
    """List what a user put into a folder; the one way in which readers look into folders.

    Names that begin with a dot are left out: the system and editors put them there (``._name``
    and ``.DS_Store`` of macOS, ``.~lock`` of an office program, ``.nfs``), and none holds data.

    Parameters
    ----------
    folder : pathlib.Path
        Where to look.
    pattern : str
        Pattern of names, with ``*``, ``?`` and ``[...]``.

    Returns
    -------
    list of pathlib.Path
        In order of their names; empty where the folder is not there.

    Raises
    ------
    OSError
        If the folder cannot be looked into (`pathlib.Path.glob` would find nothing there).
    """
    try:
        paths = list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    own = (path for path in paths if not path.name.startswith("."))
    return sorted(path for path in own if fnmatch.fnmatchcase(path.name, pattern))
