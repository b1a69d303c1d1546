"""The exercises of the chapter that asks whether the order matters."""

from __future__ import annotations

import numpy as np

from sdc_helpers.exercises.registry import Exercise, WrongAnswer

# --- 1. the paired difference -------------------------------------------------------------------


def paired_difference(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Return the mean difference and its standard error for other seeds and other items."""
    difference = first - second  # the same item, the same seed
    n_seeds, n_items = difference.shape
    of_seeds = difference.mean(axis=1).var(ddof=1) / n_seeds
    of_items = difference.mean(axis=0).var(ddof=1) / n_items
    return difference.mean(), np.sqrt(of_seeds + of_items)


def _unpaired(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    zero = np.zeros_like(first)
    errors = [paired_difference(answers, zero)[1] for answers in (first, second)]
    return first.mean() - second.mean(), np.sqrt(errors[0] ** 2 + errors[1] ** 2)


def _seeds_only(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    difference = first - second
    error = difference.mean(axis=1).std(ddof=1) / np.sqrt(len(difference))
    return difference.mean(), error


def _items_only(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    difference = first - second
    error = difference.mean(axis=0).std(ddof=1) / np.sqrt(difference.shape[1])
    return difference.mean(), error


def _every_answer_for_itself(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    difference = first - second
    return difference.mean(), difference.std(ddof=1) / np.sqrt(difference.size)


def _spread_for_error(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    difference = first - second
    variance = difference.mean(axis=1).var(ddof=1) + difference.mean(axis=0).var(ddof=1)
    return difference.mean(), np.sqrt(variance)


def _turned_round(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    return paired_difference(second, first)


def _answer_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return answers, 0 or 1, to items of which some are hard for every model."""
    cases = []
    for n_seeds, n_items, effect in ((3, 60, 0.15), (4, 35, -0.1)):
        easy = rng.random(n_items)
        second = rng.random((n_seeds, n_items)) < easy
        first = second ^ (rng.random((n_seeds, n_items)) < 0.2 + 0.1 * rng.random((n_seeds, 1)))
        first |= rng.random((n_seeds, n_items)) < max(effect, 0)
        cases.append((first.astype(float), second.astype(float)))
    return cases


# --- 2. the words that an interval allows ---------------------------------------------------------

Ends = tuple[float, float]


def verdict(difference: Ends, first: Ends, second: Ends, chance: float) -> str:
    """Return what may be said of an order, from the ends of 95 % intervals."""
    if first[0] <= chance and second[0] <= chance:
        return "at chance"  # no model of either order can do the task
    if difference[0] > 0:
        return "helps"
    if difference[1] < 0:
        return "harms"
    return "cannot tell"


def _floor_forgotten(difference: Ends, first: Ends, second: Ends, chance: float) -> str:
    return verdict(difference, (1.0, 1.0), (1.0, 1.0), chance)


def _sign_of_the_mean(difference: Ends, first: Ends, second: Ends, chance: float) -> str:
    if first[0] <= chance and second[0] <= chance:
        return "at chance"
    return "helps" if sum(difference) > 0 else "harms"


def _overlap_of_intervals(difference: Ends, first: Ends, second: Ends, chance: float) -> str:
    if first[0] <= chance and second[0] <= chance:
        return "at chance"
    if first[0] > second[1]:
        return "helps"
    return "harms" if first[1] < second[0] else "cannot tell"


def _one_at_chance_is_enough(difference: Ends, first: Ends, second: Ends, chance: float) -> str:
    low = min(first[0], second[0])
    return verdict(difference, (low, 1.0), (low, 1.0), chance)


def _chance_by_the_middle(difference: Ends, first: Ends, second: Ends, chance: float) -> str:
    if sum(first) / 2 <= chance and sum(second) / 2 <= chance:
        return "at chance"
    return verdict(difference, (1.0, 1.0), (1.0, 1.0), chance)


def _verdict_cases(rng: np.random.Generator) -> list[tuple[Ends, Ends, Ends, float]]:
    """Return intervals: overlapping ones whose difference is clear, and some at the floor."""
    shift = round(float(rng.uniform(0, 0.01)), 3)
    return [
        ((0.02, 0.06), (0.60 + shift, 0.68), (0.56 + shift, 0.64), 0.5),
        ((-0.09, -0.03), (0.30, 0.38 + shift), (0.36, 0.44 + shift), 0.125),
        ((-0.01, 0.05), (0.70 + shift, 0.78), (0.68 + shift, 0.76), 0.5),
        ((0.01, 0.05), (0.49, 0.56 + shift), (0.46, 0.53), 0.5),
        ((0.02, 0.06), (0.44 + shift, 0.54), (0.40, 0.50), 0.5),
        ((-0.02, 0.02), (0.48, 0.55), (0.47, 0.54 + shift), 0.5),
        ((0.08, 0.16), (0.58 + shift, 0.66), (0.46, 0.54), 0.5),
        ((-0.04, -0.01), (0.09, 0.15), (0.11, 0.17), 0.125),
    ]


# --- 3. an order in which nothing is left out -----------------------------------------------------


def sorted_passes(difficulty: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Every sample in every pass, by difficulty plus the pass's noise, easy ones first."""
    return np.argsort(difficulty + noise, axis=1, kind="stable")


def _ranks_for_order(difficulty: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return np.argsort(sorted_passes(difficulty, noise), axis=1, kind="stable")


def _hardest_first(difficulty: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return np.argsort(-(difficulty + noise), axis=1, kind="stable")


def _same_noise(difficulty: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return sorted_passes(difficulty, np.broadcast_to(noise[:1], noise.shape))


def _no_noise(difficulty: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return sorted_passes(difficulty, np.zeros_like(noise))


def _noise_alone(difficulty: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return sorted_passes(np.zeros_like(difficulty), noise)


def _whole_training_sorted(difficulty: np.ndarray, noise: np.ndarray) -> np.ndarray:
    ranked = np.argsort((difficulty + noise).ravel(), kind="stable") % len(difficulty)
    return ranked.reshape(noise.shape)


def _order_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    return [
        (rng.integers(1, 8, n).astype(float), 0.7 * rng.normal(size=(n_passes, n)))
        for n_passes, n in ((3, 12), (2, 21))
    ]


EXERCISES = (
    Exercise(
        identifier="order.paired",
        title="A paired difference with its error",
        minutes=10,
        difficulty=2,
        solution=paired_difference,
        cases=_answer_cases,
        wrong_answers=(
            WrongAnswer(
                "not paired",
                "You gave each order its own error and added the two. What is hard for both orders "
                "then counts twice: subtract item by item and seed by seed first.",
                _unpaired,
            ),
            WrongAnswer(
                "seeds only",
                "Your error holds for other seeds asked these very items. Add the part that comes "
                "from the items.",
                _seeds_only,
            ),
            WrongAnswer(
                "items only",
                "Your error holds for other items answered by these very models. Add the part that "
                "comes from the seeds: another start would have given other models.",
                _items_only,
            ),
            WrongAnswer(
                "every answer for itself",
                "You counted every answer as independent. Answers of one model go together, and so "
                "do answers to one item: take the variance of the seeds' means and of the items'.",
                _every_answer_for_itself,
            ),
            WrongAnswer(
                "spread for error",
                "You returned the spread of single means. The error of their average is smaller: "
                "divide each variance by the number of means.",
                _spread_for_error,
            ),
            WrongAnswer("turned round", "The first minus the second.", _turned_round),
        ),
        hints=(
            "first - second has a row for each seed and a column for each item. Everything else "
            "is computed from it.",
            "The error squared is a sum of two: the variance (ddof=1) of the seeds' means over the "
            "number of seeds, and that of the items' means over the number of items.",
            "difference.mean(axis=1).var(ddof=1) / n_seeds is the first of the two.",
        ),
    ),
    Exercise(
        identifier="order.verdict",
        title="The words that an interval allows",
        minutes=5,
        difficulty=1,
        solution=verdict,
        cases=_verdict_cases,
        wrong_answers=(
            WrongAnswer(
                "floor forgotten",
                "You did not look whether either order can do the task. Where neither interval "
                "lies above chance, a difference says nothing of the order.",
                _floor_forgotten,
            ),
            WrongAnswer(
                "sign of the mean",
                "You went by the sign of the mean. An interval that holds zero cannot tell.",
                _sign_of_the_mean,
            ),
            WrongAnswer(
                "overlap of intervals",
                "You asked whether the two orders' intervals overlap. They may, and the paired "
                "difference can still be clear: what is hard for both cancels only there.",
                _overlap_of_intervals,
            ),
            WrongAnswer(
                "one at chance is enough",
                "If one order is above chance and the other is not, the task can be done, and the "
                "difference does tell. Both must be at the floor.",
                _one_at_chance_is_enough,
            ),
            WrongAnswer(
                "chance by the middle",
                "You compared the middle of the intervals with chance. Above chance means that the "
                "whole interval is: compare the lower end.",
                _chance_by_the_middle,
            ),
        ),
        hints=(
            "Three questions in this order: can either do the task, is the whole difference above "
            "zero, is it all below?",
            "An order is above chance if the lower end of its interval is.",
            'if first[0] <= chance and second[0] <= chance: return "at chance"',
        ),
    ),
    Exercise(
        identifier="order.passes",
        title="A curriculum that leaves nothing out",
        minutes=5,
        difficulty=2,
        solution=sorted_passes,
        cases=_order_cases,
        wrong_answers=(
            WrongAnswer(
                "ranks for order",
                "You returned at which place each sample comes (its rank). Needed is which sample "
                "comes at each place: one argsort, not two.",
                _ranks_for_order,
            ),
            WrongAnswer("hardest first", "You began with the difficult ones.", _hardest_first),
            WrongAnswer(
                "same noise in each pass",
                "Your passes are all the same. Each has its own row of noise.",
                _same_noise,
            ),
            WrongAnswer(
                "noise forgotten",
                "You sorted by difficulty alone. Without noise the model sees the same samples "
                "side by side in every pass.",
                _no_noise,
            ),
            WrongAnswer(
                "noise alone",
                "You sorted by the noise alone: that is the standard order, shuffled.",
                _noise_alone,
            ),
            WrongAnswer(
                "whole training sorted",
                "You sorted all passes together: then the easiest sample comes in all its showings "
                "before any other. Sort within each pass.",
                _whole_training_sorted,
            ),
        ),
        hints=(
            "numpy adds difficulty (n,) to each row of noise (n_passes, n) by itself.",
            "np.argsort says which sample comes first, second and so on; axis=1 for each pass.",
            'np.argsort(difficulty + noise, axis=1, kind="stable")',
        ),
    ),
)
