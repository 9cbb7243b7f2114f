"""References to concepts: names, nicknames, "my dog", pronouns; and names that are nearly right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .normalise import FILE, TAKE
from .spelling import COMMON, nearly, slip
from .state import Ask, ConceptInfo, Hints, State
from .words import (
    ANIMALS,
    GIVEN_NAMES,
    KIND_WORDS,
    KINDS,
    PEOPLE,
    PEOPLE_HE,
    PEOPLE_SHE,
    PRONOUNS,
    THINGS,
    TITLES,
    WORDLIKE,
    either,
)

_DETERMINER = r"(?P<det>my|our|the|that|this|your|his|her|their)"
_ARTICLE_BEFORE = re.compile(r"\b(?:an?|some|any|more|two|three|four|five|many|several|no|every|"
    r"each)\s(?:(?!of\b)[a-z]+\s)?$")
_SUBJECT_PLACE = re.compile(
    r"(?:^|[,.;:!?]\s|\b(?:draw|paint|get|have|want|need|love|just|only|swap|replace|bring|place|where|"
    r"featuring|compare|do|but|know|remember|if|what|how|does|did|train|practise|practice|up|"
    r"know|without|than|so|because|from|showing|having|watch|wish|let|sketch|show|show me|draw me|of|"
    r"with|and|n|plus|or|put|give|let|is|forget|rename|who|about|"
    r"meet|call|to|for|now|about|on|place|add|teach|remove|name|without|as|named|called|make|see|"
    r"please|pls|that|alone|while|where|also|"
    r"generate|create|render|revert|recall|me|like|and also|also|then))\s*$"
)
_AFTER_NAME = re.compile(
    r"$|[^\w\s]|\s(?:on|in|at|and|n|plus|or|with|without|wearing|next|to|as|by|near|under|over|is|was|has|"
    r"from|for|into|inside|behind|beside|but|doesn't|don't|isn't|no|wears|needs|looks|likes|can|could|will|never|who|sits|"
    r"had|now|again|please|too|instead|like|about|should|always|never|alone|together|asleep|"
    r"[a-z]+ing|of|[^a-z\s])(?![\w])"
)
PRONOUN = re.compile(rf"(?<![\w']){either(dict.fromkeys(PRONOUNS))}(?![\w])")


@dataclass(frozen=True, slots=True)
class Subject:
    """A place in the sentence that speaks of concepts. More than one name: ambiguous; none: unknown."""

    start: int
    end: int
    names: tuple[str, ...]
    said: str
    how: str = "name"
    """"name", "nickname", "mine" ("my dog"), "kind" ("the dog"), "group" ("both dogs"), "near" (a typo)."""

    def moved(self, by: int) -> Subject:
        """The same reference, seen from another offset."""
        return replace(self, start=self.start + by, end=self.end + by)


def find_subjects(raw: str, low: str, state: State) -> list[Subject]:
    """All references to concepts except pronouns, in order, without overlaps."""
    found: list[Subject] = []
    for finder in (_named, _kinds, _typos):
        for subject in finder(raw, low, state):
            if all(subject.end <= other.start or other.end <= subject.start for other in found):
                found.append(subject)
    return _joined(raw, low, sorted(found, key=lambda s: s.start))


def _joined(raw: str, low: str, found: list[Subject]) -> list[Subject]:
    """As in "my dog Biscuit" and "Biscuit, my dog," are one reference; so is "Biscuit the dog"."""
    joined: list[Subject] = []
    for subject in found:
        last = joined[-1] if joined else None
        between = low[last.end : subject.start] if last else ""
        if (
            last
            and between in (" ", ", ")
            and {last.how, subject.how} & {"mine", "kind"}
            and (set(last.names) & set(subject.names))
        ):
            both = tuple(n for n in last.names if n in subject.names)
            how = "name" if "name" in (last.how, subject.how) else last.how
            end = subject.end
            joined[-1] = Subject(last.start, end, both, raw[last.start : end], how)
        else:
            joined.append(subject)
    return joined


def _named(raw: str, low: str, state: State) -> Iterator[Subject]:
    called: list[tuple[str, ConceptInfo, str]] = []
    for concept in state.concepts:
        called.append((concept.name, concept, "name"))
        called += [(nickname, concept, "nickname") for nickname in concept.nicknames]
        title, _, rest = concept.name.partition(" ")
        if other := next((t for pair in TITLES for t in pair if title.lower().rstrip(".") in pair - {t}), ""):
            called.append((f"{other} {rest}", concept, "nickname"))
    called.sort(key=lambda item: -len(item[0]))
    names: dict[str, list[str]] = {}
    for name, concept, _ in called:
        names.setdefault(name.lower(), []).append(concept.name)
    for name, _concept, how in called:
        key = name.lower()
        start = low.find(key)
        while start >= 0:
            end = start + len(key)
            if _whole(low, start, end) and _is_name(raw, low, start, end, name):
                start = _with_article(low, start)
                yield Subject(start, end, tuple(dict.fromkeys(names[key])), raw[start:end], how)
            start = low.find(key, end)


def _with_article(low: str, start: int) -> int:
    match = re.search(r"(?<!\w)(?:my|our) $", low[:start])
    return match.start() if match else start


_POSSESSED = re.compile(
    r"(?<=s) (?!(?:are|were|and|or|on|in|at|with|under|by|from|to|for|of|have|do|can|could|will|would|"
    r"should)\b)[a-z]"
)


def with_apostrophes(raw: str, state: State) -> str:
    """The sentence with "rexs tail" as "rex's tail": the apostrophe that is left out after a known name."""
    if len(state.concepts) > 500:
        return raw
    for name in (n for c in state.concepts for n in (c.name, *c.nicknames)):
        said = name.lower()
        if len(said) > 2 and said not in WORDLIKE | KINDS and f"{said}s " in raw.lower():
            pattern = rf"(?<![\w']){re.escape(name)}s(?= )"
            for match in list(re.finditer(pattern, raw, re.IGNORECASE))[::-1]:
                if _POSSESSED.match(raw, match.end()):
                    raw = f"{raw[: match.end() - 1]}'{raw[match.end() - 1 :]}"
    return raw


def _whole(low: str, start: int, end: int) -> bool:
    before = low[start - 1] if start else " "
    after = low[end] if end < len(low) else " "
    return not (before.isalnum() or before == "_") and not (after.isalnum() or after in (FILE, TAKE))


def _is_name(raw: str, low: str, start: int, end: int, name: str) -> bool:
    """Whether the word at that place is the name and not a common word that looks like it."""
    if raw[start:end] == name and not name.islower() and start > 0:
        return True
    before = low[:start]
    if _ARTICLE_BEFORE.search(before) and raw[start:end] != name and not _DOES.match(low, end):
        return False
    if low[start:end] not in WORDLIKE:
        return True
    if raw[start:end] == name and name[:1].isupper() and low[start:end] not in _WEATHER and low[end : end + 1] == " ":
        return True
    if _DOES.match(low, end) and low[start:end] not in _WEATHER:
        return not re.search(r"\b(?:the|his|her|its|their)\s$", before)
    if re.search(r"\b(?:the|his|her|its|their)\s$", before) or not _AFTER_NAME.match(low, end):
        return False
    if low[start:end] not in _WEATHER and re.search(r"\b(?:isn't|not|even|wasn't|like|hardly)\s$", before):
        return True
    return bool(_SUBJECT_PLACE.search(before))


# "lol no noodle has a stubby tail": what has or does something is somebody.
_DOES = re.compile(r" (?:has|is|had|was|does|never|always|wears|doesn't|hasn't|isn't)\b")
# Names that also say how a picture looks: "it is not sunny" speaks of no one.
_WEATHER = frozenset("sunny snowy stormy misty cloudy rusty dusty happy fluffy sandy rosy red blue brown".split())


def kind_words(kind: str) -> frozenset[str]:
    """What a subject of this kind may be called."""
    kind = kind.lower().strip()
    words = KIND_WORDS.get(kind, frozenset()) | {kind}
    last = kind.rpartition(" ")[2]
    if last != kind:
        words |= KIND_WORDS.get(last, frozenset()) | {last}
    if last in ANIMALS:
        words |= {"pet", "animal"}
    if last in PEOPLE:
        words |= {"person"}
    return words - {""}


def of_kind(word: str, concepts: Sequence[ConceptInfo]) -> tuple[str, ...]:
    """Names of the concepts that `word` may mean; an exact kind goes before a looser word."""
    exact = tuple(c.name for c in concepts if c.kind.lower() == word)
    return exact or tuple(c.name for c in concepts if word in kind_words(c.kind))


def _plural(word: str) -> str:
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def _is_there(word: str, names: Sequence[str], state: State) -> bool:
    """Whether "the cat" is one in the current picture whom nobody has taught."""
    take = state.take(state.current)
    if take is None or set(names) & set(take.concepts):
        return False
    return any(word == other.split()[-1].lower() for other in take.others)


def _kinds(raw: str, low: str, state: State) -> Iterator[Subject]:
    words = set().union(*(kind_words(c.kind) for c in state.concepts)) if state.concepts else set()
    words |= {c.name.lower() for c in state.concepts}
    known = words | KINDS
    pattern = (
        rf"(?<!\w){_DETERMINER} (?:[a-z]+ "
        rf")??(?P<word>{either(frozenset(map(re.escape, known)))})(?![\w-])"
    )
    for match in _cached(pattern).finditer(low):
        names = of_kind(match["word"], state.concepts)
        mine = match["det"] in ("my", "our")
        if names or mine:
            between = low[match.start() + len(match["det"]) : match.start("word")].strip()
            if between and not mine:
                continue  # "the other dog", "the white dog": a part of the picture
            if not mine and _is_there(match["word"], names, state):
                continue
            yield Subject(match.start(), match.end(), names, match.group(), "mine" if mine else "kind")
    for match in _SAME.finditer(low):
        take = state.take(state.current)
        near = state.focus or (take.concepts if take else ())
        names = (
            near
            if match["word"] in ("one", "subject", "character")
            else tuple(n for n in near if n in of_kind(match["word"], state.concepts))
        )
        if names:
            yield Subject(match.start(), match.end(), names, match.group(), "kind")
    plurals = {_plural(w): w for w in words if w}
    if plurals:
        group = (
            rf"(?<!\w)(?:both|all|my|our|the|both my|both the|all my|all the)(?: of)?(?: (?P<n>two|three|"
            rf"four|five|[2-5]))?"
            rf" (?P<word>{either(frozenset(map(re.escape, plurals)))})(?![\w-])"
        )
        for match in _cached(group).finditer(low):
            names = of_kind(plurals[match["word"]], state.concepts)
            if len(names) > 1 and len(names) == _HOW_MANY.get(match["n"], len(names)):
                one = re.search(r"\b(?:one|any|either) of $", low[: match.start()])
                start = one.start() if one else match.start()
                yield Subject(start, match.end(), names, low[start : match.end()], "mine" if one else "group")
    for match in _EVERYONE.finditer(low):
        if _NO_ONE_NAMED.search(low[: match.start()]):
            continue
        take = state.take(state.current)
        every = tuple(c.name for c in state.concepts)
        said = next((n for w, n in _HOW_MANY.items() if w in match.group()), 0)
        groups = [every, state.focus, take.concepts if take else ()] if said else [every]
        if everyone := next((g for g in groups if 1 < len(g) <= 6 and said in (0, len(g))), ()):
            yield Subject(match.start(), match.end(), everyone, match.group(), "group")


_WORDED = {"both": 2, "pair": 2, "duo": 2, "trio": 3, "two": 2, "three": 3, "four": 4, "five": 5}
_HOW_MANY = _WORDED | {str(n): n for n in range(2, 6)}
_EVERYONE = re.compile(
    r"(?<!\w)(?:(?:them all|all(?! (?:around|round|over|along|day|night)\b)|both)"
    r"(?: (?:two|three|four|five|[2-5]))?(?: of (?:them|my (?:pets|"
    r"animals|friends|subjects)))?|everyone|everybody|"
    r"(?:the|these|those|my) (?:two|three|four|five|[2-5])(?: of them)?|the (?:pair|duo|"
    r"trio)(?: of them)?|the whole (?:gang|family|crew|bunch|team|lot|squad)|"
    r"all my (?:pets|animals|friends|subjects|characters))"
    r"(?= (?:on|in|at|under|together|having|around|sitting|as|by|near|riding|dancing|playing|"
    r"sleeping|eating|[a-z]{3,}ing)\b)"
)
# "With candles and everybody laughing", "we're all on holiday".
_NO_ONE_NAMED = re.compile(r"\b(?:and|while|as|with|we|we're|they|they're|you|you're|are|were) $")
_SAME = re.compile(
    rf"(?<!\w)(?:the )?same (?P<word>one|subject|character|{either(KINDS)})(?= (?:on|in|at|under|riding|"
    rf"wearing|flying|sitting)\b)"
)
_PATTERNS: dict[str, re.Pattern[str]] = {}


def _cached(pattern: str) -> re.Pattern[str]:
    """Compiled patterns of the last few libraries; the standard cache would compile one anew each turn."""
    if pattern not in _PATTERNS:
        if len(_PATTERNS) > 16:
            _PATTERNS.clear()
        _PATTERNS[pattern] = re.compile(pattern)
    return _PATTERNS[pattern]


def _typos(raw: str, low: str, state: State) -> Iterator[Subject]:
    if len(state.concepts) > 500:  # a near match among thousands says nothing
        return
    known = {w.lower() for c in state.concepts for w in (c.name, *c.nicknames)}
    for match in list(re.finditer(r"(?<![\w'.])[a-z][a-z-]{2,}(?![\w])", low))[:60]:
        word = match.group()
        if word in known or word in KINDS or word.endswith("s") and word[:-1] in known:
            continue
        capital = raw[match.start()].isupper()
        near = tuple(c.name for c in state.concepts if nearly(word, c.name.lower()))
        if not near or (not capital and not _SUBJECT_PLACE.search(low[: match.start()])):
            continue
        if _ARTICLE_BEFORE.search(low[: match.start()]) or word in COMMON:
            continue
        if len(near) == 1 and slip(word, near[0].lower()):
            yield Subject(match.start(), match.end(), near, raw[match.start() : match.end()], "slip")
            continue
        yield Subject(match.start(), match.end(), near, raw[match.start() : match.end()], "near")


def pronoun_of(concept: ConceptInfo) -> frozenset[str]:
    """The pronouns that may stand for a concept: its own, or else what its kind allows."""
    if concept.pronoun in ("he", "she", "they"):
        return frozenset({concept.pronoun, "it"}) if concept.kind.lower() in ANIMALS else frozenset({concept.pronoun})
    if concept.pronoun == "it":
        return frozenset({"it"})
    kind = concept.kind.lower().rpartition(" ")[2]
    if kind in PEOPLE_HE:
        return frozenset({"he"})
    if kind in PEOPLE_SHE:
        return frozenset({"she"})
    if kind in PEOPLE:
        return frozenset({"he", "she", "they"})
    return frozenset({"he", "she", "it"}) if kind not in THINGS else frozenset({"it"})


def antecedents(word: str, state: State) -> tuple[str, ...]:
    """Whom a pronoun may mean: the focus first, then the current take, then all; "them" means several."""
    kind = PRONOUNS[word]
    take = state.take(state.current)
    everyone = tuple(c.name for c in state.concepts)
    if kind == "they" and take and take.others and len(take.figures) > 1:
        return take.concepts  # with somebody who is there already, and is no concept
    if kind != "they" and len(state.focus) == 1 and (one := state.concept(state.focus[0])) and one.pronoun is None:
        return state.focus  # somebody whom the user has just introduced
    for names in (state.focus, take.concepts if take else (), everyone):
        known = tuple(n for n in names if state.concept(n))
        if kind == "they":
            if len(known) > 1 or (known and "they" in pronoun_of(state.concept(known[0]) or ConceptInfo(""))):
                return known
            continue
        fits = tuple(n for n in known if (c := state.concept(n)) and kind in pronoun_of(c))
        sure = tuple(n for n in fits if (c := state.concept(n)) and c.pronoun == kind)
        if fits:
            return sure or fits
    return ()


def choose(names: Sequence[str], said: str, state: State, hints: Hints) -> str | Ask:
    """The one concept that is meant, or the question that finds out."""
    if hints.concept and (not names or hints.concept in names):
        return hints.concept
    if len(names) == 1:
        return names[0]
    if names:
        return Ask(f"Which one do you mean by {said!r}?".replace("'", '"'), tuple(names[:9]), "concept")
    known = tuple(c.name for c in state.concepts)[:8]
    return Ask(
        f'Whom do you mean by "{said}"?' if known else f'I do not know "{said}" yet; who or what is it?',
        known,
        "concept",
    )


def likely_name(word: str) -> bool:
    """Whether a capitalised word that starts a sentence is probably somebody's name."""
    return word.lower() in GIVEN_NAMES
