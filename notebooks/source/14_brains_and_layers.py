# %% [markdown]
# # Brains and layers: which layer is most like which area?
#
# A popular figure shows, for each area of the brain, the layer of a network that is most like it. Such a ranking is easy
# to make and easy to get wrong: wide layers and small areas look alike for no reason but their size. The answer in one
# sentence: **debias, hold every value against shuffles, against another person's brain and against an untrained
# network, and write all of that down.** After Murphy, Zylberberg and Fyshe (2024): `murphy2024cka`.
#
# {{ minutes }}
#
# ## What you will do
#
# - find the layers that were planted in simulated areas, and see which estimator does
# - turn published dissimilarities into something CKA can use
# - measure how well one person's brain predicts another's: the ceiling of any network
# - ask which layer of a network, and whose judgements, are like human IT, and how sure you may be
# - write down what a paper should report
#
# You need: [CKA and its pitfalls](13_cka_pitfalls.ipynb).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 2024  # where the random numbers start [0, 4294967295]
device: str = "auto"  # where to compute {auto, cpu, cuda}
n_pictures: int | None = None  # simulated THINGS; None: profile [40, 20000]
n_permutations: int | None = None  # shuffles; None: profile [19, 100000]
n_seeds: int = 3  # simulated participants, and random networks [2, 50]
real_data: bool = True  # run the sections on real recordings, where available
weights: str = "random"  # of ResNet18: random, imagenet (45 MB), or a file

# %% Set up: imports, and what each profile computes tags=["fold"]
import numpy as np

from sdc_helpers import alignment, embeddings, exercises, plotting, studies
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.datasets import available
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import COLOURS, figure, show

p = start(
    "14_brains_and_layers",
    by_profile={
        "n_pictures": {"smoke": 40, "workshop": 200, "full": 720},
        "n_permutations": {"smoke": 99, "workshop": 999, "full": 9999},
    },
)
COLOUR_OF = {"biased": COLOURS["orange"], "debiased": COLOURS["blue"]}
GREY = COLOURS["grey"]
over = Interval.over_seeds

# %% [markdown]
# ## From distances to Gram matrices
#
# Not every study gives away its responses. Many publish *dissimilarities*: a table $D$ ([RDM](glossary.md#rdm)) that says
# how different the responses to each two stimuli are. One minus the correlation of two patterns is, up to a factor, the
# squared distance of the standardised patterns. And squared distances turn into a centred
# [Gram matrix](glossary.md#gram-matrix), which is all that CKA needs. With the centring matrix $H = I - \frac1n 11^\top$,
#
# $$ K = -\tfrac12\, H D H $$
#
# Write it: `D` holds squared distances, return the Gram matrix.


# %% tags=["exercise"]
def gram_of_distances(D):
    return ...  # your answer here


# %%
exercises.check("layers.gram_of_distances", gram_of_distances)

# %%
exercises.card("layers.gram_of_distances")

# %%
gram_of_distances = exercises.yours_or_ours(
    "layers.gram_of_distances", gram_of_distances
)
X = np.random.default_rng(p.seed).normal(size=(20, 6))
D = ((X[:, None] - X) ** 2).sum(axis=2)
assert np.allclose(gram_of_distances(D), alignment.gram(X, centre=True))
assert np.allclose(gram_of_distances(D), alignment.gram_from_rdm(D))

# %% [markdown]
# ## THINGS: areas that truly read known layers
#
# On real data nobody knows which layer an area resembles. So plant it. Simulated participants look at simulated
# pictures, and the [voxels](glossary.md#voxel) of each area read *one* known module of a random ResNet18 with weights of
# their own, under noise: 5 % of the variance of a single [trial](glossary.md#trial) is signal. The two PPA areas read
# nothing. The files have the table form of THINGS-fMRI, and the reader reads the real release with the same call. Areas
# have the sizes of the paper, 112 to 997 voxels.

# %%
planted = {
    "V1": "maxpool", "V2": "maxpool", "V3": "layer1.1.conv2",
    "hV4": "layer2.1.conv2", "VO1": "layer2.1.conv2", "TO1": "layer3.1.conv2",
    "lFFA": "layer4.1.conv2", "rFFA": "layer4.1.conv2",
    "lEBA": "layer3.1.conv2", "rEBA": "fc",
}  # fmt: skip
things = studies.simulate_things(
    planted,
    p.n_pictures,
    n_participants=p.n_seeds,
    seed=p.seed,
    device=p.device,
)
areas, modules = [*planted, "lPPA", "rPPA"], list(things.module_grams)

