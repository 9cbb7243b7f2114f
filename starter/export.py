"""From training checkpoints to the weights that ship: ordinary fp16 checkpoints, loaded by the unmodified classes."""

from __future__ import annotations

import json
import re
import shutil
from hashlib import sha256
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import CLIPModel, PreTrainedTokenizerFast, SegformerForSemanticSegmentation

from . import encoder, janus, segmenter
from .ar import state_of, tokenizer_state
from .diffusion_export import export_diffusion
from .loop import Plan
from .restore import READER
from .words import sentences
from .world import vocabulary

SHARD = "14MB"


def export_all(work: Path, out: Path) -> None:
    """Writes every part that has been trained in `work` to `out`, and the list of known words."""
    out.mkdir(parents=True, exist_ok=True)
    plan = Plan("export", work, 0, 1)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(work / "words")
    if (work / "ar" / "state.safetensors").exists():
        export_ar(plan, tokenizer, _emptied(out / "ar"))
    if (work / "encoder" / "state.safetensors").exists():
        model = CLIPModel(encoder.config(tokenizer))
        model.load_state_dict({k[5:]: v for k, v in state_of(plan, "encoder").items() if k.startswith("clip.")})
        model.half().save_pretrained(_emptied(out / "encoder"), max_shard_size=SHARD)
        tokenizer.save_pretrained(out / "encoder")
    if (work / "segmenter" / "state.safetensors").exists():
        found = SegformerForSemanticSegmentation(segmenter.config())
        found.load_state_dict(whole_state(plan, "segmenter"))
        found.half().save_pretrained(_emptied(out / "segmenter"), max_shard_size=SHARD)
    if (work / "diffusion" / "state.safetensors").exists():
        export_diffusion(plan, _emptied(out / "diffusion"))
    for folder in (f.parent for f in (*out.glob("*/config.json"), *out.glob("*/model_index.json"))):
        files = sorted(folder.rglob("*.safetensors"))
        sums = [f"{sha256(f.read_bytes()).hexdigest()}  {f.relative_to(folder).as_posix()}\n" for f in files]
        (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    for file in out.rglob("*"):
        file.chmod(0o755 if file.is_dir() else 0o644)
    (out / "words.json").write_text(json.dumps(known_words(), indent=0) + "\n", encoding="utf-8")


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def whole_state(plan: Plan, name: str) -> dict[str, torch.Tensor]:
    """Averaged weights, and what has no average (counters) as it was last."""
    return state_of(plan, name, "model.") | state_of(plan, name)


def export_ar(plan: Plan, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """The Janus checkpoint."""
    from .vision import Reader

    vision_state = {k[7:]: v for k, v in state_of(plan, "vision").items() if k.startswith("vision.")}
    state = whole_state(plan, "ar")
    layers = 1 + max(int(k.split(".")[3]) for k in state if k.startswith("model.language_model.layers."))
    model = janus.fresh(tokenizer, tokenizer_state(plan), vision_state, layers)
    model.reader = Reader(192)
    model.load_state_dict(state)
    model.model.vqmodel.load_state_dict(tokenizer_state(plan))
    save_file(model.reader.state_dict(), folder.parent / READER)
    del model.reader
    janus.export(model, tokenizer, folder)


def known_words() -> list[str]:
    """Every word that the training texts use."""
    phrases = [phrase for known in vocabulary().values() for phrase in known]
    words = set(re.findall(r"[a-z]+", " ".join(phrases).lower()))
    for sentence in sentences(60_000, seed=9):
        words |= set(re.findall(r"[a-z]+", re.sub(r"<\w+>", " ", sentence.lower())))
    return sorted(words)
