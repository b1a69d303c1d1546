"""What the film says: made-up people who share a film, and the real ones."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.datasets.studyforrest import FilmEvents, FilmRun
from sdc_helpers.measures import Interval
from sdc_helpers.studies import film_study
from sdc_helpers.studies.film_study import FilmStudy

N_VOLUMES, N_PEOPLE, N_PARCELS = 150, 5, 80


def _events(column, starts, values):
    onsets = np.array(starts, dtype=float)
    durations = np.diff([*onsets, 2.0 * N_VOLUMES])
    return FilmEvents(onsets, durations, {column: np.array(values)})


def _run(run, root):
    """Scenes of 20 s are outside or inside in turn; ten parcels know it, ten follow the film."""
    rng = np.random.default_rng(run)
    starts = np.arange(0, 2 * N_VOLUMES, 20)
    where = ["ext", "int"] * (len(starts) // 2) + ["ext"] * (len(starts) % 2)
    settings = [f"place {k % 4}" for k in range(len(starts))]
    locations = _events("int_or_ext", starts, where)
    locations.columns["setting"] = np.array(settings)
    series = 1.5 * rng.normal(size=(N_PEOPLE, N_VOLUMES, N_PARCELS))
    film = rng.normal(size=(N_VOLUMES, 10))
    seconds = 2 * np.arange(N_VOLUMES) - film_study.DELAY_S
    outside = np.array(where)[np.clip(seconds // 20, 0, len(starts) - 1).astype(int)] == "ext"
    series[:, :, :10] += film
    series[:, :, 10:20] += outside[:, None]
    annotations = {
        "locations": locations,
        "emotions": _events("character", [0.0, 100.0], ["FORREST", "FORREST"]),
        "music": _events("artist", [290.0], ["nobody"]),
    }
    names = tuple(f"sub-{k:02}" for k in range(N_PEOPLE))
    return FilmRun(run, series, names, np.arange(N_PARCELS), 2.0, annotations)


@pytest.fixture(scope="module")
def film():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(film_study, "load_studyforrest", _run)
        return FilmStudy()


def test_parcels_that_follow_the_film_are_chosen(film):
    assert set(film.parcels(2, 10)) == set(range(10))
    assert film.map_r > 0.5


def test_segments_are_found_only_where_people_share(film):
    shared = film.matched(8, 10)
    assert shared.low > 5 * shared.chance
    assert shared.by_seed.shape == (N_PEOPLE,)


def test_settings_are_one_column_each(film):
    model = film.setting_model(2)
    assert model.shape == (N_VOLUMES, 4)
    assert set(model.sum(axis=1)) <= {0.0, 1.0}
    assert model.sum(axis=1).mean() > 0.95  # the first volumes answer to nothing yet


def test_both_schemes_test_the_same_value(film):
    rows, shifts = (film.setting_test(2, scheme, 19, 0) for scheme in ("rows", "circular"))
    assert rows.value == pytest.approx(shifts.value)
    assert (rows.scheme, shifts.scheme) == ("rows", "circular shift")
    assert film.worth(2) < N_VOLUMES


def test_a_feature_is_read_with_other_peoples_weights(film):
    row = film.read_feature("outside")
    assert row.own.low > 0.55
    assert row.others.low > 0.55
    assert row.p_value <= 0.05  # shifts by two scenes are as good, and hardly any other
    assert row.verdict(0.55) == "held"


def test_what_is_always_or_hardly_ever_on_is_not_read(film):
    assert film.read_feature("Forrest shows a feeling") is None  # always
    assert film.read_feature("Jenny shows a feeling") is None  # never
    assert film.read_feature("music") is None  # in two volumes


@pytest.mark.parametrize(
    ("low", "high", "p", "verdict"),
    [
        (0.56, 0.6, 0.01, "held"), (0.56, 0.6, 0.2, "undecided"),
        (0.5, 0.6, 0.01, "undecided"), (0.5, 0.54, 0.01, "not held"),
    ],
)  # fmt: skip
def test_a_verdict_needs_size_and_time(low, high, p, verdict):
    interval = Interval((low + high) / 2, low, high, 0.95)
    assert film_study.FeatureRow("x", interval, interval, p).verdict(0.55) == verdict


# ---------------------------------------------------------------------- real files


@pytest.fixture(scope="module")
def real(real_data_mirror):
    folder = real_data_mirror / "studyforrest"
    if not folder.is_dir():
        pytest.skip("the mirror has no studyforrest")
    return FilmStudy(str(folder))


def test_real_people_are_alike_in_the_same_places(real):
    assert real.isc[2].max() == pytest.approx(0.65, abs=0.005)
    assert real.isc[8].max() == pytest.approx(0.65, abs=0.005)
    assert real.map_r == pytest.approx(0.92, abs=0.005)


def test_real_segments_are_found_as_by_hand(real):
    found = real.matched(8, 60)
    assert found.value == pytest.approx(0.35, abs=0.005)
    assert found.by_seed.min() == pytest.approx(0.23, abs=0.01)
    assert found.by_seed.max() == pytest.approx(0.48, abs=0.01)
    assert 0.003 < found.chance < 0.03  # by hand: about .02


def test_real_settings_are_aligned_only_for_who_forgets_time(real):
    """By hand .016 and .096: how a volume at the border of two scenes is labelled differs."""
    rows, shifts = (real.setting_test(8, scheme, 199, 0) for scheme in ("rows", "circular"))
    assert rows.value == pytest.approx(0.016, abs=0.002)
    assert rows.p_value <= 0.05
    assert shifts.p_value > 0.3
    other = real.setting_test(2, "circular", 199, 0)
    assert other.value == pytest.approx(0.096, abs=0.004)
    assert other.null.mean() == pytest.approx(0.051, abs=0.003)
    assert other.p_value <= 0.02
