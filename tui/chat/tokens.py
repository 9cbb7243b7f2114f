"""What is special in a sentence: /commands, @concepts, #takes. Shared by the input and the log."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple

from textual.content import Content

Kind = Literal["command", "concept", "take"]
STYLES: dict[Kind, str] = {"command": "$primary", "concept": "$accent bold", "take": "$secondary bold"}
_TAKE = re.compile(r"(?<![\w#])#(\d{1,6})\b")
_COMMAND = re.compile(r"/[a-z]+(?=\s|$)")


class Token(NamedTuple):
    """A piece of a text, `start` to `end` in characters."""

    start: int
    end: int
    kind: Kind


def tokens(text: str, names: Collection[str] = (), numbers: Collection[int] = ()) -> Iterator[Token]:
    """The tokens of `text`: names of concepts with or without "@" (any case), and takes that there are."""
    if command := _COMMAND.match(text):
        yield Token(0, command.end(), "command")
    if names:
        known = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
        for found in re.finditer(rf"(?<![\w@])@?(?:{known})(?!\w)", text, re.IGNORECASE):
            yield Token(found.start(), found.end(), "concept")
    for found in _TAKE.finditer(text):
        if int(found[1]) in numbers:
            yield Token(found.start(), found.end(), "take")


def painted(text: str, names: Collection[str] = (), numbers: Collection[int] = ()) -> Content:
    """`text` (already clean) with its tokens coloured; nothing in it is markup."""
    content = Content(text)
    for start, end, kind in tokens(text, names, numbers):
        content = content.stylize(STYLES[kind], start, end)
    return content
