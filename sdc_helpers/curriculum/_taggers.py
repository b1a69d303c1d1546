"""Part-of-speech taggers behind one interface: a sentence in, words with Penn Treebank tags out."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

Tagger = Callable[[str], list[tuple[str, str]]]

_CLITIC = re.compile(r"(?i)(n['’]t|['’](?:s|m|d|re|ve|ll))$")
_TOKEN = re.compile(r"(?:[A-Za-z]\.){2,}|[^\W_]+(?:[.,:'’&/\-][^\W_]+)*['’]?|[^\w\s]|_")
_SPACY_MODEL = "en_core_web_sm"


def tagger_named(name: str) -> Tagger:
    """Return a tagger by name; what it needs is imported when it is first called.

    Raises
    ------
    ValueError
        If no tagger has that name.
    """
    if name not in _TAGGERS:
        raise ValueError(
            f"tagger={name!r}: expected one of {', '.join(_TAGGERS)}, or a callable that returns "
            "the words of a sentence with their tags."
        )
    return _TAGGERS[name]


def check_tags(tags: Any, number: int) -> list[tuple[str, str]]:
    """Return what a tagger made of caption `number` if it is pairs of strings."""
    if isinstance(tags, list | tuple) and all(
        isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(x, str) for x in pair)
        for pair in tags
    ):
        return tags
    raise ValueError(
        f"the tagger returned {tags!r} for caption {number}; expected [(word, tag), ...]."
    )


def penn_tokens(sentence: str) -> list[str]:
    """Split a sentence as the Penn Treebank does: punctuation and clitics ("n't", "'s") apart."""
    tokens = []
    for token in _TOKEN.findall(sentence):
        clitic = _CLITIC.search(token)
        if clitic and clitic.start():
            tokens += [token[: clitic.start()], clitic[0].replace("’", "'")]
        elif token[-1] in "'’" and len(token) > 1:
            tokens += [token[:-1], "'"]
        else:
            tokens.append(token)
    return tokens


@cache
def _textblob() -> Callable[..., list[tuple[str, str]]]:
    try:
        from textblob.en.taggers import PatternTagger
    except ImportError as error:
        raise ImportError(
            "tagger='textblob' needs TextBlob: `pip install textblob`. Its English lexicon comes "
            "with it."
        ) from error
    return PatternTagger().tag


def _by_textblob(sentence: str) -> list[tuple[str, str]]:
    # Its own tokens make nouns of the pieces of "isn't".
    tokens = penn_tokens(sentence)
    return _textblob()(" ".join(tokens), tokenize=False) if tokens else []


@cache
def _spacy() -> Callable[[str], Any]:
    try:
        import spacy

        return spacy.load(_SPACY_MODEL, exclude=["parser", "ner", "lemmatizer"])
    except (ImportError, OSError) as error:  # spaCy raises OSError where the model is not there
        raise ImportError(
            f"tagger='spacy' needs spaCy and its model: `pip install spacy`, then `python -m spacy "
            f"download {_SPACY_MODEL}` ({error})."
        ) from error


def _by_spacy(sentence: str) -> list[tuple[str, str]]:
    return [(token.text, token.tag_) for token in _spacy()(sentence)]


_TAGGERS: dict[str, Tagger] = {
    "textblob": _by_textblob,
    "spacy": _by_spacy,
}
