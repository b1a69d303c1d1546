"""Rows that were centred in consecutive groups of equal size, found from their Gram matrices.

Where both sides sum to about zero in each run, so does every alignment that a free shuffle breaks:
its null is that of other data. Sums of a group that are much *smaller* than those of shuffled rows
on both sides tell of this; stimuli that are sorted by category have larger ones.

The choice of groups hardly harms a test where all rows are exchangeable: it looks at sums of
groups, which shuffles within these groups leave as they are.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from sdc_helpers.alignment._shuffles import shuffled_alignments
from sdc_helpers.permutations import Permutations, permutations_of

Array = Any  # a numpy array or a torch tensor
Within = Callable[[int, Sequence[np.ndarray]], np.ndarray]
Side = tuple[Within, dict[int, float]]
_SMALL = 0.5  # share of the squared sums that shuffled rows have
_AS_SMALL = 1.25  # multiples of a run are as small as the run, up to noise: the shortest counts
_N_DRAWS, _LEVEL = 199, 0.01


def group_sums(K: Array) -> dict[int, float]:
    """Compare the sums of consecutive groups of rows with those of shuffled rows.

    Parameters
    ----------
    K : float64 array of shape (n, n)
        Gram matrix, centred or not.

    Returns
    -------
    dict of int to float
        A ratio for each size of group that divides n, from 2 to n / 2: the squared length of the
        groups' sums of centred rows, summed, over its mean over all orders of the rows. It is
        about 1 where rows are exchangeable, and 0 where they were centred within the groups.
    """
    xp = array_namespace(K)
    n = K.shape[0]
    mean = float(xp.mean(K))
    spread = float(xp.sum(xp.linalg.diagonal(K))) - n * mean
    ratios = {}
    for size in range(2, n // 2 + 1):
        if n % size == 0 and spread > 0:
            inside = sum(float(xp.sum(K[a : a + size, a : a + size])) for a in range(0, n, size))
            ratios[size] = (inside - n * size * mean) / (spread * (n - size) / (n - 1))
    return ratios


def within_groups(kernel: Array, size: int, orders: Sequence[np.ndarray]) -> np.ndarray:
    """Sum a kernel's entries inside consecutive groups of rows.

    Parameters
    ----------
    kernel : float64 array of shape (n, n)
        Centred kernel.
    size : int
        Rows of a group; it divides n.
    orders : sequence of int arrays of shape (n,)
        Orders of the rows.

    Returns
    -------
    float array of shape (n_orders,)
    """
    xp = array_namespace(kernel)
    groups = np.arange(kernel.shape[0]) // size
    same = xp.asarray((groups[:, None] == groups).astype(float), device=device(kernel))
    return shuffled_alignments([same], [kernel], orders, len(orders))[:, 0, 0]


def find_centred_groups(n: int, first: Sequence[Side], second: Sequence[Side]) -> np.ndarray | None:
    """Find the consecutive groups in which both sides sum to about zero.

    Parameters
    ----------
    n : int
        Number of rows.
    first, second : sequence of (function, ratios)
        The kernels of each side: `within_groups` of a kernel, that is a function of size and
        orders, and its `group_sums`.

    Returns
    -------
    int array of shape (n,) or None
        Number of each row's group; None if a group's sums are not smaller than those of shuffled
        rows. Warns where there are such groups.
    """
    smallest = {}
    for size in first[0][1]:
        pairs = [min(side, key=lambda pair: pair[1].get(size, 1.0)) for side in (first, second)]
        ratio = max(ratios.get(size, 1.0) for _, ratios in pairs)
        if ratio <= _SMALL:
            smallest[size] = (ratio, [within for within, _ in pairs])
    if not smallest:
        return None
    least = max(min(ratio for ratio, _ in smallest.values()), 1e-9)
    size = next(size for size, (ratio, _) in smallest.items() if ratio <= _AS_SMALL * least)
    if not all(_is_rare(within, size, n) for within in smallest[size][1]):
        return None
    warnings.warn(
        f"On both sides the rows sum to about zero in consecutive groups of {size}, as if they "
        "had been centred within runs. Such rows are not exchangeable, and are shuffled within "
        "these groups. Pass the groups as groups=..., or groups=numpy.zeros(n) if any row could "
        "be any other.",
        UserWarning,
        stacklevel=5,  # whoever called the test
    )
    return np.arange(n) // size


def _is_rare(within: Within, size: int, n: int) -> bool:
    """Say whether shuffled rows have sums of groups as small in at most 1 % of orders."""
    rng = np.random.default_rng(0)  # its own: the test's draws stay what they are
    orders = [np.arange(n), *(rng.permutation(n) for _ in range(_N_DRAWS))]
    value, *null = within(size, orders)
    return (1 + np.sum(np.array(null) <= value + 1e-12)) / (1 + _N_DRAWS) <= _LEVEL


def seekable(kernel: Array, ratios: dict[int, float]) -> Side:
    """Turn a kernel and its `group_sums` into what `choose_permutations` takes."""
    return partial(within_groups, kernel), ratios


def choose_permutations(
    n: int, first: Sequence[Side], second: Sequence[Side], chosen: dict[str, Any]
) -> Permutations:
    """Take the scheme that was asked for; look for centred groups where none was.

    Parameters
    ----------
    n, first, second
        Arguments of `find_centred_groups`.
    chosen : dict
        Options groups, scheme, blocks and min_lag of `permutations_of`.

    Returns
    -------
    Permutations
        The permutations to draw from.
    """
    if is_free(chosen):
        chosen = {**chosen, "groups": find_centred_groups(n, first, second)}
    return permutations_of(n, **chosen)


def is_free(chosen: dict[str, Any]) -> bool:
    """Say whether any row may change places with any other, as far as the caller said."""
    return chosen["groups"] is None and chosen["scheme"] == "rows"
