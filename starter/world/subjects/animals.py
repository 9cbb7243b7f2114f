"""Dog, cat, rabbit, duck, fish and turtle."""

from __future__ import annotations

from ..pen import INK, blob, ellipse, poly, rect, tube
from .base import Anchors, Look


def dog(look: Look) -> Anchors:
    """Standing side on, the big head turned to us, hanging ears."""
    pen, ear = look.pen, look.extra * 2.5
    look.accent(tube(5.0, (41, 28), (45, 22), (44, 14 - look.extra)))
    torso = [rect(9, 23, 44, 40, 7), rect(10, 33, 18, 45, 2.5), rect(36, 33, 44, 45, 2.5)]
    look.body(
        torso,
        [rect(x, 18, x + 3.6, 50) for x in (26.5, 33.0, 39.5)],
        [(33, 27, 3.3), (40.5, 33, 3.0), (28, 36, 3.0), (13, 38, 3.0)],
        [rect(0, 35.5, 48, 50)],
    )
    look.accent(rect(10, 42.5, 18, 46, 1.7), rect(36, 42.5, 44, 46, 1.7))
    head = [blob((16.5, 4), (25, 7), (28, 16), (25, 25), (16.5, 28.5), (8, 25), (5, 16), (8, 7))]
    look.body(head, [rect(x, 0, x + 2.6, 9) for x in (11.0, 15.2, 19.4)], [(22, 13.5, 5.6)], [])
    look.accent(blob((6, 6), (9, 9), (7.5, 20 + ear), (4, 23 + ear), (1.8, 19 + ear), (2.5, 10)))
    look.accent(blob((27, 6), (30.5, 10), (31.2, 19 + ear), (29, 23 + ear), (25.5, 20 + ear), (24, 9)))
    look.accent(ellipse(16.5, 22.6, 6.2, 4.4))
    eye = look.eyes((11.6, 14), (21.4, 14), 3.9)
    pen.fill(INK, ellipse(16.5, 20.4, 2.8, 2.0))
    look.smile(16.5, 23.2, 5.0, 1.6)
    return Anchors((16.5, 6.5), 20, ((11.6, 14), (21.4, 14)), eye, ((8, 30), (27, 30)), (16.5, 32), (9, 34))


def cat(look: Look) -> Anchors:
    """Sitting, pointed ears, tail up at the right."""
    pen, tip = look.pen, 3.2 - look.extra * 1.6
    look.accent(tube(5.2, (34, 42), (43, 40), (43.5, 31), (41, 25), (43.5, 19)))
    look.body(
        [blob((24, 24), (33, 28), (37, 38), (35, 45), (24, 46), (13, 45), (11, 38), (15, 28))],
        [rect(0, y, 48, y + 3.2) for y in (31.0, 36.6, 42.2)],
        [(16, 36, 3.0), (32, 35, 3.2), (24, 39, 3.2), (33, 43, 2.4)],
        [rect(0, 38, 48, 50)],
    )
    look.accent(ellipse(19, 44, 4.2, 2.3), ellipse(29, 44, 4.2, 2.3))
    for side in (-1, 1):
        look.accent(poly((24 + side * 15, 17), (24 + side * 14, tip), (24 + side * 4, 9)))
    look.body(
        [blob((24, 8), (35, 10), (39.5, 19), (35, 27.5), (24, 30), (13, 27.5), (8.5, 19), (13, 10))],
        [rect(x, 0, x + 2.8, 13) for x in (17.6, 22.6, 27.6)],
        [(33, 13, 4.0), (14, 24, 2.6)],
        [],
    )
    eye = look.eyes((17.5, 19), (30.5, 19), 4.2)
    pen.fill(INK, poly((22, 23), (26, 23), (24, 25.2)))
    look.smile(24, 25.4, 6.0, 1.6)
    return Anchors((24, 9.5), 20, ((17.5, 19), (30.5, 19)), eye, ((14, 31), (34, 31)), (24, 33.5), (12, 36))


def rabbit(look: Look) -> Anchors:
    """Sitting, with two long upright ears."""
    pen, tip = look.pen, 3.6 - look.extra * 2.0
    look.accent(ellipse(38.5, 38.5, 4.4, 4.4))
    middle, half = (tip + 25) / 2, (25 - tip) / 2
    look.body([ellipse(x, middle, 5.2, half) for x in (16.6, 31.4)], [], [], [])
    pen.fill(look.second, *(ellipse(x, middle - 0.4, 3.1, half - 2.2) for x in (16.6, 31.4)))
    look.body(
        [ellipse(24, 39.4, 13, 7.2)],
        [rect(x, 30, x + 3.4, 50) for x in (15.0, 22.3, 29.6)],
        [(16, 38, 2.8), (32, 38, 2.8), (24, 41.5, 3.0)],
        [rect(0, 39, 48, 50)],
    )
    look.accent(ellipse(16, 44, 6.2, 2.4), ellipse(32, 44, 6.2, 2.4))
    look.body(
        [blob((24, 17.4), (34, 19), (38, 26.5), (34, 34), (24, 36), (14, 34), (10, 26.5), (14, 19))],
        [rect(x, 10, x + 2.8, 21.4) for x in (17.6, 22.6, 27.6)],
        [(33.5, 21.4, 3.4), (14, 31.4, 2.4)],
        [],
    )
    eye = look.eyes((17.8, 26), (30.2, 26), 4.0)
    pen.fill(INK, ellipse(24, 29.8, 1.9, 1.4))
    look.smile(24, 31.6, 5.4, 1.6)
    return Anchors((24, 18.5), 18, ((17.8, 26), (30.2, 26)), eye, ((14, 37), (34, 37)), (24, 39), (12, 38))


