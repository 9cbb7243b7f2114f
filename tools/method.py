"""What a personalization method is. One file in `methods/` a method; the registry finds it there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ..memory.events import Progress
from .values import Drawn, DrawRequest

if TYPE_CHECKING:
    from .backbones import Backbone

Space = Literal["token", "textual", "feature", "parameter"]
Inversion = Literal["training-free", "optimization", "learning", "hybrid"]
Cancelled = Callable[[], bool]


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
    capabilities: ClassVar[frozenset[str]]
    """Of "draw", "edit", "borrow", "several", "words" (no subject), and the families "ar", "pta", "trained"."""
    Config: ClassVar[type[MethodConfig]] = MethodConfig

    def __init__(self, backbone: Backbone, config: MethodConfig) -> None:
        self.model = backbone
        self.config = config

    def fit(self, request: DrawRequest, cancelled: Cancelled) -> Iterator[Progress]:
        """Learns the request's subjects, where the method has to; a training-free one has nothing to do."""
        return iter(())

    @abstractmethod
    def generate(self, request: DrawRequest, seeds: list[int], cancelled: Cancelled) -> Iterator[Progress | Drawn]:
        """Draws one picture a seed. Stops without a picture as soon as `cancelled()` is true."""

    def settings(self) -> dict[str, Any]:
        """What a take remembers of the configuration."""
        from dataclasses import asdict

        return asdict(self.config)
