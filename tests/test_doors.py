# ruff: noqa: E501
"""Every public function that takes arrays: what is masked is refused, what pandas holds accepted.

`CALLS` holds a small valid call of each. A function that is new in a package's face and neither
stands there nor in `NO_ARRAYS` fails the first test.
"""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
from collections.abc import Callable
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch

from sdc_helpers._checks import unit_rows

PACKAGES = (
    "alignment", "concepts", "contrastive", "curriculum", "decoding", "embeddings", "plotting",
    "neighbours", "studies", "training",
)  # fmt: skip
RNG = np.random.default_rng(0)
X, Z = RNG.standard_normal((16, 4)), RNG.standard_normal((16, 4))
U, V = unit_rows(X), unit_rows(Z)
ONE, OTHER = X[:, 0], Z[:, 0]
HALF = np.arange(16) % 2 == 0
CODES = np.arange(16) % 4
NAMES = np.array(["a", "b", "c", "d"])[CODES]
OWN = unit_rows(RNG.standard_normal((4, 4)))[CODES]  # an embedding for each name
PICTURES = RNG.integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
PLACES = RNG.standard_normal((16, 3))
K = X @ X.T
FIELD = np.random.default_rng(1).standard_normal((16, 4, 3))
TEXTS = ("a dog", "a cat")


class Call(NamedTuple):
    """A valid call: which of its arguments are arrays, and which are names or labels."""

    function: Any
    arguments: dict[str, Any]
    arrays: tuple[str, ...]
    labels: tuple[str, ...] = ()
    runs: bool = True
    """Whether the call is run; else only what it refuses is tried."""


def call(package: str, name: str, arguments: dict[str, Any], arrays: str, labels: str = "", **more):
    """Make a call of a public function; names of arguments are separated by blanks."""
    function = getattr(importlib.import_module(f"sdc_helpers.{package}"), name)
    return Call(function, arguments, tuple(arrays.split()), tuple(labels.split()), **more)


@lru_cache(maxsize=1)
def clip():
    from sdc_helpers.embeddings import load_clip

    return load_clip("course-small", "random")


def changes():
    hits = np.ones((16, 16), bool)
    return SimpleNamespace(hits=hits, change=NAMES, source=np.arange(16))


def fitted(name: str):
    from sdc_helpers import decoding

    options = {"RidgeDecoder": {"alphas": [1.0]}, "ContrastiveDecoder": {"n_steps": 2}}[name]
    if name == "ContrastiveDecoder":
        options |= {"n_runs": 1, "batch_size": 4}
    return getattr(decoding, name)(**options)


def decoder_calls(name: str) -> dict[str, Call]:
    fit, score = {"X": X, "Y": OWN, "items": NAMES}, fitted(name).fit(X, OWN)
    held = tuple(np.concatenate([part] * 1) for part in (Z, V, np.char.add("x", NAMES)))
    held = (Z[:4], V[:4])
    items = {"X": X, "Y": OWN, "validation": held}
    return {
        f"decoding.{name}.fit": Call(fitted(name).fit, fit, ("X", "Y", "items"), ("items",)),
        f"decoding.{name}.fit (validation)": Call(fitted(name).fit, items, ("validation",)),
        f"decoding.{name}.predict": Call(score.predict, {"X": X}, ("X",)),
        f"decoding.{name}.score": Call(score.score, fit, ("X", "Y", "items"), ("items",)),
    }


