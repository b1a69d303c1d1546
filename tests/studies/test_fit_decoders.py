"""Decoders of several participants: where each of them starts."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sdc_helpers.decoding import ContrastiveDecoder
from sdc_helpers.studies import fit_decoders


@pytest.fixture
def twins():
    """Two participants whose data are the same, so that only the start can tell them apart."""
    rng = np.random.default_rng(0)
    sides = {}
    for side, items in (("train", np.arange(24)), ("validation", np.arange(24, 32))):
        embeddings = rng.normal(size=(len(items), 5))
        embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
        responses = rng.normal(size=(len(items), 6))
        sides[side] = (responses.astype(np.float32), embeddings.astype(np.float32), items)
    return {name: SimpleNamespace(mapped_fold=sides.__getitem__) for name in ("first", "second")}


def test_with_one_seed_all_start_alike_and_with_their_own_they_do_not(twins):
    decoder = ContrastiveDecoder(n_steps=3, batch_size=8, n_runs=1, random_state=7)
    shared = fit_decoders(twins, decoder, cache=False)
    np.testing.assert_array_equal(shared["first"].coef_, shared["second"].coef_)
    own = fit_decoders(twins, decoder, cache=False, own_seeds=True)
    np.testing.assert_array_equal(own["first"].coef_, shared["first"].coef_)
    assert not np.allclose(own["second"].coef_, own["first"].coef_)
    assert (own["second"].random_state, decoder.random_state) == (8, 7)


def test_seeds_of_their_own_are_counted_from_a_number(twins):
    decoder = ContrastiveDecoder(n_steps=3, batch_size=8, n_runs=1, random_state=None)
    with pytest.raises(ValueError, match="random_state"):
        fit_decoders(twins, decoder, cache=False, own_seeds=True)
