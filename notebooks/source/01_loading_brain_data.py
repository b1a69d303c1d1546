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
# - write the noise ceiling of a voxel, and hold it against the planted truth
# - split trials so that no picture helps to predict itself
# - make five classic mistakes on purpose and measure what each costs
#
# You need: numpy, and a first idea of what fMRI measures. Helpful: [start here](00_start_here.ipynb).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 0  # of the simulated participants and of draws [0, 4294967295]
device: str = "auto"  # where to compute {auto, cpu, cuda}
source: str = "simulated"  # where the data come from {simulated, nsd}
root: str = ""  # folder of the real NSD tree, for source nsd
participant: str = "subj01"  # whom to load
n_test: int | None = None  # test images; None: the profile decides [10, 1000]
n_seeds: int = 5  # repetitions of every random experiment [2, 50]
real_data: bool = True  # show real ceilings too, where they are at hand

# %% Set up: imports, and what each profile computes tags=["fold"]
from textwrap import fill

import h5py
import numpy as np
from matplotlib.colors import ListedColormap

from sdc_helpers import datasets, exercises
from sdc_helpers.course import claims, say, start
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import (
    COLOURS,
    figure,
    plot_bars,
    plot_reference,
    show,
)
from sdc_helpers.plotting.brain import plot_cortex
from sdc_helpers.studies import loading, open_study, reliability

p = start(
    "01_loading_brain_data",
    by_profile={"n_test": {"smoke": 30, "workshop": 200, "full": 200}},
)
BLUE, ORANGE, GREEN, GREY = (
    COLOURS[name] for name in ("blue", "orange", "green", "grey")
)

# %% [markdown]
# ## Who saw what
#
# One call opens the study. By default the participants are simulated: they looked at simulated pictures, and
# we know how each of their voxels answers. Their files have the names, types and axis order of NSD's own, so every
# cell below runs unchanged on the real 300 GB, with `source="nsd"` and `root="..."`.

# %%
study = open_study(p.source, p.root, p.profile, p.seed, n_held_out=p.n_test)
nsd, truth, kind = study.reader, study.truth, study.kind
seen = nsd.trials(p.participant).image_id.iloc[:12].to_numpy()

# %% [markdown]
# Each picture comes with five captions, as in NSD, whose pictures are from COCO. Look at what is in them:
# people, animals, food, and where these things are.

# %% Draw the first pictures with a caption each tags=["fold"]
fig, axes = figure(2, 6, width=9.4, height=4)
for ax, picture, sentences in zip(
    axes.flat, nsd.stimuli(seen), nsd.captions(seen), strict=True
):
    ax.imshow(picture)
    ax.set_axis_off()
    ax.set_title(fill(min(sentences, key=len), 26), fontsize=7, loc="left")
show(
    fig,
    f"{kind.capitalize()}: the first twelve pictures that {p.participant} saw, each with the shortest of its captions.",
)

# %% [markdown]
# ## What a beta is
#
# The scanner records a volume every second or two. One picture on the screen is a [trial](glossary.md#trial). For each
# trial a model of the blood's slow answer is fitted to the series of volumes, and its one number a
# [voxel](glossary.md#voxel) is the [beta](glossary.md#beta): how strongly the voxel answered, in percent of its mean
# signal. NSD stores betas as 16-bit integers, 300 for one percent, in HDF5 files of one
# [session](glossary.md#session) each, with the axes (trial, Z, Y, X). Masks and maps are NIfTI volumes, with the axes
# (X, Y, Z): the other way round.

# %%
session = nsd.sessions(p.participant)[0]
mask = nsd.roi(p.participant, "nsdgeneral").volume > 0  # visual cortex
bad = nsd.bad_voxels(p.participant, mask)  # not measured in some session
mask[mask] = ~bad
file = nsd.root / "nsddata_betas/ppdata" / p.participant / "func1pt8mm" / (
    f"betas_fithrf_GLMdenoise_RR/betas_session{session:02d}.hdf5"
)  # fmt: skip
with h5py.File(file) as opened:
    stored = opened["betas"][:2]  # two trials, as they lie in the file

