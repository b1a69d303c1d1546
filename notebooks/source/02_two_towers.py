# %% [markdown]
# # Two towers: how CLIP compares a picture with a sentence
#
# How can you compare a picture with a sentence? One is a grid of pixels, the other a row of words. CLIP turns each into
# a list of numbers, such that a picture and a sentence that belong together point the same way. Brain studies use these
# numbers as "the meaning of a picture", so you should know how they come about. The answer in one sentence: **two
# networks are trained to find each other's partner in a batch, and therefore only comparisons of cosines mean something,
# never one cosine alone.** After Radford and colleagues (2021): `radford2021`.
#
# {{ minutes }}
#
# ## What you will do
#
# - put pictures and sentences into one space, and read their cosines
# - write CLIP's loss, and see what its temperature does
# - classify pictures without training a classifier
# - search pictures by sentences, and sentences by pictures, against chance
# - make four mistakes on purpose, and see what each costs
#
# You need: inner products, the softmax. Helpful: [start here](00_start_here.ipynb).

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 1  # which scenes, and where every draw starts [0, 999999]
device: str = "auto"  # where to compute {auto, cpu, cuda}
clip_name: str = "course-small"  # CLIP's loss alone; or a name of open_clip
clip_weights: str = "course"  # or a tag such as openai; a file; random
n_gallery: int | None = None  # pictures; None: by profile [150, 10000]
n_seeds: int = 3  # galleries [2, 20]
real_data: bool = True  # use real embeddings, where their file is at hand

# %% Set up: imports, and what each profile computes tags=["fold"]
import warnings
from textwrap import fill

import numpy as np
import torch

from sdc_helpers import (
    contrastive,
    datasets,
    embeddings,
    exercises,
    plotting,
    studies,
)
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import figure, show, show_slider
from sdc_helpers.studies import scene_metrics

p = start(
    "02_two_towers",
    by_profile={"n_gallery": {"smoke": 150, "workshop": 1000, "full": 2000}},
)
BLUE, ORANGE, GREEN, GREY = (
    plotting.COLOURS[name] for name in ("blue", "orange", "green", "grey")
)

# %% [markdown]
# The pictures are simulated: small scenes, drawn from a known description, each with five true captions. The network is
# a small CLIP of the course's own, trained by CLIP's loss alone on other scenes of the same kind. The scenes are split
# into *galleries*, so that every number below can be measured more than once.

# %%
network = p.clip_name, p.clip_weights
space = studies.open_clip_space(
    p.n_gallery, p.n_seeds, clip=network, seed=p.seed, device=p.device
)
pictures, sentences, test = space.pictures, space.sentences, space.test
noted = {"network": space.network, "n_gallery": p.n_gallery}
if p.clip_weights != "course":
    noted["reason"] = "These weights were not trained on such scenes."

# %% [markdown]
# ## Two towers, one space
#
# One network, the image [tower](glossary.md#tower) $f$, reads pixels. Another, the text tower $g$, reads words. Each
# ends in a vector, the [embedding](glossary.md#embedding), and both vectors have the same length $d$. Divide each by
# its norm. The likeness of picture $x$ and text $t$ is then the inner product, which is the cosine of their angle:
#
# $$ u = \frac{f(x)}{\lVert f(x) \rVert}, \qquad v = \frac{g(t)}{\lVert g(t) \rVert}, \qquad s(x, t) = u \cdot v $$
#
# By hand, from what the towers give. The package's `embed_images` does the same.


# %%
def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


raw_images = space.image_features.vectors  # what the towers give
raw_texts = space.text_features.vectors
images, texts = unit(raw_images), unit(raw_texts)
five = embeddings.embed_images(space.clip, pictures[:5])
assert np.allclose(images[:5], five.vectors, atol=1e-5)
say(f"{space.network}: d = {space.clip.dimension}, {len(images)} pictures.")

# %%
places = space.factors.place[test]
shown = [places.index[places == name][0] for name in sorted(set(places))]
described = [min(sentences[i], key=lambda s: abs(len(s) - 55)) for i in shown]
their_texts = embeddings.embed_texts(space.clip, described).vectors
cosines = their_texts @ images[shown].T  # captions x pictures
n_first = np.count_nonzero(cosines.argmax(axis=1) == np.arange(len(shown)))

