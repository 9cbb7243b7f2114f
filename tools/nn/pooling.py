"""Fewer tokens for a picture that is only to be recognised."""

from __future__ import annotations

from torch import Tensor


def pool_tokens(tokens: Tensor, factor: int) -> Tensor:
    """Means of `factor` x `factor` neighbours: `[b, g * g, d]` to `[b, (g / factor) ** 2, d]`."""
    if factor == 1:
        return tokens
    b, n, d = tokens.shape
    g = round(n**0.5)
    cells = tokens.view(b, g // factor, factor, g // factor, factor, d)
    return cells.mean((2, 4)).reshape(b, (g // factor) ** 2, d)
