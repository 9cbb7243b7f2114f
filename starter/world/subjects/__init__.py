"""The fourteen kinds of subject."""

from __future__ import annotations

from collections.abc import Callable

from ..identity import Subject
from ..pen import Pen
from . import animals, living, things
from .base import Anchors, Look

DRAWERS: dict[str, Callable[[Look], Anchors]] = {
    "dog": animals.dog,
    "cat": animals.cat,
    "rabbit": animals.rabbit,
    "duck": animals.duck,
    "fish": animals.fish,
    "turtle": animals.turtle,
    "mug": things.mug,
    "teapot": things.teapot,
    "car": things.car,
    "robot": things.robot,
    "person": living.person,
    "flower": living.flower,
    "cactus": living.cactus,
    "mushroom": living.mushroom,
}


def draw_subject(subject: Subject, pen: Pen) -> Anchors:
    """Draw the subject with ``pen`` (made with the subject's proportion); returns where accessories go."""
    return DRAWERS[subject.kind](Look(subject, pen))
