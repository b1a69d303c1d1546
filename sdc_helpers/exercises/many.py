"""The exercises of the chapter on many runs."""

from __future__ import annotations

import numpy as np

from sdc_helpers.exercises.registry import Exercise, WrongAnswer

Files = dict[str, set[str]]
Codes = dict[str, str]

# --- 1. how long ------------------------------------------------------------------------------


def how_long(seconds: list[float], slots: int, start: float) -> float:
    """Let each job begin, in turn, on the slot that is free first."""
    free = [0.0] * slots  # when each slot is free
    for own in seconds:
        first = free.index(min(free))
        free[first] += start + own
    return max(free)


def _divided(seconds: list[float], slots: int, start: float) -> float:
    return sum(start + own for own in seconds) / slots


def _without_start(seconds: list[float], slots: int, start: float) -> float:
    return how_long(seconds, slots, 0.0)


def _one_start(seconds: list[float], slots: int, start: float) -> float:
    return start + how_long(seconds, slots, 0.0)


def _rounds(seconds: list[float], slots: int, start: float) -> float:
    starts = range(0, len(seconds), slots)
    return sum(start + max(seconds[first : first + slots]) for first in starts)


def _cut_to_fit(seconds: list[float], slots: int, start: float) -> float:
    return max(_divided(seconds, slots, start), start + max(seconds))


def _job_cases(rng: np.random.Generator) -> list[tuple[list[float], int, float]]:
    cases = []
    for n, slots in ((7, 3), (11, 4), (3, 5)):
        seconds = rng.integers(20, 90, n).astype(float)
        seconds[-1] = 200.0  # a long one at the end
        cases.append((seconds.tolist(), slots, float(rng.integers(3, 9))))
    return cases


# --- 2. the best of a grid --------------------------------------------------------------------


def p_of_best(p_values: np.ndarray) -> float:
    """Multiply by the number of all points that were tried."""
    return float(min(1.0, p_values.size * p_values.min()))


def _nothing_corrected(p_values: np.ndarray) -> float:
    return float(p_values.min())


def _seeds_only(p_values: np.ndarray) -> float:
    return float(min(1.0, p_values.shape[1] * p_values.min()))


def _settings_only(p_values: np.ndarray) -> float:
    return float(min(1.0, p_values.shape[0] * p_values.min()))


def _as_if_independent(p_values: np.ndarray) -> float:
    return float(1 - (1 - p_values.min()) ** p_values.size)


def _above_one(p_values: np.ndarray) -> float:
    return float(p_values.size * p_values.min())


def _p_cases(rng: np.random.Generator) -> list[tuple[np.ndarray]]:
    cases = []
    for shape, least in (((6, 4), 0.01), ((3, 5), 0.02), ((8, 10), 0.04)):
        p_values = rng.uniform(0.05, 1, shape)
        p_values[rng.integers(shape[0]), rng.integers(shape[1])] = least
        cases.append((p_values,))
    return cases


# --- 3. what runs again -----------------------------------------------------------------------


def runs_again(points: list[str], files: Files, made_by: Codes, now: str) -> list[bool]:
    """Run what has not both of its files; which code made them does not matter."""
    needed = {"small.ipynb", "small.run.json"}
    return [not needed <= files.get(point, set()) for point in points]


def _everything(points: list[str], files: Files, made_by: Codes, now: str) -> list[bool]:
    return [True for _ in points]


def _nothing(points: list[str], files: Files, made_by: Codes, now: str) -> list[bool]:
    return [False for _ in points]


def _no_folder(points: list[str], files: Files, made_by: Codes, now: str) -> list[bool]:
    return [point not in files for point in points]


def _record_is_enough(points: list[str], files: Files, made_by: Codes, now: str) -> list[bool]:
    return ["small.run.json" not in files.get(point, set()) for point in points]


def _other_code_too(points: list[str], files: Files, made_by: Codes, now: str) -> list[bool]:
    missing = runs_again(points, files, made_by, now)
    return [lacks or made_by[p] != now for lacks, p in zip(missing, points, strict=True)]


