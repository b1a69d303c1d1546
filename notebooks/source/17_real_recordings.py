# %% [markdown]
# # Real recordings: what do the methods say where nobody planted anything?
#
# In a simulation you know what is there. In a recording you do not, and a method that finds what was planted may still
# find what is not there. Here the methods of this course meet three monkeys who saw photographs (`cowley2023`) and eight
# people who saw a film (`hanke2016`). The answer in one sentence: **pictures and segments of a film are found far above
# chance, neurons of different monkeys are alike without falling into concepts, and a null that forgets time invents an
# effect.** What was not known when a claim was written, its file says.
#
# {{ minutes }}
#
# ## What you will do
#
# - find the picture that a monkey saw among 120, from a few dozen neurons
# - ask whether neurons of animals who saw *different* pictures share directions
# - find the 12 seconds of a film that somebody is watching
# - see a small p-value become a large one, when the null respects time
# - name directions by dimensions that have names
#
# You need: [Decoding pictures](08_decoding_pictures.ipynb), [CKA pitfalls](13_cka_pitfalls.ipynb). Helpful:
# [Shared concepts](10_shared_concepts.ipynb).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 2024  # where the random numbers start [0, 4294967295]
device: str = "auto"  # where to compute {auto, cpu, cuda}
clip_model: str = "course-fine"  # what embeds pictures, see load_clip
clip_weights: str = "course"  # or a published tag, such as openai, or a file
n_pictures: int | None = None  # of a session; None: the profile [60, 1200]
n_permutations: int | None = None  # draws; None: the profile [19, 100000]
n_shuffles: int | None = None  # refits of decoders; None: profile [5, 100]
real_data: bool = True  # read the recordings where they are at hand

# %% Set up: imports, and what each profile computes tags=["fold"]
import numpy as np

from sdc_helpers import datasets, exercises, plotting
from sdc_helpers.course import claims, say, start
from sdc_helpers.embeddings import load_clip
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import figure, show
from sdc_helpers.studies import (
    film_study,
    load_type_one,
    named_dimensions,
    v4_concepts,
    v4_decoding,
)

p = start(
    "17_real_recordings",
    by_profile={
        "n_pictures": {"smoke": 80, "workshop": 1200, "full": 1200},
        "n_permutations": {"smoke": 99, "workshop": 499, "full": 9999},
        "n_shuffles": {"smoke": 5, "workshop": 5, "full": 20},
    },
)
over, COLOURS = Interval.over_seeds, plotting.COLOURS
GREY = COLOURS["grey"]
WAYS = {"statistics": COLOURS["orange"], "CLIP": COLOURS["blue"], "both": COLOURS["green"]}  # fmt: skip
has = {
    name: p.real_data and datasets.available(name)
    for name in ("macaque_v4", "studyforrest", "nsd_shared1000")
}
for name, is_here in has.items():
    if not is_here:
        say(
            f"*`{name}` is not here: its sections are skipped. `sdc data fetch {name}` gets it.*"
        )

# %% [markdown]
# ## The seen picture among 120
#
# Arrays of electrodes in area [V4](glossary.md#v4) counted spikes for 100 ms after each photograph: 33 neurons of the
# monkey WE, 89 of PE, 51 of RA, 1,200 photographs each. A neuron is described by an *encoding model*: ridge regression
# from features $\phi(x)$ of a picture to its response,
#
# $$ \hat r(x) = W^\top \phi(x), \qquad \text{seen} = \arg\max_{x'} \; \mathrm{corr}\big(r,\; \hat r(x')\big) $$
#
# so that the seen picture is the one whose *predicted* responses are most like the measured ones (`kay2008`). Nine tenths
# of the pictures train the models; the last tenth is the gallery, and so in turn.
#
# Write the second half. `measured` and `predicted` have a row a picture and a column a neuron: return, for each measured
# row, the number of the predicted one that *correlates* most with it.


# %% tags=["exercise"]
def find_seen(measured, predicted):
    return ...  # your answer here


# %%
exercises.check("real.seen", find_seen)

# %%
exercises.card("real.seen")

# %% [markdown]
# Three descriptions of a picture: mean colour and orientation energy in 4 × 4 cells (*statistics*, nothing learnt); the
# embedding of the course's CLIP, which learnt from drawn scenes and has never seen a photograph; and both side by side.

