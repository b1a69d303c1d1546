"""The two aims, against plain numpy and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sdc_helpers.neighbours import balance_term, majority_votes, soft_votes, vote_loss


def probabilities(seed, n, n_bins):
    return np.random.default_rng(seed).dirichlet(np.full(n_bins, 0.6), size=n)


@given(st.integers(0, 99), st.integers(1, 20), st.integers(2, 6))
def test_balance_is_the_sum_of_the_surest_of_each_bin(seed, n, n_bins):
    P = probabilities(seed, n, n_bins)
    share = max(1, n // n_bins)
    expected = -sum(sum(sorted(P[:, b])[-share:]) for b in range(n_bins)) / n
    assert balance_term(torch.from_numpy(P)).item() == pytest.approx(expected)


def test_full_bins_of_sure_points_are_best():
    P = torch.eye(4, dtype=torch.float64).repeat(5, 1)
    assert balance_term(P).item() == -1
    assert balance_term(torch.full((20, 4), 0.25)).item() == pytest.approx(-0.25)
    alone = torch.zeros(20, 4)
    alone[:, 0] = 1
    assert balance_term(alone).item() == pytest.approx(-0.25)


def test_votes_count_neighbours():
    P = probabilities(3, 40, 5).reshape(8, 5, 5)
    soft = soft_votes(torch.from_numpy(P)).numpy()
    hard = majority_votes(torch.from_numpy(P)).numpy()
    for point in range(8):
        np.testing.assert_allclose(soft[point], sum(P[point]) / 5)
        bins = [row.argmax() for row in P[point]]
        counts = [bins.count(b) for b in range(5)]
        assert hard[point].tolist() == [float(b == np.argmax(counts)) for b in range(5)]


def test_the_loss_is_a_weighted_cross_entropy():
    P, Q = probabilities(4, 12, 3), probabilities(5, 12, 3)
    weights = np.random.default_rng(6).uniform(size=12)
    expected = np.mean([-w * (q * np.log(p)).sum() for w, q, p in zip(weights, Q, P, strict=True)])
    found = vote_loss(*map(torch.from_numpy, (P, Q, weights)))
    assert found.item() == pytest.approx(expected)


@pytest.mark.parametrize("votes_of", [soft_votes, majority_votes])
def test_gradients_are_those_of_finite_differences(votes_of):
    logits = torch.randn(10, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    near = torch.tensor([[(i + 1) % 10, (i + 3) % 10] for i in range(10)])
    votes = votes_of(logits.softmax(1)[near])  # votes pass no gradient

    def loss(given):
        P = given.softmax(1)
        return vote_loss(P, votes) + 7 * balance_term(P)

    assert torch.autograd.gradcheck(loss, logits.requires_grad_())
    moving = logits.softmax(1)
    assert not votes_of(moving[near]).requires_grad


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"votes has shape \(2, 3\)"):
        vote_loss(torch.ones(2, 2), torch.ones(2, 3))
    with pytest.raises(ValueError, match="expected 2 axes"):
        balance_term(torch.ones(3))
    with pytest.raises(ValueError, match="expected 3 axes"):
        soft_votes(torch.ones(3, 2))
