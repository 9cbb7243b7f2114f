"""How far an edit reaches: what is said about the figure alone must leave the rest of the picture as it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Sequence
from typing import TYPE_CHECKING

from ..words import LITTLE, renamed
from .phrases import COLOURS

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..values import SubjectInput

FAR = 0.3
"""Part of the picture beside the figure; an order about the figure alone changes less of it (balloons included)."""
_BESIDE = 1 / 16
"""Of the picture's side: what is as near to the figure as this belongs to it."""
WORN = re.compile(
    r"\b(?:hats?|caps?|beanie|crowns?|tiara|helmet|hood|sunglasses|glasses|shades|goggles|monocle|masks?|scar(?:f|ves)|"
    r"ties?|bows?|bow ?ties?|ribbons?|collars?|necklaces?|earrings?|capes?|coats?|jackets?|waistcoat|vest|sweaters?|"
    r"jumper|shirts?|t-shirt|dress|skirt|trousers|jeans|boots|shoes|trainers|sneakers|slippers|gloves|mittens|socks|"
    r"aprons?|belt|watch|umbrellas?|parasol|balloons?|backpack|rucksack|handbag|bag|wings|headband|headphones)\b",
    re.IGNORECASE,
)
_COLOURED = re.compile(rf"\b(?:{COLOURS})\b", re.IGNORECASE)
PARTS = (
    r"\b(?:head|face|body|chest|belly|ears?|eyes?|nose|muzzle|beak|mouth|hair|fur|coat|"
    r"skin|tails?|paws?|feet|legs?|arms?|hands?|fins?|feathers|petals?|stem|leaves|handle|rim|spout|lid|wheels?|"
    r"antennae?|bill|shell|roof|cap|flowerpot|pot|stalk|hubcaps|bumpers?|cent(?:re|er))\b"
)
_OWN = re.compile(rf"\b(?:him|her|it|them|his|its|their)\b|{PARTS}|['’]s\b", re.IGNORECASE)
_NO_SETTING = re.compile(
    rf"\bdark (?=glasses)|\b(?:dark|light|bright|snow) (?={COLOURS})|(?<=\w) on[.! ]*$|"
    r"\b(?:on|onto|around|round|under|for) (?=(?:him|her|it|them|his|its|their)\b)|"
    r"(?:['’]s|his|her|its|their) (?:middle|cent(?:er|re))\b|"
    r"\bon an? (?:string|lead|leash)\b|"
    rf"\b(?:in|under) (?=(?:(?:an?|the|his|her|its) )?(?:[\w-]+ ){{0,2}}?{WORN.pattern})",
    re.IGNORECASE,
)
"""What sounds like a setting and is none: "dark glasses", "bright red", "in a top hat", "its middle"."""
_WIDE = re.compile(
    r"\b(?:in|on|at|by|near|into|behind|beside|inside|outside|next|among|between|against|along|across|around|over|"
    r"under|back(?:ground)?|fore(?:ground)?|scene(?:ry)?|setting|place|picture|photo|image|everything|everyone|all|"
    r"whole|world|the sky|sky(?! blue)|sun|moon|stars?|light|lit|dark(?:er|ness)?|bright(?:er|ness)?|night|day|"
    r"sun(?:set|rise|ny)|dusk|dawn|noon|midnight|evening|morning|winter|summer|autumn|spring|weather|rain\w*|snow\w*|"
    r"storm\w*|fog\w*|mist\w*|wind\w*|cloud\w*|big(?:ger)?|small(?:er)?|large(?:r)?|tiny|huge|clos(?:er|e)|further|"
    r"farther|away from|zoom|left|right|middle|cent(?:er|re)|move|turn|swap (?:places|sides)|style|sketch|cartoon|"
    r"paint(?:ing)|tone|filter|mood)\b",
    re.IGNORECASE,
)


