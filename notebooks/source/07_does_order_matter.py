# %% [markdown]
# # Does the order matter?
#
# A captioner that saw the easy captions first answers a percentage point more of the questions right. Is that the
# order, the seed, the questions that happened to be asked, or the smaller number of words it read? Reports of curricula
# often turn on effects of this size. Here a complete grid of small trainings is read the careful way. The answer in one
# sentence: **compare at equal words, pair what can be paired, take seeds and items into the interval, ask whether the
# task can be done at all, and only then let the interval choose the word.** After `saha2024curriculum`; how a
# curriculum is made is in [the chapter before](06_curriculum.ipynb).
#
# {{ minutes }}
#
# ## What you will do
#
# - write the paired difference of two orders, with its error for other seeds and other items
# - hold the naive comparison against the one at equal words
# - see what a score at chance can and cannot say
# - count what a single seed would have reported
# - train a captioner in an order of your own
#
# You need: a confidence interval, and what the [previous chapter](06_curriculum.ipynb) calls *cut*.

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 1  # which scenes, and where every draw starts [0, 999999]
device: str = "auto"  # where to compute {auto, cpu, cuda}
family: str = "git"  # of the live trainings {git, flamingo}
n_images: int | None = None  # live training; None: by profile [30, 20000]
n_test: int | None = None  # its held-out pictures; None: by profile [40, 2000]
n_seeds: int | None = None  # live trainings an order; None: by profile [1, 10]
n_blimp: int | None = None  # real pairs a paradigm; None: by profile [20, 1000]
recompute: str = ""  # a cell of the grid, git/C/curriculum/0; empty: none
real_data: bool = True  # use real sentences where they are at hand

# %% Set up: imports, and what each profile computes tags=["fold"]
from dataclasses import replace
from itertools import product

import numpy as np

from sdc_helpers import curriculum, datasets, exercises, plotting, studies
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.embeddings import load_clip
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import COLOURS, figure, show

p = start(
    "07_does_order_matter",
    by_profile={
        "n_images": {"smoke": 30, "workshop": 120, "full": 1000},
        "n_test": {"smoke": 40, "workshop": 100, "full": 400},
        "n_seeds": {"smoke": 1, "workshop": 2, "full": 3},
        "n_blimp": {"smoke": 40, "workshop": 200, "full": 1000},
    },
)
BLUE, ORANGE, GREEN, GREY, BLACK = (
    COLOURS[name] for name in ("blue", "orange", "green", "grey", "black")
)
COLOUR_OF = {"standard": BLACK, "curriculum": ORANGE, "cut": BLUE, "anti": GREEN}  # fmt: skip
SIDES = {"above": GREEN, "below": ORANGE, "undecided": GREY}

# %% [markdown]
# ## The grid
#
# Two families of captioners (GIT and Flamingo), each with and without **text pretraining** (T+C: sentences first, then
# captions; C: captions alone), in four orders, with three seeds. These trainings take longer than a workshop, so they
# were made once and *recorded*. The orders are
#
# - **standard**: everything, shuffled, four passes;
# - **curriculum**: four [cumulative bins](glossary.md#cumulative-bins), easy pictures first, one pass over each;
# - **cut**: the standard order, stopped when it has read as many *words* as the curriculum: the main control;
# - **anti**: the [anti-curriculum](glossary.md#anti-curriculum), the most difficult first.
#
# Each model is asked four things by likelihood, about simulated pictures and sentences that were held out:
#
# - [**minimal pairs**](glossary.md#minimal-pair): which of two captions with the same words is the picture's?
#   Chance is one half;
# - **replaced pairs**: the same, of captions that differ in the thing, its number or its colour. Easier: chance is one half
#   too, but no order of words matters;
# - **questions**: which of eight ways to fill a blank is true of the picture? Chance is one eighth;
# - [**acceptability**](glossary.md#acceptability): which of two sentences is grammatical? Chance is one half.
#   No picture is shown.

