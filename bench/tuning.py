"""Trainings under the judge's eyes: the stop rule against a fixed length, a warm start against a cold one.

Every training runs its full length. At every sampling the product's own scores are kept, as the stop rule sees them,
and the judge reads pictures of other prompts and seeds, drawn by what has been learned so far. Afterwards the rule is
applied to the curve as the product applies it: where it would have stopped, which checkpoint it would have kept.
Beside it stands DVAR (Voronov et al. 2023, arXiv 2302.04841, section 4.2): stop when the loss on a fixed batch varies,
over a window, by less than a part of its variance so far.

`python -m limner.bench.tuning run FOLDER --method lora --subjects 6`, then `… report FOLDER`. A killed run goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import combinations, product
from math import sqrt
from pathlib import Path
from statistics import harmonic_mean, mean, pvariance, stdev
from typing import Any, cast

from ..memory.values import Scores
from ..tools.presets import load_preset
from ..tools.studio import Studio
from ..tools.training.config import TrainingConfig
from ..tools.training.front import Front, Point
from ..tools.training.tuned import Tuned
from ..tools.values import Drawn, DrawRequest, SubjectInput
from .judge.reader import Judge
from .plots import Series, plot
from .results import ResultFolder, Z, percent, table
from .storybook.drawing import subject_of
from .storybook.measures import drawing
from .storybook.trials import Asked, Trial, make_trial, more_prompts

STAGES = ("warm", "cold")
WINDOW, THRESHOLD = 4, 0.4
"""Of DVAR, in samplings."""
Row = Mapping[str, Any]
"""A point of a curve, with the judge's successes."""


class Watched:
    """One training of full length, judged at every sampling."""

    def __init__(self, studio: Studio, judge: Judge, method: Tuned, trial: Trial, asked: Sequence[Asked]) -> None:
        self.studio, self.judge, self.method, self.asked = studio, judge, method, asked
        self.subject = subject_of(studio, trial.name, trial.references, f"{trial.number}@1")
        self.success: list[list[bool]] = []
        self.probes: list[list[dict[str, Any]]] = [[]]

    def score(self, image: Any, subjects: Sequence[SubjectInput], prompt: str) -> Scores:
        """The product's score; at the end of a sampling the judge looks too."""
        scores = self.studio.score(image, subjects, prompt)
        kept = {name: scores.details.get(name) for name in ("thresholds", "phrases")}
        seen = {"subject": scores.subject, "text": scores.text, "copy": scores.copy, "verdict": scores.verdict}
        self.probes[-1].append(seen | kept)
        if len(self.probes[-1]) == cast(TrainingConfig, self.method.config).probes:
            self.success.append(self._judged())
            self.probes.append([])
        return scores

    def _judged(self) -> list[bool]:
        right = []
        for scene, prompt, seed in self.asked:
            request = DrawRequest(prompt, (self.subject,))
            made = next(d for d in self.method.draw(request, [seed], lambda: False) if isinstance(d, Drawn))
            copied = self.studio.score(made.image, (self.subject,), prompt).verdict == "copied"
            right.append(drawing(scene, self.judge.read([made.image])[0], copied)["success"])
        return right

    def run(self, scratch: Path, priors: Path) -> dict[str, Any]:
        """Trains; returns the curve with the judge's successes at each point."""
        priors.mkdir(exist_ok=True)
        began = time.process_time()
        lesson = self.studio.lesson(self.subject, scratch, priors, None, lambda: False)
        lesson.score = self.score
        for _ in self.method.fit(lesson):
            pass
        curve = json.loads((scratch / "curve.json").read_text(encoding="utf-8"))
        kept = zip(curve["points"], self.success, self.probes, strict=False)
        points = [{**p, "success": success, "probes": probes} for p, success, probes in kept]
        return {"points": points, "processor_seconds": round(time.process_time() - began, 1)}


