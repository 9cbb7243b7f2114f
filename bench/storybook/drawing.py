"""How a trial's picture is made: by one method, the best of several candidates by the product's scores, or by the
product's own ladder."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from ...errors import ModelError
from ...memory.library import Library
from ...memory.values import Scores
from ...starter.world import Scene, render
from ...tools.desk import Desk
from ...tools.ladder import Attempt, Ladder, score, worth
from ...tools.values import Drawn, DrawRequest, SubjectInput

if TYPE_CHECKING:
    from ...tools.studio import Studio

LADDER = "ladder"
"""Stands for a method's name where the ladder draws."""


def subject_of(studio: Studio, name: str, scenes: Sequence[Scene], key: str) -> SubjectInput:
    """A subject as the product teaches it: the masks are those that the studio finds. The class is not said."""
    prepared = [studio.prepare(render(scene).image) for scene in scenes]
    return SubjectInput(
        name=name,
        kind="thing",
        references=tuple(p.image for p in prepared),
        masks=tuple(p.mask for p in prepared),
        key=key,
    )


class Artist:
    """Draws through a real library, as the agent does. Use as a context manager."""

    def __init__(self, studio: Studio, method: str, candidates: int = 1) -> None:
        self.studio, self.method, self.candidates = studio, method, candidates
        self._kept = ExitStack()

    def __enter__(self) -> Artist:
        return self

    def __exit__(self, *error: object) -> None:
        self._kept.close()

    @cached_property
    def desk(self) -> Desk:
        """A turn's view of a library that is gone afterwards."""
        home = self._kept.enter_context(tempfile.TemporaryDirectory(prefix="limner-bench-"))
        library = self._kept.enter_context(Library.open(home))
        return Desk(library, library.session(), self.studio, self.studio.preset)

    def draw(self, request: DrawRequest) -> tuple[Drawn, Scores, int, float]:
        """The chosen picture, its scores, how many candidates were drawn, and the seconds for all of it."""
        began = time.monotonic()
        if self.method == LADDER:
            chosen, tried = self._climbed(request)
        else:
            request = replace(request, method=self.method, count=self.candidates)
            made = [
                Attempt(request, step, score(self.studio, request, step, request.prompt))
                for step in self.studio.draw(request, lambda: False)
                if isinstance(step, Drawn)
            ]
            if not made:
                raise ModelError(f"Nothing was drawn for {request.prompt!r}.")
            chosen, tried = max(made, key=lambda attempt: worth(attempt.scores)), len(made)
        return chosen.drawn, chosen.scores, tried, time.monotonic() - began

    def _climbed(self, request: DrawRequest) -> tuple[Attempt, int]:
        """By the ladder; every subject is a new concept of the library, so nothing is remembered from before."""
        concepts = [self.desk.library.teach(s.name, s.kind, s.references, s.masks) for s in request.subjects]
        try:
            ladder = Ladder(self.desk, replace(request, method="auto"), concepts, request.prompt)
            steps = ladder.climb()
            while True:
                try:
                    next(steps)
                except StopIteration as end:
                    return end.value.chosen, len(end.value.tried)
        finally:
            for concept in concepts:
                self.desk.library.forget(concept.name)
