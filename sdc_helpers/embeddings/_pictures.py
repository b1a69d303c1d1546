"""From pictures as they are stored to the input of an image tower."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers._pillow import picture_stack

if TYPE_CHECKING:
    import torch

_CHUNK = 32  # pictures resized at a time: at their own size, floats take 4 times the memory


@dataclass(frozen=True)
class PicturePreprocessing:
    """Resize, cut out the centre, standardise the channels.

    Attributes
    ----------
    size : int
        Height and width of the pictures that the tower sees, in pixels.
    mean, std : tuple of float
        Mean and standard deviation of each channel, for values from 0 to 1.
    interpolation : {"bicubic", "bilinear"}
        Method by which pictures of another size are resized, with antialiasing.
    resize_mode : {"shortest", "squash"}
        ``"shortest"``: the shorter side becomes `size` and the centre is cut out; ``"squash"``:
        both sides become `size`.
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"

    def __post_init__(self) -> None:
        if self.interpolation not in ("bicubic", "bilinear"):
            raise ValueError(f"interpolation={self.interpolation!r}: expected bicubic or bilinear.")
        if self.resize_mode not in ("shortest", "squash"):
            raise ValueError(f"resize_mode={self.resize_mode!r}: expected shortest or squash.")

    def __call__(self, images: np.ndarray) -> torch.Tensor:
        """Prepare pictures.

        Parameters
        ----------
        images : array of shape (n, height, width, 3), or iterable of pictures of one size
            uint8 from 0 to 255, or floats from 0 to 1; or pictures of Pillow, which are
            converted to RGB.

        Returns
        -------
        torch.Tensor of float32, shape (n, 3, size, size)
            Input of the image tower, on the CPU.

        Raises
        ------
        ValueError
            `images` is not such an array, or holds no picture.
        """
        images = as_array("images", picture_stack(images))
        check_picture_shape(images.shape)
        return self.transform(as_tensor(check_pictures(images)))

    def transform(self, pictures: torch.Tensor) -> torch.Tensor:
        """Do the same with a tensor of checked pictures, on the device where it is.

        Parameters
        ----------
        pictures : torch.Tensor of shape (n, height, width, 3)
            Pictures as uint8, or as floats from 0 to 1.

        Returns
        -------
        torch.Tensor of float32, shape (n, 3, size, size)
            Input of the image tower, on the same device.
        """
        import torch

        if tuple(pictures.shape[1:3]) == (self.size, self.size):
            return self._standardise(pictures.permute(0, 3, 1, 2))
        parts = pictures.permute(0, 3, 1, 2).split(_CHUNK)
        return torch.cat([self._standardise(self._resize(part)) for part in parts])

    def _resize(self, pictures: torch.Tensor) -> torch.Tensor:
        from torchvision.transforms import InterpolationMode
        from torchvision.transforms import functional as F  # noqa: N812

        shape = [self.size] if self.resize_mode == "shortest" else [self.size, self.size]
        mode = InterpolationMode(self.interpolation)
        resized = F.resize(pictures, shape, interpolation=mode, antialias=True)
        return F.center_crop(resized, [self.size, self.size])

    def _standardise(self, pictures: torch.Tensor) -> torch.Tensor:
        import torch

        full = 1.0 if pictures.is_floating_point() else 255.0
        mean, std = (
            torch.tensor(values, dtype=torch.float32, device=pictures.device)[:, None, None] * full
            for values in (self.mean, self.std)
        )
        # as pictures are stored, and convolutions on a CPU are a quarter faster that way
        values = pictures.to(torch.float32, memory_format=torch.channels_last, copy=True)
        return values.sub_(mean).div_(std)


def as_tensor(array: np.ndarray) -> torch.Tensor:
    """Return a tensor on the CPU, of the same memory where torch may write to it."""
    import torch

    return torch.from_numpy(np.require(array, requirements=["C", "W"]))


def check_picture_shape(shape: tuple[int, ...]) -> None:
    """Raise unless pictures have shape (n, height, width, 3) and there is at least one."""
    expected = "images must have the shape (n, height, width, 3)"
    if len(shape) != 4 or shape[-1] != 3:
        if len(shape) == 3 and shape[-1] == 3:
            hint = "; for one picture pass images[None]"
        elif len(shape) == 4 and shape[1] == 3:
            hint = ": the colour channels come last, see np.moveaxis(images, 1, -1)"
        elif len(shape) == 4 and shape[-1] == 1:
            hint = ": grey pictures have three equal channels, np.repeat(images, 3, axis=-1)"
        elif len(shape) == 4 and shape[-1] == 4:
            hint = ": lay transparent pictures on a background, and leave the fourth channel out"
        else:
            hint = ""
        raise ValueError(f"{expected}, got {tuple(shape)}{hint}.")
    if 0 in shape:
        raise ValueError(f"{expected}, got {tuple(shape)}, which holds no picture.")


def check_pictures(images: np.ndarray) -> np.ndarray:
    """Return pictures as uint8 or float32, or raise.

    Parameters
    ----------
    images : numpy.ndarray of shape (n, height, width, 3)
        Pictures as uint8 from 0 to 255, or as floats from 0 to 1.

    Returns
    -------
    numpy.ndarray
        The same pictures, as uint8 or float32.

    Raises
    ------
    ValueError
        The pictures are of another type, or floats outside 0 to 1 or not finite.
    """
    if images.dtype == np.uint8:
        return images
    expected = "images must be uint8 from 0 to 255 or floats from 0 to 1"
    if images.dtype.kind != "f":
        raise ValueError(f"{expected}, got {images.dtype}{_advice(images)}.")
    low, high = float(images.min()), float(images.max())  # NaN where there is one
    if not np.isfinite([low, high]).all():
        raise ValueError(f"{expected}, got NaN or infinite values.")
    if low < 0 or high > 1:
        raise ValueError(
            f"{expected}, got {images.dtype} from {low:g} to {high:g}: divide values up to 255 "
            "by 255, and leave standardising to the model."
        )
    return images.astype(np.float32, copy=False)


def _advice(images: np.ndarray) -> str:
    """Say how other numbers become pictures without wrapping round at 256."""
    if images.dtype == bool:
        return ": convert with images.astype('uint8') * 255"
    if images.dtype.kind not in "iu":
        return ""
    low, high = int(images.min()), int(images.max())
    if low >= 0 and high <= np.iinfo(np.uint8).max:
        return (
            f" from {low} to {high}: if 255 is white, convert with images.astype('uint8'); else "
            f"divide by the value of white, such as images / {np.iinfo(images.dtype).max}"
        )
    return (
        f" from {low} to {high}, which uint8 cannot hold: divide by the value of white, such as "
        "images / 65535 for 16 bits"
    )
