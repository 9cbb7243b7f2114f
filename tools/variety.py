"""The same words drawn once more: what they leave open is varied.

Large models draw another picture from every seed. Small ones draw one picture from one prompt whatever the seed; their
preset lists words (`varied_by`) that move the figure, and a picture drawn again is given the next of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..memory.values import Take

_OPEN = re.compile(
    r"\b(?:left|right|middle|cent(?:er|re)|tiny|small|little|mini|big|large|huge|giant|far|distan(?:t|ce)|close|near)\b",
    re.IGNORECASE,
)
"""Words that already say where the figure stands, or how large it is."""


def earlier(takes: Sequence[Take], prompt: str) -> int:
    """How many of these takes were drawn from these very words."""
    return sum(take.origin == "draw" and take.prompt.strip().lower() == prompt.strip().lower() for take in takes)


def words_of(number: int, prompt: str, varied_by: Sequence[str], figures: int) -> str:
    """What picture `number` (from 0) of one prompt is told besides; "" of the first, and where nothing is open.

    `figures`: taught subjects in it; where two stand, each has its own half already.
    """
    if not varied_by or figures > 1 or _OPEN.search(prompt):
        return ""
    return ("", *varied_by)[number % (1 + len(varied_by))]
