"""IP-Adapters in the published layout: one file of weights and the folder of the image encoder it was trained with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import ModelError
from ...memory.tensors import Header
from ..checkpoints import CONVERT, check_finite, check_part, checked_header, read_json, reading
from ..recognised import WIDTHS, kind
from . import Backbone, weights_hash

INSIDE = "models"
"""Where a checkpoint of its own kind carries one."""


@dataclass(frozen=True)
class ImageAdapter:
    """Where an IP-Adapter lies; the file and the encoder's folder are relative to `folder`."""

    folder: Path
    weights: str
    encoder: str


def without_adapter(model: Backbone) -> ModelError:
    """What to say where a model is to hear references and has no adapter for it."""
    return ModelError(
        f"{model.label} in {model.folder} has no IP-Adapter, so it cannot hear references.",
        "Name one as `image_adapter` in the preset, or train the subject: limner train NAME",
    )


def adapter_of(folder: Path, settings: Mapping[str, Any]) -> ImageAdapter | None:
    """The adapter that a preset names, else the one in the checkpoint, else `None`."""
    named = settings.get("image_adapter")
    if named:
        return ImageAdapter(Path(named["folder"]), str(named["weights"]), str(named["encoder"]))
    inside = sorted((folder / INSIDE).glob("*.safetensors"))
    return ImageAdapter(folder, f"{INSIDE}/{inside[0].name}", f"{INSIDE}/image_encoder") if inside else None


def adapter_space(adapter: ImageAdapter | None) -> str:
    """Name of the space that an adapter's embeddings lie in: its encoder's weights, and whether a layer of it is heard;
    "" where there is none."""
    encoder = adapter.folder / adapter.encoder if adapter is not None else None
    if adapter is None or encoder is None or not encoder.is_dir():
        return ""
    file = adapter.folder / adapter.weights
    names = checked_header(file).shapes if file.is_file() and file.suffix == ".safetensors" else ()
    layer = "-layer" if {"image_proj.latents", "image_proj.proj.0.weight"} & set(names) else ""
    return f"ip-{weights_hash(encoder)}{layer}"


def _check_layers(file: Path, header: Header, encoder: Path, pipe: Any) -> None:
    """Raises `ModelError` for what is no IP-Adapter, or one for another model, another encoder, or no pictures at all.

    The library would fail on the first of its keys, or only when something is drawn.
    """
    what, todo = kind(header)
    if what not in ("", "an IP-Adapter"):
        raise ModelError(f"{file} is {what}, not an IP-Adapter.", todo)
    shapes = {name.removeprefix("image_proj."): shape for name, shape in header.shapes.items()}
    if "perceiver_resampler.proj_in.weight" in shapes or "norm.weight" in shapes and "proj.weight" not in shapes:
        raise ModelError(
            f"{file} is a FaceID adapter: it hears what a face recogniser says, and Limner has none.",
            "For faces take ip-adapter-plus-face or ip-adapter-full-face, which hear pictures.",
        )
    words = {shape[1] for name, shape in shapes.items() if name.endswith(".to_k_ip.weight") and len(shape) == 2}
    if words and hasattr(pipe, "unet") and words != {wide := pipe.unet.config.cross_attention_dim}:
        names = [WIDTHS.get(width, f"words {width} wide") for width in (*words, wide)]
        raise ModelError(
            f"{file} was made for {names[0]}, and this model is {names[1]}.", "Name the one for this model."
        )
    # The plain adapters hear the encoder's answer, the larger ones its last layer.
    heard = {"proj.weight": "projection_dim", "proj_in.weight": "hidden_size", "proj.0.weight": "hidden_size"}
    for name, key in heard.items():
        gives = read_json(encoder / "config.json").get(key)
        if name in shapes and isinstance(gives, int) and shapes[name][-1] != gives:
            raise ModelError(
                f"{file} was trained with another image encoder: it hears {shapes[name][-1]} numbers, and {encoder} "
                f"gives {gives}.",
                "Name its own as `encoder`: models/image_encoder (ViT-H) or sdxl_models/image_encoder (ViT-bigG).",
            )


@contextmanager
def _only_what_is_new(pipe: Any) -> Iterator[None]:
    """At its end the library brings the whole U-Net to one type, which a U-Net of fewer bits refuses."""
    unet: Any = getattr(pipe, "unet", None)
    if not getattr(unet, "is_quantized", False):
        yield
        return
    unet.to = lambda **asked: unet
    try:
        yield
    finally:
        del unet.to
    for part in (unet.encoder_hid_proj, *unet.attn_processors.values()):
        if hasattr(part, "to"):
            part.to(unet.device, unet.dtype)


def load_adapter(pipe: Any, adapter: ImageAdapter) -> None:
    """Puts the adapter on a pipeline. Raises `ModelError` in one sentence."""
    file = adapter.folder / adapter.weights
    if not file.is_file():
        raise ModelError(f"The IP-Adapter is not here: there is no {file}.", "`limner presets get` fetches it.")
    if file.suffix != ".safetensors":
        raise ModelError(f"{file} is a pickle, which can run any code; it is not opened.", CONVERT)
    check_part(adapter.folder / adapter.encoder)
    _check_layers(file, checked_header(file), adapter.folder / adapter.encoder, pipe)
    where = PurePosixPath(adapter.weights)
    # The library joins the encoder's folder to the weights' one, unless it is written as a path of its own.
    encoder = PurePosixPath(adapter.encoder)
    beside = encoder.parent == where.parent
    asked: dict[str, Any] = {"image_encoder_folder": encoder.name if beside else str(encoder)}
    if not hasattr(pipe, "unet"):
        place = adapter.folder / adapter.encoder
        asked = {"image_encoder_pretrained_model_name_or_path": str(place), "image_encoder_dtype": pipe.dtype}
    with reading(f"{file} is no IP-Adapter for this model"), _only_what_is_new(pipe):
        pipe.load_ip_adapter(
            str(adapter.folder), subfolder=str(where.parent), weight_name=where.name, local_files_only=True, **asked
        )
    encoder_part = getattr(pipe, "image_encoder", None)
    if encoder_part is None:
        raise ModelError(f"The IP-Adapter's image encoder is not in {adapter.folder / adapter.encoder}.")
    check_finite(encoder_part, f"image encoder in {adapter.folder}")
    painter = pipe.unet if hasattr(pipe, "unet") else pipe.transformer
    for part in (painter.encoder_hid_proj, *painter.attn_processors.values()):
        if hasattr(part, "named_parameters"):
            check_finite(part, f"IP-Adapter {file}")
    encoder_part.eval().requires_grad_(False)