def run(folder: Path, o: argparse.Namespace) -> None:
    """Measures what is not there yet: each subject begun warm and begun cold."""
    studio, judge = Studio(load_preset(o.preset)), Judge.load()
    method = cast(Tuned, studio.method(o.method))
    preset = cast(TrainingConfig, method.config)
    usual = replace(preset, most_steps=o.steps, patience=10**6)
    settings = {"preset": o.preset, "method": o.method, "model": studio.model_hash(o.method), "training": asdict(usual)}
    settings["patience"] = preset.patience
    settings |= {"pictures": o.pictures, "references": o.references, "seed": o.seed, "held_out": not o.seen}
    results = ResultFolder.begin(folder, json.loads(json.dumps(settings)))
    for number, stage in product(o.trials or range(o.subjects), o.stages):
        if (number, stage) in results.done:
            continue
        trial = make_trial(number, o.seed, o.references, not o.seen)
        asked = more_prompts(trial, "tuning", o.pictures, not o.seen)
        method.config = replace(usual, warm=stage == "warm")
        with tempfile.TemporaryDirectory() as scratch:
            row = Watched(studio, judge, method, trial, asked).run(Path(scratch), folder / "priors")
        results.add({"trial": number, "stage": stage, "right": {}, **row})
        print(f"{number} {stage}: {[sum(p['success']) for p in row['points']]}", file=sys.stderr, flush=True)
    studio.close()


def stopped(points: Sequence[Row], patience: int, least_gain: float) -> tuple[int, int]:
    """Indices of the point at which the product's rule stops, and of the one it keeps."""
    front = Front(patience, least_gain)
    for row in points:
        front.add(Point.of(row))
        if front.still:
            break
    kept = next(i for i, row in enumerate(points) if front.best is not None and row["step"] == front.best.step)
    return len(front.points) - 1, kept


def dvar(held: Sequence[float], window: int = WINDOW, threshold: float = THRESHOLD) -> int:
    """Index at which DVAR stops."""
    for end in range(window, len(held) + 1):
        whole = pvariance(held[:end])
        if whole == 0 or pvariance(held[end - window : end]) / whole < threshold:
            return end - 1
    return len(held) - 1


def ended(rule: str, points: Sequence[Row], patience: int) -> tuple[int, int]:
    """Indices of the point at which a rule ends a training, and of the one that it keeps."""
    if rule == "stop rule":
        return stopped(points, patience, TrainingConfig.least_gain)
    last = dvar([p["held"] for p in points]) if rule == "dvar" else len(points) - 1
    return last, last


def lost(points: Sequence[Row], kept: int) -> float:
    """By how much the run's best checkpoint beats the kept one.

    The best is chosen on one half of the judged pictures and compared on the other, and the other way round: the best
    of many on the same pictures would be best by luck.
    """
    shares = []
    for first in (0, 1):
        best = max(points, key=lambda p: mean(p["success"][first::2]))
        shares.append(mean(best["success"][1 - first :: 2]) - mean(points[kept]["success"][1 - first :: 2]))
    return mean(shares)


def interval(values: Sequence[float]) -> str:
    """A mean in percent with its 95 % interval over runs (normal approximation)."""
    spread = Z * stdev(values) / sqrt(len(values)) if len(values) > 1 else 1.0
    return f"{100 * mean(values):.1f} ({100 * (mean(values) - spread):.1f} .. {100 * (mean(values) + spread):.1f})"


def agreement(runs: Sequence[Sequence[Row]], ahead: Callable[[Row, Row], float]) -> tuple[float, int]:
    """Of two samplings of one training of which the judge prefers one: how often a measure prefers the same (a tie
    counts half), and of how many pairs. `ahead`: how far the second is ahead of the first."""
    right = []
    for points in runs:
        for old, new in combinations(points, 2):
            if better := sum(new["success"]) - sum(old["success"]):
                said = ahead(old, new) * better
                right.append(0.5 if said == 0 else float(said > 0))
    return (mean(right) if right else 0.0), len(right)


def by_value(old: Row, new: Row) -> float:
    """How far `new` is ahead by the product's measure."""
    return valued(new) - valued(old)


def by_value_then_loss(old: Row, new: Row) -> float:
    """The same; what the measure does not tell apart, by the loss: as a checkpoint is kept."""
    ahead = by_value(old, new)
    return ahead if abs(ahead) > TrainingConfig.least_gain else float(old["held"] - new["held"])


def by_thresholds(old: Row, new: Row) -> float:
    """How far `new` is ahead where every score is taken in proportion to its calibrated threshold."""

    def calibrated(row: Row) -> float:
        parts = []
        for probe in row["probes"]:
            limits, subject = probe["thresholds"], probe["subject"]
            if subject is None or probe["verdict"] == "copied":
                parts.append(0.0)
                continue
            text = subject if probe["text"] is None else probe["text"]
            parts.append(harmonic_mean([min(1.5, subject / limits["subject"]), min(1.5, text / limits["text"])]))
        return mean(parts)

    return calibrated(new) - calibrated(old)


