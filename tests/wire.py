"""A server on the loopback address that speaks the wire formats of language-model providers, or misbehaves."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Say:
    """One answer: words, tool calls (name and arguments; arguments as text are sent as they are), tokens."""

    text: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    cut: bool = False
    """Break the connection off in the middle."""
    full: bool = False
    """It ends because it has come to the longest that it may be."""


@dataclass
class Fail:
    """An answer that is none: a status with a body, or silence."""

    status: int = 200
    body: Any = None
    seconds: float = 0.0


def words(text: str) -> list[str]:
    return [f"{word} " for word in text.split()]


def openai(answer: Say) -> Iterator[bytes]:
    """Chat completions as server-sent events: https://platform.openai.com/docs/api-reference/chat-streaming."""

    def chunk(delta: dict[str, Any], end: str | None = None, **more: Any) -> bytes:
        choice = [{"index": 0, "delta": delta, "finish_reason": end, "logprobs": None}]
        about = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        return b"data: " + json.dumps(about | {"choices": choice} | more).encode() + b"\n\n"

    yield chunk({"role": "assistant", "content": ""})
    for word in words(answer.text):
        yield chunk({"content": word})
    for n, (name, args) in enumerate(answer.calls):
        function = {"name": name, "arguments": ""}
        yield chunk({"tool_calls": [{"index": n, "id": f"call_{n}", "type": "function", "function": function}]})
        text = args if isinstance(args, str) else json.dumps(args)
        for piece in (text[: len(text) // 2], text[len(text) // 2 :]):
            yield chunk({"tool_calls": [{"index": n, "function": {"arguments": piece}}]})
    if answer.cut:
        return
    yield chunk({}, "length" if answer.full else "tool_calls" if answer.calls else "stop")
    yield chunk({}, choices=[], usage={"prompt_tokens": 120, "completion_tokens": 7, "total_tokens": 127})
    yield b"data: [DONE]\n\n"


def anthropic(answer: Say) -> Iterator[bytes]:
    """Messages as server-sent events: https://docs.anthropic.com/en/api/messages-streaming."""

    def event(kind: str, **body: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **body})}\n\n".encode()

    usage = {"input_tokens": 120, "output_tokens": 1}
    about = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "m", "stop_reason": None}
    yield event("message_start", message=about | {"stop_sequence": None, "usage": usage})
    at = 0
    if answer.text:
        yield event("content_block_start", index=at, content_block={"type": "text", "text": ""})
        for word in words(answer.text):
            yield event("content_block_delta", index=at, delta={"type": "text_delta", "text": word})
        yield event("content_block_stop", index=at)
        at += 1
    for name, args in answer.calls:
        block = {"type": "tool_use", "id": f"toolu_{at}", "name": name, "input": {}}
        yield event("content_block_start", index=at, content_block=block)
        text = args if isinstance(args, str) else json.dumps(args)
        for piece in (text[: len(text) // 2], text[len(text) // 2 :]):
            yield event("content_block_delta", index=at, delta={"type": "input_json_delta", "partial_json": piece})
        yield event("content_block_stop", index=at)
        at += 1
    if answer.cut:
        return
    reason = "max_tokens" if answer.full else "tool_use" if answer.calls else "end_turn"
    stop = {"stop_reason": reason, "stop_sequence": None}
    yield event("message_delta", delta=stop, usage={"input_tokens": 120, "output_tokens": 7})
    yield event("message_stop")


def google(answer: Say) -> Iterator[bytes]:
    """`streamGenerateContent` as server-sent events: https://ai.google.dev/api/generate-content."""

    def chunk(parts: list[dict[str, Any]], **more: Any) -> bytes:
        candidate = {"content": {"parts": parts, "role": "model"}, "index": 0} | more
        tokens = {"promptTokenCount": 120, "candidatesTokenCount": 7, "totalTokenCount": 127}
        body = {"candidates": [candidate], "usageMetadata": tokens, "modelVersion": "m"}
        return b"data: " + json.dumps(body).encode() + b"\r\n\r\n"

    for word in words(answer.text):
        yield chunk([{"text": word}])
    if answer.cut:
        return
    calls = [{"functionCall": {"name": name, "args": args}} for name, args in answer.calls]
    yield chunk(calls or [{"text": ""}], finishReason="MAX_TOKENS" if answer.full else "STOP")


def ollama(answer: Say) -> Iterator[bytes]:
    """`/api/chat`, one JSON object a line: https://github.com/ollama/ollama/blob/main/docs/api.md."""

    def line(content: str, done: bool = False, **more: Any) -> bytes:
        message = {"role": "assistant", "content": content} | more.pop("message", {})
        about = {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": done}
        return json.dumps(about | more).encode() + b"\n"

    for word in words(answer.text):
        yield line(word)
    if answer.calls:
        made = [{"function": {"name": name, "arguments": args}} for name, args in answer.calls]
        yield line("", message={"tool_calls": made})
    if answer.cut:
        return
    reason = "length" if answer.full else "stop"
    yield line("", True, done_reason=reason, prompt_eval_count=120, eval_count=7, total_duration=1, load_duration=1)


FORMATS: dict[str, tuple[Callable[[Say], Iterator[bytes]], str]] = {
    "openai": (openai, "text/event-stream"),
    "anthropic": (anthropic, "text/event-stream"),
    "google_genai": (google, "text/event-stream"),
    "ollama": (ollama, "application/x-ndjson"),
}


class Server(ThreadingHTTPServer):
    """Answers in turn; the last answer repeats. `heard` holds each request's path, headers and JSON body."""

    daemon_threads = True

    def __init__(self, provider: str, answers: list[Say | Fail]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.provider, self.answers = provider, answers
        self.heard: list[tuple[str, dict[str, str], Any]] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}" + ("/v1" if self.provider == "openai" else "")

    @property
    def name(self) -> str:
        """The planner that this server is."""
        return f"{self.provider}:m@{self.url}"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"null")
        self.server.heard.append((self.path, dict(self.headers), body))
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Fail):
            return self._fail(answer)
        form, kind = FORMATS[self.server.provider]
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in form(answer):
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if not answer.cut:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.close_connection = True

    def _fail(self, answer: Fail) -> None:
        until = time.monotonic() + answer.seconds
        while time.monotonic() < until and not self.server.over.is_set():
            time.sleep(0.02)
        data = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body or {}).encode()
        self.send_response(answer.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.send_header("retry-after", "0")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def serving(provider: str, *answers: Say | Fail) -> Iterator[Server]:
    """A server that gives these answers."""
    server = Server(provider, list(answers))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
