"""Finding the subject: a small `SegformerForSemanticSegmentation` (Xie et al. 2021): background, figure, accessory."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import SegformerConfig, SegformerForSemanticSegmentation

from .loop import Plan
from .pool import Pool
from .tokenizer import to_pixels

LABELS = {0: "background", 1: "figure", 2: "accessory"}


def config() -> SegformerConfig:
    """About 0.9 M parameters; logits at half the side of the 64 px picture."""
    return SegformerConfig(
        num_encoder_blocks=4, depths=[1, 1, 1, 1], sr_ratios=[4, 2, 1, 1], hidden_sizes=[32, 64, 96, 128],
        patch_sizes=[5, 3, 3, 3], strides=[2, 2, 2, 2], num_attention_heads=[1, 2, 3, 4], mlp_ratios=[3, 3, 3, 3],
        decoder_hidden_size=64, drop_path_rate=0.0, classifier_dropout_prob=0.0, id2label=LABELS,
    )  # fmt: skip


class SegmenterTask:
    """Learns from the renderer's masks; the last 256 pictures are kept for measuring."""

    def __init__(self, plan: Plan, rank: int) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.pool = plan, Pool(plan.work / "pool")
        self.model: nn.Module = SegformerForSemanticSegmentation(config())
        self.rng = np.random.default_rng(plan.seed * 100 + rank)

    def _logits(self, pixels: Tensor) -> Tensor:
        """`[b, 3, 64, 64]`."""
        return F.interpolate(self.model(pixels).logits, size=64, mode="bilinear").float()

    def _truth(self, rows: np.ndarray) -> Tensor:
        return torch.from_numpy(np.array([0, 1, 1, 2])[self.pool.labels[rows]])

    def loss(self, fraction: float) -> tuple[Tensor, dict[str, float]]:
        rows = np.sort(self.rng.integers(0, len(self.pool.pictures) - 256, self.plan.batch))
        pixels = to_pixels(self.pool.pictures[rows])
        # Pictures that a model drew are softer than rendered ones.
        if self.rng.random() < 0.5:
            pixels = F.interpolate(F.avg_pool2d(pixels, 2), scale_factor=2, mode="bilinear") * 0.5 + pixels * 0.5
        pixels = pixels + 0.05 * torch.randn_like(pixels)
        with torch.autocast("cpu", torch.bfloat16):
            logits = self._logits(pixels)
        return F.cross_entropy(logits, self._truth(rows)), {}

    def evaluate(self) -> dict[str, float]:
        rows = np.arange(len(self.pool.pictures) - 256, len(self.pool.pictures))
        found, truth = self._logits(to_pixels(self.pool.pictures[rows])).argmax(1), self._truth(rows)
        both = ((found == 1) & (truth == 1)).sum((1, 2)).float()
        either = ((found == 1) | (truth == 1)).sum((1, 2)).float()
        return {"accuracy": float((found == truth).float().mean()), "figure_iou": float((both / either).mean())}


def build(plan: Plan, rank: int) -> SegmenterTask:
    """The task of one process."""
    return SegmenterTask(plan, rank)
