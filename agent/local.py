"""A language model on this machine as LangChain sees one: messages in, words and tool calls out."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool

from ..tools.language import Bits, Language, Spoken

_MARKED = re.compile(r"<tool_call>\s*(.*?)\s*(?:</tool_call>|$)", re.S)
"""Qwen, Hermes and many more."""
_LISTED = re.compile(r"\[TOOL_CALLS\]\s*(\[.*\])", re.S)
"""Mistral."""
_BARE = re.compile(r"(?:<\|python_tag\|>)?\s*(\{.*\})\s*", re.S)
"""Llama 3: nothing but the object."""
_OPENINGS = ("<tool_call>", "[TOOL_CALLS]", "<|python_tag|>", "{")
_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}


class LocalChat(BaseChatModel):
    """Wraps `tools.language.Language`. Greedy: the same conversation gets the same answer."""

    language: Any
    functions: list[dict[str, Any]] = []

    @classmethod
    def open(cls, name: str, bits: str = "") -> LocalChat:
        """Load the model called `name`. Raises `ModelError`."""
        wanted: Bits = bits if bits in ("4bit", "8bit", "full") else ""  # type: ignore[assignment]
        return cls(language=Language.load(name, wanted))

    @property
    def _llm_type(self) -> str:
        return "limner-local"

    def hush(self) -> None:
        """End the answer under way: the turn was cancelled."""
        self.language.hush()

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any) -> LocalChat:
        """The same model with these tools."""
        return self.model_copy(update={"functions": [convert_to_openai_tool(tool) for tool in tools]})

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        whole = AIMessageChunk(content="")
        for chunk in self._stream(messages, stop, None, **kwargs):
            whole = whole + chunk.message  # type: ignore[assignment]
        calls, usage = whole.tool_calls, whole.usage_metadata
        wrong = whole.invalid_tool_calls
        message = AIMessage(whole.text, tool_calls=calls, invalid_tool_calls=wrong, usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        spoken, text, sent = Spoken(), "", 0
        for piece in self.language.speak(conversation(messages), self.functions, spoken):
            text += piece
            ready = _words_end(text)
            if ready > sent:
                yield _chunk(AIMessageChunk(content=text[sent:ready]), run_manager)
                sent = ready
        words, calls = read(text)
        if len(words) > sent:
            yield _chunk(AIMessageChunk(content=words[sent:]), run_manager)
        pieces = [
            tool_call_chunk(name=name, args=args, id=f"call-{uuid.uuid4().hex[:12]}", index=n)
            for n, (name, args) in enumerate(calls)
        ]
        total = spoken.read + spoken.written
        usage = UsageMetadata(input_tokens=spoken.read, output_tokens=spoken.written, total_tokens=total)
        yield _chunk(AIMessageChunk(content="", tool_call_chunks=pieces, usage_metadata=usage), run_manager)


def _chunk(message: AIMessageChunk, run_manager: CallbackManagerForLLMRun | None) -> ChatGenerationChunk:
    chunk = ChatGenerationChunk(message=message)
    if run_manager is not None:
        run_manager.on_llm_new_token(message.text, chunk=chunk)
    return chunk


def _words_end(text: str) -> int:
    """How much of an unfinished answer is certainly words and not the beginning of a tool call."""
    starts = [at for mark in _OPENINGS if (at := text.find(mark)) >= 0]
    if starts:
        return min(starts)
    half = (n for n in range(len(text)) if any(mark.startswith(text[n:]) for mark in _OPENINGS))
    return next(half, len(text))


def read(text: str) -> tuple[str, list[tuple[str, str]]]:
    """An answer's words, and its tool calls as name and arguments (JSON text, as the model wrote it)."""
    found: list[tuple[str, str]] = []
    for pattern in (_MARKED, _LISTED):
        for match in pattern.finditer(text):
            found += _calls(match[1])
        if found:
            return pattern.sub("", text).strip(), found
    whole = _BARE.fullmatch(text)
    if whole and (calls := [call for call in _calls(whole[1]) if call[0]]):
        return "", calls
    return text.strip(), []


def _calls(text: str) -> list[tuple[str, str]]:
    """The calls in a JSON object or list; one that cannot be read keeps its text, so that it is told so."""
    try:
        value = json.loads(text)
    except ValueError:
        name = re.search(r'"name"\s*:\s*"(\w+)"', text)
        return [(name[1] if name else "", text)]
    found = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            args = item.get("arguments", item.get("parameters", {}))
            found.append((str(item.get("name") or ""), args if isinstance(args, str) else json.dumps(args)))
    return found


def conversation(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """LangChain's messages as chat templates take them."""
    found: list[dict[str, Any]] = []
    for message in messages:
        turn: dict[str, Any] = {"role": _ROLES.get(message.type, "user"), "content": message.text}
        if isinstance(message, AIMessage) and message.tool_calls:
            calls = [{"name": call["name"], "arguments": call["args"]} for call in message.tool_calls]
            turn["tool_calls"] = [{"type": "function", "function": call} for call in calls]
        if isinstance(message, ToolMessage):
            turn["name"] = message.name or ""
        found.append(turn)
    return found
