"""Learning on latent diffusion models: the prediction for latents under random noise.

Shapes: b examples, c channels, h and w of the latents, k references.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..pixels import to_tensor
from .config import TrainingConfig
from .lesson import Material
from .task import Stage, Task

if TYPE_CHECKING:
    from ..backbones.diffusion import Diffusion

Words = Callable[[str], str]
TOGETHER = 16 * 64**2
"""Pixels of the pictures that are encoded together."""


class DenoisingTask(Task):
    """References, composed and prior pictures as latents, each after its caption.

    Latents are computed once, and so are captions while no part of the text encoder is trained. Begun warm, the
    image adapter hears the references; for priors it hears the empty picture.
    """

    def __init__(self, model: Diffusion, stages: Sequence[Stage], seen: Tensor | None, words: Words) -> None:
        """`seen` `[k, width]`: what the image adapter hears of the references; `None`: nothing. `words`: a caption as
        the model reads it."""
        super().__init__(stages)
        self.model, self.seen, self.words = model, seen, words
        self.pipe = model.pipe

    @torch.no_grad()
    def study(self, material: Material, config: TrainingConfig) -> None:
        pipe, vae = self.pipe, self.pipe.vae
        pixels = torch.cat([to_tensor(example.picture) for example in material.examples])
        pixels = pixels.to(pipe._execution_device, vae.dtype)
        at_once = max(1, TOGETHER // (pixels.shape[-1] * pixels.shape[-2]))
        found = [vae.encode(part).latent_dist.mean for part in pixels.split(at_once)]
        self.latents = torch.cat(found) * vae.config.scaling_factor
        cells = torch.from_numpy(np.stack([example.weight for example in material.examples]))[:, None]
        self.weights = F.adaptive_avg_pool2d(cells, self.latents.shape[-2:]).to(pipe._execution_device)
        captions = [self.words(example.caption) for example in material.examples]
        self.ids = pipe.tokenizer(
            [pipe.maybe_convert_prompt(caption, pipe.tokenizer) for caption in captions],
            padding="max_length", max_length=pipe.tokenizer.model_max_length, truncation=True, return_tensors="pt",
        ).input_ids.to(pipe._execution_device)  # fmt: skip
        changed = any(part.texts for part in self.parts)
        self.read = None if changed else torch.cat([pipe.text_encoder(part)[0] for part in self.ids.split(16)])
        self.reference = [-1 if e.kind == "prior" else e.reference for e in material.examples]

    def recompute(self) -> None:
        self.pipe.unet.enable_gradient_checkpointing()

    def loss(self, chosen: list[int], chance: random.Random) -> Tensor:
        generator = torch.Generator().manual_seed(chance.getrandbits(62))
        clean = self.latents[chosen]
        noise = torch.randn(clean.shape, generator=generator).to(clean.device)
        b, scheduler = len(chosen), self.pipe.scheduler
        # Spread evenly over a batch, times vary the loss less.
        spread = (torch.randperm(b, generator=generator) + torch.rand(b, generator=generator)) / b
        kept = scheduler.alphas_cumprod.to(clean.device)
        times = (spread * len(kept)).long().to(clean.device)
        signal, sigma = (part[times].sqrt()[:, None, None, None] for part in (kept, 1 - kept))
        noisy = signal * clean + sigma * noise
        wanted = signal * noise - sigma * clean if scheduler.config.prediction_type == "v_prediction" else noise
        words = self.pipe.text_encoder(self.ids[chosen])[0] if self.read is None else self.read[chosen]
        made = self._predict(noisy, times, words, [self.reference[i] for i in chosen])
        weight = self.weights[chosen].expand_as(made)
        return ((made.float() - wanted).square() * weight).sum() / weight.sum()

    def _predict(self, noisy: Tensor, times: Tensor, words: Tensor, references: list[int]) -> Tensor:
        """The network's prediction `[b, c, h, w]`."""
        unet, images = self.pipe.unet, None
        words = words.to(unet.conv_in.weight.dtype)  # 32 bits while its own weights are trained, whatever the rest is
        if self.model.adapted:
            # Not by the row: what is recomputed in the backward pass must find the scale of the forward pass.
            self.pipe.set_ip_adapter_scale(0.0 if self.seen is None else 1.0)
            images = {"image_embeds": [self._shown(references).to(words.dtype)]}
        made: Tensor = unet(noisy.to(words.dtype), times, words, added_cond_kwargs=images).sample
        return made

    def _shown(self, references: list[int]) -> Tensor:
        """`[b, k, width]`: the references but the one that an example was made from, where there are others. For
        priors the empty image prompt, which the model knows from guidance."""
        if self.seen is None:
            width = self.pipe.image_encoder.config.projection_dim
            return torch.zeros(len(references), 1, width, device=self.pipe._execution_device)
        k = len(self.seen)
        shown = [[i for i in range(k) if k == 1 or i != r][: max(1, k - 1)] for r in references]
        loud = torch.tensor([r >= 0 for r in references], device=self.seen.device)
        return self.seen[torch.tensor(shown)] * loud[:, None, None]
