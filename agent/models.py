"""The planner by name: the offline one, a hosted or local chat model through LangChain, or local weights.

A name is `provider:model`, then `+sees` for a model that reads pictures without LangChain knowing it, then
`@` and where it is: an address (`openai:qwen3@http://127.0.0.1:8000/v1` is any OpenAI-compatible server), or the
precision of local weights (`huggingface:FOLDER@4bit`, `@8bit`, `@full`).
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import NotFound, PlannerError
from .faults import first_line

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

OFFLINE = "offline"
LOCAL = "huggingface"
PATIENCE = 120.0
"""Seconds without a byte after which a server counts as not answering."""
RETRIES = 2
"""So often is a busy server asked again before the turn fails."""
CONTEXT = 16_384
"""Tokens that Ollama is told to keep in sight: its own default silently cuts off the start of what it is told."""
KEYS = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "google_genai": ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
}
HOMES = {
    "openai": ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
    "anthropic": ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL"),
    "ollama": ("OLLAMA_HOST",),
}
"""Where providers' own packages look for another address."""
_NAME = re.compile(
    r"(?P<provider>[a-z_]+):(?P<model>(?:(?!://)\S)+?)(?P<sees>\+sees)?"
    r"(?:@(?:(?P<url>https?://\S+)|(?P<bits>4bit|8bit|full)))?"
)


@dataclass(frozen=True, slots=True)
class Name:
    """A planner's name, taken apart."""

    provider: str
    model: str
    sees: bool = False
    """The user says that it reads pictures."""
    url: str = ""
    bits: str = ""

    @property
    def host(self) -> str:
        """The machine that the model runs on; "" for this one."""
        if self.provider in (OFFLINE, LOCAL):
            return ""
        named = (os.environ.get(variable, "") for variable in HOMES.get(self.provider, ()))
        url = self.url or next(filter(None, named), "")
        if not url:
            return "" if self.provider == "ollama" else self.provider
        host = urlsplit(url if "//" in url else f"//{url}").hostname or self.provider
        here = host in ("localhost", "::1", "0.0.0.0") or host.startswith("127.")
        return "" if here else host


def parse(name: str) -> Name:
    """Take a planner's name apart. Raises `NotFound` for one that means nothing."""
    if name == OFFLINE:
        return Name(OFFLINE, "")
    found = _NAME.fullmatch(name)
    if found is None or (found["bits"] and found["provider"] != LOCAL) or (found["url"] and found["provider"] == LOCAL):
        raise NotFound(
            f"There is no planner {name[:80]!r}.",
            'Say "offline", or provider and model: "ollama:llama3.2", "openai:gpt-5", "anthropic:claude-…".',
        )
    return Name(found["provider"], found["model"], bool(found["sees"]), found["url"] or "", found["bits"] or "")


def planner(name: str | BaseChatModel | None) -> BaseChatModel:
    """The chat model called `name` ("offline", "ollama:llama3.2" …), or `name` itself if it is one.

    Raises `NotFound` for a name that means nothing and `PlannerError` when its package, key or weights are missing.
    """
    if name is not None and not isinstance(name, str):
        return name
    if not name or name == OFFLINE:
        from .planner import OfflinePlanner

        return OfflinePlanner()
    parsed = parse(name)
    if parsed.provider == LOCAL:
        from .local import LocalChat

        return LocalChat.open(parsed.model, parsed.bits)
    return _by_provider(name, parsed)


def _by_provider(name: str, parsed: Name) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    logging.getLogger("langchain_google_genai").setLevel(logging.ERROR)  # it tells the terminal of every schema
    try:
        return init_chat_model(parsed.model, model_provider=parsed.provider, **_settings(name, parsed))
    except ImportError as error:
        package = re.search(r"pip install (?:-U )?['\"`]?([\w.-]+)", str(error))
        wanted = package.group(1) if package else f"langchain-{parsed.provider.replace('_', '-')}"
        raise PlannerError(
            f"The planner {name!r} needs the package {wanted}, which is not installed.",
            f"pip install {wanted}",
        ) from error
    except PlannerError:
        raise
    except ValueError as error:
        if "provider" in str(error).lower():
            raise NotFound(f"There is no planner {name!r}: its provider is unknown.") from error
        raise _unusable(name, error) from error
    except Exception as error:
        raise _unusable(name, error) from error


def _settings(name: str, parsed: Name) -> dict[str, Any]:
    """What each provider's class takes: where it is, how long to wait. Raises `PlannerError` without a key."""
    settings: dict[str, Any] = {"base_url": parsed.url} if parsed.url else {}
    if parsed.provider == "ollama":
        return settings | {"num_ctx": CONTEXT, "client_kwargs": {"timeout": PATIENCE}}
    keys = KEYS.get(parsed.provider)
    if keys is None:
        return settings
    if not any(os.environ.get(key) for key in keys):
        if not parsed.url:
            text = f"The planner {name!r} needs a key in {keys[0]}, which is not set."
            raise PlannerError(text, f"export {keys[0]}=…")
        settings["api_key"] = "none"  # a server of one's own seldom asks for one, but the packages do
    settings |= {"timeout": PATIENCE, "max_retries": RETRIES}
    if parsed.provider == "openai":
        settings["stream_usage"] = True  # off by default for other servers than OpenAI's own
    return settings


def _unusable(name: str, error: Exception) -> PlannerError:
    return PlannerError(f"The planner {name!r} could not be set up: {first_line(error)}")
