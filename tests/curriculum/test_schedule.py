"""Bins, pacings, plans and samplers: against brute force, interrupted, and across processes."""

from __future__ import annotations

import itertools
import json
import math
import multiprocessing

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sdc_helpers.curriculum.schedule import (
    ORDERS,
    BinnedPacing,
    LinearPacing,
    PlanBatches,
    RootPacing,
    Standard,
    curriculum_plan,
    quantile_bins,
    samples_of_words,
    threshold_bins,
)

TIED = st.lists(st.integers(0, 6), min_size=4, max_size=40)
SEEDS = st.integers(0, 2**32 - 1)
PACINGS = st.one_of(
    st.builds(BinnedPacing, st.integers(1, 4), st.integers(1, 3)),
    st.builds(LinearPacing, st.integers(2, 6), st.floats(0.05, 1)),
    st.builds(RootPacing, st.integers(2, 6), st.floats(0.05, 1), st.floats(1, 4)),
    st.builds(Standard, st.integers(1, 4)),
)
properties = settings(deadline=None, max_examples=60)


def easiest(difficulty, share_of, total):
    """Samples up to the least difficulty that at least share_of / total of them do not exceed."""
    n = len(difficulty)
    for threshold in sorted(set(difficulty)):
        inside = {i for i in range(n) if difficulty[i] <= threshold}
        if len(inside) * total >= share_of * n - 1e-6:
            return inside
    raise AssertionError


def pass_sets(difficulty, pacing):
    """The samples of each pass of a curriculum, from the definitions."""
    if isinstance(pacing, Standard):
        return [set(range(len(difficulty)))] * pacing.n_epochs
    if isinstance(pacing, BinnedPacing):
        n, repeats = pacing.n_bins, pacing.epochs_per_bin
        return [easiest(difficulty, k + 1, n) for k in range(n) for _ in range(repeats)]
    shares = []
    for e in range(pacing.n_epochs):
        first = pacing.start**pacing.power
        competence = first + (1 - first) * e / (pacing.n_epochs - 1)
        shares.append(competence ** (1 / pacing.power))
    return [easiest(difficulty, share, 1) for share in shares]


def all_of(plan):
    return plan.indices(0, len(plan))


def any_plan(draw):
    difficulty = draw(TIED)
    assume(len(set(difficulty)) > 1)
    order, pacing, seed = draw(st.sampled_from(ORDERS)), draw(PACINGS), draw(SEEDS)
    return curriculum_plan(difficulty, order, pacing, seed=seed)


plans = st.composite(any_plan)()


# --------------------------------------------------------------------- bins


@properties
@given(difficulty=TIED, n_bins=st.integers(1, 4))
def test_bins_hold_what_the_quantiles_say(difficulty, n_bins):
    assume(n_bins == 1 or len(set(difficulty)) > 1)
    bins = quantile_bins(np.array(difficulty), n_bins)
    expected = [easiest(difficulty, k + 1, n_bins) for k in range(n_bins)]
    assert [set(samples.tolist()) for samples in bins.members] == expected
    sizes = [len(inside) for inside in expected]
    assert bins.counts.tolist() == sizes
    assert bins.added.tolist() == [b - a for a, b in zip([0, *sizes], sizes, strict=False)]
    np.testing.assert_allclose(bins.shares, np.array(sizes) / len(difficulty))
    largest = [max(difficulty[i] for i in inside) for inside in expected]
    assert bins.thresholds.tolist() == largest


@properties
@given(difficulty=TIED, below=st.lists(st.integers(1, 7), max_size=3, unique=True))
def test_given_thresholds_divide_below_them(difficulty, below):
    below = sorted(below)
    expected = [{i for i, d in enumerate(difficulty) if d < edge} for edge in below]
    expected.append(set(range(len(difficulty))))
    if not expected[0]:
        with pytest.raises(ValueError, match="first bin is empty"):
            threshold_bins(difficulty, below)
        return
    bins = threshold_bins(difficulty, below)
    assert [set(samples.tolist()) for samples in bins.members] == expected


def test_samples_of_a_bin_are_in_order_and_bins_are_parts_of_one_array():
    bins = quantile_bins([5, 1, 3, 1, 5, 2, 3, 9], 4)
    assert [list(samples) for samples in bins.members] == [
        [1, 3], [1, 3, 2, 5, 6], [1, 3, 2, 5, 6, 0, 4], [1, 3, 2, 5, 6, 0, 4, 7],
    ]  # fmt: skip
    assert all(np.shares_memory(samples, bins.members[-1]) for samples in bins.members)


