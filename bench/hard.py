"""Training where the image adapter fails: hard subjects, chosen on some prompts and compared on others.

IP-Adapter draws each subject with the prompts of one set; the worse half by the judge are the hard subjects (of equals
those with fewer right attributes). Then IP-Adapter and a trained method draw those with the prompts of another set and
other seeds, one candidate each. A training that keeps nothing leaves its subject to IP-Adapter, as the product does.

`python -m limner.bench.hard run FOLDER --method lora --subjects 60`, then `… report FOLDER`. A killed run goes on.
With `--seen` they are subjects of the training side, on which settings are tried: `--settings '{"rank": 4}'`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Any, cast

from ..memory.values import Adapter
from ..tools.presets import load_preset
from ..tools.studio import Studio
from ..tools.training.front import Front, Point
from ..tools.training.tuned import Tuned
from ..tools.values import DrawRequest, SubjectInput
from .judge.reader import Judge
from .results import ResultFolder, Z, percent, table
from .storybook.drawing import Artist, subject_of
from .storybook.measures import ASKED, SPOKEN, drawing
from .storybook.running import settings_of
from .storybook.trials import Trial, make_trial, more_prompts

ADAPTER = "ip_adapter"
CHOOSE, COMPARE = "choose", "compare"
"""The two sets of prompts."""
ATTRIBUTES = tuple(SPOKEN.get(name, name) for name in ASKED if name != "pattern")
"""What is looked at to see which of two subjects is harder, and why."""


class Bench:
    """One run."""

    def __init__(self, studio: Studio, results: ResultFolder) -> None:
        self.studio, self.results, self.judge = studio, results, Judge.load()
        about = results.header["settings"]
        self.seed, self.references, self.held_out = about["seed"], about["references"], about["held_out"]
        self.prompts = about["prompts"]

    def trial(self, number: int) -> Trial:
        return make_trial(number, self.seed, self.references, self.held_out)

    def subject(self, trial: Trial) -> SubjectInput:
        return subject_of(self.studio, trial.name, trial.references, f"{trial.number}@1")

    def drawn(self, subject: SubjectInput, trial: Trial, what: str, method: str) -> dict[str, Any]:
        """The pictures of one set of prompts, judged: successes, and what else was right in how many."""
        success, right, seconds = [], Counter[str](), 0.0
        with Artist(self.studio, method) as artist:
            for scene, prompt, seed in more_prompts(trial, what, self.prompts, self.held_out):
                made, scores, _, spent = artist.draw(DrawRequest(prompt, (subject,), seed=seed))
                found = drawing(scene, self.judge.read([made.image])[0], scores.verdict == "copied")
                success.append(found["success"])
                right.update(name for name in (*ATTRIBUTES, "not copied") if found[name])
                seconds += spent
        return {"right": {}, "success": success, "attributes": dict(right), "seconds": round(seconds, 2)}

    def choose(self, subjects: int) -> list[int]:
        """Lets IP-Adapter draw all subjects; the hard ones."""
        for number in range(subjects):
            if (number, CHOOSE) not in self.results.done:
                trial = self.trial(number)
                found = self.drawn(self.subject(trial), trial, CHOOSE, ADAPTER)
                self.results.add({"trial": number, "stage": CHOOSE, **found})
        return hard(self.results.rows, subjects)

    def adapter(self, number: int) -> None:
        """Compares: IP-Adapter."""
        if (number, ADAPTER) not in self.results.done:
            trial = self.trial(number)
            found = self.drawn(self.subject(trial), trial, COMPARE, ADAPTER)
            self.results.add({"trial": number, "stage": ADAPTER, **found})

    def trained(self, number: int, method: str, stage: str) -> None:
        """Compares: a method that trains until it stops itself."""
        if (number, stage) in self.results.done:
            return
        trial = self.trial(number)
        subject = self.subject(trial)
        with tempfile.TemporaryDirectory() as scratch:
            wall, began = time.monotonic(), time.process_time()
            learned = self._learn(subject, method, Path(scratch))
            spent = {"training": round(time.process_time() - began, 1), "wall": round(time.monotonic() - wall, 1)}
            if learned is None:
                before = next(r for r in self.results.rows if (r["trial"], r["stage"]) == (number, ADAPTER))
                found = {name: before[name] for name in ("right", "success", "attributes", "seconds")}
            else:
                found = self.drawn(replace(subject, adapters=(learned,)), trial, COMPARE, method)
            curve = json.loads((Path(scratch) / "curve.json").read_text(encoding="utf-8"))
        facts = {name: curve[name] for name in ("steps", "best_step", "ended", "noun")}
        facts["config"] = asdict(self.studio.method(method).config)
        self.results.add({"trial": number, "stage": stage, **found, **spent, **facts, "points": curve["points"]})

    def _learn(self, subject: SubjectInput, method: str, scratch: Path) -> Adapter | None:
        """What the method keeps of a training, with the prior pictures of earlier ones."""
        kept, chosen = self.results.folder / "priors", cast(Tuned, self.studio.method(method))
        kept.mkdir(exist_ok=True)
        fitting = chosen.fit(self.studio.lesson(subject, scratch, kept, None, lambda: False))
        while True:
            try:
                next(fitting)
            except StopIteration as end:
                learned = end.value
                break
        if learned is None or learned.folder is None:
            return None
        folder = shutil.copytree(learned.folder, scratch / "adapter")
        model = self.studio.model_hash(method)
        return Adapter(f"{subject.key} {time.time_ns()}", method, folder, model, 1, learned.scores, facts=learned.facts)


def hard(rows: Sequence[Mapping[str, Any]], subjects: int) -> list[int]:
    """The worse half of the first `subjects`, the hardest first."""
    chosen = [row for row in rows if row["stage"] == CHOOSE and row["trial"] < subjects]
    chosen.sort(key=lambda row: (sum(row["success"]), sum(row["attributes"].values()), row["trial"]))
    return [row["trial"] for row in chosen[: len(chosen) // 2]]


def run(folder: Path, o: argparse.Namespace) -> None:
    """Measures what is not there yet."""
    given = json.loads(o.settings)
    studio = Studio(load_preset(o.preset))
    try:
        about = asdict(settings_of(studio, o.preset, ADAPTER, o.seed, o.references, not o.seen))
        bench = Bench(studio, ResultFolder.begin(folder, about | {"prompts": o.prompts}))
        method = studio.method(o.method)
        unknown = set(given) - {field.name for field in fields(method.config)}
        if unknown:
            raise SystemExit(f"{o.method} has no setting {', '.join(sorted(unknown))}.")
        method.config = replace(method.config, **given)
        stage = f"{o.method} {json.dumps(given, sort_keys=True)}" if given else o.method
        for number in bench.choose(o.subjects)[: o.limit]:
            bench.adapter(number)
            bench.trained(number, o.method, stage)
            row = bench.results.rows[-1]
            told = f"{number} {stage}: {sum(row['success'])} of {len(row['success'])}"
            print(told, row.get("training"), row.get("best_step"), row.get("steps"), file=sys.stderr, flush=True)
    finally:
        studio.close()


def difference(old: Sequence[Sequence[bool]], new: Sequence[Sequence[bool]]) -> tuple[float, float, float]:
    """Mean gain (new - old) of paired subjects and its 95 % interval.

    A subject's pictures hang together, so it is the unit: normal approximation over subjects.
    """
    gains = [mean(b) - mean(a) for a, b in zip(old, new, strict=True)]
    spread = Z * stdev(gains) / sqrt(len(gains)) if len(gains) > 1 else 1.0
    return mean(gains), mean(gains) - spread, mean(gains) + spread


def replayed(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows by today's rule of what is kept: where it keeps nothing, the subject is left to IP-Adapter.

    Where it keeps another checkpoint than the training did, that one's pictures stand for it.
    """
    before = {row["trial"]: row for row in rows if row["stage"] == ADAPTER}
    made: list[Mapping[str, Any]] = []
    for row in rows:
        if "points" in row:
            front = Front(row["config"]["patience"], row["config"]["least_gain"])
            for point in row["points"]:
                front.add(Point.of(point))
            best = front.best.step if front.best else 0
            pictures = row if best else before[row["trial"]]
            shown = {name: pictures[name] for name in ("success", "attributes")}
            row = {**row, **shown, "best_step": best, "stage": f"{row['stage']}, replayed"}
        made.append(row)
    return made


