from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from sdc_helpers.contrastive import StartRotation, centroid_distance, linear_separability


def cones(seed, n=200, d=16, runs=()):
    """Outputs of two untrained encoders of the same pictures: two narrow cones."""
    torch.manual_seed(seed)
    pictures = torch.randn(n, 24)

    def outputs():
        layers = [nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, d)]
        return nn.functional.normalize(nn.Sequential(*layers)(pictures).detach(), dim=-1)

    if not runs:
        return outputs(), outputs()
    return tuple(torch.stack([outputs() for _ in range(*runs)]) for _ in "uv")


@pytest.mark.parametrize("d", [8, 128])
def test_it_closes_the_gap_of_untrained_encoders(d):
    for seed in range(3):
        u, v = cones(seed, d=d)
        assert centroid_distance(u, v) > 0.3
        assert linear_separability(u, v) > 0.95
        rotation = StartRotation(d).fit(u, v)
        moved = rotation(v)
        assert centroid_distance(u, moved) < 1e-3
        assert float(rotation.reached_gap) == pytest.approx(centroid_distance(u, moved), abs=1e-5)
        torch.testing.assert_close(moved.norm(dim=-1), torch.ones(len(v)))
        assert linear_separability(u, moved) < 0.9
        assert (u * moved).sum(-1).mean() > (u * v).sum(-1).mean()


@pytest.mark.parametrize("gap", [0.1, 0.3, 0.8])
def test_it_leaves_the_gap_asked_for(gap):
    for seed in range(3):
        u, v = cones(seed)
        moved = StartRotation(16).fit(u, v, gap=gap)(v)
        assert centroid_distance(u, moved) == pytest.approx(gap, abs=1e-3)
        towards = moved.mean(0) - u.mean(0)
        before = v.mean(0) - u.mean(0)
        assert nn.functional.cosine_similarity(towards, before, dim=0) > 0.99


def test_the_rotation_is_the_procrustes_solution():
    u, v = cones(0)
    W = StartRotation(16).fit(u, v).rotation
    torch.testing.assert_close(W @ W.T, torch.eye(16), atol=1e-5, rtol=0)
    best = (u - v @ W.T).square().sum()
    for seed in range(50):
        torch.manual_seed(seed)
        other = torch.linalg.qr(W + 0.1 * torch.randn(16, 16)).Q
        other = other * torch.sign((other * W).sum(0))
        assert (u - v @ other.T).square().sum() > best
    # A rotated copy is found back exactly, without a shift.
    hidden = torch.linalg.qr(torch.randn(16, 16)).Q
    found = StartRotation(16).fit(u, u @ hidden)
    torch.testing.assert_close(found.rotation, hidden, atol=1e-4, rtol=0)
    assert found.shift.norm() < 1e-3


def test_it_is_saved_with_the_model():
    u, v = cones(0)
    encoder = nn.Sequential(nn.Identity(), StartRotation(16).fit(u, v, gap=0.3))
    assert {"1.rotation", "1.shift", "1.reached_gap"} == set(encoder.state_dict())
    fresh = nn.Sequential(nn.Identity(), StartRotation(16))
    torch.testing.assert_close(fresh(v), v)  # new, it changes nothing
    fresh.load_state_dict(encoder.state_dict())
    torch.testing.assert_close(fresh(v), encoder(v), rtol=0, atol=0)
    assert not list(encoder.parameters())


def test_gradients_pass_through_to_the_encoder():
    u, v = cones(0, n=6, d=4)
    rotation = StartRotation(4).fit(u, v).double()
    assert torch.autograd.gradcheck(rotation, v.double().requires_grad_())


def test_independent_runs():
    u, v = cones(0, runs=(3,))
    together = StartRotation(16, runs=(3,)).fit(u, v, gap=0.2)
    for run in range(3):
        alone = StartRotation(16).fit(u[run], v[run], gap=0.2)
        torch.testing.assert_close(together.rotation[run], alone.rotation)
        torch.testing.assert_close(together(v)[run], alone(v[run]))
    assert together.reached_gap.shape == (3,)


def test_half_precision_is_moved_in_float32():
    u, v = cones(0)
    rotation = StartRotation(16).fit(u, v)
    with torch.autocast("cpu", torch.bfloat16):
        moved = rotation(v)
    torch.testing.assert_close(moved, rotation(v), rtol=0, atol=0)
    assert rotation(v.bfloat16()).dtype == torch.float32
    assert rotation(v.double()).dtype == torch.float64


def test_a_gap_that_cannot_be_reached_is_reported():
    u = torch.eye(6)
    v = torch.eye(6).roll(1, 0) * torch.tensor([1.0, 1, 1, -1, 1, 1])
    rotation = StartRotation(6)
    with pytest.warns(UserWarning, match=r"gap of 1\.9 was asked for"):
        rotation.fit(u, v, gap=1.9)
    reached = centroid_distance(u, rotation(v))
    assert reached < 1.899
    assert float(rotation.reached_gap) == pytest.approx(reached, abs=1e-4)


def test_bad_input():
    u, v = cones(0, n=10, d=4)
    rotation = StartRotation(4)
    with pytest.raises(ValueError, match=r"got \(10, 4\) and \(9, 4\)"):
        rotation.fit(u, v[1:])
    with pytest.raises(ValueError, match=r"\('n', 5\)"):
        StartRotation(5).fit(u, v)
    with pytest.raises(ValueError, match="at least 2 pairs"):
        rotation.fit(u[:1], v[:1])
    with pytest.raises(ValueError, match="finite"):
        rotation.fit(u, torch.full_like(v, np.nan))
    for gap in (-0.1, 2.0, np.nan):
        with pytest.raises(ValueError, match="from 0 to below 2"):
            rotation.fit(u, v, gap)
    with pytest.raises(ValueError, match="no direction"):
        rotation.fit(u, u, gap=0.3)
    with pytest.raises(ValueError, match="at least 1"):
        StartRotation(0)
    torch.testing.assert_close(rotation(v), v)  # a failed fit leaves it as it was
