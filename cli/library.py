"""`export` and `import`: a concept or a conversation as one file that opens elsewhere; an adapter for other tools."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..errors import NotFound, UserError
from . import complete
from .output import clean
from .shared import ConceptsPanel, Run, Verb, example


class Exportable(StrEnum):
    """What can travel: as one file to another Limner, or an adapter as a folder to other tools."""

    concept = "concept"
    session = "session"
    adapter = "adapter"


class Layout(StrEnum):
    """See `tools.adapter_export.Layout`."""

    diffusers = "diffusers"
    kohya = "kohya"


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
    what: Annotated[
        Exportable, typer.Argument(help="A concept, a whole conversation, or what was trained for a concept.")
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", autocompletion=complete.exportable, help="Its name.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it; of an adapter a new folder.")],
    method: Annotated[str | None, typer.Option("--method", help="Of an adapter: trained by this method.")] = None,
    layout: Annotated[
        Layout, typer.Option("--layout", help="Of an adapter: as diffusers and PEFT read it, or as kohya's kin do.")
    ] = Layout.diffusers,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a concept or a conversation to one file that opens elsewhere, or an adapter to a folder for other tools."""
    run = Run(ctx)
    if what is Exportable.adapter:
        _export_adapter(run, name, file, method, layout)
        return
    if method is not None or layout is not Layout.diffusers:
        raise UserError("--method and --layout belong to `export adapter`.")
    if file.exists() and not force:
        raise UserError(f"{file} is there already.", "Name another file, or add --force.")
    with run.library() as library:
        (library.export_concept if what is Exportable.concept else library.export_session)(name, file)
    run.out.row(
        {"exported": str(what), "name": name, "file": str(file)},
        f"Wrote {what} {clean(name)} to {clean(str(file))}.",
    )


def _export_adapter(run: Run, name: str, folder: Path, method: str | None, layout: Layout) -> None:
    """The newest adapter of a concept, or of a concept and a method, for other tools."""
    from ..tools.adapter_export import called_in, export_adapter
    from ..tools.presets import load_preset

    with run.library() as library:
        concept = library.concept(name)
        found = [a for a in library.adapters(concept) if method in (None, a.method)]
        if not found:
            raise NotFound(f"Nothing was trained for {concept.name}{f' by {method}' if method else ''}.",
                           f"First: limner train {concept.name}")  # fmt: skip
        files = [file.name for file in export_adapter(found[0], concept.name, folder, layout.value)]
    called = called_in(found[0], concept, load_preset(run.preset, run.home), layout.value)
    row = {"exported": "adapter", "name": concept.name, "method": found[0].method, "file": str(folder),
           "files": files, "called": called}  # fmt: skip
    said = f"Wrote what {found[0].method} learned of {clean(concept.name)} to {clean(str(folder))}: {', '.join(files)}."
    run.out.row(row, f'{said} In prompts it is "{clean(called)}".' if called else said)


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
