# %% [markdown]
# # Components and masks: which directions can be decoded, and which voxels carry them?
#
# Before shared concepts were found by clustering decoder weights, they were looked for in three stages: a decoder; the
# directions of the embedding that it can decode; and, for each, the voxels that it needs. The answer in one sentence:
# **decoding fixes a subspace and not its axes; the cortex fixes the axes; and the voxels of an axis are those without
# which it cannot be read, which a simple map finds as well.** After Efird, Murphy, Zylberberg and Fyshe (2023):
# `efird2023components`.
#
# {{ minutes }}
#
# ## What you will do
#
# - find the directions along which decoded embeddings tell pictures apart
# - turn them, and see that nothing changes: a subspace has no axes of its own
# - let the voxels of several people fix the axes, and count the planted concepts among them
# - ask which voxels carry a concept, and see the published objective fail
# - hold all of it against the clusters of [chapter 10](10_shared_concepts.ipynb)
#
# You need: [shared concepts](10_shared_concepts.ipynb), and what [weights and patterns](09_weights_or_patterns.ipynb) are.

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 0  # of simulated participants and every draw [0, 4294967295]
device: str = "auto"  # where to compute {auto, cpu, cuda}
source: str = "simulated"  # where the data come from {simulated, nsd}
root: str = ""  # folder of the real NSD tree, for source nsd
world: str = "easy"  # how hard simulated participants make it {easy, hard}
clip_name: str = "course-small"  # or course-fine, which holds more of a picture
n_axes: int = 16  # dimensions of the decodable subspace [2, 128]
n_test: int | None = None  # test images; None: the profile decides [10, 1000]
n_draws: int | None = None  # null draws; None: the profile decides [1, 1000]

# %% Set up: imports, and what each profile computes tags=["fold"]
import numpy as np
from sklearn.base import clone

from sdc_helpers import concepts, exercises, plotting, studies
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import figure, show
from sdc_helpers.studies import (
    component_outcomes,
    component_places,
    component_study,
    concept_study,
)

p = start(
    "12_components_and_masks",
    by_profile={
        "n_test": {"smoke": 30, "workshop": 200, "full": 200},
        "n_draws": {"smoke": 1, "workshop": 2, "full": 20},
    },
)
BLUE, ORANGE = plotting.COLOURS["blue"], plotting.COLOURS["orange"]
GREEN, GREY = plotting.COLOURS["green"], plotting.COLOURS["grey"]
over = Interval.over_seeds

# %% [markdown]
# ## Stage one: a decoder
#
# Participants looked at pictures, and everybody has a linear [decoder](glossary.md#decoder) from responses to the white
# [embedding](glossary.md#embedding) of the picture, as in chapter 10. The 2023 study had a hidden layer of 5,000 units
# between; further down we ask what that gave.

# %%
opened = concept_study.open_concepts(
    p.source, p.root, p.profile, p.seed, n_held_out=p.n_test,
    world=p.world, n_components=studies.N_COMPONENTS, device=p.device,
    clip_name=p.clip_name,
)  # fmt: skip
decoder = studies.course_decoder(p.profile, device=p.device)
study = component_study.open_components(opened, decoder)
kind, truth = opened.study.kind, opened.study.truth
whole = study.top_1()
say(
    f"**{kind.capitalize()}**: {len(study.data)} participants. The decoders "
    f"name the right one of {p.n_test} test pictures in "
    f"{100 * whole.mean():.0f} % of trials; chance is {100 / p.n_test:.1f} %."
)

# %% [markdown]
# ## Stage two: what can be decoded?
#
# Not all of the embedding can. Take $K$ directions $w_k$, the rows of $W$, and compare true and decoded embeddings by
# their scores along these alone. Train $W$ so that the decoded scores $b_i = W\hat y_i$ of a [trial](glossary.md#trial) lie
# near its own picture's $a_i = W y_i$ and far from the others' in the batch:
#
# $$ \min_W \; -\sum_i \log \frac{\exp(-|a_i - b_i|^2)}{\sum_j \exp(-|a_i - b_j|^2)} + \text{the same for } b_i $$
#
# It is trained on **validation** trials: on those that trained the decoders, everything looks decodable. The directions
# are called [brain-decodable components](glossary.md#brain-decodable-component).

