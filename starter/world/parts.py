"""Words for parts of the body: what bears which colour, and what a marked body shape is called."""

from __future__ import annotations

SINGLE_PARTS = frozenset(
    (
        "tail",
        "beak",
        "bill",
        "tail fin",
        "head",
        "handle",
        "spout",
        "roof",
        "centre",
        "middle",
        "face",
        "pot",
        "flowerpot",
        "stem",
        "stalk",
    )
)
SECOND_PARTS: dict[str, tuple[str, ...]] = {
    "dog": ("ears", "ears and muzzle", "tail and ears"),
    "cat": ("ears and tail", "tail", "paws and ears"),
    "rabbit": ("paws", "feet and tail", "inner ears"),
    "duck": ("beak", "beak and feet", "bill"),
    "fish": ("fins", "tail fin", "fins and tail"),
    "turtle": ("head and legs", "head", "skin"),
    "mug": ("handle", "handle and rim"),
    "teapot": ("lid and handle", "spout", "lid, spout and handle"),
    "car": ("wheels", "hubcaps and roof", "roof"),
    "robot": ("arms", "arms and antenna", "arms and feet"),
    "person": ("hair", "hair and boots"),
    "flower": ("centre", "middle", "face"),
    "cactus": ("pot", "flowerpot"),
    "mushroom": ("stem", "stalk"),
}
MAIN_PARTS: dict[str, str] = {
    "turtle": "shell",
    "person": "coat",
    "flower": "petals",
    "mushroom": "cap",
}
SHAPE_WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "proportion": (("short and wide", "squat", "stocky"), ("tall", "slim", "narrow")),
    "eyes": (("small eyes", "little eyes"), ("big eyes", "huge eyes", "large eyes")),
}
APPENDAGES: dict[str, tuple[str, str]] = {
    "dog": ("short ears", "long ears"),
    "cat": ("short ears", "tall ears"),
    "rabbit": ("short ears", "very long ears"),
    "duck": ("a short beak", "a long beak"),
    "fish": ("small fins", "big fins"),
    "turtle": ("a short neck", "a long neck"),
    "mug": ("a small handle", "a big handle"),
    "teapot": ("a short spout", "a long spout"),
    "car": ("small wheels", "big wheels"),
    "robot": ("a small antenna", "a big antenna"),
    "person": ("short hair", "long hair"),
    "flower": ("small petals", "big petals"),
    "cactus": ("short arms", "long arms"),
    "mushroom": ("a narrow cap", "a wide cap"),
}
