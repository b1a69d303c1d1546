"""What is checked of arguments, in one place: counts, and later rows, devices and arrays."""

from __future__ import annotations

from numbers import Integral


def check_count(name: str, value: int, least: int = 0) -> int:
    """Return a count as an int.

    Parameters
    ----------
    name : str
        What the argument is called, for the error.
    value : int
        Any integer type; a bool is none.
    least : int
        The smallest that is allowed.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it is no integer, or less than `least`.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name}={value!r}: expected an integer of {least} or more.")
    return int(value)
