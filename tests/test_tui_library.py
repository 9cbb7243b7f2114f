"""The screens about concepts, settings and help, by the keys, on a real library."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from textual._compositor import Compositor
from textual.geometry import Size
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, OptionList

from limner.memory.library import Library
from limner.memory.values import Rated
from limner.tui.app import LimnerApp
from limner.tui.asking import Ask
from limner.tui.browse import PictureBrowser, list_folder, natural
from limner.tui.chat.screen import ChatScreen
from limner.tui.concepts import ConceptsScreen, changes, corrections
from limner.tui.help import PLACES, HelpScreen, keys_of
from limner.tui.keys import Keys
from limner.tui.preferences import Preferences
from limner.tui.settings import SettingsScreen
from limner.tui.teach import TeachScreen
from limner.tui.themes import DARK, LIGHT

from .screens import chat_of, enter, home_with_takes, opened, running, say, shown, told, until

pytestmark = pytest.mark.usefixtures("models_once")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return home_with_takes(tmp_path / "library")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three pictures, a text and a subfolder."""
    from limner.cli.demo import reference_pictures

    (tmp_path / "photos" / "old").mkdir(parents=True)
    for number, image in enumerate(reference_pictures(), 9):
        image.save(tmp_path / "photos" / f"[b]dog {number}.png")
    (tmp_path / "photos" / "notes.txt").write_text("no picture", encoding="utf-8")
    (tmp_path / "photos" / "old" / "broken.jpg").write_text("no picture either", encoding="utf-8")
    return tmp_path / "photos"


async def concepts(app: LimnerApp, pilot: Pilot[None]) -> ConceptsScreen:
    await pilot.press("f3")
    assert isinstance(app.screen, ConceptsScreen)
    await until(pilot, lambda: "Drawn so far" in shown(app) or "Nothing is taught" in shown(app))
    return app.screen


async def test_what_is_known(home: Path) -> None:
    async with opened(home, (120, 40)) as (app, pilot):
        await concepts(app, pilot)
        text = shown(app)
        for words in (
            "[i]Biscuit[∕i]",
            "dog · version 1 · 2 pictures",
            "taught from 2 pictures",
            "6 ×",
            "subject",
            "0.68",
        ):
            assert words in text, words


async def test_correcting_and_bringing_a_version_back(home: Path) -> None:
    async with opened(home, (120, 40)) as (app, pilot):
        await concepts(app, pilot)
        await pilot.press("v")
        await until(pilot, lambda: "only one version" in told(app))
        await pilot.press("a", *"longer ears, -hat", "enter")
        await until(pilot, lambda: "+ longer ears, never hat" in shown(app))
        assert app.bridge.concepts()[0].stable == ("longer ears",)
        await pilot.press("v", "enter")
        await until(pilot, lambda: app.bridge.concepts()[0].version == 3)
        assert app.bridge.concepts()[0].stable == ()


async def test_renaming_and_forgetting(home: Path) -> None:
    async with opened(home, (120, 40)) as (app, pilot):
        await concepts(app, pilot)
        await pilot.press("r", "ctrl+u", *"a/b", "enter")
        await until(pilot, lambda: "may not contain a slash" in told(app))
        await pilot.press("r", "ctrl+u", *"Crumb", "enter")
        await until(pilot, lambda: "Crumb" in shown(app))
        await pilot.press("delete")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        await pilot.press("escape")
        assert [concept.name for concept in app.bridge.concepts()] == ["Crumb"], "asked, and kept"
        await pilot.press("delete")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        await pilot.click("Button:last-of-type")
        await until(pilot, lambda: "Nothing is taught yet." in shown(app))
        assert len(app.bridge.takes()) == 6, "takes stay"


