"""A prompt in pieces that each hold of a picture or not: "on the beach", "wearing a hat", "at night"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..words import LITTLE

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
