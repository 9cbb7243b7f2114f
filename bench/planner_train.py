"""Train the planner's intent classifier: `python -m limner.bench.planner_train tests/planner`.

It learns from the sentence files there (`*.jsonl`, one request each) and from `voices/*.txt`: lines under an
`# intent`, with slots such as {c} (a taught subject), {t} (a take), {object} or {look} that are filled at random
in the states of the sentence files. The grammar votes on every line; half of the time its vote is hidden, so that
words and vote both carry weight. Deterministic: the seed and the order are fixed.

`--leave-out FILE` trains without that file's sentences and scores the planner on it: how it understands a writer
whom it has never met.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from ..agent.planner import intent as intents
from ..agent.planner import tagger as taggers
from ..agent.planner.decide import grammar
from ..agent.planner.intent import INTENTS, WEIGHTS, Classifier, features, intent_of, vote_of
from ..agent.planner.references import read
from ..agent.planner.state import Call, State, read_state
from .planner import PLAIN, f1, score
from .planner_slots import FILLS, fill, instructions, sentences, usual_states, voices
from .planner_tags import beside, gather_tagged, remarks, save_tagger, train_tagger, unmarked

Sample = tuple[list[str], int]
REMARKED = 0.1
"""This share of the filled lines of `voices` comes again with a remark beside the request."""
BESIDE = frozenset("draw edit refine forget rename undo redo fork like dislike compare".split())


def label_of(case: Mapping[str, Any], state: State) -> str:
    """The intent of a sentence with its expected calls; "" for several different calls and for answers."""
    expect = case["expect"]
    if state.pending or expect == "question":
        return ""
    if expect == "reply":
        return "reply"
    if len({e["tool"] for e in expect}) > 1:
        return ""
    call = Call(expect[0]["tool"], expect[0]["args"])
    prompt = call.args.get("prompt", "")
    if call.tool == "draw" and prompt in {t.prompt for t in state.takes} and f1(prompt, case["text"]) < 0.5:
        return "repeat"
    return intent_of(call)


def samples(text: str, state: State, label: str, dice: random.Random, hide: float) -> Iterator[Sample]:
    """The features of one sentence, with the grammar's vote or without."""
    clause = read(text, state)
    vote = "" if dice.random() < hide else vote_of(grammar(clause))
    yield sorted(set(features(clause, vote))), INTENTS.index(label)


def gather(
    folder: Path, leave_out: Sequence[str] = (), edits: Path | None = None, seed: int = 1
) -> list[Sample]:
    """All samples of a folder, without those of the sentence files in `leave_out`; `edits` as for `--edits`."""
    dice = random.Random(seed)
    cases = sentences(folder, leave_out)
    states = usual_states(cases)
    found: list[Sample] = []
    for case in cases:
        state = read_state(case["state"])
        if label := label_of(case, state):
            found += samples(case["text"], state, label, dice, 1.0)
            found += samples(case["text"], state, label, dice, 0.5)
    said = remarks(folder / "voices")
    for label, line in voices(folder / "voices"):
        for text, state in fill(unmarked(line), states, dice, FILLS):
            found += samples(text, state, label, dice, 0.35)
            if label in BESIDE and said and dice.random() < REMARKED:
                for remark, _ in fill(dice.choice(said), [state], dice, 1):
                    found += samples(beside(text, remark, dice)[0], state, label, dice, 0.35)
    drawn = [state for state in states if state.takes]
    for text in instructions(edits):
        found += samples(text, dice.choice([*drawn, read_state(PLAIN)]), "edit", dice, 0.35)
    return found


