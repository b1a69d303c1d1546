"""What people say is alike, held against human IT: the 92 objects and their judges (Mur 2013)."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from sdc_helpers import alignment
from sdc_helpers._checks import as_array
from sdc_helpers.alignment.kernels import u_centre
from sdc_helpers.measures import Interval, NullTest


class JudgedObjects:
    """RDMs of judges and of scanned participants, who are other people, for the same 92 objects.

    No judge belongs to a participant, so that the two sets of people are left out one after the
    other and never in pairs. Judged distances are squared before they are turned into a Gram
    matrix; one minus a correlation is a squared distance already. The unit of the tests is the
    object: a shuffle exchanges whole objects, rows and columns of an RDM together.

    Parameters
    ----------
    judges : array of shape (n_judges, n, n)
        Judged distances, each judge on a scale of their own.
    it : array of shape (n_participants, n, n)
        RDMs of human IT, one minus a correlation.
    categories : str array of shape (n,)
        Category of each object.

    Raises
    ------
    ValueError
        If the arrays are not of the same objects.
    """

    def __init__(self, judges: np.ndarray, it: np.ndarray, categories: np.ndarray) -> None:
        self.judges = as_array("judges", judges, float)
        self.it = as_array("it", it, float)
        self.categories = as_array("categories", categories)
        n = len(self.categories)
        for name, rdms in (("judges", self.judges), ("it", self.it)):
            if rdms.ndim != 3 or rdms.shape[1:] != (n, n):
                raise ValueError(
                    f"{name} has shape {rdms.shape}; expected (people, {n}, {n}), an RDM of the "
                    f"{n} objects for each."
                )
        squares = self.judges**2
        self._judged = squares / squares.mean(axis=(1, 2), keepdims=True)

    @classmethod
    def load(cls) -> JudgedObjects:
        """Read the registered files of the 92 objects.

        Returns
        -------
        JudgedObjects
            16 judges, and four participants whose sessions are averaged.
        """
        from sdc_helpers.datasets import load_objects92, load_objects92_judges

        objects = load_objects92()
        return cls(load_objects92_judges().rdms, objects.it_rdms.mean(axis=1), objects.categories)

    @cached_property
    def likeness(self) -> Interval:
        """Debiased CKA of the mean judge with the mean IT, for other people and other objects."""
        return self._jackknife(_cka)

    @cached_property
    def beyond_categories(self) -> Interval:
        """The same, less what objects in any order *within* their categories would give."""
        return self._jackknife(lambda K, L, codes: _cka(K, L, codes) - _within(K, L, codes))

    @cached_property
    def judges_agree(self) -> float:
        """Debiased CKA of one judge with the mean of the others, mean over judges."""
        return _mean_with_others(self._judged)

    @cached_property
    def judge_and_it(self) -> float:
        """Debiased CKA of one judge with the mean IT, mean over judges."""
        L = u_centre(alignment.gram_from_rdm(self.it.mean(axis=0)))
        return float(
            np.mean([_cosine(u_centre(alignment.gram_from_rdm(j)), L) for j in self._judged])
        )

    def test(self, n_permutations: int, seed: int, *, within_categories: bool = False) -> NullTest:
        """Shuffle the objects, all of them or those of a category among themselves.

        Parameters
        ----------
        n_permutations, seed : int
            Number and seed of the shuffles.
        within_categories : bool, default=False
            Whether objects stay in their category: then what is tested is not whether the two know
            the categories, but whether they agree on what lies within.

        Returns
        -------
        NullTest
            Debiased CKA of the mean judge with the mean IT.
        """
        return alignment.permutation_test_from_grams(
            alignment.gram_from_rdm(self._judged.mean(axis=0)),
            alignment.gram_from_rdm(self.it.mean(axis=0)),
            n_permutations,
            rng=seed,
            groups=self.categories if within_categories else None,
        )

    def mean_ranks(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return both mean RDMs as ranks from 0 to 1, and the order of objects by category.

        Returns
        -------
        judged, it : float array of shape (n, n)
            Ranks of the pairs, objects sorted by category; the diagonal is 0.
        categories : str array of shape (n,)
            Category of each row.
        """
        from scipy.stats import rankdata

        order = np.argsort(self.categories, kind="stable")
        above = np.triu_indices(len(order), 1)
        ranked = []
        for rdms in (self._judged, self.it):
            square = np.zeros((len(order), len(order)))
            pairs = rdms.mean(axis=0)[np.ix_(order, order)][above]
            square[above] = (rankdata(pairs) - 1) / (len(pairs) - 1)
            ranked.append(square + square.T)
        return ranked[0], ranked[1], self.categories[order]

    def _jackknife(self, measure) -> Interval:
        def value(judged: np.ndarray, it: np.ndarray, rows: np.ndarray) -> float:
            square = np.ix_(rows, rows)
            K = u_centre(alignment.gram_from_rdm(judged.mean(axis=0)[square]))
            L = u_centre(alignment.gram_from_rdm(it.mean(axis=0)[square]))
            return measure(K, L, codes[rows])

        codes = np.unique(self.categories, return_inverse=True)[1]
        judged, it, rows = self._judged, self.it, np.arange(len(codes))
        whole = value(judged, it, rows)
        less_a_judge = [value(np.delete(judged, k, axis=0), it, rows) for k in _each(judged)]
        less_a_participant = [value(judged, np.delete(it, k, axis=0), rows) for k in _each(it)]
        return Interval.jackknife(
            whole,
            less_a_judge or [whole],  # one person says nothing about others: infinite ends
            less_a_participant or [whole],
            [value(judged, it, np.delete(rows, k)) for k in rows],
        )


def _each(people: np.ndarray) -> range:
    """Return whom to leave out: everybody in turn, nobody where there is a single one."""
    return range(len(people) if len(people) > 1 else 0)


def _cka(K: np.ndarray, L: np.ndarray, codes: np.ndarray) -> float:
    return _cosine(K, L)


def _within(K: np.ndarray, L: np.ndarray, codes: np.ndarray) -> float:
    """Return the expected debiased CKA over all shuffles within groups, of U-centred matrices.

    A shuffle within groups brings any pair of objects to any other pair of the same two groups, so
    that the expectation of an entry is the mean over these pairs.
    """
    expected = np.zeros_like(L)
    members = [np.flatnonzero(codes == code) for code in np.unique(codes)]
    for g, a in enumerate(members):
        for h, b in enumerate(members):
            n_pairs = len(a) * (len(b) - (g == h))
            if n_pairs:
                expected[np.ix_(a, b)] = L[np.ix_(a, b)].sum() / n_pairs
    np.fill_diagonal(expected, 0.0)
    return float((K * expected).sum() / np.sqrt((K**2).sum() * (L**2).sum()))


def _mean_with_others(rdms: np.ndarray) -> float:
    units = [u_centre(alignment.gram_from_rdm(rdm)) for rdm in rdms]
    others = (rdms.sum(axis=0) - rdms) / (len(rdms) - 1)
    pairs = zip(units, others, strict=True)
    return float(np.mean([_cosine(K, u_centre(alignment.gram_from_rdm(o))) for K, o in pairs]))


def _cosine(K: np.ndarray, L: np.ndarray) -> float:
    return float((K * L).sum() / np.sqrt((K**2).sum() * (L**2).sum()))
