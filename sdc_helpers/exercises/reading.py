"""The exercises of the chapter on reading concepts."""

from __future__ import annotations

import numpy as np

from sdc_helpers.exercises.registry import Exercise, WrongAnswer

# --- 1. most and least associated ----------------------------------------------------------------


def most_and_least(embeddings: np.ndarray, concept: np.ndarray, n: int) -> np.ndarray:
    """Return two rows of indices: the n pictures highest and the n lowest along the concept."""
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    order = np.argsort(unit @ concept)
    return np.array([order[::-1][:n], order[:n]])


def _lengths_kept(embeddings: np.ndarray, concept: np.ndarray, n: int) -> np.ndarray:
    order = np.argsort(embeddings @ concept)
    return np.array([order[::-1][:n], order[:n]])


def _unrelated_as_least(embeddings: np.ndarray, concept: np.ndarray, n: int) -> np.ndarray:
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    score = unit @ concept
    return np.array([np.argsort(score)[::-1][:n], np.argsort(np.abs(score))[:n]])


def _ends_swapped(embeddings: np.ndarray, concept: np.ndarray, n: int) -> np.ndarray:
    return most_and_least(embeddings, concept, n)[::-1]


def _middle_first(embeddings: np.ndarray, concept: np.ndarray, n: int) -> np.ndarray:
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    order = np.argsort(unit @ concept)
    return np.array([order[-n:], order[:n]])


def _picture_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray, int]]:
    cases = []
    for n_pictures, n in ((30, 4), (50, 7)):
        embeddings = rng.normal(size=(n_pictures, 6)) * rng.uniform(0.3, 3, (n_pictures, 1))
        concept = rng.normal(size=6)
        cases.append((embeddings, concept / np.linalg.norm(concept), n))
    return cases


# --- 2. enriched words ---------------------------------------------------------------------------


