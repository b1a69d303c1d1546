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
# - read a figure that shows chance, and a claim that is measured, not asserted
# - solve one exercise and have it checked
#
# You need: a little Python. Nothing of the brain yet.

# %% [markdown]
# ## What this course is
#
# Six methods for comparing brains with networks that see and read, each built from its equation, run on
# data where the truth is known, and then on real data. Each chapter is one notebook like this one, and
# stands alone. Where no real data are at hand, the course simulates them with a known answer *planted*
# inside; it says **simulated** wherever it does.
#
# ## How a notebook works
#
# The next cell holds the **parameters**. Change a value, then run the notebook again (in JupyterLab: the
# *Run* menu, *Restart Kernel and Run All Cells*). The comment at the end of each line says what it takes:
# `[5, 100000]` is a range, `{a, b}` a list of choices. `None` means that the **profile** decides: `smoke`
# is quick, `workshop` suits a laptop, `full` is the size of the papers.

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 2024  # where the random numbers start [0, 4294967295]
device: str = "auto"  # where to compute {auto, cpu, cuda}
n_stimuli: int = 10  # length of the two lists that are compared [5, 100000]
n_pairs: int | None = None  # random pairs to draw; None: the profile decides [100, 100000]

# %%
import numpy as np

from sdc_helpers import exercises
from sdc_helpers.course import claims, say, start
from sdc_helpers.plotting import COLOURS, figure, plot_reference, plot_spread, show

p = start(
    "00_start_here",
    by_profile={"n_pairs": {"smoke": 500, "workshop": 5000, "full": 50000}},
)

# %% [markdown]
# ## Chance has a size
#
# Draw two lists of $n$ random numbers that have nothing to do with each other, and correlate them. The
# correlation is zero *on average over many pairs*, but any one pair misses zero. How far? For normal
# numbers the typical size of the miss is
#
# $$ \mathrm{E}\,|r| \approx \sqrt{\frac{2}{\pi\,(n-1)}} $$
#
# The version that fits in the head is three lines of numpy:


# %%
def correlation(x, y):
    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    return (x * y).sum(-1) / np.sqrt((x**2).sum(-1) * (y**2).sum(-1))


rng = np.random.default_rng(p.seed)
x, y = rng.normal(size=(2, p.n_pairs, p.n_stimuli))
r = correlation(x, y)
assert np.isclose(r[0], np.corrcoef(x[0], y[0])[0, 1])

expected = np.sqrt(2 / (np.pi * (p.n_stimuli - 1)))
say(
    f"With n = {p.n_stimuli}, {p.n_pairs} simulated unrelated pairs have a mean correlation of "
    f"{r.mean():.3f}, but a typical size |r| of **{np.abs(r).mean():.3f}** (the formula says "
    f"{expected:.3f}). One pair in twenty exceeds {np.quantile(np.abs(r), 0.95):.2f}."
)

# %% [markdown]
# Now over a range of lengths, three seeds each. This is the first figure to read the way the whole course
# wants figures read: the measured thing in colour, with its spread over seeds; what theory or chance says,
# drawn in.

# %%
lengths = np.unique(np.geomspace(5, 1000, 12).astype(int))
sizes = np.empty((len(lengths), 3))
for column, offset in enumerate(range(3)):
    rng_s = np.random.default_rng([p.seed, offset])
    for row, n in enumerate(lengths):
        a, b = rng_s.normal(size=(2, p.n_pairs, n))
        sizes[row, column] = np.abs(correlation(a, b)).mean()

fig, ax = figure(width=6.6, height=3.3)
plot_spread(lengths, sizes, ax, marker="o", ms=5)
ax.plot(lengths, np.sqrt(2 / (np.pi * (lengths - 1))), color=COLOURS["black"], lw=1, ls=":")
ax.annotate("dots: measured\ndotted line: formula", (lengths[5], sizes[5].mean()), xytext=(14, 14),
            textcoords="offset points", color=COLOURS["blue"])  # fmt: skip