# %% [markdown]
# Each area is compared with each module three times: as recorded, with its rows shuffled, and with random numbers in
# place of its responses.

# %%
conditions = ("true", "rows shuffled", "random numbers")
found = {e: {c: [] for c in conditions} for e in COLOUR_OF}
for number, who in enumerate(things.participants):
    rng = np.random.default_rng([p.seed, 70, number])
    responses, modules_of = things.of(who, areas)
    order = rng.permutation(len(responses["V1"]))
    rows = {
        "true": responses,
        "rows shuffled": {a: r[order] for a, r in responses.items()},
        "random numbers": {
            a: rng.normal(size=r.shape) for a, r in responses.items()
        },
    }
    for condition, matrices in rows.items():
        grams = {a: alignment.gram(m, centre=True) for a, m in matrices.items()}
        for e in found:
            table = alignment.cka_table_from_grams(grams, modules_of, e)
            found[e][condition].append(table.values)
hits = {e: things.count_planted(of["true"], planted) for e, of in found.items()}

# %% [markdown]
# Squares mark what was planted, dots the highest value of a row. Look first at the middle and the right column, where
# nothing can be found.

# %% Draw every area against every module tags=["fold"]
fig, axes = figure(2, 3, width=9.4, height=7.4, sharex=True, sharey=True)
for row, (e, of) in enumerate(found.items()):
    limit = np.abs(of["true"]).max()
    for ax, condition in zip(axes[row], conditions, strict=True):
        mean = np.mean(of[condition], axis=0)
        image = ax.imshow(
            mean, cmap="PuOr_r", vmin=-limit, vmax=limit, aspect="auto"
        )
        for i, area in enumerate(planted):
            at = modules.index(planted[area])
            ax.plot(at, i, "s", mfc="none", mec="black", ms=13)
            if condition == "true":
                ax.plot(mean[i].argmax(), i, "o", color="black", ms=4)
        ax.set_title(f"{e}, {condition} (simulated)", loc="left", fontsize=9.5)
        ax.set_xticks(
            range(len(modules)), modules, rotation=60, ha="right", fontsize=8
        )
        ax.set_yticks(range(len(areas)), areas, fontsize=8)
    fig.colorbar(image, ax=list(axes[row]), label=f"{e} CKA", shrink=0.8)
show(
    fig,
    f"Simulated; squares: the planted module, dots: the highest value. Debiased CKA finds {np.mean(hits['debiased']):.0f} "
    f"of {len(planted)} planted modules and nothing in shuffled or random rows; biased CKA finds "
    f"{np.mean(hits['biased']):.0f}, and keeps its colour in shuffled and random rows.",
)

# %%
more_found = np.subtract(hits["debiased"], hits["biased"])
unplanted = [table[-2:].mean() for table in found["debiased"]["true"]]
v1 = {c: np.array([t[0, 0] for t in found["biased"][c]]) for c in conditions}
claims.record("layers.things.recovery", over(more_found))
claims.record("layers.things.unplanted", over(unplanted))
kept = v1["rows shuffled"] / v1["true"]
claims.record("layers.things.v1_biased", over(kept))

# %% [markdown]
# The published pattern on the real THINGS-fMRI (720 images, ResNet18; `murphy2024cka`), for comparison:
#
# | area, module | biased, true | biased, shuffled | debiased, true | debiased, shuffled |
# |---|---|---|---|---|
# | V1, maxpool | .1029 | .0576 | .0489 | −.0002 |
# | left PPA, conv1 | .1085 | .1058 | .0031 | −.0001 |
#
# ## Real brains: 92 objects
#
# The study of `kriegeskorte2008` showed 92 photographs of objects and published how different the responses
# of human inferior temporal cortex (IT) to each pair are, for four participants in two
# [sessions](glossary.md#session) each. First a **ceiling**: how well does one participant's IT match the mean of the
# others? A network cannot be expected to do better.

# %%
has_objects = p.real_data and available("objects92")
if has_objects:
    it = studies.HumanIT()
    reliability = it.reliability()
    ceiling = it.ceiling()
    claims.record("layers.it.between_participants", it.between_participants())

