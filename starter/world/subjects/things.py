"""Mug, teapot, car and robot."""

from __future__ import annotations

from ..pen import INK, RGB, WHITE, blob, ellipse, poly, rect, tube
from .base import Anchors, Look

GLASS: RGB = (196, 228, 244)
TYRE: RGB = (62, 58, 72)


def mug(look: Look) -> Anchors:
    """A mug with a handle at the right."""
    out = 45.0 + look.extra * 1.2
    look.accent(tube(5.0, (34, 19), (41, 18.5), (out, 23), (out, 30), (41, 35.5), (34, 36)))
    look.body(
        [
            blob(
                (5, 9),
                (5.2, 30),
                (7, 42),
                (11, 46),
                (20.5, 46),
                (30, 46),
                (34, 42),
                (35.8, 30),
                (36, 9),
                (20, 9),
            )
        ],
        [rect(0, 14.5, 48, 18), rect(0, 35, 48, 38.4), rect(0, 41.4, 48, 44.6)],
        [(10, 18, 3.0), (31.5, 18.5, 3.0), (11, 39.5, 3.2), (30.5, 39, 3.4), (20.5, 42.5, 2.8)],
        [rect(0, 36, 48, 50)],
    )
    look.accent(ellipse(20.5, 8.6, 15.4, 3.6))
    eye = look.eyes((14, 25), (27, 25), 4.4)
    look.smile(20.5, 30.6, 8, 2.6)
    return Anchors((20.5, 9.5), 22, ((14, 25), (27, 25)), eye, ((7, 37.5), (34, 37.5)), (20.5, 39), (7, 36))


def teapot(look: Look) -> Anchors:
    """A round teapot: spout left, handle right, lid with a knob."""
    long = look.extra * 1.2
    look.accent(tube(4.6, (35, 23), (42, 21.5), (44.8, 27), (44, 33), (36, 38)))
    look.accent(
        poly(
            (13, 38), (7, 32), (5, 24), (2.4 - long / 2, 18 - long), (7.5, 15.5 - long), (10.5, 23), (15, 27)
        )
    )
    look.accent(rect(15, 42, 33, 46, 2))
    look.body(
        [blob((24, 14), (35, 17.5), (40.4, 29), (36, 40.4), (24, 44.6), (12, 40.4), (7.6, 29), (13, 17.5))],
        [rect(0, 17.6, 48, 20.2), rect(0, 34.6, 48, 37.2), rect(0, 39.8, 48, 42.4)],
        [(16, 20.5, 2.7), (32, 20.5, 2.7), (14.6, 36.5, 3.0), (33.4, 36.5, 3.0), (24, 40.5, 2.8)],
        [rect(0, 35, 48, 50)],
    )
    look.accent(ellipse(24, 14, 10.5, 3.4))
    look.accent(ellipse(24, 7.4, 3.8, 3.6))
    eye = look.eyes((18, 26), (30, 26), 4.2)
    look.smile(24, 31.2, 7, 2.4)
    return Anchors((24, 12), 20, ((18, 26), (30, 26)), eye, ((12, 37), (36, 37)), (24, 38.5), (10, 35))


def car(look: Look) -> Anchors:
    """A little car side on; the eyes look out of its window."""
    pen, wheel = look.pen, 7.0 + look.extra * 0.8
    look.accent(rect(1.6, 33, 9, 39.5, 2), rect(39, 33, 46.4, 39.5, 2))
    look.body(
        [poly((8.5, 27), (13, 9), (35, 9), (40.5, 27)), rect(3.5, 24.5, 44.5, 40.5, 5)],
        [rect(5.4, 22, 9.4, 48), rect(33.6, 22, 37.6, 48), rect(40.2, 22, 44.2, 48)],
        [(8, 29, 2.9), (40, 29, 2.9), (17.5, 30.5, 2.3), (30.5, 30.5, 2.3), (24, 37.5, 2.6)],
        [rect(0, 33, 48, 50)],
    )
    look.accent(rect(12.5, 6.6, 35.5, 10, 1.5))
    pen.part(GLASS, poly((13, 25), (16, 13.5), (32.4, 13.5), (36, 25)), ink=1.2)
    for x in (12.5, 35.5):
        pen.part(TYRE, ellipse(x, 46.2 - wheel, wheel, wheel))
        pen.fill(look.second, ellipse(x, 46.2 - wheel, wheel * 0.58, wheel * 0.58))
    eye = look.eyes((19, 20), (29.6, 20), 4.2)
    look.smile(24.2, 31, 8, 2.6)
    return Anchors((24, 8.5), 22, ((19, 20), (29.6, 20)), eye, ((6, 28.6), (42, 28.6)), (24, 35), (5, 30))


def robot(look: Look) -> Anchors:
    """Square head with an antenna, square body."""
    pen, knob = look.pen, 3.0 + look.extra * 0.7
    pen.part(look.second, tube(1.6, (24, 9), (24, 5)), ellipse(24, 4.8, knob, knob))
    look.accent(rect(3, 14, 9, 22, 1.5), rect(39, 14, 45, 22, 1.5))
    look.accent(tube(4.6, (12, 32), (5.5, 35), (4.5, 40)), tube(4.6, (36, 32), (42.5, 35), (43.5, 40)))
    look.accent(rect(12.5, 42, 21.5, 46, 1.5), rect(26.5, 42, 35.5, 46, 1.5))
    look.body(
        [rect(11, 28, 37, 43, 2)],
        [rect(x, 26, x + 3.8, 45) for x in (14.0, 22.1, 30.2)],
        [(15.5, 32, 2.6), (24, 36, 3.0), (32.5, 32, 2.6), (16, 40, 2.4), (32, 40, 2.4)],
        [rect(0, 36.5, 48, 50)],
    )
    look.body(
        [rect(8, 9, 40, 28, 3)],
        [rect(x, 6, x + 3.8, 12) for x in (14.0, 22.1, 30.2)],
        [(11, 25, 2.4), (37, 25, 2.4)],
        [],
    )
    eye = look.eyes((16.6, 17), (31.4, 17), 4.6)
    pen.part(WHITE, rect(17, 23.4, 31, 25.8, 0.6), ink=0.9)
    for x in (20.5, 24, 27.5):
        pen.fill(INK, rect(x - 0.45, 23.4, x + 0.45, 25.8))
    return Anchors((24, 9.5), 22, ((16.6, 17), (31.4, 17)), eye, ((11, 30), (37, 30)), (24, 33), (6, 37))
