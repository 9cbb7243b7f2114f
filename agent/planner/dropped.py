"""A matter that the user drops, and small talk while a question waits."""

from __future__ import annotations

import re
from collections.abc import Sequence

from . import intent as intents
from .intents.talk import talk
from .normalise import clean, lower
from .plan import plan
from .references import read
from .speech import spell_out
from .state import Say, State, Step

_CANCEL = re.compile(
    r"(?:never ?mind|forget it|forget about it|cancel(?: that| it)?|nothing|none(?: of (?:them|those|"
    r"these|the above))?|neither(?: of (?:them|those|these))?|stop|leave it|no thanks|no thank you|"
    r"don't|do nothing|skip(?: it)?|let it be|drop it|not now|nothing at all|nope|nah|no)"
)
KEEP = "All right, I leave it as it is."
_KEPT = re.compile(
    r"(?:(?:no|nope|nah|wait|stop|don't|please|god|hell|absolutely not|of course not|not at all|"
    r"certainly not)[,.! ]*)+"
    r"(?:(?:please )?(?:keep|leave|don't (?:do|delete|forget|remove|touch)|spare|save) (?:it|him|her|"
    r"them|that|anything)"
    r"(?: (?:alone|please|as it is))*|i don't want (?:it|that|to)(?: (?:gone|to|forgotten|at all))?)?"
)
_PUZZLED = re.compile(
    r"(?:(?:huh|hm+|eh|um|sorry|pardon|wait|what)[?!,. ]*)*(?:what do you mean(?: by .{1,40})?|"
    r"what does that mean|"
    r"i don't (?:get|understand) (?:it|that|the question|you)|why do you ask|what's the difference|"
    r"pardon|come again)"
)


def small_talk(text: str, said: str, state: State, options: Sequence[str]) -> list[Step] | None:
    """Words for thanks, a laugh or a puzzled look while a question waits: none of them answers it."""
    low = lower(spell_out(clean(text))).strip(" .,!?")
    if _KEPT.fullmatch(low) and re.search(r"\b(?:keep|leave|spare|save|don't)\b", low):
        return [Say(KEEP, weak=False)]
    if _PUZZLED.fullmatch(low):
        shown = " or ".join(options)
        return [Say(f"I need to know which one you mean{': ' if shown else ''}{shown}.", weak=False)]
    if (
        re.fullmatch(r"(?:oh |ok |okay |cool |great |haha |many )*(?:thanks?(?: you| a lot| so much)?|thx|cheers)", low)
        or (
            re.fullmatch(r"(?:lol|haha(?:ha)*|hehe|lmao|rofl|hi|hello|hey|sorry|bye|goodbye|good (?:bot|morning))", low)
        )
        or re.search(r"\bwrong (?:window|chat|tab|person|app|thread)$", low)
    ):
        return talk(read(text, state)) or [Say(KEEP, weak=False)]
    return None


DROPPED = re.compile(
    r"(?:(?:oh|ah|no|nah|ok|well|actually|hmm|um)[, ]+)*(?:never ?mind(?: that| it)?|forget (?:it|"
    r"about it|that)|"
    r"cancel(?: that| it)?|scratch that|scrap that|none of (?:them|those)|"
    r"neither(?: of (?:them|those))?|leave it|drop it|skip it|don't bother|doesn't matter|it doesn't "
    r"matter|not important|no need)(?:,? then)?(?:[,.;:!-]+ ?| but | and |$)"
)
CLUELESS = re.compile(
    r"(?:(?:idk|dunno|hm+|um+|uh|well|i don't know|don't know|not sure|no idea)[,. ]*)*(?:idk|i (?:don't|"
    r"do not) know|no idea|not sure|i'm not sure|hm+|dunno|don't know|you "
    r"(?:choose|decide|pick|tell me)|whatever|"
    r"anything|any|i can't decide|what(?:ever you (?:like|want|think))?|what do you mean|huh|which "
    r"ones?(?: are there)?|surprise me|up to you|your choice|either|maybe|perhaps)"
)


def _remark(rest: str, state: State) -> bool:
    """Whether the words after "never mind" ask for nothing: "it's for my sister"."""
    return intents.classifier().read(read(rest, state)).intent in ("aside", "reply", "like", "dislike")


def dropped(said: str, text: str, state: State) -> list[Step] | None:
    """What to do once the user drops the matter, perhaps for another request: "forget it, draw Luna"."""
    match = DROPPED.match(said)
    if not match and not _CANCEL.fullmatch(said):
        return None
    rest = said[match.end() :] if match else ""
    if not rest or _remark(rest, state) or _CANCEL.fullmatch(rest):
        return [Say(KEEP, weak=False)]
    return plan(_after(text, rest), state)


def _after(text: str, rest: str) -> str:
    """The end of `text` that is `rest` in lower case, with the capitals of the user."""
    place = lower(text).find(rest)
    return text[place : place + len(rest)] if place >= 0 else rest
