# %% [markdown]
# # Many runs, one answer: what may you say after 480 of them?
#
# A result has many runs: seeds times participants times settings, a *grid*. How long does it take, what runs again after a
# change, and what is the best of it worth? The answer in one sentence: **count everything that you tried, the points that
# failed too, and say how many there were.** After `graham1969` and `nichols2002`.
#
# {{ minutes }}
#
# ## What you will do
#
# - predict how long a [sweep](glossary.md#sweep) takes, before you start it
# - say what the smallest of 480 p-values is worth, and find a sharper test for it
# - say which points run again after a change
# - read a table in which some points have no result
#
# You need: [start here](00_start_here.ipynb), [CKA pitfalls](13_cka_pitfalls.ipynb). The commands stand in
# [many runs](many_runs.md); nothing is started here.

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 2024  # where the random numbers start [0, 4294967295]
device: str = "auto"  # where to compute {auto, cpu, cuda}
n_grids: int | None = None  # of 480 points; None: profile [20, 100000]
n_seeds: int = 3  # repetitions of every random experiment [2, 50]
slots: int = 4  # jobs at a time in the drawn schedule [1, 64]

# %% Set up: imports, and what each profile computes tags=["fold"]
import tempfile

import numpy as np

from sdc_helpers import alignment, exercises, plotting, sweeps
from sdc_helpers.course import claims, say, start
from sdc_helpers.course.catalogue import list_notebooks
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import COLOURS, figure, show
from sdc_helpers.studies import grid_search
from sdc_helpers.sweeps import rehearsal, scheduling

p = start(
    "19_many_runs",
    by_profile={"n_grids": {"smoke": 60, "workshop": 400, "full": 4000}},
)
BLUE, ORANGE, GREEN, GREY, BLACK = (
    COLOURS[name] for name in ("blue", "orange", "green", "grey", "black")
)
over = Interval.over_seeds

# %% [markdown]
# ## How long does it take?
#
# A *job* is one run; a *slot* runs one job at a time: a core, or what a cluster gives you. A slot that is free takes the next
# job of the list. With work $w_i$ a job, start-up $s$ and $m$ slots, no schedule is shorter than
#
# $$ T_\mathrm{least} = \max\Big(\tfrac1m \sum_i (s + w_i),\; \max_i (s + w_i)\Big) $$
#
# and one that lets no slot idle is at most $2 - 1/m$ times as long. Note where $s$ stands: **every** job starts a Python and
# imports before it does anything. Write what really happens: `seconds` in the order in which jobs begin; return when the last
# one has ended.


# %% tags=["exercise"]
def how_long(seconds, slots, start):
    return ...  # your answer here


# %%
exercises.check("many.how_long", how_long)

# %%
exercises.card("many.how_long")

# %% [markdown]
# Try it on this course, whose chapters were timed (profile workshop, two cores).

# %%
how_long = exercises.yours_or_ours("many.how_long", how_long)
START = sweeps.plan.START_SECONDS  # measured: before the kernel starts
timed = [n for n in list_notebooks() if "workshop" in n.timings]
of = {n.name[:2]: n.timings["workshop"]["seconds"] for n in timed}
orders = {
    "in the order of the book": list(of),
    "longest first": sorted(of, key=of.get, reverse=True),
}
planned = {}
for name, order in orders.items():
    jobs = [of[number] for number in order]
    planned[name] = sweeps.schedule(jobs, p.slots, START)
    assert np.isclose(how_long(jobs, p.slots, START), planned[name].seconds)

# %% [markdown]
# Look at the right end of each panel: there slots wait for one job.

# %% Draw the course's chapters on slots tags=["fold"]
fig, axes = figure(2, 1, width=7.6, height=4.6, sharex=True)
longest = max(of, key=of.get)
for ax, (name, found) in zip(axes, planned.items(), strict=True):
    begin, work = found.begin / 60, (found.end - found.begin) / 60
    colours = [ORANGE if one == longest else BLUE for one in orders[name]]
    bars = ax.barh(
        found.slot, work, left=begin, color=colours, edgecolor="white"
    )
    ax.bar_label(bars, orders[name], label_type="center", color="white")
    end = found.seconds / 60
    plotting.plot_reference(ax, found.least / 60, "", vertical=True)
    ax.plot([end, end], [-0.6, p.slots - 0.5], color=BLACK, lw=1)
    ax.annotate(f" {end:.1f} min", (end, -0.55), color=BLACK, va="center")
    ax.set(ylabel="slot", yticks=range(p.slots), ylim=(p.slots - 0.5, -0.95))
    ax.set_title(f"The chapters {name}", loc="left")
