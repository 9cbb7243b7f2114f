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
from limner.tools.backbones import backbones
from limner.tools.backbones.diffusion import Painting
from limner.tools.backbones.stable_diffusion import StableDiffusion

from . import tiny, tiny_ldm
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


def kohya(*layers: tuple[str, int, int]) -> dict[str, torch.Tensor]:
    """A LoRA in kohya's layout: each layer by its name, what goes in and what comes out."""
    made = {}
    for name, wide, out in layers:
        made |= {f"{name}.lora_down.weight": torch.ones(4, wide), f"{name}.lora_up.weight": torch.ones(out, 4)}
        made[f"{name}.alpha"] = torch.tensor(4.0)
    return made


def attends(place: str, wide: int, out: int = 320) -> tuple[str, int, int]:
    return f"lora_unet_{place}_transformer_blocks_0_attn2_to_k", wide, out


FOREIGN = {
    "SDXL LoRA": (kohya(attends("input_blocks_4_1", 2048, 640), attends("input_blocks_7_1", 2048)),
                  "made for Stable Diffusion XL"),
    "SD 2 LoRA": (kohya(attends("down_blocks_0_attentions_0", 1024)), "made for Stable Diffusion 2"),
    "FLUX LoRA": (kohya(("lora_unet_double_blocks_0_img_attn_proj", 3072, 3072)), "made for FLUX"),
    "LoHa": ({"lora_unet_mid_block_attentions_0_proj_in.hada_w1_a": torch.ones(4, 4)}, "is a LyCORIS file"),
    "SDXL word": ({"clip_l": torch.ones(2, 768), "clip_g": torch.ones(2, 1280)}, "made for Stable Diffusion XL"),
    "SD 2 word": ({"emb_params": torch.ones(2, 1024)}, "made for Stable Diffusion 2"),
    "IP-Adapter": ({"image_proj.proj.weight": torch.ones(4, 4), "ip_adapter.1.to_k_ip.weight": torch.ones(4, 4)},
                   "is an IP-Adapter"),
    "ControlNet": ({"control_model.time_embed.0.weight": torch.ones(4, 4)}, "is a ControlNet"),
    "checkpoint": ({"model.diffusion_model.out.2.weight": torch.ones(4, 4)}, "is a checkpoint"),
    "encoder": ({"logit_scale": torch.tensor(1.0), "text_model.a.weight": torch.ones(2, 2)}, "neither LoRA"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("what", FOREIGN)
def test_what_belongs_elsewhere_is_told_by_what_it_is(model, tmp_path, what):
    tensors, said = FOREIGN[what]
    save_file(tensors, tmp_path / "found.safetensors")
    before = drawn(model)
    with pytest.raises(ModelError, match=said) as caught:
        model.attach([tmp_path / "found.safetensors"])
    assert "found.safetensors" in caught.value.text and caught.value.hint
    assert "\n" not in caught.value.text and len(caught.value.text) < 400 and "Target modules" not in caught.value.text
    assert np.array_equal(drawn(model), before)


def test_of_several_files_the_wrong_one_is_named(model, tmp_path):
    good = write("kohya", model, tmp_path)
    save_file(FOREIGN["SD 2 LoRA"][0], tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match="other.safetensors") as caught:
        model.attach([good / "a.safetensors", tmp_path / "other.safetensors"])
    assert "a.safetensors" not in caught.value.text


def test_what_kohya_says_of_its_base_is_believed(model, tmp_path):
    tensors = kohya(("lora_unet_nowhere", 4, 4))
    save_file(tensors, tmp_path / "a.safetensors", {"ss_base_model_version": "sdxl_base_v1-0"})
    with pytest.raises(ModelError, match="made for Stable Diffusion XL"):
        model.attach([tmp_path / "a.safetensors"])


def test_a_learned_word_of_one_text_encoder_is_not_for_two(tmp_path):
    save_file({"emb_params": torch.ones(2, 768)}, tmp_path / "word.safetensors")
    two = SimpleNamespace(unet=torch.nn.Sequential(), text_encoder_2=torch.nn.Sequential())
    with pytest.raises(ModelError, match="learned for Stable Diffusion 1; this model reads with two"):
        read_adapter(tmp_path / "word.safetensors", two)


@pytest.mark.parametrize("family", ["stable_diffusion", "stable_diffusion_xl"])
def test_kohyas_files_with_text_encoders_in_both_namings(family, tmp_path):
    """What people have: text encoders too, alpha other than rank, and SDXL's blocks in their makers' names."""
    model = backbones()[family].load(tiny.BUILDERS[family](tmp_path / "model"), settings={"side": 64})
    generator, encoders = torch.Generator().manual_seed(0), [(model.pipe.text_encoder, "lora_te")]
    if family.endswith("xl"):
        encoders = [(model.pipe.text_encoder, "lora_te1"), (model.pipe.text_encoder_2, "lora_te2")]
    layers = [(f"{at}_text_model", encoder, ("_proj", ".fc1", ".fc2")) for encoder, at in encoders]
    by_hand, files = [], [{}, {}]
    for at, part, ends in [("lora_unet", model.pipe.unet, ("attn1.to_q", "attn2.to_k")), *layers]:
        for name, layer in part.named_modules():
            if not isinstance(layer, torch.nn.Linear) or not name.endswith(ends) or "adapter" in name:
                continue
            down = torch.randn(2, layer.in_features, generator=generator) / 4
            up = torch.randn(layer.out_features, 2, generator=generator)
            by_hand.append((layer, up @ down / 2))
            plain = name.removeprefix("text_model.")
            makers = tiny_ldm.unet_name(f"{name}.weight", part).removesuffix(".weight") if at == "lora_unet" else plain
            for tensors, called in zip(files, (plain, makers), strict=True):
                key = f"{at}_{called.replace('.', '_')}"
                tensors |= {
                    f"{key}.lora_down.weight": down,
                    f"{key}.lora_up.weight": up,
                    f"{key}.alpha": torch.tensor(1.0),
                }
    before, made = drawn(model), []
    for number, tensors in enumerate(files if family.endswith("xl") else files[:1]):
        save_file({name: tensor.clone() for name, tensor in tensors.items()}, tmp_path / f"{number}.safetensors")
        model.attach([tmp_path / f"{number}.safetensors"])
        made.append(drawn(model))
        model.detach()
    assert np.array_equal(drawn(model), before)
    for layer, change in by_hand:
        layer.weight.data += change
    merged = drawn(model)
    assert np.abs(merged - before).max() > 9 and all(np.abs(merged - one).max() <= 4 for one in made)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "pointer of Git LFS"),
        (b"PK\3\4" + bytes(64), "pickle under another name"),
        (b"\x80\2" + bytes(64), "pickle under another name"),
        (b"", "too short"),
    ],
)
def test_what_only_bears_the_name_is_told(model, tmp_path, content, said):
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=said) as caught:
        model.attach([tmp_path / "a.safetensors"])
    assert caught.value.hint


def test_weights_in_8_bits_are_named(model, tmp_path):
    save_file({"a.lora_down.weight": torch.zeros(2, 2).to(torch.float8_e4m3fn)}, tmp_path / "a.safetensors")
    with pytest.raises(ModelError, match="F8_E4M3.*16 bits"):
        model.attach([tmp_path / "a.safetensors"])
