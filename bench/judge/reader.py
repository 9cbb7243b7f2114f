"""Reading a picture: what the judge says about it, and what it cannot tell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from torch import Tensor

from ...errors import ModelError
from ...starter.tokenizer import to_pixels
from .attributes import FIGURE, SETTING, SLOTS, attributes
from .network import JudgeNetwork

WEIGHTS = Path(__file__).with_name("weights.safetensors")
SIDE = 64
READ = tuple(name for name in FIGURE if name != "present")
"""What is read about a figure."""


@dataclass(frozen=True, slots=True)
class FigureReading:
    """What is read about one figure; `None` is "cannot tell"."""

    kind: str | None
    main: str | None
    second: str | None
    pattern: str | None
    accessory: str | None
    size: str | None
    position: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What is read about one picture; `None` is "cannot tell"."""

    place: str | None
    time: str | None
    figures: tuple[FigureReading, ...]
    """The only or left figure, then the right one; empty when nobody is seen."""
    figure_mask: np.ndarray
    """bool `[64, 64]`: the figures without their accessories."""
    accessory_mask: np.ndarray
    """bool `[64, 64]`."""
    confidence: dict[str, float]
    """Of each attribute's best value, 0..1; of the first figure."""

    def values(self) -> dict[str, str | None]:
        """Setting and first figure, flat; of an empty picture the figure's are `None`."""
        first = self.figures[0] if self.figures else None
        found = {name: getattr(first, name) if first else None for name in READ}
        return {"place": self.place, "time": self.time} | found


def overlap(old: Reading, new: Reading) -> float:
    """Intersection over union of the figures of two readings, 0..1, where neither wears an accessory (what is
    behind it nobody can tell)."""
    shown = ~(old.accessory_mask | new.accessory_mask)
    either = ((old.figure_mask | new.figure_mask) & shown).sum()
    both = (old.figure_mask & new.figure_mask & shown).sum()
    return float(both / either) if either else 0.0


class Judge:
    """The trained network with its thresholds. Below an attribute's threshold it says "cannot tell"."""

    def __init__(self, network: JudgeNetwork, thresholds: dict[str, float]) -> None:
        self.network, self.thresholds = network.eval().requires_grad_(False), thresholds

    @classmethod
    def load(cls, file: Path = WEIGHTS) -> Judge:
        """From a file that `export.export` wrote. ModelError when it is missing or knows another world."""
        if not file.exists():
            raise ModelError(f"The judge has no weights: {file}.", "See python -m limner.bench.judge --help.")
        with safe_open(file, "pt") as opened:
            record = json.loads(opened.metadata()["record"])
            tensors = {name: opened.get_tensor(name).float() for name in opened.keys()}
        if record["attributes"] != attributes():
            raise ModelError(f"The judge in {file} learned another storybook world.", "Train it again.")
        network = JudgeNetwork()
        network.load_state_dict(tensors)
        return cls(network, record["thresholds"])

    def logits(self, pixels: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor]:
        """The network's answer to `[n, 3, 64, 64]` in -1..1, in small batches."""
        with torch.inference_mode():
            parts = [self.network(part.contiguous()) for part in pixels.split(64)]
        setting = {name: torch.cat([p[0][name] for p in parts]) for name in SETTING}
        figure = {name: torch.cat([p[1][name] for p in parts]) for name in FIGURE}
        return setting, figure, torch.cat([p[2] for p in parts])

    def read(self, images: Sequence[Image.Image]) -> list[Reading]:
        """One reading a picture. Pictures of another size are reduced to 64 px first."""
        if not images:
            return []
        size = (SIDE, SIDE)
        small = [i if i.size == size else i.resize(size, Image.Resampling.BOX) for i in images]
        return self.read_pixels(to_pixels(np.stack([np.asarray(i.convert("RGB")) for i in small])))

    def read_pixels(self, pixels: Tensor) -> list[Reading]:
        """One reading for each of `[n, 3, 64, 64]` in -1..1."""
        setting, figure, regions = self.logits(pixels)
        best = {name: logits.softmax(-1).max(-1) for name, logits in (setting | figure).items()}
        region = regions.argmax(1).numpy()
        return [self._reading(i, best, region[i]) for i in range(len(pixels))]

    def _reading(self, i: int, best: dict, region: np.ndarray) -> Reading:
        def named(name: str, words: tuple[str, ...], *at: int) -> str | None:
            confidence, index = float(best[name][0][at]), int(best[name][1][at])
            return words[index] if confidence >= self.thresholds[name] else None

        figures = []
        for slot in range(SLOTS):
            if int(best["present"][1][i, slot]) == 0:
                break
            read = {name: named(name, words, i, slot) for name, words in FIGURE.items()}
            figures.append(FigureReading(**{name: read[name] for name in READ}))
        confidence = {name: float(best[name][0][i]) for name in SETTING}
        confidence |= {name: float(best[name][0][i, 0]) for name in FIGURE}
        return Reading(
            named("place", SETTING["place"], i),
            named("time", SETTING["time"], i),
            tuple(figures),
            region == 1,
            region == 2,
            {name: round(value, 3) for name, value in confidence.items()},
        )
