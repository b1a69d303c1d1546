"""What is checked of arguments, in one place: counts, shares, devices, arrays, rows of length 1.

Whatever a caller gives as an array comes in through `as_array` (or, where a torch tensor shall
stay one, `as_native` or `as_tensor`). ``numpy.asarray`` alone drops the mask of a masked array
and turns missing values into text or NaN without a word; here they are refused, with advice.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sdc_helpers._arrays import dense_tensor, from_objects, is_tensor, plain

if TYPE_CHECKING:
    import torch

UNIT_TOLERANCE = 1e-3
"""How far a length may be from 1: unit vectors kept in half precision are off by up to 7e-4."""
_HALF_TOLERANCE = 1e-2  # of rows that were computed in half precision, not only kept in it
_NUMBERS, _TEXT = "biuf", "US"
_SHARES = {
    "neither": ("above 0 and below 1", lambda x: 0 < x < 1),
    "upper": ("above 0 and at most 1", lambda x: 0 < x <= 1),
    "both": ("from 0 to 1", lambda x: 0 <= x <= 1),
}


def check_count(name: str, value: int, least: int = 0) -> int:
    """Return a count as an int.

    Parameters
    ----------
    name : str
        Name of the argument for error messages.
    value : int
        Value to check, of any integer type; a bool is refused.
    least : int
        Smallest value that is allowed.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If the value is no integer, or less than `least`.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name}={value!r}: expected an integer of {least} or more.")
    return int(value)


def check_share(
    name: str, value: float, ends: Literal["neither", "upper", "both"] = "neither"
) -> float:
    """Return a share of 1, such as a confidence level, as a float.

    Parameters
    ----------
    name : str
        Name of the argument for error messages.
    value : float
        Value to check, of any real number type; a bool is refused.
    ends : {"neither", "upper", "both"}
        Whether 0 and 1 themselves are allowed.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the value is no number between these ends.
    """
    expected, allowed = _SHARES[ends]
    if not isinstance(value, Real) or isinstance(value, bool) or not allowed(value):
        raise ValueError(f"{name}={value!r}: expected a number {expected}.")
    return float(value)


def check_device(device: str | torch.device) -> torch.device:
    """Return a torch device that can be used.

    Parameters
    ----------
    device : str or torch.device
        A device, such as ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If torch does not have the device here; the message names those it has.
    """
    import torch

    try:
        torch.zeros(1, device=device).cpu()
        return torch.device(device)
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        known = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
        if torch.backends.mps.is_available():
            known.append("mps")
        raise ValueError(
            f"device={str(device)!r} cannot be used here; available: {', '.join(known)}."
        ) from error


def can_fuse(device: torch.device) -> bool:
    """Return whether torch's Adam takes a step in one call there: equal to rounding."""
    return device.type in ("cpu", "cuda")


def as_array(name: str, values: Any, dtype: type | None = None) -> np.ndarray:
    """Return what a caller gives as a plain numpy array of real numbers or text.

    Parameters
    ----------
    name : str
        Name of the argument for error messages.
    values : array_like
        Arrays, memory maps (which stay on the disk), nested lists, torch tensors on any device,
        with gradients or in bfloat16, pandas objects, h5py datasets and all else that numpy can
        read. Numbers and strings in arrays of objects get a type of their own. A masked array
        without a masked value is an array like any other.
    dtype : type, optional
        A number type to convert to. Text is then refused, and fractions where it is an integer.

    Returns
    -------
    numpy.ndarray
        Array of booleans, integers, floats or text; without a copy where none is needed.

    Raises
    ------
    ValueError
        If values are masked or missing (NA, None), complex, sparse, of rows that differ in
        length, or neither numbers nor text. NaN is a number: it passes.
    """
    array = plain(name, values)
    if array.dtype.kind in "OT":  # T are numpy's strings of any length
        array = from_objects(name, array.astype(object, copy=False))
    if array.dtype.kind == "c":
        raise ValueError(
            f"Complex data not supported: {name} must hold real numbers, got {array.dtype}; take "
            "its real part or its absolute value."
        )
    wanted = _NUMBERS + _TEXT if dtype is None else _NUMBERS
    if array.dtype.kind not in wanted:
        raise ValueError(f"{name} must hold real numbers, got {array.dtype}.")
    if dtype is None:
        return array
    if np.dtype(dtype).kind in "iu" and array.dtype.kind == "f":
        whole = np.isfinite(array) & (array == np.floor(array))
        if not whole.all():
            raise ValueError(f"{name} must hold whole numbers, got {array[~whole].flat[0]}.")
    return array.astype(dtype, copy=False)