def test_a_bin_that_ties_leave_without_new_samples_is_the_one_before_again():
    bins = quantile_bins([2, 2, 2, 5], 4)
    assert bins.counts.tolist() == [3, 3, 3, 4]
    assert bins.added.tolist() == [3, 0, 0, 1]


# --------------------------------------------------------------------- plans


@properties
@given(difficulty=TIED, pacing=PACINGS, seed=SEEDS)
def test_each_pass_holds_the_samples_of_its_definition_once(difficulty, pacing, seed):
    assume(len(set(difficulty)) > 1)
    expected = {
        "curriculum": pass_sets(difficulty, pacing),
        "anti": pass_sets([-d for d in difficulty], pacing),
        "standard": [set(range(len(difficulty)))] * pacing.n_epochs,
    }
    for order, sets in expected.items():
        plan = curriculum_plan(difficulty, order, pacing, seed=seed)
        assert plan.counts.tolist() == [len(inside) for inside in sets]
        position = 0
        for number, inside in enumerate(sets):
            found = plan.indices(position, position + len(inside))
            assert sorted(found.tolist()) == sorted(inside)
            assert {plan.phase(position), plan.phase(position + len(inside) - 1)} == {number}
            position += len(inside)
        assert len(plan) == position


@properties
@given(difficulty=TIED, pacing=PACINGS, seed=SEEDS)
def test_random_difficulties_make_nested_passes_of_the_curriculums_sizes(difficulty, pacing, seed):
    assume(len(set(difficulty)) > 1)
    plan = curriculum_plan(difficulty, "random", pacing, seed=seed)
    curriculum = curriculum_plan(difficulty, "curriculum", pacing, seed=seed)
    assert plan.counts.tolist() == curriculum.counts.tolist()
    passes = np.split(all_of(plan), np.cumsum(plan.counts)[:-1])
    for smaller, larger in itertools.pairwise(passes):
        assert set(smaller.tolist()) <= set(larger.tolist())
        assert len(set(larger.tolist())) == len(larger)


def test_random_difficulties_have_nothing_to_do_with_the_true_ones():
    n_seeds, first = 400, np.zeros(8)
    for seed in range(n_seeds):
        plan = curriculum_plan(np.arange(8), "random", BinnedPacing(4, 1), seed=seed)
        first[plan.indices(0, 2)] += 1
    spread = math.sqrt(n_seeds * 0.25 * 0.75)
    np.testing.assert_allclose(first, n_seeds / 4, atol=6 * spread)


@properties
@given(plan=plans, data=st.data())
def test_exposure_counts_what_was_seen(plan, data):
    stop = data.draw(st.integers(0, len(plan)))
    seen = plan.indices(0, stop).tolist()
    assert plan.exposure(stop).tolist() == [seen.count(i) for i in range(plan.n_distinct)]
    assert plan.exposure().sum() == len(plan)


@properties
@given(plan=plans, data=st.data())
def test_a_window_is_the_same_whatever_was_asked_before(plan, data):
    whole = all_of(plan)
    edges = st.integers(0, len(plan))
    for start, stop in data.draw(st.lists(st.tuples(edges, edges).map(sorted), max_size=12)):
        window = plan.indices(start, stop)
        assert window.dtype == np.int64
        np.testing.assert_array_equal(window, whole[start:stop])


@properties
@given(difficulty=TIED, order=st.sampled_from(ORDERS), pacing=PACINGS, seed=SEEDS, data=st.data())
def test_a_cut_plan_is_the_beginning_of_the_whole(difficulty, order, pacing, seed, data):
    assume(len(set(difficulty)) > 1)
    whole = curriculum_plan(difficulty, order, pacing, seed=seed)
    n = data.draw(st.integers(1, len(whole)))
    cut = curriculum_plan(difficulty, order, pacing, n_samples=n, seed=seed)
    assert len(cut) == n
    np.testing.assert_array_equal(all_of(cut), whole.indices(0, n))


@pytest.mark.parametrize("order", ORDERS)
def test_the_seed_decides_and_every_pass_is_shuffled_anew(order):
    difficulty = np.arange(200) // 2
    plan = curriculum_plan(difficulty, order, BinnedPacing(4, 2), seed=1)
    again = curriculum_plan(difficulty, order, BinnedPacing(4, 2), seed=1)
    other = curriculum_plan(difficulty, order, BinnedPacing(4, 2), seed=2)
    np.testing.assert_array_equal(all_of(plan), all_of(again))
    assert (all_of(plan) != all_of(other)).any()
    first, second = np.split(plan.indices(0, 2 * plan.counts[0]), 2)
    assert sorted(first) == sorted(second)
    assert (first != second).any()
    assert (np.diff(difficulty[first]) < 0).any()


