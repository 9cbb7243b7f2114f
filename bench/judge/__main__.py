"""Trains the judge and writes its report: `python -m limner.bench.judge --minutes M --work DIR`.

DIR holds (or gets) the rendered pool. A killed run goes on; more minutes continue a finished one.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import torch

from ...starter.loop import Plan, launch
from ...starter.pool import write_pool
from .export import export, write_report
from .training import JudgeTask

HERE = Path(__file__).parent


def _build(plan: Plan, rank: int, tokens: Path | None) -> JudgeTask:
    return JudgeTask(plan, rank, tokens)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m limner.bench.judge", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="wall-clock minutes over all runs")
    parser.add_argument("--work", type=Path, required=True, help="folder of the pool and the training state")
    parser.add_argument("--tokenizer", type=Path, help="tokenizer weights: pictures are sent through it too")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE, help="where weights and report go")
    parser.add_argument("--report-only", action="store_true", help="measure the weights that are there")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    weights = arguments.out / "weights.safetensors"
    if not arguments.report_only:
        write_pool(arguments.work / "pool")
        plan = Plan("judge", arguments.work, arguments.minutes, arguments.batch, average=0.995)
        launch(plan, partial(_build, tokens=arguments.tokenizer))
        export(plan.folder / "state.safetensors", weights, arguments.tokenizer)
    print(write_report(weights, arguments.out / "report.json", arguments.tokenizer))


if __name__ == "__main__":
    main()
