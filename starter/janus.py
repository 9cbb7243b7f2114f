"""The starter AR model: sizes, what training adds to it, and its export as an ordinary Janus checkpoint."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import (
    GenerationConfig,
    JanusConfig,
    JanusForConditionalGeneration,
    LlamaConfig,
    PreTrainedTokenizerFast,
)

from . import tokenizer as vq
from . import vision

HIDDEN = vision.HIDDEN
CLUSTERS = (32, 128, 512)
POOL = 2
"""Neighbouring tokens of a reference are averaged 2 x 2, so that it takes 16 places in the prompt."""


def config(tokenizer: PreTrainedTokenizerFast, layers: int = 8) -> JanusConfig:
    """A Janus whose language model has 6.3 M parameters."""
    return JanusConfig(
        text_config=LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=HIDDEN, intermediate_size=688, num_hidden_layers=layers,
            num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=1024, tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id, bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        ),
        vision_config=vision.config(HIDDEN),
        vq_config=vq.config(HIDDEN),
        image_token_id=tokenizer.image_token_id,
    )  # fmt: skip


def code_features(codes: Tensor, generator: torch.Generator) -> Tensor:
    """What is known of the codes `[v, 8]` (unit length): themselves, and how near they lie to clusters of codes.

    `[v, 8 + 32 + 128 + 512]`; similar codes have similar rows, so a head built on them learns them together.
    """
    features = [codes * 4]
    for k in CLUSTERS:
        centres = codes[torch.randperm(len(codes), generator=generator)[:k]].clone()
        for _ in range(10):
            index = (codes @ centres.T).argmax(-1)
            total = torch.zeros_like(centres).index_add_(0, index, codes)
            centres = F.normalize(torch.where(total.norm(dim=-1, keepdim=True) > 0, total, centres), dim=-1)
        features.append(((codes @ centres.T) * 12).softmax(-1) * k**0.5)
    return torch.cat(features, -1)


class StructuredHead(nn.Module):
    """Logits with weight `free + features @ mix`; exported as one linear layer."""

    features: Tensor

    def __init__(self, codes: Tensor, width: int) -> None:
        super().__init__()
        features = code_features(codes, torch.Generator().manual_seed(0))
        self.register_buffer("features", features)
        self.free = nn.Parameter(torch.zeros(len(codes), width))
        self.mix = nn.Parameter(torch.randn(features.shape[1], width) * 0.02)
        self.bias = nn.Parameter(torch.zeros(len(codes)))
        self.free.adam = self.mix.adam = True  # type: ignore[attr-defined]

    def weight(self) -> Tensor:
        """`[v, width]`."""
        return self.free + self.features @ self.mix

    def forward(self, hidden: Tensor) -> Tensor:
        return F.linear(hidden, self.weight(), self.bias)


def fresh(
    tokenizer: PreTrainedTokenizerFast, vq_state: dict[str, Tensor], vision_state: dict[str, Tensor], layers: int
) -> JanusForConditionalGeneration:
    """An untrained Janus with a trained tokenizer and encoder, its head structured for training."""
    model = JanusForConditionalGeneration(config(tokenizer, layers))
    inner = model.model
    inner.vqmodel.load_state_dict(vq_state)
    inner.vision_model.load_state_dict(vision_state)
    codes = F.normalize(inner.vqmodel.quantize.embedding.weight.detach(), dim=-1)
    inner.generation_embeddings.weight.data.copy_(codes * 2.8)
    inner.generation_head.vision_head = StructuredHead(codes, HIDDEN)
    inner.vqmodel.requires_grad_(False)
    return model


def export(model: JanusForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Writes an ordinary fp16 checkpoint in shards of at most 14 MB, and the processor's files."""
    from transformers import JanusProcessor
    from transformers.models.janus.image_processing_pil_janus import JanusImageProcessorPil

    head = model.model.generation_head
    if isinstance(head.vision_head, StructuredHead):
        plain = nn.Linear(HIDDEN, head.vision_head.features.shape[0])
        plain.weight.data.copy_(head.vision_head.weight())
        plain.bias.data.copy_(head.vision_head.bias)
        head.vision_head = plain
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
        guidance_scale=3.0, do_sample=True, generation_kwargs={"boi_token_id": tokenizer.boi_token_id},
    )  # fmt: skip
    model.half().save_pretrained(folder, max_shard_size="14MB")
    JanusProcessor(
        JanusImageProcessorPil(size={"height": 64, "width": 64}, min_size=14), tokenizer, num_image_tokens=64
    ).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
