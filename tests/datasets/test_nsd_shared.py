"""NSD's shared images: the real files' facts, the join, and files that are not what they say."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from scipy.stats import rankdata

from sdc_helpers.datasets import (
    DataFormatError,
    load_nsd_noise_ceilings,
    load_nsd_shared,
)
from sdc_helpers.datasets.nsd_shared import (
    CEILINGS_FILE,
    DIMENSION_IMAGES_FILE,
    DIMENSION_NAMES_FILE,
    DIMENSIONS_FILE,
    IMAGES_FILE,
)

HEADER = (
    "image_id",
    "image_name",
    "coco_supercategs",
    "coco_categs",
    "coco_areas",
    "coco_captions",
)
BEST = {  # group of COCO: dimension that is expected, and its AUC in the source's page
    "food": ("food-related", 0.988),
    "animal": ("animal-related", 0.976),
    "vehicle": ("transportation-/movement-related", 0.949),
    "person": ("body-/people-related", 0.941),
    "electronic": ("electronics / technology", 0.872),
    "furniture": ("house-related/furnishing-related", 0.783),
}


class Files:
    """Three images, of which four have dimensions, in other orders; tests damage them."""

    def __init__(self, root) -> None:
        self.root = root
        self.rows = {
            number: (
                number,
                f"{number}.jpg",
                ["animal"],
                ["cat"],
                [number / 2],
                ["a cat", " it's "],
            )
            for number in (70, 5, 600)
        }
        self.rows[70] = (70, "70.jpg", [], [], [], ["nothing"])
        self.images()
        self.write(
            DIMENSION_IMAGES_FILE, *(f"COCO_train2014_{k:012d}.jpg" for k in (600, 1, 70, 5))
        )
        self.values = np.add.outer([600, 1, 70, 5], [0.25, 0.5])
        self.dimensions()
        self.write(DIMENSION_NAMES_FILE, "furry", "beams  mesh")
        self.write(CEILINGS_FILE, "subj_id,sim_id,value", "1,0,.8", "1,1,.7", "5,1,.6", "5,0,.5")

    def write(self, name, *lines):
        (self.root / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def images(self, *more, header=HEADER):
        with (self.root / IMAGES_FILE).open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle).writerows([header, *self.rows.values(), *more])

    def dimensions(self):
        np.savetxt(self.root / DIMENSIONS_FILE, self.values)

    def change(self, column, text):
        row = list(self.rows[5])
        row[HEADER.index(column)] = text
        self.rows[5] = tuple(row)
        self.images()


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


@pytest.fixture(scope="module")
def folder(real_data_mirror):
    folder = real_data_mirror / "nsd_shared1000"
    if not folder.is_dir():
        pytest.skip("the mirror has no shared images of NSD")
    return folder


@pytest.fixture(scope="module")
def real(folder):
    return load_nsd_shared(folder)


def auc(shown: np.ndarray, score: np.ndarray) -> float:
    """Area under the curve, from ranks (Mann and Whitney)."""
    n = shown.sum()
    return (rankdata(score)[shown].sum() - n * (n + 1) / 2) / (n * (len(shown) - n))


def standard_error(area: float, shown: np.ndarray) -> float:
    """Of an area under the curve (Hanley and McNeil 1982)."""
    n, m = shown.sum(), (~shown).sum()
    both, neither = area / (2 - area) - area**2, 2 * area**2 / (1 + area) - area**2
    return np.sqrt((area * (1 - area) + (n - 1) * both + (m - 1) * neither) / (n * m))


# ---------------------------------------------------------------------- real files


def test_real_images(real):
    assert len(set(real.image_ids.tolist())) == len(real.captions) == 1000
    assert sorted({len(c) for c in real.captions}) == [5, 6]
    assert sum(len(c) == 6 for c in real.captions) == 3
    assert real.dimensions.shape == (1000, 66)
    assert (real.dimensions.min(), np.isnan(real.dimensions).sum()) == (0, 0)
    assert len(set(real.dimension_names)) == 66
    for names, groups, areas in zip(real.categories, real.supercategories, real.areas, strict=True):
        assert len(names) == len(groups) == len(areas)


@pytest.mark.parametrize("group", BEST)
def test_real_dimensions_name_what_is_shown(real, group):
    """The expected dimension is the best of 66, by the source's AUC; its interval excludes .7."""
    shown = real.shows(group)
    scores = [auc(shown, column) for column in real.dimensions.T]
    best = int(np.argmax(scores))
    assert (real.dimension_names[best], round(scores[best], 3)) == BEST[group]
    assert scores[best] - 1.96 * standard_error(scores[best], shown) > 0.7


def test_real_captions_are_of_the_images_whose_dimensions_they_have(real):
    """A join of another order would lose this: the AUC of a word in the captions."""
    said = np.array([" winter" in " ".join(c).lower() for c in real.captions])
    column = real.dimensions[:, real.dimension_names.index("coldness-related / winter-related")]
    assert auc(said, column) > 0.7


def test_real_noise_ceilings(folder):
    ceilings = load_nsd_noise_ceilings(folder)
    assert ceilings.participants == (1, 2, 5, 7)
    assert ceilings.values.shape == (4, 5)
    means = ceilings.values.mean(axis=1)
    np.testing.assert_allclose(means, [0.796, 0.832, 0.863, 0.711], atol=5e-4)
    assert np.ptp(ceilings.values, axis=1).max() < np.ptp(means)  # people differ more than runs


# ---------------------------------------------------------------------- made files


