"""Small bases that tests of search share."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="session")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    """Two hundred points round each of four far centres, and whose they are."""
    rng = np.random.default_rng(0)
    whose = np.repeat(np.arange(4), 200)
    centres = 8 * rng.normal(size=(4, 6))
    return (centres[whose] + rng.normal(size=(800, 6))).astype(np.float32), whose


@pytest.fixture(scope="session")
def cloud() -> tuple[np.ndarray, np.ndarray]:
    """A base and queries without any clusters."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(700, 8)).astype(np.float32), rng.normal(size=(60, 8)).astype(np.float32)
