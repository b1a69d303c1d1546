# %% [markdown]
# # Loading brain data: from files to a matrix you can trust
#
# Before a model sees it, a brain recording passes through a dozen small decisions: units, axis order, which
# trials, which voxels, what was averaged, what was kept for testing. Each can ruin a result without an error
# message. The answer in one sentence: **know what each number is, and let nothing from the test side touch
# anything you choose.** The files are those of the Natural Scenes Dataset (NSD): `allen2022nsd`.
#
# {{ minutes }}
#
# ## What you will do
#
# - turn scanner files into a matrix of trials × voxels, in percent signal change
# - follow pictures through their three showings, and see session offsets come and go
# - split trials so that no picture helps to predict itself
# - estimate a noise ceiling, and hold it against the planted truth
# - make five classic mistakes on purpose and measure what each costs
#
# You need: numpy, and a first idea of what fMRI measures. Helpful: [start here](00_start_here.ipynb).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 0  # of the simulated participants and of every draw [0, 4294967295]
device: str = "auto"  # where to compute {auto, cpu, cuda}
source: str = "simulated"  # where the data come from {simulated, nsd}
root: str = ""  # folder of the real NSD tree, for source nsd
participant: str = "subj01"  # whom to load
n_test: int | None = None  # test images a participant; None: the profile decides [10, 1000]
n_seeds: int = 5  # repetitions of every random experiment [2, 50]

# %%
from textwrap import fill

import h5py
import numpy as np

from sdc_helpers import exercises
from sdc_helpers.course import claims, say, start
from sdc_helpers.datasets import check_split, ncsnr, noise_ceiling, split_sdc2025, split_strict
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import COLOURS, figure, plot_bars, plot_reference, show
from sdc_helpers.plotting.brain import plot_cortex, show_turning_cortex
from sdc_helpers.studies import open_study

p = start(
    "01_loading_brain_data",
    by_profile={"n_test": {"smoke": 30, "workshop": 200, "full": 200}},
)
BLUE, ORANGE, GREEN = COLOURS["blue"], COLOURS["orange"], COLOURS["green"]

study = open_study(p.source, p.root, p.profile, p.seed, n_held_out=p.n_test)
nsd, truth, kind = study.reader, study.truth, study.kind
say(
    f"**{kind.capitalize()}** participants: {', '.join(nsd.participants)}. Loading **{p.participant}**, "
    f"{len(nsd.sessions(p.participant))} sessions."
)

# %%
seen = nsd.trials(p.participant).image_id.iloc[:12].to_numpy()
fig, axes = figure(2, 6, width=9.4, height=4)
for ax, picture, sentences in zip(axes.flat, nsd.stimuli(seen), nsd.captions(seen), strict=True):
    ax.imshow(picture)
    ax.set_axis_off()
    ax.set_title(fill(min(sentences, key=len), 26), fontsize=7, loc="left")
show(
    fig,
    f"{kind.capitalize()}: the first twelve pictures that {p.participant} saw, each with the shortest of its five captions.",
)

# %% [markdown]
# The simulated participants (made on the first run, in about 20 seconds) looked at simulated pictures. Their
# files have the names, types and axis order of the real ones, so every cell below runs unchanged on the real
# 300 GB: `source="nsd"`, `root="..."`.
#
# ## What a beta is
#
# The scanner records a volume every second or two. For each *trial* (one picture, three seconds) a model of the
# blood's slow answer is fitted to that series; its one number a voxel is the **beta**: how strongly the voxel
# answered, in percent of its mean signal. NSD stores betas as 16-bit integers, 300 for one percent, in HDF5 files
# of one session each, with the axes (trial, Z, Y, X). Masks and maps are NIfTI volumes, with the axes (X, Y, Z).
# In ten lines:

# %%
session = nsd.sessions(p.participant)[0]
mask = nsd.roi(p.participant, "nsdgeneral").volume > 0
bad = nsd.bad_voxels(
    p.participant, mask
)  # one value in all trials of a session: not measured there
mask[mask] = ~bad
file = nsd.root / (
    f"nsddata_betas/ppdata/{p.participant}/func1pt8mm/betas_fithrf_GLMdenoise_RR/"
    f"betas_session{session:02d}.hdf5"
)
with h5py.File(file) as opened:
    stored = opened["betas"]
    trial = stored[0]  # one volume of integers, (Z, Y, X)
    layout = f"{stored.dtype}, shape {stored.shape}, chunks {stored.chunks}"
