"""Words: lists of them in a sentence, and what a closed-vocabulary preset cannot draw."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path


def listed(words: Sequence[object]) -> str:
    """A list as a person says it: "a", "a and b", "a, b and c"; "" of none."""
    texts = [str(word) for word in words]
    return " and ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else "".join(texts)


def renamed(text: str, name: str, word: str = "it") -> str:
    """`text` with another word for a name, in whatever case it stands."""
    return re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", word, text, flags=re.IGNORECASE)


# Words that carry no picture, or only steer the dialogue.
LITTLE = frozenset(
    """
    a about again all also an and another any are as at be been but by can could do does draw drawing for four
    from get give go had has have he her here hers him his how i if image in into is it its itself just lets like
    look looks make makes many may me more my new no not now of off on once one only or other our out over own
    paint painting photo photograph picture pictures please pose put render same see she show sketch so some take
    than that the their them then there these they this those three to too two under up us very version want was
    we were what when where which while who will don doesn isn won with without would you your yours s t d m re ve
    ll also still both each next time times first second third last few bit little lot way try let try doing being
    standing sitting stands sits keep change turn instead different create generate imagine illustration scene
    holding hold holds held carry carries carrying wearing wears wear side add remove must should shall might really
    super duper totally extremely rather quite thanks thank yes yeah yay no nope oh ah hmm hey hi hello ok okay
    maybe perhaps actually sorry wait dear having
    round onto got going goes pop stick chuck want wants meant mean said anymore already kind sort recolor recolour
    """.split()
)


@lru_cache
def known_words(file: Path) -> frozenset[str]:
    """The words in `file`, a JSON list."""
    return frozenset(json.loads(file.read_text(encoding="utf-8")))


def unknown_words(prompt: str, names: Sequence[str], file: Path) -> list[str]:
    """The words of `prompt` that neither `file` nor everyday English explains, each once, in order."""
    text = prompt
    for name in names:
        text = renamed(text, name, " ")
    known = known_words(file)
    found: dict[str, None] = {}
    text = re.sub(r"([aeiouy])\1{2,}", r"\1", text.lower().replace("’", "'"))  # "noooo"
    for word in re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", text):
        stem = word.removesuffix("'s")
        parts = {stem} if _explained(stem, known) else set(re.split("['-]", stem))
        if not all(part in LITTLE or _explained(part, known) for part in parts):
            found[stem] = None
    return list(found)


def _explained(word: str, known: frozenset[str]) -> bool:
    """Whether the word, its singular or its plain form is known."""
    forms = {word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("ly"), word + "s"}
    if word.endswith("ies"):
        forms.add(word[:-3] + "y")
    return not forms.isdisjoint(known)


def respelled(words: str, names: Sequence[str], file: Path) -> dict[str, str]:
    """Words of a prompt that can only be slips of ones in `file`: a letter left out or doubled, two that changed
    places."""
    known = [word for word in known_words(file) if len(word) > 4]
    found = {}
    for slip in (word for word in unknown_words(words, names, file) if len(word) > 4):
        meant = [word for word in known if word[0] == slip[0] and _slipped(slip, word)]
        if len(meant) == 1:
            found[slip] = meant[0]
    return found


def _slipped(slip: str, word: str) -> bool:
    if len(slip) == len(word):
        return any(slip == word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1))
    if len(slip) < len(word):
        return any(slip == word[:i] + word[i + 1 :] for i in range(len(word)))
    return any(slip == word[:i] + word[i] + word[i:] for i in range(len(word)))


def known_part(prompt: str, names: Sequence[str], file: Path) -> str:
    """`prompt` without the words that the models have never seen; names and punctuation stay.

    A small model is led astray by what it does not know, where a large one would shrug.
    """
    known = known_words(file)
    named = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    pieces = re.findall(rf"(?<!\w)(?:{named})(?!\w)|[^\W\d_]+|\S" if named else r"[^\W\d_]+|\S", prompt, re.IGNORECASE)
    lowered = {name.lower() for name in names}
    kept = [
        piece
        for piece in pieces
        if piece.lower() in lowered or not piece[0].isalpha() or _explained(piece.lower(), known)
    ]
    text = " ".join(kept)
    return re.sub(r"\s+([,.;:!?'’])\s*", r"\1 ", text).replace("' s", "'s").strip(" ,;:.!?")
