"""The judge's network. Shapes: b pictures, s slots, q queries a slot, c channels, h = w pixels of a map."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attributes import FIGURE, REGIONS, SETTING, SLOTS

FINE, MIDDLE, COARSE = 32, 80, 144
QUERIES = 6
SUMMARY = 192


class Block(nn.Module):
    """Two 3 x 3 convolutions round a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm_in, self.norm_out = nn.GroupNorm(8, width), nn.GroupNorm(8, width)
        self.conv_in = nn.Conv2d(width, width, 3, padding=1)
        self.conv_out = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_out(F.silu(self.norm_out(self.conv_in(F.silu(self.norm_in(x))))))


def _heads(values: dict[str, tuple[str, ...]], width: int) -> nn.ModuleDict:
    heads = nn.ModuleDict({name: nn.Linear(width, len(words)) for name, words in values.items()})
    for head in heads.values():
        head.weight.adam = True  # type: ignore[union-attr]
    return heads


class JudgeNetwork(nn.Module):
    """A pyramid of 32, 16 and 8 px; queries find the figures in the 16 px map, means the setting."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(12, FINE, 3, padding=1)
        self.fine = nn.Sequential(Block(FINE), Block(FINE))
        self.to_middle = nn.Conv2d(FINE * 4, MIDDLE, 1)
        self.middle = nn.Sequential(Block(MIDDLE), Block(MIDDLE))
        self.to_coarse = nn.Conv2d(MIDDLE * 4, COARSE, 1)
        self.coarse = nn.Sequential(Block(COARSE), Block(COARSE))
        self.up_middle = nn.Conv2d(COARSE, MIDDLE, 1)
        self.mixed = Block(MIDDLE)
        self.up_fine = nn.Conv2d(MIDDLE, FINE, 1)
        self.outline = Block(FINE)
        self.regions = nn.Conv2d(FINE, 4 * len(REGIONS), 1)
        self.where = nn.Parameter(torch.randn(1, MIDDLE, 16, 16) * 0.02)
        self.norm = nn.GroupNorm(8, MIDDLE)
        self.look = nn.Conv2d(MIDDLE, SLOTS * QUERIES, 1)
        self.summary = nn.Linear(QUERIES * MIDDLE + COARSE, SUMMARY)
        self.setting = _heads(SETTING, COARSE + MIDDLE)
        self.figure = _heads(FIGURE, SUMMARY)
        self.where.adam = True  # type: ignore[attr-defined]

    def forward(self, pixels: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor]:
        """Logits of pictures `[b, 3, 64, 64]` in -1..1.

        Of the setting `[b, n]`, of the figures `[b, s, n]`, of the pixels' regions `[b, 3, 64, 64]`.
        """
        fine = self.fine(self.stem(F.pixel_unshuffle(pixels, 2)))  # [b, c, 32, 32]
        middle = self.middle(self.to_middle(F.pixel_unshuffle(fine, 2)))  # [b, c, 16, 16]
        coarse = self.coarse(self.to_coarse(F.pixel_unshuffle(middle, 2)))  # [b, c, 8, 8]
        mixed = self.mixed(middle + F.interpolate(self.up_middle(coarse), scale_factor=2) + self.where)
        outline = self.outline(fine + F.interpolate(self.up_fine(mixed), scale_factor=2))
        regions = F.pixel_shuffle(self.regions(F.silu(outline)), 2)
        seen = self.norm(mixed)
        attention = self.look(seen).flatten(2).float().softmax(-1)  # [b, s q, h w]
        found = attention @ seen.flatten(2).transpose(1, 2).float()  # [b, s q, c]
        whole = coarse.mean((2, 3)).float()  # [b, c]
        each = found.view(len(pixels), SLOTS, -1)  # [b, s, q c]
        each = torch.cat([each, whole[:, None].expand(-1, SLOTS, -1)], -1)
        summary = F.silu(self.summary(each))
        everywhere = torch.cat([whole, seen.mean((2, 3)).float()], -1)
        setting = {name: head(everywhere).float() for name, head in self.setting.items()}
        figure = {name: head(summary).float() for name, head in self.figure.items()}
        return setting, figure, regions.float()
