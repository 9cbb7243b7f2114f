"""Fitting models to machines, and what happens when it was not enough."""

from __future__ import annotations

import gc
import shutil
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image

from limner.cli.app import app
from limner.errors import ModelError
from limner.memory.events import Progress
from limner.tools.backbones.clip import Clip
from limner.tools.backbones.janus import Janus
from limner.tools.backbones.stable_diffusion import StableDiffusion
from limner.tools.machine import Fit, Machine, Placement, fit, out_of_memory
from limner.tools.needs import to_begin_with
from limner.tools.presets import ModelSpec, load_preset, localised, own_folder, presets
from limner.tools.shelf import Shelf, _Place, remarks
from limner.tools.studio import Studio
from limner.tools.values import Drawn, DrawRequest

from . import tiny

GB = 10**9


def gpu(memory: float, host: float = 64) -> Machine:
    return Machine("cuda", "a GPU", int(memory * GB), int(host * GB), 80)


def processor(memory: float) -> Machine:
    return Machine("cpu", "8 cores", int(memory * GB), int(memory * GB), 0.3)


MODEL = ModelSpec("flux2", Path("/x"), memory=17.5, largest=8.1, work=280)


@pytest.mark.parametrize(
    ("here", "bits", "offload", "precision"),
    [
        (gpu(48), 16, "none", "bfloat16"),
        (gpu(20), 16, "none", "bfloat16"),
        (gpu(16), 16, "parts", "bfloat16"),
        (gpu(12, host=16), 8, "none", "bfloat16"),
        (gpu(8, host=16), 4, "none", "bfloat16"),
        (gpu(4), 4, "parts", "bfloat16"),
        (gpu(2), 16, "layers", "bfloat16"),
        (processor(64), 16, "none", "float32"),
        (processor(24), 16, "none", "bfloat16"),
    ],
)
def test_the_quickest_that_fits_is_chosen(here, bits, offload, precision):
    found = fit(MODEL, here)
    first = found.placements[0]
    assert (first.bits, first.offload, first.precision, first.device) == (bits, offload, precision, here.device)
    assert here.name in found.sentence and "a picture" in found.sentence and found.seconds > 0


def test_fewer_bits_are_for_gpus_and_for_models_of_tokens():
    """diffusers quantises nothing without a GPU, transformers does."""
    assert not fit(MODEL, processor(8)).possible
    (place,) = fit(replace(MODEL, family="emu3"), processor(8)).placements
    assert (place.bits, place.precision) == (4, "bfloat16")


def test_old_gpus_multiply_in_float16_what_stands_it():
    old = replace(gpu(16), half="float16")
    assert fit(MODEL, old).placements[0].precision == "bfloat16"
    painted = fit(replace(MODEL, family="stable_diffusion_xl"), old).placements
    assert {place.precision for place in painted} == {"float16"}


def test_only_pipelines_have_parts_that_can_wait():
    tokens = replace(MODEL, family="emu3")
    assert [place.bits for place in fit(tokens, gpu(16)).placements] == [8, 4]
    assert not fit(tokens, gpu(4)).possible and fit(MODEL, gpu(4)).possible
    assert fit(MODEL, gpu(2)).possible and not fit(replace(MODEL, family="glm_image"), gpu(2)).possible


def test_what_fits_nowhere_is_said():
    found = fit(MODEL, processor(2))
    assert not found.possible and "18 GB" in found.sentence and "2 GB" in found.sentence


def test_every_preset_says_what_it_takes():
    for preset in presets():
        for spec in preset.models.values():
            if spec.hub:
                assert spec.memory and spec.download and spec.licence
                assert Placement("cuda", "bfloat16") in fit(spec, gpu(141)).placements[:2]


