"""What is asked: one trial a subject, all of it following from the seed and the trial's number."""

from __future__ import annotations

import random
from dataclasses import dataclass

from ...starter.pool import EDITS
from ...starter.world import (
    ACCESSORIES,
    COLOURS,
    PLACES,
    POSITIONS,
    SIZES,
    TIMES,
    Figure,
    Scene,
    Subject,
    caption,
    change,
    instruction,
    sample_scene,
    sample_subject,
)

MIX = (16, 18, 34, 7, 6, 5, 4, 6, 0)
"""How often each of `EDITS` is asked for; nobody leaves a picture that has one figure."""
NAMES = tuple("Biscuit Momo Juno Pippa Otto Zelda Nilo Fidget Wanda Bruno Tilly Kasimir".split())
FRIENDS = tuple("Rollo Greta Ulla Yuri".split())
Asked = tuple[Scene, str, int]
"""What a picture is to show, what is said, and the seed."""


@dataclass(frozen=True)
class Change:
    """An edit of a picture that shows `before` (what was asked for, or what was rendered)."""

    what: str
    before: Scene
    after: Scene
    instruction: str
    names: tuple[str, ...]
    """The subjects of `after`, from left to right."""


@dataclass(frozen=True)
class Trial:
    """One subject: what it is, what is shown of it, what is asked."""

    number: int
    subject: Subject
    name: str
    friend: Subject
    """Who comes in when an edit adds somebody."""
    friend_name: str
    references: tuple[Scene, ...]
    friend_reference: Scene
    scene: Scene
    prompt: str
    edit: Change
    imported: Change
    seed: int


def sample_change(rng: random.Random, scene: Scene, name: str, friend: Subject, friend_name: str) -> Change:
    """A random change of a scene with one figure. Seen or not plays no part."""
    pairs = [(what, weight) for what, weight in zip(EDITS, MIX, strict=True) if weight]
    what = rng.choices([p[0] for p in pairs], [p[1] for p in pairs])[0]
    figure = scene.figures[0]
    colours = [c for c in COLOURS if c not in (figure.subject.main, figure.subject.second)]
    others = [a for a in ACCESSORIES[1:] if a != figure.accessory]
    bare = figure.accessory != "none" and rng.random() < 0.35
    values: dict[str, object] = {
        "time": rng.choice([t for t in TIMES if t != scene.time]),
        "place": rng.choice([p for p in PLACES if p != scene.place]),
        "accessory": "none" if bare else rng.choice(others),
        "position": rng.choice([p for p in POSITIONS if p != figure.position]),
        "size": next(s for s in SIZES if s != figure.size),
        "main": rng.choice(colours),
        "second": rng.choice(colours),
        "add": Figure(friend, "none", "small", "right"),
    }
    after = change(scene, what, values[what])
    spoken = friend_name if what == "add" else name
    names = (name, friend_name) if what == "add" else (name,)
    return Change(what, scene, after, instruction(what, scene, after, rng, spoken), names)


def make_trial(number: int, seed: int = 0, references: int = 1, held_out: bool = True) -> Trial:
    """Trial `number` (0, 1, ...): an unseen subject in an unseen setting, or a seen one unless `held_out`."""
    rng = random.Random(f"storybook {'unseen' if held_out else 'seen'} {seed} {number}")
    subject, friend = sample_subject(rng, held_out), sample_subject(rng, held_out)
    name, friend_name = rng.choice(NAMES), rng.choice(FRIENDS)
    scene = sample_scene(rng, [subject], held_out)
    prompt = caption(scene, rng, [name], mention_kind=False)
    edit = sample_change(rng, scene, name, friend, friend_name)
    shown = sample_scene(rng, [subject], held_out)
    imported = sample_change(rng, shown, name, friend, friend_name)
    # References come last, so that one and three of them ask for the same pictures. None shows the place that
    # is asked for: copying it would be a right answer.
    seen: list[Scene] = []
    while len(seen) < references:
        reference = sample_scene(rng, [subject])
        if reference.place not in (scene.place, *(s.place for s in seen)):
            seen.append(reference)
    friend_reference = sample_scene(random.Random(f"friend {seed} {number}"), [friend])
    return Trial(
        number,
        subject,
        name,
        friend,
        friend_name,
        tuple(seen),
        friend_reference,
        scene,
        prompt,
        edit,
        imported,
        seed * 100_000 + number,
    )


def more_prompts(trial: Trial, what: str, count: int, held_out: bool = True) -> list[Asked]:
    """`count` other scenes of a trial's subject in places that no reference shows.

    `what` names the set: another name, other scenes.
    """
    chance = random.Random(f"{what} {held_out} {trial.seed}")
    shown = {scene.place for scene in trial.references}
    found: list[Asked] = []
    while len(found) < count:
        scene = sample_scene(chance, [trial.subject], held_out)
        if scene.place not in shown:
            found.append((scene, caption(scene, chance, [trial.name], mention_kind=False), chance.randrange(2**31)))
    return found
