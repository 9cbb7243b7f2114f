"""What the judge reads, as names and class numbers. Imports no heavy library."""

from __future__ import annotations

from ...starter.world import (
    ACCESSORIES,
    COLOURS,
    KINDS,
    PATTERNS,
    PLACES,
    POSITIONS,
    SIZES,
    TIMES,
    Scene,
)

SETTING: dict[str, tuple[str, ...]] = {"place": PLACES, "time": TIMES}
"""Read once a picture."""
FIGURE: dict[str, tuple[str, ...]] = {
    "present": ("no", "yes"),
    "kind": KINDS,
    "main": tuple(COLOURS),
    "second": tuple(COLOURS),
    "pattern": PATTERNS,
    "accessory": ACCESSORIES,
    "size": SIZES,
    "position": POSITIONS,
}
"""Read for each of the two slots: the only or left figure, and the right one of two."""
SLOTS = 2
REGIONS = ("background", "figure", "accessory")
"""What a pixel can belong to."""
UNKNOWN = -100
"""The class number of what is not there, which the loss leaves out."""


def setting_classes(scene: Scene) -> list[int]:
    """Class numbers in the order of `SETTING`."""
    return [PLACES.index(scene.place), TIMES.index(scene.time)]


def figure_classes(scene: Scene) -> list[list[int]]:
    """Class numbers `[slot][attribute]` in the order of `FIGURE`.

    In an empty slot all but `present` are `UNKNOWN`.
    """
    rows = []
    for slot in range(SLOTS):
        if slot >= len(scene.figures):
            rows.append([0] + [UNKNOWN] * (len(FIGURE) - 1))
            continue
        figure = scene.figures[slot]
        subject = figure.subject
        values = (
            "yes",
            subject.kind,
            subject.main,
            subject.second,
            subject.pattern,
            figure.accessory,
            figure.size,
            figure.position,
        )
        rows.append([names.index(value) for names, value in zip(FIGURE.values(), values, strict=True)])
    return rows


def attributes() -> dict[str, list[str]]:
    """Every attribute with its values, as written beside the weights: other words need another judge."""
    return {name: list(values) for name, values in (SETTING | FIGURE).items()}
