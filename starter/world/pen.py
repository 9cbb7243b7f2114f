"""A small pen: flat shapes with a dark outline, drawn 4x too large and reduced.

Coordinates are units of a 48 x 48 box (x right, y down); for a big figure one unit is one pixel at 64 px.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from PIL import Image, ImageChops, ImageDraw

Point = tuple[float, float]
Shape = tuple[Any, ...]
RGB = tuple[int, int, int]

BOX = 48.0  # units along a side of the box
OVERSAMPLE = 4
INK: RGB = (40, 34, 48)
WHITE: RGB = (255, 255, 255)


def ellipse(x: float, y: float, rx: float, ry: float) -> Shape:
    """Ellipse with centre (x, y) and radii in units."""
    return ("ellipse", x, y, rx, ry)


def rect(x0: float, y0: float, x1: float, y1: float, radius: float = 0.0) -> Shape:
    """Rectangle with rounded corners, in units."""
    return ("rect", x0, y0, x1, y1, radius)


def poly(*points: Point) -> Shape:
    """Polygon through the points, in units."""
    return ("poly", points)


def tube(width: float, *points: Point) -> Shape:
    """Round-ended line of the given width through the points, bent smoothly."""
    return ("tube", smooth(points, closed=False) if len(points) > 2 else points, width)


def blob(*points: Point) -> Shape:
    """Smooth closed shape through the points, in units."""
    return ("poly", smooth(points, closed=True))


def smooth(points: Sequence[Point], closed: bool, steps: int = 6) -> tuple[Point, ...]:
    """Points of a Catmull-Rom curve through ``points``."""
    count = len(points)
    out: list[Point] = []
    for i in range(count if closed else count - 1):
        if closed:
            a, b, c, d = (points[(i + k) % count] for k in (-1, 0, 1, 2))
        else:
            a, b, c, d = (points[min(max(i + k, 0), count - 1)] for k in (-1, 0, 1, 2))
        for step in range(steps):
            t = step / steps
            out.append(tuple(_curve(a[k], b[k], c[k], d[k], t) for k in (0, 1)))  # type: ignore[arg-type]
    if not closed:
        out.append(points[-1])
    return tuple(out)


def _curve(a: float, b: float, c: float, d: float, t: float) -> float:
    """Catmull-Rom value between b and c at t in [0, 1]."""
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)


class Pen:
    """Draws into one transparent layer holding a figure's box and ``margin_px`` of room above it."""

    def __init__(
        self, box_px: float, scale: float, margin_px: float, proportion: float | None = None
    ) -> None:
        """``box_px`` is the side of the box in 64-px units, ``scale`` the picture's px / 64; ``proportion``
        in [-1, 1] squeezes what is drawn (1 narrow, -1 low) about the middle of the box's bottom, and keeps
        it clear of the box's edges; None draws units as they are."""
        self.unit = box_px / BOX * scale * OVERSAMPLE
        self.top = margin_px * scale * OVERSAMPLE
        self.sx = 1.0 if proportion is None else 0.97 - 0.14 * max(proportion, 0.0)
        self.sy = 1.0 if proportion is None else 0.975 + 0.14 * min(proportion, 0.0)
        self.ink = 1.6 if box_px >= BOX else 1.9
        side = round(box_px * scale * OVERSAMPLE)
        self.layer = Image.new("RGBA", (side, side + round(self.top)), (*INK, 0))
        self.draw = ImageDraw.Draw(self.layer)

    def place(self, x: float, y: float) -> Point:
        """Where (x, y) lands in the box after the squeeze, in units."""
        return 24.0 + (x - 24.0) * self.sx, BOX + (y - BOX) * self.sy

    def part(self, colour: RGB, *shapes: Shape, ink: float | None = None) -> None:
        """Shapes as one filled part with a common dark outline of ``ink`` units (outside the fill)."""
        width = self.ink if ink is None else ink
        for shape in shapes:
            self._put(self.draw, shape, width, (*INK, 255))
        self.fill(colour, *shapes)

    def fill(self, colour: RGB, *shapes: Shape) -> None:
        """Shapes without outline."""
        for shape in shapes:
            self._put(self.draw, shape, 0.0, (*colour, 255))

    def patterned(self, main: RGB, second: RGB, shapes: Iterable[Shape], marks: Iterable[Shape]) -> None:
        """One outlined part in ``main`` with ``marks`` in ``second`` drawn only inside it."""
        shapes = tuple(shapes)
        marks = tuple(marks)
        self.part(main, *shapes)
        if not marks:
            return
        body = self._mask(shapes)
        self.layer.paste((*second, 255), (0, 0), ImageChops.multiply(body, self._mask(marks)))

    def line(self, width: float, *points: Point, colour: RGB = INK) -> None:
        """A bare line."""
        self.fill(colour, tube(width, *points))

    def image(self) -> Image.Image:
        """The finished layer at its final size."""
        return self.layer.reduce(OVERSAMPLE)

    def _mask(self, shapes: Iterable[Shape]) -> Image.Image:
        mask = Image.new("L", self.layer.size, 0)
        draw = ImageDraw.Draw(mask)
        for shape in shapes:
            self._put(draw, shape, 0.0, 255)
        return mask

    def _at(self, x: float, y: float) -> Point:
        px, py = self.place(x, y)
        return px * self.unit, py * self.unit + self.top

    def _put(self, draw: ImageDraw.ImageDraw, shape: Shape, grow: float, fill: Any) -> None:
        """Draw one shape grown by ``grow`` units on every side."""
        name, extra = shape[0], grow * self.unit
        if name == "ellipse":
            _, x, y, rx, ry = shape
            cx, cy = self._at(x, y)
            wx, wy = rx * self.unit * self.sx + extra, ry * self.unit * self.sy + extra
            draw.ellipse((cx - wx, cy - wy, cx + wx, cy + wy), fill=fill)
        elif name == "rect":
            _, x0, y0, x1, y1, radius = shape
            left, top = self._at(x0, y0)
            right, bottom = self._at(x1, y1)
            corner = (left - extra, top - extra, right + extra, bottom + extra)
            draw.rounded_rectangle(corner, (radius * self.unit + extra) if radius or grow else 0, fill=fill)
        elif name == "poly":
            points = [self._at(*p) for p in shape[1]]
            draw.polygon(points, fill=fill)
            if grow:
                self._stroke(draw, [*points, points[0]], extra, fill)
        else:
            points = [self._at(*p) for p in shape[1]]
            self._stroke(draw, points, shape[2] * self.unit / 2 + extra, fill)

    @staticmethod
    def _stroke(draw: ImageDraw.ImageDraw, points: list[Point], half: float, fill: Any) -> None:
        """A round-jointed line of half width ``half`` in oversampled pixels."""
        draw.line(points, fill=fill, width=max(1, round(2 * half)))
        for x, y in points:
            draw.ellipse((x - half, y - half, x + half, y + half), fill=fill)


def arc(x: float, y: float, radius: float, start: float, end: float, count: int = 10) -> list[Point]:
    """Points along a circle from ``start`` to ``end`` degrees (0 right, 90 down)."""
    angles = (math.radians(start + (end - start) * i / count) for i in range(count + 1))
    return [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles]
