"""The gap of a CLIP that is fine-tuned as a whole, with each loss, and centred afterwards.

Where only projections are trained, the offset of the frozen features stays in them. Here every
weight can move, as in Fahim, Murphy & Fyshe (2024). Minutes for each run on a CPU: the outcome is
recorded by ``sdc gap finetune``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._files import write_json
from sdc_helpers.contrastive.centring import centre_sides
from sdc_helpers.contrastive.finetuning import finetune_clip, with_new_projections
from sdc_helpers.embeddings.clip import load_clip
from sdc_helpers.embeddings.encode import embed_images, embed_texts
from sdc_helpers.embeddings.small_clip import CLIP_ALONE, small_clip_tokenizer
from sdc_helpers.scenes import generate_scenes
from sdc_helpers.studies._records import reading_record
from sdc_helpers.studies.clip_training import ScenePairs, scene_pairs
from sdc_helpers.studies.scene_scores import SceneTest, scene_test, score_on_scenes
from sdc_helpers.training.options import TrainingOptions
from sdc_helpers.training.processes import alone

if TYPE_CHECKING:
    from sdc_helpers.embeddings.clip import ClipModel

START = "start"  # new projections, nothing trained
LOSSES = (START, "clip", "cua", "cuaxu")
AFTER = "_after"  # at the end of an arm's name: both sides centred after training
RECORDED = "recorded_finetuning.json"
_FORWARD = 256  # pairs embedded at a time


@dataclass(frozen=True)
class FinetuneDesign:
    """What is trained and tested; the same for every loss and seed.

    Attributes
    ----------
    dimension : int
        Dimension d of the new projections.
    n_scenes, n_test : int
        Training scenes, with five captions each, and test scenes.
    n_epochs, batch_size : int
        Passes through the training scenes, and pairs in a batch.
    lr, weight_decay : float
        AdamW's options. The rate is half of that with which the small CLIP was trained from
        scratch; it was not tuned for any loss.
    temperature : float
        Temperature tau, which is fixed.
    scene_seed : int
        Seed of the training scenes; the next one gives the test scenes.
    """

    dimension: int = 128
    n_scenes: int = 1024
    n_test: int = 500
    n_epochs: int = 6
    batch_size: int = 64
    lr: float = 1e-3
    weight_decay: float = 0.1
    temperature: float = 0.01
    scene_seed: int = 310


def finetune_runs(
    design: FinetuneDesign,
    seeds: Sequence[int],
    *,
    losses: Iterable[str] = LOSSES,
    device: str = "cpu",
    done: Sequence[Mapping[str, Any]] = (),
    on_run: Callable[[list[dict[str, Any]]], object] | None = None,
) -> list[dict[str, Any]]:
    """Fine-tune the whole small CLIP with each loss and seed, and score every arm.

    Several processes (`sdc_helpers.training.processes`) make each run together.

    Parameters
    ----------
    design : FinetuneDesign
        Sizes and options of the training and the test.
    seeds : sequence of int
        Seeds of projections, batches and captions. All losses of a seed come before the next seed.
    losses : iterable of {"start", "clip", "cua", "cuaxu"}
        Names of the losses, see ``ContrastiveLoss.named``; "start" is the network before training.
    device : str
        Device to compute on.
    done : sequence of dict
        Rows of an earlier call; what they hold is not trained again.
    on_run : callable, optional
        Called with all rows after every run, by the first process.

    Returns
    -------
    list of dict
        Two rows a run, with ``arm``, ``seed`` and the numbers of ``SceneScores.as_row``: the
        network as trained (``arm`` is the loss), and with both sides centred by the means of the
        training pairs (the loss and ``_after``).

    Raises
    ------
    ValueError
        If `finetune_clip` refuses the arguments.
    """
    rows = [dict(row) for row in done]
    missing = [
        (seed, loss)
        for seed in seeds
        for loss in losses
        if not any(row["seed"] == seed and row["arm"] == loss for row in rows)
    ]
    if not missing:
        return rows
    source, _ = scene_pairs(design.n_scenes, design.scene_seed, small_clip_tokenizer(CLIP_ALONE))
    test = scene_test(
        generate_scenes(design.n_test, seed=design.scene_seed + 1),
        rng=np.random.default_rng([design.scene_seed, 1]),
    )
    for seed, loss in missing:
        trained = _trained(design, source, loss, seed, device)
        rows += _scored(trained, source, test, loss, seed)
        if on_run is not None:
            alone(partial(on_run, rows))
    return rows


def save_finetuning(
    rows: Sequence[Mapping[str, Any]],
    design: FinetuneDesign,
    made: Mapping[str, Any],
    path: str | Path,
) -> None:
    """Write rows with how they were made as one JSON file, atomically."""
    content = {"made": dict(made), "design": asdict(design), "runs": [dict(row) for row in rows]}
    write_json(path, content)


def load_finetuning(
    path: str | Path | None = None,
) -> tuple[list[dict[str, Any]], FinetuneDesign, dict[str, Any]]:
    """Read rows, their design, and how they were made; the recorded ones by default."""
    source = files(__package__).joinpath(RECORDED) if path is None else Path(path)
    with reading_record(source, "record of fine-tuning", "sdc gap finetune --out FILE") as content:
        return content["runs"], FinetuneDesign(**content["design"]), content["made"]


def _trained(
    design: FinetuneDesign, source: ScenePairs, loss: str, seed: int, device: str
) -> ClipModel:
    if loss == START:
        return with_new_projections(load_clip(CLIP_ALONE), design.dimension, seed)
    options = TrainingOptions(
        n_steps=design.n_epochs * (design.n_scenes // design.batch_size),
        batch_size=design.batch_size, lr=design.lr, weight_decay=design.weight_decay, seed=seed,
    )  # fmt: skip
    return finetune_clip(
        load_clip(CLIP_ALONE), source, dimension=design.dimension, loss=loss, options=options,
        temperature=design.temperature, device=device,
    )  # fmt: skip


def _scored(
    clip: ClipModel, source: ScenePairs, test: SceneTest, loss: str, seed: int
) -> list[dict[str, Any]]:
    u = embed_images(clip, test.pictures).vectors
    v = embed_texts(clip, list(test.sentences)).vectors
    arms = {loss: (u, v), loss + AFTER: centre_sides(u, v, *_training_rows(clip, source))}
    return [
        {"arm": arm, "seed": seed}
        | {
            name: round(float(value), 4)
            for name, value in score_on_scenes(test, *sides, rng=np.random.default_rng(seed))
            .as_row()
            .items()
        }
        for arm, sides in arms.items()
    ]


def _training_rows(clip: ClipModel, source: ScenePairs) -> tuple[np.ndarray, np.ndarray]:
    """Embed the training pictures and one caption of each, (n, d)."""
    import torch

    from sdc_helpers.contrastive.towers import TwoTowers  # imports open_clip

    towers, rng, parts = TwoTowers(clip.model), np.random.default_rng(0), []
    with torch.no_grad():
        for start in range(0, len(source), _FORWARD):
            rows = np.arange(start, min(start + _FORWARD, len(source)))
            pictures, tokens, _ = source.batch(rows, rng)
            parts.append([side.numpy() for side in towers(pictures, tokens)])
    u, v = (np.concatenate(side) for side in zip(*parts, strict=True))
    return u, v
