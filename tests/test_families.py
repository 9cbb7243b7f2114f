"""The large families on random small checkpoints of their exact layout, against the library's pipelines by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from limner.errors import ModelError, UserError
from limner.tools.backbones import backbones
from limner.tools.backbones.diffusion import Painting, Subject
from limner.tools.backbones.pipelined import Pipelined

from . import tiny_pipelines

FAMILIES = sorted(name for name, made in backbones().items() if issubclass(made, Pipelined))
SIDE = 64


def picture(seed: int, size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


pytestmark = pytest.mark.usefixtures("small_pictures")


@pytest.fixture(scope="session")
def folders(tmp_path_factory) -> dict[str, Path]:
    return {name: getattr(tiny_pipelines, name)(tmp_path_factory.mktemp(name) / name) for name in FAMILIES}


@pytest.fixture(scope="session")
def models(folders) -> dict[str, Pipelined]:
    torch.set_num_threads(1)
    return {name: backbones()[name].load(folders[name], settings={"side": SIDE}) for name in FAMILIES}


EDITORS = [name for name in FAMILIES if "references" in backbones()[name].takes]


@pytest.fixture(params=EDITORS)
def model(request, models) -> Pipelined:
    return models[request.param]


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=int)


def by_hand(name: str, folder: Path, seed: int, **asked) -> Image.Image:
    """The library's pipeline, loaded and called without Limner."""
    import diffusers

    made = backbones()[name]
    kind = asked.pop("kind", made.drawing)
    given = made.given(folder)
    loaded = diffusers.DiffusionPipeline.from_pretrained(folder, local_files_only=True, **dict.fromkeys(given))
    loaded.register_modules(**given)
    pipe = loaded if kind == made.drawing else getattr(diffusers, kind).from_pipe(loaded)
    pipe.set_progress_bar_config(disable=True)
    return pipe(**asked, generator=torch.Generator().manual_seed(seed)).images[0]


SHAPE = {"width": SIDE, "height": SIDE, "num_inference_steps": 2}
KONTEXT = {"max_area": SIDE * SIDE, "_auto_resize": False, "guidance_scale": 3.0}
QWEN = {"true_cfg_scale": 3.0, "negative_prompt": " "}
RED, BLUE = picture(1), picture(2)
MASK = Image.new("L", (SIDE, SIDE), 0)
MASK.paste(255, (16, 16, 48, 48))
TWO = ("flux2", "flux2_dev", "qwen_image_edit", "glm_image")
CALLS = {
    "flux": {
        "draw": KONTEXT,
        "references": KONTEXT | {"image": RED},
        "inpaint": KONTEXT | {"kind": "FluxKontextInpaintPipeline", "image": RED, "mask_image": MASK, "strength": 1.0},
    },
    "flux2": {
        "draw": {},
        "references": {"image": [RED, BLUE]},
        "inpaint": {"kind": "Flux2KleinInpaintPipeline", "image": RED, "mask_image": MASK, "strength": 1.0},
    },
    "flux2_dev": {
        "draw": {"guidance_scale": 3.0},
        "references": {"guidance_scale": 3.0, "image": [RED, BLUE]},
    },
    "qwen_image_edit": {
        "draw": QWEN | {"kind": "QwenImagePipeline"},
        "references": QWEN | {"image": [RED, BLUE]},
        "inpaint": QWEN | {"kind": "QwenImageEditInpaintPipeline", "image": RED, "mask_image": MASK, "strength": 1.0},
    },
    "glm_image": {"draw": {"guidance_scale": 3.0}},
}
XL = {"guidance_scale": 3.0, "num_inference_steps": 2, "prompt": "a dog on the beach"}


def painting(name: str, call: str, **more) -> Painting:
    references = (RED, BLUE) if name in TWO else (RED,)
    extra = {"references": {"references": references}, "inpaint": {"source": RED, "mask": MASK, "strength": 1.0}}
    asked = {"prompt": "a dog on the beach", "steps": 2, "guidance": 3.0} | extra.get(call, {}) | more
    return Painting(**asked)


@pytest.mark.parametrize(("name", "call"), [(name, call) for name, calls in CALLS.items() for call in calls])
def test_draws_what_the_library_draws(folders, models, name, call):
    ours = models[name].generate(painting(name, call, seeds=(7,)))[0]
    theirs = by_hand(name, folders[name], 7, prompt="a dog on the beach", **SHAPE, **CALLS[name][call])
    assert np.array_equal(pixels(ours), pixels(theirs))


