"""The offline planner: reads a sentence with a grammar and makes the tool calls that an LLM would."""

from .model import OfflinePlanner

__all__ = ["OfflinePlanner"]
