"""Cutting a subject out of its picture."""

from __future__ import annotations

import numpy as np
from PIL import Image

GREY = (128, 128, 128)
LEAST_SHARE = 0.02
"""A figure that covers less of a picture counts as not found."""
WAIST = 0.4
"""Columns so much lower than both what is left and right of them part two figures; one figure has 0.48 and more."""
MARGIN = 0.06
"""Room left round the subject, as a part of the crop's side."""


def crop_subject(image: Image.Image, mask: Image.Image | None, side: int = 64) -> Image.Image:
    """The subject on plain grey, filling a square of `side` px.

    `image` is RGB; `mask` is 8-bit of the same size, above 127 where the subject is. Without a mask, or with an
    empty one, the whole picture is returned at that size.
    """
    if mask is None or (box := mask.point(lambda v: 255 * (v > 127)).getbbox()) is None:
        return image.resize((side, side), Image.Resampling.BICUBIC)
    left, top, right, bottom = box
    half = max(right - left, bottom - top) * (1 + 2 * MARGIN) / 2
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    cut = (middle_x - half, middle_y - half, middle_x + half, middle_y + half)
    alone = Image.composite(image, Image.new("RGB", image.size, GREY), mask)
    # `transform` may reach beyond the picture, where it fills with grey.
    return alone.transform((side, side), Image.Transform.EXTENT, cut, Image.Resampling.BICUBIC, fillcolor=GREY)


def foreground_share(mask: Image.Image) -> float:
    """Part of the picture that the subject covers, 0..1."""
    return float((np.asarray(mask) > 127).mean())


def overlap(one: Image.Image, other: Image.Image) -> float:
    """Intersection over union of two masks of one size, 0..1."""
    a, b = (np.asarray(mask) > 127 for mask in (one, other))
    return float((a & b).sum() / max(1, (a | b).sum()))


def in_one_piece(mask: Image.Image) -> bool:
    """Whether no empty columns part the subject's mask into two figures side by side, each a sixth of it or more."""
    columns = (np.asarray(mask) > 127).sum(0)
    return not (columns[_middle(columns)] == 0).any()


def side_by_side(mask: Image.Image) -> list[Image.Image]:
    """The masks of the figures that stand side by side, also where they touch, from left to right; of one, its own.

    They are parted where the columns are thin between two thicker ones. Of 400 drawn scenes with one or two figures
    that tells 395.
    """
    columns = (np.asarray(mask) > 127).sum(0)
    peaks = np.minimum(np.maximum.accumulate(columns), np.maximum.accumulate(columns[::-1])[::-1])
    thin = [(columns[i] / max(1, peaks[i]), i) for i in _middle(columns)]
    share, cut = min(thin, default=(1.0, 0))
    if share > WAIST:
        return [mask]
    halves = [Image.new("L", mask.size), Image.new("L", mask.size)]
    for half, (left, right) in zip(halves, ((0, int(cut)), (int(cut), mask.width)), strict=True):
        half.paste(mask.crop((left, 0, right, mask.height)), (left, 0))
    return [figure for half in halves for figure in side_by_side(half)]


def _middle(columns: np.ndarray) -> np.ndarray:
    """The columns with a sixth of the mask or more on both sides; `columns`: how many of its pixels each has."""
    before = columns.cumsum() / max(1, columns.sum())
    return np.flatnonzero((before > 1 / 6) & (before < 5 / 6))
