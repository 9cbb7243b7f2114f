"""Limner learns your subjects from a few pictures, then draws and redraws them by talking.

    from limner import Agent

    with Agent.open(preset="starter") as agent:
        agent.teach("Biscuit", ["a.jpg", "b.jpg"], kind="dog")
        turn = agent.session("picnic").say("Biscuit on the beach, wearing sunglasses")

The public names load when they are first used, so that `import limner` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .agent.agent import Agent
    from .agent.session import Session
    from .agent.turn import Turn
    from .errors import (
        BadImage,
        BadName,
        Cancelled,
        LibraryError,
        LimnerError,
        Locked,
        ModelError,
        NotFound,
        PlannerError,
        UserError,
    )
    from .memory.events import (
        Event,
        Failed,
        JobChanged,
        Notice,
        Progress,
        Question,
        Reply,
        TakeReady,
        ToolStarted,
    )
    from .memory.values import Concept, ConceptUse, Scores, Take

__version__ = "0.1.0"

_ERRORS = (
    "BadImage BadName Cancelled LibraryError LimnerError Locked ModelError NotFound PlannerError UserError"
).split()
_EVENTS = "Event Failed JobChanged Notice Progress Question Reply TakeReady ToolStarted".split()
_VALUES = "Concept ConceptUse Scores Take".split()
_HOMES = {
    "Agent": "agent.agent",
    "Session": "agent.session",
    "Turn": "agent.turn",
    **dict.fromkeys(_ERRORS, "errors"),
    **dict.fromkeys(_EVENTS, "memory.events"),
    **dict.fromkeys(_VALUES, "memory.values"),
}

__all__ = [
    "Agent",
    "BadImage",
    "BadName",
    "Cancelled",
    "Concept",
    "ConceptUse",
    "Event",
    "Failed",
    "JobChanged",
    "LibraryError",
    "LimnerError",
    "Locked",
    "ModelError",
    "NotFound",
    "Notice",
    "PlannerError",
    "Progress",
    "Question",
    "Reply",
    "Scores",
    "Session",
    "Take",
    "TakeReady",
    "ToolStarted",
    "Turn",
    "UserError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
