"""Trained methods on autoregressive models: in-context drawing, with something learned in the context or the model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ...memory.events import Progress
from ..method import Cancelled, MethodConfig
from ..methods.in_context import InContext, InContextConfig, slotted
from ..values import Drawn, DrawRequest, SubjectInput
from .config import TrainingConfig
from .tuned import Held, Tuned

if TYPE_CHECKING:
    from torch import Tensor

    from ..backbones.autoregressive import Autoregressive, Segment
    from .task import Task


@dataclass(frozen=True)
class TokenTrainingConfig(TrainingConfig, InContextConfig):
    """The loop's settings, and those of sampling tokens."""


class TunedTokens(Tuned, InContext):
    """Draws as `InContext` does, with the subject's part of the prompt or the model changed."""

    backbone: ClassVar[str] = "ar"
    Config: ClassVar[type[MethodConfig]] = TokenTrainingConfig

    def __init__(self, backbone: Autoregressive, config: MethodConfig) -> None:
        InContext.__init__(self, backbone, config)

    def hold(self, held: Held | None) -> None:
        super().hold(held)
        self._prefixes.clear()

    def shown(self, index: int, subject: SubjectInput, without: int = -1) -> list[Segment]:
        if self.held is not None and self.held.of(subject):
            return self.shown_learned(index, self.held, without)
        return super().shown(index, subject, without)

    def shown_learned(self, index: int, held: Held, without: int) -> list[Segment]:
        """As `shown`, for the subject whose parts are in the model: its references if it began from them."""
        from ..backbones.autoregressive import Text

        if held.warm:
            return InContext.shown(self, index, held.subject, without)
        return [Text(cast("Autoregressive", self.model).marks.concept.format(index))]

    def draw(self, request: DrawRequest, seeds: list[int], cancelled: Cancelled) -> Iterator[Progress | Drawn]:
        self._prefixes.clear()  # read by a model that has learned since
        return InContext.generate(self, request, seeds, cancelled)

    @contextmanager
    def room(self, subject: SubjectInput, warm: bool) -> Iterator[None]:
        language = cast("Autoregressive", self.model).language_model
        before = language.config._attn_implementation
        try:
            yield
        finally:
            # What is drawn next is drawn as anywhere else, to the last bit.
            if language.config._attn_implementation != before:
                language.set_attn_implementation(before)

    def task(self, held: Held) -> Task:
        from .tokens import TokenTask

        return TokenTask(
            cast("Autoregressive", self.model),
            held.stages,
            lambda reference: self.shown(0, held.subject, without=reference),
            lambda caption: slotted(caption, (held.subject,)),
        )

    def answer(self, request: DrawRequest) -> Tensor:
        self._prefixes.clear()
        prefix = self._prompts(request, None)[0]
        self._prefixes.clear()
        return prefix.hidden

    def settings(self) -> dict[str, Any]:
        """Only what a drawing depends on; how it was trained stands with the adapter."""
        names = {field.name for field in fields(InContextConfig)}
        return {name: value for name, value in asdict(self.config).items() if name in names}