async def test_carrying_a_concept_elsewhere(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(home, (120, 40)) as (app, pilot):
        await concepts(app, pilot)
        await pilot.press("x", "ctrl+u", *"here.limner", "enter")
        await until(pilot, lambda: (tmp_path / "here.limner").exists() and "here.limner" in told(app))
        await pilot.press("i", *"notes.txt", "enter")
        await until(pilot, lambda: "notes.txt" in told(app))
        app.bridge.forget(app.bridge.concepts()[0].name)
        await pilot.pause()
        await pilot.press("i", *"here.limner", "enter")
        await until(pilot, lambda: len(app.bridge.concepts()) == 1)


async def test_teaching_from_here(tmp_path: Path, folder: Path) -> None:
    async with opened(tmp_path / "empty", (120, 40)) as (app, pilot):
        screen = await concepts(app, pilot)
        assert "Nothing is taught yet." in shown(app)
        app.push_screen(TeachScreen(folder), lambda name: screen.reload(name or ""))
        await until(pilot, lambda: "[b]dog 9.png" in shown(app))
        assert "notes.txt" not in shown(app)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "at least one picture" in told(app))
        await pilot.press("space", "down", "enter")
        await pilot.pause()
        assert "2 pictures" in shown(app) and "✓ [b]dog 10.png" in shown(app)
        await pilot.press("ctrl+s", *"Biscuit", "enter", *"dog", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConceptsScreen))
        await until(pilot, lambda: "dog · version 1 · 2 pictures" in shown(app))


async def test_a_person_is_learned_with_consent_only(home: Path, tmp_path: Path) -> None:
    noise = Image.effect_noise((96, 96), 80).convert("RGB")
    (tmp_path / "people").mkdir()
    noise.save(tmp_path / "people" / "anna.png")
    async with opened(home, (120, 40)) as (app, pilot):
        await app.push_screen(TeachScreen(tmp_path / "people"))
        await until(pilot, lambda: "anna.png" in shown(app))
        await pilot.press("space", "ctrl+s", *"Anna", "enter", *"woman", "enter")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        await pilot.press("escape")
        assert len(app.bridge.concepts()) == 1
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        await pilot.click("Button:last-of-type")
        await until(pilot, lambda: len(app.bridge.concepts()) == 2)
        assert {concept.name: concept.category for concept in app.bridge.concepts()}["Anna"] == "person"


async def test_what_a_take_shows_is_kept(home: Path) -> None:
    async with running(home) as pilot:
        app = chat_of(pilot)
        await say(pilot, "/keep Fizz")
        assert "/keep NAME NOUN [TAKE]" in told(app)
        await say(pilot, "/keep Fizz dragon #3")
        await until(pilot, lambda: "Fizz is learned" in shown(app))
        (fizz,) = [concept for concept in app.bridge.concepts() if concept.name == "Fizz"]
        assert fizz.kind == "dragon" and fizz.taken_from == (app.bridge.take(3).id,)


async def test_a_picture_that_cannot_be_read_teaches_nothing(home: Path, folder: Path) -> None:
    async with opened(home, (80, 24)) as (app, pilot):
        await app.push_screen(TeachScreen(folder / "old"))
        await until(pilot, lambda: "broken.jpg" in shown(app))
        await pilot.press("space", "ctrl+s", *"Broken", "enter", "enter")
        await until(pilot, lambda: "broken.jpg is not a picture" in told(app))
        assert isinstance(app.screen, TeachScreen) and len(app.bridge.concepts()) == 1


async def test_walking_through_folders(home: Path, folder: Path) -> None:
    async with opened(home, (100, 30)) as (app, pilot):
        await app.push_screen(TeachScreen(folder / "old"))
        browser = app.screen.query_one(PictureBrowser)
        await pilot.pause()
        await pilot.press("backspace")
        await until(pilot, lambda: "[b]dog 9.png" in shown(app))
        assert browser.entry is not None and browser.entry.path.name == "old"
        await pilot.press("enter")
        await until(pilot, lambda: browser.folder == folder / "old")
        field = app.screen.query_one("#folder", Input)
        field.value = "/nowhere"
        await enter(pilot, field)
        await until(pilot, lambda: "/nowhere cannot be read" in told(app))
        assert browser.folder == folder / "old"


