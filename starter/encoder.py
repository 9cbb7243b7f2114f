"""The scorers' encoder: a small `CLIPModel` (Radford et al. 2021) that knows the storybook world.

Three contrasts: scenes with their captions, cut-out subjects with their descriptions, and two cut-outs of one subject
with each other, so that the picture side tells apart subjects that one sentence would describe alike.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPVisionConfig, PreTrainedTokenizerFast

from .loop import Plan
from .pool import Pool
from .tokenizer import to_pixels
from .vision import jitter
from .world import caption, describe

LENGTH = 40
WIDTH = 128


def config(tokenizer: PreTrainedTokenizerFast) -> CLIPConfig:
    """About 1.4 M parameters; 64 px pictures, `LENGTH` text tokens, 64-d embeddings."""
    text = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=WIDTH, intermediate_size=384, num_hidden_layers=3, num_attention_heads=4,
        max_position_embeddings=LENGTH, projection_dim=64, hidden_act="gelu",
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    seen = CLIPVisionConfig(
        hidden_size=WIDTH, intermediate_size=384, num_hidden_layers=4, num_attention_heads=4, image_size=64,
        patch_size=8, projection_dim=64, hidden_act="gelu",
    )  # fmt: skip
    return CLIPConfig(text_config=text.to_dict(), vision_config=seen.to_dict(), projection_dim=64)


def pack(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> dict[str, Tensor]:
    """`<s> text </s>` padded to one length."""
    ids = [[tokenizer.bos_token_id, *row[: LENGTH - 2], tokenizer.eos_token_id]
           for row in tokenizer(texts, add_special_tokens=False).input_ids]  # fmt: skip
    longest = max(map(len, ids))
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids])
    return {
        "input_ids": torch.tensor([row + [tokenizer.pad_token_id] * (longest - len(row)) for row in ids]),
        "attention_mask": mask,
    }


class EncoderTask:
    """In-batch contrast; the last single scenes are kept for measuring."""

    def __init__(self, plan: Plan, rank: int) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.pool = plan, Pool(plan.work / "pool")
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(plan.work / "words")
        self.model: Any = CLIPModel(config(self.tokenizer))
        for module in (self.model.vision_model.embeddings, self.model.text_projection, self.model.visual_projection):
            for parameter in module.parameters():
                parameter.adam = True
        self.rng, self.words = np.random.default_rng(plan.seed * 100 + rank), random.Random(plan.seed * 100 + rank)

    def images(self, pixels: Tensor) -> Tensor:
        """Unit embeddings `[b, 64]` of pixels `[b, 3, 64, 64]`."""
        out = self.model.visual_projection(self.model.vision_model(pixels).pooler_output)
        return F.normalize(out.float(), dim=-1)

    def texts(self, texts: list[str]) -> Tensor:
        """Unit embeddings `[b, 64]`."""
        out = self.model.text_projection(self.model.text_model(**pack(self.tokenizer, texts)).pooler_output)
        return F.normalize(out.float(), dim=-1)

    def _contrast(self, a: Tensor, b: Tensor) -> Tensor:
        logits = a @ b.T * self.model.logit_scale.exp().clamp(max=60)
        index = torch.arange(len(a))
        return (F.cross_entropy(logits, index) + F.cross_entropy(logits.T, index)) / 2

    def loss(self, fraction: float) -> tuple[Tensor, dict[str, float]]:
        subjects = self.rng.choice(self.pool.sizes.subjects - 200, self.plan.batch, replace=False)
        which = self.rng.integers(0, self.pool.sizes.scenes, (2, self.plan.batch))
        a, b = (subjects * self.pool.sizes.scenes + w for w in which)
        scenes = [self.pool.scenes[i] for i in a]
        said = [describe(s.figures[0].subject, self.words) for s in scenes]
        # Sometimes the subject is left out, so that places and accessories have to count.
        plain = ("it", "the subject", "<concept_0>")
        who = [t if self.words.random() < 0.5 else self.words.choice(plain) for t in said]
        captions = [caption(s, self.words, [w]) for s, w in zip(scenes, who, strict=True)]
        with torch.autocast("cpu", torch.bfloat16):
            pictures = np.concatenate([self.pool.crops[a], self.pool.crops[b]])
            crops = self.images(jitter(pictures, self.rng))
            whole = self.images(to_pixels(self.pool.pictures[a]))
            words = self.texts(said + captions)
        n = self.plan.batch
        pairs = ((whole, words[n:]), (crops[:n], words[:n]), (crops[:n], crops[n:]))
        return sum((self._contrast(a, b) for a, b in pairs), torch.zeros(())), {}

    def evaluate(self) -> dict[str, float]:
        rows = np.arange(self.pool.singles - 200 * self.pool.sizes.scenes, self.pool.singles, self.pool.sizes.scenes)
        rng = random.Random(3)
        scenes = [self.pool.scenes[i] for i in rows]
        said = [describe(s.figures[0].subject, rng) for s in scenes]
        whole = self.images(to_pixels(self.pool.pictures[rows]))
        crops, others = (self.images(to_pixels(self.pool.crops[rows + k])) for k in (0, 1))
        captions = self.texts([caption(s, rng, [t]) for s, t in zip(scenes, said, strict=True)])
        index = torch.arange(len(rows))
        tops = {"scene": whole @ captions.T, "described": crops @ self.texts(said).T, "same": crops @ others.T}
        return {k: float((v.argmax(-1) == index).float().mean()) for k, v in tops.items()}


def build(plan: Plan, rank: int) -> EncoderTask:
    """The task of one process."""
    return EncoderTask(plan, rank)
