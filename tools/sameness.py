"""Whether the pictures that a subject is taught from belong together: identical ones, and ones of something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .scoring.calibration import Thresholds

if TYPE_CHECKING:
    from ..memory.library import Library
    from ..memory.values import Concept
    from .presets import Preset
    from .values import Prepared

APART = 0.8
"""Of the score that a drawing of the subject must reach: less alike pictures show different subjects. In the storybook
world this finds 98.8 % of odd ones among three, with no false alarm on 80 true triples."""


def doubts(library: Library, preset: Preset, space: str, concept: Concept, prepared: Sequence[Prepared]) -> list[str]:
    """What to tell about the pictures that a concept was just taught from. `space`: of the scorers' embeddings."""
    said = [f"Pictures {_listed(group)} are the same; one of them is enough." for group in identical(prepared)]
    vectors = library.embeddings(concept, space)
    known = all(item.storybook for item in prepared)  # else the encoder knows drawings only, and cannot tell
    if vectors is None or len(vectors) < 2 or not known:
        return said
    groups = together(vectors, APART * Thresholds.of(preset).subject)
    most, *others = sorted(groups, key=len, reverse=True)
    odd = sorted(number for group in others for number in group)
    if odd and 2 * len(most) > len(vectors):
        shows = f"Picture {odd[0]} shows" if len(odd) == 1 else f"Pictures {_listed(odd)} show"
        said.append(f"{shows} something else than the others; {concept.name} is met better without.")
    elif odd:
        apart = "; ".join(_listed(group) for group in groups)
        said.append(f"The pictures of {concept.name} do not seem to show the same subject ({apart}).")
    return said


def identical(prepared: Sequence[Prepared]) -> list[list[int]]:
    """Numbers (from 1) of pictures that are the same pixel for pixel. Photographs are looked over by `advice`."""
    found: dict[tuple[tuple[int, int], bytes], list[int]] = {}
    for number, item in enumerate(prepared, 1):
        if item.look is None:
            found.setdefault((item.image.size, item.image.convert("RGB").tobytes()), []).append(number)
    return [group for group in found.values() if len(group) > 1]


def together(vectors: np.ndarray, limit: float) -> list[list[int]]:
    """Groups of pictures (numbers from 1) that are linked by likeness: unit vectors `[n, d]`, cosine of at least
    `limit` with another one of the group."""
    linked = vectors @ vectors.T >= limit
    left, groups = set(range(len(vectors))), []
    while left:
        group, edge = set[int](), {min(left)}
        while edge:
            group |= edge
            edge = {int(j) for i in edge for j in np.flatnonzero(linked[i])} - group
        left -= group
        groups.append(sorted(i + 1 for i in group))
    return groups


def _listed(numbers: Sequence[int]) -> str:
    *first, last = map(str, numbers)
    return f"{', '.join(first)} and {last}" if first else last
