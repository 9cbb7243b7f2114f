"""A session: its tree of takes, the history of where the user was in it, and the log of turns.

`session.json` holds the history; each take is a folder of its own that becomes visible by one rename, before the
history names it. So a take is there whole or not at all, and what the history says can always be made good.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NotFound, UserError
from . import records
from .files import Vault, new_id, now, read_json, to_json, write_synced
from .names import clean_text, clean_value
from .pictures import encode_png
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
        self._deleted: dict[str, int] = {}
        self._next = 1
        self._history: list[str | None] = [None]
        self._position = 0
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
            what = f"take {number}" if number is not None else f"take {str(ref)[:40]}"
            if number in self._deleted.values() or str(ref) in self._deleted:
                raise NotFound(f"{what[0].upper()}{what[1:]} was deleted.")
            numbers = [t.number for t in self.takes()]
            hint = f"Its takes go from {numbers[0]} to {numbers[-1]}." if numbers else "It has no takes yet."
            raise NotFound(f'There is no {what} in the session "{self.name}".', hint=hint)
        return found

    def resolve(self, ref: int | str) -> Take | None:
        """As `take`, but `None` where there is none."""
        number = number_of(ref)
        if number is None:
            return self._takes.get(str(ref).strip().lower())
        return next((t for t in self._takes.values() if t.number == number), None)

    @property
    def head(self) -> Take | None:
        """The take the user is at; `None` before the first."""
        identity = self._history[self._position]
        return None if identity is None else self._takes[identity]

    @property
    def can_undo(self) -> int:
        """How many steps `undo` can go."""
        return self._position

    @property
    def can_redo(self) -> int:
        """How many steps `redo` can go."""
        return len(self._history) - 1 - self._position

    @property
    def state(self) -> dict[str, Any]:
        """The small JSON values kept with the session (a copy)."""
        return dict(self._state)

    def turns(self) -> list[dict[str, Any]]:
        """The log of turns, oldest first."""
        with self._vault.guard:
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
            NotFound: `parent` is no take of this session. LibraryError: it could not be written; nothing changed.
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
            history = [*self._history[: self._position + 1], identity] if advance else self._history
            position = len(history) - 1 if advance else self._position
            try:
                self._save(next=number + 1, history=history, position=position)
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

    def delete(self, ref: int | str) -> Take:
        """Remove a take's picture and words for good; returns the take as it was.

        Its number and place in the tree stay, so children keep their parent. The head goes back to where the user
        was before.
        """
        with self._vault.writing():
            take = self.take(ref)
            history, position = _without(self._history, self._position, {take.id})
            self._vault.put(take.image_path.parent / "take.json", to_json(records.tombstone(take)))
            self._deleted[take.id] = take.number
            del self._takes[take.id]
            self._history, self._position = history, position
            self._save()
            take.image_path.unlink(missing_ok=True)
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
            if self.head is None or self.head.id != take.id:
                history = [*self._history[: self._position + 1], take.id]
                self._save(history=history, position=len(history) - 1)
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
            self._save(position=self._position + by)
        return self.head

    # Turns and state

    def add_turn(self, turn: Mapping[str, Any]) -> None:
        """Append a turn to the log; its strings are cleaned and "time" is added."""
        entry = {"time": now(), **clean_value(turn)}
        line = (json.dumps(entry, ensure_ascii=False, allow_nan=False) + "\n").encode()
        with self._vault.writing():
            turns = self.turns()
            with open(self.folder / "turns.jsonl", "ab") as file:
                size = file.tell()
                try:
                    file.write(line)
                    file.flush()
                    os.fsync(file.fileno())
                except OSError:
                    with suppress(OSError):
                        os.truncate(file.fileno(), size)
                    raise
            self._turns = [*turns, entry]

    def put_state(self, **values: Any) -> None:
        """Keep small JSON values with the session; `None` removes one."""
        with self._vault.writing():
            state = {**self._state, **clean_value(values)}
            self._save(state={k: v for k, v in state.items() if v is not None})

    # On the disk

    @property
    def _takes_folder(self) -> Path:
        return self.folder / "takes"

    def _save(self, **changes: Any) -> None:
        """Write `session.json` with the changes, then believe them."""
        record = {
            "format": records.FORMAT,
            "name": self.name,
            "created": self._created,
            "next": self._next,
            "history": self._history,
            "position": self._position,
            "state": self._state,
            **changes,
        }
        self._vault.put(self.folder / "session.json", to_json(record))
        self._next, self._history = record["next"], record["history"]
        self._position, self._state = record["position"], record["state"]

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
        known = {i for i in self._history if i is not None}
        history, position = _without(self._history, self._position, known - self._takes.keys())
        if added:  # the process ended between storing a take and noting it
            history = [*history[: position + 1], *added]
            position = len(history) - 1
        changed = (history, position) != (self._history, self._position)
        self._history, self._position = history, position
        if changed and self._vault.write:
            self._save()

    def _load_record(self) -> None:
        path = self.folder / "session.json"
        try:
            record = read_json(path)
            history, position, state = record["history"], record["position"], record["state"]
            records.need(record.get("format") == records.FORMAT, f"its format is {record.get('format')!r}")
            records.check_stored_name(record["name"], "session name")
            records.need(isinstance(history, list) and history[:1] == [None], "its history is malformed")
            records.need(all(isinstance(i, str) for i in history[1:]), "its history is malformed")
            records.need(type(position) is int and 0 <= position < len(history), "its position is malformed")
            records.need(type(record["next"]) is int and isinstance(state, dict), "its record is malformed")
            records.need(isinstance(record["created"], str), "its record is malformed")
        except (OSError, ValueError, KeyError, TypeError) as error:
            text = f'The record of the session "{self.name}" was lost and has been made anew from its takes'
            if self._vault.write and path.exists():
                text += f"; the old one is {self._vault.set_aside(path)}"
            why = "is missing" if isinstance(error, FileNotFoundError) else str(error)
            self._vault.notices.append(f"{text} (session.json: {why}).")
            return
        self.name, self._created = record["name"], record["created"]
        self._next, self._history, self._position, self._state = record["next"], history, position, state

    def _load_takes(self) -> list[str]:
        """Read all takes; returns those that the record does not know yet, by number."""
        known = self._next
        if self._vault.write:
            self._takes_folder.mkdir(exist_ok=True)
        folders = sorted(self._takes_folder.iterdir()) if self._takes_folder.is_dir() else []
        for folder in folders:
            try:
                record = read_json(folder / "take.json")
                identity, number = records.place_of(record)
                records.need(folder.name == f"{number}-{identity}", "its folder has another name")
                if record.get("deleted") is True:
                    self._deleted[identity] = number
                    if self._vault.write:  # the process may have ended before the picture was gone
                        (folder / "image.png").unlink(missing_ok=True)
                else:
                    take = records.take_value(record, folder, self.name)
                    size = take.image_path.stat().st_size
                    records.need(size == record.get("image_bytes"), "its picture is damaged")
                    self._takes[identity] = take
            except (OSError, ValueError) as error:
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
        path = self.folder / "turns.jsonl"
        data = path.read_bytes() if path.exists() else b""
        whole, _, torn = data.rpartition(b"\n")
        if torn and self._vault.write:  # the process ended while it wrote this line
            os.truncate(path, len(data) - len(torn))
        turns, unread = [], 0
        for line in whole.splitlines():
            try:
                turns.append(dict(json.loads(line)))
            except (ValueError, TypeError, RecursionError):
                unread += 1
        if unread:
            lines = "1 line" if unread == 1 else f"{unread} lines"
            self._vault.notices.append(f'{lines} in the turns of the session "{self.name}" could not be read.')
        return turns


def create(vault: Vault, folder: Path, name: str) -> SessionStore:
    """A new, empty session on the disk, in one step."""
    record = {
        "format": records.FORMAT,
        "name": name,
        "created": now(),
        "next": 1,
        "history": [None],
        "position": 0,
        "state": {},
    }
    with vault.writing(), vault.staged() as staged:
        write_synced(staged / "session.json", to_json(record))
        (staged / "takes").mkdir()
        vault.publish(staged, folder)
    return SessionStore(vault, folder, name)


def number_of(ref: int | str) -> int | None:
    """The number in 3, "3" or "#3"; `None` for an id or anything else."""
    if isinstance(ref, int):
        return None if isinstance(ref, bool) else ref
    digits = ref.strip().removeprefix("#")
    return int(digits) if digits.isdecimal() and len(digits) < 10 else None


def _without(history: list[str | None], position: int, gone: set[str]) -> tuple[list[str | None], int]:
    """The history without some takes and without steps that would then go nowhere."""
    kept: list[str | None] = []
    at = 0
    for i, identity in enumerate(history):
        if identity not in gone and (not kept or kept[-1] != identity):
            kept.append(identity)
        if i == position:
            at = len(kept) - 1
    return kept, at
