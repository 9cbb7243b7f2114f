"""Takes in the log: the picture, its number, how it was made, how it measures up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.visual import Visual, VisualType, visualize

from ...memory.values import Take
from ..inert import one_line
from ..pictures import Picture
from ..still import StillHorizontal, StillVertical
from .entries import CAPTION, GAP, per_row

if TYPE_CHECKING:
    from PIL.Image import Image
    from textual import strip as lines
    from textual.css.styles import RulesMap
    from textual.style import Style
    from textual.visual import RenderOptions

LIKED = {"good": " ♥", "bad": " ✗"}
SHORT = ("subject", "subj"), ("text", "text")
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
    how = one_line(take.method) or ("your picture" if take.origin == "import" else "")
    facts = [how, seconds(take.seconds)] if take.seconds else [how]
    while facts and len(first) + 1 + len(" · ".join(facts)) > width:
        facts.pop(0)  # the seconds stay longest: the method is also in the large view
    if facts and facts[0]:
        first = Content.assemble(first, (f" {' · '.join(facts)}", "$foreground 65%"))
    return Content.assemble(first, "\n", scores(take, width))


def scores(take: Take, width: int) -> Content:
    """ "subject .81  text .70", in narrow places "subj 1 text .99", "subj 81 text 70" or the first alone; nothing where
    nothing was measured."""
    found = take.scores
    if found.verdict == "copied":
        return Content.styled("copied from a reference" if width >= 23 else "copied", "$error")
    parts = [(name, value) for name, value in zip(SHORT, (found.subject, found.text), strict=True) if value is not None]
    style = "$warning" if found.verdict == "retry" else "$success" if found.verdict == "accept" else "$foreground 65%"
    figures = [(long, short, f"{value:.2f}".removeprefix("0")) for (long, short), value in parts]
    forms = (
        "  ".join(f"{long} {value}" for long, _, value in figures),
        "  ".join(f"{short} {value}" for _, short, value in figures),
        " ".join(f"{short} {value.replace('1.00', '1')}" for _, short, value in figures),
        " ".join(f"{short} {100 * value:.0f}" for (_, short), value in parts),
        *(f"{short} {value}" for _, short, value in figures[:1]),
    )
    return Content.styled(next((form for form in forms if len(form) <= width), ""), style)


class Captioned(Visual):
    """A picture, or what stands for it, and the lines under it."""

    def __init__(self, card: TakeCard, picture: VisualType, words: Content) -> None:
        self._card, self._picture, self._words = card, visualize(card, picture), words

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[lines.Strip]:
        parts: tuple[tuple[Visual, int], ...] = (self._picture, (height or 0) - CAPTION), (self._words, CAPTION)
        return [
            strip for part, rows in parts for strip in Visual.to_strips(self._card, part, width, max(rows, 0), style)
        ]

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        return self._card.box[0]

    def get_height(self, rules: RulesMap, width: int) -> int:
        return self._picture.get_height(rules, width) + CAPTION


class TakeCard(Picture, can_focus=True):
    """One take, or the place that is kept for one. Enter or a click opens it large.

    One widget and not three: a screen full of them is laid out and drawn again whenever the log moves.
    """

    DEFAULT_CSS = f"""
    TakeCard {{ margin: 0 {GAP} 1 0; align: left top; content-align: left top; color: $text-muted; visibility: visible;
        text-wrap: nowrap; text-overflow: ellipsis; }}
    TakeCard.-empty {{ background: $surface; }}
    TakeCard:focus {{ background: $primary 25%; }}
    TakeCard:hover {{ background: $boost; }}
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

    def __init__(self, take: Take | None, columns: int, rows: int) -> None:
        path, alt = (take.image_path, f"take {take.number}") if take else (None, "")
        super().__init__(path, columns=columns, rows=rows, alt=alt)
        self.shown = take
        """`None`: it is still to be drawn."""
        self._caption = caption(take, columns) if take else Content("")
        self.set_class(take is None, "-empty")

    def allow_focus(self) -> bool:
        return self.shown is not None

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return self.box[0]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return super().get_content_height(container, viewport, width) + CAPTION

    def space(self) -> tuple[int, int]:
        return self.content_size.width, self.content_size.height - CAPTION

    @property
    def BLANK(self) -> bool:  # type: ignore[override]
        """A place that is only kept: eight of them take as long as all the rest of a turn's layout."""
        return self.source is None and not self._caption

    def render(self) -> Captioned:
        return Captioned(self, super().render(), self._caption)

    # Words and pictures take the place that was kept for them: with a layout for each, keys would have to wait.

    def grow(self, preview: Image, label: str) -> None:
        """As far as the picture has come."""
        self._caption = Content(one_line(label, self.box[0]))
        self.source = preview

    def show(self, take: Take) -> None:
        """The take as it is now: drawn, rated, or scored."""
        if take == self.shown:
            return
        before, self.shown = self.shown, take
        self._caption = caption(take, self.box[0])
        if before is None:
            self.source, self.alt = take.image_path, f"take {take.number}"
            self.remove_class("-empty")
        else:
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        if self.shown:
            self.post_message(self.Opened(self.shown))

    def action_rate(self, liked: bool) -> None:
        if self.shown:
            self.post_message(self.Rated(self.shown, liked))


class Strip(StillVertical):
    """Several pictures side by side, in as many rows as they need."""

    DEFAULT_CSS = """
    Strip { height: auto; padding: 0 0 0 1; visibility: hidden; }
    Strip > StillHorizontal { height: auto; }
    """

    def __init__(self, takes: list[Take], places: int, size: tuple[int, int], width: int) -> None:
        """`places`: as many pictures are expected."""
        super().__init__()
        self._size_of_one = size
        self._across = per_row(width, size[0])
        takes_or_places = [*takes, *[None] * (places - len(takes))]
        self.cards = [TakeCard(take, *size) for take in takes_or_places]

    def compose(self) -> ComposeResult:
        for start in range(0, len(self.cards), self._across):
            yield StillHorizontal(*self.cards[start : start + self._across])

    async def add(self, take: Take) -> None:
        """One more picture is done: the one that was growing."""
        (await self._next()).show(take)

    async def grow(self, preview: Image, label: str) -> None:
        """The picture under way looks like this by now."""
        (await self._next()).grow(preview, label)

    async def settle(self) -> None:
        """Nothing is drawn any more: what was not drawn has no place."""
        gone = [card for card in self.cards if card.shown is None]
        self.cards = [card for card in self.cards if card.shown is not None]
        for card in gone:
            await card.remove()

    async def _next(self) -> TakeCard:
        """The place of the picture under way."""
        for card in self.cards:
            if card.shown is None:
                return card
        card = TakeCard(None, *self._size_of_one)
        if len(self.cards) % self._across:
            await self.query(StillHorizontal).last().mount(card)
        else:
            await self.mount(StillHorizontal(card))
        self.cards.append(card)
        return card
