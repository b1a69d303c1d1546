"""The shared settings of the course's decoder and its space of embeddings."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sdc_helpers.studies.decoder import course_decoder, white_space, whiten
from sdc_helpers.studies.participants import ImageEmbeddings


def vectors(n=60, n_dims=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, n_dims)) @ rng.normal(size=(n_dims, n_dims)) + 3


def test_the_decoder_takes_changes_and_refuses_unknown_profiles():
    assert course_decoder("smoke", n_runs=3).n_runs == 3
    assert course_decoder("full").n_steps > course_decoder("smoke").n_steps
    with pytest.raises(ValueError, match="profile='large'"):
        course_decoder("large")


def test_white_coordinates_are_uncorrelated_with_equal_variance():
    data = vectors()
    space = white_space(data, 4)
    white = (data - space.mean) @ space.axes
    np.testing.assert_allclose(white.T @ white / len(data), np.eye(4), atol=1e-10)
    np.testing.assert_allclose(np.linalg.norm(space.transform(data), axis=1), 1, atol=1e-6)
    total = np.var(data, axis=0).sum()
    largest = np.sort(np.linalg.eigvalsh(np.cov(data.T, bias=True)))[::-1][:4].sum()
    assert space.explained == pytest.approx(largest / total)


def test_directions_rank_embeddings_as_they_do_in_the_white_space():
    data = vectors()
    space = white_space(data, 4)
    concepts = np.random.default_rng(1).normal(size=(3, 4))
    there = ((data - space.mean) @ space.axes) @ concepts.T
    back = data @ space.directions(concepts).T
    for k in range(3):
        assert np.array_equal(np.argsort(there[:, k]), np.argsort(back[:, k]))
    np.testing.assert_allclose(np.linalg.norm(space.directions(concepts), axis=1), 1)


def test_held_out_images_of_anyone_do_not_shape_the_space():
    data = vectors().astype(np.float32)
    ids = np.arange(100, 160)
    folds = {
        "a": {"train": ids[:40], "validation": ids[40:50], "test": ids[50:]},
        "b": {"train": ids[10:50], "validation": ids[5:10], "test": ids[50:]},
    }
    split = {
        name: SimpleNamespace(images=lambda side, of=of: of[side]) for name, of in folds.items()
    }
    split = type("Split", (dict,), {"participants": property(lambda self: self)})(split)
    embeddings, space = whiten(ImageEmbeddings(ids, data), split, 3)
    used = np.concatenate([np.arange(5), np.arange(10, 40)])
    np.testing.assert_allclose(space.mean, data[used].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(embeddings.vectors, space.transform(data))


@pytest.mark.parametrize(
    ("data", "n", "message"),
    [
        (np.full((4, 3), np.nan), 1, "finite"),
        (vectors(4), 4, "have 3 principal"),
        (vectors(), 0, "n_components=0"),
    ],
)
def test_bad_input_is_refused(data, n, message):
    with pytest.raises(ValueError, match=message):
        white_space(data, n)
