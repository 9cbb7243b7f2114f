"""Training the starter diffusion model: U-Net, text encoder and IP-Adapter together, on latents computed once.

Stable Diffusion's layout (Rombach et al. 2022) with the decoupled cross-attention of IP-Adapter (Ye et al. 2023,
arXiv 2308.06721, section 3.2), which here learns along with the rest instead of afterwards. v-prediction (Salimans and
Ho 2022, "Progressive Distillation", appendix D) on a cosine schedule, which ends in pure noise.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from . import diffusion_autoencoder, diffusion_encoder
from .ar import state_of
from .diffusion_words import LENGTH, known_caption, plain_caption, train_tokenizer
from .loop import Plan
from .pool import Pool
from .tokenizer import to_pixels
from .world import Subject

CROSS = 128
"""Width of the text encoder and of the adapter's tokens."""
IMAGE_TOKENS = 4
SHARES = {"known": 0.45, "pair": 0.27, "plain": 0.28}
DROPPED = 0.08
"""Part of the examples without text, without references, and without both, each."""
HELD = 1500
"""Singles at the end of the pool's subjects that are kept for measuring."""
SUBJECT_WEIGHT = 5.0
SHIFT = 1.6
"""How much more often much noise is practised than little: who it is and where is decided there."""


def unet_config() -> dict:
    """Arguments of `UNet2DConditionModel`: 4.5 M parameters, all of them at 8 x 8."""
    return {
        "sample_size": 8, "in_channels": 8, "out_channels": 8, "block_out_channels": (144,), "layers_per_block": 1,
        "down_block_types": ("CrossAttnDownBlock2D",), "up_block_types": ("CrossAttnUpBlock2D",),
        # The library reads this as the number of heads.
        "attention_head_dim": 3,
        "cross_attention_dim": CROSS, "norm_num_groups": 16, "time_embedding_dim": 256,
    }  # fmt: skip


def scheduler_config() -> dict:
    """What all schedulers of the pipeline share."""
    return {"num_train_timesteps": 1000, "beta_schedule": "squaredcos_cap_v2", "prediction_type": "v_prediction"}


def sampler_config() -> dict:
    """Arguments of `DPMSolverMultistepScheduler`, which begins at pure noise."""
    # Without the clip the first step of a cosine schedule is numerically unstable (the library's own advice).
    return scheduler_config() | {"timestep_spacing": "trailing", "steps_offset": 1, "lambda_min_clipped": -5.1}


def text_config(tokenizer: CLIPTokenizer) -> CLIPTextConfig:
    """Arguments of `CLIPTextModel`: 0.7 M parameters."""
    return CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=CROSS, intermediate_size=3 * CROSS, num_hidden_layers=3,
        num_attention_heads=4, max_position_embeddings=LENGTH, hidden_act="gelu", projection_dim=CROSS,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip


def fresh_adapter(unet: UNet2DConditionModel) -> dict[str, dict[str, Tensor]]:
    """An IP-Adapter that has learned nothing, in the published layout."""
    proj = nn.Linear(diffusion_encoder.WIDTH, IMAGE_TOKENS * CROSS)
    image = {"proj.weight": proj.weight.data, "proj.bias": proj.bias.data}
    image |= {"norm.weight": torch.ones(CROSS), "norm.bias": torch.zeros(CROSS)}
    adapter = {}
    crossed = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    for number, name in enumerate(crossed):
        width = unet.get_submodule(name.removesuffix(".processor")).to_k.out_features
        for part in ("k", "v"):
            adapter[f"{2 * number + 1}.to_{part}_ip.weight"] = nn.Linear(CROSS, width, bias=False).weight.data
    return {"image_proj": image, "ip_adapter": adapter}


