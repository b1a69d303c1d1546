# %% [markdown]
# # The contrastive gap: why pictures and captions lie apart
#
# CLIP puts a picture and its caption into one space, so that one can be found by the other. Look into that space, and
# all pictures lie in one region, all captions in another. If you compare a brain with such a space, or search in it,
# this gap enters every number. It was called the *modality gap*, and put down to pictures and words being different
# things. Is that the reason? The answer in one sentence: **no, two encoders of the very same pictures drift apart too,
# because a contrastive loss with a low temperature is content before the two sides meet.** After Fahim, Murphy and
# Fyshe (2024), *It's Not a Modality Gap*: `fahim2024`.
#
# {{ minutes }}
#
# ## What you will do
#
# - measure a gap in four ways, one of which you write
# - see the gap of OpenAI's CLIP
# - let the loss open a gap between two encoders of the *same* pictures
# - find out how temperature, dimension and batch decide its size
# - see how a measure of the gap can be fooled
#
# You need: inner products, and CLIP's loss ([CLIP's two towers](02_two_towers.ipynb)).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 1  # which scenes, and where every draw starts [0, 999999]
device: str = "auto"  # where to compute {auto, cpu, cuda}
n_pictures: int | None = None  # training; None: by profile [128, 20000]
n_new: int | None = None  # new pictures; None: by profile [64, 20000]
n_steps: int | None = None  # updates; None: by profile [20, 20000]
dimensions: list[int] | None = None  # None: by profile [2, 512]
n_seeds: int | None = None  # trainings of each kind; None: by profile [2, 20]
real_data: bool = True  # use real embeddings, where their file is at hand

# %% Set up: imports, and what each profile computes tags=["fold"]
import numpy as np
import torch

from sdc_helpers import contrastive, datasets, exercises, plotting, studies
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import COLOURS, figure, show, show_slider

p = start(
    "04_contrastive_gap",
    by_profile={
        "n_pictures": {"smoke": 192, "workshop": 1536, "full": 2048},
        "n_new": {"smoke": 120, "workshop": 600, "full": 5000},
        "n_steps": {"smoke": 20, "workshop": 240, "full": 1500},
        "dimensions": {
            "smoke": [8, 128],
            "workshop": [3, 8, 32, 128],
            "full": [3, 8, 16, 32, 64, 128],
        },
        "n_seeds": {"smoke": 2, "workshop": 3, "full": 3},
    },
)
BLUE, ORANGE, GREEN = (COLOURS[name] for name in ("blue", "orange", "green"))
GREY, BLACK = COLOURS["grey"], COLOURS["black"]
SEEDS = [1000 * p.seed + number for number in range(p.n_seeds)]

# %% [markdown]
# ## Four numbers for two clouds
#
# A CLIP gives picture $i$ a vector $u_i$ of length 1, and its caption a vector $v_i$ of length 1. All these points lie
# on a sphere. The [contrastive gap](glossary.md#contrastive-gap) is the distance between the mean points of the two
# sides, the [centroid distance](glossary.md#centroid-distance):
#
# $$ \text{gap} = \lVert \bar u - \bar v \rVert $$
#
# It is 0 when both sides lie in the same place, and 2 at most. Two more numbers say what it does to the space.
# [Alignment](glossary.md#alignment) asks how far the two members of a pair are apart, and
# [uniformity](glossary.md#uniformity) how well one side is spread over the sphere (`wang2020`):
#
# $$ \text{alignment} = \frac1n\sum_i \lVert u_i - v_i\rVert^2, \qquad
#    \text{uniformity} = \log\, \operatorname{mean}_{i \lt j}\; e^{-2\lVert u_i - u_j\rVert^2} $$
#
# Both are better when lower. Uniformity is 0 when all points coincide. Its floor is what points that are spread evenly
# over the sphere reach. A fourth number is the *separability*: how often a linear classifier can tell whether a new
# point is a picture or a caption. It is 0.5 without a gap.
#
# ### Exercise: write uniformity
#
# `x` holds one side, one unit row an item. Return its uniformity. The pairs $i \lt j$ are pairs of *different* rows.


