"""One run of the whole pipeline a setting, on a small simulated dataset."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.concepts.recovery import PlantedVoxels
from sdc_helpers.datasets import NSD, split_sdc2025
from sdc_helpers.datasets.ceilings import ncsnr, noise_ceiling
from sdc_helpers.datasets.errors import DataFormatError
from sdc_helpers.simulate import load_truth
from sdc_helpers.studies.participants import ImageEmbeddings
from sdc_helpers.studies.settings_study import (
    BY_WORLD,
    Variation,
    _data,
    _decoded,
    _with_all_concepts,
    false_voxels,
    load_outcomes,
    recorded_outcomes,
    recorded_provenance,
    run_variations,
    save_outcomes,
)


@pytest.fixture(scope="module")
def small(simulated_tree):
    """Simulated participants, and embeddings that hold every planted concept."""
    nsd, truth = NSD(simulated_tree, cache=False), load_truth(simulated_tree)
    trials = {name: nsd.trials(name, nsd.sessions(name)) for name in nsd.participants}
    values = truth.images.filter(like="concept_")
    vectors = (values - values.mean()) / values.std()
    rng = np.random.default_rng(0)
    vectors = vectors.to_numpy() @ rng.normal(size=(vectors.shape[1], 24))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    order = np.argsort(values.index)
    ids = values.index.to_numpy()[order]
    embeddings = ImageEmbeddings(ids, vectors[order].astype(np.float32))
    return nsd, truth, embeddings, split_sdc2025(trials, 0, 30, 30)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SDC_DATA", str(tmp_path))


def test_an_outcome_says_what_was_found(small, tmp_path):
    some = (Variation("few", n_components=8), Variation("deaf", 8, input_noise=1000.0))
    seen = []
    options = {"profile": "smoke", "seed": 4, "n_shuffles": 1}
    outcomes = run_variations(*small, some, **options, on_outcome=seen.append)
    assert outcomes == seen
    few, deaf = outcomes
    assert (few.name, few.seed) == ("few", 4)
    assert few.n_planted == 10
    assert few.n_recovered + len(few.missed) == few.n_planted
    assert few.n_concepts >= few.n_reproduced
    assert {*few.ranking} <= {name for name, c in small[1].concepts.items() if c.is_shared}
    assert all(0 <= auc <= 1 for auc in few.ranking.values())
    assert deaf.n_recovered <= few.n_recovered
    save_outcomes(outcomes, tmp_path / "outcomes.json", {"date": "today"})
    assert list(load_outcomes(tmp_path / "outcomes.json")) == outcomes
    (tmp_path / "bad.json").write_text("[1]")
    with pytest.raises(DataFormatError, match=r"bad\.json is no record of settings"):
        load_outcomes(tmp_path / "bad.json")
    assert (tmp_path / "outcomes.json").read_text().count('"eps"') == 2


def test_a_variation_changes_one_thing(small):
    nsd, truth, embeddings, split = small
    plain = _data(nsd, embeddings, split, Variation("", 8), 0)
    fewer = _data(nsd, embeddings, split, Variation("", 8, n_participants=2), 0)
    assert list(fewer) == list(plain)[:2]
    for n_components, expected in ((None, 24), (8, 8)):
        decoded = _decoded(embeddings, truth, split, Variation("", n_components))
        assert decoded.vectors.shape[1] == expected
    held = _decoded(embeddings, truth, split, Variation("", None, holds_all=True))
    assert held.vectors.shape[1] == 24 + 10


def test_an_embedding_can_be_made_to_hold_every_concept(small):
    _, truth, embeddings, _ = small
    rng = np.random.default_rng(5)
    noise = rng.normal(size=embeddings.vectors.shape).astype(np.float32)
    blind = ImageEmbeddings(embeddings.image_ids, noise)
    held = _with_all_concepts(blind, truth).vectors
    values = truth.images.loc[blind.image_ids, ["concept_faces", "concept_number"]].to_numpy()
    for vectors, low, high in ((noise, 0.0, 0.5), (held, 0.99, 1.01)):
        centred = vectors - vectors.mean(axis=0)
        fitted = centred @ np.linalg.lstsq(centred, values - values.mean(axis=0), rcond=None)[0]
        explained = fitted.var(axis=0) / values.var(axis=0)
        assert np.all((explained > low) & (explained < high))


def test_noise_is_doubled_as_the_ceiling_measures_it(small):
    nsd, _, embeddings, split = small
    plain = _data(nsd, embeddings, split, Variation("", 8), 0)
    noisy = _data(nsd, embeddings, split, Variation("", 8, noise_variance=2.0), 0)
    for name, one in plain.items():
        found = noise_ceiling(ncsnr(noisy[name].responses, one.image_ids, one.split.train_trials))
        share = one.ceiling / 100
        expected = 100 * share / (share + 2 * (1 - share))
        assert np.median(found) == pytest.approx(np.median(expected), abs=4)
        assert noisy[name].responses.std() == pytest.approx(one.responses.std(), rel=0.03)


def test_what_is_recorded_is_of_all_settings_and_three_seeds_in_both_worlds():
    recorded = recorded_outcomes()
    for world, variations in BY_WORLD.items():
        names = [o.name for o in recorded if o.world == world]
        assert names == 3 * [v.name for v in variations]
    assert len({o.seed for o in recorded}) == 3
    for outcome in recorded:
        assert outcome.n_recovered + len(outcome.missed) == outcome.n_planted
        assert outcome.false_discovery > 0
        if outcome.is_allowed:
            assert max(outcome.false_discovery, outcome.false_clusters, outcome.alignment_p) <= 0.05
            assert outcome.n_recovered > 0
            assert outcome.false_voxels <= outcome.false_discovery


def test_the_record_says_how_it_was_made():
    made = recorded_provenance()
    assert made["git_revision"]
    assert made["date"].startswith("20")
    assert "cores" in made["hardware"]


def test_false_voxels_are_counted_among_those_reported():
    who = np.array(["a", "a", "a", "b"])
    masks = {"x": np.array([True, False, False, True]), "t": np.array([False, True, False, False])}
    planted = PlantedVoxels(who, masks, {"x": "shared", "t": "few"})
    assert false_voxels(np.array([0, 0, -1, 1]), planted) == pytest.approx(1 / 3)
    assert false_voxels(np.array([-1, -1, 2, -1]), planted) == 1
    assert false_voxels(np.full(4, -1), planted) == 0
