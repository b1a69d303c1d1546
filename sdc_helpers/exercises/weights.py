"""The exercises of the chapter on weights and patterns."""

from __future__ import annotations

import numpy as np

from sdc_helpers.exercises.registry import Exercise, WrongAnswer

# --- 1. from a weight to a pattern ------------------------------------------------------------


def activation_pattern(X: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Regress every voxel on the read-out: covariance over the read-out's variance."""
    X = X - X.mean(axis=0)
    s = X @ w
    return X.T @ s / (s @ s)


def _weight_itself(X: np.ndarray, w: np.ndarray) -> np.ndarray:
    return w


def _covariance(X: np.ndarray, w: np.ndarray) -> np.ndarray:
    X = X - X.mean(axis=0)
    return X.T @ (X @ w) / (len(X) - 1)


def _correlation(X: np.ndarray, w: np.ndarray) -> np.ndarray:
    X = X - X.mean(axis=0)
    s = X @ w
    return X.T @ s / (np.linalg.norm(X, axis=0) * np.linalg.norm(s))


def _read_out_on_voxel(X: np.ndarray, w: np.ndarray) -> np.ndarray:
    X = X - X.mean(axis=0)
    return X.T @ (X @ w) / (X**2).sum(axis=0)


def _not_centred(X: np.ndarray, w: np.ndarray) -> np.ndarray:
    s = X @ w
    return X.T @ s / (s @ s)


def _read_out_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    cases = []
    for n_trials, n_voxels in ((30, 6), (50, 12)):
        shared = rng.normal(size=(n_trials, 1))
        X = 2 * shared + rng.normal(size=(n_trials, n_voxels)) + rng.normal(size=n_voxels)
        cases.append((X * rng.uniform(0.5, 2, n_voxels), rng.normal(size=n_voxels)))
    return cases


# --- 2. from a pattern to the best weights ----------------------------------------------------


def best_weights(a: np.ndarray, noise_covariance: np.ndarray) -> np.ndarray:
    """Whiten the noise, and read along what is left of the pattern."""
    w = np.linalg.solve(noise_covariance, a)
    return w / (a @ w)


def _the_pattern(a: np.ndarray, noise_covariance: np.ndarray) -> np.ndarray:
    return a / (a @ a)


def _each_voxel_alone(a: np.ndarray, noise_covariance: np.ndarray) -> np.ndarray:
    w = a / np.diag(noise_covariance)
    return w / (a @ w)


def _times_the_noise(a: np.ndarray, noise_covariance: np.ndarray) -> np.ndarray:
    w = noise_covariance @ a
    return w / (a @ w)


def _of_another_scale(a: np.ndarray, noise_covariance: np.ndarray) -> np.ndarray:
    w = np.linalg.solve(noise_covariance, a)
    return w / np.linalg.norm(w)


def _covariance_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    cases = [(np.array([1.0, 0.0]), np.array([[1.5, 1.0], [1.0, 1.2]]))]
    for n_voxels in (3, 6):
        shared = rng.normal(size=(n_voxels, 2))
        noise = shared @ shared.T + np.diag(rng.uniform(0.3, 1.5, n_voxels))
        cases.append((rng.normal(size=n_voxels), noise))
    return cases


# --- 3. several read-outs at once -------------------------------------------------------------


def patterns_of_many(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Regress every voxel on all read-outs together."""
    X = X - X.mean(axis=0)
    S = X @ W
    return X.T @ S @ np.linalg.inv(S.T @ S)


def _one_at_a_time(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    return np.stack([activation_pattern(X, w) for w in W.T], axis=1)


def _not_divided(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    X = X - X.mean(axis=0)
    return X.T @ X @ W / (len(X) - 1)


def _of_raw_responses(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    S = X @ W
    return X.T @ S @ np.linalg.inv(S.T @ S)


def _many_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    return [
        (X + rng.normal(size=X.shape[1]), np.c_[w, w + rng.normal(size=len(w))])
        for X, w in _read_out_cases(rng)
    ]


EXERCISES = (
    Exercise(
        identifier="weights.pattern",
        title="From a weight to a pattern",
        minutes=10,
        difficulty=2,
        solution=activation_pattern,
        cases=_read_out_cases,
        wrong_answers=(
            WrongAnswer(
                "the weight itself",
                "The weight says how a voxel is used, not how it behaves. A voxel that only "
                "cancels noise has a weight and no pattern.",
                _weight_itself,
            ),
            WrongAnswer(
                "covariance",
                "This is the covariance of voxel and read-out. Divide by the variance of the "
                "read-out.",
                _covariance,
            ),
            WrongAnswer(
                "correlation",
                "This is the correlation, in which every voxel has the same scale. The pattern is "
                "in units of the voxel per unit of the read-out.",
                _correlation,
            ),
            WrongAnswer(
                "regressed the wrong way",
                "You divided by the variance of the voxel: that predicts the read-out from the "
                "voxel. The pattern predicts the voxel from the read-out.",
                _read_out_on_voxel,
            ),
            WrongAnswer(
                "not centred",
                "Take the mean of each voxel off first: a voxel that is always high does not vary "
                "with anything.",
                _not_centred,
            ),
        ),
        hints=(
            "The read-out of trial t is s_t = x_t w. How does each voxel change with it?",
            "It is a regression with one regressor: slope = cov(voxel, s) / var(s).",
            "With centred X: X.T @ s / (s @ s)",
        ),
    ),
    Exercise(
        identifier="weights.best",
        title="The best weights for a pattern",
        minutes=10,
        difficulty=2,
        solution=best_weights,
        cases=_covariance_cases,
        wrong_answers=(
            WrongAnswer(
                "the pattern itself",
                "You read along the pattern, as if noise were alike in all voxels and shared by "
                "none. The noise covariance has to come in.",
                _the_pattern,
            ),
            WrongAnswer(
                "each voxel alone",
                "You divided by each voxel's own noise. A voxel without signal then has none, "
                "though it could cancel noise that it shares: use the whole covariance.",
                _each_voxel_alone,
            ),
            WrongAnswer(
                "times the covariance",
                "You multiplied by the noise covariance: that listens most where noise is largest. "
                "Its inverse is needed.",
                _times_the_noise,
            ),
            WrongAnswer(
                "another scale",
                "The direction is right. Scale it so that one unit of the signal gives one unit of "
                "the read-out: the sum of a times w is 1.",
                _of_another_scale,
            ),
        ),
        hints=(
            "A response is x = a s + noise. Where the noise is white, the best weights lie on a.",
            "Make the noise white first: w is proportional to the inverse of the noise covariance "
            "times a (np.linalg.solve).",
            "w = np.linalg.solve(noise_covariance, a), and then divide by a @ w.",
        ),
    ),
    Exercise(
        identifier="weights.patterns_of_many",
        title="Several read-outs at once",
        minutes=10,
        difficulty=3,
        solution=patterns_of_many,
        cases=_many_cases,
        wrong_answers=(
            WrongAnswer(
                "one at a time",
                "You took one read-out at a time. Read-outs that go together share what a voxel "
                "does, and each gets it all: divide by their whole covariance.",
                _one_at_a_time,
            ),
            WrongAnswer(
                "not divided",
                "This is the covariance of voxels and read-outs. Divide by the covariance of the "
                "read-outs (a matrix: multiply by its inverse).",
                _not_divided,
            ),
            WrongAnswer(
                "not centred",
                "Take the mean of each voxel off first.",
                _of_raw_responses,
            ),
        ),
        hints=(
            "It is a regression again, now with several regressors: the read-outs S = X @ W.",
            "Regression coefficients are (S'S)^-1 S'X with centred X; the patterns are their "
            "transpose.",
            "X.T @ S @ np.linalg.inv(S.T @ S)",
        ),
    ),
)
