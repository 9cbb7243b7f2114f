"""The words the world knows: every phrase that captions and instructions use for a value of an attribute."""

from __future__ import annotations

from .identity import ACCESSORIES, COLOURS, KINDS, PATTERNS, PLACES, TIMES

# Nouns for the classes; the first is the plain one.
KIND_NOUNS: dict[str, tuple[str, ...]] = {
    "dog": ("dog", "puppy", "pup", "doggy", "hound"),
    "cat": ("cat", "kitten", "kitty", "pussycat"),
    "rabbit": ("rabbit", "bunny", "hare", "bunny rabbit"),
    "duck": ("duck", "duckling", "ducky"),
    "fish": ("fish", "fishy", "little fish"),
    "turtle": ("turtle", "tortoise"),
    "mug": ("mug", "cup", "coffee mug", "teacup"),
    "teapot": ("teapot", "tea pot", "tea kettle"),
    "car": ("car", "automobile", "motor car", "toy car"),
    "robot": ("robot", "bot", "android"),
    "person": ("person", "kid", "child", "girl", "boy"),
    "flower": ("flower", "blossom", "daisy"),
    "cactus": ("cactus", "potted cactus", "cactus plant"),
    "mushroom": ("mushroom", "toadstool"),
}
COLOUR_WORDS: dict[str, tuple[str, ...]] = {
    "red": ("red", "scarlet", "bright red"),
    "orange": ("orange", "bright orange", "tangerine"),
    "yellow": ("yellow", "bright yellow", "lemon yellow"),
    "green": ("green", "grass green", "bright green"),
    "blue": ("blue", "bright blue", "sky blue"),
    "purple": ("purple", "violet"),
    "pink": ("pink", "rosy pink", "light pink"),
    "brown": ("brown", "chocolate brown", "chestnut brown"),
    "white": ("white", "snow white", "cream white"),
}
PATTERN_WORDS: dict[str, tuple[str, ...]] = {
    "plain": ("plain", "solid", "unpatterned"),
    "stripes": ("stripes", "striped", "stripy", "bands"),
    "spots": ("spots", "spotted", "dots", "polka dots", "spotty", "dotted"),
    "half": ("lower third", "lower part", "bottom", "two-tone", "two-coloured", "lower half"),
}
# Where: (phrase after a name, bare noun for "the place is now ...").
PLACE_PHRASES: dict[str, tuple[str, ...]] = {
    "beach": (
        "on the beach",
        "at the beach",
        "at the seaside",
        "by the sea",
        "on the sand by the sea",
        "at the seashore",
        "under a palm tree",
        "on the shore",
    ),
    "forest": (
        "in the forest",
        "in the woods",
        "among the pine trees",
        "in a pine forest",
        "between the trees",
        "deep in the woods",
        "in a forest",
    ),
    "city": (
        "in the city",
        "in town",
        "downtown",
        "among the skyscrapers",
        "on a city street",
        "in the big city",
        "in front of tall buildings",
    ),
    "desert": (
        "in the desert",
        "in front of the pyramids",
        "near the pyramids",
        "among the sand dunes",
        "on the dunes",
        "in egypt",
        "by the pyramids",
    ),
    "snow": (
        "in the snow",
        "in the snowy mountains",
        "in a snowy landscape",
        "in the mountains",
        "on the snow",
        "in the alps",
        "in a winter landscape",
    ),
    "meadow": (
        "in a meadow",
        "in the meadow",
        "on a green hill",
        "among the flowers in the meadow",
        "in the green hills",
        "on the grass",
        "in a flowery field",
    ),
    "castle": (
        "at the castle",
        "in front of a castle",
        "by the castle",
        "at a castle",
        "outside the castle",
        "in front of the castle gate",
        "at a knight's castle",
    ),
    "farm": (
        "on the farm",
        "at the farm",
        "by the red barn",
        "on a farm",
        "in front of a barn",
        "in the farmyard",
        "next to the barn",
    ),
    "kitchen": (
        "in the kitchen",
        "in a kitchen",
        "in our kitchen",
        "on the kitchen floor",
        "inside the kitchen",
        "indoors in the kitchen",
    ),
    "harbour": (
        "at the harbour",
        "in the harbour",
        "on the pier",
        "by the lighthouse",
        "at the port",
        "on the dock",
        "near the sailing boat",
        "at the harbor",
    ),
    "volcano": (
        "at the volcano",
        "by a volcano",
        "in front of an erupting volcano",
        "next to the volcano",
        "near the lava",
        "at a volcano",
        "under the volcano",
    ),
    "playground": (
        "at the playground",
        "on the playground",
        "in the playground",
        "by the slide",
        "by the slide and the swing",
        "next to the swings",
        "at a playground",
    ),
}
PLACE_NOUNS: dict[str, tuple[str, ...]] = {
    "beach": ("the beach", "the seaside", "the seashore"),
    "forest": ("the forest", "the woods", "a pine forest"),
    "city": ("the city", "downtown", "the big city"),
    "desert": ("the desert", "the pyramids", "the sand dunes"),
    "snow": ("the snow", "the snowy mountains", "a winter landscape"),
    "meadow": ("the meadow", "a meadow", "the green hills"),
    "castle": ("the castle", "a castle", "a knight's castle"),
    "farm": ("the farm", "a farm", "the farmyard"),
    "kitchen": ("the kitchen", "a kitchen", "our kitchen"),
    "harbour": ("the harbour", "the pier", "the port", "the harbor"),
    "volcano": ("the volcano", "a volcano", "an erupting volcano"),
    "playground": ("the playground", "a playground"),
}
TIME_PHRASES: dict[str, tuple[str, ...]] = {
    "day": (
        "in daylight",
        "on a sunny day",
        "by day",
        "during the day",
        "in the sunshine",
        "at noon",
        "in the daytime",
    ),
    "sunset": (
        "at sunset",
        "at dusk",
        "in the evening",
        "while the sun goes down",
        "at sundown",
        "in the sunset",
        "in the evening light",
        "under an orange sky",
    ),
    "night": (
        "at night",
        "under the stars",
        "in the moonlight",
        "by moonlight",
        "in the dark",
        "after dark",
        "on a starry night",
        "under the moon",
        "at midnight",
    ),
}
TIME_SCENES: dict[str, tuple[str, ...]] = {
    "day": ("a daytime scene", "a sunny day"),
    "sunset": ("a sunset scene", "an evening scene", "sunset"),
    "night": ("a night scene", "a starry night", "nighttime"),
}
ACCESSORY_PHRASES: dict[str, tuple[str, ...]] = {
    "hat": (
        "wearing a hat",
        "with a hat",
        "in a top hat",
        "with a black hat on",
        "wearing a top hat",
        "with a hat on",
        "in a black hat",
    ),
    "crown": (
        "wearing a crown",
        "with a crown",
        "with a golden crown",
        "in a crown",
        "with a crown on",
        "crowned like a king",
        "wearing a gold crown",
    ),
    "sunglasses": (
        "wearing sunglasses",
        "with sunglasses",
        "in sunglasses",
        "with shades on",
        "wearing shades",
        "in dark glasses",
        "with sunglasses on",
    ),
    "scarf": (
        "wearing a scarf",
        "with a scarf",
        "in a scarf",
        "in a striped scarf",
        "with a red and white scarf",
        "wrapped in a scarf",
        "in a warm scarf",
    ),
    "balloon": (
        "with a balloon",
        "holding a balloon",
        "with a red balloon",
        "carrying a balloon",
        "holding a red balloon",
        "with a balloon on a string",
    ),
    "umbrella": (
        "with an umbrella",
        "holding an umbrella",
        "under an umbrella",
        "carrying an umbrella",
        "with a parasol",
        "with a yellow and blue umbrella",
    ),
    "bow": (
        "wearing a bow tie",
        "with a bow tie",
        "in a bow tie",
        "with a blue bow",
        "with a bow",
        "wearing a bow",
        "with a blue bow tie on",
    ),
}
# (with article, with "the" for taking it off)
ACCESSORY_NOUNS: dict[str, tuple[str, ...]] = {
    "hat": ("hat", "top hat", "black hat"),
    "crown": ("crown", "golden crown", "gold crown"),
    "sunglasses": ("sunglasses", "shades", "dark glasses"),
    "scarf": ("scarf", "striped scarf", "warm scarf"),
    "balloon": ("balloon", "red balloon"),
    "umbrella": ("umbrella", "parasol"),
    "bow": ("bow tie", "bow", "blue bow"),
}
SIZE_PHRASES: dict[str, tuple[str, ...]] = {
    "big": ("up close", "nice and big", "in a close-up", "filling the picture", "drawn large", "close to us"),
    "small": (
        "drawn small",
        "far away",
        "in the distance",
        "seen from afar",
        "quite small",
        "from far off",
        "very small",
    ),
}
SIZE_WORDS: dict[str, tuple[str, ...]] = {
    "big": ("big", "large", "huge", "giant"),
    "small": ("small", "tiny", "little", "mini"),
}
POSITION_PHRASES: dict[str, tuple[str, ...]] = {
    "left": (
        "on the left",
        "at the left",
        "to the left",
        "on the left side",
        "over on the left",
        "standing on the left",
        "at the left edge",
    ),
    "middle": (
        "in the middle",
        "in the center",
        "centred",
        "in the centre",
        "right in the middle",
        "in the middle of the picture",
    ),
    "right": (
        "on the right",
        "at the right",
        "to the right",
        "on the right side",
        "over on the right",
        "standing on the right",
        "at the right edge",
    ),
}
BARE = ("with nothing on", "without any accessory", "nothing special", "no accessory", "without anything")


