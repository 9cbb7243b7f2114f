"""Text that came from outside (names, prompts, replies, paths) as terminals may safely show it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path
from textwrap import wrap

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from ..memory.names import clean_text


def one_line(text: str, width: int = 0) -> str:
    """`text` without escapes and control characters, on one line; cut to `width` cells where given."""
    line = " ".join(clean_text(text).split())
    line = "".join(char for char in line if unicodedata.category(char) not in ("Cc", "Cs"))
    return line if not width or cell_len(line) <= width else set_cell_size(line, width - 1).rstrip() + "…"


def tilde(path: Path) -> str:
    """A path as people write it: their home is `~`."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)


def inert(text: str, width: int = 0) -> Content:
    """One line for a widget: brackets in it are brackets, never markup."""
    return Content(one_line(text, width))


def inert_lines(text: str) -> Content:
    """As `inert`, with its line breaks kept."""
    return Content("\n".join(one_line(line) for line in clean_text(text).splitlines()))


def inert_table(rows: Iterable[tuple[str, str]], room: int = 0, style: str = "$foreground 55%") -> Content:
    """Names and values, a line each, aligned; what has no value is left out.

    With `room`, values are broken so that lines have at most that many characters, and go on where they began.
    """
    kept = [(one_line(name), one_line(value)) for name, value in rows if value]
    width = max((len(name) for name, _ in kept), default=0)
    lines: list[Content] = []
    for name, value in kept:
        first, *rest = wrap(value, max(room - width - 2, 12)) if room else [value]
        lines.append(Content.assemble((f"{name:<{width}}  ", style), first))
        lines += [Content(" " * (width + 2) + text) for text in rest]
    return Content("\n").join(lines)
