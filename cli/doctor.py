"""What `limner doctor` looks at. Each check answers with findings; none of them changes anything."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import file_digest
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..errors import LimnerError
from .output import clean

if TYPE_CHECKING:
    from ..tools.presets import Preset

MEMORY_NEEDED = 1.5 * 2**30
"""Bytes that a turn with the starter models may take."""
DISK_WANTED = 2**30
_INSTALL = "pip install -c constraints.txt -e ."
_MEND = "Reinstall Limner, or fetch the model anew."
CHECKSUMS = "SHA256SUMS"
"""In a model's folder, as `sha256sum` writes it."""

# Runs in a process of its own: a broken native library may raise anything, or end the process.
_PROBE = """
import importlib, json, warnings
warnings.simplefilter("ignore")
found = {}
wanted = {"torch": "Tensor", "torchvision": "ops", "transformers": "JanusForConditionalGeneration"}
for module, name in wanted.items():
    try:
        getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        found[module] = "absent" if error.name == module else str(error)
    except BaseException as error:
        found[module] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    else:
        found[module] = ""
if not found["torch"]:
    import torch
    found["version"] = torch.__version__
    found |= {"threads": torch.get_num_threads(), "cuda": torch.cuda.is_available(),
              "mps": torch.backends.mps.is_available()}
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    check: str
    state: Literal["ok", "note", "fail"]
    text: str
    hint: str = ""

    def row(self) -> dict[str, Any]:
        return asdict(self) | {"ok": self.state != "fail"}

    def line(self) -> str:
        return f"{self.state:<4}  {self.check:<9} {clean(f'{self.text} {self.hint}'.rstrip())}"


def examine(preset: str, home: Path | None) -> Iterator[Finding]:
    """Every check, in the order in which a problem is best mended."""
    yield _python()
    yield from _packages()
    yield from _libraries()
    yield from _models(preset, home)
    yield from _library(home)
    yield _memory()


def _python() -> Finding:
    return Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _packages() -> Iterator[Finding]:
    """Whether what is installed satisfies what Limner declares."""
    from packaging.requirements import Requirement

    try:
        declared = metadata.requires("limner") or []
    except metadata.PackageNotFoundError:
        yield Finding("packages", "note", "Limner runs from a folder and is not installed.", _INSTALL)
        return
    wrong = []
    for line in declared:
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{wanted.name} is missing")
        else:
            if not wanted.specifier.contains(version, prereleases=True):
                wrong.append(f"{wanted.name} is {version}, wanted {wanted.specifier}")
    if wrong:
        yield Finding("packages", "fail", f"{'; '.join(wrong)}.", f"{_INSTALL} mends it.")
    else:
        yield Finding("packages", "ok", "all there, in versions that fit")


def _libraries() -> Iterator[Finding]:
    """Whether the tensor libraries can be imported, and how they see this machine."""
    try:
        probe = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, text=True, timeout=300)
        found = json.loads(probe.stdout.strip().splitlines()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError):
        yield Finding("torch", "fail", "The tensor libraries could not be tried out.", "Reinstall torch.")
        return
    if found["torch"]:
        yield Finding("torch", "fail", f"torch does not import: {found['torch']}", "Reinstall torch.")
        return
    device = "no GPU that it can use: the processor draws"
    if found["cuda"] or found["mps"]:
        device = "CUDA is there" if found["cuda"] else "Apple's GPU is there"
    yield Finding("torch", "ok", f"{found['version']}, {device}, {found['threads']} of {os.cpu_count()} cores")
    if found["torchvision"] not in ("", "absent"):
        yield Finding(
            "torch",
            "fail",
            "The torchvision that is installed does not fit this torch, so transformers cannot load.",
            "Limner needs none: pip uninstall torchvision",
        )
    elif found["transformers"]:
        yield Finding("torch", "fail", f"transformers cannot load its models: {found['transformers']}")


def _models(name: str, home: Path | None) -> Iterator[Finding]:
    """Whether the preset is sound and its weights are whole."""
    from ..tools.presets import load_preset

    try:
        preset = load_preset(name, home)
    except LimnerError as error:
        yield Finding("preset", "fail", error.text, error.hint)
        return
    yield from _fit(preset, home)
    for role, model in preset.models.items():
        if preset.spares(role) and not model.here:
            text = f"{preset.name}, {role}: {model.hub} is not on this computer; photographs are cut out without it."
            yield Finding("weights", "note", text, f"It would do that better: limner presets get {preset.name}")
        elif model.absent:
            for what in model.absent:
                text = f"{preset.name}, {role}: {what} is not on this computer."
                yield Finding("weights", "fail", text, f"limner presets get {preset.name}")
        else:
            yield _weights(f"{preset.name}, {role}", model.weights)


def _fit(preset: Preset, home: Path | None) -> Iterator[Finding]:
    """Where the preset's large models go on this machine, and which other presets fit it."""
    from ..tools.machine import fit, machine
    from ..tools.needs import quick, to_begin_with
    from ..tools.presets import preset_files, read_preset
    from ..tools.trainable import trains
    from .presets import beginning

    for role, model in preset.models.items():
        if model.memory and role in ("ar", "diffusion"):
            found = fit(model, machine())
            yield Finding("machine", "ok" if found.possible else "fail", f"{preset.name}, {role}: {found.sentence}.")
    if told := trains(preset, machine()):
        yield Finding("machine", "ok", f"{preset.name} trains {told}.")
    known = []
    for name, file in sorted(preset_files(home).items()):
        try:
            known.append(read_preset(file))
        except LimnerError as error:
            yield Finding("preset", "note", f"The preset {name} cannot be used: {error.text}", error.hint)
    here = machine()
    names = ", ".join(other.name for other in quick(known, here))
    yield Finding(
        "machine", "ok", f"{here.plainly}: a picture within a minute by {names}.", beginning(to_begin_with(known, here))
    )


