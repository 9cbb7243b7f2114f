"""Learn which words of a request are its own, from sentences with their expected calls.

The expected words ("a castle at night") are found again in the sentence ("could you draw me a castle, at
night?") by their longest common subsequence; those words get the label, all others none. Lines of `voices`
mark them with brackets: `please draw [{c} {scene}] for me`, `[remove: a hat]` where it is not the intent's
first label.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from ..agent.planner.intent import intent_of
from ..agent.planner.references import Text, read
from ..agent.planner.state import Call, State, read_state
from ..agent.planner.tagger import (
    LABELS,
    OF_INTENT,
    UNKNOWN,
    Tagger,
    Word,
    best_path,
    features,
    rows_of,
    words_of,
)
from ..agent.planner.words import PRONOUNS
from .planner import FILLER, PLAIN
from .planner_slots import FILLS, fill, instructions, sentences, usual_states, voices

STRANGE = 0.3
"""This share of the clauses comes again with words that nobody has met."""
SWAPS = 2
"""So many other requests are put into the frame of each clause."""
REMARKS = 0.3
"""This share of the clauses comes again with a remark before or after it."""
_BETWEEN = (", ", ", ", ", ", " ", " ", ". ", " - ", "; ", " lol ", " haha ", ", well, ", "... ")
Tagged = tuple[Text, list[Word], tuple[str, ...]]
"""A clause, its words with their labels, and the labels that its intents allow."""
_ARGUMENT = {
    "draw": ("draw", "prompt"),
    "generate_ar": ("draw", "prompt"),
    "generate_pta": ("draw", "prompt"),
    "edit": ("edit", "instruction"),
    "rename": ("name", "name"),
    "recall": ("query", "query"),
}


_OPENS = re.compile(r"^(?:(?:the|an?|his|her|its|has|have|is|always|wears|he|she|it) )+", re.IGNORECASE)


def wanted(call: Call) -> list[tuple[str, str]]:
    """Label and words of everything in a call that the user's words say."""
    if call.tool in _ARGUMENT:
        label, name = _ARGUMENT[call.tool]
        return [(label, str(call.args.get(name) or ""))]
    if call.tool == "refine":
        said = {name: call.args.get(name) or [] for name in ("add", "remove")}
        both = [(name, v if isinstance(v, str) else " ".join(v)) for name, v in said.items()]
        return [(name, _OPENS.sub("", v, count=1)) for name, v in both]
    if call.tool == "teach":
        return [("name", call.args.get("name") or ""), ("kind", call.args.get("kind") or "")]
    return []


def aligned(words: Sequence[Word], said: Sequence[str]) -> list[int]:
    """Places in `words` of the longest common subsequence with `said`, its matches close together."""
    n, m = len(words), len(said)
    best, near = np.zeros((n + 1, m + 1)), np.zeros((n + 1, m + 1))
    for i in range(n - 1, -1, -1):
        for j in range(m - 1, -1, -1):
            best[i, j] = max(best[i + 1, j], best[i, j + 1])
            if _alike(words[i].sign, said[j]):
                near[i, j] = 1 + best[i + 1, j + 1] + 0.1 * (near[i + 1, j + 1] > 0)
                best[i, j] = max(best[i, j], near[i, j])
    found, i, j = [], 0, 0
    while i < n and j < m:
        if near[i, j] and near[i, j] == best[i, j]:
            found.append(i)
            i, j = i + 1, j + 1
        elif best[i + 1, j] >= best[i, j + 1]:
            i += 1
        else:
            j += 1
    return found


def scattered(words: Sequence[Word], said: Sequence[str]) -> list[int]:
    """Places in `words` of the words of `said` in whatever order: "her paws are white" says "white paws"."""
    spans = []
    for first in (i for i, w in enumerate(words) if w.sign in said):
        left, places = Counter(said), []
        for i in range(first, min(first + len(said) + 6, len(words))):
            if left[words[i].sign] > 0:
                left[words[i].sign] -= 1
                places.append(i)
        spans.append(places)
    return max(spans, key=lambda p: (len(p), p[0] - p[-1]), default=[])


def _alike(sign: str, said: str) -> bool:
    return sign == said or (said == "<c>" and sign in PRONOUNS)


