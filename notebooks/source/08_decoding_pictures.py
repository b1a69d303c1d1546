# %% [markdown]
# # Decoding a picture from the brain
#
# Somebody looks at one of many pictures. Can you tell from a single recorded response which one it was? You will not
# draw the picture. You decode *what CLIP says about it*, and look for the picture about which CLIP says most nearly the
# same. The answer in one sentence: **a linear map is right far more often than guessing; how often depends on the noise in the
# voxels, on what the map is trained for, and on how honestly you count.** The decoders are those of Efird, Murphy,
# Zylberberg and Fyshe (2025): `efird2025sdc`.
#
# {{ minutes }}
#
# ## What you will do
#
# - write the loss of a contrastive decoder, and compare it with ridge regression picture by picture
# - look at what is decoded when it is right, half right and wrong
# - measure what helps: noise in training, the mean of several runs, more trials, better voxels
# - leak a picture into the training on purpose, shrink the gallery, and shuffle as a control
#
# You need: linear regression, [embeddings](02_two_towers.ipynb),
# [splits and noise ceilings](01_loading_brain_data.ipynb).

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
n_seeds: int = 3  # participants and draws in each comparison [2, 8]
n_permutations: int = 500  # assignments of wrong pictures [19, 100000]

# %% Set up: imports, and what each profile computes tags=["fold"]
import warnings

import numpy as np
import pandas as pd
import torch

from sdc_helpers import decoding, exercises, plotting, studies
from sdc_helpers.contrastive import clip_loss
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import figure, show
from sdc_helpers.studies import decoding_study
from sdc_helpers.studies.shared_concepts import shuffle_pairs

p = start(
    "08_decoding_pictures",
    by_profile={
        "n_participants": {"smoke": 2, "workshop": 5, "full": 8},
        "n_held_out": {"smoke": 30, "workshop": 200, "full": 200},
        "n_steps": {"smoke": 60, "workshop": 200, "full": 400},
        "n_runs": {"smoke": 2, "workshop": 4, "full": 20},
    },
)
colours = plotting.COLOURS
BLUE, ORANGE, GREEN, GREY = (colours[name] for name in ("blue", "orange", "green", "grey"))  # fmt: skip
SKY, YELLOW = colours["sky"], colours["yellow"]
score, hits, part_of = decoding_study.score, decoding_study.hits, decoding_study.part_of  # fmt: skip
warnings.filterwarnings("ignore", message="The chosen penalty")

# %% [markdown]
# ## The data
#
# Each participant saw pictures three times, on three days. The [voxels](glossary.md#voxel) are those whose
# [noise ceiling](glossary.md#noise-ceiling) is above 8 percent on a single [trial](glossary.md#trial), estimated on
# training trials. Pictures are split into training, validation and test. Everything below is chosen and shown on the
# *validation* pictures. The *test* pictures are touched once, at the end.

# %%
lab = decoding_study.open_decoding(
    p.source, p.root, p.profile, p.seed,
    clip=(p.clip_name, p.clip_weights), n_participants=p.n_participants,
    n_held_out=p.n_held_out, n_steps=p.n_steps,
    input_noise=p.input_noise, device=p.device,
)  # fmt: skip
kind, truth = lab.study.kind, lab.study.truth
names = list(lab.data)  # the last of the simulated ones has poor data
some, first = names[: p.n_seeds], names[0]
chance = 1 / p.n_held_out

# %% Say what there is tags=["fold"]
n_trials, n_voxels = lab.train(first)[0].shape
say(
    f"**{kind.capitalize()}**: {len(names)} participants; {first} has {n_trials} training trials of {n_voxels} voxels. "
    f"{p.clip_name} gives each picture {lab.embeddings.vectors.shape[1]} numbers. {p.n_held_out} validation pictures: "
    f"guessing finds the right one in {100 * chance:.1f} percent of trials."
)

