"""Alignment of two representations of the same stimuli: CKA, its biases and its null."""

from __future__ import annotations

from sdc_helpers.alignment.blocks import TableBlocks
from sdc_helpers.alignment.cka import (
    FeatureCorrectedCKA,
    MinibatchCKA,
    biased_null,
    cka,
    cka_from_grams,
    feature_corrected_cka,
    gram_from_rdm,
    minibatch_cka,
)
from sdc_helpers.alignment.expected import mean_of_shuffles
from sdc_helpers.alignment.grams import gram
from sdc_helpers.alignment.latency import Latency, latencies
from sdc_helpers.alignment.nulls import permutation_test, permutation_test_from_grams
from sdc_helpers.alignment.partial import PartialShuffleCurve, partial_shuffle_curve
from sdc_helpers.alignment.tables import CKATable, cka_table, cka_table_from_grams
from sdc_helpers.alignment.time import TimeResolvedCKA, time_resolved_cka
from sdc_helpers.alignment.time_tests import Cluster, cluster_mass, max_statistic

__all__ = [
    "CKATable",
    "Cluster",
    "FeatureCorrectedCKA",
    "Latency",
    "MinibatchCKA",
    "PartialShuffleCurve",
    "TableBlocks",
    "TimeResolvedCKA",
    "biased_null",
    "cka",
    "cka_from_grams",
    "cka_table",
    "cka_table_from_grams",
    "cluster_mass",
    "feature_corrected_cka",
    "gram",
    "gram_from_rdm",
    "latencies",
    "max_statistic",
    "mean_of_shuffles",
    "minibatch_cka",
    "partial_shuffle_curve",
    "permutation_test",
    "permutation_test_from_grams",
    "time_resolved_cka",
]
