"""A picture through the picture tokenizer and back, as any drawn picture comes out of it."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers.models.janus.modeling_janus import JanusVQVAE

from ...starter.tokenizer import config, latents, nearest


class Tokens:
    """The tokenizer's weights, used as encoder, codebook and decoder."""

    def __init__(self, model: JanusVQVAE, quantized: bool) -> None:
        self.model, self.quantized = model.eval().requires_grad_(False), quantized

    @classmethod
    def load(cls, path: Path) -> Tokens:
        """From a training state (its moving average) or from weights of a `JanusVQVAE`, even in a Janus."""
        files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
        tensors = {name: tensor for file in files for name, tensor in load_file(file).items()}
        for prefix in ("average.", "model.vqmodel.", "vqmodel."):
            if any(name.startswith(prefix) for name in tensors):
                tensors = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
                break
        quantized = bool(tensors.get("quantized", torch.ones(())) > 0.5)
        codes = tensors["quantize.embedding.weight"]
        model = JanusVQVAE(config(codes=len(codes)))
        wanted = model.state_dict()
        model.load_state_dict({k: tensors[k].float() for k in wanted})
        return cls(model, quantized)

    @torch.no_grad()
    def __call__(self, pixels: Tensor, autocast: torch.dtype | None = None) -> Tensor:
        """`[b, 3, h, w]` in -1..1 to the same, encoded and decoded."""
        with torch.autocast("cpu", autocast or torch.bfloat16, enabled=autocast is not None):
            z = latents(self.model, pixels)
            if self.quantized:
                codes = torch.nn.functional.normalize(self.model.quantize.embedding.weight.float(), dim=-1)
                index = nearest(codes, z.permute(0, 2, 3, 1).reshape(-1, z.shape[1]))
                z = codes[index].view(len(z), *z.shape[2:], -1).permute(0, 3, 1, 2).contiguous()
            return self.model.decoder(self.model.post_quant_conv(z)).float().clamp(-1, 1)