def as_native(name: str, values: Any) -> np.ndarray | torch.Tensor:
    """Return a torch tensor as it is, if it is dense; else as `as_array` does.

    Parameters
    ----------
    name, values
        The arguments of `as_array`, which also says what is raised.

    Returns
    -------
    numpy.ndarray or torch.Tensor
    """
    return dense_tensor(name, values) if is_tensor(values) else as_array(name, values)


def as_tensor(name: str, values: Any) -> torch.Tensor:
    """Return a torch tensor as it is, if it is dense; all else as a tensor on the CPU.

    Parameters
    ----------
    name, values
        The arguments of `as_array`, which also says what is raised; text is refused.

    Returns
    -------
    torch.Tensor
    """
    import torch

    if is_tensor(values):
        return dense_tensor(name, values)
    array = as_array(name, values)
    if array.dtype.kind in _TEXT:
        raise ValueError(f"{name} must hold real numbers, got {array.dtype}.")
    return torch.as_tensor(np.ascontiguousarray(array).reshape(array.shape))


def check_finite(name: str, array: np.ndarray, advice: str = "") -> None:
    """Raise unless all numbers are finite.

    Parameters
    ----------
    name : str
        Name of the argument for error messages.
    array : numpy.ndarray
        Numbers, rows first.
    advice : str
        A sentence that says what to do.

    Raises
    ------
    ValueError
        If a number is NaN or infinite; the message says in how many rows, and in which first.
    """
    finite = np.isfinite(array)
    if finite.all():
        return
    bad = np.flatnonzero(~finite.reshape(len(array), -1).all(axis=1)) if array.ndim else [0]
    where = f" in {len(bad)} of {len(array)} rows, the first in row {bad[0]}" if array.ndim else ""
    raise ValueError(f"{name} holds NaN or infinite values{where}.{' ' * bool(advice)}{advice}")


def check_unit_rows(name: str, rows: np.ndarray | torch.Tensor, made_in: object = "") -> None:
    """Raise unless vectors along the last axis have length 1.

    Parameters
    ----------
    name : str
        Name of the argument for error messages.
    rows : numpy.ndarray or torch.Tensor of shape (..., d)
        Vectors of floats. NaN passes: one diverged run of a grid must not stop the others.
    made_in : dtype, optional
        Type in which the rows were computed: in half precision a larger error is allowed.

    Raises
    ------
    ValueError
        If a row has another length; the message gives the worst one and how to mend it.
    """
    tolerance = _HALF_TOLERANCE if "float16" in str(made_in) else UNIT_TOLERANCE
    lengths = (rows * rows).sum(-1) ** 0.5 if is_tensor(rows) else _lengths(rows)
    off = abs(lengths - 1).reshape(-1)
    if float(off.max()) > tolerance:
        worst = int(off.argmax())
        raise ValueError(
            f"{name} must have rows of unit length, within {tolerance:g}; row {worst} has length "
            f"{float(lengths.reshape(-1)[worst]):.4g}. Divide each row by its length first: "
            f"{name} / np.linalg.norm({name}, axis=-1, keepdims=True)."
        )


def largest_length_error(rows: np.ndarray) -> float:
    """Return how far the length of the worst vector along the last axis is from 1."""
    return float(np.abs(_lengths(rows) - 1).max())


def unit_rows(rows: np.ndarray, name: str | None = None) -> np.ndarray:
    """Return vectors along the last axis scaled to length 1, in the same precision.

    Parameters
    ----------
    rows : float array of shape (..., d)
        Vectors of finite numbers.
    name : str, optional
        Name of the vectors for error messages: a row of zeros, which has no direction, is then
        refused. Without a name such a row stays as it is.

    Returns
    -------
    numpy.ndarray
        The scaled vectors, in a new array.

    Raises
    ------
    ValueError
        If a vector is zero and there is a name.
    """
    lengths = _lengths(rows)
    if not (lengths > 0).all():
        if name is not None:
            row = int(np.argmin(lengths.reshape(-1)))
            raise ValueError(f"{name}: vector {row} is zero, which has no direction.")
        lengths = np.where(lengths > 0, lengths, 1)
    return (rows / lengths[..., None]).astype(rows.dtype, copy=False)


def _lengths(rows: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("...i,...i->...", rows, rows, dtype=np.float64))
