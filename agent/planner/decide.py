"""What one clause wants: the grammar's vote, the classifier's reading, and where the one corrects the other."""

from __future__ import annotations

import re
from collections.abc import Callable

from . import intent as intents
from .clauses import MARKS_ONLY, rides, settings_only
from .extract import carry_out, who
from .intent import vote_of
from .intents.concepts import forget, leaves, rename
from .intents.free import free
from .intents.history import compare, history
from .intents.keeping import keeps
from .intents.missing import unwanted
from .intents.recall import recall
from .intents.repeat import again
from .intents.showing import shown
from .intents.talk import HELP, able, deletes, guidance, talk
from .intents.teaching import teach
from .intents.why import tells_why
from .normalise import CONCEPT, lead, tail
from .references import Text, read
from .scenes import (
    another_setting,
    changes_places,
    changes_the_setting,
    describes_a_picture,
    joins,
    lists_a_picture,
    makes_a_new_one,
    of_a_stranger,
    of_the_one_there,
    puts_on,
    setting_and_more,
)
from .state import Ask, Call, Hints, Say, Step
from .words import EDIT_VERBS, either

Family = Callable[[Text], list[Step] | None]
# Families that recognise whole sentences; the first that does has it. None reads more than COMMAND chars.
FAMILIES: tuple[Family, ...] = (rename, forget, history, compare, recall, talk)
SETTLED: tuple[Family, ...] = (keeps, deletes, leaves, shown, guidance, tells_why, unwanted)
"""Families whose sentences mean nothing else, whatever the classifier thinks of them."""
COMMAND = 300
_KEPT: dict[str, tuple[str, ...]] = {
    "ask words": ("ask", "edit"),
    "ask plain": ("ask",),
    "ask name": ("ask",),
    "ask images": ("ask",),
    "ask kind": ("ask",),
    "ask take": ("ask",),
    "ask takes": ("ask",),
}
"""Where a question of the grammar stands whatever else might be found: intents by what it asks for."""
_WANTS = ("draw", "edit", "refine", "teach", "like", "dislike", "recall")
A_CHANCE = 0.02
"""A remark that stands alone is taken for a request that is at least this likely."""
A_GUESS = 0.4
"""Below this the classifier only guesses."""
SURE_TO_ASK = 0.8
"""A request that the grammar can read is only asked about when it is this likely to say too little."""
_ASKS = ("ask", "draw", "edit", "forget", "rename", "teach", "fork", "refine", "compare", "like", "dislike")

# What a change is for says nothing about what kind of request it is.
_WHY = re.compile(
    r"(?<=\w{3}),? so (?:that )?(?:i|we|you|it|he|she|they|people|everyone|(?:the|my|our|his|"
    r"her) [a-z]+)(?: [a-z]+)? (?:can|could|will|would|"
    r"may|might|has|have|gets?|looks?|is|are)\b.*"
)
# "Rust on the left door, always": so in every picture from now on.
_LASTS = re.compile(
    r"(?:[,.;!]| -) (?:(?:and|so|like|please|for) )*(?:always|ever(?: again)?|from now on|"
    r"every (?:single )?time|for good|forever|"
    r"permanently|in (?:every|all) (?:pictures?|drawings?)|never(?: again)?|no exceptions?|"
    r"without exception)(?: please)?[.! ]*$"
)
_SENTENCES = re.compile(r"[.!?;]\s+\w")


_PLUS = re.compile(r"(?:the )?\ue001+ ?\+ ?(?P<what>[a-z][a-z ]+)[.! ]*")
"""As in "first variant + bow tie"."""


def grammar(text: Text) -> list[Step]:
    """What the grammar alone makes of a clause."""
    steps = command(text)
    if steps is None:
        start = lead(text.low)
        steps = free(text.part(start) if start < len(text.low) else text)
    return steps


