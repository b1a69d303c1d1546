"""The exercises of the chapter on layers in time."""

from __future__ import annotations

import numpy as np

from sdc_helpers.exercises.registry import Exercise, WrongAnswer

CATCH = 999_999  # event code of a trial without an image


def rows_of_images(codes: np.ndarray, sessions: np.ndarray) -> np.ndarray:
    """Return the trial in which each image was first shown, image 1 first."""
    with_image = np.flatnonzero(codes != CATCH)
    _, first = np.unique(codes[with_image], return_index=True)
    return with_image[first]


def _as_shown(codes: np.ndarray, sessions: np.ndarray) -> np.ndarray:
    return np.arange(len(np.unique(codes[codes != CATCH])))


def _numbers_from_0(codes: np.ndarray, sessions: np.ndarray) -> np.ndarray:
    return np.roll(rows_of_images(codes, sessions), -1)


def _catch_kept(codes: np.ndarray, sessions: np.ndarray) -> np.ndarray:
    return np.unique(codes, return_index=True)[1]


def _repeats_kept(codes: np.ndarray, sessions: np.ndarray) -> np.ndarray:
    with_image = np.flatnonzero(codes != CATCH)
    return with_image[np.argsort(codes[with_image], kind="stable")]


def _session_first(codes: np.ndarray, sessions: np.ndarray) -> np.ndarray:
    rows = rows_of_images(codes, sessions)
    return rows[np.lexsort((codes[rows], sessions[rows]))]


def _trial_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    cases = []
    for n_images, n_sessions in ((8, 2), (12, 3), (30, 3)):
        codes, sessions = [], []
        once = rng.permutation(np.arange(1, n_images + 1))
        again = once[:2]  # shown in every session
        for session in range(n_sessions):
            shown = [*once[2:][session::n_sessions], *again, CATCH, CATCH]
            codes += rng.permutation(shown).tolist()
            sessions += [session + 1] * len(shown)
        cases.append((np.array(codes), np.array(sessions)))
    return cases


def occipital(names: list[str]) -> list[bool]:
    """Say which sensors are occipital, by name: M, side, group, number."""
    return [name[0] == "M" and name[2] == "O" for name in names]


def _left_only(names: list[str]) -> list[bool]:
    return [name.startswith("MLO") for name in names]


def _midline_forgotten(names: list[str]) -> list[bool]:
    return [name.startswith(("MLO", "MRO")) for name in names]


def _second_letter(names: list[str]) -> list[bool]:
    return [name[0] == "M" and name[1] == "O" for name in names]


def _reference_kept(names: list[str]) -> list[bool]:
    return [name[0] != "M" or name[2] == "O" for name in names]


def _name_cases(rng: np.random.Generator) -> list[tuple[list[str]]]:
    always = ["MLO11-1609", "MRO12-1609", "MZO01-1609", "MLT21-1609", "BG1-1609", "MZF02-1609"]
    more = [f"M{s}{g}{k}-1609" for s in "LR" for g in "TPCFO" for k in (21, 33)] + ["G11-1609"]
    chosen = [[*always, *rng.choice(more, size, replace=False)] for size in (4, 9)]
    return [([str(names[k]) for k in rng.permutation(len(names))],) for names in chosen]


