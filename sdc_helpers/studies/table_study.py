"""A whole study's table of CKA, all layers with all areas of all participants, that can be killed.

Gram matrices and blocks of shuffles are files that appear whole or not at all; whatever is there
is not computed again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers._files import atomic_path
from sdc_helpers.alignment import CKATable, TableBlocks, gram
from sdc_helpers.alignment.tables import table_of_null
from sdc_helpers.permutations import permutations_of

if TYPE_CHECKING:
    Progress = Callable[[int, int], None]


def study_table(
    layers: Mapping[str, np.ndarray],
    areas: Mapping[str, np.ndarray],
    folder: str | Path,
    *,
    n_permutations: int = 1000,
    seed: int = 0,
    estimator: str = "debiased",
    groups: np.ndarray | None = None,
    block: int = 50,
    progress: Progress | None = None,
) -> CKATable:
    """Test every layer against every area of every participant, and keep what is done.

    Parameters
    ----------
    layers : mapping of str to array of shape (n, n_units)
        Features of n >= 4 stimuli. One that is loaded when it is asked for never meets another,
        and is not asked for where its Gram matrix is in the folder.
    areas : mapping of str to array of shape (n, n_voxels)
        Responses to the same stimuli in the same order, under names such as "S1 V1".
    folder : str or pathlib.Path
        Where Gram matrices (one file each) and blocks of shuffles are kept. They are known by
        their names: other data need another folder.
    n_permutations, seed : int
        Number of shuffles that all pairs share, and their seed.
    estimator : {"debiased", "biased", "rv2"}
        Which estimator of CKA to use, see `sdc_helpers.alignment.cka`.
    groups : array of shape (n,), optional
        Label of each stimulus' run or session: stimuli change places within it only. Needed where
        both sides were centred within groups: unlike in `permutation_test`, it is not looked for.
    block : int
        Shuffles of a file: what a kill can lose.
    progress : callable, optional
        Called as ``progress(done, n_permutations)`` after each block.

    Returns
    -------
    CKATable
        Rows are layers, columns are areas; the same whether or not it was interrupted.

    Raises
    ------
    ValueError
        In the cases that `sdc_helpers.alignment.TableBlocks` lists, if a count is not positive,
        or a file of the folder cannot be read.

    See Also
    --------
    sdc_helpers.alignment.cka_table : The same for a few pairs, in memory.
    """
    check_count("n_permutations", n_permutations, 1)
    check_count("block", block, 1)
    folder = Path(folder)
    sides = [_Grams(layers, folder, "layer"), _Grams(areas, folder, "area")]
    blocks = TableBlocks(sides[0], sides[1], estimator)
    drawn_from = permutations_of(blocks.n, groups=groups)
    orders = np.stack([*drawn_from.draw(n_permutations, check_count("seed", seed))])
    made = folder / f"null-{_key(sides, orders, estimator)}"
    null = np.empty((n_permutations, len(blocks.layers), len(blocks.areas)))
    for start in range(0, n_permutations, block):
        stop = min(start + block, n_permutations)
        path = made / f"{start:06d}-{stop:06d}.npy"
        if not path.exists():
            _save(path, blocks.cka(orders[start:stop]))
        null[start:stop] = _load(path, null[start:stop].shape)
        if progress is not None:
            progress(stop, n_permutations)
    values = blocks.cka(np.arange(blocks.n)[None])[0]
    return table_of_null(blocks.layers, blocks.areas, values, null, estimator, drawn_from.name)


class _Grams(Mapping):
    """Centred Gram matrices of features, each made once and then read from its file."""

    def __init__(self, features: Mapping[str, np.ndarray], folder: Path, kind: str) -> None:
        if not isinstance(features, Mapping):
            raise ValueError(f"{kind}s must be a mapping of names to arrays.")
        self._features, self._folder, self._kind = features, folder, kind
        self.digests: dict[str, str] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        readable = re.sub(r"[^A-Za-z0-9]+", "-", name)[:40]
        known = hashlib.sha256(name.encode()).hexdigest()[:12]
        path = self._folder / f"gram-{self._kind}-{readable}-{known}.npy"
        if not path.exists():
            label = f"{self._kind} {name!r}"
            _save(path, gram(as_array(label, self._features[name]), centre=True, name=label))
        K = _load(path)
        self.digests[name] = hashlib.sha256(K.tobytes()).hexdigest()
        return K

    def __iter__(self) -> Iterator[str]:
        return iter(self._features)

    def __len__(self) -> int:
        return len(self._features)


def _key(sides: list[_Grams], orders: np.ndarray, estimator: str) -> str:
    """Name what a block of shuffles follows from: Gram matrices, orders, estimator."""
    text = hashlib.sha256(orders.astype("<i8").tobytes())
    text.update(repr([estimator, *(list(side.digests.items()) for side in sides)]).encode())
    return text.hexdigest()[:16]


def _save(path: Path, array: np.ndarray) -> None:
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def _load(path: Path, shape: tuple[int, ...] | None = None) -> np.ndarray:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path} cannot be read ({error}); remove it, it is made anew.") from error
    if shape is not None and array.shape != shape:
        raise ValueError(f"{path} has shape {array.shape}, expected {shape}; remove it.")
    return array
