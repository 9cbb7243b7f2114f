"""The library: one folder that holds everything Limner remembers. The folder is the truth, Chroma its index.

library.json            the format's version
consents.json           what the user has agreed to
lock                    held by the one process that writes
concepts/<id>/          concept.json, reference-, mask- and rejected pictures, embeddings, adapters/
sessions/<slug>/        session.json, turns.jsonl, takes/<number>-<id>/{take.json,image.png}
index/                  Chroma, a cache
staging/                what is being written; empty between two changes
jobs/                   trainings under way; what they leave is published by the writer
broken/                 what could not be read and was set aside
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..errors import LibraryError, NotFound
from . import adapters, archive, records, transfer
from .concepts import ConceptStore
from .consents import Consents
from .files import Lock, Vault, default_home, explain, read_json
from .format import check_format
from .history import number_of
from .index import Index
from .names import clean_name, slug
from .sessions import SessionStore, create
from .values import Adapter, Concept, Rated, Take

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image


class Library:
    """Concepts, takes and sessions. One writer at a time; any number of readers.

    Safe to use from several threads.
    """

    def __init__(self, vault: Vault, lock: Lock | None) -> None:
        """Use `Library.open`."""
        self.home: Path = vault.home
        """The library's folder, absolute."""
        self.notices: list[str] = vault.notices
        """What was found damaged and how it was mended, in sentences; grows while the library is open."""
        self._vault = vault
        self._lock = lock
        self.consents = Consents(vault)
        """What the user has agreed to."""
        self._concepts = ConceptStore(vault)
        self._sessions: dict[str, SessionStore] = {}
        self._index = Index(self.home / "index", self.notices)

    @classmethod
    def open(cls, home: Path | str | None = None, *, write: bool = True) -> Library:
        """Open the library in `home`, making it where there is none.

        Args:
            home: its folder; `None` for `$LIMNER_HOME` or the platform's place for application data.
            write: take the writer's lock, clear what a crash left, set aside what is broken. Without it
                nothing on the disk is touched and a missing library is an empty one.

        Raises:
            Locked: another process is writing to it.
            LibraryError: it cannot be read or written, or has another format.
        """
        folder = Path(home).expanduser() if home else default_home()
        folder = folder.absolute()
        lock = None
        try:
            if write:
                folder.mkdir(parents=True, exist_ok=True)
                lock = Lock(folder / "lock")
            library = cls(Vault(folder, [], write=write), lock)
            fresh = check_format(library._vault)
            if write:
                library._make_folders(fresh)
                library._vault.sweep()
                library._index.check()
            library._concepts.load()
        except BaseException as error:
            if lock is not None:
                lock.release()
            if isinstance(error, FileExistsError | NotADirectoryError):
                text = f"The library cannot be at {folder}: there is a file in the way."
                raise LibraryError(text, hint="Choose another folder with --home.") from error
            if isinstance(error, OSError):
                raise explain(error, folder) from error
            raise
        return library

    @property
    def writable(self) -> bool:
        """Whether this one may change it: opened for writing and not closed."""
        return self._vault.write

    def close(self) -> None:
        """Let others write. Everything is on the disk already; using the library afterwards is an error."""
        with self._vault.guard:
            self._index.close()
            self._vault.write = False
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def __enter__(self) -> Library:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # Concepts

    def concepts(self) -> list[Concept]:
        """The newest version of every concept, by name."""
        with self._vault.guard:
            return self._concepts.newest()

    def concept(self, name: str) -> Concept:
        """The newest version of the concept with this name; case and spacing do not matter.

        Raises:
            NotFound: there is none; the hint names near ones.
        """
        with self._vault.guard:
            return self._concepts.get(name)

    def concept_at(self, id: str, version: int) -> Concept:
        """The concept that a take was drawn with.

        Raises:
            NotFound: forgotten, or no such version.
        """
        with self._vault.guard:
            return self._concepts.at(id, version)

    def versions(self, name: str) -> list[Concept]:
        """All versions of a concept, oldest first."""
        with self._vault.guard:
            return self._concepts.versions(name)

    def teach(
        self,
        name: str,
        kind: str,
        pictures: Sequence[Image],
        masks: Sequence[Image | None] = (),
        *,
        embeddings: Mapping[str, np.ndarray] | None = None,
        category: str = "subject",
        stable: Iterable[str] = (),
        notes: Iterable[str] = (),
    ) -> Concept:
        """Store a new concept.

        Args:
            name: free, 1 to 80 characters, no slash, line break, control or invisible formatting character.
            kind: the class noun ("dog").
            pictures: one or more; stored as RGB PNG without metadata.
            masks: per picture an 8-bit mask of the subject of the same size, or `None`; empty for none at
                all.
            embeddings: space name to float32 [n_pictures, dim], L2-normalised.
            category: "subject", "person" or "style".

        Raises:
            BadName: the name is taken or cannot be stored. UserError: no picture.
            LibraryError: it could not be written; nothing changed.
        """
        with self._vault.guard:
            return self._concepts.teach(name, kind, pictures, masks, embeddings or {}, category, stable, notes)

    def revise(
        self,
        name: str,
        *,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        reject: Image | None = None,
        changeable: Iterable[str] = (),
    ) -> Concept:
        """Correct a concept: a new version, unless nothing is different.

        Args:
            add: attributes that belong to the subject.
            remove: attributes to remove; one that the concept does not have becomes a negative ("hat").
            reject: a picture that shows it wrongly.
            changeable: attributes that a prompt may override.
        """
        with self._vault.guard:
            return self._concepts.revise(name, add, remove, reject, changeable)

    def learn(self, concept_id: str, rating: Rated) -> Concept:
        """Keep what the user thought of a take that shows a concept, as a new version. The last word counts."""
        with self._vault.guard:
            return self._concepts.rate(concept_id, rating)

    def remember(self, concept: Concept, request: str, method: str, accepted: bool) -> None:
        """Keep how a method did for a concept and a kind of request, with this version: reverting forgets it."""
        with self._vault.guard:
            self._concepts.serve(concept, request, method, accepted)

    def rename(self, old: str, new: str) -> Concept:
        """Give a concept another name. The name belongs to all versions; takes keep the name they were drawn
        with.

        Raises:
            BadName: the new name is taken or cannot be stored.
        """
        with self._vault.guard:
            return self._concepts.rename(old, new)

    def revert(self, name: str, version: int | None = None) -> Concept:
        """A new version equal to an older one (`None`: the one before the newest).

        Raises:
            NotFound: no such version. UserError: there is only one.
        """
        with self._vault.guard:
            return self._concepts.revert(name, version)

    def forget(self, name: str) -> None:
        """Remove a concept: all versions, pictures and embeddings, from the disk and the index.

        Takes stay.
        """
        with self._vault.writing():
            if self._concepts.has_embeddings(name):
                self._index.drop()
            self._concepts.forget(name)

    def adapters(self, concept: Concept) -> tuple[Adapter, ...]:
        """What was trained for the concept and fits its pictures at this version, newest first."""
        with self._vault.guard:
            found, broken = adapters.adapters_in(self._concepts.folder_of(concept.id))
            self.notices.extend(text for text in broken if text not in self.notices)
            return tuple(a for a in found if self._concepts.same_pictures(concept, a.version))

    def publish_adapter(self, concept_id: str, staged: Path) -> Adapter:
        """Keep a finished training's folder (see `adapters.write_record`) with its concept.

        An older one of the same method, model and version makes room.

        Raises:
            NotFound: the concept was forgotten meanwhile. LibraryError: the folder is damaged.
        """
        with self._vault.writing():
            self._concepts.at(concept_id, 1)
            return adapters.publish(self._vault, self._concepts.folder_of(concept_id), staged)

    def embeddings(self, concept: Concept, space: str) -> np.ndarray | None:
        """The references' embeddings, float32 [n_references, dim]; `None` if there are none in this space."""
        with self._vault.reading():
            return self._concepts.embeddings(concept, space)

    def put_embeddings(self, concept: Concept, space: str, array: np.ndarray) -> None:
        """Store embeddings [n_references, dim] for all versions with the same references."""
        with self._vault.guard:
            self._concepts.put_embeddings(concept, space, array)

    def search(self, space: str, vector: np.ndarray, n: int = 5) -> list[tuple[Concept, float]]:
        """The `n` concepts whose references are nearest to `vector` [dim], with cosine similarities, best
        first.

        The first search of a process loads Chroma and brings it up to date. Concepts without embeddings in
        this space are not found.

        Raises:
            LibraryError: the library is open for reading only, or the index could not be built.
        """
        import numpy as np

        query = np.asarray(vector, dtype=np.float32)
        if query.ndim != 1 or not np.isfinite(query).all() or not query.any():
            raise ValueError(f"the vector must be finite, not zero and [dim]; its shape is {list(query.shape)}")
        with self._vault.writing():
            found = self._index.search(space, query, max(n, 1), self._concepts)
            return [(self._concepts.latest(identity), similarity) for identity, similarity in found]

    def search_text(self, query: str, n: int = 5) -> list[Concept]:
        """The `n` concepts whose name, kind or attributes fit the words best; near spellings count."""
        with self._vault.guard:
            return self._concepts.text().search(query, n)

    # Sessions

    def sessions(self) -> list[str]:
        """Names of all sessions, sorted."""
        with self._vault.reading():
            root = self.home / "sessions"
            folders = sorted(p for p in root.iterdir() if p.is_dir()) if root.is_dir() else []
            return sorted(self._session_name(folder) for folder in folders)

    def session(self, name: str = "default", *, create: bool = True) -> SessionStore:
        """A session by name; case and spacing do not matter. The same object for the same session.

        Args:
            create: make it where there is none (in a library open for reading: an empty one, in memory).

        Raises:
            BadName: the name cannot be stored. NotFound: there is none and `create` is false.
        """
        clean = clean_name(name, "session name")
        with self._vault.reading():
            at = slug(clean)
            if at not in self._sessions:
                folder = self.home / "sessions" / at
                if not folder.is_dir() and not create:
                    known = self.sessions()
                    hint = f"There are: {', '.join(known[:10])}." if known else "There is no session yet."
                    raise NotFound(f'There is no session named "{clean}".', hint=hint)
                self._sessions[at] = self._open_session(folder, clean)
            return self._sessions[at]

    def find_take(self, ref: int | str, session: str = "default") -> Take:
        """A take by its number in the session (3, "3", "#3") or by its id in any session.

        Raises:
            NotFound: there is no such take.
        """
        if number_of(ref) is None:
            identity = str(ref).strip().lower()
            with self._vault.reading():
                if records.TAKE_ID.fullmatch(identity):
                    for folder in (self.home / "sessions").glob(f"*/takes/*-{identity}"):
                        return self._session_at(folder.parent.parent).take(identity)
            raise NotFound(f"There is no take {str(ref)[:40]}.")
        return self.session(session, create=False).take(ref)

    # Archives

    def export_concept(self, name: str, file: Path | str) -> None:
        """Write a concept with all its versions and pictures to one file.

        Raises:
            NotFound: no such concept. UserError: `file` cannot be written or is something else's.
        """
        with self._vault.guard:
            transfer.export_concept(self._concepts, name, Path(file))

    def export_session(self, name: str, file: Path | str) -> None:
        """Write a session, its takes and the concepts they used to one file."""
        with self._vault.guard:
            transfer.export_session(self._concepts, self.session(name, create=False), Path(file))

    def import_file(self, file: Path | str) -> list[str]:
        """Take in what `export_concept` or `export_session` wrote; returns sentences about what came in.

        Raises:
            UserError: no archive of Limner's, of another version, truncated, altered or hostile; nothing
            changed.
        """
        path = Path(file)
        with self._vault.writing(), self._vault.staged() as box:
            archive.unpack(path, box)
            with archive.refusing(path):
                return transfer.Import(self._vault, self._concepts, self.home / "sessions", box).run()

    # On the disk

    def _make_folders(self, fresh: bool) -> None:
        for name in ("concepts", "sessions", "index", "staging"):
            folder = self.home / name
            if not folder.is_dir():
                folder.mkdir()
                if not fresh:
                    self.notices.append(f"The library's folder {name} was missing and was made anew.")

    def _session_name(self, folder: Path) -> str:
        if folder.name in self._sessions:
            return self._sessions[folder.name].name
        with suppress(OSError, ValueError):
            name: Any = read_json(folder / "session.json").get("name")
            if isinstance(name, str) and slug(name) == folder.name:
                return name
        return folder.name

    def _session_at(self, folder: Path) -> SessionStore:
        if folder.name not in self._sessions:
            self._sessions[folder.name] = SessionStore(self._vault, folder, self._session_name(folder))
        return self._sessions[folder.name]

    def _open_session(self, folder: Path, name: str) -> SessionStore:
        if folder.is_dir() or not self._vault.write:
            return SessionStore(self._vault, folder, name)
        return create(self._vault, folder, name)
