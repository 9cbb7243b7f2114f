"""What was trained for a concept, kept beside its pictures: `concepts/<id>/adapters/<adapter id>/`.

A folder holds `adapter.json` (method, model, version, scores, and size and SHA-256 of every other file), the curve
of its training, and the adapter in the layout of its ecosystem. It grows elsewhere and becomes visible by one rename.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import LibraryError
from .files import Vault, new_id, now, read_json, sync_folder, to_json, write_synced
from .records import FORMAT, need, scores_record, scores_value
from .tensors import read_header
from .values import Adapter, Scores

FOLDER = "adapters"
RECORD = "adapter.json"
ADAPTER_ID = re.compile(r"a[0-9a-f]{12}")
FILE = re.compile(r"[a-z][a-z0-9_]{0,60}\.(safetensors|json)")
"""Names that a training may give its files."""
_HASH = re.compile(r"[0-9a-f]{12}")
_METHOD = re.compile(r"[a-z][a-z0-9_]{0,40}")


def write_record(folder: Path, method: str, model: str, version: int, scores: Scores, **facts: Any) -> dict[str, Any]:
    """Finish a folder of trained files: sync them and write the record that names them. Returns the record.

    Args:
        model: hash of the weights it was trained on. version: the concept's.
        facts: plain values worth keeping (steps, seconds …).
    """
    files = {}
    for path in sorted(folder.iterdir()):
        with open(path, "rb") as opened:
            files[path.name] = {
                "size": path.stat().st_size,
                "sha256": hashlib.file_digest(opened, "sha256").hexdigest(),
            }
            os.fsync(opened.fileno())
    record = {
        "format": FORMAT,
        "id": new_id("a"),
        "method": method,
        "model": model,
        "version": version,
        "scores": scores_record(scores),
        "created": now(),
        "facts": facts,
        "files": files,
    }
    write_synced(folder / RECORD, to_json(record))
    sync_folder(folder)
    return record


def check_record(folder: Path) -> dict[str, Any]:
    """The record of an adapter's folder, if its files are those that it names.

    Raises:
        ValueError: says what is wrong. OSError: cannot be read.
    """
    record = read_json(folder / RECORD)
    need(record.get("format") == FORMAT, f"its format is {record.get('format')!r}, not {FORMAT}")
    for name, pattern in (("id", ADAPTER_ID), ("method", _METHOD), ("model", _HASH)):
        need(isinstance(record.get(name), str) and pattern.fullmatch(record[name]), f"its {name} is malformed")
    need(type(record.get("version")) is int and record["version"] > 0, "its version is malformed")
    need(isinstance(record.get("created"), str) and isinstance(record.get("facts"), dict), "it is malformed")
    scores_value(record.get("scores"))
    files: dict[str, Any] = record["files"] if isinstance(record.get("files"), dict) else {}
    need(files and all(FILE.fullmatch(name) and name != RECORD for name in files), "its files are malformed")
    present = {path.name for path in folder.iterdir()}
    need(present == {*files, RECORD}, "files of it are missing")
    for name, facts in files.items():
        need(isinstance(facts, dict), "its files are malformed")
        need((folder / name).stat().st_size == facts.get("size"), f"{name} has another size than when it was trained")
    return record


def check_files(folder: Path) -> dict[str, Any]:
    """As `check_record`, and every file is whole: for what comes from outside.

    Raises:
        ValueError: says what is wrong. OSError: cannot be read.
    """
    record = check_record(folder)
    for name, facts in record["files"].items():
        with open(folder / name, "rb") as opened:
            same = hashlib.file_digest(opened, "sha256").hexdigest() == facts.get("sha256")
        need(same, f"{name} was altered")
        try:
            read_header(folder / name) if name.endswith(".safetensors") else json.loads((folder / name).read_bytes())
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{name} cannot be used: {error}") from error
    return record


def adapter_value(record: Mapping[str, Any], folder: Path) -> Adapter:
    """A checked record as a value."""
    return Adapter(
        id=record["id"],
        method=record["method"],
        folder=folder,
        model=record["model"],
        version=record["version"],
        scores=scores_value(record["scores"]),
        created=record["created"],
        facts=dict(record["facts"]),
        bytes=sum(facts["size"] for facts in record["files"].values()),
    )


def adapters_in(folder: Path) -> tuple[list[Adapter], list[str]]:
    """The usable adapters in a concept's folder, newest first; and a sentence for each that is not."""
    found, broken = [], []
    root = folder / FOLDER
    for path in sorted(root.iterdir()) if root.is_dir() else ():
        try:
            record = check_record(path)
            need(record["id"] == path.name, "its id is not its folder's name")
            found.append(adapter_value(record, path))
        except (ValueError, OSError) as error:
            broken.append(f"A trained adapter cannot be used ({path.name}: {error}).")
    return sorted(found, key=lambda adapter: adapter.created, reverse=True), broken


def publish(vault: Vault, concept: Path, staged: Path) -> Adapter:
    """Make a finished folder visible with a concept; an older one of the same method, model and version goes.

    Raises:
        LibraryError: it is not what a training leaves behind.
    """
    try:
        record = check_files(staged)
    except (ValueError, OSError) as error:
        raise LibraryError(f"The trained adapter cannot be kept: {error}.") from error
    same = ("method", "model", "version")
    older = [a for a in adapters_in(concept)[0] if all(getattr(a, name) == record[name] for name in same)]
    (concept / FOLDER).mkdir(exist_ok=True)
    target = concept / FOLDER / record["id"]
    vault.publish(staged, target)
    for adapter in older:
        vault.discard(adapter.folder)
    return adapter_value(record, target)


def members(concept: Path, identity: str, largest: int) -> list[tuple[str, Path]]:
    """What an archive carries of a concept's adapters: those whose files it can hold."""
    found = []
    for adapter in adapters_in(concept)[0]:
        files = sorted(adapter.folder.iterdir())
        if all(file.stat().st_size <= largest for file in files):
            found += [(f"concepts/{identity}/{FOLDER}/{adapter.id}/{file.name}", file) for file in files]
    return found
