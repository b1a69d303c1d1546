# %% [markdown]
# # Decoding a picture from the brain
#
# Somebody looks at one of many pictures. Can you tell from a single recorded response which one it was? Not by
# drawing it: by decoding *what CLIP says about it*, and looking for the nearest picture. The answer in one sentence:
# **a linear map is enough to be right far above chance, and how far depends on the noise in the voxels, on how you
# train it, and on how honestly you count.** The decoders are those of Efird and colleagues (2025), *What's the Opposite of
# a Face?*: `efird2025sdc`.
#
# {{ minutes }}
#
# ## What you will do
#
# - decode single trials with ridge regression and with a contrastive decoder, and compare them picture by picture
# - look at what is decoded when it is right, half right and wrong
# - measure what helps: more trials, more voxels, better voxels, several runs, single trials instead of averages
# - ask planted voxels whether decoder weights or activation patterns point to them
# - leak a picture into the training on purpose, and shuffle as a control
#
# You need: linear regression, [embeddings](02_two_towers.ipynb),
# [splits and noise ceilings](01_loading_brain_data.ipynb).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 0  # of the simulated participants, the split and every draw [0, 999999]
device: str = "auto"  # where to compute {auto, cpu, cuda}
source: str = "simulated"  # where the data come from {simulated, nsd}
root: str = ""  # folder of the real NSD tree, for source nsd
clip_name: str = "course-small"  # or open_clip's; for a file of OpenAI's weights ViT-B-32-quickgelu
clip_weights: str = "course"  # course; a published tag, such as openai; a file's path
n_participants: int | None = None  # how many; None: the profile decides [2, 8]
n_held_out: int | None = None  # test and validation pictures; None: the profile decides [10, 1000]
n_steps: int | None = None  # of training; None: the profile decides [20, 100000]
n_runs: int | None = None  # decoders averaged; None: the profile decides [2, 100]
input_noise: float = 3.0  # standard deviation added to responses in training [0, 30]
n_seeds: int = 3  # participants and draws in each sweep [2, 8]
n_permutations: int = 500  # assignments of the wrong pictures [19, 100000]

# %%
import warnings

import numpy as np
import pandas as pd
import torch
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import roc_auc_score

from sdc_helpers import exercises
from sdc_helpers.contrastive import clip_loss
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.decoding import (
    ContrastiveDecoder,
    RidgeDecoder,
    activation_patterns,
    average_repetitions,
    distinct_embeddings,
    permuted_score,
    score_decoding,
)
from sdc_helpers.embeddings import load_clip
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import (
    COLOURS,
    figure,
    label_line,
    plot_bars,
    plot_intervals,
    plot_null,
    plot_pictures,
    plot_reference,
    plot_spread,
    show,
    table,
)
from sdc_helpers.studies import (
    difference_of_decoders,
    difference_of_participants,
    embed_stimuli,
    fit_decoders,
    load_participants,
    open_study,
    truth_masks,
)

p = start(
    "08_decoding_pictures",
    by_profile={
        "n_participants": {"smoke": 2, "workshop": 6, "full": 8},
        "n_held_out": {"smoke": 30, "workshop": 200, "full": 200},
        "n_steps": {"smoke": 60, "workshop": 200, "full": 400},
        "n_runs": {"smoke": 2, "workshop": 4, "full": 20},
    },
)
BLUE, ORANGE, GREEN, GREY = (COLOURS[name] for name in ("blue", "orange", "green", "grey"))

# %% [markdown]
# ## The data
#
# Simulated participants look at simulated pictures; each picture is shown three times, on three days. We keep the
# voxels whose **noise ceiling** on a single trial, estimated on training trials, is above 8 percent. The pictures are
# split: training, validation, test. Everything below is chosen and shown on the *validation* pictures. The *test*
# pictures are touched once, at the end.

# %%
study = open_study(p.source, p.root, p.profile, p.seed, n_held_out=p.n_held_out)
nsd, truth, kind, split = study.reader, study.truth, study.kind, study.split
clip = load_clip(p.clip_name, p.clip_weights, device=p.device)
embeddings = embed_stimuli(nsd, clip, study.image_ids, progress=len(study.image_ids) > 20_000)

# the last participant of the simulation has poor data: keep it, it is the interesting one
names = list(nsd.participants)
names = names[: p.n_participants - 1] + names[-1:] if p.n_participants < len(names) else names
data = load_participants(nsd, embeddings, split, participants=names)
train, validation = ({s: d.fold(side) for s, d in data.items()} for side in ("train", "validation"))
repeats, first_name = names[: p.n_seeds], names[0]
chance = 1 / p.n_held_out
say(
    f"**{kind.capitalize()}**: {len(data)} participants; {first_name} has {train[first_name][0].shape[0]} training trials of "
    f"{train[first_name][0].shape[1]} voxels. {clip.name} gives each picture {clip.dimension} numbers. "
    f"{p.n_held_out} validation pictures: guessing finds the right one in {100 * chance:.1f} percent of trials."
)

# %% [markdown]
# ## From the question to the equations
#
# Write the responses as $X$ (trials × voxels) and the embeddings of what was seen as $Y$ (trials × dimensions, rows of
# length 1). Both decoders are linear, $\hat y = W^\top x + b$, and both are asked the same question: among the distinct
# pictures of the fold (the **gallery**), which embedding is nearest to $\hat y$ by cosine? **Top-1 accuracy** is the share of
# single trials whose own picture is the nearest.
#
# They differ in what $W$ is fitted for. **Ridge** brings each number of $\hat y$ near to that of $y$, with small weights:
#
# $$ W = (X^\top X + \alpha I)^{-1} X^\top Y \qquad (X, Y \text{ centred}) $$
#
# The **contrastive decoder** asks for the right *choice*. In a batch of $n$ trials, with $\hat y$ scaled to length 1, it
# minimises the InfoNCE loss of CLIP itself, brain in the place of the text:
#
# $$ L = -\frac{1}{2n} \sum_i \left[ \log \frac{e^{\hat y_i \cdot y_i / \tau}}{\sum_j e^{\hat y_i \cdot y_j / \tau}}
#    + \log \frac{e^{\hat y_i \cdot y_i / \tau}}{\sum_j e^{\hat y_j \cdot y_i / \tau}} \right] $$
#
# where other trials of the same picture are left out of the sums: a picture is not its own negative. Both by hand:


