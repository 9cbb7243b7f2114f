"""Pictures from outside, checked where they enter."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..errors import BadImage
from .values import Loaded

SMALLEST = 16
MOST_PIXELS = 64_000_000
MOST_BYTES = 256_000_000


def load_picture(path: str | os.PathLike[str]) -> Loaded:
    """Reads any picture file as upright RGB. Raises `BadImage` with one sentence when that is not possible.

    Transparent parts become white, 16-bit values are reduced to 8, of an animation the first frame is taken.
    """
    return _checked(path, fully=True)


def check_picture(path: str | os.PathLike[str]) -> None:
    """Raises `BadImage` where `load_picture` would, in half its time for a photograph."""
    _checked(path, fully=False)


def _checked(path: str | os.PathLike[str], fully: bool) -> Loaded:
    file = Path(path).expanduser()
    name = shown_name(file)
    if not file.exists():
        raise BadImage(f"There is no file {name}.", "Check the path.")
    if file.is_dir():
        raise BadImage(f"{name} is a folder, not a picture.", "Name the pictures in it.")
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise BadImage(f"{name} has {size // 1_000_000} MB; at most {MOST_BYTES // 1_000_000} MB are read.")
        return _read(file, name, fully)
    except PermissionError as error:
        raise BadImage(f"{name} may not be read.", "Check its permissions.") from error
    except UnidentifiedImageError as error:
        works = "PNG, JPEG, WebP, GIF, BMP and TIFF work."
        raise BadImage(f"{name} is not a picture that can be read.", works) from error
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise BadImage(f"{name} is broken or incomplete: it cannot be decoded.") from error


def shown_name(path: Path) -> str:
    """The file's name without characters that could steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in path.name) or "the file"


def _read(file: Path, name: str, fully: bool) -> Loaded:
    with warnings.catch_warnings():
        # The size is checked below, before anything is decoded.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        opened = Image.open(file)
    with opened:
        width, height = opened.size
        if width * height > MOST_PIXELS:
            raise BadImage(
                f"{name} has {width} x {height} px; at most {MOST_PIXELS // 1_000_000} million pixels are read.",
                "Make it smaller first.",
            )
        if min(width, height) < SMALLEST:
            raise BadImage(f"{name} has only {width} x {height} px; at least {SMALLEST} x {SMALLEST} are needed.")
        notices: tuple[str, ...] = ()
        if (frames := getattr(opened, "n_frames", 1)) > 1:
            notices = (f"{name} is an animation of {frames} frames; only the first one is used.",)
            opened.seek(0)
        if not fully:
            opened.draft(None, (1, 1))  # a JPEG is read to its end, but only an eighth of its side is computed
        return Loaded(to_rgb(ImageOps.exif_transpose(opened) or opened), notices)


def to_rgb(image: Image.Image) -> Image.Image:
    """Any mode as 8-bit RGB; what is transparent becomes white."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image).astype(np.float64)
        # 16-bit files use 0..65535, also where Pillow hands them out as 32-bit integers.
        scale = 257.0 if image.mode.startswith("I") and values.max(initial=0) > 255 else 1.0
        image = Image.fromarray((values / scale).clip(0, 255).round().astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        opaque = image.convert("RGBA")
        white = Image.new("RGBA", opaque.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, opaque).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def smaller(image: Image.Image, side: int) -> Image.Image:
    """The picture with a longer side of at most `side` px, by averaging; itself where it is no larger."""
    if max(image.size) <= side:
        return image
    factor = max(image.size) // (2 * side)  # by whole ones first, which takes a tenth of the time
    return ImageOps.contain(image.reduce(factor) if factor > 1 else image, (side, side), Image.Resampling.BOX)


def square(image: Image.Image, side: int) -> Image.Image:
    """The picture at `side` x `side` px; what is not square is padded with its own edge colour, never stretched."""
    if image.size == (side, side):
        return image
    width, height = image.size
    if width != height:
        ground = tuple(image.resize((1, 1), Image.Resampling.BOX).tobytes())
        image = ImageOps.pad(image, (max(width, height),) * 2, Image.Resampling.LANCZOS, color=ground)
    resample = Image.Resampling.BOX if image.width % side == 0 else Image.Resampling.LANCZOS
    return image.resize((side, side), resample)


def square_mask(mask: Image.Image, side: int) -> Image.Image:
    """A mask padded like its picture (see `square`) and reduced to `side`."""
    if mask.width != mask.height:
        mask = ImageOps.pad(mask, (max(mask.size),) * 2, Image.Resampling.BILINEAR, color=0)
    return mask.resize((side, side), Image.Resampling.BOX) if mask.size != (side, side) else mask
