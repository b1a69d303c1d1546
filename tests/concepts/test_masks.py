"""Voxel masks: against all masks there are, a gradient by hand, and planted patches.

Bounds stand as they were written before the first run.
"""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from sdc_helpers._checks import unit_rows
from sdc_helpers.concepts import VoxelMask, choose_sparsity, sparsity_path
from sdc_helpers.concepts._frozen_decoders import LayeredReadout, LinearReadout, freeze
from sdc_helpers.concepts._mask_inputs import check_trials
from sdc_helpers.concepts._mask_training import ClampedGates, HardConcreteGates, Problem
from sdc_helpers.decoding import ContrastiveDecoder, RidgeDecoder

PATCH, N_VOXELS = 20, 360


@pytest.fixture(scope="module")
def people():
    """Three concepts of 20 voxels each among 360; a decoder and trials it did not see."""
    rng = np.random.default_rng(3)
    Y = unit_rows(rng.normal(size=(900, 3)))
    patches = np.arange(N_VOXELS) // PATCH == np.arange(3)[:, None]
    X = 1.5 * Y @ patches + rng.normal(size=(900, N_VOXELS))
    decoder = RidgeDecoder(alphas=[300.0]).fit(X[:600], Y[:600])
    return SimpleNamespace(X=X[600:], Y=Y[600:], W=np.eye(3), decoder=decoder, patches=patches)


@pytest.fixture(scope="module")
def network(people):
    rng = np.random.default_rng(4)
    Y = unit_rows(rng.normal(size=(600, 3)))
    X = 1.5 * Y @ people.patches + rng.normal(size=(600, N_VOXELS))
    decoder = ContrastiveDecoder(
        hidden=16, n_runs=2, n_steps=150, batch_size=100, lr=0.01, temperature=0.1
    )
    return decoder.fit(X, Y)


def dice(first, second):
    return 2 * (first & second).sum(axis=-1) / (first.sum(axis=-1) + second.sum(axis=-1))


def correlation(a, b):
    """Pearson's r as a sum over trials; 0 where a side is constant."""
    a, b = a - a.mean(), b - b.mean()
    return 0.0 if np.ptp(a) == 0 or np.ptp(b) == 0 else float(a @ b / np.sqrt((a @ a) * (b @ b)))


# ------------------------------------------------------------------ what is optimised


def score_of(objective, mask, X, scores, v, sparsity, noise):
    """Score a mask by what the objective is of many trials, written anew for one component."""

    def r(weights):
        read = X @ weights - (X @ weights).mean()
        variance = read @ read + len(X) * noise**2 * (weights @ weights)
        return 0.0 if variance == 0 else (scores - scores.mean()) @ read / np.sqrt(variance)

    kept, left = (
        r(v * doors) / np.linalg.norm(scores - scores.mean()) for doors in (mask, 1 - mask)
    )
    data = {"remove": max(0, left), "keep": -kept, "both": max(0, left) - kept}[objective]
    return data + sparsity * mask.mean()


def distances_to_the_best(objective, sparsity, noise):
    """How much worse the mask found is than the best of 256, in six problems of eight voxels.

    Four voxels carry the concept, each with its own strength, all share noise that weights cancel.
    """
    apart = []
    for seed in range(6):
        rng = np.random.default_rng([12, seed])
        Y = rng.normal(size=(300, 2))
        strength = np.where(np.arange(8) < 4, rng.uniform(0.3, 1.5, 8), 0)
        X = Y[:, :1] * strength + 0.7 * Y[:, 1:] * rng.normal(size=8) + rng.normal(size=(300, 8))
        X = X.astype(np.float32).astype(float)
        weights = np.linalg.lstsq(X, Y, rcond=None)[0]
        mask = VoxelMask(objective, noise=noise, sparsity=sparsity, n_steps=300, random_state=seed)
        found = mask.fit(X, Y, (weights, np.zeros(2)), np.eye(2)[:1]).mask_[0]
        scores = {
            bits: score_of(objective, np.array(bits), X, Y[:, 0], weights[:, 0], sparsity, noise)
            for bits in itertools.product([0, 1], repeat=8)
        }
        apart.append(scores[tuple(found.astype(int).tolist())] - min(scores.values()))
    return np.sort(apart)