# %% tags=["exercise"]
def uniformity(x):
    return ...  # your answer here


# %%
exercises.check("contrastive.uniformity", uniformity)

# %%
exercises.card("contrastive.uniformity")

# %% [markdown]
# The next cell goes on with your function if it is right, and with ours if not. It is compared with the package's
# `gap_report` on two simulated sides. Each side has its own offset, so there is a gap.


# %%
def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


uniformity = exercises.yours_or_ours("contrastive.uniformity", uniformity)
rng = np.random.default_rng(p.seed)
offsets = rng.normal(size=(2, 100, 16)) + rng.normal(size=(2, 1, 16))
u, v = unit(offsets)
report = contrastive.gap_report(u, v, seed=p.seed)
gap = np.linalg.norm(u.mean(axis=0) - v.mean(axis=0))
assert np.isclose(report.centroid_distance, gap)
assert np.isclose(report.uniformity, (uniformity(u) + uniformity(v)) / 2)

# %% [markdown]
# ## The gap of OpenAI's CLIP
#
# Now real data: 500 photographs and their captions, as OpenAI's CLIP ViT-B/32 embeds them (`radford2021`).

# %%
has_pairs = p.real_data and datasets.available("clip_pairs")
if has_pairs:
    pairs = datasets.load_clip_pairs()
    real_u = unit(pairs.images.astype(float))
    real_v = unit(pairs.texts.astype(float))
    real = contrastive.gap_report(real_u, real_v, seed=p.seed)
    off = ~np.eye(len(real_u), dtype=bool)
    cosines = {
        "a picture, its own caption": (real_u * real_v).sum(axis=1),
        "a picture, another's caption": (real_u @ real_v.T)[off],
        "two pictures": (real_u @ real_u.T)[off],
        "two captions": (real_v @ real_v.T)[off],
    }
    mean_cosine = {name: c.mean() for name, c in cosines.items()}
else:
    say("*Real embeddings are not here: `sdc data fetch clip_pairs`, 2 MB.*")

# %%
if has_pairs:
    claims.record("contrastive.real.gap", real.centroid_distance)
    claims.record("contrastive.real.separable", real.linear_separability)
    own = mean_cosine["a picture, its own caption"]
    nearer = mean_cosine["two pictures"] - own
    claims.record("contrastive.real.pictures", nearer)
    axis = unit(real_v.mean(axis=0) - real_u.mean(axis=0))
    along = {"pictures": real_u @ axis, "captions": real_v @ axis}

# %% [markdown]
# On the left, every point is placed along the line that joins the two centroids: do the sides overlap? On the right,
# compare the black curve (a picture and its own caption) with the blue one (two pictures of different things).

# %% Draw the two sides of OpenAI's CLIP tags=["fold"]
# fmt: off
if has_pairs:
    fig, axes = figure(1, 2, width=9.4, height=3.4)
    for (side, values), colour in zip(along.items(), (BLUE, ORANGE), strict=True):
        axes[0].hist(values, np.linspace(-0.8, 0.8, 60), color=colour, alpha=0.8)
        axes[0].annotate(side, (values.mean(), 1.01), xycoords=("data", "axes fraction"), color=colour, ha="center")
    axes[0].set(xlabel="position along the line between the centroids", ylabel="items", xlim=(-0.8, 0.8))
    axes[0].set_title("Two sides (real CLIP)", loc="left", pad=18)
    inks = dict(zip(cosines, (BLACK, GREY, BLUE, ORANGE), strict=True))
    for name, values in cosines.items():
        density, edges = np.histogram(values, np.linspace(-0.1, 1, 80), density=True)
        axes[1].plot((edges[1:] + edges[:-1]) / 2, density, color=inks[name])
    plotting.name_series(axes[1], inks, x=0.98, y=0.98, step=0.11)
    axes[1].set(xlabel="cosine", ylabel="density of pairs", xlim=(-0.1, 1.1))
    axes[1].set_title("Who is near whom (real CLIP)", loc="left", pad=18)
    show(
        fig,
        f"Real CLIP. Left: the two sides do not overlap, centroid distance {real.centroid_distance:.2f}. Right: a "
        f"picture and its own caption have a cosine of {mean_cosine['a picture, its own caption']:.2f} on average, two "
        f"pictures of different things {mean_cosine['two pictures']:.2f}.",
    )