def component_calls() -> dict[str, Call]:
    """Calls of components of embeddings, of cortex axes, and of what compares them."""
    concepts = partial(call, "concepts")
    package = importlib.import_module("sdc_helpers.concepts")
    seen, answered = {"a": X, "b": Z}, {"a": Z, "b": X}
    shown = {"embeddings": seen, "responses": answered}
    on_rows = {**shown, "subspace": np.eye(4)[:2]}
    models = {
        "DecodableComponents": package.DecodableComponents(2, n_steps=2),
        "PrincipalComponents": package.PrincipalComponents(2),
        "CanonicalComponents": package.CanonicalComponents(2),
    }
    pairs = {"true": X, "decoded": Z, "items": NAMES}
    found: dict[str, Call] = {}
    for name, model in models.items():
        fit = lambda model=model, **arrays: model.fit(**arrays).components_  # noqa: E731
        found[f"concepts.{name}"] = Call(fit, pairs, ("true", "decoded", "items"), ("items",))
        scored = copy.deepcopy(model).fit(X, Z)
        found[f"concepts.{name}.transform"] = Call(scored.transform, {"X": X}, ("X",))
        found[f"concepts.{name}.transform_decoded"] = Call(
            scored.transform_decoded, {"X": X}, ("X",)
        )
    encoding, axes = package.EncodingComponents(2, [1.0, 2.0]), package.CortexAxes("varimax")
    return {
        **found,
        "concepts.EncodingComponents": Call(
            lambda **arrays: encoding.fit(**arrays).components_, shown, ("embeddings", "responses")
        ),
        "concepts.EncodingComponents (alphas)": Call(
            lambda alphas: package.EncodingComponents(2, alphas).fit(**shown).components_,
            {"alphas": [1.0, 2.0]}, ("alphas",),
        ),
        "concepts.CortexAxes": Call(
            lambda **arrays: axes.fit(**arrays).components_, on_rows, ("embeddings", "responses", "subspace")
        ),
        "concepts.fit_halves": Call(
            lambda **arrays: package.fit_halves(axes, **arrays).reproduced(),
            on_rows, ("embeddings", "responses", "subspace"),
        ),
        "concepts.shuffled_agreement": concepts(
            "shuffled_agreement", {**on_rows, "axes": axes, "n_draws": 1, "rng": 0}, "embeddings responses subspace"
        ),
        "concepts.rotated_agreement": concepts("rotated_agreement", {"subspace": X[:2], "n_draws": 2, "rng": 0}, "subspace"),
        "concepts.varimax": concepts("varimax", {"loadings": X}, "loadings"),
        "concepts.component_loss": concepts(
            "component_loss", {"true": X, "decoded": Z, "rows": Z[:2], "items": NAMES}, "true decoded rows items", "items"
        ),
        "concepts.match_components": concepts(
            "match_components", {"first": X[:3], "second": Z[:2], "embeddings": X}, "first second embeddings"
        ),
        "concepts.subspace_agreement": concepts("subspace_agreement", {"first": X[:3], "second": Z[:2]}, "first second"),
        "concepts.reproduced_components": concepts(
            "reproduced_components", {"whole": X[:3], "first_half": Z[:2], "second_half": X[3:5], "embeddings": X},
            "whole first_half second_half embeddings",
        ),
        "concepts.prune_components": concepts(
            "prune_components", {"true": OWN, "decoded": Z, "items": NAMES}, "true decoded items", "items"
        ),
        "concepts.decodability": concepts(
            "decodability", {"true": OWN, "decoded": Z, "components": X[:2], "image_ids": NAMES, "n_bootstrap": 3, "rng": 0},
            "true decoded components image_ids", "image_ids",
        ),
    }  # fmt: skip


