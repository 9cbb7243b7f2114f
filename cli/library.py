"""`export` and `import`: a concept or a conversation as one file that opens elsewhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from . import complete
from .output import clean
from .shared import ConceptsPanel, Run, Verb, example


class Exportable(StrEnum):
    """What can travel as one file."""

    concept = "concept"
    session = "session"


def register(app: typer.Typer) -> None:
    app.command(
        cls=Verb,
        rich_help_panel=ConceptsPanel,
        epilog=example("limner export concept Biscuit biscuit.limner"),
    )(export)
    app.command("import", cls=Verb, rich_help_panel=ConceptsPanel, epilog=example("limner import biscuit.limner"))(
        import_
    )


def export(
    ctx: typer.Context,
    what: Annotated[Exportable, typer.Argument(help="A concept, or a whole conversation.")],
    name: Annotated[str, typer.Argument(metavar="NAME", autocompletion=complete.exportable, help="Its name.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")],
) -> None:
    """Write a concept or a conversation to one file that opens elsewhere."""
    run = Run(ctx)
    with run.library() as library:
        (library.export_concept if what is Exportable.concept else library.export_session)(name, file)
    run.out.row(
        {"exported": str(what), "name": name, "file": str(file)},
        f"Wrote {what} {clean(name)} to {clean(str(file))}.",
    )


def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `limner export` wrote.")],
) -> None:
    """Take in what `limner export` wrote, here or elsewhere."""
    run = Run(ctx)
    with run.library(write=True) as library:
        sentences = library.import_file(file)
    for sentence in sentences:
        run.out.row({"imported": sentence}, clean(sentence))
