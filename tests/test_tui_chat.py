"""The terminal chat, driven by keys: the real application over the real starter agent."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from textual._compositor import Compositor
from textual.events import MouseScrollUp, Paste
from textual.widgets import Button, Markdown, Static

from limner.bench.terminal import Terminal
from limner.bench.tui import FIRST, LAST, fill
from limner.cli.demo import NAME, write_references
from limner.memory.library import Library
from limner.tui.asking import Ask
from limner.tui.chat.cards import TakeCard
from limner.tui.chat.commands import COMMANDS
from limner.tui.chat.completion import Sources, complete, dropped
from limner.tui.chat.exchange import Exchange, Options
from limner.tui.chat.greeting import Greeting
from limner.tui.chat.tokens import tokens
from limner.tui.small import TooSmall
from limner.tui.teach import TeachScreen

from .screens import chat_of, enter, hit, home_with_takes, running, say, told, until, words

pytestmark = pytest.mark.usefixtures("models_once")
LIMNER = (sys.executable, "-m", "limner")
PATIENCE = 240
"""Seconds for what takes one: other tests and programs want the cores, too."""


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "my photo.png"
    Image.new("RGB", (64, 48), "teal").save(file)
    return file


# -- with the models -------------------------------------------------------------------------------


async def test_from_an_empty_home_to_the_third_edited_take_and_back_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with running(home) as pilot:
        app = chat_of(pilot)
        assert app.query_one(Greeting) and "Meet Biscuit" in words(pilot)
        hit(pilot, "enter", "enter")  # the second does not begin it again
        await until(pilot, lambda: app.chat.prompt.line.text)
        assert not told(app)
        assert [concept.name for concept in app.bridge.concepts()] == [NAME]
        assert not app.query(Greeting) and len(app.query("Exchange Picture")) == 3
        assert not list(tmp_path.glob("limner-lesson-*"))
        app.chat.method = "in_context"  # as "/method in_context" does: no second tries, which are not what is tested
        await pilot.press("enter")
        await until(pilot, lambda: not app.bridge.busy and app.query(TakeCard))
        await say(pilot, "now at night")
        await say(pilot, "put him in the snow")
        await say(pilot, "now with a crown")
        takes = app.bridge.takes()
        assert [take.number for take in takes] == [1, 2, 3, 4] and takes[3].parent == takes[2].id
        assert takes[0].prompt.startswith(NAME) and "#4 in_context" in words(pilot)
        await pilot.press("shift+tab")
        assert isinstance(app.focused, TakeCard) and app.focused.shown.number == 4
        await pilot.press("plus")
        assert app.bridge.take(4).rating == "good" and "#4 ♥" in words(pilot)
        await pilot.press("escape")
        await say(pilot, "/undo 2")
        assert app.bridge.head == app.bridge.take(2) and "You are at take 2" in words(pilot)
        await say(pilot, "go back to the first one")
        assert app.bridge.head == app.bridge.take(1)
        shown = app.query(TakeCard).last().shown
        assert shown.number == 1, "where one is now can be seen"
        await say(pilot, "show me the first one")
        assert [entry.takes[-1].number for entry in app.chat.log_view.entries[-2:]] == [1, 1], "seen again"

    async with running(home) as pilot:
        app = chat_of(pilot)
        assert len(app.chat.log_view.entries) == 6
        await until(pilot, lambda: "#4 ♥" in words(pilot))
        await pilot.press("up", "up", "up")
        assert app.chat.prompt.line.text == "now with a crown"
        with Image.open(app.bridge.take(4).image_path) as image:
            assert image.size == (64, 64)


async def test_escape_stops_within_a_step_and_typing_goes_on_meanwhile(tmp_path: Path) -> None:
    async with running(tmp_path) as pilot:
        app = chat_of(pilot)
        for keys in (("o", "k", "escape"), ("ctrl+q",), ("ctrl+c",)):
            app.chat.prompt.say_instead("eight pictures of a red cat in the snow")
            hit(pilot, "enter")
            await until(pilot, lambda: app.query("TakeCard.-empty"))
            before = len(app.bridge.takes())
            hit(pilot, *keys)
            if keys == ("ctrl+q",):
                await until(pilot, lambda: isinstance(app.screen, Ask))
                hit(pilot, "escape")
                await until(pilot, lambda: app.screen is app.chat)
                hit(pilot, "escape")
            await until(pilot, lambda: not app.bridge.busy)
            assert len(app.bridge.takes()) - before < 8
            await until(pilot, lambda: "Stopped" in words(pilot) and not app.query("TakeCard.-empty"))
            assert app.screen is app.chat
            assert app.chat.prompt.line.text == ("ok" if keys[0] == "o" else "")


async def test_a_turn_is_laid_out_few_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys wait for each layout. Twice a layout for the sentence, the places of the pictures, and the answer."""
    layouts, lay_out = [], Compositor.reflow
    monkeypatch.setattr(Compositor, "reflow", lambda *args: layouts.append(1) or lay_out(*args))
    async with running(tmp_path) as pilot:
        app = chat_of(pilot)
        app.chat.method = "in_context"
        await say(pilot, "a red cat in the snow")
        layouts.clear()
        await say(pilot, "four pictures of a red cat in the snow")
        assert len(app.query(TakeCard)) == 5 and not app.query("TakeCard.-empty")
        assert len(layouts) <= 12, len(layouts)


