"""The twelve places at the three times of day: flat, a little muted, without outlines.

Coordinates are 64-px units whatever the picture's size. A big figure hides x 8..56, y 8..56 when it stands
in the middle, so what makes a place known lives in the corners, the top rows, the sides and the ground.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from PIL import Image, ImageDraw

from .pen import OVERSAMPLE, RGB, Point, smooth

SKY: dict[str, RGB] = {"day": (168, 216, 244), "sunset": (250, 178, 120), "night": (34, 44, 92)}
LOW_SKY: dict[str, RGB] = {"day": (168, 216, 244), "sunset": (248, 158, 150), "night": (34, 44, 92)}
STARS = ((5, 4), (20, 5), (33, 3), (41, 11), (13, 14), (61, 24), (3, 25))


class Stage:
    """A background being painted: fills in 64-px units, colours given as by day."""

    def __init__(self, time: str, px: int) -> None:
        self.time = time
        self.k = px / 64 * OVERSAMPLE
        side = round(64 * self.k)
        self.image = Image.new("RGB", (side, side), SKY[time])
        self.draw = ImageDraw.Draw(self.image)

    def tint(self, colour: RGB) -> RGB:
        """The colour as it looks at this time of day."""
        r, g, b = colour
        if self.time == "sunset":
            return round(r * 0.84 + 40), round(g * 0.80 + 18), round(b * 0.78 + 18)
        if self.time == "night":
            return round(r * 0.46 + 10), round(g * 0.48 + 14), round(b * 0.48 + 38)
        return colour

    def poly(self, colour: RGB, *points: Point, lit: bool = False) -> None:
        """Polygon; ``lit`` keeps the colour at any time."""
        self.draw.polygon(
            [(x * self.k, y * self.k) for x, y in points], fill=colour if lit else self.tint(colour)
        )

    def rect(self, colour: RGB, x0: float, y0: float, x1: float, y1: float, lit: bool = False) -> None:
        """Rectangle from (x0, y0) up to (x1, y1)."""
        k = self.k
        corner = (round(x0 * k), round(y0 * k), round(x1 * k) - 1, round(y1 * k) - 1)
        self.draw.rectangle(corner, fill=colour if lit else self.tint(colour))

    def disc(
        self, colour: RGB, x: float, y: float, rx: float, ry: float | None = None, lit: bool = False
    ) -> None:
        """Ellipse about (x, y)."""
        k, ry = self.k, rx if ry is None else ry
        box = ((x - rx) * k, (y - ry) * k, (x + rx) * k, (y + ry) * k)
        self.draw.ellipse(box, fill=colour if lit else self.tint(colour))

    def line(self, colour: RGB, width: float, *points: Point) -> None:
        """Round-ended line."""
        fill, half = self.tint(colour), width * self.k / 2
        at = [(x * self.k, y * self.k) for x, y in points]
        self.draw.line(at, fill=fill, width=max(1, round(2 * half)))
        for x, y in at:
            self.draw.ellipse((x - half, y - half, x + half, y + half), fill=fill)

    def curve(self, colour: RGB, *points: Point) -> None:
        """Ground below a smooth line of points, down to the bottom."""
        self.poly(colour, *smooth(points, closed=False), (points[-1][0], 64), (points[0][0], 64))

    def sky(self, horizon: float = 40.0) -> None:
        """Sun, low half sun or moon and stars, and the sky's lower band at sunset."""
        if self.time == "day":
            self.disc((255, 224, 96), 55, 8, 6.6, lit=True)
        elif self.time == "sunset":
            self.rect(LOW_SKY["sunset"], 0, horizon - 16, 64, 64, lit=True)
            self.disc((255, 226, 120), 50, horizon, 13, lit=True)
        else:
            for x, y in STARS:
                self.poly(
                    (255, 244, 190),
                    (x, y - 2.1),
                    (x + 0.8, y - 0.8),
                    (x + 2.1, y),
                    (x + 0.8, y + 0.8),
                    (x, y + 2.1),
                    (x - 0.8, y + 0.8),
                    (x - 2.1, y),
                    (x - 0.8, y - 0.8),
                    lit=True,
                )
            self.disc((250, 240, 200), 55, 9, 6.4, lit=True)
            self.disc(SKY["night"], 52, 7.4, 5.2, lit=True)