# %%
grid = studies.load_grid()
conditions = grid.conditions  # families, with text or without
chance_of = {
    "minimal pairs": 0.5, "replaced pairs": 0.5,
    "questions": 0.125, "acceptability": 0.5,
}  # fmt: skip
seeds = sorted({cell.seed for cell in grid.results})
words, samples = grid.mean_of("n_words"), grid.mean_of("n_samples")
end = {
    order: np.mean([
        run.losses["right"] for cell, run in grid.results.items()
        if cell.order == order
    ])
    for order in words
}  # fmt: skip

# %% Say what was recorded tags=["fold"]
rows = [
    [what, *(f"{100 * counts[order] / counts['standard']:.0f}%" for order in counts)]
    for what, counts in (("samples seen", samples), ("words read", words))
]  # fmt: skip
say(
    f"Recorded on {grid.made['date']}, simulated scenes: {len(grid.results)} trainings on {grid.design.n_images} pictures "
    f"with {grid.design.n_captions} captions each, {grid.made['minutes_of_training']:.0f} minutes of training. Again: "
    "`sdc curriculum grid --out DIR`.\n\n"
    + plotting.table(["of the standard order", *words], rows)
)

# %% [markdown]
# ## A difference, and how sure it is
#
# Both orders answered the same questions, and their trainings started from the same seeds. So do not compare two
# averages: subtract answer by answer. What is hard for both then cancels. This is a
# [paired difference](glossary.md#paired-difference). With answers $a_{si}$ and $b_{si}$ (1 right, 0 wrong) of seed $s$
# to item $i$:
#
# $$ d_{si} = a_{si} - b_{si}, \qquad \bar d = \frac{1}{SI} \sum_{s,i} d_{si} $$
#
# How far would $\bar d$ move with other seeds *and* other items? Both were drawn, so both add to its error:
#
# $$ \text{error}^2 = \frac{\operatorname{var}_s(\bar d_{s\cdot})}{S} + \frac{\operatorname{var}_i(\bar d_{\cdot i})}{I} $$
#
# where $\bar d_{s\cdot}$ is a seed's mean over items, $\bar d_{\cdot i}$ an item's mean over seeds, and the variances
# divide by $S - 1$ and $I - 1$. (The noise of single answers is in both terms: a little too large is the safe side.)
#
# ## Exercise: a paired difference with its error
#
# `first` and `second` hold answers of two orders, shape (seeds, items). Return the mean difference, first minus second,
# and its error.


# %% tags=["exercise"]
def paired_difference(first, second):
    return ...  # your answer here


# %%
exercises.check("order.paired", paired_difference)

# %%
exercises.card("order.paired")

# %% [markdown]
# Try it on the acceptability of sentences, averaged over the four conditions. The package's `grid.difference` gives
# the same difference; its interval is your error times a quantile of Student's $t$. (It also keeps several questions
# about one picture together.)

# %%
paired = exercises.yours_or_ours("order.paired", paired_difference)
easy_first, cut = (
    np.array([one.correct for one in grid.pooled(order, "acceptability")])
    for order in ("curriculum", "cut")
)
mean, error = paired(easy_first, cut)
ours = grid.difference("curriculum", "cut", "acceptability")
quantile = (ours.high - ours.value) / error
assert np.isclose(mean, ours.value)
assert 1.96 <= quantile <= 4.31  # infinite to two degrees of freedom
points = f"{100 * mean:+.1f} points, with an error of {100 * error:.1f}"
say(f"Acceptability (recorded, simulated): {points}.")

# %% [markdown]
# ## While it is trained
#
# Before any score, look at the learning curves. The curriculum's curve lags while the difficult pictures are kept
# away, and catches up when they come in. Read it at its end, against the standard order at the dashed line: that is
# where *cut* stopped.

