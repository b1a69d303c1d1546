# %% [markdown]
# # Curriculum: easy captions first
#
# Children hear "a dog" long before they hear "a dog asleep beside two bicycles". Should a model that learns to
# describe pictures also begin with the easy captions? Before you can ask, you have to make such an order: you must say
# what is easy, and how fast the difficult captions come in. Both decisions change more than the order, and that is why
# results on curricula are hard to read. The answer in one sentence: **a curriculum is a measure of difficulty and a
# pacing; it changes the order and also how much is read, so it needs a control that read as many words, and a check
# that the model looks at the picture at all.** After `saha2024curriculum`.
#
# {{ minutes }}
#
# ## What you will do
#
# - count the difficulty of a caption, and compare two taggers
# - let captions in step by step, by cumulative bins
# - count what each order never shows, in samples and in words
# - find two faults that give no error message
# - train a small captioner, and test whether it uses the picture
#
# You need: what a loss is. Helpful: [start here](00_start_here.ipynb).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 1  # which scenes and where every draw starts [0, 999999]
device: str = "auto"  # where to compute {auto, cpu, cuda}
family: str = "git"  # of the captioner that is trained {git, flamingo}
n_scenes: int | None = None  # scenes of captions; None: by profile [100, 20000]
n_images: int | None = None  # to train on; None: by profile [30, 20000]
n_test: int | None = None  # held-out pictures; None: by profile [40, 2000]
n_seeds: int | None = None  # trainings an order; None: by profile [1, 10]
captions_file: str = ""  # your captions (.tsv, .json, .jsonl); empty: none
real_data: bool = True  # use real captions where they are at hand

# %% Set up: imports, and what each profile computes tags=["fold"]
import numpy as np  # noqa: I001
import torch

from sdc_helpers import curriculum, datasets, exercises, plotting, scenes, studies  # fmt: skip
from sdc_helpers.course import claims, say, start
from sdc_helpers.embeddings import load_clip
from sdc_helpers.plotting import COLOURS, figure, show, show_slider

p = start(
    "06_curriculum",
    by_profile={
        "n_scenes": {"smoke": 200, "workshop": 1000, "full": 10_000},
        "n_images": {"smoke": 30, "workshop": 160, "full": 1000}, "n_test": {"smoke": 40, "workshop": 100, "full": 400},
        "n_seeds": {"smoke": 1, "workshop": 2, "full": 3},
    },
)  # fmt: skip
BLUE, ORANGE, GREEN, GREY, BLACK = (COLOURS[name] for name in ("blue", "orange", "green", "grey", "black"))  # fmt: skip

# %% [markdown]
# ## How difficult is a caption?
#
# The study counts **nouns**. A caption that names more things asks more of a model. A
# [part-of-speech tagger](glossary.md#part-of-speech-tagger) gives each word a tag: NN is a noun, NNS its plural, NNP a
# name, NNPS several of them, DT an article, JJ an adjective. A picture has several captions $c$, and takes the largest
# count:
#
# $$ \text{difficulty}(\text{picture}) = \max_{c}\; \#\{w \in c : \text{tag}(w) \in \{\text{NN, NNS, NNP, NNPS}\}\} $$
#
# The pictures here are simulated scenes. They are described in a small English whose words are all in a dictionary, so
# that their tags are known and not guessed.

# %%
world = scenes.generate_scenes(p.n_scenes, seed=10 * p.seed)
captions_of = scenes.captions(world)  # several for each scene
sentences = [text for of_scene in captions_of for text in of_scene]
scenes.tag_by_lexicon(min(sentences, key=len))

# %% [markdown]
# ## Exercise: count the nouns of a picture
#
# `captions` holds the captions of one picture. Each is a list of `(word, tag, n_pieces)`: a word, its tag, and the
# number of pieces into which a tokenizer cuts the word. Return the difficulty of the picture by the equation above.


# %% tags=["exercise"]
def nouns_of_picture(captions):
    return ...  # your answer here


# %%
exercises.check("curriculum.nouns", nouns_of_picture)