by_hand = (trial.transpose(2, 1, 0) / 300)[mask]  # (X, Y, Z), percent, then the voxels of the mask

betas = nsd.betas(p.participant, mask, sessions=[session])
assert np.allclose(by_hand, betas[0], atol=1e-6)
say(
    f"`{file.name}` holds {layout}. The mask `nsdgeneral` has {mask.sum()} voxels ({bad.sum()} more that a session "
    "could not measure are left out); `NSD.betas` returns "
    f"{betas.shape} {betas.dtype}, in percent signal change, and its first row is what we read by hand."
)

# %% [markdown]
# `NSD.betas` reads only the chunks of the voxels that you ask for, and keeps the result in a file that the next
# call maps into memory. On the real data that is the difference between seconds and the coffee break.
#
# ## Trials, repetitions, sessions
#
# Each picture is shown three times, on different days. Some pictures are shown to everybody (*shared*), the rest
# to one participant only.

# %%
trials = nsd.trials(p.participant, with_betas=True)
responses = nsd.betas(p.participant, mask)
assert len(trials) == len(responses)
repeated = trials.groupby("image_id").filter(lambda t: len(t) == 3)
shown = repeated.pivot(index="image_id", columns="repetition", values="trial_index").sample(
    40, random_state=p.seed % 2**31
)
shown = shown.sort_values(1)

fig, axes = figure(1, 2, width=9, height=3.6)
for repetition, colour in zip((1, 2, 3), (BLUE, ORANGE, GREEN), strict=True):
    axes[0].plot(shown[repetition], np.arange(len(shown)), "o", ms=3.5, color=colour)
    axes[0].annotate(
        f"showing {repetition}", (0.02 + 0.2 * (repetition - 1), 1.02), color=colour,
        xycoords="axes fraction", fontsize=9,
    )  # fmt: skip
for first in trials.groupby("session").trial_index.min()[1:]:
    axes[0].axvline(first, color=COLOURS["grey"], lw=0.5)
axes[0].set(xlabel="trial (grey lines: sessions)", ylabel="40 of the pictures")
z_session = nsd.betas(p.participant, mask, zscore="session")
signal = ncsnr(z_session, trials.image_id, np.ones(len(trials), bool), bad_voxels="keep")
voxel = int(np.nanargmax(signal))
by_session = trials.session.to_numpy()
axes[1].plot(responses[:, voxel], ".", ms=1.5, color=COLOURS["grey"])
for s in np.unique(by_session):
    rows = np.flatnonzero(by_session == s)
    axes[1].hlines(responses[rows, voxel].mean(), rows[0], rows[-1], color=ORANGE, lw=2)
axes[1].set(xlabel="trial", ylabel="beta of one voxel (% signal change)")
axes[1].annotate(
    "mean of each session", (0.02, 1.02), xycoords="axes fraction", color=ORANGE, fontsize=9
)
show(
    fig,
    f"{kind.capitalize()}. Left: a picture's three showings lie sessions apart. Right: a voxel's betas move from "
    f"session to session for reasons that have nothing to do with the pictures.",
)
means = np.array([responses[by_session == s].mean(0) for s in np.unique(by_session)])
say(
    f"The session means of a voxel vary with a standard deviation of {means.std(0).mean():.2f} percent, against "
    f"{responses.std(0).mean():.2f} over single trials. Z-scoring each voxel within each session removes that."
)

# %% [markdown]
# ## Splits: by picture, not by trial
#
# If one showing of a picture is in the training set and another in the test set, a model can answer from memory.
# So the split is by *picture*. The one of the study on shared concepts (`efird2025sdc`) tests on shared pictures, then
# fills up with pictures of each participant. A stricter one allows no picture on two sides for *any* two
# participants, which matters when a model is trained on several.