# %% [markdown]
# ## Two decoders, one question
#
# Write the responses as $X$ (trials × voxels) and the [embeddings](glossary.md#embedding) of what was seen as $Y$
# (trials × dimensions, rows of length 1). Both [decoders](glossary.md#decoder) are linear, $\hat y = W^\top x + b$. They
# differ in what $W$ is fitted for. **Ridge regression** brings each number of $\hat y$ near to that of $y$ and keeps the
# weights small:
#
# $$ W = (X^\top X + \alpha I)^{-1} X^\top Y \qquad (X, Y \text{ centred}) $$
#
# The **contrastive decoder** asks for the right *choice*. In a batch of $n$ trials, with $\hat y$ scaled to length 1, it
# minimises the loss of CLIP itself (InfoNCE), the brain in the place of the text:
#
# $$ L = -\frac{1}{2n} \sum_i \left[ \log \frac{e^{\hat y_i \cdot y_i / \tau}}{\sum_j e^{\hat y_i \cdot y_j / \tau}}
#    + \log \frac{e^{\hat y_i \cdot y_i / \tau}}{\sum_j e^{\hat y_j \cdot y_i / \tau}} \right] $$
#
# One detail matters here and not in CLIP. The same picture is often twice in a batch, shown on two days. It must not be
# its own wrong answer, so other trials of the same picture are left out of the sums over $j$.
#
# Write it: `P` and `Y` are unit rows of a batch (trials × dimensions), `items` names the picture of each trial, `tau` is
# the temperature.


# %% tags=["exercise"]
def contrastive_loss(P, Y, items, tau):
    return ...  # your answer here


# %%
exercises.check("decoding.repeats", contrastive_loss)

# %%
exercises.card("decoding.repeats")

# %% [markdown]
# The package's loss gives the same number for responses of the first participant, decoded by ridge. It is a loss of
# torch, so Adam can go down its gradient; it has no closed solution.

# %%
contrastive_loss = exercises.yours_or_ours("decoding.repeats", contrastive_loss)
X, Y, items = part_of(lab.train(first), slice(300), slice(80))
guess = lab.fit_ridge((X, Y, items), alphas=[1000.0]).predict(X[:64])
batch = [torch.from_numpy(np.asarray(rows)) for rows in (guess, Y[:64])]
same = torch.from_numpy(items[:64])
by_package = clip_loss(*batch, temperature=0.03, items=same)
by_hand = contrastive_loss(guess, Y[:64], items[:64], 0.03)
assert np.isclose(by_hand, by_package.item(), rtol=1e-4)

# %% [markdown]
# Now fit both for every participant. The penalty of ridge is the one that is best on validation pictures. The
# contrastive decoder is trained with noise added to the responses in every step, which does the work of a penalty; the
# weights of several runs that start from different random numbers are averaged. (The study used 50 runs of 5,001 steps
# for 20,000 trials. The simulated participants have a tenth of the trials, and need less.)

# %%
ridge = {
    name: lab.fit_ridge(lab.train(name), lab.validation(name)) for name in names
}
untrained = decoding.ContrastiveDecoder(**lab.settings, n_runs=p.n_runs)
contrastive = studies.fit_decoders(lab.data, untrained)
decoders = {"ridge": ridge, "contrastive": contrastive}

# %% [markdown]
# ## How often is it right?
#
# The distinct pictures of the validation set are the **gallery**. [Top-1 accuracy](glossary.md#top-k-accuracy) is the
# share of single trials whose own picture has the highest cosine with $\hat y$; top-5 asks for a place among the five
# highest. Write it for any $k$: `predicted` are unit rows (trials × dimensions), `Y` holds the embedding of each
# trial's picture (*not* of unit length here), `items` the picture of each trial.


# %% tags=["exercise"]
def top_k(predicted, Y, items, k):
    return ...  # your answer here


# %%
exercises.check("decoding.top_k", top_k)

# %%
exercises.card("decoding.top_k")

# %%
top_k = exercises.yours_or_ours("decoding.top_k", top_k)
fold = lab.validation(first)
predicted = contrastive[first].predict(fold[0])
found = {m: lab.scores(of, ks=[1, 5]) for m, of in decoders.items()}
assert np.isclose(
    top_k(predicted, *fold[1:], 5), found["contrastive"][first].top_k[5].value
)

# %% [markdown]
# Look whether the blue dot is above the orange one, in each participant and by more than the lines are long. Lines are
# 95 percent intervals for other pictures.

# %% Draw top-1 accuracy of each participant tags=["fold"]
fig, ax = figure(width=7.4, height=3.6)
for method, colour, shift in (("ridge", ORANGE, -0.12), ("contrastive", BLUE, 0.12)):  # fmt: skip
    percent = [one.top_k[1].scaled(100) for one in found[method].values()]
    at = np.arange(len(names)) + shift
    plotting.plot_intervals([], percent, ax, positions=at, colour=colour, chance="")  # fmt: skip
    high = 0.95 if method == "ridge" else 0.88
    ax.annotate(method, (0.02, high), xycoords="axes fraction", color=colour)
