"""The exercises of the chapter on how a curriculum is made."""

from __future__ import annotations

import numpy as np

from sdc_helpers.exercises.registry import Exercise, WrongAnswer

Tagged = list[tuple[str, str, int]]

# --- 1. nouns -----------------------------------------------------------------------------------


def nouns_of_picture(captions: list[Tagged]) -> int:
    """Most nouns that one of the captions has, plurals and names among them."""
    tags = ("NN", "NNS", "NNP", "NNPS")
    return max(sum(tag in tags for _, tag, _ in caption) for caption in captions)


def _word_pieces(captions: list[Tagged]) -> int:
    return max(sum(n for _, tag, n in caption if tag.startswith("NN")) for caption in captions)


def _tags_dropped(captions: list[Tagged]) -> int:
    return max(len(caption) for caption in captions)


def _no_plurals(captions: list[Tagged]) -> int:
    return max(sum(tag in ("NN", "NNP") for _, tag, _ in caption) for caption in captions)


def _no_names(captions: list[Tagged]) -> int:
    return max(sum(tag in ("NN", "NNS") for _, tag, _ in caption) for caption in captions)


def _all_captions_together(captions: list[Tagged]) -> int:
    return sum(tag.startswith("NN") for caption in captions for _, tag, _ in caption)


def _first_caption(captions: list[Tagged]) -> int:
    return sum(tag.startswith("NN") for _, tag, _ in captions[0])


def _mean_of_captions(captions: list[Tagged]) -> float:
    return _all_captions_together(captions) / len(captions)


def _caption_cases(rng: np.random.Generator) -> list[tuple[list[Tagged]]]:
    """Return pictures: a short caption, one with every kind of noun, another between them."""
    numbers = (("two", "CD", 1), ("three", "CD", 1), ("red", "JJ", 1), ("small", "JJ", 2))

    def some() -> Tagged:
        return [numbers[i] for i in rng.integers(len(numbers), size=rng.integers(1, 4))]

    short = [("a", "DT", 1), *some(), ("dog", "NN", 1)]
    full = [
        *some(), ("dogs", "NNS", 1), ("beside", "IN", 2), ("a", "DT", 1), ("streetlamp", "NN", 3),
        ("and", "CC", 1), ("a", "DT", 1), ("streetlamp", "NN", 3), ("in", "IN", 1),
        ("Paris", "NNP", 2),
    ]  # fmt: skip
    middle = [
        *some(),
        ("cats", "NNS", 1),
        ("on", "IN", 1),
        ("grass", "NN", int(rng.integers(1, 3))),
    ]
    return [([short, full, middle],), ([middle, short, [*full, *middle]],)]


# --- 2. cumulative bins -------------------------------------------------------------------------


