"""The film recordings: the real files' facts, volumes and events, and files that are not so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdc_helpers.datasets import (
    DataFormatError,
    FilmEvents,
    load_studyforrest,
    volume_labels,
    volume_means,
    volume_shares,
)
from sdc_helpers.datasets.studyforrest import ANNOTATIONS

PEOPLE = ("sub-03", "sub-05", "sub-10", "sub-14", "sub-16", "sub-17", "sub-18", "sub-19")
LOCATIONS = "onset\tduration\t" + "\t".join(ANNOTATIONS["locations"])
EMOTIONS = "onset\tduration\tcharacter\tarousal\te_joy"
MUSIC = "onset\tduration\tfg\tartist\ttitle\tyear"


class Files:
    """Two participants, 6 volumes of 3 parcels, run 2; tests damage them."""

    def __init__(self, root) -> None:
        self.root = root
        self.series = np.random.default_rng(1).normal(size=(2, 6, 3)).round(6)
        self.labels = "4,7,9"
        (root / "annotations").mkdir()
        for k, name in enumerate(("sub-03", "sub-05")):
            (root / name).mkdir()
            self.bold(name, self.series[k])
        self.table(
            "locations", LOCATIONS, "0.5\t5.5\tx\ty\tz\text\t0\tday", "6\t5\tx\ty\tz\tint\t0\tday"
        )
        self.table("emotions_av_1s_events", EMOTIONS, "2\t4\tA\t0.5\t0.1", "3\t2\tB\t-1\t0.2")
        self.table("music", MUSIC, "1\t3\t1\tA\tB\t1958")

    def bold(self, name, series, labels=None):
        lines = [labels or self.labels] + [",".join(map(repr, map(float, row))) for row in series]
        (self.root / name / f"{name}_task-avmovie_run-2_bold.csv").write_text(
            "\n".join(lines) + "\n", encoding="utf-8"
        )

    def second(self, series, labels=None):
        self.bold("sub-05", series, labels)

    def music(self, *rows):
        self.table("music", MUSIC, *rows)

    def table(self, stem, *lines):
        file = self.root / "annotations" / f"{stem}_run-2_events.tsv"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


@pytest.fixture(scope="module")
def real(real_data_mirror):
    folder = real_data_mirror / "studyforrest"
    if not folder.is_dir():
        pytest.skip("the mirror has no studyforrest")
    return {run: load_studyforrest(run, folder) for run in (2, 8)}


# ---------------------------------------------------------------------- real files


def test_real_runs(real):
    """The source's page counts lines, header included: 442 and 339."""
    for run, n_volumes in ((2, 441), (8, 338)):
        film = real[run]
        assert film.series.shape == (8, n_volumes, 278)
        assert film.participants == PEOPLE
        assert len(set(film.parcels.tolist())) == 278
        np.testing.assert_allclose(film.series.mean(axis=1), 0, atol=1e-9)
        np.testing.assert_allclose(film.series.std(axis=1), 1, atol=1e-9)
    np.testing.assert_array_equal(real[2].parcels, real[8].parcels)
    counts = {
        k: [len(real[r].annotations[k].onsets) for r in (2, 8)]
        for k in ("locations", "emotions", "music")
    }
    assert counts == {"locations": [155, 77], "emotions": [210, 113], "music": [18, 5]}


def test_real_locations_leave_no_time_out(real):
    for film in real.values():
        model = volume_shares(
            film.annotations["locations"], "int_or_ext", film.series.shape[1], delay_s=0
        )
        assert model.values == ("ext", "int")
        first, *_, last = np.flatnonzero(model.shares.sum(axis=1) > 0.999)
        np.testing.assert_allclose(model.shares[first : last + 1].sum(axis=1), 1, atol=1e-6)


