# %% [markdown]
# # Finding shared concepts: what do several brains have in common?
#
# A decoder gives every voxel a row of numbers: the direction in a network's embedding that the voxel speaks
# for. Voxels of *different people* that point the same way may stand for the same concept. The answer in one
# sentence: **cluster the rows so that density counts people and not voxels, and let two halves of the training
# and shuffled data choose the threshold, never the eye.** After Efird, Murphy, Zylberberg and Fyshe (2025):
# `efird2025sdc`.
#
# {{ minutes }}
#
# ## What you will do
#
# - turn decoders of several participants into one table of directions, and see what spreads them
# - write the clustering in ten lines, and find it equal to the package's
# - choose its threshold by reproducibility and a false-discovery estimate
# - count what came back of the planted truth, and which traps were taken for concepts
# - hold the method against plain clustering, factorisations and single participants
#
# You need: cosine similarity, what a linear decoder is. Helpful: [loading brain data](01_loading_brain_data.ipynb).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 0  # of the simulated participants and of every draw [0, 4294967295]
device: str = "auto"  # where to compute {auto, cpu, cuda}
source: str = "simulated"  # where the data come from {simulated, nsd}
root: str = ""  # folder of the real NSD tree, for source nsd
world: str = "easy"  # how hard simulated participants make it {easy, hard}
n_components: int = 40  # principal components of the embeddings that are decoded [2, 512]
input_noise: float = 8.0  # standard deviation of the noise added to responses in training [0, 100]
n_test: int | None = None  # test images a participant; None: the profile decides [10, 1000]
n_shuffles: int | None = None  # refits with shuffled pairs; None: the profile decides [1, 100]
n_draws: int | None = None  # random patches a test; None: the profile decides [19, 10000]
n_settings: int | None = None  # settings to try here; None: the profile decides [0, 11]

# %%
from functools import partial

import numpy as np

from sdc_helpers import exercises
from sdc_helpers.concepts import (
    SharedDBSCAN,
    best_overlaps,
    by_participant,
    choose_parameter,
    contiguity,
    hdbscan,
    ica,
    kmeans,
    nmf,
    plain_dbscan,
    ranking_auc,
    recover,
)
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.decoding import average_repetitions
from sdc_helpers.embeddings import load_clip
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import (
    COLOURS,
    figure,
    label_line,
    plot_bars,
    plot_intervals,
    plot_reference,
    show,
    table,
)
from sdc_helpers.studies import (
    course_decoder,
    embed_stimuli,
    find_concepts,
    load_participants,
    open_study,
    recorded_outcomes,
    recorded_studies,
    run_variations,
    truth_masks,
    whiten,
)
from sdc_helpers.studies.discovery_study import summarise
from sdc_helpers.studies.settings_study import BY_WORLD
from sdc_helpers.studies.shared_concepts import EPS

p = start(
    "10_shared_concepts",
    by_profile={
        "n_test": {"smoke": 30, "workshop": 200, "full": 200},
        "n_shuffles": {"smoke": 4, "workshop": 5, "full": 5},
        "n_draws": {"smoke": 39, "workshop": 199, "full": 999},
        "n_settings": {"smoke": 1, "workshop": 1, "full": 11},
    },
)
BLUE, ORANGE, GREEN = COLOURS["blue"], COLOURS["orange"], COLOURS["green"]
GREY = COLOURS["grey"]

# %% [markdown]
# ## From trials to directions
#
# The participants looked at pictures; each picture has a CLIP embedding $y$, each trial a row of responses $x$.
# A linear decoder $\hat y = W^\top x + b$ is trained to tell its picture from the others in a batch. Row $v$ of $W$
# belongs to voxel $v$: *when this voxel responds more, the decoded embedding moves this way.*
#
# Embeddings are strong in a few directions and weak in many, and rows of unrelated concepts would all lean to
# the strong ones. So the decoders of this course decode the leading principal components **at equal variance**
# (whitened, by training pictures alone). The published study decodes the embedding as it is, in 512
# dimensions.

# %%
study = open_study(p.source, p.root, p.profile, p.seed, n_held_out=p.n_test, world=p.world)
nsd, truth, kind, split = study.reader, study.truth, study.kind, study.split
embeddings = embed_stimuli(nsd, load_clip(device=p.device), study.image_ids)
white, space = whiten(embeddings, split, p.n_components)
data = load_participants(nsd, white, split)
sizes = ", ".join(f"{name} {one.mask.sum()}" for name, one in data.items())
say(
    f"**{kind.capitalize()}** participants{f' of the {truth.world} world' if truth else ''} and their voxels with a noise ceiling above 8 %: {sizes}. "
    f"{p.n_components} of {embeddings.vectors.shape[1]} components carry {100 * space.explained:.1f} % of the "
    f"variance of the embeddings."
)

# %% [markdown]
# What is not in the embedding cannot be found by anybody. For simulated pictures we know every concept's
# value, so ask first: how much of it can a linear readout of the embedding predict, on pictures it has not seen?

