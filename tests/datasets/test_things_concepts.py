"""The THINGS concepts: joins of the real tables, what ratings say, and files that are not so."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from sdc_helpers.datasets import DataFormatError, load_things_concepts
from sdc_helpers.datasets.things_concepts import (
    CATEGORIES_FILE,
    CONCEPTS_FILE,
    DIMENSIONS_FILE,
    RATINGS_FILE,
    SIZES_FILE,
)

DEFINITION = "Definition (from WordNet, Google, or Wikipedia)"


class Files:
    """Four concepts, two of them named "bat", in tables of other orders; tests damage them."""

    def __init__(self, root) -> None:
        self.root = root
        self.concepts = [
            ["bat1", "bat", "an animal"],
            ["bat2", "bat", "a club"],
            ["mold1", "mold", "a container"],
            ["bird_bath", "bird bath", "a bowl"],
        ]
        self.categories = [
            ["bat", "a club", "", "1"],
            ["bird bath", "of any text", "", ""],
            ["bat", "an animal", "1", ""],
            ["mold1", "", "", "1"],
            ["", "", "1", "2"],
        ]
        ids = ("mold1", "bird_bath", "bat2", "bat1")
        self.ratings = [[name, 1 + k, 7 - k] for k, name in enumerate(ids)]
        self.sizes = [
            ["bird bath", "bird bath", "300"],
            ["bat2", "bat (club)", "200"],
            ["mold2", "mold (form)", "150"],
            ["bat1", "bat (animal)", "120"],
            ["baseball glove", "baseball", "90"],
        ]
        self.dimensions = np.arange(8.0).reshape(4, 2).astype(np.float32)

    def write(self):
        self.table(CONCEPTS_FILE, "\t", ["uniqueID", "Word", DEFINITION], self.concepts)
        self.table(CATEGORIES_FILE, "\t", ["Word", DEFINITION, "animal", "tool"], self.categories)
        self.table(RATINGS_FILE, ",", ["uniqueID", "lives_mean", "be.moved_mean"], self.ratings)
        self.table(SIZES_FILE, ";", ["uniqueID", "object", "meanSize"], self.sizes)
        np.save(self.root / DIMENSIONS_FILE, self.dimensions)
        return self.root

    def table(self, name, separator, header, rows):
        with (self.root / name).open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle, delimiter=separator).writerows([header, *rows])


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


@pytest.fixture(scope="module")
def folder(real_data_mirror):
    folder = real_data_mirror / "things_concepts"
    if not folder.is_dir():
        pytest.skip("the mirror has no THINGS concepts")
    return folder


@pytest.fixture(scope="module")
def real(folder):
    return load_things_concepts(folder)


def held_out_r(dimensions: np.ndarray, values: np.ndarray, seed: int) -> float:
    """Correlation of what least squares predicts of ten held-out parts with what was rated."""
    part = np.random.default_rng(seed).permutation(len(values)) % 10
    design, predicted = np.column_stack([dimensions, np.ones(len(values))]), np.empty(len(values))
    for k in range(10):
        fitted = np.linalg.lstsq(design[part != k], values[part != k], rcond=None)[0]
        predicted[part == k] = design[part == k] @ fitted
    return float(np.corrcoef(predicted, values)[0, 1])


def interval(r: float, n: int) -> tuple[float, float]:
    """Of a correlation, 95 % (Fisher)."""
    return tuple(np.tanh(np.arctanh(r) + np.array([-1.96, 1.96]) / np.sqrt(n - 3)))


# ---------------------------------------------------------------------- real files


def test_real_tables(real):
    assert real.dimensions.shape == (1854, 42)
    assert real.categories.shape == (1854, 53)
    assert len(set(real.ids.tolist())) == 1854
    assert len(real.ratings) == 11
    assert real.ids[np.isnan(real.sizes)].tolist() == ["baseball_glove", "basketball_hoop"]
    animal = real.categories[:, real.category_names.index("animal")]
    assert animal.sum() == 177
    lives = real.ratings["lives"]
    assert lives[animal].mean() > lives[~animal].mean() + 3


def test_real_ratings_are_predicted_from_the_dimensions(real):
    """What the source's page says of "lives", r .911, over three ways to part the concepts."""
    found = np.mean([held_out_r(real.dimensions, real.ratings["lives"], seed) for seed in range(3)])
    assert found == pytest.approx(0.911, abs=0.001)
    assert interval(found, 1854)[0] > 0.9


def test_real_sizes_are_predicted_from_the_dimensions(folder, real):
    """The source's page joins identifiers as they are spelled, n 1,581, r .793; seven are wrong.

    Joined by the objects that people were asked about, 1,852 concepts have a size.
    """
    with (folder / SIZES_FILE).open(encoding="utf-8", newline="") as lines:
        spelled = {
            r["uniqueID"]: float(r["meanSize"]) for r in csv.DictReader(lines, delimiter=";")
        }
    rows = np.array([k for k, name in enumerate(real.ids) if name in spelled])
    as_spelled = np.array([spelled[name] for name in real.ids[rows]])
    assert len(rows) == 1581
    wrong = real.ids[rows[as_spelled != real.sizes[rows]]]
    assert wrong.tolist() == ["crystal2", "mold1", "mold2", "tank1", "tank2", "walker1", "walker2"]
    naive = np.mean([held_out_r(real.dimensions[rows], as_spelled, seed) for seed in range(3)])
    assert naive == pytest.approx(0.793, abs=0.002)
    rated = ~np.isnan(real.sizes)
    found = np.mean(
        [held_out_r(real.dimensions[rated], real.sizes[rated], seed) for seed in range(3)]
    )
    low, high = interval(found, rated.sum())
    assert 0.75 < low < 0.793 < high


