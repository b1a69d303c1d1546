from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array, csr_array
from scipy.stats import mannwhitneyu

from sdc_helpers.concepts import ranking_auc, recover
from sdc_helpers.simulate import Truth
from sdc_helpers.simulate.truth import ParticipantTruth, PlantedConcept
from sdc_helpers.studies.planted import truth_masks

# 24 voxels of two participants: faces, places and words (6 each), a private concept (2), noise (4)
KINDS = {
    "faces": "shared",
    "places": "shared",
    "words": "shared",
    "tools": "private",
    "noise": "noise",
}
PLANTED = np.repeat([0, 1, 2, 3, 4], [6, 6, 6, 2, 4])
MASKS = {name: k == PLANTED for k, name in enumerate(KINDS)}
WHO = np.tile(["subj01", "subj02"], 12)
PERFECT = np.where(PLANTED < 3, PLANTED, -1)


def verdicts(recovery):
    return {concept.number: concept.verdict for concept in recovery.found}


def rand_index(truth, labels):
    """Adjusted Rand index by counting pairs of voxels."""
    pairs = list(itertools.combinations(range(len(truth)), 2))
    same_truth = np.array([truth[i] == truth[j] for i, j in pairs])
    same_label = np.array([labels[i] == labels[j] for i, j in pairs])
    both, expected = (same_truth & same_label).sum(), same_truth.sum() * same_label.mean()
    return (both - expected) / ((same_truth.sum() + same_label.sum()) / 2 - expected)


def test_a_perfect_clustering():
    result = recover(PERFECT[::1], WHO, MASKS, KINDS)
    assert result.recovered == ("faces", "places", "words")
    assert [match.found for match in result.matches] == [0, 1, 2]
    for match in result.matches:
        assert (match.precision, match.recall, match.f1) == (1, 1, 1)
        assert match.recall_by_participant == {"subj01": 1, "subj02": 1}
    assert verdicts(result) == dict.fromkeys(range(3), "recovered")
    assert result.found[0].composition == {"faces": 1}
    assert result.reported == {"faces": 1, "places": 1, "words": 1, "tools": 0, "noise": 0}
    assert result.adjusted_rand_planted == result.adjusted_rand_all == 1
    assert result.merged == {}


def test_nothing_found():
    for nothing in (np.full(24, -1), np.zeros((24, 0), dtype=bool), np.zeros((24, 2), dtype=bool)):
        result = recover(nothing, WHO, MASKS, KINDS)
        assert result.recovered == ()
        assert result.found == ()
        assert all(m.found is None and m.precision == m.recall == m.f1 == 0 for m in result.matches)
        assert set(result.reported.values()) == {0}
        assert result.adjusted_rand_planted == result.adjusted_rand_all == 0


def test_each_kind_of_wrong_concept_by_name():
    labels = np.full(24, -1)
    labels[:4] = 0  # most of faces
    labels[4:6] = 1  # the rest of faces
    labels[6:18] = 2  # places and words
    labels[18:20] = 3  # the private concept
    labels[[20, 21, 22, 23]] = [4, 4, 6, 6]  # noise; the number 5 is not used
    result = recover(labels, WHO, MASKS, KINDS)
    assert verdicts(result) == {
        0: "recovered",
        1: "fragment",
        2: "merged",
        3: "trap",
        4: "trap",
        6: "trap",
    }
    assert [concept.main for concept in result.with_verdict("trap")] == ["tools", "noise", "noise"]
    assert result.merged == {2: ("places", "words")}
    assert result.recovered == ("faces", "places")  # one of the merged, F1 = 2/3
    assert result.matches[1].f1 == pytest.approx(2 / 3)
    assert result.matches[2].found is None
    assert recover(labels, WHO, MASKS, KINDS, min_f1=0.7).recovered == ("faces",)
    mixed = np.where(np.isin(np.arange(24), [0, 6, 12, 18]), 0, -1)
    spurious = recover(mixed, WHO, MASKS, KINDS).with_verdict("spurious")
    assert [concept.number for concept in spurious] == [0]
    assert spurious[0].composition == {"faces": 0.25, "places": 0.25, "words": 0.25, "tools": 0.25}


