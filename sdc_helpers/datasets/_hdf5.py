"""Open HDF5 files and find what is in them, links included; errors name the file and the cause."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sdc_helpers.datasets.errors import DataAccessError, require_file, unreadable

if TYPE_CHECKING:
    import h5py


@contextmanager
def open_hdf5(file: Path, content: str) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; what is raised names the file and what may be wrong."""
    import h5py

    require_file(file, content)
    try:
        handle = h5py.File(file, "r")
    except OSError as error:
        raise unreadable(file, error, "opened as HDF5") from error
    with handle:
        yield handle


def find(file: Path, group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset | None:
    """Return what a group holds under a name; None if it holds nothing of that name.

    Raises
    ------
    DataAccessError
        If it is a link to something that is not there, or a virtual dataset of which a part is not
        there: HDF5 would fill in numbers.
    """
    import h5py

    link = group.get(name, getlink=True)
    if link is None:
        return None
    try:
        item = group[name]
    except (KeyError, OSError) as error:
        if isinstance(link, h5py.HardLink):
            raise unreadable(file, error) from error
        path = getattr(link, "filename", None)
        target = link.path if path is None else f"{path}:{link.path}"
        raise DataAccessError(
            f"{file}: {name!r} is a link to {target}, which cannot be opened. Put the file that it "
            "names where the link says, beside this one, or write the dataset into this file."
        ) from error
    _require_sources(file, name, item)
    return item


def _require_sources(file: Path, name: str, found: h5py.Group | h5py.Dataset) -> None:
    """Check that the files are there that a dataset is stored in."""
    import h5py

    if not isinstance(found, h5py.Dataset):
        return
    parts = [entry[0] for entry in found.external or ()]
    if found.is_virtual:
        parts += [source.file_name for source in found.virtual_sources()]
    here = Path(found.file.filename).parent
    missing = [part for part in parts if part != "." and not (here / part).is_file()]
    if missing:
        raise DataAccessError(
            f"{file}: {name!r} is stored in other files, of which {here / missing[0]} is not "
            "there. Fetch it as well."
        )
