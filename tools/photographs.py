"""Photographs as references: cropped to the subject, masked, and looked over before anything is learned from them.

The mask comes from the preset's segmentation model, or else from `tools.cutout` (GrabCut) where OpenCV is installed, or
from `tools.together` where there are several; without any of them the whole photograph is taken, and that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from . import cutout, together
from .cutout import Box, in_pixels, scaled
from .images import smaller
from .values import Prepared

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

How = Literal["model", "grabcut", "none"]
MARGIN = 0.08
"""Room left round the subject on each side, as a part of its longer side."""
LARGEST = 1024
"""Pixels of the longer side that is kept: no model reads more of a reference."""
GAP = 1.1
"""Whole factors are averaged first while so much is left for the finer filter: a third of its time, 42 dB the same."""
SMALLEST_SUBJECT = 256
"""A subject with a shorter side than this has lost the detail that makes it this one."""
SMALLEST_PHOTO = 128
"""A smaller picture is no photograph to cut from."""
SHARES = (0.02, 0.92)
"""A mask that covers less or more of the picture has not found the subject."""
SHARP = 25.0
"""Variance of the Laplacian (at 256 px, 8-bit grey) below which a photograph is blurred."""
SAME = 8
"""Bits of 64 that two pictures' difference hashes may differ in to be the same picture."""
ALIKE = 0.75
"""Shared part of two grounds' colours from which they count as the same place."""


@dataclass(frozen=True, slots=True)
class Look:
    """What can be said about a photograph without any model."""

    how: How
    sharpness: float
    crop: Box
    """What of the photograph is kept, in its pixels."""
    side: int
    """Shorter side of the subject, in pixels of the photograph."""
    hashes: tuple[int, int]
    """Difference hash of the photograph, and of its mirror image."""
    ground: np.ndarray
    """Histogram of the colours around the subject, `[256]`, sums to 1."""
    found: cutout.Found | None = None
    """What the classical way saw, for `prepare_together`."""


def prepare(image: Image.Image, segment: Callable[[Image.Image], Image.Image] | None = None) -> Prepared:
    """Crop a photograph (upright RGB) to its subject, with the subject's mask.

    Args:
        segment: gives an 8-bit mask of the size of a picture; `None`, or a mask that fails: the classical way.
    """
    return _cut(image, _find(image, segment))


def prepare_together(images: Sequence[Image.Image], alone: Sequence[Prepared]) -> list[Prepared]:
    """Photographs of one subject that were prepared `alone`, cut again by what they share; a model's cuts stay."""
    made = list(alone)
    tried = [(n, item.look.found) for n, item in enumerate(alone) if item.look is not None and item.look.found]
    if len(tried) < 2:
        return made
    for (n, _), found in zip(tried, together.find_again([found for _, found in tried]), strict=True):
        if (seen := _by_grabcut(found)).mask is not None:
            made[n] = replace(_cut(images[n], seen), storybook=alone[n].storybook)
    return made


def subject_mask(image: Image.Image, segment: Callable[[Image.Image], Image.Image] | None = None) -> Image.Image:
    """The subject's 8-bit mask, the size of `image`; all 0 where none is found."""
    mask = _find(image, segment).mask
    return mask.resize(image.size, Image.Resampling.BILINEAR) if mask is not None else Image.new("L", image.size, 0)


def crop_box(box: Box, size: tuple[int, int]) -> Box:
    """The subject's box with room round it, inside a picture of `size`."""
    left, top, right, bottom = box
    room = round(MARGIN * max(right - left, bottom - top))
    return max(0, left - room), max(0, top - room), min(size[0], right + room), min(size[1], bottom + room)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Where the subject of a photograph is, seen on a small copy: only what is kept is cut from the large one."""

    how: How
    small: Image.Image
    mask: Image.Image | None = None
    """8 bits, of the whole photograph in any size."""
    box: Box | None = None
    """In pixels of the photograph."""
    found: cutout.Found | None = None


def _find(image: Image.Image, segment: Callable[[Image.Image], Image.Image] | None) -> _Seen:
    small = smaller(image, LARGEST if segment is not None else cutout.MIDDLING)
    if segment is not None and usable(mask := segment(small)):
        inside = mask.point(lambda v: 255 * (v > 127)).getbbox() or (0, 0, *mask.size)
        return _Seen("model", small, mask, in_pixels(scaled(inside, mask.size, image.size)))
    if min(image.size) >= SMALLEST_PHOTO and cutout.available():
        return _by_grabcut(replace(cutout.find(small), size=image.size))
    return _Seen("none", small)


def _by_grabcut(found: cutout.Found) -> _Seen:
    mask = found.small_mask()
    if usable(mask):
        return _Seen("grabcut", found.picture, mask, found.full_box(), found)
    return _Seen("none", found.picture, found=found)


def usable(mask: Image.Image) -> bool:
    """Whether a mask can be a subject's: neither next to nothing nor next to everything."""
    small = mask.resize((64, 64), Image.Resampling.BOX)
    share = float((np.asarray(small) > 127).mean())
    return SHARES[0] <= share <= SHARES[1]


