"""Export and import: what goes into an archive, and how an archive's content finds its place in a library."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from . import adapters, archive, records
from .concepts import ConceptStore
from .files import Vault, new_id, read_json, sync_folder, to_json, write_synced
from .history import History, check_session, read_history
from .names import clean_line, clean_value, slug
from .pictures import check_png, file_name
from .revision import same_content
from .sessions import SessionStore
from .vectors import unpack

Record = dict[str, Any]


def export_concept(concepts: ConceptStore, name: str, file: Path) -> None:
    """See `Library.export_concept`."""
    concept = concepts.get(name)
    archive.pack(file, "concept", concept.name, _concept_members(concepts, concept.id))


def export_session(concepts: ConceptStore, session: SessionStore, file: Path) -> None:
    """See `Library.export_session`."""
    archive.pack(file, "session", session.name, _session_members(concepts, session))


def _concept_members(concepts: ConceptStore, identity: str) -> Iterator[tuple[str, Path]]:
    record = concepts.record_of(identity)
    if record is not None:
        for name in ("concept.json", *sorted(records.files_of(record))):
            yield f"concepts/{identity}/{name}", concepts.folder_of(identity) / name
        yield from adapters.members(concepts.folder_of(identity), identity, archive.MAX_FILE)


def _session_members(concepts: ConceptStore, session: SessionStore) -> Iterator[tuple[str, Path]]:
    for identity in sorted({use.id for take in session.takes() for use in take.concepts}):
        yield from _concept_members(concepts, identity)
    yield "session/session.json", session.folder / "session.json"
    if session.turns():
        yield "session/turns.jsonl", session.folder / "turns.jsonl"
    for folder in session.take_folders():
        for name in ("take.json", "image.png", *sorted(file.name for file in folder.glob("original.*"))):
            if (folder / name).exists() and archive.belongs(f"session/takes/{folder.name}/{name}"):
                yield f"session/takes/{folder.name}/{name}", folder / name


class Import:
    """One archive on its way in: first everything is checked, then it becomes visible piece by piece."""

    def __init__(self, vault: Vault, concepts: ConceptStore, sessions: Path, box: Path) -> None:
        """`sessions`: the library's folder of sessions; `box`.

        The unpacked archive, in the staging folder.
        """
        self._vault = vault
        self._concepts = concepts
        self._sessions = sessions
        self._box = box
        self._ids: dict[str, str] = {}
        """Ids in the archive that must change because they are taken here."""

    def run(self) -> list[str]:
        """Take everything in and say what came.

        Raises:
            ValueError: the archive's content is not what a library holds; nothing was changed.
        """
        incoming = [_check_concept(p) for p in sorted(self._box.glob("concepts/*"))]
        session = self._box / "session"
        tree = _Tree(session) if session.is_dir() else None
        records.need(incoming or tree, "it is empty")
        said = [self._take_concept(record) for record in incoming]
        return said if tree is None else [self._take_session(tree), *said]

    def _take_concept(self, record: Record) -> str:
        name, old = record["name"], record["id"]
        here = self._concepts.record_of(old)
        if here is not None:
            known, new = here["versions"], record["versions"]
            if len(known) >= len(new) and all(map(same_content, known, new)):
                return f'The concept "{here["name"]}" was already here.'
            record["id"] = self._ids[old] = new_id("c")
        record["name"] = self._concepts.free_name(name)
        staged = self._box / "concepts" / old
        _rewrite(staged / "concept.json", record)
        self._concepts.adopt(record, staged)
        count = len(record["versions"][-1]["references"])
        pictures = "1 picture" if count == 1 else f"{count} pictures"
        taken = "" if record["name"] == name else f' as "{record["name"]}", because the name was taken'
        return f'The concept "{name}" ({record["versions"][-1]["kind"]}, {pictures}) came in{taken}.'

    def _take_session(self, tree: _Tree) -> str:
        here = {p.name.partition("-")[2] for p in self._sessions.glob("*/takes/*")}
        if tree.ids & here:
            self._ids.update({identity: new_id("t") for identity in tree.ids})
        name, number = tree.name, 1
        while (self._sessions / slug(tree.name)).exists():
            number += 1
            tree.name = f"{name[:70].rstrip()} {number}"
        tree.write(self._ids)
        self._vault.publish(tree.folder, self._sessions / slug(tree.name))
        takes = "1 take" if tree.count == 1 else f"{tree.count} takes"
        taken = "" if tree.name == name else f' as "{tree.name}", because the name was taken'
        return f'The session "{name}" ({takes}) came in{taken}.'


class _Tree:
    """A session of an archive, checked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._record = check_session(clean_value(read_json(folder / "session.json")))
        self.name: str = self._record["name"]
        self._takes: dict[str, Record] = {}
        for path in sorted(folder.glob("takes/*")):
            self._takes[path.name] = _check_take(path)
        self.ids = {r["id"] for r in self._takes.values()}
        numbers = [r["number"] for r in self._takes.values()]
        records.need(len(self.ids) == len(set(numbers)) == len(numbers), "two takes in it are the same")
        parents = {r.get("parent") for r in self._takes.values()} - {None}
        records.need(parents <= self.ids, "a take's parent is missing in it")
        records.need(self._record["next"] > max(numbers, default=0), "its takes and its record do not match")
        alive = {r["id"] for r in self._takes.values() if not r.get("deleted")}
        self.count = len(alive)
        history = read_history(self._record["history"], self._record["position"])
        self._history = history.without({s for s in history.steps if s is not None} - alive)
        self._turns = _read_turns(folder / "turns.jsonl")

    def write(self, ids: Mapping[str, str]) -> None:
        """Bring the files into the form that this library stores, with some ids replaced."""
        history: History = self._history
        steps = [ids.get(s, s) if s is not None else None for s in history.steps]
        record = {**self._record, "name": self.name, "history": steps, "position": history.position}
        record["state"] = _renamed(record["state"], ids)
        _rewrite(self.folder / "session.json", record)
        if self._turns:
            lines = (json.dumps(_renamed(t, ids), ensure_ascii=False, allow_nan=False) + "\n" for t in self._turns)
            (self.folder / "turns.jsonl").unlink()
            write_synced(self.folder / "turns.jsonl", "".join(lines).encode())
        takes = self.folder / "takes"
        takes.mkdir(exist_ok=True)
        for name, old in self._takes.items():
            take = _renamed({**old, "session": self.name}, ids)
            _rewrite(takes / name / "take.json", take)
            sync_folder(takes / name)
            os.rename(takes / name, takes / f"{take['number']}-{take['id']}")
        sync_folder(takes)


