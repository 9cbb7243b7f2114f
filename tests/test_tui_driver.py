"""The driver of the terminal chat: keys and letters without threads in between."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from limner.bench.terminal import Terminal
from limner.tui.driver import Writer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the driver is for Linux")


def test_short_words_are_written_at_once_and_never_before_longer_ones() -> None:
    source, sink = os.pipe()
    writer = Writer(os.fdopen(sink, "w"))
    writer.write("soon")
    assert os.read(source, 99) == b"soon", "no thread runs yet"
    long = "a" * (1 << 20)
    writer.write(long)
    writer.write("b")
    writer.start()
    pieces: list[bytes] = []
    reader = threading.Thread(target=lambda: pieces.extend(iter(lambda: os.read(source, 1 << 16), b"")))
    reader.start()
    writer.write("c")
    writer.stop()
    writer._file.close()
    reader.join()
    os.close(source)
    assert b"".join(pieces).decode() == f"{long}bc"


def test_keys_of_all_kinds_arrive_in_a_real_terminal(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "limner")
    with Terminal(command, env={"LIMNER_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for("Three things to try", timeout=120)
        at = terminal.send("/th\x7f")  # the list of commands opens, and stays open after Backspace
        terminal.wait_for("/theme", since=at)
        terminal.send("\x1b")  # Escape alone: nothing tells it from the beginning of another key but time
        terminal.wait_for_any(terminal.now, timeout=0.5)
        at = terminal.send("\x15\x1b[?62;4c\x1b[6;20;10tй\x1b_Gi=1;OK\x1b\\х")  # late answers, and two letters
        terminal.wait_for("х", since=at)
        assert "й" in terminal.drawn(at) and "62" not in terminal.drawn(at) and "OK" not in terminal.drawn(at)
        at = terminal.send("\x15\x1b[200~ж and 猫\x1b[201~")
        terminal.wait_for("猫", since=at)
        at = terminal.send("\x15\x1bOP")
        terminal.wait_for("What Limner knows", since=at)
        terminal.send("\x11")
        assert terminal.end(30) == 0
