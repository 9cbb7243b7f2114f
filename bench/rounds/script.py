"""What is said in a conversation, and what each picture should show. All follows from the trial's number."""

from __future__ import annotations

import random
from dataclasses import dataclass

from ...starter.world import (
    ACCESSORIES,
    COLOURS,
    PLACES,
    TIMES,
    Scene,
    Subject,
    caption,
    change,
    instruction,
    sample_scene,
    sample_subject,
)
from ...starter.world.words import KIND_NOUNS
from ...tools.dressing import taken_off
from ..storybook.trials import FRIENDS, NAMES

ROUNDS = 10


@dataclass(frozen=True)
class Said:
    """One turn: the words, the move it makes, and the take and scene that it should lead to."""

    words: str
    move: str
    """"draw", "edit", "undo", "branch", "borrow", "pair" or "correct"."""
    shows: Scene | None = None
    """Of turns that draw."""
    parent: int | None = None
    """Number of the take it should be made from."""
    what: str = ""
    """What an edit changes."""


@dataclass(frozen=True)
class Conversation:
    """Two taught subjects and ten turns."""

    name: str
    subject: Subject
    friend_name: str
    friend: Subject
    references: tuple[Scene, Scene]
    turns: tuple[Said, ...]


@dataclass(frozen=True)
class Drift:
    """A rendered scene and ten edits of it, each with the scene after it."""

    start: Scene
    steps: tuple[tuple[str, str, Scene], ...]
    """What changes, the words, the scene afterwards."""


def conversation(number: int, seed: int = 0) -> Conversation:
    """Conversation `number` (0, 1, …) with subjects that no model was trained on."""
    rng = random.Random(f"rounds {seed} {number}")
    subject, friend = sample_subject(rng, True), sample_subject(rng, True)
    name, friend_name = rng.choice(NAMES), rng.choice(FRIENDS)
    references = (sample_scene(rng, [subject]), sample_scene(rng, [friend]))
    first = change(sample_scene(rng, [subject]), "accessory", "none")

    def edit(before: Scene, what: str, parent: int) -> Said:
        after = change(before, what, _other(rng, before, what))
        return Said(instruction(what, before, after, rng, name), "edit", after, parent, what)

    worn = edit(first, "accessory", 1)
    assert worn.shows is not None
    late = edit(worn.shows, "time", 2)
    moved = edit(worn.shows, "place", 2)
    assert moved.shows is not None
    accessory = worn.shows.figures[0].accessory
    lent = change(first, "accessory", accessory)
    pair = sample_scene(rng, [subject, friend])
    time = rng.choice([t for t in ("sunset", "night") if t != moved.shows.time])
    corrected = change(moved.shows, "time", time)
    turns = (
        Said(caption(first, rng, [name], mention_kind=False), "draw", first),
        worn,
        late,
        Said("undo that", "undo", parent=2),
        moved,
        Said("go back to the first one", "branch", parent=1),
        Said(f"give {name} the {accessory} from the second one", "borrow", lent, 1, "accessory"),
        Said(caption(pair, rng, [name, friend_name], mention_kind=False), "pair", pair),
        Said(f"no, take 4 again, but at {time}", "correct", corrected, 4, "time"),
        edit(corrected, "place", 7),
    )
    return Conversation(name, subject, friend_name, friend, references, turns)


def drift(number: int, seed: int = 0) -> Drift:
    """Edits of one thing at the figure: its accessory, now and then a colour."""
    rng = random.Random(f"drift {seed} {number}")
    start = sample_scene(rng, [sample_subject(rng, True)])
    noun = f"the {rng.choice(KIND_NOUNS[start.figures[0].subject.kind])}"
    steps, scene = [], start
    for step in range(ROUNDS):
        what = "main" if step % 5 == 4 else "accessory"  # the judge has no word for a part
        after = change(scene, what, _other(rng, scene, what))
        words = instruction(what, scene, after, rng, noun)
        # A crown does not take the sunglasses away by itself; what the judge is to read is said.
        old, new = scene.figures[0].accessory, after.figures[0].accessory
        while what == "accessory" and "none" not in (old, new) and not taken_off(words, []):
            words = instruction(what, scene, after, rng, noun)
        steps.append((what, words, after))
        scene = after
    return Drift(start, tuple(steps))


def _other(rng: random.Random, scene: Scene, what: str) -> str:
    """Another value for `what` than the scene has."""
    figure = scene.figures[0]
    taken = {scene.time, scene.place, figure.accessory, figure.subject.main, figure.subject.second}
    values = {"time": TIMES, "place": PLACES, "accessory": ACCESSORIES[1:], "main": tuple(COLOURS)}[what]
    if what == "accessory" and figure.accessory != "none" and rng.random() < 0.35:
        return "none"
    return rng.choice([value for value in values if value not in taken])
