"""The line at the top: which conversation, which models, who leads the talk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from ..inert import one_line

if TYPE_CHECKING:
    from ..app import LimnerApp


class TopBar(Static):
    """Name and conversation to the left, models and planner to the right."""

    app: LimnerApp
    DEFAULT_CSS = """
    TopBar { height: 1; padding: 0 2; background: $surface; color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__("", markup=False)

    def show(self) -> None:
        """As things are now."""
        bridge = self.app.bridge
        left = Content.assemble(("Limner", "$primary bold"), "  ", one_line(bridge.name, 30))
        right = f"{one_line(Path(bridge.preset).stem, 30)} · {one_line(bridge.planner or 'offline', 30)}"
        right += " · read only" if bridge.read_only else ""
        gap = max(2, self.app.size.width - 4 - left.cell_length - len(right))
        self.update(Content.assemble(left, " " * gap, right))

    def on_resize(self) -> None:
        self.show()
