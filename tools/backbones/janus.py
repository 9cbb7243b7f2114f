"""Janus and Janus-Pro (Chen et al. 2025, arXiv 2501.17811) on `JanusForConditionalGeneration`.

The library's own image mode ignores references, and can neither be watched nor stopped, so the loop is ours; with
words alone as the prompt and greedy choice both give the same tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from . import NO_SETTINGS
from .autoregressive import Autoregressive, Learned, Marks, Segment, Text, Tokens

if TYPE_CHECKING:
    from torch import Tensor

WHOLE = (
    "model.vision_model", "model.aligner", "model.vqmodel", "model.generation_embeddings", "model.generation_aligner",
    "model.generation_head", "lm_head",
)  # fmt: skip
"""What keeps its 16 bits: all but the language model, which is nearly all of the weights."""


class Janus(Autoregressive):
    """Separate encoders for seeing and drawing; pictures are drawn from a codebook of their own."""

    family: ClassVar[str] = "janus"
    label: ClassVar[str] = "Janus"
    takes: ClassVar[frozenset[str]] = frozenset({"references", "edit", "lora", "train"})
    cannot: ClassVar[str] = "no masks; Janus-Pro itself never learned to follow references, the starter's model did"
    settings: ClassVar[frozenset[str]] = frozenset({"reference_pool"})

    def __init__(self, folder: Path, model: Any, tokenizer: Any, pool: int = 1) -> None:
        super().__init__(folder)
        self.model, self.tokenizer = model, tokenizer
        self.language_model = model.model.language_model
        self.config = model.config.text_config
        vq = model.model.vqmodel
        self.steps = vq.quantize.quant_state_dims[0] * vq.quantize.quant_state_dims[1]
        self.pool = pool
        if self.marks.concept.format(0) not in tokenizer.get_vocab():
            # Janus-Pro as published: a conversation, without the starter's tokens for subjects and sources.
            begin, end = f"{tokenizer.bos_token}<|User|>: ", "\n\n<|Assistant|>:<begin_of_image>"
            self.marks = Marks(begin, end, "\nThe picture to change: ", "subject {} ")  # type: ignore[misc]
        self.side = vq.quantize.quant_state_dims[0] * 2 ** (vq.encoder.num_resolutions - 1)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", settings: Mapping[str, Any] = NO_SETTINGS) -> Janus:
        """`settings["reference_pool"]` averages that many by that many tokens of a reference (default 1: none)."""
        from transformers import JanusForConditionalGeneration, PreTrainedTokenizerFast

        from ..checkpoints import check_part, reading
        from ..machine import Placement

        place = Placement.of(settings, device)
        check_part(folder)
        with reading(f"{folder} holds no usable Janus model"):
            model = JanusForConditionalGeneration.from_pretrained(
                folder, use_safetensors=True, local_files_only=True, **place.loading_model(WHOLE)
            )
            tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        if place.bits == 16:
            model = model.to(device)
        return cls(folder, model.eval().requires_grad_(False), tokenizer, int(settings.get("reference_pool", 1)))

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
        if isinstance(segment, Learned):
            return segment.vectors.to(device, self.model.dtype)
        if isinstance(segment, Text):
            ids = self.tokenizer(segment.text, add_special_tokens=False).input_ids
            return self.model.get_input_embeddings()(torch.tensor(ids, dtype=torch.long, device=device))
        with torch.no_grad():
            if isinstance(segment, Tokens):
                return self.model.prepare_embeddings_for_image_generation(segment.ids.to(device))
            seen = self.model.model.get_image_features(segment.pixels[None].to(device, self.model.dtype)).pooler_output
            return pool_tokens(seen, self.pool)[0]

    def encode(self, pixels: Tensor) -> Tensor:
        import torch
        import torch.nn.functional as F

        # Both sides on the unit sphere, as in training; the library's `encode` leaves the latents as they are.
        vq = self.model.model.vqmodel
        pixels = pixels.to(self.model.device, self.model.dtype)
        with torch.no_grad():
            z = F.normalize(vq.quant_conv(vq.encoder(pixels)), dim=1).permute(0, 2, 3, 1).flatten(1, 2)
            return (z @ F.normalize(vq.quantize.embedding.weight, dim=-1).T).argmax(-1)

    def decode_tokens(self, ids: Tensor) -> Tensor:
        import torch

        with torch.no_grad():
            return self.model.model.vqmodel.decode(ids).float().clamp(-1, 1)

    def logits(self, hidden: Tensor, step: int) -> Tensor:
        return self.model.model.generation_head(hidden)

    def embed_token(self, tokens: Tensor, step: int) -> Tensor:
        return self.model.prepare_embeddings_for_image_generation(tokens[:, None])
