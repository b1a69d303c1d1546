# %% [markdown]
# # What CLIP knows: two towers, one space, and what gets lost on the way
#
# CLIP turns a picture into a list of numbers and a sentence into another, so that a picture and a sentence that
# belong together point the same way. Brain studies use these numbers as "the meaning of a picture". What do they
# hold? The answer in one sentence: **what captions name and what goes along with it; what no caption depends on can
# get lost.** The method is that of Radford and colleagues (2021), *Learning Transferable Visual Models From Natural Language Supervision*:
# `radford2021`.
#
# {{ minutes }}
#
# ## What you will do
#
# - put pictures and sentences into one space, and read the table of their cosines
# - write CLIP's loss in ten lines of numpy, and see what its temperature does
# - classify pictures without training a classifier, and choose the wording
# - search pictures by sentences and sentences by pictures, against chance
# - measure which factors of a picture the embedding keeps, and which it drops
#
# You need: inner products, the softmax. Helpful: [start here](00_start_here.ipynb).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 1  # which scenes, and where every draw starts [0, 999999]
device: str = "auto"  # where to compute {auto, cpu, cuda}
clip_name: str = "course-small"  # or open_clip's; for a file of OpenAI's weights ViT-B-32-quickgelu
clip_weights: str = "course"  # course; a published tag, such as openai; a file's path; random
n_gallery: int | None = None  # pictures to search among; None: the profile decides [150, 10000]
n_seeds: int = 3  # galleries, and repetitions of every random draw [2, 20]
real_data: bool = True  # run the section on real embeddings, where their file is available

# %%
import warnings
from collections import defaultdict
from textwrap import fill

import numpy as np
import torch
from scipy.special import logsumexp, softmax
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from sdc_helpers import exercises
from sdc_helpers.contrastive import clip_loss, effective_rank
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.datasets import available, load_clip_pairs
from sdc_helpers.embeddings import (
    caption_average,
    caption_features,
    embed_captions,
    embed_images,
    embed_texts,
    image_features,
    linear_probe,
    load_clip,
    recall_at_k,
    retrieval,
    target_ranks,
    text_features,
    zero_shot,
)
from sdc_helpers.embeddings.small_clip import small_clip_tokenizer
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import (
    COLOURS,
    figure,
    label_line,
    label_with_pictures,
    plot_bars,
    plot_heatmap,
    plot_intervals,
    plot_pictures,
    plot_reference,
    plot_spread,
    show,
)
from sdc_helpers.scenes import captions, factors, generate_scenes, render
from sdc_helpers.studies import measure_on_scenes, phrase_embeddings
from sdc_helpers.studies.clip_training import TRAINING_SEED
from sdc_helpers.studies.scene_metrics import CATEGORY_PROMPTS, PLACE_PROMPTS

p = start(
    "02_clip_embeddings",
    by_profile={"n_gallery": {"smoke": 150, "workshop": 1000, "full": 2000}},
)
BLUE, ORANGE, GREEN, GREY = (COLOURS[name] for name in ("blue", "orange", "green", "grey"))

# %% [markdown]
# The pictures are simulated: small scenes drawn from a known description, each with five true captions. So we
# know what is in every picture, and can ask how much of it an embedding keeps. The default network is the course's
# own small CLIP, trained on other scenes of the same kind. `clip_name="ViT-B-32"` with `clip_weights="openai"` runs
# every cell with OpenAI's network instead.

# %%
clip = load_clip(p.clip_name, p.clip_weights, device=p.device)
untrained = load_clip(p.clip_name, "random", device=p.device, seed=p.seed)
network = f"{clip.name}, weights {clip.weights}"
foreign = None if p.clip_weights == "course" else "These weights were not trained on such scenes."
noted = {"network": network, "n_gallery": p.n_gallery, "reason": foreign}  # beside every claim
keep = p.clip_name != "course-small"  # a large network takes minutes: keep its vectors on disk

scenes = generate_scenes(p.n_seeds * p.n_gallery, seed=p.seed)
pictures = render(scenes, size=max(64, min(clip.image_size, 224)))
sentences = captions(scenes, seed=p.seed)  # five a picture
table = factors(scenes)
galleries = np.split(np.arange(len(scenes)), p.n_seeds)
train, test = np.concatenate(galleries[:-1]), galleries[-1]  # the last gallery is for testing

tower_images = image_features(clip, pictures, cache=keep, progress=keep)
tower_texts = caption_features(clip, sentences, cache=keep, progress=keep)
say(
    f"**{network}**: {len(tower_images)} simulated pictures with five captions each; every one of them is now "
    f"{clip.dimension} numbers. {p.n_seeds} galleries of {p.n_gallery} pictures."
)

# %% [markdown]
# ## Two towers, one space
#
# One network, the image tower $f$, reads pixels. Another, the text tower $g$, reads words. Both end in a vector of
# the same length, which is divided by its length. The likeness of picture $x$ and text $t$ is then the inner
# product of the two, the cosine of their angle:
#
# $$ u = \frac{f(x)}{\lVert f(x) \rVert}, \qquad v = \frac{g(t)}{\lVert g(t) \rVert}, \qquad s(x, t) = u \cdot v $$
#
# By hand, from what the towers give, and by the package:


# %%
def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


images, texts = unit(tower_images.vectors), unit(tower_texts.vectors)
assert np.allclose(images[:5], embed_images(clip, pictures[:5]).vectors, atol=1e-5)
assert np.allclose(texts[0], embed_texts(clip, sentences[0]).vectors, atol=1e-5)