def p_each_time(curve: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Return a p-value for each time of a curve, corrected for looking at all of them."""
    mean, sd = null.mean(axis=0), null.std(axis=0, ddof=1)
    z, z_null = (curve - mean) / sd, (null - mean) / sd
    largest = z_null.max(axis=1)
    beyond = (largest[:, None] >= z).sum(axis=0)
    return (1 + beyond) / (1 + len(null))


def _each_time_alone(curve: np.ndarray, null: np.ndarray) -> np.ndarray:
    return (1 + (null >= curve).sum(axis=0)) / (1 + len(null))


def _not_divided(curve: np.ndarray, null: np.ndarray) -> np.ndarray:
    return (1 + (null.max(axis=1)[:, None] >= curve).sum(axis=0)) / (1 + len(null))


def _one_not_added(curve: np.ndarray, null: np.ndarray) -> np.ndarray:
    return p_each_time(curve, null) * (1 + len(null)) / len(null) - 1 / len(null)


def _two_sided(curve: np.ndarray, null: np.ndarray) -> np.ndarray:
    mean, sd = null.mean(axis=0), null.std(axis=0, ddof=1)
    z, largest = np.abs((curve - mean) / sd), np.abs((null - mean) / sd).max(axis=1)
    return (1 + (largest[:, None] >= z).sum(axis=0)) / (1 + len(null))


def _curve_not_scaled(curve: np.ndarray, null: np.ndarray) -> np.ndarray:
    largest = ((null - null.mean(axis=0)) / null.std(axis=0, ddof=1)).max(axis=1)
    return (1 + (largest[:, None] >= curve).sum(axis=0)) / (1 + len(null))


def _curve_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    cases = []
    for n_times, n_shuffles in ((6, 19), (12, 49), (20, 99)):
        scale = rng.uniform(0.5, 3, size=n_times)
        null = scale * rng.standard_normal((n_shuffles, n_times)) + 0.3
        curve = scale * rng.uniform(-2.5, 4.5, size=n_times) + 0.3
        curve[0] = 0.3 + 9 * scale[0]  # beyond all shuffles
        cases.append((curve, null))
    return cases


def window_null(window: np.ndarray, layer: np.ndarray) -> float:
    """Return the biased CKA to be expected of a window and of a layer that it does not follow."""
    X = window.reshape(len(window), -1)
    X = X - X.mean(axis=0)
    K = X @ X.T
    return _spread(K) * _spread(layer) / (len(K) - 1)


def _spread(K: np.ndarray) -> float:
    return float(np.trace(K) / np.linalg.norm(K))


def _all_independent(window: np.ndarray, layer: np.ndarray) -> float:
    return _of_columns(window[0].size, layer)


def _times_counted(window: np.ndarray, layer: np.ndarray) -> float:
    return _of_columns(window.shape[2], layer)


def _of_columns(n_columns: int, layer: np.ndarray) -> float:
    n = len(layer)
    return _spread(layer) / np.sqrt((n - 1) * (1 + (n - 1) / n_columns))


def _window_not_centred(window: np.ndarray, layer: np.ndarray) -> float:
    X = window.reshape(len(window), -1)
    return _spread(X @ X.T) * _spread(layer) / (len(X) - 1)


def _images_not_less_one(window: np.ndarray, layer: np.ndarray) -> float:
    return window_null(window, layer) * (len(layer) - 1) / len(layer)


def _window_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    cases = []
    for n_images, n_sensors, n_times in ((12, 4, 3), (20, 6, 12), (30, 5, 20)):
        window = rng.standard_normal((n_images, n_sensors, n_times))
        window = window.cumsum(axis=2) + 1  # the next sample is like the last
        layer = rng.standard_normal((n_images, 8))
        layer -= layer.mean(axis=0)
        cases.append((window, layer @ layer.T))
    return cases


EXERCISES = (
    Exercise(
        identifier="meg.rows_of_images",
        title="The trial of each image",
        minutes=10,
        difficulty=2,
        solution=rows_of_images,
        cases=_trial_cases,
        wrong_answers=(
            WrongAnswer(
                "rows as shown",
                "These are the first trials, in the order in which they were shown. The network's "
                "images come in the order of their numbers.",
                _as_shown,
            ),
            WrongAnswer(
                "numbers from 0",
                "Each image has the trial of its neighbour: THINGS counts images from 1.",
                _numbers_from_0,
            ),
            WrongAnswer(
                "catch trials kept",
                "The last row is a catch trial. It shows no image: leave out the code 999999.",
                _catch_kept,
            ),
            WrongAnswer(
                "repeats kept",
                "Images that were shown in several sessions have several rows. The network has one "
                "row for each image; here the first trial counts.",
                _repeats_kept,
            ),
            WrongAnswer(
                "sorted by session first",
                "Your rows go by session, and by number only within it.",
                _session_first,
            ),
        ),
        hints=(
            "First leave out the catch trials, and remember where the others were.",
            "numpy.unique sorts, and says where it met each value first.",
            "kept = np.flatnonzero(codes != 999999); np.unique(codes[kept], return_index=True)",
        ),
    ),
    Exercise(
        identifier="meg.occipital",
        title="Which sensors are occipital?",
        minutes=5,
        difficulty=1,
        solution=occipital,
        cases=_name_cases,
        wrong_answers=(
            WrongAnswer(
                "left only",
                "These are the left ones. The second letter is the side: L, R, or Z.",
                _left_only,
            ),
            WrongAnswer(
                "midline forgotten",
                "The sensors on the midline are missing: their second letter is Z.",
                _midline_forgotten,
            ),
            WrongAnswer(
                "second letter",
                "The second letter is the side. The group is the third.",
                _second_letter,
            ),
            WrongAnswer(
                "reference sensors kept",
                "Sensors whose name does not begin with M are far from the head: they measure the "
                "noise of the room.",
                _reference_kept,
            ),
        ),
        hints=(
            "A sensor at the head begins with M; the others are references.",
            "Look at single letters: name[0], name[1], name[2].",
            'name[0] == "M" and name[2] == "O"',
        ),
    ),
    Exercise(
        identifier="meg.p_each_time",
        title="A p-value for each time",
        minutes=15,
        difficulty=3,
        solution=p_each_time,
        cases=_curve_cases,
        wrong_answers=(
            WrongAnswer(
                "each time alone",
                "Each time is held against its own shuffles only. Looking at many, some will be "
                "small by luck: hold it against the largest of each shuffle.",
                _each_time_alone,
            ),
            WrongAnswer(
                "largest value without dividing by its spread",
                "The times differ in their spread, and the widest one sets the largest value. "
                "Divide by the deviation of the null at each time first.",
                _not_divided,
            ),
            WrongAnswer(
                "no 1 added",
                "Your smallest p-value is 0. The data are one of the orders: count them in.",
                _one_not_added,
            ),
            WrongAnswer(
                "two-sided",
                "You took absolute values. The question has one side: more alike than shuffled.",
                _two_sided,
            ),
            WrongAnswer(
                "z of one, raw of the other",
                "You scaled the null, but not the curve. Both need the same mean and deviation.",
                _curve_not_scaled,
            ),
        ),
        hints=(
            "First make all times comparable: subtract the null's mean, divide by its deviation.",
            "Each shuffle is one whole curve. What is the largest z that it reaches?",
            "beyond = (largest[:, None] >= z).sum(axis=0); then add 1 above and below",
        ),
    ),
    Exercise(
        identifier="meg.window_null",
        title="Why does the longer window win?",
        minutes=10,
        difficulty=2,
        solution=window_null,
        cases=_window_cases,
        wrong_answers=(
            WrongAnswer(
                "features counted as independent",
                "You counted sensors times samples, as the closed form does. Neighbouring samples "
                "repeat each other: let the Gram matrix of the window say how many there are.",
                _all_independent,
            ),
            WrongAnswer(
                "number of time points",
                "You counted the times. A row holds every sensor at every time, and neither is the "
                "number of dimensions: the Gram matrix of the window knows it.",
                _times_counted,
            ),
            WrongAnswer(
                "window not centred",
                "The mean over images is still in your Gram matrix, and looks like one large "
                "dimension. Subtract it from each column.",
                _window_not_centred,
            ),
            WrongAnswer(
                "number of images, not one less",
                "You divided by the number of images. Centring uses up one of them.",
                _images_not_less_one,
            ),
        ),
        hints=(
            "One row an image: put all samples of all sensors side by side. Centre the columns.",
            "The dimensions of a Gram matrix K are (trace of K)² / (sum of its squares).",
            "np.trace(K) / np.linalg.norm(K) is the square root of the number of dimensions.",
        ),
    ),
)
