from .comparison import (
    PairedDifference,
    across_seeds,
    paired_difference,
    smallest_effect,
)
from .design import (
    Cell,
    CellResult,
    StudyDesign,
    all_cells,
    plan_of,
)
from .difficulty import (
    ModelLoss,
    NounCount,
    WordCount,
    WordRarity,
    image_difficulty,
    rank_agreement,
)
from .evaluation import (
    acceptability,
    caption_likelihood,
    text_score,
    vqa_score,
)
from .listed import ListedPlan
from .materials import Materials
from .models import (
    Captioner,
    ModelConfig,
    TokenMean,
)
from .pacing import (
    BinnedPacing,
    Bins,
    LinearPacing,
    RootPacing,
    Standard,
    quantile_bins,
    threshold_bins,
)
from .paradigms import ParadigmScores, score_paradigms
from .pictures import feature_maps
from .results import (
    Evaluation,
    LogLikelihoods,
)
from .sampler import CurriculumSampler
from .schedule import (
    Plan,
    PlanBatches,
    curriculum_plan,
)
from .scoring import Scorer
from .study import run_cell
from .tokenizer import CaptionTokenizer
from .training import (
    CaptionPairs,
    train_on_captions,
    train_on_text,
)

__all__ = [
    "BinnedPacing",
    "Bins",
    "CaptionPairs",
    "CaptionTokenizer",
    "Captioner",
    "Cell",
    "CellResult",
    "CurriculumSampler",
    "Evaluation",
    "LinearPacing",
    "ListedPlan",
    "LogLikelihoods",
    "Materials",
    "ModelConfig",
    "ModelLoss",
    "NounCount",
    "PairedDifference",
    "ParadigmScores",
    "Plan",
    "PlanBatches",
    "RootPacing",
    "Scorer",
    "Standard",
    "StudyDesign",
    "TokenMean",
    "WordCount",
    "WordRarity",
    "acceptability",
    "across_seeds",
    "all_cells",
    "caption_likelihood",
    "curriculum_plan",
    "feature_maps",
    "image_difficulty",
    "paired_difference",
    "plan_of",
    "quantile_bins",
    "rank_agreement",
    "run_cell",
    "score_paradigms",
    "smallest_effect",
    "text_score",
    "threshold_bins",
    "train_on_captions",
    "train_on_text",
    "vqa_score",
]
