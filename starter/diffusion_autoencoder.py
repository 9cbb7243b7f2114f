"""The diffusion model's autoencoder: `AutoencoderKL`, 64 px to 8 x 8 latents of 8 channels.

It begins as the picture tokenizer, whose networks are the same block for block (both follow Esser et al. 2021,
"Taming Transformers"), and goes on without the codebook: a Gaussian posterior with a small KL term (Rombach et al.
2022, "High-Resolution Image Synthesis with Latent Diffusion Models", section 3.1), so the decoder forgives latents
that are a little off.
"""

from __future__ import annotations

import re

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from .ar import tokenizer_state
from .loop import Plan
from .pool import Pool
from .tokenizer import psnr, reconstruction_loss, to_pixels, weights_of

CHANNELS = 8
HELD = 512
KL = 0.01
"""Weight of the KL term, a latent, against the reconstruction loss, a pixel."""
START_NOISE = -4.0
"""Logarithm of the posterior's variance at the beginning."""


def config() -> dict:
    """Arguments of `AutoencoderKL`: 3.0 M parameters, laid out like the tokenizer."""
    return {
        "block_out_channels": (32, 32, 64, 128), "layers_per_block": 1, "latent_channels": CHANNELS,
        "down_block_types": ("DownEncoderBlock2D",) * 3 + ("AttnDownEncoderBlock2D",),
        "up_block_types": ("AttnUpDecoderBlock2D",) + ("UpDecoderBlock2D",) * 3,
        "norm_num_groups": 32, "sample_size": 64, "scaling_factor": 1.0,
    }  # fmt: skip


RENAMED = (
    (r"\.mid\.block_([12])\.", lambda m: f".mid_block.resnets.{int(m[1]) - 1}."),
    (r"\.mid\.attn_1\.", ".mid_block.attentions.0."),
    (r"\.down\.(\d)\.block\.", r".down_blocks.\1.resnets."),
    (r"\.down\.(\d)\.attn\.", r".down_blocks.\1.attentions."),
    (r"\.down\.(\d)\.downsample\.", r".down_blocks.\1.downsamplers.0."),
    (r"\.up\.(\d)\.block\.", r".up_blocks.\1.resnets."),
    (r"\.up\.(\d)\.attn\.", r".up_blocks.\1.attentions."),
    (r"\.up\.(\d)\.upsample\.", r".up_blocks.\1.upsamplers.0."),
    (r"\.nin_shortcut\.", ".conv_shortcut."),
    (r"\.norm_out\.", ".conv_norm_out."),
    (r"(attentions\.\d)\.norm\.", r"\1.group_norm."),
    (r"(attentions\.\d)\.([qkv])\.", r"\1.to_\2."),
    (r"(attentions\.\d)\.proj_out\.", r"\1.to_out.0."),
)


def from_tokenizer(vq: dict[str, Tensor], scale: float = 1.0) -> dict[str, Tensor]:
    """The state of an `AutoencoderKL` that does what the tokenizer of state `vq` does without its codebook.

    The projections to and from the codes are folded into the neighbouring convolutions; latents come out divided by
    `scale`, the length of the encoder's, which the tokenizer normalises.
    """
    state = {}
    for old, value in vq.items():
        if not old.startswith(("encoder.", "decoder.")):
            continue
        name = old
        for pattern, new in RENAMED:
            name = re.sub(pattern, new, name)
        state[name] = value.squeeze() if ".attentions." in name and value.ndim == 4 else value
    down, up = vq["quant_conv.weight"].squeeze() / scale, vq["post_quant_conv.weight"].squeeze()
    first = {
        "weight": torch.einsum("ij,jkhw->ikhw", down, state["encoder.conv_out.weight"]),
        "bias": down @ state["encoder.conv_out.bias"] + vq["quant_conv.bias"] / scale,
    }
    noise = {"weight": torch.zeros_like(first["weight"]), "bias": torch.full((CHANNELS,), START_NOISE)}
    for part in ("weight", "bias"):
        state[f"encoder.conv_out.{part}"] = torch.cat([first[part], noise[part]])
    conv = state["decoder.conv_in.weight"]
    state["decoder.conv_in.weight"] = torch.einsum("kjhw,ji->kihw", conv, up)
    state["decoder.conv_in.bias"] = state["decoder.conv_in.bias"] + conv.sum((2, 3)) @ vq["post_quant_conv.bias"]
    for name, n in (("quant_conv", 2 * CHANNELS), ("post_quant_conv", CHANNELS)):
        state |= {f"{name}.weight": torch.eye(n)[..., None, None], f"{name}.bias": torch.zeros(n)}
    return state


