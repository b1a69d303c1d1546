"""Real pairs of sentences, and the score of a model that only prefers the shorter one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sdc_helpers.curriculum.comparison import across_seeds
from sdc_helpers.curriculum.evaluation import acceptability
from sdc_helpers.curriculum.models import Captioner
from sdc_helpers.curriculum.scoring import Scorer
from sdc_helpers.curriculum.tokenizer import PAD, CaptionTokenizer
from sdc_helpers.measures import Interval


@dataclass(frozen=True, eq=False)
class ParadigmScores:
    """Sentence pairs that several trainings were asked about.

    Attributes
    ----------
    by_paradigm : dict of str to Interval
        Share of pairs judged right in each paradigm, for other pairs and seeds.
    overall : Interval
        The same over all paradigms.
    shorter : dict of str to float
        Share of right answers in each paradigm of always choosing the sentence of fewer tokens;
        one half where both have as many.
    even : Interval or None
        Share judged right of the pairs of as many tokens, for other paradigms and seeds; None if
        fewer than two paradigms have any.
    n_even : int
        Number of those pairs.
    if_shorter, if_longer : float
        Share judged right where the right sentence has fewer tokens, and where it has more; NaN if
        there is no such pair.
    """

    by_paradigm: dict[str, Interval]
    overall: Interval
    shorter: dict[str, float]
    even: Interval | None
    n_even: int
    if_shorter: float
    if_longer: float


def score_paradigms(
    models: Sequence[Captioner],
    tokenizer: CaptionTokenizer,
    pairs: Mapping[str, Sequence[tuple[str, str]]],
) -> ParadigmScores:
    """Ask trained models which sentence of each pair is grammatical.

    Parameters
    ----------
    models : sequence of Captioner
        One for each seed of training.
    tokenizer : CaptionTokenizer
        Tokenizer that they were trained with.
    pairs : mapping of str to sequence of (good, bad)
        Pairs by paradigm, as ``sdc_helpers.datasets.load_blimp`` reads them.

    Returns
    -------
    ParadigmScores

    Raises
    ------
    ValueError
        If there is no model or no pair.
    """
    items = [(*pair, name) for name, of_one in pairs.items() for pair in of_one]
    if not models or not items:
        raise ValueError(f"{len(models)} models and {len(items)} pairs; expected one or more.")
    found = [acceptability(Scorer(model, tokenizer), items) for model in models]
    good, bad = (
        (tokenizer([item[k] for item in items]) != PAD).sum(1).numpy() for k in (0, 1)
    )  # fmt: skip
    shorter = np.where(good == bad, 0.5, good < bad)
    kinds = found[0].kinds
    names = [name for name, of_one in pairs.items() if len(of_one)]
    correct = np.mean([one.correct for one in found], axis=0)

    def share(which: np.ndarray) -> float:
        return float(correct[which].mean()) if which.any() else float("nan")

    even, units = good == bad, np.unique(kinds, return_inverse=True)[1]
    alike = [
        replace(
            one, correct=one.correct[even], margin=one.margin[even], kinds=kinds[even],
            units=units[even],
        )
        for one in found
        if len(np.unique(units[even])) > 1
    ]  # fmt: skip
    return ParadigmScores(
        by_paradigm={name: across_seeds([one.of_kind(name) for one in found]) for name in names},
        overall=across_seeds(found),
        shorter={name: float(shorter[kinds == name].mean()) for name in names},
        even=across_seeds(alike) if alike else None,
        n_even=int(even.sum()),
        if_shorter=share(good < bad),
        if_longer=share(good > bad),
    )
