from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.contrastive import (
    ContrastiveLoss,
    _terms,
    alignment,
    clip_loss,
    cross_uniformity,
    losses,
    uniformity,
)

ITEMS = [3, 1, 3, 7, 3, 1]
TERMS = ["clip", "alignment", "uniformity", "cross_uniformity"]


def unit_rows(rng, *shape, dtype=torch.float64):
    x = rng.standard_normal(shape)
    return torch.from_numpy(x / np.linalg.norm(x, axis=-1, keepdims=True)).to(dtype)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# Oracles: the formulas, pair by pair, in plain Python.


def squared_distance(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


def plain_clip(u, v, temperature, items=None):
    n = len(u)
    items = range(n) if items is None else items
    total = 0.0
    for queries, targets in ((u, v), (v, u)):
        for i in range(n):
            competitors = [j for j in range(n) if j == i or items[j] != items[i]]
            cosine = {j: float(np.dot(queries[i], targets[j])) for j in competitors}
            odds = sum(math.exp((cosine[j] - cosine[i]) / temperature) for j in competitors)
            total += math.log(odds)
    return total / (2 * n)


def plain_alignment(u, v):
    return sum(squared_distance(a, b) for a, b in zip(u, v, strict=True)) / len(u)


def plain_uniformity(x):
    pairs = list(itertools.combinations(x, 2))
    return math.log(sum(math.exp(-2 * squared_distance(a, b)) for a, b in pairs) / len(pairs))


def plain_cross_uniformity(u, v, items=None):
    items = range(len(u)) if items is None else items
    pairs = [
        (u[i], v[j])
        for i in range(len(u))
        for j in range(len(u))
        if i != j and items[i] != items[j]
    ]
    return math.log(sum(math.exp(-2 * squared_distance(a, b)) for a, b in pairs) / len(pairs))


def plain_terms(u, v, temperature, items=None):
    u, v = u.numpy(), v.numpy()
    return {
        "clip": plain_clip(u, v, temperature, items),
        "alignment": plain_alignment(u, v),
        "uniformity": (plain_uniformity(u) + plain_uniformity(v)) / 2,
        "cross_uniformity": plain_cross_uniformity(u, v, items),
    }


@pytest.mark.parametrize("items", [None, ITEMS])
@pytest.mark.parametrize(("d", "temperature"), [(2, 1.0), (3, 0.07), (20, 0.01)])
def test_every_term_equals_its_formula(rng, items, d, temperature):
    u, v = unit_rows(rng, 6, d), unit_rows(rng, 6, d)
    ids = None if items is None else torch.tensor(items)
    expected = plain_terms(u, v, temperature, items)
    terms = ContrastiveLoss(temperature=temperature).terms(u, v, ids)
    assert set(terms) == set(expected)
    for name, value in expected.items():
        assert float(terms[name]) == pytest.approx(value, abs=1e-10, rel=1e-10), name
    alone = {
        "clip": clip_loss(u, v, temperature=temperature, items=ids),
        "alignment": alignment(u, v),
        "uniformity": (uniformity(u) + uniformity(v)) / 2,
        "cross_uniformity": cross_uniformity(u, v, ids),
    }
    torch.testing.assert_close(terms, alone, rtol=0, atol=0)


def test_leading_dimensions_are_independent_runs(rng):
    u, v = unit_rows(rng, 2, 3, 6, 5), unit_rows(rng, 2, 3, 6, 5)
    temperature = torch.tensor([0.05, 0.2, 1.0], dtype=torch.float64)
    loss = ContrastiveLoss.named("cuaxu", temperature=temperature)
    terms = loss.terms(u, v, torch.tensor(ITEMS))
    for run in itertools.product(range(2), range(3)):
        expected = plain_terms(u[run], v[run], float(temperature[run[1]]), ITEMS)
        for name, value in expected.items():
            assert terms[name].shape == (2, 3)
            assert float(terms[name][run]) == pytest.approx(value, rel=1e-10, abs=1e-10), name
    torch.testing.assert_close(loss(u, v, torch.tensor(ITEMS)), sum(terms.values()))


@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(2, 9), d=st.integers(1, 6), tau=st.floats(0.01, 2)
)
@settings(deadline=None, max_examples=40)
def test_invariants(seed, n, d, tau):
    rng = np.random.default_rng(seed)
    u, v = unit_rows(rng, n, d), unit_rows(rng, n, d)
    loss = ContrastiveLoss(temperature=tau)
    terms = loss.terms(u, v)
    order = torch.from_numpy(rng.permutation(n))
    rotation = torch.linalg.qr(torch.from_numpy(rng.standard_normal((d, d)))).Q
    same = [
        loss.terms(v, u),
        loss.terms(u[order], v[order]),
        loss.terms(u @ rotation, v @ rotation),
        loss.terms(u, v, torch.from_numpy(rng.permutation(n))),
    ]
    for other in same:
        torch.testing.assert_close(terms, other, rtol=1e-8, atol=1e-8)
    assert terms["clip"] >= 0
    assert 0 <= terms["alignment"] <= 4 + 1e-9
    assert -8 - 1e-9 <= terms["uniformity"] <= 1e-9
    assert -8 - 1e-9 <= terms["cross_uniformity"] <= 1e-9
    torch.testing.assert_close(uniformity(u), cross_uniformity(u, u))


