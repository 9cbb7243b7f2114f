"""Models on an accelerator: everything that they are given is brought there, everything from there is fetched.

No GPU is needed: see `elsewhere`. Weights are in 16 bits, as they are on one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from limner.errors import UserError
from limner.memory.values import Adapter, Scores
from limner.tools.backbones import backbones
from limner.tools.backbones.diffusion import Painting, Subject
from limner.tools.presets import load_preset
from limner.tools.studio import Studio
from limner.tools.training.denoising import DenoisingTask
from limner.tools.values import DrawRequest

from . import tiny
from .elsewhere import elsewhere
from .test_methods import PAIRS, finish, run, subject

FAMILIES = sorted(name for name, made in backbones().items() if made.kind == "diffusion")
ALWAYS = {"stable_diffusion", "flux2", "ar_tokens"}
"""What every run goes through; the others are the long form."""


def long_form(names: list, key=str) -> list:
    """The same as parameters, what is not `ALWAYS` run marked as slow."""
    return [pytest.param(n, marks=[] if key(n) in ALWAYS else pytest.mark.slow) for n in names]


def picture(seed: int, side: int = 64) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8))


@pytest.fixture(scope="module", params=long_form(FAMILIES))
def folder(request, tmp_path_factory) -> tuple[str, Path]:
    return request.param, tiny.BUILDERS[request.param](tmp_path_factory.mktemp("there") / "model")


def painted(name: str, folder: Path, device: str, offload: str = "none") -> dict[str, np.ndarray]:
    """What a family draws on a device, by what it is asked."""
    settings = {"precision": "bfloat16", "side": 64, "offload": offload}
    model = backbones()[name].load(folder, device, settings)
    half = Image.new("L", (64, 64), 0)
    half.paste(255, (0, 0, 32, 64))
    asked = {"words": {}, "source": {"source": picture(1)}}
    if "inpaint" in model.takes:
        asked["mask"] = {"source": picture(1), "mask": half}
    if "references" in model.takes:
        asked["references"] = {"references": (picture(2),)}
    if model.adapted:
        heard = model.image_embeddings([picture(3, 32)])
        asked["subject"] = {"subjects": (Subject(heard),)}
        if "regions" in model.takes:
            asked["regions"] = {"subjects": (Subject(heard, half), Subject(heard, half))}
    brief = {"steps": 2, "guidance": 2.0, "seeds": (3,), "preview_every": 1, "strength": 0.8}
    return {call: np.asarray(model.generate(Painting("a cat", **brief, **more))[0]) for call, more in asked.items()}


@pytest.fixture(scope="module")
def here(folder, small_pictures) -> dict[str, np.ndarray]:
    return painted(*folder, "cpu")


@pytest.mark.filterwarnings("ignore:You are calling .generate")  # the library itself, of a part that waits
@pytest.mark.parametrize("offload", ["none", "parts"])
def test_a_pipeline_draws_there_what_it_draws_here(folder, here, offload):
    with elsewhere() as device:
        there = painted(*folder, device, offload)
    assert here.keys() == there.keys() and {"words", "source"} <= here.keys()
    for call, expected in here.items():
        # Another order of the same sums, in 16 bits.
        assert np.abs(there[call].astype(int) - expected).mean() < 2, call


def test_a_pipeline_draws_a_layer_at_a_time(folder, here, monkeypatch):
    """Its weights are nowhere but while a layer is called; both places are the processor."""
    from accelerate import cpu_offload
    from diffusers import DiffusionPipeline

    def by_layers(pipe: DiffusionPipeline, device: str) -> None:
        for name, part in pipe.components.items():
            if hasattr(part, "named_parameters") and name not in pipe._exclude_from_cpu_offload:
                cpu_offload(part, device, offload_buffers=len(part._parameters) > 0)

    if not backbones()[folder[0]].by_layers:
        pytest.skip("the library cannot")
    monkeypatch.setattr(DiffusionPipeline, "enable_sequential_cpu_offload", by_layers)
    there = painted(*folder, "cpu", "layers")
    assert all(np.array_equal(there[call], expected) for call, expected in here.items())


@pytest.fixture(scope="module")
def preset(tiny_preset):
    """The small preset, all of its models there."""

    def there(family: str, folder: Path) -> Path:
        data = yaml.safe_load(tiny_preset.read_text())
        kind = backbones()[family].kind
        if data["models"][kind]["family"] != family:
            data["models"][kind] = {"family": family, "folder": str(tiny.BUILDERS[family](folder / "model"))}
            if "side" in backbones()[family].settings:
                data["models"][kind]["side"] = 64
            data["methods"] = [name for name, other in PAIRS if other == family and name != "finished"]
        for role, spec in data["models"].items():
            spec |= {"device": "lazy", "precision": "bfloat16"} if role in ("ar", "diffusion") else {"device": "lazy"}
        data["models"]["diffusion"]["steps"] = 4
        (folder / "there.yaml").write_text(yaml.safe_dump(data))
        return folder / "there.yaml"

    return there


def learned(studio: Studio, method, known, folder: Path):
    """The subject with what the method learned of it, in a training that was stopped and went on."""
    better = iter(range(1, 99))
    for steps in (1, 2):
        lesson = studio.lesson(known, folder, folder / "priors", None, lambda: False)
        lesson.score = lambda *about: Scores(subject=0.01 * next(better), text=0.5)
        method.config = replace(method.config, most_steps=steps)
        made = finish(method.fit(lesson))
    assert "interrupted" in " ".join(made.facts["notices"])
    return replace(known, adapters=(Adapter("a1", method.name, made.folder, method.model.hash, 1, facts=made.facts),))


AT_HOME = [pair for pair in PAIRS if pair[1] in ("janus", "emu3", "stable_diffusion") or pair[0] == "lora"]


@pytest.mark.parametrize("pair", long_form(AT_HOME, lambda pair: pair[0]), ids=map("-".join, AT_HOME))
def test_a_method_learns_draws_and_is_scored_there(pair, preset, tmp_path):
    name, family = pair
    with elsewhere():
        studio = Studio(load_preset(preset(family, tmp_path)))
        method, known = studio.method(name), subject()
        if "trained" in method.capabilities:
            known = learned(studio, method, known, tmp_path)
        for request in (DrawRequest("Biscuit on the beach", (known,)),
                        DrawRequest("now at night", (known,), source=picture(5))):  # fmt: skip
            if request.source is None or "edit" in method.capabilities:
                drawn, _ = run(method, request, [1])
                assert studio.score(drawn[0].image, (known,), request.prompt).text is not None
        studio.close()


@pytest.mark.filterwarnings("ignore:You are calling .generate")
@pytest.mark.parametrize("name", long_form(["lora", "textual_inversion", "pivotal"]))
def test_a_method_learns_where_idle_parts_wait_here(name, preset, tmp_path, monkeypatch):
    """As on a card that the whole model does not fit: only the image encoder is not there while it is trained."""
    data = yaml.safe_load(preset("stable_diffusion", tmp_path).read_text())
    data["models"]["diffusion"]["offload"] = "parts"
    (tmp_path / "parts.yaml").write_text(yaml.safe_dump(data))
    places: list[dict[str, str]] = []
    loss = DenoisingTask.loss

    def watched(self, chosen, chance):
        parts = {part: getattr(self.pipe, part) for part in ("unet", "vae", "text_encoder", "image_encoder")}
        places.append({part: next(iter(module.parameters())).device.type for part, module in parts.items()})
        return loss(self, chosen, chance)

    monkeypatch.setattr(DenoisingTask, "loss", watched)
    with elsewhere() as device:
        studio = Studio(load_preset(tmp_path / "parts.yaml"))
        known = learned(studio, studio.method(name), subject(), tmp_path)
        there = {"unet": device, "vae": device, "text_encoder": device, "image_encoder": "cpu"}
        assert len(places) > 2 and all(place == there for place in places)
        for method in (name, "ip_adapter"):
            drawn, _ = run(studio.method(method), DrawRequest("Biscuit on the beach", (known,)), [1])
            assert drawn[0].image.size == (16, 16)
        pipe = studio.backbone("diffusion").pipe
        assert next(iter(pipe.unet.parameters())).device.type == "cpu" and hasattr(pipe.unet, "_hf_hook")
        studio.close()


@pytest.mark.filterwarnings("ignore:You are calling .generate")
def test_a_large_text_encoder_and_the_network_take_turns(preset, tmp_path, monkeypatch):
    """As on a card that holds one of the two."""
    data = yaml.safe_load(preset("flux2", tmp_path).read_text())
    data["models"]["diffusion"]["offload"] = "parts"
    (tmp_path / "parts.yaml").write_text(yaml.safe_dump(data))
    places: list[tuple[str, str]] = []
    loss = DenoisingTask.loss

    def where(pipe) -> tuple[str, ...]:
        return tuple(next(iter(part.parameters())).device.type for part in (pipe.transformer, pipe.text_encoder))

    def watched(self, chosen, chance):
        places.append(where(self.pipe))
        return loss(self, chosen, chance)

    monkeypatch.setattr(DenoisingTask, "loss", watched)
    with elsewhere() as device:
        studio = Studio(load_preset(tmp_path / "parts.yaml"))
        method, pipe, read = studio.method("lora"), studio.backbone("diffusion").pipe, []
        pipe.text_encoder.register_forward_hook(lambda *_: read.append(where(pipe)))
        known = learned(studio, method, subject(), tmp_path)
        assert len(places) > 2 and set(places) == {(device, "cpu")}
        assert set(read) == {("cpu", device)}
        drawn, _ = run(method, DrawRequest("Biscuit on the beach", (known,)), [1])
        assert drawn and hasattr(pipe.transformer, "_hf_hook")
        studio.close()


def test_where_layers_wait_here_nothing_can_be_trained_and_that_is_said(preset, tmp_path):
    data = yaml.safe_load(preset("stable_diffusion", tmp_path).read_text())
    data["models"]["diffusion"] |= {"offload": "parts"}
    (tmp_path / "layers.yaml").write_text(yaml.safe_dump(data))
    with elsewhere():
        studio = Studio(load_preset(tmp_path / "layers.yaml"))
        model = studio.backbone("diffusion")
        model.place = replace(model.place, offload="layers")
        with pytest.raises(UserError, match="layer by layer only, so nothing can be trained") as caught:
            learned(studio, studio.method("lora"), subject(), tmp_path)
        assert "larger card" in caught.value.hint
        model.place = replace(model.place, offload="parts")
        studio.close()
