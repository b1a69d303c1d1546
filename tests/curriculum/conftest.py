"""A small world of pictures and captions that a model of two layers learns in seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from sdc_helpers.curriculum.tokenizer import CaptionTokenizer

COLOURS = ("red", "green", "blue", "black")
THINGS = ("dog", "car", "house", "tree")
SHAPE = (6, 2, 2)


@dataclass(frozen=True)
class SmallWorld:
    pictures: torch.Tensor
    captions: list[str]
    tokenizer: CaptionTokenizer

    @property
    def tokens(self) -> torch.Tensor:
        return self.tokenizer(self.captions)


@pytest.fixture(scope="session")
def small_world() -> SmallWorld:
    """Sixty-four pictures; a caption names the colour and the thing that its picture shows."""
    rng = np.random.default_rng(0)
    of_colour, of_thing = rng.normal(size=(2, 4, *SHAPE))
    kinds = rng.integers(4, size=(64, 2))
    pictures = of_colour[kinds[:, 0]] + of_thing[kinds[:, 1]]
    captions = [f"A {COLOURS[a]} {THINGS[b]} on the street." for a, b in kinds]
    return SmallWorld(
        torch.from_numpy(pictures).float(), captions, CaptionTokenizer.train(captions, 300)
    )
