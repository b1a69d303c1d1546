"""The words of captions: how things, colours, places and relations are called."""

from __future__ import annotations

from sdc_helpers.scenes.kinds import TEXTS

# Each kind by its nouns: singular and plural. The first is the usual one.
NOUNS: dict[str, tuple[tuple[str, str], ...]] = {
    "man": (("man", "men"), ("guy", "guys"), ("gentleman", "gentlemen"), ("fellow", "fellows")),
    "woman": (("woman", "women"), ("lady", "ladies")),
    "boy": (("boy", "boys"), ("lad", "lads")),
    "girl": (("girl", "girls"), ("lass", "lasses")),
    "hand": (("hand", "hands"), ("palm", "palms")),
    "leg": (("leg", "legs"),),
    "apple": (("apple", "apples"),),
    "tomato": (("tomato", "tomatoes"),),
    "tangerine": (
        *(("tangerine", "tangerines"), ("mandarin", "mandarins")),
        ("clementine", "clementines"),
    ),
    "peach": (("peach", "peaches"),),
    "donut": (("donut", "donuts"), ("doughnut", "doughnuts")),
    "pizza": (("pizza", "pizzas"),),
    "lime": (("lime", "limes"),),
    "plum": (("plum", "plums"),),
    "cabbage": (("cabbage", "cabbages"),),
    "melon": (("melon", "melons"),),
    "banana": (("banana", "bananas"),),
    "carrot": (("carrot", "carrots"),),
    "hotdog": (("hotdog", "hotdogs"), ("frankfurter", "frankfurters")),
    "baguette": (("baguette", "baguettes"), ("loaf", "loaves")),
    "corn": (("corncob", "corncobs"), ("cob", "cobs")),
    "pepper": (("pepper", "peppers"), ("chili", "chilies")),
    "cucumber": (("cucumber", "cucumbers"),),
    "eggplant": (("eggplant", "eggplants"), ("aubergine", "aubergines")),
    "dog": (("dog", "dogs"), ("hound", "hounds"), ("pooch", "pooches")),
    "cat": (("cat", "cats"), ("kitty", "kitties"), ("feline", "felines")),
    "cow": (("cow", "cows"),),
    "sheep": (("sheep", "sheep"), ("ewe", "ewes")),
    "horse": (("horse", "horses"), ("steed", "steeds")),
    "elephant": (("elephant", "elephants"),),
    "giraffe": (("giraffe", "giraffes"),),
    "zebra": (("zebra", "zebras"),),
    "bird": (("bird", "birds"), ("songbird", "songbirds")),
    "fish": (("fish", "fish"),),
    "car": (("car", "cars"), ("automobile", "automobiles"), ("sedan", "sedans")),
    "bus": (("bus", "buses"), ("coach", "coaches")),
    "truck": (("truck", "trucks"), ("lorry", "lorries")),
    "bicycle": (("bicycle", "bicycles"), ("bike", "bikes")),
    "boat": (("boat", "boats"), ("sailboat", "sailboats")),
    "house": (("house", "houses"), ("cottage", "cottages")),
    "tower": (("tower", "towers"), ("skyscraper", "skyscrapers")),
    "church": (("church", "churches"), ("chapel", "chapels")),
    "barn": (("barn", "barns"),),
    "castle": (("castle", "castles"), ("fortress", "fortresses")),
    "sign": (("sign", "signs"), ("signpost", "signposts")),
    "poster": (("poster", "posters"), ("placard", "placards")),
    "banner": (("banner", "banners"),),
    "book": (("book", "books"),),
    "screen": (("screen", "screens"), ("monitor", "monitors")),
    "table": (("table", "tables"),),
    "desk": (("desk", "desks"),),
    "bench": (("bench", "benches"),),
    "sofa": (("sofa", "sofas"), ("couch", "couches"), ("settee", "settees")),
    "log": (("log", "logs"),),
    "box": (("box", "boxes"), ("crate", "crates"), ("carton", "cartons")),
}

