"""Edits for which the whole picture is painted again, from words for all of it: two change places, somebody joins the
one who is there or takes somebody's place.

A small model draws two figures well from their references, and badly into a picture that is there. What each of them
wears is known from the conversation, place and hour are read off the picture.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .apart import exchanged, told_apart, worn_by
from .company import Untaught, called, joined, others_of, replaced, untaught
from .figures import OTHERWISE
from .scoring.reach import WORN

if TYPE_CHECKING:
    from ..memory.values import Concept, Take
    from .desk import Desk

_INTO = re.compile(
    r"\b(?:turn|change|transform|make) (?P<who>[\w ]+?) into (?P<new>an? (?:[\w-]+ ){0,2}?[\w-]+)(?=[.! ]*$)",
    re.IGNORECASE,
)
_HANDS = re.compile(
    rf"(?:give|hand|pass) (?P<who>[\w ]+?) (?:the|his|her|its) (?:[\w-]+ )?(?P<thing>{WORN.pattern})"
    r"(?: instead| please)*[.! ]*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Afresh:
    """A picture in words, and who is in it."""

    words: str
    concepts: Sequence[Concept]
    others: Sequence[Untaught]


def afresh(
    desk: Desk, source: Take, kept: Sequence[Concept], coming: Sequence[Concept], instruction: str
) -> Afresh | None:
    """The picture after an edit that is painted anew; `None` of any other. `coming`: who is named and not there."""
    others, phrases = others_of(source), desk.preset.scenes.get("looks", ())
    there = [*called(kept), *((other.name, other.kind) for other in others)]
    there.sort(key=lambda figure: source.description.lower().find(figure[0].lower()))  # from left to right
    names = [name for name, _ in there]
    if turned := exchanged(instruction, source.description, names):
        return Afresh(_settled(desk, source, turned, names), kept, others)
    if not phrases:
        return None
    if len(there) == 2 and (words := _handed_over(desk, source, instruction, there)):
        return Afresh(words, kept, others)
    order = _INTO.sub(r"\g<new> instead of \g<who>", instruction)
    new = untaught(order, [*there, *called(coming)], phrases, new=True)
    newcomers = [*called(coming), *((other.name, other.kind) for other in new)]
    if len(newcomers) != 1:
        return None
    if not there and desk.studio.figures.alone(source.image):
        others = [Untaught(name, kind, take=source.id) for name, kind in _said(source, phrases)]
        there = [(other.name, other.kind) for other in others]
    if not there:
        return None
    wears = worn_by(source.description, there)
    setting = desk.studio.figures.setting(source.image)
    gone = replaced(order, there, newcomers[0])
    if gone is not None:
        stay = [i for i in range(len(there)) if i != gone]
        who = [" ".join([there[i][0], *wears[i]]) for i in stay]
        who.insert(gone, newcomers[0][0])
        left = [there[i][0] for i in stay]
        concepts, others = [c for c in kept if c.name in left], [o for o in others if o.name in left]
        return Afresh(", ".join([" and ".join(who), *setting]), [*concepts, *coming], [*others, *new])
    if len(there) > 1 or not _as_they_were_taught(desk, source, kept):
        return None
    words = joined(instruction, there[0][0], wears[0], newcomers[0][0], setting)
    return Afresh(words, [*kept, *coming], [*others, *new]) if words else None


def _handed_over(desk: Desk, source: Take, instruction: str, there: Sequence[tuple[str, str]]) -> str:
    """The words for a picture in which one of two has what the other one wore: "give Pip the hat instead"."""
    if (match := _HANDS.search(instruction)) is None:
        return ""
    wears, thing = worn_by(source.description, there), re.compile(rf"\b{match['thing']}\b", re.IGNORECASE)
    for i, (name, kind) in enumerate(there):
        given = [piece for piece in wears[1 - i] if thing.search(piece)]
        if given and _is_of(match["who"], name, kind):
            kept = [[piece for piece in own if piece not in given] for own in wears]
            kept[i] += given
            who = (" ".join([said, " and ".join(own)]).strip() for (said, _), own in zip(there, kept, strict=True))
            return ", ".join([" and ".join(who), *desk.studio.figures.setting(source.image)])
    return ""


def _is_of(said: str, name: str, kind: str) -> bool:
    return said.lower() in (name.lower(), f"the {kind.lower()}")


def left_alone(desk: Desk, source: Take, before: Sequence[tuple[str, str]], stays: Sequence[str]) -> str:
    """The words for a picture of two, (name, class), that one has left; "" where it is another one."""
    if len(before) != 2 or len(stays) != 1 or not desk.preset.scenes.get("place"):
        return ""
    here = [name for name, _ in before].index(stays[0])
    who = " ".join([stays[0], " and ".join(worn_by(source.description, before)[here])]).strip()
    return ", ".join([who, *desk.studio.figures.setting(source.image)])


def _settled(desk: Desk, source: Take, words: str, names: Sequence[str]) -> str:
    """Words for two figures with the place and the hour of the picture, whatever was said of them before."""
    told = told_apart(words, names) if desk.preset.scenes.get("place") else None
    if told is None:
        return words
    order = sorted(range(len(names)), key=lambda i: words.lower().find(names[i].lower()))
    who = " and ".join(" ".join([names[i], *(piece for piece in told[i] if WORN.search(piece))]) for i in order)
    return ", ".join([who, *desk.studio.figures.setting(source.image)])


def _as_they_were_taught(desk: Desk, source: Take, kept: Sequence[Concept]) -> bool:
    """Whether who is alone in a picture is painted from his references without losing what he was given since."""
    figures = desk.studio.figures
    return all(figures.resembles(source.image, subject, OTHERWISE) for subject in desk.subjects(kept))


def _said(source: Take, phrases: tuple[str, ...]) -> list[tuple[str, str]]:
    """Name and class of the one figure of a picture whom nobody has taught."""
    said = untaught(source.description, (), phrases)
    return [(said[0].name, said[0].kind)] if said else [("it", "")]
