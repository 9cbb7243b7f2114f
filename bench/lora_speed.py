"""A LoRA step against the loop of diffusers' example script, `train_dreambooth_lora.py`, written again here.

Both on the same weights, layers, rank and batch, in one run and taking turns: `python -m limner.bench.lora_speed`.
The script's defaults are kept: batch 4, rank 4, 32-bit precision, AdamW, pictures read and resized for every batch,
latents and text embeddings computed at every step, gradients clipped at 1. (The script itself wants torchvision; the
two transforms it takes from there are done with Pillow.) Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, cast

from PIL import Image

from ..starter.world import render
from ..tools.methods.lora import Lora, LoraConfig
from ..tools.presets import load_preset
from ..tools.studio import Studio
from ..tools.values import SubjectInput
from .results import versions
from .storybook.trials import make_trial

BATCH, RANK, TARGETS = 4, 4, ("to_k", "to_q", "to_v", "to_out.0")
AIM = 3.0
Step = Callable[[], Any]


def script_step(pipe: Any, pictures: list[Path], prompt: str) -> tuple[Step, Callable[[], None]]:
    """One step as the script's loop does it, and what takes its LoRA out again."""
    import numpy as np
    import torch
    import torch.nn.functional as F
    from diffusers import DDPMScheduler

    from ..tools.training.parts import LowRank

    unet, vae, reader, side = pipe.unet, pipe.vae, pipe.text_encoder, pipe.unet.config.sample_size
    side *= pipe.vae_scale_factor
    lora = LowRank(unet, TARGETS, RANK)
    lora.start()
    parameters = list(lora.parameters().values())
    optimizer = torch.optim.AdamW(parameters, lr=5e-4, betas=(0.9, 0.999), weight_decay=1e-2, eps=1e-8)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    noising = DDPMScheduler.from_config(pipe.scheduler.config)
    empty: dict[str, Any] = {}
    if getattr(pipe, "image_encoder", None) is not None:
        pipe.set_ip_adapter_scale(0.0)
        width = pipe.image_encoder.config.projection_dim
        empty = {"added_cond_kwargs": {"image_embeds": [torch.zeros(BATCH, 1, width)]}}
    count = 0

    def read(number: int) -> torch.Tensor:
        with Image.open(pictures[number % len(pictures)]) as picture:
            small = picture.convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.asarray(small).copy()).permute(2, 0, 1).float() / 127.5 - 1

    def step() -> None:
        nonlocal count
        pixels = torch.stack([read(count + i) for i in range(BATCH)]).contiguous()
        count += BATCH
        ids = pipe.tokenizer(
            [prompt] * BATCH, truncation=True, padding="max_length", max_length=pipe.tokenizer.model_max_length,
            return_tensors="pt",
        ).input_ids  # fmt: skip
        latents = vae.encode(pixels).latent_dist.sample() * vae.config.scaling_factor
        noise = torch.randn_like(latents)
        times = torch.randint(0, noising.config.num_train_timesteps, (BATCH,)).long()
        noisy = noising.add_noise(latents, noise, times)
        words = reader(ids)[0]
        made = unet(noisy, times, words, **empty, return_dict=False)[0]
        wanted = noise
        if noising.config.prediction_type == "v_prediction":
            wanted = noising.get_velocity(latents, noise, times)
        F.mse_loss(made.float(), wanted.float(), reduction="mean").backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()

    return step, lora.remove


def our_step(method: Lora, studio: Studio, subject: SubjectInput, scratch: Path) -> tuple[Step, Step]:
    """One step of `tools.training`, and what takes its LoRA out again."""
    config = replace(
        cast(LoraConfig, method.config), batch=BATCH, rank=RANK, targets=TARGETS, text_targets=(), priors=0,
        precision="float32", warm=False,
    )  # fmt: skip
    method.config = config
    lesson = studio.lesson(subject, scratch, scratch, None, lambda: False)
    made: Any = method._material(lesson, config)
    while True:
        try:
            next(made)
        except StopIteration as end:
            made = end.value
            break
    held = method._parts(subject, False, made.noun, None)
    training = method._training(lesson, made, held.__enter__(), config)
    return training._one_step, lambda: held.__exit__(None, None, None)


def measure(preset: str, runs: int, rounds: int = 5) -> dict[str, Any]:
    """Seconds of a step by each loop, medians over `rounds` turns of `runs` steps, in wall and processor time."""
    import torch

    studio = Studio(load_preset(preset))
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        trial = make_trial(0, references=3)
        pictures = [render(scene).image for scene in trial.references]
        files = [scratch / f"{i}.png" for i in range(len(pictures))]
        for picture, file in zip(pictures, files, strict=True):
            picture.save(file)
        prepared = [studio.prepare(picture) for picture in pictures]
        masks = tuple(p.mask for p in prepared)
        subject = SubjectInput(trial.name, trial.subject.kind, tuple(pictures), masks, key="speed@1")
        method, threads = cast(Lora, studio.method("lora")), torch.get_num_threads()
        times: dict[str, list[tuple[float, float]]] = {"script": [], "ours": [], "script_all_threads": []}
        for _ in range(rounds):
            for name, found in times.items():
                # The script sets no number of threads, so it takes all; with as many as ours it is "script".
                torch.set_num_threads(os.cpu_count() or 1 if name == "script_all_threads" else threads)
                if name.startswith("script"):
                    step, remove = script_step(cast(Any, method.model).pipe, files, f"a photo of sks {subject.kind}")
                else:
                    step, remove = our_step(method, studio, subject, scratch)
                step()
                wall, processor = time.perf_counter(), time.process_time()
                for _ in range(runs):
                    step()
                found.append(((time.perf_counter() - wall) / runs, (time.process_time() - processor) / runs))
                remove()
    wall_of = {name: median(w for w, _ in found) for name, found in times.items()}
    cost = {name: median(c for _, c in found) for name, found in times.items()}
    return {
        "batch": BATCH,
        "rank": RANK,
        "seconds": {name: round(s, 5) for name, s in wall_of.items()},
        "processor_seconds": {name: round(s, 5) for name, s in cost.items()},
        "over_ours": {n: round(wall_of[n] / wall_of["ours"], 2) for n in ("script", "script_all_threads")},
        "over_ours_processor": {n: round(cost[n] / cost["ours"], 2) for n in ("script", "script_all_threads")},
        "aim": AIM,
        "model": studio.model_hash("lora"),
        "load": [round(v, 2) for v in os.getloadavg()],
        "threads": torch.get_num_threads(),
        "versions": versions(),
    }


def main() -> None:
    """Parse the command line and print one JSON object."""
    parser = argparse.ArgumentParser(
        prog="python -m limner.bench.lora_speed", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--preset", default="starter")
    parser.add_argument("--runs", type=int, default=10, help="steps a turn")
    options = parser.parse_args()
    print(json.dumps(measure(options.preset, options.runs), indent=1))


if __name__ == "__main__":
    main()
