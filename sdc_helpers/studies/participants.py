"""From a dataset of participants to what decoders are fitted to, one object a participant.

The chapters on decoding and on shared concepts start here: the voxels whose noise ceiling, on
training trials alone, is high enough; their responses, z-scored within sessions; the embedding of
each trial's image.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers._paths import cache_root, unwritable
from sdc_helpers.datasets.ceilings import noise_ceiling
from sdc_helpers.decoding.mapped_trials import MappedTrials, blocks_of
from sdc_helpers.embeddings import embed_images

if TYPE_CHECKING:
    from sdc_helpers.datasets.nsd import NSD
    from sdc_helpers.datasets.splits import ParticipantSplit, Split
    from sdc_helpers.decoding.decoders import ContrastiveDecoder
    from sdc_helpers.embeddings.clip import ClipModel

MIN_CEILING = 8.0
"""Per cent of a single trial's variance that is signal; voxels above it enter (SDC study, 2025)."""
_BLOCK = 512  # pictures read at a time


@dataclass(frozen=True, eq=False)
class ImageEmbeddings:
    """Embeddings of the images of a dataset.

    Attributes
    ----------
    image_ids : int64 array of shape (n_images,)
        Image ids, ascending.
    vectors : float32 array of shape (n_images, n_dims)
        Embedding of each image, with unit length.
    """

    image_ids: np.ndarray
    vectors: np.ndarray

    def of(self, image_ids: np.ndarray) -> np.ndarray:
        """Return the rows of some images, (n, n_dims); one may be asked for many times.

        Raises
        ------
        ValueError
            If the embedding of an image is missing.
        """
        image_ids = as_array("image_ids", image_ids)
        rows = np.searchsorted(self.image_ids, image_ids).clip(max=len(self.image_ids) - 1)
        strangers = image_ids[self.image_ids[rows] != image_ids]
        if len(strangers):
            raise ValueError(f"image {strangers[0]} has no embedding; embed its picture first.")
        return self.vectors[rows]


