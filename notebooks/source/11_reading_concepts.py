# %% [markdown]
# # Reading a concept, and its negation
#
# A cluster of voxels that several people share is a direction in a network's embedding: a list of numbers. What
# does it *mean*? It is tempting to look at its best pictures and say a word, but who knows how often that is wrong? The
# answer in one sentence: **let a procedure choose the words, score them on responses it has not seen, and read the
# negation against a true baseline.** After Efird, Murphy, Zylberberg and Fyshe (2025): `efird2025sdc`.
#
# {{ minutes }}
#
# ## What you will do
#
# - rank pictures along a concept, and look at both ends
# - name concepts by enriched words, and score the names against blind guessing
# - test whether the least associated pictures bring the voxels *below* baseline, or only make them respond less
# - tell number from crowds, and food by colour from food by shape
# - draw concepts on the cortex, and hold them against localisers
#
# You need: what a decoder's weights are, and how [shared concepts](10_shared_concepts.ipynb) are found.

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 0  # of simulated participants and every draw [0, 4294967295]
device: str = "auto"  # where to compute {auto, cpu, cuda}
source: str = "simulated"  # where the data come from {simulated, nsd}
root: str = ""  # folder of the real NSD tree, for source nsd
world: str = "easy"  # how hard simulated participants make it {easy, hard}
clip_name: str = "course-fine"  # or course-small, which holds less of a picture
n_test: int | None = None  # test images; None: the profile decides [10, 1000]
n_shuffles: int | None = None  # refits; None: the profile decides [1, 100]
n_draws: int | None = None  # patches; None: the profile decides [19, 9999]
fraction: float = 0.1  # share of pictures at each end [0.01, 0.25]
n_words: int = 5  # words of a name, at most [1, 20]
min_voxels: int = 5  # voxels of a concept that a person must have [1, 1000]

# %% Set up: imports, and what each profile computes tags=["fold"]
from textwrap import shorten

import numpy as np

from sdc_helpers import concepts, exercises, plotting
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import brain, concept_figures, figure, show
from sdc_helpers.studies import (
    reading_factors,
    reading_places,
    reading_study,
)

p = start(
    "11_reading_concepts",
    by_profile={
        "n_test": {"smoke": 30, "workshop": 200, "full": 200},
        "n_shuffles": {"smoke": 2, "workshop": 5, "full": 5},
        "n_draws": {"smoke": 19, "workshop": 199, "full": 999},
    },
)
ORANGE, GREY = plotting.COLOURS["orange"], plotting.COLOURS["grey"]

# %% [markdown]
# ## The concepts
#
# Participants and clusters are those of the chapter on [shared concepts](glossary.md#shared-concept), from its cache. A
# concept is a unit vector $c$ in the [whitened](glossary.md#whitening) [embedding](glossary.md#embedding) of pictures: the
# mean direction of the [decoder weights](glossary.md#decoder-weights) of its [voxels](glossary.md#voxel).

# %%
reading = reading_study.open_reading(
    p.source, p.root, p.profile, p.seed,
    n_held_out=p.n_test, world=p.world, n_shuffles=p.n_shuffles,
    min_voxels=p.min_voxels, device=p.device, clip_name=p.clip_name,
)  # fmt: skip
K, kind = reading.n_concepts, reading.study.kind
truth = reading.study.truth  # what was planted; None on real data

# %% Say what was found tags=["fold"]
where = f"{kind} participants, held-out pictures" + reading.stands_in * ", planted voxels"  # fmt: skip
say(
    f"**{K} concepts** of {len(reading.data)} {kind} participants, {reading.sizes.sum():,} of {len(reading.labels):,} "
    f"voxels. Left out: {reading.n_left_out} with fewer than {p.min_voxels} voxels in all but one participant."
    + reading.stands_in * " *This small run found too few concepts, so the planted voxels stand in.*"
)  # fmt: skip

# %% [markdown]
# We know which planted concept a simulated cluster is. That is used to *score* what follows, never to choose a word.
#
# ## Both ends of a ranking
#
# How far does a picture with embedding $y_i$ lie along the concept $c$? The cosine says it:
#
# $$ s_i = \frac{y_i^\top c}{\lVert y_i \rVert} $$
#
# Far above zero are the *most associated* pictures. Far below are the [least associated](glossary.md#least-associated)
# ones: the **negation** of the concept. Near zero are unrelated pictures, and they are neither.
#
# Write it: `embeddings` (pictures × D) are *not* of unit length, `concept` is. Return an array of two rows: the
# indices of the `n` most associated pictures, highest first, and of the `n` least associated, lowest first.


