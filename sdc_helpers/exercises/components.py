"""The exercises of the chapter on components and masks."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from sdc_helpers.exercises.registry import Exercise, WrongAnswer

# --- 1. axes or subspace? -----------------------------------------------------------------------


def other_axes(rows: np.ndarray, mix: np.ndarray) -> np.ndarray:
    """Turn rows by the rotation that is nearest to a square matrix."""
    left, _, right = np.linalg.svd(mix)
    return left @ right @ rows


def _any_mixture(rows: np.ndarray, mix: np.ndarray) -> np.ndarray:
    return mix @ rows


def _unit_again(rows: np.ndarray, mix: np.ndarray) -> np.ndarray:
    turned = other_axes(rows, mix)
    return turned / np.linalg.norm(turned, axis=1, keepdims=True)


def _stretched(rows: np.ndarray, mix: np.ndarray) -> np.ndarray:
    left, sizes, right = np.linalg.svd(mix)
    return left * sizes @ right / sizes.max() @ rows


def _axes_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    return [
        (rng.normal(size=(k, d)) * rng.uniform(0.5, 2, (k, 1)), rng.normal(size=(k, k)))
        for k, d in ((2, 5), (3, 8), (5, 6))
    ]


# --- 2. the same components twice ---------------------------------------------------------------


def agreement(first: np.ndarray, second: np.ndarray) -> float:
    """Mean absolute correlation of components that are matched one to one."""
    k = first.shape[1]
    r = np.abs(np.corrcoef(first, second, rowvar=False)[:k, k:])
    rows, columns = linear_sum_assignment(-r)
    return float(r[rows, columns].mean())


def _best_of_each(first: np.ndarray, second: np.ndarray) -> float:
    k = first.shape[1]
    r = np.abs(np.corrcoef(first, second, rowvar=False)[:k, k:])
    return float(r.max(axis=1).mean())


def _signs_kept(first: np.ndarray, second: np.ndarray) -> float:
    k = first.shape[1]
    r = np.corrcoef(first, second, rowvar=False)[:k, k:]
    rows, columns = linear_sum_assignment(-r)
    return float(r[rows, columns].mean())


def _not_centred(first: np.ndarray, second: np.ndarray) -> float:
    lengths = np.linalg.norm(first, axis=0)[:, None] * np.linalg.norm(second, axis=0)
    cosine = np.abs(first.T @ second) / lengths
    rows, columns = linear_sum_assignment(-cosine)
    return float(cosine[rows, columns].mean())


def _all_pairs(first: np.ndarray, second: np.ndarray) -> float:
    k = first.shape[1]
    return float(np.abs(np.corrcoef(first, second, rowvar=False)[:k, k:]).mean())


def _score_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    cases = []
    for n, k in ((60, 4), (80, 5), (100, 6)):
        first = rng.normal(size=(n, k))
        second = first[:, rng.permutation(k)] * rng.choice([-1, 1], k)
        second[:, 0] = second[:, 1]  # one of them was found twice
        second = second + 0.4 * rng.normal(size=(n, k)) + rng.uniform(0.5, 2, k)
        cases.append((first + rng.uniform(0.5, 2, k), second))
    return cases


# --- 3. one step of a mask ----------------------------------------------------------------------


def mask_gradient(
    responses: np.ndarray, gates: np.ndarray, row: np.ndarray, score: np.ndarray, penalty: float
) -> np.ndarray:
    """Gradient over the gates of -r(score, (responses * gates) @ row) + penalty * mean(gates)."""
    decoded = (responses * gates) @ row
    y, z = score - score.mean(), decoded - decoded.mean()
    lengths = np.linalg.norm(y) * np.linalg.norm(z)
    of_decoded = y / lengths - (y @ z / lengths) * z / (z @ z)
    return -(responses * row).T @ of_decoded + penalty / len(gates)


def _penalty_summed(
    responses: np.ndarray, gates: np.ndarray, row: np.ndarray, score: np.ndarray, penalty: float
) -> np.ndarray:
    return mask_gradient(responses, gates, row, score, penalty * len(gates))


def _length_of_unmasked(
    responses: np.ndarray, gates: np.ndarray, row: np.ndarray, score: np.ndarray, penalty: float
) -> np.ndarray:
    y, full = score - score.mean(), responses @ row
    lengths = np.linalg.norm(y) * np.linalg.norm(full - full.mean())
    return -(responses * row).T @ (y / lengths) + penalty / len(gates)


def _length_held_still(
    responses: np.ndarray, gates: np.ndarray, row: np.ndarray, score: np.ndarray, penalty: float
) -> np.ndarray:
    decoded = (responses * gates) @ row
    y, z = score - score.mean(), decoded - decoded.mean()
    lengths = np.linalg.norm(y) * np.linalg.norm(z)
    return -(responses * row).T @ (y / lengths) + penalty / len(gates)


def _mask_cases(
    rng: np.random.Generator,
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]]:
    cases = []
    for n, v in ((30, 4), (40, 6), (50, 9)):
        responses, row = rng.normal(size=(n, v)) + 0.5, rng.normal(size=v)
        score = responses @ row + rng.normal(size=n)
        cases.append((responses, rng.uniform(0.2, 0.8, v), row, score, 0.5))
    return cases


# --- 4. what does "kept" show? ------------------------------------------------------------------


def kept_and_left(
    score: np.ndarray, responses: np.ndarray, row: np.ndarray, mask: np.ndarray
) -> tuple[float, float]:
    """Correlation with a mask alone, and without it, as shares of that of all voxels."""

    def read(voxels: np.ndarray) -> float:
        decoded = (responses * voxels) @ row
        return float(np.corrcoef(score, decoded)[0, 1]) if decoded.std() > 0 else 0.0

    everything = read(np.ones(len(row)))
    return read(mask) / everything, read(~mask) / everything


def _one_minus(
    score: np.ndarray, responses: np.ndarray, row: np.ndarray, mask: np.ndarray
) -> tuple[float, float]:
    kept, _ = kept_and_left(score, responses, row, mask)
    return kept, 1 - kept


def _no_shares(
    score: np.ndarray, responses: np.ndarray, row: np.ndarray, mask: np.ndarray
) -> tuple[float, float]:
    kept, left = kept_and_left(score, responses, row, mask)
    whole = float(np.corrcoef(score, responses @ row)[0, 1])
    return kept * whole, left * whole


def _scored_on_itself(
    score: np.ndarray, responses: np.ndarray, row: np.ndarray, mask: np.ndarray
) -> tuple[float, float]:
    return kept_and_left(responses @ row, responses, row, mask)


def _kept_cases(
    rng: np.random.Generator,
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    cases = []
    for n, v, n_masked in ((80, 12, 4), (90, 15, 5), (100, 10, 0)):
        concept = rng.normal(size=n)
        responses = concept[:, None] + 1.5 * rng.normal(size=(n, v))
        mask = np.arange(v) < n_masked
        cases.append((concept + rng.normal(size=n), responses, rng.uniform(0.5, 1, v), mask))
    return cases


EXERCISES = (
    Exercise(
        identifier="components.axes",
        title="Other axes, the same distances",
        minutes=10,
        difficulty=2,
        solution=other_axes,
        cases=_axes_cases,
        wrong_answers=(
            WrongAnswer(
                "any mixture",
                "You multiplied by the matrix itself. It stretches as well as turns, so distances "
                "change. Only a rotation leaves them.",
                _any_mixture,
            ),
            WrongAnswer(
                "unit length again",
                "You set the rows to length 1 after turning them. That stretches the axes again: "
                "leave the lengths that the rotation gave.",
                _unit_again,
            ),
            WrongAnswer(
                "stretched",
                "You kept the singular values. Without them a rotation is left: U @ Vt.",
                _stretched,
            ),
        ),
        hints=(
            "Every matrix is a rotation, a stretch, and another rotation: np.linalg.svd.",
            "The nearest rotation leaves the stretch out.",
            "u, s, vt = np.linalg.svd(mix); return u @ vt @ rows",
        ),
    ),
    Exercise(
        identifier="components.match",
        title="The same components twice",
        minutes=15,
        difficulty=2,
        solution=agreement,
        cases=_score_cases,
        wrong_answers=(
            WrongAnswer(
                "best of each row",
                "You gave every component its best partner. Two then share one partner, and a "
                "component that was lost goes unnoticed. Match one to one.",
                _best_of_each,
            ),
            WrongAnswer(
                "signs kept",
                "You kept the sign. A component and its negative are the same axis: take the "
                "absolute value before you match.",
                _signs_kept,
            ),
            WrongAnswer(
                "not centred",
                "You compared scores with their means in. Components that share nothing but a "
                "baseline then agree: take correlations.",
                _not_centred,
            ),
            WrongAnswer(
                "all pairs",
                "You averaged over all pairs. Only the matched ones are meant.",
                _all_pairs,
            ),
        ),
        hints=(
            "np.corrcoef(first, second, rowvar=False) holds the correlations of all columns.",
            "The block that is wanted has rows of the first and columns of the second.",
            "scipy.optimize.linear_sum_assignment(-np.abs(r)) matches them one to one.",
        ),
    ),
    Exercise(
        identifier="components.gradient",
        title="One step of a mask",
        minutes=20,
        difficulty=3,
        solution=mask_gradient,
        cases=_mask_cases,
        wrong_answers=(
            WrongAnswer(
                "penalty summed",
                "You added the penalty once a voxel. It is the mean of the gates, so each gate has "
                "a share of 1 / n_voxels; otherwise lambda depends on how many voxels there are.",
                _penalty_summed,
            ),
            WrongAnswer(
                "length of the unmasked",
                "You divided by the length of the unmasked output. The correlation is with the "
                "masked one.",
                _length_of_unmasked,
            ),
            WrongAnswer(
                "length held still",
                "You held the length of the output still. It changes with the gates too: the "
                "correlation does not grow if all of them do.",
                _length_held_still,
            ),
        ),
        hints=(
            "First the gradient over the decoded values, then the chain rule: each gate moves "
            "responses[:, v] * row[v].",
            "Of r = y.z / (|y| |z|), y and z centred, over z: y / (|y| |z|) - r z / |z|^2.",
            "-(responses * row).T @ of_decoded + penalty / len(gates)",
        ),
    ),
    Exercise(
        identifier="components.kept",
        title="What does a mask keep, and what is left?",
        minutes=10,
        difficulty=2,
        solution=kept_and_left,
        cases=_kept_cases,
        wrong_answers=(
            WrongAnswer(
                "one minus",
                "What is left is not 1 minus what is kept: voxels say the same thing many times, "
                "and both can be near 1. Decode without the mask.",
                _one_minus,
            ),
            WrongAnswer(
                "no shares",
                "Divide by the correlation of all voxels: then 1 means that nothing was lost.",
                _no_shares,
            ),
            WrongAnswer(
                "scored on itself",
                "You correlated with what all voxels decode. The score of the true embedding is "
                "the truth here.",
                _scored_on_itself,
            ),
        ),
        hints=(
            "responses * mask sets the other voxels to zero, their mean.",
            "Without the mask: responses * ~mask. An output that does not vary has correlation 0.",
            "Divide both by the correlation of responses @ row.",
        ),
    ),
)