def standardised(state: dict[str, Tensor], mean: Tensor, std: Tensor) -> dict[str, Tensor]:
    """The same autoencoder with latents of mean 0 and deviation 1 a channel; `mean` and `std` `[CHANNELS]` as now."""
    state = dict(state)
    weight, bias = state["quant_conv.weight"].clone(), state["quant_conv.bias"].clone()
    weight[:CHANNELS] /= std.view(-1, 1, 1, 1)
    bias[:CHANNELS] = (bias[:CHANNELS] - mean) / std
    bias[CHANNELS:] -= 2 * std.log()
    undo = state["post_quant_conv.weight"]
    state |= {"quant_conv.weight": weight, "quant_conv.bias": bias}
    state["post_quant_conv.bias"] = state["post_quant_conv.bias"] + undo.squeeze() @ mean
    state["post_quant_conv.weight"] = undo * std.view(1, -1, 1, 1)
    return state


class AutoencoderTask:
    """Pictures to latents and back; the last pictures of the pool are kept for measuring."""

    def __init__(self, plan: Plan, rank: int) -> None:
        self.plan, self.pool = plan, Pool(plan.work / "pool")
        self.model = AutoencoderKL(**config()).train()
        vq = tokenizer_state(plan)
        self.model.load_state_dict(from_tokenizer(vq))
        with torch.no_grad():
            found = self.model.encode(to_pixels(self.pool.pictures[:256])).latent_dist.mean
        self.model.load_state_dict(from_tokenizer(vq, float(found.norm(dim=1).mean())))
        self.rng = np.random.default_rng(plan.seed * 100 + rank + 1)

    def loss(self, fraction: float) -> tuple[Tensor, dict[str, float]]:
        rows = np.sort(self.rng.integers(0, len(self.pool.pictures) - HELD, self.plan.batch))
        pixels = to_pixels(self.pool.pictures[rows])
        with torch.autocast("cpu", torch.bfloat16):
            posterior = self.model.encode(pixels).latent_dist
            made = self.model.decode(posterior.sample()).sample.float()
        mean, logvar = posterior.mean.float(), posterior.logvar.float()
        divergence = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        loss = reconstruction_loss(made, pixels, weights_of(self.pool.labels[rows], 3.0)) + KL * divergence
        noise = float((0.5 * logvar.detach()).exp().mean() / mean.detach().std())
        return loss, {"psnr": psnr(made.detach(), pixels), "noise": noise}

    def evaluate(self) -> dict[str, float]:
        pixels = to_pixels(self.pool.pictures[-HELD:])
        mask = torch.from_numpy((self.pool.labels[-HELD:] > 0).astype(np.float32))[:, None]
        latents = [self.model.encode(part).latent_dist.mean for part in pixels.split(64)]
        made = torch.cat([self.model.decode(part).sample for part in latents])
        return {
            "held_psnr": psnr(made, pixels),
            "held_psnr_inside": psnr(made, pixels, mask),
            "spread": float(torch.cat(latents).std()),
        }


def build(plan: Plan, rank: int) -> AutoencoderTask:
    """The task of one process."""
    return AutoencoderTask(plan, rank)
