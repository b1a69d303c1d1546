"""Cells of the study and the grid that they make: exposure, resuming, files, and the record."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sdc_helpers.curriculum.design import (
    GRID_DESIGN,
    GRID_ORDERS,
    ORDERS,
    Cell,
    StudyDesign,
    all_cells,
    plan_of,
)
from sdc_helpers.curriculum.materials import TASKS
from sdc_helpers.curriculum.study import run_cell
from sdc_helpers.embeddings.clip import load_clip
from sdc_helpers.studies import curriculum_grid as grid_module
from sdc_helpers.studies.curriculum_grid import (
    Grid,
    load_grid,
    read_result,
    run_grid,
    save_grid,
    save_result,
)
from sdc_helpers.studies.curriculum_materials import make_materials

DESIGN = StudyDesign(
    n_images=24, n_captions=3, n_sentences=60, n_test=100, epochs_per_bin=1, text_epochs=1,
    text_batch_size=20, batch_size=12, warmup_steps=2, vocabulary_size=300, n_curve=2,
)  # fmt: skip
CELLS = [Cell("git", "T+C", "cut", 1), Cell("flamingo", "C", "curriculum", 0)]


@pytest.fixture(scope="module")
def materials():
    return make_materials(DESIGN, load_clip())


@pytest.fixture(scope="module")
def results(materials):
    return {cell: run_cell(cell, DESIGN, materials) for cell in CELLS}


def test_materials_fit_together(materials):
    n = DESIGN.n_images * DESIGN.n_captions
    assert len(materials.tokens) == len(materials.image_of) == len(materials.difficulty) == n
    assert materials.pictures.shape == (DESIGN.n_images, 640, 4, 4)
    assert len(materials.pair_pictures) == 2 * len(materials.pairs) == 2 * DESIGN.n_test
    for image in range(DESIGN.n_images):
        assert len(set(materials.difficulty[materials.image_of == image])) == 1
    texts = [t for of_one in materials.captions for t in of_one]
    assert materials.n_words.tolist() == [len(t.split()) for t in texts]
    assert max(q.picture for q in materials.asked) < len(materials.test_pictures)


@pytest.mark.parametrize("seed", [0, 1])
def test_cuts_are_the_beginning_of_the_standard_order(materials, seed):
    n_words = materials.n_words
    plans = {order: plan_of(DESIGN, materials.difficulty, order, seed, n_words) for order in ORDERS}
    by_samples, standard = plans["cut_samples"], plans["standard"]
    assert len(by_samples) == len(plans["curriculum"]) < len(standard)
    assert len(standard) == 4 * len(materials.difficulty)
    for cut in (by_samples, plans["cut"]):
        np.testing.assert_array_equal(cut.indices(0, len(cut)), standard.indices(0, len(cut)))


@pytest.mark.parametrize("seed", [0, 1])
def test_the_cut_sees_as_many_words_as_the_curriculum(materials, seed):
    n_words = materials.n_words
    seen = {
        order: plan_of(DESIGN, materials.difficulty, order, seed, n_words).exposure() @ n_words
        for order in ("curriculum", "cut", "cut_samples")
    }
    assert abs(seen["cut"] - seen["curriculum"]) <= n_words.max() / 2
    assert seen["cut_samples"] > seen["curriculum"]  # the easy captions are the short ones


def test_a_cell_is_trained_and_asked_everything(results):
    for cell, result in results.items():
        assert result.cell == cell
        assert tuple(result.evaluations) == TASKS
        assert set(result.losses) == {"right", "wrong", "none"}
        seen, losses = zip(*result.curve, strict=True)
        assert seen[0] == 0
        assert seen[-1] == result.n_samples
        assert losses[-1] < losses[0]
        assert result.losses["right"] == pytest.approx(losses[-1])


def test_a_cell_sees_its_plan_but_for_a_last_batch_that_is_not_full(materials, results):
    n_words = materials.n_words
    for cell, result in results.items():
        plan = plan_of(DESIGN, materials.difficulty, cell.order, cell.seed, n_words)
        assert 0 <= len(plan) - result.n_samples < DESIGN.batch_size
        assert result.n_words == n_words[plan.indices(0, result.n_samples)].sum()


def test_a_cell_is_the_same_twice(materials, results):
    again = run_cell(CELLS[1], DESIGN, materials)
    for task in TASKS:
        np.testing.assert_array_equal(
            again.evaluations[task].correct, results[CELLS[1]].evaluations[task].correct
        )
    assert again.losses == pytest.approx(results[CELLS[1]].losses, rel=1e-6)


def test_a_grid_goes_on_where_it_stopped(materials, results, tmp_path, monkeypatch):
    monkeypatch.setattr(grid_module, "_materials", lambda *_: materials)
    trained = []
    monkeypatch.setattr(
        "sdc_helpers.curriculum.study.run_cell",
        lambda cell, *_, **__: trained.append(cell) or results[cell],
    )
    run_grid(DESIGN, tmp_path, cells=CELLS[:1])
    found = run_grid(DESIGN, tmp_path, cells=CELLS)
    assert trained == CELLS
    assert list(found) == CELLS
    with pytest.raises(ValueError, match="batch_size was 12 and is 13"):
        run_grid(replace(DESIGN, batch_size=13), tmp_path, cells=CELLS)


def same(one, other):
    assert one.cell == other.cell
    assert (one.n_samples, one.n_words) == (other.n_samples, other.n_words)
    assert other.losses == pytest.approx(one.losses, abs=1e-5)
    for task, evaluation in one.evaluations.items():
        read = other.evaluations[task]
        np.testing.assert_allclose(read.correct, evaluation.correct, atol=1e-6)
        np.testing.assert_array_equal(read.units, evaluation.units)
        np.testing.assert_array_equal(read.kinds, evaluation.kinds)
        assert read.chance == evaluation.chance


def test_results_come_back_from_files(results, tmp_path):
    save_result(results[CELLS[0]], tmp_path / "cell.json")
    same(results[CELLS[0]], read_result(tmp_path / "cell.json"))
    save_grid(Grid(DESIGN, results, {"date": "today"}), tmp_path / "grid.json")
    read = load_grid(tmp_path / "grid.json")
    assert read.design == DESIGN
    assert read.made == {"date": "today"}
    for cell in CELLS:
        same(results[cell], read.results[cell])
    [only] = read.evaluations("git", "T+C", "cut", "questions")
    assert only.accuracy == pytest.approx(results[CELLS[0]].evaluations["questions"].accuracy)
    with pytest.raises(ValueError, match="holds no git, C, cut"):
        read.evaluations("git", "C", "cut", "questions")


def test_a_file_that_is_no_grid(tmp_path):
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ValueError, match="is no grid"):
        load_grid(tmp_path / "other.json")


@pytest.mark.parametrize("name", ["git/C/standard", "git/C/standard/x", "bert/C/cut/0", ""])
def test_names_of_cells(name):
    with pytest.raises(ValueError, match="is no cell"):
        Cell.from_name(name)
    assert [Cell.from_name(cell.name) for cell in all_cells([0])] == all_cells([0])


def test_the_recorded_grid_is_complete():
    recorded = load_grid()
    assert recorded.design == GRID_DESIGN
    assert list(recorded.results) == all_cells()
    for cell, result in recorded.results.items():
        assert result.losses["right"] < result.losses["wrong"], cell.name
        curriculum = recorded.results[replace(cell, order="curriculum")]
        if cell.order == "cut":
            assert result.n_words == pytest.approx(curriculum.n_words, rel=0.002)
            # the standard run stopped early, on whatever machine
            curve = np.transpose(recorded.results[replace(cell, order="standard")].curve)
            on_curve = np.interp(result.n_samples, *curve)
            assert result.losses["right"] == pytest.approx(on_curve, abs=0.05)


# --- what a chapter asks of the recorded grid -----------------------------------------------------


def test_pooled_answers_are_means_over_conditions():
    grid = load_grid()
    conditions = [("git", "C"), ("flamingo", "T+C")]
    pooled = grid.pooled("curriculum", "questions", conditions)
    of_each = [grid.evaluations(*c, "curriculum", "questions") for c in conditions]
    assert len(pooled) == 3
    for one, first, second in zip(pooled, *of_each, strict=True):
        np.testing.assert_allclose(one.correct, (first.correct + second.correct) / 2)
    less = grid.pooled("curriculum", "questions", less="cut")
    d = grid.difference("curriculum", "cut", "questions")
    assert np.mean([one.accuracy for one in less]) == pytest.approx(d.value)
    assert d.low < d.value < d.high
    scores = [grid.score(order, "questions").value for order in ("curriculum", "cut")]
    assert scores[0] - scores[1] == pytest.approx(d.value)


def test_a_grid_says_what_it_holds():
    grid = load_grid()
    assert list(grid.conditions.values()) == ["GIT, C", "GIT, T+C", "Flamingo, C", "Flamingo, T+C"]
    words = grid.mean_of("n_words")
    assert list(words) == list(GRID_ORDERS)
    assert words["cut"] == pytest.approx(words["curriculum"], rel=0.002)
    rises = grid.rise_with_wrong_picture()
    assert list(rises) == list(grid.results)
    assert min(rises.values()) > 0
    with pytest.raises(ValueError, match="holds no"):
        grid.pooled("backwards", "questions")
