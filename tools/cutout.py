"""Finding the subject of a photograph without a trained model: what differs from the picture's rim, cut out by GrabCut.

Needs OpenCV (the extra `photos`). The steps: a minimum barrier distance from the rim says what stands out (Zhang et
al. 2015, "Minimum Barrier Salient Object Detection at 80 FPS", section 3), weighed by the distance from the middle;
GrabCut (Rother et al. 2004) finds its outline; the pieces that matter are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .images import smaller

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE, MIDDLING = 256, 384
"""Pixels of the longer side that is worked on, and of the copy for what is finer."""
FAINT = (0.4, 0.3, 0.22, 0.15, 0.1)
"""Levels of saliency at which more of a subject is looked for: a pale bowl round its berries."""
CALM = 0.04
"""Median saliency of a ground on which also faint things mean something."""
WIDER, WIDER_ON_NOISE = 3.5, 1.35
"""More than so many times the mask's box is not believed to be the same subject."""
PASSES = 3
"""Raster passes of the barrier distance; more change little."""
ROUNDS = 4
"""GrabCut iterations."""
LEAST_PIECE = 0.05
"""A piece that stands out less than this part of the main one is dust."""
ALIKE = 0.4
"""Shared part of two pieces' colours from which they count as one subject."""


def available() -> bool:
    """Whether OpenCV is installed."""
    from importlib.util import find_spec

    return find_spec("cv2") is not None


Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class Found:
    """A subject that was found, on a small copy of its photograph."""

    size: tuple[int, int]
    """Width and height of the photograph."""
    picture: Image
    """A somewhat larger copy, RGB."""
    pixels: np.ndarray
    """The small copy, `[h, w, 3]` (BGR, 8 bits)."""
    stands_out: np.ndarray
    """Saliency, 0..1 `[h, w]`."""
    mask: np.ndarray
    """1 inside, `[h, w]` 8 bits."""
    box: Box | None
    """Where all of it should be, in pixels of the copy: wider than the mask where more seems to belong to it."""

    def small_mask(self) -> Image:
        """8 bits, 255 inside, the size of the small copy."""
        from PIL import Image as Images

        return Images.fromarray(self.mask * 255)

    def full_box(self) -> Box | None:
        """The box in pixels of the photograph."""
        return self.box and in_pixels(scaled(self.box, self.mask.shape[::-1], self.size))


def find(image: Image) -> Found:
    """Find the subject of `image` (RGB)."""
    import cv2

    picture = smaller(image, MIDDLING).convert("RGB")
    pixels = np.ascontiguousarray(np.asarray(smaller(picture, SIDE))[:, :, ::-1])
    cv2.setNumThreads(1)
    cv2.setRNGSeed(0)
    stands_out = saliency(cv2, pixels)
    mask = colour_pieces(cv2, pixels, _grabcut(cv2, pixels, stands_out), stands_out)
    return Found(image.size, picture, pixels, stands_out, mask, _extent(cv2, mask, stands_out))


def _extent(cv2: Any, found: np.ndarray, stands_out: np.ndarray) -> Box | None:
    """The box of the mask, or of what faintly stands out around it where that is not much more."""
    inner = bounds(found > 0)
    if inner is None:
        return None
    best, noise = inner, float(np.median(stands_out[found == 0])) if (found == 0).any() else 1.0
    wider = WIDER if noise < CALM else WIDER_ON_NOISE
    for level in (level for level in FAINT if level > 3 * noise + 0.05):
        count, labels = cv2.connectedComponents((stands_out > level).astype(np.uint8) | found)
        around = bounds(np.isin(labels, np.unique(labels[found > 0])))
        if around is not None and area(around) <= wider * area(inner):
            best = around
    return best


def bounds(where: np.ndarray) -> Box | None:
    """The box of what is true in `[h, w]`."""
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1) if len(rows) else None


def scaled(box: Sequence[float], old: Sequence[int], new: Sequence[int]) -> tuple[float, float, float, float]:
    """A box in a picture of the size `old`, in one of the size `new`."""
    wide, high = new[0] / old[0], new[1] / old[1]
    return box[0] * wide, box[1] * high, box[2] * wide, box[3] * high


def in_pixels(box: tuple[float, float, float, float]) -> Box:
    """A box at whole pixels."""
    return round(box[0]), round(box[1]), round(box[2]), round(box[3])


def area(box: Box) -> int:
    """Pixels in a box."""
    return (box[2] - box[0]) * (box[3] - box[1])


def saliency(cv2: Any, pixels: np.ndarray) -> np.ndarray:
    """How much each pixel of `[h, w, 3]` (BGR, 8 bits) stands out, 0..1 `[h, w]`."""
    lab = cv2.cvtColor(pixels, cv2.COLOR_BGR2LAB)
    barrier = _barrier(cv2, lab.astype(np.int16)).sum(2)
    contrast = _rim_contrast(lab.astype(np.float32))
    height, width = barrier.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    away = ((y / max(height - 1, 1) - 0.5) ** 2 + (x / max(width - 1, 1) - 0.5) ** 2) / 0.25
    middle = np.exp(-away)
    both = _stretched(barrier) + _stretched(contrast)
    return _stretched(cv2.GaussianBlur(both * middle, (0, 0), height / 100 + 1))


