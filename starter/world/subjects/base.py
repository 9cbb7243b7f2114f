"""What every kind of subject shares: its look while being drawn, the face, and where accessories go."""

from __future__ import annotations

from dataclasses import dataclass

from ..identity import COLOURS, RGB, Subject
from ..pen import INK, WHITE, Pen, Point, Shape, ellipse, tube


@dataclass(frozen=True)
class Anchors:
    """Where accessories sit, in box units before the squeeze: ``head`` is the middle of the head's top,
    ``hat`` the brim's width, ``eyes`` the two eye centres, ``eye`` their radius, ``neck`` a scarf's two
    ends, ``bow`` the bow's middle, ``hand`` what holds an umbrella's or balloon's end."""

    head: Point
    hat: float
    eyes: tuple[Point, Point]
    eye: float
    neck: tuple[Point, Point]
    bow: Point
    hand: Point


class Look:
    """A subject while it is drawn: its colours, and its shape numbers under names."""

    def __init__(self, subject: Subject, pen: Pen) -> None:
        self.pen = pen
        self.main: RGB = COLOURS[subject.main]
        self.second: RGB = COLOURS[subject.second]
        self.pattern = subject.pattern
        self.extra = subject.shape[1]  # appendage, -1..1
        self.eye = 1.0 + 0.2 * subject.shape[2]  # factor on the eye radius

    def body(
        self,
        shapes: list[Shape],
        stripes: list[Shape],
        spots: list[tuple[float, float, float]],
        half: list[Shape],
    ) -> None:
        """The patterned main part: ``spots`` are (x, y, radius)."""
        marks: list[Shape] = []
        if self.pattern == "stripes":
            marks = stripes
        elif self.pattern == "spots":
            marks = [ellipse(x, y, r, r) for x, y, r in spots]
        elif self.pattern == "half":
            marks = half
        self.pen.patterned(self.main, self.second, shapes, marks)

    def accent(self, *shapes: Shape) -> None:
        """An outlined part in the second colour."""
        self.pen.part(self.second, *shapes)

    def eyes(self, left: Point, right: Point, radius: float) -> float:
        """Two big eyes looking at the reader; returns their final radius in units."""
        radius *= self.eye
        pen = self.pen
        for x, y in (left, right):
            pen.part(WHITE, ellipse(x, y, radius, radius * 1.08), ink=0.9)
            pen.fill(INK, ellipse(x, y + 0.2, radius * 0.68, radius * 0.76))
            pen.fill(WHITE, ellipse(x - radius * 0.22, y - radius * 0.3, radius * 0.28, radius * 0.28))
        return radius

    def smile(self, x: float, y: float, width: float = 7.0, depth: float = 2.2) -> None:
        """A smiling mouth whose ends are at height ``y``."""
        half = width / 2
        self.pen.fill(
            INK,
            tube(
                1.7,
                (x - half, y),
                (x - half / 2, y + depth * 0.8),
                (x, y + depth),
                (x + half / 2, y + depth * 0.8),
                (x + half, y),
            ),
        )