# %%
exercises.card("curriculum.nouns")

# %% [markdown]
# The next cell goes on with your function if it is right, with ours if not. (Pieces of words are set to 1.)


# %%
def tagged(caption):
    return [(word, tag, 1) for word, tag in scenes.tag_by_lexicon(caption)]


count = exercises.yours_or_ours("curriculum.nouns", nouns_of_picture)
difficulty = np.array([
    count([tagged(caption) for caption in of_scene])
    for of_scene in captions_of
], dtype=float)  # fmt: skip
nouns = curriculum.NounCount(scenes.tag_by_lexicon)
assert (difficulty == curriculum.image_difficulty(captions_of, nouns)).all()

# %% [markdown]
# ## Does the tagger matter?
#
# Real English has no dictionary that knows each word's tag: "park" is a noun in one sentence and a verb in another. A
# tagger guesses. Here TextBlob guesses the tags of our simulated captions, whose true tags we know. And how much would
# it change to count *words* instead of nouns? The agreement is a rank correlation, for other scenes.

# %%
scene_of = np.repeat(np.arange(len(world)), [len(c) for c in captions_of])
by_dictionary = nouns(sentences)
by_textblob = curriculum.NounCount("textblob")(sentences)
by_words = curriculum.WordCount()(sentences)
agreement, by_length = (
    curriculum.rank_agreement(by_dictionary, other, scene_of, seed=[p.seed, 2])
    for other in (by_textblob, by_words)
)
claims.record("curriculum.difficulty.taggers", agreement)
claims.record("curriculum.difficulty.length", by_length)

# %% [markdown]
# Look at the diagonal: captions on it are counted alike by both taggers. Then look at the right panel, where the
# clouds hardly overlap: a caption with more nouns is nearly always a longer one.

# %% Draw two other ways to count tags=["fold"]
fig, axes = figure(1, 2, width=9.4, height=3.5)
top = int(max(by_dictionary.max(), by_textblob.max()))
shared = np.zeros((top + 1, top + 1))
np.add.at(shared, (by_dictionary.astype(int), by_textblob.astype(int)), 1)
for i, j in np.argwhere(shared):
    size = 1 + 22 * np.sqrt(shared[i, j] / shared.max())
    axes[0].plot(i, j, "o", ms=size, color=BLUE, alpha=0.7)
axes[0].plot([0, top], [0, top], color=GREY, lw=1, ls="--", zorder=0)
plotting.name_series(axes[0], {"broken line: both count the same": GREY}, x=0.02, y=1.0)  # fmt: skip
axes[0].set(xlabel="nouns by the dictionary", ylabel="nouns by TextBlob")
axes[0].set_title("Two taggers (simulated captions)", loc="left")
levels = np.unique(by_dictionary)
lengths = [by_words[by_dictionary == level] for level in levels]
axes[1].boxplot(lengths, positions=levels, widths=0.6, showfliers=False, medianprops={"color": ORANGE, "lw": 2}, manage_ticks=False)  # fmt: skip
axes[1].set(xlabel="nouns by the dictionary", ylabel="words in the caption")
axes[1].set_title("Nouns and length (simulated captions)", loc="left")
show(
    fig,
    f"Simulated, {len(sentences)} captions. Left: dots grow with the number of captions; the tagger that guesses counts as "
    f"the dictionary does in {100 * np.mean(by_dictionary == by_textblob):.0f} percent, rank correlation {agreement.value:.2f}. "
    f"Right: boxes hold the middle half of the captions, rank correlation with length {by_length.value:.2f}.",
)

# %% Say where the choice matters tags=["fold"]
singular = curriculum.NounCount(scenes.tag_by_lexicon, plurals=False)(sentences)
rarity = curriculum.rank_agreement(by_dictionary, curriculum.WordRarity(sentences)(sentences), scene_of, seed=[p.seed, 2])  # fmt: skip
say(
    "**What counts as difficult is a choice** (simulated captions). The study counts NN and NNP and leaves plurals out: "
    f"then 'two dogs' has no noun, and {100 * np.mean(singular == 0):.0f}% of these captions have none. Here plurals "
    f"count. How *rare* the words are is another measure: its rank correlation with nouns is {rarity.value:+.2f}."
)

