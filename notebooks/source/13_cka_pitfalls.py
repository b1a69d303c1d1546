# %% [markdown]
# # CKA pitfalls: when does a brain area really resemble a network layer?
#
# Centred kernel alignment (CKA) is the usual ruler for likeness between a brain area and a layer of a
# network. Held wrongly, it gives **0.7 for pure noise**: the plain, *biased* estimator grows with the number
# of voxels and units, whether or not they have anything in common. The answer in one sentence: use the
# **debiased** estimator, shuffle the rows to see what chance gives, and report both. After Murphy,
# Zylberberg and Fyshe (2024), *Correcting Biased Centered Kernel Alignment Measures in Biological and
# Artificial Neural Networks*, arXiv 2405.01012: `murphy2024cka`.
#
# {{ minutes }}
#
# ## What you will do
#
# - write biased and debiased CKA in ten lines, and say in one picture why the first one is biased
# - predict how large biased CKA is on unrelated data, before measuring it
# - test alignment by shuffling rows, and shuffle *partly* without the usual mistake
# - see the ranking of brain areas and layers turn round when the bias goes, on real recordings
# - write down what a paper should report
#
# You need: matrices and their products, correlation. Helpful: [start here](00_start_here.ipynb).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 2024  # where the random numbers start [0, 4294967295]
device: str = "auto"  # where to compute {auto, cpu, cuda}
n_stimuli: int | None = None  # rows of the random matrices; None: the profile decides [16, 4096]
max_features: int | None = None  # widest random matrix; None: the profile decides [100, 1000000]
n_pictures: int | None = None  # simulated THINGS pictures; None: the profile decides [40, 20000]
n_permutations: int | None = None  # shuffles a test; None: the profile decides [19, 100000]
n_seeds: int = 3  # repetitions of every random experiment [2, 50]
real_data: bool = True  # run the sections on real recordings, where their files are available
weights: str = "random"  # ResNet18's weights: random, imagenet (45 MB download), or a file's path

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy import stats

from sdc_helpers import alignment, exercises
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.datasets import THINGSfMRI, available
from sdc_helpers.embeddings import RESNET18_LAYERS, iter_layer_activations, load_resnet18
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import (
    COLOURS,
    figure,
    label_line,
    plot_heatmap,
    plot_null,
    plot_reference,
    plot_spread,
    show,
)
from sdc_helpers.scenes import generate_scenes, render
from sdc_helpers.simulate import things_images, write_things
from sdc_helpers.studies import load_type_one

p = start(
    "13_cka_pitfalls",
    by_profile={
        "n_stimuli": {"smoke": 256, "workshop": 512, "full": 1024},
        "max_features": {"smoke": 10_000, "workshop": 100_000, "full": 250_000},
        "n_pictures": {"smoke": 100, "workshop": 200, "full": 720},
        "n_permutations": {"smoke": 199, "workshop": 999, "full": 9999},
    },
)
BLUE, ORANGE, GREEN = COLOURS["blue"], COLOURS["orange"], COLOURS["green"]

# %% [markdown]
# ## From the question to the equation
#
# Show the same $n$ stimuli to a brain and to a network. Write the responses as $X$ ($n$ rows, one column a
# voxel) and $Y$ ($n$ rows, one column a unit). The columns cannot be compared: there is no reason why voxel 5
# should match unit 5. The *rows* can: both systems saw stimulus 5. So compare how each system arranges the
# stimuli among themselves, in the Gram matrices $K = XX^\top$ and $L = YY^\top$, with the mean taken out
# ($H = I - \frac1n 11^\top$ centres):
#
# $$ \mathrm{CKA}(X, Y) = \frac{\langle HKH,\; HLH\rangle}{\lVert HKH\rVert\,\lVert HLH\rVert} $$
#
# This is a cosine between two tables of inner products; 1 means the same arrangement of the stimuli.
#
# The **debiased** version replaces the centring. It sets the diagonal to zero and leaves it out of every mean
# (*U-centring*; $r_i$ are the row sums and $S$ the grand total of $K$ without its diagonal):
#
# $$ K'_{ij} = K_{ij} - \frac{r_i + r_j}{n-2} + \frac{S}{(n-1)(n-2)} \quad (i \ne j),
#    \qquad K'_{ii} = 0 $$
#
# and takes the same cosine. Its three inner products are unbiased estimates of the quantity that CKA wants to
# know (the Hilbert-Schmidt independence criterion, `song2012`). Ten lines of numpy hold both:


# %%
def biased_centre(K):
    return K - K.mean(0) - K.mean(1, keepdims=True) + K.mean()


def u_centre(K):
    n, K = len(K), K - np.diag(np.diag(K))
    r = K.sum(0)
    K = K - (r + r[:, None]) / (n - 2) + r.sum() / ((n - 1) * (n - 2))
    return K - np.diag(np.diag(K))


def cosine(K, L):
    return (K * L).sum() / np.sqrt((K**2).sum() * (L**2).sum())


rng = np.random.default_rng(p.seed)
X, Y = rng.normal(size=(50, 30)), rng.normal(size=(50, 200))
for centre, estimator in [(biased_centre, "biased"), (u_centre, "debiased")]:
    by_hand, by_package = cosine(centre(X @ X.T), centre(Y @ Y.T)), alignment.cka(X, Y, estimator)
    assert np.isclose(by_hand, by_package, atol=1e-10)
    say(f"{estimator}: by hand {by_hand:+.4f}, by `alignment.cka` {by_package:+.4f}")

# %% [markdown]
# These $X$ and $Y$ were unrelated random numbers. One of the two estimators knows.
#
# ## Noise that looks like alignment
#
# How bad does it get? Compare one fixed random matrix, as wide as it is tall, with unrelated random matrices
# of growing width. For independent data the biased value is close to
#
# $$ \frac{1}{\sqrt{\left(1 + \frac{n-1}{p_1}\right)\left(1 + \frac{n-1}{p_2}\right)}} $$
#
# with $p_1$, $p_2$ the two widths: a formula without any likeness in it, only sizes. The paper's first figure
# is this experiment with $n = 1024$ and widths up to 250,000.

# %%
n = p.n_stimuli
widths = np.unique(np.geomspace(10, p.max_features, 25).astype(int))
curves = {e: np.empty((len(widths), p.n_seeds)) for e in ("biased", "debiased", "rv2")}
for s in range(p.n_seeds):
    rng = np.random.default_rng([p.seed, s])
    L = alignment.gram(rng.random((n, n)), centre=True)
    K = np.zeros((n, n))
    for i, new in enumerate(np.diff(widths, prepend=0)):
        for part in np.array_split(
            np.arange(new), 1 + new // 8192
        ):  # never a wide matrix in memory
            K += alignment.gram(rng.random((n, len(part))), centre=True) if len(part) else 0
        for estimator, curve in curves.items():
            curve[i, s] = alignment.cka_from_grams(K, L, estimator)
closed_form = np.array([alignment.biased_null(n, width, n) for width in widths])

