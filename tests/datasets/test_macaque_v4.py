"""The V4 recordings: the real files' facts, and files that are not what they say."""

from __future__ import annotations

import io
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from sdc_helpers.datasets import V4_SESSIONS, DataFormatError, load_v4

SHAPES = {"190923": (1200, 33), "201025": (1200, 89), "210621": (1200, 51), "210325": (640, 50)}


class Files:
    """Two small sessions in the layout of the source, one of them with trials; tests damage them.

    Picture number k is gray of value 20 k; neuron j's mean response to it is k + j.
    """

    n_pictures, n_neurons = 5, 3

    def __init__(self, root) -> None:
        self.root = root
        self.pictures = [np.full((112, 112, 3), 20 * k, np.uint8) for k in range(self.n_pictures)]
        means = np.add.outer(np.arange(self.n_neurons), np.arange(self.n_pictures)).astype(float)
        self.raw = np.repeat(means[..., None], 4, axis=2) + np.arange(4)
        self.raw[:, 2, 2:] = np.nan
        for session in ("201025", "210325"):
            self.means(np.nanmean(self.raw, axis=2), session)
            self.zip(self.pictures, session)
        self.trials(self.raw)

    def means(self, values, session="210325"):
        np.save(self.root / f"responses_{session}.npy", values)

    def trials(self, values):
        np.save(self.root / "responses_raw_210325.npy", values)

    def zip(self, pictures, session="210325", folder=""):
        with zipfile.ZipFile(self.root / f"images_{session}.zip", "w") as archive:
            if folder and ".." not in folder:
                archive.mkdir(folder.rstrip("/"))
            for k, picture in reversed(list(enumerate(pictures, 1))):  # the order says nothing
                stream = io.BytesIO()
                Image.fromarray(picture).save(stream, "JPEG")
                archive.writestr(f"{folder}image{k:04d}.jpg", stream.getvalue())


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


@pytest.fixture(scope="module")
def real(real_data_mirror):
    folder = real_data_mirror / "macaque_v4"
    if not folder.is_dir():
        pytest.skip("the mirror has no V4 recordings")
    return folder


# ---------------------------------------------------------------------- real files


@pytest.mark.parametrize("session", SHAPES)
def test_real_sessions(real, session):
    one = load_v4(session, real)
    assert one.responses.shape == SHAPES[session]
    assert one.pictures.shape == (len(one.responses), 112, 112, 3)
    assert one.pictures.dtype == np.uint8
    assert one.animal == V4_SESSIONS[session]
    assert (one.responses.min(axis=0) < one.responses.max(axis=0)).all()
    assert one.pictures.std() > 30  # pictures, and no empty arrays


def test_real_pictures_have_six_to_ten_trials(real):
    trials = load_v4("210325", real).trials
    counts = (~np.isnan(trials[..., 0])).sum(axis=1)
    assert (counts.min(), counts.max()) == (6, 10)


def test_real_animals_saw_no_picture_in_common(real):
    sessions = [load_v4(session, real) for session in SHAPES]
    seen = [{p.tobytes() for p in one.pictures} for one in sessions]
    assert sum(map(len, seen)) == len(set.union(*seen))
    twice = {
        one.session: [[one.names[k] for k in rows] for rows in one.duplicates] for one in sessions
    }
    assert twice == {
        "190923": [],
        "201025": [],
        "210621": [["image0101.jpg", "image0536.jpg"], ["image0425.jpg", "image0697.jpg"]],
        "210325": [],
    }


# ---------------------------------------------------------------------- made files


def test_pictures_are_in_the_order_of_their_names(files):
    one = load_v4("201025", files.root)
    assert one.trials is None
    np.testing.assert_array_equal(one.pictures[:, 0, 0, 0], 20 * np.arange(5))
    np.testing.assert_allclose(one.responses[:, 1] - one.responses[:, 0], 1)


