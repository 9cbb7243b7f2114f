"""Teaching a subject: choose pictures, give it a name."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Button, Input, Static

from ..errors import LimnerError, NeedsConsent
from .asking import Ask, complain
from .browse import PictureBrowser
from .inert import one_line
from .keys import Keys
from .pictures import Picture

if TYPE_CHECKING:
    from .app import LimnerApp

SHOWN = 8
"""Chosen pictures that are drawn."""


class TeachScreen(Screen[str | None]):
    """Answers with the new concept's name."""

    app: LimnerApp
    CSS = """
    TeachScreen { background: $background; }
    TeachScreen #lesson { height: auto; padding: 1 2 0 2; background: $panel; }
    TeachScreen #chosen { height: 5; margin-bottom: 1; }
    TeachScreen.-low #chosen { display: none; }
    TeachScreen.-low #lesson { padding: 0 2; }
    TeachScreen #chosen Picture { margin-right: 1; }
    TeachScreen #count { width: auto; height: 1; margin-right: 2; color: $foreground 60%; }
    TeachScreen #form { height: 1; }
    TeachScreen #form Input { width: 1fr; height: 1; border: none; margin-right: 2; background: $surface; }
    TeachScreen #form Button { min-width: 12; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", priority=True),
        Binding("tab", "app.focus_next", "Next field", show=False),
        Binding("ctrl+s", "teach", "Teach"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-tall")]

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__()
        self._folder = folder or Path.cwd()
        self._files: tuple[Path, ...] = ()

    def compose(self) -> ComposeResult:
        yield PictureBrowser(self._folder)
        with Vertical(id="lesson"):
            yield Horizontal(id="chosen")
            with Horizontal(id="form"):
                yield Static(id="count")
                yield Input(placeholder="Its name: Biscuit", id="name", compact=True)
                yield Input(placeholder="A noun for it: dog", id="kind", compact=True)
                yield Button("Teach", id="teach", variant="primary", compact=True)
        yield Keys()

    def on_mount(self) -> None:
        self.query_one("#files").focus()
        self._count()

    def _count(self) -> None:
        count = len(self._files)
        words = "no picture yet" if not count else f"{count} picture{'s' * (count != 1)}"
        self.query_one("#count", Static).update(words)

    @on(PictureBrowser.Marked)
    async def _marked(self, event: PictureBrowser.Marked) -> None:
        self._files = event.files
        self._count()
        chosen = self.query_one("#chosen", Horizontal)
        with self.app.batch_update():
            await chosen.remove_children()
            await chosen.mount(*(Picture(path, columns=10, rows=5) for path in self._files[:SHOWN]))
            if len(self._files) > SHOWN:
                await chosen.mount(Static(f"+ {len(self._files) - SHOWN}"))

    @on(Input.Submitted, "#name")
    def _to_kind(self) -> None:
        self.query_one("#kind").focus()

    @on(Input.Submitted, "#kind")
    @on(Button.Pressed, "#teach")
    def action_teach(self) -> None:
        """Teach it, if there are pictures and a name."""
        name = self.query_one("#name", Input).value.strip()
        if not self._files:
            self.app.notify("Choose at least one picture with the space key; three to five are good.")
            self.query_one("#files").focus()
        elif not name:
            self.app.notify("Give it a name.")
            self.query_one("#name").focus()
        else:
            self._teach(name, self.query_one("#kind", Input).value.strip())

    @work(exclusive=True, group="teach")
    async def _teach(self, name: str, kind: str, consent: bool = False) -> None:
        bridge = self.app.bridge
        told = len(bridge.notices)
        browser = self.query_one(PictureBrowser)
        browser.loading = True
        try:
            concept = await asyncio.to_thread(bridge.teach, name, self._files, kind, consent=consent)
        except NeedsConsent as error:
            browser.loading = False
            words = f"{error.text} Has {name} agreed that Limner learns and draws them?"
            if await self.app.push_screen_wait(Ask(words, "No", "They have agreed")) == "They have agreed":
                self._teach(name, kind, consent=True)
            return
        except LimnerError as error:
            complain(self.app, error)
            browser.loading = False
            return
        for text in bridge.notices[told:]:
            self.app.notify(one_line(text), markup=False, timeout=10)
        self.app.notify(
            one_line(f"{concept.name} is learned. Say what to draw: {concept.name} on the beach."), markup=False
        )
        self.dismiss(concept.name)
