"""From the command line into the chat."""

from __future__ import annotations

import os
import sys
import termios
import threading
import time
from pathlib import Path

from ..errors import UserError
from .lesson import Lesson

DEFAULT_PRESET = "starter"
FRAMES = "120"
"""The most frames a second: a key that comes just after one waits for up to two of them."""


def chat(
    home: Path | None = None,
    preset: str | None = None,
    planner: str | None = None,
    session: str = "default",
    lesson: Lesson | None = None,
) -> int:
    """Run the terminal chat until it is left; returns the exit status.

    `None` for preset or planner is what the user chose in the settings. Raises `UserError` without a terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") == "dumb":
        raise UserError(
            "The chat needs a terminal to draw in.",
            'Without one, `limner say "Biscuit on the beach"` does the same; `limner --help` lists all verbs.',
        )
    os.environ.setdefault("TEXTUAL_FPS", FRAMES)
    from .app import LimnerApp
    from .bridge import Bridge
    from .pictures import settle
    from .preferences import Preferences

    chosen = Preferences.read(home)
    bridge = Bridge(preset or chosen.preset or DEFAULT_PRESET, home, planner or chosen.planner or None, session)
    app = LimnerApp(bridge, chosen, lesson=lesson, pictures=settle(chosen.pictures))
    threading.Thread(target=_end_with_the_terminal, daemon=True).start()
    if sys.platform == "linux":
        from .driver import Direct

        app.driver_class = Direct
    try:
        app.run()
    finally:
        bridge.close()
    return app.return_code or 0


def _end_with_the_terminal() -> None:
    """Ends the process when its terminal is gone and no signal said so: it would read nothing, again and again.

    Nothing is lost by it: what was reported is on the disk.
    """
    while True:
        time.sleep(2)
        try:
            termios.tcgetattr(0)
        except termios.error:
            os._exit(1)
