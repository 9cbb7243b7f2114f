"""Whether a picture is a copy of another one: the same pixels, perhaps mirrored, moved, cropped or recoloured.

A subject that is drawn well looks like its references, and in a drawn world may even have their pixels. So nearness
of the subject proves nothing: a picture is a copy when, laid over a reference as well as possible, hardly any of it
differs, the background included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..images import square

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

SIDE = 64
SCALES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)
"""Part of the reference's side that a cropped copy may show."""
COARSE = 32
TEMPLATE = 20
"""Middle of the picture that is looked for in the reference, of `COARSE`; the rest is how far a copy may be moved."""
VISIBLE = 0.11
"""A difference of colour values (0..1) that counts, after smoothing."""
GAIN, OFFSET = 0.3, 0.15
"""How far a copy may be recoloured."""
OVERLAP = 0.45
"""Part of the picture that the reference must cover."""
HOPELESS = 0.5
"""A place where so much differs is not looked at more closely."""
WHOLE = 0.2
"""A picture of which this part differs, or more, is no copy at all: likeness 0."""


def likeness(picture: Image, others: Sequence[Image]) -> list[float]:
    """How much of `picture` is each of `others`, 0..1: 1 is a copy, 0.9 one in which 2 % of the picture differ."""
    import torch

    if not others:
        return []
    with torch.no_grad():
        made, known = _pixels([picture])[0], _pixels(others)
        twins = torch.stack([made, made.flip(-1)])
        places = _places(twins, known)
        parts = [_differing(twins, other, place) for other, place in zip(known, places, strict=True)]
        return [max(0.0, 1 - part / WHOLE) for part in parts]


def _pixels(images: Sequence[Image]) -> Tensor:
    """`[n, 3, SIDE, SIDE]` in 0..1, slightly smoothed: what a file format or a resizing does must not count."""
    import torch

    small = np.stack([np.asarray(square(image.convert("RGB"), SIDE), dtype=np.float32) for image in images])
    return _smooth(torch.from_numpy(small).permute(0, 3, 1, 2).contiguous() / 255)


def _smooth(pixels: Tensor) -> Tensor:
    import torch.nn.functional as F

    return F.avg_pool2d(F.pad(pixels, (1, 1, 1, 1), mode="replicate"), 3, 1)


def _places(twins: Tensor, known: Tensor) -> list[list[tuple[int, float, float, float]]]:
    """For each of `known` the likeliest ways in which the picture lies on it: (twin, scale, x, y), the middle in px.

    Normalised cross-correlation of the picture's middle, at half the resolution.
    """
    import torch.nn.functional as F

    small, field = (F.interpolate(p, size=(COARSE, COARSE), mode="area") for p in (twins, known))
    edge = (COARSE - TEMPLATE) // 2
    found: list[list[tuple[float, tuple[int, float, float, float]]]] = [[] for _ in known]
    for scale in SCALES:
        # A cropped copy lies in the reference as a whole, of a moved one only the middle surely does.
        part = small if scale < 1 else small[:, :, edge:-edge, edge:-edge]
        side = round(part.shape[-1] * scale)
        template = F.interpolate(part, size=(side, side), mode="bilinear", align_corners=False, antialias=True)
        template = template - template.mean((2, 3), keepdim=True)
        norm = template.square().sum((1, 2, 3)).clamp(min=1e-6).sqrt()
        ones = template.new_ones(3, 1, side, side)
        sums = F.conv2d(field, ones, groups=3)
        spread = (F.conv2d(field.square(), ones, groups=3) - sums.square() / side**2).sum(1, keepdim=True)
        match = F.conv2d(field, template) / norm[None, :, None, None] / spread.clamp(min=1e-4).sqrt()
        for i, maps in enumerate(match):
            for twin, one in enumerate(maps):
                best = int(one.argmax())
                y, x = divmod(best, one.shape[1])
                at = tuple((v + side / 2) * SIDE / COARSE for v in (x, y))
                found[i].append((float(one.flatten()[best]), (twin, scale, at[0], at[1])))
    return [[place for _, place in sorted(options, reverse=True)[:3]] for options in found]


def _differing(twins: Tensor, other: Tensor, places: list[tuple[int, float, float, float]]) -> float:
    """The smallest part of the picture that differs from `other` `[3, SIDE, SIDE]`, near any of `places`."""
    import torch

    best, whole, fine = 1.0, torch.tensor([-1.0, 0.0, 1.0]), torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0])
    for twin, scale, x, y in places:
        rough = torch.cartesian_prod(torch.tensor([scale]), x + whole, y + whole)
        differing = _overlaid(twins[twin], other, rough)
        if differing.min() > HOPELESS:
            continue
        _, x, y = rough[int(differing.argmin())].tolist()
        scales = torch.tensor([scale - 0.025, scale, scale + 0.025]).clamp(max=1.0).unique()
        tried = torch.cartesian_prod(scales, x + fine, y + fine)
        best = min(best, float(differing.min()), float(_overlaid(twins[twin], other, tried).min()))
        if best == 0:
            break
    return best


def _overlaid(picture: Tensor, other: Tensor, tried: Tensor) -> Tensor:
    """Part of the picture that differs, for each way `[n, (scale, x, y)]` to lay it over `other`."""
    import torch
    import torch.nn.functional as F

    n = len(tried)
    line = torch.arange(SIDE) + 0.5 - SIDE / 2
    across = tried[:, 1, None] + tried[:, :1] * line
    down = tried[:, 2, None] + tried[:, :1] * line
    grid = torch.stack([across[:, None, :].expand(n, SIDE, SIDE), down[:, :, None].expand(n, SIDE, SIDE)], -1)
    grid = grid * 2 / SIDE - 1
    seen = F.grid_sample(other.expand(n, -1, -1, -1), grid, align_corners=False, padding_mode="border")
    inside = (grid.abs() <= 1).all(-1)
    weight = inside[:, None].float()
    count = weight.sum((2, 3), keepdim=True).clamp(min=1)
    mean_seen = (seen * weight).sum((2, 3), keepdim=True) / count
    mean_made = (picture * weight).sum((2, 3), keepdim=True) / count
    a, b = seen - mean_seen, picture - mean_made
    gain = (a * b * weight).sum((2, 3), keepdim=True) / (a.square() * weight).sum((2, 3), keepdim=True).clamp(min=1e-6)
    gain = gain.clamp(1 - GAIN, 1 / (1 - GAIN))
    offset = (mean_made - gain * mean_seen).clamp(-OFFSET, OFFSET)
    difference = (_smooth(gain * seen + offset - picture)).abs().amax(1)
    differing = ((difference > VISIBLE) & inside).float().sum((1, 2)) / count[:, 0, 0, 0]
    return torch.where(inside.float().mean((1, 2)) >= OVERLAP, differing, torch.ones(n))
