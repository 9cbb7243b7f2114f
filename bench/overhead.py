"""What a turn costs beside drawing: the planner, the graph, the log on the disk.

    limner bench overhead [--runs 20] [--concepts 50] [--out FILE]

Talks to an agent with the built-in planner in a fresh library. Turns that draw nothing are timed whole; of
turns that draw, the time that the models took to draw and score is taken off. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..agent.agent import Agent
from ..agent.session import Session
from ..memory.library import Library
from ..tools.presets import load_preset

QUIET = ("thanks!", "what do you know?", "I like this one", "undo that", "redo", "go back to the first")
DRAWN = ("Biscuit on the beach, wearing sunglasses", "now at night")


def stopped(model_time: list[float], work: Callable[..., Any]) -> Callable[..., Any]:
    """`work`, noting in `model_time` the seconds spent inside, also inside the iterator it returns."""

    def timed(*args: Any, **more: Any) -> Any:
        began = time.perf_counter()
        result = work(*args, **more)
        model_time.append(time.perf_counter() - began)
        return steps(result) if isinstance(result, Iterator) else result

    def steps(work_steps: Iterator[Any]) -> Iterator[Any]:
        while True:
            began = time.perf_counter()
            try:
                step = next(work_steps)
            except StopIteration:
                return
            finally:
                model_time.append(time.perf_counter() - began)
            yield step

    return timed


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and highest, in milliseconds."""
    ordered = sorted(1000 * value for value in seconds)
    return {
        "median": round(statistics.median(ordered), 1),
        "p95": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 1),
        "highest": round(ordered[-1], 1),
    }


def fill(home: Path, concepts: int) -> None:
    """A library with Biscuit and others, and some takes in the conversation."""
    picture = Image.new("RGB", (64, 64), "peru")
    with Library.open(home) as library:
        for name in ("Biscuit", *(f"Friend {number}" for number in range(1, concepts))):
            library.teach(name, "dog", [picture])
        store = library.session("default")
        for _ in range(5):
            store.add_take(picture, origin="import", prompt="picture.png")


def measure(runs: int, concepts: int, preset: str) -> dict[str, Any]:
    """Milliseconds a turn, by sentence; `plan` is the planner alone."""
    weights = [spec.folder for spec in load_preset(preset).models.values()]
    with tempfile.TemporaryDirectory(prefix="limner-overhead-") as folder:
        fill(Path(folder), concepts)
        with Agent.open(preset=preset, home=folder, planner="offline") as agent:
            chat = agent.session()
            chat.say("hello")  # the first turn imports and builds
            figures = {"plan": spread([_plan(chat) for _ in range(runs)])}
            taken = {text: list[float]() for text in QUIET}
            for _ in range(runs):
                for text in QUIET:
                    began = time.perf_counter()
                    chat.say(text)
                    taken[text].append(time.perf_counter() - began)
            figures |= {text: spread(values) for text, values in taken.items()}
            if all(path.exists() for path in weights):
                figures |= _drawing(agent, chat, runs)
    return figures


def _plan(chat: Session) -> float:
    began = time.perf_counter()
    chat.plan("Biscuit on the beach, wearing sunglasses")
    return time.perf_counter() - began


def _drawing(agent: Agent, chat: Session, runs: int) -> dict[str, Any]:
    inside: list[float] = []
    for name in ("draw", "score"):
        setattr(agent.studio, name, stopped(inside, getattr(agent.studio, name)))
    chat.say(DRAWN[0])  # loads the models
    taken = {text: list[float]() for text in DRAWN}
    for _ in range(runs):
        for text in DRAWN:
            inside.clear()
            began = time.perf_counter()
            chat.say(text)
            taken[text].append(time.perf_counter() - began - float(np.sum(inside)))
    return {f"{text} (without drawing)": spread(values) for text, values in taken.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="limner bench overhead", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=20, help="measured turns of each kind (20)")
    parser.add_argument("--concepts", type=int, default=50, help="taught subjects in the library (50)")
    parser.add_argument("--preset", default="starter", help="which models draw (starter)")
    parser.add_argument("--out", type=Path, help="also write the result here")
    chosen = parser.parse_args(argv)
    machine = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
    }
    turns = measure(max(1, chosen.runs), max(1, chosen.concepts), chosen.preset)
    report = {"benchmark": "overhead", "machine": machine, "unit": "ms", "turns": turns}
    text = json.dumps(report, indent=1)
    print(text)
    if chosen.out is not None:
        chosen.out.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
