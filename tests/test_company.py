"""Figures that nobody has taught, and who joins a picture."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from limner.agent.agent import Agent
from limner.starter.world import KINDS, Figure, Scene, Subject, render
from limner.tools.apart import each_one, for_each, worn_by
from limner.tools.company import described, joined, known_kind, looks, others_of, replaced, untaught
from limner.tools.leaving import who_leaves
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


def test_somebody_takes_another_place() -> None:
    there, duck = [("Biscuit", "dog"), ("a cat", "cat")], ("a duck", "duck")
    assert replaced("a duck instead of the cat", there, duck) == 1
    assert replaced("replace Biscuit with a duck please", there, duck) == replaced(
        "swap the dog for a duck", there, duck
    )
    assert replaced("swap the dog for a duck", there, duck) == 0
    assert replaced("a duck instead of him", there[:1], duck) == 0
    for other in ("add a duck", "a duck instead of him", "a duck instead of the cat, at night", "a cat instead"):
        assert replaced(other, there, duck) is None


def test_what_all_of_them_put_on_is_put_on_by_each() -> None:
    names = ["Biscuit", "the cat"]
    assert for_each("give them both sunglasses", names) == ["give Biscuit sunglasses", "give the cat sunglasses"]
    assert for_each("put hats on", names) == ["put a hat on Biscuit", "put a hat on the cat"]
    assert for_each("take off their hats", names) == ["take off Biscuit's hats", "take off the cat's hats"]
    for other in ("give Biscuit a hat", "make them red", "now at night", "take off the hat"):
        assert for_each(other, names) == [other]
    assert for_each("give them hats", names[:1]) == ["give them hats"]
    assert each_one("both wearing striped scarves") == "both wearing a striped scarf"


def test_what_each_of_two_wears() -> None:
    both = [("Biscuit", "dog"), ("a cat", "cat")]
    said = "Biscuit wearing sunglasses and a cat, on the beach; now at night; give the cat a hat"
    assert worn_by(said, both) == [["wearing sunglasses"], ["with a hat"]]
    assert worn_by(f"{said}; give them both crowns", both) == [["wearing sunglasses", "with a crown"], ["with a crown"]]
    assert worn_by(f"{said}; take off Biscuit's sunglasses", both) == [[], ["with a hat"]]


def test_who_leaves() -> None:
    assert who_leaves("please remove the cat") == who_leaves("take the cat out of the picture") == "cat"
    assert who_leaves("the cat leaves") == who_leaves("same but without the cat") == "cat"
    for other in ("remove the hat", "remove the cat's hat", "take the cat to the beach", "without the cat, at night"):
        assert not who_leaves(other)
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


def test_one_of_two_goes_and_nothing_else_changes(tmp_path) -> None:
    two = (
        Figure(Subject("duck", "yellow", "orange"), "none", "small", "left"),
        Figure(Subject("mug", "red", "white"), "crown", "small", "right"),
    )
    source = render(Scene("castle", "day", two)).image
    source.save(tmp_path / "two.png")
    with Agent.open(preset="starter", home=tmp_path / "home", planner="offline") as agent:
        turn = agent.session("two").say("remove the duck", [tmp_path / "two.png"])
        assert turn.take is not None and turn.method == "ip_adapter"
        changed = np.abs(np.asarray(turn.take.image, int) - np.asarray(source, int)).max(-1) > 0
        assert changed[20:56, 4:28].mean() > 0.3 and not changed[:, 34:].any()
        assert agent.studio.figures.alone(turn.take.image)


def test_somebody_else_instead_and_two_change_places(tmp_path) -> None:
    with Agent.open(preset="starter", home=tmp_path / "home", planner="offline") as agent:
        chat = agent.session("two")
        chat.say("a red car and a duck at the castle")
        chat.say("put them in the snow")
        swapped = chat.say("swap them").take
        assert swapped is not None and swapped.description.startswith("a duck and a red car, in the snow, ")
        other = chat.say("a mushroom instead of the car").take
        assert other is not None and other.description.startswith("a duck and a mushroom, in the snow, ")
        crowned = chat.say("give the duck a crown").take
        handed = chat.say("give the mushroom the crown instead").take
        assert crowned is not None and handed is not None
        assert handed.description.startswith("a duck and a mushroom with a crown, in the snow, ")
        alone = chat.say("remove the mushroom").take
        assert alone is not None and [one.name for one in others_of(alone)] == ["a duck"]
        assert alone.description.startswith("a duck, in the snow, ")


def test_a_class_is_known_by_its_look_and_not_by_its_letters() -> None:
    for kind in ("dog", "girl", "coffee mug", "Tortoise"):
        assert known_kind(kind, LOOKS)
    for kind in ("can", "toy", "dragon"):
        assert not known_kind(kind, LOOKS) and known_kind(kind, ())