def _beach(s: Stage) -> None:
    s.sky(36)
    s.rect((72, 160, 206), 0, 35, 64, 48)
    s.rect((206, 236, 242), 0, 46, 64, 48)
    s.rect((240, 214, 156), 0, 48, 64, 64)
    s.line((150, 108, 70), 3.4, (7, 54), (4.5, 40), (4, 26), (6, 14))
    for tip in ((-6, 16), (0, 24), (13, 24), (19, 15), (16, 5), (-2, 4)):
        mid = ((6 + tip[0]) / 2, (12 + tip[1]) / 2 - 3.5)
        s.poly((84, 160, 92), (6, 10), (mid[0], mid[1] - 1), tip, (mid[0], mid[1] + 4), (6, 14.5))
    s.disc((226, 120, 110), 58, 59, 2.6, 2)


def _pine(s: Stage, x: float, top: float, wide: float, colour: RGB) -> None:
    s.rect((116, 84, 60), x - 2, 46, x + 2, 54)
    step = (48 - top) / 3
    for i in range(3):
        y = top + step * i * 0.86
        half = wide * (0.6 + 0.2 * i)
        s.poly(colour, (x, y), (x + half, y + step * 1.3), (x - half, y + step * 1.3))


def _forest(s: Stage) -> None:
    s.sky(40)
    s.rect((92, 142, 100), 0, 34, 64, 50)
    for x, top in ((20, 14), (33, 9), (45, 15)):
        _pine(s, x, top, 10, (80, 134, 96))
    s.rect((86, 130, 76), 0, 49, 64, 64)
    for x, top in ((3, 3), (61, 17)):
        _pine(s, x, top, 12, (48, 100, 72))


def _city(s: Stage) -> None:
    s.sky(44)
    towers = (
        (0, 6, 13, (128, 134, 150)),
        (12, 22, 22, (150, 156, 172)),
        (22, 2, 34, (138, 144, 160)),
        (34, 17, 43, (156, 162, 178)),
        (43, 24, 52, (132, 138, 154)),
        (51, 18, 64, (146, 152, 168)),
    )
    pane: RGB = (206, 222, 236) if s.time == "day" else (255, 220, 110)
    for x0, top, x1, colour in towers:
        s.rect(colour, x0, top, x1, 54)
        for y in range(int(top) + 3, 48, 6):
            for x in range(int(x0) + 2, int(x1) - 3, 5):
                s.rect(pane, x, y, x + 3, y + 3, lit=True)
    s.rect((186, 186, 190), 0, 50, 64, 54)
    s.rect((112, 114, 124), 0, 54, 64, 64)
    for x in (2, 18, 34, 50):
        s.rect((236, 226, 170), x, 58.5, x + 9, 60.5)


def _desert(s: Stage) -> None:
    s.sky(40)
    s.poly((226, 178, 112), (46, 15), (74, 48), (18, 48))
    s.poly((184, 130, 84), (46, 15), (74, 48), (55, 48))
    s.poly((226, 178, 112), (6, 24), (24, 48), (-12, 48))
    s.poly((184, 130, 84), (6, 24), (24, 48), (11, 48))
    s.curve((236, 170, 94), (-4, 42), (14, 39), (34, 47), (52, 43), (68, 45))
    s.curve((222, 148, 78), (-4, 54), (14, 57), (38, 52), (68, 58))


def _snow(s: Stage) -> None:
    s.sky(42)
    for x, top, half in ((9, 11, 22), (55, 19, 21), (33, 22, 16)):
        s.poly((136, 156, 186), (x, top), (x + half, 50), (x - half, 50))
        t = 0.36
        y = top + (50 - top) * t
        s.poly(
            (244, 248, 252),
            (x, top),
            (x + half * t, y),
            (x + half * 0.14, y - 3),
            (x, y + 2),
            (x - half * 0.16, y - 3),
            (x - half * t, y),
        )
    s.curve((234, 242, 250), (-4, 43), (12, 41), (36, 46), (68, 42))
    s.curve((212, 226, 242), (-4, 56), (20, 59), (44, 55), (68, 58))


def _meadow(s: Stage) -> None:
    s.sky(40)
    if s.time == "day":
        for x, y, r in ((5, 11, 5.0), (12, 8, 6.5), (20, 11, 5.0)):
            s.disc((246, 250, 252), x, y, r)
        s.rect((246, 250, 252), 5, 11, 20, 16)
    s.curve((128, 200, 110), (-4, 34), (12, 29), (30, 38), (50, 31), (68, 36))
    s.curve((156, 214, 104), (-4, 44), (20, 49), (44, 42), (68, 46))
    for i, at in enumerate(((4, 40), (5, 51), (60, 42), (59, 52), (12, 60), (26, 59.5), (40, 60), (53, 60))):
        left, top = at
        colour: RGB = ((250, 250, 250), (250, 170, 200), (252, 222, 96))[i % 3]
        for dx, dy in ((-1.6, 0), (1.6, 0), (0, -1.6), (0, 1.6)):
            s.disc(colour, left + dx, top + dy, 1.4)
        s.disc((236, 160, 70), left, top, 1.1)


