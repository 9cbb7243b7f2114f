"""What a preset needs, and whether this machine has it. Loads nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .machine import Machine, fit, machine
from .presets import ModelSpec, Preset

LIBRARIES = 2**30
"""Bytes that torch and transformers take before any model is loaded."""


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a preset needs."""

    what: str
    """ "ar: janus, 13 MB"."""
    met: bool
    why: str = ""
    """What is missing."""


def needs(preset: Preset) -> list[Need]:
    """Weights of each model, the list of words, and enough memory."""
    models = {role: spec for role, spec in preset.models.items() if spec.here or not preset.spares(role)}
    found = [_weights(role, spec) for role, spec in models.items()]
    if preset.words is not None and not preset.words.is_file():
        found.append(Need("list of words", False, f"{preset.words} is missing"))
    if large := {role: spec for role, spec in models.items() if spec.memory}:
        here = machine()
        return [*found, *(_memory(role, spec, here) for role, spec in large.items())]
    # Weights are stored with 16 bits and computed with 32.
    wanted = LIBRARIES + 2 * sum(weights_bytes(spec.weights) for spec in models.values())
    free = available_memory()
    what = f"memory: {wanted / 2**30:.1f} GiB"
    if free is None:
        return [*found, Need(what, True, "this system does not say how much is free")]
    return [*found, Need(what, free >= wanted, f"{free / 2**30:.1f} GiB are free")]


WORK = {"ar": "drawing", "diffusion": "drawing", "encoder": "scoring", "segmenter": "cutting out"}
"""What the models of a preset are for, by their roles."""


def _memory(role: str, spec: ModelSpec, here: Machine) -> Need:
    """What a large model takes, also while its weights are not there yet."""
    found = fit(spec, here)
    return Need(f"memory for {WORK.get(role, role)}: {spec.memory:.0f} GB at 16 bits", found.possible, found.sentence)


def _weights(role: str, spec: ModelSpec) -> Need:
    size = weights_bytes(spec.weights)
    if spec.absent:
        return Need(f"{role}: {spec.family}", False, f"{', '.join(spec.absent)} is not on this computer")
    if not size:
        return Need(f"{role}: {spec.family}", False, f"there are no weights in {spec.weights}")
    return Need(f"{role}: {spec.family}, {size / 1e6:,.0f} MB", True)


def weights_bytes(place: Path) -> int:
    """Size of a file, or of the safetensors files below a folder; 0 where there are none."""
    files = [place] if place.is_file() else place.rglob("*.safetensors") if place.is_dir() else ()
    return sum(file.stat().st_size for file in files)


HEARS = frozenset({"references", "ip_adapter"})
"""Methods by which large models draw what photographs show, untrained."""
PATIENCE = 60
"""Seconds that a picture may take for a preset to be recommended."""


def quick(known: Sequence[Preset], here: Machine) -> list[Preset]:
    """The presets that draw a picture within a minute on a machine."""
    return [preset for preset in known if (took := seconds(preset, here)) is not None and took < PATIENCE]


def seconds(preset: Preset, here: Machine) -> float | None:
    """What a picture takes on a machine; `None` where the preset does not fit it."""
    fits = [fit(spec, here) for spec in preset.models.values()]
    return sum(found.seconds for found in fits) if all(found.possible for found in fits) else None


def to_begin_with(known: Sequence[Preset], here: Machine) -> Preset | None:
    """What to try first with photographs: of what is free for any use the largest quick one here, else the quickest.

    `None` where none fits.
    """
    able = [preset for preset in known if preset.words is None and preset.download and not preset.restricted
            and HEARS & set(preset.methods) and seconds(preset, here) is not None]  # fmt: skip
    if soon := quick(able, here):
        return max(soon, key=lambda preset: (max(spec.memory for spec in preset.models.values()), -preset.download))
    return min(able, key=lambda preset: seconds(preset, here) or 0.0, default=None)


def available_memory() -> int | None:
    """Bytes that a new process could get, where the system tells."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None
