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
        names = _checked_names(images)
        rows = {str(image): row for row, image in enumerate(self.images)}
        if len(rows) < len(self.images):
            raise ValueError(
                f"{len(self.images)} trials show {len(rows)} images, so that an image has several "
                "rows; read the responses with repeated='average' to align them."
            )
        matched = [position for position, name in enumerate(names) if name in rows]
        if not matched:
            raise ValueError(
                f"images: none of the {len(names)} has a response, {names[0]!r} for one; expected "
                f"file names such as {str(self.images[0])!r}, without folders."
            )
        if one_per_concept:
            concepts = self.concepts[[rows[names[position]] for position in matched]]
            matched = [matched[k] for k in np.sort(np.unique(concepts, return_index=True)[1])]
        chosen = [rows[names[position]] for position in matched]
        return THINGSAlignment(
            responses=self.responses[chosen],
            images=self.images[chosen],
            concepts=self.concepts[chosen],
            positions=np.array(matched),
            missing=tuple(name for name in names if name not in rows),
        )


def _checked_names(images: Sequence[str]) -> list[str]:
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