# %% [markdown]
# Each field compares two sessions. Look for squares of two by two along the diagonal (one person with themselves), and
# for a row that is pale.

# %% Draw how sessions of IT agree tags=["fold"]
if not has_objects:
    say(
        "*The 92-object recordings are not here: skipped. `sdc data fetch objects92` gets them (5 MB).*"
    )
else:
    fig, ax = figure(width=6, height=4.2)
    agree = np.where(np.eye(len(reliability.rows)), np.nan, reliability.values)
    plotting.plot_heatmap(
        agree,
        reliability.rows,
        reliability.columns,
        ax,
        label="debiased CKA",
        limit=0.5,
    )
    ax.set_title("Human IT, participant and session (real fMRI)", loc="left")
    within, between = it.within_and_between
    with_others = np.nanmean(agree, axis=1)
    poorest = int(with_others.argmin())
    show(
        fig,
        f"Real fMRI: debiased CKA between sessions of one participant averages {within:.2f}, between "
        f"single sessions of two participants {between:.2f}. The session that agrees least with all others is "
        f"{reliability.rows[poorest]} ({with_others[poorest]:.2f} on average). One participant against the mean of the "
        f"others reaches {ceiling:.2f}: the ceiling.",
    )

# %% [markdown]
# ### Which layer is most like IT?
#
# Now the modules of ResNet18 against the mean human IT. Activations are flattened, never pooled: the first
# module alone has 802,816 features an image. One Gram matrix a module is kept, never all activations. Each
# module is tested by shuffling, and the p-value is corrected over the modules by the largest value of each shuffle
# ([max statistic](glossary.md#max-statistic)). By default the network is **untrained**, with several seeds of random
# weights.

# %%
if has_objects:
    layers = embeddings.RESNET18_LAYERS
    if p.profile == "workshop" and p.weights == "random":
        layers = (*layers[:-1:2], layers[-1])  # every second one, fc
    if p.profile == "smoke":
        layers = ("conv1", "layer2.1.conv2", "layer4.1.conv2", "fc")
    n_networks = p.n_seeds if p.weights == "random" else 1
    networks = [
        it.network_grams(p.weights, number, layers, device=p.device)
        for number in range(1 if p.profile == "smoke" else n_networks)
    ]
    profiles = {
        e: [it.test(grams, e, p.n_permutations, p.seed) for grams in networks]
        for e in COLOUR_OF
    }

# %% [markdown]
# Follow the coloured line, then the grey one under it. Where would you have put the best layer without the grey?

# %% Draw the layers against human IT, with their shuffles tags=["fold"]
if has_objects:
    named = (
        f"random weights, {len(networks)} seeds"
        if p.weights == "random"
        else f"weights {p.weights}"
    )
    fig, axes = figure(1, 2, width=9.4, height=4.2, sharey=True)
    x, said = np.arange(len(layers)), []
    for ax, (e, tables) in zip(axes, profiles.items(), strict=True):
        curve = np.stack([t.values[:, 0] for t in tables], axis=1)
        low, middle, high = np.quantile(
            tables[0].null[:, :, 0], (0.025, 0.5, 0.975), axis=0
        )
        ax.fill_between(x, low, high, color=GREY, alpha=0.4, lw=0)
        ax.plot(x, middle, color=GREY, lw=1)
        plotting.plot_spread(
            x, curve, ax, colour=COLOUR_OF[e], marker="o", ms=4
        )
        mean = curve.mean(1)
        best = int(mean.argmax())
        said.append(
            f"{e} CKA is highest at {layers[best]}, {mean[0]:.2f} at conv1 and {mean[-1]:.2f} at fc"
        )
        plotting.plot_reference(
            ax, best, f" highest: {layers[best]}", vertical=True
        )
        ax.set_xticks(x, layers, rotation=90, fontsize=7.5)
        ax.set(xlabel="module of ResNet18", ylabel="CKA with human IT")
        ax.set_title(f"{e} (real fMRI, {named})", loc="left", fontsize=9.5)
        ax.annotate("rows shuffled", (x[-1], high[-1]), xytext=(0, 7), textcoords="offset points",
                    ha="right", color=GREY, fontsize=8.5)  # fmt: skip
    plotting.plot_reference(axes[1], ceiling, "")
    axes[1].annotate("one person with the others", (x[-1], ceiling), xytext=(0, 5), fontsize=8.5,
                     textcoords="offset points", ha="right", color=GREY)  # fmt: skip
    show(
        fig,
        f"Real fMRI, {named}: {'; '.join(said)}. Biased CKA carries its null (grey) with it; that of debiased CKA "
        f"stands at zero.",
    )

