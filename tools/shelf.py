"""The models of a preset in memory: each put where it fits, one freed before another needs its place."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..errors import ModelError
from .backbones import Backbone, backbones
from .machine import KEEP_FREE, Fit, Machine, Placement, fit, give_back, machine, taken
from .presets import ModelSpec, Preset

DRAWING = ("ar", "diffusion")
SMALL = 1.0
"""GB below which a model stays in memory beside any other."""

ON_PROCESSOR = Fit((Placement(),), 0.0, "runs on the processor")


@dataclass
class _Place:
    """A model's fit, and how many steps towards the lightest placement it has gone."""

    fit: Fit
    step: int = 0

    @property
    def placement(self) -> Placement:
        return self.fit.placements[self.step]


def remarks(preset: Preset, here: Machine | None = None) -> list[str]:
    """What is worth knowing before anything is drawn: licences, where models go, what they cannot do."""
    told = list(preset.restricted)
    for role, spec in preset.models.items():
        family = backbones().get(spec.family)
        if not spec.memory or role not in DRAWING or family is None:
            continue
        told.append(f"{family.label} on {fit(spec, here or machine()).sentence}.")
        if family.cannot:
            told.append(f"{family.label}: {family.cannot}.")
    return told


class Shelf:
    """Loaded models by role."""

    def __init__(self, preset: Preset, here: Machine | None = None, freed: Callable[[str], None] = lambda role: None):
        self.preset = preset
        self._here = here
        self._freed = freed
        """Told of each role whose model leaves the memory."""
        self._loaded: dict[str, Backbone] = {}
        self._places: dict[str, _Place] = {}

    @property
    def here(self) -> Machine:
        return self._here or machine()

    def spec(self, role: str) -> ModelSpec:
        """The preset's model for `role`. Raises `ModelError` where it has none."""
        if role not in self.preset.models:
            hint = f"Name one as models.{role} in {self.preset.path}, or choose another preset."
            raise ModelError(f"The preset {self.preset.name!r} has no {role} model.", hint)
        return self.preset.models[role]

    def present(self, role: str) -> ModelSpec:
        """As `spec`. Raises `ModelError` where something of it is not on this computer."""
        spec = self.spec(role)
        if spec.file is not None and not spec.file.is_file():
            raise ModelError(f"There is no file {spec.file}.", f"Correct {self.preset.path}.")
        if not spec.hub and not spec.folder.is_dir():
            raise ModelError(f"There is no folder {spec.folder}.", f"Correct {self.preset.path}.")
        if spec.absent:
            get = f"Get it: limner presets get {self.preset.name}"
            raise ModelError(f"{spec.absent[0]} is not on this computer.", get)
        return spec

    def place(self, role: str) -> _Place:
        """Where a role's model goes. Raises `ModelError` where it does not fit this machine."""
        if role not in self._places:
            found = fit(self.spec(role), self.here)
            if role not in DRAWING and not self._has_room(role):
                found = ON_PROCESSOR
            if not found.possible:
                name = self.spec(role).hub or self.spec(role).family
                raise ModelError(f"{name} {found.sentence}.", "`limner presets` says what fits here.")
            self._places[role] = _Place(found)
        return self._places[role]

    def _has_room(self, role: str) -> bool:
        """Whether a scorer, which takes 32 bits, fits on the accelerator beside what draws and the scorers before."""
        models = self.preset.models
        drawing = max((fit(spec, self.here).bytes for other, spec in models.items() if other in DRAWING), default=0)
        scorers = [other for other in models if other not in DRAWING]
        so_far = sum(models[other].memory for other in scorers[: scorers.index(role) + 1])
        return self.here.device == "cpu" or drawing + 2e9 * so_far <= self.here.memory * KEEP_FREE

    def get(self, role: str) -> Backbone:
        """The loaded model of `role`; others are freed first where both have no room."""
        if role not in self._loaded:
            spec = self.present(role)
            known = backbones()
            if spec.family not in known:
                raise ModelError(f"There is no model family {spec.family!r}.", f"Known are: {', '.join(known)}.")
            place = self.place(role).placement
            self._make_room(role)
            prepare_libraries(self.preset.threads)
            settings = {**(place.settings() if spec.memory else {}), **spec.settings}
            device = str(settings.get("device", place.device))
            self._loaded[role] = known[spec.family].load(spec.folder, device, settings)
        return self._loaded[role]

    def _make_room(self, role: str) -> None:
        """Frees the other large models where they and this one are more than the machine's memory."""
        wanted = self._size(role)
        others = [other for other in self._loaded if self.spec(other).memory > SMALL]
        while wanted > SMALL and others:
            if wanted + sum(map(self._size, others)) <= self.here.memory / 1e9 * KEEP_FREE:
                return
            self.free(others.pop(0))

    def has_room(self, bytes: float) -> bool:
        """Whether so much more fits the machine beside all that is loaded."""
        return bytes / 1e9 + sum(map(self._size, self._loaded)) <= self.here.memory / 1e9 * KEEP_FREE

    def _size(self, role: str) -> float:
        """GB that a model takes as it is placed."""
        return taken(replace(self.place(role).placement, offload="none"), self.spec(role)) / 1e9

    def lighten(self, role: str) -> str:
        """Frees a model for which the memory was not enough, to be loaded one step lighter; the sentence about it.

        "" where there is nothing lighter.
        """
        place = self.place(role)
        if place.step + 1 >= len(place.fit.placements):
            return ""
        self.free(role)
        give_back()  # also of a model that was on its way in
        place.step += 1
        return f"the memory was not enough; going on with {place.placement.sentence(self.here)}"

    def to_processor(self, role: str) -> bool:
        """Frees a scorer for which the memory was not enough, to be loaded on the processor; whether that is new."""
        if self.place(role).placement.device == "cpu":
            return False
        self.free(role)
        give_back()
        self._places[role] = _Place(ON_PROCESSOR)
        return True

    def free(self, *roles: str) -> None:
        """Gives models' memory back."""
        found = [role for role in roles if role in self._loaded]
        for role in found:
            self._freed(role)
            self._loaded.pop(role).free()
        if found:
            give_back()

    def close(self) -> None:
        """Gives all models' memory back."""
        self.free(*self._loaded)


def prepare_libraries(threads: int) -> None:
    """No network, no telemetry, none of the libraries' own talk; as many threads as the preset says."""
    for switch in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_PROGRESS_BARS"):
        os.environ.setdefault(switch, "1")
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    import torch
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    # Small models are several times faster on one thread than on all of a busy machine.
    if threads and torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
