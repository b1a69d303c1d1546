# %% [markdown]
# # Finding neighbours: bins that are learned
#
# You have a concept vector, and a million pictures. Which pictures are nearest? Comparing with all of them is exact and
# slow. So one sorts the pictures into bins beforehand, and looks only into the bins where the answer should be. Which bins?
# The answer in one sentence: **a small network can learn bins that keep neighbours together, better than k-means where
# little is looked at; and a graph of neighbours beats all bins, unless you want the bins themselves.** After Fahim, Ali
# and Cheema (2022): `fahim2022partition`.
#
# {{ minutes }}
#
# ## What you will do
#
# - measure a search by what it finds and by how much it looks at
# - write the two aims of the loss: neighbours that agree, and bins that are full
# - race learned bins, few and many, against k-means, a graph and other peers
# - ask for pictures by caption, where queries are unlike what is searched
# - use learned bins as a clustering, and see where that fails
#
# You need: [embeddings](02_two_towers.ipynb), what a softmax is.

# %% tags=["parameters"]
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 0  # of simulated pictures, splits and networks [0, 999999]
device: str = "auto"  # where to compute {auto, cpu, cuda}
source: str = "simulated"  # where the pictures come from {simulated, nsd}
root: str = ""  # folder of the real NSD tree, for source nsd
real_data: bool = True  # use the SIFT descriptors where they are at hand
n_bins: int = 16  # bins of a partition [4, 256]
n_vectors: int | None = None  # descriptors; None: the profile [300, 5000]
n_epochs: int | None = None  # of training; None: the profile [5, 1000]
n_seeds: int | None = None  # sets to cluster; None: the profile [2, 20]

# %% Set up: imports, and what each profile computes tags=["fold"]
import numpy as np
import torch
from sklearn.datasets import make_circles, make_moons
from sklearn.metrics import adjusted_rand_score

from sdc_helpers import datasets, exercises, neighbours, plotting
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import figure, show
from sdc_helpers.studies import partition_records, partition_study

p = start(
    "15_space_partitioning",
    by_profile={
        "n_vectors": {"smoke": 900, "workshop": 5000, "full": 5000},
        "n_epochs": {"smoke": 10, "workshop": 20, "full": 60},
        "n_seeds": {"smoke": 2, "workshop": 3, "full": 5},
    },
)
colours = plotting.COLOURS
BLUE, ORANGE, GREEN, GREY = (colours[name] for name in ("blue", "orange", "green", "grey"))  # fmt: skip
SHARES = partition_study.SHARES
over = Interval.over_seeds
has_sift = p.real_data and datasets.available("sift5k")

# %% [markdown]
# ## What is searched
#
# Three bases. **Pictures**: what the course's CLIP says about pictures, and their captions. **SIFT**: 5,000 real
# descriptors of image patches, 128 numbers each, a small set of the kind on which such methods are measured (`jegou2011`).
# **Digits**: 1,797 real handwritten ones, 64 pixels each. Some are held out to ask with. The truth is known, since so few can
# be compared one by one: the ten [nearest neighbours](glossary.md#nearest-neighbour) of each query.
#
# You work with one split. Whatever needs many trainings is **recorded**: three splits and seeds of each base, everything at
# full size, made by `sdc partition race --out FILE`, which makes any part of it again.

