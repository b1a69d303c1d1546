"""Places of masks, by sets of cells."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from sdc_helpers.concepts import place_agreement, shared_mask


def people(seed, n_people=3, n_components=2, n_voxels=30):
    rng = np.random.default_rng(seed)
    positions = [rng.uniform(-20, 15, (n_voxels + i, 3)) for i in range(n_people)]
    masks = [rng.random((n_components, len(own))) < 0.3 for own in positions]
    return masks, positions


def cells_of(mask, positions, lowest, cell, n_steps):
    """Return the widened cells of a mask as a set of triples."""
    cells = {tuple(np.floor((p - lowest) / cell).astype(int)) for p in positions[mask]}
    steps = [s for s in product((-1, 0, 1), repeat=3) if np.abs(s).sum() <= 1]
    for _ in range(n_steps):
        cells = {tuple(np.add(c, s)) for c in cells for s in steps}
    return cells


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2.0, 4.0, 7.5]), st.integers(0, 2))
def test_jaccard_by_sets_of_cells(seed, cell, n_steps):
    masks, positions = people(seed)
    found = place_agreement(masks, positions, cell=cell, n_steps=n_steps)
    assert found.pairs == ((0, 1), (0, 2), (1, 2))
    lowest = np.concatenate(positions).min(axis=0)
    sets = [
        [cells_of(mask, own, lowest, cell, n_steps) for mask in rows]
        for rows, own in zip(masks, positions, strict=True)
    ]
    for (p, q), table in zip(found.pairs, found.jaccard, strict=True):
        for k, j in np.ndindex(2, 2):
            a, b = sets[p][k], sets[q][j]
            assert table[k, j] == pytest.approx(len(a & b) / max(len(a | b), 1))


def test_same_and_other_components():
    masks, positions = people(0, n_components=3)
    found = place_agreement(masks, positions)
    same, other = [], []
    for table in found.jaccard:
        for k, j in np.ndindex(3, 3):
            (same if k == j else other).append(table[k, j])
    assert sorted(found.same.ravel()) == sorted(same)
    assert sorted(found.other.ravel()) == sorted(other)
    assert found.auc == pytest.approx(mannwhitneyu(same, other)[0] / (len(same) * len(other)))
    single = [own[:1] for own in masks]
    assert np.isnan(place_agreement(single, positions).auc)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_everybodys_own_place_agrees_and_an_empty_mask_with_nobody(seed):
    masks, positions = people(seed)
    masks[0][0, 0] = True
    twice = place_agreement([masks[0]] * 2, [positions[0]] * 2)
    assert twice.jaccard[0, 0, 0] == 1
    empty = place_agreement([masks[0], 0 * masks[0] > 0], [positions[0]] * 2)
    assert (empty.jaccard == 0).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 3), st.sampled_from([0.1, 0.5, 1.0]))
def test_shared_masks_by_sets_of_cells(seed, n, min_share):
    masks, positions = people(seed)
    found = shared_mask(masks, positions, n_participants=n, min_share=min_share)
    lowest = np.concatenate(positions).min(axis=0)
    for k in range(2):
        sets = [
            cells_of(rows[k], own, lowest, 4.0, 1)
            for rows, own in zip(masks, positions, strict=True)
        ]
        for p, own in enumerate(positions):
            inside = [
                masks[p][k, v]
                and sum(tuple(np.floor((x - lowest) / 4).astype(int)) in s for s in sets) >= n
                for v, x in enumerate(own)
            ]
            assert found.masks[p][k].tolist() == inside
            size = masks[p][k].sum()
            assert found.takes_part[k, p] == (size > 0 and sum(inside) >= min_share * size)
    assert found.counts.tolist() == found.takes_part.sum(axis=1).tolist()
    assert found.is_shared.tolist() == (found.counts >= n).tolist()


def test_patches_at_one_place_are_shared_and_scattered_ones_are_not():
    rng = np.random.default_rng(0)
    cube = 2.0 * np.argwhere(np.ones((12, 12, 12)))
    positions = [cube + rng.uniform(-1, 1, 3) for _ in range(6)]
    at_one_place = [(np.abs(own - [6, 6, 6]) < 4).all(axis=1) for own in positions]
    corners = [[0, 0, 0], [22, 0, 0], [0, 22, 0], [0, 0, 22], [22, 22, 0], [0, 22, 22]]
    elsewhere = [
        (np.abs(own - corner) < 5).all(axis=1)
        for own, corner in zip(positions, corners, strict=True)
    ]
    masks = [np.array(rows) for rows in zip(at_one_place, elsewhere, strict=True)]
    found = shared_mask(masks, positions)
    assert found.counts.tolist() == [6, 0]
    assert found.is_shared.tolist() == [True, False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"masks": [np.ones((1, 4), bool)], "positions": [np.zeros((4, 3))]}, "One participant"),
        ({"positions": [np.zeros((4, 3))]}, "masks is of 2 participants and positions of 1"),
        ({"masks": [np.ones((1, 4), bool), np.ones((1, 3), bool)]}, r"masks\[1\] has shape"),
        ({"masks": [np.ones((1, 4), bool), np.ones((2, 4), bool)]}, r"masks\[1\] has shape"),
        ({"masks": [np.ones((1, 4))] * 2}, "expected a mask of bool"),
        ({"positions": [np.full((4, 3), np.nan)] * 2}, "positions has shape"),
        ({"positions": [np.arange(12.0).reshape(4, 3) * 1e4] * 2}, "expected a brain"),
        ({"cell": 0}, "cell=0: expected millimetres above 0"),
        ({"n_steps": -1}, "n_steps=-1"),
    ],
)
def test_bad_input(change, message):
    given_well = {"masks": [np.ones((1, 4), bool)] * 2, "positions": [np.zeros((4, 3))] * 2}
    for function, more in ((place_agreement, {}), (shared_mask, {"n_participants": 2})):
        with pytest.raises(ValueError, match=message):
            function(**{**given_well, **more, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_participants": 1}, "n_participants=1"),
        ({"n_participants": 3}, "n_participants=3: there are masks of 2"),
        ({"min_share": 0}, "min_share=0"),
    ],
)
def test_bad_input_of_what_is_shared(change, message):
    masks, positions = people(0, n_people=2)
    with pytest.raises(ValueError, match=message):
        shared_mask(masks, positions, **{"n_participants": 2, **change})
