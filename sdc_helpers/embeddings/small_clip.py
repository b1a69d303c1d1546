"""The architecture, words and files of the course's own small CLIPs.

A residual network with attention pooling reads pictures of 64 pixels, a transformer of three layers
reads sentences; both end in 256 numbers. There are two, see `COURSE_CLIPS`. ``sdc clip train``
trains them on the scenes (:mod:`sdc_helpers.studies.clip_training`); this module knows what they
are made of.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdc_helpers._files import atomic_path
from sdc_helpers._texts import text_list
from sdc_helpers.embeddings._pictures import PicturePreprocessing

if TYPE_CHECKING:
    import torch
    from open_clip import CLIP
    from open_clip.modified_resnet import ModifiedResNet
    from tokenizers import Tokenizer

SMALL_CLIP_DIMENSION = 256
SMALL_CLIP_IMAGE_SIZE = 64
SMALL_CLIP_MEAN = (0.537, 0.508, 0.478)
"""Mean red, green and blue of the scenes, in units of 255; `SMALL_CLIP_STD` is their spread."""
SMALL_CLIP_STD = (0.238, 0.234, 0.268)

_SPECIAL = _PAD, _START, _UNKNOWN, _END = "<pad>", "<start>", "<unknown>", "<end>"
_VISION = {
    "layers": (1, 1, 2, 1),
    "width": 20,
    "head_width": 32,
    "patch_size": None,
    "image_size": SMALL_CLIP_IMAGE_SIZE,
}
_TEXT = {"width": 128, "heads": 4, "layers": 3}


@dataclass(frozen=True)
class SmallNetwork:
    """What the course's small CLIPs differ in.

    Attributes
    ----------
    places : int
        Side of the grid that is pooled: where things are is known at this resolution.
    context_length : int
        Number of tokens a sentence, with its start and end; longer sentences are cut. The longest
        of 400,000 captions of scenes has 56, and 2 in 100 have more than 32.
    folder : str
        Its folder beside this module.
    """

    places: int
    context_length: int
    folder: str


COURSE_CLIPS = {
    "course-fine": SmallNetwork(4, 64, "course_fine"),
    "course-small": SmallNetwork(2, 32, "course_small"),
}
"""The course's own CLIPs: the default, and one of CLIP's loss alone, which holds less."""
COURSE_MODEL = "course-fine"
"""The one that is meant where no other is named."""
CLIP_ALONE = "course-small"
"""The one for questions about CLIP's loss: nothing else trained it."""


def small_clip_folder(name: str = COURSE_MODEL) -> Path:
    """Return the folder of a trained network: weights, tokenizer and how it was trained.

    Parameters
    ----------
    name : str
        One of `COURSE_CLIPS`.

    Returns
    -------
    pathlib.Path
        Holds ``weights.safetensors``, ``tokenizer.json`` and ``metrics.json``.
    """
    return Path(__file__).resolve().parent / COURSE_CLIPS[name].folder


def small_clip_record(name: str = COURSE_MODEL) -> dict[str, Any]:
    """Return how a trained network was made, and what it can do on scenes it has not seen.

    Parameters
    ----------
    name : str
        One of `COURSE_CLIPS`.

    Returns
    -------
    dict
        Its recipe, the minutes and the machine it took, and under "metrics" the figures of
        ``measure_on_scenes``.
    """
    return json.loads((small_clip_folder(name) / "metrics.json").read_text(encoding="utf-8"))


def small_clip_series(name: str = COURSE_MODEL) -> list[dict[str, float]]:
    """Return what a trained network can do on each of several series of held-out scenes.

    Parameters
    ----------
    name : str
        One of `COURSE_CLIPS`.

    Returns
    -------
    list of dict
        Figures of ``measure_on_scenes``; the first is that of `small_clip_record`.
    """
    record = small_clip_record(name)
    return [record["metrics"], *record["other_series"]]


def build_small_clip(
    vocabulary_size: int | None = None, seed: int = 0, *, name: str = COURSE_MODEL
) -> CLIP:
    """Build the network with initial values.

    Parameters
    ----------
    vocabulary_size : int, optional
        Number of words of its tokenizer; by default that of the trained network's own.
    seed : int
        Seed of the initial values; torch's own random state is left alone.
    name : str
        One of `COURSE_CLIPS`.

    Returns
    -------
    open_clip.CLIP
        The untrained network, of 3.0 million parameters.
    """
    import torch
    from open_clip import CLIP

    if vocabulary_size is None:
        vocabulary_size = len(small_clip_tokenizer(name).words)
    network = COURSE_CLIPS[name]
    text = {**_TEXT, "context_length": network.context_length, "vocab_size": vocabulary_size}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        clip = CLIP(embed_dim=SMALL_CLIP_DIMENSION, vision_cfg=_VISION, text_cfg=text)
        if network.places > 2:
            _keep_places(clip.visual, network.places)
        return clip


def _keep_places(tower: ModifiedResNet, side: int) -> None:
    """Leave the last halving of the picture out: 4 x 4 places are pooled instead of 2 x 2."""
    import torch

    block = tower.layer4[0]
    block.avgpool = torch.nn.Identity()
    block.downsample[0] = torch.nn.Identity()
    width = tower.attnpool.positional_embedding.shape[1]
    places = torch.randn(side**2 + 1, width) / width**0.5
    tower.attnpool.positional_embedding = torch.nn.Parameter(places)


