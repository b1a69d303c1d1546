from __future__ import annotations

import itertools
import math
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.cluster import DBSCAN
from sklearn.utils import estimator_checks

from sdc_helpers.concepts import SharedDBSCAN, _density, _neighbour_pairs, pairs_within
from sdc_helpers.concepts import shared_dbscan as module
from sdc_helpers.concepts import sweep as sweep_eps
from sdc_helpers.concepts.shared_dbscan import expansion_radius


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# Oracle: the definition in loops. For rows of small integers a cosine is compared by its sign and
# its square, a fraction, so that ties are ties; for other rows in float64.


def signed_square(x, y):
    """Order-preserving stand-in for the cosine; None for a row of zeros."""
    if not x.any() or not y.any():
        return None
    if x.dtype.kind == "i":
        dot = int(x @ y)
        return Fraction(dot * abs(dot), int(x @ x) * int(y @ y))
    cosine = math.fsum(x * y) / math.sqrt(math.fsum(x * x) * math.fsum(y * y))
    return cosine * abs(cosine)


def brute_force(weights, participants, eps, min_participants, radius):
    n = len(weights)
    cosine = [[signed_square(weights[i], weights[j]) for j in range(n)] for i in range(n)]

    def near(i, j, distance):
        return i != j and cosine[i][j] is not None and cosine[i][j] > (1 - distance) ** 2

    core = [
        len({participants[j] for j in range(n) if near(i, j, eps)} - {participants[i]})
        >= min_participants
        for i in range(n)
    ]
    clusters, seen = [], set()
    for seed in range(n):
        if not core[seed] or seed in seen:
            continue
        cluster, stack = {seed}, [seed]
        while stack:
            i = stack.pop()
            for j in range(n):
                if core[j] and j not in cluster and near(i, j, eps):
                    cluster.add(j)
                    stack.append(j)
        seen |= cluster
        clusters.append(cluster)
    clusters.sort(key=lambda cluster: (-len(cluster), min(tuple(weights[i]) for i in cluster)))
    label = [next((k for k, c in enumerate(clusters) if i in c), -1) for i in range(n)]
    final = list(label)
    for i in range(n):
        reached = [(-cosine[i][j], label[j]) for j in range(n) if core[j] and near(i, j, eps)]
        if not core[i] and reached:
            final[i] = min(reached)[1]
    expanded = np.zeros((n, len(clusters)), dtype=bool)
    for i, j in itertools.product(range(n), repeat=2):
        if final[j] >= 0 and (
            i == j or (participants[i] == participants[j] and near(i, j, radius))
        ):
            expanded[i, final[j]] = True
    return np.array(core), np.array(final), expanded


def random_case(rng):
    """Voxels of 2 to 8 participants, some without a voxel, with duplicates and rows of zeros."""
    names = rng.permutation([f"subj{i:02d}" for i in range(1, 1 + rng.integers(2, 9))])
    sizes = rng.choice([0, 1, 2, 5, 9], size=len(names))
    sizes[:2] = np.maximum(sizes[:2], 1)
    participants = np.repeat(names, sizes)
    n, width = len(participants), rng.integers(2, 5)
    if rng.random() < 0.6:
        weights = rng.integers(-1, 2, size=(n, width))
        eps, expansion, limit = rng.choice([0.25, 0.5, 0.75]), 0.25, 0.75
    else:
        weights = rng.standard_normal((n, width))
        eps, expansion, limit = rng.uniform(0.05, 0.7), 0.05, 0.65
    copies = rng.random(n) < 0.2
    weights[copies] = 2 * weights[rng.integers(0, n, copies.sum())]
    weights[rng.random(n) < 0.05] = 0
    order = rng.permutation(n)
    least = rng.integers(1, len(set(participants)))
    return weights[order], participants[order], float(eps), int(least), expansion, limit


