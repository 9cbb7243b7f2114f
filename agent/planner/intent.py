"""What a clause wants, decided by a small linear classifier over its words with names, takes and files masked.

The weights (`intents.safetensors`) are learned by `python -m limner.bench.planner_train` from sentences in many
voices: multinomial logistic regression (Bishop, Pattern Recognition and Machine Learning, 4.3.4) over word
n-grams, word classes, a few facts of the state, and the vote of the grammar. Every decision is a sum of weights
of named features, so it can be explained (`Reading.because`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from safetensors import safe_open

from .normalise import CONCEPT, FILE, QUOTED, TAKE
from .references import Text
from .state import Ask, Call, Say, Step
from .words import (
    BAD,
    COLOURS,
    DRAW_VERBS,
    EDIT_VERBS,
    GIVEN_NAMES,
    GOOD,
    KINDS,
    LOOKS,
    MEDIA,
    MOODS,
    NUMBERS,
    ORDINALS,
    PARTS,
    PICTURES,
    WEAR,
)

WEIGHTS = Path(__file__).with_name("intents.safetensors")
INTENTS = (
    "draw", "repeat", "edit", "teach", "refine", "reject", "forget", "rename", "revert", "recall", "undo", "redo",
    "fork", "compare", "like", "dislike", "train", "reply", "ask", "aside",
)  # fmt: skip
LONGEST = 60
"""Words of a clause that are looked at."""

_SIGNS = {CONCEPT: "<c>", TAKE: "<t>", FILE: "<f>", QUOTED: "<q>"}
_TOKEN = re.compile(
    rf"{CONCEPT}+|{TAKE}+|{FILE}+|{QUOTED}+|\d+|[^\W\d_]+(?:'[^\W\d_]+)?|[?!+#]|"
    rf"[\u2600-\u27bf\U0001f000-\U0001faff]"
)
_CLASSES: tuple[tuple[str, frozenset[str]], ...] = (
    ("EDITS", EDIT_VERBS),
    ("DRAWS", DRAW_VERBS),
    ("PICTURE", PICTURES),
    ("WEAR", WEAR),
    ("MOOD", MOODS),
    ("LOOK", LOOKS),
    ("COLOUR", COLOURS),
    ("GOOD", GOOD),
    ("BAD", BAD),
    ("PART", PARTS),
    ("KIND", KINDS),
    ("MEDIUM", MEDIA),
    ("COUNT", frozenset(NUMBERS) - {"one"}),
    ("NTH", frozenset(ORDINALS)),
    ("NAME", GIVEN_NAMES),
    ("HIM", frozenset("him her it them".split())),
    ("HE", frozenset("he she it they".split())),
    ("HIS", frozenset("his her its their".split())),
    ("YOU", frozenset("you u ya".split())),
    ("I", frozenset("i we".split())),
    ("MAY", frozenset("can could would will might may shall should must".split())),
    ("WANT", frozenset("want wants like love need needs wish fancy prefer would'd i'd".split())),
    ("ASK", frozenset("what which who whom whose where when why how".split())),
    ("AT", frozenset("in on at under near by beside behind inside over with without next".split())),
    ("NOT", frozenset("no not never don't doesn't didn't isn't aren't nothing without nope nah".split())),
)


def words_in(low: str) -> Iterator[tuple[str, int, int]]:
    """The words of a text in lower case and where they stand; what is marked in it as one sign each."""
    for match in _TOKEN.finditer(low):
        word = match.group()
        yield _SIGNS.get(word[0]) or ("<n>" if word.isdigit() else word), *match.span()


def tokens(text: Text) -> list[str]:
    """The words of a clause, at most `LONGEST`; what is marked in it as one sign each."""
    words = [sign for sign, _, _ in words_in(text.low)]
    return words if len(words) <= LONGEST else words[: LONGEST // 2] + words[-LONGEST // 2 :]


@cache
def classes_of(word: str) -> tuple[str, ...]:
    """The classes of words (`PICTURE`, `COLOUR`, …) that a word is in."""
    bare = word[:-1] if word.endswith("s") and len(word) > 3 else word
    names = [name for name, words in _CLASSES if word in words or bare in words]
    if word[0] == "<":
        return ()
    if len(word) > 5 and word.endswith("ing"):
        names.append("ING")
    if len(word) > 4 and word.endswith("er"):
        names.append("ER")
    return tuple(names)


def features(text: Text, vote: str = "") -> Iterator[str]:
    """The named features of a clause. `vote`: what the grammar makes of it."""
    words = tokens(text)
    around = ["^", *words, "$"]
    for i, word in enumerate(words):
        yield word
        yield from classes_of(word)
        yield f"{around[i]} {word}"
        for name in classes_of(word):
            yield f"{around[i]} {name}"
            for before in classes_of(around[i]):
                yield f"{before} {name}"
        for before in classes_of(around[i]):
            yield f"{before} {word}"
        if i + 1 < len(words):
            yield f"{around[i]} {word} {around[i + 2]}"
            yield f"{around[i]} _ {around[i + 2]}"
        if len(word) > 4 and word[0] != "<":
            yield f"{word[:4]}~"
    if words:
        yield f"{words[-1]} $"
        yield from (f"{name} $" for name in classes_of(words[-1]))
        for name in classes_of(words[0]):
            yield f"^ {name}"
            if len(words) > 1:
                yield from (f"^ {name} {after}" for after in (words[1], *classes_of(words[1])))
    yield f"={min(len(words), 12)}"
    yield from _facts(text, words)
    if vote:
        yield f"grammar:{vote}"


def _facts(text: Text, words: Sequence[str]) -> Iterator[str]:
    state = text.state
    pictures = "pictures" if state.current is not None else "no pictures"
    yield f":{pictures}"
    if text.files or state.attached:
        yield ":files"
        yield f":files {words[0] if words else ''}"
    take = state.take(state.current)
    if any(s.names for s in text.subjects):
        here = take is not None and all(n in take.concepts for s in text.subjects for n in s.names[:1])
        yield ":subject here" if here else ":subject away"
    if text.takes:
        yield f":takes {min(len(text.takes), 2)}"
        if any(ref.how == "described" for ref in text.takes):
            yield ":described"


def vote_of(steps: Sequence[Step] | None) -> str:
    """The intent of a plan that the grammar made, or "" for several calls and for none."""
    if not steps:
        return ""
    first = steps[0]
    if isinstance(first, Say):
        return "reply"
    if isinstance(first, Ask):
        return f"ask {first.slot}"
    if any(not isinstance(s, Call) or s.tool != first.tool for s in steps):
        return ""
    return intent_of(first)


def intent_of(call: Call) -> str:
    """The intent behind one call."""
    if call.tool in ("generate_ar", "generate_pta"):
        return "draw"
    if call.tool == "rate":
        return "like" if call.args["liked"] else "dislike"
    if call.tool == "refine" and "rejected" in call.args and not {"add", "remove"} & set(call.args):
        return "reject"
    return {"finetune_lora": "train"}.get(call.tool, call.tool)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a clause wants, how sure that is (0..1), the runner-up, and the features that spoke most for it."""

    intent: str
    sure: float
    second: str
    because: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()

    def share(self, intent: str) -> float:
        """How likely an intent is, 0..1."""
        return self.shares[INTENTS.index(intent)]