def test_recall_by_participant_shows_a_concept_of_one_participant():
    labels = np.where((WHO == "subj01") & MASKS["faces"], 0, -1)
    match = recover(labels, WHO, MASKS, KINDS).matches[0]
    assert match.recall_by_participant == {"subj01": 1, "subj02": 0}
    assert (match.precision, match.recall) == (1, 0.5)


def test_voxels_of_two_planted_concepts_have_no_single_label():
    masks = {**MASKS, "faces": MASKS["faces"] | np.isin(np.arange(24), [6, 7])}
    labels = np.where(np.isin(np.arange(24), [6, 7]), 2, PERFECT)
    result = recover(labels, WHO, masks, KINDS)
    assert result.adjusted_rand_planted == result.adjusted_rand_all == 1
    labels[12] = -1
    result = recover(labels, WHO, masks, KINDS)
    single = np.flatnonzero((PLANTED < 3) & ~np.isin(np.arange(24), [6, 7]))
    expected = rand_index(PLANTED[single], labels[single])
    assert result.adjusted_rand_planted == pytest.approx(expected)


def test_masks_may_overlap_and_be_sparse():
    masks = np.stack([k == PERFECT for k in range(3)], axis=1)
    same = [recover(kind(masks), WHO, MASKS, KINDS) for kind in (np.array, csr_array, csc_array)]
    assert [r.adjusted_rand_all for r in same] == [1, 1, 1]
    masks[6, 0] = True
    result = recover(csc_array(masks), WHO, MASKS, KINDS)
    assert result.recovered == ("faces", "places", "words")
    assert result.matches[0].precision == pytest.approx(6 / 7)
    assert math.isnan(result.adjusted_rand_planted)
    assert math.isnan(result.adjusted_rand_all)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), n_found=st.integers(1, 6))
def test_numbers_equal_loops_over_voxels(seed, n_found):
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random(24) < 0.3, rng.integers(-1, n_found, 24), PERFECT)
    result = recover(labels, WHO, MASKS, KINDS)

    def f1(name, k):
        both = sum(MASKS[name][v] and labels[v] == k for v in range(24))
        return 2 * both / (MASKS[name].sum() + np.sum(labels == k)) if both else 0

    shared, numbers = ("faces", "places", "words"), [*range(labels.max() + 1)] + [-9] * 3
    best = max(
        sum(f1(name, k) for name, k in zip(shared, chosen, strict=True))
        for chosen in itertools.permutations(numbers, 3)
    )
    assert sum(match.f1 for match in result.matches) == pytest.approx(best)
    for match in result.matches:
        assert match.f1 == pytest.approx(f1(match.planted, match.found))
        found = labels == match.found
        both = (found & MASKS[match.planted]).sum()
        assert match.recall == pytest.approx(both / 6)
        assert match.precision == pytest.approx(both / found.sum() if both else 0)
    truth = np.where(PLANTED < 3, PLANTED, -1)
    planted = PLANTED < 3
    assert result.adjusted_rand_all == pytest.approx(rand_index(truth, labels))
    assert result.adjusted_rand_planted == pytest.approx(
        rand_index(truth[planted], labels[planted])
    )
    for name, mask in MASKS.items():
        assert result.reported[name] == pytest.approx((labels[mask] >= 0).mean())
    order = rng.permutation(24)
    shuffled = recover(
        labels[order], WHO[order], {name: mask[order] for name, mask in MASKS.items()}, KINDS
    )
    assert sum(match.f1 for match in shuffled.matches) == pytest.approx(best)
    assert shuffled.adjusted_rand_all == pytest.approx(result.adjusted_rand_all)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"found": PERFECT[:-1]}, r"found has shape \(23,\)"),
        ({"found": PERFECT.astype(float)}, "type float64"),
        ({"found": PERFECT - 1}, "label -2"),
        ({"found": np.ones((24, 2))}, "bool masks"),
        ({"found": np.ones((23, 2), dtype=bool)}, r"shape \(23, 2\)"),
        ({"found": csr_array(np.ones((24, 2)))}, "bool masks"),
        ({"participants": WHO[:-1]}, r"masks\['faces'\] has type bool and shape \(24,\)"),
        ({"participants": np.array([])}, "one name for each voxel"),
        ({"masks": {"faces": PLANTED}}, "type int64"),
        ({"masks": {"faces": np.zeros(24, dtype=bool)}}, "marks no voxel"),
        ({"masks": {}}, "nothing to find"),
        ({"masks": {"hands": PLANTED == 0}}, "kinds lacks 'hands'"),
        ({"kinds": dict.fromkeys(KINDS, "noise")}, "no mask is 'shared'"),
        ({"min_f1": 0}, "min_f1=0"),
        ({"min_f1": float("nan")}, "min_f1=nan"),
    ],
)
def test_recover_bad_input(changes, message):
    given = {"found": PERFECT, "participants": WHO, "masks": MASKS, "kinds": KINDS, **changes}
    with pytest.raises(ValueError, match=message):
        recover(**given)


