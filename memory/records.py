"""Between the frozen values and their JSON. What is read is checked: a file may be old, edited or hostile."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from ..errors import UserError
from .names import clean_name, clean_value
from .values import Concept, ConceptUse, Origin, Rated, Scores, Served, Take

FORMAT = 1
"""Of `library.json`, of every record and of archives."""

CATEGORIES = ("subject", "person", "style")
SPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}[A-Za-z0-9]")
"""Names of embedding spaces: they become file and collection names."""

_CONCEPT_ID = re.compile(r"c[0-9a-f]{12}")
TAKE_ID = re.compile(r"t[0-9a-f]{12}")
_PICTURE = re.compile(r"(reference|mask|rejected)-[0-9a-f]{16}\.png")
_VECTORS = re.compile(r"embedding-[0-9a-f]{16}\.npy")
OWN_FILE = re.compile(f"({_PICTURE.pattern})|({_VECTORS.pattern})")
"""Files in a concept's folder that the library made; the sweep touches no others."""


def need(condition: object, text: str) -> None:
    """Raise ValueError(`text`) unless `condition`."""
    if not condition:
        raise ValueError(text)


def _text(value: Any, what: str) -> str:
    need(isinstance(value, str), f"{what} is no text")
    return str(value)


def _texts(value: Any, what: str) -> list[str]:
    if type(value) is not list or not all(type(v) is str for v in value):
        raise ValueError(f"{what} is no list of texts")
    return value


def _objects(value: Any, what: str) -> list[dict[str, Any]]:
    if type(value) is not list or not all(type(v) is dict for v in value):
        raise ValueError(f"{what} is no list of objects")
    return value


def _whole(value: Any, what: str, least: int = 0) -> int:
    need(type(value) is int and least <= value < 2**63, f"{what} is no whole number of {least} or more")
    return int(value)


def _files(value: Any, pattern: re.Pattern[str], what: str) -> list[str]:
    names = _texts(value, what)
    if not all(map(pattern.fullmatch, names)):
        raise ValueError(f"{what} holds a file name that is not the library's")
    return names


# Concepts


def check_concept(record: Any) -> dict[str, Any]:
    """`record`, if it is a well-formed `concept.json`.

    Raises:
        ValueError: says what is wrong.
    """
    need(isinstance(record, dict), "it is no JSON object")
    need(record.get("format") == FORMAT, f"its format is {record.get('format')!r}, not {FORMAT}")
    need(_CONCEPT_ID.fullmatch(_text(record.get("id"), "id")), "its id is malformed")
    check_stored_name(_text(record.get("name"), "name"), "name")
    versions = record.get("versions")
    need(isinstance(versions, list) and versions, "it has no versions")
    for number, version in enumerate(versions, 1):
        need(isinstance(version, dict) and version.get("version") == number, "its versions are out of order")
        _check_version(version)
    return dict(record)


def check_stored_name(name: str, what: str) -> None:
    """ValueError unless `name` is one that `clean_name` gives back unchanged."""
    try:
        same = clean_name(name, what) == name
    except UserError as error:
        raise ValueError(error.text) from error
    need(same, f"the {what} is not in its stored form")


def _check_version(version: dict[str, Any]) -> None:
    _text(version.get("kind"), "kind")
    _text(version.get("created"), "created")
    need(version.get("category") in CATEGORIES, "its category is unknown")
    for field in ("stable", "changeable", "negatives", "notes"):
        _texts(version.get(field), field)
    references = _files(version.get("references"), _PICTURE, "references")
    need(references, "it has no reference pictures")
    _files(version.get("rejected"), _PICTURE, "rejected")
    masks = version.get("masks")
    need(type(masks) is list and len(masks) == len(references), "its masks do not match its references")
    _files([m for m in masks or () if m is not None], _PICTURE, "masks")
    for entry in _objects(version.get("ratings", []), "ratings"):
        need(TAKE_ID.fullmatch(_text(entry.get("take"), "take")), "a rated take's id is malformed")
        need(type(entry.get("liked")) is bool, "a rating is unknown")
        _text(entry.get("method"), "method")
        _text(entry.get("request", ""), "request")
        for name in ("subject", "text"):
            need(entry.get(name) is None or _number(entry[name], name, 1) >= 0, f"{name} is no score")
    for entry in _objects(version.get("served", []), "served"):
        _text(entry.get("request"), "request")
        _text(entry.get("method"), "method")
        # A count is no reason to lose a subject; it once grew beyond the other.
        entry["accepted"] = min(_whole(entry.get("accepted"), "accepted"), _whole(entry.get("tried"), "tried", 1))
    spaces = version.get("embeddings")
    need(type(spaces) is dict, "embeddings is no object")
    for space, entry in (spaces or {}).items():
        need(SPACE.fullmatch(space) and type(entry) is dict, "an embedding space is malformed")
        _files([entry.get("file")], _VECTORS, "embeddings")
        _whole(entry.get("dim"), "dim", 1)


def files_of(record: dict[str, Any]) -> set[str]:
    """Names of all files that any version of a concept uses."""
    names: set[str] = set()
    for version in record["versions"]:
        names.update(version["references"], version["rejected"], (m for m in version["masks"] if m is not None))
        names.update(entry["file"] for entry in version["embeddings"].values())
    return names