def test_equal_to_the_definition_in_200_random_cases(rng, monkeypatch):
    for where in (_density, _neighbour_pairs):
        monkeypatch.setattr(where, "PAIRS_AT_A_TIME", 3)
    seen = {"clusters": 0, "several": 0, "border": 0, "ties": 0, "overlap": 0, "noise": 0}
    for _ in range(200):
        weights, participants, eps, least, expansion, limit = random_case(rng)
        radius = min(eps + expansion, limit)
        model = SharedDBSCAN(eps, least, expansion, limit, block=int(rng.integers(1, 9)))
        model.fit(weights, participants)
        core, labels, expanded = brute_force(weights, participants, eps, least, radius)
        np.testing.assert_array_equal(model.core_, core)
        np.testing.assert_array_equal(model.labels_, labels)
        np.testing.assert_array_equal(model.expanded_.toarray(), expanded)
        seen["clusters"] += labels.max() >= 0
        seen["several"] += labels.max() >= 1
        seen["border"] += np.any((labels >= 0) & ~core)
        seen["overlap"] += np.any(expanded.sum(axis=1) > 1)
        seen["noise"] += np.any(labels < 0)
        if weights.dtype.kind == "i":
            seen["ties"] += any(
                signed_square(x, y) == (1 - Fraction(eps)) ** 2
                for x, y in itertools.combinations(weights, 2)
            )
    assert all(count >= 10 for count in seen.values()), seen


def clustered(rng, n=240, width=96, n_participants=5, n_concepts=4, spread=0.7):
    """Concepts in all participants, and as many voxels again of noise."""
    centres = rng.standard_normal((n_concepts, width)) / math.sqrt(width)
    concept = rng.integers(-n_concepts, n_concepts, n)
    weights = rng.standard_normal((n, width)) / math.sqrt(width)
    weights = np.where((concept >= 0)[:, None], centres[concept] + spread * weights, weights)
    return weights, rng.integers(0, n_participants, n)


def test_cores_are_those_of_dbscan_if_every_voxel_is_a_participant(rng):
    weights, _ = clustered(rng, n=300)
    unit = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    ours = SharedDBSCAN(0.5, 4).fit(weights, np.arange(300))
    peer = DBSCAN(eps=0.5, min_samples=5, metric="cosine").fit(unit)
    np.testing.assert_array_equal(np.flatnonzero(ours.core_), peer.core_sample_indices_)
    pairs = set(zip(ours.labels_[ours.core_], peer.labels_[ours.core_], strict=True))
    assert len(pairs) == ours.labels_.max() + 1 == peer.labels_.max() + 1 > 1
    np.testing.assert_array_equal(ours.labels_ < 0, peer.labels_ < 0)


# Rules one at a time