# The truth of a simulated dataset


def small_truth():
    """Two participants with volumes of 2 x 3 x 2, of which the last plane is no brain."""
    planted = {
        "subj01": ["faces", "faces", "tools", "", "", ""],
        "subj02": ["", "faces", "", "places", "places", ""],
    }
    kinds = {"faces": "shared", "places": "shared", "tools": "private"}
    others = ["mixture", "noise", "drift", "noise", "noise", "mixture"]
    concepts = {
        name: PlantedConcept(
            name,
            "",
            "",
            "",
            "less",
            kind == "shared",
            tuple(who for who, of_voxels in planted.items() if name in of_voxels),
            {},
        )
        for name, kind in kinds.items()
    }
    participants = {}
    for name, concept in planted.items():
        table = pd.DataFrame(list(itertools.product(range(2), range(3), [0])), columns=list("xyz"))
        table["concept"] = concept
        table["kind"] = [kinds.get(c, other) for c, other in zip(concept, others, strict=True)]
        participants[name] = ParticipantTruth(name, False, (2, 3, 2), np.eye(4), table)
    names = ("shared", "private", "mixture", "drift", "noise")
    return Truth(
        0, "", "easy", concepts, participants, dict.fromkeys(names, ""), pd.DataFrame(), {}
    )


def test_truth_masks_stack_the_voxels_as_the_reader_does():
    truth = small_truth()
    rng = np.random.default_rng(0)
    voxels = {name: rng.random((2, 3, 2)) < 0.8 for name in ("subj02", "subj01")}
    voxels["subj01"][0] = True
    planted = truth_masks(truth, voxels)
    expected = np.repeat(["subj02", "subj01"], [voxels["subj02"].sum(), voxels["subj01"].sum()])
    np.testing.assert_array_equal(planted.participants, expected)
    for name, mask in planted.masks.items():
        by_concept = name in truth.concepts
        of_participants = []
        for participant, where in voxels.items():
            try:
                volume = truth.participants[participant].mask(
                    **{"concept" if by_concept else "kind": name}
                )
            except ValueError:  # the participant has none
                volume = np.zeros((2, 3, 2), dtype=bool)
            of_participants.append(volume[where])
        np.testing.assert_array_equal(mask, np.concatenate(of_participants))
    assert planted.kinds["faces"] == "shared"
    assert planted.kinds["tools"] == "private"
    assert planted.kinds["noise"] == "noise"
    result = recover(
        np.where(planted.masks["faces"], 0, -1), planted.participants, planted.masks, planted.kinds
    )
    assert result.recovered == ("faces",)


def test_truth_masks_bad_input():
    truth = small_truth()
    with pytest.raises(ValueError, match="names no participant"):
        truth_masks(truth, {})
    with pytest.raises(ValueError, match="'subj09' is not among subj01, subj02"):
        truth_masks(truth, {"subj09": np.ones((2, 3, 2), dtype=bool)})
    with pytest.raises(ValueError, match=r"type int64 and shape \(2, 3, 2\)"):
        truth_masks(truth, {"subj01": np.ones((2, 3, 2), dtype=int)})
    with pytest.raises(ValueError, match=r"shape \(2, 3, 1\); expected bool and \(2, 3, 2\)"):
        truth_masks(truth, {"subj01": np.ones((2, 3, 1), dtype=bool)})


