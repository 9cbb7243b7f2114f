"""What is missing from a request: a change without what to change it to, a name that nobody taught."""

from __future__ import annotations

import re

from ..references import Text
from ..spelling import nearly
from ..state import Ask, Call, Step
from ..subjects import antecedents, likely_name
from ..words import PARTS, WEAR, WORDLIKE, either

_VAGUE = re.compile(
    rf"(?:change|edit|modify|replace|adjust|alter|update|swap|tweak|rework|switch|transform|colou?r|"
    rf"recolou?r|set|vary|"
    rf"substitute|exchange)(?: up)? (?:the|his|her|its|their|my|that|this|a|some|\ue000+'s)(?: (?!to\b|"
    rf"with\b|into\b|for\b|so\b|from\b|back\b|by\b|"
    rf"in\b|on\b|darker|brighter|lighter|bigger|smaller)[a-z'-]+)?(?: (?:of|in|on) (?:the|his|her|its|"
    rf"this|that) [a-z]+| {either(PARTS)}| colou?rs?)?(?: a (?:bit|little)| again| slightly| somehow| "
    rf"please)*"
    r"|(?:add|put in|put|insert|bring in|include|remove|draw in) (?:something|anything|some things|"
    r"stuff|something (?:else|nice|fun|more|cool|funny|extra))(?: (?:to|in|into|on|there|here)\b.*)?"
    r"|make (?:it|that|this|him|her|them|the (?:picture|image)) (?:different|differently|other|"
    r"another (?:colou?r|style|way)|a different (?:colou?r|style|size)|like (?:that|this|before|the "
    r"other)|as|more|"
    r"(?:a bit |a little |much )?(?:better|nicer|cooler|prettier|more interesting|interesting|"
    r"perfect|good|pop|work))"
    r"|(?:do|try|make|change) something(?: (?:nice|cool|fun|else|different|funny|interesting|"
    r"creative|special|new))?(?: (?:with|to|about|for|on) (?:it|this|that|these|them|him|her|the "
    r"(?:picture|photo|image)))?"
    r"|(?:put|place|move|turn|give|make|change|add|remove|replace|set|swap) (?:(?:the|a|an|him|her|"
    r"it|them|his|its|with|to|some)(?: to| into| in| on| with| the| a)?)?"
    r"|(?:put|place|move) (?:him|her|it|them|\ue000+) (?:somewhere else|elsewhere|somewhere|in a "
    r"different place|in another place|somewhere (?:nice|fun|new|different))"
    r"|(?:use|try|in|with|do) (?:a|an|another|some other|a different|some) (?:other |different "
    r")?(?:style|colou?r|background|place|pose|look)(?: instead)?"
    r"|(?:different|another|other|new) (?:style|colou?r|background|place|pose|hat|look|setting)(?: please)?"
)
_NAMED = re.compile(
    r"(?:^|\b(?:draw|paint|sketch|with|and|add|put|show|of|place|bring|include|invite|meets?|me|see|"
    r"have|to) )(?P<name>[A-Z][a-z]{2,})"
    r"(?= (?:on|in|at|under|wearing|with|sitting|riding|flying|running|playing|by|near|as|and|from|"
    r"sleeping|eating|walking|"
    r"standing|jumping|swimming|driving|reading|dancing|holding|next|over|behind|inside|outside|"
    r"during|too|to|into|beside|instead)\b|[,.!?]|$)"
)
_FLOWERS = frozenset(
    "daisy lily rose rosie poppy ruby willow hazel jade pearl lucky rusty dusty ginger".split()
)
_ELSE_NAMED = re.compile(r"\b(?:named|called|rename|call|name is|to|style of|like) $")


_MENDS = re.compile(
    r"(?:fix|improve|correct|repair|mend) (?:him|her|it|them|this|that|\ue000+)(?: (?:for good|"
    r"permanently|forever|once and "
    r"for all|properly|please|up))*"
)
_ONE_OF = re.compile(r"one of (?:\ue000+|(?:my|our|them) ?[a-z]*) (?:has|have|is|was|needs|should|looks)\b.*")
HOW = Ask("How shall I change it? Say what it should look like instead.", (), "words")