def directions(*degrees):
    angle = np.deg2rad(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def test_only_other_participants_make_a_voxel_core_and_each_counts_once():
    angles, who = [0] * 12 + [90], [1] * 2 + [2] * 10 + [3]
    assert SharedDBSCAN(0.1, 1).fit(directions(*angles), who).core_.tolist() == [True] * 12 + [
        False
    ]
    model = SharedDBSCAN(0.1, 2).fit(directions(*angles), who)
    assert not model.core_.any()
    assert (model.labels_ == -1).all()
    assert model.concepts_.shape == (0, 2)
    assert model.expanded_.shape == (13, 0)
    assert model.participants_per_concept_.shape == (0, 3)


def test_own_links_join_core_voxels():
    """Two groups that touch only through two core voxels of participant 1."""
    eps = 1 - math.cos(math.radians(25))
    angles, who = [0, 20, 40, 60], [2, 1, 1, 3]
    joined = SharedDBSCAN(eps, 1).fit(directions(*angles), who)
    assert joined.labels_.tolist() == [0, 0, 0, 0]
    apart = SharedDBSCAN(eps, 1).fit(directions(0, 20, 50, 70), who)
    assert len(set(apart.labels_)) == 2


def test_a_border_voxel_joins_the_nearest_core_voxel_and_extends_nothing():
    eps = 1 - math.cos(math.radians(30))
    first = {0: [1, 2, 3], 10: [1], -10: [1]}
    second = {70: [1, 2, 3], 62: [1]}
    border = {35: [2], 37: [2], -35: [2]}  # 25 degrees from 10, from 62, from -10
    beyond = {-60: [1]}  # 25 degrees from the border voxel at -35
    voxels = [
        (a, who) for group in (first, second, border, beyond) for a in group for who in group[a]
    ]
    angles, who = zip(*voxels, strict=True)
    model = SharedDBSCAN(eps, 2).fit(directions(*angles), who)
    assert model.core_.tolist() == [True] * 9 + [False] * 4
    assert model.labels_.tolist() == [0] * 5 + [1] * 4 + [0, 1, 0, -1]


def test_the_nearer_of_two_core_voxels_is_told_beyond_float32(rng):
    eps, nudge = 1 - math.cos(math.radians(30)), 1e-6
    cores = [(0, 1), (0, 2), (0, 3), (10, 1), (-10, 1), (70, 1), (70, 2), (70, 3), (62, 1)]
    middle = [(36 - nudge, 2), (36 + nudge, 2)]
    angles, who = zip(*cores, *middle, strict=True)
    for _ in range(20):
        plane, _ = np.linalg.qr(rng.standard_normal((96, 2)))
        model = SharedDBSCAN(eps, 2).fit(directions(*angles) @ plane.T, who)
        assert model.core_.tolist() == [True] * 9 + [False] * 2
        assert model.labels_.tolist() == [0] * 5 + [1] * 4 + [0, 1]


def test_expansion_is_one_hop_within_the_participant():
    eps, step = 0.1, math.degrees(math.acos(1 - 0.14))
    angles = [0, 0, 0, 0, step, 2 * step, step]
    model = SharedDBSCAN(eps).fit(directions(*angles), [1, 2, 3, 4, 1, 1, 5])
    assert model.labels_.tolist() == [0, 0, 0, 0, -1, -1, -1]
    assert model.expanded_.toarray()[:, 0].tolist() == [True] * 5 + [False, False]
    alone = clone(model).set_params(expansion=None).fit(directions(*angles), [1, 2, 3, 4, 1, 1, 5])
    assert alone.expanded_.toarray()[:, 0].tolist() == [True] * 4 + [False] * 3


def test_expansion_radius_is_capped_even_below_eps():
    assert expansion_radius(0.45) == pytest.approx(0.5)
    assert expansion_radius(0.62) == expansion_radius(0.7) == 0.65
    assert expansion_radius(0.3, None) == 0
    angles = [0, 0, 0, 0, math.degrees(math.acos(1 - 0.68))]
    model = SharedDBSCAN(0.7).fit(directions(*angles), [1, 2, 3, 4, 1])
    assert model.labels_.tolist() == [0] * 5  # within eps, beyond the radius: kept all the same
    assert model.expanded_.toarray().all()


def test_concepts_are_mean_directions_and_counts_are_voxels(rng):
    weights, who = clustered(rng)
    model = SharedDBSCAN(0.5).fit(weights * rng.uniform(0.1, 9, (len(weights), 1)), who)
    assert model.labels_.max() >= 2
    unit = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    for k in range(model.labels_.max() + 1):
        mean = unit[model.labels_ == k].mean(axis=0)
        np.testing.assert_allclose(model.concepts_[k], mean / np.linalg.norm(mean), atol=1e-10)
        for p, name in enumerate(model.participant_names_):
            count = np.sum((model.labels_ == k) & (who == name))
            assert model.participants_per_concept_[k, p] == count
    sizes = [np.sum(model.core_ & (model.labels_ == k)) for k in range(model.labels_.max() + 1)]
    assert sizes == sorted(sizes, reverse=True)


def test_a_concept_whose_voxels_cancel_is_zero():
    ring = np.repeat(np.arange(0, 360, 45), 4)
    model = SharedDBSCAN(0.4).fit(directions(*ring), np.tile([1, 2, 3, 4], 8))
    assert (model.labels_ == 0).all()
    assert not model.concepts_.any()


def test_rows_of_zeros_are_noise_even_among_rows_of_zeros():
    weights = np.vstack([np.zeros((8, 3)), np.tile([1.0, 0, 0], (4, 1))])
    with np.errstate(all="raise"):
        model = SharedDBSCAN(1 - 1e-9).fit(weights, np.tile([1, 2, 3, 4], 3))
    assert model.labels_.tolist() == [-1] * 8 + [0] * 4
    with np.errstate(all="raise"):
        nothing = SharedDBSCAN(1 - 1e-9).fit(np.zeros((8, 3)), np.tile([1, 2, 3, 4], 2))
    assert (nothing.labels_ == -1).all()


# Invariances


def assert_same(one, other, order=slice(None)):
    """Equal to the last bit, rows of `other` being rows `order` of `one`."""
    np.testing.assert_array_equal(one.labels_[order], other.labels_)
    np.testing.assert_array_equal(one.core_[order], other.core_)
    np.testing.assert_array_equal(one.expanded_.toarray()[order], other.expanded_.toarray())
    np.testing.assert_array_equal(one.concepts_, other.concepts_)
    np.testing.assert_array_equal(one.participants_per_concept_, other.participants_per_concept_)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    lattice=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
    block=st.integers(20, 130),
)
def test_the_order_of_voxels_the_block_and_powers_of_two_change_nothing(
    seed, lattice, dtype, block
):
    rng = np.random.default_rng(seed)
    weights, who = clustered(rng, n=120)
    if lattice:  # ties everywhere
        weights = np.sign(weights[:, :4].round(1))
    weights = weights.astype(dtype)
    order = rng.permutation(len(weights))
    scale = 2.0 ** rng.integers(-30, 30, (len(weights), 1)) if not lattice else 1
    one = SharedDBSCAN(0.5, 2).fit(weights, who)
    other = SharedDBSCAN(0.5, 2, block=block).fit(weights[order], who[order])
    assert_same(one, other, order)
    scaled = SharedDBSCAN(0.5, 2).fit((weights * scale).astype(dtype), who)
    np.testing.assert_array_equal(scaled.core_, one.core_)
    np.testing.assert_array_equal(scaled.labels_ < 0, one.labels_ < 0)


