# %% [markdown]
# # Weights or patterns: which voxels carry it?
#
# A decoder works. Now you want to know *where* in the brain the information is, and its weights are at hand: one number a
# [voxel](glossary.md#voxel). Is the map of the weights the map of the information? The answer in one sentence: **no; a voxel
# that knows nothing can have a large weight, because it cancels noise, and one product turns weights into activation
# patterns, which say how each voxel behaves.** After Haufe and colleagues (2014): `haufe2014`.
#
# {{ minutes }}
#
# ## What you will do
#
# - build two voxels, one of which carries only noise, and see which of them gets the larger weight
# - write the product that turns weights into activation patterns
# - ask planted voxels which of the two maps leads to them
# - see which of the two maps comes back in the other half of the data
# - move the penalty of a decoder, and watch a map of weights change while the decoder stays as good
#
# You need: covariance, linear regression, and the decoders of [decoding pictures](08_decoding_pictures.ipynb).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 0  # of simulated participants, split and every draw [0, 999999]
device: str = "auto"  # where to compute {auto, cpu, cuda}
source: str = "simulated"  # where the data come from {simulated, nsd}
root: str = ""  # folder of the real NSD tree, for source nsd
clip_name: str = "course-fine"  # or open_clip's, such as ViT-B-32-quickgelu
clip_weights: str = "course"  # course; a tag, such as openai; a file's path
n_participants: int | None = None  # None: the profile decides [2, 8]
n_held_out: int | None = None  # pictures; None: the profile [10, 1000]
n_steps: int | None = None  # None: the profile decides [20, 100000]
n_runs: int | None = None  # None: the profile decides [2, 100]
input_noise: float = 3.0  # SD added to responses in training [0, 30]
n_penalties: int = 6  # penalties of ridge, from weak to strong [2, 20]

# %% Set up: imports, and what each profile computes tags=["fold"]
import warnings
from functools import partial

import numpy as np

from sdc_helpers import decoding, exercises, plotting, studies
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import figure, show
from sdc_helpers.studies import weights_study
from sdc_helpers.studies.shared_concepts import half_of_pictures

p = start(
    "09_weights_or_patterns",
    by_profile={
        "n_participants": {"smoke": 2, "workshop": 5, "full": 8},
        "n_held_out": {"smoke": 30, "workshop": 200, "full": 200},
        "n_steps": {"smoke": 60, "workshop": 200, "full": 400},
        "n_runs": {"smoke": 2, "workshop": 4, "full": 20},
    },
)
colours = plotting.COLOURS
BLUE, ORANGE, GREY = (colours[name] for name in ("blue", "orange", "grey"))
SKY, YELLOW = colours["sky"], colours["yellow"]
over = Interval.over_seeds  # participants are what varies
warnings.filterwarnings("ignore", message="The chosen penalty")

# %% [markdown]
# ## Two voxels
#
# Here is the whole problem, with two made-up voxels. A signal $s$ is in the first voxel and not in the second. Both share
# noise $d$, such as a heartbeat or a movement of the head:
#
# $$ x_1 = s + \text{strength} \cdot d + \text{own noise}, \qquad x_2 = d + \text{own noise} $$
#
# The best linear read-out of $s$ is $\hat s = w_1 x_1 + w_2 x_2$. What should $w_2$ be? The second voxel says nothing about
# $s$. But it says what $d$ is just now, and $d$ is in the way. So subtract it: $w_2$ is negative, and large where the shared
# noise is strong.


# %%
def two_voxels(strength, rng, n_trials=2000):
    signal, noise, *own = rng.normal(size=(4, n_trials))
    first = signal + strength * noise + 0.5 * own[0]
    return np.c_[first, noise + 0.5 * own[1]], signal


def best_readout(X, signal):
    return np.linalg.lstsq(X - X.mean(0), signal - signal.mean(), rcond=None)[0]


X, signal = two_voxels(1.5, np.random.default_rng(p.seed))
weights = best_readout(X, signal)
share = np.corrcoef(X.T, signal)[:2, 2] ** 2  # of signal that a voxel explains

# %% Say what the two voxels weigh tags=["fold"]
say(
    f"Simulated, strength 1.5: voxel 2 explains {100 * share[1]:.1f} % of the signal's variance, voxel 1 "
    f"{100 * share[0]:.0f} %. The weights of the best read-out are {weights[0]:.2f} and {weights[1]:.2f}."
)

