"""The cache of embeddings: found again by content, whole after a kill, never damaged."""

from __future__ import annotations

import copy
import dataclasses
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from sdc_helpers.embeddings import embed_images, embed_texts, image_features, load_clip
from sdc_helpers.embeddings._embedding_cache import ITEMS_PER_ENTRY, EmbeddingCache

torch = pytest.importorskip("torch")
pytest.importorskip("open_clip")
TEXTS = [f"{i} cats" for i in range(20)]


def entries(folder):
    return sorted(folder.rglob("*.safetensors"))


@pytest.fixture
def counting(tiny):
    """Return a copy of tiny and the list of how many items each forward pass had."""
    clip, seen = copy.deepcopy(tiny), []
    clip.model.visual.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    clip.model.transformer.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    return clip, seen


def test_what_was_embedded_is_read(counting, pictures, tmp_path):
    clip, seen = counting
    first = embed_images(clip, pictures, cache=tmp_path)
    assert sum(seen) == 7
    again = embed_images(clip, pictures, cache=str(tmp_path), batch_size=2)
    raw = image_features(clip, pictures, cache=tmp_path)
    assert sum(seen) == 7
    assert len(entries(tmp_path)) == 1
    np.testing.assert_array_equal(again, first)
    np.testing.assert_array_equal(first, embed_images(clip, pictures))
    np.testing.assert_array_equal(raw, image_features(clip, pictures))


def test_texts_are_found_again(counting, tmp_path):
    clip, seen = counting
    first = embed_texts(clip, TEXTS, cache=tmp_path)
    n_seen = len(seen)
    assert n_seen > 0
    np.testing.assert_array_equal(embed_texts(clip, TEXTS, cache=tmp_path), first)
    assert len(seen) == n_seen
    embed_texts(clip, TEXTS[::-1], cache=tmp_path)
    assert len(seen) > n_seen


def test_a_longer_series_starts_where_the_shorter_one_ended(counting, pictures, tmp_path):
    clip, seen = counting
    many = np.random.default_rng(0).integers(0, 256, (300, 32, 32, 3), dtype=np.uint8)
    embed_images(clip, many[:ITEMS_PER_ENTRY], cache=tmp_path)
    seen.clear()
    found = embed_images(clip, iter(many), cache=tmp_path)
    assert sum(seen) == 300 - ITEMS_PER_ENTRY
    np.testing.assert_allclose(found, embed_images(clip, many), atol=2e-6)


def changed_weight(clip):
    clip = copy.deepcopy(clip)
    with torch.no_grad():
        clip.model.visual.proj[0, 0] += 1e-3
    return clip


@pytest.mark.parametrize(
    "other",
    [
        changed_weight,
        lambda _: load_clip("tiny", "random", seed=6),
        lambda clip: dataclasses.replace(
            clip, preprocess=dataclasses.replace(clip.preprocess, mean=(0.5, 0.5, 0.5))
        ),
    ],
    ids=["weight", "seed", "preprocessing"],
)
def test_another_model_has_other_entries(tiny, pictures, tmp_path, other):
    embed_images(tiny, pictures, cache=tmp_path)
    clip = other(tiny)
    found = embed_images(clip, pictures, cache=tmp_path)
    np.testing.assert_array_equal(found, embed_images(clip, pictures))
    assert len(entries(tmp_path)) == 2


def test_another_picture_has_another_entry(tiny, pictures, tmp_path):
    embed_images(tiny, pictures, cache=tmp_path)
    other = pictures.copy()
    other[3, 5, 5, 1] ^= 1
    for images in (other, pictures[:-1], pictures[::-1], pictures / 255):
        found = embed_images(tiny, images, cache=tmp_path)
        np.testing.assert_array_equal(found, embed_images(tiny, images))
    assert len(entries(tmp_path)) == 5


def test_shape_type_and_kind_are_part_of_the_name(tmp_path):
    content = np.arange(24, dtype=np.uint8)
    cache = EmbeddingCache(tmp_path, "f" * 64, "image")
    names = {
        cache.entry(content),
        cache.entry(content.reshape(2, 12)),
        cache.entry(content.view(np.int8)),
        EmbeddingCache(tmp_path, "f" * 64, "text").entry(content),
        EmbeddingCache(tmp_path, "f" * 63 + "e", "image").entry(content),
    }
    assert len(names) == 5
    assert cache.entry(content.reshape(2, 12).T) == cache.entry(content.reshape(2, 12).T.copy())


# --------------------------------------------------------------------- damage


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-5])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[-3] ^= 4
    path.write_bytes(bytes(content))


def other_number(path):
    cache = EmbeddingCache(path.parent, "0" * 64, "image")
    cache.store(path, np.ones((3, 24), np.float32))


