"""The exercises of the chapter on real recordings."""

from __future__ import annotations

import numpy as np

from sdc_helpers.exercises.registry import Exercise, WrongAnswer

# --- 1. the seen picture ------------------------------------------------------------------------


def find_seen(measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """For each measured response return the picture whose prediction correlates most with it."""
    a = measured - measured.mean(axis=1, keepdims=True)
    b = predicted - predicted.mean(axis=1, keepdims=True)
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    return (a @ b.T).argmax(axis=1)


def _other_way_round(measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return find_seen(predicted, measured)


def _not_centred(measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    unit = predicted / np.linalg.norm(predicted, axis=1, keepdims=True)
    return (measured @ unit.T).argmax(axis=1)


def _inner_product(measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return (measured @ predicted.T).argmax(axis=1)


def _smallest_distance(measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return np.linalg.norm(measured[:, None] - predicted, axis=2).argmin(axis=1)


def _least_alike(measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return find_seen(-measured, predicted)


def _response_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    cases = []
    for n_pictures, n_neurons in ((12, 5), (20, 6), (30, 8)):
        predicted = rng.normal(size=(n_pictures, n_neurons)) + rng.normal(size=(n_pictures, 1))
        predicted *= rng.uniform(0.3, 3, size=(n_pictures, 1))
        measured = predicted + 1.5 * rng.normal(size=predicted.shape) + 2
        cases.append((measured, predicted))
    return cases


# --- 2. the segment -----------------------------------------------------------------------------


def find_segments(series: np.ndarray, who: int, length: int) -> np.ndarray:
    """For each segment of one person return the nearest segment in the mean of the others."""
    others = np.delete(series, who, axis=0).mean(axis=0)
    n = series.shape[1] // length
    own, others = (x[: n * length].reshape(n, -1) for x in (series[who], others))
    return np.corrcoef(own, others)[:n, n:].argmax(axis=1)


def _own_in_the_mean(series: np.ndarray, who: int, length: int) -> np.ndarray:
    n = series.shape[1] // length
    own, others = (x[: n * length].reshape(n, -1) for x in (series[who], series.mean(axis=0)))
    return np.corrcoef(own, others)[:n, n:].argmax(axis=1)


def _mean_over_time(series: np.ndarray, who: int, length: int) -> np.ndarray:
    others = np.delete(series, who, axis=0).mean(axis=0)
    n = series.shape[1] // length
    own, others = (
        x[: n * length].reshape(n, length, -1).mean(axis=1) for x in (series[who], others)
    )
    return np.corrcoef(own, others)[:n, n:].argmax(axis=1)


def _segments_swapped(series: np.ndarray, who: int, length: int) -> np.ndarray:
    others = np.delete(series, who, axis=0).mean(axis=0)
    n = series.shape[1] // length
    own, others = (x[: n * length].reshape(n, -1) for x in (series[who], others))
    return np.corrcoef(others, own)[:n, n:].argmax(axis=1)


def _with_itself(series: np.ndarray, who: int, length: int) -> np.ndarray:
    return np.arange(series.shape[1] // length)


def _series_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, int, int]]:
    cases = []
    for n_people, n_volumes, who, length in ((3, 41, 0, 3), (4, 62, 2, 4), (5, 80, 4, 5)):
        film = rng.normal(size=(n_volumes, 3))
        film[1:] += 0.6 * film[:-1]
        cases.append((film + 3 * rng.normal(size=(n_people, n_volumes, 3)), who, length))
    return cases


# --- 3. how many volumes are worth something ----------------------------------------------------


def n_effective(x: np.ndarray, y: np.ndarray, n_lags: int) -> float:
    """Return the number of independent rows whose correlation would scatter as that of x and y."""
    n = len(x)
    x, y = ((side - side.mean()) / side.std() for side in (x, y))
    together = sum((x[:-k] @ x[k:] / n) * (y[:-k] @ y[k:] / n) for k in range(1, n_lags + 1))
    return float(n / (1 + 2 * together))


def _one_side_alone(x: np.ndarray, y: np.ndarray, n_lags: int) -> float:
    return n_effective(x, x, n_lags)


def _not_twice(x: np.ndarray, y: np.ndarray, n_lags: int) -> float:
    n = len(x)
    return float(2 * n / (1 + n / n_effective(x, y, n_lags)))


def _lag_0_too(x: np.ndarray, y: np.ndarray, n_lags: int) -> float:
    n = len(x)
    return float(n / (2 + n / n_effective(x, y, n_lags)))


def _across(x: np.ndarray, y: np.ndarray, n_lags: int) -> float:
    n = len(x)
    x, y = ((side - side.mean()) / side.std() for side in (x, y))
    return float(n / (1 + 2 * sum((x[:-k] @ y[k:] / n) ** 2 for k in range(1, n_lags + 1))))


def _not_centred_in_time(x: np.ndarray, y: np.ndarray, n_lags: int) -> float:
    n = len(x)
    x, y = (side / np.sqrt((side**2).mean()) for side in (x, y))
    return float(
        n / (1 + 2 * sum((x[:-k] @ x[k:]) * (y[:-k] @ y[k:]) / n**2 for k in range(1, n_lags + 1)))
    )


def _slow_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray, int]]:
    cases = []
    for n, n_lags, kept in ((80, 5, 0.8), (120, 8, 0.9), (160, 10, 0.7)):
        x, y = rng.normal(size=(2, n))
        for i in range(1, n):
            x[i] += kept * x[i - 1]
            y[i] += 0.6 * y[i - 1]
        cases.append((x + 3, 2 * y - 4, n_lags))
    return cases


EXERCISES = (
    Exercise(
        identifier="real.seen",
        title="Which picture was seen?",
        minutes=10,
        difficulty=1,
        solution=find_seen,
        cases=_response_cases,
        wrong_answers=(
            WrongAnswer(
                "the other way round",
                "You found, for each picture, the response that fits it best. The question is: for "
                "each response, which picture?",
                _other_way_round,
            ),
            WrongAnswer(
                "not centred",
                "This is no correlation: take each row's mean off. Otherwise a picture that "
                "excites all neurons fits every response.",
                _not_centred,
            ),
            WrongAnswer(
                "inner product",
                "Predictions of large size win whatever was measured. Divide each row by its "
                "length.",
                _inner_product,
            ),
            WrongAnswer(
                "smallest distance",
                "A distance asks for the same size too, and ridge regression shrinks what it "
                "predicts. Correlate.",
                _smallest_distance,
            ),
            WrongAnswer("least alike", "You took the worst fit of all.", _least_alike),
        ),
        hints=(
            "A row is a picture, a column a neuron. Correlate rows with rows, over neurons.",
            "Take the mean of each row off, divide by its length: inner products are correlations.",
            "(a @ b.T) has measured responses in its rows. Which axis do you search?",
        ),
    ),
    Exercise(
        identifier="real.segments",
        title="Which segment of the film?",
        minutes=15,
        difficulty=2,
        solution=find_segments,
        cases=_series_cases,
        wrong_answers=(
            WrongAnswer(
                "tested person in the mean",
                "The tested person is in the mean of all, with his or her own noise: the segment "
                "is found by that noise. Leave the person out.",
                _own_in_the_mean,
            ),
            WrongAnswer(
                "mean over time",
                "You averaged the volumes of a segment. How the signal moves inside it is what "
                "tells segments apart: keep volumes and parcels side by side.",
                _mean_over_time,
            ),
            WrongAnswer(
                "sides swapped",
                "You searched, for each segment of the others, the nearest one of the person.",
                _segments_swapped,
            ),
            WrongAnswer(
                "the answer itself",
                "You returned the right answers without looking at the brain: nobody matches all.",
                _with_itself,
            ),
        ),
        hints=(
            "np.delete(series, who, axis=0) has everybody else.",
            "Cut off what does not fill a segment, then reshape(n, -1): a row a segment.",
            "np.corrcoef(own, others)[:n, n:] has own segments in its rows.",
        ),
    ),
    Exercise(
        identifier="real.effective",
        title="What are slow rows worth?",
        minutes=10,
        difficulty=2,
        solution=n_effective,
        cases=_slow_cases,
        wrong_answers=(
            WrongAnswer(
                "one side alone",
                "You multiplied the autocorrelation of one side with itself. A slow series and a "
                "fast one are hardly harmed: both sides count.",
                _one_side_alone,
            ),
            WrongAnswer(
                "not twice",
                "Each row has a neighbour before and one after it: the sum counts twice.",
                _not_twice,
            ),
            WrongAnswer(
                "lag 0 too",
                "At lag 0 both autocorrelations are 1, and that is the 1 before the sum already.",
                _lag_0_too,
            ),
            WrongAnswer(
                "one side with the other",
                "You correlated x with the shifted y. Each side is compared with itself, later.",
                _across,
            ),
            WrongAnswer(
                "not centred",
                "Take the mean of each series off: else a constant looks like memory.",
                _not_centred_in_time,
            ),
        ),
        hints=(
            "z-score both. The autocorrelation at lag k is x[:-k] @ x[k:] / n.",
            "Multiply the two sides' autocorrelations lag by lag, and add up from 1 to n_lags.",
            "n / (1 + 2 * that sum)",
        ),
    ),
)
