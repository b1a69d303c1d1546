# %% [markdown]
# # Reading a concept, and its negation
#
# A cluster of voxels that several people share is a direction in a network's embedding: a list of numbers. What
# does it *mean*? It is tempting to look at its best pictures and say a word. The answer in one sentence: **let a
# procedure choose the words, score them on responses it has not seen, and read the negation against a true
# baseline, because z-scored data have none.** After Efird, Murphy, Zylberberg and Fyshe (2025): `efird2025sdc`.
#
# {{ minutes }}
#
# ## What you will do
#
# - rank pictures along a concept, and look at both ends
# - name concepts by enriched words and by nearest texts, and score the names against blind guessing
# - test whether the least associated pictures bring the voxels *below* baseline, or only make them respond less
# - draw concepts on the cortex, and hold them against localisers
# - tell number from crowds, and food by colour from food by shape
#
# You need: what a decoder's weights are. Helpful: [loading brain data](01_loading_brain_data.ipynb).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 0  # of the simulated participants and of every draw [0, 4294967295]
device: str = "auto"  # where to compute {auto, cpu, cuda}
source: str = "simulated"  # where the data come from {simulated, nsd}
root: str = ""  # folder of the real NSD tree, for source nsd
world: str = "easy"  # how hard simulated participants make it {easy, hard}
n_test: int | None = None  # test images a participant; None: the profile decides [10, 1000]
n_shuffles: int | None = None  # refits with shuffled pairs; None: the profile decides [1, 100]
n_draws: int | None = None  # random patches a localiser test; None: the profile decides [19, 9999]
fraction: float = 0.1  # share of the pictures at each end of a ranking [0.01, 0.25]
n_words: int = 5  # words of a name, at most [1, 20]
min_voxels: int = 5  # a participant with fewer voxels of a concept is left out of it [1, 1000]

# %%
import re
from textwrap import shorten

import numpy as np

from sdc_helpers import exercises
from sdc_helpers.concepts import (
    ConceptCard,
    enriched_words,
    extremes,
    fits_name,
    nearest_words,
    negation_test,
    overlap,
    partial_correlations,
    response_by_rank,
    score_names,
)
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.decoding import average_repetitions
from sdc_helpers.embeddings import embed_texts, load_clip
from sdc_helpers.embeddings.small_clip import small_clip_tokenizer
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import (
    COLOURS,
    figure,
    plot_bars,
    plot_heatmap,
    plot_null,
    plot_pictures,
    plot_reference,
    plot_spread,
    show,
    table,
)
from sdc_helpers.plotting.brain import (
    plot_shared_cortex,
    show_turning_shared_cortex,
)
from sdc_helpers.scenes import LEXICON
from sdc_helpers.studies import (
    course_decoder,
    embed_stimuli,
    find_concepts,
    load_participants,
    open_study,
    truth_masks,
    whiten,
)

p = start(
    "11_reading_concepts",
    by_profile={
        "n_test": {"smoke": 30, "workshop": 200, "full": 200},
        "n_shuffles": {"smoke": 4, "workshop": 5, "full": 5},
        "n_draws": {"smoke": 19, "workshop": 199, "full": 999},
    },
)
BLUE, ORANGE, GREEN, GREY = (COLOURS[name] for name in ("blue", "orange", "green", "grey"))

# %% [markdown]
# ## The concepts
#
# Participants, decoders and clusters are those of the chapter on finding shared concepts; what it left in the
# cache is not computed again.

# %%
study = open_study(p.source, p.root, p.profile, p.seed, n_held_out=p.n_test, world=p.world)
nsd, truth, kind, split = study.reader, study.truth, study.kind, study.split
clip = load_clip(device=p.device)
white, space = whiten(embed_stimuli(nsd, clip, study.image_ids), split)
data = load_participants(nsd, white, split)
found = find_concepts(
    data, course_decoder(p.profile, device=p.device), n_shuffles=p.n_shuffles, seed=p.seed
)
labels, concepts, who = found.labels, found.concepts, found.weights.participants
owners = [
    sum((labels[who == name] == k).sum() >= p.min_voxels for name in data)
    for k in range(len(concepts))
]
large = np.flatnonzero(np.array(owners, dtype=int) >= 2)
renumber = np.full(len(concepts) + 1, -1)
renumber[large] = np.arange(len(large))
labels, concepts, n_small = renumber[labels], concepts[large], len(concepts) - len(large)

# %% [markdown]
# Which simulated concept a cluster is, we know from the planted truth. It is used to *score* what follows, never
# to choose a word. (Where a small run finds fewer than two concepts, the planted voxels stand in, so that the
# later cells have something to read.)

