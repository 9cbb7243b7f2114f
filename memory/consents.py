"""What the user has agreed to or refused, once for all: one small file beside the library's own."""

from __future__ import annotations

from typing import Any

from .files import Vault, now, read_json, to_json


class Consents:
    """Topic to answer. A file that cannot be read counts as never asked: nothing is allowed by accident."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._path = vault.home / "consents.json"
        self._answers: dict[str, Any] | None = None

    def get(self, topic: str) -> bool | None:
        """The user's answer, `None` if there was none."""
        answer = self._read().get(topic)
        given = answer.get("given") if isinstance(answer, dict) else None
        return given if isinstance(given, bool) else None

    def put(self, topic: str, given: bool) -> None:
        """Keep an answer with the time it was given. Raises `LibraryError`."""
        with self._vault.writing():
            answers = {**self._read(), topic: {"given": given, "time": now()}}
            self._vault.put(self._path, to_json(answers))
            self._answers = answers

    def _read(self) -> dict[str, Any]:
        if self._answers is None:
            with self._vault.reading():
                try:
                    self._answers = read_json(self._path)
                except (FileNotFoundError, ValueError):
                    self._answers = {}
        return self._answers
