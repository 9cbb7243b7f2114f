"""Why a picture looks as it does, from its record: what was asked in words, how it was drawn, what is missing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ....tools.words import listed
from ..looks import lineage, stems
from ..normalise import CONCEPT, TAKE
from ..references import Text, rx
from ..state import Say, Step, TakeInfo
from ..words import COLOURS, LOOKS, MOODS, table

_WHY = rx(
    r"(?:(?:but|and|so|ok|okay|hey|hm+|wait|oh|no|well),? )*(?:why|how come)"
    r"(?:'s|'d| is| are| was| were| does| do| did| has| have| had)?(?P<not>(?<!do)n't)? (?!not\b)"
    r"(?P<whom>{C}|{T}|he|she|it|they|this|that|there|you|(?:the|his|her|its|their) (?:[a-z]+ ){0,2}?[a-z]+?)"
    r"(?P<own>(?:'s [a-z]+)?) (?P<what>[^.;]+)"
)
_PAINTED = re.compile(
    r"(?:(?:have|just|suddenly) )?(?:draw|drew|drawn|paint|painted|make|made|colou?r|coloured|put|give|gave|given|turn|"
    r"turned|add|added|do|did|done)(?: ?$|\b (?P<whom>(?:the|his|her|its|their) [a-z]+|[a-z]+|\ue000+))"
)
_NONE = re.compile(r"(?:no|not an?y?) (?P<thing>[a-z]+(?: [a-z]+)?)")
_THE = re.compile(r"(?:(?:the|his|her|its|their|an?) )?(?P<thing>[a-z]+)$")
_OPPOSITES = {"dark": "brighter", "bright": "darker", "big": "smaller", "small": "bigger"}
_NOT_OF_IT = re.compile(r"\b(?:so long|slow(?:ly)?|ask(?:ing)?|minutes|seconds|cost|wait(?:ing)?|work(?:ing)?)\b")
_LITTLE = table(
    "the a an his her its their he she it they this that there you so very too all like look looks looking such is "
    "are was were draw drew drawn paint painted make made colour color coloured put give gave given turn turned add "
    "added do did done have has had be been not no in on at with of to and now again suddenly him them me wearing"
) - frozenset(COLOURS)


_HOW = rx(
    r"(?:(?:but|and|so|ok|hey|hm+|wow),? )*(?:how (?:did|have|do) you (?:draw|drawn|make|made|paint|painted|do|done)|"
    r"how (?:was|is) (?P<t>{T}|it|this|that) (?:drawn|made|painted|done)|(?:with )?(?:what|which) (?:method|model)"
    r"(?: did you use| was used| drew| made)?|"
    r"what (?:went|is|was|'s) (?:wrong|missing|not right)(?: (?:with|in|about))?)"
    r"(?: (?P<t>{T}|it|this|that|him|her|them))?(?: picture| for (?:it|this))?"
)


def tells_why(text: Text) -> list[Step] | None:
    """What is known of how the picture came about; nothing is drawn."""
    low = text.low.rstrip(" .!?,;:-")
    if _HOW.fullmatch(low):
        told = [ref.numbers[0] for ref in text.takes if len(ref.numbers) == 1]
        shown = text.state.take(told[0] if told else text.state.current)
        if shown is None:
            return None
        return [Say(f"{_words(shown, lineage(text.state, shown))} {_made(shown)}".strip(), weak=False)]
    match = _WHY.fullmatch(low)
    if match is None or _NOT_OF_IT.search(low):
        return None
    named = [ref.numbers[0] for ref in text.takes if len(ref.numbers) == 1]
    take = text.state.take(named[0] if named else text.state.current)
    painted = _PAINTED.match(match["what"]) if match["whom"] == "you" else None
    if take is None or (match["whom"] == "you" and painted is None):
        return None
    whom = painted["whom"] or "it" if painted else match["whom"] + match["own"]
    asked = [w for w in re.findall(r"[a-z]+", match["what"]) if w not in _LITTLE]
    looks = [w for w in asked if w in COLOURS | LOOKS | MOODS] or asked[-1:]
    lacks = _NONE.match(match["what"]) if match["whom"] == "there" else painted and match["not"] and _THE.match(whom)
    chain = lineage(text.state, take)
    for subject in (subject for subject in text.subjects if len(subject.names) == 1):
        whom = re.sub(f"{CONCEPT}+", subject.names[0], whom, count=1)
    absent = bool(lacks or match["not"])
    offer = _add(lacks["thing"]) if lacks else _otherwise(whom, looks, looks[0] if absent and looks else "")
    said = [_words(take, chain), _cause(take, chain, looks, absent), _made(take), offer]
    return [Say(" ".join(part for part in said if part), weak=False)]


def _words(take: TakeInfo, chain: Sequence[TakeInfo]) -> str:
    first, *rest = chain
    begun = f"You asked for take {take.number} with “{first.prompt}”"
    if first.origin == "import":
        begun = (
            f"Take {take.number} began as a picture of yours" if rest else f"Take {take.number} is a picture of yours"
        )
    then = listed([f"“{each.prompt}”" for each in rest])
    return f"{begun}, then {then}." if then else f"{begun}."


def _cause(take: TakeInfo, chain: Sequence[TakeInfo], looks: Sequence[str], absent: bool) -> str:
    """Whether any of the words asked for it; `absent`: it is not there."""
    asked = [each for each in chain if each.origin != "import"]
    if not asked:
        return ""
    if not looks:
        return "What words leave open, the model chooses."
    for each in reversed(asked):
        if found := next((look for look in looks if look in stems(each.prompt)), ""):
            return f"You said “{found}” for take {each.number}."
    if absent:
        return f"You did not say “{looks[0]}”."
    taught = f", or took it from the pictures of {listed(take.concepts)}" if take.concepts else ""
    return f"Nothing in the words says “{looks[0]}”; if it is so, the model chose it{taught}."


def _made(take: TakeInfo) -> str:
    made = f"It was drawn with {take.method}." if take.method else ""
    missing = listed([f"“{piece}”" for piece in take.missing])
    return f"{made} The scores do not find {missing} in it.".lstrip() if missing else made


def _otherwise(whom: str, looks: Sequence[str], wanted: str) -> str:
    whom = {"he": "him", "she": "her", "they": "them"}.get(whom, whom)
    whom = "it" if whom in ("this", "that", "there", "me") or whom.startswith(TAKE) else whom
    other = wanted or next((_OPPOSITES[look] for look in looks if look in _OPPOSITES), "")
    return f"Say what to change, as in “make {whom} {other}”." if other else "Say what to change."


def _add(thing: str) -> str:
    return f"Say “add {thing if thing.endswith('s') else f'a {thing}'}” to have it."