# %%
def ridge_by_hand(X, Y, alpha):
    X, Y = X - X.mean(0), Y - Y.mean(0)
    return np.linalg.solve(X.T @ X + alpha * np.eye(X.shape[1]), X.T @ Y)


def infonce_by_hand(P, Y, items, tau):
    S = P @ Y.T / tau
    S_off = np.where((items[:, None] == items) & ~np.eye(len(S), dtype=bool), -np.inf, S)
    rows, columns = (np.log(np.exp(S_off).sum(axis)) - np.diag(S) for axis in (1, 0))
    return (rows.mean() + columns.mean()) / 2


X, Y, items = (part[:300].astype(float) for part in train[first_name])
X = X[:, :80]
package = RidgeDecoder(alphas=[1000.0]).fit(X, Y, items=items.astype(int))
assert np.allclose(ridge_by_hand(X, Y, 1000.0), package.coef_, atol=1e-6)

guess = package.predict(X[:64])
batch = [torch.from_numpy(np.asarray(part)) for part in (guess, Y[:64], items[:64].astype(int))]
by_package = clip_loss(*batch[:2], temperature=0.03, items=batch[2]).item()
unit_rows = Y[:64] / np.linalg.norm(Y[:64], axis=1, keepdims=True)
by_hand = infonce_by_hand(guess, unit_rows, items[:64], 0.03)
assert np.isclose(by_hand, by_package, rtol=1e-4)
say(
    f"Ridge weights by hand equal `RidgeDecoder.coef_`; the contrastive loss of those predictions is {by_hand:.4f} by hand "
    f"and {by_package:.4f} by `clip_loss` ({kind}). The loss has no closed solution: Adam goes down its gradient."
)

# %% [markdown]
# ## Two decoders, every participant
#
# The penalty of ridge is the one with the best top-1 on the validation pictures. The contrastive decoder is trained
# with noise added to the responses in every step, which does the work of a penalty, and the weights of several runs
# with different seeds are averaged. The study used 50 runs of 5,001 steps for 20,000 trials; the simulated
# participants have a tenth, and the settings below were chosen on the validation pictures of one of them (seed 0, subj01).
# Embeddings are decoded as they are, as in the study; for *finding concepts*, [the next chapter](10_shared_concepts.ipynb)
# decodes their principal components at equal variance, with more noise.
#
# The claims of this chapter come with intervals. Two decoders are compared picture by picture and participant by
# participant, and the interval is for other pictures *and* other participants: the mean squares of both are added
# (the min F' of Clark, 1973). Where each participant has validation pictures of their own, the participants' means hold
# the chance of both already. With two or three participants the interval is wide, and says so.