def of_the_figure(instruction: str, settings: Iterable[str] = ()) -> bool:
    """Whether an order is about the figure alone: what it wears or holds, or a colour of it.

    `settings`: phrases for places and times that the preset knows. Where an order may mean more, it does not count.
    """
    known = {word for phrase in settings for word in re.findall(r"\w+", phrase.lower())} - LITTLE
    low = _NO_SETTING.sub("", _put_on(instruction.lower(), known))
    if _WIDE.search(low) or known & set(re.findall(r"\w+", low)):
        return False
    return bool(WORN.search(low) or (_COLOURED.search(low) and _OWN.search(instruction)))


_OTHERWISE = re.compile(
    rf"{PARTS}|\b(?:left|right|middle|cent(?:er|re)|clos(?:er|e)|near(?:er)?|farther|further|far|away|big(?:ger)?|"
    r"small(?:er)?|larger?|tiny|huge|mini|little|zoom|turn(?:ed)? around|side|edge|corner|into an?|becomes?|"
    r"remove|delete|erase|without|lose|rid|out|gone|long(?:er)?|short(?:er)?|round(?:er)?|tall(?:er)?|fat(?:ter)?|thin(?:ner)?|stripe[sd]?|spot(?:s|ted)?|plain)\b"
)
"""Another place in the picture, another size, another look, or somebody less."""


def of_the_setting(instruction: str, names: Iterable[str] = (), kinds: Iterable[str] = ()) -> bool:
    """Whether an order for a drawing is about place and time alone, so that its figures stay as and where they are.

    `kinds`: class nouns; "a cat on the beach" is another figure.
    """
    low = instruction.lower()
    for name in names:
        low = renamed(low, name)
    where = re.sub(r"\bnear (?:the|an?|our|his|her|its)\b", "", low)  # "near the castle" is a place
    if WORN.search(low) or _COLOURED.search(low) or _OTHERWISE.search(where):
        return False
    return not any(re.search(rf"\b(?:an?|another|two|three) (?:[\w-]+ )?{re.escape(kind)}s?\b", low) for kind in kinds)


def _put_on(low: str, places: Container[str]) -> str:
    """ "put a hat on the robot" as "put a hat": who wears it is no place."""
    found = re.search(rf"(?:{WORN.pattern}) (?P<whom>on (?:the|my) (?P<noun>[\w-]+))\W*$", low)
    return low[: found.start("whom")] if found and found["noun"] not in places else low


def the_one(instruction: str, subjects: Sequence[SubjectInput]) -> SubjectInput | None:
    """Of several subjects the only one that an order speaks of, by its name or by what it is."""

    def spoken(word: str) -> bool:
        return bool(word) and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", instruction, re.IGNORECASE) is not None

    named = [s for s in subjects if spoken(s.name)] or [s for s in subjects if spoken(s.kind)]
    return named[0] if len(named) == 1 < len(subjects) else None


def recolours(instruction: str, called: Iterable[str] = ()) -> bool:
    """Whether an order gives the figure, or a part of it, another colour: it cannot look like its references then.

    `called`: what the figure is called, "Biscuit" or "dog".
    """
    low = _NO_SETTING.sub("", instruction.lower())
    own = instruction
    for name in called:
        low, own = renamed(low, name), renamed(own, name)
    return not WORN.search(low) and bool(_COLOURED.search(low) and _OWN.search(own))


def beyond(before: Image, after: Image, mask: Callable[[Image], Image]) -> float | None:
    """Part of the picture beside the figure, old and new, that has changed, 0..1.

    `None` without a figure, or where nothing is beside it.
    """
    import numpy as np

    from ..edits import changed_region
    from ..subject import LEAST_SHARE, foreground_share

    masks = [mask(picture) for picture in (before, after)]
    if min(map(foreground_share, masks)) < LEAST_SHARE:
        return None
    near = [np.asarray(around(mask, round(before.width * _BESIDE))) > 127 for mask in masks]
    rest = ~(near[0] | near[1])
    return float((np.asarray(changed_region(before, after)) > 127)[rest].mean()) if rest.any() else None


def around(mask: Image, pixels: int) -> Image:
    """A mask (8-bit, above 127 inside) grown by so many pixels on every side."""
    from PIL import ImageFilter

    return mask.point(lambda v: 255 * (v > 127)).filter(ImageFilter.MaxFilter(2 * pixels + 1))
