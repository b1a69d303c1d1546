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
# - race learned bins against k-means and a graph, on real descriptors and on pictures
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
n_seeds: int | None = None  # splits; None: the profile [2, 20]

# %% Set up: imports, and what each profile computes tags=["fold"]
import numpy as np
import torch
from sklearn.datasets import make_moons
from sklearn.metrics import adjusted_rand_score

from sdc_helpers import datasets, exercises, neighbours, plotting
from sdc_helpers.course import claims, on_gpu, say, start
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import figure, show
from sdc_helpers.studies import partition_study

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
# Two bases. **Pictures**: what the course's CLIP says about the pictures of the study, and their captions. **SIFT**: 5,000
# real descriptors of image patches, 128 numbers each, a small set of the kind on which such methods are measured
# (`jegou2011`). A tenth is held out to ask with. The truth is known, since so few can be compared one by one: the ten
# [nearest neighbours](glossary.md#nearest-neighbour) of each query.

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

# %% Say what is searched tags=["fold"]
say(
    f"{kind.capitalize()} pictures: {len(by_picture.base):,} to be found, {n_queries} to ask with. "
    + (f"Real SIFT: {len(base):,} and {len(queries)}." if has_sift else "*SIFT is not here: skipped. `sdc data fetch sift5k` gets it (1.8 MB); its place is taken by the pictures.*")
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
# How many are empty at a weight of 1? Count on several seeds:

# %%
left = []
for k in range(p.n_seeds):
    model = neighbours.SpacePartition(
        p.n_bins, eta=1.0, n_epochs=p.n_epochs // 2, random_state=p.seed + k
    ).fit(base)
    left.append(p.n_bins - len(np.unique(model.bins_)))
if has_sift:
    claims.record("partition.balance.empty", over(left))

# %% [markdown]
# ## The race
#
# Six ways to search the same base, on several splits. *Soft votes* is the loss above; *as published* takes in place of the
# mean vote the one bin in which most neighbours are. *K-means* is the best of ten starts. An *ensemble* has three networks,
# and each query goes to the one that is surest of its bin. In the published ensemble later networks attend to the points
# that earlier ones separate from their neighbours. The graph is HNSW (`malkov2020`): every vector has links to
# near ones, and a search walks along them; its candidates are the distances that it computes.

# %%
unfitted = neighbours.SpacePartition(p.n_bins, n_epochs=p.n_epochs)
races = []
for split in range(p.n_seeds if has_sift else 0):
    one = partition_study.sift_task(
        p.n_vectors // 10, p.seed + split, p.n_vectors
    )
    races.append(partition_study.race(one, unfitted, seed=p.seed + split))
small = neighbours.SpacePartition(
    p.n_bins, hidden=128, batch_size=256, n_epochs=p.n_epochs
)
picture_races = []
for split in range(2 if p.profile == "smoke" else p.n_seeds):
    one = pictures.tasks(n_queries, p.seed + split)[0]
    picture_races.append(
        partition_study.race(one, small, seed=p.seed + split, is_whole=False)
    )
panels = {f"{kind} pictures": picture_races}
if has_sift:
    panels["real SIFT descriptors"] = races

# %% [markdown]
# To the left little is looked at. Which curve is highest there, and where do they meet? The graph is so far up that it
# almost leaves the figure.

# %% Draw recall against candidates tags=["fold"]
shown = {"soft votes": BLUE, "k-means": ORANGE, "as published": GREY, "graph (HNSW)": GREEN}  # fmt: skip
fig, axes = figure(1, len(panels), width=4.8 * len(panels), height=3.8, sharey=True, squeeze=False)  # fmt: skip
for ax, (name, some) in zip(axes[0], panels.items(), strict=True):
    for method, colour in shown.items():
        for one in some if method in some[0].curves else ():
            x, y = np.append(0, one[method].candidates), np.append(0, one[method].recall)  # fmt: skip
            ax.plot(x, y, color=colour, lw=1, marker=".", ms=4, label=method if one is some[0] else None)  # fmt: skip
    ax.set(xlabel="candidates (share of the base)", ylabel="recall of 10 neighbours", xlim=(0, 0.5), ylim=(0, 1.02))  # fmt: skip
    ax.set_title(name, loc="left", fontsize=10)
axes[0, -1].legend(frameon=False, fontsize=9, loc="lower right")
at = {m: np.mean([one[m].at(1 / 16) for one in list(panels.values())[-1]]) for m in shown if m in list(panels.values())[-1][0].curves}  # fmt: skip
show(
    fig,
    f"{kind.capitalize()} pictures, and real SIFT where it is at hand; a line a split. In the last panel, at 1/16 of the base: "
    + ", ".join(f"{m} {value:.2f}" for m, value in at.items()) + ".",
)  # fmt: skip

# %%
if has_sift:
    lead = partition_study.ahead
    names = {1 / 16: "sixteenth", 1 / 8: "eighth", 1 / 2: "half"}
    for share, name in names.items():
        ahead = lead(races, "soft votes", "k-means", share)
        claims.record(f"partition.sift.{name}", ahead)
    claims.record(
        "partition.sift.published",
        lead(races, "as published", "k-means", 1 / 16),
    )
    claims.record(
        "partition.sift.ensemble", lead(races, "ensemble", "soft votes", 1 / 16)
    )
    weighted = "ensemble, published weights"
    claims.record(
        "partition.sift.weights", lead(races, weighted, "ensemble", 1 / 16)
    )

# %%
ahead = partition_study.ahead(picture_races, "soft votes", "k-means", 1 / 16)
claims.record("partition.pictures.sixteenth", ahead, kind=kind)
graph = partition_study.ahead(
    picture_races, "graph (HNSW)", "soft votes", 1 / 16
)
claims.record("partition.pictures.graph", graph, kind=kind)

# %% Show all methods at four shares of the base tags=["fold"]
some = list(panels.values())[-1]
rows = [
    [method, *(np.mean([one[method].at(min(share, one[method].candidates[-1])) for one in some]) for share in SHARES)]
    for method in some[0].curves
]  # fmt: skip
say(
    f"{list(panels)[-1].capitalize()}, recall of ten neighbours, mean of {len(some)} splits:\n\n"
    + plotting.table(
        ["", "1/16", "1/8", "1/4", "1/2 (or the graph's end)"], rows
    )
)

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
# ## Asked by caption
#
# A caption is no picture: in CLIP's space the two [lie apart](04_contrastive_gap.ipynb). Bins that were learned on pictures
# have never seen such a query. But a network, unlike k-means, can be shown some: put *other* captions among the training
# rows. Their neighbours are pictures, which vote for them; they fill no bin.

# %%
asked = {"k-means": [], "learned on pictures": [], "and on captions": []}
for k in range(len(picture_races)):
    _, task_k, more = pictures.tasks(n_queries, p.seed + k)
    lone = neighbours.kmeans_bins(
        task_k.base, p.n_bins, random_state=100 * (p.seed + k)
    )
    asked["k-means"].append(lone.recall_curve(task_k.queries, task_k.truth))
    learned = picture_races[k].partition
    asked["learned on pictures"].append(task_k.curve(learned))
    small.set_params(random_state=100 * (p.seed + k))
    model = small.fit(task_k.base, queries=more)
    asked["and on captions"].append(task_k.curve(model))
gain = over([
    float(a.at(1 / 16) - b.at(1 / 16))
    for a, b in zip(asked["and on captions"], asked["k-means"], strict=True)
])  # fmt: skip
claims.record("partition.captions.learned", gain, kind=kind)

# %% Draw recall for captions tags=["fold"]
fig, ax = figure(width=5.8, height=3.4)
bars = {
    f"{name}\n{text}".replace(" on ", "\non "): [float(one.at(share)) for one in some]
    for share, text in ((1 / 16, "1/16"), (1 / 8, "1/8")) for name, some in asked.items()
}  # fmt: skip
plotting.plot_bars(bars, ax, colours=(ORANGE, GREY, BLUE) * 2)
ax.tick_params(axis="x", labelsize=7)
ax.set(xlabel="bins, and share of the base as candidates", ylabel="recall of 10 neighbours", ylim=(0, 1))  # fmt: skip
mean = {name: np.mean([one.at(1 / 16) for one in some]) for name, some in asked.items()}  # fmt: skip
show(
    fig,
    f"{kind.capitalize()}, asked by caption, at 1/16 of the base: k-means finds {mean['k-means']:.2f}, bins learned on pictures "
    f"{mean['learned on pictures']:.2f}, bins that saw captions too {mean['and on captions']:.2f} (dots: splits).",
)

# %% [markdown]
# ## Bins as clusters?
#
# The authors also call the method a clustering, beside k-means and [DBSCAN](glossary.md#dbscan). Two half moons are the
# usual test. Votes of the neighbours alone do not find them: a straight cut across both moons separates few
# neighbours, and is stable. It works when votes **travel**: the target is where a random walk of 300 steps along the
# neighbours ends, and of five starts the one is kept that separates the fewest neighbours. No label is needed for that.

# %%
found, n_starts = {}, 2 if p.profile == "smoke" else 5
for name, sizes_of in (("equal", (300, 300)), ("unequal", (480, 120))):
    for k in range(2 if p.profile == "smoke" else 3):
        X, moon = make_moons(sizes_of, noise=0.07, random_state=p.seed + k)
        model = neighbours.DiffusedClusters(
            2, n_restarts=n_starts, random_state=10 * (p.seed + k)
        )
        labels = model.fit(X).labels_
        score = adjusted_rand_score(moon, labels)
        found.setdefault(name, []).append((X, labels, score))
scores = {name: [one[2] for one in of] for name, of in found.items()}
lowest = min(scores["equal"])
claims.record("partition.clusters.moons", Interval(lowest, lowest, 1.0))
claims.record("partition.clusters.unequal", over(scores["unequal"]))

# %% [markdown]
# Left, each moon should have one colour. Right, one moon is four times as large. What does the balance term do with it?

# %% Draw the moons tags=["fold"]
fig, axes = figure(1, 2, width=8.4, height=3.0, sharey=True)
for ax, (name, of) in zip(axes, found.items(), strict=True):
    X, labels, score = of[0]
    for label, colour in enumerate((BLUE, ORANGE)):
        ax.plot(*X[labels == label].T, ".", ms=4, color=colour)
    ax.set(xlabel="first coordinate", ylabel="second coordinate")
    ax.set_title(f"{name} moons: adjusted Rand {score:.2f}", loc="left", fontsize=10)  # fmt: skip
show(
    fig,
    f"Simulated: moons of equal size are found (adjusted Rand index {min(scores['equal']):.2f} or more on three sets), moons of 480 "
    f"and 120 points are not ({max(scores['unequal']):.2f} or less): the balance term asks for equal bins.",
)

# %% [markdown]
# ## When are bins wanted?
#
# The graph wins by far, and is what people use. Bins have their place where data lie on a disk or on several machines, where
# memory is short (a graph keeps its links), or where the bins themselves are wanted. Learned bins work inside faiss, the
# library that most use (`douze2024`): it scans them with the same code as its own.

# %%
model = unfitted.set_params(hidden=256, random_state=p.seed).fit(base)
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
# Further reading: `fahim2022partition` (the method), `malkov2020` (graphs), `douze2024` (the library). Words: the
# [glossary](glossary.md).
