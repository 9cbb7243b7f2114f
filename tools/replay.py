"""Draw a take again from its record and compare bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import ModelError, NotFound, UserError
from ..memory.values import Adapter, Concept, Take
from .company import others_of
from .desk import never, subject_of
from .draw import request_of
from .values import Drawn

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..memory.library import Library
    from .studio import Studio


@dataclass(frozen=True, slots=True)
class Replay:
    """A take drawn once more."""

    take: Take
    image: Image
    identical: bool
    """Every pixel is the same. Promised on the same machine with the same weights only."""
    seconds: float


def replay(library: Library, studio: Studio, take: Take, cancelled: Callable[[], bool] = never) -> Replay:
    """Draw `take` again with its recorded request, seed, concept versions and model. Stores nothing.

    Raises `UserError` when that is impossible: an imported take, a forgotten concept, other weights.
    """
    concepts = []
    for use in take.concepts:
        try:
            concepts.append(library.concept_at(use.id, use.version))
        except NotFound:
            raise UserError(f"Take {take.number} cannot be replayed: {use.name} was forgotten.") from None
    subjects = tuple(subject_of(concept, _adapters(library, concept, take)) for concept in concepts)
    for other in others_of(take):
        shown = _picture(library, take, other.take or None)
        subjects += (studio.figures.as_subject(other, shown),)
    source, borrow = (_picture(library, take, ref) for ref in (take.parent, take.borrow_from))
    request = request_of(take, subjects, source, borrow)
    if source is not None and take.settings["request"].get("held"):
        request = replace(request, within=studio.figures.near(source))
    weights = studio.model_hash(take.method)
    if weights != take.model:
        raise UserError(
            f"Take {take.number} was drawn with other weights ({take.model[:12]}, now {weights[:12]}).",
            "Open it with the preset that drew it.",
        )
    index = take.settings["request"]["index"]
    for step in studio.draw(request, cancelled):
        if isinstance(step, Drawn) and step.index == index:
            same = step.image.size == take.image.size and step.image.tobytes() == take.image.tobytes()
            return Replay(take, step.image, same, step.seconds)
    raise ModelError("The model returned no picture.")


def _adapters(library: Library, concept: Concept, take: Take) -> list[Adapter]:
    """The very adapters that drew the take. Raises `UserError` when one was replaced by a newer training."""
    kept = [adapter for adapter in library.adapters(concept) if adapter.id in take.adapters]
    if take.adapters and not kept and concept.id == take.concepts[0].id:
        raise UserError(f"Take {take.number} cannot be replayed: what was trained for it is gone.")
    return kept


def _picture(library: Library, take: Take, ref: str | None) -> Image | None:
    if ref is None:
        return None
    try:
        return library.find_take(ref, take.session).image
    except NotFound:
        raise UserError(f"Take {take.number} cannot be replayed: a take that it was made from is gone.") from None
