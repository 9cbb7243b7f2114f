"""Concepts on disk: a folder each, with a readable `concept.json`, its pictures and its embeddings.

Versions share the pictures; a new version is one atomic replacement of `concept.json`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BadName, LibraryError, NotFound, UserError
from . import records
from .files import Vault, new_id, now, read_json, to_json, write_synced
from .lookup import TextIndex
from .names import clean_line, clean_name, key
from .pictures import encode_png, file_name, write_new, write_picture
from .revision import first_version, merged, rated, revised, same_content, served
from .values import Concept, Rated
from .vectors import Vectors, pack, unpack

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

Record = dict[str, Any]
Found = tuple[Record, set[str]] | str | None
"""A record and the names of the files beside it; or what is wrong; or `None` if it was just forgotten."""

_SAMPLE = 200
_COLD = 0.0002
"""When reading the first `_SAMPLE` concepts takes longer than this many seconds each, the disk is being waited
for, and threads hide that (10,000 concepts: 1.3 s instead of 3.8 s). From the cache, threads only get in each
other's way."""


class ConceptStore:
    """All concepts of a library, by id and by name. Use under the vault's guard."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._root = vault.home / "concepts"
        self._records: dict[str, Record] = {}
        self._names: dict[str, str] = {}
        self._values: dict[tuple[str, int], Concept] = {}
        self._text: tuple[int, TextIndex] | None = None
        self.revision = 0
        """Grows with every change; what is derived from the concepts compares it."""

    # Reading

    def load(self) -> None:
        """Read every concept; set broken ones aside and say so."""
        folders = sorted(e.name for e in os.scandir(self._root) if e.is_dir()) if self._root.is_dir() else []
        first, rest = folders[:_SAMPLE], folders[_SAMPLE:]
        began = time.perf_counter()
        for folder, found in zip(first, map(self._read, first), strict=True):
            self._sort_in(folder, found)
        if time.perf_counter() - began < _COLD * len(first):
            for folder, found in zip(rest, map(self._read, rest), strict=True):
                self._sort_in(folder, found)
            return
        with ThreadPoolExecutor(16) as pool:
            for folder, found in zip(rest, pool.map(self._read, rest, chunksize=64), strict=True):
                self._sort_in(folder, found)

    def _read(self, folder: str) -> Found:
        path = f"{self._root}/{folder}"
        try:
            record = records.check_concept(read_json(f"{path}/concept.json"))
            records.need(record["id"] == folder, "its id is not its folder's name")
            return record, set(os.listdir(path))
        except FileNotFoundError:
            return "concept.json is missing" if os.path.isdir(path) else None
        except (IsADirectoryError, ValueError) as error:
            return str(error)

    def _sort_in(self, folder: str, found: Found) -> None:
        if isinstance(found, str):
            self._refuse(folder, found)
        elif found is not None:
            self._accept(*found)

    def _refuse(self, folder: str, why: str) -> None:
        text = f"A concept could not be read ({folder}: {why})"
        if self._vault.write:
            text += f" and was set aside as {self._vault.set_aside(self._root / folder)}"
        self._vault.notices.append(text + ".")

    def _accept(self, record: Record, present: set[str]) -> None:
        used = records.files_of(record)
        if not used <= present and not self._without(record, used - present):
            self._refuse(record["id"], "all its reference pictures are missing")
            return
        if self._vault.write:
            for name in present - used:  # left by a crash between a picture and the record that names it
                if records.OWN_FILE.fullmatch(name):
                    (self._root / record["id"] / name).unlink(missing_ok=True)
        twin = self._names.get(key(record["name"]))
        if twin is not None:
            name = self.free_name(record["name"])
            self._vault.notices.append(f'Two concepts are named "{record["name"]}"; one is now "{name}".')
            record["name"] = name
            if self._vault.write:
                self._vault.put(self._root / record["id"] / "concept.json", to_json(record))
        self._records[record["id"]] = record
        self._names[key(record["name"])] = record["id"]

    def _without(self, record: Record, missing: set[str]) -> bool:
        """Drop missing files from a record in memory; False if the newest version has no picture left."""
        lost = 0
        for version in record["versions"]:
            kept = [i for i, n in enumerate(version["references"]) if n not in missing]
            lost = len(version["references"]) - len(kept)
            if lost:
                version["embeddings"] = {}
            version["masks"] = [None if version["masks"][i] in missing else version["masks"][i] for i in kept]
            version["references"] = [version["references"][i] for i in kept]
            version["rejected"] = [n for n in version["rejected"] if n not in missing]
            version["embeddings"] = {s: e for s, e in version["embeddings"].items() if e["file"] not in missing}
        if lost and version["references"]:
            were = "picture of it is" if lost == 1 else "pictures of it are"
            self._vault.notices.append(f'"{record["name"]}": {lost} {were} missing from the library.')
        return bool(version["references"])

    def newest(self) -> list[Concept]:
        """The newest version of every concept, by name."""
        return [self._newest(self._records[self._names[k]]) for k in sorted(self._names)]

    def get(self, name: str) -> Concept:
        """The newest version of one concept; NotFound names near ones."""
        return self._newest(self._record(name))

    def at(self, identity: str, version: int) -> Concept:
        """A version by id."""
        record = self._records.get(identity)
        if record is None:
            raise NotFound(f"There is no concept with the id {identity}; it may have been forgotten.")
        if not 1 <= version <= len(record["versions"]):
            count = len(record["versions"])
            raise NotFound(
                f'"{record["name"]}" has no version {version}.',
                hint="It has only version 1." if count == 1 else f"It has the versions 1 to {count}.",
            )
        return self._value(record, record["versions"][version - 1])

    def latest(self, identity: str) -> Concept:
        """The newest version by id."""
        return self._newest(self._records[identity])

    def versions(self, name: str) -> list[Concept]:
        """All versions of a concept, oldest first."""
        record = self._record(name)
        return [self._value(record, v) for v in record["versions"]]

    def text(self) -> TextIndex:
        """The search by words, up to date."""
        if self._text is None or self._text[0] != self.revision:
            self._text = (self.revision, TextIndex(self.newest()))
        return self._text[1]

    def free_name(self, name: str) -> str:
        """`name`, or the first of "name 2", "name 3" … that is not taken."""
        number, free = 1, name
        while key(free) in self._names:
            number += 1
            free = f"{name[:70].rstrip()} {number}"
        return free

    def record_of(self, identity: str) -> Record | None:
        """The record with this id, or `None`."""
        return self._records.get(identity)

    def same_pictures(self, concept: Concept, version: int) -> bool:
        """Whether another version of the concept has the same references and masks."""
        versions = (self._records.get(concept.id) or {"versions": []})["versions"]
        if not 1 <= max(version, concept.version) <= len(versions):
            return False
        one, other = versions[concept.version - 1], versions[version - 1]
        return all(one[field] == other[field] for field in ("references", "masks"))

    def folder_of(self, identity: str) -> Path:
        """Where a concept's files lie."""
        return self._root / identity

    def _record(self, name: str) -> Record:
        identity = self._names.get(key(name))
        if identity is not None:
            return self._records[identity]
        near = self.text().near_names(name)
        known = near or [c.name for c in self.newest()[:5]]
        hint = "Nothing has been taught yet."
        if known:
            hint = ("Did you mean " if near else "Known are: ") + ", ".join(known) + ("?" if near else ".")
        raise NotFound(f'There is no concept named "{name[:100]}".', hint=hint)

    def _newest(self, record: Record) -> Concept:
        return self._value(record, record["versions"][-1])

    def _value(self, record: Record, version: Record) -> Concept:
        at = (record["id"], version["version"])
        if at not in self._values:
            self._values[at] = records.concept_value(record, version, self._root / record["id"])
        return self._values[at]

    # Writing

    def teach(
        self,
        name: str,
        kind: str,
        pictures: Sequence[Image],
        masks: Sequence[Image | None],
        embeddings: Mapping[str, np.ndarray],
        category: str,
        stable: Iterable[str],
        notes: Iterable[str],
    ) -> Concept:
        """See `Library.teach`."""
        name, kind = clean_name(name), clean_name(kind, "kind")
        self._check_free(name)
        if not pictures:
            raise UserError(f'"{name}" needs at least one picture.')
        if category not in records.CATEGORIES:
            raise ValueError(f"category is {category!r}, not one of {', '.join(records.CATEGORIES)}")
        masks = list(masks) or [None] * len(pictures)
        for picture, mask in zip(pictures, masks, strict=True):
            if mask is not None and mask.size != picture.size:
                raise ValueError(f"a mask of {mask.size} does not fit its picture of {picture.size}")
        record: Record = {"format": records.FORMAT, "id": new_id("c"), "name": name, "versions": []}
        version = first_version(kind, category)
        version["stable"] = merged((), stable)
        version["notes"] = [clean_line(n, "note") for n in notes]
        record["versions"].append(version)
        with self._vault.writing(), self._vault.staged() as folder:
            for picture, mask in zip(pictures, masks, strict=True):
                version["references"].append(write_picture(folder, "reference", picture, "RGB"))
                version["masks"].append(None if mask is None else write_picture(folder, "mask", mask, "L"))
            for space, array in embeddings.items():
                entry, data = pack(space, array, len(pictures))
                write_new(folder / entry["file"], data)
                version["embeddings"][space] = entry
            write_synced(folder / "concept.json", to_json(record))
            self.adopt(record, folder)
        return self._newest(record)

    def adopt(self, record: Record, staged: Path) -> None:
        """Publish a staged concept folder whose record is checked and whose name is free."""
        self._vault.publish(staged, self._root / record["id"])
        self._keep(record)

    def revise(
        self,
        name: str,
        add: Iterable[str],
        remove: Iterable[str],
        reject: Image | None,
        changeable: Iterable[str],
    ) -> Concept:
        """See `Library.revise`."""
        record = self._record(name)
        old = record["versions"][-1]
        new = revised(old, add, remove, changeable)
        data = None if reject is None else encode_png(reject, "RGB")
        if data is not None and file_name("rejected", data) not in old["rejected"]:
            new["rejected"] = [*old["rejected"], file_name("rejected", data)]
        if same_content(new, old):
            return self._newest(record)
        with self._vault.writing():
            if data is not None:
                self._vault.put(self._root / record["id"] / file_name("rejected", data), data)
            return self._replace({**record, "versions": [*record["versions"], new]})

    def rate(self, identity: str, rating: Rated) -> Concept:
        """See `Library.learn`."""
        record = self._records[identity]
        new = rated(record["versions"][-1], asdict(rating))
        if same_content(new, record["versions"][-1]):
            return self._newest(record)
        with self._vault.writing():
            return self._replace({**record, "versions": [*record["versions"], new]})

    def serve(self, concept: Concept, request: str, method: str, accepted: bool) -> None:
        """See `Library.remember`."""
        record = self._records.get(concept.id)
        if record is None or record["versions"][-1]["version"] != concept.version:
            return
        *before, last = record["versions"]
        with self._vault.writing():
            self._replace({**record, "versions": [*before, served(last, request, method, accepted)]})

    def revert(self, name: str, version: int | None) -> Concept:
        """See `Library.revert`."""
        record = self._record(name)
        last = record["versions"][-1]["version"]
        if version is None and last == 1:
            raise UserError(f'"{record["name"]}" has only one version; there is nothing to revert to.')
        wanted = last - 1 if version is None else version
        old = record["versions"][self.at(record["id"], wanted).version - 1]
        if not old["references"]:
            raise LibraryError(f'The pictures of version {wanted} of "{record["name"]}" are missing.')
        new = {**old, "version": last + 1, "created": now()}
        with self._vault.writing():
            return self._replace({**record, "versions": [*record["versions"], new]})

    def rename(self, old: str, new: str) -> Concept:
        """See `Library.rename`."""
        record = self._record(old)
        name = clean_name(new)
        if key(name) != key(record["name"]):
            self._check_free(name)
        with self._vault.writing():
            return self._replace({**record, "name": name})

    def forget(self, name: str) -> None:
        """Remove a concept and all its files from the disk."""
        record = self._record(name)
        with self._vault.writing():
            self._vault.discard(self._root / record["id"])
            self._drop(record["id"])

    def has_embeddings(self, name: str) -> bool:
        """Whether any version has any."""
        return any(v["embeddings"] for v in self._record(name)["versions"])

    def embeddings(self, concept: Concept, space: str) -> np.ndarray | None:
        """See `Library.embeddings`."""
        record = self._records.get(concept.id)
        if record is None or not 1 <= concept.version <= len(record["versions"]):
            return None
        version = record["versions"][concept.version - 1]
        entry = version["embeddings"].get(space)
        if entry is None:
            return None
        return unpack(self._root / concept.id / entry["file"], len(version["references"]), entry["dim"])

    def put_embeddings(self, concept: Concept, space: str, array: np.ndarray) -> None:
        """See `Library.put_embeddings`."""
        at = self.at(concept.id, concept.version)
        record = self._records[at.id]
        entry, data = pack(space, array, len(at.references))
        pictures = [record["versions"][at.version - 1][f] for f in ("references", "masks")]
        versions = [
            {**v, "embeddings": {**v["embeddings"], space: entry}} if [v["references"], v["masks"]] == pictures else v
            for v in record["versions"]
        ]
        new = {**record, "versions": versions}
        with self._vault.writing():
            self._vault.put(self._root / at.id / entry["file"], data)
            self._replace(new)
            for name in records.files_of(record) - records.files_of(new):
                (self._root / at.id / name).unlink(missing_ok=True)

    def vectors(self, space: str, dim: int) -> dict[str, Vectors]:
        """Concept id to the embeddings of its newest version: what the index should hold."""
        found = {}
        for identity, record in self._records.items():
            version = record["versions"][-1]
            entry = version["embeddings"].get(space)
            if entry is not None and entry["dim"] == dim:
                found[identity] = Vectors(entry["file"], len(version["references"]), dim)
        return found

    def read_vectors(self, identity: str, vectors: Vectors) -> np.ndarray | None:
        """The float32 array [rows, dim], or `None` if its file is damaged."""
        return unpack(self._root / identity / vectors.file, vectors.rows, vectors.dim)

    def _check_free(self, name: str) -> None:
        if key(name) in self._names:
            taken = self._records[self._names[key(name)]]["name"]
            raise BadName(
                f'There is already a concept named "{taken}".', "Choose another name, or forget that one first."
            )

    def _replace(self, record: Record) -> Concept:
        """Write a changed record, then believe it."""
        self._vault.put(self._root / record["id"] / "concept.json", to_json(record))
        self._drop(record["id"])
        self._keep(record)
        return self._newest(record)

    def _keep(self, record: Record) -> None:
        self._records[record["id"]] = record
        self._names[key(record["name"])] = record["id"]
        self.revision += 1

    def _drop(self, identity: str) -> None:
        record = self._records.pop(identity)
        del self._names[key(record["name"])]
        for version in record["versions"]:
            self._values.pop((identity, version["version"]), None)
        self.revision += 1
