"""Pairs of a grammatical and an ungrammatical sentence, in the grammar of the captions.

They are made as those of BLiMP (Warstadt et al. 2020): minimal, and as many words in both. They
also come in twins such that counting words is of no use: what is wrong with one sentence of a
twin ("Two dog.") is right in the other ("A dog."), or both have the same words in another order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers.scenes.kinds import HAIR, KINDS
from sdc_helpers.scenes.language import finish, takes_an, with_article
from sdc_helpers.scenes.lexicon import (
    ADJECTIVES,
    COLOUR_WORDS,
    COLOURLESS,
    NOUNS,
    NUMBERS,
    PLACE_PHRASES,
    POSES,
)

T = TypeVar("T")

_PLURAL_DETERMINERS = (*NUMBERS[1:], "several", "many")
_NOUN_PAIRS = tuple(
    pair
    for kind, pairs in NOUNS.items()
    for pair in pairs
    # "a pair of legs"; "two sheep"
    if kind not in ("leg", "sheep", "fish")
)
_PLACES = tuple(phrase for phrases in PLACE_PHRASES.values() for phrase in phrases[:2])
_COLOURS = tuple(words[0] for name, words in COLOUR_WORDS.items() if name != "blond")
_AT = ("sunset", "sundown", "night", "nighttime")
_IN = ("daylight", "the daytime", "the evening", "warm light", "dim light")
_BEFORE_COLOUR = ("round", "ripe", "long", "curved", "tall", "high", "huge")
_PEOPLE = ("man", "woman", "boy", "girl")
_POSES_OF = {
    **dict.fromkeys(_PEOPLE, ("standing", "walking", "waving")),
    **dict.fromkeys(("cow", "horse", "elephant", "giraffe", "zebra", "dog"), ("standing",)),
    **{"cat": ("sitting",), "bird": ("standing", "flying")},
}
_COLOURED = tuple(
    (kind, tuple(entry.colours))
    for category, entries in KINDS.items()
    for kind, entry in entries.items()
    if kind not in COLOURLESS
    and category not in ("face", "body")  # their colour is that of the shirt
    and NOUNS[kind][0] in _NOUN_PAIRS
)
_WITH_LOOKS = tuple(
    (kind, looks, colours)
    for kind, colours in _COLOURED
    if (looks := tuple(look for look in ADJECTIVES.get(kind, ()) if look in _BEFORE_COLOUR))
)


class SentencePair(NamedTuple):
    """Two sentences of which one is grammatical.

    Attributes
    ----------
    good, bad : str
        The grammatical one and the other.
    paradigm : str
        Name of the error in the other sentence.
    """

    good: str
    bad: str
    paradigm: str = ""


def acceptability_pairs(
    n_per_paradigm: int = 100, seed: int = 0, paradigms: Sequence[str] | None = None
) -> list[SentencePair]:
    """Make pairs of sentences, all of words that captions have.

    Parameters
    ----------
    n_per_paradigm : int, default=100
        Pairs of each paradigm, an even number: twins follow each other.
    seed : int, default=0
        Seed of the choice of pairs. A paradigm's pairs do not depend on which others are asked for.
    paradigms : sequence of str, optional
        Names of `PARADIGMS`; by default all.

    Returns
    -------
    list of SentencePair
        Paradigm by paradigm; no pair occurs twice.

    Raises
    ------
    ValueError
        If an argument is out of range, or there are fewer different pairs.

    See Also
    --------
    sdc_helpers.curriculum.acceptability : How often a model finds the grammatical one likelier.
    sdc_helpers.datasets.load_blimp : Pairs of the same kind from everyday English.

    Examples
    --------
    >>> from sdc_helpers.scenes import acceptability_pairs
    >>> pair = acceptability_pairs(2, paradigms=["determiner_noun_agreement"])[0]
    >>> pair.good, pair.bad
    ('A couch in the woods.', 'A couches in the woods.')
    """
    n_per_paradigm = check_count("n_per_paradigm", n_per_paradigm, least=2)
    seed = check_count("seed", seed)
    if n_per_paradigm % 2:
        raise ValueError(f"n_per_paradigm={n_per_paradigm} is odd; pairs come in twins.")
    names = tuple(PARADIGMS) if paradigms is None else tuple(paradigms)
    if not names or len(set(names)) < len(names) or not set(names) <= set(PARADIGMS):
        raise ValueError(
            f"paradigms={names!r}: expected different names of {', '.join(PARADIGMS)}."
        )
    return [pair for name in names for pair in _twins(name, n_per_paradigm, seed)]


def _twins(name: str, n: int, seed: int) -> list[SentencePair]:
    number = list(PARADIGMS).index(name)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
    made: dict[SentencePair, None] = {}
    for _ in range(20 * n):
        twins = [SentencePair(*map(finish, pair), name) for pair in PARADIGMS[name](_Words(rng))]
        if not any(pair in made for pair in twins) and twins[0] != twins[1]:
            made.update(dict.fromkeys(twins))
        if len(made) == n:
            return list(made)
    raise ValueError(f"n_per_paradigm={n}: found only {len(made)} different pairs of {name}.")


class _Words:
    """Draws words."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def one_of(self, options: Sequence[T]) -> T:
        return options[int(self._rng.random() * len(options))]

    def noun(self) -> tuple[str, str]:
        return self.one_of(_NOUN_PAIRS)

    def place(self) -> str:
        return self.one_of(_PLACES)

    def many(self) -> str:
        return self.one_of(_PLURAL_DETERMINERS)


