"""`say`: a turn of the conversation, or many."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import LimnerError
from ..memory.events import (
    Event,
    Failed,
    JobChanged,
    Notice,
    Progress,
    Question,
    Reply,
    TakeReady,
    ToolStarted,
)
from . import complete
from .output import Output, clean, duration, event_row, scores_text
from .shared import DEFAULT_SESSION, Run, SessionOption, TalkPanel, Verb, example

if TYPE_CHECKING:
    from ..agent.session import Session


def register(app: typer.Typer) -> None:
    app.command(
        cls=Verb,
        rich_help_panel=TalkPanel,
        epilog=example('limner say "Biscuit on the beach, wearing sunglasses" --session picnic'),
    )(say)


def say(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What you say; `-` reads a turn a line.")],
    session: SessionOption = DEFAULT_SESSION,
    image: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A picture that comes with the (first) turn; may be repeated."),
    ] = None,
    method: Annotated[
        str,
        typer.Option(metavar="M", autocompletion=complete.methods, help="How to draw."),
    ] = "auto",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show which tools would be called; change nothing.")
    ] = False,
) -> None:
    """Say something: ask for a picture, change one, go back, correct, ask what Limner knows."""
    run = Run(ctx)
    sentences = _lines() if text == "-" else iter([text])
    files = tuple(image or ())
    status = 0
    with run.agent(write=not dry_run) as agent:
        chat = agent.session(session)
        for sentence in sentences:
            failed = (
                _plan(run.out, chat, sentence, files)
                if dry_run
                else _turn(run.out, chat.stream(sentence, files=files, method=method))
            )
            # Pictures belong to the first turn; a later "now at night" must not attach them again.
            files = ()
            status = status or failed
    if status:
        raise typer.Exit(status)


def _lines() -> Iterator[str]:
    """One sentence a line of standard input, as soon as it is there."""
    for line in sys.stdin:
        yield line.rstrip("\r\n")


def _plan(out: Output, chat: Session, sentence: str, files: tuple[Path, ...]) -> int:
    """Print the tool calls that `sentence` would lead to, then exactly one reply. Returns the exit status."""
    status = 0
    try:
        calls, reply = chat.plan(sentence, files)
    except LimnerError as error:
        calls, reply, status = [], f"{error.text} {error.hint}".rstrip(), error.exit_status
        out.error(error.text, error.hint)
    for call in calls:
        out.row(call, f"{call['tool']} {clean(str(dict(call['args'])))}")
    out.row({"reply": reply}, clean(reply, lines=True))
    return status


def _turn(out: Output, events: Iterable[Event]) -> int:
    """Print a turn as it happens. Returns the exit status."""
    try:
        for _ in follow(out, events):
            pass
    except LimnerError as error:
        if out.as_json:
            out.row(event_row(Failed(error.text, error.hint)), "")
        out.error(error.text, error.hint)
        return error.exit_status
    return 0


def follow(out: Output, events: Iterable[Event], indent: str = "") -> Iterator[Event]:
    """Print events as they happen and hand each one on. `indent` begins a reply; other lines align."""
    try:
        for event in events:
            match event:
                case Progress():
                    out.meter.show(event)
                case Notice(text=text):
                    out.notice(text)
                case Reply(done=False) | JobChanged():
                    pass  # the whole reply follows; jobs belong to their own verb
                case _:
                    first = indent if isinstance(event, Reply | Question) else " " * len(indent)
                    text = _event_text(event).replace("\n", "\n" + " " * len(indent))
                    out.row(event_row(event), first + text)
            yield event
    finally:
        out.meter.clear()


def _event_text(event: Event) -> str:
    """An event in words for people."""
    match event:
        case ToolStarted(tool=tool):
            return f"· {clean(tool)}"
        case TakeReady(take=take):
            facts = [take.method, duration(take.seconds), scores_text(take.scores), str(take.image_path)]
            return f"take {take.number}: " + "  ".join(clean(fact) for fact in facts if fact)
        case Reply(text=text):
            return clean(text, lines=True)
        case Question(text=text, options=options):
            return "\n".join([clean(text, lines=True), *(f"  - {clean(option)}" for option in options)])
        case _:
            return str(event)
