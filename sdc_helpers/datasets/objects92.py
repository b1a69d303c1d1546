"""92 object photographs and the inferior temporal RDMs they evoke (Kriegeskorte et al. 2008)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdc_helpers.datasets.errors import DataFormatError, require_file, unreadable
from sdc_helpers.datasets.registry import fetch

DATASET = "objects92"
N_OBJECTS = 92
IMAGE_SHAPE = (175, 175, 3)
BRAIN_FILE = "92_brainRDMs.mat"
STIMULI_FILE = "Kriegeskorte_Neuron2008_supplementalData.mat"
JUDGES_FILE = "92_behavRDMs.mat"
_LABELS = ("human", "face", "animal", "natural")
_RDM_NAME = re.compile(r"hIT \| (\w+) \| Session: (\d+)")
_JUDGE_NAME = re.compile(r"simJudge \| subject(\d+)")
_MEAN_RDMS = {"mIT": "monkey", "hIT": "human"}
_SYMMETRY_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Objects92:
    """Stimuli, labels and inferior temporal (IT) RDMs, all in the same order of objects.

    Attributes
    ----------
    images : numpy.ndarray of shape (92, 175, 175, 3)
        RGB photographs, uint8.
    categories : numpy.ndarray of shape (92,)
        Category name of each object, such as ``"human face"``; six different ones.
    human, face, animal, natural : numpy.ndarray of shape (92,)
        Boolean labels.
    it_rdms : numpy.ndarray of shape (n_participants, n_sessions, 92, 92)
        Human IT, one RDM a participant and session, float64, symmetric, zero diagonal.
    participants : tuple of str
        Names along the first axis of `it_rdms`.
    sessions : tuple of int
        Session numbers along the second axis of `it_rdms`.
    mean_rdms : dict of str to numpy.ndarray of shape (92, 92)
        ``"monkey"``: IT single-cell recordings, 674 cells. ``"human"``: the mean over
        participants and sessions of `it_rdms`.
    """

    images: np.ndarray
    categories: np.ndarray
    human: np.ndarray
    face: np.ndarray
    animal: np.ndarray
    natural: np.ndarray
    it_rdms: np.ndarray
    participants: tuple[str, ...]
    sessions: tuple[int, ...]
    mean_rdms: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Objects92Judges:
    """Dissimilarities of the 92 objects as people judged them, in the order of `Objects92`.

    Attributes
    ----------
    rdms : numpy.ndarray of shape (n_judges, 92, 92)
        One RDM a person, float64, symmetric, zero diagonal: distances at which the person arranged
        the photographs on a screen. Only their proportions have a meaning, within a person: the
        screen has no unit.
    judges : tuple of int
        Number of each person along the first axis of `rdms`. Nothing in the files links them to
        the participants of `Objects92.it_rdms`: take them for other people.
    """

    rdms: np.ndarray
    judges: tuple[int, ...]


def load_objects92(root: str | Path | None = None) -> Objects92:
    """Load the 92 objects and their human and monkey IT RDMs.

    Parameters
    ----------
    root : path-like, optional
        Folder that holds the dataset's two MATLAB files, which are then read without checking
        their checksums. Default: the verified files, fetched if necessary.

    Returns
    -------
    Objects92
        Images, labels and RDMs.

    Raises
    ------
    DataFormatError
        If a file is not what its name says; the message names it.
    DataUnavailableError
        If the files are neither present nor can be fetched.

    Notes
    -----
    A dissimilarity is ``d = 1 - r``, with r the Pearson correlation of two response patterns
    across voxels (across cells in the monkey). It is half of a *squared* Euclidean distance, that
    of patterns centred across voxels and scaled to unit length: ``|a - b|^2 = 2 (1 - r)``. The
    Gram matrix of those patterns, centred over objects, is therefore
    ``-1/2 H (2 D) H = -H D H`` with ``H = I - 11^T / n``. Do not square D first, as one would with
    a matrix of distances. ``-H D H`` is positive semidefinite, and since it is linear in D, so is
    that of a mean of RDMs. The scale of each pattern is lost, and the centring across voxels
    removes the mean activation: two regions are compared in pattern, not in amplitude.

    References
    ----------
    Kriegeskorte et al. (2008), Neuron 60, 1126-1141.
    """
    folder = fetch(DATASET) if root is None else Path(root).expanduser()
    it_rdms, participants, sessions = _read_brain_rdms(folder / BRAIN_FILE)
    file = folder / STIMULI_FILE
    content = _read_mat(file, ("stimuli_92objs", "RDMs_mIT_hIT_fig1"))
    return Objects92(
        **_parse_stimuli(content["stimuli_92objs"], file),
        it_rdms=it_rdms,
        participants=participants,
        sessions=sessions,
        mean_rdms=_parse_mean_rdms(content["RDMs_mIT_hIT_fig1"], file),
    )


def load_objects92_judges(root: str | Path | None = None) -> Objects92Judges:
    """Load how 16 people judged the similarity of the 92 objects.

    Parameters
    ----------
    root : path-like, optional
        As in `load_objects92`; only the file of the judgements is read.

    Returns
    -------
    Objects92Judges
        RDMs by person.

    Raises
    ------
    DataFormatError
        If the file is not what its name says; the message names it.
    DataUnavailableError
        If the files are neither present nor can be fetched.

    References
    ----------
    Mur, Meys, Bodurka, Goebel, Bandettini, Kriegeskorte (2013), Frontiers in Psychology 4, 128.
    """
    folder = fetch(DATASET) if root is None else Path(root).expanduser()
    file = folder / JUDGES_FILE
    found: dict[int, np.ndarray] = {}
    for struct in _read_mat(file, ("rdms_behav_92",))["rdms_behav_92"].ravel():
        name = _text(struct, "name", file)
        match = _JUDGE_NAME.fullmatch(name)
        if match is None or int(match[1]) in found:
            raise DataFormatError(
                f"{file}: an RDM is named {name!r}, expected 'simJudge | subject1' and the like, "
                "each once."
            )
        rdm = _check_rdm(_field(struct, "RDM", file), name, file)
        if not rdm.any() or (rdm < 0).any():
            raise DataFormatError(f"{file}: RDM {name!r} holds negative values or zeros alone.")
        found[int(match[1])] = rdm
    if not found:
        raise DataFormatError(f"{file} holds no RDM.")
    judges = tuple(sorted(found))
    return Objects92Judges(np.stack([found[judge] for judge in judges]), judges)


def _read_mat(file: Path, variables: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Read struct arrays from a MATLAB file (version 5)."""
    import scipy.io

    require_file(file, "a MATLAB file")
    try:
        content = scipy.io.loadmat(str(file), variable_names=list(variables))
    except Exception as error:  # scipy and zlib raise many kinds on foreign or truncated files
        raise unreadable(file, error, "read as a MATLAB file") from error
    for variable in variables:
        if variable not in content or content[variable].dtype.names is None:
            raise DataFormatError(f"{file}: expected a struct array named {variable}.")
    return content