# %%
identity, stands_in = {}, False
if truth is not None:
    planted = truth_masks(truth, {name: one.mask for name, one in data.items()})
    if len(concepts) < 2:
        stands_in, labels = True, np.full(len(who), -1)
        rows = found.weights.weights
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        there = [name for name in truth.shared if name in planted.masks]
        for number, name in enumerate(there):
            labels[planted.masks[name]] = number
        means = np.array([rows[labels == number].mean(axis=0) for number in range(len(there))])
        concepts = means / np.linalg.norm(means, axis=1, keepdims=True)
    for number in range(len(concepts)):  # at least half of the cluster's voxels
        shares = {name: planted.masks[name][labels == number].mean() for name in truth.shared}
        best = max(shares, key=shares.get)
        identity[number] = best if shares[best] >= 0.5 else ""
elif len(concepts) < 2:
    raise ValueError(f"{len(concepts)} shared concepts were found; there is nothing to compare.")
K = len(concepts)
own_voxels = {name: labels[who == name] for name in data}
say(
    f"**{K} concepts** of {len(data)} {kind} participants{f' of the {truth.world} world' if truth else ''}, {np.sum(labels >= 0):,} of {len(labels):,} voxels, at "
    f"eps = {found.setting.eps}. Left out: {n_small} with fewer than {p.min_voxels} voxels in all but one participant."
    + (" *The planted voxels stand in.*" if stands_in else "")
)

# %% [markdown]
# ## Both ends of a ranking
#
# A concept is a unit vector $c$, a picture's embedding a unit vector $y_i$ in the same space. Its place along the
# concept is
#
# $$ s_i = y_i^\top c = \cos(y_i, c). $$
#
# Scores far above zero: *most associated*. Far below: *least associated*, the **negation**. Near zero:
# unrelated. In numpy that is a product and a sort:


# %%
def two_ends(y, c, n):
    order = np.argsort(y @ c, kind="stable")
    return order[::-1][:n], order[:n]


held_out = np.unique(np.concatenate([one.split.test_images for one in data.values()]))
trained = np.concatenate(
    [np.r_[one.split.train_images, one.split.validation_images] for one in data.values()]
)
fresh = np.setdiff1d(held_out, trained)
top, bottom = extremes(white.of(fresh) @ concepts[0], 5)
by_hand = two_ends(white.of(fresh), concepts[0], 5)
assert set(top) == set(by_hand[0])
assert set(bottom) == set(by_hand[1])

shown = min(K, 5)
fig, axes = figure(shown, 11, width=9.6, height=0.4 + 0.92 * shown, squeeze=False)
for number, row in enumerate(axes):
    top, bottom = extremes(white.of(fresh) @ concepts[number], 5)
    plot_pictures(nsd.stimuli(fresh[top]), axes=row[None, :5], rows=[f"{number}"], fontsize=11)
    row[5].set_axis_off()
    plot_pictures(nsd.stimuli(fresh[bottom]), axes=row[6:])
for column, text, colour in (
    (0, "most associated, highest first", BLUE),
    (6, "least associated, lowest first", ORANGE),
):
    title = axes[0, column].annotate(
        text, (0, 1.08), xycoords="axes fraction", color=colour, fontsize=10, annotation_clip=False
    )
    title.set_in_layout(False)  # or its width would part the columns
fig.get_layout_engine().set(rect=(0, 0, 1, 1 - 0.3 / fig.get_figheight()))
show(
    fig,
    f"{kind.capitalize()}: the five most and five least associated of {len(fresh)} held-out pictures, for {shown} of "
    f"{K} concepts, one a row. Guess each row's meaning before you read on.",
)

# %% [markdown]
# ## Names by a procedure
#
# You just named them. So would anybody, each a little differently, and nobody could say how often such a name is
# wrong. A procedure can be scored. Ours takes the captions of *training* pictures: of $A$ pictures at the top
# $a$ have the word, of the $B$ others $b$. Half a picture is added to each count, so that no logarithm is
# infinite (`monroe2008`):
#
# $$ z = \frac{\log\frac{a + 1/2}{A - a + 1/2} - \log\frac{b + 1/2}{B - b + 1/2}}
#    {\sqrt{\frac1{a + 1/2} + \frac1{A - a + 1/2} + \frac1{b + 1/2} + \frac1{B - b + 1/2}}} $$
#
# The name is the words of largest $z$, at most a handful, and only those beyond a Bonferroni bound over all
# words. Often none are left: then the concept has *no name*, which is an answer.


