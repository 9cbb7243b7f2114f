"""Janus and Janus-Pro (Chen et al. 2025, arXiv 2501.17811) on `JanusForConditionalGeneration`.

The library's own image mode ignores references, and can neither be watched nor stopped, so the loop is ours; with
words alone as the prompt and greedy choice both give the same tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import ModelError
from . import NO_SETTINGS
from .autoregressive import Autoregressive, Segment, Text, Tokens

if TYPE_CHECKING:
    from torch import Tensor


class Janus(Autoregressive):
    """Separate encoders for seeing and drawing; pictures are drawn from a codebook of their own."""

    family: ClassVar[str] = "janus"

    def __init__(self, folder: Path, model: Any, tokenizer: Any, pool: int = 1) -> None:
        super().__init__(folder)
        self.model, self.tokenizer = model, tokenizer
        self.language_model = model.model.language_model
        self.config = model.config.text_config
        vq = model.model.vqmodel
        self.steps = vq.quantize.quant_state_dims[0] * vq.quantize.quant_state_dims[1]
        self.pool = pool
        self.side = vq.quantize.quant_state_dims[0] * 2 ** (vq.encoder.num_resolutions - 1)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", settings: Mapping[str, Any] = NO_SETTINGS) -> Janus:
        """`settings["reference_pool"]` averages that many by that many tokens of a reference (default 1: none)."""
        import torch
        from safetensors import SafetensorError
        from transformers import JanusForConditionalGeneration, PreTrainedTokenizerFast

        try:
            model = JanusForConditionalGeneration.from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
            )
            tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise ModelError(f"{folder} holds no usable Janus model: {error}") from error
        model = model.to(device).eval().requires_grad_(False)
        return cls(folder, model, tokenizer, int(settings.get("reference_pool", 1)))

    def free(self) -> None:
        del self.model, self.language_model

    def embed(self, segments: Sequence[Segment]) -> Tensor:
        import torch

        parts = [self._embed(segment) for segment in segments]
        return torch.cat(parts)[None]

    def _embed(self, segment: Segment) -> Tensor:
        """Inputs `[l, d]` of one segment."""
        import torch

        from ..nn.pooling import pool_tokens

        device = self.model.device
        if isinstance(segment, Text):
            ids = self.tokenizer(segment.text, add_special_tokens=False).input_ids
            return self.model.get_input_embeddings()(torch.tensor(ids, dtype=torch.long, device=device))
        with torch.no_grad():
            if isinstance(segment, Tokens):
                return self.model.prepare_embeddings_for_image_generation(segment.ids.to(device))
            seen = self.model.model.get_image_features(segment.pixels[None].to(device)).pooler_output
            return pool_tokens(seen, self.pool)[0]

    def encode(self, pixels: Tensor) -> Tensor:
        import torch
        import torch.nn.functional as F

        # Both sides on the unit sphere, as in training; the library's `encode` leaves the latents as they are.
        vq = self.model.model.vqmodel
        with torch.no_grad():
            z = F.normalize(vq.quant_conv(vq.encoder(pixels)), dim=1).permute(0, 2, 3, 1).flatten(1, 2)
            return (z @ F.normalize(vq.quantize.embedding.weight, dim=-1).T).argmax(-1)

    def decode_tokens(self, ids: Tensor) -> Tensor:
        import torch

        with torch.no_grad():
            return self.model.model.vqmodel.decode(ids).clamp(-1, 1)

    def logits(self, hidden: Tensor, step: int) -> Tensor:
        return self.model.model.generation_head(hidden)

    def embed_token(self, tokens: Tensor, step: int) -> Tensor:
        return self.model.prepare_embeddings_for_image_generation(tokens[:, None])
