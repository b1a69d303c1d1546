"""Simulated participants with planted truth, in the files of the real datasets."""

from __future__ import annotations

from sdc_helpers.datasets.simulate.cache import simulated_nsd
from sdc_helpers.datasets.simulate.profiles import PROFILES, Profile, generator_version
from sdc_helpers.datasets.simulate.things import ROI_SIZES, things_images, write_things
from sdc_helpers.datasets.simulate.truth import (
    ParticipantTruth,
    PlantedConcept,
    Truth,
    load_truth,
)
from sdc_helpers.datasets.simulate.write_nsd import write_nsd

__all__ = [
    "PROFILES",
    "ROI_SIZES",
    "ParticipantTruth",
    "PlantedConcept",
    "Profile",
    "Truth",
    "generator_version",
    "load_truth",
    "simulated_nsd",
    "things_images",
    "write_nsd",
    "write_things",
]
