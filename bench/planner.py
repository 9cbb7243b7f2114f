"""How well the offline planner understands: `python -m limner.bench.planner FILE.jsonl … --magicbrush FILE`.

A sentence file has one JSON object a line: `{"state": {…}, "text": "…", "expect": …}`, where `expect` is a list
of `{"tool": …, "args": {…}}`, or "question", or "reply"; `also` may hold what a second annotator accepts as well.
Rates come with 95 % Wilson intervals, as JSON.

What is compared: the tools in order; takes and concepts (`reference`); and all arguments (`argument`). Words
(`prompt`, `instruction`, `question`, `add`, `remove`, `query`) are right when the token F1 with the expected
words is at least 0.8, without case, punctuation and filler; `argument_resolved` also lets a reference stand in
either form ("him" or "Biscuit", "the second one" or "it"), since takes and concepts are compared by themselves.
Everything else must be equal; the order within `concepts`, `takes` and `images` does not count.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..agent.planner.model import steps_for
from ..agent.planner.state import Ask, Call, Say, State, Step, read_state
from ..agent.planner.subjects import kind_words
from ..agent.planner.words import ORDINALS, PRONOUNS

TEXTS = frozenset({"prompt", "instruction", "question", "add", "remove", "query"})
SETS = frozenset({"concepts", "takes", "images"})
REFERENCES = frozenset({"take", "takes", "concept", "concepts", "borrow_from", "image"})
DEFAULTS = {
    "count": 1,
    "method": "auto",
    "size": "square",
    "steps": 1,
    "concepts": [],
    "query": "",
    "images": [],
}
FILLER = frozenset(
    "a an the of is are his her its their he she it they be has have always that please can "
    "could would you me i "
    "so just hmm um uh ok okay well oh ah hey kindly thanks thank draw paint picture for to make "
    "turn use was "
    "be".split()
)
_POINTING = (
    frozenset(PRONOUNS)
    | frozenset(ORDINALS)
    | frozenset("one take picture photo my number last again both all two from other same instead".split())
)
F1_RIGHT = 0.8
RATES = ("tool", "reference", "argument", "argument_resolved")


def tokens(text: str) -> Counter[str]:
    """The words of a text that count, without case, punctuation and filler."""
    words = re.findall(r"[^\W_]+", text.lower().replace("'s", "").replace("'", ""))
    return Counter(w for w in words if w not in FILLER) or Counter(words)


def f1(said: str, expected: str, ignored: Iterable[str] = ()) -> float:
    """Token F1 of two texts, 0..1; `ignored` words count in neither."""
    drop = set(ignored)
    a, b = (Counter({w: n for w, n in tokens(t).items() if w not in drop}) for t in (said, expected))
    if not a and not b:
        return 1.0
    same = sum((a & b).values())
    return 2 * same / (sum(a.values()) + sum(b.values()))


def wilson(right: int, total: int) -> dict[str, Any]:
    """A rate with its 95 % Wilson interval."""
    if not total:
        return {"rate": None, "right": 0, "of": 0}
    z, p = 1.959964, right / total
    middle = (p + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    interval = [round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)]
    return {"rate": round(p, 4), "interval": interval, "right": right, "of": total}


def kind_of(steps: Sequence[Step]) -> str:
    """ "question", "reply" or "calls"."""
    if isinstance(steps[0], Ask) or (isinstance(steps[0], Call) and steps[0].tool == "ask_user"):
        return "question"
    return "reply" if isinstance(steps[0], Say) else "calls"


def same(name: str, said: Any, expected: Any, ignored: Iterable[str] = ()) -> bool:
    """Whether one argument is right."""
    said, expected = (DEFAULTS.get(name) if v is None else v for v in (said, expected))
    if name in TEXTS:
        a, b = (" ".join(map(str, v)) if isinstance(v, list) else str(v or "") for v in (said, expected))
        return f1(a, b) >= F1_RIGHT or (bool(ignored) and f1(a, b, ignored) >= F1_RIGHT)
    if name in SETS and isinstance(said, list) and isinstance(expected, list):
        return sorted(map(str, said)) == sorted(map(str, expected))
    if isinstance(said, str) and isinstance(expected, str):
        return said.strip() == expected.strip() or (name == "kind" and said.lower() == expected.lower())
    return bool(said == expected)


def judge(steps: Sequence[Step], expect: Any, state: State) -> dict[str, bool]:
    """What is right about a plan."""
    got = kind_of(steps)
    asked: bool = expect == "question"
    if isinstance(expect, list):
        asked = [wanted["tool"] for wanted in expect] == ["ask_user"]
    right: bool
    if asked or expect == "reply":
        right = got == ("question" if asked else "reply")
        wrong_call = asked and got == "calls"
        return {
            "tool": right,
            "reference": right,
            "argument": right,
            "argument_resolved": right,
            "due": asked,
            "wrong_call": wrong_call,
        }
    calls = [s for s in steps if isinstance(s, Call)]
    right = got == "calls" and [c.tool for c in calls] == [e["tool"] for e in expect]
    names = (n for c in state.concepts for n in (c.name, *c.nicknames, *kind_words(c.kind)))
    named = {w for n in names for w in (*tokens(n), *tokens(f"{n}s"))} | {str(t.number) for t in state.takes}
    ignored = named | _POINTING
    reference = argument = resolved = right
    for call, wanted in zip(calls, expect, strict=False) if right else ():
        args: Mapping[str, Any] = wanted.get("args", {})
        for name in {*call.args, *args}:
            said, expected = call.args.get(name), args.get(name)
            exact = same(name, said, expected)
            if name in REFERENCES:
                reference &= exact
            argument &= exact
            resolved &= exact or same(name, said, expected, ignored)
    return {
        "tool": right,
        "reference": reference,
        "argument": argument,
        "argument_resolved": resolved,
        "due": False,
        "wrong_call": False,
    }


def score(cases: Sequence[Mapping[str, Any]], wrong: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Rates over `cases`; what is not fully right is added to `wrong`."""
    sums: Counter[str] = Counter()
    times = []
    for case in cases:
        state = read_state(case["state"])
        began = time.process_time()
        steps = steps_for(case["text"], state)
        times.append(time.process_time() - began)
        accepted = [case["expect"], *case.get("also", ())]
        verdicts = [judge(steps, expect, state) for expect in accepted]
        verdict = max(verdicts, key=lambda verdict: sum(verdict[name] for name in RATES))
        sums.update({name: int(value) for name, value in verdict.items()})
        if wrong is not None and not verdict["argument_resolved"]:
            wrong.append({"text": case["text"], "expect": case["expect"], "got": shown(steps)})
    total, due = len(cases), sums["due"]
    rates = {name: wilson(sums[name], total) for name in RATES}
    times.sort()
    return {
        **rates,
        "wrong_call_where_question_due": wilson(sums["wrong_call"], due),
        "wrong_call_where_question_due_of_all": wilson(sums["wrong_call"], total),
        "cpu_milliseconds": {
            "median": round(times[total // 2] * 1e3, 2),
            "p99": round(times[total * 99 // 100] * 1e3, 2),
        },
    }


def shown(steps: Sequence[Step]) -> Any:
    """A plan as JSON values."""
    if isinstance(steps[0], Ask):
        return {"question": steps[0].question, "options": steps[0].options}
    if isinstance(steps[0], Say):
        return {"reply": steps[0].text}
    return [{"tool": s.tool, "args": s.args} for s in steps if isinstance(s, Call)]


PLAIN = {
    "concepts": [],
    "takes": [
        {
            "number": 1,
            "parent": None,
            "origin": "import",
            "prompt": "photo.jpg",
            "description": "",
            "concepts": [],
        }
    ],
    "newest": 1,
    "head": 1,
    "focus": [],
    "can_undo": 1,
    "can_redo": 0,
}
BUSY = {
    "concepts": [
        {"name": "Biscuit", "kind": "dog", "version": 2, "pronoun": "he", "nicknames": ["Bis"]},
        {"name": "Luna", "kind": "cat", "version": 1, "pronoun": "she", "nicknames": []},
        {"name": "Sunny", "kind": "mug", "version": 1, "pronoun": "it", "nicknames": []},
    ],
    "takes": [
        {
            "number": 1,
            "parent": None,
            "origin": "draw",
            "prompt": "Biscuit on the beach",
            "description": "Biscuit on the beach",
            "concepts": ["Biscuit"],
        },
        {
            "number": 2,
            "parent": 1,
            "origin": "edit",
            "prompt": "now at night",
            "description": "Biscuit on the beach; now at night",
            "concepts": ["Biscuit"],
        },
        {
            "number": 3,
            "parent": 2,
            "origin": "edit",
            "prompt": "with a red hat",
            "description": "Biscuit on the beach; now at night; with a red hat",
            "concepts": ["Biscuit"],
        },
    ],
    "newest": 3,
    "head": 3,
    "focus": ["Biscuit"],
    "can_undo": 3,
    "can_redo": 0,
}


def magicbrush(file: Path, count: int, seed: int, *, second_half: bool = True) -> list[dict[str, Any]]:
    """Human edit instructions, half of them in a session with one photo, half in a busy one.

    Each must become one `edit` of the newest take in the user's words.
    """
    lines = file.read_text(encoding="utf-8").splitlines()
    chosen = lines[len(lines) // 2 :] if second_half else lines[:700]
    texts = [text for line in chosen for text in json.loads(line)["instructions"]]
    if count and count < len(texts):
        texts = random.Random(seed).sample(texts, count)
    return [
        {
            "state": state,
            "text": text,
            "expect": [{"tool": "edit", "args": {"take": state["newest"], "instruction": text}}],
        }
        for state, text in zip([PLAIN, BUSY] * len(texts), texts, strict=False)
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Score the sentence files and, with `--magicbrush`, a sample of human edit instructions."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="sentence files, one JSON object a line")
    parser.add_argument("--magicbrush", type=Path, help="sessions.jsonl of human edit instructions")
    parser.add_argument("--count", type=int, default=300, help="so many instructions (0: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--development", action="store_true", help="the first 700 sessions, not the second half")
    parser.add_argument("--wrong", action="store_true", help="list on standard error what was not understood")
    options = parser.parse_args(argv)
    wrong: list[dict[str, Any]] | None = [] if options.wrong else None
    report: dict[str, Any] = {}
    for file in options.files:
        lines = file.read_text(encoding="utf-8").splitlines()
        report[file.name] = score([json.loads(line) for line in lines if line.strip()], wrong)
    if options.magicbrush:
        cases = magicbrush(options.magicbrush, options.count, options.seed, second_half=not options.development)
        report["magicbrush"] = score(cases, wrong)
    for item in wrong or ():
        print(json.dumps(item, ensure_ascii=False), file=sys.stderr)
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
