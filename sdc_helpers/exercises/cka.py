"""The exercises of the chapter on CKA."""

from __future__ import annotations

import numpy as np

from sdc_helpers import alignment
from sdc_helpers.exercises.registry import Exercise, WrongAnswer

# --- 1. the debiasing -------------------------------------------------------------------------


def debiased_cka(K: np.ndarray, L: np.ndarray) -> float:
    """U-centre both Gram matrices, then take the cosine."""

    def u_centre(G: np.ndarray) -> np.ndarray:
        n = len(G)
        G = G - np.diag(np.diag(G))  # the diagonal stays out of every mean ...
        r = G.sum(axis=0)
        G = G - (r[:, None] + r[None, :]) / (n - 2) + r.sum() / ((n - 1) * (n - 2))
        return G - np.diag(np.diag(G))  # ... and is zero in the end

    K, L = u_centre(K), u_centre(L)
    return float((K * L).sum() / np.sqrt((K**2).sum() * (L**2).sum()))


def _centred(G: np.ndarray) -> np.ndarray:
    return G - G.mean(0) - G.mean(1, keepdims=True) + G.mean()


def _off_diagonal(G: np.ndarray) -> np.ndarray:
    return G - np.diag(np.diag(G))


def _cosine(K: np.ndarray, L: np.ndarray) -> float:
    return float((K * L).sum() / np.sqrt((K**2).sum() * (L**2).sum()))


def _u_centred_keeping_diagonal(G: np.ndarray) -> np.ndarray:
    n, r = len(G), G.sum(0)
    return G - (r[:, None] + r) / (n - 2) + r.sum() / ((n - 1) * (n - 2))


def _biased(K: np.ndarray, L: np.ndarray) -> float:
    return _cosine(_centred(K), _centred(L))


def _diagonal_not_zeroed(K: np.ndarray, L: np.ndarray) -> float:
    return _cosine(_u_centred_keeping_diagonal(K), _u_centred_keeping_diagonal(L))


def _diagonal_not_zeroed_again(K: np.ndarray, L: np.ndarray) -> float:
    K, L = _off_diagonal(K), _off_diagonal(L)
    return _cosine(_u_centred_keeping_diagonal(K), _u_centred_keeping_diagonal(L))


def _diagonal_zeroed_after_plain_centring(K: np.ndarray, L: np.ndarray) -> float:
    return _cosine(_off_diagonal(_centred(K)), _off_diagonal(_centred(L)))


def _plain_means_after_zeroing(K: np.ndarray, L: np.ndarray) -> float:
    return _cosine(
        _off_diagonal(_centred(_off_diagonal(K))), _off_diagonal(_centred(_off_diagonal(L)))
    )


def _clamped(K: np.ndarray, L: np.ndarray) -> float:
    return max(0.0, debiased_cka(K, L))


def _no_square_root(K: np.ndarray, L: np.ndarray) -> float:
    value = debiased_cka(K, L)
    K, L = (_off_diagonal(_u_centred_keeping_diagonal(_off_diagonal(G))) for G in (K, L))
    return value / float(np.sqrt((K**2).sum() * (L**2).sum()))


def _gram_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    cases = []
    for n, p, q in ((6, 3, 4), (12, 40, 30), (9, 20, 50), (20, 5, 60)):
        X, Y = rng.normal(size=(n, p)) + 0.5, rng.normal(size=(n, q)) - 0.2
        cases.append((X @ X.T, Y @ Y.T))
    K, L = cases[-1]
    negative = K[::-1, ::-1] - 0.9 * L  # a pair whose value is below zero
    return [*cases, (negative, L)]


# --- 2. the plateau ---------------------------------------------------------------------------


def expected_biased(n: int, p1: int, p2: int) -> float:
    """Sizes alone: the closed form for unrelated data."""
    return float(1 / np.sqrt((1 + (n - 1) / p1) * (1 + (n - 1) / p2)))


def _zero(n: int, p1: int, p2: int) -> float:
    return 0.0


def _without_root(n: int, p1: int, p2: int) -> float:
    return expected_biased(n, p1, p2) ** 2


def _rows_and_columns_swapped(n: int, p1: int, p2: int) -> float:
    return float(1 / np.sqrt((1 + p1 / (n - 1)) * (1 + p2 / (n - 1))))


def _one_side_only(n: int, p1: int, p2: int) -> float:
    return float(1 / np.sqrt(1 + (n - 1) / p1))


def _size_cases(rng: np.random.Generator) -> list[tuple[int, int, int]]:
    return [(1024, 1024, 250_000), (100, 50, 800), (92, 1000, 802_816), (720, 112, 512)]


# --- 3. the cumulative shuffle ----------------------------------------------------------------

Moves = list[tuple[np.ndarray, np.ndarray]]


