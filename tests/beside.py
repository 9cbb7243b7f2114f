"""Real photographs, scores and weights that may lie beside the repository; without them their tests are skipped."""

from __future__ import annotations

from pathlib import Path

import pytest


def beside(name: str) -> Path:
    """`shared/data/NAME` in the nearest folder above this one that has it; if none has, a path that does not exist."""
    places = [folder / "shared" / "data" / name for folder in Path(__file__).resolve().parents]
    return next((place for place in places if place.exists()), places[0])


def needs(path: Path) -> pytest.MarkDecorator:
    """Skips a test where `path` is not there."""
    return pytest.mark.skipif(not path.exists(), reason="data not present")
