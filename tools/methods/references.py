"""Reference conditioning of models that were trained for it: the pictures stand beside the prompt, as they are.

FLUX.1 Kontext (arXiv 2506.15742), FLUX.2, Qwen-Image-Edit (arXiv 2508.02324) and GLM-Image put the references' latents
into the sequence that is denoised. Training-free inversion in feature space (Decade Survey).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from ...memory.events import Progress
from ..method import Cancelled, Method, MethodConfig
from ..values import Drawn, DrawRequest, SubjectInput

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..backbones.diffusion import Diffusion, Painting

SHAPES = {"portrait": (0.875, 1.125), "landscape": (1.125, 0.875)}
"""Sides relative to a square of the same area."""


@dataclass(frozen=True)
class ReferencesConfig(MethodConfig):
    """`per_subject` is the most of a subject's references that are shown."""

    steps: int = 28
    guidance: float = 2.5
    per_subject: int = 2


class References(Method):
    """Names each subject by the pictures that show it."""

    name: ClassVar[str] = "references"
    summary: ClassVar[str] = "shows the references as pictures to a model that was trained to follow them"
    space = "feature"
    inversion = "training-free"
    scheme: ClassVar[str] = "in-context"
    backbone: ClassVar[str] = "diffusion"
    needs: ClassVar[frozenset[str]] = frozenset({"references"})
    capabilities: ClassVar[frozenset[str]] = frozenset({"draw", "edit", "borrow", "several", "words", "pta"})
    Config: ClassVar[type[MethodConfig]] = ReferencesConfig

    def generate(self, request: DrawRequest, seeds: list[int], cancelled: Cancelled) -> Iterator[Progress | Drawn]:
        model = cast("Diffusion", self.model)
        began = time.perf_counter()
        pictures: tuple[Image, ...] = ()
        for step in model.paint(self._painting(request, seeds)):
            if cancelled():
                return
            spent = time.perf_counter() - began
            yield Progress("drawing", step.step, step.total, spent / step.step * (step.total - step.step), step.preview)
            pictures = step.pictures
        seconds = (time.perf_counter() - began) / len(seeds)
        for i, (seed, image) in enumerate(zip(seeds, pictures, strict=True)):
            yield Drawn(image, i, seed, self.name, model.hash, self.settings(), seconds)

    def _painting(self, request: DrawRequest, seeds: list[int]) -> Painting:
        from ..backbones.diffusion import Painting

        model, config = cast("Diffusion", self.model), cast(ReferencesConfig, self.config)
        borrowed = [request.borrow] if request.borrow is not None else []
        # What is edited counts as the first picture; what is borrowed from comes right after it.
        first = 1 + (request.source is not None) + len(borrowed)
        room = model.most_references - len(borrowed)
        shown = share(request.subjects, room, config.per_subject)
        counts = [len(pictures) for pictures in shown]
        prompt = named(request.prompt, request.subjects, counts, first, model.calls_pictures)
        if borrowed:
            prompt += f", taken from {model.calls_pictures.format(first - 1)}"
        return Painting(
            prompt, source=request.source, references=(*borrowed, *(p for pictures in shown for p in pictures)),
            size=None if request.source is not None else size_of(request.size, model.side), steps=config.steps,
            guidance=config.guidance, seeds=tuple(seeds), mask=request.free if "inpaint" in model.takes else None,
        )  # fmt: skip


def share(subjects: tuple[SubjectInput, ...], room: int, most: int) -> list[tuple[Image, ...]]:
    """Each subject's references that are shown: in turn, as long as there is room."""
    counts = [0] * len(subjects)
    for wanted in range(1, most + 1):
        for i, subject in enumerate(subjects):
            if sum(counts) < room and len(subject.references) >= wanted:
                counts[i] = wanted
    return [subject.references[:count] for subject, count in zip(subjects, counts, strict=True)]


def named(prompt: str, subjects: tuple[SubjectInput, ...], counts: list[int], first: int, calls: str) -> str:
    """The prompt with every name replaced by what is to be seen: "the dog from image 2 and image 3"."""
    number, told = first, []
    for subject, count in zip(subjects, counts, strict=True):
        places = [calls.format(n) for n in range(number, number + count)]
        number += count
        told.append(f"the {subject.kind}" + (f" from {' and '.join(places)}" if places else ""))
    # All names at once, the longest first: what stands for one must not be read as another.
    phrases = {subject.name.lower(): phrase for subject, phrase in zip(subjects, told, strict=True)}
    if phrases:
        names = "|".join(re.escape(name) for name in sorted(phrases, key=len, reverse=True))
        pattern = re.compile(rf"(?<!\w)(?:{names})(?!\w)", re.IGNORECASE)
        prompt = pattern.sub(lambda found: phrases[found[0].lower()], prompt)
    lasting = [
        f"{phrase} has {', '.join(subject.attributes)}"
        for subject, phrase in zip(subjects, told, strict=True)
        if subject.attributes
    ]
    return ". ".join([prompt, *lasting])


def size_of(size: str | int, side: int) -> tuple[int, int]:
    """Width and height in pixels of "square", "portrait", "landscape" or a side."""
    if isinstance(size, int):
        return size, size
    wide, high = SHAPES.get(size, (1.0, 1.0))
    return round(side * wide), round(side * high)