# %%
pairs = study.pairs("validation")
models = component_outcomes.subspaces(study, p.seed)
contrastive = models["contrastive"]
trained = study.pairs("train")
leaked = concepts.DecodableComponents(32).fit(
    trained.true, trained.decoded, items=trained.items
)
accuracy = {name: study.top_1(model) for name, model in models.items()}
accuracy["fitted on training trials"] = study.top_1(leaked)

# %% [markdown]
# The dashed line is identification by the whole embedding. Which components are above it, and which are far below?

# %% Draw how many pictures are identified by each kind of components tags=["fold"]
fig, ax = figure(width=7.4, height=3.6)
colours = [BLUE, BLUE, *[GREY] * (len(accuracy) - 3), ORANGE]
bars = {name.replace(", ", "\n"): 100 * a for name, a in accuracy.items()}
plotting.plot_bars(bars, ax, colours=colours)
plotting.plot_reference(ax, 100 * whole.mean(), " all dimensions")
plotting.plot_reference(ax, 100 / p.n_test, " chance")
ax.tick_params(axis="x", labelsize=7, rotation=25)
ax.set(
    ylabel="single trials identified (%)",
    xlabel="components",
    xlim=(-1.5, len(bars) - 0.5),
)
show(
    fig,
    f"{kind.capitalize()}, a dot a participant: contrastive components identify {100 * accuracy['contrastive'].mean():.0f} %, "
    f"principal components of the true embeddings {100 * accuracy['PCA of true'].mean():.0f} %, of the decoded ones "
    f"{100 * accuracy['PCA of decoded'].mean():.0f} %; fitted on trials that trained the decoders "
    f"{100 * accuracy['fitted on training trials'].mean():.0f} %.",
)

# %% [markdown]
# The paper compares with principal components of the *true* embeddings, which know nothing of the brain. Those of the
# *decoded* ones do: a decoder shrinks what it cannot read. That is the baseline to beat.
#
# ## A subspace has no axes
#
# The loss sees distances alone. Turn the rows, $W \to QW$ with a rotation $Q$, and every distance stays. So which rows
# training ends in is an accident of its start. Write it: given rows and any square matrix, turn the rows by the rotation
# that is *nearest* to the matrix (leave the stretch out).


# %% tags=["exercise"]
def other_axes(rows, mix):
    return ...  # your answer here


# %%
exercises.check("components.axes", other_axes)

# %%
exercises.card("components.axes")

# %%
other_axes = exercises.yours_or_ours("components.axes", other_axes)
rng = np.random.default_rng([p.seed, 1])
rows = contrastive.scale_[:, None] * contrastive.components_
turned = other_axes(rows, rng.normal(size=(len(rows), len(rows))))
losses = [
    concepts.component_loss(pairs.true, pairs.decoded, each, items=pairs.items)
    for each in (rows, turned)
]
assert np.isclose(*losses)
say(
    f"{kind.capitalize()}: loss {losses[0]:.4f}, after turning {losses[1]:.4f}."
)

# %% [markdown]
# So two trainings should agree in what their rows *span* and disagree in the rows. To compare rows they must first be
# matched, one to one, by the correlation of their scores over pictures. Write the mean agreement of two sets of scores.


# %% tags=["exercise"]
def agreement(first, second):
    return ...  # your answer here


# %%
exercises.check("components.match", agreement)

# %%
exercises.card("components.match")

# %%
agreement = exercises.yours_or_ours("components.match", agreement)
again = clone(contrastive).set_params(random_state=p.seed + 1)
again.fit(pairs.true, pairs.decoded, items=pairs.items)
spans = concepts.subspace_agreement(
    contrastive.subspace(p.n_axes), again.subspace(p.n_axes)
)
seen = opened.white.of(opened.fresh_pictures)
same_rows = agreement(contrastive.transform(seen), again.transform(seen))
say(
    f"{kind.capitalize()}, two trainings: their subspaces agree by {spans:.2f} "
    f"(mean canonical cosine), their rows by {same_rows:.2f} (correlation)."
)

# %% [markdown]
# ## The cortex fixes the axes
#
# A voxel answers to few concepts. So there is one choice of axes in which most of a voxel's [loadings](glossary.md#loading)
# are near zero, and in any other choice they are not. Find it:
#
# 1. take the decodable subspace, here the leading principal components of what is decoded;
# 2. make the scores of the training pictures white;
# 3. regress every voxel's mean responses on the scores: its loadings. Stack the voxels of all participants;
# 4. turn the axes until the loadings are as sparse as they get (independent component analysis, with voxels as samples).
#
# No position, no label and no localiser enters; people saw different pictures, and the embedding alone links them. This
# is voxel decomposition (`normanhaignere2015`) inside a decodable subspace, across people. We call them
# [cortex axes](glossary.md#cortex-axis). For simulated people a component *is* a planted concept if its score is correlated
# by .8 with all that the embedding holds of that concept: its linear readout.

