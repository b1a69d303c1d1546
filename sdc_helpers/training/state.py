"""Save and restore a training run: modules, torch optimizers and JSON metadata in one file.

The file is a safetensors file: tensors as they are, everything else as JSON in its header. It holds
no Python objects, so reading one never runs code, and one rename makes it take the place of the
one before: a run killed at any moment leaves a complete file or none.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdc_helpers._file_errors import access_problem
from sdc_helpers._files import atomic_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import torch
    from torch import nn

_FORMAT = 1
_HEADER_KEY = "training_state"


class TrainingStateError(ValueError):
    """A saved training state that is damaged, or that belongs to another run."""


def save_training_state(
    path: str | Path,
    modules: Mapping[str, nn.Module],
    optimizers: Mapping[str, torch.optim.Optimizer] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Path:
    """Write modules, optimizers and metadata to one file, in place of the one before.

    Parameters
    ----------
    path : str or pathlib.Path
        The file, by custom ``*.safetensors``.
    modules : mapping of str to torch.nn.Module
        Modules whose state dicts are saved, from whatever device.
    optimizers : mapping of str to torch.optim.Optimizer, optional
        Optimizers whose options and states per parameter (tensors and numbers) are saved.
    metadata : mapping, optional
        Further values that JSON can hold; NaN and infinity may occur.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    ValueError
        If a state or the metadata hold something other than tensors and JSON values.
    """
    from safetensors.torch import save_file

    tensors: dict[str, torch.Tensor] = {}
    for name, module in modules.items():
        tensors.update(_module_tensors(name, module))
    described = {}
    for name, optimizer in (optimizers or {}).items():
        own, described[name] = _optimizer_parts(name, optimizer)
        tensors.update(own)
    content = {"format": _FORMAT, "optimizers": described, "metadata": dict(metadata or {})}
    try:
        header = json.dumps(content)
    except TypeError as error:
        raise ValueError(
            f"The state cannot be saved: {error}. Metadata and optimizer options must be numbers, "
            "strings, None, lists or dicts of these."
        ) from error
    with atomic_path(path) as temporary:
        save_file(_unshared(tensors), temporary, metadata={_HEADER_KEY: header})
    return Path(path)


def read_metadata(path: str | Path) -> dict[str, Any] | None:
    """Return the metadata of a saved state without reading its tensors; None without a file.

    Parameters
    ----------
    path : str or pathlib.Path
        File that `save_training_state` wrote.

    Returns
    -------
    dict or None
        The metadata; None if there is no file.

    Raises
    ------
    TrainingStateError
        If the file is damaged or is no training state.
    """
    path = Path(path)
    if not path.exists():
        return None
    with _opened(path) as (_, content):
        return content["metadata"]


def load_training_state(
    path: str | Path,
    modules: Mapping[str, nn.Module],
    optimizers: Mapping[str, torch.optim.Optimizer] | None = None,
) -> dict[str, Any]:
    """Restore modules and optimizers in place and return the metadata.

    All is checked before anything is changed. Give only the modules to have the trained weights
    without what it takes to go on training.

    Parameters
    ----------
    path : str or pathlib.Path
        File that `save_training_state` wrote.
    modules : mapping of str to torch.nn.Module
        Modules to restore, each from what was saved under its name, on the device where it lies.
    optimizers : mapping of str to torch.optim.Optimizer, optional
        Optimizers to restore, each over the same parameters, in the same order and groups, as the
        saved one.

    Returns
    -------
    dict
        The metadata of the saved state.

    Raises
    ------
    TrainingStateError
        If the file is missing or damaged, does not hold a name that is asked for, or a tensor or a
        parameter group has another name, shape or type.
    """
    optimizers = optimizers or {}
    with _opened(Path(path)) as (file, content):
        saved = set(file.keys())
        states = {n: _read_module(path, file, saved, n, m) for n, m in modules.items()}
        optimizer_states = {
            name: _read_optimizer(path, file, saved, content["optimizers"], name, optimizer)
            for name, optimizer in optimizers.items()
        }
    for name, module in modules.items():
        module.load_state_dict(states[name])
    for name, optimizer in optimizers.items():
        optimizer.load_state_dict(optimizer_states[name])
    return content["metadata"]


def _module_tensors(name: str, module: nn.Module) -> dict[str, torch.Tensor]:
    import torch

    state = module.state_dict()
    others = [key for key, value in state.items() if not isinstance(value, torch.Tensor)]
    if others:
        raise ValueError(f"Module {name!r} keeps more than tensors in its state: {others[:3]}.")
    return {f"modules/{name}/{key}": value.detach() for key, value in state.items()}


def _optimizer_parts(
    name: str, optimizer: torch.optim.Optimizer
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Split an optimizer's state into tensors and what JSON holds."""
    import torch

    state = optimizer.state_dict()
    tensors: dict[str, torch.Tensor] = {}
    numbers: dict[str, dict[str, Any]] = {}
    for index, values in state["state"].items():
        numbers[str(index)] = {}
        for key, value in values.items():
            if isinstance(value, torch.Tensor):
                tensors[f"optimizers/{name}/{index}/{key}"] = value.detach()
            else:
                numbers[str(index)][key] = value
    return tensors, {"param_groups": state["param_groups"], "numbers": numbers}