@pytest.mark.parametrize("objective", ["remove", "keep", "both"])
def test_hardly_a_mask_of_all_256_is_better(objective):
    """Without noise, at a price of .04 a voxel. Bound: at least 4 of 6 within .03 of the best."""
    assert (distances_to_the_best(objective, 0.3, 0) <= 0.03).sum() >= 4


def test_without_noise_dear_gates_close_before_they_are_needed():
    """A limit of the method: where each voxel costs .12, redundant ones close one by one.

    None of them is missed while others are open, and r does not see the scale of what is left, so
    no gradient opens them again. Noise makes the scale count.
    """
    stuck, noisy = (distances_to_the_best("remove", 1.0, noise).mean() for noise in (0, 4))
    assert noisy < 0.1 < stuck


def gradient_by_hand(objective, gates, X, scores, v, b):
    """Of the loss of one component in its gates, by the quotient rule."""

    def of_r(doors, relu):
        read = X @ (v * doors) + b
        target, on = (np.maximum(scores, 0), read > 0) if relu else (scores, np.ones(len(X), bool))
        out = np.where(on, read, 0)
        a, c = target - target.mean(), out - out.mean()
        na, nc = np.sqrt(a @ a), np.sqrt(c @ c)
        r = a @ c / (na * nc)
        inner = a / (na * nc) - r * c / nc**2  # both are centred, so the mean's part is 0
        return r, v * (X.T @ (inner * on))

    if objective == "published":
        return -of_r(gates, True)[1]
    (_, kept), (r_left, left) = of_r(gates, False), of_r(1 - gates, False)
    removed = -left * (r_left > 0)
    return {"remove": removed, "keep": -kept, "both": removed - kept}[objective]


@pytest.mark.parametrize("objective", ["remove", "keep", "both", "published"])
def test_the_gradient_by_hand(objective):
    rng = np.random.default_rng(5)
    X, scores = rng.normal(size=(60, 7)), rng.normal(size=(2, 60))
    X += 0.4 * scores[0][:, None]
    V, b, gates = rng.normal(size=(2, 7)) + 0.5, rng.normal(size=(2, 1)), rng.random((2, 7))
    readout = LinearReadout(torch.from_numpy(V), torch.from_numpy(b))
    problem = Problem.of(readout, torch.from_numpy(X), torch.from_numpy(scores), objective)
    doors = torch.from_numpy(gates).requires_grad_()
    problem.terms(doors, slice(None), None).loss.sum().backward()
    for k in range(2):
        expected = gradient_by_hand(objective, gates[k], X, scores[k], V[k], b[k])
        np.testing.assert_allclose(doors.grad[k], expected, rtol=1e-9, atol=1e-12)


def test_gates_and_their_gradient_by_hand():
    """The stretched concrete distribution and the chance that a gate is open, as in the paper."""
    gates = HardConcreteGates(2, 5, "cpu")
    logits = np.random.default_rng(0).normal(size=(2, 5))
    gates.values = torch.from_numpy(logits).requires_grad_()
    drawn = gates.sample(torch.Generator().manual_seed(0))
    u = torch.rand(5, generator=torch.Generator().manual_seed(0)).numpy().astype(float)
    s = 1 / (1 + np.exp(-(np.log(u / (1 - u)) + logits) / (2 / 3)))
    stretched = s * 1.2 - 0.1
    np.testing.assert_allclose(drawn.detach(), np.clip(stretched, 0, 1), atol=1e-5)
    drawn.sum().backward()
    inside = (stretched > 0) & (stretched < 1)
    np.testing.assert_allclose(gates.values.grad, inside * 1.2 * s * (1 - s) * 1.5, atol=1e-5)
    gates.values.grad = None
    gates.open_share().sum().backward()
    p = 1 / (1 + np.exp(-(logits - 2 / 3 * np.log(0.1 / 1.1))))
    np.testing.assert_allclose(gates.open_share().detach(), p.mean(axis=1))
    np.testing.assert_allclose(gates.values.grad, p * (1 - p) / 5)


def test_the_open_share_is_how_often_gates_are_open():
    gates = HardConcreteGates(1, 20_000, "cpu")
    with torch.no_grad():
        gates.values += 0.3
    drawn = gates.sample(torch.Generator().manual_seed(1))
    share = float(gates.open_share().detach()[0])
    assert abs(float((drawn > 0).float().mean()) - share) < 4 * np.sqrt(share * (1 - share) / 2e4)


