"""The log of a session's turns: one JSON object a line, appended; a torn last line is cut off."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


def append_turn(path: Path, entry: Mapping[str, Any]) -> None:
    """Write one line and wait until it is on the disk.

    Raises:
        OSError: it could not be written; the log is as it was.
    """
    line = (json.dumps(entry, ensure_ascii=False, allow_nan=False) + "\n").encode()
    with open(path, "ab", buffering=0) as file:
        size = file.tell()
        try:
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                os.truncate(file.fileno(), size)
            raise


def read_turns(path: Path, *, mend: bool) -> tuple[list[dict[str, Any]], int]:
    """All turns, oldest first, and how many lines could not be read. `mend` cuts off a torn last line."""
    data = path.read_bytes() if path.exists() else b""
    whole, _, torn = data.rpartition(b"\n")
    if torn and mend:  # the process ended while it wrote this line
        os.truncate(path, len(data) - len(torn))
    turns, unread = [], 0
    for line in whole.splitlines():
        try:
            turns.append(dict(json.loads(line)))
        except (ValueError, TypeError, RecursionError):
            unread += 1
    return turns, unread
