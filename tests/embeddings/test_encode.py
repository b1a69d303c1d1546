"""Embedding pictures and texts: the same vectors however they come, and bad input by name."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from sdc_helpers.embeddings import (
    RawEmbeddings,
    UnitEmbeddings,
    caption_average,
    caption_features,
    embed_captions,
    embed_images,
    embed_texts,
    image_features,
    text_features,
)

torch = pytest.importorskip("torch")
pytest.importorskip("open_clip")
TEXTS = ["a cat", "two dogs on a beach", "", "a red car", "snow"]


def close(found, expected):
    np.testing.assert_allclose(np.asarray(found), expected, atol=2e-6)


def bare_images(clip, images):
    """One picture at a time through the tower, each divided by its length."""
    rows = []
    with torch.no_grad():
        for image in images:
            pixels = torch.from_numpy(image.astype(np.float32).transpose(2, 0, 1) / 255)
            mean, std = (torch.tensor(x)[:, None, None] for x in (MEAN, STD))
            rows.append(clip.model.visual(((pixels - mean) / std)[None])[0].numpy())
    return np.array([row / np.linalg.norm(row) for row in rows])


MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_pictures_are_embedded_as_by_a_bare_loop(tiny, pictures, batch_size):
    found = embed_images(tiny, pictures, batch_size=batch_size)
    assert isinstance(found, UnitEmbeddings)
    assert (found.kind, found.model, found.weights) == ("image", "tiny", "random, seed 5")
    assert found.vectors.dtype == np.float32
    assert len(found) == 7
    close(found, bare_images(tiny, pictures))
    close(np.linalg.norm(found, axis=1), 1)


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_texts_are_embedded_as_by_a_bare_loop(tiny, batch_size):
    from open_clip import SimpleTokenizer

    tokens = SimpleTokenizer(context_length=12)(TEXTS)
    with torch.no_grad():
        rows = [tiny.model.encode_text(row[None])[0].numpy() for row in tokens]
    found = embed_texts(tiny, np.array(TEXTS), batch_size=batch_size)
    assert isinstance(found, UnitEmbeddings)
    close(found, np.array([row / np.linalg.norm(row) for row in rows]))
    raw = text_features(tiny, TEXTS, batch_size=batch_size)
    assert isinstance(raw, RawEmbeddings)
    close(raw, np.array(rows))


def test_raw_embeddings_have_the_same_directions(tiny, pictures):
    raw = image_features(tiny, pictures)
    assert isinstance(raw, RawEmbeddings)
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    assert np.ptp(lengths) > 1e-3
    close(raw.vectors / lengths, embed_images(tiny, pictures).vectors)


def as_h5py(pictures, folder):
    import h5py

    file = h5py.File(folder / "pictures.h5", "w")
    return file.create_dataset("imgBrick", data=pictures)


def as_memory_map(pictures, folder):
    np.save(folder / "pictures.npy", pictures)
    return np.load(folder / "pictures.npy", mmap_mode="r")


@pytest.mark.parametrize(
    "given",
    [
        as_h5py,
        as_memory_map,
        lambda pictures, _: torch.from_numpy(pictures),
        lambda pictures, _: list(pictures),
        lambda pictures, _: iter(pictures),
        lambda pictures, _: (pictures[i : i + 3] for i in range(0, 7, 3)),
        lambda pictures, _: (pictures / 255).astype(np.float64),
    ],
    ids=["h5py", "memory map", "tensor", "list", "iterator", "batches", "floats"],
)
def test_pictures_may_come_in_many_ways(tiny, pictures, tmp_path, given):
    found = embed_images(tiny, given(pictures, tmp_path), batch_size=2)
    close(found, bare_images(tiny, pictures))


def test_pictures_of_several_sizes(tiny):
    rng = np.random.default_rng(3)
    shapes = [(40, 50), (40, 50), (32, 32), (64, 48), (40, 50)]
    images = [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes]
    found = embed_images(tiny, iter(images))
    one_by_one = [embed_images(tiny, image[None]).vectors[0] for image in images]
    close(found, np.array(one_by_one))


def test_pictures_of_pil(tiny, pictures):
    from PIL import Image

    found = embed_images(tiny, [Image.fromarray(picture) for picture in pictures])
    close(found, bare_images(tiny, pictures))


class Watched:
    """An array that notes what is read of it."""

    def __init__(self, array):
        self.array, self.shape, self.read = array, array.shape, []

    def __len__(self):
        return len(self.array)

    def __getitem__(self, rows):
        self.read.append(len(self.array[rows]))
        return self.array[rows]


def test_no_more_than_a_batch_is_read_at_a_time(tiny, pictures, tmp_path):
    many = Watched(np.resize(pictures, (300, 32, 32, 3)))
    embed_images(tiny, many, batch_size=20)
    assert max(many.read) == 20
    assert sum(many.read) == 300
    many.read.clear()
    embed_images(tiny, many, batch_size=500, cache=tmp_path)
    assert many.read == [256, 44]


def test_training_mode_is_put_back_and_not_used(tiny, pictures):
    clip = copy.deepcopy(tiny)
    clip.model.visual.patch_dropout = torch.nn.Dropout(0.9)
    clip.model.train()
    close(embed_images(clip, pictures), bare_images(tiny, pictures))
    assert clip.model.training


def test_nothing_is_shown_before_five_seconds(tiny, pictures, capsys):
    embed_images(tiny, pictures, progress=True)
    assert capsys.readouterr() == ("", "")


# --------------------------------------------------------------------- captions


def test_captions_keep_their_places(tiny):
    captions = [["a cat", "one small cat"], ["a dog", "two dogs"], ["snow", "a red car"]]
    found = embed_captions(tiny, captions, batch_size=4)
    assert isinstance(found, UnitEmbeddings)
    assert found.vectors.shape == (3, 2, 24)
    for row, vectors in zip(captions, found.vectors, strict=True):
        close(vectors, embed_texts(tiny, row).vectors)


def test_caption_average_weighs_captions_alike(tiny):
    captions = [["a cat", "one small cat", "snow"], ["a dog", "two dogs", "a red car"]]
    raw = caption_features(tiny, captions)
    assert isinstance(raw, RawEmbeddings)
    expected = []
    for vectors in raw.vectors.astype(float):
        total = sum(vector / np.sqrt((vector**2).sum()) for vector in vectors)
        expected.append(total / np.sqrt((total**2).sum()))
    for given in (raw, embed_captions(tiny, captions)):
        average = caption_average(given)
        assert isinstance(average, UnitEmbeddings)
        assert average.kind == "text"
        close(average, np.array(expected))


def test_captions_that_cancel_have_no_average():
    vector = np.eye(1, 4, dtype=np.float32)[0]
    captions = UnitEmbeddings(np.stack([vector, -vector])[None], "text", "tiny", "random")
    with pytest.raises(ValueError, match="mean of the captions: vector 0 is zero"):
        caption_average(captions)


@pytest.mark.parametrize(
    ("captions", "message"),
    [
        ("a cat", "one string"),
        (["a cat", "a dog"], r"pass \['a cat'\]"),
        ([["a cat"], ["a dog", "two dogs"]], r"equally many.*\[1, 2\]"),
        ([], "at least one item"),
        ([["a cat"], []], "at least one string"),
    ],
)
def test_bad_captions_are_refused(tiny, captions, message):
    with pytest.raises(ValueError, match=message):
        embed_captions(tiny, captions)


@pytest.mark.parametrize("captions", [np.ones((2, 3, 4)), None])
def test_only_embeddings_have_a_caption_average(captions):
    with pytest.raises(ValueError, match="must be Embeddings"):
        caption_average(captions)


def test_an_average_over_captions_needs_captions(tiny):
    with pytest.raises(ValueError, match=r"shape \(n, k, d\)"):
        caption_average(embed_texts(tiny, TEXTS))


# --------------------------------------------------------------------- the name is kept


@pytest.mark.parametrize("scale", [0.9, 1.002, 0.0, np.nan, np.inf])
def test_unit_embeddings_are_of_unit_length(scale):
    vectors = np.eye(3, dtype=np.float32)
    UnitEmbeddings(vectors, "image", "m", "w")
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="RawEmbeddings"):
        UnitEmbeddings(vectors * scale, "image", "m", "w")


def test_embeddings_are_arrays_to_numpy(tiny, pictures):
    found = embed_images(tiny, pictures)
    assert np.asarray(found) is found.vectors
    assert np.array(found, dtype=np.float64).dtype == np.float64
    copied = np.array(found)
    copied[:] = 0
    assert found.vectors.any()
    close(np.einsum("ij,ij->i", found, found), 1)


# --------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((0, 32, 32, 3), np.uint8), "holds no picture"),
        (np.zeros((32, 32, 3), np.uint8), r"for one picture pass images\[None\]"),
        (np.zeros((2, 3, 32, 32), np.uint8), "channels come last"),
        (np.zeros((2, 32, 32, 4), np.uint8), r"\(2, 32, 32, 4\)"),
        (np.zeros((2, 32, 32, 1), np.uint8), r"\(2, 32, 32, 1\)"),
        (np.full((2, 32, 32, 3), 255.0), "divide values up to 255"),
        (np.full((2, 32, 32, 3), -0.5), "from -0.5"),
        (np.full((2, 32, 32, 3), np.nan), "NaN"),
        (np.full((2, 32, 32, 3), np.inf), "infinite"),
        (np.zeros((2, 32, 32, 3), np.int64), "int64"),
        (np.zeros((2, 32, 32, 3), bool), "bool"),
        ([], "no image to embed"),
        ([np.zeros((32, 32), np.uint8)], r"Item 0 .*\(32, 32\)"),
        ([np.zeros((32, 32, 3), np.uint8), np.zeros((32, 32, 1), np.uint8)], "Item 1"),
        (iter([np.zeros((32, 32, 3), np.float32) + 2]), "from 2 to 2"),
        ("pictures.png", "got str"),
        (None, "got NoneType"),
    ],
)
def test_bad_pictures_are_refused(tiny, images, message):
    with pytest.raises(ValueError, match=message):
        embed_images(tiny, images)


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, True, "8"])
def test_bad_batch_sizes_are_refused(tiny, pictures, batch_size):
    with pytest.raises(ValueError, match="batch_size"):
        embed_images(tiny, pictures, batch_size=batch_size)


def test_unknown_device_is_refused(tiny, pictures):
    with pytest.raises(ValueError, match="abacus"):
        embed_images(tiny, pictures, device="abacus")


@pytest.mark.parametrize("texts", ["a cat", [], ["a cat", 3], [float("nan")], None])
def test_bad_texts_are_refused(tiny, texts):
    with pytest.raises(ValueError, match="texts must"):
        embed_texts(tiny, texts)


@pytest.mark.parametrize(("value", "message"), [(torch.nan, "NaN"), (0.0, "is zero")])
def test_a_network_that_gives_no_direction_is_named(tiny, pictures, value, message):
    clip = copy.deepcopy(tiny)
    with torch.no_grad():
        clip.model.visual.proj.fill_(value)
    with pytest.raises(ValueError, match=message):
        embed_images(clip, pictures)
