"""Pictures inside a terminal: kitty's protocol, sixel, coloured half blocks, grey shades, or words only.

Files are read when they come into sight, off the event loop unless they are tiny, and kept as thumbnails of
the very size that is shown.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from PIL import Image as Images
from textual import work
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.strip import Strip
from textual.visual import VisualType
from textual.widgets import Static

from .halves import Halves, halves
from .inert import inert, one_line
from .still import Still

if TYPE_CHECKING:
    from PIL.Image import Image

Mode = Literal["kitty", "sixel", "half", "shades", "none"]
MODES: dict[str, str] = {
    "auto": "the best that this terminal can do",
    "kitty": "kitty's graphics protocol",
    "sixel": "sixel graphics (foot, WezTerm, iTerm2, xterm, Windows Terminal)",
    "half": "coloured half blocks: works everywhere, also over ssh",
    "shades": "grey shades, for terminals without colours",
    "none": "no pictures, only words",
}
"""What can be asked for, with a line for people."""

AT_ONCE = 512 * 512
"""Pictures with at most this many pixels are decoded where they are drawn: it takes about a millisecond."""
KEPT_BYTES = 48 << 20
"""The most that thumbnails may take together."""


@contextmanager
def _unasked() -> Iterator[None]:
    """While this lasts, textual-image finds no terminal to send its questions to."""
    terminal = sys.__stdout__
    sys.__stdout__ = io.StringIO()  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        sys.__stdout__ = terminal  # type: ignore[misc]


def _colours() -> bool:
    """Whether this terminal has any, as far as its description says."""
    try:
        import curses
    except ImportError:  # a Python that was built without
        return True
    try:
        curses.setupterm()
        return curses.tigetnum("colors") != -1
    except curses.error:  # described nowhere, so it is a new one
        return True


def settle(wanted: str = "auto") -> Mode:
    """How pictures are to be drawn here. Call it before the application runs: it may ask the terminal.

    Without a terminal at both ends nothing is asked. Anything unknown counts as "auto".
    """
    asked = all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stdout__))
    dumb = os.environ.get("TERM", "") in ("", "dumb", "unknown")
    if asked and not dumb:
        from textual_image import renderable, widget  # asks the terminal what it can do, and for its cells
    else:
        with _unasked():
            from textual_image import renderable, widget
    assert widget
    if wanted in MODES and wanted != "auto":
        return cast(Mode, wanted)
    if dumb or (asked and not _colours()):
        return "shades"
    best: dict[type, Mode] = {renderable.SixelImage: "sixel", renderable.TGPImage: "kitty"}
    return best.get(renderable.Image, "half")


def cell() -> tuple[int, int]:
    """Width and height of one character in pixels (10 x 20 where the terminal does not tell)."""
    from textual_image._terminal import get_cell_size

    size = get_cell_size()
    return size.width, size.height


def fit(picture: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """The cells (columns, rows) of a picture of that many pixels in a box of cells; its shape is kept."""
    (width, height), (columns, rows), (across, down) = picture, box, cell()
    if min(width, height, columns, rows) < 1:
        return 0, 0
    scale = min(columns * across / width, rows * down / height)
    return (
        min(columns, max(1, round(width * scale / across))),
        min(rows, max(1, round(height * scale / down))),
    )


class Thumbnails:
    """Pictures in the sizes that were shown last. Safe to use from several threads."""

    def __init__(self, most: int = KEPT_BYTES) -> None:
        self._most = most
        self._bytes = 0
        self._kept: OrderedDict[Any, Image] = OrderedDict()
        self._sizes: dict[Any, tuple[int, int]] = {}
        self._guard = threading.Lock()

    def size(self, source: Path | Image) -> tuple[int, int] | None:
        """Width and height in pixels, from the file's head; `None` where there is no readable picture."""
        if not isinstance(source, Path):
            return source.size
        key = _stamp(source)
        if key not in self._sizes:
            try:
                with Images.open(source) as opened:
                    self._sizes[key] = opened.size
            except (OSError, SyntaxError, ValueError, Images.DecompressionBombError):
                return None
        return self._sizes[key]

    def get(self, source: Path, size: tuple[int, int]) -> Image | None:
        """What is kept of a file in this size."""
        with self._guard:
            found = self._kept.get(key := (*_stamp(source), size))
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def make(self, source: Path | Image, size: tuple[int, int]) -> Image | None:
        """The picture in `size` pixels, RGB; `None` where it cannot be read."""
        if not isinstance(source, Path):
            return source.convert("RGB").resize(size, Images.Resampling.LANCZOS)
        if (kept := self.get(source, size)) is not None:
            return kept
        try:
            with Images.open(source) as opened:
                opened.draft("RGB", size)
                made = opened.convert("RGB").resize(size, Images.Resampling.LANCZOS)
        except (OSError, SyntaxError, ValueError, EOFError, Images.DecompressionBombError):
            return None
        with self._guard:
            self._kept[(*_stamp(source), size)] = made
            self._bytes += 3 * made.width * made.height
            while self._bytes > self._most and len(self._kept) > 1:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= 3 * oldest.width * oldest.height
        return made


