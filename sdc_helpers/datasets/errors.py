"""What can go wrong with a dataset: its files cannot be had, or they are not what they claim."""

from __future__ import annotations


class DataUnavailableError(RuntimeError):
    """A registered file is neither in the data folder nor can it be fetched.

    Attributes
    ----------
    dataset : str
        Name of the dataset.
    path : str
        File inside the dataset's folder.
    source : str
        Address or mirror file that was tried.
    """

    def __init__(self, dataset: str, path: str, source: str, reason: str, remedy: str) -> None:
        self.dataset, self.path, self.source = dataset, path, source
        super().__init__(f"{dataset}/{path} could not be had from {source}: {reason}. {remedy}")


class DataFormatError(ValueError):
    """A file exists, but its content is not what its name says; the message names the file."""
