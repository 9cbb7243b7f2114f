"""Pictures to learn from: the references, and the subject put into other scenes.

Compositional augmentation (arXiv 2405.05538, section on data augmentation; SVDiff's "cut-mix-unmix" is its kin): the
subject is cut out by its mask and takes the place of the figure in a prior picture, so that the model sees it in
scenes that the references do not show.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

LEAST, MOST = 0.02, 0.6
"""Part of a picture that a figure must cover to be replaced."""
SAME, NEAR = 0.3, 0.15
"""Scales so near to 1, and distances so small a part of the picture, count as none."""


@dataclass(frozen=True)
class Example:
    """A picture to learn, square, with the weight of each pixel in the loss (float32 `[side, side]`)."""

    picture: Image.Image
    weight: np.ndarray
    caption: str
    kind: str
    """"reference", "composed" or "prior"."""
    reference: int = -1
    """Which reference it was made from."""


@dataclass(frozen=True)
class Cut:
    """A subject alone: RGBA, cropped to its box, and where the box stood (left, top) in its picture."""

    picture: Image.Image
    at: tuple[int, int]


def cut_out(picture: Image.Image, mask: Image.Image) -> Cut | None:
    """The subject alone; `None` where the mask is empty."""
    hard = mask.point(lambda v: 255 * (v > 127))
    box = hard.getbbox()
    if box is None:
        return None
    alone = picture.convert("RGBA")
    alone.putalpha(hard)
    return Cut(alone.crop(box), (box[0], box[1]))


def compose(subject: Cut, scene: Image.Image, figure: Image.Image) -> tuple[Image.Image, np.ndarray] | None:
    """`subject` standing where the `figure` (8-bit mask) of `scene` stood; and its mask, bool `[h, w]`.

    A figure of about the same size at about the same place gives way without the subject moving by a pixel: nothing
    is resampled, and the codes of a picture tokenizer stay what they were. `None` where there is no figure to replace.
    """
    where = np.asarray(figure) > 127
    if not LEAST <= where.mean() <= MOST:
        return None
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    made = Image.fromarray(
        fill_rows(np.asarray(scene.convert("RGB")), np.asarray(figure.filter(ImageFilter.MaxFilter(5))) > 40)
    )
    alone, (x, y) = subject.picture, subject.at
    scale = max(bottom - top, right - left) / max(alone.size)
    apart = max(abs(left + right - 2 * x - alone.width) / 2, abs(bottom - y - alone.height))
    if abs(scale - 1) > SAME or apart > NEAR * max(made.size):
        if abs(scale - 1) > SAME:
            size = (max(1, round(alone.width * scale)), max(1, round(alone.height * scale)))
            alone = alone.resize(size, Image.Resampling.LANCZOS)
        x = min(max(0, (left + right - alone.width) // 2), max(0, made.width - alone.width))
        y = min(max(0, bottom - alone.height), max(0, made.height - alone.height))
    shape = Image.new("L", made.size, 0)
    shape.paste(alone.getchannel("A"), (x, y))
    made.paste(alone, (x, y), alone)
    return made, np.asarray(shape) > 127


def fill_rows(pixels: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """`pixels` `[h, w, 3]` with the hole `[h, w]` filled from the nearest pixel beside it in the same row.

    Backgrounds change least along the horizon.
    """
    made = pixels.copy()
    for y in np.flatnonzero(hole.any(1)):
        known = np.flatnonzero(~hole[y])
        if len(known):
            gaps = np.flatnonzero(hole[y])
            after = np.searchsorted(known, gaps).clip(0, len(known) - 1)
            before = (after - 1).clip(0)
            nearer = np.where(np.abs(known[after] - gaps) < np.abs(gaps - known[before]), after, before)
            made[y, gaps] = pixels[y, known[nearer]]
    return made


def weights(mask: np.ndarray | None, side: int, background: float) -> np.ndarray:
    """Weight of each pixel: 1 on the subject (bool `[side, side]`), `background` elsewhere; 1 without a mask."""
    if mask is None:
        return np.ones((side, side), np.float32)
    return np.where(mask, 1.0, background).astype(np.float32)


def pick(groups: Sequence[Sequence[int]], shares: Sequence[float], count: int, rng: random.Random) -> list[int]:
    """`count` members of `groups`, about as many of each as `shares` says; empty groups give theirs to the others."""
    filled = [(group, share) for group, share in zip(groups, shares, strict=True) if group and share > 0]
    chosen = rng.choices(range(len(filled)), [share for _, share in filled], k=count)
    return [rng.choice(filled[i][0]) for i in chosen]