def test_a_folder_as_people_count(folder: Path) -> None:
    names = [entry.path.name for entry in list_folder(folder)]
    assert names == ["old", "[b]dog 9.png", "[b]dog 10.png", "[b]dog 11.png"]
    assert sorted(["b10", "b9", "10", "a"], key=natural) == ["10", "a", "b9", "b10"]


def test_what_a_version_changed(home: Path) -> None:
    with Library.open(home) as library:
        first = library.concepts()[0]
        second = library.revise(first.name, add=["red collar"], reject=Image.new("RGB", (16, 16)))
        third = library.revise(first.name, remove=["red collar", "hat"])
        fourth = library.learn(first.id, Rated("t1", True, "in_context"))
        fifth = library.learn(first.id, Rated("t1", False, "in_context"))
    assert changes(None, first) == "taught from 2 pictures"
    assert changes(first, second) == "+ red collar, 1 picture rejected"
    assert changes(second, third) == "- red collar, never hat"
    assert changes(third, fourth) == "a picture was liked"
    assert changes(fourth, fifth) == "a picture was disliked"
    assert changes(fifth, fifth) == "as before"
    assert corrections("+ longer ears, -hat,, - a scarf") == (["longer ears"], ["hat", "a scarf"])


# Settings


async def test_looks_are_kept(home: Path) -> None:
    async with opened(home, (120, 40)) as (app, pilot):
        await pilot.press("f4")
        assert isinstance(app.screen, SettingsScreen)
        await choose(app, pilot, "theme", 1)
        await until(pilot, lambda: app.theme == LIGHT.name)
        await choose(app, pilot, "pictures", 5)
        await until(pilot, lambda: app.pictures == "none")
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "● Dark" in shown(app))
    kept = Preferences.read(home)
    assert (kept.theme, kept.pictures) == (DARK.name, "none")


@pytest.mark.parametrize("size", [(80, 24), (100, 30)])
async def test_choices_are_wrapped_once_and_say_what_takes_how_long(home: Path, size: tuple[int, int]) -> None:
    async with opened(home, size) as (app, pilot):
        await pilot.press("f4")
        await until(pilot, lambda: app.screen.query_one("#presets", OptionList).option_count)
        await pilot.pause()
        listed = app.screen.query_one("#presets", OptionList)
        lines = "\n".join(str(option.prompt) for option in listed.options).split("\n")
        assert max(map(len, lines)) <= listed.scrollable_content_region.width
        assert any("memory for drawing: " in line for line in lines)
        assert any("memory for scoring: " in line for line in lines)


async def choose(app: LimnerApp, pilot: Pilot[None], name: str, place: int) -> None:
    listed = app.screen.query_one(f"#{name}", OptionList)
    listed.highlighted = place
    await enter(pilot, listed)


async def test_a_key_is_never_kept(home: Path) -> None:
    async with opened(home, (120, 40)) as (app, pilot):
        await pilot.press("f4")
        app.screen.query_one("#planner").focus()
        await until(pilot, lambda: app.focused is not None and app.focused.id == "planner")
        await pilot.press(*"openai:sk-abcdefghijklmnopqrstuvwxyz", "enter")
        await until(pilot, lambda: "looks like a secret key" in told(app))
        await pilot.press(*"nobody", "enter")
        await until(pilot, lambda: "There is no planner 'nobody'" in told(app))
        assert app.bridge.planner is None
    assert "sk-abc" not in "".join(file.read_text(errors="replace") for file in home.glob("*.json"))


async def test_a_preset_that_does_not_fit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limner.tools.needs.available_memory", lambda: 10**8)
    async with opened(home, (120, 40)) as (app, pilot):
        await pilot.press("f4")
        await pilot.pause()
        assert "✗ memory" in shown(app)
        await choose(app, pilot, "presets", 0)
        await until(pilot, lambda: "does not fit this machine" in told(app))


