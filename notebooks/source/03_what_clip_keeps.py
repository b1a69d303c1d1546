# %% [markdown]
# # What CLIP keeps of a picture, and what it drops
#
# CLIP makes a few hundred numbers of a picture. Many studies predict a brain's responses from these numbers and call
# them "the meaning of the picture". If a brain area responds to something that the numbers do not hold, the model
# misses it, and the miss says nothing about the brain. So what do they hold? The answer in one sentence: **what captions
# name and what goes along with it; what no caption depends on can get lost.** The network is that of Radford and
# colleagues (2021), small, and trained with their loss alone: `radford2021`. (From chapter 06 on the course takes a network
# that was asked for a little more. What that brings stands at the end.)
#
# {{ minutes }}
#
# ## What you will do
#
# - read a property of a picture from its embedding, by a linear probe that you write
# - compare with pixels, an untrained network and the captions, before you say "CLIP represents this"
# - count how many directions of the space are in use
# - find out how well captions stand in for a picture, and how many of them are enough
#
# You need: linear regression, and [CLIP's two towers](02_two_towers.ipynb).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 1  # which scenes, and where every draw starts [0, 999999]
device: str = "auto"  # where to compute {auto, cpu, cuda}
clip_name: str = "course-small"  # CLIP's loss alone; or a name of open_clip
clip_weights: str = "course"  # or a tag such as openai; a file; random
n_gallery: int | None = None  # pictures; None: by profile [150, 10000]
n_seeds: int = 3  # galleries [2, 20]
real_data: bool = True  # use real embeddings, where their file is at hand

# %% Set up: imports, and what each profile computes tags=["fold"]
import numpy as np

from sdc_helpers import (
    contrastive,
    datasets,
    embeddings,
    exercises,
    plotting,
    studies,
)
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.embeddings import small_clip
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import figure, show

p = start(
    "03_what_clip_keeps",
    by_profile={"n_gallery": {"smoke": 150, "workshop": 1000, "full": 2000}},
)
BLUE, ORANGE, GREY, PINK, GREEN = (
    plotting.COLOURS[name]
    for name in ("blue", "orange", "grey", "pink", "green")
)

# %% [markdown]
# The pictures are simulated: scenes that were drawn from a known description. So we know what is in each of them, and
# can ask how much of it an embedding holds. The scenes are split into galleries. Probes are fitted on all but the last,
# and tested on the last.

# %%
network = p.clip_name, p.clip_weights
space = studies.open_clip_space(
    p.n_gallery, p.n_seeds, clip=network, seed=p.seed, device=p.device
)
train, test, table = space.train, space.test, space.factors
images = space.image_features.unit_length().vectors  # pictures x d
texts = space.text_features.unit_length().vectors  # pictures x 5 x d
noted = {"network": space.network, "n_gallery": p.n_gallery}
if p.clip_weights != "course":
    noted["reason"] = "These weights were not trained on such scenes."
say(f"{space.network}: {len(train)} pictures to fit on, {len(test)} to test.")

# %% [markdown]
# ## Reading a property: the linear probe
#
# How many people are in the picture? A [linear probe](glossary.md#linear-probe) asks whether a linear model can read
# that from the [embedding](glossary.md#embedding). Let $Z$ hold the training embeddings, each column
# [z-scored](glossary.md#z-scoring), and $y$ the number of people. [Ridge regression](glossary.md#ridge-regression) with
# penalty $\lambda$ gives the weights
#
# $$ w = (Z^\top Z + \lambda I)^{-1} Z^\top (y - \bar y), \qquad \hat y = \bar y + Z_{\text{test}}\, w $$
#
# and the score is the share of the variance of *test* pictures that it explains:
#
# $$ R^2 = 1 - \frac{\sum_i (y_i - \hat y_i)^2}{\sum_i (y_i - \bar y_{\text{test}})^2} $$
#
# 1 is perfect. 0 is what the mean of the test pictures gets, and a bad model can be below that.
#
# ### Exercise: write the probe
#
# Return $R^2$ on the test pictures. Scale both sides by the mean and standard deviation of the *training* pictures.


