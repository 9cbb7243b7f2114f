"""A file browser for pictures: folders on the left, what is under the cursor on the right."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from .chat.completion import PICTURES
from .inert import inert, one_line, tilde
from .pictures import Picture, thumbnails
from .words import size_text

MOST = 2000
"""Entries of a folder that are listed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder or a picture file."""

    path: Path
    folder: bool
    bytes: int = 0


def natural(name: str) -> list[tuple[int, str]]:
    """The order in which people count: "take 2" before "take 10"."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(int(part), "") if part.isdecimal() else (10**9, part) for part in parts if part]


def list_folder(folder: Path) -> list[Entry]:
    """Folders first, then pictures. Hidden ones are left out; unreadable ones are passed over.

    Raises:
        OSError: the folder itself cannot be read.
    """
    found: list[Entry] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or len(found) >= MOST:
                continue
            try:
                if entry.is_dir():
                    found.append(Entry(Path(entry.path), True))
                elif Path(entry.name).suffix.lower() in PICTURES:
                    found.append(Entry(Path(entry.path), False, entry.stat().st_size))
            except OSError:
                continue
    return sorted(found, key=lambda entry: (not entry.folder, natural(entry.path.name)))


class PictureBrowser(Vertical):
    """Marks any number of pictures, in any folders."""

    DEFAULT_CSS = """
    PictureBrowser { height: 1fr; }
    PictureBrowser #folder { height: 1; border: none; padding: 0 1; background: $surface; }
    PictureBrowser #files { width: 1fr; height: 1fr; border: none; background: $surface; padding: 0 1; }
    PictureBrowser #seen { width: 1fr; height: 1fr; padding: 0 1; }
    PictureBrowser #seen Static { height: 1; width: 100%; text-align: center; color: $foreground 60%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Choose"),
        Binding("backspace", "up", "Folder above"),
    ]

    @dataclass
    class Marked(Message):
        """The choice has changed."""

        files: tuple[Path, ...]

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder.absolute()
        self.marked: list[Path] = []
        self._entries: list[Entry] = []

    def compose(self) -> ComposeResult:
        yield Input(tilde(self.folder), id="folder", compact=True, select_on_focus=False)
        with Horizontal():
            yield OptionList(id="files", markup=False)
            with Vertical(id="seen"):
                yield Picture()
                yield Static()

    def on_mount(self) -> None:
        self.go_to(self.folder)

    @work(exclusive=True, group="folder")
    async def go_to(self, folder: Path, choose: Path | None = None) -> None:
        """List a folder; the cursor goes to `choose`, or to the first picture."""
        try:
            self._entries = await asyncio.to_thread(list_folder, folder)
        except OSError as error:
            self.notify(one_line(f"{folder} cannot be read: {error.strerror}."), severity="warning", markup=False)
            return
        self.folder = folder
        self.query_one("#folder", Input).value = tilde(folder)
        places = [at for at, entry in enumerate(self._entries) if entry.path == choose]
        pictures = [at for at, entry in enumerate(self._entries) if not entry.folder]
        self._list((places or pictures or [-1])[0] + 1)

    def _list(self, cursor: int) -> None:
        listed = self.query_one("#files", OptionList)
        listed.clear_options()
        listed.add_options([Option("  ../"), *(Option(self._line(entry)) for entry in self._entries)])
        listed.highlighted = cursor

    def _line(self, entry: Entry) -> Content:
        name = one_line(entry.path.name)
        if entry.folder:
            return Content.styled(f"  {name}/", "$secondary")
        marked = entry.path in self.marked
        return Content.assemble(("✓ " if marked else "  ", "$success bold"), (name, "bold" if marked else ""))

    @property
    def entry(self) -> Entry | None:
        """What is under the cursor; `None` for the folder above."""
        place = self.query_one("#files", OptionList).highlighted
        return self._entries[place - 1] if place and place <= len(self._entries) else None

    @on(OptionList.OptionHighlighted, "#files")
    def _see(self) -> None:
        entry = self.entry
        picture, words = self.query_one("#seen Picture", Picture), self.query_one("#seen Static", Static)
        picture.source = entry.path if entry and not entry.folder else None
        size = thumbnails.size(entry.path) if entry and not entry.folder else None
        words.update(inert(f"{size[0]} × {size[1]} px, {size_text(entry.bytes)}" if entry and size else ""))

    @on(OptionList.OptionSelected, "#files")
    def _enter(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        entry = self.entry
        if entry is None:
            self.action_up()
        elif entry.folder:
            self.go_to(entry.path)
        else:
            self.action_mark()

    @on(Input.Submitted, "#folder")
    def _typed(self, event: Input.Submitted) -> None:
        event.stop()
        path = Path(event.value.strip()).expanduser().absolute()
        self.go_to(path.parent if path.is_file() else path, path)
        self.query_one("#files").focus()

    def action_up(self) -> None:
        """The folder above."""
        self.go_to(self.folder.parent, self.folder)

    def action_mark(self) -> None:
        """Choose the picture under the cursor, or choose it no more."""
        entry = self.entry
        if entry is None or entry.folder:
            return
        if entry.path in self.marked:
            self.marked.remove(entry.path)
        else:
            self.marked.append(entry.path)
        listed = self.query_one("#files", OptionList)
        place = listed.highlighted or 0
        listed.replace_option_prompt_at_index(place, self._line(entry))
        self.post_message(self.Marked(tuple(self.marked)))
