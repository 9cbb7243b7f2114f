"""The tools about the conversation itself: undo, redo, fork, compare, rate, ask_user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ..errors import UserError
from ..memory.events import Question
from ..memory.values import Take
from . import feedback
from .catalog import Working, tool
from .desk import Desk, result, rounded

if TYPE_CHECKING:
    from .studio import Studio

TakeNumber = Annotated[int, Field(ge=1, description="The take's number.")]
Steps = Annotated[int, Field(ge=1, le=10_000, description="How many steps.")]


@tool(order=15)
def undo(desk: Desk, steps: Steps = 1) -> Working:
    """Go back to where the user was before the last picture, or several steps back."""
    yield from ()
    return _at(desk.session.undo(steps), steps)


@tool(order=16)
def redo(desk: Desk, steps: Steps = 1) -> Working:
    """Take back an undo."""
    yield from ()
    return _at(desk.session.redo(steps), steps)


@tool(order=17)
def fork(desk: Desk, take: TakeNumber) -> Working:
    """Go to a take; what is drawn next branches off there."""
    yield from ()
    return _at(desk.session.fork(take), None)


def _at(take: Take | None, steps: int | None) -> dict[str, Any]:
    if take is None:
        return result(steps=steps, note="You are back at the very beginning.")
    return result(take=take.number, steps=steps, description=take.description or take.prompt)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What tells two takes apart."""

    first: Take
    second: Take
    similarity: float
    """Cosine similarity of the two pictures' embeddings, -1..1."""
    changed: float
    """Share of the pixels that differ visibly, 0..1."""
    better: Take | None
    """The one with the higher scores; `None` when they tie or were not measured."""


def compare_takes(studio: Studio, first: Take, second: Take) -> Comparison:
    """Measure two takes against each other."""
    import numpy as np

    one, other = first.image, second.image
    vectors = studio.embed_images([one, other])
    a = np.asarray(one, dtype=np.int16)
    b = np.asarray(other.resize(one.size), dtype=np.int16)
    changed = float((np.abs(a - b).max(axis=2) > 24).mean())
    totals = [_total(take) for take in (first, second)]
    better = None
    if None not in totals and totals[0] != totals[1]:
        better = max((first, second), key=lambda take: _total(take) or 0.0)
    return Comparison(first, second, float(vectors[0] @ vectors[1]), changed, better)


def _total(take: Take) -> float | None:
    if take.scores.verdict == "copied":
        return 0.0
    values = [value for value in (take.scores.subject, take.scores.text) if value is not None]
    return sum(values) / len(values) if values else None


@tool(order=18)
def compare(
    desk: Desk,
    takes: Annotated[list[int], Field(min_length=2, max_length=6, description="Numbers of the takes.")],
) -> Working:
    """Compare takes: what they show, how they score, how much differs."""
    yield from ()
    if len(set(takes)) < 2:
        raise UserError("Two different takes are needed to compare.")
    found = [desk.session.take(number) for number in dict.fromkeys(takes)]
    pairs = []
    for other in found[1:]:
        pair = compare_takes(desk.studio, found[0], other)
        pairs.append(
            {
                "takes": [pair.first.number, pair.second.number],
                "similarity": rounded(pair.similarity),
                "changed": rounded(pair.changed),
            }
            | ({"better": pair.better.number} if pair.better else {})
        )
    shown = [
        {
            "take": take.number,
            "shows": take.description or take.prompt,
            "subject": rounded(take.scores.subject),
            "text": rounded(take.scores.text),
        }
        for take in found
    ]
    return result(compared=shown, pairs=pairs)


@tool(order=19)
def rate(desk: Desk, take: TakeNumber, liked: Annotated[bool, Field(description="true: good, false: bad.")]) -> Working:
    """Keep the user's verdict on a take; thresholds and methods for its concepts follow it."""
    yield from ()
    rated = feedback.rate(desk.library, desk.session, desk.session.take(take), liked)
    return result(take=rated.number, rating="good" if liked else "bad")


@tool(order=40)
def ask_user(
    desk: Desk,
    question: Annotated[str, Field(min_length=1, max_length=500, description="One short question.")],
    options: Annotated[list[str], Field(max_length=9, description="Short answers to choose from.")] = [],  # noqa: B006
) -> Working:
    """Ask the user when the sentence can be understood in more than one way. Ends the turn."""
    desk.question = Question(question, tuple(option for option in options if option))
    yield desk.question
    return result(asked=question)