# %% tags=["exercise"]
def probe_r2(x_train, y_train, x_test, y_test, penalty):
    return ...  # your answer here


# %%
exercises.check("clip.probe", probe_r2)

# %%
exercises.card("clip.probe")

# %% [markdown]
# The package's `linear_probe` gives the same. It also chooses the penalty by cross-validation, and gives an interval.

# %%
probe_r2 = exercises.yours_or_ours("clip.probe", probe_r2)
x = images.astype(float)
people = table.n_people.to_numpy(float)
data = x[train], people[train], x[test], people[test]
r2 = probe_r2(*data, 10.0)
by_package = embeddings.linear_probe(*data, penalties=[10.0], n_bootstrap=200)
assert np.isclose(r2, by_package.score.value)
say(f"Number of people, simulated scenes: R² = {by_package.score}.")

# %% [markdown]
# Other properties are classes, such as the place. There a logistic regression names the class, and the score must not
# reward naming a frequent class all the time. So take the share of right answers *within each class*, average over the
# $k$ classes (balanced accuracy), and scale it such that guessing, $1/k$, becomes 0 and perfection stays 1. Then it can
# stand beside $R^2$.
#
# ### Exercise: score classes above chance
#
# `true` and `predicted` hold the class of each picture. Return the scaled balanced accuracy.


# %% tags=["exercise"]
def above_chance(true, predicted):
    return ...  # your answer here


# %%
exercises.check("clip.above_chance", above_chance)

# %%
exercises.card("clip.above_chance")

# %% [markdown]
# ## Is it CLIP that knows?
#
# A good score alone says little. Brightness can be read from the pixels too. So read everything from four sources:
#
# - the **picture's embedding**;
# - the [caption average](glossary.md#caption-average), what five captions hold of it;
# - the **untrained network**, what the architecture passes on before it has learned anything;
# - the **pixels**, as many principal components of 16 × 16 blocks as the embedding has dimensions.

# %%
average = space.caption_average(5, np.random.default_rng(p.seed))
sources = {
    "picture": images,
    "caption average": average,
    "untrained network": space.untrained_images,
    "pixels": space.pixels(space.clip.dimension),
}
unsaid = "orientation_sin"  # how the lines of the texture slant
sums = ["indoor", "outdoor_natural", "food", "main_colour"]  # of others
chosen = [name for name in table.columns if name not in sums]
if p.profile == "smoke":
    chosen = ["place", "brightness", "animal", "word", "n_people", "near"]
    chosen.append(unsaid)
probes = studies.probe_sources(sources, table[chosen], train, test, seed=p.seed)
kept = probes.kept

# %%
above_chance = exercises.yours_or_ours("clip.above_chance", above_chance)
named = probes.probes["picture"]["place"].predictions
score = above_chance(probes.truth["place"], named)
assert np.isclose(score, probes.kept["picture"]["place"].value)

# %% [markdown]
# Both sources of a comparison were read on the same test pictures. So draw these pictures anew, with replacement, take
# the difference of the scores in each draw, and you have its interval.

# %%
said = [name for name in chosen if name not in (unsaid, "near", "brightness")]
gained = probes.difference("picture", "untrained network", said, seed=p.seed)
lost = probes.difference("untrained network", "picture", [unsaid], seed=p.seed)
beyond = probes.difference(
    "picture", "caption average", ["brightness"], seed=p.seed
)
claims.record("clip.factors.said", gained, **noted)
claims.record("clip.factors.unsaid", lost, **noted)
claims.record("clip.factors.brightness", beyond, **noted)

# %% [markdown]
# Go down the rows of the figure. Where is blue far right of grey and pink: what did *training* add? Where is it right of
# orange: what is in the picture that five captions do not say? And in which row is blue left of pink?