axes[1].set(
    xlabel="minutes",
    xlim=(0, 1.12 * max(f.seconds for f in planned.values()) / 60),
)
ends = [found.seconds / 60 for found in planned.values()]
show(
    fig,
    f"Real seconds of {len(of)} chapters on {p.slots} slots: {ends[0]:.1f} minutes in the order of the book, {ends[1]:.1f} with "
    f"the longest (orange) first. Broken line: what no schedule can beat.",
)

# %%
each = of["13"]
many = sweeps.schedule([each] * 480, 40, START)
say(
    f"480 runs of chapter 13, {each:.0f} s each: "
    f"{480 * (START + each) / 3600:.1f} hours of one core. On 40 slots "
    f"{many.seconds / 60:.1f} minutes; {480 * START / 60:.0f} minutes of "
    f"cores are start-up. On 500 slots {START + each:.0f} s, as on 480."
)

# %% [markdown]
# Does the order matter in general? Draw lists of jobs, a few of them long.

# %%
shares, saved = [], []
for number in range(p.n_seeds):
    rng = np.random.default_rng([p.seed, 1, number])
    share, gain = scheduling.by_order(rng, slots=8)
    shares.append(share.max())
    saved.append(gain.mean())
claims.record("many.schedule.bound", max(shares))
claims.record("many.schedule.longest_first", over(saved))

# %% [markdown]
# ## The best of a grid
#
# 48 settings, 10 seeds: 480 points, each with an honest p-value. You report the smallest. If nothing were there and points
# were independent, it would be below $x$ with probability $1 - (1 - x)^{480}$. They are *not* independent: the settings of one
# seed see the same data. **Seeds are not settings**: a seed repeats the same question on other data, a setting asks another
# question. Choose the best of all points, and you have searched both.
#
# Whatever points have in common, the probability that *any* errs is at most the sum of theirs. So multiply by their number
# ([Bonferroni](glossary.md#bonferroni-correction)). Write it: `p_values` has a row a setting and a column a seed; return what
# may be said of the smallest.


# %% tags=["exercise"]
def p_of_best(p_values):
    return ...  # your answer here


# %%
exercises.check("many.p_of_best", p_of_best)

# %%
exercises.card("many.p_of_best")

# %% [markdown]
# Simulate grids in which nothing is there: a point is the correlation of 40 scores with a target; two settings of one seed
# correlate by 0.9. Then grids with one setting that works (correlation 0.3, the others nearly as well).

# %%
p_of_best = exercises.yours_or_ours("many.p_of_best", p_of_best)
nothing, works = [], []
for number in range(p.n_seeds):
    rng = np.random.default_rng([p.seed, 2, number])
    nothing.append(grid_search.simulate_grids(p.n_grids, rng))
    works.append(grid_search.simulate_grids(p.n_grids, rng, effect=0.3))
x = np.geomspace(1e-5, 1, 60)
smallest = [
    (g.p_values.min(axis=(1, 2))[:, None] <= x).mean(0) for g in nothing
]
single = [(g.p_values[:, 0, 0][:, None] <= x).mean(0) for g in nothing]

# %% [markdown]
# Read the figure at .05: how often is a single p-value below it, and how often the smallest?

# %% Draw the distribution of the smallest p tags=["fold"]
fig, ax = figure(width=6.6, height=3.6)
plotting.plot_spread(x, np.transpose(single), ax, colour=GREY)
plotting.plot_spread(x, np.transpose(smallest), ax, colour=ORANGE)
ax.plot(x, 1 - (1 - x) ** 480, color=BLACK, lw=1, ls=":")
plotting.plot_reference(ax, 0.05, "", vertical=True)
ax.annotate("p = .05 ", (0.05, 0.25), ha="right", color=GREY)
names = {
    "smallest of 480": ORANGE,
    "dotted: the same, if independent": BLACK,
    "a single one": GREY,
}
plotting.name_series(ax, names, x=0.02)
ax.set(xscale="log", xlabel="p-value", ylabel="share of grids with p or less")
ax.set_title("Grids in which nothing is there (simulated)", loc="left")
at = [
    np.mean([np.interp(0.05, x, curve) for curve in of])
    for of in (single, smallest)
]
show(
    fig,
    f"Simulated: a single p is .05 or less in {100 * at[0]:.0f} % of grids, the smallest of 480 in {100 * at[1]:.0f} %. Points "
    f"that share data count as fewer than 480, and as far more than one. Bands: range over {p.n_seeds} seeds.",
)

# %% [markdown]
# Bonferroni counts points that say the same several times. A sharper test takes the search into the
# [null distribution](glossary.md#null-distribution): shuffle, search the *whole* grid, keep the best of each shuffle, compare
# the best with these. Settings share a shuffle, so they stay as alike as they are. And there is a better question: average
# over the seeds first, then search 48 means.