# %%
from sklearn.linear_model import RidgeCV

readable = {}
if truth is not None:
    names = [name for name, concept in truth.concepts.items() if concept.is_shared]
    values = truth.images
    values = values.loc[embeddings.image_ids, [f"concept_{name}" for name in names]].to_numpy()
    first, second = np.array_split(np.random.default_rng(p.seed).permutation(len(values)), 2)
    probe = RidgeCV(np.logspace(-4, 2, 13)).fit(embeddings.vectors[first], values[first])
    left = (values[second] - probe.predict(embeddings.vectors[second])).var(axis=0)
    readable = dict(zip(names, 1 - left / values[second].var(axis=0), strict=True))
    ordered = sorted(readable, key=readable.get)
    fig, ax = figure(width=6.4, height=3.2)
    ax.barh(ordered, [readable[name] for name in ordered], color=BLUE)
    plot_reference(ax, 1, "all of it", vertical=True)
    ax.set(
        xlabel="share of the concept's variance read from the embedding",
        ylabel="planted concept",
        xlim=(min(0, *readable.values()), 1.08),
    )
    show(
        fig,
        f"Simulated: how much of each planted concept the embedding holds, on held-out pictures. Best {ordered[-1]} "
        f"({readable[ordered[-1]]:.2f}), worst {ordered[0]} ({readable[ordered[0]]:.2f}): the last is hard for any method.",
    )

# %% [markdown]
# Now the decoders: the shared settings of this course; again for **either half of the training pictures**; and
# again for **shuffled pairs**, where each picture has the embedding of another one. In the shuffled ones nothing is
# true, so whatever is found there is chance.
#
# One thing to hold against us: the decoder's noise, temperature and learning rate, and the number of components,
# were first settled while looking at the planted truth of seed 0. Further down, the same choice is made without
# the truth, on three seeds.

# %%
decoder = course_decoder(p.profile, input_noise=p.input_noise, device=p.device)
found = find_concepts(data, decoder, n_shuffles=p.n_shuffles, seed=p.seed)
W, who = found.weights.weights, found.weights.participants
say(f"{len(W):,} rows of {W.shape[1]} numbers, {len(data)} {kind} participants.")

# %%
unit = W / np.linalg.norm(W, axis=1, keepdims=True)
null_unit = found.nulls[0] / np.linalg.norm(found.nulls[0], axis=1, keepdims=True)


def nearest_stranger(rows, who, sample):
    """Distance of some voxels to the nearest voxel of another participant."""
    cosine = rows[sample] @ rows.T
    cosine[who[sample][:, None] == who] = -1
    return 1 - cosine.max(axis=1)


sample = np.random.default_rng(p.seed).choice(len(W), min(1000, len(W)), replace=False)
near, near_null = (nearest_stranger(rows, who, sample) for rows in (unit, null_unit))
fig, ax = figure(width=6.6, height=3.2)
bins = np.linspace(0, max(near.max(), near_null.max()), 50)
for values_of, colour in ((near_null, GREY), (near, BLUE)):
    ax.hist(values_of, bins, color=colour, alpha=0.75)
top = ax.get_ylim()[1]
ax.set_ylim(0, 1.15 * top)
for text, x, colour in (
    ("true pairs", np.quantile(near, 0.1), BLUE),
    ("shuffled pairs", np.median(near_null), COLOURS["black"]),
):
    ax.annotate(text, (x, 1.03 * top), color=colour, ha="center", fontsize=9)
ax.set(xlabel="cosine distance to the nearest voxel of another participant", ylabel="voxels")
show(
    fig,
    f"{kind.capitalize()}: with true pairs, {100 * np.mean(near < np.quantile(near_null, 0.01)):.0f} % of the voxels "
    f"have a stranger nearer than 99 % of the voxels with shuffled pairs do; without shared directions it would be 1 %.",
)

# %% [markdown]
# ## The clustering, in ten lines
#
# A voxel is **core** if at least `min_participants` *other* participants have a voxel closer than `eps` (cosine
# distance). How many voxels they have there does not count. Concepts are the connected pieces of the core
# voxels; a voxel near a core voxel joins it as border; the rest is noise.
#
# $$ \mathrm{core}(v) \iff \left|\{\, s \ne s(v) : \exists\, u \in s,\; 1 - \cos(w_u, w_v) < \varepsilon \,\}\right| \ge m $$


# %%
def core_and_pieces(rows, who, eps, least):
    near = 1 - rows @ rows.T < eps
    others = [set(who[n]) - {own} for n, own in zip(near, who, strict=True)]
    core = np.array([len(o) >= least for o in others])
    piece = np.where(core, np.arange(len(rows)), -1)
    before = None
    while not np.array_equal(piece, before):  # each takes the smallest number of a core near it
        before = piece
        piece = np.where(core, np.where(near & core, piece, len(rows)).min(axis=1), -1)
    return core, piece


