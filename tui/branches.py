"""The tree of takes as rows with guides, like the graph of a version history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..memory.values import Take

DEEPEST = 6
"""Branches inside branches that are drawn; what lies deeper is drawn at this depth."""


@dataclass(frozen=True, slots=True)
class Row:
    """One take in the tree."""

    take: Take
    first: str
    """What stands before it in its first line, its place in the tree; the last character is its dot."""
    rest: str
    """What stands before it in its other lines."""
    parent: int | None
    """The row of the take that it was made from."""


def lay_out(takes: Sequence[Take], parent_of: Callable[[Take], Take | None]) -> list[Row]:
    """Takes as rows, children after their parents.

    What was made from a take without branching goes on in its line; several are branches, one step to the
    right each, oldest first.
    """
    children: dict[str | None, list[Take]] = {}
    for take in takes:
        origin = parent_of(take)
        # A parent is older; an edited record that says otherwise might make a circle.
        children.setdefault(origin.id if origin is not None and origin.number < take.number else None, []).append(take)
    rows: list[Row] = []
    waiting: list[tuple[Take, str, str, int | None]] = []

    def wait_for(family: list[Take], before: str, parent: int | None) -> None:
        if len(family) < 2 or len(before) >= 2 * DEEPEST:
            waiting.extend((take, before, before, parent) for take in reversed(family))
            return
        corners = ["├─"] * (len(family) - 1) + ["╰─"]
        lines = ["│ "] * (len(family) - 1) + ["  "]
        branches = list(zip(family, corners, lines, strict=True))
        waiting.extend((take, before + corner, before + line, parent) for take, corner, line in reversed(branches))

    roots = children.get(None, [])
    waiting.extend((take, "", "", None) for take in reversed(roots))
    while waiting:
        take, first, before, parent = waiting.pop()
        family = children.get(take.id, [])
        rows.append(Row(take, f"{first}●", f"{before}{'│' if family else ' '}", parent))
        wait_for(family, before, len(rows) - 1)
    return rows
