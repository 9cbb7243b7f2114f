"""The sentence for a window that is too small."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

LEAST = (40, 12)
"""Columns and rows below which there is nothing sensible to draw."""


class TooSmall(ModalScreen[None]):
    """Stands in front of everything until the window is larger."""

    DEFAULT_CSS = """
    TooSmall { align: center middle; background: $background; }
    TooSmall > Static { width: 100%; text-align: center; }
    """

    def compose(self) -> ComposeResult:
        yield Static(f"Limner needs a little more room:\n{LEAST[0]} x {LEAST[1]} or larger.", markup=False)
