"""Results that are kept: a folder with a header and one JSON line a measurement. A killed run goes on.

Layout: `header.json` (what was measured with what), `rows.jsonl` (one object a line), pictures beside them.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from math import sqrt
from pathlib import Path
from typing import Any

from ..errors import NotFound, UserError

Z = 1.96
"""Of a 95 % interval."""
PACKAGES = ("limner", "torch", "transformers", "numpy", "pillow")


def versions() -> dict[str, str]:
    """What the measurement ran on."""
    found = {"python": platform.python_version(), "machine": f"{platform.machine()}, {os.cpu_count()} cores"}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def wilson(right: int, count: int) -> tuple[float, float]:
    """95 % interval of a share, by Wilson's score method; (0, 1) of nothing."""
    if count == 0:
        return 0.0, 1.0
    share = right / count
    middle = share + Z * Z / (2 * count)
    spread = Z * sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    scale = 1 + Z * Z / count
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def paired(old: Sequence[bool], new: Sequence[bool]) -> tuple[float, float, float]:
    """Difference of two shares of the same trials (new - old) and its 95 % interval.

    The adjusted Wald method: Agresti and Min 2005, "Simple improved confidence intervals for comparing
    matched proportions".
    """
    count = len(old)
    if count == 0:
        return 0.0, -1.0, 1.0
    gained = sum(b and not a for a, b in zip(old, new, strict=True))
    lost = sum(a and not b for a, b in zip(old, new, strict=True))
    more, fewer, total = gained + 0.5, lost + 0.5, count + 2
    middle = (more - fewer) / total
    spread = Z * sqrt(more + fewer - (more - fewer) ** 2 / total) / total
    return (gained - lost) / count, max(-1.0, middle - spread), min(1.0, middle + spread)


class ResultFolder:
    """One run's results. `key` of a row (trial and stage) is unique; a row is there whole or not at all."""

    def __init__(self, folder: Path, header: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        self.folder, self.header, self.rows = folder, header, rows

    @classmethod
    def read(cls, folder: Path) -> ResultFolder:
        """What is there; NotFound when it is no folder of results."""
        file = folder / "header.json"
        if not file.exists():
            raise NotFound(f"There are no results in {folder}.", "Give the folder that `limner bench` wrote.")
        header = json.loads(file.read_text(encoding="utf-8"))
        return cls(folder, header, list(_rows(folder / "rows.jsonl")))

    @classmethod
    def begin(cls, folder: Path, settings: Mapping[str, Any]) -> ResultFolder:
        """A new folder, or the one that is there if it was begun with the same settings (else UserError)."""
        if (folder / "header.json").exists():
            opened = cls.read(folder)
            before = opened.header["settings"]
            if before != dict(settings):
                differing = sorted(k for k in before | settings if before.get(k) != settings.get(k))
                raise UserError(
                    f"The results in {folder} were begun with another {', '.join(differing)}.",
                    "Give another folder with --out.",
                )
            opened._drop_half_row()
            return opened
        folder.mkdir(parents=True, exist_ok=True)
        began = datetime.now(UTC).isoformat(timespec="seconds")
        header = {"settings": dict(settings), "date": began, "versions": versions()}
        fresh = folder / "header.new"
        fresh.write_text(json.dumps(header, indent=1) + "\n", encoding="utf-8")
        os.replace(fresh, folder / "header.json")
        return cls(folder, header, [])

    def _drop_half_row(self) -> None:
        """Cuts what a killed run left behind its last whole line."""
        file = self.folder / "rows.jsonl"
        if not file.exists():
            return
        written = file.read_bytes()
        whole = written.rfind(b"\n") + 1
        if whole < len(written):
            os.truncate(file, whole)

    @property
    def done(self) -> set[tuple[int, str]]:
        """(trial, stage) of every row."""
        return {(row["trial"], row["stage"]) for row in self.rows}

    def add(self, row: dict[str, Any]) -> None:
        """Keeps one row; it is on the disk when this returns."""
        with open(self.folder / "rows.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.rows.append(row)


def _rows(file: Path) -> Iterable[dict[str, Any]]:
    if not file.exists():
        return
    for line in file.read_bytes().split(b"\n")[:-1]:
        yield json.loads(line)


def tally(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[tuple[int, str], bool]]:
    """measure -> trial and stage -> whether it came out right. Measures are named "stage measure"."""
    found: dict[str, dict[tuple[int, str], bool]] = {}
    for row in rows:
        for measure, right in row["right"].items():
            trials = found.setdefault(f"{row['stage']} {measure}", {})
            if right is not None:
                trials[row["trial"], row["stage"]] = right
    return {measure: trials for measure, trials in found.items() if trials}


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side, the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True)),
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"