# %%
def z_of(word, at_top, others):
    a, b = (
        sum(any(word in re.findall("[a-z]+", c.lower()) for c in own) for own in side) + 0.5
        for side in (at_top, others)
    )
    rest_a, rest_b = len(at_top) + 1 - a, len(others) + 1 - b
    se = np.sqrt(1 / a + 1 / rest_a + 1 / b + 1 / rest_b)
    return (np.log(a / rest_a) - np.log(b / rest_b)) / se


CONTENT = ("noun", "adjective", "number", "adverb", "verb")
vocabulary = {word for word, part in LEXICON.items() if part in CONTENT}
training = np.setdiff1d(
    np.concatenate([one.split.train_images for one in data.values()]),
    np.concatenate([np.r_[one.split.validation_images, held_out] for one in data.values()]),
)
captions = dict(zip(study.image_ids.tolist(), nsd.captions(study.image_ids), strict=True))


def texts_of(rows):
    return [captions[i] for i in training[rows].tolist()]


def words_at(end, others):
    return enriched_words(texts_of(end), texts_of(others), vocabulary)


names, opposites, against_bottom = [], [], []
everything, n_end = np.arange(len(training)), max(10, round(p.fraction * len(training)))
for concept in concepts:
    top, bottom = extremes(white.of(training) @ concept, n_end)
    rest = np.setdiff1d(everything, top)
    found_words = words_at(top, rest)
    names.append(found_words.top(p.n_words))
    opposites.append(words_at(bottom, np.setdiff1d(everything, bottom)).top(p.n_words))
    against_bottom.append(words_at(top, bottom).top(p.n_words))
by_hand = z_of(found_words.words[0], texts_of(top), texts_of(rest))
assert np.isclose(by_hand, found_words.z[0])
short = [f"{k}: {shorten(', '.join(n[:2]) or 'no name', 18)}" for k, n in enumerate(names)]

# %% [markdown]
# The network offers a second opinion: its text tower puts *words* in the space of pictures. Texts as a whole lie
# apart from pictures (the modality gap, `liang2022`), so their mean is taken off first.

# %%
known = sorted(vocabulary & set(small_clip_tokenizer().words))
prompts = ("a photo of {}", "we see {}", "{}")
vectors = sum(embed_texts(clip, [t.format(w) for w in known]).vectors for t in prompts)
vectors = vectors / len(prompts)
in_space = space.transform(vectors - vectors.mean(axis=0) + space.mean)
nearest = [nearest_words(concept, in_space, known, p.n_words) for concept in concepts]
rows = [
    [k, ", ".join(names[k]) or "*no name*", ", ".join(opposites[k]) or "*none*", ", ".join(nearest[k])]
    for k in range(K)
]  # fmt: skip
say(
    f"{kind.capitalize()} concepts, named by {len(training)} training pictures:\n\n"
    + table(["", "most associated", "least associated", "nearest texts"], rows)
)

# %% [markdown]
# ## Is the name any good?
#
# If a concept is "dogs", then its voxels should respond more to *new* pictures with a dog in the caption than to
# those without. So take held-out pictures, the measured response of each concept's voxels (mean over voxels and
# showings), and ask how well each name tells strong responses from weak ones (AUC; chance 0.5). A good name fits
# its own concept better than any other. **Blind guessing** deals the same names out at random.

# %%
pictures, percent, z_scores = {}, {}, {}
for name, one in data.items():
    test = one.split.trials("test")
    members = [own_voxels[name] == k for k in range(K)]
    raw = nsd.betas(name, one.mask)[test]
    for kept, betas in ((percent, raw), (z_scores, one.responses[test])):
        by_concept = np.column_stack(
            [
                betas[:, m].mean(axis=1) if m.sum() >= p.min_voxels else np.zeros(len(betas))
                for m in members
            ]
        )
        kept[name], pictures[name] = average_repetitions(by_concept, one.image_ids[test])
        kept[name][:, [m.sum() < p.min_voxels for m in members]] = np.nan


def judge(words_of_each):
    fits = [
        np.column_stack([fits_name([captions[i] for i in own.tolist()], w) for w in words_of_each])
        for own in pictures.values()
    ]
    return score_names(list(percent.values()), fits, rng=p.seed)


