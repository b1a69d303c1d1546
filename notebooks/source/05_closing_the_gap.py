# %% [markdown]
# # Closing the gap: what does it buy?
#
# In CLIP's space pictures lie in one region and captions in another, and [the loss can make such a
# gap](04_contrastive_gap.ipynb) by itself. If a gap wastes space, a loss that closes it should give a better model: for
# search, for [zero-shot classification](glossary.md#zero-shot-classification), for arithmetic with pictures and words.
# So new terms were added to CLIP's loss. But there is a cheaper way: subtract the mean of each side. The answer in one sentence: **the new terms close the gap, and so do two subtractions; a new loss has to
# show what it buys beyond these.** The losses are those of Fahim, Murphy and Fyshe (2024): `fahim2024`. The comparison
# with the subtractions is this course's.
#
# {{ minutes }}
#
# ## What you will do
#
# - write the two terms that the loss CUA adds to CLIP's
# - close the gap of OpenAI's CLIP by two subtractions
# - compare losses with plain remedies, over seeds, on what counts
# - do arithmetic with pictures and words
# - find out which gap a training has made, and which it has inherited
#
# You need: [the contrastive gap](04_contrastive_gap.ipynb).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 1  # which scenes, and where every draw starts [0, 999999]
device: str = "auto"  # where to compute {auto, cpu, cuda}
clip_name: str = "course-small"  # CLIP's loss alone; or open_clip's
clip_weights: str = "course"  # course; a published tag (openai); or a path
n_pairs: int | None = None  # training pairs; None: by profile [256, 100000]
n_test: int | None = None  # test scenes; None: by profile [200, 20000]
n_epochs: int | None = None  # passes; None: by profile [1, 200]
n_seeds: int | None = None  # trainings of each loss; None: by profile [2, 20]
real_data: bool = True  # use real embeddings, where their file is at hand

# %% Set up: imports, and what each profile computes tags=["fold"]
import numpy as np
import pandas as pd
import torch

from sdc_helpers import contrastive, datasets, exercises, plotting, studies
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import COLOURS, figure, show

p = start(
    "05_closing_the_gap",
    by_profile={
        "n_pairs": {"smoke": 384, "workshop": 2048, "full": 20_000},
        "n_epochs": {"smoke": 5, "workshop": 23, "full": 18},
        "n_test": {"smoke": 240, "workshop": 800, "full": 5000},
        "n_seeds": {"smoke": 2, "workshop": 3, "full": 5},
    },
)
BLUE, ORANGE, GREEN = (COLOURS[name] for name in ("blue", "orange", "green"))
GREY, PINK, YELLOW = (COLOURS[name] for name in ("grey", "pink", "yellow"))
SEEDS = [1000 * p.seed + number for number in range(p.n_seeds)]

# %% [markdown]
# ## What the loss does not ask for
#
# CLIP's [contrastive loss](glossary.md#contrastive-loss) is content once the right caption is a little nearer than the
# wrong ones. It does not ask pairs to come together, nor each side to spread. So ask for both. With unit vectors $u_i$
# for pictures and $v_i$ for captions, [alignment](glossary.md#alignment) and [uniformity](glossary.md#uniformity) are
#
# $$ A = \frac1n\sum_i \lVert u_i - v_i\rVert^2, \qquad
#    U(x) = \log\,\operatorname{mean}_{i \lt j}\; e^{-2\lVert x_i - x_j\rVert^2} $$
#
# Both are better when lower. The loss **CUA** adds them, and **CUAXU** adds uniformity *across* the sides as well:
#
# $$ L_\mathrm{CUA} = L_\mathrm{CLIP} + A + \tfrac12\big(U(u) + U(v)\big), \qquad
#    L_\mathrm{CUAXU} = L_\mathrm{CUA} + \log\,\operatorname{mean}_{i\ne j}\; e^{-2\lVert u_i - v_j\rVert^2} $$
#
# ### Exercise: the terms that CUA adds
#
# `u` and `v` hold unit rows, row $i$ of both being pair $i$. Return what CUA adds to CLIP's loss: one number.


# %% tags=["exercise"]
def cua_terms(u, v):
    return ...  # your answer here


# %%
exercises.check("closing.cua", cua_terms)

# %%
exercises.card("closing.cua")

# %% [markdown]
# The package's loss with these terms, minus the one without, gives the same number on two simulated sides. From there
# the package's loss trains: it also gives gradients.


# %%
def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