MEASURES = {
    "the scores": by_value,
    "the scores, then the loss,": by_value_then_loss,
    "the scores by their thresholds": by_thresholds,
}
"""By which checkpoints could be compared."""


def reached(points: Sequence[Row], value: float, measure: Callable[[Row], float]) -> int | None:
    """The first step at which a measure reaches `value`."""
    return next((p["step"] for p in points if measure(p) >= value), None)


def warm_share(pairs: Sequence[tuple[Sequence[Row], Sequence[Row]]], measure: Callable[[Row], float]) -> list[float]:
    """The part of the cold start's steps in which the warm one reaches the best that the cold one reached; 1 if never.

    Cold starts that are best before the first step say nothing.
    """
    ratios = []
    for warm, cold in pairs:
        goal = max(map(measure, cold))
        late, early = reached(cold, goal, measure), reached(warm, goal, measure)
        if late:
            ratios.append(1.0 if early is None else min(1.0, early / late))
    return ratios


def judged(row: Row) -> float:
    """Share of successes by the judge."""
    return mean(row["success"])


def valued(row: Row) -> float:
    """The measure that the product goes by."""
    return float(row["value"])


def report(folder: Path) -> str:
    """The stop rule, DVAR and the warm start, how well the measure agrees with the judge; plots are written beside."""
    results = ResultFolder.read(folder)
    runs = {stage: {r["trial"]: r["points"] for r in results.rows if r["stage"] == stage} for stage in STAGES}
    patience = results.header["settings"]["patience"]
    head = ("in percent", "runs", "steps, of the fixed length", "success of what is kept", "less than the best")
    lines: list[Sequence[str]] = [head]
    for stage, rule in product(STAGES, ("stop rule", "dvar", "fixed length")):
        if some := list(runs[stage].values()):
            ends = [ended(rule, points, patience) for points in some]
            shares = [p[end]["step"] / max(1, p[-1]["step"]) for p, (end, _) in zip(some, ends, strict=True)]
            kept = [judged(p[best]) for p, (_, best) in zip(some, ends, strict=True)]
            less = [lost(p, best) for p, (_, best) in zip(some, ends, strict=True)]
            lines.append((f"{stage}, {rule}", str(len(some)), interval(shares), interval(kept), interval(less)))
    parts = [table(lines)]
    for stage in STAGES:
        for name, ahead in MEASURES.items():
            share, count = agreement(list(runs[stage].values()), ahead)
            if count:
                parts.append(f"{stage}: {name} agree with the judge in {percent(share)} of {count} pairs of samplings")
    pairs = [(runs["warm"][n], runs["cold"][n]) for n in runs["warm"] if n in runs["cold"]]
    for name, measure in (("by the judge", judged), ("by the product", valued)):
        if ratios := warm_share(pairs, measure):
            told = f"the cold start's best in {interval(ratios)} % of its steps"
            parts.append(f"warm start, {name}: {told}, {len(ratios)} runs")
    parts += map(str, plotted(folder, results.header["settings"]["method"], runs))
    return "\n\n".join(parts)


def plotted(folder: Path, method: str, runs: Mapping[str, Mapping[int, Sequence[Row]]]) -> list[Path]:
    """Score against training step: the mean over all runs, by the judge and by the product."""
    series = []
    for stage, name in product(STAGES, ("judge", "product")):
        some = list(runs[stage].values())
        steps = sorted({p["step"] for points in some for p in points})
        measure = judged if name == "judge" else valued
        at = [(s, [measure(p) for points in some for p in points if p["step"] == s]) for s in steps]
        series.append(Series(f"{stage}, {name}", [(s, mean(v)) for s, v in at], dashed=name == "product"))
    count = max(map(len, runs.values()))
    title = f"{method}: score against training step, {count} subjects"
    return plot(folder / "score-against-step", title, "training step", "success; the product's measure", series)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.tuning", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=["run", "report"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--preset", default="starter")
    parser.add_argument("--method", default="lora")
    parser.add_argument("--subjects", type=int, default=12)
    parser.add_argument("--trials", type=int, nargs="+", help="these subjects instead of the first ones")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("--steps", type=int, default=TrainingConfig.most_steps)
    parser.add_argument("--pictures", type=int, default=12, help="judged at every sampling")
    parser.add_argument("--references", type=int, default=1)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--seen", action="store_true", help="subjects of the training side, for tuning")
    o = parser.parse_args(arguments)
    if o.what == "run":
        run(o.folder, o)
    print(report(o.folder))


if __name__ == "__main__":
    main()