score, score_bottom, score_nearest = judge(names), judge(against_bottom), judge(nearest)
fig, axes = figure(1, 2, width=9.6, height=4.2, gridspec_kw={"width_ratios": [2.1, 1]})
plot_heatmap(score.auc - 0.5, short, [str(k) for k in range(K)], axes[0], label="AUC above chance")
axes[0].set(xlabel="responses of concept", ylabel="name")
ways = {
    "enriched\nv. rest": score,
    "enriched\nv. bottom": score_bottom,
    "nearest\ntexts": score_nearest,
}
ways = {name: one.own for name, one in ways.items() if np.isfinite(one.own.value)}
if ways:
    values, blind = [one.value for one in ways.values()], [one.null for one in ways.values()]
    plot_null(range(len(ways)), blind, values, axes[1], colour=BLUE)
axes[1].set_xticks(range(len(ways)), ways, fontsize=8.5)
plot_reference(axes[1], 0.5, "chance")
axes[1].set(ylabel="mean AUC, own concept (grey: blind guesses)", xlabel="names from")
show(
    fig,
    f"{kind.capitalize()}: {score.identified.sum()} of {K} names fit the held-out responses of their own concept best "
    f"(diagonal, left). Mean AUC {score.own.value:.2f} against {score.own.null.mean():.2f} for blind guesses (right).",
)

# %%
where = f"{kind} participants, held-out pictures" + (", planted voxels" if stands_in else "")
identified = Interval.of_share(int(score.identified.sum()), len(score.identified))
claims.record("reading.names.identified", identified, data=where)
say(
    f"What the top is compared with matters. Against the *bottom* alone, which has themes of its own, the mean AUC is {score_bottom.own.value:.2f} "
    f"and {score_bottom.identified.sum()} of {K} names are identified; against the rest, {score.own.value:.2f} and "
    f"{score.identified.sum()} ({kind}). Nearest texts reach {score_nearest.own.value:.2f} and {score_nearest.identified.sum()}."
)
blind = score.own.null if np.isfinite(score.own.value) else np.full(1, np.nan)
lead = Interval(*(score.own.value - q for q in (blind.mean(), *np.quantile(blind, (0.975, 0.025)))))
claims.record("reading.names.above_blind", lead, data=where)

# %% [markdown]
# ## The negation: below baseline, or only less?
#
# A voxel can treat its least associated pictures in two ways: not respond, or respond *below* baseline. Only the
# second is a negation in the brain. Three tempting ways to ask:
#
# 1. **z-scored responses below 0?** Z-scoring sets the mean over pictures to 0. Something is always below the mean.
# 2. **lower than for the middle of the ranking?** The middle may hold some of the concept itself.
# 3. **percent signal change below 0?** Betas in percent have a zero with a meaning: the signal without a picture.
#
# So the test takes betas in percent, on held-out pictures ranked by training data alone, and a participant is the
# unit. With $b$ the mean response to the bottom pictures and $t$ to the top ones:
#
# - **below** if $b < 0$ (one-sided t-test over participants, Bonferroni over concepts)
# - **less** if $b > -0.1\,t$ can be said with the same certainty: any dip is smaller than a tenth of the response
# - **undecided** otherwise.

