"""The measurements of pictures as a Typer app; `python -m limner.bench NAME …` runs it by itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ..errors import LimnerError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

Preset = Annotated[str, typer.Option(metavar="NAME", help="Which models draw.")]
Method = Annotated[str, typer.Option(metavar="NAME", help="Which method draws; auto: the preset's first.")]
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
    results = run(preset, method, seed, references, not seen, count, edits, out)
    rows = [row for row in results.rows if row["trial"] < count]
    if as_json:
        for row in [*report.summary(rows), *report.breakdown(rows)]:
            print(json.dumps(row))
    else:
        print(report.shown(rows))
    print(f"results: {results.folder}", file=sys.stderr)
    if sheet is not None:
        written = write_sheet(results, sheet)
        print(f"sheet: {sheet} ({written} pictures), key: {key_file(sheet)}", file=sys.stderr)


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
