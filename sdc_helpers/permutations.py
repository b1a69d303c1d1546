"""Which rows may change places when nothing is there: every shuffle of the package is drawn here.

A permutation test is a test only if the rows that it exchanges are *exchangeable*: without a
relation, any order of them is as likely as the one that was measured. Rows that were centred or
scaled together, measured one after the other, or measured on the same thing are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sdc_helpers._checks import check_count

Scheme = Literal["rows", "blocks", "circular"]
Rng = np.random.Generator | int | None
SCHEMES = ("rows", "blocks", "circular")


@dataclass(frozen=True, eq=False)
class Permutations:
    """A scheme of permutations of n rows, from `permutations_of`.

    Attributes
    ----------
    n : int
        Number of rows.
    name : str
        Description of what is exchanged, such as "rows within 12 groups": the `scheme` of a
        `NullTest`.
    members : tuple of int arrays of shape (n_units, size)
        Units that are exchanged with each other, as the row numbers of each: one array a group
        and, for blocks, a size.
    scheme : {"rows", "blocks", "circular"}
        Whether the units are exchanged freely ("rows", "blocks") or shifted in order.
    min_lag : int
        Smallest circular shift, apart from none, in rows.
    """

    n: int
    name: str
    members: tuple[np.ndarray, ...]
    scheme: str
    min_lag: int = 1

    def draw(self, n_draws: int, rng: Rng = None) -> Iterator[np.ndarray]:
        """Draw permutations, the unchanged order among them with its own probability.

        Parameters
        ----------
        n_draws : int
            Number of permutations.
        rng : numpy.random.Generator or int, optional
            Source of the draws, or its seed. Each permutation draws once for each group, in the
            order of the groups' labels (for "blocks", of the groups' labels and the blocks' sizes).

        Yields
        ------
        int array of shape (n,)
            Row i of the permuted data is row ``permutation[i]`` of the data.
        """
        rng = np.random.default_rng(rng)
        for _ in range(n_draws):
            yield self._one(rng)

    def _one(self, rng: np.random.Generator) -> np.ndarray:
        order = np.arange(self.n)
        for units in self.members:  # (n_units, rows of a unit)
            if self.scheme == "circular":
                rows = units[:, 0]
                order[rows] = np.roll(rows, self._shift(len(rows), rng))
            else:
                order[units] = units[rng.permutation(len(units))]
        return order

    def _shift(self, length: int, rng: np.random.Generator) -> int:
        # 0 is one of the allowed shifts: a value above all others has p = 1 / their number.
        number = rng.integers(length - 2 * self.min_lag + 2)
        return int(number and number + self.min_lag - 1)


def permutations_of(
    n: int,
    scheme: Scheme = "rows",
    *,
    groups: np.ndarray | None = None,
    blocks: int | np.ndarray | None = None,
    min_lag: int | None = None,
) -> Permutations:
    """Say which permutations of n rows a test draws from.

    Parameters
    ----------
    n : int
        Number of rows.
    scheme : {"rows", "blocks", "circular"}
        - "rows": any row with any other. For rows that are exchangeable as they are.
        - "blocks": blocks of rows keep together and change places with blocks of as many rows.
          For repetitions of one stimulus, or stretches of a time series with rows left out
          between them, as many as it is correlated over; without such gaps the test errs too
          often, however many blocks there are (`sdc_helpers.studies.type_one` has the figures).
        - "circular": all rows move on by one random shift, and the last come first. For time
          series: it keeps the correlation of rows in time.
    groups : array of shape (n,), optional
        Labels of any kind: rows stay within their group (a run, a session, a participant). For
        rows that were centred or scaled within groups, or whose groups differ.
    blocks : int or array of shape (n,), optional
        Option of "blocks": the number of rows of a block (consecutive ones, counted anew in each
        group; an incomplete last one stays where it is), or the label of each row's block.
    min_lag : int, optional
        Option of "circular": the smallest shift, in rows; 1 by default. Shifts go from `min_lag` to
        the number of rows less `min_lag`; no shift at all is drawn as well. With 1 the test is
        exact but for the seam of the ends. More, up to the number of rows over which the series is
        correlated, keeps a relation with a delay out of its own null; the test then errs a little
        more often, in 7.5 instead of 5 % for a twelfth of the rows and 5.7 % for a fiftieth.

    Returns
    -------
    Permutations
        The permutations to draw from.

    Raises
    ------
    ValueError
        If an argument does not belong to the scheme or does not fit n, or nothing can move.

    See Also
    --------
    sdc_helpers.alignment.permutation_test : A test that draws from these permutations.

    Examples
    --------
    Six trials of two runs: trials change places within their run only.

    >>> from sdc_helpers.permutations import permutations_of
    >>> permutations = permutations_of(6, groups=["a", "a", "a", "b", "b", "b"])
    >>> permutations.name
    'rows within 2 groups'
    >>> order = next(permutations.draw(1, rng=0))
    >>> sorted(order[:3].tolist()), sorted(order[3:].tolist())
    ([0, 1, 2], [3, 4, 5])
    """
    if scheme not in SCHEMES:
        raise ValueError(f"scheme={scheme!r} is unknown; expected one of {', '.join(SCHEMES)}.")
    if (blocks is not None) != (scheme == "blocks"):
        raise ValueError(
            f"blocks={_brief(blocks)} with scheme={scheme!r}: scheme='blocks' needs them, as a "
            "number of rows or a label a row, and no other scheme takes them."
        )
    if min_lag is not None and scheme != "circular":
        raise ValueError(f"min_lag={min_lag!r} belongs to scheme='circular', not to {scheme!r}.")
    labels = np.zeros(n, dtype=int) if groups is None else _labels("groups", groups, n)
    if np.ndim(blocks):
        blocks = _labels("blocks", blocks, n)
    parts = [np.flatnonzero(labels == g) for g in range(labels.max(initial=0) + 1)]
    name = {"rows": "rows", "blocks": "blocks of rows", "circular": "circular shift"}[scheme]
    lag = 1
    if scheme == "circular":
        lag = check_count("min_lag", 1 if min_lag is None else min_lag, 1)
        shortest = min(map(len, parts))
        if 2 * lag > shortest:
            raise ValueError(
                f"min_lag={lag} leaves no shift of {shortest} rows; expected at most half of them."
            )
    members = [units for rows in parts for units in _units(rows, blocks)]
    if all(len(units) < 2 for units in members):
        raise ValueError(
            f"No row can move: {len(parts)} groups of {n} rows hold no two {name} of one size that "
            "could change places. Take larger groups or smaller blocks."
        )
    if len(parts) > 1:
        name += f" within {len(parts)} groups"
    return Permutations(n, name, tuple(members), scheme, lag)


def _units(rows: np.ndarray, blocks: int | np.ndarray | None) -> list[np.ndarray]:
    """Sort the rows of a group into units of one size each: arrays of (n_units, size)."""
    if blocks is None:
        return [rows[:, None]]
    if np.ndim(blocks) == 0:
        size = check_count("blocks", blocks, 1)
        whole = len(rows) // size
        return [rows[: whole * size].reshape(whole, size)] if whole else []
    labels = blocks[rows]
    units = [rows[labels == label] for label in dict.fromkeys(labels.tolist())]
    sizes = sorted({len(unit) for unit in units})
    return [np.stack([unit for unit in units if len(unit) == size]) for size in sizes]


def _labels(name: str, labels: np.ndarray, n: int) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.shape != (n,):
        raise ValueError(f"{name} has shape {labels.shape}; expected one label a row, ({n},).")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError(f"{name} holds a label that is not finite; give every row a label.")
    return np.unique(labels, return_inverse=True)[1]


def _brief(value: object) -> str:
    if value is None or np.ndim(value) == 0:
        return repr(value)
    return f"an array of {np.size(value)}"