# %%
find_seen = exercises.yours_or_ours("real.seen", find_seen)
if has["macaque_v4"]:
    clip = load_clip(p.clip_model, p.clip_weights, device=p.device)
    names = {"190923": "WE", "201025": "PE", "210621": "RA"}
    seen = v4_decoding.open_seen_pictures(
        clip, p.n_pictures, p.seed, sessions=list(names)
    )
    encoded = {
        way: {s: one.identified(way) for s, one in seen.items()} for way in WAYS
    }
    decoded = {s: one.identified("both", "decode") for s, one in seen.items()}
    predicted, measured = seen["201025"].predicted(0, "both")
    found = find_seen(measured, predicted)
    guesses = seen["201025"].guesses(0)
    assert np.array_equal(found, guesses[:, 0])

# %% [markdown]
# Look at the broken line first: a guess. Then at orange against blue, and at the grey dots: the same features, but
# *decoded* from the neurons, which has to predict hundreds of numbers from a few dozen.

# %% Draw the share of pictures found tags=["fold"]
if has["macaque_v4"]:
    fig, ax = figure(width=8.6, height=3.6)
    for shift, (way, colour) in zip((-0.24, -0.08, 0.08), WAYS.items(), strict=True):  # fmt: skip
        plotting.plot_intervals(
            [], list(encoded[way].values()), ax, chance="",
            positions=np.arange(len(seen)) + shift, colour=colour,
        )  # fmt: skip
    plotting.plot_intervals(
        [], list(decoded.values()), ax, chance="", colour=GREY,
        positions=np.arange(len(seen)) + 0.24,
    )  # fmt: skip
    plotting.plot_reference(ax, seen["190923"].chance, "chance")
    ax.set_xticks(
        range(len(seen)),
        [f"{names[s]}\n{one.session.responses.shape[1]} neurons, 1 of {len(one.folds[0])}" for s, one in seen.items()],
    )  # fmt: skip
    ax.set(xlabel="animal", ylabel="share of pictures found", ylim=(0, None), xlim=(-0.5, 3.1))  # fmt: skip
    plotting.name_series(ax, {**WAYS, "both, decoded": GREY})
    best, other = encoded["both"]["201025"], decoded["201025"]
    alone = [f"{one.value:.0%}" for one in encoded["statistics"].values()]
    show(
        fig,
        f"Real V4, ten held-out parts (dots) and 95 % intervals. Colours and edges alone find {alone[0]}, {alone[1]} and "
        f"{alone[2]}. In PE both descriptions together find {best.value:.0%}; decoded from the same neurons they find "
        f"{other.value:.0%}.",
    )

# %% [markdown]
# What do the wrong guesses look like? In the second row a green frame is the seen picture itself. Cover it: which property
# of the picture did the neurons keep?

# %% Draw seen pictures and first guesses tags=["fold"]
if has["macaque_v4"]:
    pe, n_shown = seen["201025"], 8
    part = pe.folds[0]
    pictures = pe.session.pictures[part]
    rows = np.linspace(0, len(part) - 1, n_shown).astype(int)
    fig, axes = figure(2, n_shown, width=9.6, height=2.7)
    first = guesses[rows, 0]
    plotting.plot_pictures(
        np.concatenate([pictures[rows], pictures[first]]),
        axes=axes, rows=["seen", "best fit"],
        frames=[None] * n_shown + [COLOURS["green"] if a == b else None for a, b in zip(rows, first, strict=True)],
    )  # fmt: skip
    show(
        fig,
        f"Real V4 of PE: {n_shown} pictures of one held-out part, and for each the picture whose predicted responses fit "
        f"best. {np.sum(rows == first)} of these {n_shown} are right. What do the wrong ones share with what was seen?",
    )

# %%
if has["macaque_v4"]:
    lowest = min(
        (encoded["statistics"][s] for s in names), key=lambda i: i.value
    )
    claims.record("real.v4.seen", lowest)
    adds = [
        encoded["both"][s].value - encoded["statistics"][s].value for s in names
    ]
    claims.record("real.v4.clip_adds", over(np.array(adds)))

# %% [markdown]
# ### Few pictures, large numbers
#
# [CKA](glossary.md#cka) of the same neurons with the orientation energy alone: biased and debiased, on the first 60
# pictures and on all. You know the pitfall ([CKA pitfalls](13_cka_pitfalls.ipynb)); here it is in real neurons.

