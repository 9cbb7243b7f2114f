"""Which checkpoint is kept, and when it is enough: the fidelity/alignment front of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from ...memory.values import Scores

LEAST_FALL = 0.05
"""By so much of itself a loss must be lower to count: a single step lowers it a little, and has learned nothing."""


@dataclass(frozen=True, slots=True)
class Point:
    """One sampling. Scores are means over the probes that could be measured, `None` where none could."""

    step: int
    seconds: float
    subject: float | None
    text: float | None
    copy: float | None
    copied: float
    """Share of the probes that copy a reference."""
    measured: float
    """Share of the probes in which the subject was found."""
    held: float | None = None
    """The loss on a fixed batch with fixed noise: what DVAR (Voronov et al. 2023, arXiv 2302.04841) watches."""

    @property
    def value(self) -> float:
        """Fidelity and alignment at once: their harmonic mean, less what was copied or could not be judged."""
        if self.subject is None:
            return 0.0
        text = self.subject if self.text is None else self.text
        if self.subject + text <= 0:
            return 0.0
        return 2 * self.subject * text / (self.subject + text) * self.measured * (1 - self.copied)

    def row(self) -> dict[str, Any]:
        """For the curve that is kept with the adapter."""
        return {**asdict(self), "value": self.value}

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Point:
        """From a row of a curve."""
        return cls(**{field.name: row[field.name] for field in fields(cls)})


def point_of(step: int, seconds: float, scores: Sequence[Scores], held: float | None) -> Point:
    """The point that the probes' scores make."""

    def mean(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else None

    count = max(1, len(scores))
    return Point(
        step,
        seconds,
        mean([s.subject for s in scores]),
        mean([s.text for s in scores]),
        mean([s.copy for s in scores]),
        sum(s.verdict == "copied" for s in scores) / count,
        sum(s.subject is not None for s in scores) / count,
        held,
    )


class Front:
    """The points so far, which of them is kept, and whether the front still moves."""

    def __init__(self, patience: int, least_gain: float, points: Sequence[Point] = ()) -> None:
        self.patience, self.least_gain = patience, least_gain
        self.points: list[Point] = []
        self.best: Point | None = None
        self._moved = 0
        """Index of the point that last moved the front by more than `least_gain`."""
        self._level = float("-inf")
        for point in points:
            self.add(point)

    def add(self, point: Point) -> bool:
        """Takes a point in; whether it is the best one now.

        Scores of a few probes do not tell points apart that are nearer than `least_gain`: the beginning gives way only
        to more than that, and of later points so near to the highest value the one with the lowest loss is kept.
        """
        self.points.append(point)
        if point.value > self._level + self.least_gain:
            self._level, self._moved = point.value, len(self.points) - 1
        if self.best is None or self._beats(point, self.best):
            self.best = point
            return True
        return False

    def _beats(self, point: Point, best: Point) -> bool:
        if best.step == 0:
            return point.value > best.value + self.least_gain
        near = max(p.value for p in self.points) - self.least_gain
        return point.value >= near and (best.value < near or not _worse(point, best))

    @property
    def still(self) -> bool:
        """Whether it has not moved for `patience` samplings."""
        return len(self.points) - 1 - self._moved >= self.patience

    def non_dominated(self) -> list[Point]:
        """The points that no other one beats in both fidelity and alignment, by step."""

        def beaten(p: Point) -> bool:
            return any(
                (q.subject or 0) >= (p.subject or 0)
                and (q.text or 0) >= (p.text or 0)
                and ((q.subject or 0), (q.text or 0)) != ((p.subject or 0), (p.text or 0))
                for q in self.points
            )

        return [p for p in self.points if not beaten(p)]


def _worse(point: Point, other: Point) -> bool:
    """Of two points that the scores do not tell apart."""
    if point.held is None or other.held is None:
        return point.value <= other.value
    return point.held > (1 - LEAST_FALL) * other.held
