"""How a turn is conducted: what surrounds every call of the planner and of a tool."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
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

from ..errors import LimnerError, PlannerError
from ..tools.catalog import Tool, perform
from .context import system_text
from .models import first_line
from .turn import Call, Run

ROUNDS = 8
"""So often may the planner think in one turn."""
CALLS = 16
"""So many tool calls may one turn make."""


class Conduct(AgentMiddleware[AgentState[Any], Run]):
    """Tells the planner the state, ends the turn at a question, and keeps bad planners harmless."""

    @hook_config(can_jump_to=["end"])
    def before_model(self, state: AgentState[Any], runtime: Runtime[Run]) -> dict[str, Any] | None:
        """A question ends the turn: the planner is not asked again."""
        question = runtime.context.desk.question
        if question is None:
            return None
        return {"messages": [AIMessage(question.text)], "jump_to": "end"}

    def wrap_model_call(
        self, request: ModelRequest[Run], handler: Callable[[ModelRequest[Run]], ModelResponse]
    ) -> ModelResponse:
        """Ask the planner, with the state of this moment as the one system message."""
        run = request.runtime.context
        run.desk.check()
        told = request.override(system_message=SystemMessage(system_text(run.desk)))
        run.thinking = True
        try:
            response = handler(told)
        except LimnerError:
            raise
        except Exception as error:
            raise PlannerError(
                f"The planner failed: {type(error).__name__}: {first_line(error)}",
                'Try again, or use the planner that is built in: --planner "offline".',
            ) from error
        finally:
            run.thinking = False
        run.desk.check()
        response.result[:] = [storable(message) for message in response.result]
        for message in response.result:
            if isinstance(message, AIMessage) and message.text.strip():
                run.said.append(message.text.strip())
        return response

    def wrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]],
    ) -> ToolMessage | Command[Any]:
        """Run the calls of one message in their order; answer a call of a tool that does not exist."""
        call, run = request.tool_call, cast(Run, request.runtime.context)
        if request.tool is not None:
            with run.order.turn(call["id"], _pending(request.state["messages"])):
                return handler(request)
        error = f"There is no tool {call['name']!r}."
        answer = {"ok": False, "error": error, "hint": "Use the tools you have."}
        return ToolMessage(json.dumps(answer), tool_call_id=call["id"], name=call["name"], status="error")


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


def middleware() -> list[AgentMiddleware[Any, Any]]:
    """The layers around the planner, outermost first."""
    return [
        ModelCallLimitMiddleware(run_limit=ROUNDS, exit_behavior="error"),
        ToolCallLimitMiddleware(run_limit=CALLS, exit_behavior="continue"),
        Conduct(),
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
