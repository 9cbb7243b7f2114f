"""Edits of what a figure wears or holds: the words for the picture afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .scoring.phrases import ordered, pieces, states
from .scoring.reach import WORN, of_the_figure, recolours
from .words import renamed

_OFF = re.compile(
    r"\b(?:without|no|not|off|remove|delete|erase|drop|lose|get rid of|take (?:\w+ ){0,4}?away|swap|replace|exchange|"
    r"change|trade|switch|instead)\b",
    re.IGNORECASE,
)
_PUTS = re.compile(rf"\bput (?P<thing>{WORN.pattern}) on\b", re.IGNORECASE)
_NOT = re.compile(r"(?:without|no|not)\b", re.IGNORECASE)


def dressed(instruction: str, names: Sequence[str], settings: Iterable[str] = ()) -> str | None:
    """What a figure wears after an order about that and about nothing else: "with a crown"; "" if something goes.

    `None` of any other order. `names`: the subjects in the picture; `settings`: see `reach.of_the_figure`.
    """
    text = instruction
    for name in names:
        text = renamed(text, name)
    if not WORN.search(text) or recolours(text) or not of_the_figure(text, settings):
        return None
    stated = [piece for piece in pieces(text) if states(piece) and WORN.search(piece) and not _NOT.match(piece)]
    bare = [f"with {match['thing']}" for match in _PUTS.finditer(text)]
    worn = " ".join(ordered(text) or stated or bare)
    goes = _OFF.search(text) is not None
    left_out = {match.group().lower() for match in WORN.finditer(text) if match.group().lower() not in worn.lower()}
    return worn if goes or (worn and not left_out) else None
