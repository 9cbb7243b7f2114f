"""In-context generation: references and the picture being edited stand in the prompt of an autoregressive model.

Training-free inversion in token space (Decade Survey, "token space"; the outlook of arXiv 2405.05538, section 9, on
multimodal autoregressive models): the subject is what the model sees before it draws.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from ...memory.events import Progress
from ..edits import put_back
from ..images import square, square_mask
from ..method import Cancelled, Inversion, Method, MethodConfig, Space
from ..subject import crop_subject
from ..values import Drawn, DrawRequest, SubjectInput

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from ..backbones.autoregressive import Autoregressive, Segment
    from ..nn.decode import Prefix

KEPT = 16
"""Subjects whose keys and values are kept for the next picture."""
PREVIEW_EVERY = 16
OPEN = 0.25
"""Part of a token's square from which up it lies within what may change."""
HOLDING = 2
"""So many times `keep` counts where an edit has gone too far before."""


@dataclass(frozen=True)
class InContextConfig(MethodConfig):
    """Sampling of tokens; `references` is the most of a subject's references that enter the prompt.

    `keep` favours the tokens of the picture being edited (see `nn.sampling.Sampling`). With `own_reference` the figure
    in it, cut out, is shown as a reference of its own where none of the references shows it: tokens say where what is,
    references say who it is. With `flat_colours` the model makes drawings, and an edit of a colour moves whole colours.
    """

    guidance: float = 3.0
    edit_guidance: float = 1.5
    keep: float = 0.0
    temperature: float = 0.9
    top_k: int = 0
    top_p: float = 1.0
    references: int = 3
    own_reference: bool = False
    flat_colours: bool = False


class InContext(Method):
    """Shows the references to the model and lets it draw."""

    name: ClassVar[str] = "in_context"
    summary: ClassVar[str] = "draws at once with the references in the model's context, without training"
    space: ClassVar[Space] = "token"
    inversion: ClassVar[Inversion] = "training-free"
    scheme: ClassVar[str] = "in-context"
    backbone: ClassVar[str] = "ar"
    capabilities: ClassVar[frozenset[str]] = frozenset({"draw", "edit", "several", "words", "ar"})
    Config: ClassVar[type[MethodConfig]] = InContextConfig

    def __init__(self, backbone: Autoregressive, config: MethodConfig) -> None:
        super().__init__(backbone, config)
        self._prefixes: OrderedDict[str, Prefix] = OrderedDict()

    @property
    def looks_closer(self) -> bool:
        return cast(InContextConfig, self.config).own_reference

    @property
    def flat_colours(self) -> bool:
        return cast(InContextConfig, self.config).flat_colours

    def generate(self, request: DrawRequest, seeds: list[int], cancelled: Cancelled) -> Iterator[Progress | Drawn]:
        from ..nn.sampling import Sampling
        from ..pixels import to_picture, to_tensor

        model, config = cast("Autoregressive", self.model), cast(InContextConfig, self.config)
        began = time.perf_counter()
        source = original = None
        if request.source is not None:
            original = square(request.source, model.side)
            source = model.encode(to_tensor(original))[0]
        conditional, unconditional = self._prompts(request, source)
        guidance = config.guidance if source is None else config.edit_guidance
        held = None if request.free is None else self._held(request.free)
        keep = config.keep if request.within is None else HOLDING * config.keep
        sampling = Sampling(guidance, config.temperature, config.top_k, config.top_p, keep)
        tokens = None
        for step, tokens in enumerate(model.tokens(conditional, unconditional, seeds, sampling, source, held), 1):
            if cancelled():
                return
            preview = self._preview(tokens, step) if step % PREVIEW_EVERY == 0 and step < model.steps else None
            spent = time.perf_counter() - began
            yield Progress("drawing", step, model.steps, spent / step * (model.steps - step), preview)
        assert tokens is not None
        pictures = model.decode_tokens(tokens)
        seconds = (time.perf_counter() - began) / len(seeds)
        rebuilt = to_picture(model.decode_tokens(source[None])[0]) if source is not None else None
        for i, seed in enumerate(seeds):
            image, settings = to_picture(pictures[i]), self.settings()
            if original is not None and rebuilt is not None:
                edited = put_back(original, rebuilt, image)
                image, settings["changed"] = edited.image, edited.changed
            yield Drawn(image, i, seed, self.name, model.hash, settings, seconds)

    def _prompts(self, request: DrawRequest, source: Tensor | None) -> tuple[Prefix, Prefix]:
        """What the model is asked, and the same without subjects and words."""
        from ..backbones.autoregressive import request_part

        model = cast("Autoregressive", self.model)
        slots = [model.marks.concept.format(i) for i in range(model.most_subjects)]
        own = self._itself(request)
        first = len(own)  # the figure that stands in the picture comes before those who come in
        subjects = request.subjects if request.source is not None else by_mention(request.prompt, request.subjects)
        subjects = subjects[: model.most_subjects - first]
        text = slotted(request.prompt, subjects, slots[first:])
        shown = self._read((*own, *subjects)) if own else self._subjects(subjects)
        return (
            model.read(request_part(text, source, model.marks), shown),
            model.read(request_part("", source, model.marks), self._subjects(())),
        )

    def _held(self, within: Image) -> Tensor:
        """Which of the picture's tokens (bool `[n]`, row by row) are to stay: little of them lies in the mask."""
        import torch

        model = cast("Autoregressive", self.model)
        side = round(model.steps**0.5)
        inside = torch.tensor(list(square_mask(within, side).tobytes()), dtype=torch.uint8)
        return inside < 255 * OPEN

    def _itself(self, request: DrawRequest) -> tuple[SubjectInput, ...]:
        """The figure of the picture being edited as a reference of its own, where it is known."""
        if request.source is None or request.source_mask is None:
            return ()
        return (SubjectInput("", "", (request.source,), (request.source_mask,)),)

    def _read(self, subjects: tuple[SubjectInput, ...]) -> Prefix:
        """The subjects' part of the prompt."""
        from ..backbones.autoregressive import Text

        model = cast("Autoregressive", self.model)
        segments: list[Segment] = [Text(model.marks.begin)]
        for i, subject in enumerate(subjects):
            segments += self.shown(i, subject)
        return model.read(segments)

    def _subjects(self, subjects: tuple[SubjectInput, ...]) -> Prefix:
        """The same, read once and kept while it is in use."""
        key = "+".join(s.key or f"{s.name}:{id(s)}" for s in subjects)
        if key in self._prefixes:
            self._prefixes.move_to_end(key)
            return self._prefixes[key]
        self._prefixes[key] = prefix = self._read(subjects)
        while len(self._prefixes) > KEPT:
            self._prefixes.popitem(last=False)
        return prefix

    def shown(self, index: int, subject: SubjectInput, without: int = -1) -> list[Segment]:
        """How subject number `index` stands in the prompt: its slot and its references, all but one if so asked."""
        from ..backbones.autoregressive import subject_part
        from ..pixels import to_tensor

        model, config = cast("Autoregressive", self.model), cast(InContextConfig, self.config)
        crops = [to_tensor(crop)[0] for crop in cut(subject, config.references, model.side)]
        if 0 <= without < len(crops) > 1:
            del crops[without]
        return subject_part(index, crops, model.marks)

    def _preview(self, tokens: Tensor, step: int) -> Image:
        """The first candidate so far, the rest filled with its last token."""
        from ..pixels import to_picture

        model = cast("Autoregressive", self.model)
        rest = tokens[:1, -1:].expand(1, model.steps - step)
        import torch

        return to_picture(model.decode_tokens(torch.cat([tokens[:1], rest], 1))[0])


