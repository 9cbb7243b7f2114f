"""The measurements of pictures as a Typer app; `python -m limner.bench NAME …` runs it by itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ..errors import LimnerError, UserError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

Preset = Annotated[str, typer.Option(metavar="NAME", help="Which models draw.")]
Method = Annotated[str, typer.Option(metavar="NAME", help="Which method draws, or ladder; auto: the preset's first.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line instead of a table.")]
OneLine = Annotated[bool, typer.Option("--json", help="JSON on one line.")]


@app.callback()
def root() -> None:
    """Measure what Limner's models draw."""


@app.command()
def storybook(
    preset: Preset = "starter",
    method: Method = "auto",
    subjects: Annotated[int, typer.Option(min=1, help="How many subjects are taught.")] = 200,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many: a quick run.")] = None,
    references: Annotated[int, typer.Option(min=1, max=8, help="Pictures each is taught from.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other subjects and scenes.")] = 0,
    seen: Annotated[bool, typer.Option("--seen", help="Subjects of the training side, for tuning.")] = False,
    candidates: Annotated[int, typer.Option(min=1, max=8, help="Pictures drawn, of which the scores choose one.")] = 1,
    edits: Annotated[bool, typer.Option(help="Edit what was drawn, and rendered pictures.")] = True,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where results are kept.")] = None,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Write 60 drawings to be named by eye, and a key.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Teach unseen subjects, draw and edit them, and let the judge read the pictures."""
    from .storybook import report
    from .storybook.running import run
    from .storybook.sheet import key_file, write_sheet

    count = min(subjects, limit or subjects)
    results = run(preset, method, seed, references, not seen, count, edits, out, candidates)
    rows = [row for row in results.rows if row["trial"] < count]
    drawn_by = results.header["settings"]["method"]
    if as_json:
        for row in [*report.summary(rows, drawn_by), *report.breakdown(rows)]:
            print(json.dumps(row))
    else:
        print(report.shown(rows, drawn_by))
    print(f"results: {results.folder}", file=sys.stderr)
    if sheet is not None:
        written = write_sheet(results, sheet)
        print(f"sheet: {sheet} ({written} pictures), key: {key_file(sheet)}", file=sys.stderr)


@app.command()
def rounds(
    preset: Preset = "starter",
    method: Annotated[str, typer.Option(metavar="NAME", help="Which method draws; auto: the agent's choice.")] = "auto",
    conversations: Annotated[int, typer.Option(min=1, help="How many are held.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other conversations.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where results are kept.")] = None,
    as_json: AsJson = False,
) -> None:
    """Hold conversations of ten turns, and edit imported pictures ten times over; measure what is left of them."""
    from .rounds import report
    from .rounds.running import run

    results = run(preset, method, seed, conversations, out)
    rows = [row for row in results.rows if row["trial"] < conversations]
    if as_json:
        for row in report.summary(rows):
            print(json.dumps(row))
    else:
        print(report.shown(rows))
    print(f"results: {results.folder}", file=sys.stderr)


@app.command()
def compare(
    old: Annotated[Path, typer.Argument(metavar="A", help="The folder of a run.")],
    new: Annotated[Path, typer.Argument(metavar="B", help="The folder of another run.")],
    as_json: AsJson = False,
) -> None:
    """Compare two runs trial by trial, with paired 95 % intervals."""
    from .compare import run

    run(old, new, as_json)


@app.command()
def speed(
    preset: Preset = "starter",
    method: Method = "auto",
    runs: Annotated[int, typer.Option(min=1, help="Measured drawings of each kind.")] = 7,
    one_line: OneLine = False,
) -> None:
    """Time a warm picture: one candidate, four at once, an edit. Prints JSON."""
    from .speed import measure

    print(json.dumps(measure(preset, method, runs), indent=None if one_line else 1))


@app.command()
def persona(
    photos: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="A folder a subject, with its photographs.")
    ] = None,
    preset: Preset = "starter",
    method: Method = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many subjects.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where results are kept.")] = None,
    log: Annotated[Path | None, typer.Option(metavar="FILE", help="Only aggregate a log, also the authors'.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the survey's benchmark (arXiv 2405.05538) and stand its result beside the published table."""
    from . import persona as bench

    if (photos is None) == (log is None):
        raise UserError("Say either a folder of photographs or --log FILE.")
    differing: list[str] = []
    if photos is not None:
        results = bench.run(preset, method, photos, limit, out)
        about = results.header["settings"]
        name = f"{about['benchmark']} {Path(preset).stem} {about['method']}"
        result = bench.summary(name, [(row["clip_i"], row["clip_t"]) for row in results.rows])
        differing = bench.differences(results)
    elif log is not None:
        result = bench.summary(log.stem, bench.read_log(log))
    print(json.dumps(result | {"differs": differing}) if as_json else bench.beside(result))
    for sentence in differing:
        print(sentence, file=sys.stderr)


@app.command()
def crops(
    photos: Annotated[Path, typer.Argument(metavar="DIR", help="The DreamBooth photographs, a folder a subject.")],
    boxes: Annotated[Path | None, typer.Option(metavar="FILE", help="Other subjects' boxes.")] = None,
    alone: Annotated[bool, typer.Option("--alone", help="Each photograph as if it were the only one.")] = False,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Write all crops and masks to look at.")
    ] = None,
    speed: Annotated[bool, typer.Option("--speed", help="The time of large photographs instead. Prints JSON.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure how photographs are cropped without a segmentation model: subject wholly inside, and little else."""
    from . import crops as bench

    if speed:
        print(json.dumps(bench.speed(photos, boxes or bench.BOXES)))
        return
    rows = bench.run(photos, boxes or bench.BOXES, alone, sheet)
    found = bench.summary(rows)
    print("\n".join(json.dumps(row) for row in [*rows, *found]) if as_json else bench.shown(found))


@app.command()
def scores(
    preset: Preset = "starter",
    method: Method = "auto",
    pairs: Annotated[int, typer.Option(min=1, help="Rendered pairs, and copies of each kind.")] = 300,
    drawings: Annotated[int, typer.Option(min=0, help="Subjects drawn four times each, for ranking drawings.")] = 100,
    references: Annotated[int, typer.Option(min=1, max=8, help="Pictures each subject is taught from.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other subjects.")] = 0,
    write: Annotated[bool, typer.Option("--write", help="Renew the preset's table of how alike pictures are.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure the scores: do they rank pictures as the truth does, and does the gate tell copies apart?"""
    from .scores import report

    rows = report.run(preset, method, pairs, drawings, seed, references, write)
    print("\n".join(json.dumps(row) for row in rows) if as_json else report.shown(rows))


@app.command()
def recommend(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Folders of `storybook`, one a method.")],
    preset: Preset = "starter",
) -> None:
    """Renew the preset's table of the method that a new concept begins with, from measured runs."""
    from .scores import report

    print(report.recommend(preset, runs))


@app.command()
def adapter(
    preset: Preset = "starter",
    runs: Annotated[int, typer.Option(min=1, help="Measured drawings of each kind.")] = 15,
    one_line: OneLine = False,
) -> None:
    """Time the image adapter with a known concept against diffusers called by its documentation. Prints JSON."""
    from .adapter_speed import measure

    print(json.dumps(measure(preset, runs), indent=None if one_line else 1))


@app.command()
def tokenizer(
    weights: Annotated[
        Path | None, typer.Argument(help="A training state or weights; else the preset's own model.")
    ] = None,
    preset: Preset = "starter",
    pictures: Annotated[int, typer.Option(min=8, help="Unseen pictures to send through.")] = 500,
    one_line: OneLine = False,
) -> None:
    """Measure what the picture tokenizer costs: dB, and what the judge still reads. Prints JSON."""
    from .tokenizer import measure, weights_of

    found = measure(weights or weights_of(preset), pictures)
    print(json.dumps(found, indent=None if one_line else 1))


def commands() -> list[str]:
    """The names of all measurements here."""
    return list(getattr(typer.main.get_command(app), "commands", {}))


def call(command: str, arguments: Sequence[str]) -> int:
    """Runs one command with its arguments; returns its exit status. Raises what it raises."""
    entry = typer.main.get_command(app)
    status = entry.main([command, *arguments], prog_name="limner bench", standalone_mode=False)
    return status if isinstance(status, int) else 0


def main() -> None:
    """`python -m limner.bench`."""
    try:
        app(prog_name="python -m limner.bench")
    except LimnerError as error:
        print(f"{error} {error.hint}".rstrip(), file=sys.stderr)
        sys.exit(error.exit_status)


if __name__ == "__main__":
    main()
