"""Runs the trials through the product's own path: a `Studio` with a `DrawRequest`, one candidate each."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from ...errors import ModelError
from ...starter.world import Scene, render
from ...tools.presets import load_preset
from ...tools.values import Drawn, DrawRequest, SubjectInput
from ..judge.reader import WEIGHTS, Judge
from ..results import ResultFolder
from .measures import drawing, edited, figures, truth
from .trials import Change, Trial, make_trial

if TYPE_CHECKING:
    from ...tools.studio import Studio

STAGES = ("draw", "edit", "import")


@dataclass(frozen=True)
class Settings:
    """What a run's results depend on. Kept in their header."""

    preset: str
    method: str
    model: str
    judge: str
    seed: int
    references: int
    held_out: bool
    sampling: dict[str, Any]
    """What the preset says about how its drawing model is used (guidance, temperature …)."""


def chosen_method(studio: Studio, method: str) -> str:
    """The named method, or for "auto" the preset's first that can run. ModelError when none can."""
    if method != "auto":
        return method
    able = {info.name for info in studio.methods() if info.available}
    for name in studio.preset.methods:
        if name in able:
            return name
    raise ModelError("No method of this preset can run.", "`limner doctor` says what is missing.")


def settings_of(studio: Studio, preset: str, method: str, seed: int, references: int, held_out: bool) -> Settings:
    """The settings with the hashes of the models that draw and judge."""
    judge = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()[:12] if WEIGHTS.exists() else ""
    models = {role: dict(spec.settings) for role, spec in studio.preset.models.items() if spec.settings}
    return Settings(preset, method, studio.model_hash(method), judge, seed, references, held_out, models)


def folder_name(settings: Settings) -> str:
    """Where the results go unless said otherwise: the same settings, the same folder."""
    side = "" if settings.held_out else "-seen"
    what = f"{Path(settings.preset).stem}-{settings.method}-{settings.model[:8]}"
    sampling = hashlib.sha256(json.dumps(settings.sampling, sort_keys=True).encode()).hexdigest()[:4]
    return f"storybook-{what}-{sampling}-{settings.references}ref-seed{settings.seed}{side}"


