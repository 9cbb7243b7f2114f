"""The tree of takes, comparing and looking at one, by the keys, on a real library."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image
from textual.pilot import Pilot

from limner.errors import UserError
from limner.memory.library import Library
from limner.tui.app import LimnerApp
from limner.tui.asking import BUSY
from limner.tui.branches import lay_out
from limner.tui.compare import CompareScreen, difference
from limner.tui.help import HelpScreen
from limner.tui.pictures import Picture
from limner.tui.takes import TreeScreen
from limner.tui.tree import TreePanel
from limner.tui.viewer import ViewerScreen, open_file

from .screens import hit, home_with_takes, opened, say, shown, told, until

pytestmark = pytest.mark.usefixtures("models_once")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return home_with_takes(tmp_path / "library", "Biscuit")


@asynccontextmanager
async def tree(
    home: Path, size: tuple[int, int] = (100, 30)
) -> AsyncIterator[tuple[LimnerApp, Pilot[None], TreePanel]]:
    async with opened(home, size) as (app, pilot):
        await app.push_screen(TreeScreen())
        await pilot.pause()
        yield app, pilot, app.screen.query_one(TreePanel)


def test_branches_and_lines(home: Path) -> None:
    with Library.open(home, write=False) as library:
        session = library.session()
        rows = lay_out(session.takes(), session.parent)
    assert [(row.take.number, row.first, row.rest) for row in rows] == [
        (1, "●", "│"), (2, "├─●", "│ │"), (4, "│ ●", "│ │"), (5, "│ ●", "│  "), (6, "╰─●", "   "), (3, "●", " "),
    ]  # fmt: skip
    assert [row.parent for row in rows] == [None, 0, 1, 2, 0, None]


async def test_moving_and_going_back(home: Path) -> None:
    async with tree(home) as (app, pilot, panel):
        assert panel.take is not None and panel.take.number == 6 and "you are here" in shown(app)
        assert "[bold]number 6[/bold]" in shown(app), "words are never markup"
        await pilot.press("left")
        assert panel.take.number == 1
        await pilot.press("right", "down", "down")
        assert panel.take.number == 5
        await pilot.press("enter")
        assert app.bridge.head is not None and app.bridge.head.number == 5
        assert not isinstance(app.screen, TreeScreen), "back in the conversation"


async def test_beside_the_conversation(home: Path) -> None:
    async with opened(home, (120, 36)) as (app, pilot):
        await pilot.press("f2")
        panel = app.screen.query_one(TreePanel)
        assert panel.has_focus and app.preferences.tree
        await pilot.press("home", "down", "plus", "f")
        assert app.bridge.take(2).rating == "good" and app.bridge.head == app.bridge.take(2)
        await until(pilot, lambda: "You are at take 2" in shown(app))
        assert not panel.has_focus, "what is typed now is said"
        await pilot.press("f2")
        assert not app.screen.query(TreePanel) and not app.preferences.tree


@pytest.mark.parametrize(
    ("enter", "leave", "width"),
    [("f2", "f2", 80), ("f2", "f2", 120), *((key, "escape", 80) for key in ("f1", "f2", "f3", "f4"))],
)
async def test_what_is_typed_right_after_leaving_is_said(home: Path, enter: str, leave: str, width: int) -> None:
    async with opened(home, (width, 30)) as (app, pilot):
        await pilot.press(enter)
        await until(pilot, lambda: app.focused is not app.chat.prompt.line)
        hit(pilot, leave, *"fresh bread")
        await until(pilot, lambda: app.chat.prompt.line.text == "fresh bread", seconds=20)


async def test_a_sentence_begun_beside_the_tree_is_all_said(home: Path) -> None:
    async with opened(home, (120, 36)) as (app, pilot):
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.focused, TreePanel))
        hit(pilot, *"put the cup on ice")
        await until(pilot, lambda: app.chat.prompt.line.text == "put the cup on ice", seconds=20)
        assert app.bridge.head is not None and app.bridge.head.number == 6


async def test_rating_deleting_and_bringing_back(home: Path) -> None:
    async with tree(home) as (app, pilot, panel):
        await pilot.press("home", "down", "minus")
        assert app.bridge.take(2).rating == "bad" and "✗ bad" in shown(app)
        await pilot.press("plus")
        assert app.bridge.take(2).rating == "good" and "♥ good" in shown(app)
        await pilot.press("delete")
        assert [take.number for take in app.bridge.takes()] == [1, 3, 4, 5, 6]
        assert [row.take.number for row in panel.rows if row.parent == 0] == [4, 6], "children go to what is left"
        await pilot.press("u")
        assert app.bridge.take(2).rating == "good" and panel.take is not None and panel.take.number == 2
        await pilot.press("u")
        assert len(panel.rows) == 6, "there is nothing more to bring back, and it is said"


async def test_while_a_picture_is_drawn_nothing_moves(home: Path) -> None:
    async with tree(home) as (app, pilot, panel):
        app.bridge.busy = True
        await pilot.press("home", "enter", "delete")
        await pilot.press("v", "left", "g")
        assert len(panel.rows) == 6 and app.bridge.head is not None and app.bridge.head.number == 6
        await pilot.press("escape", "escape")
        for command in ("/undo", "/redo", "/go 2", "/session other", "/keep Fizz robot"):
            app._notifications.clear()
            app.chat.prompt.say_instead(command)
            await pilot.press("enter")
            await until(pilot, lambda: BUSY in told(app))
            assert app.chat.prompt.line.text == command
        assert app.bridge.head.number == 6 and app.bridge.name == "default"
        app.bridge.busy = False


async def test_the_mouse(home: Path) -> None:
    async with tree(home) as (app, pilot, panel):
        panel.scroll_home(animate=False)
        await pilot.pause()
        await pilot.click(TreePanel, offset=(20, panel.height_of_row + 1))
        assert panel.take is not None and panel.take.number == 2
        await pilot.click(TreePanel, offset=(20, panel.height_of_row + 1), times=2)
        assert isinstance(app.screen, ViewerScreen)


async def test_comparing_two(home: Path) -> None:
    async with tree(home, (120, 36)) as (app, pilot, panel):
        await pilot.press("home", "c")
        await until(pilot, lambda: "Press c at the take to compare take 1 with." in told(app))
        assert "#1 ⇄" in shown(app)
        await pilot.press("down", "c")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        await app.workers.wait_for_complete()
        await pilot.pause()
        text = shown(app)
        assert "What differs" in text and "of the picture changed" in text and "0.55" in text
        await pilot.press("s")
        assert screen.query_one("#first Picture", Picture).source == app.bridge.take(2).image_path
        await pilot.press("2")
        assert app.bridge.head is not None and app.bridge.head.number == 1


async def test_what_cannot_be_compared_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise UserError("There is no encoder.")

    monkeypatch.setattr("limner.tui.bridge.Bridge.compare", broken)
    async with opened(home, (80, 24)) as (app, pilot):
        await say(pilot, "/compare 2 #2")
        assert "Two different takes" in told(app) and app.screen is app.chat
        await say(pilot, "/compare 1 2")
        await until(pilot, lambda: "There is no encoder." in shown(app))
        assert "measuring" not in shown(app)


async def test_what_differs_on_a_narrow_terminal(home: Path) -> None:
    async with opened(home, (80, 24)) as (app, pilot):
        await app.push_screen(CompareScreen(app.bridge.take(1), app.bridge.take(2)))
        await pilot.pause()
        assert app.screen.query_one("#second").display and not app.screen.query_one("#change").display
        await pilot.press("d")
        assert app.screen.query_one("#change").display and not app.screen.query_one("#second").display
        await app.workers.wait_for_complete()


def test_only_what_differs_glows() -> None:
    one = Image.new("RGB", (4, 4), (100, 100, 100))
    other = one.copy()
    other.putpixel((2, 1), (250, 100, 100))
    seen = difference(one, other)
    assert seen.getpixel((0, 0)) == (60, 60, 60) and seen.getpixel((2, 1)) == (255, 90, 60)


async def test_one_take_large(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(home, (120, 36)) as (app, pilot):
        await app.push_screen(ViewerScreen(app.bridge.take(2)))
        await until(pilot, lambda: "reference 1" in shown(app))
        assert "Biscuit, version 1" in shown(app)
        await pilot.press("right", "plus")
        assert "#3" in shown(app) and app.bridge.take(3).rating == "good"
        await pilot.press("y")
        await pilot.press("f1")
        assert isinstance(app.screen, HelpScreen), "all keys, from everywhere"
        await pilot.press("escape")
        assert app.clipboard == str(app.bridge.take(3).image_path)
        monkeypatch.delenv("DISPLAY", raising=False)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        await pilot.press("o")
        await until(pilot, lambda: "no desktop here" in told(app))
        app.bridge.delete(3)
        await until(pilot, lambda: not isinstance(app.screen, ViewerScreen))


def test_a_file_opens_in_the_desktops_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opener = tmp_path / "xdg-open"
    opener.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/asked\n', encoding="utf-8")
    opener.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setenv("DISPLAY", ":0")
    open_file(tmp_path / "a picture.png")
    for _ in range(200):
        if (tmp_path / "asked").exists() and (tmp_path / "asked").read_text():
            break
        time.sleep(0.01)
    assert (tmp_path / "asked").read_text() == str(tmp_path / "a picture.png")


async def test_any_size(home: Path) -> None:
    async with tree(home, (20, 5)) as (app, pilot, panel):
        await pilot.press("down", "v", "escape", "home")
        for width, height in ((120, 40), (1, 1), (7, 3), (80, 24)):
            await pilot.resize_terminal(width, height)
        assert panel.take is not None and panel.take.number == 1 and "#1" in shown(app)
