from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sdc_helpers.concepts import (
    CortexAxes,
    fit_halves,
    match_components,
    rotated_agreement,
    shuffled_agreement,
    subspace_agreement,
    varimax,
)
from sdc_helpers.concepts.cortex_axes import whitened

D, K = 20, 14
ROTATIONS = ("ica", "varimax")


def rotation(k, seed):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((k, k)))[0]


def planted(seed, n_pictures=250, n_voxels=20, n_silent=150, noise=1.0, people="abcd", n_spare=0):
    """Voxels of one direction each, in people who saw different pictures; a subspace without axes.

    Returns the embeddings, the responses, the subspace, which has n_spare directions more than the
    planted ones, and the planted ones, (K, D).
    """
    rng = np.random.default_rng(seed)
    basis = rotation(D, seed)
    concepts = basis[:K]
    embeddings, responses = {}, {}
    for who in people:
        Y = rng.standard_normal((n_pictures, D)) + 1
        gains = rng.uniform(0.5, 1.5, K * n_voxels)
        signal = (Y @ concepts.T)[:, np.repeat(np.arange(K), n_voxels)] * gains
        signal = np.pad(signal, ((0, 0), (0, n_silent)))
        embeddings[who] = Y
        responses[who] = signal + noise * rng.standard_normal(signal.shape)
    k = K + n_spare
    return embeddings, responses, rotation(k, seed + 1) @ basis[:k], concepts


# Oracle: the criterion, and the best angle in a plane by search.


def criterion(loadings):
    squares = loadings**2
    return sum(np.mean(column**2) - np.mean(column) ** 2 for column in squares.T)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_varimax_in_a_plane_by_search(seed):
    loadings = np.random.default_rng(seed).standard_normal((15, 2))
    found = criterion(loadings @ varimax(loadings))
    angles = np.linspace(0, np.pi / 2, 1001)
    turns = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in angles]
    best = max(criterion(loadings @ turn) for turn in turns)
    assert found >= best - 1e-12
    assert found == pytest.approx(best, rel=1e-4)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 6))
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_varimax_is_orthogonal_and_never_lowers_its_criterion(seed, k):
    loadings = np.random.default_rng(seed).standard_normal((20, k))
    given_loadings = loadings.copy()
    turn = varimax(loadings)
    np.testing.assert_allclose(turn @ turn.T, np.eye(k), atol=1e-9)
    assert criterion(loadings @ turn) >= criterion(loadings) - 1e-12
    np.testing.assert_array_equal(loadings, given_loadings)


def test_varimax_finds_sparse_loadings_whatever_their_axes():
    sparse = np.repeat(np.eye(6), 5, axis=0) * np.random.default_rng(0).uniform(1, 2, (30, 1))
    for seed in (1, 2, 3):
        turned = sparse @ rotation(6, seed)
        found = turned @ varimax(turned)
        assert np.sort(np.abs(found), axis=1)[:, :-1].max() < 1e-6


def test_varimax_says_when_it_has_not_settled(monkeypatch):
    monkeypatch.setattr("sdc_helpers.concepts.cortex_axes._SWEEPS", 1)
    with pytest.warns(ConvergenceWarning, match="the last of 1 sweeps still turned a plane by"):
        varimax(np.random.default_rng(0).standard_normal((20, 4)))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_whitened_scores_have_the_identity_as_covariance(seed, k):
    rng = np.random.default_rng(seed)
    embeddings = rng.standard_normal((40, 5)) @ rng.standard_normal((5, 5))
    centred = embeddings - embeddings.mean(axis=0)
    rows = rotation(5, seed)[:k]
    white = whitened(rows, centred)
    np.testing.assert_allclose(
        (centred @ white.T).T @ (centred @ white.T) / 40, np.eye(k), atol=1e-6
    )
    assert subspace_agreement(white, rows) == pytest.approx(1, abs=1e-6)
    turned = whitened(rotation(k, seed + 1) @ rows, centred)  # the root is symmetric
    np.testing.assert_allclose(turned, rotation(k, seed + 1) @ white, atol=1e-6)


# Axes


