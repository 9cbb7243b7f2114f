"""What an edit lends from another take ("the hat from the fifth"), in words for a model that sees one picture only."""

from __future__ import annotations

import re

_WHICH = (
    r"(?:the |take |number |#)*"
    r"(?:\d+\w*|[a-z]+(?:st|nd|rd|th)|last|other|one|two|three|four|five)(?: (?:one|take|picture))?"
)
_FROM_A_TAKE = re.compile(
    rf"(?P<noun>[\w-]+)(?P<place>,? (?:from|of|(?:like |as )?in|out of) {_WHICH})\s*$", re.IGNORECASE
)
_ITS = re.compile(rf"(?P<place>{_WHICH}'s )(?P<noun>[\w-]+)", re.IGNORECASE)
UNPAINTED = frozenset(
    "a an and the of in on at with to by for is are it its my me draw paint make show picture image please"
    " now some one under over near next this that him her put add make give wearing let have place turn".split()
)
_ONLY_ONE = frozenset(
    "background backdrop scenery sky light lighting weather sun moon sea snow rain style mood pose place colour color"
    " colours colors setting".split()
)
"""What every picture has: none is added to it."""


def in_words(instruction: str, lender: str) -> tuple[str, bool]:
    """An instruction that lends from another take, for a model that sees only one picture.

    "with the hat from the fifth" becomes "with a red hat" where the fifth take's description, `lender`, speaks of a
    red hat; of "the hat" the picture that is changed knows nothing. Also says whether the description does.
    """
    match = _FROM_A_TAKE.search(instruction) or _ITS.search(instruction)
    if match is None:
        return instruction, False
    noun, the = match["noun"], "the " if match.re is _ITS else ""
    words = (instruction[: match.start("place")] + the + instruction[match.end("place") :]).strip(" ,")
    described = re.findall(rf"((?:[a-z]+ ){{0,2}}){re.escape(noun)}(?!\w)", lender, re.IGNORECASE)
    before = described[-1].split() if described else []
    lent = " ".join([*(word for word in before if word.lower() not in UNPAINTED), noun])
    there_is_one = noun.lower() in _ONLY_ONE or "the" in before
    article = "the " if there_is_one else "" if noun.endswith("s") else "an " if lent[0] in "aeiouAEIOU" else "a "
    pattern = rf"(?<!\w)(?P<the>(?:the|that|those) )?{re.escape(noun)}(?!\w)"
    words = re.sub(pattern, lambda found: (article if found["the"] else "") + lent, words, count=1, flags=re.IGNORECASE)
    return words, bool(described)
