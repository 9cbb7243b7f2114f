"""Reading a preset's file: what stands where, and the first mistake by its line."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..errors import NotFound, UserError

Path_ = tuple[str, ...]
"""Where something stands: ("models", "ar", "family")."""
ROLES = ("ar", "diffusion", "encoder", "segmenter")
SOURCES = ("folder", "hub")
"""Where a model's weights come from: exactly one of them is named."""


@dataclass(frozen=True)
class PresetFile:
    """A file's contents and the line of each of its keys, from 1."""

    path: Path
    data: Mapping[str, Any]
    lines: Mapping[Path_, int] = field(default_factory=dict)

    def wrong(self, where: Path_, text: str, hint: str = "") -> UserError:
        """The sentence for a mistake at `where`."""
        while where and where not in self.lines:
            where = where[:-1]
        return UserError(f"{self.path}, line {self.lines.get(where, 1)}: {text}", hint)


def read_file(path: Path) -> PresetFile:
    """Parses and checks the shape of a preset's file. Raises `UserError` with the line of the first mistake."""
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(f"{path}, line {line}: this is no YAML: {error.problem or error.context}.") from error
    except FileNotFoundError as error:
        raise NotFound(f"There is no preset file {path}.") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path} cannot be read as YAML: {error}") from error
    if not isinstance(data, dict) or not isinstance(node, yaml.MappingNode):
        raise UserError(f"{path} must hold a mapping.")
    file = PresetFile(path, data, dict(_lines(node)))
    mistakes = [*_mistakes(file), *_twice(file, node)]
    if mistakes:
        where, said = min(mistakes, key=lambda mistake: file.lines.get(mistake[0], 0))
        raise file.wrong(where, said)
    return file


def _lines(node: yaml.MappingNode, above: Path_ = ()) -> Iterator[tuple[Path_, int]]:
    for key, value in node.value:
        where = (*above, str(key.value))
        yield where, key.start_mark.line + 1
        if isinstance(value, yaml.MappingNode):
            yield from _lines(value, where)


Mistake = tuple[Path_, str]


def _twice(file: PresetFile, node: yaml.MappingNode, above: Path_ = ()) -> Iterator[Mistake]:
    seen: set[str] = set()
    for key, value in node.value:
        if key.value in seen:
            yield (*above, key.value), f"{key.value!r} stands there twice."
        seen.add(key.value)
        if isinstance(value, yaml.MappingNode):
            yield from _twice(file, value, (*above, str(key.value)))


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(_text(item) for item in value)


def _table(value: Any) -> bool:
    return isinstance(value, dict)


Kind = tuple[Callable[[Any], bool], str]
TEXT: Kind = (_text, "a text")
NUMBER: Kind = (_number, "a number")
TEXTS: Kind = (_texts, "a list of texts")
TABLE: Kind = (_table, "a mapping")
YES_NO: Kind = (lambda value: isinstance(value, bool), "true or false")

KEYS: Mapping[str, Kind] = {
    "name": TEXT, "summary": TEXT, "planner": TEXT, "methods": TEXTS, "models": TABLE, "words": TEXT, "figures": NUMBER,
    "for_photographs": TEXT, "threads": NUMBER, "thresholds": TABLE, "scenes": TABLE, "training": TABLE,
    "measured": TEXT, "budget": NUMBER, "not_for": TABLE, "varied_by": TEXTS,
}  # fmt: skip
NEEDED = ("name", "summary", "methods", "models")
MODEL_KEYS: Mapping[str, Kind] = {
    "family": TEXT, "folder": TEXT, "hub": TEXT, "revision": TEXT, "licence": TEXT,
    "commercial": YES_NO, "download": NUMBER, "memory": NUMBER, "largest": NUMBER, "quantised": NUMBER,
    "work": NUMBER, "only": TEXTS, "image_adapter": TABLE, "adapters": TEXTS, "file": TEXT,
}  # fmt: skip
"""What Limner itself reads of a model; what else stands there is a setting of its family or of a method."""


