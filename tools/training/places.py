"""A job's folder, as its process and its owner both see it."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...memory.files import read_json, to_json


@dataclass(frozen=True)
class Place:
    """Where everything of one job lies."""

    folder: Path

    @property
    def request(self) -> Path:
        """What is to be trained; not changed while it is."""
        return self.folder / "job.json"

    @property
    def alive(self) -> Path:
        """Locked while the process lives."""
        return self.folder / "alive"

    @property
    def work(self) -> Path:
        """Checkpoints."""
        return self.folder / "work"

    @property
    def result(self) -> Path:
        """The finished adapter, until it is published."""
        return self.folder / "result"

    @property
    def log(self) -> Path:
        """What the process printed."""
        return self.folder / "log.txt"

    @property
    def cancelled(self) -> bool:
        """Whether somebody has asked it to end."""
        return (self.folder / "cancel").exists()

    def status(self) -> dict[str, Any]:
        """Where it stands; empty when nothing is known."""
        try:
            return read_json(self.folder / "status.json")
        except (OSError, ValueError):
            return {}

    def put(self, **facts: Any) -> None:
        """Changes some of the status, whole or not at all. It outlives a kill, not a power cut."""
        fresh = self.folder / f".status-{secrets.token_hex(4)}"
        fresh.write_bytes(to_json({**self.status(), **facts}))
        os.replace(fresh, self.folder / "status.json")


def is_alive(path: Path) -> bool:
    """Whether a process holds the lock on `path`."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(handle)


@contextmanager
def lock_handed_on(path: Path) -> Iterator[None]:
    """Lock `path` for the process that is started inside: it inherits the lock and holds it until it ends."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.set_inheritable(handle, True)
        yield
    finally:
        os.close(handle)


@contextmanager
def own_lock(path: Path) -> Iterator[bool]:
    """Try to lock `path`; whether that worked."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield True
        except BlockingIOError:
            yield False
    finally:
        os.close(handle)
