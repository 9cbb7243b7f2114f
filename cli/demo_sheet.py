"""The tree of a demo's takes as one picture: the references on the left, every branch a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from PIL import Image, ImageDraw, ImageFont

from ..memory.values import Take
from .output import scores_text

SIDE, GAP, CAPTION, MARGIN = 192, 64, 76, 36
PAPER, INK, FAINT, LINE, ACCENT = "#faf7f2", "#2b2622", "#857b70", "#c9bfb2", "#b4532a"


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a take stands: its column is its depth in the tree, its row the branch it belongs to."""

    take: Take
    column: int
    row: int


def place(takes: Sequence[Take]) -> list[Cell]:
    """Lay the tree out: a first child goes on in its parent's row, every other one opens a new row below."""
    children: dict[str | None, list[Take]] = {}
    known = {take.id for take in takes}
    for take in takes:
        children.setdefault(take.parent if take.parent in known else None, []).append(take)
    cells: list[Cell] = []
    rows = 0

    def walk(take: Take, column: int) -> None:
        nonlocal rows
        cells.append(Cell(take, column, rows))
        for index, child in enumerate(children.get(take.id, [])):
            rows += index > 0
            walk(child, column + 1)

    for index, root in enumerate(children.get(None, [])):
        rows += index > 0
        walk(root, 0)
    return cells


def enlarged(image: Image.Image, side: int) -> Image.Image:
    """`image`, its longer side brought to `side` pixels."""
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def sheet(title: str, references: Sequence[Image.Image], takes: Sequence[Take]) -> Image.Image:
    """The contact sheet, RGB."""
    cells = place(takes)
    columns = 1 + max((cell.column for cell in cells), default=0)
    rows = 1 + max((cell.row for cell in cells), default=0)
    small = SIDE // 2 + 8
    left = MARGIN + small + GAP
    top = MARGIN + 44
    width = left + columns * (SIDE + GAP) - GAP + MARGIN
    height = max(top + rows * (SIDE + CAPTION), top + len(references) * (small + 10)) + MARGIN // 2
    canvas = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(canvas)
    draw.text((MARGIN, MARGIN - 10), title, font=ImageFont.load_default(22), fill=INK)
    for index, reference in enumerate(references):
        _paste(canvas, draw, enlarged(reference, small), MARGIN, top + index * (small + 10))
    spots = {cell.take.id: (left + cell.column * (SIDE + GAP), top + cell.row * (SIDE + CAPTION)) for cell in cells}
    trunk = (MARGIN + small, top + small // 2)
    for cell in cells:
        x, y = spots[cell.take.id]
        parent = spots.get(cell.take.parent or "")
        _join(draw, (parent[0] + SIDE, parent[1] + SIDE // 2) if parent else trunk, (x, y + SIDE // 2))
    for cell in cells:
        _draw_cell(canvas, draw, cell.take, *spots[cell.take.id])
    return canvas


def _join(draw: ImageDraw.ImageDraw, start: tuple[int, int], end: tuple[int, int]) -> None:
    """An elbow from a picture's right edge to the left edge of what was made from it."""
    bend = end[0] - GAP // 2
    draw.line([start, (bend, start[1]), (bend, end[1]), end], fill=LINE, width=3, joint="curve")


def _paste(canvas: Image.Image, draw: ImageDraw.ImageDraw, picture: Image.Image, x: int, y: int) -> None:
    canvas.paste(picture, (x, y))
    draw.rectangle((x - 1, y - 1, x + picture.width, y + picture.height), outline=LINE)


def _draw_cell(canvas: Image.Image, draw: ImageDraw.ImageDraw, take: Take, x: int, y: int) -> None:
    _paste(canvas, draw, enlarged(take.image, SIDE), x, y)
    label = f"{take.number}" + (" +" if take.rating == "good" else "")
    font, small = ImageFont.load_default(15), ImageFont.load_default(12)
    pad = draw.textlength(label, font=font)
    draw.rectangle((x, y, x + pad + 12, y + 22), fill=ACCENT)
    draw.text((x + 6, y + 2), label, font=font, fill="white")
    lines = wrap(take.prompt, 27)[:2]
    for index, line in enumerate(lines):
        draw.text((x, y + SIDE + 6 + index * 18), line, font=font, fill=INK)
    draw.text((x, y + SIDE + 8 + len(lines) * 18), scores_text(take.scores), font=small, fill=FAINT)
