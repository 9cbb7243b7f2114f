"""The verbs of what Limner knows: teach, list, correct, rename, revert, forget."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UserError
from ..memory.values import Concept
from . import complete
from .output import clean, concept_row
from .shared import DEFAULT_SESSION, ConceptArgument, ConceptsPanel, Run, SessionOption, Verb, example


def register(app: typer.Typer) -> None:
    for verb, shown in (
        (teach, "limner teach Biscuit a.png b.png c.png --kind dog"),
        (concepts, "limner concepts --json"),
        (refine, 'limner refine Biscuit --add "longer ears" --remove hat'),
        (rename, "limner rename Biscuit Crumb"),
        (revert, "limner revert Biscuit 1"),
        (forget, "limner forget Biscuit"),
    ):
        app.command(cls=Verb, rich_help_panel=ConceptsPanel, epilog=example(shown))(verb)


def _described(concept: Concept) -> str:
    """One line about a concept."""
    count = len(concept.references)
    facts = [f"version {concept.version}", f"{count} picture{'s' * (count != 1)}"]
    facts += [f"always: {', '.join(concept.stable)}"] * bool(concept.stable)
    facts += [f"may change: {', '.join(concept.changeable)}"] * bool(concept.changeable)
    facts += [f"never: {', '.join(concept.negatives)}"] * bool(concept.negatives)
    return clean(f"{concept.name}, {concept.kind}; " + "; ".join(facts))


def teach(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you will call it.")],
    kind: Annotated[str, typer.Option(metavar="NOUN", help="What it is, in one noun: dog, mug, house.")],
    images: Annotated[
        list[Path] | None, typer.Argument(metavar="[IMAGE]", help="Pictures of it; three to five are good.")
    ] = None,
    take: Annotated[
        list[str] | None,
        typer.Option(metavar="TAKE", autocompletion=complete.takes, help="A take that shows it; may be repeated."),
    ] = None,
    session: SessionOption = DEFAULT_SESSION,
    consent: Annotated[bool, typer.Option("--consent", help="The person on the photographs has agreed.")] = False,
) -> None:
    """Teach a subject from a few pictures, or from takes that show it."""
    if not images and not take:
        raise typer.BadParameter("name pictures of it, or a take with --take", ctx=ctx)
    run = Run(ctx)
    with run.agent() as agent:
        told = len(agent.notices)
        takes = [agent.library.find_take(ref, session) for ref in take or ()]
        concept = agent.teach(name, [*(images or ()), *takes], kind=kind, consent=consent)
        run.out.notices(agent.notices[told:])
    run.out.row(concept_row(concept), f"Learned {_described(concept)}.")


def concepts(ctx: typer.Context) -> None:
    """List what Limner knows."""
    run = Run(ctx)
    with run.library() as library:
        known = library.concepts()
    for concept in known:
        run.out.row(concept_row(concept), _described(concept))
    if not known:
        run.out.words("Nothing is taught yet. Begin with: limner teach NAME IMAGE... --kind NOUN")


def refine(
    ctx: typer.Context,
    name: ConceptArgument,
    add: Annotated[list[str] | None, typer.Option(metavar="TEXT", help="What belongs to it; may be repeated.")] = None,
    remove: Annotated[list[str] | None, typer.Option(metavar="TEXT", help="What does not; may be repeated.")] = None,
    rejected: Annotated[
        str | None,
        typer.Option(metavar="TAKE", autocompletion=complete.takes, help="A take that got it wrong."),
    ] = None,
) -> None:
    """Correct a concept, as a new version that can be reverted."""
    if not add and not remove and rejected is None:
        raise typer.BadParameter("say what to change with --add, --remove or --rejected", ctx=ctx)
    run = Run(ctx)
    with run.agent() as agent:
        concept = agent.refine(name, add=tuple(add or ()), remove=tuple(remove or ()), rejected=rejected)
    run.out.row(concept_row(concept), f"Now {_described(concept)}.")


def rename(
    ctx: typer.Context,
    old: Annotated[str, typer.Argument(metavar="OLD", autocompletion=complete.concepts, help="Its name now.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its name from now on.")],
) -> None:
    """Give a concept another name."""
    run = Run(ctx)
    with run.agent() as agent:
        concept = agent.rename(old, new)
    run.out.row(concept_row(concept), f"{clean(old)} is called {clean(concept.name)} now.")


def revert(
    ctx: typer.Context,
    name: ConceptArgument,
    version: Annotated[
        int | None, typer.Argument(metavar="[VERSION]", min=1, help="Which version; else the one before.")
    ] = None,
) -> None:
    """Return to an earlier version of a concept."""
    run = Run(ctx)
    with run.agent() as agent:
        concept = agent.revert(name, version)
    run.out.row(concept_row(concept), f"Now {_described(concept)}.")


def forget(
    ctx: typer.Context,
    name: ConceptArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a concept: its pictures, embeddings and adapters. Takes that show it stay."""
    run = Run(ctx)
    with run.agent() as agent:
        known = agent.library.concept(name).name
        asks = sys.stdin.isatty() and not yes  # who pipes commands in has thought about them
        if asks and not typer.confirm(f"Really forget {clean(known)}? It cannot be brought back.", err=True):
            raise UserError(f"{known} is kept.")
        agent.forget(known)
    run.out.row({"forgotten": name}, f"{clean(name)} is forgotten.")