def calls() -> dict[str, Call]:
    from sdc_helpers.concepts.patches import blobs, patch_sizes
    from sdc_helpers.curriculum import LogLikelihoods
    from sdc_helpers.datasets import ceilings
    from sdc_helpers.embeddings.encode import RawEmbeddings, UnitEmbeddings
    from sdc_helpers.measures import NullTest
    from sdc_helpers.plotting import brain
    from sdc_helpers.studies.participants import ImageEmbeddings, embed_stimuli

    xy, kl, uv = {"X": X, "Y": Z}, {"K": K, "L": Z @ Z.T}, {"u": U, "v": V}
    alignment, concepts = partial(call, "alignment"), partial(call, "concepts")
    contrastive, curriculum = partial(call, "contrastive"), partial(call, "curriculum")
    decoding, embeddings = partial(call, "decoding"), partial(call, "embeddings")
    plotting, studies = partial(call, "plotting"), partial(call, "studies")
    neighbours, search = (
        partial(call, "neighbours"),
        importlib.import_module("sdc_helpers.neighbours"),
    )
    bins = search.SpacePartition(2, n_neighbors=3, n_epochs=1, hidden=4)
    four = {
        "predicted": X, "items": NAMES, "gallery": OWN[:4], "gallery_items": NAMES[:4],
    }  # fmt: skip
    weights, people = np.repeat(np.eye(4), 4, axis=0), np.tile(NAMES[:4], 4)
    cube, rotated = RNG.standard_normal((3, 3, 3)), np.eye(4)
    contrastive_package = importlib.import_module("sdc_helpers.contrastive")
    loss, rotation = contrastive_package.ContrastiveLoss(), contrastive_package.StartRotation(4)
    tensors = {"u": torch.from_numpy(U), "v": torch.from_numpy(V)}
    projections = contrastive_package.Projections(
        np.ones((1, 4, 2)), np.ones((1, 1, 2)), np.ones((1, 4, 2)), np.zeros(4), np.zeros(4)
    )
    white = importlib.import_module("sdc_helpers.embeddings").white_space(X, 2)
    pictured = torch.zeros(16, 1, 2, 2)
    scorer = lambda sentences, pictures: LogLikelihoods(  # noqa: E731
        -np.ones(len(sentences)), np.ones(len(sentences), int)
    )
    named = {"responses": [X[:, :2]], "fits": [np.column_stack([HALF, CODES == 1])]}
    ranked = {"responses": [ONE, OTHER], "scores": [OTHER, ONE]}
    grid = {"temperatures": [0.1], "seeds": [0], "dimension": 2, "batch_size": 4, "n_steps": 1}
    ids = ImageEmbeddings(np.arange(4), U[:4])
    layers = torch.nn.Sequential(torch.nn.AvgPool2d(56), torch.nn.Flatten())
    truth = SimpleNamespace(participants={"a": SimpleNamespace(shape=(16,))})
    labeller = lambda data, value: np.zeros(len(data), int)  # noqa: E731
    baseline = {"weights": np.concatenate([weights] * 2)}
    voxels = {"positions": PLACES, "rng": np.random.default_rng(0), "n_draws": 3}
    seen = {"responses": X, "embeddings": Z, "components": OWN[:2]}
    pair, both = (Z[:4], ONE[:4]), np.stack([HALF, ~HALF])
    read = {**seen, "decoder": pair}
    evaluation = {
        "name": "n",
        "correct": ONE,
        "margin": ONE,
        "chance": 0.5,
        "kinds": NAMES,
        "units": CODES,
    }
    return {
        "alignment.MinibatchCKA": Call(
            importlib.import_module("sdc_helpers.alignment").MinibatchCKA().update, xy, ("X", "Y")
        ),
        "alignment.biased_null": alignment("biased_null", {"n": [9, 9], "p1": [2, 3], "p2": [4, 5]}, "n p1 p2"),
        "alignment.TableBlocks": alignment("TableBlocks", {"layers": {"x": K}, "areas": {"y": K}}, "layers areas"),
        "alignment.cka": alignment("cka", xy, "X Y"),
        "alignment.feature_corrected_cka": alignment("feature_corrected_cka", xy, "X Y"),
        "alignment.cka_from_grams": alignment("cka_from_grams", kl, "K L"),
        "alignment.cka_table": alignment("cka_table", {"X": {"x": X}, "Y": {"y": Z}}, "X Y"),
        "alignment.cka_table_from_grams": alignment("cka_table_from_grams", {"K": {"x": K}, "L": {"y": K}}, "K L"),
        "alignment.gram": alignment("gram", {"X": X}, "X"),
        "alignment.gram_from_rdm": alignment("gram_from_rdm", {"D": ((X[:, None] - X) ** 2).sum(-1)}, "D"),
        "alignment.cluster_mass": alignment("cluster_mass", {"values": ONE, "null": K}, "values null"),
        "alignment.latencies": alignment(
            "latencies", {"responses": [FIELD], "layer": K, "times": np.arange(3.0), "n_bootstrap": 2, "rng": 0},
            "responses layer times",
        ),
        "alignment.max_statistic": alignment("max_statistic", {"values": ONE, "null": K}, "values null"),
        "alignment.time_resolved_cka": alignment(
            "time_resolved_cka",
            {"responses": {"O": [FIELD]}, "layers": {"x": K}, "times": np.arange(3.0), "n_permutations": 19, "rng": 0},
            "responses layers times",
        ),
        "alignment.mean_of_shuffles": alignment("mean_of_shuffles", kl, "K L"),
        "alignment.minibatch_cka": alignment("minibatch_cka", {"batches": [(X, Z)]}, "batches"),
        "alignment.partial_shuffle_curve": alignment(
            "partial_shuffle_curve", {**xy, "fractions": [0.5, 1.0], "n_repeats": 1}, "X Y fractions"
        ),
        "alignment.permutation_test": alignment("permutation_test", {**xy, "n_permutations": 2}, "X Y"),
        "alignment.permutation_test_from_grams": alignment(
            "permutation_test_from_grams", {**kl, "n_permutations": 2}, "K L"
        ),
        "embeddings.RawEmbeddings": Call(
            RawEmbeddings, {"vectors": X, "kind": "image", "model": "m", "weights": "w"}, ("vectors",)
        ),
        "embeddings.UnitEmbeddings": Call(
            UnitEmbeddings, {"vectors": U, "kind": "image", "model": "m", "weights": "w"}, ("vectors",)
        ),
        "embeddings.WhiteSpace": Call(white.transform, {"vectors": X}, ("vectors",)),
        "embeddings.WhiteSpace.directions": Call(white.directions, {"concepts": X[:, :2]}, ("concepts",)),
        "embeddings.white_space": embeddings("white_space", {"vectors": X, "n_components": 2}, "vectors"),
        "embeddings.embed_images": embeddings("embed_images", {"clip": clip(), "images": PICTURES[:2]}, "images"),
        "embeddings.embed_images (items)": embeddings("embed_images", {"clip": clip(), "images": list(PICTURES[:2])}, "images"),
        "embeddings.embed_texts": embeddings("embed_texts", {"clip": clip(), "texts": TEXTS}, "", "texts"),
        "embeddings.embed_captions": embeddings("embed_captions", {"clip": clip(), "captions": [TEXTS, TEXTS]}, ""),
        "embeddings.image_features": embeddings("image_features", {"clip": clip(), "images": PICTURES[:2]}, "images"),
        "embeddings.text_features": embeddings("text_features", {"clip": clip(), "texts": TEXTS}, "", "texts"),
        "embeddings.caption_features": embeddings("caption_features", {"clip": clip(), "captions": [TEXTS, TEXTS]}, ""),
        "embeddings.nearest_class": embeddings(
            "nearest_class", {"image_embeddings": X, "class_embeddings": Z[:4]}, "image_embeddings class_embeddings"
        ),
        "embeddings.iter_layer_activations": embeddings(
            "iter_layer_activations", {"model": layers, "images": PICTURES[:2], "layers": ["1"]}, "images"
        ),
        "embeddings.picture_statistics": embeddings("picture_statistics", {"images": PICTURES[:2]}, "images"),
        "embeddings.preprocess": embeddings("preprocess", {"images": PICTURES[:2]}, "images"),
        "embeddings.linear_probe": embeddings(
            "linear_probe",
            {"x_train": X, "y_train": NAMES, "x_test": Z, "y_test": NAMES, "penalties": [1.0, 2.0], "n_bootstrap": 2},
            "x_train y_train x_test y_test penalties", "y_train y_test",
        ),
        "embeddings.retrieval": embeddings("retrieval", {"images": X, "texts": Z}, "images texts"),
        "embeddings.recall_at_k": embeddings("recall_at_k", {"queries": X, "gallery": Z, "targets": np.arange(16)}, "queries gallery targets"),
        "embeddings.target_ranks": embeddings("target_ranks", {"queries": X, "gallery": Z, "targets": np.arange(16)}, "queries gallery targets"),
        "embeddings.zero_shot": embeddings(
            "zero_shot", {"image_embeddings": X, "class_embeddings": Z[:4], "labels": CODES},
            "image_embeddings class_embeddings labels",
        ),
        "contrastive.ContrastiveLoss": Call(loss, {**tensors, "items": torch.arange(16)}, ("u", "v", "items")),
        "contrastive.Projections": Call(projections.images, {"features": X}, ("features",)),
        "contrastive.Projections.texts": Call(projections.texts, {"features": X}, ("features",)),
        "contrastive.StartRotation": Call(rotation.fit, tensors, ("u", "v")),
        "contrastive.StartRotation.forward": Call(rotation, {"v": torch.from_numpy(V)}, ("v",)),
        "contrastive.TrunkFeatures": contrastive("TrunkFeatures", {"images": X, "texts": X[:, None]}, "images"),
        "contrastive.alignment": contrastive("alignment", tensors, "u v"),
        "contrastive.clip_loss": contrastive("clip_loss", {**tensors, "temperature": 0.1, "items": CODES}, "u v items"),
        "contrastive.cross_uniformity": contrastive("cross_uniformity", {**tensors, "items": CODES}, "u v items"),
        "contrastive.uniformity": contrastive("uniformity", {"x": tensors["u"]}, "x"),
        "contrastive.arithmetic_answers": contrastive(
            "arithmetic_answers", {"images": X, "difference": Z, "source": np.arange(16)}, "images difference source"
        ),
        "contrastive.picture_arithmetic": contrastive(
            "picture_arithmetic",
            {"images": X, "before": Z, "after": X, "changes": changes(), "weights": [0.0, 1.0], "rng": np.random.default_rng(0)},
            "images before after weights",
        ),
        "contrastive.centre_sides": contrastive(
            "centre_sides", {"u": U, "v": V, "train_u": U[::-1].copy(), "train_v": V[::-1].copy()}, "u v train_u train_v"
        ),
        "contrastive.centroid_distance": contrastive("centroid_distance", uv, "u v"),
        "contrastive.effective_rank": contrastive("effective_rank", {"x": U}, "x"),
        "contrastive.gap_report": contrastive("gap_report", uv, "u v"),
        "contrastive.linear_separability": contrastive("linear_separability", uv, "u v"),
        "contrastive.pair_recall": contrastive("pair_recall", {**uv, "ks": [1]}, "u v"),
        "contrastive.train_same_modality": contrastive("train_same_modality", {"x": X, "x_v": Z, **grid}, "x x_v"),
        "contrastive.train_same_modality (measured)": contrastive(
            "train_same_modality", {"x": X, "x_measured": Z, **grid}, "x_measured"
        ),
        "contrastive.trunk_features": contrastive(
            "trunk_features", {"trunk": clip(), "pictures": PICTURES[:2], "captions": [TEXTS, TEXTS]}, "pictures"
        ),
        **decoder_calls("RidgeDecoder"),
        **decoder_calls("ContrastiveDecoder"),
        "decoding.activation_patterns": decoding("activation_patterns", {"X": X, "decoder": Z[:4]}, "X decoder"),
        "decoding.average_repetitions": decoding("average_repetitions", {"values": X, "items": NAMES}, "values items", "items"),
        "decoding.distinct_embeddings": decoding("distinct_embeddings", {"Y": OWN, "items": NAMES}, "Y items", "items"),
        "decoding.predict_responses": decoding("predict_responses", {"features": X, "responses": Z, "new_features": X[:2]}, "features responses new_features"),
        "decoding.mean_of_others": decoding("mean_of_others", {"series": FIELD}, "series"),
        "decoding.intersubject_correlation": decoding("intersubject_correlation", {"series": FIELD}, "series"),
        "decoding.match_segments": decoding("match_segments", {"own": X, "others": Z, "n_volumes": 2}, "own others"),
        "decoding.permuted_score": decoding("permuted_score", {**four, "n_permutations": 2}, "predicted items gallery gallery_items", "items gallery_items"),
        "decoding.score_decoding": decoding("score_decoding", {**four, "n_bootstrap": 2}, "predicted items gallery gallery_items", "items gallery_items"),
        "concepts.SharedDBSCAN": Call(
            importlib.import_module("sdc_helpers.concepts").SharedDBSCAN().fit,
            {"weights": weights, "participants": people}, ("weights", "participants"), ("participants",),
        ),
        "concepts.sweep": concepts("sweep", {"weights": weights, "participants": people, "eps_values": [0.5]}, "weights participants", "participants"),
        "concepts.pairs_within": concepts("pairs_within", {"weights": weights, "participants": people, "max_eps": 0.5}, "weights participants", "participants"),
        "concepts.select_clustering": concepts(
            "select_clustering",
            {"weights": weights, "halves": (weights, weights), "nulls": [weights], "participants": people, "eps_values": [0.5]},
            "weights halves nulls participants", "participants",
        ),
        "concepts.agreement": concepts("agreement", {"labels": CODES, "others": CODES}, "labels others"),
        "concepts.reproduced": concepts("reproduced", {"labels": CODES, "others": CODES}, "labels others"),
        "concepts.by_participant": Call(
            lambda participants, data: importlib.import_module("sdc_helpers.concepts").by_participant(labeller, participants)(data, 1),
            {"participants": NAMES, "data": X}, ("participants", "data"), ("participants",),
        ),
        "concepts.choose_parameter": concepts(
            "choose_parameter", {"label": labeller, "whole": X, "halves": (X, Z), "values": [1]}, "whole halves"
        ),
        "concepts.hdbscan": concepts("hdbscan", {**baseline, "min_cluster_size": 2}, "weights"),
        "concepts.kmeans": concepts("kmeans", {**baseline, "n_clusters": 2}, "weights"),
        "concepts.plain_dbscan": concepts("plain_dbscan", {**baseline, "eps": 0.5}, "weights"),
        "concepts.ica": concepts("ica", {"responses": X, "n_components": 2}, "responses"),
        "concepts.nmf": concepts("nmf", {"responses": X, "n_components": 2}, "responses"),
        "concepts.both_ends": concepts("both_ends", {"embeddings": X, "directions": OWN[:2], "n": 2}, "embeddings directions"),
        "concepts.extremes": concepts("extremes", {"scores": ONE, "n": 2}, "scores"),
        "concepts.nearest_words": concepts(
            "nearest_words", {"concept": X[0], "vectors": X[:4], "words": ["a", "b", "c", "d"]}, "concept vectors", "words"
        ),
        "concepts.partial_correlations": concepts("partial_correlations", {"values": ONE, "factors": Z}, "values factors"),
        "concepts.score_names": concepts("score_names", {**named, "n_permutations": 2}, "responses fits"),
        "concepts.negation_test": concepts("negation_test", ranked, "responses scores"),
        "concepts.response_by_rank": concepts("response_by_rank", ranked, "responses scores"),
        "concepts.contiguity": concepts(
            "contiguity", {**voxels, "labels": CODES, "weights": X}, "positions labels weights"
        ),
        "concepts.best_overlaps": concepts(
            "best_overlaps", {**voxels, "labels": CODES, "regions": {"a": HALF}, "reach": 1.0}, "positions labels regions"
        ),
        "concepts.overlap": concepts(
            "overlap", {**voxels, "cluster": HALF, "localiser": ONE, "region": HALF, "reach": 1.0},
            "positions cluster localiser region",
        ),
        "concepts.VoxelMask": Call(
            importlib.import_module("sdc_helpers.concepts").VoxelMask(n_steps=2).fit,
            read, ("responses", "embeddings", "decoder", "components"),
        ),
        "concepts.sparsity_path": concepts(
            "sparsity_path",
            {"mask": importlib.import_module("sdc_helpers.concepts").VoxelMask(n_steps=2), **read, "items": NAMES, "sparsities": [1.0]},
            "responses embeddings decoder components items", "items",
        ),
        "concepts.read_through": concepts("read_through", {**read, "masks": abs(U[:3])}, "responses embeddings decoder components masks"),
        "concepts.retained": concepts(
            "retained", {**read, "masks": both[:, :4], "n_draws": 2}, "responses embeddings decoder components masks"
        ),
        "concepts.score_regions": concepts(
            "score_regions", {"gates": X.T, "regions": {"a": HALF}, "mask": X.T > 0}, "gates regions mask"
        ),
        "concepts.localiser_overlap": concepts(
            "localiser_overlap", {**voxels, "mask": HALF, "localiser": ONE, "region": CODES == 1}, "positions mask localiser region"
        ),
        "concepts.place_agreement": concepts("place_agreement", {"masks": [both, both], "positions": [PLACES, PLACES]}, "masks positions"),
        "concepts.shared_mask": concepts(
            "shared_mask", {"masks": [both, both], "positions": [PLACES, PLACES], "n_participants": 2}, "masks positions"
        ),
        "concepts.lasso_map": concepts(
            "lasso_map", {**seen, "items": NAMES, "penalty": 0.1}, "responses embeddings components items", "items"
        ),
        "concepts.correlation_map": concepts(
            "correlation_map", {**seen, "items": NAMES, "n_permutations": 19}, "responses embeddings components items", "items"
        ),
        "concepts.loading_map": concepts("loading_map", {**seen, "items": NAMES}, "responses embeddings components items", "items"),
        "concepts.pattern_map": concepts(
            "pattern_map", {"responses": X, "decoder": pair, "components": OWN[:2], "sizes": [1, 2]}, "responses decoder components sizes"
        ),
        "concepts.top_voxels": concepts("top_voxels", {"values": X.T, "sizes": [1, 2, 3, 4]}, "values sizes"),
        "concepts.patches.patch_sizes": Call(patch_sizes, {"positions": PLACES, "reach": 1.0}, ("positions",)),
        "concepts.patches.blobs": Call(
            blobs, {"positions": PLACES, "sizes": [2, 1], "n_draws": 1, "rng": np.random.default_rng(0)}, ("positions", "sizes")
        ),
        **component_calls(),
        "concepts.ranking_auc": concepts("ranking_auc", {"scores": ONE, "factor": HALF, "n_bootstrap": 2}, "scores factor"),
        "concepts.recover": concepts(
            "recover", {"found": CODES, "participants": NAMES, "masks": {"one": HALF}, "kinds": {"one": "shared"}},
            "found participants masks", "participants",
        ),
        "curriculum.CaptionPairs": curriculum(
            "CaptionPairs", {"pictures": pictured, "tokens": torch.ones(16, 3, dtype=torch.long), "image_of": np.arange(16)},
            "pictures tokens image_of",
        ),
        "curriculum.Evaluation": curriculum("Evaluation", evaluation, "correct margin kinds units", "kinds"),
        "curriculum.LogLikelihoods": curriculum("LogLikelihoods", {"total": -abs(ONE), "n_tokens": CODES + 1}, "total n_tokens"),
        "curriculum.ModelLoss": Call(
            lambda pictures: importlib.import_module("sdc_helpers.curriculum").ModelLoss(scorer, pictures)(TEXTS),
            {"pictures": np.array([0, 1])}, ("pictures",),
        ),
        "curriculum.Scorer": curriculum("Scorer", {"model": None, "tokenizer": None, "pictures": pictured}, "pictures"),
        "curriculum.caption_likelihood": curriculum(
            "caption_likelihood", {"score": scorer, "sentences": TEXTS, "pictures": np.array([0, 1])}, "pictures", "sentences"
        ),
        "curriculum.curriculum_plan": curriculum(
            "curriculum_plan", {"difficulty": ONE, "order": "curriculum", "pacing": importlib.import_module("sdc_helpers.curriculum").LinearPacing(3), "seed": 0},
            "difficulty",
        ),
        "curriculum.feature_maps": curriculum("feature_maps", {"clip": clip(), "pictures": PICTURES[:2]}, "pictures"),
        "curriculum.image_difficulty": curriculum(
            "image_difficulty", {"captions": [TEXTS, TEXTS], "measure": importlib.import_module("sdc_helpers.curriculum").WordCount()}, ""
        ),
        "curriculum.plan_of": curriculum(
            "plan_of", {"design": importlib.import_module("sdc_helpers.curriculum").StudyDesign(), "difficulty": ONE, "order": "curriculum", "seed": 0, "n_words": CODES + 1},
            "difficulty",
        ),
        "curriculum.quantile_bins": curriculum("quantile_bins", {"difficulty": ONE, "n_bins": 2}, "difficulty"),
        "curriculum.ListedPlan": curriculum("ListedPlan", {"passes": [CODES, CODES]}, "passes"),
        "curriculum.rank_agreement": curriculum("rank_agreement", {"first": ONE, "second": OTHER, "groups": CODES, "n_draws": 3}, "first second", "groups"),
        "curriculum.threshold_bins": curriculum("threshold_bins", {"difficulty": ONE, "below": [0.0]}, "difficulty below"),
        "curriculum.train_on_text": curriculum(
            "train_on_text", {"model": None, "tokens": torch.ones(2, 3, dtype=torch.long), "options": None}, "tokens", runs=False
        ),
        "training.TensorPairs": call("training", "TensorPairs", {"x_u": X, "x_v": Z, "items": CODES}, "x_u x_v items"),
        "neighbours.SpacePartition": Call(bins.fit, {"X": X, "sample_weight": abs(ONE), "queries": Z}, ("X", "sample_weight", "queries")),
        "neighbours.PartitionEnsemble": Call(search.PartitionEnsemble(bins, n_models=1).fit, {"X": X}, ("X",)),
        "neighbours.HierarchicalPartition": Call(search.HierarchicalPartition(bins, branching=2, levels=1).fit, {"X": X}, ("X",)),
        "neighbours.DiffusedClusters": Call(search.DiffusedClusters(n_neighbors=3, n_epochs=1, n_restarts=1).fit, {"X": X}, ("X",)),
        "neighbours.PartitionIndex": neighbours("PartitionIndex", {"partition": search.SpacePartition(2, n_neighbors=3, n_epochs=1, hidden=4).fit(X), "base": X}, "base"),
        "neighbours.exact_neighbours": neighbours("exact_neighbours", {"base": X, "queries": Z, "k": 2}, "base queries"),
        "neighbours.recall_curve": neighbours("recall_curve", {"order": [[0, 1], [1, 0]], "bins": HALF.astype(int), "truth": [[0], [1]]}, "order bins truth"),
        "neighbours.hnsw_curve": neighbours("hnsw_curve", {"base": X, "queries": Z, "truth": CODES[:, None]}, "base queries truth"),
        "neighbours.kmeans_bins": neighbours("kmeans_bins", {"X": X, "n_bins": 2}, "X"),
        "neighbours.ivf_bins": neighbours("ivf_bins", {"X": X, "n_bins": 2}, "X"),
        "neighbours.neural_lsh_bins": neighbours("neural_lsh_bins", {"X": X, "n_bins": 2, "n_neighbors": 3, "n_epochs": 1, "hidden": 4}, "X"),
        "neighbours.balanced_kmeans_bins": neighbours("balanced_kmeans_bins", {"X": X, "n_bins": 2}, "X"),
        "neighbours.hyperplane_bins": neighbours("hyperplane_bins", {"X": X, "n_bins": 2}, "X"),
        "neighbours.tree_bins": neighbours("tree_bins", {"X": X, "n_bins": 2}, "X"),
        "neighbours.balance_term": neighbours("balance_term", {"probabilities": abs(X)}, "probabilities"),
        "neighbours.vote_loss": neighbours("vote_loss", {"probabilities": abs(X), "votes": abs(Z), "weights": abs(ONE)}, "probabilities votes weights"),
        "neighbours.soft_votes": neighbours("soft_votes", {"neighbours": abs(X).reshape(4, 4, 4)}, "neighbours"),
        "neighbours.majority_votes": neighbours("majority_votes", {"neighbours": abs(X).reshape(4, 4, 4)}, "neighbours"),
        "plotting.plot_bars": plotting("plot_bars", {"groups": {"a": ONE}}, "groups"),
        "plotting.plot_heatmap": plotting("plot_heatmap", {"values": X[:2, :2], "rows": ["a", "b"], "columns": ["c", "d"]}, "values", "rows columns"),
        "plotting.plot_null": plotting("plot_null", {"positions": [0.0], "nulls": [ONE], "values": ONE[:1]}, "positions nulls values"),
        "plotting.plot_pictures": plotting("plot_pictures", {"images": PICTURES[:2], "titles": TEXTS}, "images", "titles"),
        "plotting.label_with_pictures": plotting(
            "label_with_pictures", {"ax": importlib.import_module("sdc_helpers.plotting").figure()[1], "images": PICTURES[:2]}, "images"
        ),
        "plotting.plot_topography": plotting("plot_topography", {"values": ONE, "places": PLACES}, "values places"),
        "plotting.plot_spread": plotting("plot_spread", {"x": np.arange(16), "values": X}, "x values"),
        "plotting.brain.project_to_cortex": Call(brain.project_to_cortex, {"volume": cube, "affine": rotated}, ("volume", "affine"), runs=False),
        "plotting.brain.plot_shared_cortex": Call(
            brain.plot_shared_cortex, {"masks": {"a": cube > 0}, "affines": {"a": rotated}}, ("masks", "affines"), runs=False
        ),
        "studies.ImageEmbeddings": Call(ids.of, {"image_ids": [0, 1]}, ("image_ids",)),
        "studies.embed_stimuli": Call(embed_stimuli, {"nsd": None, "clip": None, "image_ids": [0, 1]}, ("image_ids",), runs=False),
        "studies.score_on_scenes": studies(
            "score_on_scenes", {"test": None, "images": X, "texts": X, "rng": None}, "images texts", runs=False
        ),
        "studies.probe_sources": studies(
            "probe_sources", {"sources": {"x": X}, "table": pd.DataFrame({"a": ONE}), "fit": np.arange(10), "test": np.arange(10, 16)},
            "sources fit test",
        ),
        "studies.truth_masks": studies("truth_masks", {"truth": truth, "voxels": {"a": HALF}}, "voxels", runs=False),
        "datasets.ncsnr": Call(
            ceilings.ncsnr, {"betas": X, "image_ids": CODES, "train": np.ones(16, bool), "total_variance": np.ones(4)},
            ("betas", "image_ids", "train", "total_variance"),
        ),
        "datasets.ncsnr (names)": Call(ceilings.ncsnr, {"betas": X, "image_ids": NAMES, "train": np.ones(16, bool)}, (), ("image_ids",)),
        "datasets.noise_ceiling": Call(ceilings.noise_ceiling, {"ncsnr": abs(ONE)}, ("ncsnr",)),
        "measures.NullTest": Call(NullTest.from_null, {"value": 0.0, "null": ONE}, ("null",)),
    }  # fmt: skip


