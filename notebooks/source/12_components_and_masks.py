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
# - ask which voxels carry a concept
# - hold it against the [clusters](10_shared_concepts.ipynb)
#
# You need: [shared concepts](10_shared_concepts.ipynb), and what [weights and patterns](09_weights_or_patterns.ipynb) are.

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 0  # of simulated participants and every draw [0, 4294967295]
device: str = "auto"  # where to compute {auto, cpu, cuda}
source: str = "simulated"  # where the data come from {simulated, nsd}
root: str = ""  # folder of the real NSD tree, for source nsd
world: str = "easy"  # how hard simulated participants make it {easy, hard}
clip_name: str = "course-fine"  # or course-small, the earlier and smaller one
real_data: bool = True  # run the section on real recordings, where available
n_axes: int = 16  # dimensions of the decodable subspace [2, 128]
n_test: int | None = None  # test images; None: the profile decides [10, 1000]
n_draws: int | None = None  # null draws; None: the profile decides [1, 1000]
n_pictures: int | None = None  # pictures of V4; None: by profile [30, 1200]

# %% Set up: imports, and what each profile computes tags=["fold"]
import numpy as np
from sklearn.base import clone

from sdc_helpers import concepts, datasets, exercises, plotting, studies
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.plotting import component_figures
from sdc_helpers.studies import (
    component_outcomes,
    component_people,
    component_places,
    component_study,
    concept_study,
)

p = start(
    "12_components_and_masks",
    by_profile={
        "n_test": {"smoke": 30, "workshop": 200, "full": 200},
        "n_draws": {"smoke": 1, "workshop": 2, "full": 20},
        "n_pictures": {"smoke": 60, "workshop": 400, "full": 1200},
    },
)
BLUE, ORANGE = plotting.COLOURS["blue"], plotting.COLOURS["orange"]
GREEN, GREY = plotting.COLOURS["green"], plotting.COLOURS["grey"]

# %% [markdown]
# ## Stage one: a decoder
#
# Participants looked at pictures, and everybody has a linear [decoder](glossary.md#decoder) from responses to the white
# [embedding](glossary.md#embedding) of the picture, as in chapter 10. The 2023 study had 5,000 hidden units between.

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
# What does a hidden layer give? Noise on the responses and the step at which training ends matter as much as its size. So
# both kinds choose theirs on **validation** pictures, and meet on test pictures (`sdc concepts components --out FILE`):

# %%
recorded = studies.recorded_components()
head = ["world", "seed", "hidden layer chose", "linear chose", "gain, top-1"]
hidden = plotting.table(head, studies.hidden_rows(recorded))
say(f"Simulated, recorded:\n\n{hidden}")

# %% [markdown]
# Read the intervals, not the signs: a hidden layer can win by its noise alone.
#
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
models = component_outcomes.subspaces(study, p.seed, p.profile == "smoke")
contrastive = models["contrastive"]
trained = study.pairs("train")
leaked = clone(contrastive).fit(
    trained.true, trained.decoded, items=trained.items
)
accuracy = {name: study.top_1(model) for name, model in models.items()}
accuracy["fitted on training trials"] = study.top_1(leaked)

# %% [markdown]
# The dashed line is identification by the whole embedding. Which components are above it, and which are far below?

