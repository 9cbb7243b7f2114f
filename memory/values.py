"""The records that Limner keeps, as frozen values without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from PIL import Image

Verdict = Literal["accept", "retry", "copied", "not_measured"]
Origin = Literal["draw", "edit", "import"]
Rating = Literal["good", "bad"]
FROM_TAKE = "take: "
"""Begins the note of a concept that names a take it was learned from."""


@dataclass(frozen=True, slots=True)
class Scores:
    """How a picture measures up. Each score lies in 0..1, `None` where nothing could be measured.

    `subject`: fidelity of the subject's foreground to the references (high is good).
    `text`: alignment with the prompt (high is good). `copy`: nearness to a reference (high is bad).
    """

    subject: float | None = None
    text: float | None = None
    copy: float | None = None
    verdict: Verdict = "not_measured"
    details: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What the verdict rests on, as JSON values; only what was measured: `references` (a subject's similarity to each
    of its references), `phrases` (a piece of the prompt to the chance that it holds), `missing` (what is not in the
    picture), `leak` (subjects by regions), `copy_of`, `thresholds` and a `reason` in words."""


@dataclass(frozen=True, slots=True)
class ConceptUse:
    """Which version of which concept a take was drawn with."""

    id: str
    name: str
    version: int


@dataclass(frozen=True, slots=True)
class Adapter:
    """What a method learned about a concept: a folder of files in the layout of its ecosystem."""

    id: str
    """Unique everywhere."""
    method: str
    folder: Path
    model: str
    """Hash of the weights that it was trained on; it fits no others."""
    version: int
    """The concept's version that it learned."""
    scores: Scores = Scores()
    """Of the kept checkpoint, on prompts that the references do not show."""
    created: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Steps, seconds and the like."""
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Rated:
    """What the user thought of a take that shows a concept, with what was measured about it."""

    take: str
    """The take's id."""
    liked: bool
    method: str
    subject: float | None = None
    text: float | None = None
    request: str = ""
    """The kind of request that it answered, as in `Served`; "" where that is not known."""


@dataclass(frozen=True, slots=True)
class Served:
    """How often a method was tried for a concept and a kind of request, and how often its picture was accepted."""

    request: str
    method: str
    tried: int
    accepted: int


@dataclass(frozen=True, slots=True)
class Concept:
    """A subject the user has taught, at one version."""

    id: str
    name: str
    kind: str
    """The class noun: "dog", "mug"."""
    version: int
    category: str = "subject"
    """"subject", "person" or "style"."""
    stable: tuple[str, ...] = ()
    """Attributes that belong to the subject ("longer ears")."""
    changeable: tuple[str, ...] = ()
    """Attributes that a prompt may override ("wears a scarf")."""
    negatives: tuple[str, ...] = ()
    """What must not be drawn with it ("hat")."""
    references: tuple[Path, ...] = ()
    """Absolute paths of the reference pictures (upright RGB PNG)."""
    masks: tuple[Path | None, ...] = ()
    """Per reference an 8-bit mask of the subject, or `None`."""
    rejected: tuple[Path, ...] = ()
    """Pictures the user rejected, kept as negative examples."""
    created: str = ""
    notes: tuple[str, ...] = ()
    ratings: tuple[Rated, ...] = ()
    """What the user thought of takes that show it, at most one a take."""
    served: tuple[Served, ...] = ()
    """What the methods have achieved for it since this version, and up to it."""

    @property
    def taken_from(self) -> tuple[str, ...]:
        """Ids of the takes that it was learned from, where its references are no files of the user's."""
        return tuple(note.removeprefix(FROM_TAKE) for note in self.notes if note.startswith(FROM_TAKE))


@dataclass(frozen=True, slots=True)
class Take:
    """One picture of a session: a node in its tree."""

    id: str
    """Unique everywhere."""
    number: int
    """1, 2, 3 … in its session, as a person counts; never reused."""
    session: str
    origin: Origin
    prompt: str
    """The user's words for this picture: a draw's prompt or an edit's instruction."""
    image_path: Path
    parent: str | None = None
    """Id of the take this one was made from."""
    description: str = ""
    """What the picture shows as far as known: the draw prompt and the edits since; "" for an import."""
    concepts: tuple[ConceptUse, ...] = ()
    method: str = ""
    adapters: tuple[str, ...] = ()
    borrow_from: str | None = None
    seed: int = 0
    model: str = ""
    """Hash of the weights that drew it."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    scores: Scores = Scores()
    seconds: float = 0.0
    created: str = ""
    """ISO 8601, UTC."""
    rating: Rating | None = None

    @property
    def image(self) -> Image.Image:
        """The picture, RGB, read from the library."""
        from PIL import Image

        with Image.open(self.image_path) as picture:
            return picture.convert("RGB")


@dataclass(frozen=True, slots=True)
class Usage:
    """What the planner's calls cost, as far as its provider reports it."""

    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    cost: float | None = None
    """In the provider's currency (US dollars with all that report it); `None` where nobody says."""

    def __add__(self, other: Usage) -> Usage:
        known = [cost for cost in (self.cost, other.cost) if cost is not None]
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.calls + other.calls,
            sum(known) if known else None,
        )
