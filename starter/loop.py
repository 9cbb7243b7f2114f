"""The training loop that all starter recipes share.

The schedule follows the clock, not the step: a warm-up, a plateau, and a linear decay over the last part (`decay`) of
`minutes`. Weights, their moving average and the optimizers' state are kept in safetensors, complete or absent,
every two minutes; a killed run goes on from there, and a longer `minutes` continues a finished one. Every start, also
one without the optimizers' state, raises the rate over its first steps.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

from .optim import optimizers


@dataclass(frozen=True)
class Plan:
    """How one model is trained. `minutes` counts wall-clock time over all sessions."""

    name: str
    work: Path
    minutes: float
    batch: int
    device: str = "cpu"
    lr: float = 1.5e-3
    muon_lr: float = 0.02
    weight_decay: float = 0.0
    average: float = 0.998
    decay: float = 0.5
    seed: int = 0
    processes: int = 1
    evaluate_minutes: float = 4.0

    @property
    def folder(self) -> Path:
        return self.work / self.name


class Task(Protocol):
    """One model and what it learns from. `fraction` is the elapsed part of the plan, 0..1."""

    model: nn.Module

    def loss(self, fraction: float) -> tuple[Tensor, dict[str, float]]: ...

    def evaluate(self) -> dict[str, float]: ...


RISE = 50
"""Steps over which a run that starts, or starts again, comes to its learning rate."""


def rate(fraction: float, decay: float = 0.5) -> float:
    """Multiplier of the learning rate at `fraction` of the time, `decay` being the last part, over which it falls."""
    if fraction < 0.01:
        return fraction / 0.01
    return 1.0 if fraction < 1 - decay else max(0.02, (1 - fraction) / decay)


def save_state(folder: Path, task: Task, average: dict[str, Tensor], made: list, record: dict) -> None:
    """Writes weights, moving average, optimizer state and the clock; each file replaces the old one at once."""
    tensors = {f"model.{k}": v.contiguous().clone() for k, v in task.model.state_dict().items()}
    tensors |= {f"average.{k}": v.clone() for k, v in average.items()}
    for i, optimizer in enumerate(made):
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{i}.{index}.{k}": v.clone() for k, v in state.items()}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "state.new", metadata={"record": json.dumps(record)})
    os.replace(folder / "state.new", folder / "state.safetensors")


def load_state(folder: Path, task: Task, average: dict[str, Tensor], made: list) -> dict:
    """Restores what `save_state` wrote; returns its record, or a fresh one where there is none."""
    file = folder / "state.safetensors"
    if not file.exists():
        return {"step": 0, "seconds": 0.0}
    from safetensors import safe_open

    with safe_open(file, "pt") as opened:
        record = json.loads(opened.metadata()["record"])
    tensors = load_file(file)
    task.model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
    for k in average:
        average[k].copy_(tensors[f"average.{k}"])
    for i, optimizer in enumerate(made):
        state: dict[int, dict[str, Tensor]] = {}
        for k, v in tensors.items():
            if k.startswith(f"optimizer.{i}."):
                _, _, index, name = k.split(".")
                state.setdefault(int(index), {})[name] = v
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return record


def _share_gradients(model: nn.Module) -> None:
    """Averages the gradients of all processes."""
    # A batch need not touch every part of the model, and not the same parts in every process.
    trained = [p for p in model.parameters() if p.requires_grad]
    flat = torch.cat([torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in trained])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    start = 0
    for p in trained:
        p.grad = flat[start : start + p.numel()].view_as(p)
        start += p.numel()


def _report(folder: Path, row: dict) -> None:
    with open(folder / "curve.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    print(" ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()), flush=True)


class _Clock:
    """Elapsed training seconds, agreed upon by all processes."""

    def __init__(self, before: float) -> None:
        self.start = time.monotonic() - before

    def seconds(self) -> float:
        now = torch.tensor([time.monotonic() - self.start], dtype=torch.float64)
        if dist.is_initialized():
            dist.broadcast(now, 0)
        return float(now)


def run(plan: Plan, build: Callable[[Plan, int], Task], rank: int = 0) -> None:
    """Trains until the plan's minutes are spent. `build(plan, rank)` makes the task."""
    torch.manual_seed(plan.seed * 1000 + rank)
    task = build(plan, rank)
    average = {k: v.detach().clone() for k, v in task.model.state_dict().items() if v.is_floating_point()}
    made = optimizers(task.model, plan.lr, plan.muon_lr, plan.weight_decay)
    record = load_state(plan.folder, task, average, made)
    plan.folder.mkdir(parents=True, exist_ok=True)
    clock, step = _Clock(record["seconds"]), record["step"]
    began = step
    seconds = clock.seconds()
    marks = {"report": seconds, "save": seconds, "evaluate": seconds}
    sums: dict[str, float] = {}
    count = 0
    while seconds < plan.minutes * 60:
        fraction = seconds / (plan.minutes * 60)
        loss, metrics = task.loss(fraction)
        for optimizer in made:
            for group in optimizer.param_groups:
                group["lr"] = group["base_lr"] * rate(fraction, plan.decay) * min(1.0, (step - began + 1) / RISE)
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if dist.is_initialized():
            _share_gradients(task.model)
        nn.utils.clip_grad_norm_(task.model.parameters(), 1.0)
        for optimizer in made:
            optimizer.step()
        keep = min(plan.average, (step + 1) / (step + 10))
        with torch.no_grad():
            for k, v in task.model.state_dict().items():
                if k in average:
                    average[k].lerp_(v, 1 - keep)
        step, seconds, count = step + 1, clock.seconds(), count + 1
        for k, v in {"loss": float(loss.detach()), **metrics}.items():
            sums[k] = sums.get(k, 0.0) + v
        if rank != 0:
            continue
        if seconds - marks["report"] > 30:
            speed = count * plan.batch * plan.processes / (seconds - marks["report"])
            row = {"step": step, "minutes": round(seconds / 60, 2), "pictures_s": speed}
            _report(plan.folder, row | {k: v / count for k, v in sums.items()})
            marks["report"], sums, count = seconds, {}, 0
        if seconds - marks["save"] > 120:
            save_state(plan.folder, task, average, made, {"step": step, "seconds": seconds})
            marks["save"] = seconds
        if seconds - marks["evaluate"] > plan.evaluate_minutes * 60:
            evaluate(plan, task, average, step, seconds)
            marks["evaluate"] = seconds
    if rank == 0:
        save_state(plan.folder, task, average, made, {"step": step, "seconds": seconds})
        evaluate(plan, task, average, step, seconds)


