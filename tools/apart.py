"""What of a prompt is said of which of its subjects: "Biscuit with a hat and Pip in a scarf, on the beach".

A model that hears all words everywhere gives both of them both (survey arXiv 2405.05538 calls it attribute
leakage). Each subject's own words, with the setting that all share, let every region be painted from its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .dressing import dressed, worn
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
_HATS = re.compile(
    r"(?<=\s)(?<!the )(?<!his )(?<!her )(?<!its )(?<!their )(?P<adjectives>"
    r"(?:(?!(?:an?|the|his|her|its|their|with|wearing|wears?|in|and|of|both|holding|under|put|add|have|has|get|give|"
    r"them)\b)[a-z-]+ )?)"
    r"(?P<noun>hat|cap|crown|scarve|balloon|umbrella|parasol|bow tie|bow|tie)s\b",
    re.IGNORECASE,
)
_THEM = re.compile(
    r"\b(?:(?:both|each|all|the two) of them|(?:them|they) (?:both|each|all)|both|them|they|everyone|everybody)\b",
    re.IGNORECASE,
)
_THEIR, _IT = re.compile(r"\btheir\b", re.IGNORECASE), re.compile(r"\bit(?P<s>s?)\b", re.IGNORECASE)
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
    if len(names) != 2 or not (_swaps(instruction, names) or _other_side(instruction, description, names)):
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


def _swaps(instruction: str, names: Sequence[str]) -> bool:
    for name in sorted(names, key=len, reverse=True):
        instruction = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "*", instruction, flags=re.IGNORECASE)
    return _SWAP.fullmatch(instruction.strip()) is not None


def _other_side(instruction: str, description: str, names: Sequence[str]) -> bool:
    """Whether an instruction wants one of two on the side where the other one stands: "Biscuit left, Pip right"."""
    who = "|".join(re.escape(name).replace("a\\ ", "(?:a|the)\\ ") for name in names)
    at = r"(?:goes |stands |should (?:be|stand|go) )?(?:(?:on|to|at) the )?"
    one = rf"(?P<who>{who}) {at}(?P<side>left|right)(?: side)?"
    other = rf"(?:,|,? and) (?:{who}) {at}(?:left|right)(?: side)?"
    asks = r"(?:(?:now|and|please|put|move|place|with|but) )*"
    match = re.fullmatch(rf"{asks}{one}(?:{other})?(?: please)?[.! ]*", instruction.strip(), re.IGNORECASE)
    if match is None:
        return False
    noun = match["who"].split()[-1].lower()
    left = min(names, key=lambda name: description.lower().find(name.lower()))
    return (left.split()[-1].lower() == noun) == (match["side"].lower() == "right")


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


def for_each(instruction: str, names: Sequence[str]) -> list[str]:
    """An order about what several wear as one for each of them: "give them both hats" as "give Biscuit a hat" and "give
    Miso a hat"; as it is where it names one or is about something else."""
    text = each_one(instruction)
    named = any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", instruction, re.IGNORECASE) for name in names)
    several = text != instruction or _THEM.search(text) or _THEIR.search(text)
    bare = _THEIR.sub("its", _THEM.sub("it", text, count=1), count=1)
    bare = re.sub(r"\b(?:both|each)\b ?", "", bare).strip(" .!")
    if len(names) < 2 or named or not several or dressed(bare, ()) is None:
        return [instruction]
    if not _IT.search(bare):
        bare = f"{bare} it" if bare.endswith(" on") else f"{bare} on it"
    return [_IT.sub(rf"{name}\g<s>", bare, count=1).replace(f"{name}s", f"{name}'s") for name in names]


def worn_by(description: str, figures: Sequence[tuple[str, str]]) -> list[list[str]]:
    """What each of the figures of a picture, (name, class), wears after all that was said of it, in phrases."""
    first, *later = description.split(";")
    names = [name for name, _ in figures]
    told = told_apart(first, names) if len(names) > 1 else [[first]]
    wears = [worn(f"it {', '.join(own)}", [name]) for own, name in zip(told or [[] for _ in names], names, strict=True)]
    for part in later:
        orders = for_each(part, names)
        for i, (name, kind) in enumerate(figures):
            if len(names) == 1 or len(orders) > 1 or _is_of(part, name, kind):
                wears[i] = worn(f"it {', '.join(wears[i])}; {orders[i if len(orders) > 1 else 0]}", [name])
    return wears


def _is_of(part: str, name: str, kind: str) -> bool:
    """Whether a part of a description speaks of a figure."""
    return re.search(rf"(?<!\w)(?:{re.escape(name)}|the {re.escape(kind)})(?!\w)", part, re.IGNORECASE) is not None


def each_one(words: str) -> str:
    """Words in which each of several wears one: "a hat" of "hats"."""
    return _HATS.sub(_one, words)


def _one(match: re.Match[str]) -> str:
    noun = "scarf" if match["noun"] == "scarve" else match["noun"]
    words = f"{match['adjectives']}{noun}"
    return f"{'an' if words[0].lower() in 'aeiou' else 'a'} {words}"


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
                told.own[i].append(each_one(piece))
        elif states(piece) or _WHERE.match(piece) or not group:
            told.shared.append(piece)
        else:
            return False
    return True
