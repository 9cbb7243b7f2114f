"""A prompt in pieces that each hold of a picture or not: "on the beach", "wearing a hat", "at night"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..words import LITTLE, renamed

_LEADS = (
    "in front of|next to|close to|on top of|out of|on|in|at|by|under|beneath|below|above|among|amid|between|near|"
    "behind|beside|inside|outside|within|against|along|across|through|around|over|past|with|without|wearing|holding|"
    "carrying|wrapped|crowned|dressed|while|during|after|before|from|not wearing|to(?= the (?:left|right)\\b)"
)
_BEFORE = "deep|right|over|standing|sitting|lying|seen|far|high|just|only|indoors"
_START = re.compile(rf"(?<![\w'’-])(?=(?:(?:{_BEFORE}) )?(?:{_LEADS}) \w)", re.IGNORECASE)
_AND = re.compile(rf"\s+and\s+(?=(?:(?:{_LEADS})|an?|the)\s)", re.IGNORECASE)
_BREAK = re.compile(r"[,;:.!?()]|\bplease\b", re.IGNORECASE)
_LONE = re.compile(rf"(?:{_BEFORE}|{_LEADS})", re.IGNORECASE)
_HANGING = re.compile(rf"(?:^\s*and\s)|(?:\s(?:and|together|standing|sitting|{_LEADS}))+\s*$", re.IGNORECASE)


def pieces(prompt: str, names: Sequence[str] = ()) -> list[str]:
    """The pieces of `prompt` that say something, in order, each once; the subjects' `names` are left out."""
    text = prompt
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?:['’]s)?(?!\w)", ",", text, flags=re.IGNORECASE)
    found: list[str] = []
    for part in _BREAK.split(text):
        for chunk in (c for spoken in _AND.split(part) for c in _split(spoken)):
            chunk = chunk if chunk.lower().endswith(" on") else _HANGING.sub("", chunk)
            chunk = chunk.strip(" -–'\"“”")
            if _says(chunk) and chunk.lower() not in (f.lower() for f in found):
                found.append(chunk)
    return found


def states(piece: str) -> bool:
    """Whether a piece says by itself how something is: "at night", "without the hat"; not "take it off"."""
    return re.match(rf"(?:(?:{_BEFORE}) )?(?:{_LEADS}|no)\s", piece, re.IGNORECASE) is not None


COLOURS = "red|blue|green|yellow|orange|purple|violet|pink|white|black|brown|gr[ae]y|gold|silver"
_SOME = (
    r"(?P<thing>(?:an?|some|another) (?!bit|lot|touch|tad)"
    rf"(?:(?:{COLOURS}) and (?:{COLOURS}) )?(?:[\w’'-]+ ){{0,3}}?[\w’'-]+)"
)
_BARE = r"(?P<thing>(?!an? |the |some |back)[\w’'-]+)"
_PAIR = (
    r"(?P<thing>(?:(?!(?:the|and|or|an?)\b)\w+ )?"
    r"(?:sunglasses|glasses|shades|goggles|boots|gloves|mittens|wings|headphones))"
)
_OVER = (
    r"(?=\s+(?:instead|rather|and|but|then|please|too|as well|now|on|onto|in|at|to|for|with|around|round|over|next|"
    r"beside|behind)\b|\s*[,;:.!?]|\s*$)"
)
_ORDERS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:give|hand|lend|bring|get|let) (?:[\w’'-]+ ){{1,3}}?(?:have |wear |hold |carry )?{_SOME}{_OVER}",
        rf"\b(?:give|hand|lend|bring|get) (?:him|her|it|them) {_BARE}{_OVER}",
        rf"\b(?:give|hand|lend|bring|get|let) (?:[\w’'-]+ ){{1,3}}?(?:have |wear )?{_PAIR}{_OVER}",
        rf"\bwears? {_SOME}{_OVER}",
        rf"\bwears? {_PAIR}{_OVER}",
        rf"\b(?:add|put|place|set|draw|paint|sketch) {_SOME}{_OVER}",
        rf"\b(?:add|put|place|set|draw|paint|sketch) {_PAIR}{_OVER}",
        rf"\badd {_BARE}{_OVER}",
        rf"\b(?:swap|replace|exchange|change|trade|switch) .{{1,60}}? (?:for|with|to|into|by) {_SOME}{_OVER}",
        rf"\b(?:swap|replace|exchange|change|trade|switch) .{{1,60}}? (?:for|with|to|by) {_PAIR}{_OVER}",
        rf"\b{_SOME} instead\b",
    )
]


def ordered(instruction: str, names: Sequence[str] = ()) -> list[str]:
    """What an instruction says by the way about the picture after it, each once: of "swap the hat for a crown" it is
    "with a crown"; of what takes something away nothing."""
    for name in sorted(names, key=len, reverse=True):
        instruction = renamed(instruction, name)
    found = (match["thing"] for order in _ORDERS for match in order.finditer(instruction))
    return [f"with {thing}" for thing in dict.fromkeys(thing.lower() for thing in found)]


def _split(text: str) -> list[str]:
    """`text` cut where a preposition or a participle begins; what hangs over goes to the piece before it."""
    cut: list[str] = []
    for chunk in (c.strip() for c in _START.split(text)):
        if cut and (_LONE.fullmatch(chunk) or _LONE.fullmatch(cut[-1])):
            cut[-1] = f"{cut[-1]} {chunk}"
        elif chunk:
            cut.append(chunk)
    return cut


def _says(chunk: str) -> bool:
    """Whether a chunk holds a word that carries a picture."""
    words = re.findall(r"[^\W\d_]+", chunk.lower())
    return any(word not in LITTLE and not re.fullmatch(_LEADS, word) for word in words) or words == ["little"]
