# %% [markdown]
# # Your own data: one folder in, an honest report out
#
# You have embeddings of something (pictures, sounds, sentences) and responses of several participants. What may you say?
# This chapter runs the course's methods on a folder that *you* bring: noise ceilings, decoding, debiased CKA, the gap
# between two modalities, shared concepts. The answer in one sentence: **describe how your rows hang together, and the
# description decides what is averaged, split and shuffled.** Methods after `murphy2024cka`, `efird2025sdc` and
# `allen2022nsd`.
#
# {{ minutes }}
#
# ## What you will do
#
# - put a study into one folder with a description, and let it be checked
# - join responses with embeddings by name, never by place
# - say which rows may change places, and why
# - read ceiling, decoding, CKA, gap and concepts, each beside its chance
# - write a report page that says what the numbers do not say
#
# You need: [decoding](08_decoding_pictures.ipynb), [CKA](13_cka_pitfalls.ipynb); for the last part
# [shared concepts](10_shared_concepts.ipynb). Without a folder of yours it runs on simulated participants.

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 0  # of the split and every draw [0, 4294967295]
device: str = "auto"  # where to compute {auto, cpu, cuda}
folder: str = ""  # your folder with study.toml; empty: simulated participants
participants: str = ""  # names with commas between; empty: all
report: str = ""  # HTML file to write; empty: reports in the data folder
n_components: int = 40  # components of the embeddings to decode [1, 512]
n_stimuli: int | None = None  # of each; None: the profile decides [12, 100000]
n_voxels: int | None = None  # of decoders; None: the profile [10, 1000000]
n_permutations: int | None = None  # None: the profile decides [19, 100000]
n_shuffles: int | None = None  # refits; None: the profile decides [1, 100]
n_pairs: int | None = None  # pairs of series; None: the profile [20, 10000]

# %% Set up: imports, and what each profile computes tags=["fold"]
import tempfile
from pathlib import Path

import numpy as np

from sdc_helpers import alignment, exercises, plotting
from sdc_helpers.course import claims, say, start
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import COLOURS, figure
from sdc_helpers.studies import own_check, own_concepts, own_export, own_study

p = start(
    "18_your_own_data",
    by_profile={
        "n_stimuli": {"smoke": 100, "workshop": 400, "full": 10000},
        "n_voxels": {"smoke": 60, "workshop": 300, "full": 10000},
        "n_permutations": {"smoke": 99, "workshop": 999, "full": 4999},
        "n_shuffles": {"smoke": 2, "workshop": 5, "full": 5},
        "n_pairs": {"smoke": 40, "workshop": 200, "full": 1000},
    },
)
BLUE, ORANGE, GREY = COLOURS["blue"], COLOURS["orange"], COLOURS["grey"]
N_SIMULATED = {"smoke": 3, "workshop": 4, "full": None}[p.profile]
over = own_study.over_participants

# %% [markdown]
# ## The contract
#
# A folder holds arrays, tables that say what their rows are, and one description, `study.toml`. Arrays are `.npy`, `.npz`,
# `.csv`, `.parquet` or `.safetensors`; responses may also be 4-D NIfTI with a mask, or a BIDS derivative folder with a
# GLM's maps. Nothing is unpickled. Here is the description of the folder that this run reads:

# %%
place = p.folder or own_export.simulated_own_data(
    p.profile if p.profile == "smoke" else "workshop",
    p.seed,
    N_SIMULATED,
    p.n_stimuli,
)
described = (Path(place) / "study.toml").read_text(encoding="utf-8")
say(f"```toml\n{described[:1100]}\n```")

# %% [markdown]
# Three lines matter most. `stimuli` names each row of the embeddings. `rows` names each row of the responses, and maybe its
# [session](glossary.md#session) and [run](glossary.md#run). And `[design]` says what ties rows to each other: time, repetitions.
#
# ### The learner's first ten lines: which embedding belongs to which row?
#
# Rows are joined **by name**. By place is the commonest way to lose a real effect, or to find none. `shown` names the stimulus of
# each row of the responses; `names` that of each row of the embeddings. Return the row of the embeddings for each response.


# %% tags=["exercise"]
def rows_of_stimuli(shown, names):
    return ...  # your answer here


# %%
exercises.check("own.rows_of_stimuli", rows_of_stimuli)

