"""Which part of the picture "it" means after a remark on it: "the hat is too big, make it smaller"."""

from __future__ import annotations

import re

_NO_PART = (
    r"(?!(?:[a-z]+ )?(?:one|ones|picture|pictures|photo|image|take|version|drawing|pic|rest|whole|way|idea|"
    r"result|thing|last|first|second|third|kids|children|client|boss|team|bride|groom)\b)"
)
_WHAT = (
    rf"(?P<what>(?:the|that|this|those|these|his|her|its|their) {_NO_PART}[a-z-]+"
    r"(?: (?!is|are|looks|was|seems)[a-z-]+)?)"
)
_JUDGED = re.compile(
    rf"\b{_WHAT}(?: of (?:the|his|her) [a-z]+)?"
    r"(?:'s| is| are| was| were| looks?| seems?| feels?| reads?| isn't| aren't| doesn't| don't| could be| ought to be|"
    r" should be)\b(?! (?:so )?(?:lovely|great|nice|perfect|good|fine)\b)"
)
_DISLIKED = re.compile(
    rf"\b(?:keen on|like|love|hate|fan of|happy with|sure about|stand|bear|fond of|care for) {_WHAT}$"
)
_IT = re.compile(r"\b(?:it|them)\b(?! (?:to|on|in|at|with) (?:it|them)\b)")


# "The sea is too blue; a greyer one, please."
_ONE_LIKE_THAT = re.compile(
    r"(?:(?:please|maybe|try|i'd (?:like|prefer)|how about|rather) )*an? (?P<look>(?:more |less )?[a-z]+(?:er)?) one"
    r"(?:,? (?:please|instead|then|perhaps|maybe|if (?:you please|possible)))*[ .!?]*",
    re.IGNORECASE,
)


def meant(remark: str, raw: str) -> str:
    """A change in which "it" is the part that a remark before it has judged, or else the change as it was."""
    said = remark.lower().strip(" .,;:!?-")
    found = [*_JUDGED.finditer(said), *_DISLIKED.finditer(said)]
    it = _IT.search(raw)
    if not found or it is None:
        return raw
    what = re.sub(r"^(?:that|this)\b", "the", re.sub(r"^(?:those|these)\b", "the", found[-1]["what"]))
    return f"{raw[: it.start()]}{what}{raw[it.end() :]}"


# "A courtroom with no judge. Add one."
_NONE = re.compile(r"\b(?:no|without(?: an?| any)?|lacks(?: an?| any)?|missing(?: an?)?) (?P<what>[a-z]+)[.,!;: ]*$")
_ADD_ONE = re.compile(
    r"(?:(?:so|please|can you|could you|just|then) )*(?P<verb>add|put|draw|give (?:him|her|it|them)) (?P<one>one|some)"
    r"(?: in| there| please)*[.! ]*"
)


def one_like_that(remark: str, raw: str) -> str:
    """As in "the sea is too blue; a greyer one, please": what to change about the part, or ""."""
    none, add = _NONE.search(remark.lower()), _ADD_ONE.fullmatch(raw.lower())
    if none and add:
        return f"{add['verb']} {'a' if add['one'] == 'one' else 'some'} {none['what']}"
    found, one = [*_JUDGED.finditer(remark.lower())], _ONE_LIKE_THAT.fullmatch(raw)
    return f"make {found[-1]['what']} {one['look']}" if found and one else ""