NO_ARRAYS = {
    "alignment": "",
    "concepts": "choose_sparsity enriched_words fits_name",  # a table, text of captions
    "contrastive": "clip_trunk finetune_clip train_projections uniform_floor with_new_projections",
    "curriculum": "acceptability across_seeds all_cells Captioner CaptionTokenizer "
    "CurriculumSampler paired_difference Plan PlanBatches run_cell score_paradigms smallest_effect text_score TokenMean "
    "train_on_captions vqa_score WordRarity",
    "decoding": "",
    "embeddings": "caption_average load_clip load_resnet18",
    "plotting": "figure Report label_line name_series plot_intervals plot_reference show show_slider "
    "table",
    "neighbours": "Bins RecallCurve",
    "studies": "HumanIT JudgedObjects simulate_things course_decoder difference_of_decoders difference_of_participants find_concepts "
    "finetune_runs Guesses highest lowest open_decoding fit_decoders gap_inputs load_finetuning load_grid "
    "load_participants load_type_one make_materials measure_on_scenes open_clip_space open_closing open_own_data open_study phrase_embeddings "
    "open_components recorded_components recorded_outcomes recorded_studies run_grid run_studies run_variations save_grid scene_pairs "
    "scene_test study_table train_captioner train_small_clip type_one_errors use_of_picture whiten headline_intervals hidden_rows open_v4 way_rows",
    "training": "EpochBatches train_pairs TwoEncoders",
}
"""Public functions that take no array themselves, by package: objects that were checked, text."""

