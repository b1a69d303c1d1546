"""Inner products of Gram matrices under many shuffles of the stimuli: the hot loop of `nulls`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, device, is_torch_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Array = Any  # a numpy array or a torch tensor

_ROWS_CPU = 32  # a tile of the gathered matrix stays in the second-level cache
_BATCH_BYTES = 32 * 2**20  # of gathered pairs in memory at once
_BYTES_GPU = 256 * 2**20  # a tile large enough to fill the device


def shuffled_alignments(
    K: Sequence[Array],
    L: Sequence[Array],
    permutations: Iterable[np.ndarray],
    n_permutations: int,
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Inner product of every K with every L whose rows and columns are permuted.

    One permutation serves all pairs. The matrices are symmetric, so tiles of rows are gathered
    from the diagonal rightwards only, with all matrices of the shorter list side by side in
    memory, and meet the other list in one matrix product per tile.

    Parameters
    ----------
    K, L : sequences of R and C float64 arrays of shape (n, n)
        Symmetric; all of one library and device.
    permutations : iterable of int arrays of shape (n,)
        Row i of L becomes row ``permutation[i]`` of L.
    n_permutations : int
        Number of permutations that will come.
    progress : callable, optional
        Called as ``progress(done, n_permutations)`` after each permutation.

    Returns
    -------
    numpy.ndarray of shape (n_permutations, R, C)
    """
    if len(L) > len(K):  # gather the shorter list: <K, P L P^T> = <P^T K P, L>
        swapped = shuffled_alignments(
            L, K, (np.argsort(p) for p in permutations), n_permutations, progress
        )
        return np.swapaxes(swapped, 1, 2)
    K, L = [_cheapest(k) for k in K], [_cheapest(matrix) for matrix in L]
    xp = array_namespace(*K, *L)
    moved = xp.stack(L, axis=-1)  # (n, n, C): a gathered entry is one run of C numbers
    tiles = _upper_tiles(K, _tile_rows(moved))
    out = xp.zeros((n_permutations, len(K), len(L)), dtype=xp.float64, device=device(moved))
    for done, permutation in enumerate(permutations):
        index = xp.asarray(permutation, device=device(moved))
        for start, stop, weights in tiles:
            rows = xp.take(moved, index[start:stop], axis=0)
            gathered = xp.take(rows, index[start:], axis=1)
            out[done] += weights @ xp.reshape(gathered, (-1, len(L)))
        if progress is not None:
            progress(done + 1, n_permutations)
    return np.asarray(out.cpu()) if is_torch_array(out) else out


def _cheapest(matrix: Array) -> Array:
    """View a torch tensor on the CPU as numpy, whose gathers are several times faster there."""
    if is_torch_array(matrix) and matrix.device.type == "cpu":
        return matrix.numpy()
    return matrix


def _tile_rows(moved: Array) -> int:
    n, _, n_matrices = moved.shape
    if is_torch_array(moved):
        return max(1, min(n, _BYTES_GPU // (8 * n * n_matrices)))
    return min(n, _ROWS_CPU)


def _upper_tiles(K: Sequence[Array], rows: int) -> list[tuple[int, int, Array]]:
    """Cut the upper triangle into tiles of rows: (start, stop, weights of shape (R, entries)).

    Each tile starts at its diagonal block; entries right of that block count twice, for their
    mirror images.
    """
    xp = array_namespace(*K)
    n = K[0].shape[0]
    tiles = []
    for start in range(0, n, rows):
        stop = min(start + rows, n)
        twice = xp.asarray(np.where(np.arange(start, n) < stop, 1.0, 2.0), device=device(K[0]))
        weights = xp.stack([k[start:stop, start:] * twice for k in K])
        tiles.append((start, stop, xp.reshape(weights, (len(K), -1))))
    return tiles


def product_of_pairs(
    kernels: np.ndarray, flat: np.ndarray, orders: np.ndarray, report: Callable[[int], None]
) -> np.ndarray:
    """Inner products of many kernels with a few, whose stimuli come in other orders.

    Each of the few is gathered into the order of the pairs, a batch of orders at a time, and one
    matrix product meets all of the many.

    Parameters
    ----------
    kernels : array of shape (R, n (n + 1) / 2)
        Upper triangles, the entries off the diagonal twice.
    flat : array of shape (L, n * n)
        Symmetric kernels, of the same dtype.
    orders : int array of shape (n_orders, n)
        Permutations of the stimuli.
    report : callable
        Called with the number of orders done, less one: the first is that of no shuffle.

    Returns
    -------
    float64 array of shape (n_orders, L, R)
    """
    n, n_layers = orders.shape[1], len(flat)
    first, second = np.triu_indices(n)
    batch = max(1, _BATCH_BYTES // (n_layers * len(first) * flat.itemsize))
    gathered = np.empty((min(batch, len(orders)), n_layers, len(first)), dtype=flat.dtype)
    out = np.empty((len(orders), n_layers, len(kernels)))
    for start in range(0, len(orders), batch):
        chosen = orders[start : start + batch]
        for row, order in enumerate(chosen):
            index = order[first] * n + order[second]
            for layer in range(n_layers):
                np.take(flat[layer], index, out=gathered[row, layer], mode="clip")  # no buffer
        part = gathered[: len(chosen)].reshape(-1, len(first)) @ kernels.T
        out[start : start + len(chosen)] = part.reshape(len(chosen), n_layers, -1)
        report(start + len(chosen) - 1)
    return out
