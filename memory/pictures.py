"""Pictures as they lie in the library: PNG without any metadata."""

from __future__ import annotations

import hashlib
import io
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .files import write_synced

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 64_000_000
"""The largest picture the library stores or takes in."""


def encode_png(image: Image, mode: str) -> bytes:
    """`image` as a PNG of `mode` ("RGB", or "L" for a mask).

    Metadata is left out: a photograph's EXIF may tell where it was taken.
    """
    plain = image.convert(mode) if image.mode != mode else image.copy()
    plain.info = {}
    buffer = io.BytesIO()
    plain.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def check_png(data: bytes, mode: str) -> tuple[int, int]:
    """Width and height of a PNG that came from outside, after decoding all of it.

    Raises:
        ValueError: broken, too large, not a PNG, or not of `mode`.
    """
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_PIXELS is stricter
            with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise ValueError("the picture is too large")
                if picture.mode != mode:
                    raise ValueError(f"the picture is {picture.mode}, not {mode}")
                picture.load()
                return picture.size
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"the picture is broken ({error})") from error


def file_name(role: str, data: bytes) -> str:
    """The name of a stored picture: its role ("reference", "mask", "rejected") and a hash of its content."""
    return f"{role}-{hashlib.sha256(data).hexdigest()[:16]}.png"


def write_picture(folder: Path, role: str, picture: Image, mode: str) -> str:
    """Write a picture as PNG under the name that its content gives it; returns that name."""
    data = encode_png(picture, mode)
    name = file_name(role, data)
    write_new(folder / name, data)
    return name


def write_new(path: Path, data: bytes) -> None:
    """Write a file named by its content; the same content twice is one file."""
    with suppress(FileExistsError):
        write_synced(path, data)
