"""The diffusion recipe: what it begins with, what it learns from, and its way into the package and back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file
from transformers.models.janus.modeling_janus import JanusVQVAE

from limner.starter import diffusion, diffusion_autoencoder, diffusion_export, tokenizer
from limner.starter.diffusion import DiffusionTask, Examples, tokenizer_of
from limner.starter.diffusion_encoder import WIDTH, EncoderModule
from limner.starter.diffusion_words import LENGTH, known_caption, plain_caption, sentences
from limner.starter.loop import Plan
from limner.starter.pool import Pool, Sizes, write_pool


@pytest.fixture(scope="module")
def vq() -> JanusVQVAE:
    torch.manual_seed(0)
    made = JanusVQVAE(tokenizer.config()).eval()
    # The library pads after this projection's bias, the folded convolution before; without a bias both are one.
    torch.nn.init.zeros_(made.post_quant_conv.bias)
    return made


@pytest.fixture(scope="module")
def vae(vq) -> AutoencoderKL:
    made = AutoencoderKL(**diffusion_autoencoder.config()).eval()
    made.load_state_dict(diffusion_autoencoder.from_tokenizer(vq.state_dict()))
    return made


@torch.no_grad()
def test_the_autoencoder_begins_as_the_tokenizer(vq, vae):
    pixels = torch.rand(2, 3, 64, 64) * 2 - 1
    latents = vq.quant_conv(vq.encoder(pixels))
    assert torch.allclose(vae.encode(pixels).latent_dist.mean, latents, atol=1e-5)
    theirs = vq.decoder(vq.post_quant_conv(latents))
    assert torch.allclose(vae.decode(latents).sample, theirs, atol=1e-4)


@torch.no_grad()
def test_latents_are_standardised_without_a_change_of_the_picture(vae):
    pixels = torch.rand(2, 3, 64, 64) * 2 - 1
    before = vae.encode(pixels).latent_dist
    mean, std = before.mean.mean((0, 2, 3)), before.mean.std((0, 2, 3))
    made = AutoencoderKL(**diffusion_autoencoder.config()).eval()
    made.load_state_dict(diffusion_autoencoder.standardised(vae.state_dict(), mean, std))
    after = made.encode(pixels).latent_dist
    assert after.mean.mean((0, 2, 3)).abs().max() < 1e-4 and (after.mean.std((0, 2, 3)) - 1).abs().max() < 1e-3
    assert torch.allclose(after.std * std.view(1, -1, 1, 1), before.std, rtol=1e-3)
    assert torch.allclose(made.decode(after.mean).sample, vae.decode(before.mean).sample, atol=1e-4)


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> Plan:
    """A work folder in which the earlier parts are as good as done."""
    work = tmp_path_factory.mktemp("work")
    write_pool(work / "pool", Sizes(subjects=100, scenes=5, pairs=60, edits=5), processes=1)
    made, rng = Plan("diffusion", work, 1, 8), np.random.default_rng(0)
    made.folder.mkdir()
    np.save(made.folder / "latents.npy", rng.standard_normal((560, 8, 8, 8)).astype(np.float16))
    np.save(made.folder / "seen.npy", rng.standard_normal((500, WIDTH)).astype(np.float16))
    return made


@pytest.fixture(scope="module", autouse=True)
def small_held_part():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diffusion, "HELD", 100)
        yield


@pytest.fixture(scope="module")
def task(plan) -> DiffusionTask:
    return DiffusionTask(plan, 0)


def test_captions_fit_and_name_the_subject(plan):
    words = tokenizer_of(plan.work)
    assert words.tokenize("the subject at night") == ["the</w>", "subject</w>", "at</w>", "night</w>"]
    lengths = [len(words(text).input_ids) for text in sentences(400, 3)]
    assert np.mean([n <= LENGTH for n in lengths]) > 0.93
    import random

    from limner.starter.world import sample_scene, sample_subject

    rng = random.Random(1)
    scene = sample_scene(rng, [sample_subject(rng)])
    assert "subject" in known_caption(scene, rng).lower()
    assert "subject" not in plain_caption(scene, rng)


def test_references_are_other_pictures_of_the_same_subject(plan):
    pool = Pool(plan.work / "pool")
    examples = Examples(plan, pool, tokenizer_of(plan.work), 1)
    rows = examples.rng.choice(examples.singles, 20)
    others = examples._others(rows, 3)
    for row, found in zip(rows, others, strict=True):
        assert row not in found and len(set(found)) == 3
        assert {pool.scenes[i].figures[0].subject for i in found} == {pool.scenes[row].figures[0].subject}
    pair = examples.deal(6, "pair")
    assert pair.seen.shape == (6, 2, WIDTH) and pair.regions.shape == (6, 2, 64, 64)
    assert not (pair.regions[:, 0] * pair.regions[:, 1]).flatten(1).sum(1).gt(64 * 9).any()
    assert examples.deal(6, "plain").scale == 0.0


def test_a_step_reaches_every_part(task):
    from limner.starter.diffusion import Batch

    drawn = [task.examples.deal(8, sort) for sort in ("known", "pair")]
    for batch in drawn:
        error, weight = task.errors(Batch(batch.rows, batch.words, batch.seen + 1, batch.regions, 1.0), task.generator)
        (error * weight).mean().backward()
    heard = [p.grad for name, p in task.model.unet.named_parameters() if "_ip" in name]
    assert len(heard) == 8 and all(g is not None and g.abs().sum() > 0 for g in heard)
    assert task.model.text.get_input_embeddings().weight.grad.abs().sum() > 0
    task.model.zero_grad()
    with torch.no_grad():
        measured = task.evaluate()
    assert set(measured) == {"held_known", "held_pair", "held_plain"}


@torch.no_grad()
def test_what_was_trained_is_exported_and_comes_back(plan, task, vae, tmp_path):
    """The exported folder gives what the module gives, and restoring gives the module's own weights."""
    from limner.tools.backbones.stable_diffusion import StableDiffusion

    def written(part: str, state: dict) -> None:
        (plan.work / part).mkdir(exist_ok=True)
        save_file(
            {f"average.{k}": v.contiguous().clone() for k, v in state.items()},
            plan.work / part / "state.safetensors", metadata={"record": json.dumps({"step": 1, "seconds": 1})},
        )  # fmt: skip

    written("diffusion", task.model.state_dict())
    written("diffusion_autoencoder", vae.state_dict())
    written("diffusion_encoder", EncoderModule().state_dict())
    folder = tmp_path / "diffusion"
    diffusion_export.export_diffusion(plan, folder)
    assert sum(f.stat().st_size for f in Path(folder).rglob("*.safetensors")) < 19_500_000
    loaded = StableDiffusion.load(folder)
    assert loaded.side == 64 and loaded.adapted
    batch = task.examples.deal(2, "known")
    noisy, times = torch.randn(2, 8, 8, 8), torch.tensor([100, 700])
    words = loaded.pipe.text_encoder(batch.words).last_hidden_state
    made = loaded.pipe.unet(noisy, times, words, added_cond_kwargs={"image_embeds": [batch.seen]}).sample
    assert torch.allclose(made, task.model(noisy, times, batch.words, batch.seen, None, 1.0), atol=2e-2)
    back = diffusion_export.restored(folder)
    for name, value in task.model.state_dict().items():
        assert torch.allclose(back["diffusion"][name], value.half().float(), atol=1e-6), name
