"""The loaded models of one preset, and everything the tools ask of them.

Nothing heavy is imported or loaded before it is needed; what is loaded stays until `close`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..errors import ModelError, NotFound, UserError
from ..memory.events import Progress
from ..memory.values import Scores
from .admission import admitted
from .backbones import Backbone, backbones, weights_hash
from .company import described
from .figures import Figures
from .images import smaller, square, square_mask
from .machine import Machine, Placement, out_of_memory
from .method import Method
from .methods import methods
from .parts import coloured
from .presets import ModelSpec, Preset
from .shelf import Shelf
from .subject import LEAST_SHARE, crop_subject, foreground_share
from .values import Drawn, DrawRequest, MethodInfo, Prepared, SubjectInput
from .variety import words_of
from .words import known_part, unknown_words

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from .backbones.autoregressive import Autoregressive
    from .backbones.clip import Clip
    from .backbones.segmenting import Segmenter
    from .scoring.scorer import Scorer
    from .training.lesson import Lesson

T = TypeVar("T")
SEEDS = 2**32
WORLD_ERROR = 0.01
"""Mean squared error (of values 0..1) through the tokenizer above which a picture is not of the models' world."""


class Studio:
    """Models by role, methods by name."""

    def __init__(self, preset: Preset, here: Machine | None = None) -> None:
        """`here`: the machine to fit the models to; `None` looks."""
        self.preset = preset
        self.shelf = Shelf(preset, here, self._forget)
        self._methods: dict[str, Method] = {}

    # Models

    def spec(self, role: str) -> ModelSpec:
        """The preset's model for `role`. Raises `ModelError` where it has none."""
        return self.shelf.spec(role)

    def backbone(self, role: str) -> Backbone:
        """The loaded model of `role`."""
        return self.shelf.get(role)

    def _forget(self, role: str) -> None:
        """A model leaves the memory, and the methods that hold it with it."""
        for name, made in methods().items():
            kinds = {made.backbone, *([methods()[made.follows].backbone] if made.follows else [])}
            if role in kinds:
                self._methods.pop(name, None)

    @property
    def encoder(self) -> Clip:
        """The scorers' encoder."""
        return self.backbone("encoder")  # type: ignore[return-value]

    @property
    def segmenter(self) -> Segmenter:
        """What finds subjects."""
        return self.backbone("segmenter")  # type: ignore[return-value]

    @cached_property
    def space(self) -> str:
        """Name of the embedding space: family and weights of the encoder."""
        spec = self.shelf.present("encoder")
        return f"{spec.family}-{weights_hash(spec.weights)}"

    @cached_property
    def kept_spaces(self) -> tuple[str, ...]:
        """Names of what the preset's models hear of references and is kept with concepts; loads nothing."""
        known = backbones()
        specs = [spec for spec in self.preset.models.values() if spec.family in known]
        return tuple(space for spec in specs if (space := known[spec.family].space_of(spec.folder, spec.settings)))

    def kept(self, subject: SubjectInput) -> dict[str, np.ndarray]:
        """What the methods have computed of a subject and is worth keeping with the concept, by space."""
        return {space: array for method in self._methods.values() for space, array in method.kept(subject).items()}

    def model_hash(self, method: str) -> str:
        """Hash of the weights that `method` draws with."""
        return weights_hash(self.shelf.present(self._class(method).backbone).weights)

    def close(self) -> None:
        """Gives all models' memory back."""
        self._methods.clear()
        self.shelf.close()

    def give_way(self, method: str) -> None:
        """Gives memory back where a training, in a process of its own, has no room beside what is loaded here."""
        from .trainable import training_bytes

        if not self.shelf.has_room(training_bytes(self.preset, method, self.shelf.here)):
            self.close()

    # Methods

    def methods(self) -> list[MethodInfo]:
        """Every registered method and whether this preset can run it; loads nothing."""
        return admitted(self.preset)

    def _class(self, name: str) -> type[Method]:
        if name not in methods():
            raise NotFound(f"There is no method {name!r}.", f"Known are: {', '.join(methods())}.")
        return methods()[name]

    def method(self, name: str) -> Method:
        """The method with this preset's settings, its model loaded."""
        if name not in self._methods:
            made = self._class(name)
            info = next(m for m in self.methods() if m.name == name)
            if not info.available:
                raise UserError(f"The method {name!r} cannot be used: {info.why}.")
            names = {f.name for f in fields(made.Config)}
            # A model's precision is that of its weights, a training's another thing.
            settings = self.spec(made.backbone).settings.items()
            beside = {k: v for k, v in settings if k in names and k not in Placement.__dataclass_fields__}
            own = {k: v for k, v in self.preset.training.get(name, {}).items() if k in names}
            config = made.Config(**{**beside, **own})
            method = made(self.backbone(made.backbone), config)
            if made.follows:
                method.before, method.again = partial(self.method, made.follows), partial(self.method, name)
            self._methods[name] = method
        return self._methods[name]

    def _choose(self, request: DrawRequest) -> str:
        """The method for `request`: the named one, or with "auto" the preset's first that can do it."""
        if request.method != "auto":
            return request.method
        if able := [info.name for info in self.able(request) if "trained" not in info.capabilities]:
            return able[0]
        raise UserError(f"The preset {self.preset.name!r} has no method that can do this.", "Choose another preset.")

    def able(self, request: DrawRequest) -> list[MethodInfo]:
        """The methods that can do what `request` asks, in the preset's order: the cheapest first."""
        needed = {"edit" if request.source is not None else "draw"}
        needed |= {"several"} if len(request.subjects) > 1 else set()
        every = [info for info in self.methods() if info.available]
        found = [info for info in every if needed <= info.capabilities]
        if not request.subjects:
            # A method for subjects need not be able to draw from words alone.
            found = [info for info in found if "words" in info.capabilities] or found
        found = sorted(found, key=lambda info: self._rank(info.name))
        dressers = [info for info in every if "dress" in info.capabilities]
        if not dressers or not self.figures.to_paint(request):
            return found
        return [*dressers, *(info for info in found if info not in dressers)]

    def ready(self, info: MethodInfo, subject: SubjectInput) -> bool:
        """Whether a method can draw `subject` at once: it needs no training, or has an adapter for these weights."""
        if "trained" not in info.capabilities:
            return True
        here = [adapter for adapter in subject.adapters if adapter.method == info.name]
        return any(adapter.model == self.model_hash(info.name) for adapter in here)

    def _rank(self, name: str) -> int:
        return self.preset.methods.index(name) if name in self.preset.methods else len(self.preset.methods)

    def draw(self, request: DrawRequest, cancelled: Callable[[], bool]) -> Iterator[Progress | Drawn]:
        """Draws `request.count` candidates. Stops without a picture as soon as `cancelled()` is true."""
        if request.seed is not None and not 0 <= request.seed < SEEDS:
            raise UserError(f"The seed must lie between 0 and {SEEDS - 1}, not {request.seed}.")
        first = random.randrange(SEEDS) if request.seed is None else request.seed
        seeds = [(first + i) % SEEDS for i in range(request.count)]
        name = self._choose(request)
        if not request.subjects and request.source is None:
            request = replace(request, prompt=described(request.prompt, self.preset.scenes.get("looks", ())))
        if self.preset.words is not None:
            names = [subject.name for subject in request.subjects]
            kinds = [subject.kind for subject in request.subjects]
            if request.source is not None:
                names += coloured(request.prompt, names, self.figures.parts)
            request = replace(request, prompt=known_part(request.prompt, [*names, *kinds], self.preset.words))
        for prompt, some in self._prompts(request):
            yield from self._drawn(name, replace(request, prompt=prompt), seeds, some, cancelled)

    def _prompts(self, request: DrawRequest) -> Iterator[tuple[str, range]]:
        """What the candidates are drawn from, and which ones (from 0): the same for all, but for `preset.varied_by`."""
        count, figures = request.count, len(request.subjects)
        numbers = range(request.number, request.number + count)
        more = [words_of(number, request.prompt, self.preset.varied_by, figures) for number in numbers]
        if request.source is not None or not any(more):
            yield request.prompt, range(count)
            return
        for i, words in enumerate(more):
            yield " ".join(filter(None, (request.prompt, words))), range(i, i + 1)

    def _drawn(
        self, name: str, request: DrawRequest, seeds: list[int], some: range, cancelled: Callable[[], bool]
    ) -> Iterator[Progress | Drawn]:
        """The pictures `some`; where the memory is not enough, the rest of them with the model one step lighter."""
        done = some.start
        while True:
            try:
                method = self.method(name)
                first, *more = self.figures.in_turn(request) if "dress" in method.capabilities else [request]
                for item in self.finished(method, first, seeds[done : some.stop], cancelled):
                    if isinstance(item, Drawn):
                        for order in more:
                            again = replace(order, source=item.image)
                            found = (*self.finished(method, again, [item.seed], cancelled), item)
                            item = next(made for made in found if isinstance(made, Drawn))
                        item, done = replace(item, index=done), done + 1
                    yield item
                return
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
            # Only here: as long as the error lived, what it tells of held the model.
            if not (said := self.shelf.lighten(self._class(name).backbone)):
                hint = "Wait for a training to end, close what else uses it, or choose a smaller preset."
                raise ModelError("The memory is not enough for this model.", hint)
            yield Progress(said, 0, None)

    def finished(
        self, method: Method, request: DrawRequest, seeds: list[int], cancelled: Callable[[], bool]
    ) -> Iterator[Progress | Drawn]:
        """A method's pictures with what is looked at before and put back after them."""
        seen = self.figures.looked_at(request, method)
        told = replace(request, whose=seen.whose, scene=seen.scene, emptied=seen.emptied)
        for item in method.generate(seen, seeds, cancelled):
            yield self.figures.kept(told, item, method) if isinstance(item, Drawn) else item

    def lesson(
        self, subject: SubjectInput, folder: Path, priors: Path, seconds: float | None, cancelled: Callable[[], bool]
    ) -> Lesson:
        """What a method's `fit` is given. `folder`: of this training; `priors`: where prior pictures are kept."""
        from .training.lesson import Lesson
        from .training.scenes import Captioner, Scenes

        captioner = Captioner(Scenes.of(self.preset.scenes), self.embed_images, self.embed_texts)
        return Lesson(subject, folder, priors, captioner, self.score, self.mask, cancelled, seconds)

    # References, words and scores

    @cached_property
    def figures(self) -> Figures:
        """What stands in pictures that are edited."""
        return Figures(self)

    @property
    def segments(self) -> bool:
        """Whether the preset has a segmentation model; without one, masks are rough."""
        return self.preset.segments

    @property
    def _segment(self) -> Callable[[Image], Image] | None:
        return self._cut_out if self.segments else None

    def _cut_out(self, image: Image) -> Image:
        return self._looked("segmenter", lambda: self.segmenter.mask(image))

    def _looked(self, role: str, look: Callable[[], T]) -> T:
        """What a scorer sees; where the memory is not enough for it beside what draws, on the processor."""
        try:
            return look()
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
        if not self.shelf.to_processor(role):
            raise ModelError("The memory is not enough to look at pictures.", "Close what else uses it.")
        return look()

    def mask(self, image: Image) -> Image:
        """The subject's mask: by the preset's model where it has one, else the classical way.

        Also of drawn pictures: they are compared with references that the same model cut out, and where the classical
        way fails, which is quicker, the ladder would draw again, which takes longer than any model that looks.
        """
        from . import photographs

        return self._cut_out(image) if self.segments else photographs.subject_mask(image)

    def worn(self, image: Image) -> Image | None:
        """Mask of what the subjects wear and hold; `None` where the preset has no model that tells."""
        return self.segmenter.worn(image) if self.segments else None

    def prepare(self, image: Image) -> Prepared:
        """Finds the subject of a reference picture; a photograph is cropped to it."""
        from . import photographs

        if self.preset.words is None:
            return photographs.prepare(image, self._segment)
        if not self.of_this_world(image):
            return replace(photographs.prepare(image), storybook=False)
        mask = self._cut_out(image)
        return Prepared(image, mask if foreground_share(mask) >= LEAST_SHARE else None)

    def of_this_world(self, image: Image) -> bool:
        """Whether the preset's models know this sort of picture: their tokenizer carries it well."""
        if self.preset.words is None or "ar" not in self.preset.models:
            return True
        from .pixels import to_tensor

        model: Autoregressive = self.backbone("ar")  # type: ignore[assignment]
        pixels = to_tensor(square(smaller(image, 8 * model.side), model.side))
        made = model.decode_tokens(model.encode(pixels)).cpu()
        return float(((made - pixels) / 2).square().mean()) < WORLD_ERROR

    def embed_images(self, images: Sequence[Image], masks: Sequence[Image | None] = ()) -> np.ndarray:
        """Unit embeddings `[n, d]` float32 of the subjects in `images`, or of whole pictures where no mask is known."""
        side = self.encoder.side
        cut = []
        for i, image in enumerate(images):
            mask = masks[i] if i < len(masks) else None
            small = square(image.convert("RGB"), side)
            cut.append(crop_subject(small, None if mask is None else square_mask(mask, side), side))
        return self._looked("encoder", lambda: self.encoder.images(cut))

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Unit embeddings `[n, d]` float32."""
        return self._looked("encoder", lambda: self.encoder.texts(texts))

    def unknown_words(self, prompt: str, names: Sequence[str]) -> list[str]:
        """Words of `prompt` that the loaded models cannot draw, in its order; none for open vocabularies."""
        return [] if self.preset.words is None else unknown_words(prompt, names, self.preset.words)

    @cached_property
    def scorer(self) -> Scorer:
        """What measures pictures."""
        from .scoring.scorer import Scorer

        return Scorer(self.preset, self.embed_images, self.embed_texts, self.mask, self.worn)

    def score(self, image: Image, subjects: Sequence[SubjectInput], prompt: str, **told: bool) -> Scores:
        """Subject fidelity, text alignment and copying of a picture; see `Scorer.score`."""
        return self.scorer.score(image, subjects, prompt, **told)
