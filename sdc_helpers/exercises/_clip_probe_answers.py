"""Solutions and common wrong answers of the exercises on what CLIP keeps of a picture."""

from __future__ import annotations

import numpy as np

# --- 1. a linear probe ------------------------------------------------------------------------


def probe_r2(
    x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, y_test: np.ndarray, penalty: float
) -> float:
    """Fit a ridge regression to the training pictures, and score it on the test pictures."""
    mean, std = x_train.mean(axis=0), x_train.std(axis=0)
    Z, Z_test = (x_train - mean) / std, (x_test - mean) / std
    ridge = Z.T @ Z + penalty * np.eye(Z.shape[1])
    w = np.linalg.solve(ridge, Z.T @ (y_train - y_train.mean()))
    predicted = y_train.mean() + Z_test @ w
    left, total = (y_test - predicted) ** 2, (y_test - y_test.mean()) ** 2
    return float(1 - left.sum() / total.sum())


def _weights(Z: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    return np.linalg.solve(Z.T @ Z + penalty * np.eye(Z.shape[1]), Z.T @ y)


def _r2(y: np.ndarray, predicted: np.ndarray) -> float:
    return float(1 - ((y - predicted) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def _predicted(
    x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, penalty: float
) -> np.ndarray:
    mean, std = x_train.mean(axis=0), x_train.std(axis=0)
    w = _weights((x_train - mean) / std, y_train - y_train.mean(), penalty)
    return y_train.mean() + (x_test - mean) / std @ w


def scored_on_training(x_train, y_train, x_test, y_test, penalty):
    return probe_r2(x_train, y_train, x_train, y_train, penalty)


def squared_correlation(x_train, y_train, x_test, y_test, penalty):
    return np.corrcoef(y_test, _predicted(x_train, y_train, x_test, penalty))[0, 1] ** 2


def scaled_by_test(x_train, y_train, x_test, y_test, penalty):
    own = (x_test - x_test.mean(axis=0)) / x_test.std(axis=0)
    same = own * x_train.std(axis=0) + x_train.mean(axis=0)
    return _r2(y_test, _predicted(x_train, y_train, same, penalty))


def no_intercept(x_train, y_train, x_test, y_test, penalty):
    return _r2(y_test, _predicted(x_train, y_train, x_test, penalty) - y_train.mean())


def no_penalty(x_train, y_train, x_test, y_test, penalty):
    return probe_r2(x_train, y_train, x_test, y_test, 0.0)


def not_scaled(x_train, y_train, x_test, y_test, penalty):
    mean = x_train.mean(axis=0)
    w = _weights(x_train - mean, y_train - y_train.mean(), penalty)
    return _r2(y_test, y_train.mean() + (x_test - mean) @ w)


def probe_cases(rng: np.random.Generator) -> list[tuple]:
    cases = []
    for n_train, n_test, d, penalty in ((40, 30, 6, 10.0), (60, 25, 10, 20.0)):
        scale, offset = rng.uniform(0.1, 2.0, size=(2, d))
        x = rng.normal(size=(n_train + n_test, d)) * scale + offset
        weights = rng.normal(size=d) / scale
        y = 3 + (x - offset) @ weights + 1.5 * rng.normal(size=len(x))
        cases.append((x[:n_train], y[:n_train], x[n_train:], y[n_train:], penalty))
    return cases


# --- 2. classes above chance ------------------------------------------------------------------


def above_chance(true: np.ndarray, predicted: np.ndarray) -> float:
    """Average the share of right answers over classes; make guessing 0 and perfection 1."""
    classes = np.unique(true)
    shares = [np.mean(predicted[true == c] == c) for c in classes]
    chance = 1 / len(classes)
    return float((np.mean(shares) - chance) / (1 - chance))


def _rescaled(value: float, true: np.ndarray) -> float:
    chance = 1 / len(np.unique(true))
    return float((value - chance) / (1 - chance))


def _balanced(true: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.mean([np.mean(predicted[true == c] == c) for c in np.unique(true)]))


def plain_accuracy(true, predicted):
    return _rescaled(np.mean(true == predicted), true)


def not_rescaled(true, predicted):
    return _balanced(true, predicted)


def chance_subtracted(true, predicted):
    return _balanced(true, predicted) - 1 / len(np.unique(true))


def by_prediction(true, predicted):
    return _rescaled(_balanced(predicted, true), true)


def most_frequent_as_chance(true, predicted):
    chance = np.max(np.unique(true, return_counts=True)[1]) / len(true)
    return float((_balanced(true, predicted) - chance) / (1 - chance))


def class_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    cases = []
    for n, shares in ((80, (0.6, 0.25, 0.15)), (120, (0.5, 0.2, 0.2, 0.1))):
        k = len(shares)
        true = np.concatenate([np.arange(k), rng.choice(k, n, p=shares)])
        guessed = np.concatenate([np.arange(k), rng.choice(k, n, p=shares)])
        cases.append((true, np.where(rng.random(n + k) < 0.5, true, guessed)))
    return cases


# --- 3. effective rank ------------------------------------------------------------------------


def effective_rank(x: np.ndarray) -> float:
    """Exponential of the entropy of the shares of variance on the principal components."""
    s = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    p = s**2 / np.sum(s**2)
    p = p[p > 0]
    return float(np.exp(-np.sum(p * np.log(p))))


def _entropy(values: np.ndarray) -> float:
    p = values[values > 0] / values.sum()
    return float(-np.sum(p * np.log(p)))


def _spread(x: np.ndarray) -> np.ndarray:
    return np.linalg.svd(x - x.mean(axis=0), compute_uv=False)


def not_centred(x):
    return float(np.exp(_entropy(np.linalg.svd(x, compute_uv=False) ** 2)))


def singular_values(x):
    return float(np.exp(_entropy(_spread(x))))


def entropy(x):
    return _entropy(_spread(x) ** 2)


def wrong_base(x):
    return 2 ** _entropy(_spread(x) ** 2)


def participation_ratio(x):
    p = _spread(x) ** 2 / np.sum(_spread(x) ** 2)
    return float(1 / np.sum(p**2))


def matrix_rank(x):
    return float(np.linalg.matrix_rank(x - x.mean(axis=0)))


def rank_cases(rng: np.random.Generator) -> list[tuple[np.ndarray]]:
    cases = []
    for n, d in ((40, 8), (60, 12)):
        x = rng.normal(size=(n, d)) * np.geomspace(1, 0.1, d) + rng.normal(size=d)
        cases.append((x / np.linalg.norm(x, axis=1, keepdims=True),))
    return cases
