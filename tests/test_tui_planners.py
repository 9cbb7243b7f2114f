"""A language model that is slow, or that breaks off in mid-sentence: the chat says so and goes on."""

from __future__ import annotations

import gc
import re
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Markdown

from limner.agent import models

from .screens import chat_of, hit, running, say, until, words
from .wire import Fail, Say, serving

pytest.importorskip("langchain_openai")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A key of no worth, no proxy, no second tries; connections that the provider's package leaves behind go."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(models, "RETRIES", 0)
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_slow_then_broken_off_then_well(tmp_path: Path) -> None:
    whole = Say("A **red** cat, with a scarf")
    with serving("openai", Fail(seconds=60), Say("Here is half of", cut=True), whole) as server:
        async with running(tmp_path / "home", planner=server.name) as pilot:
            app = chat_of(pilot)
            app.chat.prompt.say_instead("tell me of a red cat")
            hit(pilot, "enter")
            await until(pilot, lambda: server.heard and "thinking" in words(pilot))
            await until(pilot, lambda: re.search(r" [1-9]\d* s  Esc stops", words(pilot)))
            hit(pilot, *"ok")
            await until(pilot, lambda: app.chat.prompt.line.text == "ok")
            began = time.monotonic()
            hit(pilot, "escape")
            await until(pilot, lambda: not app.bridge.busy and "Stopped" in words(pilot))
            assert time.monotonic() - began < 55, "nobody waits for a planner's thought"

            await say(pilot, "and again")
            await until(pilot, lambda: "broke off" in " ".join(words(pilot).split()))
            assert app.screen is app.chat and not app.chat.working.has_class("-on")

            assert "Here is half of" in words(pilot), "what was said stays"

            app.chat.prompt.line.text = ""
            await say(pilot, "once more")
            await until(pilot, lambda: "A red cat, with a scarf" in words(pilot))
            assert app.query(Markdown)