CALLS = calls()


def takes_arguments(thing: Any) -> bool:
    """Tell functions and classes from constants, records of results, errors and protocols."""
    record = dataclasses.is_dataclass(thing)
    if inspect.isclass(thing) and (
        issubclass(thing, BaseException) or getattr(thing, "_is_protocol", False)
    ):
        return False
    return callable(thing) and not record


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_function_stands_in_the_table(package):
    face = importlib.import_module(f"sdc_helpers.{package}")
    known = {key.split(".")[1].split(" ")[0] for key in CALLS if key.startswith(f"{package}.")}
    known |= set(NO_ARRAYS[package].split())
    public = {n for n in face.__all__ if takes_arguments(getattr(face, n))}
    assert public - known == set()


def change(value: Any, function: Any) -> Any:
    """Apply a function to an array, or to the first of several."""
    if isinstance(value, dict):
        return {key: function(np.asarray(v)) for key, v in value.items()}
    if isinstance(value, (list, tuple)) and not np.isscalar(value[0]):
        first = value[0]
        first = change(first, function) if isinstance(first, tuple) else function(np.asarray(first))
        return type(value)([first, *value[1:]])
    return function(np.asarray(value))


def masked(array: np.ndarray) -> np.ma.MaskedArray:
    hidden = np.zeros(array.shape, bool)
    hidden.flat[array.size // 2] = True
    return np.ma.MaskedArray(array, hidden)


DOORS = [(key, name) for key, one in CALLS.items() for name in one.arrays]


@pytest.mark.parametrize(("key", "name"), DOORS)
def test_masked_values_are_refused(key, name):
    function, arguments, *_ = CALLS[key]
    with pytest.raises(ValueError, match="1 masked values"):
        function(**{**arguments, name: change(arguments[name], masked)})


@pytest.fixture
def same_draws(monkeypatch):
    """Generators without a seed, which draw the same in each call."""
    seeded = np.random.default_rng
    monkeypatch.setattr(
        np.random, "default_rng", lambda seed=None: seeded(0 if seed is None else seed)
    )


def numbers_in(result: Any) -> list[np.ndarray]:
    """Return the numbers, names and arrays of them that a function returned, however deep."""
    if dataclasses.is_dataclass(result):
        result = [getattr(result, field.name) for field in dataclasses.fields(result)]
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, list | tuple):
        return [array for part in result for array in numbers_in(part)]
    if isinstance(result, torch.Tensor):
        result = result.detach().numpy()
    array = np.asarray(result)
    return [array] if array.dtype.kind in "biufcU" else []


