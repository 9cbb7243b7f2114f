"""`limner presets`: which models there are, what they ask for, and getting them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import LimnerError, UserError
from .output import clean
from .shared import Run

if TYPE_CHECKING:
    from ..tools.presets import Preset

CUTS_OUT = "; it cuts photographs out"


def presets(
    ctx: typer.Context,
    action: Annotated[str | None, typer.Argument(metavar="[get|check]", help="Get weights, or check a file.")] = None,
    what: Annotated[str | None, typer.Argument(metavar="[NAME|FILE]", help="Of which preset.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Agree to size and licence without being asked.")] = False,
    newest: Annotated[
        bool, typer.Option("--newest", help="Where the hub has not the preset's revision, take the newest.")
    ] = False,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="PATH", help="Use the model in a local folder, or in one file, instead."),
    ] = None,
) -> None:
    """List the presets; `get NAME` brings a preset's weights here, `check FILE` names the first mistake in one."""
    run = Run(ctx)
    if action is None:
        _list(run)
    elif what is None:
        raise UserError(f"presets {action} needs a name.", "`limner presets` lists them.")
    elif action == "check":
        _check(run, Path(what))
    elif action == "get" and source is not None:
        _take(run, what, source)
    elif action == "get":
        _get(run, what, yes, newest)
    else:
        raise UserError(f"presets cannot {action!r}.", "It can get NAME and check FILE.")


def _list(run: Run) -> None:
    """What there is: what fits this machine before what does not, the quickest first."""
    from ..tools.machine import fit, machine
    from ..tools.needs import seconds, to_begin_with
    from ..tools.presets import preset_files, read_preset
    from ..tools.trainable import trains

    here, known = machine(), {}
    for name, file in sorted(preset_files(run.home).items()):
        try:
            known[name] = read_preset(file)
        except UserError as error:
            run.out.notices([f"{error.text} {error.hint}".strip()])
    run.out.words(f"On this machine ({here.plainly}); times are rough:")
    took = {name: seconds(preset, here) for name, preset in known.items()}
    for name in sorted(known, key=lambda name: (took[name] is None, took[name] or 0.0)):
        preset = known[name]
        fits = {role: fit(spec, here) for role, spec in preset.models.items()}
        row = {
            "name": preset.name,
            "summary": preset.summary,
            "planner": preset.planner,
            "methods": list(preset.methods),
            "in_use": name == run.preset,
            "here": not preset.missing,
            "download_gb": preset.download,
            "commercial": all(spec.commercial for spec in preset.models.values()),
            "fits": took[name] is not None,
            "seconds": took[name] or None,
            "trains": trains(preset, here) if took[name] is not None else "",
        }
        mark = "*" if row["in_use"] else " "
        run.out.row(row, f"{mark} {clean(name)}: {clean(preset.summary)}{_needs(preset, row, fits)}")
    run.out.words(beginning(to_begin_with(list(known.values()), here)))


def beginning(preset: Preset | None) -> str:
    """What to do first, for who has photographs."""
    if preset is None:
        return (
            "No model that draws the subjects of photographs fits this machine; starter draws its own world anywhere."
        )
    if preset.missing:
        get = f"limner presets get {preset.name} ({preset.download:.0f} GB), then --preset {preset.name}"
        return f"For subjects of your own photographs begin with: {get}"
    return f"For subjects of your own photographs begin with: --preset {preset.name}"


def _needs(preset: Preset, row: dict[str, Any], fits: dict[str, Any]) -> str:
    """What a preset of large models takes on this machine; "" for one that ships with Limner."""
    if not row["download_gb"]:
        return ""
    drawing = [found.plainly for role, found in fits.items() if role in ("ar", "diffusion")]
    state = "here" if row["here"] else f"{row['download_gb']:.0f} GB to get{_room(row['download_gb'])}"
    licence = "" if row["commercial"] else "; not for commercial use"
    told = f"\n    trains {row['trains']}" if row["trains"] else ""
    return f"\n    {state}{licence}; {'; '.join(drawing)}{told}"


def _room(gigabytes: float) -> str:
    from ..tools.weights import free_bytes

    free = free_bytes() / 1e9
    return "" if free > gigabytes else f", but only {free:.0f} GB are free on the disk"


def _check(run: Run, file: Path) -> None:
    from ..tools.presets import check_preset

    preset = check_preset(file)
    run.out.row({"name": preset.name, "ok": True}, f"{file} is sound: {clean(preset.summary)}")


def _get(run: Run, name: str, yes: bool, newest: bool) -> None:
    """Says what would come, asks, and fetches."""
    from ..tools.presets import load_preset
    from ..tools.weights import COMMIT, check_room, fetch, plan, sized, sources

    preset = load_preset(name, run.home)
    wanted = sources(preset)
    if not wanted:
        run.out.row({"name": name, "fetched": 0}, f"{name} needs nothing from the hub.")
        return
    downloads = []
    for source in wanted:
        try:
            downloads.append((source, plan(source.hub, source.revision, source.only, source.whole, newest)))
        except LimnerError as error:
            if not source.spare:
                raise
            run.out.notices([f"{error.text} Photographs are cut out without it; all else works."])
    for source, download in downloads:
        size = f"{sized(download.missing)} of {sized(download.bytes)} to fetch"
        run.out.notices(
            [f"{source.hub} at {download.commit[:12]}: {size}; licence: {source.licence}{CUTS_OUT * source.spare}."]
        )
        if COMMIT.fullmatch(source.revision) and source.revision != download.commit:
            run.out.notices([f"That is its newest state; {source.revision[:12]}, which was tried, is not there."])
    run.out.notices(preset.restricted)
    if missing := sum(download.missing for _, download in downloads):
        check_room(missing)
        _agree(yes)
    for source, download in downloads:
        try:
            folder = fetch(download)
        except KeyboardInterrupt:
            run.out.notices(
                [f"Stopped; what has come is kept, and the same goes on with it: limner presets get {name}"]
            )
            raise typer.Exit(130) from None
        row = {"hub": source.hub, "commit": download.commit, "folder": str(folder), "bytes": download.bytes}
        run.out.row(row, f"{source.hub} is in {folder}")


def _agree(yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UserError("Size and licence must be agreed to before anything is fetched.", "Add --yes to agree.")
    if not typer.confirm("Fetch it, and agree to the licence?", err=True):
        raise UserError("Nothing was fetched.")


def _take(run: Run, name: str, source: Path) -> None:
    """Writes an own preset that uses a local model in place of the hub's."""
    from ..tools.checkpoints import checked_header
    from ..tools.presets import localised, own_folder, read_preset
    from ..tools.samplers import hurried

    source = source.expanduser().absolute()
    file = localised(name, source, own_folder(run.home), run.home)
    if source.is_file() and (said := hurried(source, checked_header(source).metadata)):
        run.out.notices([f"{said} Write it into {file}."])
    if read_preset(file).missing:
        run.out.notices([f"What it needs besides is not on this computer yet: limner presets get {name}"])
    run.out.row({"name": name, "file": str(file)}, f"{name} now uses {source}; its preset is {file}")