ticks = [f"{name}\n{one.responses.shape[1]} voxels" for name, one in lab.data.items()]  # fmt: skip
ax.set_xticks(range(len(names)), ticks)
ax.margins(y=0.3)
ax.set(xlabel="participant", ylabel="top-1 accuracy, single trials (%)", ylim=(0, None))  # fmt: skip
plotting.plot_reference(ax, 100 * chance, "chance")
plotting.plot_reference(ax, 1000 * chance, "10 × chance")
cosines = {m: np.mean([one.cosine.value for one in of.values()]) for m, of in found.items()}  # fmt: skip
values = {m: np.array([100 * one.top_k[1].value for one in of.values()]) for m, of in found.items()}  # fmt: skip
show(
    fig,
    f"{kind.capitalize()}: the picture is found in {min(map(min, values.values())):.0f} to {max(map(max, values.values())):.0f} "
    f"percent of trials, out of {p.n_held_out}. The contrastive decoder is ahead in "
    f"{(values['contrastive'] > values['ridge']).sum()} of {len(names)} participants. Its mean cosine with the right embedding is "
    f"{cosines['contrastive']:.2f}, that of ridge {cosines['ridge']:.2f}.",
)

# %% [markdown]
# (Do not judge a decoder by its mean cosine. What counts is how far the cosine with the right picture is *above* those with
# the others, and embeddings of all pictures lie in one narrow cone.)
#
# A claim needs an interval that holds for other pictures *and* other participants. It adds the mean squares of both (the
# min F' of Clark, 1973). Where each participant has validation pictures of their own, the participants' means hold the
# chance of both already.

# %%
right = {method: lab.hits(of) for method, of in decoders.items()}
ahead = studies.difference_of_decoders(
    right["contrastive"].values(), right["ridge"].values()
)
claims.record("decoding.order.contrastive_above_ridge", ahead, kind=kind)
either = studies.lowest(
    one.top_k[1] for of in found.values() for one in of.values()
)
claims.record("decoding.chance.either", either.scaled(1 / chance), kind=kind)

# %% [markdown]
# ## Look at it
#
# An accuracy is an average. Below are the best, the median and the worst of one participant's trials, chosen by the rank
# of the right picture and not by hand. Ask of each wrong guess: what does it have in common with what was seen?

# %%
guesses = studies.Guesses(predicted, fold)
examples = guesses.examples()
nearest = guesses.nearest(examples, 5)

# %% Draw what was seen and the five nearest pictures tags=["fold"]
shown = np.c_[guesses.own[examples], nearest]
pictures = lab.study.reader.stimuli(guesses.gallery[shown.ravel()])
fig, axes = figure(6, 6, width=8.6, height=9.2)
frames = [GREY if k == 0 else GREEN if row[k] == row[0] else None for row in shown for k in range(6)]  # fmt: skip
ranks = guesses.ranks[examples]
titles = [f"{which}: rank {rank} of {len(guesses.gallery)}" for which, rank in zip(
    np.repeat(["best", "median", "worst"], 2), ranks, strict=True)]  # fmt: skip
plotting.plot_pictures(
    pictures, ["seen", *(f"guess {k}" for k in range(1, 6))] * 6, axes,
    frames=frames, rows=titles, wrap=14,
)  # fmt: skip
show(
    fig,
    f"{kind.capitalize()}, {first}: left the picture seen, then the five nearest to what was decoded; green is the right "
    f"one. The right picture has median rank {np.median(guesses.ranks):.0f} of {len(guesses.gallery)}.",
)

# %%
if truth is not None:
    place = truth.images.loc[guesses.gallery, "place"].to_numpy()
    claims.record("decoding.misses.same_place", guesses.misses_alike(place))

# %% [markdown]
# ## What in the training helps?
#
# Four decoders on the same trials: without noise in training; with it; with a hidden layer besides; and the mean of
# several runs' weights instead of one. Two runs see the same trials and differ in chance alone: first weights, order,
# noise. Averaging their *weights* is one linear decoder again, with less of that chance in it.

