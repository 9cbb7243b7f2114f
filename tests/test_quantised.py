"""Fewer bits and compiled blocks: what is asked of the libraries, and where bitsandbytes runs, what comes of it."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file

from limner.errors import ModelError
from limner.memory.values import Adapter, Scores
from limner.tools.backbones import backbones
from limner.tools.backbones.autoregressive import Text, Tokens, request_part
from limner.tools.backbones.diffusion import Painting, Subject
from limner.tools.machine import Machine, Placement, fit
from limner.tools.nn.sampling import Sampling
from limner.tools.presets import load_preset, presets
from limner.tools.studio import Studio
from limner.tools.training.parts import LowRank
from limner.tools.values import DrawRequest

from . import tiny
from .test_methods import finish, run, subject

bnb = pytest.importorskip("bitsandbytes")
GB = 10**9
FAMILIES = sorted(name for name, made in backbones().items() if made.kind == "diffusion")
# bitsandbytes tells which kernels it has, and casts where it has none; its optional package is not needed.
pytestmark = pytest.mark.filterwarnings("ignore:MatMul8bitLt", "ignore:.*inputs will be cast")


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    """Wide enough for a block of 64 weights, which the four bits of a processor need."""
    folder = tmp_path_factory.mktemp("models")
    return {name: tiny.BUILDERS[name](folder / name, 64, 128) for name in ("janus", "emu3")}


def test_what_is_asked_of_the_libraries():
    four, eight = Placement("cuda", "bfloat16", bits=4), Placement("cuda", "bfloat16", bits=8)
    assert Placement("cuda", "bfloat16").loading_model(("lm_head",)) == {"dtype": torch.bfloat16}
    asked = four.loading_model(("lm_head",))
    config = asked["quantization_config"]
    assert config.load_in_4bit and config.bnb_4bit_quant_type == "nf4" and asked["device_map"] == {"": "cuda"}
    assert config.bnb_4bit_compute_dtype == torch.bfloat16 and config.llm_int8_skip_modules == ["lm_head"]
    assert eight.loading_model(())["quantization_config"].load_in_8bit
    asked = four.loading(("unet",))["quantization_config"]
    assert asked.quant_backend == "bitsandbytes_4bit" and asked.components_to_quantize == ["unet"]


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("family", ["janus", "emu3"])
def test_an_autoregressive_model_draws_with_fewer_bits(folders, family, bits):
    settings = {"side": 64} if family == "emu3" else {}
    whole = backbones()[family].load(folders[family], settings=settings)
    made = backbones()[family].load(folders[family], settings={**settings, "bits": bits})
    kind = bnb.nn.Linear4bit if bits == 4 else bnb.nn.Linear8bitLt
    small = {name for name, module in made.model.named_modules() if isinstance(module, kind)}
    assert small and all(".language_model." in name or ".text_model." in name for name in small)
    linear = {n for n, m in made.language_model.named_modules() if isinstance(m, torch.nn.Linear)}
    assert len(small) == len(linear)
    source = made.encode(torch.rand(1, 3, made.side, made.side) * 2 - 1)[0]
    shown = made.decode_tokens(source[None])
    assert torch.equal(whole.encode(shown), made.encode(shown))
    prompt = [Text(made.marks.begin), *request_part("a dog", source, made.marks)]
    heard = [model.read(prompt).hidden.float() for model in (whole, made)]
    assert 0 < torch.dist(*heard) / heard[0].norm() < 0.8
    plain = made.read([Text(made.marks.begin), Tokens(source)])
    codes = list(made.tokens(made.read(prompt), plain, [1], Sampling()))[-1]
    assert made.decode_tokens(codes).shape == (1, 3, made.side, made.side)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_a_pipeline_with_four_bits_needs_a_gpu_and_says_so(tmp_path):
    """The library itself refuses, so no processor is ever given such a placement (see test_machine)."""
    with pytest.raises(ModelError, match="A GPU is needed"):
        backbones()["flux_dev"].load(tiny.BUILDERS["flux_dev"](tmp_path / "m"), settings={"bits": 4})


@pytest.fixture
def on_a_processor(monkeypatch):
    """diffusers asks for a GPU; bitsandbytes itself runs here, as it does there: not by the processor's quick kernel,
    which has no backward pass."""
    from bitsandbytes.nn import modules
    from diffusers.quantizers.bitsandbytes import bnb_quantizer

    for kind in (bnb_quantizer.BnB4BitDiffusersQuantizer, bnb_quantizer.BnB8BitDiffusersQuantizer):
        monkeypatch.setattr(kind, "validate_environment", lambda self, *given, **asked: None)
        monkeypatch.setattr(kind, "update_device_map", lambda self, asked: {"": "cpu"})
    monkeypatch.setattr(modules, "has_avx512bf16", lambda: False)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_pipeline_draws_with_fewer_bits(family, bits, on_a_processor, small_pictures, tmp_path):
    """Each family's large parts, and nothing else; an IP-Adapter goes on them, and the pictures are nearly the same."""
    settings = {"precision": "bfloat16", "side": 64}
    folder = tiny.BUILDERS[family](tmp_path / "model")
    whole, made = (backbones()[family].load(folder, settings={**settings, "bits": b}) for b in (16, bits))
    kind = bnb.nn.Linear4bit if bits == 4 else bnb.nn.Linear8bitLt
    parts = {name: part for name, part in made.pipe.components.items() if isinstance(part, torch.nn.Module)}
    small = {name for name, part in parts.items() if any(isinstance(module, kind) for module in part.modules())}
    assert small == set(made.large)
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    asked = {"references": (picture,)} if "references" in made.takes else {}
    drawn = []
    for model in (whole, made):
        more = {"subjects": (Subject(model.image_embeddings([picture])),)} if model.adapted else asked
        (image,) = model.generate(Painting("a cat", steps=2, guidance=2.0, seeds=(3,), **more))
        drawn.append(np.asarray(image, int))
        model.free()
    assert drawn[0].shape == drawn[1].shape and 0 < np.abs(drawn[0] - drawn[1]).mean() < 30


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("name", ["lora", "pivotal"])
def test_beside_weights_of_fewer_bits_a_lora_is_trained_in_32(name, bits, on_a_processor, tiny_preset, tmp_path):
    """QLoRA (Dettmers et al. 2023, arXiv 2305.14314): its gradients are those beside the same weights in 32 bits."""
    data = yaml.safe_load(tiny_preset.read_text())
    folder = tiny.stable_diffusion(tmp_path / "model", 64)
    data["models"]["diffusion"] |= {"folder": str(folder), "precision": "bfloat16", "bits": bits}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(data))
    studio = Studio(load_preset(tmp_path / "own.yaml"))
    method = studio.method(name)
    lesson = studio.lesson(subject(), tmp_path, tmp_path / "priors", None, lambda: False)
    better = iter(range(1, 99))
    lesson.score = lambda *about: Scores(subject=0.01 * next(better), text=0.5)
    made = finish(method.fit(lesson))
    tensors = load_file(made.folder / "pytorch_lora_weights.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    assert any(bool(tensor.any()) for key, tensor in tensors.items() if "lora_B" in key)
    adapter = Adapter("a1", name, made.folder, method.model.hash, 1, facts=made.facts)
    drawn, _ = run(method, DrawRequest("Biscuit", (replace(subject(), adapters=(adapter,)),)), [1])
    assert drawn[0].adapters == ("a1",)
    unet = method.model.pipe.unet
    plain = _dequantised(copy.deepcopy(unet))
    ours, theirs = (_gradients(network) for network in (unet, plain))
    alike = [torch.cosine_similarity(ours[k].flatten(), theirs[k].flatten(), 0) for k in ours]
    assert min(alike) > 0.9 and sum(alike) / len(alike) > 0.98
    studio.close()


def _dequantised(network: torch.nn.Module) -> torch.nn.Module:
    """The same network with plain layers of the same weights."""
    for name, layer in list(network.named_modules()):
        if isinstance(layer, (bnb.nn.Linear4bit, bnb.nn.Linear8bitLt)):
            plain = torch.nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None)
            if isinstance(layer, bnb.nn.Linear4bit):
                weight = bnb.functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
            else:
                state = layer.state
                values, scale = (state.CB, state.SCB) if state.CB is not None else (layer.weight.CB, layer.weight.SCB)
                weight = values.float() * scale[:, None] / 127
            plain.weight.data = weight.to(torch.bfloat16)
            if layer.bias is not None:
                plain.bias.data = layer.bias.data.to(torch.bfloat16)
            parent, _, child = name.rpartition(".")
            setattr(network.get_submodule(parent), child, plain)
    return network


