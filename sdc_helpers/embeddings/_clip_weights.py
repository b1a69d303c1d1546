"""Architectures of open_clip and weights for them; nothing here ends untrained by accident.

open_clip warns, and goes on, where the weights were trained with another activation than the
architecture has, and interpolates position embeddings that do not fit. Here the published weights
decide the activation, and what does not fit is an error.
"""

from __future__ import annotations

import difflib
import os
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdc_helpers._file_errors import access_problem
from sdc_helpers.embeddings._checkpoints import WeightsError, differences
from sdc_helpers.embeddings._pictures import PicturePreprocessing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import torch

_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")
_HUB_NAMES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_OPENAI_NUMBERS = ("input_resolution", "context_length", "vocab_size")  # no parameters
_TIMEOUT_S = (3.0, 15.0)  # to connect, and to answer


def near_names(name: object, known: Iterable[str], n: int = 3) -> str:
    """Return the known names that come nearest, or the first few."""
    known = list(known)
    by_lower = {entry.lower(): entry for entry in known}
    near = difflib.get_close_matches(str(name).lower(), by_lower, n=n, cutoff=0.5)
    rest = [*known[:n], "..."] if len(known) > n else known
    return ", ".join([by_lower[entry] for entry in near] or rest)


def architecture_config(name: str) -> dict[str, Any]:
    """Return open_clip's description of an architecture.

    Parameters
    ----------
    name : str
        Name of the architecture, one of ``open_clip.list_models()``.

    Returns
    -------
    dict
        Description of the architecture, a copy.

    Raises
    ------
    ValueError
        There is no such architecture; the nearest names are given.
    """
    import open_clip

    known = open_clip.list_models()
    if name not in known:
        raise ValueError(
            f"name={name!r} is no known architecture. Give 'course-fine', 'course-small' or one of "
            f"open_clip.list_models(), such as {near_names(name, known)}."
        )
    return open_clip.get_model_config(name)


def published_tag(name: str, weights: object) -> dict[str, Any] | None:
    """Return what open_clip knows about published weights; None if `weights` names none."""
    from open_clip.pretrained import get_pretrained_cfg

    return (get_pretrained_cfg(name, weights) or None) if isinstance(weights, str) else None


def published_tags(name: str) -> list[str]:
    """Return the names of the weights published for an architecture."""
    import open_clip

    return open_clip.list_pretrained_tags_by_model(name)


def trained_config(config: dict[str, Any], tag: dict[str, Any]) -> dict[str, Any]:
    """Return the architecture with the activation that published weights were trained with."""
    return {**config, "quick_gelu": True} if tag.get("quick_gelu", False) else config


def warn_of_activation(name: str, config: dict[str, Any], path: Path) -> None:
    """Warn where a file may hold weights that were trained with another activation.

    A state dict does not say with which activation it was trained, and with another one embeddings
    are wrong without an error.

    Parameters
    ----------
    name : str
        The architecture that is asked for.
    config : dict
        Description of this architecture.
    path : pathlib.Path
        The file, of which nothing else is known. Its names are compared with those of published
        weights: of the tag, the published file, and the hub's repository.
    """
    plain = name.removesuffix("-quickgelu")
    tags = {tag: published_tag(plain, tag) or {} for tag in published_tags(plain)}
    quick = [tag for tag in tags if tags[tag].get("quick_gelu", False)]
    has_quick = bool(config.get("quick_gelu", False))
    copies = [tag for tag in tags if _is_named_after(path, tag, tags[tag])]
    if not quick or (copies and any((tag in quick) == has_quick for tag in copies)):
        return
    if not copies and has_quick:
        return  # the name says so
    activations = ("GELU", "QuickGELU")
    own, other = (activations[flag] for flag in (has_quick, not has_quick))
    right = plain if has_quick else f"{plain}-quickgelu"
    known = (
        f"is named like the published weights {copies[0]!r}, which were trained with {other}"
        if copies
        else f"does not say which activation it was trained with; for {', '.join(quick)} of the "
        f"published weights it was {other}"
    )
    warnings.warn(
        f"{path} {known}, and {name} has {own}: with the wrong one embeddings are wrong without "
        f"an error. For a copy of such weights load {right!r} (in a chapter: -p clip_name={right}) "
        f"or give published_as={(copies or quick)[0]!r}.",
        stacklevel=4,
    )


