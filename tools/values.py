"""What goes into the models and comes out of them, as values. Imports no heavy library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..memory.values import Adapter

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from ..memory.values import Rated
    from .photographs import Look


@dataclass(frozen=True, slots=True)
class Loaded:
    """A picture read from a file: RGB, upright; `notices` says what was lost on the way."""

    image: Image
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A reference picture with its subject found."""

    image: Image
    mask: Image | None
    """8-bit mask of the subject, the size of `image`; `None` when no subject was found."""
    storybook: bool = True
    """False: the picture is not of the world that the preset's models know (a photograph under `starter`)."""
    look: Look | None = None
    """Of a photograph: what was seen in it; `None` for a picture of the models' own world."""


UNTAUGHT = "@untaught"
"""Ends the key of a subject that stands for somebody whom nobody has taught; its pictures are nobody's references."""


@dataclass(frozen=True, slots=True)
class SubjectInput:
    """A taught subject as the methods see it."""

    name: str
    kind: str
    references: tuple[Image, ...]
    masks: tuple[Image | None, ...] = ()
    attributes: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    key: str = ""
    """"<concept id>@<version>": what is computed from the references is cached under it."""
    adapters: tuple[Adapter, ...] = ()
    """What was trained for it, newest first."""
    embeddings: Mapping[str, np.ndarray] = field(default_factory=dict)
    """What is kept with the concept, `[references, d]` by the name of the space."""
    rejected: tuple[Image, ...] = ()
    """Pictures that the user rejected: what is like them is wrong."""
    ratings: tuple[Rated, ...] = ()
    """What the user thought of pictures of it; moves the thresholds."""


@dataclass(frozen=True, slots=True)
class DrawRequest:
    """One request for pictures. With `source` it is an edit, otherwise a drawing."""

    prompt: str
    """The user's words; concepts stand in it by their names."""
    subjects: tuple[SubjectInput, ...] = ()
    method: str = "auto"
    description: str = ""
    """Of an edit: what the whole picture is to show afterwards, as far as it was ever said."""
    source: Image | None = None
    coming: tuple[str, ...] = ()
    """Names of the subjects that come in new with an edit; the others stand in `source`."""
    source_mask: Image | None = None
    """8-bit mask of the one figure in `source`; found by the studio for methods that ask, where no reference shows that
    figure."""
    scene: str | None = None
    """Of an edit of what the figure of `source_mask` wears: the whole picture afterwards, the figure as `{}` ("{} with
    a crown, on the beach, at night"); found by the studio for methods that paint it anew."""
    emptied: Image | None = None
    """8-bit mask of the part of `source` that a figure leaves; that of `source_mask` stays. Found by the studio."""
    within: Image | None = None
    """8-bit mask of the part of `source` that may change, for methods that can hold the rest."""
    whose: Image | None = None
    """The same, of an edit about one figure of several: that one's part of `source`; found by the studio."""
    borrow: Image | None = None
    """Another picture from which the edit takes something ("the hat from the fifth")."""
    count: int = 1
    seed: int | None = None
    number: int = 0
    """How many pictures were drawn from these words before: small models are told to vary what the words leave open."""
    size: str | int = "square"

    @property
    def free(self) -> Image | None:
        """8-bit mask of what may change, by both reasons; `None`: all of it."""
        from PIL import ImageChops

        if self.within is None or self.whose is None:
            return self.within or self.whose
        return ImageChops.darker(self.within, self.whose)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One finished candidate."""

    image: Image
    index: int
    seed: int
    method: str
    model: str
    """Hash of the weights that drew it."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    adapters: tuple[str, ...] = ()
    """Ids of the adapters that it was drawn with."""


@dataclass(frozen=True, slots=True)
class MethodInfo:
    """A registered personalization method and whether this preset can run it."""

    name: str
    summary: str
    capabilities: frozenset[str]
    available: bool
    why: str = ""
