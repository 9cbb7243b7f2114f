"""What is trained: something put into a loaded model that can be taken out again without a trace.

Shapes: r rank, n learned vectors, d width.
"""

from __future__ import annotations

import json
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn

from ..checkpoints import load_checked, low_rank

NAME = "limner"
"""peft's name of the one adapter that is in a model at a time."""


TYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.uint8: "U8"}
"""What is trained, and what optimizers keep, by the names that safetensors has for it."""


def write_tensors(file: BinaryIO, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """A safetensors file, one tensor after the other: the library wants room for a copy of all of them.

    Raises OSError, where the library would hide what the system said.
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    # The widest numbers first, so that each tensor lies where its numbers may.
    order, at = sorted(tensors, key=lambda name: -tensors[name].element_size()), 0
    for name in order:
        tensor = tensors[name]
        end = at + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": TYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [at, end]}
        at = end
    written = json.dumps(header).encode()
    written += b" " * (-len(written) % 8)
    file.write(struct.pack("<Q", len(written)) + written)
    for name in order:
        file.write(tensors[name].detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)


def write_file(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """As `write_tensors`, in a file of its own."""
    with path.open("wb") as file:
        write_tensors(file, tensors, {"format": "pt"})


class Part(ABC):
    """One thing that training changes, and its files."""

    texts: bool = False
    """Whether it changes what words mean to the model."""

    @abstractmethod
    def start(self) -> None:
        """Puts it into the model as it is before any training."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Puts it into the model as it was saved. Raises `ModelError`; the model is as before then."""

    @abstractmethod
    def parameters(self) -> dict[str, nn.Parameter]:
        """What is trained, by names that stay the same in every run."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Writes it in the layout of its ecosystem."""

    @abstractmethod
    def remove(self) -> None:
        """Takes it out: the model is as it was loaded."""


class LowRank:
    """Low-rank updates of linear layers (Hu et al. 2021, arXiv 2106.09685) in one network, by peft."""

    def __init__(self, network: nn.Module, targets: Sequence[str], rank: int) -> None:
        """`targets`: endings of the names of the layers ("q_proj")."""
        self.network, self.targets, self.rank = network, tuple(targets), rank

    def layers(self) -> dict[str, nn.Linear]:
        """The layers that can be updated, by name."""
        return {n: m for n, m in self.network.named_modules() if isinstance(m, nn.Linear)}

    def start(self, seed: int = 0) -> None:
        names = [name for name in self.layers() if name.endswith(self.targets)]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._inject(names, self.rank)

    def put(self, tensors: dict[str, Tensor], rank: int) -> None:
        """Puts in checked tensors, named "<layer>.lora_A.weight" and "<layer>.lora_B.weight"."""
        self._inject(sorted({name.rsplit(".", 2)[0] for name in tensors}), rank)
        with torch.no_grad():
            for name, parameter in self.parameters().items():
                parameter.copy_(tensors[name])

    def _inject(self, names: Iterable[str], rank: int) -> None:
        config = LoraConfig(r=rank, lora_alpha=rank, target_modules=list(names))
        inject_adapter_in_model(config, self.network, NAME)
        # Small steps would be lost in 16 bits; peft brings what goes in and comes out to the layer's own.
        for parameter in self.parameters().values():
            parameter.data = parameter.data.float()

    def parameters(self) -> dict[str, nn.Parameter]:
        found = {}
        for name, module in self.network.named_modules():
            if isinstance(module, BaseTunerLayer):
                for side in ("lora_A", "lora_B"):
                    found[f"{name}.{side}.weight"] = getattr(module, side)[NAME].weight
        return found

    def tensors(self) -> dict[str, Tensor]:
        """Copies of what was learned, by the names of `parameters`."""
        return {name: p.detach().clone().contiguous() for name, p in self.parameters().items()}

    def remove(self) -> None:
        wrapped = [(n, m) for n, m in self.network.named_modules() if isinstance(m, BaseTunerLayer)]
        for name, module in wrapped:
            parent, _, child = name.rpartition(".")
            setattr(self.network.get_submodule(parent), child, module.get_base_layer())
        if hasattr(self.network, "peft_config"):
            del self.network.peft_config


class PeftFile(Part):
    """A `LowRank` in the layout of peft: `adapter_model.safetensors` and `adapter_config.json`."""

    WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
    _BEFORE = "base_model.model."

    def __init__(self, network: nn.Module, targets: Sequence[str], rank: int) -> None:
        self.low_rank = LowRank(network, targets, rank)

    def start(self) -> None:
        self.low_rank.start()

    def load(self, folder: Path) -> None:
        layers = {self._BEFORE + name: layer for name, layer in self.low_rank.layers().items()}
        rank, shapes = low_rank(folder / self.WEIGHTS, layers)
        tensors = load_checked(folder / self.WEIGHTS, shapes)
        self.low_rank.put({name.removeprefix(self._BEFORE): t for name, t in tensors.items()}, rank)

    def parameters(self) -> dict[str, nn.Parameter]:
        return self.low_rank.parameters()

    def save(self, folder: Path) -> None:
        tensors = self.low_rank.tensors()
        layers = sorted({name.rsplit(".", 2)[0] for name in tensors})
        rank = self.low_rank.rank
        config: dict[str, Any] = LoraConfig(r=rank, lora_alpha=rank, target_modules=layers).to_dict()
        plain = {k: sorted(v) if isinstance(v, set) else v for k, v in config.items() if v is not None}
        (folder / self.CONFIG).write_text(json.dumps(plain, indent=1, default=str) + "\n", encoding="utf-8")
        write_file(folder / self.WEIGHTS, {self._BEFORE + name: t for name, t in tensors.items()})

    def remove(self) -> None:
        self.low_rank.remove()


class Vectors(Part):
    """Learned vectors `[n, d]`, in the layout of textual inversion: one tensor under the placeholder's name."""

    FILE = "learned_embeds.safetensors"
    MOST = 256

    def __init__(self, beginning: Tensor, token: str) -> None:
        """`beginning` `[n, d]`: what they are before training. `token`: the placeholder, "<subject>"."""
        self.beginning, self.token = beginning, token
        self.vectors: nn.Parameter | None = None

    def start(self) -> None:
        self.vectors = nn.Parameter(self.beginning.detach().float().clone())

    def load(self, folder: Path) -> None:
        tensors = load_checked(folder / self.FILE, {self.token: (-1, self.beginning.shape[1])})
        self.vectors = nn.Parameter(tensors[self.token][: self.MOST].to(self.beginning.device))

    def parameters(self) -> dict[str, nn.Parameter]:
        return {} if self.vectors is None else {self.token: self.vectors}

    def save(self, folder: Path) -> None:
        assert self.vectors is not None
        write_file(folder / self.FILE, {self.token: self.vectors.detach().clone()})

    def remove(self) -> None:
        self.vectors = None
