"""`limner bench compare A B`: two runs side by side, trial by trial."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .results import ResultFolder, paired, percent, table, tally


def compare(old: Path, new: Path) -> list[dict[str, Any]]:
    """One row a measure that both runs have, over the trials that both have.

    `difference` is new - old, `low` and `high` its 95 % paired interval; shares are 0..1.
    """
    before, after = (tally(ResultFolder.read(folder).rows) for folder in (old, new))
    rows = []
    for measure in before:
        keys = [key for key in before[measure] if key in after.get(measure, {})]
        if not keys:
            continue
        a, b = ([side[measure][key] for key in keys] for side in (before, after))
        difference, low, high = paired(a, b)
        rows.append(
            {
                "measure": measure,
                "trials": len(keys),
                "old": sum(a) / len(a),
                "new": sum(b) / len(b),
                "difference": difference,
                "low": low,
                "high": high,
            }
        )
    return rows


def shown(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a table; "*" marks a difference whose interval leaves out zero."""
    lines = [("measure", "trials", "A", "B", "B - A", "95 % interval", "")]
    for row in rows:
        low, high = 100 * row["low"], 100 * row["high"]
        lines.append(
            (
                row["measure"],
                str(row["trials"]),
                percent(row["old"]),
                percent(row["new"]),
                f"{100 * row['difference']:+.1f}",
                f"{low:+.1f} .. {high:+.1f}",
                "*" if low > 0 or high < 0 else "",
            )
        )
    return table(lines)


def settings_differ(old: Path, new: Path) -> list[str]:
    """What the two runs were begun with differently, one sentence each."""
    a, b = (ResultFolder.read(folder).header["settings"] for folder in (old, new))
    return [f"{key}: {a.get(key)!r} -> {b.get(key)!r}" for key in sorted(a | b) if a.get(key) != b.get(key)]


def run(old: Path, new: Path, as_json: bool) -> None:
    """Prints the comparison."""
    rows = compare(old, new)
    if as_json:
        for row in rows:
            print(json.dumps(row))
        return
    for line in settings_differ(old, new):
        print(line)
    print(shown(rows) if rows else "The two runs have no measure in common.")
