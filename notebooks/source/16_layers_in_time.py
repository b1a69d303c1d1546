# %% [markdown]
# # Layers in time: when is a brain like a layer?
#
# Magnetoencephalography ([MEG](glossary.md#meg)) measures the magnetic field around the head every few milliseconds. So one
# may ask not only *where* but *when* a brain resembles a layer: five groups of sensors, a hundred times, one layer after
# another. With so many places to look, something always looks aligned. The answer in one sentence: **bring the rows
# together, debias, and hold the whole time course against shuffles that move all times at once.** After Murphy,
# Zylberberg and Fyshe (2024): `murphy2024cka`, on the data of `hebart2023`.
#
# {{ minutes }}
#
# ## What you will do
#
# - align trials with the rows of a network, and see what happens if nobody does
# - plant two layers at two times in simulated sensors, and find when each begins
# - correct for having looked at hundreds of times: the max statistic, and clusters
# - see why a longer window looks more alike for no reason
# - find the bad sensor in a real recording
#
# You need: [Brains and layers](14_brains_and_layers.ipynb).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 2024  # where the random numbers start [0, 4294967295]
device: str = "auto"  # where to compute {auto, cpu, cuda}
n_pictures: int | None = None  # shown once; None: the profile [20, 2000]
n_participants: int | None = None  # of each seed; None: the profile [1, 12]
n_permutations: int | None = None  # shuffles; None: the profile [19, 100000]
n_sets: int | None = None  # data sets of noise; None: the profile [2, 2000]
n_seeds: int | None = None  # sets of participants; None: the profile [2, 20]
real_data: bool = True  # use the real evoked fields where they are at hand

# %% Set up: imports, and what each profile computes tags=["fold"]
import numpy as np

from sdc_helpers import alignment, datasets, exercises, plotting
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import COLOURS, figure, show
from sdc_helpers.studies import meg_measures, meg_study

p = start(
    "16_layers_in_time",
    by_profile={
        "n_pictures": {"smoke": 30, "workshop": 200, "full": 400},
        "n_participants": {"smoke": 2, "workshop": 4, "full": 4},
        "n_permutations": {"smoke": 59, "workshop": 499, "full": 9999},
        "n_sets": {"smoke": 4, "workshop": 40, "full": 200},
        "n_seeds": {"smoke": 2, "workshop": 3, "full": 5},
    },
)
COLOUR_OF = {
    "low": COLOURS["orange"], "high": COLOURS["blue"], "unrelated": COLOURS["green"]
}  # fmt: skip
GREY, GROUPS = COLOURS["grey"], datasets.things_meg.GROUPS
over = Interval.over_seeds

# %% [markdown]
# ## What THINGS-MEG is, and a null to read with care
#
# Four people saw 22,248 pictures once each, and 200 test pictures in each of twelve [sessions](glossary.md#session). 271
# sensors were recorded. Their names say where they are: `MLO11` is **M**EG, **L**eft, **O**ccipital. Each
# [trial](glossary.md#trial) and sensor was divided by the spread of its own [baseline](glossary.md#baseline), the 100 ms
# before the picture: the file says tesla, the numbers are standard deviations (z).
#
# `murphy2024cka` compared 39 occipital sensors, averaged over 100 to 150 ms, with every layer of two networks: debiased
# CKA was between −.0016 and .0020, as for shuffled rows. Did MEG not align? Careful. The rows of the MEG came in the
# order of *presentation*, the rows of the network in the order of *file names*, and no public step brings them together.
# Rows in another order give exactly this result, as you will see. So never quote it as "MEG does not align".
#
# ### The learner's first ten lines: which row is which image?
#
# `codes` holds the event code of each trial in the order shown: the number of the image, **from 1**, or 999999 for a catch
# trial without an image. Some images are shown in every session. Return, for image 1, 2, 3, ..., the number of the trial
# in which it was *first* shown.


# %% tags=["exercise"]
def rows_of_images(codes, sessions):
    return ...  # your answer here


# %%
exercises.check("meg.rows_of_images", rows_of_images)

# %%
exercises.card("meg.rows_of_images")

# %%
rows_of_images = exercises.yours_or_ours("meg.rows_of_images", rows_of_images)

