"""Pictures of Pillow: as viewers show them, or refused with advice that works."""

from __future__ import annotations

import io
import re

import numpy as np
import pandas as pd
import pytest

from sdc_helpers._pillow import picture_array
from sdc_helpers.embeddings import embed_images, preprocess
from sdc_helpers.plotting.pictures import plot_pictures

PIL = pytest.importorskip("PIL")
from PIL import Image, ImageCms, ImageOps  # noqa: E402

ORIENTATION = 0x0112
HEIGHT, WIDTH = 24, 32


@pytest.fixture(scope="module")
def pixels():
    """Colours of middling brightness and saturation, which every space of colours holds."""
    values = np.random.default_rng(3).integers(80, 176, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    values[: HEIGHT // 2] += 40  # up and down differ
    return values


@pytest.fixture(scope="module")
def rgb(pixels):
    return Image.fromarray(pixels)


def advice(picture) -> str:
    with pytest.raises(ValueError, match=r"^the picture has (mode|transparent)") as caught:
        picture_array(picture)
    return str(caught.value)


def levels_apart(a, b) -> int:
    return int(np.abs(np.asarray(a, int) - np.asarray(b, int)).max())


# --- modes that are converted --------------------------------------------------------


# Bounds, in grey levels: exact where a mode holds the same numbers. A hue of 256 values moves a
# channel by 6 levels, half of it by rounding; saturation and brightness add one each.
@pytest.mark.parametrize(
    ("mode", "bound"), [("RGB", 0), ("RGBA", 0), ("RGBX", 0), ("CMYK", 0), ("HSV", 5)]
)
def test_colours_survive_their_mode(pixels, rgb, mode, bound):
    found = picture_array(rgb.convert(mode))
    assert (found.shape, found.dtype) == (pixels.shape, np.uint8)
    assert levels_apart(found, pixels) <= bound


def test_ycbcr_is_decoded_as_in_jpeg(rgb):
    picture = rgb.convert("YCbCr")
    y, cb, cr = (
        np.moveaxis(np.asarray(picture, float), -1, 0) - np.array([0, 128, 128])[:, None, None]
    )
    weights = ((1, 0, 1.402), (1, -0.344136, -0.714136), (1, 1.772, 0))  # ITU-R BT.601, full range
    expected = np.stack([a * y + b * cb + c * cr for a, b, c in weights], axis=-1)
    assert np.abs(picture_array(picture) - expected.clip(0, 255)).max() <= 1  # rounded or cut


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "P", "PA"])
def test_grey_and_palettes_show_what_viewers_show(rgb, mode):
    grey = rgb.convert("L")
    picture = grey.convert("LA").convert("La") if mode == "La" else grey.convert(mode)
    expected = np.where(np.asarray(picture), 255, 0) if mode == "1" else np.asarray(grey)
    found = picture_array(picture)
    assert found.dtype == np.uint8
    assert levels_apart(found, np.repeat(expected[..., None], 3, axis=-1)) == 0


def test_the_colours_of_a_palette_and_not_its_numbers(rgb):
    picture = rgb.quantize(16)
    expected = np.array(picture.getpalette()).reshape(-1, 3)[np.asarray(picture)]
    assert levels_apart(picture_array(picture), expected) == 0


# --- modes that are refused, and their advice followed -------------------------------


def with_hole(rgb, mode):
    alpha = Image.fromarray(np.where(np.arange(HEIGHT)[:, None] < 4, 0, 255).astype("u1"))
    alpha = alpha.resize(rgb.size, Image.Resampling.NEAREST)
    if mode == "P":
        picture = rgb.quantize(16)
        picture.info["transparency"] = int(np.asarray(picture)[0, 0])
        return picture
    if mode == "RGB":
        picture = rgb.copy()
        picture.info["transparency"] = picture.getpixel((0, 0))
        return picture
    picture = rgb.copy()
    picture.putalpha(alpha)
    return picture.convert("RGBA" if mode == "RGBa" else mode).convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "RGBa", "LA", "P", "RGB"])
def test_transparent_parts_are_laid_on_white_as_advised(rgb, mode):
    picture = with_hole(rgb, mode)
    text = advice(picture)
    first, then = re.search(r"Choose what: (.*); (.*)\.$", text).groups()
    names = {"picture": picture, "PIL": PIL}
    exec(first, names)
    found = picture_array(eval(then, names))
    assert (found[0, 0] == 255).all()
    opaque = np.asarray(picture.convert("RGBA"))[..., 3] == 255
    expected = np.asarray(picture.convert("RGBA"))[..., :3]
    assert opaque.any()
    assert levels_apart(found[opaque], expected[opaque]) == 0


@pytest.mark.parametrize("mode", ["I;16", "I;16L", "I;16B", "I", "F"])
def test_values_of_more_than_8_bits_are_kept_by_the_advice(mode):
    values = np.linspace(0, 65535, HEIGHT * WIDTH).round().reshape(HEIGHT, WIDTH)
    if mode.startswith("I;16"):
        order = ">u2" if mode.endswith("B") else "<u2"
        picture = Image.frombytes(mode, (WIDTH, HEIGHT), values.astype(order).tobytes())
    else:
        picture = Image.fromarray(values.astype("i4" if mode == "I" else "f4"))
    assert picture.mode == mode
    text = advice(picture)
    code = re.search(r"from 0 to 1, (np\.repeat\(.*axis=-1\)), with", text)[1]
    found = eval(code, {"np": np, "picture": picture, "white": 65535})
    assert found.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(found, np.repeat(values[..., None], 3, axis=-1) / 65535, atol=1e-7)
    assert preprocess_takes(found)


