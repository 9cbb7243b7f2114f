"""What a tool may touch while it works: one turn's view of the library, the session and the models."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Cancelled, NotFound, UserError
from ..memory.events import Question
from ..memory.values import Concept, ConceptUse, Take
from .values import MethodInfo, SubjectInput

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..memory.library import Library
    from ..memory.sessions import SessionStore
    from .studio import Studio

_EDGE = r"[\s\"'`,;:()<>\[\]]"
"""What may stand before a path in a sentence; the same, or a full stop, may follow it."""


def never() -> bool:
    """The `cancelled` of work that nobody can stop."""
    return False


@dataclass(slots=True)
class Desk:
    """Everything one turn works on."""

    library: Library
    session: SessionStore
    studio: Studio
    text: str = ""
    """The user's sentence: paths may be read only when they stand in it (or in `files`)."""
    files: tuple[Path, ...] = ()
    """Pictures that the user attached, absolute paths."""
    method: str = "auto"
    """The method that the user forced for this turn; "auto" leaves it to the planner."""
    preset: str = ""
    cancelled: Callable[[], bool] = never
    question: Question | None = None
    """Set by `ask_user`: the turn ends with it."""
    takes: list[Take] = field(default_factory=list)
    """What this turn has drawn or imported so far."""
    imported: dict[Path, Take] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    """Calls that this turn has made already, so that a planner running in circles is told so."""

    def check(self) -> None:
        """Raises `Cancelled` when the user has stopped the turn."""
        if self.cancelled():
            raise Cancelled("Stopped.", "What was already finished is kept.")

    # -- concepts ---------------------------------------------------------------------------------

    def concepts(self, names: Iterable[str]) -> list[Concept]:
        """The newest versions of the named concepts, each once. Raises `NotFound`."""
        found: dict[str, Concept] = {}
        for name in names:
            concept = self.library.concept(name)
            found.setdefault(concept.id, concept)
        return list(found.values())

    def concepts_of(self, take: Take) -> tuple[list[Concept], list[str]]:
        """The newest versions of what `take` shows, and the names of those that were forgotten."""
        known = {concept.id: concept for concept in self.library.concepts()} if take.concepts else {}
        alive = [known[use.id] for use in take.concepts if use.id in known]
        return alive, [use.name for use in take.concepts if use.id not in known]

    # -- methods ----------------------------------------------------------------------------------

    def choose_method(self, asked: str) -> str:
        """The method to draw with: what the user forced, else what the planner asked for.

        Raises `NotFound` for an unknown one and `UserError` for one that this preset cannot run.
        """
        name = self.method if self.method != "auto" else asked
        check_method(name, self.studio.methods())
        return name

    # -- pictures ---------------------------------------------------------------------------------

    def may_read(self, name: str) -> Path:
        """The path behind `name`, if the user attached it or typed it in this sentence.

        Raises `UserError` otherwise: a planner never opens files of its own choice.
        """
        path = Path(name).expanduser()
        for attached in self.files:
            if name in (str(attached), attached.name) or path == attached:
                return attached
        if name.strip() and re.search(f"(?:^|{_EDGE}){re.escape(name)}(?:$|{_EDGE}|[.!?])", self.text):
            return path
        raise UserError(
            f"{name!r} was neither attached nor named in the sentence.",
            "Name the picture's file in the sentence, or attach it.",
        )

    def seed_for(self, number: int) -> int:
        """The seed of take `number` where nobody asked for one: the same conversation draws the same pictures."""
        digest = hashlib.sha256(f"{self.session.name}/{number}".encode()).digest()
        return int.from_bytes(digest[:4], "big")

    def next_number(self) -> int:
        """The number that the session's next take is expected to get."""
        takes = self.session.takes()
        return takes[-1].number + 1 if takes else 1


def check_method(name: str, methods: Sequence[MethodInfo]) -> None:
    """Raises `NotFound` for an unknown method and `UserError` for one that cannot run; "auto" is fine."""
    if name == "auto":
        return
    for method in methods:
        if method.name == name:
            if not method.available:
                raise UserError(f"The method {name!r} cannot run here: {method.why or 'its model is missing'}.")
            return
    known = ", ".join(method.name for method in methods if method.available) or "none"
    raise NotFound(f"There is no method {name!r}.", f"Available: {known}; \"auto\" chooses by itself.")


def subject_of(concept: Concept) -> SubjectInput:
    """A concept as the methods see it, with its pictures read from the library."""
    from PIL import Image

    def read(path: Path | None, mode: str) -> Image.Image | None:
        if path is None:
            return None
        with Image.open(path) as picture:
            return picture.convert(mode)

    references = tuple(picture for path in concept.references if (picture := read(path, "RGB")) is not None)
    return SubjectInput(
        name=concept.name,
        kind=concept.kind,
        references=references,
        masks=tuple(read(path, "L") for path in concept.masks),
        attributes=concept.stable,
        negatives=concept.negatives,
        key=f"{concept.id}@{concept.version}",
    )


def uses(concepts: Iterable[Concept]) -> tuple[ConceptUse, ...]:
    """What a take records about the concepts it was drawn with."""
    return tuple(ConceptUse(concept.id, concept.name, concept.version) for concept in concepts)


def said(words: Sequence[str]) -> str:
    """A list as a person says it: "a", "a and b", "a, b and c"."""
    quoted = list(words)
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def rounded(value: float | None, digits: int = 2) -> float | None:
    """A score as the planner reads it."""
    return None if value is None else round(value, digits)


def result(**fields: Any) -> dict[str, Any]:
    """A successful answer to the planner; empty fields are left out."""
    return {"ok": True, **{key: value for key, value in fields.items() if value not in (None, "", [], {}, ())}}