async def test_the_end_of_the_log_is_in_sight_from_the_first_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line too far up or down, and the whole log is drawn a second time."""
    async with running(home_with_takes(tmp_path)) as pilot:
        app, lay_out, seen = chat_of(pilot), Compositor.reflow, []

        def look(compositor: Compositor, *args: Any) -> Any:
            result = lay_out(compositor, *args)
            log = app.chat.log_view
            if place := compositor._full_map.get(log):
                seen.append(place.virtual_size.height - place.container_size.height - log.scroll_y)
            return result

        monkeypatch.setattr(Compositor, "reflow", look)
        app.chat.working.start("thinking")
        await pilot.pause(0.2)
        app.chat.working.stop()
        await pilot.pause(0.2)
        assert seen and set(seen) == {0}, seen


async def test_a_letter_is_drawn_before_the_next_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame may be a layout of everything: while pictures are drawn, letters would wait for it."""
    drawn: list[Any] = []
    async with running(tmp_path) as pilot:
        app = chat_of(pilot)
        await pilot.press("a")
        await pilot.pause(0.1)
        monkeypatch.setattr(app.chat._update_timer, "_callback", lambda: None)  # no frames any more
        monkeypatch.setattr(app, "_display", lambda screen, update: drawn.append(update))
        hit(pilot, "q")
        await until(pilot, lambda: app.chat.prompt.line.text == "aq")
        await until(pilot, lambda: any("q" in update.render_segments(app.console) for update in drawn if update))


async def test_one_sentence_may_be_said_ahead_and_comes_back_with_escape(tmp_path: Path) -> None:
    async with running(tmp_path) as pilot:
        app = chat_of(pilot)
        line = app.chat.prompt.line

        def send(text: str) -> None:
            app.chat.prompt.say_instead(text)
            hit(pilot, "enter")

        send("two pictures of a red cat in the snow")
        await until(pilot, lambda: app.query("TakeCard.-empty"))
        send("now at night")
        await until(pilot, lambda: "next: now at night" in words(pilot))
        send("now with a crown")
        await until(pilot, lambda: line.text == "now with a crown")
        line.text = ""
        await until(pilot, lambda: len(app.bridge.takes()) == 3 and not app.chat.turn.live)
        assert app.bridge.takes()[2].parent == app.bridge.takes()[1].id and "next:" not in words(pilot)

        send("eight pictures of a red cat in the snow")
        await until(pilot, lambda: app.query("TakeCard.-empty"))
        send("now at sunset")
        await until(pilot, lambda: "next: now at sunset" in words(pilot))
        hit(pilot, "escape")
        await until(pilot, lambda: line.text == "now at sunset" and "next:" not in words(pilot))
        await until(pilot, lambda: not app.chat.turn.live)
        assert line.text == "now at sunset" and [entry.text for entry in app.chat.log_view.entries][-1][:5] == "eight"


async def test_a_question_is_answered_with_a_button(tmp_path: Path) -> None:
    files = write_references(tmp_path)
    async with running(tmp_path / "home") as pilot:
        app = chat_of(pilot)
        for name in ("Biscuit", "Rex"):
            await asyncio.to_thread(app.bridge.teach, name, files[:1], "dog")
        await say(pilot, "draw my dog on the beach")
        buttons = app.query(Options).first().query(Button)
        assert {str(button.label) for button in buttons} >= {"Biscuit", "Rex"}
        await enter(pilot, buttons.first())
        await until(pilot, lambda: app.bridge.takes() and not app.bridge.busy)
        await pilot.pause()
        assert not app.query(Options) and app.bridge.takes()[0].concepts[0].name == "Biscuit"


