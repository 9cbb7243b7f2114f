"""Learning on autoregressive models: next-token prediction of pictures' codes.

Shapes: b examples, n codes of a picture, l inputs, d width.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..backbones.autoregressive import Segment, Text, request_part
from ..pixels import to_tensor
from .config import TrainingConfig
from .lesson import Material
from .task import Stage, Task

if TYPE_CHECKING:
    from ..backbones.autoregressive import Autoregressive

Words = Callable[[str], str]
Context = Callable[[int], Sequence[Segment]]


class TokenTask(Task):
    """Codes of references, composed and prior pictures, each after its caption.

    Codes and the inputs of pictures and words are computed once. What stands before the caption, the subject's slot
    and its references or learned vectors, is asked for at every step: it may be what is learned.
    """

    def __init__(self, model: Autoregressive, stages: Sequence[Stage], context: Context, words: Words) -> None:
        """`context(i)`: the subject's part of the prompt for an example made from reference i (-1: for a prior).
        `words`: a caption as the model reads it, names replaced by slots."""
        super().__init__(stages)
        self.model, self.context, self.words = model, context, words
        self._recompute = False

    @torch.no_grad()
    def study(self, material: Material, config: TrainingConfig) -> None:
        model = self.model
        # On a CPU, and at this length, plain attention is 1.6 times faster to train than the fused one.
        if next(model.language_model.parameters()).device.type == "cpu":
            model.language_model.set_attn_implementation("eager")
        pixels = [to_tensor(example.picture) for example in material.examples]
        self.codes = torch.cat([model.encode(p) for p in pixels])
        self.inputs = torch.cat([model.embed_token(c, 0) for c in self.codes.unbind(1)[:-1]], 1)
        side = round(self.codes.shape[1] ** 0.5)
        cells = np.stack([example.weight for example in material.examples])
        pooled = F.adaptive_avg_pool2d(torch.from_numpy(cells)[:, None], side)
        self.weights = pooled.flatten(1).to(self.codes.device)
        self.captions = [
            model.embed(request_part(self.words(example.caption), None, model.marks))[0]
            for example in material.examples
        ]
        self.reference = [-1 if e.kind == "prior" else e.reference for e in material.examples]

    def recompute(self) -> None:
        self.model.language_model.activation_checkpointing_enable({"use_reentrant": False})
        self._recompute = True

    def loss(self, chosen: list[int], chance: random.Random) -> Tensor:
        n = self.codes.shape[1]
        begin = self.model.embed([Text(self.model.marks.begin)])[0]
        before: dict[int, Tensor] = {}
        for i in {self.reference[j] for j in chosen}:
            segments = self.context(i) if i >= 0 else ()
            before[i] = torch.cat([begin, self.model.embed(segments)[0]]) if segments else begin
        rows = [torch.cat([before[self.reference[j]], self.captions[j], self.inputs[j]]) for j in chosen]
        longest = max(map(len, rows))
        embeds = torch.stack([F.pad(row, (0, 0, longest - len(row), 0)) for row in rows])
        mask = torch.stack([torch.arange(longest) >= longest - len(row) for row in rows]).long().to(embeds.device)
        # Recomputing works in training mode only, and a cache, which sampling needs, in the other one.
        self.model.language_model.train(self._recompute)
        hidden = self.model.language_model(
            inputs_embeds=embeds,
            attention_mask=mask,
            position_ids=(mask.cumsum(1) - 1).clamp(min=0),
            use_cache=False,
        ).last_hidden_state[:, -n:]
        self.model.language_model.eval()
        logits = self.model.logits(hidden, 0).float()
        codes, weight = self.codes[chosen], self.weights[chosen]
        loss = F.cross_entropy(logits.flatten(0, 1), codes.flatten(), reduction="none").view_as(weight)
        return (loss * weight).sum() / weight.sum()