def _castle(s: Stage) -> None:
    s.sky(42)
    stone, shade = (166, 166, 178), (140, 140, 154)
    s.rect(shade, 10, 25, 54, 50)
    for x in range(12, 54, 8):
        s.rect(shade, x, 21, x + 4, 26)
    for x, top in ((0, 16), (50, 22)):
        s.rect(stone, x, top, x + 14, 52)
        for dx in (-1, 4.5, 10):
            s.rect(stone, x + dx, top - 4, x + dx + 4.4, top + 2)
        pane: RGB = (96, 96, 116) if s.time != "night" else (255, 214, 110)
        s.rect(pane, x + 5, top + 9, x + 9, top + 16, lit=True)
        s.disc(pane, x + 7, top + 9, 2, lit=True)
    for x, base, top in ((7, 12, 1), (57, 18, 5)):
        s.rect((110, 96, 90), x - 0.7, top, x + 0.7, base)
        sign = 1 if x < 32 else -1
        s.poly((214, 70, 80), (x, top), (x + sign * 9, top + 3), (x, top + 6))
    s.curve((126, 178, 100), (-4, 50), (20, 48), (44, 48), (68, 50))
    s.poly((206, 190, 150), (26, 48), (38, 48), (48, 64), (16, 64))


def _farm(s: Stage) -> None:
    s.sky(40)
    s.curve((150, 190, 106), (-4, 38), (30, 34), (68, 38))
    s.rect((190, 76, 66), 0, 22, 21, 50)
    s.poly((190, 76, 66), (0, 22), (10.5, 10), (21, 22))
    s.poly((112, 74, 70), (-3, 22), (-3, 18), (10.5, 5.5), (25, 20), (22, 24), (10.5, 11))
    s.rect((244, 236, 226), 2, 32, 13, 50)
    s.rect((160, 60, 54), 3.5, 33.5, 11.5, 50)
    s.line((244, 236, 226), 1.5, (3.5, 34), (11.5, 49))
    s.line((244, 236, 226), 1.5, (11.5, 34), (3.5, 49))
    s.rect((228, 192, 92), 0, 46, 64, 64)
    for y in (51, 57.5):
        s.rect((206, 164, 70), 0, y, 64, y + 2)
    for x in (46, 54, 62):
        s.rect((248, 242, 230), x - 1.5, 32, x + 1.5, 49)
    for y in (35, 41):
        s.rect((248, 242, 230), 42, y, 64, y + 2.5)


def _kitchen(s: Stage) -> None:
    """Indoors: the time shows in the window at the upper right."""
    s.rect((246, 226, 196), 0, 0, 64, 64)
    s.rect((250, 248, 240), 43, 0, 64, 21)
    s.rect(SKY[s.time], 45, 2, 63, 19, lit=True)
    if s.time == "day":
        s.disc((255, 224, 96), 56, 8, 4.6, lit=True)
    elif s.time == "sunset":
        s.draw.pieslice([v * s.k for v in (47, 10, 63, 28)], 180, 360, fill=(255, 226, 120))
    else:
        s.disc((250, 240, 200), 56, 8, 4.6, lit=True)
        s.disc(SKY["night"], 54, 7, 3.8, lit=True)
        for x, y in ((48.5, 5), (49, 14), (60, 15)):
            s.disc((255, 244, 190), x, y, 1.0, lit=True)
    s.rect((250, 248, 240), 53.4, 2, 54.8, 19)
    s.rect((154, 108, 72), 0, 15, 30, 18)
    for x, colour in ((3, (214, 112, 98)), (11, (112, 170, 150)), (19, (236, 190, 92))):
        s.rect(colour, x, 7, x + 6, 15)
        s.rect((250, 248, 240), x + 0.6, 4.6, x + 5.4, 7)
    for x in (0, 50):
        s.rect((118, 160, 168), x, 34, x + 14, 52)
        s.rect((206, 172, 130), x, 31, x + 14, 34.5)
        s.rect((96, 136, 146), x + 3, 38, x + 11, 48)
    for row, y in enumerate((50, 57)):
        for col in range(8):
            s.rect((240, 236, 228) if (row + col) % 2 else (206, 120, 100), col * 8, y, col * 8 + 8, y + 7)


