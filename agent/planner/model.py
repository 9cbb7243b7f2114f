"""The offline planner as a LangChain chat model: same messages in, same tool calls out as an LLM."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable

from .alone import stands_alone
from .answers import answer
from .normalise import MAX_CHARS, was_cut
from .plan import plan
from .replies import reply
from .state import OPENING, Ask, Call, Say, State, Step, read_state

_CUT = f"(I read only the first {MAX_CHARS:,} characters.)"


class OfflinePlanner(BaseChatModel):
    """Plans turns without a language model: a small learned classifier and span rules; deterministic, milliseconds.

    It reads the last system message's `<state>` block and the messages since the last human one: either it
    makes tool calls, or, once the tools have answered, one short reply.
    """

    @property
    def _llm_type(self) -> str:
        return "limner-offline"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The planner, knowing which tools there are: it calls no others."""
        return self.bind(tools=[name for tool in tools if (name := _tool_name(tool))], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=respond(messages, kwargs.get("tools")))])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages, stop, None, **kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for message in _chunks(respond(messages, kwargs.get("tools"))):
            chunk = ChatGenerationChunk(message=message)
            if run_manager and message.text:
                run_manager.on_llm_new_token(message.text, chunk=chunk)
            yield chunk


def respond(messages: Sequence[BaseMessage], tools: Sequence[str] | None = None) -> AIMessage:
    """The planner's message: tool calls for a new sentence, words once tools have answered."""
    last = next((i for i in range(len(messages) - 1, -1, -1) if isinstance(messages[i], HumanMessage)), None)
    if last is None:
        return AIMessage("Tell me what to draw or to change; say help for examples.")
    text = messages[last].text
    since = messages[last + 1 :]
    if results := _results(since):
        said = reply(results)
        return AIMessage(f"{said} {_CUT}" if was_cut(text) else said)
    steps = steps_for(text, _state(messages), _earlier(messages[:last]))
    return _message(steps, tools)


def steps_for(text: str, state: State, earlier: Sequence[str] = ()) -> list[Step]:
    """What to do about `text`; `earlier` are the sentences that led to a pending question."""
    steps = answer(text, state, earlier) if state.pending and not stands_alone(text, state) else None
    return steps or plan(text, state)


def _tool_name(tool: Any) -> str:
    """The name of a tool in any form that LangChain takes."""
    if isinstance(tool, dict):
        return str(tool.get("name") or tool.get("function", {}).get("name") or tool.get("title") or "")
    return str(getattr(tool, "name", None) or getattr(tool, "__name__", ""))


def _state(messages: Sequence[BaseMessage]) -> State:
    for message in reversed(messages):
        if isinstance(message, SystemMessage) and OPENING in message.text:
            return read_state(message.text)
    return State()


def _earlier(before: Sequence[BaseMessage]) -> list[str]:
    """The user's sentences back to the one that started a chain of questions, oldest first."""
    chain: list[str] = []
    asked = False
    for message in reversed(before):
        if isinstance(message, AIMessage):
            asked = asked or any(call["name"] == "ask_user" for call in message.tool_calls)
        elif isinstance(message, HumanMessage):
            if not asked:
                break
            chain.insert(0, message.text)
            asked = False
    return chain


def _results(since: Sequence[BaseMessage]) -> list[tuple[str, dict[str, Any], str]]:
    """Name, arguments and answer of every tool call since the sentence."""
    calls = {call["id"]: call for m in since if isinstance(m, AIMessage) for call in m.tool_calls}
    results: list[tuple[str, dict[str, Any], str]] = []
    for message in since:
        if isinstance(message, ToolMessage):
            call = calls.get(message.tool_call_id)
            name = call["name"] if call else message.name or ""
            results.append((name, dict(call["args"]) if call else {}, message.text))
    return results


def _message(steps: Sequence[Step], tools: Sequence[str] | None) -> AIMessage:
    first = steps[0]
    if isinstance(first, Say):
        return AIMessage(first.text)
    calls: list[Call] = []
    for step in steps:
        if isinstance(step, Ask):
            args: dict[str, Any] = {"question": step.question[:500]}
            if step.options:
                args["options"] = [option[:200] for option in step.options[:9]]
            calls.append(Call("ask_user", args))
        elif isinstance(step, Call):
            calls.append(step)
    missing = [call.tool for call in calls if tools is not None and call.tool not in tools]
    if missing:
        return AIMessage(_unavailable(missing[0], calls[0]))
    return AIMessage(
        "",
        tool_calls=[
            ToolCall(name=c.tool, args=c.args, id=f"call_{uuid4().hex[:24]}", type="tool_call") for c in calls
        ],
    )


def _unavailable(tool: str, call: Call) -> str:
    if tool == "ask_user":
        return str(call.args["question"])
    what = {
        "generate_ar": "Drawing with the autoregressive family",
        "generate_pta": "Drawing with an adapter",
        "finetune_lora": "Fine-tuning",
    }.get(tool, f"The tool {tool}")
    return f"{what} is not available with this preset."


def _chunks(message: AIMessage) -> Iterator[AIMessageChunk]:
    """A message in pieces: words one by one, tool calls whole."""
    words = message.text.split(" ") if message.text else []
    for index, word in enumerate(words):
        yield AIMessageChunk(content=word if index == 0 else f" {word}", id=message.id)
    if message.tool_calls:
        pieces = [
            tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index)
            for index, call in enumerate(message.tool_calls)
        ]
        yield AIMessageChunk(content="", tool_call_chunks=pieces)