def _read_brain_rdms(file: Path) -> tuple[np.ndarray, tuple[str, ...], tuple[int, ...]]:
    """Sort the RDMs by the participant and session that their names give."""
    structs = _read_mat(file, ("RDMs",))["RDMs"]
    found: dict[tuple[str, int], np.ndarray] = {}
    for struct in structs.ravel():
        name = _text(struct, "name", file)
        match = _RDM_NAME.fullmatch(name)
        if match is None:
            raise DataFormatError(
                f"{file}: an RDM is named {name!r}, expected one like 'hIT | BE | Session: 1'."
            )
        key = match[1], int(match[2])
        if key in found:
            raise DataFormatError(f"{file}: {name!r} occurs twice.")
        found[key] = _check_rdm(_field(struct, "RDM", file), name, file)
    participants = tuple(dict.fromkeys(participant for participant, _ in found))
    sessions = tuple(sorted({session for _, session in found}))
    missing = [(p, s) for p in participants for s in sessions if (p, s) not in found]
    if missing or not found:
        raise DataFormatError(f"{file}: no RDM for (participant, session) {missing}.")
    rdms = np.array([[found[p, s] for s in sessions] for p in participants])
    return rdms, participants, sessions


def _parse_stimuli(structs: np.ndarray, file: Path) -> dict[str, np.ndarray]:
    structs = structs.ravel()
    if len(structs) != N_OBJECTS:
        raise DataFormatError(f"{file}: {len(structs)} stimuli, expected {N_OBJECTS}.")
    images = [_field(struct, "image", file) for struct in structs]
    for number, image in enumerate(images, start=1):
        if image.shape != IMAGE_SHAPE or image.dtype != np.uint8:
            raise DataFormatError(
                f"{file}: image {number} is {image.dtype} of shape {image.shape}, expected uint8 "
                f"of shape {IMAGE_SHAPE}."
            )
    labels = {name: np.array([_flag(s, name, file) for s in structs]) for name in _LABELS}
    categories = np.array([_text(struct, "category", file) for struct in structs])
    return {"images": np.stack(images), "categories": categories, **labels}


