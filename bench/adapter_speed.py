"""A drawing with cached concept embeddings against diffusers called as its documentation shows.

Both with the same weights, steps, scheduler, threads and size, in one run and taking turns:
`limner bench adapter`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from statistics import median
from typing import Any, cast

from ..starter.world import render
from ..tools.methods.in_context import cut
from ..tools.methods.ip_adapter import IpAdapter, IpAdapterConfig
from ..tools.presets import load_preset
from ..tools.studio import Studio
from ..tools.values import Drawn, DrawRequest, SubjectInput
from .results import versions
from .speed import timed
from .storybook.trials import make_trial

TARGETS = {"one_seconds": ("at_most", 2.0), "plain_over_ours": ("at_least", 1.3)}


def measure(preset: str = "starter", runs: int = 15) -> dict[str, Any]:
    """Seconds of a warm picture of a known concept, ours and the library's; and their ratio."""
    import torch

    studio = Studio(load_preset(preset))
    try:
        method = cast(IpAdapter, studio.method("ip_adapter"))
        config, model = cast(IpAdapterConfig, method.config), cast(Any, method.model)
        trial = make_trial(0, held_out=False)
        prepared = studio.prepare(render(trial.references[0]).image)
        new = SubjectInput(trial.name, "thing", (prepared.image,), (prepared.mask,), key="warm@1")
        method.heard(new)
        known = replace(new, embeddings=studio.kept(new))
        crop = cut(known, 1, model.side)

        def ours(seed: int) -> None:
            request = DrawRequest(trial.prompt, (known,), "ip_adapter", seed=seed)
            assert any(isinstance(item, Drawn) for item in studio.draw(request, lambda: False))

        def plain(seed: int) -> None:
            model.pipe.set_ip_adapter_scale(config.adapter_scale)
            model.pipe(
                prompt=method.painting(DrawRequest(trial.prompt, (known,)), [seed]).prompt,
                ip_adapter_image=crop,
                num_inference_steps=config.steps,
                guidance_scale=config.guidance,
                generator=torch.Generator().manual_seed(seed),
            )

        seconds = timed({"ours": ours, "plain": plain}, runs)
        ratios = [p / o for p, o in zip(seconds["plain"], seconds["ours"], strict=True)]
        found = {"one_seconds": round(median(seconds["ours"]), 4), "plain_over_ours": round(median(ratios), 3)}
        return {
            "model": studio.model_hash("ip_adapter"),
            "settings": method.settings(),
            "seconds": {name: {"median": median(s), "best": min(s), "worst": max(s)} for name, s in seconds.items()},
            "ratios": {"best": max(ratios), "worst": min(ratios)},
            "targets": {name: {"found": found[name], sort: aim} for name, (sort, aim) in TARGETS.items()},
            "load": [round(v, 2) for v in os.getloadavg()],
            "threads": torch.get_num_threads(),
            "versions": versions(),
        }
    finally:
        studio.close()