def test_without_ties_the_studys_pacing_shows_five_eighths_of_the_standard_samples():
    difficulty = np.random.default_rng(0).permutation(80)
    curriculum = curriculum_plan(difficulty, "curriculum", BinnedPacing(4, 2), seed=0)
    standard = curriculum_plan(difficulty, "standard", Standard(8), seed=0)
    assert len(curriculum) / len(standard) == 5 / 8
    cut = curriculum_plan(difficulty, "standard", Standard(8), n_samples=len(curriculum), seed=0)
    assert len(cut) == len(curriculum) == cut.exposure().sum()
    assert set(cut.exposure()) == {5}
    # the easiest quarter is in all eight passes, the hardest in two
    assert set(curriculum.exposure()[difficulty < 20]) == {8}
    assert set(curriculum.exposure()[difficulty >= 60]) == {2}


def test_anti_fills_given_bins_from_the_other_side():
    difficulty = np.array([1, 2, 3, 3, 5, 8, 9])
    pacing = BinnedPacing(3, 1, below=(3, 6))
    easy = curriculum_plan(difficulty, "curriculum", pacing, seed=0)
    hard = curriculum_plan(difficulty, "anti", pacing, seed=0)
    assert easy.counts.tolist() == [2, 5, 7]
    assert hard.counts.tolist() == [2, 5, 7]
    assert set(difficulty[hard.indices(0, 2)]) == {8, 9}
    assert set(difficulty[hard.indices(2, 7)]) == {3, 5, 8, 9}


def test_shares_of_the_root_pacing():
    ranked = np.arange(10_000.0)
    # sqrt(1/16 + 15/16 e / 4) for e = 0 to 4
    roots = [0.25, math.sqrt(19 / 64), math.sqrt(34 / 64), math.sqrt(49 / 64), 1]
    np.testing.assert_allclose(RootPacing(5).counts(ranked) / 10_000, roots, atol=1e-4)
    assert LinearPacing(4, start=0.4).counts(ranked).tolist() == [4000, 6000, 8000, 10_000]
    assert 0.07 * 100 > 7  # in floating point; the share of the samples is 7 all the same
    assert LinearPacing(2, start=0.07).counts(np.arange(100.0)).tolist() == [7, 100]


def test_identity_tells_plans_apart_and_is_json():
    difficulty = np.arange(20)
    arguments = [("curriculum", BinnedPacing(), 0), ("anti", BinnedPacing(), 0)]
    arguments += [("curriculum", BinnedPacing(), 1), ("curriculum", BinnedPacing(2, 4), 0)]
    identities = [curriculum_plan(difficulty, o, p, seed=s).identity for o, p, s in arguments]
    identities.append(
        curriculum_plan(difficulty[::-1], "curriculum", BinnedPacing(), seed=0).identity
    )
    identities.append(
        curriculum_plan(difficulty, "curriculum", BinnedPacing(), n_samples=9, seed=0).identity
    )
    texts = [json.dumps(identity) for identity in identities]
    assert len(set(texts)) == len(texts)
    again = curriculum_plan(difficulty * 10, "curriculum", BinnedPacing(), seed=0).identity
    assert json.loads(texts[0]) == again


# --------------------------------------------------------------------- batches


@properties
@given(plan=plans, batch_size=st.integers(1, 9))
def test_batches_are_the_plan_cut_in_pieces(plan, batch_size):
    assume(batch_size <= len(plan))
    batches = PlanBatches(plan, batch_size)
    assert batches.n_steps == len(plan) // batch_size
    assert batches.n_pairs == plan.n_distinct
    whole = all_of(plan)
    steps = list(range(batches.n_steps))
    for step in steps[::-1]:
        piece = whole[step * batch_size : (step + 1) * batch_size]
        np.testing.assert_array_equal(batches.indices(step), piece)
        assert batches.epoch(step) == plan.phase(step * batch_size)


def test_a_batch_that_is_not_there_is_an_error():
    plan = curriculum_plan(np.arange(5), "standard", Standard(1), seed=0)
    with pytest.raises(ValueError, match="5 samples, fewer than batch_size=6"):
        PlanBatches(plan, 6)
    batches = PlanBatches(plan, 2)
    for step in (-1, 2):
        with pytest.raises(ValueError, match="steps 0 to 1"):
            batches.indices(step)


# --------------------------------------------------------------------- sampler


def samplers(plan, n):
    from sdc_helpers.curriculum.sampler import CurriculumSampler

    return [CurriculumSampler(plan, rank=rank, num_replicas=n) for rank in range(n)]


