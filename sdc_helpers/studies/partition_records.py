"""What is recorded of the race of partitions: a curve a base, method and seed, in the package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sdc_helpers._files import write_json
from sdc_helpers.measures import Interval
from sdc_helpers.neighbours import RecallCurve
from sdc_helpers.studies._records import reading_record
from sdc_helpers.studies.partition_study import Kind

_RECORDED = Path(__file__).with_name("recorded_partitions.json")


@dataclass(frozen=True)
class RecordedCurve:
    """What one method found in one base with one seed.

    Attributes
    ----------
    base : str
        What was searched, of ``PARTS``; "captions" are queries to the pictures.
    kind : {"simulated", "real"}
        Of the base.
    n_bins, seed : int
        Of the part.
    method : str
        How the bins were made.
    n_base : int
        Vectors that were searched.
    n_parameters : int
        Numbers that choose a bin; 0 for a graph, which has none.
    n_empty : int
        Bins without a vector.
    seconds : float
        CPU seconds of building; of a graph with its searches.
    candidates, recall : tuple of float
        The curve, as `RecallCurve` has it, up to a little more than half of the base.
    """

    base: str
    kind: Kind
    n_bins: int
    seed: int
    method: str
    n_base: int
    n_parameters: int
    n_empty: int
    seconds: float
    candidates: tuple[float, ...]
    recall: tuple[float, ...]

    def at(self, share: float) -> float:
        """Return the recall at a share of the base; a graph's curve is level beyond its end."""
        curve = RecallCurve(np.array(self.candidates), np.array(self.recall))
        end = curve.candidates[-1]
        return float(curve.at(min(share, end) if "HNSW" in self.method else share))


class Record:
    """Recorded curves, asked by base, number of bins and method.

    Parameters
    ----------
    curves : iterable of RecordedCurve
        What was recorded.
    """

    def __init__(self, curves: Iterable[RecordedCurve]) -> None:
        self.curves = tuple(curves)

    def methods(self, base: str, n_bins: int = 16) -> tuple[str, ...]:
        """Return the names of the methods of a race, in the order in which they ran."""
        some = (c.method for c in self.curves if (c.base, c.n_bins) == (base, n_bins))
        return tuple(dict.fromkeys(some))

    def of(self, base: str, method: str, n_bins: int = 16) -> list[RecordedCurve]:
        """Return the curves of a method, one a seed."""
        wanted = base, n_bins, method
        found = [c for c in self.curves if (c.base, c.n_bins, c.method) == wanted]
        if not found:
            raise ValueError(
                f"{method!r} of {base!r} with {n_bins} bins is not recorded; expected one of "
                f"{', '.join(self.methods(base, n_bins)) or 'another base or number of bins'}."
            )
        return sorted(found, key=lambda curve: curve.seed)

    def recall(self, base: str, method: str, share: float, n_bins: int = 16) -> np.ndarray:
        """Return the recall at a share of the base as candidates, one a seed."""
        return np.array([curve.at(share) for curve in self.of(base, method, n_bins)])

    def ahead(self, base: str, first: str, second: str, share: float, n_bins: int = 16) -> Interval:
        """Return how much more the first method finds than the second, over seeds."""
        gain = self.recall(base, first, share, n_bins) - self.recall(base, second, share, n_bins)
        return Interval.over_seeds(gain)


def recorded_partitions() -> Record:
    """Return what ``sdc partition race`` found: all parts, three seeds."""
    return Record(_recorded()[0])


def partitions_provenance() -> dict[str, Any]:
    """Return when, on what and from which revision the race was recorded."""
    return dict(_recorded()[1])


def save_curves(curves: Sequence[RecordedCurve], path: str | Path, made: Mapping[str, Any]) -> None:
    """Write curves and how they were made as JSON, atomically."""
    rows = [asdict(curve) for curve in curves]
    write_json(path, {"made": dict(made), "curves": rows}, indent=None)


def load_curves(path: str | Path) -> tuple[RecordedCurve, ...]:
    """Read curves that ``save_curves`` wrote.

    Raises
    ------
    DataFormatError
        If the file holds something else.
    """
    return _read(Path(path))[0]


def to_go_on(path: str | Path, made: Mapping[str, Any]) -> tuple[list[RecordedCurve], dict]:
    """Return the curves of a file to go on with, none where it is not there, and how all are made.

    Errors are those of `load_curves`.
    """
    if not Path(path).is_file():
        return [], dict(made)
    curves, earlier = _read(Path(path))
    return list(curves), {**earlier, "continued": dict(made)}


@lru_cache(maxsize=1)
def _recorded() -> tuple[tuple[RecordedCurve, ...], dict[str, Any]]:
    return _read(_RECORDED)


def _read(path: Path) -> tuple[tuple[RecordedCurve, ...], dict[str, Any]]:
    command = "sdc partition race --out FILE"
    with reading_record(path, "record of partitions", command) as content:
        rows = [
            {**row, "candidates": tuple(row["candidates"]), "recall": tuple(row["recall"])}
            for row in content["curves"]
        ]
        return tuple(RecordedCurve(**row) for row in rows), content["made"]