async def test_many_answers_and_many_pictures_are_all_in_sight(tmp_path: Path) -> None:
    names = ["Biscuit", "Bartholomew", "Old Mister Whiskers", "Pip", "Rex the Second", "Wolfgang Amadeus"]
    with Library.open(tmp_path / "home") as library:
        store = library.session("default")
        store.add_turn(
            {"text": "my dog", "reply": "Which one?", "takes": [], "options": names, "question": "Which one?"}
        )
        store.put_state(pending={"question": "Which one?", "options": names, "text": "my dog"})
    files = [tmp_path / f"{name}.png" for name in names]
    for file in files:
        Image.new("RGB", (8, 8), "teal").save(file)
    async with running(tmp_path / "home", size=(60, 24)) as pilot:
        app = chat_of(pilot)
        await app.chat.prompt.attach(files)
        await until(pilot, lambda: all(words(pilot).count(name[:14]) == 2 for name in names))


# -- what happened before --------------------------------------------------------------------------


async def test_a_long_conversation_keeps_few_widgets_and_its_place(tmp_path: Path) -> None:
    fill(tmp_path, turns=120, takes=60)
    async with running(tmp_path) as pilot:
        app = chat_of(pilot)
        log = app.chat.log_view
        await until(pilot, lambda: LAST in words(pilot))
        assert len(log.entries) == 120 and len(app.query(Exchange)) < 20
        await pilot.press("pageup", "pageup", "pageup")
        await pilot.pause(0.1)
        top = next(line for line in words(pilot).splitlines() if "sentence" in line)
        log.post_message(_wheel(log))
        await pilot.pause(0.1)
        assert top in words(pilot) and len(app.query(Exchange)) < 20
        await pilot.press("ctrl+home")
        await until(pilot, lambda: FIRST in words(pilot))
        await pilot.resize_terminal(70, 24)
        await pilot.press("ctrl+end")
        await until(pilot, lambda: LAST in words(pilot))


def _wheel(widget: Any) -> MouseScrollUp:
    return MouseScrollUp(widget, 5, 5, 0, -1, 0, False, False, False, 5, 5)


async def test_a_turn_that_died_with_its_process_is_offered_again(tmp_path: Path) -> None:
    with Library.open(tmp_path) as library:
        library.session("default").put_state(begun={"text": "a red cat in the snow", "files": []})
    async with running(tmp_path) as pilot:
        app = chat_of(pilot)
        await until(pilot, lambda: "was interrupted: “a red cat in the snow”" in words(pilot))
        await enter(pilot, app.query(Options).first().query(Button).last())
        await pilot.pause()
        assert app.bridge.interrupted() is None and not app.query(Options)


async def test_enter_alone_does_again_what_was_interrupted(tmp_path: Path) -> None:
    with Library.open(tmp_path) as library:
        library.session("default").put_state(begun={"text": "hello", "files": []})
    async with running(tmp_path) as pilot:
        app = chat_of(pilot)
        await until(pilot, lambda: app.query(Options))
        await pilot.press("enter")
        await until(pilot, lambda: app.bridge.turns() and not app.bridge.busy)
        assert app.bridge.turns()[-1]["text"] == "hello" and not app.query(Options)


async def test_a_locked_library_is_said_and_can_be_looked_at(tmp_path: Path) -> None:
    fill(tmp_path, turns=2, takes=1)
    with Library.open(tmp_path):
        async with running(tmp_path) as pilot:
            app = chat_of(pilot)
            assert "is being used by another Limner" in " ".join(words(pilot).split())
            await pilot.press("right", "enter")
            await until(pilot, lambda: app.bridge.ready)
            await until(pilot, lambda: LAST in words(pilot))
            assert "read only" in words(pilot)
            await say(pilot, "now at night")
            assert len(app.bridge.turns()) == 2 and app.chat.prompt.line.text == "now at night"


# -- the input -------------------------------------------------------------------------------------


