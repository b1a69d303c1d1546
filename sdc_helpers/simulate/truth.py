"""The truth about a simulated dataset, as it lies beside the files: written and read here.

``truth.json`` names the concepts, participants and traps; ``truth/subjXX_voxels.tsv`` has a row a
voxel of the brain mask (columns: `responses.truth_table`); ``truth/images.tsv`` has a row an image:
its factors, and the value of each concept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sdc_helpers.datasets.errors import DataFormatError

if TYPE_CHECKING:
    import pandas as pd

FILE = "truth.json"
_VOXEL_COLUMNS = ("x", "y", "z", "is_visual", "kind", "concept", "signal_var", "noise_var", "nc1")


@dataclass(frozen=True, eq=False)
class PlantedConcept:
    """A concept that was planted.

    Attributes
    ----------
    name, meaning, opposite : str
        What it is called, what raises the response and what lowers it.
    formula : str
        The meaning in columns of the factor table, before standardising.
    negation : {"below", "less"}
        Whether the opposite lowers the response below baseline or only to it.
    is_shared : bool
        Whether all participants have it; otherwise one alone, or in the hard world two or three.
    participants : tuple of str
        Names of the participants who have it.
    centres : dict of str to float array of shape (n_patches, 3)
        Centres of the patches in millimetres, for each of these participants.
    """

    name: str
    meaning: str
    opposite: str
    formula: str
    negation: Literal["below", "less"]
    is_shared: bool
    participants: tuple[str, ...]
    centres: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class ParticipantTruth:
    """What the voxels of one participant are.

    Attributes
    ----------
    name : str
        Name of the participant, such as ``"subj01"``.
    is_poor : bool
        Whether its data are poor on purpose.
    shape : tuple of int
        (X, Y, Z) of its volumes.
    affine : float array of shape (4, 4)
        Matrix from voxel indices to millimetres.
    voxels : pandas.DataFrame
        A row a voxel of the brain mask, in C order of (X, Y, Z). Columns: x, y, z, is_visual, kind,
        concept, site, gain, purity, signal_var, noise_var, drift_var, ncsnr, nc1, weight_*.
    """

    name: str
    is_poor: bool
    shape: tuple[int, int, int]
    affine: np.ndarray
    voxels: pd.DataFrame

    def mask(self, concept: str | None = None, kind: str | None = None) -> np.ndarray:
        """Choose voxels by the concept or by the kind that they were planted as, or both.

        Parameters
        ----------
        concept : str, optional
            Name of a concept that this participant has.
        kind : str, optional
            Kind of voxel, such as "shared", "private", "mixture", "drift", "unexplained", "noise".

        Returns
        -------
        bool array of shape (X, Y, Z)
            Voxels planted so; with neither argument, the brain mask.

        Raises
        ------
        ValueError
            If no voxel was planted in this way.
        """
        keep = np.ones(len(self.voxels), dtype=bool)
        for column, value in (("concept", concept), ("kind", kind)):
            if value is not None:
                known = sorted(set(self.voxels[column]) - {""})
                if value not in known:
                    raise ValueError(
                        f"{column}={value!r}: {self.name} has no such voxel, only {known}."
                    )
                keep &= (self.voxels[column] == value).to_numpy()
        return self._fill(keep, False)

    def volume(self, column: str) -> np.ndarray:
        """Put a column of numbers of `voxels` into the grid.

        Parameters
        ----------
        column : str
            Name of a column of the table, such as "nc1".

        Returns
        -------
        float array of shape (X, Y, Z)
            NaN outside the brain mask.

        Raises
        ------
        ValueError
            If there is no such column of numbers.
        """
        numbers = list(self.voxels.select_dtypes("number"))
        if column not in numbers:
            raise ValueError(f"column={column!r} is unknown; expected one of {numbers}.")
        return self._fill(self.voxels[column].to_numpy(dtype=float), np.nan)

    def _fill(self, values: np.ndarray, outside: float) -> np.ndarray:
        grid = np.full(self.shape, outside, dtype=values.dtype)
        grid[tuple(self.voxels[["x", "y", "z"]].to_numpy().T)] = values
        return grid


@dataclass(frozen=True, eq=False)
class Truth:
    """Everything that was planted in a simulated dataset.

    Attributes
    ----------
    seed : int
        Seed of the generator.
    generator_version : str
        Hash of its source and sizes.
    world : {"easy", "hard"}
        How hard it is to find what is planted, see ``sdc_helpers.simulate.WORLDS``.
    concepts : dict of str to PlantedConcept
        The shared first.
    participants : dict of str to ParticipantTruth
        Truth of each participant, by name.
    kinds : dict of str to str
        What each kind of voxel is; all but "shared" are traps.
    images : pandas.DataFrame
        A row an image by its 1-based 73KID: the factors of the picture, and ``concept_<name>``,
        the value of each concept in standard deviations, 0 at baseline.
    sizes : dict of str to float
        Sizes of the profile.
    """

    seed: int
    generator_version: str
    world: str
    concepts: Mapping[str, PlantedConcept]
    participants: Mapping[str, ParticipantTruth]
    kinds: Mapping[str, str]
    images: pd.DataFrame
    sizes: Mapping[str, float]

    @property
    def shared(self) -> tuple[str, ...]:
        """Names of the concepts that all participants have."""
        return tuple(name for name, concept in self.concepts.items() if concept.is_shared)


def voxel_file(root: Path, participant: str) -> Path:
    """Path of the truth table of a participant."""
    return root / "truth" / f"{participant}_voxels.tsv"


def image_file(root: Path) -> Path:
    """Path of the truth table of the images."""
    return root / "truth" / "images.tsv"


def load_truth(root: str | Path) -> Truth:
    """Load what was planted in a simulated dataset.

    Parameters
    ----------
    root : path-like
        Folder that `write_nsd` wrote.

    Returns
    -------
    Truth

    Raises
    ------
    DataFormatError
        If a file of the truth is missing or not what it should be, as in a real dataset.
    """
    root = Path(root)
    content = _read_json(root / FILE)
    try:
        concepts = {entry["name"]: _concept(entry) for entry in content["concepts"]}
        participants = {
            entry["name"]: ParticipantTruth(
                entry["name"],
                entry["is_poor"],
                tuple(entry["shape"]),
                np.array(entry["affine"], dtype=float),
                _read_table(voxel_file(root, entry["name"]), _VOXEL_COLUMNS),
            )
            for entry in content["participants"]
        }
        images = _read_table(image_file(root), ("73KID",)).set_index("73KID")
        return Truth(
            content["seed"],
            content["generator_version"],
            content["world"],
            concepts,
            participants,
            content["kinds"],
            images,
            content["sizes"],
        )
    except (KeyError, TypeError) as error:
        raise DataFormatError(
            f"{root / FILE} is not the truth of a simulated dataset ({type(error).__name__}: "
            f"{error}). Simulate it again."
        ) from error


def _concept(entry: dict[str, Any]) -> PlantedConcept:
    centres = {name: np.array(mm, dtype=float) for name, mm in entry["centres"].items()}
    fields = ("name", "meaning", "opposite", "formula", "negation", "is_shared")
    return PlantedConcept(*(entry[field] for field in fields), tuple(centres), centres)


def _read_json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise DataFormatError(
            f"{file} is not there: the truth is known of simulated datasets only. Make one with "
            "write_nsd."
        )
    try:
        content = json.loads(file.read_bytes())
    except ValueError as error:
        raise DataFormatError(f"{file} is not JSON ({error}). Simulate it again.") from error
    if not isinstance(content, dict):
        raise DataFormatError(f"{file} holds a {type(content).__name__}, expected an object.")
    return content


def _read_table(file: Path, needed: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    if not file.is_file():
        raise DataFormatError(
            f"{file} is not there; expected a table of the truth. Simulate it again."
        )
    try:
        table = pd.read_csv(file, sep="\t", keep_default_na=False)
    except (ValueError, OSError) as error:
        raise DataFormatError(f"{file} cannot be read as a table ({error}).") from error
    missing = [column for column in needed if column not in table]
    if missing:
        raise DataFormatError(f"{file} lacks the column {missing[0]!r}; it has {list(table)[:12]}.")
    return table
