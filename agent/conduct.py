"""How a turn is conducted: what surrounds every call of the planner and of a tool."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from langchain.agents.middleware import (
    AgentMiddleware,
    AgentState,
    ModelCallLimitMiddleware,
    ModelRequest,
    ModelResponse,
    ToolCallLimitMiddleware,
    hook_config,
)
from langchain.tools import ToolRuntime
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, SystemMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.runtime import Runtime
from langgraph.types import Command

from ..errors import LimnerError
from ..memory.events import Notice
from ..memory.values import Usage
from ..tools.catalog import Tool, perform
from .context import system_text
from .faults import explain
from .repair import REPAIRS, badly_called, whole, without, wrong
from .sight import Sight
from .turn import Call, Run

ROUNDS = 8
"""So often may the planner think in one turn."""
CALLS = 16
"""So many tool calls may one turn make."""


class Conduct(AgentMiddleware[AgentState[Any], Run]):
    """Tells the planner the state, ends the turn at a question, and keeps bad planners harmless."""

    def __init__(self, tools: Sequence[Tool], sight: Sight | None) -> None:
        super().__init__()
        self._known = {item.name: item for item in tools}
        self._sight = sight
        """`None`: the built-in planner, which reads the sentence and nothing else."""

    @hook_config(can_jump_to=["end"])
    def before_model(self, state: AgentState[Any], runtime: Runtime[Run]) -> dict[str, Any] | None:
        """A question ends the turn: the planner is not asked again, or not before pictures may be shown to it."""
        run = runtime.context
        if run.desk.question is None and self._sight is not None and (first := self._sight.ask(run.desk)):
            run.desk.question = first
            run.put(first)
        if run.desk.question is None:
            return None
        return {"messages": [AIMessage(run.desk.question.text)], "jump_to": "end"}

    def wrap_model_call(
        self, request: ModelRequest[Run], handler: Callable[[ModelRequest[Run]], ModelResponse]
    ) -> ModelResponse:
        """Ask the planner, with the state of this moment as the one system message."""
        run = request.runtime.context
        run.desk.check()
        told = request.override(system_message=SystemMessage(system_text(run.desk, run.earlier)))
        if run.mistakes > REPAIRS:
            return self._relief(run, told, handler)
        if self._sight is not None:
            with run.models(run.desk.check):
                told = told.override(messages=self._sight.shown(run.desk, told.messages))
        response = _ask(run, told, handler)
        bad = set().union(*(badly_called(message, self._known) for message in response.result))
        run.malformed |= bad
        run.mistakes += bool(bad)
        if run.mistakes > REPAIRS:
            return self._relief(run, told.override(messages=request.messages), handler)
        return _heard(run, response)

    def _relief(
        self, run: Run, told: ModelRequest[Run], handler: Callable[[ModelRequest[Run]], ModelResponse]
    ) -> ModelResponse:
        """Let the built-in planner lead this turn to its end, and say so the first time."""
        from .planner import OfflinePlanner

        if run.mistakes <= REPAIRS + 1:
            run.mistakes = REPAIRS + 2
            times = f"{REPAIRS + 1} times"
            run.put(Notice(f"The planner called the tools wrongly {times}; the built-in one led this turn instead."))
            run.said.clear()
            run.calls[:] = [call for call in run.calls if call.answer.get("ok")]
        messages = without(told.messages, run.malformed)
        return _heard(run, _ask(run, told.override(model=OfflinePlanner(), messages=messages), handler))

    def wrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]],
    ) -> ToolMessage | Command[Any]:
        """Run the calls of one message in their order; answer a call of a tool that does not exist."""
        call, run = request.tool_call, cast(Run, request.runtime.context)
        if (answer := wrong(call, self._known)) is None:
            with run.order.turn(call["id"], _pending(request.state["messages"])):
                return handler(request)
        if request.tool is not None:
            run.calls.append(Call(call["name"], call["args"], answer))
        told = json.dumps(answer, ensure_ascii=False)
        return ToolMessage(told, tool_call_id=call["id"], name=call["name"], status="error")


def _ask(run: Run, request: ModelRequest[Run], handler: Callable[[ModelRequest[Run]], ModelResponse]) -> ModelResponse:
    """One call of a planner: what fails is one sentence, what it costs is counted."""
    run.hush = getattr(request.model, "hush", run.hush)
    run.thinking = True
    try:
        response = handler(request)
    except LimnerError:
        raise
    except Exception as error:
        raise explain(error) from error
    finally:
        run.thinking = False
    run.desk.check()
    found = [storable(message) for message in response.result]
    response.result[:] = [whole(message) if isinstance(message, AIMessage) else message for message in found]
    for message in response.result:
        if isinstance(message, AIMessage) and message.usage_metadata:
            run.usage = (run.usage or Usage()) + _spent(message)
    return response


def _heard(run: Run, response: ModelResponse) -> ModelResponse:
    """Note the planner's words."""
    for message in response.result:
        if isinstance(message, AIMessage) and message.text.strip():
            run.said.append(message.text.strip())
    return response


