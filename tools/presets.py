"""Presets: which models, which methods, which thresholds. One YAML file each: built in, or the user's own.

A user's own preset is a file in `presets/` of the library's folder; there it may also replace a built-in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..errors import ModelError, NotFound, UserError
from ..memory.files import default_home, replacing
from .preset_files import MODEL_KEYS, ROLES, PresetFile, read_file
from .weights import cached

PACKAGE = Path(__file__).resolve().parent.parent
BUILT_IN = PACKAGE / "configs"
OWN = "presets"
"""The folder of own presets inside the library's."""
__all__ = ["BUILT_IN", "OWN", "ROLES", "ModelSpec", "Preset", "load_preset", "preset_files", "presets", "read_preset"]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model of a preset: its family, where its files are, and how it is used."""

    family: str
    folder: Path
    """Of a model of the hub: its place in the shared cache."""
    file: Path | None = None
    """One file with all weights; in `folder` then lie its configs and tokenizers."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    hub: str = ""
    """"owner/name"; "" for a local model."""
    revision: str = "main"
    """The commit that is used. A branch is resolved when the model is fetched, and stays at what it was then."""
    licence: str = ""
    commercial: bool = True
    """Whether its licence lets one use it, and what it draws, for money."""
    download: float = 0.0
    """GB (10^9 bytes) to fetch."""
    memory: float = 0.0
    """GB that it takes at 16 bits with everything loaded, pictures at its own size."""
    largest: float = 0.0
    """GB of that which its largest part takes."""
    quantised: float = 0.0
    """GB of the memory that 8 and 4 bits make less; 0: all of it."""
    work: float = 0.0
    """TFLOP of one picture at the preset's steps."""
    only: tuple[str, ...] = ()
    """Patterns of the files to fetch."""

    @property
    def weights(self) -> Path:
        """The folder or the file that holds the weights."""
        return self.file or self.folder

    @property
    def absent(self) -> tuple[str, ...]:
        """What it needs of the hub and is not on this computer."""
        found = []
        if self.hub and self.file is not None and not self.folder.is_dir():
            found.append(f"The folder with configs and tokenizers of {self.hub}")
        elif self.hub and self.file is None and not any(self.folder.rglob("*.safetensors")):
            found.append(self.hub)
        adapter = self.settings.get("image_adapter", {})
        place = Path(adapter.get("folder", ""))
        if "hub" in adapter and not (place / adapter["weights"]).is_file():
            found.append(adapter["hub"])
        elif adapter and not (place / adapter["encoder"]).is_dir():
            found.append(adapter.get("encoder_from", adapter).get("hub", ""))
        return tuple(filter(None, found))

    @property
    def here(self) -> bool:
        """Whether the weights, and what they need beside them, are on this computer."""
        if self.file is not None:
            return self.file.is_file() and self.folder.is_dir() and not self.absent
        return any(self.folder.rglob("*.safetensors")) and not self.absent


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
    figures: int = 0
    """So many figures, each of another kind, are in one picture at most; 0: nobody has counted."""
    not_for: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What single methods are not asked for with these models though they could, by method: it was measured to be poor,
    or the models never learned it. Named by the user, a method does it all the same."""
    for_photographs: str = ""
    """Of a preset for a drawn world: what to say about photographs."""
    varied_by: tuple[str, ...] = ()
    """Of models that draw the same picture from the same words: words that vary it when it is drawn again."""
    threads: int = 0
    """Processor threads, 0 for all."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """What a picture must reach: `subject`, `text`; stay below: `copy`; from which cosine a `phrase` holds, and how
    sharply (`sharpness`); how alike a `figure` is before and after an edit of what it wears."""
    scenes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Phrases that the models know, for trainings: see `training.scenes.Scenes`. `fixed`: what comes with a place and
    has no colour of its own to give. `looks`: how a class is drawn that nobody describes, see `company.looks`. `parts`:
    where it has what, see `parts.parts_of`. `colours`: what they are in this world, in 0..255."""
    training: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings of single methods, by name."""
    measured: Path | None = None
    """What was measured about these models: how alike true pictures are, which method to begin with."""
    budget: float = 30.0
    """Seconds that one picture may take before the best one so far has to do."""
    path: Path = BUILT_IN

    @property
    def download(self) -> float:
        """GB (10^9 bytes) to fetch, image adapters included."""
        specs = self.models.values()
        return sum(spec.download + spec.settings.get("image_adapter", {}).get("download", 0.0) for spec in specs)

    def spares(self, role: str) -> bool:
        """Whether the others do without this model until it is fetched: photographs can be cut out classically."""
        return role == "segmenter" and self.words is None and bool(self.models[role].hub)

    @property
    def missing(self) -> tuple[str, ...]:
        """Roles of needed models that are not on this computer."""
        return tuple(role for role, spec in self.models.items() if not (spec.here or self.spares(role)))

    @property
    def segments(self) -> bool:
        """Whether a model cuts subjects out."""
        return "segmenter" in self.models and (self.models["segmenter"].here or not self.spares("segmenter"))

    @property
    def getting_segments(self) -> str:
        """The command that brings a model that cuts subjects out; "" where there is one, or none is named."""
        return f"limner presets get {self.name}" if "segmenter" in self.models and not self.segments else ""

    @property
    def restricted(self) -> tuple[str, ...]:
        """A sentence for each model that may not be used commercially."""
        return tuple(
            f"{spec.hub or spec.family} may not be used commercially ({spec.licence})."
            for spec in self.models.values()
            if not spec.commercial
        )


def own_folder(home: Path | str | None = None) -> Path:
    """Where the user's own presets lie."""
    return (default_home() if home is None else Path(home).expanduser()) / OWN


