"""The picture tokenizer: `JanusVQVAE`, 64 px to 8 x 8 tokens, with codes on the unit sphere.

The library's `forward` has no gradient to the encoder, so the straight-through estimate is ours (van den Oord et al.
2017, "Neural Discrete Representation Learning", section 3.2); codes follow the encoder by moving averages, are
L2-normalised (Yu et al. 2021, "Vector-quantized Image Modeling with Improved VQGAN", section 3.2) and begin as
k-means of what the continuous autoencoder has learned. A code that nothing uses is put where something is.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor
from transformers import JanusVQVAEConfig
from transformers.models.janus.modeling_janus import JanusVQVAE

from .loop import Plan
from .pool import Pool

CODES = 4096
CONTINUOUS = 0.15
"""Part of the time before the codes come in."""


def config(hidden: int = 256, codes: int = CODES) -> JanusVQVAEConfig:
    """The tokenizer inside a Janus of width `hidden`."""
    return JanusVQVAEConfig(
        embed_dim=8, num_embeddings=codes, latent_channels=64, base_channels=32, channel_multiplier=[1, 1, 2, 4],
        num_res_blocks=1, num_patches=8, projection_dim=hidden, image_token_embed_dim=hidden,
    )  # fmt: skip


def to_pixels(pictures: np.ndarray) -> Tensor:
    """uint8 `[b, h, w, 3]` to float `[b, 3, h, w]` in -1..1."""
    # Planes apart: with the channels last, GroupNorm's backward pass is ten times slower on a CPU.
    planes = np.ascontiguousarray(np.asarray(pictures).transpose(0, 3, 1, 2), dtype=np.float32)
    return torch.from_numpy(planes) / 127.5 - 1


def latents(vq: JanusVQVAE, pixels: Tensor) -> Tensor:
    """Unit-length latents `[b, 8, h/8, w/8]`."""
    return F.normalize(vq.quant_conv(vq.encoder(pixels)).float(), dim=1)


def nearest(codes: Tensor, z: Tensor) -> Tensor:
    """Index of the nearest code (`[n, d]`, unit length) of each row of `z` `[m, d]`."""
    with torch.autocast(z.device.type, enabled=False):
        return torch.cat([(part @ codes.T).argmax(-1) for part in z.float().split(16384)])


def weights_of(labels: np.ndarray, subject: float) -> Tensor:
    """Per-pixel loss weights `[b, 1, h, w]`, mean 1: figures and accessories count `subject` times the background."""
    shown = torch.from_numpy((np.ascontiguousarray(labels) > 0).astype(np.float32))[:, None]
    weight = 1 + (subject - 1) * F.max_pool2d(shown, 3, 1, 1)
    return weight / weight.mean()


def reconstruction_loss(made: Tensor, pixels: Tensor, weight: Tensor) -> Tensor:
    """L1 + L2 + L1 of the gradients, so that edges stay where they are."""
    difference = made - pixels
    loss = (weight * (difference.abs() + 2 * difference.square())).mean()
    across = (difference[..., :, 1:] - difference[..., :, :-1]).abs() * weight[..., :, 1:]
    down = (difference[..., 1:, :] - difference[..., :-1, :]).abs() * weight[..., 1:, :]
    return loss + 0.5 * (across.mean() + down.mean())


def psnr(made: Tensor, pixels: Tensor, mask: Tensor | None = None) -> float:
    """Peak signal-to-noise ratio in dB for values in -1..1, within `mask` `[b, 1, h, w]` if given."""
    square = (made.clamp(-1, 1) - pixels).square() / 4
    mean = square.mean() if mask is None else (square * mask).sum() / (mask.sum() * 3)
    return float(-10 * torch.log10(mean))


class TokenizerTask:
    """Learns from the pool's pictures; the last 512 are kept for measuring."""

    def __init__(self, plan: Plan, rank: int, pool: Pool) -> None:
        self.plan, self.pool = plan, pool
        torch.manual_seed(plan.seed)
        self.model = JanusVQVAE(config()).train()
        self.model.quantize.embedding.weight.requires_grad_(False)
        self.model.register_buffer("code_count", torch.zeros(CODES))
        self.model.register_buffer("code_sum", torch.zeros(CODES, 8))
        self.model.register_buffer("quantized", torch.zeros(()))
        self.rng = np.random.default_rng(plan.seed * 100 + rank)

    def _batch(self) -> tuple[Tensor, Tensor]:
        rows = np.sort(self.rng.integers(0, len(self.pool.pictures) - 512, self.plan.batch))
        return to_pixels(self.pool.pictures[rows]), weights_of(self.pool.labels[rows], 4.0)

    @property
    def codes(self) -> Tensor:
        return self.model.quantize.embedding.weight

    @torch.no_grad()
    def _begin_codes(self) -> None:
        """k-means of many latents, the same in all processes."""
        rng = np.random.default_rng(7)
        many = []
        for _ in range(40):
            rows = np.sort(rng.integers(0, len(self.pool.pictures) - 512, 64))
            with torch.autocast("cpu", torch.bfloat16):
                many.append(latents(self.model, to_pixels(self.pool.pictures[rows])))
        z = torch.cat(many).permute(0, 2, 3, 1).reshape(-1, 8)
        generator = torch.Generator().manual_seed(7)
        codes = z[torch.randperm(len(z), generator=generator)[:CODES]].clone()
        for _ in range(8):
            index = nearest(codes, z)
            count = torch.bincount(index, minlength=CODES)
            total = torch.zeros(CODES, 8).index_add_(0, index, z)
            fresh = z[torch.randint(len(z), (CODES,), generator=generator)]
            codes = F.normalize(torch.where((count > 0)[:, None], total, fresh), dim=-1)
        if dist.is_initialized():
            dist.broadcast(codes, 0)
        self.codes.copy_(codes)
        self.model.code_count.fill_(1.0)
        self.model.code_sum.copy_(codes)
        self.model.quantized.fill_(1.0)

    @torch.no_grad()
    def _follow(self, index: Tensor, z: Tensor) -> None:
        """Moves the codes towards the latents that chose them; revives the unused."""
        count = torch.bincount(index, minlength=CODES).float()
        total = torch.zeros(CODES, 8).index_add_(0, index, z)
        fresh = z[torch.randint(len(z), (CODES,))]
        if dist.is_initialized():
            dist.all_reduce(count)
            dist.all_reduce(total)
            dist.broadcast(fresh, 0)
        self.model.code_count.lerp_(count, 0.02)
        self.model.code_sum.lerp_(total, 0.02)
        dead = self.model.code_count < 0.02
        self.model.code_count[dead] = 0.3
        self.model.code_sum[dead] = 0.3 * fresh[dead]
        self.codes.copy_(F.normalize(self.model.code_sum, dim=-1))

    def loss(self, fraction: float) -> tuple[Tensor, dict[str, float]]:
        pixels, weight = self._batch()
        vq = self.model
        if fraction > CONTINUOUS and not vq.quantized:
            self._begin_codes()
        with torch.autocast("cpu", torch.bfloat16):
            z = latents(vq, pixels)
            commitment, chosen = torch.zeros(()), z
            metrics: dict[str, float] = {}
            if vq.quantized:
                flat = z.permute(0, 2, 3, 1).reshape(-1, 8)
                index = nearest(self.codes, flat.detach())
                code = self.codes[index].view(*z.shape[:1], *z.shape[2:], 8).permute(0, 3, 1, 2).contiguous()
                commitment = (z - code).square().sum(1).mean()
                chosen = z + (code - z).detach()
                self._follow(index, flat.detach().float())
                metrics["codes_used"] = float(index.unique().numel())
            made = vq.decoder(vq.post_quant_conv(chosen)).float()
        metrics["psnr"] = psnr(made.detach(), pixels)
        return reconstruction_loss(made, pixels, weight) + 0.25 * commitment, metrics

    def evaluate(self) -> dict[str, float]:
        pixels = to_pixels(self.pool.pictures[-512:])
        mask = torch.from_numpy((self.pool.labels[-512:] > 0).astype(np.float32))[:, None]
        made, used = [], set()
        for part in pixels.split(64):
            z = latents(self.model, part)
            if self.model.quantized:
                index = nearest(self.codes, z.permute(0, 2, 3, 1).reshape(-1, 8))
                used |= set(index.tolist())
                z = self.codes[index].view(len(part), 8, 8, 8).permute(0, 3, 1, 2)
            made.append(self.model.decoder(self.model.post_quant_conv(z)))
        everything = torch.cat(made)
        return {
            "held_psnr": psnr(everything, pixels),
            "held_psnr_inside": psnr(everything, pixels, mask),
            "held_codes": float(len(used)),
        }



def build(plan: Plan, rank: int) -> TokenizerTask:
    """The task of one process."""
    return TokenizerTask(plan, rank, Pool(plan.work / "pool"))
