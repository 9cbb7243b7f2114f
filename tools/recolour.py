"""Recolouring a drawing of flat colours: the model says which colours become which, the pixels stay the picture's own.

Asked for blue ears, a generator redraws the whole figure; patterns blur, and the hat is gone. What its edit tells well
is which of the figure's colours have become another one. Those are moved by as much; all else stays as it was. (The
moved palette of Chang et al. 2015, "Palette-based Photo Recoloring", section 3, with the model in the user's place.)

Shapes: n pixels of the figure, `[n, 3]` float32 in 0..255; k colours, `[k, 3]`.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from .edits import THRESHOLD, Edited

COLOURS = 12
"""Of a figure, at most; those that are alike are one."""
ALIKE = 48.0
"""Difference (of 255, largest channel) below which two colours are one."""
AGREE = 60.0
"""The same, between a pixel's new colour and that of the others."""
CLEAR = 0.2
"""Share of a colour's pixels that must have become one new colour, at least."""
CLEAREST = 0.7
"""The same, of what it is for the colour that has changed most clearly."""
OFF = 24.0
"""Distance (of 255, largest channel) of a mixture from the line between its two colours."""
SEEN = 4.0
"""A pixel that would move by less (of 255, largest channel) stays."""
NEARER = 0.6
"""Part of a colour's distance from the one that was asked for that may be left once it has become that."""
INK = 90
"""Outlines are darker (of 255, largest channel)."""
FEW = 6
"""Pixels that are too few to tell a colour by."""


def recoloured(
    source: Image.Image, edited: Image.Image, mask: Image.Image, asked: tuple[int, int, int] | None = None
) -> Edited:
    """The figure of `mask` (8-bit, above 127 inside) in the colours that it has in `edited`; RGB, all of one size.

    `asked`: the colour that was asked for, where that is known: `edited` then only tells which colours become it, and
    where it tells of none it is the commonest one.
    """
    before, after = (np.asarray(picture.convert("RGB"), np.float32) for picture in (source, edited))
    inside = np.asarray(mask) > 127
    if not inside.any():
        return Edited(source, Image.new("L", source.size, 0), 0.0)
    old = before[inside]
    labels, palette = _palette(old)
    moves = _moves(old, after[inside], labels, palette)
    if asked is not None:
        moves = _towards(moves, palette, np.bincount(labels), np.array(asked, np.float32))
    moves = _fringes(moves, palette, np.bincount(labels))
    # Where two colours meet, a pixel is some of each and moves with both.
    near = 1 / (((old[:, None] - palette[None]) ** 2).sum(-1) + 25) ** 2
    shift = np.zeros_like(before)
    shift[inside] = near / near.sum(1, keepdims=True) @ moves
    moved = np.abs(shift).max(-1) >= SEEN
    made = np.where(moved[:, :, None], (before + shift).round().clip(0, 255), before)
    region = Image.fromarray((moved * 255).astype(np.uint8))
    return Edited(Image.fromarray(made.astype(np.uint8)), region, round(float(moved.mean()), 4))


def _palette(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which colour each pixel has, `[n]`, and the colours."""
    strip = Image.fromarray(pixels[None].astype(np.uint8))
    found = strip.quantize(COLOURS, Image.Quantize.MEDIANCUT, kmeans=8, dither=Image.Dither.NONE)
    fine = np.asarray(found)[0]
    shades = np.asarray(found.getpalette(), np.float32).reshape(-1, 3)
    heads: list[int] = []
    labels = np.zeros_like(fine)
    for shade in np.argsort(-np.bincount(fine), kind="stable"):  # the commonest first: the others join it
        alike = [i for i, head in enumerate(heads) if np.abs(shades[shade] - shades[head]).max() < ALIKE]
        if not alike:
            heads.append(int(shade))
        labels[fine == shade] = alike[0] if alike else len(heads) - 1
    used = np.unique(labels)
    return np.searchsorted(used, labels), np.stack([np.median(pixels[labels == label], 0) for label in used])


def _moves(old: np.ndarray, new: np.ndarray, labels: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """By how much each colour moves: as its pixels do where most of them agree, otherwise not at all."""
    moves, clear = np.zeros_like(palette), np.zeros(len(palette))
    for colour, shade in enumerate(palette):
        here = labels == colour
        changed = np.abs(new[here] - old[here]).max(-1) > THRESHOLD * 255
        if changed.sum() < FEW:
            continue
        became = np.median(new[here][changed], 0)
        clear[colour] = changed.mean() * (np.abs(new[here] - became).max(-1) < AGREE).mean()
        moves[colour] = became - shade
    moves[clear < max(CLEAR, CLEAREST * clear.max())] = 0
    return moves


def _towards(moves: np.ndarray, palette: np.ndarray, pixels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The same, all the way to one colour, for the colours that have come nearer to it."""
    before, after = np.abs(palette - asked).max(1), np.abs(palette + moves - asked).max(1)
    nearer = (np.abs(moves).max(1) > 0) & (after < NEARER * before)
    if not nearer.any():
        painted = np.where(palette.max(1) < INK, 0, pixels)
        nearer[painted.argmax()] = painted.max() > 0
    return np.where(nearer[:, None], asked - palette, 0)


def _fringes(moves: np.ndarray, palette: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """The same, with the rare colours that are a mixture of a moved one and another: what lies between two parts."""
    found = moves.copy()
    for moved in np.flatnonzero(np.abs(moves).max(1)):
        for other in range(len(palette)):
            way = palette[moved] - palette[other]
            along = (palette - palette[other]) @ way / max(float(way @ way), 1e-6)
            off = np.abs(palette - palette[other] - along[:, None] * way).max(1)
            mixed = (off < OFF) & (along > 0.15) & (along < 0.85) & (pixels < pixels[moved] / 2)
            still = mixed & (np.abs(found).max(1) == 0)
            found[still] = along[still, None] * moves[moved]
    return found
