"""Shared concepts of a user's own participants, and in words what each may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sdc_helpers.concepts import both_ends
from sdc_helpers.studies.decoder import course_decoder
from sdc_helpers.studies.own_rows import half_in_time, shift_pairs
from sdc_helpers.studies.own_study import OwnStudy
from sdc_helpers.studies.shared_concepts import (
    FoundConcepts,
    find_concepts,
    half_of_pictures,
    shuffle_pairs,
)


@dataclass(frozen=True)
class OwnConcept:
    """A shared concept in words.

    Attributes
    ----------
    n_voxels : dict of str to int
        Its voxels in each participant who has some.
    is_reproduced : bool
        Whether both halves have it.
    highest : tuple of str
        Captions, or names, of the stimuli that lie most in its direction.
    """

    n_voxels: dict[str, int]
    is_reproduced: bool
    highest: tuple[str, ...]


def find_own_concepts(study: OwnStudy, profile: str, n_shuffles: int) -> FoundConcepts | None:
    """Look for shared concepts; None with fewer than two participants.

    Parameters
    ----------
    study : OwnStudy
        The study.
    profile : str
        How long decoders train, see `course_decoder`.
    n_shuffles : int
        Refits with pairs that are not pairs.

    Returns
    -------
    FoundConcepts or None
    """
    n = len(study.rows)
    if n < 2:
        return None
    in_time = study.data.design.time_ordered
    fits = {name: study.fit_to(name, trials=True) for name in study.rows}
    least = min(int(one.split.trials("train").sum()) for one in fits.values())
    decoder = course_decoder(profile, batch_size=min(128, max(2, least // 4)))
    return find_concepts(
        fits, decoder, n_shuffles=n_shuffles, seed=study.seed,
        min_participants=(n - 1,) if n < 4 else None,
        halve=half_in_time if in_time else half_of_pictures,
        shuffle=shift_pairs if in_time else shuffle_pairs,
        own_seeds=True,
    )  # fmt: skip


def describe_own(study: OwnStudy, found: FoundConcepts, n: int = 3) -> tuple[OwnConcept, ...]:
    """Say who has each concept and which stimuli lie in its direction.

    Parameters
    ----------
    study : OwnStudy
        The study.
    found : FoundConcepts
        What was found.
    n : int
        Stimuli named.

    Returns
    -------
    tuple of OwnConcept
    """
    data = study.data
    words = data.stimuli if data.captions is None else data.captions
    if not len(found.concepts):
        return ()
    top, _ = both_ends(study.white.transform(data.embeddings), found.concepts, n)
    concepts = []
    for number, rows in enumerate(top):
        owners, counts = np.unique(
            found.weights.participants[found.labels == number], return_counts=True
        )
        sizes = {str(o): int(c) for o, c in zip(owners, counts, strict=True)}
        highest = tuple(str(word) for word in words[rows])
        concepts.append(OwnConcept(sizes, bool(found.is_reproduced[number]), highest))
    return tuple(concepts)