# %%
# every other participant misses the last fifth of the sessions, as some did in NSD
attended = {
    name: [s for k, s in enumerate(found) if number % 2 == 0 or k < 0.8 * len(found)]
    for number, (name, found) in enumerate((name, nsd.sessions(name)) for name in nsd.participants)
}
everyone = {name: nsd.trials(name, sessions=found) for name, found in attended.items()}
n_validation = p.n_test
splits = {
    "sdc2025": split_sdc2025(everyone, p.seed, p.n_test, n_validation),
    "strict": split_strict(everyone, p.seed, p.n_test, n_validation),
}
for name, split in splits.items():
    found = check_split(split)
    own = split[p.participant]
    say(
        f"**{name}**: {own.train_trials.sum()} training, {own.validation_trials.sum()} validation, "
        f"{own.test_trials.sum()} test trials. Pictures on two sides of one participant: "
        f"{sum(map(len, found.within.values()))}; of two different participants: {len(found.across)}."
    )
split = splits["strict"][p.participant]
train, test = split.train_trials, split.test_trials

# %% [markdown]
# ## The noise ceiling
#
# How well could the best model predict a voxel? Only the part of its variance that repeats. With z-scored betas
# the total variance is 1; the **noise** is the variance over showings of the same picture, the **signal** is what
# is left:
#
# $$ \sigma^2_\mathrm{noise} = \mathrm{mean}_\mathrm{pictures}\, \mathrm{var}_\mathrm{showings}, \quad
#    \sigma^2_\mathrm{signal} = \max(0,\; 1 - \sigma^2_\mathrm{noise}), \quad
#    \mathrm{NC} = 100\,\frac{\sigma^2_\mathrm{signal}}{\sigma^2_\mathrm{signal} + \sigma^2_\mathrm{noise}/n} $$
#
# in percent of the variance of a mean over $n$ trials. It is estimated on **training trials only**.


# %%
def ceiling_by_hand(z, image_ids):
    z = np.asarray(z, dtype=float)
    groups = [z[image_ids == i][:3] for i in np.unique(image_ids) if (image_ids == i).sum() >= 3]
    noise = np.mean([g.var(axis=0, ddof=1) for g in groups], axis=0)
    signal = np.maximum(0, 1 - noise)
    return 100 * signal / (signal + noise)


z = nsd.betas(p.participant, mask, zscore="train", train=train)
image_ids = trials.image_id.to_numpy()
ceiling = noise_ceiling(ncsnr(z, image_ids, train))
assert np.allclose(ceiling[:50], ceiling_by_hand(z[train][:, :50], image_ids[train]), atol=1e-6)

fig, axes = figure(1, 2 if truth else 1, width=9 if truth else 5, height=3.5, squeeze=False)
axes[0, 0].hist(ceiling, bins=40, color=BLUE)
plot_reference(axes[0, 0], 8, "8%: the study's threshold", vertical=True)
axes[0, 0].set(xlabel="noise ceiling, single trials (% of variance)", ylabel="voxels")
axes[0, 0].set_title(f"{p.participant} ({kind})", loc="left")
if truth:
    planted = truth.participants[p.participant].volume("nc1")[mask]
    axes[0, 1].plot([0, planted.max()], [0, planted.max()], color=COLOURS["grey"], lw=1, ls="--")
    axes[0, 1].plot(planted, ceiling, ".", ms=3, color=BLUE, alpha=0.5)
    axes[0, 1].set(xlabel="planted noise ceiling (%)", ylabel="estimated (%)")
    axes[0, 1].set_title("Estimate against truth (simulated)", loc="left")
show(
    fig,
    f"{kind.capitalize()}. Most of what a voxel does on a single trial is noise: the median ceiling is "
    f"{np.median(ceiling):.0f} percent; {(ceiling > 8).sum()} of {len(ceiling)} voxels exceed 8 percent."
    + (" The estimates lie along the planted truth." if truth else ""),
)

# %% [markdown]
# Do the estimates follow the planted truth, and have they no bias? One participant is no sample: all of them are
# measured.