# %% Draw how many pictures are identified by each kind of components tags=["fold"]
fig, ax = plotting.figure(width=7.4, height=3.6)
colours = [BLUE, BLUE, *[GREY] * (len(accuracy) - 3), ORANGE]
bars = {name.replace(", ", "\n"): 100 * a for name, a in accuracy.items()}
plotting.plot_bars(bars, ax, colours=colours)
plotting.plot_reference(ax, 100 * whole.mean(), " all dimensions")
plotting.plot_reference(ax, 100 / p.n_test, " chance")
ax.tick_params(axis="x", labelsize=7, rotation=25)
ax.set(ylabel="single trials identified (%)", xlabel="components")
ax.set_xlim(-1.5, len(bars) - 0.5)
plotting.show(
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
if truth is not None:
    best = {
        "PCA of decoded": study.found(subspace),
        "contrastive": study.found(contrastive.components_),
        "cortex axes": study.found(axes.whole.components_),
    }

# %% [markdown]
# A dot is a planted concept with its likest component. How many pass the line?

# %% Draw the planted concepts among the components tags=["fold"]
if truth is not None:
    fig, ax = plotting.figure(width=6.6, height=2.6)
    component_figures.plot_found(ax, best, component_study.SAME)
    counts = {
        n: sum(r >= component_study.SAME for _, r in f.values())
        for n, f in best.items()
    }
    plotting.show(
        fig,
        f"Simulated, planted concepts (of {len(best['cortex axes'])}) with a component of their own: "
        + "; ".join(f"{name} {n}" for name, n in counts.items())
        + ".",
    )

# %% [markdown]
# ## How many, without the truth?
#
# Find the axes in two halves of the **participants**. An axis of all that both halves have too, by at least .9, and that the
# halves have in common with each other, is *reproduced*.
# What could chance do? Responses are given to wrong pictures and everything is done again (shuffled pairs); or three
# random rotations of the subspace are compared.

# %%
reproduced = axes.reproduced()
chance = component_outcomes.chance_agreement(study, subspace, p.n_draws, p.seed)

# %% Draw the agreement of halves, and of chance tags=["fold"]
fig, ax = plotting.figure(width=6.8, height=3.2)
component_figures.plot_reproduction(
    ax, reproduced, chance, "halves of the participants"
)
highest = max(draws.max() for draws in chance.values())
plotting.show(
    fig,
    f"{kind.capitalize()}: {reproduced.n_reproduced} of {len(reproduced.agreement)} axes are reproduced by both halves of "
    f"the participants; the highest agreement of {p.n_draws} draws of either chance is {highest:.2f}.",
)

# %% [markdown]
# ## "Shared" is a condition on people
#
# Halves of the participants cannot give it: either half has somebody with a concept of three people. So count. Somebody has
# an axis whose decoded score says what the *other* axes do not say, better than chance (1 %) and at least half as well as in
# the best person. As in chapter 10, one person and three others have to have it; only such axes go on.

# %%
first = np.argsort(-reproduced.agreement)[: max(2, reproduced.n_reproduced)]
every = axes.whole.components_[first]  # two at least, to show something
n_people = component_people.people_with(study, every)
chosen = np.flatnonzero(n_people >= component_people.MIN_PEOPLE)
chosen = chosen if len(chosen) > 1 else np.arange(2)
directions = every[chosen]
counts = ", ".join(map(str, n_people))
text = f"{kind.capitalize()}, participants with each axis: {counts}"
if truth is not None:
    out = component_people.left_out(study, every, n_people)
    text += f". Left out, by what was planted: {', '.join(out) or 'nothing'}."
say(text)

# %% [markdown]
# ## What is each of them worth?
#
# Two questions. Which does *identification* need? Remove, again and again, the one that is missed least on validation
# pictures. And how well is each *decoded* on test pictures, compared with the most that trials of one picture, which differ,
# allow: its [noise ceiling](glossary.md#noise-ceiling)?

# %%
scores = (axes.whole.transform(y)[:, first[chosen]] for y in pairs[:2])
pruning = concepts.prune_components(*scores, pairs.items)
worth = {}
for name in study.data:
    test = study.pairs("test", [name])
    worth[name] = concepts.decodability(
        *test[:2], directions, test.items, rng=p.seed
    )
one = next(iter(worth))
r = np.array([[i.value for i in own.r] for own in worth.values()])
order = pruning.ranking

# %% [markdown]
# Left: where does the curve end to rise? Right: are late axes badly decoded?

# %% Draw what the axes are worth tags=["fold"]
fig, panels = plotting.figure(1, 2, width=9.4, height=3.4)
panels[0].plot(range(1, len(order) + 1), 100 * pruning.top_1, "o-", color=BLUE)
panels[0].set(xlabel="axes kept", ylabel="validation trials identified (%)")
component_figures.plot_decodability(panels[1], worth[one], order)
panels[1].set(xlabel="axis, in the order of the left panel", ylim=(-0.05, 1))
plotting.show(
    fig,
    f"{kind.capitalize()}. Left: the best {len(order)} axes identify {100 * pruning.top_1[-1]:.0f} % of validation trials, "
    f"half of them {100 * pruning.top_1[len(order) // 2 - 1]:.0f} %. Right, {one}: correlation of true and decoded scores "
    f"with intervals over pictures, noise ceilings in orange. Mean over people and axes {r.mean():.2f}.",
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
# Three things are wrong with it on a cortex. The correlation does not change if all gates are small, so the
# penalty falls for nothing. A patch says the same many times, so that few of its voxels are enough. And a free mask fits
# the noise of the trials it sees. Ask the other way round, **without which voxels can the component not be read**, and
# under noise, so that a single voxel cannot stand for a patch:
#
# $$ \min_m \; \max\big(0,\; r(Yw,\; f((X + \text{noise}) \odot (1 - m))\,w)\big) + \lambda\,\mathrm{E}[\text{open gates}] $$
#
# Gates are random and nearly 0 or 1 (`louizos2018`); $\lambda$ is the one with which masks of two halves of the validation
# pictures agree most.

# %%
people = list(study.data)
one, few = people[:1], people[: 1 if p.profile == "smoke" else 3]
sparsity = component_outcomes.chosen_sparsity(study, directions, p.seed, one)
masks = component_outcomes.fit_kinds(study, directions, sparsity, few)
if truth is not None:
    scores = {n: study.against_planted(m, directions) for n, m in masks.items()}

# %% [markdown]
# *Loadings* is no mask of a decoder: a voxel goes to the component that explains most of what is explained of it. Which
# method covers the planted patches best, and at what cost?

# %% Draw how masks cover the planted patches tags=["fold"]
if truth is not None:
    fig, ax = plotting.figure(width=7.2, height=3.4)
    dice = {
        name: table.groupby("participant")["dice"].mean().to_numpy()
        for name, table in scores.items()
    }
    bars = {name.replace(", ", "\n"): values for name, values in dice.items()}
    plotting.plot_bars(bars, ax, colours=[ORANGE, GREY, GREY, BLUE, GREEN])
    ax.set(ylabel="Dice with the planted patch", xlabel="mask", ylim=(0, 1.05))
    sizes = {name: table["size"].mean() for name, table in scores.items()}
    plotting.show(
        fig,
        f"Simulated, a dot a participant: the published objective (in {len(few)}) has a Dice of "
        f"{dice['published'].mean():.2f} with the patches ({sizes['published']:.0f} voxels a mask of "
        f"{scores['published']['planted'].mean():.0f} planted), removal under noise {dice['remove, noise'].mean():.2f} "
        f"({sizes['remove, noise']:.0f}), joint loadings {dice['loadings'].mean():.2f} ({sizes['loadings']:.0f}).",
    )

# %% [markdown]
# ## Pitfall: "the mask keeps the correlation"
#
# The usual proof of a mask is that the component can still be read through it. Write both sides: the correlation
# through the mask, and **without** it, as shares of that of all voxels.


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
# Left, the diagonal is a component through its own mask. Right: what do random masks of the same size keep?

# %% Draw what masks keep and leave tags=["fold"]
fig, panels = plotting.figure(1, 2, width=9.4, height=3.8)
image = panels[0].imshow(matrix, vmin=0, vmax=1, cmap="viridis")
fig.colorbar(image, ax=panels[0], label="share of the correlation kept")
panels[0].set(xlabel="mask of component", ylabel="component read")
bars = {name.replace(" ", "\n", 1): values for name, values in shares.items()}
plotting.plot_bars(bars, panels[1], colours=[BLUE, GREY, GREY, ORANGE])
panels[1].set(
    ylabel="share of the correlation", xlabel="read through", ylim=(0, 1.15)
)
plotting.show(
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
there = component_people.same_place(study, masks["remove, noise"])
text = (
    f"{kind.capitalize()}, overlap of two people (Jaccard, grid of 4 mm): same "
    f"component {places.same.mean():.2f}, others {places.other.mean():.2f}. "
    f"At somebody else's place: {there.mean():.1f} of {len(study.data)} people."
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
        [concept, test.value, test.null.mean(), test.p_value]
        for concept, test in tests.items()
    ]
    text += "\n\n" + plotting.table(columns, rows)
say(text)

# %% [markdown]
# ## Which way, when?
#
# Three seeds of both worlds, recorded. *Recovered* is counted as in chapter 10. Look at the traps.

# %%
columns = ["world", "simulated, recorded", "recovered, of 10", "traps"]
ways = studies.way_rows(recorded)
noted = "Three numbers are three seeds."
say(f"{plotting.table(columns, ways)}\n\n{noted}")

# %% [markdown]
# Clusters need no number of components, and say of each voxel whether it belongs to anything. Axes find concepts whose
# voxels are mixed with others, and give every voxel a loading. A mask adds one thing to a map: how much of *this decoder*
# rests on the voxels.

# %%
for identifier, interval in studies.headline_intervals(recorded).items():
    topic, part, name = identifier.split(".")
    claims.record(f"{topic}.{part}.{name}", interval)

# %% [markdown]
# ## One person alone
#
# Can it be done with one person? Axes of one participant have a sixth of the voxels to fix them. How many do both halves
# of this person's *pictures* have?

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
# ## Real neurons: three monkeys who saw other pictures
#
# Arrays in area V4 of three monkeys (`cowley2023`), 173 neurons, and no picture that two of them saw: the embedding alone
# links them. It never saw a photograph. Do halves of the *pictures* give the same axes? A fourth session, on another day,
# has single trials: are the axes decoded there?

# %%
has_v4 = p.real_data and datasets.available("macaque_v4")
if has_v4:
    v4 = studies.open_v4(opened.clip, p.n_pictures, p.seed)
    v4_axes = v4.axes()
    v4_same = v4_axes.reproduced()
    v4_chance = v4.shuffled(p.n_draws, p.seed)
    v4_read = v4.on_one_day(v4_axes.whole.components_, p.seed)
    v4_named = {n: a.identified() for n, a in v4.animals.items()}

# %% [markdown]
# Left: which axes stand above shuffled pairs? Right: are they the ones that are decoded on the other day?

# %% Draw the axes of V4 tags=["fold"]
if not has_v4:
    say(
        "*The V4 recordings are not here: skipped. `sdc data fetch macaque_v4` gets them (18 MB).*"
    )
else:
    by = np.argsort(-v4_same.agreement)
    fig, panels = plotting.figure(1, 2, width=9.4, height=3.4)
    component_figures.plot_reproduction(
        panels[0], v4_same, {"shuffled pairs": v4_chance}, "halves of pictures"
    )
    component_figures.plot_decodability(panels[1], v4_read, by)
    shares = "; ".join(
        f"{n} {100 * i.value:.0f} %" for n, i in v4_named.items()
    )
    plotting.show(
        fig,
        f"Real neurons. Left: {v4_same.n_reproduced} of {len(by)} axes are reproduced by halves of the pictures; grey, of "
        f"shuffled pairs, at most {v4_chance.max():.2f}. Right: the axes in single trials of another day, with intervals over "
        f"pictures, noise ceilings in orange. Test pictures identified: {shares}; chance "
        f"{100 / len(v4.one_day.rows['test']):.1f} %.",
    )

# %% [markdown]
# ## On real data
#
# The same cells with the participants of the Natural Scenes Dataset (`allen2022nsd`): `sdc run 12 -p source=nsd -p
# root=... -p n_test=1000`. You need what chapter 10 needs.
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
