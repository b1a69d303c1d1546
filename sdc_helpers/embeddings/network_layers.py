"""Activations of the modules of a network, layer by layer, within a memory bound.

Comparing a network with a brain region needs one matrix (stimuli, features) per module. The first
modules of ResNet18 are wide (``conv1`` has 802,816 features), so that all of them together do not
fit into the memory of a laptop: :func:`iter_layer_activations` hands them out a few at a time.
"""

from __future__ import annotations

import contextlib
import difflib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._checks import as_array, check_count, check_device
from sdc_helpers._pillow import picture_stack

from ._checkpoints import local_checkpoint, published_checkpoint, read_state_dict
from ._networks import device_of, evaluating
from ._pictures import check_pictures

if TYPE_CHECKING:
    import torch

RESNET18_LAYERS: tuple[str, ...] = (
    "conv1",
    "maxpool",
    *(
        f"layer{stage}.{block}.conv{conv}"
        for stage in (1, 2, 3, 4)
        for block in (0, 1)
        for conv in (1, 2)
    ),
    "avgpool",
    "fc",
)
"""The 20 modules of torchvision's ResNet18 in the order in which they run.

They are the modules compared with THINGS-fMRI by Murphy, Zylberberg and Fyshe (2024, "Correcting
Biased Centered Kernel Alignment Measures in Biological and Artificial Neural Networks",
arXiv 2405.01012): the stem, both convolutions of each of the eight residual blocks (before batch
normalisation), the average pool and the classifier. Features at 224 x 224: 802,816 (``conv1``),
200,704 (``maxpool`` and ``layer1``), 100,352, 50,176, 25,088 (``layer2`` to ``layer4``), 512, 1000.
"""

_Sink = Callable[[np.ndarray], object]


class _LastLayerReachedError(Exception):
    """Ends a forward pass once no layer that is asked for is still to come."""


def load_resnet18(
    weights: str | Path, seed: int = 0, device: str | torch.device = "cpu"
) -> torch.nn.Module:
    """Load torchvision's ResNet18, ready for inference.

    Parameters
    ----------
    weights : str or pathlib.Path
        ``"random"``: untrained, the initial values drawn from `seed` (a control, never a default).
        ``"imagenet"``: torchvision's ``IMAGENET1K_V1``, downloaded once (45 MB) into torch's cache.
        Otherwise the path of a state dict of this network: ``.safetensors``, or ``.pth``/``.pt`` as
        written by ``torch.save(model.state_dict(), path)``. Pickled objects are never loaded.
    seed : int, default=0
        Seed of the untrained network; not used otherwise. The global generator is left alone.
    device : str or torch.device, default="cpu"
        Device on which the network is placed.

    Returns
    -------
    torch.nn.Module
        The network in evaluation mode, float32, without gradients.

    Raises
    ------
    WeightsError
        The weights cannot be downloaded, found or read, or do not fit this network. The message
        names the file.
    ValueError
        `seed` is not a whole number from 0 to 2**63 - 1, or `device` is not available.

    References
    ----------
    He, Zhang, Ren and Sun (2016), "Deep Residual Learning for Image Recognition", CVPR.
    """
    import torch
    from torchvision.models import ResNet18_Weights, resnet18

    device = check_device(device)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise ValueError(f"seed must be a whole number from 0 to 2**63 - 1, got {seed!r}.")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(seed))
        model = resnet18(weights=None)
    if weights != "random":
        if weights == "imagenet":
            path = published_checkpoint(ResNet18_Weights.IMAGENET1K_V1.url)
        else:
            path = local_checkpoint(weights)
        state = read_state_dict(path, expected=model.state_dict())
        model.load_state_dict(state, strict=False)  # only counters of batches may be missing
    return model.to(device).eval().requires_grad_(False)


def preprocess(images: np.ndarray) -> torch.Tensor:
    """Turn photographs into the input that networks trained on ImageNet expect.

    The shorter side is resized to 256 pixels (bilinear, antialiased), the centre of 224 x 224 is
    cut out, values are scaled to [0, 1] and standardised with the channel means and standard
    deviations of ImageNet: torchvision's transform for the ``IMAGENET1K_V1`` weights.

    Parameters
    ----------
    images : numpy.ndarray of uint8, shape (n, height, width, 3), or list of pictures of one size
        RGB images, values 0 to 255; pictures of Pillow are converted to RGB.

    Returns
    -------
    torch.Tensor of float32, shape (n, 3, 224, 224)
        Input of the network, on the CPU.

    Raises
    ------
    ValueError
        `images` is not such an array, or holds no image.
    """
    import torch
    from torchvision.models import ResNet18_Weights

    images = _checked_images(images)
    channels_first = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    return ResNet18_Weights.IMAGENET1K_V1.transforms()(channels_first)