@properties
@given(plan=plans, n=st.integers(1, 4), batch_size=st.integers(1, 5))
def test_the_batches_of_all_processes_are_those_of_one(plan, n, batch_size):
    assume(len(plan) >= n)
    parts = [list(sampler) for sampler in samplers(plan, n)]
    assert [len(part) for part in parts] == [len(s) for s in samplers(plan, n)]
    whole = all_of(plan).tolist()
    size = batch_size * n
    for batch in range(len(parts[0]) // batch_size):
        here = slice(batch * batch_size, (batch + 1) * batch_size)
        union = [sample for part in parts for sample in part[here]]
        assert sorted(union) == sorted(whole[batch * size : (batch + 1) * size])


@properties
@given(plan=plans, n=st.integers(1, 3), m=st.integers(1, 3), data=st.data())
def test_training_goes_on_where_it_stopped_with_as_many_processes_or_others(plan, n, m, data):
    assume(len(plan) >= max(n, m))
    done = data.draw(st.integers(0, len(plan) // n))
    before = samplers(plan, n)
    seen = [next_of(sampler, done) for sampler in before]
    for sampler in before:
        sampler.advance(done)
    states = [json.loads(json.dumps(sampler.state_dict())) for sampler in before]
    assert all(state == states[0] for state in states)
    after = samplers(plan, m)
    for sampler in after:
        sampler.load_state_dict(states[0])
    rest = [list(sampler) for sampler in after]
    assert [len(part) for part in rest] == [len(sampler) for sampler in after]
    joined = [sample for row in zip(*seen, strict=True) for sample in row]
    joined += [sample for row in zip(*rest, strict=True) for sample in row]
    assert joined == all_of(plan)[: len(joined)].tolist()
    assert len(plan) - len(joined) < m


def next_of(sampler, n):
    samples = iter(sampler)
    return [next(samples) for _ in range(n)]


def small_plan(n_passes=2):
    return curriculum_plan(np.arange(23) // 2, "curriculum", BinnedPacing(2, n_passes), seed=4)


def loader(sampler, **options):
    from torch.utils.data import DataLoader

    return DataLoader(range(100), batch_size=4, sampler=sampler, **options)


def test_a_loader_with_workers_gives_the_same_order():
    plan = small_plan()
    (sampler,) = samplers(plan, 1)
    found = [sample for batch in loader(sampler, num_workers=2) for sample in batch.tolist()]
    assert found == all_of(plan).tolist()


def test_what_a_loader_fetched_ahead_is_not_taken_as_trained_on():
    plan = small_plan()
    (sampler,) = samplers(plan, 1)
    batches = iter(loader(sampler, num_workers=1, prefetch_factor=3))
    trained = []
    for _ in range(3):
        trained += next(batches).tolist()
        sampler.advance(4)
    state = sampler.state_dict()
    del batches
    (again,) = samplers(plan, 1)
    again.load_state_dict(state)
    trained += [sample for batch in loader(again) for sample in batch.tolist()]
    assert trained == all_of(plan).tolist()


def _process(folder, rank):
    """One of two processes: gather each batch of both, as a training would its gradients."""
    import torch
    import torch.distributed as dist

    dist.init_process_group(
        "gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=2
    )
    from sdc_helpers.curriculum.sampler import CurriculumSampler

    sampler = CurriculumSampler(
        small_plan(), rank=dist.get_rank(), num_replicas=dist.get_world_size()
    )
    rows = []
    for batch in loader(sampler, drop_last=True):
        both = [torch.empty_like(batch) for _ in range(2)]
        dist.all_gather(both, batch)
        rows.append(torch.stack(both).tolist())
        sampler.advance(len(batch))
    (folder / f"{rank}.json").write_text(json.dumps([rows, sampler.state_dict()]))
    dist.barrier()
    dist.destroy_process_group()


def test_two_processes_see_the_batches_of_one(tmp_path):
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system cannot fork")
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_process, args=(tmp_path, rank)) for rank in range(2)]
    for process in processes:
        process.start()
    try:
        for process in processes:
            process.join(120)
        assert [process.exitcode for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    found = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    assert found[0] == found[1]
    rows, state = found[0]
    batches = PlanBatches(small_plan(), 8)
    assert len(rows) == batches.n_steps
    for step, (first, second) in enumerate(rows):
        assert sorted(first + second) == sorted(batches.indices(step).tolist())
    assert state["position"] == 8 * batches.n_steps


# --------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("difficulty", "match"),
    [
        ([1, np.nan, 3, np.nan], r"difficulty\[1\] is nan; 2 of 4"),
        ([1, 2, np.inf], r"difficulty\[2\] is inf"),
        ([], "a number for each sample"),
        ([[1, 2], [3, 4]], r"shape \(2, 2\)"),
        (["a", "b"], "a number for each sample"),
        ([3, 3, 3, 3], "all 4 samples have the same difficulty: with such ties.*lower n_bins"),
        ([1, 2, 3], "3 samples cannot fill n_bins=4; lower n_bins"),
    ],
)
def test_bad_difficulties_are_named(difficulty, match):
    for call in (
        lambda: quantile_bins(difficulty),
        lambda: curriculum_plan(difficulty, "curriculum", BinnedPacing(), seed=0),
    ):
        with pytest.raises(ValueError, match=match):
            call()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"order": "easy"}, "order='easy': expected one of curriculum, anti, random, standard"),
        ({"seed": -1}, "seed=-1"),
        ({"n_samples": 0}, "n_samples=0"),
        ({"n_samples": 51}, "n_samples=51 is more than the 50 of this plan"),
        ({"pacing": BinnedPacing(2, 1, below=(0,))}, "first bin is empty: .* below 0.*ties"),
        (
            {"pacing": BinnedPacing(2, 1, below=(99,)), "order": "anti"},
            "first bin is empty: no sample has a difficulty at least 99",
        ),
    ],
)
def test_bad_plans_are_named(arguments, match):
    call = {"order": "curriculum", "pacing": BinnedPacing(4, 1), "seed": 0} | arguments
    with pytest.raises(ValueError, match=match):
        curriculum_plan(np.arange(20), **call)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: BinnedPacing(0), "n_bins=0"),
        (lambda: BinnedPacing(4, 0), "epochs_per_bin=0"),
        (lambda: BinnedPacing(4, 2, (3, 4)), "2 thresholds for n_bins=4"),
        (lambda: BinnedPacing(3, 2, (4, 3)), "ascending"),
        (lambda: BinnedPacing(2, 2, (math.nan,)), "finite numbers"),
        (lambda: LinearPacing(1), "n_epochs=1"),
        (lambda: LinearPacing(8, 0), "start=0"),
        (lambda: RootPacing(8, 1.5), "start=1.5"),
        (lambda: RootPacing(8, 0.5, 0.5), "power=0.5"),
        (lambda: RootPacing(8, 0.5, math.inf), "power=inf"),
        (lambda: Standard(0), "n_epochs=0"),
        (lambda: small_plan().indices(3, 10_000), "not inside a plan"),
        (lambda: small_plan().indices(5, 3), "not inside a plan"),
        (lambda: small_plan().phase(-1), "position -1 is not inside"),
        (lambda: small_plan().exposure(10_000), "stop=10000 is not inside"),
        (lambda: samplers(small_plan(), 1000), "none for each"),
        (lambda: samplers(small_plan(), 2)[0].advance(10_000), "only 35 samples left"),
        (lambda: samplers(small_plan(), 2)[0].load_state_dict({"epoch": 3}), "no state"),
        (
            lambda: samplers(small_plan(1), 1)[0].load_state_dict(
                samplers(small_plan(2), 1)[0].state_dict()
            ),
            "of another plan",
        ),
    ],
)
def test_bad_arguments_are_named(make, match):
    with pytest.raises(ValueError, match=match):
        make()