def evaluate(plan: Plan, task: Task, average: dict[str, Tensor], step: int, seconds: float) -> None:
    """Reports the task's measures of the averaged weights, then puts the trained ones back."""
    trained = {k: v.clone() for k, v in task.model.state_dict().items()}
    task.model.load_state_dict(trained | average)
    task.model.eval()
    try:
        with torch.no_grad():
            _report(plan.folder, {"step": step, "minutes": round(seconds / 60, 2), "evaluated": True} | task.evaluate())
    finally:
        task.model.load_state_dict(trained)
        task.model.train()


def _end_with(parent: int) -> None:
    """Ends this process when `parent` is gone: a killed run must not go on, unseen, in its children."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _worker(rank: int, plan: Plan, build: Callable[[Plan, int], Task], port: int) -> None:
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    torch.set_num_threads(1)
    if plan.processes > 1:
        dist.init_process_group(
            "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=plan.processes
        )
    run(plan, build, rank)


def launch(plan: Plan, build: Callable[[Plan, int], Task]) -> None:
    """Runs the plan in its number of processes. On a CPU two processes of one thread beat one of two."""
    if plan.processes == 1:
        if plan.device == "cpu":
            torch.set_num_threads(1)
        run(plan, build)
        return
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    spawn(_worker, (plan, build, port), nprocs=plan.processes)
