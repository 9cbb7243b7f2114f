"""The tools about concepts: teach, refine, forget, rename, revert, recall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ..errors import NeedsConsent, UserError
from ..memory.events import Notice, Progress
from ..memory.values import FROM_TAKE, Concept, Take
from .catalog import Working, tool
from .company import known_kind
from .desk import Desk, result, rounded
from .photographs import advice, prepare_together
from .sameness import doubts
from .values import Prepared
from .words import listed, unknown_words

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from ..memory.library import Library
    from .presets import Preset
    from .studio import Studio

MOST_REFERENCES = 32
MOST_TAKES = 5
"""So many takes are named when something is looked up by words."""
CONSENT = "{name} is a person. Have they agreed to be learned and drawn here? Forgetting deletes everything again."
PERSONS = frozenset(
    "person man woman boy girl child kid baby toddler teenager face human people portrait friend colleague neighbour"
    " neighbor mother father mum mom dad parent sister brother wife husband partner son daughter aunt uncle cousin"
    " niece nephew grandmother grandfather grandma grandpa granny bride groom actor actress singer".split()
)
"""Class nouns of people."""
Name = Annotated[str, Field(min_length=1, max_length=300, description="The concept's name.")]
Words = Annotated[list[str], Field(max_length=20)]


@tool(order=12)
def teach(
    desk: Desk,
    name: Name,
    kind: Annotated[str, Field(max_length=60, description='The class noun: "dog", "mug".')] = "",
    images: Annotated[
        list[str],
        Field(max_length=MOST_REFERENCES, description="Paths that the user typed or attached; no others."),
    ] = [],  # noqa: B006 - the planner's default; never changed
    takes: Annotated[
        list[int], Field(max_length=MOST_REFERENCES, description="Takes that show it: a drawn figure is kept.")
    ] = [],  # noqa: B006
) -> Working:
    """Learn a new subject from pictures or from takes. Without both, the attached pictures are meant."""
    from .images import load_picture

    drawn = [desk.session.take(number) for number in dict.fromkeys(takes)]
    paths = [desk.may_read(item) for item in images] or ([] if drawn else list(desk.files))
    if not paths and not drawn:
        raise UserError(f"There is no picture of {name} to learn from.", "Attach one, or name its file.")
    shown: list[Image | Take] = []
    for path in dict.fromkeys(paths):
        picture = load_picture(path)
        shown.append(picture.image)
        for text in picture.notices:
            yield Notice(text)
    shown += drawn
    prepared: list[Prepared] = []
    for number, item in enumerate(shown, 1):
        desk.check()
        yield Progress(f"looking at {name}", number, len(shown))
        prepared.append(reference(desk.studio, item, kind))
    prepared = prepare_together([item.image if isinstance(item, Take) else item for item in shown], prepared)
    for text in advice(prepared, desk.preset.getting_segments):
        yield Notice(text)
    agreed = False
    if shows_person(kind, prepared):
        may = desk.may(CONSENT.format(name=name))
        if desk.question is not None:
            yield desk.question
            return result(asked=desk.question.text)
        if not may:
            raise UserError(f"{name} was not learned: nobody is, without their consent.", "Ask them first.")
        agreed = True
    desk.check()
    concept = store_concept(desk.library, desk.studio, name, kind, prepared, drawn, consent=agreed)
    for text in doubts(desk.library, desk.preset, desk.studio.space, concept, prepared):
        yield Notice(text)
    return result(
        concept=concept.name,
        kind=concept.kind,
        version=concept.version,
        references=len(concept.references),
        note=foreign_note(prepared, kind, desk.preset),
    )


def reference(studio: Studio, picture: Image | Take, kind: str) -> Prepared:
    """A picture with the subject found in it; of a take that shows several, the one that is most like its `kind`.

    Raises `UserError` where it takes a kind to know which one is meant.
    """
    from .subject import side_by_side

    if not isinstance(picture, Take):
        return studio.prepare(picture)
    prepared = studio.prepare(picture.image)
    figures = [] if prepared.mask is None else side_by_side(prepared.mask)
    if len(figures) < 2:
        return prepared
    if not kind:
        raise UserError(f"Take {picture.number} shows {len(figures)} figures.", "Say what the one is that you mean.")
    like = studio.embed_images([prepared.image] * len(figures), figures) @ studio.embed_texts([f"a {kind}"])[0]
    return replace(prepared, mask=figures[int(like.argmax())])


def store_concept(
    library: Library,
    studio: Studio,
    name: str,
    kind: str,
    prepared: Sequence[Prepared],
    takes: Sequence[Take] = (),
    *,
    consent: bool = False,
) -> Concept:
    """Embed prepared pictures and store them as a new concept; of a person with the consent and its time.

    `takes`: those of the pictures that are takes, which count as showing it from now on.

    Raises `BadName`, and `NeedsConsent` for a person without it.
    """
    person = shows_person(kind, prepared)
    if person and not consent:
        hint = "Then say so: --consent, or consent=True."
        raise NeedsConsent(f"{name} is a person, who must have agreed first.", hint)
    images = [item.image for item in prepared]
    masks = [item.mask for item in prepared]
    vectors: Mapping[str, np.ndarray] = {studio.space: studio.embed_images(images, masks)}
    notes = [f"consent: given {datetime.now(UTC).isoformat(timespec='seconds')}"] if person else []
    notes += [f"{FROM_TAKE}{take.id}" for take in takes]
    category = "person" if person else "subject"
    return library.teach(name, kind or "thing", images, masks, embeddings=vectors, category=category, notes=notes)


def shows_person(kind: str, prepared: Sequence[Prepared]) -> bool:
    """Whether these are photographs of a person, by what the user calls it; drawn figures give no consent."""
    words = kind.lower().split()
    return any(item.look is not None for item in prepared) and any(word in PERSONS for word in words)


def foreign_note(prepared: Sequence[Prepared], kind: str, preset: Preset) -> str:
    """What to say when some pictures, or the kind, are not of the world that the preset's models draw; else ""."""
    if not all(item.storybook for item in prepared):
        return preset.for_photographs.strip()
    known = known_kind(kind, preset.scenes.get("looks", ()))
    if preset.words is None or not kind or (known and not unknown_words(kind, [], preset.words)):
        return ""
    return f"The {preset.name} models don't know what a {kind} is; they go by its looks."


