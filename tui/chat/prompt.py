"""The input: several lines, history, completion, pictures that are pasted or dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import ItemGrid, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from ..echo import echo
from ..inert import inert, one_line
from .completion import Candidate, Sources, complete, dropped
from .tokens import Kind, tokens

LONGEST = 20_000
"""Characters of one sentence; the agent takes no more."""
CHIP = 25
"""Columns of an attached picture's button."""
KEPT = 500
"""Sentences that the history holds."""
EDITING = {binding.key: binding.action for binding in Binding.make_bindings(TextArea.BINDINGS)}
"""Textual's own keys for moving and deleting."""


class Line(TextArea):
    """The text area. Enter sends; Shift+Enter, Alt+Enter or Ctrl+J begin a new line."""

    DEFAULT_CSS = """
    Line { height: auto; max-height: 8; border: none; padding: 0; background: $surface; }
    Line:focus { border: none; }
    """
    BINDINGS = [
        Binding("enter", "send", "Send"),
        Binding("shift+enter,alt+enter,ctrl+j", "newline", "New line", key_display="^j"),
    ]
    KEYS = {
        "enter": "send",
        "shift+enter": "newline",
        "alt+enter": "newline",
        "ctrl+j": "newline",
        "tab": "complete",
        "up": "up",
        "down": "down",
        "pageup": "page_up",
        "pagedown": "page_down",
    }
    """Handled where letters are, in their order: a binding with priority would overtake letters still in the queue."""

    @dataclass
    class Sent(Message):
        """Enter was pressed; the line is empty again, so that one may type on at once."""

        text: str

    @dataclass
    class Moved(Message):
        """A key for the list of candidates (`by`), or to accept one (0)."""

        by: int

    @dataclass
    class Paged(Message):
        """The log is to be scrolled by pages."""

        by: int

    @dataclass
    class Dropped(Message):
        """Pictures were pasted or dropped."""

        paths: list[Path]

    def __init__(self) -> None:
        super().__init__(soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False, compact=True)
        self.names: tuple[str, ...] = ()
        self.numbers: frozenset[int] = frozenset()
        self.choosing = False
        """The list of candidates is open: the arrows and Tab belong to it."""
        self.chosen = False
        """Enter belongs to it too: the user has moved in it, or a command is half typed."""
        self.look: Callable[[], None] = lambda: None
        """Brings the list of candidates up to date; it comes a moment after the letters."""
        self.greeting: Callable[[int], bool] | None = None
        """Takes the arrows (-1, 1) and Enter (0) while the line is empty; says whether it could use them."""
        self._history: list[str] = []
        self._at = 0
        self._draft = ""

    def get_line(self, line_index: int) -> Text:
        """A line with its tokens coloured."""
        line = super().get_line(line_index)
        colours = self.app.theme_variables
        styles: dict[Kind, str] = {
            "command": colours.get("primary", ""),
            "concept": f"bold {colours.get('accent', '')}",
            "take": f"bold {colours.get('secondary', '')}",
        }
        for start, end, kind in tokens(line.plain, self.names, self.numbers):
            if kind != "command" or line_index == 0:
                line.stylize(styles[kind], start, end)
        return line

    def recolour(self, names: tuple[str, ...], numbers: frozenset[int]) -> None:
        """Other concepts and takes exist now."""
        if (names, numbers) != (self.names, self.numbers):
            self.names, self.numbers = names, numbers
            self._line_cache.clear()
            self.refresh()

    def remember(self, text: str) -> None:
        """A sentence for the history."""
        if text.strip() and (not self._history or self._history[-1] != text):
            self._history = [*self._history, text][-KEPT:]
        self._at = len(self._history)

    @property
    def before(self) -> str:
        """The text before the cursor."""
        return self.get_text_range((0, 0), self.cursor_location)

    def _nothing_said(self, by: int) -> bool:
        """Whether a key in the empty line was meant for the greeting."""
        return not self.text and self.greeting is not None and self.greeting(by)

    def action_send(self) -> None:
        if self._nothing_said(0):
            return
        if self.choosing and self.chosen:
            self.post_message(self.Moved(0))
        else:
            text, self.text = self.text.strip(), ""
            if text:
                self.remember(text)
                self.post_message(self.Sent(text))

    async def _on_key(self, event: events.Key) -> None:
        if action := self.KEYS.get(event.key):
            event.stop()
            event.prevent_default()
            self.look()
            getattr(self, f"action_{action}")()
        elif action := EDITING.get(event.key):  # in their order, too: else "ab", Backspace, "c" may end as "ab"
            event.stop()
            event.prevent_default()
            await self.run_action(action)

    def _check_refresh(self) -> None:
        if self._repaint_required and self.is_attached and echo(self):
            self._repaint_required = False
        super()._check_refresh()

    def action_page_up(self) -> None:
        self.post_message(self.Paged(-1))

    def action_page_down(self) -> None:
        self.post_message(self.Paged(1))

    def action_newline(self) -> None:
        self.insert("\n")

    def action_complete(self) -> None:
        if self.choosing:
            self.post_message(self.Moved(0))
        elif not self.text:
            self.screen.focus_next()

    def action_up(self) -> None:
        if self._nothing_said(-1):
            return
        if self.choosing:
            self.post_message(self.Moved(-1))
        elif self.cursor_location[0] == 0 and self._at > 0:
            if self._at == len(self._history):
                self._draft = self.text
            self._recall(self._at - 1)
        else:
            self.action_cursor_up()

    def action_down(self) -> None:
        if self._nothing_said(1):
            return
        if self.choosing:
            self.post_message(self.Moved(1))
        elif self.cursor_location[0] == self.document.line_count - 1 and self._at < len(self._history):
            self._recall(self._at + 1)
        else:
            self.action_cursor_down()

    def _recall(self, at: int) -> None:
        self._at = at
        self.text = self._history[at] if at < len(self._history) else self._draft
        self.move_cursor(self.document.end)

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        if paths := dropped(event.text):
            self.post_message(self.Dropped(paths))
        elif len(event.text) + len(self.text) > LONGEST:
            words = f"That text has {len(event.text):,} characters; a sentence has at most {LONGEST:,}."
            self.notify(words, severity="warning", markup=False)
        else:
            lines = event.text.replace("\r\n", "\n").replace("\r", "\n")  # most terminals paste line ends as returns
            self.insert("".join(char for char in lines if char in "\n\t" or char.isprintable()))


