"""Embeddings as files: float32 `.npy`, named by their content."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .records import SPACE

if TYPE_CHECKING:
    import numpy as np


class Vectors(NamedTuple):
    """The embeddings of one concept's newest version in one space, as the index needs them."""

    file: str
    """Its name in the concept's folder; it changes with the content."""
    rows: int
    dim: int


def pack(space: str, array: np.ndarray, rows: int) -> tuple[dict[str, Any], bytes]:
    """An embedding's entry in `concept.json` and its `.npy` file.

    `array`: [rows, dim], finite; kept as float32.

    Raises:
        ValueError: another shape, not finite, or `space` is no name for a space.
    """
    import numpy as np

    values = np.ascontiguousarray(array, dtype=np.float32)
    if not SPACE.fullmatch(space):
        raise ValueError(f"{space!r} is no name of an embedding space")
    if values.ndim != 2 or len(values) != rows or not values.shape[1] or not np.isfinite(values).all():
        raise ValueError(f"embeddings must be finite, [{rows}, dim]; these are {list(values.shape)}")
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    data = buffer.getvalue()
    name = f"embedding-{hashlib.sha256(data).hexdigest()[:16]}.npy"
    return {"file": name, "dim": int(values.shape[1])}, data


def unpack(path: Path, rows: int, dim: int) -> np.ndarray | None:
    """The float32 array [rows, dim] in a `.npy` file; `None` if it is missing or anything else."""
    import numpy as np

    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if not isinstance(values, np.ndarray) or values.shape != (rows, dim) or values.dtype != np.float32:
        return None
    return values if np.isfinite(values).all() else None
