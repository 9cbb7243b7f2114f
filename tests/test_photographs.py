"""Photographs: found, cropped, judged; people only with consent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from limner.agent.agent import Agent
from limner.bench import crops
from limner.bench.__main__ import call
from limner.errors import UserError
from limner.memory.events import Notice, Question
from limner.tools import cutout, photographs
from limner.tools.images import load_picture
from limner.tools.photographs import advice, prepare, prepare_together, sharpness

from .beside import beside, needs

DATA = beside("dreambooth-512")
here = needs(DATA)
needs_cv2 = pytest.mark.skipif(not cutout.available(), reason="the extra `photos` is not installed")


def scene(place: int = 0, at: tuple[int, int] = (250, 180), size: int = 120) -> Image.Image:
    """A red ball with stripes on a noisy ground."""
    rng = np.random.default_rng(place)
    tint = rng.integers(60, 190, 3)
    ground = np.clip(rng.normal(tint, 14, (400, 600, 3)), 0, 255).astype(np.uint8)
    image = Image.fromarray(ground)
    draw = ImageDraw.Draw(image)
    x, y = at
    draw.ellipse((x, y, x + size, y + size), fill=(225, 20, 30))
    for stripe in range(0, size, 24):
        draw.line((x + stripe, y + size // 3, x + stripe, y + 2 * size // 3), fill=(250, 240, 60), width=6)
    return image


@needs_cv2
def test_a_subject_is_cropped_and_masked() -> None:
    made = prepare(scene())
    assert made.look is not None and made.look.how == "grabcut" and made.mask is not None
    assert made.mask.size == made.image.size
    assert 120 <= made.image.width <= 190 and 120 <= made.image.height <= 190
    inside = np.asarray(made.mask) > 127
    truth = np.asarray(made.image)[:, :, 0].astype(int) - np.asarray(made.image)[:, :, 2] > 90
    assert (inside & truth).sum() / (inside | truth).sum() > 0.85


def test_a_segmentation_model_goes_first() -> None:
    mask = Image.new("L", (600, 400))
    ImageDraw.Draw(mask).rectangle((100, 100, 199, 299), fill=255)
    made = prepare(scene(), lambda image: mask)
    assert made.look is not None and made.look.how == "model" and made.image.size == (132, 232)
    empty = prepare(scene(), lambda image: Image.new("L", image.size))
    assert empty.look is not None and empty.look.how != "model"


def test_without_opencv_the_whole_photograph_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutout, "available", lambda: False)
    made = prepare(scene())
    assert made.image.size == (600, 400) and made.mask is None
    assert any('the extra "photos"' in text for text in advice([made]))


@needs_cv2
def test_nothing_stands_out() -> None:
    made = prepare(Image.new("RGB", (300, 300), "grey"))
    assert made.mask is None and made.image.size == (300, 300)
    assert prepare(Image.new("RGB", (40, 40), "red")).image.size == (40, 40)


@needs_cv2
def test_large_photographs_are_looked_at_small_and_kept_small() -> None:
    small, big = prepare(scene()), prepare(scene().resize((6000, 4000)))
    assert small.look is not None and big.look is not None and big.mask is not None
    assert max(big.image.size) == photographs.LARGEST and big.mask.size == big.image.size
    assert all(abs(end - 10 * other) <= 30 for end, other in zip(big.look.crop, small.look.crop, strict=True))
    assert big.look.side > 1100


def test_a_segmentation_model_sees_large_photographs_small() -> None:
    seen = []

    def segment(image: Image.Image) -> Image.Image:
        seen.append(image.size)
        mask = Image.new("L", image.size)
        mask.paste(255, (256, 128, 512, 384))
        return mask

    made = prepare(scene().resize((4096, 3072)), segment)
    assert seen == [(1024, 768)]
    assert made.look is not None and made.look.crop == (1024 - 82, 512 - 82, 2048 + 82, 1536 + 82)
    assert made.mask is not None and made.mask.size == made.image.size == (1024, 1024)
    left, top, right, bottom = made.mask.point(lambda v: 255 * (v > 127)).getbbox() or (0, 0, 0, 0)
    assert abs(left - 70) <= 2 and abs(top - 70) <= 2 and abs(right - 954) <= 2 and abs(bottom - 954) <= 2


def test_advice() -> None:
    sharp = scene(0, (250, 40), 300)
    blurred = scene(1, (60, 40), 300).filter(ImageFilter.GaussianBlur(14))
    said = advice([prepare(sharp), prepare(blurred)])
    assert any(text.startswith("Photo 2 is blurred") for text in said)
    mirrored = sharp.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert any(
        "Photos 1 and 2 are the same picture mirrored" in text for text in advice([prepare(sharp), prepare(mirrored)])
    )
    assert any("Photos 1 and 2 are the same picture;" in text for text in advice([prepare(sharp), prepare(sharp)]))
    views = [prepare(scene(0, at, 270)) for at in ((20, 30), (160, 90), (310, 60))]
    others = [prepare(scene(place, (100, 60), 270)) for place in (5, 9)]
    assert any("3 of 5 photos show the same surroundings" in text for text in advice([*views, *others]))
    assert not any("surroundings" in text for text in advice([views[0], *others]))
    assert any("less than 256 pixels" in text for text in advice([prepare(scene())]))
    assert sharpness(Image.new("L", (2, 2))) == 0.0


@here
def test_the_known_twins_of_the_data_are_found() -> None:
    dog5 = [prepare(load_picture(file).image) for file in sorted((DATA / "dog5").glob("*.jpg"))]
    assert any("Photos 3 and 4 are the same picture mirrored" in text for text in advice(dog5))


def test_people_are_learned_with_their_consent_only(tiny_preset: Path, tmp_path: Path) -> None:
    photo = tmp_path / "anna.png"
    scene().save(photo)
    with Agent.open(tiny_preset, home=tmp_path / "home") as agent:
        with pytest.raises(UserError, match="must have agreed"):
            agent.teach("Anna", [photo], kind="woman")
        assert agent.concepts() == []
        concept = agent.teach("Anna", [photo], kind="woman", consent=True)
        assert concept.category == "person" and concept.notes[0].startswith("consent: given 20")
        folder = concept.references[0].parent
        agent.forget("Anna")
        assert not folder.exists() and not any((tmp_path / "home" / "concepts").iterdir())


def test_consent_is_asked_in_the_conversation(tiny_preset: Path, tmp_path: Path) -> None:
    photo = tmp_path / "anna.png"
    scene().save(photo)
    with Agent.open(tiny_preset, home=tmp_path / "home") as agent:
        chat = agent.session()
        turn = chat.say("this woman is Anna", files=[photo])
        assert isinstance(turn.question, Question) and "Anna is a person" in turn.question.text
        assert agent.concepts() == [] and any(isinstance(event, Notice) for event in turn.events)
        chat.say("no")
        assert agent.concepts() == []
        chat.say("this woman is Anna", files=[photo])
        chat.say("yes")
        assert [concept.name for concept in agent.concepts()] == ["Anna"]
        assert agent.concepts()[0].category == "person"


def test_a_segmenter_of_the_preset_is_used(monkeypatch: pytest.MonkeyPatch, tiny_preset: Path, tmp_path: Path) -> None:
    """A preset without a word list is for photographs: its own segmentation model finds the subject."""
    import yaml

    preset: dict[str, Any] = yaml.safe_load(tiny_preset.read_text(encoding="utf-8"))
    del preset["words"]
    file = tmp_path / "open.yaml"
    file.write_text(yaml.safe_dump(preset | {"name": "open"}))
    with Agent.open(file, home=tmp_path / "home") as agent:
        half = Image.new("L", (600, 400))
        half.paste(255, (200, 100, 400, 300))
        monkeypatch.setattr(type(agent.studio.segmenter), "mask", lambda self, image: half)
        made = agent.studio.prepare(scene())
        assert made.look is not None and made.look.how == "model" and made.image.size == (232, 232)


@needs_cv2
def test_what_several_photographs_share_is_the_subject() -> None:
    """A ball that stands aside, and a box in the middle that stands out more: three other photographs show the ball."""
    images = [scene(place, at, 110) for place, at in ((11, (150, 130)), (12, (300, 120)), (13, (200, 150)))]
    images.append(scene(14, (90, 150), 110))
    ImageDraw.Draw(images[-1]).rectangle((280, 140, 390, 250), fill=(30, 60, 240))
    alone = [prepare(image) for image in images]
    made = prepare_together(images, alone)
    assert alone[-1].look is not None and alone[-1].look.crop[0] > 200  # the box
    for one, (x, y) in zip(made, ((150, 130), (300, 120), (200, 150), (90, 150)), strict=True):
        assert one.look is not None and one.look.how == "grabcut" and one.mask is not None
        left, top, right, bottom = one.look.crop
        assert left <= x and top <= y and right >= x + 110 and bottom >= y + 110


@needs_cv2
def test_one_photograph_stays_as_it_was_prepared_alone() -> None:
    image = scene()
    alone = [prepare(image)]
    assert prepare_together([image], alone) == alone
    half = Image.new("L", (600, 400))
    half.paste(255, (200, 100, 400, 300))
    cut = [prepare(image, lambda picture: half), prepare(scene(3), lambda picture: half)]
    assert prepare_together([image, scene(3)], cut) == cut  # a model found them


@needs_cv2
def test_photographs_of_nothing_and_of_one_thing_go_together() -> None:
    images = [Image.new("RGB", (300, 300), "grey"), scene(1), scene(2, (300, 100))]
    made = prepare_together(images, [prepare(image) for image in images])
    assert len(made) == 3 and all(one.mask is None or one.mask.size == one.image.size for one in made)
    twice = [scene(1), scene(1)]
    assert all(one.mask is not None for one in prepare_together(twice, [prepare(image) for image in twice]))


@needs_cv2
def test_the_crops_are_measured_against_boxes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ball").mkdir()
    boxes = {}
    for n, (x, y) in enumerate(((250, 180), (200, 100))):
        scene(n, (x, y)).save(tmp_path / "ball" / f"{n}.png")
        boxes[f"ball/{n}"] = [x / 600, y / 400, (x + 120) / 600, (y + 120) / 400]
    boxes["ball/1"][0] = 0.0  # there is more of this one, which no crop of the ball holds
    (tmp_path / "boxes.json").write_text(json.dumps(boxes), encoding="utf-8")
    more = ["--boxes", str(tmp_path / "boxes.json"), "--sheet", str(tmp_path / "sheet.png")]
    call("crops", [str(tmp_path), *more, "--json"])
    first, second, total, *_ = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["right"] and 1 < first["times"] < 2.5 and not second["inside"]
    assert total == {"of": "all", "photos": 2, "inside": 1, "inside_and_tight": 1}
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.height == 200
    call("crops", [str(tmp_path), *more, "--alone"])
    assert "wholly inside" in capsys.readouterr().out
    monkeypatch.setattr(crops, "LARGE", 400_000)
    call("crops", [str(tmp_path), "--boxes", str(tmp_path / "boxes.json"), "--speed"])
    taken = json.loads(capsys.readouterr().out)
    assert 0 < taken["decoding"] < taken["preparing"] and taken["at_most"] == 0.5
    with pytest.raises(UserError, match="no photograph ball/0"):
        call("crops", [str(tmp_path / "nowhere"), *more])