def preset_files(home: Path | str | None = None) -> dict[str, Path]:
    """Every preset's file by name; own ones stand in front of built-in ones."""
    folders = (BUILT_IN, own_folder(home))
    return {file.stem: file for folder in folders if folder.is_dir() for file in sorted(folder.glob("*.yaml"))}


def presets(home: Path | str | None = None) -> list[Preset]:
    """The presets that there are, by name. Raises `UserError` for an own one that is wrong."""
    return [read_preset(file) for _, file in sorted(preset_files(home).items())]


def load_preset(name: str | Path, home: Path | str | None = None) -> Preset:
    """A preset by its name or by the path of its file. Raises `NotFound`, or `UserError` for a wrong file."""
    text = str(name)
    if text.endswith((".yaml", ".yml")):
        if not Path(text).is_file():
            raise NotFound(f"There is no preset file {text}.")
        return read_preset(Path(text))
    known = preset_files(home)
    if text not in known:
        raise NotFound(f"There is no preset {text!r}.", f"Known are: {', '.join(sorted(known))}.")
    return read_preset(known[text])


def reference_to(preset: Preset, home: Path | str | None = None) -> str:
    """What `load_preset` finds a preset by later on, from another process: its name, or where it has none its path."""
    known = preset_files(home).get(preset.path.stem)
    return preset.path.stem if known is not None and known.absolute() == preset.path else str(preset.path)


def read_preset(path: Path) -> Preset:
    """Checks a preset's file and reads it. Raises `UserError` that names the first mistake by its line."""
    path = path.absolute()
    data = read_file(path).data
    words = data.get("words")
    return Preset(
        name=str(data["name"]),
        summary=str(data["summary"]),
        planner=str(data.get("planner", "offline")),
        methods=tuple(data["methods"]),
        models={role: _model(path, spec) for role, spec in data["models"].items()},
        words=_place(path, words) if words else None,
        figures=int(data.get("figures", 0)),
        not_for={name: frozenset(what) for name, what in data.get("not_for", {}).items()},
        for_photographs=str(data.get("for_photographs", "")),
        varied_by=tuple(data.get("varied_by", ())),
        threads=int(data.get("threads", 0)),
        thresholds=dict(data.get("thresholds", {})),
        scenes={key: tuple(phrases) for key, phrases in data.get("scenes", {}).items()},
        training=dict(data.get("training", {})),
        measured=_place(path, data["measured"]) if data.get("measured") else None,
        budget=float(data.get("budget", 30.0)),
        path=path,
    )


def _model(path: Path, spec: Mapping[str, Any]) -> ModelSpec:
    known = {key: spec[key] for key in ("hub", "licence", "commercial", "download", "memory", "largest", "quantised",
                                      "work") if key in spec}  # fmt: skip
    settings = {key: value for key, value in spec.items() if key not in MODEL_KEYS}
    revision = str(spec.get("revision", "main"))
    if "hub" in spec:
        folder = cached(spec["hub"], revision)
    else:
        folder = _place(path, spec["folder"])
    file = _place(path, spec["file"]) if "file" in spec else None
    if file is not None:
        settings["file"] = str(file)
    if "adapters" in spec:
        settings["adapters"] = [str(_place(path, text)) for text in spec["adapters"]]
    if "image_adapter" in spec:
        settings["image_adapter"] = _image_adapter(path, spec["image_adapter"])
    return ModelSpec(
        str(spec["family"]), folder, file, settings, revision=revision, only=tuple(spec.get("only", ())), **known
    )


