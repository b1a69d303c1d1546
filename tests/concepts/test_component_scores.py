from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.concepts import decodability, prune_components
from sdc_helpers.decoding import distinct_embeddings, score_decoding


def trials(seed=0, n_pictures=30, n_repeats=2, k=4, noise=(0.3, 0.6, 1.2, 5.0)):
    rng = np.random.default_rng(seed)
    items = np.repeat(np.arange(n_pictures), n_repeats)
    true = rng.standard_normal((n_pictures, k))[items]
    return true, true + np.array(noise[:k]) * rng.standard_normal(true.shape), items


# Oracles


def top_1_by_loops(true, decoded, items):
    hits = 0
    gallery = {item: true[row] for row, item in enumerate(items)}
    for query, item in zip(decoded, items, strict=True):
        cosine = {
            name: query @ one / np.sqrt((query @ query) * (one @ one))
            for name, one in gallery.items()
        }
        others = [value for name, value in cosine.items() if name != item]
        hits += cosine[item] > max(others) + 1e-12
    return hits / len(items)


def pruned_by_loops(true, decoded, items):
    kept = list(range(true.shape[1]))
    removed, curve = [], [top_1_by_loops(true, decoded, items)]
    while len(kept) > 1:
        best, accuracy = None, -1.0
        for one in sorted(kept, reverse=True):
            rest = [k for k in kept if k != one]
            value = top_1_by_loops(true[:, rest], decoded[:, rest], items)
            if value > accuracy:
                best, accuracy = one, value
        kept.remove(best)
        removed.insert(0, best)
        curve.insert(0, accuracy)
    return kept + removed, curve


def intraclass_by_loops(scores, items):
    """One-way analysis of variance; pictures seen once do not enter."""
    groups = [scores[items == one] for one in np.unique(items) if (items == one).sum() > 1]
    everything = np.concatenate(groups)
    within = between = 0.0
    for group in groups:
        between += len(group) * (group.mean() - everything.mean()) ** 2
        for value in group:
            within += (value - group.mean()) ** 2
    within /= len(everything) - len(groups)
    between /= len(groups) - 1
    sizes = [len(group) for group in groups]
    n0 = (sum(sizes) - sum(s * s for s in sizes) / sum(sizes)) / (len(groups) - 1)
    return (between - within) / (between + (n0 - 1) * within)


# Pruning


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_pruning_by_loops(seed):
    true, decoded, items = trials(seed, n_pictures=12)
    ranking, curve = pruned_by_loops(true, decoded, items)
    pruning = prune_components(true, decoded, items)
    assert pruning.ranking.tolist() == ranking
    assert pruning.top_1.tolist() == pytest.approx(curve)


def test_all_components_have_the_accuracy_of_the_course():
    true, decoded, items = trials()
    gallery, images = distinct_embeddings(true, items)
    gallery /= np.linalg.norm(gallery, axis=1, keepdims=True)
    score = score_decoding(decoded, items, gallery, images, ks=[1], n_bootstrap=1)
    assert prune_components(true, decoded, items).top_1[-1] == score.top_k[1].value


def test_what_is_not_decoded_goes_first():
    true, decoded, items = trials(n_pictures=200, noise=(0.3, 30.0, 0.3, 0.3))
    pruning = prune_components(true, decoded, items.astype(str))
    assert pruning.ranking[-1] == 1
    assert pruning.top_1[2] > pruning.top_1[3]
    assert pruning.top_1[0] == 0  # one component has one cosine with everything on its side
    np.testing.assert_array_equal(np.sort(pruning.ranking), np.arange(4))


def test_one_component_is_its_own_ranking():
    true, decoded, items = trials(k=1)
    pruning = prune_components(true, decoded, items)
    assert pruning.ranking.tolist() == [0]
    assert pruning.top_1.tolist() == [0]


def test_without_items_equal_true_scores_are_one_picture():
    true, decoded, items = trials()
    named, unnamed = prune_components(true, decoded, items), prune_components(true, decoded)
    np.testing.assert_array_equal(named.ranking, unnamed.ranking)


# Decodability


def test_correlations_over_trials():
    true, decoded, items = trials(n_pictures=60)
    components = np.random.default_rng(1).standard_normal((3, 4))
    found = decodability(true, decoded, components, items, n_bootstrap=20, rng=0)
    for row, r in zip(components, found.r, strict=True):
        assert r.value == pytest.approx(np.corrcoef(true @ row, decoded @ row)[0, 1])
        assert r.low <= r.value <= r.high
        assert r.chance == 0
    assert (found.n_pictures, found.n_repeated) == (60, 60)


