"""Scenes: who stands where, wearing what, in which place and time; rendering, sampling and changing them."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import lru_cache

from PIL import Image, ImageChops

from .accessories import draw_accessory
from .identity import ACCESSORIES, COLOURS, PLACES, TIMES, Subject, is_held_out_setting
from .pen import Pen
from .places import backdrop
from .subjects import Anchors, draw_subject

SIZES: tuple[str, ...] = ("big", "small")
POSITIONS: tuple[str, ...] = ("left", "middle", "right")
BOX_PX: dict[str, int] = {"big": 48, "small": 32}  # side of the figure's box, 64-px units
LEFT_PX: dict[str, dict[str, int]] = {
    "big": {"left": 0, "middle": 8, "right": 16},
    "small": {"left": 0, "middle": 16, "right": 32},
}
BOTTOM_PX = 56  # the box's lower edge, 64-px units
MARGIN_PX = 16  # room kept above the box for accessories
PORTRAIT_GREY = (172, 174, 180)


@dataclass(frozen=True)
class Figure:
    """A subject in a scene: accessory of ACCESSORIES, size of SIZES, position of POSITIONS."""

    subject: Subject
    accessory: str = "none"
    size: str = "big"
    position: str = "middle"

    def __post_init__(self) -> None:
        """Refuse words the world does not know (ValueError)."""
        _known("accessory", self.accessory, ACCESSORIES)
        _known("size", self.size, SIZES)
        _known("position", self.position, POSITIONS)


@dataclass(frozen=True)
class Scene:
    """A place of PLACES at a time of TIMES with none to two figures; two stand small, left and right."""

    place: str
    time: str = "day"
    figures: tuple[Figure, ...] = ()

    def __post_init__(self) -> None:
        """Refuse unknown words and figures that would overlap (ValueError)."""
        _known("place", self.place, PLACES)
        _known("time", self.time, TIMES)
        object.__setattr__(self, "figures", tuple(self.figures))
        if len(self.figures) > 2:
            raise ValueError(f"a scene holds at most two figures, got {len(self.figures)}")
        if len(self.figures) == 2:
            if [f.size for f in self.figures] != ["small", "small"]:
                raise ValueError("two figures must both be small")
            if [f.position for f in self.figures] != ["left", "right"]:
                raise ValueError("two figures must stand left and right, in that order")


@dataclass(frozen=True)
class Picture:
    """A rendered scene. ``masks[i]`` (L, 0..255) is what shows of figure i without its accessory,
    ``accessory_masks[i]`` its accessory (0 for none); ``boxes[i]`` is (left, top, right, bottom) in px."""

    image: Image.Image
    masks: list[Image.Image]
    accessory_masks: list[Image.Image]
    boxes: list[tuple[int, int, int, int]]


def _known(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"unknown {what} {value!r}; one of {', '.join(allowed)}")


@lru_cache(maxsize=2048)
def _sprite(subject: Subject, size: str, px: int) -> tuple[Image.Image, Anchors]:
    """The subject alone in its box with the margin above (RGBA), and its squeezed anchors."""
    pen = Pen(BOX_PX[size], px / 64, MARGIN_PX, subject.shape[0])
    raw = draw_subject(subject, pen)
    put = pen.place
    anchors = replace(
        raw,
        head=put(*raw.head),
        hat=raw.hat * pen.sx,
        eyes=(put(*raw.eyes[0]), put(*raw.eyes[1])),
        neck=(put(*raw.neck[0]), put(*raw.neck[1])),
        bow=put(*raw.bow),
        hand=put(*raw.hand),
    )
    return pen.image(), anchors


@lru_cache(maxsize=2048)
def _accessory_sprite(accessory: str, anchors: Anchors, size: str, px: int) -> Image.Image:
    """The accessory alone in the figure's box with the margin above (RGBA)."""
    pen = Pen(BOX_PX[size], px / 64, MARGIN_PX)
    draw_accessory(accessory, pen, anchors)
    return pen.image()


def _check_px(px: int) -> None:
    if px < 64 or px % 64:
        raise ValueError(f"px must be a positive multiple of 64, got {px}")


def box(figure: Figure, px: int = 64) -> tuple[int, int, int, int]:
    """The figure's box (left, top, right, bottom) in px of a ``px`` x ``px`` picture."""
    k = px // 64
    side = BOX_PX[figure.size]
    left = LEFT_PX[figure.size][figure.position]
    return left * k, (BOTTOM_PX - side) * k, (left + side) * k, BOTTOM_PX * k


