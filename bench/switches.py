"""What stays in memory when models are changed over and over: `limner bench switches`.

Two random models of a given size are loaded and freed in turn, as a preset with two large models does while one talks.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..tools.machine import machine
from ..tools.presets import ModelSpec, load_preset
from ..tools.shelf import Shelf, prepare_libraries


def resident() -> int:
    """Bytes of memory that this process holds, as Linux tells it."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def random_model(folder: Path, megabytes: int) -> Path:
    """A CLIP of about that size, its tokenizer the starter's."""
    from transformers import CLIPConfig, CLIPModel

    own = load_preset("starter").models["encoder"].folder
    shutil.copytree(own, folder, ignore=shutil.ignore_patterns("*.safetensors", "SHA256SUMS"))
    config = CLIPConfig.from_pretrained(own)
    # A layer has twelve times its width squared in 32-bit weights.
    layers = max(1, megabytes * 1_000_000 // (4 * 12 * 1024**2))
    for part in (config.text_config, config.vision_config):
        part.hidden_size, part.intermediate_size, part.num_attention_heads = 1024, 4096, 16
        part.num_hidden_layers = max(1, layers // 2)
    CLIPModel(config).save_pretrained(folder)
    return folder


def switches(folder: Path, megabytes: int, count: int) -> dict[str, object]:
    """Loads two models in turn; megabytes held after each was freed."""
    prepare_libraries(1)
    specs = [ModelSpec("clip", random_model(folder / f"model{i}", megabytes)) for i in range(2)]
    held: list[float] = []
    for number in range(count):
        preset = replace(load_preset("starter"), models={"encoder": specs[number % 2]})
        shelf = Shelf(preset, machine())
        model: Any = shelf.get("encoder")
        # Every weight is read, or the pages of the file would never come in.
        assert all(bool(weight.isfinite().all()) for weight in model.model.parameters())
        loaded = resident()
        del model
        shelf.close()
        held.append(resident() / 1e6)
    size = sum(file.stat().st_size for file in specs[0].folder.glob("*.safetensors")) / 1e6
    growth = held[-1] / held[0] - 1
    return {
        "benchmark": "switches", "family": "clip",
        "model_mb": round(size), "switches": count, "loaded_mb": round(loaded / 1e6),
        "held_after_first_mb": round(held[0]),
        "held_after_last_mb": round(held[-1]), "growth": round(growth, 4), "target": 0.03,
    }  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="limner bench switches", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=500, help="size of each model (500)")
    parser.add_argument("--switches", type=int, default=50, help="changes from one to the other (50)")
    chosen = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(switches(Path(folder), chosen.megabytes, max(1, chosen.switches)), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