class DiffusionModule(nn.Module):
    """What is trained together, in the library's own classes."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        self.text = CLIPTextModel(text_config(tokenizer))
        self.unet = UNet2DConditionModel(**unet_config())
        self.unet._load_ip_adapter_weights([fresh_adapter(self.unet)], low_cpu_mem_usage=False)
        for parameter in (*self.unet.conv_in.parameters(), *self.unet.conv_out.parameters()):
            parameter.adam = True

    def forward(
        self, noisy: Tensor, times: Tensor, words: Tensor, seen: Tensor, regions: Tensor | None, scale: float
    ) -> Tensor:
        """The predicted v `[b, 8, 8, 8]`; `words` `[b, LENGTH]`, `seen` `[b, k, w]`, `regions` `[b, k, 64, 64]`."""
        for processor in self.unet.attn_processors.values():
            if hasattr(processor, "to_k_ip"):
                processor.scale = [scale]
        masks = None if regions is None else {"ip_adapter_masks": [regions]}
        return self.unet(
            noisy, times, self.text(words).last_hidden_state,
            added_cond_kwargs={"image_embeds": [seen]}, cross_attention_kwargs=masks,
        ).sample  # fmt: skip


def _cache_part(part: int, plan: Plan, parts: int) -> None:
    """Latents and embeddings of one of `parts` slices of the pool, into files of their own."""
    torch.set_num_threads(1)
    vae = AutoencoderKL(**diffusion_autoencoder.config()).eval()
    vae.load_state_dict(state_of(plan, "diffusion_autoencoder"))
    seer = diffusion_encoder.EncoderModule().eval()
    seer.load_state_dict(state_of(plan, "diffusion_encoder"))
    pool = Pool(plan.work / "pool")
    whole = pool.singles + pool.sizes.pairs
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        latents = [
            vae.encode(to_pixels(pool.pictures[rows[0] : rows[-1] + 1])).latent_dist.mean.half()
            for rows in _slices(whole, part, parts)
        ]
        seen = [
            seer.embed(to_pixels(pool.crops[rows[0] : rows[-1] + 1])).half()
            for rows in _slices(pool.singles, part, parts)
        ]
    np.savez(plan.folder / f"part{part}.npz", latents=torch.cat(latents).numpy(), seen=torch.cat(seen).numpy())


def _slices(n: int, part: int, parts: int, size: int = 128) -> list[np.ndarray]:
    mine = np.array_split(np.arange(n), parts)[part]
    return [mine[i : i + size] for i in range(0, len(mine), size)]


def cache_pool(plan: Plan, parts: int = 2) -> None:
    """`latents.npy` (mean 0 and deviation 1 a channel), `seen.npy` and the latents' `scale.npy`, once a work folder."""
    if (plan.folder / "latents.npy").exists():
        return
    plan.folder.mkdir(parents=True, exist_ok=True)
    spawn(_cache_part, (plan, parts), nprocs=parts)
    files = [plan.folder / f"part{i}.npz" for i in range(parts)]
    found = [np.load(file) for file in files]
    latents = np.concatenate([f["latents"] for f in found])
    sample = latents[:: max(1, len(latents) // 8192)].astype(np.float32)
    mean, std = sample.mean((0, 2, 3)), sample.std((0, 2, 3))
    np.save(plan.folder / "scale.npy", np.stack([mean, std]))
    np.save(plan.folder / "seen.npy", np.concatenate([f["seen"] for f in found]))
    latents = ((latents - mean[:, None, None]) / std[:, None, None]).astype(np.float16)
    np.save(plan.folder / "latents.new.npy", latents)
    (plan.folder / "latents.new.npy").rename(plan.folder / "latents.npy")
    for file in files:
        file.unlink()


def tokenizer_of(work: Path) -> CLIPTokenizer:
    """The text tokenizer of a work folder, learned when there is none."""
    folder = work / "diffusion" / "tokenizer"
    if not (folder / "tokenizer_config.json").exists():
        train_tokenizer().save_pretrained(folder)
    return CLIPTokenizer.from_pretrained(folder)


@dataclass(frozen=True)
class Batch:
    """`rows` `[b]` of the pool; `words` `[b, LENGTH]`; `seen` `[b, k, w]`; `regions` `[b, 2, 64, 64]` of pairs."""

    rows: np.ndarray
    words: Tensor
    seen: Tensor
    regions: Tensor | None
    scale: float


class Examples:
    """Deals batches of one sort, references being other pictures of the same subject."""

    def __init__(self, plan: Plan, pool: Pool, tokenizer: CLIPTokenizer, seed: int, held: bool = False) -> None:
        self.pool, self.tokenizer, self.held = pool, tokenizer, held
        self.rng, self.words = np.random.default_rng(seed), random.Random(seed)
        self.seen = np.load(plan.folder / "seen.npy")
        last = pool.singles - HELD
        self.singles = np.arange(last, pool.singles) if held else np.arange(last)
        first: dict[Subject, int] = {}
        for row in range(0, pool.singles, pool.sizes.scenes):
            first[pool.scenes[row].figures[0].subject] = row
        self.first = first
        pairs = range(pool.singles, pool.singles + pool.sizes.pairs)
        shown = [[first.get(f.subject) for f in pool.scenes[row].figures] for row in pairs]
        self.pairs = np.array(
            [r for r, s in zip(pairs, shown, strict=True) if None not in s and held == any(f >= last for f in s)]
        )

    def deal(self, batch: int, sort: str = "") -> Batch:
        """A batch; of the given sort, or of one drawn by `SHARES`."""
        sort = sort or str(self.rng.choice(list(SHARES), p=list(SHARES.values())))
        rows = self.rng.choice(self.pairs if sort == "pair" else self.singles, batch, replace=False)
        scenes = [self.pool.scenes[row] for row in rows]
        say = plain_caption if sort == "plain" else known_caption
        texts = [say(scene, self.words) for scene in scenes]
        seen, regions = np.zeros((batch, 1, diffusion_encoder.WIDTH), np.float16), None
        if sort == "known":
            seen = self.seen[self._others(rows, int(self.rng.choice((1, 2, 3), p=(0.65, 0.2, 0.15))))]
        elif sort == "pair":
            first = np.array([[self.first[f.subject] for f in scene.figures] for scene in scenes])
            seen = self.seen[first + self.rng.integers(0, self.pool.sizes.scenes, first.shape)]
            regions = self._regions(batch)
        if not self.held:
            drop = self.rng.random(batch)
            texts = ["" if d < 2 * DROPPED else text for d, text in zip(drop, texts, strict=True)]
            seen = np.where((drop > DROPPED)[:, None, None] & (drop < 3 * DROPPED)[:, None, None], 0, seen)
        words = self.tokenizer(
            texts, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt"
        ).input_ids
        return Batch(rows, words, torch.from_numpy(seen.astype(np.float32)), regions, float(sort != "plain"))

    def _others(self, rows: np.ndarray, count: int) -> np.ndarray:
        """`[b, count]` other pictures of the subjects of single `rows`."""
        scenes = self.pool.sizes.scenes
        steps = np.stack([self.rng.permutation(scenes - 1)[:count] + 1 for _ in rows])
        return rows[:, None] // scenes * scenes + (rows[:, None] + steps) % scenes

    def _regions(self, batch: int) -> Tensor:
        """`[b, 2, 64, 64]`: mostly the halves of the picture, which meet anywhere near the middle."""
        across = torch.arange(64)[None, None, :].expand(batch, 64, 64)
        edge = torch.from_numpy(self.rng.integers(28, 37, (batch, 2)))[:, :, None, None]
        return torch.stack([across < edge[:, 0], across >= edge[:, 1]], 1).float()


class DiffusionTask:
    """Predicts v for latents under random noise."""

    def __init__(self, plan: Plan, rank: int) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.pool = plan, Pool(plan.work / "pool")
        tokenizer = tokenizer_of(plan.work)
        self.model = DiffusionModule(tokenizer)
        self.latents = np.load(plan.folder / "latents.npy", mmap_mode="r")
        self.schedule = DDPMScheduler(**scheduler_config())
        self.examples = Examples(plan, self.pool, tokenizer, plan.seed * 1000 + rank + 1)
        self.held = Examples(plan, self.pool, tokenizer, 5, held=True)
        self.generator = torch.Generator().manual_seed(plan.seed * 1000 + rank + 1)

    def errors(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Squared errors `[b, 8, 8]` and their weights, at times that the batch covers evenly."""
        clean = torch.from_numpy(self.latents[batch.rows].astype(np.float32))
        noise = torch.randn(clean.shape, generator=generator)
        b = len(clean)
        times = (torch.randperm(b, generator=generator) + torch.rand(b, generator=generator)) / b
        times = SHIFT * times / (1 + (SHIFT - 1) * times)
        steps = (times * self.schedule.config.num_train_timesteps).long()
        noisy = self.schedule.add_noise(clean, noise, steps)
        with torch.autocast("cpu", torch.bfloat16):
            made = self.model(noisy, steps, batch.words, batch.seen, batch.regions, batch.scale)
        error = (made.float() - self.schedule.get_velocity(clean, noise, steps)).square().mean(1)
        shown = torch.from_numpy((np.ascontiguousarray(self.pool.labels[batch.rows]) > 0).astype(np.float32))
        weight = 1 + (SUBJECT_WEIGHT - 1) * F.avg_pool2d(shown[:, None], 8)[:, 0]
        return error, weight

    def loss(self, fraction: float) -> tuple[Tensor, dict[str, float]]:
        error, weight = self.errors(self.examples.deal(self.plan.batch), self.generator)
        return (error * weight).sum() / weight.sum(), {"error": float(error.detach().mean())}

    def evaluate(self) -> dict[str, float]:
        generator = torch.Generator().manual_seed(1)
        found = {}
        for sort in SHARES:
            size = min(96, len(self.held.pairs)) if sort == "pair" else 96
            errors = [self.errors(self.held.deal(size, sort), generator) for _ in range(3)]
            found[f"held_{sort}"] = float(torch.stack([e.mean() for e, _ in errors]).mean())
        return found


def build(plan: Plan, rank: int) -> DiffusionTask:
    """The task of one process."""
    return DiffusionTask(plan, rank)
