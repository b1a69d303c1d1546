"""The SIFT descriptors: the real file's facts, and files that are not what they say."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from sdc_helpers.datasets import DataFormatError, load_sift5k

FILE = "sift-dataset-5k.tsv"


@pytest.fixture
def folder(real_data_mirror):
    folder = real_data_mirror / "sift5k"
    if not (folder / FILE).is_file():
        pytest.skip("the mirror has no SIFT descriptors")
    return folder


def test_the_real_file(folder):
    vectors = load_sift5k(folder)
    assert vectors.shape == (5000, 128)
    assert vectors.dtype == np.float32
    assert (vectors >= 0).all()
    assert vectors.max() <= 255  # the identifier of the last column runs higher
    lengths = np.linalg.norm(vectors, axis=1)
    assert lengths.std() < 0.05 * lengths.mean()  # SIFT makes them alike


def test_a_cut_file_and_other_tables_are_named(folder, tmp_path):
    whole = (folder / FILE).read_text()
    for content in (whole[: len(whole) // 2], whole.replace("\t", " "), "no numbers\n", ""):
        (tmp_path / FILE).write_text(content)
        with pytest.raises(DataFormatError, match=FILE):
            load_sift5k(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataFormatError, match="the descriptors"):
        load_sift5k(tmp_path)


def test_it_reads_a_copy_elsewhere(folder, tmp_path):
    shutil.copy(folder / FILE, tmp_path)
    np.testing.assert_array_equal(load_sift5k(tmp_path), load_sift5k(folder))