# %% tags=["exercise"]
def most_and_least(embeddings, concept, n):
    return ...  # your answer here


# %%
exercises.check("reading.extremes", most_and_least)

# %%
exercises.card("reading.extremes")

# %%
most_and_least = exercises.yours_or_ours("reading.extremes", most_and_least)
fresh = reading.white.of(reading.fresh)  # pictures that no decoder has seen
ends = [most_and_least(fresh, concept, 5) for concept in reading.directions]
top, bottom = concepts.both_ends(fresh, reading.directions, 5)
along = fresh @ reading.directions[0]
package = np.array([top[0], bottom[0]])
assert np.allclose(along[ends[0]], along[package], atol=1e-5)

# %% [markdown]
# Guess each row's meaning from its left half. Then look right: is that the opposite, or only something else?

# %% Draw the pictures at both ends tags=["fold"]
stimuli, n_rows = reading.study.reader.stimuli, min(K, 3 if p.profile == "smoke" else 5)  # fmt: skip
fig, axes = figure(n_rows, 11, width=9.6, height=0.4 + 0.92 * n_rows, squeeze=False)  # fmt: skip
concept_figures.plot_both_ends(axes, [tuple(stimuli(reading.fresh[end]) for end in pair) for pair in ends[:n_rows]])  # fmt: skip
show(
    fig,
    f"{kind.capitalize()}: the five most and five least associated of {len(reading.fresh)} held-out pictures, for "
    f"{n_rows} of {K} concepts, one a row.",
)

# %% [markdown]
# ## Names by a procedure
#
# You just named some of them. So would anybody, each a little differently. A procedure can be scored. Ours reads the
# captions of *training* pictures. Of the $A$ pictures at the top, $a$ have a word in a caption; of the $B$ others, $b$.
# The [log odds ratio](glossary.md#log-odds-ratio) compares the two, and $z$ divides it by its standard error. Half a
# picture is added to each count, so that no logarithm is infinite (`monroe2008`):
#
# $$ z = \frac{\log\frac{a + 1/2}{A - a + 1/2} - \log\frac{b + 1/2}{B - b + 1/2}}
#    {\sqrt{\frac1{a + 1/2} + \frac1{A - a + 1/2} + \frac1{b + 1/2} + \frac1{B - b + 1/2}}} $$
#
# Write it: `top` and `bottom` (pictures × words) count how often the captions of a picture use a word. Return $z$ of
# each word. A word counts once a picture.


# %% tags=["exercise"]
def enrichment(top, bottom):
    return ...  # your answer here


# %%
exercises.check("reading.enrichment", enrichment)

# %%
exercises.card("reading.enrichment")

# %%
enrichment = exercises.yours_or_ours("reading.enrichment", enrichment)
counts = reading.word_counts(reading.training)
everything = np.arange(len(counts))
n_end = max(10, round(p.fraction * len(counts)))
vectors = reading.white.of(reading.training)
tops, bottoms = concepts.both_ends(vectors, reading.directions, n_end)
rest = np.setdiff1d(everything, tops[0])
z = enrichment(counts[tops[0]], counts[rest])
words = reading.words_at(tops[0], rest)
columns = [reading.vocabulary.index(word) for word in words.words]
assert np.allclose(z[columns], words.z)

# %% [markdown]
# The name of a concept is the words of largest $z$, a handful at most, and only those beyond a Bonferroni bound over
# all words. If none are left the concept has *no name*, and that is an answer. The same at the bottom gives words for
# its opposite. One choice is hidden here: the top against the *rest*, or against the *bottom*? Keep both for later.

# %%
enriched, names, opposites, against_bottom = [], [], [], []
for top, bottom in zip(tops, bottoms, strict=True):
    enriched.append(reading.words_at(top, np.setdiff1d(everything, top)))
    names.append(enriched[-1].top(p.n_words))
    lowest = reading.words_at(bottom, np.setdiff1d(everything, bottom))
    opposites.append(lowest.top(p.n_words))
    against_bottom.append(reading.words_at(top, bottom).top(p.n_words))

