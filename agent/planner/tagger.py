"""Which words of a clause are the request's own: the asking and the remarks around them are not.

A first-order linear chain over the words of a clause, of which the intent is known: the intent says which
labels there can be, the best sequence is found by dynamic programming (Viterbi, 1967). The weights
(`words.safetensors`) are learned by `python -m limner.bench.planner_train` with the averaged structured
perceptron (Collins, 2002, "Discriminative Training Methods for Hidden Markov Models", section 2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from safetensors import safe_open

from .intent import classes_of, words_in
from .references import Text
from .settings import cut
from .words import PRONOUNS

WEIGHTS = Path(__file__).with_name("words.safetensors")
LABELS = ("", "draw", "edit", "add", "remove", "name", "kind", "query")
"""What a word belongs to: "" for none of the request's own words."""
OF_INTENT: dict[str, tuple[str, ...]] = {
    "draw": ("draw",),
    "edit": ("edit",),
    "refine": ("add", "remove"),
    "rename": ("name",),
    "teach": ("name", "kind"),
    "recall": ("query",),
}
UNKNOWN = "never met"
_MARK = re.compile(r"[,.;:!?()-]+")
_LOOKING = frozenset("would could should might look looks looking like be appear".split())
NEGATIVE = re.compile(
    r"n't\b|\b(?:no|not|never|nor|none|without|stop|quit|hates?|lost|loses?|lose|leave|drop|forget|remove|minus|"
    r"off|dont)\b"
)
_ASKS = re.compile(r"(?:can|could|would|will) (?:you|u|we|i)|please|let's|i(?:'d| would) like|i want")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a clause, its place in it and the label that it has."""

    sign: str
    start: int
    end: int
    label: str = ""


def features(low: str, words: Sequence[Word]) -> Iterator[list[str]]:
    """The named features of every word: itself, its neighbours, and where in the clause it stands."""
    signs = ["^^", "^", *(w.sign for w in words), "$", "$$"]
    kinds = [classes_of(s) if s[0] not in "^$" else () for s in signs]
    ends = [0, *(w.end for w in words)]
    starts = [*(w.start for w in words), len(low)]
    marks = [
        m.group()[0] if (m := _MARK.search(low, a, b)) else "" for a, b in zip(ends, starts, strict=True)
    ]
    opened = 0  # the first word since the last mark
    asked = [m.start() for m in _ASKS.finditer(low)]
    nots = [m.start() for m in NEGATIVE.finditer(low)]
    verbs = [i for i, k in enumerate(kinds[2:-2]) if "EDITS" in k or "DRAWS" in k]
    for i, word in enumerate(words):
        if marks[i]:
            opened = i
        at = i + 2
        found = ["*", f"w {word.sign}", f"-1 {signs[at - 1]}", f"+1 {signs[at + 1]}"]
        found += [f"-2 {signs[at - 2]}", f"+2 {signs[at + 2]}"]
        found += [f"-1 0 {signs[at - 1]} {word.sign}", f"0 +1 {word.sign} {signs[at + 1]}"]
        found += [f"-2 -1 {signs[at - 2]} {signs[at - 1]}", f"+1 +2 {signs[at + 1]} {signs[at + 2]}"]
        found += [f"-1 +1 {signs[at - 1]} {signs[at + 1]}"]
        for k in kinds[at]:
            found += [f"W {k}", f"-1 W {signs[at - 1]} {k}", f"W +1 {k} {signs[at + 1]}"]
            found += [f"-W W {b} {k}" for b in kinds[at - 1]]
        found += [f"-W {k}" for k in kinds[at - 1]] + [f"+W {k}" for k in kinds[at + 1]]
        found += [f"-W w {k} {word.sign}" for k in kinds[at - 1]] + [
            f"w +W {word.sign} {k}" for k in kinds[at + 1]
        ]
        if len(word.sign) > 3 and word.sign[0] != "<":
            found += [f"{word.sign[:4]}~", f"~{word.sign[-3:]}"]
        near, after = marks[i], marks[i + 1]
        found += [f"m {near}|{after}", f"m- {near} {word.sign}", f"m+ {after} {word.sign}"]
        first, second = signs[opened + 2], signs[opened + 3]
        closes = next((j for j in range(i, len(words)) if marks[j + 1]), len(words) - 1)
        part = f"{'first' if not opened else 'later'} {'last' if closes == len(words) - 1 else 'more'}"
        found += [f"part {part}", f"part {part} {first}", f"part {part} {first} {second}"]
        found += [f"part {part} {k}" for k in kinds[opened + 2]] + [
            f"begins {first}",
            f"begins {first} {second}",
        ]
        found += [f"next part {signs[closes + 3]}", f"part size {part} {min(closes - opened, 6)}"]
        found += [f"at {min(i, 4)}", f"left {min(len(words) - i, 4)}", f"at {min(i, 4)} {word.sign}"]
        found += [f"first {signs[2]}", f"first {signs[2]} {signs[3]}"] if i < 6 else []
        found += [f"asks later {any(a > word.start for a in asked)} {any(a <= word.start for a in asked)}"]
        found += [f"verb {any(v > i for v in verbs)} {any(v < i for v in verbs)}"]
        found += [f"not {any(n <= word.start for n in nots)}"]
        yield found


def words_of(low: str) -> list[Word]:
    """The words of a clause, not yet labelled."""
    return [Word(sign, start, end) for sign, start, end in words_in(low)]


def rows_of(names: Sequence[str], rows: Mapping[str, int]) -> list[int]:
    """The rows of the features of a word; one that was never met has a feature of its own."""
    found = [rows[name] for name in names if name in rows]
    return found if names[1] in rows else [*found, rows[UNKNOWN]]


class Tagger:
    """Weights of features, `[features, labels]`, and of one label after another, `[labels, labels]`."""

    def __init__(self, names: Sequence[str], weights: np.ndarray, follows: np.ndarray) -> None:
        self.rows = {name: i for i, name in enumerate(names)}
        self.weights, self.follows = weights.astype(np.float32), follows.astype(np.float32)

    @classmethod
    def load(cls, file: Path = WEIGHTS) -> Tagger:
        """The tagger that ships with the planner."""
        with safe_open(str(file), framework="np") as stored:
            names = (stored.metadata() or {}).get("features", "").split("\n")
            return cls(names, stored.get_tensor("weights"), stored.get_tensor("follows"))

    def read(self, low: str, intent: str) -> list[Word]:
        """The words of a clause of that intent, in lower case and masked, with their labels."""
        words = words_of(low)
        if not words:
            return []
        scores = np.stack([self.weights[rows_of(names, self.rows)].sum(0) for names in features(low, words)])
        allowed = [0, *(LABELS.index(label) for label in OF_INTENT[intent])]
        path = best_path(scores[:, allowed], self.follows[np.ix_(allowed, allowed)])
        return [Word(w.sign, w.start, w.end, LABELS[allowed[i]]) for w, i in zip(words, path, strict=True)]


def best_path(scores: np.ndarray, follows: np.ndarray) -> list[int]:
    """The labels with the highest sum of scores, `[words, labels]`, and of transitions, `[before, after]`."""
    total, back = scores[0], []
    for row in scores[1:]:
        ways = total[:, None] + follows
        back.append(ways.argmax(0))
        total = ways.max(0) + row
    path = [int(total.argmax())]
    for origin in back[::-1]:
        path.append(int(origin[path[-1]]))
    return path[::-1]


@lru_cache(maxsize=64)
def _labelled(model: Tagger, low: str, intent: str) -> list[Word]:
    return model.read(low, intent)


def own(text: Text, intent: str, label: str = "") -> Text:
    """The request's own words in a clause of that intent, with a label, or with any but none."""
    words = _labelled(tagger(), text.low, intent)
    kept = [i for i, w in enumerate(words) if w.label and label in ("", w.label)]
    if not kept:
        return text.part(len(text.low))
    whole, text = text.low, text.part(0, words[kept[-1]].end)
    for before, after in list(zip(kept, kept[1:], strict=False))[::-1]:
        left_out = [w.sign for w in words[before + 1 : after]]
        if left_out and (label or _apart(words[before].sign, left_out, whole[words[before].end :])):
            goes_on = left_out[-1] == "and" and len(left_out) > 1
            text = cut(text, words[before].end, words[after - goes_on].start)
    return text.part(words[kept[0]].start)


def _apart(before: str, left_out: Sequence[str], low: str) -> bool:
    """Whether words between others can be left out: an aside after a pause, a take, "▮ would look like"."""
    looking = set(left_out) <= _LOOKING and (before == "<c>" or before in PRONOUNS)
    return low[:1] in ",.;:!?(-" or bool({"<t>", "<f>", "<n>"} & set(left_out)) or looking


@cache
def tagger() -> Tagger:
    """The tagger that ships with the planner, read once."""
    return Tagger.load()
