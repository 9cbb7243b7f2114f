"""What can be seen of an edit: that something is put on or taken off, and that somebody is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .apart import for_each
from .dressing import taken_off
from .leaving import leaving, who_leaves
from .scoring.phrases import ordered
from .scoring.reach import WORN
from .scoring.wearing import LEAST, MOST, UNASKED
from .subject import foreground_share, side_by_side

if TYPE_CHECKING:
    from PIL.Image import Image

    from .studio import Studio
    from .values import DrawRequest


def seen_of(studio: Studio, request: DrawRequest, image: Image) -> dict[str, bool]:
    """What a picture shows of an order about what somebody wears: `gone` (what it takes off), `there` (what it puts
    on); without them where that is not seen."""
    names = [subject.name for subject in request.subjects]
    orders = for_each(request.prompt, names)
    off, on = taken_off(orders[0], names), any(WORN.search(piece) for piece in ordered(orders[0], names))
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


def took_off(studio: Studio, before: Image, after: Image) -> bool:
    """Whether somebody wears something in the first of two pictures and nobody in the second."""
    old, new = studio.worn(before), studio.worn(after)
    return old is not None and new is not None and foreground_share(new) < LEAST <= foreground_share(old)


def unasked(studio: Studio, request: DrawRequest, image: Image) -> str:
    """What an edit about something else has done to what is worn, in words; "" of none, and of any other."""
    if request.source is None or request.coming or request.borrow is not None or WORN.search(request.prompt):
        return ""
    if who_leaves(request.prompt):
        return ""
    if took_off(studio, request.source, image):
        return "what was worn is gone"
    old, new = studio.worn(request.source), studio.worn(image)
    appeared = old is not None and new is not None and foreground_share(old) < LEAST and foreground_share(new) >= MOST
    return UNASKED if appeared else ""


def still_there(studio: Studio, request: DrawRequest, image: Image) -> bool:
    """Whether in a picture that somebody was to leave there are as many as before."""
    if request.source is None or not who_leaves(request.prompt):
        return False
    return leaving(studio, request.source, request) is not None and len(side_by_side(studio.mask(image))) > 1