def test_clamped_gates_start_at_half_and_stay_between_0_and_1():
    gates = ClampedGates(1, 3, "cpu")
    assert gates.soft().tolist() == [[0.5] * 3]
    with torch.no_grad():
        gates.values += torch.tensor([[-1.0, 0.1, 1.0]])
    gates.settle()
    np.testing.assert_allclose(gates.soft(), [[0, 0.6, 1]])


def test_noise_of_a_linear_readout_is_that_of_noisy_voxels(people):
    """The mean gradient over 400 draws of either kind, within four standard errors."""
    trials = check_trials(people.X[:60], people.Y[:60], people.W)
    readout = freeze(people.decoder, trials.components, N_VOXELS)
    x, scores = torch.from_numpy(trials.X), torch.from_numpy(trials.scores).float()
    problem = Problem.of(readout, x, scores, "both")
    generator = torch.Generator().manual_seed(0)
    gates = torch.rand(3, N_VOXELS, generator=generator)

    def gradients(noisy_voxels):
        found = []
        for _ in range(400):
            doors = gates.clone().requires_grad_()
            if noisy_voxels:
                noise, seen = None, x + 2 * torch.randn(x.shape, generator=generator)
            else:
                noise, seen = readout.draw_noise(60, 2.0, generator), x
            one = Problem(readout, seen, scores, "both", problem.least)
            one.terms(doors, slice(None), noise).loss.sum().backward()
            found.append(doors.grad.numpy())
        return np.array(found, dtype=float)

    ours, plain = gradients(False), gradients(True)
    error = np.sqrt(ours.var(axis=0) / 400 + plain.var(axis=0) / 400)
    z = (ours.mean(axis=0) - plain.mean(axis=0)) / error
    assert np.abs(z).max() < 4.5  # of 240 numbers
    assert np.sqrt(np.mean(z**2)) < 1.3
    assert ours.var(axis=0).mean() < plain.var(axis=0).mean()


# ------------------------------------------------------------------ decoders


def test_readouts_are_the_decoders_own(people, network):
    eye = np.eye(3)
    for decoder, x in ((people.decoder, people.X), (clone(network).set_params(n_runs=1), None)):
        if x is None:
            x, decoder = people.X, decoder.fit(people.X, people.Y)
        readout = freeze(decoder, eye, N_VOXELS, dtype=torch.float64)
        read = readout(torch.from_numpy(x), torch.ones(3, N_VOXELS, dtype=torch.float64))
        np.testing.assert_allclose(unit_rows(read.T.numpy()), decoder.predict(x), atol=1e-5)


def test_a_network_read_through_gates_by_loops(people, network):
    rng = np.random.default_rng(0)
    gates, W = rng.random((2, N_VOXELS)), rng.normal(size=(2, 3))
    readout = freeze(network, W, N_VOXELS, dtype=torch.float64)
    assert isinstance(readout, LayeredReadout)
    noise = readout.draw_noise(7, 1.5, torch.Generator().manual_seed(0)).double()
    found = readout(torch.from_numpy(people.X[:7]), torch.from_numpy(gates), noise)
    (w1, b1), (w2, b2) = network.layers_
    for k, i in itertools.product(range(2), range(7)):
        x, said = (people.X[i] + noise[i].numpy()) * gates[k], 0.0
        for run in range(2):
            h = x @ w1[run] + b1[run]
            said += (np.where(h > 0, h, 0.01 * h) @ w2[run] + b2[run]) @ W[k] / 2
        assert float(found[k, i]) == pytest.approx(said, abs=1e-5)


def test_the_gradient_through_a_network(network):
    readout = freeze(network, np.eye(3)[:2], N_VOXELS, dtype=torch.float64)
    x = torch.randn(4, N_VOXELS, generator=torch.Generator().manual_seed(0)).double()
    gates = torch.rand(2, N_VOXELS, generator=torch.Generator().manual_seed(1)).double()
    assert torch.autograd.gradcheck(lambda g: readout(x, g), gates.requires_grad_())


