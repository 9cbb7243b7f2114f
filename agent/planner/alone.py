"""Sentences said while a question waits that answer nothing: a full request of its own, another wish than yes or no."""

from __future__ import annotations

import re
from dataclasses import replace

from . import intent as intents
from .choices import of_takes
from .intents.showing import shown
from .normalise import CONCEPT, clean, lead
from .options import yes_or_no
from .plan import plan
from .references import read
from .scenes import describes_a_picture
from .speech import spell_out
from .state import Ask, Call, Say, State
from .words import DRAW_VERBS, either

_SURE = 0.8
_ANSWERS = re.compile(
    r"(?:yes|yeah|yep|yup|sure|ok|okay|no|nope|nah|please|go|don't|do|never ?mind|not|of course|later|leave|skip|why|"
    r"what|how|which|who|train|stop|cancel|forget it|maybe|fine|i (?:mean|meant|don't)|the (?:one|other)|both)\b"
)
_PAIR = re.compile(r"\d+ and \d+")
_DRAWS = re.compile(rf"(?:{either(DRAW_VERBS)}|show me|give me) (?:[a-z]+ ){{0,2}}?{CONCEPT}+ \w+")


def stands_alone(text: str, state: State) -> bool:
    """Whether a sentence is to be read for itself, and the question that waits is passed over."""
    if state.pending is None:
        return False
    free = replace(state, pending=None)
    sentence = read(spell_out(clean(text)), free)
    body = sentence.part(lead(sentence.low))
    if _ANSWERS.match(sentence.low):
        return False
    if not of_takes(state.pending.options) and shown(sentence):
        return True
    if state.pending.options and all(map(_PAIR.fullmatch, state.pending.options)) and len(sentence.low.split()) > 5:
        return isinstance(plan(text, free)[0], Call)
    if yes_or_no(state.pending.options):
        reading = intents.classifier().read(sentence)
        return reading.intent in ("draw", "edit", "undo", "redo", "fork", "repeat") and reading.sure >= _SURE
    if len({name for subject in sentence.subjects for name in subject.names}) != 1:
        return False
    if not (describes_a_picture(body) or _DRAWS.match(body.low)):
        return False
    return not isinstance(plan(text, free)[0], (Ask, Say))
