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
from .component_agreement import (
    ComponentMatch,
    Reproduction,
    match_components,
    reproduced_components,
    subspace_agreement,
)
from .component_baselines import (
    CanonicalComponents,
    EncodingComponents,
    PrincipalComponents,
)
from .component_scores import (
    Decodability,
    Pruning,
    decodability,
    prune_components,
)
from .components import (
    DecodableComponents,
    component_loss,
)
from .contiguous import contiguity
from .cortex_axes import CortexAxes, varimax
from .cortex_nulls import (
    AxesOfHalves,
    fit_halves,
    rotated_agreement,
    shuffled_agreement,
)
from .interpretation import (
    ConceptCard,
    both_ends,
    extremes,
    partial_correlations,
    score_names,
)
from .mask_baselines import (
    VoxelMap,
    correlation_map,
    lasso_map,
    loading_map,
    pattern_map,
    top_voxels,
)
from .mask_measures import (
    RegionScores,
    Retained,
    localiser_overlap,
    read_through,
    retained,
    score_regions,
)
from .mask_places import (
    PlaceAgreement,
    SharedMask,
    place_agreement,
    shared_mask,
)
from .masks import (
    VoxelMask,
    choose_sparsity,
    sparsity_path,
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
    "AxesOfHalves",
    "Baseline",
    "CanonicalComponents",
    "ComponentMatch",
    "ConceptCard",
    "CortexAxes",
    "Decodability",
    "DecodableComponents",
    "EncodingComponents",
    "NegationTest",
    "PlaceAgreement",
    "PrincipalComponents",
    "Pruning",
    "Recovery",
    "RegionScores",
    "Reproduction",
    "Retained",
    "Selection",
    "SharedDBSCAN",
    "SharedMask",
    "VoxelMap",
    "VoxelMask",
    "agreement",
    "best_overlaps",
    "both_ends",
    "by_participant",
    "choose_parameter",
    "choose_sparsity",
    "component_loss",
    "contiguity",
    "correlation_map",
    "decodability",
    "enriched_words",
    "extremes",
    "fit_halves",
    "fits_name",
    "hdbscan",
    "ica",
    "kmeans",
    "lasso_map",
    "loading_map",
    "localiser_overlap",
    "match_components",
    "nearest_words",
    "negation_test",
    "nmf",
    "overlap",
    "pairs_within",
    "partial_correlations",
    "pattern_map",
    "place_agreement",
    "plain_dbscan",
    "prune_components",
    "ranking_auc",
    "read_through",
    "recover",
    "reproduced",
    "reproduced_components",
    "response_by_rank",
    "retained",
    "rotated_agreement",
    "score_names",
    "score_regions",
    "select_clustering",
    "shared_mask",
    "shuffled_agreement",
    "sparsity_path",
    "subspace_agreement",
    "sweep",
    "top_voxels",
    "varimax",
]
