from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.utils import estimator_checks

from sdc_helpers.concepts import (
    CanonicalComponents,
    CortexAxes,
    DecodableComponents,
    EncodingComponents,
    PrincipalComponents,
    component_loss,
    subspace_agreement,
)
from sdc_helpers.decoding import distinct_embeddings
from sdc_helpers.embeddings.retrieval import recall_at_k

ALL = (
    DecodableComponents(),
    PrincipalComponents(),
    CanonicalComponents(),
    EncodingComponents(),
    CortexAxes(),
)


def pairs(seed=0, n=400, n_dims=10, n_decoded=4, noise=0.5):
    """True embeddings, and decoded ones that know the first few dimensions only."""
    rng = np.random.default_rng(seed)
    true = rng.standard_normal((n, n_dims)) / math.sqrt(n_dims)
    known = np.arange(n_dims) < n_decoded
    return true, true * known + noise * rng.standard_normal((n, n_dims)) / math.sqrt(n_dims)


def rotation(k, seed):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((k, k)))[0]


# Oracle: the loss by loops over trials.


def loss_by_loops(true, decoded, rows, items, temperature, leak):
    def act(x):
        return [v if v > 0 else leak * v for v in x]

    a = [act([sum(w * y) for w in rows]) for y in true]
    b = [act([sum(w * y) for w in rows]) for y in decoded]

    def one_way(queries, gallery):
        total = 0.0
        for i, query in enumerate(queries):
            logits, own = [], 0.0
            for j, answer in enumerate(gallery):
                logit = -sum((p - q) ** 2 for p, q in zip(query, answer, strict=True)) / temperature
                if i == j:
                    own = logit
                if i == j or items[i] != items[j]:
                    logits.append(logit)
            top = max(logits)  # exp(-740) has lost most of its digits
            total += math.log(sum(math.exp(one - top) for one in logits)) + top - own
        return total / len(queries)

    return (one_way(a, b) + one_way(b, a)) / 2


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 10**6),
    st.sampled_from(["none", "leaky_relu"]),
    st.floats(0.1, 10),
    st.integers(1, 4),
)
@example(415, "none", 0.1, 1)  # logits as low as -740
def test_the_loss_by_loops(seed, activation, temperature, n_items):
    rng = np.random.default_rng(seed)
    true, decoded, rows = (rng.standard_normal((n, 3)) for n in (7, 7, 2))
    items = rng.integers(0, n_items, 7)
    expected = loss_by_loops(
        true, decoded, rows, items, temperature, 0.05 if activation == "leaky_relu" else 1
    )
    found = component_loss(
        true, decoded, rows, items=items, activation=activation, temperature=temperature
    )
    assert found == pytest.approx(expected, abs=1e-9)


def test_without_items_equal_true_rows_are_one_picture():
    true, decoded = pairs(n=12)
    true = np.repeat(true[:4], 3, axis=0)
    rows = np.eye(10)[:3]
    names = np.repeat(["a", "b", "c", "d"], 3)
    assert component_loss(true, decoded, rows) == component_loss(true, decoded, rows, items=names)
    assert component_loss(true, decoded, rows, items=np.arange(12)) > component_loss(
        true, decoded, rows
    )


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_other_axes_of_linear_components_have_the_same_loss_and_accuracy(seed, k):
    true, decoded = pairs(seed, n=40)
    rows = np.random.default_rng(seed).standard_normal((k, 10))
    turned = rotation(k, seed) @ rows
    assert component_loss(true, decoded, turned) == pytest.approx(
        component_loss(true, decoded, rows), rel=1e-9
    )
    accuracy = [
        recall_at_k(decoded @ w.T, true @ w.T, np.arange(40), [1])[0] for w in (rows, turned)
    ]
    assert accuracy[0] == accuracy[1]


def test_leaky_relu_and_rows_of_other_lengths_break_the_tie():
    true, decoded = pairs(n=40)
    rows = np.random.default_rng(0).standard_normal((4, 10))
    turned = rotation(4, 1) @ rows
    losses = [component_loss(true, decoded, w, activation="leaky_relu") for w in (rows, turned)]
    assert abs(losses[0] - losses[1]) > 1e-3
    unit = [w / np.linalg.norm(w, axis=1, keepdims=True) for w in (rows, turned)]
    losses = [component_loss(true, decoded, w) for w in unit]
    assert abs(losses[0] - losses[1]) > 1e-3


# What is learned