# %% [markdown]
# That was one picture of each place, with a caption each. Each row of the figure is a caption, each column a picture.
# Look along a row: is the number on the diagonal the largest?

# %% Draw the cosines of captions and pictures tags=["fold"]
# fmt: off
fig, ax = figure(width=8.4, height=4.9)
plotting.plot_heatmap(cosines, [fill(d, 40) for d in described], [""] * len(shown), ax, label="cosine")
ax.tick_params(axis="y", labelsize=8)
plotting.label_with_pictures(ax, pictures[shown], size=38)
ax.set(xlabel="picture", ylabel="caption")
ax.set_title("Captions by pictures (simulated)", loc="left")
show(
    fig,
    f"Simulated: for {n_first} of {len(shown)} captions, the picture that they were written for (diagonal) has the "
    f"largest cosine of the row.",
)
# fmt: on

# %% [markdown]
# ## The loss
#
# How does the network learn that? It is shown $n$ pictures with one caption each, and is asked two questions about the
# table of cosines $S$. Which caption belongs to this picture? That is a softmax along each row. And which picture
# belongs to this caption? That is a softmax along each column. This [contrastive loss](glossary.md#contrastive-loss)
# is low if the right answer, on the diagonal, gets most of the probability both times:
#
# $$ L = \tfrac12 \left( -\frac1n \sum_i \log \frac{e^{S_{ii}/\tau}}{\sum_j e^{S_{ij}/\tau}}
#        -\frac1n \sum_i \log \frac{e^{S_{ii}/\tau}}{\sum_j e^{S_{ji}/\tau}} \right) $$
#
# $\tau$ is the [temperature](glossary.md#temperature), see below. A network that only guesses has the loss $\log n$.
#
# ### Exercise: write the loss
#
# `u` holds the unit vectors of pictures, `v` those of their captions (pairs × dimensions), `tau` is the temperature.
# Return the loss.


# %% tags=["exercise"]
def contrastive_loss(u, v, tau):
    return ...  # your answer here


# %%
exercises.check("clip.loss", contrastive_loss)

# %%
exercises.card("clip.loss")

# %% [markdown]
# The notebook goes on with your function if it is right, and with ours if not. The package's function gives the same
# number for a batch of pairs that the network has never seen.

# %%
contrastive_loss = exercises.yours_or_ours("clip.loss", contrastive_loss)
learned = 1 / space.clip.logit_scale  # the temperature that training found
batch = min(256, p.n_gallery)
u, v = images[test[:batch]], texts[test[:batch], 0].astype(float)
loss = contrastive_loss(u, v, learned)
tensors = torch.from_numpy(u).double(), torch.from_numpy(v)
by_package = contrastive.clip_loss(*tensors, temperature=learned)
assert np.isclose(loss, float(by_package), atol=1e-4)
say(f"Simulated, {batch} pairs: loss {loss:.2f}, guessing {np.log(batch):.2f}.")

# %% [markdown]
# ## What the temperature does
#
# Cosines lie between −1 and 1. The softmax of such small numbers is nearly flat, even if the table is perfect.
# Dividing by a small $\tau$ stretches it. Try a range of temperatures on the same cosines. To make it harder, take eight
# pictures of one place, with a caption each.


# %%
def loss_of(gallery, tau):
    first = gallery[:batch]
    return contrastive_loss(images[first], texts[first, 0].astype(float), tau)


taus = np.geomspace(0.005, 2, 13)
losses = np.array([[loss_of(g, tau) for g in space.galleries] for tau in taus])
alike = places.index[places == places.iloc[0]][:8]
hard = texts[alike, 0] @ images[alike].T  # captions x pictures
softmax = {tau: np.exp(hard / tau) for tau in taus}
softmax = {tau: e / e.sum(axis=1, keepdims=True) for tau, e in softmax.items()}
best = taus[losses.mean(axis=1).argmin()]