cua_terms = exercises.yours_or_ours("closing.cua", cua_terms)
rng = np.random.default_rng(p.seed)
u, v = unit(rng.normal(size=(2, 64, 16)) + rng.normal(size=(2, 1, 16)))
sides = torch.from_numpy(u), torch.from_numpy(v)
loss = {
    name: float(contrastive.ContrastiveLoss.named(name)(*sides))
    for name in ("clip", "cua")
}
assert np.isclose(loss["cua"] - loss["clip"], cua_terms(u, v))

# %% [markdown]
# ## The plain remedy: two subtractions
#
# Perhaps a gap is only an offset: every picture carries the same constant vector, every caption another one. Then no
# training is needed. Subtract from each side its mean, and make every row of length 1 again:
#
# $$ u_i' = \frac{u_i - \bar u_\text{training}}{\lVert u_i - \bar u_\text{training} \rVert} $$
#
# The mean comes from *training* rows. With their own mean the test rows would have a centroid near 0 by construction,
# and the measured distance would say nothing.
#
# ### Exercise: take the mean off
#
# `rows` and `training` hold unit rows of one side. Return the centred `rows`.


# %% tags=["exercise"]
def centred(rows, training):
    return ...  # your answer here


# %%
exercises.check("closing.centre", centred)

# %%
exercises.card("closing.centre")

# %% [markdown]
# Try it on real data: 500 photographs and captions, as OpenAI's CLIP embeds them (`radford2021`). One half of the pairs
# gives the means, the other half is centred and measured, and the other way round, for 20 ways to halve them.


# %%
def found_first(u, v):
    """Share of both directions in which each pair is found first."""
    cosine = u @ v.T
    own = np.diag(cosine)
    by_picture = (cosine >= own[:, None]).sum(axis=1) == 1
    by_caption = (cosine >= own).sum(axis=0) == 1
    return (by_picture + 1.0 * by_caption) / 2


centred = exercises.yours_or_ours("closing.centre", centred)
assert np.allclose(
    centred(u[:32], u[32:]),
    contrastive.centre_sides(u[:32], v[:32], u[32:], v[32:])[0],
)
has_pairs = p.real_data and datasets.available("clip_pairs")
if not has_pairs:
    say("*Real embeddings are not here: `sdc data fetch clip_pairs`, 2 MB.*")

# %%
if has_pairs:
    pairs = datasets.load_clip_pairs()
    real = [unit(x.astype(float)) for x in (pairs.images, pairs.texts)]
    n, n_halvings = len(real[0]), 20
    change, gaps = np.zeros((n_halvings, n)), []
    rng = np.random.default_rng([p.seed, 5])
    for k in range(n_halvings):
        for half in np.array_split(rng.permutation(n), 2):
            other = np.setdiff1d(np.arange(n), half)
            before = [side[half] for side in real]
            after = [centred(side[half], side[other]) for side in real]
            gaps.append([
                contrastive.centroid_distance(*sides)
                for sides in (before, after)
            ])  # fmt: skip
            change[k, half] = found_first(*after) - found_first(*before)

# %%
if has_pairs:
    gap_before, gap_after = np.transpose(gaps)
    left = gap_after / gap_before
    left = Interval.from_resamples(np.mean(left), left)
    claims.record("closing.real.gap", left, n_halvings=n_halvings)
    recall_change = Interval.over_seeds(change.mean(axis=0))
    claims.record("closing.real.recall", recall_change)

# %% What two subtractions do to OpenAI's CLIP, in words tags=["fold"]
if has_pairs:
    say(
        f"Real CLIP, mean over {n_halvings} halvings: the centroid distance falls from {gap_before.mean():.2f} to "
        f"{gap_after.mean():.2f}, without any training. The share of pairs that are found first changes by "
        f"{recall_change} (interval over pairs)."
    )

# %% [markdown]
# Most of the gap of a CLIP that saw 400 million pairs is an offset of each side. This is the remedy that every new loss
# has to beat.
#
# ## The comparison
#
# Take the course's small CLIP, trained on simulated scenes. Its two [towers](glossary.md#tower) stay as they are. Their
# last linear maps, the projections, are drawn anew for 128 dimensions and trained at temperature 0.01. A run takes a
# second, so that we can repeat it.
#
# Five arms: three losses, and two plain remedies.
#
# - **CLIP**, **CUA**, **CUAXU**: the losses, with the towers' features as they are;
# - **CLIP, features centred**: the mean of the training features is taken off *before* training;
# - **CLIP, centred after**: CLIP's loss, then the two subtractions.
#
# The learning rate is the one with which *CLIP's own loss* finds most on pictures kept for this choice.

