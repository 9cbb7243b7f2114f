"""The first thing a new user sees: what this is, and three things to try."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from ...memory.values import Concept
from ..inert import inert
from ..lesson import Lesson
from .entries import Entry
from .exchange import AGAIN, Options

if TYPE_CHECKING:
    from .screen import ChatScreen

TRY = (
    ("lesson", "Meet {name}", "A storybook {kind}, learned at once from three pictures."),
    ("draw", "Draw something", "“a red cat in the snow, wearing a scarf”"),
    ("teach", "Teach your own subject", "Choose a few pictures of it, and give it a name."),
)


class Suggestion(Static):
    """One thing to try. A click chooses it; Enter does where the mark is."""

    DEFAULT_CSS = """
    Suggestion { width: 100%; height: auto; padding: 1 2; margin: 0 0 1 0; background: $surface;
        border-left: outer $panel; }
    Suggestion.-on { border-left: outer $primary; background: $primary 15%; }
    Suggestion:hover { background: $panel; }
    """

    @dataclass
    class Chosen(Message):
        """ "lesson", "draw" or "teach"."""

        what: str

    def __init__(self, what: str, title: str, words: str) -> None:
        super().__init__(Content.assemble((title, "$primary bold"), "\n", (words, "$foreground 65%")), markup=False)
        self.what = what

    def on_click(self) -> None:
        self.choose()

    def choose(self) -> None:
        """This one."""
        self.post_message(self.Chosen(self.what))


class Greeting(Vertical):
    """Shown while the conversation is empty."""

    DEFAULT_CSS = """
    Greeting { height: 1fr; padding: 0 2; align: center middle; overflow-y: auto; }
    Greeting > * { max-width: 72; }
    Greeting > .words { height: auto; padding: 0 0 1 0; }
    Greeting > .title { height: auto; color: $foreground; text-style: bold; }
    Greeting.-short > Suggestion { padding: 0 2; }
    Greeting > .tip { height: auto; color: $text-muted; }
    """

    def __init__(self, lesson: Lesson | None, known: tuple[str, ...], *, short: bool) -> None:
        """`known`: what has been taught already; `short` for low windows."""
        super().__init__()
        self._lesson, self._known = lesson, known
        self.set_class(short, "-short")

    def compose(self) -> ComposeResult:
        yield Static("Limner learns your subjects and draws them while you talk.", classes="title", markup=False)
        if self._known:
            yield Static(inert(f"It knows {', '.join(self._known[:6])}. Say what to draw."), classes="words")
        else:
            yield Static("Three things to try; Enter or a click begins one.", classes="words", markup=False)
        for what, title, words in TRY:
            if what == "lesson":
                if self._lesson is None or self._lesson.name in self._known:
                    continue
                title, words = title.format(name=self._lesson.name), words.format(kind=self._lesson.kind)
            yield Suggestion(what, title, words)
        yield Static("Or just type. A picture that is dropped here can be changed.", classes="tip", markup=False)


class Welcome:
    """Shows the greeting while there is nothing else to show, and does what is chosen in it."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._learning = False

    async def show(self, empty: bool) -> None:
        """The greeting when the conversation is empty, else the log."""
        screen = self._screen
        await screen.query(Greeting).remove()
        screen.log_view.display = not empty
        if not empty:
            return
        names = tuple(concept.name for concept in screen.bridge.concepts())
        greeting = Greeting(screen.app.lesson, names, short=screen.app.size.height < 24)
        await screen.query_one("#talk").mount(greeting, before=screen.log_view)
        if not names:
            greeting.query(Suggestion).first().add_class("-on")

    def nudge(self, by: int) -> bool:
        """An arrow moves the mark, Enter (0) chooses, also to go on after an interruption.

        False when there is nothing to choose from.
        """
        found = list(self._screen.query(Suggestion))
        if not found:
            offered = [options for options in self._screen.query(Options) if AGAIN in options.options]
            if offered and by == 0:
                offered[-1].query(Button).first().press()
            return bool(offered) and by == 0
        at = next((index for index, item in enumerate(found) if item.has_class("-on")), None)
        if by == 0 and at is not None:
            found[at].choose()
        elif by:
            to = (at + by) % len(found) if at is not None else 0
            for index, item in enumerate(found):
                item.set_class(index == to, "-on")
            found[to].scroll_visible(animate=False)
        return True

    async def begin(self, what: str) -> None:
        """One of the things to try."""
        screen, lesson = self._screen, self._screen.app.lesson
        if what == "teach":
            screen.app.teach()
        elif what == "draw":
            await screen.say("a red cat in the snow, wearing a scarf")
        elif lesson is not None and not self._learning:
            self._learning = True
            screen.do("learning", partial(self._learn, lesson), "", self._taught)

    def _learn(self, lesson: Lesson) -> Concept:
        """Slow."""
        try:
            with TemporaryDirectory(prefix="limner-lesson-") as folder:
                return self._screen.bridge.teach(lesson.name, lesson.pictures(Path(folder)), lesson.kind)
        finally:
            self._learning = False

    async def _taught(self, concept: Concept) -> None:
        """The lesson is over: what was learned, and a sentence to go on with."""
        lesson = self._screen.app.lesson
        assert lesson is not None
        words = f"This is {concept.name}, a {concept.kind} that no model has seen."
        typed = self._screen.prompt.line.text
        words += f" Say: {lesson.then}" if typed else " Enter sends the sentence below."
        await self._screen.add(Entry(notes=[words], pictures=concept.references))
        if not typed:
            self._screen.prompt.say_instead(lesson.then)
