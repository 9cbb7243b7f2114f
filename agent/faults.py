"""What goes wrong with a language model, as one sentence with what to do about it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ..errors import PlannerError

BUILT_IN = 'or use the planner that is built in: --planner "offline".'
_CREDIT = re.compile(r"insufficient_quota|credit balance|out of credit|billing|exceeded your current quota", re.I)
_LENGTH = re.compile(r"context.{0,20}(length|window)|prompt is too long|maximum.{0,20}tokens|too many tokens", re.I)
_TOOLS = re.compile(r"does not support (tools|function)|tool.{0,20}(choice|use).{0,30}not supported", re.I)
_KEY = re.compile(r"api.?key|authentication method|unauthor|credentials", re.I)
_LATE = re.compile(r"timeout|timed out", re.I)
_CUT = re.compile(r"incomplete|disconnected|peer closed|connection reset|broken pipe|remoteprotocol|readerror", re.I)
_AWAY = re.compile(r"connect|unreachable|name resolution|getaddrinfo|refused", re.I)
_GARBLED = re.compile(r"json|decode|validation|no generation|attribute|KeyError|NoneType", re.I)


def first_line(error: BaseException) -> str:
    """The start of an error's message, short enough for one sentence."""
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= 200 else f"{text[:197]}…"


def explain(error: BaseException) -> PlannerError:
    """The sentence for whatever a model's package raised. They share no error class: status and words count."""
    chain = list(_chain(error))
    words = " ".join(f"{type(one).__module__}.{type(one).__name__} {one}" for one in chain)
    status = next(filter(None, map(_status, chain)), 0)
    for text, hint in _sentences(status, words, chain):
        return PlannerError(text, hint)
    return PlannerError(f"The planner failed: {type(error).__name__}: {first_line(error)}", f"Try again, {BUILT_IN}")


def _sentences(status: int, words: str, chain: list[BaseException]) -> Iterator[tuple[str, str]]:
    """The sentences that fit, best first."""
    again = f"Try again later, {BUILT_IN}"
    if status == 402 or (status in (400, 403, 429) and _CREDIT.search(words)):
        yield "The planner's account is out of credit.", f"Add credit with the provider, {BUILT_IN}"
    if status in (401, 403) or (status in (0, 400) and _KEY.search(words) and not _LATE.search(words)):
        yield "The planner's server refused the key.", f"Set the right key in the environment, {BUILT_IN}"
    if status == 404:
        yield f"The planner's server does not know this model: {first_line(chain[0])}.", f"Check its name, {BUILT_IN}"
    if status == 429:
        yield "The planner's server has too many requests from you just now (429).", again
    if status == 413 or _LENGTH.search(words):
        yield "The conversation is too long for this planner.", f"Choose a model that reads more, {BUILT_IN}"
    if _TOOLS.search(words):
        yield "This model cannot call tools, so it cannot lead.", f"Choose another model, {BUILT_IN}"
    if status >= 500:
        yield f"The planner's server failed ({status}).", again
    if status:
        said = f"The planner's server refused the request ({status}): {first_line(chain[0])}"
        yield said, f"Try another model, {BUILT_IN}"
    if _LATE.search(words):
        yield "The planner's server did not answer in time.", again
    if _CUT.search(words):
        yield "The connection to the planner broke off in the middle of its answer.", f"Say it again, {BUILT_IN}"
    if any(isinstance(one, json.JSONDecodeError) for one in chain):
        yield "The planner's server answered with something that is no JSON.", f"Check its address, {BUILT_IN}"
    if _AWAY.search(words):
        yield "The planner's server cannot be reached.", f"Start it or check its address and the network, {BUILT_IN}"
    if _GARBLED.search(words):
        text = f"The planner's server answered in a form that cannot be read: {first_line(chain[0])}"
        yield text, f"Check its address, {BUILT_IN}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _status(error: BaseException) -> int:
    """The HTTP status of an answer that was an error, wherever the package keeps it; else 0."""
    holders = (error, getattr(error, "response", None))
    for value in (getattr(holder, name, None) for holder in holders for name in ("status_code", "code", "status")):
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return 0