# %%
pictures = partition_study.open_pictures(
    p.source, p.root, p.profile, p.seed, device=p.device
)
n_queries = len(pictures.pictures) // 10
by_picture, by_caption, captions = pictures.tasks(n_queries, p.seed)
kind = pictures.kind
task = by_picture
if has_sift:
    task = partition_study.sift_task(p.n_vectors // 10, p.seed, p.n_vectors)
base, queries, truth = task.base, task.queries, task.truth
record = partition_records.recorded_partitions()

# %% Say what is searched tags=["fold"]
made = partition_records.partitions_provenance()
sizes_of = {name: record.of(name, "k-means")[0] for name in ("SIFT", "digits", "pictures")}  # fmt: skip
say(
    f"Here: {len(by_picture.base):,} {kind} pictures to be found, {n_queries} to ask with"
    + (f"; real SIFT, {len(base):,} and {len(queries)}. " if has_sift else ". *SIFT is not here: `sdc data fetch sift5k` gets it (1.8 MB); its place is taken by the pictures.* ")
    + "Recorded: " + ", ".join(f"{one.n_base:,} {one.kind} {name}" for name, one in sizes_of.items())
    + f", on {made['date']} ({made['hardware']}). "
)  # fmt: skip

# %% [markdown]
# ## What a search costs
#
# Sort the base into bins. A query goes to its first bin, its second, and so on; each time it looks at all vectors that are
# there, its **candidates**. [Recall](glossary.md#recall-of-a-search) is the share of the true neighbours among them. Recall alone says
# nothing: a single bin has recall 1. So both are counted together.
#
# Write it: `order` (queries × bins) are the bins of each query in the order of probing, `bins` the bin of each vector of
# the base, `truth` (queries × neighbours) rows of the base. Return an array of two numbers: mean recall, and mean number
# of candidates, after `n_probes` bins.


# %% tags=["exercise"]
def recall_and_candidates(order, bins, truth, n_probes):
    return ...  # your answer here


# %%
exercises.check("partition.recall", recall_and_candidates)

# %%
exercises.card("partition.recall")

# %% [markdown]
# For the bins of k-means, whose queries go to the nearest centroid first, it is the package's curve:

# %%
recall_and_candidates = exercises.yours_or_ours(
    "partition.recall", recall_and_candidates
)
lone = neighbours.kmeans_bins(base, p.n_bins, random_state=p.seed)
order = lone.probe_order(queries)
curve = neighbours.recall_curve(order, lone.labels, truth)
found, looked_at = recall_and_candidates(order, lone.labels, truth, 3)
assert np.isclose(found, curve.recall[2])
assert np.isclose(looked_at, curve.candidates[2] * len(base))

# %% [markdown]
# ## Two aims
#
# K-means cuts space where centroids are equally far, whether neighbours lie on both sides or not. Let a network say, for a
# vector $x_i$, how probable each bin is: $P_{ib}$. Nobody tells it which bin is right. It learns from two aims.
#
# **Neighbours should agree.** The ten nearest neighbours of $i$ vote; their mean probability is the target $q_i$, and the
# network is asked for it by the cross-entropy $-\sum_b q_{ib} \log P_{ib}$. No gradient flows through the votes.
#
# Write the vote: `P` (points × bins) are probabilities, `neighbours` (points × k) rows of it.


# %% tags=["exercise"]
def soft_vote(P, neighbours):
    return ...  # your answer here


# %%
exercises.check("partition.votes", soft_vote)

# %%
exercises.card("partition.votes")

# %% [markdown]
# **Bins should be full.** With the first aim alone all go into one bin: everybody agrees. So each of the $m$ bins asks for
# its share of points that are sure of it:
#
# $$ b = -\frac1n \sum_{\text{bins } b} \;\; \sum_{\text{its } \lfloor n/m \rfloor \text{ largest}} P_{ib} $$
#
# It is $-1$ where all bins are full of points that are sure. Write it for one batch.


# %% tags=["exercise"]
def balance(P):
    return ...  # your answer here


# %%
exercises.check("partition.balance", balance)

# %%
exercises.card("partition.balance")

# %% [markdown]
# The loss is the cross-entropy plus $\eta\, b$. By hand it is the package's, which also gives gradients:

# %%
soft_vote = exercises.yours_or_ours("partition.votes", soft_vote)
balance = exercises.yours_or_ours("partition.balance", balance)
rng = np.random.default_rng(p.seed)
P = rng.dirichlet(np.ones(4), size=50)
near = neighbours.exact_neighbours(P, k=5)
by_hand = -(soft_vote(P, near) * np.log(P)).sum(axis=1).mean() + 7 * balance(P)
probable = torch.from_numpy(P)
votes = neighbours.soft_votes(probable[torch.from_numpy(near)])
loss = neighbours.vote_loss(probable, votes)
loss = loss + 7 * neighbours.balance_term(probable)
assert np.isclose(by_hand, loss.item())

# %% [markdown]
# How much should balance weigh? Move $\eta$ and watch the bins. An empty bin is a bin that you paid for and do not have.

# %%
weights = (0.5, 1.0, 2.0, 7.0, 15.0)
sizes = {}
for eta in weights:
    model = neighbours.SpacePartition(
        p.n_bins, eta=eta, n_epochs=p.n_epochs // 2, random_state=p.seed
    ).fit(base)
    sizes[eta] = np.bincount(model.bins_, minlength=p.n_bins)

# %% Draw the sizes of the bins for each weight tags=["fold"]
figures, highest = {}, max(of.max() for of in sizes.values())
for eta, of in sizes.items():
    fig, ax = figure(width=5.0, height=2.8)
    ax.bar(range(p.n_bins), np.sort(of)[::-1], color=BLUE)
    plotting.plot_reference(ax, len(base) / p.n_bins, "equal shares")
    ax.set(xlabel="bin, by size", ylabel="vectors in it", ylim=(0, 1.05 * highest))  # fmt: skip
    ax.set_title(f"{(of == 0).sum()} bins are empty", loc="left", fontsize=10)
    figures[f"{eta:g}"] = fig
empty = {eta: int((of == 0).sum()) for eta, of in sizes.items()}
plotting.show_slider(
    figures, "weight of the balance term (eta)",
    f"{task.kind.capitalize()}: with a weight of {weights[0]} {empty[weights[0]]} of {p.n_bins} bins are empty, with 7 {empty[7.0]}.",
    start=3,
)  # fmt: skip

# %% [markdown]
# How many are empty at a weight of 1, after a whole training? Recorded on three seeds:

# %%
light = record.of("SIFT", "soft votes, eta 1")
claims.record("partition.balance.empty", over([c.n_empty for c in light]))

# %% [markdown]
# ## The race
#
# *Soft votes* is the loss above; *as published* takes in place of the mean vote the one bin in which most neighbours are.
# *K-means* is the best of ten starts. The graph is HNSW (`malkov2020`): every vector has links to near ones, and a search
# walks along them; its candidates are the distances that it computes. First, your own split:

# %%
unfitted = neighbours.SpacePartition(p.n_bins, n_epochs=p.n_epochs)
yours = partition_study.race(task, unfitted, seed=p.seed)

# %% Say what your own split gives beside the recorded ones tags=["fold"]
name = "SIFT" if has_sift else "pictures"
mean = {m: record.recall(name, m, 1 / 16).mean() for m in yours.curves}
own = {m: curve.at(min(1 / 16, curve.candidates[-1])) for m, curve in yours.curves.items()}  # fmt: skip
say(
    f"At 1/16 of the base, yours ({task.kind}, {p.n_epochs} epochs) and the recorded mean ({name}, 16 bins, full size):\n\n"
    + plotting.table(
        ["", "yours", "recorded"], [[m, own[m], mean[m]] for m in own]
    )
)

# %% [markdown]
# Now the recorded race. To the left little is looked at. Which curve is highest there, and where do they meet? The graph is
# so far up that it almost leaves the figure.

# %% Draw recall against candidates tags=["fold"]
shown = {"soft votes": BLUE, "k-means": ORANGE, "as published": GREY, "graph (HNSW)": GREEN}  # fmt: skip
fig, axes = figure(1, 3, width=11.0, height=3.6, sharey=True)
for ax, (name, about) in zip(axes, sizes_of.items(), strict=True):
    for method, colour in shown.items():
        for number, one in enumerate(record.of(name, method)):
            ax.plot((0, *one.candidates), (0, *one.recall), color=colour, lw=1, marker=".", ms=4, label=None if number else method)  # fmt: skip
    ax.set(
        xlabel="candidates (share of the base)", xlim=(0, 0.5), ylim=(0, 1.02)
    )
    ax.set_title(f"{name} ({about.kind})", loc="left", fontsize=10)
axes[0].set(ylabel="recall of 10 neighbours")
axes[-1].legend(frameon=False, fontsize=9, loc="lower right")
at = {m: record.recall("SIFT", m, 1 / 16).mean() for m in shown}
show(
    fig,
    "Real (SIFT, digits) and simulated, recorded, 16 bins; a line a split. The graph is above all bins from its first point on; before it lines are interpolated from 0. On SIFT at 1/16 of "
    "the base: " + ", ".join(f"{m} {value:.2f}" for m, value in at.items()) + ".",
)  # fmt: skip

# %% [markdown]
# There are more ways to make bins: balanced k-means, trees that halve space at a median, random hyperplanes, and a small
# *Neural LSH* (`dong2020`), where first the graph of neighbours is cut into equal parts, and then a network learns them.
# An *ensemble* has three networks, and each query goes to the one that is surest of its bin. With the published weights
# later networks attend to the points that earlier ones separate from their neighbours. A fair ensemble has a peer, too:
# three k-means, whose queries go to the one with the widest lead of the nearest centroid.

# %% Show all methods on the three bases tags=["fold"]
cells = [("SIFT", s) for s in SHARES] + [("digits", s) for s in SHARES[:2]] + [("pictures", s) for s in SHARES[:3]]  # fmt: skip
rows = [
    [m, *(record.recall(b, m, s).mean() if m in record.methods(b) else np.nan for b, s in cells)]
    for m in record.methods("SIFT")
]  # fmt: skip
heads = [f"{b} 1/{round(1 / s)}" for b, s in cells]
spread = max(record.recall(b, m, s).std(ddof=1) for b, s in cells for m in record.methods(b))  # fmt: skip
say(
    "Recall of ten neighbours at shares of the base, 16 bins, mean of three splits, recorded (SIFT and digits real, pictures "
    f"simulated):\n\n{plotting.table(['', *heads], rows)}\n\nThe standard deviation over splits is {spread:.3f} at most."
)
larger = [
    [f"{record.of(b, 'k-means')[0].n_base:,}", clip, width, record.recall(b, m, 1 / 16).mean(), record.ahead(b, m, "k-means", 1 / 16)]
    for b, clip, m, width in (
        ("pictures", "the course's", "soft votes", 128),
        *(
            (base, clip, m, width)
            for base, clip in (("more pictures", "the course's"), ("more pictures (plain CLIP)", "plain"))
            for m, width in (("soft votes, smaller", 128), ("soft votes", 256))
        ),
    )
]  # fmt: skip
say(
    "Of more pictures, soft votes at 1/16 (simulated, recorded; *plain*: a CLIP trained by its own loss alone; width 256 has "
    f"twice the epochs):\n\n{plotting.table(['pictures', 'CLIP', 'width', 'recall', 'more than k-means'], larger)}"
)

# %%
lead = record.ahead
names = {1 / 16: "sixteenth", 1 / 8: "eighth", 1 / 4: "quarter", 1 / 2: "half"}
for share, name in names.items():
    ahead = lead("SIFT", "soft votes", "k-means", share)
    claims.record(f"partition.sift.{name}", ahead)
weighted = "ensemble, published weights"
for name, first, second in (
    ("published", "as published", "k-means"),
    ("ensemble", "ensemble", "soft votes"),
    ("ensemble_kmeans", "ensemble", "k-means"),
    ("three_kmeans", "ensemble", "three k-means"),
    ("weights", weighted, "ensemble"),
    ("neural_lsh", "soft votes", "Neural LSH"),
):
    gain = lead("SIFT", first, second, 1 / 16)
    claims.record(f"partition.sift.{name}", gain)

# %%
for base_of, name, first, second in (
    ("digits", "sixteenth", "soft votes", "k-means"),
    ("digits", "published", "as published", "k-means"),
    ("pictures", "sixteenth", "soft votes", "k-means"),
    ("pictures", "graph", "graph (HNSW)", "soft votes"),
):
    gain = lead(base_of, first, second, 1 / 16)
    claims.record(f"partition.{base_of}.{name}", gain)
for name, base_of in (
    ("more_pictures", "more pictures"),
    ("plain_clip", "more pictures (plain CLIP)"),
):
    gain = lead(base_of, "soft votes", "k-means", 1 / 16)
    claims.record(f"partition.{name}.sixteenth", gain)

# %% [markdown]
# The lead of learned bins grows with the base, and differs between networks. So no lead that was measured elsewhere is yours.

# %% [markdown]
# ## Pitfall: an unfair race
#
# Two methods, three probes each: which finds more? That is no question, since their bins differ in size. Compare at the
# same number of candidates, and interpolate between the points that were measured. Write it: `first` and `second` are
# pairs (candidates, recall), ascending; return the first's recall less the second's at a `share` of candidates. With no
# candidates nothing is found.


# %% tags=["exercise"]
def lead_at(first, second, share):
    return ...  # your answer here


# %%
exercises.check("partition.race", lead_at)

# %%
exercises.card("partition.race")

# %% [markdown]
# Other ways to be unfair, all of them seen: one start of k-means against the best of three networks; an ensemble against a
# single k-means; recall without what it cost; queries that are themselves in the base.
#
# ## Many bins
#
# With 16 bins you look at a sixteenth of the base at least. Who wants to look at less needs more bins, and then the network
# has trouble: from random initial values some bins never get their share. Two ways out. *Start from k-means*: the network
# first learns its labels, then the two aims. Or a [hierarchy](glossary.md#hierarchy-of-bins): partition, and partition each
# bin again. A leaf is as probable as the path to it, the product of the probabilities on the way:

# %%
small = neighbours.SpacePartition(
    hidden=128, batch_size=256, n_epochs=p.n_epochs, random_state=p.seed
)
tree = neighbours.HierarchicalPartition(small, branching=4, levels=2).fit(base)
leaves = tree.predict_proba(queries)
branches = leaves.reshape(len(queries), 4, 4).sum(axis=2)
assert np.allclose(branches.sum(axis=1), 1, atol=1e-5)
found_by_tree = task.curve(tree).at(1 / 16)
say(
    f"{task.kind.capitalize()}: 4 times 4 leaves find "
    f"{found_by_tree:.2f} at 1/16."
)

# %% [markdown]
# The recorded race with 256 bins, 16 times 16 for the hierarchy. A bin of SIFT then holds eighteen vectors, and an epoch has
# five steps: a network of 256 outputs learns little from so few. Does any way of learning pay here?

# %% Draw the race with 256 bins tags=["fold"]
shown = {"soft votes from k-means": BLUE, "k-means": ORANGE, "hierarchy": GREY, "graph (HNSW)": GREEN}  # fmt: skip
many = ["SIFT", "pictures"]
fig, axes = figure(1, 2, width=9, height=3.6, sharey=True)
for ax, name in zip(axes, many, strict=True):
    for method, colour in shown.items():
        n = 16 if "HNSW" in method else 256
        for number, one in enumerate(record.of(name, method, n)):
            ax.plot((0, *one.candidates), (0, *one.recall), color=colour, lw=1, marker=".", ms=3, label=None if number else method)  # fmt: skip
    ax.set(
        xlabel="candidates (share of the base)", xlim=(0, 0.05), ylim=(0, 1.02)
    )
    ax.set_title(f"{name} ({sizes_of[name].kind})", loc="left", fontsize=10)
axes[0].set(ylabel="recall of 10 neighbours")
axes[1].legend(frameon=False, fontsize=9, loc="lower right")
at = {
    m: record.recall(many[-1], m, 1 / 100, 256).mean() for m in list(shown)[:3]
}
empties = [c.n_empty for c in record.of(many[-1], "soft votes from nothing", 256)]  # fmt: skip
show(
    fig,
    f"Real or simulated (see above), recorded, 256 bins, a line a split. {many[-1]}, at 1/100 of the base: " + ", ".join(f"{m} {value:.2f}" for m, value in at.items())
    + f". Learned from nothing, {min(empties)} to {max(empties)} of 256 bins stay empty.",
)  # fmt: skip

# %% Show the ways to make 256 bins tags=["fold"]
cells = [
    (b, s) for b in ("SIFT", "pictures") for s in (0.005, 0.01, 0.02, 0.05)
]
rows = [
    [m, *(record.recall(b, m, s, 256).mean() for b, s in cells), ", ".join(str(c.n_empty) for c in record.of("pictures", m, 256))]
    for m in record.methods("SIFT", 256)[:-1]
]  # fmt: skip
say(
    "Recall of ten neighbours at shares of the base, 256 bins, mean of the recorded splits:\n\n"
    + plotting.table(["", *(f"{b} {100 * s:g} %" for b, s in cells), "empty bins (pictures)"], rows)
)  # fmt: skip

# %% [markdown]
# The authors say that a network has fewer parameters than k-means has centroids. Count: $m$ centroids of $D$ numbers, against
# two layers of 128 and $m$ outputs. With $D = 128$ that is not so; with the 784 pixels on which they count it is.

# %%
published = neighbours.SpacePartition.published(256, n_epochs=1)
rng = np.random.default_rng(p.seed)
ratios = {
    width: published.fit(rng.normal(size=(300, width))).n_parameters_
    / (256 * width)
    for width in (128, 784)
}
say(
    f"Parameters over k-means': {ratios[128]:.2f} at 128, "
    f"{ratios[784]:.2f} at 784."
)

# %%
ratio = ratios[128]
claims.record("partition.many.parameters", Interval(ratio, ratio, ratio))
flat = "soft votes from k-means"
flat_gain = lead("pictures", flat, "k-means", 1 / 200, 256)
claims.record("partition.many.flat", flat_gain)  # a bin holds thirty
tree_gain = lead("pictures", "hierarchy", "k-means", 1 / 100, 256)
claims.record("partition.many.hierarchy", tree_gain)

# %% [markdown]
# ## Asked by caption
#
# A caption is no picture: in CLIP's space the two [lie apart](04_contrastive_gap.ipynb). Bins that were learned on pictures
# have never seen such a query. But a network, unlike k-means, can be shown some: put *other* captions among the training
# rows. Their neighbours are pictures, which vote for them; they fill no bin.

# %%
with_captions = small.set_params(n_bins=p.n_bins).fit(
    by_caption.base, queries=captions
)
found_by_caption = by_caption.curve(with_captions).at(1 / 16)
say(f"{kind.capitalize()}, asked by caption: {found_by_caption:.2f} at 1/16.")

# %%
ways = ("k-means", "learned on pictures", "and on captions")
asked = {
    way: np.stack([record.recall("captions", way, s) for s in SHARES])
    for way in ways
}
gains = asked["and on captions"] - asked["k-means"]
claims.record("partition.captions.learned", over(gains[0]))
claims.record("partition.captions.shares", over((gains > 0).sum(axis=0)))
only = asked["learned on pictures"] - asked["k-means"]
claims.record("partition.captions.pictures_only", over(only[1]))

# %% Draw recall for captions tags=["fold"]
fig, ax = figure(width=6.2, height=3.4)
bars = {
    f"{way}\n{text}".replace(" on ", "\non "): asked[way][row]
    for row, text in enumerate(("1/16", "1/8")) for way in ways
}  # fmt: skip
plotting.plot_bars(bars, ax, colours=(ORANGE, GREY, BLUE) * 2)
ax.tick_params(axis="x", labelsize=7)
ax.set(xlabel="bins, and share of the base as candidates", ylabel="recall of 10 neighbours", ylim=(0, 1))  # fmt: skip
mean = {way: values[0].mean() for way, values in asked.items()}
show(
    fig,
    f"Simulated pictures asked by caption, recorded, at 1/16 of the base: k-means finds {mean['k-means']:.2f}, bins learned on pictures "
    f"{mean['learned on pictures']:.2f}, bins that saw captions too {mean['and on captions']:.2f} (dots: splits).",
)

# %% [markdown]
# ## Bins as clusters?
#
# The authors also call the method a clustering, beside k-means and [DBSCAN](glossary.md#dbscan). Two half moons are the
# usual test, and two rings. Votes of the neighbours alone do not find them: a straight cut across both separates few
# neighbours, and is stable. It works when votes **travel**: the target is where a random walk of 300 steps along the
# neighbours ends. Where does it start? A network's first votes vary along straight lines, and so it would begin with such a
# cut. So each point first draws its vote at random, and the votes travel before the network learns them. Of ten starts the
# one is kept that leaves no cluster empty and separates the fewest neighbours. No label is needed for that.

# %%
kinds = {
    "moons": lambda k: make_moons(600, noise=0.07, random_state=k),
    "rings": lambda k: make_circles(
        600, factor=0.5, noise=0.05, random_state=k
    ),
    "unequal": lambda k: make_moons((480, 120), noise=0.07, random_state=k),
}
found, n_starts = {}, 1 if p.profile == "smoke" else 6
for name, draw in kinds.items():
    for k in range(p.seed, p.seed + p.n_seeds):
        X, whose = draw(k)
        labels = neighbours.DiffusedClusters(
            2, n_restarts=n_starts, random_state=10 * k
        ).fit_predict(X)
        score = adjusted_rand_score(whose, labels)
        found.setdefault(name, []).append((X, labels, score))

# %%
scores = {name: [one[2] for one in of] for name, of in found.items()}
for name in ("moons", "rings"):
    lowest = min(scores[name])
    claims.record(f"partition.clusters.{name}", Interval(lowest, lowest, 1.0))
claims.record("partition.clusters.unequal", over(scores["unequal"]))

# %% [markdown]
# Each moon and each ring should have one colour. In the last panel one moon is four times as large. What does the balance
# term do with it?

# %% Draw the clusters tags=["fold"]
fig, axes = figure(1, 3, width=11.0, height=3.2)
for ax, (name, of) in zip(axes, found.items(), strict=True):
    X, labels, score = of[0]
    for label, colour in enumerate((BLUE, ORANGE)):
        ax.plot(*X[labels == label].T, ".", ms=4, color=colour)
    ax.set(xlabel="first coordinate", ylabel="second coordinate")
    ax.set_title(f"{name}: adjusted Rand {score:.2f}", loc="left", fontsize=10)
show(
    fig,
    f"Simulated, {p.n_seeds} sets of each: moons and rings of equal size have an adjusted Rand index of {min(scores['moons']):.2f} and "
    f"{min(scores['rings']):.2f} or more; moons of 480 and 120 points {max(scores['unequal']):.2f} or less: the balance term asks for equal bins.",
)

# %% [markdown]
# ## When are bins wanted?
#
# The graph wins by far, and is what people use. Bins have their place where data lie on a disk or on several machines, where
# memory is short (a graph keeps its links), or where the bins themselves are wanted. Learned bins work inside faiss, the
# library that most use (`douze2024`): it scans them with the same code as its own.

# %%
model = yours.partition
index = neighbours.PartitionIndex(model, base)
_, rows = index.search(queries, k=10, n_probes=2)
hits = [np.isin(a, b).mean() for a, b in zip(truth, rows, strict=True)]
assert np.isclose(np.mean(hits), task.curve(model).recall[1], atol=1e-6)

# %% [markdown]
# ## On real data
#
# `sdc data fetch sift5k` gets the descriptors (1.8 MB). The pictures become those of the Natural Scenes Dataset with `sdc run
# 15 -p source=nsd -p root=...`. Benchmarks of this field have a million SIFT descriptors and more (`jegou2011`); with
# 5,000, comparing with all takes a fraction of a millisecond, and nothing else is needed.
#
# ## A million vectors, on a GPU

# %% tags=["gpu"]
if on_gpu(
    "256 bins of a million simulated vectors of 128 numbers",
    estimate="unmeasured",
    recorded="none yet; the cells above make the same calls with fewer vectors",
):
    rng = np.random.default_rng(p.seed)
    centres = rng.normal(size=(1000, 128)).astype(np.float32)
    million = centres[rng.integers(0, 1000, 1_000_000)]
    million += rng.normal(size=million.shape).astype(np.float32)
    large = neighbours.SpacePartition(
        256, n_epochs=5, batch_size=16_384, device="cuda"
    ).fit(million)
    filled = len(np.unique(large.bins_))
    say(f"Simulated: {filled} of 256 bins of a million vectors are used.")

# %% [markdown]
# ## Take-aways
#
# 1. A search is two numbers: what it finds, and how much it looks at. Compare at equal cost.
# 2. Bins can be learned from neighbours that agree and bins that are full; votes that keep their doubts beat votes that do
#    not. "Above k-means over the whole curve" holds where little is looked at.
# 3. A graph of neighbours finds more at the same cost. Take bins where you need bins.
#
# Further reading: `fahim2022partition` (the method), `dong2020` (Neural LSH), `malkov2020` (graphs), `douze2024` (the library). Words: the
# [glossary](glossary.md).
