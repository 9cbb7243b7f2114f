"""How each screen looks, in three sizes and two themes, character by character and colour by colour.

The goldens lie in `tests/goldens/screens`, one file a screen and size. After a change that is meant, write them anew
and look at what differs:

    LIMNER_GOLDENS=write python -m pytest tests/test_tui_screens.py && git diff tests/goldens/screens
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from difflib import unified_diff
from functools import cache
from pathlib import Path

import pytest
from rich.style import Style
from textual.pilot import Pilot

from limner.agent.providers import Provider
from limner.memory.library import Library
from limner.tools.dialogue import Comparison
from limner.tools.presets import ModelSpec, Preset
from limner.tui.app import LimnerApp
from limner.tui.bridge import Bridge
from limner.tui.compare import CompareScreen
from limner.tui.preferences import Preferences
from limner.tui.takes import TreeScreen
from limner.tui.teach import TeachScreen
from limner.tui.themes import THEMES
from limner.tui.viewer import ViewerScreen

from .screens import chat_of, drawing, home_with_takes, opened, running, until

GOLDENS = Path(__file__).parent / "goldens" / "screens"
WRITE = os.environ.get("LIMNER_GOLDENS") == "write"
SIZES = ((80, 24), (120, 36), (160, 48))
Open = Callable[[LimnerApp, Path], Awaitable[object]]


async def _key(app: LimnerApp, name: str) -> None:
    app.action_open(name)


async def _nothing(app: LimnerApp, home: Path) -> None:
    """The conversation is there already."""


SCREENS: dict[str, Open] = {
    "talk": _nothing,
    "tree": lambda app, home: app.push_screen(TreeScreen()),
    "viewer": lambda app, home: app.push_screen(ViewerScreen(app.bridge.take(2))),
    "compare": lambda app, home: app.push_screen(CompareScreen(app.bridge.take(1), app.bridge.take(2))),
    "concepts": lambda app, home: _key(app, "concepts"),
    "teach": lambda app, home: app.push_screen(TeachScreen(home / "photos")),
    "settings": lambda app, home: _key(app, "settings"),
    "help": lambda app, home: _key(app, "help"),
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home with a library and a folder of pictures; this machine is always the same."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for module in ("sessions", "concepts", "revision"):
        monkeypatch.setattr(f"limner.memory.{module}.now", lambda: "2026-01-01T12:00:00.000Z")
    monkeypatch.setattr("limner.tools.needs.available_memory", lambda: 8 * 2**30)
    monkeypatch.setattr("limner.tools.needs.weights_bytes", lambda folder: 0 if "large" in str(folder) else 25_000_000)
    monkeypatch.setattr(Provider, "installed", True)
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "of no interest")
    models = {"ar": ModelSpec("janus", Path("small")), "encoder": ModelSpec("clip", Path("small"))}
    large = {"diffusion": ModelSpec("flux", Path("/models/large"))}
    presets = [
        Preset("starter", "Small models that ship with Limner.", "offline", ("in_context",), models),
        Preset("large", "What a workstation can run.", "offline", ("ip_adapter",), large),
    ]
    monkeypatch.setattr(Bridge, "presets", lambda self: presets)
    one, two = drawing(1), drawing(2)
    monkeypatch.setattr(
        Bridge, "compare", lambda self, a, b: Comparison(self.take(a), self.take(b), 0.87, 0.25, self.take(b))
    )
    (tmp_path / "photos" / "summer").mkdir(parents=True)
    one.save(tmp_path / "photos" / "dog 1.png")
    two.save(tmp_path / "photos" / "dog 2.png")
    folder = home_with_takes(tmp_path / ".local" / "share" / "limner", "Biscuit")
    with Library.open(folder) as library:
        library.revise("Biscuit", add=["longer ears"], remove=["hat"])
        talk(library)
    return tmp_path


def talk(library: Library) -> None:
    """A conversation in which everything occurs that the log can draw."""
    session = library.session()
    session.rate(2, True)
    ids = [take.id for take in session.takes()]
    reply = "Here is take 6. **Darker** than before:\n\n- the sky is night blue\n- the lamp is lit"
    for text, takes, said in (
        ("Biscuit on the beach", ids[:1], "Here is take 1."),
        ("four pictures of @Biscuit in the snow", ids[1:5], "Here are takes 2, 3, 4 and 5."),
        ("#1, but at night", ids[5:], reply),
    ):
        session.add_turn({"text": text, "takes": takes, "reply": said})
    question, options = "Which dog do you mean?", ["Biscuit", "Rex"]
    session.add_turn({"text": "draw my dog", "takes": [], "reply": question, "question": question, "options": options})
    session.put_state(pending={"question": question, "options": options, "text": "draw my dog"})


def text_and_styles(app: LimnerApp) -> tuple[str, str]:
    """The screen's characters; and its colours as runs, a letter a style. The colours of pictures are left out."""
    letters: dict[str, str] = {}
    text, runs = [], []
    for strip in app.screen._compositor.render_strips():
        text.append("".join(segment.text for segment in strip).rstrip())
        line: list[tuple[str, int]] = []
        for part, style, _ in strip:
            name = "picture" if "▀" in part or style is None else described(style, blank=not part.strip())
            letter = letters.setdefault(name, chr(97 + len(letters)) if len(letters) < 26 else f"<{len(letters)}>")
            if line and line[-1][0] == letter:
                line[-1] = letter, line[-1][1] + len(part)
            else:
                line.append((letter, len(part)))
        runs.append("".join(f"{letter}{length}" for letter, length in line))
    legend = [f"{letter}: {name}" for name, letter in letters.items()]
    return "\n".join(text), "\n".join([*legend, "", *runs])


