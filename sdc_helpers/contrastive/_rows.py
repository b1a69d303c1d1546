"""What counts as a row of unit length, for numpy arrays and torch tensors alike."""

from __future__ import annotations

from typing import Any

_TOLERANCE = 1e-3  # float32 features are often normalised in half precision and stored after
_HALF_TOLERANCE = 1e-2


def check_unit_rows(x: Any, name: str, dtype: object) -> None:
    """Raise if a row's length is not 1; `dtype` is the one the rows were computed in.

    A NaN passes: one diverged run of a grid must not stop the others.
    """
    tolerance = _HALF_TOLERANCE if "float16" in str(dtype) else _TOLERANCE
    worst = float(abs((x * x).sum(-1) ** 0.5 - 1).max())
    if worst > tolerance:
        raise ValueError(
            f"The rows of {name} must have length 1, within {tolerance:g}; one is off by "
            f"{worst:.2g}. Divide each row by its norm first, for instance with "
            f"torch.nn.functional.normalize."
        )
