"""Judges against brains: the shuffles and the jackknife, by hand, and planted agreement."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.alignment import cka, permutation_test_from_grams
from sdc_helpers.studies import JudgedObjects

CATEGORIES = np.repeat(["body", "face", "thing"], [8, 8, 10])


def distances(points):
    return np.sqrt(((points[:, None] - points) ** 2).sum(axis=2))


def made(rng, *, share, n_judges=5, n_people=3, noise=0.4):
    """People who know the categories, and of what lies within them `share`."""
    codes = np.unique(CATEGORIES, return_inverse=True)[1]
    centres, common = 3 * rng.normal(size=(3, 6)), rng.normal(size=(len(codes), 6))

    def points():
        own = rng.normal(size=common.shape)
        return centres[codes] + np.sqrt(share) * common + np.sqrt(1 - share) * own

    def seen():
        return points() + noise * rng.normal(size=common.shape)

    judges = np.array([rng.uniform(0.1, 9) * distances(seen()) for _ in range(n_judges)])
    it = np.array([1 - np.corrcoef(seen()) for _ in range(n_people)])
    return JudgedObjects(judges, it, CATEGORIES)


def test_likeness_is_cka_of_the_points_that_were_judged():
    rng = np.random.default_rng(0)
    points, patterns = rng.normal(size=(26, 4)), rng.normal(size=(26, 30))
    one = JudgedObjects(distances(points)[None], (1 - np.corrcoef(patterns))[None], CATEGORIES)
    standard = patterns - patterns.mean(axis=1, keepdims=True)
    standard /= np.linalg.norm(standard, axis=1, keepdims=True)
    assert one.test(3, 0).value == pytest.approx(cka(points, standard), abs=1e-10)
    assert one.likeness.value == pytest.approx(one.test(3, 0).value)
    assert one.likeness.high == np.inf  # one judge and one participant say nothing about others


def test_a_judges_scale_does_not_matter():
    rng = np.random.default_rng(1)
    one = made(rng, share=0.5)
    scaled = one.judges * np.array([1, 50, 0.01, 3, 7])[:, None, None]
    other = JudgedObjects(scaled, one.it, CATEGORIES)
    assert other.likeness.value == pytest.approx(one.likeness.value)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_expected_within_categories_is_the_mean_of_shuffles(seed):
    one = made(np.random.default_rng(seed), share=0.5)
    shuffled = one.test(2000, 0, within_categories=True)
    expected = one.likeness.value - one.beyond_categories.value
    error = shuffled.null.std() / np.sqrt(2000)
    assert shuffled.null.mean() == pytest.approx(expected, abs=4 * error)
    assert shuffled.scheme == "rows within 3 groups"


@pytest.mark.parametrize("seed", range(3))
def test_categories_alone_are_likeness_and_nothing_beyond(seed):
    known = made(np.random.default_rng(seed), share=0.0)
    assert known.likeness.value > 0.3
    assert abs(known.beyond_categories.value) < 0.05
    more = made(np.random.default_rng(seed), share=1.0)
    assert more.beyond_categories.value > 0.05
    assert more.test(99, 0, within_categories=True).p_value == 0.01


def test_one_person_with_others_by_hand():
    one = made(np.random.default_rng(3), share=0.8, n_judges=3)
    squares = one.judges**2
    squares = squares / squares.mean(axis=(1, 2), keepdims=True)
    H = np.eye(26) - 1 / 26
    gram = lambda square: -0.5 * H @ square @ H  # noqa: E731
    agree = [
        permutation_test_from_grams(
            gram(squares[k]), gram(np.delete(squares, k, axis=0).mean(axis=0)), 1, rng=0
        ).value
        for k in range(3)
    ]
    assert one.judges_agree == pytest.approx(np.mean(agree))
    it = gram(one.it.mean(axis=0))
    with_it = [permutation_test_from_grams(gram(s), it, 1, rng=0).value for s in squares]
    assert one.judge_and_it == pytest.approx(np.mean(with_it))


def test_ranks_are_sorted_by_category():
    one = made(np.random.default_rng(4), share=0.5)
    order = np.random.default_rng(5).permutation(26)
    square = np.ix_(order, order)
    mixed = JudgedObjects(
        np.array([j[square] for j in one.judges]), np.array([i[square] for i in one.it]),
        CATEGORIES[order],
    )  # fmt: skip
    judged, it, names = mixed.mean_ranks()
    assert names.tolist() == CATEGORIES.tolist()
    for ranks in (judged, it):
        assert (ranks == ranks.T).all()
        assert (ranks.min(), ranks.max()) == (0, 1)
    within = names[:, None] == names
    assert judged[within].mean() < judged[~within].mean()


def test_rdms_of_other_objects_are_refused():
    rdms = np.zeros((2, 26, 26))
    for name, arguments in (("judges", (rdms[:, :5], rdms)), ("it", (rdms, rdms[0]))):
        with pytest.raises(ValueError, match=f"{name} has shape .* an RDM of the 26 objects"):
            JudgedObjects(*arguments, CATEGORIES)


@pytest.mark.real
def test_real_judges_and_it(real_data_mirror, tmp_path, monkeypatch):
    """As recorded: most of what judges and IT share are the categories."""
    if not (real_data_mirror / "objects92").is_dir():
        pytest.skip("the mirror has no 92 objects")
    monkeypatch.setenv("SDC_DATA", str(tmp_path))
    monkeypatch.setenv("SDC_DATA_MIRROR", str(real_data_mirror))
    real = JudgedObjects.load()
    assert (len(real.judges), len(real.it)) == (16, 4)
    assert real.likeness.low > 0.1
    assert 0 < real.beyond_categories.value < real.likeness.value / 4
