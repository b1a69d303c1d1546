from .clustering import DiffusedClusters
from .ensemble import HierarchicalPartition, PartitionEnsemble
from .evaluation import RecallCurve, exact_neighbours, hnsw_curve, recall_curve
from .index import PartitionIndex
from .losses import balance_term, majority_votes, soft_votes, vote_loss
from .neural_lsh import neural_lsh_bins
from .partition import SpacePartition
from .peers import (
    Bins,
    balanced_kmeans_bins,
    hyperplane_bins,
    ivf_bins,
    kmeans_bins,
    tree_bins,
)

__all__ = [
    "Bins",
    "DiffusedClusters",
    "HierarchicalPartition",
    "PartitionEnsemble",
    "PartitionIndex",
    "RecallCurve",
    "SpacePartition",
    "balance_term",
    "balanced_kmeans_bins",
    "exact_neighbours",
    "hnsw_curve",
    "hyperplane_bins",
    "ivf_bins",
    "kmeans_bins",
    "majority_votes",
    "neural_lsh_bins",
    "recall_curve",
    "soft_votes",
    "tree_bins",
    "vote_loss",
]
