"""What a half-typed word may become: /commands and what belongs behind them, @concepts, #takes and paths of files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...memory.values import Concept, Take

if TYPE_CHECKING:
    from .commands import Command

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
MOST = 50
"""Candidates at once."""
READ = 5000
"""Entries of one folder that are looked at."""
_WORD = re.compile(r"(?:^|(?<=\s))(?P<mark>[@#])(?P<word>[^\s@#]*(?: [^\s@#]+)?)$")
_PATH = re.compile(r"(?:^|(?<=\s))(?P<path>(?:~|\.{1,2})?/(?:\\ |[^\s])*)$")


@dataclass(frozen=True, slots=True)
class Candidate:
    """`text` takes the place of what is behind `start`."""

    start: int
    text: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Sources:
    """What there is to complete from."""

    commands: Sequence[Command] = ()
    concepts: Sequence[Concept] = ()
    takes: Sequence[Take] = ()
    names: Callable[[str], Iterable[str]] = lambda kind: ()
    """Names of what a command's usage calls METHOD or SESSION."""


def complete(before: str, sources: Sources) -> list[Candidate]:
    """Candidates for the text before the cursor, best first."""
    return list(_some(_candidates(before, sources)))


def _some(found: Iterable[Candidate]) -> Iterator[Candidate]:
    for _, candidate in zip(range(MOST), found, strict=False):
        yield candidate


def _candidates(before: str, sources: Sources) -> Iterator[Candidate]:
    known = {command.name for command in sources.commands}
    if re.fullmatch(r"/[a-z]*", before):
        word = before[1:]
        for command in sources.commands:
            if command.name.startswith(word) and (command.name != word):
                yield Candidate(0, f"/{command.name} ", f"/{command.name}", f"{command.usage}  {command.what}".strip())
        if word:
            return
    if before[:1] == "/" and before[1:].partition(" ")[0] in known:
        yield from _arguments(before, sources)
    elif found := _WORD.search(before):
        named = _concepts if found["mark"] == "@" else _takes
        yield from named(found.start(), found["word"], sources)
    elif found := _PATH.search(before):
        yield from _files(found.start("path"), found["path"])


def _arguments(before: str, sources: Sources) -> Iterator[Candidate]:
    """What the last word behind a command may become, as the command's usage calls it."""
    name, *given, word = before[1:].split(" ")
    for command in sources.commands:
        parts = re.findall(r"[^\[\] ]+", command.usage)
        fixed = [(part.split("|"), was) for part, was in zip(parts, given, strict=False) if part.islower()]
        if command.name != name or len(given) >= command.words[1] or any(was not in part for part, was in fixed):
            continue
        place = min(len(given), len(parts) - 1)
        said = " ".join([*given, word][place:])  # names and files may have spaces
        start = len(before) - len(said)
        match parts[place]:
            case "TAKE":
                yield from _takes(len(before) - len(word), word.removeprefix("#"), sources)
            case "@NAME":
                yield from _concepts(start, said.removeprefix("@"), sources)
            case "PICTURE" | "FILE":
                yield from _files(start, said, parts[place])
            case kind:
                for option in kind.split("|") if kind.islower() else sources.names(kind):
                    if option.startswith(said) and option != said:
                        yield Candidate(start, f"{option} ", option)


def _concepts(start: int, word: str, sources: Sources) -> Iterator[Candidate]:
    names = [c for c in sources.concepts if c.name.casefold().startswith(word.casefold())]
    names += [c for c in sources.concepts if c not in names and word.casefold() in c.name.casefold()]
    for concept in names:
        if concept.name != word:
            yield Candidate(start, f"@{concept.name} ", f"@{concept.name}", concept.kind)


def _takes(start: int, word: str, sources: Sources) -> Iterator[Candidate]:
    for take in reversed(sources.takes):
        if str(take.number).startswith(word) and str(take.number) != word:
            yield Candidate(start, f"#{take.number} ", f"#{take.number}", take.description or take.prompt)


def _files(start: int, typed: str, kind: str = "") -> Iterator[Candidate]:
    """Folders and pictures that begin like the path so far, or any files. What cannot be read offers nothing.

    `kind`: how a command calls it that takes paths as they stand; in a sentence their spaces are escaped.
    """
    folder, slash, head = (typed if kind else typed.replace("\\ ", " ")).rpartition("/")
    where = Path(f"{folder}{slash}").expanduser()
    try:
        with os.scandir(where) as entries:
            found = sorted(
                (not entry.is_dir(), entry.name)
                for entry, _ in zip(entries, range(READ), strict=False)
                if entry.name.casefold().startswith(head.casefold())
                and (not entry.name.startswith(".") or head.startswith("."))
                and (entry.is_dir() or kind == "FILE" or Path(entry.name).suffix.lower() in PICTURES)
            )
    except (OSError, ValueError):
        return
    for is_file, name in found:
        text = f"{folder}{slash}{name}"
        text = text if kind else text.replace(" ", "\\ ")
        yield Candidate(start, text + (" " if is_file else "/"), name + ("" if is_file else "/"))


def dropped(text: str) -> list[Path]:
    """The pictures, if `text` is nothing but paths (or file: addresses) of existing pictures; else nothing.

    Terminals paste what is dropped on them: quoted, with escaped spaces, or a line each.
    """
    if len(text) > 20_000 or not text.strip():
        return []
    import shlex
    from urllib.parse import unquote, urlparse

    whole = _path(text.strip().strip("'\""))
    if whole is not None:
        return [whole]
    try:
        words = shlex.split(text)
    except ValueError:
        return []
    found = []
    for word in words:
        path = _path(unquote(urlparse(word).path) if word.startswith("file://") else word)
        if path is None:
            return []
        found.append(path)
    return found


def _path(text: str) -> Path | None:
    """An existing file whose name ends like a picture's."""
    if Path(text).suffix.lower() not in PICTURES or "\n" in text:
        return None
    try:
        path = Path(text).expanduser().absolute()
        return path if path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None
