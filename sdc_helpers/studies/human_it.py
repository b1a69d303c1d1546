"""Human inferior temporal cortex and 92 objects (Kriegeskorte et al., 2008): what may be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sdc_helpers import alignment
from sdc_helpers.alignment.kernels import double_centre, u_centre
from sdc_helpers.embeddings.network_layers import iter_layer_activations, load_resnet18
from sdc_helpers.measures import Interval


@dataclass(frozen=True)
class Ends:
    """The widest and the narrowest module of ResNet18, conv1 and fc, against human IT.

    Attributes
    ----------
    biased_order : Interval
        Biased CKA of conv1 less that of fc.
    debiased_order : Interval
        Debiased CKA of fc less that of conv1.
    shuffled_biased : Interval
        Mean of conv1's shuffles over its value, biased CKA.
    varied : str
        What the jackknife leaves out, in words.
    """

    biased_order: Interval
    debiased_order: Interval
    shuffled_biased: Interval
    varied: str


class HumanIT:
    """Dissimilarities of human IT, read from the registered files."""

    def __init__(self) -> None:
        from sdc_helpers.datasets import load_objects92

        self.objects = load_objects92()
        self._n_people, self._n_sessions = self.objects.it_rdms.shape[:2]
        self._person = np.repeat(np.arange(self._n_people), self._n_sessions)
        self._others = self._person[:, None] != self._person

    def reliability(self) -> Any:
        """Return the table of debiased CKA between all sessions of all participants."""
        return self._reliability

    @property
    def within_and_between(self) -> tuple[float, float]:
        """Mean debiased CKA of sessions of one participant, and of different participants."""
        values = self._reliability.values
        same = ~self._others & ~np.eye(len(values), dtype=bool)
        return float(values[same].mean()), float(values[self._others].mean())

    def ceiling(self) -> float:
        """Return debiased CKA of one participant with the mean of the others, mean over people."""
        rdms = self.objects.it_rdms
        return float(np.mean([
            alignment.cka_from_grams(
                alignment.gram_from_rdm(rdms[i].mean(0)),
                alignment.gram_from_rdm(np.delete(rdms, i, axis=0).mean((0, 1))),
            )
            for i in range(self._n_people)
        ]))  # fmt: skip

    def between_participants(self) -> Interval:
        """Return debiased CKA between participants, jackknife over participants and pictures."""
        values = self._reliability.values
        less_a_person = [
            values[self._others & (self._person != i) & (self._person != i)[:, None]].mean()
            for i in range(self._n_people)
        ]
        rdms = self.objects.it_rdms.reshape(-1, *self.objects.it_rdms.shape[2:])
        less_a_picture = [self._mean_between(rdms, rows) for rows in self._pictures_but_one]
        return Interval.jackknife(values[self._others].mean(), less_a_person, less_a_picture)

    def network_grams(
        self, weights: str, number: int, layers: Sequence[str], *, device: str
    ) -> dict[str, Any]:
        """Return the centred Gram matrix of each module for the 92 pictures.

        Parameters
        ----------
        weights : str
            "random", "imagenet" or a file, see `load_resnet18`.
        number : int
            Seed of random weights.
        layers : sequence of str
            Modules of ResNet18.
        device : str
            Where the network runs.
        """
        network = load_resnet18(weights, seed=number, device=device)
        activations = iter_layer_activations(
            network, self.objects.images, layers=layers, device=device
        )
        return {name: alignment.gram(a, centre=True) for name, a in activations}

    def test(self, grams: dict[str, Any], estimator: str, n_permutations: int, seed: int) -> Any:
        """Test modules against the mean human IT by shuffles of the pictures.

        Parameters
        ----------
        grams : dict of str to array of shape (92, 92)
            As `network_grams` returns them.
        estimator : str
            "biased" or "debiased".
        n_permutations, seed : int
            Number and seed of the shuffles.
        """
        mean = {"human IT": alignment.gram_from_rdm(self.objects.mean_rdms["human"])}
        return alignment.cka_table_from_grams(grams, mean, estimator, n_permutations, rng=seed)

    def ends(self, networks: Sequence[dict[str, Any]], *, are_random: bool) -> Ends:
        """Compare conv1 and fc, and say how sure that is for other people, pictures and networks.

        Parameters
        ----------
        networks : sequence of dict of str to array of shape (92, 92)
            Gram matrices of each network, "conv1" and "fc" among them.
        are_random : bool
            Whether they stand for other networks of random weights.
        """
        pairs = [[np.asarray(grams[name]) for name in ("conv1", "fc")] for grams in networks]
        everyone = list(range(self._n_people))
        whole = self._measures(pairs, everyone, np.arange(len(self.objects.images)))
        less = {
            "people": [
                self._measures(pairs, [j for j in everyone if j != i]).mean(0) for i in everyone
            ],
            "pictures": [
                self._measures(pairs, everyone, rows).mean(0) for rows in self._pictures_but_one
            ],
        }
        if are_random:
            n = len(whole)
            each = [np.delete(whole, i, axis=0).mean(0) for i in range(n)] if n > 1 else list(whole)
            less["networks"] = each
        kinds = list(less)
        varied = " and ".join([", ".join(kinds[:-1]), kinds[-1]])
        intervals = []
        for k in range(3):
            left_out = ([row[k] for row in rows] for rows in less.values())
            intervals.append(Interval.jackknife(whole[:, k].mean(), *left_out))
        biased_order, debiased_order, shuffled_biased = intervals
        return Ends(biased_order, debiased_order, shuffled_biased, varied)

    @cached_property
    def _reliability(self) -> Any:
        sessions = {
            f"{who} {session}": alignment.gram_from_rdm(self.objects.it_rdms[i, j])
            for i, who in enumerate(self.objects.participants)
            for j, session in enumerate(self.objects.sessions)
        }
        return alignment.cka_table_from_grams(sessions, sessions, "debiased")

    @cached_property
    def _pictures_but_one(self) -> list[np.ndarray]:
        every = np.arange(len(self.objects.images))
        return [np.delete(every, i) for i in every]

    def _mean_between(self, rdms: np.ndarray, rows: np.ndarray) -> float:
        few = [u_centre(alignment.gram_from_rdm(rdm[np.ix_(rows, rows)])) for rdm in rdms]
        units = np.array([K.ravel() / np.linalg.norm(K) for K in few])
        return float((units @ units.T)[self._others].mean())

    def _measures(
        self, pairs: list[list[np.ndarray]], people: list[int], rows: np.ndarray | None = None
    ) -> np.ndarray:
        """For each network the three measures of `Ends`, over some people and pictures."""
        rows = np.arange(len(self.objects.images)) if rows is None else rows
        rdm = self.objects.it_rdms[people].mean((0, 1))
        L = alignment.gram_from_rdm(rdm[np.ix_(rows, rows)])
        measured = []
        for both in pairs:
            conv1, fc = (K[np.ix_(rows, rows)] for K in both)
            biased = [_cosine(double_centre(K), double_centre(L)) for K in (conv1, fc)]
            debiased = [_cosine(u_centre(K), u_centre(L)) for K in (conv1, fc)]
            share = alignment.mean_of_shuffles(conv1, L) / biased[0]
            measured.append((biased[0] - biased[1], debiased[1] - debiased[0], share))
        return np.array(measured)


def _cosine(K: np.ndarray, L: np.ndarray) -> float:
    return float((K * L).sum() / np.sqrt((K**2).sum() * (L**2).sum()))