@pytest.fixture(scope="session")
def xl(folders):
    """SDXL's pipeline with its adapter, loaded without Limner."""
    from diffusers import StableDiffusionXLPipeline

    pipe = StableDiffusionXLPipeline.from_pretrained(folders["stable_diffusion_xl"], local_files_only=True)
    pipe.load_ip_adapter(
        str(folders["stable_diffusion_xl"]), subfolder="models", weight_name="ip-adapter_tiny.safetensors",
        local_files_only=True,
    )  # fmt: skip
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.mark.parametrize("call", ["draw", "subject", "regions", "edit", "inpaint"])
def test_sdxl_draws_what_the_library_draws(models, xl, call):
    import diffusers
    from diffusers.image_processor import IPAdapterMaskProcessor

    model, heard = models["stable_diffusion_xl"], []
    pipe, asked, more = xl, XL | {"generator": torch.Generator().manual_seed(7)}, {}
    if call in ("subject", "regions"):
        heard = [
            Subject(model.image_embeddings([picture]), MASK if call == "regions" else None) for picture in (RED, BLUE)
        ]
    xl.set_ip_adapter_scale(0.8 if heard else 0.0)
    asked["ip_adapter_image"] = [[RED, BLUE]]
    if call == "regions":
        masks = IPAdapterMaskProcessor().preprocess([MASK, MASK], height=SIDE, width=SIDE).reshape(1, 2, SIDE, SIDE)
        xl.set_ip_adapter_scale([[0.8, 0.8]])
        asked["cross_attention_kwargs"] = {"ip_adapter_masks": [masks]}
    if call in ("edit", "inpaint"):
        kind = "StableDiffusionXLImg2ImgPipeline" if call == "edit" else "StableDiffusionXLInpaintPipeline"
        pipe = getattr(diffusers, kind)(**xl.components)
        pipe.set_progress_bar_config(disable=True)
        asked |= {"image": BLUE, "strength": 0.9} | ({"mask_image": MASK} if call == "inpaint" else {})
        more = {"source": BLUE, "strength": 0.9} | ({"mask": MASK} if call == "inpaint" else {})
    if call != "edit":
        asked |= {"width": SIDE, "height": SIDE}
    theirs = pipe(**asked).images[0]
    ours = model.generate(painting("stable_diffusion_xl", "", subjects=tuple(heard), scale=0.8, seeds=(7,), **more))[0]
    # The library encodes both references at once, which rounds differently.
    assert np.abs(pixels(ours) - pixels(theirs)).max() <= (1 if heard else 0)


@pytest.fixture(scope="session")
def dev(folders):
    """FLUX.1 dev's pipeline with its adapter, loaded without Limner."""
    from diffusers import FluxPipeline

    folder = folders["flux_dev"]
    pipe = FluxPipeline.from_pretrained(folder, local_files_only=True)
    pipe.load_ip_adapter(
        str(folder), subfolder="models", weight_name="ip_adapter.safetensors", local_files_only=True,
        image_encoder_pretrained_model_name_or_path=str(folder / "models" / "image_encoder"),
        image_encoder_dtype=torch.float32,
    )  # fmt: skip
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.mark.parametrize("call", ["draw", "subject", "edit", "inpaint"])
def test_flux_dev_draws_what_the_library_draws(folders, models, dev, call):
    import diffusers

    model, pipe, heard, more = models["flux_dev"], dev, (), {}
    asked = XL | {"generator": torch.Generator().manual_seed(7), "width": SIDE, "height": SIDE}
    if call == "subject":
        heard = (Subject(model.image_embeddings([RED, BLUE])),)
    dev.set_ip_adapter_scale(0.8 if heard else 0.0)
    if call in ("edit", "inpaint"):
        kind = "FluxImg2ImgPipeline" if call == "edit" else "FluxInpaintPipeline"
        pipe = getattr(diffusers, kind)(**dev.components)
        pipe.set_progress_bar_config(disable=True)
        asked |= {"image": BLUE, "strength": 0.9} | ({"mask_image": MASK} if call == "inpaint" else {})
        more = {"source": BLUE, "strength": 0.9} | ({"mask": MASK} if call == "inpaint" else {})
    theirs = pipe(**asked, ip_adapter_image=[[RED, BLUE]]).images[0]
    ours = model.generate(painting("flux_dev", "", subjects=heard, scale=0.8, seeds=(7,), **more))[0]
    assert np.array_equal(pixels(ours), pixels(theirs))
    if call == "draw":
        plain = by_hand("flux_dev", folders["flux_dev"], 7, **XL, width=SIDE, height=SIDE)
        assert np.array_equal(pixels(ours), pixels(plain))
    with pytest.raises(UserError, match="blocks"):
        model.generate(painting("flux_dev", "", scale={"up": 1.0}))