# %% [markdown]
# Two modules make the point: conv1, the widest, and fc, the narrowest. The figure is a fact about these people, pictures
# and networks. Before you say that IT *as such* has this order, leave out one person at a time, one picture at a time
# and one network at a time, add the variances (the [jackknife](glossary.md#jackknife)), and see what the intervals allow.

# %%
if has_objects:
    ends = it.ends(networks, are_random=p.weights == "random")
    about = {"named": f"{p.weights} weights", "varied": ends.varied}
    claims.record("layers.it.biased_order", ends.biased_order, **about)
    claims.record("layers.it.debiased_order", ends.debiased_order, **about)
    claims.record("layers.it.shuffled_biased", ends.shuffled_biased, **about)

# %% [markdown]
# ## What people say is alike
#
# Sixteen people arranged the same photographs on a screen, what is alike near to each other (`mur2013`). Nothing says that
# one of them is among the four who were scanned. A judge and a participant are no pair: average each set, leave people out
# one at a time, and never compare them person by person. One thing more: judged distances have to be *squared* before
# they go into the equation above, while one minus a correlation is a square already.
#
# What may be shuffled? The unit is the **object**. If judges and IT had nothing in common, any object's row could be any
# other's. But faces are alike and bodies are alike, for judges as for IT. So a shuffle of *all* objects asks whether the
# two share anything, the six categories included. A shuffle *within* categories asks whether they agree on more.

# %%
if has_objects:
    judged = studies.JudgedObjects.load()
    any_order, within = (
        judged.test(p.n_permutations, p.seed, within_categories=only)
        for only in (False, True)
    )
    claims.record("layers.judges.it", judged.likeness)
    claims.record("layers.judges.beyond_categories", judged.beyond_categories)

# %% [markdown]
# Left and middle, look for the same dark squares. On the right, see where the grey shuffles stand: how much of the dot is
# left once the categories are given?

# %% Draw what judges and IT have in common tags=["fold"]
if has_objects:
    *ranked, of_row = judged.mean_ranks()
    names, first = np.unique(of_row, return_index=True)
    fig, axes = figure(1, 3, width=10.2, height=3.6)
    for ax, square, who in zip(
        axes, ranked, ("16 judges", "IT of 4 others"), strict=False
    ):
        image = ax.imshow(square, cmap="cividis", vmin=0, vmax=1)
        for edge in first[1:] - 0.5:
            ax.axhline(edge, color="white", lw=0.7)
            ax.axvline(edge, color="white", lw=0.7)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set(xlabel="92 objects")
        ax.set_title(f"{who} (real)", loc="left", fontsize=9.5)
    middles = (first + np.append(first[1:], len(of_row))) / 2 - 0.5
    axes[0].set_yticks(middles, [name.replace(" ", "\n") for name in names], fontsize=7)  # fmt: skip
    fig.colorbar(image, ax=list(axes[:2]), label="dissimilarity (rank)", shrink=0.8)  # fmt: skip
    plotting.plot_null(
        [0, 1], [any_order.null, within.null], [any_order.value] * 2, axes[2], colour=COLOUR_OF["debiased"]
    )  # fmt: skip
    axes[2].set_xticks([0, 1], ["all objects", "within\ncategories"])
    axes[2].set(xlabel="what is shuffled", ylabel="debiased CKA")
    axes[2].set_title("Shuffles (grey) and value (real)", loc="left", fontsize=9.5)  # fmt: skip
    show(
        fig,
        f"Real judgements and fMRI of different people. Judges and IT have a debiased CKA of {any_order.value:.2f}. Shuffling "
        f"all objects leaves {any_order.null.mean():.2f} of it, shuffling within the six categories {within.null.mean():.2f}: "
        f"the categories are most of what they share, and {judged.beyond_categories.value:.2f} goes beyond them.",
    )