# %% Draw learning curves of the grid tags=["fold"]
fig, axes = figure(1, 2, width=9.4, height=3.5, sharey=True)
drawn = ("anti", "standard", "curriculum")
for ax, model in zip(axes, ("git", "flamingo"), strict=True):
    for order in drawn:
        of_order = [curriculum.Cell(model, "C", order, k) for k in seeds]
        curves = np.stack([grid.results[one].curve for one in of_order])
        at = curves[0, :, 0] / 1000
        plotting.plot_spread(at, curves[:, :, 1].T, ax, colour=COLOUR_OF[order])
    plotting.plot_reference(ax, samples["cut"] / 1000, "equal words", vertical=True)  # fmt: skip
    ax.set_title(f"{conditions[model, 'C']} (recorded, simulated)", loc="left")
    ax.set_xlabel("samples seen (thousands)")
axes[0].set(ylabel="held-out loss (nats a token)", ylim=(1.2, 2.6))
plotting.name_series(axes[1], {order: COLOUR_OF[order] for order in drawn[1:] + drawn[:1]}, y=0.8)  # fmt: skip
show(
    fig,
    f"Simulated, recorded; bands are the range over {len(seeds)} seeds. Over all conditions the curriculum ends at "
    f"{end['curriculum']:.3f} nats a token, the standard order has {end['cut']:.3f} after as many words and "
    f"{end['standard']:.3f} at its own end, the anti-curriculum {end['anti']:.3f}.",
)

# %% [markdown]
# ## Pitfall: comparing trainings that read different amounts
#
# Here is the mistake on purpose. *Curriculum minus standard* suggests itself, but the standard order has read half as
# much again. Beside it stands the comparison at [equal exposure](glossary.md#equal-exposure), in words.

# %%
comparisons = {
    "naive: minus standard": "standard",
    "equal words: minus cut": "cut",
}
groups = {name: [condition] for condition, name in conditions.items()}
groups["all four"] = list(conditions)
differences = {
    (control, task, name): grid.difference("curriculum", control, task, members)
    for control in comparisons.values()
    for task in chance_of
    for name, members in groups.items()
}

# %% [markdown]
# Read the thick lines first: they take all four conditions together. A line that crosses zero cannot tell. Then compare
# the panels: how many lines change their side? (One line in twenty
# misses zero by chance alone, so a single coloured one among sixteen is no finding.)

