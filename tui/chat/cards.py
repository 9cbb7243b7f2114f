"""Takes in the log: the picture, its number, how it was made, how it measures up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from ...memory.values import Take
from ..inert import one_line
from ..pictures import Picture
from .entries import CAPTION, GAP, per_row

if TYPE_CHECKING:
    from PIL.Image import Image

LIKED = {"good": " ♥", "bad": " ✗"}
VERDICTS = {"retry": "could be better", "copied": "copied from a reference"}

SHORT = ("likeness", "like", "l"), ("words", "words", "w")
"""What the scores are called where there is more room, and less."""


def seconds(value: float) -> str:
    """ "0.4 s", "12 s", "3 min"."""
    if value < 9.95:
        return f"{value:.1f} s"
    return f"{value:.0f} s" if value < 90 else f"{value / 60:.0f} min"


def caption(take: Take, width: int) -> Content:
    """Two lines: number, method and seconds; then the scores, or what is wrong with the picture."""
    number = f"#{take.number}"
    first = Content.assemble((number, "$secondary bold"), (LIKED.get(take.rating or "", ""), "$accent"))
    how = one_line(take.method.replace("_", " ")) or ("your picture" if take.origin == "import" else "")
    facts = [how, seconds(take.seconds)] if take.seconds else [how]
    while facts and len(first) + 1 + len(" · ".join(facts)) > width:
        facts.pop(0)  # the seconds stay longest: the method is also in the large view
    if facts and facts[0]:
        first = Content.assemble(first, (f" {' · '.join(facts)}", "$foreground 65%"))
    return Content.assemble(first, "\n", scores(take, width))


def scores(take: Take, width: int) -> Content:
    """ "likeness .81  words .70", shorter in narrow places; nothing where nothing was measured."""
    found = take.scores
    if found.verdict == "copied":
        return Content.styled(VERDICTS["copied"][:width], "$error")
    parts = [(name, value) for name, value in zip(SHORT, (found.subject, found.text), strict=True) if value is not None]
    style = "$warning" if found.verdict == "retry" else "$success" if found.verdict == "accept" else "$foreground 65%"
    figures = [(names, f"{value:.2f}".removeprefix("0")) for names, value in parts]
    forms = ("  ".join(f"{names[n]} {value}" for names, value in figures) for n in range(3))
    return Content.styled(next((form for form in forms if len(form) <= width), ""), style)


class TakeCard(Vertical, can_focus=True):
    """One take. Enter or a click opens it large."""

    DEFAULT_CSS = f"""
    TakeCard {{ width: auto; height: auto; margin: 0 {GAP} 1 0; }}
    TakeCard > Static {{ height: {CAPTION}; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }}
    TakeCard:focus > Static {{ background: $primary 25%; }}
    TakeCard:hover > Static {{ background: $boost; }}
    """
    BINDINGS = [
        Binding("enter", "open", "Open large"),
        Binding("plus", "rate(True)", "Like", key_display="+"),
        Binding("minus", "rate(False)", "Dislike", key_display="-"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    @dataclass
    class Opened(Message):
        """The user wants to see it large."""

        take: Take

    @dataclass
    class Rated(Message):
        """The user's verdict."""

        take: Take
        liked: bool

    def __init__(self, take: Take, columns: int, rows: int) -> None:
        super().__init__()
        self.shown = take
        self.columns, self.rows = columns, rows

    def compose(self) -> ComposeResult:
        yield Picture(self.shown.image_path, columns=self.columns, rows=self.rows, alt=f"take {self.shown.number}")
        words = Static(caption(self.shown, self.columns), markup=False)
        words.styles.width = self.columns
        yield words

    def show(self, take: Take) -> None:
        """The take as it is now: rated, or scored."""
        if take != self.shown:
            self.shown = take
            self.query_one(Static).update(caption(take, self.columns))

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        self.post_message(self.Opened(self.shown))

    def action_rate(self, liked: bool) -> None:
        self.post_message(self.Rated(self.shown, liked))


class Growing(Vertical):
    """The picture that is being drawn, as far as it has come."""

    DEFAULT_CSS = f"""
    Growing {{ width: auto; height: auto; margin: 0 {GAP} 1 0; }}
    Growing > Static {{ height: {CAPTION}; color: $text-muted; }}
    """

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__()
        self.columns, self.rows = columns, rows

    def compose(self) -> ComposeResult:
        yield Picture(columns=self.columns, rows=self.rows)
        words = Static("", markup=False)
        words.styles.width = self.columns
        yield words

    def show(self, preview: Image, label: str) -> None:
        """The newest preview."""
        self.query_one(Picture).source = preview
        self.query_one(Static).update(Content(one_line(label, self.columns)), layout=False)


class Strip(Vertical):
    """Several pictures side by side, in as many rows as they need."""

    DEFAULT_CSS = """
    Strip { height: auto; padding: 0 0 0 1; }
    Strip > Horizontal { height: auto; }
    """

    def __init__(self, takes: list[Take], size: tuple[int, int], width: int) -> None:
        super().__init__()
        self.columns, self.rows = size
        self._across = per_row(width, self.columns)
        self._takes = list(takes)

    def compose(self) -> ComposeResult:
        for start in range(0, len(self._takes), self._across):
            with Horizontal():
                for take in self._takes[start : start + self._across]:
                    yield TakeCard(take, self.columns, self.rows)

    async def add(self, take: Take) -> None:
        """One more picture; what was growing is done."""
        with self.app.batch_update():  # one layout for both
            await self.query(Growing).remove()
            await (await self._row()).mount(TakeCard(take, self.columns, self.rows))

    async def grow(self, preview: Image, label: str) -> None:
        """The picture under way looks like this by now."""
        growing = next(iter(self.query(Growing)), None)
        if growing is None:
            growing = Growing(self.columns, self.rows)
            await (await self._row()).mount(growing)
        growing.show(preview, label)

    async def settle(self) -> None:
        """Nothing is drawn any more."""
        await self.query(Growing).remove()

    async def _row(self) -> Horizontal:
        rows = list(self.query(Horizontal))
        if rows and len(rows[-1].children) < self._across:
            return rows[-1]
        row = Horizontal()
        await self.mount(row)
        return row
