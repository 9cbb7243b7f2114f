"""The models that ship, and the recipe that made them."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from limner.starter.loop import Plan, launch, rate
from limner.starter.optim import Muon, orthogonalise
from limner.starter.pool import Pool, Sizes, write_pool
from limner.starter.world import Figure, Scene, is_held_out, is_held_out_setting, render, sample_scene, sample_subject
from limner.tools.presets import load_preset
from limner.tools.studio import Studio
from limner.tools.values import Drawn, DrawRequest, SubjectInput

WEIGHTS = Path(__file__).resolve().parent.parent / "starter" / "weights"


@pytest.fixture(scope="module")
def studio():
    made = Studio(load_preset("starter"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    """Unseen subjects in unseen settings."""
    rng = random.Random(41)
    return [sample_scene(rng, [sample_subject(rng, held_out=True)], held_out=True) for _ in range(24)]


def test_weights_are_safe_small_and_in_shards():
    files = [f for f in WEIGHTS.rglob("*") if f.is_file()]
    assert sum(f.stat().st_size for f in files) <= 50_000_000
    assert all(f.stat().st_size <= 15_000_000 for f in files)
    assert {f.suffix for f in files} <= {".safetensors", ".json", ".jsonl", ".md", ""}


def test_model_card_names_every_model():
    card = (WEIGHTS / "README.md").read_text(encoding="utf-8")
    for folder in WEIGHTS.iterdir():
        if folder.is_dir() and folder.name != "curves":
            assert f"`{folder.name}/`" in card


def test_the_unmodified_classes_load_them():
    from transformers import AutoConfig, AutoModelForMultimodalLM, AutoProcessor

    assert AutoConfig.from_pretrained(WEIGHTS / "ar").model_type == "janus"
    model, read = AutoModelForMultimodalLM.from_pretrained(WEIGHTS / "ar", output_loading_info=True)
    assert type(model).__name__ == "JanusForConditionalGeneration"
    assert not read["missing_keys"] and not read["unexpected_keys"]
    assert AutoProcessor.from_pretrained(WEIGHTS / "ar").tokenizer.boi_token_id is not None


def test_the_tokenizer_carries_unseen_pictures(studio, scenes):
    from limner.tools.pixels import to_tensor

    model = studio.backbone("ar")
    pixels = torch.cat([to_tensor(render(s).image) for s in scenes])
    error = ((model.decode_tokens(model.encode(pixels)) - pixels) / 2).square().mean()
    assert -10 * torch.log10(error) > 21.5


def test_subjects_are_found(studio, scenes):
    overlaps = []
    for scene in scenes:
        picture = render(scene)
        found = np.asarray(studio.prepare(picture.image).mask) > 127
        truth = np.asarray(picture.masks[0]) > 127
        overlaps.append((found & truth).sum() / (found | truth).sum())
    assert np.mean(overlaps) > 0.85


def test_pictures_of_one_subject_are_nearest_to_each_other(studio):
    rng = random.Random(12)
    subjects = [sample_subject(rng, held_out=True) for _ in range(30)]
    one, two = ([render(sample_scene(rng, [s])) for s in subjects] for _ in range(2))
    a, b = (studio.embed_images([p.image for p in ps], [p.masks[0] for p in ps]) for ps in (one, two))
    assert ((a @ b.T).argmax(1) == np.arange(30)).mean() > 0.6


def test_photographs_are_not_of_this_world(studio):
    noise = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    from PIL import Image

    assert not studio.prepare(Image.fromarray(noise)).storybook


def test_a_scene_with_the_subject_scores_above_one_without(studio):
    rng = random.Random(5)
    subject, other = sample_subject(rng, held_out=True), sample_subject(rng)
    references = [render(sample_scene(rng, [subject])) for _ in range(3)]
    known = SubjectInput(
        "Biscuit", subject.kind, tuple(p.image for p in references), tuple(p.masks[0] for p in references), key="x@1"
    )
    right, wrong = (render(Scene("beach", "day", (Figure(s),))).image for s in (subject, other))
    assert studio.score(right, [known], "").subject > studio.score(wrong, [known], "").subject
    empty = render(Scene("beach", "day", ())).image
    assert studio.score(empty, [known], "").subject is None


def test_pictures_can_be_drawn_again(studio):
    request = DrawRequest("a red dog on the beach at night", seed=11)
    first, second = (
        [d.image.tobytes() for d in studio.draw(request, lambda: False) if isinstance(d, Drawn)] for _ in range(2)
    )
    assert first == second


def test_training_can_go_on_from_them(studio, tmp_path):
    """The restored state, exported again, is the same model."""
    import shutil

    from limner.starter.ar import state_of
    from limner.starter.export import export_all
    from limner.starter.restore import restore
    from limner.tools.backbones import weights_hash

    restore(WEIGHTS, tmp_path / "work")
    plan = Plan("ar", tmp_path / "work", minutes=1, batch=1)
    assert state_of(plan, "ar").keys() >= {"model.generation_head.vision_head.free", "reader.shape.bias"}
    export_all(tmp_path / "work", tmp_path / "out")
    assert weights_hash(tmp_path / "out" / "segmenter") == weights_hash(WEIGHTS / "segmenter")
    again = Studio(replace(studio.preset, models=_moved(studio.preset.models, tmp_path / "out")))
    request = DrawRequest("a red dog on the beach at night", seed=11)
    one, two = (
        [d.image.tobytes() for d in s.draw(request, lambda: False) if isinstance(d, Drawn)] for s in (studio, again)
    )
    assert one == two
    shutil.rmtree(tmp_path / "work")


def _moved(models, folder: Path):
    return {role: replace(spec, folder=folder / spec.folder.name) for role, spec in models.items()}


# The recipe


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    write_pool(folder / "pool", Sizes(subjects=160, scenes=3, pairs=20, edits=40), processes=1)
    return folder


def test_pool_keeps_the_unseen_apart(work):
    pool = Pool(work / "pool")
    assert len(pool.scenes) == len(pool.pictures) == 160 * 3 + 20 + 40
    for scene in pool.scenes:
        assert not any(is_held_out(f.subject) for f in scene.figures)
        assert not any(is_held_out_setting(scene.place, scene.time, f.accessory) for f in scene.figures)
    for edit in pool.edits:
        assert pool.scenes[edit.before] != pool.scenes[edit.after]
    assert np.array_equal(pool.pictures[7], np.asarray(render(pool.scenes[7]).image))


def test_training_learns_writes_its_curve_and_goes_on(work):
    from limner.starter import segmenter

    plan = Plan("segmenter", work, minutes=0.05, batch=4, evaluate_minutes=9)
    launch(plan, segmenter.build)
    curve = [json.loads(row) for row in (plan.folder / "curve.jsonl").read_text().splitlines()]
    first = curve[-1]
    assert first["step"] > 0 and first["accuracy"] > 0.3
    launch(Plan("segmenter", work, minutes=0.1, batch=4, evaluate_minutes=9), segmenter.build)
    second = json.loads((plan.folder / "curve.jsonl").read_text().splitlines()[-1])
    assert second["step"] > first["step"]
    assert second["minutes"] >= first["minutes"]


def test_schedule_warms_up_holds_and_decays():
    assert rate(0.0) == 0.0
    assert rate(0.3) == 1.0
    assert rate(0.75) == pytest.approx(0.5)
    assert rate(1.0) == pytest.approx(0.02)


def test_muon_steps_are_orthogonal():
    torch.manual_seed(0)
    update = orthogonalise(torch.randn(24, 60))
    singular = torch.linalg.svdvals(update.float())
    assert singular.min() > 0.6 and singular.max() < 1.35
    weight = torch.nn.Parameter(torch.zeros(8, 4, 3, 3))
    weight.grad = torch.randn_like(weight)
    Muon([weight], lr=0.1).step()
    assert weight.abs().max() > 0
