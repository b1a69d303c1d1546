"""The picture world's own part-of-speech tagger: its word list, one tag a word form."""

from __future__ import annotations

import re
from functools import cache

from sdc_helpers.scenes.lexicon import GARMENTS, LEXICON, NOUNS, WIDER_NOUNS

_PENN = {
    "noun": "NN",
    "name": "NNP",
    "verb": "VB",
    "adjective": "JJ",
    "number": "CD",
    "determiner": "DT",
    "preposition": "IN",
    "conjunction": "CC",
    "adverb": "RB",
    "pronoun": "PRP",
}
_WORD = re.compile(r"[^\s.,;:!?\"()]+")


def _is_plural(noun: str) -> bool:
    """Tell plurals of the lexicon; nouns with one form for both numbers are taken as singular."""
    pairs = [pair for pairs in NOUNS.values() for pair in pairs]
    pairs += [*GARMENTS, *(wide[:2] for wide in WIDER_NOUNS)]
    if any(noun in pair for pair in pairs):
        return all(noun != one for one, _ in pairs)
    return noun.endswith("s") and not noun.endswith("ss")


@cache
def _lexicon_tags() -> dict[str, str]:
    return {
        word: "NNS" if part == "noun" and _is_plural(word) else _PENN[part]
        for word, part in LEXICON.items()
    }


def tag_by_lexicon(sentence: str) -> list[tuple[str, str]]:
    """Return the words of a sentence about scenes with their Penn Treebank tags.

    What signs say is tagged as a name, and nouns with one form for both numbers ("sheep", "fish")
    as singular.

    Parameters
    ----------
    sentence : str
        Sentence in the words of `sdc_helpers.scenes.lexicon`.

    Returns
    -------
    list of (word, tag)

    Raises
    ------
    ValueError
        If a word is not in the lexicon.

    See Also
    --------
    sdc_helpers.curriculum.NounCount : Counts nouns by such tags.

    Examples
    --------
    >>> from sdc_helpers.scenes import tag_by_lexicon
    >>> tag_by_lexicon("two red apples")
    [('two', 'CD'), ('red', 'JJ'), ('apples', 'NNS')]
    """
    tags = _lexicon_tags()
    words = _WORD.findall(sentence)
    for word in words:
        if word.lower() not in tags:
            raise ValueError(
                f"the word {word!r} of {sentence!r} is not in the picture world's lexicon. For "
                "captions in real English use the tagger 'textblob', 'spacy' or one of your own."
            )
    return [(word, tags[word.lower()]) for word in words]
