"""Figures that nobody has taught: the cat of "Biscuit and a cat", and how somebody joins a picture.

A small model paints a class of which no colour is said in all colours at once, and where several figures share a
picture it wants a reference of each. So a preset says how each class looks by itself. Such a figure is drawn alone,
once, and is its own reference from then on: it looks the same in every picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..memory.values import Concept, Take
from .dressing import worn
from .scoring.phrases import COLOURS, pieces, states
from .scoring.reach import PARTS, WORN
from .words import LITTLE, renamed

_NO_ADJECTIVE = r"(?:and|or|on|in|at|of|with|to|by|for|as|like|near|next|the|an?|my|his|her|its|is|are|has)\b"
_GOES_ON = (
    r"(?=\W*$|\s*[,.;:!?&]|\s+(?:and|or|in|on|at|by|near|next|beside|behind|with|without|wearing|holding|carrying|to|under|"
    r"who|that|is|are|as|too|also|together|sitting|standing|sits|stands|joins?|from|during|while|into|over|here|there|"
    r"now|please|instead)\b)"
)
_LIKE = re.compile(r"\b(?:as|like|into|becomes?|than)\s+$", re.IGNORECASE)
_DESCRIBED = re.compile(
    rf"\b(?:{COLOURS}|striped|stripy|spotted|spotty|dotted|two-tone|two-colou?red|rainbow)\b", re.IGNORECASE
)
_SIDE = re.compile(
    r"(?:on|at|to) (?:the|his|her|its|their) (?P<side>left|right)(?: side)?(?: of (?:him|her|it))?", re.IGNORECASE
)
_JOINS = LITTLE - frozenset("instead remove turn change without off not no under over into out".split()) | frozenset(
    "bring include invite invites join joins joining come comes along beside close near next behind company friend"
    " together everybody stand sit fetch introduce introducing".split()
)
_INSTEAD = frozenset("instead replace swap exchange trade substitute".split())


@dataclass(frozen=True, slots=True)
class Untaught:
    """One of several figures in a picture whom nobody has taught."""

    name: str
    """What the prompt calls it: "a cat"."""
    kind: str
    """Its class noun; "" where nobody has said it."""
    look: str = ""
    """How it is drawn alone: "a plain orange cat with a white tail"; "" of one that is in `take`."""
    take: str = ""
    """Id of the take that shows it alone."""


def others_of(take: Take) -> list[Untaught]:
    """Whom nobody has taught of the several figures in a take, as it was recorded."""
    return [Untaught(**other) for other in take.settings.get("request", {}).get("others", ())]


def called(concepts: Iterable[Concept]) -> list[tuple[str, str]]:
    """Names and classes."""
    return [(concept.name, concept.kind) for concept in concepts]


@lru_cache
def looks(phrases: tuple[str, ...]) -> Mapping[str, tuple[str, str]]:
    """How what nobody has described is drawn, from a preset's phrases ("cat, kitten: plain orange {} with a white
    tail"): of each noun its class and its look, with the noun in it."""
    known = {}
    for phrase in phrases:
        nouns, _, look = phrase.partition(": ")
        for noun in nouns.split(", "):
            known[noun] = nouns.split(", ")[0], look.replace("{}", noun)
    return known


def known_kind(kind: str, phrases: tuple[str, ...]) -> bool:
    """Whether a preset that says how its classes look has this class: "girl", "coffee mug"."""
    return bool({kind.lower(), kind.lower().rpartition(" ")[2]} & looks(phrases).keys()) or not phrases


def untaught(
    words: str, taught: Iterable[tuple[str, str]], phrases: tuple[str, ...], *, new: bool = False
) -> list[Untaught]:
    """The figures of a prompt that are only called by their class, in order; `taught`: who else, by name and class.

    `new`: who comes into a picture; "the cat" is there.
    """
    found = [figure for figure, _ in _mentions(words, taught, phrases)]
    return [figure for figure in found if not (new and re.match(r"(?:the|my|our) ", figure.name, re.IGNORECASE))]


def described(words: str, phrases: tuple[str, ...]) -> str:
    """A prompt in which the one figure that it is of, and that is only called by its class, is described."""
    found = _mentions(words, (), phrases)
    if len(found) != 1:
        return words
    ((figure, (start, end)),) = found
    return words[:start] + figure.look + words[end:]


