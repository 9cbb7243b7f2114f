"""The checkpoint from which a killed training goes on: weights, optimizer, counters; complete or absent."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ...memory.files import replacing
from .parts import write_tensors

FILE = "state.safetensors"


def save_state(
    folder: Path, parameters: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer, facts: Mapping[str, Any]
) -> None:
    """Replaces the checkpoint in `folder`. Raises OSError: the old one is still there."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for name, parameter in parameters.items():
        tensors[f"weight:{name}"] = parameter.detach()
        for key, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                tensors[f"state:{key}:{name}"] = value
            else:
                numbers[f"{key}:{name}"] = value
    record = json.dumps({"facts": dict(facts), "numbers": numbers})
    with replacing(folder / FILE) as file:
        write_tensors(file, tensors, {"record": record})


def load_state(
    folder: Path, parameters: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer
) -> dict[str, Any] | None:
    """Puts the checkpoint's weights and optimizer state back and returns its facts; `None` where there is none.

    A damaged one counts as none: the training starts over.
    """
    facts = read_facts(folder)
    if facts is None:
        return None
    with safe_open(folder / FILE, "pt") as file:
        names = set(file.keys())
        if not all(f"weight:{name}" in names for name in parameters):
            return None
        numbers = json.loads(file.metadata()["record"])["numbers"]
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(file.get_tensor(f"weight:{name}"))
        for name, parameter in parameters.items():
            kept: dict[str, Any] = {}
            for key in names:
                kind, _, rest = key.partition(":")
                field, _, owner = rest.partition(":")
                if kind == "state" and owner == name:
                    # AdamW's count of steps stays here, wherever the parameter lies.
                    tensor = file.get_tensor(key)
                    kept[field] = tensor.to(parameter.device) if tensor.ndim else tensor
            kept |= {k.partition(":")[0]: v for k, v in numbers.items() if k.partition(":")[2] == name}
            if kept:
                optimizer.state[parameter] = kept
    return facts


def read_facts(folder: Path) -> dict[str, Any] | None:
    """The checkpoint's counters alone."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            facts: dict[str, Any] = json.loads(file.metadata()["record"])["facts"]
            return facts
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        os.unlink(path)
        return None
