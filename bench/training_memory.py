"""What a training takes of memory, beside what is forecast: `limner bench training_memory`.

The starter's pipeline with a random U-Net of a given size is trained a few steps; Linux tells the process's peak.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..memory.values import Scores
from ..tools.machine import machine
from ..tools.presets import Preset, load_preset
from ..tools.studio import Studio
from ..tools.trainable import training_bytes
from ..tools.values import SubjectInput

WIDTH = 768
"""Channels of a U-Net of 118 million weights."""


def _says(field: str) -> int:
    """Bytes, of what Linux tells about this process."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) * 1024


def wide(folder: Path, width: int, precision: str) -> tuple[Preset, int]:
    """The starter with a random U-Net so wide, without the image adapter that would not fit it; its weights' number."""
    from diffusers import UNet2DConditionModel

    preset = load_preset("starter")
    spec = preset.models["diffusion"]
    shutil.copytree(spec.folder, folder, ignore=shutil.ignore_patterns("unet", "models"))
    config = UNet2DConditionModel.load_config(spec.folder / "unet", local_files_only=True)
    made: Any = UNet2DConditionModel.from_config(
        {**config, "block_out_channels": [width, *(2 * width for _ in config["block_out_channels"][1:])],
         "encoder_hid_dim_type": None}
    )  # fmt: skip
    made.half().save_pretrained(folder / "unet")
    count = sum(weight.numel() for weight in made.parameters())
    spec = replace(spec, folder=folder, settings={**spec.settings, "precision": precision}, memory=2 * count / 1e9,
                   largest=2 * count / 1e9)  # fmt: skip
    brief = {"most_steps": 4, "batch": 2, "sample_every": 2, "probes": 1, "priors": 2, "checkpointing": True}
    return replace(preset, models={**preset.models, "diffusion": spec}, training={"dreambooth": brief, "lora": brief},
                   methods=("lora", "dreambooth")), count  # fmt: skip


def measure(method: str, precision: str, width: int) -> dict[str, object]:
    """Trains in this process; bytes a weight of the U-Net beyond what was there before, and those forecast."""
    import peft  # noqa: F401  # what only has to be imported is no part of it
    from PIL import Image

    with tempfile.TemporaryDirectory() as scratch:
        preset, count = wide(Path(scratch) / "model", width, precision)
        known = SubjectInput("Pip", "dog", (Image.new("RGB", (64, 64), "red"),), key="a@1")
        studio = Studio(preset)
        studio.encoder.images([Image.new("RGB", (64, 64))])
        lesson = studio.lesson(known, Path(scratch), Path(scratch) / "priors", None, lambda: False)
        lesson.score = lambda *about: Scores(subject=0.5, text=0.5)
        before = _says("VmRSS")
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        for _ in studio.method(method).fit(lesson):
            pass
        peak = _says("VmHWM") - before
        forecast = training_bytes(preset, method, machine())
    return {
        "benchmark": "training_memory", "method": method, "precision": precision, "weights": count,
        "peak_bytes_a_weight": round(peak / count, 1), "forecast_bytes_a_weight": round(forecast / count, 1),
    }  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="limner bench training_memory", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--width", type=int, default=WIDTH, help="channels of the U-Net (768: 118 million weights)")
    width = parser.parse_args(argv).width
    # A process each: what one has held would count for the next.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for method in ("lora", "dreambooth"):
            for precision in ("bfloat16", "float32"):
                print(json.dumps(pool.apply(measure, (method, precision, width))), flush=True)
    return 0
