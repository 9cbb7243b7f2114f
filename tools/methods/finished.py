"""An autoregressive picture, finished by diffusion.

What large models with a diffusion decoder do (the autoregressive part decides what is where, diffusion how it looks),
put together from two models that know nothing of each other. A model that hears references through an adapter takes
the sketch a part of the way back to noise, as SDEdit does (Meng et al. 2022, arXiv 2108.01073); one that takes pictures
into its prompt is shown the sketch and asked for the picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, cast

from ...memory.events import Progress
from ..method import Cancelled, Inversion, Method, MethodConfig, Space
from ..values import Drawn, DrawRequest, SubjectInput
from .ip_adapter import IpAdapter, IpAdapterConfig
from .references import References

if TYPE_CHECKING:
    import numpy as np

    from ..backbones.diffusion import Diffusion


@dataclass(frozen=True)
class FinishedConfig(IpAdapterConfig):
    """`finish` is how much of the way the sketch is taken back to noise; `per_subject` as for `References`."""

    finish: float = 0.3
    per_subject: int = 2


class Finished(Method):
    """Sketches with the model of the context, and finishes by diffusion."""

    name: ClassVar[str] = "finished"
    summary: ClassVar[str] = "sketches with the references in context, and finishes by diffusion; without training"
    space: ClassVar[Space] = "feature"
    inversion: ClassVar[Inversion] = "learning"
    scheme: ClassVar[str] = "in-context, then cross-attention or in-context again"
    backbone: ClassVar[str] = "diffusion"
    needs: ClassVar[frozenset[str]] = frozenset({"edit"})
    capabilities: ClassVar[frozenset[str]] = frozenset({"draw", "edit", "several", "words", "ar"})
    Config: ClassVar[type[MethodConfig]] = FinishedConfig
    follows: ClassVar[str] = "in_context"

    def __init__(self, backbone: Diffusion, config: MethodConfig) -> None:
        super().__init__(backbone, config)
        self.painter = (IpAdapter if "ip_adapter" in backbone.takes else References)(backbone, config)

    def generate(self, request: DrawRequest, seeds: list[int], cancelled: Cancelled) -> Iterator[Progress | Drawn]:
        config = cast(FinishedConfig, self.config)
        share = config.finish if isinstance(self.painter, IpAdapter) else 1.0
        finishing = max(1, int(config.steps * share)) * len(seeds)
        sketches: list[Drawn] = []
        done = 0
        for item in self.before().generate(request, seeds, cancelled):
            if isinstance(item, Drawn):
                sketches.append(item)
                continue
            done = item.total or 0
            yield replace(item, total=done + finishing)
        if sketches:
            # The sketch may have needed this method's place in memory.
            yield from cast(Finished, self.again()).finish(request, sketches, done, cancelled)

    def finish(
        self, request: DrawRequest, sketches: Sequence[Drawn], done: int, cancelled: Cancelled
    ) -> Iterator[Progress | Drawn]:
        """The pictures of sketches that took `done` steps together."""
        for left, sketch in zip(range(len(sketches), 0, -1), sketches, strict=True):
            each = 0
            for item in self._painted(request, sketch, cancelled):
                if isinstance(item, Drawn):
                    seconds = item.seconds + sketch.seconds
                    yield replace(item, index=sketch.index, method=self.name, seconds=seconds)
                else:
                    each = item.total or 0
                    yield replace(item, step=done + (item.step or 0), total=done + each * left)
            done += each

    def _painted(self, request: DrawRequest, sketch: Drawn, cancelled: Cancelled) -> Iterator[Progress | Drawn]:
        if isinstance(self.painter, IpAdapter):
            painting = self.painter.painting(request, [sketch.seed])
            strength = cast(FinishedConfig, self.config).finish
            return self.painter.paint(replace(painting, source=sketch.image, strength=strength), cancelled)
        first = cast("Diffusion", self.model).calls_pictures.format(1)
        words = request.description if request.source is not None and request.description else request.prompt
        asked = f"{first} is a sketch of this, draw it in full: {words}"
        return self.painter.generate(replace(request, prompt=asked, source=sketch.image), [sketch.seed], cancelled)

    def kept(self, subject: SubjectInput) -> Mapping[str, np.ndarray]:
        return self.painter.kept(subject)
