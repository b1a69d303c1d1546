"""One simulated dataset for all, and a table of factors that needs no pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sdc_helpers.simulate import Truth, load_truth, write_nsd
from sdc_helpers.simulate.concepts import COLUMNS


@pytest.fixture(scope="session")
def simulated_tree(tmp_path_factory) -> Path:
    """A dataset of profile smoke, seed 0, written in this process."""
    return write_nsd(tmp_path_factory.mktemp("simulated") / "nsd", profile="smoke", n_jobs=1)


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
