"""LoRA on a diffusion model: a parameter-efficient extension (Hu et al. 2021, arXiv 2106.09685; the third of the
survey's choices of what to tune, arXiv 2405.05538, section 4). By peft, kept as diffusers' LoRA file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from ..method import Inversion, MethodConfig, Space
from ..training.tuned_diffusion import DiffusionTrainingConfig, TunedDiffusion
from ..values import SubjectInput

if TYPE_CHECKING:
    from ..backbones.learning import Learning
    from ..training.task import Stage


@dataclass(frozen=True)
class LoraConfig(DiffusionTrainingConfig):
    """`rank` of the updates, and the layers that get one, by the endings of their names; none named: the family's."""

    rank: int = 8
    targets: tuple[str, ...] = ()
    text_targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "out_proj")


class Lora(TunedDiffusion):
    """Learns low-rank updates of the network that draws and of its text encoders."""

    name: ClassVar[str] = "lora"
    summary: ClassVar[str] = "trains a LoRA of the diffusion model on the subject"
    space: ClassVar[Space] = "parameter"
    inversion: ClassVar[Inversion] = "hybrid"
    scheme: ClassVar[str] = "low-rank weight updates, unique modifier"
    Config: ClassVar[type[MethodConfig]] = LoraConfig

    def stages(self, subject: SubjectInput, warm: bool, noun: str) -> Sequence[Stage]:
        from ..training.diffusion_parts import DiffusionLora
        from ..training.task import Stage

        config = cast(LoraConfig, self.config)
        model = cast("Learning", self.model)
        part = DiffusionLora(model, config.targets or model.layers, config.text_targets, config.rank)
        return [Stage((part,))]
