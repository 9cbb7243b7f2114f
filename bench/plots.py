"""Plots of measurements, the same as SVG and as PNG: axes, lines and points, and a name at each series' end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from math import ceil, floor, log10
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 58, 52
"""Room around the axes' rectangle; the names of the series stand on the right."""
PAPER, INK, RULE = "#fafaf8", "#1e1e22", "#d8d8d4"
COLOURS = ("#2f6fb0", "#d9703b", "#4d9a57", "#8b5fb0", "#b0394a", "#6b7078", "#c0a020", "#2a9d9d", "#e08cb0")
SIZE = 13
"""Of letters, in pixels."""
SCALE = 2
"""Of the PNG."""


@dataclass(frozen=True)
class Series:
    """Points `(x, y)` under one name; a single one is a dot."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


@dataclass
class _Canvas:
    """What is drawn, in pixels, written in two formats from the same list."""

    lines: list[tuple[list[tuple[float, float]], str, float, bool]] = field(default_factory=list)
    dots: list[tuple[float, float, str]] = field(default_factory=list)
    texts: list[tuple[float, float, str, str, str]] = field(default_factory=list)
    """x, y of the middle, words, colour, anchor ("start", "middle" or "end")."""

    def svg(self) -> str:
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
        parts = [f'{head} font-size="{SIZE}">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>']
        for points, colour, width, dashed in self.lines:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            dash = ' stroke-dasharray="5 4"' if dashed else ""
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/>')
        for x, y, colour in self.dots:
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
        for x, y, words, colour, anchor in self.texts:
            where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" dominant-baseline="central"'
            parts.append(f'<text {where} fill="{colour}">{escape(words)}</text>')
        return "\n".join([*parts, "</svg>", ""])

    def png(self) -> Image.Image:
        made = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), PAPER)
        pen, font = ImageDraw.Draw(made), ImageFont.load_default(SIZE * SCALE)
        for points, colour, width, dashed in self.lines:
            for part in _dashes(points) if dashed else [points]:
                pen.line([(x * SCALE, y * SCALE) for x, y in part], colour, round(width * SCALE), "curve")
        for x, y, colour in self.dots:
            pen.circle((x * SCALE, y * SCALE), 3.5 * SCALE, colour)
        for x, y, words, colour, anchor in self.texts:
            pen.text((x * SCALE, y * SCALE), words, colour, font, {"start": "lm", "middle": "mm", "end": "rm"}[anchor])
        return made


def _dashes(points: Sequence[tuple[float, float]], on: float = 5, off: float = 4) -> list[list[tuple[float, float]]]:
    """A line in pieces."""
    made = []
    for (x, y), (u, v) in zip(points, points[1:], strict=False):
        length = max(1e-9, ((u - x) ** 2 + (v - y) ** 2) ** 0.5)
        at = 0.0
        while at < length:
            ends = [at / length, min(at + on, length) / length]
            made.append([(x + (u - x) * t, y + (v - y) * t) for t in ends])
            at += on + off
    return made


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round numbers that enclose `low` and `high`."""
    span = (high - low) or 1.0
    unit = 10.0 ** floor(log10(span / count))
    step = next(unit * factor for factor in (1, 2, 5, 10) if span / (unit * factor) <= count)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, max(last, first + 1) + 1)]


def plot(file: Path, title: str, across: str, up: str, series: Sequence[Series]) -> list[Path]:
    """Writes `file` with the endings .svg and .png; returns both paths. `across`, `up`: what the axes show."""
    shown = [s for s in series if s.points]
    if not shown:
        return []
    xs, ys = ([p[axis] for s in shown for p in s.points] for axis in (0, 1))
    wide, high = ticks(min(xs), max(xs)), ticks(min(ys), max(ys))
    canvas = _Canvas()

    def at(x: float, y: float) -> tuple[float, float]:
        part, height = (x - wide[0]) / (wide[-1] - wide[0]), (y - high[0]) / (high[-1] - high[0])
        return LEFT + part * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - height * (HEIGHT - TOP - BOTTOM)

    for x in wide:
        canvas.lines.append(([at(x, high[0]), at(x, high[-1])], RULE, 1, False))
        canvas.texts.append((at(x, high[0])[0], HEIGHT - BOTTOM + 14, f"{x:g}", INK, "middle"))
    for y in high:
        canvas.lines.append(([at(wide[0], y), at(wide[-1], y)], RULE, 1, False))
        canvas.texts.append((LEFT - 8, at(wide[0], y)[1], f"{y:g}", INK, "end"))
    ends = []
    for number, one in enumerate(shown):
        colour = COLOURS[number % len(COLOURS)]
        places = [at(x, y) for x, y in one.points]
        canvas.lines += [(places, colour, 2, one.dashed)] if len(places) > 1 else []
        canvas.dots += [(x, y, colour) for x, y in places]
        ends.append((places[-1][1], places[-1][0], one.name, colour))
    lowest = 0.0
    for y, x, name, colour in sorted(ends):
        lowest = max(y, lowest + SIZE + 2)  # names must not cover each other
        canvas.texts.append((x + 8, lowest, name, colour, "start"))
    canvas.texts.append((LEFT, 18, title, INK, "start"))
    canvas.texts.append(((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, across, INK, "middle"))
    canvas.texts.append((LEFT, 40, up, INK, "start"))
    svg, png = file.with_suffix(".svg"), file.with_suffix(".png")
    svg.write_text(canvas.svg(), encoding="utf-8")
    canvas.png().save(png)
    return [svg, png]
