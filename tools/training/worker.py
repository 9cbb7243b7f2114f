"""The process of one training: waits for its turn, trains, leaves the adapter to be published."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import LimnerError
from ...memory.adapters import write_record
from ...memory.files import is_full, read_json
from ..machine import out_of_memory
from .places import Place, is_alive, own_lock

if TYPE_CHECKING:
    from ...memory.events import Progress
    from ..method import Learned
    from ..values import SubjectInput

OFTEN = 0.25
"""Seconds between two writes of the status."""
WAIT = 0.2
POLITE = 5
"""Lower priority than the conversation that goes on meanwhile."""


def work(folder: Path) -> int:
    """Does the job in `folder`; returns the exit status. What goes wrong stands in the job's status."""
    place = Place(folder)
    os.nice(POLITE)
    try:
        while not place.cancelled:
            if _first(place):
                with own_lock(folder.parent / "turn") as mine:
                    if mine:
                        return _train(place)
            time.sleep(WAIT)
        place.put(state="cancelled", message="The training was cancelled before it began.")
        return 0
    except LimnerError as error:
        place.put(state="failed", message=f"{error.text} {error.hint}".strip(), seconds_left=None)
    except OSError as error:
        shutil.rmtree(place.result, ignore_errors=True)
        if not is_full(error):
            place.put(state="failed", message=f"The training failed: {error}.", seconds_left=None)
            return 1
        # Room for the last words: the checkpoint is of no use on a full disk.
        shutil.rmtree(place.work, ignore_errors=True)
        place.put(state="failed", message="The disk was full, so the training was given up.", seconds_left=None)
    except Exception as error:
        if out_of_memory(error):
            place.put(state="failed", message="There was not enough memory for the training.", seconds_left=None)
            return 1
        place.put(state="failed", message=f"The training failed: {type(error).__name__}: {error}", seconds_left=None)
        raise  # into the log
    return 1


def _first(place: Place) -> bool:
    """Whether no job that was asked for earlier is still waiting."""
    mine = (read_json(place.request)["created"], place.folder.name)
    for other in place.folder.parent.glob("j*/job.json"):
        there = Place(other.parent)
        if there.folder != place.folder and there.status().get("state") == "queued" and is_alive(there.alive):
            asked = read_json(other)
            if (asked["created"], asked["id"]) < mine:
                return False
    return True


def _train(place: Place) -> int:
    began = time.monotonic()
    from ..presets import load_preset
    from ..studio import Studio
    from ..trainable import check_training

    job = read_json(place.request)
    before = float(place.status().get("seconds", 0.0)) if place.work.is_dir() else 0.0
    name = job["name"]
    place.put(state="running", message=f"getting ready to train {name}")
    shutil.rmtree(place.result, ignore_errors=True)
    place.work.mkdir(exist_ok=True)
    # A job lies in the library's `jobs/`, own presets beside that.
    studio = Studio(load_preset(job["preset"], place.folder.parent.parent))
    check_training(studio.preset, job["method"], studio.shelf.here)  # it may have been begun on another machine
    lesson = studio.lesson(
        _subject(job), place.work, place.folder.parent / "priors", job["seconds"], lambda: place.cancelled
    )
    lesson.began = began
    fitting, told = studio.method(job["method"]).fit(lesson), 0.0
    while True:
        try:
            step = next(fitting)
        except StopIteration as end:
            learned: Learned | None = end.value
            break
        if time.monotonic() - told > OFTEN:
            told = time.monotonic()
            place.put(**_where(step), seconds=round(before + told - began, 1))
    return _finish(place, job, studio.model_hash(job["method"]), learned, round(before + time.monotonic() - began, 1))


def _where(step: Progress) -> dict[str, Any]:
    left = None if step.seconds_left is None else round(step.seconds_left, 1)
    return {"message": step.label, "step": step.step, "total": step.total, "seconds_left": left}


def _finish(place: Place, job: dict[str, Any], model: str, learned: Learned | None, seconds: float) -> int:
    """Leaves what was learned, and says how it went."""
    name, method = job["name"], job["method"]
    cancelled = place.cancelled
    state = "cancelled" if cancelled else "done"
    said = f"The training of {name} was cancelled" if cancelled else f"{name} is trained ({method}, {seconds:.0f} s)"
    facts: dict[str, Any] = dict(learned.facts) if learned else {}
    scores: dict[str, Any] | None = None
    if learned is None:
        said = f"{method} needs no training."
    elif learned.folder is None:
        over = facts.get("ended") == "budget"
        why = f"its {job['seconds']:.0f} s were over after {facts['steps']} steps, and " if over else ""
        said = f"{said}; {why}nothing it learned was better than before, so nothing was kept."
    else:
        staged = place.work / "finished"
        shutil.rmtree(staged, ignore_errors=True)
        shutil.copytree(learned.folder, staged)
        shutil.copy(place.work / "curve.json", staged / "curve.json")
        write_record(staged, method, model, job["version"], learned.scores, **facts)
        staged.rename(place.result)
        scores = {"subject": learned.scores.subject, "text": learned.scores.text, "copy": learned.scores.copy}
        said += "; what it had learned is kept." if cancelled else "."
    notices = " ".join(facts.get("notices", ()))
    place.put(
        state=state,
        message=f"{said} {notices}".strip(),
        seconds=seconds,
        seconds_left=None,
        step=int(facts.get("steps", 0)),
        scores=scores,
        measured={key: facts[key] for key in ("step_seconds", "sample_seconds", "seconds") if key in facts},
    )
    return 0


def _subject(job: dict[str, Any]) -> SubjectInput:
    """The subject with its pictures, read from the library's folder. Raises `LimnerError` when they are gone."""
    from PIL import Image

    from ..values import SubjectInput

    def read(path: str | None, mode: str) -> Any:
        if path is None:
            return None
        with Image.open(path) as picture:
            return picture.convert(mode)

    try:
        references = tuple(read(path, "RGB") for path in job["references"])
        masks = tuple(read(path, "L") for path in job["masks"])
    except OSError as error:
        raise LimnerError(f"The pictures of {job['name']} cannot be read any more.") from error
    key = f"{job['concept']}@{job['version']}"
    attributes, negatives = tuple(job["attributes"]), tuple(job["negatives"])
    return SubjectInput(job["name"], job["kind"], references, masks, attributes, negatives, key)