# %%
subspace = models["PCA of decoded"].components_[: p.n_axes]
axes = study.axes(subspace)
loadings = np.concatenate(list(axes.whole.loadings_.values()))
unit = loadings / np.linalg.norm(loadings, axis=1, keepdims=True)
turn = np.linalg.qr(rng.normal(size=(len(subspace),) * 2))[0]
if truth is not None:
    best = {
        "PCA of decoded": study.found(subspace),
        "contrastive": study.found(contrastive.components_),
        "cortex axes": study.found(axes.whole.components_),
    }

# %% [markdown]
# How near does a voxel come to answering to one axis alone? Compare with axes of the same subspace, turned at random.

# %% Draw the largest loading of each voxel tags=["fold"]
fig, ax = figure(width=6.4, height=3.0)
bins, own, others = (
    np.linspace(0, 1, 40),
    *(np.abs(x).max(axis=1) for x in (unit, unit @ turn)),
)
ax.hist(others, bins, color=GREY, alpha=0.7)
ax.hist(own, bins, color=BLUE, alpha=0.7)
for x, text, colour in (
    (np.median(others), "turned at random", plotting.COLOURS["black"]),
    (np.quantile(own, 0.8), "cortex axes", BLUE),
):
    ax.annotate(
        text, (x, 0.9 * ax.get_ylim()[1]), color=colour, ha="center", fontsize=9
    )
ax.set(
    xlabel="largest share of a voxel's loadings on one axis",
    ylabel="voxels",
    xlim=(0, 1),
)
show(
    fig,
    f"{kind.capitalize()}: a voxel's largest loading is {np.median(own):.2f} in the median along cortex axes, "
    f"{np.median(others):.2f} along others of the same subspace.",
)

# %% [markdown]
# Each dot is a planted concept with the component that is most like it. How many pass the line?

# %% Draw the planted concepts among the components tags=["fold"]
if truth is not None:
    fig, ax = figure(width=6.6, height=2.6)
    for row, found in enumerate(best.values()):
        r = np.array([value for _, value in found.values()])
        ax.plot(
            r,
            row + np.linspace(-0.15, 0.15, len(r)),
            "o",
            color=BLUE if row == 2 else GREY,
        )
    ax.set_yticks(range(len(best)), list(best))
    plotting.plot_reference(
        ax, component_study.SAME, " the concept", vertical=True
    )
    ax.set(
        xlabel="correlation with the readout of its concept",
        ylabel="components",
        xlim=(0, 1.03),
    )
    counts = {
        n: sum(r >= component_study.SAME for _, r in f.values())
        for n, f in best.items()
    }
    show(
        fig,
        f"Simulated, planted concepts (of {len(best['cortex axes'])}) with a component of their own: "
        + "; ".join(f"{name} {n}" for name, n in counts.items())
        + ".",
    )

# %% [markdown]
# ## How many, without the truth?
#
# Find the axes in two halves of the **participants**. An axis of all that both halves have too, by at least .9, and that the
# halves have in common with each other, is *reproduced*. (Why the last? Two axes can both be near a third, between them.)
# What could chance do? Responses are given to wrong pictures and everything is done again (shuffled pairs); or three
# random rotations of the subspace are compared.

# %%
reproduced = axes.reproduced()
chance = component_outcomes.chance_agreement(study, subspace, p.n_draws, p.seed)
directions = axes.whole.components_[reproduced.is_reproduced]
if len(directions) < 2:
    directions = axes.whole.components_[np.argsort(-reproduced.agreement)[:2]]

# %% Draw the agreement of halves, and of chance tags=["fold"]
fig, ax = figure(width=6.8, height=3.2)
own = np.sort(reproduced.agreement)[::-1]
ax.plot(own, "o-", color=BLUE)
at = len(own) * 5 // 8
plotting.label_line(ax, at, own[at], "halves of the participants", BLUE, dy=9)
for (name, draws), at in zip(chance.items(), (1, 9), strict=True):
    mean = np.sort(draws, axis=1)[:, ::-1].mean(axis=0)
    at = min(at, len(mean) - 1)
    ax.plot(mean, color=GREY, ls="-" if name == "shuffled pairs" else "--")
    plotting.label_line(ax, at, mean[at], name, plotting.COLOURS["black"], dy=8)