def duck(look: Look) -> Anchors:
    """Side on, facing left: beak, wing, tail."""
    pen, beak = look.pen, look.extra * 1.2
    look.accent(
        rect(17, 41, 20, 46, 1),
        rect(30, 41, 33, 46, 1),
        ellipse(16.5, 45.2, 4, 0.9),
        ellipse(29.5, 45.2, 4, 0.9),
    )
    shapes = [
        blob(
            (20, 20),
            (30, 24.5),
            (38, 24),
            (46, 18.5),
            (45, 31),
            (39, 39),
            (27, 42.4),
            (14, 40),
            (7.5, 32),
            (10, 24),
        ),
        ellipse(18.5, 14.5, 12, 11.5),
    ]
    look.body(
        shapes,
        [rect(0, 27.5, 48, 30.8), rect(0, 33.4, 48, 36.7), rect(0, 39.3, 48, 44), rect(17, 0, 20.4, 6.5)],
        [(24.5, 5.5, 3.0), (14, 32, 3.2), (24, 37, 3.2), (33, 28, 3.0), (41, 24, 2.6)],
        [rect(0, 32.5, 48, 50)],
    )
    look.accent(blob((24.5, 27.5), (26, 33), (31, 36.2), (37, 34), (41, 27.5), (33, 28.6)))
    look.accent(blob((4.5 - beak, 18), (10, 16.6), (16, 18.5), (16, 22), (10, 23.6), (4 - beak, 22)))
    pen.line(1.3, (3.5, 20.3), (9, 20.6), (14, 20))
    eye = look.eyes((14.5, 11.5), (24, 11.5), 3.9)
    return Anchors((18.5, 4.8), 19, ((14.5, 11.5), (24, 11.5)), eye, ((9, 27), (29, 27)), (17, 30), (9, 34))


def fish(look: Look) -> Anchors:
    """Side on, facing left, big tail fin."""
    fin = look.extra * 2.2
    look.accent(blob((35, 26), (40, 16 - fin), (46, 12 - fin), (44.5, 26), (46, 40 + fin), (40, 36 + fin)))
    look.accent(blob((12, 14), (17, 6 - fin), (26, 4 - fin), (32, 9), (30, 16)))
    look.accent(blob((17, 38), (25, 38), (29, 44), (22, 46), (17, 44)))
    look.body(
        [
            blob(
                (2.2, 26),
                (6, 16),
                (15, 10.5),
                (25, 11.5),
                (34, 18),
                (39, 26),
                (34, 34),
                (25, 40.5),
                (15, 41.5),
                (6, 36),
            )
        ],
        [tube(3.6, (x, 8), (x + 2.2, 26), (x, 46)) for x in (23.0, 29.2, 35.4)],
        [(27.5, 18, 3.2), (32.5, 26.5, 3.2), (25, 33, 3.2), (14, 38.5, 2.8), (14, 13, 2.8)],
        [rect(0, 33, 48, 50)],
    )
    eye = look.eyes((8.6, 22.5), (18.4, 22.5), 4.2)
    look.smile(13.2, 30, 7, 2.2)
    return Anchors((16, 12), 20, ((8.6, 22.5), (18.4, 22.5)), eye, ((25, 12), (25, 40)), (15, 37.5), (16, 40))


def turtle(look: Look) -> Anchors:
    """Side on, facing left: a dome of a shell, head and legs in the second colour."""
    neck = look.extra * 1.2
    look.accent(poly((42, 38), (47, 42), (41, 43)))
    look.accent(rect(13.5, 36, 22, 46, 3), rect(34, 36, 42.5, 46, 3))
    dome = [blob((9.5, 38.5), (11, 25), (18, 13), (28.5, 8), (39, 13), (45, 25), (46, 38.5), (28, 40.5))]
    look.body(
        dome,
        [tube(3.3, (x - 1.5, 4), (x, 44)) for x in (24.5, 32.0, 39.5)],
        [(28, 14.5, 3.4), (37.5, 19.5, 3.4), (28.5, 25, 3.4), (40, 31, 3.2), (24, 34.5, 3.0)],
        [rect(0, 30, 48, 50)],
    )
    look.accent(tube(2.6, (10.5, 38), (28, 38.8), (45, 38)))
    look.accent(ellipse(12, 22.5 - neck, 9.8, 9.4), tube(7, (13, 28), (15, 34)))
    at = ((7.8, 20.8 - neck), (16.2, 20.8 - neck))
    eye = look.eyes(*at, 3.6)
    look.smile(12, 26.4 - neck, 6, 1.8)
    return Anchors((12, 14 - neck), 17, at, eye, ((8, 33.2), (21, 33.2)), (13.5, 34.5), (8, 36))
