"""Words that mean much the same in a scene: who says "the seaside one" means the picture on the beach."""

from __future__ import annotations

import re

_GROUPS = (
    "beach seaside shore coast sand sandy",
    "sea ocean",
    "night dark nighttime midnight",
    "evening dusk sunset twilight golden sundown",
    "dawn sunrise morning daybreak",
    "rain rainy raining downpour wet drizzle",
    "snow snowy snowstorm blizzard winter wintry snowing",
    "storm stormy lightning thunder thunderstorm",
    "fog foggy mist misty hazy haze",
    "metro underground subway tube",
    "opera theatre theater stage",
    "calm quiet peaceful tranquil still",
    "forest wood woods woodland",
    "jungle rainforest tropical",
    "harbour harbor port marina dock docks",
    "cable cables wire wires",
    "cafe diner restaurant bistro",
    "station stop",
    "truck lorry",
    "scooter vespa moped",
    "glasses specs spectacles",
    "monocle eyeglass",
    "garden allotment veg vegetable",
    "bunting flag flags",
    "shop store",
    "road street",
    "city town",
    "space cosmos planets galaxy",
    "rocket spaceship spacecraft",
    "moon lunar",
    "sofa couch settee",
    "bicycle bike cycle",
    "boat ship",
    "train railway",
    "plane aeroplane airplane",
    "mountain mountains hill hills",
    "christmas xmas",
    "castle palace fortress",
    "river stream creek",
    "bath bathtub tub",
    "school classroom",
    "library bookshop",
    "sweets candy lollies",
    "cake cakes",
    "lake pond",
    "desert dunes",
    "field meadow",
    "candle candles candlelight",
    "umbrella brolly parasol",
    "jumper sweater pullover",
    "trousers pants",
    "autumn fall",
    "funfair fairground carnival",
    "court courtroom",
)
_NEAR: dict[str, frozenset[str]] = {}
for _group in _GROUPS:
    for _word in _group.split():
        _NEAR[_word] = _NEAR.get(_word, frozenset()) | frozenset(_group.split())


def near(text: str) -> set[str]:
    """Words that mean much the same as one of a text."""
    return {other for word in re.findall(r"[a-z]+", text.lower()) for other in _NEAR.get(word, ())}