def _mistakes(file: PresetFile) -> Iterator[Mistake]:
    for key, value in file.data.items():
        if key not in KEYS:
            near = difflib.get_close_matches(str(key), KEYS, 1)
            meant = f" Did you mean {near[0]!r}?" if near else f" Allowed are {', '.join(sorted(KEYS))}."
            yield (str(key),), f"unknown key {key!r}.{meant}"
        elif not KEYS[key][0](value):
            yield (key,), f"{key!r} must be {KEYS[key][1]}."
    for key in NEEDED:
        # A slip of the pen is named where it stands.
        if key not in file.data and not difflib.get_close_matches(key, map(str, file.data.keys() - KEYS), 1):
            yield (), f"{key!r} is missing."
    left_out = file.data.get("not_for")
    for name, what in left_out.items() if isinstance(left_out, dict) else ():
        if not _texts(what):
            yield ("not_for", str(name)), f"not_for.{name} must be a list of texts."
    models = file.data.get("models")
    if not isinstance(models, dict):
        return
    for role, spec in models.items():
        where = ("models", str(role))
        if role not in ROLES:
            yield where, f"'models' has {', '.join(ROLES)}; {role!r} is none of them."
        elif not isinstance(spec, dict):
            yield where, f"models.{role} must be a mapping with 'family' and one of {', '.join(SOURCES)}."
        else:
            yield from _model_mistakes(where, role, spec)


def _model_mistakes(where: Path_, role: str, spec: Mapping[str, Any]) -> Iterator[Mistake]:
    for key, value in spec.items():
        if key in MODEL_KEYS and not MODEL_KEYS[key][0](value):
            yield (*where, key), f"{key!r} must be {MODEL_KEYS[key][1]}."
    if "family" not in spec:
        yield where, f"models.{role} needs a 'family'."
    named = [key for key in SOURCES if key in spec]
    if len(named) != 1:
        yield where, f"models.{role} needs exactly one of {', '.join(SOURCES)}."
    adapter = spec.get("image_adapter")
    if isinstance(adapter, dict):
        yield from _image_adapter_mistakes((*where, "image_adapter"), adapter)
    hub = spec.get("hub")
    if isinstance(hub, str) and (hub.count("/") != 1 or not all(hub.split("/"))):
        yield (*where, "hub"), f"{hub!r} is no name on the hub; those look like owner/name."
    if hub and "licence" not in spec:
        yield where, f"models.{role} comes from the hub, so its 'licence' must be said."


ADAPTER_KEYS: Mapping[str, Kind] = {
    "folder": TEXT, "hub": TEXT, "revision": TEXT, "only": TEXTS, "licence": TEXT, "download": NUMBER, "weights": TEXT,
    "encoder": (lambda value: _text(value) or _table(value), "a text or a mapping"),
}  # fmt: skip


def _image_adapter_mistakes(where: Path_, adapter: Mapping[str, Any]) -> Iterator[Mistake]:
    """An IP-Adapter beside a model; its encoder may lie elsewhere and is then named in the same way."""
    for key in ("weights", "encoder"):
        if key not in adapter:
            yield where, f"image_adapter needs its {key!r}."
    encoder = adapter.get("encoder")
    for place, spec in ((where, adapter), ((*where, "encoder"), encoder)):
        if not isinstance(spec, dict):
            continue
        for key, value in spec.items():
            if key not in ADAPTER_KEYS:
                yield (*place, str(key)), f"unknown key {key!r}. Allowed are {', '.join(sorted(ADAPTER_KEYS))}."
            elif not ADAPTER_KEYS[key][0](value):
                yield (*place, key), f"{key!r} must be {ADAPTER_KEYS[key][1]}."
        if len([key for key in SOURCES if key in spec]) != 1:
            yield place, f"{place[-1]} needs exactly one of {', '.join(SOURCES)}."
