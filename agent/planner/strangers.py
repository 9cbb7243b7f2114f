"""Names with an "@" that nobody has taught: "Biscuit and @Foo in the snow"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...tools.words import listed
from .spelling import nearly
from .state import Ask, Call, Hints, State, Step

_AT = re.compile(r"(?<![\w.@/])@(?P<name>[^\W\d_][\w'-]*)")
_NEW_NAMES = ("teach", "rename")


def by_name(text: str, state: State, hints: Hints | None) -> str:
    """The sentence with every subject that "@" points to by its name, and with who was meant in a stranger's place."""
    for concept in state.concepts:
        name = concept.name.replace("\\", r"\\")
        text = re.sub(rf"(?<![\w.@/])@{re.escape(concept.name)}(?!\w)", name, text, flags=re.IGNORECASE)
    match = _stranger(text, state)
    if match is None or hints is None or not (hints.concept or hints.mode == "plain"):
        return text
    return f"{text[: match.start()]}{hints.concept or match['name']}{text[match.end() :]}"


def who_is(text: str, state: State, steps: Sequence[Step]) -> list[Step]:
    """A question about a stranger; `[]` where there is none, or where the sentence gives a new name."""
    match = _stranger(text, state)
    if match is None or any(isinstance(step, Call) and step.tool in _NEW_NAMES for step in steps):
        return []
    name, known = match["name"], [c.name for c in state.concepts if c.name.lower() not in text.lower()]
    near = [each for each in known if nearly(name.lower(), each.lower())]
    some = listed(near or known[:4])
    if not some:
        return [Ask(f"I do not know @{name} yet. Attach pictures to teach me.", ("just draw it",), "concept")]
    asked = f"; did you mean {some}?" if near else f"; I know {some}."
    return [Ask(f"I do not know @{name}{asked}", (*(near or known[:4]), "just draw it"), "concept")]


def _stranger(text: str, state: State) -> re.Match[str] | None:
    names = [name.casefold() for c in state.concepts for name in (c.name, *c.nicknames)]
    found = (m for m in _AT.finditer(text) if not text[m.start("name") :].casefold().startswith(tuple(names)))
    return next(found, None)