# %% [markdown]
# A map of these weights would show voxel 2 in bright colours. Print it under the title "where the signal is" and it is wrong.
#
# ## From a weight to a pattern
#
# A weight says how a voxel is *used*. What you want is how it *behaves*: how much does the voxel change when the read-out
# changes by one? That is the [activation pattern](glossary.md#activation-pattern), the regression of each voxel on the
# read-out $s = X w$:
#
# $$ a_v = \frac{\mathrm{cov}(x_v, s)}{\mathrm{var}(s)} $$
#
# Write it: `X` (trials × voxels) are responses, `w` the weights of one read-out. Return one number a voxel.


# %% tags=["exercise"]
def activation_pattern(X, w):
    return ...  # your answer here


# %%
exercises.check("weights.pattern", activation_pattern)

# %%
exercises.card("weights.pattern")

# %%
activation_pattern = exercises.yours_or_ours(
    "weights.pattern", activation_pattern
)
pattern = activation_pattern(X, weights)
package = decoding.activation_patterns(X, weights[:, None])[:, 0]
assert np.allclose(pattern, package, atol=1e-5)
strengths = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
toy = {}
for strength in strengths:
    X, signal = two_voxels(strength, np.random.default_rng(p.seed))
    w = best_readout(X, signal)
    toy[strength] = w, activation_pattern(X, w)

# %% [markdown]
# Move the slider to make the shared noise stronger. Watch the orange bar of voxel 2 grow, and the blue one stay where it
# is.

# %% Draw weights and patterns of two voxels tags=["fold"]
figures = {}
for strength, (w, a) in toy.items():
    fig, ax = figure(width=4.8, height=3.0)
    for values, colour, text, shift in ((w, ORANGE, "weight", -0.18), (a, BLUE, "pattern", 0.18)):  # fmt: skip
        ax.bar(np.arange(2) + shift, values, 0.34, color=colour, label=text)
    ax.axhline(0, color=GREY, lw=1)
    ax.set_xticks(range(2), ["1: signal and noise", "2: noise alone"])
    ax.set(xlabel="voxel", ylabel="weight, or pattern", ylim=(-1.6, 2.2))
    ax.legend(frameon=False, fontsize=8, loc="upper right")
    figures[f"{strength:.2f}"] = fig
last_w, last_a = toy[strengths[-1]]
plotting.show_slider(
    figures,
    "strength of the shared noise",
    f"Simulated: at strength {strengths[-1]}, voxel 2 has a weight of {last_w[1]:.2f} and a pattern of {last_a[1]:.2f}. It "
    f"carries no signal at any strength.",
    start=4,
)

# %% [markdown]
# The same from the other side. Suppose you know how the voxels behave: the pattern $a$, and the covariance $N$ of their
# noise. Which weights read the signal best? Make the noise white, then read along the pattern:
#
# $$ w = \frac{N^{-1} a}{a^\top N^{-1} a} $$
#
# So weights mix two things, behaviour and noise. Only where the noise of different voxels is unrelated and equally large
# do they look alike. Write it for a pattern `a` and a noise covariance.


# %% tags=["exercise"]
def best_weights(a, noise_covariance):
    return ...  # your answer here


# %%
exercises.check("weights.best", best_weights)

# %%
exercises.card("weights.best")

# %% [markdown]
# ## Voxels whose truth is known
#
# Now a real decoder of 40 times as many numbers. Participants, split and decoders are those of the
# [chapter before](08_decoding_pictures.ipynb). In simulated participants some voxels carry a planted concept, and others
# are *reliable but unrelated*: they respond the same way each time, to nothing that the embedding holds. On real data
# nothing is planted, and this part is left out.

# %%
lab = studies.open_decoding(
    p.source, p.root, p.profile, p.seed,
    clip=(p.clip_name, p.clip_weights), n_participants=p.n_participants,
    n_held_out=p.n_held_out, n_steps=p.n_steps,
    input_noise=p.input_noise, device=p.device,
)  # fmt: skip
kind, truth = lab.study.kind, lab.study.truth
names, first = list(lab.data), next(iter(lab.data))
train = {name: lab.train(name) for name in names}
ridge = {
    name: lab.fit_ridge(train[name], lab.validation(name)) for name in names
}
untrained = decoding.ContrastiveDecoder(**lab.settings, n_runs=p.n_runs)
contrastive = studies.fit_decoders(lab.data, untrained)
decoders = {"ridge": ridge, "contrastive": contrastive}