def concept_value(record: dict[str, Any], version: dict[str, Any], folder: Path) -> Concept:
    """One version of a checked record as a value."""
    return Concept(
        id=record["id"],
        name=record["name"],
        kind=version["kind"],
        version=version["version"],
        category=version["category"],
        stable=tuple(version["stable"]),
        changeable=tuple(version["changeable"]),
        negatives=tuple(version["negatives"]),
        references=tuple(folder / n for n in version["references"]),
        masks=tuple(None if n is None else folder / n for n in version["masks"]),
        rejected=tuple(folder / n for n in version["rejected"]),
        created=version["created"],
        notes=tuple(version["notes"]),
        ratings=tuple(
            Rated(r["take"], r["liked"], r["method"], r.get("subject"), r.get("text"), r.get("request", ""))
            for r in version.get("ratings", [])
        ),
        served=tuple(
            Served(s["request"], s["method"], s["tried"], s["accepted"]) for s in version.get("served", [])
        ),
    )


# Takes


def take_record(take: Take, image_bytes: int) -> dict[str, Any]:
    """A take as its `take.json`; `image_bytes` is the size of its picture file, to notice a damaged one."""
    return {
        "format": FORMAT,
        "id": take.id,
        "number": take.number,
        "session": take.session,
        "parent": take.parent,
        "origin": take.origin,
        "prompt": take.prompt,
        "description": take.description,
        "concepts": [{"id": c.id, "name": c.name, "version": c.version} for c in take.concepts],
        "method": take.method,
        "adapters": list(take.adapters),
        "borrow_from": take.borrow_from,
        "seed": take.seed,
        "model": take.model,
        "settings": clean_value(take.settings),
        "scores": scores_record(take.scores),
        "seconds": take.seconds,
        "created": take.created,
        "rating": take.rating,
        "image_bytes": image_bytes,
    }


def tombstone(take: Take) -> dict[str, Any]:
    """What stays of a deleted take: its place in the tree."""
    return {
        "format": FORMAT,
        "id": take.id,
        "number": take.number,
        "parent": take.parent,
        "created": take.created,
        "deleted": True,
    }


def take_value(record: dict[str, Any], folder: Path, session: str) -> Take:
    """A `take.json` as a value; its picture is `folder/image.png`.

    Raises:
        ValueError: says what is wrong.
    """
    identity, number = place_of(record)
    origin = record.get("origin")
    rating = record.get("rating")
    settings = record.get("settings")
    need(isinstance(origin, str) and origin in ("draw", "edit", "import"), "its origin is unknown")
    need(rating in (None, "good", "bad"), "its rating is unknown")
    need(isinstance(settings, dict), "settings is no object")
    uses = record.get("concepts")
    need(isinstance(uses, list) and all(isinstance(u, dict) for u in uses), "concepts is no list of objects")
    borrowed = record.get("borrow_from")
    return Take(
        id=identity,
        number=number,
        session=session,
        origin=cast(Origin, origin),
        prompt=_text(record.get("prompt"), "prompt"),
        image_path=folder / "image.png",
        parent=_parent(record),
        description=_text(record.get("description"), "description"),
        concepts=tuple(_use(u) for u in uses or ()),
        method=_text(record.get("method"), "method"),
        adapters=tuple(_texts(record.get("adapters"), "adapters")),
        borrow_from=None if borrowed is None else _text(borrowed, "borrow_from"),
        seed=_whole(record.get("seed"), "seed"),
        model=_text(record.get("model"), "model"),
        settings=settings or {},
        scores=scores_value(record.get("scores")),
        seconds=_number(record.get("seconds"), "seconds", 1e9),
        created=_text(record.get("created"), "created"),
        rating=rating,
    )


def place_of(record: dict[str, Any]) -> tuple[str, int]:
    """Id and number of a take or tombstone.

    Raises:
        ValueError: malformed.
    """
    need(record.get("format") == FORMAT, f"its format is {record.get('format')!r}, not {FORMAT}")
    identity = _text(record.get("id"), "id")
    need(TAKE_ID.fullmatch(identity), "its id is malformed")
    _parent(record)
    return identity, _whole(record.get("number"), "number", 1)


def _parent(record: dict[str, Any]) -> str | None:
    parent = record.get("parent")
    need(parent is None or (isinstance(parent, str) and TAKE_ID.fullmatch(parent)), "its parent is malformed")
    return parent


def _use(use: dict[str, Any]) -> ConceptUse:
    name, identity = _text(use.get("name"), "name"), _text(use.get("id"), "id")
    return ConceptUse(id=identity, name=name, version=_whole(use.get("version"), "version", 1))


def _number(value: Any, what: str, most: float) -> float:
    need(type(value) in (int, float) and 0 <= value <= most, f"{what} is not between 0 and {most:g}")
    return float(value)


def scores_record(scores: Scores) -> dict[str, Any]:
    """Scores as JSON."""
    row: dict[str, Any] = {"subject": scores.subject, "text": scores.text, "copy": scores.copy}
    return row | {"verdict": scores.verdict, "details": clean_value(scores.details)}


def scores_value(value: Any) -> Scores:
    """Scores from their JSON. Raises ValueError: says what is wrong."""
    need(isinstance(value, dict), "scores is no object")
    verdict = value.get("verdict")
    need(verdict in ("accept", "retry", "copied", "not_measured"), "its verdict is unknown")
    subject, text, copy = (
        None if value.get(name) is None else _number(value[name], name, 1) for name in ("subject", "text", "copy")
    )
    details = value.get("details", {})
    need(isinstance(details, dict), "the scores' details are no object")
    return Scores(subject=subject, text=text, copy=copy, verdict=verdict, details=details)


def bounded(scores: Scores) -> Scores:
    """`scores` within 0..1 (rounding may carry a cosine just past 1); NaN counts as not measured."""

    def bound(value: float | None) -> float | None:
        return None if value is None or value != value else min(1.0, max(0.0, float(value)))

    return replace(scores, subject=bound(scores.subject), text=bound(scores.text), copy=bound(scores.copy))
