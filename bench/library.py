"""How fast a large library opens and is searched, and what a change of it costs.

    limner bench library [--concepts 10000] [--home DIR] [--cold]

The library is made through the public API, every concept with its own pictures and embeddings; with `--home`
it is kept and used again. Prints one JSON object a measure, with seconds as median and 95th percentile. The
vectors are clustered (20 concepts around each centre), as those of real subjects of a kind are. `recall` is
the share of the five nearest concepts, found by comparing with all, that the index gave.
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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..memory.library import Library

SPACE = "bench"
KINDS = ("dog", "cat", "mug", "boot", "lamp", "robot", "person", "plant")
ADJECTIVES = ("old", "red", "tiny", "striped", "round", "shy", "proud", "wooden", "blue", "golden")
OPENING = """
import sys, time
from limner.memory.library import Library
began = time.perf_counter()
with Library.open(sys.argv[1], write=sys.argv[2] == "write") as library:
    seconds = time.perf_counter() - began
    assert not library.notices, library.notices
print(seconds)
"""


def vectors(count: int, references: int, dim: int) -> np.ndarray:
    """Unit vectors [count, references, dim], the same for the same numbers."""
    chance = np.random.default_rng(0)
    centres = chance.standard_normal((count // 20 + 1, dim), dtype=np.float32)
    found = centres[np.arange(count) // 20][:, None] * 1.0
    found = found + 0.7 * chance.standard_normal((count, 1, dim), dtype=np.float32)
    found = found + 0.3 * chance.standard_normal((count, references, dim), dtype=np.float32)
    unit: np.ndarray = found / np.linalg.norm(found, axis=-1, keepdims=True)
    return unit


def fill(home: Path, all_vectors: np.ndarray) -> None:
    """Teach what is still missing."""
    chance = random.Random(0)
    with Library.open(home) as library:
        for i in range(len(library.concepts()), len(all_vectors)):
            shades = [(i % 256, i // 256, j) for j in range(all_vectors.shape[1])]
            library.teach(
                f"{chance.choice(ADJECTIVES).title()} {chance.choice(KINDS)} {i}",
                KINDS[i % len(KINDS)],
                [Image.new("RGB", (64, 64), shade) for shade in shades],
                [Image.new("L", (64, 64), 255)] * len(shades),
                embeddings={SPACE: all_vectors[i]},
                stable=[chance.choice(ADJECTIVES), f"trait {i}"],
            )
            if i % 500 == 499:
                print(f"{i + 1} concepts", file=sys.stderr)


def report(measure: str, seconds: Sequence[float], target: float | None = None, **more: Any) -> None:
    """One JSON line."""
    ordered = sorted(seconds)
    line: dict[str, Any] = {"measure": measure, "seconds": round(statistics.median(ordered), 5)}
    line["p95"] = round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 5)
    line["runs"] = len(ordered)
    if target is not None:
        line["target"] = target
    print(json.dumps({**line, **more, "load": round(os.getloadavg()[0], 1)}), flush=True)


@contextmanager
def timed(seconds: list[float]) -> Iterator[None]:
    """Append how long the block took."""
    began = time.perf_counter()
    yield
    seconds.append(time.perf_counter() - began)


def repeat(runs: int, act: Callable[[int], object]) -> list[float]:
    """Seconds of `act(0)`, `act(1)` …"""
    seconds: list[float] = []
    for i in range(runs):
        with timed(seconds):
            act(i)
    return seconds


def opening(home: Path, mode: str, runs: int, cold: bool) -> list[float]:
    """Seconds to open, each in a new process; `cold` empties the system's disk cache first (as root)."""
    seconds = []
    for _ in range(runs):
        if cold:
            os.sync()
            Path("/proc/sys/vm/drop_caches").write_text("3", encoding="ascii")
        command = [sys.executable, "-c", OPENING, str(home), mode]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds.append(float(run.stdout))
    return seconds


def measure(home: Path, all_vectors: np.ndarray, runs: int, cold: bool) -> None:
    """All measures of a library that is filled."""
    count, references, dim = all_vectors.shape
    size = {"concepts": count, "references": references, "dim": dim}
    report("open", opening(home, "write", runs, False), 2.0, **size)
    report("open for reading", opening(home, "read", runs, False), 2.0)
    if cold:
        report("open, cold disk", opening(home, "write", runs, True), 2.0)
    chance = random.Random(1)
    asked = [chance.randrange(count) for _ in range(200)]
    noise = np.random.default_rng(1).standard_normal((len(asked), dim), dtype=np.float32)
    queries = all_vectors[asked, 0] + 0.02 * noise
    with Library.open(home) as library:
        first = repeat(1, lambda _: library.search(SPACE, queries[0]))
        report("first search of a process (loads Chroma, brings the index up to date)", first)
        found: list[list[str]] = []
        seconds = repeat(len(asked), lambda i: found.append([c.name for c, _ in library.search(SPACE, queries[i])]))
        names = {int(c.name.rsplit(" ", 1)[1]): c.name for c in library.concepts()}
        exact = np.einsum("crd,qd->qcr", all_vectors, queries).max(axis=2).argsort(axis=1)[:, :-6:-1]
        hits = [len({names[i] for i in best} & set(got)) / 5 for best, got in zip(exact, found, strict=True)]
        report("search by vector", seconds, 0.02, recall=round(float(np.mean(hits)), 4))
        texts = [f"{chance.choice(ADJECTIVES)} {chance.choice(KINDS)} {i}" for i in asked]
        report("first search by words of a process", repeat(1, lambda _: library.search_text("warm")))
        report("search by words", repeat(200, lambda i: library.search_text(texts[i])), 0.02)
        report(
            "search by misspelled words",
            repeat(200, lambda i: library.search_text(texts[i][1:-1] + "x")),
            0.02,
        )
        report("list all", repeat(runs, lambda _: library.concepts()))
        session = library.session("bench")
        image = Image.new("RGB", (64, 64))
        report("add a take", repeat(20, lambda _: session.add_take(image, origin="draw", prompt="x")))
        last = library.concepts()[0].name
        revised = repeat(20, lambda i: library.revise(last, add=[f"another trait {time.time_ns()}"]))
        report("revise a concept", revised)
        after = repeat(1, lambda _: library.search(SPACE, queries[0]))
        report("search by vector after a change", after)


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="limner bench library", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--concepts", type=int, default=10_000, help="how many are taught (10000)")
    parser.add_argument("--references", type=int, default=3, help="pictures and vectors of each (3)")
    parser.add_argument("--dim", type=int, default=256, help="length of a vector (256)")
    parser.add_argument("--runs", type=int, default=5, help="measured openings (5)")
    parser.add_argument("--home", type=Path, help="keep the library here and use it again")
    parser.add_argument("--cold", action="store_true", help="also open with an empty disk cache (needs root)")
    chosen = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="limner-library-") as temporary:
        home = chosen.home or Path(temporary)
        all_vectors = vectors(max(20, chosen.concepts), max(1, chosen.references), chosen.dim)
        fill(home, all_vectors)
        measure(home, all_vectors, max(1, chosen.runs), chosen.cold)
    return 0


if __name__ == "__main__":
    sys.exit(main())
