from ._neighbour_pairs import pairs_within
from .baselines import (
    Baseline,
    by_participant,
    choose_parameter,
    hdbscan,
    ica,
    kmeans,
    nmf,
    plain_dbscan,
)
from .contiguous import contiguity
from .interpretation import (
    ConceptCard,
    both_ends,
    extremes,
    partial_correlations,
    score_names,
)
from .negation import (
    NegationTest,
    negation_test,
    response_by_rank,
)
from .patches import best_overlaps, overlap
from .ranking import ranking_auc
from .recovery import (
    Recovery,
    recover,
)
from .selection import (
    Selection,
    agreement,
    reproduced,
    select_clustering,
)
from .shared_dbscan import (
    SharedDBSCAN,
    sweep,
)
from .words import enriched_words, fits_name, nearest_words

__all__ = [
    "Baseline",
    "ConceptCard",
    "NegationTest",
    "Recovery",
    "Selection",
    "SharedDBSCAN",
    "agreement",
    "best_overlaps",
    "both_ends",
    "by_participant",
    "choose_parameter",
    "contiguity",
    "enriched_words",
    "extremes",
    "fits_name",
    "hdbscan",
    "ica",
    "kmeans",
    "nearest_words",
    "negation_test",
    "nmf",
    "overlap",
    "pairs_within",
    "partial_correlations",
    "plain_dbscan",
    "ranking_auc",
    "recover",
    "reproduced",
    "response_by_rank",
    "score_names",
    "select_clustering",
    "sweep",
]