# Ranking pictures


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 60), n_levels=st.integers(1, 30))
def test_auc_is_the_share_of_pairs_in_order(seed, n, n_levels):
    rng = np.random.default_rng(seed)
    scores, factor = rng.integers(0, n_levels, n), rng.random(n) < 0.4
    factor[:2] = True, False
    present, absent = scores[factor], scores[~factor]
    for sign in (1, -1):
        statistic = mannwhitneyu(sign * present, sign * absent).statistic
        result = ranking_auc(scores, factor, sign=sign, n_bootstrap=20, rng=seed)
        assert result.value == pytest.approx(statistic / (len(present) * len(absent)))
        assert result.low <= result.high
        assert (result.level, result.chance) == (0.95, 0.5)
    assert result.value == pytest.approx(1 - ranking_auc(scores, factor, n_bootstrap=1).value)


def test_bootstrap_interval_equals_a_loop_and_repeats(monkeypatch):
    rng = np.random.default_rng(1)
    factor = np.arange(80) < 30
    scores = rng.standard_normal(80) + factor
    result = ranking_auc(scores, factor, n_bootstrap=4000, rng=3)
    values = []
    for _ in range(4000):
        present, absent = (rng.choice(scores[side], side.sum()) for side in (factor, ~factor))
        values.append(np.mean(present[:, None] > absent) + np.mean(present[:, None] == absent) / 2)
    error = 5 * np.std(values) / math.sqrt(4000) * math.sqrt(0.025 * 0.975) / 0.058 * math.sqrt(2)
    assert [result.low, result.high] == pytest.approx(
        np.quantile(values, [0.025, 0.975]), abs=error
    )
    again = ranking_auc(scores, factor, n_bootstrap=4000, rng=3)
    assert (again.low, again.high) == (result.low, result.high)
    monkeypatch.setattr("sdc_helpers.concepts.ranking._RESAMPLED_VALUES", 80 * 7)
    blocked = ranking_auc(scores, factor, n_bootstrap=4000, rng=3)
    assert [blocked.low, blocked.high] == pytest.approx([result.low, result.high], abs=error)


def test_intervals_cover_the_true_auc():
    rng = np.random.default_rng(2)
    factor = np.arange(150) < 60
    shift = 0.8
    truth = 0.5 * (1 + math.erf(shift / 2))
    intervals = [
        ranking_auc(rng.standard_normal(150) + shift * factor, factor, n_bootstrap=200, rng=rng)
        for _ in range(300)
    ]
    covered = np.mean([result.low <= truth <= result.high for result in intervals])
    assert abs(covered - 0.95) < 4.5 * math.sqrt(0.95 * 0.05 / 300)


def test_a_perfect_ranking_and_its_negation():
    factor = np.arange(10) > 6
    assert ranking_auc(np.arange(10), factor).value == 1
    negation = ranking_auc(-np.arange(10), factor, sign=-1)
    assert (negation.value, negation.low, negation.high) == (1, 1, 1)
    assert ranking_auc(np.ones(10), factor.astype(int)).value == 0.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": [1, np.nan, 2, 3]}, "one finite number a picture"),
        ({"scores": [[1, 2, 3, 4]]}, r"shape \(1, 4\)"),
        ({"scores": []}, r"factor has shape \(4,\)"),
        ({"factor": [True] * 3}, r"factor has shape \(3,\)"),
        ({"factor": [0.2, 0, 1, 1]}, "Compare a graded factor with a threshold"),
        ({"factor": [0, 0, 0, 0]}, "0 of 4 pictures have it"),
        ({"factor": [1, 1, 1, 1]}, "4 of 4 pictures"),
        ({"sign": 0}, "sign=0"),
        ({"confidence": 1}, "confidence=1"),
        ({"n_bootstrap": 0}, "n_bootstrap=0"),
        ({"n_bootstrap": 1.5}, "n_bootstrap=1.5"),
    ],
)
def test_ranking_bad_input(changes, message):
    given = {"scores": [1.0, 2, 3, 4], "factor": [0, 1, 0, 1], **changes}
    with pytest.raises(ValueError, match=message):
        ranking_auc(**given)