# fmt: on

# %% [markdown]
# So two unrelated pictures are nearer to each other than a picture is to its own caption. Retrieval works all the
# same, since it compares a picture with *captions* only: its own is nearer than those of others (black against grey).
#
# ## Is it the modality?
#
# Three explanations were offered for the gap:
#
# 1. **modality**: pictures and words are different things;
# 2. **mismatched pairs**: captions fit badly, or several fit one picture;
# 3. **a cone at the start**: an untrained network maps everything into a narrow region, a *cone*. Two networks have
#    two cones, and what is left of them is the gap (`liang2022`). Or it may show only on *new* pictures.
#
# Switch all of them off at once. Two small networks (perceptrons with three layers) start from different random
# weights. Both see *the same* pictures: one modality, and no wrong pair. We measure on the training pictures. And
# before training we turn one cone onto the other, by the best rotation $W$, the
# [Procrustes rotation](glossary.md#procrustes-rotation). With the singular value decomposition
# $u^\top v = A\,S\,B^\top$, where $u$ and $v$ hold a row an item,
#
# $$ W = A B^\top, \qquad v_i' = W v_i \ \text{ for each row } v_i $$
#
# ### Exercise: rotate one side onto the other
#
# Return all rows of `v`, rotated. Mind that the equation is for a column $v_i$, and your array holds rows.


# %% tags=["exercise"]
def rotated_onto(u, v):
    return ...  # your answer here


# %%
exercises.check("contrastive.rotation", rotated_onto)

# %%
exercises.card("contrastive.rotation")

# %% [markdown]
# The package's `StartRotation` is this rotation and, after it, a shift of the mean, so that the gap of the start is
# exactly what you ask for. Here it is 0.

# %%
rotated_onto = exercises.yours_or_ours("contrastive.rotation", rotated_onto)
package = contrastive.StartRotation(16).double()
package.fit(*(torch.from_numpy(side) for side in (u, v)))
rotated = rotated_onto(u, v)
assert np.allclose(rotated, v @ package.rotation.numpy().T, atol=1e-6)
moved = package(torch.from_numpy(v)).numpy()
say(
    f"Centroid distance of the two simulated sides: {gap:.2f}, rotated "
    f"{contrastive.centroid_distance(u, unit(rotated)):.2f}, and shifted too "
    f"{contrastive.centroid_distance(u, moved):.4f}."
)

# %% [markdown]
# Now train, with CLIP's loss and nothing else. The pictures are simulated scenes, each as 64 principal components of
# its pixels. [Temperature](glossary.md#temperature) 0.01 is where a trained CLIP ends. All runs of one dimension are
# trained together.

