"""What all verbs share: the flags that may stand anywhere, and the way to the library and the agent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from . import complete
from .output import Output

if TYPE_CHECKING:
    from ..agent.agent import Agent
    from ..memory.library import Library

DEFAULT_PRESET = "starter"
DEFAULT_SESSION = "default"

TalkPanel = "Talk and draw"
TakesPanel = "Pictures: the tree of takes"
ConceptsPanel = "What Limner knows"
SystemPanel = "Limner itself"


def _keep(name: str) -> Callable[[typer.Context, Any], Any]:
    """A callback that notes a flag for the whole run, wherever on the line it stood."""

    def keep(ctx: typer.Context, value: Any) -> Any:
        if value:
            ctx.meta[f"limner.{name}"] = value
        return value

    return keep


def _global_flags(
    home: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            callback=_keep("home"),
            expose_value=False,
            file_okay=True,
            rich_help_panel="Anywhere on the line",
            help="The library folder (also: LIMNER_HOME).",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            callback=_keep("preset"),
            expose_value=False,
            autocompletion=complete.presets,
            rich_help_panel="Anywhere on the line",
            help=f"Which models to use (else: {DEFAULT_PRESET}); `limner presets` lists them.",
        ),
    ] = None,
    planner: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            callback=_keep("planner"),
            expose_value=False,
            rich_help_panel="Anywhere on the line",
            help="Who leads the talk: offline, or a chat model such as ollama:qwen3.",
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            callback=_keep("json"),
            expose_value=False,
            rich_help_panel="Anywhere on the line",
            help="One JSON object a line on standard output.",
        ),
    ] = False,
) -> None:
    """The flags of every verb; only their declaration is used."""


def global_params() -> list[Any]:
    """Fresh parameter objects of the global flags."""
    declared = typer.Typer(add_completion=False)
    declared.command()(_global_flags)
    return list(typer.main.get_command(declared).params)


class Verb(TyperCommand):
    """A command that also takes the global flags."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_params())


class Run:
    """One call of the command line: its flags, its output, its doors to the layers below."""

    def __init__(self, ctx: typer.Context) -> None:
        self.home: Path | None = ctx.meta.get("limner.home")
        self.preset: str = ctx.meta.get("limner.preset", DEFAULT_PRESET)
        self.planner: str | None = ctx.meta.get("limner.planner")
        self.out = Output(as_json=bool(ctx.meta.get("limner.json")))

    @contextmanager
    def library(self, *, write: bool = False) -> Iterator[Library]:
        """The library without an agent; for reading there is no lock and no index."""
        from ..memory.library import Library

        with Library.open(self.home, write=write) as library:
            self.out.notices(library.notices)
            yield library

    @contextmanager
    def agent(self, *, write: bool = True) -> Iterator[Agent]:
        """The agent; for writing it holds the library's lock. Its models load when they are first needed."""
        from ..agent.agent import Agent

        with Agent.open(preset=self.preset, home=self.home, planner=self.planner, write=write) as agent:
            self.out.notices(agent.notices)
            yield agent


SessionOption = Annotated[
    str,
    typer.Option(metavar="S", autocompletion=complete.sessions, help="The conversation."),
]
TakeArgument = Annotated[
    str,
    typer.Argument(metavar="TAKE", autocompletion=complete.takes, help="A take: its number, or its id."),
]
ConceptArgument = Annotated[
    str,
    typer.Argument(metavar="NAME", autocompletion=complete.concepts, help="The concept's name."),
]


def example(line: str) -> str:
    """The closing line of a verb's help."""
    return f"Example:  {line}"
