"""A training beside the conversation: its line, its curve, the key that ends it, and what is said at the end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml
from textual.widgets import Button, ProgressBar, Sparkline

from limner.cli.demo import NAME, write_references
from limner.tools.presets import preset_files
from limner.tui.chat.jobs import JobLine

from .screens import chat_of, hit, running, say, told, until, words


@pytest.fixture
def preset(tmp_path: Path) -> Path:
    """The starter's models, with trainings that sample at every step and would go on for long."""
    shipped = preset_files(None)["starter"]
    data = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    root = str(shipped.parent.parent)
    brief = {"most_steps": 500, "batch": 1, "sample_every": 1, "probes": 1, "priors": 0, "patience": 500, "rank": 2}
    data |= {"name": "brief", "training": dict.fromkeys(("lora", "ar_lora"), brief)}
    data |= {"words": f"{root}/{data['words']}", "measured": f"{root}/{data['measured']}"}
    for model in data["models"].values():
        model["folder"] = f"{root}/{model['folder']}"
    file = tmp_path / "brief.yaml"
    file.write_text(yaml.safe_dump(data), encoding="utf-8")
    return file


async def test_a_training_is_watched_stopped_and_reported(tmp_path: Path, preset: Path) -> None:
    files = write_references(tmp_path)
    async with running(tmp_path / "home", preset=str(preset)) as pilot:
        app = chat_of(pilot)
        await asyncio.to_thread(app.bridge.teach, NAME, files[:1], "dog")
        await say(pilot, f"/train @{NAME}")
        await until(pilot, lambda: app.query(JobLine) and "Stop" in words(pilot))
        line = app.query_one(JobLine)
        await until(pilot, lambda: len(line.query_one(Sparkline).data or ()) > 1, seconds=240)
        await until(pilot, lambda: "left" in words(pilot))
        assert 0 < line.query_one(ProgressBar).progress < 500
        assert line.query_one(Sparkline).display and app.bridge.training() == [NAME]
        hit(pilot, *"hello")
        await until(pilot, lambda: app.chat.prompt.line.text == "hello")
        line.query_one(Button).press()
        await until(pilot, lambda: line.has_class("-over"))
        assert f"The training of {NAME} was cancelled" in told(app)
        await until(pilot, lambda: f"■ The training of {NAME} was cancelled" in words(pilot))
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: line.size.height > 1)  # all of the sentence
        assert not line.query_one(Button).display and app.bridge.training() == []
        await say(pilot, "/jobs")
        assert f"{NAME} (" in words(pilot) and "cancelled" in words(pilot)
        app.chat.prompt.line.text = ""
        await app.chat.jobs.tidy()
        assert not app.query(JobLine)
