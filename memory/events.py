"""What happens during a turn or any other long work: one stream of small frozen values.

The terminal chat, the command line and a Python program are three readers of this stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .values import Take, Usage

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True)
class Event:
    """The root of all events."""


@dataclass(frozen=True, slots=True)
class Reply(Event):
    """Words of the agent. Pieces arrive with `done=False`; the last one has `done=True` and the whole text."""

    text: str
    done: bool = False
    usage: Usage | None = None
    """With `done`: the tokens and money of the turn, where the planner's provider reports them."""


@dataclass(frozen=True, slots=True)
class ToolStarted(Event):
    """The planner called a tool."""

    tool: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """Step `step` of `total` (`None`: unknown) of long work; `seconds_left` is an estimate."""

    label: str
    step: int
    total: int | None = None
    seconds_left: float | None = None
    preview: Image.Image | None = None


@dataclass(frozen=True, slots=True)
class TakeReady(Event):
    """A take was drawn and is safely stored."""

    take: Take


@dataclass(frozen=True, slots=True)
class Question(Event):
    """The agent needs an answer before it goes on; `options` are offered, free text is welcome."""

    text: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobChanged(Event):
    """A background training changed its state."""

    job: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Notice(Event):
    """Something worth knowing; the work goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """The turn failed; nothing half-made was kept."""

    text: str
    hint: str = ""
