"""Person, flower, cactus and mushroom."""

from __future__ import annotations

import math

from ..pen import RGB, blob, ellipse, poly, rect, tube
from .base import Anchors, Look

SKIN: RGB = (252, 208, 168)
LEAF: RGB = (70, 150, 74)


def person(look: Look) -> Anchors:
    """A child in a wide coat of the main colour; bunches of hair and boots in the second."""
    pen, hair = look.pen, look.extra * 1.6
    look.accent(rect(15.5, 40, 22, 46, 1.8), rect(26, 40, 32.5, 46, 1.8))
    for side in (-1, 1):
        x = 24 + side * 14.5
        look.accent(
            blob(
                (x - side * 3, 8),
                (x + side * 3.5, 8),
                (x + side * 5.4, 15),
                (x + side * 4, 20 + hair),
                (x, 22 + hair),
                (x - side * 3, 18),
            )
        )
    look.accent(ellipse(24, 12.5, 13, 11))
    pen.part(SKIN, ellipse(6, 38.4, 3, 3), ellipse(42, 38.4, 3, 3))
    look.body(
        [
            poly((18, 24), (30, 24), (34, 28), (40.5, 42), (7.5, 42), (14, 28)),
            tube(7.6, (16, 28.5), (7.5, 35.5)),
            tube(7.6, (32, 28.5), (40.5, 35.5)),
        ],
        [rect(0, y, 48, y + 2.7) for y in (26.6, 32.3, 38.0)],
        [(18.5, 30, 2.7), (29.5, 30, 2.7), (24, 36, 3.0), (14.6, 38, 2.8), (33.4, 38, 2.8)],
        [rect(0, 35.2, 48, 50)],
    )
    face = blob((24, 5.5), (32.4, 8), (35, 15), (31.4, 22.6), (24, 25), (16.6, 22.6), (13, 15), (15.6, 8))
    pen.part(SKIN, face, ink=1.2)
    look.accent(
        blob((24, 1.8), (32.5, 4.6), (36, 11.4), (30, 10.4), (24, 8), (18, 10.4), (12, 11.4), (15.5, 4.6))
    )
    at = ((19, 15.6), (29, 15.6))
    eye = look.eyes(*at, 3.8)
    look.smile(24, 20.6, 5.6, 1.8)
    return Anchors((24, 5), 20, at, eye, ((16.5, 27), (31.5, 27)), (24, 29), (6, 37))


def flower(look: Look) -> Anchors:
    """Six round petals about a face, on a stem with two leaves."""
    pen, petal = look.pen, 6.9 + look.extra * 0.8
    pen.part(LEAF, tube(3.6, (24, 34), (24, 45.6)))
    pen.part(LEAF, blob((24, 45.5), (18, 45.5), (11, 42), (9, 36.5), (17, 37.5), (22, 41)))
    pen.part(LEAF, blob((24, 45.5), (30, 45.5), (37, 42), (39, 36.5), (31, 37.5), (26, 41)))
    angles = [math.radians(30 + 60 * i) for i in range(6)]
    ring = [(24 + 12.2 * math.cos(a), 20 + 11 * math.sin(a)) for a in angles]
    shapes = [ellipse(x, y, petal, petal - 0.4) for x, y in ring]
    look.body(
        [*shapes, ellipse(24, 20, 13, 12)],
        [
            tube(
                3.8,
                (24 + 10 * math.cos(a), 20 + 9 * math.sin(a)),
                (24 + 21 * math.cos(a), 20 + 19 * math.sin(a)),
            )
            for a in angles
        ],
        [(24 + 13.8 * math.cos(a), 20 + 12.8 * math.sin(a), 2.9) for a in angles],
        [rect(0, 25.5, 48, 50)],
    )
    look.accent(ellipse(24, 20, 10.5, 10.1))
    at = ((20, 18.6), (28, 18.6))
    eye = look.eyes(*at, 3.4)
    look.smile(24, 23.6, 5.4, 1.8)
    return Anchors((24, 8), 20, at, eye, ((15, 35.5), (33, 35.5)), (24, 36.5), (13, 41))


def cactus(look: Look) -> Anchors:
    """A cactus with two arms in a pot, a blossom on top."""
    up = look.extra * 2.2
    look.body(
        [
            rect(14, 4.5, 34, 42, 9.5),
            tube(7.4, (33, 28), (42, 27.5), (42.2, 17 - up)),
            tube(7.4, (15, 31), (6, 30.5), (5.8, 20 - up)),
        ],
        [rect(0, 6.8, 48, 9.8), rect(0, 24, 48, 27.4), rect(0, 30.2, 48, 33.6)],
        [(18.5, 9, 2.6), (30, 27, 3.0), (19, 29, 3.0), (41.8, 22, 2.5), (6, 25.5, 2.5)],
        [rect(0, 26, 48, 50)],
    )
    look.accent(poly((11.5, 38), (36.5, 38), (33.5, 46), (14.5, 46)))
    look.accent(rect(8.5, 34.5, 39.5, 39, 1.5))
    look.accent(ellipse(24, 4.6, 2.8, 2.6), ellipse(20.4, 5.4, 2.4, 2.2), ellipse(27.6, 5.4, 2.4, 2.2))
    at = ((19.2, 15.5), (28.8, 15.5))
    eye = look.eyes(*at, 3.8)
    look.smile(24, 20.4, 6, 2)
    return Anchors((24, 6), 20, at, eye, ((14.5, 27), (33.5, 27)), (24, 28), (6, 28))


def mushroom(look: Look) -> Anchors:
    """A wide cap on a stem with the face."""
    wide = 20.0 + look.extra * 1.8
    look.accent(
        blob(
            (24, 22),
            (33, 24),
            (33.5, 34),
            (36.4, 41),
            (33, 46),
            (24, 46.2),
            (15, 46),
            (11.6, 41),
            (14.5, 34),
            (15, 24),
        )
    )
    look.body(
        [
            blob(
                (24, 2.4),
                (24 + wide * 0.6, 5),
                (24 + wide * 0.95, 13.5),
                (24 + wide, 22),
                (24 + wide * 0.8, 25.6),
                (24, 26.4),
                (24 - wide * 0.8, 25.6),
                (24 - wide, 22),
                (24 - wide * 0.95, 13.5),
                (24 - wide * 0.6, 5),
            )
        ],
        [tube(4.0, (24 + s * 5, 0), (24 + s * 11, 14), (24 + s * 12.5, 30)) for s in (-1, 0, 1)],
        [(24, 8.6, 4.2), (12, 13.5, 3.8), (36, 13.5, 3.8), (18.5, 20.4, 3.2), (31, 20.8, 3.6)],
        [rect(0, 17.6, 48, 50)],
    )
    at = ((19, 32.4), (29, 32.4))
    eye = look.eyes(*at, 4.0)
    look.smile(24, 37.6, 6, 2)
    return Anchors((24, 5), 20, at, eye, ((14.5, 42.2), (33.5, 42.2)), (24, 42.6), (14, 42))