# %%
exercises.card("own.rows_of_stimuli")

# %%
rows_of_stimuli = exercises.yours_or_ours(
    "own.rows_of_stimuli", rows_of_stimuli
)
study = own_study.open_own_study(
    place,
    participants=[name.strip() for name in p.participants.split(",") if name],
    n_stimuli=p.n_stimuli,
    n_voxels=p.n_voxels,
    n_components=p.n_components,
    seed=p.seed,
)
data, kind, names = study.data, study.data.kind, list(study.rows)
for one in data.participants.values():
    joined = rows_of_stimuli(one.stimuli.tolist(), data.stimuli.tolist())
    assert np.array_equal(data.stimuli[joined], one.stimuli)

# %% [markdown]
# ## What is there, and what is missing
#
# `sdc data check FOLDER` says it in one page, with **every** problem, its file and its remedy, so that you mend all in one go.
# First the folder of this run; then, on purpose, a folder that holds its description and nothing else.

# %%
page = own_check.check_own_data(place, p.seed)
say(f"```text\n{page.to_text().replace(str(place), 'FOLDER')}\n```")
with tempfile.TemporaryDirectory() as empty:
    (Path(empty) / "study.toml").write_text(described, encoding="utf-8")
    broken = own_check.check_own_data(empty).problems
say(f"Without the files: **{len(broken)} problems**, the first three:")
say("\n".join(f"- {problem}" for problem in broken[:3]))

# %% [markdown]
# ## Which rows may change places?
#
# A [permutation test](glossary.md#permutation-test) asks what the number would be if rows had nothing to do with each other. It may
# exchange only what is *exchangeable*. Three things tie rows: **time** (volumes of a film resemble their neighbours: shift all
# rows together), **repetitions** (trials of one stimulus: move them as a block), **runs** (a stimulus that was shown in one
# run only: stay within it). Averaged over repetitions, each row is another stimulus, and any row may change places.
#
# Return `"circular"`, `"blocks"`, `"rows within runs"` or `"rows"`, asking in that order. `stimuli` and `runs` have a name a row.


# %% tags=["exercise"]
def which_shuffle(time_ordered, stimuli, runs):
    return ...  # your answer here


# %%
exercises.check("own.which_shuffle", which_shuffle)

# %%
exercises.card("own.which_shuffle")

# %%
for why in dict.fromkeys(one.why for one in study.exchanges.values()):
    say(f"Here: **{why}**.")
report_page = plotting.Report(
    data.description.name,
    kind,
    [f"{name}: {said}" for name, said in page.parts],
)
skipped = study.skipped
for section, why in skipped.items():
    say(f"*Skipped here, the {section}: {why}.*")
    report_page.section(section.capitalize(), says=f"Skipped: {why}.")

# %% [markdown]
# ## The noise ceiling
#
# Where a stimulus was shown again, the difference between its showings is noise. What is left is the largest share of a voxel's
# variance that *any* model could predict: the [noise ceiling](glossary.md#noise-ceiling), from training stimuli alone. It also
# chooses the voxels for decoders: those above 8 percent.

# %%
ceilings = study.ceilings
rows = [
    (name, len(c), float(np.median(c)), 100 * float((c > 8).mean()))
    for name, c in ceilings.items()
]
if ceilings:
    shares = [share / 100 for *_, share in rows]
    claims.record("own.ceiling.share", over(shares), kind=kind)
    report_page.section(
        "Noise ceiling",
        says="How much of a single row of each voxel is signal.",
        says_not="Nothing of what the signal is about.",
    )
    head = ("participant", "voxels", "median (%)", "above 8 % (%)")
    say(report_page.table(head, rows, digits=1))

# %% Draw the noise ceilings tags=["fold"]
if ceilings:
    fig, ax = figure(width=6.4, height=3.0)
    ax.violinplot([c[np.isfinite(c)] for c in ceilings.values()], range(len(ceilings)), showmedians=True, showextrema=False)  # fmt: skip
    ax.set_xlim(-1.1, len(ceilings) - 0.4)
    plotting.plot_reference(ax, 8, "enters decoders")
    ax.set_xticks(range(len(ceilings)), list(ceilings))
    ax.set(xlabel="participant", ylabel="noise ceiling of one trial (%)")
    report_page.show(
        fig,
        f"{kind.capitalize()}: noise ceiling of every voxel, with the median. Above the line a voxel may enter the "
        f"decoders (at most {p.n_voxels} of a participant): {min(r[3] for r in rows):.0f} to {max(r[3] for r in rows):.0f} % do.",
    )

