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
from ...tools.values import DrawRequest, SubjectInput
from ..judge.reader import WEIGHTS, Judge
from ..results import ResultFolder
from .drawing import LADDER, Artist, subject_of
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
    candidates: int
    """Pictures of a method, of which the scores choose one; the ladder decides by itself how many it draws."""
    sampling: dict[str, Any]
    """What the preset says about how its drawing model is used (guidance, temperature …)."""


def chosen_method(studio: Studio, method: str) -> str:
    """The named method or the ladder, or for "auto" the preset's first that can run. ModelError when none can."""
    if method != "auto":
        return method
    able = {info.name for info in studio.methods() if info.available}
    for name in studio.preset.methods:
        if name in able:
            return name
    raise ModelError("No method of this preset can run.", "`limner doctor` says what is missing.")


def settings_of(
    studio: Studio, preset: str, method: str, seed: int, references: int, held_out: bool, candidates: int = 1
) -> Settings:
    """The settings with the hashes of the models that draw and judge."""
    judge = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()[:12] if WEIGHTS.exists() else ""
    models = {role: dict(spec.settings) for role, spec in studio.preset.models.items() if spec.settings}
    rungs = [m.name for m in studio.methods() if m.available] if method == LADDER else [method]
    weights = "-".join(sorted({studio.model_hash(name)[:16] for name in rungs}))
    return Settings(preset, method, weights, judge, seed, references, held_out, candidates, models)


def folder_name(settings: Settings) -> str:
    """Where the results go unless said otherwise: the same settings, the same folder."""
    side = "" if settings.held_out else "-seen"
    what = f"{Path(settings.preset).stem}-{settings.method}-{settings.model[:8]}"
    sampling = hashlib.sha256(json.dumps(settings.sampling, sort_keys=True).encode()).hexdigest()[:4]
    several = f"-{settings.candidates}of" if settings.candidates > 1 else ""
    return f"storybook-{what}-{sampling}-{settings.references}ref{several}-seed{settings.seed}{side}"


class Runner:
    """One run. Pictures are kept beside the rows: the edits of a resumed run begin with them."""

    def __init__(self, studio: Studio, judge: Judge, results: ResultFolder, settings: Settings) -> None:
        self.studio, self.judge, self.results, self.settings = studio, judge, results, settings
        self.artist = Artist(studio, settings.method, settings.candidates)
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
            seed=trial.seed,
        )
        made, scores, tried, seconds = self.artist.draw(request)
        made.image.save(self._file(trial, "draw"))
        reading = self.judge.read([made.image])[0]
        return {
            "trial": trial.number,
            "stage": "draw",
            "prompt": trial.prompt,
            "truth": truth(trial.scene),
            "read": reading.values(),
            "figures": figures(reading),
            "right": drawing(trial.scene, reading, scores.verdict == "copied"),
            "scores": {"subject": scores.subject, "text": scores.text, "copy": scores.copy, "verdict": scores.verdict},
            "method": made.method,
            "candidates": tried,
            "reference_sizes": [scene.figures[0].size for scene in trial.references],
            "seed": made.seed,
            "seconds": round(seconds, 3),
        }

    def _edit(self, trial: Trial, stage: str, step: Change, source: Image.Image) -> dict[str, Any]:
        subjects, coming = self._subjects_of(trial, stage, step)
        request = DrawRequest(
            prompt=step.instruction,
            # What the agent knows: what was asked for before; of an imported picture nothing.
            description="; ".join([*([trial.prompt] if stage == "edit" else []), step.instruction]),
            subjects=tuple(subjects),
            coming=tuple(coming),
            source=source,
            seed=trial.seed,
        )
        made, _, _, seconds = self.artist.draw(request)
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

    def _subjects_of(self, trial: Trial, stage: str, step: Change) -> tuple[list[SubjectInput], list[str]]:
        """Whom the agent would hand over: the concepts of the edited take (an imported one has none), and
        those that the instruction names, who come in with it."""
        known = {trial.name: trial.references, trial.friend_name: (trial.friend_reference,)}
        named = [n for n in step.names if re.search(rf"\b{n}\b", step.instruction, re.IGNORECASE)]
        kept = [trial.name] if stage == "edit" else []
        both = dict.fromkeys([*kept, *named])
        return [self._subject(trial, name, known[name]) for name in both], [n for n in both if n not in kept]

    def _subject(self, trial: Trial, name: str, scenes: tuple[Scene, ...]) -> SubjectInput:
        return subject_of(self.studio, name, scenes, f"{trial.number}-{name}@{len(scenes)}")

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
    candidates: int = 1,
) -> ResultFolder:
    """Begins a run or goes on with it; returns its results."""
    from ...tools.studio import Studio

    judge = Judge.load()
    studio = Studio(load_preset(preset))
    try:
        settings = settings_of(studio, preset, chosen_method(studio, method), seed, references, held_out, candidates)
        folder = out or Path("bench-results") / folder_name(settings)
        results = ResultFolder.begin(folder, asdict(settings))
        runner = Runner(studio, judge, results, settings)
        with runner.artist:
            runner.run(subjects, edits, tell)
    finally:
        studio.close()
    return results
