"""Watching a library's call from outside: its steps as they happen, and an end to it when nobody listens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from queue import Empty, Queue
from typing import Any

StepEnd = Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]
"""diffusers' `callback_on_step_end(pipe, step, timestep, tensors)`."""


class _Stopped(Exception):
    """Raised inside the library's loop: nobody wants its picture any more."""


def watched(call: Callable[[StepEnd], Any]) -> Generator[int, None, Any]:
    """Runs `call` in a thread, yields the number of each step it reports, and returns what it returns.

    The library's loops know no generators. When the consumer stops iterating, the loop ends at its next step; its
    half-made picture is dropped.
    """
    steps: Queue[int] = Queue()
    stop, result = threading.Event(), {}

    def on_step_end(pipe: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if stop.is_set():
            raise _Stopped
        steps.put(step)
        return tensors

    def run() -> None:
        try:
            result["value"] = call(on_step_end)
        except _Stopped:
            pass
        except BaseException as error:
            result["error"] = error

    worker = threading.Thread(target=run, name="limner-pipeline", daemon=True)
    worker.start()
    try:
        while worker.is_alive() or not steps.empty():
            try:
                yield steps.get(timeout=0.02)
            except Empty:
                continue
    finally:
        stop.set()
        worker.join()
    if "error" in result:
        raise result["error"]
    return result["value"]
