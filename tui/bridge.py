"""The chat's only way to the agent.

`open` and `say` work in threads of their own and report by messages. Everything else is a plain call that
returns a value or raises a `LimnerError`; what is called slow belongs in a thread worker.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from textual.message import Message

from ..errors import LimnerError, PlannerError, UserError
from ..memory.events import Progress
from ..memory.values import Concept, Take
from .messages import Changed, Happened, JobMoved, Kind, Opened, OpenFailed, TurnOver

if TYPE_CHECKING:
    from ..agent.agent import Agent
    from ..agent.providers import Provider
    from ..agent.session import Session
    from ..memory.values import Adapter
    from ..tools.dialogue import Comparison
    from ..tools.needs import Need
    from ..tools.presets import Preset
    from ..tools.values import MethodInfo

T = TypeVar("T")
BEAT = 0.08
"""Seconds between two reports of progress: more often nobody can see, and the screen has other things to draw."""
POLITE = 3
"""Priority (nice) of drawing: behind the screens, before a training in the background."""
TICK = 0.5
"""Seconds between two looks at the trainings."""


def politely() -> None:
    """Whoever types goes first: a lower priority for this thread, and for those that it starts (Linux only)."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), POLITE)


class Bridge:
    """One library, one conversation, and the turn under way in it."""

    def __init__(
        self,
        preset: str = "starter",
        home: Path | None = None,
        planner: str | None = None,
        session: str = "default",
    ) -> None:
        self.preset = preset
        self.home = home
        self.planner = planner
        self.name = session
        """The conversation's name."""
        self.read_only = False
        self.busy = False
        """A turn is under way."""
        self.post: Callable[[Message], object] = lambda message: None
        """Where messages go; thread-safe. Set by the app."""
        self._agent: Agent | None = None
        self._watcher: threading.Thread | None = None

    # -- opening ----------------------------------------------------------------------------------

    def open(self, *, write: bool = True) -> None:
        """Open the library in a thread; `Opened` or `OpenFailed` follows. What was open is closed first."""
        threading.Thread(target=self._open, args=(write,), name="limner-open", daemon=True).start()

    def _open(self, write: bool) -> None:
        try:
            from ..agent.agent import Agent

            self.close()
            agent = Agent.open(self.preset, self.home, self.planner, write=write)
            agent.session(self.name).turns()  # read here, in this thread, and not when the screen asks
            self._agent, self.read_only = agent, not write
            self.post(Opened(tuple(agent.notices)))
            self.watch()
        except LimnerError as error:
            self.post(OpenFailed(error))

    @property
    def ready(self) -> bool:
        """The library is open."""
        return self._agent is not None

    @property
    def agent(self) -> Agent:
        """Raises `UserError` before the library is open."""
        if self._agent is None:
            raise UserError("The library is still being opened.", "It takes a moment.")
        return self._agent

    @property
    def chat(self) -> Session:
        """The conversation."""
        return self.agent.session(self.name)

    def close(self) -> None:
        """Stop what is under way and release the library. What is finished is on the disk already."""
        agent, self._agent = self._agent, None
        if agent is not None:
            agent.close()

    # -- talking ----------------------------------------------------------------------------------

    def say(self, text: str, files: Sequence[Path] = (), method: str = "auto") -> None:
        """Say a sentence, in a thread. Its events follow as `Happened`, then one `TurnOver`."""
        if self.busy:
            raise UserError("One sentence at a time.", "Wait for the picture, or stop it with Escape.")
        chat = self.chat
        self.busy = True
        work = threading.Thread(target=self._turn, args=(chat, self.plain(text), files, method), daemon=True)
        work.start()

    def _turn(self, chat: Session, text: str, files: Sequence[Path], method: str) -> None:
        error: LimnerError | None = None
        shown = 0.0
        politely()
        try:
            for event in chat.stream(text, files, method=method):
                now = time.monotonic()
                if isinstance(event, Progress) and event.preview is None and now - shown < BEAT:
                    continue
                shown = now if isinstance(event, Progress) else shown
                self.post(Happened(event))
        except LimnerError as fault:
            error = fault
        except Exception as fault:  # the screen must come out of its waiting, whatever a plug-in raised
            error = PlannerError(f"The turn failed: {type(fault).__name__}: {fault}")
        finally:
            self.busy = False
        self.post(TurnOver(None if error else chat.last, error))
        self.watch()
        for kind in ("takes", "concepts"):
            self._changed(kind)

    def cancel(self) -> None:
        """Stop the turn under way within a step; finished pictures stay."""
        if self._agent is not None:
            self.chat.cancel()

    def plain(self, text: str) -> str:
        """The sentence as the agent reads it: "@Biscuit" is the concept's name, an unknown "@name" stays."""
        names = sorted((concept.name for concept in self.concepts()), key=len, reverse=True)
        if not names or "@" not in text:
            return text
        pattern = re.compile(rf"(?<![\w@])@({'|'.join(map(re.escape, names))})(?!\w)", re.IGNORECASE)
        spelt = {name.casefold(): name for name in names}
        return pattern.sub(lambda found: spelt.get(found[1].casefold(), found[1]), text)

    def turns(self) -> list[dict[str, Any]]:
        """The log of the conversation, oldest first: "text", "reply", "takes" (ids), "question", "options" …"""
        return self.chat.turns()

    def asking(self) -> bool:
        """The last turn's question still waits for its answer."""
        return self.chat.asking

    def interrupted(self) -> tuple[str, tuple[Path, ...]] | None:
        """The sentence, with its pictures, that the last process died over."""
        return self.chat.interrupted

    def let_go(self) -> None:
        """The interrupted sentence is not to be gone on with."""
        self.chat.let_go()

    def sessions(self) -> list[str]:
        """The names of all conversations."""
        return self.agent.sessions()

    def switch(self, session: str) -> None:
        """Go on in another conversation, new or old. Raises `BadName`."""
        self.agent.session(session)
        self.name = session
        self._changed("session")

    # -- takes ------------------------------------------------------------------------------------

    def takes(self) -> list[Take]:
        """All takes by number, without deleted ones."""
        return self.chat.takes()

    def take(self, ref: int | str) -> Take:
        """A take by number, "#3" or id. Raises `NotFound`."""
        return self.chat.take(ref)

    def save(self, take: Take, file: Path) -> None:
        """Write a take's picture with what made it. Raises `OSError`, `UserError` for an unknown ending."""
        from ..memory.files import replacing
        from ..tools.provenance import encode, facts, originals

        takes, home = self.takes(), self.agent.library.home
        data = encode(take.image, facts(take, takes), file.name, home, originals(take, takes))
        with replacing(file) as stream:
            stream.write(data)

    @property
    def head(self) -> Take | None:
        """The take that the user is at."""
        return self.chat.head

    def undo(self, steps: int = 1) -> Take | None:
        """Go back along the history; `None` is the beginning. Raises `UserError` when there is nothing."""
        return self._did("takes", self.chat.undo(steps))

    def redo(self, steps: int = 1) -> Take | None:
        """Take back an undo."""
        return self._did("takes", self.chat.redo(steps))

    def fork(self, ref: int | str) -> Take:
        """Go to a take: the next one branches off there."""
        return self._did("takes", self.chat.fork(ref))

    def rate(self, ref: int | str, liked: bool) -> Take:
        """Keep the user's verdict on a take."""
        return self._did("takes", self.chat.rate(ref, liked))

    def delete(self, ref: int | str) -> Take:
        """Delete a take; its number is never used again. `undelete` brings it back until Limner ends."""
        return self._did("takes", self.chat.delete(ref))

    def undelete(self, ref: int | str | None = None) -> Take:
        """Bring back a deleted take; `None`: the last one. Raises `UserError`."""
        return self._did("takes", self.chat.undelete(ref))

    def parent(self, take: Take) -> Take | None:
        """The take that this one was made from, or the nearest one before it that was not deleted."""
        return self.chat.parent(take)

    def compare(self, first: int | str, second: int | str) -> Comparison:
        """Measure two takes against each other. Slow: it loads the encoder."""
        return self.chat.compare(first, second)

    # -- concepts ---------------------------------------------------------------------------------

    def concepts(self) -> list[Concept]:
        """What has been taught: the newest version of each, by name."""
        return self.agent.concepts()

    def versions(self, name: str) -> list[Concept]:
        """All versions of a concept, oldest first."""
        return self.agent.library.versions(name)

    def concept_at(self, identity: str, version: int) -> Concept:
        """The concept that a take was drawn with. Raises `NotFound` when it was forgotten."""
        return self.agent.library.concept_at(identity, version)

    def teach(self, name: str, files: Sequence[Path | Take], kind: str = "", *, consent: bool = False) -> Concept:
        """Learn a subject from pictures, or from takes that show it. Slow.

        Raises `BadImage` or `BadName`, and `NeedsConsent` for a person; nothing is stored then.
        """
        return self._did("concepts", self.agent.teach(name, files, kind, consent=consent))

    @property
    def notices(self) -> list[str]:
        """What is worth knowing about what was opened and taught so far."""
        return self.agent.notices

    def adapters(self, concept: Concept) -> tuple[Adapter, ...]:
        """What was trained for a concept and fits it as it is now, newest first."""
        return self.agent.library.adapters(concept)

    def takes_of(self, concept: Concept) -> list[Take]:
        """All takes of all conversations that show a concept, in any version. Slow."""
        library = self.agent.library
        stores = [library.session(name, create=False) for name in library.sessions()]
        return [take for store in stores for take in store.takes() if concept.id in {use.id for use in take.concepts}]

    def refine(self, name: str, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Concept:
        """Correct a concept for good, as a new version."""
        return self._did("concepts", self.agent.refine(name, add, remove))

    def rename(self, old: str, new: str) -> Concept:
        """Give a concept another name. Raises `NotFound` or `BadName`."""
        return self._did("concepts", self.agent.rename(old, new))

    def revert(self, name: str, version: int | None = None) -> Concept:
        """Bring back an earlier version as a new one; `None`: the previous."""
        return self._did("concepts", self.agent.revert(name, version))

    def forget(self, name: str) -> None:
        """Delete a concept with its pictures; takes that show it stay."""
        self.agent.forget(name)
        self._changed("concepts")

    def export_concept(self, name: str, file: Path) -> None:
        """Write a concept to one file. Slow. Raises `UserError` when it cannot be written there."""
        self.agent.library.export_concept(name, file)

    def export_session(self, file: Path) -> None:
        """Write this conversation with its takes to one file. Slow."""
        self.agent.library.export_session(self.name, file)

    def import_file(self, file: Path) -> list[str]:
        """Take in what an export wrote; sentences about what came in. Slow."""
        return self._did("concepts", self.agent.library.import_file(file))

    # -- what it runs with ------------------------------------------------------------------------

    def presets(self) -> list[Preset]:
        """The presets that come with Limner."""
        from ..tools.presets import presets

        return presets()

    def needs(self, preset: Preset) -> list[Need]:
        """What a preset needs, and whether this machine has it."""
        from ..tools.needs import needs

        return needs(preset)

    def planners(self) -> tuple[Provider, ...]:
        """Who can lead the talk, besides the offline planner."""
        from ..agent.providers import PROVIDERS

        return PROVIDERS

    def check_planner(self, name: str | None) -> None:
        """Raises `NotFound` or `PlannerError` when the planner of this name cannot be had. Slow."""
        from ..agent.models import planner

        planner(name)

    def methods(self) -> list[MethodInfo]:
        """The methods of this preset: what each can do, and why one cannot be used."""
        return self.agent.studio.methods()

    def use(self, preset: str, planner: str | None) -> None:
        """Go on with another preset or planner: the library is opened anew, `Opened` follows."""
        self.preset, self.planner = preset, planner
        self.open(write=not self.read_only)

    # -- trainings ---------------------------------------------------------------------------------

    def jobs(self) -> tuple[Mapping[str, Any], ...]:
        """Trainings that outlive a turn, oldest first: the fields of `tools.jobs.Job`."""
        return self.agent.jobs()

    def training(self) -> list[str]:
        """Names of the concepts whose training waits or is under way."""
        return [job.concept for job in self.agent.training.unfinished()] if self._agent else []

    def train(self, name: str, method: str = "auto", seconds: float | None = None) -> None:
        """Begin or go on with a training, in a process of its own; `JobMoved` follows until it is over."""
        self.agent.train(name, method, seconds)
        self.watch()

    def stop_training(self, ref: str) -> None:
        """End a training at its next step, by its id or its concept's name; what is good is kept."""
        self.agent.training.cancel(ref)

    def watch(self) -> None:
        """Report what trainings do, from a thread, until none is left."""
        if self._watcher is None or not self._watcher.is_alive():
            self._watcher = threading.Thread(target=self._watch, name="limner-jobs", daemon=True)
            self._watcher.start()

    def _watch(self) -> None:
        agent, seen = self._agent, dict[str, Mapping[str, Any]]()
        first = True
        while agent is not None and agent is self._agent:
            try:
                rows = agent.jobs()
                for row in rows:
                    over = row["state"] not in ("queued", "running")
                    if seen.get(row["id"]) != row and not (first and over):
                        self.post(JobMoved(row, tuple(agent.training.curve(row["id"]))))
                    if seen.get(row["id"], row)["state"] != row["state"] and over:
                        self._changed("concepts")
                    seen[row["id"]] = row
            except LimnerError:
                return  # the library was closed meanwhile, or cannot be read: whoever asks next hears of it
            if not any(row["state"] in ("queued", "running") for row in rows):
                return
            first = False
            time.sleep(TICK)

    def _did(self, kind: Kind, value: T) -> T:
        self._changed(kind)
        return value

    def _changed(self, kind: Kind) -> None:
        self.post(Changed(kind))