# %% Draw what each source holds tags=["fold"]
# fmt: off
order = sorted(chosen, key=lambda name: kept["picture"][name].value)
inks = dict(zip(sources, (BLUE, ORANGE, PINK, GREY), strict=True))
fig, ax = figure(width=7.6, height=1.8 + 0.24 * len(order))
for k, (source, colour) in enumerate(inks.items()):
    of_source = [kept[source][name] for name in order]
    of_source = [Interval(*np.maximum([i.value, i.low, i.high], -0.1)) for i in of_source]
    heights = np.arange(len(order)) + 0.15 * (1.5 - k)
    plotting.plot_intervals([], of_source, ax, positions=heights, horizontal=True, colour=colour, lw=1)
ax.set_yticks(range(len(order)), [name.replace("_", " ") for name in order])
ax.hlines(np.arange(len(order)) - 0.5, -0.12, 1.02, color=GREY, lw=0.3)
plotting.name_series(ax, inks, x=1.03, y=0.9, step=0.35 / (1.8 + 0.24 * len(order)) * 0.8)
plotting.plot_reference(ax, 0, "", vertical=True)
ax.set(xlabel="read by a linear probe (0: chance, 1: perfect)", ylabel="factor of the scene", xlim=(-0.12, 1.02))
ax.set_title("What a linear model reads (simulated)", loc="left")
of_people = {source: kept[source]["n_people"].value for source in sources}
of_slant = {source: max(kept[source][unsaid].value, 0.0) for source in sources}
show(
    fig,
    f"Simulated; lines are 95 percent intervals, values below −0.1 are drawn there. The number of people is read at "
    f"{of_people['picture']:.2f} from the picture's embedding, at {of_people['untrained network']:.2f} from the untrained "
    f"network and {of_people['pixels']:.2f} from pixels. How the texture slants (orientation sin) no caption says: "
    f"{of_slant['picture']:.2f}, untrained {of_slant['untrained network']:.2f}.",
)
# fmt: on

# %% Which factors the picture's embedding holds more of than captions tags=["fold"]
gain = {
    name: kept["picture"][name].value - kept["caption average"][name].value
    for name in chosen
}
more = sorted((name for name in chosen if gain[name] > 0.02), key=gain.get)
listed = ", ".join(name.replace("_", " ") for name in more[::-1])
say(
    "In these simulated scenes the picture's embedding holds more than the "
    f"captions' (by more than 0.02) of: **{listed or 'nothing'}**."
)

# %% [markdown]
# There are three groups. What captions **name** is there: people, words, places. What **goes along** with naming is
# there, and better than in the captions: how near things are, how bright it is. Of the rest the five captions hold as
# much or more, since they were written from the scene itself, while the network has to see it. What **no caption
# depends on** is in danger: the texture of every picture runs in some direction, and no caption says which. Its cosine
# part still comes through, because half of the pictures have the direction that is usual at their place. Its sine part
# has little of that.
#
# ## How many directions are in use?
#
# The embedding has hundreds of dimensions. How many of them vary? Let $p_k$ be the share of the variance on principal
# component $k$. The [effective rank](glossary.md#effective-rank) is the exponential of the entropy of these shares:
#
# $$ \text{effective rank} = \exp\Big( -\sum_k p_k \log p_k \Big) $$
#
# It is $m$ if $m$ directions are equally strong, and near 1 if one of them has nearly everything.
#
# ### Exercise: count the directions
#
# `x` holds an embedding a row. Return its effective rank.


# %% tags=["exercise"]
def effective_rank(x):
    return ...  # your answer here


# %%
exercises.check("clip.effective_rank", effective_rank)

# %%
exercises.card("clip.effective_rank")

# %% [markdown]
# The package has it too. A *ceiling* shows what the number of pictures allows: vectors that are spread evenly over the
# sphere, as many and as long.

# %%
effective_rank = exercises.yours_or_ours("clip.effective_rank", effective_rank)
assert np.isclose(effective_rank(x), contrastive.effective_rank(x))
rng = np.random.default_rng([p.seed, 70])
even = rng.normal(size=x.shape)
spaces = {
    "pictures": x,
    "captions": texts[:, 0].astype(float),
    "untrained, pictures": space.untrained_images.astype(float),
    "spread evenly": even / np.linalg.norm(even, axis=1, keepdims=True),
}
ranks = {name: effective_rank(vectors) for name, vectors in spaces.items()}


