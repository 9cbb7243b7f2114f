"""What a training takes of a machine, what cannot be begun on it, and that both are said before anything is loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
import yaml
from PIL import Image

from limner.cli.app import app
from limner.errors import UserError
from limner.memory.library import Library
from limner.tools import jobs as jobs_module
from limner.tools.desk import Desk
from limner.tools.jobs import Jobs
from limner.tools.machine import Machine
from limner.tools.presets import BUILT_IN, Preset, load_preset, read_preset
from limner.tools.studio import Studio
from limner.tools.train import finetune_lora
from limner.tools.trainable import check_training, training_bytes, trains
from limner.tools.training.loop import Training

from .test_machine import gpu, processor
from .test_methods import finish, subject

SD15 = replace(read_preset(BUILT_IN / "sd15.yaml"), training={})


def eight_bit(preset: Preset) -> Preset:
    return replace(preset, training={"dreambooth": {"optimizer": "adamw8bit"}})


def with_settings(preset: Preset, role: str, **settings: Any) -> Preset:
    spec = preset.models[role]
    return replace(preset, models={**preset.models, role: replace(spec, settings={**spec.settings, **settings})})


@pytest.mark.parametrize(
    ("preset", "here", "lora", "dreambooth"),
    [
        (SD15, gpu(24), 4.5, 18.9),
        (eight_bit(SD15), gpu(24), 4.5, 13.5),
        (SD15, processor(48), 9.0, 25.2),  # drawn in 32 bits, and what the weights were lies there as well
        (SD15, processor(9), 4.5, 20.7),
    ],
)
def test_what_trainings_take(preset, here, lora, dreambooth):
    """On true weights nobody has measured it; at small size see the next test."""
    assert training_bytes(preset, "lora", here) / 1e9 == pytest.approx(lora)
    assert training_bytes(preset, "dreambooth", here) / 1e9 == pytest.approx(dreambooth)
    assert training_bytes(preset, "pivotal", here) == training_bytes(preset, "lora", here)


def test_what_is_held_while_weights_are_trained_is_what_was_forecast(tiny_preset, tmp_path, monkeypatch):
    """For a process's peak see `bench/training_memory.py`."""
    held = {}
    step = torch.optim.AdamW.step

    def watched(self, *given):
        step(self, *given)
        weights = [weight for group in self.param_groups for weight in group["params"]]
        moments = [t for state in self.state.values() for t in state.values() if t.ndim]
        grads = [weight.grad for weight in weights if weight.grad is not None]
        held["each"] = sum(t.nbytes for t in (*weights, *grads, *moments)) / sum(w.numel() for w in weights)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    data = yaml.safe_load(tiny_preset.read_text())
    data["models"]["diffusion"] |= {"precision": "bfloat16"}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(data))
    studio = Studio(load_preset(tmp_path / "own.yaml"))
    assert studio.method("dreambooth").config.precision == "auto"
    lesson = studio.lesson(subject(), tmp_path, tmp_path / "priors", None, lambda: False)
    finish(studio.method("dreambooth").fit(lesson))
    assert held["each"] == 4 + 4 + 8
    studio.close()


@pytest.mark.parametrize(
    ("preset", "here", "method", "said"),
    [
        (SD15, gpu(12), "dreambooth", "takes about 19 GB"),
        (SD15, gpu(16), "dreambooth", "takes about 19 GB"),
        (eight_bit(SD15), gpu(16), "dreambooth", ""),
        (SD15, gpu(24), "dreambooth", ""),
        (SD15, gpu(4), "lora", ""),
        (SD15, gpu(2), "lora", "takes about 3 GB"),
        (SD15, gpu(1), "lora", "layer by layer"),
        (SD15, processor(2), "lora", "does not fit"),
        (with_settings(SD15, "diffusion", bits=8), gpu(48), "dreambooth", "in 8 bits nothing can be changed"),
        (with_settings(SD15, "diffusion", bits=4), gpu(48), "pivotal", ""),
    ],
)
def test_what_cannot_be_begun(preset, here, method, said):
    if not said:
        check_training(preset, method, here)
        return
    with pytest.raises(UserError, match=said) as caught:
        check_training(preset, method, here)
    assert caught.value.hint and (method != "dreambooth" or "lora" in caught.value.hint)


@pytest.fixture
def four_bits(tiny_preset, tmp_path) -> Preset:
    """A model of tokens in 4 bits on a processor."""
    data = yaml.safe_load(tiny_preset.read_text())
    data["models"]["ar"] |= {"bits": 4}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(data))
    return load_preset(tmp_path / "own.yaml")