some = np.random.default_rng([p.seed, 2]).choice(len(W), min(400, len(W)), replace=False)
few = unit[some].astype(float)
eps = float(np.quantile(1 - few @ few.T, 0.02))  # so that there is something to compare
core, piece = core_and_pieces(few, who[some], eps, 2)
model = SharedDBSCAN(eps, min_participants=2).fit(W[some], who[some])
assert np.array_equal(core, model.core_)
pairs = {(a, b) for a, b in zip(piece[core], model.labels_[core], strict=True)}
assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
say(
    f"On {len(some)} voxels: {core.sum()} core voxels in {len(pairs)} pieces, by hand and by `SharedDBSCAN`."
)

# %% [markdown]
# ## Which eps? Not by eye
#
# Too small an `eps` finds nothing; too large a one merges everything. The published study looked at the results
# and chose. Two measurements can choose instead, and neither needs the truth:
#
# - **reproduced**: cluster the weights of decoders of either half of the *pictures*. A concept counts if both have a
#   cluster with more than half of the union in common. (Two groups of runs of one training agree on its accidents too)
# - **shared**: give *one* participant chance rows and leave the others theirs. A participant has a concept if more of
#   its voxels are in it than chance ever put there; a concept needs enough participants who have it
# - **false discovery**: what chance puts into the concepts, over their voxels, as an *upper bound* (95 %). Chance is
#   twice: shuffled pairs, and unrelated rows that lean to the same directions as the true ones. The second is
#   stricter: voxels that mix several concepts lie between them, and no shuffle knows of such voxels
# - **alignment**: rotate each participant's rows at random. How many clusters do both halves then have, at most, over
#   all settings?
#
# The rule, which `find_concepts` followed above: of all settings whose bounds, of voxels and of clusters, are at most
# 5 % and which no more than 1 in 20 rotations reach, the one with the most reproduced concepts; of equals, the one
# with the most voxels.

# %%
selection, chosen = found.selection, found.setting
held = selection.chosen is not None
say(
    f"Chosen: **eps = {chosen.eps}, min_participants = {chosen.min_participants}**: {chosen.n_concepts} concepts, "
    f"{chosen.n_reproduced} of them reproduced, false discovery at most {100 * chosen.false_discovery:.1f} % of voxels."
    + ("" if held else " *No setting was allowed; this has the lowest bound.*")
)

# %%
curve = [s for s in selection.settings if s.min_participants == chosen.min_participants]
x = [s.eps for s in curve]
fig, axes = figure(1, 2, width=9.2, height=3.4)
for values_of, colour, style, text, dy in (
    ([s.n_concepts for s in curve], GREY, "--", "found", 9),
    ([s.n_reproduced for s in curve], BLUE, "-", "reproduced", 8),
):
    axes[0].plot(x, values_of, color=colour, ls=style, marker="o", ms=3)
    label_line(axes[0], x[13], values_of[13], text, colour, dy=dy)
if truth is not None:
    plot_reference(axes[0], len(readable), "planted")
axes[0].set_yscale("symlog", linthresh=10)  # even steps up to ten, then tens
axes[0].set_yticks([0, 2, 4, 6, 8, 10, 100], ["0", "2", "4", "6", "8", "10", "100"])
axes[0].set(xlabel="eps (cosine distance)", ylabel="concepts", xlim=(x[0], x[-1]))
axes[0].set_ylim(-0.3, max(20, 1.5 * max(s.n_concepts for s in curve)))
axes[1].set_xlim(x[0], x[-1])
axes[1].plot(x, [100 * s.false_discovery for s in curve], color=ORANGE, marker="o", ms=3)
axes[1].set(
    xlabel="eps (cosine distance)", ylabel="false discovery, at most (% of voxels)", ylim=(-3, 103)
)
plot_reference(axes[1], 5, "allowed")
for ax in axes:
    plot_reference(ax, chosen.eps, " chosen", vertical=True)
show(
    fig,
    f"{kind.capitalize()}: at the chosen eps of {chosen.eps} (with {chosen.min_participants} other participants), "
    f"{chosen.n_reproduced} of {chosen.n_concepts} concepts are reproduced (left), and at most "
    f"{100 * chosen.false_discovery:.1f} % of their voxels are chance (right). At the largest eps there are "
    f"{curve[-1].n_concepts} concepts.",
)
at_most = chosen.false_discovery if held else 1.0
claims.record("shared.selection.false_discovery", Interval(at_most, 0.0, at_most), kind=kind)

# %% [markdown]
# Does the bound cover? Only where the truth is known can that be asked: decoder rows of many small studies were
# drawn, with noise as large as halves of the pictures say, and the same rule was followed (`sdc concepts discovery
# --out FILE` makes them again).

