"""How often a claim held in a sweep, with the points that have no result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sdc_helpers.measures import Interval

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Shares:
    """Counts of one claim in one sweep.

    Attributes
    ----------
    n_held, n_finished, n_points : int
        Runs in which the claim held, runs that recorded it, and points of the grid.
    """

    n_held: int
    n_finished: int
    n_points: int

    @property
    def of_finished(self) -> Interval:
        """Share of the finished runs: too large where it is the hard points that fail."""
        return Interval.of_share(self.n_held, self.n_finished)

    @property
    def of_points(self) -> Interval:
        """Share of all points, of which those without a result count as not held."""
        return Interval.of_share(self.n_held, self.n_points)

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest share of all points, whatever those without a result would say."""
        lacking = self.n_points - self.n_finished
        return self.n_held / self.n_points, (self.n_held + lacking) / self.n_points


def shares_of(table: pd.DataFrame, claim: str) -> Shares:
    """Count how often a claim held, of the finished runs and of all points.

    Parameters
    ----------
    table : pandas.DataFrame
        The table of a sweep, see :func:`sdc_helpers.sweeps.collect`.
    claim : str
        Identifier of the claim.

    Returns
    -------
    Shares
    """
    of = table[table["claim"] == claim]
    return Shares(int(of["held"].sum()), len(of), int(table["point"].nunique()))