# %% [markdown]
# A decoder of an [embedding](glossary.md#embedding) has a column of weights for each dimension, and a dimension means
# nothing. So read out *concepts*: the direction in which the embedding moves when more of a concept is in the training
# picture. One read-out a concept gives one map of weights and one of patterns.

# %%
directions = {
    name: weights_study.directions_of(lab, train[name]) for name in names
}
maps = {
    (method, name): weights_study.both_maps(
        train[name][0], of[name], directions[name]
    )
    for method, of in decoders.items()
    for name in names
}

# %% [markdown]
# How well does the size of a weight, or of a pattern, rank the planted voxels of its concept above all other voxels?
# The AUC says it: 1 if all of them come first, 0.5 by chance.

# %%
if truth is not None:
    planted = weights_study.planted_voxels(lab)
    areas, lures = {}, {}
    for method in decoders:
        for what in weights_study.MAPS:
            about = [(maps[method, n][what], directions[n].names, planted[n])
                     for n in names]  # fmt: skip
            areas[method, what] = np.array(
                [weights_study.auc_of_planted(*one) for one in about]
            )
            lures[method, what] = np.array(
                [weights_study.place_of_unrelated(*one) for one in about]
            )
    gains = [areas[m, "patterns"] - areas[m, "weights"] for m in decoders]
    ranked = studies.lowest(map(over, gains))
    claims.record("weights.patterns.above_weights", ranked)

# %% [markdown]
# Left, higher is better: compare each pair. Right, lower is better: where do the unrelated voxels come when all voxels are
# ordered by their size in the map?

# %% Draw how weights and patterns rank planted voxels tags=["fold"]
if truth is not None:
    fig, axes = figure(1, 2, width=9.2, height=3.4)
    for ax, values in zip(axes, (areas, lures), strict=True):
        bars = {f"{m},\n{what}": of for (m, what), of in values.items()}
        plotting.plot_bars(bars, ax, colours=(YELLOW, ORANGE, SKY, BLUE))
        ax.tick_params(axis="x", labelsize=8)
        ax.set_xlabel("decoder, and what is looked at (dots: participants)")
        plotting.plot_reference(ax, 0.5, "chance")
    axes[0].set(ylabel="AUC of a concept's own voxels", ylim=(0.4, 1.02))
    axes[1].set(ylabel="mean place of unrelated voxels", ylim=(0, 0.7))
    auc = {key: of.mean() for key, of in areas.items()}
    show(
        fig,
        f"Simulated. Left: planted voxels are ranked with an AUC of {auc['contrastive', 'patterns']:.2f} by patterns and "
        f"{auc['contrastive', 'weights']:.2f} by weights of the contrastive decoder, {auc['ridge', 'patterns']:.2f} and "
        f"{auc['ridge', 'weights']:.2f} of ridge. Right: where the unrelated voxels come.",
    )

# %% [markdown]
# Here is every voxel of the first participant, for the concept with the most planted voxels. To the right is what a map of
# weights shows brightest, upwards what a map of patterns does. Where are the orange dots: right, or up?

# %%
if truth is not None:
    concepts = directions[first].names
    mine = planted[first]
    counts = [mine[name].sum() if name in mine else 0 for name in concepts]
    shown = int(np.argmax(counts))
    places = {}
    for method in decoders:
        both = maps[method, first]
        size = [np.abs(both[what][:, shown]) for what in weights_study.MAPS]
        places[method] = [one.argsort().argsort() / len(one) for one in size]