# %%
kinds = ("no noise", "noise", "noise, hidden layer", "noise, mean of runs")
hits_of = {name: [] for name in kinds}
hidden = 64 if p.profile == "smoke" else 256
for name in some:
    train, fold = lab.train(name), lab.validation(name)
    decoder, X = contrastive[name], fold[0]
    ways = (
        lab.fit_one_run(train, input_noise=0.0).predict(X),
        decoding_study.of_first_runs(decoder, X, 1),
        lab.fit_one_run(train, hidden=hidden, lr=1e-3).predict(X),
        decoder.predict(X),
    )
    for way, guess in zip(kinds, ways, strict=True):
        hits_of[way].append(hits(guess, fold))

# %%
no_noise, noise, with_hidden, of_runs = hits_of.values()
difference = studies.difference_of_decoders
claims.record("decoding.noise.helps", difference(noise, no_noise), kind=kind)
hidden_gain = difference(with_hidden, noise)
claims.record("decoding.hidden.no_gain", hidden_gain, kind=kind)
runs_gain = difference(of_runs, noise)
claims.record("decoding.runs.mean_of_many", runs_gain, kind=kind, n=p.n_runs)

# %% [markdown]
# Compare each bar with the first blue one, participant by participant. Which of the three changes is worth its time?

# %% Draw four ways to train tags=["fold"]
fig, ax = figure(width=5.8, height=3.4)
means = {way: np.array([one.mean() for one in of]) for way, of in hits_of.items()}  # fmt: skip
bars = {way.replace(", ", ",\n"): of for way, of in means.items()}
plotting.plot_bars(bars, ax, colours=(SKY, BLUE, SKY, BLUE))
ax.tick_params(axis="x", labelsize=8)
plotting.plot_reference(ax, 100 * chance, "chance")
ax.set(xlabel="training (dots: participants)", ylabel="top-1 accuracy (%)")
average = {way: of.mean() for way, of in means.items()}
show(
    fig,
    f"{kind.capitalize()}: noise takes one run from {average['no noise']:.1f} to {average['noise']:.1f} percent; a "
    f"hidden layer gives {average['noise, hidden layer']:.1f}, the mean of {p.n_runs} runs {average['noise, mean of runs']:.1f}. ",
)

# %% [markdown]
# ## More trials, better voxels
#
# Hours in the scanner buy trials, and better voxels are free. For both decoders: an eighth of the training pictures
# against all of them, and the noisiest quarter of the voxels against the most reliable one.

# %%
parts = {key: [] for key in ("1/8 of trials", "all", "noisiest", "best")}
for j, name in enumerate(some):
    train, held_out = lab.train(name), lab.validation(name)
    ids = np.random.default_rng([p.seed, j]).permutation(np.unique(train[2]))
    eighth = np.isin(train[2], ids[: round(len(ids) / 8)])
    quarters = np.array_split(np.argsort(lab.data[name].ceiling), 4)
    everything = slice(None)
    choices = [(eighth, everything), (everything, everything)]
    choices += [(everything, quarters[0]), (everything, quarters[3])]
    for key, (trials, voxels) in zip(parts, choices, strict=True):
        fit_on = part_of(train, trials, voxels)
        asked = part_of(held_out, voxels=voxels)
        penalties = np.logspace(2, 6, 9)
        fitted = (lab.fit_ridge(fit_on, asked, alphas=penalties),
                  lab.fit_one_run(fit_on))  # fmt: skip
        parts[key].append(
            [hits(one.predict(asked[0]), asked).mean() for one in fitted]
        )

# %%
top_1 = {key: np.array(rows) for key, rows in parts.items()}
over = Interval.over_seeds  # participants are what varies here
more = (top_1["all"] - top_1["1/8 of trials"]).T  # ridge, contrastive
better = (top_1["best"] - top_1["noisiest"]).T
of_trials = studies.lowest(map(over, more))
claims.record("decoding.trials.more_helps", of_trials, kind=kind)
of_voxels = studies.lowest(map(over, better))
claims.record("decoding.ceiling.better_voxels", of_voxels, kind=kind)
signal = {name: one.ceiling.sum() / 100 for name, one in lab.data.items()}
poor = min(signal, key=signal.get)
of_others = studies.lowest(
    studies.difference_of_participants(of_picture, right["contrastive"][poor])
    for name, of_picture in right["contrastive"].items() if name != poor
)  # fmt: skip
claims.record("decoding.ceiling.poor_participant", of_others, kind=kind)

# %% [markdown]
# Left, the second bar of each pair should be the taller. Right is the same between participants: what the voxels could
# say at best is in their number and their ceilings. Find the participant with poor data.

