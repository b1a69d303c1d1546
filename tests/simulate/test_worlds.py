"""The easy world is what it was, bit for bit; in the hard one the traps are there."""

from __future__ import annotations

import hashlib

import h5py
import numpy as np
import pytest

from sdc_helpers.datasets import NSD
from sdc_helpers.datasets.ceilings import ncsnr, noise_ceiling
from sdc_helpers.simulate import Profile, load_truth, write_nsd
from sdc_helpers.simulate.cortex import make_cortex, neighbour_mixing

EASY_SMOKE_BETAS = "8cadb6377072af999e9a72ccdbd54186ec273ed259e054d0b22cf5949765ce2e"
"""sha256 of all sessions of profile smoke, seed 0, before there was another world."""


@pytest.fixture(scope="module")
def hard(tmp_path_factory):
    sizes = Profile(5, 60, 240, n_sessions=3, n_runs=3, voxel_mm=6.0, picture_size=16)
    root = tmp_path_factory.mktemp("hard") / "nsd"
    write_nsd(root, profile=sizes, n_jobs=1, world="hard")
    return NSD(root), load_truth(root)


def residual(nsd, name):
    """Responses less their picture's mean: noise alone, unit length a voxel."""
    ids = nsd.trials(name, nsd.sessions(name))["image_id"].to_numpy()
    mask = nsd.brainmask(name)
    betas = nsd.betas(name, mask, zscore="session")
    by_picture = betas[np.argsort(ids, kind="stable")].reshape(-1, 3, betas.shape[1])
    noise = (by_picture - by_picture.mean(axis=1, keepdims=True)).reshape(-1, betas.shape[1])
    return noise / np.linalg.norm(noise, axis=0), mask, betas, ids


def adjacent(mask):
    number = np.full(mask.shape, -1)
    number[mask] = np.arange(mask.sum())
    pairs = []
    for axis in range(3):
        moved = np.moveaxis(number, axis, 0)
        both = (moved[:-1] >= 0) & (moved[1:] >= 0)
        pairs.append((moved[:-1][both], moved[1:][both]))
    return [np.concatenate(side) for side in zip(*pairs, strict=True)]


def test_the_easy_world_is_unchanged(simulated_tree):
    digest = hashlib.sha256()
    for file in sorted(simulated_tree.rglob("betas_session*.hdf5")):
        with h5py.File(file) as handle:
            digest.update(handle["betas"][:].tobytes())
    assert digest.hexdigest() == EASY_SMOKE_BETAS
    truth = load_truth(simulated_tree)
    assert truth.world == "easy"
    assert "few" not in truth.kinds


def test_noise_of_neighbours_is_correlated(hard):
    noise, mask, _, _ = residual(hard[0], "subj01")
    left, right = adjacent(mask)
    near = (noise[:, left] * noise[:, right]).sum(axis=0)
    assert 0.2 < near.mean() < 0.4
    order = np.random.default_rng(0).permutation(noise.shape[1])
    far = (noise * noise[:, order]).sum(axis=0)[order != np.arange(len(order))]
    assert abs(far.mean()) < 0.1


def test_ceilings_are_as_low_as_real_ones(hard):
    truth = hard[1]
    for name in ("subj01", "subj02", "subj03"):
        voxels = truth.participants[name].voxels
        ceiling = voxels.nc1[voxels.kind == "shared"]
        assert ceiling.median() == pytest.approx(14, abs=2.5)
        assert ceiling.quantile(0.02) > 8
        assert ceiling.quantile(0.98) < 22


def test_concepts_of_a_few_and_drift_that_decodes(hard):
    nsd, truth = hard
    assert truth.world == "hard"
    owners = {n: c.participants for n, c in truth.concepts.items() if not c.is_shared}
    assert {len(names) for names in owners.values()} == {2, 3}
    assert "private" not in truth.kinds
    voxels = truth.participants["subj01"].voxels
    assert set(voxels.concept[voxels.kind == "few"]) == {"animals", "lighting"}
    _, _, betas, ids = residual(nsd, "subj01")
    ceiling = noise_ceiling(ncsnr(betas, ids, np.ones(len(ids), dtype=bool)))
    assert np.sum(ceiling[voxels.kind == "drift"] > 8) > 5
    share = (voxels.drift_var / voxels.noise_var)[voxels.kind == "shared"]
    assert 0.15 < np.mean(share > 0.09) < 0.4


def test_mixing_keeps_the_variance_and_reaches_the_six_neighbours_only():
    cortex = make_cortex(8.0, np.random.default_rng(0))
    mixing = neighbour_mixing(cortex, 0.18).toarray()
    np.testing.assert_allclose((mixing**2).sum(axis=1), 1, rtol=1e-5)
    steps = np.abs(cortex.voxels[:, None] - cortex.voxels[None]).sum(axis=2)
    np.testing.assert_array_equal(mixing > 0, steps <= 1)
    np.testing.assert_allclose(mixing[steps == 1].min() / mixing.max(), 0.18, rtol=0.3)


def test_an_unknown_world_is_refused(tmp_path):
    with pytest.raises(ValueError, match="world='harder' is unknown"):
        write_nsd(tmp_path / "nsd", profile="smoke", world="harder")
