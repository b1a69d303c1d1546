"""What the chapters on CKA simulate, and what they say of recordings, against loops."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers import alignment
from sdc_helpers.studies import (
    HumanIT,
    cka_studies,
    load_type_one,
    recordings,
    things_study,
)


def test_grams_grow_by_the_columns_that_come_to_them(monkeypatch):
    monkeypatch.setattr(cka_studies, "_WIDEST", 7)
    grown = list(cka_studies.growing_grams(6, [3, 10, 40], np.random.default_rng(0)))
    rng, drawn = np.random.default_rng(0), np.empty((6, 0))
    for width, K in zip((3, 10, 40), grown, strict=True):
        new = width - drawn.shape[1]
        for part in np.array_split(np.arange(new), 1 + new // 7):
            drawn = np.hstack([drawn, rng.random((6, len(part)))])
        np.testing.assert_allclose(K, alignment.gram(drawn, centre=True), atol=1e-10)


def test_the_faulty_control_falls_faster_than_the_right_one():
    areas, layer = cka_studies.three_areas(np.random.default_rng(0))
    area, fractions = areas["related,\n800 voxels"], (0.0, 0.2, 0.4)
    found = cka_studies.cumulative_shuffles(area, layer, fractions, n_repeats=10, seed=0)
    full = alignment.cka(area, layer, "debiased")
    np.testing.assert_allclose(found[0], full)
    # .8^2 and then .8^2 x .6^2 of it, where the right control keeps .36
    assert found[1].mean() / full == pytest.approx(0.64, abs=0.06)
    assert found[2].mean() / full == pytest.approx(0.23, abs=0.06)


def test_more_stimuli_lower_biased_cka_and_strengthen_the_evidence():
    tests = cka_studies.by_stimuli((12, 256), seed=3)
    few, many = tests[12], tests[256]
    assert many["biased"].value < few["biased"].value
    assert many["debiased"].p_value <= 0.01
    assert abs(many["debiased"].null.mean()) < 0.02 < many["biased"].null.mean()


def test_areas_without_signal_have_no_debiased_cka_at_any_size():
    unrelated, aligned = cka_studies.areas_by_size((25, 400), seed=0, n_seeds=3)
    assert np.abs(unrelated["debiased"]).max() < 0.1
    assert np.all(unrelated["biased"][1] > unrelated["biased"][0])
    assert np.all(aligned["debiased"][1] > aligned["debiased"][0])
    assert aligned["feature_corrected"].shape == (2, 3)


def test_no_root_in_about_half_of_unrelated_pairs():
    found = cka_studies.no_root(60, seed=0)
    assert found.low < 0.5 < found.high


def test_type_one_intervals_of_the_recorded_table():
    errors, made = load_type_one()
    valid, circular, free = cka_studies.type_one_intervals(errors, made["n_nulls"])
    assert valid.n_cells == 14
    assert valid.largest.low < 0.05 < valid.largest.high
    assert circular.value == errors["autocorrelated"]["circular shift"]
    assert free.low > 0.1


def test_the_nominal_range_has_the_valid_tests_in_it():
    errors = np.random.default_rng(3).binomial(1000, 0.05, size=20_000) / 1000
    low, high = map(float, cka_studies.nominal_range(1000).split(" to "))
    assert 0.945 <= np.mean((errors >= low) & (errors <= high)) <= 0.965  # it goes in whole counts


def test_the_same_geometry_and_what_is_planted_is_counted():
    X = np.random.default_rng(0).normal(size=(8, 5))
    K = alignment.gram(X, centre=True)
    same = things_study.same_geometry(K)
    np.testing.assert_allclose(same @ same.T, K, atol=1e-10)
    table = np.array([[0.1, 0.9], [0.8, 0.3], [0.2, 0.4]])
    study = things_study.ThingsStudy((), (), {"a": K, "b": K}, {})
    assert study.count_planted([table], {"V1": "b", "V2": "b", "V3": "b"}) == [2]


def test_a_small_unrelated_table_on_the_cpu():
    table = cka_studies.unrelated_table(12, 19, "cpu", seed=0)
    assert table.values.shape == (20, 12)
    assert table.p_values_fwe.min() >= 0.05


@pytest.mark.slow
def test_simulated_areas_are_read_back_with_the_modules_of_the_same_pictures():
    planted = {"V1": "maxpool", "rEBA": "fc"}
    study = things_study.simulate_things(planted, 40, n_participants=1, seed=0, noise_ceiling=90.0)
    (who,) = study.participants
    responses, grams = study.of(who, ["V1", "rEBA", "lPPA"])
    assert len(responses["V1"]) == len(grams["fc"])
    areas = {area: alignment.gram(r, centre=True) for area, r in responses.items()}
    values = alignment.cka_table_from_grams(areas, grams, "debiased").values
    assert study.count_planted([values], planted) == [2]
    assert np.abs(values[2]).max() < 0.2


@pytest.mark.real
class TestRecordings:
    @pytest.fixture(autouse=True)
    def data(self, real_data_mirror, tmp_path, monkeypatch):
        monkeypatch.setenv("SDC_DATA", str(tmp_path))
        monkeypatch.setenv("SDC_DATA_MIRROR", str(real_data_mirror))

    def test_one_participants_blocks(self):
        haxby = recordings.Recordings(199, 0)
        odd, even, runs, kinds = haxby._halves
        assert odd.shape == even.shape == (48, haxby.blocks.responses.shape[1])
        at = np.flatnonzero((haxby.blocks.runs == 4) & (haxby.blocks.categories == kinds[9]))
        np.testing.assert_array_equal(even[9], haxby.blocks.responses[at[0]])
        assert runs[9] == 3
        free, within = haxby.odd_even_test(True), haxby.odd_even_test(False)
        assert free.p_value < 0.05 < within.p_value
        assert within.null.mean() > free.null.mean()
        few = haxby.categories_test(24, "biased")
        assert few.value == pytest.approx(0.293, abs=0.001)
        interval = haxby.eight_rows()
        assert interval.low < interval.value < interval.high

    def test_human_it_agrees_between_people_less_than_within(self):
        it = HumanIT()
        within, between = it.within_and_between
        assert 0 < between < within
        assert it.ceiling() > between
        interval = it.between_participants()
        assert interval.low < between < interval.high
        rng = np.random.default_rng(0)
        drawn = rng.normal(size=(2, 2, 92, 50))
        networks = [
            {n: alignment.gram(X, centre=True) for n, X in zip(("conv1", "fc"), two, strict=True)}
            for two in drawn
        ]
        ends = it.ends(networks, are_random=True)
        assert ends.varied == "people, pictures and networks"
        assert ends.biased_order.low < 0 < ends.biased_order.high