async def test_the_input_has_lines_history_and_completion(tmp_path: Path, picture: Path) -> None:
    fill(tmp_path / "home", turns=3, takes=3)
    async with running(tmp_path / "home") as pilot:
        app = chat_of(pilot)
        line = app.chat.prompt.line
        await pilot.press(*"/th", "enter")
        assert line.text == "/theme "
        before = app.theme
        await pilot.press("enter")
        assert app.theme != before and line.text == ""
        await pilot.press("slash")
        hit(pilot, *"theme", "enter")  # before there was time to find what completes it
        await until(pilot, lambda: app.theme == before and line.text == "")
        await pilot.press(*"/theme light", "tab", "x")
        assert line.text == "/theme lightx" and app.focused is line
        line.text = ""
        await pilot.press("a", "ctrl+j", "b", "space", "number_sign", "tab")
        assert line.text == "a\nb #3 "
        line.text = "a\nb #3 "
        line.move_cursor(line.document.end)
        hit(pilot, "x", "y", "backspace", "z", "backspace", "backspace")
        await pilot.pause()
        assert line.text == "a\nb #3 ", "keys are obeyed in their order"
        await pilot.press("backspace", "up", "up", "up")
        assert line.text == "sentence 2 about #3"
        await pilot.press("up", "down", "down", "down")
        assert line.text == "a\nb #3"
        line.text = ""
        for path, text in ((picture, f"'{picture}'"), (picture, str(picture).replace(" ", "\\ "))):
            line.post_message(Paste(text))
            await pilot.pause()
            assert app.chat.prompt.files == [path] and line.text == ""
        line.post_message(Paste("x" * 1_000_000))
        line.post_message(Paste("\x1b[31mred\x07 words\rand more\r\nand more"))
        await pilot.pause()
        assert line.text == "[31mred words\nand more\nand more"
        await pilot.click("Prompt .attached Button")
        assert app.chat.prompt.files == []


async def test_the_look_can_be_named(tmp_path: Path) -> None:
    async with running(tmp_path) as pilot:
        app = chat_of(pilot)
        for word, theme in (("light", "limner-light"), ("Light", "limner-light"), ("dark", "limner-dark")):
            await say(pilot, f"/theme {word}")
            assert app.theme == theme
        await say(pilot, "/theme blue")
        assert told(app) == "There is no theme 'blue'; there are: dark, light."


def test_completion_knows_commands_concepts_takes_and_files(picture: Path) -> None:
    sources = Sources(COMMANDS)
    assert [found.text for found in complete("/he", sources)] == ["/help "]
    assert complete("/help", sources) == [] and complete("a / b", sources) == []
    folder = picture.parent
    (folder / "notes.txt").write_text("", encoding="utf-8")
    found = complete(f"look at {folder}/", sources)
    assert [item.label for item in found] == ["my photo.png"] and found[0].start == 8
    assert found[0].text.endswith("my\\ photo.png ")
    assert [item.text for item in complete(f"/import {folder}/n", sources)] == [f"{folder}/notes.txt "]
    assert [item.text for item in complete(f"/image {folder}/", sources)] == [f"{folder}/my photo.png "], "as it stands"
    assert dropped(f"file://{str(picture).replace(' ', '%20')}") == [picture]
    assert dropped(f"{picture} is nice") == [] and dropped(str(folder / "notes.txt")) == []
    assert list(tokens("#3, #9 and my dog", ["my dog"], {3})) == [(11, 17, "concept"), (0, 2, "take")]


def test_what_belongs_behind_a_command_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.limner").touch()
    (tmp_path / "a dog.png").touch()
    concepts: list[Any] = [SimpleNamespace(name=name, kind="dog") for name in ("Biscuit", "my Rex")]
    takes: list[Any] = [SimpleNamespace(number=number, description="", prompt="") for number in (1, 2, 12)]
    named = {"METHOD": ["auto", "ar_lora", "lora"], "SESSION": ["default", "two words"]}
    sources = Sources(COMMANDS, concepts, takes, lambda kind: named.get(kind, []))
    every = ["#12", "#2", "#1"]
    for typed, offered in {
        "/theme ": ["light", "dark"], "/theme l": ["light"], "/theme light ": [], "/undo ": [], "/help ": [],
        "/train b": ["@Biscuit"], "/train @b": ["@Biscuit"], "/stop my r": ["@my Rex"], "/train @my ": ["@my Rex"],
        "/go ": every, "/go 2": [], "/go 2 ": [], "/show #1": ["#12"], "/compare #3 ": every, "/rate 2 g": ["good"],
        "/keep ": [], "/keep Fizz robot ": every, "/method a": ["auto", "ar_lora"], "/session two w": ["two words"],
        "/export ": ["session", "concept"], "/export concept b": ["@Biscuit"], "/import ./h": ["here.limner"],
        "/export concept @Biscuit h": ["here.limner"], "/export session h": ["here.limner"],
        "/image ": ["a dog.png"], "/image a d": ["a dog.png"], "/save 2 a": ["a dog.png"], "/nonsense ": [],
    }.items():  # fmt: skip
        assert [item.label for item in complete(typed, sources)] == offered, typed
    (found,) = complete("/session two w", sources)
    assert (found.start, found.text) == (9, "two words ")
    (found,) = complete("/compare #2 1", sources)
    assert (found.start, found.text) == (12, "#12 ")