def test_only_running_out_of_memory_is_taken_for_it():
    assert out_of_memory(MemoryError()) and out_of_memory(RuntimeError("CUDA out of memory. Tried to allocate"))
    assert not out_of_memory(RuntimeError("CUDA error: an illegal memory access was encountered"))
    assert not out_of_memory(RuntimeError("shapes differ")) and not out_of_memory(ValueError("out of memory"))


@pytest.fixture
def studio(tiny_preset, tmp_path):
    """The small preset, its models said to be large."""
    data = yaml.safe_load(tiny_preset.read_text())
    for role in ("ar", "diffusion"):
        # Its layers are too narrow for a block of weights with fewer bits.
        data["models"][role] |= {"memory": 10, "largest": 5, "work": 1, "bits": 16}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(data))
    made = Studio(load_preset(tmp_path / "own.yaml"), processor(24))
    yield made
    made.close()


def test_one_is_freed_before_the_next_is_loaded(studio):
    first = weakref.ref(studio.backbone("ar").model)
    studio.backbone("encoder")
    studio.backbone("diffusion")
    gc.collect()
    assert first() is None
    assert set(studio.shelf._loaded) == {"encoder", "diffusion"}


def test_when_memory_runs_out_it_goes_on_a_step_lighter(studio, monkeypatch):
    """The allocator's error is raised where it would come from: in the middle of the model's loop."""
    tokens, failed = Janus.tokens, []

    def short_of_memory(self, *given):
        for number, drawn in enumerate(tokens(self, *given)):
            if not failed and number == 2:
                failed.append(number)
                raise torch.OutOfMemoryError("out of memory")
            yield drawn

    request = DrawRequest("a dog", method="in_context", seed=3, count=2)
    monkeypatch.setattr(Janus, "tokens", short_of_memory)
    items = list(studio.draw(request, lambda: False))
    assert [item.seed for item in items if isinstance(item, Drawn)] == [3, 4]
    said = [item.label for item in items if isinstance(item, Progress) and "memory" in item.label]
    assert said == ["the memory was not enough; going on with 8 cores: 16 bits"]


def test_what_did_not_fit_is_gone_before_the_lighter_one_comes(studio, monkeypatch):
    """What an error tells of where it came from holds the whole model."""
    painted, held = StableDiffusion.paint, []

    def short_of_memory(self, painting):
        if held:
            return painted(self, painting)
        pipe = self.pipe
        held.append(weakref.ref(pipe.unet))
        kept = {"error": torch.OutOfMemoryError("out of memory")}  # in a circle, as `watched` keeps it
        raise kept["error"]

    monkeypatch.setattr(StableDiffusion, "paint", short_of_memory)
    read = StableDiffusion.load.__func__

    def load(cls, *given):
        assert all(model() is None for model in held)
        return read(cls, *given)

    monkeypatch.setattr(StableDiffusion, "load", classmethod(load))
    items = list(studio.draw(DrawRequest("a dog", method="ip_adapter", seed=3), lambda: False))
    assert [item.seed for item in items if isinstance(item, Drawn)] == [3]


def test_memory_that_ends_while_a_model_is_read_is_no_broken_file(studio, monkeypatch):
    """With fewer bits the library puts weights on the device as it reads them."""
    from transformers import JanusForConditionalGeneration

    read, tries = JanusForConditionalGeneration.from_pretrained, []

    def short_of_memory(*given, **asked):
        tries.append(asked["dtype"])
        if len(tries) == 1:
            raise torch.OutOfMemoryError("out of memory")
        return read(*given, **asked)

    monkeypatch.setattr(JanusForConditionalGeneration, "from_pretrained", short_of_memory)
    items = list(studio.draw(DrawRequest("a dog", method="in_context", seed=3), lambda: False))
    assert tries == [torch.float32, torch.bfloat16] and isinstance(items[-1], Drawn)


