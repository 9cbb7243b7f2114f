"""What counts as right. "Cannot tell" (`None`) never does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...starter.world import Scene
from ..judge.reader import Reading, overlap
from .trials import Change

ASKED = ("kind", "main", "second", "pattern", "place", "accessory", "time")
"""What a drawing must show; "joint" is all of it at once, "success" class, colours, place and one thing more in a
picture that is no copy."""
KEPT = ("kind", "main", "second", "place")
"""What an edit must keep unless it was asked to change it; "kept" is all of it at once."""
ALSO_KEPT = ("pattern", "time", "accessory")
"""Reported, but no part of "kept"."""
STILL = ("time", "place", "accessory", "main", "second")
"""Edits that neither move nor resize the figure."""
ENOUGH = 0.7
"""Overlap (intersection over union) of a figure's old and new mask that counts as the same drawing."""
SPOKEN = {"kind": "class"}
"""How attributes are called in reports where not by their own name."""

TARGETS: dict[str, float] = {
    "draw class": 0.85,
    "draw main": 0.85,
    "draw second": 0.65,
    "draw place": 0.97,
    "draw accessory": 0.85,
    "draw time": 0.95,
    "edit asked": 0.75,
    "edit kept": 0.80,
    "edit overlap": 0.70,
    "import asked": 0.75,
    "import kept": 0.80,
    "import overlap": 0.70,
}
METHOD_TARGETS: dict[str, dict[str, float]] = {
    "in_context": TARGETS,
    "ip_adapter": {"draw class": 0.80, "draw main": 0.85, "draw place": 0.90, "draw success": 0.45},
}


def truth(scene: Scene) -> dict[str, str]:
    """The setting and the first figure, flat, under the judge's names."""
    figure = scene.figures[0]
    return {
        "place": scene.place,
        "time": scene.time,
        "kind": figure.subject.kind,
        "main": figure.subject.main,
        "second": figure.subject.second,
        "pattern": figure.subject.pattern,
        "accessory": figure.accessory,
        "size": figure.size,
        "position": figure.position,
    }


def drawing(scene: Scene, reading: Reading, copied: bool = False) -> dict[str, bool]:
    """Measures of a drawing of `scene`; `copied` is what the copy gate says about it."""
    wanted, seen = truth(scene), reading.values()
    right = {SPOKEN.get(name, name): seen[name] == wanted[name] for name in (*ASKED, "size", "position")}
    further = "accessory" if wanted["accessory"] != "none" else "time"
    right["not copied"] = not copied
    right["success"] = not copied and all(seen[name] == wanted[name] for name in (*KEPT, further))
    right["joint"] = all(seen[name] == wanted[name] for name in ASKED)
    right["alone"] = len(reading.figures) == 1
    return right


def change_made(step: Change, reading: Reading) -> bool:
    """Whether the picture shows what the instruction asked for."""
    if step.what != "add":
        return reading.values()[step.what] == truth(step.after)[step.what]
    if len(reading.figures) != 2:
        return False
    wanted, seen = step.after.figures[1].subject, reading.figures[1]
    return (seen.kind, seen.main) == (wanted.kind, wanted.main)


def edited(
    step: Change, old: Mapping[str, str | None], before: Reading, after: Reading
) -> tuple[dict[str, bool | None], float | None]:
    """Measures of an edit, and the overlap of the figure's masks where it should stay.

    `old` is what the picture showed before the edit: as rendered, or as the judge read it. A measure is
    `None` where the edit was asked to change it.
    """
    new = after.values()
    right: dict[str, bool | None] = {"asked": change_made(step, after)}
    for name in (*KEPT, *ALSO_KEPT):
        same = old[name] is not None and old[name] == new[name]
        right[f"kept {SPOKEN.get(name, name)}"] = None if name == step.what else same
    right["kept"] = all(right[f"kept {SPOKEN.get(name, name)}"] is not False for name in KEPT)
    shared = overlap(before, after) if step.what in STILL else None
    right["overlap"] = None if shared is None else shared >= ENOUGH
    right["all"] = bool(right["asked"] and right["kept"] and right["overlap"] is not False)
    return right, shared


def figures(reading: Reading) -> list[dict[str, Any]]:
    """The figures as JSON."""
    names = ("kind", "main", "second", "pattern", "accessory", "size", "position")
    return [{name: getattr(figure, name) for name in names} for figure in reading.figures]
