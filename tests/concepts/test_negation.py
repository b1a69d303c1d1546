"""The negation test, on responses whose floor is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from sdc_helpers.concepts.negation import negation_test, response_by_rank

N_PICTURES = 200


def simulated(floor, rng, n_participants=6, noise=0.5):
    """Scores, and responses that follow them down to a floor."""
    scores = [rng.normal(size=N_PICTURES) for _ in range(n_participants)]
    responses = [np.maximum(s, floor) + noise * rng.normal(size=N_PICTURES) for s in scores]
    return responses, scores


@pytest.mark.parametrize(("floor", "verdict"), [(0.0, "less"), (-np.inf, "below"), (0.5, "less")])
def test_it_tells_a_floor_at_baseline_from_responses_below_it(floor, verdict):
    rng = np.random.default_rng(0)
    verdicts = [negation_test(*simulated(floor, rng)).verdict for _ in range(40)]
    assert verdicts.count(verdict) >= 36  # errors at level 0.05: 40 draws have 5 or more in 5 %


def test_under_the_null_the_p_value_of_below_is_uniform():
    rng = np.random.default_rng(1)
    p_values = [
        negation_test([rng.normal(size=40) for _ in range(5)], [np.arange(40)] * 5).p_below
        for _ in range(400)
    ]
    shares = [np.mean(np.array(p_values) < level) for level in (0.1, 0.5, 0.9)]
    assert shares == pytest.approx([0.1, 0.5, 0.9], abs=0.08)  # 3 standard errors at 0.5: 0.075


def test_the_means_and_p_values_are_those_of_plain_slices():
    rng = np.random.default_rng(2)
    responses, scores = simulated(-0.4, rng)
    found = negation_test(responses, scores, fraction=0.1, margin=0.2)
    for i, (response, score) in enumerate(zip(responses, scores, strict=True)):
        ranked = [r for _, r in sorted(zip(score, response, strict=True))]
        assert found.bottom[i] == pytest.approx(np.mean(ranked[:20]))
        assert found.top[i] == pytest.approx(np.mean(ranked[-20:]))
        assert found.middle[i] == pytest.approx(np.mean(ranked[80:120]))
    less = ttest_1samp(found.bottom, 0, alternative="less")
    assert found.p_below == pytest.approx(less.pvalue)
    lower = ttest_1samp(found.bottom + 0.2 * found.top, 0, alternative="greater")
    assert found.p_less == pytest.approx(lower.pvalue)
    middle = ttest_1samp(found.bottom - found.middle, 0, alternative="less")
    assert found.p_lower_than_middle == pytest.approx(middle.pvalue)


def test_two_noisy_participants_leave_it_undecided():
    responses = [np.linspace(-3, 1, 20), np.linspace(2.8, 1, 20)]
    assert negation_test(responses, [np.arange(20)] * 2).verdict == "undecided"


def test_participants_without_any_spread_are_decided_by_the_sign():
    responses = [np.linspace(-1, 1, 20)] * 3
    assert negation_test(responses, [np.arange(20)] * 3).verdict == "below"
    assert negation_test([r + 2 for r in responses], [np.arange(20)] * 3).verdict == "less"


def test_ranks_are_cut_into_equal_bins_least_first():
    responses = [np.array([5.0, 1, 3, 2, 4, 6]), np.arange(6.0)]
    scores = [np.array([4, 0, 2, 1, 3, 5]), np.arange(6)[::-1]]
    assert response_by_rank(responses, scores, 3).T.tolist() == [[1.5, 3.5, 5.5], [4.5, 2.5, 0.5]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fraction": 0.4}, "fraction"),
        ({"margin": 0}, "margin"),
        ({"alpha": 1}, "alpha"),
        ({"responses": [np.zeros(20)]}, "at least 2"),
        ({"scores": [np.arange(20)] * 3}, "as many"),
        ({"scores": [np.arange(20), np.arange(19)]}, "participant 1"),
        ({"responses": [np.zeros(20), np.full(20, np.nan)]}, "not finite"),
        ({"fraction": 0.01}, "at least 100 pictures"),
    ],
)
def test_it_says_what_is_wrong(change, message):
    arguments = {"responses": [np.zeros(20)] * 2, "scores": [np.arange(20)] * 2} | change
    with pytest.raises(ValueError, match=message):
        negation_test(**arguments)
