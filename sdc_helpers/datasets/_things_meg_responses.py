"""MEG responses to THINGS images, and their match with a list of images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from sdc_helpers.datasets._things_responses import checked_names, match_rows


@dataclass(frozen=True, eq=False)
class THINGSMEGAlignment:
    """Responses in the order of a list of images, without those that have no response.

    Attributes
    ----------
    responses : numpy.ndarray of float32, shape (n_matched, n_sensors, n_times)
        Response to each image, in standard deviations of the baseline.
    images, concepts : numpy.ndarray of str, shape (n_matched,)
        File name and concept of each row.
    numbers : numpy.ndarray of int, shape (n_matched,)
        THINGS number of each row's image, from 1.
    positions : numpy.ndarray of int, shape (n_matched,)
        Where each row's image is in the list that was given: ``features[positions]`` are the
        features of these images, if `features` has one row for each image of the list.
    missing : tuple of str or int
        Images of the list that have no response, in its order.
    """

    responses: np.ndarray
    images: np.ndarray
    concepts: np.ndarray
    numbers: np.ndarray
    positions: np.ndarray
    missing: tuple


@dataclass(frozen=True, eq=False)
class THINGSMEGResponses:
    """Responses of one participant: a row a trial or an image, then sensors, then samples.

    Attributes
    ----------
    responses : numpy.ndarray of float32, shape (n_rows, n_sensors, n_times)
        Field at each sensor, z-scored on the baseline of its own trial: standard deviations, not
        tesla, whatever unit the file names.
    numbers : numpy.ndarray of int, shape (n_rows,)
        THINGS number of the image, from 1; 999999 for a catch trial.
    images, concepts : numpy.ndarray of str, shape (n_rows,)
        File name of the image and its concept; empty for a catch trial.
    n_averaged : numpy.ndarray of int, shape (n_rows,)
        Number of trials in each row.
    trials : numpy.ndarray of int, shape (n_rows,), or None
        Row of `THINGSMEG.stimuli` of each trial; None where trials were averaged.
    sensors, groups : numpy.ndarray of str, shape (n_sensors,)
        Name of each sensor, and the letter of its group.
    times : numpy.ndarray of float, shape (n_times,)
        Seconds from the onset of the image.
    nan_trials : numpy.ndarray of int
        Rows of `THINGSMEG.stimuli` of the trials that hold NaN or infinity and were left out.
    constant_sensors : tuple of str
        Names of the sensors with one value in every row and sample that were left out.
    """

    responses: np.ndarray
    numbers: np.ndarray
    images: np.ndarray
    concepts: np.ndarray
    n_averaged: np.ndarray
    trials: np.ndarray | None
    sensors: np.ndarray
    groups: np.ndarray
    times: np.ndarray
    nan_trials: np.ndarray
    constant_sensors: tuple[str, ...]

    def align(
        self, images: Sequence[str] | Sequence[int], one_per_concept: bool = False
    ) -> THINGSMEGAlignment:
        """Put the responses into the order of a list of images.

        An image without a response is left out and named in `THINGSMEGAlignment.missing`; no row
        is ever made up for it.

        Parameters
        ----------
        images : sequence of str or of int
            File names such as ``aardvark_01b.jpg``, without folders, or THINGS numbers from 1,
            each once.
        one_per_concept : bool, default=False
            Keep only the first image of each concept, first in the order of `images` among those
            with a response.

        Returns
        -------
        THINGSMEGAlignment
            The rows that were found, and the images that were not.

        Raises
        ------
        ValueError
            If `images` is no list of names or numbers, has an image twice, or none of them has a
            response, or an image has several rows here (read with ``repeated="average"``).
        """
        wanted: list = list(images) if not isinstance(images, str) else []
        if wanted and all(_is_number(number) for number in wanted):
            wanted, own = _checked_numbers(wanted), self.numbers
        else:
            wanted, own = checked_names(images if isinstance(images, str) else wanted), self.images
        chosen, positions, missing = match_rows(wanted, own, self.concepts, one_per_concept)
        return THINGSMEGAlignment(
            responses=self.responses[chosen],
            images=self.images[chosen],
            concepts=self.concepts[chosen],
            numbers=self.numbers[chosen],
            positions=positions,
            missing=missing,
        )


def _is_number(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _checked_numbers(images: Sequence[int]) -> list[int]:
    numbers = [int(number) for number in images]
    if min(numbers) < 1:
        raise ValueError(f"images holds the number {min(numbers)}; THINGS counts images from 1.")
    if len(set(numbers)) < len(numbers):
        twice = next(number for number in numbers if numbers.count(number) > 1)
        raise ValueError(f"images holds the number {twice} twice; expected each image once.")
    return numbers
