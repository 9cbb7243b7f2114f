"""How the terminal chat feels: first screen, echo of a key, a long conversation, memory. In a real pseudo-terminal.

    limner bench tui [--turns 500] [--takes 300] [--keys 80] [--runs 5] [--out FILE]

Seconds are wall-clock, from outside the process: from starting it, or from pressing the key, to the moment at which
the terminal got what is waited for. `cpu_…` is what the thread of the screens computed meanwhile (Linux): on a machine
that is busy with other things it says what the chat itself is the cause of.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..memory.library import Library
from .terminal import Terminal

COMMAND = (sys.executable, "-m", "limner")
FIRST, LAST = "The very first words", "The very last words"
PAGE_UP, PAGE_DOWN, WHEEL_UP = "\x1b[5~", "\x1b[6~", "\x1b[<64;30;10M"
LETTERS = "бвгджзклмнптфцчшъэюя"
"""None of them is drawn by anything but its key."""
Key = tuple[float, float]
"""Seconds from a key to what it did: by the clock, and of the processor."""
PAUSE = 0.06
"""Seconds between two keys: a fast typist's."""


def fill(home: Path, turns: int, takes: int) -> None:
    """A library with one long conversation."""
    from ..starter.world import Figure, Scene, render, sample_subject

    chance = random.Random(0)
    with Library.open(home) as library:
        store = library.session("default")
        drawn = 0
        for number in range(turns):
            identities = []
            if drawn * turns < (number + 1) * takes:
                scene = Scene("meadow", "day", (Figure(sample_subject(chance)),))
                take = store.add_take(
                    render(scene, 64).image, origin="draw", prompt=f"picture {drawn}", method="in_context", seconds=0.5
                )
                identities, drawn = [take.id], drawn + 1
            words = LAST if number == turns - 1 else FIRST if not number else f"Here is what you asked for, {number}."
            store.add_turn({"text": f"sentence {number} about #{drawn}", "reply": words, "takes": identities})


def quantiles(values: Iterable[float], before: str = "") -> dict[str, float]:
    """Median, 95th percentile and highest of seconds, in milliseconds; `before` comes before their names."""
    found = sorted(values)
    cut = statistics.quantiles(found, n=20)[-1] if len(found) > 1 else found[0]
    return {
        f"{before}median_ms": round(1000 * statistics.median(found), 1),
        f"{before}p95_ms": round(1000 * cut, 1),
        f"{before}highest_ms": round(1000 * found[-1], 1),
        f"{before}count": len(found),
    }


def both(pairs: Sequence[Key]) -> dict[str, float]:
    """Quantiles of the seconds that keys took, by the clock and of the processor."""
    found = quantiles(pair[0] for pair in pairs) | quantiles((pair[1] for pair in pairs), "cpu_")
    del found["cpu_count"]
    return found


def computed(process: int) -> float:
    """Seconds that the first thread of a process has been computing (Linux only, else 0)."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9
    except OSError:
        return 0.0


def memory(process: int) -> float:
    """Resident memory of a process in MiB (Linux only, else 0)."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def typed(terminal: Terminal, keys: int, first: int = 0) -> list[Key]:
    """From each key to its letter on the screen, beginning with the letter `first`."""
    found, process = [], terminal.process.pid
    for index in range(first, first + keys):
        letter = LETTERS[index % len(LETTERS)]
        before, at = computed(process), terminal.send(letter)
        shown = terminal.wait_for(letter, since=at, timeout=10)
        found.append((shown - at, computed(process) - before))
        time.sleep(PAUSE)  # whatever is drawn meanwhile: nobody types in step with the frames
        if index % 20 == 19:
            _clear(terminal)
    return found