def _stamp(path: Path) -> tuple[str, int]:
    try:
        return str(path), path.stat().st_mtime_ns
    except OSError:
        return str(path), 0


thumbnails = Thumbnails()
"""Shared by all screens."""


class Picture(Still):
    """One picture, as large as its box allows, in its own shape.

    With `columns` and `rows` it takes just the cells that it needs within them; without, it fills what the
    stylesheet gives it. The application's attribute `pictures` says how it is drawn (a `Mode`).
    """

    DEFAULT_CSS = """
    Picture { width: auto; height: auto; align: center middle; content-align: center middle; color: $foreground 60%; }
    Picture.-fill { width: 1fr; height: 1fr; }
    """

    def __init__(
        self,
        source: Path | Image | None = None,
        *,
        columns: int = 0,
        rows: int = 0,
        alt: str = "",
        id: str | None = None,
    ) -> None:
        """`alt` stands for the picture where it cannot be shown."""
        super().__init__(id=id)
        self.box = (columns, rows)
        self.alt = alt
        self._source = source
        self._pixels = thumbnails.size(source) if source is not None else None
        """Kept: to look at the file in every layout would hand the processor to the drawing each time."""
        self._drawn: Any = None
        """What is on the screen, with the (mode, cells) that it was made for."""
        self._made: tuple[Mode, tuple[int, int]] | None = None
        self.set_class(not columns, "-fill")

    @property
    def source(self) -> Path | Image | None:
        """The file or picture that is shown."""
        return self._source

    @source.setter
    def source(self, value: Path | Image | None) -> None:
        before = self._cells()
        self._source = value
        self.renew(layout=False)
        if self._cells() != before:
            self.refresh(layout=True)

    @property
    def mode(self) -> Mode:
        """How pictures are drawn in this application."""
        return getattr(self.app, "pictures", "half")

    def renew(self, *, layout: bool = True) -> None:
        """Draw it anew: the picture or the mode has changed."""
        self._clear()
        self._made = None
        self._pixels = thumbnails.size(self._source) if self._source is not None else None
        self.refresh(layout=layout)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return self._cells(container.width)[0]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self._cells(width)[1]

    def _cells(self, most: int = 0) -> tuple[int, int]:
        """The cells that the picture takes in the box."""
        columns, rows = self.box
        columns = min(columns, most) if most else columns
        if self._source is None and not self.alt:
            return columns, rows  # one is to come
        if self._pixels is None or self.mode == "none":
            return min(columns, max(len(self._words()), 1)), 1
        return fit(self._pixels, (columns, rows))

    def render(self) -> VisualType:
        """The picture, or what stands for it until it is read. Only called for what is in sight."""
        source, mode, size = self._source, self.mode, self._pixels
        if source is None or size is None or mode == "none":
            return inert(self._words(), self.content_size.width)
        cells = fit(size, self.space())
        if 0 in cells:
            return Content("")
        if self._made != (mode, cells):
            self._clear()
            pixels = self.pixels(mode, cells)
            kept = thumbnails.get(source, pixels) if isinstance(source, Path) else None
            if kept is not None or not isinstance(source, Path) or size[0] * size[1] <= AT_ONCE:
                self._show(kept or thumbnails.make(source, pixels), mode, cells)
            else:
                self._read(source, pixels, mode, cells)
        return self._drawn if self._drawn is not None else Content("·")

    def space(self) -> tuple[int, int]:
        """The cells that there are for the picture."""
        return self.content_size.width, self.content_size.height

    @staticmethod
    def pixels(mode: Mode, cells: tuple[int, int]) -> tuple[int, int]:
        """How many pixels are of use in that many cells."""
        (columns, rows), (across, down) = cells, cell()
        return {"half": (columns, 2 * rows), "shades": (columns, rows)}.get(mode, (columns * across, rows * down))

    @work(exclusive=True, group="picture")
    async def _read(self, source: Path, pixels: tuple[int, int], mode: Mode, cells: tuple[int, int]) -> None:
        made = await asyncio.to_thread(thumbnails.make, source, pixels)
        if source == self._source:
            self._show(made, mode, cells)
            self.refresh()

    def _show(self, made: Image | None, mode: Mode, cells: tuple[int, int]) -> None:
        self._made = (mode, cells)
        if made is None:
            self._drawn = inert(self._words(), cells[0])
        elif mode == "sixel":
            self._drawn = Content("")
            self.call_later(self._mount_sixel, made, cells)
        else:
            from textual_image import renderable

            kinds = {"kitty": renderable.TGPImage, "shades": renderable.UnicodeImage}
            self._drawn = kinds[mode](made, *cells) if mode in kinds else Halves(made)

    async def _mount_sixel(self, made: Image, cells: tuple[int, int]) -> None:
        """Sixels are no text: they need a widget of their own."""
        from textual_image.widget import SixelImage

        await self.remove_children()
        child = SixelImage(made)
        child.styles.width, child.styles.height = cells
        await self.mount(child)

    def _clear(self) -> None:
        """Free what the terminal holds for this picture."""
        if hasattr(self._drawn, "cleanup"):
            self._drawn.cleanup()
        self._drawn = None
        if self.is_mounted and self.children:
            self.remove_children()

    def on_unmount(self) -> None:
        self._clear()

    def _words(self) -> str:
        if self._source is None:
            return one_line(self.alt)
        name = one_line(self.alt) or (one_line(self._source.name) if isinstance(self._source, Path) else "picture")
        return f"▣ {name}" if self._pixels else f"▢ {name}: no picture"


