"""What is asked of components and masks, on made-up participants and against loops."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sdc_helpers._checks import unit_rows
from sdc_helpers.concepts import PrincipalComponents, VoxelMask
from sdc_helpers.concepts.recovery import PlantedVoxels
from sdc_helpers.decoding import RidgeDecoder
from sdc_helpers.studies.component_outcomes import chance_agreement
from sdc_helpers.studies.component_study import ComponentStudy, Masks
from sdc_helpers.studies.participants import ImageEmbeddings

N_PICTURES, N_DIMS, N_VOXELS = 160, 5, 48
PATCHES = np.pad(np.eye(3, dtype=bool).repeat(8, axis=1), ((0, 0), (0, 24)))
"""Voxels of each of the first three dimensions; the last 24 answer to nothing."""


class _Data:
    """A participant who answers to the first three dimensions, see `PATCHES`."""

    def __init__(self, number, white):
        rng = np.random.default_rng(number)
        self.image_ids = np.concatenate(
            [np.repeat(rng.permutation(120)[:80], 2), np.arange(120, 160)]
        )
        self.embeddings = white.of(self.image_ids)
        weights = np.pad(PATCHES.astype(float), ((0, N_DIMS - 3), (0, 0)))
        noise = 0.3 * rng.normal(size=(len(self.image_ids), N_VOXELS))
        self.responses = self.embeddings @ weights + noise
        self.sides = {
            "train": slice(0, 120),
            "validation": slice(120, 160),
            "test": slice(160, 200),
        }

    def fold(self, side):
        rows = self.sides[side]
        return self.responses[rows], self.embeddings[rows], self.image_ids[rows]


@pytest.fixture
def study():
    rng = np.random.default_rng(0)
    vectors = unit_rows(rng.normal(size=(N_PICTURES, N_DIMS)))
    white = ImageEmbeddings(np.arange(N_PICTURES), vectors)
    data = {name: _Data(number, white) for number, name in enumerate("ab", 1)}
    concepts = {"first": SimpleNamespace(is_shared=True), "alone": SimpleNamespace(is_shared=False),
                "second": SimpleNamespace(is_shared=True)}  # fmt: skip
    values = {f"concept_{n}": vectors[:, k] for n, k in (("first", 0), ("alone", 1), ("second", 2))}
    masks = {n: np.tile(PATCHES[k], 2)
             for n, k in (("first", 0), ("alone", 1), ("second", 2))}  # fmt: skip
    truth = SimpleNamespace(concepts=concepts, images=pd.DataFrame(values))
    who = np.repeat(["a", "b"], N_VOXELS)
    opened = SimpleNamespace(
        data=data, white=white, fresh_pictures=np.arange(120, 160),
        study=SimpleNamespace(truth=truth),
        planted=PlantedVoxels(who, masks, dict.fromkeys(masks, "shared")),
    )  # fmt: skip
    decoders = {
        name: RidgeDecoder(alphas=[1.0]).fit(*one.fold("train")[:2]) for name, one in data.items()
    }
    return ComponentStudy(opened, decoders)


def test_pairs_are_stacked_in_the_order_of_the_participants(study):
    pairs = study.pairs("validation")
    both = [study.pairs("validation", [name]) for name in "ab"]
    for whole, *parts in zip(pairs, *both, strict=True):
        np.testing.assert_array_equal(whole, np.concatenate(parts))
    responses = study.data["b"].fold("validation")[0]
    np.testing.assert_array_equal(both[1].decoded, study.decoders["b"].predict(responses))


def test_mean_responses_by_a_loop_over_pictures(study):
    embeddings, responses = study.pictures
    X, Y, ids = study.data["a"].fold("train")
    for row, picture in enumerate(np.unique(ids)):
        np.testing.assert_allclose(responses["a"][row], X[ids == picture].mean(axis=0))
        np.testing.assert_allclose(embeddings["a"][row], Y[ids == picture][0])


def test_top_1_by_a_loop_over_trials(study):
    pairs = study.pairs("validation")
    model = PrincipalComponents(2).fit(pairs.true, pairs.decoded)
    for given, transform in ((None, np.asarray), (model, model.transform)):
        expected = []
        for name in "ab":
            true, decoded, items = study.pairs("test", [name])
            a, b = unit_rows(transform(true)), unit_rows(transform(decoded))
            hits = [items[np.argmax(a @ row)] == item for row, item in zip(b, items, strict=True)]
            expected.append(np.mean(hits))
        np.testing.assert_allclose(study.top_1(given), expected)


def test_planted_concepts_are_found_along_their_own_direction(study):
    r = study.planted_r(np.eye(N_DIMS))
    assert list(r.columns) == ["first", "second", "alone"]
    assert r.to_numpy()[[0, 2, 1], [0, 1, 2]].min() > 0.99
    found = study.found(np.eye(N_DIMS))
    assert {name: number for name, (number, _) in found.items()} == {"first": 0, "second": 2}
    assert study.n_found(np.eye(N_DIMS)) == 2
    assert study.n_found(-np.eye(N_DIMS)[3:]) == 0


def test_axes_are_the_planted_directions(study):
    turned = np.array([[2, 2, 1], [-2, 1, 2], [1, -2, 2]]) / 3 @ np.eye(N_DIMS)[:3]
    assert study.n_found(turned) == 0
    axes = study.axes(turned)
    assert study.n_found(axes.whole.components_) == 2
    assert axes.reproduced().n_reproduced == 3
    chance = chance_agreement(study, turned, 2, 0)
    assert {name: part.shape for name, part in chance.items()} == {
        "shuffled pairs": (2, 3), "random rotations": (2, 3)
    }  # fmt: skip


def test_masks_are_held_against_the_patch_of_their_concept(study):
    hard = {name: PATCHES.copy() for name in "ab"}
    hard["b"][2, 16:20] = False  # half of the second concept's patch
    gates = {name: own.astype(float) for name, own in hard.items()}
    table = study.against_planted(Masks(gates, hard), np.eye(N_DIMS)[:3])
    table = table.set_index(["participant", "concept"])
    assert sorted(table.index) == [(n, c) for n in "ab" for c in ("first", "second")]
    assert table["dice"].to_dict() == pytest.approx(
        {("a", "first"): 1, ("a", "second"): 1, ("b", "first"): 1, ("b", "second"): 8 / 12}
    )
    assert table.loc[("b", "second"), "auc"] == pytest.approx(0.75)
    assert table.loc[("b", "second"), "size"] == 4


def test_masks_and_loadings_cover_the_patches(study):
    directions = np.eye(N_DIMS)[:3]
    for masks in (
        study.fit_masks(VoxelMask(sparsity=0.5, noise=0.5), directions),
        study.loading_masks(directions),
    ):
        assert masks.hard["a"].shape == (3, N_VOXELS)
        assert study.against_planted(masks, directions)["auc"].min() > 0.9
    kept = study.retained(study.loading_masks(directions), directions, 0)
    assert set(kept) == {"a", "b"}
    assert kept["a"].own.min() > 0.7