# %% Draw both comparisons tags=["fold"]
fig, axes = figure(1, 2, width=9.6, height=5.4, sharey=True, sharex=True)
rows = {
    (task, name): i + 0.8 * (i // 5) for i, (task, name) in enumerate(product(chance_of, groups))
}  # fmt: skip
for ax, (title, control) in zip(axes, comparisons.items(), strict=True):
    for (task, name), at in rows.items():
        d = differences[control, task, name].scaled(100)
        style = {"colour": SIDES[d.against(0)], "lw": 3.5 if name == "all four" else 1.5}  # fmt: skip
        plotting.plot_intervals([], [d], ax, positions=[at], horizontal=True, **style)  # fmt: skip
    plotting.plot_reference(ax, 0, "", vertical=True)
    ax.set_title(title.replace(": ", ":\n"), loc="left")
    ax.set_xlabel("curriculum minus control (points)")
labels = [f"{task}: {name}" if name == "all four" else name for task, name in rows]  # fmt: skip
axes[0].set_yticks(list(rows.values()), labels, fontsize=9)
axes[0].set_ylabel("task and condition (recorded, simulated)")
axes[0].invert_yaxis()
n = {
    (control, side): sum(differences[control, t, g].against(0) == side for t, g in rows if g != "all four")
    for control, side in product(comparisons.values(), SIDES)
}  # fmt: skip
show(
    fig,
    "Simulated, recorded; dots are seeds, lines 95 percent intervals for other items and seeds; green above zero, orange "
    f"below, grey cannot tell. Of 16 single comparisons the naive one finds help in {n['standard', 'above']} and harm in "
    f"{n['standard', 'below']}; at equal words {n['cut', 'above']} and {n['cut', 'below']}.",
)

# %% [markdown]
# The study reports that a curriculum helps the evaluations with pictures. Here a claim of help asks for a whole
# percentage point, in the weaker of two tasks with pictures that our models can do: replaced pairs and questions. It also
# reports that the help is largest after text pretraining, and that sentences alone profit in the family with fewer
# trained parameters, which is GIT. And effects are small: no interval should reach beyond five points.

# %%
for name, control in (("naive", "standard"), ("words", "cut")):
    pairs = differences[control, "replaced pairs", "all four"]
    asked = differences[control, "questions", "all four"]
    weaker = min(pairs, asked, key=lambda interval: interval.low)
    claims.record(f"order.multimodal_{name}", weaker)

# %%
effects = []  # of the order, with text pretraining and without
for text in ("T+C", "C"):
    chosen = [condition for condition in conditions if condition[1] == text]
    effects.append(grid.pooled("curriculum", "questions", chosen, less="cut"))
added = curriculum.paired_difference(*effects).difference
claims.record("order.with_text", added)
git = [("git", "C"), ("git", "T+C")]
sentences = grid.difference("curriculum", "cut", "acceptability", git)
claims.record("order.text_only", sentences)
each = product(["cut"], chance_of, conditions.values())
single = [differences[comparison] for comparison in each]
furthest = max(single, key=lambda line: max(-line.low, line.high))
claims.record("order.small", furthest)

# %% [markdown]
# ## Pitfall: a floor at chance
#
# "No difference" has two meanings. Either the orders make equally good models, or the task is so hard that no model can
# do it. A score at its floor cannot tell any orders apart, good or bad. So look at the scores themselves, with chance
# drawn in, and at whether the pictures are used.

# %%
orders = ("standard", "curriculum", "cut", "anti")
scores = {
    (task, order): [grid.score(order, task, [c]) for c in conditions]
    for task in chance_of
    for order in orders
}
rises = grid.rise_with_wrong_picture()  # nats a token
blind = [cell for cell, rise in rises.items() if rise < 0.01]
smallest = [min(r for c, r in rises.items() if c.seed == k) for k in seeds]
claims.record("order.picture_used", Interval.over_seeds(smallest))

# %%
recorded_orders = list(words)
pooled = [grid.pooled(order, "minimal pairs") for order in recorded_orders]
every_order = [
    replace(same[0], correct=np.mean([one.correct for one in same], axis=0))
    for same in zip(*pooled, strict=True)
]
at_floor = curriculum.across_seeds(every_order)
claims.record("order.pairs_at_chance", at_floor)
learnt = grid.score("standard", "replaced pairs")
claims.record("order.replaced_learnt", learnt)

# %% [markdown]
# In the left panel, look how close everything lies to chance; in the others, how far above. The caption says whether
# the models look at their pictures.

# %% Draw scores against chance tags=["fold"]
fig, axes = figure(1, 4, width=12.4, height=3.7)
for ax, (task, chance) in zip(axes, chance_of.items(), strict=True):
    for k, order in enumerate(orders):
        x, colour = np.arange(4) + 0.17 * (k - 1.5), COLOUR_OF[order]
        plotting.plot_intervals([], scores[task, order], ax, positions=x, colour=colour, chance="")  # fmt: skip
    plotting.plot_reference(ax, chance, "chance")
    ax.set_xticks(range(4), [name.replace(", ", "\n") for name in conditions.values()], size=8)  # fmt: skip
    ax.set(xlabel="family, text", ylabel="right answers (share)", xlim=(-1, 3.6))  # fmt: skip
    ax.set_title(f"{task} (simulated)", loc="left")
axes[0].set_ylim(0.4, 0.7)
plotting.name_series(axes[0], COLOUR_OF)
show(
    fig,
    f"Simulated, recorded; dots are seeds, lines 95 percent intervals. Over all trainings minimal pairs score "
    f"{at_floor.value:.2f} (chance 0.50), replaced pairs in the standard order {learnt.value:.2f}; a wrong picture raises the loss by {np.mean(list(rises.values())):.2f} nats a "
    f"token on average, and by less than 0.01 in only {len(blind)} of {len(rises)} trainings.",
)

# %% [markdown]
# So looking at the picture is not enough: captions with the same words differ in what belongs to what, and that is hardly
# learnt here. The minimal pairs decide nothing about the order. The replaced pairs can: there models are far from either end.
#
# Can *three seeds and a few hundred items* decide? Ask before you read a difference: how large must a true one be, so that
# four of five such grids would have found it ([power](glossary.md#power))? Draw many grids in which seeds and items vary as
# here, and look.

# %%
smallest = {t: grid.smallest_effect("curriculum", "cut", t) for t in chance_of}
with_pictures = max(smallest["replaced pairs"], smallest["questions"])
found_from = Interval(with_pictures, 0.0, with_pictures)
claims.record("order.power", found_from)

# %% Say what could have been found tags=["fold"]
say(
    "Recorded, simulated, all four conditions, curriculum minus cut: four of five such grids find a true difference of "
    + ", ".join(
        f"{100 * least:.1f} points in {task}"
        for task, least in smallest.items()
    )
    + ". Smaller ones they mostly miss."
)

# %% [markdown]
# ## Exercise: the words that an interval allows
#
# Turn this into a rule. `difference`, `first` and `second` are the ends (low, high) of intervals: of the paired
# difference, first minus second, and of the two orders' scores. Return `"at chance"` if neither order's whole interval
# lies above `chance`; otherwise `"helps"` or `"harms"` if the whole difference lies on one side of zero; otherwise
# `"cannot tell"`.


# %% tags=["exercise"]
def verdict(difference, first, second, chance):
    return ...  # your answer here


# %%
exercises.check("order.verdict", verdict)

# %%
exercises.card("order.verdict")


# %%
judge = exercises.yours_or_ours("order.verdict", verdict)


def word_for(control, task, name):
    intervals = [
        differences[control, task, name],
        grid.score("curriculum", task, groups[name]),
        grid.score(control, task, groups[name]),
    ]
    return judge(*((i.low, i.high) for i in intervals), chance_of[task])


verdicts = {
    (title, task): [word_for(control, task, name) for name in groups]
    for title, control in comparisons.items()
    for task in chance_of
}

# %% Print the words tags=["fold"]
rows = [[title, task, *found] for (title, task), found in verdicts.items()]
say(
    "Recorded, simulated, three seeds:\n\n"
    + plotting.table(["curriculum", "task", *groups], rows)
    + "\n\n'Cannot tell' is not 'no difference': at equal words the intervals of the four tasks, all conditions together, reach from "
    + f"{100 * min(differences['cut', t, 'all four'].low for t in chance_of):+.1f} to "
    + f"{100 * max(differences['cut', t, 'all four'].high for t in chance_of):+.1f} points. Larger effects are unlikely, "
    + "smaller ones are open."
)

# %% [markdown]
# ## Pitfall: a single seed
#
# Train once in each order and ask both models the same questions. The difference may look like a result, and its interval
# over questions looks complete, but it speaks only of *these two models*. Another start would have given two other ones.
# Here each seed of the grid is reported as if it were the only one.

# %%
by_seed = {
    (condition, k): curriculum.paired_difference(
        grid.evaluations(*condition, "curriculum", "questions")[k : k + 1],
        grid.evaluations(*condition, "cut", "questions")[k : k + 1],
    ).difference.scaled(100)
    for condition in conditions
    for k in range(len(seeds))
}
points = np.array([one.value for one in by_seed.values()]).reshape(4, -1)

# %% [markdown]
# Look within a group of three: do its seeds agree on the side of zero?

# %% Draw the seeds one by one tags=["fold"]
fig, ax = figure(width=7.2, height=3.3)
lines = list(by_seed.values())
x = np.arange(4)[:, None] + 0.2 * (np.arange(len(seeds)) - 1)
colours = [SIDES[line.against(0)] for line in lines]
plotting.plot_intervals([], lines, ax, positions=x.ravel(), colour=colours, lw=2)  # fmt: skip
plotting.plot_reference(ax, 0, "")
ax.set_xticks(range(4), conditions.values())
ax.set(xlabel="family, text; one line a seed", ylabel="questions, curriculum\nminus cut (points)")  # fmt: skip
ax.set_title("Each seed for itself (recorded, simulated)", loc="left")
mixed = ((points.min(axis=1) < 0) & (points.max(axis=1) > 0)).sum()
show(
    fig,
    f"Simulated, recorded; lines are 95 percent intervals over questions only. Seeds of one condition lie up to "
    f"{np.ptp(points, axis=1).max():.1f} points apart, and in {mixed} of 4 conditions on both sides of zero.",
)

# %% [markdown]
# ## A variation: an order that leaves nothing out
#
# Is there a curriculum without the confound? Yes: show *everything* in each pass, and only sort it. Then all orders have
# read the same words after each pass. A little noise keeps neighbours from being the same in every pass.
#
# ## Exercise: a curriculum that leaves nothing out
#
# `difficulty` (samples) and `noise` (passes, samples) are given. Return an integer array (passes, samples): the samples
# of each pass in the order in which they are shown, by difficulty plus the noise of the pass, easy ones first.


# %% tags=["exercise"]
def sorted_passes(difficulty, noise):
    return ...  # your answer here


# %%
exercises.check("order.passes", sorted_passes)

# %%
exercises.card("order.passes")

# %% [markdown]
# Train it live, beside the standard order from the same weights, on a few simulated pictures. Change the noise, or
# write an order of your own into `sorted_passes`, and run again.

# %%
in_order = exercises.yours_or_ours("order.passes", sorted_passes)
n = p.n_images
design = curriculum.StudyDesign(
    n_images=n, n_sentences=5 * n, n_test=p.n_test, data_seed=p.seed
)  # fmt: skip
clip = load_clip(device=p.device)
materials = studies.make_materials(design, clip)
hard = materials.difficulty

# %%
live = {"standard": [], "sorted passes": []}
for k in range(p.n_seeds):
    rng = np.random.default_rng([p.seed, k])
    noise = 0.5 * hard.std() * rng.normal(size=(8, len(hard)))
    plans = (None, curriculum.ListedPlan(in_order(hard, noise)))
    for runs, plan in zip(live.values(), plans, strict=True):
        runs.append(studies.train_captioner(
            materials, design, family=p.family, plan=plan,
            seed=100 * p.seed + k, device=p.device,
        ))  # fmt: skip
losses = {name: np.array([r.loss for r in runs]) for name, runs in live.items()}
gap = losses["sorted passes"] - losses["standard"]

# %% [markdown]
# Both curves end after the same number of words. Look at the ends, and at the bands: is the gap wider than they are?

# %% Draw the live trainings tags=["fold"]
fig, ax = figure(width=6.6, height=3.4)
colours = dict(zip(live, (BLACK, ORANGE), strict=True))
for name, runs in live.items():
    read, losses = np.stack([run.curve[:, 1:] for run in runs]).transpose(2, 0, 1)  # fmt: skip
    plotting.plot_spread(read.mean(axis=0), losses.T, ax, colour=colours[name], marker="o", ms=3)  # fmt: skip
plotting.name_series(ax, colours)
ax.set(xlabel="words read", ylabel="held-out loss (nats a token)")
ax.set_title(f"Sorting within each pass, {p.family} (simulated)", loc="left")
show(
    fig,
    f"Simulated, {p.n_seeds} seed(s) an order, bands their range. At the end sorting within each pass changes the held-out "
    f"loss by {gap.mean():+.2f} nats a token ({gap.min():+.2f} to {gap.max():+.2f} over seeds). So few seeds do not decide.",
)

# %% [markdown]
# ## On real sentences
#
# BLiMP (`warstadt2020blimp`) holds thousands of real English sentence pairs, one of each grammatical. Our models read a
# few hundred words about pictures and hardly know a word of it, so chance is what to expect. Yet single paradigms may
# lie far from one half. Before you celebrate, ask what a model that cannot read would score: it prefers the sentence
# with fewer word pieces, and in some paradigms that is the right one.

# %%
real = None
if p.real_data and datasets.available("blimp"):
    found = datasets.load_blimp().items()
    pairs = {name: of_one[: p.n_blimp] for name, of_one in found}
    models = [run.model for run in live["standard"]]
    real = curriculum.score_paradigms(models, materials.tokenizer, pairs)
    claims.record("order.blimp", real.even)

# %% [markdown]
# Compare each blue line with its orange stroke, not with chance alone.

# %% Draw BLiMP tags=["fold"]
if real is None:
    say("*The real sentence pairs are not here: `sdc data fetch blimp` gets them (2 MB).*")  # fmt: skip
else:
    fig, ax = figure(width=8, height=3.4)
    names = [name.replace("_", " ") for name in real.by_paradigm]
    plotting.plot_intervals(names, list(real.by_paradigm.values()), ax, horizontal=True, lw=2)  # fmt: skip
    ax.plot(list(real.shorter.values()), range(len(names)), "|", ms=18, mew=2.5, color=ORANGE)  # fmt: skip
    ax.set(xlabel="share of real pairs judged right", ylabel="BLiMP paradigm", xlim=(0, 1))  # fmt: skip
    ax.set_ylim(len(names) - 0.5, -1.1)
    plotting.name_series(ax, {"live models": BLUE, "fewer word pieces": ORANGE}, y=0.99)  # fmt: skip
    show(
        fig,
        f"Real sentence pairs, {p.n_blimp} a paradigm, models trained on simulated scenes; lines are 95 percent intervals. "
        f"Over all paradigms {real.overall.value:.2f} are judged right. Where both sentences have as many pieces "
        f"({real.n_even} pairs) it is {real.even.value:.2f}; where the right one is shorter {real.if_shorter:.2f}, where it "
        f"is longer {real.if_longer:.2f}.",
    )

# %% [markdown]
# For text to train on, `datasets.read_babylm` reads the BabyLM challenge (`warstadt2023babylm`, 100 million words of
# child-directed and other text, less than 1 GB) and `datasets.read_captions` files of real captions, as they come.
#
# ## The grid again, and at the study's size
#
# `recompute` trains one cell of the grid again, a minute or two; `sdc curriculum grid --out grid --jobs 2` all of it.
# On a GPU, the next cell trains three orders with models of the study's width (768).

# %% Train one cell of the grid again, if asked tags=["fold"]
if p.recompute:
    cell, small = curriculum.Cell.from_name(p.recompute), grid.design
    again = curriculum.run_cell(cell, small, studies.make_materials(small, clip), device=p.device)  # fmt: skip
    for task, recorded in grid.results[cell].evaluations.items():
        found = again.evaluations[task].accuracy
        say(f"`{cell.name}`, {task} (simulated): {found:.3f}, recorded {recorded.accuracy:.3f}")  # fmt: skip

# %% tags=["gpu"]
if on_gpu(
    "git/C with models of size 'base' on 20,000 simulated pictures",
    estimate="unmeasured on a GPU",
    recorded="none at this size; the grid above is of size 'tiny'",
):
    large = replace(
        grid.design, size="base", n_images=20_000, n_sentences=200_000,
        lr=1e-4, warmup_steps=500, vocabulary_size=2000,
    )  # fmt: skip
    of_large = studies.make_materials(large, load_clip(device="cuda"))
    for order in ("standard", "curriculum", "cut"):
        cell = curriculum.Cell("git", "C", order, 0)
        result = curriculum.run_cell(cell, large, of_large, device="cuda")
        loss = result.losses["right"]
        say(f"`{cell.name}` (simulated): held-out loss {loss:.3f}")

# %% [markdown]
# ## Take-aways
#
# 1. Compare orders at equal words, pair seeds and items, and take both into the interval.
# 2. A score at chance says nothing of an order. Neither does a model that does not look at its picture.
# 3. Let the interval choose the word. "Cannot tell" is an honest one, and is not "no difference".
#
# Further reading: `saha2024curriculum` (the study), `thrush2022winoground` (pairs of captions with the same words; its
# text score asks both pictures of a pair, so chance is one quarter there), `warstadt2020blimp`. Words: the
# [glossary](glossary.md).
