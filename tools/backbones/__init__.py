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
from ..registry import discover

NO_SETTINGS: Mapping[str, Any] = MappingProxyType({})


class Backbone(ABC):
    """A loaded model of one family."""

    family: ClassVar[str]
    """The name that presets use: "janus"."""
    kind: ClassVar[str]
    """"ar" or "diffusion"."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, device: str = "cpu", settings: Mapping[str, Any] = NO_SETTINGS) -> Backbone:
        """Reads the checkpoint in `folder` (safetensors only); `settings` are the preset's for this model.

        Raises `ModelError` when it is missing or broken.
        """

    @abstractmethod
    def free(self) -> None:
        """Gives the memory back; the object cannot be used afterwards."""

    @cached_property
    def hash(self) -> str:
        """Twelve hex digits over the weights' files: what a take remembers of who drew it."""
        return weights_hash(self.folder)


def weights_hash(folder: Path) -> str:
    """Twelve hex digits over all `*.safetensors` in `folder`, by name and content."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelError(f"There are no weights in {folder}.", "Reinstall Limner, or choose another preset.")
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode())
        with open(file, "rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()[:12]


def backbones() -> dict[str, type[Backbone]]:
    """All registered families by name."""
    return discover(__name__, __path__, Backbone, "limner.backbones", "family")