# %%
at_one = np.array([loss_of(gallery, 1.0) for gallery in space.galleries])
of_guessing = Interval.over_seeds(at_one / np.log(batch))
claims.record("towers.temperature.flat", of_guessing, **noted)

# %% [markdown]
# Move the slider from cold to warm. On the left each row sums to 1: at the cold end one answer gets everything, also
# where it is wrong; at the warm end all get the same. On the right, find the bottom of the curve, and compare it with
# the temperature that was learned.

# %% Draw softmax and loss at each temperature tags=["fold"]
# fmt: off
figures = {}
for tau in taus:
    fig, axes = figure(1, 2, width=8.2, height=3.3)
    drawn = axes[0].imshow(softmax[tau], cmap="Blues", vmin=0, vmax=1)
    axes[0].set_yticks(range(len(alike)), range(1, len(alike) + 1))
    plotting.label_with_pictures(axes[0], pictures[alike], size=17)
    axes[0].set(xlabel="picture", ylabel="caption")
    axes[0].set_title("Softmax of each caption (simulated)", loc="left", fontsize=10)
    fig.colorbar(drawn, ax=axes[0], label="probability", shrink=0.85)
    plotting.plot_spread(taus, losses, axes[1], colour=BLUE)
    axes[1].plot(tau, losses[list(taus).index(tau)].mean(), "o", ms=9, color=ORANGE)
    plotting.plot_reference(axes[1], np.log(batch), "")
    axes[1].annotate(f"guessing: log {batch}", (2, 1.04 * np.log(batch)), ha="right", color=GREY)
    plotting.plot_reference(axes[1], learned, "learned", vertical=True)
    axes[1].set(xscale="log", xlabel="temperature", ylabel="loss (nat)", ylim=(0, 1.8 * np.log(batch)))
    axes[1].set_title(f"Loss of {batch} pairs (simulated)", loc="left", fontsize=10)
    figures[f"{tau:.3f}"] = fig
show_slider(
    figures,
    "temperature",
    f"Simulated. Left: the cosines of eight captions with pictures of one place, as probabilities; cold picks one, warm "
    f"cannot choose. Right: on new pairs the loss is lowest near {best:.3f} (learned: {learned:.3f}); far above it nears "
    f"guessing. Band: range over {p.n_seeds} batches.",
    start=4,
)
# fmt: on

# %% [markdown]
# Too cold is as bad as too warm: then a near miss counts as a certain mistake. CLIP learns $\tau$ with everything else.
#
# ## Zero-shot: a classifier made of words
#
# To sort pictures into classes, embed a sentence for each class and take the nearest. That is
# [zero-shot classification](glossary.md#zero-shot-classification): no classifier is trained. One name is a thin
# description. A [prompt ensemble](glossary.md#prompt-ensemble) describes a class by several sentences. With their unit
# vectors $v_{ck}$,
#
# $$ m_c = \frac1K \sum_k v_{ck}, \qquad w_c = \frac{m_c}{\lVert m_c \rVert}, \qquad \text{score}_c(x) = u \cdot w_c $$
#
# ### Exercise: classify with several sentences a class
#
# `images` (pictures × dimensions) and `prompts` (classes × sentences × dimensions) come from the towers, **not** of
# length 1. Return the score of each picture for each class (pictures × classes).


# %% tags=["exercise"]
def class_scores(images, prompts):
    return ...  # your answer here


# %%
exercises.check("clip.zero_shot", class_scores)

# %%
exercises.card("clip.zero_shot")

# %% [markdown]
# Eight places, three sentences each, such as "a picture on the beach.", "a scene on the beach." and "a view on the
# beach." The package's `zero_shot` names the same classes.

# %%
class_scores = exercises.yours_or_ours("clip.zero_shot", class_scores)
wording = scene_metrics.PROMPTS["place"]
prompts = np.stack([
    embeddings.text_features(space.clip, of_class).vectors
    for of_class in wording.values()
])  # fmt: skip
named = class_scores(raw_images, prompts).argmax(axis=1)
place = space.factors.place.map(list(wording).index).to_numpy()
classes = studies.phrase_embeddings(space.clip, wording)
by_package = embeddings.zero_shot(images, classes, place)
assert np.mean(named == by_package.predictions) > 0.999  # but for ties

