"""Families that learn: their networks are asked as the library asks them, they learn, and the library reads it."""

from __future__ import annotations

import random
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from limner.errors import UserError
from limner.memory.values import Adapter, Scores
from limner.tools.adapter_export import export_adapter
from limner.tools.backbones import backbones
from limner.tools.backbones.diffusion import Painting
from limner.tools.methods.lora import Lora, LoraConfig
from limner.tools.training.config import TrainingConfig
from limner.tools.training.denoising import DenoisingTask
from limner.tools.training.lesson import Example, Material
from limner.tools.training.tuned import Held
from limner.tools.values import DrawRequest, SubjectInput

from . import tiny

FAMILIES = ("stable_diffusion", "stable_diffusion_xl", "flux2", "flux_dev")
PIXELS = 64


@pytest.fixture(scope="module", params=FAMILIES)
def model(request, tmp_path_factory):
    folder = tiny.BUILDERS[request.param](tmp_path_factory.mktemp(request.param) / "model")
    made = backbones()[request.param]
    model = made.load(folder, settings={"side": PIXELS} if "side" in made.settings else {})
    yield model
    model.free()


def picture(seed: int = 0, side: int = PIXELS) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((side, side), Image.Resampling.BICUBIC)


def test_the_network_is_asked_as_the_library_asks_it(model):
    """The first step of the library's own pipeline, and the same latents, words and time here."""
    seen = {}
    network, forward = model.drawer, model.drawer.forward

    def watched(*args, **named):
        made = forward(*args, **named)
        seen.setdefault("asked", (args, named))
        seen.setdefault("answer", made[0] if isinstance(made, tuple) else made.sample)
        return made

    network.forward = watched
    try:
        model.generate(Painting("a red dog", steps=2, guidance=1.0, size=(model.side, model.side)))
    finally:
        network.forward = forward
    args, named = seen["asked"]
    noisy = named["hidden_states"] if "hidden_states" in named else args[0] if args else named["sample"]
    time = named.get("timestep", args[1] if len(args) > 1 else None)
    channels, height, width = model.cells()
    answer = seen["answer"]
    if noisy.ndim == 3:
        noisy, answer = (part.permute(0, 2, 1).unflatten(2, (height, width)) for part in (noisy, answer))
    assert noisy.shape[1:] == (channels, height, width)
    with torch.no_grad():
        silence = model.silence if model.adapted else None
        mine = model.predicted(noisy, time.expand(len(noisy)), model.hears(["a red dog"]), silence)
    assert torch.allclose(mine, answer, atol=1e-5)


def test_latents_are_what_the_library_decodes(model):
    from limner.tools.pixels import to_tensor

    pipe, found = model.pipe, model.latents(to_tensor(picture(side=model.side)))
    assert found.shape[1:] == model.cells()
    if hasattr(pipe, "_unpatchify_latents"):
        norm = pipe.vae.bn
        spread = (norm.running_var + pipe.vae.config.batch_norm_eps).sqrt()
        found = pipe._unpatchify_latents(found * spread.view(1, -1, 1, 1) + norm.running_mean.view(1, -1, 1, 1))
    else:
        found = found if model.network == "unet" else torch.nn.functional.pixel_shuffle(found, 2)
        found = found / pipe.vae.config.scaling_factor + (pipe.vae.config.get("shift_factor") or 0)
    with torch.no_grad():
        plain = pipe.vae.encode(to_tensor(picture(side=model.side))).latent_dist.mode()
    assert torch.allclose(found, plain, atol=1e-4)


def material(side: int) -> Material:
    whole, captions = np.ones((side, side), np.float32), ("Biscuit at night", "Biscuit on the beach")
    examples = (Example(picture(n, side), whole, caption, "reference", n) for n, caption in enumerate(captions))
    return Material(tuple(examples), (), "dog")


def known() -> SubjectInput:
    return SubjectInput("Biscuit", "dog", (picture(0), picture(1)), (None, None), key="a@1")


@pytest.fixture(scope="module")
def learned(model, tmp_path_factory) -> tuple[Lora, Path, list[float]]:
    """A LoRA after some steps, its folder, and the loss on the same noise before and after."""
    method = Lora(model, LoraConfig(rank=4, steps=2, guidance=1.0, slots=("sks",)))
    folder = tmp_path_factory.mktemp("lora")
    stages = method.stages(known(), model.adapted, "dog")
    with method.room(known(), model.adapted):
        for part in stages[0].parts:
            part.start()
        held = Held(known(), stages, model.adapted, "dog")
        method.hold(held)
        task = method.task(held)
        assert isinstance(task, DenoisingTask)
        task.study(material(model.side), TrainingConfig())
        task.recompute()
        optimizer = torch.optim.AdamW(task.parameters().values(), lr=0.01)

        def loss() -> float:
            with torch.no_grad():
                return float(np.mean([task.loss([0, 1], random.Random(seed)) for seed in range(8)]))

        before = loss()
        for step in range(24):
            optimizer.zero_grad()
            task.loss([0, 1], random.Random(100 + step)).backward()
            optimizer.step()
        after = loss()
        task.save(folder)
        model.drawer.disable_gradient_checkpointing()
        method.hold(None)
        for part in stages[0].parts:
            part.remove()
    return method, folder, [before, after]


def test_it_learns(learned):
    before, after = learned[2]
    assert after < 0.97 * before


def adapter_of(method: Lora, folder: Path) -> Adapter:
    facts = {"warm": method.model.adapted, "noun": "dog"}
    return Adapter("a0", "lora", folder, method.model.hash, 1, Scores(), facts=facts)


def test_plain_diffusers_draws_the_same_with_it(model, learned, tmp_path):
    method, folder, _ = learned
    adapter = adapter_of(method, folder)
    export_adapter(adapter, "Biscuit", tmp_path / "out")
    made, given = getattr(diffusers, model.drawing), model.given(model.folder)
    plain = made.from_pretrained(model.folder, local_files_only=True, **given)
    plain.set_progress_bar_config(disable=True)
    prompt = method.painting(DrawRequest("Biscuit at night"), [3]).prompt

    def drawn(pipe) -> np.ndarray:
        asked = {"guidance_scale": 1.0, "num_inference_steps": 2, "height": model.side, "width": model.side}
        generator = torch.Generator().manual_seed(3)
        return np.asarray(pipe(prompt=prompt, generator=generator, output_type="np", **asked).images[0])

    without = drawn(plain)
    plain.load_lora_weights(tmp_path / "out")
    theirs = drawn(plain)
    with method._parts(known(), False, "dog", adapter):
        if model.adapted:
            model.pipe.set_ip_adapter_scale(0.0)
        painting = Painting(prompt, steps=2, guidance=1.0, seeds=(3,), size=(model.side, model.side))
        ours = np.asarray(model.generate(painting)[0]) / 255
    assert np.abs(theirs - ours).max() < 0.02 and np.abs(theirs - without).max() > 0.02


def test_kohyas_layout_is_refused_where_there_is_none(model, learned, tmp_path):
    adapter = adapter_of(*learned[:2])
    if model.network == "unet":
        assert len(export_adapter(adapter, "Biscuit", tmp_path / "out", "kohya")) == 1
        return
    with pytest.raises(UserError, match="no layout of kohya's for this model"):
        export_adapter(adapter, "Biscuit", tmp_path / "out", "kohya")
    assert not (tmp_path / "out").exists()