# %%
calibration = summarise(recorded_studies())
say(
    f"Simulated, recorded, {len(recorded_studies()) // 3} studies of each kind: where nothing is shared, some setting is "
    f"allowed in {100 * calibration['allowed_rotated']:.0f} % (each participant's rows rotated) and "
    f"{100 * calibration['allowed_unrelated']:.0f} % (noise alone) of the studies. With planted concepts one is allowed "
    f"in {100 * calibration['allowed_planted']:.0f} %, and the bound is no smaller than the true share of false voxels in "
    f"{100 * calibration['covered']:.0f} % of these."
)
n_studies = len(recorded_studies()) // 3  # of each kind
worst = max(calibration["allowed_rotated"], calibration["allowed_unrelated"])
n_allowed = round(calibration["allowed_planted"] * n_studies)
claims.record("shared.selection.calibrated", Interval.of_share(round(worst * n_studies), n_studies))
claims.record(
    "shared.selection.covered",
    Interval.of_share(round(calibration["covered"] * n_allowed), n_allowed),
)

# %% [markdown]
# ## What came back
#
# `found.labels` holds core and border voxels of the concepts. Against the planted truth, a concept is recovered when the F1 of its
# voxels is at least 0.6. Everything that is not a shared concept is a trap: concepts that one participant alone
# or (in the hard world) two or three have, mixtures, and voxels that respond reliably but differently to every picture.

# %%
labels = found.labels
if truth is not None:
    planted = truth_masks(truth, {name: one.mask for name, one in data.items()})
    assert np.array_equal(planted.participants, who)
    result = recover(labels, who, planted.masks, planted.kinds, min_f1=0.6)
    expanded = recover(found.expanded, who, planted.masks, planted.kinds, min_f1=0.6)
    matches = sorted(result.matches, key=lambda m: readable[m.planted])
    wide = {m.planted: m.f1 for m in expanded.matches}
    fig, ax = figure(width=6.8, height=3.8)
    for row, match in enumerate(matches):
        ax.plot([match.f1, wide[match.planted]], [row, row], color=GREY, lw=1.5, zorder=1)
        ax.plot(wide[match.planted], row, "o", mfc="white", color=BLUE, ms=6)
        ax.plot(match.f1, row, "o", color=BLUE, ms=6)
    ax.set_yticks(
        range(len(matches)), [f"{m.planted} ({readable[m.planted]:.2f})" for m in matches]
    )
    plot_reference(ax, 0.6, " recovered from here", vertical=True)
    ax.set(
        xlabel="F1 of the concept's voxels (filled: labels, open: expanded)",
        ylabel="planted concept (share in the embedding)",
        xlim=(-0.03, 1.03),
        ylim=(-0.6, len(matches) - 0.1),
    )
    show(
        fig,
        f"Simulated: {len(result.recovered)} of {len(matches)} planted concepts come back by their labels, "
        f"{len(expanded.recovered)} after expansion; from bottom to top, the embedding holds more of them.",
    )
    missed = [m.planted for m in matches if not m.is_recovered]
    traps = result.with_verdict("trap") + result.with_verdict("spurious")
    say(
        f"Simulated, seed {p.seed}: missed {', '.join(missed) or 'none'}; merged "
        f"{', '.join(' with '.join(m) for m in result.merged.values()) or 'none'}; clusters of traps: {len(traps)}. "
        f"Adjusted Rand {result.adjusted_rand_planted:.2f} over voxels of one planted shared concept, "
        f"{result.adjusted_rand_all:.2f} with the traps as one more label."
    )

# %% [markdown]
# Voxels are one side; does the concept also *mean* the planted thing? Rank pictures that nobody trained on along
# the concept's direction, the mean of its rows. Count a picture as having the planted concept above half of its
# largest value, and as not having it at or below baseline; the ones between are left out.

# %%
if truth is not None:
    train = np.concatenate(
        [np.r_[s.train_images, s.validation_images] for s in split.participants.values()]
    )
    test = np.concatenate([s.test_images for s in split.participants.values()])
    fresh = np.setdiff1d(test, train)
    images = truth.images
    aucs = {}
    for match in result.matches:
        value = images.loc[fresh, f"concept_{match.planted}"].to_numpy()
        has, lacks = value > value.max() / 2, value <= 0
        if match.found is None or not has.any() or not lacks.any():
            continue
        scores = white.of(fresh[has | lacks]) @ found.concepts[match.found]
        aucs[match.planted] = ranking_auc(scores, has[has | lacks], n_bootstrap=300, rng=p.seed)
    ordered = sorted(aucs, key=lambda name: aucs[name].value)
    fig, ax = figure(width=6.6, height=3.6)
    plot_intervals(ordered, [aucs[name] for name in ordered], ax, horizontal=True, lw=2)
    ax.set(
        xlabel=f"AUC over {len(fresh)} held-out pictures (bar: 95 % interval)",
        ylabel="planted concept", xlim=(0, 1.02), ylim=(-0.6, len(ordered)),
    )  # fmt: skip
    above = sum(a.value >= 0.85 for a in aucs.values())
    show(
        fig,
        f"Simulated: along {above} of {len(aucs)} matched concepts, pictures with the planted thing rank above those "
        f"without it with an AUC of at least 0.85; chance is 0.5.",
    )

