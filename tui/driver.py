"""Keys and letters without threads in between.

Textual reads keys in one thread and writes to the terminal in another. While pictures are drawn, each of them waits for
Python's lock, between a key and its letter one after the other. Here the event loop reads keys itself, and writes what
is short.
"""

from __future__ import annotations

import os
import re
import select
from codecs import getincrementaldecoder

from textual._xterm_parser import XTermParser
from textual.constants import ESCAPE_DELAY
from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

SHORT = 2048
"""Characters that a terminal which takes anything takes at once: nobody waits for the rest to be read."""
ANSWERS = re.compile(r"\x1b(?:\[\?[\d;]+c|\[6;\d+;\d+t|_G.*?\x1b\\)")
"""What a terminal that is far away says late, asked what it can draw: nobody has typed that."""
LATER = 0.02
"""Seconds after which an Escape is one, and not the beginning of another key, with what timers are early by."""


class Writer(WriterThread):
    """Writes what is short at once, unless the terminal is slow or something longer comes before it."""

    _given = _done = 0

    def write(self, text: str) -> None:
        if len(text) <= SHORT and self._given == self._done and select.select([], [self._file], [], 0)[1]:
            self._file.write(text)
            self._file.flush()
        else:
            self._given += 1
            super().write(text)

    def run(self) -> None:
        while (text := self._queue.get()) is not None:
            self._file.write(text)
            self._file.flush()
            self._done += 1


class Direct(LinuxDriver):
    """The driver of the terminal chat."""

    def start_application_mode(self) -> None:
        super().start_application_mode()
        if self._writer_thread is not None and self._file is not None:
            self._writer_thread.stop()
            self._writer_thread = Writer(self._file)
            self._writer_thread.start()

    def run_input_thread(self) -> None:
        """Only waits for the end; the loop reads."""
        loop, parser = self._loop, XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode

        def read() -> None:
            try:
                data = os.read(self.fileno, 4096)
            except OSError:
                data = b""
            if not data:  # the terminal is gone
                loop.remove_reader(self.fileno)
                return
            for message in parser.feed(ANSWERS.sub("", decode(data))):
                self.process_message(message)
            loop.call_later(ESCAPE_DELAY + LATER, tick)

        def tick() -> None:
            for message in parser.tick():
                self.process_message(message)

        loop.call_soon_threadsafe(loop.add_reader, self.fileno, read)
        self.exit_event.wait()
        loop.call_soon_threadsafe(loop.remove_reader, self.fileno)

    def send_message(self, message: Message) -> None:
        self._app.post_message(message)
