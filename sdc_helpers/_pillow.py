"""The one door through which pictures of Pillow enter: in red, green and blue, or refused."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array

if TYPE_CHECKING:
    from PIL.Image import Image

_ORIENTATION = 0x0112  # number of the EXIF tag; 1 is upright
_TURNED = range(2, 9)


def is_pillow(picture: Any) -> bool:
    """Whether this is a picture of Pillow; Pillow is not imported for it."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(picture, module.Image)


def picture_array(picture: Any, where: str = "the picture") -> np.ndarray:
    """Return a picture as an array, one of Pillow as RGB values.

    Parameters
    ----------
    picture : array or PIL.Image.Image
        A picture of Pillow is converted to RGB; colour profiles are not applied. Anything else is
        taken as an array, as it is.
    where : str
        Name of the picture for error messages.

    Returns
    -------
    numpy.ndarray
        The picture; one of Pillow as uint8 of shape (height, width, 3).

    Raises
    ------
    ValueError
        If a picture of Pillow cannot be read, is stored turned (EXIF orientation), has more than 8
        bits a value or transparent parts, or is in a space that Pillow does not convert; the
        message says how to keep its values. Or if this is a path.
    """
    if is_pillow(picture):
        return _rgb(picture, where)
    if isinstance(picture, str) or hasattr(picture, "__fspath__"):
        raise ValueError(f"{where} is the path {str(picture)!r}: open it with PIL.Image.open.")
    return as_array(where, picture)


def picture_stack(images: Any) -> Any:
    """Return pictures of one size as one array; what has axes of numbers already is returned as is.

    Parameters
    ----------
    images : array of shape (n, height, width, 3), or iterable of pictures
        Pictures, each an array (height, width, 3) or a picture of Pillow.

    Returns
    -------
    array of shape (n, height, width, 3)
        All pictures in one array.

    Raises
    ------
    ValueError
        In the cases that `picture_array` lists, and if pictures differ in size or kind.
    """
    if not is_iterable_of_pictures(images):
        return images
    pictures = [picture_array(picture, f"picture {i}") for i, picture in enumerate(images)]
    kinds = {(picture.shape, picture.dtype) for picture in pictures}
    if len(kinds) > 1:
        listed = ", ".join(sorted(f"{shape} {dtype}" for shape, dtype in kinds)[:4])
        raise ValueError(f"images must have one size and type, got {listed}: resize them first.")
    return np.stack(pictures) if pictures else np.empty((0, 0, 0, 3), np.uint8)


def is_iterable_of_pictures(images: Any) -> bool:
    """Whether this is not one array of numbers but a list, Series or generator of pictures."""
    if is_pillow(images):
        raise ValueError("images is one picture of Pillow; pass a list of it, [images].")
    if isinstance(images, str | bytes | dict) or not isinstance(images, Iterable):
        return False
    return getattr(images, "ndim", 1) == 1


def _rgb(picture: Image, where: str) -> np.ndarray:
    try:
        picture.load()
        orientation = picture.getexif().get(_ORIENTATION, 1)
    except Exception as error:  # a damaged file can fail in any part of the reader
        raise ValueError(
            f"{where} cannot be read ({type(error).__name__}: {error}). Fetch it again, or leave "
            "it out with all that belongs to it."
        ) from error
    if orientation in _TURNED:
        raise ValueError(
            f"{where} is stored turned or mirrored (EXIF orientation {orientation}). Turn it as "
            "viewers show it: PIL.ImageOps.exif_transpose(picture)."
        )
    mode = picture.mode
    if mode.startswith("I") or mode == "F":
        white = "white" if mode == "F" else "65535"
        which = "white the largest value that it can have" if mode == "F" else "65535 for 16 bits"
        raise ValueError(
            f"{where} has mode {mode!r}, more than 8 bits a value, which converting would cut off. "
            "Pass floats from 0 to 1, np.repeat(np.asarray(picture)[..., None] / "
            f"{white}, 3, axis=-1), with {which}."
        )
    if picture.has_transparency_data and _is_transparent(picture):
        raise ValueError(
            f"{where} has transparent parts (mode {mode!r}), which have no colour until they lie "
            "on something. Choose what: rgba = picture.convert('RGBA'); "
            "PIL.Image.alpha_composite(PIL.Image.new('RGBA', rgba.size, 'white'), rgba)."
            "convert('RGB')."
        )
    try:
        return np.array(_straight(picture).convert("RGB"))
    except ValueError as error:
        raise ValueError(
            f"{where} has mode {mode!r}, which Pillow does not convert to RGB. Use "
            f"PIL.ImageCms.profileToProfile(picture, PIL.ImageCms.createProfile({mode!r}), "
            "PIL.ImageCms.createProfile('sRGB'), outputMode='RGB')."
        ) from error


def _straight(picture: Image) -> Image:
    """Undo premultiplied transparency, from which Pillow does not convert further."""
    straight = {"La": "LA", "RGBa": "RGBA"}.get(picture.mode)
    return picture.convert(straight) if straight else picture


def _is_transparent(picture: Image) -> bool:
    alpha = _straight(picture).convert("RGBA").getchannel("A")
    return alpha.getextrema()[0] < np.iinfo(np.uint8).max