def variance_shares(vectors):
    s = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False)
    return np.cumsum(s**2) / np.sum(s**2)


shares = {name: variance_shares(vectors) for name, vectors in spaces.items()}

# %% [markdown]
# Each curve says how much of the variance the first components hold. The dot on it is the effective rank. How far are
# blue and orange from using the whole space (grey)?

# %% Draw the variance over components tags=["fold"]
# fmt: off
fig, ax = figure(width=7.0, height=3.3)
inks = dict(zip(spaces, (BLUE, ORANGE, PINK, GREY), strict=True))
for name, colour in inks.items():
    number = np.arange(1, len(shares[name]) + 1)
    ax.plot(number, shares[name], color=colour)
    ax.plot(ranks[name], np.interp(ranks[name], number, shares[name]), "o", color=colour, ms=7)
plotting.name_series(ax, {f"{name}: {ranks[name]:.0f}": colour for name, colour in inks.items()}, x=0.98, y=0.45)
ax.set(xscale="log", xlabel="principal components", ylabel="share of the variance", ylim=(0, 1.03))
ax.set_title(f"Directions in use, of {space.clip.dimension} (simulated)", loc="left")
show(
    fig,
    f"Simulated. The effective rank is {ranks['pictures']:.0f} for pictures, {ranks['captions']:.0f} for captions, "
    f"{ranks['untrained, pictures']:.0f} for pictures before training, and {ranks['spread evenly']:.0f} for "
    f"{len(x)} vectors that are spread evenly.",
)
# fmt: on

# %% [markdown]
# Training *adds* directions: in the untrained network a few hold nearly all of the variance. But it adds those that
# help to tell captions apart, and the pictures come to vary in about as many directions as their captions.
#
# ## Captions in place of the picture
#
# Studies that have captions and no network for pictures embed the captions and average them. In NSD (`allen2022nsd`)
# every picture has five. The caption average is the mean of unit vectors, scaled back to length 1. How good a stand-in
# is it? Search the picture by it. And there is another way to use five captions: count it as a hit if the picture
# finds *any* of its five. That is easier, and not comparable.
#
# ### Exercise: recall with five captions
#
# `cosines` has a row a picture and a column a caption; `owner[j]` is the picture that caption `j` was written for.
# Return [recall](glossary.md#recall-at-k) at `k` from pictures to captions, where any of a picture's own captions
# counts.


# %% tags=["exercise"]
def recall_any_caption(cosines, owner, k):
    return ...  # your answer here


# %%
exercises.check("clip.recall", recall_any_caption)

# %%
exercises.card("clip.recall")

# %%
recall_any_caption = exercises.yours_or_ours("clip.recall", recall_any_caption)
owner = np.repeat(np.arange(p.n_gallery), 5)
cosines = images[test] @ texts[test].reshape(len(owner), -1).T
any_of_five = recall_any_caption(cosines, owner, 1)
first_only = embeddings.retrieval(images[test], texts[test, 0], [1])
averaged = embeddings.retrieval(images[test], average[test], [1])
say(
    f"A picture finds first (simulated, {p.n_gallery} pictures): its one "
    f"caption {first_only.image_to_text[0]:.2f}, its caption average "
    f"{averaged.image_to_text[0]:.2f}, any of its five {any_of_five:.2f}."
)

# %% [markdown]
# Now average one to five captions, drawn anew for each picture. Measure how often the average finds its picture, and how
# well three factors are read from it, by the probe that you wrote.

# %%
numbers = np.arange(1, 6)
recalls, reads = np.empty((2, len(numbers), p.n_seeds))
read_factors = ("animal", "word", "n_people")


