"""The exercises of the chapter on your own data."""

from __future__ import annotations

import numpy as np

from sdc_helpers.exercises.registry import Exercise, WrongAnswer


def rows_of_stimuli(shown: list[str], names: list[str]) -> list[int]:
    """Return the row of the embeddings that belongs to each row of the responses."""
    row = {name: k for k, name in enumerate(names)}
    return [row[name] for name in shown]


def _by_place(shown: list[str], names: list[str]) -> list[int]:
    return [k % len(names) for k in range(len(shown))]


def _sorted_names(shown: list[str], names: list[str]) -> list[int]:
    return [sorted(names).index(name) for name in shown]


def _order_of_showing(shown: list[str], names: list[str]) -> list[int]:
    first = list(dict.fromkeys(shown))
    return [first.index(name) for name in shown]


def _each_once(shown: list[str], names: list[str]) -> list[int]:
    return [names.index(name) for name in dict.fromkeys(shown)]


def _name_cases(rng: np.random.Generator) -> list[tuple[list[str], list[str]]]:
    cases = []
    for n in (4, 6, 9):
        names = [f"image{k}" for k in range(n)]
        names = [names[k] for k in np.roll(rng.permutation(n), 1)]
        if names == sorted(names):
            names = names[::-1]
        order = rng.permutation(np.repeat(np.arange(n), 2))
        if list(dict.fromkeys(order.tolist())) == list(range(n)):
            order = order[::-1]
        cases.append(([names[k] for k in order], names))
    return cases


def which_shuffle(time_ordered: bool, stimuli: list[str], runs: list[str]) -> str:
    """Say what may change places: a circular shift, blocks, rows within runs, or rows."""
    if time_ordered:
        return "circular"
    if len(set(stimuli)) < len(stimuli):
        return "blocks"
    return "rows within runs" if len(set(runs)) > 1 else "rows"


def _always_rows(time_ordered: bool, stimuli: list[str], runs: list[str]) -> str:
    return "rows"


def _runs_first(time_ordered: bool, stimuli: list[str], runs: list[str]) -> str:
    if len(set(runs)) > 1:
        return "rows within runs"
    return which_shuffle(time_ordered, stimuli, runs)


def _time_forgotten(time_ordered: bool, stimuli: list[str], runs: list[str]) -> str:
    return which_shuffle(False, stimuli, runs)


def _repeats_forgotten(time_ordered: bool, stimuli: list[str], runs: list[str]) -> str:
    names = [str(k) for k in range(len(stimuli))]
    return which_shuffle(time_ordered, names, runs)


def _shuffle_cases(rng: np.random.Generator) -> list[tuple[bool, list[str], list[str]]]:
    n = int(rng.integers(4, 9))
    once, one_run = [f"s{k}" for k in range(n)], ["1"] * n
    two_runs = ["1"] * (n // 2) + ["2"] * (n - n // 2)
    twice = [f"s{k // 2}" for k in range(n)]
    return [
        (True, once, one_run), (True, once, two_runs), (False, twice, one_run),
        (False, twice, two_runs), (False, once, two_runs), (False, once, one_run),
    ]  # fmt: skip


EXERCISES = (
    Exercise(
        identifier="own.rows_of_stimuli",
        title="Which embedding belongs to which row?",
        minutes=5,
        difficulty=1,
        solution=rows_of_stimuli,
        cases=_name_cases,
        wrong_answers=(
            WrongAnswer(
                "by place",
                "You took the embeddings in their own order. The participant saw the stimuli in "
                "another one: join by name.",
                _by_place,
            ),
            WrongAnswer(
                "names sorted",
                "These are places in the sorted names. The embeddings are in the order of `names`.",
                _sorted_names,
            ),
            WrongAnswer(
                "order of showing",
                "You numbered the stimuli as they were first shown. The embeddings know another "
                "order, that of `names`.",
                _order_of_showing,
            ),
            WrongAnswer(
                "each once",
                "A stimulus that was shown twice has two rows of responses, and needs its "
                "embedding in both.",
                _each_once,
            ),
        ),
        hints=(
            "Which place has each name in `names`?",
            "A dictionary from name to place answers that once for all.",
            "row = {name: k for k, name in enumerate(names)}",
        ),
    ),
    Exercise(
        identifier="own.which_shuffle",
        title="What may change places?",
        minutes=10,
        difficulty=2,
        solution=which_shuffle,
        cases=_shuffle_cases,
        wrong_answers=(
            WrongAnswer(
                "always rows",
                "Rows are exchangeable only if nothing ties them: not time, not a stimulus, not a "
                "run.",
                _always_rows,
            ),
            WrongAnswer(
                "runs first",
                "You asked for runs before time and repetitions. Within a run, volumes are a time "
                "series still, and trials of one stimulus still belong together.",
                _runs_first,
            ),
            WrongAnswer(
                "time forgotten",
                "A time series needs a circular shift: neighbours are alike, whatever was shown.",
                _time_forgotten,
            ),
            WrongAnswer(
                "repetitions forgotten",
                "Trials of one stimulus are one thing. They move as a block.",
                _repeats_forgotten,
            ),
        ),
        hints=(
            "Ask first for what ties rows most: time.",
            "Then: is a stimulus named twice? Compare len(set(stimuli)) with len(stimuli).",
            "Last: are there several runs? len(set(runs)) > 1",
        ),
    ),
)
