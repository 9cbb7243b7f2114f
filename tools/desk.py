"""What a tool may touch while it works: one turn's view of the library, the session and the models."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Cancelled, NotFound, UserError
from ..memory.events import Question
from ..memory.values import Adapter, Concept, ConceptUse, Take
from .company import known_kind
from .values import MethodInfo, SubjectInput

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..memory.library import Library
    from ..memory.sessions import SessionStore
    from .company import Untaught
    from .jobs import Jobs
    from .presets import Preset
    from .studio import Studio

_EDGE = r"[\s\"'`,;:()<>\[\]“”„«»‘’]"
"""What may stand before a path in a sentence; the same, or a full stop, may follow it."""
_PICTURE = re.compile(
    r"""(?P<mark>["'])(?P<quoted>[^"'\n]{1,300}?\.EXT)(?P=mark)"""
    r"""|(?P<bare>(?:\\\ |[^\s"',;:!?()<>|“”„«»‘’]){1,300}\.EXT(?!\w))""".replace(
        "EXT", "(?:png|jpe?g|webp|gif|bmp|tiff?)"
    ),
    re.IGNORECASE,
)
REMEMBERED = 12
"""A path may have been typed or attached so many turns ago: a question may lie between."""


def never() -> bool:
    """The `cancelled` of work that nobody can stop."""
    return False


@dataclass(slots=True)
class Desk:
    """Everything one turn works on."""

    library: Library
    session: SessionStore
    studio: Studio
    preset: Preset
    text: str = ""
    """The user's sentence: paths may be read only when they stand in it (or in `files`)."""
    files: tuple[Path, ...] = ()
    """Pictures that the user attached, absolute paths."""
    method: str = "auto"
    """The method that the user forced for this turn; "auto" leaves it to the planner."""
    cancelled: Callable[[], bool] = never
    question: Question | None = None
    """Set by `ask_user`: the turn ends with it."""
    answer: str = ""
    """"yes" or "no" where a tool had asked back about this very sentence: the turn is it once more."""
    gate: bool = False
    """The question is a tool's own, and its answer repeats the sentence."""
    takes: list[Take] = field(default_factory=list)
    """What this turn has drawn or imported so far."""
    imported: dict[int, Take] = field(default_factory=dict)
    """The attached pictures once they are takes, by the numbers that the planner was told."""
    jobs: Jobs | None = None
    """The trainings, where there can be any."""
    done: set[str] = field(default_factory=set)
    """Calls that this turn has made already, so that a planner running in circles is told so."""

    @property
    def budget(self) -> float:
        """Seconds that one picture may take before the best one so far has to do."""
        return self.preset.budget

    def check(self) -> None:
        """Raises `Cancelled` when the user has stopped the turn."""
        if self.cancelled():
            raise Cancelled("Stopped.", "What was already finished is kept.")

    def may(self, question: str) -> bool | None:
        """Ask the user for a yes; `None`: asked just now, so the tool returns. It is called again with the answer."""
        if self.answer:
            return self.answer == "yes"
        self.question, self.gate = Question(question, ("yes", "no")), True
        return None

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
        every = self.library.concepts()
        known = {concept.id for concept in every}
        return shown_by(every)(take), [use.name for use in take.concepts if use.id not in known]

    def subjects(self, concepts: Iterable[Concept]) -> tuple[SubjectInput, ...]:
        """The concepts as the methods see them, with what is kept of them for this preset's models."""
        made = []
        for concept in concepts:
            found = {space: self.library.embeddings(concept, space) for space in self.studio.kept_spaces}
            kept = {space: array for space, array in found.items() if array is not None}
            # A word that the models do not know would be drawn as whatever it is nearest to.
            strange = self.studio.unknown_words(concept.kind, []) or not known_kind(
                concept.kind, self.preset.scenes.get("looks", ())
            )
            kind = "thing" if strange else concept.kind
            made.append(replace(subject_of(concept, self.library.adapters(concept)), kind=kind, embeddings=kept))
        return tuple(made)

    def untaught(self, figures: Iterable[Untaught]) -> tuple[SubjectInput, ...]:
        """Those whom nobody has taught, as the methods see them."""
        return tuple(
            self.studio.figures.as_subject(one, self.session.take(one.take).image if one.take else None)
            for one in figures
        )

    def keep(self, concepts: Iterable[Concept], subjects: Iterable[SubjectInput]) -> None:
        """Stores with the concepts what the methods have newly computed of them."""
        for concept, subject in zip(concepts, subjects, strict=True):
            for space, array in self.studio.kept(subject).items():
                if space not in subject.embeddings:
                    self.library.put_embeddings(concept, space, array)

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
        """The path behind `name`, if the user attached or typed it, in this sentence or a little earlier.

        Raises `UserError` otherwise: a planner never opens files of its own choice.
        """
        path = Path(name).expanduser()
        turns = self.session.turns()[-REMEMBERED:]
        attached = [*self.files, *(Path(file) for turn in turns for file in turn.get("files") or [])]
        for file in attached:
            if name in (str(file), file.name) or path == file:
                return file
        pattern = re.compile(f"(?:^|{_EDGE}){re.escape(_plain(name))}(?:$|{_EDGE}|[.!?])")
        typed = [self.text, *(str(turn.get("text") or "") for turn in turns)]
        if name.strip() and any(pattern.search(_plain(text)) for text in typed):
            return path
        raise UserError(
            f"{name!r} was neither attached nor named by you.",
            "Name the picture's file in the sentence, or attach it.",
        )

    def pictures(self) -> tuple[Path, ...]:
        """The pictures that came with the sentence: attached, or else typed in it."""
        if self.files:
            return self.files
        found = (match["quoted"] or match["bare"].replace("\\ ", " ") for match in _PICTURE.finditer(self.text))
        return tuple(dict.fromkeys(Path(name).expanduser() for name in found))

    def seed(self) -> int:
        """A seed where nobody named one: new for each picture, the same when a conversation repeats."""
        place = f"{self.session.name}/{len(self.session.turns())}/{self.newest()}/{len(self.takes)}"
        return int.from_bytes(hashlib.sha256(place.encode()).digest()[:4], "big")

    def newest(self) -> int:
        """The number of the session's newest take, 0 without one."""
        takes = self.session.takes()
        return takes[-1].number if takes else 0


def _plain(text: str) -> str:
    """Text in which a path reads the same however it was typed."""
    return unicodedata.normalize("NFC", text.replace("\\ ", " "))


def check_method(name: str, methods: Sequence[MethodInfo]) -> None:
    """Raises `NotFound` for an unknown method and `UserError` for one that cannot run; "auto" is fine."""
    if name == "auto":
        return
    for method in methods:
        if method.name == name:
            if not method.available:
                why = method.why or "its model is missing"
                raise UserError(f"The method {name!r} cannot run here: {why}.")
            return
    known = ", ".join(method.name for method in methods if method.available) or "none"
    raise NotFound(f"There is no method {name!r}.", f'Available: {known}; "auto" chooses by itself.')


def subject_of(concept: Concept, adapters: Sequence[Adapter] = ()) -> SubjectInput:
    """A concept as the methods see it, with its pictures read from the library and what was trained for it."""
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
        rejected=tuple(picture for path in concept.rejected if (picture := read(path, "RGB")) is not None),
        ratings=concept.ratings,
        key=f"{concept.id}@{concept.version}",
        adapters=tuple(adapters),
    )