plotting.plot_reference(ax, reproduced.threshold, " reproduced")
ax.set(
    xlabel="axis, by agreement",
    ylabel="agreement of all and both halves",
    ylim=(0, 1.03),
)
highest = max(draws.max() for draws in chance.values())
show(
    fig,
    f"{kind.capitalize()}: {reproduced.n_reproduced} of {len(reproduced.agreement)} axes are reproduced by both halves of "
    f"the participants; the highest agreement of {p.n_draws} draws of either chance is {highest:.2f}.",
)

# %% [markdown]
# ## Stage three: which voxels?
#
# Put a gate $m_v$ between 0 and 1 in front of every voxel and leave the decoder $f$ as it is. The 2023 study asks for few
# voxels through which the component can still be read, a [voxel mask](glossary.md#voxel-mask):
#
# $$ \min_m \; -r\big(Yw,\; f(X \odot m)\,w\big) + \lambda\,\overline{m} $$
#
# Write the gradient of this over the gates, for a decoder that is one row of weights, $f(X \odot m)w = (X \odot m)\,u$.


# %% tags=["exercise"]
def mask_gradient(responses, gates, row, score, penalty):
    return ...  # your answer here


# %%
exercises.check("components.gradient", mask_gradient)

# %%
exercises.card("components.gradient")

# %% [markdown]
# Three things are wrong with it on a cortex. The correlation does not change if all gates are made small, so the
# penalty falls for nothing. A patch says the same many times, so that few of its voxels are enough. And a free mask fits
# the noise of the trials it sees. Ask the other way round: **without which voxels can the component not be read?** And
# ask it under noise, so that a single voxel cannot stand for a patch:
#
# $$ \min_m \; \max\big(0,\; r(Yw,\; f((X + \text{noise}) \odot (1 - m))\,w)\big) + \lambda\,\mathrm{E}[\text{open gates}] $$
#
# Gates are random and nearly 0 or 1 (`louizos2018`); $\lambda$ is the one with which masks of two halves of the validation
# pictures agree most. (The largest difference of what is kept and what is left would choose a mask of everything.)

# %%
two = list(study.data)[:2]  # who choose for all
sparsity = component_outcomes.chosen_sparsity(study, directions, p.seed, two)
masks = {
    name: study.fit_masks(estimator, directions)
    for name, estimator in component_outcomes.mask_kinds(sparsity).items()
}
masks["loadings"] = study.loading_masks(directions)
if truth is not None:
    scores = {n: study.against_planted(m, directions) for n, m in masks.items()}

# %% [markdown]
# *Loadings* is no mask of a decoder: a voxel goes to the component that explains most of what is explained of it. Look
# for the method that covers the planted patches best, and at what that method costs.

# %% Draw how masks cover the planted patches tags=["fold"]
if truth is not None:
    fig, ax = figure(width=7.2, height=3.4)
    dice = {
        name: table.groupby("participant")["dice"].mean().to_numpy()
        for name, table in scores.items()
    }
    bars = {name.replace(", ", "\n"): values for name, values in dice.items()}
    plotting.plot_bars(bars, ax, colours=[ORANGE, GREY, GREY, BLUE, GREEN])
    ax.set(ylabel="Dice with the planted patch", xlabel="mask", ylim=(0, 1.05))
    sizes = {name: table["size"].mean() for name, table in scores.items()}
    show(
        fig,
        f"Simulated, a dot a participant: the published objective has a Dice of {dice['published'].mean():.2f} with the "
        f"patches ({sizes['published']:.0f} voxels a mask of {scores['published']['planted'].mean():.0f} planted), removal "
        f"under noise {dice['remove, noise'].mean():.2f} ({sizes['remove, noise']:.0f}), joint loadings "
        f"{dice['loadings'].mean():.2f} ({sizes['loadings']:.0f}).",
    )

# %% [markdown]
# ## Pitfall: "the mask keeps the correlation"
#
# The usual proof of a mask is that the component can still be read through it. Write both sides of it: the correlation
# through the mask, and **without** the mask, as shares of that of all voxels.