_Twins = tuple[tuple[str, str], tuple[str, str]]


def _determiner_noun(words: _Words) -> _Twins:
    (one, more), many, where = words.noun(), words.many(), words.place()
    return (
        (f"{with_article(one)} {where}", f"{with_article(more)} {where}"),
        (f"{many} {more} {where}", f"{many} {one} {where}"),
    )


def _subject_verb(words: _Words) -> _Twins:
    kind = words.one_of(list(_POSES_OF))
    one, more = words.one_of(NOUNS[kind])
    _, does, do = words.one_of(POSES[words.one_of(_POSES_OF[kind])])
    many, where = words.many(), words.place()
    return (
        (f"{with_article(one)} {does} {where}", f"{with_article(one)} {do} {where}"),
        (f"{many} {more} {do} {where}", f"{many} {more} {does} {where}"),
    )


def _distant_agreement(words: _Words) -> _Twins:
    """Hair stands between a person and the verb, the same in both twins."""
    kind = words.one_of(_PEOPLE)
    one, more = words.one_of(NOUNS[kind])
    _, does, do = words.one_of(POSES[words.one_of(_POSES_OF[kind])])
    hair = f"with {COLOUR_WORDS[words.one_of(list(HAIR))][0]} hair"
    many, where = words.many(), words.place()
    single, several = f"{with_article(one)} {hair}", f"{many} {more} {hair}"
    return (
        (f"{single} {does} {where}", f"{single} {do} {where}"),
        (f"{several} {do} {where}", f"{several} {does} {where}"),
    )


def _there_is(words: _Words) -> _Twins:
    (one, more), many, where = words.noun(), words.many(), words.place()
    begin = words.one_of(("there", "here"))
    single, several = f"{with_article(one)} {where}", f"{many} {more} {where}"
    return (
        (f"{begin} is {single}", f"{begin} are {single}"),
        (f"{begin} are {several}", f"{begin} is {several}"),
    )


def _article(words: _Words) -> _Twins:
    """One twin begins with a vowel, the other with a consonant."""
    where = words.place()
    if words.one_of((True, False)):
        noun = words.one_of([NOUNS[kind][0][0] for kind, _ in _COLOURED])
        colour = words.one_of([colour for colour in _COLOURS if colour != "orange"])
        heads = f"orange {noun}", f"{colour} {noun}"
    else:
        vowel, consonant = (
            [one for one, _ in _NOUN_PAIRS if takes_an(one) == begins] for begins in (True, False)
        )
        heads = words.one_of(vowel), words.one_of(consonant)
    return (
        (f"an {heads[0]} {where}", f"a {heads[0]} {where}"),
        (f"a {heads[1]} {where}", f"an {heads[1]} {where}"),
    )


def _colour_after_noun(words: _Words) -> _Twins:
    return tuple(
        (f"{many} {colour} {noun} {where}", f"{many} {noun} {colour} {where}")
        for many, (noun, colour), where in (
            (words.many(), _coloured(words), words.place()) for _ in range(2)
        )
    )


def _coloured(words: _Words) -> tuple[str, str]:
    kind, colours = words.one_of(_COLOURED)
    return NOUNS[kind][0][1], COLOUR_WORDS[words.one_of(colours)][0]


def _adjective_order(words: _Words) -> _Twins:
    def pair() -> tuple[str, str]:
        kind, looks, colours = words.one_of(_WITH_LOOKS)
        look, colour = words.one_of(looks), COLOUR_WORDS[words.one_of(colours)][0]
        rest = f"{NOUNS[kind][0][1]} {words.place()}"
        many = words.many()
        return f"{many} {look} {colour} {rest}", f"{many} {colour} {look} {rest}"

    return pair(), pair()


def _preposition_last(words: _Words) -> _Twins:
    def pair() -> tuple[str, str]:
        thing = with_article(words.noun()[0])
        preposition, _, place = words.place().partition(" ")
        return f"{thing} {preposition} {place}", f"{thing} {place} {preposition}"

    return pair(), pair()


def _preposition_of_time(words: _Words) -> _Twins:
    thing = with_article(words.noun()[0])
    at, inside = words.one_of(_AT), words.one_of(_IN)
    return (
        (f"{thing} at {at}", f"{thing} in {at}"),
        (f"{thing} in {inside}", f"{thing} at {inside}"),
    )


PARADIGMS: dict[str, Callable[[_Words], _Twins]] = {
    "determiner_noun_agreement": _determiner_noun,
    "subject_verb_agreement": _subject_verb,
    "existential_agreement": _there_is,
    "article_form": _article,
    "colour_after_noun": _colour_after_noun,
    "adjective_order": _adjective_order,
    "preposition_last": _preposition_last,
    "preposition_of_time": _preposition_of_time,
    "distant_subject_verb_agreement": _distant_agreement,
}
"""What is wrong with the bad sentence, by name; each makes twins from drawn words."""