# %%
ways = {
    "smallest p, nothing corrected": lambda g: g.p_values.min(axis=(1, 2)),
    "times 480": lambda g: np.array([p_of_best(one) for one in g.p_values]),
    "largest of each shuffle": lambda g: g.p_of_largest,
    "seeds averaged, largest of 48": lambda g: g.p_of_mean,
}
found_in = {
    name: [[(way(g) <= 0.05).mean() for g in of] for of in (nothing, works)]
    for name, way in ways.items()
}

# %% [markdown]
# Left, every dot should lie at .05 or below; right, the higher the better.

# %% Draw how often each way finds something tags=["fold"]
fig, axes = figure(1, 2, width=8.6, height=2.9, sharey=True)
titles = ("nothing is there (simulated)", "one setting works (simulated)")
for panel, (ax, title) in enumerate(zip(axes, titles, strict=True)):
    for row, of in enumerate(found_in.values()):
        colour = ORANGE if row == 0 else (BLUE if panel else GREY)
        ax.plot(
            of[panel],
            [row] * p.n_seeds,
            "o",
            color=colour,
            ms=7,
            alpha=0.7,
            mec="white",
        )
    ax.set(
        xlabel="share of grids with p ≤ .05",
        xlim=(-0.03, 1.03),
        ylim=(3.5, -0.6),
    )
    ax.set_title(title, loc="left")
plotting.plot_reference(axes[0], 0.05, ".05", vertical=True)
axes[0].set_yticks(range(len(found_in)), found_in)
axes[0].set_ylabel("what is compared with .05")
power = [np.mean(of[1]) for of in found_in.values()]
first = next(iter(found_in))
show(
    fig,
    f"Simulated, a dot a seed. Left: uncorrected, {100 * np.mean(found_in[first][0]):.0f} % of grids have something to report. Right: where one setting works, "
    f"multiplying finds it in {100 * power[1]:.0f} % of grids, the largest of each shuffle in {100 * power[2]:.0f} %, means over "
    f"seeds in {100 * power[3]:.0f} %.",
)

# %%
n_all = p.n_grids * p.n_seeds
for name, of in zip(
    ("uncorrected", "bonferroni", "maximum"), found_in.values(), strict=False
):
    erred = round(np.mean(of[0]) * n_all)
    claims.record(f"many.best.{name}", Interval.of_share(erred, n_all))
_, times_480, largest, averaged = (np.array(of[1]) for of in found_in.values())
claims.record("many.best.sharper", over(largest - times_480))
claims.record("many.best.averaged", over(averaged - largest))
named = [(g.best_mean == 0).mean() - (g.best_point == 0).mean() for g in works]
claims.record("many.best.names", over(named))

# %% [markdown]
# With $n$ shuffles no p is below $1/(n+1)$, and times 480 not below .05 unless there are ten thousand. Best of all: **measure the
# chosen setting again, on seeds that did not choose it.** Then there is one p, and nothing to correct.
#
# ## What runs again?
#
# The grid is done. You add a setting, mend a sentence, a file is lost. What runs when you start it again? **Files decide.** A
# run leaves its executed notebook `small.ipynb` and its record `small.run.json`, together or not at all. `points` names the
# points of the grid *now*, `files` the files in each folder that is there, `made_by` the revision that made them, `now` that of
# today. Return True for each point that runs.


# %% tags=["exercise"]
def runs_again(points, files, made_by, now):
    return ...  # your answer here


# %%
exercises.check("many.runs_again", runs_again)

# %%
exercises.card("many.runs_again")

# %% [markdown]
# Rehearse it: a small notebook whose runs leave their files and compute nothing. The package's planner says what it would run.

# %%
runs_again = exercises.yours_or_ours("many.runs_again", runs_again)
folder = tempfile.TemporaryDirectory()
small = rehearsal.Rehearsal(folder.name)
grid = {"seed": range(10), "setting": (20, 40, 80)}
small.run(small.plan(**grid))
again = {
    "nothing": small.to_run(**grid),
    "an eleventh seed": small.to_run(**grid | {"seed": range(11)}),
    "60 in place of 80": small.to_run(**grid | {"setting": (20, 40, 60)}),
}
small.revise("A small notebook, a sentence mended")
again["the notebook is revised"] = small.to_run(**grid)
small.remove("seed~1__setting~20", ".ipynb")
again["a run's notebook is deleted"] = small.to_run(**grid)
points = [point.name for point in small.plan(**grid).points]
codes = dict.fromkeys(points, "old")
yours = runs_again(points, small.files(), codes, "new")
assert np.array(points)[yours].tolist() == small.to_run(**grid)

# %% A table of what runs again tags=["fold"]
rows = [
    [change, len(left), ", ".join(left[:2])] for change, left in again.items()
]
say(plotting.table(["what changed", "points that run", "such as"], rows))