async def test_wrong_commands_are_explained_and_kept(tmp_path: Path) -> None:
    async with running(tmp_path, size=(80, 24)) as pilot:
        app = chat_of(pilot)
        for text, reason in (("/nonsense", "no command"), ("/go 7", "take 7"), ("/compare 1", "used like this"),
                             ("/export", "/export session FILE, or /export concept @NAME FILE.")):  # fmt: skip
            await say(pilot, text)
            assert reason in " ".join(note.message for note in app._notifications), text
            assert app.chat.prompt.line.text == text


async def test_a_sentence_is_complained_about_once_and_complaints_leave_the_input_in_sight(tmp_path: Path) -> None:
    async with running(tmp_path, size=(80, 24)) as pilot:
        app = chat_of(pilot)
        for _ in range(2):
            await say(pilot, "/nonsense")
        assert told(app).count("no command /nonsense") == 1
        for number in range(5):
            await say(pilot, f"/go {number + 1}")
        assert "take 5" in told(app) and len(app._notifications) == 3


async def test_an_export_writes_over_nothing_unless_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path("talk here.limner")
    async with running(home_with_takes(tmp_path / "home")) as pilot:
        app = chat_of(pilot)
        await say(pilot, "/save 1 nowhere/1.png")
        assert told(app) == "nowhere/1.png cannot be written: No such file or directory."
        app.chat.prompt.line.text = ""
        await say(pilot, f"/export session {file}")
        await until(pilot, lambda: "This conversation is in" in words(pilot))
        before = file.stat()
        await say(pilot, f"/export session {file}")
        assert f"{file} is there already. Name another file, or add --force." in told(app)
        assert file.stat() == before
        app.chat.prompt.line.text += " --force"
        await pilot.press("enter")
        await until(pilot, lambda: file.stat().st_mtime_ns > before.st_mtime_ns)


# -- bad weather -----------------------------------------------------------------------------------


async def test_words_from_outside_stay_words(tmp_path: Path) -> None:
    evil = "[bold red]x[/] \x1b]0;title\x07\x1b[2J <b> [@click=app.bell]y[/] \u202ekcab"
    with Library.open(tmp_path) as library:
        library.teach("[red]Rex", "dog", [Image.new("RGB", (32, 32), "red")])
        store = library.session("default")
        store.add_take(Image.new("RGB", (32, 32), "red"), origin="draw", prompt=evil, method="[b]m[/b]")
        store.add_turn({"text": evil, "reply": f"**bold** {evil}", "takes": [], "options": [evil], "question": evil})
        store.put_state(pending={"question": evil, "options": [evil], "text": evil})
    async with running(tmp_path) as pilot:
        app = chat_of(pilot)
        await until(pilot, lambda: app.query(Markdown) and "[bold red]x[/]" in words(pilot))
        shown = words(pilot)
        assert "[bold red]x[/]" in shown and "\x1b" not in shown and "\u202e" not in shown
        assert app.query(Markdown) and app.query(Options)
        app.chat.prompt.say_instead("@[red")
        await pilot.pause()
        assert "@[red]Rex" in words(pilot)
        await say(pilot, "/nonsense[bold")
        assert all("\x1b" not in str(widget.render()) for widget in app.query(Static))


async def test_a_planner_that_is_not_there_is_said_and_the_chat_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path, planner="no such:planner") as pilot:
        app = chat_of(pilot)
        await say(pilot, "a red cat in the snow")
        assert "no such:planner" in words(pilot) and app.chat.prompt.line.text == "a red cat in the snow"


