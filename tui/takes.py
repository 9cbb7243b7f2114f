"""The tree of takes as a screen of its own, for terminals without room beside the conversation."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Static

from ..memory.values import Take
from .inert import inert
from .keys import Keys
from .pictures import Picture
from .tree import TreePanel


class TreeScreen(Screen[Take | None]):
    """The tree with the chosen take beside it. Answers with the take that the user went to."""

    CSS = """
    TreeScreen TreePanel { width: 1fr; }
    TreeScreen #chosen { width: 1fr; background: $background; padding: 0 1; }
    TreeScreen #chosen Static { height: auto; width: 100%; text-align: center; }
    TreeScreen.-narrow #chosen { display: none; }
    """
    BINDINGS = [Binding("escape,f2", "dismiss(None)", "Back", key_display="esc", priority=True)]
    """First of all: what is typed next is for the sentence."""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-wide")]

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield TreePanel()
            with Vertical(id="chosen"):
                yield Picture()
                yield Static()
        yield Keys()

    @on(TreePanel.Chosen)
    def _show(self, event: TreePanel.Chosen) -> None:
        picture, words = self.query_one("#chosen Picture", Picture), self.query_one("#chosen Static", Static)
        take = event.take
        picture.source = take.image_path if take else None
        words.update(inert(f"#{take.number}  {take.description or take.prompt}", 200) if take else "")

    @on(TreePanel.WentTo)
    def _back(self, event: TreePanel.WentTo) -> None:
        self.dismiss(event.take)
