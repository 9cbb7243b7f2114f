"""The seven things a subject can wear or hold. Drawn in box units, in colours of their own."""

from __future__ import annotations

from collections.abc import Callable

from .pen import INK, RGB, WHITE, Pen, Point, arc, blob, ellipse, poly, rect, tube
from .subjects.base import Anchors

RED: RGB = (224, 40, 48)
GOLD: RGB = (255, 200, 40)
BLUE: RGB = (44, 104, 214)
NIGHT: RGB = (58, 54, 70)


def _hat(pen: Pen, at: Anchors) -> None:
    """Black top hat with a red band."""
    x, y = at.head
    half = at.hat / 2
    inner = half * 0.64
    pen.part(NIGHT, rect(x - inner, y - 10.5, x + inner, y, 1), ink=1.2)
    pen.fill(RED, rect(x - inner, y - 4.4, x + inner, y - 1.4))
    pen.part(NIGHT, rect(x - half, y - 1.2, x + half, y + 1.4, 1.2), ink=1.2)


def _crown(pen: Pen, at: Anchors) -> None:
    """Gold crown with three points."""
    x, y = at.head
    half = at.hat / 2 - 1
    pen.part(
        GOLD,
        poly(
            (x - half, y + 1.6),
            (x - half, y - 8),
            (x - half / 2, y - 3.6),
            (x, y - 9.6),
            (x + half / 2, y - 3.6),
            (x + half, y - 8),
            (x + half, y + 1.6),
        ),
    )
    pen.fill(RED, ellipse(x, y - 1.6, 1.8, 1.8))
    pen.fill(BLUE, ellipse(x - half * 0.62, y - 0.8, 1.3, 1.3), ellipse(x + half * 0.62, y - 0.8, 1.3, 1.3))


def _sunglasses(pen: Pen, at: Anchors) -> None:
    """Black glasses with a white glint, over the eyes."""
    (x0, y0), (x1, y1) = at.eyes
    half = min(max(at.eye + 1.6, 5.0), (x1 - x0) / 2 + 0.4)
    pen.fill(INK, rect(x0 - half - 2.2, y0 - 3.6, x1 + half + 2.2, y1 - 1.0, 1))
    for x, y in at.eyes:
        pen.fill(
            INK,
            blob(
                (x - half, y - 3.4),
                (x + half, y - 3.4),
                (x + half * 0.9, y + 2.4),
                (x, y + 5.2),
                (x - half * 0.9, y + 2.4),
            ),
        )
        pen.fill(WHITE, tube(1.5, (x - half * 0.45, y + 0.8), (x - half * 0.02, y - 1.8)))


def _scarf(pen: Pen, at: Anchors) -> None:
    """Thick red and white scarf with one end hanging."""
    (x0, y0), (x1, y1) = at.neck
    upright = abs(y1 - y0) > abs(x1 - x0)
    sag = (2.6, 0.0) if upright else (0.0, 1.8)
    middle = ((x0 + x1) / 2 + sag[0], (y0 + y1) / 2 + sag[1])
    path = ((x0, y0), middle, (x1, y1))
    hang = (x1 - 0.5, y1 - 3.0) if upright else (x0 + (x1 - x0) * 0.76, y1 + 1.0)
    drop = min(hang[1] + 11.0, 45.0)
    pen.part(RED, rect(hang[0] - 3.2, hang[1], hang[0] + 3.2, drop, 1))
    pen.fill(WHITE, rect(hang[0] - 3.2, drop - 4.2, hang[0] + 3.2, drop - 1.6))
    pen.part(RED, tube(5.6, *path))
    for t in (0.12, 0.5, 0.88):
        px = x0 + (x1 - x0) * t + sag[0] * (1 if t == 0.5 else 0.45)
        py = y0 + (y1 - y0) * t + sag[1] * (1 if t == 0.5 else 0.45)
        across: tuple[Point, Point] = (
            ((px - 1.6, py), (px + 1.6, py)) if upright else ((px, py - 1.6), (px, py + 1.6))
        )
        pen.fill(WHITE, tube(2.6, *across))


def _balloon(pen: Pen, at: Anchors) -> None:
    """Big red balloon at the box's upper right, its string running down the right side."""
    del at
    pen.line(1.3, (39.5, 10), (41.5, 20), (40, 30), (42, 38))
    pen.part(RED, ellipse(39.6, 0.8, 6.6, 7.4), poly((37.8, 10), (39.6, 7), (41.4, 10)))
    pen.fill(WHITE, ellipse(37.2, -2.2, 1.6, 2.0))


def _umbrella(pen: Pen, at: Anchors) -> None:
    """Yellow and blue umbrella held up at the left."""
    del at
    x, y, r = 14.4, 6.0, 13.0
    for width, colour in ((3.4, INK), (1.5, (206, 160, 100))):
        pen.line(width, (9.0, 4), (3.4, 22), (2.6, 40), (5, 42.6), (7.4, 40.6), colour=colour)
    pen.part(GOLD, poly(*arc(x, y, r, 180, 360, 16)))
    pen.fill(BLUE, poly((x - 4.6, y), *arc(x, y, r, 250, 290, 6), (x + 4.6, y)))
    for start, side in ((180, -1), (360, 1)):
        pen.fill(
            BLUE, poly((x + side * r, y), *arc(x, y, r, start, start - side * 30, 4), (x + side * 9.4, y))
        )


def _bow(pen: Pen, at: Anchors) -> None:
    """Big blue bow tie below the face."""
    x, y = at.bow[0], min(at.bow[1], 41.6)
    pen.part(BLUE, poly((x, y - 1), (x - 8.4, y - 4.6), (x - 8.4, y + 4.6), (x, y + 1)))
    pen.part(BLUE, poly((x, y - 1), (x + 8.4, y - 4.6), (x + 8.4, y + 4.6), (x, y + 1)))
    pen.part((118, 170, 250), ellipse(x, y, 2.2, 2.4), ink=1.2)


DRAWERS: dict[str, Callable[[Pen, Anchors], None]] = {
    "hat": _hat,
    "crown": _crown,
    "sunglasses": _sunglasses,
    "scarf": _scarf,
    "balloon": _balloon,
    "umbrella": _umbrella,
    "bow": _bow,
}


def draw_accessory(accessory: str, pen: Pen, anchors: Anchors) -> None:
    """Draw an accessory (not "none") with an unsqueezed pen; ``anchors`` are already squeezed."""
    DRAWERS[accessory](pen, anchors)
