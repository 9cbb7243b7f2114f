"""The same once more: "another one", "three more", "the first one again", "try it with another seed"."""

from __future__ import annotations

import re
from typing import Any

from ..references import Text, pick, rx
from ..settings import Settings, take_settings
from ..state import Ask, Call, Step
from ..takes import number_of
from ..words import AMOUNTS, PICTURES, either
from .history import one_take

_PICTURES = either(PICTURES)
_N = rf"(?P<n>\d{{1,3}}|{either(AMOUNTS)})"
_LIKE = (
    r"(?: (?:like|of|based on|from|in the style of|similar to) (?:(?P<t>{T})|it|this|that|these|the same|"
    r"those|them|him|her|(?P<c>{C})))?"
)
_AGAIN = [
    rx(
        rf"(?:(?:can i (?:have|get)|could i have|i want|i'd like|i would like|give me|show me|"
        rf"make(?: me)?|draw(?: me)?|do|try|let's (?:see|try|do)|let me see|generate|create|paint|"
        rf"how about|and|now|please|get me|produce|render) )*(?:just )?(?:{_N} (?:more|others?|"
        rf"additional|extra|further|new|alternative|different|other|fresh)?(?: (?:of|{_PICTURES}|ones?|"
        rf"times|takes))?|(?:another|one more|a new|a different|a second|a fresh|an alternative|"
        rf"an alternate|yet another|another different|some more|more|a few more|an other|"
        rf"the same)(?: (?:{_N} ))?(?: ?(?:one|ones|{_PICTURES}|try|go|time|attempt|shot|round|variation|"
        rf"like (?:that|this|it)))*){_LIKE}(?: (?:please|again|with (?:another|a different|a new) seed|"
        rf"then|instead|from the same prompt|of the same(?: thing)?|of that|of this|of it|of those|"
        rf"of them|now|for comparison))*"
    ),
    rx(
        r"(?:(?:please|just|ok|and|now|so) )*(?:(?:do|draw|make|paint|generate|render|create|try|redo|"
        r"show me|sketch|produce) )?(?:(?P<t>{T}|it|that|this|the same(?: (?:one|thing|picture|prompt|"
        r"again))?|him|her) )?(?:(?:once )?again|once more|one more time|over again|anew|over|afresh|"
        r"a second time|from scratch|another time)(?: (?:please|with (?:another|a different|a new|new|"
        r"other) (?:random )?seed|from scratch|but different(?:ly)?|differently|for me|and again))*"
    ),
    rx(
        r"(?:(?:please|just|ok|and|now) )*(?:redraw|re-draw|regenerate|re-generate|repaint|re-paint|"
        r"rerender|re-render|retry|re-roll|reroll|repeat|rerun|re-run|reshuffle|re-?do|"
        r"do over)(?: (?:(?P<t>{T})|it|that|this|everything|the (?:same )?(?:picture|image|prompt|"
        r"drawing|whole thing)|the same|the scene))?(?: (?:again|please|from scratch|with (?:another|"
        r"a different|a new|new|other) (?:random )?seed|differently|once more|but different))*"
    ),
    rx(
        r"(?:try|use|take|with|and|now|same (?:but )?with|same prompt,?|the same with|"
        r"same,?) (?:a(?:nother)?|a different|a new|new|other|an other) (?:random )?seed(?: please)?"
    ),
    rx(
        r"(?:the )?same (?:again|thing again|one again|prompt again|prompt|picture again|thing|"
        r"thing once more|once more|scene again)(?:,? (?:please|with (?:another|a different|a new) seed|"
        r"new seed|different seed))*"
    ),
    rx(r"(?:try|give it|have) (?:it )?(?:another|one more) (?:try|go|shot|attempt|time)(?: please)?"),
    rx(
        rf"(?:(?:give me|make|do|i want|i'd like|show me|draw|generate|can i have) )?(?:more|some|other|"
        rf"different|new|a few|several|more) (?:{_PICTURES}|options|like (?:that|this|it|"
        rf"(?P<t>{{T}})))(?: (?:of (?:that|this|it|the same)|like (?:that|this)))?(?: please)?"
    ),
]


# What is left of "three variations of ▮" and of "try it with lora" once the settings are out.
_OF_TAKE = rx(
    r"(?:try|do|draw|make|paint|render|redo|repeat|generate|show)? ?(?:(?P<t>{T})|it|this|that|those|"
    r"these|them|the same(?: thing| prompt)?|again)"
)


def again(text: Text) -> list[Step] | None:
    """As in "Another one", "three more", "the first one again": the same prompt once more."""
    settings, body = take_settings(text)
    low = body.low.strip(" .!?,;:")
    match = next((m for p in _AGAIN if (m := p.fullmatch(low))), None)
    if match is None and (settings.count or settings.method) and (mine := _OF_TAKE.fullmatch(low)):
        match = mine
    if match is None and not low and (settings.args() or settings.tool) and text.state.current:
        return repeat(text, text.state.current, settings)
    if match is None:
        return None
    if pick(match, "c"):
        return None
    word = match[group] if (group := pick(match, "n")) else ""
    if word and not re.search(
        r"\b(?:more|others?|another|additional|extra|further|alternatives?|different|versions?|"
        r"variations?|variants?|takes|options|pictures?|images?|photos?|drawings?|candidates|of (?:it|"
        r"this|that|\ue001+|the same)|like|times|tries|attempts|ideas|sketches|shots|new|renders|"
        r"renderings)\b",
        low,
    ):
        return None
    offset = len(body.low) - len(body.low.lstrip(" .!?,;:"))
    named = pick(match, "t")
    ref = body.take_at(match.start(named) + offset) if named else None
    number = one_take(ref, text) if ref else text.state.current
    if isinstance(number, Ask):
        return [number]
    if number is None:
        return [
            Ask(
                "There is no picture yet. What shall I draw?",
                tuple(c.name for c in text.state.concepts[:4]),
                "words",
            )
        ]
    if word and not settings.count:
        settings.count = AMOUNTS.get(word) or number_of(word)
    return repeat(text, number, settings)


def repeat(text: Text, number: int, settings: Settings) -> list[Step]:
    """Draw what take `number` shows once more, from its words."""
    take = text.state.take(number)
    prompt = (take.prompt if take.origin == "draw" else take.description) if take else ""
    if not take or not prompt or take.origin == "import":
        return [Ask(f"Take {number} was not drawn from words. What shall I draw?", (), "words")]
    args: dict[str, Any] = {"prompt": prompt}
    if take.concepts:
        args["concepts"] = list(take.concepts)
    return [Call(settings.tool or "draw", args | settings.args())]
