"""The tool that trains a subject: fine-tuning on demand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ..errors import UserError
from ..memory.events import JobChanged
from .catalog import Working, tool
from .desk import Desk, check_method, result
from .teach import Name

if TYPE_CHECKING:
    from .values import MethodInfo

PREFERRED = ("lora", "ar_lora")
"""What is trained where nobody names a method."""
LONGEST = 86_400


@tool(order=40, needs="trained")
def finetune_lora(
    desk: Desk,
    concept: Name,
    seconds: Annotated[
        float | None, Field(gt=0, le=LONGEST, description="Budget, only when the user names one.")
    ] = None,
) -> Working:
    """Train a small adapter on a concept in the background, when the user asks for training by name or has agreed."""
    known = desk.library.concept(concept)
    method = trained_method(desk.studio.methods(), desk.method)
    if desk.jobs is None:
        raise UserError("Nothing can be trained here.")
    expected = yield from desk.jobs.estimate(desk.studio, known, method)
    desk.studio.give_way(method)
    job = desk.jobs.start(known, method, seconds)
    yield JobChanged(job.row())
    about = min(expected, seconds) if seconds is not None else expected
    waiting = len(desk.jobs.unfinished()) > 1
    note = f"It takes about {about:.0f} seconds{' once it is its turn' if waiting else ''}; you can go on meanwhile."
    return result(concept=known.name, job=job.id, method=method, state=job.state, estimate=round(about), note=note)


def trained_method(methods: Sequence[MethodInfo], asked: str = "auto") -> str:
    """The method to train with: the one asked for if it trains, else the preset's LoRA.

    Raises `NotFound` for an unknown one, `UserError` for one that does not train or where none can.
    """
    check_method(asked, methods)
    able = [m.name for m in methods if m.available and "trained" in m.capabilities]
    if asked != "auto" and asked in able:
        return asked
    if asked != "auto":
        raise UserError(f"{asked} needs no training.", f"These do: {', '.join(able) or 'none here'}.")
    if not able:
        raise UserError("No method of this preset trains.", "Choose another preset.")
    return next((name for name in PREFERRED if name in able), able[0])
