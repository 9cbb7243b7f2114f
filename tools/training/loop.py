"""The one training loop.

Every few steps the model draws prompts that the references do not show, with the same seeds; the pictures are scored;
the best checkpoint on the front of fidelity and alignment is kept; when the front no longer moves, it is over.
"""

from __future__ import annotations

import math
import random
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ...errors import ModelError
from ...memory.events import Progress
from ..machine import give_back, machine, out_of_memory
from .config import TrainingConfig
from .front import Front, Point, point_of
from .lesson import Lesson, Material, chance, write_curve
from .pictures import pick
from .state import load_state, read_facts, save_state
from .task import Task

if TYPE_CHECKING:
    from PIL.Image import Image

BEST = "best"
"""Folder of the adapter kept so far, inside the training's own."""
SETBACKS = 4
"""Losses that are no numbers, after each of which the step is halved, before it gives up."""
CLIP = 1.0
SHORT = "The memory was short, so it learned in smaller pieces; that is slower."
WARM_UP = 10
HELD_AT_ONCE = 4
"""Examples whose loss is only looked at that are taken together: always as many, or their noise would change."""
LOUDER = 2.0**14
"""How often a loss is taken at first where gradients have 16 bits of narrow range, or small ones would be nothing."""
Probe = Callable[[str, int], "Image | None"]
"""Draws a prompt with a seed by what has been learned so far; `None`: cancelled."""


