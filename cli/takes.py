"""The verbs of the tree of takes: look, go back and forth, branch, compare, rate, delete, replay."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..memory.values import Take
from .files import save_take
from .output import Output, clean, duration, scores_row, scores_text, table, take_row
from .shared import DEFAULT_SESSION, Run, SessionOption, TakeArgument, TakesPanel, Verb, example

if TYPE_CHECKING:
    from ..memory.library import Library
    from ..memory.sessions import SessionStore


class Rating(StrEnum):
    """What the user thinks of a take."""

    good = "good"
    bad = "bad"


def register(app: typer.Typer) -> None:
    for verb, shown in (
        (takes, "limner takes --session picnic"),
        (show, "limner show 3 --out beach.png"),
        (undo, "limner undo"),
        (redo, "limner redo"),
        (fork, "limner fork 1"),
        (compare, "limner compare 2 5"),
        (rate, "limner rate 4 good"),
        (delete, "limner delete 2"),
        (replay, "limner replay 3"),
    ):
        app.command(cls=Verb, rich_help_panel=TakesPanel, epilog=example(shown))(verb)


def takes(ctx: typer.Context, session: SessionOption = DEFAULT_SESSION) -> None:
    """List the takes of a conversation; `*` marks where it is at."""
    run = Run(ctx)
    with run.library() as library:
        store = _known(library, session)
        found, head = store.takes(), store.head
    numbers = {take.id: take.number for take in found}
    lines = table([_line(take, numbers, here=head is not None and take.id == head.id) for take in found])
    for take, line in zip(found, lines, strict=True):
        run.out.row(take_row(take) | {"head": head is not None and take.id == head.id}, line)
    if not found:
        run.out.words('No takes yet. Begin with: limner say "a cat in the forest"')


def _known(library: Library, session: str) -> SessionStore:
    """The conversation. The default one is empty before its first take; any other unknown name is a slip."""
    return library.session(session, create=session == DEFAULT_SESSION)


def _line(take: Take, numbers: dict[str, int], *, here: bool) -> tuple[str, ...]:
    parent = f"from {numbers.get(take.parent, '?')}" if take.parent else ""
    rating = {"good": "+", "bad": "-"}.get(take.rating or "", "")
    return (
        f"{'*' if here else ' '}{take.number:>3}",
        parent,
        clean(take.prompt) or f"({take.origin})",
        take.method,
        duration(take.seconds),
        scores_text(take.scores),
        rating,
    )


def _here(out: Output, take: Take | None, words: str) -> None:
    """Say where the conversation stands now."""
    if take is None:
        out.row({"number": None, "id": None}, "Back at the beginning, before the first take.")
    else:
        out.row(take_row(take), f"{words} take {take.number}: {clean(take.description or take.prompt)}")


def show(
    ctx: typer.Context,
    take: TakeArgument,
    session: SessionOption = DEFAULT_SESSION,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Save the picture here; the ending names the format."),
    ] = None,
    prompts: Annotated[
        bool, typer.Option("--prompts", help="Write your own words into the saved picture too.")
    ] = False,
) -> None:
    """Show all that is known of a take, and save its picture with what made it."""
    run = Run(ctx)
    with run.library() as library:
        found = library.find_take(take, _known(library, session).name)
        if out is not None:
            family = library.session(found.session).takes()
            save_take(found, out, family, library.home, prompts=prompts)
    row = take_row(found) | ({"saved": str(out)} if out is not None else {})
    facts = {
        "prompt": found.prompt,
        "shows": found.description,
        "concepts": ", ".join(f"{use.name} (version {use.version})" for use in found.concepts),
        "method": found.method,
        "seed": str(found.seed),
        "scores": scores_text(found.scores),
        "rating": found.rating or "",
        "took": duration(found.seconds),
        "picture": str(found.image_path),
        "saved": str(out or ""),
    }
    lines = [f"take {found.number}  {found.id}"]
    lines += [f"  {name:<9}{clean(fact)}" for name, fact in facts.items() if fact]
    run.out.row(row, "\n".join(lines))


def undo(ctx: typer.Context, session: SessionOption = DEFAULT_SESSION) -> None:
    """Go back to where the conversation was before."""
    run = Run(ctx)
    with run.agent() as agent:
        _here(run.out, agent.session(session).undo(), "Back at")


def redo(ctx: typer.Context, session: SessionOption = DEFAULT_SESSION) -> None:
    """Take the last undo back."""
    run = Run(ctx)
    with run.agent() as agent:
        _here(run.out, agent.session(session).redo(), "Forward to")


def fork(ctx: typer.Context, take: TakeArgument, session: SessionOption = DEFAULT_SESSION) -> None:
    """Go on from any take; the next picture begins a new branch."""
    run = Run(ctx)
    with run.agent() as agent:
        _here(run.out, agent.session(session).fork(take), "Going on from")


def compare(
    ctx: typer.Context, first: TakeArgument, second: TakeArgument, session: SessionOption = DEFAULT_SESSION
) -> None:
    """Compare two takes: words, method, scores, and how much of the picture differs."""
    run = Run(ctx)
    with run.agent() as agent:
        result = agent.session(session).compare(first, second)
    better = result.better.number if result.better else None
    row = {
        "takes": [take_row(result.first), take_row(result.second)],
        "similarity": result.similarity,
        "changed": result.changed,
        "better": better,
    }
    lines = [
        f"take {take.number}: {clean(take.description or take.prompt)}  ({scores_text(take.scores)})"
        for take in (result.first, result.second)
    ]
    verdict = f"; take {better} scores higher" if better else ""
    lines.append(f"likeness {result.similarity:.2f}; {result.changed:.0%} of the picture differs{verdict}")
    run.out.row(row, "\n".join(lines))


def rate(
    ctx: typer.Context,
    take: TakeArgument,
    rating: Annotated[Rating, typer.Argument(help="What you think of it.")],
    session: SessionOption = DEFAULT_SESSION,
) -> None:
    """Say whether a take is good or bad; the scores are calibrated on it."""
    run = Run(ctx)
    with run.agent() as agent:
        rated = agent.session(session).rate(take, rating is Rating.good)
    run.out.row(take_row(rated), f"Take {rated.number} is rated {rated.rating}.")


def delete(ctx: typer.Context, take: TakeArgument, session: SessionOption = DEFAULT_SESSION) -> None:
    """Delete a take's picture; what was made from it stays."""
    run = Run(ctx)
    with run.agent() as agent:
        gone = agent.session(session).delete(take)
    run.out.row(take_row(gone), f"Take {gone.number} is deleted.")


def replay(ctx: typer.Context, take: TakeArgument, session: SessionOption = DEFAULT_SESSION) -> None:
    """Draw a take once more from its record and compare it bit for bit."""
    run = Run(ctx)
    with run.agent() as agent:
        found = agent.session(session).take(take)
        result = agent.replay(found)
    row = {
        "number": found.number,
        "id": found.id,
        "identical": result.identical,
        "scores": scores_row(found.scores),
    }
    verdict = "comes out the same, bit for bit" if result.identical else "comes out different"
    run.out.row(row, f"Take {found.number} {verdict}.")
