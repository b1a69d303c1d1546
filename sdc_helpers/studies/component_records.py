"""What is recorded of components and masks: a row a world and seed, in a file of the package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sdc_helpers._files import write_json
from sdc_helpers.measures import Interval
from sdc_helpers.studies._records import reading_record

_RECORDED = Path(__file__).with_name("recorded_components.json")

_WAYS = {
    "clusters": "clusters of weights (chapter 10)",
    "loadings": "axes and joint loadings",
    "masks": "axes and masks",
}


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
    n_shared : int
        Reproduced axes that at least four participants have: those that are masked.
    not_counted : dict
        All reproduced axes masked, whoever has them: recovered, traps and between; and "people",
        by axis concept (planted, shared or private; "" if none), verdict of its mask, r by
        participant, read_in and same_place (numbers of participants, see ``component_people``).
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
    hidden_settings: dict[str, Any]
    n_shared: int
    not_counted: dict[str, Any]


def recorded_components() -> list[ComponentOutcome]:
    """Return what ``sdc concepts components`` found: both worlds, three seeds."""
    return list(_read(_RECORDED))


def headline_intervals(outcomes: Sequence[ComponentOutcome]) -> dict[str, Interval]:
    """Return what the chapter claims of recorded outcomes, by the claim's identifier.

    Parameters
    ----------
    outcomes : sequence of ComponentOutcome
        Of the easy and of the hard world, several seeds of each.

    Returns
    -------
    dict of str to Interval
        Over seeds of the easy world, but for "components.axes.hard" (the hard world) and
        "components.halves.chance" (all draws of both).
    """
    easy, hard = ([one for one in outcomes if one.world == world] for world in ("easy", "hard"))

    def over(get: Callable[[ComponentOutcome], float], some: Sequence = easy) -> Interval:
        return Interval.over_seeds(np.array([get(one) for one in some], dtype=float))

    def gain(name: str) -> Interval:
        return over(lambda o: o.top_1["contrastive"] - o.top_1[f"PCA of {name}"])

    best = "remove, noise"
    by_chance = Interval.of_share(
        sum(one.chance_draws for one in outcomes), sum(one.n_draws for one in outcomes)
    )
    return {
        "components.rows.found": over(lambda o: o.found["contrastive"] / 10),
        "components.axes.found": over(lambda o: o.found["cortex axes"] / 10),
        "components.axes.hard": over(lambda o: o.found["cortex axes"] / 10, hard),
        "components.gain.true": gain("true"),
        "components.gain.decoded": gain("decoded"),
        "components.seeds.subspace": over(lambda o: o.seeds_subspace),
        "components.seeds.rows": over(lambda o: o.seeds_rows),
        "components.halves.reproduced": over(lambda o: o.n_reproduced / 10),
        "components.halves.chance": by_chance,
        "components.hidden.gain": over(lambda o: o.hidden),
        "components.one.reliable": over(lambda o: o.one_person / 10),
        "masks.published.dice": over(lambda o: o.masks["published"]["dice"]),
        "masks.remove.dice": over(lambda o: o.masks[best]["dice"]),
        "masks.remove.auc": over(lambda o: o.masks[best]["auc"]),
        "masks.remove.kept": over(lambda o: o.masks[best]["kept"]),
        "masks.remove.left": over(lambda o: o.masks[best]["left"]),
        "masks.map.dice": over(lambda o: o.masks["loadings"]["dice"] - o.masks[best]["dice"]),
        "masks.localiser.own": over(lambda o: o.localiser_own),
        "masks.localiser.other": over(lambda o: o.localiser_other),
        "masks.between.places": over(lambda o: o.between),
        "components.recovered.masks": over(lambda o: o.recovered["masks"] / 10),
        "components.recovered.map": over(lambda o: o.recovered["loadings"] / 10),
    }


def hidden_rows(outcomes: Sequence[ComponentOutcome]) -> list[list[Any]]:
    """Return a row an outcome: what either kind of decoder chose, and what the hidden layer gave.

    Parameters
    ----------
    outcomes : sequence of ComponentOutcome
        Of some worlds and seeds.

    Returns
    -------
    list of list
        World, seed, settings of the decoder with a hidden layer, settings of the linear one, and
        the difference in top-1 of the test pictures, over participants.
    """
    rows: list[list[Any]] = []
    for one in outcomes:
        chosen = [_settings(one.hidden_settings[kind]) for kind in ("hidden", "linear")]
        gain = Interval.over_seeds(np.array(one.hidden_settings["gains"]))
        rows.append([one.world, str(one.seed), *chosen, gain])
    return rows


def way_rows(outcomes: Sequence[ComponentOutcome]) -> list[list[str]]:
    """Return a row a world and way: planted concepts recovered, and traps, a number a seed.

    Parameters
    ----------
    outcomes : sequence of ComponentOutcome
        Of some worlds and seeds.

    Returns
    -------
    list of list of str
        World, way, concepts recovered and traps.
    """
    rows = []
    for world in dict.fromkeys(one.world for one in outcomes):
        some = [one for one in outcomes if one.world == world]
        counts = {
            text: [[getattr(one, what)[way] for one in some] for what in ("recovered", "traps")]
            for way, text in _WAYS.items()
        }
        counts["axes and masks, people not counted"] = [
            [one.not_counted[what] for one in some] for what in ("recovered", "traps")
        ]
        for text, both in counts.items():
            rows.append([world, text, *(", ".join(map(str, own)) for own in both)])
    return rows


def _settings(chosen: Mapping[str, Any]) -> str:
    units = f"{chosen['hidden']} units, " if chosen["hidden"] else ""
    return f"{units}noise {chosen['input_noise']:g}, {chosen['n_steps']} steps"


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
