"""What a personalization method is. One file in `methods/` a method; the registry finds it there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ..memory.events import Progress
from ..memory.values import Scores
from .values import Drawn, DrawRequest, SubjectInput

if TYPE_CHECKING:
    import numpy as np

    from .backbones import Backbone
    from .training.lesson import Lesson

Space = Literal["token", "textual", "feature", "parameter"]
Inversion = Literal["training-free", "optimization", "learning", "hybrid"]
Cancelled = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Learned:
    """What a training leaves behind."""

    folder: Path | None
    """The files of the kept adapter; `None` when none was better than no training."""
    scores: Scores
    """Means over the probes of the kept checkpoint."""
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class MethodConfig:
    """Settings of one method; a preset's values replace the defaults."""


class Method(ABC):
    """One way to draw a taught subject, in the three components of the Decade Survey."""

    name: ClassVar[str]
    summary: ClassVar[str]
    space: ClassVar[Space]
    """Inversion space: where the subject is represented."""
    inversion: ClassVar[Inversion]
    """Inversion method: how it gets there."""
    scheme: ClassVar[str]
    """Personalization scheme: how the representation enters the generator."""
    backbone: ClassVar[str]
    """The kind of backbone it needs: "ar" or "diffusion"."""
    needs: ClassVar[frozenset[str]] = frozenset()
    """What of `Backbone.takes` it asks for."""
    capabilities: ClassVar[frozenset[str]]
    """Of "draw", "edit", "dress" (edits of what a figure wears), "borrow", "several", "words" (no subject), and the
    families "ar", "pta", "trained"."""
    Config: ClassVar[type[MethodConfig]] = MethodConfig
    follows: ClassVar[str] = ""
    """Name of the method whose pictures this one goes on from."""
    before: Callable[[], Method]
    """Loads that method; where memory is scarce, this one's model has to leave it then."""
    again: Callable[[], Method]
    """Loads this method again."""

    def __init__(self, backbone: Backbone, config: MethodConfig) -> None:
        self.model = backbone
        self.config = config

    def fit(self, lesson: Lesson) -> Generator[Progress, None, Learned | None]:
        """Learns a subject, where the method has to; a training-free one has nothing to do."""
        yield from ()
        return None

    def estimate(self, lesson: Lesson) -> Generator[Progress, None, float]:
        """About how many seconds `fit` will take on this machine, from a measured step."""
        yield from ()
        return 0.0

    @abstractmethod
    def generate(self, request: DrawRequest, seeds: list[int], cancelled: Cancelled) -> Iterator[Progress | Drawn]:
        """Draws one picture a seed. Stops without a picture as soon as `cancelled()` is true."""

    @property
    def looks_closer(self) -> bool:
        """Whether an edit of a figure that no reference shows needs `DrawRequest.source_mask`."""
        return False

    @property
    def flat_colours(self) -> bool:
        """Whether it makes drawings of flat colours, in which an edit of a colour moves whole colours."""
        return False

    def kept(self, subject: SubjectInput) -> Mapping[str, np.ndarray]:
        """What was computed of a subject's references and is worth keeping, `[references, d]` by space."""
        return {}

    def settings(self) -> dict[str, Any]:
        """What a take remembers of the configuration."""
        return asdict(self.config)