# %% Draw each voxel by its place in both maps tags=["fold"]
if truth is not None:
    fig, axes = figure(1, 2, width=9.0, height=4.0, sharey=True)
    own, lures_here = mine[concepts[shown]], mine.get(weights_study.UNRELATED)
    groups = [("others", "#cccccc", np.ones(len(own), bool)), (f"planted: {concepts[shown]}", BLUE, own)]  # fmt: skip
    if lures_here is not None:
        groups.insert(1, ("reliable but unrelated", ORANGE, lures_here))
    for ax, (method, (by_weight, by_pattern)) in zip(axes, places.items(), strict=True):  # fmt: skip
        for text, colour, chosen in groups:
            ax.plot(by_weight[chosen], by_pattern[chosen], ".", ms=4, color=colour, label=text)  # fmt: skip
        ax.set_title(method, loc="left", fontsize=10)
        ax.set(xlabel="place by weight (1: largest)", xlim=(-0.02, 1.02))
    axes[0].set(ylabel="place by pattern (1: largest)", ylim=(-0.02, 1.02))
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)  # fmt: skip
    share = {m: np.mean(x[lures_here] > 0.5) for m, (x, _) in places.items()} if lures_here is not None else {}  # fmt: skip
    by_pattern = {m: np.mean(y[lures_here] > 0.5) for m, (_, y) in places.items()} if lures_here is not None else {}  # fmt: skip
    show(
        fig,
        f"Simulated, {first}, concept {concepts[shown]}. Of the unrelated voxels, in the upper half of all: "
        + "; ".join(
            f"{m}: {100 * share[m]:.0f} % by weight, {100 * by_pattern[m]:.0f} % by pattern"
            for m in share
        )
        + ".",
    )

# %% [markdown]
# ## Which map comes back?
#
# On real data nobody knows the planted voxels. But you can ask whether a map is *stable*: fit the decoder to one half of
# the training pictures and to the other, and correlate the two maps over voxels. It is no proof. A map can be stably
# wrong. But one that does not come back cannot be right.

# %%
again = {(m, w): [] for m in decoders for w in weights_study.MAPS}
for name in names:
    two = [
        half_of_pictures(lab.data[name], half, p.seed).fold("train")
        for half in (0, 1)
    ]
    alphas = [ridge[name].alpha_]
    fits = {
        "ridge": partial(lab.fit_ridge, alphas=alphas),
        "contrastive": lab.fit_one_run,
    }
    for method, fit in fits.items():
        found = [weights_study.both_maps(half[0], fit(half), directions[name])
                 for half in two]  # fmt: skip
        for what in weights_study.MAPS:
            alike = weights_study.agreement(*(one[what] for one in found))
            again[method, what].append(alike)
again = {key: np.array(of) for key, of in again.items()}
gains = [again[m, "patterns"] - again[m, "weights"] for m in decoders]
steadier = studies.lowest(map(over, gains))
claims.record("weights.halves.agreement", steadier, kind=kind)

# %% [markdown]
# In each pair, is the second bar the higher one?

# %% Draw how well two halves agree tags=["fold"]
fig, ax = figure(width=6.0, height=3.3)
bars = {f"{m},\n{what}": of for (m, what), of in again.items()}
plotting.plot_bars(bars, ax, colours=(YELLOW, ORANGE, SKY, BLUE))
ax.tick_params(axis="x", labelsize=8)
plotting.plot_reference(ax, 0, "")
ax.set(xlabel="decoder, and what is looked at (dots: participants)", ylabel="correlation of two halves", ylim=(-0.05, 1.05))  # fmt: skip
mean = {key: of.mean() for key, of in again.items()}
show(
    fig,
    f"{kind.capitalize()}: two halves of the pictures agree with a correlation of {mean['ridge', 'weights']:.2f} on the weights "
    f"of ridge and {mean['ridge', 'patterns']:.2f} on its patterns; {mean['contrastive', 'weights']:.2f} and "
    f"{mean['contrastive', 'patterns']:.2f} for the contrastive decoder (one run).",
)

# %% [markdown]
# ## Pitfall: a map that hangs on a penalty
#
# Ridge has a penalty, and somebody chose it. With a weak one the decoder uses noise to cancel noise. With a very strong one
# it no longer can: the weights shrink towards the plain covariance of voxels and embedding, which is a pattern but for
# its scale. So the *map* of weights depends on a number that was chosen for another purpose. Move the penalty over
# its whole range for three participants, and look at both maps and at the accuracy.

# %%
alphas = np.logspace(1, 6, p.n_penalties)
some = names[:3]
moved = {w: np.empty((len(alphas), len(some))) for w in weights_study.MAPS}
top_1 = np.empty((len(alphas), len(some)))
for j, name in enumerate(some if truth is not None else ()):
    for i, alpha in enumerate(alphas):
        fitted = lab.fit_ridge(train[name], alphas=[alpha])
        top_1[i, j] = lab.hits({name: fitted})[name].mean()
        both = weights_study.both_maps(train[name][0], fitted, directions[name])
        for what, values in both.items():
            moved[what][i, j] = weights_study.auc_of_planted(
                values, directions[name].names, planted[name]
            )
