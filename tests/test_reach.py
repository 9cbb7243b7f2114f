"""How far an edit reaches."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from limner.memory.values import Scores
from limner.starter.world import Figure, Scene, render, sample_subject
from limner.tools.ladder import score
from limner.tools.presets import load_preset
from limner.tools.scoring.reach import FAR, beyond, of_the_figure, of_the_setting, the_one
from limner.tools.studio import Studio
from limner.tools.values import Drawn, DrawRequest, SubjectInput

SETTINGS = ("on the beach", "in the forest", "at night")


@pytest.mark.parametrize(
    "order",
    ["give him a hat", "swap the bow for dark glasses", "no crown", "take his scarf off", "with a top hat on",
     "make his ears bright red", "paint its arms sky blue", "let her have shades", "drop the umbrella",
     "in a black hat", "put a crown on him", "with a balloon on a string",
     "the robot under an umbrella", "put a black hat on the blossom", "paint the blossom's middle brown",
     "same but with an orange head"],
)  # fmt: skip
def test_orders_about_the_figure_alone(order: str) -> None:
    assert of_the_figure(order, SETTINGS)


@pytest.mark.parametrize(
    "order",
    ["now at night", "give it a beach", "swap the forest for a pier", "make the sky red", "take him to the pier",
     "with more light", "downtown instead", "with a boat in the background", "make everything blue", "add snow",
     "a hat, and put him on the left", "bigger", "as a pencil sketch", "remove the tree", "make the walls red",
     "a hat on the beach", "put him under the bridge", "in the middle, with a hat", "under a tree"],
)  # fmt: skip
def test_orders_that_may_change_the_rest(order: str) -> None:
    assert not of_the_figure(order, SETTINGS)


def test_the_one_whom_an_order_names() -> None:
    known = [SubjectInput("Biscuit", "dog", ()), SubjectInput("Zoom", "car", ())]
    assert the_one("give Zoom a hat", known) is known[1]
    assert the_one("give the dog a hat", known) is known[0]
    assert the_one("give Zoom the dog's hat", known) is known[1]
    assert the_one("give them hats", known) is None
    assert the_one("give Biscuit and Zoom hats", known) is None
    assert the_one("give Biscuit a hat", known[:1]) is None


def test_an_order_about_one_of_two_leaves_the_other_alone() -> None:
    rng = random.Random(3)
    subjects = [sample_subject(rng, False), sample_subject(rng, False)]
    shown = [render(Scene("snow", "day", (Figure(subject),))) for subject in subjects]
    known = tuple(
        SubjectInput(name, "", (seen.image,), (seen.masks[0],), key=name)
        for name, seen in zip(("Biscuit", "Zoom"), shown, strict=True)
    )
    figures = tuple(Figure(s, "none", "small", side) for s, side in zip(subjects, ("left", "right"), strict=True))
    source = render(Scene("farm", "day", figures)).image
    studio = Studio(load_preset("starter"))
    request = DrawRequest("give Zoom a hat", known, method="in_context", source=source, seed=1)
    (drawn,) = [step for step in studio.draw(request, lambda: False) if isinstance(step, Drawn)]
    changed = np.abs(np.asarray(drawn.image, int) - np.asarray(source, int)).max(-1) > 8
    assert not changed[:, :28].any() and changed[:, 36:].any()
    studio.close()


def test_a_figure_that_became_another_one() -> None:
    rng = random.Random(5)
    some = [sample_subject(rng, False) for _ in range(99)]
    dog, mug = (next(subject for subject in some if subject.kind == kind) for kind in ("dog", "mug"))
    studio = Studio(load_preset("starter"))

    def shown(subject, accessory="none") -> Image.Image:
        return render(Scene("farm", "day", (Figure(subject, accessory),))).image

    request = DrawRequest("give it a hat", source=shown(dog))
    assert studio.figures.lost(request, shown(dog, "hat")) == 0
    assert (studio.figures.lost(request, shown(mug, "hat")) or 0) > 0.1
    assert studio.figures.lost(replace(request, prompt="make it red"), shown(mug)) is None
    assert studio.figures.lost(replace(request, prompt="now at night"), shown(mug)) is None
    assert studio.figures.lost(replace(request, source=None), shown(mug)) is None
    studio.close()


@pytest.mark.parametrize(
    ("order", "alone"),
    [
        ("now at night", True), ("put Biscuit by a volcano", True), ("near the sailing boat instead", True),
        ("turn it into night please", True), ("now the dog in the dark", True), ("at night, with a hat", False),
        ("a cat on the beach", False), ("on the left at night", False), ("turn him into a dragon at night", False),
        ("his ears are longer", False), ("make him blue", False), ("bigger", False), ("take Biscuit out", False),
    ],
)  # fmt: skip
def test_orders_about_the_setting_alone(order: str, alone: bool) -> None:
    assert of_the_setting(order, ["Biscuit"], ["dog", "cat"]) is alone


def figure(picture: Image.Image) -> Image.Image:
    """The red of a picture as a mask."""
    return picture.getchannel("R").point(lambda v: 255 * (v > 200))


def scene(background: str, hat: str = "") -> Image.Image:
    made = Image.new("RGB", (64, 64), background)
    made.paste("red", (24, 30, 40, 54))
    if hat:
        made.paste(hat, (26, 24, 38, 30))
    return made


def test_what_changed_beside_the_figure() -> None:
    day, night = scene("skyblue"), scene("navy")
    assert (beyond(day, scene("skyblue", "black"), figure) or 0) < 0.05
    assert beyond(day, night, figure) == 1
    half = day.copy()
    half.paste(night.crop((0, 0, 20, 64)), (0, 0))
    assert 0.2 < (beyond(day, half, figure) or 0) < 0.6
    assert beyond(Image.new("RGB", (64, 64), "navy"), night, figure) is None


def test_a_figure_in_another_colour_stands_where_it_stood(tiny_preset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = Studio(load_preset(tiny_preset))  # loads no model here
    monkeypatch.setattr(studio, "mask", figure)
    request = DrawRequest("make it red", source=scene("skyblue"))
    after = scene("navy", "black")
    after.paste("red", (4, 40, 14, 54))  # it has grown an arm

    flat = SimpleNamespace(flat_colours=False)

    def kept(request: DrawRequest) -> Drawn:
        return studio.figures.kept(request, Drawn(after, 0, 1, "in_context", "hash", {"changed": 0.9}), flat)

    made = kept(request)
    assert made.image.getpixel((2, 2)) == scene("skyblue").getpixel((2, 2)) and made.settings["changed"] < 0.5
    assert made.image.getpixel((8, 50)) == (255, 0, 0)
    for other in ("make it red, at night", "give it a red hat", "longer ears"):
        assert kept(replace(request, prompt=other)).image is after
    assert kept(replace(request, source=None)).image is after
    studio.close()


def test_an_edit_that_changed_what_nobody_spoke_of_does_not_pass(
    tiny_preset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = Studio(load_preset(tiny_preset))  # loads no model here
    monkeypatch.setattr(studio, "mask", figure)
    monkeypatch.setattr(studio, "score", lambda *args, **more: Scores(None, 0.9, None, "accept", {}))
    request = DrawRequest("give him a black hat", source=scene("skyblue"))

    def verdict(request: DrawRequest, after: Image.Image) -> tuple[str, object]:
        found = score(studio, request, Drawn(after, 0, 1, "in_context", "hash", {"changed": 0.5}), request.prompt)
        return found.verdict, found.details.get("reason")

    assert verdict(request, scene("skyblue", "black"))[0] == "accept"
    assert verdict(request, scene("navy", "black")) == ("retry", "more has changed than was asked")
    assert verdict(replace(request, prompt="a black hat, and make it night"), scene("navy", "black"))[0] == "accept"
    assert 0 < FAR < 1
