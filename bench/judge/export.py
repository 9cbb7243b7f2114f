"""From a training state to weights with thresholds, and the report on held-out pictures."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ...starter.tokenizer import to_pixels
from ...starter.world import PLACES, TIMES, Scene, change, render, sample_scene, sample_subject
from .attributes import FIGURE, SETTING, attributes, figure_classes, setting_classes
from .network import JudgeNetwork
from .reader import Judge, overlap
from .through import Tokens
from .training import blur, jpeg, rescale

REFUSED = 0.005
"""Part of its right answers on slightly spoilt pictures that a threshold may cost."""
LOWEST, HIGHEST = 0.4, 0.9
"""Bounds of a threshold."""


def sample(count: int, seed: str, held_out: bool, pairs: float = 0.25) -> list[Scene]:
    """Scenes of one or two figures, all seen or all unseen (subjects and settings)."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        figures = 2 if rng.random() < pairs else 1
        made.append(sample_scene(rng, [sample_subject(rng, held_out) for _ in range(figures)], held_out))
    return made


def draw(scenes: list[Scene]) -> tuple[Tensor, Tensor]:
    """Pixels `[n, 3, 64, 64]` in -1..1 and the figures' masks `[n, 64, 64]` (bool)."""
    pictures = [render(scene) for scene in scenes]
    masks = np.stack([np.any([np.asarray(mask) > 127 for mask in p.masks], axis=0) for p in pictures])
    return to_pixels(np.stack([np.asarray(p.image) for p in pictures])), torch.from_numpy(masks)


def conditions(pixels: Tensor, tokens: Tokens | None) -> dict[str, Tensor]:
    """The same pictures as they are and spoilt in known ways."""
    made = {
        "raw": pixels,
        "blurred": blur(pixels, 0.8),
        "blurred_more": blur(pixels, 1.2),
        "half_size": rescale(pixels, 32),
        "jpeg": jpeg(pixels, np.full(len(pixels), 50)),
    }
    if tokens is not None:
        made["tokenizer"] = torch.cat([tokens(part) for part in pixels.split(64)])
    return made


def _confidences(
    setting: dict[str, Tensor], figure: dict[str, Tensor], scenes: list[Scene]
) -> dict[str, tuple[Tensor, Tensor]]:
    """From logits: attribute -> (confidence, whether it is right), over all pictures and figures that are there."""
    truth_setting = torch.tensor([setting_classes(s) for s in scenes])
    truth_figure = torch.tensor([figure_classes(s) for s in scenes])
    found = {}
    for i, name in enumerate(SETTING):
        confidence, index = setting[name].softmax(-1).max(-1)
        found[name] = (confidence, index == truth_setting[:, i])
    for i, name in enumerate(FIGURE):
        confidence, index = figure[name].softmax(-1).max(-1)
        known = truth_figure[:, :, i] >= 0
        found[name] = (confidence[known], (index == truth_figure[:, :, i])[known])
    return found


def calibrate(judge: Judge, tokens: Tokens | None) -> dict[str, float]:
    """A threshold for each attribute, from pictures of the seen side."""
    scenes = sample(300, "judge thresholds", held_out=False)
    pixels, _ = draw(scenes)
    answers = [_confidences(*judge.logits(made)[:2], scenes) for made in conditions(pixels, tokens).values()]
    thresholds = {}
    for name in answers[0]:
        confidence = torch.cat([a[name][0] for a in answers])
        right = torch.cat([a[name][1] for a in answers])
        level = float(torch.quantile(confidence[right], REFUSED))
        thresholds[name] = round(min(max(level, LOWEST), HIGHEST), 3)
    return thresholds


def export(state: Path, weights: Path, tokenizer: Path | None) -> None:
    """Writes a training state's averaged weights as fp16, with attributes and thresholds in the header."""
    tensors = {k[8:]: v.half() for k, v in load_file(state).items() if k.startswith("average.")}
    network = JudgeNetwork()
    network.load_state_dict({k: v.float() for k, v in tensors.items()})
    judge = Judge(network, dict.fromkeys(SETTING | FIGURE, 0.0))
    thresholds = calibrate(judge, Tokens.load(tokenizer) if tokenizer else None)
    record = {"attributes": attributes(), "thresholds": thresholds}
    fresh = weights.with_suffix(".new")
    save_file({k: v.contiguous() for k, v in tensors.items()}, fresh, metadata={"record": json.dumps(record)})
    os.replace(fresh, weights)


def accuracy(judge: Judge, pixels: Tensor, scenes: list[Scene], masks: Tensor) -> dict[str, float]:
    """Share of right answers an attribute ("cannot tell" is wrong), and of the figures' masks."""
    setting, figure, regions = judge.logits(pixels)
    found = _confidences(setting, figure, scenes)
    result = {
        name: round(float((right & (confidence >= judge.thresholds[name])).float().mean()), 4)
        for name, (confidence, right) in found.items()
    }
    region = regions.argmax(1) == 1
    both, either = (region & masks).sum((1, 2)), (region | masks).sum((1, 2))
    result["mask_iou"] = round(float((both / either.clamp(min=1)).mean()), 4)
    return result


def _steadiness(judge: Judge, scenes: list[Scene], tokens: Tokens | None) -> dict[str, float]:
    """What a faultless edit scores: of the true edits that leave the figure in place, the share after which its
    old and new mask overlap by 0.7 and more."""
    rng = random.Random("judge steadiness")
    pairs = []
    for scene in (s for s in scenes if len(s.figures) == 1):
        what = rng.choice(("time", "place", "accessory"))
        new = {"time": rng.choice(TIMES), "place": rng.choice(PLACES), "accessory": "none"}[what]
        pairs.append((scene, change(scene, what, new)))
    result = {}
    for name in ("raw", "tokenizer") if tokens else ("raw",):
        sides = []
        for side in zip(*pairs, strict=True):
            pixels, _ = draw(list(side))
            if name == "tokenizer" and tokens:
                pixels = torch.cat([tokens(part) for part in pixels.split(64)])
            sides.append(judge.read_pixels(pixels))
        found = [overlap(old, new) for old, new in zip(*sides, strict=True)]
        result[name] = round(float(np.mean([value >= 0.7 for value in found])), 4)
    return result


def write_report(weights: Path, file: Path, tokenizer: Path | None, count: int = 600) -> str:
    """Measures the judge on held-out subjects in held-out settings and writes what it found; returns it."""
    judge = Judge.load(weights)
    tokens = Tokens.load(tokenizer) if tokenizer else None
    scenes = sample(count, "judge report", held_out=True)
    pixels, masks = draw(scenes)
    report = {
        "pictures": count,
        "of": "held-out subjects in held-out settings, a quarter with two figures",
        "counts_as_wrong": "a wrong answer, and a right one below the attribute's threshold",
        "accuracy": {name: accuracy(judge, made, scenes, masks) for name, made in conditions(pixels, tokens).items()},
        "overlap_after_a_true_edit": _steadiness(judge, scenes[:400], tokens),
        "thresholds": judge.thresholds,
        "parameters": sum(p.numel() for p in judge.network.parameters()),
        "bytes": weights.stat().st_size,
    }
    text = json.dumps(report, indent=1)
    file.write_text(text + "\n", encoding="utf-8")
    return text
