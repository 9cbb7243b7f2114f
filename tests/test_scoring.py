"""Scores: phrases, copies, calibration, verdicts; with the starter's encoder where it has to understand."""

from __future__ import annotations

import io
import json
import random
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageOps

from limner.memory.values import Rated, Scores
from limner.starter.world import Figure, Scene, Subject, render
from limner.starter.world.words import ACCESSORY_PHRASES, PLACE_PHRASES, TIME_PHRASES
from limner.tools.presets import load_preset
from limner.tools.scoring.calibration import (
    Measured,
    Thresholds,
    leave_one_out,
    moved,
    subject_threshold,
    taught,
)
from limner.tools.scoring.copying import likeness
from limner.tools.scoring.phrases import ordered, pieces
from limner.tools.scoring.raw import regions
from limner.tools.scoring.scorer import _amiss
from limner.tools.scoring.wearing import UNASKED
from limner.tools.seen import seen_of
from limner.tools.studio import Studio
from limner.tools.values import DrawRequest, SubjectInput

DOG = Subject("dog", "blue", "pink", "plain", (0.1, 0.2, 0.3))
CAR = Subject("car", "red", "white", "stripes", (0.0, 0.0, 0.0))
COPIED = 0.78


@pytest.fixture(scope="module")
def studio():
    made = Studio(load_preset("starter"))
    yield made
    made.close()


def picture(place: str, *figures: Figure, time: str = "day") -> Image.Image:
    return render(Scene(place, time, figures)).image


def taught_subject(subject: Subject, name: str, *places: str) -> SubjectInput:
    drawn = [render(Scene(place, "day", (Figure(subject),))) for place in places]
    masks = tuple(p.masks[0] for p in drawn)
    return SubjectInput(name, subject.kind, tuple(p.image for p in drawn), masks, key=f"{name} {places}@1")


# Phrases


@pytest.mark.parametrize(
    ("instruction", "said"),
    [
        ("now a crown instead of the sunglasses", ["with a crown"]),
        ("swap the scarf for a bow tie and make it day", ["with a bow tie"]),
        ("give little Momo a red and white scarf", ["with a red and white scarf"]),
        ("give Biscuit sunglasses", ["with sunglasses"]),
        ("add another dog next to him, and an umbrella", ["with another dog"]),
        ("swap the hat for dark glasses", ["with dark glasses"]),
        ("change his hat to red", []),
        ("put Biscuit on the beach", []),
        ("take off his hat", []),
        ("add a bit more red", []),
        ("give it back", []),
    ],
)
def test_orders_say_what_will_be_there(instruction: str, said: list[str]) -> None:
    assert ordered(instruction, ["Biscuit", "Momo"]) == said


def test_a_prompt_falls_into_the_pieces_that_can_be_judged():
    asked = "Biscuit and Momo on the beach, Momo wearing a red hat, at night please"
    assert pieces(asked, ["Biscuit", "Momo"]) == ["on the beach", "wearing a red hat", "at night"]
    assert pieces("draw Biscuit", ["Biscuit"]) == []
    assert pieces("draw me a picture of a tiny Biscuit's friend in the snow", ["Biscuit"])[-1] == "in the snow"


@pytest.mark.parametrize("words", [PLACE_PHRASES, TIME_PHRASES, ACCESSORY_PHRASES])
def test_a_phrase_keeps_its_words(words):
    for phrase in (phrase for known in words.values() for phrase in known):
        made = pieces(f"Momo {phrase}", ["Momo"])
        assert " ".join(made).replace(" and ", " ") == phrase.replace(" and ", " ")


# Copies


def shifted(image: Image.Image, dx: int, dy: int) -> Image.Image:
    wide = np.pad(np.asarray(image), ((16, 16), (16, 16), (0, 0)), mode="edge")
    return Image.fromarray(wide[16 + dy : 80 + dy, 16 + dx : 80 + dx])


def recoded(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=60)
    return Image.open(buffer).convert("RGB")


