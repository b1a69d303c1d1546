"""The 92-objects reader: the real files' facts, and MATLAB files that are not what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io
from numpy.lib.recfunctions import repack_fields

from sdc_helpers.datasets import (
    DataFormatError,
    DataUnavailableError,
    load_objects92,
    load_objects92_judges,
)

N = 92
BRAIN = "92_brainRDMs.mat"
JUDGES = "92_behavRDMs.mat"
STIMULI = "Kriegeskorte_Neuron2008_supplementalData.mat"
LABELS = ("human", "face", "animal", "natural")


def random_rdm(rng: np.random.Generator) -> np.ndarray:
    return 1 - np.corrcoef(rng.normal(size=(N, 120)))


def brain_structs(rng: np.random.Generator) -> np.ndarray:
    """RDMs of two participants and two sessions, not in the order of their names."""
    structs = np.empty((1, 2, 2), dtype=[("RDM", "O"), ("name", "O"), ("color", "O")])
    names = ["BB | Session: 2", "AA | Session: 1", "BB | Session: 1", "AA | Session: 2"]
    for struct, name in zip(structs.reshape(-1), names, strict=True):
        rdm = random_rdm(rng).astype(np.float32)
        struct["RDM"] = np.triu(rdm, 1) + np.triu(rdm, 1).T
        struct["name"], struct["color"] = f"hIT | {name}", np.zeros((1, 3))
    return structs


def stimuli_structs(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    stimuli = np.empty((1, N), dtype=[(name, "O") for name in ("category", *LABELS, "image")])
    for k, struct in enumerate(stimuli[0]):
        struct["category"] = f"category {k % 6}"
        for bit, label in enumerate(LABELS):
            struct[label] = np.uint8(k >> bit & 1)
        struct["image"] = np.full((175, 175, 3), k, dtype=np.uint8)
    means = np.empty((1, 2), dtype=[("name", "O"), ("color", "O"), ("RDM", "O")])
    for struct, name in zip(means[0], ("mIT_cells", "hIT_voxels"), strict=True):
        rdm = random_rdm(rng)
        vector = [rdm[i, j] for i in range(N) for j in range(i + 1, N)]
        struct["name"], struct["color"], struct["RDM"] = name, np.zeros((1, 3)), np.array([vector])
    return stimuli, means


class Files:
    """Small but complete files; tests change a struct, write, and load."""

    def __init__(self, root: Path) -> None:
        rng = np.random.default_rng(3)
        self.root = root
        self.rdms = brain_structs(rng)
        self.stimuli, self.means = stimuli_structs(rng)

    def write(self) -> Path:
        content = {"stimuli_92objs": self.stimuli, "RDMs_mIT_hIT_fig1": self.means}
        scipy.io.savemat(self.root / BRAIN, {"RDMs": self.rdms}, do_compression=True)
        scipy.io.savemat(self.root / STIMULI, content, do_compression=True)
        return self.root


@pytest.fixture
def files(tmp_path) -> Files:
    return Files(tmp_path)


# --------------------------------------------------------------------- real files


@pytest.fixture(scope="module")
def real(_fetched):
    return load_objects92(root=_fetched / "real" / "objects92")


def test_real_shapes_and_labels(real):
    assert real.images.shape == (92, 175, 175, 3)
    assert real.images.dtype == np.uint8
    assert real.participants == ("BE", "KO", "SN", "TI")
    assert real.sessions == (1, 2)
    assert real.it_rdms.shape == (4, 2, 92, 92)
    assert real.it_rdms.dtype == np.float64
    # The design of the study: 48 animate objects, of them 12 human and 12 animal faces.
    assert len(set(real.categories)) == 6
    assert (real.animal.sum(), real.face.sum(), (real.face & real.human).sum()) == (48, 24, 12)
    for k in range(92):
        assert real.face[k] == real.categories[k].endswith(" face")
        assert real.human[k] == real.categories[k].startswith("human ")
        assert real.animal[k] == (not real.categories[k].endswith("inanimate"))
        assert real.natural[k] == (real.categories[k] != "artificial inanimate")


def test_real_rdms_are_dissimilarities(real):
    for rdm in [*real.it_rdms.reshape(-1, 92, 92), *real.mean_rdms.values()]:
        assert (rdm == rdm.T).all()
        assert (np.diagonal(rdm) == 0).all()
        assert rdm.min() >= 0
        assert rdm.max() <= 2


def test_real_human_mean_is_the_mean_over_participants_and_sessions(real):
    total = sum(real.it_rdms[p, s] for p in range(4) for s in range(2))
    np.testing.assert_allclose(real.mean_rdms["human"], total / 8, atol=1e-6)


def test_real_monkey_rdm_has_its_objects_in_the_same_order(real):
    """Faces of one species look alike to IT; an RDM unfolded the wrong way loses that."""
    rdm = real.mean_rdms["monkey"]
    faces = real.face & real.human
    within = np.mean([rdm[i, j] for i in range(92) for j in range(i) if faces[i] and faces[j]])
    others = np.mean([rdm[i, j] for i in range(92) for j in range(i) if faces[i] != faces[j]])
    assert within < 0.95 * others


def test_real_rdms_give_gram_matrices_without_squaring(real):
    """What the docstring says: with d = 1 - r, the Gram matrix -H D H has no negative direction."""
    H = np.eye(92) - 1 / 92
    for rdm in [*real.it_rdms.reshape(-1, 92, 92), *real.mean_rdms.values()]:
        assert np.linalg.eigvalsh(-H @ rdm @ H).min() > -1e-8


def test_real_files_are_found_through_the_registry(real_data, real):
    assert (load_objects92().images == real.images).all()


# --------------------------------------------------------------------- written files


def test_everything_is_read_as_written(files):
    objects = load_objects92(files.write())
    assert objects.participants == ("BB", "AA")
    assert objects.sessions == (1, 2)
    for struct in files.rdms.reshape(-1):
        _, participant, session = struct["name"].split(" | ")
        p, s = objects.participants.index(participant), int(session[-1]) - 1
        np.testing.assert_array_equal(objects.it_rdms[p, s], struct["RDM"].astype(float))
    for name, struct in zip(("monkey", "human"), files.means[0], strict=True):
        square, vector = objects.mean_rdms[name], iter(struct["RDM"].ravel())
        for i in range(N):
            for j in range(i + 1, N):
                assert square[i, j] == square[j, i] == next(vector)
    for k in range(N):
        assert objects.categories[k] == f"category {k % 6}"
        assert (objects.images[k] == k).all()
        for bit, label in enumerate(LABELS):
            assert getattr(objects, label)[k] == bool(k >> bit & 1)
            assert getattr(objects, label).dtype == bool


def test_without_files_or_network_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("SDC_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SDC_DATA_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(DataUnavailableError, match="sdc data fetch objects92"):
        load_objects92()


# --------------------------------------------------------------------- bad files


def rdm_not_square(f: Files):
    f.rdms[0, 0, 0]["RDM"] = np.zeros((92, 91))


def rdm_not_symmetric(f: Files):
    f.rdms[0, 0, 0]["RDM"][3, 5] += 0.1


def rdm_with_diagonal(f: Files):
    np.fill_diagonal(f.rdms[0, 0, 0]["RDM"], 1.0)


def rdm_with_nan(f: Files):
    f.rdms[0, 0, 0]["RDM"][3, 5] = np.nan


def rdm_of_text(f: Files):
    f.rdms[0, 0, 0]["RDM"] = "none"


def odd_name(f: Files):
    f.rdms[0, 0, 0]["name"] = "V1 | BB"


def name_twice(f: Files):
    f.rdms[0, 0, 0]["name"] = f.rdms[0, 0, 1]["name"]


def session_missing(f: Files):
    f.rdms = f.rdms.reshape(1, -1)[:, :3]


def no_names(f: Files):
    f.rdms = repack_fields(f.rdms[["RDM", "color"]])


def rdms_not_a_struct(f: Files):
    f.rdms = np.zeros((4, 92, 92))


def few_stimuli(f: Files):
    f.stimuli = f.stimuli[:, :90]


def small_image(f: Files):
    f.stimuli[0, 4]["image"] = np.zeros((175, 175), np.uint8)


def float_image(f: Files):
    f.stimuli[0, 4]["image"] = np.zeros((175, 175, 3))


def odd_label(f: Files):
    f.stimuli[0, 4]["face"] = 7


def odd_category(f: Files):
    f.stimuli[0, 4]["category"] = 3


def short_mean_rdm(f: Files):
    f.means[0, 1]["RDM"] = f.means[0, 1]["RDM"][:, :-1]


def unknown_mean_rdm(f: Files):
    f.means[0, 1]["name"] = "V1"


def only_monkey(f: Files):
    f.means = f.means[:, :1]


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (rdm_not_square, rf"{BRAIN}: RDM 'hIT \| BB \| Session: 2'.*\(92, 91\)"),
        (rdm_not_symmetric, rf"{BRAIN}: RDM .* is not symmetric"),
        (rdm_with_diagonal, rf"{BRAIN}: RDM .* diagonal that is not zero"),
        (rdm_with_nan, rf"{BRAIN}: RDM .* NaN"),
        (rdm_of_text, rf"{BRAIN}: RDM .* expected numbers"),
        (odd_name, rf"{BRAIN}: an RDM is named 'V1 \| BB'"),
        (name_twice, rf"{BRAIN}: .* occurs twice"),
        (session_missing, rf"{BRAIN}: no RDM for .*\('AA', 2\)"),
        (no_names, rf"{BRAIN}: a struct has no field 'name'"),
        (rdms_not_a_struct, rf"{BRAIN}: expected a struct array named RDMs"),
        (few_stimuli, rf"{STIMULI}: 90 stimuli, expected 92"),
        (small_image, rf"{STIMULI}: image 5 is uint8 of shape \(175, 175\)"),
        (float_image, rf"{STIMULI}: image 5 is float64"),
        (odd_label, rf"{STIMULI}: label 'face'"),
        (odd_category, rf"{STIMULI}: field 'category'"),
        (short_mean_rdm, rf"{STIMULI}: RDM 'hIT_voxels' has 4185 entries"),
        (unknown_mean_rdm, rf"{STIMULI}: RDM 'V1'"),
        (only_monkey, rf"{STIMULI}: RDMs for \['monkey'\], expected human and monkey"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_bad_content_is_named(files, damage, match):
    damage(files)
    with pytest.raises(DataFormatError, match=match):
        load_objects92(files.write())


@pytest.mark.parametrize("name", [BRAIN, STIMULI])
@pytest.mark.parametrize("damage", ["text", "truncated", "empty", "missing"])
def test_a_file_that_is_no_matlab_file_is_named(files, name, damage):
    file = files.write() / name
    content = {"text": b"<html>404</html>" * 50, "empty": b"", "truncated": file.read_bytes()[:-99]}
    file.unlink() if damage == "missing" else file.write_bytes(content[damage])
    expected = "is not there" if damage == "missing" else "cannot be read as a MATLAB file"
    with pytest.raises(DataFormatError, match=rf"{name} {expected}"):
        load_objects92(files.root)


# --------------------------------------------------------------------- judges


def judge_structs(rng: np.random.Generator, names: tuple[str, ...]) -> np.ndarray:
    structs = np.empty((1, len(names)), dtype=[("RDM", "O"), ("name", "O"), ("color", "O")])
    for struct, name in zip(structs[0], names, strict=True):
        half = np.triu(rng.uniform(0.001, 0.03, (N, N)), 1)
        struct["RDM"], struct["name"], struct["color"] = half + half.T, name, np.zeros((1, 3))
    return structs


def write_judges(root: Path, structs: np.ndarray) -> Path:
    scipy.io.savemat(root / JUDGES, {"rdms_behav_92": structs}, do_compression=True)
    return root


def test_judges_are_read_as_written_in_order_of_their_numbers(tmp_path):
    names = ("simJudge | subject10", "simJudge | subject2")
    structs = judge_structs(np.random.default_rng(1), names)
    judges = load_objects92_judges(write_judges(tmp_path, structs))
    assert judges.judges == (2, 10)
    np.testing.assert_array_equal(judges.rdms, [structs[0, 1]["RDM"], structs[0, 0]["RDM"]])


@pytest.mark.parametrize(
    ("field", "value", "match"),
    [
        ("name", "BE", f"{JUDGES}: an RDM is named 'BE'"),
        ("name", "simJudge | subject2", "'simJudge . subject2'.*each once"),
        ("RDM", np.zeros((92, 92)), "holds negative values or zeros alone"),
        ("RDM", np.eye(92) - 1, "holds negative values or zeros alone"),
        ("RDM", np.ones((92, 92)), "diagonal that is not zero"),
        ("RDM", np.ones((91, 92)), r"shape \(91, 92\)"),
    ],
)
def test_judges_that_are_none(tmp_path, field, value, match):
    structs = judge_structs(
        np.random.default_rng(1), ("simJudge | subject1", "simJudge | subject2")
    )
    structs[0, 0][field] = value
    with pytest.raises(DataFormatError, match=match):
        load_objects92_judges(write_judges(tmp_path, structs))


def test_a_file_without_judges(tmp_path):
    with pytest.raises(DataFormatError, match=f"{JUDGES} is not there"):
        load_objects92_judges(tmp_path)
    with pytest.raises(DataFormatError, match="holds no RDM"):
        load_objects92_judges(write_judges(tmp_path, judge_structs(np.random.default_rng(1), ())))


def test_real_judges_put_objects_in_the_order_of_the_photographs(mirror_folder, real):
    judges = load_objects92_judges(root=mirror_folder / "objects92")
    assert judges.judges == tuple(range(1, 17))
    rng = np.random.default_rng(0)
    orders = [rng.permutation(N) for _ in range(50)]
    same = (real.categories[:, None] == real.categories) & ~np.eye(N, dtype=bool)
    for rdm in judges.rdms:  # each puts a category's objects nearer to each other than by chance
        assert rdm[same].mean() < min(rdm[np.ix_(o, o)][same].mean() for o in orders)
