"""A labelled contact sheet of the whole world: ``python -m limner.starter.world.sheet OUT.png``."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from .identity import ACCESSORIES, COLOURS, KINDS, PATTERNS, PLACES, TIMES, Subject
from .places import backdrop
from .scene import Figure, Scene, portrait, render

TILE = 128
GAP = 8
PAPER = (252, 249, 242)
INK = (60, 52, 64)

Cell = tuple[str, Image.Image]


def _star(kind: str, index: int) -> Subject:
    """A fixed, pretty identity of the kind."""
    rng = random.Random(f"{kind}{index}")
    names = list(COLOURS)
    main = names[(KINDS.index(kind) * 2 + index * 4) % 9]
    second = rng.choice([n for n in names if n != main])
    shape = (rng.choice((-1.0, 0.0, 1.0)), rng.choice((-1.0, 0.0, 1.0)), rng.choice((-1.0, 0.0, 1.0)))
    pattern = PATTERNS[(KINDS.index(kind) + index) % 4]
    return Subject(kind, main, second, pattern, shape)


def _rows() -> list[tuple[str, list[list[Cell]]]]:
    """Titles and rows of labelled pictures."""
    dog = Subject("dog", "orange", "brown")
    kinds = [[(k if i == 0 else "", portrait(_star(k, i), TILE)) for k in KINDS] for i in range(3)]
    patterns = [
        [
            (f"{p} {k}", portrait(Subject(k, c, d, p), TILE))
            for k, c, d in (("dog", "white", "brown"), ("mug", "blue", "yellow"), ("fish", "orange", "white"))
            for p in PATTERNS
        ]
    ]
    colours = [[(c, portrait(Subject("cat", c, "white" if c != "white" else "pink"), TILE)) for c in COLOURS]]
    worn = [
        [(a, render(Scene("meadow", "day", (Figure(s, a),)), TILE).image) for a in ACCESSORIES]
        for s in (dog, Subject("robot", "blue", "yellow"), Subject("flower", "pink", "yellow"))
    ]
    empty = [[(f"{p}, {t}" if t != "day" else p, backdrop(p, t, TILE)) for p in PLACES] for t in TIMES]
    lived = [
        [
            ("", render(Scene(p, t, (Figure(_star(KINDS[(i + 4 * j) % 14], j)),)), TILE).image)
            for i, p in enumerate(PLACES)
        ]
        for j, t in enumerate(TIMES)
    ]
    return [
        ("kinds", kinds),
        ("patterns", patterns),
        ("colours", colours),
        ("accessories", worn),
        ("places and times", empty),
        ("lived in", lived),
    ]


def contact_sheet(path: str | Path) -> None:
    """Write the sheet as a PNG."""
    groups = _rows()
    wide = max(len(r) for _, rows in groups for r in rows)
    head, foot = 40, 20
    width = GAP + wide * (TILE + GAP)
    height = sum(head + len(rows) * (TILE + foot + GAP) for _, rows in groups) + GAP
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    title, label = ImageFont.load_default(24), ImageFont.load_default(13)
    y = 0
    for name, rows in groups:
        draw.text((GAP, y + 6), name, fill=INK, font=title)
        y += head
        for row in rows:
            for i, (text, image) in enumerate(row):
                x = GAP + i * (TILE + GAP)
                sheet.paste(image, (x, y))
                draw.text((x + TILE / 2, y + TILE + 3), text, fill=INK, font=label, anchor="ma")
            y += TILE + foot + GAP
    sheet.save(path)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m limner.starter.world.sheet OUT.png")
    contact_sheet(sys.argv[1])