class Figure(Vertical):
    """A picture with a line under it."""

    DEFAULT_CSS = """
    Figure { height: auto; align-horizontal: center; }
    Figure > Static { width: 100%; height: auto; text-align: center; color: $foreground 60%; }
    """

    def __init__(self, source: Path | Image | None, caption: str, *, columns: int, rows: int) -> None:
        super().__init__()
        self.styles.width = columns
        self._picture = Picture(source, columns=columns, rows=rows, alt=caption)
        self._caption = Static(inert(caption, columns), markup=False)

    def compose(self) -> ComposeResult:
        yield self._picture
        yield self._caption


def draw_pictures(app: App[Any]) -> None:
    """Draw all pictures anew, on every screen: the application's mode has changed."""
    for screen in app.screen_stack:
        for picture in screen.query(Picture):
            picture.renew()


def strips(app: App[Any], source: Path, cells: tuple[int, int], mode: Mode) -> list[Strip]:
    """A thumbnail as lines for a widget that draws its own; sixels become half blocks there.

    Empty where there is no picture. Reads the file unless it is kept: see `thumbnails`.
    """
    from textual_image import renderable

    drawn = "half" if mode == "sixel" else mode
    made = thumbnails.make(source, Picture.pixels(drawn, cells)) if mode != "none" else None
    if made is None:
        return []
    if drawn == "half":
        return halves(made)
    kind: Any = renderable.TGPImage if drawn == "kitty" else renderable.UnicodeImage
    options = app.console.options.update(width=cells[0], height=cells[1])
    lines = app.console.render_lines(kind(made, *cells), options, pad=False)
    return [Strip(line, cells[0]) for line in lines[: cells[1]]]
