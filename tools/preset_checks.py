"""What a preset says against what there is: families, methods, settings and files."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import fields

from .admission import refusal
from .backbones import backbones
from .machine import Placement
from .methods import methods
from .preset_files import Path_, PresetFile
from .presets import ModelSpec, Preset

Mistake = tuple[Path_, str, str]


def mistakes(file: PresetFile, preset: Preset) -> Iterator[Mistake]:
    """Where, what is wrong, and what to do."""
    families, known = backbones(), methods()
    for name in preset.methods:
        if name not in known:
            yield ("methods",), f"there is no method {name!r}.", _near(name, known)
        elif known[name].backbone not in preset.models:
            kind = known[name].backbone
            yield ("methods",), f"the method {name!r} needs a model models.{kind}, and there is none.", ""
        elif why := refusal(known[name], preset):
            yield ("methods",), f"the method {name!r} cannot be used: {why}.", ""
    for name, what in preset.not_for.items():
        if name not in preset.methods:
            yield ("not_for", name), f"the preset does not use the method {name!r}.", _near(name, preset.methods)
        elif name in known and (strange := sorted(what - known[name].capabilities)):
            near = _near(strange[0], known[name].capabilities)
            yield ("not_for", name), f"{name} does not {strange[0]!r} anyway.", near
    for role, spec in preset.models.items():
        where = ("models", role)
        if spec.family not in families:
            yield (*where, "family"), f"there is no model family {spec.family!r}.", _near(spec.family, families)
            continue
        kind = families[spec.family].kind
        if kind != role:
            yield (*where, "family"), f"the family {spec.family!r} is for models.{kind}, not for models.{role}.", ""
        allowed = _settings(role, spec.family, preset.methods)
        for key in spec.settings:
            if key not in allowed:
                yield (*where, key), f"models.{role} has no setting {key!r}.", _near(key, allowed)
        if not spec.hub and not spec.folder.exists():
            yield (*where, "folder"), f"there is no {spec.folder}.", "Correct the path."
        if spec.file is not None:
            yield from _single(where, spec)
    if preset.words is not None and not preset.words.is_file():
        yield ("words",), f"there is no file {preset.words}.", "Correct the path."


def _single(where: Path_, spec: ModelSpec) -> Iterator[Mistake]:
    """A model in one file: whether its family's come so, and whether it is there."""
    family = backbones()[spec.family]
    if not family.single_file:
        yield (*where, "file"), f"{family.label} is not read from one file.", "Name its folder."
    elif spec.file is not None and not spec.file.is_file():
        yield (*where, "file"), f"there is no {spec.file}.", "Correct the path."


def _settings(role: str, family: str, used: Iterable[str]) -> set[str]:
    """What may stand beside a model: its family's settings, its placement, and its methods' settings."""
    found = {"adapters", "image_adapter", "file", *Placement.__dataclass_fields__, *backbones()[family].settings}
    for name, made in methods().items():
        if made.backbone == role and name in used:
            found |= {item.name for item in fields(made.Config)}
    return found


def _near(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(word, names, 1)
    return f"Did you mean {near[0]!r}?" if near else f"Known are: {', '.join(names)}."
