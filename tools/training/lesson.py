"""What a training is given: the subject, the measure, the words; and the examples that are made of them."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import UserError
from ...memory.events import Progress
from ...memory.files import replacing
from ..images import square, square_mask
from ..values import SubjectInput
from .pictures import Example, compose, cut_out, weights
from .scenes import Caption, Captioner, prior_scenes, probe_prompts

if TYPE_CHECKING:
    from PIL.Image import Image

    from ...memory.values import Scores
    from .config import TrainingConfig

Draw = Callable[[str, list[int]], Iterator["Image"]]
"""Draws one picture a seed from words that name no subject."""
PRIOR_SHARE = 0.25
"""Of the budget, that prior pictures may take; the rest is drawn by the next training."""


@dataclass
class Lesson:
    """One subject to be learned."""

    subject: SubjectInput
    folder: Path
    """Of this training: its checkpoint, the best adapter so far."""
    priors: Path
    """Where prior pictures are kept, of all trainings."""
    captioner: Captioner
    score: Callable[[Image, Sequence[SubjectInput], str], Scores]
    find: Callable[[Image], Image]
    """8-bit mask of the figures in a picture."""
    cancelled: Callable[[], bool]
    seconds: float | None = None
    """Budget for everything; `None`: as long as the method's steps take."""
    began: float = field(default_factory=time.monotonic)
    """`time.monotonic()` when the work on this subject began, the loading of the models included; the budget counts
    from there."""


@dataclass(frozen=True)
class Material:
    """What a training learns from and is measured with."""

    examples: tuple[Example, ...]
    probes: tuple[str, ...]
    noun: str
    """The class noun."""

    def groups(self) -> list[list[int]]:
        """Indices of references, of composed pictures and of priors."""
        kinds = ("reference", "composed", "prior")
        return [[i for i, e in enumerate(self.examples) if e.kind == kind] for kind in kinds]


def material(
    lesson: Lesson, config: TrainingConfig, side: int, model: str, draw: Draw
) -> Generator[Progress, None, Material]:
    """Makes the examples at `side` pixels. `model`: hash of the weights whose prior pictures are meant."""
    subject = lesson.subject
    if not subject.references:
        raise UserError(f"{subject.name} has no pictures to learn from.")
    pictures = [square(picture.convert("RGB"), side) for picture in subject.references]
    masks = [None if m is None else square_mask(m, side) for m in subject.masks or (None,) * len(pictures)]
    shown = lesson.captioner.captions(list(subject.references))
    noun = lesson.captioner.noun(subject.kind, subject.references, subject.masks)
    examples = []
    for i, (picture, mask, caption) in enumerate(zip(pictures, masks, shown, strict=True)):
        known = None if mask is None else np.asarray(mask) > 127
        weight = weights(known, side, config.background)
        if known is not None:
            caption = replace(caption, frame=lesson.captioner.frame(known))
        examples.append(Example(picture, weight, caption.of(subject.name), "reference", i))
    if config.priors:
        place = lesson.priors / model / (re_safe(noun) or "subject")
        priors = yield from prior_pictures(lesson, place, noun, config, draw)
        examples += _priors(priors, noun, side)
        examples += _composed(lesson, priors, list(zip(pictures, masks, strict=True)), side, config)
    probes = probe_prompts(subject.name, lesson.captioner.scenes, shown, config.probes, config.seed)
    return Material(tuple(examples), tuple(probes), noun)


def re_safe(noun: str) -> str:
    """A noun as a folder's name."""
    return "".join(c if c.isalnum() else "-" for c in noun.lower())[:60].strip("-")


def prior_pictures(
    lesson: Lesson, place: Path, noun: str, config: TrainingConfig, draw: Draw
) -> Generator[Progress, None, list[tuple[Image, Caption]]]:
    """Pictures of the class in different scenes, drawn once by the model and kept in `place`."""
    from PIL import Image as Images

    began = time.monotonic()
    scenes = prior_scenes(lesson.captioner.scenes, config.priors, config.seed)
    place.mkdir(parents=True, exist_ok=True)
    made = []
    for i in range(config.priors):
        # Another scene each time, as long as there are any: composed pictures differ by their scenes alone.
        scene, again = scenes[i % len(scenes)], i // len(scenes)
        file = place / f"{re_safe(scene.of(''))}-{again}.png"
        if not file.exists():
            late = lesson.seconds is not None and time.monotonic() - began > PRIOR_SHARE * lesson.seconds
            if late or lesson.cancelled():
                break
            yield Progress(f"drawing other {noun}s", i, config.priors)
            drawn = next(iter(draw(scene.of(f"a {noun}"), [config.seed * 1000 + i])), None)
            if drawn is None:
                break
            with replacing(file) as opened:
                drawn.save(opened, "PNG")
        with Images.open(file) as picture:
            made.append((picture.convert("RGB"), scene))
    return made


def _priors(priors: list[tuple[Image, Caption]], noun: str, side: int) -> list[Example]:
    return [
        Example(square(picture, side), weights(None, side, 1.0), scene.of(f"a {noun}"), "prior")
        for picture, scene in priors
    ]


def _composed(
    lesson: Lesson,
    priors: list[tuple[Image, Caption]],
    references: list[tuple[Image, Image | None]],
    side: int,
    config: TrainingConfig,
) -> list[Example]:
    """The subject in the prior pictures' scenes, each reference about as often."""
    cuts = [(i, cut_out(picture, mask)) for i, (picture, mask) in enumerate(references) if mask is not None]
    cuts = [(i, cut) for i, cut in cuts if cut is not None]
    made = []
    for n, (picture, scene) in enumerate(priors if cuts else ()):
        small = square(picture, side)
        i, cut = cuts[n % len(cuts)]
        assert cut is not None
        composed = None if scene.worn else compose(cut, small, lesson.find(small))
        if composed is not None:
            whole, mask = composed
            weight = weights(mask, side, max(0.5, config.background))
            scene = replace(scene, frame=lesson.captioner.frame(mask))
            made.append(Example(whole, weight, scene.of(lesson.subject.name), "composed", i))
    return made


def chance(seed: int, step: int) -> random.Random:
    """The source of chance of one step: the same in a training that was killed and went on."""
    return random.Random(f"{seed} {step}")


def write_curve(folder: Path, rows: Sequence[dict[str, object]], facts: dict[str, object]) -> None:
    """The course of a training, beside its adapter."""
    (folder / "curve.json").write_text(json.dumps({**facts, "points": list(rows)}, indent=1) + "\n", encoding="utf-8")