def _is_named_after(path: Path, tag: str, published: dict[str, Any]) -> bool:
    stem = path.stem.lower()
    file_name = Path(published.get("url") or "").stem.lower()
    repository = (published.get("hf_hub") or "").strip("/").rpartition("/")[2].lower()
    in_folders = repository and any(part.lower().endswith(repository) for part in path.parts)
    return tag.lower() in stem or bool(file_name and stem == file_name) or bool(in_folders)


def build_network(config: dict[str, Any], seed: int) -> torch.nn.Module:
    """Build a network with initial values; no weights are downloaded for its towers.

    Parameters
    ----------
    config : dict
        Description of the architecture, from `architecture_config`.
    seed : int
        Seed of the initial values; the global generator is left alone.

    Returns
    -------
    torch.nn.Module
        The untrained network.

    Raises
    ------
    ValueError
        The architecture needs something that is not installed, or cannot be reached.
    """
    import torch
    from open_clip.coca_model import CoCa
    from open_clip.model import CLIP, CustomTextCLIP

    arguments = {key: value for key, value in config.items() if key != "custom_text"}
    # Both towers may name a backbone whose own weights would be fetched and loaded.
    arguments["vision_cfg"] = {**config["vision_cfg"], "timm_model_pretrained": False}
    arguments["text_cfg"] = {**config["text_cfg"], "hf_model_pretrained": False}
    is_custom = config.get("custom_text", False) or "hf_model_name" in config["text_cfg"]
    kind = CLIP if not is_custom else CoCa if "multimodal_cfg" in config else CustomTextCLIP
    try:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            return kind(**arguments)
    except (RuntimeError, ImportError, OSError, NameError) as error:
        backbone = config["text_cfg"].get("hf_model_name", "its towers")
        raise ValueError(
            f"This architecture cannot be built here ({backbone}: {error}). Choose one whose "
            "towers are open_clip's own, such as ViT-B-32."
        ) from error


def preprocessing_of(model: torch.nn.Module, tag: dict[str, Any] | None) -> PicturePreprocessing:
    """Return the preprocessing of published weights, or OpenAI's where there are none."""
    from open_clip.transform import PreprocessCfg

    size = model.visual.image_size
    sides = set(size) if isinstance(size, tuple | list) else {size}
    if len(sides) > 1:
        raise ValueError(f"Its pictures are {size}, not square, which is not supported.")
    known, tag = PreprocessCfg(), tag or {}
    return PicturePreprocessing(
        size=int(sides.pop()),
        mean=tuple(tag.get("mean") or known.mean),
        std=tuple(tag.get("std") or known.std),
        interpolation=tag.get("interpolation") or known.interpolation,
        resize_mode=tag.get("resize_mode") or known.resize_mode,
    )


def published_file(name: str, weights: str, tag: dict[str, Any]) -> Path:
    """Return the file of published weights, fetched by open_clip if need be.

    Parameters
    ----------
    name, weights : str
        Name of the architecture, and tag of the weights.
    tag : dict
        Description of the published weights, from `published_tag`.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    WeightsError
        The file is not here and cannot be fetched: the message says which file, from where, and how
        to use a copy. Known after a few seconds, where open_clip would try for most of a minute.
    """
    import requests
    from open_clip.pretrained import download_pretrained

    cached, address = _hub_file(tag)
    if cached is not None:
        return cached
    try:
        requests.head(address, timeout=_TIMEOUT_S, allow_redirects=False)
        return Path(download_pretrained(tag))
    except Exception as error:  # network, proxy, disk or hub: the way out is the same
        raise WeightsError(
            f"Weights {weights!r} of {name} could not be fetched ({type(error).__name__}). Fetch "
            f"{address} on a machine with network access, copy it here and call "
            f"load_clip({name!r}, weights='/path/to/{Path(address).name}', "
            f"published_as={weights!r})."
        ) from error