# %% [markdown]
# Write the way from the file to numbers you can use: `stored` holds integers (trials, Z, Y, X), `mask` is boolean
# (X, Y, Z). Return percent signal change as (trials, voxels), the voxels in the order of `mask`.


# %% tags=["exercise"]
def to_percent(stored, mask):
    return ...  # your answer here


# %%
exercises.check("loading.to_percent", to_percent)

# %%
exercises.card("loading.to_percent")

# %% [markdown]
# The package's reader does the same, for all trials. It reads only the chunks of the voxels that you ask for, and keeps
# the result in a file that the next call maps into memory. Your two trials are its first two rows:

# %%
to_percent = exercises.yours_or_ours("loading.to_percent", to_percent)
responses = nsd.betas(p.participant, mask)
assert np.allclose(to_percent(stored, mask), responses[:2], atol=1e-6)
say(
    f"{kind.capitalize()} {p.participant}: {responses.shape[0]} trials × "
    f"{responses.shape[1]} voxels of the mask, percent signal change."
)

# %% [markdown]
# ## Three showings, many sessions
#
# Each picture is shown three times, on different days. Some pictures are shown to everybody (*shared*), the rest to one
# participant only. Between sessions the signal moves for reasons that have nothing to do with pictures: the head lies
# elsewhere, the scanner is warmer. [Z-scoring](glossary.md#z-scoring) each voxel within each session takes that off.

# %%
trials = nsd.trials(p.participant, with_betas=True)
image_ids, by_session = trials.image_id.to_numpy(), trials.session.to_numpy()
z_session = nsd.betas(p.participant, mask, zscore="session")
session_means = np.array(
    [responses[by_session == s].mean(axis=0) for s in np.unique(by_session)]
)
moved = session_means.std(axis=0)
example = int(moved.argmax())

# %% [markdown]
# On the left, follow one row: the three dots are the three showings of one picture. On the right, look at how far the
# orange line, a voxel's mean in a session, moves beside the grey dots, its single trials.

# %% Draw the showings, and a voxel that moves tags=["fold"]
thrice = trials.groupby("image_id").filter(lambda t: len(t) == 3)
shown = (
    thrice.pivot(index="image_id", columns="repetition", values="trial_index")
    .iloc[:40]
    .sort_values(1)
)
fig, axes = figure(1, 2, width=9, height=3.6)
for repetition, colour in zip((1, 2, 3), (BLUE, ORANGE, GREEN), strict=True):
    axes[0].plot(
        shown[repetition], np.arange(len(shown)), "o", ms=3.5, color=colour
    )
    axes[0].annotate(f"showing {repetition}", (0.02 + 0.25 * (repetition - 1), 1.02), color=colour,
                     xycoords="axes fraction", fontsize=9)  # fmt: skip
for begin in trials.groupby("session").trial_index.min()[1:]:
    axes[0].axvline(begin, color=GREY, lw=0.5)
axes[0].set(xlabel="trial (grey lines: sessions)", ylabel="40 of the pictures")
axes[1].plot(responses[:, example], ".", ms=1.5, color=GREY)
for mean, number in zip(
    session_means[:, example], np.unique(by_session), strict=True
):
    at = np.flatnonzero(by_session == number)
    axes[1].hlines(mean, at[0], at[-1], color=ORANGE, lw=2)
axes[1].set(xlabel="trial", ylabel="beta of one voxel (% signal change)")
axes[1].annotate(
    "mean of each session",
    (0.02, 1.02),
    xycoords="axes fraction",
    color=ORANGE,
    fontsize=9,
)
show(
    fig,
    f"{kind.capitalize()}. Left: a picture's three showings lie sessions apart. Right: the voxel whose session means move "
    f"most; a typical voxel's vary by {np.median(moved):.2f} percent, its single trials by "
    f"{np.median(responses.std(axis=0)):.2f}.",
)

