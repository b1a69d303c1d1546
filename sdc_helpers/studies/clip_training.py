"""Training of the course's small CLIP on the scenes, and what it can do on pictures never seen.

``sdc clip train`` calls :func:`train_small_clip`, which writes the three files that
``load_clip("course-fine")`` reads. The loss is CLIP's (Radford et al. 2021, section 2.3) with a
learned temperature, and two further readings of the picture
(:mod:`sdc_helpers.studies.clip_objectives`); nothing but pictures and their captions goes in.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._files import atomic_path, write_json
from sdc_helpers.embeddings.small_clip import small_clip_preprocessing
from sdc_helpers.training.loop import TrainingOptions, train_pairs
from sdc_helpers.training.processes import alone, draw_once, world

if TYPE_CHECKING:
    import torch
    from open_clip import CLIP

    from sdc_helpers.embeddings.small_clip import SmallClipTokenizer

TRAINING_SEED = 1_000_003
"""Of the scenes that the small CLIP is trained on; the chapters' scenes have others."""
QUICK = {"n": 1_500, "n_gallery": 500, "probes": False}
"""A measurement of seconds, by which a test holds the shipped weights to their record."""
_PART = 2_000  # scenes drawn at a time by one process


@dataclass(frozen=True)
class SmallClipRecipe:
    """How a small CLIP is trained, see `RECIPES`.

    Attributes
    ----------
    network : str
        One of `COURSE_CLIPS`.
    n_pictures : int
        Training pictures, each with 5 captions of which one is drawn every time.
    n_steps, batch_size, lr, warmup_steps, weight_decay
        Training options, see `TrainingOptions`; the learning rate falls along half a cosine.
    temperature : float
        Start value of the temperature, which is learned.
    word_weight, edge_weight : float
        Weights of the words of the captions and of the edges of the picture, see `DescribedPairs`.
        With 0 and 0 it is CLIP's loss alone.
    seed : int
        Seed of the initial values and of the batches.
    """

    network: str = "course-fine"
    n_pictures: int = 80_000
    n_steps: int = 2_000
    batch_size: int = 256
    lr: float = 2e-3
    warmup_steps: int = 100
    weight_decay: float = 0.1
    temperature: float = 0.07
    word_weight: float = 0.2
    edge_weight: float = 2.0
    seed: int = 0

    def options(self) -> TrainingOptions:
        """Return the options of the training run."""
        return TrainingOptions(
            n_steps=self.n_steps,
            batch_size=self.batch_size,
            lr=self.lr,
            warmup_steps=self.warmup_steps,
            weight_decay=self.weight_decay,
            betas=(0.9, 0.98),
            gradient_clip=1.0,
            seed=self.seed,
            checkpoint_every=100,
        )


RECIPES = {
    "course-fine": SmallClipRecipe(),
    "course-small": SmallClipRecipe("course-small", 40_000, 800, word_weight=0.0, edge_weight=0.0),
    "quick": SmallClipRecipe(n_pictures=20_000, n_steps=300),
}
"""Recipes by name: those of the weights that the course ships, and one of ten minutes to watch."""