# %% [markdown]
# Now the experiment: one name or several sentences a class, for the place and for the *main category*, the largest
# thing in the picture. The control is the same network with random weights.

# %%
shots = {}
for task, prompts_of in scene_metrics.PROMPTS.items():
    truth = space.factors[task].map(list(prompts_of).index).to_numpy()
    for name, clip, vectors, words in (
        ("one name", space.clip, images, scene_metrics.NAMES[task]),
        ("sentences", space.clip, images, prompts_of),
        ("untrained", space.untrained, space.untrained_images, prompts_of),
    ):
        classes = studies.phrase_embeddings(clip, words)
        shots[task, name] = embeddings.zero_shot(vectors, classes, truth)

# %%
for task in scene_metrics.PROMPTS:
    accuracy = shots[task, "sentences"].accuracy
    times_chance = accuracy.scaled(1 / accuracy.chance)
    claims.record(f"towers.zero_shot.{task}", times_chance, **noted)
by_one, by_several = (  # of the main category, the last one
    shots["main_category", name].predictions == truth
    for name in ("one name", "sentences")
)
more = Interval.over_seeds(by_several.astype(int) - by_one)
claims.record("towers.zero_shot.ensemble", more, **noted)

# %% [markdown]
# On the left, compare orange with blue, and both with the grey control. On the right is the table of confusions of the
# main category, which says what a single accuracy hides. Look for the darkest cell off the diagonal.

# %% Draw accuracies and confusions tags=["fold"]
# fmt: off
fig, axes = figure(1, 2, width=10.6, height=4.3, gridspec_kw={"width_ratios": (1, 1.25)})
wordings = {"one name": ORANGE, "sentences": BLUE, "untrained": GREY}
tasks = ("place", "main_category")
for k, (name, colour) in enumerate(wordings.items()):
    accuracies = [shots[task, name].accuracy for task in tasks]
    bare = [Interval(a.value, a.low, a.high) for a in accuracies]
    plotting.plot_intervals([], bare, axes[0], positions=np.arange(2) + 0.2 * (k - 1), colour=colour)
for x, task in enumerate(tasks):
    axes[0].hlines(shots[task, "sentences"].most_frequent, x - 0.4, x + 0.4, color=GREY, lw=1, ls=(0, (4, 3)))
axes[0].set_xticks(range(2), [f"{task.replace('_', ' ')}\n{shots[task, 'sentences'].n_classes} classes" for task in tasks])
axes[0].set(xlabel="what is named", ylabel="accuracy", ylim=(0, 1.05), xlim=(-0.5, 1.5))
plotting.name_series(axes[0], wordings | {"dashed: always the most frequent": GREY}, x=0.98, y=0.99, step=0.06)
axes[0].set_title("Zero-shot (simulated)", loc="left")
labels = [name.replace("_", " ") for name in scene_metrics.PROMPTS["main_category"]]
counts = np.zeros((len(labels), len(labels)))
np.add.at(counts, (truth, shots["main_category", "sentences"].predictions), 1)
shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
printed = np.where(shares >= 0.05, shares, np.nan)
plotting.plot_heatmap(printed, labels, labels, axes[1], limit=1, label="share of the true class")
axes[1].tick_params(axis="x", rotation=90)
axes[1].set(xlabel="named", ylabel="true main category")
axes[1].set_title("Confusions with sentences (simulated)", loc="left")
wrong = np.where(np.eye(len(labels)), 0, shares)
true, taken_for = (labels[k] for k in np.unravel_index(wrong.argmax(), wrong.shape))
value = {key: 100 * shot.accuracy.value for key, shot in shots.items()}
show(
    fig,
    f"Simulated. Places are named right in {value['place', 'sentences']:.0f} percent, main categories in "
    f"{value['main_category', 'sentences']:.0f} ({value['main_category', 'one name']:.0f} with one name, "
    f"{value['main_category', 'untrained']:.0f} untrained); bars are 95 percent intervals. The most frequent mistake is "
    f"to name {true} as {taken_for}. Blank: less than 0.05.",
)
# fmt: on

