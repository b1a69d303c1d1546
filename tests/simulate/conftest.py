"""What was planted in the simulated dataset, and a table of factors that needs no pictures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sdc_helpers.simulate import Truth, load_truth
from sdc_helpers.simulate.concepts import COLUMNS


@pytest.fixture(scope="session")
def truth(simulated_tree) -> Truth:
    """What was planted there."""
    return load_truth(simulated_tree)


@pytest.fixture(scope="session")
def factors() -> pd.DataFrame:
    """Factors of 400 imaginary pictures, of the ranges of the real table."""
    rng = np.random.default_rng(11)
    signed = ("food_warm", "near", "orientation_cos", "orientation_sin")
    table = pd.DataFrame({c: (rng.random(400) - 0.6).clip(0) for c in COLUMNS})
    table = table.assign(**{c: rng.uniform(-1, 1, 400) for c in signed})
    return table.assign(
        n_objects=rng.integers(1, 9, 400),
        indoor=rng.integers(0, 2, 400),
        brightness=rng.random(400),
    )