fig, ax = figure(width=7, height=3.6)
plot_spread(widths, curves["biased"], ax, label="biased", colour=ORANGE)
ax.plot(widths, closed_form, color=COLOURS["black"], lw=1, ls=":")
label_line(ax, widths[8], closed_form[8], "dotted: closed form", COLOURS["black"], dy=-8)
plot_spread(widths, curves["debiased"], ax, colour=BLUE)
plot_spread(widths, curves["rv2"], ax, colour=GREEN, ls="--")
label_line(ax, widths[-1], curves["debiased"][-1].mean(), "debiased", BLUE, dy=-7)
label_line(ax, widths[-1], curves["rv2"][-1].mean(), "RV2", GREEN, dy=7)
plot_reference(ax, 1 / np.sqrt(2), "1/√2")
ax.set(
    xscale="log",
    xlabel="features of the unrelated matrix (columns)",
    ylabel="CKA",
    ylim=(-0.05, 0.85),
)
ax.set_title(f"Two unrelated random matrices, n = {n} rows (simulated)", loc="left")
show(
    fig,
    f"Simulated: with growing width, biased CKA of unrelated matrices climbs to "
    f"{curves['biased'][-1].mean():.2f} along the closed form; debiased CKA stays at zero, RV2 close to it. "
    f"Bands: range over {p.n_seeds} seeds.",
)

# %%
claims.record("cka.random.plateau", curves["biased"][-1].mean())
claims.record("cka.random.closed_form", np.abs(curves["biased"].mean(1) - closed_form).max())
claims.record("cka.random.debiased_zero", Interval.over_seeds(curves["debiased"][-1]))
wide = np.random.default_rng([p.seed, 5]).normal(size=(2, 20, 20_000))
rv2_wide, debiased_wide = (alignment.cka(*wide, e) for e in ("rv2", "debiased"))
say(
    f"RV2 is not the way out. It leaves the diagonal out only *after* plain centring, which has already spread "
    f"some of it over the matrix. Here that is little ({curves['rv2'][-1].mean():+.3f} at the widest); with "
    f"far more features than squared stimuli it is everything: two unrelated simulated matrices of 20 stimuli "
    f"and 20,000 features have RV2 = **{rv2_wide:.2f}**, debiased CKA {debiased_wide:+.2f}. Beside the diagonal "
    f"every entry stands at $-p/n$ with a variance of about $p$, which makes RV2 close to $p/(p + n^2)$."
)
claims.record("cka.random.rv2_not_debiased", abs(rv2_wide - 20_000 / (20_000 + 20**2)))

# %% [markdown]
# The experiment has a fixed-seed form, so that any implementation can be held against it digit by digit: seed
# 2024, the 1024 × 1024 reference drawn first, then widths 10, 100, 1000, 10,000.

# %%
reference_values = {
    "biased": [0.06992, 0.21164, 0.49714, 0.67477],
    "debiased": [0.000336, 0.000403, -0.000885, 0.003018],
}
legacy = np.random.RandomState(2024)  # the generator that the fixed values were made with
reference = legacy.rand(1024, 1024)
measured = {e: [] for e in reference_values}
for width in (10, 100, 1000, 10_000):
    Z = legacy.rand(1024, width)
    for estimator, values in measured.items():
        values.append(alignment.cka(Z, reference, estimator))
differences = [np.subtract(measured[e], reference_values[e]) for e in measured]
claims.record("cka.random.fixed_seed", np.abs(differences).max())

# %% [markdown]
# ## Why: look at the diagonal
#
# Each stimulus resembles *itself*. With many features, the diagonal of a Gram matrix (the squared length of
# each response) is far larger than anything beside it. Plain centring keeps that diagonal, so two unrelated
# Gram matrices share their most visible structure. U-centring removes it.

# %%
rng = np.random.default_rng([p.seed, 10])
A, B = rng.normal(size=(16, 500)), rng.normal(size=(16, 500))
fig, axes = figure(2, 2, width=6.2, height=5.6)
for row, (centre, name) in enumerate([(biased_centre, "centred"), (u_centre, "U-centred")]):
    KA, KB = centre(A @ A.T), centre(B @ B.T)
    limit = 500 if row == 0 else 80
    for ax, M, letter in zip(axes[row], (KA, KB), "XY", strict=True):
        image = ax.imshow(M, cmap="PuOr_r", vmin=-limit, vmax=limit)
        ax.set(xticks=[], yticks=[], xlabel="stimulus", ylabel="stimulus")
        ax.set_title(f"{letter}, {name}", loc="left")
    fig.colorbar(image, ax=axes[row], label="inner product", shrink=0.8)
    axes[row, 1].annotate(
        f"cosine {cosine(KA, KB):+.2f}", (1, 1.02), xycoords="axes fraction", ha="right",
        va="bottom", color=(ORANGE, BLUE)[row], weight="bold",
    )  # fmt: skip
show(
    fig,
    "Simulated: two unrelated matrices, 16 stimuli and 500 features each. Top: the shared diagonal alone "
    "makes the centred Gram matrices nearly the same. Bottom: without it nothing is shared.",
)

# %% [markdown]
# ## Shuffle the rows
#
# The remedy that needs no theory: break the pairing of stimuli on purpose. After a shuffle of the rows of
# $X$, stimulus 5 is compared with some other stimulus, and whatever value remains is not alignment. Many
# shuffles give a null distribution and a p-value,
# $p = (1 + \#\{\text{null} \ge \text{value}\}) / (1 + \#\text{shuffles})$ (`phipson2010`).
# One condition is easily forgotten: the rows must be **exchangeable**. Where nothing is shared, every order
# of them has to be as likely as the one you have. The rows below are drawn independently, so they are; those
# of a scanner often are not, as the real data further down will show.
#
# Below are three simulated areas compared with one layer of 2,000 units: a small one that shares signal with
# the layer, a large one that shares nothing, and a large one that shares signal. Each is drawn anew with
# every seed.


# %%
def responses(latent, n_features, gain, rng):
    """Each feature reads the latent factors with random weights, and adds its own noise."""
    n_rows, n_factors = latent.shape
    signal = latent @ rng.normal(size=(n_factors, n_features))
    return gain * signal + 2.5 * rng.normal(size=(n_rows, n_features))


tables = {"biased": [], "debiased": []}
for s in range(p.n_seeds):
    rng = np.random.default_rng([p.seed, 20, s])
    latent = rng.normal(size=(100, 5))
    layer = responses(latent, 2000, 0.4, rng)
    areas = {
        "related,\n30 voxels": responses(latent, 30, 0.6, rng),
        "unrelated,\n800 voxels": responses(latent, 800, 0.0, rng),
        "related,\n800 voxels": responses(latent, 800, 0.6, rng),
    }
    for e, found in tables.items():
        found.append(alignment.cka_table(areas, {"layer": layer}, e, p.n_permutations, rng=p.seed))
values, p_values, nulls = {}, {}, {}
for e, found in tables.items():
    values[e] = np.stack([t.values[:, 0] for t in found], axis=1)
    p_values[e] = np.stack([t.p_values[:, 0] for t in found], axis=1)
    nulls[e] = np.concatenate([t.null[:, :, 0] for t in found]).T

fig, axes = figure(1, 2, width=8.2, height=3.6)
for ax, e, colour in zip(axes, tables, (ORANGE, BLUE), strict=True):
    plot_null(range(3), nulls[e], values[e], ax, colour=colour)
    ax.set_xticks(range(3), areas)
    for i, passed in enumerate((p_values[e] <= 0.05).sum(axis=1)):
        ax.annotate(f"p ≤ .05: {passed} of {p.n_seeds}", (i, 1.04), ha="center", fontsize=8.5)
    plot_reference(ax, 0, "")
    ax.set(
        xlabel="simulated area",
        ylabel=f"{e} CKA with the layer",
        ylim=(-0.1, 1.1),
        xlim=(-0.6, 2.6),
    )
    ax.set_title(f"{e} (simulated)", loc="left")
show(
    fig,
    "Simulated: a dot a seed, grey the same after shuffling rows. Biased CKA puts the unrelated large area above "
    "the related small one; debiased CKA has its null at zero and the order right.",
)
ahead = {e: values[e][1] - values[e][0] for e in values}  # unrelated and large - related and small
claims.record("cka.shuffle.biased", Interval.over_seeds(ahead["biased"]))
claims.record("cka.shuffle.debiased", Interval.over_seeds(-ahead["debiased"]))

