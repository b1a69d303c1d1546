"""Block-design fMRI of one participant viewing eight object categories (Haxby et al. 2001)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Literal

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.datasets import _haxby_files as files
from sdc_helpers.datasets.errors import DataFormatError
from sdc_helpers.datasets.registry import fetch

DATASET = "haxby2001"
SLICE_MIN_MEAN = 400.0
_TIME_EPSILON = 1e-6  # volumes: keeps 5.0 / 2.5 from rounding to the next volume


@dataclass(frozen=True, eq=False)
class HaxbyRun:
    """One run as recorded, every voxel of the grid.

    Attributes
    ----------
    run : int
        Number of the run, from 1.
    series : numpy.ndarray of shape (n_volumes, x * y * z)
        BOLD signal in the scanner's arbitrary units and the file's dtype, voxels in C order.
    onsets, durations : numpy.ndarray of shape (n_blocks,)
        Blocks in seconds from the first volume, in order of onset.
    categories : numpy.ndarray of shape (n_blocks,)
        Object category of each block.
    tr : float
        Repetition time, seconds a volume.
    grid_shape : tuple of int
        Size of the grid, (x, y, z).
    affine : numpy.ndarray of shape (4, 4)
        Matrix from voxel indices to millimetres.
    """

    run: int
    series: np.ndarray
    onsets: np.ndarray
    durations: np.ndarray
    categories: np.ndarray
    tr: float
    grid_shape: tuple[int, int, int]
    affine: np.ndarray


@dataclass(frozen=True, eq=False)
class HaxbyBlocks:
    """Mean response of each block of the experiment, in run order.

    Attributes
    ----------
    responses : numpy.ndarray of shape (n_blocks, n_voxels)
        Block means of the z-scored signal, float64. In the full dataset n_blocks is 96.
    categories : numpy.ndarray of shape (n_blocks,)
        Object category of each block.
    runs : numpy.ndarray of shape (n_blocks,)
        Run of each block, from 1.
    voxels : numpy.ndarray of shape (n_voxels, 3)
        Position of each voxel in the grid.
    excluded : numpy.ndarray of shape (n_excluded, 3)
        Positions of voxels that were selected but left out: constant in at least one run, so
        that they have no z-score there.
    category_names : tuple of str
        The categories in the order of the condition key.
    grid_shape : tuple of int
        Size of the volume, (x, y, z).
    affine : numpy.ndarray of shape (4, 4)
        Matrix from voxel indices to millimetres.
    units : str
        Unit of `responses`.
    """

    responses: np.ndarray
    categories: np.ndarray
    runs: np.ndarray
    voxels: np.ndarray
    excluded: np.ndarray
    category_names: tuple[str, ...]
    grid_shape: tuple[int, int, int]
    affine: np.ndarray
    units: str = "standard deviations of the voxel's signal within the run"

    def to_volume(self, values: np.ndarray) -> np.ndarray:
        """Put one value a voxel back into the grid, for a map.

        Parameters
        ----------
        values : array-like of shape (n_voxels,)
            Value of each voxel, in the order of `voxels`.

        Returns
        -------
        numpy.ndarray of shape `grid_shape`
            NaN where no voxel was selected.

        Raises
        ------
        ValueError
            If there is not one value a voxel.
        """
        values = np.asarray(values, dtype=float)
        if values.shape != (len(self.voxels),):
            raise ValueError(f"values has shape {values.shape}, expected ({len(self.voxels)},).")
        volume = np.full(self.grid_shape, np.nan)
        volume[tuple(self.voxels.T)] = values
        return volume


def load_haxby(
    view: Literal["slice", "whole_brain"] = "slice",
    shift_s: float = 5.0,
    mask: Literal["brain", "gray", "vt"] | None = None,
    min_mean: float | None = None,
    mean_run: int | Literal["last", "all"] = "last",
    root: str | Path | None = None,
) -> HaxbyBlocks:
    """Load the mean response of every voxel to every stimulus block.

    Each voxel's time series is z-scored within its run (population standard deviation, ddof=0).
    A block's response is the mean over the volumes i with
    ``onset + shift_s <= i * TR < onset + duration + shift_s``. Nothing is detrended or smoothed,
    and motion is not regressed out.

    Parameters
    ----------
    view : {"slice", "whole_brain"}, default="slice"
        Voxels to read: one axial slice at full resolution (40 x 20 x 1 voxels of 3.1 x 3.75 x 3.75
        mm) or the whole brain resampled to 25 mm (6 x 10 x 10 voxels).
    shift_s : float, default=5.0
        Delay of the haemodynamic response, seconds.
    mask : {"brain", "gray", "vt"}, optional
        Keep the voxels of a mask; the masks belong to the whole brain. At 25 mm they are coarse:
        129, 28 and 1 voxels. A mask, or a run, whose affine runs otherwise than the first run's is
        turned; one that lies elsewhere is refused.
    min_mean : float, optional
        Keep voxels whose mean signal (scanner units) is above this. Default: 400 for the slice,
        which leaves out the background, and no threshold for the whole brain.
    mean_run : int, "last" or "all", default="last"
        The run in which that mean is taken, or all of them. The last run gives 493 voxels in the
        slice, all runs together 495.
    root : path-like, optional
        Folder that holds the dataset's files, which are then read without checking their
        checksums. Default: the verified files, fetched if necessary.

    Returns
    -------
    HaxbyBlocks
        Responses, labels and positions.

    Raises
    ------
    ValueError
        If an argument is not one of the above, or no voxel is left.
    DataFormatError
        If a file is not what its name says; the message names it.
    DataUnavailableError
        If the files are neither present nor can be fetched.

    References
    ----------
    Haxby et al. (2001), Science 293, 2425-2430.
    """
    _check_choice("view", view, tuple(files.VIEWS))
    _check_mask(mask, view)
    min_mean = _resolve_threshold(min_mean, view)
    folder = _folder(root)
    known = tuple(files.find_runs(folder))
    _check_choice("mean_run", mean_run, ("last", "all", *known))

    responses, categories, runs, means, constant = [], [], [], {}, []
    for run in load_haxby_runs(view, root=folder):
        z, is_constant = _z_score(run.series)
        responses.append(block_means(z, run.onsets, run.durations, run.tr, shift_s))
        categories.append(run.categories)
        runs.append(np.full(len(run.categories), run.run))
        means[run.run] = run.series.mean(axis=0, dtype=float)
        constant.append(is_constant)

    signal = _reference_mean(means, mean_run)
    selected = signal > min_mean
    if mask is not None:
        first = files.find_runs(folder)[min(known)] / files.VIEWS[view]
        reference = files.read_grid(first, "the first run")
        selected &= files.read_mask(folder, mask, reference).ravel()
    is_constant = np.any(constant, axis=0)
    keep = selected & ~is_constant
    if not keep.any():
        raise ValueError(
            f"min_mean={min_mean:g}, mask={mask!r} and view={view!r} leave no voxel: the largest "
            f"mean is {signal.max():g}, and {np.sum(selected)} selected voxels are constant."
        )
    positions = np.indices(run.grid_shape).reshape(3, -1).T
    return HaxbyBlocks(
        responses=np.concatenate(responses)[:, keep],
        categories=np.concatenate(categories),
        runs=np.concatenate(runs),
        voxels=positions[keep],
        excluded=positions[selected & is_constant],
        category_names=files.read_category_names(folder),
        grid_shape=run.grid_shape,
        affine=run.affine,
    )


def load_haxby_runs(
    view: Literal["slice", "whole_brain"] = "slice",
    runs: Sequence[int] | None = None,
    root: str | Path | None = None,
) -> Iterator[HaxbyRun]:
    """Load the time series run by run; only one run is in memory at a time.

    Parameters
    ----------
    view : {"slice", "whole_brain"}, default="slice"
        Voxels to read, see `load_haxby`.
    runs : sequence of int, optional
        Numbers of the runs, in the order wanted; all of them by default.
    root : path-like, optional
        Folder of the dataset, see `load_haxby`.

    Yields
    ------
    HaxbyRun
        One run at a time, in the order wanted.

    Raises
    ------
    ValueError
        If `view` or a run is unknown; raised at the call, before the first run is read.
    DataFormatError
        If a file is not what its name says, events lie outside the run, or runs have other grids.
    DataUnavailableError
        If the files are neither present nor can be fetched.
    """
    _check_choice("view", view, tuple(files.VIEWS))
    folder = _folder(root)
    folders = files.find_runs(folder)
    wanted = tuple(folders if runs is None else runs)
    for run in wanted:
        _check_choice("runs", run, tuple(folders))
    return _iterate_runs(folder, view, {run: folders[run] for run in wanted})


def _iterate_runs(folder: Path, view: str, run_folders: dict[int, Path]) -> Iterator[HaxbyRun]:
    tr = files.read_tr(folder)
    names = files.read_category_names(folder)
    grid = None  # of the first run, whose voxels all others are brought in line with
    for run, run_folder in run_folders.items():
        bold_file, events_file = run_folder / files.VIEWS[view], run_folder / "bold_events.tsv"
        events = files.read_events(events_file, names)
        data, grid = files.read_bold(bold_file, tr, grid)
        length, end = data.shape[3] * tr, np.max(events.onsets + events.durations)
        if end > length + _TIME_EPSILON:
            raise DataFormatError(
                f"{events_file}: a block ends at {end:g} s, but {bold_file.name} has "
                f"{data.shape[3]} volumes and ends at {length:g} s."
            )
        series = data.reshape(-1, data.shape[3]).T
        yield HaxbyRun(
            run=run,
            series=series,
            onsets=events.onsets,
            durations=events.durations,
            categories=events.categories,
            tr=tr,
            grid_shape=grid.shape,
            affine=grid.affine,
        )


def block_means(
    series: np.ndarray,
    onsets: np.ndarray,
    durations: np.ndarray,
    tr: float,
    shift_s: float = 5.0,
) -> np.ndarray:
    """Average a time series over blocks, each moved by the haemodynamic delay.

    Parameters
    ----------
    series : numpy.ndarray of shape (n_volumes, n_voxels)
        Signal; volume i belongs to the time ``i * tr``.
    onsets, durations : array-like of shape (n_blocks,)
        Start and length of each block, in seconds.
    tr : float
        Repetition time in seconds.
    shift_s : float, default=5.0
        Delay of the haemodynamic response, in seconds.

    Returns
    -------
    numpy.ndarray of shape (n_blocks, n_voxels)
        Mean over the volumes with ``onset + shift_s <= time < onset + duration + shift_s``.

    Raises
    ------
    ValueError
        If the delay is negative or not finite, or a block, so moved, holds no volume or does not
        lie inside the series.
    """
    if not (isinstance(shift_s, Real) and 0 <= shift_s < np.inf):
        raise ValueError(f"shift_s={shift_s!r}: expected seconds, zero or more.")
    begin = np.asarray(onsets, dtype=float) + shift_s
    first = np.ceil(begin / tr - _TIME_EPSILON).astype(int)
    end = np.ceil((begin + np.asarray(durations)) / tr - _TIME_EPSILON).astype(int)
    bad = (first < 0) | (end > len(series)) | (first >= end)
    if bad.any():
        k = int(np.argmax(bad))
        raise ValueError(
            f"shift_s={shift_s:g}: the block at {onsets[k]:g} s would take volumes {first[k]} to "
            f"{end[k] - 1} of a run with volumes 0 to {len(series) - 1}; expected at least one "
            "volume, all inside the run. Take a smaller shift."
        )
    return np.stack([series[a:b].mean(axis=0) for a, b in zip(first, end, strict=True)])


def category_model(categories: Sequence[str], names: Sequence[str] | None = None) -> np.ndarray:
    """Code categories as one column each: the model in which only the category matters.

    Parameters
    ----------
    categories : sequence of str, length n
        Category of each block.
    names : sequence of str, length k, optional
        Order of the columns. Default: the names that occur, sorted.

    Returns
    -------
    numpy.ndarray of shape (n, k)
        1.0 where the block is of the column's category, 0.0 elsewhere.

    Raises
    ------
    ValueError
        If there are no categories, a name occurs twice, or a category is not among `names`.
    """
    categories = as_array("categories", categories).astype(str)
    if categories.ndim != 1 or len(categories) == 0:
        raise ValueError(f"categories has shape {categories.shape}, expected (n,) with n >= 1.")
    columns = np.unique(categories) if names is None else as_array("names", names).astype(str)
    if len(np.unique(columns)) != len(columns):
        raise ValueError(f"names={list(names)} holds a name twice.")
    unknown = np.setdiff1d(categories, columns)
    if len(unknown):
        raise ValueError(f"categories holds {unknown.tolist()}, which names does not list.")
    return (categories[:, None] == columns[None, :]).astype(float)


def _z_score(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Z-score the columns (ddof=0), float64; constant ones become 0 and are reported."""
    is_constant = series.max(axis=0) == series.min(axis=0)
    centred = series - series.mean(axis=0, dtype=float)
    scale = np.where(is_constant, 1.0, centred.std(axis=0))
    return np.where(is_constant, 0.0, centred / scale), is_constant


def _reference_mean(means: dict[int, np.ndarray], mean_run: int | str) -> np.ndarray:
    if mean_run == "all":
        return np.mean(list(means.values()), axis=0)
    return means[max(means) if mean_run == "last" else mean_run]


def _resolve_threshold(min_mean: float | None, view: str) -> float:
    if min_mean is None:
        return SLICE_MIN_MEAN if view == "slice" else -np.inf
    if not isinstance(min_mean, Real) or np.isnan(min_mean):
        raise ValueError(f"min_mean={min_mean!r}: expected a number in scanner units, or None.")
    return float(min_mean)


def _check_mask(mask: str | None, view: str) -> None:
    if mask is None:
        return
    _check_choice("mask", mask, (None, *files.MASKS))
    if view != "whole_brain":
        raise ValueError(f"mask={mask!r} belongs to view='whole_brain', not to view={view!r}.")


def _check_choice(argument: str, value: object, allowed: tuple) -> None:
    if value not in allowed:
        raise ValueError(f"{argument}={value!r} is unknown; expected one of {list(allowed)}.")


def _folder(root: str | Path | None) -> Path:
    return fetch(DATASET) if root is None else Path(root).expanduser()