# %% [markdown]
# Two reasons: a man's face and a man's body are both "a man" in captions. And a picture holds several things, of which
# no caption says which is the largest.
#
# ## Retrieval: find the one that belongs
#
# Hold a caption against all pictures of a gallery, and note the *rank* of the picture that it was written for, 1 for the
# nearest. [Recall at k](glossary.md#recall-at-k) is the share of captions whose picture is among the first $k$. Chance
# is $k/n$ among $n$ pictures.
#
# ### Exercise: rank by cosine
#
# `images` and `captions` hold what the towers give (pairs × dimensions), **not** of length 1. For each caption, return
# the rank of its own picture among all pictures.


# %% tags=["exercise"]
def own_ranks(images, captions):
    return ...  # your answer here


# %%
exercises.check("clip.ranks", own_ranks)

# %%
exercises.card("clip.ranks")

# %%
own_ranks = exercises.yours_or_ours("clip.ranks", own_ranks)
ranks = own_ranks(raw_images[test], raw_texts[test, 0])
by_package = embeddings.retrieval(images[test], texts[test, 0], [10])
share = by_package.text_to_image[0]
assert np.isclose((ranks <= 10).mean(), share, atol=2 / len(test))

# %%
ks = sorted({10, *np.geomspace(1, p.n_gallery, 30).astype(int).tolist()})
recalls = [
    embeddings.retrieval(images[g], texts[g, 0], ks) for g in space.galleries
]
to_picture = np.array([r.text_to_image for r in recalls]).T
to_caption = np.array([r.image_to_text for r in recalls]).T
in_ten = Interval.over_seeds(to_picture[ks.index(10)])
claims.record("towers.retrieval.recall10", in_ten, **noted)

# %% [markdown]
# That was one gallery. The figure shows every gallery, both directions and all $k$. Look at the left end, $k = 1$, and
# at the distance to the dashed line of chance.

# %% Draw recall over k tags=["fold"]
# fmt: off
fig, ax = figure(width=6.6, height=3.2)
plotting.plot_spread(ks, to_picture, ax, colour=BLUE)
plotting.plot_spread(ks, to_caption, ax, colour=ORANGE)
ax.plot(ks, recalls[0].chance_text_to_image, color=GREY, lw=1, ls=(0, (4, 3)))
inks = {"caption to picture": BLUE, "picture to caption": ORANGE, "dashed: chance": GREY}
plotting.name_series(ax, inks, x=0.3, y=0.45, step=0.1)
ax.set(xscale="log", xlabel="k, answers looked at", ylabel="recall at k", ylim=(0, 1.03))
ax.set_title(f"Search among {p.n_gallery} pictures (simulated)", loc="left")
show(
    fig,
    f"Simulated. A caption finds its picture first in {100 * to_picture[0].mean():.0f} percent of the searches, and "
    f"among the first ten in {100 * in_ten.value:.0f}; chance is {1000 / p.n_gallery:.1f}. Bands: range over "
    f"{p.n_seeds} galleries.",
)
# fmt: on

# %% [markdown]
# A number does not say *why* a search fails. So look at three searches: the longest caption whose picture came first,
# the shortest caption whose picture came late, and the longest of those. Does the sentence describe the answers too?

# %%
searches = space.example_searches(n_answers=5)

# %% Draw three searches tags=["fold"]
# fmt: off
fig, axes = figure(3, 6, width=9.4, height=4.9)
drawn, titles, frames = [], [], []
for search in searches:
    drawn += [search.meant, *search.answers]
    titles += [f"meant: rank {search.rank}", *(f"answer {k}" for k in range(1, 6))]
    frames += [plotting.COLOURS["black"], *(GREEN if i == search.meant else None for i in search.answers)]