# ---------------------------------------------------------------------- made files


def test_tables_are_joined(files):
    things = load_things_concepts(files.write())
    assert things.ids.tolist() == ["bat1", "bat2", "mold1", "bird_bath"]
    assert things.words.tolist() == ["bat", "bat", "mold", "bird bath"]
    assert things.category_names == ("animal", "tool")
    assert things.categories.tolist() == [[1, 0], [0, 1], [0, 1], [0, 0]]
    np.testing.assert_array_equal(things.ratings["lives"], [4, 3, 1, 2])
    np.testing.assert_array_equal(things.ratings["be.moved"], [4, 5, 7, 6])
    np.testing.assert_array_equal(things.sizes, [120, 200, 150, 300])
    np.testing.assert_array_equal(things.dimensions, files.dimensions)


@pytest.mark.parametrize("seed", range(3))
def test_no_order_of_rows_matters(files, seed):
    expected = load_things_concepts(files.write())
    rng = np.random.default_rng(seed)
    for rows in (files.ratings, files.sizes):
        rng.shuffle(rows)
    files.categories[:4] = [files.categories[k] for k in rng.permutation(4)]
    order = rng.permutation(4)
    files.concepts = [files.concepts[k] for k in order]
    files.dimensions = files.dimensions[order]
    things = load_things_concepts(files.write())
    for name in ("ids", "definitions", "dimensions", "categories", "sizes"):
        np.testing.assert_array_equal(getattr(things, name), getattr(expected, name)[order])
    for name, values in expected.ratings.items():
        np.testing.assert_array_equal(things.ratings[name], values[order])


def test_a_concept_without_a_size(files):
    del files.sizes[0]
    assert np.isnan(load_things_concepts(files.write()).sizes).tolist() == [False] * 3 + [True]


def put(name, row, column, value):
    def damage(files):
        getattr(files, name)[row][column] = value

    return damage


def drop(name, row):
    return lambda files: getattr(files, name).pop(row)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (put("concepts", 1, 0, "bat1"), f"{CONCEPTS_FILE}: concept 'bat1' occurs twice"),
        (put("categories", 0, 1, "a stick"), f"{CATEGORIES_FILE}, row 2: 'bat' is not one concept"),
        (put("categories", 1, 0, "bat1"), "row 4: 'bat' is not one concept|occurs twice"),
        (put("categories", 1, 2, "2"), "row 3: '2'; expected 1 or nothing"),
        (put("categories", 4, 3, "3"), "in the last row the number of members"),
        (drop("categories", 4), "3 concepts, expected 4"),
        (put("ratings", 1, 0, "unicorn"), f"{RATINGS_FILE}, row 3: 'unicorn' is no concept"),
        (put("ratings", 1, 0, "bat1"), f"{RATINGS_FILE}, row 5: 'bat1' occurs twice"),
        (put("ratings", 1, 1, "x"), "row 3: lives_mean is 'x'; expected a number"),
        (put("ratings", 1, 1, "8"), "row 3: lives is 8; expected 1 to 7"),
        (drop("ratings", 3), "has no row of concept 'bat1'"),
        (put("sizes", 1, 2, "nan"), "row 3: meanSize is 'nan'; expected a number"),
        (put("sizes", 1, 0, "bird_bath"), "row 3: 'bird_bath' occurs twice"),
        (put("sizes", 1, 0, "unicorn"), f"{SIZES_FILE}, row 3: 'unicorn' is no concept"),
        (lambda f: f.sizes[1].append("9"), "row 3: 4 fields, expected 3"),
        (lambda f: f.sizes.clear(), f"{SIZES_FILE}: columns are uniqueID.* rows 0"),
        (lambda f: setattr(f, "dimensions", f.dimensions[:3]), r"shape \(3, 2\).* 4 concepts"),
        (lambda f: setattr(f, "dimensions", -f.dimensions), "numbers below zero"),
        (lambda f: setattr(f, "dimensions", f.dimensions[0]), "holds no table of real numbers"),
        (lambda f: setattr(f, "dimensions", np.array([{}])), "cannot be read as an array"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit_are_named(files, damage, said):
    damage(files)
    with pytest.raises(DataFormatError, match=said):
        load_things_concepts(files.write())


@pytest.mark.parametrize("name", [CONCEPTS_FILE, CATEGORIES_FILE, RATINGS_FILE, SIZES_FILE])
def test_missing_and_foreign_files_are_named(files, name):
    file = files.write() / name
    for content in (b"", b"<html>not found</html>", b"\xff\xfe\x00"):
        file.write_bytes(content)
        with pytest.raises(DataFormatError, match=name):
            load_things_concepts(files.root)
    file.unlink()
    with pytest.raises(DataFormatError, match=rf"{name} is not there; .* fetch things_concepts"):
        load_things_concepts(files.root)
