"""What the loop needs of a family of models: how wrong it is about some examples."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .lesson import Material
from .parts import Part

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .config import TrainingConfig


@dataclass(frozen=True)
class Stage:
    """Parts that are trained together, and until which share of all steps."""

    parts: tuple[Part, ...]
    until: float = 1.0


class Task(ABC):
    """One model that learns one material. Everything that does not change is computed once, here."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = tuple(stages)
        self.parts = tuple(dict.fromkeys(part for stage in stages for part in stage.parts))

    @abstractmethod
    def study(self, material: Material, config: TrainingConfig) -> None:
        """Computes what is computed once: latents or codes, text embeddings."""

    @abstractmethod
    def loss(self, chosen: list[int], chance: random.Random) -> Tensor:
        """The weighted mean loss of the examples with these indices; `chance` draws noise and time steps."""

    @abstractmethod
    def recompute(self) -> None:
        """Turns gradient checkpointing on."""

    def parameters(self, stage: int | None = None) -> dict[str, nn.Parameter]:
        """What is trained in a stage, or in all, by stable names."""
        parts = self.parts if stage is None else self.stages[stage].parts
        return {
            f"{self.parts.index(part)}/{name}": parameter
            for part in parts
            for name, parameter in part.parameters().items()
        }

    def save(self, folder: Path) -> None:
        """Writes all parts into an empty folder."""
        for part in self.parts:
            part.save(folder)