def test_distances_closer_to_eps_than_float32_can_tell():
    """1e-9 to either side of eps, in each block and position."""
    eps, gap = 0.45, 1e-9
    inside, outside = (math.degrees(math.acos(1 - eps + shift)) for shift in (gap, -gap))
    for angle, is_near in ((inside, True), (outside, False)):
        for start, block in itertools.product([0, 33, 171], [1, 2, 5]):
            weights = directions(start, start + angle)
            pairs = pairs_within(weights, [1, 2], eps, block=block)
            assert pairs.closer_than(eps).any() == is_near
            model = SharedDBSCAN(eps, 1, block=block).fit(weights, [1, 2])
            assert model.core_.all() == is_near


def test_huge_and_tiny_weights():
    weights = directions(0, 1, 2, 3)
    for scale in (1e-300, 1e300):
        model = SharedDBSCAN(0.1).fit(weights * [[scale], [1], [scale], [1]], [1, 2, 3, 4])
        assert model.labels_.tolist() == [0, 0, 0, 0]


def test_kinds_of_arrays(rng, tmp_path):
    weights, who = clustered(rng)
    weights = weights.astype(np.float32)
    expected = SharedDBSCAN(0.5).fit(weights, who)
    assert expected.concepts_.dtype == np.float32
    np.save(tmp_path / "weights.npy", weights)
    mapped = np.load(tmp_path / "weights.npy", mmap_mode="r")
    given = torch.from_numpy(weights).requires_grad_()
    for same in (mapped, np.asfortranarray(weights), given):
        assert_same(expected, SharedDBSCAN(0.5).fit(same, who.astype(str)))
    assert_same(expected, SharedDBSCAN(0.5).fit(given, torch.from_numpy(who)))
    half = given.detach().to(torch.bfloat16)
    assert_same(
        SharedDBSCAN(0.5).fit(half.float(), who), SharedDBSCAN(0.5).fit(half, list(map(int, who)))
    )


def test_a_device_finds_what_memory_does(rng, monkeypatch):
    """The part that only another device runs, run here."""
    weights, who = clustered(rng)
    expected = SharedDBSCAN(0.5, block=50).fit(weights, who)
    monkeypatch.setattr(_neighbour_pairs, "_above_in_memory", _neighbour_pairs._above_on_device)
    assert_same(expected, SharedDBSCAN(0.5, block=50).fit(weights, who))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_equals_cpu(rng):
    weights, who = clustered(rng, n=3000)
    cpu = SharedDBSCAN(0.5).fit(weights, who)
    assert_same(cpu, SharedDBSCAN(0.5, device="cuda").fit(weights, who))


def test_products_are_float32_whatever_precision_torch_is_set_to():
    class Rows:
        T = None

        def __matmul__(self, other):
            return torch.get_float32_matmul_precision()

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        assert _neighbour_pairs._product(Rows(), Rows()) == "highest"
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


# Pairs and sweeps


def test_pairs_that_are_not_kept_give_the_same_clusters(rng, monkeypatch):
    """In 100 random cases, with blocks of any size and a few pairs at a time."""
    for where in (_density, _neighbour_pairs):
        monkeypatch.setattr(where, "PAIRS_AT_A_TIME", 5)
    n_in_passes = 0
    for _ in range(100):
        weights, participants, eps, least, expansion, limit = random_case(rng)
        options = {"expansion": expansion, "expansion_limit": limit}
        expected = SharedDBSCAN(eps, least, **options).fit(weights, participants)
        block = int(rng.integers(1, 9))
        model = SharedDBSCAN(eps, least, block=block, max_pairs=1, **options)
        assert_same(expected, model.fit(weights, participants))
        n_in_passes += expected.core_.any()
    assert n_in_passes > 50


