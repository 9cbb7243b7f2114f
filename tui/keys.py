"""The line at the bottom: the keys that mean something where the user is."""

from __future__ import annotations

from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.style import Style

from .still import Still

STAY = ("escape", "f1")
"""The way out, and to all other keys: shown wherever they mean something."""


class Keys(Still):
    """As many as there is room for: those nearest to what has the focus come first. A click is the key."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Keys { dock: bottom; height: 1; background: $background; }
    """

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        if self.app.app_focus:  # else the window is not in front: nothing has the focus, and nothing is typed
            self.refresh()

    def render(self) -> Content:
        keys: dict[str, Binding] = {}
        for active in self.screen.active_bindings.values():
            if active.binding.show:
                keys.setdefault(active.binding.action, active.binding)
        pieces = {binding.key: self._piece(binding) for binding in keys.values()}
        room = self.size.width + 1 - sum(pieces[key].cell_length for key in STAY if key in pieces)
        shown = []
        for key, piece in pieces.items():
            if key not in STAY:
                room -= piece.cell_length
            if key in STAY or room >= 0:
                shown.append(piece)
        return Content.assemble(*shown)

    def _piece(self, binding: Binding) -> Content:
        key = f" {self.app.get_key_display(binding)} "
        piece = Content.assemble((key, "bold $footer-key-foreground"), f"{binding.description} ")
        return piece.stylize(Style.from_meta({"@click": f"app.simulate_key('{binding.key}')"}))