def shown_by(concepts: Sequence[Concept]) -> Callable[[Take], list[Concept]]:
    """Tells which of `concepts` a take shows: whom it was drawn with, and whoever was learned from it.

    Who was learned from it takes the place of one of the same kind: Biscuit made blue is Bluey once he is called so.
    """
    known = {concept.id: concept for concept in concepts}
    learned: dict[str, list[Concept]] = {}
    for concept in concepts:
        for take in concept.taken_from:
            learned.setdefault(take, []).append(concept)

    def shown(take: Take) -> list[Concept]:
        new = learned.get(take.id, [])
        kinds = {concept.kind for concept in new}
        drawn = (known[use.id] for use in take.concepts if use.id in known)
        return [*(concept for concept in drawn if concept.kind not in kinds), *new]

    return shown


def uses(concepts: Iterable[Concept]) -> tuple[ConceptUse, ...]:
    """What a take records about the concepts it was drawn with."""
    return tuple(ConceptUse(concept.id, concept.name, concept.version) for concept in concepts)


def rounded(value: float | None, digits: int = 2) -> float | None:
    """A score as the planner reads it."""
    return None if value is None else round(value, digits)


def result(**fields: Any) -> dict[str, Any]:
    """A successful answer to the planner; empty fields are left out."""
    said_ones = {key: value for key, value in fields.items() if value not in (None, "", [], {}, ())}
    return {"ok": True, **said_ones}
