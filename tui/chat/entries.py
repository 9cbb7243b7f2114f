"""The conversation as values: one entry an exchange, and how much room it will take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from ...memory.values import Take

CAPTION = 2
"""Lines under a picture."""
GAP = 2
"""Columns between two pictures."""


@dataclass
class Entry:
    """What the user said, what came of it, and what was answered."""

    text: str = ""
    files: tuple[str, ...] = ()
    """Names of attached pictures."""
    takes: list[Take] = field(default_factory=list)
    pictures: tuple[Path, ...] = ()
    """Other pictures: the references of what was just learned."""
    reply: str = ""
    notes: list[str] = field(default_factory=list)
    error: str = ""
    options: tuple[str, ...] = ()
    """Answers to choose from; empty once the question is answered."""
    live: bool = False
    """The turn is under way."""
    drawing: int = 0
    """How many pictures are expected of the turn under way."""

    @property
    def cards(self) -> int:
        """How many pictures side by side."""
        return max(len(self.takes), self.drawing)


def history(turns: Iterable[Mapping[str, Any]], takes: Sequence[Take], pending: bool) -> list[Entry]:
    """The log of a session as entries, oldest first.

    Takes that belong to no turn (one was interrupted, or a program drew them) stand where they were made.
    With `pending` the last turn's question still waits.
    """
    known = {take.id: take for take in takes}
    loose = dict(known)
    dated: list[tuple[datetime, Entry]] = []
    for turn in turns:
        ids = [str(identity) for identity in turn.get("takes") or []]
        gone = sum(identity not in known for identity in ids)
        entry = Entry(
            text=str(turn.get("text") or ""),
            files=tuple(str(file).rsplit("/", 1)[-1] for file in turn.get("files") or []),
            takes=[known[identity] for identity in ids if identity in known],
            reply=str(turn.get("reply") or ""),
            notes=[f"{gone} {'picture' if gone == 1 else 'pictures'} deleted since"] if gone else [],
            options=tuple(map(str, turn.get("options") or [])),
        )
        for identity in ids:
            loose.pop(identity, None)
        dated.append((_when(turn.get("time")), entry))
    for _, entry in dated[:-1] if pending else dated:
        entry.options = ()
    for take in loose.values():
        dated.append((_when(take.created), Entry(takes=[take], notes=[_origin(take)])))
    return [entry for _, entry in sorted(dated, key=lambda item: item[0])]


def _origin(take: Take) -> str:
    words = {"import": "brought in", "edit": "edited", "draw": "drawn"}[take.origin]
    return f"{words}: {take.prompt}" if take.prompt else words


def _when(text: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def box(width: int, height: int, count: int) -> tuple[int, int]:
    """Columns and rows of a picture when `count` stand side by side in a log of `width` x `height` cells."""
    rows = max(6, min(18, round(0.55 * height)) if count < 2 else min(12, height - 11))
    columns = 2 * rows
    if count > 1:
        fitting = max(1, min(count, 4))
        columns = min(columns, max(10, (width - GAP) // fitting - GAP))
    columns = max(4, min(columns, width - 2 * GAP))
    return columns, min(rows, max(2, (columns + 1) // 2))


def per_row(width: int, columns: int) -> int:
    """How many pictures of so many columns stand in one row."""
    return max(1, (width - GAP) // (columns + GAP))


def estimate(entry: Entry, width: int, height: int) -> int:
    """About how many lines an entry takes; exact for plain words and square pictures."""
    inner = max(10, width - 4)
    lines = 1
    if entry.text:
        lines += wrapped(entry.text, inner) + 1 + bool(entry.files)
    if entry.cards:
        columns, rows = box(width, height, entry.cards)
        lines += -(-entry.cards // per_row(width, columns)) * (rows + CAPTION + 1)
    if entry.pictures:
        lines += box(width, height, len(entry.pictures))[1] + 1
    if entry.reply:
        lines += wrapped(entry.reply, inner)
    lines += sum(wrapped(note, inner) for note in entry.notes)
    lines += wrapped(entry.error, inner) + 1 if entry.error else 0
    return lines + (3 if entry.options else 0)


def wrapped(text: str, width: int) -> int:
    """Lines of `text` when it is wrapped at words."""
    lines = 0
    for paragraph in text.split("\n"):
        used, rows = 0, 1
        for word in paragraph.split(" "):
            size = cell_len(word)
            if used and used + 1 + size > width:
                rows, used = rows + 1, 0
            if size > width:
                rows += (size - 1) // width
                size = (size - 1) % width + 1
            used += size + bool(used)
        lines += rows
    return lines
