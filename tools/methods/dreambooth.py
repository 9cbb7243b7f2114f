"""DreamBooth: the existing weights of the U-Net are tuned, with prior preservation (Ruiz et al. 2022,
arXiv 2208.12242). Begun cold by default, as published: the weights alone have to hold the subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from ..method import Inversion, MethodConfig, Space
from ..training.tuned_diffusion import DiffusionTrainingConfig, TunedDiffusion
from ..values import SubjectInput

if TYPE_CHECKING:
    from ..backbones.diffusion import Diffusion
    from ..training.task import Stage


@dataclass(frozen=True)
class DreamBoothConfig(DiffusionTrainingConfig):
    """Small steps: every weight moves."""

    learning_rate: float = 1e-4
    warm: bool = False
    prior_share: float = 0.4
    composed_share: float = 0.4


class DreamBooth(TunedDiffusion):
    """Learns all weights of the U-Net."""

    name: ClassVar[str] = "dreambooth"
    summary: ClassVar[str] = "tunes all weights of the diffusion model on the subject"
    space: ClassVar[Space] = "parameter"
    inversion: ClassVar[Inversion] = "optimization"
    scheme: ClassVar[str] = "existing weights, unique modifier, prior preservation"
    needs: ClassVar[frozenset[str]] = frozenset({"train_weights"})
    Config: ClassVar[type[MethodConfig]] = DreamBoothConfig
    tunes_all: ClassVar[bool] = True

    def stages(self, subject: SubjectInput, warm: bool, noun: str) -> Sequence[Stage]:
        from ..training.diffusion_parts import Weights
        from ..training.task import Stage

        return [Stage((Weights(cast("Diffusion", self.model)),))]