def compared(rows: Sequence[Mapping[str, Any]], stage: str, among: Sequence[int]) -> Sequence[str] | None:
    """A line of the report: one method beside IP-Adapter on the subjects that both have drawn."""
    by = {(row["trial"], row["stage"]): row for row in rows}
    both = [n for n in among if (n, stage) in by and (n, ADAPTER) in by]
    if not both:
        return None
    old, new = ([by[n, which] for n in both] for which in (ADAPTER, stage))
    gain, low, high = difference([r["success"] for r in old], [r["success"] for r in new])
    before, after = (mean(mean(r["success"]) for r in some) for some in (old, new))
    cells = [stage, str(len(both)), percent(before), percent(after)]
    cells.append(f"{100 * gain:+.1f} ({100 * low:+.1f} .. {100 * high:+.1f})")
    for name in ("training", "steps", "best_step"):
        cells.append(f"{mean(r[name] for r in new):.0f}")
    return [*cells, f"{max(r['training'] for r in new):.0f}"]


def report(folder: Path, subjects: int) -> str:
    """How the hard subjects fare, and what is wrong in their pictures."""
    results = ResultFolder.read(folder)
    rows = results.rows
    chosen = {row["trial"]: sum(row["success"]) for row in rows if row["stage"] == CHOOSE and row["trial"] < subjects}
    worse = hard(rows, subjects)
    half = results.header["settings"]["prompts"] // 2
    halves = {"the worse half": worse, f"at most {half} right": [n for n in worse if chosen[n] <= half]}
    stages = list(dict.fromkeys(row["stage"] for row in rows if row["stage"] not in (CHOOSE, ADAPTER)))
    parts = []
    for name, among in halves.items():
        head = (name, "subjects", ADAPTER, "trained", "difference", "seconds", "steps", "kept", "most seconds")
        lines = [head, *(line for stage in stages if (line := compared(rows, stage, among)))]
        again = replayed(rows)
        lines += [line for stage in stages if (line := compared(again, f"{stage}, replayed", among))]
        parts.append(table(lines))
    spread = Counter(chosen.values())
    parts.append("right of the pictures that chose: " + ", ".join(f"{n}: {spread[n]}" for n in sorted(spread)))
    for stage in (ADAPTER, *stages):
        some = [row for row in rows if row["stage"] == stage and row["trial"] in worse]
        shares = {n: sum(r["attributes"].get(n, 0) for r in some) for n in (*ATTRIBUTES, "not copied")}
        count = max(1, sum(len(r["success"]) for r in some))
        parts.append(f"{stage}: " + ", ".join(f"{n} {percent(v / count)}" for n, v in shares.items()))
    return "\n\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.hard", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=["run", "report"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--preset", default="starter")
    parser.add_argument("--method", default="lora")
    parser.add_argument("--settings", default="{}", help="JSON that replaces some of the method's settings")
    parser.add_argument("--subjects", type=int, default=60, help="of which the worse half is compared")
    parser.add_argument("--limit", type=int, help="only so many of these, the hardest first")
    parser.add_argument("--prompts", type=int, default=4, help="a subject, in each of the two sets")
    parser.add_argument("--references", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seen", action="store_true", help="subjects of the training side, for tuning")
    o = parser.parse_args(arguments)
    if o.what == "run":
        run(o.folder, o)
    print(report(o.folder, o.subjects))


if __name__ == "__main__":
    main()
