"""Checkpoints in one file, in the names of latent diffusion, against the same model as a folder."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from limner.errors import LimnerError, ModelError, UserError
from limner.tools.backbones import backbones, weights_hash
from limner.tools.backbones.diffusion import Painting
from limner.tools.backbones.stable_diffusion import StableDiffusion
from limner.tools.backbones.stable_diffusion_xl import StableDiffusionXL
from limner.tools.machine import Machine, fit
from limner.tools.presets import check_preset, load_preset, localised, own_folder
from limner.tools.samplers import hurried
from limner.tools.studio import Studio
from limner.tools.weights import sources

from . import tiny, tiny_ldm

FAMILIES = sorted(name for name, made in backbones().items() if made.single_file)
ASKED = Painting("a dog on the beach", steps=2, guidance=3.0, seeds=(7,))


@pytest.fixture(scope="module", params=FAMILIES)
def family(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> dict[str, tuple[Path, Path]]:
    """Each family's model as a folder, and as one file."""
    import diffusers

    made = {}
    for name in FAMILIES:
        folder = tiny.BUILDERS[name](tmp_path_factory.mktemp(name) / "model")
        pipe = diffusers.DiffusionPipeline.from_pretrained(folder, local_files_only=True)
        made[name] = folder, tiny_ldm.write(pipe, folder.parent / "model.safetensors")
    return made


@pytest.fixture(scope="module")
def configs(places, tmp_path_factory) -> dict[str, Path]:
    """The folders without their weights: what is fetched for a model that is in one file."""
    bare = shutil.ignore_patterns("*.safetensors")
    return {n: shutil.copytree(f, tmp_path_factory.mktemp(n) / "c", ignore=bare) for n, (f, _) in places.items()}


def state(model) -> dict[str, torch.Tensor]:
    parts = [name for name, part in model.pipe.components.items() if isinstance(part, torch.nn.Module)]
    return {f"{p}.{k}": t for p in sorted(parts) for k, t in getattr(model.pipe, p).state_dict().items()}


def test_one_file_and_its_folder_are_the_same_model(places, configs, family):
    folder, file = places[family]
    inside = {"weights": "models/ip-adapter_tiny.safetensors", "encoder": "models/image_encoder"}
    adapter = {"folder": str(folder)} | inside
    settings = {"side": 64, "image_adapter": adapter}
    whole = backbones()[family].load(folder, settings=settings)
    one = backbones()[family].load(configs[family], settings=settings | {"file": str(file)})
    assert state(one).keys() == state(whole).keys()
    assert all(torch.equal(tensor, state(whole)[name]) for name, tensor in state(one).items())
    assert np.array_equal(*(np.asarray(model.generate(ASKED)[0]) for model in (one, whole)))
    assert one.hash == weights_hash(file) != whole.hash and one.space == whole.space


def test_the_second_kind_of_stable_diffusion_is_read_whole(tmp_path):
    import diffusers

    folder = tiny.stable_diffusion_2(tmp_path / "model")
    file = tiny_ldm.write(
        diffusers.DiffusionPipeline.from_pretrained(folder, local_files_only=True), tmp_path / "2.safetensors"
    )
    whole, one = (StableDiffusion.load(folder, settings=asked) for asked in ({}, {"file": str(file)}))
    assert "cond_stage_model.model.text_projection" in load_file(file)
    assert state(one).keys() == state(whole).keys()
    assert all(torch.equal(tensor, state(whole)[name]) for name, tensor in state(one).items())
    assert one.pipe.scheduler.config.prediction_type == "v_prediction"
    assert np.array_equal(*(np.asarray(model.generate(ASKED)[0]) for model in (one, whole)))


V = {"prediction_type": "v_prediction", "timestep_spacing": "trailing"}