def shuffled_copies(X: np.ndarray, moves: Moves) -> list[np.ndarray]:
    """Start every step from the original."""
    copies = []
    for rows, sources in moves:
        Z = X.copy()
        Z[rows] = X[sources]
        copies.append(Z)
    return copies


def _cumulative(X: np.ndarray, moves: Moves) -> list[np.ndarray]:
    Z, copies = X.copy(), []
    for rows, sources in moves:
        Z[rows] = Z[sources]
        copies.append(Z.copy())
    return copies


def _one_array_many_times(X: np.ndarray, moves: Moves) -> list[np.ndarray]:
    Z, copies = X.copy(), []
    for rows, sources in moves:
        Z[rows] = Z[sources]
        copies.append(Z)
    return copies


def _sources_carry_over(X: np.ndarray, moves: Moves) -> list[np.ndarray]:
    Z, copies = X.copy(), []
    for rows, sources in moves:
        Z[rows] = X[sources]
        copies.append(Z.copy())
    return copies


def _columns_moved(X: np.ndarray, moves: Moves) -> list[np.ndarray]:
    copies = []
    for rows, sources in moves:
        Z = X.copy()
        Z[:, rows] = X[:, sources]
        copies.append(Z)
    return copies


def _move_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, Moves]]:
    cases = []
    for n in (8, 11):
        moves = []
        for size in (3, 5, n):
            rows = rng.choice(n, size, replace=False)
            moves.append((rows, np.roll(rows, 1)))
        cases.append((rng.normal(size=(n, n + 1)), moves))
    return cases


# --- 4. the report ----------------------------------------------------------------------------


def more_aligned(A: np.ndarray, B: np.ndarray, layer: np.ndarray, orders: np.ndarray) -> str:
    """Test each area by shuffling; compare the debiased values of those that pass."""
    passed = {}
    for name, area in (("A", A), ("B", B)):
        value = alignment.cka(area, layer, "debiased")
        null = np.array([alignment.cka(area[order], layer, "debiased") for order in orders])
        if (1 + np.sum(null >= value)) / (1 + len(orders)) <= 0.05:
            passed[name] = value
    return max(passed, key=passed.get) if passed else "neither"


def _larger(A: np.ndarray, B: np.ndarray, layer: np.ndarray, estimator: str) -> str:
    values = [alignment.cka(area, layer, estimator) for area in (A, B)]
    return "A" if values[0] > values[1] else "B"


def _biased_ranking(A: np.ndarray, B: np.ndarray, layer: np.ndarray, orders: np.ndarray) -> str:
    return _larger(A, B, layer, "biased")


def _no_test(A: np.ndarray, B: np.ndarray, layer: np.ndarray, orders: np.ndarray) -> str:
    return _larger(A, B, layer, "debiased")


def _tested_then_biased(A: np.ndarray, B: np.ndarray, layer: np.ndarray, orders: np.ndarray) -> str:
    if more_aligned(A, B, layer, orders) == "neither":
        return "neither"
    return _biased_ranking(A, B, layer, orders)


def _area_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, ...]]:
    """Planted: a small related area beside a large unrelated one, either way round, and others.

    The sizes make the biased value of the large area the larger one, related or not.
    """
    n = 40
    orders = np.stack([rng.permutation(n) for _ in range(59)])

    def responses(latent: np.ndarray, n_features: int, gain: float) -> np.ndarray:
        signal = latent @ rng.normal(size=(latent.shape[1], n_features))
        return gain * signal + 2.5 * rng.normal(size=(n, n_features))

    cases = []
    for gain_small, gain_large, swap in ((1.0, 0.0, False), (1.0, 0.0, True), (0.0, 1.0, False)):
        latent = rng.normal(size=(n, 5))
        layer = responses(latent, 400, 0.5)
        small, large = responses(latent, 12, gain_small), responses(latent, 400, gain_large)
        cases.append((large, small, layer, orders) if swap else (small, large, layer, orders))
    # Neither is related: drawn again until each is at or below the middle of its shuffles.
    quiet: list[np.ndarray] = []
    while len(quiet) < 2:
        area = responses(latent, (12, 400)[len(quiet)], 0.0)
        value = alignment.cka(area, layer, "debiased")
        null = [alignment.cka(area[order], layer, "debiased") for order in orders]
        if value <= np.median(null):
            quiet.append(area)
    return [*cases, (quiet[0], quiet[1], layer, orders)]


