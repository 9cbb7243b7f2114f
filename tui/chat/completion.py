"""What a half-typed word may become: /commands, @concepts, #takes and paths of files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...memory.values import Concept, Take

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

    commands: Sequence[tuple[str, str]] = ()
    """Name without slash, and what it does."""
    concepts: Sequence[Concept] = ()
    takes: Sequence[Take] = ()


def complete(before: str, sources: Sources) -> list[Candidate]:
    """Candidates for the text before the cursor, best first."""
    return list(_some(_candidates(before, sources)))


def _some(found: Iterable[Candidate]) -> Iterator[Candidate]:
    for _, candidate in zip(range(MOST), found, strict=False):
        yield candidate


def _candidates(before: str, sources: Sources) -> Iterator[Candidate]:
    if re.fullmatch(r"/[a-z]*", before):
        word = before[1:]
        for name, what in sources.commands:
            if name.startswith(word) and (name != word):
                yield Candidate(0, f"/{name} ", f"/{name}", what)
        if word:
            return
    if found := _WORD.search(before):
        yield from _marked(found, sources)
    elif found := _PATH.search(before):
        yield from _files(found.start("path"), found["path"])


def _marked(found: re.Match[str], sources: Sources) -> Iterator[Candidate]:
    word, start = found["word"], found.start()
    if found["mark"] == "@":
        names = [c for c in sources.concepts if c.name.casefold().startswith(word.casefold())]
        names += [c for c in sources.concepts if c not in names and word.casefold() in c.name.casefold()]
        for concept in names:
            if concept.name != word:
                yield Candidate(start, f"@{concept.name} ", f"@{concept.name}", concept.kind)
    elif word.isdigit() or not word:
        for take in reversed(sources.takes):
            if str(take.number).startswith(word) and str(take.number) != word:
                yield Candidate(start, f"#{take.number} ", f"#{take.number}", take.description or take.prompt)


def _files(start: int, typed: str) -> Iterator[Candidate]:
    """Folders and pictures that begin like the path so far. What cannot be read offers nothing."""
    plain = typed.replace("\\ ", " ")
    folder, _, head = plain.rpartition("/")
    where = Path(f"{folder}/").expanduser()
    try:
        with os.scandir(where) as entries:
            found = sorted(
                (not entry.is_dir(), entry.name)
                for entry, _ in zip(entries, range(READ), strict=False)
                if entry.name.casefold().startswith(head.casefold())
                and (not entry.name.startswith(".") or head.startswith("."))
                and (entry.is_dir() or Path(entry.name).suffix.lower() in PICTURES)
            )
    except (OSError, ValueError):
        return
    for is_file, name in found:
        text = f"{folder}/{name}".replace(" ", "\\ ")
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