# %% [markdown]
# ## Plant two layers at two times
#
# Simulated participants look at simulated pictures. Occipital sensors follow an early module of a random ResNet18
# (maxpool, called *low*) with a peak at **100 ms**; temporal sensors follow its last one (fc, *high*) at **170 ms**, and
# occipital sensors follow it weakly at 190 ms. Parietal, central and frontal sensors follow nothing, and nobody follows
# the *unrelated* layer of random numbers. At its peak the signal has a tenth (low) or a twentieth (high) of the variance of
# one trial's noise. The noise is correlated in time and between neighbouring sensors, as in a real head. Everything is
# written in the release's own files, and read by the same reader.

# %%
meg, alike = meg_study.simulate_seeds(
    p.n_pictures,
    "maxpool",
    "fc",
    n_participants=p.n_participants,
    n_seeds=p.n_seeds,
    seed=p.seed,
    device=p.device,
)
study, trials = meg[0], meg[0].trials
rows = rows_of_images(trials["number"].to_numpy(), trials["session"].to_numpy())
assert list(trials["image"].iloc[rows]) == list(study.truth.images)
say(
    f"Simulated: {len(trials)} trials of {len(rows)} images a participant. "
    f"The two layers are alike themselves, debiased CKA **{alike:.2f}**: "
    f"whatever follows one also resembles the other."
)
mean = study.evoked[0]
limit = np.abs(mean).max()

# %% [markdown]
# First look at the head: the response that all pictures have in common, a map at each time. Nose up. Move the slider, and
# watch which sensors respond when. The unit is z, not femtotesla.

# %% Draw the mean response over the head, time by time tags=["fold"]
maps = {}
for time in (-0.05, 0.0, 0.05, 0.08, 0.1, 0.13, 0.17, 0.22, 0.3, 0.4):
    fig, ax = figure(width=3.6, height=3.0)
    at = np.abs(study.times - time).argmin()
    plotting.plot_topography(mean[:, at], study.places, ax, limit=limit)
    fig.colorbar(ax.images[0], ax=ax, label="mean response (z)", shrink=0.8)
    ax.set_title(f"{1e3 * time:.0f} ms (simulated)", fontsize=9.5)
    maps[f"{1e3 * time:.0f}"] = fig
plotting.show_slider(
    maps,
    "time after the onset (ms)",
    "Simulated, participant 1: the mean response over all pictures, in z of the baseline. Nothing before the onset, "
    "the first map near 100 ms, another near 170 ms.",
    start=4,
)

# %% Draw four of the maps side by side tags=["fold"]
fig, axes = figure(1, 4, width=9.4, height=2.6)
for ax, time in zip(axes, (0.0, 0.1, 0.17, 0.3), strict=True):
    at = np.abs(study.times - time).argmin()
    plotting.plot_topography(mean[:, at], study.places, ax, limit=limit)
    ax.set_title(f"{1e3 * time:.0f} ms", fontsize=9.5)
fig.colorbar(axes[0].images[0], ax=list(axes), label="mean response (z)")
show(
    fig,
    f"Simulated, participant 1, nose up: the mean response is near zero at the onset and reaches {limit:.1f} z. "
    f"Neighbouring sensors see the same sources. This map says that something responds, not that it tells pictures apart.",
)

# %% [markdown]
# Which of these sensors are occipital? Take it from the names, never from their place in the list: four of 275 are missing
# in the release. References, far from the head, have names that do not begin with M.


# %% tags=["exercise"]
def occipital(names):
    return ...  # your answer here: a list of True and False


# %%
exercises.check("meg.occipital", occipital)

# %%
exercises.card("meg.occipital")

# %% [markdown]
# ## CKA at each time, and one shuffle for all of them
#
# U-centre each Gram matrix and scale it to norm 1 ([debiased CKA](glossary.md#debiased-cka)): $K_{p,g,t}$ for
# participant, group and time, $L_l$ for a layer. Debiased CKA is their inner product, so it is linear in $K$: average the
# participants once. And shuffle the *images* once for everything, with one permutation $P$:
#
# $$ c_{g,l}(t) = \Big\langle \tfrac1n \sum_p K_{p,g,t},\; P^\top L_l P \Big\rangle $$
#
# A shuffle that moves all times together keeps what neighbouring times have in common. Then every point is expressed in
# standard deviations of its own null, $z = (c - \mu_0) / \sigma_0$, and the **largest** $z$ of a shuffle, over all times,
# groups and layers, is what a point has to beat ([max statistic](glossary.md#max-statistic)).
#
# Write it for one curve: `curve` (times) and `null` (shuffles × times) in, a corrected p-value for each time out. One
# side, and the measured curve counted in.


