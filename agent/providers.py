"""Who can lead the talk, as the settings name them. `models.planner` takes any that LangChain knows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec

from .models import KEYS


@dataclass(frozen=True, slots=True)
class Provider:
    """A service or program that runs chat models."""

    name: str
    example: str
    """A planner's name, as `models.planner` takes it."""
    package: str

    @property
    def installed(self) -> bool:
        """Its LangChain package is here."""
        return find_spec(self.package) is not None

    @property
    def variable(self) -> str:
        """The environment variable that holds its key; "" where none is needed."""
        return KEYS[self.name][0] if self.name in KEYS else ""

    @property
    def has_key(self) -> bool:
        """Its variable is set, or it needs none. The key itself is never read here."""
        return self.name not in KEYS or any(os.environ.get(variable) for variable in KEYS[self.name])


PROVIDERS = (
    Provider("ollama", "ollama:llama3.2", "langchain_ollama"),
    Provider("openai", "openai:gpt-5", "langchain_openai"),
    Provider("anthropic", "anthropic:claude-sonnet-4-5", "langchain_anthropic"),
    Provider("google_genai", "google_genai:gemini-2.5-flash", "langchain_google_genai"),
)
