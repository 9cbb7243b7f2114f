"""Fine-tuning: what it learns from, when it stops, what it survives, what files it refuses."""

from __future__ import annotations

import json
import pickle
import shutil
import struct
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file

from limner.errors import ModelError, UserError
from limner.memory.tensors import read_header
from limner.memory.values import Adapter, Scores
from limner.tools.presets import load_preset
from limner.tools.studio import Studio
from limner.tools.training.denoising import DenoisingTask
from limner.tools.training.front import Front, Point, point_of
from limner.tools.training.pictures import compose, cut_out, fill_rows, pick, weights
from limner.tools.training.scenes import Caption, Captioner, Scenes, prior_scenes, probe_prompts
from limner.tools.training.tokens import TokenTask
from limner.tools.training.tuned import Held
from limner.tools.training.tuned_diffusion import spoken
from limner.tools.values import Drawn, DrawRequest, SubjectInput

from . import tiny


@pytest.fixture(scope="module")
def studio(tiny_preset):
    made = Studio(load_preset(tiny_preset))
    yield made
    made.close()


def subject() -> SubjectInput:
    picture = Image.new("RGB", (32, 32), "white")
    ImageDraw.Draw(picture).ellipse((8, 8, 24, 24), "red")
    mask = Image.new("L", (32, 32), 0)
    ImageDraw.Draw(mask).ellipse((8, 8, 24, 24), 255)
    return SubjectInput("Biscuit", "dog", (picture, picture.rotate(90)), (mask, mask), key="a@1")


def rising():
    """A measure by which every sampling is better than the one before."""
    value = [0.0]

    def score(*about) -> Scores:
        value[0] += 0.01
        return Scores(subject=value[0], text=0.5)

    return score


def learn(studio, folder, name="ar_lora", score=None, cancelled=lambda: False, seconds=None, earlier=0, **settings):
    """Trains the tiny model with other settings than the preset's, begun `earlier`; returns what was learned."""
    method = studio.method(name)
    before, method.config = method.config, replace(method.config, **settings)
    lesson = studio.lesson(subject(), folder / "work", folder / "priors", seconds, cancelled)
    lesson.folder.mkdir(exist_ok=True)
    lesson.score = score or rising()
    lesson.began -= earlier
    work = method.fit(lesson)
    try:
        while True:
            next(work)
    except StopIteration as end:
        return end.value
    finally:
        method.config = before


# The loop


SHORT_OF = {"ar_lora": TokenTask, "lora": DenoisingTask}


@pytest.mark.parametrize("name", SHORT_OF)
def test_where_the_memory_is_short_it_learns_the_same_in_smaller_pieces(studio, tmp_path, monkeypatch, name):
    """First activations are recomputed, then a batch is taken apart."""
    task = SHORT_OF[name]
    loss, sizes, recomputed = task.loss, [], []

    def short(self, chosen, chance):
        sizes.append(len(chosen))
        if torch.is_grad_enabled() and (len(chosen) > 2 or not recomputed):
            raise torch.OutOfMemoryError("out of memory")
        return loss(self, chosen, chance)

    recompute = task.recompute
    monkeypatch.setattr(task, "recompute", lambda self: (recomputed.append(1), recompute(self)))
    monkeypatch.setattr(task, "loss", short)
    made = learn(studio, tmp_path, name, batch=5, most_steps=2, precision="float32")
    assert made.folder is not None and made.facts["steps"] == 2 and recomputed == [1]
    assert any("smaller pieces" in text for text in made.facts["notices"]) and len(made.facts["notices"]) == 1
    assert {5, 3, 2} <= set(sizes) and max(sizes[-3:]) <= 4


def test_what_does_not_fit_one_at_a_time_is_said(studio, tmp_path, monkeypatch):
    def never(self, chosen, chance):
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(TokenTask, "loss", never)
    monkeypatch.setattr("limner.tools.training.loop.Training._held", lambda self: 0.0)
    with pytest.raises(ModelError, match="memory is not enough to train Biscuit with ar_lora") as caught:
        learn(studio, tmp_path, precision="float32")
    assert caught.value.hint


