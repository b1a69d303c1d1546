"""Datasets of the course: the registry of real ones, a reader for each, splits and ceilings."""

from __future__ import annotations

from sdc_helpers.datasets.babylm import Utterance, read_babylm
from sdc_helpers.datasets.blimp import load_blimp
from sdc_helpers.datasets.captions import ImageCaptions, read_captions
from sdc_helpers.datasets.catalogue import DataFile, DatasetInfo, dataset_info, list_datasets
from sdc_helpers.datasets.ceilings import ncsnr, noise_ceiling
from sdc_helpers.datasets.child_speech import (
    CallTurn,
    ChildUtterance,
    load_childes,
    load_switchboard,
)
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
from sdc_helpers.datasets.macaque_v4 import V4_SESSIONS, V4Session, load_v4
from sdc_helpers.datasets.meg_evoked import MEGEvoked, load_meg_evoked
from sdc_helpers.datasets.nsd import NSD
from sdc_helpers.datasets.nsd_shared import (
    NSDNoiseCeilings,
    NSDSharedImages,
    load_nsd_noise_ceilings,
    load_nsd_shared,
)
from sdc_helpers.datasets.objects92 import (
    Objects92,
    Objects92Judges,
    load_objects92,
    load_objects92_judges,
)
from sdc_helpers.datasets.registry import (
    FileStatus,
    available,
    dataset_folder,
    fetch,
    is_present,
    verify,
)
from sdc_helpers.datasets.sift5k import load_sift5k
from sdc_helpers.datasets.splits import Split, check_split, split_sdc2025, split_strict
from sdc_helpers.datasets.studyforrest import (
    FilmEvents,
    FilmRun,
    VolumeShares,
    load_studyforrest,
    volume_labels,
    volume_means,
    volume_shares,
)
from sdc_helpers.datasets.sugar_crepe import HardNegative, load_sugar_crepe
from sdc_helpers.datasets.things import THINGSfMRI
from sdc_helpers.datasets.things_concepts import THINGSConcepts, load_things_concepts
from sdc_helpers.datasets.things_meg import THINGSMEG

__all__ = [
    "NSD",
    "THINGSMEG",
    "V4_SESSIONS",
    "CallTurn",
    "ChildUtterance",
    "ClipPairs",
    "DataFile",
    "DataFormatError",
    "DataUnavailableError",
    "DatasetInfo",
    "FileStatus",
    "FilmEvents",
    "FilmRun",
    "HardNegative",
    "HaxbyBlocks",
    "HaxbyRun",
    "ImageCaptions",
    "MEGEvoked",
    "NSDNoiseCeilings",
    "NSDSharedImages",
    "Objects92",
    "Objects92Judges",
    "Split",
    "THINGSConcepts",
    "THINGSfMRI",
    "Utterance",
    "V4Session",
    "VolumeShares",
    "available",
    "block_means",
    "category_model",
    "check_split",
    "dataset_folder",
    "dataset_info",
    "fetch",
    "is_present",
    "list_datasets",
    "load_blimp",
    "load_childes",
    "load_clip_pairs",
    "load_haxby",
    "load_haxby_runs",
    "load_meg_evoked",
    "load_nsd_noise_ceilings",
    "load_nsd_shared",
    "load_objects92",
    "load_objects92_judges",
    "load_sift5k",
    "load_studyforrest",
    "load_sugar_crepe",
    "load_switchboard",
    "load_things_concepts",
    "load_v4",
    "ncsnr",
    "noise_ceiling",
    "read_babylm",
    "read_captions",
    "split_sdc2025",
    "split_strict",
    "verify",
    "volume_labels",
    "volume_means",
    "volume_shares",
]
