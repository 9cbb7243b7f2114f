"""Shell completion: names from the library and the presets, read without a lock or a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ..memory.library import Library

Offer = list[tuple[str, str]]


def _quietly(offer: Callable[[typer.Context], Offer]) -> Callable[[typer.Context, str], Offer]:
    """Completion must never disturb the line that is being typed: a failure offers nothing."""

    def offered(ctx: typer.Context, incomplete: str) -> Offer:
        try:
            start = incomplete.casefold()
            # The rest of a name is given in the case the user began to type it in.
            return [
                (incomplete + value[len(incomplete) :], about)
                for value, about in offer(ctx)
                if value.casefold().startswith(start)
            ]
        except Exception:
            return []

    return offered


@contextmanager
def _library(ctx: typer.Context) -> Iterator[Library]:
    from ..memory.library import Library

    with Library.open(ctx.meta.get("limner.home"), write=False) as library:
        yield library


@_quietly
def concepts(ctx: typer.Context) -> Offer:
    with _library(ctx) as library:
        return [(concept.name, concept.kind) for concept in library.concepts()]


@_quietly
def sessions(ctx: typer.Context) -> Offer:
    with _library(ctx) as library:
        return [(name, "") for name in library.sessions()]


@_quietly
def takes(ctx: typer.Context) -> Offer:
    with _library(ctx) as library:
        store = library.session(ctx.params.get("session") or "default", create=False)
        return [(str(take.number), take.prompt) for take in reversed(store.takes())]


@_quietly
def exportable(ctx: typer.Context) -> Offer:
    """Names of what stands before: `export concept NAME` or `export session NAME`."""
    with _library(ctx) as library:
        if ctx.params.get("what") == "session":
            return [(name, "") for name in library.sessions()]
        return [(concept.name, concept.kind) for concept in library.concepts()]


@_quietly
def presets(ctx: typer.Context) -> Offer:
    from ..tools.presets import presets as all_presets

    return [(preset.name, preset.summary) for preset in all_presets(ctx.meta.get("limner.home"))]


@_quietly
def methods(ctx: typer.Context) -> Offer:
    from ..tools.presets import load_preset

    preset = load_preset(ctx.meta.get("limner.preset", "starter"), ctx.meta.get("limner.home"))
    return [(name, "") for name in preset.methods]
