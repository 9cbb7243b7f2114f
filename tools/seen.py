"""What can be seen of an edit: that something is put on or taken off, and that somebody is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .dressing import taken_off
from .leaving import leaving, who_leaves
from .scoring.phrases import ordered
from .scoring.reach import WORN
from .scoring.wearing import LEAST
from .subject import foreground_share, side_by_side

if TYPE_CHECKING:
    from PIL.Image import Image

    from .studio import Studio
    from .values import DrawRequest


def seen_of(studio: Studio, request: DrawRequest, image: Image) -> dict[str, bool]:
    """What a picture shows of an order about what somebody wears: `gone` (what it takes off), `there` (what it puts
    on); without them where that is not seen."""
    names = [subject.name for subject in request.subjects]
    off, on = taken_off(request.prompt, names), any(WORN.search(piece) for piece in ordered(request.prompt, names))
    if request.source is None or not (off or on) or (before := studio.worn(request.source)) is None:
        return {}
    after = studio.worn(image)
    assert after is not None
    return _seen(before, after, bool(off), on)


def _seen(before: Image, after: Image, off: bool, on: bool) -> dict[str, bool]:
    from PIL import ImageChops

    new = foreground_share(ImageChops.darker(after, ImageChops.invert(before)))
    was, now = foreground_share(before), foreground_share(after)
    found = {"gone": True} if off and now <= was - LEAST else {}
    if on and now < LEAST:
        found["there"] = False
    elif on and (off or was < LEAST or new >= LEAST):
        found["there"] = True
    return found


def still_there(studio: Studio, request: DrawRequest, image: Image) -> bool:
    """Whether in a picture that somebody was to leave there are as many as before."""
    if request.source is None or not who_leaves(request.prompt):
        return False
    return leaving(studio, request.source, request) is not None and len(side_by_side(studio.mask(image))) > 1
