"""Who wears what: a prompt told apart for its subjects."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.starter.world import sample_scene, sample_subject
from limner.starter.world.captions import caption
from limner.tools.apart import apart, exchanged
from limner.tools.methods.ip_adapter import by_mention
from limner.tools.values import SubjectInput

NAMES = ("Biscuit", "Pip")


def told(prompt: str) -> list[str] | None:
    names = [s.name for s in by_mention(prompt, [SubjectInput(name, "", ()) for name in NAMES])]
    found = apart(prompt, names)
    return None if found is None else [words for _, words in found]


@pytest.mark.parametrize(
    ("prompt", "left", "right"),
    [
        ("Biscuit with a hat and Pip in a scarf on the beach at night",
         "Biscuit with a hat, on the left, on the beach, at night",
         "Pip in a scarf, on the right, on the beach, at night"),
        ("put Biscuit and Pip at the farm, Biscuit with a black hat on, Pip wrapped in a scarf",
         "Biscuit with a black hat on, on the left, at the farm", "Pip wrapped in a scarf, on the right, at the farm"),
        ("Biscuit next to Pip wearing shades, downtown",
         "Biscuit, on the left, downtown", "Pip wearing shades, on the right, downtown"),
        ("Biscuit and Pip with hats in the snow",
         "Biscuit with a hat, on the left, in the snow", "Pip with a hat, on the right, in the snow"),
        ("Biscuit and Pip, both with a hat", "Biscuit with a hat, on the left", "Pip with a hat, on the right"),
        ("Pip and Biscuit at the beach. Biscuit has a balloon on a string",
         "Pip, on the left, at the beach", "Biscuit has a balloon on a string, on the right, at the beach"),
        ("Biscuit on the right and Pip on the left, at the castle",
         "Pip, on the left, at the castle", "Biscuit, on the right, at the castle"),
    ],
)  # fmt: skip
def test_each_has_its_own_words_and_the_setting(prompt: str, left: str, right: str) -> None:
    assert told(prompt) == [left, right]


@pytest.mark.parametrize(
    "prompt",
    ["Biscuit and Pip on the beach", "Biscuit hugs Pip in the park, Pip with a hat", "Biscuit on top of Pip with a hat",
     "Biscuit's hat on Pip", "Biscuit wearing Pip", "Biscuit with a hat", ""],
)  # fmt: skip
def test_what_cannot_be_told_apart_stays_one_text(prompt: str) -> None:
    assert told(prompt) is None


@given(st.integers(0, 10**6))
def test_captions_of_the_world_keep_their_words(seed: int) -> None:
    rng = random.Random(seed)
    scene = sample_scene(rng, [sample_subject(rng, False), sample_subject(rng, False)])
    prompt = caption(scene, rng, list(NAMES))
    found = told(prompt)
    if found is None:
        return
    assert [words.split()[0].strip(",") for words in found] == list(NAMES)
    worn = [figure.accessory for figure in scene.figures]
    for words, mine, other in zip(found, worn, reversed(worn), strict=True):
        for accessory, noun in (("balloon", "balloon"), ("scarf", "scarf"), ("crown", "crown")):
            if noun in prompt.replace("crowned", "crown"):
                assert (noun in words.replace("crowned", "crown")) == (mine == accessory) or mine == other


@pytest.mark.parametrize(
    ("description", "afterwards"),
    [
        ("Biscuit and Pip in the snow; now at sunset", "Pip and Biscuit in the snow, now at sunset"),
        ("Biscuit with a hat and Pip in a scarf, on the beach", "Pip in a scarf and Biscuit with a hat, on the beach"),
        ("Biscuit on the left and Pip on the right", "Biscuit on the right and Pip on the left"),
        ("Pip and Biscuit at sea; draw a crown on Pip; at night", "Biscuit and Pip with a crown at sea, at night"),
        ("Pip and Biscuit at sea; give Pip a crown; take the crown off Pip", "Biscuit and Pip at sea"),
        ("Biscuit hugs Pip", "Pip hugs Biscuit"),
    ],
)
def test_two_change_places_with_what_they_wear(description: str, afterwards: str) -> None:
    for order in ("swap them", "Swap Pip and Biscuit.", "let them change places please", "can you swap them around"):
        assert exchanged(order, description, NAMES) == afterwards
    for order in ("swap the hat for a crown", "swap Biscuit for Pip", "change them", "swap them for two cats"):
        assert exchanged(order, description, NAMES) == ""
    assert exchanged("swap them", description, NAMES[:1]) == ""


@pytest.mark.parametrize(
    ("order", "turned"),
    [
        ("Biscuit left, Pip right", "Biscuit and Pip in the snow"),
        ("put Pip on the right", "Biscuit and Pip in the snow"),
        ("Pip left, Biscuit right", ""),
        ("move Biscuit to the right side please", ""),
        ("put Biscuit on the left of the house", ""),
    ],
)
def test_who_stands_on_the_other_side_changes_places(order: str, turned: str) -> None:
    assert exchanged(order, "Pip and Biscuit in the snow", ["Pip", "Biscuit"]) == turned
