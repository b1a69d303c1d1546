# %% [markdown]
# # CKA pitfalls: when are a brain and a network alike?
#
# Centred kernel alignment (CKA) is the usual ruler for likeness between a brain area and a layer of a
# network. Held wrongly, it gives **0.7 for pure noise**: the plain, *biased* estimator grows with the number
# of voxels and units, whether or not they have anything in common. The answer in one sentence: **use the
# debiased estimator, shuffle the rows to see what chance gives, and report both.** After Murphy,
# Zylberberg and Fyshe (2024): `murphy2024cka`.
#
# {{ minutes }}
#
# ## What you will do
#
# - write debiased CKA in ten lines, and say in one picture why the plain one is biased
# - predict how large biased CKA is on unrelated data, before measuring it
# - test alignment by shuffling rows, and shuffle *partly* without the usual mistake
# - see on real recordings how few stimuli make a large number, and which rows may be shuffled
#
# You need: matrices and their products, correlation. Helpful: [start here](00_start_here.ipynb).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 2024  # where the random numbers start [0, 4294967295]
device: str = "auto"  # where to compute {auto, cpu, cuda}
n_stimuli: int | None = None  # rows; None: the profile decides [16, 4096]
max_features: int | None = None  # widest matrix; None: profile [100, 1000000]
n_permutations: int | None = None  # shuffles; None: profile [19, 100000]
n_seeds: int = 3  # repetitions of every random experiment [2, 50]
real_data: bool = True  # run the sections on real recordings, where available

# %% Set up: imports, and what each profile computes tags=["fold"]
import numpy as np

from sdc_helpers import alignment, exercises, measures, plotting
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.datasets import available
from sdc_helpers.plotting import COLOURS, figure, show
from sdc_helpers.studies import cka_studies, load_type_one, recordings

p = start(
    "13_cka_pitfalls",
    by_profile={
        "n_stimuli": {"smoke": 256, "workshop": 512, "full": 1024},
        "max_features": {"smoke": 10_000, "workshop": 100_000, "full": 250_000},
        "n_permutations": {"smoke": 199, "workshop": 999, "full": 9999},
    },
)
COLOUR_OF = {"biased": COLOURS["orange"], "debiased": COLOURS["blue"]}
GREEN, GREY, BLACK = COLOURS["green"], COLOURS["grey"], COLOURS["black"]
over = measures.Interval.over_seeds

# %% [markdown]
# ## From the question to the equation
#
# Show the same $n$ stimuli to a brain and to a network. Write the responses as $X$ ($n$ rows, one column a
# voxel) and $Y$ ($n$ rows, one column a unit). The columns cannot be compared: there is no reason why voxel 5
# should match unit 5. The *rows* can: both systems saw stimulus 5. So compare how each system arranges the
# stimuli among themselves, in the [Gram matrices](glossary.md#gram-matrix) $K = XX^\top$ and $L = YY^\top$, with
# the mean taken out ([centring](glossary.md#centring), $H = I - \frac1n 11^\top$):
#
# $$ \mathrm{CKA}(X, Y) = \frac{\langle HKH,\; HLH\rangle}{\lVert HKH\rVert\,\lVert HLH\rVert} $$
#
# This is a cosine between two tables of inner products; 1 means the same arrangement of the stimuli.


# %%
def centre(K):
    return K - K.mean(0) - K.mean(1, keepdims=True) + K.mean()


def cosine(K, L):
    return (K * L).sum() / np.sqrt((K**2).sum() * (L**2).sum())


rng = np.random.default_rng(p.seed)
X, Y = rng.normal(size=(50, 30)), rng.normal(size=(50, 200))  # unrelated
K, L = X @ X.T, Y @ Y.T
biased = cosine(centre(K), centre(L))
assert np.isclose(biased, alignment.cka(X, Y, "biased"))