# %%
if has_objects:
    say(
        f"Real: one judge agrees with the mean of the others at "
        f"{judged.judges_agree:.2f}, with the mean IT at "
        f"{judged.judge_and_it:.2f}. The p-values of the two shuffles are "
        f"{any_order.p_value:.3g} and {within.p_value:.3g}. They hold for "
        f"*these* people; for others the interval counts: beyond the "
        f"categories it is {judged.beyond_categories}."
    )

# %% [markdown]
# ## Pitfall: a test against nothing is no test of training
#
# Random convolutions keep the low-level likeness of photographs (outlines on a grey ground), and IT responds to that too.
# Shuffling asks *more than nothing?* It does not ask *because of training?* For that question the untrained network is
# the control to draw in.

# %%
if has_objects:
    best = max(t.values.max() for t in profiles["debiased"])
    say(
        f"Real fMRI, ResNet18 with {p.weights} weights: the best module "
        f"reaches **{100 * best / ceiling:.0f}%** of what one person's IT "
        f"reaches with the others."
    )

# %% [markdown]
# ## What to report
#
# - the **estimator**, by name and equation: papers that say "CKA" mean three different things
# - **n**, the number of voxels and units, and what was averaged before
# - the **shuffled** value or its distribution, with the number of shuffles
# - a **ceiling**: another participant, another session; and a **control**: the untrained network
# - negative values as they are: a clamp at zero breaks the null
# - images without a response left out, never filled with zeros
#
# In one sentence:

# %% Write the sentence a reader needs tags=["fold"]
if has_objects:
    first = profiles["debiased"][0]
    at = int(first.values.argmax())
    plain = profiles["biased"][0]
    say(
        f"> Debiased linear CKA between {layers[at]} of ResNet18 ({p.weights} weights) and mean human IT is "
        f"{first.values[at, 0]:.3f} (n = 92 images, no averaging over images; "
        f"{p.n_permutations} row shuffles: mean {first.null[:, at, 0].mean():.3f}, "
        f"p = {first.p_values_fwe[at, 0]:.3g}, corrected over {len(layers)} modules). One participant's IT "
        f"reaches {ceiling:.2f} on average with the mean of the others. The biased value is "
        f"{plain.values[at, 0]:.3f}, its shuffled mean {plain.null[:, at, 0].mean():.3f}."
    )

# %% [markdown]
# Which of two areas is more like a layer, if they differ in size? Two areas `A` and `B` (stimuli × voxels), one `layer`,
# and row orders `orders` to shuffle with. Return `"A"` or `"B"` for the area that is more aligned, or `"neither"` if none
# of them beats its shuffles (p ≤ 0.05, the measured value counted in). You may use `alignment.cka`.


# %% tags=["exercise"]
def more_aligned(A, B, layer, orders):
    return ...  # your answer here


# %%
exercises.check("cka.report", more_aligned)

# %%
exercises.card("cka.report")

# %% [markdown]
# ## On real data of your own
#
# The real THINGS-fMRI has three participants and about 20 GB in the table form that the reader takes
# (`datasets.THINGSfMRI`). ImageNet weights instead of random ones: `sdc run 14 -p weights=imagenet` (45 MB once), or the
# path of a checkpoint. The 92 objects come with `sdc data fetch objects92` (5 MB).
#
# ## At the paper's size, on a GPU
#
# All twenty modules for the 720 pictures of the paper.

# %% tags=["gpu"]
if on_gpu(
    "activations and Gram matrices of 20 modules for 720 pictures",
    estimate="unmeasured on a GPU",
    recorded="nothing is recorded yet",
):
    whole = studies.simulate_things(
        planted, 720, n_participants=1, seed=p.seed, device="cuda"
    )
    say(f"Simulated: {len(whole.module_grams)} modules, n = 720.")

# %% [markdown]
# ## Take-aways
#
# 1. A ranking of layers or areas by biased CKA can be a ranking by size: shuffled rows give the same ranking.
# 2. Draw in the ceiling (another brain) and the control (the untrained network), or a number means nothing.
# 3. Say for whom a ranking holds: for these people and pictures, or, with an interval, for others.
#
# Further reading: `murphy2024cka` (the bias in brains and networks), `kriegeskorte2008` (the 92 objects), `kornblith2019`
# (CKA of networks). Words: the [glossary](glossary.md). [Which null answers which question](nulls.md).
