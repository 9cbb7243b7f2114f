"""Weights: where they are on this computer, and how they come here when they are asked for.

The cache is the one that all tools of the hub share (`HF_HUB_CACHE`, `HF_HOME`, else `~/.cache/huggingface/hub`);
what is in it already is used. Nothing is fetched but by `fetch`.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import socket
import threading
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ..errors import ModelError, UserError

if TYPE_CHECKING:
    from .presets import Preset

ROOM = "Make room and run the same again: it goes on. HF_HUB_CACHE names another folder."
COMMIT = re.compile(r"[0-9a-f]{40}")
WANTED = ("*.json", "*.txt", "*.model", "*.jinja", "*.safetensors")
"""What a model is made of; pickles and code are never fetched."""
NEVER = ("*.py", "*.bin", "*.pt", "*.pth", "*.ckpt", "*.msgpack", "*.h5", "*.onnx", "*.gguf")
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt")
PATIENCE = 15
"""Seconds that the hub may be silent."""
REACH = 3
"""Seconds within which a way to the hub must be found; its own package tries for half a minute."""


def cache_folder() -> Path:
    """The cache shared with all tools of the hub."""
    if named := os.environ.get("HF_HUB_CACHE"):
        return Path(named).expanduser()
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    return Path(home).expanduser() / "hub"


def is_offline() -> bool:
    """Whether the user has switched the hub off."""
    return any(os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE")
               for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))  # fmt: skip


def cached(hub: str, revision: str) -> Path:
    """Where a model of the hub lies in the cache, or would lie; whether it is there is for the reader to see."""
    folder = cache_folder() / f"models--{hub.replace('/', '--')}"
    found = folder / "snapshots" / revision
    if found.is_dir():
        return found
    try:
        return folder / "snapshots" / (folder / "refs" / revision).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return found


@dataclass(frozen=True, slots=True)
class Source:
    """One repository that a preset draws on."""

    hub: str
    revision: str
    licence: str
    only: tuple[str, ...] = ()
    whole: bool = True
    """Whether its weights are needed; `False`: only configs and tokenizers."""
    spare: bool = False
    """Whether the preset also works without it."""


CONFIGS = ("*.json", "*/*.json", "*/*.txt", "*/*.model")
"""What a model in one file needs of the repository of its family."""


def sources(preset: Preset) -> list[Source]:
    """Every repository of the hub that a preset needs, each once."""
    found: dict[tuple[str, str], Source] = {}
    for role, spec in preset.models.items():
        whole = spec.file is None
        only = spec.only if whole else CONFIGS
        specs = [Source(spec.hub, spec.revision, spec.licence, only, whole, preset.spares(role))]
        adapter = spec.settings.get("image_adapter", {})
        for part in (adapter, adapter.get("encoder_from", {})):
            specs.append(Source(part.get("hub", ""), str(part.get("revision", "main")), str(part.get("licence", "")),
                                tuple(part.get("only", ()))))  # fmt: skip
        for source in specs:
            if source.hub:
                key = source.hub, source.revision
                found[key] = _both(found[key], source) if key in found else source
    return list(found.values())


def _both(one: Source, other: Source) -> Source:
    """What two models of a preset need of the same repository."""
    # No patterns: all that a model is made of.
    only = (*one.only, *other.only) if one.only and other.only else ()
    whole, spare = one.whole or other.whole, one.spare and other.spare
    return replace(one, only=tuple(dict.fromkeys(only)), whole=whole, spare=spare)


@dataclass(frozen=True, slots=True)
class Download:
    """What would be fetched of one repository, at one commit."""

    hub: str
    revision: str
    """As the preset names it: a commit, or a branch."""
    commit: str
    files: tuple[str, ...]
    bytes: int
    missing: int
    """Bytes that are not here yet."""

    @property
    def folder(self) -> Path:
        return cached(self.hub, self.commit)


def plan(hub: str, revision: str, only: Sequence[str] = (), whole: bool = True, newest: bool = False) -> Download:
    """Asks the hub what a model consists of; not `whole`: without its weights.

    With `newest`, where the hub has no such revision, its newest state is meant; once that is fetched, it stays what
    the revision's name stands for on this computer.

    Raises `UserError` or `ModelError` in one sentence.
    """
    if is_offline():
        raise UserError(
            f"{hub} cannot be fetched: this computer is set to be offline (HF_HUB_OFFLINE).",
            "Unset it, or copy the model into the cache, or name a folder: presets get NAME --from DIR.",
        )
    _reach(hub)
    with _asking(hub):
        from huggingface_hub import HfApi
        from huggingface_hub.errors import RevisionNotFoundError
        from huggingface_hub.hf_api import RepoFile

        api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"))

        def listed(commit: str) -> list[RepoFile]:
            return [f for f in api.list_repo_tree(hub, recursive=True, revision=commit) if isinstance(f, RepoFile)]

        commit = revision
        if not COMMIT.fullmatch(revision):
            commit = str(api.model_info(hub, revision=revision, timeout=PATIENCE).sha)
        try:
            tree = listed(commit)
        except RevisionNotFoundError:
            if not newest:
                raise
            commit = str(api.model_info(hub, timeout=PATIENCE).sha)
            tree = listed(commit)
    chosen = [f for f in tree if any(fnmatch(f.path, p) for p in only or WANTED)]
    chosen = [f for f in chosen if not any(fnmatch(f.path, p) for p in NEVER)]
    if whole and not any(f.path.endswith(".safetensors") for f in chosen):
        pickled = [f.path for f in tree if any(fnmatch(f.path, p) for p in PICKLED)]
        found = f"only pickles ({pickled[0]})" if pickled else "no weights"
        raise ModelError(
            f"{hub} holds {found} and no safetensors; Limner opens nothing else.",
            "Look for a conversion of it on the hub.",
        )
    here = cached(hub, commit)
    return Download(
        hub, revision, commit, tuple(f.path for f in chosen), sum(f.size for f in chosen),
        sum(f.size for f in chosen if not (here / f.path).exists()),
    )  # fmt: skip


def _reach(hub: str) -> None:
    """Raises `ModelError` where nobody answers at the hub's address. What lies behind a proxy is not looked for."""
    address = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    host, port = address.hostname or "", address.port or (443 if address.scheme == "https" else 80)
    if getproxies().keys() & {address.scheme, "all"} and not proxy_bypass(host):
        return
    end, why, there = time.monotonic() + REACH, ["nobody answered"], threading.Event()

    def knock() -> None:
        while not there.is_set() and (left := end - time.monotonic()) > 0:
            try:
                socket.create_connection((host, port), left).close()
                there.set()
            except OSError as error:
                # A network that comes and goes may be there the next moment.
                why[0] = (error.strerror or str(error)).lower()
                there.wait(min(0.5, left))

    # The system's own search for a name cannot be told how long to take.
    threading.Thread(target=knock, daemon=True).start()
    if not there.wait(REACH):
        raise ModelError(
            f"{hub} cannot be fetched: there is no way from here to {host} ({why[0]}).",
            "Connect this computer and run the same again, or use a model that you have: presets get NAME --from PATH.",
        )


