"""The planner by name: the offline one, or any chat model that LangChain knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..errors import NotFound, PlannerError

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

OFFLINE = "offline"


def planner(name: str | BaseChatModel | None) -> BaseChatModel:
    """The chat model called `name` ("offline", "ollama:llama3.2" …), or `name` itself if it is one.

    Raises `NotFound` for a name that means nothing and `PlannerError` when its package or key is missing.
    """
    if name is not None and not isinstance(name, str):
        return name
    if not name or name == OFFLINE:
        from .planner import OfflinePlanner

        return OfflinePlanner()
    if not re.fullmatch(r"[a-z_]+:\S+", name):
        raise NotFound(
            f"There is no planner {name[:80]!r}.",
            'Say "offline", or provider and model: "ollama:llama3.2", "openai:gpt-5", "anthropic:claude-…".',
        )
    return _by_provider(name)


def _by_provider(name: str) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        return init_chat_model(name)
    except ImportError as error:
        package = re.search(r"pip install (?:-U )?['\"`]?([\w.-]+)", str(error))
        wanted = package.group(1) if package else f"langchain-{name.split(':')[0].replace('_', '-')}"
        raise PlannerError(
            f"The planner {name!r} needs the package {wanted}, which is not installed.",
            f"pip install {wanted}",
        ) from error
    except ValueError as error:
        if "provider" in str(error).lower():
            raise NotFound(f"There is no planner {name!r}: its provider is unknown.") from error
        raise _unusable(name, error) from error
    except Exception as error:
        raise _unusable(name, error) from error


def _unusable(name: str, error: Exception) -> PlannerError:
    return PlannerError(f"The planner {name!r} could not be set up: {first_line(error)}")


def first_line(error: BaseException) -> str:
    """The start of an error's message, short enough for one sentence."""
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= 200 else f"{text[:197]}…"