EXERCISES = (
    Exercise(
        identifier="cka.debias",
        title="Write the debiasing",
        minutes=15,
        difficulty=2,
        solution=debiased_cka,
        cases=_gram_cases,
        wrong_answers=(
            WrongAnswer(
                "biased",
                "This is plain, biased CKA: the diagonal is part of every mean and of the cosine.",
                _biased,
            ),
            WrongAnswer(
                "diagonal not zeroed",
                "The diagonal was not zeroed. It holds each stimulus' likeness with itself: set it "
                "to zero before the row sums, and again at the end.",
                _diagonal_not_zeroed,
            ),
            WrongAnswer(
                "diagonal not zeroed again",
                "You zeroed the diagonal before centring, but centring filled it again: set it to "
                "zero once more at the end.",
                _diagonal_not_zeroed_again,
            ),
            WrongAnswer(
                "diagonal zeroed after plain centring",
                "You centred with plain means and zeroed the diagonal afterwards: the diagonal was "
                "still part of the means.",
                _diagonal_zeroed_after_plain_centring,
            ),
            WrongAnswer(
                "plain means",
                "The diagonal is out, but you divide by n as if it were in. Row sums are divided "
                "by n - 2, the total by (n - 1)(n - 2).",
                _plain_means_after_zeroing,
            ),
            WrongAnswer(
                "clamped",
                "You clamp negative values to zero. They are information: without them the "
                "shuffled values no longer average zero.",
                _clamped,
            ),
            WrongAnswer(
                "no square root",
                "The denominator is the product of the two norms: a square root is missing.",
                _no_square_root,
            ),
        ),
        hints=(
            "Three steps: take the diagonal out, centre with sums that know it is out, take it out "
            "again.",
            "With r the row sums of the matrix without its diagonal and S their total: subtract "
            "(r_i + r_j) / (n - 2), add S / ((n - 1)(n - 2)).",
            "Do that for K and for L, then return sum(K * L) / sqrt(sum(K * K) * sum(L * L)). "
            "Do not clamp.",
        ),
    ),
    Exercise(
        identifier="cka.plateau",
        title="Predict the plateau",
        minutes=10,
        difficulty=1,
        solution=expected_biased,
        cases=_size_cases,
        wrong_answers=(
            WrongAnswer("zero", "Zero is what debiased CKA gives. The biased one is not.", _zero),
            WrongAnswer(
                "no square root",
                "Close: this is the square of it. Each side contributes a norm, a square root.",
                _without_root,
            ),
            WrongAnswer(
                "rows and columns swapped",
                "You divided features by stimuli. More features must bring it nearer to 1.",
                _rows_and_columns_swapped,
            ),
            WrongAnswer(
                "one side only",
                "Only the first matrix enters. Both widths matter: with p2 = n and p1 huge the "
                "curve levels off at 1/sqrt(2), not at 1.",
                _one_side_only,
            ),
        ),
        hints=(
            "The formula stands above the first figure.",
            "One factor for each matrix: 1 + (n - 1) / p.",
            "1 / sqrt(factor_1 * factor_2)",
        ),
    ),
    Exercise(
        identifier="cka.fresh_copies",
        title="Find the fault in the cumulative shuffle",
        minutes=10,
        difficulty=2,
        solution=shuffled_copies,
        cases=_move_cases,
        wrong_answers=(
            WrongAnswer(
                "cumulative",
                "This is the published fault: each step shuffles what the last one had shuffled.",
                _cumulative,
            ),
            WrongAnswer(
                "one array many times",
                "Your list holds one and the same array several times, in its last state: copy it.",
                _one_array_many_times,
            ),
            WrongAnswer(
                "rows carry over",
                "The moved rows come from the original, but rows moved in earlier steps stay "
                "moved: copy X afresh in every step.",
                _sources_carry_over,
            ),
            WrongAnswer(
                "columns moved",
                "You moved columns. Stimuli are rows.",
                _columns_moved,
            ),
        ),
        hints=(
            "Which matrix does each step of cumulative_curve start from?",
            "Make the copy inside the loop.",
            "Z = X.copy(); Z[rows] = X[sources]",
        ),
    ),
    Exercise(
        identifier="cka.report",
        title="Choose the right report for two areas of different size",
        minutes=15,
        difficulty=3,
        solution=more_aligned,
        cases=_area_cases,
        wrong_answers=(
            WrongAnswer(
                "biased ranking",
                "You compared biased values: the area with more voxels wins, aligned or not.",
                _biased_ranking,
            ),
            WrongAnswer(
                "no test",
                "You compared debiased values without a test: of two unrelated areas one is always "
                "higher. Shuffle the rows first.",
                _no_test,
            ),
            WrongAnswer(
                "tested, then ranked by the biased value",
                "You tested first, which is right, but then compared biased values, which rank by "
                "size.",
                _tested_then_biased,
            ),
        ),
        hints=(
            "First ask of each area whether it is aligned at all; then compare those that are.",
            "For each area: value = alignment.cka(area, layer, 'debiased'), and the same for "
            "area[order] with every order.",
            "p = (1 + count of shuffled values >= value) / (1 + number of orders); keep areas with "
            "p <= 0.05; return the name of the largest value among them, or 'neither'.",
        ),
    ),
)
