"""Edits leave the rest alone."""

import random

import numpy as np
from PIL import Image, ImageDraw

from limner.starter.world import change, render, sample_scene, sample_subject
from limner.tools.edits import changed_region, put_back
from limner.tools.presets import load_preset
from limner.tools.studio import Studio
from limner.tools.values import Drawn, DrawRequest


def noise(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8))


def test_only_what_differs_is_taken_from_the_edit() -> None:
    source = noise(1)
    rebuilt = Image.new("RGB", (64, 64), "gray")
    edited = rebuilt.copy()
    ImageDraw.Draw(edited).rectangle((10, 10, 25, 25), fill="red")
    made = put_back(source, rebuilt, edited)
    old, new = np.asarray(source), np.asarray(made.image)
    assert (new[14:22, 14:22] == (255, 0, 0)).all()
    assert (new[40:] == old[40:]).all() and (new[:, 40:] == old[:, 40:]).all()
    assert 0.06 < made.changed < 0.15


def test_nothing_changed_gives_the_source_back() -> None:
    source = noise(2)
    made = put_back(source, noise(3), noise(3))
    assert made.image.tobytes() == source.tobytes() and made.changed == 0


def test_small_drift_is_no_change() -> None:
    before = Image.new("RGB", (32, 32), (100, 100, 100))
    assert changed_region(before, Image.new("RGB", (32, 32), (108, 95, 104))).getextrema() == (0, 0)


def test_an_edit_of_an_imported_picture_returns_its_own_pixels() -> None:
    """The tokenizer cannot carry a picture exactly; an edit of one thing still leaves most pixels as they were."""
    rng = random.Random("edit")
    scene = sample_scene(rng, [sample_subject(rng)])
    source = render(change(scene, "accessory", "none")).image
    studio = Studio(load_preset("starter"))
    try:
        steps = studio.draw(DrawRequest("put a red top hat on it", source=source, seed=3), lambda: False)
        drawn = [step for step in steps if isinstance(step, Drawn)][0]
    finally:
        studio.close()
    same = (np.asarray(drawn.image) == np.asarray(source)).all(-1)
    assert same.mean() > 0.3
    assert same.mean() <= 1 - drawn.settings["changed"] + 0.05
