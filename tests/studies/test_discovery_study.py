"""Bounds of false discovery on studies whose truth is known: recorded in full, a few run again."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.studies import discovery_study
from sdc_helpers.studies.discovery_study import (
    N_PARTICIPANTS,
    SHUFFLED,
    StudyOutcome,
    recorded_studies,
    recorded_studies_provenance,
    run_shuffled_pairs,
    run_studies,
    save_studies,
    simulate_rows,
    summarise,
)


def test_recorded_bounds_cover_and_nothing_is_found_where_nothing_is_shared():
    summary = summarise(recorded_studies())
    for world in ("rotated", "unrelated", "planted"):
        assert sum(o.world == world for o in recorded_studies()) == 100
    assert summary["allowed_rotated"] <= 0.05
    assert summary["allowed_unrelated"] <= 0.05
    assert sum(o.world == SHUFFLED for o in recorded_studies()) == 20
    assert summary["allowed_shuffled_pairs"] <= 0.05
    assert summary["covered"] >= 0.95
    assert summary["allowed_planted"] > 0.5  # or it would be no method
    assert recorded_studies_provenance()["git_revision"]


def test_a_few_studies_again(tmp_path):
    """Of 4 each; more than one false alarm or uncovered bound has a chance below 2 %."""
    seen = []
    outcomes = run_studies(4, first_seed=500, on_outcome=seen.append)
    assert outcomes == seen
    nulls = [o for o in outcomes if o.world != "planted"]
    assert sum(o.is_allowed for o in nulls) <= 1
    told = [o for o in outcomes if o.world == "planted" and o.is_allowed]
    assert sum(not o.is_covered for o in told) <= 1
    save_studies(outcomes, tmp_path / "studies.json", {"date": "today"})
    assert "covered" in (tmp_path / "studies.json").read_text()


def test_rows_are_as_noisy_as_decoders_of_halves_of_the_pictures():
    rows = simulate_rows("planted", np.random.default_rng(7))
    kinds = rows.planted.kinds
    shared = np.any([m for k, m in rows.planted.masks.items() if kinds[k] == "shared"], axis=0)
    first, second = (w / np.linalg.norm(w, axis=1, keepdims=True) for w in rows.weights.halves)
    cosine = (first * second).sum(axis=1)
    assert 0.35 < cosine[shared].mean() < 0.65
    assert cosine[rows.planted.masks["-2"]].mean() == pytest.approx(0.1, abs=0.05)
    assert len(np.unique(rows.weights.participants)) == N_PARTICIPANTS


def test_the_summary_counts():
    def outcome(world, is_allowed, bound=0.04, false=0.0):
        return StudyOutcome(world, 0, is_allowed, 1, 1, bound, false)

    summary = summarise(
        [
            outcome("planted", True),
            outcome("planted", True, false=0.2),
            outcome("planted", False, false=1.0),
            outcome("rotated", False),
            outcome("unrelated", True),
        ]
    )
    assert summary["covered"] == 0.5
    assert summary["allowed_planted"] == pytest.approx(2 / 3)
    assert (summary["allowed_rotated"], summary["allowed_unrelated"]) == (0, 1)


def test_a_study_of_shuffled_pairs_is_run_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("SDC_DATA", str(tmp_path))
    decoder = discovery_study.course_decoder
    monkeypatch.setattr(
        discovery_study,
        "course_decoder",
        lambda profile, **changes: decoder(profile, **changes, n_steps=20),
    )
    seen = []
    (outcome,) = run_shuffled_pairs(1, first_seed=1, on_outcome=seen.append)
    assert seen == [outcome]
    assert (outcome.world, outcome.seed, outcome.n_planted) == (SHUFFLED, 1, 0)
    assert outcome.false_voxels == float(outcome.n_concepts > 0)
    assert not outcome.is_allowed or outcome.bound <= 0.05
    with pytest.raises(ValueError, match="n_studies=0"):
        run_shuffled_pairs(0)
