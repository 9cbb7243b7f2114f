"""The autoregressive loop: one picture's tokens after another, for several candidates at once.

Shapes: b candidates, l length of a prompt, d width, v codes, n tokens of a picture.

It runs over any language model of transformers that takes `inputs_embeds` and a cache. The prompt's keys and values
are computed once and shared by all candidates; with guidance the conditional and the unconditional rows run as one
batch, the shorter prompt padded on the left and masked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import DynamicCache

from .sampling import Sampling, guide, gumbel, sample, unmoved


class TokenModel(Protocol):
    """What the loop needs of a model."""

    language_model: Any
    config: Any

    def logits(self, hidden: Tensor, step: int) -> Tensor:
        """Codes' logits `[b, v]` from the last hidden states `[b, d]`."""

    def embed_token(self, tokens: Tensor, step: int) -> Tensor:
        """Inputs `[b, k, d]` of the tokens `[b]` drawn at `step`; k is 1, or more where marks follow a token."""


@dataclass(frozen=True)
class Prefix:
    """A prompt that the model has read: keys and values a layer, each `[1, heads, l, d_head]`, and the last state."""

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    hidden: Tensor
    """`[1, d]`."""

    @property
    def length(self) -> int:
        return self.keys[0].shape[2]


def _cache(model: TokenModel, layers: list[tuple[Tensor, Tensor]]) -> DynamicCache:
    cache = DynamicCache(config=model.config)
    for i, (key, value) in enumerate(layers):
        cache.update(key, value, i)
    return cache


def _layers(cache: DynamicCache) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    return tuple(layer.keys for layer in cache.layers), tuple(layer.values for layer in cache.layers)


@torch.no_grad()
def prefill(model: TokenModel, embeds: Tensor, before: Prefix | None = None) -> Prefix:
    """Reads `embeds` `[1, l, d]`, after `before` if given; `before` stays as it is."""
    cache = _cache(model, list(zip(before.keys, before.values, strict=True)) if before else [])
    out = model.language_model(inputs_embeds=embeds, past_key_values=cache, use_cache=True)
    keys, values = _layers(cache)
    return Prefix(keys, values, out.last_hidden_state[:, -1])


def _side_by_side(model: TokenModel, prefixes: list[Prefix], b: int) -> tuple[DynamicCache, Tensor, Tensor]:
    """Cache of `b` rows a prefix, the attention mask `[rows, l]` over it, and the next position of each row."""
    longest = max(p.length for p in prefixes)
    mask = torch.zeros(len(prefixes), longest, dtype=torch.long, device=prefixes[0].hidden.device)
    layers = []
    for i, p in enumerate(prefixes):
        mask[i, longest - p.length :] = 1
    for j in range(len(prefixes[0].keys)):
        pair = []
        for tensors in ([p.keys[j] for p in prefixes], [p.values[j] for p in prefixes]):
            padded = [torch.nn.functional.pad(t, (0, 0, longest - t.shape[2], 0)) for t in tensors]
            pair.append(torch.cat(padded).repeat_interleave(b, 0))
        layers.append((pair[0], pair[1]))
    return _cache(model, layers), mask.repeat_interleave(b, 0), mask.sum(-1).repeat_interleave(b)


@torch.no_grad()
def decode(
    model: TokenModel,
    conditional: Prefix,
    unconditional: Prefix | None,
    steps: int,
    seeds: list[int],
    sampling: Sampling,
    source: Tensor | None = None,
    held: Tensor | None = None,
) -> Iterator[Tensor]:
    """Draws `steps` tokens for each of `seeds`, yielding all so far `[b, 1..steps]` after every step.

    `source` `[steps]` are the tokens of the picture being edited, which `sampling.keep` favours under guidance.
    Where `held` (bool `[steps]`) is true they stand as they are, and what is drawn goes with them.
    To cancel, stop iterating. The same seed gives the same tokens whatever is drawn beside it, up to rounding.
    """
    b = len(seeds)
    guided = unconditional is not None and sampling.guidance > 1
    prefixes = [conditional, unconditional] if guided and unconditional else [conditional]
    cache, mask, position = _side_by_side(model, prefixes, b)
    hidden = torch.cat([p.hidden for p in prefixes]).repeat_interleave(b, 0)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    drawn: list[Tensor] = []
    for step in range(steps):
        logits = model.logits(hidden, step).float()
        if guided:
            said, unsaid = logits[:b], logits[b:]
            logits = guide(said, unsaid, sampling.guidance)
            if source is not None:
                logits[:, source[step]] += sampling.keep * unmoved(said, unsaid)
        noise = gumbel(generators, logits.shape[-1]) if sampling.temperature else None
        token = sample(logits, sampling, noise.to(logits.device) if noise is not None else None)
        if source is not None and held is not None and held[step]:
            token = source[step].to(token).expand_as(token)
        drawn.append(token)
        yield torch.stack(drawn, 1)
        if step + 1 == steps:
            return
        embeds = model.embed_token(drawn[-1], step).repeat(len(prefixes), 1, 1)
        k = embeds.shape[1]
        mask = torch.cat([mask, mask.new_ones(len(mask), k)], 1)
        hidden = model.language_model(
            inputs_embeds=embeds,
            past_key_values=cache,
            attention_mask=mask if len(prefixes) > 1 else None,
            position_ids=position[:, None] + torch.arange(k, device=position.device),
            use_cache=True,
        ).last_hidden_state[:, -1]
        position = position + k
