"""Names of groups of images, on images whose dimensions are planted, and on the real ones."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.datasets.nsd_shared import NSDSharedImages, load_nsd_shared
from sdc_helpers.studies.named_dimensions import GROUPS, name_groups

N = 240


def _images(strength):
    rng = np.random.default_rng(0)
    shown = [GROUPS[k % len(GROUPS)] for k in range(N)]
    dimensions = rng.random((N, 9))
    for k, group in enumerate(GROUPS):
        dimensions[:, k] += strength * (np.array(shown) == group)
    nothing = tuple(() for _ in range(N))
    groups = tuple((group,) for group in shown)
    names = (*(f"{group}-related" for group in GROUPS), "red", "long", "old")
    areas = tuple(np.empty(0) for _ in range(N))
    return NSDSharedImages(np.arange(N), nothing, nothing, groups, areas, dimensions, names)


def test_a_planted_dimension_names_its_group():
    for found in name_groups(_images(2.0), seed=1):
        assert found.name == f"{found.group}-related"
        assert found.auc.value == 1.0


def test_a_name_chosen_by_luck_is_worth_nothing():
    values = [found.auc.value for seed in range(5) for found in name_groups(_images(0.0), seed)]
    assert np.mean(values) == pytest.approx(0.5, abs=0.05)


def test_real_groups_have_the_names_that_were_expected(real_data_mirror):
    folder = real_data_mirror / "nsd_shared1000"
    if not folder.is_dir():
        pytest.skip("the mirror has no nsd_shared1000")
    found = {one.group: one for one in name_groups(load_nsd_shared(folder), seed=2024)}
    by_hand = {"food": 0.988, "animal": 0.976, "vehicle": 0.949, "person": 0.941}
    for group, value in by_hand.items():
        auc = found[group].auc
        assert auc.low - 0.01 < value < auc.high + 0.01, (group, auc)  # there all images score