def test_an_interrupted_training_ends_where_an_undisturbed_one_does(studio, tmp_path):
    class Killed(BaseException):
        pass

    calls = iter(range(99))

    def dies(*about) -> Scores:
        if next(calls) == 3:
            raise Killed
        return Scores(subject=0.5, text=0.5)

    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    settings = {"most_steps": 6, "sample_every": 2, "patience": 99, "least_gain": 0.0, "precision": "float32"}
    whole = learn(studio, tmp_path / "whole", score=lambda *about: Scores(0.5, 0.5), **settings)
    with pytest.raises(Killed):
        learn(studio, tmp_path / "parts", score=dies, **settings)
    parts = learn(studio, tmp_path / "parts", score=lambda *about: Scores(0.5, 0.5), **settings)
    states = [load_file(tmp_path / name / "work" / "state.safetensors") for name in ("whole", "parts")]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert whole.facts["steps"] == parts.facts["steps"] == 6
    assert "went on from step 4" in parts.facts["notices"][0]


def test_the_best_checkpoint_is_kept_not_the_last(studio, tmp_path):
    values = iter([0.3, 0.6, 0.4, 0.2, 0.1])
    learned = learn(
        studio, tmp_path, score=lambda *about: Scores(next(values), 0.5), most_steps=8, sample_every=2, patience=2
    )
    assert learned.facts["best_step"] == 2 and learned.facts["ended"] == "still" and learned.facts["steps"] == 6
    assert learned.scores.subject == pytest.approx(0.6)
    curve = json.loads((tmp_path / "work" / "curve.json").read_text())
    assert [point["step"] for point in curve["points"]] == [0, 2, 4, 6]


def test_what_is_no_better_than_before_is_not_kept(studio, tmp_path):
    assert learn(studio, tmp_path, score=lambda *about: Scores(0.5, 0.5)).folder is None


def test_a_cancelled_training_keeps_what_is_good(studio, tmp_path):
    points = []

    def score(*about) -> Scores:
        points.append(1)
        return Scores(0.1 * len(points), 0.5)

    learned = learn(studio, tmp_path, score=score, cancelled=lambda: len(points) >= 3, most_steps=50, patience=99)
    assert learned.facts["ended"] == "cancelled" and learned.facts["steps"] < 5
    assert learned.folder is not None and (learned.folder / "adapter_model.safetensors").exists()


def test_a_budget_ends_it_and_what_came_before_the_steps_counts(studio, tmp_path):
    learned = learn(studio, tmp_path, seconds=1000, earlier=2000, most_steps=50)
    assert learned.facts["ended"] == "budget" and learned.facts["steps"] == 1 and learned.facts["seconds"] > 2000


def test_a_loss_that_is_no_number_goes_back_with_a_smaller_step(studio, tmp_path, monkeypatch):
    from limner.tools.training.tokens import TokenTask

    calls, real = iter(range(999)), TokenTask.loss

    def sometimes(self, chosen, chance):
        loss = real(self, chosen, chance)
        return loss * torch.nan if torch.is_grad_enabled() and next(calls) == 3 else loss

    monkeypatch.setattr(TokenTask, "loss", sometimes)
    learned = learn(studio, tmp_path, most_steps=4, sample_every=2, patience=9, precision="float32")
    assert learned.facts["steps"] == 4
    assert "went back to step 2 with steps half as large" in learned.facts["notices"][0]
    monkeypatch.setattr(TokenTask, "loss", lambda self, chosen, chance: real(self, chosen, chance) * torch.nan)
    (tmp_path / "again").mkdir()
    with pytest.raises(ModelError, match="not a number"):
        learn(studio, tmp_path / "again")


@pytest.mark.parametrize("name", ["ar_lora", "lora"])
@pytest.mark.filterwarnings("ignore")
def test_eight_bit_optimizer_and_recomputed_activations(studio, tmp_path, name):
    learned = learn(studio, tmp_path, name, optimizer="adamw8bit", checkpointing=True, precision="bfloat16")
    assert learned.folder is not None and learned.facts["steps"] == 2


def test_a_subject_without_pictures_cannot_be_learned(studio, tmp_path):
    lesson = studio.lesson(replace(subject(), references=(), masks=()), tmp_path, tmp_path, None, lambda: False)
    with pytest.raises(UserError, match="no pictures"):
        list(studio.method("ar_lora").fit(lesson))


def test_an_estimate_comes_from_measured_steps(studio, tmp_path):
    lesson = studio.lesson(subject(), tmp_path / "work", tmp_path / "priors", None, lambda: False)
    work = studio.method("ar_tokens").estimate(lesson)
    with pytest.raises(StopIteration) as end:
        while True:
            next(work)
    assert end.value.value > 0
    assert not list(tmp_path.iterdir())