def _weights(what: str, folder: Path) -> Finding:
    """Whether the weights in `folder`, or of this one file, are there, and as they were when they were listed."""
    files = [folder] if folder.is_file() else sorted(folder.rglob("*.safetensors"))
    if not files:
        return Finding("weights", "fail", f"{what}: there are none in {folder}.", _MEND)
    size = f"{sum(file.stat().st_size for file in files) / 1e6:.1f} MB"
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return _lengths(f"{what}: {size}", folder, files)
    wrong = []
    for line in lines:
        digest, _, file_name = line.partition("  ")
        file = folder / file_name
        if not file.is_file():
            wrong.append(f"{file_name} is missing")
            continue
        with file.open("rb") as stream:
            if file_digest(stream, "sha256").hexdigest() != digest:
                wrong.append(f"{file_name} is damaged")
    if wrong:
        return Finding("weights", "fail", f"{what}: {'; '.join(wrong)}.", _MEND)
    return Finding("weights", "ok", f"{what}: {size}, whole")


def _lengths(what: str, place: Path, files: list[Path]) -> Finding:
    """Of weights whose checksums nobody noted: whether every shard is there, and as long as its header says."""
    from ..tools.checkpoints import check_part, checked_header

    try:
        if place.is_file():
            checked_header(place)
        for part in {file.parent for file in files} if place.is_dir() else ():
            check_part(part)
    except LimnerError as error:
        return Finding("weights", "fail", f"{what}: {error.text}", error.hint or _MEND)
    return Finding("weights", "ok", f"{what}, no file missing or short")


def _library(home: Path | None) -> Iterator[Finding]:
    """Whether the library folder can be read and written."""
    from ..memory.files import default_home
    from ..memory.library import Library

    folder = (home or default_home()).expanduser().absolute()
    standing = folder
    while not standing.exists():
        standing = standing.parent
    if not standing.is_dir() or not os.access(standing, os.W_OK | os.X_OK):
        yield Finding("home", "fail", f"{folder} cannot be written.", "Choose another folder with --home.")
        return
    free = shutil.disk_usage(standing).free
    if free < DISK_WANTED:
        yield Finding("home", "note", f"Only {free / 2**20:.0f} MiB are free on the disk of {folder}.")
    if not folder.exists():
        yield Finding("home", "ok", f"{folder} (not there yet; the first turn makes it)")
        return
    try:
        with Library.open(folder, write=False) as library:
            counts = {"concept": len(library.concepts()), "conversation": len(library.sessions())}
            held = ", ".join(f"{number} {noun}{'s' * (number != 1)}" for noun, number in counts.items())
            for text in library.notices:
                yield Finding("home", "note", text)
    except LimnerError as error:
        yield Finding("home", "fail", error.text, error.hint)
    else:
        yield Finding("home", "ok", f"{folder}: {held}, {free / 2**30:.0f} GiB free")


def _memory() -> Finding:
    from ..tools.needs import available_memory

    available = available_memory()
    if available is None:
        return Finding("memory", "note", "This system does not say how much memory is free.")
    text = f"{available / 2**30:.1f} GiB free"
    if available < MEMORY_NEEDED:
        return Finding("memory", "fail", f"Only {text}; the starter models may need 1.5.", "Close other programs.")
    return Finding("memory", "ok", text)
