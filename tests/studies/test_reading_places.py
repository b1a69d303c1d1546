"""Where voxels of concepts lie, counted with sets of places."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.studies.reading_places import (
    LocaliserOverlap,
    affines_of,
    localiser_overlap,
    volumes_of,
)


def places_of(reading, name, concept):
    places = np.argwhere(reading.data[name].mask)[reading.own[name] == concept]
    return set(map(tuple, places.tolist()))


def test_volumes_hold_the_voxels_at_their_places(reading):
    for concept in (0, 1):
        volumes = volumes_of(reading, concept)
        assert list(volumes) == ["a", "b"]
        for name, volume in volumes.items():
            assert volume.shape == (2, 3, 2)
            found = set(map(tuple, np.argwhere(volume).tolist()))
            assert found == places_of(reading, name, concept)


def test_affines_are_those_of_each_participant(reading):
    affines = affines_of(reading)
    assert [affines[name][2, 2] for name in "ab"] == [2, 3]


def test_overlap_is_the_dice_coefficient_of_sets_of_places(reading):
    on = localiser_overlap(reading, n_draws=19, seed=0)
    assert on.localisers == ("floc-faces", "floc-words")
    assert on.dice.shape == (2, 2, 2)
    for k, j, i in np.ndindex(2, 2, 2):
        name = "ab"[i]
        own = places_of(reading, name, k)
        volume = reading.study.reader.roi(name, on.localisers[j]).volume
        region = set(map(tuple, np.argwhere((volume > 0) & reading.data[name].mask).tolist()))
        if len(own) < 2:
            assert np.isnan(on.dice[k, j, i])
            continue
        expected = 2 * len(own & region) / (len(own) + len(region))
        assert on.dice[k, j, i] == pytest.approx(expected)
    assert np.isnan(on.by_luck[1, 1])
    luck = on.by_luck[np.isfinite(on.by_luck)]
    assert len(luck) == 3
    assert ((luck > 0) & (luck <= 1)).all()


def test_the_same_seed_draws_the_same_patches(reading):
    one, same, other = (
        localiser_overlap(reading, n_draws=19, seed=seed).by_luck for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other, equal_nan=True)


def test_the_best_localiser_is_that_of_the_largest_mean_without_those_who_lack_it():
    dice = np.array([[[0.2, np.nan], [0.1, 0.5]], [[0.6, np.nan], [0.1, 0.9]], [[np.nan] * 2] * 2])
    by_luck = np.array([[0.1, 0.35], [np.nan, 0.4], [np.nan, np.nan]])
    on = LocaliserOverlap(("faces", "words"), dice, by_luck)
    assert on.best.tolist() == [1, 0, 0]  # means 0.2 and 0.3; 0.6 and 0.5
    np.testing.assert_array_equal(on.of_best, [[0.1, 0.5], [0.6, np.nan], [np.nan, np.nan]])
    assert on.is_on_it[:2].tolist() == [False, True]  # 0.3 against 0.35; 0.6 against 0.4


def test_localisers_that_a_participant_lacks_are_left_out(reading):
    del reading.study.reader._regions["b", "floc-words"]
    assert localiser_overlap(reading, n_draws=5, seed=0).localisers == ("floc-faces",)
    with pytest.raises(ValueError, match="hold all of floc-words"):
        localiser_overlap(reading, n_draws=5, seed=0, localisers=("floc-words",))
