"""Raw similarities of a picture, in 0..1, from one encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image


def subject_similarity(found: np.ndarray, references: np.ndarray) -> float:
    """Nearness of the drawn subject `[d]` to its references `[n, d]`: the median cosine, negative ones as 0.

    The median, so that one odd reference neither saves nor spoils a picture.
    """
    return float(np.clip(np.median(references @ found), 0, 1))


def text_similarity(image: np.ndarray, text: np.ndarray) -> float:
    """Cosine of picture and prompt `[d]`, negative ones as 0."""
    return float(np.clip(image @ text, 0, 1))


def regions(mask: np.ndarray, count: int) -> list[np.ndarray]:
    """Splits a subject mask (bool `[h, w]`) into `count` regions from left to right, at its emptiest columns.

    Fewer come back where the mask has too few pixels.
    """
    if count <= 1:
        return [mask] if mask.any() else []
    columns = mask.sum(0)
    shown = np.flatnonzero(columns)
    if len(shown) < 2 * count:
        return [mask] if mask.any() else []
    cuts = [0]
    for i in range(1, count):
        middle = shown[0] + (shown[-1] - shown[0]) * i // count
        reach = max(1, (shown[-1] - shown[0]) // (3 * count))
        window = columns[middle - reach : middle + reach + 1]
        cuts.append(int(middle - reach + np.argmin(window)))
    cuts.append(mask.shape[1])
    parts = []
    for left, right in zip(cuts, cuts[1:], strict=False):
        part = np.zeros_like(mask)
        part[:, left:right] = mask[:, left:right]
        parts.append(part)
    return parts


def strip(parts: Sequence[np.ndarray], number: int) -> Image:
    """8-bit mask of the columns of one of the regions from left to right, up to half of the way to its neighbours."""
    from PIL import Image as Images

    ends = [(shown[0], shown[-1] + 1) for shown in (np.flatnonzero(part.any(0)) for part in parts)]
    left = 0 if number == 0 else (ends[number - 1][1] + ends[number][0]) // 2
    right = parts[0].shape[1] if number == len(parts) - 1 else (ends[number][1] + ends[number + 1][0]) // 2
    found = np.zeros(parts[0].shape, np.uint8)
    found[:, left:right] = 255
    return Images.fromarray(found)


def best_assignment(similarity: np.ndarray) -> Sequence[int]:
    """For each subject (row) its region (column), so that the sum is largest; for a handful of subjects."""
    from itertools import permutations

    rows, columns = similarity.shape
    choices = permutations(range(columns), rows)
    return max(choices, key=lambda order: sum(similarity[i, j] for i, j in enumerate(order)))
