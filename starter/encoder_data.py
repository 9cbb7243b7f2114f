"""What the scorers' encoder learns from: phrases that hold or not, and pictures that differ in one thing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ..tools.scoring.phrases import pieces
from .world import (
    ACCESSORIES,
    COLOURS,
    KINDS,
    PATTERNS,
    PLACES,
    POSITIONS,
    SIZES,
    TIMES,
    Picture,
    Scene,
    Subject,
    caption,
    change,
    describe,
    render,
    sample_scene,
    sample_subject,
    synonyms,
)

WORDS = synonyms()


Fact = tuple[str, ...]


@dataclass(frozen=True)
class Phrase:
    """A piece of a prompt, and the fact about a scene that it states, or denies."""

    text: str
    fact: Fact
    denies: bool = False


READ: dict[str, tuple[str, ...]] = {
    "place": PLACES, "time": TIMES, "accessory": ACCESSORIES, "size": SIZES, "position": POSITIONS,
    "kind": KINDS, "main": tuple(COLOURS), "second": tuple(COLOURS), "pattern": PATTERNS,
}  # fmt: skip
"""What the heads read, with the words for each class."""


def attributes(scene: Scene) -> dict[str, int]:
    """Class numbers of a scene with one figure, under the names of `READ`."""
    figure = scene.figures[0]
    owners = (figure.subject, figure, scene)
    values = {name: next(getattr(o, name) for o in owners if hasattr(o, name)) for name in READ}
    return {name: READ[name].index(value) for name, value in values.items()}


def scene_key(scene: Scene) -> tuple[Any, ...]:
    """What a caption says about a scene apart from who is in it."""
    return scene.place, scene.time, *((f.accessory, f.size, f.position) for f in scene.figures)


def facts(scene: Scene) -> frozenset[Fact]:
    """All that phrases may state about a scene."""
    found: set[Fact] = {("place", scene.place), ("time", scene.time)}
    for figure in scene.figures:
        who = figure.subject
        found |= {("accessory", figure.accessory), ("kind", who.kind), ("kind", who.kind, who.main)}
        found |= {("size", figure.size), ("position", figure.position)}
    return frozenset(found)


def phrases(scenes: Sequence[Scene], rng: random.Random) -> list[Phrase]:
    """One phrase for every place, time, accessory, size and position, some that deny, and some about subjects."""
    made: list[Phrase] = []

    def say(words: Sequence[str]) -> str:
        # A prompt is scored in the pieces that `pieces` cuts, so those are what has to be known.
        return rng.choice(pieces(rng.choice(words)) or [rng.choice(words)])

    for name in ("place", "time", "size", "position"):
        made += [Phrase(say(WORDS[name][value]), (name, value)) for value in READ[name]]
    for worn in ACCESSORIES[1:]:
        made.append(Phrase(say(WORDS["accessory"][worn]), ("accessory", worn)))
        noun = rng.choice(WORDS["accessory"][worn][:2])
        denied = f"{rng.choice(('without the', 'no', 'without a', 'not wearing a'))} {noun}"
        made.append(Phrase(denied, ("accessory", worn), denies=True))
    made.append(Phrase(rng.choice(WORDS["accessory"]["none"]), ("accessory", "none")))
    for kind in KINDS:
        made.append(Phrase(_article(rng.choice(WORDS["kind"][kind])), ("kind", kind)))
    for scene in rng.sample(list(scenes), min(12, len(scenes))):
        shown = rng.choice(scene.figures).subject
        main = rng.choice((shown.main, rng.choice(tuple(COLOURS))))
        text = f"{rng.choice(WORDS['main'][main])} {rng.choice(WORDS['kind'][shown.kind])}"
        made.append(Phrase(_article(text), ("kind", shown.kind, main)))
    return made


def _article(text: str) -> str:
    return f"{'an' if text[0] in 'aeiou' else 'a'} {text}"


def truths(scenes: Sequence[Scene], asked: Sequence[Phrase]) -> Tensor:
    """`[scenes, phrases]`: 1 where the phrase holds, 0 where it does not, -1 where nobody can tell."""
    rows = []
    for scene in scenes:
        known, alone = facts(scene), len(scene.figures) == 1
        # With two figures nobody is said to be big or on a side.
        told = [alone or phrase.fact[0] not in ("size", "position") for phrase in asked]
        rows.append([int((p.fact in known) != p.denies) if sure else -1 for p, sure in zip(asked, told, strict=True)])
    return torch.tensor(rows)


@dataclass(frozen=True)
class Pair:
    """An unseen subject for measuring: two pictures of a caption, one right and one with one thing changed."""

    scene: Scene
    caption: str
    reference: Picture
    right: Picture
    wrong: Picture
    """Somebody who differs in one attribute, in the same scene."""
    changed: Picture
    """The same subject with one other thing about the scene."""


def nearly(subject: Subject, rng: random.Random) -> Subject:
    """The subject with another class, main colour, second colour or pattern."""
    colours = [c for c in COLOURS if c not in (subject.main, subject.second)]
    return rng.choice(
        [
            replace(subject, kind=rng.choice([kind for kind in KINDS if kind != subject.kind])),
            replace(subject, main=rng.choice(colours)),
            replace(subject, second=rng.choice(colours)),
            replace(subject, pattern=rng.choice([pattern for pattern in PATTERNS if pattern != subject.pattern])),
        ]
    )


def other_scene(scene: Scene, rng: random.Random) -> Scene:
    """The scene with another place, time of day or accessory."""
    what = rng.choice(("place", "time", "accessory"))
    values = {"place": PLACES, "time": TIMES, "accessory": ACCESSORIES}[what]
    now = scene.figures[0].accessory if what == "accessory" else getattr(scene, what)
    return change(scene, what, rng.choice([v for v in values if v != now]))


def hard_pairs(count: int, seed: str = "encoder") -> list[Pair]:
    """Unseen subjects in unseen settings."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        subject = sample_subject(rng, held_out=True)
        scene = sample_scene(rng, [subject], held_out=True)
        figure = scene.figures[0]
        swapped = replace(scene, figures=(replace(figure, subject=nearly(subject, rng)),))
        shown = (sample_scene(rng, [subject]), scene, swapped, other_scene(scene, rng))
        reference, right, wrong, changed = map(render, shown)
        who = rng.choice((describe(subject, rng), f"the {subject.kind}", "the thing"))
        made.append(Pair(scene, caption(scene, rng, [who]), reference, right, wrong, changed))
    return made
