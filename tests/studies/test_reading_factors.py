"""What voxels may follow in pictures, against loops over pixels and fitted lines."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from sdc_helpers.studies.reading_factors import CANDIDATES, candidates, edge_energy, partials


def test_edges_are_differences_of_neighbouring_pixels(reading):
    pictures = reading.study.reader.stimuli(np.array([0, 4]))
    for picture, energy in zip(pictures, edge_energy(pictures), strict=True):
        grey = [[float(np.mean(pixel)) for pixel in row] for row in picture]
        across = [abs(row[x + 1] - row[x]) for row in grey for x in range(4)]
        down = [abs(grey[y + 1][x] - grey[y][x]) for y in range(5) for x in range(5)]
        assert energy == pytest.approx(np.mean(across) + np.mean(down))


def test_a_blank_picture_has_no_edges():
    assert edge_energy(np.full((2, 4, 4, 3), 7)).tolist() == [0, 0]


def test_candidates_stand_in_their_order_a_row_a_picture(reading):
    ids, known = np.array([8, 3]), reading.study.truth.images
    number = candidates(reading, "number", ids)
    assert tuple(number.columns) == CANDIDATES["number"]
    assert number["objects (log)"].tolist() == [np.log2(known.n_objects[i]) for i in (8, 3)]
    assert number["people"].tolist() == [known.n_people[i] for i in (8, 3)]
    assert number["brightness"].tolist() == [known.brightness[i] for i in (8, 3)]
    edges = edge_energy(reading.study.reader.stimuli(ids))
    np.testing.assert_allclose(number["edges"], edges)
    shape = candidates(reading, "food_shape", ids)
    assert shape.columns[0] == "round shape"
    for value, image in zip(shape["round shape"], (8, 3), strict=True):
        assert value == known.food_round[image] - known.food_long[image]
    assert shape["warm colour"].tolist() == [known.food_warm[i] for i in (8, 3)]


def test_partial_correlations_are_those_of_what_lines_leave(reading):
    for one in reading.data.values():  # more pictures than candidates
        one.image_ids[8:] = [0, 2, 3, 4, 6, 7, 8, 9]
    held = reading.held_out()
    values, origin = partials(reading, "number", held)
    assert origin == "cluster"
    assert values.shape == (2, 4)
    for row, name in zip(values, "ab", strict=True):
        table = candidates(reading, "number", held.pictures[name]).to_numpy(float)
        for column in range(4):
            others = np.column_stack([np.ones(8), np.delete(table, column, axis=1)])
            left = [
                v - others @ np.linalg.solve(others.T @ others, others.T @ v)
                for v in (held.percent[name][:, 0], table[:, column])
            ]
            assert row[column] == pytest.approx(np.corrcoef(*left)[0, 1], abs=1e-6)


def test_unknown_concepts_and_real_pictures_are_refused(reading):
    with pytest.raises(ValueError, match="'dogs': expected one of number, food_colour"):
        candidates(reading, "dogs", np.array([0]))
    real = replace(reading, study=SimpleNamespace(truth=None))
    with pytest.raises(ValueError, match="of simulated pictures"):
        candidates(real, "number", np.array([0]))