def test_pictures_in_a_folder_of_the_archive(files):
    files.zip(files.pictures, folder="images_210325/")
    np.testing.assert_array_equal(load_v4("210325", files.root).pictures, files.pictures)


def test_pictures_shown_twice_are_named(files):
    first, second, *rest = files.pictures
    files.zip([first, second, first, *rest[1:]], session="201025")
    one = load_v4("201025", files.root)
    assert one.duplicates == ((0, 2),)
    assert one.distinct.tolist() == [k for k in range(len(one.pictures)) if k != 2]
    assert [one.names[k] for k in one.duplicates[0]] == ["image0001.jpg", "image0003.jpg"]


def test_an_archive_writes_nothing_whatever_its_members_are_called(files):
    files.zip(files.pictures, folder="../../")
    before = sorted(files.root.parent.rglob("*"))
    np.testing.assert_array_equal(load_v4("210325", files.root).pictures, files.pictures)
    assert sorted(files.root.parent.rglob("*")) == before


def test_trials_have_pictures_first(files):
    trials = load_v4("210325", files.root).trials
    assert trials.shape == (5, 4, 3)
    np.testing.assert_array_equal(trials[1, :, 2], files.raw[2, 1])
    assert np.isnan(trials[2, 2:]).all()


def test_another_session_is_refused(files):
    with pytest.raises(ValueError, match="session='1999': expected one of 190923, 201025"):
        load_v4("1999", files.root)


@pytest.mark.parametrize(
    "name", ["responses_210325.npy", "images_210325.zip", "responses_raw_210325.npy"]
)
def test_missing_and_cut_files_are_named(files, name):
    file = files.root / name
    whole = file.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"<html>not found</html>"):
        file.write_bytes(content)
        with pytest.raises(DataFormatError, match=name):
            load_v4("210325", files.root)
    file.unlink()
    with pytest.raises(DataFormatError, match=rf"{name} is not there; .* fetch macaque_v4"):
        load_v4("210325", files.root)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda f: f.zip(f.pictures[:-1]), "holds 4 pictures and .* responses to 5"),
        (lambda f: f.zip([*f.pictures[:-1], np.zeros((80, 9, 3), np.uint8)]), r"shape \(80, 9, 3"),
        (lambda f: f.zip([p[..., 0] for p in f.pictures]), r"shape \(112, 112, 1\)"),
        (lambda f: f.means(np.ones((3, 5), int)), "int64 of 2 axes; expected float64"),
        (lambda f: f.means(np.ones(5)), "1 axes; expected float64 of 2"),
        (lambda f: f.means(np.full((3, 5), np.nan)), "NaN or infinite means"),
        (lambda f: f.means(-np.ones((3, 5))), "negative spike counts"),
        (lambda f: f.means(np.ones((3, 0))), "is empty"),
        (lambda f: f.trials(f.raw[:2]), "of 2 neurons and 5 pictures, .* of 3 and 5"),
        (lambda f: f.trials(f.raw + 1), "differ from .* by 1 spikes"),
        (lambda f: f.trials(np.where(np.eye(3, 4)[:, None] > 0, np.nan, f.raw)), "in all neurons"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit_are_named(files, damage, said):
    damage(files)
    with pytest.raises(DataFormatError, match=said):
        load_v4("210325", files.root)


def test_nothing_is_unpickled(files):
    np.save(files.root / "responses_210325.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(DataFormatError, match="cannot be read as an array"):
        load_v4("210325", files.root)


def test_a_flipped_byte_of_a_picture_is_told(files):
    file = files.root / "images_210325.zip"
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(DataFormatError, match=r"images_210325\.zip"):
        load_v4("210325", files.root)


def test_it_reads_a_copy_elsewhere(real, tmp_path):
    for name in ("responses_190923.npy", "images_190923.zip"):
        shutil.copy(real / name, tmp_path)
    np.testing.assert_array_equal(
        load_v4("190923", tmp_path).responses, load_v4("190923", real).responses
    )
