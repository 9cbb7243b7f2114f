"""IP-Adapters in the published layout: one file of weights and the folder of the image encoder it was trained with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import ModelError
from . import weights_hash

INSIDE = "models"
"""Where a checkpoint of its own kind carries one."""


@dataclass(frozen=True)
class ImageAdapter:
    """Where an IP-Adapter lies; the file and the encoder's folder are relative to `folder`."""

    folder: Path
    weights: str
    encoder: str


def adapter_of(folder: Path, settings: Mapping[str, Any]) -> ImageAdapter | None:
    """The adapter that a preset names, else the one in the checkpoint, else `None`."""
    named = settings.get("image_adapter")
    if named:
        return ImageAdapter(Path(named["folder"]), str(named["weights"]), str(named["encoder"]))
    inside = sorted((folder / INSIDE).glob("*.safetensors"))
    return ImageAdapter(folder, f"{INSIDE}/{inside[0].name}", f"{INSIDE}/image_encoder") if inside else None


def adapter_space(adapter: ImageAdapter | None) -> str:
    """Name of the space that an adapter's embeddings lie in: the weights of its image encoder; "" where it has none."""
    encoder = adapter.folder / adapter.encoder if adapter is not None else None
    return f"ip-{weights_hash(encoder)}" if encoder is not None and encoder.is_dir() else ""


def load_adapter(pipe: Any, adapter: ImageAdapter) -> None:
    """Puts the adapter on a pipeline. Raises `ModelError` in one sentence."""
    from ..checkpoints import CONVERT, check_finite, check_part, checked_header, reading

    file = adapter.folder / adapter.weights
    if not file.is_file():
        raise ModelError(f"The IP-Adapter is not here: there is no {file}.", "`limner presets get` fetches it.")
    if file.suffix != ".safetensors":
        raise ModelError(f"{file} is a pickle, which can run any code; it is not opened.", CONVERT)
    checked_header(file)
    check_part(adapter.folder / adapter.encoder)
    where = PurePosixPath(adapter.weights)
    # The library joins the encoder's folder to the weights' one, unless it is written as a path of its own.
    encoder = PurePosixPath(adapter.encoder)
    beside = encoder.parent == where.parent
    asked: dict[str, Any] = {"image_encoder_folder": encoder.name if beside else str(encoder)}
    if not hasattr(pipe, "unet"):
        place = adapter.folder / adapter.encoder
        asked = {"image_encoder_pretrained_model_name_or_path": str(place), "image_encoder_dtype": pipe.dtype}
    with reading(f"{file} is no IP-Adapter for this model"):
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
