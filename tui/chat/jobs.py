"""Trainings that go on beside the conversation: a line each, with the score curve as it grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, ProgressBar, Sparkline, Static

from ..inert import inert
from ..words import duration

RUNNING = ("queued", "running")
MARKS = {"done": ("✓ ", "$success"), "cancelled": ("■ ", "$warning"), "failed": ("✗ ", "$error")}


def said(job: Mapping[str, Any]) -> str:
    """How a training that is over went."""
    if job["state"] in MARKS and job["message"]:
        return str(job["message"])
    return f"The training of {job['concept']} broke off at step {job['step']}."


class JobLine(Horizontal):
    """One training."""

    DEFAULT_CSS = """
    JobLine { height: 1; padding: 0 2; }
    JobLine.-over { height: auto; }
    JobLine > .what { width: auto; max-width: 40%; padding: 0 1 0 0; }
    JobLine > .what.-over { width: 1fr; max-width: 100%; }
    JobLine > Sparkline { width: 18; height: 1; margin: 0 1 0 0; }
    JobLine > Sparkline > .sparkline--min-color { color: $secondary; }
    JobLine > Sparkline > .sparkline--max-color { color: $success; }
    JobLine > .score { width: auto; color: $success; padding: 0 1 0 0; }
    JobLine > ProgressBar { width: 1fr; padding: 0 1 0 0; }
    JobLine > ProgressBar Bar { width: 1fr; }
    JobLine > .left { width: auto; color: $text-muted; padding: 0 2 0 0; }
    JobLine.-over > Sparkline, JobLine.-over > ProgressBar, JobLine.-over > .left, JobLine.-over > Button
        { display: none; }
    """

    @dataclass
    class Stopped(Message):
        """The user wants this training to end."""

        job: str

    def __init__(self, job: Mapping[str, Any]) -> None:
        super().__init__()
        self.job = job
        self._what = Static("", classes="what", markup=False)
        self._curve = Sparkline([])
        self._score = Static("", classes="score", markup=False)
        self._bar = ProgressBar(show_percentage=False, show_eta=False)
        self._left = Static("", classes="left", markup=False)

    def compose(self) -> ComposeResult:
        yield self._what
        yield self._curve
        yield self._score
        yield self._bar
        yield self._left
        yield Button("Stop", compact=True)

    def show(self, job: Mapping[str, Any], curve: tuple[float, ...]) -> None:
        """Where it stands now."""
        self.job = job
        over = job["state"] not in RUNNING
        self.set_class(over, "-over")
        self._what.set_class(over, "-over")
        if over:
            mark = MARKS.get(job["state"], ("✗ ", "$error"))
            words = said(job)
            self._what.update(Content.assemble(mark, inert(words)))
            self._score.update(Content(""))
            return
        waits = job["state"] == "queued"
        self._what.update(inert(f"{job['concept']} waits" if waits else job["message"] or job["concept"], 44))
        self._curve.data = list(curve)
        self._curve.display = len(curve) > 1
        self._score.update(Content(f"{curve[-1]:.2f}".removeprefix("0") if curve else ""))
        self._bar.update(total=job["total"], progress=job["step"])
        left = job["seconds_left"]
        self._left.update(Content(f"{duration(left)} left" if left is not None else ""))

    @on(Button.Pressed)
    def _stop(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(self.Stopped(self.job["id"]))


class JobLines(Vertical):
    """All trainings that are under way, and those that ended since the last sentence."""

    DEFAULT_CSS = """
    JobLines { height: auto; max-height: 4; }
    """

    async def show(self, job: Mapping[str, Any], curve: tuple[float, ...]) -> bool:
        """A training has moved. True when it has just ended."""
        line = next((line for line in self.query(JobLine) if line.job["id"] == job["id"]), None)
        if line is None:
            line = JobLine(job)
            await self.mount(line)
        ended = line.job["state"] in RUNNING and job["state"] not in RUNNING
        line.show(job, curve)
        return ended

    async def tidy(self) -> None:
        """What has ended was seen by now."""
        for line in self.query(JobLine):
            if line.job["state"] not in RUNNING:
                await line.remove()
