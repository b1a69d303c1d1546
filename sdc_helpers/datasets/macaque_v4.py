"""Neurons of macaque area V4 and the natural pictures they answered to (Cowley et al. 2023)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdc_helpers.datasets._zip_files import read_members
from sdc_helpers.datasets.errors import DataFormatError, require_file, unreadable
from sdc_helpers.datasets.registry import fetch

DATASET = "macaque_v4"
IMAGE_SHAPE = (112, 112, 3)
V4_SESSIONS = {"190923": "WE", "201025": "PE", "210621": "RA", "210325": "PE"}
"""Animal of each recording session; the last one has single trials."""
_WITH_TRIALS = ("210325",)
_AGAIN = f"fetch it again with `sdc data fetch {DATASET}`"
_LARGEST_PICTURE = 2**20  # bytes; they are of a few thousand
_ROUNDING = 1e-9  # spike counts, between a mean in the file and that of the trials


@dataclass(frozen=True, eq=False)
class V4Session:
    """Responses of one session's neurons to natural pictures, and the pictures.

    No picture is in two sessions, so that the neurons of two animals never answer to the same one.

    Attributes
    ----------
    session : str
        Date of the recording, year, month and day: "190923".
    animal : str
        "WE", "PE" or "RA".
    responses : float64 array of shape (n_pictures, n_neurons)
        Spikes in 100 ms, mean over the repetitions of a picture.
    pictures : uint8 array of shape (n_pictures, 112, 112, 3)
        RGB, in the order of the rows of `responses`.
    trials : float64 array of shape (n_pictures, n_repetitions, n_neurons) or None
        Spikes in 100 ms of each repetition, NaN after a picture's last one; None where the source
        has means alone.
    names : tuple of str
        File name of each picture.
    """

    session: str
    animal: str
    responses: np.ndarray
    pictures: np.ndarray
    trials: np.ndarray | None
    names: tuple[str, ...] = ()

    @property
    def duplicates(self) -> tuple[tuple[int, ...], ...]:
        """Rows that show the very same picture, pixel by pixel, one tuple a picture.

        A split over rows that puts one of them into training and another into the test tells the
        decoder the answer.
        """
        rows: dict[bytes, list[int]] = {}
        for row, picture in enumerate(self.pictures):
            rows.setdefault(picture.tobytes(), []).append(row)
        return tuple(tuple(same) for same in rows.values() if len(same) > 1)

    @property
    def distinct(self) -> np.ndarray:
        """Rows of distinct pictures, ascending: of those that show the same, the first."""
        again = [row for rows in self.duplicates for row in rows[1:]]
        return np.setdiff1d(np.arange(len(self.pictures)), np.array(again, dtype=int))


def load_v4(session: str = "201025", root: str | Path | None = None) -> V4Session:
    """Load one recording session with its pictures.

    Parameters
    ----------
    session : {"190923", "201025", "210621", "210325"}
        Which: 33 neurons of WE, 89 of PE, 51 of RA, with 1,200 pictures each; or 50 of PE with 640
        pictures and single trials.
    root : str or pathlib.Path, optional
        Folder of the files, which are then read without checking their checksums. By default the
        registered files, fetched if necessary.

    Returns
    -------
    V4Session

    Raises
    ------
    ValueError
        If there is no such session.
    DataUnavailableError
        If `root` is not given and the files are neither on disk nor can be fetched.
    DataFormatError
        If a file is missing in `root`, is not what it should be, or does not fit another one.

    References
    ----------
    Cowley, Stan, Pillow, Smith (2023), bioRxiv, "Compact deep neural network models of visual
    cortex".
    """
    if session not in V4_SESSIONS:
        raise ValueError(f"session={session!r}: expected one of {', '.join(V4_SESSIONS)}.")
    folder = fetch(DATASET) if root is None else Path(root).expanduser()
    file = folder / f"responses_{session}.npy"
    responses = _counts(file, 2).T
    if not np.isfinite(responses).all():
        raise DataFormatError(f"{file} holds NaN or infinite means; {_AGAIN}.")
    pictures, names = _pictures(folder / f"images_{session}.zip", len(responses), file)
    trials = None
    if session in _WITH_TRIALS:
        trials = _trials(folder / f"responses_raw_{session}.npy", responses, file)
    responses = np.ascontiguousarray(responses)
    return V4Session(session, V4_SESSIONS[session], responses, pictures, trials, names)


def _counts(file: Path, n_axes: int) -> np.ndarray:
    """Read mean or single spike counts, neurons first; NaN may be among them."""
    require_file(file, f"spike counts (`sdc data fetch {DATASET}`)")
    try:
        counts = np.load(file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise unreadable(file, error, "read as an array", _AGAIN) from error
    if not isinstance(counts, np.ndarray) or counts.dtype != np.float64 or counts.ndim != n_axes:
        found = f"{getattr(counts, 'dtype', 'an archive')} of {np.ndim(counts)} axes"
        raise DataFormatError(
            f"{file} holds {found}; expected float64 of {n_axes} axes, neurons first."
        )
    if not counts.size or (counts < 0).any():
        raise DataFormatError(f"{file} is empty or holds negative spike counts; {_AGAIN}.")
    return counts


def _trials(file: Path, means: np.ndarray, of_means: Path) -> np.ndarray:
    """Read single trials and hold them against the means."""
    counts = _counts(file, 3)
    if counts.shape[:2] != means.T.shape:
        raise DataFormatError(
            f"{file} is of {counts.shape[0]} neurons and {counts.shape[1]} pictures, {of_means} "
            f"of {means.shape[1]} and {len(means)}; expected the same session in both."
        )
    there = ~np.isnan(counts)
    if not (there == there[:1]).all() or not there[..., 0].all():
        raise DataFormatError(
            f"{file}: a picture's trials are not the same in all neurons, or it has none; {_AGAIN}."
        )
    apart = np.abs(np.nanmean(counts, axis=2).T - means).max()
    if not apart <= _ROUNDING:
        raise DataFormatError(
            f"{file}: means over trials differ from {of_means} by {apart:.3g} spikes; expected the "
            "same session in both."
        )
    return np.ascontiguousarray(counts.transpose(1, 2, 0))


def _pictures(
    file: Path, n_pictures: int, of_responses: Path
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read the pictures in the order of their names, (n_pictures, 112, 112, 3), and the names."""
    from PIL import Image

    is_picture = lambda name: name.lower().endswith((".jpg", ".jpeg"))  # noqa: E731
    content = f"the pictures (`sdc data fetch {DATASET}`)"
    members = read_members(file, is_picture, _LARGEST_PICTURE, content, _AGAIN)
    if len(members) != n_pictures:
        raise DataFormatError(
            f"{file} holds {len(members)} pictures and {of_responses} responses to "
            f"{n_pictures}; expected the same session in both."
        )
    pictures = np.empty((n_pictures, *IMAGE_SHAPE), dtype=np.uint8)
    for number, (name, encoded) in enumerate(members.items()):
        try:
            with Image.open(io.BytesIO(encoded)) as picture:
                shape = (picture.height, picture.width, len(picture.getbands()))
                if shape == IMAGE_SHAPE:
                    pictures[number] = np.array(picture)
        except (OSError, ValueError, SyntaxError) as error:
            raise unreadable(file, error, f"read: {name} is no picture", _AGAIN) from error
        if shape != IMAGE_SHAPE:
            raise DataFormatError(f"{file}: {name} has shape {shape}; expected {IMAGE_SHAPE}.")
    return pictures, tuple(Path(name).name for name in members)