def _gradients(unet: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Of a LoRA's ups, where they are nothing yet."""
    low = LowRank(unet, ("to_q", "to_k", "to_v", "to_out.0"), 2)
    low.start()
    for parameter in low.parameters().values():
        parameter.requires_grad_(True)
    source = torch.Generator().manual_seed(1)
    noisy, words = torch.randn(2, 4, 8, 8, generator=source), torch.randn(2, 5, 16, generator=source)
    heard = {"image_embeds": [torch.randn(2, 1, 8, generator=source).bfloat16()]}
    with torch.autocast("cpu", torch.bfloat16):
        made = unet(noisy.bfloat16(), 300, words.bfloat16(), added_cond_kwargs=heard).sample
    made.float().square().mean().backward()
    found = {name: p.grad.clone() for name, p in low.parameters().items() if "lora_B" in name}
    low.remove()
    return found


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_the_large_parts_of_every_preset_are_named(preset):
    """They are parts of the family's pipeline, so a small GPU gets them with fewer bits."""
    import inspect

    import diffusers

    for role in {"diffusion"} & set(preset.models):
        family = backbones()[preset.models[role].family]
        drawing = getattr(diffusers, getattr(family, "drawing", "StableDiffusionPipeline"))
        assert set(family.large) <= set(inspect.signature(drawing.__init__).parameters)


@pytest.mark.parametrize("call", ["draw", "subject", "edit"])
def test_stable_diffusion_in_16_bits_draws_what_the_library_draws(call, tmp_path_factory):
    """As on every GPU: weights, latents and what the adapter hears in bfloat16."""
    import diffusers

    folder = tmp_path_factory.getbasetemp() / "sd16"
    if not folder.exists():
        tiny.BUILDERS["stable_diffusion"](folder)
    model = backbones()["stable_diffusion"].load(folder, settings={"precision": "bfloat16"})
    kind = "StableDiffusionImg2ImgPipeline" if call == "edit" else "StableDiffusionPipeline"
    pipe = getattr(diffusers, kind)(**model.pipe.components, requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    red = Image.new("RGB", (16, 16), "red")
    heard = (Subject(model.image_embeddings([red])),) if call == "subject" else ()
    pipe.set_ip_adapter_scale(1.0 if heard else 0.0)
    more = {"image": red, "strength": 0.5} if call == "edit" else {"height": 16, "width": 16}
    theirs = pipe("a dog", ip_adapter_image=red, num_inference_steps=4, guidance_scale=3.0,
                  generator=[torch.Generator().manual_seed(1)], **more).images[0]  # fmt: skip
    source = {"source": red, "strength": 0.5} if call == "edit" else {}
    ours = model.generate(Painting("a dog", subjects=heard, steps=4, seeds=(1,), **source))[0]
    assert model.pipe.unet.dtype == torch.bfloat16
    assert np.abs(np.asarray(ours, int) - np.asarray(theirs, int)).max() <= 1


def test_compiling_is_chosen_where_it_pays():
    large, small = Machine("cuda", "a GPU", 80 * GB, 200 * GB, 80), Machine("cuda", "a GPU", 16 * GB, 64 * GB, 80)
    found = fit(load_preset("kontext").models["diffusion"], large)
    assert [p.compile for p in found.placements[:2]] == [True, False] and "compiled" in found.sentence
    assert not fit(load_preset("flux2-klein").models["diffusion"], large).placements[0].compile  # too quick
    assert not fit(load_preset("kontext").models["diffusion"], small).placements[0].compile  # its parts wait outside
    slow = Machine("cuda", "a GPU", 40 * GB, 64 * GB, 5)
    assert not fit(load_preset("emu3").models["ar"], slow).placements[0].compile


def test_the_painters_blocks_are_compiled_when_they_first_run(tmp_path):
    made = backbones()["flux_dev"].load(tiny.BUILDERS["flux_dev"](tmp_path / "m"), settings={"side": 64})
    Placement(compile=True).apply(made.pipe)
    blocks = [*made.pipe.transformer.transformer_blocks, *made.pipe.transformer.single_transformer_blocks]
    assert all(block._compiled_call_impl is not None for block in blocks)
    with made.together():  # a LoRA takes their layers apart
        assert all(block._compiled_call_impl is None for block in blocks)
    assert all(block._compiled_call_impl is not None for block in blocks)
    torch._dynamo.config.suppress_errors = False
