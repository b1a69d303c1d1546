"""What tests of studies share."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sdc_helpers._checks import unit_rows
from sdc_helpers.concepts.recovery import PlantedVoxels
from sdc_helpers.studies.participants import ImageEmbeddings
from sdc_helpers.studies.reading_study import ReadingStudy


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


class _Reader:
    """Files of two made-up participants, of 2 x 3 x 2 voxels."""

    def __init__(self, rng: np.random.Generator):
        shape, self.brain = (2, 3, 2), np.ones((2, 3, 2), dtype=bool)
        self._betas = {name: rng.normal(size=(16, *shape)) for name in "ab"}
        self._regions = {
            (name, roi): rng.integers(0, 3, shape)
            for name in "ab"
            for roi in ("floc-faces", "floc-words")
        }
        self._pictures = rng.integers(0, 256, (10, 6, 5, 3), dtype=np.uint8)

    def betas(self, name, mask):
        return self._betas[name][:, mask]

    def captions(self, ids):
        words = ["a street", "Hair, and hair again", "two faces on a street", "a table"]
        return [[words[i % 4], words[(i // 2) % 4]] for i in ids.tolist()]

    def stimuli(self, ids):
        return self._pictures[ids]

    def affine(self, name):
        return np.diag([2.0, 2.0, 2.0 if name == "a" else 3.0, 1.0])

    def rois(self, name):
        return [roi for owner, roi in self._regions if owner == name]

    def roi(self, name, roi):
        return SimpleNamespace(volume=self._regions[name, roi])


class _Split:
    """Four trials of validation, four of training and eight of test; two trials a test picture."""

    def __init__(self, image_ids):
        self.image_ids = image_ids
        self.rows = {"train": np.arange(4), "validation": np.arange(4, 8), "test": np.arange(8, 16)}

    def trials(self, side):
        return self.rows[side]

    def images(self, side):
        return np.unique(self.image_ids[self.rows[side]])


@pytest.fixture
def reading() -> ReadingStudy:
    """Two participants with 10 and 9 voxels and two concepts; b has one voxel of the second."""
    rng = np.random.default_rng(11)
    reader, data = _Reader(rng), {}
    for name, n_left_out in (("a", 2), ("b", 3)):
        mask = reader.brain.copy()
        mask.reshape(-1)[:n_left_out] = False
        first = [0, 1, 2, 3, 4, 4, 5, 5] if name == "a" else [0, 1, 2, 6, 3, 3, 4, 4]
        test = [7, 8, 9, 6, 8, 7, 6, 9] if name == "a" else [9, 7, 5, 8, 9, 8, 7, 5]
        image_ids = np.array(first + test)
        responses = rng.normal(size=(16, int(mask.sum())))
        data[name] = SimpleNamespace(
            mask=mask, responses=responses, image_ids=image_ids, split=_Split(image_ids)
        )
    labels = np.array([0, 0, 0, 1, 1, 1, -1, -1, -1, -1, 0, 0, 1, 0, -1, -1, -1, -1, -1])
    values = {
        "n_objects": rng.integers(1, 9, 10), "n_people": rng.integers(0, 5, 10),
        "brightness": rng.random(10), "food_warm": rng.random(10), "food_round": rng.random(10),
        "food_long": rng.random(10), "food": rng.random(10), "concept_number": rng.random(10),
        "concept_food_shape": rng.random(10),
    }  # fmt: skip
    planted_concepts = {
        "number": SimpleNamespace(negation="below"), "food_shape": SimpleNamespace(negation="less")
    }  # fmt: skip
    truth = SimpleNamespace(
        shared=tuple(planted_concepts), concepts=planted_concepts, images=pd.DataFrame(values)
    )
    study = SimpleNamespace(reader=reader, truth=truth, image_ids=np.arange(10), split=None)
    white = ImageEmbeddings(np.arange(10), unit_rows(rng.normal(size=(10, 3))))
    mix = rng.normal(size=(3, 3))
    space = SimpleNamespace(mean=rng.normal(size=3), transform=lambda rows: rows @ mix)
    directions = unit_rows(rng.normal(size=(2, 3)))
    made = ReadingStudy(study, None, white, space, data, labels, directions, 0.3, 0, False, 2)
    masks = {"number": labels == 0, "food_shape": np.zeros(19, dtype=bool)}
    masks["number"][[0, 10]] = False  # four of six are left
    masks["food_shape"][[3, 6, 7, 14, 15]] = True  # one of the four voxels of concept 1
    who = np.repeat(["a", "b"], [10, 9])
    made.__dict__["planted"] = PlantedVoxels(who, masks, dict.fromkeys(masks, "shared"))
    return made