one = min(test[:50], key=lambda i: max(map(len, sentences[i])))  # captions that fit a figure
others = [i for i in test[:50] if i != one][:3]
middle = [np.argsort([len(t) for t in sentences[i]])[2] for i in others]  # neither short nor long
words = sentences[one] + [sentences[i][k] for i, k in zip(others, middle, strict=True)]
cosines = np.concatenate([texts[one], texts[others, middle]]) @ images[one]
every = images[test] @ texts[test].reshape(-1, clip.dimension).T
mine = np.repeat(np.eye(len(test), dtype=bool), 5, axis=1)
fig, axes = figure(1, 2, width=9.2, height=4.1, gridspec_kw={"width_ratios": (1, 2.4)})
plot_pictures(pictures[[one]], ["one picture (simulated)"], axes[:1], fontsize=10)
axes[1].barh(np.arange(len(words))[::-1], cosines, color=[BLUE] * 5 + [ORANGE] * 3)
axes[1].set_yticks(np.arange(len(words))[::-1], [fill(w, 52) for w in words], fontsize=8)
plot_reference(axes[1], every[~mine].mean(), "mean, others'", vertical=True)
axes[1].set(xlabel="cosine with the picture", ylabel="caption", ylim=(-0.6, len(words)))
axes[1].set_title("its five captions (blue), others' (orange)", loc="left", fontsize=10)
show(
    fig,
    f"Simulated: the picture's own captions have a mean cosine of {cosines[:5].mean():.2f} with it, captions of three other "
    f"pictures {cosines[5:].mean():.2f}. Dashed: all other pictures' captions, on average.",
)

# %% [markdown]
# A sentence that fits many pictures cannot point at one of them alone. Now a picture of each place, with a caption each:

# %%
eight = np.array(
    [next(i for i in test if table.place[i] == place) for place in sorted(set(table.place[test]))]
)
described = [min(sentences[i], key=lambda s: abs(len(s) - 55)) for i in eight]
matrix = embed_texts(clip, described).vectors @ images[eight].T
n_first = int((matrix.argmax(axis=1) == np.arange(len(eight))).sum())

fig, ax = figure(width=8, height=5.2)
plot_heatmap(matrix, [fill(d, 40) for d in described], [""] * len(eight), ax, label="cosine")
ax.tick_params(axis="y", labelsize=8)
label_with_pictures(ax, pictures[eight], size=38)
ax.set_title(f"Captions by pictures (simulated), {clip.name}", loc="left")
show(
    fig,
    f"Simulated: for {n_first} of {len(eight)} captions the picture they were written for, on the diagonal, has the "
    f"largest cosine of their row.",
)

# %% [markdown]
# ## What the towers read
#
# A text tower reads numbers, not letters. The course's tokenizer has one number for each word that occurs in the
# training captions; OpenAI's has pieces of words, so that it can spell any word. A sentence gets a start, an end, and
# padding to a fixed length.

# %%
tokenizer = small_clip_tokenizer()
sentence = min(sentences[one], key=len)
numbers = [int(k) for k in tokenizer([sentence])[0] if tokenizer.words[k] != "<pad>"]
say(
    f"“{sentence}” (simulated caption), of {len(tokenizer.words)} words known:\n\n"
    + "| " + " | ".join(f"`{tokenizer.words[k]}`" for k in numbers) + " |\n"
    + "|" + "---|" * len(numbers) + "\n"
    + "| " + " | ".join(map(str, numbers)) + " |"
)  # fmt: skip

# %% [markdown]
# An image tower does not see a picture whole either. A vision transformer such as ViT-B/32 cuts 224 × 224 pixels
# into 7 × 7 patches, turns each into a vector, and lets these look at each other. The small network is a residual
# network: convolutions shrink 64 × 64 pixels to 2 × 2 positions, and one step of attention pools those.

# %%
large = render([scenes[one]], size=224)[0]
fig, axes = figure(1, 2, width=6.2, height=3.4)
views = {
    "ViT-B/32: 7 × 7 patches": (large, 7),
    "course-small: 2 × 2 positions": (render([scenes[one]])[0], 2),
}
plot_pictures([view for view, _ in views.values()], list(views), axes, wrap=40, fontsize=10)
for ax, (view, n_cells) in zip(axes, views.values(), strict=True):
    for edge in np.arange(1, n_cells) * len(view) / n_cells - 0.5:
        ax.axhline(edge, color="white", lw=1.5)
        ax.axvline(edge, color="white", lw=1.5)
show(
    fig,
    "Simulated scene, as two image towers cut it: 49 patches of 32 pixels, or four positions whose neighbourhoods "
    "overlap. Where a thing is gets coarse from the start.",
)

# %% [markdown]
# ## The loss, and its temperature
#
# Training shows the network $n$ pictures with one caption each, and asks two questions of the table of cosines
# $S$: which caption belongs to this picture (rows), and which picture to this caption (columns)? With the
# temperature $\tau$,
#
# $$ L = \tfrac12 \left( -\frac1n \sum_i \log \frac{e^{S_{ii}/\tau}}{\sum_j e^{S_{ij}/\tau}}
#        -\frac1n \sum_i \log \frac{e^{S_{ii}/\tau}}{\sum_j e^{S_{ji}/\tau}} \right) $$
#
# Cosines lie between −1 and 1. Without a temperature even a perfect table is a nearly flat softmax; dividing by a
# small $\tau$ stretches it. CLIP learns $\tau$ with everything else.


# %%
def clip_loss_by_hand(u, v, tau):
    S = u @ v.T / tau
    right = np.diag(S)
    rows = logsumexp(S, axis=1) - right  # each picture looks for its caption
    columns = logsumexp(S, axis=0) - right  # each caption looks for its picture
    return (rows.mean() + columns.mean()) / 2