def _draw_figures(image: Image.Image, figures: tuple[Figure, ...], px: int) -> Picture:
    """Paste the figures onto ``image``."""
    masks: list[Image.Image] = []
    extras: list[Image.Image] = []
    boxes = [box(f, px) for f in figures]
    for figure, (left, top, _, _) in zip(figures, boxes, strict=True):
        at = (left, top - MARGIN_PX * px // 64)
        sprite, anchors = _sprite(figure.subject, figure.size, px)
        layers = [sprite]
        if figure.accessory != "none":
            layers.append(_accessory_sprite(figure.accessory, anchors, figure.size, px))
        shown = []
        for layer in layers:
            alpha = layer.getchannel("A")
            image.paste(layer.convert("RGB"), at, alpha)
            full = Image.new("L", (px, px), 0)
            full.paste(alpha, at)
            shown.append(full)
        extra = shown[1] if len(shown) == 2 else Image.new("L", (px, px), 0)
        masks = [
            ImageChops.multiply(m, ImageChops.invert(ImageChops.lighter(shown[0], extra))) for m in masks
        ]
        extras = [
            ImageChops.multiply(m, ImageChops.invert(ImageChops.lighter(shown[0], extra))) for m in extras
        ]
        masks.append(ImageChops.multiply(shown[0], ImageChops.invert(extra)))
        extras.append(extra)
    return Picture(image, masks, extras, boxes)


def render(scene: Scene, px: int = 64) -> Picture:
    """Draw the scene at ``px`` x ``px`` (a multiple of 64). The same scene gives the same bytes."""
    _check_px(px)
    return _draw_figures(backdrop(scene.place, scene.time, px).copy(), scene.figures, px)


def portrait(subject: Subject, px: int = 64) -> Image.Image:
    """The subject alone, big, in the middle of plain grey; RGB, ``px`` x ``px``."""
    _check_px(px)
    return _draw_figures(Image.new("RGB", (px, px), PORTRAIT_GREY), (Figure(subject),), px).image


def _pick_accessory(rng: random.Random) -> str:
    return "none" if rng.random() < 0.35 else rng.choice(ACCESSORIES[1:])


def sample_scene(
    rng: random.Random, subjects: list[Subject], held_out: bool = False, plain: bool = False
) -> Scene:
    """A random scene of the given one or two subjects (or of none). ``held_out`` asks for a (place, time,
    accessory) from the unseen side for the first figure; otherwise every figure's is from the training side.
    ``plain`` means no accessory, big and in the middle (for one subject); place and time still vary."""
    if held_out and (plain or not subjects):
        raise ValueError("a held-out setting always has an accessory, so it needs a subject and plain=False")
    while True:
        place, time = rng.choice(PLACES), rng.choice(TIMES)
        worn = ["none" if plain else _pick_accessory(rng) for _ in subjects]
        unseen = [is_held_out_setting(place, time, a) for a in worn]
        if (held_out and unseen[0]) or (not held_out and not any(unseen)):
            break
    if len(subjects) == 1:
        size = "big" if plain or rng.random() < 0.7 else "small"
        position = "middle" if plain or rng.random() < 0.6 else rng.choice(("left", "right"))
        figures: tuple[Figure, ...] = (Figure(subjects[0], worn[0], size, position),)
    else:
        spots = ("left", "right", "?")
        figures = tuple(Figure(s, a, "small", p) for s, a, p in zip(subjects, worn, spots, strict=False))
    return Scene(place, time, figures)


def change(scene: Scene, what: str, value: object, figure: int = 0) -> Scene:
    """The scene with one thing changed. ``what``: time, place, accessory, position, size, main, second (a
    colour name), add (value: a Figure; the two then stand small, left and right) or remove (value is ignored;
    who stays alone stands big in the middle). ``figure`` is the index of the figure meant."""
    if what in ("time", "place"):
        return replace(scene, **{what: value})  # type: ignore[arg-type]
    figures = list(scene.figures)
    if what == "add":
        if len(figures) >= 2 or not isinstance(value, Figure):
            raise ValueError("add needs a Figure, and a scene with fewer than two figures")
        figures.append(value)
    elif what == "remove":
        del figures[figure]
    elif what in ("accessory", "position", "size"):
        if what != "accessory" and len(figures) > 1:
            raise ValueError(f"with two figures their {what} is fixed")
        figures[figure] = replace(figures[figure], **{what: value})  # type: ignore[arg-type]
    elif what in ("main", "second"):
        if value not in COLOURS:
            raise ValueError(f"unknown colour {value!r}; one of {', '.join(COLOURS)}")
        old = figures[figure].subject
        changed = replace(old, **{what: value})  # type: ignore[arg-type]
        figures[figure] = replace(figures[figure], subject=changed)
    else:
        raise ValueError(f"cannot change {what!r}")
    if what == "add" and len(figures) == 2:
        figures = [
            replace(f, size="small", position=p) for f, p in zip(figures, ("left", "right"), strict=True)
        ]
    elif what == "remove":
        figures = [replace(f, size="big", position="middle") for f in figures]
    return replace(scene, figures=tuple(figures))
