"""From whatever holds values to a numpy array, refusing what numpy would drop: masks, gaps, text.

`sdc_helpers._checks` is the door; this is behind it.
"""

from __future__ import annotations

import sys
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch


def is_tensor(values: Any) -> bool:
    """Tell a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")  # nobody has a tensor who has not imported it
    return torch is not None and isinstance(values, torch.Tensor)


def plain(name: str, values: Any) -> np.ndarray:
    """Return an array of any type, but no subclass; refuse what is masked, missing or sparse."""
    if type(values) is np.ndarray:
        return values
    pandas = sys.modules.get("pandas")
    if is_tensor(values):
        return _from_tensor(dense_tensor(name, values))
    if pandas is not None and isinstance(values, pandas.DataFrame):
        return _from_frame(name, values)
    if pandas is not None and isinstance(
        values, (pandas.Series, pandas.Index, pandas.api.extensions.ExtensionArray)
    ):
        return _from_series(name, values)
    if hasattr(values, "toarray") or hasattr(values, "todense"):
        raise ValueError(f"{name} is sparse; make it dense first, with {name}.toarray().")
    if isinstance(values, (list, tuple)):
        values = _list_items(name, values)
    elif hasattr(values, "null_count"):  # arrow and polars
        _refuse_missing(name, values.null_count)
    try:
        array = np.asanyarray(values)  # asarray would drop the mask that a lazy array comes with
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(
            f"{name} cannot be read as an array ({error}). Where the rows differ in length, cut "
            "them to one; where it lies on a device, fetch it first."
        ) from error
    mask = getattr(array, "mask", None) if type(array) is not np.ndarray else None
    if mask is not None and np.any(mask):
        raise ValueError(
            f"{name} has {int(np.sum(mask))} masked values, which numpy would bring back without "
            f"a word. Leave those rows out, or fill them yourself: {name}.filled(...)."
        )
    return np.asarray(array)


def _list_items(name: str, values: list | tuple) -> list | tuple:
    """Look into lists for arrays that numpy would strip, and for text beside other things."""
    kinds = set(map(type, values))
    texts = sum(issubclass(kind, str) for kind in kinds)
    if texts and texts < len(kinds):
        _refuse_missing(name, sum(map(_is_missing, values)))
        raise ValueError(f"{name} mixes text with {_others(kinds, str)}; make all of it text.")
    if not any(issubclass(k, (list, tuple)) or hasattr(k, "__array__") for k in kinds):
        return values
    return [
        v if isinstance(v, (str, Real, np.generic)) or not _has_items(v) else _item(name, v)
        for v in values
    ]


def _has_items(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or hasattr(value, "__array__")


def _item(name: str, value: Any) -> Any:
    nested = isinstance(value, (list, tuple))
    return _list_items(name, value) if nested else plain(name, value)


def from_objects(name: str, array: np.ndarray) -> np.ndarray:
    """Give numbers or strings that came as objects their own type, or raise a ValueError."""
    flat = array.ravel().tolist()
    kinds = set(map(type, flat))
    for kind in (str, bytes, Real):
        if kinds and all(issubclass(k, kind) for k in kinds):
            typed = np.array(flat, dtype=None if kind is Real else kind)
            typed = typed.astype(float) if typed.dtype.kind == "O" else typed  # huge integers
            return typed.reshape(array.shape)
    if not kinds:
        return array.astype(float)
    _refuse_missing(name, sum(map(_is_missing, flat)))
    raise ValueError(
        f"{name} must hold real numbers or text, got objects such as {_others(kinds, Real)}."
    )


def _is_missing(value: Any) -> bool:
    """Tell what stands for a missing value among objects; pandas has NaN where a name is."""
    nan = isinstance(value, float) and np.isnan(value)
    return bool(nan) or value is None or type(value).__name__ in ("NAType", "NaTType")


def _others(kinds: set[type], expected: type) -> str:
    return " and ".join(sorted(k.__name__ for k in kinds if not issubclass(k, expected))[:2])


def _refuse_missing(name: str, count: Any) -> None:
    n = int(np.sum(np.asarray(count() if callable(count) else count)))
    if n:
        raise ValueError(
            f"{name} has {n} missing values (NA or None). Leave those rows out, or fill them "
            "yourself."
        )


def _from_frame(name: str, frame: Any) -> np.ndarray:
    if all(isinstance(dtype, np.dtype) for dtype in frame.dtypes) or not len(frame.columns):
        return frame.to_numpy()
    return np.column_stack([plain(name, frame.iloc[:, i]) for i in range(frame.shape[1])])


def _from_series(name: str, series: Any) -> np.ndarray:
    if not isinstance(series.dtype, np.dtype):
        _refuse_missing(name, series.isna().sum())
    array = np.asarray(series)
    return array if array.dtype.kind != "O" else from_objects(name, array)


def dense_tensor(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor that is neither sparse, nested nor masked, or raise a ValueError."""
    if type(tensor).__name__ == "MaskedTensor":
        hidden = int((~tensor.get_mask()).sum())
        if hidden:
            raise ValueError(
                f"{name} has {hidden} masked values. Leave those rows out, or fill them yourself: "
                f"{name}.to_tensor(...)."
            )
        tensor = tensor.get_data()
    if str(tensor.layout) != "torch.strided" or tensor.is_nested:
        raise ValueError(f"{name} is sparse or nested; make it dense first, with to_dense().")
    return tensor


def _from_tensor(tensor: torch.Tensor) -> np.ndarray:
    tensor = tensor.detach().cpu().resolve_conj().resolve_neg()
    if tensor.is_floating_point() and str(tensor.dtype)[-2:] not in ("16", "32", "64"):
        tensor = tensor.float()  # float8
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()
