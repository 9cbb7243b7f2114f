"""The root of the command line: the list of verbs, the exit statuses, `limner` alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ..errors import LimnerError
from . import concepts, library, scores, system, takes, talk, training
from .output import Output
from .shared import global_params

INTERRUPTED = 130
"""128 + SIGINT, as shells expect."""
PIPE_CLOSED = 141
"""128 + SIGPIPE: whoever read our output went away."""


class Limner(TyperGroup):
    """The group of all verbs. Every error becomes one sentence and an exit status here, and nowhere else."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.params.extend(global_params())

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        status = self._guarded(
            args=args,
            prog_name=prog_name,
            complete_var=complete_var,
            windows_expand_args=windows_expand_args,
            **extra,
        )
        if standalone_mode:
            sys.exit(status)
        return status

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise typer.Exit(_close_quietly()) from None

    def _guarded(self, **call: Any) -> int:
        out = Output(as_json=False)
        try:
            status = super().main(standalone_mode=False, **call)
            sys.stdout.flush()
            if status == INTERRUPTED:
                out.error("stopped; nothing half-made was kept.")
            return status if isinstance(status, int) else 0
        except LimnerError as error:
            out.error(error.text, error.hint)
            return error.exit_status
        except typer.TyperException as error:
            ctx = getattr(error, "ctx", None)
            hint = f"`{ctx.command_path} --help` shows how." if ctx is not None else ""
            # Where values are to choose from, they stand in lines of their own.
            said = " ".join(error.format_message().split())
            out.error(said if said.endswith((".", "?")) else f"{said}.", hint)
            return 2
        except BrokenPipeError:
            return _close_quietly()
        except OSError as error:
            out.error(_os_sentence(error))
            return 1


def _os_sentence(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}." if error.filename else f"{reason}."


def _close_quietly() -> int:
    """Point standard output elsewhere, or the interpreter would complain once more while it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED


def _show_version(value: bool) -> None:
    if value:
        from .. import __version__

        print(f"limner {__version__}")
        raise typer.Exit()


app = typer.Typer(
    cls=Limner,
    invoke_without_command=True,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(
    ctx: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    """Teach Limner your subjects from a few pictures, then draw and redraw them by talking."""
    if ctx.invoked_subcommand is None:
        _chat(ctx)


def _chat(ctx: typer.Context) -> None:
    """`limner` alone: the terminal chat."""
    from ..tui.lesson import Lesson
    from ..tui.run import chat
    from .demo import KIND, NAME, TURNS, write_references

    lesson = Lesson(NAME, KIND, write_references, f"@{TURNS[0]}")
    home, preset, planner = (ctx.meta.get(f"limner.{name}") for name in ("home", "preset", "planner"))
    if status := chat(home, preset, planner, lesson=lesson):
        raise typer.Exit(status)


for verbs in (talk, takes, concepts, scores, training, library, system):
    verbs.register(app)


def main() -> None:
    """The entry point of the `limner` command."""
    # Text from users and file names may hold what the terminal's encoding lacks; show an escape, never crash.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="limner")