# %%
settings = {
    "temperature": 0.03,
    "lr": 3e-3,
    "batch_size": 128,
    "n_steps": p.n_steps,
    "input_noise": p.input_noise,
    "evaluate_every": max(10, p.n_steps // 10),
    "device": p.device,
    "random_state": p.seed,
}
contrastive = fit_decoders(data, ContrastiveDecoder(**settings, n_runs=p.n_runs))


def fit_ridge(fold, held_out=None, **options):
    return RidgeDecoder(**options, device=p.device).fit(
        *fold[:2], items=fold[2], validation=held_out
    )


def fit_contrastive(fold, held_out=None, **changes):
    full_batches = {"batch_size": min(settings["batch_size"], len(fold[0]) // 2)}
    decoder = ContrastiveDecoder(**{**settings, **full_batches, "n_runs": 1, **changes})
    return decoder.fit(*fold[:2], items=fold[2], validation=held_out)


# %%
def score(predicted, fold, **options):
    gallery = distinct_embeddings(fold[1], fold[2])
    return score_decoding(predicted, fold[2], *gallery, **options)


def top_1(predicted, fold):
    return score(predicted, fold, ks=[1], n_bootstrap=1).top_k[1].value


def hits(predicted, fold):
    """Percent of each picture's trials that are right: trials of a picture are not independent."""
    gallery, ids = distinct_embeddings(fold[1], fold[2])
    right = ids[(predicted @ gallery.T).argmax(axis=1)] == fold[2]
    return 100 * pd.Series(right).groupby(fold[2]).mean()


def extreme(intervals, of=min):
    """Lowest value and lowest ends of several: above a bound if all are, below if any is."""
    parts = zip(*((one.value, one.low, one.high) for one in intervals), strict=True)
    return Interval(*(of(part) for part in parts))


def over_participants(intervals_of):
    """The lowest of two decoders' intervals over participants."""
    return extreme([Interval.over_seeds(values) for values in intervals_of])


def first_run(s, X):
    """Predictions of a participant's first run alone; the metrics look at directions only."""
    return X @ contrastive[s].coef_runs_[0] + contrastive[s].intercept_runs_[0]


# %%
ridge = {s: fit_ridge(train[s], validation[s]) for s in data}
decoders = {"ridge": ridge, "contrastive": contrastive}
on_validation = {
    method: {s: score(fitted[s].predict(validation[s][0]), validation[s]) for s in data}
    for method, fitted in decoders.items()
}


def chance_line(ax, times=1):
    """Draw chance, or some times chance, in percent; its name stands at the right, outside."""
    plot_reference(ax, 100 * times * chance, "")
    ax.annotate("chance" if times == 1 else f"{times} × chance", (1, 100 * times * chance),
                xycoords=("axes fraction", "data"), xytext=(3, 0), textcoords="offset points",
                va="center", color=GREY, fontsize=8.5, annotation_clip=False)  # fmt: skip


# %%
found = {m: [on_validation[m][s].top_k[1] for s in data] for m in decoders}
fig, ax = figure(width=7.4, height=3.6)
for method, colour, shift in (("ridge", ORANGE, -0.12), ("contrastive", BLUE, 0.12)):
    percent = [score.scaled(100) for score in found[method]]
    at = np.arange(len(data)) + shift
    plot_intervals([], percent, ax, positions=at, colour=colour, chance="")
    ax.annotate(
        method, (0.02, 0.95 if method == "ridge" else 0.88), xycoords="axes fraction", color=colour
    )
chance_line(ax)
chance_line(ax, 10)
ax.set_xticks(range(len(data)), [f"{s}\n{d.responses.shape[1]} voxels" for s, d in data.items()])
ax.set(xlabel="participant", ylabel="top-1 accuracy, single trials (%)", ylim=(0, None))
ax.margins(y=0.25)
ax.set_ylim(0, None)
ax.set_title(f"{p.n_held_out} validation pictures to choose from ({kind})", loc="left")
gains = np.array([c.value - r.value for r, c in zip(*found.values(), strict=True)])
show(
    fig,
    f"{kind.capitalize()}: the picture is found in {100 * min(e.value for m in found.values() for e in m):.0f} to {100 * max(e.value for m in found.values() for e in m):.0f} percent of trials. The contrastive one is ahead of ridge in "
    f"{(gains > 0).sum()} of {len(gains)} participants. Lines: 95 percent bootstrap intervals over pictures.",
)

# %%
rows = []
for s in data:
    for method in decoders:
        one = on_validation[method][s]
        rows.append([s, method, one.top_k[1].scaled(100), one.top_k[5].scaled(100),
                     100 * one.two_versus_two.value,
                     f"{one.cosine.value:.3f} ({one.cosine.chance:.3f})"])  # fmt: skip
head = [
    "participant",
    "decoder",
    "top-1 (%)",
    "top-5 (%)",
    "two-versus-two (%)",
    "cosine (with others)",
]
say(
    f"Validation pictures, {kind}; brackets: 95 percent intervals over pictures.\n\n"
    + table(head, rows, digits=1)
)
cosines = {m: np.mean([on_validation[m][s].cosine.value for s in data]) for m in decoders}
say(
    f"Two numbers that are easily confused. The mean cosine of decoded and true embedding is {cosines['ridge']:.2f} for ridge and "
    f"{cosines['contrastive']:.2f} for the contrastive decoder ({kind}). It says little alone: a picture is identified by how far its cosine "
    f"is *above* those with the other pictures, whose mean is in brackets."
)
# %%
right = {m: {s: hits(decoders[m][s].predict(validation[s][0]), validation[s]) for s in data}
         for m in decoders}  # fmt: skip
by_picture = [Interval.over_seeds(right["contrastive"][s] - right["ridge"][s]) for s in data]
ahead = difference_of_decoders(right["contrastive"].values(), right["ridge"].values())
claims.record("decoding.order.contrastive_above_ridge", ahead, kind=kind)
claims.record("decoding.order.every_participant", extreme(by_picture), kind=kind)
too_few = f"Ten times chance is {1000 * chance:.0f} percent with this gallery."
for method, scores in found.items():
    times_chance = extreme(scores).scaled(1 / chance)
    claims.record(f"decoding.chance.{method}", times_chance, kind=kind, reason=too_few)

# %% [markdown]
# ## Look at it
#
# An accuracy is an average. Below are the best, the median and the worst of one participant's single trials: not
# chosen by hand, but by the rank of the right picture in the gallery.

# %%
fold = validation[first_name]
gallery, gallery_ids = distinct_embeddings(*fold[1:])
likeness = contrastive[first_name].predict(fold[0]) @ gallery.T
own = np.searchsorted(gallery_ids, fold[2])
own_cosine = likeness[np.arange(len(own)), own]
ranks = (likeness >= own_cosine[:, None]).sum(axis=1)
by_margin = np.lexsort((-own_cosine, ranks))
chosen = by_margin[[0, 1, len(ranks) // 2, len(ranks) // 2 + 1, -2, -1]]
shown = [[own[t], *np.argsort(-likeness[t])[:5]] for t in chosen]
pictures = nsd.stimuli(gallery_ids[np.ravel(shown)])
fig, axes = figure(6, 6, width=8.6, height=9.2)
plot_pictures(
    pictures,
    [f"{'seen' if k == 0 else f'guess {k}'}" for _ in chosen for k in range(6)],
    axes,
    frames=[GREY if k == 0 else GREEN if row[k] == row[0] else None for row in shown for k in range(6)],
    rows=[f"{which}: rank {ranks[t]} of {len(gallery)}" for which, t in zip(
        np.repeat(["best", "median", "worst"], 2), chosen, strict=True)],
    wrap=14,
)  # fmt: skip
show(
    fig,
    f"{kind.capitalize()}, {first_name}: left the picture seen, then the five nearest to what was decoded; a green frame is "
    f"the right one. The right picture has median rank {np.median(ranks):.0f} of {len(gallery)}.",
)
if truth:
    place = truth.images.loc[gallery_ids, "place"].to_numpy()
    missed = np.flatnonzero(ranks > 1)
    first_guess = likeness[missed].argmax(axis=1)
    same = place[first_guess] == place[own[missed]]
    others = place[own[missed], None] == place
    by_chance = (others.sum(axis=1) - 1) / (len(gallery) - 1)  # of each miss
    say(
        f"Misses are not random. The first guess of a miss shows the same kind of place as the picture seen in "
        f"{100 * same.mean():.0f} percent of the simulated trials; a random wrong picture does in {100 * by_chance.mean():.0f}."
    )
    more_often = pd.Series(100 * (same - by_chance)).groupby(own[missed]).mean()
    claims.record("decoding.misses.same_place", Interval.over_seeds(more_often))

# %% [markdown]
# ## Where does the gain come from?
#
# Four decoders on the same trials: ridge; contrastive without noise; with noise; with noise and a hidden layer. Beside
# it, what happens along the training.

# %%
hidden_units = 64 if p.profile == "smoke" else 256
kinds = {
    "ridge": [],
    "contrastive, no noise": [],
    "contrastive, noise": [],
    "noise, hidden layer": [],
}
hits_of = {name: [] for name in kinds}
for s in repeats:
    X = validation[s][0]
    variants = (
        ridge[s].predict(X),
        fit_contrastive(train[s], input_noise=0.0).predict(X),
        first_run(s, X),
        fit_contrastive(train[s], hidden=hidden_units, lr=1e-3).predict(X),
    )
    for name, predicted in zip(kinds, variants, strict=True):
        kinds[name].append(100 * top_1(predicted, validation[s]))
        hits_of[name].append(hits(predicted, validation[s]))

fig, axes = figure(1, 3, width=10.6, height=3.5, gridspec_kw={"width_ratios": (1.5, 1, 1)})
plot_bars(
    {name.replace(", ", ",\n"): v for name, v in kinds.items()},
    axes[0],
    colours=(ORANGE, COLOURS["sky"], BLUE, COLOURS["sky"]),
)
axes[0].tick_params(axis="x", labelsize=8)
chance_line(axes[0])
axes[0].set(xlabel="decoder, one run", ylabel="top-1 (%)")
axes[0].set_title(f"dots: participants ({kind})", loc="left", fontsize=10)
history = pd.concat([contrastive[s].history_.assign(name=s) for s in repeats])
steps = np.unique(history.step)
for ax, column, scale, label, level in (
    (axes[1], "validation_top_1", 100, "top-1, validation (%)", 100 * chance),
    (axes[2], "validation_cosine", 1, "cosine, decoded with true", None),
):
    by_run = history.pivot_table(index="step", columns=["name", "run"], values=column)
    plot_spread(steps, scale * by_run.to_numpy(), ax, colour=BLUE, marker="o", ms=3)
    if level is not None:
        chance_line(ax)
    ax.set(xlabel="step of the training", ylabel=label, xlim=(0, None))
axes[1].set_ylim(0, None)
strangers = np.mean([on_validation["contrastive"][s].cosine.chance for s in repeats])
plot_reference(axes[2], strangers, "with other pictures, at the end")
along = [by_run.mean(axis=1).iloc[i] for i in (0, -1)]
mean_of = {name: float(np.mean(values)) for name, values in kinds.items()}
show(
    fig,
    f"{kind.capitalize()}. Left: noise in training takes one run from {mean_of['contrastive, no noise']:.1f} to "
    f"{mean_of['contrastive, noise']:.1f} percent; a hidden layer gives {mean_of['noise, hidden layer']:.1f}. Right: the cosine with "
    f"the truth goes from {along[0]:.2f} to {along[1]:.2f} along the training: it is not what is trained for.",
)
# %%
_, without_noise, with_noise, with_hidden = hits_of.values()
claims.record("decoding.noise.helps", difference_of_decoders(with_noise, without_noise), kind=kind)
claims.record("decoding.hidden.no_gain", difference_of_decoders(with_hidden, with_noise), kind=kind)

# %% [markdown]
# ## One run or the mean of many?
#
# Two runs see the same trials and differ in chance alone: initial weights, order, noise. Averaging their *weights* is
# one linear decoder again, with less of that chance in it.

# %%
counts = np.arange(1, p.n_runs + 1)
averaged = np.empty((len(counts), len(data)))
for column, (s, c) in enumerate(contrastive.items()):
    for row, k in enumerate(counts):
        W, b = c.coef_runs_[:k].mean(axis=0), c.intercept_runs_[:k].mean(axis=0)
        averaged[row, column] = 100 * top_1(validation[s][0] @ W + b, validation[s])
fig, ax = figure(width=5.4, height=3.3)
plot_spread(counts, averaged, ax, colour=BLUE, marker="o", ms=4)
ax.plot(counts, averaged, color=BLUE, lw=0.5, alpha=0.6)
chance_line(ax)
ax.set(xlabel="runs averaged", ylabel="top-1 accuracy (%)", ylim=(0, None), xticks=counts)
ax.set_title(f"Thin lines: participants ({kind})", loc="left")
run_gain = averaged[-1] - averaged[0]
show(
    fig,
    f"{kind.capitalize()}: averaging the weights of {p.n_runs} runs changes top-1 by {run_gain.mean():+.1f} points on average "
    f"({run_gain.min():+.1f} to {run_gain.max():+.1f} over participants). Band: range over participants.",
)
of_one_run = [hits(first_run(s, validation[s][0]), validation[s]) for s in data]
from_averaging = difference_of_decoders(right["contrastive"].values(), of_one_run)
claims.record("decoding.runs.mean_of_many", from_averaging, kind=kind, n=p.n_runs)

# %% [markdown]
# ## More trials, more voxels, better voxels
#
# Three sweeps, each over participants with its own random draw: a part of the training pictures; a part of the
# voxels; and a quarter of the voxels, from the noisiest quarter to the most reliable.


# %%
def part_of(fold, rows=slice(None), voxels=slice(None)):
    X, Y, items = fold
    return X[rows][:, voxels], Y[rows], items[rows]


def both(s, rows=slice(None), voxels=slice(None)):
    """Top-1 in percent of (ridge, one contrastive run) with a part of trials or voxels."""
    fold, held_out = part_of(train[s], rows, voxels), part_of(validation[s], voxels=voxels)
    fitted = fit_ridge(fold, held_out), fit_contrastive(fold)
    return [100 * top_1(decoder.predict(held_out[0]), held_out) for decoder in fitted]


warnings.filterwarnings("ignore", message="The chosen penalty")  # with so little, any will do
shares = np.array([1 / 8, 1 / 4, 1 / 2, 1])
sweeps = {name: np.empty((4, len(repeats), 2)) for name in ("trials", "voxels", "ceiling")}
sizes = {name: np.empty((4, len(repeats))) for name in sweeps}
for j, s in enumerate(repeats):
    rng = np.random.default_rng([p.seed, j])
    n_voxels, shown_ids = data[s].responses.shape[1], np.unique(train[s][2])
    orders = rng.permutation(shown_ids), rng.permutation(n_voxels)
    quarters = np.array_split(np.argsort(data[s].ceiling), 4)
    whole = [kinds[name][j] for name in ("ridge", "contrastive, noise")]  # all trials and voxels
    for i, share in enumerate(shares):
        rows = np.isin(train[s][2], orders[0][: round(share * len(shown_ids))])
        some = orders[1][: round(share * n_voxels / 2)]
        sizes["trials"][i, j], sizes["voxels"][i, j] = rows.sum(), len(some)
        sizes["ceiling"][i, j] = data[s].ceiling[quarters[i]].mean()
        sweeps["trials"][i, j] = whole if share == 1 else both(s, rows)
        sweeps["voxels"][i, j] = both(s, voxels=some)
        sweeps["ceiling"][i, j] = both(s, voxels=quarters[i])

# %%
fig, axes = figure(1, 3, width=10.6, height=3.5, sharey=True)
for ax, (name, values), label in zip(
    axes, sweeps.items(),
    ("training trials", "voxels, drawn at random", "mean noise ceiling of a quarter of the voxels (%)"),
    strict=True,
):  # fmt: skip
    at = sizes[name].mean(axis=1)
    for m, (method, colour) in enumerate((("ridge", ORANGE), ("contrastive, one run", BLUE))):
        plot_spread(at, values[:, :, m], ax, colour=colour, marker="o", ms=4)
        if name == "trials":
            ax.annotate(method, (0.04, 0.92 - 0.09 * m), xycoords="axes fraction", color=colour)
    chance_line(ax)
    ax.set(xlabel=label)
    if name != "ceiling":
        ax.set_xscale("log", base=2)
        ax.set_xticks(at, [f"{v:.0f}" for v in at])
        ax.minorticks_off()
axes[0].set(ylabel="top-1 accuracy (%)", ylim=(0, None))
axes[0].set_title(f"({kind})", loc="left")
growth = {name: values.mean(axis=(1, 2))[[0, -1]] for name, values in sweeps.items()}
show(
    fig,
    f"{kind.capitalize()}: from the smallest to the largest share, top-1 of both decoders together goes from {growth['trials'][0]:.1f} to "
    f"{growth['trials'][1]:.1f} percent with trials, {growth['voxels'][0]:.1f} to {growth['voxels'][1]:.1f} with voxels, and "
    f"{growth['ceiling'][0]:.1f} to {growth['ceiling'][1]:.1f} with the ceiling. Bands: range over {len(repeats)} participants.",
)
rise = {name: over_participants((values[-1] - values[0]).T) for name, values in sweeps.items()}
claims.record("decoding.trials.more_helps", rise["trials"], kind=kind)
claims.record("decoding.ceiling.better_voxels", rise["ceiling"], kind=kind)

# %% [markdown]
# Between participants the same holds. What the voxels could say at best is in their number and their ceilings; the
# sum of the ceilings is a rough measure of both.

# %%
signal = np.array([d.ceiling.sum() / 100 for d in data.values()])
best = 100 * np.array([e.value for e in found["contrastive"]])
fig, ax = figure(width=5.4, height=3.3)
ax.plot(signal, best, "o", color=BLUE, ms=7)
for s, x, y in zip(data, signal, best, strict=True):
    ax.annotate(s[-2:], (x, y), xytext=(6, 3), textcoords="offset points", color=GREY, fontsize=9)
chance_line(ax)
ax.set(xlabel="sum of the voxels' noise ceilings (voxels' worth of signal)", ylabel="top-1 accuracy (%)",
       xlim=(0, 1.15 * signal.max()), ylim=(0, 1.25 * best.max()))  # fmt: skip
ax.set_title(f"A dot a participant, contrastive ({kind})", loc="left")
poor = list(data)[int(signal.argmin())]
show(
    fig,
    f"{kind.capitalize()}: {poor} has the least reliable voxels and a top-1 of {best[signal.argmin()]:.1f} percent; the others reach "
    f"{np.delete(best, signal.argmin()).min():.1f} to {best.max():.1f}. Numbers: participants.",
)
of_picture = right["contrastive"]
ahead_of_it = [
    difference_of_participants(of_picture[s], of_picture[poor]) for s in data if s != poor
]
claims.record("decoding.ceiling.poor_participant", extreme(ahead_of_it), kind=kind)
if len(data) > 3:
    say(
        f"Rank correlation over the {len(data)} participants ({kind}): {spearmanr(signal, best)[0]:.2f}; few participants, so no claim."
    )

# %% [markdown]
# ## Why single trials?
#
# Averaging the three showings of a picture removes noise, so why not train on averages? Because the average is one
# example where there were three, and because a decoder for single trials must know how single trials vary. Both are
# tried on single trials and on averages.

# %%
conditions = {}
for method in decoders:
    for trained in ("single", "mean"):
        for asked in ("single", "mean"):
            conditions[method, trained, asked] = []
hits_when = {key: [] for key in conditions}
for s in repeats:
    means, ids = average_repetitions(*train[s][::2])
    mean_fold = (means.astype(np.float32), embeddings.of(ids), ids)
    held_means, held_ids = average_repetitions(*validation[s][::2])
    asked = {
        "single": validation[s],
        "mean": (held_means.astype(np.float32), embeddings.of(held_ids), held_ids),
    }
    fitted = {
        ("ridge", "single"): ridge[s].predict,
        ("ridge", "mean"): fit_ridge(mean_fold, validation[s]).predict,
        ("contrastive", "single"): lambda X, s=s: first_run(s, X),
        ("contrastive", "mean"): fit_contrastive(mean_fold).predict,
    }
    for (method, trained), predict in fitted.items():
        for query, held_out in asked.items():
            guess = predict(held_out[0])
            conditions[method, trained, query].append(100 * top_1(guess, held_out))
            hits_when[method, trained, query].append(hits(guess, held_out))

fig, axes = figure(1, 2, width=8.6, height=3.4, sharey=True)
for ax, query in zip(axes, ("single", "mean"), strict=True):
    plot_bars(
        {
            f"{m},\non {'trials' if t == 'single' else 'means'}": v
            for (m, t, q), v in conditions.items()
            if q == query
        },
        ax,
        colours=(ORANGE, COLOURS["yellow"], BLUE, COLOURS["sky"]),
    )
    chance_line(ax)
    ax.tick_params(axis="x", labelsize=8)
    ax.set(xlabel="decoder, and what it was trained on")
    ax.set_title(
        f"asked about {'single trials' if query == 'single' else 'means of three'} ({kind})",
        loc="left",
        fontsize=10,
    )
axes[0].set(ylabel="top-1 accuracy (%)")
average = {key: float(np.mean(values)) for key, values in conditions.items()}
show(
    fig,
    f"{kind.capitalize()}, dots: participants. Asked about single trials, one contrastive run trained on trials reaches "
    f"{average['contrastive', 'single', 'single']:.1f} percent, on means {average['contrastive', 'mean', 'single']:.1f}. Asking about the mean of three "
    f"trials gives {average['contrastive', 'single', 'mean']:.1f}: say which of the two you report.",
)
# %%
on_trials = hits_when["contrastive", "single", "single"]
from_trials = difference_of_decoders(on_trials, hits_when["contrastive", "mean", "single"])
about_means = difference_of_decoders(hits_when["contrastive", "single", "mean"], on_trials)
claims.record("decoding.single.train_on_trials", from_trials, kind=kind)
claims.record("decoding.single.ask_about_means", about_means, kind=kind)

# %% [markdown]
# ## Weights or patterns?
#
# Which voxels carry a concept? It is tempting to look at the decoder's weights. But a weight says how a voxel is
# *used*: a voxel that knows nothing may get one because it cancels noise that it shares with others. The **activation
# pattern** (`haufe2014`) says how a voxel *behaves*. For one read-out $s = X w$ it is the regression of each voxel on it:
#
# $$ a_v = \frac{\mathrm{cov}(x_v, s)}{\mathrm{var}(s)} $$
#
# Here the truth is known: the simulation has planted voxels for each concept, and others that are *reliable but
# unrelated* to any embedding. Take the direction of a concept in the embedding (its covariance with the planted
# concept values over training pictures), read it out, and ask how well $|w_v|$ and $|a_v|$ rank that concept's own
# voxels above all others: the AUC, 0.5 by chance.

# %%
if truth:
    planted = truth_masks(truth, {s: d.mask for s, d in data.items()})
    areas = {(m, what): [] for m in decoders for what in ("weights", "patterns")}
    distractors = {key: [] for key in areas}
    for s in data:
        mine = planted.participants == s
        picture, row = np.unique(train[s][2], return_index=True)
        E = train[s][1][row]
        for method, fitted in decoders.items():
            scores = {"weights": [], "patterns": []}
            lures = {"weights": [], "patterns": []}
            for concept in truth.shared:
                values = truth.images.loc[picture, f"concept_{concept}"].to_numpy()
                direction = (E - E.mean(0)).T @ (values - values.mean())
                w = fitted[s].coef_ @ (direction / np.linalg.norm(direction))
                a = activation_patterns(train[s][0], w[:, None])[:, 0]
                here = planted.masks.get(concept, np.zeros_like(mine))[mine]
                if not here.any() or here.all():
                    continue
                for what, size in (("weights", np.abs(w)), ("patterns", np.abs(a))):
                    scores[what].append(roc_auc_score(here, size))
                    place = rankdata(size) / len(size)
                    lure = (
                        planted.masks["unexplained"][mine]
                        if "unexplained" in planted.masks
                        else ~here
                    )
                    lures[what].append(place[lure].mean())
            for what in scores:
                areas[method, what].append(np.mean(scores[what]))
                distractors[method, what].append(np.mean(lures[what]))

# %%
if truth:
    fig, axes = figure(1, 2, width=8.8, height=3.4)
    colours = (COLOURS["yellow"], ORANGE, COLOURS["sky"], BLUE)
    for ax, values in zip(axes, (areas, distractors), strict=True):
        plot_bars({f"{m},\n{what}": v for (m, what), v in values.items()}, ax, colours=colours)
        ax.tick_params(axis="x", labelsize=8)
        ax.set_xlabel("decoder, and what is looked at")
        plot_reference(ax, 0.5, "")
    axes[0].set(ylabel="AUC (dashed: chance)", ylim=(0.4, 1.02))
    axes[1].set(ylabel="mean place, 0 to 1 (dashed: chance)", ylim=(0, 0.7))
    axes[0].set_title("the concept's own voxels (simulated)", loc="left", fontsize=10)
    axes[1].set_title("reliable but unrelated voxels (simulated)", loc="left", fontsize=10)
    auc = {key: float(np.mean(v)) for key, v in areas.items()}
    show(
        fig,
        f"Simulated, dots: participants. Left: planted voxels are ranked with an AUC of {auc['contrastive', 'patterns']:.2f} by patterns and "
        f"{auc['contrastive', 'weights']:.2f} by weights of the contrastive decoder ({auc['ridge', 'patterns']:.2f} and "
        f"{auc['ridge', 'weights']:.2f} of ridge). Right: where the unrelated voxels come, lower is better.",
    )
    for_patterns = [np.subtract(areas[m, "patterns"], areas[m, "weights"]) for m in decoders]
    ranked = over_participants(for_patterns)
    claims.record("decoding.patterns.above_weights", ranked)
    better = "patterns" if ranked.low > 0 else "undecided with these participants"
    say(
        f"What points better to the planted voxels of the simulation, with both decoders: **{better}**."
    )

# %% [markdown]
# ## Control: shuffle
#
# Two shuffles that answer two questions. *Is the score above chance?* Give every picture of the gallery the embedding
# of another, all its repetitions the same wrong one, and score again: no training needed. *Could the whole procedure
# make accuracy out of nothing?* Shuffle before training, and train. Single trials of one picture are not exchangeable
# with those of another one by one, so whole pictures change places ([which null answers which
# question](nulls.md)).

# %%
nulls, values, retrained, from_nothing = [], [], [], []
fold = validation[first_name]
rng = np.random.default_rng([p.seed, 50])
shown_ids = np.unique(train[first_name][2])
stranger = dict(zip(shown_ids, rng.permutation(shown_ids), strict=True))
wrong_ids = np.array([stranger[i] for i in train[first_name][2]])
shuffled = (train[first_name][0], embeddings.of(wrong_ids), wrong_ids)
for method, fitted in decoders.items():
    gallery = distinct_embeddings(*fold[1:])
    test = permuted_score(
        fitted[first_name].predict(fold[0]), fold[2], *gallery,
        n_permutations=p.n_permutations, random_state=p.seed,
    )  # fmt: skip
    nulls.append(100 * test.null)
    values.append(100 * test.value)
    again = (
        fit_ridge(shuffled, alphas=[ridge[first_name].alpha_])
        if method == "ridge"
        else fit_contrastive(shuffled)
    )
    from_nothing.append(score(again.predict(fold[0]), fold, ks=[1]).top_k[1])
    retrained.append(100 * from_nothing[-1].value)
fig, ax = figure(width=6, height=3.4)
plot_null(range(2), nulls, values, ax, colour=BLUE)
ax.plot(range(2), retrained, "x", color=ORANGE, ms=9, mew=2)
ax.annotate("trained on shuffled pairs (×)", (1.06, retrained[1]), xytext=(4, 10), textcoords="offset points",
            color=ORANGE, fontsize=9)  # fmt: skip
ax.annotate(
    "as trained",
    (1.0, values[1]),
    xytext=(8, 0),
    textcoords="offset points",
    color=BLUE,
    va="center",
)
chance_line(ax)
ax.set_xticks(range(2), decoders)
ax.set(xlabel="decoder", ylabel="top-1 accuracy (%)", xlim=(-0.5, 1.9), ylim=(0, None))
ax.set_title(f"{first_name} ({kind}), {p.n_permutations} shuffles in grey", loc="left")
show(
    fig,
    f"{kind.capitalize()}: ridge scores {values[0]:.1f} percent and the contrastive decoder {values[1]:.1f} (p = {test.p_value:.3g}). Trained on "
    f"shuffled pairs they score {retrained[0]:.1f} and {retrained[1]:.1f} (crosses); grey is shuffled after training. Chance: {100 * chance:.1f}.",
)
highest = extreme(from_nothing, of=max).scaled(1 / chance)
claims.record("decoding.shuffle.at_chance", highest, kind=kind)

# %% [markdown]
# ## Pitfalls: the picture that was seen before, and the gallery that shrank
#
# **The leak.** Each picture has three showings. Split by *trial* and most validation pictures have a showing in the
# training set: the decoder can answer from memory. Here one showing of every validation picture is moved into the
# training set on purpose; the questions are the two others, so that gallery and chance stay what they were.
# **The gallery.** Top-1 among 20 pictures is another number than among 200. It must be reported with its gallery.

# %%
leak = {
    "ridge,\nhonest": [],
    "ridge,\nleaked": [],
    "contrastive,\nhonest": [],
    "contrastive,\nleaked": [],
}
whole = contrastive[first_name]
showing = pd.Series(fold[2]).groupby(fold[2]).cumcount().to_numpy()
for moved in range(3):
    questions = part_of(fold, showing != moved)
    leaky = tuple(
        np.concatenate(pair)
        for pair in zip(train[first_name], part_of(fold, showing == moved), strict=True)
    )
    predicted = (
        ridge[first_name].predict(questions[0]),
        fit_ridge(leaky, alphas=[ridge[first_name].alpha_]).predict(questions[0]),
        first_run(first_name, questions[0]),
        fit_contrastive(leaky).predict(questions[0]),
    )
    for found_here, guess in zip(leak.values(), predicted, strict=True):
        found_here.append(hits(guess, questions))

all_ids = np.unique(fold[2])
gallery_sizes = np.unique(np.geomspace(5, len(all_ids), 5).astype(int))
by_size = np.empty((len(gallery_sizes), p.n_seeds))
predicted = whole.predict(fold[0])
for j in range(p.n_seeds):
    order = np.random.default_rng([p.seed, 60, j]).permutation(all_ids)
    for i, size in enumerate(gallery_sizes):
        kept = np.isin(fold[2], order[:size])
        by_size[i, j] = 100 * top_1(predicted[kept], part_of(fold, kept))

# %%
fig, axes = figure(1, 2, width=9.2, height=3.5)
top_1_of = {name: [one.mean() for one in found_here] for name, found_here in leak.items()}
plot_bars(top_1_of, axes[0], colours=(ORANGE, COLOURS["yellow"], BLUE, COLOURS["sky"]))
axes[0].tick_params(axis="x", labelsize=8)
axes[0].set(xlabel="dots: which of the three showings was moved", ylabel="top-1 accuracy (%)")
chance_line(axes[0])
axes[0].set_title(f"{first_name}, one run ({kind})", loc="left", fontsize=10)
plot_spread(gallery_sizes, by_size, axes[1], colour=BLUE, marker="o", ms=4)
axes[1].plot(gallery_sizes, 100 / gallery_sizes, color=GREY, lw=1, ls=(0, (4, 3)))
label_line(axes[1], gallery_sizes[1], 100 / gallery_sizes[1], "chance", GREY, dy=-9)
axes[1].set(
    xlabel="pictures in the gallery", ylabel="top-1 accuracy (%)", xscale="log", ylim=(0, None)
)
axes[1].set_xticks(gallery_sizes, gallery_sizes)
axes[1].minorticks_off()
axes[1].set_title(f"the same predictions ({kind})", loc="left", fontsize=10)
mean_leak = {name.replace(",\n", " "): float(np.mean(v)) for name, v in top_1_of.items()}
show(
    fig,
    f"{kind.capitalize()}. Left: with one showing of each picture leaked, ridge goes from {mean_leak['ridge honest']:.1f} to "
    f"{mean_leak['ridge leaked']:.1f} percent, the contrastive decoder from {mean_leak['contrastive honest']:.1f} to "
    f"{mean_leak['contrastive leaked']:.1f}. Right: unchanged predictions look better in a smaller gallery.",
)
of_pictures = {n: pd.concat(v, axis=1).mean(axis=1) for n, v in leak.items()}
gained = [of_pictures[f"{m},\nleaked"] - of_pictures[f"{m},\nhonest"] for m in decoders]
claims.record("decoding.leak.pictures", extreme(map(Interval.over_seeds, gained)), kind=kind)

# %% [markdown]
# ## Once: the test pictures
#
# Everything above was chosen and shown on validation pictures, so it is a little too good. Now the test pictures.

# %%
rows, tested_hits = [], {m: [] for m in decoders}
for s, d in data.items():
    fold = d.fold("test")
    row = [s]
    for m, fitted in decoders.items():
        predicted = fitted[s].predict(fold[0])
        row.append(score(predicted, fold, ks=[1]).top_k[1].scaled(100))
        tested_hits[m].append(hits(predicted, fold))
    rows.append(row)
head = ["participant", *(f"{m}, top-1 (%)" for m in decoders)]
say(
    f"Test pictures, {kind}, gallery of {p.n_held_out}, chance {100 * chance:.1f} percent:\n\n"
    + table(head, rows, digits=1)
)
ahead = difference_of_decoders(tested_hits["contrastive"], tested_hits["ridge"])
claims.record("decoding.test.contrastive_above_ridge", ahead, kind=kind)

# %% [markdown]
# The published numbers, for comparison of *order* only: ridge reached a validation top-1 of 8.53, 6.43, 4.30, 4.67, 10.10,
# 5.50, 6.17 and 3.03 percent in NSD's participants 1 to 8, among 1,000 real photographs (chance 0.1 percent) and with
# voxels of a ceiling above 5 percent, not 8 as here; the contrastive decoder reached more (`efird2025sdc`). Simulated
# participants cannot confirm these values.
#
# ## Exercises
#
# ### 1. Top-k with the right gallery
#
# `predicted` holds unit predictions (trials, D), `Y` the embedding of each trial's picture (not of unit length here), `items`
# the picture of each trial. Return the share of trials whose picture is among the `k` nearest *distinct* pictures, by
# cosine.


# %% tags=["exercise"]
def top_k(predicted, Y, items, k):
    return ...  # your answer here


# %%
exercises.check("decoding.top_k", top_k)

# %%
exercises.card("decoding.top_k")

# %% [markdown]
# ### 2. A picture is not its own negative
#
# `P` and `Y` are unit rows of a batch, `items` the picture of each trial. Return the symmetric InfoNCE loss at
# temperature `tau`, with other trials of the same picture left out. (Scroll up only when you must.)


# %% tags=["exercise"]
def contrastive_loss(P, Y, items, tau):
    return ...  # your answer here


# %%
exercises.check("decoding.repeats", contrastive_loss)

# %%
exercises.card("decoding.repeats")

# %% [markdown]
# ### 3. From a weight to a pattern
#
# Given responses `X` (trials, voxels) and the weights `w` of one read-out, return its activation pattern (voxels,).


# %% tags=["exercise"]
def activation_pattern(X, w):
    return ...  # your answer here


# %%
exercises.check("decoding.pattern", activation_pattern)

# %%
exercises.card("decoding.pattern")

# %% [markdown]
# ## On real data
#
# NSD comes after a data agreement (naturalscenesdataset.org): about 300 GB of betas, 40 GB for a single participant. The
# weights of OpenAI's CLIP are 340 MB, fetched once. Then the same cells run:
#
# ```bash
# sdc run 08 -p source=nsd -p root=/data/nsd -p clip_name=ViT-B-32 -p clip_weights=openai \
#     -p n_held_out=1000 -p n_steps=5001 -p input_noise=1 --profile full
# ```
#
# With some 15,000 voxels and 20,000 trials a participant this wants a GPU (`-p device=cuda`); how long it takes has not
# been measured. Choose the learning rate on validation pictures first: the study used 1e-4.
#
# ## At the study's size, on a GPU
#
# Fifty runs of 5,001 steps, all at once, with the study's settings. The tests make the same call, small, on the CPU.

# %% tags=["gpu"]
if on_gpu(
    "50 runs of 5,001 steps for one participant, with the study's settings",
    estimate="unmeasured",
    recorded="none yet; the cells above show the same with fewer runs",
):
    study = ContrastiveDecoder(n_runs=50, n_steps=5001, device="cuda", random_state=p.seed)
    study.fit(*train[first_name][:2], items=train[first_name][2], validation=validation[first_name])
    value = top_1(study.predict(validation[first_name][0]), validation[first_name])
    say(
        f"{first_name} ({kind}), 50 runs with the study's settings: top-1 {100 * value:.1f} percent."
    )

# %% [markdown]
# ## Take-aways
#
# 1. To decode a picture, map responses to an embedding and look for the nearest picture; report gallery and chance.
# 2. How well it works depends on the ceiling and the number of voxels, the number of trials, and on the noise added in
#    training; say whether single trials or means were asked.
# 3. Split by picture, choose on validation, test once, and look at patterns before you say where something is.
#
# Further reading: `efird2025sdc` (these decoders), `allen2022nsd` (the data), `haufe2014` (weights and patterns),
# `radford2021` (the loss). Words: the [glossary](glossary.md).