# %%
if has["macaque_v4"]:
    sizes = (60, p.n_pictures)
    cka = {
        (e, n): {
            s: seen[s].alignment(e, n, p.n_permutations, p.seed) for s in names
        }
        for e in ("biased", "debiased")
        for n in sizes
    }
    claims.record(
        "real.v4.debiased",
        np.mean([t.value for t in cka["debiased", sizes[1]].values()]),
    )
    gap = [
        cka["biased", 60][s].value - cka["debiased", 60][s].value for s in names
    ]
    claims.record("real.v4.few", over(np.array(gap)))

# %% Draw CKA with few pictures and with all tags=["fold"]
if has["macaque_v4"]:
    fig, axes = figure(1, 2, width=8.6, height=3.2, sharey=True)
    for ax, e, colour in zip(axes, ("biased", "debiased"), (COLOURS["orange"], COLOURS["blue"]), strict=True):  # fmt: skip
        tests = [cka[e, n][s] for n in sizes for s in names]
        plotting.plot_null(range(6), [t.null for t in tests], [t.value for t in tests], ax, colour=colour)  # fmt: skip
        ax.set_xticks(range(6), [f"{names[s]}\n{n}" for n in sizes for s in names])  # fmt: skip
        plotting.plot_reference(ax, 0, "")
        ax.set(xlabel="animal, pictures", ylabel=f"{e} CKA with edges")
        ax.set_title(f"{e} (real V4)", loc="left", fontsize=9.5)
    few, every = (np.mean([t.value for t in cka["biased", n].values()]) for n in sizes)  # fmt: skip
    same, flat = (np.mean([t.value for t in cka["debiased", n].values()]) for n in sizes)  # fmt: skip
    show(
        fig,
        f"Real V4, mean of three animals: biased CKA is {few:.2f} with 60 pictures, debiased CKA of the same ones {same:.2f}; "
        f"with all pictures {every:.2f} and {flat:.2f}. Grey: shuffled pictures. The neurons do follow edges, and the larger "
        f"number of 60 pictures is bias.",
    )

# %% [markdown]
# ## Do animals who saw different pictures share directions?
#
# No photograph was shown to two animals. Only the embedding links them, as in NSD, where most images have one viewer. So
# the chain of [Shared concepts](10_shared_concepts.ipynb) applies as it is: a
# contrastive decoder for each animal, a row of weights for each neuron, clusters of rows
# that lie near rows of **both** other animals (`min_participants=2`). Again with halves of the pictures, and with
# shuffled pairs. Guess: V4 is about shape and colour. Will it show?

# %%
if has["macaque_v4"]:
    concepts = v4_concepts.open_v4_concepts(
        clip, p.n_pictures, p.profile, n_shuffles=p.n_shuffles, seed=p.seed
    )
    animals, found = list(concepts.study.animals), concepts.found
    setting, counts = found.setting, concepts.neurons()
    claims.record("real.v4.shared", concepts.excess)

# %% Say what was found tags=["fold"]
if has["macaque_v4"]:
    verdict = (
        "keeps to what is allowed: 5 % of false neurons and clusters, and few rotations that reproduce as much"
        if concepts.is_allowed
        else "does **not** keep to what is allowed, and no other eps does: **no shared concept is found**"
    )
    largest = max(
        found.selection.settings, key=lambda tried: tried.n_reproduced
    )
    more = (
        f" A larger eps, {largest.eps}, has {largest.n_voxels} neurons in {largest.n_concepts}, of which chance alone "
        f"gives {largest.n_chance:.0f}."
        if largest.n_reproduced and not concepts.is_allowed
        else ""
    )
    say(
        f"Real V4, eps {setting.eps}: {len(counts)} clusters beyond chance with {setting.n_voxels} of {len(found.labels)} "
        f"neurons, {setting.n_reproduced} of them in both halves of the pictures. The setting {verdict}.{more}"
    )

# %% [markdown]
# Is that the end? A cluster needs a gap around it. Ask less: is a neuron *nearer* to the nearest neuron of another animal
# than it would be if each animal's rows were rotated, all angles within the animal kept? And does the mean direction of two
# animals' neurons, one axis, say anything about the third, who saw none of their pictures?

