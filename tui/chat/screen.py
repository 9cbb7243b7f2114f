"""The chat: the log, the input and what is going on. It draws what the bridge tells and sends what is said."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen

from ...errors import LimnerError, UserError
from ...memory.values import Concept, Take
from ..asking import complain, trying
from ..inert import one_line
from ..keys import Keys
from ..still import StillHorizontal, StillVertical
from ..tree import TreePanel
from ..viewer import ViewerScreen
from . import commands
from .cards import TakeCard
from .completion import Sources
from .entries import Entry, history
from .exchange import AGAIN, LEAVE_IT, Options
from .greeting import Suggestion, Welcome
from .jobs import JobLine, JobLines, said
from .live import LiveTurn
from .log import ChatLog
from .prompt import Line, Prompt
from .topbar import TopBar
from .working import Working

if TYPE_CHECKING:
    from ...agent.turn import Turn
    from ..app import LimnerApp
    from ..bridge import Bridge
    from ..messages import Kind

After = Callable[[Any], Coroutine[Any, Any, None]]
WIDE = 96
"""Columns from which the tree has room beside the chat."""


class ChatScreen(Screen[None]):
    """The screen on which one talks."""

    app: LimnerApp
    DEFAULT_CSS = """
    ChatScreen #body { height: 1fr; visibility: hidden; }
    ChatScreen #talk { width: 1fr; }
    ChatScreen #talk > *, ChatScreen TreePanel { visibility: visible; }
    ChatScreen TreePanel { width: 42; border-left: tall $foreground 10%; }
    ChatScreen.-tall Prompt { padding: 1; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-tall")]
    BINDINGS = [
        Binding("escape", "back", "Stop, or back to the sentence", show=False),
        Binding("f2", "tree", "Takes", priority=True),
        Binding("ctrl+p", "app.command_palette", "Palette", key_display="^p"),
        Binding("ctrl+home", "end(False)", "To the beginning", show=False),
        Binding("ctrl+end", "end(True)", "To the newest", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.log_view = ChatLog()
        self.prompt = Prompt(self._sources)
        self.working = Working()
        self.jobs = JobLines()
        self.welcome = Welcome(self)
        self.prompt.line.greeting = self.welcome.nudge
        self.method = "auto"
        """How pictures are drawn: what /method chose."""
        self._top = TopBar()
        self.turn = LiveTurn(self.log_view, self.working)
        self._resume: tuple[Entry, str, tuple[Path, ...]] | None = None
        self._waiting: Prompt.Said | None = None
        """Said before the library was open or the turn was over: it is next."""
        self._concepts: list[Concept] = []
        self._takes: list[Take] = []

    @property
    def bridge(self) -> Bridge:
        return self.app.bridge

    def compose(self) -> ComposeResult:
        yield self._top
        with StillHorizontal(id="body"), StillVertical(id="talk"):
            yield self.log_view
        yield self.jobs
        yield self.working
        yield self.prompt
        yield Keys()

    def on_mount(self) -> None:
        self.prompt.line.placeholder = "Say what to draw"
        self.prompt.line.focus()
        self.app.changed.subscribe(self, self._changed)
        self._top.show()

    # -- the library is open -----------------------------------------------------------------------

    async def opened(self, notices: tuple[str, ...]) -> None:
        """The library is open: show its conversation."""
        for notice in notices:
            self.notify(one_line(notice), markup=False, timeout=8)
        if self.bridge.read_only:
            self.prompt.line.placeholder = "Looking only: another Limner writes to this library"
        await self._load()
        if self.app.preferences.tree and self.size.width >= WIDE and not self.query(TreePanel):
            await self.query_one("#body").mount(TreePanel())
        await self._go_on()

    async def _load(self) -> None:
        """The conversation as it is kept."""
        self._learn()
        interrupted = self.bridge.interrupted()
        pending = self.bridge.asking()
        entries = history(self.bridge.turns(), self._takes, pending)
        for entry in entries:
            self.prompt.line.remember(entry.text)
        self._resume = None
        if interrupted is not None and not self.bridge.read_only:
            text, files = interrupted
            words = f"This was interrupted: “{one_line(text, 200)}”. Finished pictures were kept."
            entries.append(Entry(notes=[words], options=(AGAIN, LEAVE_IT)))
            self._resume = entries[-1], text, files
        await self.log_view.show(entries)
        await self.welcome.show(not entries)
        self._top.show()

    def _learn(self) -> None:
        """Which concepts and takes there are, for colours and completion."""
        self._concepts, self._takes = self.bridge.concepts(), self.bridge.takes()
        names = tuple(concept.name for concept in self._concepts)
        numbers = frozenset(take.number for take in self._takes)
        self.log_view.names, self.log_view.numbers = names, numbers
        self.prompt.line.recolour(names, numbers)

    def _sources(self) -> Sources:
        if not self.bridge.ready:
            return Sources(commands.COMMANDS)
        return Sources(commands.COMMANDS, self._concepts, self._takes, partial(commands.names, self.bridge))

    async def _changed(self, kind: Kind) -> None:
        """The library is different now."""
        if not self.bridge.ready:
            return
        if kind == "session":
            await self._load()
            return
        self._learn()
        if not self.log_view.entries:
            await self.welcome.show(True)
        if kind == "takes":
            self.log_view.renew(self._takes)

    @on(Suggestion.Chosen)
    async def _try(self, message: Suggestion.Chosen) -> None:
        message.stop()
        await self.welcome.begin(message.what)

    # -- talking -----------------------------------------------------------------------------------

    @on(Prompt.Said)
    async def _said(self, message: Prompt.Said) -> None:
        text, refused = message.text, ""
        if text.startswith("/") and not Path(text.split()[0]).exists():
            await self._command(text)
        elif self.bridge.read_only:
            refused = "Another Limner writes to this library; here you can only look."
        elif self._waiting is not None:
            refused = "One sentence waits already. Escape brings it back."
        elif self.turn.live or not self.bridge.ready:
            self._wait_with(message)
        else:
            await self.say(text, message.files)
        if refused:
            self.notify(refused, severity="warning")
            await self.prompt.give_back(message)

    def _wait_with(self, said: Prompt.Said | None) -> Prompt.Said | None:
        """What is to be said as soon as that is possible; returns what waited until now."""
        before, self._waiting = self._waiting, said
        self.prompt.next(said)
        return before

    async def _go_on(self) -> None:
        """Say what waits."""
        if waiting := self._wait_with(None):
            await self.say(waiting.text, waiting.files)

    async def _take_back(self) -> None:
        """What waits is not said: it is in the input again."""
        if waiting := self._wait_with(None):
            await self.prompt.give_back(waiting)

    async def _command(self, text: str) -> None:
        try:
            done = commands.run(self, text)
            if done is not None:
                await done
        except LimnerError as error:
            complain(self.app, error)
            self.prompt.say_instead(text)

    async def say(self, text: str, files: tuple[Path, ...] = ()) -> None:
        """Say a sentence to the agent."""
        try:
            self.bridge.say(text, files, self.method)
        except LimnerError as error:
            complain(self.app, error)
            await self.prompt.give_back(Prompt.Said(text, files))
            return
        await self.jobs.tidy()
        await self.add(self.turn.begin(text, files))

    async def add(self, entry: Entry) -> None:
        """A new entry at the end; a question that was passed over is no question any more."""
        await self.welcome.show(False)
        for old in self.log_view.entries:
            if old.options:
                await self._close(old)
        await self.log_view.append(entry)

    async def _close(self, entry: Entry) -> None:
        """It offers nothing any more."""
        entry.options = ()
        if view := self.log_view.view(entry):
            await view.query(Options).remove()

    async def turn_over(self, turn: Turn | None, error: LimnerError | None) -> None:
        """The turn has ended."""
        with self.app.batch_update():  # one layout for all of it
            entry = await self.turn.over(turn, error, self.bridge.head if turn is not None and turn.went else None)
        if isinstance(error, UserError) and entry is not None and not self.prompt.line.text:
            self.prompt.say_instead(entry.text)
        if self.focused is None:
            self.prompt.line.focus()
        if turn is None or turn.question is not None:
            await self._take_back()  # what waited was not said in sight of this
        else:
            await self._go_on()

    @on(Options.Chosen)
    async def _answered(self, message: Options.Chosen) -> None:
        message.stop()
        resume, self._resume = self._resume, None
        self.prompt.line.focus()
        if resume is not None and resume[0].options:
            await self._close(resume[0])
            if message.text == AGAIN:
                await self.say(resume[1], resume[2])
            else:
                self.bridge.let_go()
        elif message.text == LEAVE_IT:
            await message.options.remove()
        elif not self.turn.live:
            await self.say(message.text)

    async def stop(self) -> None:
        """Stop the turn under way, and what was to be said after it."""
        await self._take_back()
        if self.bridge.busy:
            self.working.stop("stopping")
            self.bridge.cancel()

    # -- keys --------------------------------------------------------------------------------------

    async def action_back(self) -> None:
        """Escape: close the candidates; else stop the work; else back to the input."""
        if self.prompt.line.choosing:
            self.prompt.offer([])
        elif self.bridge.busy or self._waiting:
            await self.stop()
        else:
            self.prompt.line.focus()

    def look_at(self, event: events.Key) -> None:
        """Whoever types, types into the input, except keys that mean something where the focus is.

        Called before the key goes anywhere: the next one may be in the queue already.
        """
        line = self.prompt.line
        if self.focused is not line and event.is_printable and event.key not in self.active_bindings:
            self.set_focus(line)

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted or dropped is for the input, wherever the focus is."""
        if self.focused is not self.prompt.line:
            event.stop()
            self.set_focus(self.prompt.line)
            self.prompt.line.post_message(event)

    @on(Line.Paged)
    def _page(self, message: Line.Paged) -> None:
        """Scroll the log by a page."""
        log = self.log_view
        log.scroll_relative(y=message.by * (log.size.height - 2), animate=False)

    def action_end(self, end: bool) -> None:
        """To the newest, or to the beginning."""
        if end:
            self.log_view.anchor()
        else:
            self.log_view.scroll_home(animate=False)

    async def action_tree(self) -> None:
        """The tree of takes: a panel where there is room, else a screen of its own."""
        from ..takes import TreeScreen

        if panels := self.query(TreePanel):
            self.set_focus(self.prompt.line)  # before the next key is looked at
            await panels.remove()
        elif self.size.width < WIDE:
            await self.app.push_screen(TreeScreen(), self._back_from_tree)
        else:
            panel = TreePanel()
            await self.query_one("#body").mount(panel)
            panel.focus()
        self.app.prefer(tree=bool(self.query(TreePanel)))

    async def _back_from_tree(self, take: Take | None) -> None:
        if take is not None:
            await self.at(take)

    @on(TreePanel.WentTo)
    async def _went_to(self, message: TreePanel.WentTo) -> None:
        message.stop()
        await self.at(message.take)
        if message.words:
            self.prompt.line.focus()

    # -- takes -------------------------------------------------------------------------------------

    @on(TakeCard.Opened)
    def _open_card(self, message: TakeCard.Opened) -> None:
        message.stop()
        self.open_take(message.take)

    @work
    async def open_take(self, take: Take) -> None:
        """Large, beside its references."""
        answer = await self.app.push_screen_wait(ViewerScreen(take))
        if answer:
            await self.tell(answer)

    @on(TakeCard.Rated)
    def _rated(self, message: TakeCard.Rated) -> None:
        message.stop()
        with trying(self.app):
            self.bridge.rate(message.take.id, message.liked)

    async def at(self, take: Take | None) -> None:
        """The user has gone to another take."""
        if take is None:
            await self.tell("You are at the very beginning.")
        else:
            words = f"You are at take {take.number}. What comes next branches off here."
            await self.add(Entry(takes=[take], notes=[words]))

    # -- trainings ---------------------------------------------------------------------------------

    async def job_moved(self, job: Mapping[str, Any], curve: tuple[float, ...]) -> None:
        """A training is elsewhere than before."""
        if await self.jobs.show(job, curve):
            self.notify(one_line(said(job)), markup=False)

    @on(JobLine.Stopped)
    def _stop_training(self, message: JobLine.Stopped) -> None:
        message.stop()
        with trying(self.app):
            self.bridge.stop_training(message.job)

    # -- other work --------------------------------------------------------------------------------

    async def tell(self, text: str) -> None:
        """A line of the chat's own."""
        await self.add(Entry(notes=[text]))

    @work(thread=True, exit_on_error=False)
    def do(self, doing: str, act: Callable[[], object], done: str, then: After | None = None) -> None:
        """Something slow, in a thread, with the bar running; then `done` is said, or `then` gets the result."""
        self.call_later(partial(self.working.start, doing, stops=False))
        try:
            result = act()
        except LimnerError as error:
            self.call_later(complain, self.app, error)
            return
        finally:
            self.call_later(self.working.stop)
        words = done or (" ".join(map(str, result)) if isinstance(result, list) else "")
        if then is not None:
            self.call_later(then, result)
        elif words:
            self.call_later(self.tell, words)
