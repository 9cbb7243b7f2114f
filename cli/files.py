"""Files that the command line writes outside the library: complete, or not there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LibraryError, UserError
from ..memory.files import replacing

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..memory.values import Take


def save(file: Path, data: bytes) -> None:
    """Write `file`, complete or not at all.

    Raises `UserError` where its folder does not exist, `LibraryError` where it cannot be written.
    """
    check_place(file)
    try:
        with replacing(file) as stream:
            stream.write(data)
    except OSError as error:
        raise LibraryError(f"Cannot write {file}: {error.strerror or error}.") from error


def check_place(file: Path) -> None:
    """Raises `UserError` where no file can be."""
    if not file.parent.is_dir():
        raise UserError(f"There is no folder {file.parent}.")
    if file.is_dir():
        raise UserError(f"{file} is a folder.", "Name a file in it.")


def save_picture(image: Image, file: Path) -> None:
    """Write a picture that no model made; the ending of `file` names the format. Raises what `save_take` raises."""
    from ..tools.provenance import encode

    save(file, encode(image, {"ai_generated": False}, file.name))


def save_take(take: Take, file: Path, takes: Sequence[Take], home: Path, *, prompts: bool = False) -> None:
    """Write a take's picture with what made it; the ending of `file` names the format.

    Raises what `save` raises, and `UserError` for an ending that names no format.
    """
    from ..tools.provenance import encode, facts, originals

    check_place(file)  # before a certificate is made
    about = facts(take, takes, prompts=prompts)
    save(file, encode(take.image, about, file.name, home, originals(take, takes)))
