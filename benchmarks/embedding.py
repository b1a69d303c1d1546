"""How fast pictures are embedded, against a bare loop over the same network.

The bare loop standardises a batch of pictures, runs the image tower and keeps the result;
embed_images also checks the pictures, streams them, sets vectors to unit length and can keep them
on disk. They take turns, so that other work on the machine meets both alike.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable

import numpy as np
from _report import hardware, print_table, require_device


def bare_loop(clip, images: np.ndarray, batch_size: int, device: str) -> np.ndarray:
    """Embed as a person would write it down, one batch after the other."""
    import torch

    mean, std = (
        torch.tensor(v, device=device).view(1, 3, 1, 1)
        for v in (clip.preprocess.mean, clip.preprocess.std)
    )
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), batch_size):
            batch = torch.from_numpy(images[start : start + batch_size]).to(device)
            batch = batch.permute(0, 3, 1, 2).float().div(255)
            parts.append(clip.model.encode_image((batch - mean) / std).cpu())
    return torch.cat(parts).numpy()


def main(arguments: list[str] | None = None) -> None:
    """Time both, and reading from the cache."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--model", default="course-small", help="others have random weights")
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args(arguments)
    require_device(parser, options.device)

    from sdc_helpers.embeddings import embed_images, load_clip

    weights = "course" if options.model == "course-small" else "random"
    clip = load_clip(options.model, weights, device=options.device)
    shape = (options.images, clip.image_size, clip.image_size, 3)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    ours = {"batch_size": options.batch}
    with tempfile.TemporaryDirectory() as folder:
        rows = _take_turns(
            {
                "bare loop": lambda: bare_loop(clip, images, options.batch, options.device),
                "embed_images": lambda: embed_images(clip, images, **ours),
                "embed_images, from its cache": lambda: embed_images(
                    clip, images, cache=folder, **ours
                ),
            },
            options.repeats,
        )
    print(hardware(options.device))
    print(
        f"\n{options.model} on {options.device}, {options.images} pictures of {clip.image_size} "
        f"pixels, batches of {options.batch}, {options.repeats} rounds"
    )
    bare = rows["bare loop"]
    print_table(
        ("", "pictures a second", "ratio to the bare loop"),
        [
            (
                name,
                f"{options.images / statistics.median(seconds):.0f}",
                f"{statistics.median(b / s for b, s in zip(bare, seconds, strict=True)):.2f}",
            )
            for name, seconds in rows.items()
        ],
    )


def _take_turns(functions: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for repeat in range(repeats + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if repeat:  # the first warms up and fills the cache
                seconds[name].append(time.perf_counter() - start)
    return seconds


if __name__ == "__main__":
    main()
