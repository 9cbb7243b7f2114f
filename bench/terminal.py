"""A program in a real pseudo-terminal: keys go in, what it draws comes out with the time at which it came."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

QUESTIONS = (
    (re.compile(rb"\x1b\[c"), b"\x1b[?62;22c"),
    (re.compile(rb"\x1b\[16t"), b"\x1b[6;20;10t"),
    (re.compile(rb"\x1b\[14t"), b"\x1b[4;720;1200t"),
    (re.compile(rb"\x1b\[6n"), b"\x1b[1;1R"),
)
"""What programs ask a terminal, and how a plain one without graphics answers."""
_ESCAPES = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]_P][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_=>]")


class Terminal:
    """A child process with a terminal of its own. A context manager: leaving it ends the child."""

    def __init__(
        self, command: Sequence[str], columns: int = 120, rows: int = 36, env: Mapping[str, str] | None = None
    ) -> None:
        self.began = time.perf_counter()
        self.pieces: list[tuple[float, bytes]] = []
        """(seconds since the start, what was drawn), in order."""
        self._changed = threading.Condition(threading.RLock())
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        surroundings = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | dict(env or {})
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=surroundings, start_new_session=True
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 1 << 16)
            except OSError:  # the child has closed its side
                data = b""
            if not data:
                return
            for question, answer in QUESTIONS:
                if question.search(data):
                    os.write(self._master, answer)
            with self._changed:
                self.pieces.append((time.perf_counter() - self.began, data))
                self._changed.notify_all()

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.began

    def send(self, keys: str) -> float:
        """Press keys; returns when."""
        at = self.now
        os.write(self._master, keys.encode())
        return at

    def resize(self, columns: int, rows: int) -> None:
        """Another size of the window."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.killpg(self.process.pid, signal.SIGWINCH)

    def drawn(self, since: float = 0.0) -> str:
        """The text that was drawn since then, without escapes."""
        with self._changed:
            data = b"".join(piece for at, piece in self.pieces if at >= since)
        return _ESCAPES.sub(b"", data).decode("utf-8", "replace")

    def wait_for(self, text: str, since: float = 0.0, timeout: float = 30.0) -> float:
        """The moment at which `text` had been drawn. Raises `TimeoutError` with what was drawn instead."""
        end = self.now + timeout
        with self._changed:
            while text not in self.drawn(since):
                if (left := end - self.now) <= 0:
                    raise TimeoutError(f"{text!r} was not drawn in {timeout} s; drawn: {self.drawn(since)[-2000:]!r}")
                self._changed.wait(left)
            return self.pieces[-1][0]

    def wait_for_any(self, since: float, timeout: float = 5.0) -> float | None:
        """The moment at which anything was drawn after `since`."""
        end = self.now + timeout
        with self._changed:
            while not (later := [at for at, _ in self.pieces if at > since]):
                if (left := end - self.now) <= 0:
                    return None
                self._changed.wait(left)
            return later[0]

    def end(self, timeout: float = 10.0) -> int:
        """Wait for the child to end; returns its status."""
        return self.process.wait(timeout)

    def kill(self) -> None:
        """End the child the hard way."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        os.close(self._master)