def _parse_mean_rdms(structs: np.ndarray, file: Path) -> dict[str, np.ndarray]:
    """Unfold the upper triangles (row by row, as MATLAB's and SciPy's squareform) by name."""
    from scipy.spatial.distance import squareform

    n_pairs = N_OBJECTS * (N_OBJECTS - 1) // 2
    rdms = {}
    for struct in structs.ravel():
        name, vector = _text(struct, "name", file), _field(struct, "RDM", file)
        if name[:3] not in _MEAN_RDMS or vector.size != n_pairs:
            raise DataFormatError(
                f"{file}: RDM {name!r} has {vector.size} entries, expected mIT and hIT RDMs of "
                f"{n_pairs} pairs each."
            )
        square = squareform(vector.ravel().astype(float))
        rdms[_MEAN_RDMS[name[:3]]] = _check_rdm(square, name, file)
    if set(rdms) != set(_MEAN_RDMS.values()):
        raise DataFormatError(f"{file}: RDMs for {sorted(rdms)}, expected human and monkey.")
    return rdms


def _check_rdm(rdm: np.ndarray, name: str, file: Path) -> np.ndarray:
    """Return the RDM as float64, exactly symmetric, or say what is wrong with it."""
    if rdm.shape != (N_OBJECTS, N_OBJECTS) or rdm.dtype.kind not in "fiu":
        raise DataFormatError(
            f"{file}: RDM {name!r} is {rdm.dtype} of shape {rdm.shape}, expected numbers of shape "
            f"({N_OBJECTS}, {N_OBJECTS})."
        )
    rdm = rdm.astype(float)
    if not np.isfinite(rdm).all():
        raise DataFormatError(f"{file}: RDM {name!r} holds NaN or infinite values.")
    if np.abs(rdm - rdm.T).max() > _SYMMETRY_TOLERANCE:
        raise DataFormatError(f"{file}: RDM {name!r} is not symmetric.")
    if np.abs(np.diagonal(rdm)).max() > _SYMMETRY_TOLERANCE:
        raise DataFormatError(f"{file}: RDM {name!r} has a diagonal that is not zero.")
    symmetric = (rdm + rdm.T) / 2
    np.fill_diagonal(symmetric, 0.0)
    return symmetric


def _field(struct: np.void, name: str, file: Path) -> np.ndarray:
    if name not in (struct.dtype.names or ()):
        raise DataFormatError(f"{file}: a struct has no field {name!r}.")
    return np.asarray(struct[name])


def _text(struct: np.void, name: str, file: Path) -> str:
    value = _field(struct, name, file)
    if value.size != 1 or value.dtype.kind != "U":
        raise DataFormatError(f"{file}: field {name!r} is {value!r}, expected one string.")
    return str(value.item())


def _flag(struct: np.void, name: str, file: Path) -> bool:
    value = _field(struct, name, file)
    if value.size != 1 or value.dtype.kind not in "biuf" or value.item() not in (0, 1):
        raise DataFormatError(f"{file}: label {name!r} is {value!r}, expected 0 or 1.")
    return bool(value.item())
