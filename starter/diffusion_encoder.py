"""The adapter's image encoder: `CLIPVisionModelWithProjection`, taught to say who a cut-out subject is.

Its projected embedding, one vector a picture, is what the IP-Adapter hears of a subject and what is kept with a
concept, so everything that makes a subject must be read from that vector by a linear layer.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from .loop import Plan
from .pool import Pool
from .tokenizer import to_pixels
from .vision import Reader, jitter

WIDTH = 192
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""CLIP's own normalisation: what diffusers' image processor does unless told otherwise."""
HELD = 1500


def config() -> CLIPVisionConfig:
    """0.7 M parameters, 64 px."""
    return CLIPVisionConfig(
        hidden_size=128, intermediate_size=384, num_hidden_layers=4, num_attention_heads=4, image_size=64,
        patch_size=8, projection_dim=WIDTH, hidden_act="gelu",
    )  # fmt: skip


def normalised(pixels: Tensor) -> Tensor:
    """Pixels `[b, 3, h, w]` in -1..1 as CLIP wants them."""
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    return ((pixels + 1) / 2 - mean) / std


class EncoderModule(nn.Module):
    """Encoder and read-out."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = CLIPVisionModelWithProjection(config())
        self.reader = Reader(WIDTH)
        for module in (self.encoder.vision_model.embeddings, self.encoder.visual_projection):
            for parameter in module.parameters():
                parameter.adam = True

    def embed(self, pixels: Tensor) -> Tensor:
        """Embeddings `[b, WIDTH]` of cut-out subjects `[b, 3, 64, 64]` in -1..1."""
        return self.encoder(normalised(pixels)).image_embeds


class DiffusionEncoderTask:
    """Single scenes' crops; the subjects at the end of the pool are kept for measuring."""

    def __init__(self, plan: Plan, rank: int) -> None:
        torch.manual_seed(plan.seed)
        self.model = EncoderModule()
        self.plan, self.pool = plan, Pool(plan.work / "pool")
        self.rng = np.random.default_rng(plan.seed * 100 + rank)

    def loss(self, fraction: float) -> tuple[Tensor, dict[str, float]]:
        rows = np.sort(self.rng.integers(0, self.pool.singles - HELD, self.plan.batch))
        subjects = [self.pool.scenes[i].figures[0].subject for i in rows]
        with torch.autocast("cpu", torch.bfloat16):
            seen = self.model.embed(jitter(self.pool.crops[rows], self.rng))
            loss = self.model.reader.loss(seen[:, None], subjects)
        # Embeddings keep a size that the adapter's projection can start from.
        size = seen.float().square().mean()
        return loss + 0.01 * (size - 1).square(), {"size": float(size.detach())}

    def evaluate(self) -> dict[str, float]:
        rows = np.arange(self.pool.singles - HELD, self.pool.singles)
        seen = torch.cat([self.model.embed(part) for part in to_pixels(self.pool.crops[rows]).split(250)])
        return self.model.reader.correct(seen[:, None], [self.pool.scenes[i].figures[0].subject for i in rows])


def build(plan: Plan, rank: int) -> DiffusionEncoderTask:
    """The task of one process."""
    return DiffusionEncoderTask(plan, rank)
