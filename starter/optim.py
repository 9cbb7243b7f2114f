"""Muon for weight matrices and convolutions, AdamW for the rest.

Muon orthogonalises each momentum update by a Newton–Schulz iteration (Jordan et al. 2024, "Muon: an
optimizer for hidden layers"). `torch.optim.Muon` takes 2-D parameters only; here convolutions are
flattened to `[out, in * h * w]` first, as the authors do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


def orthogonalise(update: Tensor, steps: int = 5) -> Tensor:
    """Nearest semi-orthogonal matrix of `update` `[rows, columns]`, by the quintic Newton–Schulz iteration."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = update.bfloat16()
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(update.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised. `lr` is the spectral size of a step for a square matrix."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.0):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                gradient = parameter.grad.flatten(1)
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(gradient)
                momentum = state["momentum"]
                momentum.lerp_(gradient, 1 - group["momentum"])
                update = orthogonalise(gradient.lerp(momentum, group["momentum"]))
                scale = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(update.view_as(parameter), alpha=-group["lr"] * scale)


def optimizers(module: nn.Module, lr: float, muon_lr: float, weight_decay: float = 0.0) -> list[torch.optim.Optimizer]:
    """Muon for hidden matrices, AdamW for embeddings, norms, biases, heads (tagged `adam = True`) and thin layers."""
    hidden: list[Tensor] = []
    rest: list[Tensor] = []
    for owner in module.modules():
        for parameter in owner.parameters(recurse=False):
            if not parameter.requires_grad:
                continue
            thin = parameter.ndim < 2 or min(parameter.shape[0], parameter[0].numel()) < 16
            adam = thin or isinstance(owner, nn.Embedding) or getattr(parameter, "adam", False)
            (rest if adam else hidden).append(parameter)
    made: list[torch.optim.Optimizer] = [torch.optim.AdamW(rest, lr=lr, betas=(0.9, 0.98), weight_decay=weight_decay)]
    if hidden:
        made.append(Muon(hidden, lr=muon_lr))
    for optimizer in made:
        for group in optimizer.param_groups:
            group["base_lr"] = group["lr"]
    return made
