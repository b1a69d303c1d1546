"""Zero-shot, retrieval and linear probes against loops from their definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.embeddings import (
    linear_probe,
    nearest_class,
    recall_at_k,
    retrieval,
    target_ranks,
    zero_shot,
)


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / np.sqrt(
        sum(x * x for x in a) * sum(y * y for y in b)
    )


# --------------------------------------------------------------------- retrieval


def ranks_by_definition(queries, gallery, targets):
    """Sort the gallery, wrong answers first where cosines tie; first place of a right one."""
    ranks = []
    for query, right in zip(queries, targets, strict=True):
        right = {int(t) for t in np.atleast_1d(right)}
        cosines = [round(cosine(query, g), 12) for g in gallery]
        order = sorted(range(len(gallery)), key=lambda j: (-cosines[j], j in right))
        ranks.append(1 + min(order.index(j) for j in right))
    return ranks


small = st.integers(-2, 2).map(float)


@st.composite
def galleries(draw):
    """Vectors of few different values, so that there are many ties."""
    d = draw(st.integers(1, 3))
    vector = st.lists(small, min_size=d, max_size=d).filter(any)
    gallery = draw(st.lists(vector, min_size=1, max_size=8))
    queries = draw(st.lists(vector, min_size=1, max_size=5))
    rows = st.lists(st.integers(0, len(gallery) - 1), min_size=1, max_size=3)
    targets = [draw(rows) for _ in queries]
    return np.array(queries), np.array(gallery), targets


@given(galleries())
@settings(max_examples=150, deadline=None)
def test_ranks_with_ties_and_several_right_answers(case):
    queries, gallery, targets = case
    expected = ranks_by_definition(queries, gallery, targets)
    assert target_ranks(queries, gallery, targets).tolist() == expected
    ks = range(1, len(gallery) + 1)
    shares = [np.mean([rank <= k for rank in expected]) for k in ks]
    np.testing.assert_allclose(recall_at_k(queries, gallery, targets, ks), shares)


@given(st.integers(0, 2**32 - 1), st.integers(2, 12))
@settings(max_examples=30, deadline=None)
def test_ranks_follow_a_shuffled_gallery_and_ignore_lengths(seed, n):
    rng = np.random.default_rng(seed)
    queries, gallery = rng.normal(size=(2, n, 5))
    targets = rng.integers(0, n, size=n)
    order = rng.permutation(n)
    ranks = target_ranks(queries, gallery, targets)
    places = np.argsort(order)[targets]
    lengths = rng.uniform(0.5, 2, size=(n, 1))
    np.testing.assert_array_equal(target_ranks(queries * lengths, gallery[order], places), ranks)


def test_blocks_do_not_change_ranks(monkeypatch):
    rng = np.random.default_rng(0)
    queries, gallery = rng.normal(size=(2, 50, 6)).astype(np.float32)
    expected = ranks_by_definition(queries.astype(float), gallery.astype(float), range(50))
    # the module, not the function of the same name
    module = __import__("sys").modules["sdc_helpers.embeddings.retrieval"]
    for n_bytes in (1, 8 * 50 * 7, 2**20):
        monkeypatch.setattr(module, "_BLOCK_BYTES", n_bytes)
        assert target_ranks(queries, gallery, np.arange(50)).tolist() == expected


def test_equal_vectors_are_no_success():
    same = np.ones((60, 7), np.float32)
    found = retrieval(same, same, ks=(1, 5, 59, 60))
    np.testing.assert_array_equal(found.image_to_text, [0, 0, 0, 1])
    np.testing.assert_array_equal(found.text_to_image, [0, 0, 0, 1])


def test_copies_of_the_right_answer_tie_with_it():
    rng = np.random.default_rng(1)
    gallery = np.repeat(rng.normal(size=(40, 33)).astype(np.float32), 3, axis=0)
    assert target_ranks(gallery, gallery, np.arange(120)).tolist() == [3] * 120


def test_several_captions_in_both_directions():
    rng = np.random.default_rng(2)
    images = rng.normal(size=(9, 4))
    texts = images[:, None] + rng.normal(size=(9, 3, 4))
    found = retrieval(images, texts, ks=(1, 2, 5))
    flat = texts.reshape(27, 4)
    to_text = ranks_by_definition(images, flat, [[3 * i, 3 * i + 1, 3 * i + 2] for i in range(9)])
    to_image = ranks_by_definition(flat, images, [j // 3 for j in range(27)])
    for k, forth, back in zip((1, 2, 5), found.image_to_text, found.text_to_image, strict=True):
        assert forth == pytest.approx(np.mean([rank <= k for rank in to_text]))
        assert back == pytest.approx(np.mean([rank <= k for rank in to_image]))
    assert (found.ks, found.n_images, found.n_texts) == ((1, 2, 5), 9, 27)


@pytest.mark.parametrize("n_captions", [1, 2, 5])
def test_chance_is_that_of_all_orders(n_captions):
    n = 3
    found = retrieval(np.eye(n), np.repeat(np.eye(n)[:, None], n_captions, 1), ks=(1, 2, 3))
    for k, forth, back in zip(
        (1, 2, 3), found.chance_image_to_text, found.chance_text_to_image, strict=True
    ):
        subsets = list(itertools.combinations(range(n * n_captions), k))
        assert forth == pytest.approx(np.mean([min(s) < n_captions for s in subsets]))
        assert back == pytest.approx(k / n)


VECTORS = np.eye(4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((VECTORS, np.eye(4)[:, :3], range(4)), "queries has 4, gallery has 3"),
        ((VECTORS, VECTORS, range(3)), "3 for 4 queries"),
        ((VECTORS, VECTORS, [0, 1, 2, 4]), r"\[4\] for query 3"),
        ((VECTORS, VECTORS, [0, 1, 2, -1]), r"\[-1\] for query 3"),
        ((VECTORS, VECTORS, [[0], [1], [], [2]]), "for query 2"),
        ((VECTORS, VECTORS, [0.0, 1.0, 2.0, 3.0]), "for query 0"),
        ((VECTORS * np.nan, VECTORS, range(4)), "queries holds NaN"),
        ((VECTORS, np.zeros((4, 4)), range(4)), "gallery: vector 0 is zero"),
        ((VECTORS[:0], VECTORS, []), r"queries must have the shape \(n, d\)"),
        ((VECTORS[0], VECTORS, [0]), r"\(4,\)"),
        ((VECTORS.astype(str), VECTORS, range(4)), "real numbers"),
        ((VECTORS, VECTORS, range(4), (0,)), "ks must"),
        ((VECTORS, VECTORS, range(4), (5,)), "1 to the 4"),
        ((VECTORS, VECTORS, range(4), ()), "ks must"),
        ((VECTORS, VECTORS, range(4), (1.0,)), "ks must"),
    ],
)
def test_bad_retrievals_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        recall_at_k(*arguments[:3], *(arguments[3:] or [(1,)]))


def test_pairs_must_be_pairs():
    with pytest.raises(ValueError, match="4 rows and texts has 3"):
        retrieval(VECTORS, VECTORS[:3], ks=(1,))


# --------------------------------------------------------------------- zero-shot


def test_zero_shot_takes_the_nearest_class():
    rng = np.random.default_rng(3)
    images, classes = rng.normal(size=(200, 6)), rng.normal(size=(4, 6))
    labels = rng.integers(0, 4, size=200)
    labels[:60] = 2
    nearest = [int(np.argmax([cosine(image, c) for c in classes])) for image in images]
    found = zero_shot(images, classes, labels)
    assert found.predictions.tolist() == nearest
    n_right = sum(a == b for a, b in zip(nearest, labels, strict=True))
    assert found.accuracy.value == n_right / 200
    interval = scipy.stats.binomtest(n_right, 200).proportion_ci(0.95, method="wilson")
    assert (found.accuracy.low, found.accuracy.high) == pytest.approx(tuple(interval))
    assert (found.accuracy.chance, found.accuracy.level, found.n_classes) == (0.25, 0.95, 4)
    assert found.most_frequent == max(list(labels).count(c) for c in range(4)) / 200
    assert nearest_class(images.astype(np.float32), classes.astype(np.float32)).tolist() == nearest


LABELS = [0, 1, 2, 3]


@pytest.mark.parametrize("shift", [0, 1])
def test_none_and_all_right_have_an_interval(shift):
    found = zero_shot(VECTORS, VECTORS, (np.arange(4) + shift) % 4)
    interval = scipy.stats.binomtest(4 - 4 * shift, 4).proportion_ci(0.95, method="wilson")
    assert (found.accuracy.low, found.accuracy.high) == pytest.approx(tuple(interval))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((VECTORS, VECTORS[:, :2], LABELS), "image_embeddings has 4, class_embeddings has 2"),
        ((VECTORS, VECTORS[:1], LABELS), "two classes or more"),
        ((VECTORS, VECTORS, [0, 1, 2]), "labels must be 4 integers"),
        ((VECTORS, VECTORS, [0, 1, 2, 4]), "from 0 to 3"),
        ((VECTORS, VECTORS, [0.0, 1.0, 2.0, 3.0]), "float64"),
        ((VECTORS, VECTORS, ["a", "b", "c", "d"]), "integers"),
        ((np.full((4, 4), np.inf), VECTORS, LABELS), "image_embeddings holds NaN or infinite"),
        ((VECTORS * 0, VECTORS, LABELS), "image_embeddings: vector 0 is zero"),
    ],
)
def test_bad_zero_shots_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        zero_shot(*arguments)


# --------------------------------------------------------------------- linear probes


def planted(n, seed, n_classes=2):
    """Classes that two of six directions tell apart, with noise."""
    rng = np.random.default_rng(seed)
    centres = np.zeros((n_classes, 6))
    centres[:, :2] = 1.2 * rng.normal(size=(n_classes, 2))
    y = np.arange(n) % n_classes
    return centres[y] + rng.normal(size=(n, 6)), y


@pytest.mark.parametrize("n_classes", [2, 3])
def test_class_probe_agrees_with_scikit_learn(n_classes):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score
    from sklearn.preprocessing import StandardScaler

    x, y = planted(180, 4, n_classes)
    keep = (y > 0) | (np.arange(180) % 3 == 0)  # unequal classes
    order = np.random.default_rng(0).permutation(np.flatnonzero(keep))
    x, y = x[order], y[order]
    probe = linear_probe(x[::2], y[::2], x[1::2], y[1::2], penalties=(10.0,), n_bootstrap=50)
    scale = StandardScaler().fit(x[::2])
    model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000)
    model.fit(scale.transform(x[::2]), y[::2])
    test = scale.transform(x[1::2])
    assert probe.predictions.tolist() == model.predict(test).tolist()
    assert probe.score.value == pytest.approx(balanced_accuracy_score(y[1::2], probe.predictions))
    scores = model.predict_proba(test)
    scores = scores[:, 1] if n_classes == 2 else scores
    assert probe.auc.value == pytest.approx(roc_auc_score(y[1::2], scores, multi_class="ovr"))
    assert (probe.kind, probe.metric) == ("classes", "balanced accuracy")
    assert (probe.score.chance, probe.auc.chance, probe.penalty) == (1 / n_classes, 0.5, 10.0)
    for measured in (probe.score, probe.auc):
        assert measured.low <= measured.value <= measured.high


def test_value_probe_agrees_with_the_normal_equations():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(90, 5)) * [1, 2, 3, 4, 5]
    y = x @ rng.normal(size=5) + 4 * rng.normal(size=90)
    probe = linear_probe(x[:60], y[:60], x[60:], y[60:], penalties=(7.0,), n_bootstrap=50)
    mean, std = x[:60].mean(0), x[:60].std(0)
    z, t = (x[:60] - mean) / std, (x[60:] - mean) / std
    w = np.linalg.solve(z.T @ z + 7 * np.eye(5), z.T @ (y[:60] - y[:60].mean()))
    expected = t @ w + y[:60].mean()
    np.testing.assert_allclose(probe.predictions, expected)
    rest, total = ((y[60:] - expected) ** 2).sum(), ((y[60:] - y[60:].mean()) ** 2).sum()
    assert probe.score.value == pytest.approx(1 - rest / total)
    assert (probe.kind, probe.metric, probe.score.chance) == ("continuous", "R2", 0.0)
    assert probe.auc is None
    assert probe.score.low <= probe.score.value <= probe.score.high


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(0, 3)), min_size=2))
@settings(max_examples=60, deadline=None)
def test_area_under_the_curve_counts_pairs(items):
    from sdc_helpers.embeddings.probes import _auc_of_weights

    scores = np.array([score for score, _, _ in items], dtype=float)
    positive = np.array([label for _, label, _ in items])
    weights = np.array([weight for _, _, weight in items], dtype=float)
    pairs = in_order = 0.0
    for i, j in itertools.product(np.flatnonzero(positive), np.flatnonzero(~positive)):
        pairs += weights[i] * weights[j]
        in_order += (
            weights[i] * weights[j] * ((scores[i] > scores[j]) + (scores[i] == scores[j]) / 2)
        )
    if pairs:
        assert _auc_of_weights(scores, positive)(weights) == pytest.approx(in_order / pairs)


@pytest.mark.parametrize("kind", ["classes", "continuous"])
def test_test_labels_decide_nothing_but_the_score(kind):
    x, y = planted(120, 6)
    y = y if kind == "classes" else x[:, 0] + x[:, 3]
    first = linear_probe(x[:80], y[:80], x[80:], y[80:], n_bootstrap=2)
    other = linear_probe(x[:80], y[:80], x[80:], np.roll(y[80:], 1), n_bootstrap=2)
    np.testing.assert_array_equal(first.predictions, other.predictions)
    assert first.penalty == other.penalty
    assert first.score.value != other.score.value


def test_the_interval_is_the_bootstrap_of_test_items_within_classes():
    x, y = planted(200, 7)
    probe = linear_probe(x[:100], y[:100], x[100:], y[100:], n_bootstrap=1000)
    right = probe.predictions == y[100:]
    rng = np.random.default_rng(8)
    draws = [
        np.mean([rng.choice(right[y[100:] == c], (y[100:] == c).sum()).mean() for c in (0, 1)])
        for _ in range(1000)
    ]
    # the step of balanced accuracy is 1/100; both ends may differ by one step of sampling error
    found = probe.score.low, probe.score.high
    assert found == pytest.approx(tuple(np.percentile(draws, [2.5, 97.5])), abs=0.0101)
    again = linear_probe(x[:100], y[:100], x[100:], y[100:], n_bootstrap=1000)
    assert (again.score.low, again.score.high) == found
    assert (again.auc.low, again.auc.high) == (probe.auc.low, probe.auc.high)


def test_unrelated_labels_are_at_chance_and_planted_ones_are_not():
    rng = np.random.default_rng(9)
    x, y = planted(400, 9)
    found = linear_probe(x[:200], y[:200], x[200:], y[200:], n_bootstrap=200)
    assert found.score.against(found.score.chance) == "above"
    scores = []
    for _ in range(10):
        random = rng.permutation(y)
        probe = linear_probe(
            x[:200], random[:200], x[200:], random[200:], penalties=(1.0,), n_bootstrap=2
        )
        scores.append(probe.score.value)
    # mean of 10 x 200 guesses: standard deviation 0.5 / sqrt(2000) = 0.011
    assert abs(np.mean(scores) - 0.5) < 4 * 0.5 / np.sqrt(2000)


def test_equally_good_penalties_give_the_stronger():
    x = np.concatenate([np.full((20, 3), -5.0), np.full((20, 3), 5.0)])
    y = np.repeat([0, 1], 20)
    assert linear_probe(x, y, x, y, penalties=(1, 100, 10), n_bootstrap=2).penalty == 100


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (np.arange(40) % 2 == 0, "classes"),
        (np.arange(40) % 2, "classes"),
        (np.where(np.arange(40) % 2, "cat", "dog"), "classes"),
        (np.where(np.arange(40) % 2, "cat", "dog").astype(object), "classes"),
        ((np.arange(40) % 2).astype(float), "continuous"),
    ],
)
def test_auto_goes_by_the_type_of_the_labels(labels, kind):
    x = np.random.default_rng(0).normal(size=(40, 2))
    probe = linear_probe(x, labels, x, labels, penalties=(1.0,), n_bootstrap=2)
    assert probe.kind == kind
    assert set(probe.predictions) <= set(labels) or kind == "continuous"


X = np.random.default_rng(0).normal(size=(8, 2))
Y = np.array([0, 1] * 4)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((X, Y, X[:, :1], Y), {}, "x_train has 2, x_test has 1"),
        ((X, Y[:7], X, Y), {}, "y_train must have one label an item, 8"),
        ((X, Y, X, Y[:, None]), {}, r"y_test .*\(8, 1\)"),
        ((X * np.nan, Y, X, Y), {}, "x_train holds NaN"),
        ((X, Y * np.nan, X, Y), {}, "y_train holds NaN"),
        ((X, Y * 0, X, Y), {}, "two classes of two items"),
        ((X, [0] * 7 + [1], X, Y), {}, "two classes of two items"),
        ((X, Y, X, Y * 0), {}, "1 occur on one side"),
        ((X, Y, X, Y + 1), {}, "0, 2 occur on one side"),
        ((X, Y * 0.0, X, Y), {}, "y_train is constant"),
        ((X, Y * 1.0, X, Y * 0.0), {}, "y_test is constant"),
        ((X, ["a", "b"] * 4, X, ["a", "b"] * 4), {"kind": "continuous"}, "finite numbers"),
        ((X, Y, X, Y), {"kind": "logistic"}, "kind="),
        ((X, Y, X, Y), {"penalties": (0.0, 1.0)}, "penalties"),
        ((X, Y, X, Y), {"penalties": ()}, "penalties"),
        ((X, Y, X, Y), {"n_bootstrap": 0}, "n_bootstrap"),
        ((X, [None] * 8, X, Y), {}, "y_train has 8 missing values"),
    ],
)
def test_bad_probes_are_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        linear_probe(*arguments, **options)