def test_a_decoder_may_be_a_pair_of_arrays(people):
    pair = (people.decoder.coef_, people.decoder.intercept_)
    fits = [
        VoxelMask(n_steps=5).fit(people.X, people.Y, d, people.W) for d in (people.decoder, pair)
    ]
    np.testing.assert_array_equal(fits[0].gates_, fits[1].gates_)


def test_the_decoder_is_left_as_it_is(people, network):
    before = [values.copy() for layer in network.layers_ for values in layer]
    VoxelMask(n_steps=3).fit(people.X, people.Y, network, people.W)
    after = [values for layer in network.layers_ for values in layer]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


# ------------------------------------------------------------------ the estimator


@pytest.mark.parametrize("options", [{}, {"batch_size": 50}, {"gates": "clamped", "lr": 0.01}])
@pytest.mark.parametrize("kind", ["linear", "network"])
def test_a_mask_does_not_depend_on_the_others(people, network, kind, options):
    decoder = people.decoder if kind == "linear" else network
    W = unit_rows(np.random.default_rng(0).normal(size=(4, 3)))
    mask = VoxelMask(n_steps=20, **options)
    together = clone(mask).fit(people.X, people.Y, decoder, W)
    for k in range(4):
        alone = clone(mask).fit(people.X, people.Y, decoder, W[k : k + 1])
        np.testing.assert_allclose(together.gates_[k], alone.gates_[0], atol=1e-3)
    turned = clone(mask).fit(people.X, people.Y, decoder, W[::-1])
    np.testing.assert_allclose(together.gates_, turned.gates_[::-1], atol=1e-3)


def test_a_seed_makes_a_mask_and_torchs_own_state_stays(people):
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    first, second, other = (
        VoxelMask(n_steps=20, batch_size=100, random_state=seed)
        .fit(people.X, people.Y, people.decoder, people.W)
        .gates_
        for seed in (3, 3, 4)
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 0.01


def test_the_recommended_masks_are_the_patches(people):
    """Bounds: Dice at least .8 on average, .7 for each."""
    mask = VoxelMask().fit(people.X, people.Y, people.decoder, people.W)
    found = dice(mask.mask_, people.patches)
    assert found.mean() >= 0.8
    assert found.min() >= 0.7
    assert mask.gates_.dtype == np.float32
    np.testing.assert_array_equal(mask.mask_, mask.gates_ >= 0.5)


def test_the_masks_of_a_network_are_the_patches(people, network):
    """Bound: Dice at least .6 on average, with the parameters that the docstring names."""
    mask = VoxelMask(sparsity=3, noise=2, batch_size=100)
    found = dice(mask.fit(people.X, people.Y, network, people.W).mask_, people.patches)
    assert found.mean() >= 0.6


def test_the_published_objective_ends_empty_on_redundant_patches(people):
    mask = VoxelMask.published().fit(people.X, people.Y, people.decoder, people.W)
    assert not mask.mask_.any()


def test_the_size_falls_with_lambda(people):
    sizes = [
        VoxelMask(sparsity=value).fit(people.X, people.Y, people.decoder, people.W).mask_.sum()
        for value in (0.25, 1, 4, 50)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 0


@pytest.mark.parametrize("gates", ["hard_concrete", "clamped"])
@pytest.mark.parametrize("objective", ["remove", "keep", "both", "published"])
def test_closed_gates_are_no_nan(people, gates, objective):
    mask = VoxelMask(objective, gates, sparsity=100, lr=0.5, n_steps=60)
    mask.fit(people.X, people.Y, people.decoder, people.W)
    assert not mask.mask_.any()
    assert np.isfinite(mask.gates_).all()
    assert np.isfinite(mask.history_.to_numpy()).all()


def test_history_has_what_the_objective_has(people):
    columns = {"remove": ["r_left"], "keep": ["r_kept"], "both": ["r_kept", "r_left"]}
    for objective, own in columns.items():
        mask = VoxelMask(objective, n_steps=3).fit(people.X, people.Y, people.decoder, people.W)
        table = mask.history_
        assert list(table) == ["step", "component", "loss", *own, "open"]
        assert table.step.tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3]
        assert table.component.tolist() == [0, 1, 2] * 3
        terms = table.get("r_left", 0) - table.get("r_kept", 0)
        np.testing.assert_allclose(table.loss, terms + 2 * table.open, atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.01, 100), st.integers(0, 2**31 - 1))
