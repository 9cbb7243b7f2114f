"""What the diffusion families share: one request for pictures, and adapters that are put on and taken off."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from . import Backbone

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

Scale = float | Mapping[str, Any]
"""How strongly the image adapter counts: everywhere, or as diffusers' `set_ip_adapter_scale` takes it by block."""


@dataclass(frozen=True)
class Subject:
    """A subject as the image adapter hears it."""

    embeddings: np.ndarray
    """`[references, width]`, from `Diffusion.image_embeddings`."""
    region: Image | None = None
    """8-bit mask of where it is to be, any size, above 127 inside; `None` for everywhere."""
    words: str = ""
    """What its region shows, where that is not all that the prompt says ("Pip with a balloon, on the beach")."""


@dataclass(frozen=True)
class Painting:
    """One request for pictures, one a seed. With `source` it goes on from that picture."""

    prompt: str
    negative: str = ""
    subjects: tuple[Subject, ...] = ()
    references: tuple[Image, ...] = ()
    """Pictures that the prompt speaks of, for families that take them as they are; the source is not among them."""
    size: tuple[int, int] | None = None
    """Width and height in pixels; `None`: those of the source, else the model's own."""
    scale: Scale = 1.0
    source: Image | None = None
    strength: float = 0.7
    """How much of the way the source is taken back to noise, above 0 up to 1."""
    mask: Image | None = None
    """8-bit mask of the source: what is above 127 is painted anew, the rest stays."""
    steps: int = 12
    guidance: float = 3.0
    guided: float = 1.0
    """The first part of the steps, 0..1, that are guided; later ones run without the empty prompt, twice as fast."""
    seeds: tuple[int, ...] = (0,)
    preview_every: int = 0
    """Steps between previews; 0 for none."""


@dataclass(frozen=True)
class Step:
    """One step done; after the last one `pictures` holds a picture a seed."""

    step: int
    total: int
    preview: Image | None = None
    pictures: tuple[Image, ...] = field(default=())


class Diffusion(Backbone):
    """A latent diffusion model with an optional image adapter."""

    kind: ClassVar[str] = "diffusion"
    pipe: Any
    """The library's pipeline, unmodified."""
    side: int
    """Pixels of a picture's side."""
    adapted: bool
    """Whether it has an image adapter."""
    space: str
    """Name of the adapter's embeddings, see `space_of`."""

    @abstractmethod
    def image_embeddings(self, crops: Sequence[Image]) -> np.ndarray:
        """What the image adapter hears of cut-out subjects: `[n, width]` float32."""

    def together(self) -> AbstractContextManager[None]:
        """As long as it lasts, what a training goes through lies on the device together, where else idle parts wait.

        The image encoder, whose answers are known, waits on. Raises `UserError` where that is not possible.
        """
        return nullcontext()

    def rebuilt(self, picture: Image) -> Image:
        """A square picture of the model's side as its autoencoder carries it."""
        import torch

        from ..pixels import to_picture, to_tensor

        vae, before = self.pipe.vae, self.pipe.vae.dtype
        if before == torch.float16 and vae.config.get("force_upcast"):  # as the library does
            vae.to(torch.float32)
        with torch.no_grad():
            pixels = to_tensor(picture).to(self.pipe._execution_device, vae.dtype)
            made = to_picture(vae.decode(vae.encode(pixels).latent_dist.mode()).sample[0])
        vae.to(before)
        return made

    @abstractmethod
    def paint(self, painting: Painting) -> Iterator[Step]:
        """The steps of a painting. To cancel, stop iterating."""

    @abstractmethod
    def attach(self, folders: Sequence[Path], weights: Sequence[float] = ()) -> None:
        """Puts LoRA and learned tokens from adapters' folders on the pipe, instead of what is there.

        Raises `ModelError`, with nothing changed, for a file that does not belong to this model or is damaged.
        """

    @abstractmethod
    def detach(self) -> None:
        """Takes them off; the model draws as before."""

    def generate(self, painting: Painting) -> tuple[Image, ...]:
        """The pictures of a painting."""
        pictures: tuple[Image, ...] = ()
        for step in self.paint(painting):
            pictures = step.pictures
        return pictures