def preprocess_takes(found) -> bool:
    from sdc_helpers.embeddings.small_clip import small_clip_preprocessing

    return small_clip_preprocessing()([found]).shape == (1, 3, 64, 64)


def test_a_png_of_16_bits_is_refused_and_not_cut_off(tmp_path):
    values = np.linspace(0, 65535, HEIGHT * WIDTH).astype("u2").reshape(HEIGHT, WIDTH)
    Image.fromarray(values).save(tmp_path / "deep.png")
    with Image.open(tmp_path / "deep.png") as picture:
        assert "more than 8 bits" in advice(picture)


def test_lab_becomes_rgb_by_pillow_or_as_advised(pixels, rgb):
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    picture = ImageCms.profileToProfile(rgb, srgb, lab, outputMode="LAB")
    try:
        found = picture_array(picture)
    except ValueError as error:  # older Pillow does not convert it
        code = re.search(r"Use (PIL\.ImageCms.*)\.$", str(error))[1]
        found = picture_array(eval(code, {"PIL": PIL, "picture": picture}))
    # a step of L is 0.4, of a and b 1: a rounded b of 0.5 moves blue by up to 2, L by 1, twice
    assert levels_apart(found, pixels) <= 6


# --- stored turned -------------------------------------------------------------------


def turned(pixels, orientation, kind="PNG"):
    """A file whose pixels, turned as its tag says, are `pixels`."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    picture = Image.fromarray(pixels)
    picture = picture.transpose(undo[orientation]) if orientation in undo else picture
    tag, buffer = Image.Exif(), io.BytesIO()
    tag[ORIENTATION] = orientation
    picture.save(buffer, kind, exif=tag)
    buffer.seek(0)
    return buffer


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_turned_pictures_are_refused_until_they_are_turned(pixels, orientation, kind):
    picture = Image.open(turned(pixels, orientation, kind))
    with pytest.raises(ValueError, match=rf"orientation {orientation}\)") as caught:
        picture_array(picture)
    code = re.search(r"show it: (.*)\.$", str(caught.value))[1]
    found = picture_array(eval(code, {"PIL": PIL, "picture": picture}))
    assert found.shape == pixels.shape
    if kind == "PNG":
        assert levels_apart(found, pixels) == 0


@pytest.mark.parametrize("orientation", [0, 1, 9])
def test_upright_pictures_and_tags_without_a_meaning_are_taken_as_they_are(pixels, orientation):
    picture = Image.open(turned(pixels, orientation))
    assert levels_apart(picture_array(picture), pixels) == 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiff_is_turned_by_pillow_and_once(pixels, orientation):
    picture = Image.open(turned(pixels, orientation, "TIFF"))
    assert levels_apart(picture_array(picture), pixels) == 0


# --- doors ---------------------------------------------------------------------------


def series(picture):
    return pd.Series([picture])


def generator(picture):
    return (each for each in [picture])


@pytest.mark.parametrize("kind", [list, tuple, series, generator])
def test_every_door_of_embeddings_takes_the_same_picture(tiny, pixels, rgb, kind):
    container = kind if kind in (series, generator) else lambda picture: kind([picture])
    picture = rgb.convert("YCbCr").convert("CMYK")
    array = np.asarray(picture.convert("RGB"))[None]
    found = embed_images(tiny, container(picture)).vectors
    np.testing.assert_array_equal(found, embed_images(tiny, array).vectors)
    np.testing.assert_array_equal(tiny.preprocess(container(picture)), tiny.preprocess(array))
    np.testing.assert_array_equal(preprocess(container(picture)), preprocess(array))


@pytest.mark.parametrize(
    "door",
    [
        lambda clip, pictures: embed_images(clip, pictures),
        lambda clip, pictures: clip.preprocess(pictures),
        lambda clip, pictures: preprocess(pictures),
        lambda clip, pictures: plot_pictures(pictures),
    ],
    ids=["embed_images", "ClipModel.preprocess", "preprocess", "plot_pictures"],
)
def test_every_door_refuses_and_says_which(tiny, pixels, rgb, door):
    bad = Image.open(turned(pixels, 6))
    with pytest.raises(ValueError, match=r"(Item|picture) 1\b.*exif_transpose"):
        door(tiny, [rgb, bad])


def test_what_is_no_picture(tiny, pixels, rgb, tmp_path):
    with pytest.raises(ValueError, match=r"pass a list of it, \[images\]"):
        embed_images(tiny, rgb)
    with pytest.raises(ValueError, match=r"is the path .*PIL\.Image\.open"):
        embed_images(tiny, [str(tmp_path / "a.png")])
    whole = turned(pixels, 1).getvalue()
    with pytest.raises(ValueError, match="cannot be read"):
        embed_images(tiny, [Image.open(io.BytesIO(whole[: len(whole) // 2]))])
    with pytest.raises(ValueError, match="one size"):
        tiny.preprocess([rgb, ImageOps.scale(rgb, 2)])
