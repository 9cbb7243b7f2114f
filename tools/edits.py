"""Edits that leave the rest alone: which pixels an edit has really changed, and putting back all others.

A generator redraws the whole picture, so even what nobody spoke of drifts a little, round by round. The changed region
is found as the difference between two predictions of the same generator, the picture before and after the edit
(the idea of DiffEdit, Couairon et al. 2022, section 3.1, with the model's own reconstruction as the first one: what the
generator cannot carry cancels out). Outside the region the pixels of the source return.

Shapes: h, w pixels; pictures `[h, w, 3]` float32 in 0..1, regions `[h, w]` float32 in 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageFilter

THRESHOLD = 0.12
"""Difference (of 1, largest channel, mean over 3 x 3 pixels) above which a pixel counts as changed."""
GROWN = 3
"""Width of the window (pixels) by which the region grows, so that outlines belong to it."""


@dataclass(frozen=True, slots=True)
class Edited:
    """An edit after putting back."""

    image: Image.Image
    region: Image.Image
    """8-bit mask of what was changed."""
    changed: float
    """Part of the picture that was changed, in 0..1; all other pixels are the source's own."""


def changed_region(before: Image.Image, after: Image.Image) -> Image.Image:
    """8-bit mask of where two pictures of the same size differ, with soft edges."""
    difference = np.abs(_values(after) - _values(before)).max(-1)
    smooth = Image.fromarray((difference * 255).astype(np.uint8)).filter(ImageFilter.BoxBlur(1))
    found = smooth.point([255 if value > THRESHOLD * 255 else 0 for value in range(256)])
    return found.filter(ImageFilter.MaxFilter(GROWN)).filter(ImageFilter.BoxBlur(1))


def put_back(
    source: Image.Image, rebuilt: Image.Image, edited: Image.Image, within: Image.Image | None = None
) -> Edited:
    """The edit on the source's own pixels.

    `rebuilt` is the source as the generator draws it unedited; `within` (8-bit) what it was to paint. All of one size.
    """
    region = changed_region(rebuilt, edited)
    if within is not None:
        region = ImageChops.darker(region, within)
    return Edited(Image.composite(edited, source, region), region, round(float(np.asarray(region).mean() / 255), 4))


def _values(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.float32) / 255