@cache
def described(style: Style, *, blank: bool) -> str:
    """ "bold #e8e3d8 on #14151a"; of what is blank only the ground can be seen."""
    ground = f"on {style.bgcolor.name if style.bgcolor else 'default'}"
    if blank and not style.reverse and not style.underline:
        return ground
    return f"{style.without_color} {style.color.name if style.color else 'default'} {ground}".removeprefix("none ")


async def settled(app: LimnerApp, pilot: Pilot[None]) -> tuple[str, str]:
    """The screen when nothing moves any more."""
    before, same = app.screen._compositor.render_strips(), 0
    while same < 3:
        await app.workers.wait_for_complete()
        await pilot.pause(0.03)
        after = app.screen._compositor.render_strips()
        same = same + 1 if after == before else 0
        before = after
    return text_and_styles(app)


def read(file: Path) -> dict[str, str]:
    """A golden's parts: "text", and the styles of each theme."""
    kept = file.read_text(encoding="utf-8") if file.exists() else ""
    parts = re.split(r"^=== ([\w-]+)\n", kept, flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.removesuffix("\n") for part in parts[2::2]), strict=True))


async def differences(app: LimnerApp, pilot: Pilot[None], name: str) -> list[str]:
    """The screen in both themes against its golden, as the lines of a diff; none when all is as it was."""
    seen: dict[str, str] = {}
    app.chat.prompt.line.cursor_blink = False
    for theme in sorted(THEMES, key=lambda theme: theme.name != app.theme):  # a change of theme is dear
        app.theme = theme.name
        await pilot.pause()
        text, seen[theme.name] = await settled(app, pilot)
        if seen.setdefault("text", text) != text:
            seen[f"{theme.name}-text"] = text
    file = GOLDENS / f"{name}-{app.size.width}x{app.size.height}.txt"
    if WRITE:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"=== {part}\n{seen[part]}\n" for part in sorted(seen)), encoding="utf-8")
    kept, found = read(file), list[str]()
    for part, new in seen.items():
        found += unified_diff(kept.get(part, "").split("\n"), new.split("\n"), file.name, part, n=0, lineterm="")
    return found


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_screens(home: Path, size: tuple[int, int]) -> None:
    wrong = []
    preferences = Preferences(theme=THEMES[0].name, pictures="half")
    async with opened(home / ".local" / "share" / "limner", size, preferences) as (app, pilot):
        for name, open_screen in SCREENS.items():
            await open_screen(app, home)
            await pilot.pause()
            if name == "concepts":  # the count comes last, and may lie below what is in sight
                await until(pilot, lambda: any("6 ×" in str(part.render()) for part in app.screen.query("Static")))
            wrong += await differences(app, pilot, name)
            if app.screen is not app.chat:
                app.pop_screen()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_greeting(tmp_path: Path, size: tuple[int, int]) -> None:
    async with running(tmp_path, size) as pilot:
        wrong = await differences(chat_of(pilot), pilot, "greeting")
    assert not wrong, "\n".join(wrong)
