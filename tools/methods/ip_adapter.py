"""IP-Adapter: what an image encoder sees of the references is attended to beside the words.

Learned once for all subjects, nothing is trained for a new one (Ye et al. 2023, arXiv 2308.06721; Decade Survey,
"feature space", learning-based inversion). Several references are heard together; several subjects each in a region of
the picture; by block only the arrangement or only the look (Wang et al. 2024, arXiv 2404.02733, InstantStyle).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ...memory.events import Progress
from ..apart import apart
from ..edits import put_back
from ..images import square, square_mask
from ..method import Cancelled, Inversion, Method, MethodConfig, Space
from ..scoring.reach import around
from ..values import Drawn, DrawRequest, SubjectInput
from .in_context import by_mention, cut, slotted

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from ..backbones.diffusion import Diffusion, Painting, Subject

KEPT = 64
"""Subjects whose embeddings stay in memory."""
BLOCKS: dict[str, tuple[str, ...]] = {"all": (), "layout": ("down", "mid"), "look": ("up",)}
"""Which parts of the U-Net hear the references."""


@dataclass(frozen=True)
class IpAdapterConfig(MethodConfig):
    """How the model is sampled; see `backbones.diffusion.Painting`."""

    steps: int = 12
    guidance: float = 3.0
    guided: float = 1.0
    adapter_scale: float = 1.0
    blocks: str = "all"
    references: int = 4
    """The most of a subject's references that are heard."""
    strength: float = 0.75
    """How much an edit may change."""
    near: float = 0.4
    """How far round a figure that is to wear something else it is painted anew, as a part of its longer side."""
    preview_every: int = 6
    slots: tuple[str, ...] = ()
    """What subjects are called in the model's captions, in order; empty: by their class noun."""
    sharing: str = "{}"
    """What subjects who share a picture are called in the words for their part of it, where that differs."""


