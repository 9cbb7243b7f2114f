"""The tokenizer's gate: how much of a picture survives it. `limner bench tokenizer [WEIGHTS]`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..tools.presets import load_preset

LOWEST_DB = {"db": 22.5, "db_inside": 19.0}
"""Of the whole picture, and inside the figures' masks."""
POINTS = {"kind": 4, "main": 4, "place": 4, "time": 4, "accessory": 4, "second": 12, "pattern": 12}
"""How many points of the judge's accuracy may be lost, per attribute."""


def weights_of(preset: str) -> Path:
    """The folder of the preset's AR model, which holds its tokenizer too."""
    spec = load_preset(preset).models.get("ar")
    if spec is None or not any(spec.folder.glob("*.safetensors")):
        raise ModelError(f"The preset {preset!r} has no autoregressive model here.")
    return spec.folder


def measure(weights: Path, count: int) -> dict[str, Any]:
    """The gate on `count` pictures of unseen subjects in unseen settings."""
    import torch

    from ..starter.tokenizer import psnr
    from .judge.export import accuracy, draw, sample
    from .judge.reader import Judge
    from .judge.through import Tokens

    judge, tokens = Judge.load(), Tokens.load(weights)
    scenes = sample(count, "tokenizer gate", held_out=True)
    pixels, masks = draw(scenes)
    made = torch.cat([tokens(part) for part in pixels.split(64)])
    found = {
        "db": round(psnr(made, pixels), 2),
        "db_inside": round(psnr(made, pixels, masks[:, None].float()), 2),
    }
    raw, through = (accuracy(judge, p, scenes, masks) for p in (pixels, made))
    gate: dict[str, dict[str, Any]] = {
        name: {"found": found[name], "at_least": low, "reached": found[name] >= low} for name, low in LOWEST_DB.items()
    }
    for name, points in POINTS.items():
        lost = round(100 * (raw[name] - through[name]), 1)
        gate[name] = {"found": lost, "at_most_points": points, "reached": lost <= points}
    return {
        "weights": str(weights),
        "quantized": tokens.quantized,
        "pictures": count,
        **found,
        "judge_raw": raw,
        "judge_through": through,
        "gate": gate,
        "reached": all(row["reached"] for row in gate.values()),
    }
