"""What of a prompt is said of which of its subjects: "Biscuit with a hat and Pip in a scarf, on the beach".

A model that hears all words everywhere gives both of them both (survey arXiv 2405.05538 calls it attribute
leakage). Each subject's own words, with the setting that all share, let every region be painted from its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .dressing import dressed
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
_BOTH = r"(?:them|both|the two(?: of them)?|\* (?:and|with) \*)"
_SWAP = re.compile(
    rf"(?:(?:please|now|and|can you|could you|let's|so) )*(?:(?:let|make|have) {_BOTH} )?"
    rf"(?:(?:swap|switch|exchange) {_BOTH}(?: (?:a?round|over))?|"
    rf"(?:swap|switch|exchange|trade|change)(?: {_BOTH})? (?:their )?(?:places|sides|positions|seats))"
    r"(?: please| now)*[.! ]*",
    re.IGNORECASE,
)
_PLACES = {2: ("on the left", "on the right"), 3: ("on the left", "in the middle", "on the right")}


@dataclass(slots=True)
class _Told:
    """What a prompt says."""

    own: list[list[str]]
    """Of each subject alone."""
    shared: list[str] = field(default_factory=list)
    sides: dict[int, str] = field(default_factory=dict)


def exchanged(instruction: str, description: str, names: Sequence[str]) -> str:
    """The words of a picture in which two subjects change places, if that is what an instruction asks for; else "".

    Subjects are drawn from left to right as they are named. What each of them wears goes along.
    """
    for name in sorted(names, key=len, reverse=True):
        instruction = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "*", instruction, flags=re.IGNORECASE)
    if len(names) != 2 or not _SWAP.fullmatch(instruction.strip()):
        return ""
    worn: dict[str, str] = {}
    kept = list[str]()
    for part in re.split(r"\s*;\s*", description):
        whose = [name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", part, re.IGNORECASE)]
        thing = dressed(part, names) if kept and len(whose) == 1 else None
        if thing is None:
            kept.append(part)
        else:  # "put a hat on Pip" is "Pip with a hat" in the picture afterwards
            worn[whose[0]] = f"{worn.get(whose[0], '')} {thing}" if thing else ""
    words = _turned(", ".join(kept), names)
    for name, things in worn.items():
        before, said, after = re.split(rf"(?<!\w)({re.escape(name)})(?!\w)", words, maxsplit=1, flags=re.IGNORECASE)
        words = f"{before}{said}{things}{after}"
    return words


def _turned(words: str, names: Sequence[str]) -> str:
    """A prompt that names its two subjects in the other order, or has them on the other sides."""
    one, other = (re.escape(name) for name in names)
    mark = r"(?: and | & |, | with | next to | beside | near )"
    side = re.compile(rf"(?<!\w)({one}|{other})({mark})({one}|{other})(?!['’]?\w)", re.IGNORECASE)
    if side.search(words):
        return side.sub(r"\3\2\1", words, count=1)
    told = _told(words, names)
    if told is None or told.sides or not any(told.own):
        turned = {names[0].lower(): names[1], names[1].lower(): names[0], "left": "right", "right": "left"}
        those = r"left|right" if told and told.sides else f"{one}|{other}"
        return re.sub(rf"(?<!\w)({those})(?!['’]?\w)", lambda m: turned[m[1].lower()], words, flags=re.IGNORECASE)
    order = sorted(range(2), key=lambda i: words.lower().find(names[i].lower()), reverse=True)
    both = " and ".join(" ".join([names[i], *told.own[i]]) for i in order)
    return ", ".join([both, *told.shared])


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


def told_apart(prompt: str, names: Sequence[str]) -> list[list[str]] | None:
    """The phrases of a prompt that are said of each subject alone; `None` where they cannot be told apart."""
    mentioned = sorted(names, key=lambda name: prompt.lower().find(name.lower()))
    told = _told(prompt, mentioned)
    return None if told is None else [told.own[mentioned.index(name)] for name in names]


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