@dataclass(frozen=True, eq=False)
class ParticipantData:
    """Responses of one participant and the embeddings of what was seen.

    Attributes
    ----------
    participant : str
        Name of the participant.
    responses : float32 array of shape (n_trials, n_voxels)
        Single trials, each voxel z-scored within each session. From a reader with a cache it is a
        memory map: the trials stay on the disk.
    embeddings : float32 array of shape (n_trials, n_dims)
        Embedding of the image of each trial, unit length.
    image_ids : int64 array of shape (n_trials,)
        Image of each trial.
    split : ParticipantSplit
        Trials and images for training, validation and test.
    mask : bool array of shape (X, Y, Z)
        Voxels of the betas in the volume, in C order.
    ceiling : float array of shape (n_voxels,)
        Noise ceiling of a single trial in per cent, from training trials.
    excluded : int64 array of shape (n_excluded, 3)
        Indices x, y, z of the voxels of the brain mask that were left out because they have one
        value in all trials of a session, and so no z-score there, or no noise ceiling.
    """

    participant: str
    responses: np.ndarray
    embeddings: np.ndarray
    image_ids: np.ndarray
    split: ParticipantSplit
    mask: np.ndarray
    ceiling: np.ndarray
    excluded: np.ndarray = field(default_factory=lambda: np.empty((0, 3), dtype=np.int64))

    def fold(self, side: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return responses, embeddings and image ids of "train", "validation" or "test"."""
        trials = self.split.trials(side)
        return self.responses[trials], self.embeddings[trials], self.image_ids[trials]

    def mapped_fold(self, side: str) -> tuple[np.ndarray | MappedTrials, np.ndarray, np.ndarray]:
        """Return what `fold` does, but leave responses that are a memory map on the disk."""
        if not isinstance(self.responses, np.memmap):
            return self.fold(side)
        trials = self.split.trials(side)
        responses = MappedTrials(self.responses, trials)
        return responses, self.embeddings[trials], self.image_ids[trials]


def embed_stimuli(
    nsd: NSD, clip: ClipModel, image_ids: np.ndarray, *, progress: bool = False
) -> ImageEmbeddings:
    """Embed the pictures of a dataset, read and kept in the cache a block at a time.

    Parameters
    ----------
    nsd : NSD
        Reader of the dataset.
    clip : ClipModel
        CLIP model to embed with, made by `load_clip`.
    image_ids : int array
        Images to embed; repeated ones are embedded once.
    progress : bool
        Whether to show a bar where it takes long.

    Returns
    -------
    ImageEmbeddings
    """
    ids = np.unique(as_array("image_ids", image_ids))
    blocks = (nsd.stimuli(ids[start : start + _BLOCK]) for start in range(0, len(ids), _BLOCK))
    return ImageEmbeddings(ids, embed_images(clip, blocks, cache=True, progress=progress).vectors)


def load_participants(
    nsd: NSD,
    embeddings: ImageEmbeddings,
    split: Split,
    *,
    participants: Sequence[str] | None = None,
    min_ceiling: float = MIN_CEILING,
    bad_voxels: Literal["exclude", "raise"] = "exclude",
) -> dict[str, ParticipantData]:
    """Read what decoders are fitted to.

    Parameters
    ----------
    nsd : NSD
        Reader of the dataset.
    embeddings : ImageEmbeddings
        Embeddings of every image that anybody saw.
    split : Split
        Split made by `split_sdc2025` or `split_strict`.
    participants : sequence of str, optional
        Names of the participants to load; by default all of the split.
    min_ceiling : float
        Voxels whose noise ceiling on training trials is above this many per cent enter.
    bad_voxels : {"exclude", "raise"}
        What to do with voxels of the brain mask that have one value in all trials of a session,
        as at the edge of the imaged volume, where NSD stores 0: leave them out, with a warning
        that counts them (`ParticipantData.excluded` tells which), or raise.

    Returns
    -------
    dict of str to ParticipantData

    Raises
    ------
    ValueError
        If a participant has no such voxel, an image has no embedding, or voxels are bad and
        `bad_voxels` is "raise".
    """
    if bad_voxels not in ("exclude", "raise"):
        raise ValueError(f"bad_voxels={bad_voxels!r} is unknown; expected 'exclude' or 'raise'.")
    names = tuple(split.participants) if participants is None else participants
    data = {
        name: _load(nsd, name, embeddings, split[name], min_ceiling, bad_voxels) for name in names
    }
    counts = [f"{len(own.excluded)} of {name}" for name, own in data.items() if len(own.excluded)]
    if counts:
        warnings.warn(
            f"Voxels of the brain mask left out: {', '.join(counts)}. They have one value in all "
            "trials of a session and so no z-score, as at the edge of the imaged volume.",
            stacklevel=2,
        )
    return data


def _load(
    nsd: NSD,
    name: str,
    embeddings: ImageEmbeddings,
    split: ParticipantSplit,
    min_ceiling: float,
    bad_voxels: str,
) -> ParticipantData:
    mask = nsd.brainmask(name)
    image_ids = nsd.trials(name, with_betas=True)["image_id"].to_numpy()
    ceiling = noise_ceiling(nsd.train_ncsnr(name, mask, split.train_trials))
    good = ~np.isnan(ceiling)
    if bad_voxels == "raise" and not good.all():
        nsd.betas(name, mask, zscore="session")  # raises, and says which
    chosen = good & (ceiling > min_ceiling)
    if not chosen.any():
        highest = f"{ceiling[good].max():.1f} %" if good.any() else "that of no voxel at all"
        raise ValueError(
            f"{name}: no voxel has a noise ceiling above {min_ceiling} % on training trials, the "
            f"highest is {highest}. Give load_participants a lower min_ceiling, or leave {name} "
            "out of its participants."
        )
    selected = mask.copy()
    selected[mask] = chosen
    return ParticipantData(
        participant=name,
        responses=nsd.betas(name, selected, zscore="session"),
        embeddings=embeddings.of(image_ids),
        image_ids=image_ids,
        split=split,
        mask=selected,
        ceiling=ceiling[chosen],
        excluded=np.argwhere(mask)[~good],
    )


def fit_decoders(
    data: Mapping[str, ParticipantData],
    decoder: ContrastiveDecoder,
    *,
    cache: bool | str | Path = True,
    progress: bool = False,
    own_seeds: bool = False,
) -> dict[str, ContrastiveDecoder]:
    """Fit a clone of a decoder to the training fold of each participant.

    Parameters
    ----------
    data : mapping of str to ParticipantData
        Data of each participant, from `load_participants`.
    decoder : ContrastiveDecoder
        Unfitted decoder; its parameters hold for everybody.
    cache : bool or path
        Folder in which trained decoders are kept, True for ``decoders`` in the folder of caches
        (``cache`` in the data folder, or ``SDC_CACHE``).
        They are found again by their parameters, responses and embeddings, the version of torch
        and the kind of device, so that chapters share them; a training that was cut off goes on.
        What is kept but cannot be used, because it is damaged or another version of this package
        wrote it, is trained again, and a warning says so once.
    progress : bool
        Whether to show a progress bar.
    own_seeds : bool
        Whether everybody has a seed of their own, counted up from the decoder's. With one seed the
        same rows of all participants start from the same weights.

    Returns
    -------
    dict of str to ContrastiveDecoder
        Fitted, with the validation fold in their history.

    Raises
    ------
    ValueError
        If everybody is to have a seed of their own and the decoder's `random_state` is no integer,
        or the folder cannot be written to.
    """
    from sklearn.base import clone

    from sdc_helpers.training.state import TrainingStateError

    folder = cache_root() / "decoders" if cache is True else Path(cache) if cache else None
    fitted: dict[str, ContrastiveDecoder] = {}
    refused: list[str] = []
    first = check_count("random_state", cast(int, decoder.random_state), 0) if own_seeds else 0
    for place, name in enumerate(_shown(data, progress)):
        one, own = data[name], clone(decoder)
        if own_seeds:
            own.set_params(random_state=first + place)
        train, validation = one.mapped_fold("train"), one.mapped_fold("validation")
        fit = partial(own.fit, *train[:2], items=train[2], validation=validation)
        if folder is None:
            fitted[name] = fit()
            continue
        kept = folder / _digest(own, [*train, *validation])
        try:
            kept.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(unwritable(folder, error)) from error
        try:
            fitted[name] = fit(checkpoint=kept)
        except TrainingStateError as error:  # nobody asked for this checkpoint
            if not refused:
                warnings.warn(
                    f"A kept decoder cannot be used and is trained again: {error}", stacklevel=2
                )
            refused.append(name)
            for file in kept.glob("*.safetensors"):
                file.unlink(missing_ok=True)
            fitted[name] = fit(checkpoint=kept)
    return fitted


def _digest(decoder: ContrastiveDecoder, arrays: Iterable[np.ndarray | MappedTrials]) -> str:
    import torch

    parameters = {k: v for k, v in sorted(decoder.get_params().items()) if k != "device"}
    made_by = [torch.__version__, str(decoder.device).partition(":")[0]]
    digest = hashlib.blake2b(repr([parameters, made_by]).encode(), digest_size=12)
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        for block in blocks_of(array):
            digest.update(block.data)
    return digest.hexdigest()


def _shown(names: Iterable[str], progress: bool) -> Iterable[str]:
    if not progress:
        return names
    from tqdm.auto import tqdm

    return tqdm(names, desc="Training decoders", unit="participant")
