"""What a correction does to a concept's version, without I/O. Versions are the objects in `concept.json`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .files import now
from .names import clean_line, key

Version = dict[str, Any]
MEMORY = 20
"""So many outcomes of a method are remembered."""
_LISTS = ("stable", "changeable", "negatives", "notes", "references", "masks", "rejected")


def first_version(kind: str, category: str) -> Version:
    """Version 1, still without pictures."""
    lists: Version = {name: [] for name in _LISTS}
    about = {"version": 1, "created": now(), "kind": kind, "category": category}
    return {**about, **lists, "embeddings": {}}


def revised(old: Version, add: Iterable[str], remove: Iterable[str], changeable: Iterable[str]) -> Version:
    """The next version. What is removed and was not there becomes a negative; what is added ceases to be one.

    An attribute is one thing at a time: stable, changeable or a negative. The last word counts.

    Raises:
        UserError: an attribute is empty or too long.
    """
    new = {**old, "version": old["version"] + 1, "created": now()}
    for line in merged((), add):
        new["negatives"] = _less(new["negatives"], line)
        new["changeable"] = _less(new["changeable"], line)
        new["stable"] = merged(new["stable"], [line])
    for line in merged((), changeable):
        new["negatives"] = _less(new["negatives"], line)
        new["stable"] = _less(new["stable"], line)
        new["changeable"] = merged(new["changeable"], [line])
    for line in merged((), remove):
        kept = {name: _less(new[name], line) for name in ("stable", "changeable")}
        if all(kept[name] == new[name] for name in kept):
            new["negatives"] = merged(new["negatives"], [line])
        new.update(kept)
    return new


def same_content(a: Version, b: Version) -> bool:
    """Whether two versions say the same. When they were made does not matter, nor embeddings and outcomes."""
    apart = ("version", "created", "embeddings", "served")
    return {k: v for k, v in a.items() if k not in apart} == {k: v for k, v in b.items() if k not in apart}


def rated(old: Version, rating: dict[str, Any]) -> Version:
    """The next version, in which the user's latest word on one take counts."""
    others = [r for r in old.get("ratings", []) if r["take"] != rating["take"]]
    return {**old, "version": old["version"] + 1, "created": now(), "ratings": [*others, rating]}


def served(old: Version, request: str, method: str, accepted: bool) -> Version:
    """The same version, knowing one more outcome of `method` for this kind of request."""
    made = [dict(entry) for entry in old.get("served", [])]
    entry = next((e for e in made if (e["request"], e["method"]) == (request, method)), None)
    if entry is None:
        entry = {"request": request, "method": method, "tried": 0, "accepted": 0}
        made.append(entry)
    entry["tried"] += 1
    entry["accepted"] += int(accepted)
    if entry["tried"] > MEMORY:  # what happened lately counts more
        entry["tried"], entry["accepted"] = MEMORY, max(0, min(MEMORY, entry["accepted"] - int(not accepted)))
    return {**old, "served": made}


def merged(lines: Iterable[str], more: Iterable[str]) -> list[str]:
    """`lines` and the cleaned ones of `more` that are not yet there. A single string counts as one line."""
    found = list(lines)
    for line in [more] if isinstance(more, str) else more:
        text = clean_line(line)
        if all(key(text) != key(other) for other in found):
            found.append(text)
    return found


def _less(lines: list[str], line: str) -> list[str]:
    return [other for other in lines if key(other) != key(line)]
