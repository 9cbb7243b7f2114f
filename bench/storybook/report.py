"""What came out, as a table and as JSON, with 95 % intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from ..results import percent, table, tally, wilson
from .measures import METHOD_TARGETS


def summary(rows: Sequence[Mapping[str, Any]], method: str = "in_context") -> list[dict[str, Any]]:
    """One row a measure: share with its interval, and the method's target where there is one. Shares are 0..1."""
    made, targets = [], METHOD_TARGETS.get(method, {})
    for measure, found in tally(rows).items():
        right, count = sum(found.values()), len(found)
        low, high = wilson(right, count)
        row: dict[str, Any] = {"measure": measure, "right": right, "trials": count, "share": right / count}
        row |= {"low": low, "high": high}
        if measure in targets:
            row |= {"target": targets[measure], "reached": right / count >= targets[measure]}
        made.append(row)
    return made


def breakdown(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Shares of the edits by what they change."""
    made = []
    for stage in ("edit", "import"):
        edits = [row for row in rows if row["stage"] == stage]
        for what in sorted({row["what"] for row in edits}):
            some = [row["right"] for row in edits if row["what"] == what]
            shares = {}
            for measure in ("asked", "kept", "overlap"):
                known = [right[measure] for right in some if right[measure] is not None]
                shares[measure] = sum(known) / len(known) if known else None
            made.append({"stage": stage, "what": what, "trials": len(some)} | shares)
    return made


def shown(rows: Sequence[Mapping[str, Any]], method: str = "in_context") -> str:
    """All of it as text."""
    lines: list[tuple[str, ...]] = [("measure", "right", "share", "95 % interval", "target", "")]
    for row in summary(rows, method):
        reached = ("" if row["reached"] else "missed") if "target" in row else ""
        lines.append(
            (
                row["measure"],
                f"{row['right']}/{row['trials']}",
                percent(row["share"]),
                f"{100 * row['low']:.1f} .. {100 * row['high']:.1f}",
                percent(row["target"]) if "target" in row else "",
                reached,
            )
        )
    parts = [table(lines)]
    edits: list[tuple[str, ...]] = [("edits", "trials", "asked", "kept", "overlap")]
    for row in breakdown(rows):
        shares = ("-" if row[m] is None else percent(row[m]) for m in ("asked", "kept", "overlap"))
        edits.append((f"{row['stage']} {row['what']}", str(row["trials"]), *shares))
    if len(edits) > 1:
        parts.append(table(edits))
    times: dict[str, list[float]] = {}
    for measured in rows:
        times.setdefault(measured["stage"], []).append(measured["seconds"])
    parts.append("  ".join(f"{stage}: median {median(seconds):.2f} s" for stage, seconds in times.items()))
    tries = [row["candidates"] for row in rows if "candidates" in row]
    if tries:
        by = Counter(row["method"] for row in rows if "candidates" in row)
        drawn = ", ".join(f"{name} {count}" for name, count in by.most_common())
        parts.append(f"candidates a drawing: {sum(tries) / len(tries):.2f}; chosen from {drawn}")
    return "\n\n".join(parts)