# Wider nouns, used where nothing else in the scene goes by the same name.
_FRUIT = ("apple", "tangerine", "peach", "lime", "plum", "melon", "banana")
_VEGETABLES = ("cabbage", "carrot", "corn", "pepper", "cucumber", "eggplant")
_ANIMALS = ("dog", "cat", "cow", "sheep", "horse", "elephant", "giraffe", "zebra", "bird", "fish")
WIDER_NOUNS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("person", "people", ("man", "woman", "boy", "girl")),
    ("adult", "adults", ("man", "woman")),
    ("child", "children", ("boy", "girl")),
    ("kid", "kids", ("boy", "girl")),
    ("fruit", "fruits", _FRUIT),
    ("vegetable", "vegetables", _VEGETABLES),
    ("animal", "animals", _ANIMALS),
    ("creature", "creatures", _ANIMALS),
    ("pet", "pets", ("dog", "cat")),
    ("vehicle", "vehicles", ("car", "bus", "truck", "bicycle", "boat")),
    ("building", "buildings", ("house", "tower", "church", "barn", "castle")),
)
# What is true of every instance as it is drawn.
ADJECTIVES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("apple", "tomato", "tangerine", "peach", "plum", "melon"), ("round", "ripe")),
    **dict.fromkeys(("donut", "pizza", "cabbage"), ("round",)),
    **dict.fromkeys(("carrot", "cucumber", "baguette", "hotdog", "pepper", "corn"), ("long",)),
    **{"lime": ("sliced", "sour"), "banana": ("curved", "long"), "eggplant": ("long", "glossy")},
    **{"donut": ("iced", "sweet", "round"), "baguette": ("crusty", "long")},
    **{"sheep": ("woolly", "fluffy"), "cow": ("spotted", "horned"), "giraffe": ("tall", "spotted")},
    **{"zebra": ("striped",), "elephant": ("huge", "tusked"), "cat": ("striped", "whiskered")},
    **{"bird": ("feathered", "beaked"), "fish": ("scaly", "finned"), "dog": ("collared",)},
    **{"bus": ("long", "wheeled"), "boat": ("wooden",), "tower": ("tall", "high")},
    **{"castle": ("stone", "turreted"), "barn": ("wooden",), "church": ("steepled",)},
    **{"hand": ("open", "raised"), "book": ("open", "printed"), "log": ("fallen", "cut")},
    **{"table": ("wooden",), "desk": ("wooden",), "bench": ("slatted",), "box": ("closed",)},
    **{"sofa": ("cushioned", "upholstered"), "truck": ("large", "loaded")},
}
COLOUR_WORDS: dict[str, tuple[str, ...]] = {
    "red": ("red", "red", "crimson"),
    "orange": ("orange",),
    "yellow": ("yellow",),
    "green": ("green",),
    "blue": ("blue",),
    "purple": ("purple", "purple", "violet"),
    "pink": ("pink", "pink", "rosy"),
    "brown": ("brown",),
    "black": ("black",),
    "white": ("white",),
    "grey": ("grey", "gray"),
    "blond": ("blond", "fair"),
}
COLOURLESS = ("giraffe", "zebra", "pizza", "boat", "truck", "book", "leg", "hand")
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight")
GARMENTS = (("shirt", "shirts"), ("top", "tops"), ("jersey", "jerseys"))

# Where: preposition, adjective-free noun phrase.
PLACE_PHRASES: dict[str, tuple[str, ...]] = {
    "kitchen": ("in a kitchen", "in the kitchen", "inside a kitchen", "in a tidy kitchen"),
    "office": ("in an office", "in the office", "inside an office", "at the workplace"),
    "room": ("in a room", "in a living room", "in the lounge", "inside a parlor"),
    "street": ("on a street", "on the road", "along an avenue", "on a paved street"),
    "beach": ("on a beach", "on the beach", "at the seaside", "at the shore", "on the coast"),
    "forest": ("in a forest", "in the woods", "in a woodland", "deep in the forest"),
    "field": ("in a field", "in a meadow", "in a pasture", "in the countryside"),
    "snow": ("in the snow", "on snowy ground", "in a wintry landscape", "in a snowy valley"),
}
PLACE_DETAILS: dict[str, tuple[str, ...]] = {
    "kitchen": ("cupboards", "a stove", "tiles", "a counter", "a window", "drawers"),
    "office": ("a bookcase", "blinds", "folders", "a ceiling", "shelves", "a computer"),
    "room": ("curtains", "a lamp", "a rug", "a painting", "wallpaper", "floorboards"),
    "street": ("trees", "lampposts", "pavements", "asphalt", "markings"),
    "beach": ("surf", "sand", "water", "foam", "an ocean"),
    "forest": ("trees", "trunks", "leaves", "bushes", "undergrowth"),
    "field": ("grass", "hills", "flowers", "distant trees", "a horizon"),
    "snow": ("mountains", "firs", "evergreens", "peaks", "slopes"),
}
LIGHT_PHRASES: dict[str, tuple[str, ...]] = {
    "day": ("in daylight", "during the day", "by day", "in the daytime"),
    "dusk": ("at dusk", "at sunset", "in the evening", "at sundown", "in warm light"),
    "night": ("at night", "after dark", "at nighttime", "late at night", "in dim light"),
}
DISTANCE_PHRASES: dict[str, tuple[str, ...]] = {
    "near": ("in the foreground", "up close", "nearby"),
    "far": ("in the distance", "in the background", "far away"),
}
RELATION_PHRASES: dict[str, tuple[str, ...]] = {
    "on": ("on", "on", "atop"),
    "under": ("under", "beneath", "below", "underneath"),
    "beside": ("beside", "next to", "alongside"),
    "in front of": ("in front of",),
    "behind": ("behind",),
    "left of": ("left of",),
    "right of": ("right of",),
}
# Participle, singular, plural.
POSES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "standing": (("standing", "stands", "stand"),),
    "walking": (("walking", "walks", "walk"), ("strolling", "strolls", "stroll")),
    "waving": (("waving", "waves", "wave"), ("greeting", "greets", "greet")),
    "sitting": (("sitting", "sits", "sit"), ("watching", "watches", "watch")),
    "flying": (("flying", "flies", "fly"), ("soaring", "soars", "soar")),
    "lying": (("lying", "lies", "lie"), ("resting", "rests", "rest")),
}
OPENINGS = (
    *("there is", "here is", "we see", "a photo of", "a picture of", "an image of"),
    *("a view of", "a scene with", "a snapshot of", "a photograph showing"),
)

