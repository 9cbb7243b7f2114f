"""LoRA on an autoregressive model (Hu et al. 2021, arXiv 2106.09685): low-rank updates of its language model.

Begun warm, the references stay in the context and the update learns what the model does not see in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from ..method import MethodConfig
from ..training.tuned_tokens import TokenTrainingConfig, TunedTokens
from ..values import SubjectInput

if TYPE_CHECKING:
    from ..backbones.autoregressive import Autoregressive
    from ..training.task import Stage


@dataclass(frozen=True)
class ArLoraConfig(TokenTrainingConfig):
    """`rank` of the updates and the layers that get one, by the endings of their names."""

    learning_rate: float = 3e-4
    prior_share: float = 0.3
    composed_share: float = 0.5
    sample_every: int = 15
    rank: int = 8
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj")


class ArLora(TunedTokens):
    """Learns low-rank updates of the language model."""

    name: ClassVar[str] = "ar_lora"
    summary: ClassVar[str] = "trains a LoRA of the autoregressive model on the subject"
    space = "parameter"
    inversion = "hybrid"
    scheme: ClassVar[str] = "low-rank weight updates, references in the context"
    capabilities: ClassVar[frozenset[str]] = frozenset({"draw", "edit", "trained", "ar"})
    Config: ClassVar[type[MethodConfig]] = ArLoraConfig

    def stages(self, subject: SubjectInput, warm: bool, noun: str) -> Sequence[Stage]:
        from ..training.parts import PeftFile
        from ..training.task import Stage

        config, model = cast(ArLoraConfig, self.config), cast("Autoregressive", self.model)
        return [Stage((PeftFile(model.language_model, config.targets, config.rank),))]