rows = [search.sentence for search in searches]
plotting.plot_pictures(pictures[drawn], titles, axes, frames=frames, rows=rows)
show(
    fig,
    f"Simulated searches among {p.n_gallery} pictures; black frame: the picture meant, green: found. Top: a hit. Middle: "
    f"the shortest sentence that missed (rank {searches[1].rank}); it fits many pictures. Bottom: the longest that "
    f"missed (rank {searches[2].rank}).",
)
# fmt: on

# %% [markdown]
# A vague caption is not the network's mistake. But recall counts it as one.
#
# ## Pitfalls: four mistakes, made on purpose
#
# 1. **Lengths kept.** The inner product of raw vectors rewards long ones. A picture with a long vector is then the
#    answer to too many questions.
# 2. **Wrong preprocessing.** The image tower expects pictures as in training: size, scale, order of the colours. Here
#    red and blue are swapped, as some libraries read files. Nothing fails, there is no warning.
# 3. **Tested on training pictures.** Retrieval is measured on scenes that the network was trained on.
#
# All three change one number, recall at 1 from caption to picture.

# %%
swapped = space.embed(pictures[..., ::-1].copy())
known_images, known_texts = space.of_training_scenes()
owner = np.repeat(np.arange(p.n_gallery), 5)


def recall_at_1(of_images, of_texts, g):
    products = of_texts[g].reshape(5 * len(g), -1) @ of_images[g].T
    return np.mean(products.argmax(axis=1) == owner)


measured = {
    "as it\nshould be": (images, texts),
    "lengths\nkept": (raw_images, texts),
    "red and blue\nswapped": (swapped, texts),
    "training\npictures": (known_images, known_texts),
}
recall1 = {
    name: np.array([recall_at_1(*sides, g) for g in space.galleries])
    for name, sides in measured.items()
}

# %%
should, kept, turned, trained_on = recall1.values()
lengths = Interval.over_seeds(should - kept)
channels = Interval.over_seeds(should - turned)
training = Interval.over_seeds(trained_on - should)
claims.record("towers.pitfall.lengths", lengths, **noted)
claims.record("towers.pitfall.channels", channels, **noted)
claims.record("towers.pitfall.training", training, **noted)

# %% [markdown]
# Compare each orange bar with the blue one. Which mistake costs most, and which one may flatter?

# %% Draw recall with each mistake tags=["fold"]
# fmt: off
fig, ax = figure(width=6.6, height=3.3)
plotting.plot_bars(recall1, ax, colours=(BLUE, ORANGE, ORANGE, ORANGE))
plotting.plot_reference(ax, 1 / p.n_gallery, "")
ax.annotate("chance", (3.45, 1 / p.n_gallery), xytext=(0, 3), textcoords="offset points", color=GREY, ha="left")
ax.set(xlabel="how it was measured", ylabel="recall at 1, caption to picture", xlim=(-0.6, 4))
ax.set_title(f"Search among {p.n_gallery} pictures (simulated)", loc="left")
means = [values.mean() for values in recall1.values()]
show(
    fig,
    f"Simulated; dots are galleries. As it should be: {means[0]:.3f}. Lengths kept: {means[1]:.3f}. Red and blue "
    f"swapped: {means[2]:.3f}. Training pictures: {means[3]:.3f}.",
)
# fmt: on

# %% [markdown]
# 4. **Words that the network has never read.** A text tower reads [tokens](glossary.md#token), numbers of words
#    or of pieces of words. The course's tokenizer turns an unknown word into one token for *unknown*, with a warning.
#    Then two animals are the same sentence. OpenAI's spells unknown words out of pieces: no warning, and still no
#    knowledge of what they mean.

# %%
unread = ["a tiger in a forest.", "a penguin in a forest."]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    tiger, penguin = embeddings.embed_texts(space.clip, unread).vectors
message = "; ".join(str(w.message) for w in caught) or "none"
say(f"Cosine of the two: **{tiger @ penguin:.3f}**. Warnings: *{message}*")

# %% [markdown]
# ## On real data
#
# The published embeddings of 500 photographs and their captions by OpenAI's ViT-B/32 (`liang2022`) are small enough to
# bring along. How large are cosines there?