# %% [markdown]
# The [debiased](glossary.md#debiased-cka) version replaces the centring. It sets the diagonal to zero and leaves it out
# of every mean ([U-centring](glossary.md#u-centring); $r_i$ are the row sums and $S$ the grand total of $K$ without
# its diagonal),
#
# $$ K'_{ij} = K_{ij} - \frac{r_i + r_j}{n-2} + \frac{S}{(n-1)(n-2)} \quad (i \ne j),
#    \qquad K'_{ii} = 0 $$
#
# and takes the same cosine. Its three inner products are unbiased estimates of the quantity that CKA wants to
# know (`song2012`). Write it: given two Gram matrices, return debiased CKA. `cosine` above is yours to use.


# %% tags=["exercise"]
def debiased_cka(K, L):
    return ...  # your answer here


# %%
exercises.check("cka.debias", debiased_cka)

# %%
exercises.card("cka.debias")

# %%
debiased_cka = exercises.yours_or_ours("cka.debias", debiased_cka)
debiased = debiased_cka(K, L)
assert np.isclose(debiased, alignment.cka(X, Y, "debiased"))
say(
    f"Simulated, two unrelated matrices: biased CKA **{biased:.3f}**, "
    f"debiased CKA **{debiased:+.3f}**. One of the two knows."
)

# %% [markdown]
# ## Noise that looks like alignment
#
# How bad does it get? Compare one fixed random matrix, as wide as it is tall, with unrelated random matrices
# of growing width. For independent data the biased value is close to a formula without any likeness in it, only
# sizes: with widths $p_1$ and $p_2$,
#
# $$ \frac{1}{\sqrt{\left(1 + \frac{n-1}{p_1}\right)\left(1 + \frac{n-1}{p_2}\right)}} $$
#
# Write it, and say before you run the next cell where the curve will end: here $n = p_2$, and $p_1$ grows.


# %% tags=["exercise"]
def expected_biased(n, p1, p2):
    return ...  # your answer here


# %%
exercises.check("cka.plateau", expected_biased)

# %%
exercises.card("cka.plateau")

# %% [markdown]
# The paper's first figure is this experiment with $n = 1024$ and widths up to 250,000. A Gram matrix grows by
# adding columns, so no wide matrix is ever in memory.

# %%
expected_biased = exercises.yours_or_ours("cka.plateau", expected_biased)
n = p.n_stimuli
widths = np.unique(np.geomspace(10, p.max_features, 25).astype(int))
curves = {e: np.empty((len(widths), p.n_seeds)) for e in COLOUR_OF}
for number in range(p.n_seeds):
    rng = np.random.default_rng([p.seed, number])
    fixed = alignment.gram(rng.random((n, n)), centre=True)
    growing = cka_studies.growing_grams(n, widths, rng)
    for i, grown in enumerate(growing):
        for e in curves:
            curves[e][i, number] = alignment.cka_from_grams(grown, fixed, e)
formula = np.array([expected_biased(n, width, n) for width in widths])

# %% [markdown]
# Look at the right end: nothing is shared anywhere in this figure.

# %% Draw CKA of unrelated matrices over their width tags=["fold"]
fig, ax = figure(width=7, height=3.6)
for e, colour in COLOUR_OF.items():
    plotting.plot_spread(widths, curves[e], ax, label=e, colour=colour)
ax.plot(widths, formula, color=BLACK, lw=1, ls=":")
plotting.label_line(ax, widths[8], formula[8], "dotted: formula", BLACK, dy=-8)
plotting.plot_reference(ax, 1 / np.sqrt(2), "1/√2")
ax.set(xscale="log", xlabel="features of the unrelated matrix (columns)",
       ylabel="CKA", ylim=(-0.05, 0.85))  # fmt: skip
ax.set_title(f"Two unrelated matrices, n = {n} rows (simulated)", loc="left")
show(
    fig,
    f"Simulated: with growing width, biased CKA of unrelated matrices climbs to "
    f"{curves['biased'][-1].mean():.2f} along the formula; debiased CKA stays at zero. "
    f"Bands: range over {p.n_seeds} seeds.",
)

# %%
largest = np.abs(curves["biased"].mean(1) - formula).max()
claims.record("cka.random.plateau", curves["biased"][-1].mean())
claims.record("cka.random.closed_form", largest)
claims.record("cka.random.debiased_zero", over(curves["debiased"][-1]))
claims.record("cka.random.fixed_seed", cka_studies.fixed_seed_difference())