async def test_another_planner_and_back(home: Path) -> None:
    async with opened(home, (120, 40)) as (app, pilot):
        await pilot.press("f4")
        app.screen.query_one("#planner").focus()
        await until(pilot, lambda: app.focused is not None and app.focused.id == "planner")
        await pilot.press(*"ollama:qwen3", "enter")
        await until(pilot, lambda: app.bridge.planner == "ollama:qwen3" and app.bridge.ready)
        await choose(app, pilot, "planners", 0)
        await until(pilot, lambda: app.bridge.planner == "offline" and app.bridge.ready)
    assert Preferences.read(home).planner == "offline"


async def test_settings_begin_with_their_heading_each_time(home: Path) -> None:
    async with opened(home, (120, 30)) as (app, pilot):
        for _ in range(2):
            await pilot.press("f4")
            await until(pilot, lambda: "● starter" in shown(app))
            await pilot.pause(0.2)
            assert "Models" in shown(app)
            await pilot.press("escape")


# Help


async def test_each_screen_is_open_once(home: Path) -> None:
    async with opened(home, (80, 24)) as (app, pilot):
        await pilot.press("f3", "f4", "f1", "f3")
        assert isinstance(app.screen, ConceptsScreen)
        await pilot.press("escape")
        assert app.screen is app.chat


async def test_help_names_all_keys_and_commands(home: Path) -> None:
    async with opened(home, (120, 130)) as (app, pilot):
        await pilot.press("f1")
        assert isinstance(app.screen, HelpScreen)
        await until(pilot, lambda: "/export session FILE" in shown(app))
        for title, _, _ in PLACES:
            assert title in shown(app)
        await pilot.press("escape")
        assert not isinstance(app.screen, HelpScreen)


def test_every_key_has_words() -> None:
    from importlib import import_module

    for _, module, name in PLACES:
        keys = list(keys_of(getattr(import_module(f"limner.tui.{module}"), name)))
        assert keys and all(words[0].isupper() for _, words in keys), name


@pytest.mark.parametrize("key", ["f2", "f3", "f4"])
async def test_no_key_at_the_bottom_is_cut_in_two(home: Path, key: str) -> None:
    async with opened(home, (95, 24)) as (app, pilot):
        await pilot.press(key)
        every = {f"{app.get_key_display(active.binding)} {active.binding.description}"
                 for active in app.screen.active_bindings.values()}  # fmt: skip
        for width in (95, 80, 60, 40):
            await pilot.resize_terminal(width, 24)
            await pilot.pause()
            keys = shown(app).splitlines()[-1].strip().split("  ")
            assert len(keys) > 2 and set(keys) <= every and {"esc Back", "f1 Help"} <= set(keys), (width, keys)
        await pilot.click(Keys, offset=(shown(app).splitlines()[-1].index("f1"), 0))
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))


@pytest.mark.parametrize("key", ["f2", "f3", "f4"])
async def test_a_screen_is_narrow_from_its_first_layout(home: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out, narrow = Compositor.reflow, []

    def look(compositor: Compositor, screen: Screen[object], size: Size) -> object:
        if not isinstance(screen, ChatScreen):
            narrow.append(screen.has_class("-narrow"))
        return lay_out(compositor, screen, size)

    monkeypatch.setattr(Compositor, "reflow", look)
    async with opened(home, (60, 20)) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: narrow)
        await pilot.pause()
    assert all(narrow)


async def test_any_size(home: Path) -> None:
    async with opened(home, (80, 24)) as (app, pilot):
        for key in ("f1", "f3", "f4"):
            await pilot.press(key)
            for size in ((20, 5), (110, 30), (1, 1), (80, 24)):
                await pilot.resize_terminal(*size)
            await pilot.pause()
            assert "esc" in shown(app)
            await pilot.press("escape")
