"""Curriculum training of small vision-language models: difficulty, order, models, evaluation."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdc_helpers.curriculum.acceptability import SentencePair, acceptability_pairs
    from sdc_helpers.curriculum.comparison import (
        AcrossSeeds,
        PairedDifference,
        across_seeds,
        paired_difference,
    )
    from sdc_helpers.curriculum.difficulty import (
        ModelLoss,
        NounCount,
        WordCount,
        WordRarity,
        image_difficulty,
    )
    from sdc_helpers.curriculum.evaluation import caption_likelihood, text_score, vqa_score
    from sdc_helpers.curriculum.grid import Grid, load_grid, run_grid
    from sdc_helpers.curriculum.items import Question, questions
    from sdc_helpers.curriculum.materials import Materials, make_materials
    from sdc_helpers.curriculum.models import Captioner, ModelConfig, TokenMean
    from sdc_helpers.curriculum.pacing import (
        BinnedPacing,
        Bins,
        LinearPacing,
        RootPacing,
        Standard,
        quantile_bins,
        threshold_bins,
    )
    from sdc_helpers.curriculum.pictures import feature_maps
    from sdc_helpers.curriculum.results import Evaluation, LogLikelihoods
    from sdc_helpers.curriculum.sampler import CurriculumSampler
    from sdc_helpers.curriculum.schedule import Plan, PlanBatches, curriculum_plan
    from sdc_helpers.curriculum.scoring import Scorer
    from sdc_helpers.curriculum.study import Cell, CellResult, StudyDesign, all_cells, run_cell
    from sdc_helpers.curriculum.tokenizer import CaptionTokenizer
    from sdc_helpers.curriculum.training import CaptionPairs, train_on_captions, train_on_text

__all__ = [
    "AcrossSeeds",
    "BinnedPacing",
    "Bins",
    "CaptionPairs",
    "CaptionTokenizer",
    "Captioner",
    "Cell",
    "CellResult",
    "CurriculumSampler",
    "Evaluation",
    "Grid",
    "LinearPacing",
    "LogLikelihoods",
    "Materials",
    "ModelConfig",
    "ModelLoss",
    "NounCount",
    "PairedDifference",
    "Plan",
    "PlanBatches",
    "Question",
    "RootPacing",
    "Scorer",
    "SentencePair",
    "Standard",
    "StudyDesign",
    "TokenMean",
    "WordCount",
    "WordRarity",
    "acceptability_pairs",
    "across_seeds",
    "all_cells",
    "caption_likelihood",
    "curriculum_plan",
    "feature_maps",
    "image_difficulty",
    "load_grid",
    "make_materials",
    "paired_difference",
    "quantile_bins",
    "questions",
    "run_cell",
    "run_grid",
    "text_score",
    "threshold_bins",
    "train_on_captions",
    "train_on_text",
    "vqa_score",
]

_NAMES_OF = {
    "acceptability": ("SentencePair", "acceptability_pairs"),
    "comparison": ("AcrossSeeds", "PairedDifference", "across_seeds", "paired_difference"),
    "difficulty": ("ModelLoss", "NounCount", "WordCount", "WordRarity", "image_difficulty"),
    "evaluation": ("caption_likelihood", "text_score", "vqa_score"),
    "grid": ("Grid", "load_grid", "run_grid"),
    "items": ("Question", "questions"),
    "materials": ("Materials", "make_materials"),
    "models": ("Captioner", "ModelConfig", "TokenMean"),
    "pacing": (
        "BinnedPacing",
        "Bins",
        "LinearPacing",
        "RootPacing",
        "Standard",
        "quantile_bins",
        "threshold_bins",
    ),
    "pictures": ("feature_maps",),
    "results": ("Evaluation", "LogLikelihoods"),
    "sampler": ("CurriculumSampler",),
    "schedule": ("Plan", "PlanBatches", "curriculum_plan"),
    "scoring": ("Scorer",),
    "study": ("Cell", "CellResult", "StudyDesign", "all_cells", "run_cell"),
    "tokenizer": ("CaptionTokenizer",),
    "training": ("CaptionPairs", "train_on_captions", "train_on_text"),
}
_MODULE_OF = {name: module for module, names in _NAMES_OF.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
