"""Every exercise of the course: its solution, other solutions, and each wrong answer by name."""

from __future__ import annotations

import importlib
import inspect
import itertools
import math
import re

import numpy as np
import pytest
import scipy
import torch
from sklearn.linear_model import Ridge
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

from sdc_helpers import exercises
from sdc_helpers.exercises.registry import _agree, _outputs, find, list_exercises

EXERCISES = list_exercises()
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.identifier)
each_wrong_answer = pytest.mark.parametrize(
    ("exercise", "wrong"),
    [
        pytest.param(e, w, id=f"{e.identifier}: {w.name}")
        for e in EXERCISES
        for w in e.wrong_answers
    ],
)


# --- other ways to solve them, from other formulas ------------------------------------------------


def p_value_in_a_loop(value, null):
    count = 1
    for other in null:
        if other >= value:
            count += 1
    return count / (len(null) + 1)


def trials_by_a_loop(codes, sessions):
    first = {}
    for trial, code in enumerate(codes):
        if code != 999_999:
            first.setdefault(int(code), trial)
    return [first[code] for code in sorted(first)]


def occipital_by_pattern(names):
    return [re.match("M[LRZ]O", name) is not None for name in names]


def p_by_a_loop_over_times(curve, null):
    centre, spread = np.mean(null, axis=0), np.sqrt(np.var(null, axis=0, ddof=1))
    tops = [max((shuffle - centre) / spread) for shuffle in null]
    p = []
    for value, c, s in zip(curve, centre, spread, strict=True):
        p.append((1 + sum(top >= (value - c) / s for top in tops)) / (len(tops) + 1))
    return p


def window_null_by_variances(window, layer):
    X = window.transpose(2, 1, 0).reshape(-1, len(window))
    of_window = np.linalg.eigvalsh(np.cov(X))
    of_layer = np.linalg.eigvalsh(layer)
    dims = [v.sum() ** 2 / (v**2).sum() for v in (of_window, of_layer)]
    return np.sqrt(np.prod(dims)) / (len(window) - 1)


def rows_by_counting_names(shown, names):
    return [sum(k * (name == other) for k, other in enumerate(names)) for name in shown]


def shuffle_by_pairs_of_rows(time_ordered, stimuli, runs):
    pairs = list(itertools.combinations(range(len(stimuli)), 2))
    if time_ordered:
        return "circular"
    if any(stimuli[a] == stimuli[b] for a, b in pairs):
        return "blocks"
    return "rows within runs" if any(runs[a] != runs[b] for a, b in pairs) else "rows"


def hsic_unbiased(K, L):
    """Return the unbiased HSIC of Song et al. (2012), equation 5."""
    n = len(K)
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    one = np.ones(n)
    trace = np.trace(K @ L)
    means = (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2))
    cross = 2 / (n - 2) * (one @ K @ L @ one)
    return (trace + means - cross) / (n * (n - 3))


def debiased_by_hsic(K, L):
    return hsic_unbiased(K, L) / np.sqrt(hsic_unbiased(K, K) * hsic_unbiased(L, L))


def plateau_by_logarithms(n, p1, p2):
    sides = [np.log1p((n - 1) / p) for p in (p1, p2)]
    return np.exp(-sum(sides) / 2)


def fresh_copies_by_order(X, moves):
    copies = []
    for rows, sources in moves:
        order = np.arange(len(X))
        order[rows] = sources
        copies.append(X[order])
    return copies


def centred_cosine(K, L):
    """Return biased CKA with the centring matrix written out."""
    H = np.eye(len(K)) - 1 / len(K)
    K, L = H @ K @ H, H @ L @ H
    return np.sum(K * L) / (np.linalg.norm(K) * np.linalg.norm(L))


def report_by_hsic(A, B, layer, orders):
    L = layer @ layer.T
    kept = {}
    for name, area in zip("AB", (A, B), strict=True):
        K = area @ area.T
        value = debiased_by_hsic(K, L)
        null = [debiased_by_hsic(K[order][:, order], L) for order in orders]
        rank = sum(v >= value for v in null)
        if (rank + 1) / (len(orders) + 1) <= 0.05:
            kept[value] = name
    return kept[max(kept)] if kept else "neither"


def percent_voxel_by_voxel(stored, mask):
    columns = [[int(volume[z, y, x]) / 300.0 for volume in stored] for x, y, z in np.argwhere(mask)]
    return np.array(columns).T


