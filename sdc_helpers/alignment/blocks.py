"""The null distribution of a whole study's table of CKA, a block of shuffles at a time.

With R brain areas (of all participants), C layers and unit kernels, one shuffle of the stimuli
permutes each layer's kernel once, and one matrix product meets all areas. Only pairs of stimuli
i <= j are kept: the kernels are symmetric.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.alignment._shuffles import product_of_pairs
from sdc_helpers.alignment.grams import check_gram, check_rows
from sdc_helpers.alignment.kernels import check_estimator, unit_kernel

if TYPE_CHECKING:
    Array = Any


class TableBlocks:
    """Kernels of areas and layers, made once, and their CKA in any orders of the stimuli.

    Memory: 8 bytes for each of R n (n + 1) / 2 + C n^2 entries, and one permuted copy of the
    layers' pairs. Blocks of orders can be computed in any process: none depends on another.

    Parameters
    ----------
    layers : mapping of str to array of shape (n, n)
        C Gram matrices of the same n >= 4 stimuli, asked for one at a time. The stimuli of this
        side are shuffled.
    areas : mapping of str to array of shape (n, n)
        R Gram matrices of these stimuli, in the same order, of all participants.
    estimator : {"debiased", "biased", "rv2"}
        Which estimator of CKA to use; `sdc_helpers.alignment.cka` describes each.

    Attributes
    ----------
    layers, areas : tuple of str
        Names of both sides.
    n : int
        Number of stimuli.

    Raises
    ------
    ValueError
        If a side is no mapping or empty, matrices differ in shape or are no Gram matrices, or the
        estimator is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.alignment import TableBlocks, gram
    >>> layer, area = np.random.default_rng(0).normal(size=(2, 20, 5))
    >>> blocks = TableBlocks({"conv1": gram(layer)}, {"V1": gram(area), "self": gram(layer)})
    >>> blocks.cka([np.arange(20)]).shape
    (1, 1, 2)
    >>> round(float(blocks.cka([np.arange(20)])[0, 0, 1]), 6)
    1.0
    """

    def __init__(
        self,
        layers: Mapping[str, Array],
        areas: Mapping[str, Array],
        estimator: str = "debiased",
    ) -> None:
        check_estimator(estimator)
        for name, side in (("layers", layers), ("areas", areas)):
            if not isinstance(side, Mapping) or not side:
                raise ValueError(f"{name} must be a mapping of names to Gram matrices, not empty.")
        self.layers, self.areas = tuple(layers), tuple(areas)
        self._moved = np.empty((0, 0))
        for row, name in enumerate(self.layers):
            kernel = _unit(layers, name, "layer", estimator)
            if row == 0:
                self.n = len(kernel)
                self._moved = np.empty((len(layers), self.n**2))
            self._moved[row] = self._checked(kernel, name).ravel()
        pairs = np.triu_indices(self.n)
        upper = np.ravel_multi_index(pairs, (self.n, self.n))
        twice = np.where(pairs[0] == pairs[1], 1.0, 2.0)
        self._kept = np.empty((len(areas), len(upper)))
        for row, name in enumerate(self.areas):
            kernel = self._checked(_unit(areas, name, "area", estimator), name)
            self._kept[row] = kernel.ravel()[upper] * twice

    def cka(self, orders: np.ndarray) -> np.ndarray:
        """Return the CKA of every layer with every area, in given orders of the layers' stimuli.

        Parameters
        ----------
        orders : int array of shape (n_orders, n)
            Permutations, such as those of `sdc_helpers.permutations.permutations_of`.

        Returns
        -------
        float array of shape (n_orders, C, R)

        Raises
        ------
        ValueError
            If an order is no permutation of n stimuli.
        """
        orders = as_array("orders", orders, int)
        if orders.ndim != 2 or (np.sort(orders, axis=1) != np.arange(self.n)).any():
            raise ValueError(f"orders must be permutations of {self.n} stimuli, one a row.")
        return product_of_pairs(self._kept, self._moved, orders, lambda done: None)

    def _checked(self, kernel: np.ndarray, name: str) -> np.ndarray:
        if len(kernel) != self.n:
            check_rows(**{self.layers[0]: self._moved[0].reshape(self.n, -1), name: kernel})
        return kernel


def _unit(side: Mapping[str, Array], name: str, kind: str, estimator: str) -> np.ndarray:
    label = f"{kind} {name!r}"
    return unit_kernel(check_gram(as_array(label, side[name]), label), estimator, label)