def test_tables_are_joined_by_the_identifier(files):
    images = load_nsd_shared(files.root)
    assert images.image_ids.tolist() == [5, 70, 600]
    np.testing.assert_array_equal(images.dimensions[:, 0], images.image_ids + 0.25)
    assert images.captions == (("a cat", "it's"), ("nothing",), ("a cat", "it's"))
    assert images.categories == (("cat",), (), ("cat",))
    assert images.supercategories == (("animal",), (), ("animal",))
    assert [a.tolist() for a in images.areas] == [[2.5], [], [300.0]]
    assert images.dimension_names == ("furry", "beams mesh")


@pytest.mark.parametrize("seed", range(3))
def test_no_order_of_rows_matters(files, seed):
    rng = np.random.default_rng(seed)
    files.rows = {k: files.rows[k] for k in rng.permutation([70, 5, 600]).tolist()}
    files.images()
    order = rng.permutation(4)
    files.values = files.values[order]
    files.dimensions()
    numbers = np.array([600, 1, 70, 5])[order]
    files.write(DIMENSION_IMAGES_FILE, *(f"COCO_train2014_{k:012d}.jpg" for k in numbers))
    images = load_nsd_shared(files.root)
    np.testing.assert_array_equal(images.dimensions[:, 0], images.image_ids + 0.25)


def test_what_is_shown(files):
    images = load_nsd_shared(files.root)
    assert images.shows("cat").tolist() == images.shows("animal").tolist() == [True, False, True]
    with pytest.raises(ValueError, match="category='dog' is in no image; groups are animal"):
        images.shows("dog")


def test_ceilings_are_sorted(files):
    ceilings = load_nsd_noise_ceilings(files.root)
    assert ceilings.participants == (1, 5)
    np.testing.assert_array_equal(ceilings.values, [[0.8, 0.7], [0.5, 0.6]])


def test_text_is_never_evaluated(files, tmp_path):
    """What would write a file, were it run, is refused as no list."""
    mark = tmp_path / "mark"
    files.change("coco_captions", f"[open({str(mark)!r}, 'w').write('x')]")
    with pytest.raises(DataFormatError, match=r"line 3: coco_captions is .*expected a list of"):
        load_nsd_shared(files.root)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda f: f.change("coco_captions", "['a', 'b'"), "line 3: coco_captions is .* of texts"),
        (lambda f: f.change("coco_captions", "('a',)"), "coco_captions .* expected a list of t"),
        (lambda f: f.change("coco_captions", "[1]"), "coco_captions is '\\[1\\]'; expected a list"),
        (lambda f: f.change("coco_captions", "[]"), "line 3: a caption is missing or blank"),
        (lambda f: f.change("coco_captions", "[' ']"), "line 3: a caption is missing or blank"),
        (lambda f: f.change("coco_captions", "[" * 5000), "line 3: coco_captions"),
        (lambda f: f.change("coco_areas", "['x']"), "coco_areas .* expected a list of numbers"),
        (lambda f: f.change("coco_areas", "[1, 2]"), "line 3: its lists of objects differ"),
        (lambda f: f.change("image_id", "5a"), "line 3: image_id is '5a'; expected a whole number"),
        (lambda f: f.images(f.rows[5]), "image 5 occurs twice"),
        (lambda f: f.images((9, "9.jpg", [], [], [], ["x"])), "names no image 9 of shared1000"),
        (lambda f: f.images((9, "9.jpg")), "shared1000"),
        (lambda f: f.images(header=("a", "b", "c", "d", "e", "f")), "columns are .* expected im"),
        (lambda f: f.write(DIMENSION_NAMES_FILE, "furry"), r"shape \(4, 2\) .* 1 dimensions"),
        (lambda f: f.write(DIMENSION_NAMES_FILE, ""), "labels.txt is empty"),
        (lambda f: f.write(DIMENSIONS_FILE, "1 2", "3 x"), "cannot be read as a table of numbers"),
        (lambda f: f.write(DIMENSIONS_FILE, *["1 nan"] * 4), "numbers that are not finite"),
        (lambda f: f.write(DIMENSION_IMAGES_FILE, "cat.jpg"), "line 1: 'cat.jpg'; expected COCO"),
        (lambda f: f.write(DIMENSION_IMAGES_FILE, *["COCO_x_000000000005.jpg"] * 4), "line 2: "),
    ],
)  # fmt: skip
def test_files_that_do_not_fit_are_named(files, damage, said):
    damage(files)
    with pytest.raises(DataFormatError, match=said):
        load_nsd_shared(files.root)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["1,0,.8", "1,0,.7"], r"line 3: simulation \(1, 0\) occurs twice"),
        (["1,0,.8", "5,1,.7"], r"no value of \(participant, simulation\) \(1, 1\)"),
        (["1,0,1.8"], "line 2: value is '1.8'; expected one from 0 to 1"),
        (["1,0,high"], "line 2: value is 'high'"),
        (["one,0,.8"], "line 2: subj_id is 'one'"),
        (["1,0"], "line 2: fewer or more fields"),
        ([], "rows 0; expected subj_id, sim_id, value"),
    ],
)
def test_ceilings_that_are_none(files, lines, said):
    files.write(CEILINGS_FILE, "subj_id,sim_id,value", *lines)
    with pytest.raises(DataFormatError, match=said):
        load_nsd_noise_ceilings(files.root)


@pytest.mark.parametrize("name", [IMAGES_FILE, DIMENSIONS_FILE, DIMENSION_IMAGES_FILE])
def test_missing_and_cut_files_are_named(files, name):
    file = files.root / name
    whole = file.read_bytes()
    for content in (whole[:-7], b"", b"<html>not found</html>", b"\xff\xfe\x00"):
        file.write_bytes(content)
        with pytest.raises(DataFormatError, match=file.name):
            load_nsd_shared(files.root)
    file.unlink()
    with pytest.raises(DataFormatError, match=rf"{name} is not there; .* fetch nsd_shared1000"):
        load_nsd_shared(files.root)
