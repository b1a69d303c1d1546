"""Losses against the gap on the small CLIP: its projections drawn anew and trained, then scored.

The towers stay as they are, so that a run takes a second. The learning rate is the one with which
CLIP's own loss finds most on pictures kept for this choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers.contrastive.finetuning import (
    ProjectionRecipe,
    clip_trunk,
    train_projections,
    trunk_features,
)
from sdc_helpers.contrastive.gap import pair_recall
from sdc_helpers.embeddings.clip import load_clip
from sdc_helpers.embeddings.encode import image_features, text_features
from sdc_helpers.embeddings.small_clip import CLIP_ALONE
from sdc_helpers.scenes import captions, generate_scenes, render
from sdc_helpers.studies.scene_scores import SceneTest, scene_test, score_on_scenes

if TYPE_CHECKING:
    import pandas as pd

    from sdc_helpers.contrastive.finetuning import Projections, TrunkFeatures
    from sdc_helpers.studies.scene_scores import SceneScores

RATES = (1e-3, 3e-3, 1e-2)
_DIMENSION = 128
_MAX_VALIDATION = 500

Sides = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class ClosingStudy:
    """Features of the small CLIP's towers, a test, and a recipe for each kind of features.

    Attributes
    ----------
    test : SceneTest
        Questions about held-out scenes.
    fit : TrunkFeatures
        Features of the training scenes.
    images, texts : float array of shape (n, p) and (n_sentences, q)
        Features of the test's pictures and sentences.
    recipes : dict of bool to ProjectionRecipe
        How to train, with features as they are (False) and centred (True).
    searched : dict of (bool, float) to float
        Recall at 10 on validation pictures for each kind of features and learning rate.
    device : str
        Device to train on.
    """

    test: SceneTest
    fit: TrunkFeatures
    images: np.ndarray
    texts: np.ndarray
    recipes: dict[bool, ProjectionRecipe]
    searched: dict[tuple[bool, float], float]
    device: str

    def train(
        self, loss: str, seeds: Sequence[int], *, centred: bool = False, dimension: int = _DIMENSION
    ) -> tuple[Sides, Sides]:
        """Train new projections with a loss and embed both the test and the training pairs.

        Parameters
        ----------
        loss : {"clip", "cua", "cuaxu"}
            Name of the loss, see ``ContrastiveLoss.named``.
        seeds : sequence of int
            Seeds of the projections and batches.
        centred : bool
            Whether the mean of the training features is taken off before training.
        dimension : int
            Number of dimensions d of the space.

        Returns
        -------
        test : tuple of float arrays of shape (n_seeds, n, d) and (n_seeds, n_sentences, d)
            Unit rows of the test's pictures and sentences.
        training : tuple of float arrays of shape (n_seeds, m, d) and (n_seeds, m_texts, d)
            Unit rows of the training pictures and all their captions.

        Raises
        ------
        ValueError
            If `train_projections` refuses the arguments.
        """
        run = self._trained(self.fit, loss, seeds, centred, dimension)
        texts = np.concatenate(self.fit.texts)
        return (
            (run.images(self.images), run.texts(self.texts)),
            (run.images(self.fit.images), run.texts(texts)),
        )

    def gap_with_mean(self, portion: float, seeds: Sequence[int]) -> list[float]:
        """Return the gap after CLIP's loss if a portion of the features' mean is left in.

        Parameters
        ----------
        portion : float
            Share of the mean that is left in: 0 takes it off, 1 leaves the features as they are.
        seeds : sequence of int
            Seeds of the projections and batches.

        Returns
        -------
        list of float
            Centroid distance of the test pairs, one value a seed.

        Raises
        ------
        ValueError
            If `train_projections` refuses the arguments.
        """
        shift_u = np.float32(portion - 1) * self.fit.images.mean(axis=0)
        shift_v = np.float32(portion - 1) * self.fit.texts.mean(axis=(0, 1))
        moved = replace(self.fit, images=self.fit.images + shift_u, texts=self.fit.texts + shift_v)
        run = self._trained(moved, "clip", seeds, False, _DIMENSION)
        u = run.images(self.images + shift_u)
        v = run.texts(self.texts + shift_v)[:, self.test.caption]
        return np.linalg.norm(u.mean(axis=1) - v.mean(axis=1), axis=-1).tolist()

    def score(
        self, sides: Mapping[str, Sides], *, seed: int, weights: Sequence[float] = (1.0,)
    ) -> tuple[pd.DataFrame, dict[str, list[SceneScores]]]:
        """Score each arm and seed by the test.

        Parameters
        ----------
        sides : mapping of str to tuple of arrays
            For each arm the unit rows of the test's pictures, (n_seeds, n, d), and sentences.
        seed : int
            Seed of the arithmetic's control.
        weights : sequence of float
            Weights lambda of the arithmetic.

        Returns
        -------
        per_seed : pandas.DataFrame
            One row an arm and seed: ``arm``, ``seed`` and the numbers of ``SceneScores.as_row``.
        scores : dict of str to list of SceneScores
            All scores of each arm, one a seed.

        Raises
        ------
        ValueError
            If shapes do not fit the test.
        """
        import pandas as pd

        scores = {
            arm: [
                score_on_scenes(
                    self.test, u, v, rng=np.random.default_rng([seed, 2, number]), weights=weights
                )
                for number, (u, v) in enumerate(zip(*both, strict=True))
            ]
            for arm, both in sides.items()
        }
        rows = [
            {"arm": arm, "seed": number} | score.as_row()
            for arm, of_arm in scores.items()
            for number, score in enumerate(of_arm)
        ]
        return pd.DataFrame(rows), scores

    def _trained(
        self, fit: TrunkFeatures, loss: str, seeds: Sequence[int], centred: bool, dimension: int
    ) -> Projections:
        return train_projections(
            fit, dimension=dimension, loss=loss, seeds=seeds, recipe=self.recipes[centred],
            device=self.device,
        )  # fmt: skip


def open_closing(
    n_pairs: int,
    n_test: int,
    *,
    n_epochs: int,
    seed: int,
    clip: tuple[str, str] = (CLIP_ALONE, "course"),
    device: str = "cpu",
) -> ClosingStudy:
    """Embed simulated scenes by a CLIP's towers and choose the learning rates.

    Parameters
    ----------
    n_pairs : int
        Number of training scenes; a quarter of them, 500 at most, is kept to choose the rate.
    n_test : int
        Number of test scenes.
    n_epochs : int
        Passes through the training scenes.
    seed : int
        Seed of the scenes and of the first training.
    clip : tuple of str
        Name and weights of the CLIP, as `load_clip` takes them.
    device : str
        Device to compute on.

    Returns
    -------
    ClosingStudy

    Raises
    ------
    ValueError
        If there are too few scenes.
    """
    scenes = generate_scenes(n_pairs, seed=10 * seed)
    sentences = captions(scenes)
    test = scene_test(
        generate_scenes(n_test, seed=10 * seed + 1), rng=np.random.default_rng([seed, 1])
    )
    trunk = clip_trunk(load_clip(*clip, device=device))
    features = trunk_features(trunk, render(scenes), [of[:2] for of in sentences])
    n_validation = min(_MAX_VALIDATION, n_pairs // 4)
    fit, validation = features[n_validation:], features[:n_validation]
    recipes, searched = {}, {}
    for centred in (False, True):
        recipe = ProjectionRecipe(n_epochs=n_epochs, centred=centred)
        for lr in RATES:
            run = train_projections(
                fit, dimension=_DIMENSION, loss="clip", seeds=[1000 * seed],
                recipe=replace(recipe, lr=lr), device=device,
            )  # fmt: skip
            u, v = run.images(validation.images)[0], run.texts(validation.texts[:, 0])[0]
            searched[centred, lr] = _recall(u, v)
        best = max(RATES, key=lambda lr: searched[centred, lr])
        recipes[centred] = replace(recipe, lr=best)
    return ClosingStudy(
        test=test, fit=fit, recipes=recipes, searched=searched, device=device,
        images=image_features(trunk, test.pictures).vectors,
        texts=text_features(trunk, list(test.sentences)).vectors,
    )  # fmt: skip


def _recall(u: Any, v: Any) -> float:
    """Recall at 10, mean of both directions."""
    return float(np.mean([pair_recall(*sides, ks=(10,))[10] for sides in ((u, v), (v, u))]))
