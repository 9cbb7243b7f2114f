"""The front door: one library, one preset's models, one planner, and the conversations over them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..errors import NotFound, UserError
from ..memory.library import Library
from ..memory.values import Concept, Take
from ..tools import replay as replays
from ..tools.images import load_picture
from ..tools.presets import Preset, load_preset
from ..tools.studio import Studio
from ..tools.teach import foreign_note, search, store_concept
from .models import planner as planner_by_name
from .session import Session
from .turn import Models

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel
    from PIL.Image import Image


class Agent:
    """Limner. Use it as a context manager, or `close` it: it holds the library's lock.

    Opening is cheap: models are loaded by the first picture, the planner by the first sentence.
    """

    def __init__(self, library: Library, preset: Preset, planner: str | BaseChatModel | None = None) -> None:
        self.library = library
        self.preset = preset
        self.studio = Studio(preset)
        self.models = Models()
        self.notices: list[str] = list(library.notices)
        """What is worth knowing about what was opened and taught: repairs, first frames, photographs."""
        self._planner = planner if planner is not None else preset.planner
        self._sessions: dict[str, Session] = {}
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
        chosen = load_preset(preset)
        library = Library.open(home, write=write)
        try:
            return cls(library, chosen, planner)
        except BaseException:
            library.close()
            raise

    @cached_property
    def model(self) -> BaseChatModel:
        """The planner. Raises `NotFound` or `PlannerError` when the named one cannot be had."""
        return planner_by_name(self._planner)

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

    def teach(self, name: str, files: Sequence[str | Path], kind: str = "") -> Concept:
        """Learn a subject from pictures. `kind` is its class noun ("dog").

        Raises `BadImage` or `BadName`; nothing is stored then.
        """
        if not files:
            raise UserError(f"There is no picture of {name!r} to learn from.", "Give at least one.")
        loaded = [load_picture(path) for path in files]
        self.notices.extend(text for picture in loaded for text in picture.notices)
        prepared = [self.studio.prepare(picture.image) for picture in loaded]
        concept = store_concept(self.library, self.studio, name, kind, prepared)
        if note := foreign_note(prepared, self.preset):
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

    def search(self, what: str | Image, n: int = 5) -> list[tuple[Concept, float | None]]:
        """Concepts that fit words or a picture, best first, with the likeness where it was measured."""
        return search(self.library, self.studio, what, n)

    # -- work -------------------------------------------------------------------------------------

    def replay(self, take: Take | int | str, session: str = "default") -> replays.Replay:
        """Draw a take again from its record and compare bit for bit. Stores nothing."""
        if not isinstance(take, Take):
            take = self.library.find_take(take, session)
        return replays.replay(self.library, self.studio, take)

    def jobs(self) -> tuple[Mapping[str, Any], ...]:
        """Trainings that outlive a turn. Methods that need none, like in-context drawing, start none."""
        return ()

    def close(self) -> None:
        """Cancel what is under way and release models and library."""
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