def test_pictures_are_resampled_with_all_their_trials():
    """Copies of every trial tell nothing new: the interval is that of single trials."""
    true, decoded, items = trials(n_repeats=1)
    single = decodability(true, decoded, np.eye(4), items, n_bootstrap=50, rng=0)
    copies = decodability(
        *(np.repeat(part, 3, axis=0) for part in (true, decoded)),
        np.eye(4),
        np.repeat(items, 3),
        n_bootstrap=50,
        rng=0,
    )
    for one, three in zip(single.r, copies.r, strict=True):
        assert (one.low, one.high) == pytest.approx((three.low, three.high))


def test_the_interval_is_the_bootstrap_of_rows():
    true, decoded, items = trials(n_repeats=2, n_pictures=10)
    found = decodability(true, decoded, np.eye(4)[:1], items, n_bootstrap=30, rng=3)
    draws = np.random.default_rng(3).multinomial(10, np.full(10, 0.1), 30)
    values = []
    for draw in draws:
        kept = [row for row, item in enumerate(items) for _ in range(draw[item])]
        values.append(np.corrcoef(true[kept, 0], decoded[kept, 0])[0, 1])
    low, high = np.quantile(values, [0.025, 0.975])
    assert (found.r[0].low, found.r[0].high) == pytest.approx((low, high))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_the_ceiling_by_loops(seed):
    rng = np.random.default_rng(seed)
    items = np.concatenate([rng.permutation(8), rng.integers(0, 6, 12), [20]])
    decoded = rng.standard_normal((21, 3)) + rng.standard_normal((21, 3))[items]
    true = rng.standard_normal((21, 3))[items]
    found = decodability(true, decoded, np.eye(3), items, n_bootstrap=1, rng=0)
    expected = [intraclass_by_loops(decoded[:, k], items) for k in range(3)]
    np.testing.assert_allclose(found.repeatability, expected, atol=1e-9)
    np.testing.assert_allclose(found.ceiling, np.sqrt(np.maximum(expected, 0)), atol=1e-9)
    counts = np.unique(items, return_counts=True)[1]
    assert (found.n_pictures, found.n_repeated) == (len(counts), (counts > 1).sum())


@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_a_perfect_decoder_of_noisy_trials_is_at_the_ceiling(noise):
    true, decoded, items = trials(0, n_pictures=2000, n_repeats=3, k=1, noise=(noise,))
    found = decodability(true, decoded, [[1.0]], items, n_bootstrap=2, rng=0)
    expected = 1 / np.sqrt(1 + noise**2)
    assert found.ceiling[0] == pytest.approx(expected, abs=0.03)
    assert found.r[0].value == pytest.approx(expected, abs=0.03)


def test_without_repetitions_there_is_no_ceiling():
    true, decoded, items = trials(n_repeats=1)
    found = decodability(true, decoded, np.eye(4), items, n_bootstrap=2, rng=0)
    assert found.repeatability is None
    assert found.ceiling is None
    assert found.n_repeated == 0


def test_the_length_and_sign_of_a_component():
    true, decoded, items = trials()
    plain, other = (
        decodability(true, decoded, rows, items, n_bootstrap=9, rng=0)
        for rows in (np.eye(4), -1000 * np.eye(4))
    )
    for one, two in zip(plain.r, other.r, strict=True):
        assert (one.value, one.low, one.high) == pytest.approx((two.value, two.low, two.high))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"components": np.eye(3)}, "components has 3 columns; expected 4"),
        ({"components": np.zeros((1, 4))}, "true score of row 0 is the same in all trials"),
        ({"decoded": np.ones((60, 4))}, "decoded score of row 0 is the same"),
        ({"image_ids": np.zeros(59, int)}, r"image_ids has shape \(59,\)"),
        ({"image_ids": np.arange(60) % 2}, "image_ids holds 2 pictures; expected 3 or more"),
        ({"image_ids": np.arange(60).clip(1)}, "one picture alone is repeated"),
        ({"true": np.full((60, 4), np.inf)}, "true holds NaN or infinite"),
        ({"confidence": 1}, "confidence=1"),
        ({"n_bootstrap": 0}, "n_bootstrap=0"),
    ],
)
def test_bad_input(change, message):
    true, decoded, items = trials()
    arguments = {"true": true, "decoded": decoded, "components": np.eye(4), "image_ids": items}
    with pytest.raises(ValueError, match=message):
        decodability(**{**arguments, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decoded": np.ones((60, 3))}, "decoded has 3 columns"),
        ({"items": np.zeros(60, int)}, "all trials show one picture"),
        ({"items": np.arange(60) // 3}, "two embeddings of image"),
        ({"decoded": np.zeros((60, 4))}, "queries: vector 0 is zero"),
    ],
)
def test_bad_input_of_pruning(change, message):
    true, decoded, items = trials()
    with pytest.raises(ValueError, match=message):
        prune_components(**{"true": true, "decoded": decoded, "items": items, **change})