def ceiling_from_pairs_of_showings(z):
    # the variance of a few numbers is half the mean squared difference of all their pairs
    n = z.shape[1]
    pairs = [(z[:, i] - z[:, j]) ** 2 / 2 for i in range(n) for j in range(i)]
    noise = np.mean(pairs, axis=(0, 1))
    return 100 * np.clip(1 - noise, 0, None) / np.where(noise > 1, noise, 1)


def seen_before_by_sets(image_ids, train, test):
    known = {int(i) for i, used in zip(image_ids, train, strict=True) if used}
    tested = [int(i) for i, used in zip(image_ids, test, strict=True) if used]
    return sum(i in known for i in tested) / len(tested)


def clip_loss_pair_by_pair(u, v, tau):
    n = len(u)
    logits = [[float(np.dot(u[i], v[j])) / tau for j in range(n)] for i in range(n)]
    total = 0.0
    for i in range(n):
        p_caption = math.exp(logits[i][i]) / sum(math.exp(logits[i][j]) for j in range(n))
        p_picture = math.exp(logits[i][i]) / sum(math.exp(logits[j][i]) for j in range(n))
        total -= (math.log(p_caption) + math.log(p_picture)) / 2
    return total / n


def ranks_by_sorting_angles(images, captions):
    ranks = []
    for j, caption in enumerate(captions):
        cosines = [c @ caption / np.linalg.norm(c) / np.linalg.norm(caption) for c in images]
        order = sorted(range(len(images)), key=lambda i, c=cosines: math.acos(c[i]))
        ranks.append(1 + order.index(j))
    return ranks


def class_scores_from_sums(images, prompts):
    # the length of the mean cancels: the sum of the unit vectors points the same way
    scores = np.empty((len(images), len(prompts)))
    for c, sentences in enumerate(prompts):
        direction = sum(s / math.sqrt(s @ s) for s in sentences)
        for i, image in enumerate(images):
            scores[i, c] = image @ direction / math.sqrt((image @ image) * (direction @ direction))
    return scores


def recall_by_counting_better_captions(cosines, owner, k):
    hits = 0
    for i, row in enumerate(cosines):
        best = max(value for value, of in zip(row, owner, strict=True) if of == i)
        hits += sum(value > best for value in row) < k
    return hits / len(cosines)


def core_by_tables(near, participants, least):
    names = np.unique(participants)
    reached = np.stack([near[:, participants == name].any(axis=1) for name in names], axis=1)
    reached &= participants[:, None] != names
    return reached.sum(axis=1) >= least


def reproduced_by_sets(first, second):
    a, b = (
        [set(np.flatnonzero(labels == k)) for k in set(labels.tolist()) - {-1}]
        for labels in (first, second)
    )
    return sum(2 * len(x & y) > len(x | y) for x in a for y in b)


def largest_eps_in_a_loop(eps, found, null, allowed):
    best = None
    for k, value in enumerate(eps):
        if sum(row[k] for row in null) <= allowed * found[k] * len(null):
            best = value if best is None else max(best, value)
    return best


def top_k_by_counting_better_pictures(predicted, Y, items, k):
    of = {int(item): y / math.sqrt(y @ y) for item, y in zip(items, Y, strict=True)}
    hits = 0
    for guess, item in zip(predicted, items, strict=True):
        own = guess @ of[int(item)]
        hits += sum(guess @ y > own for other, y in of.items() if other != item) < k
    return hits / len(items)


def masked_loss_trial_by_trial(P, Y, items, tau):
    n, total = len(items), 0.0
    for i in range(n):
        others = [j for j in range(n) if j == i or items[j] != items[i]]
        for logits in ([P[i] @ Y[j] / tau for j in others], [P[j] @ Y[i] / tau for j in others]):
            total += math.log(sum(math.exp(x) for x in logits)) - P[i] @ Y[i] / tau
    return total / (2 * n)


def recall_by_loops(order, bins, truth, n_probes):
    found, looked_at = 0, 0
    for mine, near in zip(order, truth, strict=True):
        inside = {row for row, b in enumerate(bins) if b in set(mine[:n_probes].tolist())}
        found += len(inside & set(near.tolist())) / len(near)
        looked_at += len(inside)
    return np.array([found, looked_at]) / len(order)