def test_four_bits_give_no_gradients_on_a_processor_and_that_is_said_before_anything_is_loaded(four_bits, tmp_path):
    """bitsandbytes' quick kernel for them has no backward pass, and would only warn."""
    here = processor(16)
    check_training(with_settings(four_bits, "ar", bits=8), "ar_lora", here)
    with Library.open(tmp_path / "library") as library:
        concept = library.teach("Biscuit", "dog", [Image.new("RGB", (32, 32), "red")], [None])
        studio = Studio(four_bits, here)
        desk = Desk(library, library.session("x"), studio, four_bits, jobs=Jobs(library, four_bits))
        desk.method = "ar_lora"
        for begin in (lambda: list(finetune_lora(desk, "Biscuit")), lambda: desk.jobs.start(concept, "ar_lora")):
            with pytest.raises(UserError, match="4 bits on a processor: there they give no gradients") as caught:
                begin()
            assert "`bits: 8`" in caught.value.hint
        assert not studio.shelf._loaded and not desk.jobs.all()


def test_a_training_begun_elsewhere_is_refused_here(four_bits, tmp_path, monkeypatch):
    """As when a library moves to another machine: what was waiting says why it does not go on."""
    from limner.tools.training import worker

    with Library.open(tmp_path / "library") as library:
        concept = library.teach("Biscuit", "dog", [Image.new("RGB", (32, 32), "red")], [None])
        monkeypatch.setattr(jobs_module, "check_training", lambda *given: None)
        monkeypatch.setattr(Jobs, "_spawn", lambda self, place: place)
        place = Jobs(library, four_bits).start(concept, "ar_lora")
        monkeypatch.setattr(worker.os, "nice", lambda by: 0)
        assert worker.work(place.folder) == 1
        assert place.status()["state"] == "failed" and "no gradients" in place.status()["message"]


def test_what_is_loaded_here_gives_way_to_a_training_that_has_no_room_beside_it(tiny_preset, tmp_path):
    data = yaml.safe_load(tiny_preset.read_text())
    data["models"]["diffusion"] |= {"memory": 4.5, "largest": 1.8, "work": 1}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(data))
    for memory, kept in ((12, {"encoder"}), (48, {"encoder", "diffusion"})):
        studio = Studio(load_preset(tmp_path / "own.yaml"), processor(memory))
        for role in ("encoder", "diffusion"):
            studio.backbone(role)
        studio.give_way("lora")
        assert set(studio.shelf._loaded) == (kept if memory == 48 else set())
        studio.close()


def test_newcomers_are_told_what_can_be_trained(monkeypatch, capsys):
    told = "lora, textual_inversion, pivotal with about 5 GB; not dreambooth: about 19 GB"
    assert trains(SD15, gpu(8)) == told
    assert trains(load_preset("kontext"), gpu(48)) == "" and trains(load_preset("starter"), gpu(48)) == ""
    monkeypatch.setattr("limner.tools.machine.machine", lambda: gpu(8))
    with pytest.raises(SystemExit):
        app(["presets"], prog_name="limner")
    smaller = told.replace("19 GB", "14 GB")  # by the preset's optimizer
    assert f"    trains {smaller}\n" in capsys.readouterr().out


# Old GPUs


def test_gradients_of_narrow_range_are_made_louder(tiny_preset, tmp_path, monkeypatch):
    """GPUs of before 2020 multiply float16: small gradients would be nothing in it, too loud ones are tried again."""
    asked: list[float] = []
    monkeypatch.setattr(Training, "_narrow", torch.float16)
    one_step = Training._one_step

    def watched(self):
        asked.append(self._louder)
        if len(asked) == 1:
            self._louder = 2.0**126  # beyond what any number holds
        one_step(self)

    monkeypatch.setattr(Training, "_one_step", watched)
    data = yaml.safe_load(tiny_preset.read_text())
    data["training"]["lora"] |= {"precision": "bfloat16"}  # 16 bits, whatever is faster here
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(data))
    studio = Studio(load_preset(tmp_path / "own.yaml"))
    lesson = studio.lesson(subject(), tmp_path, tmp_path / "priors", None, lambda: False)
    made = finish(studio.method("lora").fit(lesson))
    assert made.facts["steps"] == 2 and len(asked) > 2 and not made.facts["notices"]
    assert asked[0] == 2.0**14 and asked[1] == 2.0**125 and asked[-1] < 2.0**125
    studio.close()


def test_old_gpus_are_known(monkeypatch):
    old = Machine("cuda", "a GPU", 8 * 10**9, 16 * 10**9, 20, "float16")
    monkeypatch.setattr("limner.tools.training.loop.machine", lambda: old)
    made = Training.__new__(Training)
    for device, narrow in (("cuda", torch.float16), ("cpu", torch.bfloat16)):
        monkeypatch.setattr(Training, "_device", device)
        assert made._narrow == narrow
