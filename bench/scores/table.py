"""What is measured once and shipped with a preset: how alike true pictures are, and which method to begin with."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from ...memory.files import replacing
from ...starter.world import KINDS, render, sample_scene, sample_subject
from ..results import ResultFolder, wilson

if TYPE_CHECKING:
    from ...tools.studio import Studio

SUBJECTS = 12
"""Of each class."""
FEWEST = 8
"""Trials of a class below which the row of all classes counts."""
NEARLY = 0.05
"""A cheaper method is recommended where it succeeds at most so much less often than the best one."""


def alike(studio: Studio, seed: int = 0) -> dict[str, Any]:
    """Median similarity of two true pictures of one subject, over all classes and of each."""
    rng = random.Random(f"alike {seed}")
    found: dict[str, list[float]] = {}
    for kind in KINDS:
        found[kind] = []
        while len(found[kind]) < SUBJECTS:
            subject = sample_subject(rng, held_out=True)
            if subject.kind != kind:
                continue
            prepared = [studio.prepare(render(sample_scene(rng, [subject])).image) for _ in range(2)]
            one, other = studio.embed_images([p.image for p in prepared], [p.mask for p in prepared])
            found[kind].append(float(one @ other))
    every = [value for values in found.values() for value in values]
    classes = {kind: round(median(values), 4) for kind, values in found.items()}
    return {"all": round(median(every), 4), "classes": classes, "space": studio.space}


def recommended(folders: Sequence[Path], order: Sequence[str]) -> list[dict[str, Any]]:
    """From runs of `limner bench storybook`, one a method and number of references: a row a class and number.

    `order`: the methods, cheapest first.
    """
    outcomes: dict[tuple[str, int, str], list[bool]] = defaultdict(list)
    for folder in folders:
        run = ResultFolder.read(folder)
        method, references = run.header["settings"]["method"], run.header["settings"]["references"]
        for row in (row for row in run.rows if row["stage"] == "draw"):
            for kind in ("", row["truth"]["kind"]):
                outcomes[kind, references, method].append(bool(row["right"]["success"]))
    rows = []
    for kind, references in sorted({key[:2] for key in outcomes}):
        shares = {m: outcomes[kind, references, m] for m in order if (kind, references, m) in outcomes}
        if kind and min(map(len, shares.values())) < FEWEST:
            continue
        rates = {method: sum(right) / len(right) for method, right in shares.items()}
        method = next(m for m, rate in rates.items() if rate >= max(rates.values()) - NEARLY)
        low, high = wilson(sum(shares[method]), len(shares[method]))
        row = {"kind": kind, "references": references, "method": method, "trials": len(shares[method])}
        rows.append(row | {"success": round(rates[method], 3), "low": round(low, 3), "high": round(high, 3)})
    return rows


def write(file: Path, part: str, value: object) -> None:
    """Puts one part into the table in `file`; the others stay."""
    record = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    with replacing(file) as opened:
        opened.write((json.dumps(record | {part: value}, indent=1) + "\n").encode())
