"""One cell of the study: a small model trained on captions in an order, and evaluated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sdc_helpers.curriculum.design import Cell, CellResult, StudyDesign, plan_of
from sdc_helpers.curriculum.schedule import PlanBatches

if TYPE_CHECKING:
    from sdc_helpers.curriculum.materials import Materials


def run_cell(
    cell: Cell,
    design: StudyDesign,
    materials: Materials,
    *,
    out: str | Path | None = None,
    device: str | None = "cpu",
    progress: bool = False,
) -> CellResult:
    """Train and evaluate one cell.

    Parameters
    ----------
    cell : Cell
        The run to make: family, text, order and seed.
    design : StudyDesign
        Sizes of the study.
    materials : Materials
        Pictures, captions and questions, from ``make_materials(design)``.
    out : path, optional
        Folder for checkpoints: a run that was cut off goes on, and the text stage of a family and
        seed is trained once for all orders.
    device : {"cpu", "cuda", "mps"} or None
        Where to train.
    progress : bool
        Whether to show bars.

    Returns
    -------
    CellResult

    Raises
    ------
    ValueError, TrainingStateError
        If ``train_on_captions`` refuses the arguments or the checkpoint.
    """
    from sdc_helpers.curriculum.models import Captioner
    from sdc_helpers.curriculum.training import CaptionPairs, train_on_captions, train_on_text
    from sdc_helpers.training.loop import TrainingOptions

    model = Captioner(
        cell.family,
        design.size,
        materials.tokenizer.vocabulary_size,
        tuple(materials.pictures.shape[1:]),
        seed=cell.seed,
    )
    options = TrainingOptions(
        max(1, design.warmup_steps), design.batch_size, lr=design.lr,
        warmup_steps=design.warmup_steps,
        schedule="constant", seed=cell.seed, gradient_clip=1.0, checkpoint_every=500,
    )  # fmt: skip
    where = {"device": device, "progress": progress}
    folder = None if out is None else Path(out)
    if cell.text == "T+C":
        n_steps = design.text_epochs * (len(materials.text_tokens) // design.text_batch_size)
        of_text = replace(
            options,
            n_steps=n_steps,
            batch_size=design.text_batch_size,
            warmup_steps=min(design.warmup_steps, n_steps),
        )
        own = None if folder is None else folder / f"{cell.family}-text-{cell.seed}"
        train_on_text(model, materials.text_tokens, of_text, out=own, **where)
    plan = plan_of(design, materials.difficulty, cell.order, cell.seed, materials.n_words)
    batches = PlanBatches(plan, design.batch_size)
    history = train_on_captions(
        model,
        CaptionPairs(materials.pictures, materials.tokens, materials.image_of),
        batches,
        options,
        out=None if folder is None else folder / cell.name.replace("/", "-"),
        evaluate=lambda _: {"held_out": materials.held_out_loss(model)},
        evaluate_every=max(1, batches.n_steps // design.n_curve),
        **where,
    ).table
    curve = history.dropna(subset="held_out")
    exposure = plan.exposure(batches.n_steps * design.batch_size)
    return CellResult(
        cell=cell,
        n_samples=int(exposure.sum()),
        n_words=int(exposure @ materials.n_words),
        evaluations=materials.evaluate(model),
        losses=materials.losses(model),
        curve=tuple((int(n), float(v)) for n, v in curve[["samples_seen", "held_out"]].to_numpy()),
        seconds=float(history["seconds"].iloc[-1]),
    )