def mean_r2(vectors, held):
    fit = np.setdiff1d(np.arange(len(vectors)), held)[:1000]
    values = [table[name].to_numpy(float) for name in read_factors]
    sides = vectors[fit].astype(float), vectors[held].astype(float)
    return np.mean([
        probe_r2(sides[0], y[fit], sides[1], y[held], 10.0) for y in values
    ])  # fmt: skip


for s, gallery in enumerate(space.galleries):
    own = np.arange(len(gallery))
    for i, number in enumerate(numbers):
        order = np.random.default_rng([p.seed, 60, s])
        some = space.caption_average(number, order)
        found = embeddings.retrieval(images[gallery], some[gallery], [1])
        recalls[i, s] = found.text_to_image[0]
        reads[i, s] = mean_r2(some, gallery)
from_picture = np.mean(
    [mean_r2(images, gallery) for gallery in space.galleries]
)

# %%
at_10 = np.array([
    [embeddings.retrieval(images[g], way[g], [10]).text_to_image[0]
     for way in (texts[:, 0], average)]
    for g in space.galleries
])  # fmt: skip
better = Interval.over_seeds(at_10[:, 1] - at_10[:, 0])
claims.record("clip.captions.average", better, **noted)
each = np.diff(recalls, axis=0)  # gain of each further caption, per gallery
less = Interval.over_seeds(each[0] - each[-1])
claims.record("clip.captions.diminishing", less, **noted)

# %% [markdown]
# On both sides, compare the step from one caption to two with that from four to five.

# %% Draw what one to five captions give tags=["fold"]
# fmt: off
fig, axes = figure(1, 2, width=8.8, height=3.3)
plotting.plot_spread(numbers, recalls, axes[0], colour=BLUE, marker="o")
plotting.plot_reference(axes[0], 1 / p.n_gallery, "chance")
axes[0].set(ylabel="recall at 1, captions to picture", ylim=(0, 1.03))
axes[0].set_title(f"Search among {p.n_gallery} (simulated)", loc="left", fontsize=10)
plotting.plot_spread(numbers, reads, axes[1], colour=BLUE, marker="o")
plotting.plot_reference(axes[1], from_picture, "")
axes[1].annotate("from the picture", (5, from_picture - 0.02), ha="right", va="top", color=GREY)
axes[1].set(ylabel="mean R² of three factors", ylim=(0, 1))
axes[1].set_title("Read from the average (simulated)", loc="left", fontsize=10)
for ax in axes:
    ax.set_xticks(numbers)
    ax.set_xlabel("captions averaged")
gains = np.diff(recalls.mean(axis=1))
show(
    fig,
    f"Simulated: the second caption adds {gains[0]:.2f} to recall at 1, the fifth {gains[-1]:.2f}. Right: "
    f"{', '.join(name.replace('_', ' ') for name in read_factors)}, read from one caption at {reads[0].mean():.2f}, from "
    f"five at {reads[-1].mean():.2f}, from the picture at {from_picture:.2f}. Bands: range over {p.n_seeds} galleries.",
)
# fmt: on

# %% [markdown]
# ## What would make it keep more?
#
# CLIP's loss keeps what tells a caption from the others of a batch, and no more. The network of the later chapters,
# `course-fine`, was asked for two things besides, by linear readings of the embedding that were thrown away afterwards:
# which *words* stand in any caption, and how strong *edges* of each direction are in each part of the picture. It also
# pools 4 x 4 places, not 2 x 2, and saw 80,000 scenes. No factor went in. Which factors gained?
#
# It was made so that ten concepts can be found by it later, so it has to hold each of them: their planted values are
# probed too (`concept_...`), on three series of 5,000 scenes that trained nothing (`sdc clip measure`).

