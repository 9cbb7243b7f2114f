"""What a figure wears or holds, as the words of a conversation tell: for painting it anew after an order about that."""

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
_SWAPS = re.compile(r"\b(?:swap|replace|exchange|change|trade|switch|instead)\b", re.IGNORECASE)
_PUTS = re.compile(rf"\bput (?P<thing>{WORN.pattern}) on\b", re.IGNORECASE)
_MORE = re.compile(rf"(?:\band|,|\bplus) (?P<thing>(?:(?:an?|some) )?(?:[\w-]+ ){{0,2}}?{WORN.pattern})", re.IGNORECASE)
_NOT = re.compile(r"(?:without|no|not)\b", re.IGNORECASE)
_SPOTS = {
    "head": "hat cap beanie crown tiara helmet hood headband",
    "eyes": "sunglasses glasses shades goggles monocle mask",
    "neck": "scarf scarve tie bow bowtie ribbon collar necklace",
    "hand": "umbrella parasol balloon bag handbag",
}
_SPOT = {word: spot for spot, words in _SPOTS.items() for word in words.split()}


def dressed(instruction: str, names: Sequence[str], settings: Iterable[str] = (), before: str = "") -> str | None:
    """What a figure wears after an order about that and about nothing else: "wearing sunglasses and with a crown"; ""
    where nothing is left. `None` of any other order.

    Args:
        names: the subjects in the picture.
        settings: see `reach.of_the_figure`.
        before: what the picture was to show so far; parts of it are apart by semicolons.
    """
    text = _nameless(instruction, names)
    if not WORN.search(text) or recolours(text) or not of_the_figure(text, settings):
        return None
    new = _said(text)
    left_out = _not_in(new, text)
    if not _OFF.search(text) and (not new or left_out):
        return None
    return " and ".join([*_still(worn(before, names), text, new), *new])


def worn(description: str, names: Sequence[str]) -> list[str]:
    """What a figure wears after all that was said of its picture, each in a phrase: ["wearing sunglasses"]."""
    wears: list[str] = []
    for part in description.split(";"):
        text = _nameless(part, names)
        new = _said(text)
        wears = [*_still(wears, text, new), *new]
    return wears


def taken_off(instruction: str, names: Sequence[str]) -> list[str]:
    """What an order takes off or away: ["hat"] of "swap the hat for a crown"."""
    text = _nameless(instruction, names)
    return _not_in(_said(text), text) if _OFF.search(text) else []


def _nameless(text: str, names: Sequence[str]) -> str:
    for name in names:
        text = renamed(text, name)
    return text


def _said(text: str) -> list[str]:
    """The phrases of a text that put something on."""
    stated = [piece for piece in pieces(text) if states(piece) and WORN.search(piece) and not _NOT.match(piece)]
    bare = [f"with {match['thing']}" for match in _PUTS.finditer(text)]
    found = [piece for piece in ordered(text) if WORN.search(piece)] or stated or bare
    if found and not _OFF.search(text):
        found += [f"with {match['thing']}" for match in _MORE.finditer(text) if match["thing"] not in " ".join(found)]
    return found


def _still(wears: Sequence[str], text: str, new: Sequence[str]) -> list[str]:
    """What of `wears` is left after a text that puts on `new`: one thing a spot, and what it takes off is gone."""
    taken = {_spot(piece) for piece in new}
    if _OFF.search(text):
        gone = {_SPOT.get(_stem(word), word) for word in _not_in(new, text)}
        if _SWAPS.search(text) and not gone & set(map(_spot, wears)):
            return []  # "a crown instead"
        taken |= gone
    return [piece for piece in wears if _spot(piece) not in taken]


def _spot(piece: str) -> str:
    """Where a thing is worn: two of one spot do not go together. What no spot is known of has its own."""
    word = _worn_words(piece)[-1]
    return _SPOT.get(_stem(word), word)


def _not_in(phrases: Sequence[str], text: str) -> list[str]:
    """The worn things of a text that none of its phrases puts on."""
    said = " ".join(phrases).lower()
    return [word for word in _worn_words(text) if word not in said]


def _worn_words(text: str) -> list[str]:
    return [match.group().lower() for match in WORN.finditer(text)]


def _stem(word: str) -> str:
    return word if word in _SPOT else word.replace(" ", "").removesuffix("s")