def test_real_participants_agree_in_time(real):
    """Each against the mean of the others, by parcel; the same pairs half a run apart do not."""
    for film in real.values():
        r = np.stack([_correlations(film.series, p, 0) for p in range(8)])
        shifted = np.stack(
            [_correlations(film.series, p, film.series.shape[1] // 2) for p in range(8)]
        )
        assert 0.6 < r.mean(axis=0).max() < 0.7
        assert abs(shifted.mean()) < 0.02


def _correlations(series, participant, shift):
    others = np.delete(series, participant, axis=0).mean(axis=0)
    others = (others - others.mean(axis=0)) / others.std(axis=0)
    return (np.roll(series[participant], shift, axis=0) * others).mean(axis=0)


# ---------------------------------------------------------------------- events and volumes


def events(*rows):
    onsets, durations, texts, numbers = zip(*rows, strict=True)
    columns = {"where": np.array(texts), "score": np.array(numbers, float)}
    return FilmEvents(np.array(onsets, float), np.array(durations, float), columns)


def test_volumes_answer_to_what_was_a_delay_before():
    one = events((0, 3, "in", 1.0), (3, 5, "out", 4.0))
    model = volume_shares(one, "where", 5, delay_s=2)
    assert model.values == ("in", "out")
    np.testing.assert_allclose(model.shares, [[0, 0], [1, 0], [0.5, 0.5], [0, 1], [0, 1]])
    assert volume_labels(one, "where", 5, delay_s=2).tolist() == ["", "in", "in", "out", "out"]
    np.testing.assert_allclose(volume_means(one, "score", 5, delay_s=2), [np.nan, 1, 2.5, 4, 4])


def test_two_characters_at_once_count_alike():
    one = events((0, 2, "a", 1.0), (0, 2, "b", 0.0), (2, 1, "a", 5.0))
    np.testing.assert_allclose(volume_means(one, "score", 2, delay_s=0), [0.5, 5.0])


def test_the_same_value_twice_at_once_takes_no_more_than_the_volume():
    one = events((0, 2, "a", 1.0), (0, 2, "a", 0.0))
    np.testing.assert_allclose(volume_shares(one, "where", 1, delay_s=0).shares, [[1.0]])


@given(
    onset=st.floats(0, 30),
    duration=st.floats(0.01, 20),
    delay=st.floats(0, 10),
    tr=st.floats(0.5, 4),
)
def test_shares_add_up_to_the_part_of_an_event_that_the_run_has(onset, duration, delay, tr):
    shares = volume_shares(
        events((onset, duration, "a", 0.0)), "where", 12, delay_s=delay, tr=tr
    ).shares
    inside = max(min(onset + duration + delay, 12 * tr) - onset - delay, 0.0)
    assert shares.min() >= 0
    assert shares.max() <= 1
    assert shares.sum() * tr == pytest.approx(inside, abs=1e-8)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"column": "when"}, "column='when': expected one of text: where"),
        ({"column": "score"}, "column='score': expected one of text: where"),
        ({"delay_s": -1}, "delay_s=-1: expected seconds"),
        ({"delay_s": np.nan}, "delay_s=nan: expected seconds"),
        ({"tr": 0}, "tr=0: expected seconds a volume"),
        ({"n_volumes": 0}, "n_volumes=0"),
    ],
)
def test_what_is_no_argument(change, said):
    arguments = {"column": "where", "n_volumes": 5, "delay_s": 5.0, **change}
    with pytest.raises(ValueError, match=said):
        volume_shares(events((0, 3, "in", 1.0)), **arguments)


def test_means_take_numbers_alone():
    with pytest.raises(ValueError, match="column='where': expected one of numbers: score"):
        volume_means(events((0, 3, "in", 1.0)), "where", 5, delay_s=5)


# ---------------------------------------------------------------------- made files


def test_everything_is_read_as_written(files):
    film = load_studyforrest(2, files.root)
    assert film.participants == ("sub-03", "sub-05")
    assert film.parcels.tolist() == [4, 7, 9]
    np.testing.assert_array_equal(film.series, files.series)
    emotions = film.annotations["emotions"]
    assert emotions.columns["character"].tolist() == ["A", "B"]
    np.testing.assert_array_equal(emotions.columns["arousal"], [0.5, -1])
    np.testing.assert_array_equal(emotions.durations, [4, 2])
    assert film.annotations["music"].columns["year"].tolist() == ["1958"]


