"""The diffusion model on its way into the package and back: a folder that `StableDiffusionPipeline` loads.

The IP-Adapter lies beside it as published ones do: `models/ip-adapter_starter.safetensors` and its image encoder.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer, CLIPVisionModelWithProjection

from . import diffusion_autoencoder
from .ar import state_of
from .diffusion import DiffusionModule, sampler_config, tokenizer_of, unet_config
from .diffusion_encoder import WIDTH, EncoderModule
from .loop import Plan
from .vision import Reader

ADAPTER = "ip-adapter_starter.safetensors"
PROJECTION = "unet.encoder_hid_proj.image_projection_layers.0."
RENAMED = {"image_embeds.": "proj.", "norm.": "norm."}
"""The projection's parts as the library and as published adapters name them."""


def export_diffusion(plan: Plan, folder: Path) -> None:
    """Writes pipeline, adapter and image encoder of a work folder in fp16."""
    tokenizer = tokenizer_of(plan.work)
    module = DiffusionModule(tokenizer)
    module.load_state_dict(state_of(plan, "diffusion"))
    state = module.state_dict()
    unet = UNet2DConditionModel(**unet_config())
    unet.load_state_dict({k: state[f"unet.{k}"] for k in unet.state_dict()})
    vae = AutoencoderKL(**diffusion_autoencoder.config())
    vae.load_state_dict(_standardised(plan))
    pipe = StableDiffusionPipeline(
        vae=vae, text_encoder=module.text, tokenizer=tokenizer, unet=unet, safety_checker=None,
        scheduler=DPMSolverMultistepScheduler(**sampler_config()), feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip
    pipe.to(dtype=torch.float16).save_pretrained(folder)
    seer = EncoderModule()
    seer.load_state_dict(state_of(plan, "diffusion_encoder"))
    seer.encoder.half().save_pretrained(folder / "models" / "image_encoder")
    adapter = {k: v.half().contiguous() for k, v in adapter_of(module).items()}
    save_file(adapter, folder / "models" / ADAPTER, metadata={"format": "pt"})


def _standardised(plan: Plan) -> dict[str, Tensor]:
    """The autoencoder whose latents the U-Net was trained on; a restored one is so already."""
    state, file = state_of(plan, "diffusion_autoencoder"), plan.work / "diffusion" / "scale.npy"
    if not file.exists():
        return state
    mean, std = (torch.from_numpy(v) for v in np.load(file))
    return diffusion_autoencoder.standardised(state, mean, std)


def _processors(module: DiffusionModule) -> list[str]:
    """Where the adapter's projections are, in the order of the published layout."""
    named = module.unet.attn_processors
    return [f"unet.{name}" for name in named if name.endswith("attn2.processor")]


def _names(module: DiffusionModule) -> dict[str, str]:
    """The adapter's weights: published name to name in the module."""
    names = {
        f"image_proj.{new}{part}": f"{PROJECTION}{old}{part}"
        for old, new in RENAMED.items()
        for part in ("weight", "bias")
    }
    for number, name in enumerate(_processors(module)):
        for part in ("k", "v"):
            names[f"ip_adapter.{2 * number + 1}.to_{part}_ip.weight"] = f"{name}.to_{part}_ip.0.weight"
    return names


def adapter_of(module: DiffusionModule) -> dict[str, Tensor]:
    """The adapter's weights in the published layout."""
    state = module.state_dict()
    return {new: state[old] for new, old in _names(module).items()}


def restored(folder: Path) -> dict[str, dict[str, Tensor]]:
    """The states of the three parts as training names them, from the folder that `export_diffusion` wrote."""
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    module = DiffusionModule(tokenizer)
    plain = UNet2DConditionModel.from_pretrained(folder / "unet", dtype=torch.float32)
    text = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
    state = {f"unet.{k}": v for k, v in plain.state_dict().items()}
    state |= {f"text.{k}": v for k, v in text.state_dict().items()}
    saved = load_file(folder / "models" / ADAPTER)
    state |= {old: saved[new].float() for new, old in _names(module).items()}
    module.load_state_dict(state)
    vae = AutoencoderKL.from_pretrained(folder / "vae", dtype=torch.float32)
    seer = CLIPVisionModelWithProjection.from_pretrained(folder / "models" / "image_encoder", dtype=torch.float32)
    encoder = {f"encoder.{k}": v for k, v in seer.state_dict().items()}
    # The read-out is needed for training the encoder only, and learned again within a minute.
    encoder |= {f"reader.{k}": v for k, v in Reader(WIDTH).state_dict().items()}
    return {
        "diffusion_autoencoder": vae.state_dict(),
        "diffusion_encoder": encoder,
        "diffusion": module.state_dict(),
    }