def _check_concept(folder: Path) -> Record:
    """The record of an unpacked concept, after looking at every file of it."""
    record = records.check_concept(clean_value(read_json(folder / "concept.json")))
    records.need(record["id"] == folder.name, "a concept in it has another id than its folder")
    used = records.files_of(record)
    present = {p.name for p in folder.iterdir()} - {adapters.FOLDER}
    records.need(present == used | {"concept.json"}, "files of a concept in it are missing")
    for path in sorted(folder.glob(f"{adapters.FOLDER}/*")):
        records.need(adapters.check_files(path)["id"] == path.name, "an adapter in it has another id than its folder")
    sizes = {name: _check_picture(folder / name) for name in used if name.endswith(".png")}
    for version in record["versions"]:
        records.check_stored_name(version["kind"], "kind")
        for field in ("stable", "changeable", "negatives", "notes"):
            version[field] = [clean_line(line) for line in version[field]]
        pairs = zip(version["references"], version["masks"], strict=True)
        records.need(all(m is None or sizes[m] == sizes[r] for r, m in pairs), "a mask in it does not fit its picture")
        for entry in version["embeddings"].values():
            rows = unpack(folder / entry["file"], len(version["references"]), entry["dim"])
            records.need(rows is not None, "an embedding in it is damaged")
    return record


def _check_picture(path: Path) -> tuple[int, int]:
    role, data = path.name.partition("-")[0], path.read_bytes()
    records.need(file_name(role, data) == path.name, "a picture in it has another content than its name says")
    return check_png(data, "L" if role == "mask" else "RGB")


def _check_take(folder: Path) -> Record:
    record: Record = clean_value(read_json(folder / "take.json"))
    identity, number = records.place_of(record)
    records.need(folder.name == f"{number}-{identity}", "a take in it has another number than its folder")
    image = folder / "image.png"
    if record.get("deleted") is True:
        records.need({p.name for p in folder.iterdir()} == {"take.json"}, "a deleted take in it has a picture")
        return record
    take = records.take_value(record, folder, "")
    records.need(image.exists(), "a take in it has no picture")
    check_png(image.read_bytes(), "RGB")
    return records.take_record(take, image.stat().st_size)


def _read_turns(path: Path) -> list[Any]:
    lines: Iterable[bytes] = path.read_bytes().splitlines() if path.exists() else ()
    turns = [clean_value(json.loads(line)) for line in lines]
    records.need(all(isinstance(t, dict) for t in turns), "a turn in it is malformed")
    return turns


def _renamed(value: Any, ids: Mapping[str, str]) -> Any:
    """A JSON value with every string that is a replaced id replaced."""
    if isinstance(value, str):
        return ids.get(value, value)
    if isinstance(value, dict):
        return {k: _renamed(v, ids) for k, v in value.items()}
    return [_renamed(v, ids) for v in value] if isinstance(value, list) else value


def _rewrite(path: Path, record: Record) -> None:
    path.unlink()
    write_synced(path, to_json(record))