def labelled(text: Text, calls: Sequence[Call]) -> Tagged | None:
    """A sentence with the words of its expected calls found in it; `None` where most are not there."""
    text = text.plain(kinds=True) if any(call.tool == "teach" for call in calls) else text
    words = words_of(text.low)
    allowed: dict[str, None] = {}
    for call in calls:
        allowed |= dict.fromkeys(OF_INTENT.get(intent_of(call), ()))
        for label, expected in wanted(call):
            said = [w.sign for w in words_of(read(expected, replace(text.state, takes=())).low)]
            free = [w for w in words if not w.label]
            find = scattered if label in ("add", "remove") else aligned
            places = {free[i].start for i in find(free, said)} if label in allowed else set()
            if len(places) < 0.7 * len(said):
                return None
            words = [replace(w, label=label) if w.start in places else w for w in words]
    if not allowed:
        return None
    for i in range(1, len(words) - 1):  # "paws (are) white": little words between stay
        before, after = words[i - 1].label, words[i + 1].label
        if not words[i].label and before and before == after and words[i].sign in FILLER | {"<c>"}:
            words[i] = replace(words[i], label=before)
    return text, words, tuple(allowed)


_BRACKETS = re.compile(r"\[(?:(?P<label>remove|name|kind): )?(?P<words>[^\]]*)\]")


def unmarked(line: str) -> str:
    """A line of `voices` without its brackets."""
    return _BRACKETS.sub(lambda match: match["words"], line)


def marked(line: str, state: State, intent: str) -> Tagged | None:
    """A filled line of `voices` in which brackets mark the request's own words."""
    plain, spans, end = "", [], 0
    for match in _BRACKETS.finditer(line):
        plain += line[end : match.start()]
        spans.append((len(plain), len(plain) + len(match["words"]), match["label"] or OF_INTENT[intent][0]))
        plain, end = plain + match["words"], match.end()
    text = read(plain + line[end:], state)
    if not spans or text.raw != plain + line[end:]:
        return None
    words = [
        replace(w, label=next((n for a, b, n in spans if a <= w.start < b), "")) for w in words_of(text.low)
    ]
    return text, words, OF_INTENT[intent]


def gather_tagged(
    folder: Path, leave_out: Sequence[str] = (), edits: Path | None = None, seed: int = 1
) -> list[Tagged]:
    """All labelled clauses of a folder, without those of the sentence files in `leave_out`."""
    dice = random.Random(seed)
    cases = sentences(folder, leave_out)
    states = usual_states(cases)
    found: list[Tagged | None] = []
    for case in cases:
        state = read_state(case["state"])
        if not state.pending and not isinstance(case["expect"], str):
            found.append(
                labelled(read(case["text"], state), [Call(e["tool"], e["args"]) for e in case["expect"]])
            )
    found += swapped([clause for clause in found if clause], dice)
    for intent, line in voices(folder / "voices"):
        line = line.replace("{new}", "[name: {new}]") if intent in ("teach", "rename") else line
        if "[" in line:
            found += [marked(text, state, intent) for text, state in fill(line, states, dice, FILLS)]
    for text in instructions(edits):
        clause = read(text, dice.choice([*states, read_state(PLAIN)]))
        found.append((clause, [replace(w, label="edit") for w in words_of(clause.low)], ("edit",)))
    # "Who is in there?" asks for all: only such a question says nothing by having no words of its own
    told = [c for c in found if c and (any(w.label for w in c[1]) or c[2] == OF_INTENT["recall"])]
    told += remarked(told, remarks(folder / "voices"), dice)
    return told + [strange(clause, dice) for clause in told if dice.random() < STRANGE]


def strange(clause: Tagged, dice: random.Random) -> Tagged:
    """The clause with some of its longer words made up, so that the words around such words tell."""
    text, words, allowed = clause
    low, made = text.low, []
    for word in words:
        if len(word.sign) > 3 and word.sign.isalpha() and dice.random() < 0.25:
            sign = "".join(dice.choices("bcdfghjklmnpqrstvwxz", k=len(word.sign)))
            low = low[: word.start] + sign + low[word.end :]
            word = replace(word, sign=sign)
        made.append(word)
    return replace(text, low=low), made, allowed


