"""What the AR model learns from: interleaved examples, dealt out in batches of one shape.

An example is `<s> [<concept_i> references]… text [<source> codes] <begin_of_image> codes`. Batches hold examples of one
layout and one text length (texts are padded to multiples of four), so no attention mask is needed.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerFast

from .pool import Edit, Pool
from .world import Scene, Subject, caption, describe, instruction
from .world.words import KIND_NOUNS

SHARES = {
    "one": 0.18, "two": 0.05, "three": 0.04, "pair": 0.08, "words": 0.08,
    "edit": 0.29, "edit_known": 0.19, "nothing": 0.05, "wordless": 0.02, "edit_wordless": 0.02,
}  # fmt: skip
HELD = 1500
"""Singles at the end of the pool's subjects that are kept for measuring."""


@dataclass(frozen=True)
class Example:
    """Rows of the pool: `references` a subject, `source` (or -1), `target`; and the text."""

    references: tuple[tuple[int, ...], ...]
    text: str
    source: int
    target: int


class Examples:
    """Samples examples of a pool."""

    def __init__(self, pool: Pool, seed: int, held: bool = False) -> None:
        self.pool, self.rng = pool, random.Random(seed)
        last = pool.singles - HELD
        self.rows = range(last, pool.singles) if held else range(last)
        self.first: dict[Subject, int] = {}
        for row in range(0, pool.singles, pool.sizes.scenes):
            self.first[pool.scenes[row].figures[0].subject] = row
        held_subjects = {pool.scenes[row].figures[0].subject for row in range(last, pool.singles)}
        self.pairs = [
            row
            for row in range(pool.singles, pool.singles + pool.sizes.pairs)
            if held == any(f.subject in held_subjects for f in pool.scenes[row].figures)
        ]
        self.edits = [
            e for e in pool.edits if held == any(f.subject in held_subjects for f in pool.scenes[e.before].figures)
        ]

    def sample(self) -> Example:
        """One example, its sort drawn by `SHARES`."""
        sort = self.rng.choices(list(SHARES), list(SHARES.values()))[0]
        if sort == "pair":
            return self._pair()
        if sort.startswith("edit"):
            return self._edit(sort)
        row = self.rng.choice(self.rows)
        if sort == "nothing":
            return Example((), "", -1, row)
        scene = self.pool.scenes[row]
        if sort == "words":
            return Example((), caption(scene, self.rng, [describe(scene.figures[0].subject, self.rng)]), -1, row)
        count = {"one": 1, "two": 2, "three": 3, "wordless": 1}[sort]
        references = (tuple(self._others(row, count)),)
        text = "" if sort == "wordless" else caption(scene, self.rng, ["<concept_0>"], self.rng.random() < 0.4)
        return Example(references, text, -1, row)

    def _others(self, row: int, count: int) -> list[int]:
        """Other pictures of the subject of single `row`."""
        return self.rng.sample([r for r in self.pool.siblings(row) if r != row], count)

    def _reference(self, subject: Subject) -> tuple[int, ...] | None:
        """A picture of the subject, if the pool has one."""
        first = self.first.get(subject)
        return None if first is None else (first + self.rng.randrange(self.pool.sizes.scenes),)

    def _pair(self) -> Example:
        row = self.rng.choice(self.pairs)
        scene = self.pool.scenes[row]
        references = tuple(self._reference(f.subject) or (0,) for f in scene.figures)
        text = caption(scene, self.rng, ["<concept_0>", "<concept_1>"], self.rng.random() < 0.4)
        return Example(references, text, -1, row)

    def _edit(self, sort: str) -> Example:
        e = self.rng.choice(self.edits)
        if sort == "edit_wordless":
            return Example((), "", e.before, e.after)
        before, after = self.pool.scenes[e.before], self.pool.scenes[e.after]
        if sort == "edit_known":
            known = self._known(e, before, after)
            if known:
                return known
        text = instruction(e.what, before, after, self.rng, self._noun(e, after, before), e.figure)
        return Example((), text, e.before, e.after)

    def _noun(self, e: Edit, after: Scene, before: Scene) -> str:
        """How somebody calls the figure who has no name for it."""
        if e.what == "add":
            return describe(after.figures[-1].subject, self.rng)
        return f"the {self.rng.choice(KIND_NOUNS[before.figures[e.figure].subject.kind])}"

    def _known(self, e: Edit, before: Scene, after: Scene) -> Example | None:
        """An edit with the references of those who are in it."""
        shown = list(before.figures) + ([after.figures[-1]] if e.what == "add" else [])
        references = [self._reference(f.subject) for f in shown]
        if any(r is None for r in references):
            return None
        name = f"<concept_{len(before.figures) if e.what == 'add' else e.figure}>"
        text = instruction(e.what, before, after, self.rng, name, e.figure)
        return Example(tuple(r for r in references if r), text, e.before, e.after)


@dataclass(frozen=True)
class Batch:
    """`references`: a subject an array `[b, k]` of rows; `text` `[b, t]`; `source` `[b]` or `None`; `target` `[b]`."""

    references: tuple[np.ndarray, ...]
    text: np.ndarray
    source: np.ndarray | None
    target: np.ndarray


class Dealer:
    """Deals batches of one layout from many examples."""

    def __init__(self, examples: Examples, tokenizer: PreTrainedTokenizerFast, batch: int, chunk: int = 3072) -> None:
        self.examples, self.tokenizer, self.batch, self.chunk = examples, tokenizer, batch, chunk
        self.groups: dict[tuple, list[tuple[Example, list[int]]]] = defaultdict(list)
        self.ready: list[Batch] = []

    def _fill(self) -> None:
        drawn = [self.examples.sample() for _ in range(self.chunk)]
        encoded = self.tokenizer([e.text for e in drawn], add_special_tokens=False).input_ids
        pad = self.tokenizer.pad_token_id
        for example, ids in zip(drawn, encoded, strict=True):
            ids = ids[:36] + [pad] * (-len(ids[:36]) % 4) if example.text else []
            key = (tuple(len(r) for r in example.references), example.source >= 0, len(ids))
            self.groups[key].append((example, ids))
        for key, members in self.groups.items():
            while len(members) >= self.batch:
                self.ready.append(self._stack(key, members[: self.batch]))
                del members[: self.batch]
        self.examples.rng.shuffle(self.ready)

    def _stack(self, key: tuple, members: list[tuple[Example, list[int]]]) -> Batch:
        references = tuple(np.array([m[0].references[i] for m in members]) for i in range(len(key[0])))
        text = np.array([m[1] for m in members], dtype=np.int64).reshape(len(members), key[2])
        source = np.array([m[0].source for m in members]) if key[1] else None
        return Batch(references, text, source, np.array([m[0].target for m in members]))

    def deal(self) -> Batch:
        """The next batch."""
        while not self.ready:
            self._fill()
        return self.ready.pop()
