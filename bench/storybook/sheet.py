"""A sheet of drawn pictures to be named by eye: numbers and pictures alone. The key is a file of its own."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ...errors import UserError
from ..results import ResultFolder

COUNT, COLUMNS = 60, 10
TILE, GAP, LABEL = 64 * 3, 10, 24
PAPER, INK = (250, 250, 248), (30, 30, 34)


def key_file(sheet: Path) -> Path:
    """Where the answers to a sheet go."""
    return sheet.with_name(f"{sheet.stem}.key.json")


def write_sheet(results: ResultFolder, file: Path, count: int = COUNT) -> int:
    """The first `count` drawings, three times enlarged, and the key; returns how many there were."""
    rows = sorted((r for r in results.rows if r["stage"] == "draw"), key=lambda row: row["trial"])[:count]
    if not rows:
        raise UserError(f"Nothing has been drawn yet in {results.folder}.")
    lines = -(-len(rows) // COLUMNS)
    size = (COLUMNS * (TILE + GAP) + GAP, lines * (TILE + LABEL + GAP) + GAP)
    sheet = Image.new("RGB", size, PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(18)
    for i, row in enumerate(rows):
        x, y = GAP + i % COLUMNS * (TILE + GAP), GAP + i // COLUMNS * (TILE + LABEL + GAP)
        pen.text((x, y), str(i + 1), INK, font)
        picture = Image.open(results.folder / "pictures" / f"{row['trial']:03d}-draw.png").convert("RGB")
        # Lanczos: a person sees soft shapes, not 64 rows of bricks.
        sheet.paste(picture.resize((TILE, TILE), Image.Resampling.LANCZOS), (x, y + LABEL))
    sheet.save(file)
    key = [
        {"number": i + 1, "trial": row["trial"], "truth": row["truth"], "judge": row["read"]}
        for i, row in enumerate(rows)
    ]
    key_file(file).write_text(json.dumps(key, indent=1) + "\n", encoding="utf-8")
    return len(rows)