def _hub_file(tag: dict[str, Any]) -> tuple[Path | None, str]:
    """Return the file in the cache of the hub's client, if it is there, and its address."""
    import huggingface_hub

    repository, file_name = os.path.split(tag.get("hf_hub", ""))
    if not repository:
        return None, tag["url"]
    names = (file_name,) if file_name else _HUB_NAMES
    for candidate in names:
        cached = huggingface_hub.try_to_load_from_cache(repository, candidate)
        if isinstance(cached, str):
            return Path(cached), ""
    return None, huggingface_hub.hf_hub_url(repository, names[0])


def local_file(weights: object, name: str, tags: Sequence[str]) -> Path:
    """Return the path of the weights that the user named, or say what could have been named."""
    path = Path(weights).expanduser() if isinstance(weights, str | os.PathLike) else Path()
    if path.is_file() and path.suffix in _SUFFIXES:
        return path
    reason = (
        "is no file of weights"
        if path.exists() and path != Path()
        else f"is neither a file nor published for {name}"
    )
    published = f"the name of published ones ({near_names(weights, tags)}), " if tags else ""
    raise WeightsError(
        f"weights={weights!r} {reason}. Give {published}the path of a file that ends in "
        f"{', '.join(_SUFFIXES)}, or 'random' for untrained initial values."
    )


def load_weights(model: torch.nn.Module, path: Path) -> None:
    """Load a state dict, or the one inside an open_clip training checkpoint, into a network.

    Parameters
    ----------
    model : torch.nn.Module
        The network that takes the values; each of its parameters must be there, in its shape.
    path : pathlib.Path
        The file to read. Python objects in it are refused, never loaded.

    Raises
    ------
    WeightsError
        The file is damaged, holds something else, or belongs to another architecture.
    """
    from open_clip.convert import convert_state_dict
    from open_clip.factory import load_state_dict
    from open_clip.model import convert_to_custom_text_state_dict

    try:
        holds_code = _holds_code(path)
    except OSError as error:
        raise WeightsError(access_problem(path, error) or str(error)) from error
    if holds_code:
        raise WeightsError(
            f"{path} is a TorchScript archive, which holds code and is not run: give the "
            "safetensors file of the same weights."
        )
    try:
        state = load_state_dict(str(path), weights_only=True)
        for key in _OPENAI_NUMBERS:
            state.pop(key, None)
        items = list(state.items())
        state = convert_state_dict(model, state)
    except Exception as error:  # a damaged file can fail in any part of the reader
        if problem := access_problem(path, error):
            raise WeightsError(problem) from error
        raise WeightsError(
            f"{path} cannot be read as weights ({type(error).__name__}). It is damaged, or holds "
            "Python objects, which are never loaded: copy it again, or save with "
            "torch.save(model.state_dict(), path)."
        ) from error
    if not all(hasattr(value, "isfinite") for _, value in items):
        raise WeightsError(f"{path} holds no state dict (parameter name to tensor).")
    expected = model.state_dict()
    if "positional_embedding" in state and "positional_embedding" not in expected:
        state = convert_to_custom_text_state_dict(state)
    for key in ("logit_scale", "logit_bias"):  # one number, with or without an axis
        if key in state and key in expected and state[key].numel() == expected[key].numel() == 1:
            state[key] = state[key].reshape(expected[key].shape)
    problems = differences(state, expected)
    if problems:
        raise WeightsError(f"{path} does not hold the weights of this architecture: {problems}.")
    model.load_state_dict(state, strict=False)  # only counters of batches may be missing


def _holds_code(path: Path) -> bool:
    """Whether a file is a TorchScript archive, as OpenAI published."""
    if path.suffix == ".safetensors" or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())
