"""The verbs about Limner itself: demo, presets, doctor, bench."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from ..errors import NotFound
from .presets import presets
from .shared import Run, SystemPanel, TalkPanel, Verb, example


def register(app: typer.Typer) -> None:
    app.command(cls=Verb, rich_help_panel=TalkPanel, epilog=example("limner demo --out limner-demo"))(demo)
    app.command(cls=Verb, rich_help_panel=SystemPanel, epilog=example("limner presets get sd15"))(presets)
    app.command(cls=Verb, rich_help_panel=SystemPanel, epilog=example("limner doctor"))(doctor)
    # A plain command, not a Verb: flags after NAME, also --preset and --json, are the measurement's own.
    app.command(
        add_help_option=False,
        rich_help_panel=SystemPanel,
        epilog=example("limner bench startup"),
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )(bench)


def demo(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write.")] = Path("limner-demo"),
) -> None:
    """Watch the main job: teach a subject no model has seen, then draw it through a conversation."""
    from .demo import run_demo

    run = Run(ctx)
    run_demo(run.out, out, preset=run.preset, planner=run.planner)


def doctor(ctx: typer.Context) -> None:
    """Check this machine and installation: versions, weights, the library folder, memory, threads."""
    from .doctor import examine

    run = Run(ctx)
    failed = False
    for finding in examine(run.preset, run.home):
        failed |= finding.state == "fail"
        run.out.row(finding.row(), finding.line())
    if failed:
        raise typer.Exit(1)


def bench(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which measurement; `compare A B` compares two results.")],
) -> None:
    """Run a measurement. What follows NAME is its own: `limner bench NAME --help`."""
    from ..bench.__main__ import call, commands

    programs, pictures = _programs(), commands()
    known = ", ".join(sorted([*programs, *pictures]))
    if name in ctx.help_option_names:
        print(f"{ctx.get_help()}\n Measurements: {known}")
        raise typer.Exit()
    if name not in (*programs, *pictures):
        raise NotFound(f"There is no measurement {name!r}.", f"There are: {known}.")
    given = [*ctx.args]
    for flag in ("preset", "json"):
        value = ctx.meta.get(f"limner.{flag}")
        given += [f"--{flag}"] if value is True else [f"--{flag}", value] if value else []
    run = import_module(f"..bench.{name}", __package__).main if name in programs else partial(call, name)
    raise typer.Exit(run(given) or 0)


def _programs() -> list[str]:
    """The names of the modules in `bench/` that have a `main` of their own, found without importing their models."""
    folder = Path(__file__).parent.parent / "bench"
    files = folder.glob("[!_]*.py")
    return [file.stem for file in files if "\ndef main(" in file.read_text(encoding="utf-8")]