PLANTS = {
    "exact": lambda image: image,
    "mirrored": ImageOps.mirror,
    "shifted": lambda image: shifted(image, 5, -3),
    "cropped": lambda image: image.crop((6, 3, 60, 57)).resize((64, 64), Image.Resampling.BICUBIC),
    "recoloured": lambda image: Image.fromarray((np.asarray(image) * [0.93, 1.0, 0.9] + 4).astype(np.uint8)),
    "recoded": recoded,
    "larger": lambda image: image.resize((200, 200), Image.Resampling.BICUBIC),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_copies_are_found(plant):
    known = [picture("farm", Figure(DOG)), picture("city", Figure(DOG, "hat"), time="night")]
    found = likeness(PLANTS[plant](known[1]), known)
    assert found[1] >= COPIED > found[0]


def test_the_same_subject_elsewhere_is_no_copy():
    known = [picture("farm", Figure(DOG))]
    # The same pixels in the figure's box, and nothing else in common.
    assert likeness(picture("beach", Figure(DOG)), known) == [0.0]
    assert likeness(picture("farm", Figure(DOG), time="night"), known)[0] < COPIED
    assert likeness(picture("farm", Figure(DOG, "umbrella")), known)[0] < COPIED
    assert likeness(picture("farm", Figure(DOG)), []) == []


# Calibration


def test_leave_one_out_needs_two():
    assert leave_one_out(np.eye(1, 3)) is None
    assert leave_one_out(np.eye(2, 3)) == pytest.approx(0)


def test_a_subject_whose_pictures_differ_must_reach_less():
    known = Measured(0.9, {"dog": 0.8})
    alike, unlike = np.array([[1.0, 0.0], [0.99, 0.141]]), np.array([[1.0, 0.0], [0.7, 0.714]])
    strict, mild = (subject_threshold(0.6, refs, "thing", known) for refs in (alike, unlike))
    assert mild < 0.6 < strict
    # One reference alone: the class says it.
    assert subject_threshold(0.6, alike[:1], "dog", known) == pytest.approx(0.6 * 0.8 / 0.9)
    assert subject_threshold(0.6, alike[:1], "zebra", known) == pytest.approx(0.6)


def test_what_the_user_says_moves_the_threshold_and_no_further_than_it_may():
    assert moved(0.6, [(0.5, True)]) == pytest.approx(0.5)
    assert moved(0.6, [(0.7, False)]) == pytest.approx(0.705)
    assert moved(0.6, [(0.7, False), (0.65, True)]) == pytest.approx(0.6)
    assert moved(0.6, [(0.1, True)]) == pytest.approx(0.4)
    assert moved(0.6, []) == 0.6


def test_a_dislike_counts_against_the_weaker_score():
    limits = Thresholds(0.6, 0.5, 0.8)
    told = taught(limits, [Rated("t1", False, "in_context", 0.65, 0.9)])
    assert (told.subject, told.text) == (pytest.approx(0.655), 0.5)
    told = taught(limits, [Rated("t1", False, "in_context", 0.95, 0.55)])
    assert (told.subject, told.text) == (0.6, pytest.approx(0.555))


# All of it


def test_each_subject_has_its_region(studio):
    known = [taught_subject(DOG, "Biscuit", "farm"), taught_subject(CAR, "Zoom", "city")]
    both = picture("snow", Figure(DOG, "none", "small", "left"), Figure(CAR, "none", "small", "right"))
    scores = studio.score(both, known, "")
    leak = scores.details["leak"]
    assert leak["subjects"] == ["Biscuit", "Zoom"]
    assert leak["regions"][0][0] > leak["regions"][0][1] and leak["regions"][1][1] > leak["regions"][1][0]
    twins = picture("snow", Figure(DOG, "none", "small", "left"), Figure(DOG, "none", "small", "right"))
    leaked = studio.score(twins, known, "")
    assert leaked.verdict == "retry" and "Zoom looks like Biscuit" in leaked.details["reason"]
    alone = studio.score(picture("snow", Figure(DOG)), known, "")
    assert alone.subject is not None and scores.subject > leaked.subject


def test_nothing_to_judge_is_not_measured(studio):
    found = studio.score(picture("snow", Figure(DOG)), [], "")
    assert (found.subject, found.text, found.copy, found.verdict) == (None, None, None, "not_measured")
    empty = studio.score(picture("snow"), [taught_subject(DOG, "Biscuit", "farm")], "")
    assert empty.subject is None and empty.verdict == "retry" and empty.details["missing"] == ["Biscuit"]
    unknown = SubjectInput("Photo", "thing", (picture("farm"),), (None,), key="photo@1")
    assert studio.score(picture("snow", Figure(DOG)), [unknown], "").subject is None


def test_a_pasted_reference_is_called_a_copy(studio):
    biscuit = taught_subject(DOG, "Biscuit", "farm", "harbour")
    found = studio.score(recoded(ImageOps.mirror(biscuit.references[1])), [biscuit], "")
    assert found.verdict == "copied" and found.copy >= COPIED and found.details["copy_of"] == "Biscuit 2"
    assert len(found.details["references"]["Biscuit"]) == 2
    other = studio.score(picture("snow", Figure(DOG)), [biscuit], "")
    assert other.verdict == "accept" and other.copy < COPIED


def test_a_rejected_picture_counts_against_what_is_like_it(studio):
    biscuit = taught_subject(DOG, "Biscuit", "farm")
    wrong = replace(DOG, main="green")
    drawn = picture("snow", Figure(wrong))
    before = studio.score(drawn, [biscuit], "")
    told = replace(biscuit, rejected=(picture("city", Figure(wrong)),), key="Biscuit@2")
    after = studio.score(drawn, [told], "")
    assert after.subject < before.subject and "rejected" in after.details["reason"]
    assert studio.score(drawn, [biscuit], "") == before


def test_references_in_any_number(studio):
    biscuit = taught_subject(DOG, "Biscuit", "farm")
    same = replace(biscuit, references=biscuit.references * 3, masks=biscuit.masks * 3, key="same@1")
    found = studio.score(picture("snow", Figure(DOG)), [same], "")
    assert found.verdict == "accept" and len(found.details["references"]["Biscuit"]) == 3


def test_the_part_of_one_of_two(studio):
    known = [taught_subject(DOG, "Biscuit", "farm"), taught_subject(CAR, "Zoom", "city")]
    both = picture("snow", Figure(DOG, "none", "small", "left"), Figure(CAR, "none", "small", "right"))
    for subject, inside, outside in ((known[0], 0, 63), (known[1], 63, 0)):
        part = studio.scorer.part_of(both, subject, known)
        assert part is not None and (part.getpixel((inside, 0)), part.getpixel((outside, 63))) == (255, 0)
    assert studio.scorer.part_of(Image.new("RGB", (64, 64), "teal"), known[0], known) is None


def test_regions_of_an_empty_mask():
    assert regions(np.zeros((8, 8), bool), 2) == []


def test_scores_are_kept_with_their_details(studio, tmp_path):
    from limner.memory.library import Library

    scores = studio.score(picture("snow", Figure(DOG)), [taught_subject(DOG, "Biscuit", "farm")], "in the snow")
    with Library.open(tmp_path) as library:
        library.session().add_take(picture("snow"), origin="draw", prompt="x", scores=scores)
    with Library.open(tmp_path) as library:
        kept = library.session().takes()[0].scores
    assert kept.details == json.loads(json.dumps(dict(scores.details)))
    assert kept.verdict == scores.verdict != Scores().verdict


def test_scores_do_not_depend_on_what_was_scored_before(studio):
    rng = random.Random(1)
    biscuit = taught_subject(DOG, "Biscuit", "farm")
    pictures = [picture(place, Figure(DOG)) for place in ("snow", "beach", "castle")]
    first = [studio.score(p, [biscuit], "in the snow") for p in pictures]
    order = rng.sample(range(3), 3)
    again = {i: studio.score(pictures[i], [biscuit], "in the snow") for i in order}
    assert [again[i] for i in range(3)] == first


def test_the_missing_phrase_is_named(studio):
    biscuit = taught_subject(DOG, "Biscuit", "farm")
    asked = "Biscuit in the snow at night"
    right = studio.score(picture("snow", Figure(DOG), time="night"), [biscuit], asked)
    wrong = studio.score(picture("snow", Figure(DOG)), [biscuit], asked)
    assert right.verdict == "accept" and list(right.details["phrases"]) == ["in the snow", "at night"]
    assert wrong.verdict == "retry" and wrong.details["missing"] == ["at night"]
    assert right.text > wrong.text and wrong.details["phrases"]["in the snow"] > 0.5
    ordered = studio.score(picture("snow", Figure(DOG)), [biscuit], "make it bigger, now at night", instruction=True)
    assert list(ordered.details["phrases"]) == ["at night"] and ordered.verdict == "retry"
    assert studio.score(picture("snow", Figure(DOG)), [biscuit], "make it bigger", instruction=True).text is None
    # Something must not be there: it counts like a piece of the prompt.
    told = replace(biscuit, negatives=("snow",), key="never@1")
    never = studio.score(picture("snow", Figure(DOG)), [told], "Biscuit")
    assert never.details["missing"] == ["no snow"]


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (["wearing a hat"], "I cannot find “wearing a hat” in it"),
        (["no hat"], "I still see “hat” in it"),
        (["at night", "no hat"], "I cannot find “at night” in it; I still see “hat” in it"),
    ],
)
def test_what_must_not_be_there_is_not_looked_for(missing: list[str], said: str) -> None:
    assert _amiss(missing) == said


