"""What a preset says against what there is: families, methods, settings and files."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from .admission import refusal
from .backbones import backbones
from .checkpoints import CONVERT
from .machine import Offload, Precision
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
    if "encoder" not in preset.models:
        said = "there is no models.encoder, and without one nothing can be taught or scored."
        yield ("models",), said, "For example: encoder: {family: clip, folder: …}"
    for role, spec in preset.models.items():
        where = ("models", role)
        if spec.family not in families:
            yield (*where, "family"), f"there is no model family {spec.family!r}.", _near(spec.family, families)
            continue
        kind = families[spec.family].kind
        if kind != role:
            yield (*where, "family"), f"the family {spec.family!r} is for models.{kind}, not for models.{role}.", ""
        allowed = _settings(role, spec.family, preset.methods)
        for key, value in spec.settings.items():
            if key not in allowed:
                yield (*where, key), f"models.{role} has no setting {key!r}.", _near(key, allowed)
            elif said := _misfit(allowed[key], value):
                yield (*where, key), f"{key!r} must be {said}.", ""
        yield from _beside((*where, "adapters"), spec)
        if not spec.hub and not spec.folder.exists():
            yield (*where, "folder"), f"there is no {spec.folder}.", "Correct the path."
        if spec.file is not None:
            yield from _single(where, spec)
    for name, settings in preset.training.items():
        at = ("training", name)
        if name not in known:
            yield at, f"there is no method {name!r}.", _near(name, known)
            continue
        own = _own(known[name].Config)
        for key, value in settings.items() if isinstance(settings, dict) else ():
            if key not in own:
                yield (*at, key), f"{name} has no setting {key!r}.", _near(key, own)
            elif said := _misfit(own[key], value):
                yield (*at, key), f"{key!r} must be {said}.", ""
    for key, place in (("words", preset.words), ("measured", preset.measured)):
        if place is not None and not place.is_file():
            yield (key,), f"there is no file {place}.", "Correct the path."


def _single(where: Path_, spec: ModelSpec) -> Iterator[Mistake]:
    """A model in one file: whether its family's come so, and whether it is there."""
    family = backbones()[spec.family]
    if not family.single_file:
        yield (*where, "file"), f"{family.label} is not read from one file.", "Name its folder."
    elif spec.file is not None and not spec.file.is_file():
        yield (*where, "file"), f"there is no {spec.file}.", "Correct the path."


PLACES: Mapping[str, Any] = {
    "precision": get_args(Precision), "bits": (16, 8, 4), "offload": get_args(Offload), "tiling": False,
    "compile": False, "device": "cpu",
}  # fmt: skip
OF_FAMILIES: Mapping[str, Any] = {"side": 512, "reference_pool": 1, "half": False, "variant": "fp16", "sampler": {}}


def _settings(role: str, family: str, used: Iterable[str]) -> dict[str, Any]:
    """What may stand beside a model: its family's settings, its placement, and its methods' settings.

    With each what it is like: a value, `None` for any, or a tuple of texts or numbers for one of them.
    """
    found: dict[str, Any] = dict.fromkeys(("adapters", "image_adapter", "file"))
    found |= {name: OF_FAMILIES.get(name) for name in backbones()[family].settings}
    for name, made in methods().items():
        if made.backbone == role and name in used:
            found |= _own(made.Config)
    return {**found, **PLACES}


def _own(config: Any) -> dict[str, Any]:
    """A method's settings as they are without a word."""
    hints = get_type_hints(config)
    return {
        item.name: get_args(hints[item.name])
        if get_origin(hints[item.name]) is Literal
        else list(item.default)
        if isinstance(item.default, tuple)
        else item.default
        for item in fields(config)
    }


def _misfit(like: Any, value: Any) -> str:
    """What a setting must be, where `value` is something else; "" where it fits."""
    if like is None or isinstance(like, type(MISSING)):
        return ""
    if isinstance(like, tuple) and like:
        return "" if value in like else f"one of {', '.join(map(str, like))}"
    if isinstance(like, bool):
        return "" if isinstance(value, bool) else "true or false"
    if isinstance(like, (int, float)):
        number = isinstance(value, int if isinstance(like, int) else (int, float)) and not isinstance(value, bool)
        return "" if number else "a whole number" if isinstance(like, int) else "a number"
    if isinstance(like, str):
        return "" if isinstance(value, str) else "a text"
    if isinstance(like, dict):
        return "" if isinstance(value, dict) else "a mapping"
    return "" if isinstance(value, list) else "a list"


def _beside(where: Path_, spec: ModelSpec) -> Iterator[Mistake]:
    """Adapters of others, and an IP-Adapter of one's own: whether they are there, and may be opened."""
    for text in spec.settings.get("adapters", ()):
        if Path(text).suffix in (".bin", ".pt", ".pth", ".ckpt"):
            yield where, f"{text} is a pickle, which can run any code; it is not opened.", CONVERT
        elif not Path(text).exists():
            yield where, f"there is no {text}.", "Correct the path."
    adapter = spec.settings.get("image_adapter")
    if adapter and "hub" not in adapter and not (Path(adapter["folder"]) / adapter["weights"]).is_file():
        missing = Path(adapter["folder"]) / adapter["weights"]
        yield (*where[:-1], "image_adapter", "weights"), f"there is no file {missing}.", "Correct the path."


def _near(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(word, names, 1)
    return f"Did you mean {near[0]!r}?" if near else f"Known are: {', '.join(names)}."
