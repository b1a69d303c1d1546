# %% [markdown]
# # Curriculum training: does the order matter?
#
# Children hear simple sentences before long ones. Does a small model that learns to describe pictures profit if its
# captions come in such an order, the *easy* ones first? A study of two families of models says yes, a little. The
# answer in one sentence: **a curriculum changes the order and also how much is seen, so compare it with a training
# that read as many words before you speak of order; what is then left is measured below, with its interval.** After Saha,
# Fahim, Fyshe and Murphy (2024), *Exploring Curriculum Learning for Vision-Language Tasks*, arXiv 2410.15509:
# `saha2024curriculum`.
#
# {{ minutes }}
#
# ## What you will do
#
# - say how difficult a caption is, and check the tagger that says so
# - write the sampler of a curriculum in ten lines, and count what each order never shows
# - find three faults that give no error message: an image that nobody looks at, pads in the loss, frozen weights
# - train a small captioner in two orders, and read the complete grid of trainings
# - hold the naive comparison against the fair one, and let intervals choose the words
#
# You need: what a loss is, and a confidence interval. Helpful: [the contrastive gap](03_contrastive_gap.ipynb).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 1  # which scenes and where every draw starts [0, 999999]
device: str = "auto"  # where to compute {auto, cpu, cuda}
family: str = "git"  # of the live training {git, flamingo}
n_scenes: int | None = None  # scenes of captions; None: the profile decides [100, 20000]
n_images: int | None = None  # pictures of the live training; None: the profile decides [30, 20000]
n_test: int | None = None  # held-out pictures of it; None: the profile decides [40, 2000]
n_seeds: int | None = None  # live trainings an order; None: the profile decides [1, 10]
n_blimp: int | None = None  # real sentence pairs a paradigm; None: the profile decides [20, 1000]
recompute: str = ""  # a cell to train again, such as git/C/curriculum/0; empty: none
captions_file: str = ""  # captions of your own, .tsv, .json or .jsonl; empty: none
real_data: bool = True  # run the sections on real sentences, where their files are available

# %%
import re
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from scipy.stats import spearmanr

from sdc_helpers import curriculum, exercises
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.curriculum import acceptability, caption_likelihood, plan_of
from sdc_helpers.curriculum.design import FAMILIES, ORDERS, TEXTS
from sdc_helpers.curriculum.materials import TASKS
from sdc_helpers.curriculum.schedule import samples_of_words
from sdc_helpers.curriculum.tokenizer import END, PAD, START
from sdc_helpers.datasets import (
    available,
    load_blimp,
    load_sugar_crepe,
    read_babylm,
    read_captions,
)
from sdc_helpers.embeddings import load_clip
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import (
    COLOURS,
    figure,
    label_line,
    plot_bars,
    plot_intervals,
    plot_pictures,
    plot_reference,
    plot_spread,
    show,
    table,
)
from sdc_helpers.scenes import LEXICON, captions, generate_scenes, render, tag_by_lexicon
from sdc_helpers.studies import load_grid, make_materials
from sdc_helpers.training import TrainingOptions

p = start(
    "04_curriculum",
    by_profile={
        "n_scenes": {"smoke": 200, "workshop": 1000, "full": 10_000},
        "n_images": {"smoke": 40, "workshop": 200, "full": 1000},
        "n_test": {"smoke": 40, "workshop": 100, "full": 400},
        "n_seeds": {"smoke": 1, "workshop": 2, "full": 3},
        "n_blimp": {"smoke": 40, "workshop": 200, "full": 1000},
    },
)
BLUE, ORANGE, GREEN, GREY, BLACK = (
    COLOURS[c] for c in ("blue", "orange", "green", "grey", "black")
)
COLOUR_OF = {"standard": BLACK, "curriculum": ORANGE, "cut": BLUE, "anti": GREEN}
COLOUR_OF["cut_samples"] = COLOURS["sky"]
NAMED = {"cut": "cut (words)", "cut_samples": "cut (samples)"}

# %% [markdown]
# ## How difficult is a caption?
#
# The study counts **nouns**: a caption that names more things asks more of a model. A *part-of-speech tagger* gives
# each word a tag (NN a noun, NNS its plural, NNP a name, DT an article and so on); a picture with several captions
# $c$ takes the largest count:
#
# $$ \text{difficulty}(\text{picture}) = \max_{c}\; \#\{w \in c : \text{tag}(w) \in \{\text{NN, NNS, NNP, NNPS}\}\} $$
#
# Words are counted, never the pieces into which a tokenizer cuts them. Our simulated scenes are described in a small
# English whose words are all known, so counting by hand takes a dictionary and three lines:


# %%
def nouns_by_hand(caption):
    words = re.findall(r"[^\s.,;:!?\"()]+", caption.lower())
    return sum(LEXICON[word] in ("noun", "name") for word in words)


scenes = generate_scenes(p.n_scenes, seed=10 * p.seed)
captions_of = captions(scenes)
sentences = [caption for of_scene in captions_of for caption in of_scene]
by_lexicon = curriculum.NounCount(tag_by_lexicon)(sentences)
assert [nouns_by_hand(s) for s in sentences] == by_lexicon.tolist()
difficulty = curriculum.image_difficulty(captions_of, curriculum.NounCount(tag_by_lexicon))
assert difficulty.tolist() == [max(map(nouns_by_hand, of_scene)) for of_scene in captions_of]
say(
    f"By hand and by `curriculum.NounCount` the same, for {len(sentences)} captions of {len(scenes)} simulated "
    "scenes. Two of them:\n\n"
    + "\n".join(
        f"- {nouns_by_hand(s)} nouns: *{s}*"
        for s in sorted(captions_of[0], key=nouns_by_hand)[:: len(captions_of[0]) - 1]
    )
)

# %% [markdown]
# Real English has no dictionary that knows every word's tag: "park" is a noun in one sentence and a verb in another.
# A tagger guesses. Below, TextBlob (rules after Brill) is held against the dictionary on simulated captions, and
# counts on real captions of COCO, those of SugarCrepe (`hsieh2023sugarcrepe`).

# %%
textblob, singular = (
    curriculum.NounCount("textblob"),
    curriculum.NounCount("textblob", plurals=False),
)
by_textblob = textblob(sentences)
without_plurals = curriculum.NounCount(tag_by_lexicon, plurals=False)(sentences)
agreement = spearmanr(by_lexicon, by_textblob)[0]
has_real = p.real_data and available("sugar_crepe")
if has_real:
    negatives = [item for kind in load_sugar_crepe().values() for item in kind]
    real_captions = list(dict.fromkeys(item.caption for item in negatives))
    real_nouns, real_singular = textblob(real_captions), singular(real_captions)
else:
    say("*The real captions are not here: `sdc data fetch sugar_crepe` gets them (1 MB).*")

panels = {"simulated captions": {"dictionary": by_lexicon, "TextBlob": by_textblob}}
if has_real:
    panels["real captions (COCO)"] = {
        "with plurals": real_nouns,
        "singular only": real_singular,
    }
fig, axes = figure(1, len(panels), width=4.6 * len(panels), height=3.3, squeeze=False)
for ax, (title, counts) in zip(axes[0], panels.items(), strict=True):
    for (name, values), colour, x in zip(counts.items(), (BLUE, ORANGE), (-0.2, 0.2), strict=True):
        shares = np.bincount(values.astype(int), minlength=12)[:12] / len(values)
        ax.bar(np.arange(12) + x, 100 * shares, width=0.4, color=colour)
        high = 8.5 if colour == BLUE else 8.0
        ax.annotate(name, (0.97, high / 10), xycoords="axes fraction", ha="right", color=colour)
    ax.set(xlabel="nouns in the caption", ylabel="captions (%)", xlim=(-0.7, 11.7))
    ax.set_xticks(range(0, 12, 2))
    ax.set_title(title, loc="left")