def iter_layer_activations(
    model: torch.nn.Module,
    images: np.ndarray,
    layers: Sequence[str] | None = None,
    max_bytes: float = 1e9,
    batch_size: int = 32,
    device: str | torch.device | None = None,
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the activations of each layer, flattened and not pooled, in the order of `layers`.

    As many consecutive layers as fit into `max_bytes` are recorded in one pass over the images,
    which ends at the last of them. A layer that is larger than `max_bytes` by itself gets its own
    pass and goes to a nameless temporary file (in ``TMPDIR``), handed out as a
    :class:`numpy.memmap`; the disk space is free again when the array is dropped. To stay within
    the bound, reduce each array (to its Gram matrix, say) and drop it before asking for the next.

    What is recorded is the module's own output, also where a later in-place operation (the ReLUs
    and residual sums of ResNet) overwrites it. Training mode, hooks and random state of `model`
    are left as they were.

    Parameters
    ----------
    model : torch.nn.Module
        Any network that takes the output of :func:`preprocess`.
    images : numpy.ndarray of uint8, shape (n, height, width, 3), or list of pictures of one size
        Pictures for :func:`preprocess`, which is called batch by batch.
    layers : sequence of str, optional
        Names as in ``model.named_modules()``; by default :data:`RESNET18_LAYERS`.
    max_bytes : float, default=1e9
        Bound on the activations that are stored at a time, in bytes (one batch passing through the
        network comes on top).
    batch_size : int, default=32
        Images per forward pass.
    device : str or torch.device, optional
        Device to compute on: `model` is moved there. By default it stays where it is.

    Yields
    ------
    name : str
        Name of the layer.
    activations : numpy.ndarray of float32, shape (n, n_features)
        One row per image, in the order of `images`.

    Raises
    ------
    ValueError
        At the call: an argument is not as described, a layer is unknown (the nearest names are
        given), or does not run exactly once in a forward pass.
    OSError
        While iterating: a layer larger than `max_bytes` does not fit on the disk.
    """
    images = _checked_images(images)
    names = _checked_layers(model, RESNET18_LAYERS if layers is None else layers)
    if isinstance(max_bytes, bool) or not max_bytes > 0:
        raise ValueError(f"max_bytes must be a positive number of bytes, got {max_bytes!r}.")
    check_count("batch_size", batch_size, 1)
    if device is not None:
        model.to(check_device(device))
    n_features = _count_features(model, images, names)
    return _iterate(model, images, names, n_features, max_bytes, batch_size)


def _iterate(
    model: torch.nn.Module,
    images: np.ndarray,
    names: list[str],
    n_features: dict[str, int],
    max_bytes: float,
    batch_size: int,
) -> Iterator[tuple[str, np.ndarray]]:
    n_bytes = {name: len(images) * n_features[name] * np.float32().itemsize for name in names}
    run_order = list(n_features)
    for group in _groups(names, n_bytes, max_bytes):
        last = max(group, key=run_order.index)
        record = _record_on_disk if n_bytes[group[0]] > max_bytes else _record_in_memory
        arrays = record(model, images, {name: n_features[name] for name in group}, last, batch_size)
        for name in group:
            yield name, arrays.pop(name)


def _groups(names: list[str], n_bytes: dict[str, int], max_bytes: float) -> list[list[str]]:
    """Cut `names` into consecutive groups of at most `max_bytes`, or of one larger layer."""
    groups: list[list[str]] = []
    filled = 0
    for name in names:
        if not groups or filled + n_bytes[name] > max_bytes:
            groups.append([])
            filled = 0
        groups[-1].append(name)
        filled += n_bytes[name]
    return groups


def _record_in_memory(
    model: torch.nn.Module,
    images: np.ndarray,
    n_features: dict[str, int],
    last: str,
    batch_size: int,
) -> dict[str, np.ndarray]:
    arrays = {name: np.empty((len(images), n), np.float32) for name, n in n_features.items()}
    n_filled = dict.fromkeys(arrays, 0)

    def sink_of(name: str) -> _Sink:
        def store(block: np.ndarray) -> None:
            start = n_filled[name]
            n_filled[name] = start + len(block)
            arrays[name][start : n_filled[name]] = block

        return store

    _run(model, images, {name: sink_of(name) for name in arrays}, last, batch_size)
    return arrays


def _record_on_disk(
    model: torch.nn.Module,
    images: np.ndarray,
    n_features: dict[str, int],
    last: str,
    batch_size: int,
) -> dict[str, np.ndarray]:
    # Written, not filled through the map: a full disk is then an error and not a crash.
    [(name, n_columns)] = n_features.items()
    with tempfile.TemporaryFile(prefix="sdc-activations-") as file:
        try:
            _run(model, images, {name: file.write}, last, batch_size)
            file.flush()
        except OSError as error:
            n_bytes = len(images) * n_columns * np.float32().itemsize
            raise OSError(
                error.errno,
                f"layer {name!r} needs {n_bytes / 1e9:.2g} GB of disk in {tempfile.gettempdir()}, "
                f"and writing failed: {error.strerror}. Point TMPDIR at a larger folder, raise "
                "max_bytes, or use fewer images",
            ) from error
        shape = (len(images), n_columns)
        return {name: np.memmap(file, dtype=np.float32, mode="r+", shape=shape)}


def _run(
    model: torch.nn.Module,
    images: np.ndarray,
    sinks: dict[str, _Sink],
    last: str | None,
    batch_size: int,
) -> None:
    """Pass all images through the network, each layer's output (batch, features) to its sink."""
    import torch

    modules = dict(model.named_modules())
    device = device_of(model)
    n_rows = dict.fromkeys(sinks, 0)
    with contextlib.ExitStack() as stack:
        stack.enter_context(evaluating(model))
        stack.enter_context(torch.inference_mode())
        stack.enter_context(
            torch.backends.cudnn.flags(
                enabled=True, benchmark=False, deterministic=True, allow_tf32=False
            )
        )
        for name, sink in sinks.items():
            hook = _hook(name, sink, n_rows, stop=name == last)
            stack.callback(modules[name].register_forward_hook(hook).remove)
        for start in range(0, len(images), batch_size):
            batch = preprocess(images[start : start + batch_size]).to(device)
            with contextlib.suppress(_LastLayerReachedError):
                model(batch)
    for name, n_given in n_rows.items():
        if n_given != len(images):
            raise ValueError(
                f"layer {name!r} gives {n_given} rows for {len(images)} images. Choose a module "
                "that runs exactly once an image, such as a convolution or a whole block."
            )