# %%
if truth is not None:
    clear = [m for m in result.matches if readable[m.planted] >= 0.3]
    where = f"simulated participants, seed {p.seed}, chosen setting, labels_"
    n_recovered, n_clear = len(result.recovered), sum(m.is_recovered for m in clear)
    claims.record(
        "shared.recovery.all", Interval.of_share(n_recovered, len(result.matches)), data=where
    )
    claims.record("shared.recovery.readable", Interval.of_share(n_clear, len(clear)), data=where)
    n_reported = len(np.unique(labels[labels >= 0]))
    claims.record("shared.recovery.traps", Interval.of_share(len(traps), n_reported), data=where)
    of_recovered = [aucs[name] for name in result.recovered if name in aucs]
    nothing = Interval(np.nan, np.nan, np.nan)
    weakest = min(of_recovered, key=lambda auc: auc.value, default=nothing)
    claims.record("shared.recovery.ranking", weakest, data=where)

# %% [markdown]
# ## Pitfall: a threshold that looks fine
#
# The published values of `eps` run from 0.45 to 0.7, in 512 dimensions with 15,000 voxels a participant. Take the
# smallest of them here.

# %%
borrowed = SharedDBSCAN(0.45, 3).fit(W, who)
largest = np.bincount(borrowed.labels_[borrowed.labels_ >= 0], minlength=1).max()
say(
    f"With the published eps of 0.45 on these {kind} data: **{borrowed.labels_.max() + 1} clusters, the largest with "
    f"{100 * largest / len(W):.0f} %** of all voxels. Distances depend on the number of dimensions, "
    f"trials and runs: an eps does not travel."
)
of_largest = borrowed.labels_ == np.bincount(borrowed.labels_ + 1)[1:].argmax()
swallowed = [of_largest[who == name].sum() / max(1, (borrowed.labels_[who == name] >= 0).sum())
             for name in data]  # fmt: skip
claims.record("shared.pitfall.borrowed_eps", Interval.over_seeds(swallowed), kind=kind)

# %% [markdown]
# ## Where it fails, and a choice without the truth
#
# Each setting gets its own decoders, its own shuffles and its own choice of eps: nothing is carried over. All
# settings on three seeds take hours, so their outcomes are recorded (`sdc concepts settings --out FILE` makes
# them); `n_settings` says how many of them are run again here.

# %%
again = []
if truth is not None:
    again = run_variations(
        nsd, truth, embeddings, split, BY_WORLD[p.world][: p.n_settings],
        profile=p.profile, seed=p.seed, n_shuffles=p.n_shuffles, device=p.device,
    )  # fmt: skip
for o in again:
    say(
        f"Here, {kind}, seed {o.seed}, *{o.name}*: eps {o.eps}, {o.n_reproduced} concepts reproduced, "
        f"{o.n_recovered} of {o.n_planted} planted ones recovered, adjusted Rand {o.adjusted_rand:.2f}."
    )

# %%
both_worlds = recorded_outcomes()
recorded = [o for o in both_worlds if o.world == "easy"]
settings = list(dict.fromkeys(o.name for o in recorded))
per_setting = {name: [o for o in recorded if o.name == name] for name in settings}


def each(name, quantity, digits=0):
    """The value of every seed, and a star where no setting was allowed."""
    parts = [
        f"{getattr(o, quantity):.{digits}f}{'' if o.is_allowed else '*'}" for o in per_setting[name]
    ]
    return ", ".join(parts)


columns = {"eps": "eps", "reproduced": "n_reproduced", "recovered": "n_recovered",
           "merged": "n_merged", "traps": "n_traps", "adjusted Rand": "adjusted_rand"}  # fmt: skip
rows = [
    [name, *(each(name, q, 2 if q in ("eps", "adjusted_rand") else 0) for q in columns.values())]
    for name in settings
]
say(
    table(["simulated, recorded", *columns], rows)
    + f"\n\nThree numbers are seeds {', '.join(str(o.seed) for o in per_setting[settings[0]])}; "
    f"of {recorded[0].n_planted} planted concepts. *: no setting was allowed; in "
    f"{sum(not o.is_allowed and o.n_reproduced == 0 for o in recorded)} of the "
    f"{sum(not o.is_allowed for o in recorded)} such rows nothing was reproduced, in the others a bound was too large "
    f"or chance gives as many concepts."
)

# %% [markdown]
# `reproduced` needs no truth, `recovered` (F1 of at least 0.6) is the truth. `merged` are clusters that hold half of
# several planted concepts, `traps` clusters of what should be noise. All this is of the *easy* world. In the **hard
# world** some concepts belong to two or three participants, noise of neighbouring voxels is correlated (about 0.3),
# drift is in voxels that respond, and a concept's voxels have noise ceilings of 10 to 20 % in single trials (NSD's
# median is 14 %; in the easy world 34 %):

