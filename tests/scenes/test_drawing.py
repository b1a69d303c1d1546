from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from sdc_helpers.scenes import contact_sheet, generate_scenes, render
from sdc_helpers.scenes.graph import instance_boxes
from sdc_helpers.scenes.kinds import COLD, TEXTS


def first_with(scenes, test):
    return next((scene, item) for scene in scenes for item in scene.objects if test(item))


def swapped(scene, item, **changes):
    objects = tuple(replace(i, **changes) if i is item else i for i in scene.objects)
    return replace(scene, objects=objects)


@pytest.mark.parametrize("size", [16, 32, 64, 100, 224])
def test_shape_and_dtype(scenes, size):
    pictures = render(scenes[:3], size=size)
    assert pictures.shape == (3, size, size, 3)
    assert pictures.dtype == np.uint8
    assert render([], size=size).shape == (0, size, size, 3)


def test_the_same_scene_gives_the_same_bytes(scenes):
    pictures = render(scenes[:60])
    np.testing.assert_array_equal(pictures, render(scenes[:60]))
    np.testing.assert_array_equal(pictures[31:33], render(scenes[31:33]))


def test_the_same_bytes_in_another_process():
    code = (
        "import hashlib; from sdc_helpers.scenes import generate_scenes, render;"
        "print(hashlib.sha256(render(generate_scenes(20, seed=4)).tobytes()).hexdigest())"
    )
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    here = render(generate_scenes(20, seed=4))
    assert printed == hashlib.sha256(here.tobytes()).hexdigest()


def test_pictures_differ_and_are_neither_dark_nor_flat(scenes):
    pictures = render(scenes[:400])
    assert len({picture.tobytes() for picture in pictures}) == 400
    assert pictures.mean(axis=(1, 2, 3)).min() > 30
    assert pictures.std(axis=(1, 2, 3)).min() > 10


def test_a_larger_picture_shows_the_same(scenes):
    small = render(scenes[:40]).astype(float)
    large = render(scenes[:40], size=128).astype(float)
    reduced = large.reshape(40, 64, 2, 64, 2, 3).mean(axis=(2, 4))
    same = np.abs(small - reduced).mean()
    other = np.abs(small - np.roll(reduced, 1, axis=0)).mean()
    assert same < 0.15 * other


def test_every_object_is_drawn_where_the_graph_says(scenes):
    chosen = [scene for scene in scenes if len(scene.objects) == 1][:250]
    pictures = render(chosen).astype(int)
    empty = render([replace(scene, objects=()) for scene in chosen]).astype(int)
    for scene, changed in zip(chosen, np.abs(pictures - empty).max(axis=-1) > 8, strict=True):
        boxes = instance_boxes(scene.objects[0])
        inside = np.zeros((64, 64), dtype=bool)
        margin = 0.12 * scene.objects[0].size + 0.03
        for box in boxes:
            top, bottom = (np.array((box.top - margin, box.bottom + margin)) * 64).clip(0, 64)
            left, right = (np.array((box.left - margin, box.right + margin)) * 64).clip(0, 64)
            inside[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))] = True
        assert changed.sum() > 0, scene
        assert changed[inside].sum() > 0.97 * changed.sum(), scene


def test_colours_are_painted(scenes):
    scene, item = first_with(scenes, lambda i: i.kind == "apple" and i.distance == "near")
    scene = replace(scene, lighting="day")
    pictures = render([swapped(scene, item, colour=c) for c in ("red", "green")]).astype(int)
    changed = np.abs(pictures[0] - pictures[1]).max(axis=-1) > 40
    red, green = (picture[changed].mean(axis=0) for picture in pictures)
    assert changed.any()
    assert red[0] > 1.5 * red[1]
    assert green[1] > green[0]
    assert "green" in COLD


def test_written_words_change_the_pixels_of_their_board_only(scenes):
    scene, item = first_with(
        scenes, lambda i: i.kind == "sign" and i.count == 1 and i.distance == "near"
    )
    pictures = render([swapped(scene, item, text=text) for text in TEXTS]).astype(int)
    assert len({picture.tobytes() for picture in pictures}) == len(TEXTS)
    changed = (np.ptp(pictures, axis=0) > 0).any(axis=-1)
    (box,) = instance_boxes(item)
    rows, columns = np.nonzero(changed)
    assert columns.min() >= box.left * 64 - 1
    assert columns.max() <= box.right * 64 + 1
    assert rows.max() <= (box.top + 0.5 * (box.bottom - box.top)) * 64 + 1


def test_contact_sheet():
    pictures = np.arange(3 * 4 * 4 * 3, dtype=np.uint8).reshape(3, 4, 4, 3)
    sheet = np.asarray(contact_sheet(pictures, columns=2, scale=2))
    assert sheet.shape == (24, 24, 3)
    np.testing.assert_array_equal(sheet[12:20:2, 0:8:2], pictures[2])
    assert (sheet[12:, 12:] == 255).all()


@pytest.mark.parametrize("size", [0, 15, -64, 64.0, "64", None])
def test_bad_sizes_are_named(scenes, size):
    with pytest.raises(ValueError, match=f"size={size!r}: expected an integer of 16 or more"):
        render(scenes[:1], size=size)