def synonyms() -> dict[str, dict[str, tuple[str, ...]]]:
    """attribute -> value -> every word or phrase that captions, descriptions and instructions use for it."""
    places = {p: (p, *PLACE_PHRASES[p], *PLACE_NOUNS[p]) for p in PLACES}
    times = {t: (t, *TIME_PHRASES[t], *TIME_SCENES[t]) for t in TIMES}
    worn = {a: (*ACCESSORY_NOUNS[a], *ACCESSORY_PHRASES[a]) for a in ACCESSORIES[1:]}
    return {
        "kind": {k: KIND_NOUNS[k] for k in KINDS},
        "main": {c: COLOUR_WORDS[c] for c in COLOURS},
        "second": {c: COLOUR_WORDS[c] for c in COLOURS},
        "pattern": {p: PATTERN_WORDS[p] for p in PATTERNS},
        "place": places,
        "time": times,
        "accessory": {"none": BARE, **worn},
        "size": {s: (*SIZE_WORDS[s], *SIZE_PHRASES[s]) for s in SIZE_WORDS},
        "position": {
            p: (p, *(("center", "centre") if p == "middle" else ()), *POSITION_PHRASES[p])
            for p in POSITION_PHRASES
        },
    }


def vocabulary() -> dict[str, list[str]]:
    """attribute -> the words and phrases the world knows for it, without repeats: what a planner compares a
    request with, to tell what it cannot draw."""
    return {
        attribute: list(dict.fromkeys(word for words in values.values() for word in words))
        for attribute, values in synonyms().items()
    }
