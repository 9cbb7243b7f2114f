"""One model family a file. A backbone loads, places, runs and frees a real library class.

The registry finds them by looking into this folder (and at the entry points `limner.backbones`): each module defines
one subclass of `Backbone`. Methods ask for a kind of backbone ("ar", "diffusion"), never for a family.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from ...errors import ModelError
from ..hashes import sha256
from ..registry import discover

NO_SETTINGS: Mapping[str, Any] = MappingProxyType({})


class Backbone(ABC):
    """A loaded model of one family."""

    family: ClassVar[str]
    """The name that presets use: "janus"."""
    kind: ClassVar[str]
    """"ar" or "diffusion"."""
    label: ClassVar[str] = ""
    """What people call it."""
    takes: ClassVar[frozenset[str]] = frozenset()
    """What methods may ask of it: "references" (pictures beside the prompt), "edit", "inpaint", "lora",
    "textual_inversion", "ip_adapter", "regions" (subjects each in a part of the picture), "train" (a LoRA
    can be trained on it), "train_words", "train_weights" (so can learned words, and all its weights)."""
    cannot: ClassVar[str] = ""
    """What one might expect of it and does not get, and why; said to the user."""
    settings: ClassVar[frozenset[str]] = frozenset()
    """What a preset may set beside a placement; methods have settings of their own."""
    most_references: ClassVar[int] = 0
    """Pictures that one prompt may speak of."""
    calls_pictures: ClassVar[str] = "image {}"
    """How its makers number the pictures in a prompt, from 1."""
    single_file: ClassVar[tuple[str, ...]] = ()
    """How the names in a checkpoint of one file begin, for families whose checkpoints come so too."""

    def __init__(self, folder: Path, weights: Path | None = None) -> None:
        """`weights`: the folder or file that the weights were read from, if not `folder`."""
        self.folder = folder
        self.weights = weights or folder

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, device: str = "cpu", settings: Mapping[str, Any] = NO_SETTINGS) -> Backbone:
        """Reads the checkpoint in `folder` (safetensors only); `settings` are the preset's for this model.

        Raises `ModelError` when it is missing or broken.
        """

    @abstractmethod
    def free(self) -> None:
        """Lets go of the weights; the object cannot be used afterwards. `machine.give_back` returns the memory."""

    @classmethod
    def space_of(cls, folder: Path, settings: Mapping[str, Any] = NO_SETTINGS) -> str:
        """Name of the space of what the model in `folder` hears of references, kept with a concept; "" for nothing."""
        return ""

    @cached_property
    def hash(self) -> str:
        """Twelve hex digits over the weights' files: what a take remembers of who drew it."""
        return weights_hash(self.weights)


def weights_hash(place: Path) -> str:
    """Twelve hex digits over all `*.safetensors` in a folder and below, or over one file, by path and content."""
    files = [place] if place.is_file() else sorted(place.rglob("*.safetensors"))
    if not files:
        hint = "Correct the preset, reinstall Limner, or choose another one."
        raise ModelError(f"There are no weights in {place}.", hint)
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(place if place.is_dir() else place.parent).as_posix().encode())
        digest.update(sha256(file))
    return digest.hexdigest()[:12]


def backbones() -> dict[str, type[Backbone]]:
    """All registered families by name."""
    return discover(__name__, __path__, Backbone, "limner.backbones", "family")
