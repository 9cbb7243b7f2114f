"""Segformer on `SegformerForSemanticSegmentation`: finds the subject in a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import ModelError
from ..images import square
from . import NO_SETTINGS, Backbone

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 64


class Segformer(Backbone):
    """Semantic segmentation (Xie et al. 2021, arXiv 2105.15203); the label "figure" is the subject."""

    family: ClassVar[str] = "segformer"
    kind: ClassVar[str] = "segmenter"

    def __init__(self, folder: Path, model: Any) -> None:
        super().__init__(folder)
        self.model = model
        names = {name: int(index) for index, name in (model.config.id2label or {}).items()}
        if "figure" not in names:
            raise ModelError(f"The segmentation model in {folder} has no label named figure.")
        self.figure = names["figure"]

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", settings: Mapping[str, Any] = NO_SETTINGS) -> Segformer:
        import torch
        from transformers import SegformerForSemanticSegmentation

        from ..checkpoints import check_part, reading

        check_part(folder)
        with reading(f"{folder} holds no usable Segformer model"):
            model = SegformerForSemanticSegmentation.from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
            )
        return cls(folder, model.to(device).eval().requires_grad_(False))

    def free(self) -> None:
        del self.model

    def mask(self, image: Image) -> Image:
        """8-bit mask of all subjects, the size of `image`: 255 times the probability of "figure"."""
        import torch
        import torch.nn.functional as F
        from PIL import Image as Images

        from ..pixels import to_tensor

        with torch.no_grad():
            logits = self.model(to_tensor(square(image, SIDE)).to(self.model.device)).logits
            chance = F.interpolate(logits, size=SIDE, mode="bilinear").softmax(1)[0, self.figure]
        mask = Images.fromarray((chance.cpu().numpy() * 255).round().astype("uint8"))
        # Undo the padding of `square`: the mask of the padded picture, cut back to the picture's own shape.
        longest = max(image.size)
        mask = mask.resize((longest, longest), Images.Resampling.BILINEAR)
        left, top = (longest - image.width) // 2, (longest - image.height) // 2
        return mask.crop((left, top, left + image.width, top + image.height))