# Weights


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("clip", ["clip"]),
        ("cua", ["clip", "alignment", "uniformity"]),
        ("cuaxu", TERMS),
    ],
)
@pytest.mark.parametrize("training", [True, False])
def test_named_losses_are_sums_of_terms(rng, name, expected, training):
    u, v = unit_rows(rng, 6, 5), unit_rows(rng, 6, 5)
    loss = ContrastiveLoss.named(name, temperature=0.1).train(training)
    values = plain_terms(u, v, 0.1)
    assert float(loss(u, v)) == pytest.approx(sum(values[term] for term in expected), rel=1e-10)
    assert [term for term, weight in loss.weights.items() if weight] == expected


def test_weights_scale_the_terms(rng):
    u, v = unit_rows(rng, 6, 5), unit_rows(rng, 6, 5)
    loss = ContrastiveLoss.named("cua", uniformity=0.25, cross_uniformity=3, temperature=0.5)
    values = plain_terms(u, v, 0.5)
    expected = (
        values["clip"]
        + values["alignment"]
        + 0.25 * values["uniformity"]
        + 3 * values["cross_uniformity"]
    )
    assert float(loss(u, v)) == pytest.approx(expected, rel=1e-10)
    assert "uniformity=0.25" in repr(loss)
    assert "temperature=0.5" in repr(loss)


@pytest.mark.parametrize(("name", "n_products"), [("clip", 1), ("cua", 3), ("cuaxu", 3)])
def test_the_cross_term_takes_no_product_of_its_own(rng, monkeypatch, name, n_products):
    counted = []

    def product(a, b):
        counted.append(a.shape)
        return a @ b

    monkeypatch.setattr(losses, "product", product)
    monkeypatch.setattr(_terms, "product", product)
    ContrastiveLoss.named(name)(unit_rows(rng, 6, 5), unit_rows(rng, 6, 5))
    assert len(counted) == n_products


# Gradients


@pytest.mark.parametrize("items", [None, ITEMS])
@pytest.mark.parametrize("runs", [(), (2,)])
@pytest.mark.parametrize("term", TERMS)
def test_gradients(rng, term, runs, items):
    u, v = unit_rows(rng, *runs, 6, 3), unit_rows(rng, *runs, 6, 3)
    u.requires_grad_()
    v.requires_grad_()
    ids = None if items is None else torch.tensor(items)
    temperature = torch.full(runs, 0.3, dtype=torch.float64, requires_grad=True)
    functions = {
        "clip": lambda u, v, t: clip_loss(u, v, temperature=t, items=ids),
        "alignment": lambda u, v, t: alignment(u, v) + 0 * t,
        "uniformity": lambda u, v, t: uniformity(u) + 2 * uniformity(v) + 0 * t,
        "cross_uniformity": lambda u, v, t: cross_uniformity(u, v, ids) + 0 * t,
    }
    assert torch.autograd.gradcheck(functions[term], (u, v, temperature))


