"""`say`: a turn of the conversation, or many."""

from __future__ import annotations

import sys
from collections.abc import Iterator
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
from .output import Output, clean, event_row, take_line, usage_text
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
            act = _plan if dry_run else _turn
            failed = act(run.out, chat, sentence, files, method)
            # Pictures belong to the first turn; a later "now at night" must not attach them again.
            files = ()
            status = status or failed
    if status:
        raise typer.Exit(status)


def _lines() -> Iterator[str]:
    """One sentence a line of standard input, as soon as it is there."""
    for line in sys.stdin:
        yield line.rstrip("\r\n")


def _plan(out: Output, chat: Session, sentence: str, files: tuple[Path, ...], method: str) -> int:
    """Print the tool calls that `sentence` would lead to, then exactly one reply. Returns the exit status."""
    status = 0
    try:
        calls, reply = chat.plan(sentence, files, method=method)
    except LimnerError as error:
        calls, reply, status = [], f"{error.text} {error.hint}".rstrip(), error.exit_status
        out.error(error.text, error.hint)
    for call in calls:
        out.row(call, f"{call['tool']} {clean(str(dict(call['args'])))}")
    out.row({"reply": reply}, clean(reply, lines=True))
    return status


def _turn(out: Output, chat: Session, sentence: str, files: tuple[Path, ...], method: str) -> int:
    """Print a turn as it happens. Returns the exit status."""
    told = False
    try:
        for event in chat.stream(sentence, files, method=method):
            _show(out, event)
            told |= isinstance(event, Failed)
    except LimnerError as error:
        if out.as_json and not told:
            out.row(event_row(Failed(error.text, error.hint)), "")
        out.error(error.text, error.hint)
        return error.exit_status
    finally:
        out.meter.clear()
    turn = chat.last
    if turn and turn.went and (head := chat.head):
        out.words(take_line(head))
    if turn and turn.usage and not out.as_json:
        out.notice(usage_text(turn.usage))
    if turn and turn.question:
        out.words("\n".join(f"  - {clean(option)}" for option in turn.question.options))
    # Nothing that was asked could be done: the reply says why, the status says that.
    return turn.problem.exit_status if turn and turn.problem else 0


def _show(out: Output, event: Event) -> None:
    """Print one event."""
    match event:
        case Progress():
            out.meter.show(event)
        case Notice(text=text):
            out.notice(text)
        case Reply(done=False) | JobChanged():
            pass  # the whole reply follows; jobs belong to their own verb
        case Failed() | Question() | ToolStarted(tool="ask_user") if not out.as_json:
            pass  # the error or the reply that follows says the same
        case _:
            out.row(event_row(event), _event_text(event))


def _event_text(event: Event) -> str:
    """An event in words for people."""
    match event:
        case ToolStarted(tool=tool):
            return f"· {clean(tool)}"
        case TakeReady(take=take):
            return take_line(take)
        case Reply(text=text):
            return clean(text, lines=True)
        case _:
            return str(event)
