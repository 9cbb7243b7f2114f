"""The diffusion backbone: the library's own pictures, adapters that are heard, files that are refused."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from limner.errors import ModelError
from limner.tools.backbones.diffusion import Painting, Subject
from limner.tools.backbones.stable_diffusion import StableDiffusion

from . import tiny

LORA, WORDS = "pytorch_lora_weights.safetensors", "learned_embeds.safetensors"
"""As diffusers and Textual Inversion call their files."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tiny.stable_diffusion(tmp_path_factory.mktemp("stable_diffusion"))


@pytest.fixture(scope="module")
def model(folder) -> StableDiffusion:
    return StableDiffusion.load(folder)


def crop(colour: str) -> Image.Image:
    return Image.new("RGB", (16, 16), colour)


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def same(ours, theirs) -> bool:
    """Equal up to the rounding of one pixel value."""
    pairs = zip(ours, theirs, strict=True)
    return all(np.abs(np.asarray(a, np.int16) - np.asarray(b, np.int16)).max() <= 1 for a, b in pairs)


def test_words_and_references_give_the_librarys_pictures(model):
    theirs = model.pipe(
        "a dog", ip_adapter_image=[[crop("red"), crop("blue")]], num_inference_steps=4, guidance_scale=3.0,
        num_images_per_prompt=2, generator=generators(1, 2), height=16, width=16,
    ).images  # fmt: skip
    subject = Subject(model.image_embeddings([crop("red"), crop("blue")]))
    assert same(model.generate(Painting("a dog", subjects=(subject,), steps=4, seeds=(1, 2))), theirs)


def test_two_subjects_in_their_regions_give_the_librarys_picture(model):
    left = Image.new("L", (16, 16), 0)
    left.paste(255, (0, 0, 8, 16))
    right = left.point(lambda v: 255 - v)
    kept = [model.image_embeddings([crop(c)]) for c in ("red", "blue")]
    shown = torch.from_numpy(np.concatenate(kept))[None]
    masks = torch.from_numpy(np.stack([np.asarray(m) > 127 for m in (left, right)])[None]).float()
    model.pipe.set_ip_adapter_scale(0.7)
    theirs = model.pipe(
        "a dog and a cat", ip_adapter_image_embeds=[torch.cat([torch.zeros_like(shown), shown])],
        cross_attention_kwargs={"ip_adapter_masks": [masks]}, num_inference_steps=4, guidance_scale=3.0,
        generator=generators(1), height=16, width=16,
    ).images  # fmt: skip
    subjects = tuple(Subject(k, m) for k, m in zip(kept, (left, right), strict=True))
    asked = Painting("a dog and a cat", subjects=subjects, scale=0.7, steps=4, seeds=(1,))
    assert same(model.generate(asked), theirs)
    swapped = tuple(Subject(k, m) for k, m in zip(kept, (right, left), strict=True))
    assert not same(model.generate(Painting("a dog and a cat", subjects=swapped, steps=4, seeds=(1,))), theirs)


def test_each_region_is_painted_from_its_own_words(model):
    left = Image.new("L", (16, 16), 0)
    left.paste(255, (0, 0, 8, 16))
    right = left.point(lambda v: 255 - v)
    kept = [model.image_embeddings([crop(c)]) for c in ("red", "blue")]

    def drawn(*words: str, prompt: str = "a dog", guidance: float = 3.0) -> Image.Image:
        subjects = tuple(Subject(k, m, w) for k, m, w in zip(kept, (left, right), words, strict=True))
        return model.generate(Painting(prompt, subjects=subjects, steps=4, guidance=guidance, seeds=(1,)))[0]

    for guidance in (9.0, 1.0):
        plain = drawn("", "", guidance=guidance)
        assert same([drawn("a dog", "a dog", prompt="else", guidance=guidance)], [plain])
        assert same([drawn("a dog", "", guidance=guidance)], [plain])
    dog, cat, one, two = (
        np.asarray(picture, float)
        for picture in (
            drawn("", "", guidance=9), drawn("", "", prompt="a cat", guidance=9),
            drawn("a cat", "a dog", guidance=9), drawn("a dog", "a cat", guidance=9),
        )
    )  # fmt: skip
    for made, left_like, right_like in ((one, cat, dog), (two, dog, cat)):
        near, far = np.abs(made - left_like).mean((0, 2)), np.abs(made - right_like).mean((0, 2))
        assert near[:6].mean() < far[:6].mean() and near[-6:].mean() > far[-6:].mean()


