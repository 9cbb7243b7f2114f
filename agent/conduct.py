"""How a turn is conducted: what surrounds every call of the planner and of a tool."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

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
from langchain_core.messages import AIMessage, SystemMessage, ToolMessage
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
    """Puts the state in front of the planner, ends the turn at a question, and keeps bad planners harmless."""

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
        for message in response.result:
            if isinstance(message, AIMessage) and message.text.strip():
                run.said.append(message.text.strip())
        return response

    def wrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]],
    ) -> ToolMessage | Command[Any]:
        """Answer a call of a tool that does not exist in the form of all other answers."""
        if request.tool is not None:
            return handler(request)
        call = request.tool_call
        answer = {"ok": False, "error": f"There is no tool {call['name']!r}.", "hint": "Use the tools you have."}
        return ToolMessage(json.dumps(answer), tool_call_id=call["id"], name=call["name"], status="error")


def middleware() -> list[AgentMiddleware[Any, Any]]:
    """The layers around the planner, outermost first."""
    return [
        ModelCallLimitMiddleware(run_limit=ROUNDS, exit_behavior="error"),
        ToolCallLimitMiddleware(run_limit=CALLS, exit_behavior="continue"),
        Conduct(),
    ]


def langchain_tools(tools: Sequence[Tool]) -> list[BaseTool]:
    """The tools as LangChain wants them. Arguments are checked where the tool runs, for every planner alike."""
    return [_wrap(item) for item in tools]


def _wrap(item: Tool) -> BaseTool:
    def call(runtime: ToolRuntime[Run, Any], **args: Any) -> str:
        return json.dumps(_perform(item, runtime.context, args), ensure_ascii=False)

    return StructuredTool(name=item.name, description=item.description, args_schema=item.schema, func=call)


def _perform(item: Tool, run: Run, args: dict[str, Any]) -> dict[str, Any]:
    """Run one tool with the models to itself, hand out its events, and keep what it answered."""
    if run.fault is not None:
        raise run.fault  # a call before this one broke the turn
    with run.models(run.desk.check):
        working = perform(item, run.desk, args)
        try:
            while True:
                run.put(next(working))
        except StopIteration as end:
            answer: dict[str, Any] = end.value
        except LimnerError as fault:
            run.fault = fault
            raise
        finally:
            working.close()
    run.calls.append(Call(item.name, args, answer))
    return answer
