"""Takes by what they show: "the night one", "the one with the hat"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set

from .state import State, TakeInfo
from .takeref import LOOKED_AT, NOUN, TakeRef, ref_at
from .words import PICTURE

_PICTURES = frozenset(PICTURE) | {"one", "shot", "scene"}
_DESCRIBED = re.compile(
    rf"(?:(?<!\w)the |^(?:ok |and |so )?(?!the\b|a\b|an\b|this\b|that\b|another\b|same\b|new\b|"
    rf"not?\b))(?P<words>[a-z]+(?: [a-z]+)?) (?:{LOOKED_AT})(?![\w-])"
)
_DESCRIBED_TWICE = re.compile(
    rf"(?<!\w)the (?P<words>[a-z]+) (?:{LOOKED_AT}) (?:with|in|at|on|where|wearing) "
    rf"(?:the |a |an |his |her |its )?(?P<more>[a-z]+)(?![\w-])"
)
_DESCRIBED_BY = re.compile(
    rf"(?<!\w)the (?:{LOOKED_AT}) (?:that (?:has|shows|had)|"
    r"with|where|in|on|at|of|from|wearing|showing|having)"
    r" (?P<words>[^,.!?;:]{2,60}?)(?=$|[,.!?;:]| (?:and|but|again|please|instead)\b)"
)
_DESCRIBED_WHEN = re.compile(
    r"(?<!\w)back to (?P<t>(?:when|where) (?:it|he|she|they|we) (?:was|were|had|"
    r"wore) (?P<words>[^,.!?;:]{2,60}?))(?=$|[,.!?;:]| (?:and|but|again|please)\b)"
)
_IGNORED = frozenset(
    "the a an in on at of with one take picture version his her its their is it he she was has had "
    "and my where there "
    "wears wearing image drawing that".split()
)
_NOT_A_LOOK = frozenset(
    "other same next new whole entire only right left middle big small wrong raw real bigger smaller "
    "larger upper lower top "
    "bottom front rear back old young tall short no any every each some".split()
)
_TAKEN_AWAY = re.compile(r"\b(?:remove|without|no|lose|delete|drop|away|out|rid)\b")


def _lacks(take: TakeInfo, stem: str, state: State) -> bool:
    """Whether a take does not show what the word with that stem names."""
    kinds = " ".join(f"{c.name} {c.kind}" for c in state.concepts if c.name in take.concepts)
    if stem not in stems(f"{take.description} {take.prompt} {kinds}"):
        return True
    return _TAKEN_AWAY.search(take.prompt.lower()) is not None and stem in stems(take.prompt)


def _speaks_of(word: str, text: str) -> bool:
    """Whether a text has a word, or one of its family: "explosion" and "explode"."""
    near = {w[:5] for w in re.findall(r"[a-z]{6,}", text.lower())} if len(word) > 5 else set()
    longer = len(word) > 3 and any(w.startswith(word) for w in re.findall(r"[a-z]+", text.lower()))
    return longer or _stem(word) in stems(text) or word[:5] in near


def described(low: str, state: State) -> Iterator[TakeRef]:
    """As in "The beach one", "the one with the hat": takes whose words fit; several fits are ambiguous."""
    for match in _DESCRIBED_TWICE.finditer(low):
        fits = matching(set(re.findall(r"[a-z]+", f"{match['words']} {match['more']}")) - _IGNORED, state)
        if len(fits) == 1:
            yield ref_at(match, fits, "described")
    for pattern in (_DESCRIBED, _DESCRIBED_BY, _DESCRIBED_WHEN):
        for match in pattern.finditer(low):
            said = list(re.finditer(r"[a-z]+", match["words"]))
            for count in range(len(said), 0, -1) if pattern is _DESCRIBED_BY else (len(said),):
                words = {w.group() for w in said[:count]} - _IGNORED - {"just", "only"}
                if not words or words & _NOT_A_LOOK or not (fits := matching(words, state)):
                    continue
                if re.match(r"(?:just|only) ", match["words"]):
                    fits = fits[:1]
                how = "described" if len(fits) == 1 else "several"
                end = match.start("words") + said[count - 1].end()
                if count == len(said):
                    yield ref_at(match, fits, how, "t" if pattern is _DESCRIBED_WHEN else 0)
                else:
                    yield TakeRef(match.start(), end, fits, low[match.start() : end], how)
                break


_UNSEEN = re.compile(
    r"^(?:(?:in|on|for|take|ok|and|so|now),? )*the (?:one|take|picture|version|image|drawing|pic|"
    r"photo) (?:with|of|where|that has|showing) "
    r"[^,.!?;:]{2,40}(?=,? (?:but|now|only|make|add|remove|put|turn|give|change|set|paint|let|should|"
    r"needs)\b)"
)


def unseen(low: str, state: State) -> Iterator[TakeRef]:
    """As in "the one with the sheep, make it rain" where no take is known to show sheep: nobody can tell which."""
    if state.takes and (match := _UNSEEN.match(low)):
        yield ref_at(match, (), "several")


_LEADING_PHRASE = re.compile(r"(?:(?:in|on|for|ok|and|so|now|take|use),? )*(?:the|"
    r"that) (?P<words>(?:[a-z'-]+ ?){2,6})")
_ENDS_PHRASE = re.compile(
    rf" ?{NOUN}?(?:,? (?:but|needs?|should|could|again|is (?:nearly|almost)|has to)\b|, (?:only|with|"
    rf"without|in|at|on|now)\b)"
)


def depicted(low: str, state: State) -> Iterator[TakeRef]:
    """As in "the autumn ride, but …": words in front that only one take's description holds."""
    match = _LEADING_PHRASE.match(low)
    if not match:
        return
    words = list(re.finditer(r"[a-z'-]+", low[: match.end()]))
    first = next(i for i, w in enumerate(words) if w.start() == match.start("words"))
    for last in range(len(words), first + 1, -1):
        said = {_stem(w.group()) for w in words[first:last]} - _stemmed(_IGNORED | _NOT_A_LOOK) - _stemmed(_PICTURES)
        if len(said) < 2 or not _ENDS_PHRASE.match(low, words[last - 1].end()):
            continue
        kinds = {c.name: c.kind for c in state.concepts}
        fits = [
            t.number
            for t in state.takes
            if said <= stems(" ".join([t.prompt, t.description, *(kinds.get(n, "") for n in t.concepts)]))
        ]
        own = [t.number for t in state.takes if t.number in fits and said & stems(t.prompt)]
        if fits:
            yield TakeRef(
                match.start("words") - 4,
                words[last - 1].end(),
                (own[0] if own else fits[0],),
                low[: match.end()],
                "described",
            )
            return