# %% tags=["exercise"]
def p_each_time(curve, null):
    return ...  # your answer here


# %%
exercises.check("meg.p_each_time", p_each_time)

# %%
exercises.card("meg.p_each_time")

# %%
p_each_time = exercises.yours_or_ours("meg.p_each_time", p_each_time)
curves = [
    one.over_time(p.n_permutations, p.seed + number)
    for number, one in enumerate(meg)
]
first, ms = curves[0], 1e3 * curves[0].times
planted = (("O", "low"), ("T", "high"))
peaks = {which: meg_measures.peak_ms(curves, *which) for which in planted}
place = first.at("O", "low")
curve, null = first.values[place], first.null[:, place[0], place[1]]
assert np.allclose(
    p_each_time(curve, null), alignment.max_statistic(curve, null), atol=1e-6
)

# %% [markdown]
# Each panel is a group of sensors. The grey band is what shuffles give. Bars under the curves: significant times of the
# first seed. Before you read on: which bars did you expect, and which did you not?

# %% Draw all groups and layers over time tags=["fold"]
fig, axes = figure(1, 5, width=11, height=3.4, sharex=True, sharey=True)
low_end = -0.15 * max(c.values.max() for c in curves)
for ax, group in zip(axes, first.groups, strict=True):
    g, _ = first.at(group, "low")
    band = np.quantile(first.null[:, g].mean(axis=1), (0.025, 0.975), axis=0)
    ax.fill_between(ms, *band, color=GREY, alpha=0.4, lw=0)
    for row, (layer, colour) in enumerate(COLOUR_OF.items()):
        over_seeds = np.stack([c.values[c.at(group, layer)] for c in curves], 1)
        plotting.plot_spread(ms, over_seeds, ax, colour=colour)
        found = 1e3 * first.significant(group, layer)
        ax.plot(found, np.full(len(found), low_end * (0.7 + 0.3 * row)), "|",
                color=colour, ms=5)  # fmt: skip
    plotting.plot_reference(ax, 0, "", vertical=True)
    ax.set_title(f"{GROUPS[group]} (simulated)", loc="left", fontsize=9.5)
    ax.set(xlabel="time (ms)")
axes[0].set_ylabel("debiased CKA")
plotting.name_series(axes[-1], COLOUR_OF)
show(
    fig,
    f"Simulated, {p.n_participants} participants, {len(curves)} seeds (line: mean; shade: range). Occipital sensors are most "
    f"like low at {peaks['O', 'low'].mean():.0f} ms, temporal ones most like high at {peaks['T', 'high'].mean():.0f} ms. Since "
    f"the two layers are alike, each also shows where the other was planted. The unrelated layer stays in its band.",
)

# %%
claims.record("time.low_peak", over(peaks["O", "low"]))
claims.record("time.high_peak", over(peaks["T", "high"]))
claims.record("time.order", meg_measures.order_ms(curves))
nowhere = [(group, "unrelated") for group in first.groups]
claims.record("time.unrelated", meg_measures.count_significant(curves, nowhere))

# %% [markdown]
# How sure is a latency? Draw images with replacement, and see how far the peak moves. (A pair of an image with its own copy
# is left out: it is alike for no reason.) The interval is about *other images of this kind*, for these participants. Four
# people are four cases: show each, and do not speak of a population.

# %%
latency = {
    which: alignment.latencies(
        study.responses[which[0]],
        study.layers[which[1]],
        study.times,
        n_bootstrap=199,
        window=(0.0, 0.4),
        rng=p.seed,
    )
    for which in planted
}
for (group, layer), found in latency.items():
    say(
        f"- simulated, {GROUPS[group]}, {layer}: peak "
        f"**{found.peak.scaled(1e3)} ms**, half of it at "
        f"{found.rise.scaled(1e3)} ms"
    )

