"""Between pictures and tensors."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_tensor(image: Image.Image) -> Tensor:
    """RGB picture to `[1, 3, h, w]` in -1..1."""
    planes = np.ascontiguousarray(np.asarray(image.convert("RGB"), dtype=np.float32).transpose(2, 0, 1))
    return torch.from_numpy(planes)[None] / 127.5 - 1


def to_picture(pixels: Tensor) -> Image.Image:
    """`[3, h, w]` in -1..1 to an RGB picture."""
    values = ((pixels.detach().cpu().float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(values.permute(1, 2, 0).numpy())