# %% [markdown]
# ## Splits: by picture, not by trial
#
# If one showing of a picture is in the training set and another in the test set, a model can answer from memory.
# So the [split](glossary.md#split) is by *picture*. That of the study on shared concepts (`efird2025sdc`) tests on
# shared pictures, then fills up with pictures of each participant. A stricter one allows no picture on two sides for *any*
# two participants, which matters when a model is trained on several. As in NSD, some participants
# missed the last sessions.

# %%
everyone = {
    name: nsd.trials(name, sessions=sessions)
    for name, sessions in loading.attended_sessions(nsd).items()
}
splits = {
    "sdc2025": datasets.split_sdc2025(everyone, p.seed, p.n_test, p.n_test),
    "strict": datasets.split_strict(everyone, p.seed, p.n_test, p.n_test),
}
own = splits["strict"][p.participant]
train, test = own.train_trials, own.test_trials

# %% Count what each split lets through tags=["fold"]
for name, split in splits.items():
    found, mine = datasets.check_split(split), split[p.participant]
    say(
        f"**{name}** ({kind}): {mine.train_trials.sum()} training, {mine.validation_trials.sum()} validation, "
        f"{mine.test_trials.sum()} test trials. Pictures on two sides of one participant: "
        f"{sum(map(len, found.within.values()))}; of two different participants: {len(found.across)}."
    )

# %% [markdown]
# How would you notice a leak in somebody else's split? `image_ids` names the picture of every trial; `train` and `test`
# are masks of trials. Return the share of test trials whose picture the training set has seen.


# %% tags=["exercise"]
def share_seen_in_training(image_ids, train, test):
    return ...  # your answer here


# %%
exercises.check("loading.seen_before", share_seen_in_training)

# %%
exercises.card("loading.seen_before")

# %%
share_seen = exercises.yours_or_ours(
    "loading.seen_before", share_seen_in_training
)
assert share_seen(image_ids, train, test) == 0

# %% [markdown]
# ## The noise ceiling
#
# How well could the best model predict a voxel? Only the part of its variance that repeats. With z-scored betas
# the total variance is 1; the *noise* is the variance over showings of the same picture, the *signal* is what
# is left, and the [noise ceiling](glossary.md#noise-ceiling) is the share of the signal,
#
# $$ \sigma^2_\mathrm{noise} = \mathrm{mean}_\mathrm{pictures}\, \mathrm{var}_\mathrm{showings}, \quad
#    \sigma^2_\mathrm{signal} = \max(0,\; 1 - \sigma^2_\mathrm{noise}), \quad
#    \mathrm{NC} = 100\,\frac{\sigma^2_\mathrm{signal}}{\sigma^2_\mathrm{signal} + \sigma^2_\mathrm{noise}/n} $$
#
# in percent of the variance of a mean over $n$ trials. Write it for single trials, $n = 1$: `z` holds z-scored betas
# (pictures, showings, voxels).


# %% tags=["exercise"]
def single_trial_ceiling(z):
    return ...  # your answer here


# %%
exercises.check("loading.noise_ceiling", single_trial_ceiling)

# %%
exercises.card("loading.noise_ceiling")

# %% [markdown]
# The ceiling chooses voxels, so it is estimated on **training trials only**. The package does it for trials in any order:

# %%
z = nsd.betas(p.participant, mask, zscore="train", train=train)
repeats = datasets.ncsnr(z, image_ids, train)
ceiling = datasets.noise_ceiling(repeats)
by_hand = exercises.yours_or_ours("loading.noise_ceiling", single_trial_ceiling)
fit_ids = image_ids[train]
unique, counts = np.unique(fit_ids, return_counts=True)
of_pictures = [np.flatnonzero(fit_ids == i)[:3] for i in unique[counts >= 3]]
assert np.allclose(ceiling, by_hand(z[train][of_pictures]), atol=1e-4)

