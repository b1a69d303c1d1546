"""What is recorded of components and masks: a row a world and seed, in a file of the package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from sdc_helpers._files import write_json
from sdc_helpers.studies._records import reading_record

_RECORDED = Path(__file__).with_name("recorded_components.json")


@dataclass(frozen=True)
class ComponentOutcome:
    """What components and masks found in simulated participants.

    Attributes
    ----------
    world, seed : str, int
        Of the simulated participants.
    top_1 : dict of str to float
        Share of test trials identified, mean over participants, by kind of components.
    found : dict of str to int
        Planted shared concepts, of ten, that a component of its own is correlated with by .8.
    seeds_subspace, seeds_rows : float
        Agreement of two trainings: of what they span, and of their rows.
    n_reproduced : int
        Axes that both halves of the participants have.
    chance_draws : int
        Draws of shuffled pairs and of random rotations in which one was reproduced.
    n_draws : int
        Draws of both together.
    sparsity : float
        Lambda of the masks, with which masks of two halves of the pictures agree most.
    masks : dict of str to dict of str to float
        By kind of mask the mean over concepts and participants of auc, dice and size; for masks
        through the decoder also kept, left and random.
    localiser_own, localiser_other : float
        AUC of the gates for the region of the concept's own localiser: of its own mask, and the
        mean over other masks.
    between : float
        Probability that two people's masks of one component overlap more than of different ones.
    recovered, traps : dict of str to int
        Planted concepts and traps of "clusters", "masks" and "loadings", counted as in chapter 10.
    hidden : float
        Top-1 of a decoder with a hidden layer less that of the linear one, mean over participants.
    hidden_settings : dict
        How that came about, see ``gain_of_hidden``; the settings of both kinds are chosen on
        validation pictures.
    people : list of dict
        By reproduced component: concept (planted, shared or private; "" if none), verdict of its
        mask and of its joint loadings, and by participant r, voxels, loaded and takes_part of
        ``components_in_people``.
    between_by : dict of str to float
        `between` on wider grids, and for masks of joint loadings.
    one_person : float
        Axes of one participant's own that both halves of the pictures have, mean over people.
    """

    world: str
    seed: int
    top_1: dict[str, float]
    found: dict[str, int]
    seeds_subspace: float
    seeds_rows: float
    n_reproduced: int
    chance_draws: int
    n_draws: int
    sparsity: float
    masks: dict[str, dict[str, float]]
    localiser_own: float
    localiser_other: float
    between: float
    recovered: dict[str, int]
    traps: dict[str, int]
    hidden: float
    one_person: float
    hidden_settings: dict[str, Any] = field(default_factory=dict)
    people: list[dict[str, Any]] = field(default_factory=list)
    between_by: dict[str, float] = field(default_factory=dict)


def recorded_components() -> list[ComponentOutcome]:
    """Return what ``sdc concepts components`` found: both worlds, three seeds."""
    return list(_read(_RECORDED))


def save_components(
    outcomes: Sequence[ComponentOutcome], path: str | Path, made: Mapping[str, Any]
) -> None:
    """Write outcomes and how they were made as JSON, atomically."""
    write_json(path, {"made": dict(made), "outcomes": [asdict(one) for one in outcomes]})


def load_components(path: str | Path) -> tuple[ComponentOutcome, ...]:
    """Read outcomes that ``save_components`` wrote.

    Raises
    ------
    DataFormatError
        If the file holds something else.
    """
    return _read(Path(path))


@lru_cache(maxsize=1)
def _read(path: Path) -> tuple[ComponentOutcome, ...]:
    command = "sdc concepts components --out FILE"
    with reading_record(path, "record of components", command) as content:
        return tuple(ComponentOutcome(**row) for row in content["outcomes"])