# %% Draw trials, voxels and participants tags=["fold"]
fig, axes = figure(1, 2, width=9.2, height=3.5, gridspec_kw={"width_ratios": (2, 1)})  # fmt: skip
bars = {
    f"{method}\n{key}".replace(" of ", "\nof "): rows[:, m]
    for m, method in enumerate(("ridge:", "contr.:")) for key, rows in top_1.items()
}  # fmt: skip
shades = [YELLOW, ORANGE] * 2 + [SKY, BLUE] * 2
plotting.plot_bars(bars, axes[0], colours=shades)
axes[0].tick_params(axis="x", labelsize=8)
axes[0].set(xlabel="decoder, and what it was given", ylabel="top-1 accuracy (%)")  # fmt: skip
for name, x in signal.items():
    y = 100 * found["contrastive"][name].top_k[1].value
    axes[1].plot(x, y, "o", color=BLUE, ms=7)
    text = name if name == poor else ""
    axes[1].annotate(text, (x, y), xytext=(6, 3), textcoords="offset points", fontsize=9)  # fmt: skip
axes[1].set(xlabel="sum of the voxels' noise ceilings", ylabel="top-1, contrastive (%)",
            xlim=(0, 1.15 * max(signal.values())), ylim=(0, None))  # fmt: skip
for ax in axes:
    plotting.plot_reference(ax, 100 * chance, "chance")
average = {key: rows.mean() for key, rows in top_1.items()}
show(
    fig,
    f"{kind.capitalize()}. Left: from an eighth of the trials to all, both decoders together go from "
    f"{average['1/8 of trials']:.1f} to {average['all']:.1f} percent; from the noisiest to the best quarter of the voxels "
    f"from {average['noisiest']:.1f} to {average['best']:.1f}. Right: {poor} has the least reliable voxels.",
)

# %% [markdown]
# ## Single trials or their means?
#
# Averaging the three showings of a picture removes noise, so why not train on averages? Because the average is *one*
# example where there were three, and a decoder for single trials must know how single trials vary. Train on either, and
# ask either.

# %%
when = {(t, a): [] for t in ("trials", "means") for a in ("trials", "means")}
for name in some:
    asked = {"trials": lab.validation(name)}
    asked["means"] = lab.means(asked["trials"])
    of_means = lab.fit_one_run(lab.means(lab.train(name)))
    for query, fold in asked.items():
        of_trials = decoding_study.of_first_runs(contrastive[name], fold[0], 1)
        when["trials", query].append(hits(of_trials, fold))
        when["means", query].append(hits(of_means.predict(fold[0]), fold))
usual = when["trials", "trials"]
from_trials = difference(usual, when["means", "trials"])
claims.record("decoding.single.train_on_trials", from_trials, kind=kind)
about_means = difference(when["trials", "means"], usual)
claims.record("decoding.single.ask_about_means", about_means, kind=kind)

# %% [markdown]
# Compare the two blue bars, then the two pairs. Which difference is the larger? A paper that does not say which of the
# two it asks cannot be compared with.

# %% Draw training and asking with trials or means tags=["fold"]
fig, ax = figure(width=5.6, height=3.3)
bars = {f"trained on {t},\nasked {a}": [one.mean() for one in of] for (t, a), of in when.items()}  # fmt: skip
plotting.plot_bars(bars, ax, colours=(BLUE, BLUE, SKY, SKY))
ax.tick_params(axis="x", labelsize=8)
plotting.plot_reference(ax, 100 * chance, "chance")
ax.set(xlabel="one contrastive run (dots: participants)", ylabel="top-1 accuracy (%)")  # fmt: skip
average = {key: np.mean([one.mean() for one in of]) for key, of in when.items()}
show(
    fig,
    f"{kind.capitalize()}: asked about single trials, a decoder trained on trials reaches {average['trials', 'trials']:.1f} "
    f"percent and one trained on means {average['means', 'trials']:.1f}. Asked about the mean of three trials, the first reaches "
    f"{average['trials', 'means']:.1f}.",
)

# %% [markdown]
# ## Pitfalls: a picture seen before, and a gallery that shrank
#
# **The leak.** Split by *trial* and most validation pictures have a showing in the training set: the decoder can answer
# from memory. Here one showing of every validation picture is moved into training on purpose. The questions are the
# two others, so that gallery and chance stay what they were. **The gallery.** Top-1 among 20 pictures is another number
# than among 200.