def _image_adapter(path: Path, spec: Mapping[str, Any]) -> dict[str, Any]:
    """An IP-Adapter beside the model: its folder, and in it the adapter's file and its image encoder's folder."""

    def place(spec: Mapping[str, Any]) -> Path:
        return cached(spec["hub"], str(spec.get("revision", "main"))) if "hub" in spec else _place(path, spec["folder"])

    # Some were trained with an encoder that lies elsewhere: its own folder, or repository of the hub.
    apart = isinstance(spec["encoder"], dict)
    encoder = {"encoder": str(place(spec["encoder"])), "encoder_from": spec["encoder"]} if apart else {}
    return {**spec, "folder": str(place(spec)), **encoder}


def _place(path: Path, text: str) -> Path:
    """Relative paths of a built-in preset start at the package, those of a user's own at its file."""
    base = PACKAGE if path.parent == BUILT_IN else path.parent
    return (base / Path(text).expanduser()).resolve()


def localised(name: str, source: Path, folder: Path, home: Path | str | None = None) -> Path:
    """Writes an own preset: `name`'s, its drawing model taken from a local folder or from one file.

    Raises `UserError` where there is no such thing, `ModelError` where a file holds another model.
    """
    preset = load_preset(name, home)
    if not source.exists():
        raise NotFound(
            f"There is no folder or file {source}.",
            "Name the folder with the model's model_index.json or config.json, or its one safetensors file.",
        )
    data = yaml.safe_load(preset.path.read_text(encoding="utf-8"))
    # Of two models that draw, the folder is of the one whose layout it has.
    order = ("diffusion", "ar") if source.is_file() or (source / "model_index.json").is_file() else ("ar", "diffusion")
    role = next((role for role in order if role in data["models"]), None)
    if role is None:
        raise UserError(f"The preset {name!r} has no model that draws.")
    for each, spec in data["models"].items():
        if each == role and source.is_file():
            _check_single(source, preset.models[role])
            for key in ("only", "download", "variant"):
                spec.pop(key, None)
            # Its configs and tokenizers come from where the preset's own model does.
            spec["file"] = str(source)
            if "folder" in spec:
                spec["folder"] = str(preset.models[each].folder)
        elif each == role:
            _check_folder(source, preset.models[role])
            for key in ("hub", "revision", "only", "file"):
                spec.pop(key, None)
            if not any(source.rglob(f"*.{spec.get('variant')}.safetensors")):
                spec.pop("variant", None)
            spec["folder"] = str(source)
        elif "folder" in spec:
            spec["folder"] = str(preset.models[each].folder)
    if preset.words is not None:
        data["words"] = str(preset.words)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.yaml"
    with replacing(file) as opened:
        opened.write(yaml.safe_dump(data, sort_keys=False, allow_unicode=True).encode())
    return file


def _check_folder(source: Path, spec: ModelSpec) -> None:
    """Raises where a folder holds no model of the family. Reads no weights."""
    from .backbones import backbones
    from .backbones.adapting import Adapting
    from .checkpoints import check_index, check_part, read_json

    family = backbones()[spec.family]
    if issubclass(family, Adapting):
        check_index(source, family.drawing)
        return
    check_part(source)
    made_for = read_json(source / "config.json").get("model_type")
    if made_for != spec.family:
        raise ModelError(f"{source} is a {made_for}, not a {spec.family}.", "Choose the preset of its family.")
    if not any(source.glob("*.safetensors")):
        raise ModelError(f"There are no weights in {source}.", "Name the folder with its safetensors.")


def _check_single(source: Path, spec: ModelSpec) -> None:
    """Raises where a family's checkpoints do not come in one file, or this one is not of it."""
    from .backbones import backbones
    from .checkpoints import check_single

    family = backbones()[spec.family]
    if not family.single_file:
        raise UserError(f"{family.label} is not read from one file.", "Name the folder with its model_index.json.")
    check_single(source, family.single_file, spec.folder if spec.folder.is_dir() else None)


def check_preset(path: Path) -> Preset:
    """Reads a preset and looks further than its shape: families, methods, settings, files.

    Raises `UserError` that names the first mistake by its line.
    """
    from .preset_checks import mistakes

    file: PresetFile = read_file(path)
    preset = read_preset(path)
    found = sorted(mistakes(file, preset), key=lambda mistake: file.lines.get(mistake[0], 0))
    if found:
        raise file.wrong(*found[0])
    return preset
