"""The reader of CLIP pairs: published facts of the real file, and files that are something else."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.datasets import DataFormatError, DataUnavailableError, load_clip_pairs

FILE = "features_clip.npy"


@pytest.fixture(scope="module")
def real(mirror_folder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SDC_DATA", str(tmp_path_factory.mktemp("sdc_data")))
        patch.setenv("SDC_DATA_MIRROR", str(mirror_folder))
        return load_clip_pairs()


@pytest.fixture
def array():
    vectors = np.random.default_rng(2).normal(size=(2, 500, 512))
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def first_choice_is_right(queries, gallery):
    hits = [np.argmax([q @ g for g in gallery]) == i for i, q in enumerate(queries)]
    return np.mean(hits)


def test_real_pairs_show_the_published_gap(real):
    """Liang et al. 2022: about 0.85 between the centroids; the rest measured once on the file."""
    images, texts = real.images.astype(float), real.texts.astype(float)
    assert images.shape == texts.shape == (500, 512)
    assert np.linalg.norm(images.mean(0) - texts.mean(0)) == pytest.approx(0.8514, abs=1e-4)
    assert np.mean([u @ v for u, v in zip(images, texts, strict=True)]) == pytest.approx(
        0.3099, abs=1e-4
    )
    assert first_choice_is_right(images, texts) == 0.552
    assert first_choice_is_right(texts, images) == 0.506


def test_arrays_are_read_as_written_and_belong_to_the_caller(array, tmp_path):
    np.save(tmp_path / FILE, array)
    pairs = load_clip_pairs(tmp_path)
    np.testing.assert_array_equal(pairs.images, array[0])
    np.testing.assert_array_equal(pairs.texts, array[1])
    for side in (pairs.images, pairs.texts):
        assert side.dtype == np.float32
        assert side.flags.owndata
        assert side.flags.writeable
    np.save(tmp_path / FILE, array.astype(np.float16))
    np.testing.assert_allclose(load_clip_pairs(str(tmp_path)).texts, array[1], atol=1e-3)


def test_without_files_or_network_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("SDC_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SDC_DATA_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(DataUnavailableError, match="sdc data fetch clip_pairs"):
        load_clip_pairs()


def with_value(array, value):
    array[1, 17, 3] = value
    return array


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda a: a[:, :499], r"shape \(2, 500, 512\), got float32 of shape \(2, 499, 512\)"),
        (lambda a: a[0], r"got float32 of shape \(500, 512\)"),
        (lambda a: (a * 100).astype(np.int8), "got int8"),
        (lambda a: a.astype(complex), "got complex128"),
        (lambda a: with_value(a, np.nan), "NaN or infinite"),
        (lambda a: with_value(a, np.inf), "NaN or infinite"),
        (lambda a: with_value(a, 0.5), "differ from 1"),
        (lambda a: a * 1.01, "differ from 1 by up to 0.01"),
    ],
)
def test_other_content_is_named(array, tmp_path, change, match):
    np.save(tmp_path / FILE, change(array))
    with pytest.raises(DataFormatError, match=match) as caught:
        load_clip_pairs(tmp_path)
    assert str(tmp_path / FILE) in str(caught.value)


@pytest.mark.parametrize("damage", ["text", "truncated", "empty", "pickle", "zip", "missing"])
def test_a_file_that_is_no_array_is_named(array, tmp_path, damage):
    file = tmp_path / FILE
    np.save(file, array)
    if damage == "missing":
        file.unlink()
    elif damage == "pickle":
        np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    elif damage == "zip":
        with file.open("wb") as handle:
            np.savez(handle, array)
    else:
        content = {"text": b"<html>404</html>", "empty": b"", "truncated": file.read_bytes()[:-9]}
        file.write_bytes(content[damage])
    match = {"missing": "is not there", "zip": "expected floats"}.get(damage, "cannot be read")
    with pytest.raises(DataFormatError, match=rf"{FILE}:? {match}"):
        load_clip_pairs(tmp_path)