class Training:
    """Trains a task until it is enough, the budget is spent or it is cancelled. Goes on where it was killed."""

    def __init__(self, task: Task, lesson: Lesson, material: Material, config: TrainingConfig, probe: Probe) -> None:
        self.task, self.lesson, self.material, self.config, self.probe = task, lesson, material, config, probe
        self.front = Front(config.patience, config.least_gain)
        self.step, self.stage, self.rate, self.setbacks = 0, 0, config.learning_rate, 0
        self.spent = 0.0
        self.notices: list[str] = []
        """What went otherwise than planned, in sentences."""
        self.ended = ""
        """Why it ended: "still", "steps", "budget" or "cancelled"."""
        self.step_seconds = self.sample_seconds = 0.0
        self._groups = material.groups()
        self._half = config.precision == "bfloat16"
        self._louder = 1.0
        self._slice = config.batch
        """Examples whose gradients are computed at once."""
        self._recomputes = config.checkpointing
        if config.checkpointing:
            task.recompute()
        self.optimizer = self._optimizer()

    @property
    def best(self) -> Path:
        """The folder of the best adapter so far."""
        return self.lesson.folder / BEST

    def run(self) -> Iterator[Progress]:
        """The steps of the training."""
        self._resume()
        self._louder = LOUDER if self._narrow == torch.float16 else 1.0
        if self.config.precision == "auto" and not self.front.points:
            self._half = self._half_is_faster()
        if not self.front.points:
            yield from self._sample()
        while not self.ended:
            self._enter_stage()
            self._one_step()
            yield self._progress()
            self.ended = self._reason()
            due = self.step % self.config.sample_every == 0
            if (due or self.ended) and self.front.points[-1].step != self.step and self.ended != "cancelled":
                yield from self._sample()
                self.ended = self.ended or self._reason() or ("still" if self._may_stop() else "")
                self._keep()
        write_curve(self.lesson.folder, [p.row() for p in self.front.points], self.facts())

    def measure(self, steps: int = 3) -> tuple[float, float]:
        """Seconds of a step and of drawing and scoring one probe, from `steps` of them; nothing is written."""
        times = []
        for _ in range(steps + 1):
            began = time.perf_counter()
            self._one_step()
            times.append(time.perf_counter() - began)
        began = time.perf_counter()
        for prompt in self.material.probes[:1]:
            picture = self.probe(prompt, 0)
            if picture is not None:
                self.lesson.score(picture, (self.lesson.subject,), prompt)
        # The first step pays for what is set up once.
        return sum(times[1:]) / steps, time.perf_counter() - began

    def facts(self) -> dict[str, Any]:
        """What is worth knowing about a finished training."""
        best = self.front.best
        return {
            "steps": self.step,
            "best_step": best.step if best else 0,
            "seconds": round(self.elapsed(), 2),
            "ended": self.ended,
            "step_seconds": round(self.step_seconds, 4),
            "sample_seconds": round(self.sample_seconds, 3),
            "half": self._half,
            "warm": self.config.warm,
            "noun": self.material.noun,
            "notices": list(self.notices),
        }

    def elapsed(self) -> float:
        """Seconds of work on this subject, those before a kill included."""
        return self.spent + time.monotonic() - self.lesson.began

    # One step

    def _one_step(self) -> None:
        began = time.perf_counter()
        config, source = self.config, chance(self.config.seed, self.step)
        own = 1 - config.prior_share - config.composed_share
        chosen = pick(self._groups, (own, config.composed_share, config.prior_share), config.batch, source)
        parameters = list(self.task.parameters(self.stage).values())
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * min(1.0, (self.step + 1) / WARM_UP)
        loss = self._learn(chosen, source)
        for parameter in parameters if self._louder > 1 else ():
            if parameter.grad is not None:
                parameter.grad /= self._louder
        norm = torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        if math.isfinite(loss) and not bool(torch.isfinite(norm)) and self._louder > 1:
            self._louder /= 2  # the step is tried again with other examples: that happens at the beginning
        elif math.isfinite(loss) and bool(torch.isfinite(norm)):
            self.optimizer.step()
            self.step += 1
        else:
            self._set_back()
        self.optimizer.zero_grad(set_to_none=True)
        took = time.perf_counter() - began
        self.step_seconds = took if not self.step_seconds else 0.9 * self.step_seconds + 0.1 * took

    def _learn(self, chosen: list[int], source: random.Random) -> float:
        """The loss of a batch, its gradients added up; where the memory is short it is asked again in a lighter way."""
        begin = source.getstate()
        while True:
            source.setstate(begin)
            try:
                return self._summed(chosen, source, self._slice)
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
            # Only here: as long as the error lived, what it tells of held the activations.
            self.optimizer.zero_grad(set_to_none=True)
            give_back()
            if not self._recomputes:
                self._recomputes = True
                self.task.recompute()
            elif self._slice > 1:
                self._slice = (self._slice + 1) // 2
            else:
                raise MemoryError
            if SHORT not in self.notices:
                self.notices.append(SHORT)

    def _summed(self, chosen: list[int], source: random.Random, size: int) -> float:
        """The loss, and its gradients added up, `size` examples at a time."""
        total = 0.0
        for at in range(0, len(chosen), size):
            part = chosen[at : at + size]
            with self._cast():
                loss = self.task.loss(part, source) * (len(part) / len(chosen))
            if loss.requires_grad:  # a batch of priors alone says nothing about a learned word
                (loss * self._louder).backward()
            total += float(loss.detach())
        return total

    @contextmanager
    def _cast(self) -> Iterator[None]:
        """The context of forward passes."""
        if not self._half:
            yield
            return
        with torch.autocast(self._device, self._narrow), warnings.catch_warnings():
            # Norms keep weights of 32 bits beside what is cast: right, only not the fastest way.
            warnings.filterwarnings("ignore", "Mismatch dtype between input and weight")
            yield

    @property
    def _narrow(self) -> torch.dtype:
        """The 16 bits that are multiplied: GPUs of before 2020 have no bfloat16."""
        return torch.float16 if self._device == "cuda" and machine().half == "float16" else torch.bfloat16

    @property
    def _device(self) -> str:
        return next(iter(self.task.parameters().values())).device.type

    def _half_is_faster(self) -> bool:
        """Whether 16 bits pay here: always on an accelerator, on a processor that has them if they do for this model.

        Small layers gain less by them than their conversion costs.
        """
        if self._device != "cpu":
            return True
        if torch.backends.cpu.get_cpu_capability() != "AVX512" or not torch.cpu._is_avx512_bf16_supported():
            return False
        took = {}
        for half in (False, True, False, True):  # the first two warm up
            self._half, began = half, time.process_time()
            source = chance(self.config.seed, -2)
            with self._cast():
                loss = self.task.loss(pick(self._groups, (0.4, 0.6, 0.0), self.config.batch, source), source)
            loss.backward()
            took[half] = time.process_time() - began
        self.optimizer.zero_grad(set_to_none=True)
        return took[True] < took[False]

    def _set_back(self) -> None:
        """The loss is no number: back to the last checkpoint, with half the step."""
        self.setbacks += 1
        if self.setbacks > SETBACKS:
            raise ModelError(
                f"The training of {self.lesson.subject.name} did not get beyond step {self.step}: "
                "its loss is not a number, however small the steps.",
                "Try another method, or float32 precision.",
            )
        self.rate /= 2
        rate, setbacks = self.rate, self.setbacks
        facts = load_state(self.lesson.folder, self.task.parameters(), self.optimizer)
        self.step = int(facts["step"]) if facts else 0
        if facts is None:
            for part in self.task.parts:
                part.remove()
                part.start()
            self.optimizer = self._optimizer()
        self.rate, self.setbacks = rate, setbacks
        self.notices.append(f"The loss became no number; it went back to step {self.step} with steps half as large.")

    def _enter_stage(self) -> None:
        """The stage of this step; with a new one comes a new optimizer."""
        stage = next(
            i for i, s in enumerate(self.task.stages) if self.step < s.until * self.config.most_steps or s.until >= 1
        )
        if stage != self.stage:
            self.stage = stage
            self.optimizer = self._optimizer()

    def _optimizer(self) -> torch.optim.Optimizer:
        for name, parameter in self.task.parameters().items():
            parameter.requires_grad_(name in self.task.parameters(self.stage))
        parameters = list(self.task.parameters(self.stage).values())
        if self.config.optimizer == "adamw8bit":
            from bitsandbytes.optim import AdamW8bit

            made: torch.optim.Optimizer = AdamW8bit(parameters, lr=self.rate, weight_decay=0.0)
            return made
        return torch.optim.AdamW(parameters, lr=self.rate, weight_decay=0.0)

    # Measuring

    def _sample(self) -> Iterator[Progress]:
        """Draws the probes, scores them, and keeps the adapter if it is the best so far."""
        began, scores, subject = time.perf_counter(), [], self.lesson.subject
        for i, prompt in enumerate(self.material.probes):
            picture = self.probe(prompt, self.config.seed * 1000 + 500 + i)
            if picture is None or self.lesson.cancelled():
                self.ended = "cancelled"
                return
            scores.append(self.lesson.score(picture, (subject,), prompt))
            yield self._progress(picture)
        self.sample_seconds = time.perf_counter() - began
        point = point_of(self.step, round(self.elapsed(), 2), scores, self._held())
        if self.front.add(point):
            self._keep_best()
        write_curve(self.lesson.folder, [p.row() for p in self.front.points], self.facts())

    @torch.no_grad()
    def _held(self) -> float:
        """The loss on a fixed batch with fixed noise."""
        source = chance(self.config.seed, -1)
        chosen = pick(self._groups, (0.4, 0.6, 0.0), 2 * self.config.batch, source)
        return self._summed(chosen, source, HELD_AT_ONCE)

    def _keep_best(self) -> None:
        fresh = self.lesson.folder / "best.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        self.task.save(fresh)
        shutil.rmtree(self.best, ignore_errors=True)
        fresh.rename(self.best)

    def _may_stop(self) -> bool:
        return self.front.still and self.stage == len(self.task.stages) - 1

    def _reason(self) -> str:
        if self.lesson.cancelled():
            return "cancelled"
        if self.lesson.seconds is not None and self.elapsed() + self.sample_seconds >= self.lesson.seconds:
            return "budget"
        return "steps" if self.step >= self.config.most_steps else ""

    def _progress(self, preview: Image | None = None) -> Progress:
        steps = self.config.most_steps - self.step
        left = None
        if self.step_seconds and self.sample_seconds:
            left = steps * self.step_seconds + steps / self.config.sample_every * self.sample_seconds
        if left is not None and self.lesson.seconds is not None:
            left = min(left, max(0.0, self.lesson.seconds - self.elapsed()))
        return Progress(f"training {self.lesson.subject.name}", self.step, self.config.most_steps, left, preview)

    # Surviving a kill

    def _keep(self) -> None:
        facts = {
            "step": self.step,
            "stage": self.stage,
            "rate": self.rate,
            "setbacks": self.setbacks,
            "half": self._half,
            "spent": self.elapsed(),
            "notices": self.notices,
            "points": [p.row() for p in self.front.points],
        }
        save_state(self.lesson.folder, self.task.parameters(), self.optimizer, facts)

    def _resume(self) -> None:
        facts = read_facts(self.lesson.folder)
        if facts is None:
            return
        self.step, self.stage = int(facts["step"]), int(facts["stage"])
        self.optimizer = self._optimizer()
        if load_state(self.lesson.folder, self.task.parameters(), self.optimizer) is None:
            self.step = self.stage = 0
            return
        self.rate, self.setbacks, self.spent = facts["rate"], facts["setbacks"], facts["spent"]
        self._half = facts["half"]
        self.notices = [*facts["notices"], f"It was interrupted and went on from step {self.step}."]
        points = [Point.of(row) for row in facts["points"]]
        self.front = Front(self.config.patience, self.config.least_gain, points)
