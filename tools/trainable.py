"""What a training takes of this machine's memory, and why one cannot be begun here. Loads nothing."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from ..errors import UserError
from .backbones import backbones
from .backbones.learning import Learning
from .machine import KEEP_FREE, Machine, Placement, fit, taken
from .method import Method
from .methods import methods
from .presets import ModelSpec, Preset
from .training.tuned import Tuned

WEIGHT, GRADIENT, CAST = 4, 4, 2
"""Bytes of a trained weight of the model's own: it and its gradient in 32 bits, and the 16 bits that are multiplied."""
STATES = {"adamw": 8, "adamw8bit": 2}
"""Bytes of its two moments, by the optimizer."""
LEAST = "train `lora` instead, which takes least"


def placed(spec: ModelSpec, here: Machine) -> Placement | None:
    """Where a model goes on a machine, the preset's own word first; `None` where it does not fit."""
    found = fit(spec, here)
    return Placement.of({**found.placements[0].settings(), **spec.settings}) if found.possible else None


def training_bytes(preset: Preset, name: str, here: Machine) -> float:
    """Bytes that training with a method takes on the device, one example at a time; 0 for small models.

    What is put beside a model (low-rank updates, a word) is next to nothing, and one example with its gradients takes
    as much as a drawing does. All weights of the painter are held in 32 bits, with a gradient and two moments each.
    """
    made = methods()[name]
    spec = preset.models[made.backbone]
    place = placed(spec, here)
    if not spec.memory or place is None:
        return 0.0
    whole = taken(replace(place, offload="none"), spec)
    family = backbones()[spec.family]
    if place.offload == "parts" and issubclass(family, Learning) and "text_encoder" in family.waits:
        whole = taken(place, spec)  # the text encoder and what draws take turns
    elif place.offload == "parts":
        # Only the image encoder waits while all else is trained; published ones are stored in 32 bits.
        whole -= spec.settings.get("image_adapter", {}).get("download", 0.0) / 2 * 1e9
    if not _tunes_all(made):
        return whole
    weights = (spec.largest or spec.memory) * 1e9 / 2
    held = 4 if place.precision == "float32" else 2
    each = WEIGHT + GRADIENT + CAST + STATES[preset.training.get(name, {}).get("optimizer", "adamw")]
    # What they were before is kept in the computer's memory.
    each += held if place.device == "cpu" else 0
    return whole + weights * (each - held)


def check_training(preset: Preset, name: str, here: Machine) -> None:
    """Raises `UserError`, in one sentence, where a training cannot be begun on a machine."""
    made = methods()[name]
    spec = preset.models[made.backbone]
    place, who = placed(spec, here), spec.hub or spec.family
    if place is None:
        raise UserError(f"{who} {fit(spec, here).sentence}.", "`limner presets` says what fits here.")
    larger = "It takes a larger GPU, or the processor: `device: cpu` beside the model."
    if place.offload == "layers":
        said = f"{who} fits here layer by layer only, so nothing can be trained, nor drawn with what was."
        raise UserError(said, larger)
    if place.bits < 16 and _tunes_all(made):
        raise UserError(
            f"{name} changes the weights of {who} themselves, and in {place.bits} bits nothing can be changed.",
            f"Set `bits: 16` beside the model, or {LEAST}.",
        )
    if place.bits == 4 and place.device == "cpu":
        # bitsandbytes packs them for its quick kernel at the first drawing, and that one has no backward pass.
        raise UserError(
            f"Nothing can be trained with {who} in 4 bits on a processor: there they give no gradients.",
            "Set `bits: 8` beside the model.",
        )
    need, have = training_bytes(preset, name, here), here.memory
    if need > have * KEEP_FREE:
        lighter = f"Set `optimizer: adamw8bit` for it in the preset, which takes a third less, or {LEAST}."
        raise UserError(
            f"{name} takes about {ceil(need / 1e9)} GB with {who}, and may fill {have * KEEP_FREE / 1e9:.0f} of "
            f"{have / 1e9:.0f} GB here ({here.name}).",
            lighter if _tunes_all(made) else larger,
        )


def trains(preset: Preset, here: Machine) -> str:
    """What trainings take on a machine, for people who choose; "" where nothing large is trained."""
    found: dict[str, list[str]] = {}
    for name in preset.methods:
        made = methods().get(name)
        if made is None or "trained" not in made.capabilities or not preset.models[made.backbone].memory:
            continue
        about = f"about {ceil(training_bytes(preset, name, here) / 1e9)} GB"
        try:
            check_training(preset, name, here)
        except UserError as error:
            why = about if about in error.text else error.text.rstrip(".")
            found.setdefault(f"not {{}}: {why}", []).append(name)
        else:
            found.setdefault(f"{{}} with {about}", []).append(name)
    return "; ".join(said.replace("{}", ", ".join(names)) for said, names in found.items())


def _tunes_all(made: type[Method]) -> bool:
    return issubclass(made, Tuned) and made.tunes_all