# %% tags=["exercise"]
def kept_and_left(score, responses, row, mask):
    return ...  # your answer here


# %%
exercises.check("components.kept", kept_and_left)

# %%
exercises.card("components.kept")

# %%
kept = study.retained(masks["remove, noise"], directions, p.seed)
matrix = np.nanmean([one.kept for one in kept.values()], axis=0)
ways = {"own mask": "own", "another mask": "others"}
ways |= {"random, same size": "random", "without its own": "own_left"}
shares = {
    name: np.array([np.nanmean(getattr(one, way)) for one in kept.values()])
    for name, way in ways.items()
}

# %% [markdown]
# Left, the diagonal is a component through its own mask. Right, why that proves little: what do random masks of the same
# size keep?

# %% Draw what masks keep and leave tags=["fold"]
fig, panels = figure(1, 2, width=9.4, height=3.8)
image = panels[0].imshow(matrix, vmin=0, vmax=1, cmap="viridis")
fig.colorbar(image, ax=panels[0], label="share of the correlation kept")
panels[0].set(xlabel="mask of component", ylabel="component read")
bars = {name.replace(" ", "\n", 1): values for name, values in shares.items()}
plotting.plot_bars(bars, panels[1], colours=[BLUE, GREY, GREY, ORANGE])
panels[1].set(
    ylabel="share of the correlation", xlabel="read through", ylim=(0, 1.15)
)
show(
    fig,
    f"{kind.capitalize()}, test pictures: through its own mask a component keeps {shares['own mask'].mean():.2f} of its "
    f"correlation, through another {shares['another mask'].mean():.2f}, through as many random voxels "
    f"{shares['random, same size'].mean():.2f}; without its own mask {shares['without its own'].mean():.2f} is left.",
)

# %% [markdown]
# ## Are they at the right place, and in everybody?
#
# No position entered, so localisers and other people are a check. Gates should be more open inside the
# [region](glossary.md#roi) of the concept's own localiser than outside, and masks of one component should lie at the same
# places in two people more often than masks of two components. For the overlap with a region the null is masks of noise
# that is as smooth, of as many voxels: independent voxels would overlap less.

# %%
hard = masks["remove, noise"].hard
positions = [opened.positions(name) for name in study.data]
places = concepts.place_agreement(list(hard.values()), positions)
text = (
    f"{kind.capitalize()}, overlap of two people (Jaccard, grid of 4 mm): same "
    f"component {places.same.mean():.2f}, others {places.other.mean():.2f}."
)
if truth is not None:
    own, other = component_places.localiser_auc(
        study, masks["remove, noise"], directions
    )
    text += f" Localised regions, AUC: own {own:.2f}, other masks {other:.2f}."
    tests = component_places.localiser_tests(
        study, masks["remove, noise"], directions, next(iter(study.data)),
        n_draws=39 if p.profile == "smoke" else 199, seed=p.seed,
    )  # fmt: skip
    columns = ["one person", "Dice", "of smooth noise, mean", "p"]
    rows = [
        [concept, t.value, t.null.mean(), t.p_value]
        for concept, t in tests.items()
    ]
    text += "\n\n" + plotting.table(columns, rows, digits=3)
say(text)

# %% [markdown]
# ## Which way, when?
#
# Three seeds of both worlds, recorded (`sdc concepts components --out FILE`). *Recovered* is counted as in chapter 10.

# %%
recorded = studies.recorded_components()
easy, harder = (
    [one for one in recorded if one.world == w] for w in ("easy", "hard")
)

# %% Show the recorded outcomes of each way tags=["fold"]
ways = {
    "clusters": "clusters of weights (chapter 10)",
    "loadings": "axes and joint loadings",
    "masks": "axes and masks",
}
table = [
    [some[0].world, text, *(
        ", ".join(str(getattr(o, what)[way]) for o in some) for what in ("recovered", "traps")
    )]
    for some in (easy, harder)
    for way, text in ways.items()
]  # fmt: skip
columns = ["world", "simulated, recorded", "recovered, of 10", "traps"]
say(plotting.table(columns, table) + "\n\nThree numbers are three seeds.")

# %% [markdown]
# Clusters need no number of components, and say of each voxel whether it belongs to anything. Axes find concepts whose
# voxels are mixed with others, and give every voxel a loading. The traps of the hard world are concepts of three people:
# either half of the participants has one of them, so halves cannot tell *some* from *all*; clusters count people. A mask
# adds one thing to a map: how much of *this decoder* rests on the voxels.


