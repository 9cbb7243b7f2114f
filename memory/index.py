"""The search by vectors: Chroma, embedded, as an index over the library's folder.

The folder is the truth. Three things keep the index from disagreeing with it:

* `stamp.json` holds a hash of every file of Chroma's. It is taken away before Chroma writes and put back
  after. An index without a matching stamp was interrupted, damaged or changed by someone else, and is made
  anew: Chroma itself answers wrongly from some damaged files and ends the process on others.
* A record's id names the concept and the content of its embedding, so comparing ids compares contents. This
  happens at the first search and after every change of the concepts; only what differs is written, in
  batches.
* Forgetting a concept deletes Chroma's whole folder, because Chroma leaves deleted vectors in its files; and
  it writes in blank memory, because it writes more of it than it fills.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import LibraryError, LimnerError
from .files import read_json, remove
from .heap import blank_memory
from .vectors import Vectors

if TYPE_CHECKING:
    import numpy as np


class Source(Protocol):
    """Where the truth comes from: the concepts."""

    revision: int

    def vectors(self, space: str, dim: int) -> Mapping[str, Vectors]:
        """What the index should hold: concept id to embeddings."""

    def read_vectors(self, identity: str, vectors: Vectors) -> np.ndarray | None:
        """The float32 array [rows, dim], or `None` if it cannot be read."""


_NOT_AS_LEFT = "its files are not as they were left"


class Index:
    """Chroma's collections, one for each embedding space and dimension.

    Imports chromadb at the first search.
    """

    def __init__(self, folder: Path, notices: list[str]) -> None:
        self._folder = folder
        self._notices = notices
        self._client: Any = None
        self._data: Path | None = None
        self._open: dict[str, _Collection] = {}

    def search(self, space: str, vector: np.ndarray, n: int, source: Source) -> list[tuple[str, float]]:
        """Ids of the `n` concepts nearest to `vector` [dim] with their cosine similarities, best first.

        A concept counts by the nearest of its references.

        Raises:
            LibraryError: the index could be neither read nor rebuilt.
        """
        try:
            return self._search(space, vector, n, source)
        except BaseException as error:
            if not _from_chroma(error):
                raise
            self._say_rebuilt(str(error))
            self.drop()
        try:
            return self._search(space, vector, n, source)
        except BaseException as error:
            if not _from_chroma(error):
                raise
            self.drop()
            text = f"The search index at {self._folder} could not be built: {_first_line(error)}."
            raise LibraryError(text) from error

    def drop(self) -> None:
        """Delete the index from the disk. The next search makes it anew."""
        self.close()
        self._unstamp()  # first: what is left of an interrupted deletion must not look whole
        self._folder.mkdir(exist_ok=True)
        for entry in list(self._folder.iterdir()):  # the folder itself stays: a library without it is a broken one
            remove(entry)

    def close(self) -> None:
        """Let Chroma go. The index stays."""
        client, self._client = self._client, None
        self._open.clear()
        if client is not None:
            try:
                client.close()
            except BaseException as error:
                if not _from_chroma(error):
                    raise

    def _search(self, space: str, vector: np.ndarray, n: int, source: Source) -> list[tuple[str, float]]:
        dim = len(vector)
        name = f"{space}.{dim}"
        if name in self._open and self._open[name].revision == source.revision:
            return self._open[name].query(vector, n)
        with blank_memory():
            return self._compared(self._collection(name), space, vector, n, source)

    def _compared(
        self, collection: _Collection, space: str, vector: np.ndarray, n: int, source: Source
    ) -> list[tuple[str, float]]:
        """The search in a collection that is first brought to what the concepts are now."""
        dim = len(vector)
        missing, stale = collection.compare(source.vectors(space, dim))
        if missing or stale:
            self._unstamp()
            collection.update(missing, stale, source, self._client.get_max_batch_size())
        collection.revision = source.revision
        found = collection.query(vector, n)  # before the stamp: the first query after a write may tidy up
        if not self._stamp.exists():
            self._restamp()
        return found

    def _collection(self, name: str) -> _Collection:
        if self._client is None:
            self._connect()
        if name not in self._open:
            known = {c.name for c in self._client.list_collections()}
            if name not in known:
                self._unstamp()
            self._open[name] = _Collection(
                self._client.get_or_create_collection(
                    name,
                    embedding_function=None,
                    configuration={"hnsw": {"space": "cosine", "ef_construction": 100, "ef_search": 200}},
                )
            )
        return self._open[name]

    def check(self) -> None:
        """Look whether the index is as it was left, and delete it if not. Does not import chromadb."""
        if any(self._folder.iterdir()) and self._intact(thorough=False) is None:
            self._say_rebuilt(_NOT_AS_LEFT)
            self.drop()

    def _connect(self) -> None:
        """Open the stamped folder if it is as it was left, otherwise begin a new one."""
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import chromadb
        from chromadb.config import Settings

        self._data = self._intact(thorough=True)
        if self._data is None:
            if self._folder.is_dir() and any(self._folder.iterdir()):
                self._say_rebuilt(_NOT_AS_LEFT)
            self.drop()
            # Chroma keeps a failed client in mind by its path; a fresh name never meets it.
            self._data = self._folder / f"chroma-{secrets.token_hex(4)}"
        self._unstamp()  # opening already writes
        settings = Settings(anonymized_telemetry=False, allow_reset=False)
        self._client = chromadb.PersistentClient(path=str(self._data), settings=settings)

    def _intact(self, *, thorough: bool) -> Path | None:
        """Chroma's folder if it matches the stamp.

        A file of the same size and time is hashed only if `thorough`.
        """
        try:
            stamp = read_json(self._stamp)
            data = self._folder / Path(str(stamp["folder"])).name
            for name, facts in _facts(data).items():
                size, changed, digest = stamp["files"].pop(name)
                if thorough or facts != (size, changed):
                    if facts[0] != size or _hash(data / name) != digest:
                        return None
            return None if stamp["files"] else data
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    @property
    def _stamp(self) -> Path:
        return self._folder / "stamp.json"

    def _unstamp(self) -> None:
        if self._folder.is_dir():
            self._stamp.unlink(missing_ok=True)

    def _restamp(self) -> None:
        assert self._data is not None
        files = {name: (*facts, _hash(self._data / name)) for name, facts in _facts(self._data).items()}
        temporary = self._folder / "stamp.tmp"
        temporary.write_text(json.dumps({"folder": self._data.name, "files": files}, indent=1), encoding="utf-8")
        os.replace(temporary, self._stamp)

    def _say_rebuilt(self, why: str) -> None:
        self._notices.append(f"The search index is made anew from the library ({_first_line(why)}).")


class _Collection:
    """One collection and which records it holds. A record's id is "<concept id>.<tag>.<row>"."""

    def __init__(self, chroma: Any) -> None:
        self._chroma = chroma
        self._held: dict[tuple[str, str], list[str]] = defaultdict(list)
        """Concept id and tag to the ids of the records."""
        for record in chroma.get(include=[])["ids"]:
            identity, tag, _ = record.split(".")
            self._held[identity, tag].append(record)
        self._unreadable: set[tuple[str, str]] = set()
        self.revision: int | None = None
        """Of the concepts when both were last compared."""

    def compare(self, wanted: Mapping[str, Vectors]) -> tuple[dict[str, Vectors], list[tuple[str, str]]]:
        """Which embeddings are missing, and which are held that should not be there."""
        missing, right = {}, set()
        for identity, vectors in wanted.items():
            at = (identity, _tag(vectors))
            right.add(at)
            if len(self._held.get(at, ())) != vectors.rows and at not in self._unreadable:
                missing[identity] = vectors
        return missing, [at for at in self._held if at not in right]

    def update(
        self, missing: Mapping[str, Vectors], stale: Iterable[tuple[str, str]], source: Source, size: int
    ) -> None:
        """Write the difference that `compare` found, at most `size` records at once."""
        gone = [record for at in stale for record in self._held.pop(at)]
        for i in range(0, len(gone), size):
            self._chroma.delete(ids=gone[i : i + size])
        for ids, rows in self._batches(missing, source, size):
            self._chroma.upsert(ids=ids, embeddings=rows)

    def query(self, vector: np.ndarray, n: int) -> list[tuple[str, float]]:
        """Concept ids and similarities, best first. Asks for more records until there are `n` concepts."""
        count, asked = sum(map(len, self._held.values())), 4 * n
        best: dict[str, float] = {}
        while count:
            asked = min(asked, count)
            answer = self._chroma.query(query_embeddings=[vector], n_results=asked, include=["distances"])
            best = {}
            for record, distance in zip(answer["ids"][0], answer["distances"][0], strict=True):
                best.setdefault(record.partition(".")[0], min(1.0, max(-1.0, 1.0 - float(distance))))
            if len(best) >= n or asked == count:
                break
            asked *= 4
        return list(best.items())[:n]

    def _batches(
        self, missing: Mapping[str, Vectors], source: Source, size: int
    ) -> Iterator[tuple[list[str], np.ndarray]]:
        """Record ids and their rows [n, dim]. What cannot be read is left out and not asked for again."""
        import numpy as np

        ids: list[str] = []
        parts: list[np.ndarray] = []
        for identity, vectors in missing.items():
            at = (identity, _tag(vectors))
            rows = source.read_vectors(identity, vectors)
            if rows is None:
                self._unreadable.add(at)
                continue
            self._held[at] = [f"{identity}.{at[1]}.{i}" for i in range(len(rows))]
            for i in range(0, len(rows), size):
                part = rows[i : i + size]
                if len(ids) + len(part) > size:
                    yield ids, np.concatenate(parts)
                    ids, parts = [], []
                ids += self._held[at][i : i + size]
                parts.append(part)
        if ids:
            yield ids, np.concatenate(parts)


def _tag(vectors: Vectors) -> str:
    """What of a file's name tells one content from another."""
    return vectors.file.removeprefix("embedding-").removesuffix(".npy")


def _facts(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of every file under `folder`, by its path."""
    stats = {p.relative_to(folder).as_posix(): p.stat() for p in sorted(folder.rglob("*")) if p.is_file()}
    return {name: (s.st_size, s.st_mtime_ns) for name, s in stats.items()}


def _hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


def _from_chroma(error: BaseException) -> bool:
    """Whether an error means that Chroma failed: not ours, not the system's, not the user's Ctrl-C.

    Chroma's engine reports some damage by a panic, which Python sees as a BaseException.
    """
    if isinstance(error, Exception):
        return not isinstance(error, (LimnerError, OSError))
    return type(error).__name__ == "PanicException"


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:160].rstrip(".") if lines else type(error).__name__