_OTHER: dict[str, tuple[str, ...]] = {
    "determiner": ("a", "an", "the", "several", "some", "many"),
    "pronoun": ("that", "there", "we"),
    "verb": (
        *("is", "are", "see", "say", "says", "reading", "wearing", "dressed", "facing", "showing"),
        *("looking", "turned"),
    ),
    "preposition": (
        *("of", "in", "on", "at", "with", "along", "inside", "by", "after", "during", "front"),
        *("next", "to"),
    ),
    "conjunction": ("and",),
    "adverb": ("here", "up", "close", "nearby", "far", "away", "deep", "late", "left", "right"),
    "adjective": (*("tidy", "living", "paved", "snowy", "wintry", "warm", "dim", "distant"),),
    "noun": (
        *("photo", "picture", "image", "view", "scene", "snapshot", "photograph", "portrait"),
        *("face", "faces", "head", "hair", "clothes", "sleeve", "sleeves", "pair"),
        *("pairs", "couple", "group", "word", "camera", "kitchen", "office", "workplace"),
        *("room", "lounge", "parlor", "street", "road", "avenue", "beach", "seaside", "shore"),
        *("coast", "forest", "woods", "woodland", "field", "meadow", "pasture", "countryside"),
        *(
            "snow",
            "ground",
            "landscape",
            "valley",
            "daylight",
            "day",
            "light",
            "dusk",
            "sunset",
            "daytime",
        ),
        *("evening", "sundown", "night", "nighttime", "dark", "foreground", "distance"),
        *("background", "text", "fruit", "cupboards", "stove", "tiles", "counter", "window"),
        *("drawers", "bookcase", "blinds", "folders", "ceiling", "shelves", "computer"),
        *("curtains", "lamp", "rug", "painting", "wallpaper", "floorboards", "trees"),
        *(
            "lampposts",
            "pavements",
            "asphalt",
            "markings",
            "surf",
            "sand",
            "water",
            "foam",
            "ocean",
        ),
        *("trunks", "leaves", "bushes", "undergrowth", "grass", "hills", "flowers", "horizon"),
        *("mountains", "firs", "evergreens", "peaks", "slopes"),
    ),
}


def _lexicon() -> dict[str, str]:
    forms: dict[str, str] = {}
    for part, words in _OTHER.items():
        forms.update(dict.fromkeys(words, part))
    for pairs in NOUNS.values():
        forms.update(dict.fromkeys((word for pair in pairs for word in pair), "noun"))
    forms.update(dict.fromkeys((word for wide in WIDER_NOUNS for word in wide[:2]), "noun"))
    forms.update(dict.fromkeys((word for pair in GARMENTS for word in pair), "noun"))
    for poses in POSES.values():
        forms.update(dict.fromkeys((word for pose in poses for word in pose), "verb"))
    for words in (*COLOUR_WORDS.values(), *ADJECTIVES.values()):
        forms.update(dict.fromkeys(words, "adjective"))
    for phrases in RELATION_PHRASES.values():
        for phrase in phrases:
            for word in phrase.split():
                forms.setdefault(word, "preposition")
    forms.update(dict.fromkeys(NUMBERS, "number"))
    forms.update(dict.fromkeys((text.lower() for text in TEXTS), "name"))
    return dict(sorted(forms.items()))


LEXICON: dict[str, str] = _lexicon()
"""Part of speech of every word form, in lower case: one of "noun", "verb", "adjective", "number",
"determiner", "preposition", "conjunction", "adverb", "pronoun" and "name" (what signs say)."""