def test_a_rank_must_be_one_of_the_processes():
    from sdc_helpers.curriculum.sampler import CurriculumSampler

    with pytest.raises(ValueError, match="rank=2: with num_replicas=2"):
        CurriculumSampler(small_plan(), rank=2, num_replicas=2)


@given(difficulty=TIED, seed=SEEDS, data=st.data())
def test_samples_of_words_come_nearest_to_the_words_asked_for(difficulty, seed, data):
    plan = curriculum_plan(difficulty, "standard", Standard(2), seed=seed)
    sizes = st.lists(st.integers(1, 20), min_size=len(difficulty), max_size=len(difficulty))
    n_words = np.array(data.draw(sizes))
    total = data.draw(st.integers(1, int(2 * n_words.sum())))
    n = samples_of_words(plan, n_words, total)
    seen = [int(plan.exposure(stop) @ n_words) for stop in range(1, len(plan) + 1)]
    assert abs(seen[n - 1] - total) == min(abs(words - total) for words in seen)


def test_more_words_than_a_plan_has_are_refused():
    plan = curriculum_plan(np.arange(4.0), "standard", Standard(1), seed=0)
    with pytest.raises(ValueError, match="total=9 words are more than the 8"):
        samples_of_words(plan, np.full(4, 2), 9)
    with pytest.raises(ValueError, match=r"expected \(4,\)"):
        samples_of_words(plan, np.full(3, 2), 2)
