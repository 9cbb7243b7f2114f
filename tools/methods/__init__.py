"""One personalization method a file. Files are found by being here, or by the entry points `limner.methods`."""

from __future__ import annotations

from ..method import Method
from ..registry import discover


def methods() -> dict[str, type[Method]]:
    """All registered methods by name."""
    return discover(__name__, __path__, Method, "limner.methods", "name")
