"""Parts of figures by their place: "make his ears green" is about what stands at the top of a dog, left and right.

A model of a drawn world gives all parts of one colour another one at once. Where a preset says in which boxes of a
figure a class has its parts, an order for a colour stays there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from .scoring.phrases import COLOURS
from .scoring.reach import PARTS, recolours

if TYPE_CHECKING:
    from PIL.Image import Image

_ALL_OVER = frozenset("fur coat skin feathers".split())
_PATTERN = re.compile(r"\b(?:spot|stripe|dot|band)s?\b|\bpattern\b", re.IGNORECASE)
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in 0..1 of the figure's own box."""


@lru_cache
def parts_of(phrases: tuple[str, ...]) -> Mapping[str, Mapping[str, Sequence[Box]]]:
    """Of each class the boxes of its parts by all their names, from a preset's phrases ("dog: ears 0 1 19 55 + 49 1 67
    55; head*|face* 0 0 68 58"; hundredths). What has the figure's main colour keeps its asterisk."""
    known: dict[str, dict[str, Sequence[Box]]] = {}
    for phrase in phrases:
        kind, _, told = phrase.partition(": ")
        for part in told.split("; "):
            names, numbers = re.split(r" (?=\d)", part, maxsplit=1)
            values = [[int(number) / 100 for number in box.split()] for box in numbers.split(" + ")]
            boxes = [(left, top, right, bottom) for left, top, right, bottom in values]
            known.setdefault(kind, {}).update(dict.fromkeys(names.split("|"), boxes))
    return known


def coloured(words: str, called: Sequence[str], phrases: tuple[str, ...]) -> list[str]:
    """What an order for another colour of a part may call any parts of a preset's figures; nothing for any other order.

    `called`: the figures' names.
    """
    every = [name.rstrip("*") for parts in parts_of(phrases).values() for name in parts]
    return every if every and re.search(PARTS, words, re.IGNORECASE) and recolours(words, called) else []


def colour_asked(words: str, phrases: tuple[str, ...]) -> tuple[int, int, int] | None:
    """The one colour that an order asks for, from a preset's phrases ("red: 222 44 44"); `None` where it is another."""
    known = {name: numbers for name, _, numbers in (phrase.partition(": ") for phrase in phrases)}
    said = {match.group().lower() for match in re.finditer(rf"\b(?:{COLOURS})(?:er|ish)?\b", words, re.IGNORECASE)}
    if len(said) != 1 or not said <= known.keys() or re.search(r"\b(?:dark|light|pale|deep|bit|little)\b", words, re.I):
        return None
    red, green, blue = map(int, known[said.pop()].split())
    return red, green, blue


def named(words: str, kind: str, phrases: tuple[str, ...]) -> tuple[list[Box], list[str]]:
    """Where the parts are that an order speaks of, and what it calls those that the class has nowhere."""
    known = {_stem(name): boxes for name, boxes in parts_of(phrases).get(kind.lower(), {}).items()}
    if _PATTERN.search(words):  # which is all over it
        return [], []
    said = [match.group().lower() for match in re.finditer(PARTS, words, re.IGNORECASE) if known]
    said = [part for part in said if part not in _ALL_OVER]
    boxes = [box for part in said for box in known.get(_stem(part), ())]
    return boxes, [part for part in said if _stem(part) not in known]


def of_the_whole(words: str, kind: str, phrases: tuple[str, ...]) -> str:
    """An order for a colour of a part that has the figure's main colour as one for all of it ("make it red" of "make
    his head red"), which is what a model knows."""
    main = "|".join(name.rstrip("*") for name in parts_of(phrases).get(kind.lower(), {}) if name.endswith("*"))
    whose = r"(?:his|her|its|their|the|(?P<who>(?:the )?[\w-]+)['’]s)"
    return re.sub(rf"\b{whose} (?:{main})\b", lambda m: m["who"] or "it", words, flags=re.I) if main else words


def _stem(part: str) -> str:
    return part.rstrip("*").removesuffix("s")


def within_boxes(mask: Image, boxes: Sequence[Box]) -> Image:
    """The part of a figure's mask (8-bit) that lies in boxes of the figure."""
    from PIL import Image as Images

    made = Images.new("L", mask.size)
    left, top, right, bottom = mask.point(lambda value: 255 * (value > 127)).getbbox() or (0, 0, 0, 0)
    for x0, y0, x1, y1 in boxes:
        x, y = round(left + x0 * (right - left)), round(top + y0 * (bottom - top))
        made.paste(mask.crop((x, y, round(left + x1 * (right - left)), round(top + y1 * (bottom - top)))), (x, y))
    return made
