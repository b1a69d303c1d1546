"""Simulated THINGS-fMRI participants whose regions read known features of the images.

The files have the names, columns and number types of the table form of the release, so that the
same reader opens both. What each region reads, and how well, is in ``truth.json`` beside them.
"""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers._files import atomic_folder, check_unused
from sdc_helpers.simulate._things_participant import (
    ROI_COLUMNS,
    Plan,
    readout,
    write_participant,
)

GENERATOR_VERSION = 1

ROI_SIZES: Mapping[str, int] = {
    "V1": 997,
    "V2": 760,
    "V3": 690,
    "hV4": 430,
    "VO1": 150,
    "TO1": 112,
    "lFFA": 210,
    "rFFA": 300,
    "lEBA": 420,
    "rEBA": 560,
    "lPPA": 240,
    "rPPA": 270,
}
"""Voxels of the ROIs of Murphy, Zylberberg and Fyshe (2024, arXiv 2405.01012).

Their range, 112 to 997, is the published one; which ROI has which size is chosen here.
"""

_FEWEST_VOXELS = 10  # of a ROI that is scaled down
_IMAGE_NAME = re.compile(r".+_\d+[a-z]\.\w+")


def things_images(n_concepts: int = 72, n_sessions: int = 4, n_test: int = 10) -> tuple[str, ...]:
    """Name images as THINGS does: the training images by concept, then the test images.

    Parameters
    ----------
    n_concepts : int, default=72
        Object concepts, 720 in the release.
    n_sessions : int, default=4
        Training images of each concept, one a session; 12 in the release.
    n_test : int, default=10
        Test images, each of another concept; 100 in the release.

    Returns
    -------
    tuple of str
        ``n_concepts * n_sessions + n_test`` names such as ``concept007_02s.jpg``.

    Raises
    ------
    ValueError
        If a number is too small, or there are more test images than concepts.
    """
    check_count("n_concepts", n_concepts, 2)
    check_count("n_sessions", n_sessions, 2)
    check_count("n_test", n_test, 2)
    if n_test > n_concepts:
        raise ValueError(f"n_test={n_test} exceeds n_concepts={n_concepts}; expected at most one.")
    train = [f"concept{c:03d}_{k:02d}s.jpg" for c in range(n_concepts) for k in _from_1(n_sessions)]
    tested = np.linspace(0, n_concepts - 1, n_test).astype(int)
    return (*train, *(f"concept{c:03d}_{n_sessions + 1:02d}s.jpg" for c in tested))