# %%
if has["macaque_v4"]:
    alike = concepts.nearness(199, p.seed)
    shuffled = concepts.shuffled_nearness()
    share = Interval.of_share(round(alike.p_value * 200), 200)
    claims.record("real.v4.alike", share)
    carried = concepts.carried_over(p.seed)
    lowest = min(carried.values(), key=lambda r: r.value)
    claims.record("real.v4.carried", lowest)

# %% Draw how near neurons of different animals are tags=["fold"]
if has["macaque_v4"]:
    fig, axes = figure(1, 2, width=8.6, height=3.2)
    plotting.plot_null([0], [alike.null], [alike.value], axes[0], width=0.3)
    axes[0].plot(np.linspace(0.3, 0.5, len(shuffled)), shuffled, "x", color=COLOURS["orange"], ms=5)  # fmt: skip
    axes[0].set_xticks([0, 0.4], ["true, and\nrotated (grey)", "shuffled\npairs"])  # fmt: skip
    axes[0].set(xlabel="rows of weights", ylabel="cosine, nearest of others", ylim=(0, 1))  # fmt: skip
    axes[0].set_title("three animals (real V4)", loc="left", fontsize=9.5)
    plotting.plot_intervals(animals, list(carried.values()), axes[1], chance="")
    plotting.plot_reference(axes[1], 0, "nothing carried over")
    axes[1].set(xlabel="animal that is tested", ylabel="r with the others' axis", xlim=(-0.5, 2.5))  # fmt: skip
    axes[1].set_title("held-out pictures (real V4)", loc="left", fontsize=9.5)
    show(
        fig,
        f"Real V4. Left: a neuron's nearest row in another animal has cosine {alike.value:.2f}, rotated rows "
        f"{alike.null.mean():.2f} (p = {alike.p_value:.3f}), shuffled pairs {shuffled.mean():.2f}. Right: the axis of two animals "
        f"in the third, r and 95 % interval over pictures: "
        + ", ".join(f"{a} {r.value:.2f}" for a, r in carried.items()) + ".",
    )  # fmt: skip

# %% [markdown]
# Guess the name of the common axis by looking, and be strict: what do the left four of *every* row have that the right four lack? A
# name that fits one row is a story. And mind that an axis which all neurons share may be no more than "much to respond to".

# %% Draw the pictures at both ends of the common axis tags=["fold"]
if has["macaque_v4"]:
    fig, axes = figure(3, 8, width=9.6, height=4.0)
    ends = [np.concatenate(concepts.pictures(a, concepts.axis())) for a in animals]  # fmt: skip
    plotting.plot_pictures(
        np.concatenate(ends), axes=axes, rows=animals,
        titles=(["high"] * 4 + ["low"] * 4) + [""] * 16,
    )  # fmt: skip
    show(
        fig,
        "Real V4: the four most (left) and least (right) associated pictures of the common axis, a row an animal. No picture "
        "is in two rows: what is shared has to look the same in all three.",
    )

# %% [markdown]
# ## Real fMRI, a film: which twelve seconds?
#
# Now eight people, and all saw the same: "Forrest Gump", in parts called [runs](glossary.md#run), one
# volume every 2 s, 278 parcels of the brain. Where are people alike? Correlate each person's signal with
# the mean of the *others*: the [inter-subject correlation](glossary.md#inter-subject-correlation).
#
# With it one can find a segment: take 12 s of one person's brain, and look for the 12 s in the mean of the others that
# look most alike. Write it. `series` is (people, volumes, parcels); cut it into segments of `length` volumes, one after
# the other, and return for each segment of person `who` the number of the nearest one.


# %% tags=["exercise"]
def find_segments(series, who, length):
    return ...  # your answer here


# %%
exercises.check("real.segments", find_segments)

# %%
exercises.card("real.segments")