# %% [markdown]
# The last claim has a fixed-seed form, so that any implementation can be held against eight numbers, digit by digit.
#
# ## Why: look at the diagonal
#
# Each stimulus resembles *itself*. With many features, the diagonal of a Gram matrix (the squared length of
# each response) is far larger than anything beside it. Plain centring keeps that diagonal, so two unrelated
# Gram matrices share their most visible structure. U-centring removes it. In the figure, compare left and right in
# each row.

# %%
rng = np.random.default_rng([p.seed, 10])
A, B = rng.normal(size=(2, 16, 500))
centred = [centre(M @ M.T) for M in (A, B)]
u_centred = [alignment.kernels.u_centre(M @ M.T) for M in (A, B)]

# %% Draw two unrelated Gram matrices, centred and U-centred tags=["fold"]
fig, axes = figure(2, 2, width=6.2, height=5.6)
for row, (pair, name) in enumerate(
    ((centred, "centred"), (u_centred, "U-centred"))
):
    limit = (500, 80)[row]
    for ax, M, letter in zip(axes[row], pair, "XY", strict=True):
        image = ax.imshow(M, cmap="PuOr_r", vmin=-limit, vmax=limit)
        ax.set(xticks=[], yticks=[], xlabel="stimulus", ylabel="stimulus")
        ax.set_title(f"{letter}, {name}", loc="left")
    fig.colorbar(image, ax=axes[row], label="inner product", shrink=0.8)
    axes[row, 1].annotate(
        f"cosine {cosine(*pair):+.2f}", (1, 1.02), xycoords="axes fraction",
        ha="right", va="bottom", color=list(COLOUR_OF.values())[row],
    )  # fmt: skip
show(
    fig,
    "Simulated: two unrelated matrices, 16 stimuli and 500 features each. Top: the shared diagonal alone "
    "makes the centred Gram matrices nearly the same. Bottom: without it nothing is shared.",
)

# %% [markdown]
# RV2, an older coefficient (`smilde2009`), leaves the diagonal out *after* plain centring, which has spread some of it
# over the matrix already. Where features are many more than squared stimuli that is everything: unrelated data
# then have RV2 close to $p / (p + n^2)$.

# %%
wide = np.random.default_rng([p.seed, 5]).normal(size=(2, 20, 20_000))
rv2 = alignment.cka(*wide, "rv2")
claims.record("cka.random.rv2_not_debiased", abs(rv2 - 2e4 / (2e4 + 20**2)))

# %% [markdown]
# ## Shuffle the rows
#
# The remedy that needs no theory: break the pairing of stimuli on purpose. After a shuffle of the rows of
# $X$, stimulus 5 is compared with some other stimulus, and whatever value remains is not alignment. Many
# shuffles give a [null distribution](glossary.md#null-distribution) and a p-value (`phipson2010`). One condition is
# easily forgotten: the rows must be [exchangeable](glossary.md#exchangeable). Where nothing is shared, every order
# of them has to be as likely as the one you have. The rows below are drawn independently, so they are.
#
# Three simulated areas are compared with one layer of 2,000 units: a small one that shares signal with
# the layer, a large one that shares nothing, and a large one that shares signal.

# %%
found = {e: [] for e in COLOUR_OF}
for number in range(p.n_seeds):
    rng = np.random.default_rng([p.seed, 20, number])
    areas, layer = cka_studies.three_areas(rng)
    for e in found:
        table = alignment.cka_table(
            areas, {"layer": layer}, e, p.n_permutations, rng=p.seed
        )
        found[e].append(table)
values = {
    e: np.stack([t.values[:, 0] for t in tables], axis=1)
    for e, tables in found.items()
}

# %% [markdown]
# Ask of each panel: which area is most like the layer? Then look at the grey clouds.