# %%
names = ("course-small", "course-fine")
two = [small_clip.small_clip_record(name)["metrics"] for name in names]
parts = [part for part in two[0] if part.startswith("probe_")]
parts.sort(key=two[0].get)
rank, found = "effective_rank_images", "one_caption_image_to_text_at_10"
series = small_clip.small_clip_series("course-fine")
of_concepts = [part for part in parts if part.startswith("probe_concept_")]
weakest = min(of_concepts, key=lambda part: np.mean([s[part] for s in series]))
targets = {
    "concepts": weakest,
    "rank": rank,
    "zero_shot": "zero_shot_main_category",
    "recall": found,
}
for name, part in targets.items():
    values = Interval.over_seeds([s[part] for s in series])
    claims.record(f"clip.fine.{name}", values)

# %% Draw what linear probes read of both networks tags=["fold"]
# fmt: off
fig, ax = figure(width=9.6, height=3.6)
ax.plot([[metrics[part] for metrics in two] for part in parts], "o-")
for line, colour in zip(ax.lines, (GREY, BLUE), strict=True):
    line.set_color(colour)
plotting.name_series(ax, {"course-fine": BLUE, "course-small": GREY}, x=0.03, y=0.84)
ax.set_xticks(range(len(parts)), [part[6:] for part in parts], rotation=60, fontsize=7)
ax.set(xlabel="factor", ylabel="R² or accuracy, held-out scenes", ylim=(0, 1.02))
show(
    fig,
    f"Simulated, recorded, course-fine and course-small: of the concept {weakest[14:]} {two[1][weakest]:.2f} and "
    f"{two[0][weakest]:.2f} is read; "
    f"effective rank {two[1][rank]:.0f} and {two[0][rank]:.0f}; captions found {two[1][found]:.2f} and {two[0][found]:.2f}.",
)
# fmt: on

# %% [markdown]
# ## Pitfall: a probe that reads what is not there
#
# Make up a "factor" that is pure noise. Nothing about the picture holds it. Fit the probe with few pictures and hardly
# any penalty, and look at the score on the pictures that it was *fitted* on.

# %%
noise = np.random.default_rng([p.seed, 80]).normal(size=(len(images), 5))
n_fits = np.array([n for n in (50, 100, 200, 400, 800) if n <= len(train)])
on_training, on_test = np.empty((2, len(n_fits), noise.shape[1]))
for i, n in enumerate(n_fits):
    rows = train[:n]
    for column, y in enumerate(noise.T):
        fitted = x[rows], y[rows]
        on_training[i, column] = probe_r2(*fitted, *fitted, 1.0)
        on_test[i, column] = probe_r2(*fitted, x[test], y[test], 1.0)

# %% [markdown]
# There is nothing to read, so an honest score is 0 or less. Which line says so? And is the other one near 0 with the most
# pictures that were tried?

# %% Draw the score of noise on training and test pictures tags=["fold"]
# fmt: off
fig, ax = figure(width=6.4, height=3.2)
plotting.plot_spread(n_fits, on_training, ax, colour=ORANGE, marker="o")
plotting.plot_spread(n_fits, on_test, ax, colour=BLUE, marker="o")
plotting.plot_reference(ax, 0, "")
plotting.name_series(ax, {"scored on the training pictures": ORANGE, "scored on test pictures": BLUE}, x=0.03, y=0.84)
ax.set(xscale="log", xlabel="pictures to fit on", ylabel="R² of pure noise", ylim=(min(-1.5, on_test.min()), 1.05))
ax.set_xticks(n_fits, n_fits)
ax.minorticks_off()
ax.set_title(f"d = {space.clip.dimension} (simulated)", loc="left")
show(
    fig,
    f"Simulated: noise is \"read\" at {on_training[0].mean():.2f} from {n_fits[0]} pictures, and still at "
    f"{on_training[-1].mean():.2f} from {n_fits[-1]}, if it is scored on the pictures it was fitted on. On test pictures "
    f"it reaches {on_test.mean(axis=1).max():.2f} at most. Bands: range over {noise.shape[1]} draws of noise.",
)
# fmt: on