# %%
fold, train = lab.validation(first), lab.train(first)
showing = pd.Series(fold[2]).groupby(fold[2]).cumcount().to_numpy()
leak = {(m, h): [] for m in decoders for h in ("honest", "leaked")}
for moved in range(3):
    asked = part_of(fold, showing != moved)
    shown = part_of(fold, showing == moved)
    leaky = [np.concatenate(pair) for pair in zip(train, shown, strict=True)]
    X, alphas = asked[0], [ridge[first].alpha_]
    answers = (
        ridge[first].predict(X),
        lab.fit_ridge(leaky, alphas=alphas).predict(X),
        decoding_study.of_first_runs(contrastive[first], X, 1),
        lab.fit_one_run(leaky).predict(X),
    )
    for of, guess in zip(leak.values(), answers, strict=True):
        of.append(hits(guess, asked))

# %%
mean = {key: pd.concat(of, axis=1).mean(axis=1) for key, of in leak.items()}
gains = (over(mean[m, "leaked"] - mean[m, "honest"]) for m in decoders)
claims.record("decoding.leak.pictures", studies.lowest(gains), kind=kind)
sizes = np.unique(np.geomspace(5, p.n_held_out, 5).astype(int))
by_size = decoding_study.by_gallery(
    predicted, fold, sizes, n_draws=p.n_seeds, seed=p.seed
)

# %% [markdown]
# Left, how much does the leak add? Right, the predictions are the same at every point. Only the number of pictures to
# choose from changes.

# %% Draw the leak and the gallery tags=["fold"]
fig, axes = figure(1, 2, width=9.2, height=3.5)
bars = {f"{m},\n{how}": [one.mean() for one in of] for (m, how), of in leak.items()}  # fmt: skip
plotting.plot_bars(bars, axes[0], colours=(ORANGE, YELLOW, BLUE, SKY))
axes[0].tick_params(axis="x", labelsize=8)
axes[0].set(xlabel="decoder (dots: which of the three showings was moved)", ylabel="top-1 accuracy (%)")  # fmt: skip
plotting.plot_reference(axes[0], 100 * chance, "chance")
plotting.plot_spread(sizes, by_size, axes[1], colour=BLUE, marker="o", ms=4)
axes[1].plot(sizes, 100 / sizes, color=GREY, lw=1, ls=(0, (4, 3)))
plotting.label_line(axes[1], sizes[1], 100 / sizes[1], "chance", GREY, dy=-9)
axes[1].set(xlabel="pictures in the gallery", ylabel="top-1 accuracy (%)", xscale="log", ylim=(0, None))  # fmt: skip
axes[1].set_xticks(sizes, sizes)
axes[1].minorticks_off()
of = {key: one.mean() for key, one in mean.items()}
show(
    fig,
    f"{kind.capitalize()}, {first}. Left: with one showing of each picture leaked, ridge goes from {of['ridge', 'honest']:.1f} to "
    f"{of['ridge', 'leaked']:.1f} percent, the contrastive decoder from {of['contrastive', 'honest']:.1f} to "
    f"{of['contrastive', 'leaked']:.1f}. Right: the same predictions score {by_size[0].mean():.0f} percent among {sizes[0]} "
    f"pictures and {by_size[-1].mean():.0f} among {sizes[-1]}.",
)

# %% [markdown]
# ## Control: shuffle
#
# Two shuffles answer two questions. *Is the score above chance?* Give every picture of the gallery the embedding of
# another, all its repetitions the same wrong one, and score again. *Could the procedure make accuracy out of nothing?*
# Shuffle before training, and train. Single trials are not exchangeable one by one, since repetitions belong together:
# whole pictures change places ([which null answers which question](nulls.md)).

# %%
rng = np.random.default_rng([p.seed, 50])
wrong = shuffle_pairs(lab.data[first], rng).fold("train")
refitted = lab.fit_ridge(wrong, alphas=alphas), lab.fit_one_run(wrong)
scores = [score(one.predict(fold[0]), fold, ks=[1]) for one in refitted]
retrained = [one.top_k[1] for one in scores]
gallery = decoding.distinct_embeddings(*fold[1:])
tests = [
    decoding.permuted_score(
        of[first].predict(fold[0]), fold[2], *gallery,
        n_permutations=p.n_permutations, random_state=p.seed,
    )
    for of in decoders.values()
]  # fmt: skip
from_nothing = studies.highest(retrained).scaled(1 / chance)
claims.record("decoding.shuffle.at_chance", from_nothing, kind=kind)

