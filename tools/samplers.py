"""How a pipeline steps from noise to a picture, where a checkpoint wants it otherwise than its family."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError

_HURRIED = re.compile(r"turbo|lightning|hyper|lcm|dmd", re.IGNORECASE)


def sampler(scheduler: Any, asked: Mapping[str, Any]) -> Any:
    """The pipeline's scheduler with the preset's `sampler` settings: `kind`, a class of diffusers, and its arguments.

    Raises `UserError` for a class that does not suit the model, or an argument that it does not take.
    """
    import diffusers

    arguments = dict(asked)
    name = str(arguments.pop("kind", type(scheduler).__name__))
    made: Any = getattr(diffusers, name, None)
    own = _arguments(type(scheduler))
    known = _arguments(made) if isinstance(made, type) and issubclass(made, diffusers.SchedulerMixin) else set()
    # What follows a schedule of noise and what follows a flow do not know each other's models.
    if not known or ("beta_schedule" in known) != ("beta_schedule" in own):
        listed = ", ".join(sorted({type(scheduler).__name__, *scheduler._compatibles}))
        raise UserError(f"{name} is no sampler for this model.", f"Such are: {listed}.")
    if strange := sorted(arguments.keys() - known):
        near = difflib.get_close_matches(strange[0], known, 1)
        hint = f"Did you mean {near[0]!r}?" if near else f"It has: {', '.join(sorted(known))}."
        raise UserError(f"The sampler {name} has no setting {strange[0]!r}.", hint)
    return made.from_config(scheduler.config, **arguments)


def _arguments(made: type) -> set[str]:
    return set(inspect.signature(made).parameters)


def hurried(file: Path, metadata: Mapping[str, str]) -> str:
    """What to set for a checkpoint that was distilled to few steps, going by its name; "" for others.

    Its weights do not tell: they have the names and shapes of any other's.
    """
    said = f"{file.stem} {metadata.get('modelspec.title', '')}"
    if not (found := _HURRIED.search(said)):
        return ""
    steps = re.search(r"(\d+)[ _-]?step", said, re.IGNORECASE)
    way = "kind: LCMScheduler" if found[0].lower() == "lcm" else "timestep_spacing: trailing"
    return (
        f"Its name says {found[0].lower()}: such checkpoints are made for few steps. If it is one, set steps: "
        f"{steps[1] if steps else 4}, guidance: 1, sampler: {{{way}}} beside it, or as its makers say."
    )