# %% Draw three areas and their shuffles tags=["fold"]
fig, axes = figure(1, 2, width=8.2, height=3.6)
for ax, (e, tables) in zip(axes, found.items(), strict=True):
    nulls = np.concatenate([t.null[:, :, 0] for t in tables]).T
    passed = sum(t.p_values[:, 0] <= 0.05 for t in tables)
    plotting.plot_null(range(3), nulls, values[e], ax, colour=COLOUR_OF[e])
    ax.set_xticks(range(3), areas)
    for i, count in enumerate(passed):
        text = f"p ≤ .05: {count} of {p.n_seeds}"
        ax.annotate(text, (i, 1.04), ha="center", fontsize=8.5)
    plotting.plot_reference(ax, 0, "")
    ax.set(xlabel="simulated area", ylabel=f"{e} CKA with the layer",
           ylim=(-0.1, 1.1), xlim=(-0.6, 2.6))  # fmt: skip
    ax.set_title(f"{e} (simulated)", loc="left")
b, d = ([f"{one.mean():.2f}" for one in of] for of in values.values())
show(
    fig,
    f"Simulated: a dot a seed, grey the same after shuffling rows. Biased CKA is {b[0]} for the related small area and "
    f"{b[1]} for the unrelated large one, debiased CKA {d[0]} and {d[1]}.",
)

# %%
ahead = {e: of[1] - of[0] for e, of in values.items()}  # unrelated - related
claims.record("cka.shuffle.biased", over(ahead["biased"]))
claims.record("cka.shuffle.debiased", over(-ahead["debiased"]))

# %% [markdown]
# The *p-value* is right with either estimator, since the shuffles carry the same bias as the value. The *size* is wrong
# with the biased one: the larger value may be the one that is nothing.
#
# How many stimuli are enough? Move the slider. The area has 100 voxels that share a little with the layer. Watch the
# orange dot come down as the evidence goes up.

