"""Do the crops of photographs hold their subjects, and little else? Against boxes that were drawn by eye.

`kept/crops/boxes.json` holds left, top, right and bottom of the subject in parts of each photograph of the DreamBooth
data set, read off a grid on contact sheets: good to a hundredth, which a crop may therefore miss.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from io import BytesIO
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image, ImageDraw

from ..errors import UserError
from ..tools.images import load_picture
from ..tools.photographs import prepare, prepare_together
from ..tools.values import Prepared
from .speed import timed

BOXES = Path(__file__).parent / "kept" / "crops" / "boxes.json"
SLACK = 0.01
MOST = 2.5
"""A crop of more than so many times the area of the subject's box shows too much else."""
LARGE = 12_000_000
"""Pixels of a photograph whose time is taken."""
SECONDS = 0.5
"""That preparing a photograph may take."""
CELL = 200
Place = tuple[float, ...]


def run(photos: Path, boxes: Path, alone: bool, sheet: Path | None) -> list[dict[str, Any]]:
    """Prepare every photograph that has a box; a row each. `alone`: as if each were the only one of its subject."""
    truth = json.loads(boxes.read_text(encoding="utf-8"))
    rows, cells = [], []
    for number, (subject, names) in enumerate(_subjects(truth).items()):
        images = [load_picture(_file(photos, name)).image for name in names]
        made = [prepare(image) for image in images]
        if not alone:
            made = prepare_together(images, made)
        for name, image, one in zip(names, images, made, strict=True):
            rows.append({"photo": name, "subject": subject, "half": "ab"[number % 2]} | judged(one, image, truth[name]))
            cells.append(_cell(image, one, truth[name], rows[-1]) if sheet else None)
    if sheet:
        _sheet([cell for cell in cells if cell is not None]).save(sheet)
    return rows


def speed(photos: Path, boxes: Path, runs: int = 7) -> dict[str, Any]:
    """Seconds to prepare a photograph of twelve megapixels among its set, and to decode its JPEG with Pillow alone."""
    sets = []
    for names in islice(_subjects(json.loads(boxes.read_text(encoding="utf-8"))).values(), runs + 1):
        sets.append([_large(load_picture(_file(photos, name)).image) for name in names])
    images: list[Image.Image] = []

    def decode(run: int) -> None:
        images[:] = [Image.open(BytesIO(file)).convert("RGB") for file in sets[run % len(sets)]]

    def cut_out(run: int) -> None:
        prepare_together(images, [prepare(image) for image in images])

    seconds = timed({"decoding": decode, "preparing": cut_out}, runs)
    each = {
        name: median(s / len(sets[run % len(sets)]) for run, s in enumerate(some, 1)) for name, some in seconds.items()
    }
    return {name: round(s, 3) for name, s in each.items()} | {
        "times": round(each["preparing"] / each["decoding"], 1),
        "at_most": SECONDS,
        "load": round(os.getloadavg()[0], 1),
    }


def judged(made: Prepared, image: Image.Image, box: Sequence[float]) -> dict[str, Any]:
    """Whether the crop holds the subject's box, and how many times its area it has."""
    crop = _crop(made, image)
    inside = all(
        end <= true + SLACK if n < 2 else end >= true - SLACK
        for n, (end, true) in enumerate(zip(crop, box, strict=True))
    )
    times = _area(crop) / _area(box)
    return {"inside": inside, "times": round(times, 2), "right": inside and times <= MOST}


def summary(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Shares of all, of either half of the subjects (by turns, in the order of their names), and of each subject."""
    groups = [("all", list(rows)), *((f"half {half}", [row for row in rows if row["half"] == half]) for half in "ab")]
    groups += [
        (name, [row for row in rows if row["subject"] == name]) for name in dict.fromkeys(r["subject"] for r in rows)
    ]
    return [
        {
            "of": name,
            "photos": len(some),
            "inside": sum(row["inside"] for row in some),
            "inside_and_tight": sum(row["right"] for row in some),
        }
        for name, some in groups
        if some
    ]


def shown(found: Sequence[dict[str, Any]]) -> str:
    """The summary as a table."""
    lines = [f"{'':22}photos  wholly inside  and at most {MOST} x the box"]
    for row in found:
        inside, tight = (f"{row[name]:4} {row[name] / row['photos']:5.0%}" for name in ("inside", "inside_and_tight"))
        lines.append(f"{row['of']:22}{row['photos']:6}  {inside:>13}  {tight:>24}")
    return "\n".join(lines)


def _subjects(names: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        found.setdefault(name.partition("/")[0], []).append(name)
    return found


def _large(image: Image.Image) -> bytes:
    """As a JPEG file of `LARGE` pixels."""
    scale, file = (LARGE / (image.width * image.height)) ** 0.5, BytesIO()
    size = round(image.width * scale), round(image.height * scale)
    image.resize(size, Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


def _file(photos: Path, name: str) -> Path:
    for ending in (".jpg", ".jpeg", ".png"):
        if (file := photos / (name + ending)).exists():
            return file
    raise UserError(f"There is no photograph {name} in {photos}.")


def _crop(made: Prepared, image: Image.Image) -> Place:
    if made.look is None:
        return 0.0, 0.0, 1.0, 1.0
    return tuple(end / image.size[n % 2] for n, end in enumerate(made.look.crop))


def _area(box: Sequence[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _cell(image: Image.Image, made: Prepared, box: Sequence[float], row: dict[str, Any]) -> Image.Image:
    """The photograph with the subject's box (green) and the crop (red); beside it the crop with its ground greyed."""
    cell = Image.new("RGB", (2 * CELL, CELL), "white")
    whole = image.resize((CELL - 4, CELL - 4))
    draw = ImageDraw.Draw(whole)
    for place, colour in ((box, "lime"), (_crop(made, image), "red")):
        draw.rectangle([end * (CELL - 5) for end in place], outline=colour, width=2)
    draw.text((4, 2), row["photo"], fill="yellow" if row["right"] else "magenta")
    cut = made.image.copy()
    if made.mask is not None:
        faint = Image.blend(cut, Image.new("RGB", cut.size, (40, 60, 200)), 0.7)
        cut = Image.composite(cut, faint, made.mask)
    cut.thumbnail((CELL - 4, CELL - 4))
    cell.paste(whole, (0, 0))
    cell.paste(cut, (CELL, 0))
    return cell


def _sheet(cells: Sequence[Image.Image], across: int = 4) -> Image.Image:
    sheet = Image.new("RGB", (across * 2 * CELL, -(-len(cells) // across) * CELL), "white")
    for n, cell in enumerate(cells):
        sheet.paste(cell, (n % across * 2 * CELL, n // across * CELL))
    return sheet