def test_gradients_of_the_whole_loss(rng):
    u, v = unit_rows(rng, 2, 6, 3).requires_grad_(), unit_rows(rng, 2, 6, 3).requires_grad_()
    loss = ContrastiveLoss.named("cuaxu", alignment=0.5, temperature=0.2)
    assert torch.autograd.gradcheck(lambda u, v: loss(u, v, torch.tensor(ITEMS)), (u, v))


def test_second_derivatives_are_refused_rather_than_wrong(rng):
    u = unit_rows(rng, 6, 3).requires_grad_()
    v = unit_rows(rng, 6, 3)
    for value in (uniformity(u), cross_uniformity(u, v), ContrastiveLoss.named("cua")(u, v)):
        with pytest.raises(NotImplementedError, match="first derivatives only"):
            torch.autograd.grad(value, u, create_graph=True)


# Numbers


def test_uniformity_does_not_hang_on_its_diagonal():
    antipodes = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert float(uniformity(antipodes)) == pytest.approx(-8, abs=1e-6)
    assert float(cross_uniformity(antipodes, antipodes)) == pytest.approx(-8, abs=1e-6)
    n = 400  # float32: taking n ones off a sum would leave an error of 1e-2 in the kernel
    spokes = torch.eye(n)
    assert float(uniformity(spokes)) == pytest.approx(-4, abs=1e-6)
    assert float(uniformity(torch.ones(3, 1))) == pytest.approx(0, abs=1e-6)


def test_clip_loss_is_stable_at_low_temperatures(rng):
    u = unit_rows(rng, 8, 4, dtype=torch.float32).requires_grad_()
    v = -u.detach()
    loss = clip_loss(u, v, temperature=1e-4)
    assert loss.item() == pytest.approx(
        float(clip_loss(u.detach().double(), v.double(), temperature=1e-4)), rel=1e-5
    )
    assert loss.item() > 1e3
    (gradient,) = torch.autograd.grad(loss, u)
    assert gradient.isfinite().all()
    perfect = torch.eye(8)
    assert float(clip_loss(perfect, perfect, temperature=0.01)) == pytest.approx(0, abs=1e-6)
    chance = torch.ones(8, 1)
    assert float(clip_loss(chance, chance, temperature=0.01)) == pytest.approx(
        math.log(8), abs=1e-4
    )