def test_lengths_of_components_and_units_do_not_matter(people, factor, seed):
    """Without noise: the noise is in units of the responses."""
    options = {"noise": 0, "n_steps": 5, "random_state": seed}
    plain, longer = (
        VoxelMask(**options).fit(X, people.Y, people.decoder, W).gates_
        for X, W in ((people.X, people.W), (people.X * factor, people.W * factor))
    )
    np.testing.assert_allclose(plain, longer, atol=1e-3)


# ------------------------------------------------------------------ lambda without truth


def test_the_path_by_fitting_halves(people):
    items = np.repeat(np.arange(100), 3)
    mask = VoxelMask(n_steps=20)
    path = sparsity_path(
        mask, people.X, people.Y, people.decoder, people.W, items=items, sparsities=[1, 3], rng=7
    )
    assert mask.sparsity == 2.0
    first = np.isin(items, np.random.default_rng(7).permutation(100)[:50])
    masks = {
        half: clone(mask).set_params(sparsity=3)
        .fit(people.X[rows], people.Y[rows], people.decoder, people.W).mask_
        for half, rows in ((0, first), (1, ~first))
    }  # fmt: skip
    W = people.decoder.coef_
    for _, row in path[path.sparsity == 3].iterrows():
        k = int(row.component)
        kept, left = (
            np.mean(
                [
                    correlation(
                        people.Y[rows, k], people.X[rows] @ (W[:, k] * (masks[half][k] == own))
                    )
                    for half, rows in ((0, ~first), (1, first))
                ]
            )
            for own in (True, False)
        )
        assert row.r_kept == pytest.approx(kept, abs=1e-5)
        assert row.r_left == pytest.approx(left, abs=1e-5)
        assert row["size"] == (masks[0][k].sum() + masks[1][k].sum()) / 2
        a, b = masks[0][k], masks[1][k]
        chance = a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
        assert row.agreement == pytest.approx((np.mean(a == b) - chance) / (1 - chance))


def test_lambda_chosen_without_truth(people):
    """Bound: the mask of the chosen value has a Dice within .1 of the best value's."""
    values = (0.25, 0.5, 1, 2, 3, 4, 8)
    path = sparsity_path(
        VoxelMask(), people.X, people.Y, people.decoder, people.W, sparsities=values
    )
    scores = {
        value: dice(
            VoxelMask(sparsity=value).fit(people.X, people.Y, people.decoder, people.W).mask_,
            people.patches,
        ).mean()
        for value in values
    }
    assert scores[choose_sparsity(path)] >= max(scores.values()) - 0.1


def test_masks_that_are_empty_in_both_halves_do_not_agree(people):
    path = sparsity_path(
        VoxelMask(n_steps=50), people.X, people.Y, people.decoder, people.W, sparsities=[2, 100]
    )
    empty = path[path.sparsity == 100]
    assert (empty[["size", "r_kept", "agreement"]] == 0).all().all()
    np.testing.assert_allclose(empty.r_left, empty.r_full)
    assert choose_sparsity(path) == 2


def test_of_equal_values_the_largest_is_chosen():
    path = pd.DataFrame({"sparsity": [1, 1, 2, 2], "agreement": [0.5, 0.7, 0.7, 0.5]})
    assert choose_sparsity(path) == 2
    with pytest.raises(ValueError, match=r"lacks.*r_kept.*r_left"):
        choose_sparsity(path, by="difference")
    with pytest.raises(ValueError, match="path has 0 rows"):
        choose_sparsity(path[:0])
    with pytest.raises(ValueError, match="by='eye'"):
        choose_sparsity(path, by="eye")


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": "erase"}, "objective='erase': expected one of remove, keep"),
        ({"gates": "soft"}, "gates='soft'"),
        ({"sparsity": -1}, "sparsity=-1: expected a finite number of 0 or more"),
        ({"sparsity": np.nan}, "sparsity=nan"),
        ({"noise": "much"}, "noise='much'"),
        ({"lr": 0}, "lr=0: expected a finite number above 0"),
        ({"n_steps": 0}, "n_steps=0"),
        ({"batch_size": 2}, "batch_size=2"),
        ({"random_state": -1}, "random_state=-1"),
        ({"device": "abacus"}, "device='abacus'"),
    ],
)
def test_bad_parameters(people, options, message):
    with pytest.raises(ValueError, match=message):
        VoxelMask(**options).fit(people.X, people.Y, people.decoder, people.W)