# %%
study = studies.open_closing(
    p.n_pairs, p.n_test, n_epochs=p.n_epochs, seed=p.seed,
    clip=(p.clip_name, p.clip_weights), device=p.device,
)  # fmt: skip
arms = {
    "CLIP": ("clip", False),
    "CLIP, features centred": ("clip", True),
    "CUA": ("cua", False),
    "CUAXU": ("cuaxu", False),
}
sides = {}
for name, (loss, first_centred) in arms.items():
    sides[name], training = study.train(loss, SEEDS, centred=first_centred)
    if name == "CLIP":
        sides["CLIP, centred after"] = contrastive.centre_sides(
            *sides["CLIP"], *training
        )

# %% [markdown]
# Each arm is scored by 1,000 new scenes (fewer in the smoke profile): the gap; retrieval, as
# [recall at 10](glossary.md#recall-at-k); zero-shot classification of the place and of the kind of thing; and
# arithmetic, which comes below.

# %%
weights = np.arange(0, 3.01, 0.5)
per_seed, scores = study.score(sides, seed=p.seed, weights=weights)
REMEDIES = ("CLIP, features centred", "CLIP, centred after")


def of(arm, column):
    """One value a seed."""
    return per_seed[per_seed.arm == arm][column].to_numpy()


def beyond(arm, column, best=np.maximum):
    """What an arm has more than the better remedy, over seeds."""
    return Interval.over_seeds(
        of(arm, column) - best(*(of(name, column) for name in REMEDIES))
    )


# %% [markdown]
# First panel: which arms close the gap? Others: do the new losses lie right of both remedies (pink and yellow)?

# %% Draw what each arm reaches tags=["fold"]
# fmt: off
inks = {"CLIP": ORANGE, REMEDIES[0]: PINK, REMEDIES[1]: YELLOW, "CUA": BLUE, "CUAXU": GREEN}
chance = scores["CLIP"][0].arithmetic.chance
panels = {
    "centroid_distance": ("The gap", "centroid distance"),
    "recall_10": ("Retrieval", f"recall at 10 of {p.n_test} (chance {10 / p.n_test:.3f})"),
    "zero_shot": ("Zero-shot", f"accuracy, mean of two tasks (chance {(1 / 8 + 1 / 10) / 2:.3f})"),
    "arithmetic": ("Arithmetic, weight 1", f"share right (chance {chance:.3f})"),
}
fig, axes = figure(2, 2, width=9.4, height=5.4, sharey=True)
for ax, (column, (title, label)) in zip(axes.flat, panels.items(), strict=True):
    intervals = [Interval.over_seeds(of(arm, column)) for arm in inks]
    plotting.plot_intervals(list(inks), intervals, ax, horizontal=True, colour=list(inks.values()))
    ax.set(xlabel=label, ylabel="")
    ax.locator_params(axis="x", nbins=5)
    ax.set_title(f"{title} (simulated)", loc="left")
plotting.plot_reference(axes[0, 0], 0, "", vertical=True)
axes[0, 0].invert_yaxis()
for ax in axes[:, 0]:
    ax.set_ylabel("arm")
gap_of = {arm: of(arm, "centroid_distance").mean() for arm in inks}
show(
    fig,
    f"Simulated, d = 128; dots are {p.n_seeds} seeds, lines 95% intervals. CLIP ends with a gap of {gap_of['CLIP']:.2f}, "
    f"CUA with {gap_of['CUA']:.2f}. The same loss on centred features ends with {gap_of[REMEDIES[0]]:.2f}, and "
    f"two subtractions afterwards leave {gap_of[REMEDIES[1]]:.2f}.",
)
# fmt: on

# %%
closed = {"cua": "CUA"} | dict(
    zip(("clip_centred", "clip_after"), REMEDIES, strict=True)
)
of_clip = of("CLIP", "centroid_distance")
for name, arm in closed.items():
    share = Interval.over_seeds(of(arm, "centroid_distance") / of_clip)
    claims.record(f"closing.gap.{name}", share, d=128)
cost = of(REMEDIES[1], "recall_10") - of("CLIP", "recall_10")
claims.record("closing.cost.recall", Interval.over_seeds(cost), d=128)

# %%
gained = {
    "gap": beyond("CUA", "centroid_distance", np.minimum),
    "recall": beyond("CUA", "recall_10"),
    "zero_shot": beyond("CUA", "zero_shot"),
    "arithmetic": beyond("CUA", "arithmetic"),
}
for name, difference in gained.items():
    claims.record(f"closing.beyond.{name}_cua", difference, d=128)