@pytest.mark.parametrize("activation", ["none", "leaky_relu"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_decodable_dimensions_are_found(activation, seed):
    true, decoded = pairs(seed, n=800)
    model = DecodableComponents(4, activation, random_state=seed).fit(true, decoded)
    assert subspace_agreement(model.components_, np.eye(10)[:4]) > 0.9
    assert model.loss_curve_[-20:].mean() < 0.9 * model.loss_curve_[:20].mean()


def test_two_seeds_find_one_subspace_and_other_rows():
    true, decoded = pairs(n=800)
    first, second = (DecodableComponents(4, random_state=s).fit(true, decoded) for s in (0, 1))
    assert subspace_agreement(first.components_, second.components_) > 0.97
    cosines = np.abs(first.components_ @ second.components_.T)
    assert cosines.max(axis=1).mean() < 0.95


def test_a_fit_is_repeated_by_its_seed_and_leaves_torch_alone():
    true, decoded = pairs(n=100)
    model = DecodableComponents(3, n_steps=5, random_state=7)
    torch.manual_seed(11)
    state = torch.get_rng_state()
    n_threads = torch.get_num_threads()
    first = clone(model).fit(true, decoded)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == n_threads
    with torch.no_grad():
        second = clone(model).fit(true, decoded)
    np.testing.assert_array_equal(first.components_, second.components_)
    other = clone(model).set_params(random_state=8).fit(true, decoded)
    assert not np.allclose(first.components_, other.components_)


def test_the_first_step_has_the_loss_of_the_start():
    """Rows, scale and mean describe what was trained."""
    true, decoded = pairs(n=60)
    model = DecodableComponents(5, "leaky_relu", n_steps=1, lr=1e-9, temperature=0.7)
    model.fit(true, decoded)
    rows = model.scale_[:, None] * model.components_
    loss = component_loss(
        true - model.mean_, decoded - model.mean_, rows, activation="leaky_relu", temperature=0.7
    )
    assert model.loss_curve_[0] == pytest.approx(loss, rel=1e-5)
    np.testing.assert_allclose(np.linalg.norm(model.components_, axis=1), 1)


@pytest.mark.parametrize("n_dims", [40, 512])
def test_rows_start_at_their_norm(n_dims):
    true, decoded = pairs(n=20, n_dims=n_dims)
    model = DecodableComponents(64, n_steps=1, lr=1e-9).fit(true, decoded)
    assert model.scale_.mean() == pytest.approx(2, rel=0.05)


def test_repetitions_of_a_picture_are_no_negatives():
    """If they were, a decoder that knows the picture alone would have to tell them apart."""
    rng = np.random.default_rng(0)
    items = np.repeat(np.arange(40), 5)
    true = rng.standard_normal((40, 6))[items] / 2
    decoded = true + 0.01 * rng.standard_normal(true.shape)
    model = DecodableComponents(6, n_steps=200, batch_size=200)
    losses = [
        clone(model).fit(true, decoded, items=one).loss_curve_[-1]
        for one in (items, np.arange(200), None)
    ]
    assert losses[0] < 0.2
    assert losses[1] > math.log(5)
    assert losses[2] == losses[0]


def test_scores_are_what_is_compared():
    true, decoded = pairs(n=50)
    linear = DecodableComponents(3, n_steps=2).fit(true, decoded)
    expected = (true - true.mean(axis=0)) @ (linear.scale_[:, None] * linear.components_).T
    np.testing.assert_allclose(linear.transform(true), expected)
    leaky = DecodableComponents(3, "leaky_relu", n_steps=2).fit(true, decoded)
    raw = (true - true.mean(axis=0)) @ (leaky.scale_[:, None] * leaky.components_).T
    np.testing.assert_allclose(leaky.transform(true), np.where(raw > 0, raw, 0.05 * raw))
    np.testing.assert_array_equal(leaky.transform_decoded(decoded), leaky.transform(decoded))


def test_the_leading_directions_are_those_along_which_rows_are_longest():
    true, decoded = pairs(n=400)
    model = DecodableComponents(8).fit(true, decoded)
    rows = model.scale_[:, None] * model.components_
    for n in (1, 4, 8):
        directions = model.subspace(n)
        np.testing.assert_allclose(directions @ directions.T, np.eye(n), atol=1e-12)
        values = np.linalg.svd(rows, compute_uv=False)[:n]
        np.testing.assert_allclose(np.linalg.norm(rows @ directions.T, axis=0), values)
    assert subspace_agreement(model.subspace(), model.components_) == pytest.approx(1)
    assert DecodableComponents(12, n_steps=2).fit(true, decoded).subspace().shape == (10, 10)


# The face of the estimators


@pytest.mark.parametrize("model", ALL, ids=lambda model: type(model).__name__)
def test_estimator_conventions(model):
    for check in (
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_estimator_cloneable,
    ):
        check(type(model).__name__, model)
    for call in (lambda: model.transform(np.eye(3)), model.subspace):
        with pytest.raises(ValueError, match="not fitted"):
            call()


@pytest.mark.parametrize("model", ALL[:3], ids=lambda model: type(model).__name__)
def test_fit_returns_self_and_leaves_its_arguments(model):
    true, decoded = pairs(n=60)
    given_true, given_decoded = true.copy(), decoded.copy()
    model = clone(model).set_params(n_components=4)
    assert model.fit(true, decoded, items=np.arange(60)) is model
    np.testing.assert_array_equal(true, given_true)
    np.testing.assert_array_equal(decoded, given_decoded)
    assert model.n_features_in_ == 10
    assert model.components_.shape == (4, 10)
    np.testing.assert_allclose(np.linalg.norm(model.components_, axis=1), 1)
    np.testing.assert_array_equal(clone(model).fit_transform(true, decoded), model.transform(true))
    table = model.set_output(transform="pandas").transform(true)
    assert list(table.columns) == [f"{type(model).__name__.lower()}{k}" for k in range(4)]
    assert "components_" not in vars(clone(model))


# Bad input


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": 0}, "n_components=0"),
        ({"n_components": 2.5}, "n_components=2.5"),
        ({"activation": "relu"}, "activation='relu': expected one of 'none', 'leaky_relu'"),
        ({"temperature": 0}, "temperature=0: expected a finite number above 0"),
        ({"temperature": np.inf}, "temperature=inf"),
        ({"lr": "fast"}, "lr='fast'"),
        ({"lr": True}, "lr=True"),
        ({"start_norm": -1}, "start_norm=-1"),
        ({"n_steps": 0}, "n_steps=0"),
        ({"batch_size": 1}, "batch_size=1"),
        ({"random_state": -1}, "random_state=-1"),
        ({"random_state": None}, "random_state=None"),
    ],
)
def test_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        DecodableComponents(**parameters).fit(*pairs(n=20))


