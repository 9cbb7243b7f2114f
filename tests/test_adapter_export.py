"""What Limner trained, in the hands of plain diffusers and peft: the same numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner

from limner.errors import ModelError, UserError
from limner.memory.library import Library
from limner.memory.values import Adapter, Scores
from limner.tools.adapter_export import LORA, called_in, export_adapter
from limner.tools.presets import load_preset
from limner.tools.studio import Studio

from .test_training import learn, subject

METHODS = ("lora", "pivotal", "ar_lora")


@pytest.fixture(scope="module")
def studio(tiny_preset):
    made = Studio(load_preset(tiny_preset))
    yield made
    made.close()


@pytest.fixture(scope="module")
def adapters(studio, tmp_path_factory) -> dict[str, Adapter]:
    """One of each method, its step so large that it shows."""
    made = {}
    for name in METHODS:
        folder = tmp_path_factory.mktemp(name)
        learned = learn(studio, folder, name, most_steps=2, learning_rate=0.05, probes=1, priors=0, sample_every=2)
        made[name] = Adapter("a0", name, learned.folder, studio.model_hash(name), 1, Scores(), facts=learned.facts)
    return made


@pytest.fixture
def plain(tiny_preset):
    """diffusers' pipeline, loaded without Limner."""
    from diffusers import StableDiffusionPipeline

    folder = load_preset(tiny_preset).models["diffusion"].folder
    pipe = StableDiffusionPipeline.from_pretrained(folder, local_files_only=True, safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@torch.no_grad()
def answer(pipe, words: str) -> tuple[np.ndarray, np.ndarray]:
    """What a pipeline's text encoder makes of words, and its U-Net of noise with them."""
    heard = pipe.encode_prompt(words, "cpu", 1, False)[0]
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    shown = {"image_embeds": [torch.zeros(1, 1, 8)]} if pipe.unet.config.encoder_hid_dim_type else None
    if shown:
        pipe.set_ip_adapter_scale(0.0)
    return heard.numpy(), pipe.unet(noise, 500, heard, added_cond_kwargs=shown).sample.numpy()


def ours(studio, adapter: Adapter, words: str) -> tuple[np.ndarray, np.ndarray]:
    method = studio.method(adapter.method)
    with method._parts(subject(), True, "dog", adapter):
        return answer(method.model.pipe, words)


def same(one, other, tolerance=1e-5) -> bool:
    return all(np.allclose(a, b, atol=tolerance) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("layout", ["diffusers", "kohya"])
@pytest.mark.parametrize("name", ["lora", "pivotal"])
def test_plain_diffusers_reads_what_was_trained(studio, adapters, plain, tmp_path, name, layout):
    files = export_adapter(adapters[name], "Biscuit", tmp_path / "out", layout)
    before, said, words = answer(plain, "the dog <subject>"), "the dog <subject>", "the dog <subject>"
    for file in files:
        if "learned" in file.name or "word" in file.name:
            token = {} if layout == "diffusers" else {"token": file.stem}
            plain.load_textual_inversion(file, **token)
            words = words.replace("<subject>", token.get("token", "<subject>"))
        else:
            plain.load_lora_weights(tmp_path / "out", weight_name=file.name)
    theirs = answer(plain, words)
    expected = ours(studio, adapters[name], said)
    assert same(theirs, expected) and not same(before, expected, 1e-3)
    if layout == "kohya" and name == "lora":
        names = load_file(tmp_path / "out" / "biscuit.safetensors")
        assert {n.rpartition("_layers_")[0] for n in names if n.startswith("lora_te")} == {"lora_te_text_model_encoder"}
        assert all(n.startswith(("lora_te_", "lora_unet_")) for n in names)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated")
def test_plain_peft_reads_a_lora_of_the_autoregressive_model(studio, adapters, tiny_preset, tmp_path):
    from peft import PeftModel
    from transformers import JanusForConditionalGeneration

    export_adapter(adapters["ar_lora"], "Biscuit", tmp_path / "out")
    ids, method = torch.arange(5, 15)[None], studio.method("ar_lora")
    theirs = JanusForConditionalGeneration.from_pretrained(
        load_preset(tiny_preset).models["ar"].folder, dtype=torch.float32
    ).eval()
    with torch.no_grad():
        before = theirs.model.language_model(ids).last_hidden_state.numpy()
        network = PeftModel.from_pretrained(theirs.model.language_model, tmp_path / "out")
        read = network(ids).last_hidden_state.numpy()
        with method._parts(subject(), True, "dog", adapters["ar_lora"]):
            here = method.model.language_model(ids).last_hidden_state.numpy()
    assert np.allclose(read, here, atol=1e-5) and not np.allclose(before, here, atol=1e-3)


def test_the_starters_image_adapter_is_read_by_plain_diffusers():
    """The file that this project's recipe trained, in the pipeline as anybody would load it."""
    from diffusers import StableDiffusionPipeline

    from limner.tools.backbones.diffusion import Painting, Subject
    from limner.tools.backbones.stable_diffusion import StableDiffusion

    folder = load_preset("starter").models["diffusion"].folder
    model = StableDiffusion.load(folder)
    pipe = StableDiffusionPipeline.from_pretrained(
        folder, local_files_only=True, safety_checker=None, dtype=torch.float32
    )
    weights = next((folder / "models").glob("*.safetensors")).name
    pipe.load_ip_adapter(str(folder), subfolder="models", weight_name=weights, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    red, made = Image.new("RGB", (64, 64), "red"), []
    for scale in (1.0, 0.0):
        pipe.set_ip_adapter_scale(scale)
        shown = pipe("a dog", ip_adapter_image=red, num_inference_steps=2, guidance_scale=3.0,
                     generator=torch.Generator().manual_seed(3)).images[0]  # fmt: skip
        made.append(np.asarray(shown, int))
    asked = Painting("a dog", subjects=(Subject(model.image_embeddings([red])),), steps=2, seeds=(3,))
    assert np.abs(np.asarray(model.generate(asked)[0], int) - made[0]).max() <= 1
    assert np.abs(made[1] - made[0]).max() > 9


def test_what_has_no_layout_of_kohyas_is_said_and_nothing_is_written(adapters, tmp_path):
    with pytest.raises(UserError, match="no layout of kohya's for ar_lora"):
        export_adapter(adapters["ar_lora"], "Biscuit", tmp_path / "out", "kohya")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    with pytest.raises(UserError, match="is there already"):
        export_adapter(adapters["lora"], "Biscuit", tmp_path / "taken")
    copy = tmp_path / "damaged"
    copy.mkdir()
    (copy / LORA).write_bytes((adapters["lora"].folder / LORA).read_bytes()[:-5])
    damaged = Adapter("a0", "lora", copy, "0" * 12, 1)
    with pytest.raises(ModelError, match="shorter"):
        export_adapter(damaged, "Biscuit", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged", "taken"]


def test_the_command_writes_the_newest_and_says_how_it_is_called(adapters, tiny_preset, tmp_path):
    from limner.cli.app import app
    from limner.memory.adapters import write_record

    home = tmp_path / "library"
    with Library.open(home) as library:
        concept = library.teach("Biscuit", "dog", [Image.new("RGB", (32, 32), "red")])
        staged = tmp_path / "staged"
        staged.mkdir()
        for file in adapters["lora"].folder.iterdir():
            (staged / file.name).write_bytes(file.read_bytes())
        write_record(staged, "lora", adapters["lora"].model, 1, Scores(), noun="dog")
        kept = library.publish_adapter(concept.id, staged)
        assert called_in(kept, concept, load_preset(tiny_preset), "kohya") == "the dog sks"

    def limner(*words: str):
        return CliRunner().invoke(app, [*words, "--home", str(home), "--preset", str(tiny_preset), "--json"])

    done = limner("export", "adapter", "Biscuit", str(tmp_path / "out"), "--layout", "kohya")
    assert done.exit_code == 0, done.output
    row = json.loads(done.stdout)
    assert row["files"] == ["biscuit.safetensors"] and row["called"] == "the dog sks"
    assert Path(row["file"], "biscuit.safetensors").stat().st_size > 1000
    assert limner("export", "adapter", "Biscuit", str(tmp_path / "b"), "--method", "pivotal").exit_code == 2
    assert limner("export", "concept", "Biscuit", str(tmp_path / "c"), "--layout", "kohya").exit_code == 2
