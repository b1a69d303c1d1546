"""The whole small CLIP, fine-tuned on a few scenes; what is recorded of it."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from sdc_helpers.cli import app
from sdc_helpers.studies.gap_finetuning import (
    AFTER,
    LOSSES,
    FinetuneDesign,
    finetune_runs,
    load_finetuning,
    save_finetuning,
)

TINY = FinetuneDesign(dimension=16, n_scenes=64, n_test=40, n_epochs=1, batch_size=32)


@pytest.fixture(scope="module")
def rows():
    return finetune_runs(TINY, [0], losses=["start", "cua"])


def test_every_run_is_scored_as_it_is_and_centred(rows):
    assert [row["arm"] for row in rows] == ["start", "start" + AFTER, "cua", "cua" + AFTER]
    for plain, centred in zip(rows[::2], rows[1::2], strict=True):
        assert centred["centroid_distance"] < plain["centroid_distance"]
        assert 0 <= centred["recall_10"] <= 1


def test_what_is_done_is_not_trained_again(rows):
    seen = []
    again = finetune_runs(TINY, [0], losses=["start", "cua"], done=rows, on_run=seen.append)
    assert again == rows
    assert seen == []


def test_rows_come_back_from_their_file(rows, tmp_path):
    save_finetuning(rows, TINY, {"date": "2026-01-01"}, tmp_path / "runs.json")
    assert load_finetuning(tmp_path / "runs.json") == (rows, TINY, {"date": "2026-01-01"})


def test_the_command_refuses_a_file_of_another_design(rows, tmp_path):
    path = tmp_path / "runs.json"
    save_finetuning(rows, TINY, {}, path)
    before = path.read_bytes()
    result = CliRunner().invoke(app, ["gap", "finetune", "--out", str(path)])
    assert result.exit_code != 0
    assert path.read_bytes() == before


def test_what_is_recorded_is_of_all_losses_and_two_seeds_at_least():
    recorded, design, made = load_finetuning()
    assert design == FinetuneDesign()
    assert {"date", "git_revision", "hardware"} <= made.keys()
    seeds = {row["seed"] for row in recorded}
    assert len(seeds) >= 2
    arms = {loss + end for loss in LOSSES for end in ("", AFTER)}
    assert {(row["seed"], row["arm"]) for row in recorded} == {(s, a) for s in seeds for a in arms}
    assert np.isfinite([row["centroid_distance"] for row in recorded]).all()