class Prompt(Vertical):
    """The line with what belongs to it: attached pictures above, candidates above that."""

    DEFAULT_CSS = """
    Prompt { height: auto; background: $surface; border-left: outer $primary; margin: 0 1; padding: 0 1; }
    Prompt.-asked { border-left: outer $accent; }
    Prompt > .attached { height: auto; max-height: 4; overflow-y: auto; display: none; }
    Prompt > .attached.-some { display: block; }
    Prompt > .next { height: 1; color: $text-muted; display: none; }
    Prompt > .next.-some { display: block; }
    Prompt > OptionList { height: auto; max-height: 8; display: none; border: none; padding: 0;
        background: $panel; scrollbar-size-vertical: 1; }
    Prompt > OptionList.-some { display: block; }
    Prompt > OptionList > .option-list--option-highlighted {
        background: $block-cursor-background; color: $block-cursor-foreground;
    }
    """

    @dataclass
    class Said(Message):
        """The user has said something."""

        text: str
        files: tuple[Path, ...]

    def __init__(self, sources: Callable[[], Sources]) -> None:
        super().__init__()
        self._sources = sources
        self._candidates: list[Candidate] = []
        self.files: list[Path] = []
        """Attached pictures."""
        self.line = Line()
        self.line.look = self.look
        self._looked: tuple[str, str] | None = None
        """The text, and the part before the cursor, that the candidates are for."""
        self._list = OptionList(markup=False)
        self._list.can_focus = False
        self._chips = ItemGrid(classes="attached", min_column_width=CHIP, max_column_width=CHIP)
        self._next = Static("", classes="next", markup=False)

    def compose(self) -> ComposeResult:
        yield self._list
        yield self._next
        yield self._chips
        yield self.line

    def say_instead(self, text: str) -> None:
        """Put words into the input."""
        self.line.text = text
        self.line.move_cursor(self.line.document.end)
        self.line.focus()

    async def attach(self, paths: list[Path]) -> None:
        """Pictures that go with the next sentence."""
        self.files = list(dict.fromkeys([*self.files, *paths]))[:16]
        await self._show_files()

    async def _show_files(self) -> None:
        await self._chips.remove_children()
        for path in self.files:
            name = one_line(path.name, CHIP - 7)
            await self._chips.mount(Button(inert(f"▣ {name} ✕"), compact=True, tooltip="Take it away"))
        self._chips.set_class(bool(self.files), "-some")

    @on(Button.Pressed)
    async def _take_away(self, event: Button.Pressed) -> None:
        event.stop()
        del self.files[self._chips.children.index(event.button)]
        await self._show_files()
        self.line.focus()

    @on(Line.Dropped)
    async def _take_in(self, message: Line.Dropped) -> None:
        message.stop()
        await self.attach(message.paths)

    @on(Line.Sent)
    async def _send(self, message: Line.Sent) -> None:
        message.stop()
        files, self.files = tuple(self.files), []
        await self._show_files()
        self.post_message(self.Said(message.text, files))

    async def give_back(self, said: Said) -> None:
        """What was said cannot be said now: it is in the input again, before what was typed since."""
        self.say_instead(f"{said.text} {self.line.text}".strip())
        await self.attach([*said.files, *self.files])

    def next(self, said: Said | None) -> None:
        """Show what will be said when that is possible; `None`: nothing waits."""
        words = one_line(said.text, max(20, self.size.width - 12)) if said else ""
        self._next.update(Content(f"next: {words}"))
        self._next.set_class(said is not None, "-some")

    # -- completion --------------------------------------------------------------------------------

    @on(TextArea.Changed)
    @on(TextArea.SelectionChanged)
    def _look(self, message: Message) -> None:
        message.stop()
        self.look()

    def look(self) -> None:
        """Offer what completes the sentence as it is now."""
        now = self.line.text, self.line.before
        if now != self._looked:
            self._looked = now
            self.offer(complete(now[1], self._sources()) if now[0] else [])

    def offer(self, candidates: list[Candidate]) -> None:
        """Show candidates; none closes the list."""
        if candidates == self._candidates:
            return
        self._candidates = candidates
        self.line.choosing = bool(candidates)
        self.line.chosen = bool(candidates) and candidates[0].text.startswith("/") and not candidates[0].start
        self._list.set_class(bool(candidates), "-some")
        self._list.clear_options()
        width = max(20, self.size.width - 4)
        for item in candidates:
            label = one_line(item.label, width)
            hint = one_line(item.hint, max(width - len(label) - 3, 1)) if item.hint else ""
            self._list.add_option(Option(Content.assemble(label, "   ", (hint, "$foreground 60%"))))
        if candidates:
            self._list.highlighted = 0

    @on(Line.Moved)
    def _choose(self, message: Line.Moved) -> None:
        message.stop()
        self.line.chosen |= bool(message.by)
        if message.by < 0:
            self._list.action_cursor_up()
        elif message.by > 0:
            self._list.action_cursor_down()
        elif self._list.highlighted is not None:
            self._accept(self._list.highlighted)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._accept(event.option_index)
        self.line.focus()

    def _accept(self, index: int) -> None:
        candidate, before = self._candidates[index], self.line.before
        row, column = self.line.cursor_location
        start = column - (len(before) - candidate.start)
        self.line.replace(candidate.text, (row, start), (row, column))
        self.line.move_cursor((row, start + len(candidate.text)))