def check_room(bytes: int) -> None:
    """Raises `UserError` where the disk of the cache has not so many bytes left."""
    if (free := free_bytes()) < bytes:
        said = f"{sized(bytes)} are to be fetched, and {sized(free)} are free on the disk of {cache_folder()}."
        raise UserError(said, ROOM)


def free_bytes() -> int:
    """Bytes that are free on the disk of the cache."""
    place = cache_folder().absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def sized(bytes: int) -> str:
    """A size as people say it."""
    return f"{bytes / 1e9:.1f} GB" if bytes >= 1e8 else f"{bytes / 1e6:.1f} MB"


def fetch(download: Download) -> Path:
    """Fetches what is missing; begins where an earlier try stopped. Returns the folder."""
    with _asking(download.hub):
        from huggingface_hub import snapshot_download

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a disk that is nearly full it was told before
            folder = snapshot_download(
                download.hub, revision=download.commit, cache_dir=cache_folder(), allow_patterns=list(download.files),
                etag_timeout=PATIENCE, endpoint=os.environ.get("HF_ENDPOINT"),
            )  # fmt: skip
    for name in download.files:
        if not (Path(folder) / name).exists():
            raise ModelError(f"{download.hub} did not come whole: {name} is missing.", "Run the same again.")
    if download.revision != download.commit:
        # As the hub's own tools do, so that the branch is found offline, and stays where it was.
        note = download.folder.parent.parent / "refs" / download.revision
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(download.commit, encoding="ascii")
    return Path(folder)


class _asking:
    """What can go wrong between here and the hub, as one sentence each."""

    def __init__(self, hub: str) -> None:
        self.hub = hub

    def __enter__(self) -> None:
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        # Its tries go on without a word; what came of them is said once. It reads this when it is imported.
        os.environ.setdefault("HF_HUB_VERBOSITY", "error")
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or not isinstance(error, Exception) or isinstance(error, (UserError, ModelError)):
            return
        raise self._said(error) from error

    def _said(self, error: Exception) -> UserError | ModelError:
        from huggingface_hub import errors

        if isinstance(error, errors.GatedRepoError):
            return UserError(
                f"{self.hub} asks its users to agree to its licence first.",
                f"Agree at https://huggingface.co/{self.hub}, then log in with a token that may read gated "
                "repositories: hf auth login.",
            )
        if isinstance(error, errors.RevisionNotFoundError):
            return UserError(
                f"{self.hub} has no such revision as the preset names.",
                "Add --newest to take its newest state instead and stay with that, or correct `revision`.",
            )
        if isinstance(error, errors.RepositoryNotFoundError):
            return UserError(f"There is no {self.hub} on the hub, or it is not open to you.", "hf auth login")
        # The hub's package has changed its own network library twice.
        unreached = any(kind.__name__ in ("TransportError", "ConnectionError") for kind in type(error).__mro__)
        if unreached or isinstance(error, errors.LocalEntryNotFoundError):
            return ModelError(f"The hub cannot be reached for {self.hub}.", "Try again, or use --from DIR.")
        if isinstance(error, OSError) and error.errno == 28:
            return ModelError(f"The disk is full; {cache_folder()} keeps what came of {self.hub} so far.", ROOM)
        status = getattr(getattr(error, "response", None), "status_code", 0)
        if status in (401, 403):
            return UserError(
                f"{self.hub} is not open to you: the hub says {status}.",
                f"Agree to its terms at https://huggingface.co/{self.hub}, then log in with a token that may read "
                "gated repositories: hf auth login.",
            )
        if status == 429 or status >= 500:
            return ModelError(f"The hub has no time for {self.hub} now: it says {status}.", "Run the same again later.")
        first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        return ModelError(f"{self.hub} could not be fetched: {first[:200]}.", "Run the same again: it goes on.")