# %% What CUA has beyond the better remedy, in words tags=["fold"]
say(
    "CUA minus the better of both remedies, seed by seed (simulated, 95% interval over seeds): "
    + "; ".join(
        f"{name.replace('_', '-')} {difference}"
        for name, difference in gained.items()
    )
    + ". In the study CUA left a gap of 0.082 where CLIP had 0.661, at d = 128, and gained 0.012 in zero-shot accuracy "
    "over CLIP that was *not* centred. Compare the pattern, not the values: other data, another network."
)

# %% [markdown]
# "CUA closes the gap" says little, because subtracting does it too, and leaves less. What counts is the comparison with
# the better remedy: where the interval above holds 0, nothing was shown.
#
# ## Every weight free to move
#
# In these runs the towers could not move. Perhaps new terms need more freedom. So here is the *whole* small CLIP,
# every weight trained. A run takes minutes, so `sdc gap finetune` recorded it, with fewer scenes. Features that stay
# centred do not exist here, since the towers move.

# %%
recorded, design, made = studies.load_finetuning()
whole = pd.DataFrame(recorded).set_index(["arm", "seed"]).sort_index()


def difference(arm, other, column):
    return Interval.over_seeds(
        (whole.loc[arm][column] - whole.loc[other][column]).to_numpy()
    )


opened = difference("clip", "start", "centroid_distance")
claims.record("closing.whole.opens", opened)
columns = {"gap": "centroid_distance", "arithmetic": "arithmetic"}
for name, column in columns.items():
    more = difference("cua", "clip_after", column)
    claims.record(f"closing.whole.{name}_cua", more)

# %% [markdown]
# Compare CLIP's row with the one before training: did the loss make a gap, or keep one? Then with the two below.

# %% Draw the whole network tags=["fold"]
# fmt: off
shown_arms = {"start": "before training", "clip": "CLIP", "clip_after": REMEDIES[1], "cua": "CUA", "cuaxu": "CUAXU"}
fig, axes = figure(1, 3, width=10.4, height=3.0, sharey=True)
titles = {"centroid_distance": "The gap", "recall_10": "Retrieval", "arithmetic": "Arithmetic"}
labels = ("centroid distance", f"recall at 10 of {design.n_test}", "share right, weight 1")
colours = [GREY, ORANGE, YELLOW, BLUE, GREEN]
for ax, (column, title), label in zip(axes, titles.items(), labels, strict=True):
    intervals = [Interval.over_seeds(whole.loc[arm][column].to_numpy()) for arm in shown_arms]
    plotting.plot_intervals(list(shown_arms.values()), intervals, ax, horizontal=True, colour=colours)
    ax.set(xlabel=label, ylabel="")
    ax.set_title(f"{title} (simulated)", loc="left")
axes[0].set_ylabel("whole network")
axes[0].invert_yaxis()
whole_gap = {arm: whole.loc[arm].centroid_distance.mean() for arm in shown_arms}
show(
    fig,
    f"Simulated, recorded on {made['date']}: d = {design.dimension}, {design.n_scenes} training scenes, "
    f"{whole.index.levels[1].size} seeds. The gap is {whole_gap['start']:.2f} before training, {whole_gap['clip']:.2f} "
    f"after CLIP's loss, {whole_gap['clip_after']:.2f} after two subtractions and {whole_gap['cua']:.2f} with CUA.",
)
# fmt: on

# %% [markdown]
# The loss makes the gap larger here. But what it makes is an offset: two subtractions take off more of it than CUA.
#
# ## Arithmetic with pictures and words
#
# Take a picture of a red apple, subtract the sentence "a red apple", add "a green apple", and look for the nearest
# *other* picture. With weight $\lambda$ the question is
#
# $$ q = u_\text{picture} + \lambda\,(v_\text{after} - v_\text{before}) $$
#
# This is [picture arithmetic](glossary.md#picture-arithmetic), the task of `couairon2022`. Our scenes are drawn from a
# graph, so a computer can check the answer: right is a picture of the same kind of thing with the new colour, number
# or distance, or the new thing in the same place. An offset that all captions share cancels in the difference of two
# sentences. So a gap need not harm this task.
#
# ### Exercise: answer a question
#
# `images` holds rows of *any* length; `source` is the number of the row to start from; `before` and `after` are the
# embeddings of two sentences. Return the number of the row that answers, by cosine.


