"""Where the user was in the tree of takes, as a value: what undo and redo walk along."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from .records import FORMAT, TAKE_ID, check_stored_name, need
from .values import Take


@dataclass(frozen=True, slots=True)
class History:
    """The heads in the order the user came to them, and which of them is the present one.

    The first step is `None`: before any take. Two neighbours are never the same.
    """

    steps: tuple[str | None, ...] = (None,)
    position: int = 0

    @property
    def head(self) -> str | None:
        """Id of the take the user is at."""
        return self.steps[self.position]

    @property
    def can_undo(self) -> int:
        """Steps back that are possible."""
        return self.position

    @property
    def can_redo(self) -> int:
        """Steps forward that are possible."""
        return len(self.steps) - 1 - self.position

    def gone_to(self, *ids: str) -> History:
        """After going to these takes, one after the other; what could be redone is dropped."""
        steps = list(self.steps[: self.position + 1])
        for identity in ids:
            if steps[-1] != identity:
                steps.append(identity)
        return History(tuple(steps), len(steps) - 1)

    def moved(self, by: int) -> History:
        """After undoing (`by` < 0) or redoing that many steps, which must be possible."""
        return History(self.steps, self.position + by)

    def without(self, gone: Set[str]) -> History:
        """After some takes ceased to be: without them and without steps that would then go nowhere."""
        kept: list[str | None] = []
        at = 0
        for i, identity in enumerate(self.steps):
            if identity not in gone and (not kept or kept[-1] != identity):
                kept.append(identity)
            if i == self.position:
                at = len(kept) - 1
        return History(tuple(kept), at)


BIN = 20
"""How many deleted takes can be brought back."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """A take that was deleted in this process, as it was."""

    take: Take
    png: bytes
    before: History
    after: History


def read_history(steps: Any, position: Any) -> History:
    """A history from JSON.

    Raises:
        ValueError: malformed.
    """
    fine = isinstance(steps, list) and steps[:1] == [None]
    need(
        fine and all(isinstance(i, str) and TAKE_ID.fullmatch(i) for i in steps[1:]),
        "its history is malformed",
    )
    need(type(position) is int and 0 <= position < len(steps), "its position is malformed")
    return History(tuple(steps), position)


def session_record(name: str, created: str) -> dict[str, Any]:
    """The `session.json` of a session without takes."""
    began = {"format": FORMAT, "name": name, "created": created, "next": 1}
    return {**began, "history": [None], "position": 0, "state": {}}


def check_session(record: dict[str, Any]) -> dict[str, Any]:
    """`record`, if it is a well-formed `session.json`.

    Raises:
        ValueError: says what is wrong.
    """
    need(record.get("format") == FORMAT, f"its format is {record.get('format')!r}")
    for field, kind in (("name", str), ("created", str), ("next", int), ("state", dict)):
        need(type(record.get(field)) is kind, f"its {field} is malformed")
    check_stored_name(record["name"], "session name")
    read_history(record.get("history"), record.get("position"))
    return record


def number_of(ref: int | str) -> int | None:
    """The number in 3, "3" or "#3"; `None` for an id or anything else."""
    if isinstance(ref, int):
        return None if isinstance(ref, bool) else ref
    digits = ref.strip().removeprefix("#")
    return int(digits) if digits.isdecimal() and len(digits) < 10 else None


def span(numbers: Sequence[int]) -> str:
    """Which takes there are, as a hint."""
    if not numbers:
        return "It has no takes yet."
    return (
        f"Its takes go from {numbers[0]} to {numbers[-1]}." if len(numbers) > 1 else f"It has only take {numbers[0]}."
    )