def decide(text: Text) -> list[Step]:
    """The steps for one clause: the classifier says what it wants, the grammar or `carry_out` how."""
    for settled in SETTLED:
        if kept := settled(text):
            return kept
    if plus := _PLUS.fullmatch(text.low):
        text = read(f"take {text.takes[0].numbers[0]}, with {text.raw[plus.start('what') :]}", text.state, text.hints)
    both = setting_and_more(text)
    if place := both.raw.strip(" .!") if both else another_setting(text) or changes_places(text):
        return [Call("edit", {"take": text.state.current, "instruction": place})]
    steps = grammar(text)
    if text.hints.mode == "refine":
        return carry_out("refine", text)
    if text.hints != Hints() and not isinstance(steps[0], Ask):
        return steps
    if MARKS_ONLY.fullmatch(text.low):
        return steps
    vote = vote_of(steps)
    why = _WHY.search(text.low)
    reading = intents.classifier().read(text.part(0, why.start()) if why else text, vote)
    intent = reading.intent
    if intent == "aside":
        intent = max(_WANTS, key=reading.share)
        if vote == "edit" and reading.sure < A_GUESS and reading.share(vote) > A_CHANCE:
            intent = vote
        intent = intent if reading.share(intent) > A_CHANCE else "reply"
    if intent == "ask" and vote in ("draw", "edit") and (reading.sure < SURE_TO_ASK or _COMPLETE.match(text.low)):
        intent = vote
    if intent in ("edit", "forget") and vote != "forget" and _KEEPS.search(text.low):
        intent = "teach"
    if of_the_one_there(text) or joins(text):
        return carry_out("edit", text)
    if changes_the_setting(text) or puts_on(text):
        intent = "edit"
    elif intent in ("edit", "ask") and (describes_a_picture(text) or makes_a_new_one(text)):
        intent = "draw"
    elif intent in ("reply", "aside", "ask") and lists_a_picture(text):
        intent = "draw"
    if intent in ("reply", "aside", "ask") and (vote == "compare" or (vote == "draw" and settings_only(text))):
        return steps
    if (intent == "edit" or (intent == "draw" and text.subjects)) and _holds(text):
        intent = "refine" if isinstance(who(text), str) else intent
    elif intent == "refine" and _SHOWN.match(text.low) and not _holds(text):
        intent = "draw"
    if intent == "refine" and of_a_stranger(text):
        intent = "edit"
    if vote == intent and (intent in ("edit", "refine", "fork", "rename") or (intent == "draw" and not again(text))):
        return carry_out(intent, text)
    if vote == intent or (intent == "repeat" and vote == "draw"):
        return steps
    if intent == "edit" and text.state.current is None and not (text.files or text.state.attached) and _scene(text):
        intent = "draw"
    if intent == "reply" and vote.startswith("ask") and reading.sure < 0.95:
        return steps
    if vote.startswith("ask") and intent in _KEPT.get(vote, _ASKS):
        return steps
    found = carry_out(intent, text)
    return steps if vote.startswith("ask") and isinstance(found[0], Ask) else found


_KEEPS = re.compile(
    r"(?<!not )(?<!stop )(?<!n't )\b(?:remember|memori[sz]e|learn) "
    r"(?:(?:him|her|it|them)\b|(?:this|that|the|my) (?!.{0,60}[,;.!] ).{1,60}? as [a-z])"
)
"""As in "that's Pip, remember her" and "remember the cat in #2 as Pip": nobody is forgotten, no picture changed."""

_COMPLETE = re.compile(
    r"(?:please )?make (?:the|his|her|its) [a-z]+ (?!better|nicer|cooler|other)(?:[a-z]{3,}er|(?:more|less) [a-z]+)"
    r"[.! ]*$"
)
"""As in "make the sea greyer": whatever the sea is called, nothing is missing."""


def _holds(text: Text) -> bool:
    """Whether the end of a clause says that it holds for good: "…, note that down"."""
    last = re.split(r"[,.;!] | - ", text.low.rstrip(" .!"))[-1]
    lasts = _LASTS.search(text.low) or (len(last) < len(text.low) - 3 and rides(last))
    every = [ref for ref in text.takes if ref.how == "group" and ref.said.startswith("all")]
    if every and re.search(r"\b(?:from now on|always|for good|forever|never)\b", text.low):
        return True  # "longer ears from now on, in all of them"
    return bool(lasts) and not any(ref.how != "current" for ref in text.takes)


_SHOWN = re.compile(rf"{CONCEPT}+ (?:with|in|wearing|holding|carrying|under)\b")
"""A subject and what it wears: a picture, and nothing that lasts."""
_NOUN = re.compile(r"(?:\b(?:an?|two|three|some|him|her|he|she|them)|\ue000) ")
_CHANGING = re.compile(
    rf"(?:now|and|please|also|but|with|without|more|less|it|the|his|its|"
    rf"{either(EDIT_VERBS - {'have', 'place', 'let', 'get'})})\b"
)


def _scene(text: Text) -> bool:
    """Whether words that read like a change can be the first picture: they name something and change nothing."""
    low = text.low[lead(text.low) :]
    placed = re.match(r"(?:put|set|place|paint|give me) (?:[a-z]+ ){0,2}?(?:\ue000|him |her |them )", low)
    return placed is not None or (_NOUN.search(f"{low} ") is not None and not _CHANGING.match(low))


_SAVED = re.compile(
    r",? (?:(?:please|and|so|then) )*(?:save|keep|store|learn|memori[sz]e|remember) (?:it|him|her|them)"
    r"(?: please)?[.! ]*$"
)
"""As in "this is my new van Lightning save it"."""


def command(text: Text) -> list[Step] | None:
    """What a family of whole-sentence commands makes of the clause, with and without politeness around it."""
    if not text.files and able(text):
        return [Say(HELP, weak=False)]
    saved = _SAVED.search(text.low)
    if teaching := teach(text.part(0, saved.start()) if saved and saved.start() > 8 else text):
        return teaching
    if len(text.low) > COMMAND:
        return None
    start, end = lead(text.low), tail(text.low)
    bodies = [text]
    if 0 < start or end < len(text.low):
        bodies += [text.part(0, end), text.part(start, max(start, end))]
    if _SENTENCES.search(text.low):
        return None
    for family in FAMILIES:
        for body in bodies:
            if body.low and (steps := family(body)):
                return steps
    return None
