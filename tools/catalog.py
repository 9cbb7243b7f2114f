"""The tools that the planner may call: found by themselves, described and checked by their own signatures.

A tool is a generator function marked with `@tool`: its first argument is the `Desk`, the others are what the
planner fills in; it yields events and returns the answer for the planner. A new one is a file beside this.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from ..errors import LimnerError, ModelError, UserError
from ..memory.events import Event, ToolStarted
from .desk import Desk
from .values import MethodInfo

Working = Generator[Event, None, dict[str, Any]]
_Function = TypeVar("_Function", bound=Callable[..., Working])
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """`text` without control characters, terminal escapes, and what cannot be written as UTF-8."""
    text = re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)", "", text)
    text = text.replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8")
    return _CONTROL.sub("", text).strip()


@dataclass(frozen=True)
class Tool:
    """One tool: its function, and what the planner is told about it."""

    function: Callable[..., Working]
    needs: str = ""
    """Only offered when an available method has this capability."""
    order: int = 0

    @property
    def name(self) -> str:
        """What the planner calls it."""
        return self.function.__name__

    @property
    def description(self) -> str:
        """What the planner is told about it: the function's docstring."""
        return inspect.cleandoc(self.function.__doc__ or "")

    @cached_property
    def arguments(self) -> type[BaseModel]:
        """The arguments as a pydantic model, from the function's signature."""
        hints = get_type_hints(self.function, include_extras=True)
        fields: dict[str, Any] = {}
        for parameter in list(inspect.signature(self.function).parameters.values())[1:]:
            empty = parameter.default is inspect.Parameter.empty
            fields[parameter.name] = (hints[parameter.name], ... if empty else parameter.default)
        return create_model(self.name, __config__=ConfigDict(extra="forbid"), **fields)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The arguments as a JSON schema."""
        schema = self.arguments.model_json_schema()
        for item in schema.get("properties", {}).values():
            item.pop("title", None)
        return {key: value for key, value in schema.items() if key != "title"}

    def check(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the function takes them. Raises `UserError` naming every wrong one."""
        try:
            model = self.arguments.model_validate(dict(args))
        except ValidationError as error:
            wrong = "; ".join(_sentence(problem) for problem in error.errors(include_url=False))
            known = ", ".join(self.schema.get("properties", {}))
            raise UserError(f"{self.name}: {wrong}", f"Arguments of {self.name}: {known}.") from None
        return {
            name: _cleaned(value)
            for name in type(model).model_fields
            if name in model.model_fields_set and (value := getattr(model, name)) is not None
        }


def tool(*, needs: str = "", order: int = 50) -> Callable[[_Function], _Function]:
    """Mark a function as a tool. `needs`: a capability that some available method must have."""

    def mark(function: _Function) -> _Function:
        function.limner_tool = Tool(function, needs, order)  # type: ignore[attr-defined]
        return function

    return mark


@cache
def all_tools() -> tuple[Tool, ...]:
    """Every tool in this folder, in the order in which the planner reads them."""
    package = importlib.import_module(__package__ or "")
    found: dict[str, Tool] = {}
    for entry in pkgutil.iter_modules(package.__path__):
        if entry.ispkg or entry.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{entry.name}")
        for value in vars(module).values():
            marked = getattr(value, "limner_tool", None)
            if isinstance(marked, Tool) and marked.function.__module__ == module.__name__:
                if marked.name in found:
                    raise ValueError(f"two tools are called {marked.name!r}")
                found[marked.name] = marked
    return tuple(sorted(found.values(), key=lambda item: (item.order, item.name)))


def tools_for(methods: Sequence[MethodInfo]) -> tuple[Tool, ...]:
    """The tools that make sense with these methods."""
    able = {capability for method in methods if method.available for capability in method.capabilities}
    return tuple(item for item in all_tools() if not item.needs or item.needs in able)


def perform(item: Tool, desk: Desk, args: Mapping[str, Any]) -> Working:
    """Run one tool call: check, announce, work. What the user or planner got wrong becomes an answer.

    Raises `LimnerError` for everything that is not about the request itself (a disk, a model, a cancel).
    """
    desk.check()
    try:
        checked = item.check(args)
        signature = json.dumps([item.name, checked], sort_keys=True)
        if signature in desk.done and item.name not in ("undo", "redo"):
            raise UserError("This very call was already made in this turn.", "Answer the user now.")
        desk.done.add(signature)
        yield ToolStarted(item.name, checked)
        return (yield from item.function(desk, **checked))
    except UserError as error:
        return {"ok": False, "error": error.text} | ({"hint": error.hint} if error.hint else {})
    except LimnerError:
        raise
    except MemoryError as error:
        raise ModelError(f"There was not enough memory for {item.name}.", "Close other programs.") from error
    except Exception as error:
        raise ModelError(f"{item.name} failed: {type(error).__name__}: {error}") from error


def _sentence(problem: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in problem["loc"]) or "arguments"
    if problem["type"] == "missing":
        return f"{where} is missing"
    if problem["type"] == "extra_forbidden":
        return f"there is no argument {where}"
    given = repr(problem.get("input"))
    return f"{where}: {problem['msg'].lower()} (got {given if len(given) <= 60 else given[:57] + '…'})"


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    return [_cleaned(part) for part in value] if isinstance(value, list) else value
