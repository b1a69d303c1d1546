"""Linear probes: what can be read from embeddings by a linear model, on items held out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.embeddings._vectors import check_same_width, check_vectors
from sdc_helpers.measures import Interval

PENALTIES = tuple(np.logspace(-1, 5, 7).tolist())
_N_FOLDS = 5


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """How well a linear model reads a label from embeddings of items it has not seen.

    Attributes
    ----------
    kind : {"classes", "continuous"}
        Kind of label: classes are read by logistic regression, continuous values by ridge
        regression.
    metric : {"balanced accuracy", "R2"}
        Measure that `score` gives.
    score : Interval
        The measure on the test items, with the percentile bootstrap over them (within each class
        for classes).
        The model is the same in all draws: training items add a spread that is not in it. Chance
        is the balanced accuracy of guessing, 1 / n_classes; 0 for R2, the mean of the test items.
    auc : Interval or None
        Area under the ROC curve, mean of one class against the rest for more than two, over the
        same draws; 0.5 is chance. None for R2.
    penalty : float
        Strength of the squared penalty, chosen by cross-validation within the training items.
    predictions : numpy.ndarray of shape (n_test,)
        Predicted labels or values of the test items.
    """

    kind: Literal["classes", "continuous"]
    metric: Literal["balanced accuracy", "R2"]
    score: Interval
    auc: Interval | None
    penalty: float
    predictions: np.ndarray


def linear_probe(
    x_train: Any,
    y_train: Any,
    x_test: Any,
    y_test: Any,
    kind: Literal["auto", "classes", "continuous"] = "auto",
    *,
    penalties: Sequence[float] = PENALTIES,
    n_bootstrap: int = 1000,
    random_state: int = 0,
) -> LinearProbe:
    """Fit a linear model to training items and score it on test items.

    Features are z-scored by the training items (by those of a fold during cross-validation).
    Classes weigh the same, however many items they have.

    Parameters
    ----------
    x_train, x_test : array of shape (n_train, d), (n_test, d)
        Embeddings of the training and of the test items.
    y_train, y_test : array of shape (n_train,), (n_test,)
        Labels or values of these items.
    kind : {"auto", "classes", "continuous"}, default="auto"
        ``"auto"``: floats are continuous; integers, booleans and strings are classes.
    penalties : sequence of float
        Penalties to choose from, by 5-fold cross-validation of the training items (stratified for
        classes; fewer folds where a class has fewer items). Of equally good ones the largest.
    n_bootstrap : int, default=1000
        Number of bootstrap draws of the test items.
    random_state : int, default=0
        Seed of the folds and the draws.

    Returns
    -------
    LinearProbe
        The score with its interval, the chosen penalty and the predictions.

    Raises
    ------
    ValueError
        If shapes do not fit, values are not finite, there is only one class, a class has one
        training item or is missing on one side, or the values are constant.

    See Also
    --------
    zero_shot : Classes from class names, without training items.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.embeddings import linear_probe
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(120, 5))
    >>> labels = np.where(x[:, 0] > 0, "cat", "dog")
    >>> probe = linear_probe(x[:80], labels[:80], x[80:], labels[80:], n_bootstrap=100)
    >>> probe.metric, probe.score.chance, probe.score.value > 0.9
    ('balanced accuracy', 0.5, True)
    """
    x_train, x_test = check_vectors(x_train, "x_train"), check_vectors(x_test, "x_test")
    check_same_width(x_train=x_train, x_test=x_test)
    y_train = _check_labels(y_train, len(x_train), "y_train")
    y_test = _check_labels(y_test, len(x_test), "y_test")
    ordered = _check_penalties(penalties)
    check_count("n_bootstrap", n_bootstrap, 1)
    if kind == "auto":
        kind = "continuous" if y_train.dtype.kind == "f" else "classes"
    fits = {"classes": _probe_classes, "continuous": _probe_continuous}
    if kind not in fits:
        raise ValueError(f"kind={kind!r}: expected auto, classes or continuous.")
    return fits[kind](x_train, y_train, x_test, y_test, ordered, n_bootstrap, random_state)


def _probe_classes(
    x_train: np.ndarray,
    y_train: np.ndarray,
    x_test: np.ndarray,
    y_test: np.ndarray,
    penalties: list[float],
    n_bootstrap: int,
    random_state: int,
) -> LinearProbe:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    names, codes = np.unique(y_train, return_inverse=True)
    counts = np.bincount(codes)
    if len(names) < 2 or counts.min() < 2:
        listed = dict(zip(names.tolist(), counts.tolist(), strict=True))
        raise ValueError(f"y_train must hold two classes of two items or more, got {listed}.")
    if set(names.tolist()) != set(y_test.tolist()):
        differing = sorted(map(str, set(names.tolist()) ^ set(y_test.tolist())))
        raise ValueError(
            f"y_train and y_test must hold the same classes; {', '.join(differing[:5])} occur on "
            "one side only."
        )
    truth = np.searchsorted(names, y_test)
    folds = StratifiedKFold(
        min(_N_FOLDS, int(counts.min())), shuffle=True, random_state=random_state
    )
    grid = {"model__C": [1 / penalty for penalty in penalties]}
    model = LogisticRegression(max_iter=1000, class_weight="balanced")
    search = _fit(model, grid, folds, "balanced_accuracy", x_train, codes)
    predicted = search.predict(x_test)
    scores = search.predict_proba(x_test)
    right = predicted == truth

    def balanced_accuracy(weights: np.ndarray) -> float:
        hits = np.bincount(truth, weights * right) / np.bincount(truth, weights)
        return float(hits.mean())

    one_side = range(1, 2) if len(names) == 2 else range(len(names))
    curves = [_auc_of_weights(scores[:, c], truth == c) for c in one_side]

    def auc(weights: np.ndarray) -> float:
        return float(np.mean([curve(weights) for curve in curves]))

    rng = np.random.default_rng(random_state)
    groups = [np.flatnonzero(truth == c) for c in range(len(names))]
    draws = [_draw(groups, rng, len(truth)) for _ in range(n_bootstrap)]
    return LinearProbe(
        kind="classes",
        metric="balanced accuracy",
        score=_over_draws(balanced_accuracy, draws, chance=1 / len(names)),
        auc=_over_draws(auc, draws, chance=0.5),
        penalty=1 / search.best_params_["model__C"],
        predictions=names[predicted],
    )


def _probe_continuous(
    x_train: np.ndarray,
    y_train: np.ndarray,
    x_test: np.ndarray,
    y_test: np.ndarray,
    penalties: list[float],
    n_bootstrap: int,
    random_state: int,
) -> LinearProbe:
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import KFold
    from sklearn.preprocessing import StandardScaler

    values = {"y_train": y_train, "y_test": y_test}
    for name, y in values.items():
        if y.dtype.kind not in "fiu" or not np.isfinite(y).all():
            raise ValueError(f"{name} must hold finite numbers for a continuous probe.")
        if len(y) < 2 or y.min() == y.max():
            raise ValueError(f"{name} is constant: there is nothing to explain.")
    folds = KFold(min(_N_FOLDS, len(y_train)), shuffle=True, random_state=random_state)
    x_train, x_test = x_train.astype(float), x_test.astype(float)
    truth, y_train = y_test.astype(float), y_train.astype(float)
    errors = [
        _ridge_errors(x_train[fit], y_train[fit], x_train[held], y_train[held], penalties)
        for fit, held in folds.split(x_train)
    ]
    penalty = penalties[int(np.mean(errors, axis=0).argmin())]
    scaler = StandardScaler().fit(x_train)
    ridge = Ridge(alpha=penalty).fit(scaler.transform(x_train), y_train)
    predicted = ridge.predict(scaler.transform(x_test))

    def r2(weights: np.ndarray) -> float:
        mean = np.average(truth, weights=weights)
        total = weights @ (truth - mean) ** 2
        return float(1 - weights @ (truth - predicted) ** 2 / total) if total > 0 else np.nan

    rng = np.random.default_rng(random_state)
    everything = [np.arange(len(truth))]
    draws = [_draw(everything, rng, len(truth)) for _ in range(n_bootstrap)]
    return LinearProbe(
        kind="continuous",
        metric="R2",
        score=_over_draws(r2, draws, chance=0.0),
        auc=None,
        penalty=penalty,
        predictions=predicted,
    )


def _ridge_errors(
    x: np.ndarray, y: np.ndarray, x_held: np.ndarray, y_held: np.ndarray, penalties: list[float]
) -> list[float]:
    """Mean squared errors on held-out items of all penalties, from one decomposition."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(x)
    _, spread, axes = np.linalg.svd(scaler.transform(x), full_matrices=False)
    # along the axes a ridge regression shrinks each coefficient on its own
    products = axes @ (scaler.transform(x).T @ (y - y.mean()))
    held = scaler.transform(x_held) @ axes.T
    return [
        float(np.mean((y_held - y.mean() - held @ (products / (spread**2 + penalty))) ** 2))
        for penalty in penalties
    ]


