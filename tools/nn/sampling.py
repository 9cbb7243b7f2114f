"""Turning logits into tokens.

Shapes: b rows, v vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

TOLERANCE = 0.7
"""Nats by which a request may move a prediction before the source's token loses its favour."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn.

    `guidance` is the scale w of classifier-free guidance, `l_u + w (l_c - l_u)` (Ho & Salimans 2022; for tokens
    Gafni et al. 2022, "Make-A-Scene", section 3.4); 1 is none. `temperature` 0 takes the likeliest token. `top_k` 0
    and `top_p` 1 keep all tokens. `keep` is added to the logit of the token that stands at the same place in the
    picture being edited, as far as the instruction does not move the model there (`unmoved`).
    """

    guidance: float = 1.0
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    keep: float = 0.0

    def __post_init__(self) -> None:
        if self.guidance < 1 or self.temperature < 0 or self.top_k < 0 or not 0 < self.top_p <= 1:
            raise ValueError("guidance >= 1, temperature >= 0, top_k >= 0 and 0 < top_p <= 1 are needed")


def guide(conditional: Tensor, unconditional: Tensor, scale: float) -> Tensor:
    """Classifier-free guidance of logits `[b, v]`."""
    return unconditional + scale * (conditional - unconditional)


def unmoved(conditional: Tensor, unconditional: Tensor) -> Tensor:
    """How little the request changes a prediction, 1 (nothing) to 0, per row `[b]` of logits `[b, v]`.

    exp(-KL / 0.7 nats) of the predictions with and without the request: the token's form of DiffEdit's mask
    (Couairon et al. 2022, section 3.1).
    """
    with_request, without = conditional.log_softmax(-1), unconditional.log_softmax(-1)
    divergence = (with_request.exp() * (with_request - without)).sum(-1)
    return (-divergence / TOLERANCE).exp()


def truncate(logits: Tensor, top_k: int, top_p: float) -> Tensor:
    """Logits `[b, v]` with all but the `top_k` likeliest, and all beyond the mass `top_p`, at minus infinity.

    The token that crosses the mass is kept (Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration").
    """
    if top_k:
        least = logits.topk(min(top_k, logits.shape[-1])).values[:, -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    if top_p < 1:
        ordered, order = logits.sort(descending=True)
        before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
        drop = torch.zeros_like(before, dtype=torch.bool).scatter(-1, order, before > top_p)
        logits = logits.masked_fill(drop, -torch.inf)
    return logits


def sample(logits: Tensor, sampling: Sampling, noise: Tensor | None) -> Tensor:
    """One token a row of `logits` `[b, v]`.

    `noise` `[b, v]` is standard Gumbel: adding it to the logits and taking the largest draws from the softmax, row by
    row, so a candidate does not depend on how many are drawn beside it.
    """
    if sampling.temperature == 0 or noise is None:
        return logits.argmax(-1)
    logits = truncate(logits / sampling.temperature, sampling.top_k, sampling.top_p)
    return (logits + noise).argmax(-1)


def gumbel(rows: list[torch.Generator], v: int) -> Tensor:
    """Standard Gumbel noise `[len(rows), v]`, each row from its own generator."""
    uniform = torch.stack([torch.rand(v, generator=g) for g in rows])
    return -torch.log(-torch.log(uniform.clamp(1e-9, 1 - 1e-7)))