def test_participants_are_chosen(files):
    film = load_studyforrest(2, files.root, participants=["sub-05"])
    np.testing.assert_array_equal(film.series, files.series[1:])


def test_events_come_in_order_of_onset(files):
    files.table("music", MUSIC, "8\t3\t1\tlate\tB\t", "1\t3\t0\tearly\tB\t")
    music = load_studyforrest(2, files.root).annotations["music"]
    assert music.columns["artist"].tolist() == ["early", "late"]
    np.testing.assert_array_equal(music.columns["fg"], [0, 1])


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"run": 3}, ValueError, "run=3: expected one of 2, 8"),
        ({"participants": ["sub-03", "sub-03"]}, ValueError, "each once"),
        ({"participants": []}, ValueError, "one at least"),
        (
            {"participants": ["sub-99"]},
            DataFormatError,
            "no folder sub-99; there are sub-03, s",
        ),
    ],
)
def test_what_cannot_be_asked_for(files, arguments, error, said):
    with pytest.raises(error, match=said):
        load_studyforrest(**{"run": 2, "root": files.root, **arguments})


def test_a_folder_without_participants(tmp_path):
    with pytest.raises(DataFormatError, match=r"sub-03 or the like; there are none.*data fetch"):
        load_studyforrest(2, tmp_path)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda f: f.second(f.series[1], "4,7,8"), r"sub-05.*differ in parcels \[8, 9\]"),
        (lambda f: f.second(f.series[1], "7,4,9"), r"differ in parcels \(their order\)"),
        (lambda f: f.second(f.series[1], "4,7,7"), "parcel labels, whole numbers, each once"),
        (lambda f: f.second(f.series[1], "a,b,c"), "header begins 'a,b,c'; expected parcel"),
        (lambda f: f.bold("sub-05", f.series[1, :4]), "has 4 volumes, .* 6"),
        (lambda f: f.second(f.series[1] * [1, 0, 1]), "parcels 7 hold NaN, infinite or const"),
        (lambda f: f.second(f.series[1] * [1, 1, np.nan]), "parcels 9 hold NaN"),
        (lambda f: f.second(f.series[1], "4,7,9,11"), r"shape \(6, 3\) under 4 labels"),
        (lambda f: f.second(f.series[1], "4,7"), r"shape \(6, 3\) under 2 labels"),
        (lambda f: f.music(), "rows 0; expected onset, duration, artist"),
        (lambda f: f.table("music", "onset\tduration", "1\t2"), "expected onset, duration, artist"),
        (lambda f: f.music("1\t2\t0\ta", "1\t3\t1\tA\tB\t1958"), "line 2: 4 fields"),
        (lambda f: f.music("1\tx\t0\ta\tb\t"), "line 2: duration is 'x'; expected a f"),
        (lambda f: f.music("1\t2\tnan\ta\tb\t"), "line 2: fg is 'nan'"),
        (lambda f: f.music("10\t3\t0\ta\tb\t"), r"line 2: an event from 10 s.*0 to 12 s"),
        (lambda f: f.music("-1\t3\t0\ta\tb\t"), "line 2: an event from -1 s"),
        (lambda f: f.music("1\t0\t0\ta\tb\t"), "0 s long"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit_are_named(files, damage, said):
    damage(files)
    with pytest.raises(DataFormatError, match=said):
        load_studyforrest(2, files.root)


@pytest.mark.parametrize(
    "name", ["sub-05/sub-05_task-avmovie_run-2_bold.csv", "annotations/music_run-2_events.tsv"]
)
def test_missing_and_cut_files_are_named(files, name):
    file = files.root / name
    whole = file.read_bytes()
    for content in (whole[:-3], b"", b"<html>not found</html>", b"\xff\xfe\x00"):
        file.write_bytes(content)
        with pytest.raises(DataFormatError, match=file.name):
            load_studyforrest(2, files.root)
    file.unlink()
    with pytest.raises(DataFormatError, match=rf"{file.name} is not there; .* fetch studyforrest"):
        load_studyforrest(2, files.root)
