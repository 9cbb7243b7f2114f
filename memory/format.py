"""The library's `library.json`: which format its records have."""

from __future__ import annotations

from ..errors import LibraryError
from .files import Vault, now, read_json, to_json
from .records import FORMAT


def check_format(vault: Vault) -> bool:
    """Whether the library is a new one; what is missing or broken is written anew, and said.

    Raises:
        LibraryError: it has another format.
    """
    path = vault.home / "library.json"
    try:
        found = read_json(path).get("format")
    except FileNotFoundError:
        if (vault.home / "concepts").is_dir() or (vault.home / "sessions").is_dir():
            _mend(vault, "was missing")
            return False
        if vault.write:
            _write(vault)
        return True
    except (ValueError, IsADirectoryError) as error:
        _mend(vault, f"could not be read ({error})")
        return False
    if found != FORMAT:
        newer = isinstance(found, int) and found > FORMAT
        raise LibraryError(
            f"The library at {vault.home} has the format {found!r}; this Limner reads {FORMAT}.",
            hint="Update Limner." if newer else "Export from it with the Limner that made it, and import here.",
        )
    return False


def _mend(vault: Vault, why: str) -> None:
    text = f"library.json {why}"
    if vault.write:
        path = vault.home / "library.json"
        if path.exists():
            vault.set_aside(path)
        _write(vault)
        text += " and was written anew"
    vault.notices.append(f"{text}; the library was read as it is.")


def _write(vault: Vault) -> None:
    vault.staging.mkdir(exist_ok=True)
    vault.put(vault.home / "library.json", to_json({"format": FORMAT, "created": now()}))