# %% tags=["exercise"]
def answer(images, source, before, after, weight):
    return ...  # your answer here


# %%
exercises.check("closing.arithmetic", answer)

# %%
exercises.card("closing.arithmetic")

# %%
answer = exercises.yours_or_ours("closing.arithmetic", answer)
test, changes = study.test, study.test.changes
answers, right = {}, {}
for arm in ("CLIP", "CLIP, features centred", "CUA"):
    u, v = (side[0] for side in sides[arm])
    answers[arm] = np.array([
        answer(u, source, v[before], v[after], 1.0)
        for source, before, after in zip(
            changes.source, test.before, test.after, strict=True
        )
    ])  # fmt: skip
    right[arm] = changes.hits[np.arange(len(changes)), answers[arm]]
shift = v[test.after] - v[test.before]
package = contrastive.arithmetic_answers(u, shift, changes.source)
assert (package == answers["CUA"]).all()

# %%
some = np.any(list(right.values()), axis=0)
shown = [
    int(np.flatnonzero(some & (changes.change == kind))[0])
    for kind in np.unique(changes.change[some])
]

# %% [markdown]
# A column is a question: on top the picture to start from, below what three spaces answer. A blue frame is right.

# %% Draw questions and answers tags=["fold"]
# fmt: off
n_rows = 1 + len(answers)
fig, axes = figure(n_rows, len(shown), width=2.2 * len(shown), height=2.3 * n_rows)
drawn = [(test.pictures[changes.source[q]], f"– {changes.before[q]} + {changes.after[q]}", None) for q in shown]
for arm, found in answers.items():
    drawn += [
        (
            test.pictures[found[q]],
            f"{arm}: {'right' if right[arm][q] else 'wrong'}",
            BLUE if right[arm][q] else ORANGE,
        )
        for q in shown
    ]
images, titles, frames = zip(*drawn, strict=True)
plotting.plot_pictures(list(images), list(titles), axes, frames=list(frames))
percent = ", ".join(f"{arm} {100 * hits.mean():.0f}%" for arm, hits in right.items())
show(
    fig,
    f"Simulated, one seed, weight 1. Of each kind of change, the first question that one of the spaces answers right. "
    f"Right over all questions: {percent}.",
)
# fmt: on

# %% [markdown]
# ### Which weight?
#
# A comparison at weight 1 favours a space whose differences are long enough for it. So let each arm choose its own
# weight: for each seed, the one that is best on the *other* seeds. Is CUA's gain still there?

# %%
curves = {
    arm: np.array([score.arithmetic.score for score in of_arm])
    for arm, of_arm in scores.items()
}  # (n_seeds, n_weights)
control = np.array([
    s.arithmetic.shuffled for arm in scores for s in scores[arm]
])  # fmt: skip


def at_chosen_weight(arm):
    return np.array([
        curve[np.delete(curves[arm], number, 0).mean(0).argmax()]
        for number, curve in enumerate(curves[arm])
    ])  # fmt: skip


best = np.maximum(*(at_chosen_weight(arm) for arm in REMEDIES))
chosen = Interval.over_seeds(at_chosen_weight("CUA") - best)
claims.record("closing.beyond.arithmetic_chosen_cua", chosen, d=128)

# %% [markdown]
# Compare the curves at the dashed line (weight 1), then at their highest points.

# %% Draw arithmetic over weights tags=["fold"]
# fmt: off
fig, axes = figure(1, 2, width=9.6, height=3.5, sharey=True)
inks = {"CLIP": ORANGE, REMEDIES[0]: PINK, REMEDIES[1]: YELLOW, "CUA": BLUE, "CUAXU": GREEN}
for ax, arms_shown in zip(axes, (list(inks)[:3], list(inks)[3:]), strict=True):
    for arm in arms_shown:
        plotting.plot_spread(weights, curves[arm].T, ax, colour=inks[arm], marker="o", ms=3)
    plotting.plot_spread(weights, control.T, ax, colour=GREY, lw=0.8)
    plotting.name_series(
        ax, {arm: inks[arm] for arm in arms_shown} | {"another question's words": GREY}, x=0.98, y=1.0, step=0.08
    )
    plotting.plot_reference(ax, scores["CLIP"][0].arithmetic.chance, "")
    plotting.plot_reference(ax, 1, "", vertical=True)
    ax.set(xlabel="weight λ of the words", ylim=(0, 1.5 * max(c.max() for c in curves.values())))
