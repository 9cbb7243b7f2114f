"""The understanding encoder: `JanusVisionModel`, taught to recognise a cut-out subject before the AR model uses it."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import JanusVisionConfig
from transformers.models.janus.modeling_janus import JanusVisionModel

from .loop import Plan
from .pool import Pool
from .tokenizer import to_pixels
from .world import COLOURS, KINDS, PATTERNS, Subject

COLOUR_NAMES = tuple(COLOURS)
ATTRIBUTES = {"kind": len(KINDS), "main": len(COLOURS), "second": len(COLOURS), "pattern": len(PATTERNS)}


def config(hidden: int) -> JanusVisionConfig:
    """64 px to 8 x 8 tokens, as many as the tokenizer has (Janus wants that), for a language model `hidden` wide."""
    return JanusVisionConfig(
        hidden_size=192, num_hidden_layers=4, num_attention_heads=4, image_size=64, patch_size=8,
        mlp_ratio=3.0, projection_dim=hidden, num_image_tokens=64,
    )  # fmt: skip


def targets(subjects: list[Subject]) -> tuple[Tensor, Tensor]:
    """Class indices `[b, 4]` in the order of `ATTRIBUTES`, and body shapes `[b, 3]` in -1..1."""
    rows = [
        (KINDS.index(s.kind), COLOUR_NAMES.index(s.main), COLOUR_NAMES.index(s.second), PATTERNS.index(s.pattern))
        for s in subjects
    ]
    return torch.tensor(rows), torch.tensor([s.shape for s in subjects])


class Reader(nn.Module):
    """Attributes from the encoder's tokens: a linear read-out of their mean and their largest values."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({name: nn.Linear(2 * width, n) for name, n in ATTRIBUTES.items()})
        self.shape = nn.Linear(2 * width, 3)
        for head in self.modules():
            if isinstance(head, nn.Linear):
                head.weight.adam = True  # type: ignore[attr-defined]

    def loss(self, tokens: Tensor, subjects: list[Subject]) -> Tensor:
        """Cross-entropy of the attributes plus the squared error of the shape; `tokens` `[b, n, width]`."""
        pooled = torch.cat([tokens.mean(1), tokens.amax(1)], -1)
        classes, shapes = targets(subjects)
        loss = F.mse_loss(self.shape(pooled).float(), shapes)
        for i, head in enumerate(self.heads.values()):
            loss = loss + F.cross_entropy(head(pooled).float(), classes[:, i])
        return loss

    def correct(self, tokens: Tensor, subjects: list[Subject]) -> dict[str, float]:
        """Share of right attributes, and the shape's mean absolute error."""
        pooled = torch.cat([tokens.mean(1), tokens.amax(1)], -1)
        classes, shapes = targets(subjects)
        right = {
            name: float((head(pooled).argmax(-1) == classes[:, i]).float().mean())
            for i, (name, head) in enumerate(self.heads.items())
        }
        return right | {"shape_error": float((self.shape(pooled) - shapes).abs().mean())}


class VisionModule(nn.Module):
    """Encoder and read-out."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.vision = JanusVisionModel(config(hidden))
        self.reader = Reader(192)
        self.vision.embeddings.patch_embedding.weight.adam = True


def jitter(crops: np.ndarray, rng: np.random.Generator) -> Tensor:
    """Pixels `[b, 3, 64, 64]` of crops, shifted by up to 3 px and a little brighter or darker."""
    pixels = to_pixels(crops)
    dy, dx = rng.integers(-3, 4, 2)
    moved = F.pad(pixels, (3, 3, 3, 3), value=128 / 127.5 - 1)[:, :, 3 + dy : 67 + dy, 3 + dx : 67 + dx]
    return (moved + float(rng.normal(0, 0.03))).contiguous()


class VisionTask:
    """Single scenes' crops; the subjects at the end of the pool are kept for measuring."""

    def __init__(self, plan: Plan, rank: int, pool: Pool, hidden: int) -> None:
        torch.manual_seed(plan.seed)
        self.model = VisionModule(hidden)
        self.plan, self.pool = plan, pool
        self.rng = np.random.default_rng(plan.seed * 100 + rank)

    def loss(self, fraction: float) -> tuple[Tensor, dict[str, float]]:
        rows = np.sort(self.rng.integers(0, self.pool.singles - 1000, self.plan.batch))
        subjects = [self.pool.scenes[i].figures[0].subject for i in rows]
        with torch.autocast("cpu", torch.bfloat16):
            tokens = self.model.vision(jitter(self.pool.crops[rows], self.rng)).last_hidden_state
            return self.model.reader.loss(tokens, subjects), {}

    def evaluate(self) -> dict[str, float]:
        rows = np.arange(self.pool.singles - 1000, self.pool.singles)
        tokens = self.model.vision(to_pixels(self.pool.crops[rows])).last_hidden_state
        return self.model.reader.correct(tokens, [self.pool.scenes[i].figures[0].subject for i in rows])


HIDDEN = 256


def build(plan: Plan, rank: int) -> VisionTask:
    """The task of one process."""
    return VisionTask(plan, rank, Pool(plan.work / "pool"), HIDDEN)
