# %% [markdown]
# # Start here: how to compare honestly
#
# Two lists of random numbers look alike if they are short. How alike, and how would you notice? That
# question runs through this whole course: a brain and a neural network are two long lists of numbers
# too, and the usual measures of their likeness can be large when there is nothing in common. The
# answer in one sentence: **measure what chance alone gives, at your sample size, and compare with that.**
#
# {{ minutes }}
#
# ## What you will do
#
# - run a notebook, and change one of its parameters
# - write a p-value from shuffles, and have your answer checked
# - read a figure that shows chance, and a claim that is measured, not asserted
#
# You need: a little Python. Nothing of the brain yet.
#
# The next cell holds the **parameters**. Change a value, then run the notebook again (in JupyterLab: the
# *Run* menu, *Restart Kernel and Run All Cells*). The comment at the end of each line says what it takes.
# `None` means that the **profile** decides: `smoke` is quick, `workshop` suits a laptop, `full` is the
# size of the papers. Cells with a bare title are folded: they set up or draw. Click one to see its code.

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 2024  # where the random numbers start [0, 4294967295]
device: str = "auto"  # where to compute {auto, cpu, cuda}
n_stimuli: int = 10  # length of the two lists [5, 100000]
n_pairs: int | None = None  # pairs; None: the profile decides [100, 100000]

# %% Set up: imports, and what each profile computes tags=["fold"]
import numpy as np

from sdc_helpers import exercises
from sdc_helpers.course import claims, say, start
from sdc_helpers.plotting import (
    COLOURS,
    figure,
    plot_null,
    plot_reference,
    plot_spread,
    show,
    show_slider,
)  # fmt: skip

p = start(
    "00_start_here",
    by_profile={"n_pairs": {"smoke": 500, "workshop": 5000, "full": 50000}},
)

# %% [markdown]
# ## One pair, and its shuffles
#
# Here are two lists that do belong together: the second is the first plus noise. Think of the responses of a
# [voxel](glossary.md#voxel), a small piece of a brain, and of one unit of a network, to the same stimuli. How much
# they go together is their correlation, two lines of numpy:


# %%
def correlation(x, y):
    x = x - x.mean(axis=-1, keepdims=True)
    y = y - y.mean(axis=-1, keepdims=True)
    return (x * y).sum(-1) / np.sqrt((x**2).sum(-1) * (y**2).sum(-1))


rng = np.random.default_rng([p.seed, 99])
voxel = rng.normal(size=p.n_stimuli)
unit = 0.7 * voxel + rng.normal(size=p.n_stimuli)
value = correlation(voxel, unit)
assert np.isclose(value, np.corrcoef(voxel, unit)[0, 1])

# %% [markdown]
# Is that much? To find out, break the pairing on purpose: shuffle one list, so that each stimulus of one is beside
# some other stimulus of the other, and measure again. Many shuffles give the
# [null distribution](glossary.md#null-distribution): what the measure says when there is nothing to find.

# %%
null = np.array([correlation(voxel, rng.permutation(unit)) for _ in range(999)])

# %% [markdown]
# The **p-value** is the share of orders that do at least as well as the true one. Write it yourself: `value` is
# the measured correlation, `null` holds those of the shuffles. Leave it as it is and the notebook still runs. Hints
# and solution are folded; open as many as you need.


# %% tags=["exercise"]
def p_value(value, null):
    return ...  # your answer here


# %%
exercises.check("start_here.p_value", p_value)

# %%
exercises.card("start_here.p_value")

# %%
p_value = exercises.yours_or_ours("start_here.p_value", p_value)
p_of_pair = p_value(value, null)

# %% [markdown]
# In the figure, look where the dot lies in the grey cloud: that is the whole test.

# %% Draw the value among its shuffles tags=["fold"]
fig, ax = figure(width=4.6, height=3.2)
plot_null([0], [null], [value], ax)
plot_reference(ax, 0, "no relation")
ax.set(xlabel="one pair of lists", ylabel="correlation", xticks=[])
show(
    fig,
    f"Simulated: the pair correlates by {value:.2f} (dot); shuffled pairs (grey) reach that with p = {p_of_pair:.3f} "
    f"at {p.n_stimuli} stimuli.",
)

# %% [markdown]
# ## Chance has a size
#
# Now draw two lists of $n$ random numbers that have *nothing* to do with each other. Their correlation is zero on
# average over many pairs, but any one pair misses zero. For normal numbers the typical size of the miss is
#
# $$ \mathrm{E}\,|r| \approx \sqrt{\frac{2}{\pi\,(n-1)}} $$
#
# We measure it at a range of lengths, with three seeds each.

# %%
lengths = np.unique(np.geomspace(5, 1000, 12).astype(int))
drawn = {}
for length in lengths:
    for number in range(3):
        rng = np.random.default_rng([p.seed, number, length])
        x, y = rng.normal(size=(2, p.n_pairs, length))
        drawn[length, number] = correlation(x, y)
typical = np.array([
    [np.abs(drawn[length, number]).mean() for number in range(3)]
    for length in lengths
])  # fmt: skip
formula = np.sqrt(2 / (np.pi * (lengths - 1)))