# %% [markdown]
# The revised notebook runs nothing: a night is not thrown away for a sentence. The table says which runs are of other code, and
# `sdc sweep --again` makes them anew.
#
# ## Pitfall: the points that failed
#
# Some runs fail: a loss that is not finite, no memory, no time. If they fail where the task is hard, the easy ones are left.
# Simulate it: 6 settings, 10 seeds; a run whose claim would not hold fails in 6 of 10 cases, another in 1 of 10. Then collect,
# as `sdc collect` does.

# %%
counted, planted = [], []
for number in range(p.n_seeds):
    rng = np.random.default_rng([p.seed, 3, number])
    sweep, truth = rehearsal.with_failures(f"{folder.name}/{number}", rng)
    table = sweeps.collect(sweep)
    counted.append(sweeps.shares_of(table, "it.works"))
    planted.append(truth)

# %% The last table in words tags=["fold"]
one = counted[-1]
say(
    f"The last table (simulated): {one.n_points} points, {one.n_finished} finished, held "
    f"in {one.n_held}. Of the finished {one.of_finished.scaled(100)} %, of all points "
    f"{one.of_points.scaled(100)} %."
)

# %% [markdown]
# In the figure, compare the first bar with the planted truth, which only a simulation knows.

# %% Draw shares with and without failed points tags=["fold"]
fig, ax = figure(width=6.2, height=3.3)
bars = {
    "of finished runs": [one.of_finished.value for one in counted],
    "of all points,\nfailed: not held": [one.limits[0] for one in counted],
    "planted": planted,
    "of all points,\nfailed: held": [one.limits[1] for one in counted],
}
plotting.plot_bars(bars, ax, colours=[ORANGE, BLUE, GREEN, BLUE])
ax.set(
    ylabel="share in which the claim held",
    ylim=(0, 1),
    xlabel="counted (simulated)",
)
means = [np.mean(of) for of in bars.values()]
show(
    fig,
    f"Simulated: of the finished runs the claim held in {100 * means[0]:.0f} %, planted were {100 * means[2]:.0f} %. Counting all "
    f"points gives limits, {100 * means[1]:.0f} and {100 * means[3]:.0f} %, between which the truth lies. Dots: seeds.",
)

# %%
ahead = [
    one.of_finished.value - t for one, t in zip(counted, planted, strict=True)
]
claims.record("many.failed.finished", over(ahead))
folder.cleanup()

# %% [markdown]
# ## When one run is too large
#
# One run that grows with the *square* of the data cannot be divided so: [Gram matrices](glossary.md#gram-matrix) have an entry
# for each pair of stimuli. Debiased CKA does not need them. With columns centred, and $d_i = \lVert x_i \rVert^2$, $e_i =
# \lVert y_i \rVert^2$ the squared lengths of rows,
#
# $$ n(n-3)\,\mathrm{HSIC}(X, Y) = \lVert X^\top Y \rVert_F^2 - \frac{n}{n-2} \sum_i d_i e_i
#    + \frac{\sum_i d_i \sum_i e_i}{(n-1)(n-2)} $$
#
# and debiased CKA is $\mathrm{HSIC}(X, Y) / \sqrt{\mathrm{HSIC}(X, X)\,\mathrm{HSIC}(Y, Y)}$. Write it.


# %% tags=["exercise"]
def cka_from_features(X, Y):
    return ...  # your answer here


# %%
exercises.check("many.cka_from_features", cka_from_features)

# %%
exercises.card("many.cka_from_features")

# %%
cka_from_features = exercises.yours_or_ours(
    "many.cka_from_features", cka_from_features
)
off = []
for number in range(p.n_seeds):
    rng = np.random.default_rng([p.seed, 4, number])
    for shape in ((40, 5), (200, 30), (400, 8)):
        X, Y = rng.normal(size=(2, *shape))
        Y = Y + X[:, ::-1]
        grams = alignment.cka(X, Y, route="gram")
        off.append(abs(cka_from_features(X, Y) - grams))
claims.record("many.cka.features", max(off))
say(
    f"Of 73,000 pictures a Gram matrix is {4 * 73_000**2 / 1e9:.0f} GB, "
    f"500 voxels are {4 * 73_000 * 500 / 1e6:.0f} MB. `alignment.cka` chooses."
)

# %% [markdown]
# ## On real data, and on a GPU
#
# This page needs neither; the seconds of the chapters are real. On your cores: `make sweep-env`, then `make sweep`.
#
# ## Take-aways
#
# 1. Start-up is paid by every job, and the last job decides. Longest first.
# 2. The best of a grid is the best of *all* that was tried. Multiply, or take the search into the null, or measure it again.
# 3. Files decide what runs; and a point without a result is a row of the table.
#
# Further reading: `nichols2002` on the largest of each shuffle; [which null answers which question](nulls.md);
# [many runs](many_runs.md), with clusters. Back to [your own data](18_your_own_data.ipynb).
