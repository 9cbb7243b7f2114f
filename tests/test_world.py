"""The storybook world: same bytes, an honest split, true masks, and words that say what is drawn."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import asdict

import numpy as np
import pytest

from limner.starter.world import (
    ACCESSORIES,
    COLOURS,
    KINDS,
    PATTERNS,
    PLACES,
    POSITIONS,
    SIZES,
    TIMES,
    Figure,
    Scene,
    Subject,
    caption,
    change,
    describe,
    instruction,
    is_held_out,
    is_held_out_setting,
    portrait,
    render,
    sample_scene,
    sample_subject,
    synonyms,
    vocabulary,
)
from limner.starter.world.places import backdrop

EVERYONE = [Subject(k, m, s, p) for k in KINDS for m, s in itertools.permutations(COLOURS, 2) for p in PATTERNS]


def _pixels(image) -> np.ndarray:
    return np.asarray(image, dtype=np.int16)


def _scenes(count: int, seed: int = 0, subjects: int = 1):
    rng = random.Random(seed)
    for _ in range(count):
        yield sample_scene(rng, [sample_subject(rng) for _ in range(subjects)]), rng


def test_same_input_same_bytes():
    from limner.starter.world import scene as module

    for scene, _ in _scenes(20):
        first = render(scene).image.tobytes()
        module._sprite.cache_clear()
        module._accessory_sprite.cache_clear()
        backdrop.cache_clear()
        assert render(scene).image.tobytes() == first
    assert portrait(EVERYONE[5]).tobytes() == portrait(EVERYONE[5]).tobytes()


def test_subject_split_is_small_and_balanced():
    unseen = [s for s in EVERYONE if is_held_out(s)]
    assert 0.09 < len(unseen) / len(EVERYONE) < 0.11
    for field, values in (("kind", KINDS), ("main", COLOURS), ("second", COLOURS), ("pattern", PATTERNS)):
        counts = Counter(asdict(s)[field] for s in unseen)
        for value in values:
            assert 0.06 < counts[value] * len(values) / len(EVERYONE) < 0.14, (field, value)


def test_setting_split():
    settings = list(itertools.product(PLACES, TIMES, ACCESSORIES))
    unseen = [s for s in settings if is_held_out_setting(*s)]
    assert 0.06 < len(unseen) / len(settings) < 0.10
    assert all(a != "none" for _, _, a in unseen)
    for i, values in enumerate((PLACES, TIMES, ACCESSORIES[1:])):
        assert {s[i] for s in unseen} == set(values)


@pytest.mark.parametrize("held_out", [False, True])
def test_samplers_keep_to_their_side(held_out):
    rng = random.Random(3)
    for _ in range(200):
        subject = sample_subject(rng, held_out)
        assert is_held_out(subject) == held_out
        scene = sample_scene(rng, [subject], held_out)
        assert is_held_out_setting(scene.place, scene.time, scene.figures[0].accessory) == held_out


def test_masks_cover_exactly_what_the_figure_changes():
    for n in (1, 2):
        for scene, _ in _scenes(40, n, n):
            picture = render(scene)
            empty = _pixels(backdrop(scene.place, scene.time))
            changed = np.abs(_pixels(picture.image) - empty).max(axis=2) > 0
            covered = np.zeros((64, 64), dtype=bool)
            for mask in (*picture.masks, *picture.accessory_masks):
                covered |= _pixels(mask) > 0
            assert not (changed & ~covered).any()
            for mask, (left, top, right, bottom), figure in zip(
                picture.masks, picture.boxes, scene.figures, strict=True
            ):
                rows, columns = np.nonzero(_pixels(mask))
                assert left <= columns.min() and columns.max() < right
                assert top <= rows.min() and rows.max() < bottom
                assert (_pixels(mask) > 128).mean() * 64 * 64 > 0.3 * (right - left) ** 2, figure


def test_every_subject_stays_in_its_box_and_shows_both_colours():
    for kind in KINDS:
        for shape in ((0, 0, 0), (1, 1, 1), (-1, -1, -1), (-1, 1, 1), (0, 1, -1)):
            for pattern in PATTERNS:
                subject = Subject(kind, "blue", "orange", pattern, tuple(map(float, shape)))
                picture = render(Scene("snow", "day", (Figure(subject),)))
                mask = _pixels(picture.masks[0])
                outside = mask.copy()
                left, top, right, bottom = picture.boxes[0]
                outside[top:bottom, left:right] = 0
                assert not outside.any(), subject
                image = _pixels(picture.image)
                seen = {name: (np.abs(image - COLOURS[name]).max(axis=2) < 40).sum() for name in ("blue", "orange")}
                assert seen["orange"] > 70 and seen["blue"] > 100, (subject, seen)


def test_every_accessory_shows_on_every_kind():
    for kind, accessory, size in itertools.product(KINDS, ACCESSORIES[1:], SIZES):
        figure = Figure(Subject(kind, "green", "pink"), accessory, size)
        picture = render(Scene("snow", "day", (figure,)))
        side = picture.boxes[0][2] - picture.boxes[0][0]
        assert (_pixels(picture.accessory_masks[0]) > 128).sum() > 0.03 * side * side, (kind, accessory)
        assert (_pixels(picture.masks[0]) > 128).sum() > 0.25 * side * side, (kind, accessory)


def test_box_holds_the_same_pixels_wherever_it_stands():
    subject = EVERYONE[100]
    for size in SIZES:
        crops = []
        for position in POSITIONS:
            picture = render(Scene("city", "day", (Figure(subject, "none", size, position),)))
            left, top, right, bottom = picture.boxes[0]
            assert left % 8 == top % 8 == 0 and bottom == 56
            mask = _pixels(picture.masks[0])[top:bottom, left:right]
            image = _pixels(picture.image)[top:bottom, left:right]
            crops.append(np.where((mask == 255)[..., None], image, 0))
        assert all((c == crops[0]).all() for c in crops)


def test_night_leaves_the_subject_bright():
    subject = EVERYONE[7]
    day, night = (render(Scene("farm", t, (Figure(subject),))) for t in ("day", "night"))
    inside = _pixels(day.masks[0]) == 255
    assert (_pixels(day.image)[inside] == _pixels(night.image)[inside]).all()


@pytest.mark.parametrize("px", [64, 128, 256])
def test_sizes(px):
    picture = render(next(_scenes(1))[0], px)
    assert picture.image.size == (px, px) and picture.masks[0].size == (px, px)


@pytest.mark.parametrize("px", [0, 32, 100])
def test_odd_sizes_are_refused(px):
    with pytest.raises(ValueError, match="px"):
        render(Scene("beach"), px)


def test_change_changes_only_what_it_says():
    for scene, rng in _scenes(60):
        other = Figure(sample_subject(rng))
        figure = scene.figures[0]
        values = {
            "time": TIMES,
            "place": PLACES,
            "accessory": ACCESSORIES,
            "position": POSITIONS,
            "size": SIZES,
        }
        for what, allowed in values.items():
            value = rng.choice(allowed)
            after = change(scene, what, value)
            if what in ("time", "place"):
                want = asdict(scene) | {what: value, "figures": after_figures(after)}
                assert after.figures == scene.figures
            else:
                want = asdict(scene) | {"figures": (asdict(figure) | {what: value},)}
            assert asdict(after) == want
        for what, kept in (("main", figure.subject.second), ("second", figure.subject.main)):
            value = rng.choice([c for c in COLOURS if c != kept])
            after = change(scene, what, value).figures[0]
            assert asdict(after.subject) == asdict(figure.subject) | {what: value}
            assert after.accessory == figure.accessory
        two = change(scene, "add", other)
        assert [f.subject for f in two.figures] == [figure.subject, other.subject]
        assert change(two, "remove", None, 1).figures[0].subject == figure.subject


def after_figures(scene: Scene) -> tuple:
    return asdict(scene)["figures"]


@pytest.mark.parametrize("bad", [("unicorn", "red", "blue"), ("dog", "red", "red"), ("dog", "mauve", "red")])
def test_unknown_subjects_are_refused(bad):
    with pytest.raises(ValueError):
        Subject(*bad)


def _says(text: str, attribute: str, value: str) -> bool:
    return any(word in text.lower() for word in synonyms()[attribute][value])


@pytest.mark.parametrize("mention_kind", [False, True])
def test_captions_say_everything_that_is_not_default(mention_kind):
    for n in (1, 2):
        for scene, rng in _scenes(400, 10 + n, n):
            text = caption(scene, rng, ["Rex", "Mila"][:n], mention_kind)
            assert _says(text, "place", scene.place), text
            assert scene.time == "day" or _says(text, "time", scene.time), text
            for figure, name in zip(scene.figures, ("Rex", "Mila"), strict=False):
                assert name in text
                if figure.accessory != "none":
                    assert _says(text, "accessory", figure.accessory), text
                if mention_kind:
                    assert _says(text, "kind", figure.subject.kind), text
            if n == 1:
                figure = scene.figures[0]
                assert figure.size == "big" or _says(text, "size", "small"), text
                assert figure.position == "middle" or _says(text, "position", figure.position), text
            else:
                assert text.index("Rex") < text.index("Mila"), text


def test_captions_vary_and_are_clean():
    scene = Scene("beach", "night", (Figure(EVERYONE[0], "hat", "small", "left"),))
    rng = random.Random(0)
    texts = {caption(scene, rng, ["Rex"]) for _ in range(500)}
    assert len(texts) > 400
    for text in texts:
        assert "  " not in text and "{" not in text and ",," not in text and text == text.strip(), text


def test_descriptions_say_kind_colours_and_pattern():
    rng = random.Random(1)
    for subject in EVERYONE:
        text = describe(subject, rng)
        assert _says(text, "kind", subject.kind), text
        assert (
            _says(text, "main", subject.main)
            and _says(text, "second", subject.second)
            or any(w in text for w in ("stripe", "stripy", "spott", "dott", "two-"))
        ), text
        assert subject.pattern == "plain" or _says(text, "pattern", subject.pattern), text


def test_instructions_name_the_new_value():
    for scene, rng in _scenes(300, 5):
        for what, allowed in (("place", PLACES), ("position", POSITIONS), ("accessory", ACCESSORIES[1:])):
            value = rng.choice(allowed)
            after = change(scene, what, value)
            if after != scene:
                text = instruction(what, scene, after, rng, "Rex")
                assert _says(text, what, value), text
        text = instruction("remove", scene, change(scene, "remove", None), rng, "Rex")
        assert "Rex" in text


def test_vocabulary_lists_every_synonym_once():
    words = vocabulary()
    assert set(words) == set(synonyms())
    for attribute, values in synonyms().items():
        assert len(set(words[attribute])) == len(words[attribute])
        for value, phrases in values.items():
            assert set(phrases) <= set(words[attribute]), value
    for attribute in ("place", "time", "accessory", "size", "position"):
        assert all(len(v) >= 5 for v in synonyms()[attribute].values()), attribute
