"""A participant with planted linear tuning, small enough for tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

N_VOXELS, N_DIMS, N_REPETITIONS = 200, 16, 3


@dataclass(frozen=True)
class Side:
    X: np.ndarray
    Y: np.ndarray
    items: np.ndarray

    def __iter__(self):
        return iter((self.X, self.Y, self.items))


def unit(values):
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def make_side(rng, tuning, first_item, n_images, noise=5.0):
    """Trials of new images, each shown three times in random order; z-scored voxels."""
    embeddings = unit(rng.standard_normal((n_images, N_DIMS)))
    image = rng.permutation(np.repeat(np.arange(n_images), N_REPETITIONS))
    signal = embeddings[image] @ tuning
    X = signal + noise * rng.standard_normal(signal.shape) * signal.std()
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    return Side(X.astype("f4"), embeddings[image].astype("f4"), first_item + image)


@pytest.fixture(scope="session")
def folds():
    """Training and validation trials of one simulated participant."""
    rng = np.random.default_rng(2)
    tuning = rng.standard_normal((N_DIMS, N_VOXELS))
    return make_side(rng, tuning, 1000, 240), make_side(rng, tuning, 5000, 60)