def _harbour(s: Stage) -> None:
    s.sky(34)
    s.rect((78, 142, 190), 0, 33, 64, 54)
    for x, y in ((24, 39), (44, 45), (14, 48), (36, 51)):
        s.rect((140, 188, 216), x, y, x + 8, y + 1.5)
    s.poly((250, 246, 238), (8, 4), (8, 31), (22, 31))
    s.poly((228, 110, 96), (6, 8), (6, 31), (-3, 31))
    s.rect((120, 84, 60), 6, 3, 8, 34)
    s.poly((150, 88, 66), (-4, 33), (23, 33), (17, 41), (-4, 41))
    s.poly((246, 242, 236), (56, 18), (62, 18), (64, 46), (53, 46))
    for y in (23, 33):
        s.poly(
            (214, 80, 76), (55.4 - (y - 20) * 0.1, y), (62.4, y), (63, y + 5), (54.8 - (y - 20) * 0.1, y + 5)
        )
    s.rect((255, 226, 120), 56.5, 12, 61.5, 18, lit=True)
    s.poly((190, 70, 70), (54.5, 12.5), (59, 7.5), (63.5, 12.5))
    s.disc((120, 118, 124), 59, 48, 9, 4)
    s.rect((178, 132, 92), 0, 53, 64, 64)
    for joint in (0.0, 10.6, 21.3, 32.0, 42.6, 53.3):
        s.rect((138, 98, 68), joint - 0.8, 53, joint + 0.8, 64)


def _volcano(s: Stage) -> None:
    s.sky(44)
    for x, y, r in ((6, 4, 6), (15, 2, 7), (25, 5, 5)):
        s.disc((150, 144, 152), x, y, r)
    s.poly((122, 92, 96), (9, 14), (25, 14), (52, 54), (-22, 54))
    lava: RGB = (252, 108, 44)
    s.poly(
        lava, (9, 14), (25, 14), (28, 19), (24, 30), (20, 22), (14, 40), (9, 27), (4, 34), (4, 22), lit=True
    )
    s.disc((255, 196, 70), 17, 14.4, 8, 2.2, lit=True)
    s.poly((122, 92, 96), (62, 30), (84, 54), (40, 54))
    s.poly(lava, (58, 34), (66, 30), (66, 44), (61, 48), (60, 40), lit=True)
    s.curve((92, 78, 88), (-4, 47), (20, 50), (44, 46), (68, 49))
    s.poly(
        lava,
        *smooth(((-2, 59), (14, 57.6), (30, 60.5), (48, 58), (66, 60)), closed=False),
        (66, 63.4),
        (48, 62),
        (30, 64),
        (14, 62),
        (-2, 63),
        lit=True,
    )


def _playground(s: Stage) -> None:
    s.sky(42)
    s.curve((142, 196, 118), (-4, 38), (16, 34), (48, 34), (68, 38))
    s.rect((238, 216, 166), 0, 48, 64, 64)
    s.rect((76, 120, 200), 1, 9, 3.6, 52)
    s.rect((76, 120, 200), 9, 9, 11.6, 52)
    for y in (20, 28, 36, 44):
        s.rect((76, 120, 200), 1, y, 11.6, y + 2.2)
    s.poly((244, 190, 60), (8, 14), (13, 14), (30, 48), (36, 48), (36, 52), (26, 52), (8, 20))
    s.poly((226, 92, 84), (-1, 11), (6.4, 2), (14, 11))
    frame: RGB = (222, 88, 92)
    s.line(frame, 2.6, (34, 9), (63, 9))
    for x in (36, 61):
        s.line(frame, 2.6, (x, 9), (x + (3 if x > 50 else -3), 52))
    for x in (50, 57):
        s.line((120, 110, 120), 1.0, (x, 10), (x, 40))
    s.rect((80, 150, 190), 48, 39, 59, 42)


DRAWERS: dict[str, Callable[[Stage], None]] = {
    "beach": _beach,
    "forest": _forest,
    "city": _city,
    "desert": _desert,
    "snow": _snow,
    "meadow": _meadow,
    "castle": _castle,
    "farm": _farm,
    "kitchen": _kitchen,
    "harbour": _harbour,
    "volcano": _volcano,
    "playground": _playground,
}


@lru_cache(maxsize=256)
def backdrop(place: str, time: str, px: int = 64) -> Image.Image:
    """The empty place at that time, RGB, ``px`` x ``px``. Shared: copy before drawing on it."""
    stage = Stage(time, px)
    DRAWERS[place](stage)
    return stage.image.reduce(OVERSAMPLE)
