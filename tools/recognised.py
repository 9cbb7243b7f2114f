"""What a safetensors file of others is, and for which model it was made: by the names and shapes in its header.

People collect files from many places; one in the wrong place is told by what it is, not by the first key that fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..memory.tensors import Header

SD1, SD2, SDXL, REFINER = (
    "Stable Diffusion 1",
    "Stable Diffusion 2",
    "Stable Diffusion XL",
    "Stable Diffusion XL refiner",
)
FLUX, SD3 = "FLUX", "Stable Diffusion 3"
WIDTHS: Mapping[int, str] = {768: SD1, 1024: SD2, 1280: REFINER, 2048: SDXL}
"""How wide the words are that a U-Net attends to."""
_SAID = {
    "refiner": REFINER, "xl": SDXL, "sd_v2": SD2, "diffusion-v2": SD2, "sd_v1": SD1, "diffusion-v1": SD1, "flux": FLUX,
    "sd3": SD3, "diffusion-v3": SD3,
}  # fmt: skip
"""Parts of what kohya's scripts and the model specification write into the metadata."""
_ATTENDS = re.compile(r"attn2[._]to_[kv](?:\.lora_down|_lora\.down|\.lora_A|\.hada_w1_b)?\.?(?:weight)?$")
_NAMES = {
    r"(?:double|single)_(?:transformer_)?blocks": FLUX, r"joint_blocks": SD3,
    r"^lora_te2_|^conditioner\.embedders\.1\.|^clip_g$": SDXL,
}  # fmt: skip
_KINDS = (
    (r"^(?:image_proj|ip_adapter)\.", "an IP-Adapter", "Name it under `image_adapter`."),
    (r"\.hada_w|\.lokr_w|\.oft_", "a LyCORIS file (LoHa, LoKr or their like)", "Ask for the same as a LoRA."),
    (r"lora", "a LoRA", "Name it under `adapters`."),
    (r"^control_model\.|^controlnet_|^input_hint_block\.", "a ControlNet", "Limner has no use for those."),
    (r"^(?:emb_params|clip_[lg])$", "a learned word", "Name it under `adapters`."),
    (r"^(?:model\.diffusion_model|first_stage_model|conditioner|cond_stage_model)\.", "a checkpoint",
     "Name it as the model's `file`."),
    (r"^(?:encoder|decoder)\.(?:conv_in|down|up)", "an autoencoder (VAE)", "Those come with their models."),
)  # fmt: skip


def base(header: Header) -> str:
    """The model that a file was made for; "" where nothing in it says so."""
    for key in ("ss_base_model_version", "modelspec.architecture"):
        said = header.metadata.get(key, "").lower()
        if found := next((name for mark, name in _SAID.items() if mark in said), ""):
            return found
    for mark, name in _NAMES.items():
        if any(re.search(mark, key) for key in header.shapes):
            return name
    for key, shape in header.shapes.items():
        if _ATTENDS.search(key) and len(shape) > 1 and shape[1] in WIDTHS:
            return WIDTHS[shape[1]]
    width = header.shapes.get("emb_params", ())[-1:]
    return WIDTHS.get(width[0], "") if width else ""


def kind(header: Header) -> tuple[str, str]:
    """What a file is, and what to do with it; "" where it is nothing that is known here."""
    for mark, name, todo in _KINDS:
        if any(re.search(mark, key) for key in header.shapes):
            return name, todo
    return "", ""


def predicts_v(header: Header) -> bool:
    """Whether a checkpoint says that it predicts v (Salimans and Ho 2022): in its metadata, or as trainers mark it."""
    return "v_pred" in header.shapes or header.metadata.get("modelspec.prediction_type", "") in ("v", "v_prediction")