@tool(order=13)
def refine(
    desk: Desk,
    concept: Name,
    add: Annotated[Words, Field(description='Lasting attributes: "longer ears".')] = [],  # noqa: B006
    remove: Annotated[Words, Field(description='What must not be drawn with it: "hat".')] = [],  # noqa: B006
    rejected: Annotated[int | None, Field(ge=1, description="A take that shows it wrongly.")] = None,
) -> Working:
    """Correct a concept for good, from what the user says about it. Makes a new version."""
    yield from ()
    if not (add or remove or rejected):
        raise UserError("There is nothing to correct.", "Say what belongs to it, or what does not.")
    picture = desk.session.take(rejected).image if rejected else None
    new = desk.library.revise(concept, add=add, remove=remove, reject=picture)
    said = desk.studio.unknown_words(", ".join(add), [new.name, new.kind])
    unknown = listed([f"'{word}'" for word in said if not word.endswith("er")])  # "longer" is said of what they know
    return _version(new) | ({"note": f"The {desk.preset.name} models can't draw {unknown}."} if unknown else {})


@tool(order=22)
def forget(desk: Desk, concept: Name) -> Working:
    """Delete a concept with its pictures; the user is asked first. Takes that show it stay."""
    known = desk.library.concept(concept)
    may = desk.may(f"Shall I really forget {known.name}, pictures, training and all? It cannot be brought back.")
    if desk.question is not None:
        yield desk.question
        return result(asked=desk.question.text)
    if not may:
        raise UserError(f"{known.name} is kept.")
    desk.library.forget(known.name)
    if desk.jobs is not None:
        desk.jobs.settle()
    shown = [take.number for take in desk.session.takes() if any(use.id == known.id for use in take.concepts)]
    note = f"Takes that show {known.name} stay, but cannot be replayed." if shown else ""
    return result(concept=known.name, note=note)