# %% [markdown]
# ## Decoding, between chance and ceiling
#
# Stimuli are split once for everybody: two thirds train, a sixth chooses the penalty, a sixth tests. No stimulus is on two
# sides. (A time series is cut into stretches instead, and the stretches at the cuts are left out.) A
# [ridge](glossary.md#ridge-regression) decoder goes to the leading components of the embeddings at equal variance.
# *Top-1*: the stimulus's own embedding is the nearest of the held-out ones. Its p-value gives held-out stimuli each other's
# embeddings, by the permutations above.
#
# And the ceiling? A decoder answers differently to each trial of one stimulus. The *repeatability* of its answers bounds the
# correlation that even a perfect embedding could have with them.

# %%
decoded = {name: study.decode(name, p.n_permutations) for name in names}
top = {name: one.score.top_k[1] for name, one in decoded.items()}
gain = [top[name].value - top[name].chance for name in names]
claims.record("own.decoding.top_1", over(gain), kind=kind)
rows = [
    (n, d.score.n_images, top[n], top[n].chance, d.test.p_value, d.r, d.ceiling)
    for n, d in decoded.items()
]
report_page.section(
    "Decoding",
    says="How often the held-out stimulus is told from all others.",
    says_not="Not which voxels carry it: weights are not patterns "
    "(chapter 09). Not that the brain uses this embedding: "
    "another one may be decoded as well.",
)
head = ("participant", "choices", "top-1", "chance", "p",
        "r, one trial", "ceiling of r")  # fmt: skip
say(report_page.table(head, rows, digits=(0, 0, 2, 3, 4, 2, 2)))

# %% Draw decoding between chance and ceiling tags=["fold"]
fig, axes = figure(1, 2, width=9.2, height=3.3)
nulls = [one.test.null for one in decoded.values()]
plotting.plot_null(
    range(len(names)), nulls, [top[n].value for n in names], axes[0]
)
plotting.plot_intervals(names, list(top.values()), axes[0], chance="")
axes[0].set(xlabel="participant", ylabel="top-1 accuracy")
axes[0].set_title(f"grey: permuted ({kind})", loc="left", fontsize=9.5)
has_r = [n for n in names if np.isfinite(decoded[n].ceiling)]
for k, n in enumerate(has_r):
    axes[1].bar(k, decoded[n].r, color=BLUE, width=0.6)
    axes[1].hlines(decoded[n].ceiling, k - 0.35, k + 0.35, ORANGE)
plotting.plot_reference(axes[1], 0, "")
if has_r:
    plotting.name_series(axes[1], {"decoded": BLUE, "ceiling": ORANGE})
    axes[1].set_xticks(range(len(has_r)), has_r)
else:
    axes[1].axis("off")
axes[1].set(xlabel="participant", ylabel="correlation, one trial")
axes[1].set_ylim(
    min(0, *(d.r for d in decoded.values() if d.r == d.r), 0), 1.35
)
report_page.show(
    fig,
    f"{kind.capitalize()}. Left: top-1 accuracy with its interval over held-out stimuli; the permuted values lie around "
    f"chance. Right, where trials are repeated: correlation of decoded and true components, below the ceiling that the "
    f"repeatability of the decoder's answers sets.",
)

# %% [markdown]
# ## Debiased CKA, with the shuffles that fit
#
# Decoding asks whether the embedding can be *read out*. [CKA](glossary.md#cka) asks whether two systems see the same
# likeness among the stimuli. Only the [debiased](glossary.md#debiased-cka) value, and only beside its shuffles. Where you gave
# regions, each is tested, and p is corrected for their number.

