"""The loaded models of one preset, and everything the tools ask of them.

Nothing heavy is imported or loaded before it is needed; what is loaded stays until `close`.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import ModelError, NotFound, UserError
from ..memory.events import Progress
from ..memory.values import Scores
from .backbones import Backbone, backbones, weights_hash
from .images import square
from .method import Method
from .methods import methods
from .presets import ModelSpec, Preset
from .subject import crop_subject, foreground_share
from .values import Drawn, DrawRequest, MethodInfo, Prepared, SubjectInput
from .words import known_part, unknown_words

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from .backbones.autoregressive import Autoregressive
    from .backbones.clip import Clip
    from .backbones.segformer import Segformer

SEEDS = 2**32
LEAST_SHARE = 0.02
"""A subject that covers less of a picture counts as not found."""
WORLD_ERROR = 0.01
"""Mean squared error (of values 0..1) through the tokenizer above which a picture is not of the models' world."""


class Studio:
    """Models by role, methods by name."""

    def __init__(self, preset: Preset, device: str = "cpu") -> None:
        self.preset, self.device = preset, device
        self._loaded: dict[str, Backbone] = {}
        self._methods: dict[str, Method] = {}

    # Models

    def spec(self, role: str) -> ModelSpec:
        """The preset's model for `role`. Raises `ModelError` where it has none."""
        if role not in self.preset.models:
            raise ModelError(f"The preset {self.preset.name!r} has no {role} model.", "Choose another preset.")
        return self.preset.models[role]

    def backbone(self, role: str) -> Backbone:
        """The loaded model of `role`."""
        if role not in self._loaded:
            spec = self.spec(role)
            known = backbones()
            if spec.family not in known:
                raise ModelError(f"There is no model family {spec.family!r}.", f"Known are: {', '.join(known)}.")
            self._prepare_libraries()
            self._loaded[role] = known[spec.family].load(spec.folder, self.device, spec.settings)
        return self._loaded[role]

    def _prepare_libraries(self) -> None:
        """No network, no telemetry, no progress bars of the libraries' own; as many threads as the preset says."""
        for switch in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_PROGRESS_BARS"):
            os.environ.setdefault(switch, "1")
        import torch
        from transformers.utils import logging

        logging.disable_progress_bar()

        # Small models are several times faster on one thread than on all of a busy machine.
        if self.preset.threads and torch.get_num_threads() != self.preset.threads:
            torch.set_num_threads(self.preset.threads)

    @property
    def encoder(self) -> Clip:
        """The scorers' encoder."""
        return self.backbone("encoder")  # type: ignore[return-value]

    @property
    def segmenter(self) -> Segformer:
        """What finds subjects."""
        return self.backbone("segmenter")  # type: ignore[return-value]

    @cached_property
    def space(self) -> str:
        """Name of the embedding space: family and weights of the encoder."""
        spec = self.spec("encoder")
        return f"{spec.family}-{weights_hash(spec.folder)}"

    def model_hash(self, method: str) -> str:
        """Hash of the weights that `method` draws with."""
        return weights_hash(self.spec(self._class(method).backbone).folder)

    def close(self) -> None:
        """Gives all models' memory back."""
        self._methods.clear()
        for model in self._loaded.values():
            model.free()
        self._loaded.clear()

    # Methods

    def methods(self) -> list[MethodInfo]:
        """Every registered method and whether this preset can run it; loads nothing."""
        found = []
        for name, made in methods().items():
            why = ""
            if name not in self.preset.methods:
                why = f"the preset {self.preset.name} does not use it"
            elif made.backbone not in self.preset.models:
                why = f"the preset {self.preset.name} has no {made.backbone} model"
            found.append(MethodInfo(name, made.summary, made.capabilities, not why, why))
        return found

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
            settings = self.spec(made.backbone).settings
            config = made.Config(**{k: v for k, v in settings.items() if k in names})
            self._methods[name] = made(self.backbone(made.backbone), config)
        return self._methods[name]

    def _choose(self, request: DrawRequest) -> str:
        """The method for `request`: the named one, or with "auto" the preset's first that can do it."""
        if request.method != "auto":
            return request.method
        needed = {"edit"} if request.source is not None else {"draw"}
        for info in sorted(self.methods(), key=lambda m: self._rank(m.name)):
            if info.available and needed <= info.capabilities:
                return info.name
        raise UserError(f"The preset {self.preset.name!r} has no method that can do this.", "Choose another preset.")

    def _rank(self, name: str) -> int:
        return self.preset.methods.index(name) if name in self.preset.methods else len(self.preset.methods)

    def draw(self, request: DrawRequest, cancelled: Callable[[], bool]) -> Iterator[Progress | Drawn]:
        """Draws `request.count` candidates. Stops without a picture as soon as `cancelled()` is true."""
        if request.seed is not None and not 0 <= request.seed < SEEDS:
            raise UserError(f"The seed must lie between 0 and {SEEDS - 1}, not {request.seed}.")
        first = random.randrange(SEEDS) if request.seed is None else request.seed
        seeds = [(first + i) % SEEDS for i in range(request.count)]
        method = self.method(self._choose(request))
        if self.preset.words is not None:
            names = [subject.name for subject in request.subjects]
            kinds = [subject.kind for subject in request.subjects]
            request = replace(request, prompt=known_part(request.prompt, [*names, *kinds], self.preset.words))
        yield from method.fit(request, cancelled)
        yield from method.generate(request, seeds, cancelled)

    # References, words and scores

    def prepare(self, image: Image) -> Prepared:
        """Finds the subject of a reference picture."""
        mask = self.segmenter.mask(image)
        known = self._of_this_world(image)
        found = known and foreground_share(mask) >= LEAST_SHARE
        return Prepared(image, mask if found else None, known)

    def _of_this_world(self, image: Image) -> bool:
        """Whether the preset's models know this sort of picture: their tokenizer carries it well."""
        if self.preset.words is None or "ar" not in self.preset.models:
            return True
        from .pixels import to_tensor

        model: Autoregressive = self.backbone("ar")  # type: ignore[assignment]
        pixels = to_tensor(square(image, model.side))
        made = model.decode_tokens(model.encode(pixels))
        return float(((made - pixels) / 2).square().mean()) < WORLD_ERROR

    def embed_images(self, images: Sequence[Image], masks: Sequence[Image | None] = ()) -> np.ndarray:
        """Unit embeddings `[n, d]` float32 of the subjects in `images`, or of whole pictures where no mask is known."""
        from .methods.in_context import square_mask

        side = self.encoder.side
        cut = []
        for i, image in enumerate(images):
            mask = masks[i] if i < len(masks) else None
            small = square(image.convert("RGB"), side)
            cut.append(crop_subject(small, None if mask is None else square_mask(mask, side), side))
        return self.encoder.images(cut)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Unit embeddings `[n, d]` float32."""
        return self.encoder.texts(texts)

    def unknown_words(self, prompt: str, names: Sequence[str]) -> list[str]:
        """Words of `prompt` that the loaded models cannot draw, in its order; none for open vocabularies."""
        return [] if self.preset.words is None else unknown_words(prompt, names, self.preset.words)

    def score(self, image: Image, subjects: Sequence[SubjectInput], prompt: str) -> Scores:
        """Raw similarities of a picture to its subjects and its prompt, each in 0..1."""
        text = self._text_score(image, subjects, prompt) if prompt.strip() else None
        return Scores(subject=self._subject_score(image, subjects), text=text)

    def _text_score(self, image: Image, subjects: Sequence[SubjectInput], prompt: str) -> float:
        from .scoring.raw import text_similarity

        for subject in subjects:
            pattern = re.compile(rf"(?<!\w){re.escape(subject.name)}(?!\w)", re.IGNORECASE)
            prompt = pattern.sub(f"the {subject.kind}", prompt)
        return text_similarity(self.embed_images([image])[0], self.embed_texts([prompt])[0])

    def _subject_score(self, image: Image, subjects: Sequence[SubjectInput]) -> float | None:
        """The least well met subject's similarity; `None` where no figure is found or nothing can be compared."""
        import numpy as np
        from PIL import Image as Images

        from .scoring.raw import best_assignment, regions, subject_similarity

        known = [s for s in subjects if s.references and any(m is not None for m in s.masks)]
        mask = np.asarray(self.segmenter.mask(image)) > 127
        if not known or mask.mean() < LEAST_SHARE:
            return None
        parts = [Images.fromarray(part.astype("uint8") * 255) for part in regions(mask, len(known))]
        if len(parts) < len(known):
            return 0.0
        found = self.embed_images([image] * len(parts), parts)
        table = np.array([[subject_similarity(f, self._references(s)) for f in found] for s in known])
        return float(min(table[i, j] for i, j in enumerate(best_assignment(table))))

    def _references(self, subject: SubjectInput) -> np.ndarray:
        """Embeddings of a subject's references, computed once a version."""
        cache: dict[Any, np.ndarray] = self.__dict__.setdefault("_embedded", {})
        key = subject.key or id(subject)
        if key not in cache:
            cache[key] = self.embed_images(subject.references, subject.masks)
        return cache[key]