def _file_cases(rng: np.random.Generator) -> list[tuple[list[str], Files, Codes, str]]:
    both = {"small.ipynb", "small.run.json", "sdc.log"}
    left = [
        both, both, both, both - {"small.ipynb"}, both - {"small.run.json"}, {"sdc.log"},
        {"small.failed.ipynb", "small.failed.run.json", "sdc.log"}, None, None,
    ]  # fmt: skip
    codes = ["new", "old", "old", "new", "", "", "", "", ""]
    order = rng.permutation(len(left))
    points = [f"seed~{k}" for k in range(len(left))]
    files = {p: left[k] for p, k in zip(points, order, strict=True) if left[k] is not None}
    files["seed~99"] = both  # of an earlier grid
    made_by = {p: codes[k] for p, k in zip(points, order, strict=True)}
    return [(points, files, made_by, "new"), (points[:4], files, made_by, "new")]


# --- 4. CKA without the square ----------------------------------------------------------------


def cka_from_features(X: np.ndarray, Y: np.ndarray) -> float:
    """Debiased CKA; nothing here has one row and one column a stimulus."""
    n = len(X)
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)

    def hsic(A: np.ndarray, B: np.ndarray) -> float:  # but for a factor that cancels
        a, b = (A**2).sum(axis=1), (B**2).sum(axis=1)
        total = a.sum() * b.sum() / ((n - 1) * (n - 2))
        return ((A.T @ B) ** 2).sum() - n / (n - 2) * (a @ b) + total

    return float(hsic(X, Y) / np.sqrt(hsic(X, X) * hsic(Y, Y)))


def _cka(
    X: np.ndarray, Y: np.ndarray, *, centred: bool = True, a: float | None = None, b: float = 1.0
) -> float:
    n = len(X)
    if centred:
        X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    a = n / (n - 2) if a is None else a

    def hsic(A: np.ndarray, B: np.ndarray) -> float:
        d, e = (A**2).sum(axis=1), (B**2).sum(axis=1)
        total = b * d.sum() * e.sum() / ((n - 1) * (n - 2))
        return ((A.T @ B) ** 2).sum() - a * (d @ e) + total

    return float(hsic(X, Y) / np.sqrt(hsic(X, X) * hsic(Y, Y)))


def _not_centred(X: np.ndarray, Y: np.ndarray) -> float:
    return _cka(X, Y, centred=False)


def _diagonal_kept(X: np.ndarray, Y: np.ndarray) -> float:
    return _cka(X, Y, a=0.0, b=0.0)


def _factor_of_one(X: np.ndarray, Y: np.ndarray) -> float:
    return _cka(X, Y, a=1.0)


def _total_forgotten(X: np.ndarray, Y: np.ndarray) -> float:
    return _cka(X, Y, b=0.0)


def _feature_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    cases = []
    for n, p, q in ((30, 3, 4), (60, 5, 2), (45, 6, 6)):
        shared = rng.normal(size=(n, 2))
        X = shared @ rng.normal(size=(2, p)) + rng.normal(size=(n, p)) + 0.5
        Y = shared @ rng.normal(size=(2, q)) + rng.normal(size=(n, q)) - 0.2
        cases.append((X, Y))
    return cases


