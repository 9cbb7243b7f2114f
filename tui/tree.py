"""The tree of takes: a panel with branches and thumbnails."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..errors import LimnerError
from ..memory.values import Take
from .asking import idle, trying
from .branches import Row, lay_out
from .inert import one_line
from .pictures import AT_ONCE, Mode, Picture, strips, thumbnails
from .words import facts, marks, score_line

if TYPE_CHECKING:
    from .app import LimnerApp

THUMBS = ((84, (16, 8)), (56, (12, 6)), (0, (8, 4)))
"""Columns and rows of a thumbnail, by the panel's width or twice its height."""


class TreePanel(ScrollView, can_focus=True):
    """All takes of the conversation as a tree. What is done here is done by the bridge."""

    app: LimnerApp
    DEFAULT_CSS = """
    TreePanel { background: $surface; color: $foreground; padding: 0 1; overflow-x: hidden;
        scrollbar-size-vertical: 1; scrollbar-background: $surface; scrollbar-color: $foreground 20%; }
    TreePanel > .tree--guide { color: $foreground 35%; }
    TreePanel > .tree--number { color: $primary; text-style: bold; }
    TreePanel > .tree--here { color: $success; text-style: bold; }
    TreePanel > .tree--faint { color: $foreground 60%; }
    TreePanel > .tree--cursor { background: $foreground 10%; }
    TreePanel:focus > .tree--cursor { background: $primary 25%; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "tree--guide", "tree--number", "tree--here", "tree--faint", "tree--cursor",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "Go there"),
        Binding("f,b", "fork", "Branch"),
        Binding("v,space", "view", "Look"),
        Binding("c", "compare", "Compare"),
        Binding("plus,equals_sign", "rate(True)", "Good", key_display="+"),
        Binding("minus", "rate(False)", "Bad", key_display="-"),
        Binding("delete,x", "delete", "Delete", key_display="del"),
        Binding("u", "undelete", "Bring back", show=False),
        Binding("t", "thumbs", "Thumbnails", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("left,h", "parent", "To where it came from", show=False),
        Binding("right,l", "child", "To what came of it", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "edge(0)", "First", show=False),
        Binding("end", "edge(-1)", "Last", show=False),
    ]
    cursor: reactive[int] = reactive(0)
    tall: reactive[bool] = reactive(True)
    """With thumbnails; otherwise a line a take."""

    @dataclass
    class WentTo(Message):
        """The user is at another take now; with `words`, to say what is to become of it."""

        take: Take
        words: bool = False

    @dataclass
    class Chosen(Message):
        """The cursor is at another take."""

        take: Take | None

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self._head: str | None = None
        self._marked: str | None = None
        self._shown: dict[tuple[str, Mode, tuple[int, int]], list[Strip]] = {}

    def on_mount(self) -> None:
        self.app.changed.subscribe(self, self._changed)
        self.reload()
        self.go_to_head()

    def _changed(self, kind: str) -> None:
        if kind in ("takes", "session"):
            before = self.take
            self.reload()
            if before is None or kind == "session":
                self.go_to_head()

    def reload(self) -> None:
        """Draw the takes as they are now; the cursor stays at its take, or goes to the newest of new ones."""
        bridge = self.app.bridge
        here, known = self.take, len(self.rows)
        try:
            takes, head = bridge.takes(), bridge.head
        except LimnerError:  # the library is not open yet
            takes, head = [], None
        self.rows = lay_out(takes, bridge.parent) if takes else []
        self._head = head.id if head else None
        places = {row.take.id: place for place, row in enumerate(self.rows)}
        wanted = self._head if len(self.rows) > known else (here.id if here else None)
        self.cursor = places.get(wanted or "", min(self.cursor, max(len(self.rows) - 1, 0)))
        if self._marked not in places:
            self._marked = None
        self._resize()
        self.refresh()

    def go_to_head(self) -> None:
        """Put the cursor on the take that the user is at."""
        for place, row in enumerate(self.rows):
            if row.take.id == self._head:
                self.cursor = place

    @property
    def take(self) -> Take | None:
        """The take under the cursor."""
        return self.rows[self.cursor].take if self.cursor < len(self.rows) else None

    @property
    def thumb(self) -> tuple[int, int]:
        """Columns and rows of a thumbnail here."""
        room = min(self.size.width, 2 * self.size.height)
        return next(cells for width, cells in THUMBS if room >= width)

    @property
    def pictured(self) -> bool:
        """Whether there are thumbnails."""
        return self.tall and self.app.pictures != "none"

    @property
    def height_of_row(self) -> int:
        """Lines that one take fills."""
        return self.thumb[1] + 1 if self.pictured else 2

    def _resize(self) -> None:
        width = self.scrollable_content_region.width
        self.virtual_size = Size(width, max(len(self.rows) * self.height_of_row, 1))

    @property
    def _take_marked(self) -> Take | None:
        return next((row.take for row in self.rows if row.take.id == self._marked), None)

    def on_resize(self) -> None:
        self._resize()
        self._see_cursor()

    def watch_cursor(self) -> None:
        self._see_cursor()
        self.post_message(self.Chosen(self.take))
        self.refresh()

    def watch_tall(self) -> None:
        self._resize()
        self._see_cursor()
        self.refresh()

    def _see_cursor(self) -> None:
        height = self.height_of_row
        self.scroll_to_region(Region(0, self.cursor * height, 1, height), animate=False, force=True)

    # -- drawing ----------------------------------------------------------------------------------

    def _style(self, name: str, *, chosen: bool) -> Style:
        """A component's style on the row's ground; half-transparent colours are mixed here."""
        ground = self.background_colors[1]
        if chosen:
            ground = ground + self.get_component_styles("tree--cursor").background
        styles = self.get_component_styles(f"tree--{name}") if name else self.styles
        colour = (ground + styles.color).rich_color
        return Style(color=colour, bgcolor=ground.rich_color) + styles.text_style

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        place, line = divmod(y + self.scroll_offset.y, self.height_of_row)
        if place >= len(self.rows):
            words = "Nothing is drawn yet." if not self.rows and y == 0 else ""
            return Strip([Segment(words[:width], self._style("faint", chosen=False))]).adjust_cell_length(
                width, self._style("", chosen=False)
            )
        row = self.rows[place]
        chosen = place == self.cursor and line < max(self.height_of_row - 1, 2)
        segments = [*self._guide(row, line, chosen), *self._cells(row, line)]
        used = sum(segment.cell_length for segment in segments)
        segments += [
            Segment(text, self._style(name, chosen=chosen))
            for text, name in self._words(row, line, max(width - used, 0), place == self.cursor)
        ]
        ground = self._style("", chosen=chosen)
        return Strip(segments).apply_style(Style(bgcolor=ground.bgcolor)).adjust_cell_length(width, ground)

    def _guide(self, row: Row, line: int, chosen: bool) -> list[Segment]:
        faint = self._style("guide", chosen=chosen)
        if line:
            return [Segment(f"{row.rest} ", faint)]
        here = row.take.id == self._head
        dot = self._style("here", chosen=chosen) if here else faint
        return [Segment(row.first[:-1], faint), Segment("◆ " if here else "● ", dot)]

    def _cells(self, row: Row, line: int) -> list[Segment]:
        """One line of the thumbnail."""
        columns, rows = self.thumb
        if not self.pictured:
            return []
        drawn = self._thumb(row.take) if line < rows else []
        return [*(drawn[line] if line < len(drawn) else [Segment(" " * columns)]), Segment(" ")]

    def _thumb(self, take: Take) -> list[Strip]:
        """The thumbnail's lines; empty until its file is read."""
        key = (take.id, self.app.pictures, self.thumb)
        if key not in self._shown:
            size = thumbnails.size(take.image_path)
            self._shown[key] = []
            if size is not None and size[0] * size[1] <= AT_ONCE:
                self._shown[key] = strips(self.app, take.image_path, self.thumb, self.app.pictures)
            elif size is not None:
                self._read(take, *key[1:])
        return self._shown[key]

    @work(group="thumbs")
    async def _read(self, take: Take, mode: Mode, cells: tuple[int, int]) -> None:
        await asyncio.to_thread(thumbnails.make, take.image_path, Picture.pixels(mode, cells))
        self._shown[take.id, mode, cells] = strips(self.app, take.image_path, cells, mode)
        self.refresh()

    def _words(self, row: Row, line: int, width: int, chosen: bool) -> list[tuple[str, str]]:
        """One line of what is said of a take, as texts with the names of their styles."""
        take = row.take
        prompt = one_line(take.prompt or take.description or f"({take.origin})")
        pointer = f"{'▸' if chosen else ' '}#{take.number} {'⇄ ' if take.id == self._marked else ''}"
        room = max(width - len(pointer), 1)
        if line == 0:
            return [(pointer[:width], "number"), (one_line(prompt, room), "")]
        here = "you are here" if take.id == self._head else ""
        if not self.pictured:
            text = " · ".join(filter(None, (here, marks(take), facts(take))))
            return [(f"   {one_line(text, max(width - 3, 1))}", "here" if here else "faint")]
        measured = score_line(take.scores, width - 1)
        lines = [(facts(take), "faint"), (measured, "faint"), (marks(take), "faint"), (here, "here")]
        lines = [item for item in lines if item[0]][: self.thumb[1] - 1]
        text, style = lines[line - 1] if line <= len(lines) else ("", "")
        return [(f" {one_line(text, max(width - 1, 1))}", style)] if text else []

    # -- moving -----------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        self.cursor = max(0, min(self.cursor + by, len(self.rows) - 1))

    def action_page(self, by: int) -> None:
        self.action_move(by * max(self.size.height // self.height_of_row, 1))

    def action_edge(self, place: int) -> None:
        self.cursor = max(0, len(self.rows) - 1) if place else 0

    def action_parent(self) -> None:
        if self.rows and (parent := self.rows[self.cursor].parent) is not None:
            self.cursor = parent

    def action_child(self) -> None:
        if self.cursor + 1 < len(self.rows) and self.rows[self.cursor + 1].parent == self.cursor:
            self.cursor += 1

    def action_thumbs(self) -> None:
        self.tall = not self.tall

    def on_click(self, event: Any) -> None:
        place = (event.get_content_offset_capture(self).y + self.scroll_offset.y) // self.height_of_row
        if place < len(self.rows):
            again, self.cursor = place == self.cursor, place
            if event.chain == 2 and again:
                self.action_view()

    # -- doing ------------------------------------------------------------------------------------

    def _free(self) -> Take | None:
        """The chosen take, unless there is none or a turn is under way."""
        return self.take if self.take is not None and idle(self.app) else None

    def action_go(self) -> None:
        """Return to the take; what is said next goes on from it."""
        self._go(words=False)

    def action_fork(self) -> None:
        """Return to the take and say what is to become of it."""
        self._go(words=True)

    def _go(self, *, words: bool) -> None:
        if take := self._free():
            with trying(self.app):
                self.app.bridge.fork(take.id)
                self.reload()
                self.post_message(self.WentTo(take, words))

    def action_view(self) -> None:
        """The take large, beside its references."""
        if take := self.take:
            from .viewer import ViewerScreen

            self.app.push_screen(ViewerScreen(take), self._viewed)

    def _viewed(self, answer: str | None) -> None:
        if answer and self.take:
            self.post_message(self.WentTo(self.app.bridge.head or self.take))

    def action_compare(self) -> None:
        """Mark a take; with another one marked, show the two side by side."""
        take, marked = self.take, self._take_marked
        if take is None:
            return
        self._marked = take.id if marked is None else None
        self.refresh()
        if marked is None:
            self.app.notify(f"Press c at the take to compare take {take.number} with.")
        elif marked.id != take.id:
            self.app.compare(marked, take)

    def action_rate(self, liked: bool) -> None:
        """Keep the user's verdict."""
        if take := self.take:
            with trying(self.app):
                self.app.bridge.rate(take.id, liked)
                self.reload()

    def action_delete(self) -> None:
        """Delete the take; it can be brought back until Limner ends."""
        if take := self._free():
            with trying(self.app):
                self.app.bridge.delete(take.id)
                self.reload()
                self.app.notify(f"Take {take.number} is deleted. Press u here to bring it back.", timeout=8)

    def action_undelete(self) -> None:
        """Bring the last deleted take back."""
        with trying(self.app):
            take = self.app.bridge.undelete()
            self.reload()
            self.cursor = next(place for place, row in enumerate(self.rows) if row.take.id == take.id)
            self.app.notify(f"Take {take.number} is back.")
