"""References to takes: numbers, ordinals, "the last one", "the one before", "the night one", groups."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass, replace

from .state import State, TakeInfo
from .words import NUMBERS, ORDINALS, PICTURE, either

_PICTURES = frozenset(PICTURE) | {"one", "shot", "scene"}
_LOOKED_AT = "one|take|picture|version|image|drawing|pic|photo|shot|painting|sketch|scene"
_NOUN = rf"(?:ones?|{either(PICTURE)}s?|result|option|attempt|try)"
_COUNT = rf"(?:\d{{1,3}}|{either(dict.fromkeys(NUMBERS))})"
_SEVERAL = rf"(?:\d{{1,3}}|{either({word: 0 for word in NUMBERS if word != 'one'})})"
_ORDINAL = rf"(?:{either(dict.fromkeys(ORDINALS))}|\d{{1,4}}(?:st|nd|rd|th))"
# After a bare "the second" or "take two" something must follow that cannot be the noun it counts.
_AFTER = (
    r"(?=$|[,.!?;:)\"]| -|'s\b|\s(?:and|or|but|with|without|again|at|in|on|is|was|are|to|as|for|from|"
    r"please|instead|now|"
    r"should|looks?|has|had|vs|versus|than|though|needs?|could|into|by|so|then|would|more|like|too|"
    r"wearing|it|can|let|turn|swap|replace|move|take|set|paint|there|really|must|might|may|still|thanks|pls|"
    r"if|because|because|has|does|did|looked|best|better|only|over|while|which|who|except|minus|plus|"
    r"yet|anyway|"
    r"behind|above|below|under|near|around|before|after|during|of|goes|go|gets|got|works|put|make|add|"
    r"give|remove|change|"
    r"feels|seems|came|hits|he|she|they|you|we|i|its|his|her|their|once|up|my|your|"
    r"differ|differs|compared|be|do|does|did|when|where|against|since|just|against|next|together|beside|"
    r"side|darker|brighter|bigger|smaller|snowy|rainy|a\b)(?![\w-]))"
)
_NOT_NUMBERED = (
    r"(?! ?(?:steps?|takes?|times|more|pictures?|photos?|images?|versions?|of|percent|%|px|pixels|"
    r"x ?\d|[-/:]\d|"
    r"\.\d|years?|minutes?|seconds?))"
)

_NUMBERED = re.compile(
    rf"(?<![\w#])(?P<the>the |a |an )?(?:(?P<word>take|picture|pic|image|photo|version|drawing|"
    rf"variant|option|result|"
    rf"attempt|number|nr|num|no)(?P<dot>\.)? ?(?:number |no\.? |nr\.? |#)?|(?P<hash>#) ?)"
    rf"(?:(?P<digits>\d{{1,6}})(?![\w])|(?P<spelled>{either(dict.fromkeys(NUMBERS))}){_AFTER}){_NOT_NUMBERED}"
)
_GROUP = re.compile(
    rf"(?<!\w)(?:the |my )?(?:very )?(?P<end>first|last|latest|previous) (?P<count>{_SEVERAL})(?: {_NOUN})?"
    rf"(?: (?:of them|i made|we made|you made|you drew|drawn))?(?![\w-])(?! (?:steps|changes|edits|operations|"
    rf"actions|moves|modifications|corrections|things)\b)"
    rf"|(?<!\w)(?P<all>both(?: of (?:them|those|these))?|all (?:of (?:them|those|these)|"
    rf"(?:the )?(?:takes|pictures|"
    rf"images|versions))|all {_COUNT}(?: of them)?|the two of them|these two|those two|the two)"
    rf"(?=$|[,.!?;:]| (?:again|please|and|with|side))"
)
_BEFORE_LAST = re.compile(
    rf"(?<!\w)(?:the )?(?:(?:{_NOUN} )?before (?:the )?last(?: {_NOUN})?|one before last|last but one|"
    rf"second[- ](?:to[- ])?last|next to last|penultimate|last {_NOUN} but one|second latest|second newest)"
    rf"(?: {_NOUN})?(?![\w-])"
)
_BEFORE = re.compile(
    rf"(?<!\w)(?:the )?(?:{_NOUN} (?:just )?before(?: (?:that|this|it|"
    rf"the current)(?: {_NOUN})?)?(?=$|[,.!?;:]| (?:and|but|again|with|please|is|was|looks|looked))|"
    rf"previous {_NOUN}|previous(?=$|[,.!?;:])|preceding {_NOUN}|prior {_NOUN}|earlier {_NOUN})"
)
_RANKED = re.compile(
    rf"(?<!\w)(?P<det>the |my |your |that |this )?(?:very )?(?P<rank>{_ORDINAL}|last|latest|newest|"
    rf"most recent|final|original|"
    rf"initial|oldest|earliest)(?P<noun> {_NOUN}(?![\w-])(?! (?:hour|year|week))|{_AFTER})"
)
_START = re.compile(
    r"(?<!\w)(?:back|over|again|restart|start|return|go) (?:\w+ )?(?:to|from|at|"
    r"with) (?P<t>(?:the )?(?:very )?"
    r"(?:beginning|start|original|scratch one|top))(?=$|[,.!?;:]| (?:and|but|again|please))"
)
_THIS = re.compile(rf"(?<!\w)(?<!\bhas )(?<!\bhave )(?<!\bgot )(?:this|that|the current|the present|"
    rf"current) {_NOUN}(?![\w-])(?! (?:of|from|by)\b)")
_LISTING = re.compile(
    r"(?:please |can you |could you |let's |now |so )*(?:(?:put|show|see|place|view)(?: me)? (?:take |"
    r"number |#)?\d{1,4} (?:and|&|next to|beside|with|vs) |compare|difference|what's the difference|"
    r"what is the difference|which|"
    r"how (?:do|does|is|are)|fork|rate|undo to|i (?:like|prefer|love|hate)|is)\b|.{0,40}\b(?:vs|versus|"
    r"against)\b|"
    r".{0,60}\b(?:better|between|difference|compared?|differ)\b"
)
_BARE = re.compile(rf"(?<![\w#.])(?:\d{{1,4}}|{either(dict.fromkeys(NUMBERS))})(?![\w-]|"
    rf"\.\d){_NOT_NUMBERED}{_AFTER}")
_PLACED = re.compile(
    rf"(?<!\w)(?:back to|return to|(?:thumbs (?:up|down)|stars?|points?) (?:for|to)|from|of|in|on|to|"
    rf"edit|do|try|fork|branch|branch off|branch from|use|pick|"
    rf"choose|than|rate|like|love|same as|as in|into|onto|"
    rf"make|continue with|continue from|go with|go to|jump to|switch to|open|keep|redraw|redo|hate|prefer)"
    rf" (?P<n>\d{{1,4}}|{either(dict.fromkeys(NUMBERS))}){_NOT_NUMBERED}"
    rf"(?:{_AFTER}|(?= (?:here|can|does)\b))"
)
_START_SPELLED = re.compile(
    rf"^(?P<n>{either(dict.fromkeys(NUMBERS))})(?=, (?:but|only|just|with|without|except|now|make|"
    rf"and make)\b| but )"
)
_START_NUMBER = re.compile(rf"(?:^|[,;.!?] )(?P<n>\d{{1,4}}){_NOT_NUMBERED}{_AFTER}")
_DESCRIBED = re.compile(
    rf"(?:(?<!\w)the |^(?:ok |and |so )?(?!the\b|a\b|an\b|this\b|that\b|another\b|same\b|new\b|"
    rf"not?\b))(?P<words>[a-z]+(?: [a-z]+)?) (?:{_LOOKED_AT})(?![\w-])"
)
_DESCRIBED_TWICE = re.compile(
    rf"(?<!\w)the (?P<words>[a-z]+) (?:{_LOOKED_AT}) (?:with|in|at|on|where|wearing) "
    rf"(?:the |a |an |his |her |its )?(?P<more>[a-z]+)(?![\w-])"
)
_DESCRIBED_BY = re.compile(
    rf"(?<!\w)the (?:{_LOOKED_AT}) (?:that (?:has|shows|had)|"
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


@dataclass(frozen=True, slots=True)
class TakeRef:
    """A place in the sentence that speaks of takes. `numbers` is empty when it could not be resolved."""

    start: int
    end: int
    numbers: tuple[int, ...]
    said: str
    how: str = "number"
    """"number", "rank", "previous", "current", "group", "described" or "several" (`numbers` are all that fit)."""

    def moved(self, by: int) -> TakeRef:
        """The same reference, seen from another offset."""
        return replace(self, start=self.start + by, end=self.end + by)

    def missing(self, state: State) -> bool:
        """Whether it names a take that the session does not have."""
        return not self.numbers or not all(map(state.exists, self.numbers))


def find_takes(low: str, state: State) -> list[TakeRef]:
    """All references to takes in `low`, in order, without overlaps."""
    found: list[TakeRef] = []
    by_place = (_before_that, _other, _groups, _before, _ranked, _numbered, _placed, _listed)
    for finder in (*by_place, _described, _depicted, _unseen, _current):
        for ref in finder(low, state):
            if all(ref.end <= other.start or other.end <= ref.start for other in found):
                found.append(ref)
    return _together(low, sorted(found, key=lambda ref: ref.start))


def _together(low: str, found: list[TakeRef]) -> list[TakeRef]:
    """As in "the porch picture, the one with the leaves": said twice, one take."""
    joined: list[TakeRef] = []
    for ref in found:
        last = joined[-1] if joined else None
        if last and {last.how, ref.how} <= {"described", "several"} and low[last.end : ref.start] in (", ", " - "):
            both = tuple(n for n in last.numbers if n in ref.numbers) or ref.numbers
            how = "described" if len(both) == 1 else "several"
            joined[-1] = TakeRef(last.start, ref.end, both, low[last.start : ref.end], how)
        else:
            joined.append(ref)
    return joined


def number_of(word: str) -> int:
    """The value of "7", "seven", "7th" or "seventh"."""
    digits = re.match(r"\d+", word)
    return int(digits.group()) if digits else NUMBERS.get(word) or ORDINALS.get(word, 0)


def _ref(match: re.Match[str], numbers: tuple[int, ...], how: str, group: str | int = 0) -> TakeRef:
    start, end = match.span(group)
    return TakeRef(start, end, numbers, match.group(group).strip(), how)


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


def _before_that(low: str, state: State) -> Iterator[TakeRef]:
    """As in "the one before the hat" and "the beach without the hat": takes from before something came in."""
    for match in _PRIOR.finditer(low):
        words = set(re.findall(r"[a-z]+", match["words"])) - _IGNORED
        came = [t for t in state.takes if words and t.parent and all(_speaks_of(w, t.prompt) for w in words)]
        if came and state.take(came[0].parent):
            yield TakeRef(match.start(), match.end(), (came[0].parent or 1,), match.group(), "described")
    for match in _SPARED.finditer(low):
        words = set(re.findall(r"[a-z]+", match["words"])) - _IGNORED
        fits = _lineage(state)
        if words:
            fits = [t for t in state.takes if all(_speaks_of(w, t.description) for w in words)]
        bare = [t for t in fits if _lacks(t, _stem(match["less"]), state)]
        if bare and len(bare) < len(fits):
            yield _ref(match, (bare[-1].number,), "described")


def _lineage(state: State) -> list[TakeInfo]:
    """The current take and those that it came from, the oldest first."""
    found: list[TakeInfo] = []
    take = state.take(state.current)
    while take and take not in found:
        found.append(take)
        take = state.take(take.parent)
    return found[::-1]


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


_OTHER = re.compile(rf"(?<!\w)the other (?:one|{either(PICTURE)})(?![\w-])")


def _other(low: str, state: State) -> Iterator[TakeRef]:
    """As in "The other one": clear only where there are two takes."""
    for match in _OTHER.finditer(low):
        others = tuple(t.number for t in state.takes if t.number != state.current)
        if others:
            yield _ref(match, others, "number" if len(others) == 1 else "several")


def _groups(low: str, state: State) -> Iterator[TakeRef]:
    numbers = [take.number for take in state.takes]
    for match in _GROUP.finditer(low):
        if match["all"]:
            few = re.search(_COUNT, match["all"])
            wanted = number_of(few.group()) if few else (2 if match["all"].startswith("both") else len(numbers))
            if "two" in match["all"] or match["all"].startswith("both"):
                wanted = 2
            chosen = tuple(numbers[-wanted:]) if wanted == len(numbers) else ()
            yield _ref(match, chosen, "group")
            continue
        count = number_of(match["count"])
        chosen = tuple(range(1, count + 1)) if match["end"] == "first" else tuple(numbers[-count:])
        yield _ref(match, chosen if count <= max(len(numbers), 0) else (), "group")


def _before(low: str, state: State) -> Iterator[TakeRef]:
    numbers = [take.number for take in state.takes]
    for match in _BEFORE_LAST.finditer(low):
        yield _ref(match, tuple(numbers[-2:-1]), "rank")
    for match in _BEFORE.finditer(low):
        yield _ref(match, _previous(state), "previous")


def _previous(state: State) -> tuple[int, ...]:
    """The take that was made before the current one."""
    earlier = [t.number for t in state.takes if state.current is not None and t.number < state.current]
    return tuple(earlier[-1:])


def _ranked(low: str, state: State) -> Iterator[TakeRef]:
    numbers = [take.number for take in state.takes]
    for match in _START.finditer(low):
        yield _ref(match, (1,), "rank", "t")
    for match in _RANKED.finditer(low):
        if not match["det"] and not (match["noun"] and match["noun"].strip()) and match.start() > 0:
            continue
        if not match["det"] and low[: match.start()].endswith(("a ", "an ", "another ", "one ")):
            continue
        rank = match["rank"]
        if rank in ("last", "latest", "newest", "most recent", "final"):
            yield _ref(match, tuple(numbers[-1:]), "rank")
        elif rank in ("original", "initial", "oldest", "earliest"):
            if match["noun"].strip() or low[: match.start()].rstrip().endswith(("to", "from", "with")):
                yield _ref(match, (1,), "rank")
        else:
            yield _ref(match, (number_of(rank),), "rank")


_CONTENT = re.compile(
    r"(?:put|add|write|paint|draw|with|says?|saying|reads?|jersey|the word|numbered) (?:the |a |an )?$"
)


def _numbered(low: str, state: State) -> Iterator[TakeRef]:
    for match in _NUMBERED.finditer(low):
        number = number_of(match["digits"] or match["spelled"])
        word = match["word"] or "#"
        before = low[: match.start()]
        on_it = re.search(r"^(?:(?:and|so|ok|now|but|please) )*(?:in|on|for|from|to|about|with) $", before)
        a_take = match["the"] == "the " and word in ("take", "picture", "image", "version")
        if match["the"] and not a_take and not (on_it and state.exists(number)):
            continue  # "the number 9 on the shirt" is a picture's content
        if word in ("no", "nr", "num") and not match["dot"] and match["spelled"]:
            continue  # "no one should …"
        if not state.exists(number) and word != "take" and _CONTENT.search(before):
            continue
        if word == "take" and match["spelled"] == "one" and low[match.end() :].startswith(" of"):
            continue
        yield _ref(match, (number,), "number")


def _placed(low: str, state: State) -> Iterator[TakeRef]:
    for match in _PLACED.finditer(low):
        number = number_of(match["n"])
        tail = low[match.end() :]
        spelled = not match["n"].isdigit()
        if spelled and (match["n"] == "one" or tail.startswith((" more", " with"))):
            continue
        if state.exists(number) or match.group().startswith(("back to", "return", "fork", "go to", "jump")):
            yield _ref(match, (number,), "number", "n")
    for front in (*_START_NUMBER.finditer(low), *_START_SPELLED.finditer(low)):
        if state.exists(number_of(front["n"])) and front.end() < len(low.rstrip(" .!?")):
            yield _ref(front, (number_of(front["n"]),), "number", "n")


def _listed(low: str, state: State) -> Iterator[TakeRef]:
    """Bare numbers where a sentence compares: "compare 1 and 3", "2 vs 5"."""
    if not any(_LISTING.match(part[:120]) for part in re.split(r"(?<=[.!?]) ", low[:400])):
        return
    for match in _BARE.finditer(low):
        if match.group() == "one" and not re.search(r"compare $|between $", low[: match.start()]):
            continue
        if not match.group().isdigit() and not state.exists(number_of(match.group())):
            continue  # "compare 2 and 3, I need them by nine"
        yield _ref(match, (number_of(match.group()),), "number")


def _described(low: str, state: State) -> Iterator[TakeRef]:
    """As in "The beach one", "the one with the hat": takes whose words fit; several fits are ambiguous."""
    for match in _DESCRIBED_TWICE.finditer(low):
        fits = matching(set(re.findall(r"[a-z]+", f"{match['words']} {match['more']}")) - _IGNORED, state)
        if len(fits) == 1:
            yield _ref(match, fits, "described")
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
                    yield _ref(match, fits, how, "t" if pattern is _DESCRIBED_WHEN else 0)
                else:
                    yield TakeRef(match.start(), end, fits, low[match.start() : end], how)
                break


_UNSEEN = re.compile(
    r"^(?:(?:in|on|for|take|ok|and|so|now),? )*the (?:one|take|picture|version|image|drawing|pic|"
    r"photo) (?:with|of|where|that has|showing) "
    r"[^,.!?;:]{2,40}(?=,? (?:but|now|only|make|add|remove|put|turn|give|change|set|paint|let|should|"
    r"needs)\b)"
)


def _unseen(low: str, state: State) -> Iterator[TakeRef]:
    """As in "the one with the sheep, make it rain" where no take is known to show sheep: nobody can tell which."""
    if state.takes and (match := _UNSEEN.match(low)):
        yield _ref(match, (), "several")


_LEADING_PHRASE = re.compile(r"(?:(?:in|on|for|ok|and|so|now|take|use),? )*(?:the|"
    r"that) (?P<words>(?:[a-z'-]+ ?){2,6})")
_ENDS_PHRASE = re.compile(
    rf" ?{_NOUN}?(?:,? (?:but|needs?|should|could|again|is (?:nearly|almost)|has to)\b|, (?:only|with|"
    rf"without|in|at|on|now)\b)"
)


def _depicted(low: str, state: State) -> Iterator[TakeRef]:
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


def _current(low: str, state: State) -> Iterator[TakeRef]:
    for match in _THIS.finditer(low):
        numbers = (state.current,) if state.current else ()
        yield _ref(match, numbers, "current")


def describe(take: TakeInfo) -> str:
    """A take in a few words, for an option or a reply."""
    text = take.description or take.prompt
    return f"take {take.number}" + (f": {text[:60]}" if text else "")