def missing(text: Text) -> Ask | None:
    """A question when a change does not say what it changes to."""
    if not text.hints.words and _ONE_OF.fullmatch(_core(text)) and not text.hints.concept:
        return Ask("Which one do you mean?", tuple(c.name for c in text.state.concepts[:9]), "concept")
    if not text.hints.words and text.state.current is not None and _MENDS.fullmatch(_core(text)):
        return HOW
    if (
        text.hints.words
        or text.takes
        and any(t.how not in ("current",) for t in text.takes)
        and not _VAGUE.fullmatch(_core(text))
    ):
        return None
    if text.state.current is None and not text.state.attached or not _VAGUE.fullmatch(_core(text)):
        return None
    return HOW


def mends(words: str) -> bool:
    """Whether a change only says that something is to be better: "mend her"."""
    return _MENDS.fullmatch(words.lower().strip(" .!?")) is not None


def vague(low: str) -> bool:
    """Whether the words are a change that does not say what it changes to."""
    return _VAGUE.fullmatch(low) is not None or low in (
        "change it",
        "edit it",
        "change",
        "edit",
        "change this",
    )


_UNWANTED = re.compile(
    rf"(?:(?:no|oh|but|sorry|ok),? )*(?:i|we) (?:don't|do not|didn't|never) (?:want|need|wanted|asked for) "
    rf"(?P<what>(?:the|his|her|its|any|that|those|a|an) (?:[a-z]+ )?{either(WEAR | {'balloon'})})"
    r"(?:,? (?:any ?more|now|there|please|at all|on (?:him|her|it)|(?:please )?take (?:it|them|that)? ?(?:off|away)|"
    r"(?:please )?remove (?:it|them)))*[.! ]*"
)


def unwanted(text: Text) -> list[Step] | None:
    """As in "I don't want the glasses, take off": what somebody in the picture wears is to go."""
    match = _UNWANTED.fullmatch(text.low)
    if match is None or text.state.current is None:
        return None
    what = re.sub(r"^(?:any|an?|that|those) ", "the ", match["what"])
    return [Call("edit", {"take": text.state.current, "instruction": f"without {what}"})]


def _core(text: Text) -> str:
    return text.low.strip(" .!?,;:")


def unknown_subject(text: Text) -> Ask | None:
    """A question when the words place somebody in the picture whom nobody has taught."""
    if text.hints.mode == "plain" or text.hints.concept or text.state.current is None:
        return None
    for match in _NAMED.finditer(text.raw):
        name, start = match["name"], match.start("name")
        low = text.low[start : match.end("name")]
        if not low.isalpha() or not likely_name(name) or _ELSE_NAMED.search(text.low[:start]):
            continue
        if start == 0 and name.lower() in WORDLIKE - _FLOWERS:
            continue
        near = tuple(c.name for c in text.state.concepts if nearly(name.lower(), c.name.lower()))
        known = near or tuple(c.name for c in text.state.concepts[:4])
        return Ask(
            f"I do not know {name} yet. Attach pictures to teach me, or name somebody I know.",
            (*known, "just draw it"),
            "concept",
        )
    return None


def whose(text: Text, present: tuple[str, ...]) -> Ask | None:
    """A question when "him" or "her" fits several of those in the picture and nobody is named."""
    if text.hints.concept or any(s.names for s in text.subjects):
        return None
    words = re.findall(r"[a-z]+", text.low)
    if re.search(
        r"\b(?:a|an|another|the|some) (?:[a-z]+ )?(?:man|woman|boy|girl|dog|cat|person|lady|guy)\b", text.low
    ):
        return None
    for word in ("him", "he", "his", "she", "her"):
        if word in words:
            fits = tuple(n for n in antecedents(word, text.state) if n in present)
            return Ask(f'Whom do you mean by "{word}"?', fits, "concept") if len(fits) > 1 else None
    return None