# %% [markdown]
# On the left, see how little of a single trial repeats. On the right, where the truth is known, see whether the
# estimates lie along the line.

# %% Draw the ceilings, and beside them the planted ones tags=["fold"]
fig, axes = figure(
    1, 2 if truth else 1, width=9 if truth else 5, height=3.5, squeeze=False
)
axes[0, 0].hist(ceiling, bins=40, color=BLUE)
plot_reference(axes[0, 0], 8, "8%: the study's threshold", vertical=True)
axes[0, 0].set(
    xlabel="noise ceiling, single trials (% of variance)", ylabel="voxels"
)
axes[0, 0].set_title(f"{p.participant} ({kind})", loc="left")
if truth:
    planted = truth.participants[p.participant].volume("nc1")[mask]
    axes[0, 1].plot(
        [0, planted.max()], [0, planted.max()], color=GREY, lw=1, ls="--"
    )
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
# Do the estimates follow the planted truth, and have they no bias? One participant is no sample, so all of them are
# measured. Whoever missed sessions has fewer pictures that were shown three times.

# %%
if truth:
    found = loading.ceilings_against_truth(nsd, truth, splits["strict"])
    claims.record(
        "loading.ceiling.correlation", found.likeness, n=found.n_participants
    )
    claims.record("loading.ceiling.bias", found.bias, n=found.n_participants)

# %% [markdown]
# ## Ceilings of real recordings
#
# Two small open files show real ceilings. The first holds 50 neurons of a monkey's area V4 (`cowley2023`), with six to
# ten repetitions a picture. Deal out the repetitions to two halves, and correlate the halves' means over pictures: the
# [split-half reliability](glossary.md#split-half-reliability) $r$. A half is noisier than the whole, so Spearman and
# Brown step it up to that of the mean of all repetitions:
#
# $$ r_\mathrm{all} = \frac{2\,r}{1 + r} $$
#
# That is the share of variance that repeats: the noise ceiling again, by another way than the variances above.
#
# The second file is of people, participants of NSD itself (`conwell2024`): ceilings of an [RDM](glossary.md#rdm), the
# table of how different the responses to each two pictures are. It is the correlation that a perfect model's RDM
# would have with the measured one, a mean of three showings. We estimate the same for our participants.

# %%
real_files = ("macaque_v4", "nsd_shared1000")
has_real = p.real_data and all(map(datasets.available, real_files))
if has_real:
    trials_of_v4 = datasets.load_v4("210325").trials
    v4 = reliability.reliability_of_neurons(trials_of_v4, seed=p.seed)
    claims.record("loading.v4.two_ways", v4.two_ways, n=len(v4.halves))
    people = datasets.load_nsd_noise_ceilings().values.mean(axis=1)
    ours = np.array([*reliability.rdm_ceilings(nsd).values()])
if has_real and truth:
    apart = Interval.over_seeds(ours - people.mean())
    claims.record("loading.rdm.like_real", apart, n=len(ours))

# %% [markdown]
# On the left, see whether the two ways give each neuron the same ceiling. On the right, compare people with our
# participants. Then compare both panels with the histogram above: neurons in repeated trials and RDMs of many voxels are
# far more reliable than one voxel on one trial. Always say a ceiling *of what*.

# %% Draw real ceilings tags=["fold"]
if not has_real:
    say("*The real ceilings are not here: skipped. `sdc data fetch macaque_v4` (18 MB) and `sdc data fetch nsd_shared1000` (4 MB) get them.*")  # fmt: skip
