"""Checkpoints in one file, in the names of latent diffusion, against the same model as a folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from limner.errors import LimnerError, ModelError, UserError
from limner.tools.backbones import backbones, weights_hash
from limner.tools.backbones.diffusion import Painting
from limner.tools.machine import Machine, fit
from limner.tools.presets import check_preset, load_preset, localised, own_folder
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


@pytest.mark.parametrize("damage", ["pickle", "truncated", "lora", "other", "inpainting", "missing", "nan"])
def test_a_wrong_file_is_refused_in_one_sentence(places, configs, tmp_path, damage):
    file, tensors = tmp_path / "model.safetensors", load_file(places["stable_diffusion"][1])
    first = "model.diffusion_model.input_blocks.0.0.weight"
    if damage == "lora":
        tensors = {"lora_unet_down_blocks_0.lora_up.weight": torch.zeros(2, 2)}
    elif damage == "other":
        tensors = load_file(places["stable_diffusion_xl"][1])
    elif damage == "inpainting":
        tensors[first] = torch.zeros(16, 9, 3, 3)
    elif damage == "missing":
        del tensors["model.diffusion_model.middle_block.0.in_layers.2.weight"]
    elif damage == "nan":
        tensors[first] = tensors[first] * torch.nan
    save_file(tensors, file)
    if damage == "pickle":
        file = file.rename(tmp_path / "model.ckpt")
    elif damage == "truncated":
        file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(ModelError) as caught:
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
    data = {"name": "mine", "summary": "Mine.", "methods": ["ip_adapter"], "models": {"diffusion": model}}
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