# %% [markdown]
# Two more to keep in mind. A probe that fails says that no *linear* model of this size reads the factor; it may still
# be there. And a probe that succeeds says that the factor can be read, not that the network uses it, nor that training
# put it there: that is what the untrained network is for.
#
# ## On real data
#
# The embeddings of 500 photographs and their captions by OpenAI's ViT-B/32 (`liang2022`). Nobody knows the factors of
# these pictures, but one question can be asked: how much of a picture's embedding can be told from its caption? Predict
# each principal component of the picture from the caption, on pictures that were left out.

# %%
has_pairs = p.real_data and datasets.available("clip_pairs")
if has_pairs:
    pairs = datasets.load_clip_pairs()
    u, v = (
        side / np.linalg.norm(side, axis=1, keepdims=True)
        for side in (pairs.images.astype(float), pairs.texts.astype(float))
    )
    folds = [np.arange(len(u)) % 5 == fold for fold in range(5)]
    _, s, axes_of_u = np.linalg.svd(u - u.mean(axis=0), full_matrices=False)
    n_shown = 30
    told = np.array([
        [probe_r2(v[~out], y[~out], v[out], y[out], 1000.0) for out in folds]
        for y in axes_of_u[:n_shown] @ u.T
    ])  # fmt: skip
    real_ranks = [effective_rank(side) for side in (u, v)]
else:
    say("*Real embeddings are not here: `sdc data fetch clip_pairs`, 2 MB.*")

# %% [markdown]
# Strong components are on the left. Do captions tell the strong ones better than the weak ones?

# %% Draw what captions tell of real pictures tags=["fold"]
# fmt: off
if has_pairs:
    fig, ax = figure(width=6.8, height=3.2)
    plotting.plot_spread(np.arange(1, n_shown + 1), np.maximum(told, -0.3), ax, colour=BLUE, marker="o", ms=4)
    plotting.plot_reference(ax, 0, "nothing is told")
    ax.set(xlabel="principal component of the picture's embedding", ylabel="R² from the caption", ylim=(-0.32, 1))
    ax.set_title("OpenAI's CLIP, 500 pictures (real)", loc="left")
    show(
        fig,
        f"Real: of the first five components the caption tells {100 * told[:5].mean():.0f} percent of the variance, of "
        f"components 26 to 30 {100 * told[25:].mean():.0f} percent. The effective rank is {real_ranks[0]:.0f} for pictures "
        f"and {real_ranks[1]:.0f} for captions, of 512. Band: range over five folds; below −0.3 drawn there.",
    )
# fmt: on

# %% [markdown]
# One caption tells part of the strongest components, little of the weaker ones. Either the picture holds more than its
# caption, or 400 pairs are too few to learn it. This file cannot tell, so it is no claim.
#
# Every cell above runs with OpenAI's network: `sdc run 03 -p clip_name=ViT-B-32 -p clip_weights=openai -p n_gallery=150
# --time-limit 3600` (340 MB once). It was trained on other captions: expect other factors to be kept.
#
# ## At full size, on a GPU
# Every factor from the shipped weights, on 6,000 scenes.

# %% tags=["gpu"]
if on_gpu(
    "probes of every factor on 6,000 scenes",
    estimate="unmeasured on a GPU",
    recorded="sdc_helpers/embeddings/course_small/metrics.json, from a CPU",
):
    clip = embeddings.load_clip(*network, device="cuda")
    row = studies.measure_on_scenes(clip, 6000, 1000).to_dict().items()
    say("Simulated: " + ", ".join(f"{name} {value:.3f}" for name, value in row))

# %% [markdown]
# ## Take-aways
#
# 1. An embedding is not "the picture in numbers". It holds what captions name and what goes along with it; what no
#    caption depends on can get lost.
# 2. "CLIP represents this" needs three comparisons: the pixels, the untrained network, and test pictures that the probe
#    has not seen.
# 3. An average of captions stands in for a picture, and each further caption adds less. If a brain area responds to
#    something that no caption says, a miss may be the model's.
#
# Next: [the contrastive gap](04_contrastive_gap.ipynb). Further reading: `radford2021` (CLIP), `allen2022nsd` (NSD),
# `liang2022` (the real embeddings used here). Words: the [glossary](glossary.md).