async def test_a_window_that_is_too_small_says_so_and_recovers(tmp_path: Path) -> None:
    fill(tmp_path, turns=5, takes=3)
    async with running(tmp_path) as pilot:
        app = chat_of(pilot)
        for columns, rows in ((20, 5), (1, 1), (20, 5)):
            await pilot.resize_terminal(columns, rows)
            await pilot.pause()
            assert isinstance(app.screen, TooSmall)
        assert "more room" in words(pilot)
        for step in range(20):
            await pilot.resize_terminal(40 + 4 * step, 12 + step)
        await until(pilot, lambda: LAST in words(pilot))
        assert app.screen is app.chat


async def test_ctrl_c_clears_then_leaves(tmp_path: Path) -> None:
    async with running(tmp_path) as pilot:
        app = chat_of(pilot)
        app.chat.prompt.say_instead("half a sentence")
        await pilot.press("ctrl+c")
        assert app.chat.prompt.line.text == "" and app.is_running
        await pilot.press("ctrl+c", "ctrl+c")
        await until(pilot, lambda: app._exit)


async def test_what_can_be_chosen_first_is_in_sight_in_low_windows(tmp_path: Path) -> None:
    async with running(tmp_path, size=(60, 20)) as pilot:
        assert "Teach your own subject" in words(pilot)
    async with running(tmp_path, size=(40, 12)) as pilot:
        app = chat_of(pilot)
        assert "Teach your own" not in words(pilot)
        await pilot.press("up")
        await until(pilot, lambda: "Teach your own" in words(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TeachScreen))
        await asyncio.to_thread(app.bridge.teach, NAME, write_references(tmp_path), "dog")
        await pilot.press("escape")
        await until(pilot, lambda: f"It knows {NAME}." in words(pilot))


async def test_only_what_escape_stops_says_so(tmp_path: Path) -> None:
    async with running(tmp_path) as pilot:
        app, over = chat_of(pilot), threading.Event()
        app.chat.do("writing", lambda: over.wait(30), "It is written.")
        await until(pilot, lambda: "writing" in words(pilot))
        assert "stops" not in words(pilot)
        over.set()
        await until(pilot, lambda: "It is written." in words(pilot))


@pytest.mark.parametrize("terminal", ["NO_COLOR", "vt100"])
def test_without_colours_everything_can_be_read(tmp_path: Path, terminal: str) -> None:
    fill(tmp_path, turns=2, takes=1)
    surroundings = {"NO_COLOR": "1"} if terminal == "NO_COLOR" else {"TERM": "vt100", "COLORTERM": ""}
    with Terminal(LIMNER, columns=80, rows=24, env={"LIMNER_HOME": str(tmp_path)} | surroundings) as chat:
        chat.wait_for(LAST, timeout=PATIENCE)
        drawn = chat.drawn()
        codes = re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", b"".join(piece for _, piece in chat.pieces))
    assert all(red == green == blue for red, green, blue in codes), "greys at the most"
    assert ("▀" if terminal == "NO_COLOR" else "░") in drawn


# -- a real terminal -------------------------------------------------------------------------------


def wait_for_a_turn(home: Path) -> None:
    """Until a turn is over and kept."""
    end = time.monotonic() + PATIENCE
    while not any(log.stat().st_size for log in home.glob("sessions/*/turns.jsonl")):
        assert time.monotonic() < end, "the turn does not end"
        time.sleep(0.05)


def test_in_a_real_terminal_from_start_to_a_drawn_picture_and_after_a_kill(tmp_path: Path) -> None:
    home = {"LIMNER_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    with Terminal(LIMNER, columns=80, rows=24, env=home) as terminal:
        terminal.wait_for("Three things to try", timeout=PATIENCE)
        terminal.send("a red cat in the snow\r")
        terminal.wait_for("Take 1", timeout=PATIENCE)
        wait_for_a_turn(tmp_path)  # else "drawing" below may be the first one's
        at = terminal.send("four pictures of a red cat on the beach\r")
        terminal.wait_for("drawing", since=at, timeout=PATIENCE)
        terminal.send("\x1b")
        terminal.wait_for("Stopped", since=at, timeout=PATIENCE)
        at = terminal.send("four pictures of a blue dog on the farm\r")
        terminal.wait_for("drawing", since=at, timeout=PATIENCE)
        terminal.kill()
    with Terminal(LIMNER, columns=80, rows=24, env=home) as terminal:
        terminal.wait_for("was interrupted", timeout=PATIENCE)
        terminal.wait_for("Do it again", timeout=PATIENCE)
        terminal.send("\x11")
        assert terminal.end() == 0
    assert "1049l" in b"".join(piece for _, piece in terminal.pieces).decode(errors="replace")
