"""CLIP-format dual encoders on `CLIPModel`: what scores pictures and finds concepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from . import NO_SETTINGS, Backbone

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor


class Clip(Backbone):
    """Pictures and words in one space (Radford et al. 2021, arXiv 2103.00020)."""

    family: ClassVar[str] = "clip"
    kind: ClassVar[str] = "encoder"

    def __init__(self, folder: Path, model: Any, tokenizer: Any) -> None:
        super().__init__(folder)
        self.model, self.tokenizer = model, tokenizer
        self.side = int(model.config.vision_config.image_size)
        self.length = int(model.config.text_config.max_position_embeddings)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", settings: Mapping[str, Any] = NO_SETTINGS) -> Clip:
        from transformers import PreTrainedTokenizerFast

        from ..checkpoints import read_model, reading

        model = read_model("CLIPModel", folder, ("clip",))
        with reading(f"{folder} holds no usable tokenizer"):
            tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        return cls(folder, model.to(device), tokenizer)

    def free(self) -> None:
        del self.model

    def images(self, images: Sequence[Image]) -> np.ndarray:
        """Unit embeddings `[n, d]` float32 of square RGB pictures of the model's side."""
        import torch

        from ..pixels import to_tensor

        pixels = self._normalised(torch.cat([to_tensor(image) for image in images]))
        return _unit(self.model.get_image_features(pixel_values=pixels.to(self.model.device)).pooler_output)

    def _normalised(self, pixels: Tensor) -> Tensor:
        """Pixels `[b, 3, h, w]` of -1..1 as the encoder was taught: by the means of its `preprocessor_config.json`."""
        import json

        import torch

        file = self.folder / "preprocessor_config.json"
        if not file.is_file():
            return pixels
        asked = json.loads(file.read_text(encoding="utf-8"))
        mean, deviation = (torch.tensor(asked[f"image_{name}"]).view(1, 3, 1, 1) for name in ("mean", "std"))
        return ((pixels + 1) / 2 - mean) / deviation

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """Unit embeddings `[n, d]` float32."""
        import torch

        begin, end, pad = (getattr(self.tokenizer, f"{n}_token_id") for n in ("bos", "eos", "pad"))
        rows = self.tokenizer(list(texts), add_special_tokens=False).input_ids
        rows = [[begin, *row[: self.length - 2], end] for row in rows]
        longest, device = max(map(len, rows)), self.model.device
        out = self.model.get_text_features(
            input_ids=torch.tensor([row + [pad] * (longest - len(row)) for row in rows], device=device),
            attention_mask=torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=device),
        )
        return _unit(out.pooler_output)


def _unit(embeddings: Tensor) -> np.ndarray:
    import torch.nn.functional as F

    return F.normalize(embeddings.float(), dim=-1).cpu().numpy()
