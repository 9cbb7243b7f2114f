"""An edit that takes one of two figures out of a picture: only its half is painted, all else keeps its pixels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from .scoring.raw import strip
from .scoring.reach import WORN
from .subject import side_by_side
from .values import DrawRequest

if TYPE_CHECKING:
    from PIL.Image import Image

    from .studio import Studio

_ASKS = r"(?:(?:please|now|and|ok|same|the same|but|can you|could you|just)[, ]+)*"
_OUT = r"(?: (?:from|of) (?:the|this|it)(?: picture| image)?)?(?: please| too)?[.! ]*"
_WHO = r"(?:the |that |my )?(?P<who>[\w-]+(?: [\w-]+)?)"
_LEAVES = [
    re.compile(rf"{_ASKS}{form}{_OUT}", re.IGNORECASE)
    for form in (
        rf"(?:remove|erase|delete|drop|lose|get rid of|without) {_WHO}",
        rf"take {_WHO} (?:out|away)",
        rf"let {_WHO} (?:go|leave)(?: home| away)?",
        rf"{_WHO} (?:leaves|goes(?: home| away)|should (?:leave|go)(?: home| away)?)",
    )
]


def who_leaves(instruction: str) -> str:
    """Whom an order takes out of a picture, and nothing else: "cat" of "remove the cat"; "" of any other order."""
    match = next(filter(None, (form.fullmatch(instruction.strip()) for form in _LEAVES)), None)
    return match["who"].lower() if match and not WORN.search(match["who"]) else ""


def leaving(studio: Studio, image: Image, request: DrawRequest) -> tuple[Image, Image] | None:
    """Masks (8-bit) of the figure that stays and of the half of the picture that the other one leaves; `None` of any
    other order, and where two figures cannot be told apart. `request.subjects` are those who stay."""
    who = who_leaves(request.prompt)
    if not who or len(request.subjects) > 1 or request.coming:
        return None
    figures = side_by_side(studio.mask(image))
    if len(figures) != 2:
        return None
    if request.subjects:
        stays = studio.scorer.nearest(image, figures, request.subjects[0])
    else:
        kinds = [studio.figures.captioner.noun("", [image], [figure]) for figure in figures]
        stays = next((1 - i for i, kind in enumerate(kinds) if kind in who.split() and kinds.count(kind) == 1), None)
    if stays is None:
        return None
    return figures[stays], strip([np.asarray(figure) > 127 for figure in figures], 1 - stays)