# %% [markdown]
# ## Let them in step by step
#
# A [pacing](glossary.md#pacing) says how much of the training set is let in when. The study sorts pictures into four
# [cumulative bins](glossary.md#cumulative-bins): the first holds the easiest quarter, the second the easier half, and
# the last everything. Pictures of equal difficulty must not be separated: nothing says which of them is easier. So bin
# $k$ holds everything up to a threshold $t_k$, and may hold more than its share:
#
# $$ \text{bin}_k = \{i : d_i \le t_k\}, \qquad
#    t_k = \min\Big\{t : \#\{i : d_i \le t\} \ge \tfrac{k + 1}{K}\, n \Big\}, \quad k = 0, \dots, K - 1 $$
#
# ## Exercise: fill cumulative bins
#
# `difficulty` holds a number for each picture. Return a boolean array (`n_bins`, pictures): row k is True for the
# pictures in bin k.


# %% tags=["exercise"]
def cumulative_bins(difficulty, n_bins):
    return ...  # your answer here


# %%
exercises.check("curriculum.bins", cumulative_bins)

# %%
exercises.card("curriculum.bins")

# %%
fill = exercises.yours_or_ours("curriculum.bins", cumulative_bins)
in_bin = fill(difficulty, 4)
bins = curriculum.quantile_bins(difficulty, 4)
assert (in_bin.sum(axis=1) == bins.counts).all()
first_bin = in_bin.argmax(axis=0)  # the bin in which each picture comes in

# %% [markdown]
# Look from row to row: does "more nouns" match what you would call more difficult?