show(
    fig,
    f"Simulated, left: a tagger that guesses counts as the dictionary does in {100 * np.mean(by_lexicon == by_textblob):.0f} "
    f"percent of captions and ranks them alike (rank correlation {agreement:.2f})."
    + (
        f" Real, right: without plurals {100 * np.mean(real_singular == 0):.0f} percent of captions have no noun at all."
        if has_real
        else ""
    ),
)

# %%
odd = min(np.flatnonzero(by_textblob != by_lexicon), key=lambda i: len(sentences[i]))
say(
    f"**Where taggers differ** (simulated): nouns in *{sentences[odd]}*: {by_lexicon[odd]:.0f} by the dictionary, "
    f"{by_textblob[odd]:.0f} by TextBlob. The dictionary takes 'front' of 'in front of' for a part of the preposition, "
    "for instance, and TextBlob for a noun. **Plurals**: the study counts NN and NNP only. Then 'Two dogs.' has no noun, and "
    f"{100 * np.mean(without_plurals == 0):.0f}% of our simulated captions"
    + (f" ({100 * np.mean(real_singular == 0):.0f}% of the real ones)" if has_real else "")
    + f" count as having none; rank correlation with and without plurals {spearmanr(by_lexicon, without_plurals)[0]:.2f} "
    "(simulated). Here plurals count."
)
others = {
    "number of words": curriculum.WordCount()(sentences),
    "rarity of words": curriculum.WordRarity(sentences)(sentences),
}
say(
    "**Other measures** (simulated captions), rank correlation with the number of nouns: "
    + ", ".join(f"{name} {spearmanr(by_lexicon, v)[0]:+.2f}" for name, v in others.items())
    + ". Counting nouns is nearly counting words here; how rare the words are is another matter. A fourth measure, the "
    "loss of a trained model, comes below."
)


# %% [markdown]
# How sure are such correlations? Captions of one scene are alike, so draw whole *scenes* anew, with replacement.


# %%
def rank_correlation(x, y, n_draws=200):
    """Rank correlation over captions, with its interval for other scenes."""
    rng, n = np.random.default_rng([p.seed, 2]), len(scenes)
    of_scene = np.split(np.arange(len(x)), np.cumsum([len(c) for c in captions_of])[:-1])
    drawn = [np.concatenate([of_scene[i] for i in rng.integers(n, size=n)]) for _ in range(n_draws)]
    return Interval.from_resamples(spearmanr(x, y)[0], [spearmanr(x[d], y[d])[0] for d in drawn])


claims.record("curriculum.difficulty.taggers", rank_correlation(by_lexicon, by_textblob))
by_length = rank_correlation(by_lexicon, others["number of words"])
claims.record("curriculum.difficulty.length", by_length)

# %% [markdown]
# ## What the bins hold
#
# The study sorts pictures into four **cumulative bins** at the quartiles of difficulty: the first holds the easiest
# quarter, the second the easier half, the last everything. Pictures of equal difficulty are never separated, so a bin
# may hold more than its quarter. Is "more nouns" what you would call more difficult?

# %%
bins = curriculum.quantile_bins(difficulty, 4)
added = np.split(bins.members[-1], bins.counts[:-1])
rng = np.random.default_rng([p.seed, 1])
shown = [rng.choice(group, 3, replace=False) for group in added]
fig, axes = figure(4, 3, width=9.6, height=8.2)
longest = [max(captions_of[i], key=nouns_by_hand) for i in np.concatenate(shown)]
lows = [int(difficulty[group].min()) for group in added]
plot_pictures(
    render([scenes[i] for i in np.concatenate(shown)]),
    [text if len(text) < 105 else text[:100] + " ..." for text in longest],
    axes,
    rows=[
        f"bin {k + 1}: {low} nouns" if low == high else f"bin {k + 1}: {low} to {high} nouns"
        for k, (low, high) in enumerate(zip(lows, bins.thresholds.astype(int), strict=True))
    ],
    wrap=34,
)
n_words = [np.mean([len(max(captions_of[i], key=len).split()) for i in group]) for group in added]
show(
    fig,
    f"Simulated. What each bin adds, under the caption with most nouns: longest captions grow from "
    f"{n_words[0]:.0f} words on average in the first bin to {n_words[-1]:.0f} in the last, with more things in the "
    "picture.",
)

# %% [markdown]
# ## The sampler, and what it never shows
#
# A **pacing** says how much is let in when. The study makes two passes over each bin, shuffled: eight passes. Here is
# the whole sampler; `curriculum.curriculum_plan` gives the same samples in each pass.


