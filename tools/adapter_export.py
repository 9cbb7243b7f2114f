"""Adapters that Limner trained, written so that other tools load them."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..errors import LibraryError, ModelError, UserError
from ..memory.adapters import RECORD
from ..memory.names import slug
from ..memory.values import Adapter, Concept
from .checkpoints import checked_header, finite_tensors
from .methods import methods
from .presets import Preset
from .training.tuned_diffusion import MODIFIER, TunedDiffusion

if TYPE_CHECKING:
    from torch import Tensor

LORA, WORD, CURVE = "pytorch_lora_weights.safetensors", "learned_embeds.safetensors", "curve.json"


Layout = Literal["diffusers", "kohya"]
"""Whose files an adapter is written as. "diffusers": those of diffusers, textual inversion and PEFT. "kohya": one file
for a LoRA and one for a word, as ComfyUI, AUTOMATIC1111 and their like read them."""


def export_adapter(adapter: Adapter, name: str, folder: Path, layout: Layout = "diffusers") -> list[Path]:
    """Writes an adapter of the concept `name` to a new folder; returns its files.

    Raises `UserError` where the folder is taken or the layout has no place for such an adapter, `ModelError` for a
    damaged one, `LibraryError` where nothing can be written. There is a whole folder then, or none.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is there already.", "Name a new folder.")
    if not folder.parent.is_dir():
        raise UserError(f"There is no folder {folder.parent}.")
    files = sorted(file for file in adapter.folder.iterdir() if file.name not in (RECORD, CURVE))
    known = methods().get(adapter.method)
    if layout == "kohya" and (
        known is None or known.backbone != "diffusion" or any(file.name not in (LORA, WORD) for file in files)
    ):
        raise UserError(f"There is no layout of kohya's for {adapter.method}.", "Leave out --layout.")
    staged = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    try:
        staged.mkdir()
        for file in files:
            _write(file, staged, slug(name), layout)
        os.rename(staged, folder)
    except OSError as error:
        raise LibraryError(f"Cannot write {folder}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return sorted(folder.iterdir())


def _write(file: Path, folder: Path, name: str, layout: Layout) -> None:
    from safetensors.torch import save_file

    if file.suffix == ".safetensors":
        checked_header(file)
    if file.name == LORA:
        tensors = published(finite_tensors(file))
        target = folder / (LORA if layout == "diffusers" else f"{name}.safetensors")
        save_file(tensors if layout == "diffusers" else kohya(tensors), target, {"format": "pt"})
    elif file.name == WORD and layout == "kohya":
        # There a word is called as its file is.
        (vectors,) = finite_tensors(file).values()
        save_file({"emb_params": vectors}, folder / f"{name}-word.safetensors", {"format": "pt"})
    else:
        shutil.copyfile(file, folder / file.name)


def called_in(adapter: Adapter, concept: Concept, preset: Preset, layout: Layout) -> str:
    """How prompts call the subject of an adapter of a diffusion model: "the dog sks"; "" for others."""
    made = methods().get(adapter.method)
    if made is None or not issubclass(made, TunedDiffusion):
        return ""
    spec = preset.models.get(made.backbone)
    slot = made.word or (spec.settings.get("slots") if spec else None) or (MODIFIER,)
    if made.word:
        slot = (f"{slug(concept.name)}-word" if layout == "kohya" else made.word,)
    return f"the {adapter.facts.get('noun') or concept.kind} {slot[0]}"


def published(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A LoRA by the names that a CLIP text encoder's layers had until transformers 5.6, and have in all other tools."""
    own = re.compile(r"^(text_encoder(?:_2)?)\.encoder\.")
    return {own.sub(r"\1.text_model.encoder.", name): tensor.contiguous() for name, tensor in tensors.items()}


def kohya(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A LoRA of diffusers' names by those of kohya-ss/sd-scripts, which has none for transformers.

    Raises `ModelError` where the library cannot.
    """
    from diffusers.utils import convert_state_dict_to_kohya

    if any(name.startswith("transformer.") for name in tensors):
        raise UserError("There is no layout of kohya's for this model.", "Leave out --layout: others read that too.")
    try:
        made = convert_state_dict_to_kohya(dict(tensors))
    except (ValueError, KeyError) as error:
        raise ModelError(f"This LoRA cannot be written in kohya's layout: {error}") from error
    if not any(name.startswith("lora_te2_") for name in made):
        # The library's names are those of SDXL, which numbers its two encoders.
        made = {name.replace("lora_te1_", "lora_te_", 1): tensor for name, tensor in made.items()}
    return {name: tensor.contiguous() for name, tensor in made.items()}