def write_things(
    root: str | Path,
    images: Sequence[str] | None = None,
    roi_features: Mapping[str, np.ndarray] | None = None,
    n_participants: int = 3,
    n_concepts: int = 72,
    n_sessions: int = 4,
    n_test: int = 10,
    noise_ceiling: float | Mapping[str, float] = 10.0,
    feature_names: Mapping[str, str] | None = None,
    roi_sizes: Mapping[str, int] = ROI_SIZES,
    scale: float = 1.0,
    n_other_voxels: int = 300,
    seed: int = 0,
) -> Path:
    """Write simulated participants in the files of THINGS-fMRI (table form).

    A voxel of a ROI with features X (images, d) answers to image i with

        beta = 0.07 (sqrt(c) x_i w + sqrt(1 - c) e),    w, e ~ N(0, 1),

    where the columns of X are centred and X is scaled to a mean squared row norm of 1. Every voxel
    has weights w of its own, drawn anew in each participant, so that the Gram matrix of a ROI's
    signal is that of X in expectation, and on average over voxels the fraction c of the variance of
    single trials is due to the images. A ROI without features, and the voxels of no ROI, hold noise
    alone.

    Training images are shown once, dealt over the sessions in turn, and test images in every
    session, in an order of each participant's own. Positions lie on a grid without anatomy; pRF
    columns are filled with plausible numbers that mean nothing. Noise ceilings and split-half
    correlations are estimated from the test trials, as in the release.

    Parameters
    ----------
    root : path-like
        Folder to make; what is not there yet or is empty. It appears only when it is complete.
    images : sequence of str, optional
        File names such as ``dog_12s.jpg``; the last `n_test` are the test images. Default:
        ``things_images(n_concepts, n_sessions, n_test)``.
    roi_features : mapping of str to array of shape (n_images, d), optional
        What each ROI reads, a row an image of `images`; any d.
    n_participants : int, default=3
        Participants.
    n_concepts : int, default=72
        Concepts where `images` is not given; not used otherwise.
    n_sessions : int, default=4
        Sessions, at least 2: the number of times a test image is shown.
    n_test : int, default=10
        Test images, at least 2.
    noise_ceiling : float or mapping of str to float, default=10.0
        Share of the variance of single trials that is due to the images, 100 c in percent, in all
        ROIs with features or in each of them.
    feature_names : mapping of str to str, optional
        What the features of a ROI are called in ``truth.json``, say the layer of a network.
    roi_sizes : mapping of str to int, default=ROI_SIZES
        Voxels of each ROI. Other ROIs of the release are there and empty.
    scale : float, default=1.0
        Factor on `roi_sizes`; a ROI keeps 10 voxels at least, or its size if that is smaller.
    n_other_voxels : int, default=300
        Voxels of no ROI.
    seed : int, default=0
        Seed of everything that is drawn: the same seed and arguments give the same files.

    Returns
    -------
    pathlib.Path
        `root`, holding three files a participant and ``truth.json``.

    Raises
    ------
    ValueError
        If an argument is not one of the above, or `root` holds something already.
    """
    root = Path(root)
    check_unused(root)
    for name, value, least in (
        ("n_participants", n_participants, 1),
        ("n_sessions", n_sessions, 2),
        ("n_test", n_test, 2),
        ("n_other_voxels", n_other_voxels, 0),
        ("seed", seed, 0),
    ):
        check_count(name, value, least)
    if images is None:
        images = things_images(n_concepts, n_sessions, n_test)
    sizes = _checked_sizes(roi_sizes, scale)
    images = checked_images(images, n_test)
    features = _checked_features(roi_features or {}, len(images), sizes)
    ceilings = _checked_ceilings(noise_ceiling, features)
    plan = Plan(
        images=images,
        n_test=n_test,
        n_sessions=n_sessions,
        sizes=sizes,
        n_other_voxels=n_other_voxels,
        readouts={roi: readout(X) for roi, X in features.items()},
        fractions={roi: ceiling / 100 for roi, ceiling in ceilings.items()},
        seed=seed,
    )
    truth = _truth(plan, n_participants, features, _checked_names(feature_names or {}, features))
    with atomic_folder(root) as folder:
        for number in _from_1(n_participants):
            write_participant(folder / f"sub-{number:02d}", number, plan)
        text = json.dumps(truth, indent=1)
        (folder / "truth.json").write_text(text + "\n", encoding="utf-8")
    return root


def _truth(
    plan: Plan,
    n_participants: int,
    features: dict[str, np.ndarray],
    names: dict[str, str],
) -> dict:
    rois = {}
    for roi, size in plan.sizes.items():
        c = plan.fractions.get(roi, 0.0)
        rois[roi] = {
            "n_voxels": size,
            "reads": names.get(roi),
            "n_features": features[roi].shape[1] if roi in features else 0,
            "noise_ceiling_singletrial": 100 * c,
            "noise_ceiling_testset": 100 * c / (c + (1 - c) / plan.n_sessions),
            "snr": np.sqrt(c / (1 - c)),
        }
    return {
        "simulated": True,
        "generator": "sdc_helpers.simulate.things",
        "generator_version": GENERATOR_VERSION,
        "seed": plan.seed,
        "n_participants": n_participants,
        "n_sessions": plan.n_sessions,
        "images": list(plan.images),
        "test_images": [plan.images[k] for k in plan.test_images],
        "rois": rois,
    }


