"""Learned concept tokens of an autoregressive model: what stands behind the subject's slot is learned.

Textual inversion (Gal et al. 2022, arXiv 2208.01618) on a model that draws tokens, as Yo'Chameleon (arXiv 2504.20998)
does with soft prompts. Begun warm, the vectors are those that the model sees in the references (a hybrid scheme), so
that it starts as in-context drawing and needs no reference afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from ..method import MethodConfig
from ..training.tuned_tokens import TokenTrainingConfig, TunedTokens
from ..values import SubjectInput

if TYPE_CHECKING:
    from torch import Tensor

    from ..backbones.autoregressive import Autoregressive, Segment
    from ..training.task import Stage
    from ..training.tuned import Held


@dataclass(frozen=True)
class ArTokensConfig(TokenTrainingConfig):
    """`vectors`: how many are learned when begun cold; begun warm there are as many as the references take."""

    learning_rate: float = 3e-3
    prior_share: float = 0.0
    vectors: int = 16


class ArTokens(TunedTokens):
    """Learns vectors in the place of references."""

    name: ClassVar[str] = "ar_tokens"
    summary: ClassVar[str] = "learns tokens for the subject in the autoregressive model; a few kilobytes"
    space = "token"
    inversion = "hybrid"
    scheme: ClassVar[str] = "learned tokens in the context"
    capabilities: ClassVar[frozenset[str]] = frozenset({"draw", "edit", "several", "trained", "ar"})
    Config: ClassVar[type[MethodConfig]] = ArTokensConfig

    def stages(self, subject: SubjectInput, warm: bool, noun: str) -> Sequence[Stage]:
        from ..training.parts import Vectors
        from ..training.task import Stage

        return [Stage((Vectors(self._beginning(subject, warm, noun), "<subject>"),))]

    def shown_learned(self, index: int, held: Held, without: int) -> list[Segment]:
        from ..backbones.autoregressive import Learned, Text

        model = cast("Autoregressive", self.model)
        (vectors,) = held.stages[0].parts[0].parameters().values()
        return [Text(model.marks.concept.format(index)), Learned(vectors)]

    def _beginning(self, subject: SubjectInput, warm: bool, noun: str) -> Tensor:
        """Vectors `[n, d]`: the references as the model sees them, or its class noun over and over."""
        from ..backbones.autoregressive import Text

        model = cast("Autoregressive", self.model)
        if warm:
            return model.embed(super().shown(0, subject)[1:])[0]
        word = model.embed([Text(noun)])[0].mean(0, keepdim=True)
        return word.expand(cast(ArTokensConfig, self.config).vectors, -1)