# %% [markdown]
# Move the slider. Which concepts have one or two words far ahead of the rest, and which have many that are alike?

# %% Draw the most enriched words of each concept tags=["fold"]
figures, most = {}, max(words.z[0] for words in enriched)
for k, words in enumerate(enriched[: 3 if p.profile == "smoke" else K]):
    fig, ax = figure(width=5.4, height=3.0)
    concept_figures.plot_enriched_words(ax, words).set_xlim(0, 1.05 * most)
    figures[str(k)] = fig
plotting.show_slider(
    figures,
    "concept",
    f"{kind.capitalize()}: the ten most enriched words in captions of the {n_end} training pictures at the top of each "
    f"concept. Blue ones pass the bound; {sum(map(bool, names))} of {K} concepts have at least one.",
)

# %% [markdown]
# The network offers a second opinion: its text [tower](glossary.md#tower) puts *words* in the space of pictures. Texts as
# a whole lie apart from pictures (the modality gap, `liang2022`), so their mean is taken off first. Then the words
# nearest to the concept are a name too, without any caption.

# %%
nearest = reading.nearest_words(p.n_words)

# %% Show the names beside what was planted tags=["fold"]
meant = [truth.concepts[name].meaning if truth and name else "" for name in reading.identity]  # fmt: skip
short = [f"{k}: {shorten(', '.join(name[:2]) or 'no name', 18)}" for k, name in enumerate(names)]  # fmt: skip
rows = [[k, ", ".join(names[k]) or "*no name*", ", ".join(opposites[k]) or "*none*", ", ".join(nearest[k]), meant[k]] for k in range(K)]  # fmt: skip
heads = ["", "most associated", "least associated", "nearest texts", "planted"]
say(f"{kind.capitalize()} concepts, named by {len(counts)} training pictures:\n\n{plotting.table(heads, rows)}")  # fmt: skip

# %% [markdown]
# ## Is the name any good?
#
# If a concept is "dogs", its voxels should respond more to *new* pictures with a dog in the caption than to those
# without. So take held-out pictures and the mean response of each concept's voxels. The AUC says how often a picture
# that the name fits has a larger response than one that it does not fit; chance is 0.5. A good name fits its own concept
# best. **Blind guessing** deals the same names out at random: that is the null.
#
# Noise in the responses limits how well any name can do. Planted truth takes that limit off: the same names, judged on
# the planted value of the concept in each picture. What is then missing to 1 is the fault of the name.
#
# Blind guessing asks whether names belong to *their* concepts. A harder question: is a concept's name better than that of
# *any* direction? Random directions have pictures at their top too, and these have words in common. So name many of them by
# the same procedure, and ask how often such a name says the planted value as well.

# %%
held = reading.held_out()
measured = list(held.percent.values())


def judge(names, responses=measured):
    fits = reading.fits(names, held)
    return concepts.score_names(responses, fits, rng=p.seed)


score, score_bottom = judge(names), judge(against_bottom)
score_nearest = judge(nearest)
planted = [reading.planted_values(ids) for ids in held.pictures.values()]
without_noise = judge(names, planted).own.value
own, blind = score.own.value, score.own.null
lead = Interval(own - blind.mean(), *(own - np.quantile(blind, (0.975, 0.025))))
share = Interval.of_share(int(score.identified.sum()), K)
claims.record("reading.names.identified", share, data=where)
claims.record("reading.names.above_blind", lead, data=where)

# %%
against_random = reading.against_random(
    names, n_end, p.n_words, n_draws=p.n_draws, seed=p.seed
)
better = sum(test.p_value <= 0.05 for test in against_random.values())
if truth is not None:
    share = Interval.of_share(better, len(against_random))
    claims.record("reading.names.meaning", share, data=where)

# %% [markdown]
# Left: is the diagonal the darkest orange of each row? Right: how far are the dots above the cloud of blind guesses?

# %% Draw how well each name fits each concept tags=["fold"]
fig, axes = figure(1, 2, width=9.6, height=4.2, gridspec_kw={"width_ratios": [2.1, 1]})  # fmt: skip
plotting.plot_heatmap(score.auc - 0.5, short, [str(k) for k in range(K)], axes[0], label="AUC above chance", limit=0.5)  # fmt: skip
axes[0].set(xlabel="responses of concept", ylabel="name")
ways = {"enriched\nv. rest": score, "enriched\nv. bottom": score_bottom, "nearest\ntexts": score_nearest}  # fmt: skip
ways = {way: one.own for way, one in ways.items() if np.isfinite(one.own.value)}
if ways:
    nulls, values = zip(*((one.null, one.value) for one in ways.values()), strict=True)  # fmt: skip
    plotting.plot_null(range(len(ways)), nulls, values, axes[1])