# %%
def ceilings_of(name):
    """Estimated and planted noise ceiling of a participant's voxels, in percent."""
    options = {"sessions": attended[name], "train": splits["strict"][name].train_trials}
    inside = nsd.roi(name, "nsdgeneral").volume > 0
    inside[inside] = ~nsd.bad_voxels(name, inside, **options)
    betas = nsd.betas(name, inside, zscore="train", **options)
    found = ncsnr(betas, everyone[name].image_id.to_numpy(), options["train"])
    return noise_ceiling(found), truth.participants[name].volume("nc1")[inside]


if truth:
    pairs = [ceilings_of(name) for name in nsd.participants]
    alike = np.array([np.corrcoef(found, real)[0, 1] for found, real in pairs])
    z_alike = Interval.over_seeds(np.arctanh(alike))  # Fisher's z has no edge at 1
    likeness = Interval(*np.tanh([z_alike.value, z_alike.low, z_alike.high]), by_seed=alike)
    bias = Interval.over_seeds([np.mean(found - real) for found, real in pairs])
    claims.record("loading.ceiling.correlation", likeness, n=len(pairs))
    claims.record("loading.ceiling.bias", bias, n=len(pairs))
    say(
        "Correlation of estimated and planted ceilings (simulated), by sessions attended: "
        + ", ".join(
            f"{name} {r:.2f} ({len(attended[name])})"
            for name, r in zip(nsd.participants, alike, strict=True)
        )
        + ". Whoever missed sessions has fewer pictures that were shown three times; and where voxels answer weakly, the "
        "error of a ceiling is as large as the differences between voxels."
    )

# %% [markdown]
# ## On the cortex
#
# Where are the voxels that repeat? Project the volume onto the cortex of fsaverage5. The second map turns under
# the mouse.

# %%
volume = np.full(mask.shape, np.nan)
volume[mask] = ceiling
affine = nsd.affine(p.participant)
show(
    plot_cortex(
        volume, affine, label="noise ceiling, single trials (%)", title=f"{p.participant} ({kind})"
    ),
    f"{kind.capitalize()}: the noise ceiling on the inflated cortex. Reliable voxels form patches in visual cortex; "
    f"grey cortex was not in the mask.",
)

# %%
show_turning_cortex(
    volume, affine, f"{kind.capitalize()}: the same map; drag it to turn it, scroll to come nearer."
)

# %% [markdown]
# Regions of interest (ROIs) come as integer volumes with a table of names. Localisers mark where a *contrast* of
# categories was found in a separate recording; they overlap with what you look for, but are not it.

# %%
roi = nsd.roi(p.participant, "floc-faces")
counts = {name: int((roi.volume == label).sum()) for label, name in roi.labels.items() if label > 0}
say(
    f"`floc-faces` ({kind}): "
    + ", ".join(f"{name} {n} voxels" for name, n in counts.items())
    + ". "
    f"Others here: {', '.join(r for r in nsd.rois(p.participant) if '.' not in r)}."
)

# %%
if truth:
    from matplotlib.colors import ListedColormap

    patch = truth.participants[p.participant].mask(concept="faces")
    found = roi.volume > 0
    both = np.where(patch & found, 3.0, np.where(found, 2.0, np.where(patch, 1.0, np.nan)))
    overlap = 2 * (patch & found).sum() / (patch.sum() + found.sum())
    show(
        plot_cortex(
            both, affine, limits=(0.5, 3.5), colormap=ListedColormap([ORANGE, COLOURS["sky"], COLOURS["black"]]),
            panels=(("left", "ventral"), ("right", "ventral")),
            label="1: planted face voxels only, 2: localiser only, 3: both", title=f"{p.participant} (simulated)",
        ),
        f"Simulated: the voxels planted to answer to faces and the face localiser overlap with a Dice coefficient "
        f"of {overlap:.2f}, not 1.",
    )  # fmt: skip

# %% [markdown]
# ## Pitfalls: five mistakes, made on purpose
#
# Each is easy to make and gives no error message. A simple reader of minds makes their cost visible: to guess the
# picture of a test trial, take the training trial whose response is most similar, and answer with *its* picture
# (shrunk to 8 × 8 grey pixels). The score is the correlation of that guess with the true picture.


# %%
def unit_rows(a):
    a = a - a.mean(axis=1, keepdims=True)
    return a / np.maximum(np.linalg.norm(a, axis=1, keepdims=True), 1e-12)


