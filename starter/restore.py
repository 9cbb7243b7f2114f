"""Training goes on from the weights that ship: a work folder made from them, without the optimizers' state."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import CLIPModel, PreTrainedTokenizerFast, SegformerForSemanticSegmentation

from . import janus
from .encoder import EncoderModule
from .vision import Reader

READER = "reader.safetensors"


def restore(weights: Path, work: Path) -> None:
    """Writes `work/<part>/state.safetensors` for every part, with the step and the minutes of its curve."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(weights / "ar")
    tokenizer.save_pretrained(work / "words")
    state = _merged(weights / "ar")
    reader = load_file(weights / READER)
    vision = {f"vision.{k}": v for k, v in _part(state, "model.vision_model.").items()}
    vq = _part(state, "model.vqmodel.")
    _write(weights, work, "vision", vision | {f"reader.{k}": v for k, v in reader.items()})
    _write(weights, work, "tokenizer", vq)
    decoder = {k: v for k, v in vq.items() if k.startswith(("post_quant_conv.", "decoder.", "quantize."))}
    _write(weights, work, "decoder", decoder)
    _write(weights, work, "ar", structured(tokenizer, state, vq, reader))
    # These two rename their weights on disk, so the class has to read them.
    scorer = EncoderModule(tokenizer)
    scorer.clip.load_state_dict(CLIPModel.from_pretrained(weights / "encoder", dtype=torch.float32).state_dict())
    _write(weights, work, "encoder", scorer.state_dict())
    segmenter = SegformerForSemanticSegmentation.from_pretrained(weights / "segmenter", dtype=torch.float32)
    _write(weights, work, "segmenter", segmenter.state_dict())
    if (weights / "diffusion").is_dir():
        from .diffusion_export import restored

        for part, found in restored(weights / "diffusion").items():
            _write(weights, work, part, found)
        words = work / "diffusion" / "tokenizer"
        shutil.copytree(weights / "diffusion" / "tokenizer", words, dirs_exist_ok=True)


def structured(
    tokenizer: PreTrainedTokenizerFast, state: dict[str, Tensor], vq: dict[str, Tensor], reader: dict[str, Tensor]
) -> dict[str, Tensor]:
    """The AR model's state as training names it: the plain head becomes the free part of the structured one."""
    layers = 1 + max(int(k.split(".")[3]) for k in state if k.startswith("model.language_model.layers."))
    model = janus.fresh(tokenizer, vq, _part(state, "model.vision_model."), layers)
    model.reader = Reader(192)
    head = "model.generation_head.vision_head."
    state = dict(state)
    state |= {f"{head}free": state.pop(f"{head}weight"), f"{head}bias": state.pop(f"{head}bias")}
    state |= {f"reader.{k}": v for k, v in reader.items()}
    made = model.state_dict() | state
    # Input and output words are one matrix; the checkpoint holds it once.
    made["lm_head.weight"] = made["model.language_model.embed_tokens.weight"]
    made[f"{head}mix"] = torch.zeros_like(made[f"{head}mix"])
    return made


def _merged(folder: Path) -> dict[str, Tensor]:
    """All weights of a checkpoint in float32."""
    merged: dict[str, Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        merged |= {k: v.float() if v.is_floating_point() else v for k, v in load_file(file).items()}
    return merged


def _part(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}


def _write(weights: Path, work: Path, part: str, state: dict[str, Tensor]) -> None:
    """The same weights as the trained ones and as their average."""
    curve = (weights / "curves" / f"{part}.jsonl").read_text(encoding="utf-8")
    last = json.loads(curve.splitlines()[-1])
    folder = work / part
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "curve.jsonl").write_text(curve, encoding="utf-8")
    tensors = {f"model.{k}": v.contiguous().clone() for k, v in state.items()}
    tensors |= {f"average.{k}": v.contiguous().clone() for k, v in state.items() if v.is_floating_point()}
    record = {"step": last["step"], "seconds": last["minutes"] * 60}
    save_file(tensors, folder / "state.safetensors", metadata={"record": json.dumps(record)})
