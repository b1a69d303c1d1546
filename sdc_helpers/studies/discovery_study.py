"""Whether the false discovery of shared concepts is what it says: many simulated studies.

A study of fitted decoders takes a minute, so here their *rows* are drawn: what is planted in the
participants of the course, with noise as large as the cosines between decoders of two halves of the
pictures say (about 0.5 for voxels of a shared concept of the easy world, 0.1 for others). Beside
them a few studies are run whole, decoders included, on participants whose pictures changed places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers._files import write_json
from sdc_helpers.concepts.recovery import TO_FIND, PlantedVoxels
from sdc_helpers.studies._records import reading_record
from sdc_helpers.studies.concept_study import open_concepts
from sdc_helpers.studies.decoder import N_COMPONENTS, course_decoder
from sdc_helpers.studies.settings_study import false_voxels
from sdc_helpers.studies.shared_concepts import (
    FoundConcepts,
    StackedWeights,
    choose_concepts,
    find_concepts,
    shuffle_pairs,
)
from sdc_helpers.studies.source import N_HELD_OUT

World = Literal["planted", "rotated", "unrelated"]
"""Concepts that all have; the same with each participant's rows rotated at random, so that nothing
is shared; and rows of noise alone."""
WORLDS: tuple[World, ...] = get_args(World)
SHUFFLED = "shuffled pairs"
"""World of the studies that are run whole: no picture belongs to its response."""

N_PARTICIPANTS, N_DIMS, N_SHUFFLES = 6, 40, 5
_N_EACH, _N_MIXED, _N_UNEXPLAINED = 12, 15, 90  # voxels of a concept, mixtures, others
_ALONG = 0.33  # correlation of the noise of neighbours
_RECORDED = Path(__file__).with_name("recorded_discovery.json")


@dataclass(frozen=True)
class StudyOutcome:
    """What one simulated study says, and what is true.

    Attributes
    ----------
    world, seed : str, int
        See `World`, and of the draw.
    is_allowed : bool
        Whether some setting was allowed.
    n_concepts, n_planted : int
        Reported and planted shared concepts.
    bound : float
        Upper bound of the share of false voxels at the setting that was taken; 1 without voxels.
    false_voxels : float
        Share of the reported voxels that are of no planted shared concept.
    """

    world: str
    seed: int
    is_allowed: bool
    n_concepts: int
    n_planted: int
    bound: float
    false_voxels: float

    @property
    def is_covered(self) -> bool:
        """Whether the bound is no smaller than the truth."""
        return self.bound >= self.false_voxels


@dataclass(frozen=True, eq=False)
class SimulatedRows:
    """Rows of decoders of a study, and what was planted in them."""

    weights: StackedWeights
    nulls: list[np.ndarray]
    planted: PlantedVoxels


def simulate_rows(world: World, rng: np.random.Generator) -> SimulatedRows:
    """Draw decoder rows of six participants.

    Parameters
    ----------
    world : {"planted", "rotated", "unrelated"}
        See `World`.
    rng : numpy.random.Generator
        Draws the concepts (3 to 8 that all have, two of two or three participants, a private one
        each), the voxels and the noise. The last participant's noise is larger.

    Returns
    -------
    SimulatedRows
    """
    n_shared = int(rng.integers(3, 9))
    directions = _unit(rng.standard_normal((n_shared + 2 + N_PARTICIPANTS, N_DIMS)))
    spread = np.exp(rng.normal(0, 0.35, len(directions)))  # of noise, in units of the signal
    owners = [rng.choice(N_PARTICIPANTS, size, replace=False) for size in (2, 3)]
    parts = []
    for participant in range(N_PARTICIPANTS):
        few = [n_shared + k for k, who in enumerate(owners) if participant in who]
        own = [*range(n_shared), *few, n_shared + 2 + participant]
        concept = np.repeat([*own, -1, -2], [_N_EACH] * len(own) + [_N_MIXED, _N_UNEXPLAINED])
        signal = np.where((concept >= 0)[:, None], directions[concept], 0.0)
        signal[concept == -1] = _mixtures(directions[:n_shared], rng)
        signal[concept == -2] = 0.33 * _unit(rng.standard_normal((_N_UNEXPLAINED, N_DIMS)))
        size = np.where(concept >= 0, spread[concept], 1.0) * (
            1.5 if participant == N_PARTICIPANTS - 1 else 1.0
        )
        if world == "unrelated":
            signal[:] = 0
        elif world == "rotated":
            signal = signal @ np.linalg.qr(rng.standard_normal((N_DIMS, N_DIMS)))[0]
        first, second, *luck = (
            size[:, None] * _noise(len(concept), rng) for _ in range(2 + N_SHUFFLES)
        )
        halves = signal + first, signal + second
        parts.append((signal + (first + second) / 2, *halves, *luck, concept))
    *stacks, concept = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    weights, first, second, *nulls = (rows.astype(np.float32) for rows in stacks)
    who = np.repeat(np.arange(N_PARTICIPANTS), [len(part[-1]) for part in parts]).astype(str)
    masks, kinds = {}, {}
    for number in np.unique(concept):
        masks[str(number)] = concept == number
        is_true = 0 <= number < n_shared and world == "planted"
        kinds[str(number)] = TO_FIND if is_true else "trap"
    return SimulatedRows(
        StackedWeights(weights, (first, second), who), nulls, PlantedVoxels(who, masks, kinds)
    )


def _mixtures(directions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n = min(6, len(directions))
    rows = np.zeros((_N_MIXED, N_DIMS))
    for row in rows:
        chosen = rng.choice(len(directions), n, replace=False)
        row += (rng.choice((-1, 1), n) * rng.uniform(0.8, 1.2, n)) @ directions[chosen]
    return _unit(rows)


def _noise(n: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of mean squared length 1, each correlated with the one before."""
    rows = rng.standard_normal((n, N_DIMS)) / np.sqrt(N_DIMS)
    for i in range(1, n):
        rows[i] = _ALONG * rows[i - 1] + np.sqrt(1 - _ALONG**2) * rows[i]
    return rows


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def run_study(world: World, seed: int) -> StudyOutcome:
    """Simulate one study and choose its concepts as the course does.

    Parameters
    ----------
    world : {"planted", "rotated", "unrelated"}
        See `World`.
    seed : int
        Of everything.

    Returns
    -------
    StudyOutcome
    """
    rows = simulate_rows(world, np.random.default_rng([seed, WORLDS.index(world)]))
    found = choose_concepts(rows.weights, rows.nulls, seed=seed)
    return outcome_of(world, seed, found, rows.planted)


