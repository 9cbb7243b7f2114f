"""Runs all of it and prints a table or JSON lines."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ...tools.presets import load_preset
from ...tools.studio import Studio
from ..judge.reader import Judge
from ..results import percent, table
from ..storybook.running import chosen_method
from . import copies, ranking
from . import table as tables

AIMS = {"rendered subject": 0.85, "rendered text": 0.85, "drawn subject": 0.85, "drawn text": 0.85}
AIMS |= {"caught of all copies": 0.99, "false alarms on new scenes": 0.02}


def run(
    preset: str, method: str, pairs: int, drawings: int, seed: int, references: int, write: bool
) -> list[dict[str, Any]]:
    """Measures ranking and copy gate; with `write` also renews the preset's table of likeness."""
    studio = Studio(load_preset(preset))
    try:
        if write and studio.preset.measured is not None:
            tables.write(studio.preset.measured, "alike", tables.alike(studio))
        made = ranking.rendered(studio, pairs, seed, references)
        if drawings:
            judge = Judge.load()
            name = chosen_method(studio, method)
            made += ranking.drawn(studio, judge, drawings, seed, references, name, _tell)
        made += copies.planted(studio, pairs, seed)
    finally:
        studio.close()
    rows = [agreement.row() for agreement in made]
    return [row | ({"aim": AIMS[str(row["measure"])]} if row["measure"] in AIMS else {}) for row in rows]


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def shown(rows: list[dict[str, Any]]) -> str:
    """The rows as a table."""
    lines: list[tuple[str, ...]] = [("measure", "right", "share", "95 % interval", "aim")]
    for row in rows:
        share = "-" if row["share"] is None else percent(row["share"])
        interval = f"{100 * row['low']:.1f} .. {100 * row['high']:.1f}"
        aim = percent(row["aim"]) if "aim" in row else ""
        lines.append((row["measure"], f"{row['right']}/{row['trials']}", share, interval, aim))
    return table(lines)


def recommend(preset: str, folders: list[Path]) -> str:
    """Renews the preset's table of where to begin, from runs of the benchmark; returns it as JSON."""
    chosen = load_preset(preset)
    rows = tables.recommended(folders, chosen.methods)
    if chosen.measured is not None:
        tables.write(chosen.measured, "recommended", rows)
    return "\n".join(json.dumps(row) for row in rows)