# %%
lines = [
    f"| {world} | {o.name} | {o.seed} | {o.eps:.2f}{'' if o.is_allowed else '*'} | {o.n_recovered} of {o.n_planted} | "
    f"{o.n_traps} | {o.adjusted_rand:.2f} | {100 * o.false_discovery:.1f} | {100 * o.false_voxels:.1f} |"
    for world in ("easy", "hard")
    for o in both_worlds
    if o.world == world and o.name in settings[:2]
]
say(
    "| simulated, recorded | setting | seed | eps | recovered | traps | adjusted Rand | false voxels, at most (%) | in "
    "truth (%) |\n|---|---|---|---|---|---|---|---|---|\n" + "\n".join(lines)
)

# %% [markdown]
# The second row is a control that uses the truth: the values of all planted concepts are put into the embeddings, and
# nothing else changes. It tells what is to blame for the concepts that were missed.

# %%
control = per_setting["embedding holds all"]
say(
    f"With an embedding that holds every concept, the same decoders and the same clustering recover "
    f"{', '.join(str(o.n_recovered) for o in control)} of {control[0].n_planted} (simulated, recorded, three seeds), with an "
    f"adjusted Rand index of {min(o.adjusted_rand for o in control):.3f} or more and "
    f"{sum(o.n_traps_reproduced for o in control)} reproduced traps (and {sum(o.n_traps - o.n_traps_reproduced for o in control)} "
    f"that not both halves of the pictures have). "
    + (
        "**What the course's small CLIP does not hold is what is missed**, not what the clustering cannot find."
        if all(o.n_recovered == o.n_planted for o in control)
        else "So the embedding is not the only thing that is in the way."
    )
)
over = Interval.over_seeds
claims.record("shared.control.recovered", over([o.n_recovered / o.n_planted for o in control]))
claims.record("shared.control.adjusted_rand", over([o.adjusted_rand for o in control]))
claims.record("shared.control.traps", over([o.n_traps_reproduced for o in control]))
own = per_setting[settings[0]]
claims.record("shared.recovery.adjusted_rand", over([o.adjusted_rand for o in own]))

# %% [markdown]
# And does choosing a decoder by `reproduced` find the best by `recovered`?

# %%
mean = {
    name: [np.mean([getattr(o, q) for o in some]) for q in ("n_reproduced", "n_recovered")]
    for name, some in per_setting.items()
}
fig, ax = figure(width=7.0, height=4.4)
ordered = sorted(settings, key=lambda name: mean[name])
for row, name in enumerate(ordered):
    for dy, o in zip((-0.22, 0, 0.22), per_setting[name], strict=False):
        ax.plot(o.n_reproduced, row + dy, "o", mfc="white", color=BLUE, ms=7.5)
        ax.plot(o.n_recovered, row + dy, "o", color=ORANGE, ms=3.5)
ax.set_yticks(range(len(ordered)), ordered)
plot_reference(ax, recorded[0].n_planted, "planted", vertical=True)
ax.text(2.2, 1.1, "reproduced: needs no truth", color=BLUE, fontsize=9)
ax.text(2.2, 0.3, "recovered: the truth", color=ORANGE, fontsize=9)
ax.set(
    xlabel="concepts (a dot a seed)", ylabel="what is different",
    xlim=(-0.4, 11.4), ylim=(-0.6, len(ordered) - 0.3),
)  # fmt: skip
allowed = {n: v for n, v in mean.items() if all(o.is_allowed for o in per_setting[n])}
decoders = {
    n: v
    for n, v in allowed.items()
    if n not in ("4 participants", "noise doubled", "embedding holds all")
}
most = max(reproduced for reproduced, _ in decoders.values())
tied = [n for n, (reproduced, _) in decoders.items() if reproduced == most]
by_halves = min(tied, key=lambda n: decoders[n][1])  # of equals the worst: the count cannot tell
by_truth = max(decoders, key=lambda n: decoders[n][1])
show(
    fig,
    f"Simulated, recorded, means of {len(per_setting[settings[0]])} seeds: among decoders that keep to the false "
    f"discovery, most concepts ({most:.1f}) are reproduced by {' and '.join(f'*{n}*' for n in tied)}, "
    f"{'which recovers' if len(tied) == 1 else 'the worse of which recovers'} {decoders[by_halves][1]:.1f} planted "
    f"ones; the truth would have chosen *{by_truth}* ({decoders[by_truth][1]:.1f}).",
)
recovered = {n: np.array([o.n_recovered for o in rows]) for n, rows in per_setting.items()}
claims.record("shared.settings.chosen_blindly", over(recovered[by_truth] - recovered[by_halves]))
claims.record(
    "shared.settings.input_noise", over(recovered[settings[0]] - recovered["input noise 0"])
)