def _hook(name: str, sink: _Sink, n_rows: dict[str, int], stop: bool) -> Callable[..., None]:
    import torch

    def hook(_module: torch.nn.Module, _inputs: tuple, output: object) -> None:
        if not isinstance(output, torch.Tensor) or output.ndim < 2:
            raise ValueError(
                f"layer {name!r} returns {type(output).__name__}, not one tensor with a row per "
                "image: choose a module inside it."
            )
        n_rows[name] += len(output)
        # The sink copies at once, before a later module can write into the same memory.
        sink(output.flatten(1).to("cpu", torch.float32).contiguous().numpy())
        if stop:
            raise _LastLayerReachedError

    return hook


def _count_features(model: torch.nn.Module, images: np.ndarray, names: list[str]) -> dict[str, int]:
    """Return the number of features of each layer, in the order in which the layers run."""
    n_features: dict[str, int] = {}

    def sink_of(name: str) -> _Sink:
        return lambda block: n_features.setdefault(name, block.shape[1])

    _run(model, images[:1], {name: sink_of(name) for name in names}, None, batch_size=1)
    return n_features


def _checked_images(images: np.ndarray) -> np.ndarray:
    images = picture_stack(images)
    expected = "images must be a uint8 array of shape (n, height, width, 3), values 0 to 255"
    if not isinstance(images, np.ndarray):
        raise ValueError(f"{expected}; got {type(images).__name__}: use np.stack on a list.")
    images = as_array("images", images)
    if images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"{expected}; got shape {images.shape}.")
    if images.size == 0:
        raise ValueError(f"{expected}; got shape {images.shape}, which holds no image.")
    if images.dtype != np.uint8:
        check_pictures(images)  # raises unless these are floats from 0 to 1
        raise ValueError(
            f"{expected}; got {images.dtype} from 0 to 1, which have to be times 255: "
            "np.rint(images * 255).astype('uint8')."
        )
    return images


def _checked_layers(model: torch.nn.Module, layers: Sequence[str]) -> list[str]:
    if isinstance(layers, str):
        raise ValueError(f"layers must be a list of names, got the string {layers!r}.")
    names = list(layers)
    if not names or len(set(names)) != len(names):
        raise ValueError(f"layers must name at least one layer, and each once; got {names}.")
    known = [name for name, _ in model.named_modules() if name]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.4) or known[:3]
            raise ValueError(f"layer {name!r} is unknown; the nearest are {', '.join(near)}.")
    return names
