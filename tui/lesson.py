"""The subject that a new user can have taught at once. Who draws it is not the chat's business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Lesson:
    """A name, a class noun, and a function that writes the pictures into a folder and returns their paths."""

    name: str
    kind: str
    pictures: Callable[[Path], list[Path]]
    then: str
    """A sentence to go on with."""
