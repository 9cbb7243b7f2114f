"""Corrections that last: "no, his ears are longer", "never with the hat"."""

from __future__ import annotations

import re

from ..references import Text
from ..state import Call
from ..tagger import NEGATIVE, own

_THINGS = re.compile(r",? (?:and|or|nor) |, ")
_NO_MORE = re.compile(r" (?:any ?more|any longer|ever again|again)$", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:an?|the|any|his|her|its|their) ", re.IGNORECASE)


def refined(text: Text, concept: str) -> Call:
    """The correction of `concept` that a clause states: what to add, and what never to draw."""
    more, gone = (own(text, "refine", label).raw for label in ("add", "remove"))
    if not NEGATIVE.search(text.low):
        more, gone = more or gone, ""
    args: dict[str, object] = {"concept": concept}
    if more or not gone:
        args["add"] = [more or text.raw.strip(" .,!;:")]
    if gone:
        args["remove"] = [_NO_MORE.sub("", _ARTICLE.sub("", thing)) for thing in _THINGS.split(gone)]
    return Call("refine", args)