def test_a_class_that_nobody_named_stays_unsaid_where_the_references_tell_it():
    known, unknown = subject(), replace(subject(), kind="thing")
    assert spoken(Held(known, (), True, "dog")) == "dog"
    assert spoken(Held(unknown, (), True, "cat")) == "thing", "found by eye, and maybe wrong"
    assert spoken(Held(unknown, (), False, "cat")) == "cat", "nothing else tells it"


# When it stops

measures = st.floats(0, 1) | st.none()


def point(step: int, subject: float | None, text: float | None = 0.5, copied: float = 0.0) -> Point:
    return Point(step, 0.0, subject, text, None, copied, 0.0 if subject is None else 1.0)


def test_it_stops_when_the_front_stands_still():
    front = Front(patience=2, least_gain=0.01)
    said = []
    for step, value in enumerate([0.3, 0.5, 0.505, 0.502]):
        front.add(point(step, value))
        said.append(front.still)
    assert said == [False, False, False, True]
    assert front.best is not None and front.best.step == 2


def test_what_the_scores_do_not_tell_apart_is_decided_by_the_loss():
    front = Front(9, 0.01)
    measured = [(0.48, 1.0), (0.485, 0.8), (0.50, 0.9), (0.495, 0.5)]
    measured += [(0.51, 0.6), (0.503, 0.4), (0.505, 0.39), (0.48, 0.1)]
    kept = [front.add(replace(point(i, v, v), held=loss)) for i, (v, loss) in enumerate(measured)]
    assert kept == [True, False, True, True, True, True, False, False], "the beginning gives way to a clear gain alone"
    assert front.best is not None and front.best.step == 5


def test_copies_and_what_was_not_measured_do_not_win():
    front = Front(3, 0.01)
    for made in (point(0, 0.6), point(1, 0.99, copied=1.0), point(2, None)):
        front.add(made)
    assert front.best is not None and front.best.step == 0
    mixed = point_of(1, 0.0, [Scores(0.8, 0.4), Scores(None, 0.6)], None)
    assert mixed.subject == 0.8 and mixed.text == pytest.approx(0.5) and mixed.measured == 0.5


@given(st.lists(st.tuples(measures, measures), min_size=1, max_size=12))
def test_the_kept_point_is_the_best_and_nobody_beats_the_front(values):
    front = Front(3, 0.0)
    for step, (fidelity, text) in enumerate(values):
        front.add(point(step, fidelity, text))
    assert front.best is not None
    assert front.best.value == max(p.value for p in front.points)
    assert front.non_dominated()
    again = Front(3, 0.0, front.points)
    assert again.best == front.best and again.still == front.still


# What it learns from


def test_the_subject_takes_the_figures_place():
    known = subject()
    cut = cut_out(known.references[0], known.masks[0])
    assert cut is not None and cut.at == (8, 8)
    scene = Image.new("RGB", (32, 32), "blue")
    figure = Image.new("L", (32, 32), 0)
    figure.paste(255, (10, 9, 24, 25))
    ImageDraw.Draw(scene).rectangle((10, 9, 23, 24), "black")
    made, mask = compose(cut, scene, figure)
    pixels = np.asarray(made)
    assert tuple(pixels[16, 16]) == (255, 0, 0) and tuple(pixels[0, 0]) == (0, 0, 255)
    assert not (pixels == 0).all(-1).any(), "nothing is left of the old figure"
    assert mask.sum() == np.asarray(known.masks[0]).astype(bool).sum(), "not moved, not resampled"
    small = Image.new("L", (32, 32), 0)
    small.paste(255, (0, 24, 6, 30))
    moved = compose(cut, scene, small)
    assert moved is not None and moved[1][24:31, :8].sum() == moved[1].sum() > 10
    assert compose(cut, scene, Image.new("L", (32, 32), 0)) is None
    assert cut_out(known.references[0], Image.new("L", (32, 32), 0)) is None


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_holes_are_filled_from_their_row(height, width, seed):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    hole = rng.random((height, width)) < 0.4
    made = fill_rows(pixels, hole)
    assert np.array_equal(made[~hole], pixels[~hole])
    for y, x in zip(*np.nonzero(hole), strict=True):
        outside = pixels[y][~hole[y]]
        assert not len(outside) or (outside == made[y, x]).all(-1).any()


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=3, max_size=3), st.integers(1, 9), st.randoms())
def test_batches_come_from_the_groups_that_have_members(groups, count, chance):
    if not any(groups):
        return
    chosen = pick(groups, (0.2, 0.6, 0.2), count, chance)
    assert len(chosen) == count and set(chosen) <= {i for group in groups for i in group}


