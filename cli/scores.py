"""`limner score`: the scores that steer the agent, for any picture from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..memory.values import Scores
from . import complete
from .output import clean, scores_text
from .shared import ConceptsPanel, Run, Verb, example


def register(app: typer.Typer) -> None:
    shown = 'limner score beach.png --concept Biscuit --prompt "Biscuit on the beach"'
    app.command(cls=Verb, rich_help_panel=ConceptsPanel, epilog=example(shown))(score)


def score(
    ctx: typer.Context,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE…", help="Pictures to measure.")],
    concept: Annotated[
        list[str],
        typer.Option(metavar="NAME", autocompletion=complete.concepts, help="Who should be in it; may be repeated."),
    ],
    prompt: Annotated[str, typer.Option(metavar="TEXT", help="What it should show.")] = "",
) -> None:
    """Measure pictures: is it the subject, does it show what was asked, is it only a copy?"""
    run = Run(ctx)
    with run.agent(write=False) as agent:
        for image in images:
            scores = agent.score(image, concept, prompt)
            run.out.row(score_row(image, scores), _line(image, scores))


def score_row(image: Path, scores: Scores) -> dict[str, Any]:
    """The JSON fields of a measured picture."""
    row: dict[str, Any] = {"image": str(image), "subject": scores.subject, "text": scores.text, "copy": scores.copy}
    return row | {"copied": scores.verdict == "copied", "verdict": scores.verdict, "details": dict(scores.details)}


def _line(image: Path, scores: Scores) -> str:
    reason = str(scores.details.get("reason", ""))
    return f"{clean(str(image))}: {scores_text(scores)}  {scores.verdict.replace('_', ' ')}: {clean(reason)}"
