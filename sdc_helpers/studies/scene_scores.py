"""What a CLIP's space is good for, on scenes: gap, retrieval, zero-shot, probes, arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.contrastive.arithmetic import Arithmetic, picture_arithmetic
from sdc_helpers.contrastive.gap import gap_report
from sdc_helpers.embeddings.probes import linear_probe
from sdc_helpers.embeddings.zero_shot import zero_shot
from sdc_helpers.scenes import Scene, captions, factors, render
from sdc_helpers.scenes.changes import SceneChanges, scene_changes
from sdc_helpers.studies.scene_metrics import CATEGORY_PROMPTS, PLACE_PROMPTS
from sdc_helpers.training.threads import one_thread

if TYPE_CHECKING:
    from sdc_helpers.contrastive.gap import GapReport

_TASKS = {"place": PLACE_PROMPTS, "main_category": CATEGORY_PROMPTS}
_PROBED = ("face", "food", "near")
_PENALTIES = (1.0, 30.0, 1000.0)


@dataclass(frozen=True, eq=False)
class SceneTest:
    """Held-out scenes with all that is asked about them, the same for every model.

    Attributes
    ----------
    pictures : uint8 array of shape (n, size, size, 3)
        Pictures of the gallery.
    sentences : tuple of str
        Every sentence that a model has to embed: captions, class prompts, changes.
    caption : int array of shape (n,)
        One caption of each picture, as a row of `sentences`.
    prompts : dict of str to list of int array
        Rows of `sentences` that describe each class, for each task.
    labels : dict of str to int array of shape (n,)
        Class of each picture, for each task.
    probed : dict of str to float array of shape (n,)
        Factors that are read by a linear model.
    changes : SceneChanges
        Questions of picture arithmetic.
    before, after : int arrays of shape (m,)
        Sentences before and after each change, as rows of `sentences`.
    """

    pictures: np.ndarray
    sentences: tuple[str, ...]
    caption: np.ndarray
    prompts: dict[str, list[np.ndarray]]
    labels: dict[str, np.ndarray]
    probed: dict[str, np.ndarray]
    changes: SceneChanges
    before: np.ndarray
    after: np.ndarray


@dataclass(frozen=True, eq=False)
class SceneScores:
    """What `score_on_scenes` found.

    Attributes
    ----------
    gap : GapReport
        Gap between all pictures and one caption of each; recall at 1, 5 and 10.
    zero_shot : dict of str to float
        Accuracy of "place" and "main_category".
    probe : float
        Mean R2 of linear probes of three factors (how much of the picture is face and food, and
        how near things are) from the pictures' embeddings; fitted on half of the pictures.
    arithmetic : Arithmetic
        Score for each weight.
    """

    gap: GapReport
    zero_shot: dict[str, float]
    probe: float
    arithmetic: Arithmetic

    def as_row(self) -> dict[str, float]:
        """Return the numbers in a flat dict, arithmetic at the weight nearest to 1."""
        one = int(np.abs(self.arithmetic.weights - 1).argmin())
        recalls = {
            f"recall_{k}": (self.gap.recall_u_to_v[k] + self.gap.recall_v_to_u[k]) / 2
            for k in self.gap.recall_u_to_v
        }
        return {
            "centroid_distance": self.gap.centroid_distance,
            "linear_separability": self.gap.linear_separability,
            "paired_cosine": self.gap.paired_cosine,
            "uniformity": self.gap.uniformity,
            **recalls,
            "zero_shot": float(np.mean(list(self.zero_shot.values()))),
            "probe": self.probe,
            "arithmetic": float(self.arithmetic.score[one]),
            "arithmetic_shuffled": float(self.arithmetic.shuffled[one]),
        }


def scene_test(
    scenes: Sequence[Scene], *, rng: np.random.Generator, size: int = 64, seed: int = 0
) -> SceneTest:
    """Collect pictures, sentences and right answers.

    Parameters
    ----------
    scenes : sequence of Scene
        20 at least, not used in training.
    rng : numpy.random.Generator
        Source of the changes, see `scene_changes`.
    size : int
        Height and width of the pictures, in pixels.
    seed : int
        Seed of the captions' wording.

    Returns
    -------
    SceneTest

    Raises
    ------
    ValueError
        If there are too few scenes.
    """
    if len(scenes) < 20:
        raise ValueError(f"Expected 20 scenes or more, got {len(scenes)}.")
    table = factors(scenes)
    # the first of five: of any detail, where a single one would only name a thing
    one_caption = [of_scene[0] for of_scene in captions(scenes, seed=seed)]
    changes = scene_changes(scenes, rng=rng)
    wanted = [*one_caption, *changes.before, *changes.after]
    wanted += [text for task in _TASKS.values() for texts in task.values() for text in texts]
    sentences = tuple(sorted(set(wanted)))
    row_of = {sentence: row for row, sentence in enumerate(sentences)}

    def rows(texts: Sequence[str]) -> np.ndarray:
        return np.array([row_of[text] for text in texts])

    return SceneTest(
        pictures=render(scenes, size=size),
        sentences=sentences,
        caption=rows(one_caption),
        prompts={
            task: [rows(texts) for texts in classes.values()] for task, classes in _TASKS.items()
        },
        labels={
            task: np.array([list(classes).index(value) for value in table[task]])
            for task, classes in _TASKS.items()
        },
        probed={name: table[name].to_numpy(float) for name in _PROBED},
        changes=changes,
        before=rows(changes.before),
        after=rows(changes.after),
    )


@one_thread()
def score_on_scenes(
    test: SceneTest,
    images: Any,
    texts: Any,
    *,
    rng: np.random.Generator,
    weights: Sequence[float] = (1.0,),
) -> SceneScores:
    """Score a model by its embeddings of the test's pictures and sentences.

    Parameters
    ----------
    test : SceneTest
        Questions to answer, made by `scene_test`.
    images : array of shape (n, d)
        Unit rows, one a picture.
    texts : array of shape (n_sentences, d)
        Unit rows, one a sentence of ``test.sentences``.
    rng : numpy.random.Generator
        Shuffles the control of the arithmetic.
    weights : sequence of float
        Weights lambda of the arithmetic to try.

    Returns
    -------
    SceneScores

    Raises
    ------
    ValueError
        If shapes do not fit.
    """
    images, texts = as_array("images", images), as_array("texts", texts)
    if len(images) != len(test.pictures) or len(texts) != len(test.sentences):
        raise ValueError(
            f"Expected rows for {len(test.pictures)} pictures and {len(test.sentences)} "
            f"sentences, got {len(images)} and {len(texts)}."
        )
    accuracy = {}
    for task, prompts in test.prompts.items():
        classes = np.stack([texts[rows].mean(axis=0) for rows in prompts])
        accuracy[task] = zero_shot(images, classes, test.labels[task]).accuracy.value
    half = len(images) // 2
    probes = [
        linear_probe(
            images[:half], values[:half], images[half:], values[half:],
            penalties=_PENALTIES, n_bootstrap=1,
        ).score.value
        for values in test.probed.values()
    ]  # fmt: skip
    return SceneScores(
        gap=gap_report(images, texts[test.caption]),
        zero_shot=accuracy,
        probe=float(np.mean(probes)),
        arithmetic=picture_arithmetic(
            images, texts[test.before], texts[test.after], test.changes, weights, rng=rng
        ),
    )
