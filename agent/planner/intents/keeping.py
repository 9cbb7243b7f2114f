"""Keeping a drawn figure as a concept: "keep this one as Fizz", "remember the cat in 2 and 4 as Pip"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..normalise import lead
from ..references import Text, pick, read, rx
from ..state import Ask, Call, Step, TakeInfo
from ..words import (
    ANIMALS,
    BAD,
    COLOURS,
    GIVEN_NAMES,
    GOOD,
    KINDS,
    LOOKS,
    MEDIA,
    MOODS,
    PEOPLE,
    PICTURES,
    PRONOUNS,
    THINGS,
    WEAR,
    table,
)
from .history import one_take
from .teaching import name_and_kind

_KEEP = (
    r"(?:(?:i(?:'d| would)? (?:want|like) (?:you )?to|let's|let us) )?"
    r"(?P<verb>keep|save|store|add|remember|memori[sz]e|learn|register|teach yourself)"
)
_HIM = r"(?:him|her|it|them|this|that|these|those)"
_WHO = rf"(?P<who>{_HIM}|(?:this|that|the|my|our|your) (?:(?!as |call |and )[a-z'-]+ ){{0,3}}?(?!as\b)[a-z'-]+)"
_WHERE = r"(?: (?:of|from|in|on|out of) (?P<where>[^.;]{1,60}?))?"
_NEW_NAME = (
    r"(?!(?:an?|the|my|i|he|she|it|they|we|you|is|if) )"
    r"(?:(?:\ue003+|(?!and\b|then\b|draw\b|now\b|as\b)[^\s,.;!?]+)(?: |(?=[,.!?;]|$))){1,4}"
)
_IS_A = r"(?:,? ?(?:(?:he|she|it|they)(?:'s|'re| is| are) )?(?:an?|my|our|the) [a-z-]+(?: [a-z-]+)?)?"
_END = r"(?: (?:for (?:me|later|next time|good)|please|from now on|too))*[.! ]*"
_NAMED = (
    rf"(?:(?:and )?(?:call|name) {_HIM}|(?:his|her|its|their) name(?:'s| is)|"
    r"(?:(?:he|she|it)(?:'s| is) )?(?:called|named)) "
)
_AS_NAME = re.compile(rf"{_KEEP} {_WHO}{_WHERE} as {_NEW_NAME}{_IS_A}{_END}")
_OUT_OF = re.compile(rf"{_KEEP} {_NEW_NAME}{_IS_A} ?(?:from|out of) (?P<where>[^.;]{{1,60}}?){_END}")
_THIS_IS = re.compile(
    rf"(?:this|that|he|she|it)(?: (?:one|here|picture|[a-z]+))?(?:'s| is) (?:called |named )?(?:my |our |the )?"
    rf"(?:{_NEW_NAME}){_IS_A} ?(?:[,;.!-]+ ?(?:and |so |please )*|and (?:please )?){_KEEP} {_HIM}{_END}"
)
_CALLED = rx(
    rf"(?:(?:call|name) {_WHO} {_NEW_NAME}(?:[,;.]+ ?)?(?:and |then |please )*{_KEEP} {_HIM}"
    rf"|{_KEEP} {_WHO}{_WHERE},? {_NAMED}{_NEW_NAME}{_IS_A}){_END}"
)
_NAMELESS = re.compile(rf"(?:remember|memori[sz]e|learn) {_WHO}{_WHERE}{_END}")
# Kept as these, a picture is no concept: "keep it as background", "save this as png".
_NO_NAMES = (
    KINDS | PICTURES | COLOURS | MEDIA | LOOKS | MOODS | GOOD | BAD | frozenset(PRONOUNS)
    | table("is png jpg jpeg gif pdf file files background reference default favourite favorite original base backup "
            "final draft example template one usual before")
)  # fmt: skip
_CAREFUL = ("keep", "save", "store", "add")
"""Said of much else, so what they keep something as must look like a name."""


def keeps(text: Text) -> list[Step] | None:
    """Learn a figure of one take or several; asks for a name or a class noun that nobody has told."""
    if text.files or text.state.attached or text.state.current is None:
        return None
    plain = text.part(lead(text.low)).plain(takes=True, kinds=True)
    named = _AS_NAME.fullmatch(plain.low) or _OUT_OF.fullmatch(plain.low) or _THIS_IS.fullmatch(plain.low)
    match = named or _CALLED.fullmatch(plain.low) or _NAMELESS.fullmatch(plain.low)
    if match is None:
        return None
    who, where, verb = (match[group] if (group := pick(match, name)) else "" for name in ("who", "where", "verb"))
    noun = who.rpartition(" ")[2] if who.rpartition(" ")[2] in KINDS else ""
    takes = _takes(text, where, noun)
    if isinstance(takes, Ask):
        return [takes]
    if not takes or (match.re is _OUT_OF and not (text.takes or re.search(r"\b(?:this|that|it|\d+)\b", where))):
        return None
    if named is None and any(take.concepts for take in takes):
        return None  # whoever is known already gets another name, or is talked of
    name, kind = name_and_kind(plain)
    name = text.hints.name or name
    if match.re is not _NAMELESS and not _is_name(name, verb):
        return None
    return [_learned(text, takes, name, text.hints.kind or noun or kind)]


_THEN_KEEP = re.compile(
    r"(?:,? and(?: then)?|,? then|[,;]) (?=(?:keep|save|store|remember|memori[sz]e|learn|call|name) )"
)


def kept_after(text: Text) -> list[Text]:
    """A clause that ends in the keeping of what it draws, in two: "draw a dragon and keep him as Fizz"."""
    for cut in _THEN_KEEP.finditer(text.low):
        drawn = text.part(0, cut.start())
        after = text.state.after(Call("draw", {"prompt": drawn.raw}))
        kept = keeps(read(text.raw[cut.end() :], after)) if drawn.low and not keeps(text) else None
        if kept and not (isinstance(kept[0], Ask) and kept[0].slot == "name"):
            return [drawn, text.part(cut.end())]
    return [text]


def _learned(text: Text, takes: Sequence[TakeInfo], name: str, kind: str) -> Ask | Call:
    kinds = [kind] if kind in KINDS or text.hints.kind else _kinds(text, takes)
    if not name:
        return Ask(f"What shall I call {f'the {kinds[0]}' if len(kinds) == 1 else 'it'}?", (), "name")
    if (known := text.state.concept(name)) and not text.hints.name:
        about = f"I already know {known.name}, a {known.kind or 'subject'}."
        return Ask(f"{about} Under which name shall I learn this one?", (f"{known.name} 2",), "name")
    if len(kinds) != 1:
        return Ask(f"What is {name}{': ' * bool(kinds)}{' or '.join(f'the {k}' for k in kinds)}?", tuple(kinds), "kind")
    return Call("teach", {"name": name, "kind": kinds[0], "takes": [take.number for take in takes]})


def _takes(text: Text, where: str, noun: str) -> list[TakeInfo] | Ask:
    """The takes that are spoken of, by reference or as bare numbers; else the current one, or the last of a `noun`."""
    numbers = [int(n) for n in re.findall(r"\b\d{1,4}\b", where)]
    for ref in text.takes:
        number = ref.numbers if ref.how == "group" else one_take(ref, text)
        if isinstance(number, Ask):
            return number
        numbers += number if isinstance(number, tuple) else [number]
    if not numbers:
        current = text.state.take(text.state.current)
        with_it = [take.number for take in text.state.takes if noun and noun in _words(take)]
        elsewhere = with_it and current and current.number not in with_it and not current.concepts
        numbers = [with_it[-1] if elsewhere else text.state.current or 0]
    found = [text.state.take(n) for n in dict.fromkeys(numbers)]
    return sorted((take for take in found if take), key=lambda take: take.number)


def _kinds(text: Text, takes: Sequence[TakeInfo]) -> list[str]:
    """What the takes show, by their words: the living, else things that nobody wears, else the subjects' kinds."""
    words = [word for take in takes for word in _words(take)]
    for among in (ANIMALS | PEOPLE, THINGS - WEAR):
        if found := [word for word in dict.fromkeys(words) if word in among]:
            return found
    known = [text.state.concept(name) for take in takes for name in take.concepts]
    return list(dict.fromkeys(concept.kind for concept in known if concept and concept.kind))


def _words(take: TakeInfo) -> list[str]:
    return re.findall(r"[a-z]+", (take.description or take.prompt).lower())


def _is_name(name: str, verb: str) -> bool:
    """Whether words can be somebody's name, where `verb` is said of it."""
    words = name.lower().split()
    if not words or set(words) <= _NO_NAMES:
        return False
    looks = any(word[:1].isupper() or word[:1].isdigit() for word in name.split()) or words[0] in GIVEN_NAMES
    return looks or verb not in _CAREFUL or (len(words) == 1 and words[0].isalpha() and not words[0].endswith("ly"))
