"""Find, verify and read the weights of a network; every failure names the file and the way out."""

from __future__ import annotations

import hashlib
from errno import EACCES, EDQUOT, ENOSPC, EROFS
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse

from sdc_helpers._file_errors import access_problem

if TYPE_CHECKING:
    import torch

_SUFFIXES = (".safetensors", ".pth", ".pt")


class WeightsError(ValueError):
    """Weights that are missing, cannot be fetched or read, or belong to another network."""


def published_checkpoint(url: str) -> Path:
    """Return a published checkpoint in torch's cache, fetched if need be and always verified.

    Parameters
    ----------
    url : str
        Address of the checkpoint. Its file name ends in the first characters of the file's sha256
        (``resnet18-f37072fd.pth``), the convention of torchvision's downloads.

    Returns
    -------
    pathlib.Path
        The file in the cache, whose sha256 agrees with its name.

    Raises
    ------
    WeightsError
        The download failed, or the file in the cache is damaged.
    """
    import torch

    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name
    expected = path.stem.rpartition("-")[2]
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), hash_prefix=expected)
        except Exception as error:  # network, proxy, disk or checksum
            if isinstance(error, OSError) and error.errno in (ENOSPC, EACCES, EROFS, EDQUOT):
                raise WeightsError(access_problem(path, error, "written")) from error
            raise WeightsError(
                f"{path.name} could not be downloaded ({error}). Fetch {url} on a machine with "
                f"network access and put it at {path}, or give the path of a local copy as "
                "weights; weights='random' needs no file."
            ) from error
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not digest.startswith(expected):
        raise WeightsError(
            f"{path} is damaged: its sha256 begins with {digest[: len(expected)]}, published was "
            f"{expected}. Delete the file and run again."
        )
    return path


def local_checkpoint(path: str | Path) -> Path:
    """Return the path of a checkpoint that the user named.

    Parameters
    ----------
    path : str or pathlib.Path
        A ``.safetensors``, ``.pth`` or ``.pt`` file.

    Returns
    -------
    pathlib.Path
        The same path, ``~`` expanded.

    Raises
    ------
    WeightsError
        There is no such file, or its name ends otherwise.
    """
    if not isinstance(path, str | Path):
        raise WeightsError(f"weights must be 'random', 'imagenet' or a path, got {path!r}.")
    checkpoint = Path(path).expanduser()
    if not checkpoint.is_file() or checkpoint.suffix not in _SUFFIXES:
        reason = "is no checkpoint file" if checkpoint.exists() else "does not exist"
        raise WeightsError(
            f"weights={str(path)!r}: as a path, this {reason}. Give 'random', 'imagenet' or the "
            f"path of a file that ends in {', '.join(_SUFFIXES)}."
        )
    return checkpoint


def read_state_dict(path: Path, expected: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Read a state dict and hold it against the network that it is meant for.

    Parameters
    ----------
    path : pathlib.Path
        The file to read. Python objects in it are refused, never loaded: it may hold tensors only.
    expected : dict of str to torch.Tensor
        The state dict of the network.

    Returns
    -------
    dict of str to torch.Tensor
        Tensors on the CPU. Counters of batches, which inference does not use, may be missing.

    Raises
    ------
    WeightsError
        The file is damaged, holds something else, or belongs to another network.
    """
    import torch

    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can fail in any part of the reader
        if problem := access_problem(path, error):
            raise WeightsError(problem) from error
        raise WeightsError(
            f"{path} cannot be read as a state dict ({type(error).__name__}). It is damaged, or "
            "holds Python objects, which are never loaded: save with "
            "torch.save(model.state_dict(), path) and copy it again."
        ) from error
    if not isinstance(state, dict) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise WeightsError(
            f"{path} holds no flat state dict (parameter name to tensor): save "
            "model.state_dict() itself, not a checkpoint of a training run around it."
        )
    problems = differences(state, expected)
    if problems:
        raise WeightsError(f"{path} does not hold the weights of this network: {problems}.")
    return state


def differences(state: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> str:
    """Say how a state dict differs from what a network expects; empty if it does not."""
    needed = [key for key in expected if not key.endswith("num_batches_tracked")]
    shared = [key for key in needed if key in state]
    problems = {
        "missing": [key for key in needed if key not in state],
        "unknown to it": [key for key in state if key not in expected],
        "of another shape": [key for key in shared if state[key].shape != expected[key].shape],
        "not finite": [key for key in shared if not bool(state[key].isfinite().all())],
    }
    return "; ".join(
        f"{len(keys)} {what} ({', '.join(map(str, keys[:3]))}{', ...' if len(keys) > 3 else ''})"
        for what, keys in problems.items()
        if keys
    )
