"""Simulated THINGS participants whose areas read known modules of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers import alignment
from sdc_helpers._checks import as_array
from sdc_helpers.datasets.things import THINGSfMRI
from sdc_helpers.embeddings.network_layers import iter_layer_activations, load_resnet18
from sdc_helpers.scenes import generate_scenes, render
from sdc_helpers.simulate.things import things_images, write_things

if TYPE_CHECKING:
    from collections.abc import Callable

MODULES = ("maxpool", "layer1.1.conv2", "layer2.1.conv2", "layer3.1.conv2", "layer4.1.conv2", "fc")


@dataclass(frozen=True, eq=False)
class ThingsStudy:
    """Participants who saw the same pictures, and a network that saw them too.

    Attributes
    ----------
    participants : tuple of str
        Who there is.
    image_names : sequence of str
        The pictures, in the order of the rows.
    module_grams : dict of str to array of shape (n_pictures, n_pictures)
        Centred Gram matrix of each module's activations.
    responses : dict of str to dict of str to (responses, positions)
        By participant and area.
    """

    participants: tuple[str, ...]
    image_names: Sequence[str]
    module_grams: dict[str, np.ndarray]
    responses: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]

    def of(
        self, participant: str, areas: Sequence[str]
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Return a participant's responses, and the modules' Gram matrices of the same pictures.

        Parameters
        ----------
        participant : str
            Who.
        areas : sequence of str
            Areas, in the order of the answer.

        Returns
        -------
        responses : dict of str to array of shape (n_kept, n_voxels)
        module_grams : dict of str to array of shape (n_kept, n_kept)
        """
        own = self.responses[participant]
        kept = own[areas[0]][1]
        grams = {name: K[np.ix_(kept, kept)] for name, K in self.module_grams.items()}
        return {area: own[area][0] for area in areas}, grams

    def count_planted(self, tables: Sequence[np.ndarray], planted: Mapping[str, str]) -> list[int]:
        """Count the areas whose highest value is that of the module they read.

        Parameters
        ----------
        tables : sequence of arrays of shape (n_areas, n_modules)
            A table a participant; the planted areas come first, in the order of `planted`.
        planted : mapping of str to str
            Module of each area.

        Returns
        -------
        list of int
            A count for each table.
        """
        modules = list(self.module_grams)
        return [
            sum(modules[values[i].argmax()] == m for i, m in enumerate(planted.values()))
            for values in map(np.asarray, tables)
        ]


def simulate_things(
    planted: Mapping[str, str],
    n_pictures: int,
    *,
    n_participants: int,
    seed: int,
    device: str = "cpu",
    noise_ceiling: float = 5.0,
) -> ThingsStudy:
    """Simulate participants in the table form of THINGS-fMRI, and read them with its reader.

    Parameters
    ----------
    planted : mapping of str to str
        Module of `MODULES` that each area reads; the other areas read nothing.
    n_pictures : int
        Number of pictures in training sessions; ten more are test pictures.
    n_participants : int
        Number of participants.
    seed : int
        Of pictures and participants. The network's weights are random, of seed 0.
    device : str
        Where the network runs.
    noise_ceiling : float
        Signal of voxels that read, in percent of single-trial variance.

    Returns
    -------
    ThingsStudy
    """
    names = things_images(n_concepts=n_pictures // 2, n_sessions=2, n_test=10)
    grams = scene_grams(len(names), seed=seed, device=device)
    areas = (*planted, "lPPA", "rPPA")
    with TemporaryDirectory() as folder:
        tree = write_things(
            Path(folder) / "things",
            images=names,
            roi_features={area: same_geometry(grams[m]) for area, m in planted.items()},
            feature_names=planted,
            noise_ceiling=noise_ceiling,
            n_participants=n_participants,
            seed=seed,
        )
        things = THINGSfMRI(tree)
        responses = {
            who: {area: _aligned(things, who, area, names) for area in areas}
            for who in things.participants
        }
    return ThingsStudy(tuple(responses), names, grams, responses)


def scene_grams(
    n_pictures: int, *, seed: int, device: str = "cpu", modules: Sequence[str] = MODULES
) -> dict[str, np.ndarray]:
    """Show scenes to a ResNet18 of random weights, and compare its answers to each two.

    Parameters
    ----------
    n_pictures : int
        Number of scenes.
    seed : int
        Of the scenes. The network's weights are random, of seed 0.
    device : str
        Where the network runs.
    modules : sequence of str
        Modules of the network.

    Returns
    -------
    dict of str to array of shape (n_pictures, n_pictures)
        Centred Gram matrix of each module's activations.
    """
    pictures = render(generate_scenes(n_pictures, seed=seed), size=224)
    network = load_resnet18("random", seed=0, device=device)
    activations = iter_layer_activations(network, pictures, layers=tuple(modules), device=device)
    return {name: as_numpy(alignment.gram(a, centre=True)) for name, a in activations}


def same_geometry(K: np.ndarray) -> np.ndarray:
    """Return features whose Gram matrix is K.

    Parameters
    ----------
    K : array of shape (n, n)
        A Gram matrix, symmetric; eigenvalues below zero are rounding.

    Returns
    -------
    array of shape (n, n)
    """
    eigenvalues, eigenvectors = np.linalg.eigh(as_array("K", K, float))
    return eigenvectors * np.sqrt(np.maximum(eigenvalues, 0))


def as_numpy(K: object) -> np.ndarray:
    """Return a Gram matrix as a numpy array, wherever it was computed."""
    move: Callable[[], object] | None = getattr(K, "cpu", None)
    return np.asarray(move() if move is not None else K)


def _aligned(
    things: THINGSfMRI, who: str, area: str, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    answer = things.responses(who, area).align(names)
    return np.asarray(answer.responses), np.asarray(answer.positions)
