"""What Limner is doing now: a bar, the time left, and the key that stops it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widgets import ProgressBar, Static

from ...memory.events import Progress
from ..inert import inert
from .cards import seconds

DOING = {
    "draw": "drawing",
    "edit": "changing the picture",
    "generate_ar": "drawing",
    "generate_pta": "drawing",
    "teach": "learning",
    "refine": "correcting",
    "recall": "looking for it",
    "compare": "comparing",
    "finetune_lora": "setting up the training",
}
"""What a tool does, for people; others need no words."""


class Working(Horizontal):
    """One line above the input while a turn or other long work is under way."""

    DEFAULT_CSS = """
    Working { height: 1; padding: 0 2; display: none; }
    Working.-on { display: block; }
    Working > .doing { width: auto; max-width: 40%; color: $primary; padding: 0 1 0 0; }
    Working > ProgressBar { width: 1fr; padding: 0 1 0 0; }
    Working > ProgressBar Bar { width: 1fr; }
    Working > .left { width: 12; text-align: right; color: $text-muted; }
    Working > .stop { width: auto; padding: 0 0 0 2; color: $text-muted; }
    Working.-stays > .stop { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._doing = Static("", classes="doing", markup=False)
        self._bar = ProgressBar(show_percentage=False, show_eta=False)
        self._left = Static("", classes="left", markup=False)
        self._since = 0
        self._clock: Timer | None = None
        self._told = self._said = ""

    def compose(self) -> ComposeResult:
        yield self._doing
        yield self._bar
        yield self._left
        yield Static(Content.assemble(("Esc", "$primary bold"), " stops"), classes="stop", markup=False)

    def on_mount(self) -> None:
        self._clock = self.set_interval(1, self._tick, pause=True)

    def start(self, doing: str, *, stops: bool = True) -> None:
        """Work has begun. `stops`: Escape ends it."""
        self.set_class(not stops, "-stays")
        self._since, self._told = 0, ""
        self._say(doing)
        self._tell("")
        self._bar.update(total=None, progress=0)
        self.add_class("-on")
        if self._clock is not None:
            self._clock.reset()
            self._clock.resume()

    def tool(self, name: str) -> None:
        """A tool begins."""
        if name in DOING:
            self._say(DOING[name])

    def progress(self, event: Progress) -> None:
        """A step further."""
        self._say(event.label)
        self._bar.update(total=event.total, progress=event.step)
        self._told = f"{seconds(event.seconds_left)} left" if event.seconds_left is not None else ""
        if event.total and not self._told:
            self._told = f"{min(1.0, event.step / event.total):.0%}"
        self._tell(self._told)

    def stop(self, doing: str = "") -> None:
        """It is over; or, with words, it is being stopped."""
        if doing:
            self._say(doing)
            return
        self.remove_class("-on")
        if self._clock is not None:
            self._clock.pause()

    def _tick(self) -> None:
        """Where nobody can say how long it takes, how long it has been going says something."""
        self._since += 1
        if not self._told:
            self._tell(f"{self._since} s")

    # Words come many times a second, and a new layout of everything with each would make keys wait.

    def _say(self, doing: str) -> None:
        if doing != self._said:
            self._said = doing
            self._doing.update(inert(doing, 48))

    def _tell(self, left: str) -> None:
        self._left.update(Content(left), layout=False)
