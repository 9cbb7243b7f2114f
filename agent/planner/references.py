"""Which takes and which concepts a sentence speaks of.

Finding comes first and marks spans (`Text`), so that the grammar reads "make ▮ snowy" and "rename ▮ to max";
resolving comes when a family of intents needs to know, and may end in a question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .normalise import CONCEPT, FILE, TAKE, Found, clean, find_files, lower, mask, mask_quotes
from .speech import spell_out
from .state import Hints, State
from .subjects import Subject, find_subjects, with_apostrophes
from .takeref import TakeRef
from .takes import find_takes

_SIGNS = {"{C}": f"(?:{CONCEPT}++)", "{T}": f"(?:{TAKE}++)", "{F}": f"(?:{FILE}++)"}


def rx(pattern: str) -> re.Pattern[str]:
    """Compile a pattern in which {C}, {T} and {F} stand for a marked concept, take and file.

    A group name may occur several times; `pick` finds the one that matched.
    """
    for sign, meaning in _SIGNS.items():
        pattern = pattern.replace(sign, meaning)
    seen: dict[str, int] = {}

    def unique(match: re.Match[str]) -> str:
        name = match[1]
        seen[name] = seen.get(name, 0) + 1
        return match[0] if seen[name] == 1 else f"(?P<{name}_{seen[name]}>"

    return re.compile(re.sub(r"\(\?P<([a-z]+)>", unique, pattern))


def pick(match: re.Match[str], *names: str) -> str:
    """The group that took part in the match under one of `names`, or ""."""
    for group, said in match.groupdict().items():
        if said and re.sub(r"_\d+$", "", group) in names:
            return group
    return ""


@dataclass(slots=True)
class Text:
    """A sentence (or a clause of one) with what was found in it. Offsets count from the start of `raw`."""

    raw: str
    low: str
    state: State
    hints: Hints = field(default_factory=Hints)
    files: list[Found] = field(default_factory=list)
    takes: list[TakeRef] = field(default_factory=list)
    subjects: list[Subject] = field(default_factory=list)

    def part(self, start: int, end: int | None = None) -> Text:
        """The span as a text of its own, without blanks around it."""
        end = len(self.raw) if end is None else end
        while start < end and self.raw[start] == " ":
            start += 1
        while end > start and self.raw[end - 1] == " ":
            end -= 1

        def inside(item: Found | TakeRef | Subject) -> bool:
            return start <= item.start and item.end <= end

        return Text(
            self.raw[start:end],
            self.low[start:end],
            self.state,
            self.hints,
            [Found(f.start - start, f.end - start, f.path) for f in self.files if inside(f)],
            [t.moved(-start) for t in self.takes if inside(t)],
            [s.moved(-start) for s in self.subjects if inside(s)],
        )

    def plain(self, *, takes: bool = False, kinds: bool = False) -> Text:
        """The same text with takes, or with "my dog" and its like, as ordinary words again."""
        low, subjects = self.low, self.subjects
        shown: list[TakeRef | Subject] = list(self.takes) if takes else []
        if kinds:
            shown += [s for s in subjects if s.how != "name"]
            subjects = [s for s in subjects if s.how == "name"]
        for item in shown:
            low = low[: item.start] + lower(self.raw[item.start : item.end]) + low[item.end :]
        return Text(self.raw, low, self.state, self.hints, self.files, [] if takes else self.takes, subjects)

    def take_at(self, offset: int) -> TakeRef | None:
        """The take reference that starts at `offset`."""
        return next((t for t in self.takes if t.start == offset), None)

    def subject_at(self, offset: int) -> Subject | None:
        """The concept reference that starts at `offset`."""
        return next((s for s in self.subjects if s.start == offset), None)


def read(text: str, state: State, hints: Hints | None = None) -> Text:
    """Clean a sentence and find files, quotations, takes and concepts in it."""
    raw = with_apostrophes(spell_out(clean(text)), state)
    low = lower(raw)
    files = find_files(raw)
    for found in files:
        low = mask(low, found.start, found.end, FILE)
    takes = find_takes(low, state)
    for take in takes:
        low = mask(low, take.start, take.end, TAKE)
    subjects = find_subjects(raw, low, state)
    for subject in subjects:
        low = mask(low, subject.start, subject.end, CONCEPT)
    return Text(raw, mask_quotes(low), state, hints or Hints(), files, takes, subjects)
