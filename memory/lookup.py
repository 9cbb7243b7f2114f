"""Finding concepts by words: substrings first, then near spellings. No model, no index on disk."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Sequence

from .names import key
from .values import Concept

_SMALL = frozenset("a an the my our your his her its their of with and in on".split())
_FUZZY_CANDIDATES = 40
_NEAR = 0.6
"""Least similarity (difflib ratio) of a near spelling."""


class TextIndex:
    """An index in memory over names, kinds and attributes. Built in about 10 µs a concept."""

    def __init__(self, concepts: Sequence[Concept]) -> None:
        self._concepts = list(concepts)
        self._names = [key(c.name) for c in concepts]
        self._texts = [
            key(" \n ".join((c.name, c.kind, c.category, *c.stable, *c.changeable, *c.notes))) for c in concepts
        ]
        self._grams: dict[str, list[int]] = defaultdict(list)
        for i, name in enumerate(self._names):
            for gram in _grams(name):
                self._grams[gram].append(i)

    def search(self, query: str, n: int) -> list[Concept]:
        """The `n` best matches, best first; nothing when nothing resembles the query."""
        whole = key(query)
        words = [w for w in whole.split() if w not in _SMALL] or whole.split()
        if not words:
            return []
        scores: dict[int, float] = {}
        for i, (name, text) in enumerate(zip(self._names, self._texts, strict=True)):
            found = sum(w in text for w in words)
            if found:
                scores[i] = _rank(name, whole) + found / len(words)
        for word in {whole, *words}:
            for i, ratio in self._near(word):
                scores[i] = max(scores.get(i, 0.0), ratio)
        best = sorted(scores, key=lambda i: (-scores[i], self._names[i]))
        return [self._concepts[i] for i in best[:n]]

    def near_names(self, name: str, n: int = 3) -> list[str]:
        """Names spelled almost like `name`, nearest first."""
        found = sorted(self._near(key(name)), key=lambda pair: -pair[1])
        return [self._concepts[i].name for i, _ in found[:n]]

    def _near(self, word: str) -> list[tuple[int, float]]:
        """Names near to `word` with their similarity 0..1, among those that share most letter triples."""
        shared = Counter(i for gram in _grams(word) for i in self._grams.get(gram, ()))
        found = []
        for i, _ in shared.most_common(_FUZZY_CANDIDATES):
            ratio = difflib.SequenceMatcher(None, word, self._names[i]).ratio()
            if ratio >= _NEAR:
                found.append((i, ratio))
        return found


def _rank(name: str, query: str) -> float:
    """How well a name answers the whole query."""
    if name == query:
        return 4.0
    if name.startswith(query) or f" {name} " in f" {query} ":
        return 3.0
    return 2.0 if query in name else 0.0


def _grams(text: str) -> set[str]:
    """Letter triples with padding, so that short and cut words still share some."""
    padded = f"  {text} "
    return {padded[i : i + 3] for i in range(len(padded) - 2)}
