"""A name that is told with what it is the name of: "this can is Whaley"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..references import Text
from ..state import Call
from ..words import ANIMALS, KIND_WORDS, PEOPLE, THINGS

KNOWN_KINDS = ANIMALS | PEOPLE | THINGS | frozenset(w for kind, words in KIND_WORDS.items() for w in (kind, *words))
_IS_CALLED = re.compile(
    r"(?:(?:hi|hey|ok|so|and|look),? )?(?:this|that|these|those|the) (?:[a-z-]+ )?(?P<kind>[a-z]+) (?:here |there )?"
    r"(?:is|are|'s) (?:called |named )?(?P<name>[a-z][\w'-]*)[.! ]*"
)


def called_so(text: Text, files: Sequence[str]) -> Call | None:
    """What "this can is Whaley" teaches from `files`: its second word is no question. `None` of any other sentence."""
    match = _IS_CALLED.fullmatch(text.low) if files else None
    if match is None or match["kind"] not in KNOWN_KINDS or not text.raw[match.start("name")].isupper():
        return None
    name = text.raw[match.start("name") : match.end("name")]
    if text.state.concept(name):
        return None
    return Call("teach", {"name": name, "kind": match["kind"], "images": list(dict.fromkeys(files))})