def _unshared(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors contiguous and each with memory of its own, as safetensors needs them."""
    seen: set[int] = set()
    own = {}
    for key, tensor in tensors.items():
        pointer = tensor.untyped_storage().data_ptr()
        own[key] = tensor.clone() if pointer in seen else tensor.contiguous()
        seen.add(pointer)
    return own


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    from safetensors import SafetensorError, safe_open

    try:
        if not path.is_file():
            raise TrainingStateError(f"{path} does not exist: there is no saved training state.")
        file = safe_open(path, framework="pt", device="cpu")
        header = (file.metadata() or {}).get(_HEADER_KEY)
    except (SafetensorError, OSError) as error:
        if problem := access_problem(path, error):
            raise TrainingStateError(problem) from error
        raise TrainingStateError(
            f"{path} is damaged ({error}). Delete it and train again."
        ) from error
    with file:
        if header is None:
            raise TrainingStateError(f"{path} holds tensors, but is no saved training state.")
        try:
            content = json.loads(header)
            version = content["format"]
        except (ValueError, KeyError, TypeError) as error:
            raise TrainingStateError(
                f"{path} is damaged (its header is no saved state). Delete it and train again."
            ) from error
        if version != _FORMAT:
            raise TrainingStateError(
                f"{path} has format {version}; this version reads format {_FORMAT}. "
                "Delete it and train again."
            )
        yield file, content


def _read_module(
    path: str | Path, file: Any, saved: set[str], name: str, module: nn.Module
) -> dict[str, torch.Tensor]:
    prefix = f"modules/{name}/"
    stored = {key.removeprefix(prefix) for key in saved if key.startswith(prefix)}
    expected = module.state_dict()
    problems = [f"{key} is missing" for key in expected if key not in stored]
    problems += [f"{key} is unknown to the module" for key in sorted(stored - set(expected))]
    state = {key: file.get_tensor(prefix + key) for key in expected if key in stored}
    for key, tensor in state.items():
        for what in ("shape", "dtype"):
            old, new = getattr(tensor, what), getattr(expected[key], what)
            if old != new:
                old, new = (tuple(v) if what == "shape" else v for v in (old, new))
                problems.append(f"{key} has {what} {old}, the module {new}")
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise TrainingStateError(
            f"{path} was saved from another {name!r}: {'; '.join(problems[:3])}{more}. Build the "
            "module as it was, or train into another folder."
        )
    return state


def _read_optimizer(
    path: str | Path,
    file: Any,
    saved: set[str],
    described: dict[str, Any],
    name: str,
    optimizer: torch.optim.Optimizer,
) -> dict[str, Any]:
    """Put the state dict of an optimizer together again."""
    if name not in described:
        raise TrainingStateError(f"{path} holds no optimizer {name!r}, only {sorted(described)}.")
    groups = described[name]["param_groups"]
    current = optimizer.state_dict()["param_groups"]
    if [g["params"] for g in groups] != [g["params"] for g in current]:
        sizes = [[len(g["params"]) for g in part] for part in (groups, current)]
        raise TrainingStateError(
            f"{path}: optimizer {name!r} was saved over groups of {sizes[0]} parameters, this one "
            f"has groups of {sizes[1]}."
        )
    for group, like in zip(groups, current, strict=True):
        for key, value in group.items():  # JSON knows no tuples
            group[key] = tuple(value) if isinstance(like.get(key), tuple) else value
    prefix = f"optimizers/{name}/"
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state = {int(index): dict(values) for index, values in described[name]["numbers"].items()}
    for full in sorted(key for key in saved if key.startswith(prefix)):
        index, _, key = full.removeprefix(prefix).partition("/")
        tensor = file.get_tensor(full).clone()  # not a window into the file
        shape = tuple(parameters[int(index)].shape)
        if tensor.ndim and tuple(tensor.shape) != shape:
            raise TrainingStateError(
                f"{path}: optimizer {name!r} keeps {key} of shape {tuple(tensor.shape)} for "
                f"parameter {index}, which has shape {shape}."
            )
        state[int(index)][key] = tensor
    return {"state": state, "param_groups": groups}
