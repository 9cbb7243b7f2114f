"""Models that cut photographs out: named by a preset, fetched when asked, done without until then."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from PIL import Image

from limner import Agent
from limner.errors import ModelError
from limner.tools import cutout
from limner.tools.backbones.sam2 import Sam2
from limner.tools.presets import check_preset, load_preset, own_folder, presets
from limner.tools.studio import Studio

from . import tiny
from .elsewhere import elsewhere
from .hub import Hub
from .test_photographs import needs_cv2, scene
from .test_weights import limner, open_hub

NAME = "someone/tiny-sam2"
BOX = (200, 100, 400, 300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tiny.sam2(tmp_path_factory.mktemp("sam2"))


@pytest.fixture
def found(monkeypatch):
    """What stands out is known."""
    said: dict = {"box": BOX}
    monkeypatch.setattr(cutout, "available", lambda: "box" in said)
    monkeypatch.setattr(cutout, "find", lambda image: SimpleNamespace(full_box=lambda: said["box"]))
    return said


def by_hand(model, **prompt) -> np.ndarray:
    """The library's own call, as its processor would ask it."""
    import torch
    import torch.nn.functional as F

    pixels = torch.from_numpy(np.array(scene().resize((64, 64), Image.Resampling.BILINEAR, reducing_gap=2.0)))
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    pixels = ((pixels / 255 - mean) / deviation).permute(2, 0, 1)[None]
    with torch.no_grad():
        made = model(pixel_values=pixels, multimask_output=False, **prompt).pred_masks
    return (F.interpolate(made[0], size=(64, 64), mode="bilinear")[0, 0].sigmoid() * 255).round().numpy()


def small(mask: Image.Image) -> np.ndarray:
    return np.asarray(mask.resize((64, 64), Image.Resampling.BOX)).astype(int)


def test_sam2_is_asked_by_box_as_the_library_would(folder, found):
    import torch

    model = Sam2.load(folder)
    mask = model.mask(scene())
    box = torch.tensor([[[200 / 600 * 64, 100 / 400 * 64, 400 / 600 * 64, 300 / 400 * 64]]])
    assert mask.size == (600, 400) and mask.mode == "L"
    assert np.abs(small(mask) - by_hand(model.model, input_boxes=box)).mean() < 2
    found["box"] = None
    assert model.mask(scene()).tobytes() == mask.tobytes()  # remembered
    assert not np.asarray(model.mask(scene(1))).any()
    found.clear()
    middle = {"input_points": torch.full((1, 1, 1, 2), 32.0), "input_labels": torch.ones(1, 1, 1, dtype=torch.int64)}
    again = Sam2.load(folder)
    assert np.abs(small(again.mask(scene())) - by_hand(again.model, **middle)).mean() < 2


def test_a_checkpoint_for_films_is_the_same_model(folder, found, tmp_path, recwarn):
    from safetensors.torch import load_file, save_file

    film = tiny.sam2(tmp_path / "film", film=True)
    assert json.loads((film / "config.json").read_text())["model_type"] == "sam2_video"
    kept, own = load_file(film / "model.safetensors"), load_file(folder / "model.safetensors")
    assert own.keys() < kept.keys()
    save_file(kept | own, film / "model.safetensors", {"format": "pt"})
    assert Sam2.load(film).mask(scene()).tobytes() == Sam2.load(folder).mask(scene()).tobytes()
    assert not recwarn.list


def test_it_runs_on_another_device(folder, found):
    here = Sam2.load(folder).mask(scene())
    with elsewhere() as device:
        there = Sam2.load(folder, device).mask(scene())
    assert np.abs(small(here) - small(there)).max() <= 1