class ScenePairs:
    """Scenes and their captions as pairs to train on, pictures kept as bytes.

    Parameters
    ----------
    pictures : uint8 array of shape (n, 64, 64, 3)
        Pictures of the scenes, as `render` draws them.
    tokens : int64 tensor of shape (n, n_captions, n_tokens)
        Captions of each; one is drawn whenever its picture is used.
    """

    def __init__(self, pictures: np.ndarray, tokens: torch.Tensor) -> None:
        if len(pictures) != len(tokens) or tokens.ndim != 3:
            raise ValueError(
                f"Expected captions (n, n_captions, n_tokens) of {len(pictures)} pictures, got "
                f"shape {tuple(tokens.shape)}."
            )
        self.pictures, self.tokens = pictures, tokens
        self._preprocess = small_clip_preprocessing()

    def __len__(self) -> int:
        return len(self.pictures)

    def batch(
        self, indices: np.ndarray, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return pictures, normalised, one caption of each, and which pictures they are."""
        import torch

        chosen = rng.integers(0, self.tokens.shape[1], len(self))[indices]
        tokens = self.tokens[indices, chosen]
        return self._preprocess(self.pictures[indices]), tokens, torch.from_numpy(indices)


def scene_pairs(
    n: int,
    seed: int = TRAINING_SEED,
    tokenizer: SmallClipTokenizer | None = None,
    context_length: int = 32,
) -> tuple[ScenePairs, SmallClipTokenizer]:
    """Draw scenes to train on, once for all processes of a machine that train together.

    Parameters
    ----------
    n : int
        Number of scenes.
    seed : int
        Seed of the scenes and of their captions.
    tokenizer : SmallClipTokenizer, optional
        Tokenizer of the captions; by default one is made of them.
    context_length : int
        Tokens a sentence of a tokenizer that is made.

    Returns
    -------
    pairs : ScenePairs
    tokenizer : SmallClipTokenizer
    """
    import torch

    from sdc_helpers.embeddings.small_clip import SmallClipTokenizer

    drawn = draw_once(lambda: _draw_all(n, seed, tokenizer, context_length))
    tokens = torch.from_numpy(drawn["tokens"])
    tokenizer = tokenizer or SmallClipTokenizer.from_text(drawn["tokenizer"].tobytes().decode())
    return ScenePairs(drawn["pictures"], tokens), tokenizer


def _draw_all(
    n: int, seed: int, tokenizer: SmallClipTokenizer | None, context_length: int
) -> dict[str, np.ndarray]:
    """Return pictures, tokens (n, n_captions, n_tokens), and the tokenizer as bytes of its text."""
    import joblib
    import torch

    from sdc_helpers.embeddings.small_clip import SmallClipTokenizer

    parts = joblib.Parallel(n_jobs=-1 if n > _PART else 1)(
        joblib.delayed(_draw)(seed, start, min(_PART, n - start)) for start in range(0, n, _PART)
    )
    pictures = np.concatenate([part for part, _ in parts])
    texts = [text for _, of_part in parts for text in of_part]
    tokenizer = tokenizer or SmallClipTokenizer.train(texts, context_length)
    tokens = torch.cat([tokenizer(of_part) for _, of_part in parts])
    return {
        "pictures": pictures,
        "tokens": tokens.reshape(n, -1, tokens.shape[1]).numpy(),
        "tokenizer": np.frombuffer(tokenizer.as_text().encode(), np.uint8),
    }


def _draw(seed: int, start: int, n: int) -> tuple[np.ndarray, list[str]]:
    """Return pictures and captions, all captions of a scene one after the other."""
    from sdc_helpers.scenes import captions, generate_scenes, render

    scenes = generate_scenes(n, seed=seed, start=start)
    return render(scenes), [text for of_scene in captions(scenes, seed=seed) for text in of_scene]


def train_small_clip(
    out: str | Path,
    recipe: SmallClipRecipe | None = None,
    *,
    device: str | None = "cpu",
    progress: bool = True,
    hardware: str = "",
    measure: bool = True,
) -> dict[str, Any]:
    """Train the small CLIP from scratch and measure it.

    Several processes (`sdc_helpers.training.processes`) train it together; the first one writes
    and measures.

    Parameters
    ----------
    out : path
        Gets ``weights.safetensors`` (float16), ``tokenizer.json`` and ``metrics.json``, and holds
        the checkpoint from which a run that was cut off goes on.
    recipe : SmallClipRecipe, optional
        Sizes and options of the training; by default those of "course-fine".
    device : str or None
        Device to train on, see `train_pairs`.
    progress : bool
        Whether to show a progress bar.
    hardware : str
        Description of the machine, to be written beside the minutes.
    measure : bool
        Whether to measure the network, which takes ten minutes more.

    Returns
    -------
    dict
        What ``metrics.json`` holds: the recipe, the minutes, the number of processes, the metrics
        of `measure_series` on the weights as they were written, rounded to float16.
    """
    from sdc_helpers.contrastive.losses import ContrastiveLoss
    from sdc_helpers.contrastive.towers import TwoTowers
    from sdc_helpers.embeddings.small_clip import (
        COURSE_CLIPS,
        SMALL_CLIP_DIMENSION,
        build_small_clip,
    )
    from sdc_helpers.studies.clip_objectives import DescribedPairs

    recipe = recipe or SmallClipRecipe()
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    length = COURSE_CLIPS[recipe.network].context_length
    pairs, tokenizer = scene_pairs(recipe.n_pictures, context_length=length)
    data_seconds = time.perf_counter() - started
    clip = build_small_clip(len(tokenizer.words), recipe.seed, name=recipe.network)
    clip.logit_scale.requires_grad_(False)  # the loss holds the one that is learned
    loss = DescribedPairs(
        ContrastiveLoss(temperature=recipe.temperature, learn_temperature=True),
        pairs.pictures,
        pairs.tokens,
        n_words=len(tokenizer.words),
        dimension=SMALL_CLIP_DIMENSION,
        word_weight=recipe.word_weight,
        edge_weight=recipe.edge_weight,
        seed=recipe.seed,
    )
    history = train_pairs(
        TwoTowers(clip),
        loss,
        pairs,
        recipe.options(),
        out=out,
        device=device,
        progress=progress,
    )
    clip = clip.to("cpu")
    clip.logit_scale.data.copy_(loss.logit_scale.detach())
    steps = history.table.iloc[-1]
    record = {
        "recipe": asdict(recipe),
        "minutes": round((data_seconds + float(steps["seconds"])) / 60, 1),
        "hardware": hardware,
        "processes": world().size,
        "final_loss": round(float(steps["loss"]), 4),
    }
    alone(lambda: _write(out, clip, tokenizer, record, measure))
    return json.loads((out / "metrics.json").read_text(encoding="utf-8"))


def _write(
    out: Path, clip: CLIP, tokenizer: SmallClipTokenizer, record: dict[str, Any], measure: bool
) -> None:
    """Write a trained network, and its record with what it can do."""
    from safetensors.torch import save_file

    from sdc_helpers.embeddings.clip import load_clip
    from sdc_helpers.studies.scene_metrics import measure_on_scenes, measure_series

    tokenizer.save(out / "tokenizer.json")
    with atomic_path(out / "weights.safetensors") as path:
        save_file({k: v.half().contiguous() for k, v in clip.state_dict().items()}, path)
    if measure:
        trained = load_clip(record["recipe"]["network"], out / "weights.safetensors")
        first, *others = measure_series(trained)
        record["metrics"], record["other_series"] = first.to_dict(), [m.to_dict() for m in others]
        record["quick_metrics"] = measure_on_scenes(trained, **QUICK).to_dict()
    write_json(out / "metrics.json", record, indent=2)