else:
    fig, axes = figure(1, 2, width=9, height=3.5)
    axes[0].plot([40, 100], [40, 100], color=GREY, lw=1, ls="--")
    axes[0].plot(100 * v4.corrected, v4.ceiling, "o", ms=4, color=BLUE)
    axes[0].set(
        xlabel="by halves, Spearman and Brown (%)",
        ylabel="by variances (%)",
    )
    axes[0].set_title("Ceilings of 50 V4 neurons (real)", loc="left")
    both = {
        f"{len(people)} people\n(real)": people,
        f"{len(ours)} participants\n({kind})": ours,
    }
    plot_bars(both, axes[1], colours=(BLUE, ORANGE))
    axes[1].set(
        xlabel="whose responses", ylabel="ceiling of an RDM (r)", ylim=(0, 1)
    )
    axes[1].set_title("Ceilings of RDMs", loc="left")
    show(
        fig,
        f"Real; the orange bar is {kind}. Left: dots near the line have the same ceiling both ways; halves correlate at "
        f"{np.median(v4.halves):.2f} (median of neurons, {v4.halves.min():.2f} to {v4.halves.max():.2f}), which makes "
        f"{100 * np.median(v4.corrected):.0f} percent for all repetitions, and {np.median(v4.single):.0f} for single trials. "
        f"Right: real RDMs reach {people.min():.2f} to {people.max():.2f}, ours {ours.min():.2f} to {ours.max():.2f}.",
    )

# %% [markdown]
# ## On the cortex
#
# Where are the voxels that repeat? Project the volume onto the cortex of fsaverage5, and look for patches.

# %%
volume = np.full(mask.shape, np.nan)
volume[mask] = ceiling
affine = nsd.affine(p.participant)

# %% Draw the ceiling on the cortex tags=["fold"]
show(
    plot_cortex(
        volume,
        affine,
        label="noise ceiling, single trials (%)",
        title=f"{p.participant} ({kind})",
    ),
    f"{kind.capitalize()}: the noise ceiling on the inflated cortex. Reliable voxels form patches in visual cortex; "
    f"grey cortex was not in the mask.",
)

# %% [markdown]
# [Regions of interest](glossary.md#roi) (ROIs) come as integer volumes with a table of names. A
# [localiser](glossary.md#localiser) marks where a *contrast* of categories was found in a separate recording. Such a
# region overlaps with the voxels that answer to faces in the main recording, but is not the same.

# %%
roi = nsd.roi(p.participant, "floc-faces")
localised = roi.volume > 0
if truth:
    patch = truth.participants[p.participant].mask(concept="faces")
    both = (patch & localised).sum()
    dice = 2 * both / (patch.sum() + localised.sum())

# %% Draw planted and localised face voxels tags=["fold"]
if truth:
    three = np.where(
        patch & localised,
        3.0,
        np.where(localised, 2.0, np.where(patch, 1.0, np.nan)),
    )
    colours = ListedColormap([ORANGE, COLOURS["sky"], COLOURS["black"]])
    fig = plot_cortex(
        three, affine, limits=(0.5, 3.5), colormap=colours, panels=(("left", "ventral"), ("right", "ventral")),
        label="face voxels", title=f"{p.participant} (simulated)",
    )  # fmt: skip
    fig.axes[-1].set_xticks(
        [1, 2, 3], ["planted only", "localiser only", "both"]
    )
    show(
        fig,
        f"Simulated: the voxels planted to answer to faces and the face localiser overlap with a Dice coefficient "
        f"of {dice:.2f}, not 1.",
    )

# %% [markdown]
# ## Pitfalls: five mistakes, made on purpose
#
# Each is easy to make and gives no error message. A simple decoder makes their cost visible: to guess the picture of a
# test trial, it takes the training trial whose response is most similar, and answers with *its* picture (shrunk to 8 × 8
# grey pixels). The score is the correlation of that guess with the true picture; guessing at random gives 0.
#
# 1. **A picture on both sides of the split**: trials are split at random.
# 2. **Ids off by one**: NSD counts pictures from 1, arrays from 0.
# 3. **Reversed axes**: the mask (X, Y, Z) is laid over betas in the file's order (Z, Y, X).
# 4. **A ceiling that saw the test trials** chooses the voxels. For this one the pictures' labels are shuffled first: then
#    there is nothing to find, and any reliability comes from the choice ([which null answers which question](nulls.md)).
# 5. **Z-scoring with test trials.**