if truth is not None:
    ranges = {what: np.ptp(of, axis=0) for what, of in moved.items()}
    further = over(ranges["weights"] - ranges["patterns"])
    claims.record("weights.penalty.moves_weights", further)

# %% [markdown]
# Find the penalty at which the decoder is best (right). How good is the map of its weights there (left)? And the patterns?

# %% Draw maps and accuracy over the penalty tags=["fold"]
if truth is not None:
    fig, axes = figure(1, 2, width=9.2, height=3.4)
    for what, colour in (("weights", ORANGE), ("patterns", BLUE)):
        plotting.plot_spread(alphas, moved[what], axes[0], colour=colour, marker="o", ms=3)  # fmt: skip
        plotting.label_line(axes[0], alphas[0], moved[what][0].mean(), what, colour, dy=8)  # fmt: skip
    plotting.plot_reference(axes[0], 0.5, "chance")
    plotting.plot_spread(alphas, top_1, axes[1], colour=GREY, marker="o", ms=3)
    axes[0].set(ylabel="AUC of planted voxels", ylim=(0.4, 1.02))
    axes[1].set(ylabel="top-1 accuracy, validation (%)", ylim=(0, None))
    for ax in axes:
        ax.set(xlabel="penalty of ridge", xscale="log")
    best = top_1.mean(axis=1).argmax()
    ends = {what: of.mean(axis=1) for what, of in moved.items()}
    show(
        fig,
        f"Simulated, bands: range over participants. From the weakest to the strongest penalty the AUC of the weights goes from "
        f"{ends['weights'][0]:.2f} to {ends['weights'][-1]:.2f}, that of the patterns from {ends['patterns'][0]:.2f} to "
        f"{ends['patterns'][-1]:.2f}. Pictures are found best at a penalty of {alphas[best]:.0f} (right).",
    )

# %% [markdown]
# ## Several read-outs at once
#
# So far each concept was read out alone. But read-outs go together: faces and people, food and its colours. Taken one at
# a time, a voxel of people then has a pattern for faces too. All at once, the patterns are the coefficients of a regression
# on *all* read-outs $S = X W$:
#
# $$ A = \mathrm{cov}(X)\, W\, \mathrm{cov}(S)^{-1} $$
#
# Write it for centred responses. (Which of the two is right depends on the question: "does this voxel go with faces?"
# or "does it, where people are held fixed?")


# %% tags=["exercise"]
def patterns_of_many(X, W):
    return ...  # your answer here


# %%
exercises.check("weights.patterns_of_many", patterns_of_many)

# %%
exercises.card("weights.patterns_of_many")

# %% [markdown]
# ## On real data
#
# `sdc run 09 -p source=nsd -p root=/data/nsd` takes the principal components of the embedding in the place of the
# concepts, and shows which map comes back; what needs planted voxels is left out. The data are those of
# [the chapter before](08_decoding_pictures.ipynb): 40 GB for one participant of NSD (`allen2022nsd`). A pattern is as good
# as its covariance: with 15,000 voxels and few trials, take the regression on the read-out, as here, and never form the
# matrix of voxels by voxels.
#
# ## At the study's size, on a GPU

# %% tags=["gpu"]
if on_gpu(
    "patterns of 50 runs of 5,001 steps for one participant",
    estimate="unmeasured",
    recorded="none yet; the cells above show the same with fewer runs",
):
    large = decoding.ContrastiveDecoder(
        n_runs=50, n_steps=5001, device="cuda", random_state=p.seed
    )
    large.fit(*train[first][:2], items=train[first][2])
    both = weights_study.both_maps(train[first][0], large, directions[first])
    alike = weights_study.agreement(*both.values())
    say(f"{first} ({kind}): weights and patterns correlate by {alike:.2f}.")

# %% [markdown]
# ## Take-aways
#
# 1. A weight says how a voxel is used, a pattern how it behaves. A voxel with noise alone can have a large weight.
# 2. Print patterns when you say where something is; print weights when you say how the decoder works.
# 3. Ask whether a map comes back in the other half of the data, and whether it hangs on a penalty.
#
# Further reading: `haufe2014` (weights and patterns), `efird2025sdc` (decoder weights as directions: how
# [shared concepts](10_shared_concepts.ipynb) are found). Words: the [glossary](glossary.md).