class IpAdapter(Method):
    """Lets the model hear the references while it draws."""

    name: ClassVar[str] = "ip_adapter"
    summary: ClassVar[str] = "draws at once by diffusion with a pre-trained image adapter, without training"
    space: ClassVar[Space] = "feature"
    inversion: ClassVar[Inversion] = "learning"
    scheme: ClassVar[str] = "cross-attention"
    backbone: ClassVar[str] = "diffusion"
    needs: ClassVar[frozenset[str]] = frozenset({"ip_adapter"})
    capabilities: ClassVar[frozenset[str]] = frozenset({"draw", "edit", "dress", "several", "words", "pta"})
    Config: ClassVar[type[MethodConfig]] = IpAdapterConfig

    def __init__(self, backbone: Diffusion, config: MethodConfig) -> None:
        super().__init__(backbone, config)
        self._heard: OrderedDict[str, np.ndarray] = OrderedDict()

    def generate(self, request: DrawRequest, seeds: list[int], cancelled: Cancelled) -> Iterator[Progress | Drawn]:
        painting = self.painting(request, seeds)
        if not self._dresses(request):
            yield from self.paint(painting, cancelled)
            return
        model = cast("Diffusion", self.model)
        source = square(cast("Image", request.source), model.side)
        rebuilt, painting = model.rebuilt(source), self._dressing(request, painting)
        for item in self.paint(painting, cancelled):
            if isinstance(item, Drawn):
                edited = put_back(source, rebuilt, item.image, painting.mask)
                item = replace(item, image=edited.image, settings={**item.settings, "changed": edited.changed})
            yield item

    def _dresses(self, request: DrawRequest) -> bool:
        """Whether only what a figure wears is to change, so that only what is near it is painted."""
        known = request.source is not None and request.source_mask is not None and request.scene is not None
        model = cast("Diffusion", self.model)
        return known and model.adapted and "inpaint" in model.takes

    def _dressing(self, request: DrawRequest, painting: Painting) -> Painting:
        """The figure as its own reference, the words for the whole picture, and the mask of what is near the figure."""
        from PIL import ImageChops

        from ..backbones.diffusion import Subject

        model, config = cast("Diffusion", self.model), cast(IpAdapterConfig, self.config)
        assert request.source is not None and request.source_mask is not None and request.scene is not None
        kinds = [s.kind for s in request.subjects] or ["figure"]
        figure = SubjectInput("{}", kinds[0], (request.source,), (request.source_mask,))
        mask = square_mask(request.source_mask, model.side)
        left, top, right, bottom = mask.point(lambda v: 255 * (v > 127)).getbbox() or (0, 0, 0, 0)
        near = around(mask, round(config.near * max(right - left, bottom - top)))
        near = near if request.emptied is None else square_mask(request.emptied, model.side)
        free = request.free and square_mask(request.free, model.side)
        return replace(
            painting,
            prompt=request.scene.replace("{}", _names((figure,), config.slots)[0], 1),
            subjects=(Subject(model.image_embeddings(cut(figure, 1, model.side))),),
            mask=near if free is None else ImageChops.darker(near, free),
            strength=painting.strength if request.emptied is None else 1.0,
        )

    def paint(self, painting: Painting, cancelled: Cancelled) -> Iterator[Progress | Drawn]:
        """A painting's progress and pictures."""
        model = cast("Diffusion", self.model)
        began = time.perf_counter()
        for step in model.paint(painting):
            if cancelled():
                return
            spent = time.perf_counter() - began
            yield Progress("drawing", step.step, step.total, spent / step.step * (step.total - step.step), step.preview)
            for i, picture in enumerate(step.pictures):
                seconds = spent / len(painting.seeds)
                yield Drawn(picture, i, painting.seeds[i], self.name, model.hash, self.settings(), seconds)

    def painting(self, request: DrawRequest, seeds: Sequence[int]) -> Painting:
        """A request in the model's terms."""
        from ..backbones.diffusion import Painting

        model, config = cast("Diffusion", self.model), cast(IpAdapterConfig, self.config)
        subjects = by_mention(request.prompt, request.subjects)
        said = request.description if request.source is not None and request.description else request.prompt
        return Painting(
            prompt=called(said, subjects, config.slots),
            negative=", ".join(dict.fromkeys(n for s in subjects for n in s.negatives)),
            subjects=self._shown(subjects, said if request.source is None else ""),
            scale=scale_of(config.adapter_scale, config.blocks),
            source=request.source,
            strength=config.strength,
            mask=request.free if "inpaint" in model.takes else None,
            steps=config.steps,
            guidance=config.guidance,
            guided=config.guided,
            seeds=tuple(seeds),
            preview_every=config.preview_every,
        )

    def _shown(self, subjects: Sequence[SubjectInput], prompt: str) -> tuple[Subject, ...]:
        """The subjects with references; several share the picture from left to right in the order of their mention.

        Where `prompt` says something of one of them alone, each is painted from its own words.
        """
        from ..backbones.diffusion import Subject

        config = cast(IpAdapterConfig, self.config)
        known = [s for s in subjects if s.references]
        told = apart(prompt, [s.name for s in subjects]) if 1 < len(known) == len(subjects) else None
        parts = told or [(i, "") for i in range(len(known))]
        names = [config.sharing.format(name) for name in _names(subjects, config.slots)]
        regions = strips(len(known), cast("Diffusion", self.model).side)
        return tuple(
            Subject(
                self.heard(known[i])[: config.references],
                region,
                slotted(words, (known[i],), [names[i]]) if words else "",
            )
            for (i, words), region in zip(parts, regions, strict=True)
        )

    def heard(self, subject: SubjectInput) -> np.ndarray:
        """The embeddings of all the subject's references, from the concept or computed once."""
        model = cast("Diffusion", self.model)
        if model.space in subject.embeddings:
            return subject.embeddings[model.space]
        key = subject.key or f"{subject.name}:{id(subject)}"
        if key not in self._heard:
            crops = cut(subject, len(subject.references), model.side)
            self._heard[key] = model.image_embeddings(crops)
            while len(self._heard) > KEPT:
                self._heard.popitem(last=False)
        return self._heard[key]

    def kept(self, subject: SubjectInput) -> Mapping[str, np.ndarray]:
        found = self._heard.get(subject.key) if subject.key else None
        return {} if found is None else {cast("Diffusion", self.model).space: found}


def called(prompt: str, subjects: Sequence[SubjectInput], slots: Sequence[str]) -> str:
    """The prompt in the model's words."""
    return slotted(prompt, tuple(subjects), _names(subjects, slots))


def _names(subjects: Sequence[SubjectInput], slots: Sequence[str]) -> list[str]:
    """What the model calls the subjects: by slot and class, or by the class alone."""
    names = []
    for i, subject in enumerate(subjects):
        kind = "" if subject.kind == "thing" and slots else subject.kind
        slot = slots[min(i, len(slots) - 1)] if slots else ""
        names.append(f"the {kind} {slot}".replace("  ", " ").strip() if kind else slot)
    return names


def strips(count: int, side: int) -> list[Image | None]:
    """As many upright strips of a square as there are subjects, from the left; one subject has it all."""
    from PIL import Image as Images

    if count < 2:
        return [None] * count
    made: list[Image | None] = []
    for i in range(count):
        strip = Images.new("L", (side, side), 0)
        strip.paste(255, (i * side // count, 0, (i + 1) * side // count, side))
        made.append(strip)
    return made


def scale_of(scale: float, blocks: str) -> Any:
    """The adapter's strength for all of the U-Net or for those of its `BLOCKS`. Raises `ValueError` for others."""
    if blocks not in BLOCKS:
        raise ValueError(f"blocks must be one of {', '.join(BLOCKS)}, not {blocks!r}")
    return dict.fromkeys(BLOCKS[blocks], scale) or scale
