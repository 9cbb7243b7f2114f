"""Who a storybook subject is: class, colours, pattern, body shape; and which combinations stay unseen."""

from __future__ import annotations

import random
from dataclasses import dataclass

RGB = tuple[int, int, int]

KINDS: tuple[str, ...] = (
    "dog",
    "cat",
    "rabbit",
    "duck",
    "fish",
    "turtle",
    "mug",
    "teapot",
    "car",
    "robot",
    "person",
    "flower",
    "cactus",
    "mushroom",
)
COLOURS: dict[str, RGB] = {
    "red": (222, 44, 44),
    "orange": (248, 142, 28),
    "yellow": (254, 218, 56),
    "green": (58, 176, 74),
    "blue": (50, 122, 228),
    "purple": (138, 70, 190),
    "pink": (252, 152, 200),
    "brown": (140, 88, 52),
    "white": (252, 248, 238),
}
PATTERNS: tuple[str, ...] = ("plain", "stripes", "spots", "half")
PLACES: tuple[str, ...] = (
    "beach",
    "forest",
    "city",
    "desert",
    "snow",
    "meadow",
    "castle",
    "farm",
    "kitchen",
    "harbour",
    "volcano",
    "playground",
)
TIMES: tuple[str, ...] = ("day", "sunset", "night")
ACCESSORIES: tuple[str, ...] = ("none", "hat", "crown", "sunglasses", "scarf", "balloon", "umbrella", "bow")

_COLOUR_NAMES = tuple(COLOURS)


@dataclass(frozen=True)
class Subject:
    """One character. ``main`` and ``second`` are different keys of COLOURS; ``shape`` is three floats in
    [-1, 1]: proportion (-1 wide and low .. 1 narrow and tall), size of the typical appendage, eye size."""

    kind: str
    main: str
    second: str
    pattern: str = "plain"
    shape: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        """Refuse a subject that the world cannot draw (ValueError)."""
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind {self.kind!r}; one of {', '.join(KINDS)}")
        for colour in (self.main, self.second):
            if colour not in COLOURS:
                raise ValueError(f"unknown colour {colour!r}; one of {', '.join(COLOURS)}")
        if self.main == self.second:
            raise ValueError(f"main and second colour must differ, both are {self.main!r}")
        if self.pattern not in PATTERNS:
            raise ValueError(f"unknown pattern {self.pattern!r}; one of {', '.join(PATTERNS)}")
        if len(self.shape) != 3 or not all(-1.0 <= v <= 1.0 for v in self.shape):
            raise ValueError(f"shape must be three numbers in [-1, 1], got {self.shape!r}")


def is_held_out(subject: Subject) -> bool:
    """Whether this (kind, main, second, pattern) is never used for training: about one combination in ten.
    The body shape plays no part, so a held-out character is unseen in every shape."""
    kind = KINDS.index(subject.kind)
    main = _COLOUR_NAMES.index(subject.main)
    step = (_COLOUR_NAMES.index(subject.second) - main) % len(_COLOUR_NAMES)
    pattern = PATTERNS.index(subject.pattern)
    return (kind + 3 * main + 7 * step + 4 * pattern + main * pattern) % 10 == 0


def is_held_out_setting(place: str, time: str, accessory: str) -> bool:
    """Whether this (place, time, accessory) is never used for training: one in twelve of those with an
    accessory, none of those without."""
    if accessory == "none":
        return False
    index = PLACES.index(place) + 4 * TIMES.index(time) + 5 * ACCESSORIES.index(accessory)
    return index % 12 == 0


def sample_subject(rng: random.Random, held_out: bool = False) -> Subject:
    """A random subject from the training side of the split, or from the held-out side."""
    while True:
        main, second = rng.sample(_COLOUR_NAMES, 2)
        tall, part, eyes = (round(rng.uniform(-1.0, 1.0), 2) for _ in range(3))
        subject = Subject(rng.choice(KINDS), main, second, rng.choice(PATTERNS), (tall, part, eyes))
        if is_held_out(subject) == held_out:
            return subject