# What a change takes away is not what its picture shows: "swap the plums for figs".
_GONE = re.compile(
    r"\b(?:swap|replace|exchange|change|trade|substitute|turn) (?:the |his |her |its |a |an )?[a-z ]{2,30}? "
    r"(?=(?:for|with|by|to|into) )|"
    r"\b(?:instead of|rather than|in place of|remove|delete|lose|drop|erase|without|get rid of|take (?:off|away|"
    r"out)) (?:the |his |her |its |a |an )?[a-z]+"
)


def matching(words: set[str], state: State) -> tuple[int, ...]:
    """Takes whose own words hold all of `words`; else those whose whole description does."""
    for text in (lambda take: _GONE.sub("", take.prompt.lower()), lambda take: take.description):
        fits = tuple(t.number for t in state.takes if words <= stems(text(t)) or _stemmed(words) <= stems(text(t)))
        if fits:
            return fits
    return ()


def showing(word: str, state: State) -> tuple[int, ...]:
    """Takes whose whole description holds `word`, the ones that only inherit it included."""
    return tuple(t.number for t in state.takes if _stem(word) in stems(t.description))


def _stemmed(words: Set[str]) -> set[str]:
    return {_stem(word) for word in words}


def stems(text: str) -> set[str]:
    """The words of a text, also without their endings."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    return words | _stemmed(words)


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            return word[:-1] if word[-1] == word[-2] else word
    return word


def describe(take: TakeInfo) -> str:
    """A take in a few words, for an option or a reply."""
    text = take.description or take.prompt
    return f"take {take.number}" + (f": {text[:60]}" if text else "")


_PRIOR = re.compile(
    r"(?<!\w)(?:(?:the )?(?:one|picture|take|version|image|drawing|pic|photo|shot|way (?:it|he|she|they) (?:was|"
    r"were|looked)|"
    r"(?!to |from |back |at |it |that |this |was |so |and |but )[a-z]+(?: [a-z]+)?) |(?:as|how|like|when|where) "
    r"(?:it|he|she|they|we|things) (?:was|were|looked|had) |"
    r"(?<=back to )|(?<=back ))(?P<t>(?:from )?before )(?:(?:we|i|you) (?:added|put|gave|made|drew|did|turned|"
    r"changed) )?"
    r"(?:(?:him|her|it|them) )?(?:on |in )?(?:the |a |an |his |her |its |their |all the |that |any "
    r")?(?P<words>[a-z]+(?: [a-z]+)??)"
    r"(?=$|[,.!?;:]| (?:and|but|go|was|is|please|pls|again|let|then|thanks|were|looked|had|on|in|came|appeared)\b)"
)
_SPARED = re.compile(
    r"(?<!\w)(?:the|that) (?P<words>[a-z]+(?: [a-z]+)?) (?:(?:one|picture|take|version|image|drawing|pic|photo|"
    r"shot|scene) )?"
    r"without (?:the |a |an |any |his |her |its )?(?P<less>[a-z]+)"
)


def before_that(low: str, state: State) -> Iterator[TakeRef]:
    """As in "the one before the hat" and "the beach without the hat": takes from before something came in."""
    for match in _PRIOR.finditer(low):
        words = set(re.findall(r"[a-z]+", match["words"])) - _IGNORED
        came = [t for t in state.takes if words and t.parent and all(_speaks_of(w, t.prompt) for w in words)]
        if came and state.take(came[0].parent):
            yield TakeRef(match.start(), match.end(), (came[0].parent or 1,), match.group(), "described")
    for match in _SPARED.finditer(low):
        words = set(re.findall(r"[a-z]+", match["words"])) - _IGNORED
        fits = lineage(state, state.take(state.current))
        if words:
            fits = [t for t in state.takes if all(_speaks_of(w, t.description) for w in words)]
        bare = [t for t in fits if _lacks(t, _stem(match["less"]), state)]
        if bare and len(bare) < len(fits):
            yield ref_at(match, (bare[-1].number,), "described")


def lineage(state: State, take: TakeInfo | None) -> list[TakeInfo]:
    """A take and those that it came from, the oldest first."""
    found: list[TakeInfo] = []
    while take and take not in found:
        found.append(take)
        take = state.take(take.parent)
    return found[::-1]
