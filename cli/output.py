"""What the command line prints: words for people, or one JSON object a line for programs.

Standard output carries results only; notices, errors and progress go to standard error.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, TextIO

from ..memory.events import Event, Progress
from ..memory.values import Concept, Scores, Take, Usage

_DIRECTION_MARKS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


def clean(text: str, *, lines: bool = False) -> str:
    """`text` with everything that could steer a terminal made visible as an escape (`\\x1b`).

    With `lines`, line breaks and tabs stay.
    """
    kept = "\n\t" if lines else ""

    def harmless(char: str) -> bool:
        return char in kept or (unicodedata.category(char) not in ("Cc", "Cs") and char not in _DIRECTION_MARKS)

    return "".join(char if harmless(char) else char.encode("unicode_escape").decode() for char in text)


def duration(seconds: float) -> str:
    """ "0.4 s", "12 s", "3 min 5 s"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def scores_text(scores: Scores) -> str:
    """ "subject 0.81, text 0.70", or "not measured"."""
    named = (("subject", scores.subject), ("text", scores.text), ("copy", scores.copy))
    measured = [f"{name} {value:.2f}" for name, value in named if value is not None]
    return ", ".join(measured) or "not measured"


def scores_row(scores: Scores) -> dict[str, Any]:
    return {"subject": scores.subject, "text": scores.text, "copy": scores.copy, "verdict": scores.verdict}


def concept_row(concept: Concept) -> dict[str, Any]:
    """The JSON fields of a concept."""
    return {
        "name": concept.name,
        "kind": concept.kind,
        "version": concept.version,
        "references": [str(path) for path in concept.references],
        "id": concept.id,
        "category": concept.category,
        "stable": list(concept.stable),
        "changeable": list(concept.changeable),
        "negatives": list(concept.negatives),
        "created": concept.created,
    }


def take_row(take: Take) -> dict[str, Any]:
    """The JSON fields of a take; `parent` is an id, `concepts` are names."""
    return {
        "number": take.number,
        "id": take.id,
        "session": take.session,
        "parent": take.parent,
        "origin": take.origin,
        "prompt": take.prompt,
        "description": take.description,
        "concepts": [use.name for use in take.concepts],
        "versions": {use.name: use.version for use in take.concepts},
        "method": take.method,
        "borrow_from": take.borrow_from,
        "seed": take.seed,
        "model": take.model,
        "scores": scores_row(take.scores),
        "seconds": take.seconds,
        "image": str(take.image_path),
        "rating": take.rating,
        "created": take.created,
    }


def take_line(take: Take) -> str:
    """A finished picture in one line for people; how long it took to come is said with it."""
    facts = [take.method, scores_text(take.scores), str(take.image_path)]
    return f"take {take.number}: " + "  ".join(clean(fact) for fact in facts if fact)


def event_row(event: Event) -> dict[str, Any]:
    """An event with its class name under `event`. A picture that is only a preview is left out."""
    row: dict[str, Any] = {"event": type(event).__name__}
    for item in fields(event):
        value = getattr(event, item.name)
        if isinstance(value, Take | Usage):
            value = take_row(value) if isinstance(value, Take) else asdict(value)
        if item.name != "preview":
            row[item.name] = value
    return row


def usage_text(usage: Usage) -> str:
    """What a turn cost, for people."""
    cost = "" if usage.cost is None else f", ${usage.cost:.4f}"
    return f"{usage.input_tokens:,} + {usage.output_tokens:,} tokens{cost}"


def _plain(value: Any) -> Any:
    """What `json` does not know: paths, tuples inside mappings, numbers of other libraries."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "item"):
        return value.item()
    return str(value)


def to_json(row: Mapping[str, Any]) -> str:
    """One line of pure ASCII, so that no terminal, pipe or locale can spoil it."""
    return json.dumps(dict(row), default=_plain)


class Meter:
    """One line of progress with the time left, on a terminal only; a pipe stays quiet."""

    WIDTH = 24

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.live = stream.isatty()
        self.shown = False

    def show(self, progress: Progress) -> None:
        if not self.live:
            return
        parts = [clean(progress.label)]
        if progress.total:
            share = min(1.0, progress.step / progress.total)
            done = round(share * self.WIDTH)
            parts.append(f"[{'#' * done}{'-' * (self.WIDTH - done)}] {share:4.0%}")
        if progress.seconds_left is not None:
            parts.append(f"{duration(progress.seconds_left)} left")
        self.stream.write("\r\x1b[2K" + "  ".join(parts))
        self.stream.flush()
        self.shown = True

    def clear(self) -> None:
        if self.shown:
            self.stream.write("\r\x1b[2K")
            self.stream.flush()
            self.shown = False


class Output:
    """Where results, notices and progress of one command go."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.meter = Meter(sys.stderr)

    def row(self, row: Mapping[str, Any], text: str) -> None:
        """One result: `row` under `--json`, else `text` (already clean)."""
        self.meter.clear()
        print(to_json(row) if self.as_json else text, flush=True)

    def words(self, text: str) -> None:
        """Words around the results, which programs do not need."""
        if not self.as_json:
            self.meter.clear()
            print(text, flush=True)

    def notice(self, text: str) -> None:
        """A remark; the work went on."""
        self.meter.clear()
        print(f"note: {clean(text)}", file=sys.stderr, flush=True)

    def notices(self, texts: Iterable[str]) -> None:
        for text in texts:
            self.notice(text)

    def error(self, text: str, hint: str = "") -> None:
        """What went wrong, and what to do about it."""
        self.meter.clear()
        sentence = clean(text).rstrip()
        print(f"limner: {sentence}{f' {clean(hint)}' if hint else ''}", file=sys.stderr, flush=True)


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows as lines with aligned columns (widths counted in characters)."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
