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
from .contiguity import best_overlaps, overlap
from .interpretation import (
    ConceptCard,
    enriched_words,
    extremes,
    fits_name,
    nearest_words,
    partial_correlations,
    score_names,
)
from .negation import (
    NegationTest,
    negation_test,
    response_by_rank,
)
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
    expansion_radius,
    sweep,
)

__all__ = [
    "Baseline",
    "ConceptCard",
    "NegationTest",
    "Recovery",
    "Selection",
    "SharedDBSCAN",
    "agreement",
    "best_overlaps",
    "by_participant",
    "choose_parameter",
    "enriched_words",
    "expansion_radius",
    "extremes",
    "fits_name",
    "hdbscan",
    "ica",
    "kmeans",
    "nearest_words",
    "negation_test",
    "nmf",
    "overlap",
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
