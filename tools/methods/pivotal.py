"""Pivotal tuning: first a word for the subject, then a LoRA around it (Roich et al. 2021, arXiv 2106.05744, for the
idea; as diffusers' advanced training does it for diffusion models).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from ..method import Inversion, MethodConfig, Space
from ..training.tuned_diffusion import TunedDiffusion
from ..values import SubjectInput
from .lora import LoraConfig
from .textual_inversion import WORD, learned_word

if TYPE_CHECKING:
    from ..backbones.learning import Learning
    from ..training.task import Stage


@dataclass(frozen=True)
class PivotalConfig(LoraConfig):
    """`vectors` of the word, and the `first` part of the steps that go to it alone."""

    vectors: int = 2
    first: float = 0.25


class Pivotal(TunedDiffusion):
    """Learns a word, then low-rank updates of the U-Net with that word fixed."""

    name: ClassVar[str] = "pivotal"
    summary: ClassVar[str] = "learns a word for the subject first, then trains a LoRA around it"
    space: ClassVar[Space] = "parameter"
    inversion: ClassVar[Inversion] = "hybrid"
    scheme: ClassVar[str] = "learned word in the prompt, then low-rank weight updates"
    Config: ClassVar[type[MethodConfig]] = PivotalConfig
    needs: ClassVar[frozenset[str]] = frozenset({"train_words"})
    word: ClassVar[str] = WORD

    def stages(self, subject: SubjectInput, warm: bool, noun: str) -> Sequence[Stage]:
        from ..training.diffusion_parts import DiffusionLora
        from ..training.task import Stage

        config, model = cast(PivotalConfig, self.config), cast("Learning", self.model)
        word = learned_word(model, noun, config.vectors)
        lora = DiffusionLora(model, config.targets or model.layers, (), config.rank)
        return [Stage((word,), config.first), Stage((lora,))]
