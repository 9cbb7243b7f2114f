"""What all trained methods share: learning a subject, and drawing with what was learned."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from ...errors import ModelError, UserError
from ...memory.events import Progress
from ...memory.values import Adapter, Scores
from ..machine import out_of_memory
from ..method import Cancelled, Learned, Method
from ..values import Drawn, DrawRequest, SubjectInput
from .config import TrainingConfig

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from .lesson import Lesson, Material
    from .loop import Training
    from .task import Stage, Task


@dataclass(frozen=True)
class Held:
    """Whose parts are in the model."""

    subject: SubjectInput
    stages: Sequence[Stage]
    warm: bool
    noun: str

    def of(self, subject: SubjectInput) -> bool:
        """Whether it is this subject."""
        return (subject.key or subject.name) == (self.subject.key or self.subject.name)


class Tuned(Method):
    """A method that learns a subject before it draws it. A subclass says what is trained."""

    tunes_all: ClassVar[bool] = False
    """Whether the model's own weights are trained, all of its largest part, and not something put beside them."""
    held: Held | None = None
    _proved: frozenset[str] = frozenset()
    """Ids of adapters that were seen to change the output."""

    @abstractmethod
    def stages(self, subject: SubjectInput, warm: bool, noun: str) -> Sequence[Stage]:
        """What is trained, in which order; nothing is put into the model yet."""

    @abstractmethod
    def task(self, held: Held) -> Task:
        """How a model of this family learns."""

    @abstractmethod
    def draw(self, request: DrawRequest, seeds: list[int], cancelled: Cancelled) -> Iterator[Progress | Drawn]:
        """Draws with what is in the model at the moment."""

    @abstractmethod
    def answer(self, request: DrawRequest) -> Tensor:
        """Something that the model computes for a request: another adapter, another answer."""

    def hold(self, held: Held | None) -> None:
        """Remembers whose parts are in the model; `None`: nobody's."""
        self.held = held

    # Learning

    def fit(self, lesson: Lesson) -> Generator[Progress, None, Learned | None]:
        """Learns `lesson.subject`; goes on where a killed training of the same folder stood.

        Raises `ModelError` when the loss does not stay a number.
        """
        config = cast(TrainingConfig, self.config)
        made = yield from self._material(lesson, config)
        with self._parts(lesson.subject, config.warm, made.noun, None) as held:
            training = self._training(lesson, made, held, config)
            yield from training.run()
        return kept(training)

    def estimate(self, lesson: Lesson) -> Generator[Progress, None, float]:
        """From three steps and one probe: as if the stop rule ended it half-way. Keeps nothing."""
        config = replace(cast(TrainingConfig, self.config), priors=0, probes=1)
        made = yield from self._material(lesson, config)
        with self._parts(lesson.subject, config.warm, made.noun, None) as held:
            step, probe = self._training(lesson, made, held, config).measure()
        chosen = cast(TrainingConfig, self.config)
        steps = chosen.most_steps / 2
        return steps * step + (1 + steps / chosen.sample_every) * chosen.probes * probe + chosen.priors * probe

    def _material(self, lesson: Lesson, config: TrainingConfig) -> Generator[Progress, None, Material]:
        from .lesson import material

        def plain(prompt: str, seeds: list[int]) -> Iterator[Image]:
            for made in self.draw(DrawRequest(prompt), seeds, lesson.cancelled):
                if isinstance(made, Drawn):
                    yield made.image

        return (yield from material(lesson, config, self.side, self.model.hash, plain))

    def _training(self, lesson: Lesson, made: Material, held: Held, config: TrainingConfig) -> Training:
        from .loop import Training

        task = self.task(held)
        task.study(made, config)

        def probe(prompt: str, seed: int) -> Image | None:
            request = DrawRequest(prompt, (lesson.subject,))
            drawn = [d for d in self.draw(request, [seed], lesson.cancelled) if isinstance(d, Drawn)]
            return drawn[0].image if drawn else None

        return Training(task, lesson, made, config, probe)

    @property
    def side(self) -> int:
        """Pixels of a picture's side."""
        return int(self.model.side)  # type: ignore[attr-defined]

    # Drawing

    def generate(self, request: DrawRequest, seeds: list[int], cancelled: Cancelled) -> Iterator[Progress | Drawn]:
        adapter, subject = self._learned(request.subjects)
        # What is asked for may not speak of the subject ("at night"), and a learned word is heard only where it stands.
        named = DrawRequest(subject.name, (subject,))
        plain = None if adapter.id in self._proved else self.answer(named)
        warm, noun = bool(adapter.facts.get("warm", True)), str(adapter.facts.get("noun") or subject.kind)
        with self._parts(subject, warm, noun, adapter):
            if plain is not None:
                self._prove(adapter, plain, self.answer(named))
            for step in self.draw(request, seeds, cancelled):
                yield replace(step, adapters=(adapter.id,)) if isinstance(step, Drawn) else step

    def _learned(self, subjects: Sequence[SubjectInput]) -> tuple[Adapter, SubjectInput]:
        """The adapter to draw with. Raises `UserError` where nothing was learned yet."""
        for subject in subjects:
            for adapter in subject.adapters:
                if adapter.method == self.name and adapter.model == self.model.hash:
                    return adapter, subject
        who = subjects[0].name if subjects else "A subject"
        elsewhere = any(a.method == self.name for s in subjects for a in s.adapters)
        why = "was trained on other weights" if elsewhere else "has not been trained"
        raise UserError(f"{who} {why} with {self.name}.", f"First: limner train {who} --method {self.name}")

    def _prove(self, adapter: Adapter, plain: Tensor, learned: Tensor) -> None:
        """Raises `ModelError` for an adapter with which the model answers as it does without."""
        if plain.shape == learned.shape and bool((plain == learned).all()):
            raise ModelError(f"The adapter {adapter.id} changes nothing in what is drawn.", "Train it again.")
        self._proved |= {adapter.id}

    @contextmanager
    def _parts(self, subject: SubjectInput, warm: bool, noun: str, adapter: Adapter | None) -> Iterator[Held]:
        """The parts in the model, as they were saved or as training begins; afterwards it is as it was."""
        with self.room(subject, warm):
            stages = self.stages(subject, warm, noun)
            parts = tuple(dict.fromkeys(part for stage in stages for part in stage.parts))
            try:
                for part in parts:
                    part.start() if adapter is None else part.load(adapter.folder)
                held = Held(subject, stages, warm, noun)
                self.hold(held)
                yield held
            except (RuntimeError, MemoryError) as error:
                if adapter is not None or not out_of_memory(error):
                    raise
                raise ModelError(
                    f"The memory is not enough to train {subject.name} with {self.name}.",
                    "Close what else uses it, or train `lora`, which takes least.",
                ) from error
            finally:
                self.hold(None)
                for part in parts:
                    part.remove()

    def room(self, subject: SubjectInput, warm: bool) -> AbstractContextManager[None]:
        """Where the model lies as long as parts are in it."""
        return nullcontext()


def kept(training: Training) -> Learned:
    """What is worth keeping of a training: the best checkpoint, if it is better than the beginning."""
    best, facts = training.front.best, training.facts()
    if best is None or best.step == 0 or not training.best.is_dir():
        return Learned(None, Scores(), facts)
    return Learned(Path(training.best), Scores(best.subject, best.text, best.copy), facts)
