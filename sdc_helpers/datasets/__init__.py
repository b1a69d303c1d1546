"""Datasets of the course: the registry of real ones, a reader for each, splits and ceilings."""

from __future__ import annotations

from sdc_helpers.datasets.catalogue import DataFile, DatasetInfo, dataset_info, list_datasets
from sdc_helpers.datasets.clip_pairs import ClipPairs, load_clip_pairs
from sdc_helpers.datasets.errors import DataFormatError, DataUnavailableError
from sdc_helpers.datasets.haxby import (
    HaxbyBlocks,
    HaxbyRun,
    block_means,
    category_model,
    load_haxby,
    load_haxby_runs,
)
from sdc_helpers.datasets.nsd import NSD
from sdc_helpers.datasets.objects92 import Objects92, load_objects92
from sdc_helpers.datasets.registry import (
    FileStatus,
    available,
    dataset_folder,
    fetch,
    is_present,
    verify,
)
from sdc_helpers.datasets.splits import Split, check_split, split_sdc2025, split_strict
from sdc_helpers.datasets.things import THINGSfMRI

__all__ = [
    "NSD",
    "ClipPairs",
    "DataFile",
    "DataFormatError",
    "DataUnavailableError",
    "DatasetInfo",
    "FileStatus",
    "HaxbyBlocks",
    "HaxbyRun",
    "Objects92",
    "Split",
    "THINGSfMRI",
    "available",
    "block_means",
    "category_model",
    "check_split",
    "dataset_folder",
    "dataset_info",
    "fetch",
    "is_present",
    "list_datasets",
    "load_clip_pairs",
    "load_haxby",
    "load_haxby_runs",
    "load_objects92",
    "split_sdc2025",
    "split_strict",
    "verify",
]
