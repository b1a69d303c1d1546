"""What is exchanged, split and measured of a user's own data, on small planted responses."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from own_folders import N_STIMULI, Folder, write_table

from sdc_helpers.studies import own_export, own_rows
from sdc_helpers.studies.own_contract import DesignPart
from sdc_helpers.studies.own_data import OwnData, open_own_data
from sdc_helpers.studies.own_participant import OwnParticipant
from sdc_helpers.studies.own_study import ALL, open_own_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return Folder(tmp_path_factory.mktemp("own") / "study")


@pytest.fixture(scope="module")
def study(folder):
    return open_own_study(folder.root, seed=1)


def made_up(stimuli, runs=None, **design) -> tuple[OwnData, OwnParticipant]:
    """A participant of four voxels with given stimuli and runs."""
    stimuli = np.array(stimuli)
    rng = np.random.default_rng(0)
    names = np.unique(stimuli)
    one = OwnParticipant(
        "anna", rng.standard_normal((len(stimuli), 4)).astype(np.float32), stimuli, None,
        None if runs is None else np.array(runs), None, 0,
    )  # fmt: skip
    description = SimpleNamespace(design=DesignPart(**design))
    vectors = rng.standard_normal((len(names), 3)).astype(np.float32)
    return OwnData(None, description, names, vectors, None, None, {"anna": one}), one


# ---------------------------------------------------------------------- rows and their exchange


@pytest.mark.parametrize(
    ("stimuli", "runs", "design", "scheme", "n_rows"),
    [
        (list("abcdefgh"), None, {}, "rows", 8),
        (list("abcdefgh"), list("11112222"), {}, "rows", 8),
        (list("abcdabcd"), list("11112222"), {}, "rows", 4),
        (list("abcdabcd"), list("11112222"), {"repetitions": "keep"}, "blocks", 8),
        (list("abcdefgh"), list("11112222"), {"time_ordered": True}, "circular", 8),
    ],
)
def test_the_description_decides_what_is_exchanged(stimuli, runs, design, scheme, n_rows):
    data, one = made_up(stimuli, runs, **design)
    rows = own_rows.rows_of(data, one)
    exchange = own_rows.exchange_of(data, rows)
    assert exchange.options["scheme"] == scheme
    assert len(rows.responses) == n_rows
    assert exchange.why


def test_rows_stay_in_their_run_only_where_a_stimulus_was_shown_in_one_run_alone():
    nested = own_rows.rows_of(*made_up(list("abcdefgh"), list("11112222")))
    crossed = own_rows.rows_of(*made_up(list("abcdabcd"), list("11112222")))
    assert nested.groups.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert crossed.groups.tolist() == [0, 0, 0, 0]


def test_repetitions_are_averaged_by_name():
    data, one = made_up(["b", "a", "b", "c"])
    rows = own_rows.rows_of(data, one)
    assert rows.names.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(rows.responses[1], one.responses[[0, 2]].mean(axis=0), atol=1e-6)
    np.testing.assert_array_equal(rows.embeddings, data.embeddings)


def test_stretches_of_time_are_means_of_whole_rows_of_one_run():
    names = [f"t{k:02d}" for k in range(11)]
    data, one = made_up(names, ["1"] * 5 + ["2"] * 6, time_ordered=True, correlated_rows=2)
    rows = own_rows.rows_of(data, one, stretches=True)
    assert rows.names.tolist() == ["t00", "t02", "t05", "t07", "t09"]
    assert rows.groups.tolist() == [0, 0, 1, 1, 1]
    np.testing.assert_allclose(rows.responses[2], one.responses[5:7].mean(axis=0), atol=1e-6)


def series(n=30):
    names = [f"t{k:03d}" for k in range(n)]
    data, one = made_up(names, time_ordered=True, correlated_rows=1)
    rows = own_rows.rows_of(data, one, stretches=True)
    (split,) = own_rows.split_own(data, {"anna": rows}, 0).values()
    vectors = np.random.default_rng(1).standard_normal((n, 3))
    return own_rows.to_fit("anna", rows, vectors, split)


def test_a_series_is_cut_and_not_dealt_out():
    one = series()
    assert one.split.train_images.tolist() == list(range(20))
    assert one.split.validation_images.tolist() == [21, 22, 23, 24]  # without the row at the cut
    assert one.split.test_images.tolist() == [26, 27, 28, 29]


def test_halves_of_a_series_are_stretches_and_disjoint():
    one = series()
    first, second = (own_rows.half_in_time(one, half) for half in (0, 1))
    assert first.fold("train")[2].tolist() == list(range(10))
    assert second.fold("train")[2].tolist() == list(range(10, 20))
    held_out = [half.fold("test")[2].tolist() for half in (first, second)]
    assert held_out == [[26, 27, 28, 29]] * 2


def test_shifted_pairs_keep_the_order_of_time():
    one = series()
    shifted = own_rows.shift_pairs(one, np.random.default_rng(3))
    before, after = (x.embeddings[x.split.trials("train")] for x in (one, shifted))
    (start,) = np.flatnonzero((after == before[0]).all(axis=1))
    assert start > 0
    np.testing.assert_array_equal(after, np.roll(before, start, axis=0))


def test_no_stimulus_is_on_two_sides_for_anybody(study):
    sides = {
        side: set(np.concatenate([s.images(side) for s in study.splits.values()]))
        for side in own_rows.SIDES
    }
    assert not sides["train"] & sides["test"]
    assert not sides["train"] & sides["validation"]
    assert not sides["validation"] & sides["test"]
    assert len(set.union(*sides.values())) == N_STIMULI


def test_sides_are_even_where_participants_saw_different_stimuli():
    names = [f"s{k:03d}" for k in range(90)]
    data, one = made_up(names)
    rows = own_rows.rows_of(data, one)
    parts = {"a": rows.part(np.arange(48)), "b": rows.part(np.arange(42, 90))}
    for split in own_rows.split_own(data, parts, 5).values():
        sizes = [len(split.images(side)) for side in own_rows.SIDES]
        assert sizes == pytest.approx([32, 8, 8], abs=2)


def test_rows_of_equal_embeddings_are_one_item():
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    _, merged, items = own_rows.merge_equal((vectors, vectors, np.arange(3)), -1)
    assert items[0] == items[2] != items[1]
    assert (items < 0).all()
    np.testing.assert_array_equal(merged, vectors)


def test_shifts_of_a_perfect_answer_are_worse_than_it():
    test = own_rows.shifted_top_1(np.eye(6), np.arange(6), np.eye(6), np.arange(6))
    assert (test.value, test.p_value) == (1.0, pytest.approx(1 / 6))
    assert test.null.tolist() == [0.0] * 5
    assert test.scheme == "circular shift"


# ---------------------------------------------------------------------- what is measured


def test_planted_responses_are_found_and_the_rest_is_chance(study):
    assert study.skipped == {}
    found = study.decode("anna", 99)
    assert found.score.top_k[1].value > 3 * found.score.top_k[1].chance
    assert found.test.p_value <= 0.05
    assert 0 < found.r < found.ceiling <= 1
    table = study.align("anna", 99)
    assert table.columns == (ALL, "left", "right")
    assert table.values[0, 0] > 0.3 > abs(table.null[:, 0, 0].mean())
    assert study.ceilings["anna"].mean() > 50
    assert study.gap().linear_separability > 0.9


def test_with_stimuli_in_another_order_nothing_is_found(folder, tmp_path):
    other = Folder(tmp_path / "other")
    names = np.random.default_rng(8).permutation(other.names)
    write_table(other.root / "stimuli.tsv", stimulus=names)
    table = open_own_study(other.root, seed=1).align("anna", 99)
    assert table.p_values_fwe.min() > 0.01
    assert abs(table.values[0, 0]) < 0.3


def test_sections_without_input_are_skipped_with_a_reason(tmp_path):
    small = Folder(tmp_path / "small")
    text = (small.root / "study.toml").read_text(encoding="utf-8")
    text = text.replace('texts = "texts.npy"\n', "")
    text = text[: text.rindex("[[participants]]")]
    (small.root / "study.toml").write_text(text, encoding="utf-8")
    study = open_own_study(small.root)
    assert set(study.skipped) == {"gap", "concepts"}
    assert study.gap() is None


def test_unknown_participants_are_named(folder):
    with pytest.raises(ValueError, match=r"no 'carl'.*anna, ben"):
        open_own_study(folder.root, participants=["carl"])


# ---------------------------------------------------------------------- real studies, exported


@pytest.mark.real
def test_v4_is_written_and_read_in_the_form(real_data_mirror, tmp_path):
    if not (real_data_mirror / "macaque_v4").is_dir():
        pytest.skip("the mirror has no V4 recordings")
    root = own_export.export_v4(tmp_path / "v4", 60, real_data_mirror / "macaque_v4")
    data = open_own_data(root)
    sizes = {name: one.responses.shape for name, one in data.participants.items()}
    assert sizes == {"WE": (60, 33), "PE": (60, 89), "RA": (60, 51)}
    assert not set(data.participants["WE"].stimuli) & set(data.participants["PE"].stimuli)
    assert data.kind == "real"


@pytest.mark.real
def test_a_film_is_written_in_time_and_only_shifted(real_data_mirror, tmp_path):
    if not (real_data_mirror / "studyforrest").is_dir():
        pytest.skip("the mirror has no studyforrest")
    folder = real_data_mirror / "studyforrest"
    study = open_own_study(own_export.export_studyforrest(tmp_path / "film", folder))
    assert len(study.rows) == 8
    assert {e.options["scheme"] for e in study.exchanges.values()} == {"circular"}
    assert not any("min_lag" in e.options for e in study.exchanges.values())  # all shifts
    (n_volumes,) = {len(rows.responses) for rows in study.rows.values()}
    assert n_volumes == 441 + 338
    assert set(study.skipped) == {"ceiling", "gap"}
