"""Pipelines that hear references through a published IP-Adapter (Ye et al. 2023, arXiv 2308.06721).

The adapter lies in the checkpoint's `models/` in the published layout, or where the preset's `image_adapter` says.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from . import NO_SETTINGS
from .diffusion import Painting
from .image_adapter import adapter_of, adapter_space, load_adapter, without_adapter
from .pipelined import Pipelined

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor


class Hearing(Pipelined):
    """Draws, goes on from a picture, and paints inside a mask; with an adapter it hears references."""

    from_picture: ClassVar[str]
    """Name of the class that goes on from a picture."""

    def __init__(self, folder: Path, pipe: Any, settings: Mapping[str, Any] = NO_SETTINGS) -> None:
        super().__init__(folder, pipe, settings)
        self.adapted = adapter_of(folder, settings) is not None
        self.space = self.space_of(folder, settings)

    @classmethod
    def furnish(cls, pipe: Any, folder: Path, settings: Mapping[str, Any]) -> None:
        if (adapter := adapter_of(folder, settings)) is not None:
            load_adapter(pipe, adapter)

    @classmethod
    def space_of(cls, folder: Path, settings: Mapping[str, Any] = NO_SETTINGS) -> str:
        return adapter_space(adapter_of(folder, settings))

    @cached_property
    def _from_picture(self) -> Any:
        import diffusers

        made = getattr(diffusers, self.from_picture)(**self.pipe.components)
        made.set_progress_bar_config(disable=True)
        return made

    def free(self) -> None:
        self.__dict__.pop("_from_picture", None)
        super().free()

    def image_embeddings(self, crops: Sequence[Image]) -> np.ndarray:
        import torch

        if not self.adapted:
            raise without_adapter(self)
        with torch.no_grad():
            return self.encoded(list(crops)).flatten(1).float().cpu().numpy()

    @abstractmethod
    def encoded(self, crops: Sequence[Image]) -> Tensor:
        """What the image encoder makes of pictures, one row each."""

    @abstractmethod
    def words(self, painting: Painting) -> dict[str, Any]:
        """Prompt and guidance as the pipelines take them."""

    @abstractmethod
    def heard(self, painting: Painting, width: int, height: int) -> dict[str, Any]:
        """What the image adapter hears, and how strongly, as the pipelines take it."""

    def arguments(self, painting: Painting) -> tuple[Any, dict[str, Any]]:
        width, height = self.frame(painting)
        asked: dict[str, Any] = {"num_inference_steps": painting.steps, **self.words(painting)}
        if self.adapted:
            asked |= self.heard(painting, width, height)
        if painting.source is None:
            return self.pipe, asked | {"width": width, "height": height}
        source = painting.source.convert("RGB").resize((width, height))
        asked |= {"image": source, "strength": painting.strength}
        if painting.mask is None:
            return self._from_picture, asked | self.sized(width, height)
        mask = painting.mask.convert("L").resize((width, height))
        return self._inpaint, asked | {"mask_image": mask, "width": width, "height": height}

    def sized(self, width: int, height: int) -> dict[str, Any]:
        """What the class that goes on from a picture is told of its size: nothing, where it goes by the picture."""
        return {"width": width, "height": height}
