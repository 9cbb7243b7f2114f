"""Widgets of which one layout is enough."""

from __future__ import annotations

from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widget import Widget
from textual.widgets import Static


class Still(Widget):
    """A widget that does not scroll.

    When a layout has given a widget another size, Textual asks for a second layout and draws the whole region again:
    scrollbars may have come or gone. Without any, that is work for nothing, while keys wait for it.
    """

    virtual_size = Reactive(Size(0, 0), layout=False, repaint=False)
    auto_links = Reactive(False)


class StillVertical(Vertical, Still):
    """One below the other."""


class StillHorizontal(Horizontal, Still):
    """Side by side."""


class StillStatic(Static, Still):
    """Words."""
