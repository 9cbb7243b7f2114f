"""The front door: one library, one preset's models, one planner, and the conversations over them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..errors import LimnerError, NotFound, UserError
from ..memory.events import Event, JobChanged, Notice
from ..memory.library import Library
from ..memory.values import Concept, Scores, Take
from ..tools import replay as replays
from ..tools.desk import subject_of
from ..tools.images import load_picture
from ..tools.jobs import Job, Jobs
from ..tools.photographs import advice, prepare_together
from ..tools.presets import Preset, load_preset
from ..tools.sameness import doubts
from ..tools.shelf import remarks
from ..tools.studio import Studio
from ..tools.teach import foreign_note, reference, search, store_concept
from ..tools.train import trained_method
from .models import planner as planner_by_name
from .session import Session
from .turn import Models

PAUSE = 0.5
"""Seconds between two looks at running trainings."""

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel
    from PIL.Image import Image

    from .sight import Sight


class Agent:
    """Limner. Use it as a context manager, or `close` it: it holds the library's lock.

    Opening is cheap: models are loaded by the first picture, the planner by the first sentence.
    """

    def __init__(self, library: Library, preset: Preset, planner: str | BaseChatModel | None = None) -> None:
        self.library = library
        self.preset = preset
        self.studio = Studio(preset)
        self.models = Models()
        self.notices: list[str] = [*library.notices, *remarks(preset)]
        """What is worth knowing about what was opened and taught: repairs, first frames, photographs."""
        self._planner = planner if planner is not None else preset.planner
        self._sessions: dict[str, Session] = {}
        self.training = Jobs(library, preset)
        """The trainings, each in a process of its own: they go on when this is closed."""
        self._watcher: threading.Thread | None = None
        self._closed = threading.Event()
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls,
        preset: str | Path = "starter",
        home: Path | str | None = None,
        planner: str | BaseChatModel | None = None,
        *,
        write: bool = True,
    ) -> Self:
        """Open the library at `home` with a preset's models.

        Args:
            home: the library's folder; `None`: $LIMNER_HOME, else the user's data folder.
            planner: "offline", "ollama:llama3.2" … or a LangChain chat model; `None`: the preset's own.
            write: without it nothing can be changed, and no lock is taken.

        Raises:
            NotFound: there is no such preset.
            Locked: another process writes to the library. LibraryError: it cannot be used.
        """
        chosen = load_preset(preset, home)
        library = Library.open(home, write=write)
        try:
            agent = cls(library, chosen, planner)
            if write:
                changed = agent.training.settle()
                agent.notices += [job.sentence() for job in agent.training.untold(changed)]
                if agent.training.unfinished():
                    agent.watch()
            return agent
        except BaseException:
            library.close()
            raise

    @cached_property
    def model(self) -> BaseChatModel:
        """The planner. Raises `NotFound` or `PlannerError` when the named one cannot be had."""
        return planner_by_name(self._planner)

    @cached_property
    def sight(self) -> Sight | None:
        """What the planner sees and where it is; `None` for the built-in one, which reads the sentence only."""
        from .planner import OfflinePlanner
        from .sight import sight_of

        return None if isinstance(self.model, OfflinePlanner) else sight_of(self.model, self._planner)

    def session(self, name: str = "default") -> Session:
        """The conversation called `name`, new or continued. Raises `BadName`."""
        with self._lock:
            try:
                store = self.library.session(name, create=False)
            except NotFound:
                store = None
            key = name.strip().casefold()
            if key not in self._sessions:
                self._sessions[key] = Session(self, store.name if store else name, store)
            return self._sessions[key]

    def sessions(self) -> list[str]:
        """The names of all conversations."""
        return self.library.sessions()

    # -- concepts ---------------------------------------------------------------------------------

    def teach(self, name: str, files: Sequence[str | Path | Take], kind: str = "", *, consent: bool = False) -> Concept:
        """Learn a subject from picture files, or from takes that show it: a drawn figure is kept so.

        `kind` is its class noun ("dog"), which also says which figure of a take is meant; a photographed person must
        have agreed. Advice about the pictures goes to `notices`. Raises `BadImage` or `BadName`, and `UserError` for a
        person without `consent`; nothing is stored then.
        """
        if not files:
            raise UserError(f"There is no picture of {name!r} to learn from.", "Give at least one.")
        loaded = [item if isinstance(item, Take) else load_picture(item) for item in files]
        takes = [item for item in loaded if isinstance(item, Take)]
        self.notices.extend(text for item in loaded if not isinstance(item, Take) for text in item.notices)
        alone = [reference(self.studio, item if isinstance(item, Take) else item.image, kind) for item in loaded]
        prepared = prepare_together([item.image for item in loaded], alone)
        self.notices.extend(advice(prepared, self.preset.getting_segments))
        concept = store_concept(self.library, self.studio, name, kind, prepared, takes, consent=consent)
        self.notices.extend(doubts(self.library, self.preset, self.studio.space, concept, prepared))
        if note := foreign_note(prepared, kind, self.preset):
            self.notices.append(note)
        return concept

    def concepts(self) -> list[Concept]:
        """What has been taught: the newest version of each, by name."""
        return self.library.concepts()

    def refine(
        self,
        name: str,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        rejected: Take | int | str | None = None,
    ) -> Concept:
        """Correct a concept for good, as a new version. `rejected` is a take that shows it wrongly."""
        if not (add or remove or rejected):
            raise UserError("There is nothing to correct.", "Say what belongs to it, or what does not.")
        if rejected is not None and not isinstance(rejected, Take):
            rejected = self.library.find_take(rejected)
        picture = rejected.image if rejected is not None else None
        return self.library.revise(name, add=add, remove=remove, reject=picture)

    def rename(self, old: str, new: str) -> Concept:
        """Give a concept another name. Raises `NotFound` or `BadName`."""
        return self.library.rename(old, new)

    def revert(self, name: str, version: int | None = None) -> Concept:
        """Bring back an earlier version, as a new one; `None`: the previous."""
        return self.library.revert(name, version)

    def forget(self, name: str) -> None:
        """Delete a concept with its pictures. Takes that show it stay, but cannot be replayed."""
        self.library.forget(name)
        self.training.settle()

    def search(self, what: str | Image, n: int = 5) -> list[tuple[Concept, float | None]]:
        """Concepts that fit words or a picture, best first, with the likeness where it was measured."""
        return search(self.library, self.studio, what, n)

    def score(self, picture: str | Path | Image, concepts: Sequence[str] = (), prompt: str = "") -> Scores:
        """Measure any picture against concepts and a prompt: subject fidelity, text alignment, copying, a verdict.

        Raises `BadImage` for a file that is no picture and `NotFound` for an unknown concept.
        """
        subjects = [subject_of(self.library.concept(name)) for name in dict.fromkeys(concepts)]
        if isinstance(picture, (str, Path)):
            picture = load_picture(picture).image
        return self.studio.score(picture, subjects, prompt)

    # -- work -------------------------------------------------------------------------------------

    def replay(self, take: Take | int | str, session: str = "default") -> replays.Replay:
        """Draw a take again from its record and compare bit for bit. Stores nothing."""
        if not isinstance(take, Take):
            take = self.library.find_take(take, session)
        return replays.replay(self.library, self.studio, take)

    def train(self, name: str, method: str = "auto", seconds: float | None = None) -> Job:
        """Begin to train a concept in a process of its own; goes on with a training of it that broke off.

        Args:
            method: "auto": the preset's LoRA. seconds: budget for all of it; `None`: until it is enough.

        Raises:
            NotFound: no such concept or method. UserError: it is being trained already, or nothing here trains.
        """
        concept = self.library.concept(name)
        job = self.training.start(concept, trained_method(self.studio.methods(), method), seconds)
        self.watch()
        return job

    def jobs(self) -> tuple[Mapping[str, Any], ...]:
        """All trainings, oldest first; those that have finished are kept with their concepts by now."""
        self._told(self.training.settle())
        return tuple(job.row() for job in self.training.all())

    def follow(self, job: str) -> Iterator[Event]:
        """The events of one training until it is over: `Progress`, at the end `JobChanged`."""
        yield from self.training.follow(job)
        over = self.training.get(job)
        self.training.untold([over])
        yield JobChanged(over.row())

    def watch(self) -> None:
        """See to it that running trainings are noticed and told to the conversations, while there are any."""
        with self._lock:
            if self._watcher is None or not self._watcher.is_alive():
                self._watcher = threading.Thread(target=self._watching, name="limner-jobs", daemon=True)
                self._watcher.start()

    def _watching(self) -> None:
        while not self._closed.wait(PAUSE):
            try:
                self._told(self.training.settle())
                if not self.training.unfinished():
                    return
            except LimnerError as error:  # a disk that is full now may not be so the next time
                self.notices.append(error.text)
                return

    def _told(self, changed: list[Job]) -> None:
        """Tell every conversation about jobs that have changed, in words when they are over."""
        events: list[Event] = [JobChanged(job.row()) for job in changed]
        events += [Notice(job.sentence()) for job in self.training.untold(changed)]
        for session in list(self._sessions.values()):
            session.tell(events)

    def close(self) -> None:
        """Cancel what is under way and release models and library."""
        self._closed.set()
        if self._watcher is not None:
            self._watcher.join()
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()
        self.studio.close()
        self.library.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