@tool(order=23)
def rename(desk: Desk, concept: Name, name: Name) -> Working:
    """Give a concept another name."""
    yield from ()
    old = desk.library.concept(concept).name
    return result(concept=desk.library.rename(old, name).name, was=old)


@tool(order=24)
def revert(
    desk: Desk,
    concept: Name,
    version: Annotated[int | None, Field(ge=1, description="Left out: the previous version.")] = None,
) -> Working:
    """Bring back an earlier version of a concept."""
    yield from ()
    new = desk.library.revert(concept, version)
    return _version(new)


@tool(order=14)
def recall(
    desk: Desk,
    query: Annotated[str, Field(max_length=500, description="A name or description; empty for all.")] = "",
    image: Annotated[str | int | None, Field(description="An attached or typed picture, or a take's number.")] = None,
) -> Working:
    """Look up what has been taught and drawn: by words, or by what a picture shows."""
    yield from ()
    if image is None:
        found = search(desk.library, desk.studio, query)
    else:
        found = search(desk.library, desk.studio, _picture(desk, image))
    every = desk.library.concepts()
    listed = [_line(concept, likeness) for concept, likeness in found]
    answer = {"ok": True, "concepts": listed, "count": len(listed), "taught": len(every)}
    if image is None and (takes := _takes(desk, query)):
        answer["takes"] = takes
    return answer


def _takes(desk: Desk, query: str) -> list[dict[str, Any]]:
    """The newest takes whose words hold all words of the query: also those that the planner has long lost sight of."""
    words = query.lower().split()
    found = [
        {"take": take.number, "shows": (take.description or take.prompt)[:200]}
        for take in reversed(desk.session.takes())
        if words and all(word in f"{take.description} {take.prompt}".lower() for word in words)
    ]
    return found[:MOST_TAKES]


def search(library: Library, studio: Studio, what: Any, n: int = 20) -> list[tuple[Concept, float | None]]:
    """Concepts that fit words or a PIL image, best first, with their cosine similarity where it was measured.

    Words are looked up in names, kinds and attributes first; only when none fits are the models asked.
    """
    if isinstance(what, str):
        if not what.strip():
            return [(concept, None) for concept in library.concepts()[:n]]
        plain = library.search_text(what, n)
        if plain or not library.concepts():
            return [(concept, None) for concept in plain]
        vector = studio.embed_texts([what])[0]
    elif not library.concepts():
        return []
    else:
        prepared = studio.prepare(what)
        vector = studio.embed_images([prepared.image], [prepared.mask])[0]
    return [(concept, likeness) for concept, likeness in library.search(studio.space, vector, min(n, 5))]


def _version(concept: Concept) -> dict[str, Any]:
    return result(
        concept=concept.name,
        version=concept.version,
        attributes=list(concept.stable),
        never=list(concept.negatives),
    )


def _picture(desk: Desk, image: str | int) -> Any:
    from .images import load_picture

    if isinstance(image, int) or image.lstrip("#").isdecimal():
        return desk.session.take(int(str(image).lstrip("#"))).image
    return load_picture(Path(desk.may_read(image))).image


def _line(concept: Concept, likeness: float | None) -> dict[str, Any]:
    line: dict[str, Any] = {"name": concept.name, "kind": concept.kind, "version": concept.version}
    line["references"] = len(concept.references)
    if concept.stable:
        line["attributes"] = list(concept.stable)
    if concept.negatives:
        line["never"] = list(concept.negatives)
    if concept.ratings:
        line["liked"] = sum(rating.liked for rating in concept.ratings)
        line["disliked"] = len(concept.ratings) - line["liked"]
    if likeness is not None:
        line["similarity"] = rounded(likeness)
    return line
