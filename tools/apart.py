"""What of a prompt is said of which of its subjects: "Biscuit with a hat and Pip in a scarf, on the beach".

A model that hears all words everywhere gives both of them both (survey arXiv 2405.05538 calls it attribute
leakage). Each subject's own words, with the setting that all share, let every region be painted from its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .scoring.phrases import pieces, states
from .scoring.reach import WORN

_WEARS = re.compile(
    r"(?:not )?(?:with|without|wear(?:ing|s)|hold(?:ing|s)|carry(?:ing)?|carries|wrapped|dressed|crowned|has)\b",
    re.IGNORECASE,
)
_SIDE = re.compile(r"\b(left|right)\b", re.IGNORECASE)
_STRING = re.compile(r"on an? (?:string|rope|lead|leash|chain|stick)\b", re.IGNORECASE)
_WHERE = re.compile(
    r"(?:down ?town|uptown|out(?:doors|side)|in(?:doors|side)|underwater|upstairs|tonight)\b", re.IGNORECASE
)
_TIED = re.compile(
    r"\b(?:on|in|at|under|over|above|below|behind|inside|into|onto|from|around|wearing|holding|carrying|without)\s*$",
    re.IGNORECASE,
)
"""What ties one subject to the next, where nothing else stands between them: "Biscuit on top of Pip"."""
_NEXT = re.compile(r"\b(?:next to|beside|near|close to|by|alongside)\b", re.IGNORECASE)
_ALL = re.compile(r"\b(?:both|each|all|everyone|everybody)\b", re.IGNORECASE)
_ONE = re.compile(r"\b(?:an?|his|her|its)\b", re.IGNORECASE)
_PLACES = {2: ("on the left", "on the right"), 3: ("on the left", "in the middle", "on the right")}


@dataclass(slots=True)
class _Told:
    """What a prompt says."""

    own: list[list[str]]
    """Of each subject alone."""
    shared: list[str] = field(default_factory=list)
    sides: dict[int, str] = field(default_factory=dict)


def apart(prompt: str, names: Sequence[str]) -> list[tuple[int, str]] | None:
    """The subjects from left to right, each by its index in `names` with the words for its part of the picture.

    `None` where one text serves all: nothing is said of one subject alone, or what they do together cannot be told
    apart ("Biscuit hugs Pip").
    """
    told = _told(prompt, names)
    if told is None or not (any(told.own) or told.sides):
        return None
    order = sorted(range(len(names)), key=lambda i: ("left", "", "right").index(told.sides.get(i, "")))
    places = _PLACES.get(len(names), ("",) * len(names))
    made = []
    for i, place in zip(order, places, strict=True):
        who = " ".join([names[i], *told.own[i]])
        made.append((i, ", ".join(part for part in (who, place, *told.shared) if part)))
    return made


def _told(prompt: str, names: Sequence[str]) -> _Told | None:
    """Who wears what and where all are; `None` where it cannot be told apart. `names` are in the order of mention."""
    mentioned = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    prompt = re.sub(r"\btogether\b", "", prompt, flags=re.IGNORECASE)
    parts = re.split(rf"(?<!\w)({mentioned})(?!['’]?\w)", prompt, flags=re.IGNORECASE)
    places = {name.lower(): i for i, name in enumerate(names)}
    said, told = parts[::2], _Told([[] for _ in names])
    group, seen = list[int](), set[int]()
    for i, text in enumerate(said):
        if not _heard(told, text, group, between=0 < i < len(said) - 1):
            return None
        if i < len(said) - 1:
            here = places[parts[2 * i + 1].lower()]
            listed = here not in seen and not pieces(text) and not _NEXT.search(text)
            group = [*(group if listed else ()), here]
            seen.add(here)
    return told if len(seen) == len(names) else None


def _heard(told: _Told, text: str, group: Sequence[int], between: bool) -> bool:
    """Takes in what stands after the subjects of `group`, none before the first. False for what only the whole says."""
    found, rest = pieces(text), text
    for piece in found:
        rest = rest.replace(piece, "", 1)
    if between and (_TIED.search(rest) or found[-1:] and found[-1].endswith(" of")):
        return False
    everybody = range(len(told.own))
    for piece in found:
        if group and (side := _SIDE.search(piece)):
            told.sides[group[-1]] = side[1].lower()
        elif group and (_WEARS.match(piece) or _STRING.match(piece) or (states(piece) and WORN.search(piece))):
            for i in everybody if _ALL.search(text) else group[-1:] if _ONE.search(piece) else group:
                told.own[i].append(piece)
        elif states(piece) or _WHERE.match(piece) or not group:
            told.shared.append(piece)
        else:
            return False
    return True
