"""What finds the subject in a picture."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from . import Backbone

if TYPE_CHECKING:
    from PIL.Image import Image


class Segmenter(Backbone):
    """A model that cuts subjects out."""

    kind: ClassVar[str] = "segmenter"

    @abstractmethod
    def mask(self, image: Image) -> Image:
        """8-bit mask of all subjects, the size of `image`: 255 times how sure it is; all 0 where there is none."""

    def worn(self, image: Image) -> Image | None:
        """8-bit mask of what the subjects wear and hold, the size of `image`; `None` of a model that does not tell."""
        return None
