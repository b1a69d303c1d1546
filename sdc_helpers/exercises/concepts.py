"""The exercises of the chapter on finding shared concepts."""

from __future__ import annotations

import numpy as np

from sdc_helpers.exercises.registry import Exercise, WrongAnswer

# --- 1. who is core -----------------------------------------------------------------------------


def core_voxels(near: np.ndarray, participants: np.ndarray, least: int) -> np.ndarray:
    """Tell which voxels have a neighbour in at least `least` other participants."""
    core = np.zeros(len(near), dtype=bool)
    for voxel in range(len(near)):
        others = set(participants[near[voxel]]) - {participants[voxel]}
        core[voxel] = len(others) >= least
    return core


def _counting_voxels(near: np.ndarray, participants: np.ndarray, least: int) -> np.ndarray:
    strangers = participants[:, None] != participants
    return (near & strangers).sum(axis=1) >= least


def _counting_itself(near: np.ndarray, participants: np.ndarray, least: int) -> np.ndarray:
    return np.array(
        [
            len({own, *participants[row]}) >= least
            for own, row in zip(participants, near, strict=True)
        ]
    )


def _more_than_least(near: np.ndarray, participants: np.ndarray, least: int) -> np.ndarray:
    return core_voxels(near, participants, least + 1)


def _neighbour_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray, int]]:
    cases = []
    for size, share in ((30, 0.08), (40, 0.06), (50, 0.05)):
        near = rng.random((size, size)) < share
        near = (near | near.T) & ~np.eye(size, dtype=bool)
        cases.append((near, rng.integers(0, 5, size), 2))
    return cases


# --- 2. the same cluster twice ------------------------------------------------------------------


def n_reproduced(first: np.ndarray, second: np.ndarray) -> int:
    """Count the clusters of one labelling that another has too, by more than half their union."""
    count = 0
    for a in np.unique(first[first >= 0]):
        for b in np.unique(second[second >= 0]):
            both = np.sum((first == a) & (second == b))
            either = np.sum((first == a) | (second == b))
            count += int(both > either / 2)
    return count


def _noise_as_a_cluster(first: np.ndarray, second: np.ndarray) -> int:
    return n_reproduced(first + 1, second + 1)


def _half_of_the_first(first: np.ndarray, second: np.ndarray) -> int:
    count = 0
    for a in np.unique(first[first >= 0]):
        inside = second[(first == a) & (second >= 0)]
        count += int(max(np.bincount(inside), default=0) > np.sum(first == a) / 2)
    return count


def _same_number(first: np.ndarray, second: np.ndarray) -> int:
    return sum(
        int(np.sum((first == a) & (second == a)) > np.sum((first == a) | (second == a)) / 2)
        for a in np.unique(first[first >= 0])
    )


def _label_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    cases = []
    for n_clusters, kept, swallowed in ((4, 0, 1), (5, 1, 3), (6, 2, 3)):
        first = np.repeat(np.arange(-1, n_clusters), 20)
        second = np.where(first == swallowed, kept, first)  # two of the clusters in one
        second = np.append(np.roll(np.arange(n_clusters), 1), -1)[second]  # other numbers
        second[::10] = -1  # two voxels of each went astray
        order = rng.permutation(len(first))
        cases.append((first[order], second[order]))
    return cases


# --- 3. false discoveries -----------------------------------------------------------------------


def largest_allowed_eps(
    eps: np.ndarray, found: np.ndarray, null: np.ndarray, allowed: float
) -> float:
    """Largest eps at which the mean null count is at most a share `allowed` of what is found."""
    share = null.mean(axis=0) / found
    return float(eps[share <= allowed].max())


def _best_null(eps: np.ndarray, found: np.ndarray, null: np.ndarray, allowed: float) -> float:
    return float(eps[null.min(axis=0) / found <= allowed].max())


def _share_of_all_null(
    eps: np.ndarray, found: np.ndarray, null: np.ndarray, allowed: float
) -> float:
    share = null.mean(axis=0) / (found + null.mean(axis=0))
    return float(eps[share <= allowed].max())


def _one_step_further(
    eps: np.ndarray, found: np.ndarray, null: np.ndarray, allowed: float
) -> float:
    return float(eps[null.mean(axis=0) / found > allowed].min())


def _curve_cases(
    rng: np.random.Generator,
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, float]]:
    eps = np.round(np.arange(0.2, 0.7, 0.01), 2)
    cases = []
    for allowed in (0.2, 0.3, 0.4):
        found = 1000.0 + 500 * np.arange(len(eps)) / len(eps)
        rise = np.linspace(0, 0.8, len(eps)) * found
        null = rise * np.array([[0.5], [1.0], [1.5]]) * rng.uniform(0.98, 1.0)
        cases.append((eps, found, null, allowed))
    return cases


EXERCISES = (
    Exercise(
        identifier="concepts.core",
        title="Who is core?",
        minutes=10,
        difficulty=1,
        solution=core_voxels,
        cases=_neighbour_cases,
        wrong_answers=(
            WrongAnswer(
                "voxels counted",
                "You counted voxels. Ten neighbours in one other participant are one participant.",
                _counting_voxels,
            ),
            WrongAnswer(
                "itself counted",
                "You counted the voxel's own participant. Only others can confirm it.",
                _counting_itself,
            ),
            WrongAnswer(
                "more than the least",
                "At least so many, not more than so many: use >=.",
                _more_than_least,
            ),
        ),
        hints=(
            "participants[near[i]] are the participants of the neighbours of voxel i.",
            "A set forgets how often each occurs; take the voxel's own participant out of it.",
            "len(set(participants[near[i]]) - {participants[i]}) >= least",
        ),
    ),
    Exercise(
        identifier="concepts.reproduced",
        title="The same concept twice",
        minutes=15,
        difficulty=2,
        solution=n_reproduced,
        cases=_label_cases,
        wrong_answers=(
            WrongAnswer(
                "noise as a cluster",
                "You counted the noise (-1) as a cluster. It always comes back, and means nothing.",
                _noise_as_a_cluster,
            ),
            WrongAnswer(
                "half of the first",
                "You asked for more than half of the first cluster. A second one that swallowed "
                "two clusters then counts twice. Ask for more than half of the union.",
                _half_of_the_first,
            ),
            WrongAnswer(
                "same number",
                "You compared clusters of the same number. Numbers are arbitrary: compare every "
                "cluster with every other.",
                _same_number,
            ),
        ),
        hints=(
            "Compare each cluster of the first with each of the second, without -1.",
            "Both: (first == a) & (second == b). Union: the same with |.",
            "Count the pairs with more voxels in both than half of the union.",
        ),
    ),
    Exercise(
        identifier="concepts.false_discovery",
        title="How far may eps go?",
        minutes=10,
        difficulty=2,
        solution=largest_allowed_eps,
        cases=_curve_cases,
        wrong_answers=(
            WrongAnswer(
                "luckiest shuffle",
                "You took the shuffle with the fewest voxels. The expected number is the mean.",
                _best_null,
            ),
            WrongAnswer(
                "null beside the found",
                "You added the null voxels to the found ones. They stand for some of the found.",
                _share_of_all_null,
            ),
            WrongAnswer(
                "one step further",
                "This is the first eps that is not allowed any more.",
                _one_step_further,
            ),
        ),
        hints=(
            "Each row of null is one shuffle: average over them first.",
            "Divide by what was found at the same eps.",
            "eps[null.mean(axis=0) / found <= allowed].max()",
        ),
    ),
)