tau = 1 / clip.logit_scale
batch = min(256, p.n_gallery)
u, v = images[test[:batch]], texts[test[:batch], 0]
by_package = float(clip_loss(torch.from_numpy(u), torch.from_numpy(v), temperature=tau))
assert np.isclose(clip_loss_by_hand(u, v, tau), by_package, atol=1e-4)
say(
    f"{network}, a batch of {batch} simulated pairs, learned τ = {tau:.3f}: loss {by_package:.3f} by hand and by "
    f"`contrastive.clip_loss`; guessing gives log {batch} = {np.log(batch):.2f}."
)


# %%
def loss_of(gallery, tau):
    first = gallery[:batch]
    return clip_loss_by_hand(images[first], texts[first, 0], tau)


taus = np.geomspace(0.005, 2, 40)
losses = np.array([[loss_of(g, t) for g in galleries] for t in taus])
best_tau = taus[losses.mean(axis=1).argmin()]
S = u @ v.T
unsure = np.abs(np.diag(softmax(S / tau, axis=1)) - 0.5).argmin()  # not sure, not lost
nearest = np.argsort(-S[unsure])[:8]

fig, axes = figure(1, 2, width=9.2, height=3.7)
for k, (times, colour, name) in enumerate(
    ((10, GREY, "ten times τ"), (1, BLUE, "learned τ"), (0.1, ORANGE, "a tenth of τ"))
):
    axes[0].plot(range(1, 9), softmax(S[unsure] / (tau * times))[nearest], "o-", color=colour)
    axes[0].annotate(
        name, (0.97, 0.9 - 0.09 * k), xycoords="axes fraction", ha="right", color=colour
    )
axes[0].set(xlabel="the eight nearest captions, in order", ylabel="softmax", ylim=(-0.04, 1.06))
axes[0].set_title(f"One picture, {batch} captions (simulated)", loc="left", fontsize=10)
plot_spread(taus, losses, axes[1], colour=BLUE)
axes[1].set(xscale="log", xlabel="temperature τ", ylabel="loss", ylim=(0, 1.6 * np.log(batch)))
plot_reference(axes[1], np.log(batch), "")
axes[1].annotate(f"guessing: log {batch}", (taus[-1], np.log(batch) + 0.15), ha="right", color=GREY)
plot_reference(axes[1], tau, "learned", vertical=True)
axes[1].set_title("Loss at every temperature (simulated)", loc="left", fontsize=10)
show(
    fig,
    f"Simulated. Left: the same cosines as probabilities; warmer is flatter, colder picks one. Right: on pairs never "
    f"seen the loss is lowest near τ = {best_tau:.3f} (learned: {tau:.3f}); far above, it nears guessing. Band: "
    f"range over {p.n_seeds} batches.",
)
left = [loss_of(g, 1.0) / np.log(batch) for g in galleries]
claims.record("clip.temperature.flat", Interval.over_seeds(left), **noted)

# %% [markdown]
# ## Zero-shot: a classifier made of words
#
# To sort pictures into classes, embed a sentence for each class and take the nearest. No classifier is trained. One
# name is a thin description; several sentences, averaged as unit vectors and scaled back to length 1, are a better
# one (*prompt ensemble*).


# %%
def classify_by_hand(images, prompts):
    classes = unit(np.stack([unit(of_class).mean(axis=0) for of_class in prompts]))
    return (images @ classes.T).argmax(axis=1)


names = {
    "place": {place: (f"{place}",) for place in PLACE_PROMPTS},
    "main_category": {
        "animal": ("an animal",), "body": ("a person",), "building": ("a building",), "face": ("a face",),
        "food_long": ("a vegetable",), "food_round": ("a fruit",), "hand": ("a hand",), "leg": ("legs",),
        "vehicle": ("a vehicle",), "word": ("a sign",),
    },
}  # fmt: skip
prompts = {"place": PLACE_PROMPTS, "main_category": CATEGORY_PROMPTS}
untrained_images = embed_images(untrained, pictures, cache=keep, progress=keep).vectors
shots = defaultdict(dict)
for task, sentences_of in prompts.items():
    truth = table[task].map(list(sentences_of).index).to_numpy()
    for label, model, vectors, wording in (
        ("one name", clip, images, names[task]),
        ("sentences", clip, images, sentences_of),
        ("untrained", untrained, untrained_images, sentences_of),
    ):
        shots[task][label] = zero_shot(vectors, phrase_embeddings(model, wording), truth)
    by_hand = classify_by_hand(
        images,
        [text_features(clip, s).vectors for s in sentences_of.values()],
    )
    assert np.mean(by_hand == shots[task]["sentences"].predictions) > 0.999  # but for ties

# %%
fig, axes = figure(1, 2, width=8.6, height=3.5, sharey=True)
for ax, (task, found) in zip(axes, shots.items(), strict=True):
    wordings = ["one name\na class", "several\nsentences", "untrained\nnetwork"]
    accuracies = [result.accuracy for result in found.values()]
    plot_intervals(wordings, accuracies, ax, colour=(ORANGE, BLUE, GREY))
    for x, (one, colour) in enumerate(zip(accuracies, (ORANGE, BLUE, GREY), strict=True)):
        lower = -10 if colour == GREY else 0  # clear of the line of chance
        label_line(ax, x, one.value, f"  {one.value:.2f}", colour, dy=lower)
    result = found["untrained"]
    plot_reference(ax, result.most_frequent, "always the most frequent")
    ax.set(
        xlabel="what the classes are made of", ylabel="accuracy", ylim=(0, 1.05), xlim=(-0.5, 2.6)
    )
    ax.set_title(
        f"{task.replace('_', ' ')}, {result.n_classes} classes (simulated)", loc="left", fontsize=10
    )