def swapped(found: Sequence[Tagged], dice: random.Random, times: int = SWAPS) -> list[Tagged]:
    """Clauses with the request of another one in their frame: "could you draw me … please"."""
    whole: dict[str, list[tuple[Tagged, int, int]]] = {"draw": [], "edit": []}
    for clause in found:
        places = [i for i, w in enumerate(clause[1]) if w.label]
        if (
            places
            and len(clause[2]) == 1
            and clause[2][0] in whole
            and places[-1] - places[0] + 1 == len(places)
        ):
            whole[clause[2][0]].append((clause, clause[1][places[0]].start, clause[1][places[-1]].end))
    made: list[Tagged] = []
    for label, clauses in whole.items():
        for (text, _, allowed), start, end in clauses:
            for _ in range(times if end - start < len(text.raw) - 3 else 0):
                (other, _, _), first, last = dice.choice(clauses)
                raw = text.raw[:start] + other.raw[first:last] + text.raw[end:]
                joined = read(raw, other.state if other.subjects else text.state)
                if joined.raw == raw:
                    on = range(start, start + last - first)
                    words = [replace(w, label=label if w.start in on else "") for w in words_of(joined.low)]
                    made.append((joined, words, allowed))
    return made


def remarks(folder: Path) -> list[str]:
    """What people say beside a request: the lines of `voices` under `# aside`."""
    return [line for label, line in voices(folder) if label == "aside" and len(line) > 6]


def beside(raw: str, remark: str, dice: random.Random) -> tuple[str, int]:
    """A request with a remark after or before it, and where the request begins."""
    remark, between = remark.strip(" .,!?"), dice.choice(_BETWEEN)
    if dice.random() < 0.6:
        return f"{raw.rstrip(' .,!?')}{between}{remark}", 0
    return f"{remark}{between}{raw}", len(remark) + len(between)


def remarked(found: Sequence[Tagged], lines: Sequence[str], dice: random.Random) -> list[Tagged]:
    """Clauses with a remark beside them that is none of the request's words."""
    made: list[Tagged] = []
    for text, words, allowed in found:
        if dice.random() >= REMARKS or len(words) > 25 or not lines:
            continue
        for remark, _ in fill(dice.choice(lines), [text.state], dice, 1):
            raw, start = beside(text.raw, remark, dice)
            joined = read(raw, text.state)
            if joined.raw == raw:
                labels = {w.start + start: w.label for w in words}
                told = [replace(w, label=labels.get(w.start, "")) for w in words_of(joined.low)]
                made.append((joined, told, allowed))
    return made


def train_tagger(found: Sequence[Tagged], rounds: int = 8, seed: int = 1, rare: int = 3) -> Tagger:
    """The averaged structured perceptron over all clauses, in a shuffled order each round."""
    named = [list(features(text.low, words)) for text, words, _ in found]
    counts = Counter(name for clause in named for names in clause for name in set(names))
    rows = {name: i for i, name in enumerate([UNKNOWN, *sorted(n for n, c in counts.items() if c >= rare)])}
    index = [[np.array(rows_of(names, rows)) for names in clause] for clause in named]
    gold = [[LABELS.index(w.label) for w in words] for _, words, _ in found]
    weights, follows = np.zeros((len(rows), len(LABELS))), np.zeros((len(LABELS), len(LABELS)))
    sums, passes, at = np.zeros_like(weights), np.zeros_like(follows), 1
    dice, order = random.Random(seed), list(range(len(found)))
    for _ in range(rounds):
        dice.shuffle(order)
        for clause in order:
            allowed = [0, *(LABELS.index(name) for name in found[clause][2])]
            scores = np.stack([weights[rows][:, allowed].sum(0) for rows in index[clause]])
            path = [allowed[i] for i in best_path(scores, follows[np.ix_(allowed, allowed)])]
            before = (0, 0)
            for ids, right, said in zip(index[clause], gold[clause], path, strict=True):
                if right != said:
                    for label, by in ((right, 1), (said, -1)):
                        weights[ids, label] += by
                        sums[ids, label] += by * at
                if before != (-1, -1) and (before[0], right) != (before[1], said):
                    for pair, by in (((before[0], right), 1), ((before[1], said), -1)):
                        follows[pair] += by
                        passes[pair] += by * at
                before = (right, said)
            at += 1
    return Tagger(list(rows), weights - sums / at, follows - passes / at)


def save_tagger(model: Tagger, file: Path, least: float = 1.0) -> int:
    """Write the weights of features that matter; returns how many there are."""
    kept = [
        (name, i)
        for name, i in model.rows.items()
        if np.abs(model.weights[i]).max() >= least or name == UNKNOWN
    ]
    tensors = {
        "weights": model.weights[[i for _, i in kept]].astype(np.float16),
        "follows": model.follows.astype(np.float16),
    }
    save_file(
        tensors, str(file), {"features": "\n".join(name for name, _ in kept), "labels": " ".join(LABELS)}
    )
    return len(kept)