def _fit(model: Any, grid: dict, folds: Any, scoring: str, x: np.ndarray, y: np.ndarray) -> Any:
    """Choose the penalty on the training items, then fit all of them with it."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline = Pipeline([("scale", StandardScaler()), ("model", model)])
    with warnings.catch_warnings():
        # weak penalties may not settle on separable folds; the chosen one is judged on others
        warnings.simplefilter("ignore", ConvergenceWarning)
        return GridSearchCV(pipeline, grid, scoring=scoring, cv=folds).fit(x.astype(float), y)


def _auc_of_weights(scores: np.ndarray, positive: np.ndarray) -> Callable[[np.ndarray], float]:
    """Return the area under the ROC curve as a function of the weights of the items.

    The share of pairs of a positive and a negative item that the scores put in order, ties
    counting half (Mann & Whitney).
    """
    levels, place = np.unique(scores, return_inverse=True)

    def area(weights: np.ndarray) -> float:
        above = np.bincount(place, weights * positive, len(levels))
        below = np.bincount(place, weights * ~positive, len(levels))
        in_order = above @ (np.cumsum(below) - below / 2)
        return float(in_order / (above.sum() * below.sum()))

    return area


def _draw(groups: list[np.ndarray], rng: np.random.Generator, n: int) -> np.ndarray:
    """Return how often each item is drawn, with replacement within each group."""
    drawn = [rng.choice(group, len(group)) for group in groups]
    return np.bincount(np.concatenate(drawn), minlength=n).astype(float)


def _over_draws(
    metric: Callable[[np.ndarray], float], draws: list[np.ndarray], chance: float
) -> Interval:
    everything = metric(np.ones_like(draws[0]))
    return Interval.from_resamples(everything, [metric(w) for w in draws], chance=chance)


def _check_labels(y: Any, n: int, name: str) -> np.ndarray:
    y = as_array(name, y)
    if y.shape != (n,):
        raise ValueError(f"{name} must have one label an item, {n}, got shape {y.shape}.")
    if y.dtype.kind not in "biufUS":
        raise ValueError(f"{name} must hold numbers, booleans or strings, got {y.dtype}.")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError(f"{name} holds NaN or infinite values.")
    return y


def _check_penalties(penalties: Sequence[float]) -> list[float]:
    ordered = sorted(np.atleast_1d(as_array("penalties", penalties, float)).tolist(), reverse=True)
    if not ordered or not all(0 < penalty < np.inf for penalty in ordered):
        raise ValueError(f"penalties must be positive and finite, got {penalties!r}.")
    return ordered