# %%
tables = {name: study.align(name, p.n_permutations) for name in names}
whole = [float(t.values[0, 0]) for t in tables.values()]
claims.record("own.cka.debiased", over(whole), kind=kind)
shuffled = [float(t.null[:, 0, 0].mean()) for t in tables.values()]
claims.record("own.cka.shuffled", over(shuffled), kind=kind)
rows = [
    (name, area, *own_study.of_column(t, k))
    for name, t in tables.items()
    for k, area in enumerate(t.columns)
]
report_page.section(
    "Debiased CKA",
    says="Whether stimuli that are alike in the embedding are alike in "
    "the responses. Shuffled: " + study.exchanges[names[0]].why + ".",
    says_not="A small value is no proof of absence. Values of areas "
    "with other voxels or noise do not rank the areas by themselves.",
)
head = ("participant", "area", "debiased CKA", "shuffled", "p, corrected")
written = report_page.table(head, rows, digits=(0, 0, 3, 3, 4))
say("\n".join(written.splitlines()[:12]))

# %% Draw debiased CKA of each area tags=["fold"]
areas = list(dict.fromkeys(area for _, area, *_ in rows))
fig, ax = figure(width=max(4.5, 1.1 * len(areas) + 2), height=3.3)
for k, area in enumerate(areas):
    own = [r for r in rows if r[1] == area]
    spot = k + np.linspace(-0.15, 0.15, len(own)) if len(own) > 1 else [k]
    ax.plot(spot, [r[2] for r in own], "o", color=BLUE)
    ax.plot(spot, [r[3] for r in own], "_", color=GREY, mew=2, ms=9)
plotting.plot_reference(ax, 0, "")
plotting.name_series(ax, {"a participant": BLUE, "its shuffles": GREY}, x=0.99)
ax.set_xticks(range(len(areas)), areas, rotation=20, ha="right")
ax.set(xlabel="area", ylabel="debiased CKA", ylim=(min(-0.02, ax.get_ylim()[0]), 1.3 * max(r[2] for r in rows) + 0.02))  # fmt: skip
report_page.show(
    fig,
    f"{kind.capitalize()}: debiased CKA of the embeddings with each area, a dot a participant. Over all voxels the mean is "
    f"{np.mean(whole):.3f}; that of the shuffles, the grey strokes, {np.mean(shuffled):.3f}.",
)

# %% [markdown]
# ## The gap, where there are texts
#
# If the folder holds embeddings of a text for each stimulus, in the same space, do the two sides lie apart? See
# [the contrastive gap](04_contrastive_gap.ipynb): a gap is no fault by itself, but distances across it mean little.

# %%
gap = study.gap()
if gap is not None:
    found = gap.as_row()
    shown = ("centroid_distance", "linear_separability", "paired_cosine",
             "recall_u_to_v@1")  # fmt: skip
    report_page.section(
        "Gap",
        says=f"Separability {gap.linear_separability:.2f}: 1 is a complete "
        f"gap, 0.5 is none. {gap.n_pairs} pairs.",
        says_not="Not whether closing it would help a task: ask the task.",
    )
    rows = [(name, found[name]) for name in shown if name in found]
    say(report_page.table(("measure", "value"), rows))

# %% [markdown]
# ## Shared concepts
#
# Decoders of several participants give every voxel a direction. Directions that several people have, that both halves of the
# stimuli reproduce, and that chance rows do not, are [shared](glossary.md#shared-concept) (chapter 10). The threshold is
# chosen by those counts; the bound of [false discovery](glossary.md#false-discovery-proportion) is printed. With two
# participants each has to have the concept, with three all three. And one rule more: where fewer than two participants were
# decoded above chance, nothing is claimed: directions of decoders that decode nothing mean nothing. And everybody's decoder starts
# from a seed of its own; with one seed for all, the same rows start alike, and agree for that. **Finding none is a result.**

# %%
found = own_concepts.find_own_concepts(study, p.profile, p.n_shuffles)
concepts = ()
if found is not None:
    chosen = found.setting
    n_decoded = sum(d.test.p_value <= 0.05 for d in decoded.values())
    is_claimed = found.is_allowed and n_decoded > 1
    at_most = chosen.false_discovery if is_claimed else 1.0
    bound = Interval(at_most, 0.0, at_most)
    claims.record("own.concepts.false_discovery", bound, kind=kind)
    if is_claimed:
        concepts = own_concepts.describe_own(study, found)
    verdict = (
        f"{chosen.n_reproduced} reproduced concepts, at most "
        f"{100 * at_most:.1f} % of their voxels by chance"
        if is_claimed
        else "nothing shared can be claimed: "
        + ("no setting kept to what is allowed" if n_decoded > 1
           else f"{n_decoded} participants are decoded above chance")
    )  # fmt: skip
    say(f"{kind.capitalize()}: **{verdict}**.")

