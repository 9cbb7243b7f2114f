"""One turn of a conversation: its result, and the machinery of one that is under way."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LimnerError, UserError
from ..memory.events import Event, Question, ToolStarted
from ..memory.values import Scores, Take, Usage
from ..tools.desk import Desk

if TYPE_CHECKING:
    from ..memory.sessions import SessionStore

YES_OR_NO = re.compile(r"(?P<yes>yes|y|yeah|yep|sure|ok|okay|of course)\b|(no|nope|n)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one sentence led to."""

    text: str
    """What the user said."""
    reply: str
    """What the agent answered; the question itself when it asks one."""
    takes: tuple[Take, ...] = ()
    """The pictures of this turn, in order."""
    question: Question | None = None
    """Set when the agent needs an answer before it goes on: say it as the next sentence."""
    seconds: float = 0.0
    """From the sentence to the reply."""
    problem: LimnerError | None = None
    """What went wrong when nothing that was asked could be done; the reply says it in words."""
    events: tuple[Event, ...] = ()
    usage: Usage | None = None
    """Tokens and money of the planner's calls; `None` where its provider reports nothing."""

    @property
    def take(self) -> Take | None:
        """The last picture of this turn."""
        return self.takes[-1] if self.takes else None

    @property
    def method(self) -> str:
        """The method that drew the last picture, "" without one."""
        return self.takes[-1].method if self.takes else ""

    @property
    def scores(self) -> Scores:
        """The last picture's scores; nothing measured without one."""
        return self.takes[-1].scores if self.takes else Scores()

    @property
    def went(self) -> bool:
        """Whether the conversation went to a take that was there already, which its reader now wants to see."""
        tools = {event.tool for event in self.events if isinstance(event, ToolStarted)}
        return not (self.takes or self.problem or tools.isdisjoint(("undo", "redo", "fork")))


@dataclass(slots=True)
class Call:
    """One tool call of a turn and the planner's answer from it."""

    tool: str
    args: dict[str, Any]
    answer: dict[str, Any]


class Models:
    """The loaded models, which one turn at a time may use: weights are shared state."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def __call__(self, check: Callable[[], None]) -> Iterator[None]:
        """Have the models to oneself. `check` raises while waiting, when the turn was cancelled."""
        while not self._lock.acquire(timeout=0.1):
            check()
        try:
            yield
        finally:
            self._lock.release()


class Order:
    """Lets the tool calls of one message happen one after the other, in the order the planner wrote them.

    LangGraph starts them in parallel, in threads of its own.
    """

    def __init__(self) -> None:
        self._over: set[str | None] = set()
        self._changed = threading.Condition()
        self._fault: BaseException | None = None

    @contextmanager
    def turn(self, call: str | None, pending: Sequence[str | None]) -> Iterator[None]:
        """Wait for the calls of `pending` before `call`. Raises what one of them has raised."""
        before = set(pending[: pending.index(call)]) if call in pending else set()
        with self._changed:
            self._changed.wait_for(lambda: self._fault is not None or before <= self._over)
            if self._fault is not None:
                raise self._fault
        try:
            yield
        except BaseException as fault:
            self._fault = fault
            raise
        finally:
            with self._changed:
                self._over.add(call)
                self._changed.notify_all()


@dataclass(eq=False)
class Run:
    """A turn under way. Its work runs in a thread of its own; events come out through `put`."""

    desk: Desk
    work: Callable[[Run], None]
    models: Models
    stop: threading.Event = field(default_factory=threading.Event)
    thinking: bool = False
    """The planner is being asked. That cannot be interrupted, so a cancelled turn leaves it behind."""
    calls: list[Call] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """The planner's words, one text a message."""
    order: Order = field(default_factory=Order)
    earlier: str = ""
    """What the planner no longer has before it of the conversation, in short."""
    malformed: set[str] = field(default_factory=set)
    """The ids of tool calls that could never be run."""
    mistakes: int = 0
    """So many of the planner's messages held such calls."""
    usage: Usage | None = None
    hush: Callable[[], None] = lambda: None
    """Ends the planner's thought, where it can be ended."""
    error: BaseException | None = None
    events: list[Event] = field(default_factory=list)
    thread: threading.Thread | None = None
    started: float = 0.0
    over: bool = False
    """Settled: kept or dropped."""
    _deliver: Callable[[Event | None], None] = lambda event: None

    def start(self, deliver: Callable[[Event | None], None]) -> None:
        """Begin. `deliver` gets every event, from another thread, and `None` at the end."""
        self._deliver = deliver
        self.thread = threading.Thread(target=self._body, name="limner-turn", daemon=True)
        self.thread.start()

    def put(self, event: Event) -> None:
        """Hand an event to whoever reads this turn."""
        if not self.stop.is_set():
            self._deliver(event)

    def cancel(self) -> None:
        """Stop as soon as possible. Callable from any thread, any number of times."""
        self.stop.set()
        self.hush()
        self._deliver(None)

    def wait(self) -> bool:
        """Wait for the work to end. False: the planner was left behind in mid-thought."""
        while self.thread is not None and self.thread.is_alive():
            if self.stop.is_set() and self.thinking:
                return False
            self.thread.join(0.02)
        return True

    def _body(self) -> None:
        try:
            self.work(self)
        except BaseException as error:  # handed to the reader of the turn, who raises it
            self.error = error
        finally:
            self._deliver(None)


def focus(run: Run) -> list[str]:
    """The concepts that this turn was about."""
    names: list[str] = []
    for call in run.calls:
        if not call.answer.get("ok"):
            continue
        if "concept" in call.answer and call.tool != "forget":
            names = [call.answer["concept"]]
        elif isinstance(call.answer.get("take"), int):
            take = run.desk.session.take(call.answer["take"])
            names = [use.name for use in take.concepts] or names
    return names


def problem(run: Run) -> LimnerError | None:
    """What the user got wrong, when every call of the turn came to nothing."""
    answers = [call.answer for call in run.calls]
    if not answers or any(answer.get("ok") for answer in answers):
        return None
    return UserError(str(answers[-1]["error"]), str(answers[-1].get("hint", "")))


class Unborn:
    """A session that does not exist yet, for planning without creating it."""

    folder = Path()
    head = None
    can_undo = can_redo = 0

    def __init__(self, name: str) -> None:
        self.name = name
        self.state: dict[str, Any] = {}

    def takes(self) -> list[Take]:
        """None."""
        return []

    def turns(self) -> list[dict[str, Any]]:
        """None."""
        return []


def logged(run: Run, reply: str) -> dict[str, Any]:
    """A turn as it stands in the session's log."""
    desk, question = run.desk, run.desk.question
    return {
        "text": desk.text,
        "reply": reply,
        "takes": [take.id for take in desk.takes],
        "question": question.text if question else None,
        "options": list(question.options) if question else [],
        "calls": [{"tool": call.tool, "args": call.args, "answer": call.answer} for call in run.calls],
        "files": [str(path) for path in desk.files],
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def answered(store: SessionStore | None, words: str) -> tuple[str, str]:
    """The sentence once more and "yes" or "no", when `words` answer what a tool had asked back about it."""
    pending = (store.state.get("pending") if store else None) or {}
    said = YES_OR_NO.match(words)
    if store is None or said is None or not pending.get("gate"):
        return words, ""
    store.put_state(pending=None)
    return str(pending["text"]), "yes" if said["yes"] else "no"