def test_a_source_gives_the_librarys_picture(model):
    from diffusers import StableDiffusionImg2ImgPipeline

    source, kept = Image.effect_noise((16, 16), 80).convert("RGB"), model.image_embeddings([crop("red")])
    shown = torch.from_numpy(kept)[None]
    pipe = StableDiffusionImg2ImgPipeline(**model.pipe.components, requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    pipe.set_ip_adapter_scale(1.0)
    theirs = pipe(
        "a dog", image=source, strength=0.5, ip_adapter_image_embeds=[torch.cat([torch.zeros_like(shown), shown])],
        num_inference_steps=6, guidance_scale=3.0, generator=generators(4),
    ).images  # fmt: skip
    asked = Painting("a dog", subjects=(Subject(kept),), source=source, strength=0.5, steps=6, seeds=(4,))
    assert same(model.generate(asked), theirs)


def test_what_the_mask_does_not_free_stays(model):
    source = Image.effect_noise((16, 16), 80).convert("RGB")
    mask = Image.new("L", (16, 16), 0)
    mask.paste(255, (0, 0, 8, 16))
    asked = Painting("a dog", source=source, mask=mask, strength=1.0, steps=4)
    made = np.asarray(model.generate(asked)[0], np.int16)
    whole = np.asarray(model.generate(Painting("a dog", source=source, strength=1.0, steps=4))[0], np.int16)
    plain = model.pipe.vae.decode(model._source(asked, generators(0)).latents).sample[0].detach()
    from limner.tools.pixels import to_picture

    through = np.asarray(to_picture(plain), np.int16)
    # The decoder looks a few pixels around, so a margin belongs to neither side.
    assert np.abs(made - through)[:, 14:].mean() < np.abs(whole - through)[:, 14:].mean() / 2
    assert np.abs(made - through)[:, :8].mean() > 0


def test_the_scale_takes_effect_everywhere_or_by_block(model):
    subject = Subject(model.image_embeddings([crop("red")]))

    def painted(scale) -> Image.Image:
        return model.generate(Painting("a dog", subjects=(subject,), scale=scale, steps=3))[0]

    silent = model.generate(Painting("a dog", steps=3))[0]
    assert same([painted(0.0)], [silent])
    assert not same([painted(1.0)], [silent])
    assert not same([painted({"up": 1.0})], [painted({"down": 1.0})])
    assert same([painted(1.0)], [painted({"up": 1.0, "mid": 1.0, "down": 1.0})])


def test_steps_are_seen_and_can_be_left(model):
    steps = list(model.paint(Painting("a dog", steps=5, seeds=(1, 2), preview_every=2)))
    assert [(s.step, s.total) for s in steps] == [(i, 5) for i in range(1, 6)]
    assert [s.preview is not None for s in steps] == [False, True, False, True, False]
    assert [len(s.pictures) for s in steps] == [0, 0, 0, 0, 2]
    begun = model.paint(Painting("a dog", steps=5))
    next(begun)
    begun.close()
    with pytest.raises(ValueError, match="nothing to do"):
        model.generate(Painting("a dog", source=crop("red"), strength=0.05, steps=5))


def test_guidance_can_end_early(model):
    subject = (Subject(model.image_embeddings([crop("red")])),)
    whole, half, none = (
        model.generate(Painting("a dog", subjects=subject, steps=4, guided=g))[0] for g in (1.0, 0.5, 0.0)
    )
    assert not same([whole], [half]) and not same([half], [none])
    assert same([none], model.generate(Painting("a dog", subjects=subject, steps=4, guidance=1.0)))


def test_half_precision_is_nearly_the_same_and_leaves_the_weights(folder, model, monkeypatch):
    monkeypatch.setattr("limner.tools.backbones.stable_diffusion._quick_bfloat16", lambda device: True)
    quick = StableDiffusion.load(folder, settings={"half": True})
    assert quick.half and quick.pipe.unet.dtype == torch.float32
    asked = Painting("a dog", steps=3)
    ours, theirs = (np.asarray(m.generate(asked)[0], np.float32) for m in (quick, model))
    assert 0 < np.abs(ours - theirs).mean() < 12


def lora(folder: Path, width: int = 16) -> Path:
    """A LoRA on one projection, as diffusers saves it."""
    from safetensors.torch import save_file

    folder.mkdir()
    name = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_q"
    weights = {f"{name}.lora_A.weight": torch.randn(2, width), f"{name}.lora_B.weight": torch.randn(width, 2)}
    save_file(weights, folder / LORA)
    return folder


@pytest.mark.filterwarnings("ignore")
def test_adapters_change_the_picture_and_come_off(model, tmp_path):
    from safetensors.torch import save_file

    plain = model.generate(Painting("a <mine> dog", steps=3))
    folder = lora(tmp_path / "lora")
    model.attach([folder])
    changed = model.generate(Painting("a <mine> dog", steps=3))
    assert not same(changed, plain)
    model.attach([folder], [0.0])
    assert same(model.generate(Painting("a <mine> dog", steps=3)), plain)
    save_file({"<mine>": torch.randn(1, 16)}, folder / WORDS)
    model.attach([folder])
    assert not same(model.generate(Painting("a <mine> dog", steps=3)), changed)
    model.detach()
    assert same(model.generate(Painting("a <mine> dog", steps=3)), plain)


def damaged(folder: Path, how: str) -> None:
    from safetensors.torch import save_file

    file = folder / LORA
    if how == "wrong base":
        shutil.rmtree(folder)
        lora(folder, 24)
    elif how == "truncated":
        file.write_bytes(file.read_bytes()[:-40])
    elif how == "pickle":
        torch.save({"a": torch.ones(2)}, file)
    elif how == "not a number":
        save_file({"unet.x.lora_A.weight": torch.full((2, 2), float("nan"))}, file)
    elif how == "hostile header":
        file.write_bytes(struct.pack("<Q", 10_000_000_000) + b"{}")
    elif how == "nothing for this model":
        save_file({"hello": torch.ones(2)}, file)
    else:
        file.unlink()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "how",
    ["wrong base", "truncated", "pickle", "not a number", "hostile header", "nothing for this model", "missing"],
)
def test_a_wrong_adapter_is_refused_and_nothing_changes(model, tmp_path, how):
    plain = model.generate(Painting("a dog", steps=2))
    folder = lora(tmp_path / "lora")
    damaged(folder, how)
    with pytest.raises(ModelError):
        model.attach([folder])
    assert same(model.generate(Painting("a dog", steps=2)), plain)


