"""Two takes side by side: the pictures, what differs, the scores."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from PIL import Image as Images
from PIL import ImageChops
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from ..errors import LimnerError
from ..memory.values import Take
from .asking import complain, idle, trying
from .inert import inert, one_line
from .keys import Keys
from .pictures import Picture
from .words import SCORES, bar, duration, marks

if TYPE_CHECKING:
    from PIL.Image import Image

    from .app import LimnerApp

GLOW = (255, 90, 60)


def difference(one: Image, other: Image) -> Image:
    """Where two pictures differ: the first in faint grey, and glowing what is not the same (of one size, RGB)."""
    other = other.convert("RGB").resize(one.size)
    red, green, blue = ImageChops.difference(one.convert("RGB"), other).split()
    strongest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    heat = strongest.point([min(255, max(0, level - 8) * 2) for level in range(256)])
    ground = one.convert("L").point([round(level * 0.3 + 30) for level in range(256)]).convert("RGB")
    return Images.composite(Images.new("RGB", one.size, GLOW), ground, heat)


class CompareScreen(Screen[None]):
    """Two takes of the conversation."""

    app: LimnerApp
    CSS = """
    CompareScreen #pictures { height: 1fr; }
    CompareScreen .side { width: 1fr; padding: 0 1; }
    CompareScreen .side > .title { height: 1; text-style: bold; color: $primary; text-align: center; width: 100%; }
    CompareScreen .side > .prompt {
        height: 1; text-align: center; width: 100%; text-wrap: nowrap; text-overflow: ellipsis;
    }
    CompareScreen #change { display: none; }
    CompareScreen.-wide #change, CompareScreen.-changes #change { display: block; }
    CompareScreen.-changes #second { display: none; }
    CompareScreen.-wide.-changes #second { display: block; }
    CompareScreen #scores { height: auto; padding: 0 2; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.pop_screen", "Back", key_display="esc", priority=True),
        Binding("d,space", "changes", "What differs"),
        Binding("s", "swap", "Swap"),
        Binding("1", "go(0)", "Use the left"),
        Binding("2", "go(1)", "Use the right"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]

    def __init__(self, first: Take, second: Take) -> None:
        super().__init__()
        self._refs = [first.id, second.id]
        self._verdict = "measuring how alike they are …"

    def compose(self) -> ComposeResult:
        with Horizontal(id="pictures"):
            for name in ("first", "change", "second"):
                with Vertical(id=name, classes="side"):
                    yield Static(classes="title")
                    yield Static(classes="prompt")
                    yield Picture()
        yield Static(id="scores")
        yield Keys()

    def on_mount(self) -> None:
        self.show()
        self._measure()

    def _takes(self) -> tuple[Take, Take]:
        bridge = self.app.bridge
        return bridge.take(self._refs[0]), bridge.take(self._refs[1])

    def show(self) -> None:
        """Draw the two takes as they are now. One that is gone closes the screen."""
        try:
            takes = self._takes()
        except LimnerError as error:
            complain(self.app, error)
            self.app.pop_screen()
            return
        for name, take in zip(("first", "second"), takes, strict=True):
            side = self.query_one(f"#{name}")
            side.query_one(".title", Static).update(inert(f"#{take.number} {marks(take)}"))
            side.query_one(".prompt", Static).update(inert(take.prompt or f"({take.origin})", 80))
            picture = side.query_one(Picture)
            picture.alt, picture.source = f"take {take.number}", take.image_path
        self.query_one("#change .title", Static).update("What differs")
        self.query_one("#scores", Static).update(self._table(*takes))
        self._draw_change(*takes)

    @work(exclusive=True, group="change")
    async def _draw_change(self, first: Take, second: Take) -> None:
        def make() -> Image | None:
            try:
                return difference(first.image, second.image)
            except OSError:
                return None

        drawn = await asyncio.to_thread(make)
        picture = self.query_one("#change").query_one(Picture)
        picture.alt, picture.source = "what differs", drawn

    @work(exclusive=True, group="measure")
    async def _measure(self) -> None:
        """Ask the agent how alike they are; it may have to load a model first."""
        first, second = self._takes()
        try:
            measured = await asyncio.to_thread(self.app.bridge.compare, first.id, second.id)
        except LimnerError as error:
            self._verdict = one_line(error.text)
        else:
            better = f"; #{measured.better.number} scores higher" if measured.better else ""
            text = f"{measured.changed:.0%} of the picture changed, likeness {measured.similarity:.2f}"
            self._verdict = f"{text}{better}."
        self.show()

    def _table(self, first: Take, second: Take) -> Content:
        both = (first, second)
        lines = [self._row("", *(f"#{take.number}" for take in both))]
        for name, field in SCORES:
            pair = [getattr(take.scores, field) for take in both]
            if any(value is not None for value in pair):
                shown = ("not measured" if value is None else f"{bar(value)} {value:.2f}" for value in pair)
                lines.append(self._row(name, *shown))
        lines.append(self._row("method", *(take.method or take.origin for take in both)))
        lines.append(self._row("took", *(duration(take.seconds) for take in both)))
        return Content("\n").join([*lines, Content.styled(self._verdict, "bold")])

    @staticmethod
    def _row(name: str, *both: str) -> Content:
        style = "$foreground" if name else "bold $primary"
        return Content.assemble((f"{name:<9}", "$foreground 55%"), (f"{both[0]:<24}{both[1]}", style))

    def action_changes(self) -> None:
        """Show what differs in place of the second take, and back."""
        self.toggle_class("-changes")

    def action_swap(self) -> None:
        """The left to the right."""
        self._refs.reverse()
        self.show()

    def action_go(self, side: int) -> None:
        """Return to one of the two; what is said next goes on from it."""
        if not idle(self.app):
            return
        with trying(self.app):
            take = self.app.bridge.fork(self._refs[side])
            self.app.notify(f"You are at take {take.number} now.")
            self.app.pop_screen()