def outcome_of(world: str, seed: int, found: FoundConcepts, planted: PlantedVoxels) -> StudyOutcome:
    """Hold what a study says against what is true.

    Parameters
    ----------
    world, seed : str, int
        Of the study.
    found : FoundConcepts
        What it found.
    planted : PlantedVoxels
        The truth.

    Returns
    -------
    StudyOutcome
    """
    return StudyOutcome(
        world,
        seed,
        found.is_allowed,
        len(found.concepts),
        sum(kind == TO_FIND for kind in planted.kinds.values()),
        float(np.nan_to_num(found.setting.false_discovery, nan=1.0)),
        false_voxels(found.labels, planted),
    )


def run_studies(
    n_studies: int = 100,
    *,
    first_seed: int = 0,
    on_outcome: Callable[[StudyOutcome], object] | None = None,
) -> list[StudyOutcome]:
    """Simulate many studies of each world.

    Parameters
    ----------
    n_studies : int, default=100
        Of each.
    first_seed : int, default=0
        Of the first study; the next counts on.
    on_outcome : callable, optional
        Called with each outcome as it comes.

    Returns
    -------
    list of StudyOutcome

    Raises
    ------
    ValueError
        If there is no study.
    """
    check_count("n_studies", n_studies, 1)
    outcomes = []
    for seed in range(first_seed, first_seed + n_studies):
        for world in WORLDS:
            outcomes.append(run_study(world, seed))
            if on_outcome is not None:
                on_outcome(outcomes[-1])
    return outcomes


