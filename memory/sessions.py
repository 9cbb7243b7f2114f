"""A session: its tree of takes, the history of where the user was in it, and the log of turns.

`session.json` holds the history; each take is a folder of its own that becomes visible by one rename, before
the history names it. So a take is there whole or not at all, and what the history says can always be made
good.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NotFound, UserError
from . import records
from .files import Vault, new_id, now, read_json, to_json, write_synced
from .history import BIN, Deleted, History, check_session, number_of, read_history, session_record, span
from .names import clean_text, clean_value
from .pictures import encode_png
from .turnlog import append_turn, read_turns
from .values import ConceptUse, Origin, Scores, Take

if TYPE_CHECKING:
    from PIL.Image import Image


class SessionStore:
    """One session of a library. Made by `Library.session`."""

    def __init__(self, vault: Vault, folder: Path, name: str) -> None:
        """Read the session in `folder`; `name` serves where its own record is lost."""
        self.name = name
        """As the user wrote it first."""
        self.folder = folder
        """Everything of this session lies here."""
        self._vault = vault
        self._takes: dict[str, Take] = {}
        self._deleted: dict[str, tuple[int, str | None]] = {}
        """Number and parent of each deleted take, by id."""
        self._bin: list[Deleted] = []
        self._next = 1
        self._history = History()
        self._state: dict[str, Any] = {}
        self._created = now()
        self._turns: list[dict[str, Any]] | None = None
        if folder.is_dir():
            self._load()

    # Reading

    def takes(self) -> list[Take]:
        """All takes that were not deleted, by number."""
        return sorted(self._takes.values(), key=lambda t: t.number)

    def take(self, ref: int | str) -> Take:
        """A take by its number (3, "3", "#3") or its id.

        Raises:
            NotFound: no such take, or it was deleted.
        """
        found = self.resolve(ref)
        if found is None:
            number = number_of(ref)
            what = f"take {str(ref)[:40] if number is None else number}"
            if str(ref) in self._deleted or number in [gone for gone, _ in self._deleted.values()]:
                raise NotFound(f"{what[0].upper()}{what[1:]} was deleted.")
            numbers = [t.number for t in self.takes()]
            raise NotFound(f'There is no {what} in the session "{self.name}".', hint=span(numbers))
        return found

    def resolve(self, ref: int | str) -> Take | None:
        """As `take`, but `None` where there is none."""
        number = number_of(ref)
        if number is None:
            return self._takes.get(str(ref).strip().lower())
        return next((t for t in self._takes.values() if t.number == number), None)

    def parent(self, take: Take) -> Take | None:
        """The take that this one was made from; of deleted ones, the nearest before them that is still there."""
        identity = take.parent
        for _ in self._deleted:  # not more often: an edited record may point in a circle
            identity = self._deleted.get(identity or "", (0, identity))[1]
        return self._takes.get(identity) if identity else None

    @property
    def head(self) -> Take | None:
        """The take the user is at; `None` before the first."""
        identity = self._history.head
        return None if identity is None else self._takes[identity]

    @property
    def can_undo(self) -> int:
        """How many steps `undo` can go."""
        return self._history.can_undo

    @property
    def can_redo(self) -> int:
        """How many steps `redo` can go."""
        return self._history.can_redo

    @property
    def state(self) -> dict[str, Any]:
        """The small JSON values kept with the session (a copy)."""
        return dict(self._state)

    def turns(self) -> list[dict[str, Any]]:
        """The log of turns, oldest first."""
        with self._vault.reading():
            if self._turns is None:
                self._turns = self._read_turns()
            return list(self._turns)

    # Takes

    def add_take(
        self,
        image: Image,
        *,
        origin: Origin,
        prompt: str,
        parent: str | None = None,
        description: str = "",
        concepts: Sequence[ConceptUse] = (),
        method: str = "",
        adapters: Sequence[str] = (),
        borrow_from: str | None = None,
        seed: int = 0,
        model: str = "",
        settings: Mapping[str, Any] | None = None,
        scores: Scores | None = None,
        seconds: float = 0.0,
        advance: bool = True,
    ) -> Take:
        """Store a picture as the next take; when this returns it is on the disk.

        `advance` moves the head to it and ends what could be redone. Scores are brought into 0..1.

        Raises:
            NotFound: `parent` is no take of this session. LibraryError: it could not be written; nothing
            changed.
        """
        if parent is not None and parent not in self._takes and parent not in self._deleted:
            raise NotFound(f'There is no take {parent} in the session "{self.name}".')
        data = encode_png(image, "RGB")
        with self._vault.writing():
            identity, number = new_id("t"), self._next
            folder = self._takes_folder / f"{number}-{identity}"
            take = Take(
                id=identity,
                number=number,
                session=self.name,
                origin=origin,
                prompt=clean_text(prompt),
                image_path=folder / "image.png",
                parent=parent,
                description=clean_text(description),
                concepts=tuple(concepts),
                method=method,
                adapters=tuple(adapters),
                borrow_from=borrow_from,
                seed=seed,
                model=model,
                settings=clean_value(settings or {}),
                scores=records.bounded(scores or Scores()),
                seconds=float(seconds),
                created=now(),
            )
            record = records.take_record(take, len(data))
            records.take_value(record, folder, self.name)  # what could not be read again is not written
            with self._vault.staged() as staged:
                write_synced(staged / "image.png", data)
                write_synced(staged / "take.json", to_json(record))
                self._vault.publish(staged, folder)
            try:
                self._save(self._history.gone_to(identity) if advance else self._history, next=number + 1)
            except BaseException:
                with suppress(OSError):
                    self._vault.discard(folder)
                raise
            self._takes[identity] = take
        return take

    def rate(self, ref: int | str, liked: bool) -> Take:
        """Mark a take as good or bad."""
        return self._change(ref, rating="good" if liked else "bad")

    def set_scores(self, ref: int | str, scores: Scores) -> Take:
        """Replace a take's scores."""
        return self._change(ref, scores=records.bounded(scores))

    def keep_original(self, take: Take, name: str, data: bytes) -> None:
        """Keep the file that an imported take came from, beside its picture; it goes when the take goes."""
        with self._vault.writing():
            self._vault.put(take.image_path.with_name(f"original{Path(name).suffix.lower()}"), data)

    def delete(self, ref: int | str) -> Take:
        """Remove a take's picture and words for good; returns the take as it was.

        Its number and place in the tree stay, so children keep their parent. The head goes back to where the
        user was before. While the library stays open, `undelete` brings it back.
        """
        with self._vault.writing():
            take = self.take(ref)
            png = take.image_path.read_bytes()
            self._vault.put(take.image_path.parent / "take.json", to_json(records.tombstone(take)))
            self._deleted[take.id] = take.number, take.parent
            del self._takes[take.id]
            before, self._history = self._history, self._history.without({take.id})
            self._bin = [*self._bin, Deleted(take, png, before, self._history)][-BIN:]
            remove_pictures(take.image_path.parent)
            with suppress(OSError):  # should this fail, the next opening does it from the tombstone
                self._save(self._history)
        return take

    def undelete(self, ref: int | str | None = None) -> Take:
        """Bring back a take that was deleted since the library was opened; `None`: the last one.

        If nothing has moved since, the user is also where they were.

        Raises:
            UserError: it is not among the last `BIN` that were deleted.
        """
        with self._vault.writing():
            names = {number_of(ref), ref} - {None} if ref is not None else set()
            kept = [d for d in self._bin if ref is None or names & {d.take.id, d.take.number}]
            if not kept:
                what = "deleted take" if ref is None else f"deleted take {str(ref)[:40]}"
                raise UserError(f"There is no {what} that could be brought back.")
            found = kept[-1]
            take, record = found.take, to_json(records.take_record(found.take, len(found.png)))
            self._vault.put(take.image_path, found.png)  # first: without its picture it would be set aside
            self._vault.put(take.image_path.parent / "take.json", record)
            del self._deleted[take.id]
            self._takes[take.id] = take
            self._bin.remove(found)
            if self._history == found.after:
                with suppress(OSError):  # then the take is there, and the user is at another one
                    self._save(found.before)
        return take

    # Where the user is

    def undo(self, steps: int = 1) -> Take | None:
        """Go back along the history of heads; returns the new head, `None` for "before the first take".

        Raises:
            UserError: there are not that many steps to undo.
        """
        return self._move(-steps, steps, self.can_undo, "undo", "undone")

    def redo(self, steps: int = 1) -> Take | None:
        """Go forward again, as `undo` went back."""
        return self._move(steps, steps, self.can_redo, "redo", "redone")

    def fork(self, ref: int | str) -> Take:
        """Go to any take; the next one branches from there. `undo` comes back."""
        with self._vault.writing():
            take = self.take(ref)
            if self._history.head != take.id:
                self._save(self._history.gone_to(take.id))
        return take

    def _move(self, by: int, steps: int, possible: int, verb: str, done: str) -> Take | None:
        if steps < 1:
            raise UserError(f"The number of steps to {verb} must be 1 or more, not {steps}.")
        if not possible:
            raise UserError(f"There is nothing to {verb}.")
        if steps > possible:
            can = "1 step" if possible == 1 else f"{possible} steps"
            raise UserError(f"Only {can} can be {done}, not {steps}.")
        with self._vault.writing():
            self._save(self._history.moved(by))
        return self.head

    # Turns and state

    def add_turn(self, turn: Mapping[str, Any]) -> None:
        """Append a turn to the log; its strings are cleaned and "time" is added."""
        entry = {"time": now(), **clean_value(turn)}
        with self._vault.writing():
            turns = self.turns()
            append_turn(self.folder / "turns.jsonl", entry)
            self._turns = [*turns, entry]

    def put_state(self, **values: Any) -> None:
        """Keep small JSON values with the session; `None` removes one."""
        with self._vault.writing():
            state = {**self._state, **clean_value(values)}
            self._save(self._history, state={k: v for k, v in state.items() if v is not None})

    # On the disk

    def take_folders(self) -> list[Path]:
        """The folders of all takes, also of deleted ones."""
        found = self._takes_folder.iterdir() if self._takes_folder.is_dir() else ()
        return sorted(p for p in found if p.is_dir())

    @property
    def _takes_folder(self) -> Path:
        return self.folder / "takes"

    def _save(self, history: History, **changes: Any) -> None:
        """Write `session.json` with the changes, then believe them."""
        record = {**session_record(self.name, self._created), "next": self._next, "state": self._state}
        record |= {"history": list(history.steps), "position": history.position, **changes}
        # An older record is mended from the takes at the next opening, so it need not wait for the disk.
        self._vault.put(self.folder / "session.json", to_json(record), settle=False)
        self._history, self._next, self._state = history, record["next"], record["state"]

    def _change(self, ref: int | str, **fields: Any) -> Take:
        with self._vault.writing():
            take = replace(self.take(ref), **fields)
            size = take.image_path.stat().st_size
            self._vault.put(take.image_path.parent / "take.json", to_json(records.take_record(take, size)))
            self._takes[take.id] = take
        return take

    def _load(self) -> None:
        self._load_record()
        added = self._load_takes()
        gone = {i for i in self._history.steps if i is not None} - self._takes.keys()
        history = self._history.without(gone)
        if added:  # the process ended between storing a take and noting it
            history = history.gone_to(*added)
        changed, self._history = history != self._history, history
        if changed and self._vault.write:
            self._save(history)

    def _load_record(self) -> None:
        path = self.folder / "session.json"
        try:
            record = check_session(read_json(path))
        except (FileNotFoundError, IsADirectoryError, ValueError) as error:
            text = f'The record of the session "{self.name}" was lost and has been made anew from its takes'
            if self._vault.write and path.exists():
                text += f"; the old one is {self._vault.set_aside(path)}"
            why = "is missing" if isinstance(error, FileNotFoundError) else str(error)
            self._vault.notices.append(f"{text} (session.json: {why}).")
            return
        self.name, self._created = record["name"], record["created"]
        self._next, self._state = record["next"], record["state"]
        self._history = read_history(record["history"], record["position"])

    def _load_takes(self) -> list[str]:
        """Read all takes; returns those that the record does not know yet, by number."""
        known = self._next
        if self._vault.write:
            self._takes_folder.mkdir(exist_ok=True)
        for folder in self.take_folders():
            try:
                record = read_json(folder / "take.json")
                identity, number = records.place_of(record)
                records.need(folder.name == f"{number}-{identity}", "its folder has another name")
                if record.get("deleted") is True:
                    self._deleted[identity] = number, record.get("parent")
                    if self._vault.write:  # the process may have ended before the picture was gone
                        remove_pictures(folder)
                else:
                    take = records.take_value(record, folder, self.name)
                    size = take.image_path.stat().st_size
                    records.need(size == record.get("image_bytes"), "its picture is damaged")
                    self._takes[identity] = take
            except (FileNotFoundError, IsADirectoryError, ValueError) as error:
                self._refuse(folder, error)
                continue
            self._next = max(self._next, number + 1)
        return sorted((i for i, t in self._takes.items() if t.number >= known), key=lambda i: self._takes[i].number)

    def _refuse(self, folder: Path, error: Exception) -> None:
        why = "a file of it is missing" if isinstance(error, FileNotFoundError) else str(error)
        text = f'A take of the session "{self.name}" could not be read ({folder.name}: {why})'
        if self._vault.write:
            text += f" and was set aside as {self._vault.set_aside(folder)}"
        self._vault.notices.append(text + ".")

    def _read_turns(self) -> list[dict[str, Any]]:
        turns, unread = read_turns(self.folder / "turns.jsonl", mend=self._vault.write)
        if unread:
            lines = "1 line" if unread == 1 else f"{unread} lines"
            self._vault.notices.append(f'{lines} in the turns of the session "{self.name}" could not be read.')
        return turns


def remove_pictures(folder: Path) -> None:
    """Delete a take's picture and the file that it came from."""
    for file in (folder / "image.png", *folder.glob("original.*")):
        file.unlink(missing_ok=True)


def create(vault: Vault, folder: Path, name: str) -> SessionStore:
    """A new, empty session on the disk, in one step."""
    with vault.writing(), vault.staged() as staged:
        write_synced(staged / "session.json", to_json(session_record(name, now())))
        (staged / "takes").mkdir()
        vault.publish(staged, folder)
    return SessionStore(vault, folder, name)