def test_autocast_does_not_lower_the_precision(rng):
    u, v = unit_rows(rng, 16, 8, dtype=torch.float32), unit_rows(rng, 16, 8, dtype=torch.float32)
    loss = ContrastiveLoss.named("cuaxu")
    outside = loss.terms(u, v)
    inputs = [x.clone().requires_grad_() for x in (u, v)]
    with torch.autocast("cpu", torch.bfloat16):
        inside = loss.terms(*inputs)
    gradients = torch.autograd.grad(sum(inside.values()), inputs)
    torch.testing.assert_close(inside, outside, rtol=1e-6, atol=1e-6)
    plain = [x.clone().requires_grad_() for x in (u, v)]
    torch.testing.assert_close(
        gradients, torch.autograd.grad(loss(*plain), plain), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(rng, dtype):
    u, v = (unit_rows(rng, 16, 8, dtype=torch.float32).to(dtype) for _ in range(2))
    u.requires_grad_()
    loss = ContrastiveLoss.named("cuaxu", temperature=0.1)(u, v)
    assert loss.dtype == torch.float32
    # of the rows as rounded; their lengths are off 1 by up to 2e-3
    exact = plain_terms(u.detach().double(), v.double(), 0.1)
    assert loss.item() == pytest.approx(sum(exact.values()), abs=0.01)
    loss.backward()
    assert u.grad.dtype == dtype
    assert clip_loss(u, unit_rows(rng, 16, 8), temperature=0.1).dtype == torch.float64


# Items


def test_distinct_items_change_nothing_and_equal_ones_are_no_negatives(rng):
    u, v = unit_rows(rng, 6, 5), unit_rows(rng, 6, 5)
    loss = ContrastiveLoss.named("cuaxu", temperature=0.1)
    torch.testing.assert_close(loss(u, v, torch.tensor([5, 3, 9, 0, 2, 1])), loss(u, v))
    # Two pairs of one caption: their rows of v may coincide at no cost.
    v[1] = v[0]
    u[1] = u[0]
    with_items = clip_loss(u, v, temperature=0.1, items=torch.tensor([0, 0, 1, 2, 3, 4]))
    u.requires_grad_()
    gradient = torch.autograd.grad(
        clip_loss(u, v, temperature=0.1, items=torch.zeros(6, dtype=torch.long)), u
    )[0]
    assert with_items < clip_loss(u, v, temperature=0.1)
    assert torch.count_nonzero(gradient) == 0  # nothing but positives is left


# The temperature


def test_learned_temperature_comes_back_into_its_range(rng):
    u, v = unit_rows(rng, 6, 5), unit_rows(rng, 6, 5)
    loss = ContrastiveLoss(temperature=0.07, learn_temperature=True)
    assert list(loss.state_dict()) == ["logit_scale"]
    assert float(loss.temperature) == pytest.approx(0.07)
    assert loss(u, v).item() == pytest.approx(plain_terms(u, v, 0.07)["clip"], rel=1e-5)
    for scale, temperature in ((9.0, 0.01), (-3.0, 1.0)):
        with torch.no_grad():
            loss.logit_scale.fill_(scale)
        assert float(loss.temperature) == pytest.approx(temperature)
        loss.zero_grad()
        value = loss(u, v)
        value.backward()
        assert value.item() == pytest.approx(plain_terms(u, v, temperature)["clip"], rel=1e-5)
        assert float(loss.logit_scale.detach().neg().exp()) == pytest.approx(temperature)
        assert loss.logit_scale.grad.abs() > 0  # so it can come back


def test_a_fixed_temperature_is_no_parameter():
    for temperature in (0.05, torch.tensor([0.05, 0.1])):
        loss = ContrastiveLoss(temperature=temperature)
        assert list(loss.parameters()) == []
        assert loss.state_dict() == {}
        torch.testing.assert_close(loss.temperature, temperature)


def test_one_learned_temperature_a_run(rng):
    u, v = unit_rows(rng, 2, 6, 5), unit_rows(rng, 2, 6, 5)
    loss = ContrastiveLoss(temperature=torch.tensor([0.1, 0.5]), learn_temperature=True)
    loss(u, v).sum().backward()
    separate = [clip_loss(u[i], v[i], temperature=t) for i, t in enumerate((0.1, 0.5))]
    torch.testing.assert_close(loss(u, v), torch.stack(separate), rtol=1e-5, atol=1e-6)
    assert loss.logit_scale.grad.shape == (2,)


def test_runs_may_have_items_of_their_own(rng):
    u, v = (
        torch.nn.functional.normalize(torch.from_numpy(rng.standard_normal((2, 3, 8, 5))), dim=-1)
        for _ in range(2)
    )
    items = torch.from_numpy(rng.integers(0, 5, (2, 3, 8)))
    losses = clip_loss(u, v, temperature=0.1, items=items)
    crosses = cross_uniformity(u, v, items)
    for run in np.ndindex(2, 3):
        one = [x[run].numpy() for x in (u, v)]
        of_run = items[run].tolist()
        assert float(losses[run]) == pytest.approx(plain_clip(*one, 0.1, of_run), abs=1e-10)
        assert float(crosses[run]) == pytest.approx(plain_cross_uniformity(*one, of_run), abs=1e-10)