axes[1].set_xticks(range(len(ways)), ways, fontsize=8.5)
plotting.plot_reference(axes[1], 0.5, "chance")
also = f"; without noise in the responses {without_noise:.2f}" if np.isfinite(without_noise) else ""  # fmt: skip
if also:
    plotting.plot_reference(axes[1], without_noise, "v. rest, without noise")
axes[1].set(ylabel="mean AUC, own concept (grey: blind guesses)", xlabel="names from")  # fmt: skip
show(
    fig,
    f"{kind.capitalize()}: {score.identified.sum()} of {K} names fit the responses of their own concept best (left), "
    f"{score_bottom.identified.sum()} of those chosen against the bottom and {score_nearest.identified.sum()} of the "
    f"nearest texts. Mean AUC {own:.2f} against {blind.mean():.2f} for blind guesses (right){also}. {better} of "
    f"{len(against_random)} names say the planted value better than 95 % of the names of {p.n_draws} random directions.",
)

# %% [markdown]
# Why care what the top is compared with? The bottom has themes of its own, and a word that is only missing there looks
# enriched. In the right panel you see what that costs.
#
# ## Pitfall: naming on the pictures that chose
#
# Suppose you choose words by the responses to some pictures, and score them on the same ones. Make the mistake on
# purpose with "responses" that are nothing but random numbers. The words then have no meaning at all. Choose them on one
# half of the pictures, and score them on that half and on the other. Then compare both histograms with chance.

# %%
rng = np.random.default_rng([p.seed, 11])
halves = np.array_split(rng.permutation(len(counts)), 2)
on_same, on_other = [], []
for _ in range(100):
    noise = rng.normal(size=len(counts))
    order = halves[0][np.argsort(-noise[halves[0]])]
    tenth = len(order) // 10
    z = enrichment(counts[order[:tenth]], counts[order[tenth:]])
    fits = (counts[:, np.argsort(-z)[: p.n_words]] > 0).any(axis=1)
    for half, aucs in zip(halves, (on_same, on_other), strict=True):
        auc = concepts.ranking_auc(noise[half], fits[half], n_bootstrap=1)
        aucs.append(auc.value)

# %% Draw the AUC of names of noise tags=["fold"]
fig, ax = figure(width=6.2, height=3.0)
bins = np.linspace(0.35, 0.75, 41)
labels = ["scored on the other half", "scored on the same half"]
ax.hist([on_other, on_same], bins, color=[GREY, ORANGE], histtype="stepfilled", alpha=0.7, label=labels)  # fmt: skip
ax.legend(frameon=False, loc="upper left", fontsize=9)
plotting.plot_reference(ax, 0.5, " chance", vertical=True)
ax.set(xlabel="AUC of a name of random numbers", ylabel="names (of 100)", ylim=(0, 1.2 * ax.get_ylim()[1]))  # fmt: skip
show(
    fig,
    f"Simulated: names chosen for random numbers reach a mean AUC of {np.mean(on_same):.2f} on the pictures that chose "
    f"them, and {np.mean(on_other):.2f} on others. {np.mean(np.array(on_same) > 0.5):.0%} of them seem to work.",
)

# %% [markdown]
# ## The negation: below baseline, or only less?
#
# A voxel can treat its least associated pictures in two ways: not respond, or respond *below*
# [baseline](glossary.md#baseline). Only the second is a negation in the brain. The test takes betas in
# [percent signal change](glossary.md#percent-signal-change), whose zero is the signal without a picture, and held-out
# pictures, ranked by training data alone. Participants are its sample. With $b$ their mean responses to the bottom
# tenth of the pictures and $t$ to the top tenth:
#
# - **below** if $b < 0$ (one-sided t-test, Bonferroni over concepts)
# - **less** if $b > -0.1\,t$ with the same certainty: any dip is smaller than a tenth of the response
# - **undecided** otherwise.
#
# Write $b$ of one participant. `betas` (trials × voxels) are percent signal change, `image_ids` name the picture of each
# trial, `scores[i]` is picture i's place along the concept. Return the mean response to the `n` least associated
# pictures, each picture counting once however often it was shown.


