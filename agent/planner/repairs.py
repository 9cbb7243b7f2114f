"""Words that a sentence takes back: "go back to seven, argh, six"."""

from __future__ import annotations

import re

from .references import Text, read, rx
from .words import DRAW_VERBS, NUMBERS, ORDINALS, PICTURES, either

_REPAIR = rx(
    r"(?:,? ?\.{2,}|[,;.!?-]| )(?: ?-)? ?(?:(?:er+|uh+|u[hm]+|hm+|argh|oh|ah|oops|sorry|well|"
    r"or)[, ]+)*(?:(?:no|nope|nah)(?: no)*,? "
    r"(?:(?:wait|sorry|hold on|hang on|hm+|actually|rather|i mean(?:t)?|make that|"
    r"scratch that)[, ]+)*(?=.{2})|"
    r"(?:actually,? )?(?:scratch|strike|scrap|forget) that[, ]+|(?:sorry|i mean(?:t)?|make that|"
    r"or rather|correction|"
    r"wait|no wait|hang on|argh|oops|sorry|hm+|er+|uh+|um+)[:, ]+(?:i mean(?:t)?[, ]+|no[, ]+|make that )*)"
)
_NOT_THAT = re.compile(
    r"(?:no[,.]? )*not (?:that|this|it|the [a-z]+|\ue001+)(?: one)?(?:[,.;:!] | - )(?=the |\ue001|my |take |number )"
)
# "On a mountain no not a mountain a boat": what is taken back is said again.
_NOT_BUT = re.compile(
    r"(?:no,? )?not (?:an?|the|his|her|on|in|at|with) [a-z]+(?: [a-z]+)??,? (?:but )?"
    rf"(?=(?:an?|the|his|her|on|in|at|with|\ue000+|{either(DRAW_VERBS)}) )"
)
_HESITATES = re.compile(r"(?:er+|uh+|u[hm]+|hm+|argh|oh|ah|oops|sorry|well|or)[, ]*")
_STEPS = re.compile(r"[\w-]+ (?:steps?|back|forwards?|times|more)\b")
_COUNTS = re.compile(rf"(?:take |number |the )?(?:{either(NUMBERS)}|{either(ORDINALS)}|\d+|\ue001+)\b|"
    rf"\ue001+")


def repaired(text: Text) -> Text:
    """The sentence after a slip that its writer mends: from "go back to seven, argh, six" comes "go back to six"."""
    if late := re.search(r",? i mean[.! ]*$", text.low):
        text = text.part(0, late.start()) if late.start() else text
    if wrong := _NOT_THAT.match(text.low):
        return text.part(wrong.end())
    for match in list(_REPAIR.finditer(text.low))[:4][::-1]:
        if re.match(r"not (?:the |an? |his |her |its )?[a-z]+[ .!]*$", text.low[match.end() :]):
            continue  # "pink no, not maroon" stands by what it said
        mark = match.group().strip(" ,;.!?-")
        wrong = _NOT_BUT.match(text.low, match.end())
        before, after = text.part(0, match.start()), text.part(wrong.end() if wrong else match.end())
        if len(before.low) < 3 or not after.low or (not wrong and _plain_no(mark, text.low, match.end())):
            continue
        alike = [p for p in (_COUNTS, *_SLOTS) if p.search(before.low) and p.match(after.low)]
        if _HESITATES.fullmatch(mark) and not alike:
            continue
        return _mended(before, _said_twice(after))
    return text


def _said_twice(text: Text) -> Text:
    """The text without a first word that is said again: "▮, ▮ on a ship"."""
    again = re.match(r"(?P<w>[\w'-]+),? (?=(?P=w)\b)", text.raw)
    return text.part(again.end()) if again else text


def _plain_no(mark: str, low: str, end: int) -> bool:
    """Whether the mark is an ordinary "no" ("a hat, no shoes") and takes nothing back."""
    return mark in ("no", "nah", "nope") and not low[:end].rstrip(" ").endswith(",")


_N = rf"(?:{either(NUMBERS)}|\d{{1,2}})"
# "Two pictures of ▮, wait, make it three".
_JUST = re.compile(
    rf"(?:(?:make|do) (?:it|that|them) |i(?:'d like| want| need) |let's (?:do|say|have) |rather )?(?P<n>{_N})"
    r"(?: of (?:them|those|em|each))?(?:,? (?:instead|please|actually|then|rather))*[ .!]*"
)
_A_THING = re.compile(r"\b(?:an?|one) (?P<noun>(?:[a-z]+ )?[a-z]+[a-rt-z])$")
_COUNTED = re.compile(rf"(?<!\w){_N}(?= (?:[a-z]+ ){{0,2}}(?:{either(PICTURES)}|of)\b)")
_SLOTS = (
    re.compile(r"\b(?:at|in|on|under|near|by|with|behind|inside|over|next to|beside|from|of|to|into|for|like) "),
    re.compile(r"\b(?:him|her|it|them)[.! ]*$"),
    re.compile(r"\b(?:an?|the|some|his|her|its|two|three|four|five) "),
)


def _mended(before: Text, after: Text) -> Text:
    state, hints = before.state, before.hints
    first = before.takes[0] if before.takes else None
    if first and re.match(rf"(?:{either(NUMBERS)}|\d+)(?![\w-])", after.low) and not _STEPS.match(after.low):
        numbers = len(_COUNTS.findall(after.low[:20]))
        at = first if numbers > 1 or len(before.takes) == 1 else before.takes[-1]
        kept = before.raw[: at.start] + ("" if numbers > 1 else "take " if at.how == "number" else "number ")
        return read(f"{kept}{after.raw}", state, hints)
    if first and after.takes and after.takes[0].start <= 4:
        at = before.takes[-len(after.takes)] if len(after.takes) <= len(before.takes) else first
        return read(f"{before.raw[: at.start]}{after.raw}", state, hints)
    if (said := _JUST.fullmatch(after.low)) and (counted := list(_COUNTED.finditer(before.low))):
        return read(f"{before.raw[: counted[0].start()]}{said['n']}{before.raw[counted[0].end() :]}", state, hints)
    if (said := _JUST.fullmatch(after.low)) and (thing := _A_THING.search(before.low)):
        noun = before.raw[thing.start("noun") :]
        return read(f"{before.raw[: thing.start()]}{said['n']} {noun}s", state, hints)
    for opening in _SLOTS if not after.takes else ():
        if (said := opening.match(after.low)) and (places := list(opening.finditer(before.low))):
            places = [p for p in places if p.group() == said.group()] or places
            return read(f"{before.raw[: places[-1].start()]}{after.raw}", state, hints)
    if first and not after.takes and first.how != "current":
        return read(f"{before.raw[first.start : first.end]}, {after.raw}", state, hints)
    return after
