"""What the families share that draw by the library's own pipeline, called as anybody would call it.

Each family names its pipelines and says which arguments a painting means; loading, watching, adapters and refusals
are the same for all.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import ModelError, UserError
from ..images import square
from ..machine import Placement
from . import NO_SETTINGS
from .adapting import Adapting
from .diffusion import Painting, Step

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image


class Pipelined(Adapting):
    """A pipeline of diffusers, its parts shared by drawing, editing and inpainting."""

    adapted: bool = False
    space: str = ""
    settings: ClassVar[frozenset[str]] = frozenset({"side", "variant", "sampler"})
    inpainting: ClassVar[str] = ""
    """Name of the class that paints inside a mask; "" where the library has none."""
    options: ClassVar[tuple[str, ...]] = ()
    """What both pipelines are told beside their parts."""
    default_side: ClassVar[int] = 1024
    multiple: ClassVar[int] = 16
    """Width and height must be divisible by it."""

    def __init__(self, folder: Path, pipe: Any, settings: Mapping[str, Any] = NO_SETTINGS) -> None:
        super().__init__(folder, pipe, settings)
        self.place = Placement.of(settings, pipe.device.type)
        self.side = int(settings.get("side", self.default_side))

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", settings: Mapping[str, Any] = NO_SETTINGS) -> Pipelined:
        """`settings["side"]` is the side of a square picture in pixels; the rest is `machine.Placement`'s."""
        place = Placement.of(settings, device)
        pipe = cls.read(cls.drawing, folder, settings, place)
        cls.furnish(pipe, folder, settings)
        place.apply(pipe)
        return cls(folder, pipe, {**place.settings(), **settings})

    @classmethod
    def furnish(cls, pipe: Any, folder: Path, settings: Mapping[str, Any]) -> None:
        """Puts on the pipeline what has its place on the machine together with it."""

    def free(self) -> None:
        if hasattr(self.pipe, "remove_all_hooks"):
            self.pipe.remove_all_hooks()
        self.__dict__.pop("_inpaint", None)
        del self.pipe

    @cached_property
    def _inpaint(self) -> Any:
        import diffusers

        if not self.inpainting:
            raise UserError(f"{self.label} cannot repaint a part of a picture.", "Ask for the edit in words.")
        # Also what is no part, such as whether the model is distilled.
        options = {name: self.pipe.config[name] for name in self.options}
        made = getattr(diffusers, self.inpainting)(**self.pipe.components, **options)
        made.set_progress_bar_config(disable=True)
        return made

    # Painting

    @abstractmethod
    def arguments(self, painting: Painting) -> tuple[Any, dict[str, Any]]:
        """The pipeline that a painting needs and the arguments of its call, without the seed."""

    def plainly(self, painting: Painting) -> dict[str, Any]:
        """What every pipeline is asked: words, size and steps."""
        width, height = self.frame(painting)
        return {"prompt": painting.prompt, "width": width, "height": height, "num_inference_steps": painting.steps}

    def frame(self, painting: Painting) -> tuple[int, int]:
        """Width and height: asked for, else the source's shape at the model's own area, else a square."""
        if painting.size is not None:
            width, height = painting.size
        elif painting.source is not None:
            ratio = (painting.source.width / painting.source.height) ** 0.5
            width, height = round(self.side * ratio), round(self.side / ratio)
        else:
            width = height = self.side
        return self._whole(width), self._whole(height)

    def _whole(self, side: int) -> int:
        return max(self.multiple, side // self.multiple * self.multiple)

    def shown(self, painting: Painting) -> list[Image]:
        """The pictures that the prompt is read with, the edited one first, none too small or too narrow to read."""
        found = [picture for picture in (painting.source, *painting.references) if picture is not None]
        return [_readable(picture) for picture in found]

    def paint(self, painting: Painting) -> Iterator[Step]:
        import torch

        from .watching import StepEnd, watched

        if len(painting.references) > self.most_references:
            raise UserError(f"{self.label} takes at most {self.most_references} reference pictures.")
        pipe, arguments = self.arguments(painting)
        pictures: list[Image] = []
        done = 0
        for number, seed in enumerate(painting.seeds, 1):

            def call(on_step_end: StepEnd, seed: int = seed) -> Any:
                generator = torch.Generator().manual_seed(seed)
                # A thread begins with gradients on, whatever its parent had switched.
                with torch.no_grad():
                    return pipe(**arguments, generator=generator, callback_on_step_end=on_step_end).images[0]

            steps = watched(call)
            each = len(painting.seeds)
            while True:
                try:
                    step = next(steps)
                except StopIteration as end:
                    pictures.append(end.value)
                    break
                total = max(pipe.num_timesteps, 1) * each
                done = (number - 1) * pipe.num_timesteps + step + 1
                if done < total:
                    yield Step(done, total)
        yield Step(done, done, None, tuple(pictures))

    def image_embeddings(self, crops: Sequence[Image]) -> np.ndarray:
        raise ModelError(f"{self.label} has no image adapter.")


LEAST_SIDE = 64
MOST_RATIO = 4
"""What every family still reads, in pixels and as long to short side."""


def _readable(picture: Image) -> Image:
    if max(picture.size) > MOST_RATIO * min(picture.size):
        picture = square(picture, max(picture.size))
    scale = LEAST_SIDE / min(picture.size)
    return picture if scale <= 1 else picture.resize((round(picture.width * scale), round(picture.height * scale)))
