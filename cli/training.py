"""The verbs of training: begin one and watch it, list them, stop or resume one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..memory.events import Progress
from . import complete
from .output import clean, duration
from .shared import ConceptArgument, ConceptsPanel, Run, Verb, example

if TYPE_CHECKING:
    from ..agent.agent import Agent

STOPPED = 130


def register(app: typer.Typer) -> None:
    for verb, shown in (
        (train, "limner train Biscuit --seconds 90"),
        (jobs, "limner jobs --json"),
    ):
        app.command(cls=Verb, rich_help_panel=ConceptsPanel, epilog=example(shown))(verb)


def train(
    ctx: typer.Context,
    name: ConceptArgument,
    method: Annotated[
        str,
        typer.Option(metavar="M", autocompletion=complete.methods, help="What is trained; auto: a LoRA."),
    ] = "auto",
    seconds: Annotated[
        float | None,
        typer.Option(metavar="S", min=1, help="The most it may take; else until it is enough."),
    ] = None,
) -> None:
    """Train an adapter for a subject. It stops by itself; Ctrl-C stops it too and keeps what is good."""
    run = Run(ctx)
    with run.agent() as agent:
        job = agent.train(name, method, seconds)
        stopped = _watch(run, agent, job.id)
        _row(run, agent.training.get(job.id).row())
        state = agent.training.get(job.id).state
    if stopped or state in ("failed", "died"):
        raise typer.Exit(STOPPED if stopped else 1)


def jobs(
    ctx: typer.Context,
    cancel: Annotated[
        str, typer.Option(metavar="JOB", help="End one; what it has learned is kept if it is good.")
    ] = "",
    resume: Annotated[str, typer.Option(metavar="JOB", help="Go on with one that broke off.")] = "",
    restart: Annotated[str, typer.Option(metavar="JOB", help="Begin one again from nothing.")] = "",
) -> None:
    """List trainings: waiting, under way, over. JOB is an id, or the name of the concept."""
    run = Run(ctx)
    chosen = [(verb, ref) for verb, ref in (("cancel", cancel), ("resume", resume), ("restart", restart)) if ref]
    if len(chosen) > 1:
        raise typer.BadParameter("one of --cancel, --resume and --restart at a time", ctx=ctx)
    with run.agent() as agent:
        if not chosen:
            rows = agent.jobs()
            for row in rows:
                _row(run, row)
            if not rows:
                run.out.words("Nothing was trained yet. Begin with: limner train NAME")
            return
        verb, ref = chosen[0]
        job = getattr(agent.training, verb)(ref)
        stopped = _watch(run, agent, job.id)
        _row(run, agent.training.get(job.id).row())
    if stopped:
        raise typer.Exit(STOPPED)


def _watch(run: Run, agent: Agent, job: str) -> bool:
    """Show a training's progress until it is over. Whether Ctrl-C ended it."""
    stopped = False
    while True:
        try:
            for event in agent.follow(job):
                if isinstance(event, Progress):
                    run.out.meter.show(event)
            return stopped
        except KeyboardInterrupt:
            # Once more would leave it to itself: it is told to end and its last step is waited for.
            if stopped:
                raise
            stopped = True
            agent.training.cancel(job)


def _row(run: Run, row: Mapping[str, Any]) -> None:
    facts = [str(row["id"]), row["concept"], row["method"], row["state"]]
    if row["total"]:
        facts.append(f"step {row['step']} of {row['total']}")
    if row["seconds_left"] is not None and row["state"] == "running":
        facts.append(f"{duration(row['seconds_left'])} left")
    facts.append(row["message"])
    run.out.row(row, "  ".join(clean(fact) for fact in facts if fact))