def test_whether_somebody_wears_something_is_seen(studio):
    luna, bolt = taught_subject(DOG, "Luna", "snow"), taught_subject(CAR, "Bolt", "snow")
    two = picture("beach", Figure(DOG, "crown", "small", "left"), Figure(CAR, "none", "small", "right"))

    def amiss(prompt, image=two, subjects=(luna, bolt)):
        found = studio.score(image, subjects, prompt).details
        return [piece for piece in found.get("missing", ()) if "wearing" in piece], found["reason"]

    assert amiss("Luna wearing a crown and Bolt on the beach") == ([], "it passes")
    assert amiss("Luna and Bolt wearing a crown, on the beach")[0] == ["Bolt wearing a crown"]
    assert amiss("Luna and Bolt on the beach") == ([], UNASKED)
    assert UNASKED not in amiss("Luna and Bolt on the beach, crowned like kings")[1]
    assert amiss("Luna wearing a hat on the beach", picture("beach", Figure(DOG)), (luna,))[0] == ["wearing a hat"]


def test_what_is_seen_to_be_gone_is_not_looked_for(studio):
    # A brown forehead looks like a cap.
    dog = Subject("dog", "brown", "white", "half", (0.0, 0.0, 0.0))
    with_hat, without = (picture("city", Figure(dog, worn)) for worn in ("hat", "none"))
    request = DrawRequest("take off his hat", source=with_hat)
    assert seen_of(studio, request, without) == {"gone": True} and not seen_of(studio, request, with_hat)
    for gone in (True, False):
        found = studio.score(with_hat, (), "take off his hat", instruction=True, gone=gone)
        assert ("no hat" in found.details.get("missing", ())) is not gone


def test_what_is_put_on_is_seen_to_be_there(studio):
    bare, hat, crown = (picture("city", Figure(CAR, worn, "small")) for worn in ("none", "hat", "crown"))
    for source, order, image, seen in (
        (bare, "give it a hat", hat, {"there": True}),
        (bare, "give it a hat", bare, {"there": False}),
        (hat, "swap the hat for a crown", crown, {"there": True}),
        (hat, "now at night", hat, {}),
    ):
        assert {"gone": True, **seen_of(studio, DrawRequest(order, source=source), image)} == {"gone": True, **seen}
    assert "missing" in studio.score(bare, (), "give it a hat", instruction=True, there=False).details
    assert "missing" not in studio.score(crown, (), "give it a hat", instruction=True, there=True).details
