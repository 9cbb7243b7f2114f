"""Pictures in the terminal, and text that came from outside."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll

from limner.memory.library import Library
from limner.memory.values import Scores
from limner.tui.chat.cards import scores
from limner.tui.inert import inert, inert_lines
from limner.tui.pictures import Figure, Mode, Picture, Thumbnails, draw_pictures, fit, thumbnails

from .screens import home_with_takes

RED, BLUE = (200, 30, 30), (20, 40, 220)


def save(path: Path, size: tuple[int, int] = (64, 64), color: tuple[int, int, int] = RED) -> Path:
    Image.new("RGB", size, color).save(path)
    return path


class Wall(App[None]):
    """Pictures, one below the other."""

    def __init__(self, *shown: Picture | Figure, mode: Mode = "half") -> None:
        super().__init__()
        self.pictures: Mode = mode
        self.shown = shown

    def compose(self) -> ComposeResult:
        yield VerticalScroll(*self.shown)

    def text(self) -> list[str]:
        width, height = self.size
        strips = self.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip) for strip in strips]

    def colors(self, x: int, y: int) -> Any:
        style = self.screen.get_style_at(x, y)
        return style.color and tuple(style.color.get_truecolor()), style.bgcolor and tuple(
            style.bgcolor.get_truecolor()
        )


def test_a_picture_keeps_its_shape() -> None:
    assert fit((100, 100), (40, 10)) == (20, 10)
    assert fit((400, 100), (40, 10)) == (40, 5)
    assert fit((10, 4000), (40, 10)) == (1, 10)
    assert fit((0, 10), (40, 10)) == (0, 0) and fit((10, 10), (0, 0)) == (0, 0)


async def test_half_blocks_show_the_colours(tmp_path: Path) -> None:
    whole = Image.new("RGB", (32, 32), RED)
    whole.paste(BLUE, (0, 16, 32, 32))
    whole.save(tmp_path / "flag.png")
    app = Wall(Picture(tmp_path / "flag.png", columns=8, rows=4))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        assert app.query_one(Picture).size == (8, 4)
        assert app.text()[0].startswith("▀" * 8)
        assert app.colors(3, 0)[0] == RED and app.colors(3, 3)[1] == BLUE


@pytest.mark.parametrize(("mode", "sign"), [("shades", "░"), ("none", "▣ a lawn")])
async def test_without_colours_or_without_pictures(tmp_path: Path, mode: Mode, sign: str) -> None:
    app = Wall(Picture(save(tmp_path / "a.png"), columns=8, rows=4, alt="a lawn"), mode=mode)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        assert sign in "\n".join(app.text())
        app.pictures = "half"
        draw_pictures(app)
        await pilot.pause()
        assert "▀" in app.text()[0]


async def test_sixels_are_sent(tmp_path: Path) -> None:
    app = Wall(Picture(save(tmp_path / "a.png"), columns=8, rows=4), mode="sixel")
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        await pilot.pause()
        assert any("\x1bP" in line for line in app.text())


async def test_large_files_are_read_only_in_sight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    make = thumbnails.make
    monkeypatch.setattr(thumbnails, "make", lambda source, size: (read.append(source), make(source, size))[1])
    files = [save(tmp_path / f"{i}.png", (900, 900)) for i in range(12)]
    app = Wall(*(Picture(file, columns=16, rows=8) for file in files))
    async with app.run_test(size=(40, 12)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert set(read) == set(files[:2])
        assert "▀" in app.text()[0]
        app.query_one(VerticalScroll).scroll_end(animate=False)
        await pilot.pause()
        await app.workers.wait_for_complete()
        assert files[-1] in read and files[5] not in read


async def test_no_picture_and_another_picture(tmp_path: Path) -> None:
    (tmp_path / "note.png").write_text("no picture")
    app = Wall(Picture(tmp_path / "note.png", columns=30, rows=8), Picture(tmp_path / "gone.png", columns=12, rows=8))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        assert app.text()[0].startswith("▢ note.png: no picture")
        assert app.text()[1].startswith("▢ gone.png:…")
        app.query(Picture).first().source = save(tmp_path / "a.png")
        await pilot.pause()
        assert app.query(Picture).first().size == (16, 8)


async def test_captions_are_inert(tmp_path: Path) -> None:
    evil = "[red]x[/red] \x1b]0;title\x07\x1b[2Jy\n\u202ez[/]"
    app = Wall(Figure(save(tmp_path / "a.png"), evil, columns=30, rows=4))
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.pause()
        assert "[red]x[/red] y z[/]" in "\n".join(app.text())
        assert "\x1b" not in "\n".join(app.text())


def test_scores_can_be_understood_in_narrow_places(tmp_path: Path) -> None:
    with Library.open(home_with_takes(tmp_path)) as library:
        take = library.session().take(6)
    shown = {width: scores(take, width).plain for width in (24, 20, 16, 12, 7)}
    expected = ["subject .80  text .40", "subj .80  text .40", "subj 80 text 40", "subj .80", ""]
    assert list(shown.values()) == expected
    full = replace(take, scores=Scores(1.0, 0.994))
    assert [scores(full, width).plain for width in (20, 16)] == ["subj 1.00  text .99", "subj 1 text .99"]
    copied = replace(take, scores=Scores(1.0, 1.0, 1.0, verdict="copied"))
    assert [scores(copied, width).plain for width in (24, 16)] == ["copied from a reference", "copied"]


def test_inert_text() -> None:
    assert inert("a [b]c[/b]").plain == "a [b]c[/b]" and not inert("a [b]c[/b]").spans
    assert inert("one\ntwo\x1b[31m three", 8).plain == "one two…"
    assert inert("画了一只狗 on the beach", 8).plain == "画了一…", "wide characters take two cells"
    assert inert_lines("one\n\x1b[1mtwo\u2066").plain == "one\ntwo"


def test_thumbnails_are_few(tmp_path: Path) -> None:
    kept = Thumbnails(most=5000)
    files = [save(tmp_path / f"{i}.png") for i in range(4)]
    first = kept.make(files[0], (20, 20))
    assert kept.make(files[0], (20, 20)) is first
    for file in files:
        kept.make(file, (30, 30))
    assert kept.get(files[0], (20, 20)) is None and kept.get(files[3], (30, 30)) is not None
    os.utime(files[3], ns=(1, 1))
    assert kept.get(files[3], (30, 30)) is None


def test_nothing_is_asked_without_a_terminal() -> None:
    code = "from limner.tui.pictures import settle, cell\nprint(settle(), settle('sixel'), settle('?'), cell())"
    env = os.environ | {"TERM": "xterm-256color"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL
    )
    assert (done.stdout, done.stderr) == ("half sixel half (10, 20)\n", "")
