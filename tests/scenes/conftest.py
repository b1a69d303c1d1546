"""A reader of captions, written without the writer: what each says, held against the graph."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from sdc_helpers.scenes import Scene, SceneObject, generate_scenes
from sdc_helpers.scenes.graph import instance_boxes

MEN, WOMEN, BOYS, GIRLS = {"man"}, {"woman"}, {"boy"}, {"girl"}
FRUIT = {"apple", "tangerine", "peach", "lime", "plum", "melon", "banana"}
VEGETABLES = {"cabbage", "carrot", "corn", "pepper", "cucumber", "eggplant"}
ANIMALS = {"dog", "cat", "cow", "sheep", "horse", "elephant", "giraffe", "zebra", "bird", "fish"}
VEHICLES = {"car", "bus", "truck", "bicycle", "boat"}
BUILDINGS = {"house", "tower", "church", "barn", "castle"}
# Singular and plural forms, and what they may stand for.
THINGS: list[tuple[str, str, set[str]]] = [
    ("man guy gentleman fellow", "men guys gentlemen fellows", MEN),
    ("woman lady", "women ladies", WOMEN),
    ("boy lad", "boys lads", BOYS),
    ("girl lass", "girls lasses", GIRLS),
    ("child kid", "children kids", BOYS | GIRLS),
    ("adult", "adults", MEN | WOMEN),
    ("person", "people", MEN | WOMEN | BOYS | GIRLS),
    ("hand palm", "hands palms", {"hand"}),
    ("apple", "apples", {"apple"}),
    ("tomato", "tomatoes", {"tomato"}),
    ("tangerine mandarin clementine", "tangerines mandarins clementines", {"tangerine"}),
    ("peach", "peaches", {"peach"}),
    ("donut doughnut", "donuts doughnuts", {"donut"}),
    ("pizza", "pizzas", {"pizza"}),
    ("lime", "limes", {"lime"}),
    ("plum", "plums", {"plum"}),
    ("cabbage", "cabbages", {"cabbage"}),
    ("melon", "melons", {"melon"}),
    ("banana", "bananas", {"banana"}),
    ("carrot", "carrots", {"carrot"}),
    ("hotdog frankfurter", "hotdogs frankfurters", {"hotdog"}),
    ("baguette loaf", "baguettes loaves", {"baguette"}),
    ("corncob cob", "corncobs cobs", {"corn"}),
    ("pepper chili", "peppers chilies", {"pepper"}),
    ("cucumber", "cucumbers", {"cucumber"}),
    ("eggplant aubergine", "eggplants aubergines", {"eggplant"}),
    ("fruit", "fruits", FRUIT),
    ("vegetable", "vegetables", VEGETABLES),
    ("dog hound pooch", "dogs hounds pooches", {"dog"}),
    ("cat kitty feline", "cats kitties felines", {"cat"}),
    ("pet", "pets", {"dog", "cat"}),
    ("cow", "cows", {"cow"}),
    ("ewe", "ewes", {"sheep"}),
    ("horse steed", "horses steeds", {"horse"}),
    ("elephant", "elephants", {"elephant"}),
    ("giraffe", "giraffes", {"giraffe"}),
    ("zebra", "zebras", {"zebra"}),
    ("bird songbird", "birds songbirds", {"bird"}),
    ("animal creature", "animals creatures", ANIMALS),
    ("car automobile sedan", "cars automobiles sedans", {"car"}),
    ("bus coach", "buses coaches", {"bus"}),
    ("truck lorry", "trucks lorries", {"truck"}),
    ("bicycle bike", "bicycles bikes", {"bicycle"}),
    ("boat sailboat", "boats sailboats", {"boat"}),
    ("vehicle", "vehicles", VEHICLES),
    ("house cottage", "houses cottages", {"house"}),
    ("tower skyscraper", "towers skyscrapers", {"tower"}),
    ("church chapel", "churches chapels", {"church"}),
    ("barn", "barns", {"barn"}),
    ("castle fortress", "castles fortresses", {"castle"}),
    ("building", "buildings", BUILDINGS),
    ("sign signpost", "signs signposts", {"sign"}),
    ("poster placard", "posters placards", {"poster"}),
    ("banner", "banners", {"banner"}),
    ("book", "books", {"book"}),
    ("screen monitor", "screens monitors", {"screen"}),
    ("table", "tables", {"table"}),
    ("desk", "desks", {"desk"}),
    ("bench", "benches", {"bench"}),
    ("sofa couch settee", "sofas couches settees", {"sofa"}),
    ("log", "logs", {"log"}),
    ("box crate carton", "boxes crates cartons", {"box"}),
]
NOUNS: dict[str, tuple[set[str], bool | None]] = {
    **{word: (kinds, False) for one, _, kinds in THINGS for word in one.split()},
    **{word: (kinds, True) for _, more, kinds in THINGS for word in more.split()},
    **{"legs": ({"leg"}, None), "sheep": ({"sheep"}, None), "fish": ({"fish"}, None)},
}
COLOURS = {
    **{
        name: name
        for name in [
            "red",
            "orange",
            "yellow",
            "green",
            "blue",
            "purple",
            "pink",
            "brown",
            "black",
            "white",
        ]
    },
    **{"grey": "grey", "gray": "grey", "blond": "blond", "fair": "blond"},
    **{"crimson": "red", "violet": "purple", "rosy": "pink"},
}
EXACT = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
EXACT |= {"seven": 7, "eight": 8}
AT_LEAST = {"some": 2, "several": 3, "group": 3, "many": 5}
PLACES = {
    "kitchen": "kitchen cupboards stove tiles counter drawers",
    "office": "office workplace bookcase blinds folders ceiling shelves computer",
    "room": "room lounge parlor curtains lamp rug painting wallpaper floorboards",
    "street": "street road avenue paved lampposts pavements asphalt markings",
    "beach": "beach seaside shore coast surf sand water foam ocean",
    "forest": "forest woods woodland trunks leaves bushes undergrowth",
    "field": "field meadow pasture countryside grass hills flowers horizon",
    "snow": "snow snowy wintry landscape valley mountains firs evergreens peaks slopes",
}
WHERE = {word: {place} for place, words in PLACES.items() for word in words.split()}
WHERE |= {"window": {"kitchen", "room"}, "trees": {"street", "forest", "field"}}
LIGHT = {
    **dict.fromkeys(("daylight", "day", "daytime"), "day"),
    **dict.fromkeys(("dusk", "sunset", "sundown", "evening", "warm"), "dusk"),
    **dict.fromkeys(("night", "nighttime", "dark", "dim"), "night"),
}
DISTANCE = {**dict.fromkeys(("foreground", "close", "nearby"), "near")}
DISTANCE |= dict.fromkeys(("distance", "background", "far"), "far")
POSES = {
    **dict.fromkeys(("standing", "stands", "stand"), "standing"),
    **dict.fromkeys(("walking", "walks", "walk", "strolling", "strolls", "stroll"), "walking"),
    **dict.fromkeys(("waving", "waves", "wave", "greeting", "greets", "greet"), "waving"),
    **dict.fromkeys(("sitting", "sits", "sit", "watching", "watches", "watch"), "sitting"),
    **dict.fromkeys(("flying", "flies", "fly", "soaring", "soars", "soar"), "flying"),
    **dict.fromkeys(("lying", "resting"), "lying"),
}
LONG = {"carrot", "cucumber", "baguette", "hotdog", "pepper", "corn", "banana", "eggplant", "bus"}
ROUND = {"apple", "tomato", "tangerine", "peach", "plum", "melon", "donut", "pizza", "cabbage"}
LOOKS: dict[str, set[str]] = {
    **{"long": LONG, "round": ROUND, "ripe": ROUND, "curved": {"banana"}, "glossy": {"eggplant"}},
    **{"sliced": {"lime"}, "sour": {"lime"}, "iced": {"donut"}, "sweet": {"donut"}},
    **{"crusty": {"baguette"}, "woolly": {"sheep"}, "fluffy": {"sheep"}, "horned": {"cow"}},
    **{"spotted": {"cow", "giraffe"}, "tall": {"giraffe", "tower"}, "high": {"tower"}},
    **{"striped": {"zebra", "cat"}, "whiskered": {"cat"}, "huge": {"elephant"}},
    **{"tusked": {"elephant"}, "feathered": {"bird"}, "beaked": {"bird"}, "scaly": {"fish"}},
    **{"finned": {"fish"}, "collared": {"dog"}, "wheeled": {"bus"}, "stone": {"castle"}},
    **{"wooden": {"boat", "barn", "table", "desk"}, "turreted": {"castle"}, "steepled": {"church"}},
    **{"open": {"hand", "book"}, "raised": {"hand"}, "printed": {"book"}, "fallen": {"log"}},
    **{"cut": {"log"}, "slatted": {"bench"}, "closed": {"box"}, "cushioned": {"sofa"}},
    **{"upholstered": {"sofa"}, "large": {"truck"}, "loaded": {"truck"}},
}
CLOTHES = {"shirt", "shirts", "top", "tops", "jersey", "jerseys", "clothes", "sleeve", "sleeves"}
RELATIONS = {
    **{"on": "on", "atop": "on", "beside": "beside", "alongside": "beside", "next to": "beside"},
    **dict.fromkeys(("under", "beneath", "below", "underneath"), "under"),
    **{"in front of": "in front of", "behind": "behind"},
    **{"left of": "left of", "right of": "right of"},
}
SILENT = {
    "in",
    "at",
    "by",
    "inside",
    "along",
    "after",
    "during",
    "of",
    "with",
    "the",
    "that",
    "say",
    "says",
    "reading",
    "word",
    "text",
    "wearing",
    "dressed",
    "and",
    "there",
    "here",
    "is",
    "are",
    "we",
    "see",
    "photo",
    "picture",
    "image",
    "view",
    "scene",
    "snapshot",
    "photograph",
    "showing",
    "portrait",
    "face",
    "faces",
    "head",
    "tidy",
    "living",
    "deep",
    "late",
    "light",
    "ground",
    "distant",
    "away",
    "up",
    ",",
    "to",
}


@dataclass
class Mention:
    """A noun phrase of a caption, and what is said of it."""

    noun: str
    kinds: set[str]
    plural: bool | None
    exact: int | None
    least: int | None
    colour: str | None
    looks: list[str] = field(default_factory=list)
    claims: list[tuple[str, str]] = field(default_factory=list)

    def fits(self, item: SceneObject) -> bool:
        if item.kind not in self.kinds or self.colour not in (None, item.colour):
            return False
        if any(item.kind not in LOOKS[look] for look in self.looks):
            return False
        if self.plural is not None and self.plural != (item.count > 1):
            return False
        return all(self._holds(item, what, value) for what, value in self.claims)

    @staticmethod
    def _holds(item: SceneObject, what: str, value: str) -> bool:
        if what == "pose" and value == "lying":
            return item.category in ("food_round", "food_long") and item.relation == "on"
        return getattr(item, what) == value


def read(
    caption: str,
) -> tuple[list[Mention], list[tuple[int, str, int]], list[tuple[str, object]]]:
    """Return what a caption mentions, how it relates them, and what it says of the whole."""
    for phrase in ("in front of", "next to", "left of", "right of"):
        caption = caption.replace(f" {phrase} ", f" {phrase.replace(' ', '_')} ")
    words = [
        w if w.isupper() and len(w) > 1 else w.lower() for w in re.findall(r"[A-Za-z_]+|,", caption)
    ]
    mentions: list[Mention] = []
    relations: list[tuple[int, str, int]] = []
    whole: list[tuple[str, object]] = []
    relation = colour = exact = least = None
    looks: list[str] = []
    for place, word in enumerate(words):
        following = words[place + 1] if place + 1 < len(words) else ""
        if word.replace("_", " ") in RELATIONS:
            relation = RELATIONS[word.replace("_", " ")]
        elif word in NOUNS:
            kinds, plural = NOUNS[word]
            mentions.append(Mention(word, kinds, plural, exact, least, colour, looks))
            if relation is not None:
                relations.append((len(mentions) - 2, relation, len(mentions) - 1))
            relation = colour = exact = least = None
            looks = []
        elif word in ("couple", "pair", "pairs"):
            if words[place + 1 : place + 3] != ["of", "legs"]:
                exact = 2
        elif word in AT_LEAST:
            exact, least = None, AT_LEAST[word]
        elif word in EXACT:
            exact = EXACT[word]
        elif word in COLOURS:
            colour = COLOURS[word]
        elif word in LOOKS:
            looks.append(word)
        elif word == "hair" or word in CLOTHES:
            mentions[-1].claims.append(("hair" if word == "hair" else "colour", colour))
            colour = exact = None
        elif word.isupper():
            mentions[-1].claims.append(("text", word))
        elif word in POSES:
            mentions[-1].claims.append(("pose", POSES[word]))
        elif word in ("facing", "looking", "turned"):
            mentions[-1].claims.append(("facing", "back" if following == "away" else "front"))
        elif word in DISTANCE:
            mentions[-1].claims.append(("distance", DISTANCE[word]))
        elif word in WHERE:
            whole.append(("place", WHERE[word]))
            relation = exact = None
        elif word in LIGHT:
            whole.append(("lighting", {LIGHT[word]}))
        elif word == "camera":
            pass
        elif word not in SILENT:
            raise KeyError(f"{word!r} in {caption!r} is not known to the reader")
    return mentions, relations, whole


def span(item: SceneObject) -> tuple[float, float, float, float]:
    boxes = instance_boxes(item)
    return (
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )


def related(one: SceneObject, relation: str, other: SceneObject) -> bool:
    """Tell from where two things are drawn whether a relation holds."""
    left, top, right, foot = span(one)
    other_left, other_top, other_right, other_foot = span(other)
    meet = min(right, other_right) - max(left, other_left)
    if relation == "on":
        return other_left < one.x < other_right and other_top - 0.01 <= foot < other_foot - 0.02
    if relation == "under":
        return (
            other_left < one.x < other_right and abs(foot - other_foot) < 0.05 and top > other_top
        )
    if relation == "beside":
        return abs(foot - other_foot) < 0.01 and meet < 0.01
    if relation == "in front of":
        return foot > other_foot and meet > 0
    if relation == "behind":
        return foot < other_foot and meet > 0
    return one.x < other.x if relation == "left of" else one.x > other.x


def find_falsehoods(caption: str, scene: Scene) -> list[str]:
    """Return what a caption says that does not hold of a scene."""
    mentions, relations, whole = read(caption)
    false = [f"{what} {value}" for what, value in whole if getattr(scene, what) not in value]
    found: list[SceneObject | None] = []
    for mention in mentions:
        fitting = [item for item in scene.objects if mention.fits(item)]
        found.append(fitting[0] if fitting else None)
        named = [
            item
            for item in scene.objects
            if item.kind in mention.kinds and mention.colour in (None, item.colour)
        ]
        total = sum(item.count for item in named)
        if not fitting:
            false.append(f"no such {mention.noun}: {mention}")
        elif mention.exact not in (None, total) or total < (mention.least or 0):
            false.append(f"{total} {mention.noun}, not {mention.exact or mention.least}")
    for one, relation, other in relations:
        pair = found[one], found[other]
        if None not in pair and (one < 0 or not related(pair[0], relation, pair[1])):
            false.append(f"not {mentions[one].noun} {relation} {mentions[other].noun}")
    return false


@pytest.fixture(scope="session")
def falsehoods() -> Callable[[str, Scene], list[str]]:
    """A function that returns what a caption says that does not hold of a scene."""
    return find_falsehoods


@pytest.fixture(scope="session")
def scenes() -> list[Scene]:
    """Scenes enough for statistics."""
    return generate_scenes(5000, seed=11)
