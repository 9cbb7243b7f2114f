"""What the user's verdict on a picture changes: the take, and what is tried next for its concepts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..memory.values import Rated, Take

if TYPE_CHECKING:
    from ..memory.library import Library
    from ..memory.sessions import SessionStore


def rate(library: Library, session: SessionStore, take: Take, liked: bool) -> Take:
    """Keep the verdict with the take and, as a new version, with every concept that it shows.

    Thresholds and the choice of a method follow it; reverting the concept takes that back. Returns the rated take.
    """
    done = session.rate(take.id, liked)
    if take.method:
        asked: Mapping[str, Any] = take.settings.get("request") or {}
        kind = str(asked.get("kind", ""))
        told = Rated(take.id, liked, take.method, take.scores.subject, take.scores.text, kind)
        alive = {concept.id for concept in library.concepts()}
        for use in take.concepts:
            if use.id in alive:
                library.learn(use.id, told)
    return done