# %%
def share(get, some=easy, of=10):
    return over([get(one) / of for one in some])


claims.record("components.rows.found", share(lambda o: o.found["contrastive"]))
claims.record("components.axes.found", share(lambda o: o.found["cortex axes"]))
hard_axes = share(lambda o: o.found["cortex axes"], harder)
claims.record("components.axes.hard", hard_axes)
for name in ("true", "decoded"):
    gains = [o.top_1["contrastive"] - o.top_1[f"PCA of {name}"] for o in easy]
    claims.record(f"components.gain.{name}", over(gains))
spans = share(lambda o: o.seeds_subspace, of=1)
claims.record("components.seeds.subspace", spans)
claims.record("components.seeds.rows", share(lambda o: o.seeds_rows, of=1))
claims.record("components.halves.reproduced", share(lambda o: o.n_reproduced))
by_chance = Interval.of_share(
    sum(o.chance_draws for o in recorded), sum(o.n_draws for o in recorded)
)
claims.record("components.halves.chance", by_chance)
claims.record("components.hidden", share(lambda o: o.hidden, of=1))
claims.record("components.one.reliable", share(lambda o: o.one_person))


# %%
published = [o.masks["published"]["dice"] for o in easy]
claims.record("masks.published.dice", over(published))
for measure in ("dice", "auc", "kept", "left"):
    values = [o.masks["remove, noise"][measure] for o in easy]
    claims.record(f"masks.remove.{measure}", over(values))
gains = [
    o.masks["loadings"]["dice"] - o.masks["remove, noise"]["dice"] for o in easy
]
claims.record("masks.map.dice", over(gains))
claims.record("masks.localiser.own", share(lambda o: o.localiser_own, of=1))
claims.record("masks.localiser.other", share(lambda o: o.localiser_other, of=1))
claims.record("masks.between", share(lambda o: o.between, of=1))
by_masks = share(lambda o: o.recovered["masks"])
claims.record("components.recovered.masks", by_masks)
by_map = share(lambda o: o.recovered["loadings"])
claims.record("components.recovered.map", by_map)

# %% [markdown]
# ## One person alone
#
# The last promise of the 2023 study is a map of a single person. Axes of one participant have a sixth of the voxels to
# fix them. How many do both halves of this person's *pictures* have?

# %%
alone = {
    name: component_outcomes.axes_of_one(study, name, p.n_axes, p.seed)
    for name in study.data
}
say(
    f"{kind.capitalize()}: both halves of the pictures have "
    + ", ".join(f"{n} ({name})" for name, n in alone.items())
    + f" of {p.n_axes} axes of one participant alone."
)

# %% [markdown]
# ## On real data
#
# The same cells with the participants of the Natural Scenes Dataset (`allen2022nsd`): `sdc run 12 -p source=nsd -p
# root=... -p n_test=1000`. You need what chapter 10 needs. Sections that need planted truth are skipped by themselves.
#
# ## At the paper's size, on a GPU

# %% tags=["gpu"]
if on_gpu(
    "masks of 128 components, 15,000 voxels, 512 dimensions",
    estimate="unmeasured on a GPU",
    recorded="benchmarks/README.md has the CPU figures of smaller masks",
):
    rng = np.random.default_rng(p.seed)
    weights = rng.normal(size=(15_000, 512)).astype(np.float32)
    X = rng.normal(size=(1_000, 15_000)).astype(np.float32)
    Y = X @ weights + 50 * rng.normal(size=(1_000, 512))
    estimator = concepts.VoxelMask(device="cuda")
    big = estimator.fit(X, Y, (weights, np.zeros(512)), np.eye(512)[:128])
    say(
        f"Simulated voxels: {big.mask_.sum(1).mean():.0f} in a mask, of 15,000."
    )

# %% [markdown]
# ## Take-aways
#
# 1. A loss that sees distances finds a subspace. Do not read its rows: turn them, and they are others.
# 2. Voxels that answer to little fix the axes, if there are enough of them. Halves of people and shuffles say how many.
# 3. "The mask keeps the correlation" proves nothing: show what random masks keep, and what is left without it.
#
# Further reading: `efird2023components` (the method), `normanhaignere2015` (voxel decomposition), `louizos2018` (gates). Words:
# the [glossary](glossary.md). Next: [when is a network like a brain?](13_cka_pitfalls.ipynb).
