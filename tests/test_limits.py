"""What a drawn world cannot put into one picture: said in one sentence, and left out of what the models are told."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from limner.errors import UserError
from limner.tools.limits import furred, within, without_the_gone
from limner.tools.presets import load_preset
from limner.tools.scoring.reach import recolours
from limner.tools.words import unknown_words

STARTER = load_preset("starter")


def known(*names: str) -> list[Any]:
    return [SimpleNamespace(name=name, kind="dog") for name in names]


def take(description: str) -> Any:
    return SimpleNamespace(description=description, prompt=description, settings={})


@pytest.mark.parametrize(
    ("words", "names", "drawn", "said"),
    [
        ("three dogs on the beach", (), "a dog on the beach", "one of each, so not 'three dogs'"),
        ("5 orange ducks", (), "an orange duck", "not '5 orange ducks'"),
        ("Biscuit with two cats", ("Biscuit",), "Biscuit with a cat", "not 'two cats'"),
        ("Biscuit with a couple of balloons", ("Biscuit",), "Biscuit with a balloon", "not 'a couple of balloons'"),
        (
            "a dog, a duck and a fish in the snow",
            (),
            "a dog, a duck in the snow",
            "at most two figures, so not 'a fish'",
        ),
        ("Bo and Miso and a duck", ("Bo", "Miso"), "Bo and Miso", "so not 'a duck'"),
        ("Bo on the beach with a purple sky", ("Bo",), "Bo on the beach", "can't paint the sky"),
        ("Bo in pink snow", ("Bo",), "Bo in the snow", "can't paint the snow"),
        ("Bo with two big eyes under an orange sky", ("Bo",), "Bo with two big eyes under an orange sky", ""),
        ("Bo as a robot with a mug", ("Bo",), "Bo as a robot with a mug", ""),
        ("three dragons", (), "three dragons", ""),
    ],
)
def test_what_is_too_much_is_said_and_the_rest_drawn(words: str, names: tuple[str, ...], drawn: str, said: str) -> None:
    found = within(STARTER, words, known(*names))
    assert found.words == drawn and [c.name for c in found.concepts] == list(names)
    assert said in " ".join(found.notes) and bool(found.notes) == bool(said)


def test_a_third_subject_is_left_out() -> None:
    found = within(STARTER, "Bo, Miso and Rusty at the castle", known("Bo", "Miso", "Rusty"))
    assert found.words == "Bo, Miso at the castle" and [c.name for c in found.concepts] == ["Bo", "Miso"]
    assert found.notes == ["The starter models draw at most two figures, so not Rusty."]


def test_of_a_change_too_much_is_refused_or_left_out() -> None:
    one, two = (take("Bo on the beach"), known("Bo")), (take("Bo and Miso"), known("Bo", "Miso"))
    with pytest.raises(UserError, match="can't paint the sky"):
        within(STARTER, "make the sky purple", [], of=one)
    with pytest.raises(UserError, match="at most two figures, so not Rusty"):
        within(STARTER, "add Rusty", known("Rusty"), of=two)
    with pytest.raises(UserError, match="so not 'a duck'"):
        within(STARTER, "add a duck", [], of=two)
    assert within(STARTER, "make the sky purple and add a hat", [], of=one).words == "add a hat"
    assert within(STARTER, "add a cat", [], of=one).notes == []
    for made_room in ((take("Bo and Miso; remove Miso"), known("Bo", "Miso")), two):
        words = "add Rusty" if made_room is not two else "Rusty instead of Miso"
        assert within(STARTER, words, known("Rusty"), of=made_room).notes == []


def test_who_is_swapped_out_is_no_longer_in_the_picture() -> None:
    here = known("Bo", "Miso")
    assert without_the_gone("Rusty instead of Miso", here) == ("Rusty instead of the dog", here[:1])
    assert without_the_gone("swap Bo for Rusty", here) == ("swap the dog for Rusty", here[1:])
    for stays in ("swap Bo's hat for a crown", "put Bo in the snow", "swap Bo and Miso"):
        assert without_the_gone(stays, here) == (stays, here)


def test_models_for_any_words_have_no_such_limits() -> None:
    any_words = replace(STARTER, words=None, figures=0)
    assert within(any_words, "three dogs under a purple sky", []).notes == []
    assert furred(any_words, "make his coat brown", take("Bo"), known("Bo")) == "make his coat brown"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("make his coat brown", "make it brown"),
        ("change Bo's fur colour to red", "change Bo to red"),
        ("her coat should be black and white", "it should be black and white"),
        ("give him a brown coat", "give him a brown coat"),
        ("take his coat off", "take his coat off"),
    ],
)
def test_the_coat_of_an_animal_is_its_main_colour(words: str, told: str) -> None:
    assert furred(STARTER, words, take("Bo on the beach"), known("Bo")) == told
    assert furred(STARTER, words, take("a girl on the beach"), []) == words


def test_a_figure_by_its_name_is_given_another_colour_too() -> None:
    assert recolours("paint Bo brown", ["Bo", "dog"]) and recolours("make the dog brown", ["Bo", "dog"])
    assert not recolours("make Bo's hat brown", ["Bo", "dog"]) and not recolours("paint Bo brown")


def test_a_drawn_out_no_is_not_what_cannot_be_drawn() -> None:
    assert STARTER.words is not None
    assert unknown_words("noooo make him super big", [], STARTER.words) == []
    assert unknown_words("let him hold a balloon, he carries it", [], STARTER.words) == []


def test_two_figures_have_one_size() -> None:
    one, two = (take("Bo on the beach"), known("Bo")), (take("Bo and Miso"), known("Bo", "Miso"))
    for order in ("make Bo smaller", "Bo should be much bigger than Miso", "now larger please"):
        with pytest.raises(UserError, match="two figures at one size"):
            within(STARTER, order, [], of=two)
        assert within(STARTER, order, [], of=one).words == order
    found = within(STARTER, "make Bo huge and put them in the snow", [], of=two)
    assert found.words == "put them in the snow" and len(found.notes) == 1
    assert within(STARTER, "give Bo a bigger hat", [], of=two).words == "give Bo a bigger hat"


def test_slips_are_read_as_what_they_can_only_mean() -> None:
    found = within(STARTER, "Bo in the kitchn at sunst", known("Bo"))
    assert found.words == "Bo in the kitchen at sunset"
    assert found.notes == ["I read 'kitchn' as 'kitchen'.", "I read 'sunst' as 'sunset'."]
    for other in ("Bo on another planet", "Bo on a pirat ship", "Bo and a horse", "Kitchn in the snow"):
        assert within(STARTER, other, known("Bo", "Kitchn")).words == other
