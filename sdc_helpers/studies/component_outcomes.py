"""Components and masks of one simulated world and seed, measured the whole way and recorded.

One run takes minutes, and the chapter asks for three seeds of two worlds: their outcomes are
recorded (`sdc concepts components`). Nothing is chosen by the truth, which scores alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from sdc_helpers.concepts import (
    CanonicalComponents,
    CortexAxes,
    DecodableComponents,
    PrincipalComponents,
    VoxelMask,
    choose_sparsity,
    match_components,
    place_agreement,
    reproduced_components,
    rotated_agreement,
    shuffled_agreement,
    sparsity_path,
    subspace_agreement,
)
from sdc_helpers.studies.component_people import (
    MIN_PEOPLE,
    concept_of,
    count_people,
    n_pictures,
    people_with,
    read_in,
    same_place,
)
from sdc_helpers.studies.component_places import localiser_auc
from sdc_helpers.studies.component_records import ComponentOutcome
from sdc_helpers.studies.component_study import (
    ComponentStudy,
    Masks,
    open_components,
    unsettled,
)
from sdc_helpers.studies.concept_study import open_concepts
from sdc_helpers.studies.decoder import N_COMPONENTS, course_decoder
from sdc_helpers.studies.hidden_decoder import gain_of_hidden
from sdc_helpers.studies.shared_concepts import find_concepts, half_of_pictures

if TYPE_CHECKING:
    from sdc_helpers.concepts.recovery import Recovery

N_AXES = 16
"""Dimensions of the subspace in which axes are looked for."""
_N_DRAWS = 5
_SPARSITIES = (1.0, 1.5, 2.0, 3.0, 4.0)


def subspaces(study: ComponentStudy, seed: int = 0, quick: bool = False) -> dict[str, Any]:
    """Fit every kind of components to validation trials of all participants.

    Parameters
    ----------
    study : ComponentStudy
        Decoded participants.
    seed : int
        Of the contrastive ones.
    quick : bool
        Whether these are trained in 200 steps, for a first look, in place of 800.

    Returns
    -------
    dict of str to fitted transformer
        By name, the contrastive ones first.
    """
    pairs = study.pairs("validation")
    n_steps = 200 if quick else 800
    kinds = {
        "contrastive": DecodableComponents(32, n_steps=n_steps, random_state=seed),
        "contrastive, LeakyReLU": DecodableComponents(
            128, activation="leaky_relu", n_steps=n_steps, random_state=seed
        ),
        "PCA of decoded": PrincipalComponents(N_AXES),
        "PCA of true": PrincipalComponents(N_AXES, side="true"),
        "CCA, weighted": CanonicalComponents(N_AXES, weighting="correlation"),
    }
    return {
        name: kind.fit(pairs.true, pairs.decoded, items=pairs.items) for name, kind in kinds.items()
    }


def chosen_sparsity(
    study: ComponentStudy,
    directions: np.ndarray,
    seed: int = 0,
    names: Sequence[str] | None = None,
) -> float:
    """Choose lambda for all participants by the agreement of masks of two halves of the pictures.

    Parameters
    ----------
    study : ComponentStudy
        Decoded participants.
    directions : array of shape (n_components, D)
        Components.
    seed : int
        Of the halves.
    names : sequence of str, optional
        Participants to ask; by default all.

    Returns
    -------
    float
    """
    paths = []
    for number, name in enumerate(names or study.data):
        decoder = study.decoders[name]
        responses, embeddings, ids = study.data[name].fold("validation")
        rng = np.random.default_rng([seed, 62, number])
        paths.append(
            sparsity_path(
                VoxelMask(),
                responses,
                embeddings,
                decoder,
                directions,
                items=ids,
                sparsities=_SPARSITIES,
                rng=rng,
            )
        )
    return choose_sparsity(pd.concat(paths))


def mask_kinds(sparsity: float) -> dict[str, VoxelMask]:
    """Return the masks that are compared, unfitted, by name."""
    return {
        "published": VoxelMask.published(),
        "keep, noise": VoxelMask("keep", sparsity=sparsity),
        "remove": VoxelMask(sparsity=sparsity, noise=0.0),
        "remove, noise": VoxelMask(sparsity=sparsity),
    }


def fit_kinds(
    study: ComponentStudy,
    directions: np.ndarray,
    sparsity: float,
    few: Sequence[str] | None = None,
) -> dict[str, Masks]:
    """Fit every kind of mask, and give each voxel to one component by its loadings.

    Parameters
    ----------
    study : ComponentStudy
        Decoded participants.
    directions : array of shape (n_components, D)
        Components.
    sparsity : float
        Lambda of all kinds but the published one.
    few : sequence of str, optional
        Participants of the published kind, which takes ten times the steps; by default all.

    Returns
    -------
    dict of str to Masks
        By name as of `mask_kinds`, and ``"loadings"``.
    """
    who = {"published": few}
    kinds = mask_kinds(sparsity).items()
    masks = {name: study.fit_masks(kind, directions, who.get(name)) for name, kind in kinds}
    return masks | {"loadings": study.loading_masks(directions)}


def chance_agreement(
    study: ComponentStudy, subspace: np.ndarray, n_draws: int, seed: int
) -> dict[str, np.ndarray]:
    """Return the agreement of halves where there is nothing to agree on.

    Parameters
    ----------
    study : ComponentStudy
        Decoded participants.
    subspace : array of shape (k, D)
        Rows that span what can be decoded.
    n_draws, seed : int
        Draws of each kind, and their seed.

    Returns
    -------
    dict of str to array of shape (n_draws, k)
        "shuffled pairs" and "random rotations".
    """
    rng = np.random.default_rng([seed, 60])
    shuffled = shuffled_agreement(CortexAxes(), *study.pictures, subspace, n_draws=n_draws, rng=rng)
    rotated = rotated_agreement(subspace, n_draws=n_draws, rng=rng)
    return {"shuffled pairs": shuffled, "random rotations": rotated}


def axes_of_one(study: ComponentStudy, name: str, k: int = N_AXES, seed: int = 0) -> int:
    """Count the axes of one participant alone that both halves of the pictures have.

    Parameters
    ----------
    study : ComponentStudy
        Decoded participants.
    name : str
        The participant.
    k : int
        Dimensions of the subspace, principal components of what is decoded of this participant.
    seed : int
        Of the halves.

    Returns
    -------
    int
    """
    pairs = study.pairs("validation", [name])
    subspace = PrincipalComponents(k).fit(*pairs[:2]).components_
    parts = []
    for half in (None, 0, 1):
        one = study.data[name] if half is None else half_of_pictures(study.data[name], half, seed)
        embeddings, responses = study.mean_responses(one)
        with unsettled():
            axes = CortexAxes().fit({name: embeddings}, {name: responses}, subspace)
        parts.append(axes.components_)
    return reproduced_components(*parts).n_reproduced


def measure(
    world: str, seed: int, profile: str = "workshop", device: str = "cpu", n_draws: int = _N_DRAWS
) -> ComponentOutcome:
    """Go the whole way for one world and seed.

    Parameters
    ----------
    world, seed : str, int
        Of the simulated participants.
    profile : {"smoke", "workshop", "full"}
        Size of the simulation and of the training.
    device : str
        Where decoders are trained.
    n_draws : int
        Shuffles, and rotations, that could reproduce an axis.

    Returns
    -------
    ComponentOutcome
    """
    concepts = open_concepts(
        "simulated", "", profile, seed, n_held_out=30 if profile == "smoke" else 200,
        world=world, n_components=N_COMPONENTS, device=device,
    )  # fmt: skip
    study = open_components(concepts, course_decoder(profile, device=device))
    models = subspaces(study, seed)
    axes = study.axes(models["PCA of decoded"].components_)
    chance = chance_agreement(study, models["PCA of decoded"].components_, n_draws, seed)
    reproduced = axes.reproduced()
    every = axes.whole.components_[reproduced.is_reproduced]
    directions = every[people_with(study, every) >= MIN_PEOPLE]
    clusters = find_concepts(concepts.data, course_decoder(profile, device=device), seed=seed)
    of_clusters = concepts.recovery(clusters.labels, clusters.weights.participants)
    pairs, first = study.pairs("validation"), models["contrastive"]
    again = clone(first).set_params(random_state=seed + 1)
    again.fit(pairs.true, pairs.decoded, items=pairs.items)
    hidden = gain_of_hidden(study, course_decoder(profile, device=device))
    outcome: dict[str, Any] = {
        "top_1": _top_1(study, models),
        "found": {n: study.n_found(m.components_) for n, m in models.items()}
        | {"cortex axes": study.n_found(axes.whole.components_)},
        "seeds_subspace": subspace_agreement(first.subspace(N_AXES), again.subspace(N_AXES)),
        "seeds_rows": float(
            match_components(first.components_, again.components_).agreement.mean()
        ),
        "n_reproduced": reproduced.n_reproduced,
        "n_shared": len(directions),
        "chance_draws": sum(
            int((a.max(axis=1) >= reproduced.threshold).sum()) for a in chance.values()
        ),
        "n_draws": 2 * n_draws,
        "hidden": hidden["gain"],
        "hidden_settings": hidden,
        "one_person": float(np.mean([axes_of_one(study, n, seed=seed) for n in study.data])),
    }
    outcome |= _masked(study, directions, seed)
    outcome["not_counted"] = _not_counted(study, every, outcome["sparsity"])
    outcome["recovered"]["clusters"] = len(of_clusters.recovered)
    outcome["traps"]["clusters"] = len(of_clusters.with_verdict("trap"))
    return ComponentOutcome(world=world, seed=seed, **outcome)


def _masked(study: ComponentStudy, directions: np.ndarray, seed: int) -> dict[str, Any]:
    """Fit and score every kind of mask."""
    sparsity = chosen_sparsity(study, directions, seed)
    fitted = fit_kinds(study, directions, sparsity)
    scores = {}
    for name, masks in fitted.items():
        table = study.against_planted(masks, directions)
        scores[name] = {c: float(table[c].mean()) for c in ("auc", "dice", "size")}
        if name != "loadings":
            scores[name] |= _shares(study, masks, directions, seed)
    best = fitted["remove, noise"]
    own, other = localiser_auc(study, best, directions)
    positions = [study.concepts.positions(name) for name in study.data]
    results = {"masks": study.recovery(best), "loadings": study.recovery(fitted["loadings"])}
    return {
        "sparsity": sparsity,
        "masks": scores,
        "localiser_own": own,
        "localiser_other": other,
        "between": place_agreement(list(best.hard.values()), positions).auc,
        "recovered": {name: len(result.recovered) for name, result in results.items()},
        "traps": {name: len(result.with_verdict("trap")) for name, result in results.items()},
    }


def _in_people(
    study: ComponentStudy, directions: np.ndarray, masks: Masks, result: Recovery
) -> list[dict[str, Any]]:
    """Return what each component is, what its mask is taken for, and in whom it is."""
    verdicts = {one.number: one.verdict for one in result.found}
    read = read_in(study, directions)
    counts = count_people(read, n_pictures(study))
    places = same_place(study, masks)
    return [
        {
            "concept": concept,
            "verdict": verdicts.get(k, "empty"),
            "r": read.iloc[k].tolist(),
            "read_in": int(counts[k]),
            "same_place": int(places[k]),
        }
        for k, concept in enumerate(concept_of(study, directions))
    ]


def _not_counted(study: ComponentStudy, directions: np.ndarray, sparsity: float) -> dict[str, Any]:
    """Mask all reproduced components, whoever has them: what counting people is good for."""
    masks = study.fit_masks(VoxelMask(sparsity=sparsity), directions)
    result = study.recovery(masks)
    positions = [study.concepts.positions(name) for name in study.data]
    return {
        "recovered": len(result.recovered),
        "traps": len(result.with_verdict("trap")),
        "between": place_agreement(list(masks.hard.values()), positions).auc,
        "people": _in_people(study, directions, masks, result),
    }


def _shares(
    study: ComponentStudy, masks: Masks, directions: np.ndarray, seed: int
) -> dict[str, float]:
    """Mean shares of the correlation that masks keep, leave, and that random ones keep."""
    kept = study.retained(masks, directions, seed).values()
    return {
        "kept": float(np.mean([one.own.mean() for one in kept])),
        "left": float(np.mean([one.own_left.mean() for one in kept])),
        "random": float(np.mean([one.random.mean() for one in kept])),
    }


def _top_1(study: ComponentStudy, models: Mapping[str, Any]) -> dict[str, float]:
    trained = study.pairs("train")
    leaked = DecodableComponents(32).fit(trained.true, trained.decoded, items=trained.items)
    ways = {"all dimensions": None, **models, "contrastive, fitted on training trials": leaked}
    return {name: float(study.top_1(model).mean()) for name, model in ways.items()}