def _spent(message: AIMessage) -> Usage:
    """What one call cost. A few providers (OpenRouter for one) say the money beside the tokens."""
    tokens: Mapping[str, Any] = message.usage_metadata or {}
    about = message.response_metadata
    places = (about, about.get("token_usage") or {}, about.get("usage") or {})
    cost = next((place["cost"] for place in places if isinstance(place.get("cost"), int | float)), None)
    return Usage(tokens.get("input_tokens", 0), tokens.get("output_tokens", 0), 1, cost)


def storable(message: BaseMessage) -> BaseMessage:
    """A planner's message without what no database takes: torn characters, endless numbers."""
    parts = {"content", "tool_calls", "invalid_tool_calls", "additional_kwargs", "response_metadata"}
    changed = {name: _storable(getattr(message, name)) for name in parts if getattr(message, name, None)}
    return message.model_copy(update=changed)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)[:40]
    if isinstance(value, dict):
        return {_storable(key): _storable(part) for key, part in value.items()}
    return [_storable(part) for part in value] if isinstance(value, list) else value


def _pending(messages: Sequence[AnyMessage]) -> list[str | None]:
    """The ids of the newest tool calls that have no answer yet, in order."""
    answered = set()
    for message in reversed(messages):
        if isinstance(message, ToolMessage):
            answered.add(message.tool_call_id)
        elif isinstance(message, AIMessage):
            return [call["id"] for call in message.tool_calls if call["id"] not in answered]
    return []


def middleware(tools: Sequence[Tool], sight: Sight | None) -> list[AgentMiddleware[Any, Any]]:
    """The layers around the planner, outermost first."""
    return [
        ModelCallLimitMiddleware(run_limit=ROUNDS, exit_behavior="error"),
        ToolCallLimitMiddleware(run_limit=CALLS, exit_behavior="continue"),
        Conduct(tools, sight),
    ]


def langchain_tools(tools: Sequence[Tool]) -> list[BaseTool]:
    """The tools as LangChain wants them. Arguments are checked where the tool runs."""
    return [_wrap(item) for item in tools]


def _wrap(item: Tool) -> BaseTool:
    def call(runtime: ToolRuntime[Run, Any], **args: Any) -> str:
        return json.dumps(_perform(item, runtime.context, args), ensure_ascii=False)

    return StructuredTool(name=item.name, description=item.description, args_schema=item.schema, func=call)


def _perform(item: Tool, run: Run, args: dict[str, Any]) -> dict[str, Any]:
    """Run one tool with the models to itself, hand out its events, and keep what it answered."""
    with run.models(run.desk.check):
        working = perform(item, run.desk, args)
        try:
            while True:
                run.put(next(working))
        except StopIteration as end:
            answer: dict[str, Any] = end.value
        finally:
            working.close()
    run.calls.append(Call(item.name, args, answer))
    return answer
