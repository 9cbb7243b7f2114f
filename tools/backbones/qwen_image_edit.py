"""Qwen-Image-Edit 2509 and later (Wu et al. 2025, arXiv 2508.02324) on `QwenImageEditPlusPipeline`.

A vision-language model reads prompt and pictures together; the pictures' latents stand in the transformer's sequence.
Without any picture the same parts draw as `QwenImagePipeline`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from .diffusion import Painting
from .pipelined import Pipelined

if TYPE_CHECKING:
    from PIL.Image import Image

UNSAID = " "
"""The negative prompt that stands for none: guidance needs one."""


class QwenImageEdit(Pipelined):
    """References and edits in one sequence; true classifier-free guidance."""

    family: ClassVar[str] = "qwen_image_edit"
    label: ClassVar[str] = "Qwen-Image-Edit"
    takes: ClassVar[frozenset[str]] = frozenset({"references", "edit", "inpaint", "lora"})
    cannot: ClassVar[str] = "no learned words, no IP-Adapter: references go in as they are; inside a mask no references"
    most_references: ClassVar[int] = 3
    calls_pictures: ClassVar[str] = "Picture {}"
    drawing: ClassVar[str] = "QwenImageEditPlusPipeline"
    inpainting: ClassVar[str] = "QwenImageEditInpaintPipeline"

    @classmethod
    def given(cls, folder: Path) -> dict[str, Any]:
        from transformers.utils import is_torchvision_available

        # The library's processor also wants one for videos, which needs torchvision.
        return {} if is_torchvision_available() else {"processor": Reader.load(folder / "processor")}

    @cached_property
    def _from_words(self) -> Any:
        from diffusers import QwenImagePipeline

        parts = {name: part for name, part in self.pipe.components.items() if name != "processor"}
        made = QwenImagePipeline(**parts)
        made.set_progress_bar_config(disable=True)
        return made

    def free(self) -> None:
        self.__dict__.pop("_from_words", None)
        super().free()

    def arguments(self, painting: Painting) -> tuple[Any, dict[str, Any]]:
        asked = self.plainly(painting) | {"true_cfg_scale": painting.guidance}
        if painting.guidance > 1:
            asked["negative_prompt"] = painting.negative or UNSAID
        if painting.mask is not None:
            asked |= {"image": painting.source, "mask_image": painting.mask, "strength": painting.strength}
            return self._inpaint, asked
        shown = self.shown(painting)
        return (self.pipe, asked | {"image": shown}) if shown else (self._from_words, asked)


class Reader:
    """`Qwen2VLProcessor` for words and pictures: each picture's mark is repeated once for each of its patches."""

    mark: ClassVar[str] = "<|image_pad|>"

    def __init__(self, tokenizer: Any, image_processor: Any) -> None:
        self.tokenizer, self.image_processor = tokenizer, image_processor

    @classmethod
    def load(cls, folder: Path) -> Reader:
        from transformers import AutoTokenizer, Qwen2VLImageProcessorPil

        return cls(
            AutoTokenizer.from_pretrained(folder, local_files_only=True),
            Qwen2VLImageProcessorPil.from_pretrained(folder, local_files_only=True),
        )

    def __call__(self, text: list[str], images: Sequence[Image] | None = None, **options: Any) -> Any:
        """Token ids, their mask, and where there are pictures their patches and grids `[n, 3]`."""
        from transformers import BatchFeature

        found: dict[str, Any] = {}
        if images is not None:
            found = dict(self.image_processor(images=images, return_tensors="pt"))
            counts = iter(found["image_grid_thw"].prod(-1) // self.image_processor.merge_size**2)
            parts = [line.split(self.mark) for line in text]
            text = [
                "".join(
                    part + self.mark * (int(next(counts)) if i + 1 < len(line) else 0) for i, part in enumerate(line)
                )
                for line in parts
            ]
        words = self.tokenizer(text, padding=True, return_tensors="pt")
        return BatchFeature({**words, **found})
