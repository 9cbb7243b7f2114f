"""Weights from files that may be anything: wrong base, wrong rank, truncated, no weights at all.

Looked at before anything large is read: a file by its header, a folder by what it says about itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from ..memory.tensors import Header, read_header
from .machine import out_of_memory
from .recognised import WIDTHS, base, kind, predicts_v

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Linear

ANY = -1
"""A dimension that is not known beforehand."""
MOST_RANK = 512
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
CONVERT = "Ask for safetensors, or convert it where you trust it: save_file(torch.load(file, weights_only=True), name)."
Shapes = Mapping[str, Sequence[int]]
BROKEN = (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError, IndexError, ImportError)
"""What the libraries raise for a file that is not what it says."""


@contextmanager
def reading(said: str) -> Iterator[None]:
    """What a library raises for a broken file becomes a `ModelError` that begins with `said`.

    That the memory is not enough says nothing about the file: it passes, and something lighter is tried.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (*BROKEN, SafetensorError) as error:
        if out_of_memory(error):
            raise
        raise ModelError(f"{said}: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """The first thing that a library's error says."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)[:300]


def checked_header(path: Path) -> Header:
    """The header of a safetensors file, no tensor read. Raises `ModelError` in one sentence."""
    try:
        return read_header(path)
    except (ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        hint = "Fetch it again, or name another file."
        raise ModelError(f"{path} cannot be used: {reason}; nothing was loaded.", hint) from error


def load_checked(path: Path, expected: Shapes) -> dict[str, Tensor]:
    """The tensors of `path`, exactly those of `expected` in name and shape, all finite, in 32 bits.

    Raises `ModelError` in one sentence before anything large is read.
    """
    header = checked_header(path)
    if strange := sorted(header.shapes.keys() - expected.keys()):
        raise ModelError(f"{path.name} was made for another model: it holds {strange[0]!r}; nothing was loaded.")
    if missing := sorted(expected.keys() - header.shapes.keys()):
        raise ModelError(f"{path.name} was made for another model: {missing[0]!r} is missing; nothing was loaded.")
    for name, shape in header.shapes.items():
        wanted = tuple(expected[name])
        if len(shape) != len(wanted) or any(w not in (ANY, s) for s, w in zip(shape, wanted, strict=True)):
            said = " x ".join("?" if w == ANY else str(w) for w in wanted)
            found = " x ".join(map(str, shape))
            raise ModelError(f"{path.name} does not fit: {name!r} is {found}, not {said}; nothing was loaded.")
    return {name: t.float() if t.is_floating_point() else t for name, t in finite_tensors(path).items()}


def finite_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file whose header was checked. Raises `ModelError` for NaN or infinity."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path.name} cannot be read: {error}; nothing was loaded.") from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise ModelError(f"{path.name} holds numbers that are not finite, in {name!r}; nothing was loaded.")
    return tensors


def check_finite(module: Any, what: str) -> None:
    """Raises `ModelError` where a weight of a loaded model is missing, not a number, or infinite."""
    for name, parameter in module.named_parameters():
        if parameter.is_meta:
            raise ModelError(f"The {what} lacks the weight {name}.")
        if not bool(parameter.isfinite().all()):
            raise ModelError(f"The {what} is damaged: {name} holds a value that is no number.")


def read_model(kind: str, folder: Path, types: Sequence[str]) -> Any:
    """The model of transformers' class `kind` in `folder`, in 32 bits, whole and finite, for inference.

    Raises `ModelError` in one sentence where its config is of none of `types`, or a weight is missing: the library
    would make one up.
    """
    import torch
    import transformers

    check_part(folder)
    made_for = read_json(folder / "config.json").get("model_type")
    if made_for not in types:
        raise ModelError(f"{folder} is a {made_for}, not a {types[0]}.", "Name the folder of such a model.")
    with reading(f"{folder} holds no usable {kind}"):
        model, found = getattr(transformers, kind).from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, local_files_only=True, output_loading_info=True
        )
        if missing := sorted(found["missing_keys"]):
            raise ValueError(f"the weight {missing[0]} is missing")
    check_finite(model, f"{kind} in {folder}")
    return model.eval().requires_grad_(False)


def low_rank(path: Path, layers: Mapping[str, Linear]) -> tuple[int, dict[str, tuple[int, ...]]]:
    """Rank and tensors that the LoRA file `path` must have to fit some of `layers`, linear ones by name.

    Raises `ModelError` in one sentence: it names other layers, its ranks differ or are senseless.
    """
    header = checked_header(path)
    shapes: dict[str, tuple[int, ...]] = {}
    ranks = set()
    for name in header.shapes:
        layer, _, side = name.removesuffix(".weight").rpartition(".")
        if layer not in layers or side not in ("lora_A", "lora_B") or not name.endswith(".weight"):
            raise ModelError(f"{path.name} was made for another model: it holds {name!r}; nothing was loaded.")
        found = header.shapes[name]
        ranks.add(found[0 if side == "lora_A" else -1] if found else 0)
        for other in ("lora_A", "lora_B"):
            shapes[f"{layer}.{other}.weight"] = ()
    if len(ranks) != 1 or not 1 <= (rank := ranks.pop()) <= MOST_RANK:
        raise ModelError(f"{path.name} has no rank between 1 and {MOST_RANK}; nothing was loaded.")
    for name in shapes:
        linear = layers[name.removesuffix(".weight").rpartition(".")[0]]
        is_a = name.endswith("lora_A.weight")
        shapes[name] = (rank, linear.in_features) if is_a else (linear.out_features, rank)
    return rank, shapes


UNUSED = ("safety_checker",)
"""Parts of a pipeline that are never loaded, nor fetched."""


