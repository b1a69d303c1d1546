"""What each dataset is and where its files come from, read from ``registry.json``."""

from __future__ import annotations

import difflib
import functools
import json
from dataclasses import dataclass
from pathlib import Path

REGISTRY_FILE = Path(__file__).with_name("registry.json")


@dataclass(frozen=True)
class DataFile:
    """One registered file.

    Attributes
    ----------
    path : str
        Path inside the dataset's folder, with forward slashes.
    n_bytes : int
        Size of the file in bytes.
    sha256 : str
        Checksum, 64 hexadecimal digits.
    url : str
        Public address, pinned to a commit.
    licence : str
        Licence of the file.
    """

    path: str
    n_bytes: int
    sha256: str
    url: str
    licence: str


@dataclass(frozen=True)
class DatasetInfo:
    """What the registry knows about a dataset.

    Attributes
    ----------
    name, title, description : str
        Short name, title, and one line on the content.
    licence : str
        Licence of the files; where they have several, each file names its own.
    citation_key, citation : str
        BibTeX key and full reference of the paper to cite.
    base_url : str
        Address that the files' addresses share, but for those with an address of their own.
    files : tuple of DataFile
        Every file of the dataset.
    may_be_copied : bool
        Whether the licence allows to pass the files on, as on a stick; not, where it does not say.
    """

    name: str
    title: str
    description: str
    licence: str
    citation_key: str
    citation: str
    base_url: str
    files: tuple[DataFile, ...]
    may_be_copied: bool = False

    @property
    def n_bytes(self) -> int:
        """Size of all files together, in bytes."""
        return sum(file.n_bytes for file in self.files)


def list_datasets() -> tuple[DatasetInfo, ...]:
    """Return every registered dataset.

    Returns
    -------
    tuple of DatasetInfo
        Datasets in the registry's order.
    """
    return tuple(_load_registry(REGISTRY_FILE).values())


def dataset_info(name: str) -> DatasetInfo:
    """Look up one dataset.

    Parameters
    ----------
    name : str
        Registered name, such as ``"haxby2001"``.

    Returns
    -------
    DatasetInfo
        Entry of the registry for this dataset.

    Raises
    ------
    ValueError
        If there is no such dataset; the message gives the nearest names.
    """
    known = _load_registry(REGISTRY_FILE)
    if name in known:
        return known[name]
    near = difflib.get_close_matches(str(name), known, cutoff=0.4)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    raise ValueError(f"name={name!r} is not a dataset. {hint}Known: {', '.join(known)}.")


@functools.cache
def _load_registry(registry_file: Path) -> dict[str, DatasetInfo]:
    entries = json.loads(registry_file.read_text(encoding="utf-8"))
    return {name: _parse_entry(name, entry) for name, entry in entries.items()}


def _parse_entry(name: str, entry: dict) -> DatasetInfo:
    """Turn a JSON entry into a `DatasetInfo`; keys of its files stand in for the entry's.

    ``source`` is the address under ``base_url`` where it is not `path`, ``url`` the whole address
    of a file from elsewhere, ``licence`` the file's where the dataset has several.
    """
    files = tuple(
        DataFile(
            path=item["path"],
            n_bytes=item["bytes"],
            sha256=item["sha256"],
            url=item.get("url") or entry["base_url"] + item.get("source", item["path"]),
            licence=item.get("licence", entry["licence"]),
        )
        for item in entry["files"]
    )
    return DatasetInfo(name=name, **{**entry, "files": files})
