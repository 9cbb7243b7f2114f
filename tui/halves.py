"""Pictures as half blocks: an upper and a lower pixel in every cell."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.visual import Visual

if TYPE_CHECKING:
    from PIL.Image import Image


@lru_cache(maxsize=1 << 14)
def _half(upper: bytes, lower: bytes) -> Style:
    """A half block of two colours, three bytes each."""
    return Style.from_color(Color.from_rgb(*upper), Color.from_rgb(*lower))


def halves(picture: Image) -> list[Strip]:
    """A picture as lines of half blocks, two rows of pixels each. Cells of one colour are one piece: there are many
    of them, and what is drawn, cut and sent is counted in pieces."""
    (width, height), data = picture.size, picture.tobytes()
    rows = [
        [data[at : at + 3] for at in range(start, start + 3 * width, 3)] for start in range(0, len(data), 3 * width)
    ]
    return [
        Strip(
            [
                Segment("▀" * len(list(run)), _half(*colours))
                for colours, run in groupby(zip(rows[y], rows[y + 1], strict=True))
            ],
            width,
        )
        for y in range(0, height - 1, 2)
    ]


class Halves(Visual):
    """A picture in half blocks, as something that a widget can show."""

    def __init__(self, picture: Image) -> None:
        self._lines = halves(picture)

    def render_strips(self, width: int, height: int | None, style: Any, options: Any) -> list[Strip]:
        return self._lines[:height]

    def get_optimal_width(self, rules: Any, container_width: int) -> int:
        return self._lines[0].cell_length if self._lines else 0

    def get_height(self, rules: Any, width: int) -> int:
        return len(self._lines)
