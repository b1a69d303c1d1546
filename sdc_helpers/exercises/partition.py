"""The exercises of the chapter on space partitioning."""

from __future__ import annotations

import numpy as np

from sdc_helpers.exercises.registry import Exercise, WrongAnswer

Array = np.ndarray

# --- 1. recall and candidates -----------------------------------------------------------------


def recall_and_candidates(order: Array, bins: Array, truth: Array, n_probes: int) -> Array:
    """Look into the first bins of each query; count what is there, and which true ones."""
    probed = order[:, :n_probes]
    candidates = [np.isin(bins, mine).sum() for mine in probed]
    found = [np.isin(bins[near], mine).mean() for near, mine in zip(truth, probed, strict=True)]
    return np.array([np.mean(found), np.mean(candidates)])


def _only_the_first_neighbour(order: Array, bins: Array, truth: Array, n_probes: int) -> Array:
    return recall_and_candidates(order, bins, truth[:, :1], n_probes)


def _size_of_the_first_bin(order: Array, bins: Array, truth: Array, n_probes: int) -> Array:
    recall = recall_and_candidates(order, bins, truth, n_probes)[0]
    return np.array([recall, recall_and_candidates(order, bins, truth, 1)[1]])


def _largest_in_place_of_mean(order: Array, bins: Array, truth: Array, n_probes: int) -> Array:
    recall = recall_and_candidates(order, bins, truth, n_probes)[0]
    return np.array([recall, max(np.isin(bins, mine).sum() for mine in order[:, :n_probes])])


def _bins_by_number(order: Array, bins: Array, truth: Array, n_probes: int) -> Array:
    return recall_and_candidates(np.sort(order, axis=1), bins, truth, n_probes)


def _probe_cases(rng: np.random.Generator) -> list[tuple[Array, Array, Array, int]]:
    cases = []
    for n_bins, n_probes in ((5, 2), (7, 3)):
        bins = np.append(rng.integers(0, n_bins, 40), np.repeat(np.arange(n_bins), 2))
        order = rng.permuted(np.tile(np.arange(n_bins), (6, 1)), axis=1)
        truth = rng.permuted(np.tile(np.arange(len(bins)), (6, 1)), axis=1)[:, :4]
        cases.append((order, bins, truth, n_probes))
    return cases


# --- 2. the balance term ----------------------------------------------------------------------