def _mentions(
    words: str, taught: Iterable[tuple[str, str]], phrases: tuple[str, ...]
) -> list[tuple[Untaught, tuple[int, int]]]:
    known, taught = looks(phrases), list(taught)
    if not known:
        return []
    nouns = "|".join(sorted(known, key=len, reverse=True))
    figure = re.compile(
        rf"(?<![\w'’-])(?P<name>(?P<article>an?|one|another|the|my|some|our) "
        rf"(?P<adjectives>(?:(?!{_NO_ADJECTIVE})[a-z-]+ ){{0,3}}?)(?P<noun>{nouns}))"
        rf"(?P<own> with (?:an? )?(?:{COLOURS}) {PARTS})?{_GOES_ON}",
        re.IGNORECASE,
    )
    made: dict[str, tuple[Untaught, tuple[int, int]]] = {}
    for match in figure.finditer(words):
        kind, look = known[match["noun"].lower()]
        if _LIKE.search(words[: match.start()]) or _is_taught(words, match, kind, taught):
            continue
        own = match["own"] or ""
        if own or _DESCRIBED.search(match["adjectives"]):
            look = f"{match['noun']}{own}"
        look = f"{match['adjectives']}{look}".strip()
        look = f"{'an' if look[0].lower() in 'aeiou' else 'a'} {look}"
        made.setdefault(match["name"].lower(), (Untaught(match["name"], kind, look), match.span()))
    return list(made.values())


def _is_taught(words: str, match: re.Match[str], kind: str, taught: Iterable[tuple[str, str]]) -> bool:
    """Whether a class noun speaks of somebody taught: "my dog Biscuit", "Biscuit, a dog", "the dog" where he is one."""
    before, after = words[: match.start()].lower(), words[match.end() :].lower()
    definite = match["article"].lower() in ("the", "my", "our")
    for name, of in taught:
        low = name.lower()
        if re.match(rf",? (?:called |named )?{re.escape(low)}\b", after) or (
            kind == of.lower() and re.search(rf"(?<!\w){re.escape(low)},? (?:is )?$", before)
        ):
            return True
        if definite and kind == of.lower():
            return True
    return False


def joined(instruction: str, there: str, wears: Sequence[str], newcomer: str, setting: Sequence[str]) -> str:
    """The words of a picture in which `newcomer` joins the one figure that is `there`, if an instruction asks for that
    and nothing else; else "".

    Args:
        there: what the figure in the picture is called; `wears`: what it wears, in phrases.
        setting: phrases for the picture's place and time.
    """
    text = renamed(renamed(instruction, newcomer, ""), there, "")
    new = worn(instruction, [newcomer, there])
    for piece in (piece for piece in pieces(text) if states(piece) and WORN.search(piece)):
        text = text.replace(piece, " ", 1)
    side = _SIDE.search(text)
    text = _SIDE.sub("", text)
    if any(word not in _JOINS for word in re.findall(r"[^\W\d_]+", text.lower())):
        return ""
    one = " ".join([there, " and ".join(wears)]).strip()
    other = " ".join([newcomer, " and ".join(new), f"on the {side['side'].lower()}" if side else ""]).strip()
    return ", ".join([f"{one} and {' '.join(other.split())}", *setting])


def replaced(instruction: str, there: Sequence[tuple[str, str]], newcomer: tuple[str, str]) -> int | None:
    """Whose place (by index in `there`) somebody new takes: "a duck instead of the cat"; `None` where nobody's, or
    where more is asked for. All are (name, class)."""
    text = renamed(instruction, newcomer[0], "*")
    for i, (name, kind) in enumerate(there):
        who = rf"(?:{re.escape(name)}|the {re.escape(kind)})" if kind else re.escape(name)
        rest, count = re.subn(rf"(?<!\w){who}(?!['’]?\w)", "", text, flags=re.IGNORECASE)
        if len(there) == 1 and not count:
            rest, count = re.subn(r"\b(?:him|her|it|them)\b", "", text, flags=re.IGNORECASE)
        words = re.findall(r"[^\W\d_]+", rest.lower())
        if count and "*" in rest and _INSTEAD & set(words) and set(words) <= _JOINS | _INSTEAD:
            return i
    return None