# %% Draw pictures that each bin adds tags=["fold"]
of_bin = [np.flatnonzero(first_bin == k) for k in np.unique(first_bin)]
drawn = np.concatenate([members[[0, len(members) // 2, -1]] for members in of_bin])  # fmt: skip
fig, axes = figure(len(of_bin), 3, width=9.6, height=2.0 * len(of_bin), squeeze=False)  # fmt: skip
longest = [max(texts, key=len) for texts in captions_of]
names = [f"{difficulty[k].min():.0f} to {difficulty[k].max():.0f} nouns" for k in of_bin]  # fmt: skip
titles = [longest[i] if len(longest[i]) < 100 else longest[i][:95] + " ..." for i in drawn]  # fmt: skip
plotting.plot_pictures(scenes.render([world[i] for i in drawn]), titles, axes, rows=names, wrap=38)  # fmt: skip
n_words = [np.mean([len(longest[i].split()) for i in members]) for members in of_bin]  # fmt: skip
show(
    fig,
    f"Simulated. Three pictures that each bin adds, under their longest captions: these grow from {n_words[0]:.0f} words "
    f"on average in the first bin to {n_words[-1]:.0f} in what the last one adds, with more things in the picture.",
)

# %% [markdown]
# The study makes two passes over each bin, shuffled: eight passes in all. With the bins at hand, the whole sampler is
# one line. `curriculum.curriculum_plan` makes the same passes, and those of the orders to compare with: **standard**
# shows everything in each of eight passes, and the [anti-curriculum](glossary.md#anti-curriculum) begins with the most
# difficult.

# %%
rng = np.random.default_rng(p.seed)
twice = in_bin.repeat(2, axis=0)  # two passes over each bin
passes = [rng.permutation(np.flatnonzero(row)) for row in twice]
pacing = curriculum.BinnedPacing(n_bins=4, epochs_per_bin=2)
plans = {
    order: curriculum.curriculum_plan(difficulty, order, pacing, seed=p.seed)
    for order in ("standard", "curriculum", "anti")
}
assert [len(one) for one in passes] == plans["curriculum"].counts.tolist()

# %% [markdown]
# Other pacings let in a share that grows evenly (*linear*) or fast at first (*root*, `platanios2019competence`). The area
# under a line is how much a training sees: only the standard order fills the panel.

# %% Draw four pacings tags=["fold"]
ranked = np.sort(difficulty)
fig, ax = figure(width=6.6, height=3.3)
for name, rule, colour, at, dy in (
    ("standard", curriculum.Standard(8), BLACK, 2, 3), ("four bins", pacing, ORANGE, 3, -9),
    ("linear", curriculum.LinearPacing(8), GREEN, 5, -12), ("root", curriculum.RootPacing(8), BLUE, 2, 6),
):  # fmt: skip
    shares = 100 * rule.counts(ranked) / len(ranked)
    ax.step(range(1, 9), shares, color=colour, where="mid")
    ax.annotate(name, (at, shares[at - 1] + dy), color=colour, ha="center")
ax.set(xlabel="pass through the data", ylabel="pictures let in (%)", ylim=(0, 113))  # fmt: skip
ax.set_title("What each pacing lets in (simulated scenes)", loc="left")
show(
    fig,
    f"Simulated. The standard order shows everything in each pass; four bins begin with "
    f"{100 * bins.shares[0]:.0f} percent of the pictures and let in the last ones in pass 7.",
)

# %% [markdown]
# ## Equal exposure: in samples, or in words?
#
# The area under the line is the **confound** of every such study. A curriculum that lets samples in gradually also sees
# *fewer* of them. In the study it saw 15.05 million samples and the standard order 23.13 million, 65 percent. If the
# curriculum loses, is it the order, or the smaller diet? So a third training is needed, the standard order *cut* short.
# But where? After as many samples as the curriculum sees, or after as many words? These are two kinds of
# [equal exposure](glossary.md#equal-exposure), since easy captions are short and the curriculum sees them most often.
#
# ## Exercise: cut the standard order at equal words
#
# `order` holds the samples of a training, one after another; samples come back in later passes. `n_words` holds the
# number of words of each sample. Return after how many samples of the order `total` words have been read, as near as
# can be.


# %% tags=["exercise"]
def cut_at_words(order, n_words, total):
    return ...  # your answer here


# %%
exercises.check("curriculum.equal_words", cut_at_words)

# %%
exercises.card("curriculum.equal_words")

# %%
cut_here = exercises.yours_or_ours("curriculum.equal_words", cut_at_words)
words_of = np.array([sum(len(text.split()) for text in c) for c in captions_of])
standard = plans["standard"].indices(0, len(plans["standard"]))
words_read = int(plans["curriculum"].exposure() @ words_of)
stops = {"cut": cut_here(standard, words_of, words_read)}
stops["cut_samples"] = len(plans["curriculum"])
for order, stop in stops.items():
    plans[order] = curriculum.curriculum_plan(
        difficulty, "standard", pacing, n_samples=stop, seed=p.seed
    )

# %% [markdown]
# A sample is here a picture with all its captions. Compare the dots of the curriculum's row with those of the two cut
# orders: each of them agrees with it in one colour only.

# %%
seen = {}
for order, plan in plans.items():
    seen[order] = np.array([len(plan), plan.exposure() @ words_of])
percent = {order: 100 * n / seen["standard"] for order, n in seen.items()}
fewer = seen["curriculum"][1] / seen["cut_samples"][1]

# %% Draw how much each order sees tags=["fold"]
fig, ax = figure(width=6.8, height=2.9)
rows = {"curriculum": "curriculum", "cut": "standard,\ncut at equal words",
        "cut_samples": "standard,\ncut at equal samples", "anti": "anti-curriculum"}  # fmt: skip
looks = {"samples": (BLUE, "o", 12), "words": (ORANGE, "s", 6)}
for k, (colour, marker, size) in enumerate(looks.values()):
    ax.plot([percent[order][k] for order in rows], range(4), marker, ms=size, color=colour)  # fmt: skip
    ax.axvline(percent["curriculum"][k], color=colour, lw=0.8, ls=":", zorder=0)
plotting.name_series(ax, {"● samples": BLUE, "■ words": ORANGE}, y=0.7)
ax.set_yticks(range(len(rows)), rows.values())
ax.set_ylim(3.5, -0.5)
ax.set(xlabel="seen, of the standard order (%)", ylabel="order", xlim=(45, 100))
ax.set_title("How much each order sees (simulated)", loc="left")
show(
    fig,
    f"Simulated. The curriculum sees {percent['curriculum'][0]:.0f} percent of the standard order's samples and "
    f"{percent['curriculum'][1]:.0f} percent of its words. At equal samples it has read {fewer:.3f} of the words of the "
    f"standard order, at equal words it has seen {seen['curriculum'][0] / seen['cut'][0]:.3f} times its samples.",
)

# %% [markdown]
# **Equal words** is the fairer control, since a model learns from each word. It is the main comparison of
# [the next chapter](07_does_order_matter.ipynb). Now move the slider through the training. Watch which captions each
# order has shown by then: the curriculum fills the left side first, and never catches up on the right.

# %% Draw a slider over the training tags=["fold"]
levels = np.unique(difficulty)
styles = {"standard": (GREY, "-"), "cut": (BLUE, "--"),
          "curriculum": (ORANGE, "-"), "anti": (GREEN, "-")}  # fmt: skip
drawn = {}
for share in np.linspace(0.05, 1, 12):
    position, names = int(share * len(plans["standard"])), {}
    fig, ax = figure(width=6.6, height=3.4)
    for order, (colour, line) in styles.items():
        times = plans[order].exposure(min(position, len(plans[order])))
        mean = [times[difficulty == level].mean() for level in levels]
        ax.plot(levels, mean, line, marker="o", ms=3, color=colour)
        names[order + (", ended" if position > len(plans[order]) else "")] = colour  # fmt: skip
    plotting.name_series(ax, names, x=1.02, y=0.9, step=0.12)
    plotting.name_series(ax, {"curriculum, ended": "none"}, x=1.02)  # all positions as wide  # fmt: skip
    ax.set(xlabel="difficulty of the picture (nouns)", ylabel="times seen so far", ylim=(-0.3, 8.6))  # fmt: skip
    ax.set_title("Seen so far (simulated)", loc="left")
    drawn[f"{100 * share:.0f} %"] = fig
ends = [plans["curriculum"].exposure()[which].mean() for which in (difficulty <= bins.thresholds[0], difficulty > bins.thresholds[-2])]  # fmt: skip
show_slider(
    drawn,
    "samples seen, of the standard order's training:",
    f"Simulated. By its end the curriculum has shown the easiest pictures {ends[0]:.0f} times and the most difficult ones "
    f"{ends[1]:.0f} times; cutting the standard order (at equal words) takes the same from every picture.",
    start=4,
)

# %% [markdown]
# ## Does the model look at the picture?
#
# An order can help a captioner only if the captioner works. Two families read pictures in different ways. **GIT**
# (`wang2022git`) puts the picture's patches in front of the words. **Flamingo** (`alayrac2022flamingo`) sets layers of
# gated [cross-attention](glossary.md#cross-attention) into a language model: words look at the picture through a
# gate $\tanh(\alpha)$. A *placeholder token* in the text says where the picture stands, and only words after it look at
# it. Both minimise the loss of a caption's tokens $w_t$, in [nats](glossary.md#nat):
#
# $$ \ell = -\frac1T \sum_{t=1}^{T} \log p(w_t \mid w_{\lt t}, \text{picture}) $$
#
# The test is simple: exchange the picture. If the loss stays the same, nobody looked.

# %%
design = curriculum.StudyDesign(
    n_images=p.n_images, n_sentences=5 * p.n_images,
    n_test=p.n_test, data_seed=p.seed,
)  # fmt: skip
materials = studies.make_materials(design, load_clip(device=p.device))
tokens = materials.tokens[:64]
own = materials.pictures[torch.from_numpy(materials.image_of[:64])]
others = own.roll(design.n_captions, 0)  # those of another picture


@torch.no_grad()
def picture_matters(model, tokens):
    with_own = model.token_losses(own, tokens)
    return float((with_own - model.token_losses(others, tokens)).abs().mean())


# %% [markdown]
# ## Pitfall: a picture that nobody looks at
#
# Here is the mistake on purpose: the placeholder is forgotten. Nothing fails, the loss falls during training, and the
# model is a language model without eyes. The same happens with gates that start shut, $\alpha = 0$, and never open.

# %%
family_of = {
    name: curriculum.Captioner(
        name, "tiny", materials.tokenizer.vocabulary_size,
        materials.pictures.shape[1:], seed=p.seed,
    )
    for name in ("git", "flamingo")
}  # fmt: skip
flamingo = family_of["flamingo"]  # its gates are open
START, END = 1, 2  # tokens; the placeholder stands where a caption starts
forgotten = torch.where(tokens == START, END, tokens)
effects = {"GIT": picture_matters(family_of["git"], tokens)}
effects["Flamingo"] = picture_matters(flamingo, tokens)
effects["no placeholder"] = picture_matters(flamingo, forgotten)
for name, gate in flamingo.named_parameters():
    if "alpha" in name:
        torch.nn.init.zeros_(gate)
effects["gates shut"] = picture_matters(flamingo, tokens)
claims.record("curriculum.traps.placeholder", effects["no placeholder"])

# %% [markdown]
# The bars show how much the loss of an untrained model changes with the picture. The faults are the two missing bars.

# %% Draw what the picture changes tags=["fold"]
fig, ax = figure(width=6.4, height=3.0)
names = ["GIT", "Flamingo,\ngates open", "Flamingo,\nno placeholder", "Flamingo,\ngates shut"]  # fmt: skip
drawn_bars = ax.bar(names, effects.values(), color=(BLUE, BLUE, ORANGE, ORANGE), width=0.6)  # fmt: skip
ax.bar_label(drawn_bars, fmt="{:.1g}")
ax.set(xlabel="untrained model", ylabel="change of loss with\nthe picture (nats a token)")  # fmt: skip
ax.margins(y=0.15)
ax.set_title("Does it see the picture? (simulated)", loc="left")
show(
    fig,
    f"Simulated. Exchanging the picture changes the loss of GIT by {effects['GIT']:.1g} and of Flamingo by {effects['Flamingo']:.1g} "
    f"nats a token; without the placeholder by {effects['no placeholder']:.1g}, with shut gates by {effects['gates shut']:.1g}.",
)

# %% [markdown]
# ## Pitfall: pads in the loss
#
# Captions of a batch are filled up with [pads](glossary.md#pad) to one length. Pads are easy to predict, so if they
# count in the mean, the loss falls with the length of the batch, and not with what the model has learnt. A curriculum
# begins with short captions: its pads are fewer, and a loss that counts them compares nothing.
#
# ## Exercise: keep the pads out of the loss
#
# `tokens` (captions, length) holds the numbers of tokens, 0 for pads at the end. `log_p` (captions, length, vocabulary)
# holds the log-probabilities that a model gives, at each position, to the *next* token. Return the mean loss over all
# tokens that are predicted.


# %% tags=["exercise"]
def caption_loss(log_p, tokens):
    return ...  # your answer here


# %%
exercises.check("curriculum.loss", caption_loss)

# %%
exercises.card("curriculum.loss")

# %% [markdown]
# A third silent fault: the Flamingo of the transformers library freezes its text and vision layers by default. A training
# from scratch must set `freeze_text_layers` and `freeze_vision_layers` to False, as the course does.
#
# ## Train a captioner, and exchange the picture
#
# Now a training of a few hundred updates, in the standard order and as a curriculum. Both start with the same weights
# and see the same simulated pictures. Then each held-out caption is scored with its own picture and with another one.

# %%
runs = {
    (order, k): studies.train_captioner(
        materials, design, order=order, family=p.family,
        seed=100 * p.seed + k, device=p.device,
    )
    for order in ("standard", "curriculum") for k in range(p.n_seeds)
}  # fmt: skip
used = studies.use_of_picture([run.model for run in runs.values()], materials)
claims.record("curriculum.live.picture_used", used)

# %% [markdown]
# Left, compare the curriculum's end with the standard order at the dashed line, where both have read as many words.
# Right, the bars of the *wrong* picture must stand clear of zero. (So few seeds decide nothing about the order.)

# %% Draw learning curves and the test with a wrong picture tags=["fold"]
fig, axes = figure(1, 2, width=9.8, height=3.5)
bars, colours = {}, {"standard": BLUE, "curriculum": ORANGE}
for order, colour in colours.items():
    of_order = [run for (name, _), run in runs.items() if name == order]
    words, losses = np.stack([run.curve[:, 1:] for run in of_order]).transpose(2, 0, 1)  # fmt: skip
    plotting.plot_spread(words.mean(axis=0), losses.T, axes[0], colour=colour)
    shown = [materials.losses(run.model) for run in of_order]
    for key, name in (("wrong", "wrong"), ("none", "no")):
        bars[f"{order},\n{name} picture"] = [one[key] - one["right"] for one in shown]  # fmt: skip
plotting.name_series(axes[0], colours, y=0.8)
easy_first = [runs["curriculum", k] for k in range(p.n_seeds)]
at_equal = [runs["standard", k].loss_at(run, "words") for k, run in enumerate(easy_first)]  # fmt: skip
plotting.plot_reference(axes[0], easy_first[0].curve[-1, 1], "equal words", vertical=True)  # fmt: skip
axes[0].set(xlabel="words read", ylabel="held-out loss (nats a token)")
axes[0].set_title(f"Learning curves, {p.family} (simulated)", loc="left")
plotting.plot_bars(bars, axes[1], colours=(BLUE, GREY, ORANGE, GREY))
plotting.plot_reference(axes[1], 0, "")
axes[1].set(xlabel="order, and what is shown instead", ylabel="loss over that with\nthe right picture (nats)")  # fmt: skip
axes[1].set_title("Is the picture used? (simulated)", loc="left")
show(
    fig,
    f"Simulated, {p.n_seeds} seed(s) an order. Left: at the end the curriculum's loss is "
    f"{np.mean([run.loss for run in easy_first]):.2f} nats a token, the standard order's {np.mean(at_equal):.2f} after as "
    f"many words. Right: a wrong picture makes a caption {used.value:.3f} nats a word less likely.",
)

# %% [markdown]
# ## On real captions
#
# The study's bins have fixed thresholds: fewer than 3, 4 and 6 nouns, then all. On its own captions they hold 29, 52,
# 79 and 100 percent. Do the same thresholds fit other captions? Below are real captions of COCO, those of SugarCrepe
# (`hsieh2023sugarcrepe`, 1 MB, `sdc data fetch sugar_crepe`), one caption at a time.

# %%
real_captions = []
if p.captions_file:
    of_own = datasets.read_captions(p.captions_file).captions
    real_captions = [text for of_one in of_own for text in of_one]
elif p.real_data and datasets.available("sugar_crepe"):
    kinds = datasets.load_sugar_crepe().values()
    found = [item.caption for kind in kinds for item in kind]
    real_captions = list(dict.fromkeys(found))  # each once
shares_of = {}
for name, plurals in (("with plurals", True), ("singular only", False)):
    if real_captions:
        count_in = curriculum.NounCount("textblob", plurals=plurals)
        counts = count_in(real_captions)
        shares_of[name] = curriculum.threshold_bins(counts, (3, 4, 6)).shares

# %% [markdown]
# If thresholds travelled, the bars would reach the black strokes.

# %% Draw the study's bins on real captions tags=["fold"]
if not real_captions:
    say("*The real captions are not here: `sdc data fetch sugar_crepe` gets them (1 MB).*")  # fmt: skip
else:
    fig, ax = figure(width=6.6, height=3.1)
    colours = {"with plurals": BLUE, "singular only": ORANGE}
    for x, (name, colour) in zip((-0.2, 0.2), colours.items(), strict=True):
        ax.bar(np.arange(4) + x, 100 * shares_of[name], width=0.38, color=colour)  # fmt: skip
    ax.hlines((29, 52, 79, 100), np.arange(4) - 0.42, np.arange(4) + 0.42, color=BLACK, lw=2)  # fmt: skip
    plotting.name_series(ax, colours | {"black: the study's captions": BLACK}, x=0.02)  # fmt: skip
    ax.set_xticks(range(4), ["fewer than 3", "fewer than 4", "fewer than 6", "all"])  # fmt: skip
    ax.set(xlabel="cumulative bin (nouns)", ylabel="captions in the bin (%)", ylim=(0, 128))  # fmt: skip
    ax.set_title("The study's thresholds on other captions (real)", loc="left")
    few = [100 * shares_of[name][0] for name in colours]
    show(
        fig,
        f"Real, {len(real_captions)} captions: {few[0]:.0f} percent have fewer than 3 nouns if plurals count, {few[1]:.0f} "
        "percent if not, and 29 percent in the study. Thresholds do not travel from captions to captions.",
    )

# %% [markdown]
# ## On real talk with children
#
# Quantiles travel, but not everywhere. CHILDES holds what children and parents said (`yang2025childes`, 2 MB, `sdc data
# fetch child_speech`), each tag checked by hand: here we know the nouns of real English, and how far the tagger is off.

# %%
talk = []
if p.real_data and datasets.available("child_speech"):
    talk = datasets.load_childes()
    true = np.array([utterance.n_nouns for utterance in talk], float)
    guessed = curriculum.NounCount("textblob")([u.text for u in talk])
    whose = np.array([utterance.child for utterance in talk])
    agree = curriculum.rank_agreement(true, guessed, whose, seed=[p.seed, 3])
    claims.record("curriculum.difficulty.real_tagger", agree)
    quarters = curriculum.quantile_bins(true, 4)

# %% Draw the bins of child speech tags=["fold"]
if not talk:
    say("*The talk with children is not here: skipped.*")
else:
    fig, ax = figure(width=6.6, height=2.9)
    ax.bar(range(4), 100 * quarters.shares, width=0.6, color=BLUE)
    ax.hlines((25, 50, 75, 100), np.arange(4) - 0.4, np.arange(4) + 0.4, color=BLACK, lw=2)  # fmt: skip
    plotting.name_series(ax, {"black: the quarters that were asked for": BLACK}, x=0.02)  # fmt: skip
    ax.set_xticks(range(4), [f"bin {k + 1}: up to {t:.0f}" for k, t in enumerate(quarters.thresholds)])  # fmt: skip
    ax.set(xlabel="cumulative bin (nouns)", ylabel="utterances (%)", ylim=(0, 128))  # fmt: skip
    ax.set_title("Quarters of child speech (real)", loc="left")
    show(
        fig,
        f"Real, {len(talk)} utterances by and to {len(set(whose))} children: {100 * np.mean(true < 2):.0f} percent have one noun or none, so that "
        f"bin {1 + quarters.added.argmin()} adds {quarters.added.min()} and {np.count_nonzero(quarters.added)} bins are left of four; the study's first bin (fewer than 3 nouns) would hold "
        f"{100 * np.mean(true < 3):.0f} percent. The tagger that guesses has a rank correlation of {agree.value:.2f} with the true counts.",
    )

# %% [markdown]
# Look at `added` before you train: a bin that adds nothing is a pass more over the one before.
#
# Captions of your own: `sdc run 06 -p captions_file=captions.tsv`. The next chapter trains at the study's size on a GPU.
#
# ## Take-aways
#
# 1. A curriculum is a measure of difficulty and a pacing. Both are choices; say which, and keep ties together.
# 2. It also changes how much is seen. Cut the standard order at equal *words*: equal samples are not enough.
# 3. Exchange the picture before you compare anything. A model that does not look gives no error message.
#
# Next: [does the order matter?](07_does_order_matter.ipynb) Further reading: `bengio2009curriculum` (curriculum
# learning), `platanios2019competence` (pacing by competence). Words: the [glossary](glossary.md).
