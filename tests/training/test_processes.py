"""The three trainings that torchrun divides: two real processes against one, kills, messages.

Run as a script this file starts them with torchrun's own launcher. Importing torch takes longer
than all the training, so the script imports it once and every process is a fork of it. What they
leave behind is read without torch.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SECONDS = 900  # longest wait
N_STEPS, SAVED_EVERY, KILLED_AT = 6, 2, 5
LOSS, WEIGHT = 1e-6, 1e-6
"""Largest differences, of losses relative, of one process and two in float64, which sum the same
numbers in another order. In float32 AdamW makes whole steps of such differences where a gradient is
next to zero: it divides by its size, and the sign is rounding's. Batch normalisation has many."""
WEIGHT_32 = 1e-4
"""That of the captioner, which has no batch normalisation, in float32."""
ONE_WRITER = ("clip/weights.safetensors", "clip/metrics.json", "cells/git-C-cut-1.json")


def marked(folder: Path, what: str) -> None:
    """Leave a mark that this process did something."""
    with (folder / "marks").open("a", encoding="utf-8") as file:
        file.write(f"{os.environ['RANK']} {what}\n")


def patch(folder: Path) -> None:
    """Make the commands small, and let what happens once leave marks."""
    from sdc_helpers import cli_experiments, curriculum  # noqa: F401
    from sdc_helpers.curriculum import design
    from sdc_helpers.studies import clip_training, curriculum_materials, gap_finetuning

    class Tiny(clip_training.SmallClipRecipe):
        def options(self):
            from dataclasses import replace

            return replace(super().options(), checkpoint_every=SAVED_EVERY, record_every=1)

    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not the launcher's, which a fork inherits
    in_float64()
    clip_training.RECIPES["quick"] = Tiny(
        n_pictures=48, n_steps=N_STEPS, batch_size=16, warmup_steps=1, lr=1e-3
    )
    draw, write = clip_training._draw, clip_training._write
    clip_training._draw = lambda *a: marked(folder, "draws") or draw(*a)
    clip_training._write = lambda out, clip, tokenizer, record, measure: (
        marked(folder, "writes") or write(out, clip, tokenizer, record | {"metrics": {}}, False)
    )
    render = curriculum_materials.render
    curriculum_materials.render = lambda scenes: marked(folder, "renders") or render(scenes)
    cli_experiments._print_metrics = lambda metrics: print("measured", flush=True)
    gap_finetuning._scored = lambda clip, *rest: scored(folder, clip, *rest)
    cli_experiments._provenance = dict
    design.GRID_DESIGN = design.StudyDesign(
        n_images=24, n_captions=3, n_sentences=60, n_test=20, epochs_per_bin=1, batch_size=12,
        warmup_steps=2, vocabulary_size=300, n_curve=2,
    )  # fmt: skip
    design.all_cells = lambda seeds: [design.Cell("git", "C", "cut", 1)]


def in_float64() -> None:
    """Let both CLIPs be trained in float64."""
    from sdc_helpers.contrastive import finetuning
    from sdc_helpers.embeddings import small_clip
    from sdc_helpers.studies import clip_training

    class Double(clip_training.ScenePairs):
        def batch(self, indices, rng):
            pictures, tokens, items = super().batch(indices, rng)
            return pictures.double(), tokens, items

    def start(*arguments):
        clip = drawn_anew(*arguments)
        clip.model.double()
        return clip

    build, train = small_clip.build_small_clip, clip_training.train_pairs
    drawn_anew = finetuning.with_new_projections
    clip_training.ScenePairs = Double
    small_clip.build_small_clip = lambda *a, **k: build(*a, **k).double()
    clip_training.train_pairs = lambda model, loss, *a, **k: train(model, loss.double(), *a, **k)
    finetuning.with_new_projections = start


def scored(folder: Path, clip, source, test, loss: str, seed: int) -> list[dict]:
    """Keep the weights of a fine-tuned CLIP in place of its scores."""
    arrays = {key: value.numpy() for key, value in clip.model.state_dict().items()}
    np.savez(folder / f"finetuned{os.environ['RANK']}.npz", **arrays)
    names = ("centroid_distance", "recall_10", "arithmetic")
    return [{"arm": arm, "seed": seed} | dict.fromkeys(names, 0.0) for arm in (loss, f"{loss}_")]


def command(*words: str) -> None:
    """Run a command of sdc in this process."""
    from sdc_helpers import cli

    sys.argv = ["sdc", *words]
    try:
        cli.main()
    except SystemExit as end:
        if end.code:
            raise


def train_clip(folder: Path) -> None:
    command("clip", "train", "--recipe", "quick", "--out", str(folder / "clip"))


