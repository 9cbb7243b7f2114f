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
    from ..backbones.learning import Learning

Words = Callable[[str], str]


class DenoisingTask(Task):
    """References, composed and prior pictures as latents, each after its caption.

    Latents are computed once, and so are captions while no part of the text encoder is trained. Begun warm, the
    image adapter hears the references; for priors it hears the empty picture.
    """

    def __init__(self, model: Learning, stages: Sequence[Stage], seen: Tensor | None, words: Words) -> None:
        """`seen` `[k, width]`: what the image adapter hears of the references; `None`: nothing. `words`: a caption as
        the model reads it."""
        super().__init__(stages)
        self.model, self.seen, self.words = model, seen, words
        self.pipe = model.pipe

    @torch.no_grad()
    def study(self, material: Material, config: TrainingConfig) -> None:
        device = self.pipe._execution_device
        pixels = torch.cat([to_tensor(example.picture) for example in material.examples])
        self.latents = self.model.latents(pixels)
        cells = torch.from_numpy(np.stack([example.weight for example in material.examples]))[:, None]
        height, width = self.latents.shape[-2:]
        self.weights = F.adaptive_avg_pool2d(cells, (height, width)).to(device)
        self.captions = [self.words(example.caption) for example in material.examples]
        changed = any(part.texts for part in self.parts)
        self.heard = None if changed else self._read_all()
        self.reference = [-1 if e.kind == "prior" else e.reference for e in material.examples]

    def _read_all(self) -> dict[str, Tensor]:
        read = [self.model.hears(self.captions[i : i + 16]) for i in range(0, len(self.captions), 16)]
        return {name: torch.cat([some[name] for some in read]) for name in read[0]}

    def recompute(self) -> None:
        self.model.drawer.enable_gradient_checkpointing()  # type: ignore[operator]

    def loss(self, chosen: list[int], chance: random.Random) -> Tensor:
        generator = torch.Generator().manual_seed(chance.getrandbits(62))
        clean = self.latents[chosen]
        noise = torch.randn(clean.shape, generator=generator).to(clean.device)
        b = len(chosen)
        # Spread evenly over a batch, times vary the loss less.
        spread = (torch.randperm(b, generator=generator) + torch.rand(b, generator=generator)) / b
        noisy, times, wanted = self.model.noised(clean, noise, spread)
        if self.heard is None:
            heard = self.model.hears([self.captions[i] for i in chosen])
        else:
            heard = {name: rows[chosen] for name, rows in self.heard.items()}
        made = self.model.predicted(noisy, times, heard, self._images([self.reference[i] for i in chosen]))
        weight = self.weights[chosen].expand_as(made)
        return ((made.float() - wanted).square() * weight).sum() / weight.sum()

    def _images(self, references: list[int]) -> Tensor | None:
        """`[b, k, ...]` for the image adapter: the references but the one that an example was made from, where there
        are others; for priors the empty image prompt, which the model knows from guidance."""
        if not self.model.adapted:
            return None
        # Not by the row: what is recomputed in the backward pass must find the scale of the forward pass.
        self.pipe.set_ip_adapter_scale(0.0 if self.seen is None else 1.0)
        silence = self.model.silence
        if self.seen is None:
            return silence.expand(len(references), *silence.shape[1:])
        k = len(self.seen)
        shown = [[i for i in range(k) if k == 1 or i != r][: max(1, k - 1)] for r in references]
        seen = self.seen.to(silence)[torch.tensor(shown)].view(len(references), -1, *silence.shape[2:])
        loud = torch.tensor([r >= 0 for r in references], device=seen.device)
        return torch.where(loud.view(-1, *[1] * (seen.ndim - 1)), seen, silence)
