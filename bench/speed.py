"""How long a picture takes when everything is warm: `limner bench speed`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from ..starter.world import render
from ..tools.presets import load_preset
from ..tools.studio import Studio
from ..tools.values import Drawn, DrawRequest, SubjectInput
from .results import versions

TARGETS = {"one_seconds": 0.5, "four_over_one": 2.2}
"""A 64-token picture on two idle cores."""


def timed(actions: Mapping[str, Callable[[int], None]], runs: int) -> dict[str, list[float]]:
    """Seconds of `runs` calls of each action, after one that is not counted. They take turns, so that what else
    the machine does falls on all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for run in range(runs + 1):
        for name, action in actions.items():
            began = time.perf_counter()
            action(run)
            if run:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def measure(preset: str, method: str, runs: int) -> dict[str, Any]:
    """Seconds of one candidate, of four, of an edit, and of the first picture of a concept."""
    from .storybook.running import chosen_method
    from .storybook.trials import make_trial

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

        seconds = timed(
            {
                "one": draw,
                "four": lambda seed: draw(seed, count=4),
                "edit": lambda seed: draw(seed, source=picture),
                "new_concept": lambda seed: draw(seed, key=f"fresh-{seed}@1"),
            },
            runs,
        )
        ratios = [four / one for one, four in zip(seconds["one"], seconds["four"], strict=True)]
        found = {"one_seconds": round(median(seconds["one"]), 4), "four_over_one": round(median(ratios), 3)}
        return {
            "preset": preset,
            "method": method,
            "model": studio.model_hash(method),
            "seconds": {
                name: {"median": round(median(s), 4), "best": round(min(s), 4), "worst": round(max(s), 4)}
                for name, s in seconds.items()
            },
            "targets": {
                name: {"found": found[name], "at_most": most, "reached": found[name] <= most}
                for name, most in TARGETS.items()
            },
            "load": [round(v, 2) for v in os.getloadavg()],
            "versions": versions(),
        }
    finally:
        studio.close()