# %%
some_stimuli = (12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
tests = cka_studies.by_stimuli(some_stimuli, seed=p.seed)

# %% Draw value and shuffles at each number of stimuli tags=["fold"]
figures = {}
for count, of_count in tests.items():
    fig, ax = figure(width=4.6, height=3.0)
    for at, (e, test) in enumerate(of_count.items()):
        plotting.plot_null(
            [at], [test.null], [test.value], ax, colour=COLOUR_OF[e]
        )
    ax.set_xticks(
        range(2), [f"{e}\np = {t.p_value:.2f}" for e, t in of_count.items()]
    )
    plotting.plot_reference(ax, 0, "")
    ax.set(xlabel="estimator", ylabel="CKA, area with layer",
           ylim=(-0.45, 1), xlim=(-0.6, 1.6))  # fmt: skip
    figures[str(count)] = fig
first, last = tests[some_stimuli[0]], tests[some_stimuli[-1]]
plotting.show_slider(
    figures,
    "stimuli",
    f"Simulated: with {some_stimuli[0]} stimuli biased CKA is {first['biased'].value:.2f} (p = "
    f"{first['biased'].p_value:.2f}), with {some_stimuli[-1]} it is {last['biased'].value:.2f} (p = "
    f"{last['biased'].p_value:.2f}): a smaller number and stronger evidence. Debiased nulls stand at zero.",
)

# %% [markdown]
# ## Pitfall: shuffling partly, the wrong way
#
# A good control shuffles a growing fraction $s$ of the rows and watches the alignment fade. If $(1-s)\,n$
# rows keep their partner, a pair of rows is intact with probability about $(1-s)^2$, and so debiased CKA
# should fall to $(1-s)^2$ of its full value. The usual mistake shuffles the matrix that the previous step had *already
# shuffled*. Do it right: `moves` is a list of pairs `(rows, sources)`; at that step, row `rows[i]` of the result comes
# from row `sources[i]` of the **original** matrix. Return the list of shuffled matrices, one a step.


# %% tags=["exercise"]
def shuffled_copies(X, moves):
    return ...  # your answer here


# %%
exercises.check("cka.fresh_copies", shuffled_copies)

# %%
exercises.card("cka.fresh_copies")

# %%
fractions = np.linspace(0, 1, 6)
related = areas["related,\n800 voxels"]
right = alignment.partial_shuffle_curve(
    related, layer, fractions, n_repeats=40, rng=p.seed
)
again_and_again = cka_studies.cumulative_shuffles(
    related, layer, fractions, n_repeats=40, seed=p.seed
)

# %% [markdown]
# Compare the curves with the dotted line, which is what theory expects.

# %% Draw the same control, right and wrong tags=["fold"]
fig, ax = figure(width=6.6, height=3.5)
full = right.unshuffled
for curve, colour in (
    (right.values, COLOURS["blue"]),
    (again_and_again, COLOURS["orange"]),
):
    plotting.plot_spread(
        fractions, curve / full, ax, colour=colour, marker="o", ms=5
    )
fine = np.linspace(0, 1, 101)
ax.plot(fine, (1 - fine) ** 2, color=BLACK, lw=1, ls=":")
plotting.label_line(
    ax,
    0.6,
    right.values[3].mean() / full,
    "fresh copy each time",
    COLOURS["blue"],
    dy=12,
)
ax.annotate(
    "shuffled again and again", (0.31, 0.2), ha="right", color=COLOURS["orange"]
)
ax.annotate("dotted: (1 − s)²", (0.13, 0.84), color=BLACK)
plotting.plot_reference(ax, 0, "")
ax.set(
    xlabel="fraction s of rows shuffled",
    ylabel="debiased CKA, share of the full value",
)
show(
    fig,
    "Simulated: shuffling a fresh copy follows (1 − s)²; shuffling the shuffled matrix falls faster and makes "
    "the measure look more fragile than it is. Bands: range over 40 repeats.",
)

# %%
off = np.abs(right.values.mean(1) - right.expected).max() / right.unshuffled
claims.record("cka.partial.fresh", off)
kept = again_and_again[2].mean() / right.unshuffled
claims.record("cka.partial.cumulative", kept)

# %% [markdown]
# ## Areas of different size
#
# Brain areas differ in voxels (112 to 997 in the paper), layers in units (512 to 802,816 in ResNet18). So the bias has
# a *ranking* built in. And debiased CKA, which corrects for having few *stimuli*, still grows with the number of
# voxels, as noise averages out over more of them. **Feature-corrected CKA** (`chun2025`) also corrects for having
# sampled few of the *features*. Its denominator is an estimate that can be negative, and then there is no value: the
# package returns a flag that says so.

# %%
sizes = np.array([25, 50, 100, 200, 400, 800])
unrelated, aligned = cka_studies.areas_by_size(
    sizes, seed=p.seed, n_seeds=p.n_seeds
)
no_root = cka_studies.no_root(300, seed=p.seed)

# %% [markdown]
# Left: unrelated areas of growing size against one layer. Right: areas that all carry the same signal at the same
# strength per voxel, so that any growth comes from the estimator.

# %% Draw CKA over the size of areas tags=["fold"]
fig, axes = figure(1, 2, width=8.6, height=3.6, sharex=True)
for ax, of_area in zip(axes, (unrelated, aligned), strict=True):
    for e, of in of_area.items():
        colour = COLOUR_OF.get(e, GREEN)
        plotting.plot_spread(sizes, of, ax, colour=colour, marker="o", ms=4)
        dy = {"biased": -6, "debiased": 7}.get(e, 0) if ax is axes[1] else 0
        plotting.label_line(
            ax, sizes[-1], of[-1].mean(), e.replace("_", "-\n"), colour, dy=dy
        )
for ax, title in zip(
    axes, ("Unrelated areas", "Areas with equal signal per voxel"), strict=True
):
    ax.set(xscale="log", xlabel="voxels in the area", ylabel="CKA with the layer",
           xlim=(7, 2600))  # fmt: skip
    ax.set_xticks(sizes, sizes)
    ax.minorticks_off()
    ax.set_title(f"{title} (simulated)", loc="left")
plotting.plot_reference(axes[0], 0, "planted truth")
plotting.plot_reference(axes[1], 1, "planted truth")
show(
    fig,
    "Simulated. Left: biased CKA ranks unrelated areas by size, debiased CKA stays at zero. Right: at equal "
    "signal, biased and debiased CKA grow with the voxels; feature-corrected CKA stays at the truth. "
    f"Bands: range over {p.n_seeds} seeds.",
)

# %%
grown = {e: of[-1] - of[0] for e, of in unrelated.items()}  # 25 to 800 voxels
claims.record("cka.size.biased_grows", over(grown["biased"]))
claims.record("cka.size.debiased_flat", over(grown["debiased"]))
growth = {e: of[-1] - of[1] for e, of in aligned.items()}
of_debiased = growth["feature_corrected"] / growth["debiased"]
claims.record("cka.size.feature_corrected_level", over(of_debiased))
claims.record("cka.feature_corrected.no_root", no_root)

# %% [markdown]
# ## Real fMRI: pictures of eight kinds
#
# In the study of `haxby2001` a participant saw [blocks](glossary.md#block) of pictures of eight categories in twelve
# [runs](glossary.md#run). From one slice of the brain (493 voxels) take the mean response to each block. Does the
# arrangement of the blocks follow their *categories*? The model is one column a category, 1 where the block shows it.
#
# Mind what may be shuffled. The signal was z-scored within each run, and each run shows each category once. So
# within a run the responses sum to about zero, and blocks of different runs are not exchangeable: they change places
# **within their run** only (`groups=`).

# %%
has_haxby = p.real_data and available("haxby2001")
if has_haxby:
    haxby = recordings.Recordings(p.n_permutations, p.seed)
    of_blocks = {
        e: [haxby.categories_test(n, e) for n in (24, 48, 96)]
        for e in COLOUR_OF
    }
    for e, results in of_blocks.items():
        for n, test in zip((24, 48, 96), results, strict=True):
            claims.record(f"cka.haxby.{e}_{n}", test.value)

# %% [markdown]
# Read the left panel from left to right: with *more* data biased CKA goes *down* while the evidence goes up.

# %% Draw the categories in 24, 48 and 96 blocks tags=["fold"]
if not has_haxby:
    say(
        "*The Haxby recordings are not here: skipped. `sdc data fetch haxby2001` gets them (3 MB).*"
    )
else:
    fig, axes = figure(1, 2, width=8.2, height=3.5)
    for ax, (e, results) in zip(axes, of_blocks.items(), strict=True):
        nulls, dots = [t.null for t in results], [t.value for t in results]
        plotting.plot_null(range(3), nulls, dots, ax, colour=COLOUR_OF[e])
        names = [
            f"{b}\np = {t.p_value:.3f}"
            for b, t in zip((24, 48, 96), results, strict=True)
        ]
        ax.set_xticks(range(3), names)
        plotting.plot_reference(ax, 0, "no alignment")
        ax.set(xlabel="blocks used", ylabel=f"{e} CKA, brain with categories",
               ylim=(-0.18, 0.45), xlim=(-1.3, 2.5))  # fmt: skip
        ax.set_title(f"{e} (real fMRI)", loc="left")
    few = of_blocks["biased"][0]
    show(
        fig,
        f"Real fMRI. With 24 blocks biased CKA is {few.value:.2f}, and blocks that change places within runs (grey) "
        f"give {few.null.mean():.2f}. Debiased nulls stand near zero: "
        + ", ".join(f"{t.null.mean():+.3f}" for t in of_blocks["debiased"])
        + ", for both sides are centred within runs.",
    )

# %% [markdown]
# One participant has no seeds. What varies are the runs: another twelve would have given another value. Leave out one
# run at a time: the more the value moves, the less certain it is (the [jackknife](glossary.md#jackknife)). That is
# another question than that of the p-value: shuffles ask whether the value of *these* runs could come of nothing,
# the interval says how large it would be in *other* runs. A shortcut that feels cleaner averages the blocks first, to
# eight rows, one a category; claim `eight_rows` asks what shuffles give then.

# %%
if has_haxby:
    claims.record("cka.haxby.bias_share", haxby.bias_share())
    claims.record("cka.haxby.categories", haxby.categories())
    claims.record("cka.haxby.odd_even", haxby.odd_even())
    claims.record("cka.haxby.eight_rows", haxby.eight_rows())

# %% [markdown]
# ## Pitfall: shuffling rows that are not exchangeable
#
# Does the brain agree with itself? Match each block of an odd run with that of the same category in the next even
# run: 48 rows on each side. Here is the mistake, made on purpose: any row changes places with any other. Rows that were
# centred within runs are tied to each other. A free shuffle cuts the ties on one side, and what it calls the null
# distribution is that of other data.

# %%
if has_haxby:
    free, within = (haxby.odd_even_test(f) for f in (True, False))
    say(
        f"Real fMRI, odd with even runs, debiased CKA {within.value:.3f}. "
        f"Any row with any (wrong): null at {free.null.mean():+.3f}, "
        f"p = {free.p_value:.3f}. Within runs: null at "
        f"{within.null.mean():+.3f}, **p = {within.p_value:.3f}**."
    )

# %% [markdown]
# How wrong is that? Draw two sides that have nothing in common, many times, and count how often p ≤ .05: the
# [type I error](glossary.md#type-i-error), which should be .05. Read the table by rows. Independent rows may be
# shuffled in any way. Rows centred within runs stay within their run, or whole runs change places. Rows that follow
# each other in time are shifted all together. Or runs change places **with gaps between them**: where two blocks meet, the
# data's rows go on and a shuffle's do not, so leave out as many rows as are correlated. More blocks do not mend that.

# %% Show the recorded type I errors tags=["fold"]
errors, made = load_type_one()
n_nulls, schemes = made["n_nulls"], list(next(iter(errors.values())))
rows = [
    [kind, *(f"{row[scheme]:.3f}" for scheme in schemes)]
    for kind, row in errors.items()
]
say(
    plotting.table(["rows", *schemes], rows)
    + f"\n\nSimulated, recorded {made['date']} by `sdc nulls type-one`: {n_nulls:,} data sets of each "
    f"kind, {made['n_permutations']} shuffles each. 95 % of valid tests lie within {cka_studies.nominal_range(n_nulls)}."
)

# %%
valid, circular, free = cka_studies.type_one_intervals(errors, n_nulls)
claims.record("cka.null.valid", valid.largest, n_cells=valid.n_cells)
claims.record("cka.null.circular", circular)
claims.record("cka.null.free", free)

# %% [markdown]
# Which null answers which question, for all chapters, is in [one table](nulls.md).
#
# ## On real data of your own
#
# Anything that gives you responses as (stimuli × features) works, also larger than memory: `alignment.cka_table(layers,
# areas, "debiased", n_permutations=9999, rng=0)` takes dictionaries of arrays, also memory-mapped ones, and returns values
# with p-values, corrected over the table too.
#
# Too many rows for one Gram matrix? Never average CKA over batches: small batches are *more* biased. Average the three
# unbiased inner products and take the ratio once (`alignment.minibatch_cka`, `nguyen2021`).
#
# ## At the paper's size, on a GPU
#
# 720 images, 20 modules, 12 areas, 10,000 shuffles of every pair. The tests make the same call, small, on the CPU.

# %% tags=["gpu"]
if on_gpu(
    "20 layers x 12 areas x 10,000 shuffles at n = 720",
    estimate="unmeasured on a GPU",
    recorded="benchmarks/README.md has the CPU figure for 1,000 shuffles",
):
    big = cka_studies.unrelated_table(720, 10_000, "cuda", seed=p.seed)
    say(
        f"Largest of 240 simulated unrelated pairs: {big.values.max():.4f}; "
        f"smallest corrected p: {big.p_values_fwe.min():.3f}"
    )

# %% [markdown]
# ## Take-aways
#
# 1. Biased CKA measures your sample size: its null is not zero and grows with voxels, units, and fewer stimuli.
# 2. Debias, shuffle what is exchangeable and only that, and keep negative values.
# 3. A ranking of areas or layers by biased CKA can be a ranking by size. Report n, sizes, null and ceiling:
#    [the next chapter](14_brains_and_layers.ipynb) does.
#
# Further reading: `murphy2024cka` (the bias in brains and networks), `kornblith2019` (CKA), `song2012` (the
# unbiased estimator), `szekely2014` (U-centring), `chun2025` (sampling of features). Words: the
# [glossary](glossary.md).
