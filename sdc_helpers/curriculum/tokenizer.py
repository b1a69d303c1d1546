"""Words into numbers: a byte-level tokenizer trained on the training text and on nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._files import atomic_path
from sdc_helpers._texts import text_list

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

PAD, START, END, IMAGE = range(4)
"""Numbers of the special tokens; `IMAGE` stands where a model is shown a picture."""
_NAMES = ("<pad>", "<start>", "<end>", "<image>")


@dataclass(frozen=True, eq=False)
class Tokenized:
    """Sentences as numbers, padded at the end.

    Attributes
    ----------
    tokens : int64 tensor of shape (n, n_tokens)
        Each begins with `START` and ends with `END`, then `PAD`.
    starts : int array of shape (n, n_tokens)
        First character of each token in its sentence; -1 for special tokens.
    """

    tokens: torch.Tensor
    starts: np.ndarray


class CaptionTokenizer:
    """Byte-pair encoding (Sennrich et al. 2016) over bytes: no word is unknown.

    Sentences are text and nothing else: one that holds ``<pad>`` or ``<image>`` is spelt with
    those signs, and never gets a special token of that name.

    Attributes
    ----------
    vocabulary_size : int
        Numbers that a token can have, the special ones included.
    max_tokens : int
        Longer sentences are cut, their `END` kept.

    Examples
    --------
    >>> from sdc_helpers.curriculum import CaptionTokenizer
    >>> tokenizer = CaptionTokenizer.train(["A dog.", "A red apple."], vocabulary_size=270)
    >>> tokens = tokenizer(["A dog.", "A cat."])
    >>> tokens[:, 0].tolist()  # each begins with START
    [1, 1]
    >>> tokenizer.decode(tokens[1])
    'A cat.'
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        truncation = tokenizer.truncation
        if truncation is None or tokenizer.get_vocab().get(_NAMES[IMAGE]) != IMAGE:
            raise ValueError("this tokenizer was not made by CaptionTokenizer.train.")
        self._tokenizer = tokenizer
        tokenizer.encode_special_tokens = True  # "<pad>" in a sentence is five signs like others
        self.vocabulary_size = tokenizer.get_vocab_size()
        self.max_tokens = truncation["max_length"]

    def __reduce__(self) -> tuple[type[CaptionTokenizer], tuple[Tokenizer]]:
        """Go through `__init__` for copies and other processes: what it sets is in no file."""
        return type(self), (self._tokenizer,)

    @classmethod
    def train(
        cls, sentences: Iterable[str], vocabulary_size: int = 1000, max_tokens: int = 50
    ) -> CaptionTokenizer:
        """Learn which strings of letters are worth a number of their own.

        Parameters
        ----------
        sentences : iterable of str
            The training text, and nothing else: what is held out must not shape the vocabulary.
        vocabulary_size : int, default=1000
            Largest vocabulary; at least 260, for the 256 bytes and the special tokens.
        max_tokens : int, default=50
            Longest sentence, `START` and `END` included (the study: 50).

        Raises
        ------
        ValueError
            If a number is too small, or there is no text.
        """
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

        if vocabulary_size < 256 + len(_NAMES) or max_tokens < 3:
            raise ValueError(
                f"vocabulary_size={vocabulary_size!r} must be at least {256 + len(_NAMES)} and "
                f"max_tokens={max_tokens!r} at least 3."
            )
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary_size,
            special_tokens=list(_NAMES),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        if isinstance(sentences, str):
            raise ValueError(f"sentences must be a sequence; for one pass [{sentences!r}].")
        n_read = 0

        def counted() -> Iterable[str]:
            nonlocal n_read
            for sentence in sentences:
                if not isinstance(sentence, str):
                    raise ValueError(f"sentences must be strings; number {n_read} is {sentence!r}.")
                n_read += 1
                yield sentence

        tokenizer.train_from_iterator(counted(), trainer)
        if not n_read:
            raise ValueError("there is no sentence to learn words from.")
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{_NAMES[START]} $A {_NAMES[END]}",
            special_tokens=[(_NAMES[START], START), (_NAMES[END], END)],
        )
        tokenizer.enable_truncation(max_tokens)
        return cls(tokenizer)

    @classmethod
    def load(cls, path: str | Path) -> CaptionTokenizer:
        """Read what `save` wrote."""
        from tokenizers import Tokenizer

        return cls(Tokenizer.from_str(Path(path).read_text(encoding="utf-8")))

    def save(self, path: str | Path) -> None:
        """Write the tokenizer as JSON, atomically."""
        with atomic_path(path) as temporary:
            temporary.write_text(self._tokenizer.to_str(), encoding="utf-8")

    def __call__(self, sentences: Sequence[str]) -> torch.Tensor:
        """Return the numbers of some sentences, int64 (n, length of the longest)."""
        return self.tokenize(sentences).tokens

    def tokenize(self, sentences: Sequence[str]) -> Tokenized:
        """Return the numbers of some sentences, and where each token begins.

        Raises
        ------
        ValueError
            If there is no sentence, or one is no string or blank.
        """
        import torch

        sentences = text_list(sentences, "sentences")
        for index, sentence in enumerate(sentences):
            if not sentence.strip():
                raise ValueError(f"sentence {index} is {sentence!r}; expected words.")
        encodings = self._tokenizer.encode_batch(sentences)
        longest = max(len(encoding.ids) for encoding in encodings)
        tokens = np.full((len(sentences), longest), PAD, dtype=np.int64)
        starts = np.full((len(sentences), longest), -1)
        for row, encoding in enumerate(encodings):
            tokens[row, : len(encoding.ids)] = encoding.ids
            inside = [
                -1 if special else start
                for (start, _), special in zip(
                    encoding.offsets, encoding.special_tokens_mask, strict=True
                )
            ]
            starts[row, : len(inside)] = inside
        return Tokenized(torch.from_numpy(tokens), starts)

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the sentence of some numbers, special tokens left out."""
        return self._tokenizer.decode(list(map(int, tokens))).strip()
