"""Segformer on `SegformerForSemanticSegmentation`: finds the subject in a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import ModelError
from ..images import square
from . import NO_SETTINGS
from .segmenting import Segmenter

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 64


class Segformer(Segmenter):
    """Semantic segmentation (Xie et al. 2021, arXiv 2105.15203); the label "figure" is the subject, "accessory" what it
    wears or holds."""

    family: ClassVar[str] = "segformer"

    def __init__(self, folder: Path, model: Any) -> None:
        super().__init__(folder)
        self.model = model
        names = {name: int(index) for index, name in (model.config.id2label or {}).items()}
        if "figure" not in names:
            raise ModelError(f"The segmentation model in {folder} has no label named figure.")
        self.figure, self.accessory = names["figure"], names.get("accessory")

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", settings: Mapping[str, Any] = NO_SETTINGS) -> Segformer:
        from ..checkpoints import read_model

        return cls(folder, read_model("SegformerForSemanticSegmentation", folder, ("segformer",)).to(device))

    def free(self) -> None:
        del self.model

    def mask(self, image: Image) -> Image:
        return self._found(image, self.figure)

    def worn(self, image: Image) -> Image | None:
        return None if self.accessory is None else self._found(image, self.accessory)

    def _found(self, image: Image, label: int) -> Image:
        import torch
        import torch.nn.functional as F
        from PIL import Image as Images

        from ..pixels import to_tensor

        with torch.no_grad():
            logits = self.model(to_tensor(square(image, SIDE)).to(self.model.device)).logits
            chance = F.interpolate(logits, size=SIDE, mode="bilinear").softmax(1)[0, label]
        mask = Images.fromarray((chance.cpu().numpy() * 255).round().astype("uint8"))
        # Undo the padding of `square`: the mask of the padded picture, cut back to the picture's own shape.
        longest = max(image.size)
        mask = mask.resize((longest, longest), Images.Resampling.BILINEAR)
        left, top = (longest - image.width) // 2, (longest - image.height) // 2
        return mask.crop((left, top, left + image.width, top + image.height))
