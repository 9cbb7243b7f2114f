"""Figures that nobody has taught, and who joins a picture."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from limner.agent.agent import Agent
from limner.starter.world import KINDS, Figure, Scene, Subject, render
from limner.tools.company import described, joined, looks, others_of, untaught
from limner.tools.limits import leaves
from limner.tools.presets import load_preset
from limner.tools.replay import replay
from limner.tools.words import unknown_words

STARTER = load_preset("starter")
LOOKS = STARTER.scenes["looks"]
BISCUIT = ("Biscuit", "dog")


def test_every_class_has_a_look_in_words_that_the_models_know() -> None:
    assert {kind for kind, _ in looks(LOOKS).values()} == set(KINDS)
    for noun, (_, look) in looks(LOOKS).items():
        assert noun in look and not unknown_words(look, [], STARTER.words), look


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("Biscuit and a cat in the forest", ["a cat"]),
        ("a red car and a duck at the castle", ["a red car", "a duck"]),
        ("Biscuit next to another dog", ["another dog"]),
        ("Biscuit with a kitten wearing a hat", ["a kitten"]),
        ("my dog Biscuit on the beach", []),
        ("Biscuit, my dog, on the beach", []),
        ("the dog in the snow", []),
        ("Biscuit as a robot", []),
        ("Biscuit dressed like a cat", []),
        ("Biscuit in a flower field", []),
        ("Biscuit with a hat on the cat", ["the cat"]),
        ("Biscuit with the cat's hat", []),
        ("Biscuit in a cat costume", []),
    ],
)
def test_who_is_only_called_by_his_class(words: str, found: list[str]) -> None:
    assert [other.name for other in untaught(words, [BISCUIT], LOOKS)] == found
    assert not untaught(words, [BISCUIT], ())  # models that know how a cat looks


def test_how_one_looks_of_whom_nobody_says_it() -> None:
    assert described("a cat in a hat", LOOKS) == "a plain orange cat with a white tail in a hat"
    assert described("a tiny duck at night", LOOKS) == "a tiny plain yellow duck with an orange beak at night"
    for as_it_is in ("a blue cat in a hat", "a spotted dog", "a cat with a green tail", "the beach at night"):
        assert described(as_it_is, LOOKS) == as_it_is


def test_somebody_joins() -> None:
    here = ("in a meadow", "at night")

    def told(order: str, newcomer: str = "Luna", wears: tuple[str, ...] = ()) -> str:
        return joined(order, "Biscuit", wears, newcomer, here)

    assert told("add Luna") == told("and Luna next to him") == "Biscuit and Luna, in a meadow, at night"
    assert told("a cat joins him", "a cat") == "Biscuit and a cat, in a meadow, at night"
    assert told("put Luna beside Biscuit", wears=("in a hat",)) == "Biscuit in a hat and Luna, in a meadow, at night"
    assert told("add Luna with a crown on the left").startswith("Biscuit and Luna with a crown on the left, ")
    for more in ("add Luna and make it night", "replace him with Luna", "Luna rides on him", "a cat instead of him"):
        assert not told(more, "a cat" if "cat" in more else "Luna")


def test_who_leaves() -> None:
    assert leaves("cat", "remove the cat") and leaves("cat", "take the cat away") and leaves("cat", "without the cat")
    assert not leaves("cat", "remove the cat's hat") and not leaves("cat", "take the cat to the beach")


def test_what_is_recorded_comes_back() -> None:
    assert others_of(SimpleNamespace(settings={})) == []  # an imported one, or an older record
    others = untaught("Biscuit and a cat", [BISCUIT], LOOKS)
    from dataclasses import asdict

    assert others_of(SimpleNamespace(settings={"request": {"others": [asdict(o) for o in others]}})) == others


def test_a_cat_next_to_him(tmp_path) -> None:
    file = tmp_path / "biscuit.png"
    render(Scene("snow", "day", (Figure(Subject("dog", "purple", "white", "plain", (0.0, 0.0, 0.0))),))).image.save(
        file
    )
    with Agent.open(preset="starter", home=tmp_path / "home", planner="offline") as agent:
        agent.teach("Biscuit", [file], kind="dog")
        chat = agent.session("two")
        chat.say("Biscuit on the beach wearing sunglasses")
        turn = chat.say("a cat next to him")
        assert turn.take is not None and turn.scores.verdict == "accept" and turn.take.parent
        assert turn.scores.details["subjects"].keys() == {"Biscuit", "a cat"}
        assert "Biscuit wearing sunglasses and a cat, on the beach" in turn.take.description
        assert replay(agent.library, agent.studio, turn.take).identical
        night = chat.say("now at night")
        assert night.take is not None and others_of(night.take) == others_of(turn.take)
        alone = chat.say("draw a cat").take
        assert alone is not None and not others_of(alone)
        joined_by = chat.say("add a robot on the left").take
        assert joined_by is not None and [other.name for other in others_of(joined_by)] == ["a cat", "a robot"]
        assert replay(agent.library, agent.studio, joined_by).identical