# %% [markdown]
# ## Pitfall: rows as shown
#
# Now leave the MEG in the order of presentation, as the public programs do, and the network in the order of its files.
# Everything else is the same. Beside it, the same window as published, three times: original, shuffled, random numbers.

# %%
shown = [
    one.over_time(p.n_permutations, p.seed + number, as_shown=True)
    for number, one in enumerate(meg)
]
claims.record("time.as_shown", meg_measures.count_significant(shown, planted))
window = meg_measures.window_conditions(study, "low", seed=p.seed)

# %% Draw rows as shown, and one window under three conditions tags=["fold"]
fig, axes = figure(1, 3, width=10.5, height=3.3)
for of, colour in ((curves, COLOURS["orange"]), (shown, COLOURS["black"])):
    values = np.stack([c.values[c.at("O", "low")] for c in of], axis=1)
    plotting.plot_spread(ms, values, axes[0], colour=colour)
plotting.name_series(
    axes[0],
    {"rows aligned": COLOURS["orange"], "rows as shown": COLOURS["black"]},
)
axes[0].set(xlabel="time (ms)", ylabel="debiased CKA")
axes[0].set_title("occipital and low (simulated)", loc="left", fontsize=9.5)
for ax, (e, of) in zip(axes[1:], window.items(), strict=True):
    plotting.plot_bars(
        of, ax, colours=(COLOURS["orange"], GREY, COLOURS["green"])
    )
    ax.set(xlabel="rows", ylabel=f"{e} CKA")
    ax.set_title("100 to 150 ms, mean (simulated)", loc="left", fontsize=9.5)
show(
    fig,
    f"Simulated. Left: with rows as shown nothing is left of the planted response. Middle: biased CKA is "
    f"{window['biased']['original'].mean():.3f}, and {window['biased']['shuffled'].mean():.3f} for shuffled rows; random "
    f"numbers have {window['biased']['random'].mean():.3f}, since their 39 columns do not repeat each other. Right: debiased "
    f"{window['debiased']['original'].mean():.3f}, shuffled {window['debiased']['shuffled'].mean():.3f}.",
)

# %% [markdown]
# Published, for the same window and sensors of the real release, against the first layer: biased .0338 original, .0336
# shuffled, .1162 random; debiased .0003. Which of your two conditions looks like that?
#
# ## Pitfall: the longer window wins
#
# Keep all samples of a window as columns instead of their mean, and let the window grow from 50 to 500 ms: 39 sensors times
# 11 to 91 samples. Against the *unrelated* layer. How much should biased CKA rise? For independent columns you know the
# formula ([CKA and its pitfalls](13_cka_pitfalls.ipynb)). But neighbouring samples are alike. What counts is how many
# dimensions the rows spread over. A centred Gram matrix $K$ says it, by the
# [participation ratio](glossary.md#participation-ratio) $d_K$, and shuffled rows then have on average
#
# $$ \overline{\text{CKA}} = \frac{\sqrt{d_K \, d_L}}{n - 1}, \qquad d_K = \frac{(\operatorname{tr} K)^2}{\sum_{ij} K_{ij}^2} $$
#
# Write it: `window` (images × sensors × times) are responses, `layer` (images × images) is the *centred* Gram matrix of a
# layer. Return the biased CKA to be expected where neither follows the other. Then guess: will MEG rise as much as the
# formula for independent columns?


# %% tags=["exercise"]
def window_null(window, layer):
    return ...  # your answer here


# %%
exercises.check("meg.window_null", window_null)

# %%
exercises.card("meg.window_null")

# %%
window_null = exercises.yours_or_ours("meg.window_null", window_null)
ends = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
grown = [
    meg_measures.growing_windows(one, ends, seed=p.seed + number)
    for number, one in enumerate(meg)
]
growth = [one.growth.mean() for one in grown]
claims.record("time.windows_biased", over(growth))
longest = [one.meg["debiased"][-1].mean() for one in grown]
claims.record("time.windows_debiased", over(longest))
n_rows = len(study.layers["unrelated"])
closed = alignment.biased_null(n_rows, grown[0].n_features, 512)


