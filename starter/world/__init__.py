"""The storybook world: a program that draws small bold scenes and says what is in them.

Small models learn to draw from it. Everything follows from the arguments: same input, same bytes, same words.
"""

from .captions import caption, describe, instruction, synonyms, vocabulary
from .identity import (
    ACCESSORIES,
    COLOURS,
    KINDS,
    PATTERNS,
    PLACES,
    TIMES,
    Subject,
    is_held_out,
    is_held_out_setting,
    sample_subject,
)
from .scene import POSITIONS, SIZES, Figure, Picture, Scene, change, portrait, render, sample_scene

__all__ = [
    "ACCESSORIES",
    "COLOURS",
    "KINDS",
    "PATTERNS",
    "PLACES",
    "POSITIONS",
    "SIZES",
    "TIMES",
    "Figure",
    "Picture",
    "Scene",
    "Subject",
    "caption",
    "change",
    "contact_sheet",
    "describe",
    "instruction",
    "is_held_out",
    "is_held_out_setting",
    "portrait",
    "render",
    "sample_scene",
    "sample_subject",
    "synonyms",
    "vocabulary",
]


def contact_sheet(path: str) -> None:
    """Write a labelled sheet of the whole world as a PNG."""
    from .sheet import contact_sheet as write

    write(path)
