"""CLIP: two towers that put pictures and texts into one space (Radford et al. 2021)."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import check_device
from sdc_helpers._texts import text_list
from sdc_helpers.embeddings._checkpoints import WeightsError
from sdc_helpers.embeddings._clip_tokenizer import open_clip_tokenizer
from sdc_helpers.embeddings._clip_weights import (
    architecture_config,
    build_network,
    load_weights,
    local_file,
    near_names,
    preprocessing_of,
    published_file,
    published_tag,
    published_tags,
    trained_config,
    warn_of_activation,
)
from sdc_helpers.embeddings._networks import device_of
from sdc_helpers.embeddings._pictures import PicturePreprocessing
from sdc_helpers.embeddings.small_clip import COURSE_CLIPS, COURSE_MODEL

if TYPE_CHECKING:
    import torch

_COURSE_WEIGHTS = "course"
_RANDOM = "random"


@dataclass(frozen=True, eq=False)
class ClipModel:
    """A CLIP ready for inference, from `load_clip`.

    Attributes
    ----------
    name : str
        Name of the architecture.
    weights : str
        Source of the weights: ``"course"``, a published tag, a path, or ``"random, seed 0"``.
    model : torch.nn.Module
        The network, with ``encode_image`` and ``encode_text``; in evaluation mode, float32, without
        gradients.
    preprocess : PicturePreprocessing
        ``preprocess(images)`` turns pictures into the input of the image tower.
    dimension : int
        Number of dimensions of an embedding.
    """

    name: str
    weights: str
    model: torch.nn.Module = field(repr=False)
    preprocess: PicturePreprocessing = field(repr=False)
    dimension: int
    _config: dict[str, Any] = field(repr=False)
    _make_tokenizer: Callable[[], Callable[[list[str]], torch.Tensor]] = field(repr=False)

    @property
    def image_size(self) -> int:
        """Height and width of what the image tower sees, in pixels."""
        return self.preprocess.size

    @property
    def device(self) -> torch.device:
        """Device on which the network is."""
        return device_of(self.model)

    @property
    def logit_scale(self) -> float:
        """What cosines are multiplied by in the loss: exp of the learned parameter, 1 / tau."""
        return float(self.model.logit_scale.detach().exp())

    @property
    def fingerprint(self) -> str:
        """Sha256 of architecture, weights as they are now, and preprocessing, in hexadecimal."""
        import torch

        description = [self._config, asdict(self.preprocess)]
        digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
        for key, value in sorted(self.model.state_dict().items()):
            digest.update(f"{key} {value.dtype} {tuple(value.shape)}".encode())
            digest.update(value.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        return digest.hexdigest()

    def tokenize(self, texts: Sequence[str]) -> torch.Tensor:
        """Turn texts into the input of the text tower.

        Parameters
        ----------
        texts : sequence of str
            The texts, at least one. What goes beyond the context length is cut off, as in training.
            What looks like a control token, such as ``<end_of_text>``, is read as plain text.

        Returns
        -------
        torch.Tensor of int64, shape (n, context_length)
            Tokens of each text, on the CPU.

        Raises
        ------
        ValueError
            `texts` is not a sequence of strings, or the tokenizer is not available here.
        """
        return self._tokenizer(text_list(texts))

    @functools.cached_property
    def _tokenizer(self) -> Callable[[list[str]], torch.Tensor]:
        try:  # on first use: some need packages that pictures do not
            return self._make_tokenizer()
        except Exception as error:  # a missing package, or no network: the way out is the same
            raise ValueError(
                f"The tokenizer of {self.name} is not available here ({type(error).__name__}: "
                f"{error}). It comes with the transformers package and from the Hugging Face hub; "
                "pictures can be embedded without it."
            ) from error


def load_clip(
    name: str = COURSE_MODEL,
    weights: str | os.PathLike = _COURSE_WEIGHTS,
    *,
    published_as: str | None = None,
    device: str | torch.device = "cpu",
    seed: int = 0,
) -> ClipModel:
    """Load a CLIP, ready for inference.

    Parameters
    ----------
    name : str, default="course-fine"
        One of the course's own small CLIPs, ``"course-fine"`` and ``"course-small"``, or an
        architecture of ``open_clip.list_models()``.
    weights : str or path, default="course"
        ``"course"``: those of the course's CLIP. A published tag, see
        ``open_clip.list_pretrained_tags_by_model(name)``: fetched once by open_clip, with the
        preprocessing and the activation it was trained with (OpenAI's used QuickGELU, also under
        names without ``-quickgelu``). The path of a ``.safetensors``, ``.pt``, ``.pth`` or
        ``.bin`` file with a state dict (of the course's CLIP: with the ``tokenizer.json`` beside
        it, if there is one). ``"random"``: untrained initial values, a control.
    published_as : str, optional
        Tag of the published weights that the file at the path `weights` is a copy of: their
        preprocessing and activation are used. Without it OpenAI's preprocessing and the activation
        of the architecture's description are used, and a warning says where copies of published
        weights need another activation: OpenAI's of ``ViT-B-32`` need the name
        ``ViT-B-32-quickgelu``.
    device : str or torch.device, default="cpu"
        Device on which the network is placed.
    seed : int, default=0
        Seed of untrained initial values; not used otherwise. The global generator is left alone.

    Returns
    -------
    ClipModel
        The network with its preprocessing and tokenizer.

    Raises
    ------
    WeightsError
        The weights are unknown, cannot be fetched or read, or belong to another architecture.
        The message names the file and the way out.
    ValueError
        The architecture is unknown, the seed is out of range, or the device is not available.

    See Also
    --------
    embed_images, embed_texts : Embeddings of pictures and of texts.

    References
    ----------
    Radford et al. (2021), "Learning transferable visual models from natural language
    supervision", ICML. Ilharco et al. (2021), OpenCLIP, doi:10.5281/zenodo.5143773.

    Examples
    --------
    >>> from sdc_helpers.embeddings import load_clip
    >>> clip = load_clip()
    >>> clip.name, clip.dimension, clip.image_size
    ('course-fine', 256, 64)
    """
    device = check_device(device)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise ValueError(f"seed must be a whole number from 0 to 2**63 - 1, got {seed!r}.")
    load = _load_course if name in COURSE_CLIPS else _load_open_clip
    clip = load(name, weights, published_as, int(seed))
    if weights == _RANDOM:
        clip = replace(clip, weights=f"{_RANDOM}, seed {seed}")
    clip.model.to(device).eval().requires_grad_(False)
    return clip


def _load_course(
    name: str, weights: str | os.PathLike, published_as: str | None, seed: int
) -> ClipModel:
    from sdc_helpers.embeddings import small_clip

    if published_as is not None:
        raise ValueError(f"published_as={published_as!r}: {name} has no published weights.")
    folder, path = small_clip.small_clip_folder(name), None
    if weights == _COURSE_WEIGHTS:
        path = folder / "weights.safetensors"
    elif weights != _RANDOM:
        path = local_file(weights, name, (_COURSE_WEIGHTS,))
        if (path.parent / "tokenizer.json").is_file():
            folder = path.parent  # weights know words by the numbers they were trained with
    for needed in (folder / "tokenizer.json", path):
        if needed is not None and not needed.is_file():
            raise WeightsError(f"{needed} is missing: install the package again.")
    tokenizer = small_clip.SmallClipTokenizer.load(folder / "tokenizer.json")
    model = small_clip.build_small_clip(len(tokenizer.words), seed, name=name)
    if path is not None:
        load_weights(model, path)
    return ClipModel(
        name=name,
        weights=str(weights),
        model=model,
        preprocess=small_clip.small_clip_preprocessing(),
        dimension=small_clip.SMALL_CLIP_DIMENSION,
        _config={"name": name},
        _make_tokenizer=lambda: tokenizer,
    )


def _load_open_clip(
    name: str, weights: str | os.PathLike, published_as: str | None, seed: int
) -> ClipModel:
    config = architecture_config(name)
    tag = published_tag(name, weights if published_as is None else published_as)
    is_name = weights == _RANDOM or published_tag(name, weights) is not None
    if published_as is not None and (tag is None or is_name):
        raise WeightsError(
            f"published_as={published_as!r} goes with the path of a file, and is one of the tags "
            f"published for {name}: {near_names(published_as, published_tags(name))}."
        )
    if tag is not None:
        config = trained_config(config, tag)
    path = None
    if tag is not None and published_as is None:
        path = published_file(name, str(weights), tag)
    elif weights != _RANDOM:
        path = local_file(weights, name, published_tags(name))
        if published_as is None:
            warn_of_activation(name, config, path)
    model = build_network(config, seed)
    if path is not None:
        load_weights(model, path)
    return ClipModel(
        name=name,
        weights=str(weights),
        model=model,
        preprocess=preprocessing_of(model, tag),
        dimension=config["embed_dim"],
        _config=config,
        _make_tokenizer=functools.partial(open_clip_tokenizer, name),
    )