def first_screen(runs: int) -> dict[str, Any]:
    """From the start of the process, in an empty home, to the line in which one may type."""
    seconds, sizes = [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as home, Terminal(COMMAND, env={"LIMNER_HOME": home}) as terminal:
            seconds.append(terminal.wait_for("Say what to draw"))
            terminal.wait_for("Three things to try")
            sizes.append(memory(terminal.process.pid))
    return quantiles(seconds) | {"memory_mib": round(statistics.median(sizes), 1)}


def echo(keys: int) -> dict[str, Any]:
    """Typing in a quiet moment, while the models are loaded, while pictures are drawn, and during a training."""
    from ..cli.demo import KIND, NAME, write_references

    found = {}
    with tempfile.TemporaryDirectory() as home:
        files = write_references(Path(home))
        taught = (*COMMAND, "teach", NAME, *map(str, files), "--kind", KIND, "--home", f"{home}/library")
        subprocess.run(taught, check=True, stdout=subprocess.DEVNULL)
        with Terminal(COMMAND, env={"LIMNER_HOME": f"{home}/library"}) as terminal:
            terminal.wait_for("It knows")  # nobody is taught any more, so the line has the focus
            terminal.wait_for_any(terminal.now, timeout=1)
            found["quiet"] = both(typed(terminal, keys))
            _clear(terminal)
            found["first_picture"] = both(_while_drawing(terminal, 10**6, 8))
            warm: list[Key] = []
            number = 8
            while len(warm) < keys:
                number += 8
                warm += _while_drawing(terminal, keys - len(warm), number)
            found["while_drawing"] = both(warm)
            at = terminal.send(f"/train {NAME}\r")
            terminal.wait_for("Stop", since=at, timeout=60)
            found["while_training"] = both(typed(terminal, keys))
            _clear(terminal)
            terminal.send(f"/stop {NAME}\r")
            terminal.wait_for_any(terminal.now, timeout=3)
    return found


def _clear(terminal: Terminal) -> None:
    """Empty the line, with Ctrl+U."""
    terminal.send("\x15")
    terminal.wait_for_any(terminal.now, timeout=0.3)


def _while_drawing(terminal: Terminal, most: int, number: int) -> list[Key]:
    """From each key to its letter, from the sentence until its last picture, take `number`, is there."""
    at = terminal.send("eight pictures of a red cat in the snow\r")
    found: list[Key] = []
    while f"#{number}" not in terminal.drawn(at) and len(found) < most and terminal.now - at < 120:
        found += typed(terminal, 1, len(found))
    terminal.wait_for(f"and {number} are ready", since=at, timeout=120)  # before that, the turn is not over
    terminal.wait_for_any(terminal.now, timeout=1)
    _clear(terminal)
    return found


def long_session(turns: int, takes: int, pages: int) -> dict[str, Any]:
    """Opening a long conversation and scrolling through it, by pages and by the wheel."""
    with tempfile.TemporaryDirectory() as home:
        fill(Path(home), turns, takes)
        with Terminal(COMMAND, env={"LIMNER_HOME": home}) as terminal:
            opened = terminal.wait_for(LAST, timeout=60)
            terminal.wait_for_any(terminal.now, timeout=1)
            frames = {
                name: both(_frames(terminal, key, pages)) for name, key in (("page", PAGE_UP), ("wheel", WHEEL_UP))
            }
            terminal.send("\x1b[1;5H")  # Ctrl+Home
            terminal.wait_for(FIRST, timeout=20)
            return {"opened_s": round(opened, 2), **frames, "memory_mib": round(memory(terminal.process.pid), 1)}


def _frames(terminal: Terminal, key: str, count: int) -> list[Key]:
    """From each key to what it moved."""
    found, process = [], terminal.process.pid
    for _ in range(count):
        before, at = computed(process), terminal.send(key)
        shown = terminal.wait_for_any(at, timeout=5)
        found.append(((shown or terminal.now) - at, computed(process) - before))
        while terminal.wait_for_any(terminal.now, timeout=0.05):
            pass  # what belongs to this frame is not to be taken for the next one
    return found


def measure(turns: int, takes: int, keys: int, runs: int) -> dict[str, Any]:
    """All of it."""
    return {
        "benchmark": "tui",
        "first_screen": first_screen(runs),
        "echo": echo(keys),
        "long_session": {"turns": turns, "takes": takes, **long_session(turns, takes, keys)},
        "load": round(os.getloadavg()[0], 2),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="limner bench tui", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=500, help="turns of the long conversation (500)")
    parser.add_argument("--takes", type=int, default=300, help="pictures in it (300)")
    parser.add_argument("--keys", type=int, default=80, help="measured keys of each kind (80)")
    parser.add_argument("--runs", type=int, default=5, help="measured starts (5)")
    parser.add_argument("--out", type=Path, help="also write the result here")
    chosen = parser.parse_args(argv)
    text = json.dumps(measure(chosen.turns, chosen.takes, chosen.keys, chosen.runs), indent=1)
    print(text)
    if chosen.out is not None:
        chosen.out.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