# %% [markdown]
# Of twenty unrelated areas one passes p ≤ .05 by luck, with either estimator: that is what .05 means. Two
# things to keep. The *p-value* is right with either estimator, since the shuffles carry the same bias as
# the value. The *size* is wrong with the biased one: 0.5 may be nothing and 0.3 something.
#
# ## Pitfall: shuffling partly, the wrong way
#
# A good control shuffles a growing fraction $s$ of the rows and watches the alignment fade. If $(1-s)\,n$
# rows keep their partner, a pair of rows is intact with probability about $(1-s)^2$, and so debiased CKA
# should fall to $(1-s)^2$ of its full value. Here is the mistake, made on purpose: the loop below shuffles
# the matrix that the previous step had *already shuffled*.

# %%
fractions = np.linspace(0, 1, 6)
related = areas["related,\n800 voxels"]


def cumulative_curve(X, Y, rng):
    Z, values = X.copy(), []
    for s in fractions:
        rows = rng.choice(len(Z), size=round(s * len(Z)), replace=False)
        Z[rows] = Z[rng.permutation(rows)]  # the fault: Z carries over
        values.append(alignment.cka(Z, Y, "debiased"))
    return values


n_repeats = 40
right = alignment.partial_shuffle_curve(
    related, layer, fractions, n_repeats=n_repeats, estimator="debiased", rng=p.seed
)
faulty = np.array(
    [
        cumulative_curve(related, layer, np.random.default_rng([p.seed, 30, i]))
        for i in range(n_repeats)
    ]
).T
full_value = right.unshuffled

fig, ax = figure(width=6.6, height=3.5)
plot_spread(fractions, right.values / full_value, ax, colour=BLUE, marker="o", ms=5)
plot_spread(fractions, faulty / full_value, ax, colour=ORANGE, marker="o", ms=5)
s_fine = np.linspace(0, 1, 101)
ax.plot(s_fine, (1 - s_fine) ** 2, color=COLOURS["black"], lw=1, ls=":")
label_line(ax, 0.6, right.values[3].mean() / full_value, "fresh copy each time", BLUE, dy=12)
ax.annotate("shuffled again and again", (0.31, 0.2), ha="right", color=ORANGE)
ax.annotate("dotted: (1 − s)²", (0.13, 0.84), color=COLOURS["black"])
plot_reference(ax, 0, "")
ax.set(xlabel="fraction s of rows shuffled", ylabel="debiased CKA, share of the full value")
ax.set_title("The same control, right and wrong (simulated)", loc="left")
show(
    fig,
    f"Simulated: shuffling a fresh copy follows (1 − s)²; shuffling the shuffled matrix falls faster and makes "
    f"the measure look more fragile than it is. Bands: range over {n_repeats} repeats.",
)
claims.record("cka.partial.fresh", np.abs(right.values.mean(1) - right.expected).max() / full_value)
claims.record("cka.partial.cumulative", faulty[2].mean() / full_value)

# %% [markdown]
# ## Areas of different size, layers of different width
#
# Brain areas differ in voxels (112 to 997 in the paper), layers in units (512 to 802,816 in ResNet18). So
# the bias has a *ranking* built in. Left: unrelated areas of growing size against one layer. Right: areas
# that all carry the same signal at the same strength per voxel, where any growth comes from the estimator.
#
# The right panel has a second lesson. Debiased CKA corrects for having few *stimuli*. It still grows with the
# number of voxels, as noise averages out over more of them. **Feature-corrected CKA** (`chun2025`) also
# corrects for having sampled few of the *features*: its self terms leave out the products of a feature with
# itself.

# %%
sizes = np.array([25, 50, 100, 200, 400, 800])
estimators = ("biased", "debiased", "feature_corrected")
unrelated, aligned = ({e: np.empty((len(sizes), p.n_seeds)) for e in estimators} for _ in range(2))


def value_of(X, Y, estimator):
    if estimator == "feature_corrected":
        return alignment.feature_corrected_cka(X, Y).value
    return alignment.cka(X, Y, estimator)


for s in range(p.n_seeds):
    rng = np.random.default_rng([p.seed, 40, s])
    latent = rng.normal(size=(200, 5))
    layer = responses(latent, 500, 1.0, rng)
    for i, size in enumerate(sizes):
        noise, roi = responses(latent, size, 0.0, rng), responses(latent, size, 0.6, rng)
        for e in estimators[:2]:
            unrelated[e][i, s] = value_of(noise, layer, e)
        for e in estimators:
            aligned[e][i, s] = value_of(roi, layer, e)

fig, axes = figure(1, 2, width=8.6, height=3.6, sharex=True)
for e, colour in zip(estimators, (ORANGE, BLUE, GREEN), strict=True):
    for ax, values in zip(axes, (unrelated, aligned), strict=True):
        if ax is axes[1] or e != "feature_corrected":
            plot_spread(sizes, values[e], ax, colour=colour, marker="o", ms=4)
            dy = {"biased": -6, "debiased": 7, "feature_corrected": 0}[e] if ax is axes[1] else 0
            label_line(ax, sizes[-1], values[e][-1].mean(), e.replace("_", "-\n"), colour, dy=dy)
for ax, title in zip(axes, ("Unrelated areas", "Areas with equal signal per voxel"), strict=True):
    ax.set(xscale="log", xlabel="voxels in the area", ylabel="CKA with the layer")
    ax.set_xticks(sizes, sizes)
    ax.minorticks_off()
    ax.set_xlim(7, 2600)
    ax.set_title(f"{title} (simulated)", loc="left")
plot_reference(axes[0], 0, "planted truth")
plot_reference(axes[1], 1, "planted truth")
show(
    fig,
    "Simulated. Left: biased CKA ranks unrelated areas by size, debiased CKA stays at zero. Right: at equal "
    "signal, biased and debiased CKA grow with the voxels; feature-corrected CKA stays at the truth. "
    f"Bands: range over {p.n_seeds} seeds.",
)
grown = {e: unrelated[e][-1] - unrelated[e][0] for e in ("biased", "debiased")}  # 25 to 800
claims.record("cka.size.biased_grows", Interval.over_seeds(grown["biased"]))
claims.record("cka.size.debiased_flat", Interval.over_seeds(grown["debiased"]))
growth = {e: aligned[e][-1] - aligned[e][1] for e in aligned}  # 50 to 800 voxels
of_debiased = growth["feature_corrected"] / growth["debiased"]
claims.record("cka.size.feature_corrected_level", Interval.over_seeds(of_debiased))

# %% [markdown]
# ### Feature correction has conditions
#
# Its denominator is an *estimate* of a small number, and on unrelated, high-dimensional data that estimate is
# negative about half of the time: there is no value then. And its assumption, that the features are a random
# sample of a population, fails for the layers of a network, which come complete. The package returns a
# validity flag, not a silent number. Look at it.


# %%
def share_of(count, n, level=0.95):
    """A share with its exact binomial interval (Clopper-Pearson)."""
    return Interval(count / n, *stats.binomtest(count, n).proportion_ci(level), level)


flags = []
for s in range(300):
    rng = np.random.default_rng([p.seed, 50, s])
    flags.append(alignment.feature_corrected_cka(*rng.normal(size=(2, 60, 300))))