# %%
find_segments = exercises.yours_or_ours("real.segments", find_segments)
if has["studyforrest"]:
    film = film_study.FilmStudy()
    matched = {n: film.matched(8, n) for n in (5, 15, 60, 278)}
    claims.record("real.film.same_places", film.map_r)
    claims.record("real.film.segments", matched[60])
    few = film.runs[8].series[:, :, film.parcels(2, 60)]
    yours = np.mean(find_segments(few, 0, 6) == np.arange(few.shape[1] // 6))
    say(f"Real fMRI: in person 1 your function finds {yours:.0%} of segments.")

# %% [markdown]
# The package is stricter: segments begin at every volume, and only those that overlap with the right one are left out.
# The parcels are chosen on run 2, and tested on run 8.

# %% Draw the alike places and the share of segments found tags=["fold"]
if has["studyforrest"]:
    fig, axes = figure(1, 2, width=9.0, height=3.4)
    axes[0].plot(film.isc[2], film.isc[8], ".", color=COLOURS["blue"], ms=5)
    axes[0].axline((0, 0), slope=1, color=GREY, lw=1)
    axes[0].set(xlabel="run 2: correlation with the others", ylabel="run 8")
    axes[0].set_title("each dot a parcel (real fMRI)", loc="left", fontsize=9.5)
    plotting.plot_intervals([str(n) for n in matched], list(matched.values()), axes[1])  # fmt: skip
    axes[1].set(xlabel="parcels, most alike in run 2", ylabel="segments of run 8 found", ylim=(0, 0.6))  # fmt: skip
    axes[1].set_title("12 s, each dot a person (real fMRI)", loc="left", fontsize=9.5)  # fmt: skip
    low, high = matched[60].by_seed.min(), matched[60].by_seed.max()
    show(
        fig,
        f"Real fMRI, eight people. Left: the same parcels are alike in both runs (r = {film.map_r:.2f}), at most "
        f"{film.isc[8].max():.2f}. Right: with 60 parcels {matched[60].value:.0%} of segments are found "
        f"({low:.0%} to {high:.0%}), a guess finds {matched[60].chance:.1%}.",
    )

# %% [markdown]
# ## Pitfall: a null that forgets time
#
# Does the group's mean follow the *setting* of a scene? The model has one column a setting: 1 in the volumes that answer to
# it, 5 s late. CKA, debiased. Then shuffle. But which rows are exchangeable? Neighbouring volumes are alike, in the brain and
# in the model: a shuffle of single volumes compares the film with a film that flickers. A *circular shift* moves the whole
# film on, and keeps what neighbours share.
#
# How much do the neighbours cost? With autocorrelations $r_x(k)$ and $r_y(k)$, the correlation of two unrelated series
# of $n$ rows scatters like that of only (`bartlett1946`)
#
# $$ n_\mathrm{eff} = \frac{n}{1 + 2 \sum_{k=1}^{K} r_x(k)\, r_y(k)} $$
#
# independent rows. Write it, with $r(k) = \frac1n \sum_t z_t z_{t+k}$ of the z-scored series.


# %% tags=["exercise"]
def n_effective(x, y, n_lags):
    return ...  # your answer here


# %%
exercises.check("real.effective", n_effective)

# %%
exercises.card("real.effective")

# %%
n_effective = exercises.yours_or_ours("real.effective", n_effective)
if has["studyforrest"]:
    trap = {
        (run, scheme): film.setting_test(run, scheme, p.n_permutations, p.seed)
        for run in (8, 2)
        for scheme in ("rows", "circular")
    }
    n = p.n_permutations + 1
    share = {
        k: Interval.of_share(round(t.p_value * n), n) for k, t in trap.items()
    }
    signal, model = film.runs[8].series.mean(axis=0), film.setting_model(8)
    parcel, house = film.parcels(2, 1)[0], model.sum(axis=0).argmax()
    n_one = n_effective(signal[:, parcel], model[:, house], 30)
    say(
        f"Real fMRI, run 8: {len(signal)} volumes. For the parcel that is "
        f"most alike and the commonest setting they are worth {n_one:.0f} "
        f"independent ones; for all together {film.worth(8):.0f}."
    )
    claims.record("real.film.rows", share[8, "rows"], run=8)
    claims.record("real.film.circular", share[8, "circular"], run=8)
    claims.record("real.film.null_mean", trap[2, "circular"].null.mean())

# %% [markdown]
# Dots are the same in both schemes; only what they are held against differs. Which panel would you have published?

# %% Draw the null distributions of both schemes tags=["fold"]
if has["studyforrest"]:
    fig, axes = figure(1, 2, width=8.6, height=3.5, sharey=True)
    for ax, run in zip(axes, (8, 2), strict=True):
        tests = [trap[run, scheme] for scheme in ("rows", "circular")]
        plotting.plot_null(range(2), [t.null for t in tests], [t.value for t in tests], ax)  # fmt: skip
        ax.set_xticks(range(2), [f"{name}\np = {t.p_value:.3f}" for name, t in zip(("single volumes", "circular shift"), tests, strict=True)])  # fmt: skip
        plotting.plot_reference(ax, 0, "")
        ax.set(xlabel="what is shuffled", ylabel="debiased CKA with the setting")  # fmt: skip
        ax.set_title(f"run {run} (real fMRI)", loc="left", fontsize=9.5)
    a, b = trap[8, "rows"], trap[8, "circular"]
    c = trap[2, "circular"]
    show(
        fig,
        f"Real fMRI, mean of eight people. Run 8: {a.value:.3f} has p = {a.p_value:.3f} by shuffled volumes and p = "
        f"{b.p_value:.2f} by shifts. Run 2: {c.value:.3f} is beyond both nulls, but shifts (grey) have mean {c.null.mean():.3f}, "
        f"not 0: half of that value is what any slow series gives.",
    )

# %% [markdown]
# How often would each null err, where nothing is there? That was counted on a thousand simulated pairs of series without a
# relation. Read the last rows: single rows call *every* one of them a finding.

# %% Show the recorded type I errors tags=["fold"]
errors, made = load_type_one()
schemes = ("rows", "blocks of two runs", "circular shift")
lines = [[kind, *(f"{row[s]:.3f}" for s in schemes)] for kind, row in errors.items()]  # fmt: skip
say(
    plotting.table(["rows are", *schemes], lines)
    + f"\n\nSimulated, recorded {made['date']} by `sdc nulls type-one`: share of {made['n_nulls']:,} null data sets with "
    f"p ≤ .05, which should be .05."
)

# %% [markdown]
# ## What one volume says, across people
#
# Do people share how features of the film look in the brain? Ridge regression from one volume's parcels to a feature;
# weights of run 2 read run 8, and the other way. Once with a person's own weights, once with the mean of the *others'*. The
# p-value is over all shifts of the feature. The verdict asks for an AUC above .55 in other people's weights.

# %%
if has["studyforrest"]:
    table = [film.read_feature(name) for name in film_study.FEATURES]
    table = [row for row in table if row is not None]
    outside = next(row for row in table if row.feature == "outside")
    claims.record("real.film.outside", outside.others)

# %% Show the table of features tags=["fold"]
if has["studyforrest"]:
    lines = [[r.feature, r.own, r.others, f"{r.p_value:.3f}", r.verdict(0.55)] for r in table]  # fmt: skip
    say(
        plotting.table(["feature", "AUC, own weights", "AUC, others' weights", "p by shifts", "shared?"], lines, digits=2)
        + "\n\nReal fMRI: intervals over eight people, chance .5; p is the larger one of the two runs. All people saw one "
        "film: an interval over people says nothing about other films."
    )  # fmt: skip

# %% [markdown]
# ## Names from named dimensions
#
# For the 1,000 images that all of NSD's participants saw there are 66 *named* dimensions of how people judge things
# (`contier2024`), predicted from a network. They are a vocabulary: rank images by a direction, and see which dimension is
# highest among the first. Try it where the meaning is known: groups of COCO's categories. Half of the images choose
# the name, the other half scores it. Nobody has these dimensions for the monkeys' photographs, so no name above
# comes from here.

# %%
if has["nsd_shared1000"]:
    groups = named_dimensions.name_groups(datasets.load_nsd_shared(), p.seed)
    lines = [[g.group, g.name, g.auc] for g in groups]
    say(
        plotting.table(
            ["known meaning", "name", "AUC of the name"], lines, digits=2
        )
        + "\n\nReal images: AUC on the other half, interval over images."
    )
    claims.record("real.names.food", groups[0].auc)

# %% [markdown]
# ## Take-aways
#
# 1. Predicting the neurons finds more pictures than decoding from them, and simple features are a strong baseline.
# 2. Where brains saw different pictures, sharing is held against halves, shuffled pairs and rotations, or it is a story.
# 3. In time, shuffle nothing that neighbours share: shift, and look where the null stands before you read the value.
#
# Further reading: `cowley2023` (V4), `kay2008` (identification), `hanke2016` (the film), `nastase2019` (inter-subject
# correlation). Words: the [glossary](glossary.md). [Which null answers which question](nulls.md).
