"""Somebody else in the last picture: "no wait, I meant Max" after a drawing of Lily."""

from __future__ import annotations

import re

from .references import Text, rx
from .state import Call, Step

_MEANT = rx(
    r"(?:(?:no|nope|wait|hang on|hold on|sorry|oops|argh|oh|er+|um|not (?:him|her|that one|{C})|"
    r"the other (?:one|[a-z]+)|wrong (?:one|[a-z]+))[,.!;: ]*)*"
    r"(?:(?:i (?:meant|mean|said|wanted|was thinking of)|(?:it|that|this)(?:'s| is| was)? (?:meant|supposed) to be|"
    r"(?:it|that|this) should(?:'ve| have)? be(?:en)?|make that) (?:to say )?)(?P<c>{C})"
    r"(?:,? (?:not|instead of) (?:{C}|him|her))?(?:,? (?:sorry|please|instead|actually|obviously))*[.! ]*"
)


def instead(text: Text) -> list[Step] | None:
    """The current picture with the one that was meant, where it shows one subject and that is another."""
    match, take = _MEANT.fullmatch(text.low), text.state.take(text.state.current)
    subject = text.subject_at(match.start("c")) if match else None
    if subject is None or take is None or len(subject.names) != 1 or len(take.concepts) != 1:
        return None
    new, old = subject.names[0], take.concepts[0]
    if new == old:
        return None
    if take.parent is not None or old.lower() not in take.prompt.lower():
        words = f"{new} instead of {old}"
        return [Call("edit", {"take": take.number, "instruction": words, "concepts": [new]})]
    prompt = re.sub(re.escape(old), lambda _: new, take.prompt, flags=re.IGNORECASE)
    return [Call("draw", {"prompt": prompt, "concepts": [new]})]