# %%
if found is not None:
    report_page.section(
        "Shared concepts",
        says=verdict.capitalize() + ".",
        says_not="A name is a guess from the stimuli that lie highest. What "
        "several people share may be a confound that they all saw.",
    )
    rows = [
        (k, len(c.n_voxels), sum(c.n_voxels.values()),
         "yes" if c.is_reproduced else "no", "; ".join(c.highest))
        for k, c in enumerate(concepts)
    ]  # fmt: skip
    head = ("concept", "participants", "voxels", "in both halves",
            "highest stimuli")  # fmt: skip
    if rows:
        say(report_page.table(head, rows))

# %% [markdown]
# ## The report page
#
# Everything above, with what each number says and does not say, in one HTML file to send to a colleague. Every number comes
# from this run.

# %%
written = report_page.write(p.report)
say(f"Written: `{written.name}`, {written.stat().st_size / 1000:.0f} kB.")

# %% [markdown]
# ## Pitfall: a film is not a list of pictures
#
# Two slow time series that have nothing to do with each other look alike: when one is high for a minute, so, by luck, is the
# other. Shuffled row by row, both lose their slowness, and the true order looks special. A circular shift keeps it.
#
# Here are pairs of slow series that are unrelated, some 27 correlation times long. How many are called alike, at p ≤ .05, by
# each scheme? Guess first. (Make them much shorter, and circular shifts err too: their seam is like nothing in the data.)

# %%
rng = np.random.default_rng([p.seed, 99])
slow = np.exp(-np.arange(40) / 6)
alarms = {"rows": 0, "circular": 0}
for _ in range(p.n_pairs):
    noise = rng.standard_normal((2, 4, 199))
    x, y = (
        np.stack([np.convolve(row, slow, "valid") for row in side], axis=1)
        for side in noise
    )
    for scheme in alarms:
        test = alignment.permutation_test(
            x, y, 99, rng=rng, groups=np.zeros(160), scheme=scheme
        )
        alarms[scheme] += test.p_value <= 0.05
rates = {s: Interval.of_share(int(n), p.n_pairs) for s, n in alarms.items()}
claims.record("own.time.rows", rates["rows"])
claims.record("own.time.circular", rates["circular"])

# %% Draw false alarms of both schemes tags=["fold"]
fig, ax = figure(width=6, height=2.4)
plotting.plot_intervals(["shuffled row by row", "circular shifts"], list(rates.values()), ax, horizontal=True)  # fmt: skip
plotting.plot_reference(ax, 0.05, "nominal", vertical=True)
ax.set(xlabel="share of unrelated pairs with p ≤ .05", ylabel="scheme", ylim=(-0.6, 1.6), xlim=(0, 1))  # fmt: skip
plotting.show(
    fig,
    f"Simulated noise, {p.n_pairs} pairs, exact 95 % intervals: shuffled row by row, {rates['rows'].value:.0%} of unrelated "
    f"slow series are called alike; with circular shifts {rates['circular'].value:.0%}.",
)

# %% [markdown]
# ## On real data
#
# Two real studies can be written into this form, and then run as yours would be. Neurons of three monkeys who saw *different*
# pictures, so that only the embedding links them; and eight people with one film, whose description says
# `time_ordered = true`, so that everything is shifted and nothing shuffled:
#
# ```bash
# sdc data export-own v4 --source v4              # or --source studyforrest
# sdc data check v4
# sdc run 18 -p folder=v4 -p report=v4.html
# ```
#
# For your own, `sdc data export-own example` writes the simulated folder to compare with. A BIDS derivative folder needs a
# `study.toml` with `[bids]` and the embeddings beside it, and nothing else: maps are read under the names that nilearn's
# `save_glm_to_bids` gives them.
#
# ## Take-aways
#
# 1. Say how rows hang together before you compute: the description decides what is averaged, split and shuffled.
# 2. Every number stands between its chance and its ceiling, and a test exchanges only what is exchangeable.
# 3. A report says what its numbers do not say; and no shared concept is a result too.
#
# Further reading: `allen2022nsd` (ceilings), `murphy2024cka` (debiasing), `efird2025sdc` (shared concepts). Words: the
# [glossary](glossary.md). [Which null answers which question](nulls.md).
