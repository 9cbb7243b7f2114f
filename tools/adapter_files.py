"""Adapters as others make them: LoRA and learned words, read from any layout in use.

LoRA: diffusers and kohya go to the library as they are. PEFT (`base_model.model.….lora_A.weight`, its scale in
`adapter_config.json`) and the early layout of cloneofsimo/lora (`unet:0:up`, kinds of layers in the metadata) are
renamed. Learned words: `{"<word>": [n, d]}`; AUTOMATIC1111's `{"emb_params": [n, d]}`; SDXL's `clip_l` and `clip_g`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from .checkpoints import CONVERT, checked_header, finite_tensors
from .recognised import SD1, base, kind

if TYPE_CHECKING:
    from torch import Tensor

PICKLES = (".bin", ".pt", ".pth", ".ckpt")
ELSEWHERE = "Such files fit the model that they were made for and its relatives: choose that one's preset."
PARTS = ("unet", "transformer", "text_encoder", "text_encoder_2")
PEFT = "base_model.model."
SDXL_WORDS = {"clip_l": "", "clip_g": "2"}


@dataclass
class Adapter:
    """What one adapter brings."""

    name: str
    lora: dict[str, Tensor] = field(default_factory=dict)
    """As `load_lora_weights` takes it."""
    words: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    """By word and text encoder ("" the first, "2" the second): vectors `[n, d]`."""
    base: str = ""
    """The model that it says it was made for."""


def read_adapter(path: Path, pipe: Any) -> Adapter:
    """Reads an adapter's file, or all files of its folder, for the pipeline `pipe`.

    Raises `ModelError` in one sentence for what is no adapter, a pickle, damaged, or made for other layers.
    """
    found = Adapter(path.name)
    for file in _files(path):
        header = checked_header(file)
        what, todo = kind(header)
        if what not in ("", "a LoRA", "a learned word"):
            raise ModelError(f"{path.name} is {what}, not a LoRA or a learned word.", todo)
        metadata, tensors = header.metadata, finite_tensors(file)
        found.base = found.base or base(header)
        if any(":" in name and name.rsplit(":", 1)[1] in ("up", "down") for name in tensors):
            found.lora |= _early_layout(file, tensors, metadata, pipe)
        elif any(name.startswith(PEFT) for name in tensors):
            found.lora |= _peft_layout(file, tensors, pipe)
        elif any("lora" in name.lower() for name in tensors):
            found.lora |= tensors
        found.words |= _words(file, tensors, pipe, found.base)
    if not found.lora and not found.words:
        raise ModelError(f"{path.name} holds neither LoRA nor learned words.", "Name another file under `adapters`.")
    return found


def _files(path: Path) -> list[Path]:
    """The safetensors of an adapter, in its folder or in folders named for a pipeline's parts."""
    if path.suffix in PICKLES and path.is_file():
        raise ModelError(f"{path.name} is a pickle, which can run any code; it is not opened.", CONVERT)
    if path.is_file():
        return [path]
    files = sorted(path.glob("*.safetensors"))
    files += [file for part in PARTS for file in sorted((path / part).glob("*.safetensors"))]
    if not files:
        raise ModelError(f"There is no adapter in {path}.", "Name a safetensors file, or a folder with such files.")
    return files


def _main_part(pipe: Any) -> str:
    return "unet" if getattr(pipe, "unet", None) is not None else "transformer"


