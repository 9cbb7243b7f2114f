"""One file that carries a concept or a session to another library, and back in.

A zip: `manifest.json` (format, kind, name, and size and SHA-256 of every other file), `concepts/<id>/…` and
`session/…`. A session carries the concepts its takes used. What comes in is not trusted: names, sizes,
hashes, pictures and records are all checked before anything becomes visible in the library.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import LibraryError, UserError
from .files import is_full, replacing, to_json, write_synced

ARCHIVE = 1
"""Version of the archive's layout."""
KINDS = ("concept", "session")

MAX_FILES = 50_000
MAX_FILE = 256 * 2**20
MAX_TOTAL = 4 * 2**30
"""Bytes after unpacking."""
_CHUNK = 2**20
_MEMBER = re.compile(
    r"concepts/c[0-9a-f]{12}/(concept\.json|(reference|mask|rejected)-[0-9a-f]{16}\.png|embedding-[0-9a-f]{16}\.npy"
    r"|adapters/a[0-9a-f]{12}/[a-z][a-z0-9_]{0,60}\.(safetensors|json))"
    r"|session/(session\.json|turns\.jsonl|takes/[1-9][0-9]{0,8}-t[0-9a-f]{12}/(take\.json|image\.png|original\.(png|jpe?g|jfif|webp|tiff?)))"
)


def pack(file: Path, kind: str, name: str, members: Iterable[tuple[str, Path]]) -> None:
    """Write an archive, complete or not at all. `members`: path in the archive and the file to put there.

    Raises:
        UserError: `file` cannot be written, or exists and is something else than an archive of Limner's.
    """
    if file.is_dir() or not file.parent.is_dir():
        why = "it is a folder" if file.is_dir() else "its folder does not exist"
        raise UserError(f"{file} cannot be written: {why}.")
    if file.exists() and not _is_archive(file):
        text = f"{file} exists and is no archive of Limner's; it was left as it is."
        raise UserError(text, hint="Choose another name.")
    files: dict[str, dict[str, Any]] = {}
    try:
        with replacing(file) as stream, zipfile.ZipFile(stream, "w") as archive:
            for member, path in members:
                data = path.read_bytes()
                files[member] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                how = zipfile.ZIP_STORED if member.endswith(".png") else zipfile.ZIP_DEFLATED
                archive.writestr(_entry(member), data, how)
            manifest = {"limner_archive": ARCHIVE, "kind": kind, "name": name, "files": files}
            archive.writestr(_entry("manifest.json"), to_json(manifest), zipfile.ZIP_DEFLATED)
    except OSError as error:
        if is_full(error):
            raise LibraryError(f"There is no space left to write {file}; nothing was kept of it.") from error
        raise UserError(f"{file} cannot be written: {error.strerror or error}.") from error


def belongs(member: str) -> bool:
    """Whether an archive may hold a file of this path."""
    return _MEMBER.fullmatch(member) is not None


def _entry(member: str) -> zipfile.ZipInfo:
    """A fixed date, so that the same content gives the same archive."""
    return zipfile.ZipInfo(member, date_time=(1980, 1, 1, 0, 0, 0))


def _is_archive(file: Path) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            return "manifest.json" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def unpack(file: Path, folder: Path) -> dict[str, Any]:
    """Unpack an archive into an empty folder and return its manifest.

    Every file is one that the manifest names, under a name that the library could have made, with the size
    and hash that the manifest gives.

    Raises:
        UserError: no such file, no archive, of another version, damaged or hostile. OSError: the disk.
    """
    if not file.exists():
        raise UserError(f"There is no file {file}.")
    if file.is_dir():
        raise UserError(f"{file} is a folder, not an archive.")
    try:
        stream = open(file, "rb")
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}.") from error
    with stream, refusing(file), zipfile.ZipFile(stream) as archive:
        manifest = _manifest(archive)
        entries = {e.filename: e for e in archive.infolist() if e.filename != "manifest.json"}
        if len(entries) != len(archive.infolist()) - 1 or entries.keys() != manifest["files"].keys():
            raise ValueError("its list of files does not match its content")
        for member, facts in manifest["files"].items():
            _extract(archive, entries[member], facts, folder / member)
    return manifest


@contextmanager
def refusing(file: Path) -> Iterator[None]:
    """Turn everything that a bad archive can cause into one clear sentence."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError) as error:
        # NotImplementedError is zipfile's word for a compression that it does not know.
        text = "it is truncated or damaged" if zipfile.is_zipfile(file) else "it is no archive, or only a part of one"
        raise UserError(f"{file} cannot be imported: {text}; nothing was changed.") from error
    except (ValueError, RuntimeError, UserError) as error:  # RuntimeError: an encrypted entry
        text = f"{file} cannot be imported: {str(error).rstrip('.')}; nothing was changed."
        raise UserError(text) from error


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    if len(archive.infolist()) > MAX_FILES:
        raise ValueError(f"it holds more than {MAX_FILES} files")
    try:
        entry = archive.getinfo("manifest.json")
    except KeyError:
        raise ValueError("it was not made by Limner") from None
    if entry.file_size > 32 * 2**20:
        raise ValueError("its list of files is too large")
    try:
        manifest = json.loads(_read(archive, entry, entry.file_size))
    except RecursionError:
        raise ValueError("its list of files is nested too deeply") from None
    if not isinstance(manifest, dict) or "limner_archive" not in manifest:
        raise ValueError("it was not made by Limner")
    if manifest["limner_archive"] != ARCHIVE:
        raise ValueError(f"it has the format {manifest['limner_archive']!r}; this Limner reads {ARCHIVE}")
    if manifest.get("kind") not in KINDS or not isinstance(manifest.get("files"), dict):
        raise ValueError("its list of files is malformed")
    _check_sizes(manifest["files"])
    return manifest


def _check_sizes(files: dict[str, Any]) -> None:
    total = 0
    for member, facts in files.items():
        if not belongs(member):
            raise ValueError("it holds a file that does not belong into a library")
        if not isinstance(facts, dict) or type(facts.get("size")) is not int or type(facts.get("sha256")) is not str:
            raise ValueError("its list of files is malformed")
        if not 0 <= facts["size"] <= MAX_FILE:
            raise ValueError("a file in it is too large")
        total += facts["size"]
    if total > MAX_TOTAL:
        raise ValueError(f"it unpacks to more than {MAX_TOTAL // 2**30} GiB")


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, facts: dict[str, Any], target: Path) -> None:
    if entry.is_dir() or entry.file_size != facts["size"]:
        raise ValueError("a file in it has another size than it says")
    data = _read(archive, entry, facts["size"])
    if hashlib.sha256(data).hexdigest() != facts["sha256"]:
        raise ValueError("a file in it was altered")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_synced(target, data)


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, size: int) -> bytes:
    """The entry's content, but never more than it claims: a bomb is stopped while it unpacks."""
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("a file in it is packed in a way that Limner does not use")
    parts, left = [], size
    with archive.open(entry) as stream:
        while True:
            part = stream.read(min(_CHUNK, left + 1))
            if not part:
                break
            left -= len(part)
            if left < 0:
                raise ValueError("a file in it is larger than it says")
            parts.append(part)
    if left:
        raise ValueError("a file in it is truncated")
    return b"".join(parts)