def check_same(key: str, as_other: Callable[[np.ndarray], Any]) -> None:
    """Ask that a function returns the same numbers where its arrays come as something else."""
    function, arguments, arrays, *_ = CALLS[key]
    others = copy.deepcopy(arguments)  # with generators that have drawn nothing yet
    plain = numbers_in(function(**arguments))
    found = function(**others | {n: change(others[n], as_other) for n in arrays})
    for one, other in zip(plain, numbers_in(found), strict=True):
        if one.dtype.kind == "U":
            np.testing.assert_array_equal(one, other)
        else:
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-12)  # order of summation


@pytest.mark.parametrize("key", [key for key, one in CALLS.items() if one.runs])
@pytest.mark.filterwarnings("ignore")
def test_arrays_whose_mask_hides_nothing_are_arrays(key, same_draws):
    check_same(key, np.ma.MaskedArray)


def as_pandas(array: np.ndarray) -> Any:
    index = np.arange(len(array))[::-1] + 7 if array.ndim else None  # rows go by their place
    if array.ndim == 1:
        return pd.Series(array, index=index)
    return pd.DataFrame(array, index=index) if array.ndim == 2 else array


@pytest.mark.parametrize("key", [key for key, one in CALLS.items() if one.runs and one.arrays])
@pytest.mark.filterwarnings("ignore")
def test_frames_and_series_are_arrays(key, same_draws):
    check_same(key, as_pandas)


TEXT = {
    "list": list,
    "tuple": tuple,
    "objects": lambda names: np.array(names, dtype=object),
    "series of str": lambda names: pd.Series(names, index=np.arange(len(names))[::-1]),
    "series of objects": lambda names: pd.Series(names, dtype=object),
    "StringDtype": lambda names: pd.array(names, dtype="string"),
    "categories": pd.Categorical,
    "numpy StringDType": lambda names: np.array(names, dtype=np.dtypes.StringDType()),
}
NAMED = [(key, name) for key, one in CALLS.items() for name in one.labels]


@pytest.mark.parametrize(("key", "name"), NAMED)
@pytest.mark.parametrize("kind", TEXT)
@pytest.mark.filterwarnings("ignore")
def test_names_may_come_as_any_strings(key, name, kind):
    function, arguments, *_ = CALLS[key]
    function(**arguments | {name: TEXT[kind](list(map(str, arguments[name])))})