@pytest.mark.parametrize("rotation_name", ROTATIONS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_directions_are_recovered(rotation_name, seed):
    embeddings, responses, subspace, concepts = planted(seed)
    assert match_components(subspace, concepts).agreement.mean() < 0.7
    axes = CortexAxes(rotation_name).fit(embeddings, responses, subspace)
    match = match_components(axes.components_, concepts)
    assert match.agreement.min() > 0.9
    assert (match.signs == 1).all()
    assert subspace_agreement(axes.components_, subspace) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("rotation_name", ROTATIONS)
def test_axes_do_not_depend_on_those_of_the_subspace(rotation_name):
    embeddings, responses, subspace, _ = planted(4)
    mix = np.random.default_rng(0).standard_normal((K, K))
    found = [
        CortexAxes(rotation_name, tol=1e-8).fit(embeddings, responses, rows).components_
        for rows in (subspace, mix @ subspace)
    ]
    assert match_components(*found).agreement.min() > 0.999


def test_axes_of_other_starts_are_the_same():
    embeddings, responses, subspace, _ = planted(5)
    found = [
        CortexAxes(random_state=seed).fit(embeddings, responses, subspace).components_
        for seed in (0, 1)
    ]
    match = match_components(*found)
    assert match.agreement.min() > 0.99
    np.testing.assert_array_equal(match.pairs[:, 0], match.pairs[:, 1])  # by size of the loadings


@pytest.mark.parametrize("rotation_name", ROTATIONS)
def test_scores_and_loadings_are_a_model_of_the_responses(rotation_name):
    embeddings, responses, subspace, _ = planted(1, noise=1e-6, n_silent=60)
    axes = CortexAxes(rotation_name).fit(embeddings, responses, subspace)
    scores = {who: axes.transform(Y) for who, Y in embeddings.items()}
    stacked = np.concatenate(list(scores.values()))
    np.testing.assert_allclose(stacked.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(stacked.std(axis=0), 1, atol=1e-9)
    for who, loadings in axes.loadings_.items():
        assert loadings.shape == (K * 20 + 60, K)
        modelled = scores[who] @ loadings.T
        modelled += (responses[who] - modelled).mean(axis=0)
        np.testing.assert_allclose(modelled, responses[who], atol=1e-4)
    strength = np.concatenate(list(axes.loadings_.values()))
    assert ((strength**3).sum(axis=0) > 0).all()


def test_varimax_keeps_scores_uncorrelated():
    embeddings, responses, subspace, _ = planted(1)
    axes = CortexAxes("varimax").fit(embeddings, responses, subspace)
    scores = axes.transform(np.concatenate(list(embeddings.values())))
    np.testing.assert_allclose(np.cov(scores, rowvar=False, bias=True), np.eye(K), atol=1e-8)


def test_the_order_of_voxels_and_pictures_does_not_matter():
    embeddings, responses, subspace, _ = planted(2, people="ab")
    rng = np.random.default_rng(0)
    pictures, voxels = rng.permutation(250), rng.permutation(K * 20 + 150)
    plain = CortexAxes(tol=1e-9).fit(embeddings, responses, subspace)
    mixed = CortexAxes(tol=1e-9).fit(
        {who: Y[pictures] for who, Y in embeddings.items()},
        {who: X[pictures][:, voxels] for who, X in responses.items()},
        subspace,
    )
    np.testing.assert_allclose(mixed.components_, plain.components_, atol=1e-6)
    np.testing.assert_allclose(mixed.loadings_["b"], plain.loadings_["b"][voxels], atol=1e-5)


def test_a_negative_patch_turns_its_axis():
    """An axis points to where most of its loadings are."""
    embeddings, responses, subspace, concepts = planted(1)
    first = slice(0, 20)
    turned = {who: X.copy() for who, X in responses.items()}
    for X in turned.values():
        X[:, first] *= -1
    axes = CortexAxes().fit(embeddings, turned, subspace)
    match = match_components(axes.components_, concepts)
    signs = match.signs[np.argsort(match.pairs[:, 1])]
    assert signs[0] == -1
    assert (signs[1:] == 1).all()


# Halves and nulls


@pytest.mark.parametrize("rotation_name", ROTATIONS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_directions_are_reproduced_and_shuffled_pairs_give_none(rotation_name, seed):
    embeddings, responses, subspace, _ = planted(seed)
    axes = CortexAxes(rotation_name, max_iter=200)
    found = fit_halves(axes, embeddings, responses, subspace)
    assert list(found.halves[0].loadings_) == ["a", "c"]
    assert list(found.halves[1].loadings_) == ["b", "d"]
    reproduction = found.reproduced()
    assert reproduction.n_reproduced == K
    for half, partners in zip(found.halves, reproduction.partners.T, strict=True):
        match = match_components(half.components_[partners], found.whole.components_)
        np.testing.assert_array_equal(match.pairs[:, 0], match.pairs[:, 1])
    null = shuffled_agreement(axes, embeddings, responses, subspace, n_draws=2, rng=seed)
    assert null.shape == (2, K)
    assert null.max() < 0.9
    assert np.median(null) < 0.7


@pytest.mark.parametrize("n_spare", [0, 3])
def test_private_directions_are_not_reproduced_but_by_elimination(n_spare):
    """The last direction has voxels in one participant only.

    Where the subspace has no other direction left, the halves agree on it all the same.
    """
    embeddings, responses, subspace, concepts = planted(1, n_spare=n_spare)
    own = slice((K - 1) * 20, K * 20)
    for who in "bcd":
        rng = np.random.default_rng(ord(who))
        responses[who][:, own] = rng.standard_normal(responses[who][:, own].shape)
    found = fit_halves(CortexAxes(), embeddings, responses, subspace)
    reproduction = found.reproduced()
    match = match_components(found.whole.components_, concepts)
    of_private = match.pairs[match.pairs[:, 1] == K - 1, 0][0]
    assert match.agreement[of_private] > 0.8  # it is an axis of all participants
    assert reproduction.is_reproduced[of_private] == (n_spare == 0)
    assert reproduction.n_reproduced == (K if n_spare == 0 else K - 1)


def test_random_rotations_reproduce_nothing():
    null = rotated_agreement(rotation(D, 0)[:16], n_draws=20, rng=0)
    assert null.shape == (20, 16)
    assert null.max() < 0.9
    assert np.median(null) < 0.5
    np.testing.assert_array_equal(
        null, rotated_agreement(rotation(D, 0)[:16], n_draws=20, rng=np.random.default_rng(0))
    )


def test_nulls_leave_what_they_are_given():
    embeddings, responses, subspace, _ = planted(1, people="ab", n_silent=0)
    before = {who: X.copy() for who, X in responses.items()}
    axes = CortexAxes("varimax")
    first, second = (
        shuffled_agreement(axes, embeddings, responses, subspace, n_draws=1, rng=3)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    for who in "ab":
        np.testing.assert_array_equal(responses[who], before[who])
    assert "components_" not in vars(axes)


def test_axes_that_do_not_settle_warn_but_not_in_a_null():
    embeddings, responses, subspace, _ = planted(1, people="ab")
    axes = CortexAxes(max_iter=1)
    with pytest.warns(ConvergenceWarning, match="ICA has not settled in max_iter=1 steps"):
        clone(axes).fit(embeddings, responses, subspace)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shuffled_agreement(axes, embeddings, responses, subspace, n_draws=1, rng=0)


# Bad input


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"rotation": "promax"}, "rotation='promax': expected one of 'ica', 'varimax'"),
        ({"max_iter": 0}, "max_iter=0"),
        ({"tol": 0}, "tol=0: expected a finite number above 0"),
        ({"random_state": -1}, "random_state=-1"),
    ],
)
def test_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        CortexAxes(**parameters).fit(*planted(0, people="a")[:3])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e, r, s: {"subspace": s[:1]}, "2 or more rows"),
        (lambda e, r, s: {"subspace": s[:, :-1]}, "subspace has 19 columns; expected 20"),
        (lambda e, r, s: {"subspace": s[[0, 1, 1]]}, "subspace: 3 rows of 20 dimensions span 2"),
        (lambda e, r, s: {"subspace": s * np.nan}, "subspace holds NaN"),
        (lambda e, r, s: {"embeddings": {"b": e["a"]}}, "embeddings are of b and responses of a"),
        (
            lambda e, r, s: {"embeddings": {"a": e["a"][:15]}, "responses": {"a": r["a"][:15]}},
            r"embeddings\['a'\]: 15 pictures are too few for 14 loadings",
        ),
        (
            lambda e, r, s: {"embeddings": {"a": np.ones_like(e["a"])}},
            "the scores of 250 pictures vary in 0 of 14 directions",
        ),
        (
            lambda e, r, s: {"responses": {"a": r["a"] * (np.arange(430) != 5)}},
            r"responses\['a'\]: 1 voxels, the first of them voxel 5, have one response",
        ),
        (
            lambda e, r, s: {"responses": {"a": r["a"][:, :14]}},
            "14 voxels cannot fix 14 axes",
        ),
    ],
)
def test_arrays(change, message):
    embeddings, responses, subspace, _ = planted(0, people="a")
    arguments = {"embeddings": embeddings, "responses": responses, "subspace": subspace}
    arguments |= change(embeddings, responses, subspace)
    with pytest.raises(ValueError, match=message):
        CortexAxes().fit(**arguments)


def test_bad_input_of_halves_and_nulls():
    embeddings, responses, subspace, _ = planted(0, people="a")
    with pytest.raises(ValueError, match=r"embeddings holds 1 participant \(a\)"):
        fit_halves(CortexAxes(), embeddings, responses, subspace)
    with pytest.raises(ValueError, match="n_draws=0"):
        shuffled_agreement(CortexAxes(), embeddings, responses, subspace, n_draws=0)
    with pytest.raises(ValueError, match="n_draws=0"):
        rotated_agreement(subspace, n_draws=0)
    with pytest.raises(ValueError, match="2 rows of 20 dimensions span 1"):
        rotated_agreement(subspace[[0, 0]])
    with pytest.raises(ValueError, match="loadings holds NaN"):
        varimax(np.full((3, 2), np.nan))