def expect(one, end):
    people = range(len(one.participants))
    windows = [one.window("O", 0.05, end, person) for person in people]
    return np.mean([window_null(w, one.layers["unrelated"]) for w in windows])


expected = np.array([[expect(one, end) for one in meg] for end in ends])
measured = np.array([one.meg["biased"].mean(axis=1) for one in grown]).T
claims.record("time.windows_expected", over(measured[-1] / expected[-1]))

# %% Draw growing windows tags=["fold"]
fig, axes = figure(1, 2, width=9.4, height=3.5, sharex=True)
to = 1e3 * grown[0].ends
for ax, e in zip(axes, ("biased", "debiased"), strict=True):
    for kind, colour in (
        ("meg", COLOURS["orange"]),
        ("random", COLOURS["green"]),
    ):
        values = np.stack(
            [getattr(one, kind)[e].mean(axis=1) for one in grown], 1
        )
        plotting.plot_spread(to, values, ax, colour=colour, marker="o", ms=4)
    ax.set(xlabel="end of the window, from 50 ms (ms)", ylabel=f"{e} CKA")
    ax.set_title("unrelated layer (simulated)", loc="left", fontsize=9.5)
axes[0].plot(to, closed, "--", color=COLOURS["black"], lw=1.2, zorder=3)
axes[0].plot(to, expected.mean(axis=1), ":", color=COLOURS["blue"], lw=2)
plotting.name_series(
    axes[0],
    {"MEG": COLOURS["orange"], "of its dimensions": COLOURS["blue"],
     "random numbers": COLOURS["green"], "closed form": COLOURS["black"]},
    y=0.75,
)  # fmt: skip
axes[0].set_ylim(0, None)
plotting.plot_reference(axes[1], 0, "")
show(
    fig,
    f"Simulated. Biased CKA with a layer that nothing follows grows with the window, for MEG to {np.mean(growth):.2f} of "
    f"its first value: samples in time repeat each other, so they are far fewer dimensions than the closed form counts "
    f"(dashed). Their participation ratio says what to expect (dotted). Debiased CKA stays near zero.",
)

# %% [markdown]
# ## Pitfall: significant at some time
#
# On noise alone, how often does each way of testing find something? 39 sensors, 60 images, 121 times; noise that is
# correlated in time. A **cluster** is a run of times with $z > 1.645$; its mass is the sum of $z$, held against the largest
# cluster of each shuffle (`maris2007`). It is more sensitive to long effects. But it is tested as a whole: **it does not
# say when the effect begins** (`sassenhagen2019`). Take onsets from the max statistic. And what if every time is shuffled
# with an order of its own? Guess the fourth bar.

# %%
alarms = meg_measures.false_alarms(p.n_sets, seed=p.seed)
claims.record("time.false_uncorrected", alarms["uncorrected"])
claims.record("time.false_max", alarms["max statistic"])
claims.record("time.false_cluster", alarms["cluster mass"])

# %% Draw false alarms tags=["fold"]
fig, ax = figure(width=7, height=3)
plotting.plot_intervals(
    list(alarms), list(alarms.values()), ax, horizontal=True
)
plotting.plot_reference(ax, 0.05, "nominal", vertical=True)
ax.set(xlabel="share of data sets with p ≤ .05 somewhere", ylabel="test")
show(
    fig,
    f"Simulated noise, {p.n_sets} data sets, exact 95 % intervals. Uncorrected, {alarms['uncorrected'].value:.0%} find "
    f"something; max statistic {alarms['max statistic'].value:.0%}; cluster mass {alarms['cluster mass'].value:.0%}; cluster "
    f"mass with each time shuffled on its own {alarms['cluster mass, each time alone'].value:.0%}: such a null has no clusters.",
)

# %% [markdown]
# ## A real recording, and the sensor that is bad
#
# No small part of the release may be passed on, so a real check of the reader's library is another recording: the evoked
# fields that come with MNE-Python (`gramfort2013`). One person, a checkerboard in the right half of the visual field, the
# mean of six trials. One of the sensors is bad: before the stimulus, where there is nothing to respond to, it varies most.

