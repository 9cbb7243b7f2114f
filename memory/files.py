"""Writing that is complete or absent: temporary file, fsync, rename; and the lock of the one writer."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import LibraryError, Locked

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM}


def default_home() -> Path:
    """`$LIMNER_HOME`, otherwise the platform's folder for application data."""
    named = os.environ.get("LIMNER_HOME")
    if named:
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "limner"
    data = os.environ.get("XDG_DATA_HOME")
    return Path(data) / "limner" if data else Path.home() / ".local" / "share" / "limner"


def now() -> str:
    """The time as ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id(prefix: str) -> str:
    """An id unique everywhere. It begins with a letter, so it never reads as a take's number."""
    return prefix + secrets.token_hex(6)


def to_json(value: Mapping[str, Any]) -> bytes:
    """Readable UTF-8 JSON. NaN is refused (ValueError): other programs could not read it."""
    return (json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def read_json(path: Path | str) -> dict[str, Any]:
    """The JSON object in `path`.

    Raises:
        ValueError: no JSON object. OSError: cannot be read.
    """
    with open(path, "rb") as file:
        data = file.read()
    try:
        value = json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    return value


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file and wait until it is on the disk. For files that nobody can see yet."""
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the folder's entries are on the disk (a rename is durable only then)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file that lies outside the library, complete or not at all.

    Raises:
        OSError: it cannot be written; `path` is as it was.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def is_full(error: OSError) -> bool:
    """Whether the system refused because there is no room."""
    return error.errno in _FULL


def explain(error: OSError, home: Path) -> LibraryError:
    """The clear sentence for an operating system's refusal."""
    if is_full(error):
        return LibraryError(
            f"There is no space left for the library at {home}; nothing was changed.",
            hint="Free some space on that disk, or choose another folder with --home.",
        )
    if error.errno in _REFUSED:
        return LibraryError(
            f"The library at {home} cannot be used: {os.strerror(error.errno or 0)}.",
            hint="Check the folder's permissions, or choose another folder with --home.",
        )
    return LibraryError(f"The library at {home} could not be used: {error.strerror or error}.")


class Lock:
    """The right to write to a library, held until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            Locked: another process (or another `Library` in this one) holds it. OSError: cannot be made.
        """
        import fcntl

        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._handle, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._handle)
            raise Locked(
                f"The library at {path.parent} is being used by another Limner (process {owner}).",
                hint="Close it first, or choose another folder with --home.",
            ) from None
        except OSError:
            os.close(self._handle)
            raise
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the lock back. The file stays: deleting it would let two processes lock different files."""
        if self._handle >= 0:
            with suppress(OSError):
                os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = -1


class Vault:
    """The library folder as a place to write in: every change becomes visible by one rename.

    New files grow in `staging/`; what a crash leaves there is cleared at the next opening.
    """

    def __init__(self, home: Path, notices: list[str], *, write: bool) -> None:
        self.home = home
        self.notices = notices
        self.write = write
        self.guard = threading.RLock()
        self.staging = home / "staging"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One change: holds the library's thread lock and explains what the operating system refuses.

        Raises:
            LibraryError: opened for reading only, closed, disk full, no permission.
        """
        with self.reading():
            if not self.write:
                raise LibraryError(f"The library at {self.home} is not open for writing.")
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One look: as `writing`, but allowed in a library that is open for reading only."""
        with self.guard:
            try:
                yield
            except OSError as error:
                raise explain(error, self.home) from error

    @contextmanager
    def staged(self) -> Iterator[Path]:
        """An empty folder that nobody sees; gone at the end unless it was published."""
        folder = self.staging / secrets.token_hex(8)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, staged: Path, target: Path) -> None:
        """Make a staged folder, whose files are synced, visible as `target` (which must not exist)."""
        os.rename(staged, target)
        sync_folder(target.parent)

    def put(self, path: Path, data: bytes, *, settle: bool = True) -> None:
        """Write or replace one file.

        With `settle` the new content would also outlast a power cut right after the return; without it, and
        with one wait for the disk less, such a cut may bring the old content back. Never a mixture.
        """
        temporary = self.staging / secrets.token_hex(8)
        try:
            write_synced(temporary, data)
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        if settle:
            sync_folder(path.parent)

    def discard(self, path: Path) -> None:
        """Remove a file or folder: gone from its place at once, then from the disk."""
        gone = self.staging / secrets.token_hex(8)
        os.rename(path, gone)
        sync_folder(path.parent)
        remove(gone)

    def set_aside(self, path: Path) -> Path:
        """Move something unreadable to `broken/`, where it troubles nobody and nothing is lost."""
        broken = self.home / "broken"
        broken.mkdir(exist_ok=True)
        target = broken / f"{path.name}-{secrets.token_hex(3)}"
        os.rename(path, target)
        return target

    def sweep(self) -> None:
        """Clear what an interrupted process left behind; says so."""
        left = list(self.staging.iterdir())
        for path in left:
            remove(path)
        if left:
            self.notices.append("An unfinished write of an interrupted Limner was cleared away.")


def remove(path: Path) -> None:
    """Delete a file, link or folder for good."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