# %%
tests, curves = [], []
for k in range(K):
    there = [name for name in data if np.isfinite(percent[name][:, k]).all()]
    scores = [white.of(pictures[name]) @ concepts[k] for name in there]
    in_percent = [percent[name][:, k] for name in there]
    options = {"fraction": p.fraction, "alpha": 0.05 / K}
    tests.append(
        (
            negation_test(in_percent, scores, **options),
            negation_test([z_scores[name][:, k] for name in there], scores, **options),
        )
    )
    curves.append(response_by_rank(in_percent, scores, min(10, p.n_test // 5)))

TONES = {"below": ORANGE, "less": BLUE, "undecided": GREY}
columns = min(K, 5)
rows = -(-K // columns)
fig, axes = figure(
    rows, columns, width=9.6, height=0.6 + 1.9 * rows, sharex=True, sharey=True, squeeze=False
)
for k, ax in enumerate(axes.flat):
    if k >= K:
        ax.set_axis_off()
        continue
    verdict = tests[k][0].verdict
    x = 100 * (np.arange(len(curves[k])) + 0.5) / len(curves[k])
    plot_spread(x, curves[k], ax, colour=TONES[verdict], marker="o", ms=3)
    plot_reference(ax, 0, "baseline" if k == 0 else "")
    ax.set_title(short[k], loc="left", fontsize=9)
    ax.annotate(
        verdict, (0.05, 0.85), xycoords="axes fraction", color=TONES[verdict], weight="bold"
    )
fig.supxlabel("pictures by rank along the concept (%): least to most associated", fontsize=10)
fig.supylabel("response (% signal change)", fontsize=10)
verdicts = [t[0].verdict for t in tests]
show(
    fig,
    f"{kind.capitalize()}: response along each concept's ranking. Curves that start below baseline are orange "
    f"({verdicts.count('below')} of {K}), those that start at or above it blue ({verdicts.count('less')}), undecided ones grey "
    f"({verdicts.count('undecided')}). Bands: range over participants.",
)

# %% [markdown]
# ### Pitfall: a baseline that is no baseline
#
# The same question, asked in the three ways, and scored on the planted truth: how many concepts whose voxels
# really never go below baseline are called *below*?

# %%
said = {
    "z-scored\nbelow 0": [t[1].p_below < t[1].alpha for t in tests],
    "lower than\nthe middle": [t[0].p_lower_than_middle < t[0].alpha for t in tests],
    "percent\nbelow 0": [v == "below" for v in verdicts],
}
if truth is not None:
    real = [truth.concepts[identity[k]].negation if identity[k] else "" for k in range(K)]
    is_less, is_below = (np.array([r == v for r in real]) for v in ("less", "below"))
    fig, axes = figure(1, 2, width=8.2, height=3.3, sharey=True)
    for ax, chosen, title in (
        (axes[0], is_less, f"truly only less ({is_less.sum()} concepts)"),
        (axes[1], is_below, f"truly below ({is_below.sum()} concepts)"),
    ):
        counts = {rule: [int(np.sum(np.array(v)[chosen]))] for rule, v in said.items()}
        plot_bars(counts, ax, colours=[GREY, GREY, ORANGE])
        right_count = 0 if chosen is is_less else chosen.sum()
        plot_reference(ax, right_count, "")
        ax.annotate("right answer", (2.3, right_count), xytext=(0, 4), color=GREY, ha="right",
                    fontsize=8.5, textcoords="offset points")  # fmt: skip
        ax.set_title(title, loc="left")
        ax.set(xlabel="how one asks", ylim=(-0.2, max(is_less.sum(), is_below.sum()) + 1))
    axes[0].set_ylabel("concepts called 'below'")
    by_z, by_middle, by_percent = (int(np.sum(np.array(v)[is_less])) for v in said.values())
    show(
        fig,
        f"Simulated: of {is_less.sum()} concepts that never go below baseline, z-scored responses call {by_z} "
        f"'below', the comparison with the middle {by_middle}, percent signal change {by_percent}.",
    )

# %%
if truth is not None:
    right = np.array([v == r for v, r in zip(verdicts, real, strict=True)])
    for verdict, chosen, reason in (
        (
            "below",
            is_below,
            "The ranking's bottom lacks the opposite: the embedding hardly holds it.",
        ),
        ("less", is_less, "With few participants a small dip can neither be shown nor ruled out."),
    ):
        n_right = Interval.of_share(int(right[chosen].sum()), int(chosen.sum()))
        claims.record(f"reading.negation.{verdict}", n_right, data=where, reason=reason)
    missed = [f"{k} ({identity[k]})" for k in np.flatnonzero((is_less | is_below) & ~right)]
    say(f"Simulated, seed {p.seed}: wrong or undecided verdicts: {', '.join(missed) or 'none'}.")

# %% [markdown]
# **Limits.** The test sees only opposites that the concept's ranking puts last, and only those among the test
# pictures. On real data the zero of a beta is the scanner's baseline between pictures: almost every picture lifts
# visual cortex above it, so *below* there is a strong statement, and *less* a weak one. And regularised betas
# (NSD's third version) shrink towards zero, which hides small dips.
#
# ## On the cortex
#
# No position entered the clustering. Each participant has a colour; white is where two or more overlap.

# %%
PANELS = (("left", "lateral"), ("left", "ventral"), ("right", "ventral"), ("right", "lateral"))
PANELS = PANELS[2:] if p.profile == "smoke" else PANELS
affines = {name: nsd.affine(name) for name in data}


def masks_of(k):
    volumes = {name: np.zeros(one.mask.shape, dtype=bool) for name, one in data.items()}
    for name, one in data.items():
        volumes[name][one.mask] = own_voxels[name] == k
    return volumes


sizes = np.bincount(labels[labels >= 0], minlength=K)
drawn = np.argsort(-sizes, kind="stable")[: 1 if p.profile == "smoke" else 3]
fig, axes = figure(
    len(drawn), len(PANELS), width=9.4, height=0.3 + 2.1 * len(drawn), subplot_kw={"projection": "3d"}, squeeze=False
)  # fmt: skip
for row, k in zip(axes, drawn, strict=True):
    plot_shared_cortex(masks_of(k), affines, row, panels=PANELS)
    row[0].set_title(f"{short[k]}\n{', '.join(PANELS[0])}", fontsize=9)
show(
    fig,
    f"{kind.capitalize()}: where the voxels of the largest concepts ({len(drawn)} of {K}) lie: a colour a participant, white "
    f"where participants overlap. Nothing told the clustering where any voxel is.",
)

# %%
show_turning_shared_cortex(
    masks_of(drawn[0]),
    affines,
    f"{kind.capitalize()}: concept {short[drawn[0]]}; drag to turn it, scroll to come nearer.",
)

# %% [markdown]
# ## Localisers
#
# Separate short recordings mark areas by a contrast of categories. Do the clusters lie on them? Overlap is
# measured by the **Dice coefficient** (twice the common voxels over the sum of sizes) and held against compact
# patches of the same sizes at random places: smooth maps overlap by luck more often than scattered voxels
# ([which null answers which question](nulls.md)).

# %%
localisers = [f"floc-{what}" for what in ("faces", "bodies", "places", "words")]
localisers = [name for name in localisers if all(name in nsd.rois(one) for one in data)]
regions = {
    (name, roi): nsd.roi(name, roi).volume[one.mask] > 0
    for name, one in data.items()
    for roi in localisers
}
dice = np.full((K, len(localisers), len(data)), np.nan)
for i, name in enumerate(data):
    for k in range(K):
        cluster = own_voxels[name] == k
        for j, roi in enumerate(localisers):
            region = regions[name, roi]
            if cluster.sum() >= p.min_voxels and region.any():
                dice[k, j, i] = 2 * (cluster & region).sum() / (cluster.sum() + region.sum())
mean_dice = np.array(
    [[d[np.isfinite(d)].mean() if np.isfinite(d).any() else 0 for d in row] for row in dice]
)
best_roi = mean_dice.argmax(axis=1)

by_luck = np.full((K, len(data)), np.nan)
for i, (name, one) in enumerate(data.items()):
    affine = affines[name]
    positions = np.argwhere(one.mask) @ affine[:3, :3].T + affine[:3, 3]
    reach = 1.01 * np.linalg.norm(affine[:3, :3] @ np.ones(3))  # a voxel's diagonal
    for k in range(K):
        if np.isfinite(dice[k, best_roi[k], i]):
            region = regions[name, localisers[best_roi[k]]]
            test = overlap(
                positions, own_voxels[name] == k, region.astype(float), region, reach=reach,
                n_draws=p.n_draws, rng=np.random.default_rng([p.seed, 7, i, k]),
            )  # fmt: skip
            by_luck[k, i] = test.dice.null.mean()

# %%
fig, ax = figure(width=7.6, height=0.9 + 0.42 * K)
for k in range(K):
    values = dice[k, best_roi[k]]
    ax.plot(by_luck[k], np.full(len(data), k), "|", color=GREY, ms=11, mew=1.5)
    ax.plot(values, np.full(len(data), k), "o", color=BLUE, ms=6, mec="white")
on_it = [mean_dice[k].max() > np.nanmax(by_luck[k]) for k in range(K)]
best = [localisers[j] if yes else "none" for j, yes in zip(best_roi, on_it, strict=True)]
ax.set_yticks(range(K), [f"{text} ({roi})" for text, roi in zip(short, best, strict=True)])
ax.set(
    xlabel="Dice coefficient with the best localiser (grey: patches at random places)",
    ylabel="concept (localiser, if above chance)", xlim=(-0.02, 1.02), ylim=(K - 0.5, -0.5),
)  # fmt: skip
clear = np.nansum(dice[np.arange(K), best_roi] > 0.3, axis=1) > len(data) / 2
show(
    fig,
    f"{kind.capitalize()}: overlap of each concept with the localiser it fits best (dots: participants), against patches at "
    f"random places (grey). {clear.sum()} of {K} concepts exceed 0.3 in most participants.",
)

# %%
if truth is not None:
    targets = [what.removeprefix("floc-") for what in localisers]
    targeted = [k for k in range(K) if identity[k] in targets]
    n_own = sum(targets[best_roi[k]] == identity[k] for k in targeted)
    claims.record("reading.localisers.own", Interval.of_share(n_own, len(targeted)), data=where)

# %% [markdown]
# ## Number, or crowds? Colour, or shape?
#
# A concept whose top pictures are full of things may stand for *number*, or for people, or for busy pictures with
# many edges. The candidates go together in pictures, so plain correlations cannot part them. A **partial
# correlation** takes a straight line in the other candidates out of both sides first. The same for food: warm
# colour, round shape, or food as such?
#
# The factors of simulated pictures are known. (On real pictures they come from annotations such as those of
# COCO.)


# %%
def edge_energy(ids):
    """Mean absolute difference between neighbouring pixels: how busy a picture is."""
    grey = nsd.stimuli(ids).mean(axis=3)
    return np.abs(np.diff(grey, axis=1)).mean((1, 2)) + np.abs(np.diff(grey, axis=2)).mean((1, 2))


def responses_of(concept, name):
    """Held-out responses of the cluster of a planted concept; without one, of the planted voxels."""
    numbers = [k for k in range(K) if identity[k] == concept]
    if numbers and np.isfinite(percent[name][:, numbers[0]]).all():
        return percent[name][:, numbers[0]], f"cluster {numbers[0]}"
    chosen = planted.masks[concept][who == name] if concept in planted.masks else np.zeros(1, bool)
    if chosen.sum() < p.min_voxels or numbers:
        return None, ""
    one = data[name]
    test = one.split.trials("test")
    raw = nsd.betas(name, one.mask)[test][:, chosen].mean(axis=1, keepdims=True)
    return average_repetitions(raw, one.image_ids[test])[0][:, 0], "planted voxels"


def parts(concept, columns):
    """Partial correlations of a concept's responses, (n_participants, n_factors), and its origin."""
    rows, origins = [], set()
    for name in data:
        response, origin = responses_of(concept, name)
        if response is not None:
            images = truth.images.loc[pictures[name]].assign(busy=edge_energy(pictures[name]))
            rows.append(partial_correlations(response, columns(images)))
            origins.add(origin)
    return np.array(rows), ", ".join(sorted(origins))


# %%
if truth is not None:
    crowd = {"objects\n(log)": None, "people": None, "edges": None, "brightness": None}
    food = {"warm\ncolour": None, "round\nshape": None, "any\nfood": None}
    panels = {
        "number": (crowd, lambda t: np.column_stack(
            [np.log2(t.n_objects), t.n_people, t.busy, t.brightness])),
        "food_colour": (food, lambda t: np.column_stack(
            [t.food_warm, t.food_round - t.food_long, t.food])),
        "food_shape": (food, lambda t: np.column_stack(
            [t.food_warm, t.food_round - t.food_long, t.food])),
    }  # fmt: skip
    fig, axes = figure(1, 3, width=9.6, height=3.5, sharey=True)
    partial, origin = {}, {}
    for ax, (concept, (factors, columns)) in zip(axes, panels.items(), strict=True):
        partial[concept], origin[concept] = parts(concept, columns)
        own = 1 if concept == "food_shape" else 0
        tones = [ORANGE if j == own else GREY for j in range(len(factors))]
        plot_bars(dict(zip(factors, partial[concept].T, strict=True)), ax, colours=tones)
        plot_reference(ax, 0, "")
        ax.set_title(f"{concept}\n({origin[concept]})", loc="left", fontsize=9.5)
        ax.set_xlabel("candidate")
    axes[0].set_ylabel("partial correlation with the response")
    strongest = [
        concept for concept, r in partial.items()
        if r.mean(axis=0).argmax() == (1 if concept == "food_shape" else 0)
    ]  # fmt: skip
    show(
        fig,
        f"Simulated: what is left of each candidate when the others are taken out (dots: participants). The meant one "
        f"(orange) is the strongest for {len(strongest)} of {len(partial)}: {', '.join(strongest) or 'none'}.",
    )

# %%
if truth is not None:
    for concept, by_participant in partial.items():
        meant = 1 if concept == "food_shape" else 0
        others = np.delete(by_participant, meant, axis=1).max(axis=1)
        claims.record(
            f"reading.parts.{concept}", Interval.over_seeds(by_participant[:, meant] - others),
            data=f"simulated participants, {origin[concept]}",
        )  # fmt: skip

# %% [markdown]
# Where the clustering missed a concept, its planted voxels were read instead, and the panel's title says so: then
# it shows what could have been read, not what was.
#
# ## A card for each concept
#
# What was read, and how sure it is, on one card. This is what belongs in a paper's supplement.


# %%
def note_on_place(k):
    values = dice[k, best_roi[k]]
    if not on_it[k]:
        return ("on no localiser's region more than patches at random places",)
    return (
        f"best localiser: {localisers[best_roi[k]]}, Dice {np.nanmean(values):.2f} "
        f"(random patches {np.nanmean(by_luck[k]):.2f})",
    )


def note_on_truth(k):
    if truth is None or not identity[k]:
        return ()
    concept = truth.concepts[identity[k]]
    return (f"*planted: {concept.meaning}, against {concept.opposite} ({concept.negation})*",)


for k in range(K):
    low, high = tests[k][0].bottom.mean(), tests[k][0].top.mean()
    card = ConceptCard(
        number=k,
        n_voxels=int(sizes[k]),
        n_participants=sum(int((own == k).sum() >= p.min_voxels) for own in own_voxels.values()),
        name=names[k],
        opposite=opposites[k],
        nearest=nearest[k],
        name_auc=float(score.auc[k, k]),
        negation=f"**{verdicts[k]}** ({low:+.2f} % at the bottom, {high:+.2f} % at the top)",
        notes=note_on_place(k) + note_on_truth(k),
    )
    say(card.to_markdown())

# %% [markdown]
# ## Exercises
#
# ### 1. The most and the least associated
#
# `embeddings` (pictures × D) are not of unit length, `concept` is. Return an array of two rows: the indices of the
# `n` most associated pictures, highest first, and of the `n` least associated, lowest first.


# %% tags=["exercise"]
def most_and_least(embeddings, concept, n):
    return ...  # your answer here


# %%
exercises.check("reading.extremes", most_and_least)

# %%
exercises.card("reading.extremes")

# %% [markdown]
# ### 2. Which words are enriched?
#
# `top` and `bottom` (pictures × words) count how often the captions of a picture use a word. Return $z$ of each
# word.


# %% tags=["exercise"]
def enrichment(top, bottom):
    return ...  # your answer here


# %%
exercises.check("reading.enrichment", enrichment)

# %%
exercises.card("reading.enrichment")

# %% [markdown]
# ### 3. Below baseline?
#
# `betas` (trials × voxels) are percent signal change, `image_ids` name the picture of each trial, `scores[i]` is
# picture i's place along the concept. Return the mean response to the `n` least associated pictures, each picture
# counting once however often it was shown.


# %% tags=["exercise"]
def bottom_response(betas, image_ids, scores, n):
    return ...  # your answer here


# %%
exercises.check("reading.below_baseline", bottom_response)

# %%
exercises.card("reading.below_baseline")

# %% [markdown]
# ### 4. Number, or just busy pictures?
#
# Return the partial correlation of `x` and `y`, with a straight line in `confound` taken out of both.


# %% tags=["exercise"]
def partial_correlation(x, y, confound):
    return ...  # your answer here


# %%
exercises.check("reading.partial", partial_correlation)

# %%
exercises.card("reading.partial")

# %% [markdown]
# ## On real data
#
# The same cells read the Natural Scenes Dataset (`allen2022nsd`): `sdc run 11 -p source=nsd -p root=... -p
# n_test=1000`. You need the betas at 1.8 mm (about 300 GB for eight participants; access is free after signing the data
# agreement), the stimuli (40 GB), COCO's captions (about 250 MB) and a GPU. What needs planted truth is left out by
# itself. Two things to know: the word list here is that of the simulated captions, so give your own
# `vocabulary`; and volumes at 1.8 mm are in each participant's own space, to be mapped to MNI (NSD's
# `nsd_mapdata`) before they share a cortex.
#
# ## At the paper's size, on a GPU

# %% tags=["gpu"]
if on_gpu(
    "the rankings of 73,000 pictures along 200 concepts in 512 dimensions",
    estimate="unmeasured on a GPU",
    recorded="none yet; the smaller ranking above is the same call",
):
    import torch

    generator = torch.Generator(device="cuda").manual_seed(p.seed)
    many = torch.randn(73_000, 512, device="cuda", generator=generator)
    directions = torch.randn(512, 200, device="cuda", generator=generator)
    ends = [extremes(column.cpu().numpy(), 1000) for column in (many @ directions).T]
    say(f"Simulated: {len(ends)} rankings of {len(many):,} random embeddings.")

# %% [markdown]
# ## Take-aways
#
# 1. A name is a prediction. Choose it by a procedure on training pictures, score it on responses it has not seen,
#    and accept "no name".
# 2. "Below baseline" needs a baseline. Z-scored responses have none: with them every concept seems to have a
#    negation.
# 3. What goes together in pictures goes together in names. Partial correlations, localisers with a null, and a card
#    with all of it keep a reading honest.
#
# Further reading: `efird2025sdc` (the concepts and their negations), `monroe2008` (enriched words), `haufe2014` (what
# weights mean), `allen2022nsd` (the data). Words: the [glossary](glossary.md).