no_root = share_of(sum(f.norm_x * f.norm_y <= 0 for f in flags), len(flags))
invalid = np.mean([not f.valid for f in flags])
refused = next(f for f in flags if not f.valid)
say(
    f"On {len(flags)} simulated pairs of unrelated matrices (60 stimuli, 300 features), the denominator has no "
    f"square root in **{100 * no_root.value:.0f}%**, and **{100 * invalid:.0f}%** are flagged (a self term that is not "
    f"positive, or a value outside [-1, 1]). A flag says why: *{refused.reason}*"
)
claims.record("cka.feature_corrected.no_root", no_root)

# %% [markdown]
# ## Two more traps
#
# **RV2 without centring.** The RV2 coefficient (`smilde2009`) also leaves out the diagonal. But its columns
# must be centred *first*. Real responses have means that are not zero (a voxel's baseline, a unit behind a
# ReLU), and then the uncentred version finds "alignment" in anything.
#
# **Averaging biased CKA over minibatches.** When $n$ is too large for one Gram matrix, the temptation is to
# average CKA over batches. Smaller batches are *more* biased. Average the three unbiased inner products, then
# take the ratio once (`nguyen2021`).


# %%
def rv2_without_centring(X, Y):
    K, L = X @ X.T, Y @ Y.T
    return cosine(K - np.diag(np.diag(K)), L - np.diag(np.diag(L)))


offsets = np.array([0.0, 0.1, 0.2, 0.4, 0.7, 1.0, 2.0])
batch_sizes = np.array([10, 20, 50, 100, 200])
rv2 = {"wrong": np.empty((len(offsets), p.n_seeds)), "right": np.empty((len(offsets), p.n_seeds))}
batched = {
    "wrong": np.empty((len(batch_sizes), p.n_seeds)),
    "right": np.empty((len(batch_sizes), p.n_seeds)),
}
for s in range(p.n_seeds):
    rng = np.random.default_rng([p.seed, 60, s])
    X, Y = rng.normal(size=(2, 100, 300))
    for i, offset in enumerate(offsets):
        rv2["wrong"][i, s] = rv2_without_centring(X + offset, Y + offset)
        rv2["right"][i, s] = alignment.cka(X + offset, Y + offset, "rv2")
    latent = rng.normal(size=(1000, 5))
    X, Y = responses(latent, 200, 0.6, rng), responses(latent, 200, 0.6, rng)
    full = alignment.cka(X, Y, "debiased")
    for i, size in enumerate(batch_sizes):
        batches = [(X[a : a + size], Y[a : a + size]) for a in range(0, 1000, size)]
        batched["wrong"][i, s] = np.mean([alignment.cka(*b, "biased") for b in batches])
        batched["right"][i, s] = alignment.minibatch_cka(batches)

fig, axes = figure(1, 2, width=8.6, height=3.4)
plot_spread(offsets, rv2["wrong"], axes[0], colour=ORANGE, marker="o", ms=4)
plot_spread(offsets, rv2["right"], axes[0], colour=BLUE, marker="o", ms=4)
axes[0].annotate("columns not centred", (0.75, 0.88), color=ORANGE)
axes[0].annotate("columns centred first", (0.75, 0.06), color=BLUE)
axes[0].set(xlabel="mean of every column (standard deviations)", ylabel="RV2 of unrelated data")
axes[0].set_title("RV2 finds the mean (simulated)", loc="left")
plot_spread(batch_sizes, batched["wrong"], axes[1], colour=ORANGE, marker="o", ms=4)
plot_spread(batch_sizes, batched["right"], axes[1], colour=BLUE, marker="o", ms=4)
plot_reference(axes[1], full, "")
axes[1].annotate("mean of biased values", (45, 0.92), color=ORANGE)
axes[1].annotate("unbiased terms, one ratio", (12, full - 0.1), color=BLUE)
axes[1].annotate(
    "dashed: all 1,000 rows at once, debiased", (12, full - 0.2), color=COLOURS["grey"]
)
axes[1].set(xlabel="rows in a batch", ylabel="CKA of related data", xscale="log", ylim=(0, 1))
axes[1].set_xticks(batch_sizes, batch_sizes)
axes[1].minorticks_off()
axes[1].set_title("Small batches are more biased (simulated)", loc="left")
show(
    fig,
    "Simulated. Left: without centring, RV2 of unrelated data goes to 1 as the columns' mean grows. Right: "
    f"averaging biased CKA over batches depends on the batch size. Bands: range over {p.n_seeds} seeds.",
)

# %% [markdown]
# ## THINGS: areas that truly read known layers
#
# On real data nobody knows which layer an area resembles. So plant it. Below, simulated participants look at
# simulated pictures, and the voxels of each area read *one* known module of a random ResNet18 with weights of
# their own, under noise (5% of single-trial variance is signal). The two PPA areas read nothing. The files have
# the table form of THINGS-fMRI; `THINGSfMRI` reads the real release with the same call. Areas have the sizes of
# the paper, 112 to 997 voxels.

# %%
modules = ("maxpool", "layer1.1.conv2", "layer2.1.conv2", "layer3.1.conv2", "layer4.1.conv2", "fc")
planted = {
    "V1": "maxpool", "V2": "maxpool", "V3": "layer1.1.conv2", "hV4": "layer2.1.conv2",
    "VO1": "layer2.1.conv2", "TO1": "layer3.1.conv2", "lFFA": "layer4.1.conv2",
    "rFFA": "layer4.1.conv2", "lEBA": "layer3.1.conv2", "rEBA": "fc",
}  # fmt: skip


def same_geometry(K):
    """Return features whose Gram matrix is K."""
    eigenvalues, eigenvectors = np.linalg.eigh(K)
    return eigenvectors * np.sqrt(np.maximum(eigenvalues, 0))


