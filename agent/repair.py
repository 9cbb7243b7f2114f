"""Planners that call tools badly: what is wrong is told to them, and after a few times someone else takes over."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, ToolMessage

from ..errors import UserError
from ..tools.catalog import Tool

REPAIRS = 3
"""So often in one turn a planner is told what was wrong with its calls before the built-in one takes over."""
NOT_JSON = "not_json"
"""Under this name stands what a planner wrote instead of arguments, when it was no JSON."""


def whole(message: AIMessage) -> AIMessage:
    """The message with every call in one list and with an id, also calls whose arguments are no JSON."""
    if message.tool_calls and _cut_short(message):
        # LangChain completes what was broken off: a sentence half-written would be taken for the whole.
        last = message.tool_calls[-1]
        broken = {**last, "args": {NOT_JSON: json.dumps(last["args"], ensure_ascii=False)}}
        message = message.model_copy(update={"tool_calls": [*message.tool_calls[:-1], broken]})
    if all(call["id"] for call in message.tool_calls) and not message.invalid_tool_calls:
        return message
    calls = [{**call, "id": call["id"] or _id()} for call in message.tool_calls]
    for call in message.invalid_tool_calls:
        args = {NOT_JSON: call["args"] or ""}
        calls.append({"type": "tool_call", "name": call["name"] or "unnamed", "args": args, "id": call["id"] or _id()})
    return message.model_copy(update={"tool_calls": calls, "invalid_tool_calls": []})


def _cut_short(message: AIMessage) -> bool:
    """Whether the provider says that its answer had come to the longest that it may be."""
    said = [message.response_metadata.get(name) for name in ("finish_reason", "stop_reason", "done_reason")]
    return any(reason in ("length", "max_tokens", "MAX_TOKENS") for reason in said)


def _id() -> str:
    return f"call-{uuid.uuid4().hex[:12]}"


def wrong(call: Mapping[str, Any], tools: Mapping[str, Tool]) -> dict[str, Any] | None:
    """What to tell the planner about a call that can never be run; `None` for one that can be tried."""
    name, args = call["name"], call["args"]
    if name not in tools:
        return {"ok": False, "error": f"There is no tool {name!r}.", "hint": "Use the tools you have."}
    if set(args) == {NOT_JSON}:
        error = f"The arguments of {name} are no whole JSON: {str(args[NOT_JSON])[:80]!r}."
        return {"ok": False, "error": error, "hint": "Write one JSON object, and not a long one."}
    try:
        tools[name].check(args)
    except UserError as error:
        return {"ok": False, "error": error.text, "hint": error.hint}
    return None


def badly_called(message: BaseMessage, tools: Mapping[str, Tool]) -> set[str]:
    """The ids of the calls in `message` that can never be run."""
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    return {str(call["id"]) for call in calls if wrong(call, tools)}


def without(messages: Sequence[AnyMessage], ids: Collection[str]) -> list[AnyMessage]:
    """The messages without the calls of these ids and their answers."""
    kept: list[AnyMessage] = []
    for message in messages:
        if isinstance(message, ToolMessage) and message.tool_call_id in ids:
            continue
        if isinstance(message, AIMessage) and any(call["id"] in ids for call in message.tool_calls):
            calls = [call for call in message.tool_calls if call["id"] not in ids]
            if not calls:
                continue
            message = AIMessage(message.text, tool_calls=calls)
        kept.append(message)
    return kept
