"""All keys and commands, read from where they are defined."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.dom import DOMNode
from textual.keys import format_key
from textual.screen import Screen
from textual.widgets import Static

from .inert import inert_table
from .keys import Keys

PLACES = (
    ("Everywhere", "app", "LimnerApp"),
    ("Conversation", "chat.screen", "ChatScreen"),
    ("Your sentence", "chat.prompt", "Line"),
    ("A take in the conversation", "chat.cards", "TakeCard"),
    ("Tree of takes", "tree", "TreePanel"),
    ("One take", "viewer", "ViewerScreen"),
    ("Two takes", "compare", "CompareScreen"),
    ("Concepts", "concepts", "ConceptsScreen"),
    ("Teaching: the pictures", "browse", "PictureBrowser"),
)
"""Titles, and the classes whose keys they name."""
WORDS = (
    ("@name", "a concept: @Biscuit on the beach"),
    ("#number", "a take: like #3, but at night"),
    ("a picture's path", "typed, pasted or dropped: attaches it"),
)


def keys_of(kind: type[DOMNode]) -> Iterator[tuple[str, str]]:
    """Keys and what they do, in the order of the class; those without words are left out."""
    seen: dict[str, list[str]] = {}
    for binding in Binding.make_bindings(kind.__dict__.get("BINDINGS", ())):
        if binding.description:
            shown = [binding.key_display] if binding.key_display else [format_key(binding.key)]
            keys = seen.setdefault(binding.description, [])
            keys += [key for key in shown if key not in keys]
    for description, keys in seen.items():
        yield " ".join(keys), description


class HelpScreen(Screen[None]):
    """Two columns where there is room."""

    CSS = """
    HelpScreen { background: $background; }
    HelpScreen #all { height: 1fr; overflow-y: auto; scrollbar-size-vertical: 1; padding: 1 2; }
    HelpScreen #all > VerticalScroll { height: auto; width: 1fr; }
    HelpScreen.-narrow #all { layout: vertical; }
    HelpScreen .heading { color: $secondary; text-style: bold; }
    HelpScreen Static { height: auto; margin-bottom: 1; }
    HelpScreen .heading { margin-bottom: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f1", "app.pop_screen", "Back", key_display="esc", priority=True)
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]

    def compose(self) -> ComposeResult:
        yield Horizontal(id="all")
        yield Keys()

    async def on_resize(self, event: events.Resize) -> None:
        await self.show(event.size.width)

    async def show(self, width: int) -> None:
        """Lay the groups out in one or two columns."""
        groups = list(self._groups())
        wide = width >= 110
        room = (width - 8) // 2 - 2 if wide else width - 8
        half = sum(len(rows) + 2 for _, rows in groups) / 2
        columns: tuple[list[Static], list[Static]] = ([], [])
        lines = 0
        for title, rows in groups:
            column = columns[wide and lines > half - 2]
            column += [Static(title, classes="heading"), Static(inert_table(rows, room, "$primary"))]
            lines += len(rows) + 2
        everything = self.query_one("#all")
        everything.can_focus = True
        with self.app.batch_update():
            await everything.remove_children()
            await everything.mount(*(VerticalScroll(*column, can_focus=False) for column in columns if column))
        everything.focus()

    def _groups(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        from .chat.commands import COMMANDS

        yield "In what you say", list(WORDS)
        yield "Commands", [(f"/{command.name} {command.usage}".rstrip(), command.what) for command in COMMANDS]
        for title, module, name in PLACES:
            yield title, list(keys_of(getattr(import_module(f".{module}", __package__), name)))
