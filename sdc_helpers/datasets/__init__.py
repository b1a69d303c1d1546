"""Real datasets of the course: their registry, and a reader for each."""

from __future__ import annotations

from sdc_helpers.datasets.catalogue import DataFile, DatasetInfo, dataset_info, list_datasets
from sdc_helpers.datasets.errors import DataFormatError, DataUnavailableError
from sdc_helpers.datasets.haxby import (
    HaxbyBlocks,
    HaxbyRun,
    block_means,
    category_model,
    load_haxby,
    load_haxby_runs,
)
from sdc_helpers.datasets.objects92 import Objects92, load_objects92
from sdc_helpers.datasets.registry import (
    FileStatus,
    available,
    dataset_folder,
    fetch,
    is_present,
    verify,
)

__all__ = [
    "DataFile",
    "DataFormatError",
    "DataUnavailableError",
    "DatasetInfo",
    "FileStatus",
    "HaxbyBlocks",
    "HaxbyRun",
    "Objects92",
    "available",
    "block_means",
    "category_model",
    "dataset_folder",
    "dataset_info",
    "fetch",
    "is_present",
    "list_datasets",
    "load_haxby",
    "load_haxby_runs",
    "load_objects92",
    "verify",
]