def cumulative_bins(difficulty: np.ndarray, n_bins: int) -> np.ndarray:
    """Row k: samples up to the least difficulty that (k + 1) / n_bins of all do not exceed."""
    ranked, n = np.sort(difficulty), len(difficulty)
    least = [-(-(k + 1) * n // n_bins) for k in range(n_bins)]  # rounded up
    return np.array([difficulty <= ranked[count - 1] for count in least])


def _disjoint(difficulty: np.ndarray, n_bins: int) -> np.ndarray:
    bins = cumulative_bins(difficulty, n_bins)
    before = np.vstack([np.zeros_like(bins[:1]), bins[:-1]])
    return bins & ~before


def _ties_split(difficulty: np.ndarray, n_bins: int) -> np.ndarray:
    rank, n = np.argsort(np.argsort(difficulty, kind="stable")), len(difficulty)
    return np.array([rank < -(-(k + 1) * n // n_bins) for k in range(n_bins)])


def _ties_left_out(difficulty: np.ndarray, n_bins: int) -> np.ndarray:
    ranked, n = np.sort(difficulty), len(difficulty)
    least = [-(-(k + 1) * n // n_bins) for k in range(n_bins)]
    return np.array([difficulty < ranked[count - 1] for count in least])


def _equal_width(difficulty: np.ndarray, n_bins: int) -> np.ndarray:
    edges = np.linspace(difficulty.min(), difficulty.max(), n_bins + 1)[1:]
    return np.array([difficulty <= edge for edge in edges])


def _hardest_first(difficulty: np.ndarray, n_bins: int) -> np.ndarray:
    return cumulative_bins(-difficulty, n_bins)


def _difficulty_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, int]]:
    """Return counts with ties across the quantiles, and a few that are much more difficult."""
    cases = []
    for n, n_bins in ((22, 4), (31, 3)):
        counts = np.concatenate([np.repeat([2.0, 3.0, 4.0], (n - 4) // 3), [5.0, 9.0, 14.0, 14.0]])
        cases.append((rng.permutation(counts), n_bins))
    return cases


# --- 3. equal words -----------------------------------------------------------------------------


def cut_at_words(order: np.ndarray, n_words: np.ndarray, total: int) -> int:
    """Return after how many samples of the order as many words were read, as near as can be."""
    words_read = np.cumsum(n_words[order])
    return int(np.abs(words_read - total).argmin()) + 1


def _as_if_equally_long(order: np.ndarray, n_words: np.ndarray, total: int) -> int:
    return round(total / n_words[order].mean())


def _position_for_number(order: np.ndarray, n_words: np.ndarray, total: int) -> int:
    return cut_at_words(order, n_words, total) - 1


def _not_in_order(order: np.ndarray, n_words: np.ndarray, total: int) -> int:
    return cut_at_words(np.arange(len(n_words)), n_words, total)


def _words_as_samples(order: np.ndarray, n_words: np.ndarray, total: int) -> int:
    return int(min(total, len(order)))


def _never_below(order: np.ndarray, n_words: np.ndarray, total: int) -> int:
    return int(np.searchsorted(np.cumsum(n_words[order]), total)) + 1


def _cut_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """Return orders that repeat samples; totals just above and just below a sample's end."""
    cases = []
    for n, stop, more in ((12, 17, 1), (30, 41, -1), (30, 8, 0)):
        n_words = np.concatenate([rng.integers(4, 8, n // 2), rng.integers(15, 40, n - n // 2)])
        passes = [np.arange(n)[::-1], rng.permutation(n), rng.permutation(n)]
        order = np.concatenate(passes)
        cases.append((order, n_words, int(n_words[order][:stop].sum()) + more))
    return cases


# --- 4. the loss without pads -------------------------------------------------------------------


def _losses(log_p: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    return -np.take_along_axis(log_p[:, :-1], tokens[:, 1:, None], axis=2)[..., 0]


def caption_loss(log_p: np.ndarray, tokens: np.ndarray) -> float:
    """Mean over all tokens that are predicted, which pads are not."""
    following = tokens[:, 1:]
    losses = -np.take_along_axis(log_p[:, :-1], following[..., None], axis=2)[..., 0]
    return float(losses[following != 0].mean())


def _pads_counted(log_p: np.ndarray, tokens: np.ndarray) -> float:
    return float(_losses(log_p, tokens).mean())


def _pads_in_the_mean(log_p: np.ndarray, tokens: np.ndarray) -> float:
    return float((_losses(log_p, tokens) * (tokens[:, 1:] != 0)).mean())


def _mean_of_means(log_p: np.ndarray, tokens: np.ndarray) -> float:
    words = tokens[:, 1:] != 0
    return float(((_losses(log_p, tokens) * words).sum(axis=1) / words.sum(axis=1)).mean())


def _not_shifted(log_p: np.ndarray, tokens: np.ndarray) -> float:
    losses = -np.take_along_axis(log_p, tokens[..., None], axis=2)[..., 0]
    return float(losses[tokens != 0].mean())


def _mask_not_shifted(log_p: np.ndarray, tokens: np.ndarray) -> float:
    return float(_losses(log_p, tokens)[tokens[:, :-1] != 0].mean())


def _summed(log_p: np.ndarray, tokens: np.ndarray) -> float:
    return float(_losses(log_p, tokens)[tokens[:, 1:] != 0].sum() / len(tokens))


def _token_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    cases = []
    for lengths, n_words in (((3, 6, 8), 7), ((2, 9, 4, 5), 11)):
        shape = len(lengths), max(lengths) + 2
        tokens = rng.integers(3, n_words, size=shape)
        tokens[:, 0] = 1
        for row, length in zip(tokens, lengths, strict=True):
            row[length - 1], row[length:] = 2, 0
        logits = 2 * rng.normal(size=(*shape, n_words))
        cases.append((logits - np.log(np.exp(logits).sum(axis=2, keepdims=True)), tokens))
    return cases


EXERCISES = (
    Exercise(
        identifier="curriculum.nouns",
        title="Count the nouns of a picture",
        minutes=5,
        difficulty=1,
        solution=nouns_of_picture,
        cases=_caption_cases,
        wrong_answers=(
            WrongAnswer(
                "word pieces counted",
                "You counted pieces of words. How a tokenizer cuts 'streetlamp' says nothing of "
                "how difficult a picture is: count words.",
                _word_pieces,
            ),
            WrongAnswer(
                "tags dropped",
                "You counted every word: the tags were computed and then not used.",
                _tags_dropped,
            ),
            WrongAnswer(
                "plurals left out",
                "You counted NN and NNP alone, as the study does: 'two dogs' then has no noun. "
                "Here plurals count: NNS and NNPS.",
                _no_plurals,
            ),
            WrongAnswer("names left out", "Names are nouns: NNP and NNPS.", _no_names),
            WrongAnswer(
                "all captions together",
                "You added the captions up. A picture with more captions is not more difficult: "
                "take the largest count.",
                _all_captions_together,
            ),
            WrongAnswer(
                "first caption only",
                "You looked at the first caption alone; the picture takes the largest count.",
                _first_caption,
            ),
            WrongAnswer(
                "mean of captions", "Not the mean of the captions: the maximum.", _mean_of_captions
            ),
        ),
        hints=(
            "All noun tags begin with NN: NN, NNS (plural), NNP (a name), NNPS.",
            "Count within each caption first, then take max over the captions.",
            "max(sum(tag.startswith('NN') for _, tag, _ in caption) for caption in captions)",
        ),
    ),
    Exercise(
        identifier="curriculum.bins",
        title="Fill cumulative bins",
        minutes=10,
        difficulty=2,
        solution=cumulative_bins,
        cases=_difficulty_cases,
        wrong_answers=(
            WrongAnswer(
                "disjoint bins",
                "Your bins hold only what is new in them. They are cumulative: each holds the one "
                "before, or easy samples would be forgotten.",
                _disjoint,
            ),
            WrongAnswer(
                "ties split",
                "You separated samples of the same difficulty. Which of two equal ones comes first "
                "is then decided by their place in the file.",
                _ties_split,
            ),
            WrongAnswer(
                "ties left out",
                "You left the samples at the threshold out: it is <=, and the last bin holds all.",
                _ties_left_out,
            ),
            WrongAnswer(
                "bins of equal width",
                "You cut the range of difficulties into equal widths. Quantiles cut the samples "
                "into equal shares.",
                _equal_width,
            ),
            WrongAnswer(
                "hardest first",
                "Your first bin holds the most difficult samples: that is the anti-curriculum.",
                _hardest_first,
            ),
        ),
        hints=(
            "Sort the difficulties: where does the share (k + 1) / n_bins end? Round up.",
            "The threshold is the difficulty at that place; everything <= it is in the bin.",
            "ranked[-(-(k + 1) * n // n_bins) - 1] is the threshold of bin k.",
        ),
    ),
    Exercise(
        identifier="curriculum.equal_words",
        title="Cut the standard order at equal words",
        minutes=5,
        difficulty=1,
        solution=cut_at_words,
        cases=_cut_cases,
        wrong_answers=(
            WrongAnswer(
                "all captions equally long",
                "You divided by the mean number of words. It is near, but which captions came "
                "first decides: add up the words in the order in which they are read.",
                _as_if_equally_long,
            ),
            WrongAnswer(
                "position for number",
                "You returned the position of the last sample, which counts from 0. The number of "
                "samples is one more.",
                _position_for_number,
            ),
            WrongAnswer(
                "not in the order",
                "You added up the words sample by sample as they are stored. Take them in the "
                "order of the training: n_words[order].",
                _not_in_order,
            ),
            WrongAnswer(
                "words as samples",
                "You cut after as many samples as there are words. The total counts words.",
                _words_as_samples,
            ),
            WrongAnswer(
                "always beyond",
                "You took the first sample that reaches the total. Sometimes the one before is "
                "nearer.",
                _never_below,
            ),
        ),
        hints=(
            "n_words[order] holds the words of each sample in the order of the training.",
            "np.cumsum adds them up: so many words were read after each sample.",
            "int(np.abs(np.cumsum(n_words[order]) - total).argmin()) + 1",
        ),
    ),
    Exercise(
        identifier="curriculum.loss",
        title="Keep the pads out of the loss",
        minutes=10,
        difficulty=2,
        solution=caption_loss,
        cases=_token_cases,
        wrong_answers=(
            WrongAnswer(
                "pads counted",
                "You asked the model to predict pads too. They are no words: leave them out.",
                _pads_counted,
            ),
            WrongAnswer(
                "pads in the mean",
                "The pads' losses are out, but they still count in the number you divide by: the "
                "longer the batch, the lower the loss.",
                _pads_in_the_mean,
            ),
            WrongAnswer(
                "mean of means",
                "You averaged each caption first, then the captions: a token of a short caption "
                "then weighs more. Average over tokens.",
                _mean_of_means,
            ),
            WrongAnswer(
                "labels not shifted",
                "You compared each position with its own token, which the model has just read: "
                "position t predicts token t + 1.",
                _not_shifted,
            ),
            WrongAnswer(
                "mask not shifted",
                "You took the losses of the next tokens with the mask of the present ones: the "
                "first pad after each end slips in.",
                _mask_not_shifted,
            ),
            WrongAnswer(
                "sum over a caption",
                "You divided by the number of captions: long captions then have high losses. "
                "Divide by the number of tokens.",
                _summed,
            ),
        ),
        hints=(
            "What position t predicts is token t + 1: compare log_p[:, :-1] with tokens[:, 1:].",
            "np.take_along_axis(log_p[:, :-1], following[..., None], axis=2)[..., 0] picks them.",
            "Average what remains after [following != 0], over all captions at once.",
        ),
    ),
)
