"""Adapters of others: LoRA in every layout, learned words in both, against what they mean; and real ones."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from limner.errors import ModelError
from limner.tools.adapter_files import read_adapter
from limner.tools.backbones.diffusion import Painting
from limner.tools.backbones.stable_diffusion import StableDiffusion

from . import tiny
from .beside import beside, needs

DATA = beside("weights")
real = needs(DATA)
ASKED = Painting("a dog", steps=2, guidance=3.0, seeds=(1,))
BLOCK = ("attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0", "ff.net.0.proj",
         "attn2.to_q", "attn2.to_k", "attn2.to_v", "attn2.to_out.0")  # fmt: skip
"""A transformer block's layers in the order of cloneofsimo/lora's time."""


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> StableDiffusion:
    return StableDiffusion.load(tiny.stable_diffusion(tmp_path_factory.mktemp("sd")))


def drawn(model: StableDiffusion) -> np.ndarray:
    return np.asarray(model.generate(ASKED)[0], dtype=int)


def pairs(model: StableDiffusion) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """A random rank-2 LoRA on every attention and gate of the U-Net, by name, in the early order."""
    unet = model.pipe.unet
    blocks = [name for name, _ in unet.named_modules() if name.rpartition(".")[0].endswith("transformer_blocks")]
    generator, made = torch.Generator().manual_seed(0), {}
    for block in blocks:
        for layer in BLOCK:
            linear = unet.get_submodule(f"{block}.{layer}")
            down = torch.randn(2, linear.in_features, generator=generator)
            made[f"{block}.{layer}"] = (down, torch.randn(linear.out_features, 2, generator=generator))
    return made


@pytest.fixture(scope="module")
def merged(model) -> np.ndarray:
    """What is drawn with the LoRA added to the weights by hand."""
    unet, before = model.pipe.unet, {}
    for name, (down, up) in pairs(model).items():
        weight = unet.get_submodule(name).weight
        before[name] = weight.clone()
        weight.data += up @ down
    picture = drawn(model)
    for name, weight in before.items():
        unet.get_submodule(name).weight.data = weight
    return picture


def write(layout: str, model: StableDiffusion, folder: Path) -> Path:
    found = pairs(model)
    plain = {f"{n}.lora_{side}.weight": t for n, both in found.items() for side, t in zip("AB", both, strict=True)}
    if layout == "early":
        tensors = {f"unet:{i}:{w}": t for i, both in enumerate(found.values())
                   for w, t in zip(("down", "up"), both, strict=True)}  # fmt: skip
        kinds = json.dumps(["CrossAttention", "Attention", "GEGLU"])
        save_file(tensors, folder / "a.safetensors", {"unet": kinds} | {f"unet:{i}:rank": "2" for i in range(9)})
    elif layout == "peft":
        save_file({f"base_model.model.{k}": v for k, v in plain.items()}, folder / "adapter_model.safetensors")
        (folder / "adapter_config.json").write_text('{"r": 2, "lora_alpha": 2}')
    elif layout == "kohya":
        from diffusers.utils import convert_state_dict_to_kohya

        kohya = convert_state_dict_to_kohya({f"unet.{k}": v for k, v in plain.items()})
        save_file({k: v.contiguous() for k, v in kohya.items()}, folder / "a.safetensors")
    else:
        type(model.pipe).save_lora_weights(folder, unet_lora_layers=plain)
    return folder


@pytest.mark.parametrize("layout", ["early", "peft", "kohya", "diffusers"])
def test_every_layout_means_the_same(model, merged, tmp_path, layout):
    before = drawn(model)
    model.attach([write(layout, model, tmp_path)])
    with_it = drawn(model)
    model.detach()
    # Merged and separate weights round differently, and so do several threads.
    assert np.abs(with_it - merged).max() <= 4 and np.abs(with_it - before).max() > 9
    assert np.array_equal(drawn(model), before)


@pytest.mark.parametrize("layout", ["plain", "webui"])
def test_learned_words_in_both_layouts(model, tmp_path, layout):
    vectors = torch.randn(2, 16)
    save_file({"<cat-toy>" if layout == "plain" else "emb_params": vectors}, tmp_path / "cat-toy.safetensors")
    model.attach([tmp_path / "cat-toy.safetensors"])
    tokenizer, encoder = model.pipe.tokenizer, model.pipe.text_encoder
    ids = tokenizer.convert_tokens_to_ids(["<cat-toy>", "<cat-toy>_1"])
    assert torch.equal(encoder.get_input_embeddings().weight[ids], vectors)
    model.detach()
    assert "<cat-toy>" not in tokenizer.get_vocab()


def test_a_presets_own_adapters_stay(tmp_path):
    folder = tiny.stable_diffusion(tmp_path / "sd")
    plain = StableDiffusion.load(folder)
    (tmp_path / "lora").mkdir()
    file = write("early", plain, tmp_path / "lora")
    kept = StableDiffusion.load(folder, settings={"adapters": [str(file)]})
    with_it = drawn(kept)
    assert not np.array_equal(with_it, drawn(plain))
    kept.detach()
    assert np.array_equal(drawn(kept), with_it)


def test_early_files_of_another_model_are_refused(model, tmp_path):
    write("early", model, tmp_path)
    other = SimpleNamespace(unet=torch.nn.Sequential(), text_encoder=None)
    with pytest.raises(ModelError, match="another model"):
        read_adapter(tmp_path, other)


@pytest.fixture(scope="module")
def sd15() -> SimpleNamespace:
    """Stable Diffusion 1.5's U-Net and text encoder at their true shapes, without memory."""
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=768, attention_head_dim=8)
        encoder = CLIPTextModel(
            CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
        )
    return SimpleNamespace(unet=unet, text_encoder=encoder)


@real
@pytest.mark.parametrize(
    ("name", "rank", "words"), [("lora_disney", 1, {"<s1>", "<s2>"}), ("analog_svd_rank4", 4, set())]
)
def test_real_early_files_fit_stable_diffusion(sd15, name, rank, words):
    found = read_adapter(DATA / "lora-sd15" / f"{name}.safetensors", sd15)
    assert len(found.lora) == 2 * (16 * 9 + 12 * 4) and set(found.words) == words
    parts = {"unet": sd15.unet, "text_encoder": sd15.text_encoder}
    for key, tensor in found.lora.items():
        part, _, rest = key.partition(".")
        layer = parts[part].get_submodule(rest.rpartition(".lora_")[0])
        wanted = (rank, layer.in_features) if ".lora_A." in key else (layer.out_features, rank)
        assert tuple(tensor.shape) == wanted
    assert all(vectors[""].shape == (1, 768) for vectors in found.words.values())


@real
def test_a_real_learned_word_fits_its_model_only(model, tmp_path):
    pickled = DATA / "textual-inversion-sd15" / "learned_embeds.bin"
    with pytest.raises(ModelError, match="pickle"):
        read_adapter(pickled, model.pipe)
    file = tmp_path / "birb.safetensors"
    save_file(torch.load(pickled, weights_only=True), file)
    assert read_adapter(file, model.pipe).words["<birb-style>"][""].shape == (1, 768)
    before = drawn(model)
    with pytest.raises(ModelError, match="does not belong"):
        model.attach([file])
    assert np.array_equal(drawn(model), before)