def test_a_scorer_without_room_beside_the_painter_goes_to_the_processor(studio, monkeypatch):
    """A picture that was drawn is not lost because nothing is left to look at it with."""
    images, asked = Clip.images, []

    def short_of_memory(self, pictures):
        asked.append(studio.shelf.place("encoder").placement.device)
        if len(asked) == 1:
            raise torch.OutOfMemoryError("out of memory")
        return images(self, pictures)

    monkeypatch.setattr(Clip, "images", short_of_memory)
    studio.shelf._places["encoder"] = _Place(Fit((Placement("cuda"),), 0.0, "there"))
    studio.shelf._loaded["encoder"] = Clip.load(studio.spec("encoder").folder)  # as if it lay there
    assert studio.embed_images([Image.new("RGB", (64, 64))]).shape == (1, 8)
    assert asked == ["cuda", "cpu"]
    monkeypatch.setattr(Clip, "images", lambda *given: (_ for _ in ()).throw(MemoryError))
    with pytest.raises(ModelError, match="not enough to look"):
        studio.embed_images([Image.new("RGB", (64, 64))])


def test_scorers_stay_off_a_gpu_that_the_painter_fills():
    preset = load_preset("sd15")
    for memory, device in ((6, "cpu"), (24, "cuda")):
        assert Shelf(preset, gpu(memory)).place("encoder").placement.device == device
    # What draws takes 7.5 here: one of two scorers fits beside it, both do not.
    shelf = Shelf(preset, gpu(10.9))
    assert [shelf.place(role).placement.device for role in ("encoder", "segmenter")] == ["cuda", "cpu"]


def test_when_nothing_is_lighter_it_says_so(studio, monkeypatch):
    def never(self, *given):
        raise torch.OutOfMemoryError("out of memory")
        yield

    monkeypatch.setattr(Janus, "tokens", never)
    with pytest.raises(ModelError, match="not enough"):
        list(studio.draw(DrawRequest("a dog", method="in_context", seed=3), lambda: False))


def test_a_model_that_does_not_fit_is_refused_before_it_is_read(studio):
    small = Studio(studio.preset, processor(1))
    with pytest.raises(ModelError, match="does not fit"):
        small.backbone("ar")
    assert not small.shelf._loaded


def test_weights_that_are_not_here_are_asked_for(tiny_preset, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    studio = Studio(replace(load_preset("janus-pro"), name="janus-pro"), gpu(80))
    with pytest.raises(ModelError, match="not on this computer") as caught:
        studio.backbone("ar")
    assert caught.value.hint == "Get it: limner presets get janus-pro"
    # Also where only what scores is asked for, as in teaching.
    for ask in (lambda: studio.space, lambda: studio.model_hash("in_context")):
        with pytest.raises(ModelError, match="not on this computer"):
            ask()


def test_a_folder_that_is_gone_is_named(tiny_preset, tmp_path):
    data = yaml.safe_load(tiny_preset.read_text())
    data["models"]["ar"]["folder"] = str(tmp_path / "gone")
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(data))
    with pytest.raises(ModelError, match="There is no folder .*gone") as caught:
        Studio(load_preset(tmp_path / "own.yaml")).backbone("ar")
    assert caught.value.hint == f"Correct {tmp_path / 'own.yaml'}."


