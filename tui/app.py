"""The application: opens the library, holds the screens, keys, themes and the command palette."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from signal import SIGHUP, SIGINT, SIGTERM

from textual import events, on, work
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.notifications import Notify
from textual.screen import Screen
from textual.signal import Signal
from textual.widgets import TextArea

from ..errors import LimnerError, Locked
from ..memory.values import Take
from .asking import Ask
from .bridge import Bridge
from .chat.screen import ChatScreen
from .lesson import Lesson
from .messages import Changed, Happened, JobMoved, Kind, Opened, OpenFailed, TurnOver
from .pictures import Mode
from .preferences import Preferences
from .small import LEAST, TooSmall
from .themes import THEMES
from .tidy import Tidy

TWICE = 2.0
"""Seconds in which a second Ctrl+C leaves."""


def _later(module: str, name: str) -> Callable[[], Screen[None]]:
    """A screen that is imported when it is first opened."""

    def make() -> Screen[None]:
        screen: Screen[None] = getattr(import_module(f".{module}", __package__), name)()
        return screen

    return make


class LimnerApp(App[None]):
    """Limner's terminal chat."""

    TITLE = "Limner"
    ENABLE_COMMAND_PALETTE = True
    SCREENS = {
        "concepts": _later("concepts", "ConceptsScreen"),
        "settings": _later("settings", "SettingsScreen"),
        "help": _later("help", "HelpScreen"),
    }
    BINDINGS = [
        Binding("f1", "open('help')", "Help"),
        Binding("f3", "open('concepts')", "Concepts"),
        Binding("f4", "open('settings')", "Settings"),
        Binding("ctrl+t", "toggle_light", "Light or dark", show=False),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
        Binding("ctrl+c", "interrupt", "Stop", show=False, priority=True),
    ]
    CSS = """
    ToastRack { dock: top; align: right top; margin: 1 0 0 0; }
    Toast { max-width: 70; margin: 0 0 1 0; }
    """

    def __init__(
        self,
        bridge: Bridge,
        preferences: Preferences | None = None,
        *,
        lesson: Lesson | None = None,
        pictures: Mode = "half",
    ) -> None:
        """`pictures`: how they are drawn in this terminal (`pictures.settle` finds out)."""
        super().__init__()
        self.bridge = bridge
        self.preferences = preferences or Preferences.read(bridge.home)
        self.lesson = lesson
        self.pictures: Mode = pictures
        self.changed: Signal[Kind] = Signal(self, "changed")
        """Published in the app's thread when takes, concepts or the session are different."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.preferences.theme if self.preferences.theme in self.available_themes else THEMES[0].name
        self._interrupted = float("-inf")
        self._tidy: Tidy | None = None
        bridge.post = self.post_message

    def get_default_screen(self) -> Screen[None]:
        """The chat is the first screen, and the one that is always there."""
        self.chat = ChatScreen()
        return self.chat

    def on_mount(self) -> None:
        """The first screen is there; now the library."""
        self.call_after_refresh(self.bridge.open)
        self.screen_change_signal.subscribe(self, self._fit, immediate=True)
        if not self.is_headless:
            self._tidy = tidy = Tidy()
            self.set_interval(1, lambda: tidy.look(busy=self.bridge.busy))
            # Whoever ends the process from outside leaves a clean terminal behind, too.
            for signal in (SIGTERM, SIGHUP, SIGINT):
                asyncio.get_running_loop().add_signal_handler(signal, self.exit)

    def _fit(self, screen: Screen[object]) -> None:
        """A screen knows how wide it is before it is laid out first: Textual tells it after that."""
        for length, points in zip(self.size, (screen.HORIZONTAL_BREAKPOINTS, screen.VERTICAL_BREAKPOINTS), strict=True):
            fits = screen._get_breakpoint_classes(length, points or [])
            screen.update_classes({name: name in fits for _, name in points or []}, animate=False)

    def on_notify(self, event: Notify) -> None:
        """Before a notice is shown: the same sentence once, and no more than leave the words below in sight."""
        others = [note for note in self._notifications if note.message != event.notification.message]
        kept = others[max(0, len(others) + 1 - self.size.height // 8) :]
        for note in list(self._notifications):
            if note not in kept:
                self._unnotify(note, refresh=False)

    async def on_event(self, event: events.Event) -> None:
        """All keys and movements come by here first."""
        if self._tidy is not None and isinstance(event, events.InputEvent):
            self._tidy.touch()
        if isinstance(event, events.Key) and not event.is_forwarded and self.screen is self.chat:
            self.chat.look_at(event)
        await super().on_event(event)

    # -- what the bridge tells ---------------------------------------------------------------------

    @on(Opened)
    async def _opened(self, message: Opened) -> None:
        await self.chat.opened(message.notices)

    @on(OpenFailed)
    def _open_failed(self, message: OpenFailed) -> None:
        self._offer_another_way(message.error)

    @on(Happened)
    async def _happened(self, message: Happened) -> None:
        await self.chat.turn.happened(message.event)

    @on(TurnOver)
    async def _turn_over(self, message: TurnOver) -> None:
        await self.chat.turn_over(message.turn, message.error)

    @on(JobMoved)
    async def _job_moved(self, message: JobMoved) -> None:
        await self.chat.job_moved(message.job, message.curve)

    @on(Changed)
    def _publish(self, message: Changed) -> None:
        self.changed.publish(message.kind)

    @work
    async def _offer_another_way(self, error: LimnerError) -> None:
        """The library cannot be opened: look at it only, try again, or leave."""
        ways = ("Try again", "Look only", "Leave") if isinstance(error, Locked) else ("Try again", "Leave")
        answer = await self.push_screen_wait(Ask(f"{error.text}\n{error.hint}".strip(), *ways))
        if answer == "Leave" or answer is None:
            self.exit(return_code=error.exit_status)
        else:
            self.bridge.open(write=answer == "Try again")

    # -- what the user does ------------------------------------------------------------------------

    def prefer(self, **changes: object) -> None:
        """Keep a preference of the screens (see `Preferences`)."""
        self.preferences = self.preferences.keep(self.bridge.home, **changes)

    def action_open(self, name: str) -> None:
        """Open one of the screens; where it lies below others, come back to it."""
        if (screen := self.get_screen(name)) in self.screen_stack:
            screen.pop_until_active()
        else:
            self.push_screen(name)

    def teach(self) -> None:
        """A new concept from pictures."""
        self.push_screen(import_module(".teach", __package__).TeachScreen())

    def compare(self, first: Take, second: Take) -> None:
        """Two takes side by side."""
        self.push_screen(import_module(".compare", __package__).CompareScreen(first, second))

    def action_toggle_light(self) -> None:
        """The other theme, for good."""
        dark, light = (theme.name for theme in THEMES)
        self.theme = light if self.theme == dark else dark
        self.prefer(theme=self.theme)

    async def action_interrupt(self) -> None:
        """Ctrl+C: copy what is selected; else stop the work; else clear the line; else leave, the second time."""
        focused = self.focused
        selected = self.screen.get_selected_text()
        if isinstance(focused, TextArea) and focused.selected_text:
            selected = focused.selected_text
        now = time.monotonic()
        if selected:
            self.copy_to_clipboard(selected)
        elif self.bridge.busy:
            await self.chat.stop()
        elif isinstance(focused, TextArea) and focused.text:
            focused.text = ""
        elif now - self._interrupted < TWICE:
            self._leave()
        else:
            self._interrupted = now
            self.notify("Press Ctrl+C again to leave.", timeout=TWICE)

    async def action_quit(self) -> None:
        """Leave; during work, ask first."""
        self._leave()

    @work(exclusive=True, group="leave")
    async def _leave(self) -> None:
        bridge = self.bridge
        if bridge.busy:
            text = "A picture is under way. What is finished is kept; the rest would be lost."
            if await self.push_screen_wait(Ask(text, "Stay", "Stop and leave")) != "Stop and leave":
                return
            bridge.cancel()
        if names := bridge.training():
            text = f"{' and '.join(names)} is still being trained. That can go on without this window."
            answer = await self.push_screen_wait(Ask(text, "Let it go on", "Stop it", "Stay"))
            if answer not in ("Let it go on", "Stop it"):
                return
            for name in names if answer == "Stop it" else ():
                bridge.stop_training(name)
        self.exit()

    def on_resize(self, event: events.Resize) -> None:
        """Below the least size one sentence takes the place of everything."""
        small = event.size.width < LEAST[0] or event.size.height < LEAST[1]
        if small and not isinstance(self.screen, TooSmall):
            self.push_screen(TooSmall())
        elif not small and isinstance(self.screen, TooSmall):
            self.pop_screen()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the command palette (Ctrl+P) offers."""
        for name, title, words in (
            ("concepts", "Concepts", "What Limner knows; teach, rename, forget"),
            ("settings", "Settings", "Models, planner, theme, pictures"),
            ("help", "Help", "All keys and commands"),
        ):
            yield SystemCommand(title, words, partial(self.action_open, name))
        yield SystemCommand("Takes", "The tree of takes, beside the chat", self.chat.action_tree)
        yield SystemCommand("Stop", "Stop the picture under way", self.chat.stop)
        yield SystemCommand("Light or dark", "The other theme", self.action_toggle_light)
        yield SystemCommand("Quit", "Leave Limner", self.action_quit)