show(
    fig,
    f"Simulated: without a classifier trained, places are named right in {100 * shots['place']['sentences'].accuracy.value:.0f} "
    f"percent of {len(images)} pictures and main categories in {100 * shots['main_category']['sentences'].accuracy.value:.0f}; by "
    f"the same network with random weights in {100 * shots['place']['untrained'].accuracy.value:.0f} and "
    f"{100 * shots['main_category']['untrained'].accuracy.value:.0f}. Bars: 95 percent intervals.",
)
for task, found in shots.items():
    accuracy = found["sentences"].accuracy
    claims.record(f"clip.zero_shot.{task}", accuracy.scaled(1 / accuracy.chance), **noted)
truth = table.main_category.map(list(CATEGORY_PROMPTS).index).to_numpy()
right = {name: result.predictions == truth for name, result in shots["main_category"].items()}
more_right = right["sentences"].astype(int) - right["one name"]  # of each picture: -1, 0 or 1
claims.record("clip.zero_shot.ensemble", Interval.over_seeds(more_right), **noted)

# %% [markdown]
# Accuracy hides which classes are taken for which. The table of confusions does not:

# %%
fig, axes = figure(1, 2, width=10, height=4.6)
for ax, (task, sentences_of) in zip(axes, prompts.items(), strict=True):
    classes = list(sentences_of)
    truth = table[task].map(classes.index).to_numpy()
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, (truth, shots[task]["sentences"].predictions), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    labels = [c.replace("_", " ") for c in classes]
    drawn = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.argwhere(shares >= 0.05):
        colour = "white" if shares[row, column] > 0.5 else "black"
        number = f"{shares[row, column]:.2f}"
        ax.text(column, row, number, ha="center", va="center", fontsize=8, color=colour)
    ax.set_xticks(range(len(classes)), labels, rotation=90)
    ax.set_yticks(range(len(classes)), labels)
    ax.set(xlabel="named", ylabel="true")
    ax.set_title(f"{task.replace('_', ' ')} (simulated)", loc="left", fontsize=10)
    fig.colorbar(drawn, ax=ax, label="share of the true class", shrink=0.85)
wrong = np.where(np.eye(len(classes)), 0, shares)  # of the main category, the last one drawn
true, named = (labels[k] for k in np.unravel_index(wrong.argmax(), wrong.shape))
show(
    fig,
    f"Simulated: the diagonal holds {100 * shots['place']['sentences'].accuracy.value:.0f} percent of the places and "
    f"{100 * shots['main_category']['sentences'].accuracy.value:.0f} of the main categories. The most frequent mistake there is to name "
    f"{true} as {named}. Without number: less than 0.05.",
)

# %% [markdown]
# Two reasons to look for. Words cross the classes: a man's face and a man's body are both "a man" in captions. And a
# picture holds several things; the true class is that of the largest, which no caption marks.
#
# ## Retrieval: find the one that belongs
#
# Hold a caption against all pictures of a gallery, and note the *rank* of the picture it was written for. **Recall
# at k** is the share of captions whose picture is among the first k. The other direction asks pictures for captions.
# Three ways to use five captions: take one; count any of the five as right; or average the five unit vectors into
# one (*caption average*), which is what many studies of the brain do.

# %%
average = unit(texts.mean(axis=1))
assert np.allclose(average, caption_average(tower_texts).vectors, atol=1e-5)
ks = sorted({10, *np.geomspace(1, p.n_gallery, 30).astype(int).tolist()})
ways = {
    "one caption": texts[:, 0],
    "any of five": texts,
    "caption average": average,
}
found = {
    name: [retrieval(images[g], vectors[g], ks) for g in galleries]
    for name, vectors in ways.items()
}
by_hand = images[test] @ texts[test, 0].T  # pictures by captions
ranks = (by_hand >= np.diag(by_hand)[None, :]).sum(axis=0)  # of each caption's picture
assert np.isclose(
    (ranks <= 10).mean(),
    found["one caption"][-1].text_to_image[ks.index(10)],
    atol=2 / len(test),
)

fig, axes = figure(1, 2, width=9.2, height=3.7, sharey=True)
for ax, direction, title in (
    (axes[0], "image_to_text", "From a picture to its captions"),
    (axes[1], "text_to_image", "From a caption to its picture"),
):
    shown = [w for w in ways if w != "any of five" or direction == "image_to_text"]
    for k, name in enumerate(shown):
        colour = {"one caption": ORANGE, "any of five": GREEN, "caption average": BLUE}[name]
        curves = np.array([getattr(r, direction) for r in found[name]]).T
        plot_spread(ks, curves, ax, colour=colour)
        ax.annotate(name, (0.3, 0.3 - 0.08 * k), xycoords="axes fraction", color=colour)
    ax.plot(
        ks,
        getattr(found["one caption"][0], f"chance_{direction}"),
        color=GREY,
        lw=1,
        ls=(0, (4, 3)),
    )
    label_line(ax, ks[0], 0.06, "dashed: chance", GREY)
    ax.set(xscale="log", xlabel="k, answers looked at", ylabel="recall at k", ylim=(0, 1.03))
    ax.set_title(f"{title} (simulated)", loc="left", fontsize=10)
at_10 = ks.index(10)
k10 = {name: np.array([r.text_to_image[at_10] for r in rs]) for name, rs in found.items()}
show(
    fig,
    f"Simulated, galleries of {p.n_gallery}: with one caption the right picture is among the first ten for "
    f"{100 * k10['one caption'].mean():.0f} percent, with the average of five for {100 * k10['caption average'].mean():.0f}. "
    f"Bands: range over {p.n_seeds} galleries.",
)

# %%
more_found = k10["caption average"] - k10["one caption"]
claims.record("clip.retrieval.recall10", Interval.over_seeds(k10["one caption"]), **noted)
claims.record("clip.retrieval.average", Interval.over_seeds(more_found), **noted)