# %% [markdown]
# The blue dots should stand far above the grey cloud, and the orange crosses in it.

# %% Draw the two nulls tags=["fold"]
fig, ax = figure(width=6, height=3.4)
plotting.plot_null(range(2), [100 * test.null for test in tests], [100 * test.value for test in tests], ax)  # fmt: skip
ax.plot(range(2), [100 * one.value for one in retrained], "x", color=ORANGE, ms=9, mew=2)  # fmt: skip
for text, colour, y in (("as trained", BLUE, tests[1].value), ("trained on shuffled pairs (×)", ORANGE, retrained[1].value + 0.03)):  # fmt: skip
    ax.annotate(text, (1.08, 100 * y), color=colour, fontsize=9, va="center")
plotting.plot_reference(ax, 100 * chance, "chance")
ax.set_xticks(range(2), decoders)
ax.set(xlabel="decoder", ylabel="top-1 accuracy (%)", xlim=(-0.5, 1.9), ylim=(0, None))  # fmt: skip
show(
    fig,
    f"{kind.capitalize()}, {first}: ridge scores {100 * tests[0].value:.1f} percent (p = {tests[0].p_value:.3g}) and the "
    f"contrastive decoder {100 * tests[1].value:.1f} (p = {tests[1].p_value:.3g}), against {p.n_permutations} shuffles in "
    f"grey. Trained on shuffled pairs they score {100 * retrained[0].value:.1f} and {100 * retrained[1].value:.1f}.",
)

# %% [markdown]
# ## Once: the test pictures
#
# Everything above was chosen and shown on validation pictures, so it is a little too good. Now the test pictures.

# %%
tested = {m: lab.hits(of, "test") for m, of in decoders.items()}
ahead = difference(tested["contrastive"].values(), tested["ridge"].values())
claims.record("decoding.test.contrastive_above_ridge", ahead, kind=kind)

# %% Say how often test pictures are found tags=["fold"]
say(
    f"Test pictures, {kind}, {p.n_held_out} to choose from, chance {100 * chance:.1f} percent: ridge "
    f"{np.mean([one.mean() for one in tested['ridge'].values()]):.1f} percent, contrastive "
    f"{np.mean([one.mean() for one in tested['contrastive'].values()]):.1f}, mean of {len(names)} participants."
)

# %% [markdown]
# The published values can be compared in *order* only. Ridge reached a validation top-1 of 3.0 to 10.1 percent in NSD's
# eight participants, among 1,000 photographs (chance 0.1 percent); the contrastive decoder reached more
# (`efird2025sdc`). Simulated participants cannot confirm these values.
#
# ## On real data
#
# NSD comes after a data agreement (naturalscenesdataset.org): about 300 GB of betas, 40 GB for one participant. The
# weights of OpenAI's CLIP are 340 MB, fetched once. Then the same cells run:
#
# ```bash
# sdc run 08 -p source=nsd -p root=/data/nsd -p clip_name=ViT-B-32 -p clip_weights=openai \
#     -p n_held_out=1000 -p n_steps=5001 -p input_noise=1 --profile full
# ```
#
# With 15,000 voxels and 20,000 trials a participant this wants a GPU (`-p device=cuda`). How long it takes has not been
# measured. Choose the learning rate on validation pictures first: the study used 1e-4.
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
    large = decoding.ContrastiveDecoder(
        n_runs=50, n_steps=5001, device="cuda", random_state=p.seed
    )
    large.fit(*train[:2], items=train[2], validation=fold)
    percent = hits(large.predict(fold[0]), fold).mean()
    say(f"{first} ({kind}), 50 runs: top-1 {percent:.1f} percent.")

# %% [markdown]
# ## Take-aways
#
# 1. To decode a picture, map responses to an embedding and look for the nearest picture. Report gallery and chance.
# 2. How well it works depends on the ceilings and the number of voxels, on the trials, and on noise added in training.
#    Say whether single trials or means were asked.
# 3. Split by picture, choose on validation, test once.
#
# Further reading: `efird2025sdc` (these decoders), `allen2022nsd` (the data), `radford2021` (the loss). Words: the
# [glossary](glossary.md). Next: [which voxels carry it](09_weights_or_patterns.ipynb)?