def checked_images(images: Sequence[str], n_test: int) -> tuple[str, ...]:
    """Return the names of images, or raise unless each is one of THINGS, there once, and enough."""
    names = tuple(images)
    for name, count in Counter(names).items():
        if not (isinstance(name, str) and _IMAGE_NAME.fullmatch(name)) or count > 1:
            raise ValueError(
                f"images holds {name!r}, {count} times; expected names such as dog_12s.jpg, each "
                "once."
            )
    if len(names) < n_test + 2:
        raise ValueError(
            f"images holds {len(names)} names; expected at least 2 besides n_test={n_test}."
        )
    return names


def _checked_sizes(roi_sizes: Mapping[str, int], scale: float) -> dict[str, int]:
    if not (isinstance(scale, Real) and 0 < scale < np.inf):
        raise ValueError(f"scale={scale!r}: expected a number above 0.")
    _check_rois("roi_sizes", roi_sizes, ROI_COLUMNS)
    if not roi_sizes:
        raise ValueError("roi_sizes is empty; expected at least one ROI.")
    for roi, size in roi_sizes.items():
        check_count(f"roi_sizes[{roi!r}]", size, 1)
    return {roi: max(round(n * scale), min(n, _FEWEST_VOXELS)) for roi, n in roi_sizes.items()}


def _checked_features(
    roi_features: Mapping[str, np.ndarray], n_images: int, sizes: dict[str, int]
) -> dict[str, np.ndarray]:
    _check_rois("roi_features", roi_features, tuple(sizes))
    checked = {}
    for roi, given in roi_features.items():
        array = np.asarray(given)
        if array.ndim != 2 or len(array) != n_images or array.dtype.kind not in "biuf":
            raise ValueError(
                f"roi_features[{roi!r}] is {array.dtype} of shape {array.shape}; expected numbers "
                f"of shape ({n_images}, d), a row an image."
            )
        array = array.astype(float)
        if not np.isfinite(array).all() or not (array != array[:1]).any():
            raise ValueError(
                f"roi_features[{roi!r}] must be finite and differ between images; leave the ROI "
                "out to have noise alone."
            )
        checked[roi] = array
    return checked


def _checked_ceilings(
    noise_ceiling: float | Mapping[str, float], features: dict[str, np.ndarray]
) -> dict[str, float]:
    if isinstance(noise_ceiling, Mapping):
        _check_rois("noise_ceiling", noise_ceiling, tuple(features))
        missing = [roi for roi in features if roi not in noise_ceiling]
        if missing:
            raise ValueError(f"noise_ceiling has no entry for {missing[0]!r}, which has features.")
    else:
        noise_ceiling = dict.fromkeys([*features, "all ROIs"], noise_ceiling)
    for roi, value in noise_ceiling.items():
        if not (isinstance(value, Real) and 0 < value < 100):
            raise ValueError(f"noise_ceiling={value!r} of {roi}: expected percent in (0, 100).")
    return {roi: float(noise_ceiling[roi]) for roi in features}


def _checked_names(
    feature_names: Mapping[str, str], features: dict[str, np.ndarray]
) -> dict[str, str]:
    _check_rois("feature_names", feature_names, tuple(features))
    return {roi: str(feature_names.get(roi, f"features of {roi}")) for roi in features}


def _check_rois(argument: str, given: Mapping, known: tuple[str, ...]) -> None:
    for roi in given:
        if roi not in known:
            near = difflib.get_close_matches(str(roi), known, n=3, cutoff=0.4) or known[:5]
            raise ValueError(
                f"{argument} names the ROI {roi!r}, which is unknown here; the nearest are "
                f"{', '.join(near) or 'none: roi_features is empty'}."
            )


def _from_1(n: int) -> range:
    return range(1, n + 1)