def _barrier(cv2: Any, values: np.ndarray) -> np.ndarray:
    """Least difference between highest and lowest value on a way to the rim, of each channel of `[h, w, c]` by itself.

    By raster passes, a row at a time; `values` are whole numbers of 16 bits.
    """
    high, low, cost = values.copy(), values.copy(), np.full_like(values, 1000)
    cost[0], cost[-1], cost[:, 0], cost[:, -1] = 0, 0, 0, 0
    for _ in range(PASSES * 4):
        top, bottom, apart = np.empty((3, *values[0].shape), values.dtype)
        rows = zip(values[1:], high, low, high[1:], low[1:], cost[1:], strict=False)
        for value, high_before, low_before, high_here, low_here, cost_here in rows:
            np.maximum(high_before, value, out=top)
            np.minimum(low_before, value, out=bottom)
            better = np.subtract(top, bottom, out=apart) < cost_here
            np.copyto(high_here, top, where=better)
            np.copyto(low_here, bottom, where=better)
            np.copyto(cost_here, apart, where=better)
        # Four directions in turn, from what the last one has found.
        values, high, low, cost = (cv2.rotate(one, cv2.ROTATE_90_COUNTERCLOCKWISE) for one in (values, high, low, cost))
    return cost


def _rim_contrast(lab: np.ndarray) -> np.ndarray:
    """Colour distance of each pixel to the nearest side of the rim, in units of that side's own spread."""
    height, width = lab.shape[:2]
    rim = max(2, min(height, width) // 14)
    sides = (lab[:rim], lab[-rim:], lab[:, :rim], lab[:, -rim:])
    found = []
    for side in sides:
        flat = side.reshape(-1, 3)
        spread = np.linalg.inv(np.cov(flat.T) + 25 * np.eye(3))
        apart = lab.reshape(-1, 3) - flat.mean(0)
        found.append(np.sqrt((apart @ spread * apart).sum(1)).reshape(height, width))
    # The most similar side may be covered by the subject itself: the second nearest speaks for the rim.
    return np.sort(np.stack(found), axis=0)[1]


def _stretched(values: np.ndarray) -> np.ndarray:
    low, high = np.quantile(values, (0.02, 0.98))
    return ((values - low) / max(high - low, 1e-6)).clip(0, 1).astype(np.float32)


def _grabcut(cv2: Any, pixels: np.ndarray, stands_out: np.ndarray) -> np.ndarray:
    """1 where GrabCut sees the subject, `[h, w]` 8 bits."""
    cut = float(cv2.threshold((stands_out * 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)[0]) / 255
    rim = max(1, min(stands_out.shape) // 50)
    hopeless = np.where(stands_out < cut, 1.0, 0.0)
    hopeless[rim:-rim, rim:-rim] = 0.0
    return outlined(cv2, pixels, stands_out, cut, (1 + cut) / 2, hopeless, ROUNDS)


def outlined(
    cv2: Any, pixels: np.ndarray, values: np.ndarray, cut: float, sure: float, hopeless: Any, rounds: int = 2
) -> np.ndarray:
    """1 inside the outline that GrabCut draws, `[h, w]` 8 bits: more than `cut` is perhaps, than `sure` surely inside.

    Less than `hopeless` (a number, or one for each pixel) is surely outside.
    """
    labels = np.where(values > cut, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    perhaps = (values <= sure) & (values >= hopeless)
    labels[values > sure] = cv2.GC_FGD
    labels[values < hopeless] = cv2.GC_BGD
    # Half of the rounds at half the size, where one takes a quarter of the time.
    half = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    few = cv2.resize(labels, half.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    if not (few == cv2.GC_FGD).any() or not (few == cv2.GC_BGD).any():
        return (values > cut).astype(np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(half, few, None, *models, rounds // 2, cv2.GC_INIT_WITH_MASK)
    inside = cv2.resize(few & 1, labels.shape[::-1], interpolation=cv2.INTER_NEAREST)
    labels[perhaps] = inside[perhaps] | cv2.GC_PR_BGD
    cv2.grabCut(pixels, labels, None, *models, rounds - rounds // 2, cv2.GC_EVAL)
    return labels & 1


def colour_pieces(cv2: Any, pixels: np.ndarray, found: np.ndarray, stands_out: np.ndarray) -> np.ndarray:
    """The piece that stands out most, and those of its colours; without holes."""
    core = np.ones((3, 3), np.uint8)
    found = cv2.morphologyEx(cv2.morphologyEx(found, cv2.MORPH_OPEN, core), cv2.MORPH_CLOSE, core, iterations=2)
    count, labels = cv2.connectedComponents(found, connectivity=8)
    if count < 2:
        return found
    weights = np.bincount(labels.ravel(), weights=stands_out.ravel(), minlength=count)[1:]
    main = 1 + int(weights.argmax())
    lab = cv2.cvtColor(pixels, cv2.COLOR_BGR2LAB)
    colours = _colours(cv2, lab, labels == main)
    kept = [
        piece
        for piece in range(1, count)
        if piece == main
        or weights[piece - 1] >= LEAST_PIECE * weights.max()
        and np.minimum(colours, _colours(cv2, lab, labels == piece)).sum() >= ALIKE
    ]
    outlines, _ = cv2.findContours(np.isin(labels, kept).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros_like(found), outlines, -1, 1, cv2.FILLED)


def _colours(cv2: Any, lab: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Normalized histogram of the colours in a region."""
    found = cv2.calcHist([lab], [0, 1, 2], where.astype(np.uint8), [4, 16, 16], [0, 256, 64, 192, 64, 192])
    return found / max(found.sum(), 1)