def check_index(folder: Path, expected: str) -> None:
    """Raises `ModelError` unless `folder` is a whole diffusers checkpoint of the pipeline class `expected`."""
    from diffusers import pipelines

    if not folder.exists():
        raise ModelError(
            f"The weights are not here: there is no folder {folder}.", "`limner presets get` fetches them."
        )
    index = read_json(folder / "model_index.json")
    made_for = index.get("_class_name")
    if made_for != expected:
        raise ModelError(f"{folder} is a {made_for}, not a {expected}.", "Choose the preset of its family.")
    for name, spec in index.items():
        if name.startswith("_") or name in UNUSED or not isinstance(spec, list) or spec[:1] == [None]:
            continue
        if len(spec) != 2 or not all(isinstance(text, str) for text in spec):
            raise ModelError(f"{folder / 'model_index.json'} does not say what its {name} is.", "Fetch it again.")
        part = folder / name
        if spec[0] not in ("diffusers", "transformers") and not hasattr(pipelines, spec[0]):
            raise ModelError(f"{folder} wants code of its own for its {name} ({spec[0]}); Limner runs none.")
        if not part.is_dir():
            raise ModelError(f"{folder} is not whole: its {name} is missing.", "Fetch it again.")
        check_part(part)


def check_part(part: Path) -> None:
    """One part's weights: safetensors, every shard there and whole; no code of its own."""
    if any(part.glob("*.py")):
        raise ModelError(f"{part} brings code of its own; Limner runs none.")
    for file in sorted(part.glob("config.json")):
        if "auto_map" in read_json(file):
            raise ModelError(f"{part} asks for code of its own (auto_map); Limner runs none.")
    for listing in sorted(part.glob("*.safetensors.index.json")):
        places = read_json(listing).get("weight_map")
        if not isinstance(places, dict) or not all(isinstance(shard, str) for shard in places.values()):
            raise ModelError(f"{listing} does not say where the weights are.", "Fetch it again.")
        for shard in sorted(set(places.values())):
            if Path(shard).name != shard or not (part / shard).is_file():
                raise ModelError(f"{part} is not whole: the shard {shard} is missing.", "Fetch it again.")
    files = sorted(part.glob("*.safetensors"))
    for file in files:
        checked_header(file)
    pickles = [file for pattern in PICKLES for file in part.glob(pattern)]
    if pickles and not files:
        raise ModelError(f"{pickles[0]} is a pickle, which can run any code; it is not opened.", CONVERT)


PARTS = {"model.diffusion_model.": "U-Net", "first_stage_model.": "autoencoder (VAE)"}
INPUTS = {9: "an inpainting checkpoint", 8: "an InstructPix2Pix checkpoint"}
"""By the channels that a U-Net reads; one that draws reads 4."""


def check_single(
    file: Path, made_of: Sequence[str], folder: Path | None = None, sampler: Mapping[str, Any] | None = None
) -> None:
    """Raises `ModelError` unless the one file holds a whole model, in the names that its first makers gave.

    `made_of` are beginnings of names that it must have. With `folder`, where the configs lie, it must also be of their
    model, and what it predicts must be what the scheduler there, or the preset's `sampler`, takes it for. Reads the
    header only.
    """
    if f"*{file.suffix}" in PICKLES:
        raise ModelError(f"{file} is a pickle, which can run any code; it is not opened.", CONVERT)
    header = checked_header(file)
    what, todo = kind(header)
    if what not in ("", "a checkpoint"):
        raise ModelError(f"{file} is {what}, not a model.", todo)
    made_for = base(header)
    for beginning in made_of:
        if not any(name.startswith(beginning) for name in header.shapes):
            part = PARTS.get(beginning, "text encoder")
            why = (
                f"it was made for {made_for}, and" if made_for else "it was made for another model, or not saved whole:"
            )
            raise ModelError(
                f"{file} is not read here: {why} no {part} of this family is in it ({beginning}…).", OWN_PRESET
            )
    reads = {shape[1] for name, shape in header.shapes.items() if name.endswith(".input_blocks.0.0.weight")} - {4}
    if reads:
        found = INPUTS.get(next(iter(reads)), f"made for another task: its U-Net reads {next(iter(reads))} channels")
        raise ModelError(
            f"{file} is {found}, which does not draw.", "Name the one that it was made from: it paints in masks too."
        )
    if folder is None:
        return
    wide = read_json(folder / "unet" / "config.json").get("cross_attention_dim")
    widths = {
        shape[1] for name, shape in header.shapes.items() if name.endswith(".attn2.to_k.weight") and len(shape) > 1
    }
    if widths and widths != {wide}:
        other = widths.pop()
        names = [WIDTHS.get(width, f"a model with words {width} wide") for width in (other, int(wide or 0))]
        raise ModelError(f"{file} was made for {names[0]}, and {folder} is of {names[1]}.", OWN_PRESET)
    configured = read_json(folder / "scheduler" / "scheduler_config.json").get("prediction_type", "epsilon")
    taken = (sampler or {}).get("prediction_type", configured)
    if taken != "v_prediction" and predicts_v(header):
        raise ModelError(
            f"{file} predicts v, and would be taken for one that predicts {taken}: its pictures would be noise.",
            "Beside it set sampler: "
            "{prediction_type: v_prediction, rescale_betas_zero_snr: true, timestep_spacing: trailing}.",
        )


OWN_PRESET = "Choose its preset, or write one whose `folder` has its configs and tokenizers; docs/presets.md shows how."


def read_json(file: Path) -> dict[str, Any]:
    """A small JSON object. Raises `ModelError` naming the file."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{file.parent} is no checkpoint: {file.name} is missing.") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{file} is no JSON: {error}") from error
    if not isinstance(data, dict):
        raise ModelError(f"{file} must hold an object.")
    return data
