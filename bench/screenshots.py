"""Screenshots of the real application, as SVG: what README.md shows.

    limner bench screenshots [--out docs]

The keys of a new user are pressed in an empty library; nothing in the pictures is made up.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from textual.pilot import Pilot

from ..cli.demo import KIND, NAME, write_references
from ..tui.app import LimnerApp
from ..tui.bridge import Bridge
from ..tui.lesson import Lesson
from ..tui.preferences import Preferences
from ..tui.themes import DARK, LIGHT

SIZE = (112, 34)
SENTENCES = ("now at night", "#1, but in front of the castle", "four pictures of @Biscuit in the snow")


async def take(out: Path) -> list[Path]:
    """Press the keys; returns the files that were written."""
    written: list[Path] = []
    with tempfile.TemporaryDirectory() as home:
        bridge = Bridge(home=Path(home))
        lesson = Lesson(NAME, KIND, write_references, f"@{NAME} on the beach, wearing sunglasses")
        app = LimnerApp(bridge, Preferences(theme=DARK.name), lesson=lesson)

        async def shot(name: str, pilot: Pilot[None]) -> None:
            await pilot.pause(0.3)
            # The web fonts that the picture would fetch are left out: nothing is loaded from elsewhere.
            svg = re.sub(r"@font-face \{.*?\}", "", app.export_screenshot(title="limner"), flags=re.DOTALL)
            written.append(out / f"chat-{name}.svg")
            written[-1].write_text(svg, encoding="utf-8")

        async with app.run_test(size=SIZE) as pilot:
            await _until(lambda: bridge.ready)
            await pilot.press("enter")
            await _until(lambda: app.chat.prompt.line.text)
            for sentence in ("", *SENTENCES):
                if sentence:
                    app.chat.prompt.say_instead(sentence)
                await pilot.press("enter")
                await _until(lambda: not bridge.busy)
                await pilot.pause(0.2)
            await shot("talk", pilot)
            app.theme = LIGHT.name
            await pilot.press("f2")
            await shot("tree", pilot)
        await asyncio.to_thread(bridge.close)
    return written


async def _until(true: Callable[[], object], seconds: float = 120) -> None:
    """Wait for something. Raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="limner bench screenshots", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs"), help="the folder to write to (docs)")
    out = parser.parse_args(argv).out
    out.mkdir(parents=True, exist_ok=True)
    for file in asyncio.run(take(out)):
        print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
