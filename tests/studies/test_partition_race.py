"""The recorded race of partitions: its parts, small, and its file."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from typer.testing import CliRunner

from sdc_helpers.cli import app
from sdc_helpers.datasets.errors import DataFormatError
from sdc_helpers.neighbours import SpacePartition, kmeans_bins
from sdc_helpers.studies import partition_race, partition_records
from sdc_helpers.studies.partition_race import Recorder
from sdc_helpers.studies.partition_study import split_task

QUICK = SpacePartition(hidden=8, n_epochs=2)
PEERS = {
    "k-means", "faiss IVF", "balanced k-means", "Neural LSH", "two-means tree", "PCA tree",
    "random hyperplanes", "graph (HNSW)", "three k-means",
}  # fmt: skip


@pytest.fixture(scope="module")
def task():
    vectors = np.random.default_rng(3).normal(size=(400, 6)).astype(np.float32)
    return split_task(vectors, 40, "simulated", seed=0)


def test_every_method_and_every_peer_runs_on_the_same_base(task):
    rows = partition_race.few_bins(Recorder("SIFT", task, 8, 1), QUICK, QUICK)
    by_name = {row.method: row for row in rows}
    assert len(by_name) == len(rows)
    assert by_name.keys() > PEERS
    for row in rows:
        assert (row.base, row.kind, row.n_bins, row.seed) == ("SIFT", "simulated", 8, 1)
        assert 0 <= row.at(0.5) <= 1
        assert list(row.recall) == sorted(row.recall)
    assert by_name["k-means"].n_parameters == 8 * 6
    assert by_name["ensemble"].n_parameters == 3 * by_name["soft votes"].n_parameters
    fewer = partition_race.few_bins(Recorder("digits", task, 8, 1), QUICK, QUICK)
    assert {row.method for row in rows} - {row.method for row in fewer} == {
        "soft votes, eta 1", "ensemble, bounded weights",
    }  # fmt: skip


def test_many_bins_are_made_in_three_ways(task):
    rows = partition_race.many_bins(Recorder("x", task, 16, 0), QUICK)
    assert [row.method for row in rows] == [
        "soft votes from k-means", "soft votes from nothing", "hierarchy", "k-means", "faiss IVF",
        "graph (HNSW)",
    ]  # fmt: skip
    assert all(0 <= row.n_empty < 16 for row in rows)
    assert rows[3].n_empty == 0


def test_captions_ask_and_are_learned_from(task):
    captions = task.base[:60] + 1
    rows = partition_race.race_of_captions(Recorder("captions", task, 8, 0), captions, QUICK)
    plain, taught = rows[1], rows[2]
    assert plain.n_parameters == taught.n_parameters
    assert plain.recall != taught.recall


def test_several_kmeans_answer_where_the_lead_of_the_nearest_centroid_is_widest(task):
    several = [kmeans_bins(task.base, 4, n_init=1, random_state=seed) for seed in range(3)]
    curve = partition_race.together_curve(task, several)
    found = []
    for query, near in zip(task.queries, task.truth, strict=True):
        best = (-np.inf, 0.0)
        for bins in several:
            means = [task.base[bins.labels == b].mean(axis=0) for b in range(4)]
            distances = [((query - mean) ** 2).sum() for mean in means]
            first, second = sorted(distances)[:2]
            inside = bins.labels[near] == bins.probe_order(query[None])[0, 0]
            best = max(best, (second - first, float(inside.mean())))
        found.append(best[1])
    assert curve.recall[0] == pytest.approx(np.mean(found))


def test_an_unknown_base_is_named():
    with pytest.raises(ValueError, match="base='words'"):
        partition_race.run_part("words", 16, 0)


@pytest.mark.parametrize(
    ("base", "n", "clip"),
    [
        ("pictures", 9_000, None),
        ("captions", 9_000, None),
        ("more pictures", 24_000, None),
        ("more pictures (plain CLIP)", 24_000, "course-small"),
    ],
)
def test_bases_of_pictures_have_their_size_and_their_network(monkeypatch, base, n, clip):
    by_picture, by_caption, captions, opened = object(), object(), np.ones((2, 3)), []

    class Pictures:
        def tasks(self, n_queries, seed):
            opened.append((n_queries, seed))
            return by_picture, by_caption, captions

    monkeypatch.setattr(
        partition_race, "open_scene_pictures", lambda *args: opened.append(args) or Pictures()
    )
    task, asked = partition_race._open(base, seed=7)
    assert opened == [(n, clip), (1_000, 7)]
    assert task is (by_caption if base == "captions" else by_picture)
    assert len(asked) == (2 if base == "captions" else 0)


def test_networks_of_several_sizes_race_with_kmeans(task):
    run = Recorder("more pictures", task, 4, seed=0)
    rows = partition_race.race_of_sizes(run, {"one": QUICK, "other": QUICK})
    assert [row.method for row in rows] == ["one", "other", "k-means"]
    assert rows[0].candidates == rows[1].candidates


def test_digits_are_a_real_base():
    task, captions = partition_race._open("digits", seed=0)
    assert (task.kind, task.base.shape, task.queries.shape) == ("real", (1500, 64), (297, 64))
    assert not captions.size


def test_three_seeds_of_every_base_are_recorded():
    curves = partition_records.recorded_partitions().curves
    parts = {(c.base, c.n_bins, c.seed) for c in curves}
    later = {
        b for b, _ in partition_race.PARTS if b.startswith("more pictures")
    }  # 0 to 2 were tried
    assert parts == {
        (b, m, seed)
        for b, m in partition_race.PARTS
        for seed in ((3, 4, 5) if b in later else (0, 1, 2))
    }
    made = partition_records.partitions_provenance()
    assert {"date", "git_revision", "hardware", "packages"} <= made["continued"].keys()
    assert {"date", "git_revision", "hardware", "packages"} <= made.keys()
    for one in curves:
        assert (np.diff(one.candidates) >= 0).all()
        assert all(0 <= value <= 1 for value in one.recall)
        assert 0 <= one.n_empty < one.n_bins
        assert one.candidates[-1] >= 0.5 or "HNSW" in one.method


def test_a_record_is_asked_by_base_bins_and_method():
    record = partition_records.recorded_partitions()
    assert "hierarchy" in record.methods("SIFT", 256)
    one = record.of("SIFT", "k-means")[1]
    expected = np.interp(0.25, (0, *one.candidates), (0, *one.recall))
    assert record.recall("SIFT", "k-means", 0.25)[1] == pytest.approx(expected)
    nothing = record.ahead("SIFT", "k-means", "k-means", 0.25)
    assert (nothing.value, nothing.low, nothing.high) == (0, 0, 0)
    with pytest.raises(ValueError, match="'magic' of 'SIFT' with 16 bins"):
        record.of("SIFT", "magic")


def test_the_command_records_goes_on_and_names_other_files(task, tmp_path, monkeypatch):
    asked = []

    def run_part(base, n_bins, seed):
        asked.append((base, n_bins, seed))
        rows = partition_race.race_of_captions(Recorder(base, task, 16, seed), task.base, QUICK)
        return [replace(row, n_bins=n_bins) for row in rows]

    monkeypatch.setattr(partition_race, "run_part", run_part)
    file = tmp_path / "race.json"
    command = ["partition", "race", "--out", str(file), "--only", "digits,captions"]
    for seeds in ("0", "0,1"):
        result = CliRunner().invoke(app, [*command, "--seeds", seeds])
        assert result.exit_code == 0, result.output
    assert asked == [
        ("digits", 16, 0), ("captions", 16, 0), ("digits", 16, 1), ("captions", 16, 1),
    ]  # fmt: skip
    curves = partition_records.load_curves(file)
    assert len(curves) == 12
    made = json.loads(file.read_text(encoding="utf-8"))["made"]
    assert made["continued"].keys() == made.keys() - {"continued"}
    for number, change in enumerate(("left out", "no list")):
        row = {k: v for k, v in asdict(curves[0]).items() if k != "recall"}
        content = {"made": {}, "curves": [row]} if change == "left out" else {"made": {}}
        broken = tmp_path / f"broken{number}.json"
        broken.write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(DataFormatError, match=f"{broken.name} is no record of partitions"):
            partition_records.load_curves(broken)
