"""Trained methods on diffusion models: what is learned stands in the words or in the weights.

The subject is called by a unique modifier and its class noun (DreamBooth, arXiv 2208.12242, section 3.2). Begun warm,
the image adapter hears the references too, while it is trained and when it draws (the hybrid schemes of both surveys).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ...memory.events import Progress
from ..method import Cancelled, MethodConfig
from ..methods.ip_adapter import IpAdapter, IpAdapterConfig, called
from ..values import Drawn, DrawRequest, SubjectInput
from .config import TrainingConfig
from .tuned import Held, Tuned

if TYPE_CHECKING:
    from torch import Tensor

    from ..backbones.diffusion import Diffusion, Painting, Subject
    from .task import Task

UNNAMED = "thing"
"""The kind of a subject whose class nobody has named."""
MODIFIER = "sks"
"""What a subject is called where the preset knows no better: a rare word."""


@dataclass(frozen=True)
class DiffusionTrainingConfig(TrainingConfig, IpAdapterConfig):
    """The loop's settings, and those of painting."""


class TunedDiffusion(Tuned, IpAdapter):
    """Draws as `IpAdapter` does, changed by what was learned; begun cold, without the image adapter."""

    capabilities: ClassVar[frozenset[str]] = frozenset({"draw", "edit", "trained"})
    Config: ClassVar[type[MethodConfig]] = DiffusionTrainingConfig
    word: ClassVar[str] = ""
    """The learned word that subjects are called by, where there is one."""

    def __init__(self, backbone: Diffusion, config: MethodConfig) -> None:
        known = cast(DiffusionTrainingConfig, config)
        slots = (self.word,) if self.word else known.slots or (MODIFIER,)
        # Nothing can be begun from what only an adapter would hear.
        IpAdapter.__init__(self, backbone, replace(known, slots=slots, warm=known.warm and backbone.adapted))

    def room(self, subject: SubjectInput, warm: bool) -> AbstractContextManager[None]:
        model = cast("Diffusion", self.model)
        if warm:
            self.heard(subject)  # the image encoder has no place beside the others
        return model.together()

    def task(self, held: Held) -> Task:
        import torch

        from .denoising import DenoisingTask

        model, config = cast("Diffusion", self.model), cast(DiffusionTrainingConfig, self.config)
        subject, seen = replace(held.subject, kind=spoken(held)), None
        if held.warm:
            seen = torch.from_numpy(self.heard(held.subject)[: config.references]).to(model.pipe._execution_device)

        def words(caption: str) -> str:
            return called(caption, (subject,), config.slots) if subject.name in caption else caption

        return DenoisingTask(model, held.stages, seen, words)

    def draw(self, request: DrawRequest, seeds: list[int], cancelled: Cancelled) -> Iterator[Progress | Drawn]:
        return IpAdapter.generate(self, request, seeds, cancelled)

    def painting(self, request: DrawRequest, seeds: Sequence[int]) -> Painting:
        if self.held is None:
            return super().painting(request, seeds)
        nouns = [replace(s, kind=spoken(self.held)) if self.held.of(s) else s for s in request.subjects]
        return super().painting(replace(request, subjects=tuple(nouns)), seeds)

    def _shown(self, subjects: Sequence[SubjectInput], prompt: str) -> tuple[Subject, ...]:
        warm = self.held.warm if self.held is not None else cast("Diffusion", self.model).adapted
        return super()._shown(subjects, prompt) if warm else ()

    def answer(self, request: DrawRequest) -> Tensor:
        import torch

        model = cast("Diffusion", self.model)
        pipe, images = model.pipe, None
        words = pipe.encode_prompt(self.painting(request, [0]).prompt, pipe._execution_device, 1, False)[0]
        side, channels = pipe.unet.config.sample_size, pipe.unet.config.in_channels
        noise = torch.randn(1, channels, side, side, generator=torch.Generator().manual_seed(0)).to(words)
        if model.adapted:
            pipe.set_ip_adapter_scale(0.0)
            width = pipe.image_encoder.config.projection_dim
            images = {"image_embeds": [torch.zeros(1, 1, width).to(words)]}
        with torch.no_grad():
            made: Tensor = pipe.unet(noise, 500, words, added_cond_kwargs=images).sample
        return made

    def settings(self) -> dict[str, Any]:
        """Only what a drawing depends on; how it was trained stands with the adapter."""
        names = {field.name for field in fields(IpAdapterConfig)}
        return {name: value for name, value in asdict(self.config).items() if name in names}


def spoken(held: Held) -> str:
    """What a subject is called beside its modifier: the class noun.

    Begun warm, a class that nobody named stays unsaid: the references tell it, and a noun found by eye may be wrong (in
    the storybook world 15 % are).
    """
    return UNNAMED if held.warm and held.subject.kind == UNNAMED else held.noun
