from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, linregress

from sdc_helpers.studies import grid_search


@pytest.fixture(scope="module", params=[0, 1, 2])
def nothing(request):
    return grid_search.simulate_grids(60, np.random.default_rng(request.param))


def test_a_single_p_value_is_uniform_where_nothing_is_there():
    # 6,000 seeds with data of their own: the 600 of generator 1 alone are an unlucky draw, such as
    # 1 in 10,000 is (of 250 generators, tests of 600 are uniform as they should be)
    drawn = [
        grid_search.simulate_grids(200, np.random.default_rng(seed), n_shuffles=1)
        for seed in (0, 1, 2)
    ]
    first_setting = np.concatenate([grids.p_values[:, 0].ravel() for grids in drawn])
    assert kstest(first_setting, "uniform").pvalue > 0.001


def test_p_values_of_shuffles_are_multiples_of_one_in_a_hundred(nothing):
    for p_values in (nothing.p_of_largest, nothing.p_of_mean):
        np.testing.assert_allclose(p_values * 100, np.round(p_values * 100))
        assert p_values.min() >= 0.01
        assert p_values.max() <= 1


def test_a_shuffle_test_rarely_errs(nothing):
    # 60 grids at .05: more than 11 of them is less likely than one in 10,000
    assert (nothing.p_of_largest <= 0.05).sum() <= 11
    assert (nothing.p_of_mean <= 0.05).sum() <= 11


def test_settings_of_one_seed_are_alike_and_seeds_are_not(nothing):
    z = np.log(nothing.p_values / (1 - nothing.p_values))
    same_seed = np.corrcoef(z[:, 0].ravel(), z[:, 1].ravel())[0, 1]
    other_seed = np.corrcoef(z[:, 0, :-1].ravel(), z[:, 0, 1:].ravel())[0, 1]
    assert same_seed > 0.75
    assert abs(other_seed) < 0.2  # 540 pairs: five standard errors


def test_p_values_are_those_of_scipy():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, grid_search.N_ITEMS))
    r = np.corrcoef(x, y)[0, 1]
    expected = linregress(x, y, alternative="greater").pvalue
    assert grid_search._one_sided(np.array(r)) == pytest.approx(expected)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_large_effect_is_found_and_named(seed):
    grids = grid_search.simulate_grids(20, np.random.default_rng(seed), effect=0.8)
    assert (grids.p_of_mean == 0.01).all()
    assert (grids.best_mean == 0).mean() > 0.8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0,), "n_grids=0"), ((1, 0, 1.0), "effect=1.0"), ((1, 0, 0.0, 0), "n_shuffles=0")],
)
def test_what_makes_no_grid_is_refused(arguments, message):
    n_grids, seed, *more = *arguments, *((0,) if len(arguments) == 1 else ())
    with pytest.raises(ValueError, match=message):
        grid_search.simulate_grids(n_grids, np.random.default_rng(seed), *more)