plot_reference(ax, 0, "what one hopes for")
ax.set(xscale="log", xlabel="length n of the two lists (numbers)", ylabel="typical |correlation|")
ax.set_title("Unrelated lists look related when they are short (simulated)", loc="left")
show(
    fig,
    f"Simulated: the typical correlation of two unrelated lists is {sizes[0].mean():.2f} at "
    f"n = {lengths[0]} and falls with the square root of n. Short lists look related.",
)

# %% [markdown]
# ## A claim is measured
#
# A headline statement of this course is never just written down. It is *recorded*: the statement, where it
# comes from, the value found here, and the condition under which it holds. The book lists all of them, also
# those that did not hold.

# %%
claims.record(
    "start_here.chance_size",
    "The typical correlation of unrelated lists follows sqrt(2 / (pi (n - 1))) from n = 10 on: largest "
    "relative difference over the lengths.",
    float(np.max(np.abs(sizes.mean(1) / np.sqrt(2 / (np.pi * (lengths - 1))) - 1)[lengths >= 10])),
    source="this course",
    data="simulated normal numbers",
    at_most=0.05,
)

# %% [markdown]
# ## Pitfall: the average hides the miss
#
# Here is the mistake on purpose. "The mean correlation is zero, so chance is no problem" averages *over
# pairs*. You have one pair: one brain, one network. What matters for you is the spread, and whether your
# one value stands outside it. That is a **shuffle test**: break the pairing on purpose, many times, and see
# what the measure says then.

# %%
rng = np.random.default_rng([p.seed, 99])
signal = rng.normal(size=p.n_stimuli)
related = 0.7 * signal + rng.normal(size=p.n_stimuli)
value = correlation(signal, related)
null = np.array([correlation(signal, rng.permutation(related)) for _ in range(999)])
n_as_large = int((null >= value).sum())
say(
    f"A simulated pair with a true relation has r = {value:.2f} at n = {p.n_stimuli}; {n_as_large} of 999 "
    f"shuffled pairs reach as much. Set `n_stimuli` to 40 above and run again: the same relation becomes "
    f"hard to miss."
)

# %% [markdown]
# ## Exercise: a p-value from shuffles
#
# Write a function that takes the measured value and the shuffled ones, and returns the p-value. Leave it as
# it is and the notebook still runs; the check says "not attempted". Hints and solution are folded; open as
# many as you need, or call `exercises.hint("start_here.p_value")`.


# %% tags=["exercise"]
def p_value(value, null):
    return ...  # your answer here


# %%
exercises.check("start_here.p_value", p_value)

# %%
exercises.card("start_here.p_value")

# %% [markdown]
# ## The same from the command line
#
# Everything you changed by hand can be changed from outside, and is checked before anything runs:
#
# ```bash
# sdc list                                   # every notebook and its parameters
# sdc run 00 -p n_stimuli=40                 # this notebook, with another length
# sdc run 00 -p n_stimuly=40                 # a typing error: refused, with the nearest name
# sdc check                                  # is this machine ready?
# ```
#
# A run leaves the executed notebook and a record of it (`00_start_here.run.json`): parameters, versions,
# seconds, memory, claims.
#
# ## On real data, and on a GPU
#
# This page needs neither. Chapters that can use real data take a `source` parameter or fetch small files by
# themselves (`sdc data list`); cells tagged `gpu` say in one line what they would do where there is none.
#
# ## Take-aways
#
# 1. Chance has a size, and it depends on your sample.
# 2. Compare one value with the distribution of shuffled ones, not with zero. Shuffle only what is exchangeable: here stimuli, drawn
#    independently.
# 3. Count the measured value in: no p-value is zero.
#
# Next: [CKA pitfalls](09_cka_pitfalls.ipynb), where the same story decides whether a brain area resembles a
# network. Words you meet there are in the [glossary](glossary.md);
# [one table](nulls.md) says which null answers which question.