axes[0].set_title("CLIP and the remedies (simulated)", loc="left")
axes[1].set_title("The new losses (simulated)", loc="left")
axes[0].set_ylabel("share of right answers")
peaks = {arm: (weights[c.mean(0).argmax()], c.mean(0).max()) for arm, c in curves.items()}
show(
    fig,
    "Simulated. Each is best at its own weight: "
    + ", ".join(f"{arm} at {weight:g} ({top:.2f})" for arm, (weight, top) in peaks.items())
    + f". Horizontal line: chance. Bands: range over {p.n_seeds} seeds.",
)
# fmt: on

# %% [markdown]
# ## Pitfall: the gap you brought along
#
# Which gap did CLIP's loss *make* in the comparison, and which did it inherit? Each tower adds its own constant to all
# that it says. A linear map of a constant is a constant, so the two sides lie apart before the first update. Make the
# mistake in several sizes: leave none of the features' mean in, half of it, all of it, or twice as much. Nothing else
# changes.

# %%
portions = (0.0, 0.5, 1.0, 2.0)
brought = np.array([study.gap_with_mean(part, SEEDS[:3]) for part in portions])

# %% [markdown]
# If CLIP's loss made the whole gap, the line would be flat.

# %% Draw the gap over what was left in tags=["fold"]
# fmt: off
fig, ax = figure(width=5.4, height=3.1)
plotting.plot_spread(portions, brought, ax, colour=ORANGE, marker="o", ms=5)
plotting.plot_reference(ax, 0, "no gap")
ax.set(xlabel="share of the features' mean left in", ylabel="centroid distance after training", ylim=(-0.05, None))
ax.set_xticks(portions)
ax.set_title("CLIP's loss, d = 128 (simulated)", loc="left")
show(
    fig,
    f"Simulated. Without the features' mean the gap ends at {brought[0].mean():.2f}, with all of it at "
    f"{brought[2].mean():.2f}, with twice as much at {brought[3].mean():.2f}. Band: range over {brought.shape[1]} seeds.",
)
# fmt: on

# %% [markdown]
# ## Pitfall: duplicates as wrong answers
#
# If two pictures of a batch have the same caption, the loss punishes a model for being right. Here is a *perfect* model
# of a batch in which every caption comes twice. Told who is who (`items`), the loss leaves such pairs out.

# %%
perfect = unit(np.random.default_rng(p.seed).normal(size=(256, 64)))
perfect[1::2] = perfect[::2]
rows, items = torch.from_numpy(perfect), torch.arange(256) // 2
naive, told = (
    float(contrastive.clip_loss(rows, rows, temperature=0.01, items=given))
    for given in (None, items)
)
say(
    f"Loss of a perfect model (simulated): {naive:.3f}, that is log 2; "
    f"with `items` it is {told:.3f}."
)

# %% [markdown]
# ## On real data
#
# The second section ran on real embeddings (`sdc data fetch clip_pairs`, 2 MB). A published CLIP can take the small
# one's place (ViT-B/32: about 600 MB, fetched once). In a training loop of yours, the loss is
# `contrastive.ContrastiveLoss.named("cua", temperature=0.01)`.
#
# ```bash
# sdc run 05 -p clip_name=ViT-B-32 -p clip_weights=openai --profile full
# ```
#
# ## The whole network, on a GPU
#
# The call below makes the recorded comparison at the size of the study's passes. The tests make it small, on the CPU.

# %% tags=["gpu"]
if on_gpu(
    "the whole small CLIP with three losses, 9 passes of 20,000 scenes",
    estimate="unmeasured on a GPU",
    recorded="the figure of the whole network, on 1,024 scenes",
):
    larger = studies.FinetuneDesign(
        n_scenes=20_000, n_test=p.n_test, n_epochs=9
    )
    rows = studies.finetune_runs(larger, SEEDS, device="cuda")
    say(pd.DataFrame(rows).groupby("arm").mean().round(3).to_markdown())

# %% [markdown]
# ## Take-aways
#
# 1. CUA makes the gap smaller. Subtracting each side's mean makes it smaller still, without any training.
# 2. Ask of every new loss what it buys *beyond* that, at each arm's own best settings. Here: it spares
#    the retrieval that subtracting costs, and no more.
# 3. A gap can be inherited: look at it before the first update. And centre with means of training rows only.
#
# Next: [curriculum](06_curriculum.ipynb), where the order of the captions is the question. Further reading: `fahim2024`
# (the losses), `wang2020` (alignment and uniformity), `couairon2022` (arithmetic). Words: the [glossary](glossary.md);
# nulls: [one table](nulls.md).