def test_weights_are_one_on_the_subject():
    mask = np.zeros((4, 4), bool)
    mask[1, 1] = True
    assert weights(mask, 4, 0.2)[1, 1] == 1 and weights(mask, 4, 0.2)[0, 0] == pytest.approx(0.2)
    assert weights(None, 4, 0.2).min() == 1


def test_probes_ask_for_what_the_references_do_not_show():
    scenes = Scenes(place=("here", "there", "yonder"), time=("by day", "by night"), worn=("in a hat",))
    prompts = probe_prompts("Biscuit", scenes, [Caption("here", "by day")], 4, 0)
    assert len(prompts) == 4 and all(" here" not in p and p.startswith("Biscuit") for p in prompts)
    assert any("in a hat" in p for p in prompts) and any("by night" in p for p in prompts)
    assert probe_prompts("Biscuit", replace(scenes, place=("here",)), [Caption("here")], 1, 0)
    shown = prior_scenes(scenes, 3, 0)
    assert {s.place for s in shown} == set(scenes.place) and {s.time for s in shown} == set(scenes.time)


def test_captions_say_where_a_figure_stands_and_what_it_is():
    def images(pictures, masks=()):
        return np.array([[1.0, 0.0]] * len(pictures))

    def texts(phrases):
        return np.array([[1.0, 0.0] if "dog" in p or "there" in p else [0.0, 1.0] for p in phrases])

    namer = Captioner(Scenes(place=("here", "there"), time=(), kinds=("cat", "dog")), images, texts)
    picture = Image.new("RGB", (8, 8))
    assert namer.captions([picture])[0].of("Biscuit") == "Biscuit there"
    assert namer.noun("cat", [picture], [None]) == "cat" and namer.noun("thing", [picture], [None]) == "dog"
    mask = np.zeros((10, 10), bool)
    mask[4:6, 0:2] = True
    assert namer.frame(mask) == "in the distance on the left"
    assert namer.frame(np.ones((10, 10), bool)) == "" == namer.frame(np.zeros((10, 10), bool))


# Files

FILES = {
    "ar_lora": "adapter_model.safetensors",
    "lora": "pytorch_lora_weights.safetensors",
    "textual_inversion": "learned_embeds.safetensors",
    "dreambooth": "diffusion_pytorch_model.safetensors",
}


@pytest.fixture(scope="module")
def saved(studio, tmp_path_factory):
    """A folder of each layout."""
    kept = {}
    for name in FILES:
        folder = tmp_path_factory.mktemp(name)
        kept[name] = learn(studio, folder, name, most_steps=1).folder
    return kept


def damage(how: str, file) -> None:
    tensors, data = load_file(file), file.read_bytes()
    first = sorted(tensors)[0]
    if how == "truncated":
        file.write_bytes(data[:-7])
    elif how == "pickle":
        file.write_bytes(pickle.dumps({"weight": [1, 2, 3]}))
    elif how == "header":
        file.write_bytes(struct.pack("<Q", 2**62) + data[8:])
    elif how == "huge":
        header = {first: {"dtype": "F32", "shape": [10 * 2**28], "data_offsets": [0, 10 * 2**30]}}
        text = json.dumps(header).encode()
        file.write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * 64)
    elif how == "nan":
        tensors[first] = tensors[first].float() * torch.nan
        save_file(tensors, file)
    elif how == "base":
        save_file({"other.layer.lora_A.weight": torch.zeros(2, 3)}, file)
    else:
        tensors[first] = torch.zeros(3, 5)
        save_file(tensors, file)


@pytest.mark.parametrize("how", ["truncated", "pickle", "header", "huge", "nan", "base", "shape"])
@pytest.mark.parametrize("name", sorted(FILES))
def test_a_bad_adapter_is_refused_and_nothing_changes(studio, saved, tmp_path, name, how):
    method, folder = studio.method(name), tmp_path / "adapter"
    folder.mkdir()
    for file in saved[name].iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    network = method.model.model if hasattr(method.model, "model") else method.model.pipe.unet
    before = {key: value.clone() for key, value in network.state_dict().items()}
    (part,) = method.stages(subject(), False, "dog")[0].parts
    part.load(folder)
    part.remove()
    damage(how, folder / FILES[name])
    with pytest.raises(ModelError, match="nothing was loaded") as caught:
        part.load(folder)
    part.remove()
    assert caught.value.text.count(". ") == 0 and "\n" not in caught.value.text
    after = network.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[key], after[key]) for key in before)


