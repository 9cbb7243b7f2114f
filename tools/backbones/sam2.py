"""SAM 2 on `Sam2Model`: cuts out what a photograph is about."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from . import NO_SETTINGS
from .segmenting import Segmenter

if TYPE_CHECKING:
    from PIL.Image import Image

KEPT = 4
"""Masks that are remembered: a turn asks more than once for that of a picture, and without a GPU each takes seconds."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the pictures that all published checkpoints were taught with."""


class Sam2(Segmenter):
    """Segment Anything 2 (Ravi et al. 2024, arXiv 2408.00714) cuts out what it is pointed at.

    It is pointed at what `tools.cutout` sees stand out, by that box; without OpenCV at the picture's middle. Reads
    checkpoints for pictures and for films ("sam2_video"), of which it takes the part for pictures.
    """

    family: ClassVar[str] = "sam2"
    label: ClassVar[str] = "SAM 2"

    def __init__(self, folder: Path, model: Any) -> None:
        super().__init__(folder)
        self.model = model
        self.side = int(model.config.prompt_encoder_config.image_size)
        self._masks: dict[str, Image] = {}

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", settings: Mapping[str, Any] = NO_SETTINGS) -> Sam2:
        from ..checkpoints import read_model

        return cls(folder, read_model("Sam2Model", folder, ("sam2", "sam2_video")).to(device))

    def free(self) -> None:
        del self.model

    def mask(self, image: Image) -> Image:
        key = f"{image.size} {hashlib.sha1(image.convert('RGB').tobytes(), usedforsecurity=False).hexdigest()}"
        if key not in self._masks:
            while len(self._masks) >= KEPT:
                del self._masks[next(iter(self._masks))]
            self._masks[key] = self._cut_out(image)
        return self._masks[key].copy()

    def _cut_out(self, image: Image) -> Image:
        import torch
        import torch.nn.functional as F
        from PIL import Image as Images

        from .. import cutout
        from ..pixels import to_tensor

        if not cutout.available():
            asked = {"input_points": [[[[self.side / 2, self.side / 2]]]], "input_labels": [[[1]]]}
        elif (box := cutout.find(image).full_box()) is not None:
            # The whole picture becomes a square, as it was taught.
            scaled = [side * self.side / image.size[n % 2] for n, side in enumerate(box)]
            asked = {"input_boxes": [[scaled]]}
        else:
            return Images.new("L", image.size, 0)
        device = self.model.device
        small = image.convert("RGB").resize((self.side, self.side), Images.Resampling.BILINEAR, reducing_gap=2.0)
        mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
        pixels = ((to_tensor(small) + 1) / 2 - mean) / deviation
        prompt = {name: torch.tensor(value, device=device) for name, value in asked.items()}
        with torch.no_grad():
            found = self.model(pixel_values=pixels.to(device), **prompt, multimask_output=False).pred_masks[0]
            chance = F.interpolate(found, size=(self.side, self.side), mode="bilinear")[0, 0].sigmoid()
        mask = Images.fromarray((chance.cpu().numpy() * 255).round().astype("uint8"))
        return mask.resize(image.size, Images.Resampling.BILINEAR)