def small_clip_preprocessing() -> PicturePreprocessing:
    """Return what makes the input of the image tower of pictures."""
    return PicturePreprocessing(SMALL_CLIP_IMAGE_SIZE, SMALL_CLIP_MEAN, SMALL_CLIP_STD)


def small_clip_tokenizer(name: str = COURSE_MODEL) -> SmallClipTokenizer:
    """Return the tokenizer of one of `COURSE_CLIPS`."""
    return SmallClipTokenizer.load(small_clip_folder(name) / "tokenizer.json")


class SmallClipTokenizer:
    """Turns sentences into numbers of words.

    Attributes
    ----------
    words : tuple of str
        The vocabulary, ``words[i]`` being number i; the end of the sentence has the highest.
    context_length : int
        Number of tokens a sentence, with its start and end; longer sentences are cut.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        numbers = tokenizer.get_vocab()
        self.words: tuple[str, ...] = tuple(sorted(numbers, key=numbers.__getitem__))
        self._pad, self._unknown = numbers[_PAD], numbers[_UNKNOWN]
        self.context_length = int((tokenizer.padding or {})["length"])

    @classmethod
    def train(cls, sentences: Sequence[str], context_length: int = 32) -> SmallClipTokenizer:
        """Make the tokenizer of all words of some sentences.

        Parameters
        ----------
        sentences : sequence of str
            The training captions, and nothing else.
        context_length : int
            Number of tokens a sentence, with its start and end.

        Raises
        ------
        ValueError
            If this is one string, or holds something else than strings.
        """
        from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

        normalizer = normalizers.Lowercase()
        splitter = pre_tokenizers.Split(Regex("[^a-z0-9]+"), behavior="removed")
        seen = {
            word
            for sentence in text_list(sentences, "sentences")
            for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(sentence))
        }
        words = [_PAD, _START, _UNKNOWN, *sorted(seen), _END]
        numbers = {word: number for number, word in enumerate(words)}
        tokenizer = Tokenizer(models.WordLevel(numbers, unk_token=_UNKNOWN))
        tokenizer.normalizer = normalizer
        tokenizer.pre_tokenizer = splitter
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{_START} $A {_END}",
            special_tokens=[(_START, numbers[_START]), (_END, numbers[_END])],
        )
        tokenizer.enable_truncation(context_length)
        tokenizer.enable_padding(pad_id=numbers[_PAD], pad_token=_PAD, length=context_length)
        return cls(tokenizer)

    @classmethod
    def load(cls, path: str | Path | None = None) -> SmallClipTokenizer:
        """Read a tokenizer that `save` wrote; by default the trained network's own."""
        path = Path(path) if path is not None else small_clip_folder() / "tokenizer.json"
        return cls.from_text(path.read_text(encoding="utf-8"))

    @classmethod
    def from_text(cls, text: str) -> SmallClipTokenizer:
        """Read what `as_text` returned."""
        from tokenizers import Tokenizer

        return cls(Tokenizer.from_str(text))

    def as_text(self) -> str:
        """Return the tokenizer as JSON."""
        return self._tokenizer.to_str(pretty=True) + "\n"

    def save(self, path: str | Path) -> None:
        """Write the tokenizer as JSON."""
        with atomic_path(path) as temporary:
            temporary.write_text(self.as_text(), encoding="utf-8")

    def __call__(self, texts: str | Sequence[str]) -> torch.Tensor:
        """Return the word numbers of some sentences.

        Parameters
        ----------
        texts : str or sequence of str
            Sentences. Words that the network has never read are named in a warning.

        Returns
        -------
        torch.Tensor of shape (n_texts, context_length), int64

        Raises
        ------
        ValueError
            A text is no string, or has no word that the network knows.
        """
        import torch

        texts = [texts] if isinstance(texts, str) else text_list(texts, empty=True)
        encodings = self._tokenizer.encode_batch(texts)
        numbers = torch.tensor([encoding.ids for encoding in encodings], dtype=torch.int64)
        numbers = numbers.reshape(len(texts), self.context_length)
        n_unknown = (numbers == self._unknown).sum(1)
        n_words = (numbers != self._pad).sum(1) - 2
        for row in (n_unknown == n_words).nonzero()[:1].flatten().tolist():
            raise ValueError(
                f"no word of {texts[row]!r} is known to the small CLIP, which has learned the "
                f"{len(self.words) - len(_SPECIAL)} words of the scenes' captions "
                "(SmallClipTokenizer.words). Use those, or another CLIP."
            )
        rows = n_unknown.nonzero().flatten().tolist()
        if rows:
            self._warn(texts[row] for row in rows)
        return numbers

    def _warn(self, texts: Iterable[str]) -> None:
        splitter, normalizer = self._tokenizer.pre_tokenizer, self._tokenizer.normalizer
        read = {
            word
            for text in texts
            for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))
        }
        unknown = sorted(read.difference(self.words))
        warnings.warn(
            "words that the small CLIP has never read, taken as unknown: "
            + ", ".join(unknown[:10]),
            stacklevel=3,
        )
