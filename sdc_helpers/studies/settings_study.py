"""What the finding of shared concepts depends on: one run of it for each of several settings.

Every setting gets its own decoders, its own shuffled pairs and its own choice of eps. The outcome
holds what can be known without the truth (concepts that both halves of the pictures reproduce,
bounds of false discovery) beside what the planted truth says, so that one can be held against the
other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._files import write_json
from sdc_helpers.concepts.recovery import TO_FIND, PlantedVoxels, recover
from sdc_helpers.studies._records import reading_record
from sdc_helpers.studies.decoder import N_COMPONENTS, course_decoder, whiten
from sdc_helpers.studies.participants import load_participants
from sdc_helpers.studies.planted import MIN_F1, fresh_pictures, planted_in, rank_pictures
from sdc_helpers.studies.shared_concepts import find_concepts

if TYPE_CHECKING:
    from sdc_helpers.concepts.recovery import Recovery
    from sdc_helpers.datasets.nsd import NSD
    from sdc_helpers.datasets.splits import Split
    from sdc_helpers.measures import Interval
    from sdc_helpers.simulate.truth import Truth
    from sdc_helpers.studies.participants import ImageEmbeddings, ParticipantData
    from sdc_helpers.studies.shared_concepts import FoundConcepts

_RECORDED = Path(__file__).with_name("recorded_settings.json")


@dataclass(frozen=True)
class Variation:
    """A setting that differs from the course's in one thing.

    Attributes
    ----------
    name : str
        What is different.
    n_components : int or None
        Principal components of the embeddings, at equal variance; None: embeddings as they are.
    input_noise : float or None
        Of the decoder; None: the course's.
    n_participants : int or None
        The first so many; None: all.
    noise_variance : float
        Factor on the variance of the responses' noise.
    holds_all : bool
        Whether the planted concepts' values are put into the embeddings: a control that asks what
        would be found if the network held every concept. It uses the truth.
    """

    name: str
    n_components: int | None = N_COMPONENTS
    input_noise: float | None = None
    n_participants: int | None = None
    noise_variance: float = 1.0
    holds_all: bool = False


VARIATIONS = (
    Variation("the course's"),
    Variation("embedding holds all", holds_all=True),
    Variation("input noise 0", input_noise=0.0),
    Variation("input noise 4", input_noise=4.0),
    Variation("noise doubled", noise_variance=2.0),
    Variation("4 participants", n_participants=4),
    Variation("input noise 16", input_noise=16.0),
    Variation("D = 15", n_components=15),
    Variation("not whitened", n_components=None),
)
BY_WORLD = {"easy": VARIATIONS, "hard": VARIATIONS[:2]}
"""Settings that are recorded of each world."""


@dataclass(frozen=True)
class Outcome:
    """What one setting finds in simulated participants.

    Attributes
    ----------
    name, world, seed : str, str, int
        Of the setting, and of the simulated participants.
    eps, min_participants : float, int
        Chosen without the truth.
    is_allowed : bool
        Whether that choice keeps to the false discovery that is allowed.
    n_concepts, n_reproduced : int
        Clusters that enough participants have beyond chance, and those of them that decoders of
        both halves of the pictures have.
    false_discovery, false_clusters : float
        Upper bounds, see `Setting`; 1 where there is nothing.
    alignment_p : float
        See `Setting`.
    false_voxels : float
        Share of the reported voxels that are of no planted shared concept: what the first bounds.
    n_planted, n_recovered, n_merged, n_traps : int
        Planted shared concepts; those whose voxels come back with F1 of at least 0.6; clusters
        that hold half of several; clusters of what should be noise.
    n_traps_reproduced : int
        Of the last, those that both halves of the pictures have.
    missed : tuple of str
        Planted concepts that did not come back.
    adjusted_rand : float
        Over voxels of one planted shared concept.
    ranking : dict of str to float
        AUC with which each concept that matches a planted one ranks held-out pictures by its
        value, by planted concept; see `rank_pictures`.
    """

    name: str
    world: str
    seed: int
    eps: float
    min_participants: int
    is_allowed: bool
    n_concepts: int
    n_reproduced: int
    false_discovery: float
    false_clusters: float
    alignment_p: float
    false_voxels: float
    n_planted: int
    n_recovered: int
    n_merged: int
    n_traps: int
    n_traps_reproduced: int
    missed: tuple[str, ...]
    adjusted_rand: float
    ranking: dict[str, float]


def run_variations(
    nsd: NSD,
    truth: Truth,
    embeddings: ImageEmbeddings,
    split: Split,
    variations: Iterable[Variation],
    *,
    profile: str = "workshop",
    seed: int = 0,
    n_shuffles: int = 5,
    device: str = "cpu",
    on_outcome: Callable[[Outcome], object] | None = None,
) -> list[Outcome]:
    """Find shared concepts once for each setting.

    Parameters
    ----------
    nsd, truth : NSD, Truth
        Simulated participants and what was planted in them.
    embeddings : ImageEmbeddings
        Of every image that was seen, not whitened.
    split : Split
        Training, validation and test images.
    variations : iterable of Variation
        The settings.
    profile : {"smoke", "workshop", "full"}
        How long decoders are trained.
    seed : int
        Of the participants, the added noise and the shuffles.
    n_shuffles : int
        Refits with shuffled pairs.
    device : str
        Where to train.
    on_outcome : callable, optional
        Called with each outcome as it comes.

    Returns
    -------
    list of Outcome

    Raises
    ------
    ValueError
        As ``find_concepts`` and ``load_participants``.
    """
    outcomes = []
    for variation in variations:
        held = _decoded(embeddings, truth, split, variation)
        data = _data(nsd, held, split, variation, seed)
        noise = {} if variation.input_noise is None else {"input_noise": variation.input_noise}
        decoder = course_decoder(profile, device=device, **noise)
        found = find_concepts(data, decoder, n_shuffles=n_shuffles, seed=seed)
        planted = planted_in(truth, data)
        result = recover(
            found.labels, found.weights.participants, planted.masks, planted.kinds, min_f1=MIN_F1
        )
        ranked = rank_pictures(truth, held, fresh_pictures(split), found.concepts, result, seed)
        outcome = _outcome(variation.name, truth.world, seed, found, planted, result, ranked)
        outcomes.append(outcome)
        if on_outcome is not None:
            on_outcome(outcome)
    return outcomes


def _outcome(
    name: str,
    world: str,
    seed: int,
    found: FoundConcepts,
    planted: PlantedVoxels,
    result: Recovery,
    ranked: Mapping[str, Interval],
) -> Outcome:
    setting = found.setting
    traps = [f.number for v in ("trap", "spurious") for f in result.with_verdict(v)]
    return Outcome(
        name=name,
        world=world,
        seed=seed,
        eps=setting.eps,
        min_participants=setting.min_participants,
        is_allowed=found.is_allowed,
        n_concepts=setting.n_concepts,
        n_reproduced=setting.n_reproduced,
        false_discovery=float(np.nan_to_num(setting.false_discovery, nan=1.0)),
        false_clusters=float(np.nan_to_num(setting.false_clusters, nan=1.0)),
        alignment_p=float(setting.alignment_p),
        false_voxels=false_voxels(found.labels, planted),
        n_planted=len(result.matches),
        n_recovered=len(result.recovered),
        n_merged=len(result.merged),
        n_traps=len(traps),
        n_traps_reproduced=int(found.is_reproduced[traps].sum()),
        missed=tuple(m.planted for m in result.matches if not m.is_recovered),
        adjusted_rand=float(result.adjusted_rand_planted),
        ranking={name: round(float(auc.value), 4) for name, auc in ranked.items()},
    )


def false_voxels(labels: np.ndarray, planted: PlantedVoxels) -> float:
    """Return the share of the voxels in concepts that are of no planted shared concept.

    Parameters
    ----------
    labels : int array of shape (n_voxels,)
        Concepts, -1 for none.
    planted : PlantedVoxels
        The truth about the same voxels.

    Returns
    -------
    float
        0 where no voxel is in a concept.
    """
    shared = np.zeros(len(labels), dtype=bool)
    for name, mask in planted.masks.items():
        shared |= mask & (planted.kinds[name] == TO_FIND)
    reported = labels >= 0
    return float(np.mean(~shared[reported])) if reported.any() else 0.0


def chosen_decoders(table: Mapping[str, Sequence[Outcome]]) -> tuple[str, str]:
    """Choose a decoder by what both halves reproduce, and by the truth.

    Parameters
    ----------
    table : mapping of str to sequence of Outcome
        Outcomes of several seeds by setting, of one world. Settings that change the participants
        or the embedding are no choice of a decoder; one that is not allowed in every seed is none.

    Returns
    -------
    by_halves, by_truth : str
        Names of the settings with the most concepts reproduced and recovered, means over seeds. Of
        several that reproduce as many, the one that recovers fewest: the count cannot tell.

    Raises
    ------
    ValueError
        If no decoder is allowed in every seed.
    """
    changed = {
        v.name for v in VARIATIONS if v.holds_all or v.n_participants or v.noise_variance != 1
    }
    means = {
        name: [np.mean([getattr(o, q) for o in some]) for q in ("n_reproduced", "n_recovered")]
        for name, some in table.items()
        if name not in changed and all(o.is_allowed for o in some)
    }
    if not means:
        raise ValueError(f"none of the decoders {list(table)} is allowed in every seed.")
    most = max(reproduced for reproduced, _ in means.values())
    tied = [name for name, (reproduced, _) in means.items() if reproduced == most]
    return min(tied, key=lambda n: means[n][1]), max(means, key=lambda n: means[n][1])


def recorded_outcomes() -> list[Outcome]:
    """Return what ``sdc concepts settings`` found: the settings of `BY_WORLD`, three seeds."""
    return list(_read(_RECORDED)[0])


def recorded_provenance() -> dict[str, Any]:
    """Return when, on what and from which revision the recorded outcomes were made."""
    return dict(_read(_RECORDED)[1])


def save_outcomes(outcomes: Sequence[Outcome], path: str | Path, made: Mapping[str, Any]) -> None:
    """Write outcomes and how they were made as JSON, atomically."""
    rows = [asdict(outcome) for outcome in outcomes]
    write_json(path, {"made": dict(made), "outcomes": rows})


def load_outcomes(path: str | Path) -> tuple[Outcome, ...]:
    """Read outcomes that ``save_outcomes`` wrote.

    Raises
    ------
    DataFormatError
        If the file holds something else.
    """
    return _read(Path(path))[0]


@lru_cache(maxsize=1)
def _read(path: Path) -> tuple[tuple[Outcome, ...], dict[str, Any]]:
    with reading_record(path, "record of settings", "sdc concepts settings --out FILE") as content:
        rows = [{**row, "missed": tuple(row["missed"])} for row in content["outcomes"]]
        return tuple(Outcome(**row) for row in rows), content["made"]


def _decoded(
    embeddings: ImageEmbeddings, truth: Truth, split: Split, variation: Variation
) -> ImageEmbeddings:
    """Return the embeddings that are decoded."""
    if variation.holds_all:
        embeddings = _with_all_concepts(embeddings, truth)
    if variation.n_components is not None:
        embeddings, _ = whiten(embeddings, split, variation.n_components)
    return embeddings


def _data(
    nsd: NSD, embeddings: ImageEmbeddings, split: Split, variation: Variation, seed: int
) -> dict[str, ParticipantData]:
    names = tuple(split.participants)[: variation.n_participants]
    data = load_participants(nsd, embeddings, split, participants=names)
    if variation.noise_variance == 1:
        return data
    rng = np.random.default_rng([seed, 3])
    return {name: _noisier(one, variation.noise_variance, rng) for name, one in data.items()}


def _with_all_concepts(embeddings: ImageEmbeddings, truth: Truth) -> ImageEmbeddings:
    """Add a dimension for each planted shared concept, as strong as the embeddings' strongest."""
    names = [f"concept_{name}" for name, concept in truth.concepts.items() if concept.is_shared]
    values = truth.images.loc[embeddings.image_ids, names].to_numpy(dtype=float)
    vectors = embeddings.vectors - embeddings.vectors.mean(axis=0)
    strongest = np.linalg.norm(vectors, ord=2) / np.sqrt(len(vectors))
    values = strongest * (values - values.mean(axis=0)) / values.std(axis=0)
    both = np.hstack([vectors, values]).astype(np.float32)
    return replace(embeddings, vectors=both)


def _noisier(one: ParticipantData, factor: float, rng: np.random.Generator) -> ParticipantData:
    """Responses with more noise, as the noise ceiling measures it, at variance 1 again."""
    variance = (1 - one.ceiling / 100) * (factor - 1)
    extra = rng.normal(size=one.responses.shape) * np.sqrt(variance)
    responses = (one.responses + extra) / np.sqrt(1 + variance)
    return replace(one, responses=responses.astype(np.float32))
