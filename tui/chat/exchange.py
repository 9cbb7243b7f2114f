"""One exchange in the log: what was said, the pictures, the answer, and what there is to choose from."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.containers import ItemGrid
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Markdown, Static

from ...memory.values import Take
from ..inert import inert, inert_lines, one_line
from ..pictures import Picture
from ..still import StillHorizontal, StillStatic, StillVertical
from .cards import Strip, TakeCard
from .entries import Entry, box

if TYPE_CHECKING:
    from PIL.Image import Image

_MARKUP = re.compile(
    r"[*`\[\]|~<]|(?<!\w)_|_(?!\w)|^\s*(?:>|#{1,6}\s|[-+]\s|\d+[.)]\s)|^(?: {4}|\t)|\n\n|^[-=]{3,}", re.MULTILINE
)
"""What Markdown would draw otherwise than as it stands."""

AGAIN, LEAVE_IT = "Do it again", "Leave it"
"""What is offered for a sentence that was interrupted."""


class Options(ItemGrid):
    """Answers to a question, as buttons in as many rows as they need."""

    DEFAULT_CSS = """
    Options { height: auto; padding: 1 0 0 2; }
    Options > Button { min-width: 6; }
    """

    @dataclass
    class Chosen(Message):
        """The user's answer."""

        text: str
        options: Options

    def __init__(self, options: tuple[str, ...]) -> None:
        self.options = options
        shown = [inert(option, 40) for option in options]
        width = max(option.cell_length for option in shown) + 3
        super().__init__(
            *(Button(option, compact=True, variant="default" if at else "primary") for at, option in enumerate(shown)),
            min_column_width=width,
            max_column_width=width,
        )

    @on(Button.Pressed)
    def _choose(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(self.Chosen(self.options[self.children.index(event.button)], self))


class Exchange(StillVertical):
    """Draws an entry and lets it grow while the turn is under way."""

    DEFAULT_CSS = """
    Exchange { height: auto; padding: 0 1 1 1; }
    Exchange > .you { height: auto; padding: 0 1; margin: 0 0 1 0; background: $surface; border-left: outer $primary; }
    Exchange > .files { height: 1; padding: 0 2; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
    Exchange > .reply { height: auto; padding: 0 1; margin: 0; }
    Exchange > Markdown.reply > MarkdownBlock { margin: 0 0 1 0; }
    Exchange > Markdown.reply > MarkdownBlock:last-child { margin: 0; }
    Exchange > .pictures { height: auto; padding: 0 1; margin: 0 0 1 0; }
    Exchange > .pictures > Picture { margin: 0 2 0 0; }
    Exchange > .note { height: auto; padding: 0 1; color: $text-muted; }
    Exchange > .error { height: auto; padding: 0 1; margin: 1 0 0 0; color: $text; background: $error 15%;
        border-left: outer $error; }
    """

    @dataclass
    class Grew(Message):
        """Its height is another than before."""

        exchange: Exchange
        height: int

    def __init__(self, entry: Entry, paint: Callable[[str], Content], room: tuple[int, int]) -> None:
        """`room`: columns and rows of the log."""
        super().__init__()
        self.entry = entry
        self._heard = "" if entry.live else entry.reply.rstrip()
        self._paint = paint
        self.room = room

    def compose(self) -> ComposeResult:
        entry = self.entry
        if entry.text:
            yield StillStatic(self._paint(entry.text), classes="you", markup=False)
        if entry.files:
            yield StillStatic(inert("▣ " + "  ▣ ".join(entry.files)), classes="files", markup=False)
        if entry.pictures:
            columns, rows = box(*self.room, len(entry.pictures))
            with StillHorizontal(classes="pictures"):
                for path in entry.pictures:
                    yield Picture(path, columns=columns, rows=rows, alt="reference")
        if entry.takes:
            yield self._strip()
        if entry.reply and not entry.live:
            yield self._words(entry.reply)
        for note in entry.notes:
            yield self._note(note)
        if entry.error:
            yield self._error()
        if entry.options:
            yield Options(entry.options)

    def _strip(self) -> Strip:
        entry = self.entry
        return Strip(entry.takes, entry.cards, box(*self.room, entry.cards), self.room[0])

    def _note(self, text: str) -> Static:
        return StillStatic(inert_lines(text), classes="note", markup=False)

    def _error(self) -> Static:
        return StillStatic(inert_lines(self.entry.error), classes="error", markup=False)

    def _words(self, text: str) -> Static | Markdown:
        """The reply. Plain words need no Markdown; most replies are."""
        if _MARKUP.search(text):
            return Markdown(text, classes="reply", open_links=False)
        return StillStatic(self._paint(text), classes="reply", markup=False)

    def on_resize(self, event: events.Resize) -> None:
        self.post_message(self.Grew(self, event.size.height + 1))

    # -- while the turn is under way ---------------------------------------------------------------

    async def hear(self) -> None:
        """The reply goes on; the entry has the rest already. It is plain words until Markdown has something to draw."""
        words, before = self.entry.reply.rstrip(), self._heard
        if words == before:
            return
        self._heard = words
        shown = next(iter(self.query("Exchange > .reply")), None)
        if isinstance(shown, Static) and words and not _MARKUP.search(words):
            shown.update(self._paint(words))
        elif isinstance(shown, Markdown) and words.startswith(before):
            await shown.append(words[len(before) :])
        else:
            await self.query("Exchange > .reply").remove()
            if words:
                notes = self.query("Exchange > .note")
                await self.mount(self._words(words), before=notes.first() if notes else None)

    async def note(self, text: str) -> None:
        """Something worth knowing; the entry has it already."""
        await self.mount(self._note(text))

    async def preview(self, picture: Image, label: str) -> None:
        """The picture under way."""
        await (await self._pictures()).grow(picture, one_line(label))

    async def take(self, take: Take) -> None:
        """A picture is done; the entry has it already."""
        if self.query(Strip):
            await (await self._pictures()).add(take)
        else:
            await self._pictures()

    async def _pictures(self) -> Strip:
        strip = next(iter(self.query(Strip)), None)
        if strip is None:
            strip = self._strip()
            words = self.query("Exchange > .reply, Exchange > .note")
            with self.app.batch_update():
                await self.mount(strip, before=words.first() if words else None)
        return strip

    async def finish(self) -> None:
        """The turn is over: everything as the entry says it."""
        entry = self.entry
        with self.app.batch_update():  # one layout for all of it
            for strip in self.query(Strip):
                await strip.settle()
            await self.query("Exchange > .error, Options").remove()
            await self.hear()
            if entry.error:
                await self.mount(self._error())
            if entry.options:
                await self.mount(Options(entry.options))

    def renew(self, takes: dict[str, Take]) -> None:
        """Takes may have been rated or scored."""
        for card in self.query(TakeCard):
            if card.shown and card.shown.id in takes:
                card.show(takes[card.shown.id])