names = things_images(n_concepts=p.n_pictures // 2, n_sessions=2, n_test=10)
pictures = render(generate_scenes(len(names), seed=p.seed), size=224)
network = load_resnet18("random", seed=0, device=p.device)
module_grams = {
    name: alignment.gram(a, centre=True)
    for name, a in iter_layer_activations(network, pictures, layers=modules, device=p.device)
}

# %%
conditions = ("true", "rows shuffled", "random numbers")
found = {e: {c: [] for c in conditions} for e in ("biased", "debiased")}
with TemporaryDirectory() as folder:
    tree = write_things(
        Path(folder) / "things",
        images=names,
        roi_features={roi: same_geometry(module_grams[m]) for roi, m in planted.items()},
        feature_names=planted,
        noise_ceiling=5.0,
        n_participants=p.n_seeds,
        seed=p.seed,
    )
    things = THINGSfMRI(tree)
    rois = [*planted, "lPPA", "rPPA"]
    for s, who in enumerate(things.participants):
        rng = np.random.default_rng([p.seed, 70, s])
        answers = {roi: things.responses(who, roi).align(names) for roi in rois}
        kept = answers["V1"].positions
        modules_kept = {m: K[np.ix_(kept, kept)] for m, K in module_grams.items()}
        order = rng.permutation(len(kept))
        rows = {
            "true": {r: a.responses for r, a in answers.items()},
            "rows shuffled": {r: a.responses[order] for r, a in answers.items()},
            "random numbers": {r: rng.normal(size=a.responses.shape) for r, a in answers.items()},
        }
        for condition, matrices in rows.items():
            grams = {r: alignment.gram(m, centre=True) for r, m in matrices.items()}
            for e in found:
                table = alignment.cka_table_from_grams(grams, modules_kept, e)
                found[e][condition].append(table.values)

# %%
fig, axes = figure(2, 3, width=9.4, height=7.4, sharex=True, sharey=True)
for row, e in enumerate(found):
    limit = np.abs(found[e]["true"]).max()
    for ax, condition in zip(axes[row], conditions, strict=True):
        mean = np.mean(found[e][condition], axis=0)
        image = ax.imshow(mean, cmap="PuOr_r", vmin=-limit, vmax=limit, aspect="auto")
        for i, roi in enumerate(rois):
            if roi in planted:
                ax.plot(modules.index(planted[roi]), i, "s", mfc="none", mec="black", ms=13)
            if condition == "true" and roi in planted:
                ax.plot(mean[i].argmax(), i, "o", color="black", ms=4)
        ax.set_title(f"{e}, {condition} (simulated)", loc="left", fontsize=9.5)
        ax.set_xticks(range(len(modules)), modules, rotation=60, ha="right", fontsize=8)
        ax.set_yticks(range(len(rois)), rois, fontsize=8)
    fig.colorbar(image, ax=list(axes[row]), label=f"{e} CKA", shrink=0.8)
hits = {
    e: [
        sum(modules[v[i].argmax()] == planted[r] for i, r in enumerate(rois) if r in planted)
        for v in found[e]["true"]
    ]
    for e in found
}
show(
    fig,
    f"Simulated; squares: the planted module, dots: the highest value. Debiased CKA finds {np.mean(hits['debiased']):.0f} "
    f"of {len(planted)} planted modules and nothing in shuffled or random rows; biased CKA finds "
    f"{np.mean(hits['biased']):.0f}, and keeps its colour in shuffled and random rows.",
)

# %%
more_found = np.subtract(hits["debiased"], hits["biased"])  # of each participant
unplanted = [table[-2:].mean() for table in found["debiased"]["true"]]
v1 = {c: np.array([table[0, 0] for table in found["biased"][c]]) for c in conditions}
claims.record("cka.things.recovery", Interval.over_seeds(more_found))
claims.record("cka.things.unplanted", Interval.over_seeds(unplanted))
claims.record("cka.things.v1_biased", Interval.over_seeds(v1["rows shuffled"] / v1["true"]))

# %%
some = (0.2, 0.4, 1.0)
faded = alignment.partial_shuffle_curve(
    answers["V1"].responses, same_geometry(modules_kept["maxpool"]), some, n_repeats=40, rng=p.seed
)
shares = faded.values.mean(axis=1) / faded.unshuffled
say(
    "Shuffled in part, from a fresh copy each time, debiased CKA of V1 with maxpool (simulated THINGS) keeps "
    + ", ".join(f"**{share:.2f}** at s = {s:g}" for share, s in zip(shares, some, strict=True))
    + ". The published curve of the same pair has .65, .23 and .02 (`murphy2024cka`): the fall of a shuffle that is "
    "never undone."
)

# %% [markdown]
# ## Real fMRI: pictures of eight kinds
#
# In the study of `haxby2001` a participant saw blocks of pictures of eight categories in twelve runs. From
# one slice of the brain (493 voxels) take the mean response to each block. Does the arrangement of the blocks
# follow their *categories*? The model is the simplest there is: one column a category, 1 where the block
# shows it.
#
# Mind what may be shuffled. The signal was z-scored within each run, and each run shows each category once. So
# within a run the responses sum to about zero, and so do the centred columns of the model. Blocks of
# different runs are not exchangeable: they change places **within their run** only (`groups=`).

# %%
has_haxby = p.real_data and available("haxby2001")
if not has_haxby:
    say(
        "*The Haxby recordings are not here: skipped. `sdc data fetch haxby2001` gets them (3 MB).*"
    )
else:
    from sdc_helpers.datasets import category_model, load_haxby

    haxby = load_haxby(view="slice")
    model = category_model(haxby.categories, haxby.category_names)
    block_counts = (24, 48, 96)
    tests = {
        e: [
            alignment.permutation_test(
                haxby.responses[:b],
                model[:b],
                p.n_permutations,
                e,
                rng=p.seed,
                groups=haxby.runs[:b],
            )
            for b in block_counts
        ]
        for e in ("biased", "debiased")
    }
    fig, axes = figure(1, 2, width=8.2, height=3.5)
    for ax, (e, results), colour in zip(axes, tests.items(), (ORANGE, BLUE), strict=True):
        plot_null(
            range(3), [t.null for t in results], [t.value for t in results], ax, colour=colour
        )
        ax.set_xticks(
            range(3),
            [f"{b}\np = {t.p_value:.3f}" for b, t in zip(block_counts, results, strict=True)],
        )
        plot_reference(ax, 0, "no alignment")
        ax.set(xlabel="blocks used", ylabel=f"{e} CKA, brain with categories", ylim=(-0.18, 0.45))
        ax.set_xlim(-1.3, 2.5)
        ax.set_title(f"{e} (real fMRI)", loc="left")
    show(
        fig,
        f"Real fMRI. With 24 blocks biased CKA is {tests['biased'][0].value:.2f}, and blocks that change "
        f"places within runs (grey) give {tests['biased'][0].null.mean():.2f}; more blocks make biased CKA smaller and the evidence stronger. Debiased "
        f"nulls stand at {tests['debiased'][0].null.mean():+.3f}, {tests['debiased'][1].null.mean():+.3f} and "
        f"{tests['debiased'][2].null.mean():+.3f}, not at zero: both sides are centred within runs.",
    )

# %% [markdown]
# One participant has no seeds. What varies here are the runs: another twelve would have given another value. Two
# ways to say how much. Three runs hold 24 blocks, so twelve runs hold four *separate* sets of 24. Where a value needs all
# runs, leave out one at a time: the more the value moves, the less certain it is (the *jackknife*). Drawing blocks with
# replacement, the usual bootstrap, would not do: a block that is drawn twice is a perfect match of two rows.
#
# Mind that this is another question than that of the p-value. Shuffles ask whether the value of *these* runs could come
# of nothing; the interval says how large it would be in *other* runs. A small p-value can go with a wide interval.


# %%
def jackknife(value, *left_out):
    """95% interval for other items, from values that leave out one of each kind of item."""
    kinds = [np.array(values) for values in left_out]
    if min(map(len, kinds)) < 2:  # one item says nothing about others
        return Interval(value, -np.inf, np.inf)
    freedom = np.array([len(values) - 1 for values in kinds])
    variances = freedom * [values.var() for values in kinds]  # of each kind, added
    degrees = variances.sum() ** 2 / (variances**2 / freedom).sum()  # Satterthwaite
    half = stats.t.ppf(0.975, degrees) * np.sqrt(variances.sum())
    return Interval(value, value - half, value + half)


one_to_ten = np.arange(1.0, 11)  # of a mean, the jackknife is Student's interval
of_a_mean = jackknife(one_to_ten.mean(), (one_to_ten.sum() - one_to_ten) / 9)
assert np.isclose(of_a_mean.low, Interval.over_seeds(one_to_ten).low)


def above_shuffles(X, Y, runs):
    """Debiased CKA minus the mean of its shuffles within runs."""
    test = alignment.permutation_test(X, Y, p.n_permutations, rng=p.seed, groups=runs)
    return test.value - test.null.mean()


def without_each(of, runs):
    """Leave out one run at a time; `of` takes the rows that stay."""
    return [of(runs != run) for run in np.unique(runs)]


# %%
if has_haxby:
    for e, results in tests.items():
        for b, test in zip(block_counts, results, strict=True):
            claims.record(f"cka.haxby.{e}_{b}", test.value)
    remaining = []
    for rows in np.split(np.arange(96), 4):  # three runs each
        test = alignment.permutation_test(
            haxby.responses[rows], model[rows], p.n_permutations, "biased", rng=p.seed,
            groups=haxby.runs[rows],
        )  # fmt: skip
        remaining.append(test.null.mean() / test.value)
    claims.record("cka.haxby.bias_share", Interval.over_seeds(remaining))

    def with_categories(rows):
        return above_shuffles(haxby.responses[rows], model[rows], haxby.runs[rows])

    every = np.ones(len(model), bool)
    less_a_run = without_each(with_categories, haxby.runs)
    claims.record("cka.haxby.categories", jackknife(with_categories(every), less_a_run))

# %% [markdown]
# Read the left panel again: with *more* data biased CKA goes *down* while the evidence goes up. With 24 blocks
# neither estimator finds anything that shuffling does not; saying "CKA = 0.29" there would be a report of the
# sample size.
#
# ### Odd runs against even runs, and the smallest sample of all
#
# Does the brain agree with itself? Match each block of an odd run with the block of the same category in the
# following even run: 48 rows on each side, shuffled within runs. A common shortcut first averages over runs, which leaves eight
# rows, one a category. It feels cleaner. See what it does to the bias.

# %%
if has_haxby:
    order = {(r, c): i for i, (r, c) in enumerate(zip(haxby.runs, haxby.categories, strict=True))}
    pairs = [(r, c) for r in sorted(set(haxby.runs)) if r % 2 for c in haxby.category_names]
    odd = haxby.responses[[order[r, c] for r, c in pairs]]
    even = haxby.responses[[order[r + 1, c] for r, c in pairs]]
    kinds = np.array([c for _, c in pairs])
    odd_mean, even_mean = (
        np.stack([side[kinds == c].mean(0) for c in haxby.category_names]) for side in (odd, even)
    )
    run_of = np.array([r for r, _ in pairs])
    halves = {
        "48 blocks": (odd, even, run_of),
        "8 category means": (odd_mean, even_mean, np.zeros(8)),
    }
    fig, axes = figure(1, 2, width=8.2, height=3.4)
    halves_tests = {}
    for ax, e, colour in zip(axes, ("biased", "debiased"), (ORANGE, BLUE), strict=True):
        results = [
            alignment.permutation_test(a, b, p.n_permutations, e, rng=p.seed, groups=groups)
            for a, b, groups in halves.values()
        ]
        halves_tests[e] = results
        plot_null(
            range(2), [t.null for t in results], [t.value for t in results], ax, colour=colour
        )
        ax.set_xticks(
            range(2), [f"{k}\np = {t.p_value:.3f}" for k, t in zip(halves, results, strict=True)]
        )
        plot_reference(ax, 0, "")
        ax.set(xlabel="rows compared", ylabel=f"{e} CKA, odd with even runs", xlim=(-0.6, 1.6))
        ax.set_title(f"{e} (real fMRI)", loc="left")
    show(
        fig,
        f"Real fMRI. Averaged to eight rows, biased CKA between odd and even runs is "
        f"{halves_tests['biased'][1].value:.2f} and means nothing: shuffled rows give "
        f"{halves_tests['biased'][1].null.mean():.2f}. Over unaveraged blocks, shuffled within runs, agreement is "
        f"not shown in this one slice.",
    )

# %% [markdown]
# How certain is that? The biased value's mean over *all* shuffles needs no shuffling: a shuffle keeps both traces, so
# the mean is $\mathrm{tr}(HKH)\,\mathrm{tr}(HLH) / ((n-1)\,\lVert HKH\rVert\,\lVert HLH\rVert)$. Leave out one pair of
# runs at a time, and eight rows stay eight.


# %%
def mean_of_shuffles(K, L):
    """Biased CKA, mean over all orders of the rows."""
    K, L = biased_centre(K), biased_centre(L)
    norms = np.sqrt((K**2).sum() * (L**2).sum())
    return np.trace(K) * np.trace(L) / ((len(K) - 1) * norms)


if has_haxby:

    def eight_rows(rows):
        sides = (
            np.stack([side[rows & (kinds == c)].mean(0) for c in haxby.category_names])
            for side in (odd, even)
        )
        return mean_of_shuffles(*(X @ X.T for X in sides))

    def odd_even(rows):
        return above_shuffles(odd[rows], even[rows], run_of[rows])

    every = np.ones(len(run_of), bool)
    for name, of in (("eight_rows", eight_rows), ("odd_even", odd_even)):
        claims.record(f"cka.haxby.{name}", jackknife(of(every), without_each(of, run_of)))

# %% [markdown]
# ## Pitfall: shuffling rows that are not exchangeable
#
# Here is the mistake, made on purpose: the same 48 blocks, any row with any other. Rows that were centred
# within runs are tied to each other; a free shuffle cuts the ties on one side, and what it calls the null
# distribution is that of other data, too narrow and too low. `groups=np.zeros(48)` says that all rows are of
# one group. Said nothing, `permutation_test` finds such runs where they follow each other, and warns.

# %%
if has_haxby:
    free = alignment.permutation_test(
        odd, even, p.n_permutations, rng=p.seed, groups=np.zeros(len(odd))
    )
    within = halves_tests["debiased"][0]
    say(
        f"| shuffled | debiased CKA | mean of the null | p |\n|---|---|---|---|\n"
        f"| any row with any (wrong) | {free.value:.3f} | {free.null.mean():+.3f} | {free.p_value:.3f} |\n"
        f"| within runs | {within.value:.3f} | {within.null.mean():+.3f} | {within.p_value:.3f} |"
    )

# %% [markdown]
# How wrong is that? Draw two sides that have nothing in common, many times, and count how often p ≤ .05: the
# **type I error**, which should be .05. Three kinds of rows (96 of them, 20 features) and five schemes:

# %%
errors, made = load_type_one()
schemes = list(next(iter(errors.values())))
say(
    "| rows | " + " | ".join(schemes) + " |\n|" + "---|" * (1 + len(schemes)) + "\n"
    + "\n".join(
        f"| {kind} | " + " | ".join(f"{row[scheme]:.3f}" for scheme in schemes) + " |"
        for kind, row in errors.items()
    )
    + f"\n\nSimulated, recorded {made['date']} by `sdc nulls type-one`: {made['n_nulls']:,} data sets of each "
    f"kind, {made['n_permutations']} shuffles each. 95 % of valid tests lie between .037 and .064."
)  # fmt: skip

# %%
valid = {
    "independent": schemes,
    "centred within runs": ["rows within runs", "whole runs", "blocks of two runs"],
}
n_nulls = made["n_nulls"]
erred = {
    kind: {scheme: round(error * n_nulls) for scheme, error in row.items()}
    for kind, row in errors.items()
}
fitting = [erred[kind][scheme] for kind, fits in valid.items() for scheme in fits]
together = 1 - 0.05 / len(fitting)  # so that all intervals hold at once (Bonferroni)
largest = share_of(max(fitting), n_nulls, together)
claims.record("cka.null.valid", largest, n_cells=len(fitting))
in_time = erred["autocorrelated"]["circular shift"]
claims.record("cka.null.circular", share_of(in_time, n_nulls))
claims.record("cka.null.free", share_of(erred["centred within runs"]["rows"], n_nulls))

# %% [markdown]
# Read it by rows. Independent rows may be shuffled in any way. Rows centred within runs stay within their run, or
# whole runs change places. Rows that follow each other in time are shifted all together; blocks help only as far as
# they are longer than the correlation. Which null answers which question, for all chapters, is in
# [one table](nulls.md).

# %% [markdown]
# ## Real brains and a real network: 92 objects
#
# The study of `kriegeskorte2008` showed 92 photographs of objects and published how different the responses
# of human inferior temporal cortex (IT) to each pair are: a dissimilarity matrix (RDM), for four participants
# in two sessions each. One minus the correlation of two patterns is, up to a factor, the squared distance of
# the standardised patterns, and squared distances $D$ turn into a centred Gram matrix by double centring, $K
# = -\tfrac12 HDH$. So CKA works on published RDMs too.
#
# First a **ceiling**: how well does one participant's IT match another's? And, with less noise, how well does
# one participant (both sessions) match the mean of the others? A network cannot be expected to do better.

# %%
has_objects = p.real_data and available("objects92")
if not has_objects:
    say(
        "*The 92-object recordings are not here: skipped. `sdc data fetch objects92` gets them (4 MB).*"
    )
else:
    from sdc_helpers.datasets import load_objects92

    objects = load_objects92()
    brains = {
        f"{who} {session}": alignment.gram_from_rdm(objects.it_rdms[i, j])
        for i, who in enumerate(objects.participants)
        for j, session in enumerate(objects.sessions)
    }
    reliability = alignment.cka_table_from_grams(brains, brains, "debiased")
    person = np.repeat(np.arange(len(objects.participants)), len(objects.sessions))
    others = person[:, None] != person
    between = reliability.values[others]
    within = [
        reliability.values[i, j]
        for i, j in zip(*np.triu_indices(len(brains), 1), strict=True)
        if person[i] == person[j]
    ]

    fig, ax = figure(width=6, height=4.2)
    plot_heatmap(
        np.where(np.eye(len(brains)), np.nan, reliability.values), reliability.rows, reliability.columns, ax,
        label="debiased CKA", limit=0.5,
    )  # fmt: skip
    ax.set_title("Human IT, participant and session (real fMRI)", loc="left")
    ceilings = [
        alignment.cka_from_grams(
            alignment.gram_from_rdm(objects.it_rdms[i].mean(0)),
            alignment.gram_from_rdm(np.delete(objects.it_rdms, i, axis=0).mean((0, 1))),
        )
        for i in range(len(objects.participants))
    ]
    ceiling = float(np.mean(ceilings))
    show(
        fig,
        f"Real fMRI: debiased CKA between sessions of one participant averages {np.mean(within):.2f}, between "
        f"single sessions of two participants {between.mean():.2f}. One session (KO 1) is poor. One participant "
        f"against the mean of the others reaches {ceiling:.2f}: the ceiling.",
    )

# %% [markdown]
# Four people stand for all people here and 92 pictures for all pictures. So leave out one person at a time, then one
# picture at a time, and add both variances:

# %%
if has_objects:
    rdms = objects.it_rdms.reshape(-1, *objects.it_rdms.shape[2:])
    pictures_but_one = [np.delete(np.arange(92), i) for i in range(92)]

    def mean_between(pictures):
        few = [u_centre(alignment.gram_from_rdm(rdm[np.ix_(pictures, pictures)])) for rdm in rdms]
        units = np.array([K.ravel() / np.linalg.norm(K) for K in few])
        return (units @ units.T)[others].mean()

    less_a_person = [
        reliability.values[others & (person != i) & (person != i)[:, None]].mean()
        for i in np.unique(person)
    ]
    less_a_picture = [mean_between(pictures) for pictures in pictures_but_one]
    claims.record(
        "cka.it.between_participants", jackknife(between.mean(), less_a_person, less_a_picture)
    )

# %% [markdown]
# ### Which layer is most like IT?
#
# Now 20 modules of ResNet18 against the mean human IT. Activations are flattened, never pooled: the first
# module alone has 802,816 features an image. The package keeps one Gram matrix a module and never all
# activations. Each module is tested by shuffling, and the p-value is corrected over the 20 modules by the
# largest value of each shuffle.

# %%
if has_objects:
    quick = ("conv1", "layer1.1.conv2", "layer2.1.conv2", "layer3.1.conv2", "layer4.1.conv2", "fc")
    layers = quick if p.profile == "smoke" else RESNET18_LAYERS
    n_networks = p.n_seeds if (p.weights == "random" and p.profile != "smoke") else 1
    human_it = {"human IT": alignment.gram_from_rdm(objects.mean_rdms["human"])}
    profiles, ends = {"biased": [], "debiased": []}, []
    for network_seed in range(n_networks):
        network = load_resnet18(p.weights, seed=network_seed, device=p.device)
        activations = iter_layer_activations(
            network, objects.images, layers=layers, device=p.device
        )
        grams = {name: alignment.gram(a, centre=True) for name, a in activations}
        ends.append((grams["conv1"], grams["fc"]))
        for e, found in profiles.items():
            found.append(
                alignment.cka_table_from_grams(grams, human_it, e, p.n_permutations, rng=p.seed)
            )
    it_curves = {
        e: np.stack([t.values[:, 0] for t in found], axis=1) for e, found in profiles.items()
    }
    it_nulls = {e: found[0].null[:, :, 0] for e, found in profiles.items()}

# %%
if has_objects:
    named = (
        f"random weights, seeds {list(range(n_networks))}"
        if p.weights == "random"
        else f"weights {p.weights}"
    )
    fig, axes = figure(1, 2, width=9.4, height=4.2, sharey=True)
    x = np.arange(len(layers))
    for ax, e, colour in zip(axes, it_curves, (ORANGE, BLUE), strict=True):
        low, middle, high = np.quantile(it_nulls[e], (0.025, 0.5, 0.975), axis=0)
        ax.fill_between(x, low, high, color=COLOURS["grey"], alpha=0.4, lw=0)
        ax.plot(x, middle, color=COLOURS["grey"], lw=1)
        plot_spread(x, it_curves[e], ax, colour=colour, marker="o", ms=4)
        best = int(it_curves[e].mean(1).argmax())
        plot_reference(ax, best, f" highest: {layers[best]}", vertical=True)
        ax.set_xticks(x, layers, rotation=90, fontsize=7.5)
        ax.set(xlabel="module of ResNet18", ylabel="CKA with human IT")
        ax.set_title(f"{e} (real fMRI, {named})", loc="left", fontsize=9.5)
        ax.annotate("rows shuffled", (x[-1], high[-1]), xytext=(0, 7), textcoords="offset points",
                    ha="right", color=COLOURS["grey"], fontsize=8.5)  # fmt: skip
    plot_reference(axes[1], ceiling, "")
    axes[1].annotate("one person with the others", (x[-1], ceiling), xytext=(0, 5), fontsize=8.5,
                     textcoords="offset points", ha="right", color=COLOURS["grey"])  # fmt: skip
    show(
        fig,
        "Real fMRI, network untrained unless weights are given. Biased CKA carries its null with it: wide early "
        "modules look best and conv1 beats fc. Debiased CKA, null at zero, puts fc above conv1.",
    )

# %% [markdown]
# Two modules make the point: conv1, the widest, and fc, the narrowest. How far apart are they for either estimator,
# and would they be for other people, other pictures and (where weights are random) other networks? The figure is a
# fact about these people and pictures. Before you say that IT *as such* has this order, see what the intervals allow.


# %%
def measures_of_ends(people, pictures=slice(None)):
    """For each network: biased conv1 - fc, debiased fc - conv1, share of conv1's shuffles."""
    L = alignment.gram_from_rdm(objects.it_rdms[people].mean((0, 1))[pictures][:, pictures])
    rows = []
    for both in ends:
        conv1, fc = (K[pictures][:, pictures] for K in both)
        of = {
            e: [cosine(centre(K), centre(L)) for K in (conv1, fc)]
            for e, centre in (("biased", biased_centre), ("debiased", u_centre))
        }
        (b_conv1, b_fc), (d_conv1, d_fc) = of["biased"], of["debiased"]
        share = mean_of_shuffles(conv1, L) / b_conv1
        rows.append((b_conv1 - b_fc, d_fc - d_conv1, share))
    return np.array(rows)


# %%
if has_objects:
    everyone = range(len(objects.participants))
    of_networks = measures_of_ends(list(everyone))
    less = {
        "people": [measures_of_ends([j for j in everyone if j != i]).mean(0) for i in everyone],
        "pictures": [measures_of_ends(list(everyone), q).mean(0) for q in pictures_but_one],
    }
    if p.weights == "random":
        n = len(of_networks)
        less["networks"] = (
            [np.delete(of_networks, i, axis=0).mean(0) for i in range(n)] if n > 1 else of_networks
        )
    varied = " and ".join([", ".join(list(less)[:-1]), list(less)[-1]])
    for k, name in enumerate(("biased_order", "debiased_order", "shuffled_biased")):
        interval = jackknife(
            of_networks[:, k].mean(), *([row[k] for row in rows] for rows in less.values())
        )
        claims.record(f"cka.it.{name}", interval, named=named, varied=varied)

# %%
if has_objects:
    share = it_curves["debiased"].mean(1).max() / ceiling
    say(
        f"The best module reaches **{100 * share:.0f}%** of what one person's IT reaches with the others "
        f"({named}). Where the weights are random that is not an error: random convolutions keep the low-level "
        f"likeness of photographs (outlines on a grey ground), and IT responds to that too. Shuffling asks "
        f"*more than nothing?*; it does not ask *because of training?* For that question the untrained network "
        f"is the control to draw in."
    )

# %% [markdown]
# ## What to report
#
# The sentence a reader needs holds the estimator, the sizes, the null and the ceiling:

# %%
if has_objects:
    table, best = profiles["debiased"][0], int(profiles["debiased"][0].values.argmax())
    subject = f"{layers[best]} of ResNet18 ({named.split(',')[0]})"
    say(
        f"> Debiased linear CKA between {subject} and mean human IT is "
        f"{table.values[best, 0]:.3f} (n = {len(objects.images)} images, no averaging over images; "
        f"{p.n_permutations} row shuffles: mean {table.null[:, best, 0].mean():.3f}, "
        f"p = {table.p_values_fwe[best, 0]:.3g}, corrected over {len(layers)} modules). One participant's IT "
        f"reaches {ceiling:.2f} on average with the mean of the others. The biased value is "
        f"{it_curves['biased'][best, 0]:.3f}, its shuffled mean {it_nulls['biased'].mean(0)[best]:.3f}."
    )

# %% [markdown]
# - the **estimator**, by name and equation: papers that say "CKA" mean three different things
# - **n**, the number of voxels and units, and what was averaged before
# - the **shuffled** value or its distribution, with the number of shuffles
# - a **ceiling**: another participant, another session; and a **control**: the untrained network
# - negative values as they are. A clamp at zero breaks the null.
# - images without a response left out, never filled with zeros
#
# The published pattern on THINGS-fMRI (720 images, ResNet18; `murphy2024cka`), for comparison:
#
# | area, module | biased, true | biased, shuffled | debiased, true | debiased, shuffled |
# |---|---|---|---|---|
# | V1, maxpool | .1029 | .0576 | .0489 | −.0002 |
# | left PPA, conv1 | .1085 | .1058 | .0031 | −.0001 |
#
# ## Exercises
#
# ### 1. Write the debiasing
#
# Given two Gram matrices, return debiased CKA. Start from the equation at the top, without looking at the cell
# below it.


# %% tags=["exercise"]
def debiased_cka(K, L):
    return ...  # your answer here


# %%
exercises.check("cka.debias", debiased_cka)

# %%
exercises.card("cka.debias")

# %% [markdown]
# ### 2. Predict the plateau
#
# Unrelated data, `n` stimuli, `p1` and `p2` features. Return the biased CKA to expect, from the sizes alone.
# Then change `n_stimuli` above and see whether the curve ends where you say.


# %% tags=["exercise"]
def expected_biased(n, p1, p2):
    return ...  # your answer here


# %%
exercises.check("cka.plateau", expected_biased)

# %%
exercises.card("cka.plateau")

# %% [markdown]
# ### 3. Find the fault in the cumulative shuffle
#
# `moves` is a list of pairs `(rows, sources)`: at that step, row `rows[i]` of the result comes from row
# `sources[i]` of the **original** matrix. Return the list of shuffled matrices, one a step. `cumulative_curve`
# above has the fault.


# %% tags=["exercise"]
def shuffled_copies(X, moves):
    return ...  # your answer here


# %%
exercises.check("cka.fresh_copies", shuffled_copies)

# %%
exercises.card("cka.fresh_copies")

# %% [markdown]
# ### 4. Choose the right report for two areas of different size
#
# Two areas, `A` and `B` (stimuli × voxels), one `layer`, and row orders `orders` to shuffle with. Return `"A"`
# or `"B"` for the area that is more aligned with the layer, or `"neither"` if none of them beats its shuffles
# (p ≤ 0.05, the measured value counted in). You may use `alignment.cka`.


# %% tags=["exercise"]
def more_aligned(A, B, layer, orders):
    return ...  # your answer here


# %%
exercises.check("cka.report", more_aligned)

# %%
exercises.card("cka.report")

# %% [markdown]
# ## On your own data
#
# Anything that gives you responses as (stimuli × features) works, also larger than memory:
#
# ```python
# import numpy as np
# from sdc_helpers import alignment
#
# layers = {"conv1": np.load("conv1.npy", mmap_mode="r"), ...}   # read block by block
# areas = {"V1": v1, "FFA": ffa}                                 # the same stimuli, the same order
# table = alignment.cka_table(layers, areas, "debiased", n_permutations=9999, rng=0)
# table.values, table.p_values, table.p_values_fwe
# ```
#
# The papers' own data: THINGS-fMRI's table form (three participants, about 20 GB; its reader belongs to the
# chapter on data). ImageNet weights instead of random ones: `sdc run 13 -p weights=imagenet` (45 MB once), or
# the path of a checkpoint.
#
# ## At the paper's size, on a GPU
#
# 720 images, 20 modules, 12 areas, 10,000 shuffles of every pair. The tests make the same call, small, on the
# CPU.

# %% tags=["gpu"]
if on_gpu(
    "20 layers x 12 areas x 10,000 shuffles at n = 720",
    estimate="unmeasured on a GPU",
    recorded="benchmarks/README.md has the CPU figure for 1,000 shuffles",
):
    import torch

    generator = torch.Generator(device="cuda").manual_seed(p.seed)
    wide, narrow = (
        {
            f"{kind} {i}": torch.randn(720, width, device="cuda", generator=generator)
            for i in range(count)
        }
        for kind, count, width in (("layer", 20, 20_000), ("area", 12, 500))
    )
    big = alignment.cka_table(wide, narrow, "debiased", n_permutations=10_000, rng=p.seed)
    say(
        f"Largest of 240 simulated unrelated pairs: {big.values.max():.4f}; smallest corrected p: {big.p_values_fwe.min():.3f}"
    )

# %% [markdown]
# ## Take-aways
#
# 1. Biased CKA measures your sample size: its null is not zero and grows with voxels, units, and fewer stimuli.
# 2. Debias, shuffle, and keep negative values. For areas of different size, look at feature-corrected CKA, and
#    at its flag.
# 3. A ranking of areas or layers by biased CKA can be a ranking by size. Report n, sizes, null, ceiling.
#
# Further reading: `murphy2024cka` (the bias in brains and networks), `kornblith2019` (CKA), `song2012` (the
# unbiased estimator), `szekely2014` (U-centring), `chun2025` (sampling of features). Words: the
# [glossary](glossary.md).