def balance_bin_by_bin(P):
    share = max(1, len(P) // P.shape[1])
    return -sum(sum(sorted(column, reverse=True)[:share]) for column in P.T) / len(P)


def votes_by_einsum(P, neighbours):
    chosen = np.zeros((len(P), len(P)))
    for row, near in enumerate(neighbours):
        chosen[row, near] += 1 / len(near)
    return np.einsum("ij,jb->ib", chosen, P)


def race_by_segments(first, second, share):
    values = []
    for candidates, recall in (first, second):
        before = max(
            (c, r) for c, r in [(0, 0), *zip(candidates, recall, strict=True)] if c <= share
        )
        after = min((c, r) for c, r in zip(candidates, recall, strict=True) if c > share)
        slope = (after[1] - before[1]) / (after[0] - before[0])
        values.append(before[1] + slope * (share - before[0]))
    return values[0] - values[1]


def weights_by_whitened_voxels(a, noise_covariance):
    values, vectors = np.linalg.eigh(noise_covariance)
    whiten = vectors @ np.diag(values**-0.5) @ vectors.T
    seen = whiten @ a  # the pattern where the noise is white
    return whiten @ seen / (seen @ seen)


def patterns_by_regression(X, W):
    readout = X @ W
    design = np.c_[readout, np.ones(len(X))]
    return np.linalg.lstsq(design, X, rcond=None)[0][:-1].T


def pattern_by_least_squares(X, w):
    design = np.column_stack([X @ w, np.ones(len(X))])
    return np.linalg.lstsq(design, X, rcond=None)[0][0]


def ends_by_sorting_angles(embeddings, concept, n):
    angles = [math.acos(e @ concept / math.sqrt(e @ e)) for e in embeddings]
    ranked = sorted(range(len(angles)), key=angles.__getitem__)
    return [ranked[:n], ranked[: -n - 1 : -1]]


def enrichment_word_by_word(top, bottom):
    found = []
    for t, b in zip(top.T, bottom.T, strict=True):
        with_word = [sum(n > 0 for n in side) + 0.5 for side in (t, b)]
        without = [sum(n == 0 for n in side) + 0.5 for side in (t, b)]
        ratio = with_word[0] * without[1] / (without[0] * with_word[1])
        found.append(math.log(ratio) / math.sqrt(sum(1 / n for n in with_word + without)))
    return found


def bottom_response_picture_by_picture(betas, image_ids, scores, n):
    shown = {i: [] for i in sorted(set(image_ids.tolist()), key=scores.__getitem__)[:n]}
    for row, i in zip(betas, image_ids.tolist(), strict=True):
        if i in shown:
            shown[i].extend(row)
    return sum(sum(values) / len(values) for values in shown.values()) / n


def partial_correlation_from_correlations(x, y, confound):
    r = np.corrcoef([x, y, confound])
    return (r[0, 1] - r[0, 2] * r[1, 2]) / math.sqrt((1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2))


def push_by_differences(cosines, right, temperature):
    # the shares are ratios to the largest wrong one
    wrong = [j for j in range(len(cosines)) if j != right]
    top = max(cosines[j] for j in wrong)
    heights = {j: np.exp((cosines[j] - top) / temperature) for j in wrong}
    return [heights.get(j, 0) / sum(heights.values()) for j in range(len(cosines))]


def cua_in_a_loop(u, v):
    pairs = sum(2 - 2 * (a @ b) for a, b in zip(u, v, strict=True)) / len(u)
    return pairs + (uniformity_in_a_loop(u) + uniformity_in_a_loop(v)) / 2


def centred_row_by_row(rows, training):
    mean = sum(training) / len(training)
    return [(row - mean) / np.sqrt((row - mean) @ (row - mean)) for row in rows]


def uniformity_in_a_loop(x):
    # on the sphere |a - b|^2 = 2 - 2 ab
    terms = [np.exp(4 * (x[i] @ x[j]) - 4) for i in range(len(x)) for j in range(len(x)) if i != j]
    return np.log(sum(terms) / len(terms))


def rotation_by_scipy(u, v):
    from scipy.linalg import orthogonal_procrustes

    return v @ orthogonal_procrustes(v, u)[0]


def answer_in_a_loop(images, source, before, after, weight):
    query = images[source] + weight * after - weight * before
    best, chosen = -np.inf, -1
    for row, image in enumerate(images):
        cosine = image @ query / np.sqrt((image @ image) * (query @ query))
        if row != source and cosine > best:
            best, chosen = cosine, row
    return chosen


def nouns_by_first_letter(captions):
    counts = []
    for caption in captions:
        counts.append(0)
        for _, tag, _ in caption:
            counts[-1] += tag[0] == "N"
    return sorted(counts)[-1]


def bins_by_trying_thresholds(difficulty, n_bins):
    rows = []
    for k in range(n_bins):
        for threshold in sorted(set(difficulty.tolist())):
            inside = [value <= threshold for value in difficulty.tolist()]
            if sum(inside) * n_bins >= (k + 1) * len(inside):
                rows.append(inside)
                break
    return rows


def loss_token_by_token(log_p, tokens):
    losses = []
    for caption, scores in zip(tokens.tolist(), log_p, strict=True):
        for here, following in enumerate(caption[1:]):
            if following:
                losses.append(-scores[here][following])
    return sum(losses) / len(losses)


def cut_by_walking(order, n_words, total):
    read, best, nearest = 0, 0, math.inf
    for number, sample in enumerate(order, start=1):
        read += n_words[sample]
        if abs(read - total) < nearest:
            best, nearest = number, abs(read - total)
    return best


def paired_by_mean_squares(first, second):
    table = first - second
    n_seeds, n_items = table.shape
    seeds = n_items * np.var([row.mean() for row in table], ddof=1)
    items = n_seeds * np.var([column.mean() for column in table.T], ddof=1)
    return first.mean() - second.mean(), math.sqrt((seeds + items) / table.size)


def verdict_by_signs(difference, first, second, chance):
    if max(first[0], second[0]) <= chance:
        return "at chance"
    signs = sum(np.sign(difference))
    return {2: "helps", -2: "harms"}.get(int(signs), "cannot tell")


def passes_by_sorting_pairs(difficulty, noise):
    return [
        [
            sample
            for _, sample in sorted(
                (d + e, i) for i, (d, e) in enumerate(zip(difficulty, row, strict=True))
            )
        ]
        for row in noise
    ]


def gram_by_projection(D):
    centring = np.eye(len(D)) - np.ones((len(D), len(D))) / len(D)
    return -0.5 * centring @ D @ centring


def probe_by_sklearn(x_train, y_train, x_test, y_test, penalty):
    scaler = StandardScaler().fit(x_train)
    ridge = Ridge(alpha=penalty).fit(scaler.transform(x_train), y_train)
    return ridge.score(scaler.transform(x_test), y_test)


def above_chance_by_sklearn(true, predicted):
    return balanced_accuracy_score(true, predicted, adjusted=True)


def effective_rank_by_covariance(x):
    shares = np.linalg.eigvalsh(np.cov(x.T))
    shares = [share / shares.sum() for share in shares if share > 1e-12]
    return math.prod(share**-share for share in shares)


def axes_by_polar(rows, mix):
    return scipy.linalg.polar(mix)[0] @ rows


def agreement_by_permutations(first, second):
    k = first.shape[1]
    a, b = ((x - x.mean(0)) / x.std(0) / math.sqrt(len(x)) for x in (first, second))
    return max(
        sum(abs(a[:, i] @ b[:, j]) for i, j in enumerate(order)) / k
        for order in itertools.permutations(range(k))
    )


def mask_gradient_by_autograd(responses, gates, row, score, penalty):
    open_gates = torch.tensor(gates, requires_grad=True)
    decoded = torch.tensor(responses) * open_gates @ torch.tensor(row)
    r = torch.corrcoef(torch.stack([torch.tensor(score), decoded]))[0, 1]
    (-r + penalty * open_gates.mean()).backward()
    return open_gates.grad.numpy()


def kept_and_left_by_columns(score, responses, row, mask):
    def r(columns):
        decoded = sum((row[v] * responses[:, v] for v in columns), np.zeros(len(score)))
        y, z = score - score.mean(), decoded - decoded.mean()
        return y @ z / math.sqrt(y @ y * (z @ z)) if z @ z > 1e-12 else 0.0

    inside, outside = np.flatnonzero(mask), np.flatnonzero(~mask)
    whole = r(range(len(row)))
    return r(inside) / whole, r(outside) / whole


def seen_by_a_loop(measured, predicted):
    return [
        max(range(len(predicted)), key=lambda j: np.corrcoef(one, predicted[j])[0, 1])
        for one in measured
    ]


def segments_by_slices(series, who, length):
    others = np.mean([one for i, one in enumerate(series) if i != who], axis=0)
    starts = range(0, series.shape[1] - length + 1, length)
    found = []
    for start in starts:
        own = series[who, start : start + length].ravel()
        r = [np.corrcoef(own, others[other : other + length].ravel())[0, 1] for other in starts]
        found.append(int(np.argmax(r)))
    return found


def effective_by_correlate(x, y, n_lags):
    n = len(x)
    both = []
    for side in (x, y):
        spread = side - side.mean()
        lagged = np.correlate(spread, spread, "full")[n - 1 :]
        both.append(lagged[1 : n_lags + 1] / lagged[0])
    return n / (1 + 2 * np.dot(*both))


def length_by_events(seconds, slots, start):
    waiting, running, now = list(seconds), [], 0.0
    while waiting or running:
        while waiting and len(running) < slots:
            running.append(now + start + waiting.pop(0))
        now = min(running)
        running.remove(now)
    return now


def best_by_counting(p_values):
    total = 0.0
    for _ in np.ndindex(p_values.shape):
        total += np.sort(p_values, axis=None)[0]
    return total if total < 1 else 1.0


def again_by_endings(points, files, made_by, now):
    lacking = []
    for point in points:
        found = files.get(point, ())
        lacking.append(sum(f"small{end}" in found for end in (".ipynb", ".run.json")) < 2)
    return lacking


def features_by_grams(X, Y):
    return debiased_by_hsic(X @ X.T, Y @ Y.T)


OTHER_SOLUTIONS = {
    "many.how_long": length_by_events,
    "many.p_of_best": best_by_counting,
    "many.runs_again": again_by_endings,
    "many.cka_from_features": features_by_grams,
    "components.axes": axes_by_polar,
    "components.match": agreement_by_permutations,
    "components.gradient": mask_gradient_by_autograd,
    "components.kept": kept_and_left_by_columns,
    "curriculum.equal_words": cut_by_walking,
    "order.paired": paired_by_mean_squares,
    "order.verdict": verdict_by_signs,
    "order.passes": passes_by_sorting_pairs,
    "curriculum.nouns": nouns_by_first_letter,
    "curriculum.bins": bins_by_trying_thresholds,
    "curriculum.loss": loss_token_by_token,
    "contrastive.uniformity": uniformity_in_a_loop,
    "contrastive.rotation": rotation_by_scipy,
    "contrastive.push": push_by_differences,
    "closing.cua": cua_in_a_loop,
    "closing.centre": centred_row_by_row,
    "closing.arithmetic": answer_in_a_loop,
    "reading.extremes": ends_by_sorting_angles,
    "reading.enrichment": enrichment_word_by_word,
    "reading.below_baseline": bottom_response_picture_by_picture,
    "reading.partial": partial_correlation_from_correlations,
    "concepts.core": core_by_tables,
    "concepts.reproduced": reproduced_by_sets,
    "concepts.false_discovery": largest_eps_in_a_loop,
    "loading.to_percent": percent_voxel_by_voxel,
    "loading.noise_ceiling": ceiling_from_pairs_of_showings,
    "loading.seen_before": seen_before_by_sets,
    "clip.loss": clip_loss_pair_by_pair,
    "clip.ranks": ranks_by_sorting_angles,
    "clip.zero_shot": class_scores_from_sums,
    "clip.recall": recall_by_counting_better_captions,
    "clip.probe": probe_by_sklearn,
    "clip.above_chance": above_chance_by_sklearn,
    "clip.effective_rank": effective_rank_by_covariance,
    "decoding.top_k": top_k_by_counting_better_pictures,
    "decoding.repeats": masked_loss_trial_by_trial,
    "weights.pattern": pattern_by_least_squares,
    "weights.best": weights_by_whitened_voxels,
    "weights.patterns_of_many": patterns_by_regression,
    "start_here.p_value": p_value_in_a_loop,
    "cka.debias": debiased_by_hsic,
    "cka.plateau": plateau_by_logarithms,
    "cka.fresh_copies": fresh_copies_by_order,
    "cka.report": report_by_hsic,
    "layers.gram_of_distances": gram_by_projection,
    "meg.rows_of_images": trials_by_a_loop,
    "meg.occipital": occipital_by_pattern,
    "meg.p_each_time": p_by_a_loop_over_times,
    "meg.window_null": window_null_by_variances,
    "real.seen": seen_by_a_loop,
    "real.segments": segments_by_slices,
    "real.effective": effective_by_correlate,
    "own.rows_of_stimuli": rows_by_counting_names,
    "own.which_shuffle": shuffle_by_pairs_of_rows,
    "partition.recall": recall_by_loops,
    "partition.balance": balance_bin_by_bin,
    "partition.votes": votes_by_einsum,
    "partition.race": race_by_segments,
}


@each_exercise
def test_the_solution_is_correct(exercise):
    assert exercises.check(exercise.identifier, exercise.solution).status == "correct"


@each_exercise
def test_a_solution_from_another_formula_is_correct(exercise):
    other = OTHER_SOLUTIONS[exercise.identifier]
    verdict = exercises.check(exercise.identifier, other)
    assert verdict.status == "correct", verdict.message


# --- wrong answers --------------------------------------------------------------------------------


@each_wrong_answer
def test_each_wrong_answer_is_recognised_by_its_own_name_and_message(exercise, wrong):
    verdict = exercises.check(exercise.identifier, wrong.function)
    assert (verdict.status, verdict.mistake) == ("wrong", wrong.name)
    assert verdict.message == wrong.message


@each_exercise
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_wrong_answers_differ_whatever_the_cases_are(exercise, seed):
    """Not only on the cases of the check: a mistake is a mistake on other numbers too."""
    cases = exercise.cases(np.random.default_rng(seed))
    functions = [exercise.solution, *(wrong.function for wrong in exercise.wrong_answers)]
    outputs = [_outputs(function, cases) for function in functions]
    for i, a in enumerate(outputs):
        for b in outputs[:i]:
            assert not _agree(a, b, exercise.tolerance)


@each_exercise
@pytest.mark.parametrize(
    "answer",
    [lambda *a: 0.123, lambda *a: "C", lambda *a: [], lambda *a: a[0], lambda *a: np.eye(3), list],
    ids=["number", "text", "empty", "its argument", "matrix", "list"],
)
def test_answers_of_another_kind_are_wrong(exercise, answer):
    verdict = exercises.check(exercise.identifier, answer)
    assert verdict.status == "wrong"
    assert verdict.message


@each_exercise
def test_a_stub_of_the_exercise_is_not_attempted(exercise):
    assert exercises.check(exercise.identifier, lambda *a: ...).status == "not attempted"


@each_exercise
def test_an_answer_may_spoil_its_arguments(exercise):
    def spoil(*arguments):
        answer = exercise.solution(*arguments)
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                argument[...] = 0
            elif isinstance(argument, list):
                argument.clear()
        return answer

    assert exercises.check(exercise.identifier, spoil).status == "correct"
    assert exercises.check(exercise.identifier, exercise.solution).status == "correct"


# --- the entries ----------------------------------------------------------------------------------


@each_exercise
def test_an_entry_is_complete(exercise):
    assert find(exercise.identifier) is exercise
    chapter = exercise.identifier.split(".")[0]
    assert exercise in importlib.import_module(f"sdc_helpers.exercises.{chapter}").EXERCISES
    assert 1 <= exercise.difficulty <= 3
    assert 1 <= exercise.minutes <= 60
    assert 1 <= len(exercise.hints) <= 3
    assert len(exercise.wrong_answers) >= 3
    for name in ("name", "message"):
        texts = [getattr(wrong, name) for wrong in exercise.wrong_answers]
        assert len(set(texts)) == len(texts)
        assert all(texts)


@each_exercise
def test_the_card_shows_the_solution_that_is_checked(exercise):
    page = exercises.card(exercise.identifier)._repr_mimebundle_()["text/html"]
    assert f"def {exercise.solution.__name__}(" in page
    assert "_" not in exercise.solution.__name__[0]
    arguments = list(inspect.signature(exercise.solution).parameters)
    for wrong in exercise.wrong_answers:
        assert list(inspect.signature(wrong.function).parameters) == arguments


def test_identifiers_are_unique():
    identifiers = [e.identifier for e in EXERCISES]
    assert len(set(identifiers)) == len(identifiers) > 0


def test_a_negative_value_is_among_the_cases_of_debiasing():
    exercise = find("cka.debias")
    values = _outputs(debiased_by_hsic, exercise.cases(np.random.default_rng(0)))
    assert min(values) < 0 < max(values)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_the_report_is_asked_where_size_misleads(seed):
    """The planted pattern: biased values rank the larger area first, related or not."""
    small_related, swapped, large_related, neither = find("cka.report").cases(
        np.random.default_rng(seed)
    )
    answers = [report_by_hsic(*case) for case in (small_related, swapped, large_related, neither)]
    assert answers == ["A", "B", "B", "neither"]
    for A, B, layer, _ in (small_related, swapped, large_related, neither):
        biased = [centred_cosine(area @ area.T, layer @ layer.T) for area in (A, B)]
        assert np.argmax(biased) == np.argmax([A.shape[1], B.shape[1]])