# %% [markdown]
# This figure is read as the whole course wants figures read: what was measured in colour, with its spread over
# seeds, and what theory or chance says drawn in. Look at the left end.

# %% Draw the typical correlation over lengths tags=["fold"]
fig, ax = figure(width=6.6, height=3.3)
plot_spread(lengths, typical, ax, marker="o", ms=5)
ax.plot(lengths, formula, color=COLOURS["black"], lw=1, ls=":")
ax.annotate("dots: measured\ndotted line: formula", (lengths[5], typical[5].mean()), xytext=(14, 14),
            textcoords="offset points", color=COLOURS["blue"])  # fmt: skip
plot_reference(ax, 0, "what one hopes for")
ax.set(
    xscale="log",
    xlabel="length n of the two lists (numbers)",
    ylabel="typical |correlation|",
)
ax.set_title(
    "Unrelated lists look related when they are short (simulated)", loc="left"
)
show(
    fig,
    f"Simulated: the typical correlation of two unrelated lists is {typical[0].mean():.2f} at "
    f"n = {lengths[0]} and falls with the square root of n. Short lists look related.",
)

# %% [markdown]
# Move the slider: it changes the length of the lists. The cloud is what chance gives, the line a correlation of 0.5.
# From which length on would you believe it?

# %% Draw the cloud of chance at each length tags=["fold"]
figures = {}
for length in lengths:
    fig, ax = figure(width=5.2, height=2.8)
    ax.hist(
        drawn[length, 0],
        np.linspace(-1, 1, 61),
        color=COLOURS["grey"],
        density=True,
    )
    plot_reference(ax, 0.5, " r = 0.5", vertical=True)
    ax.set(
        xlabel="correlation of unrelated lists",
        ylabel="density of pairs",
        xlim=(-1, 1),
        ylim=(0, 8),
    )
    figures[str(length)] = fig
beyond = {
    length: 100 * np.mean(np.abs(drawn[length, 0]) >= 0.5) for length in lengths
}
show_slider(
    figures,
    "length n",
    f"Simulated: of unrelated lists of {lengths[0]} numbers, {beyond[lengths[0]]:.0f} % correlate by 0.5 or more, up or "
    f"down; of {lengths[4]} numbers {beyond[lengths[4]]:.1f} %.",
)

# %% [markdown]
# ## A claim is measured
#
# A headline statement of this course is never just written down. It is *recorded*: the statement, where it
# comes from, the value found here, and the condition under which it holds, which was written before the value
# was seen. There are three kinds. An *identity* says that two ways to compute one thing agree, as here. A
# *regression* meets a number again. A *hypothesis* says something about data. It holds only if the whole
# interval of what was measured lies on the right side of its bound, and is *undecided* while the bound lies
# inside. The book lists all of them, also those that did not hold.

# %%
measured_by_formula = typical.mean(axis=1) / formula
error = np.abs(measured_by_formula[lengths >= 10] - 1).max()
claims.record("start_here.chance_size", error)

# %% [markdown]
# ## Pitfall: the average hides the miss
#
# "The mean correlation is zero, so chance is no problem" averages *over pairs*. You have one pair: one brain, one
# network. What matters for you is the spread, and whether your one value stands outside it. That is what the
# [permutation test](glossary.md#permutation-test) above asked.

# %%
short = drawn[lengths[1], 0]
say(
    f"Simulated, {p.n_pairs} unrelated pairs of n = {lengths[1]}: the mean is "
    f"{short.mean():+.3f}, but one pair in twenty exceeds "
    f"{np.quantile(np.abs(short), 0.95):.2f} in size."
)

# %% [markdown]
# ## The same from the command line
#
# Everything you changed by hand can be changed from outside, and is checked before anything runs:
#
# ```bash
# sdc list                      # every notebook and its parameters
# sdc run 00 -p n_stimuli=40    # this notebook, with another length
# sdc run 00 -p n_stimuly=40    # a typing error: refused, with the nearest name
# sdc check                     # is this machine ready?
# ```
#
# A run leaves the executed notebook and a record of it (`00_start_here.run.json`): parameters, versions,
# seconds, memory, claims.
#
# ## On real data, and on a GPU
#
# This page needs neither. Where no real data are at hand, the course simulates them with a known answer *planted*
# inside, and says **simulated** wherever it does. Chapters that can use real data take a `source` parameter or fetch
# small files by themselves (`sdc data list`). Cells tagged `gpu` say in one line what they would do where there is none.

# %% [markdown]
# ## Take-aways
#
# 1. Chance has a size, and it depends on your sample.
# 2. Compare one value with the distribution of shuffled ones, not with zero. Shuffle only what is
#    [exchangeable](glossary.md#exchangeable): here stimuli, drawn independently.
# 3. Count the measured value in: no p-value is zero.
#
# Next: [loading brain data](01_loading_brain_data.ipynb), [CLIP's two towers](02_two_towers.ipynb), or
# [CKA pitfalls](13_cka_pitfalls.ipynb), where the same story decides whether a brain area resembles a
# network. Words you meet there are in the [glossary](glossary.md);
# [one table](nulls.md) says which null answers which question.