# %% [markdown]
# ## Is pooling people needed?
#
# The same rows, other methods, each with its parameter chosen by the same criterion: the most clusters that both
# halves reproduce. NMF and ICA see the responses to training pictures and no embedding; their halves are
# halves of the pictures. To compare methods that cannot link people, everything is scored within each
# participant.


# %%
def images_by_voxel(one, half):
    """Mean training responses (voxels, images): all (2), or one half of the images (0, 1)."""
    responses, _, ids = one.fold("train")
    means, _ = average_repetitions(responses, ids)
    return (means if half == 2 else means[half::2]).T.astype(np.float32)


quick = p.profile == "smoke"
CHOICES = {
    "DBSCAN, pooled": (plain_dbscan, EPS[::2]),
    "DBSCAN, alone": (by_participant(plain_dbscan, who), EPS[::2]),
    "HDBSCAN, pooled": (hdbscan, (20,) if quick else (20, 60)),
    "k-means, pooled": (kmeans, (10,) if quick else (8, 12, 16)),
}
grouped = {"shared DBSCAN": labels}
for name, (method, values_to_try) in CHOICES.items():
    grouped[name] = choose_parameter(method, W, found.weights.halves, values_to_try).labels
for name, method in (("NMF, alone", nmf), ("ICA, alone", ica)):
    parts = []
    for one in data.values():
        whole, *halves = (images_by_voxel(one, half) for half in (2, 0, 1))
        tried = (10,) if quick else (10, 14)
        limited = partial(method, random_state=p.seed % 2**31)
        parts.append(choose_parameter(limited, whole, halves, tried).labels)
    grouped[name] = np.concatenate(parts)


# %%
def within(labels, name):
    """Planted concepts recovered in one participant, and the share of trap voxels reported."""
    rows = who == name
    masks = {k: m[rows] for k, m in planted.masks.items() if m[rows].any()}
    of = recover(labels[rows], who[rows], masks, planted.kinds, min_f1=0.6)
    trap = ~np.any([m for k, m in masks.items() if planted.kinds[k] == "shared"], axis=0)
    return len(of.recovered), 100 * np.mean(labels[rows][trap] >= 0)


if truth is not None:
    scores = {m: np.array([within(g, name) for name in data]).T for m, g in grouped.items()}
    fig, axes = figure(1, 2, width=9.4, height=3.9)
    colours = [BLUE, *[GREY] * (len(scores) - 1)]
    for ax, row, text in zip(
        axes, (0, 1), ("planted concepts recovered", "trap voxels in a cluster (%)"), strict=True
    ):
        plot_bars({m.replace(", ", "\n"): s[row] for m, s in scores.items()}, ax, colours=colours)
        ax.tick_params(axis="x", labelsize=7, rotation=40)
        ax.set(ylabel=text, xlabel="method")
    plot_reference(axes[0], len(readable), "planted")
    best = {m: (s[0].mean(), s[1].mean()) for m, s in scores.items()}
    show(
        fig,
        f"Simulated, a dot a participant: shared DBSCAN recovers {best['shared DBSCAN'][0]:.1f} concepts and takes in "
        f"{best['shared DBSCAN'][1]:.0f} % of the trap voxels; a single participant's DBSCAN "
        f"{best['DBSCAN, alone'][0]:.1f} and {best['DBSCAN, alone'][1]:.0f} %, k-means {best['k-means, pooled'][0]:.1f} "
        f"and {best['k-means, pooled'][1]:.0f} %.",
    )
    more = scores["shared DBSCAN"][0] - scores["DBSCAN, alone"][0]  # a participant
    claims.record("shared.baselines.pooling", over(more), seed=p.seed)

# %% [markdown]
# What pooling gives besides is the *link*: a single participant's cluster 3 and another's cluster 5 have no
# relation until something says so.
#
# ## Where the voxels lie
#
# No position entered. If the voxels of a concept lie together, that is a finding, and it needs a null. For
# **contiguity**: how often is the nearest decodable voxel of the same cluster? Labels shuffled among the voxels are
# no null: neighbours share noise, and labels of *smooth noise* would pass against them. So the null is label maps of
# noise, with clusters of the same sizes, as smooth as the weights are over all voxels. For **overlap**
# with a region, compact patches overlap by luck more than scattered voxels do, so the null is *blobs*: for each patch
# of the cluster, equally many voxels around a random one of the same brain
# ([which null answers which question](nulls.md)).

# %%
person = next(iter(data))
one, rows = data[person], who == person
affine = nsd.affine(person)
positions = np.argwhere(one.mask) @ affine[:3, :3].T + affine[:3, 3]
rng = np.random.default_rng([p.seed, 4])
together = contiguity(positions, labels[rows], weights=W[rows], n_draws=p.n_draws, rng=rng)
fig, ax = figure(width=6.6, height=3.2)
for row, test in enumerate(together.values()):
    ax.plot(np.quantile(test.null, [0, 1]), [row, row], color=GREY, lw=5)
    ax.plot(test.value, row, "o", color=BLUE)