def with_a(values, at, value):
    changed = np.array(values)
    changed[at] = value
    return changed


def bad_inputs():
    """What is changed of good input, and what the error says, by what is wrong."""

    def coef(p):
        return p.decoder.coef_

    def scale(at, value):
        return lambda p: {"decoder": (with_a(coef(p), at, value), np.ones(3))}

    return {
        "a constant voxel": (
            lambda p: {"responses": with_a(p.X, np.s_[:, 4], 1.0)},
            "1 of 360 voxels have one value in all trials, the first is voxel 4",
        ),
        "nan in responses": (
            lambda p: {"responses": with_a(p.X, (2, 3), np.nan)},
            "responses holds NaN or infinite values in 1 of 300 rows",
        ),
        "nan in embeddings": (
            lambda p: {"embeddings": with_a(p.Y, (2, 1), np.nan)},
            "embeddings holds NaN",
        ),
        "nan in components": (
            lambda p: {"components": with_a(p.W, (1, 1), np.nan)},
            "components holds NaN",
        ),
        "one trial": (
            lambda p: {"responses": p.X[:1], "embeddings": p.Y[:1]},
            "responses has 1 trials",
        ),
        "one axis": (lambda p: {"responses": p.X[:, 0]}, "responses has shape .*two axes"),
        "other trials": (lambda p: {"embeddings": p.Y[:9]}, r"expected \(300, 3\)"),
        "other space": (lambda p: {"components": np.eye(2)}, r"expected \(300, 2\)"),
        "no direction": (
            lambda p: {"components": with_a(p.W, 1, 0.0)},
            "components: vector 1 is zero",
        ),
        "a concept with no variance": (
            lambda p: {"embeddings": with_a(p.Y, np.s_[:, 2], 0.5)},
            "components: row 2 has one score, 0.5, on all 300 trials",
        ),
        "an unfitted decoder": (
            lambda p: {"decoder": RidgeDecoder()},
            "decoder=RidgeDecoder: expected a fitted",
        ),
        "an unfitted network": (
            lambda p: {"decoder": ContrastiveDecoder(hidden=3)},
            "Call its fit first",
        ),
        "weights transposed": (
            lambda p: {"decoder": (coef(p).T, 0)},
            r"expected \(360, n_dims\)",
        ),
        "other weights": (
            lambda p: {"decoder": (coef(p)[:, :2], np.zeros(2))},
            "components has 3 dimensions, and the decoder has 2",
        ),
        "bad weights": (scale((0, 0), np.inf), "decoder weights holds NaN"),
        "nothing is read": (
            scale(np.s_[:, 1], 0.0),
            "decoder says the same of component 1 on all 300 trials",
        ),
    }


BAD = bad_inputs()


@pytest.mark.parametrize("what", BAD)
def test_bad_input(people, what):
    change, message = BAD[what]
    arguments = {
        "responses": people.X, "embeddings": people.Y, "decoder": people.decoder,
        "components": people.W,
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        VoxelMask(n_steps=2).fit(**{**arguments, **change(people)})


def test_a_network_of_other_voxels_or_dimensions(people, network):
    with pytest.raises(ValueError, match="decoder has 360 voxels, and responses has 70"):
        VoxelMask().fit(people.X[:, :70], people.Y, network, people.W)
    with pytest.raises(ValueError, match="components has 2 dimensions, and the decoder has 3"):
        VoxelMask().fit(people.X, people.Y[:, :2], network, np.eye(2))


def test_bad_input_of_the_path(people):
    arguments = (VoxelMask(n_steps=2), people.X, people.Y, people.decoder, people.W)
    with pytest.raises(ValueError, match="sparsities is empty"):
        sparsity_path(*arguments, sparsities=[])
    with pytest.raises(ValueError, match="items names one picture"):
        sparsity_path(*arguments, items=np.zeros(300, int))
    with pytest.raises(ValueError, match="items has shape"):
        sparsity_path(*arguments, items=np.zeros(3, int))
