"""Responses to THINGS images, and their match with a list of images."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class THINGSAlignment:
    """Responses in the order of a list of images, without those that have no response.

    Attributes
    ----------
    responses : numpy.ndarray of float32, shape (n_matched, n_voxels)
        Response to each image, a row an image.
    images, concepts : numpy.ndarray of str, shape (n_matched,)
        File name and concept of each row.
    positions : numpy.ndarray of int, shape (n_matched,)
        Where each row's image is in the list that was given: ``features[positions]`` are the
        features of these images, if `features` has one row for each image of the list.
    missing : tuple of str
        Images of the list that have no response, in its order.
    """

    responses: np.ndarray
    images: np.ndarray
    concepts: np.ndarray
    positions: np.ndarray
    missing: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class THINGSResponses:
    """Responses of one participant, one row a trial or an image, one column a voxel.

    Attributes
    ----------
    responses : numpy.ndarray of float32, shape (n_rows, n_voxels)
        Single-trial responses (regression weights of the z-scored signal, no unit), or their means.
    images, concepts : numpy.ndarray of str, shape (n_rows,)
        File name of the image and its concept.
    n_averaged : numpy.ndarray of int, shape (n_rows,)
        Number of trials in each row.
    trials : numpy.ndarray of int, shape (n_rows,), or None
        Row of `THINGSfMRI.stimuli` of each trial; None where trials were averaged.
    voxel_ids : numpy.ndarray of int64, shape (n_voxels,)
        Id of each column.
    nc_singletrial, nc_testset : numpy.ndarray of float, shape (n_voxels,)
        Noise ceilings of the voxel table: percent of the variance of single trials, or of test
        images averaged over all their presentations, that the stimulus could explain.
    nan_voxels, constant_voxels : numpy.ndarray of int64
        Ids of the selected voxels with a value that is not finite, and of those with the same value
        in every row, whether or not they are still among the columns.
    """

    responses: np.ndarray
    images: np.ndarray
    concepts: np.ndarray
    n_averaged: np.ndarray
    trials: np.ndarray | None
    voxel_ids: np.ndarray
    nc_singletrial: np.ndarray
    nc_testset: np.ndarray
    nan_voxels: np.ndarray
    constant_voxels: np.ndarray

    def align(self, images: Sequence[str], one_per_concept: bool = False) -> THINGSAlignment:
        """Put the responses into the order of a list of images.

        An image without a response is left out and named in `THINGSAlignment.missing`; no row is
        ever made up for it.

        Parameters
        ----------
        images : sequence of str
            File names such as ``aardvark_01b.jpg``, without folders, each once.
        one_per_concept : bool, default=False
            Keep only the first image of each concept, first in the order of `images` among those
            with a response. On the 8,640 training images in alphabetical order this gives the 720
            images of Murphy, Zylberberg and Fyshe (2024, arXiv 2405.01012).

        Returns
        -------
        THINGSAlignment
            The rows that were found, and the images that were not.

        Raises
        ------
        ValueError
            If `images` is not a list of names, names an image twice, or none of them has a
            response, or an image has several rows here (read with ``repeated="average"``).
        """
        chosen, matched, missing = match_rows(
            checked_names(images), self.images, self.concepts, one_per_concept
        )
        return THINGSAlignment(
            responses=self.responses[chosen],
            images=self.images[chosen],
            concepts=self.concepts[chosen],
            positions=matched,
            missing=missing,
        )


def match_rows(
    wanted: Sequence, own: np.ndarray, concepts: np.ndarray, one_per_concept: bool
) -> tuple[np.ndarray, np.ndarray, tuple]:
    """Find the row of each image of a list.

    Parameters
    ----------
    wanted : sequence of str or int
        File names, or numbers, each once.
    own : array of shape (n_rows,)
        The name or number of each row's image.
    concepts : array of str, shape (n_rows,)
        Concept of each row's image.
    one_per_concept : bool
        Keep only the first image of each concept among those with a row.

    Returns
    -------
    rows, positions : array of int, shape (n_matched,)
        Row of each image that has one, and its place in the list.
    missing : tuple
        What of the list has no row.

    Raises
    ------
    ValueError
        If no image has a row, or one has several.
    """
    kind = type(wanted[0])
    rows = {kind(image): row for row, image in enumerate(own)}
    if len(rows) < len(own):
        raise ValueError(
            f"{len(own)} trials show {len(rows)} images, so that an image has several "
            "rows; read the responses with repeated='average' to align them."
        )
    matched = [position for position, name in enumerate(wanted) if name in rows]
    if not matched:
        expected = "file names such as" if kind is str else "numbers such as"
        raise ValueError(
            f"images: none of the {len(wanted)} has a response, {wanted[0]!r} for one; expected "
            f"{expected} {kind(own[0])!r}{', without folders' * (kind is str)}."
        )
    if one_per_concept:
        of = concepts[[rows[wanted[position]] for position in matched]]
        matched = [matched[k] for k in np.sort(np.unique(of, return_index=True)[1])]
    missing = tuple(name for name in wanted if name not in rows)
    return np.array([rows[wanted[position]] for position in matched]), np.array(matched), missing


def checked_names(images: Sequence[str]) -> list[str]:
    """Return the names as a list, or raise unless each is text and there once."""
    names = [] if isinstance(images, str) else list(images)
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"images={reprlib.repr(images)}: expected a list of file names, at least one."
        )
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"images names {str(name)!r} twice; expected each image once.")
        seen.add(name)
    return names