def all_three(folder: Path) -> None:
    from sdc_helpers.embeddings import small_clip
    from sdc_helpers.studies import clip_training, gap_finetuning
    from sdc_helpers.training.processes import together

    build, train = small_clip.build_small_clip, clip_training.train_pairs
    patch(folder)
    gap_finetuning.finetune_runs.__kwdefaults__["losses"] = ("cua",)
    sizes = ("--scenes", "128", "--epochs", "1", "--dimension", "16")
    with together():
        train_clip(folder)
        command("gap", "finetune", "--out", str(folder / "gap.json"), "--seeds", "0", *sizes)
        small_clip.build_small_clip, clip_training.train_pairs = build, train  # float32 again
        command("curriculum", "grid", "--out", str(folder / "cells"), "--seeds", "1", "--jobs", "1")
        if os.environ["WORLD_SIZE"] == "2":
            norms(folder)


def norms(folder: Path) -> None:
    """Normalise half a batch in each process, and the whole as torch does in one."""
    import torch

    from sdc_helpers.training._batch_norm import normalised_over_all

    rank = int(os.environ["RANK"])
    x = torch.randn(8, 3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    pull = torch.arange(96.0, dtype=torch.float64).reshape(x.shape).cos()  # any gradient
    found = {}
    for name, rows in (("whole", slice(0, 8)), ("half", slice(4 * rank, 4 * rank + 4))):
        layer = torch.nn.Sequential(torch.nn.BatchNorm2d(3), torch.nn.Tanh()).double()
        part = x[rows].clone().requires_grad_()
        torch.nn.init.normal_(layer[0].weight, generator=torch.Generator().manual_seed(2))
        if name == "whole":
            y = layer(part)
            (y * pull[rows]).sum().backward()
        else:
            with normalised_over_all(layer):
                y = layer(part)
                (y * pull[rows]).sum().backward()
                for p in layer.parameters():
                    torch.distributed.all_reduce(p.grad)
        mine = slice(4 * rank, 4 * rank + 4) if name == "whole" else slice(0, 4)
        parts = {"y": y[mine], "x": part.grad[mine], "mean": layer[0].running_mean}
        parts |= {"variance": layer[0].running_var, "n": layer[0].num_batches_tracked}
        parts |= {"weight": layer[0].weight.grad, "bias": layer[0].bias.grad}
        found |= {f"{name} {key}": value.detach().numpy() for key, value in parts.items()}
    np.savez(folder / f"norms{rank}.npz", **found)


def at_batch(folder: Path, number: int, do) -> None:
    """Train the small CLIP; the second process does something when asked for a batch."""
    from sdc_helpers.studies.clip_training import ScenePairs

    patch(folder)
    batch, calls = ScenePairs.batch, []

    def counted(self, *arguments):
        calls.append(None)
        if len(calls) == number and os.environ["RANK"] == "1":
            do()
        return batch(self, *arguments)

    ScenePairs.batch = counted
    train_clip(folder)
    marked(folder, f"batches {len(calls)}")


def killed_once(folder: Path) -> None:
    def die():
        if os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
            os.kill(os.getpid(), signal.SIGKILL)

    at_batch(folder, KILLED_AT, die)


def damaged(folder: Path) -> None:
    def fail():
        raise ValueError("picture 7 is damaged")

    at_batch(folder, 2, fail)


def undivided(folder: Path) -> None:
    command("nulls", "type-one", "--out", str(folder / "never.json"))


def launch(folder: Path, task, n: int, restarts: int = 0) -> None:
    """Start processes as torchrun does; what they print goes into files."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    folder.mkdir()
    config = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=n, max_restarts=restarts, monitor_interval=0.1,
        rdzv_backend="c10d", rdzv_endpoint="localhost:0", run_id=folder.name, start_method="fork",
    )  # fmt: skip
    kept = [os.dup(1), os.dup(2)]
    for number, name in ((1, "stdout"), (2, "stderr")):
        sys.__stdout__.flush()
        file = os.open(folder / name, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        os.dup2(file, number)
    try:
        elastic_launch(config, task)(folder)
    except ChildFailedError as error:
        (folder / "report").write_text(str(error), encoding="utf-8")
    finally:
        for number, file in zip((1, 2), kept, strict=True):
            os.dup2(file, number)


def main(folder: Path) -> None:
    """Import once what training imports; start all."""
    import accelerate  # noqa: F401
    import open_clip  # noqa: F401
    import pandas  # noqa: F401
    import torch._dynamo  # noqa: F401
    import transformers.models.git.modeling_git  # noqa: F401

    import sdc_helpers.contrastive.towers
    import sdc_helpers.studies.gap_finetuning
    import sdc_helpers.studies.scene_metrics  # noqa: F401

    launch(folder / "one", all_three, 1)
    launch(folder / "two", all_three, 2)
    launch(folder / "killed", killed_once, 2, restarts=1)
    launch(folder / "damaged", damaged, 2)
    launch(folder / "undivided", undivided, 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Folder of folders that the launches left behind."""
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    folder = tmp_path_factory.mktemp("processes")
    script = subprocess.Popen(
        [sys.executable, __file__, folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    try:
        output, _ = script.communicate(timeout=SECONDS)
    finally:
        if script.poll() is None:
            os.killpg(script.pid, signal.SIGKILL)  # the group of the script and its forks
    assert script.returncode == 0, output
    return folder


def checkpoint(path: Path) -> tuple[dict[str, np.ndarray], list[dict]]:
    """Return weights and losses of a checkpoint, read without torch."""
    from safetensors import safe_open

    with safe_open(path / "checkpoint.safetensors", framework="np") as file:
        arrays = {k: file.get_tensor(k) for k in file.keys() if k.startswith("modules/")}  # noqa: SIM118
        return arrays, json.loads(file.metadata()["training_state"])["metadata"]["rows"]


def said(folder: Path, name: str = "stdout") -> str:
    return (folder / name).read_text(encoding="utf-8")


def marks(folder: Path) -> list[str]:
    return said(folder, "marks").splitlines()


def test_two_processes_train_the_small_clip_as_one(folder):
    (one, losses), (two, others) = (checkpoint(folder / n / "clip") for n in ("one", "two"))
    assert [row["step"] for row in losses] == list(range(1, N_STEPS + 1))
    for row, other in zip(losses, others, strict=True):
        assert other["loss"] == pytest.approx(row["loss"], rel=LOSS)
    assert set(one) == set(two)
    for key, value in one.items():
        np.testing.assert_allclose(two[key], value, rtol=WEIGHT, atol=WEIGHT, err_msg=key)


def test_two_processes_train_a_captioner_as_one(folder):
    (one, rows), (two, others) = (
        checkpoint(folder / n / "cells" / "git-C-cut-1") for n in ("one", "two")
    )
    for name in ("step", "loss", "held_out"):
        expected = [row[name] for row in rows if name in row]
        found = [row[name] for row in others if name in row]
        assert found == pytest.approx(expected, rel=LOSS)
    for key, value in one.items():
        np.testing.assert_allclose(two[key], value, rtol=0, atol=WEIGHT_32, err_msg=key)


def test_two_processes_fine_tune_as_one(folder):
    one = np.load(folder / "one" / "finetuned0.npz")
    for rank in (0, 1):
        two = np.load(folder / "two" / f"finetuned{rank}.npz")
        for key in one.files:
            np.testing.assert_allclose(two[key], one[key], rtol=WEIGHT, atol=WEIGHT, err_msg=key)


def test_normalisation_of_half_batches_is_that_of_the_whole(folder):
    for rank in (0, 1):
        found = np.load(folder / "two" / f"norms{rank}.npz")
        for key in ("y", "x", "mean", "variance", "n", "weight", "bias"):
            np.testing.assert_allclose(
                found[f"half {key}"], found[f"whole {key}"], rtol=1e-10, atol=1e-12, err_msg=key
            )


def test_one_process_draws_writes_and_prints(folder):
    assert sorted(set(marks(folder / "two"))) == ["0 draws", "0 renders", "0 writes"]
    assert marks(folder / "two") == marks(folder / "one")  # and no more often
    lines = said(folder / "two").splitlines()
    assert lines.count("training in 2 processes") == 4  # of the test, and three commands
    assert said(folder / "one").splitlines().count("training in 1 process") == 4
    assert lines.count("measured") == 1
    assert sum(line.startswith("wrote ") for line in lines) == 2
    for name in ONE_WRITER:
        assert (folder / "two" / name).is_file()
    assert json.loads(said(folder / "two", "clip/metrics.json"))["processes"] == 2


def test_a_killed_process_costs_the_steps_since_the_last_checkpoint(folder):
    done = SAVED_EVERY * ((KILLED_AT - 1) // SAVED_EVERY)
    for rank in (0, 1):
        assert f"{rank} batches {N_STEPS - done}" in marks(folder / "killed")
    whole, again = (checkpoint(folder / name / "clip")[0] for name in ("two", "killed"))
    for key, value in whole.items():
        np.testing.assert_array_equal(again[key], value, err_msg=key)
    assert not (folder / "killed" / "report").exists()


def test_a_process_that_fails_says_which_it_is_and_why(folder):
    errors = said(folder / "damaged", "stderr")
    assert "process 2 of 2 (pid " in errors
    assert "failed: ValueError: picture 7 is damaged" in errors
    assert "goes on from the last checkpoint" in errors
    assert "picture 7 is damaged" in said(folder / "damaged", "report")
    assert "0 writes" not in marks(folder / "damaged")


def test_commands_that_are_not_divided_are_refused(folder):
    assert "not this command" in said(folder / "undivided", "stderr")
    assert not (folder / "undivided" / "never.json").exists()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
