"""How long a picture takes when everything is warm: `limner bench speed`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from ..starter.world import render
from ..tools.presets import load_preset
from ..tools.studio import Studio
from ..tools.values import Drawn, DrawRequest, SubjectInput
from .results import versions
from .storybook.running import chosen_method
from .storybook.trials import make_trial

TARGETS = {"one_seconds": 0.5, "four_over_one": 2.2}
"""A 64-token picture on two idle cores."""


def _timed(action: Callable[[int], None], runs: int) -> dict[str, float]:
    """Median, best and worst seconds of `runs` calls, after one that is not counted."""
    action(0)
    seconds = []
    for i in range(runs):
        began = time.perf_counter()
        action(i + 1)
        seconds.append(time.perf_counter() - began)
    found = {"median": median(seconds), "best": min(seconds), "worst": max(seconds)}
    return {name: round(value, 4) for name, value in found.items()}


def measure(preset: str, method: str, runs: int) -> dict[str, Any]:
    """Seconds of one candidate, of four, of an edit, and of the first picture of a concept."""
    studio = Studio(load_preset(preset))
    try:
        method = chosen_method(studio, method)
        trial = make_trial(0, held_out=False)
        picture = render(trial.references[0]).image
        prepared = studio.prepare(picture)

        def draw(seed: int, count: int = 1, key: str = "warm@1", source: Any = None) -> None:
            subject = SubjectInput(trial.name, "thing", (prepared.image,), (prepared.mask,), key=key)
            prompt = trial.prompt if source is None else trial.edit.instruction
            request = DrawRequest(prompt, (subject,), method, source=source, count=count, seed=seed)
            made = sum(isinstance(item, Drawn) for item in studio.draw(request, lambda: False))
            assert made == count, f"{made} pictures instead of {count}"

        one = _timed(draw, runs)
        four = _timed(lambda seed: draw(seed, count=4), runs)
        edit = _timed(lambda seed: draw(seed, source=picture), runs)
        fresh = _timed(lambda seed: draw(seed, key=f"fresh-{seed}@1"), runs)
        found = {"one_seconds": one["median"], "four_over_one": round(four["median"] / one["median"], 3)}
        return {
            "preset": preset,
            "method": method,
            "model": studio.model_hash(method),
            "one": one,
            "four": four,
            "edit": edit,
            "new_concept": fresh,
            "targets": {
                name: {"found": found[name], "at_most": most, "reached": found[name] <= most}
                for name, most in TARGETS.items()
            },
            "load": [round(v, 2) for v in os.getloadavg()],
            "versions": versions(),
        }
    finally:
        studio.close()


def main(arguments: Sequence[str]) -> int:
    """`limner bench speed …`; `--help` says what it takes."""
    from .__main__ import call

    return call("speed", arguments)
