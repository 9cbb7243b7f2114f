"""The log of the conversation. Only what is near the window exists as widgets; the rest is two spacers.

Heights of what was never shown are estimated; when an exchange above the window turns out taller or shorter,
the scroll position moves with it, so that nothing jumps.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from textual import events, on
from textual._arrange import DockArrangeResult
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.timer import Timer
from textual.widgets import Static

from ...memory.values import Take
from ..inert import inert_lines
from ..still import Still
from .entries import Entry, estimate
from .exchange import Exchange
from .tokens import painted

MARGIN = 1.0
"""So many windows above and below are kept ready."""
SETTLE = 0.08
"""Seconds without another resize before the log is laid out anew."""


class ChatLog(VerticalScroll, Still, can_focus=False):
    """Entries as exchanges, newest at the bottom."""

    DEFAULT_CSS = """
    ChatLog { height: 1fr; scrollbar-size-vertical: 1; padding: 1 0 0 0; align: left bottom; }
    ChatLog > .spacer { height: 0; width: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self.names: tuple[str, ...] = ()
        """Names of concepts, to be coloured."""
        self.numbers: frozenset[int] = frozenset()
        """Numbers of takes, to be coloured."""
        self._heights: list[int] = []
        self._views: dict[int, Exchange] = {}
        self._room = (0, 0)
        self._arranging = self._again = False
        self._settling: Timer | None = None
        self._above = Static(classes="spacer")
        self._below = Static(classes="spacer")

    def compose(self) -> ComposeResult:
        yield self._above
        yield self._below

    def arrange(self, size: Size, optimal: bool = False) -> DockArrangeResult:
        """The end of the log is found by the height it gets now: by the one before, it takes a second layout."""
        if not optimal and self._container_size:
            self._container_size = self._container_size.with_height(size.height)
        return super().arrange(size, optimal)

    # -- what is shown -----------------------------------------------------------------------------

    async def show(self, entries: Iterable[Entry]) -> None:
        """A conversation: show its end."""
        self.entries = list(entries)
        await self._rebuild()

    async def append(self, entry: Entry) -> None:
        """A new exchange at the end, in sight."""
        self.entries.append(entry)
        self._heights.append(estimate(entry, *self._room))
        self.anchor()
        await self._arrange()

    def view(self, entry: Entry) -> Exchange | None:
        """The widget of an entry, when it exists at the moment."""
        return next((view for view in self._views.values() if view.entry is entry), None)

    def renew(self, takes: Iterable[Take]) -> None:
        """Takes have changed: captions follow, deleted ones stay until the log is shown again."""
        known = {take.id: take for take in takes}
        for entry in self.entries:
            entry.takes = [known.get(take.id, take) for take in entry.takes]
        for view in self._views.values():
            view.renew(known)

    async def _rebuild(self) -> None:
        self._room = self._space()
        self._heights = [estimate(entry, *self._room) for entry in self.entries]
        views, self._views = list(self._views.values()), {}
        for view in views:
            await view.remove()
        self._above.styles.height = 0
        self._below.styles.height = 0
        self.anchor()
        self.call_after_refresh(self._arrange)

    def _space(self) -> tuple[int, int]:
        """Columns and rows that pictures may count on, whatever else is open at the moment."""
        return max(20, self.size.width), max(8, self.app.size.height - 5)

    # -- the window --------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Pictures and wrapped words depend on the size; in a storm of resizes only the last one counts."""
        if self._settling is not None:
            self._settling.stop()
        if self._room != self._space():
            self._settling = self.set_timer(SETTLE, self._rebuild)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value) and self.entries:
            # What comes into sight is there already, as a rule: first the frame, then what will be near next.
            (self.call_after_refresh if self._covered(new_value) else self.call_next)(self._arrange)

    def _covered(self, start: float) -> bool:
        """Whether everything that a window from line `start` on shows exists as widgets."""
        first, last = min(self._views, default=0), max(self._views, default=-1)
        top, bottom = sum(self._heights[:first]), sum(self._heights[: last + 1])
        return top <= start and start + self.size.height <= max(bottom, self.size.height)

    def _wanted(self) -> range:
        """The entries near the window."""
        height = self._room[1]
        ends = list(accumulate(self._heights))
        following = self.is_anchored and not self._anchor_released
        start = max(0, ends[-1] - height) if following else self.scroll_y
        top, bottom = start - MARGIN * height, start + (1 + MARGIN) * height
        first = next((index for index, end in enumerate(ends) if end > top), len(ends) - 1)
        last = next((index for index, end in enumerate(ends) if end >= bottom), len(ends) - 1)
        return range(first, last + 1)

    async def _arrange(self) -> None:
        """Make the widgets that are wanted, drop the others, and size the spacers for the rest."""
        if self._arranging:
            self._again = True
            return
        self._arranging = True
        try:
            while True:
                self._again = False
                if self.entries and self._room[0]:
                    await self._swap(self._wanted())
                if not self._again:
                    break
        finally:
            self._arranging = False

    async def _swap(self, wanted: range) -> None:
        gone = [index for index in self._views if index not in wanted]
        new = [index for index in wanted if index not in self._views]
        if not new:
            return  # what is far away by now can wait for the next time: it would be a layout of its own
        with self.app.batch_update():
            if gone:
                await self.remove_children([self._views.pop(index) for index in gone])
            kept = min(self._views, default=wanted.stop)
            made = {index: Exchange(self.entries[index], self.paint, self._room) for index in new}
            before = [made[index] for index in new if index < kept]
            after = [made[index] for index in new if index > kept]
            self._views = dict(sorted((self._views | made).items()))
            if before:
                await self.mount(*before, after=self._above)
            if after:
                await self.mount(*after, before=self._below)
            self._above.styles.height = sum(self._heights[: wanted.start])
            self._below.styles.height = sum(self._heights[wanted.stop :])

    @on(Exchange.Grew)
    def _learn(self, message: Exchange.Grew) -> None:
        """The true height of an exchange. What is in sight stays where it is."""
        message.stop()
        index = next((index for index, view in self._views.items() if view is message.exchange), None)
        if index is None:
            return
        more = message.height - self._heights[index]
        self._heights[index] = message.height
        end = sum(self._heights[: index + 1])
        following = self.is_anchored and not self._anchor_released
        if more and not following and end <= self.scroll_y + more:
            self.scroll_to(y=self.scroll_y + more, animate=False, force=True, immediate=True)

    def paint(self, text: str) -> Content:
        """Words from outside, with names and takes coloured and nothing else in them alive."""
        return painted(inert_lines(text).plain, self.names, self.numbers)