@pytest.mark.parametrize("mark", ["tensor", "metadata"])
def test_what_predicts_v_is_not_taken_for_another(places, configs, tmp_path, mark):
    """Fine-tunes of XL that predict v have the shapes of those that do not."""
    file, tensors = tmp_path / "model.safetensors", load_file(places["stable_diffusion_xl"][1])
    metadata = {"modelspec.prediction_type": "v"} if mark == "metadata" else {}
    save_file(tensors | ({"v_pred": torch.empty(0)} if mark == "tensor" else {}), file, metadata)
    folder, asked = configs["stable_diffusion_xl"], {"file": str(file), "side": 64}
    with pytest.raises(ModelError, match="predicts v, and would be taken for one that predicts epsilon") as caught:
        StableDiffusionXL.load(folder, settings=asked)
    assert "sampler: {prediction_type: v_prediction" in caught.value.hint
    model = StableDiffusionXL.load(folder, settings=asked | {"sampler": V})
    assert model.pipe.scheduler.config.prediction_type == "v_prediction"
    epsilon = StableDiffusionXL.load(folder, settings={"file": str(places["stable_diffusion_xl"][1]), "side": 64})
    assert not np.array_equal(*(np.asarray(m.generate(ASKED)[0]) for m in (model, epsilon)))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["EulerAncestralDiscreteScheduler", "LCMScheduler", "TCDScheduler"])
def test_few_steps_with_the_sampler_that_a_checkpoint_wants(places, family, kind):
    import diffusers

    asked = {"kind": kind, "timestep_spacing": "trailing"}
    model = backbones()[family].load(places[family][0], settings={"side": 64, "sampler": asked})
    assert isinstance(model.pipe.scheduler, getattr(diffusers, kind))
    few = replace(ASKED, steps=2, guidance=1.0)
    drawn = np.asarray(model.generate(few)[0])
    assert np.array_equal(drawn, np.asarray(model.generate(few)[0]))
    if family == "stable_diffusion":  # the loop of our own: as the library's
        generator = torch.Generator().manual_seed(7)
        by_hand = model.pipe(ASKED.prompt, num_inference_steps=2, guidance_scale=1.0, generator=generator, eta=0.3,
                             ip_adapter_image_embeds=[torch.zeros(1, 1, 8)]).images[0]  # fmt: skip
        assert np.abs(drawn.astype(int) - np.asarray(by_hand)).max() <= 2


def test_a_sampler_that_does_not_suit_is_named(places):
    folder = places["stable_diffusion"][0]
    unfit = "no sampler for this model"
    for asked, said in (({"kind": "FlowMatchEulerDiscreteScheduler"}, unfit), ({"kind": "Eulr"}, unfit),
                        ({"timestep_spacin": "x"}, "no setting 'timestep_spacin'")):  # fmt: skip
        with pytest.raises(UserError, match=said) as caught:
            StableDiffusion.load(folder, settings={"sampler": asked})
        assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sdxl_lightning_4step.safetensors", "steps: 4, guidance: 1, sampler: {timestep_spacing: trailing}"),
        ("sd_xl_turbo_1.0_fp16.safetensors", "steps: 4, guidance: 1"),
        ("Hyper-SDXL-8steps.safetensors", "steps: 8"),
        ("dreamshaper_lcm.safetensors", "kind: LCMScheduler"),
        ("juggernaut.safetensors", ""),
    ],
)
def test_a_checkpoint_of_few_steps_is_known_by_its_name(name, said):
    told = hurried(Path(name), {})
    assert said in told and bool(told) == bool(said)
    assert bool(hurried(Path("x.safetensors"), {"modelspec.title": name})) == bool(said)


WRONG = {
    "pickle": "is a pickle", "truncated": "shorter than its header", "lora": "is a LoRA, not a model",
    "other": "made for Stable Diffusion XL, and no text encoder", "inpainting": "is an inpainting checkpoint",
    "pix2pix": "is an InstructPix2Pix", "second": "was made for Stable Diffusion 2, and .* is of a model with words 16",
    "bare": r"no autoencoder \(VAE\) of this family", "missing": "holds no usable", "nan": "is no number",
}  # fmt: skip


