"""Edits of a colour: the model chooses which colour becomes which, the figure keeps its own shapes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from limner.starter.world import Figure, Scene, Subject, render
from limner.tools.presets import load_preset
from limner.tools.recolour import recoloured
from limner.tools.studio import Studio
from limner.tools.values import Drawn, DrawRequest

SPOTTED = Subject("dog", "white", "pink", "spots", (0.0, 0.0, 0.0))
GREEN = Subject("dog", "white", "green", "spots", (0.0, 0.0, 0.0))


def shown(subject: Subject, accessory: str = "none") -> Image.Image:
    return render(Scene("farm", "day", (Figure(subject, accessory),))).image


def mask_of(subject: Subject, accessory: str = "none") -> Image.Image:
    """What a subject covers."""
    empty = render(Scene("farm", "day", ())).image
    return Image.fromarray(((apart(shown(subject, accessory), empty) > 0) * 255).astype(np.uint8))


def apart(one: Image.Image, other: Image.Image) -> np.ndarray:
    return np.abs(np.asarray(one, int) - np.asarray(other, int)).max(-1)


def test_a_blurred_edit_gives_the_colour_and_the_picture_keeps_its_shapes() -> None:
    source, wanted = shown(SPOTTED, "hat"), shown(GREEN, "hat")
    hatless = shown(GREEN).filter(ImageFilter.GaussianBlur(0.6))  # as a generator redraws it
    made = recoloured(source, hatless, mask_of(SPOTTED, "hat"))
    assert apart(made.image, wanted).mean() < apart(hatless, wanted).mean() / 2
    assert 0.02 < made.changed < 0.5 and apart(made.image, source)[np.asarray(made.region) == 0].max() == 0


def test_an_edit_that_decides_nothing_changes_nothing() -> None:
    source = shown(SPOTTED)
    noise = np.random.default_rng(3).integers(0, 256, (*source.size, 3), np.uint8)
    for edited in (source, Image.fromarray(noise)):
        made = recoloured(source, edited, mask_of(SPOTTED))
        assert made.changed == 0 and made.image.tobytes() == source.tobytes()
    assert recoloured(source, shown(GREEN), Image.new("L", source.size, 0)).changed == 0


@pytest.mark.parametrize("order", ["give it green ears and spots", "change its spots to green"])
def test_the_starter_recolours_what_nobody_has_taught(order: str) -> None:
    studio, source = Studio(load_preset("starter")), shown(SPOTTED, "hat")
    [drawn] = [
        item
        for item in studio.draw(DrawRequest(order, source=source, seed=1), lambda: False)
        if isinstance(item, Drawn)
    ]
    studio.close()
    figure = np.asarray(mask_of(SPOTTED, "hat").filter(ImageFilter.MaxFilter(5))) > 0
    assert apart(drawn.image, shown(GREEN, "hat")).mean() < apart(source, shown(GREEN, "hat")).mean() / 3
    assert apart(drawn.image, source)[~figure].max() == 0 and 0 < drawn.settings["changed"] < 0.5


def test_a_colour_becomes_the_one_that_was_asked_for() -> None:
    source, wanted = shown(SPOTTED), shown(GREEN)
    muddy = Image.blend(source, wanted, 0.75)  # where a generator does not go all the way
    asked = (58, 176, 74)
    exact, moved = (recoloured(source, muddy, mask_of(SPOTTED), to).image for to in (asked, None))
    assert apart(exact, wanted).mean() < 0.7 * apart(moved, wanted).mean()
    still = recoloured(source, source, mask_of(SPOTTED), asked)  # it did nothing: the commonest colour
    assert still.changed > 0.1 and apart(still.image, source)[np.asarray(mask_of(SPOTTED)) == 0].max() == 0