@pytest.mark.parametrize("model", ALL[:3], ids=lambda model: type(model).__name__)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t, d: {"true": t[0]}, r"true has shape \(10,\)"),
        (lambda t, d: {"true": t[:1]}, "2 or more rows"),
        (lambda t, d: {"decoded": d[:-1]}, "true has 30 rows and decoded 29"),
        (lambda t, d: {"decoded": d[:, :-1]}, "decoded has 9 columns; expected 10"),
        (lambda t, d: {"decoded": np.full_like(d, np.nan)}, "decoded holds NaN .* 30 of 30 rows"),
        (lambda t, d: {"true": t.astype(str)}, "true must hold real numbers"),
        (lambda t, d: {"items": np.zeros(29, int)}, r"items has shape \(29,\)"),
        (lambda t, d: {"items": np.zeros(30)}, "type float64; expected the picture"),
    ],
)
def test_arrays(model, change, message):
    true, decoded = pairs(n=30)
    arguments = {"true": true, "decoded": decoded, **change(true, decoded)}
    with pytest.raises(ValueError, match=message):
        clone(model).set_params(n_components=3).fit(**arguments)


def test_one_picture_alone_cannot_be_told_from_others():
    true, decoded = pairs(n=20)
    with pytest.raises(ValueError, match="all trials show one picture"):
        DecodableComponents().fit(true, decoded, items=np.zeros(20, int))
    with pytest.raises(ValueError, match="all trials show one picture"):
        DecodableComponents().fit(np.ones((20, 10)), decoded)


def test_a_loss_that_diverges_is_named():
    true, decoded = pairs(n=20)
    with pytest.raises(ValueError, match=r"The loss became .* lower lr=1e\+30"):
        DecodableComponents(lr=1e30).fit(true, decoded)


def test_scores_and_subspaces_that_cannot_be():
    true, decoded = pairs(n=60)
    model = DecodableComponents(3, n_steps=2).fit(true, decoded)
    for method in (model.transform, model.transform_decoded):
        with pytest.raises(ValueError, match="X has 9 columns; expected 10"):
            method(true[:, :9])
        with pytest.raises(ValueError, match="X holds NaN"):
            method(np.full((2, 10), np.nan))
    with pytest.raises(ValueError, match="n=4: expected at most 3"):
        model.subspace(4)
    with pytest.raises(ValueError, match="rows has 9 columns"):
        component_loss(true, decoded, np.eye(9))
    with pytest.raises(ValueError, match="temperature=-1"):
        component_loss(true, decoded, np.eye(10), temperature=-1)
    with pytest.raises(ValueError, match="activation='tanh'"):
        component_loss(true, decoded, np.eye(10), activation="tanh")


def test_the_gallery_of_repeated_trials_is_of_distinct_scores():
    """Scores of one picture are one row, so that the course's top-1 can be asked of them."""
    items = np.repeat(np.arange(20), 3)
    true, decoded = (part[:60] for part in pairs(n=60))
    true = true[items]
    model = DecodableComponents(3, n_steps=2).fit(true, decoded, items=items)
    gallery, images = distinct_embeddings(model.transform(true), items)
    assert gallery.shape == (20, 3)
    np.testing.assert_array_equal(images, np.arange(20))
