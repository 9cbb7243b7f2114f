"""Edit instructions: "now at night", "take off his hat", "move Rex to the left"."""

from __future__ import annotations

import random
from collections.abc import Callable

from .captions import part_in, with_article, worn_phrase
from .parts import SECOND_PARTS
from .scene import Scene
from .words import (
    ACCESSORY_NOUNS,
    COLOUR_WORDS,
    PLACE_NOUNS,
    PLACE_PHRASES,
    POSITION_PHRASES,
    TIME_PHRASES,
)

PRONOUNS = (("it", "its"), ("him", "his"), ("her", "her"), ("them", "their"))
MAKE_TIME = {
    "day": ("make it day", "make it daytime", "back to day", "let the sun shine", "turn it into day"),
    "sunset": (
        "make it sunset",
        "make it evening",
        "now with a sunset",
        "let the sun go down",
        "turn it into sunset",
    ),
    "night": (
        "make it night",
        "make it dark",
        "now at nighttime",
        "turn it into night",
        "with the moon and stars",
    ),
}
BIGGER = (
    "make {p} bigger",
    "bigger",
    "make {p} big",
    "make {p} larger",
    "now big",
    "zoom in on {n}",
    "draw {p} bigger",
    "{n} should be bigger",
)
SMALLER = (
    "make {p} smaller",
    "smaller",
    "make {p} small",
    "shrink {p}",
    "now small",
    "zoom out",
    "draw {p} smaller",
    "{n} should be smaller",
    "make {p} tiny",
)


class _Edit:
    """One instruction in the making: the scenes, the figure's index, and the words for who is meant."""

    def __init__(self, before: Scene, after: Scene, rng: random.Random, name: str, figure: int) -> None:
        self.before, self.after, self.rng, self.name, self.figure = before, after, rng, name, figure
        alone = len(before.figures) <= 1
        if alone and rng.random() < 0.6:
            self.who, self.whose = rng.choice(PRONOUNS)
        else:
            self.who, self.whose = name, f"{name}'s"

    def say(self, *forms: str, **words: str) -> str:
        """One of the forms, filled in; {p} is whom it is about, {h} whose, {n} the name."""
        return self.rng.choice(forms).format(p=self.who, h=self.whose, n=self.name, **words)


def _time(e: _Edit) -> str:
    time = e.after.time
    return e.say(
        "now {t}",
        "same but {t}",
        "{t} please",
        "{m}",
        "{m} please",
        "the same {t}",
        "{m}",
        "show {p} {t}",
        "now {n} {t}",
        t=e.rng.choice(TIME_PHRASES[time]),
        m=e.rng.choice(MAKE_TIME[time]),
    )


def _place(e: _Edit) -> str:
    place = e.after.place
    return e.say(
        "put {p} {w} instead",
        "now {w}",
        "same but {w}",
        "{w} instead",
        "change the place to {t}",
        "take {p} to {t}",
        "put {p} {w}",
        "move the scene to {t}",
        "show {p} {w} instead",
        "{w} please",
        "make the background {t}",
        w=e.rng.choice(PLACE_PHRASES[place]),
        t=e.rng.choice(PLACE_NOUNS[place]),
    )


def _accessory(e: _Edit) -> str:
    old, new = e.before.figures[e.figure].accessory, e.after.figures[e.figure].accessory
    lost = e.rng.choice(ACCESSORY_NOUNS[old]) if old != "none" else ""
    if new == "none":
        return e.say(
            "take off {h} {o}",
            "without the {o}",
            "same but without the {o}",
            "remove the {o}",
            "take the {o} away",
            "no {o}",
            "lose the {o}",
            "{n} without the {o}",
            "drop the {o}",
            "get rid of {h} {o}",
            o=lost,
        )
    a = with_article(new, e.rng)
    phrase = worn_phrase(e.after.figures[e.figure], e.rng)
    if old != "none" and e.rng.random() < 0.6:
        return e.say(
            "swap the {o} for {a}",
            "replace the {o} with {a}",
            "{a} instead of the {o}",
            "change {h} {o} to {a}",
            "not {o}, {a} instead",
            "exchange the {o} for {a}",
            o=lost,
            a=a,
        )
    return e.say(
        "give {p} {a}",
        "now {w}",
        "same but {w}",
        "add {a}",
        "let {p} have {a}",
        "{n} {w}",
        "with {a}",
        "put {a} on {p}" if new not in ("balloon", "umbrella") else "hand {p} {a}",
        a=a,
        w=phrase,
    )


def _position(e: _Edit) -> str:
    side = e.after.figures[e.figure].position
    phrase = e.rng.choice(POSITION_PHRASES[side])
    if side == "middle":
        return e.say(
            "move {p} to the middle",
            "put {p} {w}",
            "center {p}",
            "now {w}",
            "{n} {w} please",
            "{p} belongs in the middle",
            "bring {p} to the center",
            w=phrase,
        )
    return e.say(
        "move {p} to the {s}",
        "put {p} {w}",
        "now {w}",
        "shift {p} to the {s}",
        "{n} {w} please",
        "same but {w}",
        "a bit more to the {s}",
        "push {p} over to the {s}",
        s=side,
        w=phrase,
    )


def _size(e: _Edit) -> str:
    return e.say(*(BIGGER if e.after.figures[e.figure].size == "big" else SMALLER))


def _main(e: _Edit) -> str:
    colour = e.rng.choice(COLOUR_WORDS[e.after.figures[e.figure].subject.main])
    return e.say(
        "paint {p} {c}",
        "make {p} {c}",
        "turn {p} {c}",
        "now in {c}",
        "same but {c}",
        "colour {p} {c}",
        "{n} in {c}",
        "change {h} colour to {c}",
        "color {p} {c}",
        c=colour,
    )


def _second(e: _Edit) -> str:
    subject = e.after.figures[e.figure].subject
    colour = e.rng.choice(COLOUR_WORDS[subject.second])
    part = e.rng.choice(SECOND_PARTS[subject.kind])
    return e.say(
        "make {h} {s} {c}",
        "paint {h} {s} {c}",
        "give {p} {x}",
        "same but with {x}",
        "change {h} {s} to {c}",
        c=colour,
        s=part,
        x=part_in(colour, part),
    )


def _add(e: _Edit) -> str:
    phrase = worn_phrase(e.after.figures[-1], e.rng)
    new = f"{e.name} {phrase}".strip()
    return e.say(
        "add {x}",
        "put {x} next to {q}",
        "now together with {x}",
        "and add {x}",
        "let {x} join in",
        "bring {x} too",
        "also draw {x}",
        "with {x} beside {q}",
        x=new,
        q=e.rng.choice(("it", "him", "her", "them")),
    )


def _remove(e: _Edit) -> str:
    return e.say(
        "remove {n}",
        "take {n} out",
        "without {n}",
        "same but without {n}",
        "let {n} go home",
        "{n} leaves",
        "erase {n}",
        "get rid of {n}",
    )


EDITS: dict[str, Callable[[_Edit], str]] = {
    "time": _time,
    "place": _place,
    "accessory": _accessory,
    "position": _position,
    "size": _size,
    "main": _main,
    "second": _second,
    "add": _add,
    "remove": _remove,
}


def edit(what: str, before: Scene, after: Scene, rng: random.Random, name: str, figure: int = 0) -> str:
    """The bare instruction; see ``captions.instruction``."""
    return EDITS[what](_Edit(before, after, rng, name, figure))
