"""Files that the command line writes outside the library: complete, or not there."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LibraryError, UserError
from ..memory.files import replacing

if TYPE_CHECKING:
    from PIL.Image import Image


def save(file: Path, data: bytes) -> None:
    """Write `file`, complete or not at all.

    Raises `UserError` where its folder does not exist, `LibraryError` where it cannot be written.
    """
    if not file.parent.is_dir():
        raise UserError(f"There is no folder {file.parent}.")
    if file.is_dir():
        raise UserError(f"{file} is a folder.", "Name a file in it.")
    try:
        with replacing(file) as stream:
            stream.write(data)
    except OSError as error:
        raise LibraryError(f"Cannot write {file}: {error.strerror or error}.") from error


def save_picture(image: Image, file: Path) -> None:
    """Write `image`; the ending of `file` names the format.

    Raises what `save` raises, and `UserError` for an ending that names no format.
    """
    buffer = io.BytesIO()
    buffer.name = file.name
    try:
        image.save(buffer)
    except (ValueError, OSError, KeyError) as error:
        hint = "Use .png, .jpg or .webp."
        raise UserError(f"{file.name!r} has no ending that names a picture format.", hint) from error
    save(file, buffer.getvalue())
