"""The turn under way: its events, drawn into the log and the bar as they come."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import LimnerError
from ...memory.events import Event, Notice, Progress, Question, Reply, TakeReady, ToolStarted
from ...memory.names import clean_text
from ...memory.values import Take
from .entries import Entry
from .log import ChatLog
from .working import Working

if TYPE_CHECKING:
    from textual.timer import Timer

    from ...agent.turn import Turn


HEARD = 0.15
"""Seconds between two looks at the words of a reply that is being said."""


class LiveTurn:
    """At most one turn; its entry grows, and its view too while it is near the window."""

    def __init__(self, log: ChatLog, working: Working) -> None:
        self._log, self._working = log, working
        self._entry: Entry | None = None
        self._hearing: Timer | None = None

    async def _hear(self) -> None:
        """Draw what has been said by now."""
        self._hearing = None
        if self._entry is not None and (view := self._log.view(self._entry)):
            await view.hear()

    @property
    def live(self) -> bool:
        """A turn is under way, or its end has not been drawn yet."""
        return self._entry is not None

    def begin(self, text: str, files: tuple[Path, ...]) -> Entry:
        """The entry of a new turn, to be put into the log."""
        self._entry = Entry(text=clean_text(text), files=tuple(path.name for path in files), live=True)
        self._working.start("thinking")
        return self._entry

    async def happened(self, event: Event) -> None:
        """An event. What only the end of a turn can tell (`Failed`) is left to `over`."""
        entry = self._entry
        if entry is None:
            return
        view = self._log.view(entry)
        match event:
            case ToolStarted(tool=tool, args=args):
                self._working.tool(tool)
                count = args.get("count", 1)
                entry.drawing = max(entry.drawing, len(entry.takes) + (count if isinstance(count, int) else 1))
            case Progress(preview=preview, label=label):
                self._working.progress(event)
                if preview is not None and view:
                    await view.preview(preview, label)
            case TakeReady(take=take):
                entry.takes.append(take)
                if view:
                    await view.take(take)
            case Reply(text=text, done=False):
                entry.reply += clean_text(text)
                if self._hearing is None:  # words come one by one, and each would be a layout
                    self._hearing = self._log.set_timer(HEARD, self._hear)
            case Reply(text=text):
                entry.reply = clean_text(text).strip()
            case Notice(text=text):
                entry.notes.append(text)
                if view:
                    await view.note(text)
            case Question(options=options):
                entry.options = options

    async def over(self, turn: Turn | None, error: LimnerError | None, moved: Take | None = None) -> Entry | None:
        """The turn has ended; returns its entry. `moved`: the take that it went back to, to be seen."""
        entry, self._entry = self._entry, None
        self._working.stop()
        if entry is None:
            return None
        entry.live, entry.drawing = False, 0
        if turn is not None:
            entry.reply, entry.takes = clean_text(turn.reply).strip(), list(turn.takes)
            entry.options = turn.question.options if turn.question else ()
        if moved is not None and not entry.takes:
            entry.takes = [moved]
            if view := self._log.view(entry):
                await view.take(moved)
        if error is not None:
            entry.error = f"{error.text}\n{error.hint}".strip()
        if view := self._log.view(entry):
            await view.finish()
        return entry