# %%
good = ceiling > np.quantile(ceiling, 0.8)
pictures = loading.tiny_pictures(nsd, image_ids)
scores = loading.cost_of_leaks(
    z[:, good], z_session[:, good], image_ids, test, pictures,
    seed=p.seed, n_seeds=p.n_seeds,
)  # fmt: skip
selected = loading.reliability_by_selection(
    z, image_ids, own, seed=p.seed, n_seeds=p.n_seeds
)

# %% [markdown]
# On the left, compare the orange bars with the blue one: which mistake pays? On the right there is nothing to be found
# at all, so every bar should stand at zero.

# %% Draw what the mistakes cost tags=["fold"]
fig, axes = figure(1, 2, width=9, height=3.5)
plot_bars(scores, axes[0], colours=(BLUE, ORANGE, ORANGE))
axes[0].set(
    xlabel="how the data were prepared",
    ylabel="correlation, guess with picture",
)
axes[0].set_title(f"What the simple decoder scores ({kind})", loc="left")
plot_bars(selected, axes[1], colours=(BLUE, ORANGE))
axes[1].set(
    xlabel="ceiling that chose the voxels saw",
    ylabel="test reliability (r of two showings)",
)
axes[1].set_title(f"Reliability out of nothing ({kind} betas)", loc="left")
means = [np.mean(drawn) for drawn in (*scores.values(), *selected.values())]
show(
    fig,
    f"{kind.capitalize()}; dots are seeds. Left, a picture on both sides of the split: {means[1]:.2f} in place of "
    f"{means[0]:.2f}; z-scored with test trials: {means[2]:.2f}. Right, reliability with shuffled labels: voxels chosen "
    f"on training trials {means[3]:.2f}, on all trials {means[4]:.2f}.",
)

# %%
right, both_sides, _ = scores.values()
of_training, of_all = selected.values()
over = Interval.over_seeds
claims.record("loading.leak.pictures", over(both_sides - right), kind=kind)
claims.record("loading.leak.ceiling", over(of_all - of_training), kind=kind)
claims.record("loading.leak.ceiling_honest", over(of_training), kind=kind)

# %% [markdown]
# Two of the mistakes are ruin, and cheap to find: check one picture and one voxel by hand.

# %%
before = np.maximum(image_ids - 1, 1)
off_by_one = loading.likeness(
    loading.tiny_pictures(nsd, before)[test], pictures[test]
)
turned = mask.transpose(2, 1, 0)
common = tuple(
    slice(0, min(pair)) for pair in zip(mask.shape, turned.shape, strict=True)
)
lost = 1 - (turned[common] & mask[common]).sum() / mask.sum()
say(
    f"{kind.capitalize()}: with ids off by one, a picture correlates "
    f"{off_by_one:.2f} with the one that was meant. With reversed axes, "
    f"{100 * lost:.0f}% of the mask's voxels are others."
)

# %% [markdown]
# Read the figure for the *size* of each mistake, not only for its sign: some ruin a study, others hardly matter,
# and only measuring tells which. Doing the cheap ones right costs nothing.
#
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

# %% [markdown]
# ## Take-aways
#
# 1. Know the unit, the axis order and the first index of every file; check one number by hand.
# 2. Split by picture, and choose voxels, scales and thresholds on training trials only.
# 3. A noise ceiling says how much there is to explain. Everything later is read against it.
#
# Further reading: `allen2022nsd` (the dataset and its noise ceiling), `efird2025sdc` (the split used here). Words:
# the [glossary](glossary.md). Next: [decoding a picture](08_decoding_pictures.ipynb).