# %% [markdown]
# Numbers do not say *why* a search fails. Look at three searches: the longest caption whose picture came first, the
# shortest whose picture came after the tenth place, and the longest of those.

# %%
queries = texts[test].reshape(-1, clip.dimension)
owner = np.repeat(np.arange(len(test)), 5)
asked = [sentence for i in test for sentence in sentences[i]]
rank = target_ranks(queries, images[test], owner)
length = np.array([len(sentence) for sentence in asked])
fitting = length <= 90
late = np.flatnonzero((rank > min(10, np.quantile(rank, 0.9))) & fitting)
early = np.flatnonzero((rank == rank.min()) & fitting)
searches = [early[length[early].argmax()], late[length[late].argmin()], late[length[late].argmax()]]

fig, axes = figure(3, 6, width=9.4, height=4.9)
shown, titles, frames = [], [], []
for q in searches:
    nearest = np.argsort(-(images[test] @ queries[q]), kind="stable")[:5]
    shown += [owner[q], *nearest]
    titles += [f"meant: rank {rank[q]}", *(f"answer {k}" for k in range(1, 6))]
    frames += [COLOURS["black"], *(GREEN if i == owner[q] else None for i in nearest)]
plot_pictures(pictures[test[shown]], titles, axes, frames=frames, rows=[asked[q] for q in searches])
show(
    fig,
    f"Simulated searches among {p.n_gallery} pictures; black frame: the picture meant, green: found. Top: a hit. Middle: the "
    f"shortest sentence that missed; it fits many pictures. Bottom: the longest that missed, though it says more.",
)

# %% [markdown]
# ## What the embedding keeps, and what it drops
#
# A scene has factors that we know exactly: how prominent faces are, how many people there are, how bright it is, in
# which direction its texture runs. A **linear probe** asks how well a linear model, fitted on some pictures, reads a
# factor from the embedding of others. 0 is chance and 1 is perfect: R² for numbers; for classes, balanced accuracy
# scaled so that chance is 0.
#
# Three comparisons say what the number means. The **caption average**: what five captions hold of the factor. The
# **pixels** (16 × 16 blocks, as many principal components as the embedding has dimensions): what is there to read
# without a network. The **untrained network**: what the architecture passes on before it has learned anything.

