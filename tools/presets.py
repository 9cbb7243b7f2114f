"""Presets: which models, which methods, which thresholds. One YAML file each, in `configs/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..errors import NotFound, UserError

PACKAGE = Path(__file__).resolve().parent.parent
BUILT_IN = PACKAGE / "configs"
ROLES = ("ar", "diffusion", "encoder", "segmenter")


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model of a preset: its family, where its files are, and how it is used."""

    family: str
    folder: Path
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preset:
    """What Limner runs with."""

    name: str
    summary: str
    planner: str
    methods: tuple[str, ...]
    models: Mapping[str, ModelSpec]
    words: Path | None = None
    """A list of all words the models know; `None` for models that know any."""
    for_photographs: str = ""
    """Of a preset for a drawn world: what to say about photographs."""
    threads: int = 0
    """Processor threads, 0 for all."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    path: Path = BUILT_IN


def presets() -> list[Preset]:
    """The presets that come with Limner, by name."""
    return [read_preset(file) for file in sorted(BUILT_IN.glob("*.yaml"))]


def load_preset(name: str | Path) -> Preset:
    """A preset by its name or by the path of its file. Raises `NotFound`, or `UserError` for a wrong file."""
    text = str(name)
    if text.endswith((".yaml", ".yml")):
        if not Path(text).is_file():
            raise NotFound(f"There is no preset file {text}.")
        return read_preset(Path(text))
    known = sorted(file.stem for file in BUILT_IN.glob("*.yaml"))
    if text not in known:
        raise NotFound(f"There is no preset {text!r}.", f"Known are: {', '.join(known)}.")
    return read_preset(BUILT_IN / f"{text}.yaml")


def read_preset(file: Path) -> Preset:
    """Checks a preset's file and reads it. Raises `UserError` that names the first mistake."""
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{file} cannot be read as YAML: {error}") from error
    if not isinstance(data, dict):
        raise UserError(f"{file} must hold a mapping.")
    allowed = {"name", "summary", "planner", "methods", "models", "words", "for_photographs", "threads", "thresholds"}
    if unknown := sorted(set(data) - allowed):
        raise UserError(f"{file}: unknown key {unknown[0]!r}; allowed are {', '.join(sorted(allowed))}.")
    if missing := sorted({"name", "summary", "methods", "models"} - set(data)):
        raise UserError(f"{file}: {missing[0]!r} is missing.")
    models = data["models"]
    wrong = sorted(set(models) - set(ROLES)) if isinstance(models, dict) else models
    if wrong:
        raise UserError(f"{file}: 'models' must map {', '.join(ROLES)} to a family and a folder; {wrong} is none.")
    words = data.get("words")
    return Preset(
        name=str(data["name"]),
        summary=str(data["summary"]),
        planner=str(data.get("planner", "offline")),
        methods=tuple(data["methods"]),
        models={role: _model(file, role, spec) for role, spec in models.items()},
        words=_folder(file, words) if words else None,
        for_photographs=str(data.get("for_photographs", "")),
        threads=int(data.get("threads", 0)),
        thresholds=dict(data.get("thresholds", {})),
        path=file,
    )


def _model(file: Path, role: str, spec: Any) -> ModelSpec:
    if not isinstance(spec, dict) or not {"family", "folder"} <= set(spec):
        raise UserError(f"{file}: models.{role} needs 'family' and 'folder'.")
    settings = {k: v for k, v in spec.items() if k not in ("family", "folder")}
    return ModelSpec(str(spec["family"]), _folder(file, spec["folder"]), settings)


def _folder(file: Path, text: str) -> Path:
    """Relative paths of a built-in preset start at the package, those of a user's own at its file."""
    base = PACKAGE if file.parent == BUILT_IN else file.parent
    return (base / Path(text).expanduser()).resolve()
