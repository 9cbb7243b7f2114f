"""Another one in the last picture: "no wait, I meant Max" after a drawing of Lily, "I meant a red one" after a hat."""

from __future__ import annotations

import re

from .references import Text, rx
from .state import Call, Step
from .words import COLOURS, WEAR, either

_MEANT = rx(
    r"(?:(?:no|nope|wait|hang on|hold on|sorry|oops|argh|oh|er+|um|not (?:him|her|that one|{C})|"
    r"the other (?:one|[a-z]+)|wrong (?:one|[a-z]+))[,.!;: ]*)*"
    r"(?:(?:i (?:meant|mean|said|wanted|was thinking of)|(?:it|that|this)(?:'s| is| was)? (?:meant|supposed) to be|"
    r"(?:it|that|this) should(?:'ve| have)? be(?:en)?|make that) (?:to say )?)(?P<c>{C})"
    r"(?:,? (?:not|instead of) (?:{C}|him|her))?(?:,? (?:sorry|please|instead|actually|obviously))*[.! ]*"
)
_ONE = re.compile(
    r"(?:(?:no|nope|not quite|sorry|oh|hm+|wait|well)\b[a-z ]{0,20}[,.!]+ )*"
    r"(?:(?:i (?:meant|mean|wanted|want|said)|make (?:it|that)|rather|maybe|how about|what about) )?(?P<a>an?) "
    r"(?P<look>(?!new|different|other|nice|nicer|better|good|second|third|next|quick|fresh|last)[a-z]+) one"
    r"(?:,? (?:please|instead|rather|then|though|dear))*[.!? ]*"
)
_NOT_BUT = re.compile(
    r"(?:(?:no|nope|sorry|wait|oh|hm+)\b[,.! ]*)*not (?P<not>(?:(?:at|in|on|by|an?|the|with) )?[a-z]+(?: [a-z]+)?)"
    r"(?:[,;.] (?:but |rather |i (?:meant|said) )?| but )"
    r"(?P<but>(?:at|in|on|by|near|an?|the|with|during) [a-z]+(?: [a-z]+){0,2}?(?: (?:for|on) \ue000+)?)"
    r"(?: (?:please|instead))?[.! ]*"
)
_THING = re.compile(rf"\b(?:an?|the|his|her|its|some) (?:[a-z]+ ){{0,2}}?({either(WEAR | {'balloon'})})\b")


def instead(text: Text) -> list[Step] | None:
    """The current picture with the one that was meant, where it shows one subject and that is another."""
    take = text.state.take(text.state.current)
    if take and (other := _ONE.fullmatch(text.low)):
        if things := _THING.findall(take.prompt.lower()):
            return [Call("edit", {"take": take.number, "instruction": f"{other['a']} {other['look']} {things[-1]}"})]
        if other["look"] in COLOURS:
            return [Call("edit", {"take": take.number, "instruction": f"make it {other['look']}"})]
    if take and (turned := _NOT_BUT.fullmatch(text.low)) and not text.takes:
        said, wear = text.raw[turned.start("but") : turned.end("but")], re.search(rf"\b{either(WEAR)}\b", turned["but"])
        worn = f"{said} instead of the {re.sub(r'^(?:an?|the|with) ', '', turned['not'])}"
        return [Call("edit", {"take": take.number, "instruction": worn if wear else said})]
    match = _MEANT.fullmatch(text.low)
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