ax.set_yticks(range(len(together)), together)
ax.set(
    xlabel="share of voxels whose nearest voxel is of the same cluster",
    ylabel="cluster",
    xlim=(-0.03, 1.03),
)
strong = sum(t.p_value <= 0.05 for t in together.values())
show(
    fig,
    f"{kind.capitalize()}, {person}: {strong} of {len(together)} clusters are more contiguous (dots) than "
    f"labels of noise as smooth as theirs (grey: range of {p.n_draws} maps).",
)
claims.record("shared.contiguity.share", Interval.of_share(strong, len(together)), kind=kind)

# %%
everywhere = nsd.brainmask(person)
places = np.argwhere(everywhere) @ affine[:3, :3].T + affine[:3, 3]
reach = 1.01 * np.sqrt((affine[:3, :3] ** 2).sum())
regions = {
    roi: (nsd.roi(person, roi).volume > 0)[everywhere]
    for roi in nsd.rois(person)
    if roi.startswith("floc-")
}
where = np.full(everywhere.shape, -1)
where[one.mask] = np.where(np.isin(labels[rows], list(together)), labels[rows], -1)
best = {}
if together:
    best = best_overlaps(
        places, where[everywhere], regions, reach=reach, n_draws=p.n_draws, rng=rng
    )
lines = [
    [roi, most.cluster, most.dice.value, most.dice.null.mean(), f"{most.dice.p_value:.3f}"]
    for roi, most in best.items()
]
say(
    f"{kind.capitalize()}, {person}: the cluster with the largest overlap with each localised region, against the "
    f"largest overlap of {len(together)} such clusters of blobs. The best of several is held against the best of as "
    f"many.\n\n"
    + table(["region", "cluster", "Dice", "largest Dice of blobs, mean", "p"], lines, digits=2)
)

# %% [markdown]
# ## Exercises
#
# ### 1. Who is core?
#
# `near[i, j]` says whether voxels $i$ and $j$ are closer than eps, `participants` whose they are. Return which
# voxels have a neighbour in at least `least` other participants.


# %% tags=["exercise"]
def core_voxels(near, participants, least):
    return ...  # your answer here


# %%
exercises.check("concepts.core", core_voxels)

# %%
exercises.card("concepts.core")

# %% [markdown]
# ### 2. The same concept twice
#
# Two labellings of the same voxels, -1 is noise. How many clusters of the first have a cluster in the second with
# more than half of their union in common?


# %% tags=["exercise"]
def count_reproduced(first, second):
    return ...  # your answer here


# %%
exercises.check("concepts.reproduced", count_reproduced)

# %%
exercises.card("concepts.reproduced")

# %% [markdown]
# ### 3. How far may eps go?
#
# `found[k]` voxels are clustered at `eps[k]`, `null[i, k]` with shuffle `i`. Return the largest eps at which the
# mean number with shuffled pairs is at most a share `allowed` of the number found.


# %% tags=["exercise"]
def largest_eps(eps, found, null, allowed):
    return ...  # your answer here


# %%
exercises.check("concepts.false_discovery", largest_eps)

# %%
exercises.card("concepts.false_discovery")

# %% [markdown]
# ## On real data
#
# The same cells, with the participants of the Natural Scenes Dataset (`allen2022nsd`): `sdc run 10 -p source=nsd -p
# root=... -p n_test=1000`. You need the betas at 1.8 mm (about 300 GB for eight participants; access is free after
# signing the data agreement), the stimuli (40 GB) and a GPU. `profile="full"` trains 20 runs a
# participant. Sections that need planted truth are skipped by themselves.
#
# ## At the paper's size, on a GPU

# %% tags=["gpu"]
if on_gpu(
    "SharedDBSCAN on 120,000 rows of 512 numbers, 8 participants",
    estimate="unmeasured on a GPU",
    recorded="benchmarks/README.md has the CPU figures at 20,000 rows",
):
    rng = np.random.default_rng(p.seed)
    big = rng.normal(size=(120_000, 512)).astype(np.float32)
    owner = np.repeat(np.arange(8), 15_000)
    unrelated = SharedDBSCAN(0.55, 3, device="cuda").fit(big, owner)
    say(f"Simulated unrelated rows: {unrelated.core_.sum()} core voxels.")

# %% [markdown]
# ## Take-aways
#
# 1. Count people, not voxels: then one participant's quirk is no concept, however many voxels it has.
# 2. Choose the threshold by what two halves reproduce and what shuffled pairs give. An eps does not travel.
# 3. The rows decide more than the clustering: noise on the input and equal variance of the embedding's
#    directions keep concepts tight and apart. What the embedding does not hold, no clustering finds.
#
# Further reading: `efird2025sdc` (the method), `allen2022nsd` (the data), `radford2021` (the embedding). Words:
# the [glossary](glossary.md).