def train(found: Sequence[Sample], steps: int = 160, decay: float = 3e-5, rare: int = 3) -> Classifier:
    """Multinomial logistic regression by Adam over all samples, with weight decay; every intent counts alike
    by the square root of how often it comes."""
    counts = Counter(name for names, _ in found for name in names)
    rows = {name: i for i, name in enumerate(sorted(n for n, c in counts.items() if c >= rare))}
    index = [np.array([rows[n] for n in names if n in rows]) for names, _ in found]
    labels = np.array([label for _, label in found])
    often = np.bincount(labels, minlength=len(INTENTS)).clip(1)
    weight = (1 / np.sqrt(often))[labels]
    weight = (weight / weight.sum()).astype(np.float32)
    of_sample = np.repeat(np.arange(len(index)), [len(i) for i in index])
    of_row = np.concatenate(index)
    order = np.argsort(of_row, kind="stable")
    starts = np.searchsorted(of_row[order], np.arange(len(rows)))
    begins = np.concatenate([[0], np.cumsum([len(i) for i in index])[:-1]])
    theta = np.zeros((len(rows), len(INTENTS)), np.float32)
    bias = np.zeros(len(INTENTS), np.float32)
    moments = [np.zeros_like(theta), np.zeros_like(theta)]
    target = np.zeros((len(index), len(INTENTS)), np.float32)
    target[np.arange(len(index)), labels] = 1
    for step in range(1, steps + 1):
        scores = np.add.reduceat(theta[of_row], begins) + bias
        scores -= scores.max(1, keepdims=True)
        shares = np.exp(scores)
        shares /= shares.sum(1, keepdims=True)
        slope = (shares - target) * weight[:, None]
        gradient = np.add.reduceat(slope[of_sample[order]], starts) + decay * theta / np.sqrt(len(rows))
        moments[0] += 0.1 * (gradient - moments[0])
        moments[1] += 0.001 * (gradient**2 - moments[1])
        corrected = np.sqrt(moments[1] / (1 - 0.999**step)) + 1e-8
        theta -= 0.03 * (1 - step / (steps + 1)) * (moments[0] / (1 - 0.9**step)) / corrected
        bias -= 0.5 * slope.sum(0)
    return Classifier(list(rows), theta, bias)


def save(model: Classifier, file: Path, least: float = 0.6) -> int:
    """Write the weights of features that matter; returns how many there are."""
    spread = model.weights.max(1) - model.weights.min(1)
    kept = [(name, i) for name, i in model.rows.items() if spread[i] >= least]
    tensors = {
        "weights": model.weights[[i for _, i in kept]].astype(np.float16),
        "bias": model.bias.astype(np.float16),
    }
    save_file(
        tensors, str(file), {"features": "\n".join(name for name, _ in kept), "intents": " ".join(INTENTS)}
    )
    return len(kept)


def accuracy(model: Classifier, cases: Iterable[Mapping[str, Any]]) -> tuple[float, list[str]]:
    """How often the intent of single requests is right, and the sentences where it is not."""
    right, wrong = 0, []
    for case in cases:
        state = read_state(case["state"])
        if not (label := label_of(case, state)):
            continue
        clause = read(case["text"], state)
        reading = model.read(clause, vote_of(grammar(clause)))
        right += reading.intent == label
        if reading.intent != label:
            wrong.append(f"{case['text']} | {label} | {reading}")
    return right / max(1, right + len(wrong)), wrong


def main(argv: Sequence[str] | None = None) -> int:
    """Train and write the weights, or measure with `--leave-out`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="sentence files (*.jsonl) and voices/*.txt")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument(
        "--leave-out", action="append", type=Path, default=[], help="score on this file instead"
    )
    parser.add_argument(
        "--edits", type=Path, help="human edit instructions (MagicBrush), the first sessions of them"
    )
    parser.add_argument("--wrong", action="store_true", help="list wrong intents on standard error")
    options = parser.parse_args(argv)
    if not options.leave_out:
        words = options.out.with_name(taggers.WEIGHTS.name)
        tagger = train_tagger(gather_tagged(options.folder, edits=options.edits))
        taggers.tagger = lambda: tagger  # type: ignore[assignment]
        for file, kept in (
            (words, save_tagger(tagger, words)),
            (options.out, save(train(gather(options.folder, edits=options.edits)), options.out)),
        ):
            print(f"{kept} features, {file.stat().st_size / 1024:.0f} KiB: {file}")
        return 0
    for file in options.leave_out:
        tagger = train_tagger(gather_tagged(options.folder, [file.stem], options.edits))
        taggers.tagger = lambda tagger=tagger: tagger  # type: ignore[assignment]
        model = train(gather(options.folder, [file.stem], options.edits))
        intents.classifier = lambda model=model: model  # type: ignore[assignment]
        cases = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        share, missed = accuracy(model, cases)
        wrong: list[dict[str, Any]] = []
        shown = {k: v["rate"] for k, v in score(cases, wrong).items() if "rate" in v}
        print(json.dumps({"left_out": file.stem, "intent": round(share, 4), **shown}), flush=True)
        for line in (
            [*missed, *(json.dumps(case, ensure_ascii=False) for case in wrong)] if options.wrong else ()
        ):
            print(line, file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
