"""What the tests of the screens share: a small real library, and the application opened over it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from textual.app import App
from textual.events import Key
from textual.pilot import Pilot
from textual.widget import Widget

from limner.cli.demo import KIND, NAME, write_references
from limner.memory.library import Library
from limner.memory.values import ConceptUse, Scores
from limner.tui.app import LimnerApp
from limner.tui.bridge import Bridge
from limner.tui.chat.greeting import Greeting
from limner.tui.lesson import Lesson
from limner.tui.preferences import Preferences

LESSON = Lesson(NAME, KIND, write_references, f"@{NAME} on the beach, wearing sunglasses")
PARENTS = {2: 1, 3: None, 4: 2, 5: 4, 6: 1}
"""As in a conversation: two branches from the first take, and one that stands alone."""


def drawing(number: int) -> Image.Image:
    """A picture that differs from the others."""
    image = Image.new("RGB", (32, 32), (40 * number % 256, 120, 200 - 20 * number))
    ImageDraw.Draw(image).ellipse((8, 8, 24, 24), fill=(250, 220, 60))
    return image


def home_with_takes(home: Path, name: str = "[i]Biscuit[/i]") -> Path:
    """A library with one concept and six takes; what stands in it looks like markup."""
    with Library.open(home) as library:
        biscuit = library.teach(name.replace("/", "∕"), "dog", [drawing(7), drawing(8)])
        use = ConceptUse(biscuit.id, biscuit.name, biscuit.version)
        session = library.session()
        for number in range(1, 7):
            parent = PARENTS.get(number)
            session.add_take(
                drawing(number), origin="draw", prompt=f"Biscuit [bold]number {number}[/bold]", concepts=[use],
                parent=session.take(parent).id if parent else None, method="in_context", seconds=1.5,
                scores=Scores(0.5 + number / 20, 0.4),
            )  # fmt: skip
    return home


@asynccontextmanager
async def opened(
    home: Path, size: tuple[int, int] = (100, 30), preferences: Preferences | None = None
) -> AsyncIterator[tuple[LimnerApp, Pilot[None]]]:
    """The application with its library open."""
    bridge = Bridge(home=home)
    app = LimnerApp(bridge, preferences or Preferences(pictures="half"))
    try:
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: bridge.ready)
            await pilot.pause()
            yield app, pilot
    finally:
        bridge.close()


@asynccontextmanager
async def running(home: Path, size: tuple[int, int] = (100, 30), **options: Any) -> AsyncIterator[Pilot[None]]:
    """The application as a new user gets it, as soon as the library is open."""
    app = LimnerApp(Bridge(home=home, **options), lesson=LESSON)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.chat.log_view.entries or app.query(Greeting) or len(app.screen_stack) > 1)
        await pilot.pause(0.1)
        yield pilot
        app.bridge.cancel()
    await asyncio.to_thread(app.bridge.close)


async def until(pilot: Pilot[None], true: Callable[[], object], seconds: float = 180) -> None:
    """Let the application work until something holds."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(shown(pilot.app))
        await asyncio.sleep(0.01)


def hit(pilot: Pilot[None], *keys: str) -> None:
    """Press keys without waiting for what they do."""
    for key in keys:
        pilot.app.post_message(Key(key, key if len(key) == 1 else None))


async def say(pilot: Pilot[None], text: str) -> None:
    """Type a sentence, send it, and wait for the end of the turn."""
    app = chat_of(pilot)
    app.chat.prompt.say_instead(text)
    await pilot.press("enter")
    await until(pilot, lambda: not app.bridge.busy and not app.chat.working.has_class("-on"))
    await pilot.pause()


async def enter(pilot: Pilot[None], widget: Widget) -> None:
    """Go to a widget and press Enter there; the end of a turn may take the focus back to the words once more."""

    def there() -> bool:
        if pilot.app.focused is not widget:
            widget.focus()
        return pilot.app.focused is widget

    await until(pilot, there)
    await pilot.pause()
    await until(pilot, there)
    await pilot.press("enter")


def chat_of(pilot: Pilot[None]) -> LimnerApp:
    """The application under the keys."""
    app = pilot.app
    assert isinstance(app, LimnerApp)
    return app


def shown(app: App[Any]) -> str:
    """The text on the screen."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def words(pilot: Pilot[None]) -> str:
    """The text on the screen."""
    return shown(pilot.app)


def told(app: LimnerApp) -> str:
    """All notices that are up."""
    return "\n".join(note.message for note in app._notifications)
