"""A second stage for the tokenizer: its decoder alone, on codes that no longer change.

The AR model's codes keep their meaning, so this can go on while it trains, and after. The first stage spent its loss on
the subjects; this one weighs the background as well.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from transformers.models.janus.modeling_janus import JanusVQVAE

from .ar import encode_pool, tokenizer_state
from .loop import Plan
from .pool import Pool
from .tokenizer import config, psnr, reconstruction_loss, to_pixels, weights_of

HELD = 512


class DecoderModule(nn.Module):
    """The trainable half of a `JanusVQVAE`, under the names it has there."""

    def __init__(self, vq: JanusVQVAE) -> None:
        super().__init__()
        self.post_quant_conv, self.decoder = vq.post_quant_conv, vq.decoder
        self.quantize = vq.quantize.requires_grad_(False)

    def forward(self, codes: Tensor) -> Tensor:
        """Pixels `[b, 3, 64, 64]` of codes `[b, 64]`."""
        return self.decoder(self.post_quant_conv(self.quantize.get_codebook_entry(codes))).float()


class DecoderTask:
    """Codes to pictures; the last pictures of the pool are kept for measuring."""

    def __init__(self, plan: Plan, rank: int) -> None:
        self.plan, self.pool, self.codes = plan, Pool(plan.work / "pool"), encode_pool(plan)
        vq = JanusVQVAE(config())
        vq.load_state_dict(tokenizer_state(plan, decoder=False))
        self.model = DecoderModule(vq)
        self.rng = np.random.default_rng(plan.seed * 100 + rank + 1)

    def _codes(self, rows: np.ndarray | slice) -> Tensor:
        return torch.from_numpy(self.codes[rows].astype(np.int64))

    def loss(self, fraction: float) -> tuple[Tensor, dict[str, float]]:
        rows = np.sort(self.rng.integers(0, len(self.pool.pictures) - HELD, self.plan.batch))
        pixels = to_pixels(self.pool.pictures[rows])
        with torch.autocast("cpu", torch.bfloat16):
            made = self.model(self._codes(rows))
        loss = reconstruction_loss(made, pixels, weights_of(self.pool.labels[rows], 2.0))
        return loss, {"psnr": psnr(made.detach(), pixels)}

    def evaluate(self) -> dict[str, float]:
        rows = slice(len(self.pool.pictures) - HELD, None)
        pixels = to_pixels(self.pool.pictures[rows])
        mask = torch.from_numpy((self.pool.labels[rows] > 0).astype(np.float32))[:, None]
        made = torch.cat([self.model(part) for part in self._codes(rows).split(64)])
        return {"held_psnr": psnr(made, pixels), "held_psnr_inside": psnr(made, pixels, mask)}


def build(plan: Plan, rank: int) -> DecoderTask:
    """The task of one process."""
    return DecoderTask(plan, rank)