class Runner:
    """One run. Pictures are kept beside the rows: the edits of a resumed run begin with them."""

    def __init__(self, studio: Studio, judge: Judge, results: ResultFolder, settings: Settings) -> None:
        self.studio, self.judge, self.results, self.settings = studio, judge, results, settings
        self.pictures = results.folder / "pictures"
        self.pictures.mkdir(exist_ok=True)

    def run(self, subjects: int, edits: bool, told: Callable[[str], None]) -> None:
        """All trials up to `subjects` that are not there yet."""
        stages = STAGES if edits else STAGES[:1]
        done, began, count = self.results.done, time.monotonic(), 0
        open_trials = [n for n in range(subjects) if any((n, stage) not in done for stage in stages)]
        for number in open_trials:
            trial = make_trial(number, self.settings.seed, self.settings.references, self.settings.held_out)
            for stage in stages:
                if (number, stage) not in done:
                    self.results.add(self._stage(trial, stage))
            count += 1
            if count % 10 == 0 or count == len(open_trials):
                each = (time.monotonic() - began) / count
                told(f"{count} of {len(open_trials)} subjects, {each:.1f} s each")

    def _stage(self, trial: Trial, stage: str) -> dict[str, Any]:
        if stage == "draw":
            return self._draw(trial)
        if stage == "edit":
            source = Image.open(self._file(trial, "draw")).convert("RGB")
            return self._edit(trial, stage, trial.edit, source)
        source = render(trial.imported.before).image
        source.save(self._file(trial, "import-source"))
        return self._edit(trial, stage, trial.imported, source)

    def _draw(self, trial: Trial) -> dict[str, Any]:
        for i, reference in enumerate(trial.references):
            render(reference).image.save(self._file(trial, f"reference{i + 1}"))
        request = DrawRequest(
            prompt=trial.prompt,
            subjects=(self._subject(trial, trial.name, trial.references),),
            method=self.settings.method,
            seed=trial.seed,
        )
        made, seconds = self._make(request)
        made.image.save(self._file(trial, "draw"))
        reading = self.judge.read([made.image])[0]
        return {
            "trial": trial.number,
            "stage": "draw",
            "prompt": trial.prompt,
            "truth": truth(trial.scene),
            "read": reading.values(),
            "figures": figures(reading),
            "right": drawing(trial.scene, reading),
            "reference_sizes": [scene.figures[0].size for scene in trial.references],
            "seed": made.seed,
            "seconds": round(seconds, 3),
        }

    def _edit(self, trial: Trial, stage: str, step: Change, source: Image.Image) -> dict[str, Any]:
        request = DrawRequest(
            prompt=step.instruction,
            subjects=tuple(self._subjects_of(trial, stage, step)),
            method=self.settings.method,
            source=source,
            seed=trial.seed,
        )
        made, seconds = self._make(request)
        made.image.save(self._file(trial, stage))
        before, after = self.judge.read([source, made.image])
        # What was imported is known exactly; of what was drawn only what the judge could read.
        old = truth(step.before) if stage == "import" else before.values()
        right, shared = edited(step, old, before, after)
        return {
            "trial": trial.number,
            "stage": stage,
            "what": step.what,
            "prompt": step.instruction,
            "truth": truth(step.after),
            "before": old,
            "read": after.values(),
            "figures": figures(after),
            "right": right,
            "iou": None if shared is None else round(shared, 3),
            "seed": made.seed,
            "seconds": round(seconds, 3),
        }

    def _subjects_of(self, trial: Trial, stage: str, step: Change) -> list[SubjectInput]:
        """Whom the agent would hand over: the concepts of the edited take (an imported one has none), and
        those that the instruction names."""
        known = {trial.name: trial.references, trial.friend_name: (trial.friend_reference,)}
        named = [n for n in step.names if re.search(rf"\b{n}\b", step.instruction, re.IGNORECASE)]
        kept = [trial.name] if stage == "edit" else []
        return [self._subject(trial, name, known[name]) for name in dict.fromkeys([*kept, *named])]

    def _subject(self, trial: Trial, name: str, scenes: tuple[Scene, ...]) -> SubjectInput:
        """As the product teaches it: the masks are those that the studio finds. The class is not said."""
        prepared = [self.studio.prepare(render(scene).image) for scene in scenes]
        return SubjectInput(
            name=name,
            kind="thing",
            references=tuple(p.image for p in prepared),
            masks=tuple(p.mask for p in prepared),
            key=f"{trial.number}-{name}@{len(scenes)}",
        )

    def _make(self, request: DrawRequest) -> tuple[Drawn, float]:
        began = time.monotonic()
        for made in self.studio.draw(request, lambda: False):
            if isinstance(made, Drawn):
                return made, time.monotonic() - began
        raise ModelError(f"Nothing was drawn for {request.prompt!r}.")

    def _file(self, trial: Trial, what: str) -> Path:
        return self.pictures / f"{trial.number:03d}-{what}.png"


def tell(text: str) -> None:
    """Progress, beside the results."""
    print(text, file=sys.stderr, flush=True)


def run(
    preset: str,
    method: str,
    seed: int,
    references: int,
    held_out: bool,
    subjects: int,
    edits: bool,
    out: Path | None,
) -> ResultFolder:
    """Begins a run or goes on with it; returns its results."""
    from ...tools.studio import Studio

    judge = Judge.load()
    studio = Studio(load_preset(preset))
    try:
        settings = settings_of(studio, preset, chosen_method(studio, method), seed, references, held_out)
        folder = out or Path("bench-results") / folder_name(settings)
        results = ResultFolder.begin(folder, asdict(settings))
        Runner(studio, judge, results, settings).run(subjects, edits, tell)
    finally:
        studio.close()
    return results