@pytest.mark.parametrize("part", ["unet", "adapter", "encoder"])
def test_a_checkpoint_with_no_numbers_is_refused(folder, tmp_path, part):
    from safetensors.torch import load_file, save_file

    copy = shutil.copytree(folder, tmp_path / "copy")
    file = {
        "unet": copy / "unet" / "diffusion_pytorch_model.safetensors",
        "adapter": copy / "models" / "ip-adapter_tiny.safetensors",
        "encoder": copy / "models" / "image_encoder" / "model.safetensors",
    }[part]
    weights = load_file(file)
    name = sorted(weights)[-1]
    weights[name] = torch.full_like(weights[name], float("nan"))
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(ModelError, match="no number"):
        StableDiffusion.load(copy)


def test_a_checkpoint_of_other_sizes_or_with_gaps_is_refused(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    copy = shutil.copytree(folder, tmp_path / "copy")
    file = copy / "models" / "ip-adapter_tiny.safetensors"
    weights = load_file(file)
    save_file({k: v[:, :8].contiguous() if "_ip" in k else v for k, v in weights.items()}, file)
    with pytest.raises(ModelError):
        StableDiffusion.load(copy)
    save_file(weights, file)
    file = copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    del weights["conv_in.weight"]
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(ModelError):
        StableDiffusion.load(copy)


def heard_by(kind: str, wide: int = 16) -> dict[str, torch.Tensor]:
    """The part of an IP-Adapter between the image encoder and the U-Net, as published; `wide` is what it hears."""
    weights, biases = {}, {}
    if kind == "plus":
        weights = {"latents": torch.randn(1, 16, 64)}
        shapes = {"proj_in": (64, wide), "proj_out": (16, 64)}
        norms = {"norm_out": 16} | {
            f"layers.{n}.{norm}": 64 for n in range(4) for norm in ("0.norm1", "0.norm2", "1.0")
        }
        inside = {"0.to_q": (64, 64), "0.to_kv": (128, 64), "0.to_out": (64, 64), "1.1": (256, 64), "1.3": (64, 256)}
        unbiased = {f"layers.{n}.{name}": shape for n in range(4) for name, shape in inside.items()}
    elif kind == "full face":
        shapes, norms, unbiased = {"proj.0": (wide, wide), "proj.2": (16, wide)}, {"proj.3": 16}, {}
    else:
        shapes, norms, unbiased = {"proj.0": (32, 512), "proj.2": (64, 32)}, {"norm": 16}, {}
    for name, shape in (shapes | unbiased).items():
        weights[f"{name}.weight"] = torch.randn(shape) / 8
    for name, size in norms.items():
        weights[f"{name}.weight"] = torch.ones(size)
    for name, size in norms.items() | {(name, shape[0]) for name, shape in shapes.items()}:
        biases[f"{name}.bias"] = torch.zeros(size)
    made = weights | biases
    return {f"image_proj.{name}": tensor for name, tensor in made.items()}


def with_adapter(folder, change):
    """The checkpoint's IP-Adapter, changed."""
    from safetensors.torch import load_file, save_file

    file = folder / "models" / "ip-adapter_tiny.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in change(load_file(file)).items()}, file)
    return folder


def replaced(new):
    return lambda old: {k: v for k, v in old.items() if k.startswith("ip_adapter")} | new


@pytest.mark.parametrize("kind", ["plus", "full face"])
def test_larger_ip_adapters_hear_the_encoders_last_layer(folder, tmp_path, kind):
    plain = StableDiffusion.load(folder)
    copy = with_adapter(shutil.copytree(folder, tmp_path / "copy"), replaced(heard_by(kind)))
    model = StableDiffusion.load(copy)
    heard = model.image_embeddings([Image.new("RGB", (16, 16), "red")])
    drawn = [model.generate(Painting("a dog", steps=2, subjects=s)) for s in ((Subject(heard),), ())]
    assert not same(*drawn)
    # What was kept of a subject for the small adapter is not what this one hears.
    assert model.space != plain.space == StableDiffusion.space_of(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (replaced(heard_by("FaceID")), "FaceID adapter.*face recogniser"),
        (replaced(heard_by("plus", 20)), "another image encoder: it hears 20 numbers"),
        (lambda old: {k: v[:, :6] if "proj.weight" in k else v for k, v in old.items()}, "another image encoder"),
        (lambda old: {k: v.repeat(1, 48) if "_ip" in k else v for k, v in old.items()}, "made for Stable Diffusion 1,"),
        (lambda old: {"lora_unet_a.lora_down.weight": torch.ones(2, 2)}, "is a LoRA, not an IP-Adapter"),
    ],
)
def test_an_ip_adapter_that_cannot_hear_is_told_by_why(folder, tmp_path, change, said):
    copy = with_adapter(shutil.copytree(folder, tmp_path / "copy"), change)
    with pytest.raises(ModelError, match=said) as caught:
        StableDiffusion.load(copy)
    assert caught.value.hint and "\n" not in caught.value.text