# %%
has_pairs = p.real_data and datasets.available("clip_pairs")
if has_pairs:
    pairs = datasets.load_clip_pairs()
    real_images, real_texts = unit(pairs.images), unit(pairs.texts)
    tables = {
        "simulated, small CLIP": images[test[:500]] @ texts[test[:500], 0].T,
        "real, OpenAI's CLIP": real_images @ real_texts.T,
    }
    own = np.diag(tables["real, OpenAI's CLIP"]).mean()
    real_recalls = embeddings.retrieval(real_images, real_texts)
    claims.record("towers.real.recall1", real_recalls.image_to_text[0])
    claims.record("towers.real.low_cosine", own)
else:
    say("*Real embeddings are not here: `sdc data fetch clip_pairs`, 2 MB.*")

# %% [markdown]
# Would you have called the blue cosines on the right a good match? Look at the grey ones before you answer.

# %% Draw the cosines of real pairs tags=["fold"]
# fmt: off
if has_pairs:
    fig, axes = figure(1, 2, width=9, height=3.3, sharex=True)
    for ax, (name, values) in zip(axes, tables.items(), strict=True):
        sides = {"other pairs": values[~np.eye(len(values), dtype=bool)], "own pairs": np.diag(values)}
        inks = {}
        for (side, part), colour in zip(sides.items(), (GREY, BLUE), strict=True):
            ax.hist(part, bins=50, density=True, color=colour, alpha=0.7)
            inks[f"{side}: mean {part.mean():.2f}"] = colour
        plotting.name_series(ax, inks)
        top = 1.35 * ax.get_ylim()[1]
        ax.set(xlabel="cosine of picture and caption", ylabel="density of pairs", ylim=(0, top))
        ax.set_title(name, loc="left", fontsize=10)
    show(
        fig,
        f"Real (right): OpenAI's own pairs have a mean cosine of only {own:.2f}, and yet a picture finds its caption first "
        f"among 500 in {100 * real_recalls.image_to_text[0]:.0f} percent, since those of other pairs are lower still. "
        f"Left, for comparison: simulated scenes.",
    )
# fmt: on

# %% [markdown]
# A cosine of 0.3 says nothing by itself. Compare it with those of other pairs. Why pictures and captions keep such a
# distance is the question of [the contrastive gap](04_contrastive_gap.ipynb).
#
# Every cell above runs with OpenAI's network too, on the simulated scenes drawn at 224 pixels. Claims that hold for the
# small network need not hold for it: it has never seen such drawings, and it knows more words.
#
# ```bash
# sdc run 02 -p clip_name=ViT-B-32 -p clip_weights=openai -p n_gallery=150 --time-limit 3600   # 340 MB once
# sdc run 02 -p clip_weights=random   # the control: nothing learned
# ```
#
# A copy of OpenAI's weights in a file needs `clip_name=ViT-B-32-quickgelu`.
#
# ## At full size, on a GPU
#
# The measurement of the shipped weights, on 6,000 scenes. The tests make the same call, small, on the CPU.

# %% tags=["gpu"]
if on_gpu(
    "zero-shot accuracy and retrieval on 6,000 scenes",
    estimate="unmeasured on a GPU",
    recorded="sdc_helpers/embeddings/course_small/metrics.json, from a CPU",
):
    clip = embeddings.load_clip(*network, device="cuda")
    metrics = studies.measure_on_scenes(clip, 6000, 1000, probes=False)
    row = metrics.to_dict().items()
    say("Simulated: " + ", ".join(f"{name} {value:.3f}" for name, value in row))

# %% [markdown]
# ## Take-aways
#
# 1. Two towers put pictures and sentences into one space. A batch is a table of cosines, and the loss asks each row and
#    each column for its partner.
# 2. The temperature decides how much a small difference of cosines counts. A classifier or a search needs nothing but
#    the nearest vector.
# 3. Normalise, preprocess as in training, test on new pictures, draw chance, and read your misses.
#
# Next: [what CLIP keeps of a picture](03_what_clip_keeps.ipynb). Further reading: `radford2021` (CLIP), `liang2022` (the
# real embeddings used here). Words: the [glossary](glossary.md).
