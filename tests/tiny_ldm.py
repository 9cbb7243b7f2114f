"""A pipeline's weights in one file, under the names that latent diffusion's makers gave them.

The inverse of what diffusers renames when it reads such a file, from Stable Diffusion 1.x, 2.x and XL as published.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

UNET = {
    "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
}  # fmt: skip
RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0", "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1", "conv_shortcut": "skip_connection",
}  # fmt: skip
OPEN_CLIP = {
    "encoder.layers.": "transformer.resblocks.", "layer_norm1": "ln_1", "layer_norm2": "ln_2", ".fc1.": ".c_fc.",
    ".fc2.": ".c_proj.", ".self_attn": ".attn", "final_layer_norm": "ln_final",
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
}  # fmt: skip


def write(pipe: Any, file: Path, half: bool = False) -> Path:
    """The U-Net, autoencoder and text encoders of a Stable Diffusion (XL) pipeline as one safetensors file."""
    from safetensors.torch import save_file

    tensors = {f"model.diffusion_model.{unet_name(n, pipe.unet)}": t for n, t in pipe.unet.state_dict().items()}
    tensors |= {f"first_stage_model.{n}": t for n, t in _vae(pipe.vae)}
    if pipe.text_encoder.config.hidden_act == "gelu" and getattr(pipe, "text_encoder_2", None) is None:
        tensors |= {f"cond_stage_model.model.{n}": t for n, t in _open_clip_of_2(pipe.text_encoder)}
    elif getattr(pipe, "text_encoder_2", None) is None:
        tensors |= {f"cond_stage_model.transformer.text_model.{n}": t for n, t in _clip(pipe.text_encoder)}
    else:
        first, second = "conditioner.embedders.0.transformer.text_model.", "conditioner.embedders.1.model."
        tensors |= {first + n: t for n, t in _clip(pipe.text_encoder)}
        tensors |= {second + n: t for n, t in _open_clip(pipe.text_encoder_2.state_dict())}
    tensors = {n: t.half() if half and t.is_floating_point() else t for n, t in tensors.items()}
    save_file({n: t.contiguous() for n, t in tensors.items()}, file)
    return file


def unet_name(name: str, unet: Any) -> str:
    """A U-Net's tensor by its old name: blocks are counted through, resnets, attentions and resamplers in one list."""
    each = unet.config.layers_per_block
    head, _, kind = name.rpartition(".")
    if head in UNET:
        return f"{UNET[head]}.{kind}"
    if found := re.match(r"mid_block\.(resnets|attentions)\.(\d)\.(.+)", name):
        place = f"middle_block.{1 if found[1] == 'attentions' else 2 * int(found[2])}"
        return f"{place}.{_inner(found[1], found[3])}"
    found = re.match(r"(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(.+)", name)
    assert found is not None, name
    way, block, part, number, rest = found[1], int(found[2]), found[3], int(found[4]), found[5]
    if way == "down":
        place = block * (each + 1) + number + 1
        if part == "downsamplers":
            return f"input_blocks.{block * (each + 1) + each + 1}.0.op.{rest.removeprefix('conv.')}"
        return f"input_blocks.{place}.{int(part == 'attentions')}.{_inner(part, rest)}"
    place = block * (each + 1) + number
    if part == "upsamplers":
        crossed = "CrossAttn" in unet.config.up_block_types[block]
        return f"output_blocks.{block * (each + 1) + each}.{1 + crossed}.{rest}"
    return f"output_blocks.{place}.{int(part == 'attentions')}.{_inner(part, rest)}"


def _inner(part: str, rest: str) -> str:
    if part == "attentions":
        return rest
    head, _, kind = rest.rpartition(".")
    return f"{RESNET[head]}.{kind}"


def _vae(vae: Any) -> Iterator[tuple[str, Any]]:
    blocks = len(vae.config.block_out_channels)
    for name, tensor in vae.state_dict().items():
        old = re.sub(r"down_blocks\.(\d+)\.resnets\.", r"down.\1.block.", name)
        old = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0\.", r"down.\1.downsample.", old)
        old = re.sub(r"up_blocks\.(\d+)\.resnets\.", lambda m: f"up.{blocks - 1 - int(m[1])}.block.", old)
        old = re.sub(r"up_blocks\.(\d+)\.upsamplers\.0\.", lambda m: f"up.{blocks - 1 - int(m[1])}.upsample.", old)
        old = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", old)
        old = old.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
        if "mid_block.attentions.0." in old:
            old = old.replace("mid_block.attentions.0.", "mid.attn_1.").replace("group_norm", "norm")
            old = re.sub(r"to_([qkv])\.", r"\1.", old).replace("to_out.0.", "proj_out.")
            # They were convolutions.
            tensor = tensor[:, :, None, None] if tensor.ndim == 2 else tensor
        yield old, tensor


def _clip(encoder: Any) -> Iterator[tuple[str, Any]]:
    for name, tensor in encoder.state_dict().items():
        yield name.removeprefix("text_model."), tensor


def _open_clip_of_2(encoder: Any) -> Iterator[tuple[str, Any]]:
    """Stable Diffusion 2's, with what its readers leave out: the projection and one layer more."""
    import torch

    tensors = dict(encoder.state_dict())
    last = f"layers.{encoder.config.num_hidden_layers - 1}."
    after = f"layers.{encoder.config.num_hidden_layers}."
    tensors |= {name.replace(last, after): torch.randn_like(t) for name, t in tensors.items() if last in name}
    tensors["text_projection.weight"] = torch.randn(encoder.config.hidden_size, encoder.config.hidden_size)
    yield from _open_clip(tensors)


def _open_clip(tensors: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    import torch

    tensors = {name.removeprefix("text_model."): tensor for name, tensor in tensors.items()}
    yield "text_projection", tensors.pop("text_projection.weight").T
    for name, tensor in tensors.items():
        old = name
        for new, was in OPEN_CLIP.items():
            old = old.replace(new, was)
        if not re.search(r"\.[qkv]_proj\.", old):
            yield old, tensor
        elif ".q_proj." in old:
            # Query, key and value were one matrix.
            parts = [tensors[name.replace("q_proj", f"{part}_proj")] for part in "qkv"]
            yield (
                old.replace(".q_proj.weight", ".in_proj_weight").replace(".q_proj.bias", ".in_proj_bias"),
                torch.cat(parts),
            )