def tiny(ids):
    unique, inverse = np.unique(ids, return_inverse=True)
    pictures = nsd.stimuli(unique).mean(axis=3)
    size = pictures.shape[1] // 8 * 8
    blocks = pictures[:, :size, :size].reshape(len(unique), 8, size // 8, 8, size // 8)
    return blocks.mean(axis=(2, 4)).reshape(len(unique), 64)[inverse]


def guess_score(z, fit, held_out, pictures):
    """Mean correlation of the guessed with the true picture, over held-out trials."""
    nearest = (unit_rows(z[held_out]) @ unit_rows(z[fit]).T).argmax(axis=1)
    average = pictures[fit].mean(axis=0)
    guessed, true = pictures[fit][nearest] - average, pictures[held_out] - average
    return float((unit_rows(guessed) * unit_rows(true)).sum(axis=1).mean())


good = ceiling > np.quantile(ceiling, 0.8)
pictures = tiny(image_ids)
z_good = np.asarray(z[:, good])
honest = guess_score(z_good, train, test, pictures)
say(
    f"With everything right, a guess correlates **{honest:.3f}** with the true picture ({kind}, {good.sum()} voxels, "
    f"{test.sum()} test trials; guessing at random gives 0)."
)

# %% [markdown]
# **1. A picture on both sides of the split.** Trials are split at random, so that most test pictures were also
# training pictures. **2. Ids off by one.** NSD counts pictures from 1, arrays from 0. **3. Reversed axes.** The
# mask (X, Y, Z) is laid over betas in the file's order (Z, Y, X). **4. A ceiling that saw the test trials**,
# used to choose voxels. **5. Z-scoring with test trials.** For the fourth, the pictures' labels are shuffled
# first: then there is nothing to find, and any reliability comes from the choice ([which null answers which
# question](nulls.md)).

# %%
by_picture, by_trial, scaled = (np.empty(p.n_seeds) for _ in range(3))
for s in range(p.n_seeds):  # voxels and scales as above, so that only the split differs
    rng = np.random.default_rng([p.seed, s])
    n_unseen = len(np.unique(image_ids[test]))
    unseen = np.isin(image_ids, rng.choice(np.unique(image_ids), n_unseen, replace=False))
    scrambled = rng.permutation(unseen)  # as many trials, of any picture
    by_picture[s] = guess_score(z_good, ~unseen, unseen, pictures)
    by_trial[s] = guess_score(z_good, ~scrambled, scrambled, pictures)
    scaled[s] = guess_score(np.asarray(z_session[:, good]), ~unseen, unseen, pictures)

last = tiny(np.where(image_ids > 1, image_ids - 1, image_ids))[test] - pictures.mean(axis=0)
meant = pictures[test] - pictures.mean(axis=0)
off_by_one = float((unit_rows(last) * unit_rows(meant)).sum(axis=1).mean())
wrong_mask = mask.transpose(2, 1, 0)
shape = np.minimum(mask.shape, wrong_mask.shape)
common = tuple(slice(0, n) for n in shape)
lost = 1 - (wrong_mask[common] & mask[common]).sum() / mask.sum()


def split_half(z, ids, rows):
    """Mean over voxels of the correlation between first and second showing."""
    order = np.argsort(ids[rows], kind="stable")
    ids, rows = ids[rows][order], np.flatnonzero(rows)[order]
    _, first, n = np.unique(ids, return_index=True, return_counts=True)
    first = first[n >= 2]
    a, b = (unit_rows(z[rows[first + k]].T) for k in (0, 1))
    return float((a * b).sum(axis=1).mean())


selected = {"training trials": np.empty(p.n_seeds), "all trials": np.empty(p.n_seeds)}
for s in range(p.n_seeds):
    shuffled = np.empty_like(image_ids)
    rng = np.random.default_rng([p.seed, 10, s])
    for side in (train, split.validation_trials, test):
        shuffled[side] = rng.permutation(image_ids[side])
    for name, rows in {"training trials": train, "all trials": np.ones(len(trials), bool)}.items():
        estimate = ncsnr(z, shuffled, rows)
        chosen = estimate >= np.quantile(estimate, 0.95)
        selected[name][s] = split_half(np.asarray(z[:, chosen]), shuffled, test)
say(
    f"Ids off by one: the picture before the one meant correlates {off_by_one:.2f} with it, about their mean: nothing "
    f"is left. Reversed axes: {100 * lost:.0f}% of the mask's voxels are not the ones you meant ({kind}). Both are "
    f"ruin, and cheap to find: check one picture and one voxel by hand."
)

# %%
fig, axes = figure(1, 2, width=9, height=3.5)
scores = {
    "right": by_picture,
    "picture on\nboth sides": by_trial,
    "z-scored with\ntest trials": scaled,
}
plot_bars(scores, axes[0], colours=(BLUE, ORANGE, ORANGE))
axes[0].set(xlabel="how the data were prepared", ylabel="correlation, guess with picture")
axes[0].set_title(f"What the reader of minds scores ({kind})", loc="left")
plot_bars(selected, axes[1], colours=(BLUE, ORANGE))
axes[1].set(
    xlabel="ceiling that chose the voxels saw", ylabel="test reliability (r of two showings)"
)
axes[1].set_title(f"Reliability out of nothing ({kind} betas)", loc="left")
show(
    fig,
    f"{kind.capitalize()}; dots are seeds. Left: a picture on both sides of the split raises the score; z-scoring "
    f"with test trials hardly matters here. Right: with shuffled labels, choosing voxels on all trials makes "
    f"reliability where there is none.",
)

# %%
of_all, of_training = selected["all trials"], selected["training trials"]
claims.record("loading.leak.pictures", Interval.over_seeds(by_trial - by_picture), kind=kind)
claims.record("loading.leak.ceiling", Interval.over_seeds(of_all - of_training), kind=kind)
claims.record("loading.leak.ceiling_honest", Interval.over_seeds(of_training), kind=kind)

# %% [markdown]
# Read the figure for the *size* of each mistake, not only for its sign: some ruin a study, others hardly matter,
# and only measuring tells which. Doing the cheap ones right costs nothing.
#
# ## Exercises
#
# ### 1. From the file to percent
#
# `stored` holds integers (trials, Z, Y, X), `mask` is boolean (X, Y, Z). Return percent signal change, (trials,
# voxels), the voxels in the order of `mask`.


# %% tags=["exercise"]
def to_percent(stored, mask):
    return ...  # your answer here


# %%
exercises.check("loading.to_percent", to_percent)

# %%
exercises.card("loading.to_percent")

# %% [markdown]
# ### 2. Write the noise ceiling
#
# `z` holds z-scored betas (pictures, showings, voxels). Return the single-trial noise ceiling of each voxel in
# percent.


# %% tags=["exercise"]
def single_trial_ceiling(z):
    return ...  # your answer here


# %%
exercises.check("loading.noise_ceiling", single_trial_ceiling)

# %%
exercises.card("loading.noise_ceiling")

# %% [markdown]
# ### 3. Has the test set been seen?
#
# `image_ids` names the picture of every trial; `train` and `test` are masks of trials. Return the fraction of test
# trials whose picture the training set has seen.


# %% tags=["exercise"]
def share_seen_in_training(image_ids, train, test):
    return ...  # your answer here


# %%
exercises.check("loading.seen_before", share_seen_in_training)

# %%
exercises.card("loading.seen_before")

# %% [markdown]
# ## On real data
#
# NSD is given out after a data agreement (see its site, naturalscenesdataset.org): about 300 GB for the betas of all
# participants, 40 GB for one. One participant is enough for this chapter:
#
# ```bash
# sdc run 01 -p source=nsd -p root=/data/nsd -p n_test=1000 --profile full
# ```
#
# The tree needs `nsddata_betas`, `nsddata` and `nsddata_stimuli` as they come. Parts that are missing are named when
# they are asked for, not before.
#
# ## Take-aways
#
# 1. Know the unit, the axis order and the first index of every file; check one number by hand.
# 2. Split by picture, and choose voxels, scales and thresholds on training trials only.
# 3. A noise ceiling says how much there is to explain. Everything later is read against it.
#
# Further reading: `allen2022nsd` (the dataset and its noise ceiling), `efird2025sdc` (the split used here). Words:
# the [glossary](glossary.md).