def test_an_image_adapter_that_is_not_here_is_missed(monkeypatch, tmp_path):
    """The painter may lie in a folder of one's own; what it hears references with is the hub's then as well."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    home = tmp_path / "home"
    localised("sd15", tiny.stable_diffusion(tmp_path / "sd"), own_folder(home), home)
    spec = load_preset("sd15", home).models["diffusion"]
    assert spec.absent == ("h94/IP-Adapter",) and "diffusion" in load_preset("sd15", home).missing
    studio = Studio(load_preset("sd15", home), gpu(80))
    with pytest.raises(ModelError, match="h94/IP-Adapter is not on this computer"):
        studio.backbone("diffusion")
    shutil.copytree(tmp_path / "sd" / "models", Path(spec.settings["image_adapter"]["folder"]) / "models")
    (weights,) = (Path(spec.settings["image_adapter"]["folder"]) / "models").glob("*.safetensors")
    weights.rename(weights.with_name("ip-adapter_sd15.safetensors"))
    assert load_preset("sd15", home).models["diffusion"].here


def test_a_folder_of_ones_own_need_not_have_the_hubs_variant(tmp_path):
    folder, home = tiny.BUILDERS["stable_diffusion_xl"](tmp_path / "sdxl"), tmp_path / "home"
    localised("sdxl", folder, own_folder(home), home)
    assert "variant" not in load_preset("sdxl", home).models["diffusion"].settings
    (unet,) = (folder / "unet").glob("*.safetensors")
    unet.rename(unet.with_name("diffusion_pytorch_model.fp16.safetensors"))
    localised("sdxl", folder, own_folder(tmp_path / "other"), tmp_path / "other")
    assert load_preset("sdxl", tmp_path / "other").models["diffusion"].settings["variant"] == "fp16"


def test_a_folder_of_ones_own_is_for_the_model_whose_layout_it_has(tmp_path):
    home = tmp_path / "home"
    for folder in (tiny.janus(tmp_path / "janus"), tiny.BUILDERS["flux2"](tmp_path / "klein")):
        localised("mixed", folder, own_folder(home), home)
    models = load_preset("mixed", home).models
    assert (models["ar"].folder.name, models["diffusion"].folder.name) == ("janus", "klein")


def test_remarks_before_anything_is_drawn():
    told = " ".join(remarks(load_preset("kontext"), gpu(24)))
    assert "not be used commercially" in told and "8 bits" in told and "one picture at a time" in told
    assert remarks(load_preset("starter"), gpu(24)) == []


APPLE = Machine("mps", "Apple GPU", 18 * GB, 24 * GB, 5)
NEWCOMERS = {
    "laptop": (Machine("cpu", "8 cores", 16 * GB, 16 * GB, 0.32), "sd15", "8 cores, 16 GB of memory, no GPU"),
    "8 GB": (gpu(8, host=16), "flux2-klein", "a GPU with 8 GB, in a computer with 16 GB"),
    "24 GB": (gpu(24), "flux2-klein", "a GPU with 24 GB, in a computer with 64 GB"),
    "Mac": (APPLE, "sd15", "Apple GPU with up to 18 of the computer's 24 GB"),
    "old": (processor(3), None, "8 cores, 3 GB of memory, no GPU"),
}


@pytest.mark.parametrize("who", NEWCOMERS)
def test_a_newcomer_is_told_what_to_begin_with(who, monkeypatch, capsys):
    """What draws the subjects of photographs, is free for any use, and quick here, or at least fits."""
    here, name, said = NEWCOMERS[who]
    found = to_begin_with(presets(), here)
    assert (found and found.name) == name and here.plainly == said
    monkeypatch.setattr("limner.tools.machine.machine", lambda: here)
    with pytest.raises(SystemExit) as ended:
        app(["presets"], prog_name="limner")
    first, *rows, last = capsys.readouterr().out.splitlines()
    assert not ended.value.code and said in first
    assert f"limner presets get {name} (" in last if name else "starter draws its own world" in last
    named = [row.split(":")[0].strip("* ") for row in rows if not row.startswith("    ")]
    assert named[0] == "starter" and set(named) == {preset.name for preset in presets()}
    fitting = ["does not fit" not in row for row in rows if row.startswith("    ")]
    assert fitting == sorted(fitting, reverse=True)


def test_how_it_fits_is_said_plainly():
    assert fit(MODEL, gpu(48)).plainly == "fits: about 4 s a picture"
    assert fit(MODEL, gpu(8, host=16)).plainly == "fits in 4 bits, a little coarser: about 5 s a picture"
    assert "with idle parts in the computer's memory" in fit(MODEL, gpu(16)).plainly
    assert "may fill 2 of 2 GB here" in fit(MODEL, processor(2)).plainly
