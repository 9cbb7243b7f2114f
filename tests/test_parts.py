"""Parts of figures by their place: an order for a colour stays where the part is."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from limner.starter.world import KINDS, Figure, Scene, Subject, render
from limner.tools.parts import colour_asked, coloured, named, of_the_whole, parts_of, within_boxes
from limner.tools.presets import load_preset
from limner.tools.studio import Studio
from limner.tools.values import Drawn, DrawRequest

STARTER = load_preset("starter")
PARTS = STARTER.scenes["parts"]
DOG = Subject("dog", "brown", "white", "plain", (0.0, 0.0, 0.0))
CAT = Subject("cat", "orange", "white", "plain", (0.0, 0.0, 0.0))


@pytest.fixture(scope="module")
def studio():
    made = Studio(STARTER)
    yield made
    made.close()


def changed(studio: Studio, order: str, scene: Scene) -> np.ndarray:
    """Where an order changes a rendered picture, bool `[64, 64]`."""
    source = render(scene).image
    [made] = [
        item
        for item in studio.draw(DrawRequest(order, source=source, seed=1), lambda: False)
        if isinstance(item, Drawn)
    ]
    return np.abs(np.asarray(made.image, int) - np.asarray(source, int)).max(-1) > 40


def test_every_class_of_the_world_has_its_parts() -> None:
    assert set(parts_of(PARTS)) == set(KINDS) == set(STARTER.scenes["kinds"])
    for boxes in (boxes for parts in parts_of(PARTS).values() for boxes in parts.values()):
        assert all(0 <= left < right <= 1 and 0 <= top < bottom <= 1 for left, top, right, bottom in boxes)


def test_which_parts_an_order_names() -> None:
    assert named("make his ears green", "dog", PARTS) == ([(0, 0.01, 0.19, 0.55), (0.49, 0.01, 0.67, 0.55)], [])
    assert len(named("make his ears, muzzle and tail green", "dog", PARTS)[0]) == 4
    assert named("make his nose blue", "dog", PARTS) == ([], ["nose"])
    assert named("make its spots and ears blue", "dog", PARTS) == named("make him blue", "dog", PARTS) == ([], [])
    assert named("make his fur blue", "dog", PARTS) == named("make its ears blue", "dragon", PARTS) == ([], [])


def test_a_part_of_the_main_colour_is_asked_for_as_the_whole() -> None:
    assert of_the_whole("make his belly pink", "dog", PARTS) == "make it pink"
    assert of_the_whole("paint Bo's head red", "cat", PARTS) == "paint Bo red"
    assert of_the_whole("make his ears pink", "dog", PARTS) == "make his ears pink"
    assert of_the_whole("make its head pink", "turtle", PARTS) == "make its head pink"


def test_only_orders_for_a_colour_are_about_parts() -> None:
    assert "belly" in coloured("make his ears red", (), PARTS) and not coloured("make his ears longer", (), PARTS)
    assert not coloured("give him a red hat", (), PARTS) and not coloured("make his ears red", (), ())


def test_the_colour_that_is_asked_for() -> None:
    colours = STARTER.scenes["colours"]
    assert colour_asked("make the robot red", colours) == (222, 44, 44)
    for other in ("make it dark red", "make it red and blue", "make it gold", "make it striped"):
        assert colour_asked(other, colours) is None
    assert colour_asked("make it red", ()) is None


def test_the_boxes_lie_in_the_figure() -> None:
    mask = Image.new("L", (20, 20))
    mask.paste(255, (4, 4, 14, 14))
    assert within_boxes(mask, [(0, 0, 0.5, 0.5), (0.5, 0.8, 1, 1)]).getbbox() == (4, 4, 14, 14)
    assert np.asarray(within_boxes(mask, [(0, 0, 0.5, 0.5)]))[4:9, 4:9].all()
    assert within_boxes(mask, [(0, 0, 0.5, 0.5)]).getbbox() == (4, 4, 9, 9)


@pytest.mark.parametrize(
    ("order", "subject", "inside", "outside"),
    [
        ("make his ears green", DOG, (8, 10, 40, 38), (18, 48, 56, 64)),
        ("make its tail blue", CAT, (38, 26, 56, 56), (8, 8, 36, 30)),
        ("make its head green", CAT, (16, 16, 48, 38), (16, 42, 40, 58)),
    ],
)
def test_a_colour_stays_in_its_part(studio, order: str, subject: Subject, inside, outside) -> None:
    where = changed(studio, order, Scene("meadow", "day", (Figure(subject),)))
    left, top, right, bottom = inside
    assert where[top:bottom, left:right].sum() > 20
    left, top, right, bottom = outside
    assert not where[top:bottom, left:right].any()


def test_of_two_the_other_keeps_its_colours(studio) -> None:
    pictures = [render(Scene("snow", "day", (Figure(subject),))) for subject in (DOG, CAT)]
    from limner.tools.values import SubjectInput

    known = tuple(
        SubjectInput(name, kind, (seen.image,), (seen.masks[0],), key=f"{name}@parts")
        for name, kind, seen in zip(("Biscuit", "a cat"), ("dog", "cat"), pictures, strict=True)
    )
    source = render(
        Scene("beach", "day", (Figure(DOG, "none", "small", "left"), Figure(CAT, "none", "small", "right")))
    )
    for order in ("make Biscuit red", "make the cat blue"):
        request = DrawRequest(order, known, source=source.image, seed=1)
        [made] = [item for item in studio.draw(request, lambda: False) if isinstance(item, Drawn)]
        where = np.abs(np.asarray(made.image, int) - np.asarray(source.image, int)).max(-1) > 0
        mine, other = (np.asarray(mask.filter(ImageFilter.MinFilter(3))) > 200 for mask in source.masks)
        mine, other = (mine, other) if "Biscuit" in order else (other, mine)
        assert where[mine].mean() > 0.3 and not where[other].any(), order