# %%
has_evoked = p.real_data and datasets.available("meg_evoked")
if has_evoked:
    evoked = datasets.load_meg_evoked()
    grad = evoked.is_gradiometer
    fields = 1e13 * evoked.fields[3, grad]  # fT/cm
    bad = int(fields[:, evoked.times < 0].std(axis=1).argmax())
    good = np.arange(len(fields)) != bad
    back = evoked.in_region("Right-occipital")[grad] & good

# %% Draw the real evoked fields with and without the bad sensor tags=["fold"]
if not has_evoked:
    say(
        "*The evoked fields are not here: skipped. `sdc data fetch meg_evoked` gets them (2 MB).*"
    )
else:
    fig, axes = figure(1, 2, width=9.4, height=3.4)
    parts = {
        "all gradiometers": (slice(None), COLOURS["black"]),
        "without the bad one": (good, COLOURS["blue"]),
        "right occipital": (back, COLOURS["orange"]),
    }
    late, peak = evoked.times > 0.1, {}
    for name, (which, colour) in parts.items():
        course = np.sqrt((fields[which] ** 2).mean(axis=0))
        axes[0].plot(1e3 * evoked.times, course, color=colour)
        peak[name] = 1e3 * evoked.times[late][course[late].argmax()]
    plotting.name_series(axes[0], {n: c for n, (_, c) in parts.items()}, step=0.08)  # fmt: skip
    axes[0].set(xlabel="time (ms)", ylabel="root mean square (fT/cm)", ylim=(0, 180))  # fmt: skip
    axes[0].set_title("right visual (real MEG)", loc="left", fontsize=9.5)
    at = np.abs(evoked.times - 1e-3 * peak["right occipital"]).argmin()
    spots, of = np.unique(evoked.places[grad][good].round(4), axis=0, return_inverse=True)  # fmt: skip
    size = np.sqrt(np.bincount(of.ravel(), fields[good, at] ** 2))  # fmt: skip
    plotting.plot_topography(size, spots, axes[1])
    fig.colorbar(
        axes[1].images[0], ax=axes[1], label="gradient, two sensors (fT/cm)"
    )
    axes[1].set_title(
        f"{peak['right occipital']:.0f} ms, without it", fontsize=9.5
    )
    name = np.array(evoked.sensors)[grad][bad]
    show(
        fig,
        f"Real MEG, one person. Over all gradiometers the response peaks at {peak['all gradiometers']:.0f} ms, but that "
        f"peak is the noise of {name}; without it, at {peak['without the bad one']:.0f} ms, and over right occipital sensors at "
        f"{peak['right occipital']:.0f} ms. The map shows where.",
    )

# %% [markdown]
# One bad sensor among 204 moved a latency. In kernels it would do the same: its noise would be most of the Gram matrix.
#
# ## On the real release
#
# OpenNeuro ds004212 (CC0), four participants, 8.2 GB each in float32. `datasets.THINGSMEG(folder)` reads it as it reads the
# simulation, a hundred trials at a time: `responses("P1", group="O", window=(0.1, 0.15)).align(image_names)` gives one row
# an image, in the order of your network's images. Nobody has yet published the time course for rows that match.
#
# ## At the paper's size
#
# 1,854 images, 281 times: 4 GB of kernels for a group, about a second a shuffle. On a GPU the gather is the same.

# %% tags=["gpu"]
if on_gpu(
    "the network's activations for 1,854 pictures, and their MEG",
    estimate="unmeasured on a GPU",
    recorded="nothing is recorded yet",
):
    large, _ = meg_study.simulate_seeds(
        1854,
        "maxpool",
        "fc",
        n_participants=1,
        n_seeds=1,
        seed=p.seed,
        device="cuda",
    )
    say(f"Simulated: {large[0].responses['O'][0].shape} occipital responses.")

# %% [markdown]
# ## Take-aways
#
# 1. Rows of brain and network must be the same images: a null of rows that do not match says nothing about brains.
# 2. Looked at over time, something is always significant: correct with shuffles that move all times together.
# 3. The max statistic gives onsets; a cluster says that, not when. And a longer window wins by its size alone.
#
# Further reading: `hebart2023` (the data), `maris2007` (clusters), `sassenhagen2019` (what they do not say),
# `murphy2024cka`. Words: the [glossary](glossary.md). [Which null answers which question](nulls.md).
