"""Fine-tuning a CLIP into another dimension with losses that leave or close the gap.

The projections, the last linear map of each tower, are drawn anew for d dimensions and trained
with a `ContrastiveLoss`, as Fahim, Murphy & Fyshe (2024, arXiv 2405.18570) do. Two modes:

- `train_projections`: the towers before them (trunks) stay as they are; what they say of each
  picture and sentence is computed once, and a run takes about a second on a CPU;
- `finetune_clip`: the whole network is trained.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from sdc_helpers._checks import as_array, can_fuse, check_device, unit_rows
from sdc_helpers.contrastive._projections import new_projections, projections_of
from sdc_helpers.contrastive.losses import ContrastiveLoss
from sdc_helpers.embeddings.clip import ClipModel
from sdc_helpers.embeddings.encode import caption_features, image_features
from sdc_helpers.training.batches import EpochBatches
from sdc_helpers.training.threads import one_thread

if TYPE_CHECKING:
    from pathlib import Path

    from sdc_helpers.training.loop import PairSource, TrainingOptions

_CAPTIONS = 4  # last part of seeds


@dataclass(frozen=True, eq=False)
class TrunkFeatures:
    """Features that the towers of a CLIP compute before their projections.

    Attributes
    ----------
    images : float32 array of shape (n, p)
        Features of n pictures.
    texts : float32 array of shape (n, k, q)
        Features of k captions of each picture.
    items : int array of shape (n, k) or None
        Number of the sentence that each caption is: equal captions have equal numbers, and are no
        negatives of each other. None: every pair is a negative of every other.
    """

    images: np.ndarray
    texts: np.ndarray
    items: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in ("images", "texts"):
            object.__setattr__(self, name, as_array(name, getattr(self, name)))
        if self.images.ndim != 2 or self.texts.ndim != 3 or len(self.images) != len(self.texts):
            raise ValueError(
                "TrunkFeatures needs images (n, p) and texts (n, k, q), got "
                f"{self.images.shape} and {self.texts.shape}."
            )
        if self.items is not None and (
            self.items.shape != self.texts.shape[:2] or self.items.dtype.kind not in "iu"
        ):
            raise ValueError(
                f"TrunkFeatures needs items as integers of shape {self.texts.shape[:2]}, one a "
                f"caption, got {self.items.dtype} of shape {self.items.shape}."
            )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: slice | np.ndarray) -> TrunkFeatures:
        items = None if self.items is None else self.items[rows]
        return TrunkFeatures(self.images[rows], self.texts[rows], items)


@dataclass(frozen=True)
class ProjectionRecipe:
    """How projections are trained, the same for every loss.

    Attributes
    ----------
    n_epochs, batch_size : int
        Passes through the pairs, and pairs in a batch.
    lr : float
        Learning rate of AdamW at the start; it falls along half a cosine to 0.
    weight_decay : float
        Weight decay of the weight matrices.
    temperature : float
        Temperature tau of the loss, fixed.
    centred : bool
        Whether each tower's mean over the training rows is taken off its features first. Features
        that are not centred bring a gap along, whatever the loss is.
    """

    n_epochs: int = 18
    batch_size: int = 64
    lr: float = 3e-3
    weight_decay: float = 0.1
    temperature: float = 0.01
    centred: bool = False


@dataclass(frozen=True, eq=False)
class Projections:
    """Linear maps of both towers, of several runs; from `train_projections`.

    Attributes
    ----------
    image_weight, image_bias, text_weight : float32 arrays
        Weights of shapes (n_runs, p, d), (n_runs, 1, d) and (n_runs, q, d), as CLIP's towers have
        them: a bias for pictures, none for sentences.
    image_mean, text_mean : float32 arrays of shape (p,) and (q,)
        Vectors that are taken off the features first: their means over the training rows, or zeros.
    """

    image_weight: np.ndarray
    image_bias: np.ndarray
    text_weight: np.ndarray
    image_mean: np.ndarray
    text_mean: np.ndarray

    def images(self, features: np.ndarray) -> np.ndarray:
        """Turn features (n, p) of pictures into unit rows (n_runs, n, d)."""
        features = as_array("features", features)
        return unit_rows((features - self.image_mean) @ self.image_weight + self.image_bias)

    def texts(self, features: np.ndarray) -> np.ndarray:
        """Turn features (n, q) of sentences into unit rows (n_runs, n, d)."""
        features = as_array("features", features)
        return unit_rows((features - self.text_mean) @ self.text_weight)


def clip_trunk(clip: ClipModel) -> ClipModel:
    """Return a copy of a CLIP without its projections.

    ``image_features`` and ``text_features`` of `sdc_helpers.embeddings` give its features.

    Parameters
    ----------
    clip : ClipModel
        The network, from `load_clip`, with a residual network or a vision transformer of open_clip.

    Returns
    -------
    ClipModel
        The copy, whose embeddings are the features before the projections.

    Raises
    ------
    ValueError
        If the network has no projections that are known.
    """
    projections_of(clip)
    model = copy.deepcopy(clip.model)
    if hasattr(model.visual, "attnpool"):
        width = model.visual.attnpool.c_proj.in_features
        same = nn.utils.skip_init(nn.Linear, width, width).to(clip.device)
        nn.init.eye_(same.weight)
        nn.init.zeros_(same.bias)
        model.visual.attnpool.c_proj = same.requires_grad_(False)
    else:
        model.visual.proj = None
    model.text_projection = None
    return replace(clip, model=model, weights=f"{clip.weights}, without projections")


def trunk_features(
    trunk: ClipModel,
    pictures: Any,
    captions: Sequence[Sequence[str]],
    **options: Any,
) -> TrunkFeatures:
    """Compute the features of pictures and of their captions.

    Parameters
    ----------
    trunk : ClipModel
        The network without projections, from `clip_trunk`.
    pictures : array of shape (n, height, width, 3)
        Pictures as `embed_images` takes them.
    captions : sequence of n sequences of k strings
        Captions of each picture.
    **options
        Options of `embed_images`, such as ``device`` and ``cache``.

    Returns
    -------
    TrunkFeatures
        Features of the pictures and of their captions, with `items`: which captions are the same
        sentence.
    """
    images = image_features(trunk, pictures, **options).vectors
    texts = caption_features(trunk, captions, **options).vectors
    _, items = np.unique([text for row in captions for text in row], return_inverse=True)
    return TrunkFeatures(images, texts, items.reshape(texts.shape[:2]))


@one_thread()
def train_projections(
    features: TrunkFeatures,
    *,
    dimension: int,
    loss: str,
    seeds: Sequence[int],
    recipe: ProjectionRecipe | None = None,
    device: str | torch.device = "cpu",
) -> Projections:
    """Train new projections on features that stay as they are; all seeds at once.

    Parameters
    ----------
    features : TrunkFeatures
        Features of the training pairs; one of the captions is drawn whenever a pair is used. Pairs
        of a batch that drew the same sentence, by its `items`, are no negatives of each other.
    dimension : int
        Number of dimensions d of the new projections.
    loss : {"clip", "cua", "cuaxu"}
        Name of the loss, see `ContrastiveLoss.named`.
    seeds : sequence of int
        Seeds of initial values, batches and captions; a seed draws the same for every loss.
    recipe : ProjectionRecipe, optional
        Options of the training; by default those of `ProjectionRecipe()`.
    device : str or torch.device
        Device to compute on.

    Returns
    -------
    Projections
        One run a seed, in order.

    Raises
    ------
    ValueError
        If the loss is unknown, there is no seed, or there are fewer pairs than make a batch.
    """
    recipe = recipe or ProjectionRecipe()
    if not len(seeds) or dimension < 1 or recipe.n_epochs < 1:
        raise ValueError(
            f"Expected one seed or more, and a dimension and n_epochs of at least 1, got "
            f"seeds={list(seeds)}, dimension={dimension}, n_epochs={recipe.n_epochs}."
        )
    pair_loss = ContrastiveLoss.named(loss, temperature=recipe.temperature, gather="never")
    device = check_device(device)
    image_mean, text_mean = (
        recipe.centred * x.reshape(-1, x.shape[-1]).mean(axis=0)
        for x in (features.images, features.texts)
    )
    images = torch.from_numpy(features.images - image_mean).to(device)
    texts = torch.from_numpy(features.texts - text_mean).to(device)
    items = None if features.items is None else torch.from_numpy(features.items).to(device)
    parameters = new_projections(images.shape[-1], texts.shape[-1], dimension, seeds, device)
    w_image, b_image, w_text = parameters
    groups = [
        {"params": [w_image, w_text], "weight_decay": recipe.weight_decay},
        {"params": [b_image], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=recipe.lr, fused=can_fuse(images.device))
    batches = [EpochBatches(len(features), recipe.batch_size, seed) for seed in seeds]
    draws = [np.random.default_rng([seed, _CAPTIONS]) for seed in seeds]
    n_steps = recipe.n_epochs * batches[0].steps_per_epoch
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    for step in range(n_steps):
        rows = np.stack([order.indices(step) for order in batches])
        drawn = np.stack([rng.integers(texts.shape[1], size=recipe.batch_size) for rng in draws])
        index, caption = (torch.from_numpy(a).to(images.device) for a in (rows, drawn))
        u = functional.normalize(torch.baddbmm(b_image, images[index], w_image), dim=-1)
        v = functional.normalize(torch.bmm(texts[index, caption], w_text), dim=-1)
        drawn_items = None if items is None else items[index, caption]
        pair_loss(u, v, items=drawn_items).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    trained = (w_image, b_image, w_text)
    weights, bias, words = (parameter.detach().cpu().numpy() for parameter in trained)
    return Projections(weights, bias, words, image_mean, text_mean)


def finetune_clip(
    clip: ClipModel,
    source: PairSource,
    *,
    dimension: int,
    loss: str,
    options: TrainingOptions,
    temperature: float = 0.01,
    out: str | Path | None = None,
    device: str | None = None,
    progress: bool = False,
) -> ClipModel:
    """Train a whole CLIP with new projections; the given one is left as it is.

    Parameters
    ----------
    clip : ClipModel
        The network to start from.
    source : PairSource
        Pictures as the network takes them, and tokens, such as `ScenePairs`.
    dimension : int
        Number of dimensions d of the new projections.
    loss : {"clip", "cua", "cuaxu"}
        Name of the loss, see `ContrastiveLoss.named`.
    options : TrainingOptions
        Options of the training; their seed is that of the projections too.
    temperature : float
        Temperature tau of the loss, fixed.
    out, device, progress
        Options of `train_pairs`.

    Returns
    -------
    ClipModel
        The trained network, on the CPU.

    Raises
    ------
    ValueError
        In the cases that `train_pairs` lists, and if the network has no projections that are known.
    """
    from sdc_helpers.contrastive.towers import TwoTowers
    from sdc_helpers.training.loop import train_pairs

    model = with_new_projections(clip, dimension, options.seed).model.requires_grad_()
    model.logit_scale.requires_grad_(False)
    pair_loss = ContrastiveLoss.named(loss, temperature=temperature)
    train_pairs(
        TwoTowers(model), pair_loss, source, options, out=out, device=device, progress=progress
    )
    model.cpu().eval().requires_grad_(False)
    trained = f"{clip.weights}, fine-tuned: {loss}, d={dimension}, seed {options.seed}"
    return replace(clip, model=model, dimension=dimension, weights=trained)


def with_new_projections(clip: ClipModel, dimension: int, seed: int) -> ClipModel:
    """Return a copy of a CLIP with projections drawn anew: where `finetune_clip` starts.

    Parameters
    ----------
    clip : ClipModel
        The network whose towers are copied.
    dimension : int
        Number of dimensions d of the new projections.
    seed : int
        Seed of their values.

    Returns
    -------
    ClipModel
        The copy, on the CPU.

    Raises
    ------
    ValueError
        If the network has no projections that are known.
    """
    widths = [weight.shape[0] for weight in projections_of(clip)]
    drawn = new_projections(*widths, dimension, [seed], "cpu")
    w_image, b_image, w_text = (parameter.detach()[0] for parameter in drawn)
    model = copy.deepcopy(clip.model).cpu()
    if hasattr(model.visual, "attnpool"):
        projection = nn.utils.skip_init(nn.Linear, widths[0], dimension)
        projection.weight.data, projection.bias.data = w_image.T.contiguous(), b_image[0]
        model.visual.attnpool.c_proj = projection
    else:
        model.visual.proj = nn.Parameter(w_image)
    model.text_projection = nn.Parameter(w_text)
    model.eval().requires_grad_(False)
    weights = f"{clip.weights}, new projections: d={dimension}, seed {seed}"
    return replace(clip, model=model, dimension=dimension, weights=weights)