def test_glm_plans_with_pictures(models):
    """The installed libraries cannot do it together, so the parts are compared: the plan and what follows from it."""
    model = models["glm_image"]
    asked = painting("glm_image", "references", seeds=(3,))
    pipe, arguments = model.arguments(asked)
    torch.manual_seed(3)
    plan, seen, grids = pipe.plan(arguments["prompt"], SIDE, SIDE)
    assert plan.shape == (1, 16) and seen.shape == (32,) and grids.tolist() == [[1, 4, 4], [1, 4, 4]]
    theirs = model.pipe(
        **arguments, image=[[RED, BLUE]], prior_token_ids=plan, prior_token_image_ids=[seen],
        source_image_grid_thw=[grids], generator=torch.Generator().manual_seed(3),
    ).images[0]  # fmt: skip
    assert np.array_equal(pixels(model.generate(asked)[0]), pixels(theirs))


def test_one_picture_a_seed_whatever_is_drawn_beside_it(model):
    together = model.generate(painting(model.family, "references", seeds=(4, 5)))
    alone = model.generate(painting(model.family, "references", seeds=(5,)))
    assert np.array_equal(pixels(together[1]), pixels(alone[0]))
    assert not np.array_equal(pixels(together[0]), pixels(together[1]))


def test_references_source_and_words_count(model):
    made = [
        model.generate(painting(model.family, "draw", **more))[0]
        for more in (
            {"references": (RED,)}, {"references": (BLUE,)}, {"source": RED}, {"source": BLUE}, {"prompt": "a cat"},
        )
    ]  # fmt: skip
    red, blue, edited_red, edited_blue, cat = (image.tobytes() for image in made)
    assert red != blue and edited_red != edited_blue and cat not in (red, blue)
    # A single reference and a picture to edit are the same to an editing model.
    assert red == edited_red


def test_steps_are_told_and_stopping_stops(model):
    steps = list(model.paint(painting(model.family, "references", seeds=(1, 2))))
    assert [s.step for s in steps] == list(range(1, 5)) and {s.total for s in steps} == {4}
    assert [len(s.pictures) for s in steps] == [0, 0, 0, 2]
    stopped = model.paint(painting(model.family, "references", steps=50))
    next(stopped)
    stopped.close()
    assert model.pipe.scheduler.step_index < 10


def test_shapes(model):
    wide = model.generate(painting(model.family, "draw", size=(96, 64), references=(RED,)))[0]
    assert wide.size == (96, 64)
    kept = model.generate(painting(model.family, "draw", source=picture(3, (160, 40))))[0]
    assert kept.width > kept.height and kept.width % model.multiple == kept.height % model.multiple == 0


def test_what_a_family_cannot_do_is_said(model):
    with pytest.raises(UserError, match="at most"):
        model.generate(painting(model.family, "draw", references=(RED,) * 9))
    assert model.cannot and model.label
    if "inpaint" not in model.takes:
        with pytest.raises(UserError, match="cannot repaint"):
            model.generate(painting(model.family, "inpaint"))
    with pytest.raises(ModelError, match="image adapter"):
        model.image_embeddings([RED])


@pytest.mark.parametrize("name", FAMILIES)
def test_what_a_family_takes_is_what_the_library_offers(models, name):
    import diffusers.loaders as loaders

    model = models[name]
    pipe = type(model.pipe)
    assert ("lora" in model.takes) == issubclass(pipe, loaders.lora_base.LoraBaseMixin)
    assert ("inpaint" in model.takes) == bool(model.inpainting)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("other", "not a"), ("part", "is missing"), ("pickle", "pickle"), ("code", "code of its own"),
        ("shard", "shard"), ("index", "no JSON"), ("truncated", "safetensors"), ("gone", "no folder"),
        ("listing", "where the weights are"), ("spec", "what its vae is"), ("deep", "no JSON"),
    ],
)  # fmt: skip
def test_a_wrong_checkpoint_is_refused_in_one_sentence(folders, tmp_path, damage, said):
    folder = shutil.copytree(folders["flux2"], tmp_path / "copy")
    weights = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    if damage == "other":
        folder = shutil.copytree(folders["flux"], tmp_path / "other")
    elif damage == "part":
        shutil.rmtree(folder / "vae")
    elif damage == "pickle":
        weights.rename(weights.with_suffix(".bin"))
    elif damage == "code":
        config = folder / "text_encoder" / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"auto_map": {"AutoModel": "x.Y"}}))
    elif damage == "shard":
        listing = {"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}
        (folder / "text_encoder" / "model.safetensors.index.json").write_text(json.dumps(listing))
    elif damage == "listing":
        (folder / "text_encoder" / "model.safetensors.index.json").write_text('{"weight_map": ["a"]}')
    elif damage == "spec":
        index = json.loads((folder / "model_index.json").read_text())
        (folder / "model_index.json").write_text(json.dumps(index | {"vae": []}))
    elif damage == "deep":
        (folder / "model_index.json").write_text("[" * 100_000)
    elif damage == "index":
        (folder / "model_index.json").write_text("{")
    elif damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-10])
    else:
        shutil.rmtree(folder)
    with pytest.raises(ModelError, match=said) as caught:
        backbones()["flux2"].load(folder)
    assert "\n" not in caught.value.text


