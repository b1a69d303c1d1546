"""The pictures, captions and questions of the curriculum study: drawn once, the same for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from sdc_helpers.curriculum.design import StudyDesign
from sdc_helpers.curriculum.difficulty import NounCount, image_difficulty
from sdc_helpers.curriculum.materials import Materials
from sdc_helpers.curriculum.pictures import feature_maps
from sdc_helpers.curriculum.tokenizer import CaptionTokenizer
from sdc_helpers.scenes import captions, generate_scenes, minimal_pairs, render, replaced_pairs
from sdc_helpers.scenes.grammar import acceptability_pairs
from sdc_helpers.scenes.questions import QUESTION_KINDS, pictures_of, questions
from sdc_helpers.scenes.tagger import tag_by_lexicon
from sdc_helpers.training.processes import draw_once

if TYPE_CHECKING:
    from sdc_helpers.embeddings.clip import ClipModel

_TRAIN, _TEXT, _TEST, _PAIRS = (5_000_000 + 1_000_000 * k for k in range(4))
"""Where the seeds of scenes begin; far from those of other chapters."""


def make_materials(design: StudyDesign, clip: ClipModel) -> Materials:
    """Draw the scenes, and ask about those that are held out.

    Of several processes that train together one draws the pictures.

    Parameters
    ----------
    design : StudyDesign
        Sizes and seed of the study.
    clip : ClipModel
        CLIP model whose frozen image tower makes the feature maps.

    Returns
    -------
    Materials
    """
    seed = design.data_seed
    scenes = generate_scenes(design.n_images, seed=_TRAIN + seed)
    own = captions(scenes, design.n_captions)
    others = generate_scenes(
        -(-design.n_sentences // design.n_captions), seed=_TEXT + seed
    )  # rounded up
    text = [t for of_one in captions(others, design.n_captions) for t in of_one]
    text = text[: design.n_sentences]
    samples = [t for of_one in own for t in of_one]
    tokenizer = CaptionTokenizer.train([*samples, *text], design.vocabulary_size)
    image_of = np.repeat(np.arange(len(own)), [len(of_one) for of_one in own])
    test = generate_scenes(design.n_test, seed=_TEST + seed)
    pairs = minimal_pairs(design.n_test, seed=_PAIRS + seed)
    replaced = replaced_pairs(design.n_test, seed=_PAIRS + seed)
    shown = {
        "pictures": scenes,
        "test_pictures": test,
        "pair_pictures": pictures_of(pairs),
        "replaced_pictures": pictures_of(replaced),
    }
    maps = draw_once(
        lambda: {name: feature_maps(clip, render(s)).numpy() for name, s in shown.items()}
    )
    return Materials(
        captions=own,
        tokens=tokenizer(samples),
        image_of=image_of,
        difficulty=image_difficulty(own, NounCount(tag_by_lexicon))[image_of],
        n_words=np.array([len(t.split()) for t in samples]),
        text_tokens=tokenizer(text),
        tokenizer=tokenizer,
        test_captions=[of_one[0] for of_one in captions(test, 5)],  # of any length
        **{name: torch.from_numpy(values) for name, values in maps.items()},
        pairs=pairs,
        replaced=replaced,
        asked=questions(test, design.n_test // (2 * len(QUESTION_KINDS)), seed=seed),
        sentence_pairs=acceptability_pairs(max(2, design.n_test // 8 * 2), seed=seed),
    )
