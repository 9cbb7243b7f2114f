"""What the models of a drawn world cannot put into one picture: so many of a kind, so many figures, a sky of one's own.

Each is said in one sentence and left out of what the models are told; the rest is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import UserError
from ..memory.values import Concept, Take
from .company import others_of
from .presets import Preset
from .scoring.phrases import COLOURS
from .words import LITTLE, known_words, listed, respelled

_NUMBERS = "two three four five six seven eight nine ten eleven twelve twenty hundred several".split()
_COUNTED = re.compile(
    rf"\b(?:the |all |both )?(?:[2-9]|[1-9]\d{{1,2}}|{'|'.join(_NUMBERS)}|(?:half )?a dozen|"
    r"a few|a (?:couple|pair) of)(?P<adjectives>(?: [a-z-]+){0,2}?) (?P<noun>[a-z]{2,}s|fish)\b",
    re.IGNORECASE,
)
_IN_PAIRS = frozenset(
    "ears eyes legs paws feet arms hands fins wheels petals leaves stripes spots dots bands colours colors steps sides"
    " glasses sunglasses shades boots wings buttons swings antennas".split()
)
"""What one figure has several of, or what is no figure."""
_BEFORE = r"(?:,? ?\b(?:and|with|plus|beside|next to|together with|also) |, | & |\b)(?:my |the )?"
_SWAPS = re.compile(r"\b(?:instead|swap|replace|exchange|trade|switch|turn|remove|without|leaves|away|out)\b")
_LEAVES = r"instead of|in place of|swap|replace|exchange|remove|without|get rid of|erase|lose"
_ADDS = re.compile(r"\b(?:add|bring|invite|include|also draw|join)\b")
_COAT = re.compile(
    r"\b(?:his|her|its|their|the|(?P<name>[\w’'-]+?)['’]s) (?:coat|fur|hair|pelt|feathers|plumage|fleece|wool)"
    r"(?: colou?r)?(?! (?:on|off|back|and (?:hat|scarf))\b)",
    re.IGNORECASE,
)
_AS_IT_IS = frozenset(
    ("orange sky", "blue sky", "blue sea", "blue ocean", "blue water", "green grass", "green trees", "white snow",
     "white clouds", "yellow sun", "yellow moon", "white moon", "yellow sand", "black sky", "green hills"),
)  # fmt: skip
_SIZED = re.compile(
    r"(?:zoom (?:in|out)|(?:(?:make|draw|paint|have|let) )?(?:[\w'’]+ |the [\w]+ )?(?:(?:should|must|needs to|to) )?"
    r"(?:be )?(?:(?:a (?:bit|little|lot)|much|far|way|even) )?(?:bigger|larger|smaller|tinier|taller|huge|tiny|giant))"
    r"(?: than (?:[\w]+|the [\w]+))?(?= *(?:$|[,.;!?]|and\b|please\b))(?: *please)?",
    re.IGNORECASE,
)
_PEOPLE = re.compile(r"\b(?:person|people|man|woman|boy|girl|child|kid|baby|king|queen|prince|princess|friend)\b")


@dataclass(slots=True)
class Within:
    """A request within the limits of the models."""

    words: str
    """What the models are told."""
    concepts: list[Concept]
    notes: list[str] = field(default_factory=list)
    """A sentence for each thing that they cannot do."""


def within(
    preset: Preset, words: str, concepts: Sequence[Concept], of: tuple[Take, Sequence[Concept]] | None = None
) -> Within:
    """The part of a request that the preset's models can do, and a sentence for each thing that they cannot.

    `concepts` are those that the words bring in; `of` is the take that is changed, with the concepts in it. Raises
    `UserError` where nothing is left to do.
    """
    found = Within(words, list(concepts))
    if not preset.figures or preset.words is None:
        return found
    names = [concept.name for concept in (*concepts, *(of[1] if of else ()))]
    for slip, meant in respelled(words, names, preset.words).items():
        found.words = re.sub(rf"\b{slip}\b", meant, found.words, flags=re.IGNORECASE)
        found.notes.append(f"I read '{slip}' as '{meant}'.")
    slips, who = len(found.notes), f"The {preset.name} models"
    if of is not None and len(of[1]) + len(others_of(of[0])) > 1 and _one_size(found):
        found.notes.append(f"{who} draw two figures at one size, side by side.")
    if fixed := _unpainted(found, preset.scenes.get("fixed", ())):
        found.notes.append(f"{who} can't paint {listed(fixed)}: that comes with the place and the time of day.")
    if many := _one_of_each(found, known_words(preset.words)):
        found.notes.append(f"{who} draw one of each, so not {listed(many)}.")
    if more := _beyond(found, preset.figures - _shown(words, concepts, of), preset.scenes.get("kinds", ())):
        number = {1: "one figure", 2: "two figures"}.get(preset.figures, f"{preset.figures} figures")
        found.notes.append(f"{who} draw at most {number}, so not {listed(more)}.")
    left = set(re.findall(r"[^\W\d_]+", found.words.lower())) - LITTLE
    if len(found.notes) > slips and not found.concepts and not left:
        swap = f'"{concepts[0].name} instead of {of[1][-1].name}"' if concepts and of and of[1] else ""
        raise UserError(" ".join(found.notes), f"Say who shall make room, as in {swap}." if swap else "")
    return found


def _shown(words: str, coming: Sequence[Concept], of: tuple[Take, Sequence[Concept]] | None) -> int:
    """How many figures are there already; none where they may make room, or where nobody is added to them."""
    if of is None:
        return 0
    take, kept = of
    if _SWAPS.search(f"{take.description} {words}".lower()) or not (coming or _ADDS.search(words.lower())):
        return -len(kept)  # whoever is spoken of is there
    return max(len(kept) + len(others_of(take)), 1)


def furred(preset: Preset, words: str, take: Take, kept: Sequence[Concept]) -> str:
    """An instruction in which "his coat", of an animal, is the animal itself, which is how a drawn world names its main
    colour. People wear theirs."""
    shows = " ".join([take.description or take.prompt, *(concept.kind for concept in kept)]).lower()
    if preset.words is None or not re.search(rf"\b(?:{COLOURS})\b", words, re.IGNORECASE) or _PEOPLE.search(shows):
        return words
    return _COAT.sub(lambda match: match["name"] or "it", words)


def without_the_gone(words: str, kept: Sequence[Concept]) -> tuple[str, list[Concept]]:
    """An instruction in which who leaves the picture is only a kind ("instead of the cat"), and those who stay."""
    kinds, stay = [concept.kind for concept in kept], []
    for concept in kept:
        if leaves(concept.name, words):
            name = rf"(?:\bthe )?(?<!\w){re.escape(concept.name)}(?!\w)"
            words = re.sub(name, f"the {concept.kind}", words, flags=re.IGNORECASE)
        elif not (kinds.count(concept.kind) == 1 < len(kinds) and leaves(concept.kind, words)):
            stay.append(concept)
    return words, stay


def leaves(who: str, words: str) -> bool:
    """Whether an instruction takes somebody out of the picture."""
    low = rf"(?:the |that |my )?{re.escape(who.lower())}(?!\w|['’]s| and\b)"
    told = rf"(?<!\w)(?:(?:{_LEAVES}) {low}|take {low} (?:out|away)|let {low} (?:go|leave)|{low} (?:leaves|goes home))"
    return re.search(told, words.lower()) is not None


def _one_size(found: Within) -> bool:
    """Take out what makes one of two figures bigger or smaller than the other; whether there was any."""
    before = found.words
    found.words = _SIZED.sub("", found.words)
    if found.words == before:
        return False
    found.words = _tidy(found.words)
    return True


def _unpainted(found: Within, fixed: Sequence[str]) -> list[str]:
    """Take out what gives a part of the scenery a colour of its own; returns those parts."""
    if not fixed:
        return []
    part, tint = rf"(?P<part>{'|'.join(fixed)})\b", rf"(?P<colour>{COLOURS})(?:er)?\b"
    very = r"(?:all |a |an |more |very |bright |dark |light |pale |deep |bit |little )*"
    said: dict[str, None] = {}

    def cut(match: re.Match[str]) -> str:
        lead, colour, part = (match.groupdict().get(name) or "" for name in ("lead", "colour", "part"))
        if f"{colour} {part}".lower() in _AS_IT_IS:
            return match.group()
        said[f"the {part.lower()}"] = None
        return f"{lead} the {part}" if lead.lower() in ("in", "on") else ""

    for order in (
        rf"(?:(?:make|paint|colou?r|turn|dye|have|let|want|change)(?: me)? )?(?:the |his |its ){part}"
        rf"(?: colou?r)?(?: should| must)?(?: be| is| to be| to| into| in)? {very}{tint}",
        rf"(?:(?P<lead>with|under|on|in|over|and|give (?:it|him|her)|add|have) )?(?:the |some |its )?"
        rf"{very}{tint} {part}",
    ):
        found.words = re.sub(order, cut, found.words, flags=re.IGNORECASE)
    found.words = _tidy(found.words) if said else found.words
    return list(said)


def _one_of_each(found: Within, known: frozenset[str]) -> list[str]:
    """Make one of every counted thing that the models know; returns what was counted."""
    said: list[str] = []

    def one(match: re.Match[str]) -> str:
        noun = match["noun"].lower()
        forms = (noun, noun.removesuffix("s"), noun.removesuffix("es"), re.sub("ies$", "y", noun))
        single = next((form for form in forms if form in known and (form != noun or noun == "fish")), "")
        if not single or noun in _IN_PAIRS or {noun, single} & LITTLE:
            return match.group()
        said.append(f"'{match.group()}'")
        alone = f"{match['adjectives']} {single}".strip()
        return f"{'an' if alone[0].lower() in 'aeiou' else 'a'} {alone}"

    found.words = _COUNTED.sub(one, found.words)
    return said


def _beyond(found: Within, most: int, kinds: Sequence[str]) -> list[str]:
    """Take out the figures after the first `most`; returns what they were called."""
    names = {concept.name: concept for concept in found.concepts}
    who = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or r"(?!)"
    figure = re.compile(
        rf"(?P<before>{_BEFORE})(?:(?<!\w)(?P<name>{who})(?!\w|['’]s)|(?<!as )(?<!like )(?<!into )"
        rf"(?P<other>(?:an?|one|another) (?:[a-z-]+ ){{0,2}}?(?:{'|'.join(kinds) or '(?!)'})))(?![\w-])",
        re.IGNORECASE,
    )
    met: dict[str, None] = {}
    left: list[str] = []

    def drop(match: re.Match[str]) -> str:
        called = next((name for name in names if match["name"] and name.lower() == match["name"].lower()), "")
        said = called or f"'{match['other']}'"
        if said in met or len(met) < max(most, 0):
            met[said] = None
            return match.group()
        left.append(said)
        return ""

    found.words = figure.sub(drop, found.words)
    if left:
        found.words = _tidy(found.words)
        found.concepts = [concept for concept in found.concepts if concept.name not in left]
    return list(dict.fromkeys(left))


def _tidy(words: str) -> str:
    """Words without what cutting has left at their ends and between them."""
    words = re.sub(r"\s+", " ", words)
    words = re.sub(r"(?:[\s,;.]|\b(?:and|but|with)\b)+$|^(?:[\s,;.]|\b(?:and|but)\b)+", "", words, flags=re.IGNORECASE)
    return re.sub(r" ?,(?: ?,| and\b(?= [a-z]+ing\b))*", ",", words).strip()
