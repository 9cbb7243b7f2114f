"""What the user chose for the screens and models: one small JSON file, `chat.json`, in the library's folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from ..memory.files import default_home, read_json, replacing, to_json

FILE = "chat.json"


@dataclass(frozen=True, slots=True)
class Preferences:
    """The defaults are what a new user gets. Keys of services are never in here."""

    theme: str = "limner-dark"
    pictures: str = "auto"
    """How pictures are drawn: a key of `pictures.MODES`."""
    preset: str = ""
    """"" for the one of the command line."""
    planner: str = ""
    """"" for the preset's own."""
    tree: bool = False
    """The panel of takes is open."""

    @classmethod
    def read(cls, home: Path | None) -> Self:
        """What was kept; a missing or broken file is the defaults."""
        try:
            kept = read_json((home or default_home()) / FILE)
        except (OSError, ValueError):
            return cls()
        values: dict[str, Any] = {}
        for item in fields(cls):
            if type(kept.get(item.name)) is type(item.default):
                values[item.name] = kept[item.name]
        return cls(**values)

    def keep(self, home: Path | None, **changes: Any) -> Self:
        """These with `changes`, written down. What cannot be written is still used."""
        new = replace(self, **changes)
        folder = home or default_home()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(folder / FILE) as file:
                file.write(to_json(asdict(new)))
        except OSError:
            pass
        return new