def _cut(image: Image.Image, seen: _Seen) -> Prepared:
    left, top, right, bottom = box = seen.box or (0, 0, *image.size)
    crop = crop_box(box, image.size) if seen.box else box
    whole = crop[2] - crop[0], crop[3] - crop[1]
    scale = min(1.0, LARGEST / max(whole))
    size = max(1, round(whole[0] * scale)), max(1, round(whole[1] * scale))
    cut = image.resize(size, Image.Resampling.LANCZOS, crop, GAP) if scale < 1 else image.crop(crop)
    mask = seen.mask and seen.mask.resize(size, Image.Resampling.BILINEAR, scaled(crop, image.size, seen.mask.size))
    subject = left - crop[0], top - crop[1], right - crop[0], bottom - crop[1]
    grey = smaller(cut.crop(in_pixels(scaled(subject, whole, size))).convert("L"), 256)
    hashes = _hash(seen.small), _hash(seen.small.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    side = min(right - left, bottom - top)
    look = Look(seen.how, sharpness(grey), crop, side, hashes, _ground(seen.small, seen.mask), seen.found)
    return Prepared(cut, mask, look=look)


def _ground(small: Image.Image, mask: Image.Image | None) -> np.ndarray:
    """Histogram of the colours outside the mask, see `Look.ground`."""
    outside = np.ones((48, 48), dtype=bool)
    if mask is not None:
        outside = np.asarray(mask.resize((48, 48), Image.Resampling.BOX)) < 64
    lab = np.asarray(_to_lab().apply(small.resize((48, 48), Image.Resampling.BOX))).astype(int)[outside]
    bins = lab[:, 0] // 64 * 64 + (lab[:, 1] + 128) % 256 // 32 * 8 + (lab[:, 2] + 128) % 256 // 32
    ground = np.bincount(bins, minlength=256).astype(np.float32)
    return ground / max(float(ground.sum()), 1.0)


@cache
def _to_lab() -> ImageCmsTransform:
    """What `convert("LAB")` makes anew for each picture, which takes longer than all else here."""
    from PIL import ImageCms

    return ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")


def sharpness(grey: Image.Image) -> float:
    """Variance of the Laplacian of an 8-bit grey picture (Pech-Pacheco et al. 2000): high is sharp."""
    values = np.asarray(grey, dtype=np.float32)
    if min(values.shape) < 3:
        return 0.0
    around = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:]
    return float((around - 4 * values[1:-1, 1:-1]).var())


def _hash(image: Image.Image) -> int:
    """Difference hash: whether each of 8 x 8 fields is brighter than its neighbour to the right."""
    small = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX)).astype(int)
    return int("".join("01"[bool(bit)] for bit in (small[:, 1:] > small[:, :-1]).ravel()), 2)


def advice(prepared: Sequence[Prepared], getting: str = "") -> list[str]:
    """What would make these photographs better references, one sentence each, the gravest first.

    `getting`: the command that brings a segmentation model, where there is one.
    """
    looks = [item.look for item in prepared if item.look is not None]
    if not looks:
        return []
    blurred = [n for n, look in enumerate(looks, 1) if look.sharpness < SHARP]
    small = [n for n, look in enumerate(looks, 1) if look.side < SMALLEST_SUBJECT]
    uncut = [n for n, look in enumerate(looks, 1) if look.how == "none"]
    rough = [n for n, look in enumerate(looks, 1) if look.how == "grabcut"]
    said = []
    if blurred:
        said.append(f"{_photos(blurred)} blurred; a sharp one would teach more.")
    for first, second, mirrored in _twins(looks):
        said.append(
            f"Photos {first} and {second} are the same picture{' mirrored' * mirrored}; one of them adds nothing."
        )
    if small:
        said.append(f"{_photos(small)} of a subject of less than {SMALLEST_SUBJECT} pixels; go nearer.")
    if views := _one_place(looks):
        said.append(f"{len(views)} of {len(looks)} photos show the same surroundings; add some from elsewhere.")
    if uncut:
        why = "no subject stood out" if cutout.available() else 'install the extra "photos" to have it cut out'
        said.append(f"{_photos(uncut)} used whole: {why}.")
    elif rough:
        better = f" Better ones: {getting}." if getting else ""
        said.append(f"{_photos(rough)} cut out without a segmentation model; the outlines are rough.{better}")
    return said


def _photos(numbers: Sequence[int]) -> str:
    named = ", ".join(map(str, numbers))
    return f"Photo {named} is" if len(numbers) == 1 else f"Photos {named} are"


def _twins(looks: Sequence[Look]) -> list[tuple[int, int, bool]]:
    """Pairs that show the same picture, and whether one is mirrored."""
    found = []
    for (n, one), (m, other) in combinations(enumerate(looks, 1), 2):
        same, mirrored = ((one.hashes[0] ^ hash_).bit_count() for hash_ in other.hashes)
        if min(same, mirrored) <= SAME:
            found.append((n, m, mirrored < same))
    return found


def _one_place(looks: Sequence[Look]) -> list[int]:
    """The largest group of photographs in one place, when it is at least three and more than half of all."""
    groups = (
        [m for m, other in enumerate(looks, 1) if np.minimum(one.ground, other.ground).sum() >= ALIKE] for one in looks
    )
    largest = max(groups, key=len)
    return largest if len(largest) >= 3 and 2 * len(largest) > len(looks) else []