def _peft_layout(file: Path, tensors: Mapping[str, Tensor], pipe: Any) -> dict[str, Tensor]:
    """PEFT's own files: the part is named by the folder, the scale stands in `adapter_config.json`."""
    part = file.parent.name if file.parent.name in PARTS else _main_part(pipe)
    scale = 1.0
    if (config_file := file.with_name("adapter_config.json")).is_file():
        try:
            config = json.loads(config_file.read_text(encoding="utf-8"))
            rank, alpha = int(config["r"]), float(config.get("lora_alpha", config["r"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{config_file} is no PEFT configuration: {error}") from error
        scale = alpha / (rank**0.5 if config.get("use_rslora") else rank)
    return {
        f"{part}.{name.removeprefix(PEFT)}": tensor * scale if ".lora_B." in name else tensor
        for name, tensor in tensors.items()
        if name.startswith(PEFT)
    }


def _early_layout(
    file: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str], pipe: Any
) -> dict[str, Tensor]:
    """cloneofsimo/lora: the n-th linear layer inside modules of the kinds that the metadata names; scale 1."""
    made: dict[str, Tensor] = {}
    for part in ("unet", "text_encoder"):
        if part not in metadata:
            continue
        if getattr(pipe, part, None) is None:
            said = f"{file.name} was made for a Stable Diffusion {part}, which this model has not."
            raise ModelError(said, ELSEWHERE)
        try:
            kinds = set(json.loads(metadata[part]))
        except (ValueError, TypeError) as error:
            raise ModelError(f"{file.name} does not say which layers it changes: {error}") from error
        layers = list(_layers_of(getattr(pipe, part), kinds))
        for number, (name, layer) in enumerate(layers):
            down, up = tensors.get(f"{part}:{number}:down"), tensors.get(f"{part}:{number}:up")
            if down is None or up is None:
                said = f"{file.name} was made for another model: it has no layer {number} for the {part}."
                raise ModelError(said, ELSEWHERE)
            if (up.shape[0], down.shape[1]) != (layer.out_features, layer.in_features):
                raise ModelError(
                    f"{file.name} was made for another model: layer {number} of its {part} is {up.shape[0]} x "
                    f"{down.shape[1]}, this model's is {layer.out_features} x {layer.in_features}.",
                    ELSEWHERE,
                )
            made[f"{part}.{name}.lora_A.weight"], made[f"{part}.{name}.lora_B.weight"] = down, up
        extra = sum(name.startswith(f"{part}:") for name in tensors) // 2 - len(layers)
        if extra:
            said = f"{file.name} was made for another model: it has {extra} layers more for the {part}."
            raise ModelError(said, ELSEWHERE)
    return made


def _layers_of(model: Any, kinds: set[str]) -> Iterator[tuple[str, Any]]:
    """Linear layers in the order of that time.

    A transformer block then listed its feed-forward between its two attentions, and `Attention` was still called
    `CrossAttention`.
    """
    from torch.nn import Linear

    if "CrossAttention" in kinds:
        kinds = kinds | {"Attention"}
    found = [name for name, module in model.named_modules() if type(module).__name__ in kinds]
    for block in dict.fromkeys(_block(name) for name in found):
        inside = [name for name in found if _block(name) == block]
        # Stable, so that layers keep their order within each of the three.
        for name in sorted(inside, key=lambda name: 2 if ".attn2" in name else 1 if ".ff." in name else 0):
            for inner, layer in model.get_submodule(name).named_modules():
                # An image adapter hangs layers of its own below the attentions, a LoRA that is on around them.
                own = inner.startswith("processor") or ".lora_" in inner
                if isinstance(layer, Linear) and not own:
                    yield f"{name}.{inner}".removesuffix(".base_layer"), layer


def _block(name: str) -> str:
    """The transformer block that a module belongs to; itself, where it is in none."""
    head, found, rest = name.partition(".transformer_blocks.")
    return f"{head}{found}{rest.partition('.')[0]}" if found else name


def _words(file: Path, tensors: Mapping[str, Tensor], pipe: Any, made_for: str) -> dict[str, dict[str, Tensor]]:
    """Learned words of a file by text encoder."""

    def rows(tensor: Tensor) -> Tensor:
        return tensor[None] if tensor.ndim == 1 else tensor

    if "emb_params" in tensors:
        if getattr(pipe, "text_encoder_2", None) is not None:
            said = f"{file.name} was learned for {made_for or SD1}; this model reads with two text encoders."
            raise ModelError(said, ELSEWHERE)
        return {f"<{file.stem}>": {"": rows(tensors["emb_params"])}}
    if set(tensors) & set(SDXL_WORDS):
        return {f"<{file.stem}>": {SDXL_WORDS[k]: rows(t) for k, t in tensors.items() if k in SDXL_WORDS}}
    plain = {name: rows(t) for name, t in tensors.items() if 1 <= t.ndim <= 2 and "." not in name and ":" not in name}
    return {name: {"": t} for name, t in plain.items()}