# %%
def passes_by_hand(difficulty, n_bins=4, epochs_per_bin=2, rng=rng):
    ranked, n = np.sort(difficulty), len(difficulty)
    for k in range(n_bins):
        least = -(-(k + 1) * n // n_bins)  # (k + 1) / n_bins of all, rounded up
        members = np.flatnonzero(difficulty <= ranked[least - 1])  # ties stay together
        for _ in range(epochs_per_bin):
            yield rng.permutation(members)


pacing = curriculum.BinnedPacing(n_bins=4, epochs_per_bin=2)
plans = {
    order: curriculum.curriculum_plan(difficulty, order, pacing, seed=p.seed)
    for order in ("standard", "curriculum", "anti", "random")
}
begin = 0
for by_hand in passes_by_hand(difficulty):
    of_plan = plans["curriculum"].indices(begin, begin + len(by_hand))
    assert np.array_equal(np.sort(by_hand), np.sort(of_plan))
    begin += len(by_hand)
assert begin == len(plans["curriculum"])
share = len(plans["curriculum"]) / len(plans["standard"])

# %% [markdown]
# How much is seen can be counted in two ways, in **samples** and in **words**. Cut the standard order at as many of
# each as the curriculum sees (a sample is here a picture with all its captions):

# %%
words_of = np.array([sum(len(caption.split()) for caption in c) for c in captions_of])
n_words_seen = int(plans["curriculum"].exposure() @ words_of)
stops = {
    "cut": samples_of_words(plans["standard"], words_of, n_words_seen),
    "cut_samples": len(plans["curriculum"]),
}
for order, stop in stops.items():
    plans[order] = curriculum.curriculum_plan(
        difficulty, "standard", pacing, n_samples=stop, seed=p.seed
    )
seen_by = {
    order: np.array([len(plan), plan.exposure() @ words_of]) for order, plan in plans.items()
}
part_of = {order: seen / seen_by["standard"] for order, seen in seen_by.items()}
fewer = seen_by["curriculum"][1] / seen_by["cut_samples"][1]
rows = [
    [order, f"{samples:,}", f"{words:,}", *(f"{100 * x:.0f}%" for x in part_of[order])]
    for order, (samples, words) in seen_by.items()
    if order != "random"
]
head = ["order (simulated)", "samples seen", "words seen", "samples, of standard", "words, of it"]
say(
    table(head, rows)
    + "\n\n**Equal in samples is not equal in words.** Easy captions are short, and the curriculum "
    "sees them most often. So a standard order cut at as many samples reads more: the curriculum "
    f"has {fewer:.3f} of its words."
)

# %%
pacings = {
    "standard": (curriculum.Standard(8), BLACK),
    "four bins": (pacing, ORANGE),
    "linear": (curriculum.LinearPacing(8), GREEN),
    "root": (curriculum.RootPacing(8), BLUE),
}
ranked = np.sort(difficulty)

# %%
fig, axes = figure(1, 3, width=12.6, height=3.6, gridspec_kw={"width_ratios": (1, 1, 0.8)})
for name, (rule, colour) in pacings.items():
    shares = 100 * rule.counts(ranked) / len(ranked)
    axes[0].step(range(1, 9), shares, color=colour, where="mid")
    at, dx, dy = {
        "standard": (0, 0, 3),
        "four bins": (1, -0.45, -8),
        "linear": (4, -0.4, -8),
        "root": (1, -0.45, 3),
    }[name]
    axes[0].annotate(name, (at + 1 + dx, shares[at] + dy), color=colour)
for order in ("cut_samples", "cut", "curriculum", "anti"):
    seen = plans[order].exposure()
    levels = np.unique(difficulty)
    mean = [seen[difficulty == level].mean() for level in levels]
    axes[1].plot(levels, mean, "o-", ms=3, color=COLOUR_OF[order])
plot_reference(axes[1], 8, "standard: each picture in all 8 passes")
low, high = np.quantile(difficulty, (0.02, 0.98))
for text, x, y, order in (
    ("curriculum", 0.98, 2.2, "curriculum"), ("anti-curriculum", 0.36, 1.4, "anti"),
    ("cut (words)", 0.24, plans["cut"].exposure().mean() - 0.7, "cut"),
    ("cut (samples)", 0.28, plans["cut_samples"].exposure().mean() + 0.3, "cut_samples"),
):  # fmt: skip
    axes[1].annotate(
        text, (x, y), xycoords=("axes fraction", "data"), color=COLOUR_OF[order], ha="right"
    )
axes[0].set(xlabel="pass", ylabel="pictures let in (%)", ylim=(0, 113))
axes[0].set_title("Pacing (simulated scenes)", loc="left")
axes[1].set(
    xlabel="difficulty of the picture (nouns)", ylabel="times it is seen", ylim=(0, 9.6),
    xlim=(low - 0.5, high + 0.5),
)  # fmt: skip
axes[1].set_title("Exposure", loc="left")
counted = ("curriculum", "cut", "cut_samples", "anti")
for x, marker in enumerate("os"):
    axes[2].plot(
        [100 * part_of[order][x] for order in counted], range(4), marker, color=(GREY, BLACK)[x]
    )
    axes[2].annotate(
        f"{'●■'[x]} {('samples', 'words')[x]}", (0.03, 0.95 - 0.09 * x), va="top",
        xycoords="axes fraction", color=(GREY, BLACK)[x],
    )  # fmt: skip
axes[2].set_yticks(range(4), [NAMED.get(order, order) for order in counted])
axes[2].set(
    xlabel="seen, of the standard order (%)", ylabel="order", xlim=(50, 100), ylim=(-0.5, 4.6)
)
axes[2].set_title("Samples and words", loc="left")
show(
    fig,
    "Simulated. Left: what each pacing lets in. Middle: the curriculum shows the easiest pictures "
    "8 times and the most difficult 2 times; cutting the standard order takes the same from every "
    "picture. Right: the curriculum sees "
    f"{100 * share:.0f} percent of the standard order's samples and "
    f"{100 * part_of['curriculum'][1]:.0f} percent of its words; the anti-curriculum "
    f"{100 * part_of['anti'][0]:.0f} and {100 * part_of['anti'][1]:.0f}.",
)

# %% [markdown]
# This is the **confound** of every such study: a curriculum that lets samples in gradually also sees *fewer* of them.
# In the study it sees 15.05 million samples and the standard order 23.13 million, 65 percent. If it loses, is it the
# order, or the smaller diet? If it wins, it does so on less. So there are five arms here:
#
# - **standard**: everything, shuffled, eight passes;
# - **curriculum**: easy pictures first;
# - **cut**: the standard order, stopped when it has read as many words as the curriculum does (*equal words*): the
#   main comparison;
# - **cut_samples**: the standard order, stopped after as many samples (*equal samples*), to be seen beside it;
# - **anti**: the hardest first, as a check that it is *this* order and not any.
#
# In PyTorch's own terms, `CurriculumSampler(plan)` goes into a `DataLoader`.

# %%
if has_real:
    study_bins = curriculum.threshold_bins(real_nouns, (3, 4, 6))
    say(
        "The study's bins (fewer than 3, 4, 6 nouns, all) hold 29, 52, 79 and 100% of its pictures. The real captions above, "
        f"one at a time, divide into {', '.join(f'{100 * s:.0f}' for s in study_bins.shares)}% with plurals and "
        f"{', '.join(f'{100 * s:.0f}' for s in curriculum.threshold_bins(real_singular, (3, 4, 6)).shares)}% without: "
        "thresholds do not travel from one set of captions to another, quantiles do."
    )

# %% [markdown]
# ## Two families of models, and three traps
#
# - **GIT** (`wang2022git`) puts the picture's patches in front of the words and decodes the caption after them: one
#   transformer, one sequence.
# - **Flamingo** (`alayrac2022flamingo`) is a language model into which layers of **gated cross-attention** are set:
#   words look at the picture through a gate $\tanh(\alpha)$. The paper starts it shut, $\alpha = 0$, so that a
#   language model that is trained already is not disturbed. Ours learn from scratch and start with it open: from shut
#   gates a small model may never begin to look. A placeholder token in the text says where the picture stands, and
#   only words after it look at it.
#
# Both see a picture as the feature map of the course's frozen small CLIP, and minimise the negative log-likelihood of
# each caption's tokens, $-\frac1T \sum_t \log p(w_t \mid w_{<t}, \text{picture})$, $T$ counting words and not
# **pads** (the filling that makes captions of a batch equally long).

# %%
design = curriculum.StudyDesign(
    n_images=p.n_images, n_sentences=5 * p.n_images, n_test=p.n_test, data_seed=p.seed
)
clip = load_clip(device=p.device)
materials = make_materials(design, clip)
shape = tuple(materials.pictures.shape[1:])
vocabulary = materials.tokenizer.vocabulary_size
git, flamingo = (
    curriculum.Captioner(family, "tiny", vocabulary, shape, seed=p.seed) for family in FAMILIES
)
tokens = materials.tokens[:64]
tokens = tokens[:, : int((tokens != PAD).sum(1).max())]
own = materials.pictures[torch.from_numpy(materials.image_of[:64])]
others = own.roll(design.n_captions, 0)  # those of another picture


@torch.no_grad()
def picture_matters(model, tokens):
    """Mean change of a token's loss when the picture is exchanged, nats."""
    return float(
        (model.token_losses(own, tokens) - model.token_losses(others, tokens)).abs().mean()
    )


no_placeholder = torch.where(tokens == START, END, tokens)  # nothing says where the picture stands
gates = [gate for name, gate in flamingo.named_parameters() if "alpha" in name]
effects = {"GIT": picture_matters(git, tokens)}
for name, alpha in {"Flamingo,\ngates shut": 0.0, "gates\nopen": 1.0}.items():
    for gate in gates:
        torch.nn.init.constant_(gate, alpha)
    effects[name] = picture_matters(flamingo, tokens)
effects["open, no\nplaceholder"] = picture_matters(flamingo, no_placeholder)

# %%
padding = np.arange(0, 41, 5)
with torch.no_grad():
    losses = git.token_losses(own, tokens)
n_real = int((tokens[:, 1:] != PAD).sum())
right = np.array([float(losses.sum()) / n_real] * len(padding))
diluted = np.array([float(losses.sum()) / (losses.numel() + len(losses) * n) for n in padding])

fig, axes = figure(1, 2, width=9.6, height=3.4)
plot_bars({k: [v] for k, v in effects.items()}, axes[0], colours=(BLUE, BLUE, BLUE, ORANGE))
for i, value in enumerate(effects.values()):
    axes[0].annotate(
        f"{value:.1g}", (i, value), xytext=(0, 3), textcoords="offset points", ha="center"
    )
axes[0].set(xlabel="untrained model", ylabel="change of loss with the picture (nats)")
axes[0].margins(y=0.15)
axes[1].plot(padding, right, "o-", ms=4, color=BLUE)
axes[1].plot(padding, diluted, "o-", ms=4, color=ORANGE)
label_line(axes[1], padding[2], right[2], "words only", BLUE, dy=-10)
label_line(axes[1], padding[2], diluted[2], "pads in the mean", ORANGE, dy=10)
axes[1].set(
    xlabel="columns of pads added to the batch",
    ylabel="loss of the same model (nats)",
    ylim=(0, None),
)
axes[0].set_title("Does it see the picture? (simulated)", loc="left")
axes[1].set_title("Is that progress? (simulated)", loc="left")
show(
    fig,
    f"Simulated. Left: shut gates, or a forgotten placeholder (orange), and the loss is exactly the same for any picture. "
    f"Right: adding {padding[-1]} columns of pads takes the loss of one and the same model from {diluted[0]:.1f} to "
    f"{diluted[-1]:.1f} if pads count.",
)

# %%
from transformers import IdeficsForVisionText2Text

frozen = deepcopy(flamingo.decoder.config)
frozen.freeze_text_layers = frozen.freeze_vision_layers = True  # what transformers does by default
by_default = IdeficsForVisionText2Text(frozen)


def trained_share(model):
    sizes = [(q.numel(), q.requires_grad) for q in model.parameters()]
    return sum(n for n, trained in sizes if trained) / sum(n for n, _ in sizes)


n_parameters = {m.family: sum(q.numel() for q in m.parameters()) for m in (git, flamingo)}
say(
    "**The third trap.** A Flamingo built with the library's defaults expects pretrained weights and freezes its text and "
    f"vision layers: from scratch, only {100 * trained_share(by_default):.0f}% of these parameters would ever change, and nothing says "
    f"so. Here all are trained: {100 * trained_share(flamingo):.0f}%. (Size `tiny`: GIT "
    f"{n_parameters['git'] / 1e3:.0f} thousand parameters, Flamingo {n_parameters['flamingo'] / 1e3:.0f} thousand.)"
)
claims.record("curriculum.traps.placeholder", effects["open, no\nplaceholder"])

# %% [markdown]
# ## Train one yourself
#
# A small live version, of a few hundred updates: the same weights to begin with, the same pictures, two orders. The
# learning rate is constant and both shuffle alike, so the arms that are **cut** need no training of their own: they
# *are* the standard run, as it was when it had read as many words, or seen as many samples, as the curriculum in all.

# %%
pairs = curriculum.CaptionPairs(materials.pictures, materials.tokens, materials.image_of)


def train(order, seed):
    model = curriculum.Captioner(p.family, "tiny", vocabulary, shape, seed=seed)
    plan = plan_of(design, materials.difficulty, order, seed, materials.n_words)
    batches = curriculum.PlanBatches(plan, design.batch_size)
    options = TrainingOptions(
        design.warmup_steps, design.batch_size, lr=design.lr, warmup_steps=design.warmup_steps,
        schedule="constant", gradient_clip=1.0, seed=seed,
    )  # fmt: skip
    history = curriculum.train_on_captions(
        model, pairs, batches, options, evaluate_every=max(1, batches.n_steps // 8), device=p.device,
        evaluate=lambda _: {"held_out": materials.held_out_loss(model)},
    )  # fmt: skip
    curve = history.table.dropna(subset="held_out")
    words = [plan.exposure(int(stop)) @ materials.n_words for stop in curve["samples_seen"]]
    return model, curve[["samples_seen", "held_out"]].assign(words=words).to_numpy()


live = {
    (order, s): train(order, 100 * p.seed + s)
    for order in ("standard", "curriculum")
    for s in range(p.n_seeds)
}
with_pictures = {key: materials.losses(model) for key, (model, _) in live.items()}
curves = {
    order: np.stack([live[order, s][1] for s in range(p.n_seeds)])
    for order in ("standard", "curriculum")
}  # of each seed: samples, loss, words
final = {order: of_order[:, -1, 1] for order, of_order in curves.items()}
for order, column in (("cut_samples", 0), ("cut", 2)):
    final[order] = np.array(
        [
            np.interp(easy_first[-1, column], whole[:, column], whole[:, 1])
            for whole, easy_first in zip(curves["standard"], curves["curriculum"], strict=True)
        ]
    )

# %%
fig, axes = figure(1, 2, width=9.6, height=3.6)
for order in ("standard", "curriculum"):
    words = curves[order][:, :, 2].mean(axis=0)
    plot_spread(words, curves[order][:, :, 1].T, axes[0], colour=COLOUR_OF[order], marker="o", ms=3)
    axes[0].annotate(
        order, (0.98, {"standard": 0.72, "curriculum": 0.64}[order]), xycoords="axes fraction", ha="right",
        color=COLOUR_OF[order],
    )  # fmt: skip
equal_words = curves["curriculum"][:, -1, 2].mean()
plot_reference(axes[0], equal_words, "equal words", vertical=True)
axes[0].set(xlabel="words seen", ylabel="loss of held-out captions (nats a token)")
axes[0].set_title(f"Learning curves, {p.family} (simulated)", loc="left")
plot_bars(
    {
        f"{order},\n{name} picture": [
            with_pictures[order, s][key] - with_pictures[order, s]["right"]
            for s in range(p.n_seeds)
        ]
        for order in ("standard", "curriculum")
        for key, name in (("wrong", "wrong"), ("none", "no"))
    },
    axes[1],
    colours=(ORANGE, GREY, ORANGE, GREY),
)
plot_reference(axes[1], 0, "")
axes[1].set(
    xlabel="order, and what is shown with the held-out caption",
    ylabel="loss over that with the right picture (nats)",
)
axes[1].set_title("Is the picture used? (simulated)", loc="left")
gap = {key: losses["wrong"] - losses["right"] for key, losses in with_pictures.items()}
show(
    fig,
    f"Simulated, {p.n_seeds} seeds. Left: at the end the curriculum's loss is {final['curriculum'].mean():.2f}, the standard "
    f"order's {final['standard'].mean():.2f}; at equal words (dashed) the standard order's is {final['cut'].mean():.2f}, at equal samples "
    f"{final['cut_samples'].mean():.2f}. Right: a "
    f"wrong picture costs {np.mean(list(gap.values())):.2f} nats a token on average over the runs.",
)

# %%
own_picture = np.arange(p.n_test)
right, wrong = [], []
for model, _ in live.values():
    score = curriculum.Scorer(model, materials.tokenizer, materials.test_pictures)
    right.append(caption_likelihood(score, materials.test_captions, own_picture))
    exchanged = caption_likelihood(score, materials.test_captions, np.roll(own_picture, 1))
    wrong.append(replace(exchanged, units=own_picture))  # paired by caption
used = curriculum.paired_difference(right, wrong).difference
claims.record("curriculum.live.picture_used", used)

# %%
model, _ = live["standard", 0]
score = curriculum.Scorer(model, materials.tokenizer, materials.pictures)
train_captions = [caption for of_one in materials.captions for caption in of_one]
by_loss = curriculum.ModelLoss(score, materials.image_of)(train_captions)
loss_nouns = spearmanr(by_loss, curriculum.NounCount(tag_by_lexicon)(train_captions))[0]
say(
    "**The fourth measure of difficulty**, the loss of this trained model (simulated): rank correlation with the number of nouns "
    f"{loss_nouns:+.2f}. "
    + (
        "Captions with many nouns cost it more a token as well. "
        if loss_nouns > 0.2
        else "Token by token, captions with many nouns are the easier ones: what stands at their beginning tells how they go on. "
        if loss_nouns < -0.2
        else "The two have little to do with each other. "
    )
    + "What counts as difficult is a choice, and it decides what the curriculum does."
)

# %% [markdown]
# ## The complete grid
#
# Two families × with or without **text pretraining** (T+C: sentences first, then captions; C: captions alone) × five
# orders × three seeds. That takes longer than a workshop, so it was computed once and *recorded*; one command makes
# it again, and `recompute` any single cell of it.

# %%
grid = load_grid()
made, seeds = grid.made, sorted({cell.seed for cell in grid.results})
CONDITIONS = {
    (f, t): f"{f.upper() if f == 'git' else 'Flamingo'}, {t}" for f in FAMILIES for t in TEXTS
}
say(
    f"Recorded on {made['date']} (simulated scenes): {len(grid.results)} trainings on {grid.design.n_images} pictures with "
    f"{grid.design.n_captions} captions each, seeds {', '.join(map(str, seeds))}; {made['minutes_of_training']:.0f} minutes of training "
    f"in {made['processes']} processes on {made['hardware']}, revision `{made['git_revision'][:9]}`. "
    + (
        f"The order `{made['added']['order']}` was added on {made['added']['date']} "
        f"({made['added']['hardware']}). "
        if "added" in made
        else ""
    )
    + "Again: `sdc curriculum grid --out DIR`."
)

# %%
mean_of = {
    what: {
        order: np.mean([getattr(r, what) for c, r in grid.results.items() if c.order == order])
        for order in ORDERS
    }
    for what in ("n_samples", "n_words")
}
exposure, words = mean_of.values()
rows = []
for what, counts in (("samples", exposure), ("words", words)):
    shares = [f"{100 * counts[o] / counts['standard']:.0f}%" for o in ORDERS]
    of_easy = [f"{counts[o] / counts['curriculum']:.3f}" for o in ORDERS]
    rows += [
        [f"{what} seen", *(f"{counts[o]:,.0f}" for o in ORDERS)],
        [f"{what}, share of the standard order", *shares],
        [f"{what}, times those of the curriculum", *of_easy],
    ]
say(
    table(["recorded, simulated", *ORDERS], rows) + "\n\nAt as many samples the curriculum reads "
    f"{words['curriculum'] / words['cut_samples']:.3f} of the words (easy captions are short), so "
    "the main comparison is with `cut`, at equal words."
)

# %%
if p.recompute:
    cell = curriculum.Cell.from_name(p.recompute)
    again = curriculum.run_cell(
        cell, grid.design, make_materials(grid.design, clip), device=p.device
    )
    recorded = grid.results[cell]
    say(
        f"`{cell.name}` again (simulated): "
        + "; ".join(
            f"{task} {again.evaluations[task].accuracy:.3f}, recorded {recorded.evaluations[task].accuracy:.3f}"
            for task in TASKS
        )
        + f"; held-out loss {again.losses['right']:.3f}, recorded {recorded.losses['right']:.3f}."
    )

# %% [markdown]
# Everything is asked by likelihood, of pictures and sentences that were held out:
#
# - **minimal pairs**: which of two captions with the same words is that of the picture, one picture at a time, as in
#   the study; chance is one half. (Winoground's own *text score*, `thrush2022winoground`, counts a pair only if both
#   its pictures are right: chance is one quarter);
# - **questions**: which of eight ways to fill a blank is true of the picture; chance is one eighth. Asked again with
#   a wrong picture and with none, as a control;
# - **acceptability**: which of two sentences is grammatical, without a picture (as BLiMP, `warstadt2020blimp`); one
#   half.

# %%
fig, axes = figure(2, 2, width=9.6, height=6.2, sharex=True, sharey=True)
for ax, (condition, title) in zip(axes.flat, CONDITIONS.items(), strict=True):
    for order in ("anti", "standard", "curriculum"):
        runs = [
            r for c, r in grid.results.items() if (c.family, c.text, c.order) == (*condition, order)
        ]
        curves = np.stack([r.curve for r in runs])
        plot_spread(curves[0, :, 0], curves[:, :, 1].T, ax, colour=COLOUR_OF[order])
    plot_reference(ax, exposure["cut"], "", vertical=True)
    plot_reference(ax, exposure["cut_samples"], "", vertical=True)
    ax.set_title(f"{title} (recorded, simulated)", loc="left")
for ax in axes[1]:
    ax.set_xlabel("samples seen")
for ax in axes[:, 0]:
    ax.set_ylabel("held-out loss (nats a token)")
best = min(loss for result in grid.results.values() for _, loss in result.curve)
axes[0, 0].set_ylim(best - 0.05, 2 * best)
for order, y in (("standard", 0.9), ("curriculum", 0.8), ("anti", 0.7)):
    axes[0, 1].annotate(order, (0.35, y), xycoords="axes fraction", color=COLOUR_OF[order])
for text, order, dx, ha in (
    ("equal\nwords", "cut", -4, "right"),
    ("equal\nsamples", "cut_samples", 4, "left"),
):
    axes[0, 0].annotate(text, (exposure[order], 0.97), xycoords=("data", "axes fraction"), xytext=(dx, 0),
                        textcoords="offset points", ha=ha, va="top", color=GREY, fontsize=8.5)  # fmt: skip
of_loss = {
    order: np.array([r.losses["right"] for c, r in grid.results.items() if c.order == order])
    for order in ORDERS
}
half = exposure["curriculum"] / 2
behind = {
    order: np.mean(
        [
            np.interp(
                half, *np.transpose(grid.results[curriculum.Cell(*condition, order, s)].curve)
            )
            for condition in CONDITIONS
            for s in seeds
        ]
    )
    for order in ("standard", "curriculum")
}
show(
    fig,
    f"Simulated, recorded; bands: range over {len(seeds)} seeds. Half way to its end the curriculum, "
    f"still without the difficult pictures, has a loss of {behind['curriculum']:.2f}, the standard "
    f"order of {behind['standard']:.2f}. At its end it has {of_loss['curriculum'].mean():.2f}, on "
    f"average over the conditions. The standard order has {of_loss['cut'].mean():.2f} after as many "
    f"words (left dashed line), {of_loss['cut_samples'].mean():.2f} after as many samples (right), "
    f"and {of_loss['standard'].mean():.2f} at its own end; the anti-curriculum ends at "
    f"{of_loss['anti'].mean():.2f}.",
)

# %%
uses_picture = {c: r.losses["wrong"] - r.losses["right"] for c, r in grid.results.items()}
blind = {
    name: [c for c, rise in uses_picture.items() if (c.family, c.text) == condition and rise < 0.01]
    for condition, name in CONDITIONS.items()
}
n_each = len(grid.results) // len(CONDITIONS)
n_blind = sum(map(len, blind.values()))
say(
    "**Look before you compare** (recorded, simulated). With a wrong picture the loss of a held-out caption rises by "
    f"{np.mean(list(uses_picture.values())):.2f} nats a token on average. "
    + (
        f"But in **{n_blind} of {len(grid.results)}** trainings it rises by less than 0.01: these models do not use the "
        "picture at all, whatever they are asked ("
        + "; ".join(f"{len(cells)} of {n_each} of {name}" for name, cells in blind.items() if cells)
        + "). No error message told, and their loss looks good. What they score on pictures says nothing of an order."
        if n_blind
        else "There is no training in which it does not."
    )
)

# %%
asked = {"minimal pairs": 0.5, "questions": 0.125, "acceptability": 0.5}
scores = {
    (task, condition, order): curriculum.across_seeds(grid.evaluations(*condition, order, task))
    for task in TASKS
    for condition in CONDITIONS
    for order in ORDERS
}
drawn = [order for order in ORDERS if order != "cut_samples"]  # that one is in the table
fig, axes = figure(1, 3, width=10.4, height=3.9)
for ax, (task, chance) in zip(axes, asked.items(), strict=True):
    for k, order in enumerate(drawn):
        of_order = [scores[task, condition, order] for condition in CONDITIONS]
        x = np.arange(len(of_order)) + 0.17 * (k - 1.5)
        plot_intervals([], of_order, ax, positions=x, colour=COLOUR_OF[order], chance="")
    plot_reference(ax, chance, "chance")
    ax.set_xticks(range(4), [name.replace(", ", "\n") for name in CONDITIONS.values()], fontsize=8)
    ax.set(xlabel="family, text", ylabel="right answers (share)")
    ax.set_title(f"{task} (simulated)", loc="left")
    ax.set_xlim(-1, 3.6)
    if task == "minimal pairs":
        ax.set_ylim(0.4, 0.7)
for k, order in enumerate(drawn):
    axes[2].annotate(
        NAMED.get(order, order),
        (0.12 + 0.45 * (k % 2), 0.5 - 0.08 * (k // 2)),
        xycoords="axes fraction",
        color=COLOUR_OF[order],
    )
mean_score = {
    t: np.mean([scores[t, c, o].value for c in CONDITIONS for o in ORDERS]) for t in TASKS
}
show(
    fig,
    f"Simulated, recorded; dots are seeds, lines 95 percent intervals over items and seeds. On average over all runs minimal pairs score "
    f"{mean_score['minimal pairs']:.2f} (chance 0.50), questions {mean_score['questions']:.2f} (chance 0.12), acceptability "
    f"{mean_score['acceptability']:.2f} (chance 0.50). Compare the distances between orders with the lines.",
)

# %%
rows = [
    [task, name, *(scores[task, condition, order] for order in ORDERS)]
    for task in asked
    for condition, name in CONDITIONS.items()
]
say(
    "Recorded, simulated; mean over seeds with its 95% interval over items and seeds:\n\n"
    + table(["task", "family, text", *ORDERS], rows)
)

# %% [markdown]
# ## Pitfall: comparing trainings that saw different data
#
# Here is the comparison that suggests itself, *curriculum minus standard*, beside the main one at equal words,
# *curriculum minus cut*, and the one at equal samples, *curriculum minus cut_samples*. The check that the direction
# matters is *anti minus cut_samples*: about as many samples, but more words, for which anti has to thank its long
# captions. The differences are **paired**: same pictures, same questions, same seeds, so that what is hard for all
# cancels. An interval that holds zero says: these items and seeds cannot tell.


# %%
def pooled(order, task, conditions=tuple(CONDITIONS), less=None):
    """Each seed's answers, averaged over conditions; minus those of another order if asked for."""
    found = []
    for s in range(len(seeds)):
        of_seed = [grid.evaluations(*condition, order, task)[s] for condition in conditions]
        correct = np.mean([e.correct for e in of_seed], axis=0)
        if less:
            correct = correct - pooled(less, task, conditions)[s].correct
        found.append(replace(of_seed[0], correct=correct))
    return found


COMPARISONS = {
    "naive: curriculum - standard": ("curriculum", "standard"),
    "equal words: curriculum - cut": ("curriculum", "cut"),
    "equal samples: curriculum - cut_samples": ("curriculum", "cut_samples"),
    "more words: anti - cut_samples": ("anti", "cut_samples"),
}
GROUPS = {**{name: (c,) for c, name in CONDITIONS.items()}, "all four": tuple(CONDITIONS)}
differences = {
    (comparison, task, group): curriculum.paired_difference(
        pooled(first, task, conditions), pooled(second, task, conditions)
    ).difference
    for comparison, (first, second) in COMPARISONS.items()
    for task in asked
    for group, conditions in GROUPS.items()
}


VERDICTS = {
    "above": "helps",
    "below": "harms",
    "undecided": "makes no difference that these seeds can show",
}
SIDES = {"above": GREEN, "below": ORANGE, "undecided": GREY}


def verdict(difference):
    return VERDICTS[difference.against(0)]


# %%
fig, axes = figure(1, 4, width=12.6, height=4.6, sharey=True, sharex=True)
labels = []
for ax, comparison in zip(axes, COMPARISONS, strict=True):
    y, labels = 0.0, []
    for task in asked:
        for group in GROUPS:
            d = differences[comparison, task, group].scaled(100)
            plot_intervals([], [d], ax, positions=[y], horizontal=True, colour=SIDES[d.against(0)],
                           lw=3 if group == "all four" else 1.5)  # fmt: skip
            labels.append((y, f"{task}: {group}" if group == "all four" else group))
            y += 1
        y += 0.8
    plot_reference(ax, 0, "", vertical=True)
    ax.set_title(comparison.replace(": ", "\n"), loc="left", fontsize=10)
    ax.set_xlabel("difference (points)")
axes[0].set_yticks(*zip(*labels, strict=True), fontsize=8.5)
axes[0].set_ylabel("task and condition")
axes[0].invert_yaxis()
naive, fair, by_samples, anti = COMPARISONS
counts = {
    c: [
        sum(verdict(differences[c, t, g]) == v for t in asked for g in CONDITIONS.values())
        for v in ("helps", "harms")
    ]
    for c in COMPARISONS
}
show(
    fig,
    "Simulated, recorded; percentage points, dots are seeds, lines 95 percent intervals, green above "
    "zero, orange below, grey cannot tell. Of 12 single comparisons the naive one finds help in "
    f"{counts[naive][0]} and harm in {counts[naive][1]}; at equal words it is {counts[fair][0]} and "
    f"{counts[fair][1]}; at equal samples {counts[by_samples][0]} and {counts[by_samples][1]}; anti, "
    f"with {words['anti'] / words['cut_samples']:.2f} of the words, {counts[anti][0]} and "
    f"{counts[anti][1]}.",
)

# %%
interaction = {
    task: curriculum.paired_difference(
        *(
            pooled("curriculum", task, [c for c in CONDITIONS if c[1] == text], less="cut")
            for text in ("T+C", "C")
        )
    ).difference
    for task in asked
}
say(
    "**Together with text pretraining?** How much more the curriculum adds (to cut, at equal words) "
    "with text first than without it, percentage points, recorded, simulated: "
    + "; ".join(
        f"{task} {100 * d.value:+.1f} [{100 * d.low:+.1f}, {100 * d.high:+.1f}]"
        for task, d in interaction.items()
    )
    + "."
)


def loss_difference(first, second):
    """Held-out loss, first minus second, of each condition and seed."""
    return np.array(
        [
            [
                grid.results[curriculum.Cell(*condition, first, s)].losses["right"]
                - grid.results[curriculum.Cell(*condition, second, s)].losses["right"]
                for s in seeds
            ]
            for condition in CONDITIONS
        ]
    )


loss_of = {c: loss_difference(*orders) for c, orders in COMPARISONS.items()}
all_four = {c: Interval.over_seeds(by_seed.mean(axis=0)) for c, by_seed in loss_of.items()}
head = ["held-out loss, nats a token (recorded, simulated)", *CONDITIONS.values()]
rows = [
    [c, *(f"{row.mean():+.3f} ({row.min():+.3f} to {row.max():+.3f})" for row in per_condition)]
    for c, per_condition in loss_of.items()
]
say(
    table(head, rows)
    + f"\n\nMean over {len(seeds)} seeds and their range; below zero the first is better. All four "
    "conditions together, with the 95% interval for other seeds: "
    + "; ".join(f"{c} {d.value:+.4f} [{d.low:+.4f}, {d.high:+.4f}]" for c, d in all_four.items())
    + ". Against as many *words* and against as many *samples* are two questions, and here the sign "
    "of the mean "
    + ("differs." if all_four[fair].value * all_four[by_samples].value < 0 else "is the same.")
    + (
        " But not one of these intervals excludes zero."
        if all(d.against(0) == "undecided" for d in all_four.values())
        else ""
    )
)

# %% [markdown]
# ## More pitfalls: one seed, and an image that is not used
#
# **One seed.** Train once in each order, compare on the same questions, and let only the questions vary in the
# interval: this says what *other questions* would give to *these two models*. It does not know that another start
# would have given other models.
#
# **No image use.** A captioner can be right about much without looking. Only the same questions with a wrong picture
# tell.

# %%
single = [
    curriculum.paired_difference(
        grid.evaluations(*condition, "curriculum", "questions")[s : s + 1],
        grid.evaluations(*condition, "cut", "questions")[s : s + 1],
    ).difference.scaled(100)
    for condition in CONDITIONS
    for s in range(len(seeds))
]
fig, axes = figure(1, 2, width=10, height=3.7)
x = [i + 1.2 * (i // len(seeds)) for i in range(len(single))]
plot_intervals([], single, axes[0], positions=x, colour=[SIDES[d.against(0)] for d in single])
plot_reference(axes[0], 0, "")
centres = [(len(seeds) + 1.2) * k + (len(seeds) - 1) / 2 for k in range(4)]
axes[0].set_xticks(centres, [name.replace(", ", "\n") for name in CONDITIONS.values()])
axes[0].set(xlabel="family, text; a dot a seed", ylabel="curriculum - cut (percentage points)")
axes[0].set_title("Questions, seed by seed (recorded, simulated)", loc="left")
controls = {"questions": BLUE, "questions, wrong picture": ORANGE, "questions, no picture": GREY}
for k, (task, colour) in enumerate(controls.items()):
    for i, condition in enumerate(CONDITIONS):
        found = scores[task, condition, "standard"]
        axes[1].bar(i + 0.27 * (k - 1), found.value, width=0.25, color=colour)
        axes[1].plot(
            np.repeat(i + 0.27 * (k - 1), len(seeds)), found.by_seed, ".", ms=5, color=BLACK
        )
    axes[1].annotate(("right picture", "wrong picture", "no picture")[k], (0.98, 0.97 - 0.08 * k),
                     xycoords="axes fraction", ha="right", va="top", color=colour)  # fmt: skip
plot_reference(axes[1], 0.125, "chance")
axes[1].set_xticks(range(4), [name.replace(", ", "\n") for name in CONDITIONS.values()])
axes[1].set(xlabel="family, text", ylabel="right answers (share)", xlim=(-1.1, 3.6))
axes[1].set_ylim(0, 1.4 * axes[1].get_ylim()[1])
axes[1].set_title("Standard order (recorded, simulated)", loc="left")
together = [differences[fair, "questions", g] for g in CONDITIONS.values()]
show(
    fig,
    f"Simulated, recorded. Left: of {len(single)} comparisons of a single seed, {sum(d.low > 0 for d in single)} would be reported as help and "
    f"{sum(d.high < 0 for d in single)} as harm; with all seeds in the interval {sum(d.low > 0 for d in together)} and "
    f"{sum(d.high < 0 for d in together)} of 4. Right: with a wrong picture questions fall to "
    f"{np.mean([scores['questions, wrong picture', c, 'standard'].value for c in CONDITIONS]):.2f}.",
)

# %% [markdown]
# ## What these numbers allow you to say
#
# The words below are chosen by the intervals: *helps* if the whole interval lies above zero, *harms* if below,
# otherwise *makes no difference that these seeds can show*. The last is not "no difference": look how wide the
# interval is.

# %%
lines = []
for comparison in COMPARISONS:
    for task in asked:
        d = differences[comparison, task, "all four"]
        lines.append(
            f"- **{comparison}**, {task}: {verdict(d)} ({100 * d.value:+.1f} points, 95% interval {100 * d.low:+.1f} to {100 * d.high:+.1f})"
        )


def changed_by(other):
    """Tasks in which another comparison than that at equal words gives another word."""
    pairs = ((differences[other, t, "all four"], differences[fair, t, "all four"]) for t in asked)
    return [t for t, (one, two) in zip(asked, pairs, strict=True) if verdict(one) != verdict(two)]


at_equal = [differences[fair, task, "all four"] for task in asked]
conclusions = []
for other, about in (
    (naive, "with all that the standard order sees"),
    (by_samples, "at equal samples"),
):
    tasks = " and ".join(changed_by(other))
    conclusions.append(
        f"Comparing {about} instead of at equal words changes the word for {tasks}."
        if tasks
        else f"Comparing {about} instead of at equal words changes the word for no task, only the "
        "size."
    )
say(
    "Recorded, simulated; both families, with and without text, three seeds:\n\n"
    + "\n".join(lines)
    + "\n\n"
    + " ".join(conclusions)
    + f" At equal words the three intervals reach from {100 * min(d.low for d in at_equal):+.1f} to "
    f"{100 * max(d.high for d in at_equal):+.1f} points: larger effects of the order are unlikely, "
    "smaller ones are open."
)

# %%
multimodal = ("minimal pairs", "questions")
compared = {"naive": naive, "words": fair, "samples": by_samples}
for name, comparison in compared.items():
    in_tasks = [differences[comparison, task, "all four"] for task in multimodal]
    claims.record(f"curriculum.grid.multimodal_{name}", min(in_tasks, key=lambda d: d.low))
claims.record("curriculum.grid.with_text", interaction["questions"])
of_git = [
    pooled(order, "acceptability", [("git", text) for text in TEXTS])
    for order in ("curriculum", "cut")
]
alone = curriculum.paired_difference(*of_git).difference
claims.record("curriculum.grid.text_only", alone)
twelve = [differences[fair, task, group] for task in asked for group in CONDITIONS.values()]
furthest = max(twelve, key=lambda d: max(-d.low, d.high))
claims.record("curriculum.grid.small", furthest)

# %%
smallest = [min(x for c, x in uses_picture.items() if c.seed == s) for s in seeds]
claims.record("curriculum.grid.picture_used", Interval.over_seeds(smallest))
by_order = [pooled(order, "minimal pairs") for order in ORDERS]
every_order = [
    replace(of_seed[0], correct=np.mean([e.correct for e in of_seed], axis=0))
    for of_seed in zip(*by_order, strict=True)
]
claims.record("curriculum.grid.pairs_at_chance", curriculum.across_seeds(every_order))
off = []
for cell, result in grid.results.items():
    if cell.order in NAMED:
        curve = grid.results[replace(cell, order="standard")].curve
        off.append(result.losses["right"] - np.interp(result.n_samples, *np.transpose(curve)))
claims.record("curriculum.grid.cut_is_prefix", np.abs(off).max())

# %% [markdown]
# ## On real data
#
# **Real sentences, small models.** BLiMP holds thousands of English sentence pairs, one of each grammatical. Our
# models read a few hundred different words about pictures and know hardly a word of it, so chance is what to expect.
# On a single paradigm you may still see more, or less: a model that cannot read prefers the sentence with fewer word
# pieces, and in some paradigms that is the right one.

# %%
if not (p.real_data and available("blimp")):
    say("*The real sentence pairs are not here: `sdc data fetch blimp` gets them (2 MB).*")
else:
    blimp = [(*pair, name) for name, of_one in load_blimp().items() for pair in of_one[: p.n_blimp]]
    found = [
        acceptability(curriculum.Scorer(live["standard", s][0], materials.tokenizer), blimp)
        for s in range(p.n_seeds)
    ]
    lengths = [
        (materials.tokenizer([pair[k] for pair in blimp]) != PAD).sum(1).numpy() for k in (0, 1)
    ]
    shorter = np.where(lengths[0] == lengths[1], 0.5, lengths[0] < lengths[1])
    paradigms = list(dict.fromkeys(pair[2] for pair in blimp))
    fig, ax = figure(width=8, height=3.6)
    of_kinds = [curriculum.across_seeds([e.of_kind(name) for e in found]) for name in paradigms]
    names = [name.replace("_", " ") for name in paradigms]
    plot_intervals(names, of_kinds, ax, horizontal=True, lw=2)
    for i, name in enumerate(paradigms):
        ax.plot(shorter[found[0].kinds == name].mean(), i, "|", ms=18, mew=2.5, color=ORANGE)
    ax.set(
        xlabel="share of real pairs judged right",
        ylabel="BLiMP paradigm",
        xlim=(0, 1),
        ylim=(len(paradigms) - 0.5, -0.9),
    )
    ax.annotate("live models", (0.99, 0.93), xycoords="axes fraction", ha="right", color=BLUE)
    ax.annotate(
        "fewer word pieces", (0.99, 0.85), xycoords="axes fraction", ha="right", color=ORANGE
    )
    overall = curriculum.across_seeds(found)
    show(
        fig,
        f"Real sentence pairs, {p.n_blimp} a paradigm; a dot a seed, lines are 95 percent intervals. Over all paradigms the models are right in "
        f"{overall.value:.2f} of pairs; always choosing the sentence with fewer word pieces (orange) would be right in {shorter.mean():.2f}.",
    )
    even = lengths[0] == lengths[1]
    by_paradigm = np.unique(found[0].kinds, return_inverse=True)[1]
    alike = [
        replace(e, correct=e.correct[even], margin=e.margin[even], kinds=e.kinds[even],
                units=by_paradigm[even])
        for e in found
    ]  # fmt: skip
    of_even = curriculum.across_seeds(alike)
    say(
        f"Of these real pairs {even.sum()} have as many pieces in both sentences. On them the models are right in "
        f"**{of_even.value:.2f}**; where the right sentence is the shorter one in "
        f"{np.mean([e.correct[lengths[0] < lengths[1]].mean() for e in found]):.2f}, where it is the longer one in "
        f"{np.mean([e.correct[lengths[0] > lengths[1]].mean() for e in found]):.2f}."
    )
    claims.record("curriculum.real.blimp", of_even)

# %% [markdown]
# **Real text and captions to train on.** The study reads 50 million words of the BabyLM challenge
# (`warstadt2023babylm`) and 50 million of captions (Conceptual Captions, Localized Narratives). The readers take
# their files as they come; below they read a miniature of each.

# %%
with TemporaryDirectory() as folder:
    childes, cc3m = Path(folder, "childes.train"), Path(folder, "captions.tsv")
    childes.write_text("*MOT:\tlook at the dog .\n*CHI:\ttwo dogs !\n", encoding="utf-8")
    cc3m.write_text(
        "a dog on a beach\thttps://example.org/1.jpg\n"
        "a man and two dogs in front of a house in the snow\thttps://example.org/2.jpg\n",
        encoding="utf-8",
    )
    utterances = [u.text for u in read_babylm(childes, keep_speakers=False)]
    few = read_captions(p.captions_file or cc3m)
nouns = curriculum.image_difficulty(few.captions, curriculum.NounCount("textblob"))
say(
    f"BabyLM's format: {len(utterances)} utterances, {utterances}. "
    + (
        f"Captions in `{p.captions_file}`"
        if p.captions_file
        else "A miniature in the format of Conceptual Captions"
    )
    + f": {len(few)} pictures, nouns from {nouns.min():.0f} to {nouns.max():.0f}."
)
if len(np.unique(nouns)) >= 4:
    own_plans = {
        order: curriculum.curriculum_plan(nouns, order, pacing, seed=p.seed)
        for order in ("standard", "curriculum")
    }
    say(
        f"Bins of {', '.join(f'{100 * s:.0f}%' for s in curriculum.quantile_bins(nouns).shares)} of these pictures; the curriculum sees "
        f"{100 * len(own_plans['curriculum']) / len(own_plans['standard']):.0f}% of the standard order's samples."
    )

# %% [markdown]
# With files of your own:
#
# ```bash
# sdc run 04 -p captions_file=/data/cc3m/Train_GCC-training.tsv     # their difficulty, bins and exposure
# sdc run 04 -p recompute=git/C/curriculum/0                        # one cell of the grid again: a minute or two
# sdc curriculum grid --out grid --jobs 2                           # all of it
# ```
#
# ```python
# from sdc_helpers import curriculum
#
# tokenizer = curriculum.CaptionTokenizer.train(captions, vocabulary_size=32_778)   # training text only
# pairs = curriculum.CaptionPairs(curriculum.feature_maps(clip, pictures), tokenizer(captions), image_of)
# difficulty = curriculum.image_difficulty(captions_of, curriculum.NounCount("textblob"))[image_of]
# plan = curriculum.curriculum_plan(difficulty, "curriculum", curriculum.BinnedPacing(), seed=0)
# curriculum.train_on_captions(model, pairs, curriculum.PlanBatches(plan, 32), options, out="run")  # resumes
# ```
#
# Captions of Conceptual Captions are a list of addresses; its three million pictures take hundreds of GB, from their
# own addresses. BabyLM's text is 100 million words, less than 1 GB.
#
# ## At the study's size, on a GPU
#
# The same call as every cell of the grid, with models of the study's width (768, Flamingo of 12 layers) and a
# smaller learning rate. The tests make it, small, on the CPU.

# %% tags=["gpu"]
if on_gpu(
    "the cells git/C of the grid with models of size 'base' on 20,000 simulated pictures, 25,000 updates for the standard order",
    estimate="unmeasured on a GPU",
    recorded="none at this size; the grid above is of size 'tiny'",
):
    large = replace(
        grid.design,
        size="base",
        n_images=20_000,
        n_sentences=200_000,
        lr=1e-4,
        warmup_steps=500,
        vocabulary_size=2000,
    )
    of_large = make_materials(large, load_clip(device="cuda"))
    for order in ("standard", "curriculum", "cut"):
        cell = curriculum.Cell("git", "C", order, 0)
        result = curriculum.run_cell(cell, large, of_large, device="cuda", progress=True)
        say(
            f"`{cell.name}` (simulated), {result.seconds / 3600:.1f} hours: held-out loss {result.losses['right']:.3f}, "
            + ", ".join(f"{task} {e.accuracy:.3f}" for task, e in result.evaluations.items())
        )

# %% [markdown]
# ## Exercises
#
# ### 1. Count the nouns of a picture
#
# `captions` holds the captions of one picture, each a list of `(word, tag, n_pieces)`: a word, its Penn Treebank tag,
# and the number of pieces that a tokenizer makes of it. Return the picture's difficulty: nouns, names and plurals of
# both, counted in words, of the caption that has most.


# %% tags=["exercise"]
def nouns_of_picture(captions):
    return ...  # your answer here


# %%
exercises.check("curriculum.nouns", nouns_of_picture)

# %%
exercises.card("curriculum.nouns")

# %% [markdown]
# ### 2. Fill cumulative bins
#
# `difficulty` holds a number a picture. Return a boolean array (`n_bins`, pictures): row k is True for the pictures
# in bin k, which holds everything up to the smallest difficulty that at least (k + 1) / `n_bins` of the pictures do
# not exceed.


# %% tags=["exercise"]
def cumulative_bins(difficulty, n_bins):
    return ...  # your answer here


# %%
exercises.check("curriculum.bins", cumulative_bins)

# %%
exercises.card("curriculum.bins")

# %% [markdown]
# ### 3. Keep the pads out of the loss
#
# `tokens` (captions, length) holds the numbers of tokens, 0 for pads at the end; `log_p` (captions, length,
# vocabulary) the log-probabilities that a model gives, at each position, to the *next* token. Return the mean loss
# over all tokens that are predicted.


# %% tags=["exercise"]
def caption_loss(log_p, tokens):
    return ...  # your answer here


# %%
exercises.check("curriculum.loss", caption_loss)

# %%
exercises.card("curriculum.loss")

# %% [markdown]
# ## Take-aways
#
# 1. A curriculum changes what is seen *and* how much, and as many samples are not as many words. Run the standard
#    order cut to the same number of words, and report both comparisons.
# 2. Show the wrong picture, keep pads out of the loss, count what is trained: none of these faults gives an error
#    message.
# 3. Differences between orders need several seeds, paired items and an interval over both. Let the interval choose
#    the word.
#
# Further reading: `saha2024curriculum` (the study), `bengio2009curriculum` (curriculum learning),
# `platanios2019competence` (pacing by competence), `thrush2022winoground` and `warstadt2020blimp` (the tasks). Words:
# the [glossary](glossary.md); nulls: [one table](nulls.md).