@pytest.mark.parametrize("damage", WRONG)
def test_a_wrong_file_is_refused_in_one_sentence(places, configs, tmp_path, damage):
    file, tensors = tmp_path / "model.safetensors", load_file(places["stable_diffusion"][1])
    first = "model.diffusion_model.input_blocks.0.0.weight"
    if damage == "lora":
        tensors = {"lora_unet_down_blocks_0.lora_up.weight": torch.zeros(2, 2)}
    elif damage == "other":
        tensors = load_file(places["stable_diffusion_xl"][1])
    elif damage == "inpainting":
        tensors[first] = torch.zeros(16, 9, 3, 3)
    elif damage == "pix2pix":
        tensors[first] = torch.zeros(16, 8, 3, 3)
    elif damage == "second":
        tensors = {k: torch.zeros(len(t), 1024) if k.endswith("attn2.to_k.weight") else t for k, t in tensors.items()}
    elif damage == "bare":
        tensors = {k: t for k, t in tensors.items() if not k.startswith("first_stage_model.")}
    elif damage == "missing":
        del tensors["model.diffusion_model.middle_block.0.in_layers.2.weight"]
    elif damage == "nan":
        tensors[first] = tensors[first] * torch.nan
    save_file(tensors, file)
    if damage == "pickle":
        file = file.rename(tmp_path / "model.ckpt")
    elif damage == "truncated":
        file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(ModelError, match=WRONG[damage]) as caught:
        backbones()["stable_diffusion"].load(configs["stable_diffusion"], settings={"file": str(file)})
    assert "\n" not in caught.value.text and file.name.partition(".")[0] in caught.value.text


@pytest.fixture
def home(configs, family, tmp_path) -> Path:
    """A library folder with an own preset of a model on the hub, whose configs are in the cache alone."""
    own = own_folder(tmp_path / "home")
    own.mkdir(parents=True)
    model = {
        "family": family, "hub": "someone/model", "licence": "MIT", "download": 5, "memory": 4, "work": 1, "steps": 2,
        "only": ["*/model.safetensors"],
    }  # fmt: skip
    data = {"name": "mine", "summary": "Mine.", "methods": ["ip_adapter"],
            "models": {"diffusion": model, "encoder": {"family": "clip", "folder": str(tmp_path)}}}  # fmt: skip
    (own / "mine.yaml").write_text(yaml.safe_dump(data))
    return tmp_path / "home"


def cache(folder: Path, configs: Path) -> None:
    place = folder / "models--someone--model"
    shutil.copytree(configs, place / "snapshots" / "abc")
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("abc")


def test_a_preset_takes_a_file_and_the_configs_of_the_hub(places, configs, family, home, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    file = places[family][1]
    preset = load_preset(localised("mine", file, own_folder(home), home), home)
    spec = preset.models["diffusion"]
    assert spec.file == file and not spec.here and check_preset(preset.path)
    (source,) = sources(preset)
    assert source.hub == "someone/model" and not source.whole and not any("safetensors" in p for p in source.only)
    with pytest.raises(ModelError, match="configs and tokenizers of someone/model"):
        Studio(preset).backbone("diffusion")
    cache(tmp_path / "cache", configs[family])
    preset = load_preset("mine", home)
    assert preset.models["diffusion"].here
    studio = Studio(preset)
    assert studio.model_hash("ip_adapter") == studio.backbone("diffusion").hash
    studio.close()


def test_one_file_is_never_quantised(places, family, home):
    small = Machine("cuda", "a GPU", 4 * 10**9, 8 * 10**9, 80)
    spec = load_preset(localised("mine", places[family][1], own_folder(home), home), home).models["diffusion"]
    assert fit(load_preset("sdxl").models["diffusion"], small).placements[0].bits == 4
    assert {place.bits for place in fit(spec, small).placements} == {16}


def test_only_what_can_be_read_from_one_file_is_taken_so(places, tmp_path):
    with pytest.raises(UserError, match="not read from one file"):
        localised("kontext", places[FAMILIES[0]][1], tmp_path)
    with pytest.raises(LimnerError, match="no folder or file"):
        localised("sd15", tmp_path / "nowhere", tmp_path)
    with pytest.raises(ModelError, match="another model"):
        localised("sdxl", places["stable_diffusion"][1], tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_part_that_is_never_loaded_need_not_be_there(places, tmp_path):
    folder = shutil.copytree(places["stable_diffusion"][0], tmp_path / "published")
    index = json.loads((folder / "model_index.json").read_text())
    index["safety_checker"] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
    (folder / "model_index.json").write_text(json.dumps(index))
    assert backbones()["stable_diffusion"].load(folder).hash
