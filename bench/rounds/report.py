"""What came out of the conversations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from ..results import percent, table, tally, wilson
from .script import ROUNDS


def summary(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row a measure, shares 0..1 with their 95 % intervals; then drift a round."""
    made: list[dict[str, Any]] = []
    for measure, found in tally(rows).items():
        right, count = sum(found.values()), len(found)
        low, high = wilson(right, count)
        made.append(
            {"measure": measure, "right": right, "trials": count, "share": right / count, "low": low, "high": high}
        )
    drifts = [row for row in rows if row["stage"] == "drift"]
    if drifts:
        made.append({"measure": "drift outside", "by_round": [_round(drifts, i) for i in range(ROUNDS)]})
        asked = [x for row in drifts for x in row["asked"]]
        low, high = wilson(sum(asked), len(asked))
        share = sum(asked) / len(asked)
        made.append({"measure": "drift asked change", "share": share, "low": low, "high": high, "trials": len(asked)})
    return made


def _round(drifts: Sequence[Mapping[str, Any]], i: int) -> float:
    return round(mean(row["outside"][i] for row in drifts), 5)


def shown(rows: Sequence[Mapping[str, Any]]) -> str:
    """All of it as text."""
    lines: list[tuple[str, ...]] = [("measure", "trials", "share", "95 % interval")]
    parts = []
    for row in summary(rows):
        if "by_round" in row:
            rounds = "  ".join(f"{value:.4f}" for value in row["by_round"])
            parts.append(f"mean change outside the region, rounds 1 to {ROUNDS}:\n{rounds}")
            continue
        interval = f"{100 * row['low']:.1f} .. {100 * row['high']:.1f}"
        lines.append((row["measure"], str(row["trials"]), percent(row["share"]), interval))
    return "\n\n".join([table(lines), *parts])