# %% tags=["exercise"]
def bottom_response(betas, image_ids, scores, n):
    return ...  # your answer here


# %%
exercises.check("reading.below_baseline", bottom_response)

# %%
exercises.card("reading.below_baseline")

# %% [markdown]
# Read each panel of the figure from left (least associated) to right. Does it start *under* the dashed baseline, or on it?

# %%
bottom_response = exercises.yours_or_ours(
    "reading.below_baseline", bottom_response
)
options = {"fraction": p.fraction, "alpha": 0.05 / K}
ranked = [reading.ranked(k, held) for k in range(K)]
tests = [concepts.negation_test(*of, **options) for of in ranked]
bins = min(10, p.n_test // 5)
curves = [concepts.response_by_rank(*of, bins) for of in ranked]
verdicts = [test.verdict for test in tests]

# %%
person = next(iter(held.along(0)))
ids = held.pictures[person]
along = dict(zip(ids.tolist(), ranked[0][1][0], strict=True))
n_bottom = max(1, round(p.fraction * len(ids)))
by_hand = bottom_response(*reading.trials(person, 0), along, n_bottom)
assert np.isclose(by_hand, tests[0].bottom[0], rtol=1e-4, atol=1e-4)

# %% Draw the response along each concept's ranking tags=["fold"]
n_rows, n_columns = -(-K // min(K, 5)), min(K, 5)
fig, axes = figure(n_rows, n_columns, width=9.6, height=0.6 + 1.9 * n_rows, sharex=True, sharey=True, squeeze=False)  # fmt: skip
concept_figures.plot_rank_curves(axes, curves, verdicts, short)
show(
    fig,
    f"{kind.capitalize()}: response along each concept's ranking. {verdicts.count('below')} of {K} concepts start below "
    f"baseline (orange), {verdicts.count('less')} at or above it (blue), {verdicts.count('undecided')} are undecided "
    f"(grey). Bands: range over participants.",
)

# %% [markdown]
# ### Pitfall: a baseline that is no baseline
#
# Three ways to ask whether a concept goes below:
#
# 1. **z-scored responses below 0?** Z-scoring sets the mean over pictures to 0. Something is always below the mean.
# 2. **lower than for the middle of the ranking?** The middle may hold some of the concept itself.
# 3. **percent signal change below 0?** Its zero has a meaning.
#
# The planted truth scores all three. The left panel has concepts whose voxels truly never go below baseline: every bar
# there is a count of errors. Look at the first two.

# %%
on_z = [
    concepts.negation_test(*reading.ranked(k, held, "z_scored"), **options)
    for k in range(K)
]
said = {
    "z-scored\nbelow 0": [test.p_below < test.alpha for test in on_z],
    "lower than\nthe middle": [t.p_lower_than_middle < t.alpha for t in tests],
    "percent\nbelow 0": [verdict == "below" for verdict in verdicts],
}
if truth is not None:
    right = np.array(verdicts) == reading.negations
    for verdict in ("below", "less"):
        chosen = reading.negations == verdict
        n_right = Interval.of_share(int(right[chosen].sum()), int(chosen.sum()))
        claims.record(f"reading.negation.{verdict}", n_right, data=where)

# %% Draw how many concepts each question calls below tags=["fold"]
if truth is not None:
    fig, axes = figure(1, 2, width=8.2, height=3.3, sharey=True)
    concept_figures.plot_called_below(axes, said, reading.negations)
    is_less = reading.negations == "less"
    by_z, by_middle, by_percent = (int(np.array(v)[is_less].sum()) for v in said.values())  # fmt: skip
    show(
        fig,
        f"Simulated: of {is_less.sum()} concepts that never go below baseline, z-scored responses call {by_z} "
        f"'below', the comparison with the middle {by_middle}, percent signal change {by_percent}.",
    )

# %% [markdown]
# The test has limits. It sees only opposites that the ranking puts last, and only those among the test pictures. In
# real data almost every picture lifts visual cortex above the scanner's baseline, so *below* is a strong statement
# there and *less* a weak one. And regularised betas (NSD's third version) shrink towards zero, which hides small dips.
#
# ## Number, or crowds? Colour, or shape?
#
# A concept whose top pictures are full of things may stand for *number*, or for people, or for busy pictures with many
# edges. The candidates go together in pictures, so a plain correlation cannot part them. A
# [partial correlation](glossary.md#partial-correlation) can: predict $x$ from the confound $c$ by a straight line, do the
# same with $y$, and correlate what is left,
#
# $$ r_{xy \cdot c} = \mathrm{corr}(x - \hat x(c),\; y - \hat y(c)). $$
#
# Write it for one confound.


# %% tags=["exercise"]
def partial_correlation(x, y, confound):
    return ...  # your answer here


# %%
exercises.check("reading.partial", partial_correlation)

# %%
exercises.card("reading.partial")

# %% [markdown]
# The factors of simulated pictures are known. (For real pictures they come from annotations, such as those of COCO.)
# For one participant: how much does the response of the voxels of number go with *people*, before and after the number of
# objects is taken out?

# %%
partial_correlation = exercises.yours_or_ours(
    "reading.partial", partial_correlation
)
if truth is not None:
    responses, _ = reading_factors.responses_of(reading, "number", held)
    person, x = next(iter(responses.items()))
    pictures = held.pictures[person]
    table = reading_factors.candidates(reading, "number", pictures)
    people, objects = table[["people", "objects (log)"]].to_numpy(float).T
    plain = np.corrcoef(x, people)[0, 1]
    left = partial_correlation(x, people, objects)
    package = concepts.partial_correlations(x, np.c_[people, objects])
    assert np.isclose(left, package[0])

# %%
partial, origin = {}, {}
for name in reading_factors.CANDIDATES if truth is not None else ():
    values, origin[name] = reading_factors.partials(reading, name, held)
    lead = Interval.over_seeds(values[:, 0] - values[:, 1:].max(axis=1))
    data = f"simulated participants, {origin[name]}"
    claims.record(f"reading.parts.{name}", lead, data=data)
    partial[name] = values

# %% [markdown]
# Now with all other candidates taken out of both sides, for every participant and three concepts. The orange bar is the candidate that was meant. Is it the tallest of its panel? Where the clustering missed a concept,
# its planted voxels were read instead, and the panel says so: it then shows what could have been read, not what was.

# %% Draw the partial correlations tags=["fold"]
if truth is not None:
    fig, axes = figure(1, 3, width=9.6, height=3.5, sharey=True)
    for ax, (concept, values) in zip(axes, partial.items(), strict=True):
        factors = reading_factors.CANDIDATES[concept]
        bars = {f.replace(" ", "\n"): v for f, v in zip(factors, values.T, strict=True)}  # fmt: skip
        colours = [ORANGE] + [GREY] * (len(factors) - 1)
        plotting.plot_bars(bars, ax, colours=colours)
        plotting.plot_reference(ax, 0, "")
        ax.set_title(f"{concept.replace('_', ' by ')}\n({origin[concept]})", loc="left", fontsize=9.5)  # fmt: skip
        ax.set_xlabel("candidate")
    axes[0].set_ylabel("partial correlation with the response")
    strongest = [c.replace("_", " by ") for c, v in partial.items() if v.mean(axis=0).argmax() == 0]  # fmt: skip
    show(
        fig,
        f"Simulated: what is left of each candidate when the others are taken out (dots: participants). The meant one "
        f"(orange) is the strongest for {len(strongest)} of {len(partial)}: {', '.join(strongest) or 'none'}. By the function above, the "
        f"response of {person} goes with people by {plain:.2f}, and by {left:.2f} with objects taken out.",
    )

# %% [markdown]
# ## On the cortex
#
# No position entered the clustering. Where do the voxels lie? Each participant has a colour; white is where two or more
# overlap. Look whether the colours lie on each other.

# %%
views = brain.PANELS[2:] if p.profile == "smoke" else brain.PANELS
affines = reading_places.affines_of(reading)
largest = np.argsort(-reading.sizes, kind="stable")
drawn = largest[: 1 if p.profile == "smoke" else 3]
volumes = {k: reading_places.volumes_of(reading, k) for k in drawn.tolist()}

# %% Draw the largest concepts on the cortex tags=["fold"]
fig, axes = figure(
    len(drawn), len(views), width=9.4, height=0.3 + 2.1 * len(drawn),
    subplot_kw={"projection": "3d"}, squeeze=False,
)  # fmt: skip
for row, k in zip(axes, drawn.tolist(), strict=True):
    brain.plot_shared_cortex(volumes[k], affines, row, panels=views)
    row[0].set_title(f"{short[k]}\n{', '.join(views[0])}", fontsize=9)
show(
    fig,
    f"{kind.capitalize()}: where the voxels of the largest concepts ({len(drawn)} of {K}) lie, a colour a participant, "
    f"white where participants overlap. Nothing told the clustering where any voxel is.",
)
turning = f"{kind.capitalize()}: concept {short[drawn[0]]}; drag to turn it, scroll to come nearer."
brain.show_turning_shared_cortex(volumes[int(drawn[0])], affines, turning)

# %% [markdown]
# A [localiser](glossary.md#localiser) marks areas by a contrast of categories in a separate, short recording. Do the
# clusters lie on them? Overlap is the [Dice coefficient](glossary.md#dice-coefficient). Its null is compact patches of
# the same sizes at random places: smooth maps overlap by luck more often than scattered voxels do
# ([which null answers which question](nulls.md)). Blue dots to the right of the grey marks are more than luck gives.

# %%
on = reading_places.localiser_overlap(reading, n_draws=p.n_draws, seed=p.seed)
if truth is not None:
    regions = [roi.removeprefix("floc-") for roi in on.localisers]
    has_own = [k for k in range(K) if reading.identity[k] in regions]
    hits = sum(regions[on.best[k]] == reading.identity[k] for k in has_own)
    share = Interval.of_share(hits, len(has_own))
    claims.record("reading.localisers.own", share, data=where)

# %% Draw the overlap with the best localiser tags=["fold"]
fig, ax = figure(width=7.6, height=0.9 + 0.42 * K)
best = np.where(on.is_on_it, np.array(on.localisers)[on.best], "none")
labels = [f"{text} ({roi})" for text, roi in zip(short, best, strict=True)]
concept_figures.plot_overlaps(ax, on.of_best, on.by_luck, labels)
clear = np.nansum(on.of_best > 0.3, axis=1) > len(reading.data) / 2
show(
    fig,
    f"{kind.capitalize()}: overlap of each concept with the localiser it fits best (dots: participants), against patches at "
    f"random places (grey). {clear.sum()} of {K} concepts exceed 0.3 in most participants.",
)

# %% [markdown]
# ## On real data
#
# The same cells read the Natural Scenes Dataset (`allen2022nsd`): `sdc run 11 -p source=nsd -p root=... -p
# n_test=1000`. You need the betas at 1.8 mm (about 300 GB for eight participants; access is free after signing the data
# agreement), the stimuli (40 GB), COCO's captions (about 250 MB) and a GPU. What needs planted truth is left out. The
# word list is that of the simulated captions, so give your own. Volumes at 1.8 mm are in each participant's own space,
# to be mapped to MNI (NSD's `nsd_mapdata`) before they share a cortex.
#
# ## At the paper's size, on a GPU
#
# The dataset has 73,000 pictures (`allen2022nsd`). The call is the one that found the ends above.

# %% tags=["gpu"]
if on_gpu(
    "both ends of 73,000 pictures along 200 concepts in 512 dimensions",
    estimate="unmeasured on a GPU",
    recorded="none yet; the smaller ranking above is the same call",
):
    rng = np.random.default_rng([p.seed, 12])
    many, few = (rng.normal(size=(n, 512)) for n in (73_000, 200))
    top, _ = concepts.both_ends(many, few, 1000, device="cuda")
    say(f"Simulated: {len(top)} rankings of {len(many):,} random embeddings.")

# %% [markdown]
# ## Take-aways
#
# 1. A name is a prediction. Choose it by a procedure on training pictures, score it on responses it has not seen,
#    and accept "no name".
# 2. "Below baseline" needs a baseline. Z-scored responses have none: their zero is only the mean over the pictures.
# 3. What goes together in pictures goes together in names. Partial correlations, and localisers with a null, keep a
#    reading honest.
#
# Further reading: `efird2025sdc` (the concepts and their negations), `monroe2008` (enriched words), `haufe2014` (what
# weights mean), `allen2022nsd` (the data). Words: the [glossary](glossary.md).