@pytest.mark.parametrize("damage", ["other", "missing", "nan", "truncated", "pickle"])
def test_a_wrong_one_is_refused_in_one_sentence(folder, tmp_path, damage):
    from safetensors.torch import load_file, save_file

    wrong = shutil.copytree(folder, tmp_path / "sam2")
    file = wrong / "model.safetensors"
    tensors = load_file(file)
    if damage == "other":
        shutil.rmtree(wrong)
        tiny.segformer(wrong)
    elif damage == "truncated":
        file.write_bytes(file.read_bytes()[:-10])
    elif damage == "pickle":
        file.rename(wrong / "pytorch_model.bin")
    else:
        first = sorted(tensors)[0]
        tensors = {
            k: t * float("nan") if k == first else t for k, t in tensors.items() if (k, damage) != (first, "missing")
        }
        save_file(tensors, file, {"format": "pt"})
    with pytest.raises(ModelError) as caught:
        Sam2.load(wrong)
    assert "\n" not in caught.value.text and str(wrong) in caught.value.text


def test_every_preset_for_photographs_names_one():
    for preset in presets():
        assert "segmenter" in preset.models
        spec = preset.models["segmenter"]
        assert preset.spares("segmenter") == bool(spec.hub) and (not spec.hub or spec.licence == "Apache-2.0")


@pytest.fixture
def own(tiny_preset, tmp_path) -> Path:
    """A preset of large models in a library, its segmenter on a hub."""
    data = yaml.safe_load(tiny_preset.read_text(encoding="utf-8"))
    del data["words"], data["training"]
    data["models"]["segmenter"] = {"family": "sam2", "hub": NAME, "licence": "Apache-2.0"}
    file = own_folder(tmp_path / "home") / "mine.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(yaml.safe_dump(data | {"name": "mine"}))
    assert check_preset(file).spares("segmenter")
    return file


@needs_cv2
def test_without_it_photographs_are_cut_out_classically_and_with_it_they_are_not(folder, own, tmp_path, monkeypatch):
    photo, home = tmp_path / "ball.png", tmp_path / "home"
    scene().save(photo)
    with open_hub(Hub(folder, NAME), tmp_path, monkeypatch):
        assert load_preset("mine", home).missing == ()
        taught = limner(home, "--preset", "mine", "teach", "Ball", str(photo), "--kind", "ball")
        assert taught.returncode == 0, taught.stderr
        assert "cut out without a segmentation model" in taught.stderr and "limner presets get mine" in taught.stderr
        (note,) = [line for line in limner(home, "--preset", "mine", "doctor").stdout.splitlines() if NAME in line]
        assert note.startswith("note") and "cut out without it" in note
        got = limner(home, "presets", "get", "mine", "--yes")
        assert got.returncode == 0 and "licence: Apache-2.0; it cuts photographs out" in got.stderr, got.stderr
        studio = Studio(load_preset("mine", home))
        monkeypatch.setattr(Sam2, "mask", lambda self, image: cutout.find(image).small_mask())
        made = studio.prepare(scene())
        assert made.look is not None and made.look.how == "model"
        studio.close()


def test_a_hub_without_it_does_not_keep_the_rest_away(folder, own, tmp_path, monkeypatch):
    with open_hub(Hub(folder, "someone/else"), tmp_path, monkeypatch):
        got = limner(tmp_path / "home", "presets", "get", "mine", "--yes")
    assert got.returncode == 0 and "There is no someone/tiny-sam2" in got.stderr and "cut out without it" in got.stderr


def test_the_whole_path_with_a_model_that_cuts_out(folder, own, found, tmp_path):
    data = yaml.safe_load(own.read_text())
    data["models"]["segmenter"] = {"family": "sam2", "folder": str(folder)}
    own.write_text(yaml.safe_dump(data))
    photo = tmp_path / "ball.png"
    scene().save(photo)
    with Agent.open(own, home=tmp_path / "home") as agent:
        agent.teach("Ball", [photo], kind="ball")
        turn = agent.session("picnic").say("Ball on the beach")
        assert turn.take is not None and agent.replay(turn.take).identical