@settings(max_examples=150)
@given(st.data())
def test_a_changed_header_is_read_or_refused(tmp_path_factory, data):
    file = tmp_path_factory.getbasetemp() / "fuzzed.safetensors"
    save_file({"a": torch.zeros(2, 3), "b": torch.ones(4, dtype=torch.float16)}, file)
    whole = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(whole[: data.draw(st.integers(0, len(whole)))] if data.draw(st.booleans()) else whole)
    try:
        header = read_header(file)
    except ValueError:
        return
    assert {name: tuple(t.shape) for name, t in load_file(file).items()} == header.shapes


def test_weights_in_16_bits_are_trained_in_32(tmp_path):
    """A step of 1e-4 is less than what 16 bits tell apart; what is trained draws meanwhile, and goes as it came."""
    from limner.tools.backbones.diffusion import Painting
    from limner.tools.backbones.stable_diffusion import StableDiffusion
    from limner.tools.training.diffusion_parts import Weights

    model = StableDiffusion.load(tiny.stable_diffusion(tmp_path / "model"), settings={"precision": "bfloat16"})
    before = {name: weight.clone() for name, weight in model.pipe.unet.state_dict().items()}
    part = Weights(model)
    part.start()
    assert {parameter.dtype for parameter in part.parameters().values()} == {torch.float32}
    assert model.generate(Painting("a dog", steps=2))
    part.remove()
    after = model.pipe.unet.state_dict()
    assert all(after[name].dtype == torch.bfloat16 and bool((after[name] == was).all()) for name, was in before.items())


@pytest.mark.parametrize("name", ["lora", "textual_inversion", "pivotal", "dreambooth"])
def test_a_model_without_an_image_adapter_is_trained_and_drawn_with(tiny_preset, tmp_path, name):
    """As plain checkpoints come; in 16 bits, also where the training multiplies 32."""
    folder = tiny.stable_diffusion(tmp_path / "model")
    shutil.rmtree(folder / "models")
    data = yaml.safe_load(tiny_preset.read_text())
    data["models"]["diffusion"] |= {"folder": str(folder), "precision": "bfloat16"}
    data["training"] = dict.fromkeys(data["training"], {**data["training"][name], "precision": "float32"})
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(data))
    studio = Studio(load_preset(tmp_path / "own.yaml"))
    made = learn(studio, tmp_path, name)
    assert made.folder is not None and made.facts["warm"] is False and made.facts["half"] is False
    adapter = Adapter("a1", name, made.folder, studio.model_hash(name), 1, facts=made.facts)
    known = replace(subject(), adapters=(adapter,))
    (drawn,) = [d for d in studio.method(name).generate(DrawRequest("Biscuit", (known,)), [1], lambda: False)
                if isinstance(d, Drawn)]  # fmt: skip
    assert drawn.adapters == ("a1",)
    with pytest.raises(ModelError, match="has no IP-Adapter") as caught:
        list(studio.method("ip_adapter").generate(DrawRequest("Biscuit", (known,)), [1], lambda: False))
    assert "image_adapter" in caught.value.hint and "limner train" in caught.value.hint
    studio.close()


def test_attention_is_as_it_was_after_a_training(studio, tmp_path):
    """Trained here it is a plain one, which adds up otherwise: a replay elsewhere would differ in its last bits."""
    config = studio.backbone("ar").language_model.config
    before = config._attn_implementation
    learn(studio, tmp_path, "ar_lora", most_steps=1)
    assert config._attn_implementation == before != "eager"


def test_large_pictures_are_encoded_one_by_one(studio, tmp_path, monkeypatch):
    """At 512 pixels a batch of sixteen would take more than the model does."""
    vae, sizes = studio.backbone("diffusion").pipe.vae, []
    encode = vae.encode
    monkeypatch.setattr(vae, "encode", lambda pixels: sizes.append(len(pixels)) or encode(pixels))
    monkeypatch.setattr("limner.tools.backbones.learning.TOGETHER", 2 * 16**2)  # two of the model's own size
    learn(studio, tmp_path, "lora", most_steps=1, priors=3)
    assert max(sizes) == 2
