from .cache import simulated_nsd
from .nsd import write_nsd
from .profiles import (
    PROFILES,
    Profile,
    generator_version,
)
from .things import (
    things_images,
    write_things,
)
from .things_meg import (
    MEGTruth,
    PlantedResponse,
    load_meg_truth,
    write_things_meg,
)
from .truth import (
    ParticipantTruth,
    PlantedConcept,
    Truth,
    load_truth,
)
from .worlds import WORLDS, World

__all__ = [
    "PROFILES",
    "WORLDS",
    "MEGTruth",
    "ParticipantTruth",
    "PlantedConcept",
    "PlantedResponse",
    "Profile",
    "Truth",
    "World",
    "generator_version",
    "load_meg_truth",
    "load_truth",
    "simulated_nsd",
    "things_images",
    "write_nsd",
    "write_things",
    "write_things_meg",
]