EXERCISES = (
    Exercise(
        identifier="many.how_long",
        title="How long does a sweep take?",
        minutes=10,
        difficulty=2,
        solution=how_long,
        cases=_job_cases,
        wrong_answers=(
            WrongAnswer(
                "sum divided by slots",
                "That is all the work, shared evenly. Jobs cannot be shared: while the last one "
                "runs, the other slots wait.",
                _divided,
            ),
            WrongAnswer(
                "start-up forgotten",
                "Each job starts a Python and imports before it does anything: add `start`.",
                _without_start,
            ),
            WrongAnswer(
                "start-up paid once",
                "Every job starts anew. `start` belongs to each of them, not to the sweep.",
                _one_start,
            ),
            WrongAnswer(
                "rounds",
                "You let all slots wait for the longest job of a round. A slot takes the next job "
                "as soon as it is free.",
                _rounds,
            ),
            WrongAnswer(
                "jobs cut to fit",
                "This is what no schedule can beat, and most do not reach: it lets jobs be cut "
                "into pieces.",
                _cut_to_fit,
            ),
        ),
        hints=(
            "Keep one number for each slot: the second at which it is free.",
            "Each job goes to the slot that is free first, and makes it busy for start + seconds.",
            "first = free.index(min(free)); free[first] += start + own; in the end max(free)",
        ),
    ),
    Exercise(
        identifier="many.p_of_best",
        title="What does the smallest p-value say?",
        minutes=5,
        difficulty=1,
        solution=p_of_best,
        cases=_p_cases,
        wrong_answers=(
            WrongAnswer(
                "nothing corrected",
                "You returned the smallest p as if it had been the only one. Something is always "
                "smallest.",
                _nothing_corrected,
            ),
            WrongAnswer(
                "seeds only",
                "You counted the seeds. The settings were searched too.",
                _seeds_only,
            ),
            WrongAnswer(
                "settings only",
                "You counted the settings. The best point is also the best of its seeds: here "
                "nobody averaged over them.",
                _settings_only,
            ),
            WrongAnswer(
                "as if independent",
                "1 - (1 - p)^n is for independent points. Points of one seed share its data. "
                "Multiplying is valid whatever the points have in common.",
                _as_if_independent,
            ),
            WrongAnswer(
                "above one",
                "A probability is at most 1: cut it there.",
                _above_one,
            ),
        ),
        hints=(
            "How many points were looked at, before the best was chosen?",
            "Multiply the smallest p by that number (Bonferroni); no probability is above 1.",
            "min(1, p_values.size * p_values.min())",
        ),
    ),
    Exercise(
        identifier="many.runs_again",
        title="What runs again?",
        minutes=5,
        difficulty=1,
        solution=runs_again,
        cases=_file_cases,
        wrong_answers=(
            WrongAnswer(
                "all of it",
                "You would run everything anew. What is there is there: hours of it.",
                _everything,
            ),
            WrongAnswer(
                "nothing",
                "You would run nothing. Some points of this grid have no result.",
                _nothing,
            ),
            WrongAnswer(
                "only what has no folder",
                "A folder may hold nothing but a log: of a run that failed or was killed.",
                _no_folder,
            ),
            WrongAnswer(
                "the record is enough",
                "A run is two files. Without its executed notebook nobody can look at it.",
                _record_is_enough,
            ),
            WrongAnswer(
                "other code too",
                "You also run what an earlier revision has made. That is your decision, not the "
                "computer's: a mended sentence would cost you the night (--again does it).",
                _other_code_too,
            ),
        ),
        hints=(
            "Which files does a complete run leave?",
            "A point runs unless both are in its folder; a point without a folder has none.",
            "not {'small.ipynb', 'small.run.json'} <= files.get(point, set())",
        ),
    ),
    Exercise(
        identifier="many.cka_from_features",
        title="CKA without the square",
        minutes=15,
        difficulty=3,
        solution=cka_from_features,
        cases=_feature_cases,
        wrong_answers=(
            WrongAnswer(
                "not centred",
                "The formula is for centred columns: take the mean of each feature off first.",
                _not_centred,
            ),
            WrongAnswer(
                "diagonal kept",
                "This is biased CKA: the first term alone holds each stimulus with itself. The "
                "other two terms take the diagonal out.",
                _diagonal_kept,
            ),
            WrongAnswer(
                "1 for n / (n - 2)",
                "Leaving the diagonal out changes the row means too: the factor is n / (n - 2).",
                _factor_of_one,
            ),
            WrongAnswer(
                "last term forgotten",
                "The last term gives back what the row means have taken off twice.",
                _total_forgotten,
            ),
        ),
        hints=(
            "Take the column means off both, then write one function for HSIC and call it three "
            "times.",
            "d = (X**2).sum(axis=1) is the diagonal of the Gram matrix that you never make.",
            "total = d.sum() * e.sum() / ((n - 1) * (n - 2)); "
            "((X.T @ Y)**2).sum() - n / (n - 2) * (d @ e) + total",
        ),
    ),
)
