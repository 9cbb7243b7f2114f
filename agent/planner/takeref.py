"""A place in a sentence that speaks of takes."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .state import State
from .words import PICTURE, either

LOOKED_AT = "one|take|picture|version|image|drawing|pic|photo|shot|painting|sketch|scene"
NOUN = rf"(?:ones?|{either(PICTURE)}s?|result|option|attempt|try)"


@dataclass(frozen=True, slots=True)
class TakeRef:
    """A place in the sentence that speaks of takes. `numbers` is empty when it could not be resolved."""

    start: int
    end: int
    numbers: tuple[int, ...]
    said: str
    how: str = "number"
    """"number", "rank", "previous", "current", "group", "described" or "several" (`numbers` are all that fit)."""

    def moved(self, by: int) -> TakeRef:
        """The same reference, seen from another offset."""
        return replace(self, start=self.start + by, end=self.end + by)

    def missing(self, state: State) -> bool:
        """Whether it names a take that the session does not have."""
        return not self.numbers or not all(map(state.exists, self.numbers))


def ref_at(match: re.Match[str], numbers: tuple[int, ...], how: str, group: str | int = 0) -> TakeRef:
    """The reference that a match, or one group of it, makes."""
    start, end = match.span(group)
    return TakeRef(start, end, numbers, match.group(group).strip(), how)