# %%
side = pictures.shape[1] // 16
blocks = (
    pictures[:, : 16 * side, : 16 * side]
    .reshape(len(pictures), 16, side, 16, side, 3)
    .mean(axis=(2, 4))
)
blocks = blocks.reshape(len(pictures), -1)
n_components = min(clip.dimension, len(train) // 2, blocks.shape[1])
pixels = PCA(n_components, random_state=p.seed).fit(blocks[train]).transform(blocks)
sources = {
    "picture": images,
    "caption average": average,
    "untrained network": untrained_images,
    "pixels": pixels,
}


def probe(*data, **options):
    with threadpool_limits(1):  # hundreds of small fits: threads would wait for each other
        return linear_probe(*data, **options)


unsaid = "orientation_sin"  # how the lines of the texture slant
left_out = ("indoor", "outdoor_natural", "food", "main_colour")  # sums of others; many classes
chosen = [name for name in table.columns if name not in left_out]
if p.profile == "smoke":
    chosen = ["place", "brightness", "animal", "word", "n_people", "near", unsaid]
probes = {name: {} for name in sources}
held_out = {}  # of each factor: rows of the pictures, and what is true of them
for factor in chosen:
    y = table[factor].to_numpy()
    y = y.astype(str) if table[factor].dtype.kind not in "fiub" else y.astype(float)
    fit, held = train, test
    if y.dtype.kind == "U":  # classes take longer, and rare ones cannot be scored
        fit = train[:600]
        usual = [c for c in np.unique(y) if min(sum(y[fit] == c), sum(y[test] == c)) >= 5]
        fit, held = (rows[np.isin(y[rows], usual)] for rows in (fit, test))
    held_out[factor] = held, y[held]
    for name, vectors in sources.items():
        probes[name][factor] = probe(
            vectors[fit], y[fit], vectors[held], y[held],
            penalties=(10, 1000), n_bootstrap=200, random_state=p.seed,
        )  # fmt: skip


def above_chance(found):
    """Score with its interval, such that chance is 0 and a perfect score 1."""
    score = found.score
    ends = np.array([score.value, score.low, score.high])
    return Interval(*((ends - score.chance) / (1 - score.chance)), chance=0.0)


kept = {name: {f: above_chance(result) for f, result in of.items()} for name, of in probes.items()}

# %%
order = sorted(chosen, key=lambda f: kept["picture"][f].value)
colours = dict(zip(sources, (BLUE, ORANGE, COLOURS["pink"], GREY), strict=True))
fig, ax = figure(width=7.6, height=6.4)
for k, (name, of) in enumerate(kept.items()):
    shown = [of[f] for f in order]
    shown = [Interval(*np.maximum([i.value, i.low, i.high], -0.1)) for i in shown]
    heights = np.arange(len(order)) + 0.15 * (1.5 - k)
    plot_intervals([], shown, ax, positions=heights, horizontal=True, colour=colours[name], lw=1)
    ax.annotate(
        name, (0.985, 0.24 - 0.05 * k), xycoords="axes fraction", ha="right", color=colours[name]
    )
ax.set_yticks(range(len(order)), [f.replace("_", " ") for f in order])
ax.hlines(np.arange(len(order)) - 0.5, -0.12, 1.02, color=COLOURS["grey"], lw=0.3)
plot_reference(ax, 0, "", vertical=True)
ax.set(
    xlabel="read by a linear probe (0: chance, 1: perfect)",
    ylabel="factor of the scene",
    xlim=(-0.12, 1.02),
)
ax.set_title(f"What a linear model reads (simulated), {clip.name}", loc="left")
people = [of["n_people"].value for of in kept.values()]
said = [f for f in chosen if f not in (unsaid, "near", "brightness")]
of_picture, of_untrained = (
    max(kept[s][unsaid].value, 0.0) for s in ("picture", "untrained network")
)
show(
    fig,
    f"Simulated; lines are 95 percent intervals, values below −0.1 drawn there. The number of people is read at "
    f"{people[0]:.2f} from the picture's embedding, {people[2]:.2f} from the untrained network, {people[3]:.2f} from pixels. How the "
    f"texture slants (orientation sin), no caption says: {of_picture:.2f}, from the untrained network {of_untrained:.2f}.",
)

# %%
gain = {f: kept["picture"][f].value - kept["caption average"][f].value for f in chosen}
more_in_picture = sorted((f for f in chosen if gain[f] > 0.02), key=lambda f: -gain[f])
say(
    f"In these simulated scenes the picture's embedding holds more than the captions' of: "
    f"**{', '.join(f.replace('_', ' ') for f in more_in_picture) or 'nothing'}**. Of everything else the five captions hold "
    f"as much or more, because they were written from the scene itself while the network has to see it. The "
    f"embedding has {clip.dimension} dimensions and uses few: its **effective rank** (the number of equally strong "
    f"directions that would spread as evenly) is {effective_rank(images):.0f} for pictures, "
    f"{effective_rank(texts[:, 0]):.0f} for captions, and {effective_rank(untrained_images):.0f} for pictures "
    f"before training."
)

# %% [markdown]
# Which of two sources holds more of a factor? Both were read on the same pictures, so draw pictures anew, with
# replacement, and take the difference of the two scores in each draw.


# %%
def read(name, factor, weights):
    """Score above chance of a probe; pictures count as often as they were drawn."""
    rows, y = held_out[factor]
    predicted, w = probes[name][factor].predictions, weights[rows]
    if y.dtype.kind == "U":  # balanced accuracy, scaled so that chance is 0
        classes, code = np.unique(y, return_inverse=True)
        with np.errstate(invalid="ignore"):  # a class that was not drawn: no score
            hits = np.bincount(code, w * (predicted == y)) / np.bincount(code, w)
        return (hits.mean() * len(classes) - 1) / (len(classes) - 1)
    return 1 - w @ (y - predicted) ** 2 / (w @ (y - np.average(y, weights=w)) ** 2)


def difference(first, second, chosen):
    """How much more of some factors the first source holds; below chance counts as nothing."""

    def mean_difference(weights):
        scores = [[read(name, f, weights) for name in (first, second)] for f in chosen]
        return np.subtract(*np.maximum(scores, 0).T).mean()

    rng, n = np.random.default_rng([p.seed, 50]), len(scenes)
    drawn = [np.bincount(rng.choice(test, len(test)), minlength=n) for _ in range(500)]
    return Interval.from_resamples(
        mean_difference(np.ones(n)), [mean_difference(weights) for weights in drawn]
    )


everyone = np.ones(len(scenes))
for f in chosen:
    assert np.isclose(read("picture", f, everyone), kept["picture"][f].value)
claims.record("clip.factors.said", difference("picture", "untrained network", said), **noted)
claims.record("clip.factors.unsaid", difference("untrained network", "picture", [unsaid]), **noted)
claims.record(
    "clip.factors.brightness", difference("picture", "caption average", ["brightness"]), **noted
)

# %% [markdown]
# Look at three groups. What captions *name* is there: people, hands, words, places. What *goes along* with naming is
# there too, and better than in the captions: how large and how near things are, how bright it is. What no caption
# depends on is in danger. The texture of every picture runs in some direction, and no caption says which. The cosine
# part still comes through, for half of the pictures have the direction that is usual at their place. The sine part
# has little of that, and training leaves less of it than the untrained network passed on.
#
# So an embedding is not "the picture in numbers". It is the picture as far as it matters for its captions. If a brain
# area responds to the direction of lines, a CLIP embedding may miss it, and the miss is the model's.
#
# ## How many captions are enough?
#
# NSD's pictures have five captions each. Average one to five of them, drawn anew for each picture, and look at
# search and at what can be read.

# %%
read_factors = ("animal", "word", "n_people")
numbers_of = np.arange(1, texts.shape[1] + 1)
recalls, reads = np.empty((2, len(numbers_of), p.n_seeds))
from_picture = np.empty(p.n_seeds)


def mean_read(vectors, held):
    """Mean R2 of the factors, read from some pictures by a probe fitted on 1,000 others."""
    fit = np.setdiff1d(np.arange(len(vectors)), held)[:1000]
    options = {"penalties": (10,), "n_bootstrap": 1}
    columns = [table[name].to_numpy() for name in read_factors]
    return np.mean(
        [
            probe(vectors[fit], y[fit], vectors[held], y[held], **options).score.value
            for y in columns
        ]
    )


for s, g in enumerate(galleries):
    from_picture[s] = mean_read(images, g)
    rng = np.random.default_rng([p.seed, 60, s])
    order_of = rng.permuted(np.tile(numbers_of - 1, (len(scenes), 1)), axis=1)[..., None]
    for i, number in enumerate(numbers_of):
        some = unit(np.take_along_axis(texts, order_of[:, :number], axis=1).mean(axis=1))
        recalls[i, s] = recall_at_k(some[g], images[g], np.arange(len(g)), [1])[0]
        reads[i, s] = mean_read(some, g)

fig, axes = figure(1, 2, width=8.8, height=3.4)
plot_spread(numbers_of, recalls, axes[0], colour=BLUE, marker="o")
plot_reference(axes[0], 1 / p.n_gallery, "chance")
axes[0].set(xlabel="captions averaged", ylabel="recall at 1, captions to picture", ylim=(0, 1.03))
axes[0].set_title(f"Search among {p.n_gallery} (simulated)", loc="left", fontsize=10)
plot_spread(numbers_of, reads, axes[1], colour=BLUE, marker="o")
plot_reference(axes[1], from_picture.mean(), "")
label_line(axes[1], 3, from_picture.mean(), "from the picture", GREY, dy=-8)
axes[1].set(xlabel="captions averaged", ylabel="mean R² of three factors", ylim=(0, 1))
axes[1].set_title("Read from the average (simulated)", loc="left", fontsize=10)
for ax in axes:
    ax.set_xticks(numbers_of)
gains = np.diff(recalls.mean(axis=1))
show(
    fig,
    f"Simulated: the second caption adds {gains[0]:.2f} to recall at 1, the fifth {gains[-1]:.2f}. Right: "
    f"{', '.join(name.replace('_', ' ') for name in read_factors)}, read from one caption at {reads[0].mean():.2f}, from five at "
    f"{reads[-1].mean():.2f}, from the picture at {from_picture.mean():.2f}. Bands: range over {p.n_seeds} galleries.",
)
each = np.diff(recalls, axis=0)  # gain of each further caption, in each gallery
claims.record("clip.captions.diminishing", Interval.over_seeds(each[0] - each[-1]), **noted)

# %% [markdown]
# ## Pitfalls: four mistakes, made on purpose
#
# **1. No division by the length.** The inner product of raw outputs rewards long vectors. A picture whose vector is
# long is then the answer to too many questions. **2. Tested on training pictures.** Retrieval is measured on scenes
# that the network was trained on. **3. A right answer counted as wrong.** Two pictures may have been given the very
# same sentence; then only one of them counts as found. All three change one number, the recall of captions:

# %%
recall1 = {
    "as it\nshould be": [],
    "lengths\nkept": [],
    "trained-on\npictures": [],
    "same sentence\ncounts": [],
}
same_share = []
known = generate_scenes(len(scenes), seed=TRAINING_SEED)
known_images = embed_images(clip, render(known, size=pictures.shape[1]), cache=keep).vectors
known_texts = embed_captions(clip, captions(known, seed=TRAINING_SEED), cache=keep).vectors
for g in galleries:
    owner = np.repeat(np.arange(len(g)), 5)
    flat = texts[g].reshape(-1, clip.dimension)
    recall1["as it\nshould be"].append(recall_at_k(flat, images[g], owner, [1])[0])
    products = tower_images.vectors[g] @ flat.T
    recall1["lengths\nkept"].append(np.mean(products.argmax(axis=0) == owner))
    pictures_of = defaultdict(list)
    for row, i in enumerate(g):
        for sentence in dict.fromkeys(sentences[i]):
            pictures_of[sentence].append(row)
    fair = [pictures_of[sentence] for i in g for sentence in sentences[i]]
    same_share.append(np.mean([len(rows) > 1 for rows in fair]))
    recall1["same sentence\ncounts"].append(recall_at_k(flat, images[g], fair, [1])[0])
    of_known = retrieval(known_images[g], known_texts[g], [1])
    recall1["trained-on\npictures"].append(of_known.text_to_image[0])

fig, ax = figure(width=7.2, height=3.4)
plot_bars(recall1, ax, colours=(BLUE, ORANGE, ORANGE, GREEN))
plot_reference(ax, 1 / p.n_gallery, "chance")
ax.set(xlabel="how it was measured", ylabel="recall at 1, caption to picture", xlim=(-0.8, 3.5))
ax.set_title(f"Search among {p.n_gallery} pictures (simulated)", loc="left")
means = [np.mean(values) for values in recall1.values()]
show(
    fig,
    f"Simulated; dots are galleries. Right: {means[0]:.3f}. Keeping lengths: {means[1]:.3f}. On pictures the network was trained on: "
    f"{means[2]:.3f}. Counting every picture that was given the same sentence: {means[3]:.3f}.",
)
say(
    f"{100 * np.mean(same_share):.0f}% of the simulated captions were written, word for word, for more than one picture of a "
    f"gallery of {p.n_gallery}. Far more are *true* of several pictures. Recall at 1 can therefore not reach 1, and a "
    f"small difference in it says little."
)

# %%
should, kept_lengths, trained_on, same = map(np.array, recall1.values())
claims.record("clip.pitfall.lengths", Interval.over_seeds(should - kept_lengths), **noted)
claims.record("clip.pitfall.training", Interval.over_seeds(trained_on - should), **noted)
claims.record("clip.pitfall.same_sentence", Interval.over_seeds(same - should), **noted)

# %% [markdown]
# **4. Words the network has never read.** The course's tokenizer turns an unknown word into *unknown*, with a
# warning. Then two different animals are the same sentence. OpenAI's tokenizer spells unknown words out of pieces: no
# warning, and still no knowledge of what the word means.

# %%
strange = ["a picture of a tiger in a forest.", "a picture of a penguin in a forest."]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    a, b = embed_texts(clip, strange).vectors
message = "; ".join(str(w.message) for w in caught) or "none"
say(
    f"Cosine of “{strange[0]}” and “{strange[1]}” ({network}): **{a @ b:.3f}**. Warnings: *{message}*"
)

# %% [markdown]
# ## Exercises
#
# ### 1. Write the loss
#
# `u` and `v` hold unit vectors (pairs × dimensions), `tau` is the temperature. Return CLIP's loss.


# %% tags=["exercise"]
def contrastive_loss(u, v, tau):
    return ...  # your answer here


# %%
exercises.check("clip.loss", contrastive_loss)

# %%
exercises.card("clip.loss")

# %% [markdown]
# ### 2. Rank by cosine
#
# `images` and `captions` hold what the towers give (pairs × dimensions), **not** of length 1. For each caption,
# return the rank of its own picture among all pictures, 1 for the nearest.


# %% tags=["exercise"]
def ranks_of_own_picture(images, captions):
    return ...  # your answer here


# %%
exercises.check("clip.ranks", ranks_of_own_picture)

# %%
exercises.card("clip.ranks")

# %% [markdown]
# ### 3. Classify with several sentences a class
#
# `images` (pictures × dimensions) and `prompts` (classes × sentences × dimensions) come from the towers, not of
# length 1. Return the cosine of each picture with the embedding of each class, (pictures × classes).


# %% tags=["exercise"]
def class_scores(images, prompts):
    return ...  # your answer here


# %%
exercises.check("clip.zero_shot", class_scores)

# %%
exercises.card("clip.zero_shot")

# %% [markdown]
# ### 4. Recall with five captions
#
# `cosines` has a row a picture and a column a caption; `owner[j]` is the picture that caption `j` was written for.
# Return recall at `k` from pictures to captions: any of a picture's own captions counts.


# %% tags=["exercise"]
def recall_any_caption(cosines, owner, k):
    return ...  # your answer here


# %%
exercises.check("clip.recall", recall_any_caption)

# %%
exercises.card("clip.recall")

# %% [markdown]
# ## On real data
#
# The published embeddings of 500 real pictures and their captions by OpenAI's ViT-B/32 (`liang2022`) are small enough
# to bring along. How do cosines look there?

# %%
has_pairs = p.real_data and available("clip_pairs")
if not has_pairs:
    say(
        "*The real embeddings are not here: skipped. `sdc data fetch clip_pairs` gets them (2 MB).*"
    )
else:
    real = load_clip_pairs()
    tables = {
        f"simulated scenes, {clip.name}": images[test[:500]] @ texts[test[:500], 0].T,
        "real pictures, OpenAI ViT-B/32": unit(real.images) @ unit(real.texts).T,
    }
    fig, axes = figure(1, 2, width=9, height=3.4, sharex=True)
    for ax, (name, cosines) in zip(axes, tables.items(), strict=True):
        own = np.diag(cosines)
        mixed = cosines[~np.eye(len(cosines), dtype=bool)]
        for values, colour, label, y in (
            (mixed, GREY, "other pairs", 0.9),
            (own, BLUE, "own pairs", 0.8),
        ):
            ax.hist(values, bins=50, density=True, color=colour, alpha=0.7)
            ax.annotate(
                f"{label}: mean {values.mean():.2f}",
                (0.98, y),
                xycoords="axes fraction",
                ha="right",
                color=colour,
            )
        ax.set(xlabel="cosine of picture and caption", ylabel="density")
        ax.set_ylim(0, 1.35 * ax.get_ylim()[1])
        ax.set_title(name, loc="left", fontsize=10)
    recalls_real = retrieval(real.images, real.texts)
    show(
        fig,
        f"Real (right): OpenAI's own pairs have a mean cosine of only {np.diag(tables['real pictures, OpenAI ViT-B/32']).mean():.2f}, "
        f"and are found first in {100 * recalls_real.image_to_text[0]:.0f} percent of 500. What counts is the distance to the grey "
        f"hill. Left, for comparison: simulated scenes.",
    )
    claims.record("clip.real.recall1", recalls_real.image_to_text[0])
    of_pairs = np.diag(tables["real pictures, OpenAI ViT-B/32"])
    claims.record("clip.real.low_cosine", of_pairs.mean())

# %% [markdown]
# A cosine of 0.3 says nothing by itself: compare it with those of other pairs. Why pictures and captions keep such a
# distance is the question of the next chapter.
#
# Every cell above runs with OpenAI's network, on the simulated scenes, drawn at 224 pixels:
#
# ```bash
# sdc run 02 -p clip_name=ViT-B-32 -p clip_weights=openai -p n_gallery=150 --time-limit 3600   # 340 MB once
# sdc run 02 -p clip_weights=random   # the control: nothing learned
# ```
#
# The weights may also be the path of a file. A file does not say how its network computes: a copy of OpenAI's weights needs
# `clip_name=ViT-B-32-quickgelu`, and a warning says so where another name is given. A gallery of 150 takes some minutes on a CPU, one of 1,000 wants a GPU; vectors are kept, so a second run is quick.
# Claims that hold for the small network need not hold for a larger one: it has never seen such drawings, and it knows
# more words.
#
# ## At full size, on a GPU
#
# The measurement of the shipped weights: 6,000 held-out scenes. The tests make the same call, small, on the CPU.

# %% tags=["gpu"]
if on_gpu(
    "zero-shot accuracy and retrieval on 6,000 scenes",
    estimate="unmeasured on a GPU",
    recorded="sdc_helpers/embeddings/course_small/metrics.json, from a CPU",
):
    on_device = load_clip(p.clip_name, p.clip_weights, device="cuda")
    measured = measure_on_scenes(on_device, 6000, 1000, probes=False).to_dict()
    say("Simulated scenes: " + ", ".join(f"{name} {value:.3f}" for name, value in measured.items()))

# %% [markdown]
# ## Take-aways
#
# 1. CLIP's towers put pictures and sentences into one space. Only comparisons of cosines mean something, never one
#    cosine alone.
# 2. The embedding keeps what captions name and what goes along with it. What no caption depends on can get lost.
# 3. Normalise, test on new pictures, draw chance, and read your misses: a vague caption is not the network's mistake.
#
# Further reading: `radford2021` (CLIP), `liang2022` (the real embeddings used here, and their gap). Words: the
# [glossary](glossary.md).