def enrichment(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Return z of each word from how often each picture's captions use it, (pictures, words)."""
    a, b = (top > 0).sum(axis=0) + 0.5, (bottom > 0).sum(axis=0) + 0.5
    not_a, not_b = len(top) + 1 - a, len(bottom) + 1 - b
    return (np.log(a / not_a) - np.log(b / not_b)) / np.sqrt(1 / a + 1 / not_a + 1 / b + 1 / not_b)


def _log_odds_alone(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    a, b = (top > 0).sum(axis=0) + 0.5, (bottom > 0).sum(axis=0) + 0.5
    return np.log(a / (len(top) + 1 - a)) - np.log(b / (len(bottom) + 1 - b))


def _uses_counted(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    a, b = top.sum(axis=0) + 0.5, bottom.sum(axis=0) + 0.5
    not_a, not_b = top.sum() + 1 - a, bottom.sum() + 1 - b
    return (np.log(a / not_a) - np.log(b / not_b)) / np.sqrt(1 / a + 1 / not_a + 1 / b + 1 / not_b)


def _turned(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return -enrichment(top, bottom)


def _shares_compared(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return (top > 0).mean(axis=0) - (bottom > 0).mean(axis=0)


def _word_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    return [
        (rng.poisson(rng.uniform(0.1, 1, 5), (n, 5)), rng.poisson(rng.uniform(0, 1, 5), (m, 5)))
        for n, m in ((20, 20), (15, 40))
    ]


# --- 3. the response to the negation -------------------------------------------------------------


def bottom_response(
    betas: np.ndarray, image_ids: np.ndarray, scores: dict[int, float], n: int
) -> float:
    """Mean percent signal change to the n pictures of lowest score, each picture counting once."""
    pictures = np.unique(image_ids)
    by_picture = np.array([betas[image_ids == i].mean() for i in pictures])
    order = np.argsort([scores[int(i)] for i in pictures])
    return float(by_picture[order[:n]].mean())


def _z_scored(betas: np.ndarray, image_ids: np.ndarray, scores: dict[int, float], n: int) -> float:
    z = (betas - betas.mean(axis=0)) / betas.std(axis=0)
    return bottom_response(z, image_ids, scores, n)


def _mean_taken_off(
    betas: np.ndarray, image_ids: np.ndarray, scores: dict[int, float], n: int
) -> float:
    return bottom_response(betas - betas.mean(axis=0), image_ids, scores, n)


def _unrelated_pictures(
    betas: np.ndarray, image_ids: np.ndarray, scores: dict[int, float], n: int
) -> float:
    return bottom_response(betas, image_ids, {i: abs(s) for i, s in scores.items()}, n)


def _lowest_responses(
    betas: np.ndarray, image_ids: np.ndarray, scores: dict[int, float], n: int
) -> float:
    by_picture = [betas[image_ids == i].mean() for i in np.unique(image_ids)]
    return float(np.sort(by_picture)[:n].mean())


def _every_trial_counted(
    betas: np.ndarray, image_ids: np.ndarray, scores: dict[int, float], n: int
) -> float:
    chosen = sorted(np.unique(image_ids).tolist(), key=scores.__getitem__)[:n]
    return float(betas[np.isin(image_ids, chosen)].mean())


def _beta_cases(
    rng: np.random.Generator,
) -> list[tuple[np.ndarray, np.ndarray, dict[int, float], int]]:
    cases = []
    for n_pictures, n in ((12, 3), (20, 5)):
        image_ids = rng.permutation(np.repeat(np.arange(1, n_pictures + 1), 3))
        scores = dict(enumerate(rng.normal(size=n_pictures).tolist(), start=1))
        least = np.flatnonzero(image_ids == min(scores, key=scores.__getitem__))
        image_ids = np.delete(image_ids, least[:2])  # one picture with a single trial
        signal = np.array([scores[int(i)] for i in image_ids])[:, None]
        betas = 0.8 + 0.2 * signal + rng.normal(size=(len(image_ids), 4))
        cases.append((betas, image_ids, scores, n))
    return cases


# --- 4. number, or just busy pictures? -----------------------------------------------------------


def partial_correlation(x: np.ndarray, y: np.ndarray, confound: np.ndarray) -> float:
    """Correlate x and y with a straight line in the confound taken out of both."""
    design = np.column_stack([np.ones(len(x)), confound])
    left, right = (v - design @ np.linalg.lstsq(design, v, rcond=None)[0] for v in (x, y))
    return float(left @ right / np.sqrt((left @ left) * (right @ right)))


def _plain(x: np.ndarray, y: np.ndarray, confound: np.ndarray) -> float:
    return float(np.corrcoef(x, y)[0, 1])


def _taken_out_of_x_alone(x: np.ndarray, y: np.ndarray, confound: np.ndarray) -> float:
    design = np.column_stack([np.ones(len(x)), confound])
    return _plain(x - design @ np.linalg.lstsq(design, x, rcond=None)[0], y, confound)


def _without_intercept(x: np.ndarray, y: np.ndarray, confound: np.ndarray) -> float:
    left, right = (v - confound * (confound @ v) / (confound @ confound) for v in (x, y))
    return float(left @ right / np.sqrt((left @ left) * (right @ right)))


def _difference_of_correlations(x: np.ndarray, y: np.ndarray, confound: np.ndarray) -> float:
    return _plain(x, y, confound) - _plain(x, confound, y) * _plain(y, confound, x)


def _confounded_cases(
    rng: np.random.Generator,
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    cases = []
    for n, share in ((40, 1.0), (60, -0.5)):
        confound = 2 + rng.normal(size=n)
        x = confound + rng.normal(size=n)
        cases.append((x, 3 + confound + share * x + rng.normal(size=n), confound))
    return cases


EXERCISES = (
    Exercise(
        identifier="reading.extremes",
        title="The most and the least associated",
        minutes=10,
        difficulty=1,
        solution=most_and_least,
        cases=_picture_cases,
        wrong_answers=(
            WrongAnswer(
                "lengths kept",
                "Long embeddings win on length alone. Bring each to unit length first.",
                _lengths_kept,
            ),
            WrongAnswer(
                "unrelated as least",
                "Scores near zero belong to unrelated pictures. Least associated are the most "
                "negative ones: the concept's opposite, not its absence.",
                _unrelated_as_least,
            ),
            WrongAnswer(
                "ends swapped", "You have them the wrong way round: most first.", _ends_swapped
            ),
            WrongAnswer(
                "best at the end",
                "The right pictures, but among the most associated the highest comes first.",
                _middle_first,
            ),
        ),
        hints=(
            "Divide each row of embeddings by its length, then take inner products.",
            "argsort ascends: its beginning is least, its end, turned round, is most.",
            "order = np.argsort(unit @ concept); np.array([order[::-1][:n], order[:n]])",
        ),
    ),
    Exercise(
        identifier="reading.enrichment",
        title="Which words are enriched?",
        minutes=15,
        difficulty=2,
        solution=enrichment,
        cases=_word_cases,
        wrong_answers=(
            WrongAnswer(
                "not over its standard error",
                "These are log odds ratios. A word of two pictures can have a huge one by luck: "
                "divide by the standard error.",
                _log_odds_alone,
            ),
            WrongAnswer(
                "uses counted",
                "You counted uses. Five captions of one picture that say 'dog' are one picture "
                "with a dog.",
                _uses_counted,
            ),
            WrongAnswer("sign turned", "Positive must mean: more in the top pictures.", _turned),
            WrongAnswer(
                "shares compared",
                "A difference of shares hides rare words: 0.00 to 0.04 is much, 0.50 to 0.54 is "
                "nothing. Compare log odds.",
                _shares_compared,
            ),
        ),
        hints=(
            "First (top > 0).sum(axis=0): pictures with the word. Add 0.5 to all four counts.",
            "Log odds: log(with / without) of top, minus the same of bottom.",
            "Divide by sqrt(1/a + 1/not_a + 1/b + 1/not_b).",
        ),
    ),
    Exercise(
        identifier="reading.below_baseline",
        title="Below baseline?",
        minutes=10,
        difficulty=2,
        solution=bottom_response,
        cases=_beta_cases,
        wrong_answers=(
            WrongAnswer(
                "z-scored",
                "After z-scoring the mean over all pictures is 0, so something is always below "
                "it. Percent signal change has a zero that means something.",
                _z_scored,
            ),
            WrongAnswer(
                "mean taken off",
                "You took off the voxels' means: that moves the baseline. Leave the betas as they "
                "are.",
                _mean_taken_off,
            ),
            WrongAnswer(
                "unrelated pictures",
                "A score near zero is an unrelated picture. The negation has the lowest scores.",
                _unrelated_pictures,
            ),
            WrongAnswer(
                "chosen by response",
                "You chose the pictures by the response itself: with noise, the lowest are always "
                "low. Choose by the score.",
                _lowest_responses,
            ),
            WrongAnswer(
                "every trial counted",
                "Pictures with more trials count more in your mean. Average each picture first.",
                _every_trial_counted,
            ),
        ),
        hints=(
            "Average over voxels and over the trials of each picture first.",
            "Then sort the pictures by their score, and average the first n responses.",
            "No z-scoring, no centring: zero is baseline.",
        ),
    ),
    Exercise(
        identifier="reading.partial",
        title="Number, or just busy pictures?",
        minutes=15,
        difficulty=3,
        solution=partial_correlation,
        cases=_confounded_cases,
        wrong_answers=(
            WrongAnswer(
                "plain correlation",
                "This is the plain correlation: the confound is still in both.",
                _plain,
            ),
            WrongAnswer(
                "taken out of x alone",
                "You took the confound out of x alone: that is the semipartial correlation.",
                _taken_out_of_x_alone,
            ),
            WrongAnswer(
                "no intercept",
                "Your line goes through zero. Fit an intercept too, or centre first.",
                _without_intercept,
            ),
            WrongAnswer(
                "not scaled again",
                "The numerator is right; divide by sqrt((1 - r_xc^2)(1 - r_yc^2)).",
                _difference_of_correlations,
            ),
        ),
        hints=(
            "Predict x from the confound by a straight line; keep what is left. The same for y.",
            "Then correlate what is left of the two.",
            "np.linalg.lstsq with a column of ones and the confound fits the line.",
        ),
    ),
)