def test_a_sweep_without_kept_pairs(rng):
    weights, who = clustered(rng)
    values = (0.45, 0.62)
    kept = sweep_eps(weights, who, values, min_participants=2)
    passes = sweep_eps(weights, who, values, min_participants=2, max_pairs=100, block=50)
    for eps in values:
        assert_same(kept[eps], passes[eps])


def test_memory_is_bounded_by_blocks_of_pairs(rng, monkeypatch):
    """A million pairs and more, of which 12 MB would be kept: 3 MB suffice."""
    for where in (_density, _neighbour_pairs):
        monkeypatch.setattr(where, "PAIRS_AT_A_TIME", 10_000)
    weights = np.abs(rng.standard_normal((1600, 3)))
    who = np.arange(1600) % 4
    assert len(pairs_within(weights, who, 0.6)) > 10**6
    model = SharedDBSCAN(0.6, block=100, max_pairs=10_000)
    model.fit(weights[:50], who[:50])  # imports
    tracemalloc.start()
    model.fit(weights, who)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 2**20
    assert_same(model, SharedDBSCAN(0.6).fit(weights, who))


def test_pairs_are_all_pairs_once(rng):
    weights, who = clustered(rng)
    weights[7] = 0
    pairs = pairs_within(weights, who, 0.5, max_own_eps=0.6, block=50)
    lengths = np.linalg.norm(weights, axis=1, keepdims=True)
    unit = weights / np.where(lengths == 0, 1, lengths)
    distance = 1 - unit @ unit.T
    own = who[:, None] == who
    expected = np.triu(np.where(own, distance < 0.6, distance < 0.5), 1)
    exact = pairs.closer_than(0.6)
    exact &= pairs.is_own | pairs.closer_than(0.5)
    found = list(zip(pairs.left[exact].tolist(), pairs.right[exact].tolist(), strict=True))
    assert len(found) == len(set(found)) > 500
    assert set(found) == set(zip(*map(np.ndarray.tolist, np.nonzero(expected)), strict=True))
    error = np.abs(pairs.distance - distance[pairs.left, pairs.right])
    assert error.max() < pairs.points.tolerance


def test_nothing_larger_than_a_block_is_multiplied(rng, monkeypatch):
    sizes = []
    product = _neighbour_pairs._product

    def recorded(left, right):
        sizes.append((len(left), len(right)))
        return product(left, right)

    monkeypatch.setattr(_neighbour_pairs, "_product", recorded)
    weights, who = clustered(rng, n=250)
    SharedDBSCAN(0.5, block=60).fit(weights, who)
    assert max(map(max, sizes)) == 60
    assert len(sizes) == 15  # the upper triangle of 5 x 5
    assert sum(a * b for a, b in sizes) < 0.65 * 250**2


def test_a_sweep_compares_the_voxels_once_and_equals_single_fits(rng, monkeypatch):
    weights, who = clustered(rng)
    values = (0.45, 0.7, 0.5, 0.62)
    single = {eps: SharedDBSCAN(eps, 2).fit(weights, who) for eps in values}
    calls = []
    find = module.find_pairs
    monkeypatch.setattr(module, "find_pairs", lambda *a: calls.append(a) or find(*a))
    swept = sweep_eps(weights, who, values, min_participants=2)
    assert len(calls) == 1
    assert tuple(swept) == values
    for eps in values:
        assert swept[eps].eps == eps
        assert_same(single[eps], swept[eps])
    pairs = pairs_within(weights, who, 0.55, max_own_eps=0.6)
    assert_same(single[0.5], SharedDBSCAN(0.5, 2).fit(weights, who, pairs))
    assert len(calls) == 1


# The face of an estimator


def test_estimator_conventions(rng):
    """`check_estimator` fits without participants; these checks of it do not fit."""
    model = SharedDBSCAN(0.5)
    for check in (
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_estimator_cloneable,
    ):
        check("SharedDBSCAN", model)
    weights, who = clustered(rng)
    before, given = model.get_params(), weights.copy()
    np.testing.assert_array_equal(model.fit_predict(weights, who), model.labels_)
    assert model.fit(weights, who) is model
    assert model.get_params() == before
    assert model.n_features_in_ == 96
    np.testing.assert_array_equal(weights, given)
    assert not hasattr(clone(model), "labels_")