class Classifier:
    """Linear weights, `[features, intents]`, with the names of the features."""

    def __init__(self, names: Sequence[str], weights: np.ndarray, bias: np.ndarray) -> None:
        self.rows = {name: i for i, name in enumerate(names)}
        self.weights, self.bias = weights.astype(np.float32), bias.astype(np.float32)

    @classmethod
    def load(cls, file: Path = WEIGHTS) -> Classifier:
        """The classifier that ships with the planner."""
        with safe_open(str(file), framework="np") as stored:
            names = (stored.metadata() or {}).get("features", "").split("\n")
            return cls(names, stored.get_tensor("weights"), stored.get_tensor("bias"))

    def read(self, text: Text, vote: str = "") -> Reading:
        """The most likely intent of a clause."""
        found = {name: self.rows[name] for name in features(text, vote) if name in self.rows}
        rows = self.weights[list(found.values())]
        scores = self.bias + rows.sum(0)
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        second, first = np.argsort(shares)[-2:]
        margins = rows[:, first] - rows[:, second] if found else np.zeros(0)
        strongest = [list(found)[i] for i in np.argsort(-margins)[:4]]
        sure = tuple(map(float, shares))
        return Reading(INTENTS[first], sure[first], INTENTS[second], tuple(strongest), sure)


@cache
def classifier() -> Classifier:
    """The classifier that ships with the planner, read once."""
    return Classifier.load()