@pytest.fixture(params=sorted(name for name in FAMILIES if "lora" in backbones()[name].takes))
def tunable(request, models) -> Pipelined:
    return models[request.param]


def lora_of(model: Pipelined, folder: Path, rank: int = 2) -> dict[str, torch.Tensor]:
    """A random LoRA on the attention of the painter, saved as the library saves it; its tensors by PEFT's names."""
    part = "unet" if hasattr(model.pipe, "unet") else "transformer"
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for name, layer in getattr(model.pipe, part).named_modules():
        if name.endswith(("to_q", "to_v")) and isinstance(layer, torch.nn.Linear):
            tensors[f"{name}.lora_A.weight"] = torch.randn(rank, layer.in_features, generator=generator)
            tensors[f"{name}.lora_B.weight"] = torch.randn(layer.out_features, rank, generator=generator)
    type(model.pipe).save_lora_weights(folder, **{f"{part}_lora_layers": tensors})
    return tensors


def test_lora_goes_on_as_the_library_puts_it_on_and_comes_off(tunable, tmp_path):
    lora_of(tunable, tmp_path)
    asked = painting(tunable.family, "references" if tunable.family in EDITORS else "draw", seeds=(2,))
    before = tunable.generate(asked)[0]
    pipe, arguments = tunable.arguments(asked)
    pipe.load_lora_weights(tmp_path, weight_name="pytorch_lora_weights.safetensors", adapter_name="by_hand")
    theirs = pipe(**arguments, generator=torch.Generator().manual_seed(2)).images[0]
    pipe.unload_lora_weights()
    tunable.attach([tmp_path])
    ours = tunable.generate(asked)[0]
    tunable.attach([tmp_path], [0.0])
    silent = tunable.generate(asked)[0]
    tunable.detach()
    assert np.array_equal(pixels(ours), pixels(theirs)) and not np.array_equal(pixels(ours), pixels(before))
    assert np.array_equal(pixels(silent), pixels(before))
    assert np.array_equal(pixels(tunable.generate(asked)[0]), pixels(before))


def test_pefts_own_files_mean_the_same(tunable, tmp_path):
    from safetensors.torch import save_file

    tensors = lora_of(tunable, tmp_path / "diffusers")
    (tmp_path / "peft").mkdir()
    save_file({f"base_model.model.{k}": v for k, v in tensors.items()}, tmp_path / "peft/adapter_model.safetensors")
    (tmp_path / "peft/adapter_config.json").write_text('{"r": 2, "lora_alpha": 2}')
    asked = painting(tunable.family, "draw", seeds=(2,))
    made = []
    for folder in ("diffusers", "peft"):
        tunable.attach([tmp_path / folder])
        made.append(pixels(tunable.generate(asked)[0]))
    (tmp_path / "peft/adapter_config.json").write_text('{"r": 2, "lora_alpha": 4}')
    tunable.attach([tmp_path / "peft"])
    doubled = pixels(tunable.generate(asked)[0])
    tunable.detach()
    assert np.array_equal(*made)
    assert not np.array_equal(doubled, made[0])


@pytest.mark.parametrize("wrong", ["pickle", "nan", "other", "empty", "words"])
def test_a_wrong_adapter_changes_nothing(models, tmp_path, wrong):
    from safetensors.torch import save_file

    model = models["flux2"]
    file = tmp_path / ("lora.bin" if wrong == "pickle" else "lora.safetensors")
    tensors = {
        "nan": {"transformer.x.lora_A.weight": torch.full((2, 2), torch.nan)},
        "other": {f"transformer.blocks.9.to_q.lora_{side}.weight": torch.ones(2, 2) for side in "AB"},
        "empty": {"scale": torch.ones(1, 1, 1)},
        "words": {"<sks>": torch.ones(2, 16)},
    }.get(wrong, {})
    save_file(tensors, file)
    before = pixels(model.generate(painting("flux2", "draw"))[0])
    with pytest.raises(ModelError):
        model.attach([file])
    assert np.array_equal(pixels(model.generate(painting("flux2", "draw"))[0]), before)