def cut(subject: SubjectInput, most: int, side: int) -> list[Image]:
    """The subject's references at the size the model works at, cut out where a mask is known."""
    masks = subject.masks or (None,) * len(subject.references)
    pairs = list(zip(subject.references, masks, strict=True))[:most]
    return [
        crop_subject(square(image, side), None if mask is None else square_mask(mask, side), side)
        for image, mask in pairs
    ]


def by_mention(prompt: str, subjects: Sequence[SubjectInput]) -> tuple[SubjectInput, ...]:
    """The subjects in the order in which the prompt names them; those it does not name come last."""

    def place(subject: SubjectInput) -> int:
        found = re.search(rf"(?<!\w){re.escape(subject.name)}(?!\w)", prompt, re.IGNORECASE)
        return found.start() if found else len(prompt)

    return tuple(sorted(subjects, key=place))


def slotted(prompt: str, subjects: tuple[SubjectInput, ...], slots: Sequence[str] = ()) -> str:
    """The prompt with every subject's name replaced by its slot, and its lasting attributes named."""
    text = prompt
    for i, subject in enumerate(subjects):
        slot = slots[i] if slots else f"<concept_{i}>"
        pattern = re.compile(rf"(?<!\w){re.escape(subject.name)}(?!\w)", re.IGNORECASE)
        text, found = pattern.subn(slot, text)
        if not found and len(subjects) == 1:
            owned = re.compile(rf"(?<!\w)(?:my|our|the)\s+{re.escape(subject.kind)}(?!\w)", re.IGNORECASE)
            text = owned.sub(slot, text)
        if subject.attributes:
            text = f"{text}, {slot} with {', '.join(subject.attributes)}"
    return text
