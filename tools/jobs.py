"""Trainings in processes of their own: memory comes back with the process, and the conversation goes on meanwhile.

A job is a folder below the library's `jobs/`. Its process writes there alone; whoever holds the library's lock
publishes what it leaves. While the process lives it holds a lock on the file `alive`, handed to it by its parent, so a
dead one is noticed at once, whatever killed it. One job trains at a time, the oldest first.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ..errors import LibraryError, NotFound, UserError
from ..memory.events import Progress
from ..memory.files import explain, new_id, now, read_json, replacing, to_json
from ..memory.library import Library
from ..memory.values import Concept
from .desk import never, subject_of
from .machine import machine
from .presets import Preset, reference_to
from .trainable import check_training
from .training.places import Place, is_alive, lock_handed_on

if TYPE_CHECKING:
    from .studio import Studio

KEPT = 40
"""Finished jobs that are remembered."""
FINISHED = ("done", "cancelled", "failed")
OVER = (*FINISHED, "died")


@dataclass(frozen=True, slots=True)
class Job:
    """A training: under way, waiting or over."""

    id: str
    concept: str
    method: str
    state: str
    """"queued", "running", "done", "cancelled", "failed" or "died"."""
    step: int = 0
    total: int | None = None
    seconds: float = 0.0
    """Spent so far."""
    seconds_left: float | None = None
    message: str = ""
    adapter: str | None = None
    """Id of what was learned, once it is kept with the concept."""
    scores: Mapping[str, Any] | None = None
    created: str = ""
    concept_id: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.state in OVER

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {name: value for name, value in asdict(self).items() if name != "concept_id"}

    def sentence(self) -> str:
        """What to tell the user about a job that is over."""
        if self.state == "died":
            go_on = f'say "go on training {self.concept}", or begin again: limner jobs --restart {self.id}'
            return f"The training of {self.concept} broke off at step {self.step}; {go_on}."
        return self.message


class Jobs:
    """All trainings of a library. Safe to use from several threads."""

    def __init__(self, library: Library, preset: Preset) -> None:
        self.library, self.preset = library, preset
        self._root = library.home / "jobs"
        self._seen: dict[str, Job] = {}
        self._children: set[int] = set()
        self._guard = threading.RLock()

    # Looking

    def all(self) -> list[Job]:
        """Every job that is remembered, oldest first."""
        folders = sorted(self._root.glob("j*/job.json")) if self._root.is_dir() else []
        found = [job for file in folders if (job := self._read(Place(file.parent))) is not None]
        return sorted(found, key=lambda job: (job.created, job.id))

    def get(self, ref: str) -> Job:
        """A job by its id, or the newest one of the concept so named. Raises `NotFound`."""
        for job in reversed(self.all()):
            if ref in (job.id, "") or job.concept.casefold() == ref.strip().casefold():
                return job
        raise NotFound(f"There is no training {ref!r}.", "`limner jobs` lists them.")

    def unfinished(self) -> list[Job]:
        """What is waiting or under way."""
        return [job for job in self.all() if not job.over]

    def curve(self, ref: str) -> list[float]:
        """How good the adapter was at each sampling so far, 0..1; empty before the first."""
        try:
            points = read_json(Place(self._root / self.get(ref).id).work / "curve.json")["points"]
            return [float(point["value"]) for point in points]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def _read(self, place: Place) -> Job | None:
        try:
            asked, status = read_json(place.request), place.status()
        except (OSError, ValueError):
            return None
        state = str(status.get("state", "queued"))
        if state not in FINISHED and not is_alive(place.alive):
            # It may have finished between the two looks.
            status = place.status()
            state = str(status["state"]) if status.get("state") in FINISHED else "died"
        names = ("step", "total", "seconds", "seconds_left", "message", "adapter", "scores")
        facts = {name: status[name] for name in names if name in status}
        if state == "died":
            facts["seconds_left"] = None
        return Job(
            asked["id"], asked["name"], asked["method"], state, **facts, created=asked["created"],
            concept_id=asked["concept"],
        )  # fmt: skip

    # Acting

    def start(self, concept: Concept, method: str, seconds: float | None = None) -> Job:
        """Begins a training of `concept`, or puts it in the queue; goes on with one that died.

        Args:
            seconds: budget for all of it; `None`: until the method finds it is enough.

        Raises:
            UserError: this concept is being trained with this method already, the budget is none, or this machine
                cannot train it.
        """
        check_training(self.preset, method, machine())
        if seconds is not None and not seconds > 0:
            raise UserError("A training needs some seconds.", "For example: --seconds 60")
        with self._guard:
            for job in reversed(self.all()):
                if (job.concept_id, job.method) == (concept.id, method):
                    if not job.over:
                        raise UserError(f"{concept.name} is being trained with {method} already.")
                    if job.state == "died":
                        return self.resume(job.id, seconds)
                    break
            place = Place(self._root / new_id("j"))
            request = {
                "id": place.folder.name,
                "concept": concept.id,
                "name": concept.name,
                "kind": concept.kind,
                "version": concept.version,
                "attributes": list(concept.stable),
                "negatives": list(concept.negatives),
                "references": [str(path) for path in concept.references],
                "masks": [None if path is None else str(path) for path in concept.masks],
                "method": method,
                "preset": reference_to(self.preset, self.library.home),
                "seconds": seconds,
                "created": now(),
            }
            try:
                place.folder.mkdir(parents=True)
                with replacing(place.request) as file:
                    file.write(to_json(request))
            except OSError as error:
                shutil.rmtree(place.folder, ignore_errors=True)
                raise explain(error, self.library.home) from error
            return self._spawn(place)

    def resume(self, ref: str, seconds: float | None = None) -> Job:
        """Goes on with a training that died, from its last checkpoint; `seconds` are added to those it had spent.

        Raises `UserError` for one that did not die.
        """
        with self._guard:
            place = self._dead(ref)
            if seconds is not None:
                budget = seconds + float(place.status().get("seconds", 0.0))
                with replacing(place.request) as file:
                    file.write(to_json({**read_json(place.request), "seconds": budget}))
            return self._spawn(place)

    def restart(self, ref: str) -> Job:
        """Starts a training that died, failed or was cancelled over, from nothing."""
        with self._guard:
            job = self.get(ref)
            if job.state not in ("died", "failed", "cancelled"):
                raise UserError(f"The training {job.id} is {job.state}; it cannot be started over.")
            place = Place(self._root / job.id)
            shutil.rmtree(place.work, ignore_errors=True)
            return self._spawn(place)

    def cancel(self, ref: str) -> Job:
        """Asks a training to end at its next step; what it has learned is kept if it is good."""
        job = self.get(ref)
        if not job.over:
            (self._root / job.id / "cancel").touch()
        return job

    def _dead(self, ref: str) -> Place:
        job = self.get(ref)
        if job.state != "died":
            raise UserError(f"The training {job.id} is {job.state}; there is nothing to go on with.")
        return Place(self._root / job.id)

    def _spawn(self, place: Place) -> Job:
        """Starts the process of a job, its lock in its hands from the first moment."""
        if not self.library.writable:
            raise LibraryError("The library is not open for writing, so nothing can be trained.")
        (place.folder / "cancel").unlink(missing_ok=True)
        place.put(state="queued", step=0, message="", told=False)
        command = [sys.executable, "-m", __package__ + ".training", str(place.folder)]
        quiet = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(place.log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        with lock_handed_on(place.alive):
            child = os.posix_spawn(sys.executable, command, os.environ, file_actions=quiet, setsid=True)
        self._children.add(child)
        job = self._read(place)
        assert job is not None
        return job

    def estimate(self, studio: Studio, concept: Concept, method: str) -> Generator[Progress, None, float]:
        """About how many seconds a training will take here: as long as the last ones did, or from a measured step.

        Raises `UserError`, before anything is loaded, where this machine cannot train it.
        """
        check_training(self.preset, method, studio.shelf.here)
        lasted = []
        for job in self.all():
            measured = Place(self._root / job.id).status().get("measured") or {}
            if job.method == method and job.state == "done" and "seconds" in measured:
                lasted.append(float(measured["seconds"]))
        if lasted:
            return sorted(lasted[-5:])[len(lasted[-5:]) // 2]
        chosen = studio.method(method)
        with TemporaryDirectory(prefix="limner-") as scratch:
            subject = subject_of(concept)
            lesson = studio.lesson(subject, Path(scratch), Path(scratch), None, never)
            return (yield from chosen.estimate(lesson))

    # Following

    def settle(self) -> list[Job]:
        """Keeps what finished trainings have left, and returns the jobs that have changed since the last call."""
        with self._guard:
            self._reap()
            changed = []
            for found in self.all():
                job = self._publish(found)
                if job is not None and self._seen.get(job.id) != job:
                    self._seen[job.id] = job
                    changed.append(job)
            return changed

    def untold(self, jobs: list[Job]) -> list[Job]:
        """Those of `jobs` that are over and were not spoken of yet; from now on they were."""
        found = []
        for job in jobs:
            place = Place(self._root / job.id)
            if job.over and self.library.writable and not place.status().get("told"):
                with suppress(OSError):
                    place.put(told=True)
                found.append(job)
        return found

    def follow(self, ref: str, pause: float = 0.2) -> Iterator[Progress]:
        """The progress of one training until it is over and published."""
        shown: tuple[Any, ...] = ()
        while True:
            self.settle()
            job = self.get(ref)
            if (now_at := (job.state, job.step, job.seconds_left, job.message)) != shown:
                shown = now_at
                label = f"{job.concept} waits for its turn" if job.state == "queued" else job.message
                yield Progress(label or f"training {job.concept}", job.step, job.total, job.seconds_left)
            if job.over:
                return
            time.sleep(pause)

    def _publish(self, job: Job) -> Job | None:
        """Keeps a finished job's adapter; drops the job of a concept that was forgotten."""
        if not self.library.writable:
            return job
        place = Place(self._root / job.id)
        try:
            self.library.concept_at(job.concept_id, 1)
        except NotFound:
            (place.folder / "cancel").touch()
            if job.over:
                shutil.rmtree(place.folder, ignore_errors=True)
            return None
        if job.state not in FINISHED or not (place.result / "adapter.json").exists():
            return job
        try:
            adapter = self.library.publish_adapter(job.concept_id, place.result)
            place.put(adapter=adapter.id)
        except LibraryError as error:
            place.put(state="failed", message=error.text)
            shutil.rmtree(place.result, ignore_errors=True)
        shutil.rmtree(place.work, ignore_errors=True)
        self._forget_old()
        return self._read(place)

    def _forget_old(self) -> None:
        for job in [job for job in self.all() if job.state in FINISHED][:-KEPT]:
            shutil.rmtree(self._root / job.id, ignore_errors=True)

    def _reap(self) -> None:
        for child in list(self._children):
            with suppress(ChildProcessError):
                if os.waitpid(child, os.WNOHANG)[0] == 0:
                    continue
            self._children.discard(child)
