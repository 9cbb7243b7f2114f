"""From which score on a picture is good enough: calibrated on the user's own references, and on what the user said.

Two pictures of the same subject are not equally alike for all subjects, so one threshold for all is wrong. With several
references each is compared with the others (leave-one-out), which says how alike true pictures of this subject are;
with one reference the class says it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...memory.values import Rated

if TYPE_CHECKING:
    from ..presets import Preset

LOWEST = 0.05


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a picture must reach (`subject`, `text`), and what it must stay below (`copy`)."""

    subject: float
    text: float
    copy: float

    @classmethod
    def of(cls, preset: Preset) -> Thresholds:
        """Those that a preset begins with."""
        given = preset.thresholds
        return cls(given.get("subject", 0.6), given.get("text", 0.2), given.get("copy", 0.8))


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured about an encoder: how alike true pictures of one subject are, in general and by class."""

    alike: float
    classes: Mapping[str, float]

    def expected(self, kind: str) -> float:
        """Similarity of two true pictures of a subject of this class."""
        return self.classes.get(kind.lower(), self.alike)


@lru_cache
def measured(file: Path) -> Measured | None:
    """The table in `file`, which `limner bench scores --write` made; `None` where it was not yet measured."""
    import json

    record: dict[str, Any] | None = json.loads(file.read_text(encoding="utf-8")).get("alike")
    if record is None:
        return None
    return Measured(float(record["all"]), {kind: float(value) for kind, value in record["classes"].items()})


def leave_one_out(references: np.ndarray) -> float | None:
    """How alike the references `[n, d]` (unit length) are: the median of each one's median cosine with the others.

    `None` for fewer than two.
    """
    if len(references) < 2:
        return None
    table = references @ references.T
    others = ~np.eye(len(references), dtype=bool)
    return float(np.median([np.median(row[other]) for row, other in zip(table, others, strict=True)]))


def subject_threshold(asked: float, references: np.ndarray, kind: str, known: Measured | None) -> float:
    """The threshold of one subject: the general one, `asked`, in the proportion of this subject's own likeness."""
    if known is None:
        return asked
    own = leave_one_out(references)
    expected = known.expected(kind) if own is None else own
    # Identical references say nothing about how much a subject may vary.
    return max(LOWEST, asked * min(expected, (1 + known.alike) / 2) / known.alike)


def moved(threshold: float, measures: Sequence[tuple[float, bool]], reach: float = 0.2) -> float:
    """The threshold after what the user said of pictures, as (score, liked).

    What was liked passes from now on, what was not liked fails, unless it scored higher than something liked. It moves
    by `reach` at most.
    """
    liked = [score for score, good in measures if good]
    disliked = [score for score, good in measures if not good]
    ceiling = min(liked, default=1.0)
    wanted = max([threshold, *(score + 0.005 for score in disliked if score < ceiling)])
    return float(np.clip(min(wanted, ceiling), threshold - reach, threshold + reach))


def taught(thresholds: Thresholds, ratings: Sequence[Rated]) -> Thresholds:
    """The thresholds after the user's ratings. A disliked picture counts against its weaker score."""
    subject = [(r.subject, True) for r in ratings if r.liked and r.subject is not None]
    text = [(r.text, True) for r in ratings if r.liked and r.text is not None]
    for rating in (r for r in ratings if not r.liked):
        s, t = rating.subject, rating.text
        if t is None or (s is not None and s / thresholds.subject <= t / thresholds.text):
            subject += [] if s is None else [(s, False)]
        else:
            text.append((t, False))
    return Thresholds(moved(thresholds.subject, subject), moved(thresholds.text, text), thresholds.copy)
