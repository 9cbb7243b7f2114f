"""What the bridge tells the screens, from whatever thread. Frozen facts; no widget is named here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from textual.message import Message

from ..errors import LimnerError
from ..memory.events import Event

if TYPE_CHECKING:
    from ..agent.turn import Turn

Kind = Literal["takes", "concepts", "session"]
"""What may have changed and wants drawing anew."""


@dataclass
class Opened(Message):
    """The library is open: `Bridge.agent` and all of the bridge can be used."""

    notices: tuple[str, ...] = ()


@dataclass
class OpenFailed(Message):
    """The library could not be opened; `error` may be `Locked`."""

    error: LimnerError


@dataclass
class Happened(Message):
    """An event of the turn under way, or of a background job."""

    event: Event


@dataclass
class TurnOver(Message):
    """The turn has ended: with its `turn`, or with the `error` that ended it."""

    turn: Turn | None = None
    error: LimnerError | None = None


@dataclass
class Changed(Message):
    """Something in the library is different now. The app publishes `kind` through `LimnerApp.changed`."""

    kind: Kind


@dataclass
class JobMoved(Message):
    """A background training is elsewhere than before."""

    job: Mapping[str, Any]
    """The fields of `tools.jobs.Job`."""
    curve: tuple[float, ...] = ()
    """How good it was at each sampling so far, 0..1."""
