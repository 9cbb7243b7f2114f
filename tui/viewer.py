"""One take, large, beside the references of what it shows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from ..errors import LimnerError, UserError
from ..memory.values import Take
from .asking import idle, trying
from .inert import inert, inert_table, one_line
from .keys import Keys
from .pictures import Figure, Picture
from .words import marks, take_table

if TYPE_CHECKING:
    from .app import LimnerApp


def open_file(path: Path) -> None:
    """Open a file in the desktop's own program. Raises `UserError` where there is no desktop."""
    if sys.platform == "darwin":
        program = shutil.which("open")
    else:
        desktop = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        program = shutil.which("xdg-open") if desktop else None
    if program is None:
        raise UserError(f"There is no desktop here to open {path} in.", "Press y to copy its path.")
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = partial(subprocess.run, [program, str(path)], check=False, start_new_session=True, **quiet)
    threading.Thread(target=command, daemon=True).start()


class ViewerScreen(Screen[str | None]):
    """A take as large as the terminal allows. Answers with a sentence when the user goes on from it."""

    app: LimnerApp
    CSS = """
    ViewerScreen #beside { width: 34; padding: 0 1; background: $surface; }
    ViewerScreen.-narrow #beside { width: 26; }
    ViewerScreen.-tiny #beside { display: none; }
    ViewerScreen #facts { height: auto; margin-bottom: 1; }
    ViewerScreen #number { text-style: bold; color: $primary; height: auto; }
    ViewerScreen #title { height: auto; margin-bottom: 1; }
    ViewerScreen .heading { color: $secondary; text-style: bold; margin-top: 1; height: auto; }
    ViewerScreen Figure { margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Back", key_display="esc", priority=True),
        Binding("left,k", "step(-1)", "Before", key_display="←"),
        Binding("right,j", "step(1)", "Next", key_display="→"),
        Binding("enter,g", "go", "Go there"),
        Binding("plus,equals_sign", "rate(True)", "Good", key_display="+"),
        Binding("minus", "rate(False)", "Bad", key_display="-"),
        Binding("c", "compare", "Compare with what it came from", show=False),
        Binding("o", "open", "Open the file"),
        Binding("y", "copy", "Copy its path"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (50, "-narrow"), (110, "-wide")]

    def __init__(self, take: Take) -> None:
        super().__init__()
        self._take = take.id

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Picture(id="large")
            with VerticalScroll(id="beside", can_focus=False):
                yield Static(id="number")
                yield Static(id="title")
                yield Static(id="facts")
                yield Vertical(id="references")
        yield Keys()

    def on_mount(self) -> None:
        self.app.changed.subscribe(self, lambda kind: self.show() if kind == "takes" else None)
        self.show()

    def on_resize(self) -> None:
        self.show()

    def show(self) -> None:
        """Draw the take as it is now. A take that is gone closes the screen."""
        try:
            take = self.app.bridge.take(self._take)
        except LimnerError:
            self.dismiss(None)
            return
        narrow = self.app.size.width < 110
        picture = self.query_one("#large", Picture)
        if picture.source != take.image_path:
            picture.alt = f"take {take.number}"
            picture.source = take.image_path
            self.call_later(self._show_references, take)
        self.query_one("#number", Static).update(inert(f"#{take.number}  {marks(take)}"))
        self.query_one("#title", Static).update(inert(take.prompt or f"({take.origin})", 300))
        self.query_one("#facts", Static).update(
            inert_table(take_table(take, 6 if narrow else 10), 22 if narrow else 30)
        )

    async def _show_references(self, take: Take) -> None:
        shown = self.query_one("#references", Vertical)
        await shown.remove_children()
        columns = 22 if self.app.size.width < 110 else 30
        for use in take.concepts:
            await shown.mount(Static(inert(f"{use.name}, version {use.version}"), classes="heading"))
            for number, path in enumerate(self._references(use.id, use.version), 1):
                await shown.mount(Figure(path, f"reference {number}", columns=columns, rows=columns // 2))

    def _references(self, identity: str, version: int) -> tuple[Path, ...]:
        try:
            return self.app.bridge.concept_at(identity, version).references
        except LimnerError:  # forgotten since
            return ()

    def action_step(self, by: int) -> None:
        """The take before or after this one, by number."""
        numbers = [take.id for take in self.app.bridge.takes()]
        here = self.app.bridge.take(self._take).id
        place = numbers.index(here) + by
        if 0 <= place < len(numbers):
            self._take = numbers[place]
            self.show()

    def action_go(self) -> None:
        """The conversation goes on from this take."""
        if not idle(self.app):
            return
        with trying(self.app):
            self.dismiss(f"Going on from take {self.app.bridge.fork(self._take).number}.")

    def action_compare(self) -> None:
        """Beside the take that it was made from."""
        take = self.app.bridge.take(self._take)
        parent = self.app.bridge.parent(take)
        if parent is None:
            self.app.notify("It was made from no other take.")
        else:
            self.app.compare(parent, take)

    def action_rate(self, liked: bool) -> None:
        """Keep the user's verdict."""
        with trying(self.app):
            self.app.bridge.rate(self._take, liked)
            self.show()

    def action_open(self) -> None:
        """Show the file in the desktop's own program."""
        with trying(self.app):
            open_file(self.app.bridge.take(self._take).image_path)

    def action_copy(self) -> None:
        """The file's path to the clipboard, also over ssh where the terminal allows it."""
        path = self.app.bridge.take(self._take).image_path
        self.app.copy_to_clipboard(str(path))
        self.app.notify(one_line(f"Copied: {path}"), markup=False)
