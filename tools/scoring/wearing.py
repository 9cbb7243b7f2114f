"""Whether figures wear or hold something, where a segmentation model tells: that a small one does, an encoder believes
too easily."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..apart import told_apart
from ..dressing import worn
from .raw import strip
from .reach import WORN

if TYPE_CHECKING:
    from PIL.Image import Image

LEAST = 0.006
"""Part of the picture that something worn covers at least; of 40 drawn pairs it was 0.011, and 0 where nothing was."""
MOST = 0.012
"""The same, of what is not taken for a part of the figure."""
UNASKED = "somebody wears what nobody asked for"
_UNSURE = re.compile(r"\b(?:coats?|boots|caps?|crowned|wrapped|dressed)\b", re.IGNORECASE)
"""What a figure may have by itself (its fur, a mushroom's cap), and what says it otherwise."""


def shares(worn_mask: Image, parts: Sequence[np.ndarray]) -> list[float]:
    """Part of the picture (0..1) that is worn by each of its figures, `parts` (bool `[h, w]`) from left to right."""
    found = np.asarray(worn_mask) > 127
    if len(parts) == 1:
        return [float(found.mean())]
    return [float((found & (np.asarray(strip(parts, i)) > 0)).mean()) for i in range(len(parts))]


def wearing(prompt: str, names: Sequence[str], heard: Callable[[str], str]) -> list[str] | None:
    """What each subject of a picture wears by the words for it, "" for nothing; `None` where they do not tell.

    `heard`: the part of some words that the models know. Without `names` it is one figure.
    """
    if len(names) < 2:
        said = [worn(prompt, names)]
    elif (told := told_apart(prompt, names)) is not None:
        said = [worn(f"it {', '.join(own)}", ()) for own in told]
    elif WORN.search(prompt):
        return None
    else:
        said = [[] for _ in names]
    wears = [" and ".join(piece for piece in own if WORN.search(heard(piece))) for own in said]
    unsure = _UNSURE.search(prompt) or (WORN.search(prompt) and not any(wears))
    return None if unsure else wears