def no_checksum(path):
    from safetensors.numpy import save_file

    save_file({"vectors": np.ones((7, 24), np.float32)}, path)


def other_tensor(path):
    from safetensors.numpy import save_file

    save_file({"numbers": np.ones((7, 24), np.float32)}, path, metadata={"checksum": ""})


@pytest.mark.parametrize(
    "damage",
    [
        cut_short,
        flip_a_bit,
        other_number,
        no_checksum,
        other_tensor,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\x07" * 999),
    ],
)
def test_a_damaged_entry_is_computed_again(tiny, pictures, tmp_path, damage):
    expected = embed_images(tiny, pictures, cache=tmp_path)
    [path] = entries(tmp_path)
    damage(path)
    with pytest.warns(UserWarning, match=r"safetensors is damaged.*computed again"):
        found = embed_images(tiny, pictures, cache=tmp_path)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(embed_images(tiny, pictures, cache=tmp_path), expected)


# --------------------------------------------------------------------- processes

WRITER = """
import sys
from pathlib import Path
import numpy as np
from sdc_helpers.embeddings._embedding_cache import EmbeddingCache
folder, n_rounds = Path(sys.argv[1]), int(sys.argv[2])
cache = EmbeddingCache(folder, "a" * 64, "image")
print("ready", flush=True)
for round in range(n_rounds):
    for name in range(4):
        vectors = np.full((256, 512), name, np.float32)
        cache.store(cache.entry(np.array([name])), vectors)
"""


def start_writer(folder, n_rounds):
    command = [sys.executable, "-c", WRITER, str(folder), str(n_rounds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    with process.stdout as output:
        assert output.readline() == b"ready\n"
    return process


def read_all(folder):
    """Return the entries that are there; damaged ones would warn, and fail the test."""
    cache = EmbeddingCache(folder, "a" * 64, "image")
    found = [cache.load(cache.entry(np.array([name])), 256) for name in range(4)]
    for name, vectors in enumerate(found):
        if vectors is not None:
            np.testing.assert_array_equal(vectors, np.full((256, 512), name))
    return found


@pytest.mark.filterwarnings("error::UserWarning")
def test_two_writers_and_a_reader(tmp_path):
    writers = [start_writer(tmp_path, 40) for _ in range(2)]
    while any(writer.poll() is None for writer in writers):
        read_all(tmp_path)
    assert [writer.wait() for writer in writers] == [0, 0]
    assert all(vectors is not None for vectors in read_all(tmp_path))
    assert len(list((tmp_path / ("a" * 16)).iterdir())) == 4  # nothing else is left


@pytest.mark.filterwarnings("error::UserWarning")
def test_a_kill_leaves_whole_entries(tmp_path):
    n_found = 0
    for delay in np.random.default_rng(4).uniform(0, 0.06, size=5):
        writer = start_writer(tmp_path, 10**6)
        time.sleep(delay)
        writer.send_signal(signal.SIGKILL)
        assert writer.wait() == -signal.SIGKILL
        n_found += sum(vectors is not None for vectors in read_all(tmp_path))
    assert n_found > 0
    (tmp_path / ("a" * 16) / ".other.tmp").write_bytes(b"half")
    read_all(tmp_path)
    assert [path.name for path in (tmp_path / ("a" * 16)).glob(".*.tmp")] == [".other.tmp"]


def test_a_run_that_failed_goes_on_where_it_was(counting, pictures, tmp_path):
    clip, seen = counting
    many = np.resize(pictures, (600, 32, 32, 3))

    def breaking_off():
        yield from many
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_images(clip, breaking_off(), cache=tmp_path)
    seen.clear()
    found = embed_images(clip, many, cache=tmp_path)
    assert sum(seen) == 600 - ITEMS_PER_ENTRY
    np.testing.assert_allclose(found, embed_images(clip, many), atol=2e-6)


# --------------------------------------------------------------------- folders


def test_the_usual_folder_is_in_the_data_folder(tiny, pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("SDC_DATA", str(tmp_path / "data"))
    embed_images(tiny, pictures)
    embed_images(tiny, pictures, cache=False)
    assert not (tmp_path / "data").exists()
    embed_images(tiny, pictures, cache=True)
    assert len(entries(tmp_path / "data" / "cache" / "embeddings")) == 1


def test_a_folder_that_cannot_be_used_is_named(tiny, pictures, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"file.* cannot be used .*cache=None"):
        embed_images(tiny, pictures, cache=tmp_path / "file")


def test_a_full_disk_is_named_and_leaves_nothing(tiny, pictures, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ValueError, match="No space left"):
        embed_images(tiny, pictures, cache=tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("cache", [3, "", 1.5])
def test_bad_cache_arguments_are_refused(tiny, pictures, cache):
    with pytest.raises(ValueError, match="cache="):
        embed_images(tiny, pictures, cache=cache)