def run_shuffled_pairs(
    n_studies: int = 20,
    *,
    first_seed: int = 0,
    profile: str = "smoke",
    on_outcome: Callable[[StudyOutcome], object] | None = None,
) -> list[StudyOutcome]:
    """Run the whole search, decoders included, on pairs in which nothing is true.

    Parameters
    ----------
    n_studies : int, default=20
        Of the same simulated participants, each time with pictures that changed places anew.
    first_seed : int, default=0
        Of the participants and of the first study; the next counts on.
    profile : {"smoke", "workshop", "full"}
        Size of the participants, and of the decoders' training.
    on_outcome : callable, optional
        Called with each outcome as it comes.

    Returns
    -------
    list of StudyOutcome
        The decoders are trained without noise on the responses, which leaves the most chance in
        their rows. Whatever is reported is false.

    Raises
    ------
    ValueError
        If there is no study, or the profile is unknown.
    """
    check_count("n_studies", n_studies, 1)
    outcomes = []
    study = open_concepts(
        "simulated", "", profile, first_seed, n_held_out=N_HELD_OUT[profile], world="easy",
        n_components=N_COMPONENTS,
    )  # fmt: skip
    for seed in range(first_seed, first_seed + n_studies):
        rng = np.random.default_rng([seed, 3])
        pairs = {name: shuffle_pairs(one, rng) for name, one in study.data.items()}
        found = find_concepts(pairs, course_decoder(profile, input_noise=0.0), seed=seed)
        bound = float(np.nan_to_num(found.setting.false_discovery, nan=1.0))
        n_found = len(found.concepts)
        outcomes.append(
            StudyOutcome(SHUFFLED, seed, found.is_allowed, n_found, 0, bound, float(n_found > 0))
        )
        if on_outcome is not None:
            on_outcome(outcomes[-1])
    return outcomes


def summarise(outcomes: list[StudyOutcome]) -> dict[str, float]:
    """Share of studies of each null world that allow a setting, and of bounds that cover.

    Parameters
    ----------
    outcomes : list of StudyOutcome
        Of all worlds.

    Returns
    -------
    dict of str to float
        ``allowed_<world>`` of every world; ``covered``, of planted studies with an allowed
        setting; NaN without one.
    """
    shares = {}
    for world in (*WORLDS, SHUFFLED):
        shares[f"allowed_{world.replace(' ', '_')}"] = float(
            np.mean([o.is_allowed for o in outcomes if o.world == world] or np.nan)
        )
    told = [o.is_covered for o in outcomes if o.world == "planted" and o.is_allowed]
    return {**shares, "covered": float(np.mean(told or np.nan))}


def recorded_studies() -> list[StudyOutcome]:
    """Return what ``sdc concepts discovery`` found: 100 studies of each world, 20 run whole."""
    return [StudyOutcome(**row) for row in _read()["outcomes"]]


def recorded_studies_provenance() -> dict[str, Any]:
    """Return when, on what and from which revision they were made."""
    return dict(_read()["made"])


def save_studies(outcomes: list[StudyOutcome], path: str | Path, made: Mapping[str, Any]) -> None:
    """Write outcomes, their summary and how they were made as JSON, atomically."""
    rows = [asdict(outcome) for outcome in outcomes]
    write_json(path, {"made": dict(made), "summary": summarise(outcomes), "outcomes": rows})


@lru_cache(maxsize=1)
def _read() -> dict[str, Any]:
    command = "sdc concepts discovery --out FILE"
    with reading_record(_RECORDED, "record of simulated studies", command) as content:
        return {key: content[key] for key in ("made", "summary", "outcomes")}
