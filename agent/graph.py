"""The dialogue of one session: LangChain's agent on LangGraph, remembered in SQLite.

The database is a cache. What was said stands in the session's log of turns, and whenever the two disagree
(the database is lost or broken, a turn failed, was cancelled or killed in the middle), the dialogue starts a
fresh thread from that log. So no half turn and no unanswered tool call ever reaches the planner.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Read by LangGraph when it is imported: checkpoints may hold plain messages and nothing else.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

from langchain.agents import AgentState, create_agent
from langchain.agents.middleware.model_call_limit import ModelCallLimitExceededError
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langsmith.run_helpers import tracing_context

from ..errors import LibraryError, LimnerError, PlannerError
from ..memory.events import Notice, Reply
from ..memory.sessions import SessionStore
from ..tools.catalog import Tool, clean
from ..tools.desk import Desk
from .conduct import langchain_tools, middleware
from .context import digest, system_text
from .faults import explain, first_line
from .sight import Sight
from .turn import Run

THREAD = "dialogue"
KEPT = 12
"""So many past turns a fresh thread begins with."""
LONGEST = 36
"""A thread with so many turns is begun afresh, so neither it nor its database grows for ever."""
ROOM = 60_000
"""Characters that the messages of a thread may hold before it is begun afresh: some 15,000 tokens."""
FILES = ("dialogue.sqlite", "dialogue.sqlite-wal", "dialogue.sqlite-shm")


class DialogueState(AgentState[Any]):
    """The state of a thread: its messages, and how many turns the session had when it was written."""

    turns: int
    planner: str
    """Class of the planner that wrote it: messages hold what only its own kind understands."""


class Dialogue:
    """The planner and what was said so far. Built once a session; cheap to use."""

    def __init__(
        self, store: SessionStore, model: BaseChatModel, tools: Sequence[Tool], sight: Sight | None = None
    ) -> None:
        self.store = store
        self.model = model
        self.sight = sight
        self.known = tools
        self.tools = langchain_tools(tools)
        self.notices: list[str] = []
        self._turns = len(store.turns())
        self._held: int | None = None
        """How many turns the thread holds; `None`: look it up."""
        self._room = ROOM
        self._graph: Any = None
        self._connection: sqlite3.Connection | None = None

    def run(self, run: Run) -> None:
        """Let the planner answer the run's sentence; returns when it has. Raises `LimnerError`."""
        self._open()
        config: dict[str, Any] = {"configurable": {"thread_id": THREAD}}
        messages: list[AnyMessage] = [HumanMessage(run.desk.text)]
        if not self._in_step(config):
            self.forget()
            messages = [*self._history(), *messages]
            self._held = sum(isinstance(message, HumanMessage) for message in messages) - 1
            self._room = ROOM - sum(map(_size, messages))
        turns = self.store.turns()
        run.earlier = digest(turns[: max(0, len(turns) - (self._held or 0))], run.desk.session.takes())
        graph = self._open()  # forgetting may have thrown the database away
        while self.notices:
            run.put(Notice(self.notices.pop()))
        heard = ""
        try:
            with tracing_context(enabled=False):
                for message, place in self._graph_stream(graph, messages, config, run):
                    if place.get("langgraph_node") != "model" or not isinstance(message, AIMessage):
                        continue
                    heard = self._say(run, message, heard)
        except ModelCallLimitExceededError as error:
            raise PlannerError(
                "The planner kept calling tools without ever answering; I stopped it.",
                'Put it in other words, or use the built-in planner: --planner "offline".',
            ) from error
        except LimnerError:
            raise
        except sqlite3.Error as error:
            self.reset()
            raise LibraryError(f"The dialogue could not be stored: {first_line(error)}") from error

    def plan(self, desk: Desk) -> AIMessage:
        """The planner's first message to the desk's sentence; nothing is executed or stored."""
        messages = [SystemMessage(system_text(desk)), *self._history(), HumanMessage(desk.text)]
        try:
            with tracing_context(enabled=False):
                answer = self.model.bind_tools(self.tools).invoke(messages)
        except LimnerError:
            raise
        except Exception as error:
            raise explain(error) from error
        return answer

    def remember(self, turn: Mapping[str, Any]) -> None:
        """Add a finished turn to the session's log."""
        self.store.add_turn(dict(turn))
        self._turns += 1
        if self._held is not None:
            self._held += 1
            self._room -= sum(map(_size, _messages(turn, 0)))

    def forget(self) -> None:
        """Drop the thread; the next turn begins a fresh one from the session's log."""
        self._held = None
        try:
            if self._graph is not None:
                self._graph.checkpointer.delete_thread(THREAD)
        except sqlite3.Error:
            self.reset()
            self._remove()

    def _remove(self) -> None:
        for name in FILES:
            (self.store.folder / name).unlink(missing_ok=True)

    def reset(self) -> None:
        """Let go of the database, also when a planner that was left behind still holds on to it."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._graph = self._held = None

    close = reset

    # -- the thread -------------------------------------------------------------------------------

    def _graph_stream(self, graph: Any, messages: list[AnyMessage], config: dict[str, Any], run: Run) -> Any:
        given = {"messages": messages, "turns": self._turns + 1, "planner": type(self.model).__name__}
        return graph.stream(given, config, context=run, stream_mode="messages", durability="exit")

    @staticmethod
    def _say(run: Run, message: AIMessage, last: str) -> str:
        """Pass a piece of the planner's words on; a new message starts a new paragraph."""
        text = clean_piece(message.text)
        if text:
            run.put(Reply(text if last in ("", message.id or "") else f"\n\n{text}"))
            return message.id or ""
        return last

    def _open(self) -> Any:
        if self._graph is None:
            path = self.store.folder / FILES[0]
            try:
                saver = self._saver(path)
            except sqlite3.Error:
                self.reset()
                self._remove()
                self.notices.append("The dialogue's database was broken; it was rebuilt from the log of turns.")
                saver = self._saver(path)
            self._graph = create_agent(
                self.model,
                self.tools,
                middleware=middleware(self.known, self.sight),
                state_schema=DialogueState,
                context_schema=Run,
                checkpointer=saver,
            )
        return self._graph

    def _saver(self, path: Path) -> SqliteSaver:
        self._connection = sqlite3.connect(path, check_same_thread=False)
        # A cache need not survive a power cut, so it does not wait for the disk at every turn.
        self._connection.execute("pragma synchronous=off")
        if self._connection.execute("pragma quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("the database is damaged")
        saver = SqliteSaver(self._connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        saver.setup()
        return saver

    def _in_step(self, config: dict[str, Any]) -> bool:
        """Whether the thread ends where the session's log ends, and is short enough to go on with."""
        if self._held is None:
            try:
                values = self._graph.get_state(config).values
            except Exception:  # whatever is wrong with a cache: it is made anew
                return False
            if (values.get("turns", 0), values.get("planner")) != (self._turns, type(self.model).__name__):
                return False
            messages = values.get("messages") or ()
            self._held = sum(isinstance(message, HumanMessage) for message in messages)
            self._room = ROOM - sum(map(_size, messages))
        return self._held < LONGEST and self._room > 0

    def _history(self) -> list[AnyMessage]:
        """The last turns of the session's log as messages, fewer where they are long."""
        messages: list[AnyMessage] = []
        room = ROOM // 2
        for number, turn in enumerate(reversed(self.store.turns()[-KEPT:])):
            found = _messages(turn, number)
            room -= sum(map(_size, found))
            if room < 0:
                break
            messages = [*found, *messages]
        return messages


def _messages(turn: Mapping[str, Any], number: int) -> list[AnyMessage]:
    """A turn of the log as the messages that it was."""
    messages: list[AnyMessage] = [HumanMessage(turn.get("text") or "…")]
    calls = turn.get("calls") or []
    ids = [f"past-{number}-{index}" for index in range(len(calls))]
    if calls:
        made = zip(calls, ids, strict=True)
        asked = [{"name": call["tool"], "args": call["args"], "id": at} for call, at in made]
        messages.append(AIMessage("", tool_calls=asked))
    for call, call_id in zip(calls, ids, strict=True):
        answer = json.dumps(call["answer"], ensure_ascii=False)
        messages.append(ToolMessage(answer, tool_call_id=call_id, name=call["tool"]))
    return [*messages, AIMessage(turn.get("reply") or "…")]


def _size(message: BaseMessage) -> int:
    """Characters of a message with its calls."""
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    return len(message.text) + sum(len(str(call["args"])) for call in calls)


def clean_piece(text: str) -> str:
    """A piece of a streamed text without control characters; spaces at its ends belong to it."""
    bare = text.strip()
    return text.replace(bare, clean(bare)) if bare else text