# %%
inputs = studies.gap_inputs(p.n_pictures, p.n_new, 10 * p.seed)
x = inputs.pictures
low, high, cold, warm = 8, 128, 0.01, 0.07
training = {"seeds": SEEDS, "n_steps": p.n_steps, "device": p.device}
courses = training | {"record_every": max(1, p.n_steps // 10)}
runs = {
    d: contrastive.train_same_modality(
        x, dimension=d, temperatures=[cold, warm, "learned"], **courses
    )
    for d in sorted({low, high, *p.dimensions})
}

# %% [markdown]
# Then the explanations come back, one at a time. If one of them were needed for a gap, the gap should be small without
# it.

# %%
one = {"dimension": high, "temperatures": [cold], **training}
train = contrastive.train_same_modality
conditions = {
    "the loss alone": runs[high],
    "+ words on one side": train(x, x_v=inputs.words, **one),
    "+ a third of pairs wrong": train(x, mismatched=1 / 3, **one),
    "+ cones at the start": train(x, start_gap=None, **one),
    "+ measured on new pictures": train(
        x, x_measured=inputs.new_pictures, **one
    ),
}
ends = {name: run.at_end(cold) for name, run in conditions.items()}
alone = ends["the loss alone"]
others = [ends[name] / alone for name in conditions if name[0] == "+"]

# %%
claims.record("contrastive.same.end", Interval.over_seeds(alone), d=high)
smallest = Interval.over_seeds(np.min(others, axis=0))
claims.record("contrastive.same.explanations", smallest)

# %% [markdown]
# Look at the orange arrows: they begin at no gap at all. Where do they end, compared with the grey ones?

# %% Draw the gap before and after training tags=["fold"]
# fmt: off
fig, ax = figure(width=7.6, height=3.5)
for row, (name, run) in enumerate(conditions.items()):
    colour = GREY if row else ORANGE
    for number, (begin, end) in enumerate(zip(run.at_start(cold), ends[name], strict=True)):
        height = row + 0.16 * (number - (p.n_seeds - 1) / 2)
        ax.annotate("", (end, height), (begin, height), arrowprops={"arrowstyle": "->", "color": colour})
        ax.plot(begin, height, "o", ms=5, mfc="white", color=colour)
plotting.plot_reference(ax, 0, "", vertical=True)
ax.set_yticks(range(len(conditions)), conditions)
ax.invert_yaxis()
ax.set(xlabel="centroid distance before (dot) and after training (arrow)", xlim=(-0.03, None), ylabel="switched on")
ax.set_title(f"d = {high}, temperature {cold:g} (simulated)", loc="left")
with_one = [values.mean() for name, values in ends.items() if name[0] == "+"]
show(
    fig,
    f"Simulated; an arrow a seed. With every other explanation off, the loss opens a gap of {alone.mean():.2f} from "
    f"nothing. With one of them on it ends at {min(with_one):.2f} to {max(with_one):.2f} on average.",
)
# fmt: on

# %% [markdown]
# The loss is enough. None of the other explanations is needed for a gap. Cones are no harmless start, though: a gap that
# is there before training is not closed by it.
#
# ## Made, or only left open?
#
# A sceptic may say that the loss fails to *close* gaps, and that some tiny difference grew by accident. So start with
# gaps of 0, 0.5 and 1. In few dimensions, and in many.

# %%
starts = (0.0, 0.5, 1.0)
from_start = {
    (d, gap): runs[d] if gap == 0 else train(
        x, dimension=d, temperatures=[cold], start_gap=gap, **courses
    )
    for d in (low, high)
    for gap in starts
}  # fmt: skip

# %% [markdown]
# Follow the three lines in each panel. Do they meet at 0, or do they stay apart?

# %% Draw the gap during training tags=["fold"]
# fmt: off
fig, axes = figure(1, 2, width=8.6, height=3.2, sharey=True)
for ax, d in zip(axes, (low, high), strict=True):
    for gap_at_start, colour in zip(starts, (ORANGE, BLUE, GREEN), strict=True):
        steps, values = from_start[d, gap_at_start].course(cold)
        plotting.plot_spread(steps, values, ax, colour=colour, marker="o", ms=3)
        lift = 13 * starts.index(gap_at_start) if d == low else 0
        plotting.label_line(ax, steps[-1], values[-1].mean(), f"from {gap_at_start:g}", colour, dy=lift)
    plotting.plot_reference(ax, 0, "")
    ax.set(xlabel="updates", xlim=(None, 1.25 * p.n_steps))
    ax.set_title(f"d = {d}, temperature {cold:g} (simulated)", loc="left")
axes[0].set_ylabel("centroid distance")
last = {key: run.at_end(cold).mean() for key, run in from_start.items()}
show(
    fig,
    f"Simulated. In {low} dimensions the gap ends at {max(last[low, g] for g in starts):.2f} or less wherever it "
    f"started. In {high} it opens from 0 to {last[high, 0.0]:.2f}, and from 1 ends at {last[high, 1.0]:.2f}. "
    f"Bands: range over {p.n_seeds} seeds.",
)
# fmt: on

# %% [markdown]
# ## Why the loss is content too early
#
# For a picture $i$, CLIP's loss pulls its own caption near and pushes the wrong ones away. How strongly is caption $j$
# pushed? The derivative of the loss by the cosine $c_j$ says that the share of each wrong one in the push is
#
# $$ w_j = \frac{e^{c_j/\tau}}{\sum_{k\ne i} e^{c_k/\tau}} \quad (j \ne i), \qquad w_i = 0 $$
#
# ### Exercise: which wrong answers push
#
# `cosines` holds the cosines of one picture with all captions of a batch, `right` is the position of its own. Return
# the shares, as many numbers as there are cosines.


# %% tags=["exercise"]
def push_shares(cosines, right, temperature):
    return ...  # your answer here


# %%
exercises.check("contrastive.push", push_shares)

# %%
exercises.card("contrastive.push")

# %% [markdown]
# The derivative that PyTorch takes of its own cross-entropy gives the same shares. Then we count how many of 63 wrong
# answers carry the push before training, at three temperatures: $1/\sum_j w_j^2$ is 1 if a single one does, and 63 if
# all do alike.

# %%
push_shares = exercises.yours_or_ours("contrastive.push", push_shares)
before = runs[high].start[0].astype(float)
batch = before[0, :64] @ before[1, :64].T
logits = torch.tensor(batch[0] / cold, requires_grad=True)
torch.nn.functional.cross_entropy(logits, torch.tensor(0)).backward()
push = logits.grad[1:].numpy()
assert np.allclose(push_shares(batch[0].copy(), 0, cold)[1:], push / push.sum())
n_pushing = {
    tau: np.mean([
        1 / (push_shares(row.copy(), i, tau) ** 2).sum()
        for i, row in enumerate(batch)
    ])
    for tau in (cold, warm, 1.0)
}  # fmt: skip

# %% How many push, in words tags=["fold"]
say(
    "Simulated, before training: "
    + ", ".join(
        f"at temperature {tau:g} the push is shared by {n:.1f}"
        for tau, n in n_pushing.items()
    )
    + " of 63 wrong answers."
)

# %% [markdown]
# At a low temperature only the *nearest* wrong answers count. As soon as these are a little farther away than the right
# one, the loss is nearly 0 and nothing asks a pair to come closer. At a high temperature all wrong answers push all the
# time, and the two sides cannot settle in different places. So train at a range of temperatures.

# %%
taus = [0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.2, 0.5]
swept = contrastive.train_same_modality(
    x, dimension=high, temperatures=taus, **(training | {"seeds": SEEDS[:1]})
)
n_shown = min(500, p.n_pictures)
wrong = ~np.eye(n_shown, dtype=bool)
cosines_at = {}
for tau, (u, v) in zip(taus, swept.end[:, :, :n_shown], strict=True):
    cosines_at[tau] = {
        "own partner": (u * v).sum(axis=1),
        "another's partner": (u @ v.T)[wrong],
        "two of the same side": (u @ u.T)[wrong],
    }

# %% [markdown]
# Move the slider from low to high. Watch two things: how near own partners come to a cosine of 1 (no gap without
# that), and whether the green curve lies right of the grey one. Where it does, each side keeps to itself.

# %% Draw the cosines at each temperature tags=["fold"]
# fmt: off
figures = {}
inks = {"own partner": BLACK, "another's partner": GREY, "two of the same side": GREEN}
for tau in taus:
    fig, ax = figure(width=6.4, height=3.1)
    for name, values in cosines_at[tau].items():
        counts, edges = np.histogram(values, np.linspace(-0.8, 1, 61))
        middle = (edges[1:] + edges[:-1]) / 2
        ax.fill_between(middle, counts / counts.max(), color=inks[name], alpha=0.25)
        ax.plot(middle, counts / counts.max(), color=inks[name])
    plotting.plot_reference(ax, 0, "", vertical=True)
    plotting.name_series(ax, inks, x=0.02, y=0.97, step=0.1)
    ax.set(xlabel="cosine", ylabel="density (highest = 1)", xlim=(-0.8, 1.02), ylim=(0, 1.1))
    ax.set_title(f"temperature {tau:g}: gap {swept.at_end(tau)[0]:.2f} (simulated)", loc="left")
    figures[f"{tau:g}"] = fig
show_slider(
    figures,
    "temperature",
    f"Simulated, d = {high}, the same pictures on both sides. At {taus[0]:g} own partners have a cosine of "
    f"{cosines_at[taus[0]]['own partner'].mean():.2f} and the gap is {swept.at_end(taus[0])[0]:.2f}; at {taus[-1]:g} the "
    f"cosine is {cosines_at[taus[-1]]['own partner'].mean():.2f} and the gap {swept.at_end(taus[-1])[0]:.2f}.",
)
# fmt: on

# %% [markdown]
# ## Dimension and batch
#
# In few dimensions there is no room for two regions: the only way to keep neighbours far is to fill the sphere. In many
# there is room. And a large batch has more wrong answers, so that some are always near.

# %%
by_warmth = Interval.over_seeds(runs[high].at_end(warm) / alone)
by_dimension = Interval.over_seeds(alone - runs[low].at_end(cold))
sizes = [size for size in (32, 64, 128, 512) if size <= p.n_pictures]
by_batch = np.array([
    (runs[high] if size == 64 else train(x, batch_size=size, **one))
    .at_end(cold)
    for size in sizes
])  # fmt: skip
by_size = Interval.over_seeds(by_batch[0] - by_batch[-1])

# %%
at = {"low": low, "high": high, "cold": cold, "warm": warm}
ends_of = {"small": sizes[0], "large": sizes[-1]}
claims.record("contrastive.size.dimension", by_dimension, **at)
claims.record("contrastive.size.temperature", by_warmth, **at)
claims.record("contrastive.size.batch", by_size, **ends_of)

# %% [markdown]
# On the left, compare the two ends of the orange line. In the middle, look how far it stays above the dotted floor. On
# the right, the batch grows.

# %% Draw dimension, temperature and batch tags=["fold"]
# fmt: off
fig, axes = figure(1, 3, width=10.6, height=3.5)
dims = sorted(runs)
lines = {cold: ("0.01", ORANGE), warm: ("0.07", BLUE), "learned": ("learned", BLACK)}
for setting, (_, colour) in lines.items():
    for ax, column in zip(axes, ("centroid_distance", "uniformity"), strict=False):
        values = np.array([runs[d].at_end(setting, column) for d in dims])
        plotting.plot_spread(dims, values, ax, colour=colour, marker="o", ms=4)
fine = np.unique(np.geomspace(dims[0], dims[-1], 40).round())
axes[1].plot(fine, [contrastive.uniform_floor(d) for d in fine], ":", color=GREY)
plotting.name_series(axes[0], {f"temperature {name}": ink for name, ink in lines.values()}, x=0.03, y=0.98)
plotting.name_series(axes[1], {"dotted: evenly spread": GREY}, x=0.98, y=0.98)
plotting.plot_spread(sizes, by_batch, axes[2], colour=ORANGE, marker="o", ms=5)
for ax in axes[:2]:
    ax.set(xscale="log", xlabel="dimensions of the space")
    ax.set_xticks(dims, dims)
axes[2].set(xscale="log", xlabel="pairs in a batch", ylabel="centroid distance", ylim=(0, None))
axes[2].set_xticks(sizes, sizes)
for ax, title in zip(axes, ("The gap", "Uniformity", f"Batch, d = {high}"), strict=True):
    ax.minorticks_off()
    ax.set_title(f"{title} (simulated)", loc="left")
axes[0].set(ylabel="centroid distance after training", ylim=(0, None))
axes[1].set_ylabel("uniformity (lower: more spread)")
at_dims = [runs[d].at_end(cold).mean() for d in (dims[0], high)]
show(
    fig,
    f"Simulated. At temperature {cold:g} the gap is {at_dims[0]:.2f} in {dims[0]} dimensions and {at_dims[1]:.2f} in "
    f"{high}. A batch of {sizes[0]} ends with {by_batch[0].mean():.2f}, one of {sizes[-1]} with "
    f"{by_batch[-1].mean():.2f}. Bands: range over {p.n_seeds} seeds.",
)
# fmt: on

# %% [markdown]
# A CLIP is trained with a learned temperature that ends near 0.01, and in 512 dimensions or more. Both favour a gap.
#
# ## Pitfall: a gap that is closed by a collapse
#
# "The gap is gone and alignment is perfect": is that a success? Make the mistake on purpose. Pull every point of both
# sides towards one and the same point, more and more, and watch what each measure says.

# %%
u, v = runs[high].end[0, :, :n_shown].astype(float)
target = unit(u.mean(axis=0) + v.mean(axis=0))
pulls = np.array([0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95])
pulled = [
    contrastive.gap_report(*(
        unit((1 - pull) * side + pull * target) for side in (u, v)
    ))
    for pull in pulls
]  # fmt: skip

# %% [markdown]
# Two measures on the left get better and better. Only the one on the right shows that all points became one.

# %% Draw what each measure says of a collapse tags=["fold"]
# fmt: off
fig, axes = figure(1, 2, width=8.4, height=3.1)
for name, colour in (("alignment", BLUE), ("centroid_distance", ORANGE)):
    axes[0].plot(pulls, [getattr(r, name) for r in pulled], "o-", ms=4, color=colour)
axes[1].plot(pulls, [r.uniformity for r in pulled], "o-", ms=4, color=BLUE)
plotting.name_series(axes[0], {"alignment": BLUE, "centroid distance": ORANGE})
plotting.plot_reference(axes[0], 0, "best possible")
plotting.plot_reference(axes[1], pulled[0].uniform_floor, "floor: evenly spread")
for ax, title in zip(axes, ("Looks better and better", "Is worse and worse"), strict=True):
    ax.set(xlabel="pull towards one point (share)")
    ax.set_title(f"{title} (simulated)", loc="left")
axes[0].set_ylabel("alignment; centroid distance")
axes[1].set_ylabel("uniformity (0: a single point)")
show(
    fig,
    f"Simulated. The strongest pull brings the gap from {pulled[0].centroid_distance:.2f} to "
    f"{pulled[-1].centroid_distance:.2f} and alignment to {pulled[-1].alignment:.2f}. Uniformity rises to "
    f"{pulled[-1].uniformity:.2f}: the space has collapsed.",
)
# fmt: on

# %% [markdown]
# Report the measures together. And compare spaces of the same dimension only: "no gap" in 3 dimensions is no
# achievement, there is no room for one.
#
# ## On real data
#
# The second section ran on real embeddings (`sdc data fetch clip_pairs`, 2 MB). For your own pairs you need two arrays
# of unit rows, row $i$ of both being pair $i$: `contrastive.gap_report(u, v).as_row()` gives every number of this
# chapter.
#
# ## More dimensions, on a GPU
#
# The cell below trains the same two networks at CLIP's dimension, for more updates.

# %% tags=["gpu"]
if on_gpu(
    "two encoders of the same pictures, d = 512, 10,000 updates",
    estimate="unmeasured on a GPU",
    recorded="the figure above, up to d = 128",
):
    longer = training | {"n_steps": 10_000, "device": "cuda"}
    large = train(x, dimension=512, temperatures=[cold, warm], **longer)
    gaps = [Interval.over_seeds(large.at_end(tau)) for tau in (cold, warm)]
    say(f"d = 512 (simulated): {gaps[0]} at {cold:g}, {gaps[1]} at {warm:g}.")

# %% [markdown]
# ## Take-aways
#
# 1. A contrastive loss can open a gap by itself: the same pictures on both sides, no gap at the start, and one opens.
# 2. A low temperature, many dimensions and a small batch make it larger. The loss is content once the nearest wrong
#    answers are a little farther away than the right one.
# 3. Report centroid distance, alignment and uniformity together. Alone, each can be had by a collapse or by few
#    dimensions.
#
# Next: [closing the gap](05_closing_the_gap.ipynb), and what that buys. Further reading: `fahim2024` (the contrastive
# gap), `liang2022` (the modality gap and the cone), `wang2020` (alignment and uniformity). Words: the
# [glossary](glossary.md).
