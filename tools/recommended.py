"""Which method to begin with for a concept that nothing is known about yet: a table that the benchmark made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..memory.values import Concept
from .presets import Preset
from .values import SubjectInput


def first_method(preset: Preset, subjects: Sequence[Concept | SubjectInput], names: Sequence[str]) -> str:
    """The cheapest of `names` that the table thinks good enough for every subject; "" where it says nothing."""
    if preset.measured is None or not subjects:
        return ""
    begin = [_first(_table(preset.measured), subject) for subject in subjects]
    known = [name for name in begin if name in names]
    return max(known, key=list(names).index) if known else ""


def _first(table: Sequence[Mapping[str, Any]], concept: Concept | SubjectInput) -> str:
    """By class and number of references; else by the number alone."""
    several = len(concept.references) > 1
    rows = [row for row in table if (row["references"] > 1) == several]
    own = [row for row in rows if row["kind"] == concept.kind.lower()] or [r for r in rows if not r["kind"]]
    return str(own[0]["method"]) if own else ""


@lru_cache
def _table(file: Path) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = json.loads(file.read_text(encoding="utf-8")).get("recommended", [])
    return rows