def balance(P: Array) -> float:
    """Ask each bin for its share of points that are sure of it."""
    n, n_bins = P.shape
    share = max(1, n // n_bins)
    largest = np.sort(P, axis=0)[-share:]
    return float(-largest.sum() / n)


def _sum_over_all(P: Array) -> float:
    return float(-P.sum() / len(P))


def _largest_of_rows(P: Array) -> float:
    return float(-P.max(axis=1).sum() / len(P))


def _variance_of_counts(P: Array) -> float:
    counts = np.bincount(P.argmax(axis=1), minlength=P.shape[1])
    return float(counts.var() / len(P))


def _wrong_sign(P: Array) -> float:
    return -balance(P)


def _no_point_where_few(P: Array) -> float:
    n, n_bins = P.shape
    share = n // n_bins
    return float(-np.sort(P, axis=0)[n - share :].sum() / n)


def _probability_cases(rng: np.random.Generator) -> list[tuple[Array]]:
    cases = []
    for n, n_bins in ((12, 4), (23, 5), (5, 8)):
        logits = 2 * rng.normal(size=(n, n_bins))
        P = np.exp(logits)
        cases.append((P / P.sum(axis=1, keepdims=True),))
    return cases


# --- 3. the votes of the neighbours -----------------------------------------------------------


def soft_vote(P: Array, neighbours: Array) -> Array:
    """Average the probabilities of the neighbours."""
    return P[neighbours].mean(axis=1)


def _votes_too(P: Array, neighbours: Array) -> Array:
    with_own = np.c_[np.arange(len(P)), neighbours]
    return P[with_own].mean(axis=1)


def _made_hard(P: Array, neighbours: Array) -> Array:
    mean = soft_vote(P, neighbours)
    return np.eye(P.shape[1])[mean.argmax(axis=1)]


def _most_frequent(P: Array, neighbours: Array) -> Array:
    n_bins = P.shape[1]
    votes = np.stack([np.bincount(row, minlength=n_bins) for row in P.argmax(axis=1)[neighbours]])
    return np.eye(n_bins)[votes.argmax(axis=1)]


def _mean_over_bins(P: Array, neighbours: Array) -> Array:
    return P[neighbours].mean(axis=2)


def _vote_cases(rng: np.random.Generator) -> list[tuple[Array, Array]]:
    cases = []
    for n, n_bins, k in ((14, 4, 3), (20, 3, 5)):
        P = rng.dirichlet(np.full(n_bins, 0.7), size=n)
        neighbours = (np.arange(n)[:, None] + rng.permutation(n - 1)[:k] + 1) % n
        cases.append((P, neighbours))
    return cases


# --- 4. a fair race ---------------------------------------------------------------------------


def lead_at(first: tuple[Array, Array], second: tuple[Array, Array], share: float) -> float:
    """Interpolate both curves, from (0, 0), at the same share of candidates."""
    values = [np.interp(share, np.append(0, c), np.append(0, r)) for c, r in (first, second)]
    return float(values[0] - values[1])


def _at_equal_probes(
    first: tuple[Array, Array], second: tuple[Array, Array], share: float
) -> float:
    probes = int(np.searchsorted(first[0], share).clip(max=len(first[0]) - 1))
    return float(first[1][probes] - second[1][probes])


def _nearest_measured(
    first: tuple[Array, Array], second: tuple[Array, Array], share: float
) -> float:
    values = [r[np.abs(c - share).argmin()] for c, r in (first, second)]
    return float(values[0] - values[1])


def _without_the_origin(
    first: tuple[Array, Array], second: tuple[Array, Array], share: float
) -> float:
    values = [np.interp(share, c, r) for c, r in (first, second)]
    return float(values[0] - values[1])


def _curve_cases(
    rng: np.random.Generator,
) -> list[tuple[tuple[Array, Array], tuple[Array, Array], float]]:
    cases = []
    for share in (0.06, 0.3, 0.45, 0.7):
        curves = []
        for _ in range(2):
            candidates = np.cumsum(rng.uniform(0.08, 0.2, 6))
            recall = 1 - np.exp(-candidates * rng.uniform(3, 8))
            curves.append((candidates / candidates[-1], recall))
        cases.append((curves[0], curves[1], share))
    return cases


EXERCISES = (
    Exercise(
        identifier="partition.recall",
        title="Recall, and what it costs",
        minutes=10,
        difficulty=1,
        solution=recall_and_candidates,
        cases=_probe_cases,
        wrong_answers=(
            WrongAnswer(
                "the first neighbour only",
                "You asked for the nearest neighbour alone. Recall is the share of all the true "
                "neighbours of a query.",
                _only_the_first_neighbour,
            ),
            WrongAnswer(
                "size of the first bin",
                "You counted the candidates of the first bin only. Every probed bin is looked at.",
                _size_of_the_first_bin,
            ),
            WrongAnswer(
                "largest in place of mean",
                "You took the query with the most candidates. The cost is the mean over queries.",
                _largest_in_place_of_mean,
            ),
            WrongAnswer(
                "bins by number",
                "You probed bins in the order of their numbers. Each query has its own order.",
                _bins_by_number,
            ),
        ),
        hints=(
            "order[:, :n_probes] are the bins that each query looks into.",
            "Candidates of a query: np.isin(bins, its bins).sum().",
            "Found: np.isin(bins[truth of the query], its bins).mean(). Then the mean of both "
            "over queries.",
        ),
    ),
    Exercise(
        identifier="partition.balance",
        title="Bins that are all filled",
        minutes=10,
        difficulty=2,
        solution=balance,
        cases=_probability_cases,
        wrong_answers=(
            WrongAnswer(
                "sum over all",
                "You summed all probabilities. Each row sums to 1, so this is always -1 and "
                "teaches nothing: take each bin's largest only.",
                _sum_over_all,
            ),
            WrongAnswer(
                "largest of each row",
                "You took the largest of each row. That rewards a point that is sure, and all may "
                "be sure of the same bin. Take the largest of each column.",
                _largest_of_rows,
            ),
            WrongAnswer(
                "variance of counts",
                "You counted points in bins. A count does not change when probabilities change a "
                "little: it has no gradient to learn from.",
                _variance_of_counts,
            ),
            WrongAnswer(
                "wrong sign",
                "The sign is turned round: the loss is made small, so it must be lowest where bins "
                "are full.",
                _wrong_sign,
            ),
            WrongAnswer(
                "no point where there are few",
                "With fewer points than bins your share is 0, and nothing is asked. A bin is asked "
                "for one point at least.",
                _no_point_where_few,
            ),
        ),
        hints=(
            "Each of the m bins may expect floor(n / m) of the n points, and one at least.",
            "np.sort(P, axis=0)[-share:] are the largest probabilities of each bin.",
            "Minus their sum, over n.",
        ),
    ),
    Exercise(
        identifier="partition.votes",
        title="What the neighbours vote",
        minutes=5,
        difficulty=1,
        solution=soft_vote,
        cases=_vote_cases,
        wrong_answers=(
            WrongAnswer(
                "the point votes too",
                "You let the point vote for itself. Then it can stay where it is; only its "
                "neighbours vote.",
                _votes_too,
            ),
            WrongAnswer(
                "made hard again",
                "You took the largest of the mean. The soft vote is the mean itself.",
                _made_hard,
            ),
            WrongAnswer(
                "most frequent bin",
                "This is the published vote: the bin where most neighbours are. It forgets how "
                "sure they are.",
                _most_frequent,
            ),
            WrongAnswer(
                "mean over bins",
                "You averaged over the bins. Average over the neighbours: the result has a column "
                "a bin.",
                _mean_over_bins,
            ),
        ),
        hints=(
            "P[neighbours] has shape (points, neighbours, bins).",
            "Which of the three axes are the neighbours?",
            "P[neighbours].mean(axis=1)",
        ),
    ),
    Exercise(
        identifier="partition.race",
        title="A fair race",
        minutes=10,
        difficulty=2,
        solution=lead_at,
        cases=_curve_cases,
        wrong_answers=(
            WrongAnswer(
                "at equal probes",
                "You compared the curves at the same number of bins. Bins differ in size: compare "
                "at the same number of candidates.",
                _at_equal_probes,
            ),
            WrongAnswer(
                "nearest measured point",
                "You took the nearest measured points, which lie at different costs. Interpolate.",
                _nearest_measured,
            ),
            WrongAnswer(
                "without the origin",
                "Below its first point your curve stays flat. With no candidates nothing is found: "
                "begin at (0, 0).",
                _without_the_origin,
            ),
        ),
        hints=(
            "Each curve is (candidates, recall), with ascending candidates.",
            "np.interp(share, candidates, recall) interpolates; put 0 before both.",
            "Do so for both curves at the same share, and subtract.",
        ),
    ),
)
