"""How the judge learns: renderings, made worse in the ways in which drawn pictures are worse."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from ...starter.loop import Plan
from ...starter.pool import Pool
from ...starter.tokenizer import to_pixels
from ...starter.world import PLACES, TIMES, Scene, render
from .attributes import FIGURE, SETTING, figure_classes, setting_classes
from .network import JudgeNetwork
from .through import Tokens

SHIFT = 2
"""Pictures are moved by up to so many px: a drawn figure is rarely where the renderer puts it."""
WEIGHTS = {"pattern": 4.0}
"""Of the losses that are not 1: a pattern is a few px, and last to be learned."""
KEPT = 512
"""The last rows of the pool are for measuring."""


def blur(pixels: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of `[b, c, h, w]`; `sigma` in px."""
    at = torch.arange(-3, 4, dtype=torch.float32)
    kernel = torch.exp(-at.square() / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    channels = pixels.shape[1]
    padded = F.pad(pixels, (3, 3, 3, 3), mode="replicate")
    across = F.conv2d(padded, kernel.view(1, 1, 1, 7).repeat(channels, 1, 1, 1), groups=channels)
    return F.conv2d(across, kernel.view(1, 1, 7, 1).repeat(channels, 1, 1, 1), groups=channels)


def rescale(pixels: Tensor, side: int) -> Tensor:
    """Down to `side` px and up again."""
    small = F.interpolate(pixels, size=(side, side), mode="area")
    return F.interpolate(small, size=pixels.shape[2:], mode="bicubic", align_corners=False).clamp(-1, 1)


def to_images(pixels: Tensor) -> np.ndarray:
    """Pixels `[b, 3, h, w]` in -1..1 as uint8 `[b, h, w, 3]`."""
    return ((pixels.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).contiguous().numpy()


def jpeg(pixels: Tensor, qualities: np.ndarray) -> Tensor:
    """Through JPEG, each picture at its quality (1..95)."""
    made = []
    for picture, quality in zip(to_images(pixels), qualities, strict=True):
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=int(quality))
        made.append(np.asarray(Image.open(buffer)))
    return to_pixels(np.stack(made))


class JudgeTask:
    """The judge in training. Some pictures are sent through the tokenizer whose weights are at `tokens`."""

    def __init__(self, plan: Plan, rank: int, tokens: Path | None) -> None:
        self.plan, self.pool = plan, Pool(plan.work / "pool")
        self.model: nn.Module = JudgeNetwork()
        self.rng = np.random.default_rng(plan.seed * 100 + rank)
        self.tokens = Tokens.load(tokens) if tokens else None
        self.setting = torch.tensor([setting_classes(s) for s in self.pool.scenes])
        self.figure = torch.tensor([figure_classes(s) for s in self.pool.scenes])
        bare = [Scene(place, time) for place in PLACES for time in TIMES]
        names = list(FIGURE)
        self.cell = self.figure[:, 0, names.index("kind")], self.figure[:, 0, names.index("accessory")]
        self.missed = torch.ones(len(FIGURE["kind"]), len(FIGURE["accessory"]))
        self.bare = np.stack([np.asarray(render(scene).image) for scene in bare])
        self.bare_setting = torch.tensor([setting_classes(s) for s in bare])
        self.bare_figure = torch.tensor([figure_classes(s) for s in bare])

    def _batch(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Pixels, settings, figures and regions; a few pictures show nobody."""
        count = self.plan.batch
        rows = self._rows(count)
        pictures, labels = self.pool.pictures[rows], self.pool.labels[rows]
        regions = torch.from_numpy(np.array([0, 1, 1, 2])[labels])
        setting, figure = self.setting[rows], self.figure[rows]
        empty = self.rng.integers(0, len(self.bare), max(1, count // 32))
        pixels = to_pixels(np.concatenate([pictures[len(empty) :], self.bare[empty]]))
        setting = torch.cat([setting[len(empty) :], self.bare_setting[empty]])
        figure = torch.cat([figure[len(empty) :], self.bare_figure[empty]])
        regions = torch.cat([regions[len(empty) :], torch.zeros(len(empty), 64, 64, dtype=torch.long)])
        order = torch.from_numpy(self.rng.permutation(count))
        return pixels[order], setting[order], figure[order], regions[order]

    def _rows(self, count: int) -> np.ndarray:
        """Rows of the pool, where patterns are misread (under a scarf, say) up to four times as often."""
        offered = self.rng.integers(0, len(self.pool.pictures) - KEPT, 4 * count)
        weight = 0.3 + self.missed[self.cell[0][offered], self.cell[1][offered]].clamp(max=0.9).numpy()
        return np.sort(self.rng.choice(offered, count, replace=False, p=weight / weight.sum()))

    def _note(self, pattern: Tensor, figure: Tensor) -> None:
        """Keeps a moving average of the misread patterns for each kind and accessory."""
        names = list(FIGURE)
        kind, worn, true = (figure[:, 0, names.index(name)] for name in ("kind", "accessory", "pattern"))
        for i in torch.nonzero(true >= 0)[:, 0]:
            wrong = float(pattern[i, 0].argmax() != true[i])
            self.missed[kind[i], worn[i]] += 0.1 * (wrong - self.missed[kind[i], worn[i]])

    @torch.no_grad()
    def _worsen(self, pixels: Tensor) -> Tensor:
        """An eighth each blurred, rescaled, JPEG; a quarter through the tokenizer; all in slightly other light."""
        part, rng = len(pixels) // 8, self.rng
        groups = list(pixels.split([part, part, part, 2 * part, len(pixels) - 5 * part]))
        groups[0] = blur(groups[0], float(rng.uniform(0.4, 1.4)))
        groups[1] = rescale(groups[1], int(rng.integers(28, 56)))
        groups[2] = jpeg(groups[2], rng.integers(25, 90, part))
        if self.tokens is not None:
            groups[3] = self.tokens(groups[3], torch.bfloat16)
        worse = torch.cat(groups)
        count = len(worse)
        gain = torch.from_numpy(rng.normal(1, 0.035, (count, 3, 1, 1)).astype(np.float32))
        shift = torch.from_numpy(rng.normal(0, 0.03, (count, 3, 1, 1)).astype(np.float32))
        noise = torch.from_numpy(rng.exponential(0.02, (count, 1, 1, 1)).astype(np.float32))
        return (worse * gain + shift + noise * torch.randn_like(worse)).clamp(-1, 1)

    def loss(self, fraction: float) -> tuple[Tensor, dict[str, float]]:
        pixels, setting, figure, regions = self._batch()
        pixels = self._worsen(pixels)
        dy, dx = (int(v) for v in self.rng.integers(-SHIFT, SHIFT + 1, 2))
        pixels = F.pad(pixels, (SHIFT,) * 4, mode="replicate")
        pixels = pixels[:, :, SHIFT + dy : SHIFT + dy + 64, SHIFT + dx : SHIFT + dx + 64].contiguous()
        padded = F.pad(regions[:, None].float(), (SHIFT,) * 4)
        moved = padded[:, 0, SHIFT + dy : SHIFT + dy + 64, SHIFT + dx : SHIFT + dx + 64].long()
        with torch.autocast("cpu", torch.bfloat16):
            settings, figures, where = self.model(pixels)
        total = F.cross_entropy(where, moved)
        metrics = {}
        for i, name in enumerate(SETTING):
            total = total + F.cross_entropy(settings[name], setting[:, i])
        for i, name in enumerate(FIGURE):
            logits, target = figures[name].flatten(0, 1), figure[:, :, i].flatten()
            total = total + WEIGHTS.get(name, 1.0) * F.cross_entropy(logits, target)
            known = target >= 0
            metrics[name] = float((logits.argmax(-1) == target)[known].float().mean())
        self._note(figures["pattern"].detach(), figure)
        return total, metrics

    def evaluate(self) -> dict[str, float]:
        """Accuracy on the rows that were kept aside, as they are."""
        pixels = to_pixels(self.pool.pictures[-KEPT:])
        with torch.autocast("cpu", torch.bfloat16):
            settings, figures, _ = self.model(pixels)
        right = {}
        for i, name in enumerate(SETTING):
            right[f"held_{name}"] = settings[name].argmax(-1) == self.setting[-KEPT:, i]
        for i, name in enumerate(FIGURE):
            target = self.figure[-KEPT:, :, i]
            right[f"held_{name}"] = (figures[name].argmax(-1) == target)[target >= 0]
        return {name: float(value.float().mean()) for name, value in right.items()}
